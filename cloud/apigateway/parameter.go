package apigateway

import (
	"encoding/base64"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// parameter is one entry of requestParameters or responseParameters of a WebSocket API: where a value goes and where it
// comes from.
type parameter struct {
	kind, name string // header, querystring or path, and its name there
	source     string // a mapping expression
}

var (
	parameterName = regexp.MustCompile(`^[a-zA-Z0-9._$-]+$`)
	roleARN       = regexp.MustCompile(`^arn:aws:iam::\d{12}:role/[\w+=,.@/-]+$`)
)

// Where the parameters of a request and of a response come from, besides a text in single quotes.
var (
	requestSources = []string{
		"route.request.querystring.", "route.request.header.", "route.request.multivaluequerystring.", "route.request.multivalueheader.",
		"route.request.body", "stageVariables.", "context.",
	}
	responseSources = []string{"integration.response.header.", "integration.response.multivalueheader.", "integration.response.body"}
)

// parseParameters checks the parameters of a map whose keys begin with prefix, and returns them in the order of their keys.
func parseParameters(all map[string]string, prefix string, sources []string) ([]parameter, error) {
	var out []parameter
	for _, key := range slices.Sorted(maps.Keys(all)) {
		rest, ok := strings.CutPrefix(key, prefix)
		if !ok && prefix == "route.response." { // the older spelling of the same
			rest, ok = strings.CutPrefix(key, "method.response.")
		}
		kind, name, _ := strings.Cut(rest, ".")
		known := kind == "header" || prefix == "integration.request." && (kind == "querystring" || kind == "path")
		if !ok || !known || !parameterName.MatchString(name) {
			return nil, fmt.Errorf("%q is no parameter: it must be %sheader.NAME, or querystring or path of a request", key, prefix)
		}
		source := all[key]
		n := len(source)
		static := n >= 2 && source[0] == '\'' && source[n-1] == '\''
		if !static && !slices.ContainsFunc(sources, func(p string) bool { return strings.HasPrefix(source, p) }) {
			return nil, fmt.Errorf("%q has the value %q: it must begin with one of %s, or be a text in single quotes", key, source, strings.Join(sources, ", "))
		}
		for _, body := range []string{"route.request.body", "integration.response.body"} {
			if path, ok := strings.CutPrefix(source, body); ok && !static {
				if _, err := parseVariable("request.body" + path); err != nil {
					return nil, fmt.Errorf("%q: %w", key, err)
				}
			}
		}
		out = append(out, parameter{kind, name, source})
	}
	return out, nil
}

// requestValues returns what a mapping expression yields for a request; none if it yields nothing.
func (k *call) requestValues(source string, e *webSocketEvent, message []byte) []string {
	if text, ok := strings.CutPrefix(source, "'"); ok {
		return []string{strings.TrimSuffix(text, "'")}
	}
	if name, ok := strings.CutPrefix(source, "stageVariables."); ok {
		return nonEmpty(k.stage.StageVariables[name])
	}
	if name, ok := strings.CutPrefix(source, "context."); ok {
		return nonEmpty(e.RequestContext.value(name))
	}
	if path, ok := strings.CutPrefix(source, "route.request.body"); ok {
		return nonEmpty(bodyValue(message, path))
	}
	what, name, _ := strings.Cut(strings.TrimPrefix(source, "route.request."), ".")
	switch what {
	case "header":
		return e.Headers.get(name, strings.EqualFold)
	case "multivalueheader":
		return e.MultiValueHeaders.get(name, strings.EqualFold)
	case "querystring":
		return e.QueryStringParameters.get(name, equalStrings)
	case "multivaluequerystring":
		return e.MultiValueQueryStringParameters.get(name, equalStrings)
	}
	return nil
}

// responseValues is requestValues for the answer of a backend.
func responseValues(source string, b *answer) []string {
	if text, ok := strings.CutPrefix(source, "'"); ok {
		return []string{strings.TrimSuffix(text, "'")}
	}
	if path, ok := strings.CutPrefix(source, "integration.response.body"); ok {
		return nonEmpty(bodyValue(b.body, path))
	}
	_, name, _ := strings.Cut(strings.TrimPrefix(source, "integration.response."), ".")
	return nonEmpty(b.header(name))
}

// bodyValue returns what a path leads to in a JSON text, as text; "" if there is nothing.
func bodyValue(text []byte, path string) string {
	if path == "" {
		return string(text)
	}
	steps, err := parseVariable("request.body" + path)
	body, ok := parseMessage(text)
	if err != nil || !ok {
		return ""
	}
	var b strings.Builder
	printValue(&b, find(body, steps))
	return b.String()
}

func equalStrings(a, b string) bool { return a == b }

func nonEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// get returns the values of a member.
func (m members) get(name string, equal func(a, b string) bool) []string {
	for _, e := range m {
		if !equal(e.name, name) {
			continue
		}
		switch v := e.value.(type) {
		case string:
			return []string{v}
		case []string:
			return v
		}
	}
	return nil
}

// value returns a member of the context, such as identity.sourceIp, as text; "" if there is none.
func (c *webSocketContext) value(name string) string {
	body, _ := parseMessage(encode(c))
	var v any = body
	for part := range strings.SplitSeq(name, ".") {
		object, _ := v.(map[string]any)
		v = object[part]
	}
	var b strings.Builder
	printValue(&b, v)
	return b.String()
}

// convert prepares the body of a request: CONVERT_TO_BINARY takes it for base64. A message is a text as it is.
func convert(strategy string, body []byte) ([]byte, error) {
	if strategy != "CONVERT_TO_BINARY" {
		return body, nil
	}
	out, err := base64.StdEncoding.DecodeString(string(body))
	if err != nil {
		return nil, fmt.Errorf("it is not base64: %w", err)
	}
	return out, nil
}

// convertResponse prepares the body of an answer: CONVERT_TO_TEXT makes base64 of it, CONVERT_TO_BINARY takes it for
// base64.
func convertResponse(strategy string, body []byte) ([]byte, error) {
	if strategy == "CONVERT_TO_TEXT" {
		return base64.StdEncoding.AppendEncode(nil, body), nil
	}
	return convert(strategy, body)
}

func checkContentHandling(strategy string) error {
	if !slices.Contains([]string{"", "CONVERT_TO_BINARY", "CONVERT_TO_TEXT"}, strategy) {
		return badRequest("Invalid contentHandlingStrategy %s: it must be one of [CONVERT_TO_BINARY, CONVERT_TO_TEXT]", strategy)
	}
	return nil
}
