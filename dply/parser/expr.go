package parser

import (
	"fmt"

	"quotewire/dply/scanner"
	"quotewire/dply/syntax"
	"quotewire/dply/token"
)

// maxNesting bounds the brackets within each other on one line.
const maxNesting = 500

// cursor reads expressions from the tokens of one line. After a mistake failed is set, and what is read means nothing.
type cursor struct {
	p      *parser
	line   *syntax.Line
	tokens []token.Token
	failed bool
}

// whole reads all tokens as one expression, or returns nil.
func (p *parser) whole(line *syntax.Line, tokens []token.Token) syntax.Expr {
	if !p.balanced(line, tokens) {
		return nil
	}
	c := &cursor{p: p, line: line, tokens: tokens}
	x := c.expr()
	if t, more := c.peek(); more && !c.failed {
		c.unexpected(t, x, tokens[0])
	}
	if c.failed {
		return nil
	}
	return x
}

// atoms reads all tokens as a list of atoms.
func (p *parser) atoms(line *syntax.Line, tokens []token.Token) ([]syntax.Expr, bool) {
	if !p.balanced(line, tokens) {
		return nil, false
	}
	c := &cursor{p: p, line: line, tokens: tokens}
	var args []syntax.Expr
	for len(c.tokens) > 0 && !c.failed {
		t := c.tokens[0]
		if t.Is(",") {
			c.fail(line.At(t), "E53", "arguments are not separated by commas", "Put spaces between them.")
			break
		}
		if t.Kind == token.Symbol && !c.signed() && len(args) > 0 {
			c.fail(line.At(t), "E53", fmt.Sprintf("%s cannot stand between arguments", t.Text), c.inParentheses(tokens))
			break
		}
		args = append(args, c.atom())
	}
	return args, !c.failed
}

// inParentheses says how to write what the next of all the tokens of a line is in the middle of.
func (c *cursor) inParentheses(all []token.Token) string {
	before, t := all[len(all)-len(c.tokens)-1], c.tokens[0]
	if len(c.tokens) > 1 && t.Is("->") && before.Kind == token.Ident && c.tokens[1].Kind == token.Ident {
		return "Put a member in parentheses: (" + before.Text + "->" + c.tokens[1].Text + ")"
	}
	return "Put a calculation or a member in parentheses: (2 * count), (code->arn)"
}

