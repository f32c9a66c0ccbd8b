package truth

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"quotewire/e2e/rig"
)

func TestHTTPCORS(t *testing.T) {
	t.Parallel()
	c := shared(t)
	py, js := c.boto3(t), c.js(t)
	f := c.function(t, "cors")
	const page = "https://quotes.example"
	open := func(t *testing.T, cors params, routes ...string) *api {
		t.Helper()
		a := c.httpAPI(t, f, routes...)
		py.call(t, "apigatewayv2", "UpdateApi", params{"ApiId": a.ID, "CorsConfiguration": cors})
		return a
	}
	preflight := func(t *testing.T, url, origin string, more ...string) reply {
		t.Helper()
		return request(t, "OPTIONS", url, "", append([]string{"Origin: " + origin, "Access-Control-Request-Method: POST"}, more...)...)
	}
	a := open(t, params{
		"AllowOrigins": items{page, "http://localhost:3000"}, "AllowMethods": items{"GET", "POST"}, "AllowHeaders": items{"authorization", "x-a"},
		"ExposeHeaders": items{"x-b", "date"}, "MaxAge": 300, "AllowCredentials": true,
	}, "GET /x", "POST /x", "OPTIONS /own")
	any := open(t, params{"AllowOrigins": items{"*"}, "AllowMethods": items{"*"}, "AllowHeaders": items{"*"}}, "$default")

	rule(t, "the gateway answers a preflight with 204 and the API's configuration", "HTTP §5", httpClient, func(t *testing.T) {
		r := preflight(t, a.URL+"/x", page)
		r.is(t, 204, "")
		for name, want := range map[string]string{
			"Access-Control-Allow-Origin": page, "Access-Control-Allow-Methods": "GET,POST", "Access-Control-Allow-Headers": "authorization,x-a",
			"Access-Control-Max-Age": "300", "Access-Control-Allow-Credentials": "true",
		} {
			if got := r.header.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
	})
	rule(t, "a preflight needs no route", "HTTP §5", httpClient, func(t *testing.T) {
		if r := preflight(t, a.URL+"/nowhere", page); r.status != 204 || r.header.Get("Access-Control-Allow-Origin") != page {
			t.Errorf("got %d %v", r.status, r.header)
		}
	})
	rule(t, "a preflight calls no integration, even with a route for OPTIONS", "HTTP §5", httpClient, func(t *testing.T) { preflight(t, a.URL+"/own", page).is(t, 204, "") })
	rule(t, "OPTIONS that is no preflight goes to its route", "HTTP §5", httpClient, func(t *testing.T) {
		if got := request(t, "OPTIONS", a.URL+"/own", "", "Origin: "+page).json(t).str("routeKey"); got != "OPTIONS /own" {
			t.Errorf("went to %s", got)
		}
	})
	rule(t, "a preflight of an origin that is not allowed is answered with 204 and no CORS headers", "HTTP §5", httpClient, func(t *testing.T) {
		r := preflight(t, a.URL+"/x", "https://other.example")
		if r.is(t, 204, ""); r.header["Access-Control-Allow-Origin"] != nil || r.header["Access-Control-Allow-Methods"] != nil {
			t.Errorf("headers %v", r.header)
		}
	})
	rule(t, "with the origin * and without credentials the answer is *", "HTTP §5", httpClient, func(t *testing.T) {
		r := preflight(t, any.URL, page)
		if r.header.Get("Access-Control-Allow-Origin") != "*" || r.header.Get("Access-Control-Allow-Methods") != "*" || r.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("headers %v", r.header)
		}
	})
	rule(t, "the answer to a request of an allowed origin gets the origin, exposed headers and credentials", "HTTP §5", httpClient, func(t *testing.T) {
		r := request(t, "GET", a.URL+"/x", "", "Origin: "+page)
		if h := r.header; h.Get("Access-Control-Allow-Origin") != page || h.Get("Access-Control-Expose-Headers") != "x-b,date" || h.Get("Access-Control-Allow-Credentials") != "true" {
			t.Errorf("headers %v", h)
		}
	})
	choice(t, "an answer that depends on the origin says vary: origin", "HTTP §5", httpClient, func(t *testing.T) {
		if got := request(t, "GET", a.URL+"/x", "", "Origin: "+page).header.Get("Vary"); got != "Origin" {
			t.Errorf("vary %q", got)
		}
	})
	rule(t, "CORS headers of the function are overridden", "HTTP §5", httpClient, func(t *testing.T) {
		own := `{"do":"return","value":{"statusCode":200,"headers":{"access-control-allow-origin":"https://own.example","access-control-allow-methods":"PUT"}}}`
		r := request(t, "POST", a.URL+"/x", own, "Content-Type: application/json", "Origin: "+page)
		if r.header.Get("Access-Control-Allow-Origin") != page || r.header.Get("Access-Control-Allow-Methods") != "" {
			t.Errorf("headers %v", r.header)
		}
		r = request(t, "POST", a.URL+"/x", own, "Content-Type: application/json", "Origin: https://other.example")
		if r.header["Access-Control-Allow-Origin"] != nil || r.header["Access-Control-Expose-Headers"] != nil {
			t.Errorf("another origin: %v", r.header)
		}
	})
	rule(t, "a preflight that a $default route with authorization takes is refused as any request", "HTTP §5", httpClient, func(t *testing.T) {
		closed := open(t, params{"AllowOrigins": items{"*"}}, "$default")
		closed.updateRoute(t, "$default", params{"AuthorizationType": "AWS_IAM"})
		r := preflight(t, closed.URL+"/x", page)
		if r.is(t, 403, forbidden); r.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("headers %v", r.header)
		}
		c.Wait(t, r.header.Get("apigw-requestid"), "OPTIONS /{proxy+}")
		closed.addRoute(t, "OPTIONS /{proxy+}", closed.integration(t), nil)
		preflight(t, closed.URL+"/x", page).is(t, 204, "")
	})
	choice(t, "a preflight that an ANY route with authorization takes is refused as well", "HTTP §5", httpClient, func(t *testing.T) {
		closed := open(t, params{"AllowOrigins": items{"*"}}, "ANY /x")
		closed.updateRoute(t, "ANY /x", params{"AuthorizationType": "AWS_IAM"})
		preflight(t, closed.URL+"/x", page).is(t, 403, forbidden)
	})
	choice(t, "errors of the gateway carry no CORS headers", "HTTP §5", httpClient, func(t *testing.T) {
		if r := request(t, "GET", a.URL+"/nowhere", "", "Origin: "+page); r.status != 404 || r.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("got %d %v", r.status, r.header)
		}
	})
	choice(t, "the origins http://* and https://* allow all origins of their scheme", "HTTP §5", httpClient, func(t *testing.T) {
		https := open(t, params{"AllowOrigins": items{"https://*"}}, "$default")
		if got := preflight(t, https.URL, page).header.Get("Access-Control-Allow-Origin"); got != page {
			t.Errorf("%s got %q", page, got)
		}
		if got := preflight(t, https.URL, "http://quotes.example").header.Get("Access-Control-Allow-Origin"); got != "" {
			t.Errorf("http got %q", got)
		}
	})
	rule(t, "allowCredentials with the origin * is refused", "HTTP §5", boto3, func(t *testing.T) {
		e := py.fail(t, "apigatewayv2", "CreateApi", params{"Name": "x", "ProtocolType": "HTTP", "CorsConfiguration": params{"AllowOrigins": items{"*"}, "AllowCredentials": true}})
		refusedAs(t, e, 400, "BadRequestException", "allowCredentials")
	})
	rule(t, "maxAge must be between -1 and 86400", "HTTP §5", jsSDK, func(t *testing.T) {
		e := js.fail(t, "apigatewayv2", "CreateApi", params{"Name": "x", "ProtocolType": "HTTP", "CorsConfiguration": params{"MaxAge": 86401}})
		refusedAs(t, e, 400, "BadRequestException", "maxAge")
	})
	rule(t, "DeleteCorsConfiguration ends CORS: functions see OPTIONS, and their CORS headers reach the client", "HTTP §5", jsSDK, func(t *testing.T) {
		off := open(t, params{"AllowOrigins": items{"*"}}, "$default")
		js.call(t, "apigatewayv2", "DeleteCorsConfiguration", params{"ApiId": off.ID})
		if got := preflight(t, off.URL, page).json(t).str("requestContext.http.method"); got != "OPTIONS" {
			t.Errorf("the event has the method %s", got)
		}
		if got := js.call(t, "apigatewayv2", "GetApi", params{"ApiId": off.ID}).get("CorsConfiguration"); got != nil {
			t.Errorf("GetApi says %v", got)
		}
	})

	// One visit of a browser to a page of another origin, for the rules that only a browser can confirm.
	type seen struct{ Simple, Preflighted, Forbidden, Exposed, Hidden string }
	visit := func(t *testing.T) seen {
		t.Helper()
		rig.Need(t, "node")
		site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Type", "text/html") }))
		t.Cleanup(site.Close)
		allowed := open(t, params{"AllowOrigins": items{site.URL}, "AllowMethods": items{"PUT"}, "AllowHeaders": items{"x-a"}, "ExposeHeaders": items{"x-b"}}, "$default")
		denied := open(t, params{"AllowOrigins": items{page}}, "$default")
		var s seen
		out := rig.Tool(t, os.Environ(), "node", "truth/cors.mjs", site.URL, allowed.URL, denied.URL)
		if err := json.Unmarshal([]byte(out), &s); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return s
	}
	rule(t, "a browser's page of an allowed origin reads answers and exposed headers, and may do what needs a preflight; one of another origin may not", "HTTP §5", browser, func(t *testing.T) {
		if got, want := visit(t), (seen{"200 hello", "200 hello", "TypeError", "b", "null"}); got != want {
			t.Errorf("the page saw %+v, want %+v", got, want)
		}
	})
}
