package expression

import (
	"quotewire/cloud/dynamodb/attribute"
)

// Projection says which parts of an item are wanted.
type Projection struct {
	paths []Path
	root  part
}

// part is one place in an item that a projection goes through. With neither names nor indices, all of it is wanted.
type part struct {
	names   map[string]*part
	indices map[int]*part
}

// Projection reads a ProjectionExpression.
func (p *Params) Projection(text string) (*Projection, error) {
	var paths []Path
	err := read(p, "ProjectionExpression", text, func(ps *parser) {
		for {
			paths = append(paths, ps.readPath())
			if !ps.accept(",") {
				break
			}
		}
		if m := disjoint(paths); m != "" {
			ps.fail(overlap, "%s", m)
		}
	})
	if err != nil {
		return nil, err
	}
	return NewProjection(paths), nil
}

// NewProjection makes a projection of paths, none of which leads to a part of another.
func NewProjection(paths []Path) *Projection {
	pr := &Projection{paths: paths}
	for _, path := range paths {
		at := &pr.root
		for _, s := range path {
			at = at.step(s)
		}
	}
	return pr
}

// Names makes a projection of whole attributes.
func Names(names ...string) *Projection {
	var paths []Path
	for _, n := range names {
		paths = append(paths, Path{{Name: n}})
	}
	return NewProjection(paths)
}

// Paths returns the paths of the projection.
func (pr *Projection) Paths() []Path { return pr.paths }

func (p *part) step(s Step) *part {
	if s.Name != "" {
		if p.names == nil {
			p.names = map[string]*part{}
		}
		if p.names[s.Name] == nil {
			p.names[s.Name] = &part{}
		}
		return p.names[s.Name]
	}
	if p.indices == nil {
		p.indices = map[int]*part{}
	}
	if p.indices[s.Index] == nil {
		p.indices[s.Index] = &part{}
	}
	return p.indices[s.Index]
}

// Apply returns the wanted parts of an item: maps keep the wanted members, lists the wanted elements without gaps.
func (pr *Projection) Apply(it attribute.Item) attribute.Item { return pr.root.item(it) }

func (p *part) item(it attribute.Item) attribute.Item {
	out := attribute.Item{}
	for i := range it {
		if inner := p.names[it[i].Name]; inner != nil {
			if v := inner.value(it[i].Value); v.Kind != attribute.Absent {
				out = append(out, attribute.Attr{Name: it[i].Name, Value: v})
			}
		}
	}
	return out
}

func (p *part) value(v attribute.Value) attribute.Value {
	switch {
	case p.names == nil && p.indices == nil:
		return v
	case p.names != nil && v.Kind == attribute.M:
		if m := p.item(v.Map); len(m) > 0 {
			return attribute.Value{Kind: attribute.M, Map: m}
		}
	case p.indices != nil && v.Kind == attribute.L:
		var list []attribute.Value
		for i, e := range v.List {
			if inner := p.indices[i]; inner != nil {
				if w := inner.value(e); w.Kind != attribute.Absent {
					list = append(list, w)
				}
			}
		}
		if list != nil {
			return attribute.Value{Kind: attribute.L, List: list}
		}
	}
	return attribute.Value{}
}
