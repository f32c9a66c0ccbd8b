package check

import (
	"cmp"
	"fmt"
	"slices"

	"quotewire/dply/syntax"
)

// like makes the block of a statement whole that says @like VARIABLE: it takes the adverbs and the properties that it does
// not give itself from the statement that binds the variable; and the lines of an API, if it has none of its own. What is
// written once is checked in both places, as if it stood there.
func (c *checker) like(n *syntax.Statement) (*syntax.Statement, bool) {
	i := slices.IndexFunc(n.Body, isLike)
	if i < 0 || n.Verb.Name == "find" { // which takes no adverbs
		return n, true
	}
	a := n.Body[i].(*syntax.Adverb)
	kind := cmp.Or(typeOf(n), n.Verb.Name)
	hint := fmt.Sprintf("Write: @like VARIABLE, where another %s above binds VARIABLE.", kind)
	if len(a.Args) != 1 {
		c.fail(a.Line, a.Name.Pos, "E38", "@like takes one variable", hint)
		return n, false
	}
	name, ok := a.Args[0].(syntax.Name)
	if !ok {
		c.fail(a.Line, a.Args[0].Pos(), "E38", "@like takes a variable", hint)
		return n, false
	}
	if c.name(name.Ident) == nil {
		return n, false // not defined, or a statement with a mistake of its own
	}
	from := c.bound[name.Ident.Name]
	if from == nil || from.Verb.Name != n.Verb.Name || typeOf(from) != typeOf(n) {
		c.fail(a.Line, name.Ident.Pos, "E38", fmt.Sprintf("%s is no %s of this script", name.Ident.Name, kind), hint)
		return n, false
	}
	own := slices.Delete(slices.Clone(n.Body), i, i+1)
	if again := slices.IndexFunc(own, isLike); again >= 0 {
		c.twice(own[again].(*syntax.Adverb).Name, "E37", a.Name.Pos)
		return n, false
	}
	if !c.takes(len(from.Body), name.Ident.Pos) {
		return n, false
	}
	given := map[string]bool{"name": true}
	for _, node := range own {
		given[keyOf(node)] = true
	}
	whole := *n
	whole.Body = nil
	for _, node := range from.Body {
		if !given[keyOf(node)] {
			whole.Body = append(whole.Body, node)
		}
	}
	whole.Body = append(whole.Body, own...)
	return &whole, true
}

func isLike(node syntax.Node) bool {
	a, ok := node.(*syntax.Adverb)
	return ok && a.Name.Name == "@like"
}

// typeOf is the type that an ensure names, or "".
func typeOf(n *syntax.Statement) string {
	if len(n.Args) > 0 {
		if name, ok := n.Args[0].(syntax.Name); ok {
			return name.Ident.Name
		}
	}
	return ""
}

// keyOf is what a line of a block gives: two with the same key do not go together.
func keyOf(node syntax.Node) string {
	switch node := node.(type) {
	case *syntax.Prop:
		return node.Name.Name
	case *syntax.Adverb:
		return node.Name.Name
	case *syntax.Command:
		return "lines"
	}
	return ""
}
