package aws

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"quotewire/deploy"
	"quotewire/dply/check"
	"quotewire/dply/schema"
)

// recordWait is how long a resource may take to be ready, or to be gone, unless its model says otherwise.
const recordWait = 5 * time.Minute

// model is what a type knows of its resource, for types whose properties are compared one by one. The rest is the same for
// all of them, and is in [record].
type model struct {
	*schema.Type
	noun    string        // what people call it, such as "log group"
	outputs []string      // the members that other programs want to know
	wait    time.Duration // how long it may take to be ready or to be gone; 0 is recordWait
	absent  string        // a hint for a find that does not find it
	foreign string        // the code of that, for what cannot be made here; "" is the usual one

	// read returns what the cloud has, or nil. It is called again after create and update.
	read func(ctx context.Context, v *values) (*real, error)
	// wants returns what the script asks for. A property that is not managed unless the script names it is left out.
	wants func(v *values) settings
	// refuse says what is wrong with a statement that the checker cannot see; nil if nothing can be.
	refuse func(v *values) error
	// create makes the resource, update changes the properties that differ, and remove takes it away. A type without an
	// update has only Fixed properties.
	create func(ctx context.Context, v *values) error
	update func(ctx context.Context, v *values, differs map[string]bool) error
	remove func(ctx context.Context, v *values) error
	// rests are the properties whose objects cannot go as long as the resource is there, beside those that are Fixed.
	rests []string
	// order makes the resource wait for others that no property of it names; nil if there are none.
	order func(p *Provider, g *deploy.Graph, s *check.Statement, n *deploy.Node)
}

// settings are the properties of a resource as text, by the names that they have in scripts. A missing one is "".
type settings map[string]string

// real is a resource as the cloud has it.
type real struct {
	settings settings
	members  map[string]any // what "->" offers, beside the name; also what update and remove have to know
	busy     bool           // it cannot be used yet
	asks     bool           // it is busy only until this run has done its part
	failed   string         // why it will never be ready
}

// member returns a member that is a text.
func (r *real) member(name string) string {
	if r == nil {
		return ""
	}
	text, _ := r.members[name].(string)
	return text
}

// values gives a model the properties of its statement.
type values struct {
	*Provider
	graph *deploy.Graph
	props []check.Prop
	kind  string // the type, as scripts write it
	name  string
	found *real // what read has returned before

	listed  bool     // what a list of the run tells is good enough
	unknown []string // properties whose values are not known yet
}

func (v *values) value(name string) check.Value {
	for _, p := range v.props {
		if p.Name == name {
			return p.Value
		}
	}
	return nil
}

func (v *values) has(name string) bool { return v.value(name) != nil }

// text returns a property's text, or def if the script does not have it.
func (v *values) text(name, def string) string {
	x := v.value(name)
	if x == nil {
		return def
	}
	text, known := v.graph.String(x)
	v.note(name, known)
	return text
}

// object returns a text, or the member of an object that stands for one.
func (v *values) object(name, member string) string {
	x := v.value(name)
	if x == nil {
		return ""
	}
	text, known := v.graph.String(of(x, member))
	v.note(name, known)
	return text
}

// of is the member of an object, and any other value as it is.
func of(x check.Value, member string) check.Value {
	if r, ok := x.(check.Reference); ok && r.Member == "" {
		r.Member = member
		return r
	}
	return x
}

func (v *values) note(name string, known bool) {
	if !known && !slices.Contains(v.unknown, name) {
		v.unknown = append(v.unknown, name)
	}
}

// integer returns a property's whole number, or def.
func (v *values) integer(name string, def int32) int32 {
	return int32(v.graph.Number(v.value(name), float64(def)))
}

func (v *values) flag(name string, def bool) bool { return v.graph.Bool(v.value(name), def) }

// list returns the texts of a list, nil if the script does not have it.
func (v *values) list(name string) []string {
	list, known := v.graph.Strings(v.value(name))
	v.note(name, known)
	return list
}

