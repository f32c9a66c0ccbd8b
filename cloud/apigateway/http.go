package apigateway

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"quotewire/cloud/protocol"
)

// httpCall is one request to an HTTP API.
type httpCall struct {
	served
	route        *path
	variables    map[string]string // of the route's path
	request      *http.Request
	body         []byte
	path         string // of the request, escaped, as received; with the stage unless that is $default
	named        string // the stage, where a domain name leads to it; "" where the path names it
	below        string // the path below the stage, unescaped
	requestID    string
	at           time.Time
	domain       string
	domainPrefix string
	account      string
	caller       *caller // what the route's authorization found out; nil if the route is open
	answer       *answer // the integration's
	log          logger

	w      http.ResponseWriter
	status int // that the client got
	bytes  int

	protocol string   // as events tell it: HTTP/1.1 also of HTTP/2, which ends at the front of AWS
	said     string   // of an error of the gateway's own, to the client
	refused  string   // why the caller was not let in
	guard    exchange // with the authorizer's function
	backend  exchange // with the integration
	returned int      // the status that the integration answered with, before it was mapped
}

// serveHTTPAPI answers a request for an HTTP API. path is escaped. Without the name of a stage it begins with that, unless the
// stage is $default.
func (s *Service) serveHTTPAPI(w http.ResponseWriter, r *http.Request, a *api, stageName, path string) {
	k := &httpCall{
		served: served{api: a}, request: r, path: path, requestID: requestID(a.id()), at: time.Now(), account: s.Account, w: w,
		domain: s.Authority, domainPrefix: a.id(), protocol: r.Proto,
	}
	if r.ProtoMajor > 1 {
		k.protocol = "HTTP/1.1"
	}
	if _, ok := hostAPI(hostname(r.Host)); ok {
		k.domain = r.Host
	}
	if k.named = stageName; stageName != "" {
		k.domain = hostname(r.Host)
		k.domainPrefix, _, _ = strings.Cut(k.domain, ".")
	}
	k.log = func() *slog.Logger {
		return s.Log.With("api", a.id(), "method", r.Method, "path", path, "requestId", k.requestID)
	}
	w.Header().Set("Apigw-Requestid", k.requestID)
	s.answerHTTP(k)
	s.logAccess(k.served, k.accessVariable)
	if s.debugs() {
		k.log().Debug("request", "status", k.status, "bytes", k.bytes, "took", time.Since(k.at))
	}
}

