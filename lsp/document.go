package lsp

import (
	"net/url"
	"path"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"quotewire/dply/parser"
	"quotewire/dply/schema"
	"quotewire/dply/syntax"
	"quotewire/dply/token"
)

// document is one text with what is known of it.
type document struct {
	server  *Server
	uri     string
	path    string // of a file on this machine, or ""
	name    string
	text    string
	version int
	file    *syntax.File
	found   token.List
	scopes  []*scope    // of its targets
	script  []*document // all files of the script that it is part of, in order
}

// read makes a document of a text. It is not part of a script yet.
func (s *Server) read(uri, text string) *document {
	d := &document{server: s, uri: uri, name: uri, text: text}
	if u, err := url.Parse(uri); err == nil && u.Path != "" {
		if d.name = path.Base(u.Path); u.Scheme == "file" {
			d.path = u.Path
		}
	}
	d.file, _ = parser.Parse(d.name, []byte(text), parser.Implicit)
	for _, t := range d.file.Targets {
		d.scopes = append(d.scopes, newScope(t))
	}
	return d
}

// diagnostics are the mistakes and warnings as the protocol says them.
func (d *document) diagnostics() []diagnostic {
	list := make([]diagnostic, 0, len(d.found))
	for _, m := range d.found {
		severity := 1
		if m.Warning() {
			severity = 2
		}
		text := m.Message
		if m.Hint != "" {
			text += "\n" + m.Hint
		}
		list = append(list, diagnostic{Range: d.word(m.Pos), Severity: severity, Code: m.Code, Source: "quotewire", Message: text})
	}
	return list
}

// line is the line of that number, counted from 1, or nil.
func (d *document) line(number int) *syntax.Line {
	if number < 1 || number > len(d.file.Lines) {
		return nil
	}
	return &d.file.Lines[number-1]
}

// word is the range of the token at a place, or of one character.
func (d *document) word(at token.Position) span {
	l := d.line(at.Line)
	if l == nil {
		p := position{Line: max(at.Line-1, 0)}
		return span{p, p}
	}
	for _, t := range l.Tokens {
		if t.Column == at.Column {
			return d.tokenSpan(l, t)
		}
	}
	return span{d.at(l, at.Column), d.at(l, at.Column+1)}
}

func (d *document) tokenSpan(l *syntax.Line, t token.Token) span {
	return span{d.at(l, t.Column), d.at(l, t.Column+utf8.RuneCountInString(t.Text))}
}

// identSpan is the range of a name.
func (d *document) identSpan(id syntax.Ident) span {
	l := d.line(id.Pos.Line)
	return span{d.at(l, id.Pos.Column), d.at(l, id.Pos.Column+utf8.RuneCountInString(id.Name))}
}

// at turns a column, in characters from 1, into the protocol's position, in UTF-16 units from 0.
func (d *document) at(l *syntax.Line, column int) position {
	units := 0
	if l.Number == 1 && d.file.BOM {
		units = 1 // the mark is no part of the line, but of the text
	}
	for i, r := range []rune(l.Text) {
		if i+1 >= column {
			break
		}
		units += utf16.RuneLen(r)
	}
	return position{l.Number - 1, units}
}

// place turns the protocol's position into a line and a column. Beyond the end of a line it is the end.
func (d *document) place(p position) (*syntax.Line, int) {
	l := d.line(p.Line + 1)
	if l == nil {
		return nil, 0
	}
	left := p.Character
	if l.Number == 1 && d.file.BOM {
		left--
	}
	column := 1
	for _, r := range l.Text {
		if left <= 0 {
			break
		}
		left -= utf16.RuneLen(r)
		column++
	}
	return l, column
}

// tokenAt is the token that a place is in or directly behind, and its index.
func tokenAt(l *syntax.Line, column int) (token.Token, int) {
	for i, t := range l.Tokens {
		if t.Column <= column && column <= t.Column+utf8.RuneCountInString(t.Text) {
			if i+1 < len(l.Tokens) && l.Tokens[i+1].Column == column && l.Tokens[i+1].Kind == token.Ident {
				return l.Tokens[i+1], i + 1
			}
			return t, i
		}
	}
	return token.Token{}, -1
}

// parents are the code lines that a line is nested in, the innermost first. They are found by their indentation, so that
// they are known of a line that is just being written, too.
func (d *document) parents(l *syntax.Line, indent string) []*syntax.Line {
	var list []*syntax.Line
	for n := l.Number - 1; n >= 1 && indent != ""; n-- {
		above := d.line(n)
		if above.Kind == token.Code && len(above.Indent) < len(indent) && strings.HasPrefix(indent, above.Indent) {
			list = append(list, above)
			indent = above.Indent
			if startsWith(above, "target") {
				break
			}
		}
	}
	return list
}

func startsWith(l *syntax.Line, word string) bool {
	return len(l.Tokens) > 0 && l.Tokens[0].Text == word
}

// typeOf is the type that a statement's line is about, or nil.
func (d *document) typeOf(l *syntax.Line) *schema.Type {
	if len(l.Tokens) == 0 {
		return nil
	}
	switch verb := l.Tokens[0].Text; verb {
	case "ensure", "find", "coin":
		if len(l.Tokens) > 1 {
			return named(d.server.Catalog.Types, l.Tokens[1].Text)
		}
		return nil
	default:
		return named(d.server.Catalog.Verbs, verb)
	}
}

func named(types []*schema.Type, name string) *schema.Type {
	for _, t := range types {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// properties are those that the block below a line takes, and the name of what they belong to.
func (d *document) properties(parents []*syntax.Line) ([]schema.Property, string) {
	if len(parents) == 0 {
		return nil, ""
	}
	l := parents[0]
	switch {
	case len(l.Tokens) > 2 && l.Tokens[1].Is("<="):
		if t := named(d.server.Catalog.Readers, l.Tokens[2].Text); t != nil {
			return t.Properties, t.Name
		}
		return nil, ""
	case len(parents) > 1 && startsWith(parents[1], "api.gatewayV2") && len(l.Tokens) > 1 && (l.Tokens[1].Kind == token.String || l.Tokens[1].Kind == token.Template):
		if t := named(d.server.Catalog.Readers, "api.gatewayV2 "+l.Tokens[0].Text); t != nil {
			return t.Properties, l.Tokens[0].Text
		}
		return nil, ""
	case len(l.Tokens) > 2 && l.Tokens[1].Is("<-") || len(l.Tokens) > 0 && l.Tokens[0].Is("{"): // a nested map or list
		up := parents[1:]
		for len(up) > 0 && len(up[0].Tokens) > 0 && up[0].Tokens[0].Is("{") {
			up = up[1:]
		}
		if l.Tokens[0].Is("{") && len(up) > 0 {
			l, up = up[0], up[1:]
		}
		if p := d.property(up, l.Tokens[0].Text); p != nil {
			return p.Entries, p.Name
		}
		return nil, ""
	}
	t := d.typeOf(l)
	if t == nil {
		return nil, ""
	}
	if startsWith(l, "find") {
		return t.FindBy, t.Name
	}
	return t.Properties, t.Name
}

// property is the one of that name in the block below parents, or nil.
func (d *document) property(parents []*syntax.Line, name string) *schema.Property {
	props, _ := d.properties(parents)
	for i := range props {
		if props[i].Name == name {
			return &props[i]
		}
	}
	return nil
}
