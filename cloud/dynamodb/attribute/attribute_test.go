package attribute

import (
	"cmp"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestNumbersHaveOneForm(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"0", "0"}, {"-0", "0"}, {"0.00e5", "0"}, {"1", "1"}, {"+1", "1"}, {"01", "1"}, {"1.0", "1"}, {"100", "100"}, {"-100", "-100"},
		{"1e3", "1000"}, {"1E-3", "0.001"}, {"1.50", "1.5"}, {".5", "0.5"}, {"5.", "5"}, {"-12.340e1", "-123.4"}, {"0.0010", "0.001"},
		{"12345678901234567890123456789012345678", "12345678901234567890123456789012345678"},
		{"1e125", "1" + strings.Repeat("0", 125)}, {"1e-130", "0." + strings.Repeat("0", 129) + "1"},
		{"0000000000000000000000000000000000000000000000001", "1"},
	} {
		if got, err := canonical(c.in); err != nil || got != c.want {
			t.Errorf("canonical(%q) = %q, %v; want %q", c.in, got, err, c.want)
		}
	}
	for _, c := range []struct{ in, want string }{
		{"", "The parameter cannot be converted to a numeric value"},
		{"b", "The parameter cannot be converted to a numeric value: b"},
		{"1a", "The parameter cannot be converted to a numeric value: 1a"},
		{".", "The parameter cannot be converted to a numeric value: ."},
		{"1e", "The parameter cannot be converted to a numeric value: 1e"},
		{"--1", "The parameter cannot be converted to a numeric value: --1"},
		{"NaN", "The parameter cannot be converted to a numeric value: NaN"},
		{"123456789012345678901234567890123456789", "Attempting to store more than 38 significant digits in a Number"},
		{"1e126", "Number overflow. Attempting to store a number with magnitude larger than supported range"},
		{"-1e99999999999999999999", "Number overflow. Attempting to store a number with magnitude larger than supported range"},
		{"1e-131", "Number underflow. Attempting to store a number with magnitude smaller than supported range"},
	} {
		if got, err := canonical(c.in); err == nil || err.Error() != c.want {
			t.Errorf("canonical(%q) = %q, %v; want the error %q", c.in, got, err, c.want)
		}
	}
}

// numbers are spread over signs, magnitudes and lengths, so that neighbours are found in each.
func randomNumber(r *rand.Rand) string {
	digits := []string{"", "1", "12", "123", "129", "13", "9", "99", "10000000000000000000000000000000000001"}
	s := []string{"", "-"}[r.IntN(2)] + "0" + digits[r.IntN(len(digits))] + "e" + []string{"-92", "-2", "-1", "0", "1", "2", "80"}[r.IntN(7)]
	return s
}

func TestNumbersCompareAndSortAsNumbersDo(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		a, b := randomNumber(r), randomNumber(r)
		x, _ := new(big.Rat).SetString(a)
		y, _ := new(big.Rat).SetString(b)
		want := x.Cmp(y)
		m, err1 := ParseNumber(a)
		n, err2 := ParseNumber(b)
		if err1 != nil || err2 != nil {
			t.Fatal(a, b, err1, err2)
		}
		if got := m.Compare(n); got != want {
			t.Fatalf("Compare(%s, %s) = %d, want %d", a, b, got, want)
		}
		ka := string(AppendKey(nil, Value{Kind: N, Text: m.String()}))
		kb := string(AppendKey(nil, Value{Kind: N, Text: n.String()}))
		if got := cmp.Compare(ka, kb); got != want {
			t.Fatalf("the keys of %s and %s compare as %d, want %d", a, b, got, want)
		}
		for _, minus := range []bool{false, true} {
			got, err := Add(Value{Kind: N, Text: m.String()}, Value{Kind: N, Text: n.String()}, minus)
			z := new(big.Rat).Add(x, y)
			if minus {
				z.Sub(x, y)
			}
			if err != nil {
				continue // more digits than a number has
			}
			if back, _ := new(big.Rat).SetString(got.Text); back.Cmp(z) != 0 {
				t.Fatalf("Add(%s, %s, %v) = %s", a, b, minus, got.Text)
			}
		}
	}
}

func TestKeysOfStringsSortAsTheStringsAndKeepPrefixes(t *testing.T) {
	all := []string{"", "\x00", "\x00\x00", "\x00\x01", "\x00\xff", "a", "a\x00", "a\x00\x01", "a\x00\xff", "a\x01", "aa", "ab", "b", "\xff", "\xff\xff"}
	key := func(s string) string { return string(AppendKey(nil, String(s))) }
	for _, a := range all {
		for _, b := range all {
			if got, want := cmp.Compare(key(a), key(b)), cmp.Compare(a, b); got != want {
				t.Errorf("the keys of %q and %q compare as %d, want %d", a, b, got, want)
			}
			if got, want := strings.HasPrefix(key(a), string(AppendKeyPrefix(nil, b))), strings.HasPrefix(a, b); got != want {
				t.Errorf("the key of %q begins with the prefix of %q: %v, want %v", a, b, got, want)
			}
		}
	}
}

