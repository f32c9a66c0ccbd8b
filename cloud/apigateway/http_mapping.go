package apigateway

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Parameter mapping of HTTP APIs: requestParameters change a request before its integration sees it, responseParameters
// the integration's answer before the client does. Mappings read what arrived, not what other mappings made of it.

// mapping is one entry of requestParameters or of responseParameters.
type mapping struct {
	action string // remove, overwrite or append
	place  string // header, querystring, path or statuscode
	name   string // of the header or the parameter of the query
	value  expression
}

// expression is the value of a mapping: static text and variables in turn. A variable that is the whole value needs no
// braces; others are written ${request.path.id}.
type expression []variable

// variable is a value that a request or an answer has, or static text.
type variable struct {
	kind  source
	name  string // or the text
	steps []any  // into a JSON body; nil for all of it
}

type source int

const (
	fromText source = iota
	fromHeader
	fromQuery
	fromPath // without a name, the path of the request below its stage
	fromBody
	fromContext
	fromStage
	fromResponseHeader
	fromResponseBody
)

// parseMapping compiles an entry. Its errors are those of the person who wrote it.
func parseMapping(key, value string, response bool) (mapping, error) {
	action, where, _ := strings.Cut(key, ":")
	place, name, named := strings.Cut(where, ".")
	m := mapping{action: action, place: place, name: name}
	keys := "{append|overwrite|remove}:header.NAME, {append|overwrite|remove}:querystring.NAME and overwrite:path"
	if response {
		keys = "{append|overwrite|remove}:header.NAME and overwrite:statuscode"
	}
	whole := place == "path" && !response || place == "statuscode" && response
	switch {
	case whole && !named && action == "overwrite":
	case (place == "header" || place == "querystring" && !response) && name != "" && slices.Contains([]string{"append", "overwrite", "remove"}, action):
	default:
		return m, fmt.Errorf("%q is not the key of a mapping: keys are %s", key, keys)
	}
	if place == "header" && (isReserved(name) || !isToken(name)) {
		return m, fmt.Errorf("the header %s of %q is reserved or no header's name: it cannot be mapped", name, key)
	}
	if action == "remove" {
		return m, nil
	}
	var err error
	if m.value, err = parseExpression(value); err != nil {
		return m, err
	}
	for _, v := range m.value {
		if !response && (v.kind == fromResponseHeader || v.kind == fromResponseBody) {
			return m, fmt.Errorf("%q: a request is mapped before there is a response", value)
		}
	}
	return m, nil
}

func parseExpression(text string) (expression, error) {
	if strings.HasPrefix(text, "$") && !strings.HasPrefix(text, "${") {
		v, err := parseVariableName(text)
		return expression{v}, err
	}
	var e expression
	for text != "" {
		before, rest, found := strings.Cut(text, "${")
		if before != "" {
			e = append(e, variable{name: before})
		}
		if !found {
			break
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, fmt.Errorf("the brace of %q is not closed", "${"+rest)
		}
		v, err := parseVariableName("$" + name)
		if err != nil {
			return nil, err
		}
		e, text = append(e, v), after
	}
	return e, nil
}

// parseVariableName takes the name of a variable apart: $request.header.NAME, $request.querystring.NAME, $request.path,
// $request.path.NAME, $request.body, $request.body.a.b, $context.NAME, $stageVariables.NAME, $response.header.NAME,
// $response.body.a.b.
func parseVariableName(text string) (variable, error) {
	for prefix, kind := range map[string]source{
		"$request.header.": fromHeader, "$request.querystring.": fromQuery, "$request.path.": fromPath, "$context.": fromContext,
		"$stageVariables.": fromStage, "$response.header.": fromResponseHeader,
	} {
		if name, ok := strings.CutPrefix(text, prefix); ok && name != "" {
			return variable{kind: kind, name: name}, nil
		}
	}
	if text == "$request.path" {
		return variable{kind: fromPath}, nil
	}
	for prefix, kind := range map[string]source{"$request.body": fromBody, "$response.body": fromResponseBody} {
		below, ok := strings.CutPrefix(text, prefix)
		if !ok {
			continue
		}
		steps, err := parseVariable("request.body" + below)
		if below == "" {
			steps = nil
		}
		return variable{kind: kind, steps: steps}, err
	}
	return variable{}, fmt.Errorf("%q is not a variable of a request or of a response", text)
}

