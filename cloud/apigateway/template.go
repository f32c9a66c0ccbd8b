package apigateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"quotewire/cloud/apigateway/vtl"
)

// defaultKey is the key of the template, model or response that is taken if no other fits.
const defaultKey = "$default"

// requestMapping is how a route's request becomes the request to a backend.
type requestMapping struct {
	selection  selection
	templates  map[string]*vtl.Template
	parameters []parameter
}

// responseMapping is how one kind of a backend's answers becomes the answer to the client.
type responseMapping struct {
	*integrationResponse
	pattern    *regexp.Regexp // nil for $default
	selection  selection
	templates  map[string]*vtl.Template
	parameters []parameter
}

// compileTemplates parses the templates of an integration or of an integration response.
func compileTemplates(expression string, texts map[string]string, others ...string) (s selection, templates map[string]*vtl.Template, err error) {
	if s, err = parseSelection(expression, others...); err != nil {
		return nil, nil, fmt.Errorf("templateSelectionExpression: %w", err)
	}
	templates = map[string]*vtl.Template{}
	for key, text := range texts {
		if templates[key], err = vtl.Parse(text); err != nil {
			return nil, nil, fmt.Errorf("template %q: %w", key, err)
		}
	}
	return s, templates, nil
}

func (in *integration) requestMapping() (*requestMapping, error) {
	m := &requestMapping{}
	var err error
	if m.selection, m.templates, err = compileTemplates(in.TemplateSelectionExpression, in.RequestTemplates); err != nil {
		return nil, err
	}
	m.parameters, err = parseParameters(in.RequestParameters, "integration.request.", requestSources)
	return m, err
}

// responseVariables begin the variables of an answer in the selection expressions of integration responses.
var responseVariables = []string{"integration.response."}

func (r *integrationResponse) mapping() (*responseMapping, error) {
	m := &responseMapping{integrationResponse: r}
	if r.IntegrationResponseKey != defaultKey {
		inside, ok := strings.CutPrefix(r.IntegrationResponseKey, "/")
		inside, end := strings.CutSuffix(inside, "/")
		if !ok || !end {
			return nil, errors.New(`integrationResponseKey must be $default, or a regular expression between slashes such as /2\d\d/`)
		}
		var err error
		if m.pattern, err = regexp.Compile("^(?:" + inside + ")$"); err != nil {
			return nil, fmt.Errorf("integrationResponseKey: %w", err)
		}
	}
	var err error
	if m.selection, m.templates, err = compileTemplates(r.TemplateSelectionExpression, r.ResponseTemplates, responseVariables...); err != nil {
		return nil, err
	}
	m.parameters, err = parseParameters(r.ResponseParameters, "route.response.", responseSources)
	return m, err
}

// backendRequest is what a backend is asked.
type backendRequest struct {
	body   []byte
	header http.Header
	query  url.Values
	path   map[string]string
}

// mapRequest makes the request to the backend of a route: the message through the template that fits it, as
// passthroughBehavior says if none does, with the parameters. A proxy gets the message as it is.
func (k *call) mapRequest(e *webSocketEvent, message []byte) (*backendRequest, failure) {
	in, m := k.route.integration, k.route.mapping
	q := &backendRequest{body: message, header: http.Header{}, query: url.Values{}, path: map[string]string{}}
	if !in.isProxy() {
		template, key := chooseTemplate(m.selection, m.templates, message, nil)
		switch {
		case template != nil:
			text, err := template.Execute(k.templateVariables(e, message))
			if err != nil {
				k.log().Warn("the request template fails: "+err.Error(), "template", key)
				return nil, badMapping
			}
			q.body = []byte(text)
		case in.PassthroughBehavior == "NEVER", in.PassthroughBehavior == "WHEN_NO_TEMPLATES" && len(m.templates) > 0:
			k.log().Info("the message is refused: no request template fits it, and passthroughBehavior does not let it through as it is",
				"template", key, "passthroughBehavior", in.PassthroughBehavior)
			return nil, unsupportedMedia
		}
	}
	var err error
	if q.body, err = convert(in.ContentHandlingStrategy, q.body); err != nil {
		k.log().Warn("the message cannot be converted as contentHandlingStrategy says: "+err.Error(), "contentHandlingStrategy", in.ContentHandlingStrategy)
		return nil, badMapping
	}
	for _, p := range m.parameters {
		values := k.requestValues(p.source, e, message)
		if len(values) == 0 {
			continue
		}
		switch p.kind {
		case "header":
			q.header[http.CanonicalHeaderKey(p.name)] = values
		case "querystring":
			q.query[p.name] = values
		case "path":
			q.path[p.name] = values[0]
		}
	}
	return q, none
}