func TestValuesThatAreNoneAreRefusedInAWSsWords(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`{}`, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"},
		{`{"S":null}`, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"},
		{`{"S":"a","N":"1"}`, "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"},
		{`{"NULL":false}`, "One or more parameter values were invalid: Null attribute value types must have the value of true"},
		{`{"SS":[]}`, "One or more parameter values were invalid: An string set  may not be empty"},
		{`{"NS":[]}`, "One or more parameter values were invalid: An number set  may not be empty"},
		{`{"BS":[]}`, "One or more parameter values were invalid: Binary sets should not be empty"},
		{`{"SS":["a","b","a"]}`, "One or more parameter values were invalid: Input collection [a, b, a] contains duplicates."},
		{`{"NS":["1","1.0"]}`, "Input collection contains duplicates"},
		{`{"BS":["Yg==","Yg=="]}`, "One or more parameter values were invalid: Input collection [Yg==, Yg==]of type BS contains duplicates."},
		{`{"N":1}`, "NUMBER_VALUE cannot be converted to String"},
		{`{"S":true}`, "TRUE_VALUE cannot be converted to String"},
		{`{"S":{}}`, "Start of structure or map found where not expected"},
		{`"a"`, "Unexpected value type in payload"},
		{`{"B":"%"}`, "only base-64-encoded strings are convertible to bytes"},
		{`{"S":"a"`, string(errJSON)},
		{`{"S":"a"} x`, string(errJSON)},
		{strings.Repeat(`{"L":[`, 34) + `{"S":"a"}` + strings.Repeat(`]}`, 34), string(errNesting)},
	} {
		if v, err := ParseValue(c.in); err == nil || err.Error() != c.want {
			t.Errorf("ParseValue(%s) = %v, %v; want the error %q", c.in, v, err, c.want)
		}
	}
	if _, err := ParseValue(strings.Repeat(`{"L":[`, 32) + `{"S":"a"}` + strings.Repeat(`]}`, 32)); err != nil {
		t.Errorf("32 levels: %v", err)
	}
}

func TestSizesAreThoseOfTheDocumentation(t *testing.T) {
	for _, c := range []struct {
		in   string
		want int
	}{
		{`{"a":{"S":"xyz"}}`, 4}, {`{"a":{"S":"ä"}}`, 3}, {`{"a":{"N":"2200"}}`, 3}, {`{"a":{"N":"-123"}}`, 5}, {`{"a":{"B":"AAA="}}`, 3},
		{`{"a":{"BOOL":true}}`, 2}, {`{"a":{"NULL":true}}`, 2}, {`{"a":{"SS":["x","yz"]}}`, 4},
		{`{"a":{"L":[{"S":"x"},{"S":"y"}]}}`, 8}, {`{"a":{"M":{"bc":{"S":"x"}}}}`, 8}, {`{"a":{"M":{}}}`, 4},
	} {
		it, err := ParseItem(c.in)
		if err != nil || it.Size() != c.want {
			t.Errorf("the size of %s is %d, %v; want %d", c.in, it.Size(), err, c.want)
		}
	}
}

func FuzzItem(f *testing.F) {
	f.Add(`{"b":{"S":"x\"\u00e4"},"a":{"N":"1e5"},"l":{"L":[{"M":{"z":{"NS":["3","1"]}}}]},"n":{"NULL":true},"t":{"BOOL":false},"y":{"B":"AAE="}}`)
	f.Add(`{"a":{"S":"x"},"a":{"S":"y"}}`)
	f.Fuzz(func(t *testing.T, in string) {
		it, err := ParseItem(in)
		if err != nil {
			return
		}
		text := string(it.AppendJSON(nil))
		back, err := ParseItem(text)
		if err != nil {
			t.Fatalf("%q was written as %q, which does not parse: %v", in, text, err)
		}
		if again := string(back.AppendJSON(nil)); again != text {
			t.Fatalf("%q was written as %q, and then as %q", in, text, again)
		}
	})
}

func BenchmarkParseItem(b *testing.B) {
	const text = `{"price":{"N":"2200"},"ticker":{"S":"EIQQ"},"time":{"N":"1727120490"}}`
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseItem(text); err != nil {
			b.Fatal(err)
		}
	}
}
