package expression

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"quotewire/cloud/dynamodb/attribute"
)

// Update is an UpdateExpression.
type Update struct {
	actions []action
	paths   []Path
}

// action is one element of a section: what is done to what a path leads to.
type action struct {
	section string // SET, REMOVE, ADD or DELETE
	path    Path
	operand *node // not for REMOVE
}

var (
	errMissing = errors.New("The provided expression refers to an attribute that does not exist in the item")
	errPath    = errors.New("The document path provided in the update expression is invalid for update")
	errType    = errors.New("An operand in the update expression has an incorrect data type")
)

// Update reads an UpdateExpression.
func (p *Params) Update(text string) (*Update, error) {
	u := &Update{}
	err := read(p, "UpdateExpression", text, func(ps *parser) {
		seen := map[string]bool{}
		for first := true; first || ps.peek().text != ""; first = false {
			section := strings.ToUpper(ps.peek().text)
			switch section {
			case "SET", "REMOVE", "ADD", "DELETE":
			default:
				ps.unexpected()
				return
			}
			if seen[section] {
				ps.fail(redundant, `The "%s" section can only be used once in an update expression;`, section)
			}
			seen[section] = true
			ps.next()
			for {
				u.actions = append(u.actions, ps.action(section))
				if !ps.accept(",") {
					break
				}
			}
		}
		for _, a := range u.actions {
			u.paths = append(u.paths, a.path)
		}
		if m := disjoint(u.paths); m != "" {
			ps.fail(overlap, "%s", m)
		}
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(u.actions, order)
	return u, nil
}

// order puts removals last, from the end of a list to its start, and all else first, from start to end: so an index means
// an element of the old list, and elements that are set behind its end are appended in their order.
func order(a, b action) int {
	if a.section == "REMOVE" && b.section == "REMOVE" {
		return comparePaths(b.path, a.path)
	} else if a.section == "REMOVE" {
		return 1
	} else if b.section == "REMOVE" {
		return -1
	}
	return comparePaths(a.path, b.path)
}

func comparePaths(p, q Path) int {
	return slices.CompareFunc(p, q, func(a, b Step) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(a.Index, b.Index))
	})
}

func (p *parser) action(section string) action {
	a := action{section: section, path: p.readPath()}
	switch section {
	case "SET":
		p.expect("=")
		a.operand = p.sum()
	case "ADD", "DELETE":
		a.operand = p.readValue()
		if k := a.operand.val.Kind; !k.IsSet() && k != attribute.Absent && !(section == "ADD" && k == attribute.N) {
			p.fail(types, "Incorrect operand type for operator or function; operator: %s, operand type: %s", section, typeNames[k])
		}
	}
	return a
}

var typeNames = map[attribute.Kind]string{
	attribute.S: "STRING", attribute.N: "NUMBER", attribute.B: "BINARY", attribute.NULL: "NULL",
	attribute.BOOL: "BOOLEAN", attribute.L: "LIST", attribute.M: "MAP",
}

// sum reads the right side of SET: an operand, or two with a sign between them.
func (p *parser) sum() *node {
	left := p.term()
	t := p.peek()
	if t.text != "+" && t.text != "-" || left.op == "+" || left.op == "-" {
		return left
	}
	p.next()
	p.operators++
	n := &node{op: t.text, args: []*node{left, p.term()}}
	p.numeric(n)
	return n
}

// term reads an operand of SET, which may stand in parentheses.
func (p *parser) term() *node {
	if p.accept("(") {
		n := p.sum()
		p.expect(")")
		return n
	}
	return p.readOperand(p.term, p.checkUpdateFunction)
}

func (p *parser) numeric(n *node) {
	for _, a := range n.args {
		if k := a.kind(); k != attribute.Absent && k != attribute.N {
			p.wrongType(n.op, k.String())
		}
	}
}

