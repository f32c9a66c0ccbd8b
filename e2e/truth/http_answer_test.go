package truth

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestHTTPAnswers(t *testing.T) {
	t.Parallel()
	c := shared(t)
	f := c.function(t, "answers")
	a := c.httpAPI(t, f, "$default")
	py := c.boto3(t)
	one := py.call(t, "apigatewayv2", "CreateIntegration", params{"ApiId": a.ID, "IntegrationType": "AWS_PROXY", "IntegrationUri": f.ARN, "PayloadFormatVersion": "1.0"}).str("IntegrationId")
	a.addRoute(t, "POST /one", one, nil)
	// asked has the function return a value.
	asked := func(t *testing.T, path, value string) reply {
		t.Helper()
		return request(t, "POST", a.URL+path, `{"do":"return","value":`+value+`}`, "Content-Type: application/json")
	}

	for _, value := range []string{`{"ok": true}`, `[1, 2]`, `42`, `true`, `null`} {
		rule(t, "a function that returns "+value+", without a statusCode, is answered with 200, application/json, and that text", "HTTP §3", httpClient, func(t *testing.T) {
			r := asked(t, "/", value)
			r.is(t, 200, value)
			if got := r.header.Get("Content-Type"); got != "application/json" {
				t.Errorf("content-type %s", got)
			}
		})
	}
	rule(t, "a bare JSON string loses its quotes", "HTTP §3", httpClient, func(t *testing.T) { asked(t, "/", `"ok"`).is(t, 200, "ok") })
	rule(t, "statusCode, headers and body of a proxy response are the client's answer", "HTTP §3", httpClient, func(t *testing.T) {
		r := asked(t, "/", `{"statusCode":201,"headers":{"Content-Type":"text/html","X-A":"b"},"body":"<p>"}`)
		r.is(t, 201, "<p>")
		if r.header.Get("Content-Type") != "text/html" || r.header.Get("X-A") != "b" {
			t.Errorf("headers %v", r.header)
		}
	})
	rule(t, "a proxy response without a content-type is text/plain; charset=utf-8", "HTTP §3", httpClient, func(t *testing.T) {
		if got := asked(t, "/", `{"statusCode":200,"body":"x"}`).header.Get("Content-Type"); got != "text/plain; charset=utf-8" {
			t.Errorf("content-type %s", got)
		}
	})
	rule(t, "isBase64Encoded decodes the body", "HTTP §3", httpClient, func(t *testing.T) {
		asked(t, "/", `{"statusCode":200,"body":"aGk=","isBase64Encoded":true}`).is(t, 200, "hi")
	})
	rule(t, "each of the cookies becomes a set-cookie header", "HTTP §3", httpClient, func(t *testing.T) {
		r := asked(t, "/", `{"statusCode":200,"cookies":["a=1; HttpOnly","b=2"]}`)
		if got := strings.Join(r.header["Set-Cookie"], "|"); got != "a=1; HttpOnly|b=2" {
			t.Errorf("set-cookie %s", got)
		}
	})
	rule(t, "multiValueHeaders are ignored in format 2.0", "HTTP §3", httpClient, func(t *testing.T) {
		if r := asked(t, "/", `{"statusCode":200,"multiValueHeaders":{"X-A":["b"]}}`); r.status != 200 || r.header.Get("X-A") != "" {
			t.Errorf("got %d %v", r.status, r.header)
		}
	})
	choice(t, "numbers and booleans are taken as values of headers, as they are written", "HTTP §3", httpClient, func(t *testing.T) {
		r := asked(t, "/", `{"statusCode":200,"headers":{"X-N":12345678,"X-B":true}}`)
		if r.header.Get("X-N") != "12345678" || r.header.Get("X-B") != "true" {
			t.Errorf("headers %v", r.header)
		}
	})
	for _, bad := range []struct{ what, value string }{
		{"a body that is no string", `{"statusCode":200,"body":{"a":1}}`}, {"a statusCode that is no status", `{"statusCode":"many"}`},
		{"a header that is a list", `{"statusCode":200,"headers":{"X-A":["b"]}}`}, {"base64 that is none", `{"statusCode":200,"body":"%","isBase64Encoded":true}`},
		{"an informational status", `{"statusCode":100}`},
	} {
		rule(t, "a proxy response with "+bad.what+" is answered with 500", "HTTP §3", httpClient, func(t *testing.T) {
			r := asked(t, "/", bad.value)
			r.is(t, 500, internal)
			c.Wait(t, r.header.Get("apigw-requestid"), "the client gets an error")
		})
	}
	rule(t, "an answer that is no JSON is answered with 500", "HTTP §3", httpClient, func(t *testing.T) {
		request(t, "POST", a.URL, `{"do":"raw","text":"hello"}`, "Content-Type: application/json").is(t, 500, internal)
	})
	rule(t, "an error of the function is answered with 500 Internal Server Error", "HTTP §3", httpClient, func(t *testing.T) {
		r := request(t, "POST", a.URL, `{"do":"error","text":"no"}`, "Content-Type: application/json")
		r.is(t, 500, internal)
		if got := r.header.Get("Content-Type"); got != "application/json" {
			t.Errorf("content-type %s", got)
		}
	})
	rule(t, "an answer of more than 6 MB is answered with 500", "HTTP §3", httpClient, func(t *testing.T) {
		request(t, "POST", a.URL, `{"do":"big","size":6300000}`, "Content-Type: application/json").is(t, 500, internal)
	})
	rule(t, "connection, content-length and transfer-encoding of a function are dropped", "HTTP §3", httpClient, func(t *testing.T) {
		r := asked(t, "/", `{"statusCode":200,"headers":{"Connection":"close","Content-Length":"700","Transfer-Encoding":"gzip"},"body":"x"}`)
		r.is(t, 200, "x")
		if r.header.Get("Connection") != "" {
			t.Errorf("headers %v", r.header)
		}
	})
	rule(t, "format 1.0 takes multiValueHeaders", "HTTP §3", httpClient, func(t *testing.T) {
		r := asked(t, "/one", `{"statusCode":200,"multiValueHeaders":{"Set-Cookie":["a=1","b=2"]},"body":"x"}`)
		if got := strings.Join(r.header["Set-Cookie"], "|"); got != "a=1|b=2" {
			t.Errorf("set-cookie %s", got)
		}
	})
	rule(t, "format 1.0 asks for a statusCode", "HTTP §3", httpClient, func(t *testing.T) { asked(t, "/one", `{"ok":true}`).is(t, 500, internal) })
	choice(t, "format 1.0 ignores cookies", "HTTP §3", httpClient, func(t *testing.T) {
		if r := asked(t, "/one", `{"statusCode":200,"cookies":["a=1"]}`); r.status != 200 || r.header["Set-Cookie"] != nil {
			t.Errorf("got %d %v", r.status, r.header)
		}
	})
}

