package expression

import (
	"strings"
	"unicode/utf8"

	"quotewire/cloud/dynamodb/attribute"
)

// Condition is a ConditionExpression or a FilterExpression.
type Condition struct {
	root  *node
	paths []Path
}

// Condition reads a condition. The label is the parameter that holds it, "ConditionExpression" or "FilterExpression".
func (p *Params) Condition(label, text string) (*Condition, error) {
	c := &Condition{}
	err := read(p, label, text, func(ps *parser) { c.root = ps.condition(ps.or()) })
	if err != nil {
		return nil, err
	}
	c.root.walk(func(n *node) {
		if n.op == "path" {
			c.paths = append(c.paths, n.path)
		}
	})
	return c, nil
}

func (n *node) walk(visit func(*node)) {
	visit(n)
	for _, a := range n.args {
		a.walk(visit)
	}
}

// Paths returns the paths that occur in the condition.
func (c *Condition) Paths() []Path { return c.paths }

func (p *parser) or() *node {
	left := p.and()
	for p.accept("OR") {
		p.operators++
		left = &node{op: "OR", args: []*node{p.condition(left), p.condition(p.and())}}
	}
	return left
}

func (p *parser) and() *node {
	left := p.not()
	for p.accept("AND") {
		p.operators++
		left = &node{op: "AND", args: []*node{p.condition(left), p.condition(p.not())}}
	}
	return left
}

func (p *parser) not() *node {
	if p.accept("NOT") {
		p.operators++
		return &node{op: "NOT", args: []*node{p.condition(p.not())}}
	}
	return p.comparison()
}

func (p *parser) comparison() *node {
	left := p.primary()
	switch t := p.peek(); {
	case t.is("BETWEEN"):
		n := p.operator(left)
		n.args = append(n.args, p.value(p.primary()))
		p.expect("AND")
		n.args = append(n.args, p.value(p.primary()))
		p.checkBetween(n.args[1], n.args[2])
		return n
	case t.is("IN"):
		n := p.operator(left)
		p.expect("(")
		for {
			n.args = append(n.args, p.value(p.primary()))
			if !p.accept(",") {
				break
			}
		}
		p.expect(")")
		if len(n.args) > maxIn+1 {
			p.fail(operands, "Incorrect number of operands for operator or function; operator or function: IN, number of operands: %d", len(n.args)-1)
		}
		return n
	case t.text == "=" || t.text == "<>" || t.text == "<" || t.text == "<=" || t.text == ">" || t.text == ">=":
		n := p.operator(left)
		n.args = append(n.args, p.value(p.primary()))
		p.checkDistinct(n)
		if n.op != "=" && n.op != "<>" {
			p.checkOrdered(n)
		}
		return n
	}
	return left
}

// operator takes the operator at hand, whose first operand is left.
func (p *parser) operator(left *node) *node {
	n := &node{op: strings.ToUpper(p.peek().text), args: []*node{p.value(left)}}
	p.next()
	p.operators++
	return n
}

// primary reads an operand, or anything in parentheses: only what follows tells a condition from an operand.
func (p *parser) primary() *node {
	if p.accept("(") {
		n := p.or()
		p.expect(")")
		if n.paren {
			p.fail(redundant, "The expression has redundant parentheses;")
		}
		n.paren = true
		return n
	}
	for _, word := range []string{"AND", "OR", "NOT", "BETWEEN", "IN"} {
		if p.peek().is(word) {
			p.unexpected()
		}
	}
	return p.readOperand(func() *node { return p.value(p.primary()) }, p.checkFunction)
}

// condition insists that n can be true or false.
func (p *parser) condition(n *node) *node {
	switch {
	case n.op == "size" && n.call:
		p.fail(misused, "The function is not allowed to be used this way in an expression; function: %s", n.op)
	case n.op == "path" || n.op == "value":
		p.unexpected()
	}
	return n
}

// value insists that n is an operand.
func (p *parser) value(n *node) *node {
	switch {
	case !n.operand():
		p.unexpected()
	case n.call && n.op != "size":
		p.fail(misused, "The function is not allowed to be used this way in an expression; function: %s", n.op)
	}
	return n
}

func (p *parser) checkFunction(n *node) {
	switch n.op {
	case "attribute_exists", "attribute_not_exists":
		if p.arity(n, 1) {
			p.needsPath(n)
		}
	case "attribute_type":
		if !p.arity(n, 2) {
			return
		}
		p.needsPath(n)
		switch kind := n.args[1].kind(); {
		case kind == attribute.Absent:
			p.wrongType(n.op, "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}")
		case kind != attribute.S:
			p.wrongType(n.op, kind.String())
		case attribute.KindOf(n.args[1].val.Text) == attribute.Absent:
			p.fail(types, "Invalid attribute type name found; type: %s, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}", n.args[1].val.Text)
		}
	case "begins_with":
		if !p.arity(n, 2) {
			return
		}
		p.checkDistinct(n)
		for _, a := range n.args {
			if k := a.kind(); k != attribute.Absent && k != attribute.S && k != attribute.B {
				p.wrongType(n.op, k.String())
			}
		}
	case "contains":
		if p.arity(n, 2) {
			p.checkDistinct(n)
		}
	case "size":
		if p.arity(n, 1) {
			if k := n.args[0].kind(); k == attribute.N || k == attribute.BOOL || k == attribute.NULL {
				p.wrongType(n.op, k.String())
			}
		}
	case "if_not_exists", "list_append":
		p.fail(unknownFunction, "The function is not allowed in a condition expression; function: %s", n.op)
	default:
		p.fail(unknownFunction, "Invalid function name; function: %s", n.op)
	}
}

