package apigateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"quotewire/cloud/protocol"
)

// httpCall is one request to an HTTP API.
type httpCall struct {
	served
	route     *path
	variables map[string]string // of the path
	path      string            // escaped, as received
	requestID string
	at        time.Time
	domain    string
	account   string
	log       *slog.Logger
}

// serveHTTPAPI answers a request for an HTTP API. path is escaped and begins with the stage, unless the stage is $default.
func (s *Service) serveHTTPAPI(w http.ResponseWriter, r *http.Request, a *api, path string) {
	k := &httpCall{path: path, requestID: requestID(a.id()), at: time.Now(), domain: s.Authority, account: s.Account}
	k.log = s.Log.With("api", a.id(), "method", r.Method, "path", path, "requestId", k.requestID)
	w.Header().Set("Apigw-Requestid", k.requestID)
	if headSize(r) > maxHTTPHead {
		httpError(w, http.StatusRequestHeaderFieldsTooLarge, "Request Header Or Cookie Too Large")
		return
	}
	segments, _ := splitPath(path)
	name, below := "$default", segments
	if a.Stages[segments[0]] != nil && segments[0] != "$default" {
		name, below = segments[0], segments[1:]
		if len(below) == 0 {
			below = []string{""}
		}
	}
	var ok bool
	if k.served, ok = s.served(a.id(), name); !ok || a.Properties.DisableExecuteAPIEndpoint {
		k.log.Info("a request was refused: there is no such stage, or nothing is deployed to it", "stage", name)
		httpError(w, http.StatusNotFound, "Not Found")
		return
	}
	cors := a.Properties.CORSConfiguration
	if cors != nil && isPreflight(r) {
		cors.preflight(w, r)
		return
	}
	if k.route, k.variables = k.snap.findPath(r.Method, below); k.route == nil {
		k.log.Info("no route matches the request", "stage", name)
		httpError(w, http.StatusNotFound, "Not Found")
		return
	}
	k.log = k.log.With("route", k.route.RouteKey)
	body, err := protocol.ReadBody(r, maxHTTPBody)
	if err != nil {
		var e *protocol.Error
		if errors.As(err, &e) && e.Status == http.StatusRequestEntityTooLarge {
			httpError(w, e.Status, "Request Entity Too Large")
		} else {
			httpError(w, http.StatusBadRequest, "Bad Request")
		}
		return
	}
	answer, fail := s.integrateHTTP(k, r, body)
	switch fail {
	case none:
		k.write(w, r, answer, cors)
		return
	case timedOut:
		httpError(w, httpTimeoutStatus, "Service Unavailable")
	case throttled, interrupted:
		httpError(w, http.StatusServiceUnavailable, "Service Unavailable")
	default:
		httpError(w, http.StatusInternalServerError, "Internal Server Error")
	}
	k.log.Debug("request failed")
}

// findPath returns the route for a request, and the variables of its path.
func (s *snapshot) findPath(method string, segments []string) (*path, map[string]string) {
	for _, p := range s.paths {
		if variables, ok := p.pattern.match(method, segments); ok {
			return p, variables
		}
	}
	return s.byKey["$default"], nil
}

// httpTask is the call for its integration. Its source is that of the route: variables of the path stand as they are.
func (s *Service) httpTask(k *httpCall, method string) task {
	base := "arn:aws:execute-api:" + s.Region + ":" + s.Account + ":" + k.api.id()
	t := task{in: k.route.integration, timeout: k.route.integration.timeout(s.HTTPTimeout), variables: k.stage.StageVariables, log: k.log}
	routeMethod, pattern, ok := strings.Cut(k.route.RouteKey, " ")
	if !ok { // $default
		t.sourceARN, t.grant = base+"/"+k.stage.StageName+"/$default", base+"/*/$default"
		return t
	}
	if routeMethod == "ANY" {
		routeMethod = method
	}
	t.sourceARN, t.grant = base+"/"+k.stage.StageName+"/"+routeMethod+pattern, base+"/*/*"+pattern
	return t
}

func (s *Service) integrateHTTP(k *httpCall, r *http.Request, body []byte) (*answer, failure) {
	in := k.route.integration
	if in == nil {
		k.log.Warn("the route has no integration: give it a target and deploy the API")
		return nil, notPermitted
	}
	t := s.httpTask(k, r.Method)
	if in.IntegrationType == "HTTP_PROXY" {
		return s.forwardRequest(t, k, r, body)
	}
	var event any
	if in.PayloadFormatVersion == "1.0" {
		event = k.event1(r, body)
	} else {
		event = k.event2(r, body)
	}
	payload, fail := s.invoke(s.ctx, t, encode(event))
	if fail != none {
		return nil, fail
	}
	if len(payload) > maxHTTPResponse {
		k.log.Warn("the function's answer is too long", "bytes", len(payload), "limit", maxHTTPResponse)
		return nil, badAnswer
	}
	a, err := parseHTTPAnswer(payload, in.PayloadFormatVersion)
	if err != nil {
		k.log.Warn("the client gets an error: "+err.Error(), "answer", shorten(payload))
		return nil, badAnswer
	}
	return a, none
}