func TestHTTPGatewayErrors(t *testing.T) {
	t.Parallel()
	c := shared(t)
	py := c.boto3(t)
	f := c.function(t, "errors")
	a := c.httpAPI(t, f, "$default", "GET /slow", "GET /throttled")

	rule(t, "a function that API Gateway may not invoke is answered with 500, and the log has the command that allows it", "HTTP §4", httpClient, func(t *testing.T) {
		made := py.call(t, "apigatewayv2", "CreateApi", params{"Name": "forbidden", "ProtocolType": "HTTP", "Target": f.ARN})
		r := request(t, "GET", made.str("ApiEndpoint"), "")
		r.is(t, 500, internal)
		c.Wait(t, r.header.Get("apigw-requestid"), "aws lambda add-permission --function-name "+f.Name, made.str("ApiId")+"/*/$default")
	})
	rule(t, "the invoke permission may name the route, with its variables as they stand", "HTTP §8", boto3, func(t *testing.T) {
		own := c.function(t, "own")
		made := py.call(t, "apigatewayv2", "CreateApi", params{"Name": "permitted", "ProtocolType": "HTTP", "Target": own.ARN, "RouteKey": "ANY /quotes/{ticker}"})
		id := made.str("ApiId")
		py.call(t, "lambda", "AddPermission", params{"FunctionName": own.Name, "StatementId": "route", "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com",
			"SourceArn": "arn:aws:execute-api:us-east-1:111122223333:" + id + "/*/GET/quotes/{ticker}"})
		if got := request(t, "GET", made.str("ApiEndpoint")+"/quotes/EIQQ", "").status; got != 200 {
			t.Errorf("GET: %d", got)
		}
		request(t, "PUT", made.str("ApiEndpoint")+"/quotes/EIQQ", "").is(t, 500, internal)
	})
	rule(t, "the source of a $default route on the stage $default is API/$default/$default", "HTTP §8", boto3, func(t *testing.T) {
		own := c.function(t, "own")
		made := py.call(t, "apigatewayv2", "CreateApi", params{"Name": "permitted", "ProtocolType": "HTTP", "Target": own.ARN})
		py.call(t, "lambda", "AddPermission", params{"FunctionName": own.Name, "StatementId": "route", "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com",
			"SourceArn": "arn:aws:execute-api:us-east-1:111122223333:" + made.str("ApiId") + "/$default/$default"})
		if got := request(t, "GET", made.str("ApiEndpoint")+"/x", "").status; got != 200 {
			t.Errorf("got %d", got)
		}
	})
	rule(t, "a body of more than 10 MB is answered with 413", "HTTP §4", httpClient, func(t *testing.T) {
		request(t, "POST", a.URL, strings.Repeat("x", 10<<20+1)).is(t, 413, `{"message":"Request Entity Too Large"}`)
	})
	choice(t, "a body that makes an event of more than the 6 MB that a function takes is answered with 413", "HTTP §4", httpClient, func(t *testing.T) {
		request(t, "POST", a.URL, strings.Repeat("x", 7<<20), "Content-Type: text/plain").is(t, 413, `{"message":"Request Entity Too Large"}`)
	})
	choice(t, "a request line and headers of more than 10,240 bytes are answered with 431", "HTTP §4", httpClient, func(t *testing.T) {
		if got := request(t, "GET", a.URL, "", "X-Long: "+strings.Repeat("x", 10240)).status; got != 431 {
			t.Errorf("got %d", got)
		}
		if got := request(t, "GET", a.URL, "", "X-Long: "+strings.Repeat("x", 9000)).status; got != 200 {
			t.Errorf("9,000 bytes: got %d", got)
		}
	})
	choice(t, "an integration that does not answer in time is answered with 503", "HTTP §4", httpClient, func(t *testing.T) {
		slow := py.call(t, "apigatewayv2", "CreateIntegration", params{"ApiId": a.ID, "IntegrationType": "AWS_PROXY", "IntegrationUri": f.ARN, "PayloadFormatVersion": "2.0", "TimeoutInMillis": 50}).str("IntegrationId")
		a.updateRoute(t, "GET /slow", params{"Target": "integrations/" + slow})
		r := request(t, "GET", a.URL+"/slow", `{"do":"sleep","ms":4000}`, "Content-Type: application/json")
		r.is(t, 503, unavailable)
		c.Wait(t, r.header.Get("apigw-requestid"), "did not answer in time")
	})
	choice(t, "a function without free concurrency is answered with 503", "HTTP §4", boto3, func(t *testing.T) {
		none := c.function(t, "none")
		py.call(t, "lambda", "PutFunctionConcurrency", params{"FunctionName": none.Name, "ReservedConcurrentExecutions": 0})
		request(t, "GET", c.httpAPI(t, none, "$default").URL, "").is(t, 503, unavailable)
	})
	rule(t, "a route beyond its throttling settings is answered with 429", "HTTP §4", boto3, func(t *testing.T) {
		throttled := c.httpAPI(t, f, "GET /throttled", "GET /free")
		py.call(t, "apigatewayv2", "UpdateStage", params{"ApiId": throttled.ID, "StageName": "$default", "RouteSettings": params{"GET /throttled": params{"ThrottlingBurstLimit": 0, "ThrottlingRateLimit": 0.0}}})
		request(t, "GET", throttled.URL+"/throttled", "").is(t, 429, `{"message":"Too Many Requests"}`)
		if got := request(t, "GET", throttled.URL+"/free", "").status; got != 200 {
			t.Errorf("another route: %d", got)
		}
	})
	choice(t, "an API whose execute-api endpoint is disabled is answered with 404", "HTTP §4", boto3, func(t *testing.T) {
		off := c.httpAPI(t, f, "$default")
		py.call(t, "apigatewayv2", "UpdateApi", params{"ApiId": off.ID, "DisableExecuteApiEndpoint": true})
		request(t, "GET", off.URL, "").is(t, 404, notFound)
	})
	choice(t, "the host name of an API that is not there is answered with 403 Forbidden", "HTTP §4", httpClient, func(t *testing.T) {
		request(t, "GET", c.Endpoint+"/", "", "Host: zzzzzzzzzz.execute-api.us-east-1.amazonaws.com").is(t, 403, forbidden)
	})
	rule(t, "a route without an integration is answered with 500", "Control plane §4", boto3, func(t *testing.T) {
		bare := c.httpAPI(t, f, "$default")
		py.call(t, "apigatewayv2", "CreateRoute", params{"ApiId": bare.ID, "RouteKey": "GET /bare"})
		request(t, "GET", bare.URL+"/bare", "").is(t, 500, internal)
	})
	rule(t, "an event holds what it was made of, byte for byte, up to the size that a function takes", "HTTP §2", httpClient, func(t *testing.T) {
		text := strings.Repeat("é€😀\u2028<&>", 10000)
		body, _ := json.Marshal(text)
		if got := request(t, "POST", a.URL, string(body), "Content-Type: application/json").json(t).str("body"); got != string(body) {
			t.Errorf("a body of %d bytes came back as %d bytes", len(body), len(got))
		}
	})
	rule(t, "the access log of a stage has a line for each request, with why an integration failed", "Customizing HTTP API access logs", boto3, func(t *testing.T) {
		logged, group := c.httpAPI(t, f, "$default"), unique("/access/http")
		py.call(t, "logs", "CreateLogGroup", params{"logGroupName": group})
		py.call(t, "apigatewayv2", "UpdateStage", params{"ApiId": logged.ID, "StageName": "$default", "AccessLogSettings": params{
			"DestinationArn": "arn:aws:logs:us-east-1:111122223333:log-group:" + group,
			"Format":         "$context.requestId $context.httpMethod $context.path $context.status $context.integrationStatus $context.integration.status $context.error.message $context.integrationErrorMessage",
		}})
		line := func(r reply) string {
			t.Helper()
			id := r.header.Get("apigw-requestid")
			for range 100 { // the line is written when the answer is on its way
				got := py.call(t, "logs", "FilterLogEvents", params{"logGroupName": group, "filterPattern": `"` + id + `"`}).str("events.0.message")
				if _, rest, ok := strings.Cut(got, id+" "); ok {
					return rest
				}
			}
			t.Fatalf("no line with %s", id)
			return ""
		}
		if got := line(request(t, "GET", logged.URL+"/x", "")); got != "GET /x 200 200 200 - -" {
			t.Errorf("got %s", got)
		}
		got := line(request(t, "POST", logged.URL+"/x", `{"do":"return","value":{"statusCode":200,"body":1}}`, "Content-Type: application/json"))
		if !strings.HasPrefix(got, "POST /x 500 200 - Internal Server Error The response from the Lambda function doesn't match the format that API Gateway expects") {
			t.Errorf("got %s", got)
		}
	})
}
