package truth

import (
	"encoding/base64"
	"strings"
	"testing"
)

func TestHTTPEvents(t *testing.T) {
	t.Parallel()
	c := shared(t)
	f := c.function(t, "events")
	a := c.httpAPI(t, f, "ANY /quotes/{ticker}", "GET /", "POST /", "$default")
	py := c.boto3(t)
	one := py.call(t, "apigatewayv2", "CreateIntegration", params{"ApiId": a.ID, "IntegrationType": "AWS_PROXY", "IntegrationUri": f.ARN, "PayloadFormatVersion": "1.0"}).str("IntegrationId")
	a.addRoute(t, "ANY /one/{ticker}", one, nil)
	a.addRoute(t, "GET /one", one, nil)
	py.call(t, "apigatewayv2", "CreateStage", params{"ApiId": a.ID, "StageName": "live", "AutoDeploy": true, "StageVariables": params{"mode": "live"}})
	keys := func(e answer, path string) string {
		v := e.Answer
		if path != "" {
			v = e.get(path)
		}
		m, _ := v.(map[string]any)
		return strings.Join(sortedKeys(m), " ")
	}
	has := func(t *testing.T, e answer, want map[string]string) {
		t.Helper()
		for path, value := range want {
			if got := e.str(path); got != value {
				t.Errorf("%s is %q, want %q", path, got, value)
			}
		}
	}

	rule(t, "an event of format 2.0 without anything optional has exactly the members of AWS's", "HTTP §2", httpClient, func(t *testing.T) {
		e := request(t, "GET", a.URL+"/", "").json(t)
		if got := keys(e, ""); got != "headers isBase64Encoded rawPath rawQueryString requestContext routeKey version" {
			t.Errorf("members: %s", got)
		}
		if got := keys(e, "requestContext"); got != "accountId apiId domainName domainPrefix http requestId routeKey stage time timeEpoch" {
			t.Errorf("members of requestContext: %s", got)
		}
		if got := keys(e, "requestContext.http"); got != "method path protocol sourceIp userAgent" {
			t.Errorf("members of http: %s", got)
		}
		has(t, e, map[string]string{"version": "2.0", "routeKey": "GET /", "rawPath": "/", "rawQueryString": "", "isBase64Encoded": "false"})
	})
	rule(t, "an event of format 2.0 describes the request", "HTTP §2", httpClient, func(t *testing.T) {
		e := request(t, "POST", a.URL+"/quotes/EIQQ?src=feed", `{"price":2200}`, "Content-Type: application/json", "User-Agent: test").json(t)
		has(t, e, map[string]string{
			"routeKey": "ANY /quotes/{ticker}", "rawPath": "/quotes/EIQQ", "rawQueryString": "src=feed", "body": `{"price":2200}`, "pathParameters.ticker": "EIQQ",
			"requestContext.accountId": "111122223333", "requestContext.apiId": a.ID, "requestContext.http.method": "POST", "requestContext.http.path": "/quotes/EIQQ",
			"requestContext.http.protocol": "HTTP/1.1", "requestContext.http.sourceIp": "127.0.0.1", "requestContext.http.userAgent": "test",
			"requestContext.routeKey": "ANY /quotes/{ticker}", "requestContext.stage": "$default",
		})
	})
	rule(t, "header names are in lower case, and repeated headers are joined with commas", "HTTP §2", httpClient, func(t *testing.T) {
		e := request(t, "GET", a.URL+"/", "", "X-List: a", "X-List: b", "X-One: c").json(t)
		has(t, e, map[string]string{"headers.x-list": "a,b", "headers.x-one": "c"})
	})
	rule(t, "the gateway adds x-forwarded-for, -port, -proto and x-amzn-trace-id to the headers", "HTTP §2", httpClient, func(t *testing.T) {
		e := request(t, "GET", a.URL+"/", "", "X-Forwarded-For: 192.0.2.1").json(t)
		has(t, e, map[string]string{"headers.x-forwarded-for": "192.0.2.1, 127.0.0.1", "headers.x-forwarded-proto": "http"})
		if !strings.HasPrefix(e.str("headers.x-amzn-trace-id"), "Root=1-") || e.str("headers.x-forwarded-port") == "" {
			t.Errorf("headers %v", e.get("headers"))
		}
	})
	rule(t, "a request without a body has content-length 0 among its headers, and no body", "HTTP §2", httpClient, func(t *testing.T) {
		e := request(t, "GET", a.URL+"/", "").json(t)
		if e.str("headers.content-length") != "0" || e.get("body") != nil {
			t.Errorf("%v, body %v", e.get("headers"), e.get("body"))
		}
	})
	rule(t, "cookies stand in a list of their own, and not among the headers", "HTTP §2", httpClient, func(t *testing.T) {
		e := request(t, "GET", a.URL+"/", "", "Cookie: desk=equities; s=1").json(t)
		has(t, e, map[string]string{"cookies.0": "desk=equities", "cookies.1": "s=1", "headers.cookie": ""})
	})
	rule(t, "the values of a repeated query parameter are decoded and joined with commas, the raw query is left as it is", "HTTP §2", httpClient, func(t *testing.T) {
		e := request(t, "GET", a.URL+"/?tag=a&tag=b%20c&empty", "").json(t)
		has(t, e, map[string]string{"queryStringParameters.tag": "a,b c", "rawQueryString": "tag=a&tag=b%20c&empty"})
		if v, ok := e.get("queryStringParameters.empty").(string); !ok || v != "" {
			t.Errorf("a parameter without a value is %v", e.get("queryStringParameters.empty"))
		}
	})
	rule(t, "paths have the name of a stage before them, path parameters do not", "HTTP §2", httpClient, func(t *testing.T) {
		e := request(t, "GET", a.URL+"/live/quotes/EIQQ", "").json(t)
		has(t, e, map[string]string{"rawPath": "/live/quotes/EIQQ", "requestContext.http.path": "/live/quotes/EIQQ", "pathParameters.ticker": "EIQQ", "requestContext.stage": "live"})
	})
	rule(t, "the variables of the stage are in the event", "HTTP §2", httpClient, func(t *testing.T) {
		has(t, request(t, "GET", a.URL+"/live/", "").json(t), map[string]string{"stageVariables.mode": "live"})
	})
	rule(t, "time and timeEpoch are the time of the request", "HTTP §2", httpClient, func(t *testing.T) {
		e := request(t, "GET", a.URL+"/", "").json(t)
		if text := e.str("requestContext.time"); len(text) != 26 || text[2] != '/' || !strings.HasSuffix(text, " +0000") || e.num("requestContext.timeEpoch") < 1.7e12 {
			t.Errorf("%v", e.get("requestContext"))
		}
	})
	for _, body := range []struct {
		kind    string
		encoded bool
	}{
		{"text/plain", false}, {"application/json", false}, {"application/xml; charset=utf-8", false}, {"application/javascript", false},
		{"application/octet-stream", true}, {"application/x-www-form-urlencoded", true}, {"", true},
	} {
		kind, encoded := body.kind, body.encoded
		name := "a body of the type " + kind + " arrives as text"
		if encoded {
			name = "a body of the type " + kind + " arrives in base64"
		}
		if kind == "" {
			name = "a body without a type arrives in base64"
		}
		rule(t, name, "HTTP §2", httpClient, func(t *testing.T) {
			var headers []string
			if kind != "" {
				headers = []string{"Content-Type: " + kind}
			}
			want := "a=b"
			if encoded {
				want = base64.StdEncoding.EncodeToString([]byte(want))
			}
			e := request(t, "POST", a.URL+"/", "a=b", headers...).json(t)
			if e.str("body") != want || e.get("isBase64Encoded") != encoded {
				t.Errorf("body %s, isBase64Encoded %v", e.str("body"), e.get("isBase64Encoded"))
			}
		})
	}
	choice(t, "bodies of types with +json and +xml arrive as text", "HTTP §2", httpClient, func(t *testing.T) {
		has(t, request(t, "POST", a.URL+"/", "[]", "Content-Type: application/ld+json").json(t), map[string]string{"body": "[]", "isBase64Encoded": "false"})
	})
	rule(t, "a body with a content-encoding arrives in base64", "HTTP §2", httpClient, func(t *testing.T) {
		has(t, request(t, "POST", a.URL+"/", "a", "Content-Type: text/plain", "Content-Encoding: br").json(t), map[string]string{"body": "YQ==", "isBase64Encoded": "true"})
	})
	rule(t, "a text that is not UTF-8 arrives in base64", "HTTP §2", httpClient, func(t *testing.T) {
		has(t, request(t, "POST", a.URL+"/", "\xff", "Content-Type: text/plain").json(t), map[string]string{"body": "/w==", "isBase64Encoded": "true"})
	})
	rule(t, "an event of format 1.0 has exactly the members of AWS's, null where there is nothing", "HTTP §2", httpClient, func(t *testing.T) {
		e := request(t, "GET", a.URL+"/one", "").json(t)
		if got := keys(e, ""); got != "body headers httpMethod isBase64Encoded multiValueHeaders multiValueQueryStringParameters path pathParameters queryStringParameters requestContext resource stageVariables version" {
			t.Errorf("members: %s", got)
		}
		for _, name := range []string{"body", "pathParameters", "stageVariables", "queryStringParameters", "multiValueQueryStringParameters"} {
			if e.get(name) != nil {
				t.Errorf("%s is %v", name, e.get(name))
			}
		}
		if got := keys(e, "requestContext"); got != "accountId apiId domainName domainPrefix extendedRequestId httpMethod identity path protocol requestId requestTime requestTimeEpoch resourceId resourcePath stage" {
			t.Errorf("members of requestContext: %s", got)
		}
	})
	rule(t, "an event of format 1.0 has last and all values of headers and query parameters", "HTTP §2", httpClient, func(t *testing.T) {
		e := request(t, "GET", a.URL+"/one/EIQQ?tag=a&tag=b", "", "X-List: a", "X-List: b").json(t)
		has(t, e, map[string]string{
			"version": "1.0", "resource": "/one/{ticker}", "path": "/one/EIQQ", "httpMethod": "GET", "pathParameters.ticker": "EIQQ",
			"queryStringParameters.tag": "b", "multiValueQueryStringParameters.tag.0": "a", "multiValueQueryStringParameters.tag.1": "b",
			"headers.X-List": "b", "multiValueHeaders.X-List.0": "a",
		})
	})
	rule(t, "the identity of an open request of format 1.0 has its address and null members", "HTTP §2", httpClient, func(t *testing.T) {
		e := request(t, "GET", a.URL+"/one", "", "User-Agent: test").json(t)
		has(t, e, map[string]string{"requestContext.identity.sourceIp": "127.0.0.1", "requestContext.identity.userAgent": "test"})
		identity, _ := e.get("requestContext.identity").(map[string]any)
		for _, name := range []string{"accessKey", "accountId", "caller", "cognitoIdentityId", "principalOrgId", "user", "userArn"} {
			if v, ok := identity[name]; !ok || v != nil {
				t.Errorf("%s is %v", name, v)
			}
		}
	})
	rule(t, "an integration of a function must name its payload format", "HTTP §2", boto3, func(t *testing.T) {
		e := py.fail(t, "apigatewayv2", "CreateIntegration", params{"ApiId": a.ID, "IntegrationType": "AWS_PROXY", "IntegrationUri": f.ARN})
		refusedAs(t, e, 400, "BadRequestException", "payloadFormatVersion")
	})
	rule(t, "HEAD has the event of HEAD, and an answer without a body", "HTTP §2", httpClient, func(t *testing.T) {
		r := request(t, "HEAD", a.URL+"/quotes/EIQQ", "")
		if r.status != 200 || r.body != "" || r.header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("got %d %v %q", r.status, r.header, r.body)
		}
	})
}
