package truth

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const v2 = "apigatewayv2"

// bare makes an API of which nothing is deployed, and returns its id.
func bare(t *testing.T, c caller, more params) string {
	t.Helper()
	p := params{"Name": unique("bare"), "ProtocolType": "WEBSOCKET", "RouteSelectionExpression": "$request.body.action"}
	for k, v := range more {
		p[k] = v
	}
	return c.call(t, v2, "CreateApi", p).str("ApiId")
}

// ids returns a member of each item of a list.
func (a answer) ids(member string) (all []string) {
	for i := range a.list("Items") {
		all = append(all, a.str(fmt.Sprintf("Items.%d.%s", i, member)))
	}
	return all
}

// The control plane of API Gateway v2: statuses, texts, pages, labels, tags, duplicates and what holds what in place.
func TestControlPlaneOfWebSocketAPIs(t *testing.T) {
	t.Parallel()
	c := shared(t)
	py, js := c.boto3(t), c.js(t)
	account := py.call(t, "sts", "GetCallerIdentity", nil).str("Account")
	id := bare(t, py, params{"Tags": params{"team": "quotes"}})
	mock := params{"ApiId": id, "IntegrationType": "MOCK"}
	integration := py.call(t, v2, "CreateIntegration", mock).str("IntegrationId")
	route := py.call(t, v2, "CreateRoute", params{"ApiId": id, "RouteKey": "ping", "Target": "integrations/" + integration}).str("RouteId")
	py.call(t, v2, "CreateStage", params{"ApiId": id, "StageName": "test"})
	py.call(t, v2, "CreateDeployment", params{"ApiId": id, "StageName": "test"})

	rule(t, "a creation is answered with 201 and the whole object", "Control plane §1", boto3, func(t *testing.T) {
		a := py.call(t, v2, "CreateApi", params{"Name": "whole", "ProtocolType": "WEBSOCKET", "RouteSelectionExpression": "$request.body.action"})
		if a.Status != 201 || a.str("Name") != "whole" || a.str("ApiKeySelectionExpression") != "$request.header.x-api-key" ||
			a.str("DisableExecuteApiEndpoint") != "false" || a.str("IpAddressType") != "ipv4" || a.get("Tags") == nil {
			t.Errorf("%d %v", a.Status, a.Answer)
		}
	})
	rule(t, "an update is answered with 200 and the whole object; what it does not name stays", "Control plane §1", jsSDK, func(t *testing.T) {
		id := bare(t, py, params{"Description": "old", "Version": "1"})
		if a := js.call(t, v2, "UpdateApi", params{"ApiId": id, "Description": "new"}); a.Status != 200 || a.str("Description") != "new" || a.str("Version") != "1" {
			t.Errorf("%d %v", a.Status, a.Answer)
		}
	})
	rule(t, "a deletion is answered with 204 and no body", "Control plane §1", boto3, func(t *testing.T) {
		if a := py.call(t, v2, "DeleteApi", params{"ApiId": bare(t, py, nil)}); a.Status != 204 || a.Headers["content-type"] != "" {
			t.Errorf("%d %v", a.Status, a.Headers)
		}
	})
	rule(t, "answers carry x-amzn-requestid and x-amz-apigw-id", "Control plane §1", boto3, func(t *testing.T) {
		if h := py.call(t, v2, "GetApi", params{"ApiId": id}).Headers; h["x-amzn-requestid"] == "" || h["x-amz-apigw-id"] == "" {
			t.Errorf("%v", h)
		}
	})
	rule(t, "times are whole seconds of UTC", "Control plane §1", awsCLI, func(t *testing.T) {
		out, stderr, status := c.aws(t, v2, "get-api", "--api-id", id)
		var api struct{ CreatedDate string }
		if err := json.Unmarshal([]byte(out), &api); err != nil || status != 0 {
			t.Fatalf("%s%s", out, stderr)
		}
		at, err := time.Parse(time.RFC3339, api.CreatedDate)
		if err != nil || at.Nanosecond() != 0 || time.Since(at) > time.Hour || time.Until(at) > time.Minute {
			t.Errorf("createdDate %s", api.CreatedDate)
		}
	})
	rule(t, "an empty list has items and no nextToken", "Control plane §1", jsSDK, func(t *testing.T) {
		a := js.call(t, v2, "GetRoutes", params{"ApiId": bare(t, py, nil)})
		if items, ok := a.get("Items").([]any); !ok || len(items) != 0 || a.get("NextToken") != nil {
			t.Errorf("%v", a.Answer)
		}
	})
	rule(t, "maxResults pages a list, and nextToken goes on until the last page, which has none", "Control plane §1", boto3, func(t *testing.T) {
		id := bare(t, py, nil)
		want := []string{"a", "b", "c"}
		for _, key := range want {
			py.call(t, v2, "CreateRoute", params{"ApiId": id, "RouteKey": key})
		}
		var got []string
		p := params{"ApiId": id, "MaxResults": "2"}
		for pages := 1; ; pages++ {
			a := py.call(t, v2, "GetRoutes", p)
			got = append(got, a.ids("RouteKey")...)
			token := a.str("NextToken")
			if token == "" {
				if pages != 2 {
					t.Errorf("%d pages of two for three routes", pages)
				}
				break
			}
			p["NextToken"] = token
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("routes %q", got)
		}
	})
	choice(t, "a maxResults that is no number is refused", "Control plane §1", boto3, func(t *testing.T) {
		refusedAs(t, py.fail(t, v2, "GetRoutes", params{"ApiId": id, "MaxResults": "many"}), 400, "BadRequestException", "maxResults")
	})
	rule(t, "labels of a path are percent-encoded: the settings of $connect can be deleted", "Control plane §1", boto3, func(t *testing.T) {
		id := bare(t, py, nil)
		py.call(t, v2, "CreateRoute", params{"ApiId": id, "RouteKey": "$connect"})
		py.call(t, v2, "CreateStage", params{"ApiId": id, "StageName": "test", "RouteSettings": params{"$connect": params{"ThrottlingRateLimit": 5, "ThrottlingBurstLimit": 5}}})
		py.call(t, v2, "DeleteRouteSettings", params{"ApiId": id, "StageName": "test", "RouteKey": "$connect"})
		if a := py.call(t, v2, "GetStage", params{"ApiId": id, "StageName": "test"}); len(a.get("RouteSettings").(map[string]any)) != 0 {
			t.Errorf("%v", a.get("RouteSettings"))
		}
	})

	arn := "arn:aws:apigateway:us-east-1::/apis/" + id
	rule(t, "an API's ARN has no account, and names it to TagResource, GetTags and UntagResource", "Control plane §3", jsSDK, func(t *testing.T) {
		js.call(t, v2, "TagResource", params{"ResourceArn": arn, "Tags": params{"a": "1", "b": "2", "c": "3"}})
		js.call(t, v2, "UntagResource", params{"ResourceArn": arn, "TagKeys": []any{"a", "b"}})
		tags, _ := js.call(t, v2, "GetTags", params{"ResourceArn": arn}).get("Tags").(map[string]any)
		if len(tags) != 2 || tags["c"] != "3" || tags["team"] != "quotes" {
			t.Errorf("tags %v", tags)
		}
	})
	rule(t, "tagging is answered with 201, untagging with 204", "Control plane §1", boto3, func(t *testing.T) {
		arn := "arn:aws:apigateway:us-east-1::/apis/" + bare(t, py, nil)
		tag := py.call(t, v2, "TagResource", params{"ResourceArn": arn, "Tags": params{"a": "1"}})
		untag := py.call(t, v2, "UntagResource", params{"ResourceArn": arn, "TagKeys": []any{"a"}})
		if tag.Status != 201 || untag.Status != 204 {
			t.Errorf("%d, %d", tag.Status, untag.Status)
		}
	})
	rule(t, "a stage has tags of its own", "Control plane §3", boto3, func(t *testing.T) {
		stage := arn + "/stages/test"
		py.call(t, v2, "TagResource", params{"ResourceArn": stage, "Tags": params{"s": "1"}})
		if got := py.call(t, v2, "GetStage", params{"ApiId": id, "StageName": "test"}); got.str("Tags.s") != "1" {
			t.Errorf("%v", got.Answer)
		}
	})

	for _, missing := range []struct {
		what, operation string
		params          params
		text            string
	}{
		{"an API", "GetApi", params{"ApiId": "nowhere123"}, "Invalid API identifier specified " + account + ":nowhere123"},
		{"a route", "GetRoute", params{"ApiId": id, "RouteId": "nowhere"}, "Invalid Route identifier specified nowhere"},
		{"an integration", "GetIntegration", params{"ApiId": id, "IntegrationId": "nowhere"}, "Invalid Integration identifier specified nowhere"},
		{"an integration response", "GetIntegrationResponse", params{"ApiId": id, "IntegrationId": integration, "IntegrationResponseId": "nowhere"}, "Invalid IntegrationResponse identifier specified nowhere"},
		{"a route response", "GetRouteResponse", params{"ApiId": id, "RouteId": route, "RouteResponseId": "nowhere"}, "Invalid RouteResponse identifier specified nowhere"},
		{"an authorizer", "GetAuthorizer", params{"ApiId": id, "AuthorizerId": "nowhere"}, "Invalid Authorizer identifier specified nowhere"},
		{"a stage", "GetStage", params{"ApiId": id, "StageName": "nowhere"}, "Invalid stage identifier specified"},
		{"a deployment", "GetDeployment", params{"ApiId": id, "DeploymentId": "nowhere"}, "Invalid Deployment identifier specified nowhere"},
	} {
		rule(t, missing.what+" that is not there is NotFoundException, 404: "+generic(missing.text, account), "Control plane §2", boto3, func(t *testing.T) {
			refusedAs(t, py.fail(t, v2, missing.operation, missing.params), 404, "NotFoundException", missing.text)
		})
	}
	rule(t, "what is below an API that is not there is refused with the API's text", "Control plane §2", jsSDK, func(t *testing.T) {
		refusedAs(t, js.fail(t, v2, "CreateRoute", params{"ApiId": "nowhere123", "RouteKey": "x"}), 404, "NotFoundException", "Invalid API identifier specified")
	})
	rule(t, "another protocol is refused with the list of those that there are", "Control plane §2", boto3, func(t *testing.T) {
		refusedAs(t, py.fail(t, v2, "CreateApi", params{"Name": "x", "ProtocolType": "GOPHER"}), 400, "BadRequestException", "Invalid protocol specified. Must be one of [HTTP, WEBSOCKET]")
	})
	rule(t, "names of APIs are not unique: creating one twice makes two", "Control plane §2", jsSDK, func(t *testing.T) {
		p := params{"Name": unique("twin")}
		if a, b := bare(t, js, p), bare(t, js, p); a == b {
			t.Errorf("both are %s", a)
		}
	})
	rule(t, "a route with a key that another has is ConflictException, 409", "Control plane §2", awsCLI, func(t *testing.T) {
		_, stderr, status := c.aws(t, v2, "create-route", "--api-id", id, "--route-key", "ping")
		if status == 0 || !strings.Contains(stderr, "(ConflictException)") || !strings.Contains(stderr, "Route with key ping already exists for this API") {
			t.Errorf("exit %d: %s", status, stderr)
		}
	})
	rule(t, "a stage with a name that another has is ConflictException, 409", "Control plane §2", boto3, func(t *testing.T) {
		refusedAs(t, py.fail(t, v2, "CreateStage", params{"ApiId": id, "StageName": "test"}), 409, "ConflictException", "Stage already exists")
	})
	rule(t, "an update of a route to a key that another has is ConflictException", "Control plane §2", boto3, func(t *testing.T) {
		id := bare(t, py, nil)
		py.call(t, v2, "CreateRoute", params{"ApiId": id, "RouteKey": "a"})
		b := py.call(t, v2, "CreateRoute", params{"ApiId": id, "RouteKey": "b"}).str("RouteId")
		refusedAs(t, py.fail(t, v2, "UpdateRoute", params{"ApiId": id, "RouteId": b, "RouteKey": "a"}), 409, "ConflictException", "already exists")
	})

	rule(t, "an id of an API is 10 small letters and digits, those below it 6 or 7", "Control plane §3", boto3, func(t *testing.T) {
		if !regexp.MustCompile(`^[a-z0-9]{10}$`).MatchString(id) {
			t.Errorf("API %s", id)
		}
		for _, below := range []string{integration, route} {
			if !regexp.MustCompile(`^[a-z0-9]{6,7}$`).MatchString(below) {
				t.Errorf("below it: %s", below)
			}
		}
	})
	rule(t, "a name of a stage is of letters, digits, hyphens and underscores", "Control plane §3", boto3, func(t *testing.T) {
		id := bare(t, py, nil)
		py.call(t, v2, "CreateStage", params{"ApiId": id, "StageName": "a-B_3"})
		refusedAs(t, py.fail(t, v2, "CreateStage", params{"ApiId": id, "StageName": "a.b"}), 400, "BadRequestException", "")
	})
	rule(t, "the stage $default is for HTTP APIs only", "Control plane §3", jsSDK, func(t *testing.T) {
		refusedAs(t, js.fail(t, v2, "CreateStage", params{"ApiId": bare(t, py, nil), "StageName": "$default"}), 400, "BadRequestException", "")
	})

	rule(t, "a WebSocket API needs a route selection expression", "Control plane §4", boto3, func(t *testing.T) {
		refusedAs(t, py.fail(t, v2, "CreateApi", params{"Name": "x", "ProtocolType": "WEBSOCKET"}), 400, "BadRequestException", "RouteSelectionExpression")
	})
	rule(t, "the endpoint of a WebSocket API is ws:// or wss:// without a stage", "Control plane §4", boto3, func(t *testing.T) {
		endpoint := py.call(t, v2, "GetApi", params{"ApiId": id}).str("ApiEndpoint")
		if !strings.HasPrefix(endpoint, "ws") || !strings.HasSuffix(endpoint, id) {
			t.Errorf("apiEndpoint %s", endpoint)
		}
	})
	rule(t, "an integration of a WebSocket API shows the defaults: INTERNET, WHEN_NO_MATCH, payload format 1.0, 29,000 ms", "Control plane §4", boto3, func(t *testing.T) {
		a := py.call(t, v2, "CreateIntegration", params{"ApiId": id, "IntegrationType": "AWS_PROXY",
			"IntegrationUri": "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:" + account + ":function:nowhere/invocations"})
		if a.str("ConnectionType") != "INTERNET" || a.str("PassthroughBehavior") != "WHEN_NO_MATCH" || a.str("PayloadFormatVersion") != "1.0" || a.num("TimeoutInMillis") != 29000 {
			t.Errorf("%v", a.Answer)
		}
	})
	rule(t, "the function of an integration need not exist", "Control plane §4", awsCLI, func(t *testing.T) {
		_, stderr, status := c.aws(t, v2, "create-integration", "--api-id", id, "--integration-type", "AWS_PROXY", "--integration-uri",
			"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:"+account+":function:never/invocations")
		if status != 0 {
			t.Error(stderr)
		}
	})
	rule(t, "an integration of a WebSocket API may take 50 ms to 29 s", "Control plane §4", boto3, func(t *testing.T) {
		for _, ms := range []int{49, 29001} {
			refusedAs(t, py.fail(t, v2, "CreateIntegration", params{"ApiId": id, "IntegrationType": "MOCK", "TimeoutInMillis": ms}), 400, "BadRequestException", "29000 ms")
		}
	})
	rule(t, "keys of a WebSocket API's routes begin with $ only if they are $connect, $disconnect or $default", "Control plane §4", jsSDK, func(t *testing.T) {
		refusedAs(t, js.fail(t, v2, "CreateRoute", params{"ApiId": id, "RouteKey": "$message"}), 400, "BadRequestException", "$message")
	})
	rule(t, "a WebSocket API authorizes on $connect only", "Control plane §4", boto3, func(t *testing.T) {
		refusedAs(t, py.fail(t, v2, "CreateRoute", params{"ApiId": id, "RouteKey": "guarded", "AuthorizationType": "AWS_IAM"}), 400, "BadRequestException", "$connect")
	})
	rule(t, "a route needs no target, and is not authorized unless it says so", "Control plane §4", boto3, func(t *testing.T) {
		a := py.call(t, v2, "CreateRoute", params{"ApiId": bare(t, py, nil), "RouteKey": "free"})
		if a.str("AuthorizationType") != "NONE" || a.str("ApiKeyRequired") != "false" || a.get("Target") != nil {
			t.Errorf("%v", a.Answer)
		}
	})
	rule(t, "a WebSocket stage shows the defaults of its settings: no tracing, no detailed metrics, logging OFF", "Control plane §4", boto3, func(t *testing.T) {
		a := py.call(t, v2, "GetStage", params{"ApiId": id, "StageName": "test"})
		if a.str("DefaultRouteSettings.DataTraceEnabled") != "false" || a.str("DefaultRouteSettings.DetailedMetricsEnabled") != "false" ||
			a.str("DefaultRouteSettings.LoggingLevel") != "OFF" || a.get("RouteSettings") == nil || a.get("StageVariables") == nil {
			t.Errorf("%v", a.Answer)
		}
	})
	rule(t, "a stage may be created before any deployment", "Control plane §4", jsSDK, func(t *testing.T) {
		if a := js.call(t, v2, "CreateStage", params{"ApiId": bare(t, py, nil), "StageName": "early"}); a.get("DeploymentId") != nil {
			t.Errorf("%v", a.Answer)
		}
	})
	rule(t, "a deployment needs a route", "Control plane §4", awsCLI, func(t *testing.T) {
		_, stderr, status := c.aws(t, v2, "create-deployment", "--api-id", bare(t, py, nil))
		if status == 0 || !strings.Contains(stderr, "At least one route is required before deploying the Api.") {
			t.Errorf("exit %d: %s", status, stderr)
		}
	})
	rule(t, "a deployment with a stage's name points the stage at it", "Control plane §4", boto3, func(t *testing.T) {
		d := py.call(t, v2, "CreateDeployment", params{"ApiId": id, "StageName": "test"})
		if got := py.call(t, v2, "GetStage", params{"ApiId": id, "StageName": "test"}).str("DeploymentId"); got != d.str("DeploymentId") || d.str("DeploymentStatus") != "DEPLOYED" {
			t.Errorf("the stage serves %s, deployed was %v", got, d.Answer)
		}
	})
	rule(t, "a deployment to a stage that is not there is NotFoundException", "Control plane §4", boto3, func(t *testing.T) {
		refusedAs(t, py.fail(t, v2, "CreateDeployment", params{"ApiId": id, "StageName": "nowhere"}), 404, "NotFoundException", "Invalid stage identifier specified")
	})
	rule(t, "autoDeploy makes deployments that say so", "Control plane §4", boto3, func(t *testing.T) {
		id := bare(t, py, nil)
		in := py.call(t, v2, "CreateIntegration", params{"ApiId": id, "IntegrationType": "MOCK"}).str("IntegrationId")
		py.call(t, v2, "CreateStage", params{"ApiId": id, "StageName": "live", "AutoDeploy": true})
		py.call(t, v2, "CreateRoute", params{"ApiId": id, "RouteKey": "a", "Target": "integrations/" + in})
		stage := py.call(t, v2, "GetStage", params{"ApiId": id, "StageName": "live"})
		d := py.call(t, v2, "GetDeployment", params{"ApiId": id, "DeploymentId": stage.str("DeploymentId")})
		if d.str("AutoDeployed") != "true" || !strings.Contains(stage.str("LastDeploymentStatusMessage"), "Successfully deployed") {
			t.Errorf("%v %v", stage.Answer, d.Answer)
		}
	})
	rule(t, "an integration that is the target of a route cannot be deleted: ConflictException, 409", "Control plane §4", boto3, func(t *testing.T) {
		refusedAs(t, py.fail(t, v2, "DeleteIntegration", params{"ApiId": id, "IntegrationId": integration}), 409, "ConflictException", integration)
	})
	choice(t, "a deployment that a stage serves cannot be deleted: ConflictException, 409", "Control plane §4", jsSDK, func(t *testing.T) {
		id := bare(t, py, nil)
		in := py.call(t, v2, "CreateIntegration", params{"ApiId": id, "IntegrationType": "MOCK"}).str("IntegrationId")
		py.call(t, v2, "CreateRoute", params{"ApiId": id, "RouteKey": "a", "Target": "integrations/" + in})
		py.call(t, v2, "CreateStage", params{"ApiId": id, "StageName": "live"})
		d := py.call(t, v2, "CreateDeployment", params{"ApiId": id, "StageName": "live"}).str("DeploymentId")
		refusedAs(t, js.fail(t, v2, "DeleteDeployment", params{"ApiId": id, "DeploymentId": d}), 409, "ConflictException", "stage")
		py.call(t, v2, "DeleteStage", params{"ApiId": id, "StageName": "live"})
		js.call(t, v2, "DeleteDeployment", params{"ApiId": id, "DeploymentId": d})
	})
	rule(t, "deleting an API deletes everything below it", "Control plane §5", awsCLI, func(t *testing.T) {
		id := bare(t, py, nil)
		py.call(t, v2, "CreateRoute", params{"ApiId": id, "RouteKey": "a"})
		if _, stderr, status := c.aws(t, v2, "delete-api", "--api-id", id); status != 0 {
			t.Fatal(stderr)
		}
		refusedAs(t, py.fail(t, v2, "GetRoutes", params{"ApiId": id}), 404, "NotFoundException", "Invalid API identifier specified")
	})
	rule(t, "ipAddressType changes at once, without a deployment", "Control plane §6", boto3, func(t *testing.T) {
		id := bare(t, py, nil)
		py.call(t, v2, "UpdateApi", params{"ApiId": id, "IpAddressType": "dualstack"})
		if got := py.call(t, v2, "GetApi", params{"ApiId": id}).str("IpAddressType"); got != "dualstack" {
			t.Errorf("ipAddressType %s", got)
		}
	})
	rule(t, "UpdateApi changes neither the protocol nor the tags", "Control plane §4", boto3, func(t *testing.T) {
		id := bare(t, py, params{"Tags": params{"a": "1"}})
		py.call(t, v2, "UpdateApi", params{"ApiId": id, "Name": "renamed"})
		if a := py.call(t, v2, "GetApi", params{"ApiId": id}); a.str("ProtocolType") != "WEBSOCKET" || a.str("Tags.a") != "1" || a.str("Name") != "renamed" {
			t.Errorf("%v", a.Answer)
		}
	})
}

// generic leaves the account out of a text, for the table.
func generic(text, account string) string { return strings.ReplaceAll(text, account, "{account}") }
