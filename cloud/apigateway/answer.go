package apigateway

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

// answer is what an integration wants to be answered.
type answer struct {
	status  int
	headers map[string][]string // names as given
	cookies []string
	body    []byte

	errorMessage string // of a function that failed, where that is an answer
}

// header returns the last value of a header, whatever the case of its name.
func (a *answer) header(name string) string {
	if v := a.values(name); len(v) > 0 {
		return v[len(v)-1]
	}
	return ""
}

// values returns the values of a header, whatever the case of its name.
func (a *answer) values(name string) []string {
	for k, v := range a.headers {
		if strings.EqualFold(k, name) && len(v) > 0 {
			return v
		}
	}
	return nil
}

// remove removes a header, whatever the case of its name.
func (a *answer) remove(name string) {
	for k := range a.headers {
		if strings.EqualFold(k, name) {
			delete(a.headers, k)
		}
	}
}

// parseAnswer reads the answer of a Lambda proxy integration: an object with a statusCode and nothing but the members
// that AWS knows. The error says what is wrong with it, to the author of the function.
func parseAnswer(payload []byte) (*answer, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(payload, &object); err != nil || object == nil {
		return nil, fmt.Errorf(`the function must return an object such as {"statusCode":200}`)
	}
	for name := range object {
		if !slices.Contains([]string{"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded", "cookies"}, name) {
			return nil, fmt.Errorf("the function returned the member %q, which a proxy response may not have", name)
		}
	}
	status, err := parseStatus(object["statusCode"])
	if err != nil {
		return nil, err
	}
	a := &answer{status: status, headers: map[string][]string{}}
	var body *string
	var single map[string]json.RawMessage
	var multi map[string][]json.RawMessage
	var encoded bool
	for _, m := range []struct {
		name string
		into any
		want string
	}{
		{"headers", &single, "an object of strings"},
		{"multiValueHeaders", &multi, "an object of lists of strings"},
		{"body", &body, "a string"},
		{"isBase64Encoded", &encoded, "a boolean"},
		{"cookies", &a.cookies, "a list of strings"},
	} {
		if raw := object[m.name]; raw != nil && json.Unmarshal(raw, m.into) != nil {
			return nil, fmt.Errorf("the member %q of what the function returned must be %s", m.name, m.want)
		}
	}
	for name, v := range single {
		text, err := headerValue(name, v)
		if err != nil {
			return nil, err
		}
		a.headers[name] = []string{text}
	}
	for name, values := range multi {
		a.remove(name)
		for _, v := range values {
			text, err := headerValue(name, v)
			if err != nil {
				return nil, err
			}
			a.headers[name] = append(a.headers[name], text)
		}
	}
	if body != nil {
		a.body = []byte(*body)
		if encoded {
			if a.body, err = base64.StdEncoding.DecodeString(*body); err != nil {
				return nil, fmt.Errorf("the function returned isBase64Encoded with a body that is not base64")
			}
		}
	}
	return a, nil
}

// lastAnswer remembers what the last function answered, and what that means: those of WebSocket APIs mostly say the same,
// that all is well. What it returns is shared and must not be changed.
type lastAnswer struct {
	last atomic.Pointer[parsedAnswer]
}

type parsedAnswer struct {
	payload []byte
	answer  *answer
}

func (l *lastAnswer) parse(payload []byte) (*answer, error) {
	if p := l.last.Load(); p != nil && bytes.Equal(p.payload, payload) {
		return p.answer, nil
	}
	a, err := parseAnswer(payload)
	if err == nil && len(payload) <= maxRemembered {
		l.last.Store(&parsedAnswer{payload, a})
	}
	return a, err
}

// parseStatus takes an integer, or a string with one.
func parseStatus(raw json.RawMessage) (int, error) {
	text := strings.Trim(string(raw), `"`)
	status, err := strconv.Atoi(text)
	if err != nil || status < 100 || status > 599 {
		return 0, fmt.Errorf("the function must return a statusCode between 100 and 599")
	}
	return status, nil
}

// headerValue takes a string, or a number or boolean as it is written.
func headerValue(name string, raw json.RawMessage) (string, error) {
	var text string
	switch {
	case json.Unmarshal(raw, &text) == nil: // null as well, which is the empty text
	case raw[0] == '{' || raw[0] == '[':
		return "", fmt.Errorf("the header %q that the function returned must be a string", name)
	default:
		text = string(raw)
	}
	if !isToken(name) || strings.ContainsAny(text, "\r\n\x00") {
		return "", fmt.Errorf("the function returned the header %q, which cannot be sent: names are letters, digits and hyphens, values are one line", name)
	}
	return text, nil
}
