package apigateway

import (
	"bytes"
	"net"
	"net/http"
	"net/url"
	"strings"

	"quotewire/cloud/iam"
)

// pathPrefix begins the address of an API that works on every host, with no help of DNS.
const pathPrefix = "/_aws/execute-api/"

// Resolve tells whether a request is for a deployed API, for which, and with which escaped path below it: /{stage}/….
// The addresses of an API are
//
//	{apiId}.execute-api.{region}.amazonaws.com/{stage}…     as on AWS
//	{apiId}.execute-api.localhost/{stage}…                  resolved to this machine by browsers
//	{domain name}/{key of an API mapping}…                  what its owner has mapped; an API "" is none
//	{any host}/_aws/execute-api/{apiId}/{stage}…            what apiEndpoint says
//	{address}/{stage}/@connections/{id}                     what a function makes of requestContext.domainName
//	{address}/{stage}/@topics/{id}                          the same, for our own extension
//	{address}/{stage} with Upgrade: websocket               if one WebSocket API has that stage
func (s *Service) Resolve(r *http.Request) (apiID, path string, ok bool) {
	if m, below, ours := s.mapped(r); ours {
		if m == nil {
			return "", r.URL.EscapedPath(), true
		}
		return m.APIID, "/" + m.Stage + below, true
	}
	path = r.URL.EscapedPath()
	host := hostname(r.Host)
	if id, ok := hostAPI(host); ok {
		return id, path, true
	}
	if rest, ok := strings.CutPrefix(path, pathPrefix); ok {
		id, path, _ := strings.Cut(rest, "/")
		return id, "/" + path, true
	}
	if r.Host != s.Authority && host != "localhost" && net.ParseIP(host) == nil {
		return "", "", false
	}
	if to, ok := parseCallback(path); ok {
		if apiID := s.apiOfConnection(to.id, to.stage); apiID != "" {
			return apiID, path, true
		}
		return "", "", false
	}
	segments, ok := splitPath(path)
	if !ok {
		return "", "", false
	}
	if len(segments) == 1 && isUpgrade(r) {
		if apis := s.webSocketAPIs(segments[0]); len(apis) == 1 {
			return apis[0].id(), path, true
		}
	}
	return "", "", false
}

// ServeAPI answers a request for a deployed API: apiID and path are what Resolve returned. Who has signed it is what its
// context says.
func (s *Service) ServeAPI(w http.ResponseWriter, r *http.Request, apiID, path string) {
	caller, _ := iam.PrincipalFrom(r.Context())
	s.ServeAPIAs(w, r, caller, apiID, path)
}

// ServeAPIAs is ServeAPI for whoever has signed the request, which only the @connections API wants to know; its zero value
// stands for nobody.
func (s *Service) ServeAPIAs(w http.ResponseWriter, r *http.Request, caller iam.Principal, apiID, path string) {
	if !s.running.enter() {
		refuse(w, apiID, http.StatusServiceUnavailable, "", "Service Unavailable")
		return
	}
	defer s.running.leave()
	a := s.catalog.get(apiID)
	to, isCallback := parseCallback(path)
	if isCallback && a != nil && a.isWebSocket() {
		s.serveCallback(w, r, caller, apiID, to)
		return
	}
	segments, ok := splitPath(path)
	if a == nil || !ok {
		s.Log.Info("a request was refused: there is no API of that id", "api", apiID, "path", path)
		refuse(w, apiID, http.StatusForbidden, "ForbiddenException", "Forbidden")
		return
	}
	if !a.isWebSocket() {
		stageName := ""
		if m, below, _ := s.mapped(r); m != nil { // then paths begin with no stage
			stageName, path = m.Stage, "/"+strings.TrimPrefix(below, "/")
		}
		s.serveHTTPAPI(w, r, a, stageName, path)
		return
	}
	s.serveWebSocket(w, r, a, segments)
}

// apiOfConnection finds the API of the id of a connection or a board on a stage, alive or not: by the connection or the
// board, then by the tag in its id, then by the stage.
func (s *Service) apiOfConnection(id, stageName string) string {
	if c := s.hub.find(id); c != nil {
		return c.apiID
	}
	if b := s.boards.find(id); b != nil {
		return b.key.apiID
	}
	apis := s.webSocketAPIs(stageName)
	if tag, ok := tagOf(id); ok {
		for _, a := range apis {
			if apiTag(a.id()) == tag {
				return a.id()
			}
		}
	}
	if len(apis) > 0 {
		return apis[0].id()
	}
	for _, a := range s.catalog.all() {
		if a.isWebSocket() { // of a stage that is not there: it will say so in AWS's words
			return a.id()
		}
	}
	return ""
}

// webSocketAPIs returns the WebSocket APIs that have a stage of that name, the oldest first.
func (s *Service) webSocketAPIs(stageName string) []*api {
	var found []*api
	for _, a := range s.catalog.all() {
		if a.isWebSocket() && a.Stages[stageName] != nil {
			found = append(found, a)
		}
	}
	return found
}

// callback is what the path of a call of the @connections or the topics API says: /{stage}/@connections/{id}.
type callback struct {
	stage, id string
	topics    bool
}

// parseCallback takes an escaped path apart; false if it is none of those APIs'.
func parseCallback(path string) (to callback, ok bool) {
	stage, rest, ok1 := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	api, id, ok2 := strings.Cut(rest, "/")
	if !ok1 || !ok2 || strings.Contains(id, "/") {
		return to, false
	}
	if api, ok = unescape(api); !ok || api != "@connections" && api != "@topics" {
		return to, false
	}
	to.topics = api == "@topics"
	if to.stage, ok = unescape(stage); ok {
		to.id, ok = unescape(id)
	}
	return to, ok
}

func unescape(segment string) (plain string, ok bool) {
	plain, err := url.PathUnescape(segment)
	return plain, err == nil
}

// IsPost reports whether the target of a POST may be that of a call of the @connections API, or of our own beside it. Such a
// post waits for nothing, so it needs no net/http; see Direct of front.Config.
func IsPost(target []byte) bool {
	_, rest, _ := bytes.Cut(target, []byte("/@"))
	if rest == nil {
		_, rest, _ = bytes.Cut(target, []byte("/%40"))
	}
	return bytes.HasPrefix(rest, []byte("connections/")) || bytes.HasPrefix(rest, []byte("topics/"))
}

// splitPath splits an escaped path at its slashes and unescapes the parts, in this order: an id may hold an escaped
// slash or equals sign.
func splitPath(escaped string) ([]string, bool) {
	segments := strings.Split(strings.TrimPrefix(escaped, "/"), "/")
	for i, segment := range segments {
		plain, err := url.PathUnescape(segment)
		if err != nil {
			return nil, false
		}
		segments[i] = plain
	}
	return segments, true
}

func hostname(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}

// IsHTTPAPI reports whether a host name, such as q7w2e9r4t1.execute-api.us-east-1.amazonaws.com, is that of an HTTP API.
func (s *Service) IsHTTPAPI(host string) bool {
	id, ok := hostAPI(strings.ToLower(host))
	a := s.catalog.get(id)
	return ok && a != nil && !a.isWebSocket()
}

// hostAPI returns the API that a host name names.
func hostAPI(host string) (string, bool) {
	id, rest, ok := strings.Cut(host, ".execute-api.")
	if !ok || id == "" || strings.Contains(id, ".") {
		return "", false
	}
	if rest == "localhost" {
		return id, true
	}
	region, ok := strings.CutSuffix(rest, ".amazonaws.com")
	return id, ok && region != "" && !strings.Contains(region, ".")
}
