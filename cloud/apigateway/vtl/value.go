package vtl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Map is a map of a template: it keeps the order in which its keys came.
type Map struct {
	keys   []string
	values map[string]any
}

// NewMap returns an empty map.
func NewMap() *Map { return &Map{values: map[string]any{}} }

// Get returns the value of a key; nil if there is none.
func (m *Map) Get(key string) any { return m.values[key] }

// Has reports whether there is such a key.
func (m *Map) Has(key string) bool { _, ok := m.values[key]; return ok }

// Put sets the value of a key.
func (m *Map) Put(key string, v any) {
	if _, ok := m.values[key]; !ok {
		m.keys = append(m.keys, key)
	}
	m.values[key] = v
}

// Remove removes a key.
func (m *Map) Remove(key string) {
	if i := slices.Index(m.keys, key); i >= 0 {
		m.keys = slices.Delete(m.keys, i, i+1)
		delete(m.values, key)
	}
}

// Keys returns the keys in their order.
func (m *Map) Keys() []string { return slices.Clone(m.keys) }

// List is a list of a template.
type List struct{ Elements []any }

// FromJSON decodes a JSON text into values of templates. Objects keep their order.
func FromJSON(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	v, err := decode(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("something follows the JSON value")
	}
	return v, nil
}

func decode(d *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errTooDeep
	}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case json.Number:
		if i, err := t.Int64(); err == nil {
			return i, nil
		}
		f, err := t.Float64()
		return f, err
	case json.Delim:
		if t == '[' {
			list := &List{}
			for d.More() {
				v, err := decode(d, depth+1)
				if err != nil {
					return nil, err
				}
				list.Elements = append(list.Elements, v)
			}
			_, err := d.Token()
			return list, err
		}
		m := NewMap()
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			v, err := decode(d, depth+1)
			if err != nil {
				return nil, err
			}
			m.Put(key.(string), v)
		}
		_, err := d.Token()
		return m, err
	}
	return t, nil // string, bool, nil
}

// writer prints a value within the bounds of a run.
type writer struct {
	b    strings.Builder
	r    *run
	json bool
}

func (w *writer) put(s string) error {
	w.b.WriteString(s)
	return w.r.spend(len(s))
}

// text is a value as it is printed: lists as [a, b], maps as {k=v}.
func (r *run) text(v any) (string, error) {
	if s, ok := v.(string); ok {
		return s, nil
	}
	w := writer{r: r}
	err := w.value(v, 0)
	return w.b.String(), err
}

// toJSON is a value as JSON.
func (r *run) toJSON(v any) (string, error) {
	w := writer{r: r, json: true}
	err := w.value(v, 0)
	return w.b.String(), err
}

func (w *writer) value(v any, depth int) error {
	if depth > maxDepth {
		return errTooDeep
	}
	switch v := v.(type) {
	case nil:
		return w.put("null")
	case string:
		if w.json {
			return w.put(quote(v))
		}
		return w.put(v)
	case bool:
		return w.put(strconv.FormatBool(v))
	case int64:
		return w.put(strconv.FormatInt(v, 10))
	case float64:
		return w.put(formatFloat(v))
	case *entry:
		if err := w.put(v.key + "="); err != nil {
			return err
		}
		return w.value(v.value, depth+1)
	case *List:
		return w.sequence("[", "]", len(v.Elements), func(i int) error { return w.value(v.Elements[i], depth+1) })
	case *Map:
		return w.sequence("{", "}", len(v.keys), func(i int) error {
			key, sign := v.keys[i], "="
			if w.json {
				key, sign = quote(key), ":"
			}
			if err := w.put(key + sign); err != nil {
				return err
			}
			return w.value(v.values[v.keys[i]], depth+1)
		})
	}
	return fmt.Errorf("%s cannot be printed", kind(v))
}

func (w *writer) sequence(open, end string, n int, element func(int) error) error {
	separator := ", "
	if w.json {
		separator = ","
	}
	if err := w.put(open); err != nil {
		return err
	}
	for i := range n {
		if i > 0 {
			if err := w.put(separator); err != nil {
				return err
			}
		}
		if err := element(i); err != nil {
			return err
		}
	}
	return w.put(end)
}

func quote(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.Encode(s) // a string always can be
	return strings.TrimSuffix(b.String(), "\n")
}

// formatFloat prints a number with a fraction, as Java does: 1.0, 2.5, 1.0E10.
func formatFloat(f float64) string {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	if a := math.Abs(f); a != 0 && (a < 1e-3 || a >= 1e7) {
		mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'E', -1, 64), "E")
		if !strings.Contains(mantissa, ".") {
			mantissa += ".0"
		}
		n, _ := strconv.Atoi(exponent)
		return mantissa + "E" + strconv.Itoa(n)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// truth is what #if makes of a value: nothing is false, and everything that is not a boolean is true.
func truth(v any) bool {
	if b, ok := v.(bool); ok {
		return b
	}
	return v != nil
}

// equal compares by value. What is not there equals the empty text: that is how templates ask for it.
func equal(a, b any) bool {
	if a == nil || b == nil {
		return (a == nil || a == "") && (b == nil || b == "")
	}
	if c, ok := compare(a, b); ok {
		return c == 0
	}
	switch x := a.(type) {
	case bool:
		return a == b
	case *List:
		return x == b
	case *Map:
		return x == b
	}
	return false
}

// compare orders two numbers or two texts.
func compare(a, b any) (order int, ok bool) {
	if x, ok := a.(string); ok {
		y, ok := b.(string)
		return strings.Compare(x, y), ok
	}
	if x, ok := a.(int64); ok {
		if y, ok := b.(int64); ok {
			switch {
			case x < y:
				return -1, true
			case x > y:
				return 1, true
			}
			return 0, true
		}
	}
	x, ok1 := number(a)
	y, ok2 := number(b)
	switch {
	case !ok1 || !ok2 || math.IsNaN(x) || math.IsNaN(y):
		return 0, false
	case x < y:
		return -1, true
	case x > y:
		return 1, true
	}
	return 0, true
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

func (r *run) arithmetic(op string, a, b any) (any, error) {
	_, text1 := a.(string)
	_, text2 := b.(string)
	if op == "+" && (text1 || text2) {
		x, err := r.text(a)
		if err != nil {
			return nil, err
		}
		y, err := r.text(b)
		if err != nil {
			return nil, err
		}
		if err := r.spend(len(x) + len(y)); err != nil {
			return nil, err
		}
		return x + y, nil
	}
	if x, ok := a.(int64); ok {
		if y, ok := b.(int64); ok {
			switch op {
			case "+":
				return x + y, nil
			case "-":
				return x - y, nil
			case "*":
				return x * y, nil
			}
			if y == 0 {
				return nil, nil // as Velocity does: the result is nothing
			}
			if op == "/" {
				return x / y, nil
			}
			return x % y, nil
		}
	}
	x, ok1 := number(a)
	y, ok2 := number(b)
	if !ok1 || !ok2 {
		return nil, fmt.Errorf("%s cannot be applied to %s and %s", op, kind(a), kind(b))
	}
	switch op {
	case "+":
		return x + y, nil
	case "-":
		return x - y, nil
	case "*":
		return x * y, nil
	case "/":
		return x / y, nil
	}
	return math.Mod(x, y), nil
}

func kind(v any) string {
	switch v.(type) {
	case nil:
		return "nothing"
	case string:
		return "a text"
	case bool:
		return "a boolean"
	case int64, float64:
		return "a number"
	case *List:
		return "a list"
	case *Map:
		return "a map"
	}
	return "an object"
}
