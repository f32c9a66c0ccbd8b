package expression

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"quotewire/cloud/dynamodb/attribute"
)

// node is an element of an expression. Its op is "path", "value", the name of a function, or an operator.
type node struct {
	op    string
	path  Path
	val   attribute.Value
	args  []*node
	call  bool // a function
	paren bool // stands in parentheses
}

// operand reports whether the node is a value and not a condition. A function that tests something counts as one here, so
// that its misuse is reported as that and not as a mistake of syntax.
func (n *node) operand() bool { return n.op == "path" || n.op == "value" || n.call }

// kind is what is known of an operand's type before there is an item: that of a literal value and of size.
func (n *node) kind() attribute.Kind {
	switch n.op {
	case "value":
		return n.val.Kind
	case "size", "+", "-":
		return attribute.N
	case "list_append":
		return attribute.L
	}
	return attribute.Absent
}

// rank orders the mistakes of one expression: of several, AWS reports the one of the lowest rank, and of one rank the first.
type rank int

const (
	syntax rank = iota
	redundant
	unknownFunction
	misused
	reservedName
	section
	undefined
	overlap
	operands
	distinct
	types
	ranks
)

// parser reads one expression. A mistake of syntax moves it to the end, so that every loop in it stops.
type parser struct {
	params    *Params
	text      string
	tokens    []token
	pos       int
	operators int
	mistakes  [ranks]string
}

// read runs an expression's grammar over its text. The label names the expression in errors.
func read(p *Params, label, text string, grammar func(*parser)) error {
	ps := &parser{params: p, text: text}
	switch {
	case text == "":
		return fmt.Errorf("Invalid %s: The expression can not be empty;", label)
	case len(text) > maxLength:
		return fmt.Errorf("Invalid %s: Expression size has exceeded the maximum allowed size; expression size: %d", label, len(text))
	}
	ps.tokens = scan(text)
	grammar(ps)
	if ps.peek().text != "" {
		ps.unexpected()
	}
	if ps.operators > maxOperators {
		ps.fail(operands, "The expression contains too many operators; operator count: %d", ps.operators)
	}
	for _, m := range ps.mistakes {
		if m != "" {
			return errors.New("Invalid " + label + ": " + m)
		}
	}
	return nil
}

func (p *parser) fail(r rank, format string, args ...any) {
	if p.mistakes[r] == "" {
		p.mistakes[r] = fmt.Sprintf(format, args...)
	}
}

func (p *parser) peek() token { return p.tokens[p.pos] }

func (p *parser) next() token {
	t := p.tokens[p.pos]
	if p.pos < len(p.tokens)-1 {
		p.pos++
	}
	return t
}

func (p *parser) accept(text string) bool {
	if p.peek().is(text) {
		p.next()
		return true
	}
	return false
}

func (p *parser) expect(text string) {
	if !p.accept(text) {
		p.unexpected()
	}
}

// unexpected reports the token at hand with its neighbours, and gives up.
func (p *parser) unexpected() {
	t := p.peek()
	before, after := t, t
	if p.pos > 0 {
		before = p.tokens[p.pos-1]
	}
	if p.pos < len(p.tokens)-1 {
		after = p.tokens[p.pos+1]
	}
	if t.text == "" {
		t.text = "<EOF>"
	}
	p.fail(syntax, `Syntax error; token: "%s", near: "%s"`, t.text, strings.TrimSpace(p.text[before.start:after.end]))
	p.pos = len(p.tokens) - 1
}

// path reads a path. The words that the grammar around it needs for itself are no names.
func (p *parser) readPath() Path {
	path := make(Path, 0, 1)
	path = append(path, p.name())
	for {
		switch {
		case p.accept("."):
			path = append(path, p.name())
		case p.accept("["):
			t := p.peek()
			i, err := strconv.Atoi(t.text)
			if !t.isNumber() {
				p.unexpected()
				return path
			} else if err != nil || i > maxIndex {
				p.fail(operands, "List index is not within the allowable range; index: [%s]", t.text)
			}
			p.next()
			p.expect("]")
			path = append(path, Step{Index: i})
		default:
			return path
		}
	}
}

func (p *parser) name() Step {
	t := p.peek()
	if !t.isName() {
		p.unexpected()
		return Step{Name: "?"}
	}
	p.next()
	if t.text[0] != '#' {
		if reserved(t.text) {
			p.fail(reservedName, "Attribute name is a reserved keyword; reserved keyword: %s", t.text)
		}
		return Step{Name: t.text}
	}
	name, ok := p.params.names[t.text]
	if !ok {
		p.fail(undefined, "An expression attribute name used in the document path is not defined; attribute name: %s", t.text)
	}
	delete(p.params.unused, t.text)
	return Step{Name: name}
}

// readValue reads a :value.
func (p *parser) readValue() *node {
	t := p.peek()
	if len(t.text) < 2 || t.text[0] != ':' {
		p.unexpected()
		return &node{op: "value"}
	}
	p.next()
	v, ok := p.params.values[t.text]
	if !ok {
		p.fail(undefined, "An expression attribute value used in expression is not defined; attribute value: %s", t.text)
	}
	delete(p.params.unused, t.text)
	return &node{op: "value", val: v}
}

// readOperand reads a value, a function or a path, which are operands of conditions and of updates alike.
func (p *parser) readOperand(argument func() *node, check func(*node)) *node {
	t := p.peek()
	if t.text != "" && t.text[0] == ':' {
		return p.readValue()
	}
	if t.isName() && t.text[0] != '#' && p.tokens[p.pos+1].text == "(" {
		p.next()
		p.next()
		p.operators++
		n := &node{op: t.text, call: true}
		for {
			n.args = append(n.args, argument())
			if !p.accept(",") {
				break
			}
		}
		p.expect(")")
		check(n)
		return n
	}
	return &node{op: "path", path: p.readPath()}
}

func (p *parser) wrongType(operator string, kind string) {
	p.fail(types, "Incorrect operand type for operator or function; operator or function: %s, operand type: %s", operator, kind)
}

// arity checks the number of a function's operands.
func (p *parser) arity(n *node, want int) bool {
	if len(n.args) != want {
		p.fail(operands, "Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", n.op, len(n.args))
		return false
	}
	return true
}

func (p *parser) needsPath(n *node) {
	if n.args[0].op != "path" {
		p.fail(types, "Operator or function requires a document path; operator or function: %s", n.op)
	}
}
