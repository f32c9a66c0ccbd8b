package truth

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

func TestWebSocketControlPlane(t *testing.T) {
	t.Parallel()
	c := shared(t)
	const service, control = "apigatewayv2", "Control plane §4"
	py, js := c.boto3(t), c.js(t)

	rule(t, "CreateApi answers 201 with the whole object, a ws endpoint without a stage, and the defaults", control, boto3, func(t *testing.T) {
		r := py.call(t, service, "CreateApi", map[string]any{"Name": "stock-watch", "ProtocolType": "WEBSOCKET", "RouteSelectionExpression": "$request.body.action"})
		if r.Status != 201 || !regexp.MustCompile(`^[a-z0-9]{10}$`).MatchString(r.str("ApiId")) || !strings.HasPrefix(r.str("ApiEndpoint"), "ws") ||
			r.str("ApiKeySelectionExpression") != "$request.header.x-api-key" || r.str("DisableExecuteApiEndpoint") != "false" || r.str("IpAddressType") != "ipv4" || r.str("ProtocolType") != "WEBSOCKET" {
			t.Errorf("%d %v", r.Status, r.Answer)
		}
	})
	rule(t, "createdDate is an ISO 8601 time in whole seconds of UTC", "Control plane §1", awsCLI, func(t *testing.T) {
		out, stderr, exit := c.aws(t, "apigatewayv2", "create-api", "--name", "dated", "--protocol-type", "WEBSOCKET", "--route-selection-expression", "$request.body.action", "--output", "json")
		if exit != 0 {
			t.Fatal(stderr)
		}
		if got := field(t, out, "CreatedDate"); !regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\+00:00|Z)$`).MatchString(got) {
			t.Errorf("created %s", got)
		}
	})
	rule(t, "names of APIs are not unique", "Control plane §2", boto3, func(t *testing.T) {
		params := map[string]any{"Name": "twice", "ProtocolType": "WEBSOCKET", "RouteSelectionExpression": "$request.body.action"}
		if a, b := py.call(t, service, "CreateApi", params).str("ApiId"), py.call(t, service, "CreateApi", params).str("ApiId"); a == b {
			t.Errorf("both are %s", a)
		}
	})
	badRequest := func(name, operation string, params func(d *draft) map[string]any) {
		rule(t, name, control, boto3, func(t *testing.T) {
			d := c.draft(t)
			if e := d.fail(operation, params(d)); e.Status != 400 || e.Code != "BadRequestException" {
				t.Errorf("%d %s: %s", e.Status, e.Code, e.Message)
			}
		})
	}
	fixed := func(params map[string]any) func(*draft) map[string]any {
		return func(*draft) map[string]any { return params }
	}
	rule(t, "an unknown protocol is refused: Invalid protocol specified. Must be one of [HTTP, WEBSOCKET]", "Control plane §2", boto3, func(t *testing.T) {
		e := py.fail(t, service, "CreateApi", map[string]any{"Name": "x", "ProtocolType": "GRPC"})
		if e.Status != 400 || e.Message != "Invalid protocol specified. Must be one of [HTTP, WEBSOCKET]" {
			t.Errorf("%d %s", e.Status, e.Message)
		}
	})
	rule(t, "CreateApi without routeSelectionExpression is refused for WEBSOCKET", control, boto3, func(t *testing.T) {
		if e := py.fail(t, service, "CreateApi", map[string]any{"Name": "x", "ProtocolType": "WEBSOCKET"}); e.Code != "BadRequestException" {
			t.Errorf("%s: %s", e.Code, e.Message)
		}
	})
	rule(t, "UpdateApi changes what it names and leaves the rest", control, boto3, func(t *testing.T) {
		d := c.draft(t)
		r := d.call("UpdateApi", map[string]any{"Description": "live prices"})
		if r.Status != 200 || r.str("Description") != "live prices" || r.str("ProtocolType") != "WEBSOCKET" || r.str("RouteSelectionExpression") != "$request.body.action" {
			t.Errorf("%d %v", r.Status, r.Answer)
		}
	})
	rule(t, "DeleteApi answers 204 without a body, and the API is not found afterwards", "Control plane §1", jsSDK, func(t *testing.T) {
		d := c.draft(t)
		if r := js.call(t, service, "DeleteApi", map[string]any{"ApiId": d.id}); r.Status != 204 {
			t.Errorf("status %d", r.Status)
		}
		if e := js.fail(t, service, "GetApi", map[string]any{"ApiId": d.id}); e.Status != 404 || e.Code != "NotFoundException" || e.Message != "Invalid API identifier specified 111122223333:"+d.id {
			t.Errorf("%d %s: %s", e.Status, e.Code, e.Message)
		}
	})
	for operation, test := range map[string]struct {
		params map[string]any
		want   string
	}{
		"GetIntegration":   {map[string]any{"IntegrationId": "nosuch1"}, "Invalid Integration identifier specified nosuch1"},
		"GetRoute":         {map[string]any{"RouteId": "nosuch1"}, "Invalid Route identifier specified nosuch1"},
		"GetAuthorizer":    {map[string]any{"AuthorizerId": "nosuch"}, "Invalid Authorizer identifier specified nosuch"},
		"GetStage":         {map[string]any{"StageName": "nosuch"}, "Invalid stage identifier specified"},
		"GetDeployment":    {map[string]any{"DeploymentId": "nosuch"}, "Invalid Deployment identifier specified nosuch"},
		"GetRouteResponse": {map[string]any{"RouteResponseId": "nosuch1"}, "Invalid RouteResponse identifier specified nosuch1"},
	} {
		rule(t, operation+" of what is not there: "+test.want, "Control plane §2", boto3, func(t *testing.T) {
			d := c.draft(t)
			if operation == "GetRouteResponse" {
				test.params["RouteId"] = d.route("user", d.mock(""))
			}
			e := d.fail(operation, test.params)
			if e.Status != 404 || e.Code != "NotFoundException" || e.Message != test.want {
				t.Errorf("%d %s: %s", e.Status, e.Code, e.Message)
			}
		})
	}
	rule(t, "lists have a page of maxResults and a nextToken until the last", "Control plane §1", boto3, func(t *testing.T) {
		d := c.draft(t)
		in := d.mock("")
		for i := range 5 {
			d.route(fmt.Sprint("r", i), in)
		}
		seen, token := map[string]bool{}, ""
		for pages := 1; ; pages++ {
			params := map[string]any{"MaxResults": "2"}
			if token != "" {
				params["NextToken"] = token
			}
			r := d.call("GetRoutes", params)
			for _, item := range r.list("Items") {
				seen[item.(map[string]any)["RouteKey"].(string)] = true
			}
			if token = r.str("NextToken"); token == "" {
				if pages != 3 || len(seen) != 5 {
					t.Errorf("%d pages with %v", pages, seen)
				}
				return
			}
		}
	})
	rule(t, "an empty list has Items and no NextToken", "Control plane §1", boto3, func(t *testing.T) {
		r := c.draft(t).call("GetRoutes", nil)
		if r.get("Items") == nil || len(r.list("Items")) != 0 || r.get("NextToken") != nil {
			t.Errorf("%v", r.Answer)
		}
	})

	rule(t, "a Lambda proxy integration has payloadFormatVersion 1.0, 29000 ms, INTERNET and WHEN_NO_MATCH by default", control, boto3, func(t *testing.T) {
		r := c.draft(t).call("CreateIntegration", map[string]any{"IntegrationType": "AWS_PROXY", "IntegrationUri": invocationURI("arn:aws:lambda:us-east-1:111122223333:function:watch")})
		if r.Status != 201 || r.str("PayloadFormatVersion") != "1.0" || r.num("TimeoutInMillis") != 29000 || r.str("ConnectionType") != "INTERNET" || r.str("PassthroughBehavior") != "WHEN_NO_MATCH" {
			t.Errorf("%d %v", r.Status, r.Answer)
		}
	})
	rule(t, "the existence of a function is not looked at when its integration is created", control, awsCLI, func(t *testing.T) {
		d := c.draft(t)
		if _, stderr, exit := c.aws(t, "apigatewayv2", "create-integration", "--api-id", d.id, "--integration-type", "AWS_PROXY",
			"--integration-uri", invocationURI("arn:aws:lambda:us-east-1:111122223333:function:nowhere")); exit != 0 {
			t.Error(stderr)
		}
	})
	for timeout, ok := range map[int]bool{49: false, 50: true, 29000: true, 29001: false} {
		rule(t, fmt.Sprintf("timeoutInMillis of %d is taken for a WebSocket API: %t", timeout, ok), control, boto3, func(t *testing.T) {
			r := py.do(t, service, "CreateIntegration", map[string]any{"ApiId": c.draft(t).id, "IntegrationType": "MOCK", "TimeoutInMillis": timeout})
			if (r.Status == 201) != ok {
				t.Errorf("%d %s", r.Status, r.Message)
			}
		})
	}
	rule(t, "a non-proxy integration shows the response selection expression that its type has", control, boto3, func(t *testing.T) {
		d := c.draft(t)
		for want, params := range map[string]map[string]any{
			"${integration.response.statuscode}":        {"IntegrationType": "MOCK"},
			"${integration.response.body.errorMessage}": {"IntegrationType": "AWS", "IntegrationUri": invocationURI("arn:aws:lambda:us-east-1:111122223333:function:watch")},
		} {
			if got := d.call("CreateIntegration", params).str("IntegrationResponseSelectionExpression"); got != want {
				t.Errorf("%v: %s", params, got)
			}
		}
	})
	choice(t, "a plain function ARN as the URI of a WebSocket API's integration is refused, as AWS never invokes it", control, boto3, func(t *testing.T) {
		e := c.draft(t).fail("CreateIntegration", map[string]any{"IntegrationType": "AWS_PROXY", "IntegrationUri": "arn:aws:lambda:us-east-1:111122223333:function:watch"})
		if e.Code != "BadRequestException" || !strings.Contains(e.Message, "/2015-03-31/functions/") {
			t.Errorf("%s: %s", e.Code, e.Message)
		}
	})
	badRequest("an integration type that AWS does not have is refused", "CreateIntegration", fixed(map[string]any{"IntegrationType": "KAFKA"}))
	badRequest("payloadFormatVersion 2.0 is refused for a WebSocket API", "CreateIntegration", fixed(map[string]any{"IntegrationType": "AWS_PROXY", "PayloadFormatVersion": "2.0", "IntegrationUri": invocationURI("arn:aws:lambda:us-east-1:111122223333:function:watch")}))
	badRequest("an integration with a service of AWS needs credentialsArn", "CreateIntegration", fixed(map[string]any{"IntegrationType": "AWS", "IntegrationMethod": "POST", "IntegrationUri": "arn:aws:apigateway:us-east-1:dynamodb:action/PutItem"}))
	difference(t, "an integration with a service that this cloud does not have is refused by name", control, boto3, "on AWS every service can be integrated", func(t *testing.T) {
		e := c.draft(t).fail("CreateIntegration", map[string]any{"IntegrationType": "AWS", "IntegrationMethod": "POST",
			"CredentialsArn": "arn:aws:iam::111122223333:role/gateway", "IntegrationUri": "arn:aws:apigateway:us-east-1:sqs:action/SendMessage"})
		if e.Code != "BadRequestException" || !strings.Contains(e.Message, "sqs:action") {
			t.Errorf("%s: %s", e.Code, e.Message)
		}
	})
	badRequest("an integration response whose key is neither $default nor a pattern in slashes is refused", "CreateIntegrationResponse", func(d *draft) map[string]any {
		return map[string]any{"IntegrationId": d.mock(""), "IntegrationResponseKey": "200"}
	})
	badRequest("a private integration is refused", "CreateIntegration", fixed(map[string]any{"IntegrationType": "HTTP_PROXY", "IntegrationMethod": "GET", "IntegrationUri": "http://x", "ConnectionType": "VPC_LINK", "ConnectionId": "abc"}))

	rule(t, "a route has authorizationType NONE and apiKeyRequired false by default", control, boto3, func(t *testing.T) {
		r := c.draft(t).call("CreateRoute", map[string]any{"RouteKey": "user"})
		if r.Status != 201 || r.str("AuthorizationType") != "NONE" || r.str("ApiKeyRequired") != "false" || len(r.str("RouteId")) < 6 {
			t.Errorf("%d %v", r.Status, r.Answer)
		}
	})
	rule(t, "a second route of the same key is a conflict", "Control plane §2", boto3, func(t *testing.T) {
		d := c.draft(t)
		d.call("CreateRoute", map[string]any{"RouteKey": "user"})
		if e := d.fail("CreateRoute", map[string]any{"RouteKey": "user"}); e.Status != 409 || e.Code != "ConflictException" || e.Message != "Route with key user already exists for this API" {
			t.Errorf("%d %s: %s", e.Status, e.Code, e.Message)
		}
	})
	badRequest("a route key that begins with $ and is none of the three is refused", "CreateRoute", fixed(map[string]any{"RouteKey": "$user"}))
	badRequest("a route response selection expression other than $default is refused", "CreateRoute", fixed(map[string]any{"RouteKey": "user", "RouteResponseSelectionExpression": "$request.body.x"}))
	badRequest("a target that is no integration of the API is refused", "CreateRoute", fixed(map[string]any{"RouteKey": "user", "Target": "integrations/nosuch1"}))
	badRequest("a route response whose key is not $default is refused", "CreateRouteResponse", func(d *draft) map[string]any {
		return map[string]any{"RouteId": d.route("user", d.mock("")), "RouteResponseKey": "200"}
	})
	choice(t, "apiKeyRequired is refused by name", control, boto3, func(t *testing.T) {
		if e := c.draft(t).fail("CreateRoute", map[string]any{"RouteKey": "user", "ApiKeyRequired": true}); e.Code != "BadRequestException" || !strings.Contains(e.Message, "apiKeyRequired") {
			t.Errorf("%s: %s", e.Code, e.Message)
		}
	})
	rule(t, "an integration that a route targets cannot be deleted", control, boto3, func(t *testing.T) {
		d := c.draft(t)
		in := d.mock("")
		d.route("user", in)
		if e := d.fail("DeleteIntegration", map[string]any{"IntegrationId": in}); e.Status != 409 || !strings.Contains(e.Message, "as it is a target of Route(s)") {
			t.Errorf("%d %s", e.Status, e.Message)
		}
	})
	rule(t, "the authorizer of $connect cannot be deleted while the route uses it", control, boto3, func(t *testing.T) {
		d := c.draft(t)
		id := d.call("CreateAuthorizer", map[string]any{"Name": "gate", "AuthorizerType": "REQUEST", "IdentitySource": []any{"route.request.header.Auth"},
			"AuthorizerUri": invocationURI("arn:aws:lambda:us-east-1:111122223333:function:gate")}).str("AuthorizerId")
		d.route("$connect", d.mock(""), map[string]any{"AuthorizationType": "CUSTOM", "AuthorizerId": id})
		if e := d.fail("DeleteAuthorizer", map[string]any{"AuthorizerId": id}); e.Status != 409 || e.Code != "ConflictException" {
			t.Errorf("%d %s", e.Status, e.Code)
		}
	})

	rule(t, "a stage shows empty maps and the default route settings of a WebSocket API", control, boto3, func(t *testing.T) {
		r := c.draft(t).call("CreateStage", map[string]any{"StageName": "development"})
		if r.Status != 201 || r.str("DefaultRouteSettings.LoggingLevel") != "OFF" || r.str("DefaultRouteSettings.DataTraceEnabled") != "false" ||
			r.get("RouteSettings") == nil || r.get("StageVariables") == nil || r.get("Tags") == nil || r.get("DeploymentId") != nil {
			t.Errorf("%d %v", r.Status, r.Answer)
		}
	})
	rule(t, "a second stage of the same name is a conflict", "Control plane §2", boto3, func(t *testing.T) {
		d := c.draft(t)
		d.call("CreateStage", map[string]any{"StageName": "development"})
		if e := d.fail("CreateStage", map[string]any{"StageName": "development"}); e.Status != 409 || e.Message != "Stage already exists" {
			t.Errorf("%d %s", e.Status, e.Message)
		}
	})
	badRequest("a WebSocket API has no $default stage", "CreateStage", fixed(map[string]any{"StageName": "$default"}))
	badRequest("a stage name with a slash is refused", "CreateStage", fixed(map[string]any{"StageName": "a/b"}))
	rule(t, "a stage cannot be pointed at a deployment that is not there", control, boto3, func(t *testing.T) {
		if e := c.draft(t).fail("CreateStage", map[string]any{"StageName": "development", "DeploymentId": "nosuch"}); e.Status != 404 {
			t.Errorf("%d %s", e.Status, e.Message)
		}
	})
	rule(t, "tags of APIs and stages are set, told and removed by ARN", control, jsSDK, func(t *testing.T) {
		d := c.draft(t)
		d.call("CreateStage", map[string]any{"StageName": "development"})
		for _, arn := range []string{"arn:aws:apigateway:us-east-1::/apis/" + d.id, "arn:aws:apigateway:us-east-1::/apis/" + d.id + "/stages/development"} {
			if r := js.call(t, service, "TagResource", map[string]any{"ResourceArn": arn, "Tags": map[string]any{"a": "1", "b": "2"}}); r.Status != 201 {
				t.Errorf("TagResource: %d", r.Status)
			}
			js.call(t, service, "UntagResource", map[string]any{"ResourceArn": arn, "TagKeys": []any{"a"}})
			if got, _ := json.Marshal(js.call(t, service, "GetTags", map[string]any{"ResourceArn": arn}).get("Tags")); string(got) != `{"b":"2"}` {
				t.Errorf("%s has %s", arn, got)
			}
		}
	})
	rule(t, "the control plane is judged by apigateway:VERB on the path without version and account", "Control plane §2", boto3, func(t *testing.T) {
		d, name := c.draft(t), unique("operator")
		py.call(t, "iam", "CreateUser", map[string]any{"UserName": name})
		py.call(t, "iam", "PutUserPolicy", map[string]any{"UserName": name, "PolicyName": "may", "PolicyDocument": allow("apigateway:GET", "arn:aws:apigateway:us-east-1::/apis/"+d.id)})
		key := py.call(t, "iam", "CreateAccessKey", map[string]any{"UserName": name})
		operator := py.as(key.str("AccessKey.AccessKeyId"), key.str("AccessKey.SecretAccessKey"), "")
		operator.call(t, service, "GetApi", map[string]any{"ApiId": d.id})
		for _, operation := range []string{"DeleteApi", "GetRoutes"} {
			if e := operator.fail(t, service, operation, map[string]any{"ApiId": d.id}); e.Status != 403 || e.Code != "AccessDeniedException" {
				t.Errorf("%s: %d %s", operation, e.Status, e.Code)
			}
		}
	})
}

func TestWebSocketDeployments(t *testing.T) {
	t.Parallel()
	c := shared(t)
	const source = "WebSocket §8"
	rule(t, "an API without routes cannot be deployed", "Control plane §4", boto3, func(t *testing.T) {
		if e := c.draft(t).fail("CreateDeployment", nil); e.Status != 400 || e.Message != "At least one route is required before deploying the Api." {
			t.Errorf("%d %s", e.Status, e.Message)
		}
	})
	rule(t, "every route of a WebSocket API needs an integration to be deployed", "Control plane §4", boto3, func(t *testing.T) {
		d := c.draft(t)
		d.call("CreateRoute", map[string]any{"RouteKey": "user"})
		if e := d.fail("CreateDeployment", nil); e.Status != 400 || e.Code != "BadRequestException" {
			t.Errorf("%d %s", e.Status, e.Message)
		}
	})
	rule(t, "a deployment is DEPLOYED and not autoDeployed, and points the named stage at itself", "Control plane §4", boto3, func(t *testing.T) {
		d := c.draft(t)
		d.route("user", d.mock(""))
		d.call("CreateStage", map[string]any{"StageName": "development"})
		r := d.call("CreateDeployment", map[string]any{"StageName": "development"})
		if r.Status != 201 || r.str("DeploymentStatus") != "DEPLOYED" || r.str("AutoDeployed") != "false" {
			t.Errorf("%d %v", r.Status, r.Answer)
		}
		if got := d.call("GetStage", map[string]any{"StageName": "development"}).str("DeploymentId"); got != r.str("DeploymentId") {
			t.Errorf("the stage has %s", got)
		}
	})
	rule(t, "CreateDeployment for a stage that is not there is NotFoundException", "Control plane §4", boto3, func(t *testing.T) {
		d := c.draft(t)
		d.route("user", d.mock(""))
		if e := d.fail("CreateDeployment", map[string]any{"StageName": "nosuch"}); e.Status != 404 || e.Code != "NotFoundException" {
			t.Errorf("%d %s", e.Status, e.Code)
		}
	})
	rule(t, "what is created after a deployment changes nothing for clients until the next one", source, stockWS, func(t *testing.T) {
		d := c.draft(t)
		d.route("$default!", d.mock("old"))
		a := d.deploy(nil)
		d.route("new!", d.mock("new"))
		if got := a.ask(t, `{"action":"new"}`); got != "old" {
			t.Errorf("before the deployment: %s", got)
		}
		d.call("CreateDeployment", map[string]any{"StageName": a.Stage})
		if got := a.ask(t, `{"action":"new"}`); got != "new" {
			t.Errorf("after it: %s", got)
		}
	})
	rule(t, "a stage that is pointed back at an older deployment serves that again", source, stockWS, func(t *testing.T) {
		d := c.draft(t)
		d.route("$default!", d.mock("old"))
		a := d.deploy(nil)
		old := d.call("GetStage", map[string]any{"StageName": a.Stage}).str("DeploymentId")
		d.route("new!", d.mock("new"))
		d.call("CreateDeployment", map[string]any{"StageName": a.Stage})
		d.call("UpdateStage", map[string]any{"StageName": a.Stage, "DeploymentId": old})
		if got := a.ask(t, `{"action":"new"}`); got != "old" {
			t.Errorf("got %s", got)
		}
	})
	choice(t, "a connection that is open across a deployment stays open and sees the new one from its next message on", source, stockWS, func(t *testing.T) {
		d := c.draft(t)
		d.route("$default!", d.mock("old"))
		a := d.deploy(nil)
		ws := dial(t, a.URL)
		d.route("new!", d.mock("new"))
		d.call("CreateDeployment", map[string]any{"StageName": a.Stage})
		ws.Send(`{"action":"new"}`)
		if got := ws.Text(); got != "new" {
			t.Errorf("got %s", got)
		}
	})
	rule(t, "a stage with autoDeploy follows each change at once, by deployments that are autoDeployed", source, stockWS, func(t *testing.T) {
		d := c.draft(t)
		d.route("$default!", d.mock("old"))
		a := d.deploy(map[string]any{"AutoDeploy": true})
		d.route("new!", d.mock("new"))
		if got := a.ask(t, `{"action":"new"}`); got != "new" {
			t.Errorf("got %s", got)
		}
		id := d.call("GetStage", map[string]any{"StageName": a.Stage}).str("DeploymentId")
		if got := d.call("GetDeployment", map[string]any{"DeploymentId": id}).str("AutoDeployed"); got != "true" {
			t.Errorf("autoDeployed %s", got)
		}
	})
	choice(t, "an explicit deployment to a stage with autoDeploy is refused with BadRequestException", "Control plane §4", boto3, func(t *testing.T) {
		d := c.draft(t)
		d.route("$default", d.mock(""))
		d.deploy(map[string]any{"AutoDeploy": true})
		if e := d.fail("CreateDeployment", map[string]any{"StageName": "development"}); e.Status != 400 || e.Code != "BadRequestException" {
			t.Errorf("%d %s", e.Status, e.Code)
		}
	})
	choice(t, "a deployment that a stage serves cannot be deleted: ConflictException", "Control plane §4", boto3, func(t *testing.T) {
		d := c.draft(t)
		d.route("$default", d.mock(""))
		d.deploy(nil)
		id := d.call("GetStage", map[string]any{"StageName": "development"}).str("DeploymentId")
		if e := d.fail("DeleteDeployment", map[string]any{"DeploymentId": id}); e.Status != 409 || e.Code != "ConflictException" {
			t.Errorf("%d %s", e.Status, e.Code)
		}
	})
	rule(t, "stage variables act without a deployment", source, stockWS, func(t *testing.T) {
		d := c.draft(t)
		in := d.integration(map[string]any{"IntegrationType": "MOCK", "RequestTemplates": map[string]any{"$default": `{"statusCode":200}`}})
		d.answers(in, "$default", "$stageVariables.mode")
		d.route("$default!", in)
		a := d.deploy(map[string]any{"StageVariables": map[string]any{"mode": "test"}})
		d.call("UpdateStage", map[string]any{"StageName": a.Stage, "StageVariables": map[string]any{"mode": "live"}})
		if got := a.ask(t, "x"); got != "live" {
			t.Errorf("got %s", got)
		}
	})
}
