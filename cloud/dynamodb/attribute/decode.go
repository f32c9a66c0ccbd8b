package attribute

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// MaxNesting is how deep lists and maps may lie in one another.
const MaxNesting = 32

// ShapeError says that a text is not the JSON of an attribute value: AWS's SerializationException.
type ShapeError string

func (e ShapeError) Error() string { return string(e) }

// InvalidError says that a well-formed value breaks a rule of DynamoDB: AWS's ValidationException.
type InvalidError string

func (e InvalidError) Error() string { return string(e) }

const (
	errEmpty    = InvalidError("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
	errTwoKinds = InvalidError("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
	errNull     = InvalidError("One or more parameter values were invalid: Null attribute value types must have the value of true")
	errNesting  = InvalidError("Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit")
	errJSON     = ShapeError("Unable to parse the request: it is not valid JSON")
)

// ParseItem reads an item from its JSON. Strings of the result share the memory of text.
func ParseItem(text string) (Item, error) {
	d := decoder{text: text}
	it, err := d.item(0)
	if err == nil && d.next() != 0 {
		err = errJSON
	}
	return it, err
}

// ParseValue reads a value with its type from its JSON.
func ParseValue(text string) (Value, error) {
	d := decoder{text: text}
	v, err := d.value(0)
	if err == nil && d.next() != 0 {
		err = errJSON
	}
	return v, err
}

// UnmarshalJSON lets items be members of requests that encoding/json reads. The bytes are copied.
func (it *Item) UnmarshalJSON(text []byte) (err error) {
	if string(text) == "null" {
		return nil
	}
	*it, err = ParseItem(string(text))
	return err
}

type decoder struct {
	text string
	pos  int
}

// next skips white space and returns the byte that follows, 0 at the end.
func (d *decoder) next() byte {
	for ; d.pos < len(d.text); d.pos++ {
		switch c := d.text[d.pos]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

func (d *decoder) accept(c byte) bool {
	if d.next() != c {
		return false
	}
	d.pos++
	return true
}

// elements calls each for every element of the list or object between open and close.
func (d *decoder) elements(open, close byte, each func() error) error {
	if !d.accept(open) {
		return d.unexpected(open)
	}
	if d.accept(close) {
		return nil
	}
	for {
		if err := each(); err != nil {
			return err
		}
		if d.accept(close) {
			return nil
		}
		if !d.accept(',') {
			return errJSON
		}
	}
}

// unexpected words what stands where something that begins with want was expected, as AWS words it.
func (d *decoder) unexpected(want byte) error {
	switch c := d.next(); {
	case c == '{':
		return ShapeError("Start of structure or map found where not expected")
	case c == '[':
		return ShapeError("Start of list found where not expected")
	case want != '"' && (c == '"' || c == 't' || c == 'f' || c == '-' || c >= '0' && c <= '9'):
		return ShapeError("Unexpected value type in payload")
	case c == 't':
		return ShapeError("TRUE_VALUE cannot be converted to String")
	case c == 'f':
		return ShapeError("FALSE_VALUE cannot be converted to String")
	case c == '-' || c >= '0' && c <= '9':
		return ShapeError("NUMBER_VALUE cannot be converted to String")
	}
	return errJSON
}

func (d *decoder) string() (string, error) {
	if !d.accept('"') {
		return "", d.unexpected('"')
	}
	start := d.pos
	for ; d.pos < len(d.text); d.pos++ {
		switch c := d.text[d.pos]; {
		case c == '"':
			d.pos++
			return d.text[start : d.pos-1], nil
		case c == '\\':
			return d.escaped(start)
		case c < ' ':
			return "", errJSON
		}
	}
	return "", errJSON
}

// escaped reads a string that has an escape in it, and begins at start, after its quote.
func (d *decoder) escaped(start int) (string, error) {
	for ; d.pos < len(d.text); d.pos++ {
		switch d.text[d.pos] {
		case '\\':
			d.pos++
		case '"':
			d.pos++
			var s string
			if json.Unmarshal([]byte(d.text[start-1:d.pos]), &s) != nil {
				return "", errJSON
			}
			return s, nil
		}
	}
	return "", errJSON
}

func (d *decoder) literal() (bool, error) {
	d.next()
	switch rest := d.text[d.pos:]; {
	case strings.HasPrefix(rest, "true"):
		d.pos += 4
		return true, nil
	case strings.HasPrefix(rest, "false"):
		d.pos += 5
		return false, nil
	case strings.HasPrefix(rest, `"`):
		return false, ShapeError("Unexpected token received from parser")
	case rest != "" && (rest[0] == '-' || rest[0] >= '0' && rest[0] <= '9'):
		return false, ShapeError("NUMBER_VALUE cannot be converted to Boolean")
	}
	return false, d.unexpected('"')
}

// null skips a null, which stands for an absent member.
func (d *decoder) null() bool {
	if d.next() != 'n' || !strings.HasPrefix(d.text[d.pos:], "null") {
		return false
	}
	d.pos += 4
	return true
}

func (d *decoder) item(depth int) (Item, error) {
	it := Item{}
	sorted := true
	err := d.elements('{', '}', func() error {
		name, err := d.string()
		if err != nil {
			return err
		}
		if !d.accept(':') {
			return errJSON
		}
		v, err := d.value(depth)
		if err != nil {
			return err
		}
		sorted = sorted && (len(it) == 0 || it[len(it)-1].Name < name)
		if it == nil || cap(it) == 0 {
			it = make(Item, 0, 4)
		}
		it = append(it, Attr{name, v})
		return nil
	})
	if err != nil || sorted {
		return it, err
	}
	slices.SortStableFunc(it, func(a, b Attr) int { return strings.Compare(a.Name, b.Name) })
	last := it[:0] // of two members with one name the later one counts, as in other readers of JSON
	for i, a := range it {
		if i+1 == len(it) || it[i+1].Name != a.Name {
			last = append(last, a)
		}
	}
	return last, nil
}

func (d *decoder) value(depth int) (Value, error) {
	if depth > MaxNesting {
		return Value{}, errNesting
	}
	var v Value
	kinds := 0
	err := d.elements('{', '}', func() error {
		name, err := d.string()
		if err != nil {
			return err
		}
		if !d.accept(':') {
			return errJSON
		}
		if d.null() {
			return nil
		}
		kind := KindOf(name)
		if kind == Absent {
			return ShapeError(fmt.Sprintf("Unexpected type descriptor %q in an attribute value", name))
		}
		kinds++
		v = Value{Kind: kind}
		return d.content(&v, depth)
	})
	switch {
	case err != nil:
		return Value{}, err
	case kinds == 0:
		return Value{}, errEmpty
	case kinds > 1:
		return Value{}, errTwoKinds
	}
	return v, nil
}

func (d *decoder) content(v *Value, depth int) (err error) {
	switch v.Kind {
	case BOOL:
		v.Bool, err = d.literal()
	case NULL:
		var set bool
		if set, err = d.literal(); err == nil && !set {
			err = errNull
		}
	case M:
		v.Map, err = d.item(depth + 1)
	case L:
		v.List = []Value{}
		err = d.elements('[', ']', func() error {
			e, err := d.value(depth + 1)
			v.List = append(v.List, e)
			return err
		})
	case SS, NS, BS:
		err = d.set(v)
	default:
		v.Text, err = d.scalar(v.Kind)
	}
	return err
}

func (d *decoder) scalar(kind Kind) (string, error) {
	s, err := d.string()
	switch {
	case err != nil:
		return "", err
	case kind == N:
		return canonical(s)
	case kind == B:
		raw, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return "", ShapeError("only base-64-encoded strings are convertible to bytes")
		}
		return string(raw), nil
	}
	return s, nil
}

func (d *decoder) set(v *Value) error {
	element := v.Kind.element()
	var given []string
	err := d.elements('[', ']', func() error {
		d.next()
		start := d.pos
		s, err := d.scalar(element)
		if err != nil {
			return err
		}
		given = append(given, strings.Trim(d.text[start:d.pos], `"`))
		v.List = append(v.List, Value{Kind: element, Text: s})
		return nil
	})
	if err != nil {
		return err
	}
	if len(v.List) == 0 {
		switch v.Kind {
		case SS:
			return InvalidError("One or more parameter values were invalid: An string set  may not be empty")
		case NS:
			return InvalidError("One or more parameter values were invalid: An number set  may not be empty")
		}
		return InvalidError("One or more parameter values were invalid: Binary sets should not be empty")
	}
	slices.SortFunc(v.List, byText)
	for i := 1; i < len(v.List); i++ {
		if v.List[i].Text != v.List[i-1].Text {
			continue
		}
		all := "[" + strings.Join(given, ", ") + "]"
		switch v.Kind {
		case SS:
			return InvalidError("One or more parameter values were invalid: Input collection " + all + " contains duplicates.")
		case NS:
			return InvalidError("Input collection contains duplicates")
		}
		return InvalidError("One or more parameter values were invalid: Input collection " + all + "of type BS contains duplicates.")
	}
	return nil
}