// answerHTTP has the order of AWS: the head, the stage, the route, the throttle, CORS, the body, the caller, the
// integration.
func (s *Service) answerHTTP(k *httpCall) {
	r, a := k.request, k.api
	if headSize(r) > maxHTTPHead {
		k.log().Info("a request was refused: its request line and headers are too long", "bytes", headSize(r), "limit", maxHTTPHead)
		k.fail(http.StatusRequestHeaderFieldsTooLarge, "Request Header Fields Too Large")
		return
	}
	segments, _ := splitPath(k.path)
	name := defaultStage
	if k.named != "" {
		name = k.named
	} else if a.Stages[segments[0]] != nil && segments[0] != defaultStage {
		if name, segments = segments[0], segments[1:]; len(segments) == 0 {
			segments = []string{""}
		}
	}
	k.below = "/" + strings.Join(segments, "/")
	view, ok := s.served(a.id(), name)
	if !ok || s.closed(a, r) {
		k.log().Info("a request was refused: there is no such stage, nothing is deployed to it, or disableExecuteApiEndpoint is set", "stage", name)
		k.fail(http.StatusNotFound, "Not Found")
		return
	}
	k.served = view
	k.route, k.variables = k.snap.findPath(r.Method, segments)
	key := ""
	if k.route != nil {
		key = k.route.RouteKey
		k.log = k.log.with("route", key)
	}
	if !s.admit(k.served, key) {
		k.fail(http.StatusTooManyRequests, "Too Many Requests")
		return
	}
	cors := a.Properties.CORSConfiguration
	preflight := cors != nil && isPreflight(r)
	if preflight && (k.route == nil || k.route.AuthorizationType == "NONE") {
		k.preflight(cors)
		return
	}
	if k.route == nil {
		k.log().Info("no route matches the request: a route is a method and a path, and there is no $default route", "stage", name)
		k.fail(http.StatusNotFound, "Not Found")
		return
	}
	body, err := protocol.ReadBody(r, maxHTTPBody)
	if err != nil {
		var e *protocol.Error
		if errors.As(err, &e) && e.Status == http.StatusRequestEntityTooLarge {
			k.log().Info("a request was refused: its body is too long", "limit", maxHTTPBody)
			k.fail(e.Status, "Request Entity Too Large")
		} else {
			k.fail(http.StatusBadRequest, "Bad Request")
		}
		return
	}
	k.body = body
	if refused := s.authorizeHTTP(k); refused != nil {
		if preflight {
			k.log().Warn("a browser's preflight was refused, so that the request itself will never come: browsers send it without " +
				"credentials, and this route, which takes OPTIONS, asks for them; add a route OPTIONS /{proxy+} without authorization")
		}
		if refused.challenge != "" {
			k.w.Header().Set("Www-Authenticate", refused.challenge)
		}
		k.refused = refused.why
		k.fail(refused.status, map[int]string{401: "Unauthorized", 403: "Forbidden", 500: "Internal Server Error"}[refused.status])
		return
	}
	if preflight {
		k.preflight(cors)
		return
	}
	switch fail := s.integrateHTTP(k); fail {
	case none:
		k.write(cors)
	case timedOut:
		k.fail(httpTimeoutStatus, "Service Unavailable")
	case throttled, interrupted, unreachable:
		k.fail(http.StatusServiceUnavailable, "Service Unavailable")
	case tooLarge:
		k.fail(http.StatusRequestEntityTooLarge, "Request Entity Too Large")
	default:
		k.fail(http.StatusInternalServerError, "Internal Server Error")
	}
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

// arn is the ARN of a call of the route: what policies allow, and what functions are invoked for. path is the route's
// or the request's.
func (k *httpCall) arn(s *Service, path string) string {
	base := "arn:aws:execute-api:" + s.Region + ":" + s.Account + ":" + k.api.id() + "/" + k.stage.StageName + "/"
	if k.route.RouteKey == "$default" {
		return base + "$default"
	}
	return base + k.request.Method + path
}

// httpTask is the call for its integration. Its source is that of the route: variables of the path stand as they are.
func (s *Service) httpTask(k *httpCall) task {
	base := "arn:aws:execute-api:" + s.Region + ":" + s.Account + ":" + k.api.id()
	_, pattern, _ := strings.Cut(k.route.RouteKey, " ")
	t := task{
		in: k.route.integration, timeout: k.route.integration.timeout(s.HTTPTimeout), variables: k.stage.StageVariables, note: &k.backend, log: k.log,
		sourceARN: k.arn(s, pattern), grant: base + "/*/*" + pattern,
	}
	if k.route.RouteKey == "$default" {
		t.grant = base + "/*/$default"
	}
	return t
}

// integrateHTTP runs the integration of a call and leaves its answer, mapped, in the call.
func (s *Service) integrateHTTP(k *httpCall) (fail failure) {
	in := k.route.integration
	if in == nil {
		k.log().Warn("the route has no integration: give it a target and deploy the API")
		return notPermitted
	}
	t := s.httpTask(k)
	r, path := k.mapRequest()
	if in.IntegrationType == "HTTP_PROXY" {
		k.answer, fail = s.forwardRequest(t, k, r, path)
	} else {
		k.answer, fail = s.callFunction(t, k, r, path)
	}
	if fail != none {
		return fail
	}
	k.returned = k.answer.status
	if err := k.mapAnswer(); err != nil {
		k.log().Warn("the client gets an error: " + err.Error())
		return badAnswer
	}
	return none
}

// callFunction invokes the function of an AWS_PROXY integration with an event of the format that the integration says.
func (s *Service) callFunction(t task, k *httpCall, r *http.Request, path string) (*answer, failure) {
	if path == "" {
		path = k.path
	}
	var event any
	if t.in.PayloadFormatVersion == "1.0" {
		event = k.event1(r, path)
	} else {
		event = k.event2(r, path)
	}
	payload, fail := s.invoke(s.ctx, t, encode(event))
	if fail != none {
		return nil, fail
	}
	if len(payload) > maxHTTPResponse {
		k.log().Warn("the function's answer is too long", "bytes", len(payload), "limit", maxHTTPResponse)
		return nil, badAnswer
	}
	a, err := parseHTTPAnswer(payload, t.in.PayloadFormatVersion)
	if err != nil {
		k.log().Warn("the client gets an error: "+err.Error(), "answer", shorten(payload))
		k.backend.err = "The response from the Lambda function doesn't match the format that API Gateway expects: " + err.Error()
		return nil, badAnswer
	}
	return a, none
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
