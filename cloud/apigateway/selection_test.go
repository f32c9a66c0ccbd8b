package apigateway

import (
	"strings"
	"testing"
)

var selections = []struct{ expression, message, want string }{
	{`$request.body.action`, `{"action":"user","id":"user003"}`, "user"},
	{`${request.body.svc}/${request.body.action}`, `{"svc":"quotes","action":"watch"}`, "quotes/watch"},
	{`$request.body.svc.do`, `{"svc":{"do":"watch"}}`, "watch"},
	{`${request.body.action}-${request.body.nope}`, `{"action":"watch"}`, "watch-"},
	{`$request.body.action`, `{"action":["a","b"]}`, "[a, b]"},
	{`$request.body.action`, `{"action":{"b":1,"a":[true,null]}}`, "{a=[true, ], b=1}"},
	{`$request.body.action`, `{"action":7}`, "7"},
	{`$request.body.action`, `{"action":1e400}`, "1e400"},
	{`$request.body.action`, `{"action":true}`, "true"},
	{`$request.body.action`, `{"action":null}`, ""},
	{`$request.body.list[1]`, `{"list":["a","b"]}`, "b"},
	{`$request.body.list[9]`, `{"list":["a","b"]}`, ""},
	{`$request.body['odd name']`, `{"odd name":"x"}`, "x"},
	{`$request.body.a.b`, `{"a":"text"}`, ""},
	{`$request.body`, `"whole"`, "whole"},
	{`$request.body.action`, `""`, ""},
	{`$request.body.action`, `hello`, "no"},
	{`$request.body.action`, `[1`, "no"},
	{`$request.body.action`, `{"action":"a"} {}`, "no"},
	{`$request.body.action`, ``, "no"},
	{`tick`, `hello`, "tick"},
	{`\$default`, `hello`, "$default"},
	{`\$${request.body.a}.x`, `{"a":"b"}`, "$b.x"},
}

func TestSelection(t *testing.T) {
	for _, test := range selections {
		s, err := parseSelection(test.expression)
		if err != nil {
			t.Errorf("%s: %v", test.expression, err)
			continue
		}
		got, ok := s.evaluate([]byte(test.message))
		if !ok {
			got = "no"
		}
		if got != test.want {
			t.Errorf("%s of %s is %q, want %q", test.expression, test.message, got, test.want)
		}
	}
}

func TestSelectionThatIsNoExpression(t *testing.T) {
	for expression, want := range map[string]string{
		`$request.header.x`:       "request.body",
		`$`:                       "request.body",
		`$request.bodyaction`:     "request.body",
		`${request.body.action`:   "not closed",
		`${request.body.}`:        "a name must follow",
		`${request.body[}`:        "not a path",
		`${request.body[x]}`:      "neither an element",
		`${request.body[-1]}`:     "neither an element",
		`${request.body.a b}`:     "not a path",
		`$request.method $x.path`: "request.body",
	} {
		if _, err := parseSelection(expression); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error with %q", expression, err, want)
		}
	}
}

func FuzzSelection(f *testing.F) {
	for _, s := range selections {
		f.Add(s.expression, s.message)
	}
	f.Fuzz(func(t *testing.T, expression, message string) {
		s, err := parseSelection(expression)
		if err != nil {
			return
		}
		got, ok := s.evaluate([]byte(message))
		if again, _ := s.evaluate([]byte(message)); again != got {
			t.Errorf("%q and then %q", got, again)
		}
		if ok && !strings.Contains(expression, "$") && got != expression {
			t.Errorf("static %q became %q", expression, got)
		}
	})
}
