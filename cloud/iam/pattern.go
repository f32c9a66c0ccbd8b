package iam

import (
	"strings"
	"unicode/utf8"
)

// The wildcards of a compiled pattern are bytes that no UTF-8 text contains, so that a literal "*", which a policy
// writes as "${*}" or gets from a variable's value, needs no escaping.
const (
	anyRun = '\xff' // "*": any run of characters, also an empty one
	anyOne = '\xfe' // "?": one character
)

// template is text of a policy that may hold variables and, if it was compiled so, wildcards.
type template struct {
	glob string  // the whole, if there are no variables
	vars []piece // else: literal globs and variables in turn
}

type piece struct {
	glob       string
	key        string // a variable's condition key, lower-case; "" for a literal
	fallback   string // the text after the comma of "${aws:username, 'nobody'}"
	hasDefault bool
}

// newTemplate compiles text. With wild, "*" and "?" are wildcards; with variables, "${…}" is replaced at evaluation.
func newTemplate(text string, wild, variables bool) template {
	literal := func(s string) string {
		if !wild {
			return s
		}
		return strings.NewReplacer("*", string([]byte{anyRun}), "?", string([]byte{anyOne})).Replace(s)
	}
	var t template
	for variables {
		start := strings.Index(text, "${")
		if start < 0 {
			break
		}
		length := strings.IndexByte(text[start:], '}')
		if length < 0 {
			break
		}
		t.vars = append(t.vars, piece{glob: literal(text[:start])})
		name := text[start+2 : start+length]
		text = text[start+length+1:]
		if name == "*" || name == "?" || name == "$" {
			t.vars = append(t.vars, piece{glob: name})
			continue
		}
		name, fallback, has := strings.Cut(name, ",")
		t.vars = append(t.vars, piece{
			key:        strings.ToLower(strings.TrimSpace(name)),
			fallback:   strings.Trim(strings.TrimSpace(fallback), "'"),
			hasDefault: has,
		})
	}
	if t.vars == nil {
		t.glob = literal(text)
		return t
	}
	t.vars = append(t.vars, piece{glob: literal(text)})
	return t
}

// expand returns the glob with the variables' values put in; false if one of them has none, in which case the template
// matches nothing.
func (t *template) expand(q *inquiry) (string, bool) {
	if t.vars == nil {
		return t.glob, true
	}
	var b strings.Builder
	for _, p := range t.vars {
		if p.key == "" {
			b.WriteString(p.glob)
			continue
		}
		v, ok := q.key(p.key)
		if !ok {
			if !p.hasDefault {
				return "", false
			}
			v = p.fallback
		}
		b.WriteString(strings.ToValidUTF8(v, "\uFFFD")) // a value must not smuggle in a wildcard
	}
	return b.String(), true
}

// arnPattern matches ARNs by their colon-separated parts: a wildcard of one part does not reach into the next, except
// in the last part, which is the rest.
type arnPattern struct {
	all   bool // "*" alone
	parts []template
}

// arnParts is how many colon-separated parts an ARN has: arn, partition, service, region, account, resource.
const arnParts = 6

func newARNPattern(text string, variables bool) arnPattern {
	if text == "*" {
		return arnPattern{all: true}
	}
	var p arnPattern
	for _, part := range splitOutsideVariables(text, arnParts) {
		p.parts = append(p.parts, newTemplate(part, true, variables))
	}
	return p
}

// splitOutsideVariables splits text at its colons, into at most n parts, but not at those of "${aws:username}".
func splitOutsideVariables(text string, n int) []string {
	var parts []string
	depth, from := 0, 0
	for i := 0; i < len(text) && len(parts) < n-1; i++ {
		switch text[i] {
		case '{':
			if i > 0 && text[i-1] == '$' {
				depth = 1
			}
		case '}':
			depth = 0
		case ':':
			if depth == 0 {
				parts = append(parts, text[from:i])
				from = i + 1
			}
		}
	}
	return append(parts, text[from:])
}

func (p *arnPattern) match(value string, q *inquiry) bool {
	if p.all {
		return true
	}
	last := len(p.parts) - 1
	for i := range p.parts {
		part := value
		if i < last {
			var found bool
			if part, value, found = strings.Cut(value, ":"); !found {
				return false
			}
		}
		pattern, ok := p.parts[i].expand(q)
		if !ok || !glob(pattern, part, false) {
			return false
		}
	}
	return true
}

// glob reports whether s matches a compiled pattern. With fold, ASCII letters of s match the pattern's lower-case ones.
// It takes time in proportion to the product of the lengths at worst, whatever the pattern.
func glob(pattern, s string, fold bool) bool {
	p, i := 0, 0
	star, retry := -1, 0 // where to go on after the last anyRun, and what it has swallowed so far
	for i < len(s) {
		if p < len(pattern) {
			switch c := pattern[p]; {
			case c == anyRun:
				star, retry = p+1, i
				p++
				continue
			case c == anyOne:
				_, size := utf8.DecodeRuneInString(s[i:])
				i += size
				p++
				continue
			case c == s[i], fold && s[i] >= 'A' && s[i] <= 'Z' && c == s[i]+'a'-'A':
				p++
				i++
				continue
			}
		}
		if star < 0 {
			return false
		}
		retry++
		p, i = star, retry
	}
	for p < len(pattern) && pattern[p] == anyRun {
		p++
	}
	return p == len(pattern)
}
