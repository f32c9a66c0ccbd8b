package deploy

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"quotewire/dply/check"
	"quotewire/dply/token"
)

// Value evaluates v as far as it is known by now. The result is a string, a float64, a []any, a map[string]any, or what
// a resource's member is. A nil v is the empty string.
func (g *Graph) Value(v check.Value) (value any, known bool) {
	switch v := v.(type) {
	case nil:
		return "", true
	case check.String:
		return v.Text, true
	case check.Joined:
		return g.joined(v)
	case check.Number:
		return v.Value, true
	case check.List:
		list, all := make([]any, len(v.Items)), true
		for i, item := range v.Items {
			var ok bool
			list[i], ok = g.Value(item)
			all = all && ok
		}
		return list, all
	case check.Map:
		m, all := make(map[string]any, len(v.Entries)), true
		for _, e := range v.Entries {
			var ok bool
			m[e.Name], ok = g.Value(e.Value)
			all = all && ok
		}
		return m, all
	case check.Reference:
		return g.reference(v)
	}
	panic(fmt.Sprintf("deploy: a %T has no plain value", v))
}

// joined puts a text together, once all of it is known.
func (g *Graph) joined(v check.Joined) (any, bool) {
	var b strings.Builder
	for _, part := range v.Parts {
		text, known := g.String(part)
		if !known {
			return nil, false
		}
		b.WriteString(text)
	}
	return b.String(), true
}

func (g *Graph) reference(r check.Reference) (any, bool) {
	switch r.Statement.Verb {
	case "files.dir":
		return g.path(r.Statement)
	case "coin":
		return g.Value(check.Map{Pos: r.Pos, Entries: r.Statement.Props})
	}
	n := g.bound[r.Statement]
	if n == nil {
		return nil, false
	}
	member := r.Member
	if t := r.Statement.Type; member == "" && t != nil {
		member = t.Self // what stands for the object where a text is wanted
	}
	if member == "" {
		return n.Resource.String(), true
	}
	return n.Resource.Member(member)
}

// path joins the parts of a files.dir statement.
func (g *Graph) path(s *check.Statement) (any, bool) {
	path, all := "", true
	for _, arg := range s.Args {
		part, ok := g.String(arg)
		path, all = filepath.Join(path, part), all && ok
	}
	return path, all
}

// String evaluates v to a text.
func (g *Graph) String(v check.Value) (string, bool) {
	x, known := g.Value(v)
	if !known {
		return "", false
	}
	return Text(x), true
}

// Strings evaluates v to a list of texts. One value is a list of one, none is an empty list.
func (g *Graph) Strings(v check.Value) ([]string, bool) {
	if v == nil {
		return nil, true
	}
	x, known := g.Value(v)
	if !known {
		return nil, false
	}
	var list []string
	var add func(x any)
	add = func(x any) {
		switch x := x.(type) {
		case []any:
			for _, item := range x {
				add(item)
			}
		case []string:
			list = append(list, x...)
		default:
			list = append(list, Text(x))
		}
	}
	add(x)
	return list, true
}

// Number evaluates v to a number, or to def if v is nil.
func (g *Graph) Number(v check.Value, def float64) float64 {
	if n, ok := v.(check.Number); ok {
		return n.Value
	}
	return def
}

// Bool evaluates v to a truth value, or to def if v is nil.
func (g *Graph) Bool(v check.Value, def bool) bool {
	if n, ok := v.(check.Number); ok {
		return n.Value != 0
	}
	return def
}

// Text is how a value is shown: numbers without an exponent where they are whole, lists in brackets.
func Text(x any) string {
	switch x := x.(type) {
	case string:
		return x
	case float64:
		if x == float64(int64(x)) {
			return strconv.FormatInt(int64(x), 10)
		}
		return strconv.FormatFloat(x, 'g', -1, 64)
	}
	return fmt.Sprint(x)
}

// canonical is what a statement asks for, without positions, variables and the teardown adverbs: two statements that ask
// for the same have the same.
func canonical(s *check.Statement) string {
	if s == nil {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %q", s.Verb, s.Name)
	if s.Type != nil {
		b.WriteString(s.Type.Name)
	}
	props := slices.Clone(s.Props)
	slices.SortFunc(props, func(a, b check.Prop) int { return strings.Compare(a.Name, b.Name) })
	write(&b, reflect.ValueOf(props))
	write(&b, reflect.ValueOf(s.Parts))
	write(&b, reflect.ValueOf(s.Policy))
	return b.String()
}

// Same reports whether two values ask for the same, wherever they stand.
func Same(a, b check.Value) bool {
	var x, y strings.Builder
	write(&x, reflect.ValueOf(a))
	write(&y, reflect.ValueOf(b))
	return x.String() == y.String()
}

// write prints a tree of values. References are followed to the statements that they mean.
func write(b *strings.Builder, v reflect.Value) {
	switch v.Kind() {
	case reflect.Invalid:
		b.WriteString("nil")
	case reflect.Interface, reflect.Pointer:
		switch {
		case v.IsNil():
			b.WriteString("nil")
		case v.Type() == reflect.TypeFor[*check.Statement]():
			b.WriteString(canonical(v.Interface().(*check.Statement)))
		default:
			write(b, v.Elem())
		}
	case reflect.Struct:
		b.WriteString(v.Type().Name() + "{")
		for i := range v.NumField() {
			if v.Field(i).Type() != reflect.TypeFor[token.Position]() {
				write(b, v.Field(i))
				b.WriteByte(';')
			}
		}
		b.WriteByte('}')
	case reflect.Slice:
		b.WriteByte('[')
		for i := range v.Len() {
			write(b, v.Index(i))
			b.WriteByte(',')
		}
		b.WriteByte(']')
	case reflect.String:
		fmt.Fprintf(b, "%q", v.String())
	default:
		fmt.Fprint(b, v.Interface())
	}
}

// references calls f for every reference inside v.
func references(v check.Value, f func(check.Reference)) {
	props := func(list []check.Prop) {
		for _, p := range list {
			references(p.Value, f)
		}
	}
	switch v := v.(type) {
	case check.Reference:
		f(v)
		for _, arg := range v.Statement.Args { // a path's parts
			references(arg, f)
		}
		if v.Statement.Verb == "coin" {
			props(v.Statement.Props)
		}
		if v.Statement.Policy != nil {
			references(v.Statement.Policy, f)
		}
	case check.Joined:
		for _, part := range v.Parts {
			references(part, f)
		}
	case check.List:
		for _, item := range v.Items {
			references(item, f)
		}
	case check.Map:
		props(v.Entries)
	case *check.Compound:
		props(v.Props)
	case *check.Role:
		if v.Assume != nil {
			references(v.Assume, f)
		}
		for _, p := range v.Inline {
			if p != nil {
				references(p, f)
			}
		}
	case *check.Policy:
		for _, s := range v.Statements {
			for _, a := range s.Actions {
				references(a, f)
			}
			for _, r := range s.Resources {
				references(r, f)
			}
			for _, p := range s.Principals {
				references(p.ID, f)
			}
			for _, c := range s.Conditions {
				references(c.Value, f)
			}
		}
	}
}
