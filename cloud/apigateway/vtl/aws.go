package vtl

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf16"
)

// Input is $input: the payload that a template maps, and the parameters of the request.
type Input struct {
	Body   string
	Path   map[string]string
	Query  *Map // name → value
	Header *Map

	parsed bool
	value  any
}

// jsoner is an Object whose json method needs the run's bounds.
type jsoner interface{ find(path any) (any, error) }

// Get returns $input.body.
func (in *Input) Get(name string) (any, error) {
	if name == "body" {
		return in.Body, nil
	}
	return nil, fmt.Errorf("$input has no member %s: it has body, json, path and params", name)
}

// Call calls $input.path and $input.params; $input.json is the engine's. A payload that is no JSON is a text to them.
func (in *Input) Call(method string, args []any) (any, error) {
	switch {
	case method == "path" && len(args) == 1:
		return in.find(args[0])
	case method == "params" && len(args) == 0:
		all := NewMap()
		path := NewMap()
		for k, v := range in.Path {
			path.Put(k, v)
		}
		all.Put("path", path)
		all.Put("querystring", orEmpty(in.Query))
		all.Put("header", orEmpty(in.Header))
		return all, nil
	case method == "params" && len(args) == 1:
		name, ok := args[0].(string)
		if !ok {
			return nil, fmt.Errorf("$input.params takes a name or one of 'path', 'querystring', 'header'")
		}
		if v, ok := in.Path[name]; ok {
			return v, nil
		}
		for _, m := range []*Map{orEmpty(in.Query), orEmpty(in.Header)} {
			for _, k := range m.keys {
				if k == name || m == in.Header && strings.EqualFold(k, name) {
					return m.values[k], nil
				}
			}
		}
		return "", nil
	}
	return nil, fmt.Errorf("$input has no method %s with %d arguments", method, len(args))
}

func orEmpty(m *Map) *Map {
	if m == nil {
		return NewMap()
	}
	return m
}

func (in *Input) find(path any) (any, error) {
	text, ok := path.(string)
	if !ok {
		return nil, fmt.Errorf("a JSONPath is a text, and this is %s", kind(path))
	}
	if !in.parsed {
		in.parsed = true
		v, err := FromJSON([]byte(in.Body))
		if err != nil && in.Body != "" {
			v = in.Body
		}
		if in.Body == "" {
			v = NewMap()
		}
		in.value = v
	}
	return Find(in.value, text)
}

// Util is $util.
type Util struct{}

// Get refuses: $util has methods only.
func (Util) Get(name string) (any, error) { return nil, fmt.Errorf("$util has no member %s", name) }

// Call calls one of the functions that AWS documents.
func (Util) Call(method string, args []any) (any, error) {
	if len(args) != 1 {
		return nil, fmt.Errorf("$util has no method %s with %d arguments", method, len(args))
	}
	s, ok := args[0].(string)
	if !ok {
		switch v := args[0].(type) {
		case nil:
			return nil, nil
		case bool, int64:
			s = fmt.Sprint(v)
		case float64:
			s = formatFloat(v)
		default:
			return nil, fmt.Errorf("$util.%s takes a text, and this is %s", method, kind(v))
		}
	}
	switch method {
	case "escapeJavaScript":
		return escapeJavaScript(s), nil
	case "parseJson":
		v, err := FromJSON([]byte(s))
		if err != nil {
			return nil, fmt.Errorf("$util.parseJson: %w", err)
		}
		return v, nil
	case "urlEncode":
		// Java's URLEncoder keeps an asterisk and escapes a tilde.
		return strings.NewReplacer("%2A", "*", "~", "%7E").Replace(url.QueryEscape(s)), nil
	case "urlDecode":
		v, err := url.QueryUnescape(s)
		if err != nil {
			return nil, fmt.Errorf("$util.urlDecode: %w", err)
		}
		return v, nil
	case "base64Encode":
		return base64.StdEncoding.EncodeToString([]byte(s)), nil
	case "base64Decode":
		v, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return nil, fmt.Errorf("$util.base64Decode: %w", err)
		}
		return string(v), nil
	}
	return nil, fmt.Errorf("$util has no method %s", method)
}

// escapeJavaScript escapes what may not stand in a JavaScript text of either quote, the slash, and all beyond ASCII. An
// escaped apostrophe is no JSON, so that templates write .replaceAll("\\'","'") after it.
func escapeJavaScript(s string) string {
	var b strings.Builder
	for _, c := range s {
		switch c {
		case '\'', '"', '\\', '/':
			b.WriteByte('\\')
			b.WriteRune(c)
		case '\b':
			b.WriteString(`\b`)
		case '\f':
			b.WriteString(`\f`)
		case '\n':
			b.WriteString(`\n`)
		case '\r':
			b.WriteString(`\r`)
		case '\t':
			b.WriteString(`\t`)
		default:
			if c >= ' ' && c < 0x7f {
				b.WriteRune(c)
				continue
			}
			for _, unit := range utf16.Encode([]rune{c}) {
				fmt.Fprintf(&b, `\u%04X`, unit)
			}
		}
	}
	return b.String()
}
