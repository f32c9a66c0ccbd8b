package lsp

import (
	"fmt"
	"regexp"
	"slices"
	"unicode/utf8"

	"quotewire/dply/check"
	"quotewire/dply/syntax"
	"quotewire/dply/token"
)

// scope has the names of one target: where each is bound, and where it is used.
type scope struct {
	target *syntax.Target
	bound  map[string]*syntax.Statement
	uses   map[string][]syntax.Ident // with the binding itself, in order
	parts  []part                    // integrations of APIs, which routes name
}

// part is an integration, or the name of one in a route.
type part struct {
	api      *syntax.Statement
	name     string
	at       token.Position
	declares bool
}

func newScope(t *syntax.Target) *scope {
	s := &scope{target: t, bound: map[string]*syntax.Statement{}, uses: map[string][]syntax.Ident{}}
	for _, node := range t.Body {
		statement, ok := node.(*syntax.Statement)
		if !ok {
			continue
		}
		syntax.Walk(statement, func(n syntax.Node) {
			if c, ok := n.(*syntax.Command); ok {
				s.part(statement, c)
			}
			for _, id := range syntax.Names(n) {
				s.uses[id.Name] = append(s.uses[id.Name], id)
			}
		})
		if id := statement.Bind; id.Name != "" && s.bound[id.Name] == nil {
			s.bound[id.Name] = statement
			s.uses[id.Name] = append(s.uses[id.Name], id)
		}
	}
	return s
}

// part notes the name of an integration.
func (s *scope) part(api *syntax.Statement, c *syntax.Command) {
	at := map[string]int{"integration": 0, "route": 1}
	i, ok := at[c.Word.Name]
	if !ok || len(c.Args) <= i {
		return
	}
	if t, ok := tokenOf(c.Line, c.Args[i]); ok {
		s.parts = append(s.parts, part{api, t.Text[1 : len(t.Text)-1], c.At(t), c.Word.Name == "integration"})
	}
}

// tokenOf is the token of a text in quotes.
func tokenOf(l *syntax.Line, x syntax.Expr) (token.Token, bool) {
	for _, t := range l.Tokens {
		if l.At(t) == x.Pos() && (t.Kind == token.String || t.Kind == token.Template) {
			return t, true
		}
	}
	return token.Token{}, false
}

// scopeOf is the target that a line is in, or nil.
func (d *document) scopeOf(line int) *scope {
	for _, s := range d.scopes {
		if s.target.Line.Number <= line && line <= s.target.Line.Last || s.target.Implicit {
			return s
		}
	}
	return nil
}

// nameAt is the variable or parameter that is bound or used at a place.
func nameAt(l *syntax.Line, column int) (syntax.Ident, bool) {
	var names []syntax.Ident
	switch n := l.Node.(type) {
	case nil:
		return syntax.Ident{}, false
	case *syntax.Param:
		names = append(names, n.Name)
	case *syntax.Statement:
		names = append(names, n.Bind)
	}
	names = append(names, syntax.Names(l.Node)...)
	for _, id := range names {
		if id.Name != "" && id.Pos.Column <= column && column <= id.Pos.Column+utf8.RuneCountInString(id.Name) {
			return id, true
		}
	}
	return syntax.Ident{}, false
}

// occurrence is a place of a name.
type occurrence struct {
	d *document
	span
}

// occurrences are all places of the name at a position, its definition first; nil if there is none.
func (d *document) occurrences(p position) []occurrence {
	l, column := d.place(p)
	if l == nil {
		return nil
	}
	s := d.scopeOf(l.Number)
	if id, ok := nameAt(l, column); ok {
		if s != nil && s.bound[id.Name] != nil {
			return d.variable(s, id.Name)
		}
		if file, param := d.parameter(id.Name); param != nil {
			return file.parameterUses(param)
		}
	}
	if t, i := tokenAt(l, column); s != nil && i >= 0 && (t.Kind == token.String || t.Kind == token.Template) {
		return d.partsAt(s, l, t)
	}
	return nil
}

