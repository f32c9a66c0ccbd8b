package apigateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// selection is a compiled selection expression: static text and variables in turn.
//
// A variable begins with "$" and is request.body followed by a JSONPath of members and elements: $request.body.a.b,
// ${request.body.list[0]}, ${request.body['odd name']}. Braces end a variable where static text would run into it;
// "\$" is a literal dollar. A variable that finds nothing is the empty text.
//
// Where an expression is about the answer of an integration it has other variables as well, such as
// integration.response.statuscode, which whoever evaluates it looks up.
type selection []selectionPart

type selectionPart struct {
	text     string
	steps    []any  // string: a member, int: an element; nil for static text
	variable string // one that is looked up
}

// parseSelection compiles an expression. Variables that begin with one of others are looked up. Its errors are those of
// the person who wrote it.
func parseSelection(expression string, others ...string) (selection, error) {
	var parts selection
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			parts = append(parts, selectionPart{text: text.String()})
			text.Reset()
		}
	}
	for rest := expression; rest != ""; {
		if after, ok := strings.CutPrefix(rest, `\$`); ok {
			text.WriteByte('$')
			rest = after
			continue
		}
		if rest[0] != '$' {
			text.WriteByte(rest[0])
			rest = rest[1:]
			continue
		}
		if rest == expression && isMethodAndPath(expression) {
			return nil, nil // the fixed expression of an HTTP API
		}
		var variable string
		if inside, ok := strings.CutPrefix(rest, "${"); ok {
			if variable, rest, ok = strings.Cut(inside, "}"); !ok {
				return nil, fmt.Errorf("the brace of %q is not closed", "${"+inside)
			}
		} else {
			end := variableEnd(rest[1:])
			variable, rest = rest[1:1+end], rest[1+end:]
		}
		if slices.ContainsFunc(others, func(o string) bool { return strings.HasPrefix(variable, o) }) {
			flush()
			parts = append(parts, selectionPart{variable: variable})
			continue
		}
		steps, err := parseVariable(variable)
		if err != nil {
			return nil, err
		}
		flush()
		parts = append(parts, selectionPart{steps: steps})
	}
	flush()
	return parts, nil
}

func isMethodAndPath(expression string) bool {
	return expression == httpSelection || expression == "${request.method} ${request.path}"
}

// variableEnd returns how far a variable without braces reaches.
func variableEnd(s string) int {
	for i := 0; i < len(s); i++ {
		switch {
		case isNameByte(s[i]), s[i] == '.' && i+1 < len(s) && isNameByte(s[i+1]):
		case s[i] == '[':
			end := strings.IndexByte(s[i:], ']')
			if end < 0 {
				return i
			}
			i += end
		default:
			return i
		}
	}
	return len(s)
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c >= 0x80
}

// parseVariable splits request.body and the JSONPath after it into steps.
func parseVariable(variable string) ([]any, error) {
	rest, ok := strings.CutPrefix(variable, "request.body")
	if !ok || rest != "" && rest[0] != '.' && rest[0] != '[' {
		return nil, fmt.Errorf("%q is not a variable of a message: it must be request.body, or a member of it such as request.body.action", "$"+variable)
	}
	steps := []any{}
	for rest != "" {
		if rest[0] == '.' {
			end := 1
			for end < len(rest) && isNameByte(rest[end]) {
				end++
			}
			if end == 1 {
				return nil, fmt.Errorf("a name must follow the dot in %q", "$"+variable)
			}
			steps = append(steps, rest[1:end])
			rest = rest[end:]
			continue
		}
		end := strings.IndexByte(rest, ']')
		if rest[0] != '[' || end < 0 {
			return nil, fmt.Errorf("%q is not a path of members and elements", "$"+variable)
		}
		inside := rest[1:end]
		rest = rest[end+1:]
		if n := len(inside); n >= 2 && (inside[0] == '\'' || inside[0] == '"') && inside[n-1] == inside[0] {
			steps = append(steps, inside[1:n-1])
		} else if i, err := strconv.Atoi(inside); err == nil && i >= 0 {
			steps = append(steps, i)
		} else {
			return nil, fmt.Errorf("%q in %q is neither an element's number nor a quoted name", "["+inside+"]", "$"+variable)
		}
	}
	return steps, nil
}

// evaluate returns the text that the expression yields for a message; false if it has a variable of the message, and the
// message is no JSON, so that nothing can be evaluated.
func (s selection) evaluate(message []byte) (string, bool) { return s.evaluateWith(message, nil) }

// evaluateWith is evaluate with the values of the other variables.
func (s selection) evaluateWith(message []byte, lookup func(string) string) (string, bool) {
	var body any
	if slices.ContainsFunc(s, func(p selectionPart) bool { return p.steps != nil }) {
		var ok bool
		if body, ok = parseMessage(message); !ok {
			return "", false
		}
	}
	var b strings.Builder
	for _, p := range s {
		switch {
		case p.variable != "":
			b.WriteString(lookup(p.variable))
		case p.steps != nil:
			printValue(&b, find(body, p.steps))
		default:
			b.WriteString(p.text)
		}
	}
	return b.String(), true
}

// parseMessage decodes a message; false if it is no JSON.
func parseMessage(message []byte) (any, bool) {
	d := json.NewDecoder(bytes.NewReader(message))
	d.UseNumber()
	var body any
	if d.Decode(&body) != nil {
		return nil, false
	}
	_, err := d.Token()
	return body, err == io.EOF // else something follows the value
}

func find(v any, steps []any) any {
	for _, step := range steps {
		switch key := step.(type) {
		case string:
			object, _ := v.(map[string]any)
			v = object[key]
		case int:
			list, _ := v.([]any)
			if key >= len(list) {
				return nil
			}
			v = list[key]
		}
	}
	return v
}

// printValue prints a JSON value as the gateway does when it turns one into text: "[a, b]" for a list and "{k=v}" for
// an object.
func printValue(b *strings.Builder, v any) {
	switch v := v.(type) {
	case nil:
	case string:
		b.WriteString(v)
	case []any:
		b.WriteByte('[')
		for i, e := range v {
			if i > 0 {
				b.WriteString(", ")
			}
			printValue(b, e)
		}
		b.WriteByte(']')
	case map[string]any:
		b.WriteByte('{')
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for i, k := range keys {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(k + "=")
			printValue(b, v[k])
		}
		b.WriteByte('}')
	default:
		fmt.Fprint(b, v)
	}
}
