package apigateway

import (
	"cmp"
	"slices"
	"strings"
)

// pathPattern is the method and the path of an HTTP route: literal segments, {variables}, and at the end perhaps a
// greedy {variable+} that takes all the rest.
type pathPattern struct {
	method   string // or ANY
	segments []patternSegment
	greedy   bool // the last segment is
}

type patternSegment struct {
	text     string // the literal, or the name of the variable
	variable bool
}

func parsePathPattern(method, pattern string) *pathPattern {
	p := &pathPattern{method: method}
	for text := range strings.SplitSeq(strings.TrimPrefix(pattern, "/"), "/") {
		inside, open := strings.CutPrefix(text, "{")
		inside, closed := strings.CutSuffix(inside, "}")
		segment := patternSegment{text, false}
		if open && closed {
			segment = patternSegment{inside, true}
			segment.text, p.greedy = strings.CutSuffix(inside, "+")
		}
		p.segments = append(p.segments, segment)
	}
	return p
}

// checkPathPattern checks the path of a route key.
func checkPathPattern(pattern string) error {
	if !strings.HasPrefix(pattern, "/") || strings.ContainsAny(pattern, " ?#") {
		return badRequest("Invalid path %q of a route key: it must begin with a slash", pattern)
	}
	segments := strings.Split(pattern[1:], "/")
	var names []string
	for i, text := range segments {
		if !strings.ContainsAny(text, "{}") {
			continue
		}
		inside, open := strings.CutPrefix(text, "{")
		inside, closed := strings.CutSuffix(inside, "}")
		name, greedy := strings.CutSuffix(inside, "+")
		switch {
		case !open || !closed || name == "" || strings.ContainsAny(name, "{}+"):
			return badRequest("Invalid path %q of a route key: a variable is a whole segment in braces", pattern)
		case greedy && i != len(segments)-1:
			return badRequest("Invalid path %q of a route key: {%s+} must be its last segment", pattern, name)
		case slices.Contains(names, name):
			return badRequest("Invalid path %q of a route key: it has the variable %s twice", pattern, name)
		}
		names = append(names, name)
	}
	return nil
}

// compare orders patterns so that the first that matches is the one to take: whole matches before greedy ones, literals
// before variables, more before fewer segments ahead of a greedy one, a method before ANY.
func (p *pathPattern) compare(q *pathPattern) int {
	if p.greedy != q.greedy {
		return boolOrder(p.greedy, q.greedy)
	}
	for i := range min(len(p.segments), len(q.segments)) {
		a, b := p.segments[i], q.segments[i]
		if a.variable != b.variable {
			return boolOrder(a.variable, b.variable)
		}
	}
	return cmp.Or(
		cmp.Compare(len(q.segments), len(p.segments)),
		boolOrder(p.method == "ANY", q.method == "ANY"),
		slices.CompareFunc(p.segments, q.segments, func(a, b patternSegment) int { return cmp.Compare(a.text, b.text) }),
		cmp.Compare(p.method, q.method),
	)
}

// boolOrder puts false first.
func boolOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// match matches the method and the unescaped segments of a request, and returns the variables; nil if there are none.
func (p *pathPattern) match(method string, segments []string) (variables map[string]string, ok bool) {
	if p.method != "ANY" && p.method != method {
		return nil, false
	}
	n := len(p.segments)
	if len(segments) < n || len(segments) > n && !p.greedy {
		return nil, false
	}
	for i, want := range p.segments {
		got := segments[i]
		if p.greedy && i == n-1 {
			got = strings.Join(segments[i:], "/")
		}
		if !want.variable {
			if got != want.text {
				return nil, false
			}
			continue
		}
		if got == "" {
			return nil, false
		}
		if variables == nil {
			variables = map[string]string{}
		}
		variables[want.text] = got
	}
	return variables, true
}