// variable is where a variable is bound, and where it is used.
func (d *document) variable(s *scope, name string) []occurrence {
	bind := s.bound[name].Bind
	all := []occurrence{{d, d.identSpan(bind)}}
	for _, id := range s.uses[name] {
		if id.Pos != bind.Pos {
			all = append(all, occurrence{d, d.identSpan(id)})
		}
	}
	return all
}

// parameterUses is where a parameter of d is declared, and where all files of the script use it.
func (d *document) parameterUses(param *syntax.Param) []occurrence {
	name := param.Name.Name
	all := []occurrence{{d, d.identSpan(param.Name)}}
	for _, file := range d.script {
		var uses []syntax.Ident
		for _, p := range file.file.Params {
			uses = append(uses, syntax.Names(p)...)
		}
		for _, s := range file.scopes {
			if s.bound[name] == nil {
				uses = append(uses, s.uses[name]...)
			}
		}
		for _, id := range uses {
			if id.Name == name {
				all = append(all, occurrence{file, file.identSpan(id)})
			}
		}
	}
	return all
}

// partsAt are the places of an integration's name, between its quotes.
func (d *document) partsAt(s *scope, l *syntax.Line, t token.Token) []occurrence {
	var here *part
	for i := range s.parts {
		if s.parts[i].at.Line == l.Number && s.parts[i].at.Column == t.Column {
			here = &s.parts[i]
		}
	}
	if here == nil {
		return nil
	}
	var all []occurrence
	for _, declares := range []bool{true, false} {
		for _, p := range s.parts {
			if p.api == here.api && p.name == here.name && p.declares == declares {
				r := d.word(p.at)
				r.Start.Character++
				r.End.Character--
				all = append(all, occurrence{d, r})
			}
		}
	}
	return all
}

func (d *document) definition(p positionParams) (any, error) {
	all := d.occurrences(p.Position)
	if all == nil {
		return nil, nil
	}
	return location{all[0].d.uri, all[0].span}, nil
}

func (d *document) references(p positionParams) (any, error) {
	list := []location{}
	for _, o := range d.occurrences(p.Position) {
		list = append(list, location{o.d.uri, o.span})
	}
	return list, nil
}

func (d *document) prepareRename(p positionParams) (any, error) {
	for _, o := range d.occurrences(p.Position) {
		if o.d == d && within(p.Position, o.span) {
			return o.span, nil
		}
	}
	return nil, nil
}

func within(p position, r span) bool {
	return p.Line == r.Start.Line && r.Start.Character <= p.Character && p.Character <= r.End.Character
}

var identifier = regexp.MustCompile(`^[\pL_.][\pL\p{Nd}_.]*$`)

func (d *document) rename(p positionParams) (any, error) {
	all := d.occurrences(p.Position)
	if all == nil {
		return nil, &rpcError{invalidParams, "only variables, parameters and integrations can be renamed"}
	}
	l, column := d.place(p.Position)
	if id, ok := nameAt(l, column); ok {
		switch {
		case !identifier.MatchString(p.NewName):
			return nil, &rpcError{invalidParams, fmt.Sprintf("%q is no name: names have letters, digits, _ and dots", p.NewName)}
		case p.NewName != id.Name && d.taken(p.NewName, all):
			return nil, &rpcError{invalidParams, p.NewName + " has a meaning already"}
		}
	} else if quotes.MatchString(p.NewName) {
		return nil, &rpcError{invalidParams, "the name of an integration has no quotes, braces and line ends"}
	}
	changes := map[string][]textEdit{}
	for _, o := range all {
		changes[o.d.uri] = append(changes[o.d.uri], textEdit{o.span, p.NewName})
	}
	return workspaceEdit{changes}, nil
}

var quotes = regexp.MustCompile("[\"'`{}\r\n]")

// taken reports whether a name means something already where one of the occurrences is.
func (d *document) taken(name string, all []occurrence) bool {
	if _, param := d.parameter(name); param != nil || d.constant(name) {
		return true
	}
	for _, o := range all {
		if s := o.d.scopeOf(o.Start.Line + 1); s != nil && s.bound[name] != nil {
			return true
		}
	}
	return false
}

func (d *document) constant(name string) bool {
	if slices.Contains(check.Words, name) {
		return true
	}
	for _, c := range d.server.Catalog.Consts {
		if c.Name == name {
			return true
		}
	}
	return false
}
