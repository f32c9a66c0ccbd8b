package check

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"quotewire/dply/schema"
	"quotewire/dply/syntax"
	"quotewire/dply/token"
)

// properties is a checked block of them.
type properties struct {
	props []Prop
	seen  map[string]token.Position // also names of lines that have a mistake
}

func (b properties) has(name string) bool { _, ok := b.seen[name]; return ok }

// properties checks the lines of a block. The code is that of a property that is not allowed. adverb may be nil where
// none is allowed; special, which may be nil, takes properties that are no ordinary ones.
func (c *checker) properties(nodes []syntax.Node, allowed []schema.Property, owner, code string,
	adverb func(*syntax.Adverb, map[string]token.Position), special func(*syntax.Prop) bool) properties {
	b := properties{seen: map[string]token.Position{}}
	duplicate := "E37"
	if code == "E42" {
		duplicate = "E41"
	}
	for _, node := range nodes {
		switch node := node.(type) {
		case *syntax.Bad:
			name := node.Name
			if name == "" && strings.HasPrefix(strings.TrimSpace(node.Line.Text), "@") {
				name = "@teardown" // the adverb that would be missed
			}
			b.seen[name] = node.Line.Pos()
		case *syntax.Adverb:
			if adverb == nil {
				c.fail(node.Line, node.Name.Pos, "E36", "no adverbs here", "Adverbs stand in the block of a statement.")
				continue
			}
			adverb(node, b.seen)
		case *syntax.Prop:
			name := node.Name
			if special != nil && special(node) {
				b.seen[name.Name] = name.Pos
				continue
			}
			if first, twice := b.seen[name.Name]; twice {
				c.twice(name, duplicate, first)
				continue
			}
			i := slices.IndexFunc(allowed, func(p schema.Property) bool { return p.Name == name.Name })
			if i < 0 {
				c.unknownProperty(node, allowed, owner, code)
				continue
			}
			b.seen[name.Name] = name.Pos
			if v := c.value(node, allowed[i]); v != nil {
				b.props = append(b.props, Prop{name.Name, name.Pos, v})
			}
		}
	}
	return b
}

func (c *checker) unknownProperty(p *syntax.Prop, allowed []schema.Property, owner, code string) {
	var names []string
	for _, a := range allowed {
		names = append(names, a.Name)
	}
	hint := owner + " takes no properties here."
	if names != nil {
		hint = c.didYouMean(p.Name.Name, names) + "It takes " + and(names) + "."
	}
	c.fail(p.Line, p.Name.Pos, code, fmt.Sprintf("no property %s on %s", p.Name.Name, owner), hint)
}

// required reports the properties that are missing, one message for the statement.
func (c *checker) required(b properties, allowed []schema.Property, at token.Position, code string, message func(string) string) {
	for _, p := range allowed {
		if p.With != "" && b.has(p.Name) && !b.has(p.With) {
			c.report(b.seen[p.Name], code, fmt.Sprintf("%s needs %s", p.Name, p.With), fmt.Sprintf("Set %s as well, or take %s away.", p.With, p.Name))
			return
		}
		if p.Required && !b.has(p.Name) {
			c.report(at, code, message(p.Name), strings.TrimSpace(p.Name+" is required. "+p.Doc))
			return
		}
	}
}

// twice reports something that may be there once.
func (c *checker) twice(id syntax.Ident, code string, first token.Position) {
	c.report(id.Pos, code, id.Name+" is given twice", fmt.Sprintf("The first is at %s.", first))
}

// value checks the right side of a property.
func (c *checker) value(p *syntax.Prop, want schema.Property) Value {
	if p.Reader.Name != "" {
		return c.read(p, want)
	}
	return c.convert(c.content(p.Value, p.Body), want)
}

