package expression

import (
	"strconv"
	"strings"

	"quotewire/cloud/dynamodb/attribute"
)

// Step is one element of a [Path]: the name of an attribute, or the index of a list's element if Name is empty.
type Step struct {
	Name  string
	Index int
}

// Path leads to an attribute of an item or to a part of one: a.b[0].c.
type Path []Step

// String writes the path as AWS's error texts do: [a, b, [0], c].
func (p Path) String() string {
	parts := make([]string, len(p))
	for i, s := range p {
		parts[i] = s.Name
		if s.Name == "" {
			parts[i] = "[" + strconv.Itoa(s.Index) + "]"
		}
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// value returns what the path leads to in an item; its Kind is [attribute.Absent] if it leads nowhere.
func (p Path) value(it attribute.Item) attribute.Value {
	v := it.Get(p[0].Name)
	for _, s := range p[1:] {
		switch {
		case s.Name != "" && v.Kind == attribute.M:
			v = v.Map.Get(s.Name)
		case s.Name == "" && v.Kind == attribute.L && s.Index < len(v.List):
			v = v.List[s.Index]
		default:
			return attribute.Value{}
		}
	}
	return v
}

func (p Path) equal(q Path) bool {
	if len(p) != len(q) {
		return false
	}
	for i := range p {
		if p[i] != q[i] {
			return false
		}
	}
	return true
}

// disjoint checks that no two paths of a projection or an update meet: one that leads to a part of another overlaps, and
// two that take one thing for a map and for a list conflict. It returns the error text, if any.
func disjoint(paths []Path) string {
	for i, q := range paths {
		for _, p := range paths[:i] {
			for k := 0; ; k++ {
				if k == len(p) || k == len(q) {
					return "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: " +
						p.String() + ", path two: " + q.String()
				}
				if p[k] == q[k] {
					continue
				}
				if (p[k].Name == "") != (q[k].Name == "") {
					return "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: " +
						p.String() + ", path two: " + q.String()
				}
				break
			}
		}
	}
	return ""
}