func (p *parser) checkDistinct(n *node) {
	a, b := n.args[0], n.args[1]
	if a.op == "path" && b.op == "path" && a.path.equal(b.path) {
		p.fail(distinct, "The first operand must be distinct from the remaining operands for this operator or function; operator: %s, first operand: %s", n.op, a.path)
	}
}

// checkOrdered refuses literals that have no order.
func (p *parser) checkOrdered(n *node) {
	for _, a := range n.args {
		if k := a.kind(); k > attribute.B {
			p.wrongType(n.op, k.String())
		}
	}
}

func (p *parser) checkBetween(low, high *node) {
	if low.op != "value" || high.op != "value" || low.val.Kind == attribute.Absent || high.val.Kind == attribute.Absent {
		return
	}
	bounds := "lower bound operand: AttributeValue: " + bound(low.val) + ", upper bound operand: AttributeValue: " + bound(high.val)
	if low.val.Kind != high.val.Kind {
		p.fail(types, "The BETWEEN operator requires same data type for lower and upper bounds; %s", bounds)
	} else if order, ok := attribute.Compare(low.val, high.val); !ok {
		p.wrongType("BETWEEN", low.val.Kind.String())
	} else if order > 0 {
		p.fail(types, "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; %s", bounds)
	}
}

func bound(v attribute.Value) string { return "{" + v.Kind.String() + ":" + v.Text + "}" }

// Match reports whether the condition holds for an item. An absent item has no attributes.
func (c *Condition) Match(it attribute.Item) bool { return c.root.match(it) }

func (n *node) match(it attribute.Item) bool {
	switch n.op {
	case "AND":
		return n.args[0].match(it) && n.args[1].match(it)
	case "OR":
		return n.args[0].match(it) || n.args[1].match(it)
	case "NOT":
		return !n.args[0].match(it)
	}
	v := n.args[0].value(it)
	switch n.op {
	case "attribute_exists":
		return v.Kind != attribute.Absent
	case "attribute_not_exists":
		return v.Kind == attribute.Absent
	case "IN":
		for _, a := range n.args[1:] {
			if same(v, a.value(it)) {
				return true
			}
		}
		return false
	case "BETWEEN":
		low, ok1 := attribute.Compare(v, n.args[1].value(it))
		high, ok2 := attribute.Compare(v, n.args[2].value(it))
		return ok1 && ok2 && low >= 0 && high <= 0
	}
	w := n.args[1].value(it)
	switch n.op {
	case "attribute_type":
		return v.Kind == attribute.KindOf(w.Text)
	case "begins_with":
		return v.Kind == w.Kind && (v.Kind == attribute.S || v.Kind == attribute.B) && strings.HasPrefix(v.Text, w.Text)
	case "contains":
		switch v.Kind {
		case attribute.S, attribute.B:
			return v.Kind == w.Kind && strings.Contains(v.Text, w.Text)
		}
		return w.Kind != attribute.Absent && v.Contains(w)
	case "=":
		return same(v, w)
	case "<>":
		return !same(v, w) && !n.unmeasured(v, w)
	}
	order, ok := attribute.Compare(v, w)
	switch n.op {
	case "<":
		return ok && order < 0
	case "<=":
		return ok && order <= 0
	case ">":
		return ok && order > 0
	}
	return ok && order >= 0
}

// same is equality for conditions: what is absent equals nothing.
func same(v, w attribute.Value) bool { return v.Kind != attribute.Absent && attribute.Equal(v, w) }

// unmeasured reports whether one side is the size of something that has none: no comparison with that holds.
func (n *node) unmeasured(v, w attribute.Value) bool {
	return n.args[0].op == "size" && v.Kind == attribute.Absent || n.args[1].op == "size" && w.Kind == attribute.Absent
}

// value evaluates an operand of a condition.
func (n *node) value(it attribute.Item) attribute.Value {
	switch n.op {
	case "value":
		return n.val
	case "path":
		return n.path.value(it)
	}
	v := n.args[0].value(it) // of size
	size := 0
	switch v.Kind {
	case attribute.S:
		size = utf8.RuneCountInString(v.Text)
	case attribute.B:
		size = len(v.Text)
	case attribute.M:
		size = len(v.Map)
	case attribute.L, attribute.SS, attribute.NS, attribute.BS:
		size = len(v.List)
	default:
		return attribute.Value{}
	}
	return attribute.Int(size)
}