// parseHTTPAnswer reads what a function returned for an HTTP API. In format 2.0 anything without a statusCode is itself
// the body.
func parseHTTPAnswer(payload []byte, format string) (*answer, error) {
	if !json.Valid(payload) {
		return nil, errors.New("the function must return JSON")
	}
	if format == "2.0" {
		var object map[string]json.RawMessage
		json.Unmarshal(payload, &object)
		if object["statusCode"] == nil {
			body := payload
			var text string
			if json.Unmarshal(payload, &text) == nil && string(bytes.TrimSpace(payload)) != "null" {
				body = []byte(text)
			}
			return &answer{status: http.StatusOK, headers: map[string][]string{"content-type": {"application/json"}}, body: body}, nil
		}
		for name := range object { // members that are not known are no mistake here
			if !slices.Contains([]string{"statusCode", "headers", "body", "isBase64Encoded", "cookies"}, name) {
				delete(object, name)
			}
		}
		payload = encode(object)
	}
	a, err := parseAnswer(payload)
	if err == nil && a.header("Content-Type") == "" {
		a.headers["content-type"] = []string{"text/plain; charset=utf-8"}
	}
	return a, err
}

// write sends an integration's answer. What belongs to the connection to the client is the gateway's own.
func (k *httpCall) write(w http.ResponseWriter, r *http.Request, a *answer, cors *corsConfiguration) {
	h := w.Header()
	for name, values := range a.headers {
		switch http.CanonicalHeaderKey(name) {
		case "Connection", "Transfer-Encoding", "Content-Length", "Keep-Alive", "Upgrade", "Apigw-Requestid":
			continue
		}
		for _, v := range values {
			h.Add(name, v)
		}
	}
	for _, cookie := range a.cookies {
		h.Add("Set-Cookie", cookie)
	}
	if cors != nil {
		cors.decorate(h, r.Header.Get("Origin"))
	}
	if a.status < 200 { // would promise an answer that never comes
		k.log.Warn("an integration cannot answer with an informational status", "status", a.status)
		httpError(w, http.StatusInternalServerError, "Internal Server Error")
		return
	}
	w.WriteHeader(a.status)
	w.Write(a.body)
	k.log.Debug("request", "status", a.status, "bytes", len(a.body))
}

// forwardRequest passes a request on to the URI of an HTTP_PROXY integration.
func (s *Service) forwardRequest(t task, k *httpCall, r *http.Request, body []byte) (*answer, failure) {
	ctx, cancel := context.WithTimeout(s.ctx, t.timeout)
	defer cancel()
	uri := resolveVariables(t.in.IntegrationURI, t.variables)
	for name, value := range k.variables {
		segments := strings.Split(value, "/")
		for i := range segments {
			segments[i] = url.PathEscape(segments[i])
		}
		uri = strings.ReplaceAll(uri, "{"+name+"}", strings.Join(segments, "/"))
	}
	if r.URL.RawQuery != "" {
		separator := "?"
		if strings.Contains(uri, "?") {
			separator = "&"
		}
		uri += separator + r.URL.RawQuery
	}
	method := t.in.IntegrationMethod
	if method == "ANY" {
		method = r.Method
	}
	forward, err := http.NewRequestWithContext(ctx, method, uri, bytes.NewReader(body))
	if err != nil {
		t.log.Warn("the integration's URI cannot be called", "error", err)
		return nil, notPermitted
	}
	forward.Header = r.Header.Clone()
	for _, name := range []string{"Connection", "Keep-Alive", "Upgrade", "Te", "Trailer", "Transfer-Encoding", "Content-Length", "Proxy-Connection"} {
		forward.Header.Del(name)
	}
	proto := "http"
	if r.TLS != nil {
		proto = "https"
	}
	forward.Header.Add("Forwarded", "for="+sourceIP(r)+";host="+r.Host+";proto="+proto)
	return s.call(t, forward, maxHTTPBody)
}

func httpError(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, "", encode(map[string]string{"message": message}))
}

// headSize estimates the request line and the headers of a request in bytes.
func headSize(r *http.Request) int {
	n := len(r.Method) + len(r.RequestURI) + len(r.Proto) + len(r.Host) + 12
	for name, values := range r.Header {
		for _, v := range values {
			n += len(name) + len(v) + 4
		}
	}
	return n
}
