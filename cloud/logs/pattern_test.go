package logs

import "testing"

var patterns = []struct {
	pattern, message string
	want             bool
}{
	{"", "anything", true},
	{"ERROR", "an ERROR here", true},
	{"ERROR", "an error here", false},
	{"ERROR timeout", "timeout after an ERROR", true},
	{"ERROR timeout", "an ERROR", false},
	{`"an ERROR"`, "not an ERROR", true},
	{`"an ERROR"`, "ERROR an", false},
	{"?ERROR ?WARN", "a WARN", true},
	{"?ERROR ?WARN", "a note", false},
	{"ERROR ?WARN", "an ERROR", true},
	{"ERROR -timeout", "ERROR timeout", false},
	{"ERROR -timeout", "ERROR", true},
	{`%E[A-Z]+R \d%`, "an ERROR 5", true},
	{`%E[A-Z]+R \d%`, "an ERROR", false},

	{`{ $.ticker = "EIQQ" }`, `{"ticker":"EIQQ"}`, true},
	{`{ $.ticker = "EIQQ" }`, `{"ticker":"MODD"}`, false},
	{`{ $.ticker = EI* }`, `{"ticker":"EIQQ"}`, true},
	{`{ $.ticker != "EIQQ" }`, `{"ticker":"MODD"}`, true},
	{`{ $.ticker != "EIQQ" }`, `{}`, false},
	{`{ $.ticker = "EIQQ" && $.price > 2000 }`, `{"ticker":"EIQQ","price":2200}`, true},
	{`{ $.ticker = "EIQQ" && $.price > 2000 }`, `{"ticker":"EIQQ","price":2000}`, false},
	{`{ $.price >= 2e3 || $.ticker = X }`, `{"price":2000}`, true},
	{`{ ($.a = 1 || $.b = 1) && $.c = 1 }`, `{"b":1,"c":1}`, true},
	{`{ ($.a = 1 || $.b = 1) && $.c = 1 }`, `{"b":1}`, false},
	{`{ $.a = 1 || $.b = 1 && $.c = 1 }`, `{"a":1}`, true},
	{`{ $.a.b[1].c = "x" }`, `{"a":{"b":[0,{"c":"x"}]}}`, true},
	{`{ $.a[*].c = "x" }`, `{"a":[{"c":"y"},{"c":"x"}]}`, true},
	{`{ $.["a.b"] = 1 }`, `{"a.b":1}`, true},
	{`{ $.a IS NULL }`, `{"a":null}`, true},
	{`{ $.a IS NULL }`, `{}`, false},
	{`{ $.a NOT EXISTS }`, `{}`, true},
	{`{ $.a IS TRUE }`, `{"a":true}`, true},
	{`{ $.ip = %^10\.% }`, `{"ip":"10.0.0.1"}`, true},
	{`{ $.price = 2200 }`, `price 2200`, false},
	{`{ $.price > 1 }`, `{"price":"2"}`, false},
	{`{ $.s = "a\"b" }`, `{"s":"a\"b"}`, true},
}

func TestFilterPatterns(t *testing.T) {
	for _, test := range patterns {
		match, err := parsePattern(test.pattern)
		if err != nil {
			t.Errorf("%s: %v", test.pattern, err)
			continue
		}
		if got := match(test.message); got != test.want {
			t.Errorf("%s on %s: %t, want %t", test.pattern, test.message, got, test.want)
		}
	}
}

func TestBrokenFilterPatternsAreRefused(t *testing.T) {
	for _, pattern := range []string{`"open`, "%(%", "?", "{ $.a = 1", "{ $.a }", "{ a = 1 }", "{ $.a > x }", "{ ($.a = 1 }", "{ $.a = 1 } x", `{ $.a IS MAYBE }`, `{ $.a[x] = 1 }`, "[ip, user]"} {
		if _, err := parsePattern(pattern); err == nil {
			t.Errorf("%s is taken", pattern)
		}
	}
}

func FuzzFilterPattern(f *testing.F) {
	for _, test := range patterns {
		f.Add(test.pattern, test.message)
	}
	f.Fuzz(func(t *testing.T, pattern, message string) {
		if match, err := parsePattern(pattern); err == nil {
			match(message)
		}
	})
}
