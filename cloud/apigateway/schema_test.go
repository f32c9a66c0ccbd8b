package apigateway

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"quotewire/cloud/logs"
)

func TestMessagesAreHeldAgainstTheirModel(t *testing.T) {
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "watch!", "$default!")
	g.functions.returns(`{"statusCode":200,"body":"done"}`)
	ctx := t.Context()
	model := func(name, schema string) error {
		_, err := g.control.CreateModel(ctx, &apigatewayv2.CreateModelInput{ApiId: &id, Name: &name, Schema: &schema, ContentType: aws.String("application/json")})
		return err
	}
	if err := errors.Join(
		model("Ticker", `{"$schema":"http://json-schema.org/draft-04/schema#","type":"string","pattern":"^[A-Z]+$"}`),
		model("Watch", `{"type":"object","required":["ticker"],"properties":{"ticker":{"$ref":"https://apigateway.amazonaws.com/restapis/x/models/Ticker"}}}`),
		model("Any", `{}`),
	); err != nil {
		t.Fatal(err)
	}
	for name, schema := range map[string]string{"Broken": `{"type":`, "Wrong": `{"type":"quote"}`, "Elsewhere": `{"$ref":"file:///etc/passwd"}`, "odd name": `{}`, "Any": `{}`} {
		if err := model(name, schema); err == nil {
			t.Errorf("the model %s with the schema %s was taken", name, schema)
		}
	}
	for _, r := range must(g.control.GetRoutes(ctx, &apigatewayv2.GetRoutesInput{ApiId: &id})).Items {
		if *r.RouteKey == "watch" {
			must(g.control.UpdateRoute(ctx, &apigatewayv2.UpdateRouteInput{
				ApiId: &id, RouteId: r.RouteId, ModelSelectionExpression: aws.String("${request.body.version}"), RequestModels: map[string]string{"v1": "Watch", "$default": "Any"},
			}))
		}
	}
	must(g.control.CreateDeployment(ctx, &apigatewayv2.CreateDeploymentInput{ApiId: &id, StageName: aws.String("development")}))
	bad := `{"message": "Bad request body"}`
	for message, want := range map[string]string{
		`{"action":"watch","version":"v1","ticker":"EIQQ"}`: "done",
		`{"action":"watch","version":"v1","ticker":"eiqq"}`: bad,
		`{"action":"watch","version":"v1"}`:                 bad,
		`{"action":"watch"}`:                                "done",
		`anything`:                                          "done",
	} {
		if got := g.exchange(t, id, message); got != want {
			t.Errorf("%s is answered with %s, want %s", message, got, want)
		}
	}
	if !strings.Contains(g.log.String(), "/ticker") {
		t.Errorf("the log does not say where the message is wrong: %s", g.log)
	}
	models := must(g.control.GetModels(ctx, &apigatewayv2.GetModelsInput{ApiId: &id}))
	for _, m := range models.Items {
		_, err := g.control.DeleteModel(ctx, &apigatewayv2.DeleteModelInput{ApiId: &id, ModelId: m.ModelId})
		if free := *m.Name == "Ticker"; free != (err == nil) || !free && !strings.Contains(err.Error(), "ConflictException") {
			t.Errorf("delete the model %s: %v", *m.Name, err)
		}
	}
}

func TestConnectRequiresParameters(t *testing.T) {
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "$connect")
	for _, r := range must(g.control.GetRoutes(t.Context(), &apigatewayv2.GetRoutesInput{ApiId: &id})).Items {
		must(g.control.UpdateRoute(t.Context(), &apigatewayv2.UpdateRouteInput{ApiId: &id, RouteId: r.RouteId, RequestParameters: map[string]types.ParameterConstraints{
			"route.request.querystring.ticker": {Required: aws.Bool(true)}, "route.request.header.X-Desk": {Required: aws.Bool(true)}, "route.request.header.X-Other": {},
		}}))
	}
	must(g.control.CreateDeployment(t.Context(), &apigatewayv2.CreateDeploymentInput{ApiId: &id, StageName: aws.String("development")}))
	for target, want := range map[string]int{"?ticker=A": 101, "": 400} {
		if _, _, r := handshake(t, g.Authority, pathPrefix+id+"/development"+target, "x-desk: 7\r\n"); r.StatusCode != want {
			t.Errorf("%s: %d, want %d", target, r.StatusCode, want)
		}
	}
	if _, _, r := handshake(t, g.Authority, pathPrefix+id+"/development?ticker=A"); r.StatusCode != 400 {
		t.Errorf("without the header: %d, want 400", r.StatusCode)
	}
}

// lines takes the lines of access logs.
type lines chan string

func (l lines) Put(_ context.Context, group, _ string, events []logs.Event) error {
	for _, e := range events {
		l <- group + " " + e.Message
	}
	return nil
}

func TestAccessLog(t *testing.T) {
	written := make(lines, 10)
	g := start(t, t.TempDir(), func(c *Config) { c.Logs = written })
	id := g.webSocketAPI(t, "$connect", "user")
	update := func(arn, format string) error {
		_, err := g.control.UpdateStage(t.Context(), &apigatewayv2.UpdateStageInput{
			ApiId: &id, StageName: aws.String("development"), AccessLogSettings: &types.AccessLogSettings{DestinationArn: &arn, Format: &format},
		})
		return err
	}
	const group = "arn:aws:logs:us-east-1:111122223333:log-group:access"
	for _, test := range [][2]string{{group, "no id"}, {group, ""}, {"access", "$context.requestId"}, {group, "$context.requestId\nx"}} {
		if err := update(test[0], test[1]); err == nil {
			t.Errorf("the settings %q were taken", test)
		}
	}
	if err := update(group+":*", `$context.requestId $context.eventType $context.routeKey $context.status $context.identity.sourceIp $context.error.message $context.integrationStatus $context.nope`); err != nil {
		t.Fatal(err)
	}
	c := g.dial(t, id, nil)
	write(t, c, `{"action":"nobody"}`)
	for _, want := range []string{`CONNECT \$connect 200 127.0.0.1 - 200 -`, `MESSAGE \$default 403 127.0.0.1 Forbidden - -`} {
		if got := <-written; !regexp.MustCompile(`^access [\w-]{15}= ` + want + `$`).MatchString(got) {
			t.Errorf("line %q, want %q", got, want)
		}
	}
}
