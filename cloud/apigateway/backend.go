package apigateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"quotewire/cloud/iam"
)

// ask runs an integration of a WebSocket route that is no Lambda proxy: it maps the request, calls the backend, and maps
// its answer, unless the backend is an HTTP proxy.
func (s *Service) ask(ctx context.Context, k *call, e *webSocketEvent, message []byte) (*answer, failure) {
	q, fail := k.mapRequest(e, message)
	if fail != none {
		return nil, fail
	}
	t := s.task(k)
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	var b *answer
	switch in := t.in; {
	case in.IntegrationType == "MOCK":
		status, err := mockStatus(q.body)
		if err != nil {
			k.log().Warn(`the MOCK integration has no status: its request template must make JSON such as {"statusCode":200}`, "made", shorten(q.body))
			return nil, badMapping
		}
		b = &answer{status: status}
	case in.isFunction():
		b, fail = s.askFunction(ctx, t, q)
	case in.IntegrationType == "AWS":
		b, fail = s.askService(ctx, t, q)
	default:
		b, fail = s.askHTTP(ctx, t, q)
	}
	if fail != none || t.in.isProxy() {
		return b, fail
	}
	return k.mapResponse(e, message, b)
}

// askFunction invokes a function with the mapped payload. That it failed is an answer like any other.
func (s *Service) askFunction(ctx context.Context, t task, q *backendRequest) (*answer, failure) {
	arn, _ := functionARN(resolveVariables(t.in.IntegrationURI, t.variables))
	if len(bytes.TrimSpace(q.body)) == 0 {
		q.body = []byte("{}")
	}
	if !json.Valid(q.body) {
		t.log().Warn("the function cannot be invoked: its payload must be JSON, and the message, or what the request template makes of it, is not", "payload", shorten(q.body))
		return nil, badMapping
	}
	if q.header.Get("X-Amz-Invocation-Type") == "Event" {
		// Nobody waits for the function, and the integration's timeout does not count.
		t.note = nil
		s.running.start(func() { s.invokeFunction(s.ctx, arn, time.Hour, t, q.body) })
		return &answer{status: http.StatusAccepted}, none
	}
	payload, fail := s.invokeFunction(ctx, arn, t.timeout, t, q.body)
	b := &answer{status: http.StatusOK, body: payload}
	if fail == functionError && payload != nil {
		var thrown struct{ ErrorMessage string }
		json.Unmarshal(payload, &thrown)
		b.errorMessage = thrown.ErrorMessage
		return b, none
	}
	return b, fail
}

// askHTTP sends the mapped request to the URI of an HTTP integration.
func (s *Service) askHTTP(ctx context.Context, t task, q *backendRequest) (*answer, failure) {
	uri := resolveVariables(t.in.IntegrationURI, t.variables)
	for name, value := range q.path {
		uri = strings.ReplaceAll(uri, "{"+name+"}", url.PathEscape(value))
	}
	method := t.in.IntegrationMethod
	if method == "ANY" {
		method = http.MethodPost
	}
	r, err := newBackendRequest(ctx, method, uri, q)
	if err != nil {
		t.log().Warn("the integration's URI cannot be called", "error", err)
		return nil, notPermitted
	}
	return s.call(t, r, int64(s.MaxMessage))
}

func newBackendRequest(ctx context.Context, method, uri string, q *backendRequest) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, uri, bytes.NewReader(q.body))
	if err != nil {
		return nil, err
	}
	if len(q.query) > 0 {
		query := r.URL.Query()
		for name, values := range q.query {
			query[name] = values
		}
		r.URL.RawQuery = query.Encode()
	}
	if len(q.body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, values := range q.header {
		r.Header[name] = values
		if name == "Host" {
			r.Host = values[0]
		}
	}
	return r, nil
}

// serviceURI is the URI of an integration with a service of AWS: an action by its name, or a path.
type serviceURI struct{ service, kind, rest string }

func parseServiceURI(uri string) (serviceURI, bool) {
	parts := strings.SplitN(uri, ":", 6)
	if len(parts) != 6 || parts[0]+":"+parts[1]+":"+parts[2] != "arn:aws:apigateway" || parts[3] == "" {
		return serviceURI{}, false
	}
	kind, rest, ok := strings.Cut(parts[5], "/")
	return serviceURI{parts[4], kind, rest}, ok && (kind == "action" && rest != "" || kind == "path")
}