// chooseTemplate returns the template whose key the expression yields, else the one of $default; nil if there is neither.
func chooseTemplate(s selection, templates map[string]*vtl.Template, message []byte, lookup func(string) string) (*vtl.Template, string) {
	key, ok := s.evaluateWith(message, lookup)
	if t := templates[key]; ok && t != nil {
		return t, key
	}
	return templates[defaultKey], key
}

// mapResponse makes the answer to the client of a backend's answer. The response that fits is found by the error
// message of a function, and by the status of any other backend.
func (k *call) mapResponse(e *webSocketEvent, message []byte, b *answer) (*answer, failure) {
	subject := fmt.Sprint(b.status)
	if k.route.integration.isFunction() {
		subject = b.errorMessage
	}
	var m *responseMapping
	for _, r := range k.route.responses {
		if r.pattern == nil && m == nil || r.pattern != nil && r.pattern.MatchString(subject) {
			m = r
		}
	}
	if m == nil {
		return &answer{status: http.StatusOK}, unmapped
	}
	// The status of a handshake is the backend's only if a response names it.
	a := &answer{status: http.StatusOK, headers: map[string][]string{}, body: b.body}
	if m.pattern != nil && !k.route.integration.isFunction() {
		a.status = b.status
	}
	lookup := func(variable string) string {
		switch name, _ := strings.CutPrefix(variable, "integration.response."); {
		case name == "statuscode":
			return fmt.Sprint(b.status)
		case strings.HasPrefix(name, "header."), strings.HasPrefix(name, "multivalueheader."):
			_, header, _ := strings.Cut(name, ".")
			return b.header(header)
		}
		return ""
	}
	if t, key := chooseTemplate(m.selection, m.templates, message, lookup); t != nil {
		text, err := t.Execute(k.templateVariables(e, b.body))
		if err != nil {
			k.log().Warn("the response template fails: "+err.Error(), "template", key, "integrationResponse", m.IntegrationResponseKey)
			return nil, badMapping
		}
		a.body = []byte(text)
	}
	var err error
	if a.body, err = convertResponse(m.ContentHandlingStrategy, a.body); err != nil {
		k.log().Warn("the answer cannot be converted as contentHandlingStrategy says: "+err.Error(), "contentHandlingStrategy", m.ContentHandlingStrategy)
		return nil, badMapping
	}
	for _, p := range m.parameters {
		if values := responseValues(p.source, b); len(values) > 0 {
			a.headers[p.name] = values
		}
	}
	return a, none
}

// templateVariables are what a template may refer to. Only a handshake has parameters.
func (k *call) templateVariables(e *webSocketEvent, payload []byte) map[string]any {
	stageVariables := vtl.NewMap()
	for name, v := range k.stage.StageVariables {
		stageVariables.Put(name, v)
	}
	return map[string]any{
		"input":          &vtl.Input{Body: string(payload), Query: e.QueryStringParameters.toMap(), Header: e.Headers.toMap()},
		"context":        e.RequestContext.toMap(),
		"stageVariables": stageVariables,
		"util":           vtl.Util{},
	}
}

// toMap returns the context as templates and parameters see it.
func (c *webSocketContext) toMap() *vtl.Map {
	v, err := vtl.FromJSON(encode(c))
	if err != nil {
		panic(fmt.Sprintf("apigateway: a context that cannot be decoded: %v", err))
	}
	return v.(*vtl.Map)
}

func (m members) toMap() *vtl.Map {
	out := vtl.NewMap()
	for _, e := range m {
		if text, ok := e.value.(string); ok {
			out.Put(e.name, text)
		}
	}
	return out
}

// mockStatus reads what the request template of a MOCK integration makes: {"statusCode":200}.
func mockStatus(body []byte) (int, error) {
	var t struct {
		StatusCode json.RawMessage `json:"statusCode"`
	}
	if err := json.Unmarshal(body, &t); err != nil {
		return 0, err
	}
	return parseStatus(t.StatusCode)
}

func (in *integration) isProxy() bool { return strings.HasSuffix(in.IntegrationType, "_PROXY") }

// isFunction reports whether the backend is a Lambda function.
func (in *integration) isFunction() bool {
	_, ok := functionARN(in.IntegrationURI)
	return ok && strings.HasPrefix(in.IntegrationType, "AWS")
}

// responsesInOrder returns the compiled responses of an integration in the order of their keys, so that of two that fit
// it is always the same one.
func responsesInOrder(all map[string]*integrationResponse) ([]*responseMapping, error) {
	var out []*responseMapping
	for _, r := range all {
		m, err := r.mapping()
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b *responseMapping) int {
		return strings.Compare(a.IntegrationResponseKey, b.IntegrationResponseKey)
	})
	return out, nil
}