// content evaluates a value that may be written as a block below [] or {}.
func (c *checker) content(x syntax.Expr, body []syntax.Node) Value {
	if len(body) == 0 {
		return c.eval(x)
	}
	switch x := x.(type) {
	case syntax.ListLit:
		list, ok := List{Pos: x.At}, true
		for _, node := range body {
			item, isItem := node.(*syntax.Item)
			if !isItem {
				ok = false
				continue
			}
			v := c.content(item.Value, item.Body)
			ok = ok && v != nil
			list.Items = append(list.Items, v)
		}
		return orNil(list, ok)
	case syntax.MapLit:
		m, ok := Map{Pos: x.At}, true
		seen := map[string]token.Position{}
		for _, node := range body {
			entry, isProp := node.(*syntax.Prop)
			if !isProp || entry.Reader.Name != "" {
				ok = false
				continue
			}
			if first, twice := seen[entry.Name.Name]; twice {
				c.twice(entry.Name, "E37", first)
				continue
			}
			seen[entry.Name.Name] = entry.Name.Pos
			v := c.content(entry.Value, entry.Body)
			ok = ok && v != nil
			m.Entries = append(m.Entries, Prop{entry.Name.Name, entry.Name.Pos, v})
		}
		return orNil(m, ok)
	}
	return c.eval(x)
}

// convert makes a value what the property wants, or reports why it cannot be.
func (c *checker) convert(v Value, want schema.Property) Value {
	if v == nil {
		return nil
	}
	for _, kind := range want.Kinds {
		if got, ok := c.as(v, kind, want); ok {
			return got // nil if the reason was reported
		}
	}
	var kinds []string
	for _, k := range want.Kinds {
		kinds = append(kinds, a(string(k)))
	}
	hint := ""
	if slices.Contains(want.Kinds, schema.Value) {
		hint = fmt.Sprintf("Write: %s <= %s", want.Name, either(want.Readers))
	} else if len(want.Objects) > 0 {
		hint = "It takes a variable bound to " + either(want.Objects) + "."
	}
	c.report(v.Position(), "E46", fmt.Sprintf("%s wants %s, got %s", want.Name, either(kinds), kindOf(v)), hint)
	return nil
}

// as tries one kind.
func (c *checker) as(v Value, kind schema.Kind, want schema.Property) (Value, bool) {
	ref, isRef := v.(Reference)
	switch kind {
	case schema.String:
		if text, ok := v.(String); ok {
			return c.enum(text, want), true
		}
		if text, ok := v.(Joined); ok {
			return text, true
		}
		if isRef && ref.Member != "" {
			return ref, memberKind(ref) == schema.String
		}
		if isRef && ref.Statement.Type != nil && ref.Statement.Type.Self != "" &&
			(want.Objects == nil || slices.Contains(want.Objects, ref.Statement.Type.Name)) && !slices.Contains(want.Kinds, schema.Object) {
			ref.Member = ref.Statement.Type.Self
			return ref, true
		}
	case schema.Number:
		if n, ok := v.(Number); ok {
			return c.inRange(n, want), true
		}
		return v, isRef && ref.Member != "" && memberKind(ref) == schema.Number
	case schema.Bool:
		n, ok := v.(Number)
		return v, ok && (n.Value == 0 || n.Value == 1)
	case schema.List:
		return c.list1(v, want)
	case schema.Map:
		m, ok := v.(Map)
		if !ok || want.Entries == nil {
			return v, ok
		}
		return c.entries(m, want), true
	case schema.Object:
		return v, isRef && ref.Member == "" && ref.Statement.Type != nil && slices.Contains(want.Objects, ref.Statement.Type.Name)
	case schema.Policy:
		if isRef && ref.Member == "" && ref.Statement.Verb == "policy" {
			return ref.Statement.Policy, true
		}
	}
	return nil, false
}

