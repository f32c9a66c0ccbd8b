package apigateway

import (
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/smithy-go"
)

func TestAPIIsThereAfterARestart(t *testing.T) {
	dir := t.TempDir()
	var id string
	t.Run("first process", func(t *testing.T) {
		g := start(t, dir, func(c *Config) { c.IDs = map[string]string{"stock-watch": "q7w2e9r4t1"} })
		id = g.webSocketAPI(t, "$default")
		if id != "q7w2e9r4t1" {
			t.Errorf("the API's id is %s", id)
		}
		if second := g.webSocketAPI(t, "$default"); second == id || !regexp.MustCompile(`^[a-z0-9]{10}$`).MatchString(second) {
			t.Errorf("the second API of that name has the id %s", second)
		} else {
			must(g.control.DeleteApi(t.Context(), &apigatewayv2.DeleteApiInput{ApiId: &second}))
		}
	})
	t.Run("second process", func(t *testing.T) {
		g := start(t, dir)
		apis := must(g.control.GetApis(t.Context(), &apigatewayv2.GetApisInput{}))
		if len(apis.Items) != 1 {
			t.Fatalf("%d APIs", len(apis.Items))
		}
		if got, want := *apis.Items[0].ApiEndpoint, "ws://"+g.Authority+"/_aws/execute-api/"+id; got != want {
			t.Errorf("endpoint %s, want %s: where this process is reached", got, want)
		}
		events := g.events()
		write(t, g.dial(t, id, nil), "x")
		next(t, events)
	})
}

