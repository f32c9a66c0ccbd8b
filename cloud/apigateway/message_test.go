package apigateway

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	mtypes "github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi/types"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/coder/websocket"

	"quotewire/cloud/lambda"
)

func decode(payload []byte) (e event) {
	json.Unmarshal(payload, &e)
	return e
}

func isGone(err error) bool {
	var gone *mtypes.GoneException
	return errors.As(err, &gone)
}

func TestMessageReachesItsRoute(t *testing.T) {
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "user", "$default", "7", "$connect", "$disconnect")
	events := g.events()
	c := g.dial(t, id, nil)
	if e := next(t, events); e.RequestContext.RouteKey != "$connect" {
		t.Fatalf("first event of %s", e.RequestContext.RouteKey)
	}
	for _, test := range []struct{ message, want string }{
		{`{"action":"user","id":"user003"}`, "user"},
		{`{"action":"User"}`, "$default"},
		{`{"action":7}`, "7"},
		{`{"action":"$connect"}`, "$default"},
		{`{"action":"$disconnect"}`, "$default"},
		{`{"action":"$default"}`, "$default"},
		{`hello`, "$default"},
		{`{}`, "$default"},
		{``, "$default"},
	} {
		write(t, c, test.message)
		e := next(t, events)
		if e.RequestContext.RouteKey != test.want || e.Body != test.message || e.RequestContext.EventType != "MESSAGE" {
			t.Errorf("%s came to %s as %q (%s), want %s", test.message, e.RequestContext.RouteKey, e.Body, e.RequestContext.EventType, test.want)
		}
		if strings.Contains(e.text, `"headers"`) || strings.Contains(e.text, "queryString") || strings.Contains(e.text, "stageVariables") || strings.Contains(e.text, "authorizer") {
			t.Errorf("the event has what a message has not: %s", e.text)
		}
	}
	c.Close(4001, "enough")
	if e := next(t, events); e.RequestContext.EventType != "DISCONNECT" || e.RequestContext.DisconnectStatusCode != 4001 || e.RequestContext.DisconnectReason != "enough" {
		t.Errorf("disconnect event %s", e.text)
	}
}

func TestAnswersToAMessage(t *testing.T) {
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "one", "two!")
	frame := func(message string) string {
		return `^\{"message": "` + message + `", "connectionId":"[\w-]{15}=", "requestId":"[\w-]{15}="\}$`
	}
	internal := frame("Internal server error")
	for _, test := range []struct {
		name         string
		result       lambda.Result
		err          error
		oneWay, both string // patterns; "" for nothing
	}{
		{"answer", lambda.Result{Payload: []byte(`{"statusCode":200,"body":"x"}`)}, nil, "", "^x$"},
		{"answer 400", lambda.Result{Payload: []byte(`{"statusCode":400,"body":"x"}`)}, nil, "", "^x$"},
		{"no body", lambda.Result{Payload: []byte(`{"statusCode":200}`)}, nil, "", "^$"},
		{"base64", lambda.Result{Payload: []byte(`{"statusCode":200,"body":"aGk=","isBase64Encoded":true}`)}, nil, "", "^hi$"},
		{"null", lambda.Result{Payload: []byte(`null`)}, nil, internal, internal},
		{"list", lambda.Result{Payload: []byte(`[]`)}, nil, internal, internal},
		{"unknown member", lambda.Result{Payload: []byte(`{"statusCode":200,"x":1}`)}, nil, internal, internal},
		{"body no string", lambda.Result{Payload: []byte(`{"statusCode":200,"body":{}}`)}, nil, internal, internal},
		{"function error", lambda.Result{Payload: []byte(`{}`), FunctionError: "Unhandled"}, nil, internal, internal},
		{"no permission", lambda.Result{}, apiError(403, "AccessDeniedException"), internal, internal},
		{"throttled", lambda.Result{}, apiError(429, "TooManyRequestsException"), internal, internal},
		{"broken", lambda.Result{}, errors.New("broken"), internal, internal},
		{"timeout", lambda.Result{}, context.DeadlineExceeded, frame("Endpoint request timed out"), frame("Endpoint request timed out")},
		{"no route", lambda.Result{}, nil, frame("Forbidden"), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			g.functions.set(func(_ context.Context, in lambda.Invocation) (lambda.Result, error) {
				if strings.Contains(string(in.Payload), "finally") {
					return lambda.Result{Payload: []byte(`{"statusCode":200,"body":"the end"}`)}, nil
				}
				return test.result, test.err
			})
			c := g.dial(t, id, nil)
			action := "one"
			if test.name == "no route" {
				action = "three"
			}
			for action, want := range map[string]string{action: test.oneWay, "two": test.both} {
				if want == "" {
					continue
				}
				write(t, c, `{"action":"`+action+`"}`)
				if got := read(t, c); !regexp.MustCompile(want).MatchString(got) {
					t.Errorf("%s: %s, want %s", action, got, want)
				}
			}
			write(t, c, `{"action":"two","finally":1}`) // nothing else came, and the socket is open
			if got := read(t, c); got != "the end" {
				t.Errorf("%s came before the end", got)
			}
		})
	}
}