// actions say how the services of this cloud are told the name of an action: by a target before it, or in a form of
// that version.
var actions = map[string]struct{ target, contentType, version string }{
	"dynamodb": {"DynamoDB_20120810.", "application/x-amz-json-1.0", ""},
	"logs":     {"Logs_20140328.", "application/x-amz-json-1.1", ""},
	"iam":      {"", "application/x-www-form-urlencoded", "2010-05-08"},
	"sts":      {"", "application/x-www-form-urlencoded", "2011-06-15"},
	"ec2":      {"", "application/x-www-form-urlencoded", "2016-11-15"},
}

// paths are the services of this cloud that are called by paths.
var paths = map[string]bool{"s3": true, "lambda": true, "apigateway": true}

func (u serviceURI) check() error {
	if _, ok := actions[u.service]; ok && u.kind == "action" || paths[u.service] && u.kind == "path" {
		return nil
	}
	return unsupported("an integration with "+u.service+":"+u.kind,
		"use an action of dynamodb, logs, iam, sts or ec2, a path of s3, lambda or apigateway, or a Lambda function that calls the service")
}

// askService makes a signed call of a service of this cloud, in the name of the integration's role.
func (s *Service) askService(ctx context.Context, t task, q *backendRequest) (*answer, failure) {
	u, ok := parseServiceURI(resolveVariables(t.in.IntegrationURI, t.variables))
	if !ok {
		t.log().Warn("the integration's URI names no service: a stage variable in it has no value", "uri", t.in.IntegrationURI)
		return nil, notPermitted
	}
	credentials, _, err := s.assume(ctx, resolveVariables(t.in.CredentialsARN, t.variables))
	if err != nil {
		t.log().Warn("API Gateway cannot assume the role of credentialsArn: "+err.Error(), "role", t.in.CredentialsARN)
		return nil, notPermitted
	}
	path := "/"
	if u.kind == "path" {
		path += u.rest
		for name, value := range q.path {
			path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(value))
		}
	}
	action, isAction := actions[u.service]
	if isAction && action.version != "" {
		form := url.Values{"Action": {u.rest}, "Version": {action.version}}
		if given, err := url.ParseQuery(string(q.body)); err == nil && strings.Contains(q.header.Get("Content-Type"), "form") {
			for name, values := range given {
				form[name] = values
			}
		}
		for name, values := range q.query {
			form[name] = values
		}
		q.body, q.query = []byte(form.Encode()), nil
	}
	method := t.in.IntegrationMethod
	if isAction {
		method = http.MethodPost
	}
	r, err := newBackendRequest(ctx, method, "http://"+s.Authority+path, q)
	if err != nil {
		t.log().Warn("the integration's URI cannot be called", "error", err)
		return nil, notPermitted
	}
	if isAction {
		r.Header.Set("Content-Type", action.contentType)
	}
	if action.target != "" {
		r.Header.Set("X-Amz-Target", action.target+u.rest)
	}
	iam.Sign(r, q.body, credentials, u.service, s.Region, time.Now())
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
	t.log().Debug("called", "url", r.URL.Redacted(), "took", time.Since(began), "error", err)
	if t.note != nil {
		*t.note = exchange{latency: time.Since(began)}
		if err != nil {
			t.note.err = err.Error()
		} else {
			t.note.status = response.StatusCode
		}
	}
	switch {
	case err != nil && s.ctx.Err() != nil:
		return nil, interrupted
	case errors.Is(err, context.DeadlineExceeded):
		t.log().Warn("the HTTP integration did not answer in time", "url", r.URL.Redacted(), "timeoutInMillis", t.in.TimeoutInMillis)
		return nil, timedOut
	case err != nil:
		t.log().Warn("the HTTP integration could not be called", "url", r.URL.Redacted(), "error", err)
		return nil, functionError
	case int64(len(text)) > limit:
		t.log().Warn("the answer of the HTTP integration is too long", "url", r.URL.Redacted(), "limit", limit)
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
