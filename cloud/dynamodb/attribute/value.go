// Package attribute holds DynamoDB's data: typed values, items, and numbers of 38 digits.
//
// A [Value] is immutable once it is made, so that values may share parts. Items and maps are kept sorted by name and sets
// sorted by element: equal data has one form, and one JSON text. The package knows nothing of tables, expressions or HTTP.
package attribute

import (
	"slices"
	"strconv"
	"strings"
)

// Kind is the type of a [Value], in the order of AWS's documentation. The zero Kind says that there is no value.
type Kind byte

const (
	Absent Kind = iota
	S
	N
	B
	BOOL
	NULL
	M
	L
	SS
	NS
	BS
)

var kindNames = [...]string{"", "S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"}

// String returns the type descriptor that the wire uses, such as "S".
func (k Kind) String() string { return kindNames[k] }

// KindOf returns the kind of a type descriptor, [Absent] for an unknown one.
func KindOf(name string) Kind {
	if i := slices.Index(kindNames[:], name); i > 0 {
		return Kind(i)
	}
	return Absent
}

// IsSet reports whether k is one of the three sets.
func (k Kind) IsSet() bool { return k >= SS }

// element is the kind of the elements of a set.
func (k Kind) element() Kind { return k - SS + S }

// Value is one attribute value. Which field holds it follows from Kind.
type Value struct {
	Kind Kind
	Bool bool    // BOOL
	Text string  // S; N in canonical form; B as raw bytes
	List []Value // L; the elements of a set, sorted and distinct
	Map  Item    // M
}

// Attr is a named value.
type Attr struct {
	Name  string
	Value Value
}

// Item is the attributes of an item or of a map, sorted by name.
type Item []Attr

// String makes a Value of type S.
func String(s string) Value { return Value{Kind: S, Text: s} }

// Int makes a Value of type N.
func Int(n int) Value { return Value{Kind: N, Text: strconv.Itoa(n)} }

func (it Item) find(name string) (int, bool) {
	if len(it) <= 8 { // most items: a walk is faster than the search
		for i := range it {
			if it[i].Name >= name {
				return i, it[i].Name == name
			}
		}
		return len(it), false
	}
	return slices.BinarySearchFunc(it, name, func(a Attr, name string) int { return strings.Compare(a.Name, name) })
}

// Get returns the value of an attribute; its Kind is [Absent] if there is none.
func (it Item) Get(name string) Value {
	if i, ok := it.find(name); ok {
		return it[i].Value
	}
	return Value{}
}

// With returns a copy of the item in which name has the value v; [Absent] removes it.
func (it Item) With(name string, v Value) Item {
	i, ok := it.find(name)
	switch {
	case v.Kind == Absent && !ok:
		return it
	case v.Kind == Absent:
		return slices.Concat(it[:i], it[i+1:])
	case ok:
		it = slices.Clone(it)
		it[i].Value = v
		return it
	}
	return slices.Concat(it[:i], Item{{name, v}}, it[i:])
}

// Equal reports whether two values have the same type and the same content.
func Equal(a, b Value) bool {
	if a.Kind != b.Kind || a.Text != b.Text || a.Bool != b.Bool || len(a.List) != len(b.List) || len(a.Map) != len(b.Map) {
		return false
	}
	for i := range a.List {
		if !Equal(a.List[i], b.List[i]) {
			return false
		}
	}
	for i := range a.Map {
		if a.Map[i].Name != b.Map[i].Name || !Equal(a.Map[i].Value, b.Map[i].Value) {
			return false
		}
	}
	return true
}

// Compare orders two values of the same type S, N or B. Any other pair has no order, and ok is false.
func Compare(a, b Value) (order int, ok bool) {
	if a.Kind != b.Kind {
		return 0, false
	}
	switch a.Kind {
	case S, B:
		return strings.Compare(a.Text, b.Text), true
	case N:
		return a.number().Compare(b.number()), true
	}
	return 0, false
}

// number returns the number of a Value of type N, which was checked when the value was made.
func (v Value) number() Number {
	n, _ := ParseNumber(v.Text)
	return n
}

// Contains reports whether the set or list v has the element e.
func (v Value) Contains(e Value) bool {
	return slices.ContainsFunc(v.List, func(x Value) bool { return Equal(x, e) })
}

// Union returns the set that has the elements of both sets, which are of one kind.
func Union(a, b Value) Value {
	all := slices.Concat(a.List, b.List)
	slices.SortFunc(all, byText)
	return Value{Kind: a.Kind, List: slices.CompactFunc(all, Equal)}
}

// Minus returns the set a without the elements of b; the Kind is [Absent] if none are left, for sets are never empty.
func Minus(a, b Value) Value {
	var left []Value
	for _, e := range a.List {
		if _, found := slices.BinarySearchFunc(b.List, e, byText); !found {
			left = append(left, e)
		}
	}
	if left == nil {
		return Value{}
	}
	return Value{Kind: a.Kind, List: left}
}

// byText orders the elements of sets. It is an order of representations, not of numbers: one is as good as another.
func byText(a, b Value) int { return strings.Compare(a.Text, b.Text) }

// Size is what the item counts against DynamoDB's limit of 400 KB, in bytes.
func (it Item) Size() int {
	n := 0
	for i := range it {
		n += len(it[i].Name) + it[i].Value.Size()
	}
	return n
}

// Size is what the value counts in the size of its item, in bytes, by the rules of "DynamoDB item sizes and formats".
func (v Value) Size() int {
	switch v.Kind {
	case S, B:
		return len(v.Text)
	case N:
		return v.number().size()
	case BOOL, NULL:
		return 1
	case M:
		return 3 + len(v.Map) + v.Map.Size()
	}
	n := 0
	for i := range v.List {
		n += v.List[i].Size()
	}
	if v.Kind == L {
		n += 3 + len(v.List)
	}
	return n
}

// Depth is how many lists and maps lie in one another: 0 for a scalar or a set.
func (v Value) Depth() int {
	if v.Kind != L && v.Kind != M {
		return 0
	}
	deepest := 0
	for i := range v.List {
		deepest = max(deepest, v.List[i].Depth())
	}
	for i := range v.Map {
		deepest = max(deepest, v.Map[i].Value.Depth())
	}
	return 1 + deepest
}
