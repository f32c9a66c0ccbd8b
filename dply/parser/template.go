package parser

import (
	"strings"
	"unicode/utf8"

	"quotewire/dply/scanner"
	"quotewire/dply/syntax"
	"quotewire/dply/token"
)

// template reads the parts of a template: its texts, and the names in its braces. A backquote or a brace that is written
// twice stands for itself.
func (c *cursor) template(t token.Token) syntax.Expr {
	c.p.begin("template")
	x := syntax.Template{At: c.line.At(t)}
	var text strings.Builder
	textAt := t.Column + 1
	flush := func() {
		if text.Len() > 0 {
			x.Parts = append(x.Parts, syntax.StringLit{At: c.line.Column(textAt), Text: text.String()})
			text.Reset()
		}
	}
	inner, column := t.Text[1:len(t.Text)-1], t.Column+1
	for inner != "" && !c.failed {
		r, size := utf8.DecodeRuneInString(inner)
		doubled := strings.HasPrefix(inner[size:], inner[:size])
		switch {
		case (r == '`' || r == '{' || r == '}') && doubled:
			text.WriteRune(r)
			inner, column = inner[2:], column+2
		case r == '{':
			name, rest, closed := strings.Cut(inner[1:], "}")
			if !closed {
				c.fail(c.line.Column(column), "E52", "no matching bracket for {", "A name stands in braces. A brace that is meant as such is written twice: {{")
				break
			}
			flush()
			x.Parts = append(x.Parts, c.braced(name, column+1))
			inner, column = rest, column+utf8.RuneCountInString(name)+2
			textAt = column
		case r == '}':
			c.fail(c.line.Column(column), "E52", "no matching bracket for }", "A brace that is meant as such is written twice: }}")
		default:
			text.WriteString(inner[:size])
			inner, column = inner[size:], column+1
		}
	}
	flush()
	return x
}

// braced reads what stands in braces, from that column on: a variable or a parameter, or a member of a variable.
func (c *cursor) braced(name string, column int) syntax.Expr {
	tokens, comment, mistake := scanner.Tokens(token.Line{Text: name}, nil)
	for i := range tokens {
		tokens[i].Column += column - 1
	}
	inside := &cursor{p: c.p, line: c.line, tokens: tokens}
	if len(tokens) == 0 || tokens[0].Kind != token.Ident || comment != "" || mistake != nil {
		c.fail(c.line.Column(column), "E53", "a name is missing in the braces", "Write {name} or {variable->member}. A brace that is meant as such is written twice: {{")
		return nil
	}
	x := inside.member()
	if t, more := inside.peek(); more && !inside.failed {
		inside.fail(c.line.At(t), "E53", t.Text+" cannot stand in the braces", "Write {name} or {variable->member}, and calculate in a statement of its own.")
	}
	c.failed = c.failed || inside.failed
	return x
}