// maps returns a list of maps, or a single one as a list of one.
func (v *values) maps(name string) []map[string]any {
	x := v.value(name)
	if x == nil {
		return nil
	}
	got, known := v.graph.Value(x)
	v.note(name, known)
	items, ok := got.([]any)
	if !ok {
		items = []any{got}
	}
	var all []map[string]any
	for _, item := range items {
		if m, ok := item.(map[string]any); ok {
			all = append(all, m)
		}
	}
	return all
}

// entry returns an entry of a map as text, or def.
func entryOf(m map[string]any, name, def string) string {
	if x, ok := m[name]; ok {
		return deploy.Text(x)
	}
	return def
}

func number[T int32 | int64 | int](n T) string { return strconv.FormatInt(int64(n), 10) }

// inOrder is a copy of a list whose order means nothing, sorted.
func inOrder(list []string) []string { return slices.Sorted(slices.Values(list)) }

// sorted is a list as one text, for lists whose order means nothing.
func sorted(list []string) string { return strings.Join(slices.Sorted(slices.Values(list)), ", ") }

// record is a resource of a [model].
type record struct {
	model *model
	p     *Provider
	graph *deploy.Graph
	s     *check.Statement
	found *real
}

// registerModel registers the types of models.
func registerModel(m model, find bool) {
	e := entry{Type: m.Type, ensure: func(p *Provider, g *deploy.Graph, s *check.Statement) error {
		p.counted(m.Name, s.Name)
		n, err := ensured(g, s, m.key(g, s), func() deploy.Resource { return &record{model: &m, p: p, graph: g, s: s} })
		if in := s.Prop(inNetwork.Name); err == nil && in != nil {
			p.ways.enter(partName(g, in), n)
		}
		for _, prop := range m.Properties {
			if err == nil && (prop.Fixed || slices.Contains(m.rests, prop.Name)) {
				g.RestsOn(n, s.Prop(prop.Name))
			}
		}
		if err == nil && m.order != nil {
			m.order(p, g, s, n)
		}
		return err
	}}
	if find {
		e.find = func(p *Provider, g *deploy.Graph, s *check.Statement) error {
			p.counted(m.Name, s.Name)
			return found(g, s, m.key(g, s), &record{model: &m, p: p, graph: g, s: s})
		}
	}
	if m.create == nil {
		e.ensure = nil
	}
	register(e)
}

// key is the type and the name. A resource that lives in another one, such as a mapping in a domain, has the other's name
// in its key as far as that is known: its property's type says that it is an object.
func (m *model) key(g *deploy.Graph, s *check.Statement) deploy.Key {
	name := s.Name
	for _, p := range m.Properties {
		if p.Required && p.Fixed && len(p.Objects) > 0 {
			if in := partName(g, s.Prop(p.Name)); in != "" {
				name += " of " + in
			}
		}
	}
	return deploy.Key{Type: m.Name, Name: name}
}

// partName names an object by its statement, and a text by itself as far as it is known.
func partName(g *deploy.Graph, v check.Value) string {
	if r, ok := v.(check.Reference); ok {
		return r.Statement.Name
	}
	text, _ := g.String(v)
	return text
}

func (r *record) values() *values {
	return &values{Provider: r.p, graph: r.graph, props: r.s.Props, kind: r.model.Name, name: r.s.Name, found: r.found}
}

func (r *record) String() string { return r.model.noun + " " + r.s.Name }
func (r *record) Exists() bool   { return r.found != nil }

func (r *record) Absent() (where, hint string) {
	hint = r.model.absent
	if hint == "" {
		hint = "Make it in a statement above this one, or correct the name."
		if r.model.create != nil {
			hint = fmt.Sprintf("Make it with `ensure %s`, or correct the name.", r.model.Name)
		}
	}
	if r.model.foreign != "" {
		return "in this account", hint
	}
	return "in " + r.p.region, hint
}

// AbsentCode implements [deploy.Foreigner].
func (r *record) AbsentCode() string { return r.model.foreign }

