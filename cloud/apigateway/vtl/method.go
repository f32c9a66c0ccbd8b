package vtl

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// property is v.name: a member of a map, or what a Java bean of that kind has.
func property(v any, name string) (any, error) {
	switch v := v.(type) {
	case Object:
		return v.Get(name)
	case *Map:
		if !v.Has(name) && (name == "empty" || name == "size") {
			break
		}
		return v.Get(name), nil
	case *entry:
		switch name {
		case "key":
			return v.key, nil
		case "value":
			return v.value, nil
		}
	case *List:
		if name == "size" || name == "empty" {
			break
		}
	}
	switch size := sizeOf(v); {
	case size >= 0 && name == "empty":
		return size == 0, nil
	}
	return nil, nil // as Velocity does
}

func sizeOf(v any) int {
	switch v := v.(type) {
	case string:
		return len(v)
	case *List:
		return len(v.Elements)
	case *Map:
		return len(v.keys)
	}
	return -1
}

// element is v[index].
func element(v, index any) (any, error) {
	switch v := v.(type) {
	case *List:
		i, ok := index.(int64)
		if !ok {
			return nil, fmt.Errorf("an element of a list has a number, and this is %s", kind(index))
		}
		if i < 0 {
			i += int64(len(v.Elements))
		}
		if i < 0 || i >= int64(len(v.Elements)) {
			return nil, nil
		}
		return v.Elements[i], nil
	case *Map:
		key, ok := index.(string)
		if !ok {
			return nil, fmt.Errorf("a member of a map has a text for its name, and this is %s", kind(index))
		}
		return v.Get(key), nil
	}
	return nil, fmt.Errorf("%s has no elements", kind(v))
}

// entry is what entrySet of a map is made of.
type entry struct {
	key   string
	value any
}

// arguments are the arguments of a call, taken by kind. The first that does not fit is the error.
type arguments struct {
	method string
	args   []any
	err    error
}

func (a *arguments) text(i int) string {
	s, ok := a.args[i].(string)
	if !ok && a.err == nil {
		a.err = fmt.Errorf("argument %d of %s must be a text, and is %s", i+1, a.method, kind(a.args[i]))
	}
	return s
}

func (a *arguments) integer(i int) int {
	n, ok := a.args[i].(int64)
	if (!ok || n > math.MaxInt32 || n < math.MinInt32) && a.err == nil {
		a.err = fmt.Errorf("argument %d of %s must be an integer, and is %s", i+1, a.method, kind(a.args[i]))
		return 0
	}
	return int(n)
}

// call is v.method(args).
func (r *run) call(v any, method string, args []any) (any, error) {
	a := &arguments{method: method, args: args}
	cost := max(sizeOf(v), 0)
	for _, arg := range args {
		cost += max(sizeOf(arg), 0)
	}
	if err := r.spend(cost); err != nil {
		return nil, err
	}
	if o, ok := v.(Object); ok {
		if j, ok := o.(jsoner); ok && method == "json" && len(args) == 1 {
			found, err := j.find(args[0])
			if err != nil || found == nil {
				return `""`, err
			}
			return r.toJSON(found)
		}
		return o.Call(method, args)
	}
	switch {
	case method == "toString" && len(args) == 0:
		return r.text(v)
	case method == "equals" && len(args) == 1:
		return equal(v, args[0]), nil
	case method == "isEmpty" && len(args) == 0 && sizeOf(v) >= 0:
		return sizeOf(v) == 0, nil
	}
	var result any
	var known bool
	var err error
	switch v := v.(type) {
	case string:
		result, known, err = r.ofText(v, method, a)
	case *List:
		result, known, err = v.call(r, method, a)
	case *Map:
		result, known, err = v.call(r, method, a)
	case *entry:
		if len(args) == 0 {
			switch method {
			case "getKey":
				return v.key, nil
			case "getValue":
				return v.value, nil
			}
		}
	case int64, float64:
		result, known = ofNumber(v, method, len(args))
	}
	switch {
	case !known:
		return nil, fmt.Errorf("%s has no method %s with %d arguments", kind(v), method, len(args))
	case a.err != nil:
		return nil, a.err
	}
	return result, err
}

func ofNumber(v any, method string, n int) (any, bool) {
	if n > 0 {
		return nil, false
	}
	f, _ := number(v)
	switch method {
	case "intValue", "longValue":
		if i, ok := v.(int64); ok {
			return i, true
		}
		return int64(f), true
	case "doubleValue", "floatValue":
		return f, true
	}
	return nil, false
}