func TestIntegrationTimeoutIsEnforcedAndExplained(t *testing.T) {
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "$default")
	ins := must(g.control.GetIntegrations(t.Context(), &apigatewayv2.GetIntegrationsInput{ApiId: &id}))
	must(g.control.UpdateIntegration(t.Context(), &apigatewayv2.UpdateIntegrationInput{ApiId: &id, IntegrationId: ins.Items[0].IntegrationId, TimeoutInMillis: aws.Int32(50)}))
	must(g.control.CreateDeployment(t.Context(), &apigatewayv2.CreateDeploymentInput{ApiId: &id, StageName: aws.String("development")}))
	g.functions.set(func(ctx context.Context, _ lambda.Invocation) (lambda.Result, error) {
		<-ctx.Done()
		return lambda.Result{}, ctx.Err()
	})
	c := g.dial(t, id, nil)
	write(t, c, "x")
	if got := read(t, c); !strings.HasPrefix(got, `{"message": "Endpoint request timed out", "connectionId":"`) {
		t.Errorf("frame %s", got)
	}
	if log := g.log.String(); !strings.Contains(log, "function=watch") || !strings.Contains(log, "logGroup=/aws/lambda/watch") {
		t.Errorf("the log does not name the function and its log: %s", log)
	}
}

func TestMissingPermissionIsExplained(t *testing.T) {
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "user")
	g.functions.set(func(context.Context, lambda.Invocation) (lambda.Result, error) {
		return lambda.Result{}, apiError(403, "AccessDeniedException")
	})
	c := g.dial(t, id, nil)
	write(t, c, `{"action":"user"}`)
	read(t, c)
	want := `aws lambda add-permission --function-name watch --qualifier live --statement-id apigateway --action lambda:InvokeFunction ` +
		`--principal apigateway.amazonaws.com --source-arn 'arn:aws:execute-api:us-east-1:111122223333:` + id + `/*/user'`
	if log := g.log.String(); !strings.Contains(log, want) {
		t.Errorf("the log does not say what to add: %s", log)
	}
}

func TestMessagesOfAConnectionAreDispatchedAtOnce(t *testing.T) {
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "$default!")
	both := make(chan struct{}, 2)
	g.functions.set(func(ctx context.Context, in lambda.Invocation) (lambda.Result, error) {
		both <- struct{}{}
		for len(both) < 2 { // the first waits for the second
			select {
			case <-ctx.Done():
				return lambda.Result{}, ctx.Err()
			default:
			}
		}
		return lambda.Result{Payload: []byte(`{"statusCode":200,"body":"ok"}`)}, nil
	})
	c := g.dial(t, id, nil)
	write(t, c, "1")
	write(t, c, "2")
	read(t, c)
	read(t, c)
}

