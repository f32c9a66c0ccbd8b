package apigateway

import (
	"bytes"
	"net"
	"net/http"
	"net/url"
	"strings"
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
	segments, ok := splitPath(path)
	if !ok {
		return "", "", false
	}
	if stageName, _, id, ok := callback(segments); ok {
		if apiID := s.apiOfConnection(id, stageName); apiID != "" {
			return apiID, path, true
		}
		return "", "", false
	}
	if len(segments) == 1 && isUpgrade(r) {
		if apis := s.webSocketAPIs(segments[0]); len(apis) == 1 {
			return apis[0].id(), path, true
		}
	}
	return "", "", false
}

// ServeAPI answers a request for a deployed API: apiID and path are what Resolve returned.
func (s *Service) ServeAPI(w http.ResponseWriter, r *http.Request, apiID, path string) {
	if !s.running.enter() {
		refuse(w, apiID, http.StatusServiceUnavailable, "", "Service Unavailable")
		return
	}
	defer s.running.leave()
	a := s.catalog.get(apiID)
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
	if stageName, api, id, ok := callback(segments); ok {
		if api == "@topics" {
			s.serveTopics(w, r, apiID, stageName, id)
			return
		}
		s.serveConnections(w, r, apiID, stageName, id)
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

// callback takes the path of a call of the @connections or the topics API apart.
func callback(segments []string) (stageName, api, id string, ok bool) {
	if len(segments) == 3 && (segments[1] == "@connections" || segments[1] == "@topics") {
		return segments[0], segments[1], segments[2], true
	}
	return "", "", "", false
}

// IsPost reports whether the target of a POST may be that of a call of the @connections API. A post to a connection waits for
// nothing, so it needs no net/http; see Direct of front.Config.
func IsPost(target []byte) bool {
	return bytes.Contains(target, []byte("/@connections/")) || bytes.Contains(target, []byte("/%40connections/"))
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