// list1 takes a list, or one value as a list of one.
func (c *checker) list1(v Value, want schema.Property) (Value, bool) {
	if ref, ok := v.(Reference); ok && ref.Member != "" && memberKind(ref) == schema.List {
		return ref, true
	}
	item := want
	if item.Kinds = want.Items; item.Kinds == nil {
		item.Kinds = []schema.Kind{schema.String}
	}
	list, ok := v.(List)
	if !ok {
		for _, kind := range item.Kinds {
			if got, ok := c.as(v, kind, item); ok && got != nil {
				return List{v.Position(), []Value{got}}, true
			}
		}
		return nil, false
	}
	out := List{Pos: list.Pos}
	for _, v := range list.Items {
		got := c.convert(v, item)
		if got == nil {
			return nil, true
		}
		out.Items = append(out.Items, got)
	}
	return out, true
}

func (c *checker) enum(text String, want schema.Property) Value {
	if want.Enum == nil || slices.Contains(want.Enum, text.Text) {
		return text
	}
	c.report(text.Pos, "E47", fmt.Sprintf("invalid %s %q", want.Name, text.Text), c.didYouMean(text.Text, want.Enum)+"It is one of "+either(want.Enum)+".")
	return nil
}

// entries checks a map whose names are fixed.
func (c *checker) entries(m Map, want schema.Property) Value {
	mark := len(c.list)
	out := Map{Pos: m.Pos}
	for _, e := range m.Entries {
		i := slices.IndexFunc(want.Entries, func(p schema.Property) bool { return p.Name == e.Name })
		if i < 0 {
			var names []string
			for _, p := range want.Entries {
				names = append(names, p.Name)
			}
			c.report(e.Pos, "E33", fmt.Sprintf("no entry %s in %s", e.Name, want.Name), c.didYouMean(e.Name, names)+"It takes "+and(names)+".")
			continue
		}
		out.Entries = append(out.Entries, Prop{e.Name, e.Pos, c.convert(e.Value, want.Entries[i])})
	}
	for _, p := range want.Entries {
		if p.Required && find(m.Entries, p.Name) == nil {
			c.report(m.Pos, "E45", fmt.Sprintf("%s was not defined in %s", p.Name, want.Name), p.Doc)
		}
	}
	return orNil(out, !c.broken(mark))
}

// inRange refuses a number that the property does not allow.
func (c *checker) inRange(n Number, want schema.Property) Value {
	bounded := want.Min != 0 || want.Max != 0
	if (!bounded || n.Value >= want.Min && n.Value <= want.Max) && (want.Numbers == nil || slices.Contains(want.Numbers, n.Value)) {
		return n
	}
	c.report(n.Pos, "E47", fmt.Sprintf("invalid %s %s", want.Name, digits(n.Value)), fmt.Sprintf("It is %s.", want.Range()))
	return nil
}