func TestResourcesHaveTheirDefaults(t *testing.T) {
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "user")
	status, header, body := get(t, "GET", "http://"+g.Authority+"/v2/apis/"+id, nil, "")
	body = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`).ReplaceAllString(body, "TIME")
	want := `{"apiEndpoint":"ws://` + g.Authority + `/_aws/execute-api/` + id + `","apiId":"` + id + `","apiKeySelectionExpression":"$request.header.x-api-key","createdDate":"TIME",` +
		`"disableExecuteApiEndpoint":false,"ipAddressType":"ipv4","name":"stock-watch","protocolType":"WEBSOCKET","routeSelectionExpression":"$request.body.action","tags":{}}`
	if status != 200 || body != want || header.Get("x-amzn-RequestId") == "" {
		t.Errorf("%d %s, want %s", status, body, want)
	}
	st := stageOf(t, g, id)
	if *st.DefaultRouteSettings.DetailedMetricsEnabled || st.DefaultRouteSettings.LoggingLevel != types.LoggingLevelOff || st.AutoDeploy != nil {
		t.Errorf("stage %+v", st)
	}
	in := must(g.control.GetIntegrations(t.Context(), &apigatewayv2.GetIntegrationsInput{ApiId: &id})).Items[0]
	if *in.TimeoutInMillis != 29000 || *in.PayloadFormatVersion != "1.0" || in.ConnectionType != types.ConnectionTypeInternet || in.PassthroughBehavior != types.PassthroughBehaviorWhenNoMatch {
		t.Errorf("integration %+v", in)
	}
	r := must(g.control.GetRoutes(t.Context(), &apigatewayv2.GetRoutesInput{ApiId: &id})).Items[0]
	if *r.ApiKeyRequired || r.AuthorizationType != types.AuthorizationTypeNone {
		t.Errorf("route %+v", r)
	}
}

func TestUpdateChangesOnlyWhatItNames(t *testing.T) {
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "user")
	ctx := t.Context()
	up := must(g.control.UpdateApi(ctx, &apigatewayv2.UpdateApiInput{ApiId: &id, IpAddressType: types.IpAddressTypeDualstack, Description: aws.String("prices")}))
	if *up.Name != "stock-watch" || *up.Description != "prices" || !g.DualStack(id) {
		t.Errorf("UpdateApi: %+v, dual stack %t", up, g.DualStack(id))
	}
	st := must(g.control.UpdateStage(ctx, &apigatewayv2.UpdateStageInput{ApiId: &id, StageName: aws.String("development"), StageVariables: map[string]string{"a": "1", "b": "2"}}))
	st = must(g.control.UpdateStage(ctx, &apigatewayv2.UpdateStageInput{ApiId: &id, StageName: aws.String("development"), StageVariables: map[string]string{"a": "", "c": "3"}}))
	if v := st.StageVariables; len(v) != 2 || v["b"] != "2" || v["c"] != "3" {
		t.Errorf("stage variables %v, want b and c: an empty value removes one", v)
	}
	route := must(g.control.GetRoutes(ctx, &apigatewayv2.GetRoutesInput{ApiId: &id})).Items[0]
	r := must(g.control.UpdateRoute(ctx, &apigatewayv2.UpdateRouteInput{ApiId: &id, RouteId: route.RouteId, RouteKey: aws.String("watch")}))
	if *r.RouteId != *route.RouteId || *r.Target != *route.Target || *r.RouteKey != "watch" {
		t.Errorf("UpdateRoute: %+v", r)
	}
}

func TestControlPlaneErrors(t *testing.T) {
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "user")
	c, ctx := g.control, t.Context()
	web := must(c.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: aws.String("h"), ProtocolType: types.ProtocolTypeHttp})).ApiId
	in := must(c.GetIntegrations(ctx, &apigatewayv2.GetIntegrationsInput{ApiId: &id})).Items[0].IntegrationId
	nope := aws.String("nope")
	discard := func(_ any, err error) error { return err }
	for name, test := range map[string]struct {
		err           error
		code, message string
	}{
		"unknown API":         {discard(c.GetApi(ctx, &apigatewayv2.GetApiInput{ApiId: nope})), "NotFoundException", "Invalid API identifier specified 111122223333:nope"},
		"unknown integration": {discard(c.GetIntegration(ctx, &apigatewayv2.GetIntegrationInput{ApiId: &id, IntegrationId: nope})), "NotFoundException", "Invalid Integration identifier specified nope"},
		"unknown route":       {discard(c.UpdateRoute(ctx, &apigatewayv2.UpdateRouteInput{ApiId: &id, RouteId: nope})), "NotFoundException", "Invalid Route identifier specified nope"},
		"unknown stage":       {discard(c.DeleteStage(ctx, &apigatewayv2.DeleteStageInput{ApiId: &id, StageName: nope})), "NotFoundException", "Invalid stage identifier specified"},
		"unknown deployment":  {discard(c.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: &id, StageName: aws.String("x"), DeploymentId: nope})), "NotFoundException", "Invalid Deployment identifier specified nope"},
		"no expression":       {discard(c.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: nope, ProtocolType: types.ProtocolTypeWebsocket})), "BadRequestException", "RouteSelectionExpression is required"},
		"bad expression":      {discard(c.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: nope, ProtocolType: types.ProtocolTypeWebsocket, RouteSelectionExpression: aws.String("$x")})), "BadRequestException", "request.body"},
		"bad protocol":        {discard(c.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: nope, ProtocolType: "GRPC"})), "BadRequestException", "Invalid protocol specified. Must be one of [HTTP, WEBSOCKET]"},
		"route twice":         {discard(c.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{ApiId: &id, RouteKey: aws.String("user")})), "ConflictException", "Route with key user already exists for this API"},
		"stage twice":         {discard(c.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: &id, StageName: aws.String("development")})), "ConflictException", "Stage already exists"},
		"own $ route":         {discard(c.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{ApiId: &id, RouteKey: aws.String("$mine")})), "BadRequestException", "may begin with $"},
		"integration in use":  {discard(c.DeleteIntegration(ctx, &apigatewayv2.DeleteIntegrationInput{ApiId: &id, IntegrationId: in})), "ConflictException", "as it is a target of Route(s) user"},
		"target not there":    {discard(c.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{ApiId: &id, RouteKey: aws.String("x"), Target: aws.String("integrations/none")})), "BadRequestException", "Invalid target"},
		"plain ARN": {discard(c.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{ApiId: &id, IntegrationType: types.IntegrationTypeAwsProxy,
			IntegrationUri: aws.String("arn:aws:lambda:us-east-1:111122223333:function:f")})), "BadRequestException", "functions/arn:aws:lambda:us-east-1:111122223333:function:f/invocations"},
		"timeout": {discard(c.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{ApiId: &id, IntegrationType: types.IntegrationTypeAwsProxy,
			IntegrationUri: aws.String(functionURI), TimeoutInMillis: aws.Int32(30000)})), "BadRequestException", "Timeout should be between 50 ms and 29000 ms"},
		"not supported": {discard(c.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{ApiId: &id, IntegrationType: types.IntegrationTypeAws,
			IntegrationUri: aws.String("arn:aws:apigateway:us-east-1:sqs:action/SendMessage"), CredentialsArn: aws.String("arn:aws:iam::111122223333:role/gateway")})),
			"BadRequestException", "does not support an integration with sqs:action"},
		"IAM on a message": {discard(c.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{ApiId: &id, RouteKey: aws.String("x"), AuthorizationType: types.AuthorizationTypeAwsIam})), "BadRequestException", "restricted to the $connect route"},
		"no format": {discard(c.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{ApiId: web, IntegrationType: types.IntegrationTypeAwsProxy,
			IntegrationUri: aws.String(functionURI)})), "BadRequestException", "payloadFormatVersion"},
		"deployment of nothing": {discard(c.CreateDeployment(ctx, &apigatewayv2.CreateDeploymentInput{ApiId: web})), "BadRequestException", "At least one route is required"},
		"unknown operation":     {discard(c.GetVpcLinks(ctx, &apigatewayv2.GetVpcLinksInput{})), "UnknownOperationException", "GetVpcLinks"},
	} {
		var e smithy.APIError
		if !errors.As(test.err, &e) || e.ErrorCode() != test.code || !strings.Contains(e.ErrorMessage(), test.message) {
			t.Errorf("%s: %v, want %s with %q", name, test.err, test.code, test.message)
		}
	}
}

func TestDeniedOperationChangesNothing(t *testing.T) {
	g := start(t, t.TempDir())
	g.denial.resource = "arn:aws:apigateway:us-east-1::/apis"
	api, err := g.control.CreateApi(t.Context(), &apigatewayv2.CreateApiInput{Name: aws.String("h"), ProtocolType: types.ProtocolTypeHttp})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.control.DeleteApi(t.Context(), &apigatewayv2.DeleteApiInput{ApiId: api.ApiId}); err == nil || g.catalog.get(*api.ApiId) == nil {
		t.Errorf("DeleteApi without permission: %v", err)
	}
	if _, err := g.control.CreateApi(t.Context(), &apigatewayv2.CreateApiInput{Name: aws.String("h"), ProtocolType: types.ProtocolTypeHttp, Tags: map[string]string{"a": "b"}}); err == nil {
		t.Errorf("tags were given without permission")
	}
}

func TestPages(t *testing.T) {
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "a", "b", "c", "d", "e")
	var keys []string
	var token *string
	for {
		page := must(g.control.GetRoutes(t.Context(), &apigatewayv2.GetRoutesInput{ApiId: &id, MaxResults: aws.String("2"), NextToken: token}))
		if len(page.Items) > 2 {
			t.Fatalf("a page of %d", len(page.Items))
		}
		for _, r := range page.Items {
			keys = append(keys, *r.RouteKey)
		}
		if token = page.NextToken; token == nil {
			break
		}
	}
	slices.Sort(keys)
	if got := strings.Join(keys, ""); got != "abcde" {
		t.Errorf("pages held %s", got)
	}
	if _, _, body := get(t, "GET", "http://"+g.Authority+"/v2/apis/"+id+"/authorizers", nil, ""); body != `{"items":[]}` {
		t.Errorf("an empty list is %s", body)
	}
}

func TestTags(t *testing.T) {
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "user")
	for _, arn := range []string{"arn:aws:apigateway:us-east-1::/apis/" + id, "arn:aws:apigateway:us-east-1::/apis/" + id + "/stages/development"} {
		must(g.control.TagResource(t.Context(), &apigatewayv2.TagResourceInput{ResourceArn: &arn, Tags: map[string]string{"app": "quotes", "x": "y"}}))
		must(g.control.UntagResource(t.Context(), &apigatewayv2.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{"x"}}))
		if tags := must(g.control.GetTags(t.Context(), &apigatewayv2.GetTagsInput{ResourceArn: &arn})).Tags; len(tags) != 1 || tags["app"] != "quotes" {
			t.Errorf("%s: %v", arn, tags)
		}
	}
}

func TestStageThatDeploysItself(t *testing.T) {
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "$default")
	ctx := t.Context()
	must(g.control.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: &id, StageName: aws.String("live"), AutoDeploy: aws.Bool(true)}))
	live := func() *apigatewayv2.GetStageOutput {
		return must(g.control.GetStage(ctx, &apigatewayv2.GetStageInput{ApiId: &id, StageName: aws.String("live")}))
	}
	first := live()
	if first.DeploymentId == nil || !*first.AutoDeploy || !strings.Contains(*first.LastDeploymentStatusMessage, *first.DeploymentId) {
		t.Fatalf("stage %+v", first)
	}
	must(g.control.UpdateApi(ctx, &apigatewayv2.UpdateApiInput{ApiId: &id, Description: aws.String("no change of routes")}))
	if got := live(); *got.DeploymentId != *first.DeploymentId {
		t.Errorf("a deployment was made for nothing")
	}
	target := must(g.control.GetRoutes(ctx, &apigatewayv2.GetRoutesInput{ApiId: &id})).Items[0].Target
	must(g.control.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{ApiId: &id, RouteKey: aws.String("user"), Target: target}))
	if got := live(); *got.DeploymentId == *first.DeploymentId {
		t.Errorf("a new route made no deployment")
	}
	if n := len(must(g.control.GetDeployments(ctx, &apigatewayv2.GetDeploymentsInput{ApiId: &id})).Items); n != 2 {
		t.Errorf("%d deployments, want that of each stage", n)
	}
	if _, err := g.control.CreateDeployment(ctx, &apigatewayv2.CreateDeploymentInput{ApiId: &id, StageName: aws.String("live")}); err == nil {
		t.Errorf("a deployment to a stage that deploys itself was accepted")
	}
	deployment := stageOf(t, g, id).DeploymentId
	if _, err := g.control.DeleteDeployment(ctx, &apigatewayv2.DeleteDeploymentInput{ApiId: &id, DeploymentId: deployment}); err == nil {
		t.Errorf("a deployment that is served was deleted")
	}
}

func TestResolve(t *testing.T) {
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "$default")
	other := g.webSocketAPI(t, "$default")
	must(g.control.CreateStage(t.Context(), &apigatewayv2.CreateStageInput{ApiId: &id, StageName: aws.String("only")}))
	gone := strings.ReplaceAll(connectionID(other).String(), "=", "%3D")
	for _, test := range []struct{ host, target, api, path string }{
		{"q7w2e9r4t1.execute-api.us-east-1.amazonaws.com", "/development?x=/y", "q7w2e9r4t1", "/development"},
		{"q7w2e9r4t1.execute-api.us-east-1.amazonaws.com:4566", "/a%2Fb/c", "q7w2e9r4t1", "/a%2Fb/c"},
		{"Q7W2E9R4T1.execute-api.localhost:4566", "/", "q7w2e9r4t1", "/"},
		{"a.b.execute-api.localhost", "/", "", ""},
		{"execute-api.us-east-1.amazonaws.com", "/", "", ""},
		{"bucket.s3.us-east-1.amazonaws.com", "/x/@connections/y", "", ""},
		{"anything.example", "/_aws/execute-api/abc/live/quotes%20x", "abc", "/live/quotes%20x"},
		{g.Authority, "/_aws/execute-api/abc", "abc", "/"},
		{g.Authority, "/development/@connections/" + gone, other, "/development/@connections/" + gone},
		{g.Authority, "/development/%40connections/" + gone, other, "/development/%40connections/" + gone},
		{g.Authority, "/only/@connections/zz9", id, "/only/@connections/zz9"},
		{"localhost:1", "/only/@connections/zz9", id, "/only/@connections/zz9"},
		{g.Authority, "/only", id, "/only"},
		{g.Authority, "/development", "", ""}, // of two APIs
		{g.Authority, "/v2/apis", "", ""},
		{"example.com", "/only", "", ""},
	} {
		r := must(http.NewRequest("GET", "http://x"+test.target, nil))
		r.Host, r.Header = test.host, http.Header{"Upgrade": {"websocket"}, "Connection": {"upgrade"}}
		api, path, ok := g.Resolve(r)
		if api != test.api || path != test.path || ok != (test.api != "") {
			t.Errorf("%s%s: %q %q %t, want %q %q", test.host, test.target, api, path, ok, test.api, test.path)
		}
	}
	r := must(http.NewRequest("GET", "http://"+g.Authority+"/only", nil))
	if api, _, ok := g.Resolve(r); ok {
		t.Errorf("a plain request for /only was taken for the API %s", api)
	}
}

func FuzzSplitPath(f *testing.F) {
	f.Add("/development/@connections/O9iVddyboAMCJ1A%3D")
	f.Add("/a%2Fb//")
	f.Add("a/%40topics/%2F")
	f.Add("/a/@topics/b/")
	f.Add("%zz")
	f.Fuzz(func(t *testing.T, path string) {
		segments, ok := splitPath(path)
		if ok && len(segments) == 0 {
			t.Errorf("%q has no segments", path)
		}
		to, called := parseCallback(path)
		if want := ok && len(segments) == 3 && (segments[1] == "@connections" || segments[1] == "@topics"); called != want {
			t.Errorf("%q is a call: %t", path, called)
		} else if called && (to != callback{segments[0], segments[2], segments[1] == "@topics"}) {
			t.Errorf("%q calls %+v", path, to)
		}
	})
}