// isReserved reports whether a header may not be mapped, by AWS's list.
func isReserved(name string) bool {
	name = strings.ToLower(name)
	for _, prefix := range []string{"access-control-", "apigw-", "x-amz-", "x-amzn-"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return slices.Contains([]string{
		"authorization", "connection", "content-encoding", "content-length", "content-location", "forwarded", "keep-alive",
		"origin", "proxy-authenticate", "proxy-authorization", "te", "trailers", "transfer-encoding", "upgrade",
		"x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "via",
	}, name)
}

// isToken reports whether text can be the name of a header.
func isToken(text string) bool {
	for _, c := range []byte(text) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return text != ""
}

// parseMappings compiles entries in the order in which they are applied: what is removed, then what is replaced, then
// what is added.
func parseMappings(entries map[string]string, response bool) ([]mapping, error) {
	var all []mapping
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		m, err := parseMapping(key, entries[key], response)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	order := []string{"remove", "overwrite", "append"}
	slices.SortStableFunc(all, func(a, b mapping) int {
		return cmp.Compare(slices.Index(order, a.action), slices.Index(order, b.action))
	})
	return all, nil
}

// checkMappings checks the mappings of an integration.
func (in *integration) checkMappings() error {
	if _, err := parseMappings(in.RequestParameters, false); err != nil {
		return badRequest("Invalid requestParameters: %v", err)
	}
	for status, entries := range in.ResponseParameters {
		if n, err := strconv.Atoi(status); err != nil || n < 200 || n > 599 {
			return badRequest("Invalid responseParameters: the key %q is no status between 200 and 599", status)
		}
		if _, err := parseMappings(entries, true); err != nil {
			return badRequest("Invalid responseParameters for %s: %v", status, err)
		}
	}
	return nil
}

// compileMappings keeps the mappings of a route's integration compiled.
func (p *path) compileMappings() (err error) {
	if p.requestMappings, err = parseMappings(p.integration.RequestParameters, false); err != nil {
		return err
	}
	p.responseMappings = map[int][]mapping{}
	for status, entries := range p.integration.ResponseParameters {
		n, err := strconv.Atoi(status)
		if err != nil {
			return err
		}
		if p.responseMappings[n], err = parseMappings(entries, true); err != nil {
			return err
		}
	}
	return nil
}

// value returns what a mapping's expression yields; false if one of its variables has no value. Such a mapping is not
// applied.
func (k *httpCall) value(e expression) (string, bool) {
	var b strings.Builder
	for _, v := range e {
		text, ok := k.lookup(v)
		if !ok {
			return "", false
		}
		b.WriteString(text)
	}
	return b.String(), true
}

// lookup returns the value of a variable; false if there is none.
func (k *httpCall) lookup(v variable) (string, bool) {
	switch v.kind {
	case fromText:
		return v.name, true
	case fromHeader:
		if strings.EqualFold(v.name, "Host") {
			return k.request.Host, true
		}
		values := k.request.Header.Values(v.name)
		return strings.Join(values, ","), len(values) > 0
	case fromQuery:
		values, ok := queryOf(k.request)[v.name]
		return strings.Join(values, ","), ok
	case fromPath:
		if v.name == "" {
			return k.below, true
		}
		text, ok := k.variables[v.name]
		return text, ok
	case fromBody:
		return inBody(k.body, v.steps)
	case fromContext:
		return k.contextVariable(v.name)
	case fromStage:
		text, ok := k.stage.StageVariables[v.name]
		return text, ok
	}
	if k.answer == nil {
		return "", false
	}
	if v.kind == fromResponseBody {
		return inBody(k.answer.body, v.steps)
	}
	values := k.answer.values(v.name)
	return strings.Join(values, ","), len(values) > 0
}

// inBody finds a value in a JSON body of at most the 100 KB that AWS looks at.
func inBody(body []byte, steps []any) (string, bool) {
	if steps == nil {
		return string(body), len(body) > 0
	}
	var value any
	if len(body) > maxMappedBody || unmarshal(body, &value) != nil {
		return "", false
	}
	if value = find(value, steps); value == nil {
		return "", false
	}
	var b strings.Builder
	printValue(&b, value)
	return b.String(), true
}

// unmarshal is json.Unmarshal that leaves numbers as they are written.
func unmarshal(text []byte, v any) error {
	if !json.Valid(text) {
		return fmt.Errorf("no JSON")
	}
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	return d.Decode(v)
}

// mapRequest returns the request as the integration is to see it, and the escaped path that a mapping gives it, or "".
func (k *httpCall) mapRequest() (r *http.Request, path string) {
	if len(k.route.requestMappings) == 0 {
		return k.request, ""
	}
	r = k.request.Clone(k.request.Context())
	query := queryOf(r)
	changed := false
	for _, m := range k.route.requestMappings {
		value, ok := k.value(m.value)
		if !ok {
			continue
		}
		switch m.place {
		case "path":
			path = (&url.URL{Path: "/" + strings.TrimPrefix(value, "/")}).EscapedPath()
		case "header":
			switch {
			case strings.EqualFold(m.name, "Host") && m.action != "remove":
				r.Host = value
			case m.action == "remove":
				r.Header.Del(m.name)
			case m.action == "overwrite":
				r.Header.Set(m.name, value)
			default:
				r.Header.Add(m.name, value)
			}
		case "querystring":
			changed = true
			switch m.action {
			case "remove":
				delete(query, m.name)
			case "overwrite":
				query[m.name] = []string{value}
			default:
				query[m.name] = append(query[m.name], value)
			}
		}
	}
	if changed {
		r.URL.RawQuery = url.Values(query).Encode()
	}
	return r, path
}

// mapAnswer changes the answer in k as the mappings for its status say.
func (k *httpCall) mapAnswer() error {
	mappings := k.route.responseMappings[k.answer.status]
	changed := *k.answer
	changed.headers = maps.Clone(k.answer.headers)
	for _, m := range mappings {
		value, ok := k.value(m.value)
		switch {
		case !ok:
		case m.place == "statuscode":
			status, err := strconv.Atoi(value)
			if err != nil || status < 200 || status > 599 {
				return fmt.Errorf("the mapping overwrite:statuscode gave %q, which is no status between 200 and 599", value)
			}
			changed.status = status
		case m.action == "remove":
			changed.remove(m.name)
		case m.action == "overwrite":
			changed.remove(m.name)
			changed.headers[m.name] = []string{value}
		default:
			values := append(slices.Clone(changed.values(m.name)), value)
			changed.remove(m.name)
			changed.headers[m.name] = values
		}
	}
	k.answer = &changed
	return nil
}
