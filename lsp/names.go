package lsp

import (
	"fmt"
	"regexp"

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
			for _, x := range syntax.Exprs(n) {
				syntax.WalkExpr(x, func(x syntax.Expr) {
					if name, ok := x.(syntax.Name); ok {
						s.uses[name.Name] = append(s.uses[name.Name], name.Ident)
					}
				})
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
	if name, ok := c.Args[i].(syntax.StringLit); ok {
		s.parts = append(s.parts, part{api, name.Text, name.At, c.Word.Name == "integration"})
	}
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

// occurrences are all places of the name at a position, its definition first; nil if there is none.
func (d *document) occurrences(p position) []span {
	l, column := d.place(p)
	if l == nil {
		return nil
	}
	s := d.scopeOf(l.Number)
	t, i := tokenAt(l, column)
	if s == nil || i < 0 {
		return nil
	}
	if t.Kind == token.String {
		return d.partsAt(s, l, t)
	}
	statement := s.bound[t.Text]
	if t.Kind != token.Ident || statement == nil || i > 0 && l.Tokens[i-1].Is("->") {
		return nil
	}
	all := []span{d.identSpan(statement.Bind)}
	here := false
	for _, id := range s.uses[t.Text] {
		here = here || id.Pos.Line == l.Number && id.Pos.Column == t.Column
		if id.Pos != statement.Bind.Pos {
			all = append(all, d.identSpan(id))
		}
	}
	if !here {
		return nil // a word that only looks like it, such as a property
	}
	return all
}

// partsAt are the places of an integration's name, between its quotes.
func (d *document) partsAt(s *scope, l *syntax.Line, t token.Token) []span {
	var here *part
	for i := range s.parts {
		if s.parts[i].at.Line == l.Number && s.parts[i].at.Column == t.Column {
			here = &s.parts[i]
		}
	}
	if here == nil {
		return nil
	}
	var all []span
	for _, declares := range []bool{true, false} {
		for _, p := range s.parts {
			if p.api == here.api && p.name == here.name && p.declares == declares {
				r := d.word(p.at)
				r.Start.Character++
				r.End.Character--
				all = append(all, r)
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
	return location{d.uri, all[0]}, nil
}

func (d *document) references(p positionParams) (any, error) {
	list := []location{}
	for _, r := range d.occurrences(p.Position) {
		list = append(list, location{d.uri, r})
	}
	return list, nil
}

func (d *document) prepareRename(p positionParams) (any, error) {
	for _, r := range d.occurrences(p.Position) {
		if within(p.Position, r) {
			return r, nil
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
		return nil, &rpcError{invalidParams, "only variables and integrations can be renamed"}
	}
	l, column := d.place(p.Position)
	if t, _ := tokenAt(l, column); t.Kind == token.Ident {
		s := d.scopeOf(l.Number)
		switch {
		case !identifier.MatchString(p.NewName):
			return nil, &rpcError{invalidParams, fmt.Sprintf("%q is no name: names have letters, digits, _ and dots", p.NewName)}
		case s.bound[p.NewName] != nil && p.NewName != t.Text, d.constant(p.NewName):
			return nil, &rpcError{invalidParams, p.NewName + " has a meaning already"}
		}
	} else if len(all) > 0 && containsQuote(p.NewName) {
		return nil, &rpcError{invalidParams, "the name of an integration has no quotes and no line ends"}
	}
	edits := make([]textEdit, len(all))
	for i, r := range all {
		edits[i] = textEdit{r, p.NewName}
	}
	return workspaceEdit{map[string][]textEdit{d.uri: edits}}, nil
}

func containsQuote(name string) bool { return regexp.MustCompile("[\"'\r\n]").MatchString(name) }

func (d *document) constant(name string) bool {
	if name == "true" || name == "false" || name == "sum" || name == "hours" {
		return true
	}
	for _, c := range d.server.Catalog.Consts {
		if c.Name == name {
			return true
		}
	}
	return false
}
