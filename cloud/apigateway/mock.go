package apigateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Integrations of WebSocket routes without a function: MOCK, which answers by itself, and HTTP_PROXY.

const defaultTemplate = "$default"

// mockStatus reads what the request template of a MOCK integration says: {"statusCode":200}.
func mockStatus(template string) (int, error) {
	var t struct {
		StatusCode json.RawMessage `json:"statusCode"`
	}
	if err := json.Unmarshal([]byte(template), &t); err != nil {
		return 0, err
	}
	return parseStatus(t.StatusCode)
}

func (in *integration) checkMock() error {
	if e := in.TemplateSelectionExpression; e != "" && e != `\$default` {
		return unsupported("a templateSelectionExpression that chooses by the message", `write \$default`)
	}
	for key, template := range in.RequestTemplates {
		if key != defaultTemplate && key != "200" { // "200" is what consoles and older scripts write
			return badRequest("Invalid key %q of requestTemplates: it must be $default", key)
		}
		if _, err := mockStatus(template); err != nil {
			return badRequest(`Invalid request template: that of a MOCK integration is JSON such as {"statusCode":200}, without VTL`)
		}
	}
	return nil
}

// check checks an integration response: its key is $default, or a regular expression for the status as in /2\d\d/.
func (r *integrationResponse) check(a *api) error {
	if !a.isWebSocket() {
		return badRequest("Integration responses are for WEBSOCKET APIs only")
	}
	if _, err := r.pattern(); err != nil {
		return badRequest(`Invalid integrationResponseKey %q: it must be $default, or a regular expression such as /2\d\d/`, r.IntegrationResponseKey)
	}
	switch {
	case r.ContentHandlingStrategy != "":
		return unsupported("contentHandlingStrategy", "leave it out: messages are text")
	case len(r.ResponseParameters) > 0:
		return unsupported("responseParameters", "leave them out")
	}
	for key, template := range r.ResponseTemplates {
		if key != defaultTemplate {
			return badRequest("Invalid key %q of responseTemplates: it must be $default", key)
		}
		if strings.ContainsAny(template, "$#") {
			return unsupported("VTL in responseTemplates", "write static text, or use a Lambda function")
		}
	}
	return nil
}

func (r *integrationResponse) pattern() (*regexp.Regexp, error) {
	if r.IntegrationResponseKey == "$default" {
		return regexp.MustCompile(``), nil
	}
	inside, ok := strings.CutPrefix(r.IntegrationResponseKey, "/")
	inside, end := strings.CutSuffix(inside, "/")
	if !ok || !end {
		return nil, errors.New("no slashes")
	}
	return regexp.Compile("^(?:" + inside + ")$")
}

// mock answers without asking anyone: the status of the request template, the text of the response that fits it.
func (k *call) mock() (*answer, failure) {
	status := 0
	for _, template := range k.route.integration.RequestTemplates {
		status, _ = mockStatus(template)
	}
	if status == 0 {
		k.log.Warn(`the MOCK integration has no request template that says a status: give it {"$default": "{\"statusCode\":200}"}`)
		return nil, notPermitted
	}
	a := &answer{status: status}
	if r := k.route.response(status); r != nil {
		a.body = []byte(r.ResponseTemplates[defaultTemplate])
	}
	return a, none
}

// response returns the integration response for a status: one that matches it, else $default.
func (p *path) response(status int) *integrationResponse {
	var fallback *integrationResponse
	for _, r := range p.responses {
		if r.IntegrationResponseKey == "$default" {
			fallback = r
		} else if re, err := r.pattern(); err == nil && re.MatchString(strconv.Itoa(status)) {
			return r
		}
	}
	return fallback
}

// forwardMessage sends a message to an HTTP_PROXY integration, as the body of a request, and returns its answer.
func (s *Service) forwardMessage(ctx context.Context, t task, k *call, body []byte) (*answer, failure) {
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	method := t.in.IntegrationMethod
	if method == "ANY" {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(ctx, method, resolveVariables(t.in.IntegrationURI, t.variables), bytes.NewReader(body))
	if err != nil {
		t.log.Warn("the integration's URI cannot be called", "error", err)
		return nil, notPermitted
	}
	if len(body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	return s.call(t, r, int64(s.MaxMessage))
}

// call makes the request of an HTTP integration. An answer beyond limit is a bad one.
func (s *Service) call(t task, r *http.Request, limit int64) (*answer, failure) {
	began := time.Now()
	response, err := s.client.Do(r)
	var text []byte
	if err == nil {
		text, err = io.ReadAll(io.LimitReader(response.Body, limit+1))
		response.Body.Close()
	}
	t.log.Debug("called", "url", r.URL.Redacted(), "took", time.Since(began), "error", err)
	switch {
	case err != nil && s.ctx.Err() != nil:
		return nil, interrupted
	case errors.Is(err, context.DeadlineExceeded):
		t.log.Warn("the HTTP integration did not answer in time", "url", r.URL.Redacted(), "timeout", t.timeout)
		return nil, timedOut
	case err != nil:
		t.log.Warn("the HTTP integration could not be called", "url", r.URL.Redacted(), "error", err)
		return nil, functionError
	case int64(len(text)) > limit:
		t.log.Warn("the answer of the HTTP integration is too long", "url", r.URL.Redacted(), "limit", limit)
		return nil, badAnswer
	}
	return &answer{status: response.StatusCode, headers: response.Header, body: text}, none
}

// newClient returns the client of HTTP integrations. Redirects are the caller's business, not the gateway's.
func newClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableCompression = true
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
