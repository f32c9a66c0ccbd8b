package truth

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// functionURL gives a function a URL that everyone may call.
func (c *testCloud) functionURL(t testing.TB, f *function, change m) string {
	t.Helper()
	py := c.boto3(t)
	p := m{"FunctionName": f.Name, "AuthType": "NONE"}
	for k, v := range change {
		p[k] = v
	}
	made := py.call(t, "lambda", "CreateFunctionUrlConfig", p)
	if p["AuthType"] == "NONE" {
		for _, permission := range []m{
			{"StatementId": "url", "Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"},
			{"StatementId": "invoke", "Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": true},
		} {
			permission["FunctionName"], permission["Principal"] = f.Name, "*"
			py.call(t, "lambda", "AddPermission", permission)
		}
	}
	return made.str("FunctionUrl")
}

// fetchURL makes a request and reads the whole answer.
func fetchURL(t testing.TB, method, url, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return send(t, r)
}

func TestLambdaFunctionURLs(t *testing.T) {
	c := shared(t)
	py, js := c.boto3(t), c.js(t)
	f := c.function(t, "open")
	open := c.functionURL(t, f, m{"Cors": m{"AllowOrigins": []any{"https://page.example"}, "AllowMethods": []any{"GET", "PUT"}, "MaxAge": 300}})
	locked := c.function(t, "locked")
	signed := c.functionURL(t, locked, m{"AuthType": "AWS_IAM"})
	node := c.function(t, "streaming", program(nodeBootstrap))
	stream := c.functionURL(t, node, m{"InvokeMode": "RESPONSE_STREAM"})
	whole := c.function(t, "buffering", program(nodeBootstrap))
	buffered := c.functionURL(t, whole, nil)
	streaming := func(parts ...string) string {
		return string(encode(t, calls(m{"path": response, "parts": parts, "headers": m{
			"Lambda-Runtime-Function-Response-Mode": "streaming", "Content-Type": "application/vnd.awslambda.http-integration-response",
		}})))
	}
	prelude := `{"statusCode":201,"headers":{"x-kind":"streamed"},"cookies":["a=b"]}` + strings.Repeat("{NUL}", 8)

	rule(t, "a URL's event has the payload format 2.0, with the URL's id in the place of an API's", "Lambda function URLs", httpClient, func(t *testing.T) {
		resp, text := fetchURL(t, "POST", open+"quotes/EIQQ?a=1&a=2", `{"x":1}`, "Content-Type", "application/json", "Cookie", "one=1; two=2", "X-Custom", "v")
		var e m
		if err := json.Unmarshal([]byte(text), &e); err != nil || resp.StatusCode != 200 {
			t.Fatalf("%d %s", resp.StatusCode, text)
		}
		got := answer{Answer: e}
		for path, value := range map[string]string{
			"version": "2.0", "routeKey": "$default", "rawPath": "/quotes/EIQQ", "rawQueryString": "a=1&a=2", "queryStringParameters.a": "1,2", "cookies.1": "two=2",
			"headers.x-custom": "v", "body": `{"x":1}`, "isBase64Encoded": "false", "requestContext.http.method": "POST", "requestContext.stage": "$default", "requestContext.accountId": "anonymous",
		} {
			want(t, got, path, value)
		}
		if id := got.str("requestContext.apiId"); !strings.Contains(open, id) || got.str("requestContext.domainName") != id+".lambda-url.us-east-1.on.aws" {
			t.Errorf("the context is %v", got.get("requestContext"))
		}
	})
	rule(t, "a body that is no text reaches the function as base64", "Lambda function URLs", httpClient, func(t *testing.T) {
		if _, text := fetchURL(t, "POST", open, "\x00\xff", "Content-Type", "application/octet-stream"); !strings.Contains(text, `"body":"AP8=","isBase64Encoded":true`) {
			t.Errorf("got %s", text)
		}
	})
	rule(t, "a function's status, headers, cookies and base64 body become the response", "Lambda function URLs", httpClient, func(t *testing.T) {
		resp, text := fetchURL(t, "POST", open, `{"do":"return","value":{"statusCode":418,"headers":{"x-a":"b"},"cookies":["c=d"],"body":"aGk=","isBase64Encoded":true}}`, "Content-Type", "application/json")
		if resp.StatusCode != 418 || resp.Header.Get("x-a") != "b" || resp.Header.Get("Set-Cookie") != "c=d" || text != "hi" {
			t.Errorf("%d %v %s", resp.StatusCode, resp.Header, text)
		}
	})
	rule(t, "an answer without a statusCode is itself the body, as application/json with 200", "Lambda function URLs", httpClient, func(t *testing.T) {
		resp, text := fetchURL(t, "POST", open, `{"do":"return","value":{"hello":"world"}}`, "Content-Type", "application/json")
		if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "application/json" || text != `{"hello":"world"}` {
			t.Errorf("%d %s %s", resp.StatusCode, resp.Header.Get("Content-Type"), text)
		}
	})
	choice(t, "a function that fails is 502 Internal Server Error to the caller of its URL", "Lambda function URLs", httpClient, func(t *testing.T) {
		if resp, text := fetchURL(t, "POST", open, `{"do":"error","text":"no"}`, "Content-Type", "application/json"); resp.StatusCode != 502 || text != "Internal Server Error" {
			t.Errorf("%d %s", resp.StatusCode, text)
		}
	})
	rule(t, "a preflight is answered by the URL itself, with 200", "Lambda function URLs", httpClient, func(t *testing.T) {
		resp, _ := fetchURL(t, "OPTIONS", open, "", "Origin", "https://page.example", "Access-Control-Request-Method", "PUT")
		if h := resp.Header; resp.StatusCode != 200 || h.Get("Access-Control-Allow-Origin") != "https://page.example" || h.Get("Access-Control-Allow-Methods") != "GET,PUT" || h.Get("Access-Control-Max-Age") != "300" {
			t.Errorf("%d %v", resp.StatusCode, h)
		}
		if resp, _ := fetchURL(t, "GET", open, "", "Origin", "https://other.example"); resp.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("another origin is let in: %v", resp.Header)
		}
	})
	rule(t, "an open URL needs both lambda:InvokeFunctionUrl and lambda:InvokeFunction in the resource policy", "Control access to Lambda function URLs", httpClient, func(t *testing.T) {
		g := c.function(t, "half")
		url := py.call(t, "lambda", "CreateFunctionUrlConfig", m{"FunctionName": g.Name, "AuthType": "NONE"}).str("FunctionUrl")
		if resp, text := fetchURL(t, "GET", url, ""); resp.StatusCode != 403 || text != `{"Message":"Forbidden"}` || resp.Header.Get("x-amzn-ErrorType") != "AccessDeniedException" {
			t.Errorf("without a policy: %d %s", resp.StatusCode, text)
		}
		py.call(t, "lambda", "AddPermission", m{"FunctionName": g.Name, "StatementId": "url", "Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE"})
		if resp, _ := fetchURL(t, "GET", url, ""); resp.StatusCode != 403 {
			t.Errorf("with one of them: %d", resp.StatusCode)
		}
		c.Wait(t, g.Name, "--invoked-via-function-url")
		py.call(t, "lambda", "AddPermission", m{"FunctionName": g.Name, "StatementId": "invoke", "Action": "lambda:InvokeFunction", "Principal": "*", "InvokedViaFunctionUrl": true})
		if resp, _ := fetchURL(t, "GET", url, ""); resp.StatusCode != 200 {
			t.Errorf("with both: %d", resp.StatusCode)
		}
	})
	rule(t, "a URL with AWS_IAM refuses requests that are not signed, and tells the function who signed", "Control access to Lambda function URLs", goSDK, func(t *testing.T) {
		if resp, text := fetchURL(t, "GET", signed, ""); resp.StatusCode != 403 || text != `{"Message":"Forbidden"}` {
			t.Errorf("unsigned: %d %s", resp.StatusCode, text)
		}
		key := c.user(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["lambda:InvokeFunctionUrl","lambda:InvokeFunction"],"Resource":"*","Condition":{"StringEquals":{"lambda:FunctionUrlAuthType":"AWS_IAM"}}}]}`)
		resp, text := send(t, signRequest(t, aws.Credentials{AccessKeyID: key[0], SecretAccessKey: key[1]}, "GET", signed+"x", ""))
		if resp.StatusCode != 200 || !strings.Contains(text, `\"accessKey\":\"`+key[0]) && !strings.Contains(text, `"accessKey":"`+key[0]) {
			t.Errorf("signed: %d %s", resp.StatusCode, text)
		}
		nobody := c.user(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lambda:InvokeFunctionUrl","Resource":"*","Condition":{"StringEquals":{"lambda:FunctionUrlAuthType":"NONE"}}}]}`)
		if resp, _ := send(t, signRequest(t, aws.Credentials{AccessKeyID: nobody[0], SecretAccessKey: nobody[1]}, "GET", signed+"x", "")); resp.StatusCode != 403 {
			t.Errorf("signed by one whose policy is for NONE: %d", resp.StatusCode)
		}
		if resp, _ := send(t, signRequest(t, aws.Credentials{AccessKeyID: key[0], SecretAccessKey: "wrong"}, "GET", signed+"x", "")); resp.StatusCode != 403 {
			t.Errorf("signed wrongly: %d", resp.StatusCode)
		}
	})
	rule(t, "with RESPONSE_STREAM the prelude becomes status, headers and cookies, and the rest the body", "Response streaming for Lambda functions", httpClient, func(t *testing.T) {
		resp, text := fetchURL(t, "POST", stream, streaming(prelude, "one,", "two"), "Content-Type", "application/json")
		if resp.StatusCode != 201 || resp.Header.Get("x-kind") != "streamed" || resp.Header.Get("Set-Cookie") != "a=b" || text != "one,two" || resp.ContentLength >= 0 {
			t.Errorf("%d %v %q, length %d", resp.StatusCode, resp.Header, text, resp.ContentLength)
		}
	})
	rule(t, "with BUFFERED a streamed response arrives whole", "Response streaming for Lambda functions", httpClient, func(t *testing.T) {
		resp, text := fetchURL(t, "POST", buffered, streaming(prelude, "one,", "two"), "Content-Type", "application/json")
		if resp.StatusCode != 201 || resp.Header.Get("x-kind") != "streamed" || text != "one,two" || resp.ContentLength != 7 {
			t.Errorf("%d %v %q, length %d", resp.StatusCode, resp.Header, text, resp.ContentLength)
		}
	})
	rule(t, "API Gateway buffers a streamed response", "Lambda §6", httpClient, func(t *testing.T) {
		a := c.httpAPI(t, whole, "POST /stream")
		resp, text := fetchURL(t, "POST", a.URL+"/stream", streaming(prelude, "one,", "two"), "Content-Type", "application/json")
		if resp.StatusCode != 201 || resp.Header.Get("x-kind") != "streamed" || text != "one,two" {
			t.Errorf("%d %v %q", resp.StatusCode, resp.Header, text)
		}
	})
	rule(t, "a function that dies while it streams breaks the connection", "Response streaming for Lambda functions", httpClient, func(t *testing.T) {
		g := c.function(t, "dying", program(strings.Replace(nodeBootstrap, "for (const part of parts) r.write(part);",
			"if (parts.length > 1) { r.write(parts[0]); r.write(parts[1], () => setTimeout(() => process.exit(1), 200)); return; }\n    for (const part of parts) r.write(part);", 1)))
		url := c.functionURL(t, g, m{"InvokeMode": "RESPONSE_STREAM"})
		r, err := http.NewRequestWithContext(t.Context(), "POST", url, strings.NewReader(streaming(prelude, "one,")))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if text, err := io.ReadAll(resp.Body); err == nil || string(text) != "one," || resp.StatusCode != 201 {
			t.Errorf("%d %q, %v; want a body that breaks off", resp.StatusCode, text, err)
		}
	})
	rule(t, "a function has one URL, and a version has none", "Lambda function URLs", boto3, func(t *testing.T) {
		refused(t, py.fail(t, "lambda", "CreateFunctionUrlConfig", m{"FunctionName": f.Name, "AuthType": "NONE"}), 409, "ResourceConflictException", "FunctionUrlConfig exists for this Lambda function")
		refused(t, py.fail(t, "lambda", "CreateFunctionUrlConfig", m{"FunctionName": f.Name, "Qualifier": "1", "AuthType": "NONE"}), 400, "ValidationException", "'qualifier'")
		refused(t, py.fail(t, "lambda", "CreateFunctionUrlConfig", m{"FunctionName": f.Name, "AuthType": "OPEN"}), 400, "ValidationException", "'authType'")
	})
	rule(t, "a URL is read, updated, listed and deleted, and then it is no more", "Lambda function URLs", jsSDK, func(t *testing.T) {
		g := c.function(t, "brief")
		url := c.functionURL(t, g, nil)
		want(t, js.call(t, "lambda", "GetFunctionUrlConfig", m{"FunctionName": g.Name}), "FunctionUrl", url)
		a := js.call(t, "lambda", "UpdateFunctionUrlConfig", m{"FunctionName": g.Name, "AuthType": "AWS_IAM"})
		want(t, a, "AuthType", "AWS_IAM")
		want(t, a, "InvokeMode", "BUFFERED")
		want(t, js.call(t, "lambda", "ListFunctionUrlConfigs", m{"FunctionName": g.Name}), "FunctionUrlConfigs.0.FunctionUrl", url)
		js.call(t, "lambda", "DeleteFunctionUrlConfig", m{"FunctionName": g.Name})
		refused(t, js.fail(t, "lambda", "GetFunctionUrlConfig", m{"FunctionName": g.Name}), 404, "ResourceNotFoundException", "The resource you requested does not exist.")
		if resp, _ := fetchURL(t, "GET", url, ""); resp.StatusCode != 403 {
			t.Errorf("the URL answers %d", resp.StatusCode)
		}
	})
	rule(t, "the host names of AWS lead to the function as well", "Lambda function URLs", httpClient, func(t *testing.T) {
		id := strings.Trim(open[strings.LastIndex(strings.TrimSuffix(open, "/"), "/"):], "/")
		for _, host := range []string{id + ".lambda-url.us-east-1.on.aws", id + ".lambda-url.localhost"} {
			r, err := http.NewRequestWithContext(t.Context(), "GET", c.Endpoint+"/deep/path", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = host
			if resp, text := send(t, r); resp.StatusCode != 200 || !strings.Contains(text, `"rawPath":"/deep/path"`) {
				t.Errorf("%s: %d %s", host, resp.StatusCode, text)
			}
		}
	})
}
