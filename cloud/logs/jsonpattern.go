package logs

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// A JSON pattern compares members of messages that are JSON objects: { $.ticker = "EIQQ" && $.price > 2000 }. Any other
// message does not match.

// maxNesting bounds the parentheses of a pattern.
const maxNesting = 50

type jsonPattern struct {
	rest  string
	depth int
}

// test says whether a message, as JSON, passes.
type test func(v any) bool

func parseJSONPattern(pattern string) (func(message string) bool, error) {
	inner, ok := strings.CutSuffix(strings.TrimPrefix(pattern, "{"), "}")
	if !ok {
		return nil, errPattern("the brace is not closed")
	}
	p := &jsonPattern{rest: inner}
	pass, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.space(); p.rest != "" {
		return nil, errPattern("%q is not expected", p.rest)
	}
	return func(message string) bool {
		var v any
		message = strings.TrimSpace(message)
		if !strings.HasPrefix(message, "{") && !strings.HasPrefix(message, "[") || json.Unmarshal([]byte(message), &v) != nil {
			return false
		}
		return pass(v)
	}, nil
}

func (p *jsonPattern) space() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }

// take passes over a token if it comes next.
func (p *jsonPattern) take(token string) bool {
	p.space()
	rest, ok := strings.CutPrefix(p.rest, token)
	if ok {
		p.rest = rest
	}
	return ok
}

// word passes over a word if it comes next, whatever its case.
func (p *jsonPattern) word(word string) bool {
	p.space()
	if len(p.rest) < len(word) || !strings.EqualFold(p.rest[:len(word)], word) || len(p.rest) > len(word) && !strings.ContainsRune(" \t\r\n)&|", rune(p.rest[len(word)])) {
		return false
	}
	p.rest = p.rest[len(word):]
	return true
}

func (p *jsonPattern) or() (test, error) {
	left, err := p.and()
	for err == nil && p.take("||") {
		var right test
		if right, err = p.and(); err == nil {
			l := left
			left = func(v any) bool { return l(v) || right(v) }
		}
	}
	return left, err
}

func (p *jsonPattern) and() (test, error) {
	left, err := p.comparison()
	for err == nil && p.take("&&") {
		var right test
		if right, err = p.comparison(); err == nil {
			l := left
			left = func(v any) bool { return l(v) && right(v) }
		}
	}
	return left, err
}

func (p *jsonPattern) comparison() (test, error) {
	if p.take("(") {
		if p.depth++; p.depth > maxNesting {
			return nil, errPattern("parentheses nest deeper than %d", maxNesting)
		}
		inner, err := p.or()
		p.depth--
		if err == nil && !p.take(")") {
			err = errPattern("a parenthesis is not closed")
		}
		return inner, err
	}
	path, err := p.selector()
	if err != nil {
		return nil, err
	}
	// some is a test that one of the selected values passes; a selector with [*] selects several.
	some := func(pass test) test {
		return func(v any) bool {
			for _, found := range pick(v, path) {
				if pass(found) {
					return true
				}
			}
			return false
		}
	}
	switch {
	case p.word("IS"):
		switch {
		case p.word("TRUE"):
			return some(func(v any) bool { return v == true }), nil
		case p.word("FALSE"):
			return some(func(v any) bool { return v == false }), nil
		case p.word("NULL"):
			return some(func(v any) bool { return v == nil }), nil
		}
		return nil, errPattern("IS takes TRUE, FALSE or NULL")
	case p.word("NOT"):
		if !p.word("EXISTS") {
			return nil, errPattern("NOT takes EXISTS")
		}
		return func(v any) bool { return len(pick(v, path)) == 0 }, nil
	case p.word("EXISTS"):
		return some(func(any) bool { return true }), nil
	}
	for _, operator := range []string{"!=", ">=", "<=", "=", ">", "<"} {
		if p.take(operator) {
			pass, err := p.value(operator)
			return some(pass), err
		}
	}
	return nil, errPattern("an operator is missing before %q", p.rest)
}

// step is one step of a selector: a member, an element, or all elements.
type step struct {
	member string
	index  int // -1 for all, if there is no member
}

