package truth

import (
	"strings"
	"testing"
)

func TestHTTPRoutes(t *testing.T) {
	t.Parallel()
	c := shared(t)
	f := c.function(t, "routes")
	a := c.httpAPI(t, f, "GET /quotes/{ticker}", "ANY /quotes/{ticker}", "GET /quotes/EIQQ", "GET /quotes/{proxy+}", "GET /files/{proxy+}", "ANY /files/{proxy+}", "GET /live/x", "POST /only", "GET /")
	py := c.boto3(t)
	py.call(t, "apigatewayv2", "CreateStage", params{"ApiId": a.ID, "StageName": "live", "AutoDeploy": true})
	fallback := c.httpAPI(t, f, "$default", "GET /known")

	routes := func(t *testing.T, method, path, want string) {
		t.Helper()
		if got := request(t, method, a.URL+path, "").json(t).str("routeKey"); got != want {
			t.Errorf("%s %s went to %s, want %s", method, path, got, want)
		}
	}
	rule(t, "a literal segment of a route beats a variable", "HTTP §1", httpClient, func(t *testing.T) { routes(t, "GET", "/quotes/EIQQ", "GET /quotes/EIQQ") })
	rule(t, "a route's own method beats ANY", "HTTP §1", httpClient, func(t *testing.T) {
		routes(t, "GET", "/quotes/NVTX", "GET /quotes/{ticker}")
		routes(t, "PUT", "/quotes/NVTX", "ANY /quotes/{ticker}")
	})
	rule(t, "a full match beats a greedy path", "HTTP §1", httpClient, func(t *testing.T) {
		routes(t, "GET", "/quotes/NVTX", "GET /quotes/{ticker}")
		routes(t, "GET", "/quotes/NVTX/today", "GET /quotes/{proxy+}")
	})
	rule(t, "a greedy path takes all further segments, and they are its value", "HTTP §1", httpClient, func(t *testing.T) {
		if got := request(t, "GET", a.URL+"/files/a/b/c", "").json(t).str("pathParameters.proxy"); got != "a/b/c" {
			t.Errorf("got %q", got)
		}
	})
	rule(t, "ANY takes every method", "HTTP §1", httpClient, func(t *testing.T) {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
			routes(t, method, "/files/a", "ANY /files/{proxy+}")
		}
	})
	choice(t, "a greedy path needs at least one segment", "HTTP §1", httpClient, func(t *testing.T) {
		request(t, "GET", a.URL+"/files", "").is(t, 404, notFound)
		request(t, "GET", a.URL+"/files/", "").is(t, 404, notFound)
	})
	rule(t, "a request that no route matches is answered with 404 Not Found", "HTTP §1", httpClient, func(t *testing.T) {
		request(t, "GET", a.URL+"/nothing", "").is(t, 404, notFound)
	})
	rule(t, "a path that exists with other methods only is answered with 404, not with 405", "HTTP §1", httpClient, func(t *testing.T) {
		request(t, "GET", a.URL+"/only", "").is(t, 404, notFound)
	})
	rule(t, "a trailing slash makes another path", "HTTP §1", httpClient, func(t *testing.T) {
		request(t, "POST", a.URL+"/only/", "").is(t, 404, notFound)
	})
	rule(t, "paths of routes are case-sensitive", "HTTP §1", httpClient, func(t *testing.T) {
		request(t, "POST", a.URL+"/Only", "").is(t, 404, notFound)
	})
	rule(t, "the stage $default is served at the root", "HTTP §1", httpClient, func(t *testing.T) {
		if got := request(t, "GET", a.URL+"/quotes/EIQQ", "").json(t).str("requestContext.stage"); got != "$default" {
			t.Errorf("the stage is %s", got)
		}
	})
	rule(t, "a named stage is served below its name, even if $default has a route of that path", "HTTP §1", httpClient, func(t *testing.T) {
		e := request(t, "GET", a.URL+"/live/quotes/EIQQ", "").json(t)
		if e.str("requestContext.stage") != "live" || e.str("routeKey") != "GET /quotes/EIQQ" {
			t.Errorf("got %s of the stage %s", e.str("routeKey"), e.str("requestContext.stage"))
		}
		request(t, "GET", a.URL+"/live/x", "").is(t, 404, notFound)
		if got := request(t, "GET", a.URL+"/live", "").json(t).str("routeKey"); got != "GET /" {
			t.Errorf("the stage's own address went to %s", got)
		}
	})
	rule(t, "without a stage $default, a path whose first segment is no stage is answered with 404 Not Found", "HTTP §1", boto3, func(t *testing.T) {
		made := py.call(t, "apigatewayv2", "CreateApi", params{"Name": "named", "ProtocolType": "HTTP", "Target": f.ARN})
		id := made.str("ApiId")
		c.permit(t, f, id)
		py.call(t, "apigatewayv2", "CreateStage", params{"ApiId": id, "StageName": "test", "AutoDeploy": true})
		py.call(t, "apigatewayv2", "DeleteStage", params{"ApiId": id, "StageName": "$default"})
		request(t, "GET", made.str("ApiEndpoint")+"/x", "").is(t, 404, notFound)
		if got := request(t, "GET", made.str("ApiEndpoint")+"/test/x", "").status; got != 200 {
			t.Errorf("the stage test answers %d", got)
		}
	})
	rule(t, "$default takes what no other route matches", "HTTP §1", httpClient, func(t *testing.T) {
		if got := request(t, "DELETE", fallback.URL+"/known", "").json(t).str("routeKey"); got != "$default" {
			t.Errorf("went to %s", got)
		}
		if got := request(t, "GET", fallback.URL+"/known", "").json(t).str("routeKey"); got != "GET /known" {
			t.Errorf("went to %s", got)
		}
	})
	rule(t, "an API answers at the host name that AWS gives it", "HTTP §1", httpClient, func(t *testing.T) {
		host := a.ID + ".execute-api.us-east-1.amazonaws.com"
		e := request(t, "GET", c.Endpoint+"/quotes/EIQQ", "", "Host: "+host).json(t)
		if e.str("requestContext.domainName") != host || e.str("requestContext.domainPrefix") != a.ID {
			t.Errorf("got %v", e.get("requestContext"))
		}
	})
	rule(t, "every answer carries apigw-requestid, and the event has the same id", "HTTP §1", httpClient, func(t *testing.T) {
		r := request(t, "GET", a.URL+"/quotes/EIQQ", "")
		if id := r.header.Get("apigw-requestid"); len(id) != 16 || r.json(t).str("requestContext.requestId") != id || r.header.Get("Date") == "" {
			t.Errorf("got %v and %s", r.header, r.body)
		}
		if id := request(t, "GET", a.URL+"/nothing", "").header.Get("apigw-requestid"); len(id) != 16 {
			t.Errorf("a 404 has the id %q", id)
		}
	})
	rule(t, "escaped characters of a path are matched and passed on as what they stand for", "HTTP §1", httpClient, func(t *testing.T) {
		status, body := curl(t, a.URL+"/quotes/%45IQQ")
		if status != "200" || (reply{200, nil, body}).json(t).str("routeKey") != "GET /quotes/EIQQ" {
			t.Errorf("got %s %s", status, body)
		}
		_, body = curl(t, a.URL+"/quotes/a%20b")
		e := reply{200, nil, body}.json(t)
		if e.str("pathParameters.ticker") != "a b" {
			t.Errorf("got %v", e.get("pathParameters"))
		}
	})
	overHTTP2 := func(t *testing.T) (head, event string) {
		t.Helper()
		_, port, _ := strings.Cut(strings.TrimPrefix(c.Endpoint, "http://"), ":")
		host := a.ID + ".execute-api.us-east-1.amazonaws.com"
		_, body := curl(t, "--http2", "--cacert", c.Endpoints.CA, "--resolve", host+":"+port+":127.0.0.1", "-D", "-", "https://"+host+":"+port+"/quotes/EIQQ")
		head, event, _ = strings.Cut(body, "\r\n\r\n")
		return head, event
	}
	rule(t, "an API answers over TLS and HTTP/2 at the host name that AWS gives it", "HTTP §1", httpClient, func(t *testing.T) {
		head, event := overHTTP2(t)
		e := reply{200, nil, event}.json(t)
		if !strings.HasPrefix(head, "HTTP/2 200") || !strings.Contains(head, "\napigw-requestid: ") || e.str("headers.x-forwarded-proto") != "https" {
			t.Errorf("got %s\n%s", head, event)
		}
	})
	choice(t, "the event of a request over HTTP/2 has the protocol HTTP/1.1", "HTTP §2", httpClient, func(t *testing.T) {
		_, event := overHTTP2(t)
		if got := (reply{200, nil, event}).json(t).str("requestContext.http.protocol"); got != "HTTP/1.1" {
			t.Errorf("got %s", got)
		}
	})
	choice(t, "rawPath is the path as it was received, escapes and all", "HTTP §2", httpClient, func(t *testing.T) {
		_, body := curl(t, a.URL+"/quotes/a%20b")
		if got := (reply{200, nil, body}).json(t).str("rawPath"); got != "/quotes/a%20b" {
			t.Errorf("got %s", got)
		}
	})
}
