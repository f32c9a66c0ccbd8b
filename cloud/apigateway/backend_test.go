package apigateway

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"quotewire/cloud/lambda"
)

// route makes a two-way route to a new integration with the responses, and deploys it.
func (g *gateway) route(t testing.TB, apiID, key string, in apigatewayv2.CreateIntegrationInput, responses ...apigatewayv2.CreateIntegrationResponseInput) {
	t.Helper()
	ctx := t.Context()
	in.ApiId = &apiID
	created := must(g.control.CreateIntegration(ctx, &in))
	for _, r := range responses {
		r.ApiId, r.IntegrationId = &apiID, created.IntegrationId
		must(g.control.CreateIntegrationResponse(ctx, &r))
	}
	r := must(g.control.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{
		ApiId: &apiID, RouteKey: &key, Target: aws.String("integrations/" + *created.IntegrationId), RouteResponseSelectionExpression: aws.String("$default"),
	}))
	must(g.control.CreateRouteResponse(ctx, &apigatewayv2.CreateRouteResponseInput{ApiId: &apiID, RouteId: r.RouteId, RouteResponseKey: aws.String("$default")}))
	must(g.control.CreateDeployment(ctx, &apigatewayv2.CreateDeploymentInput{ApiId: &apiID, StageName: aws.String("development")}))
}

// exchange sends a message on a connection of its own and returns the answer, with the ids masked.
func (g *gateway) exchange(t testing.TB, apiID, message string) string {
	t.Helper()
	c := g.dial(t, apiID, nil)
	write(t, c, message)
	text := read(t, c)
	if head, _, ok := strings.Cut(text, `, "connectionId":"`); ok {
		return head + "}"
	}
	return text
}

func answerTo(key string, templates map[string]string) apigatewayv2.CreateIntegrationResponseInput {
	return apigatewayv2.CreateIntegrationResponseInput{IntegrationResponseKey: &key, ResponseTemplates: templates}
}

func TestFunctionBehindTemplates(t *testing.T) {
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "$default")
	g.route(t, id, "quote", apigatewayv2.CreateIntegrationInput{
		IntegrationType: types.IntegrationTypeAws, IntegrationUri: aws.String(functionURI), IntegrationMethod: aws.String("POST"),
		TemplateSelectionExpression: aws.String("${request.body.version}"),
		RequestTemplates: map[string]string{
			"v1":       `{"ticker":$input.json('$.ticker'),"by":"$context.routeKey"}`,
			"$default": `{"old":true}`,
			"bad":      `$util.nothing(1)`,
			"text":     `no JSON`,
		},
	},
		answerTo("$default", map[string]string{"$default": `{"price":$input.json('$.price')}`}),
		answerTo("/.*too fast.*/", map[string]string{"$default": `slow down: $input.path('$.errorMessage')`}),
	)
	got := make(chan string, 10)
	g.functions.set(func(_ context.Context, in lambda.Invocation) (lambda.Result, error) {
		got <- string(in.Payload)
		return lambda.Result{Payload: []byte(`{"price":2200}`)}, nil
	})
	for _, test := range []struct{ message, payload, answer string }{
		{`{"action":"quote","version":"v1","ticker":"EIQQ"}`, `{"ticker":"EIQQ","by":"quote"}`, `{"price":2200}`},
		{`{"action":"quote","version":"v9"}`, `{"old":true}`, `{"price":2200}`},
		{`{"action":"quote","version":"bad"}`, ``, `{"message": "Internal server error"}`},
		{`{"action":"quote","version":"text"}`, ``, `{"message": "Internal server error"}`},
	} {
		if answer := g.exchange(t, id, test.message); answer != test.answer {
			t.Errorf("%s is answered with %s, want %s", test.message, answer, test.answer)
		}
		if test.payload != "" {
			if payload := <-got; payload != test.payload {
				t.Errorf("%s reaches the function as %s, want %s", test.message, payload, test.payload)
			}
		}
	}
	g.functions.set(func(context.Context, lambda.Invocation) (lambda.Result, error) {
		return lambda.Result{Payload: []byte(`{"errorMessage":"you are too fast"}`), FunctionError: "Unhandled"}, nil
	})
	if answer := g.exchange(t, id, `{"action":"quote"}`); answer != "slow down: you are too fast" {
		t.Errorf("the function's error is answered with %s", answer)
	}
	if text := g.log.String(); !strings.Contains(text, "$util has no method nothing") || !strings.Contains(text, "its payload must be JSON") {
		t.Errorf("the log does not say what is wrong with the templates: %s", text)
	}
}

