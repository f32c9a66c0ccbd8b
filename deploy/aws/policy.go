package aws

import (
	"bytes"
	"encoding/json"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"quotewire/deploy"
	"quotewire/dply/check"
)

// document is an IAM policy with its members in the order in which AWS documents them.
type document struct {
	Version   string
	Statement []statement
}

type statement struct {
	Sid       string
	Effect    string
	Action    any
	Resource  any            `json:",omitempty"`
	Principal map[string]any `json:",omitempty"`
	Condition map[string]any `json:",omitempty"`
}

// purpose is what a policy is for, which decides whether its statements name resources.
type purpose bool

const (
	grants purpose = false // what a principal may do: every statement names resources
	trust  purpose = true  // who may assume a role: no statement does
)

var sidLetters = regexp.MustCompile(`[^A-Za-z0-9]`)

// policyText writes a policy as JSON. The name gives the statements their ids. It is not known as long as a value in it
// is not. A nil policy has no statements.
func policyText(g *deploy.Graph, policy *check.Policy, name string, use purpose) (text string, known bool) {
	doc := document{Version: "2012-10-17", Statement: []statement{}}
	if policy == nil {
		policy = &check.Policy{}
	}
	known = true
	texts := func(values []check.Value) any {
		var list []string
		for _, v := range values {
			some, ok := g.Strings(v)
			known = known && ok
			list = append(list, some...)
		}
		switch len(list) {
		case 0:
			return "*"
		case 1:
			return list[0]
		}
		return list
	}
	sid := sidLetters.ReplaceAllString(name, "") + "Sid"
	for i, s := range policy.Statements {
		out := statement{Sid: sid + strconv.Itoa(i), Effect: s.Effect, Action: texts(s.Actions)}
		if use == grants {
			out.Resource = texts(s.Resources)
		}
		for _, principal := range s.Principals {
			out.Principal = add(out.Principal, principal.Kind, texts([]check.Value{principal.ID}))
		}
		for _, c := range s.Conditions {
			inner, _ := out.Condition[c.Operator].(map[string]any)
			inner = add(inner, c.Key, texts([]check.Value{c.Value}))
			if out.Condition == nil {
				out.Condition = map[string]any{}
			}
			out.Condition[c.Operator] = inner
		}
		doc.Statement = append(doc.Statement, out)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(doc); err != nil {
		panic(err) // strings, lists and maps of strings
	}
	return strings.TrimSpace(b.String()), known
}

// add sets m[key], or makes its value a list of what was there and what is new.
func add(m map[string]any, key string, value any) map[string]any {
	if m == nil {
		m = map[string]any{}
	}
	old, ok := m[key]
	if !ok {
		m[key] = value
		return m
	}
	m[key] = append(listOf(old), listOf(value)...)
	return m
}

func listOf(v any) []string {
	if s, ok := v.(string); ok {
		return []string{s}
	}
	return slices.Clone(v.([]string))
}

// samePolicy compares two documents by what they mean: a list of one is the same as its item, the order of actions,
// resources and values is none, and statement ids say nothing. IAM percent-encodes the documents that it returns.
func samePolicy(a, b string) bool {
	x, okX := meaning(a)
	y, okY := meaning(b)
	return okX && okY && reflect.DeepEqual(x, y)
}

func meaning(text string) (any, bool) {
	if decoded, err := url.PathUnescape(text); err == nil && strings.HasPrefix(text, "%7B") {
		text = decoded
	}
	var doc map[string]any
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return nil, false
	}
	statements, ok := doc["Statement"].([]any)
	if !ok {
		statements = []any{doc["Statement"]}
	}
	for i, s := range statements {
		if m, ok := s.(map[string]any); ok {
			delete(m, "Sid")
			statements[i] = plain(m)
		}
	}
	doc["Statement"] = statements
	return doc, true
}

// plain turns lists of one into their item and sorts lists of texts, everywhere below v.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = plain(v[k])
		}
		return v
	case []any:
		if len(v) == 1 {
			return plain(v[0])
		}
		slices.SortFunc(v, func(a, b any) int {
			x, _ := a.(string)
			y, _ := b.(string)
			return strings.Compare(x, y)
		})
		return v
	}
	return v
}
