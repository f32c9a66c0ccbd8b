package apigateway

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// forwardRequest passes a request on to the URI of an HTTP_PROXY integration. r and path are what mappings made of the
// request; a path takes the place of the URI's.
func (s *Service) forwardRequest(t task, k *httpCall, r *http.Request, path string) (*answer, failure) {
	ctx, cancel := context.WithTimeout(s.ctx, t.timeout)
	defer cancel()
	uri, err := backend(t, k, r, path)
	if err != nil {
		t.log().Warn("the integration's URI cannot be called", "error", err)
		return nil, notPermitted
	}
	method := t.in.IntegrationMethod
	if method == "ANY" {
		method = r.Method
	}
	forward, err := http.NewRequestWithContext(ctx, method, uri, bytes.NewReader(k.body))
	if err != nil {
		t.log().Warn("the integration's URI cannot be called", "error", err)
		return nil, notPermitted
	}
	for name, values := range r.Header {
		if !slices.Contains(ofConnection, name) {
			forward.Header[name] = slices.Clone(values)
		}
	}
	if forward.Header["User-Agent"] == nil {
		forward.Header.Set("User-Agent", "") // else the client would say its own
	}
	if r.Host != k.request.Host { // a mapping's
		forward.Host = r.Host
	}
	headers := forwardedHeaders(k.request, k.domain)
	if id := headers["X-Amzn-Trace-Id"]; id != nil {
		forward.Header["X-Amzn-Trace-Id"] = id
	}
	forward.Header.Add("Forwarded", "for="+forwardedNode(sourceIP(r))+";host="+k.request.Host+";proto="+headers["X-Forwarded-Proto"][0])
	forward.Header.Set("Via", "HTTP/1.1 AmazonAPIGateway")
	a, fail := s.call(t, forward, maxHTTPBody)
	if fail == functionError {
		fail = unreachable
	}
	return a, fail
}

// forwardedNode writes an address as RFC 7239 wants it: one of IPv6 in brackets and quotes.
func forwardedNode(ip string) string {
	if strings.Contains(ip, ":") {
		return `"[` + ip + `]"`
	}
	return ip
}

// backend is the URI that is called: with the stage's variables, those of the route's path, and the query.
func backend(t task, k *httpCall, r *http.Request, path string) (string, error) {
	uri := resolveVariables(t.in.IntegrationURI, t.variables)
	for name, value := range k.variables {
		segments := strings.Split(value, "/")
		for i := range segments {
			segments[i] = url.PathEscape(segments[i])
		}
		uri = strings.ReplaceAll(uri, "{"+name+"}", strings.Join(segments, "/"))
	}
	u, err := url.Parse(uri)
	if err != nil {
		return "", err
	}
	if path != "" {
		mapped, err := url.Parse(path)
		if err != nil {
			return "", err
		}
		u.Path, u.RawPath = mapped.Path, mapped.RawPath
	}
	if r.URL.RawQuery != "" {
		if u.RawQuery != "" {
			u.RawQuery += "&"
		}
		u.RawQuery += r.URL.RawQuery
	}
	return u.String(), nil
}