func TestFragmentsAreJoined(t *testing.T) {
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "$default")
	events := g.events()
	c := g.dial(t, id, nil)
	w := must(c.Writer(t.Context(), websocket.MessageText))
	want := strings.Repeat("ä", 16000) // 32,000 bytes a fragment
	for range 4 {
		if _, err := w.Write([]byte(want)); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	if e := next(t, events); e.Body != strings.Repeat(want, 4) {
		t.Errorf("a body of %d bytes, want %d", len(e.Body), 4*len(want))
	}
}

func TestRedeploymentReachesOpenConnections(t *testing.T) {
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "$default")
	events := g.events()
	c := g.dial(t, id, nil)
	routes := must(g.control.GetRoutes(t.Context(), &apigatewayv2.GetRoutesInput{ApiId: &id}))
	must(g.control.CreateRoute(t.Context(), &apigatewayv2.CreateRouteInput{ApiId: &id, RouteKey: aws.String("user"), Target: routes.Items[0].Target}))
	write(t, c, `{"action":"user"}`)
	if e := next(t, events); e.RequestContext.RouteKey != "$default" {
		t.Errorf("a route acts before it is deployed")
	}
	must(g.control.CreateDeployment(t.Context(), &apigatewayv2.CreateDeploymentInput{ApiId: &id, StageName: aws.String("development")}))
	write(t, c, `{"action":"user"}`)
	if e := next(t, events); e.RequestContext.RouteKey != "user" {
		t.Errorf("the message came to %s after the deployment", e.RequestContext.RouteKey)
	}
	must(g.control.DeleteStage(t.Context(), &apigatewayv2.DeleteStageInput{ApiId: &id, StageName: aws.String("development")}))
	if _, _, err := c.Read(t.Context()); websocket.CloseStatus(err) != 1001 {
		t.Errorf("after its stage was deleted: %v, want 1001", err)
	}
}

func TestMockIntegrationAnswersByItself(t *testing.T) {
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "$default")
	ctx := t.Context()
	in := must(g.control.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{
		ApiId: &id, IntegrationType: types.IntegrationTypeMock, RequestTemplates: map[string]string{"$default": `{"statusCode":200}`}, TemplateSelectionExpression: aws.String(`\$default`),
	}))
	must(g.control.CreateIntegrationResponse(ctx, &apigatewayv2.CreateIntegrationResponseInput{
		ApiId: &id, IntegrationId: in.IntegrationId, IntegrationResponseKey: aws.String(`/2\d\d/`), ResponseTemplates: map[string]string{"$default": "pong"},
	}))
	r := must(g.control.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{
		ApiId: &id, RouteKey: aws.String("ping"), Target: aws.String("integrations/" + *in.IntegrationId), RouteResponseSelectionExpression: aws.String("$default"),
	}))
	must(g.control.CreateRouteResponse(ctx, &apigatewayv2.CreateRouteResponseInput{ApiId: &id, RouteId: r.RouteId, RouteResponseKey: aws.String("$default")}))
	must(g.control.CreateDeployment(ctx, &apigatewayv2.CreateDeploymentInput{ApiId: &id, StageName: aws.String("development")}))
	c := g.dial(t, id, nil)
	write(t, c, `{"action":"ping"}`)
	if got := read(t, c); got != "pong" {
		t.Errorf("answer %q", got)
	}
}

func TestFunctionAnswersThroughTheDomainOfItsEvent(t *testing.T) {
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "user")
	g.functions.set(func(ctx context.Context, in lambda.Invocation) (lambda.Result, error) {
		e := decode(in.Payload).RequestContext
		client := apigatewaymanagementapi.NewFromConfig(awsConfig("http://" + e.DomainName + "/" + e.Stage))
		_, err := client.PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &e.ConnectionID, Data: []byte(`{"action":"quotes"}`)})
		if err != nil {
			return lambda.Result{}, err
		}
		return lambda.Result{Payload: []byte(`{"statusCode":200}`)}, nil
	})
	c := g.dial(t, id, nil)
	write(t, c, `{"action":"user"}`)
	if got := read(t, c); got != `{"action":"quotes"}` {
		t.Errorf("got %s", got)
	}
}
