package parser

import (
	"fmt"

	"quotewire/dply/syntax"
	"quotewire/dply/token"
)

// statement reads a line of a target.
func (p *parser) statement(line *syntax.Line) syntax.Node {
	p.begin("statement")
	s := &syntax.Statement{Line: line}
	head, ok := p.bind(s)
	if !ok {
		return nil
	}
	form, known := verbs[head[0].Text]
	switch {
	case startsWith(line, "parameter") && len(head) > 1:
		p.fail(line, line.Pos(), "E27", "a parameter stands beside the targets, not in one", "It belongs to the whole script: move it above the target, and indent it as the target is.")
		return nil
	case head[0].Kind == token.Ident && (known || !isExpression(head, s.Bind.Name != "")):
		s.Verb = p.ident(line, head[0])
	case s.Bind.Name != "":
		return p.bound(s, head)
	default:
		p.fail(line, line.Pos(), "E27", "a statement begins with a verb", "Verbs are ensure, find, lambda.function, api.gatewayV2 and the like. To give a value a name, write: value => variable")
		return nil
	}
	if !known {
		form = unknownVerb
	}
	p.begin("command")
	if !p.arguments(s, form, head[1:]) || !p.mayBind(s, form) {
		return nil
	}
	if line.Children != nil {
		p.begin("body")
	}
	switch form.block {
	case properties:
		s.Body = p.props(line.Children, "E39", adverbs)
	case api:
		s.Body = p.api(line.Children)
	case policy:
		s.Body = p.policy(line.Children)
	default:
		p.childless(line, s.Verb.Name)
	}
	return s
}

// bind takes the variable off the end of the line and returns the tokens before the arrow.
func (p *parser) bind(s *syntax.Statement) ([]token.Token, bool) {
	line, t := s.Line, s.Tokens
	for i, arrow := range t {
		if !arrow.Is("=>") {
			continue
		}
		s.Arrow = line.At(arrow)
		const hint = "Write => and one variable at the end of the line. Names have letters, digits, _ and dots, no hyphens."
		switch {
		case i == 0:
			p.fail(line, s.Arrow, "E25", "nothing stands before => that could be bound", hint)
		case i+1 == len(t):
			p.fail(line, s.Arrow, "E25", "no variable after =>", hint)
		case t[i+1].Kind != token.Ident:
			p.fail(line, line.At(t[i+1]), "E25", fmt.Sprintf("%s cannot be a variable", t[i+1].Text), hint)
		case i+2 < len(t):
			p.fail(line, s.Arrow, "E25", "=> is not at the end of the line", hint)
		default:
			s.Bind = p.ident(line, t[i+1])
			return t[:i], true
		}
		return nil, false
	}
	return t, true
}

// isExpression tells a calculation from a command with a verb that is not known.
func isExpression(head []token.Token, bound bool) bool {
	if head[0].Text == "sum" && bound {
		return true
	}
	return len(head) == 1 && bound || len(head) > 1 && (head[1].Kind == token.Symbol || head[1].Text == "hours")
}

// bound reads a statement that is only an expression with a name for its value.
func (p *parser) bound(s *syntax.Statement, head []token.Token) syntax.Node {
	x := p.whole(s.Line, head)
	if x == nil {
		return nil
	}
	s.Args = []syntax.Expr{x}
	p.childless(s.Line, "a value")
	return s
}

// arguments reads what stands between the verb and the arrow.
func (p *parser) arguments(s *syntax.Statement, form form, t []token.Token) bool {
	line, usage := s.Line, "Write: "+form.usage
	switch form.args {
	case expression:
		if len(t) == 0 && form.min == 0 {
			return true
		}
		if len(t) == 0 {
			p.fail(line, s.Verb.Pos, "E17", s.Verb.Name+" needs an argument", usage)
			return false
		}
		x := p.whole(line, t)
		s.Args = []syntax.Expr{x}
		return x != nil
	case typed:
		if len(t) == 0 {
			p.fail(line, s.Verb.Pos, "E30", s.Verb.Name+" needs a type", usage)
			return false
		}
		if t[0].Kind != token.Ident {
			p.fail(line, line.At(t[0]), "E30", t[0].Text+" is not a type", usage)
			return false
		}
	}
	args, ok := p.atoms(line, t)
	if !ok {
		return false
	}
	if len(args) < form.min || form.max >= 0 && len(args) > form.max {
		p.fail(line, s.Verb.Pos, "E17", count(s.Verb.Name, form, len(args)), usage)
		return false
	}
	names := args
	if form.args == typed {
		names = args[1:]
	}
	if form.args != words && len(names) > 0 {
		if !isText(names[0]) {
			p.fail(line, names[0].Pos(), "E30", "the name of a resource stands in quotes", usage)
			return false
		}
	}
	s.Args = args
	return true
}

// isText reports whether x is a text as it stands, or one with names in it.
func isText(x syntax.Expr) bool {
	switch x.(type) {
	case syntax.StringLit, syntax.Template:
		return true
	}
	return false
}

// count is the message of E17.
func count(word string, f form, got int) string {
	takes := fmt.Sprintf("takes %d arguments", f.max)
	switch {
	case f.max == 0:
		takes = "takes no arguments"
	case f.max < 0:
		takes = fmt.Sprintf("takes %d or more arguments", f.min)
	case f.min < f.max:
		takes = fmt.Sprintf("takes %d or %d arguments", f.min, f.max)
	case f.max == 1:
		takes = "takes 1 argument"
	}
	return fmt.Sprintf("%s %s, not %d", word, takes, got)
}

// mayBind holds a verb to having, or not having, a variable.
func (p *parser) mayBind(s *syntax.Statement, form form) bool {
	switch bound := s.Bind.Name != ""; {
	case form.value == required && !bound:
		p.fail(s.Line, s.Verb.Pos, "E24", s.Verb.Name+" needs a variable for its value", "Write: "+form.usage)
		return false
	case form.value == none && bound:
		p.fail(s.Line, s.Arrow, "E26", s.Verb.Name+" yields nothing that could be bound", "Write: "+form.usage)
		return false
	}
	return true
}