func (r *record) Read(ctx context.Context) (err error) {
	v := r.values()
	v.listed = true
	r.found, err = r.model.read(ctx, v)
	return err
}

// Reread waits as well, if the resource is there by now, which a list of the run does not know. What waits for this run
// itself is not waited for.
func (r *record) Reread(ctx context.Context) (err error) {
	if r.found, err = r.model.read(ctx, r.values()); err != nil || r.found == nil || r.found.asks {
		return err
	}
	return r.ready(ctx)
}

func (r *record) Plan() (deploy.Step, error) {
	if r.model.refuse != nil && r.s.Verb != "find" {
		if err := r.model.refuse(r.values()); err != nil {
			return deploy.Step{}, err
		}
	}
	if r.found == nil {
		return deploy.Step{Action: deploy.Create}, nil
	}
	v := r.values()
	want := r.model.wants(v)
	var changes []deploy.Change
	for _, p := range r.model.Properties {
		text, managed := want[p.Name]
		have := r.found.settings[p.Name]
		switch {
		case !managed:
		case slices.Contains(v.unknown, p.Name):
			changes = append(changes, deploy.Change{Property: p.Name})
		case text == have:
		case p.Fixed:
			pos := r.s.Pos
			if x := r.s.Prop(p.Name); x != nil {
				pos = x.Position()
			}
			return deploy.Step{}, problem(pos, "E63", "Give the new one another name, or destroy this one first; nothing was touched.",
				"%s has %s %s, which cannot be changed to %s", r, p.Name, quoted(have), quoted(text))
		default:
			changes = append(changes, deploy.Change{Property: p.Name, Old: have, New: text})
		}
	}
	return updateIf(changes), nil
}

func quoted(text string) string {
	if text == "" {
		return "none"
	}
	return strconv.Quote(text)
}

func (r *record) Apply(ctx context.Context) error {
	v := r.values()
	if r.found == nil {
		if err := r.model.create(ctx, v); err != nil {
			return err
		}
		return r.ready(ctx)
	}
	step, err := r.Plan()
	if err != nil {
		return err
	}
	differs := map[string]bool{}
	for _, c := range step.Changes {
		differs[c.Property] = true
	}
	if err := r.model.update(ctx, v, differs); err != nil {
		return err
	}
	return r.ready(ctx)
}

// ready reads the resource until it can be used.
func (r *record) ready(ctx context.Context) error {
	return r.await(ctx, "for "+r.String()+" to be ready", func(ctx context.Context) (bool, error) {
		v := r.values()
		found, err := r.model.read(ctx, v)
		if err != nil || found == nil {
			return false, err
		}
		r.found = found
		if found.failed != "" {
			return false, fmt.Errorf("%s failed: %s", r, found.failed)
		}
		return !found.busy, nil
	})
}

func (r *record) await(ctx context.Context, what string, look func(context.Context) (bool, error)) error {
	bound := r.model.wait
	if bound == 0 {
		bound = recordWait
	}
	return deploy.Await(ctx, what, bound, look)
}

// Delete removes the resource and waits until it is gone, where the cloud takes its time.
func (r *record) Delete(ctx context.Context) error {
	if err := r.model.remove(ctx, r.values()); err != nil {
		return err
	}
	return r.await(ctx, "for "+r.String()+" to be gone", func(ctx context.Context) (bool, error) {
		found, err := r.model.read(ctx, r.values())
		return found == nil, err
	})
}

func (r *record) Member(name string) (any, bool) {
	if name == "name" {
		return r.s.Name, true
	}
	if r.found == nil {
		return nil, false
	}
	x, ok := r.found.members[name]
	return x, ok
}

func (r *record) Outputs() []deploy.Output {
	var all []deploy.Output
	for _, name := range r.model.outputs {
		if x, known := r.Member(name); known {
			all = append(all, deploy.Output{Type: r.model.Name, Resource: r.s.Name, Name: name, Value: deploy.Text(x)})
		}
	}
	return all
}
