package apigateway

import (
	"encoding/base64"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// httpEvent is what a function of an HTTP API gets in payload format 2.0. Members without a value are absent.
type httpEvent struct {
	Version string `json:"version"`
	httpRequest
	Body            string            `json:"body,omitempty"`
	PathParameters  map[string]string `json:"pathParameters,omitempty"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
	StageVariables  map[string]string `json:"stageVariables,omitempty"`
}

// httpRequest is what the events of functions and of authorizers share.
type httpRequest struct {
	RouteKey              string            `json:"routeKey"`
	RawPath               string            `json:"rawPath"`
	RawQueryString        string            `json:"rawQueryString"`
	Cookies               []string          `json:"cookies,omitempty"`
	Headers               map[string]string `json:"headers"`
	QueryStringParameters map[string]string `json:"queryStringParameters,omitempty"`
	RequestContext        httpContext       `json:"requestContext"`
}

type httpContext struct {
	AccountID    string          `json:"accountId"`
	APIID        string          `json:"apiId"`
	Authorizer   *httpAuthorizer `json:"authorizer,omitempty"`
	DomainName   string          `json:"domainName"`
	DomainPrefix string          `json:"domainPrefix"`
	HTTP         httpOfCall      `json:"http"`
	RequestID    string          `json:"requestId"`
	RouteKey     string          `json:"routeKey"`
	Stage        string          `json:"stage"`
	Time         string          `json:"time"`
	TimeEpoch    int64           `json:"timeEpoch"`
}

type httpOfCall struct {
	Method    string `json:"method"`
	Path      string `json:"path"`
	Protocol  string `json:"protocol"`
	SourceIP  string `json:"sourceIp"`
	UserAgent string `json:"userAgent"`
}

// event2 is the event of a call in payload format 2.0. r and path are the request as mappings left it.
func (k *httpCall) event2(r *http.Request, path string) *httpEvent {
	e := &httpEvent{Version: "2.0", httpRequest: k.request2(r, path), PathParameters: k.variables, StageVariables: k.stage.StageVariables}
	e.RequestContext.Authorizer = k.caller.event2()
	e.Body, e.IsBase64Encoded = eventBody(r, k.body)
	return e
}

func (k *httpCall) request2(r *http.Request, path string) httpRequest {
	e := httpRequest{
		RouteKey:       k.route.RouteKey,
		RawPath:        path,
		RawQueryString: r.URL.RawQuery,
		Headers:        map[string]string{},
		RequestContext: httpContext{
			AccountID: k.account, APIID: k.api.id(), DomainName: k.domain, DomainPrefix: k.domainPrefix,
			HTTP:      httpOfCall{r.Method, path, k.protocol, sourceIP(r), r.UserAgent()},
			RequestID: k.requestID, RouteKey: k.route.RouteKey, Stage: k.stage.StageName,
			Time: requestTime(k.at), TimeEpoch: k.at.UnixMilli(),
		},
	}
	for name, values := range k.headers(r) {
		if name == "Cookie" {
			for cookie := range strings.SplitSeq(strings.Join(values, "; "), ";") {
				if cookie = strings.TrimSpace(cookie); cookie != "" {
					e.Cookies = append(e.Cookies, cookie)
				}
			}
			continue
		}
		e.Headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	if query := queryOf(r); len(query) > 0 {
		e.QueryStringParameters = map[string]string{}
		for name, values := range query {
			e.QueryStringParameters[name] = strings.Join(values, ",")
		}
	}
	return e
}

// headers are the headers of a request as events carry them. The length of the body is among them even if the client
// did not say it, as of a request without a body.
func (k *httpCall) headers(r *http.Request) map[string][]string {
	h := forwardedHeaders(r, k.domain)
	for _, name := range []string{"Connection", "Transfer-Encoding"} {
		delete(h, name)
	}
	h["Content-Length"] = []string{strconv.Itoa(len(k.body))}
	return h
}

// eventBody is a request body as events carry it: text of the kinds that are known to be text, base64 of all others.
func eventBody(r *http.Request, body []byte) (text string, encoded bool) {
	if len(body) == 0 {
		return "", false
	}
	if r.Header.Get("Content-Encoding") == "" && isTextType(r.Header.Get("Content-Type")) && utf8.Valid(body) {
		return string(body), false
	}
	return base64.StdEncoding.EncodeToString(body), true
}

func isTextType(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil && kind == "" {
		return false
	}
	return strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "+json") || strings.HasSuffix(kind, "+xml") ||
		slices.Contains([]string{"application/json", "application/xml", "application/javascript"}, kind)
}
