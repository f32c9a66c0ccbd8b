package truth

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHTTPIntegrations(t *testing.T) {
	t.Parallel()
	c := shared(t)
	py, js := c.boto3(t), c.js(t)
	f := c.function(t, "mapped")
	// The backend answers with what it was asked, line by line: the request line, the host, the headers.
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Backend", "b")
		w.Header().Set("Content-Type", "text/x-seen")
		status := 200
		fmt.Sscan(r.Header.Get("X-Status"), &status)
		if status == 302 {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(status)
		fmt.Fprintf(w, "%s %s\nHost: %s\n", r.Method, r.RequestURI, r.Host)
		r.Header.Write(w)
		fmt.Fprintf(w, "\n%s", body)
	}))
	t.Cleanup(backend.Close)
	a := c.httpAPI(t, f, "GET /function")
	// proxy makes a route to the backend.
	proxy := func(t *testing.T, route, uri string, more params) string {
		t.Helper()
		p := params{"ApiId": a.ID, "IntegrationType": "HTTP_PROXY", "IntegrationMethod": "ANY", "IntegrationUri": uri, "PayloadFormatVersion": "1.0"}
		for name, v := range more {
			p[name] = v
		}
		in := py.call(t, "apigatewayv2", "CreateIntegration", p).str("IntegrationId")
		a.addRoute(t, route, in, nil)
		return in
	}
	line := func(r reply, name string) string {
		for l := range strings.Lines(r.body) {
			if value, ok := strings.CutPrefix(strings.ToLower(l), strings.ToLower(name)+": "); ok {
				return strings.TrimSpace(value)
			}
		}
		return ""
	}
	first := func(r reply) string { l, _, _ := strings.Cut(r.body, "\n"); return l }

	proxy(t, "ANY /all/{proxy+}", backend.URL+"/base/{proxy}", nil)
	rule(t, "HTTP_PROXY passes on the method, the greedy path, the query and the body", "HTTP §1", httpClient, func(t *testing.T) {
		r := request(t, "PUT", a.URL+"/all/a%20b/c?x=1&x=2", "text", "X-A: b")
		if first(r) != "PUT /base/a%20b/c?x=1&x=2" || line(r, "X-A") != "b" || !strings.HasSuffix(r.body, "\n\ntext") {
			t.Errorf("the backend saw %s", r.body)
		}
	})
	rule(t, "HTTP_PROXY passes on the status, the headers and the body of the answer, redirects included", "HTTP §1", httpClient, func(t *testing.T) {
		r, err := http.NewRequestWithContext(t.Context(), "GET", a.URL+"/all/x", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Status", "302")
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 302 || resp.Header.Get("Location") != "/elsewhere" || resp.Header.Get("X-Backend") != "b" || resp.Header.Get("Content-Type") != "text/x-seen" {
			t.Errorf("got %d %v", resp.StatusCode, resp.Header)
		}
	})
	rule(t, "the backend is told by Forwarded and Via who came through the gateway", "Working with HTTP proxy integrations for HTTP APIs", httpClient, func(t *testing.T) {
		r := request(t, "GET", a.URL+"/all/x", "")
		if !strings.Contains(line(r, "Forwarded"), "for=127.0.0.1;host=") || line(r, "Via") == "" || line(r, "Host") != strings.TrimPrefix(backend.URL, "http://") {
			t.Errorf("the backend saw %s", r.body)
		}
	})
	proxy(t, "GET /vars/{id}", "http://${stageVariables.host}/of/{id}", nil)
	rule(t, "the URI of an integration takes variables of the path and of the stage", "Working with HTTP proxy integrations for HTTP APIs", boto3, func(t *testing.T) {
		py.call(t, "apigatewayv2", "CreateStage", params{"ApiId": a.ID, "StageName": "live", "AutoDeploy": true, "StageVariables": params{"host": strings.TrimPrefix(backend.URL, "http://")}})
		if got := first(request(t, "GET", a.URL+"/live/vars/7", "")); got != "GET /of/7" {
			t.Errorf("the backend saw %s", got)
		}
	})
	proxy(t, "POST /map/{id}", backend.URL+"/base", params{
		"RequestParameters": params{
			"append:header.x-id": "$context.requestId", "overwrite:header.x-old": "new", "remove:header.x-away": "''", "append:header.x-none": "$request.header.none",
			"append:querystring.tag": "${request.path.id}-${request.body.n}", "overwrite:querystring.src": "static", "remove:querystring.secret": "''", "overwrite:path": "/v2${request.path}",
		},
		"ResponseParameters": params{"404": params{"overwrite:statuscode": "203", "append:header.x-more": "$response.header.x-backend", "remove:header.x-backend": "''"}},
	})
	const page = "Transform API requests and responses for HTTP APIs"
	mapped := func(t *testing.T, more ...string) reply {
		t.Helper()
		return request(t, "POST", a.URL+"/map/7?tag=a&src=feed&secret=1", `{"n":5}`, append([]string{"X-Old: old", "X-Away: 1"}, more...)...)
	}
	rule(t, "requestParameters append, overwrite and remove headers", page, httpClient, func(t *testing.T) {
		r := mapped(t)
		if len(line(r, "X-Id")) != 16 || line(r, "X-Old") != "new" || line(r, "X-Away") != "" {
			t.Errorf("the backend saw %s", r.body)
		}
	})
	rule(t, "requestParameters append, overwrite and remove parameters of the query, and overwrite the path", page, httpClient, func(t *testing.T) {
		if got := first(mapped(t)); got != "POST /v2/map/7?src=static&tag=a&tag=7-5" {
			t.Errorf("the backend saw %s", got)
		}
	})
	choice(t, "a mapping from something that is not there is not applied", page, httpClient, func(t *testing.T) {
		if r := mapped(t); strings.Contains(strings.ToLower(r.body), "x-none") {
			t.Errorf("the backend saw %s", r.body)
		}
	})
	rule(t, "responseParameters of a status change the status and the headers of answers with it, and of no others", page, httpClient, func(t *testing.T) {
		if r := mapped(t, "X-Status: 404"); r.status != 203 || r.header.Get("X-More") != "b" || r.header.Get("X-Backend") != "" {
			t.Errorf("404: got %d %v", r.status, r.header)
		}
		if r := mapped(t); r.status != 200 || r.header.Get("X-More") != "" || r.header.Get("X-Backend") != "b" {
			t.Errorf("200: got %d %v", r.status, r.header)
		}
	})
	rule(t, "parameters of requests to functions are mapped as well", page, boto3, func(t *testing.T) {
		py.call(t, "apigatewayv2", "UpdateIntegration", params{"ApiId": a.ID, "IntegrationId": a.integrationOf(t, "GET /function"), "RequestParameters": params{"append:header.x-stage": "$context.stage"}})
		if got := request(t, "GET", a.URL+"/function", "").json(t).str("headers.x-stage"); got != "$default" {
			t.Errorf("the event has %q", got)
		}
	})
	rule(t, "an update with an empty value removes a mapping", page, jsSDK, func(t *testing.T) {
		in := proxy(t, "GET /removed", backend.URL, params{"RequestParameters": params{"append:header.a": "1", "append:header.b": "2"}, "ResponseParameters": params{"200": params{"append:header.c": "3"}}})
		got := js.call(t, "apigatewayv2", "UpdateIntegration", params{"ApiId": a.ID, "IntegrationId": in, "RequestParameters": params{"append:header.a": ""}, "ResponseParameters": params{"200": params{}}})
		if m, _ := got.get("RequestParameters").(map[string]any); len(m) != 1 || m["append:header.b"] != "2" {
			t.Errorf("left %v", m)
		}
		if m, _ := got.get("ResponseParameters").(map[string]any); len(m) != 0 {
			t.Errorf("left %v", m)
		}
	})
	for _, header := range []string{"Authorization", "x-amz-date", "Access-Control-Allow-Origin", "Via"} {
		rule(t, "the header "+header+" is reserved: it cannot be mapped", page, boto3, func(t *testing.T) {
			e := py.fail(t, "apigatewayv2", "CreateIntegration", params{"ApiId": a.ID, "IntegrationType": "HTTP_PROXY", "IntegrationMethod": "GET", "IntegrationUri": backend.URL,
				"RequestParameters": params{"overwrite:header." + header: "x"}})
			refusedAs(t, e, 400, "BadRequestException", header)
		})
	}
	choice(t, "a backend that cannot be reached is answered with 503", "HTTP §4", httpClient, func(t *testing.T) {
		gone := httptest.NewServer(http.NotFoundHandler())
		gone.Close()
		proxy(t, "GET /gone", gone.URL, nil)
		r := request(t, "GET", a.URL+"/gone", "")
		r.is(t, 503, unavailable)
		c.Wait(t, r.header.Get("apigw-requestid"), "could not be called")
	})
	rule(t, "an integration of an HTTP API may take 50 ms to 30 s", "HTTP §7", boto3, func(t *testing.T) {
		for _, ms := range []int{49, 30001} {
			e := py.fail(t, "apigatewayv2", "CreateIntegration", params{"ApiId": a.ID, "IntegrationType": "HTTP_PROXY", "IntegrationMethod": "GET", "IntegrationUri": backend.URL, "TimeoutInMillis": ms})
			refusedAs(t, e, 400, "BadRequestException", "30000")
		}
		if got := py.call(t, "apigatewayv2", "GetIntegrations", params{"ApiId": a.ID}).num("Items.0.TimeoutInMillis"); got != 30000 {
			t.Errorf("the default is %v", got)
		}
	})
	rule(t, "an HTTP API has AWS_PROXY and HTTP_PROXY integrations only", "Control plane §4", boto3, func(t *testing.T) {
		for _, kind := range []string{"AWS", "HTTP", "MOCK"} {
			e := py.fail(t, "apigatewayv2", "CreateIntegration", params{"ApiId": a.ID, "IntegrationType": kind, "IntegrationUri": backend.URL, "IntegrationMethod": "GET"})
			refusedAs(t, e, 400, "BadRequestException", "HTTP_PROXY")
		}
	})
	difference(t, "integrations with an integrationSubtype are refused by name", "HTTP §1", boto3, "other services are called from a function", func(t *testing.T) {
		e := py.fail(t, "apigatewayv2", "CreateIntegration", params{"ApiId": a.ID, "IntegrationType": "AWS_PROXY", "IntegrationSubtype": "SQS-SendMessage", "PayloadFormatVersion": "1.0"})
		refusedAs(t, e, 400, "BadRequestException", "integrationSubtype SQS-SendMessage")
	})
	rule(t, "with credentialsArn the role's policies decide whether the function is invoked, and the function's do not", "Control plane §4", boto3, func(t *testing.T) {
		own := c.function(t, "own")
		role := unique("gateway-role")
		made := py.call(t, "iam", "CreateRole", params{"RoleName": role, "AssumeRolePolicyDocument": strings.ReplaceAll(trust, "lambda.amazonaws.com", "apigateway.amazonaws.com")})
		api := py.call(t, "apigatewayv2", "CreateApi", params{"Name": "role", "ProtocolType": "HTTP", "Target": own.ARN, "CredentialsArn": made.str("Role.Arn")})
		r := request(t, "GET", api.str("ApiEndpoint"), "")
		r.is(t, 500, internal)
		c.Wait(t, r.header.Get("apigw-requestid"), role)
		py.call(t, "iam", "PutRolePolicy", params{"RoleName": role, "PolicyName": "may", "PolicyDocument": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lambda:InvokeFunction","Resource":"` + own.ARN + `"}]}`})
		if got := request(t, "GET", api.str("ApiEndpoint"), "").status; got != 200 {
			t.Errorf("with a policy: %d", got)
		}
	})
}

func TestHTTPAPIControlPlane(t *testing.T) {
	t.Parallel()
	c := shared(t)
	py, js := c.boto3(t), c.js(t)
	f := c.function(t, "managed")

	rule(t, "quick create makes an integration, a $default route and an auto-deployed stage $default, all managed by API Gateway", "HTTP §1", awsCLI, func(t *testing.T) {
		out, errs, status := c.aws(t, "apigatewayv2", "create-api", "--name", "quick", "--protocol-type", "HTTP", "--target", f.ARN, "--query", "ApiId", "--output", "text")
		if status != 0 {
			t.Fatal(errs)
		}
		id := strings.TrimSpace(out)
		in := py.call(t, "apigatewayv2", "GetIntegrations", params{"ApiId": id})
		r := py.call(t, "apigatewayv2", "GetRoutes", params{"ApiId": id})
		st := py.call(t, "apigatewayv2", "GetStages", params{"ApiId": id})
		if in.str("Items.0.IntegrationType") != "AWS_PROXY" || in.str("Items.0.PayloadFormatVersion") != "2.0" || in.get("Items.0.ApiGatewayManaged") != true {
			t.Errorf("integration %v", in.get("Items.0"))
		}
		if r.str("Items.0.RouteKey") != "$default" || r.get("Items.0.ApiGatewayManaged") != true {
			t.Errorf("route %v", r.get("Items.0"))
		}
		if st.str("Items.0.StageName") != "$default" || st.get("Items.0.AutoDeploy") != true || st.get("Items.0.ApiGatewayManaged") != true {
			t.Errorf("stage %v", st.get("Items.0"))
		}
	})
	rule(t, "quick create with a URL makes an HTTP_PROXY integration of ANY", "HTTP §1", boto3, func(t *testing.T) {
		id := py.call(t, "apigatewayv2", "CreateApi", params{"Name": "quick", "ProtocolType": "HTTP", "Target": "https://example.com/", "RouteKey": "GET /x"}).str("ApiId")
		in := py.call(t, "apigatewayv2", "GetIntegrations", params{"ApiId": id})
		if in.str("Items.0.IntegrationType") != "HTTP_PROXY" || in.str("Items.0.IntegrationMethod") != "ANY" || in.str("Items.0.IntegrationUri") != "https://example.com/" {
			t.Errorf("integration %v", in.get("Items.0"))
		}
		if got := py.call(t, "apigatewayv2", "GetRoutes", params{"ApiId": id}).str("Items.0.RouteKey"); got != "GET /x" {
			t.Errorf("the route is %s", got)
		}
	})
	rule(t, "UpdateApi changes the target and the route key of what quick create made", "CreateApi and UpdateApi in the API reference of API Gateway version 2", boto3, func(t *testing.T) {
		id := py.call(t, "apigatewayv2", "CreateApi", params{"Name": "quick", "ProtocolType": "HTTP", "Target": "https://example.com/"}).str("ApiId")
		py.call(t, "apigatewayv2", "UpdateApi", params{"ApiId": id, "Target": f.ARN, "RouteKey": "ANY /{proxy+}"})
		in, r := py.call(t, "apigatewayv2", "GetIntegrations", params{"ApiId": id}), py.call(t, "apigatewayv2", "GetRoutes", params{"ApiId": id})
		if in.str("Items.0.IntegrationUri") != f.ARN || in.str("Items.0.IntegrationType") != "AWS_PROXY" || r.str("Items.0.RouteKey") != "ANY /{proxy+}" {
			t.Errorf("got %v %v", in.get("Items.0"), r.get("Items.0"))
		}
	})
	rule(t, "what API Gateway manages is protected: the stage from changes, the route's key, the integration from deletion", "CreateApi and UpdateApi in the API reference of API Gateway version 2", jsSDK, func(t *testing.T) {
		id := js.call(t, "apigatewayv2", "CreateApi", params{"Name": "quick", "ProtocolType": "HTTP", "Target": f.ARN}).str("ApiId")
		in := js.call(t, "apigatewayv2", "GetIntegrations", params{"ApiId": id}).str("Items.0.IntegrationId")
		r := js.call(t, "apigatewayv2", "GetRoutes", params{"ApiId": id}).str("Items.0.RouteId")
		for _, e := range []answer{
			js.fail(t, "apigatewayv2", "UpdateStage", params{"ApiId": id, "StageName": "$default", "StageVariables": params{"a": "b"}}),
			js.fail(t, "apigatewayv2", "UpdateRoute", params{"ApiId": id, "RouteId": r, "RouteKey": "GET /x"}),
			js.fail(t, "apigatewayv2", "DeleteIntegration", params{"ApiId": id, "IntegrationId": in}),
		} {
			refusedAs(t, e, 400, "BadRequestException", "managed by API Gateway")
		}
	})
	rule(t, "target, routeKey and credentialsArn are for HTTP APIs only", "Control plane §4", boto3, func(t *testing.T) {
		e := py.fail(t, "apigatewayv2", "CreateApi", params{"Name": "x", "ProtocolType": "WEBSOCKET", "RouteSelectionExpression": "$request.body.action", "Target": f.ARN})
		refusedAs(t, e, 400, "BadRequestException", "HTTP APIs only")
	})
	rule(t, "the route selection expression of an HTTP API is fixed", "Control plane §4", boto3, func(t *testing.T) {
		made := py.call(t, "apigatewayv2", "CreateApi", params{"Name": "x", "ProtocolType": "HTTP"})
		if got := made.str("RouteSelectionExpression"); got != "$request.method $request.path" {
			t.Errorf("it is %s", got)
		}
		e := py.fail(t, "apigatewayv2", "CreateApi", params{"Name": "x", "ProtocolType": "HTTP", "RouteSelectionExpression": "$request.body.action"})
		refusedAs(t, e, 400, "BadRequestException", "routeSelectionExpression")
	})
	a := c.httpAPI(t, f, "GET /known")
	for _, bad := range []string{"GET known", "FETCH /x", "GET  /x", "GET /{a+}/b", "GET /{a}/{a}", "GET /x{a}", "get /x", "$mine"} {
		rule(t, "the route key "+bad+" is refused", "HTTP §1", boto3, func(t *testing.T) {
			refusedAs(t, py.fail(t, "apigatewayv2", "CreateRoute", params{"ApiId": a.ID, "RouteKey": bad}), 400, "BadRequestException", "")
		})
	}
	rule(t, "a route key exists once in an API", "Control plane §2", jsSDK, func(t *testing.T) {
		refusedAs(t, js.fail(t, "apigatewayv2", "CreateRoute", params{"ApiId": a.ID, "RouteKey": "GET /known"}), 409, "ConflictException", "Route with key GET /known already exists for this API")
	})
	rule(t, "$connect and $disconnect are no routes of an HTTP API", "Control plane §4", boto3, func(t *testing.T) {
		refusedAs(t, py.fail(t, "apigatewayv2", "CreateRoute", params{"ApiId": a.ID, "RouteKey": "$connect"}), 400, "BadRequestException", "$connect")
	})
	rule(t, "an integration of an HTTP API takes a function's plain ARN, with a qualifier or without", "HTTP §8", boto3, func(t *testing.T) {
		version := py.call(t, "lambda", "PublishVersion", params{"FunctionName": f.Name}).str("Version")
		py.call(t, "lambda", "CreateAlias", params{"FunctionName": f.Name, "Name": "live", "FunctionVersion": version})
		made := py.call(t, "apigatewayv2", "CreateApi", params{"Name": "alias", "ProtocolType": "HTTP", "Target": f.ARN + ":live"})
		py.call(t, "lambda", "AddPermission", params{"FunctionName": f.Name, "Qualifier": "live", "StatementId": "alias", "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com",
			"SourceArn": "arn:aws:execute-api:us-east-1:111122223333:" + made.str("ApiId") + "/*/*"})
		if r := request(t, "GET", made.str("ApiEndpoint"), ""); r.status != 200 {
			t.Errorf("got %d %s", r.status, r.body)
		}
	})
	rule(t, "a stage serves what was deployed to it, until the next deployment", "Control plane §4", boto3, func(t *testing.T) {
		made := c.httpAPI(t, f, "GET /old")
		py.call(t, "apigatewayv2", "CreateStage", params{"ApiId": made.ID, "StageName": "frozen"})
		request(t, "GET", made.URL+"/frozen/old", "").is(t, 404, notFound)
		py.call(t, "apigatewayv2", "CreateDeployment", params{"ApiId": made.ID, "StageName": "frozen"})
		made.addRoute(t, "GET /new", made.integration(t), nil)
		if got := request(t, "GET", made.URL+"/frozen/old", "").status; got != 200 {
			t.Errorf("the old route: %d", got)
		}
		request(t, "GET", made.URL+"/frozen/new", "").is(t, 404, notFound)
		py.call(t, "apigatewayv2", "CreateDeployment", params{"ApiId": made.ID, "StageName": "frozen"})
		if got := request(t, "GET", made.URL+"/frozen/new", "").status; got != 200 {
			t.Errorf("the new route: %d", got)
		}
	})
}