// balanced holds that each bracket has its partner.
func (p *parser) balanced(line *syntax.Line, tokens []token.Token) bool {
	partner := map[string]string{")": "(", "]": "[", "}": "{"}
	var open []token.Token
	unmatched := func(t token.Token) bool {
		p.fail(line, line.At(t), "E52", "no matching bracket for "+t.Text, "An expression ends with its line, and so do its brackets.")
		return false
	}
	for _, t := range tokens {
		switch {
		case t.Kind != token.Punct:
		case t.Text == "(" || t.Text == "[" || t.Text == "{":
			if open = append(open, t); len(open) > maxNesting {
				p.fail(line, line.At(t), "E52", fmt.Sprintf("more than %d brackets within each other", maxNesting), "")
				return false
			}
		case partner[t.Text] != "":
			if len(open) == 0 || open[len(open)-1].Text != partner[t.Text] {
				return unmatched(t)
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		return unmatched(open[len(open)-1])
	}
	return true
}

func (c *cursor) peek() (token.Token, bool) {
	if len(c.tokens) == 0 {
		return token.Token{}, false
	}
	return c.tokens[0], true
}

// next takes the next token, which must be there.
func (c *cursor) next() token.Token {
	t := c.tokens[0]
	c.tokens = c.tokens[1:]
	return t
}

// is reports whether the next token is that symbol or punctuation.
func (c *cursor) is(text string) bool { return len(c.tokens) > 0 && c.tokens[0].Is(text) }

// signed reports whether the next tokens are a minus sign and, directly behind it, a number.
func (c *cursor) signed() bool {
	t := c.tokens
	return len(t) > 1 && t[0].Is("-") && t[1].Kind == token.Number && t[0].End() == t[1].Offset
}

func (c *cursor) fail(at token.Position, code, message, hint string) {
	if !c.failed {
		c.failed = true
		c.p.fail(c.line, at, code, message, hint)
	}
}

// unexpected reports a token that does not continue the expression x, which began with first.
func (c *cursor) unexpected(t token.Token, x syntax.Expr, first token.Token) {
	member, isMember := x.(syntax.Member)
	switch {
	case t.Is("=>"):
		c.fail(c.line.At(t), "E25", "=> stands only at the end of a statement's line", "Bind the value in a statement of its own, and use the variable here.")
	case t.Kind == token.Symbol:
		c.fail(c.line.At(t), "E53", "there is no operator "+t.Text, "Operators are + - * / and ->. Put spaces around them.")
	case t.Kind == token.Adverb:
		c.fail(c.line.At(t), "E53", t.Text+" cannot stand in an expression", "An adverb has a line of its own.")
	case t.Is(",") || t.Is(":"):
		c.fail(c.line.At(t), "E53", t.Text+" cannot stand here", "Several values stand in brackets: [a, b].")
	case isMember:
		name := member.Names[len(member.Names)-1]
		c.fail(name.Pos, "E54", name.Name+" takes no arguments", "")
	default:
		c.fail(c.line.At(first), "E53", "two values side by side without an operator", "Text that has spaces goes in quotes; several values go in a list: [a, b].")
	}
}

func (c *cursor) expr() syntax.Expr {
	c.p.begin("expr")
	if t, ok := c.peek(); ok && t.Kind == token.Ident && t.Text == "sum" {
		c.next()
		sum := syntax.Sum{At: c.line.At(t)}
		for len(c.tokens) > 0 && !c.failed && !c.is(")") && !c.is("]") && !c.is("}") && !c.is(",") && (c.tokens[0].Kind != token.Symbol || c.signed()) {
			sum.Args = append(sum.Args, c.primary())
		}
		return sum
	}
	return c.arith(c.term, "+", "-")
}

func (c *cursor) term() syntax.Expr {
	c.p.begin("term")
	return c.arith(c.unit, "*", "/")
}

// arith reads operands with one of two operators between them.
func (c *cursor) arith(operand func() syntax.Expr, op1, op2 string) syntax.Expr {
	x := operand()
	var steps []syntax.Step
	for !c.failed && (c.is(op1) || c.is(op2)) {
		op := c.p.ident(c.line, c.next())
		steps = append(steps, syntax.Step{Op: op, Y: operand()})
	}
	if steps == nil {
		return x
	}
	return syntax.Arith{X: x, Steps: steps}
}

func (c *cursor) unit() syntax.Expr {
	c.p.begin("unit")
	x := c.member()
	if t, ok := c.peek(); ok && !c.failed && t.Kind == token.Ident && t.Text == "hours" {
		c.next()
		return syntax.Hours{X: x}
	}
	return x
}

func (c *cursor) member() syntax.Expr {
	c.p.begin("member")
	x := c.primary()
	var names []syntax.Ident
	for !c.failed && c.is("->") {
		arrow := c.next()
		t, ok := c.peek()
		if !ok || t.Kind != token.Ident {
			at := arrow
			if ok {
				at = t
			}
			c.fail(c.line.At(at), "E54", "the name of a member follows ->", "Write: variable->member")
			return nil
		}
		names = append(names, c.p.ident(c.line, c.next()))
	}
	if names == nil {
		return x
	}
	return syntax.Member{X: x, Names: names}
}

func (c *cursor) primary() syntax.Expr {
	c.p.begin("primary")
	return c.atom()
}

func (c *cursor) atom() syntax.Expr {
	c.p.begin("atom")
	t, ok := c.peek()
	if !ok {
		end := c.line.Tokens[len(c.line.Tokens)-1]
		at := c.line.At(end)
		at.Column += len([]rune(end.Text))
		c.fail(at, "E53", "a value is missing", "")
		return nil
	}
	at := c.line.At(t)
	switch {
	case t.Kind == token.String:
		c.next()
		return syntax.StringLit{At: at, Text: t.Unquote()}
	case t.Kind == token.Template:
		c.next()
		return c.template(t)
	case t.Kind == token.Number:
		c.next()
		value, _ := scanner.ParseNumber(t.Text) // the scanner has seen that it is one
		return syntax.NumberLit{At: at, Value: value}
	case c.signed():
		c.next()
		value, _ := scanner.ParseNumber(c.next().Text)
		return syntax.NumberLit{At: at, Value: -value}
	case t.Kind == token.Ident:
		c.next()
		return syntax.Name{Ident: c.p.ident(c.line, t)}
	case t.Is("("):
		c.next()
		x := c.expr()
		c.close(")", x, t)
		return syntax.Paren{At: at, X: x}
	case t.Is("["):
		return c.list()
	case t.Is("{"):
		return c.mapping()
	}
	c.unexpectedOperand(t)
	return nil
}

func (c *cursor) unexpectedOperand(t token.Token) {
	switch {
	case t.Is("=>"):
		c.unexpected(t, nil, t)
	case t.Is("-"):
		c.fail(c.line.At(t), "E53", "a sign stands directly before a number", "Write -1, or 0 - x.")
	case t.Kind == token.Adverb:
		c.unexpected(t, nil, t)
	default:
		c.fail(c.line.At(t), "E53", "a value is missing before "+t.Text, "")
	}
}

// close takes the bracket that ends what began with open and holds x.
func (c *cursor) close(bracket string, x syntax.Expr, open token.Token) {
	switch t, ok := c.peek(); {
	case c.failed:
	case ok && t.Is(bracket):
		c.next()
	case ok:
		c.unexpected(t, x, open)
	}
}

func (c *cursor) list() syntax.Expr {
	c.p.begin("list")
	open := c.next()
	list := syntax.ListLit{At: c.line.At(open)}
	for !c.failed && !c.is("]") {
		x := c.expr()
		list.Items = append(list.Items, x)
		if !c.comma() {
			c.close("]", x, open)
			return list
		}
	}
	c.close("]", nil, open)
	return list
}

func (c *cursor) mapping() syntax.Expr {
	c.p.begin("map")
	open := c.next()
	m := syntax.MapLit{At: c.line.At(open)}
	for !c.failed && !c.is("}") {
		t := c.next()
		if t.Kind != token.Ident || !c.is(":") {
			c.fail(c.line.At(t), "E53", "an entry of a map is a name, a colon and a value", "Write: {Name: value, Other: value}")
			return m
		}
		c.next()
		x := c.expr()
		m.Entries = append(m.Entries, syntax.Entry{Name: c.p.ident(c.line, t), Value: x})
		if !c.comma() {
			c.close("}", x, open)
			return m
		}
	}
	c.close("}", nil, open)
	return m
}

// comma takes a comma, which must be followed by another value.
func (c *cursor) comma() bool {
	if c.failed || !c.is(",") {
		return false
	}
	t := c.next()
	if c.is("]") || c.is("}") {
		c.fail(c.line.At(t), "E53", "a value is missing after the comma", "")
	}
	return true
}
