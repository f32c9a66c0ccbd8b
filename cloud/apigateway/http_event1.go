package apigateway

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
)

// httpEvent1 is what a function of an HTTP API gets in payload format 1.0, the format of REST APIs: what has no value
// is null.
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
	AccountID         string                     `json:"accountId"`
	APIID             string                     `json:"apiId"`
	Authorizer        map[string]json.RawMessage `json:"authorizer,omitempty"`
	DomainName        string                     `json:"domainName"`
	DomainPrefix      string                     `json:"domainPrefix"`
	ExtendedRequestID string                     `json:"extendedRequestId"`
	HTTPMethod        string                     `json:"httpMethod"`
	Identity          map[string]any             `json:"identity"`
	Path              string                     `json:"path"`
	Protocol          string                     `json:"protocol"`
	RequestID         string                     `json:"requestId"`
	RequestTime       string                     `json:"requestTime"`
	RequestTimeEpoch  int64                      `json:"requestTimeEpoch"`
	ResourceID        string                     `json:"resourceId"`
	ResourcePath      string                     `json:"resourcePath"`
	Stage             string                     `json:"stage"`
}

// event1 is the event of a call in payload format 1.0. r and path are the request as mappings left it.
func (k *httpCall) event1(r *http.Request, path string) *httpEvent1 {
	e := &httpEvent1{
		Version: "1.0", Resource: k.resource(), Path: path, HTTPMethod: r.Method, PathParameters: k.variables, RequestContext: k.context1(r, path),
	}
	e.RequestContext.Authorizer = k.caller.event1()
	e.Headers, e.MultiValueHeaders = lastAndAll(k.headers(r))
	e.QueryStringParameters, e.MultiValueQueryStringParameters = queryMaps(r)
	if len(k.stage.StageVariables) > 0 {
		e.StageVariables = maps.Clone(k.stage.StageVariables)
	}
	if len(k.body) > 0 {
		text, encoded := eventBody(r, k.body)
		e.Body, e.IsBase64Encoded = &text, encoded
	}
	return e
}

// resource is the path of the route, or $default.
func (k *httpCall) resource() string {
	if _, p, ok := strings.Cut(k.route.RouteKey, " "); ok {
		return p
	}
	return k.route.RouteKey
}

func (k *httpCall) context1(r *http.Request, path string) httpContext1 {
	c := httpContext1{
		AccountID: k.account, APIID: k.api.id(), DomainName: k.domain, DomainPrefix: k.domainPrefix,
		ExtendedRequestID: k.requestID, HTTPMethod: r.Method, Path: path, Protocol: k.protocol,
		Identity: map[string]any{
			"accessKey": nil, "accountId": nil, "caller": nil, "cognitoAmr": nil, "cognitoAuthenticationProvider": nil,
			"cognitoAuthenticationType": nil, "cognitoIdentityId": nil, "cognitoIdentityPoolId": nil, "principalOrgId": nil,
			"user": nil, "userArn": nil, "sourceIp": sourceIP(r), "userAgent": r.UserAgent(),
		},
		RequestID: k.requestID, RequestTime: requestTime(k.at), RequestTimeEpoch: k.at.UnixMilli(),
		ResourceID: k.route.RouteKey, ResourcePath: k.resource(), Stage: k.stage.StageName,
	}
	if k.caller != nil && k.caller.principal != nil {
		p := k.caller.principal
		maps.Copy(c.Identity, map[string]any{
			"accessKey": p.AccessKeyID, "accountId": p.Account, "caller": p.UserID, "user": p.UserID, "userArn": p.ARN,
		})
	}
	return c
}

// queryMaps returns the last value of each parameter of the query, and all of them; nil for a request without any.
func queryMaps(r *http.Request) (last map[string]string, all map[string][]string) {
	query := queryOf(r)
	if len(query) == 0 {
		return nil, nil
	}
	last = map[string]string{}
	for name, values := range query {
		last[name] = values[len(values)-1]
	}
	return last, query
}