// ofText calls a method of java.lang.String. Indices count bytes of ASCII and runes of anything else.
func (r *run) ofText(s, method string, a *arguments) (result any, known bool, err error) {
	switch method {
	case "matches", "split", "replaceAll", "replaceFirst": // a regular expression costs more than one look at each byte
		if err := r.spend(16 * len(s)); err != nil {
			return nil, true, err
		}
	}
	switch len(a.args) {
	case 0:
		switch method {
		case "length":
			return int64(utf8.RuneCountInString(s)), true, nil
		case "toLowerCase":
			return strings.ToLower(s), true, nil
		case "toUpperCase":
			return strings.ToUpper(s), true, nil
		case "trim":
			return strings.TrimFunc(s, func(c rune) bool { return c <= ' ' }), true, nil
		}
	case 1:
		switch method {
		case "equalsIgnoreCase":
			return strings.EqualFold(s, a.text(0)), true, nil
		case "contains":
			return strings.Contains(s, a.text(0)), true, nil
		case "startsWith":
			return strings.HasPrefix(s, a.text(0)), true, nil
		case "endsWith":
			return strings.HasSuffix(s, a.text(0)), true, nil
		case "indexOf":
			return runeIndex(s, strings.Index(s, a.text(0))), true, nil
		case "lastIndexOf":
			return runeIndex(s, strings.LastIndex(s, a.text(0))), true, nil
		case "concat":
			return s + a.text(0), true, nil
		case "compareTo":
			return int64(strings.Compare(s, a.text(0))), true, nil
		case "charAt":
			c, err := substring(s, a.integer(0), a.integer(0)+1)
			return c, true, err
		case "substring":
			rest, err := substring(s, a.integer(0), -1)
			return rest, true, err
		case "matches":
			re, err := compile("^(?:" + a.text(0) + ")$")
			if err != nil {
				return nil, true, err
			}
			return re.MatchString(s), true, nil
		case "split":
			list, err := split(s, a.text(0))
			return list, true, err
		}
	case 2:
		switch method {
		case "substring":
			part, err := substring(s, a.integer(0), a.integer(1))
			return part, true, err
		case "replace":
			if err := r.spend(strings.Count(s, a.text(0)) * len(a.text(1))); err != nil {
				return nil, true, err
			}
			return strings.ReplaceAll(s, a.text(0), a.text(1)), true, nil
		case "replaceAll", "replaceFirst":
			limit := -1
			if method == "replaceFirst" {
				limit = 1
			}
			text, err := r.replace(s, a.text(0), a.text(1), limit)
			return text, true, err
		}
	}
	return nil, false, nil
}

func runeIndex(s string, i int) int64 {
	if i < 0 {
		return -1
	}
	return int64(utf8.RuneCountInString(s[:i]))
}

// substring counts in runes; to is -1 for the end.
func substring(s string, from, to int) (string, error) {
	runes := []rune(s)
	if to < 0 {
		to = len(runes)
	}
	if from < 0 || to < from || to > len(runes) {
		return "", fmt.Errorf("a text of length %d has no part from %d to %d", len(runes), from, to)
	}
	return string(runes[from:to]), nil
}

func compile(pattern string) (*regexp.Regexp, error) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, fmt.Errorf("the regular expression: %w", err)
	}
	return re, nil
}

// split drops empty texts at the end, as Java does.
func split(s, pattern string) (*List, error) {
	re, err := compile(pattern)
	if err != nil {
		return nil, err
	}
	parts := re.Split(s, -1)
	for len(parts) > 1 && parts[len(parts)-1] == "" {
		parts = parts[:len(parts)-1]
	}
	list := &List{}
	for _, p := range parts {
		list.Elements = append(list.Elements, p)
	}
	return list, nil
}

