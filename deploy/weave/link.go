package weave

import (
	"fmt"
	"slices"
	"strings"

	"quotewire/dply/schema"
	"quotewire/dply/syntax"
	"quotewire/dply/token"
)

// place is where a token stands in its file.
type place struct{ line, column int }

// link is what a name in the code leads to, or what leads to it.
type link struct {
	class, href, id, title string
}

// index is the names of the catalog, and which of them the script has used.
type index struct {
	types map[string]*schema.Type
	seen  map[*schema.Type]map[string]bool // the properties that were used of each

	params map[string]link // the parameters of the script
}

func newIndex(c *schema.Catalog) *index {
	x := &index{types: map[string]*schema.Type{}, seen: map[*schema.Type]map[string]bool{}, params: map[string]link{}}
	for _, list := range [][]*schema.Type{c.Types, c.Verbs, c.Readers} {
		for _, t := range list {
			x.types[t.Name] = t
		}
	}
	return x
}

// declare makes the parameters of a file known to all of them.
func (x *index) declare(f *syntax.File, number int) {
	for _, p := range f.Params {
		x.params[p.Name.Name] = link{class: "var", href: "#" + bindID(number, p.Name), title: p.Doc()}
	}
}

// bindID is the id of the place where a name is bound.
func bindID(file int, name syntax.Ident) string {
	return fmt.Sprintf("v%d-%d-%s", file, name.Pos.Line, name.Name)
}

// Entry is a type, a verb or a reader as the page explains it: with the properties and members that the script uses.
type Entry struct {
	Name, ID, Doc string
	Properties    []EntryProperty
}

// EntryProperty is one property or member of an [Entry].
type EntryProperty struct{ Name, ID, Doc string }

func (x *index) used() []Entry {
	var all []Entry
	for t, names := range x.seen {
		e := Entry{Name: t.Name, ID: typeID(t.Name), Doc: t.Doc}
		for _, p := range slices.Concat(t.Properties, t.FindBy) {
			if names[p.Name] {
				e.Properties = append(e.Properties, EntryProperty{p.Name, propertyID(t.Name, p.Name), p.Doc})
				names[p.Name] = false // of ensure and find at once
			}
		}
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func typeID(name string) string               { return "t-" + name }
func propertyID(typeName, name string) string { return "t-" + typeName + "-" + name }

func (x *index) use(t *schema.Type) {
	if x.seen[t] == nil {
		x.seen[t] = map[string]bool{}
	}
}

// linker finds what the names of one file lead to.
type linker struct {
	*index
	file  int
	links map[place]link
	vars  map[string]link // of the target
}

func linksOf(f *syntax.File, number int, names *index) map[place]link {
	l := &linker{index: names, file: number, links: map[place]link{}}
	for _, p := range f.Params {
		l.put(p.Name.Pos, link{class: "bind", id: bindID(number, p.Name), title: p.Doc()})
		l.exprs(p)
	}
	for _, t := range f.Targets {
		l.vars = map[string]link{}
		for _, node := range t.Body {
			if s, ok := node.(*syntax.Statement); ok {
				l.statement(s)
			}
		}
	}
	return l.links
}

func (l *linker) put(pos token.Position, to link) { l.links[place{pos.Line, pos.Column}] = to }

func (l *linker) statement(s *syntax.Statement) {
	var t *schema.Type
	if t = l.typeName(s.Verb, "verb"); t == nil && len(s.Args) > 0 {
		if name, ok := s.Args[0].(syntax.Name); ok {
			t = l.typeName(name.Ident, "type")
		}
	}
	l.exprs(s)
	l.block(s.Body, t, nil)
	if s.Bind.Name != "" {
		id := bindID(l.file, s.Bind)
		l.put(s.Bind.Pos, link{class: "bind", id: id})
		l.vars[s.Bind.Name] = link{class: "var", href: "#" + id, title: fmt.Sprintf("bound on line %d", s.Bind.Pos.Line)}
	}
}

// typeName links the name of a type, a verb or a reader.
func (l *linker) typeName(id syntax.Ident, class string) *schema.Type {
	t := l.types[id.Name]
	if t != nil {
		l.use(t)
		l.put(id.Pos, link{class: class, href: "#" + typeID(t.Name), title: t.Doc})
	}
	return t
}

// block links the lines of a block of type t, or of a map with the given entries.
func (l *linker) block(body []syntax.Node, t *schema.Type, entries []schema.Property) {
	for _, node := range body {
		switch n := node.(type) {
		case *syntax.Statement:
			l.statement(n)
		case *syntax.Command:
			l.exprs(n)
			l.block(n.Body, t, nil)
		case *syntax.Adverb:
			l.exprs(n)
		case *syntax.Prop:
			l.property(n, t, entries)
		case *syntax.Item:
			l.exprs(n)
			l.block(n.Body, t, entries)
		}
	}
}

func (l *linker) property(n *syntax.Prop, t *schema.Type, entries []schema.Property) {
	properties := entries
	if t != nil && entries == nil {
		properties = slices.Concat(t.Properties, t.FindBy)
	}
	var inner []schema.Property
	for _, p := range properties {
		if p.Name != n.Name.Name {
			continue
		}
		to := link{class: "property", title: p.Doc}
		if t != nil && entries == nil {
			l.seen[t][p.Name] = true
			to.href = "#" + propertyID(t.Name, p.Name)
		}
		l.put(n.Name.Pos, to)
		inner = p.Entries
		break
	}
	reader := l.typeName(n.Reader, "type")
	l.exprs(n)
	l.block(n.Body, reader, inner)
}

// exprs links the variables on the line of a node.
func (l *linker) exprs(n syntax.Node) {
	for _, id := range syntax.Names(n) {
		to, ok := l.vars[id.Name]
		if !ok {
			to, ok = l.params[id.Name]
		}
		if ok {
			l.put(id.Pos, to)
		}
	}
}