func TestHTTPBackendBehindTemplates(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path == "/missing" {
			w.WriteHeader(404)
		}
		w.Header().Set("X-Kind", "echo")
		io.WriteString(w, r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("X-Connection")+" "+string(body))
	}))
	t.Cleanup(backend.Close)
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "$default")
	integration := func(method, path string) apigatewayv2.CreateIntegrationInput {
		return apigatewayv2.CreateIntegrationInput{
			IntegrationType: types.IntegrationTypeHttp, IntegrationMethod: &method, IntegrationUri: aws.String(backend.URL + path),
		}
	}
	mapped := integration("PUT", "/{desk}")
	mapped.RequestParameters = map[string]string{
		"integration.request.path.desk":           "route.request.body.desk",
		"integration.request.querystring.t":       "'a b'",
		"integration.request.header.X-Connection": "context.routeKey",
		"integration.request.header.X-None":       "route.request.body.none",
	}
	g.route(t, id, "mapped", mapped, answerTo("$default", nil))
	byStatus := integration("GET", "/missing")
	chosen := answerTo("/4\\d\\d/", map[string]string{"404": "gone: $input.body", "$default": "no"})
	chosen.TemplateSelectionExpression = aws.String("${integration.response.statuscode}")
	g.route(t, id, "status", byStatus, chosen, answerTo("$default", map[string]string{"$default": "fine"}))
	binary := integration("POST", "/")
	binary.ContentHandlingStrategy = types.ContentHandlingStrategyConvertToBinary
	binary.RequestTemplates = map[string]string{"$default": `$input.path('$.data')`}
	text := answerTo("$default", nil)
	text.ContentHandlingStrategy = types.ContentHandlingStrategyConvertToText
	g.route(t, id, "binary", binary, text)
	never := integration("POST", "/")
	never.PassthroughBehavior = types.PassthroughBehaviorNever
	g.route(t, id, "never", never, answerTo("$default", nil))
	g.route(t, id, "unmapped", integration("POST", "/"))
	for _, test := range []struct{ message, want string }{
		{`{"action":"mapped","desk":"e/q"}`, `PUT /e%2Fq?t=a+b mapped {"action":"mapped","desk":"e/q"}`},
		{`{"action":"status"}`, `gone: GET /missing  {"action":"status"}`},
		{`{"action":"binary","data":"aGVsbG8="}`, `UE9TVCAvICBoZWxsbw==`}, // POST /  hello
		{`{"action":"binary","data":"***"}`, `{"message": "Internal server error"}`},
		{`{"action":"never"}`, `{"message": "Unsupported Media Type"}`},
		{`{"action":"unmapped"}`, `{"message": "Internal server error"}`},
	} {
		if got := g.exchange(t, id, test.message); got != test.want {
			t.Errorf("%s is answered with\n%s, want\n%s\n%s", test.message, got, test.want, g.log)
		}
	}
}