func (p *parser) checkUpdateFunction(n *node) {
	switch n.op {
	case "if_not_exists":
		if p.arity(n, 2) {
			p.needsPath(n)
		}
	case "list_append":
		if p.arity(n, 2) {
			for _, a := range n.args {
				if k := a.kind(); k != attribute.Absent && k != attribute.L {
					p.wrongType(n.op, k.String())
				}
			}
		}
	case "attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains", "size":
		p.fail(unknownFunction, "The function is not allowed in an update expression; function: %s", n.op)
	default:
		p.fail(unknownFunction, "Invalid function name; function: %s", n.op)
	}
}

// Paths returns the paths that the update writes.
func (u *Update) Paths() []Path { return u.paths }

// Apply returns what the update makes of an item. All right sides see the item as it was; an error leaves it alone.
func (u *Update) Apply(old attribute.Item) (attribute.Item, error) {
	root := attribute.Value{Kind: attribute.M, Map: old}
	for _, a := range u.actions {
		v, err := a.result(old)
		if err != nil {
			return nil, err
		}
		if root, err = replace(root, a.path, v); err != nil {
			return nil, err
		}
	}
	return root.Map, nil
}

// result is what the action puts where its path leads; Absent to remove it.
func (a *action) result(old attribute.Item) (attribute.Value, error) {
	switch a.section {
	case "SET":
		return a.operand.compute(old)
	case "REMOVE":
		return attribute.Value{}, nil
	}
	has, give := a.path.value(old), a.operand.val
	switch {
	case has.Kind == attribute.Absent && a.section == "ADD":
		return give, nil
	case has.Kind == attribute.Absent:
		return has, nil
	case has.Kind != give.Kind:
		return has, errType
	case a.section == "DELETE":
		return attribute.Minus(has, give), nil
	case give.Kind == attribute.N:
		return attribute.Add(has, give, false)
	}
	return attribute.Union(has, give), nil
}

// compute evaluates an operand of SET.
func (n *node) compute(old attribute.Item) (attribute.Value, error) {
	switch n.op {
	case "value":
		return n.val, nil
	case "path", "if_not_exists":
		path := n.path
		if n.op != "path" {
			path = n.args[0].path
		}
		if v := path.value(old); v.Kind != attribute.Absent {
			return v, nil
		} else if n.op == "path" {
			return v, errMissing
		}
		return n.args[1].compute(old)
	}
	a, err := n.args[0].compute(old)
	if err != nil {
		return a, err
	}
	b, err := n.args[1].compute(old)
	if err != nil {
		return b, err
	}
	want := attribute.N
	if n.op == "list_append" {
		want = attribute.L
	}
	if a.Kind != want || b.Kind != want {
		return a, errType
	}
	if want == attribute.L {
		return attribute.Value{Kind: attribute.L, List: slices.Concat(a.List, b.List)}, nil
	}
	return attribute.Add(a, b, n.op == "-")
}

// replace returns a copy of v, which is a map or a list, in which the path leads to w. Parts off the path are shared.
func replace(v attribute.Value, path Path, w attribute.Value) (attribute.Value, error) {
	s := path[0]
	switch {
	case s.Name != "" && v.Kind == attribute.M:
		if len(path) > 1 {
			var err error
			if w, err = replace(v.Map.Get(s.Name), path[1:], w); err != nil {
				return v, err
			}
		}
		v.Map = v.Map.With(s.Name, w)
		return v, nil
	case s.Name == "" && v.Kind == attribute.L:
		inside := s.Index < len(v.List)
		if len(path) > 1 {
			if !inside {
				return v, errPath
			}
			var err error
			if w, err = replace(v.List[s.Index], path[1:], w); err != nil {
				return v, err
			}
		}
		switch {
		case inside && w.Kind == attribute.Absent:
			v.List = slices.Concat(v.List[:s.Index], v.List[s.Index+1:])
		case inside:
			v.List = slices.Clone(v.List)
			v.List[s.Index] = w
		case w.Kind != attribute.Absent:
			v.List = append(slices.Clip(v.List), w)
		}
		return v, nil
	}
	return v, errPath
}
