package apigateway

import (
	"encoding/base64"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// httpEvent is what a function of an HTTP API gets in payload format 2.0. Members without a value are absent.
type httpEvent struct {
	Version               string            `json:"version"`
	RouteKey              string            `json:"routeKey"`
	RawPath               string            `json:"rawPath"`
	RawQueryString        string            `json:"rawQueryString"`
	Cookies               []string          `json:"cookies,omitempty"`
	Headers               map[string]string `json:"headers"`
	QueryStringParameters map[string]string `json:"queryStringParameters,omitempty"`
	RequestContext        httpContext       `json:"requestContext"`
	Body                  string            `json:"body,omitempty"`
	PathParameters        map[string]string `json:"pathParameters,omitempty"`
	IsBase64Encoded       bool              `json:"isBase64Encoded"`
	StageVariables        map[string]string `json:"stageVariables,omitempty"`
}

type httpContext struct {
	AccountID    string     `json:"accountId"`
	APIID        string     `json:"apiId"`
	DomainName   string     `json:"domainName"`
	DomainPrefix string     `json:"domainPrefix"`
	HTTP         httpOfCall `json:"http"`
	RequestID    string     `json:"requestId"`
	RouteKey     string     `json:"routeKey"`
	Stage        string     `json:"stage"`
	Time         string     `json:"time"`
	TimeEpoch    int64      `json:"timeEpoch"`
}

type httpOfCall struct {
	Method    string `json:"method"`
	Path      string `json:"path"`
	Protocol  string `json:"protocol"`
	SourceIP  string `json:"sourceIp"`
	UserAgent string `json:"userAgent"`
}

// event2 is the event of a request in payload format 2.0.
func (k *httpCall) event2(r *http.Request, body []byte) *httpEvent {
	e := &httpEvent{
		Version:        "2.0",
		RouteKey:       k.route.RouteKey,
		RawPath:        k.path,
		RawQueryString: r.URL.RawQuery,
		Headers:        map[string]string{},
		RequestContext: httpContext{
			AccountID: k.account, APIID: k.api.id(), DomainName: k.domain, DomainPrefix: k.api.id(),
			HTTP:      httpOfCall{r.Method, k.path, r.Proto, sourceIP(r), r.UserAgent()},
			RequestID: k.requestID, RouteKey: k.route.RouteKey, Stage: k.stage.StageName,
			Time: requestTime(k.at), TimeEpoch: k.at.UnixMilli(),
		},
		PathParameters: k.variables,
		StageVariables: k.stage.StageVariables,
	}
	for name, values := range forwardedHeaders(r, k.domain) {
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
	e.Body, e.IsBase64Encoded = eventBody(r, body)
	return e
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

// httpEvent1 is the same in payload format 1.0, the format of REST APIs: what has no value is null.
type httpEvent1 struct {
	Version                         string              `json:"version"`
	Resource                        string              `json:"resource"`
	Path                            string              `json:"path"`
	HTTPMethod                      string              `json:"httpMethod"`
	Headers                         members             `json:"headers"`
	MultiValueHeaders               members             `json:"multiValueHeaders"`
	QueryStringParameters           map[string]string   `json:"queryStringParameters"`
	MultiValueQueryStringParameters map[string][]string `json:"multiValueQueryStringParameters"`
	RequestContext                  httpContext1        `json:"requestContext"`
	PathParameters                  map[string]string   `json:"pathParameters"`
	StageVariables                  map[string]string   `json:"stageVariables"`
	Body                            *string             `json:"body"`
	IsBase64Encoded                 bool                `json:"isBase64Encoded"`
}

type httpContext1 struct {
	AccountID         string         `json:"accountId"`
	APIID             string         `json:"apiId"`
	DomainName        string         `json:"domainName"`
	DomainPrefix      string         `json:"domainPrefix"`
	ExtendedRequestID string         `json:"extendedRequestId"`
	HTTPMethod        string         `json:"httpMethod"`
	Identity          map[string]any `json:"identity"`
	Path              string         `json:"path"`
	Protocol          string         `json:"protocol"`
	RequestID         string         `json:"requestId"`
	RequestTime       string         `json:"requestTime"`
	RequestTimeEpoch  int64          `json:"requestTimeEpoch"`
	ResourceID        string         `json:"resourceId"`
	ResourcePath      string         `json:"resourcePath"`
	Stage             string         `json:"stage"`
}

// event1 is the event of a request in payload format 1.0.
func (k *httpCall) event1(r *http.Request, body []byte) *httpEvent1 {
	resource := k.route.RouteKey
	if _, p, ok := strings.Cut(resource, " "); ok {
		resource = p
	}
	headers := forwardedHeaders(r, k.domain)
	e := &httpEvent1{
		Version: "1.0", Resource: resource, Path: k.path, HTTPMethod: r.Method,
		PathParameters: k.variables,
		RequestContext: httpContext1{
			AccountID: k.account, APIID: k.api.id(), DomainName: k.domain, DomainPrefix: k.api.id(),
			ExtendedRequestID: k.requestID, HTTPMethod: r.Method, Path: k.path, Protocol: r.Proto,
			Identity: map[string]any{
				"accessKey": nil, "accountId": nil, "caller": nil, "cognitoAmr": nil, "cognitoAuthenticationProvider": nil,
				"cognitoAuthenticationType": nil, "cognitoIdentityId": nil, "cognitoIdentityPoolId": nil, "principalOrgId": nil,
				"user": nil, "userArn": nil, "sourceIp": sourceIP(r), "userAgent": r.UserAgent(),
			},
			RequestID: k.requestID, RequestTime: requestTime(k.at), RequestTimeEpoch: k.at.UnixMilli(),
			ResourceID: k.route.RouteKey, ResourcePath: resource, Stage: k.stage.StageName,
		},
	}
	e.Headers, e.MultiValueHeaders = lastAndAll(headers)
	if query := queryOf(r); len(query) > 0 {
		e.MultiValueQueryStringParameters = query
		e.QueryStringParameters = map[string]string{}
		for name, values := range query {
			e.QueryStringParameters[name] = values[len(values)-1]
		}
	}
	if len(k.stage.StageVariables) > 0 {
		e.StageVariables = maps.Clone(k.stage.StageVariables)
	}
	if len(body) > 0 {
		text, encoded := eventBody(r, body)
		e.Body, e.IsBase64Encoded = &text, encoded
	}
	return e
}