// replace is String.replaceAll: in the replacement $1 is a group, and a backslash takes the meaning of what follows.
func (r *run) replace(s, pattern, with string, limit int) (string, error) {
	re, err := compile(pattern)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	at := 0
	for _, m := range re.FindAllStringSubmatchIndex(s, limit) {
		b.WriteString(s[at:m[0]])
		at = m[1]
		before := b.Len()
		for i := 0; i < len(with); i++ {
			switch c := with[i]; {
			case c == '\\' && i+1 < len(with):
				i++
				b.WriteByte(with[i])
			case c == '$' && i+1 < len(with) && with[i+1] >= '0' && with[i+1] <= '9':
				i++
				g := int(with[i] - '0')
				if 2*g+1 >= len(m) {
					return "", fmt.Errorf("the regular expression has no group %d", g)
				}
				if m[2*g] >= 0 {
					b.WriteString(s[m[2*g]:m[2*g+1]])
				}
			default:
				b.WriteByte(c)
			}
		}
		if err := r.spend(b.Len() - before); err != nil {
			return "", err
		}
	}
	b.WriteString(s[at:])
	return b.String(), nil
}

func (l *List) call(r *run, method string, a *arguments) (result any, known bool, err error) {
	within := func(i int) bool {
		if a.err == nil && (i < 0 || i >= len(l.Elements)) {
			a.err = fmt.Errorf("a list of %d elements has no element %d", len(l.Elements), i)
		}
		return a.err == nil
	}
	switch fmt.Sprint(method, len(a.args)) {
	case "size0":
		return int64(len(l.Elements)), true, nil
	case "clear0":
		l.Elements = nil
		return nil, true, nil
	case "get1":
		if i := a.integer(0); within(i) {
			result = l.Elements[i]
		}
		return result, true, nil
	case "add1":
		l.Elements = append(l.Elements, a.args[0])
		return true, true, nil
	case "add2":
		if i := a.integer(0); i == len(l.Elements) || within(i) {
			l.Elements = slices.Insert(l.Elements, i, a.args[1])
		}
		return nil, true, nil
	case "addAll1":
		other, ok := a.args[0].(*List)
		if !ok {
			return nil, true, fmt.Errorf("addAll takes a list, and this is %s", kind(a.args[0]))
		}
		if err := r.spend(16 * len(other.Elements)); err != nil {
			return nil, true, err
		}
		l.Elements = append(l.Elements, slices.Clone(other.Elements)...)
		return true, true, nil
	case "set2":
		if i := a.integer(0); within(i) {
			result, l.Elements[i] = l.Elements[i], a.args[1]
		}
		return result, true, nil
	case "remove1":
		if i := a.integer(0); within(i) {
			result = l.Elements[i]
			l.Elements = slices.Delete(l.Elements, i, i+1)
		}
		return result, true, nil
	case "contains1", "indexOf1":
		i := slices.IndexFunc(l.Elements, func(e any) bool { return equal(e, a.args[0]) })
		if method == "contains" {
			return i >= 0, true, nil
		}
		return int64(i), true, nil
	}
	return nil, false, nil
}

func (m *Map) call(r *run, method string, a *arguments) (result any, known bool, err error) {
	list := &List{}
	switch fmt.Sprint(method, len(a.args)) {
	case "size0":
		return int64(len(m.keys)), true, nil
	case "clear0":
		m.keys, m.values = nil, map[string]any{}
		return nil, true, nil
	case "keySet0":
		for _, k := range m.keys {
			list.Elements = append(list.Elements, k)
		}
		return list, true, nil
	case "values0":
		for _, k := range m.keys {
			list.Elements = append(list.Elements, m.values[k])
		}
		return list, true, nil
	case "entrySet0":
		for _, k := range m.keys {
			list.Elements = append(list.Elements, &entry{k, m.values[k]})
		}
		return list, true, nil
	case "get1":
		return m.Get(a.text(0)), true, nil
	case "getOrDefault2":
		if m.Has(a.text(0)) {
			return m.Get(a.text(0)), true, nil
		}
		return a.args[1], true, nil
	case "containsKey1":
		return m.Has(a.text(0)), true, nil
	case "containsValue1":
		for _, v := range m.values {
			if equal(v, a.args[0]) {
				return true, true, nil
			}
		}
		return false, true, nil
	case "put2":
		key := a.text(0)
		if a.err == nil {
			result = m.Get(key)
			m.Put(key, a.args[1])
		}
		return result, true, nil
	case "putAll1":
		other, ok := a.args[0].(*Map)
		if !ok {
			return nil, true, fmt.Errorf("putAll takes a map, and this is %s", kind(a.args[0]))
		}
		for _, k := range other.Keys() {
			m.Put(k, other.Get(k))
		}
		return nil, true, nil
	case "remove1":
		key := a.text(0)
		result = m.Get(key)
		m.Remove(key)
		return result, true, nil
	}
	return nil, false, nil
}
