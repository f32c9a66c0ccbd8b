package deploy

import (
	"slices"

	"quotewire/dply/check"
	"quotewire/dply/token"
)

// Vertex is a resource of a script with what it waits for, for those who draw the graph.
type Vertex struct {
	Resource string // what people call it
	Key      Key
	Pos      token.Position
	Found    bool  // looked up only
	After    []int // the vertices that it waits for, by index; not those that others among them wait for already
}

// Outline resolves the targets into resources and returns them in source order. It makes no calls: a provider that has
// no credentials is enough.
func Outline(program *check.Program, opts Options) ([]Vertex, error) {
	targets, err := choose(program, opts)
	if err != nil {
		return nil, err
	}
	g, err := expand(program, targets, opts)
	if err != nil {
		return nil, err
	}
	nodes := slices.DeleteFunc(slices.Clone(g.nodes), tidies)
	index := make(map[*Node]int, len(nodes))
	for i, n := range nodes {
		index[n] = i
	}
	all := make([]Vertex, len(nodes))
	for i, n := range nodes {
		all[i] = Vertex{Resource: n.Resource.String(), Key: n.Key, Pos: n.Statement.Pos, Found: n.Found}
		implied := map[*Node]bool{} // by another one
		after := n.seen()
		for _, m := range after {
			m.before(implied)
		}
		for _, m := range after {
			if !implied[m] {
				all[i].After = append(all[i].After, index[m])
			}
		}
	}
	return all, nil
}

// seen are the nodes that n waits for. In place of one that only tidies up stand those that it waits for itself.
func (n *Node) seen() []*Node {
	var all []*Node
	for _, m := range n.after {
		if tidies(m) {
			all = append(all, m.seen()...)
		} else {
			all = append(all, m)
		}
	}
	slices.SortFunc(all, func(a, b *Node) int { return a.index - b.index })
	return slices.Compact(all)
}

func tidies(n *Node) bool {
	_, ok := n.Resource.(Tidier)
	return ok
}

// before adds everything that n waits for, and what that waits for, to set.
func (n *Node) before(set map[*Node]bool) {
	for _, m := range n.after {
		if !set[m] {
			set[m] = true
			m.before(set)
		}
	}
}