// digits is a number as people write it; one that would take too many of them has an exponent.
func digits(x float64) string {
	if x == math.Trunc(x) && math.Abs(x) < 1e15 {
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}

func memberKind(ref Reference) schema.Kind {
	if ref.Statement.Type == nil {
		return ""
	}
	m, _ := member(ref.Statement.Type, ref.Member)
	return m.Kind
}

// kindOf is what a value is, in words.
func kindOf(v Value) string {
	switch v := v.(type) {
	case String, Joined:
		return "a string"
	case Number:
		return "a number"
	case Duration:
		return "a duration"
	case List:
		return "a list"
	case Map:
		return "a map"
	case Reference:
		switch {
		case v.Member != "":
			return a(string(memberKind(v)))
		case v.Statement.Type != nil:
			return a(v.Statement.Type.Name)
		case v.Statement.Verb == "files.dir":
			return "a path"
		}
		return "a policy document"
	case *Policy:
		return "a policy document"
	}
	return "a compound value"
}

func a(noun string) string {
	if strings.ContainsAny(noun[:min(1, len(noun))], "aeiou") {
		return "an " + noun
	}
	return "a " + noun
}

// and lists names: a, b and c.
func and(names []string) string {
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return strings.Join(names, "")
}

// read checks a compound value.
func (c *checker) read(p *syntax.Prop, want schema.Property) Value {
	reader := p.Reader
	known := append(keys(c.readers), "aws.IAM.WithRole", "aws.DynamoFields")
	switch {
	case !slices.Contains(known, reader.Name):
		c.fail(p.Line, reader.Pos, "E15", "no compound value "+reader.Name, c.didYouMean(reader.Name, known))
		return nil
	case !slices.Contains(want.Readers, reader.Name):
		hint := "Write a plain value: " + want.Name + " <- value"
		if len(want.Readers) > 0 {
			hint = fmt.Sprintf("Write: %s <= %s", want.Name, either(want.Readers))
		}
		c.fail(p.Line, reader.Pos, "E46", fmt.Sprintf("%s is not read by %s", want.Name, reader.Name), hint)
		return nil
	}
	switch reader.Name {
	case "aws.IAM.WithRole":
		return c.role(p)
	case "aws.DynamoFields":
		return c.fields(p)
	}
	t := c.readers[reader.Name]
	if len(p.Args) > 0 {
		c.fail(p.Line, p.Args[0].Pos(), "E17", reader.Name+" takes no arguments on its line", "Write its parts below it.")
		return nil
	}
	mark := len(c.list)
	b := c.properties(p.Body, t.Properties, t.Name, "E42", nil, nil)
	if !p.Torn {
		c.required(b, t.Properties, p.Name.Pos, "E40", func(name string) string { return p.Name.Name + " must set " + name })
	}
	if c.broken(mark) {
		return nil
	}
	return &Compound{Pos: p.Name.Pos, Reader: t.Name, Props: b.props}
}

// fields checks an aws.DynamoFields block.
func (c *checker) fields(p *syntax.Prop) Value {
	types := map[string]string{"string": "S", "number": "N", "binary": "B", "bool": "BOOL"}
	f := &Fields{Pos: p.Name.Pos}
	mark := len(c.list)
	keyed, names := map[string]token.Position{}, map[string]token.Position{}
	torn := p.Torn
	for _, node := range p.Body {
		field, ok := node.(*syntax.Field)
		if !ok {
			torn = true
			continue
		}
		typ, ok := types[field.Type.Name]
		if !ok {
			c.fail(field.Line, field.Type.Pos, "E19", field.Type.Name+" is not a field type", c.didYouMean(field.Type.Name, keys(types))+"A field is a string, a number, binary or a bool.")
			torn = true
			continue
		}
		if first, twice := names[field.Name.Name]; twice {
			c.twice(field.Name, "E41", first)
		}
		names[field.Name.Name] = field.Name.Pos
		out := Field{Pos: field.Name.Pos, Name: field.Name.Name, Type: typ}
		for _, node := range field.Body {
			key, ok := node.(*syntax.Adverb)
			if !ok {
				torn = true
				continue
			}
			role, _ := syntax.Name{}, false
			if len(key.Args) == 1 {
				role, _ = key.Args[0].(syntax.Name)
			}
			switch {
			case role.Name != "hash" && role.Name != "range":
				c.report(key.Name.Pos, "E20", "a key is hash or range", "Write: @Key hash, or: @Key range")
			case out.Key != "":
				c.report(key.Name.Pos, "E20", "a field has one @Key at most", "Take one of the two away.")
			case typ == "BOOL":
				c.report(field.Type.Pos, "E19", "a bool cannot be a key", "A key is a string, a number or binary.")
			default:
				if first, twice := keyed[role.Name]; twice {
					c.report(key.Name.Pos, "E20", "a table has one "+role.Name+" key", fmt.Sprintf("The first is at %s.", first))
				}
				keyed[role.Name] = key.Name.Pos
				out.Key = role.Name
			}
		}
		f.Items = append(f.Items, out)
	}
	if _, ok := keyed["hash"]; !ok && !torn && !c.broken(mark) {
		c.report(p.Name.Pos, "E20", "the table has no hash key", "Write @Key hash under the field that items are found by.")
	}
	if c.broken(mark) {
		return nil
	}
	return f
}