func TestConnectTakesAStatusOnlyFromAResponseThatNamesIt(t *testing.T) {
	g := start(t, t.TempDir())
	for key, want := range map[string]int{"": 101, "$default": 101, "/4\\d\\d/": 403, "/5\\d\\d/": 101} {
		id := g.webSocketAPI(t, "$default")
		var responses []apigatewayv2.CreateIntegrationResponseInput
		if key != "" {
			responses = append(responses, answerTo(key, nil))
		}
		g.route(t, id, "$connect", apigatewayv2.CreateIntegrationInput{
			IntegrationType: types.IntegrationTypeMock, RequestTemplates: map[string]string{"$default": `{"statusCode": 403}`},
		}, responses...)
		if _, _, r := handshake(t, g.Authority, pathPrefix+id+"/development"); r.StatusCode != want {
			t.Errorf("with the integration response %q the handshake ends with %d, want %d", key, r.StatusCode, want)
		}
	}
}

func TestFunctionIsInvokedInTheRoleOfCredentials(t *testing.T) {
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "$default")
	for _, key := range []string{"gateway", "other"} {
		g.route(t, id, key, apigatewayv2.CreateIntegrationInput{
			IntegrationType: types.IntegrationTypeAwsProxy, IntegrationUri: aws.String(functionURI),
			CredentialsArn: aws.String("arn:aws:iam::111122223333:role/" + key),
		})
	}
	g.functions.set(func(_ context.Context, in lambda.Invocation) (lambda.Result, error) {
		if in.Service != "" || in.SourceARN != "" {
			t.Errorf("invoked by %s for %s, want by nobody in particular", in.Service, in.SourceARN)
		}
		return lambda.Result{Payload: []byte(`{"statusCode":200,"body":"done"}`)}, nil
	})
	if got := g.exchange(t, id, `{"action":"gateway"}`); got != "done" {
		t.Errorf("in a role that may: %s", got)
	}
	if got := g.exchange(t, id, `{"action":"other"}`); got != `{"message": "Internal server error"}` {
		t.Errorf("in a role that does not trust the gateway: %s", got)
	}
	g.denial.mu.Lock()
	g.denial.resource = "something else"
	g.denial.mu.Unlock()
	if got := g.exchange(t, id, `{"action":"gateway"}`); got != `{"message": "Internal server error"}` {
		t.Errorf("in a role that may not invoke: %s", got)
	}
}

func TestSignedHandshake(t *testing.T) {
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "$connect")
	for _, r := range must(g.control.GetRoutes(t.Context(), &apigatewayv2.GetRoutesInput{ApiId: &id})).Items {
		must(g.control.UpdateRoute(t.Context(), &apigatewayv2.UpdateRouteInput{ApiId: &id, RouteId: r.RouteId, AuthorizationType: types.AuthorizationTypeAwsIam}))
	}
	must(g.control.CreateDeployment(t.Context(), &apigatewayv2.CreateDeploymentInput{ApiId: &id, StageName: aws.String("development")}))
	events := g.events()
	if _, _, r := handshake(t, g.Authority, pathPrefix+id+"/development"); r.StatusCode != 403 {
		t.Errorf("without a signature: %d, want 403", r.StatusCode)
	}
	if _, _, r := handshake(t, g.Authority, pathPrefix+id+"/development", "Authorization: signed\r\n"); r.StatusCode != 101 {
		t.Errorf("signed: %d, want 101", r.StatusCode)
	}
	want := `"identity":{"userArn":"arn:aws:iam::111122223333:root","accountId":"111122223333","caller":"111122223333","sourceIp":"127.0.0.1","accessKey":"test","user":"111122223333"}`
	if e := next(t, events); !strings.Contains(e.text, want) {
		t.Errorf("the event %s\nhas not %s", e.text, want)
	}
	g.denial.mu.Lock()
	g.denial.resource = "arn:aws:execute-api:us-east-1:111122223333:" + id + "/development/$connect"
	g.denial.mu.Unlock()
	if _, _, r := handshake(t, g.Authority, pathPrefix+id+"/development", "Authorization: signed\r\n"); r.StatusCode != 101 {
		t.Errorf("allowed for exactly $connect: %d, want 101", r.StatusCode)
	}
}