// selector reads $.a.b[0], $.a[*].b, $.["a.b"].
func (p *jsonPattern) selector() ([]step, error) {
	if !p.take("$") {
		return nil, errPattern("a selector such as $.ticker is missing before %q", p.rest)
	}
	var path []step
	for {
		switch {
		case strings.HasPrefix(p.rest, `.["`), strings.HasPrefix(p.rest, `["`):
			p.rest = strings.TrimPrefix(p.rest, ".")
			name, rest, ok := strings.Cut(p.rest[2:], `"]`)
			if !ok {
				return nil, errPattern("a bracket is not closed")
			}
			path, p.rest = append(path, step{member: name}), rest
		case strings.HasPrefix(p.rest, "."):
			end := 1
			for end < len(p.rest) && !strings.ContainsRune(" \t\r\n.[=!<>)&|", rune(p.rest[end])) {
				end++
			}
			if end == 1 {
				return nil, errPattern("a name is missing after the dot")
			}
			path, p.rest = append(path, step{member: p.rest[1:end]}), p.rest[end:]
		case strings.HasPrefix(p.rest, "["):
			text, rest, ok := strings.Cut(p.rest[1:], "]")
			index, err := strconv.Atoi(text)
			if text == "*" {
				index, err = -1, nil
			}
			if !ok || err != nil || index < -1 {
				return nil, errPattern("%q is no index", text)
			}
			path, p.rest = append(path, step{index: index}), rest
		default:
			return path, nil
		}
	}
}

func pick(v any, path []step) []any {
	found := []any{v}
	for _, s := range path {
		var next []any
		for _, v := range found {
			switch v := v.(type) {
			case map[string]any:
				if member, ok := v[s.member]; ok && s.member != "" {
					next = append(next, member)
				}
			case []any:
				switch {
				case s.member != "":
				case s.index < 0:
					next = append(next, v...)
				case s.index < len(v):
					next = append(next, v[s.index])
				}
			}
		}
		found = next
	}
	return found
}

// value reads what a selected value is compared with. Numbers compare as numbers; texts are equal or not, and * stands
// for any characters.
func (p *jsonPattern) value(operator string) (test, error) {
	p.space()
	negated := operator == "!="
	same := func(equal func(text string) bool) test {
		return func(v any) bool {
			text, ok := scalar(v)
			return ok && equal(text) != negated
		}
	}
	var word string
	quoted := false
	switch {
	case strings.HasPrefix(p.rest, `"`):
		end := 1
		for end < len(p.rest) && p.rest[end] != '"' {
			if p.rest[end] == '\\' {
				end++
			}
			end++
		}
		if end >= len(p.rest) || json.Unmarshal([]byte(p.rest[:end+1]), &word) != nil {
			return nil, errPattern("the quote is not closed")
		}
		quoted, p.rest = true, p.rest[end+1:]
	case strings.HasPrefix(p.rest, "%"):
		text, rest, ok := strings.Cut(p.rest[1:], "%")
		expression, err := regexp.Compile(text)
		if !ok || err != nil || operator != "=" && operator != "!=" {
			return nil, errPattern("%q is no regular expression to compare with", text)
		}
		p.rest = rest
		return same(expression.MatchString), nil
	default:
		end := strings.IndexAny(p.rest, " \t\r\n)&|")
		if end < 0 {
			end = len(p.rest)
		}
		word, p.rest = p.rest[:end], p.rest[end:]
		if word == "" {
			return nil, errPattern("a value is missing")
		}
	}
	if number, err := strconv.ParseFloat(word, 64); err == nil && !quoted {
		return func(v any) bool {
			n, ok := v.(float64)
			if !ok {
				return false
			}
			switch operator {
			case "=":
				return n == number
			case "!=":
				return n != number
			case ">":
				return n > number
			case ">=":
				return n >= number
			case "<":
				return n < number
			}
			return n <= number
		}, nil
	}
	if operator != "=" && operator != "!=" {
		return nil, errPattern("%s compares numbers, not %q", operator, word)
	}
	parts := strings.Split(word, "*")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	whole := regexp.MustCompile(`(?s)^` + strings.Join(parts, ".*") + `$`)
	return same(whole.MatchString), nil
}

// scalar is the text of a value that is neither an object nor an array nor null.
func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}
