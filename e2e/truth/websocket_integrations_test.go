package truth

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// gatewayTrust lets API Gateway assume a role.
const gatewayTrust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"apigateway.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

// role makes a role with one policy and returns its ARN.
func (c *testCloud) role(t testing.TB, trust, policy string) string {
	t.Helper()
	py, name := c.boto3(t), unique("role")
	arn := py.call(t, "iam", "CreateRole", map[string]any{"RoleName": name, "AssumeRolePolicyDocument": trust}).str("Role.Arn")
	py.call(t, "iam", "PutRolePolicy", map[string]any{"RoleName": name, "PolicyName": "may", "PolicyDocument": policy})
	return arn
}

func allow(action, resource string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"` + action + `","Resource":"` + resource + `"}]}`
}

func TestWebSocketIntegrations(t *testing.T) {
	t.Parallel()
	c := shared(t)
	const internal = `{"message": "Internal server error"}`
	f := c.function(t, "backend")
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Kind", "echo")
		if r.URL.Path == "/missing" {
			w.WriteHeader(404)
		}
		io.WriteString(w, r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("X-Desk")+" "+string(body))
	}))
	t.Cleanup(echo.Close)
	d := c.draft(t)
	backend := func(path string, more map[string]any) map[string]any {
		params := map[string]any{"IntegrationType": "HTTP", "IntegrationMethod": "POST", "IntegrationUri": echo.URL + path}
		for k, v := range more {
			params[k] = v
		}
		return params
	}
	add := func(key string, params map[string]any, template string) {
		in := d.integration(params)
		d.answers(in, "$default", template)
		d.route(key+"!", in)
	}
	function := func(more map[string]any) map[string]any {
		params := map[string]any{"IntegrationType": "AWS", "IntegrationMethod": "POST", "IntegrationUri": invocationURI(f.ARN)}
		for k, v := range more {
			params[k] = v
		}
		return params
	}
	templates := func(t map[string]any) map[string]any { return map[string]any{"RequestTemplates": t} }

	add("lambda", function(templates(map[string]any{"$default": `{"do":"return","value":{"got":$input.json('$.id'),"route":"$context.routeKey"}}`})), `[$input.json('$')]`)
	failing := d.integration(function(templates(map[string]any{"$default": `{"do":"error","text":"$input.path('$.why')"}`})))
	d.answers(failing, "/too (fast|slow).*/", "limited: $input.path('$.errorMessage')")
	d.answers(failing, "$default", "other")
	d.route("failing!", failing)
	add("notjson", function(templates(map[string]any{"$default": `no JSON`})), "")
	add("mistake", function(templates(map[string]any{"$default": `$util.explode()`})), "")
	chosen := templates(map[string]any{"v1": "one", "v2": "two", "$default": "other"})
	chosen["TemplateSelectionExpression"] = "${request.body.version}"
	add("choose", backend("/", chosen), "$input.body")
	unmatched := templates(map[string]any{"v1": "one"})
	unmatched["TemplateSelectionExpression"] = "${request.body.version}"
	for _, behavior := range []string{"WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER"} {
		p := backend("/", unmatched)
		p["PassthroughBehavior"] = behavior
		add(behavior, p, "")
	}
	add("bare", backend("/", map[string]any{"PassthroughBehavior": "WHEN_NO_TEMPLATES"}), "")
	missing := d.integration(backend("/missing", nil))
	d.answers(missing, `/4\d\d/`, "", map[string]any{
		"TemplateSelectionExpression": "${integration.response.statuscode}", "ResponseTemplates": map[string]any{"404": "not found", "$default": "refused"},
	})
	d.answers(missing, "$default", "fine")
	d.route("missing!", missing)
	d.route("unmapped!", d.integration(backend("/", nil)))
	add("parameters", backend("/{desk}", map[string]any{"RequestParameters": map[string]any{
		"integration.request.path.desk": "route.request.body.desk", "integration.request.querystring.by": "context.routeKey",
		"integration.request.header.X-Desk": "'seat 7'", "integration.request.querystring.mode": "stageVariables.mode",
	}}), "")
	add("binary", backend("/", map[string]any{"ContentHandlingStrategy": "CONVERT_TO_BINARY", "RequestTemplates": map[string]any{"$default": "$input.path('$.data')"}}), "")
	encoded := d.integration(backend("/", map[string]any{"RequestTemplates": map[string]any{"$default": "x"}}))
	d.answers(encoded, "$default", "", map[string]any{"ContentHandlingStrategy": "CONVERT_TO_TEXT"})
	d.route("encoded!", encoded)
	d.route("proxy!", d.integration(map[string]any{"IntegrationType": "HTTP_PROXY", "IntegrationMethod": "PUT", "IntegrationUri": echo.URL + "/${stageVariables.mode}"}))
	d.route("nowhere!", d.integration(map[string]any{"IntegrationType": "HTTP_PROXY", "IntegrationMethod": "PUT", "IntegrationUri": "http://127.0.0.1:1/"}))
	d.route("mock!", d.mock(`#set($n = $input.path('$.n'))pong #foreach($i in [1..3])$i#if($foreach.hasNext),#end#end`))

	py := c.boto3(t)
	table := unique("seats")
	py.call(t, "dynamodb", "CreateTable", map[string]any{
		"TableName": table, "BillingMode": "PAY_PER_REQUEST", "KeySchema": []any{map[string]any{"AttributeName": "id", "KeyType": "HASH"}},
		"AttributeDefinitions": []any{map[string]any{"AttributeName": "id", "AttributeType": "S"}},
	})
	item := `{"TableName":"` + table + `","Item":{"id":{"S":"$context.connectionId"},"desk":{"S":$input.json('$.desk')}}}`
	service := func(role string) map[string]any {
		return map[string]any{
			"IntegrationType": "AWS", "IntegrationMethod": "POST", "IntegrationUri": "arn:aws:apigateway:us-east-1:dynamodb:action/PutItem",
			"CredentialsArn": role, "RequestTemplates": map[string]any{"$default": item},
		}
	}
	writer := c.role(t, gatewayTrust, allow("dynamodb:PutItem", "*"))
	for key, role := range map[string]string{"put": writer, "reader": c.role(t, gatewayTrust, allow("dynamodb:GetItem", "*")), "distrusted": c.role(t, trust, allow("dynamodb:*", "*"))} {
		in := d.integration(service(role))
		d.answers(in, `/2\d\d/`, "stored")
		d.answers(in, `/4\d\d/`, "refused: $input.path('$.__type')")
		d.route(key+"!", in)
	}
	for key, role := range map[string]string{
		"invoker": c.role(t, gatewayTrust, allow("lambda:InvokeFunction", "*")), "bystander": c.role(t, gatewayTrust, allow("s3:*", "*")),
	} {
		g := c.function(t, "by-role")
		d.route(key+"!", d.integration(map[string]any{"IntegrationType": "AWS_PROXY", "IntegrationUri": invocationURI(g.ARN), "CredentialsArn": role}))
	}
	aliased := c.function(t, "staged")
	d.route("staged!", d.integration(map[string]any{"IntegrationType": "AWS_PROXY", "IntegrationUri": invocationURI(strings.Replace(aliased.ARN, aliased.Name, "${stageVariables.fn}", 1))}))
	a := d.deploy(map[string]any{"StageVariables": map[string]any{"mode": "live", "fn": aliased.Name}}, f, aliased)

	for _, test := range []struct{ name, message, want string }{
		{"AWS: the request template makes the function's payload, the response template the frame", `{"action":"lambda","id":"user003"}`, `[{"got":"user003","route":"lambda"}]`},
		{"AWS: the integration response of a function is found by its error message", `{"action":"failing","why":"too fast for us"}`, `limited: too fast for us`},
		{"AWS: a function's error that no key matches takes the response $default", `{"action":"failing","why":"no"}`, `other`},
		{"AWS: a request template that makes no JSON for a function is answered with Internal server error", `{"action":"notjson"}`, internal},
		{"a template that fails is answered with Internal server error", `{"action":"mistake"}`, internal},
		{"templateSelectionExpression chooses the request template by the message", `{"action":"choose","version":"v2"}`, `POST /  two`},
		{"a request template that is not there falls back to $default", `{"action":"choose","version":"v3"}`, `POST /  other`},
		{"passthroughBehavior WHEN_NO_MATCH sends the message as it is", `{"action":"WHEN_NO_MATCH"}`, `POST /  {"action":"WHEN_NO_MATCH"}`},
		{"passthroughBehavior WHEN_NO_TEMPLATES refuses a message that no template fits", `{"action":"WHEN_NO_TEMPLATES"}`, `{"message": "Unsupported Media Type"}`},
		{"passthroughBehavior WHEN_NO_TEMPLATES sends the message as it is where there are no templates", `{"action":"bare"}`, `POST /  {"action":"bare"}`},
		{"passthroughBehavior NEVER refuses a message that no template fits", `{"action":"NEVER"}`, `{"message": "Unsupported Media Type"}`},
		{"HTTP: the integration response is found by the backend's status, its template by its own expression", `{"action":"missing"}`, `not found`},
		{"requestParameters map the body, the context, stage variables and static values into the backend's request", `{"action":"parameters","desk":"eq"}`, `POST /eq?by=parameters&mode=live seat 7 {"action":"parameters","desk":"eq"}`},
		{"contentHandlingStrategy CONVERT_TO_BINARY decodes the text for the backend", `{"action":"binary","data":"aGVsbG8="}`, `POST /  hello`},
		{"contentHandlingStrategy CONVERT_TO_BINARY of what is not base64 is answered with Internal server error", `{"action":"binary","data":"?"}`, internal},
		{"contentHandlingStrategy CONVERT_TO_TEXT of a response encodes the answer", `{"action":"encoded"}`, `UE9TVCAvICB4`},
		{"HTTP_PROXY passes the message on and the answer back, with stage variables in its URI", `{"action":"proxy"}`, `PUT /live  {"action":"proxy"}`},
		{"HTTP_PROXY to where nobody listens is answered with Internal server error", `{"action":"nowhere"}`, internal},
		{"MOCK answers by its templates alone", `{"action":"mock"}`, `pong 1,2,3`},
		{"a call of a service is refused by the policy of the role in credentialsArn", `{"action":"reader","desk":"eq"}`, `refused: com.amazon.coral.service#AccessDeniedException`},
		{"a role in credentialsArn that does not trust API Gateway is answered with Internal server error", `{"action":"distrusted","desk":"eq"}`, internal},
		{"credentialsArn of a proxy invokes the function by the role's policies, without one of the function's", `{"action":"invoker","do":"return","value":{"statusCode":200,"body":"done"}}`, `done`},
		{"credentialsArn of a proxy whose role may not invoke is answered with Internal server error", `{"action":"bystander"}`, internal},
		{"a stage variable may be the function's name in an integration's URI", `{"action":"staged","do":"return","value":{"statusCode":200,"body":"staged"}}`, `staged`},
	} {
		rule(t, test.name, "WebSocket §5", stockWS, func(t *testing.T) {
			if got := errorFrame(a.ask(t, test.message)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
	rule(t, "the header X-Amz-Invocation-Type 'Event' among requestParameters invokes a function without waiting for it", "Set up asynchronous invocation of the backend Lambda function", stockWS, func(t *testing.T) {
		e := collect(t)
		f := c.function(t, "async", variable("COLLECT", e.URL))
		d := c.draft(t)
		in := d.integration(map[string]any{
			"IntegrationType": "AWS", "IntegrationMethod": "POST", "IntegrationUri": invocationURI(f.ARN), "TimeoutInMillis": 50,
			"RequestParameters": map[string]any{"integration.request.header.X-Amz-Invocation-Type": "'Event'"},
			"RequestTemplates":  map[string]any{"$default": `{"do":"sleep","ms":500,"text":"async"}`},
		})
		d.answers(in, "$default", "accepted")
		d.route("$default!", in)
		if got := d.deploy(nil, f).ask(t, "x"); got != "accepted" {
			t.Errorf("got %s", got)
		}
		e.wait(t, `"async"`)
	})
	choice(t, "a handshake without what requestParameters of $connect require is answered with 400", "Control plane §4", stockWS, func(t *testing.T) {
		d := c.draft(t)
		d.route("$connect", d.mock(""), map[string]any{"RequestParameters": map[string]any{"route.request.querystring.ticker": map[string]any{"Required": true}}})
		a := d.deploy(nil)
		if without, with := status(t, a.URL), status(t, a.URL+"?ticker=EIQQ"); without != 400 || with != 101 {
			t.Errorf("%d without, %d with", without, with)
		}
	})
	choice(t, "a two-way route whose non-proxy integration has no fitting integration response is answered with Internal server error", "WebSocket §5", stockWS, func(t *testing.T) {
		if got := errorFrame(a.ask(t, `{"action":"unmapped"}`)); got != internal {
			t.Errorf("got %s", got)
		}
	})
	rule(t, "an integration with dynamodb:action/PutItem stores what its template makes, in the name of its role", "WebSocket §5", stockWS, func(t *testing.T) {
		if got := a.ask(t, `{"action":"put","desk":"equities"}`); got != "stored" {
			t.Fatalf("got %s", got)
		}
		if got := py.call(t, "dynamodb", "Scan", map[string]any{"TableName": table}).str("Items.0.desk.S"); got != "equities" {
			t.Errorf("stored %q", got)
		}
	})
}

func TestWebSocketModels(t *testing.T) {
	t.Parallel()
	c := shared(t)
	d := c.draft(t)
	d.call("CreateModel", map[string]any{"Name": "Ticker", "ContentType": "application/json", "Schema": `{"$schema":"http://json-schema.org/draft-04/schema#","type":"string","pattern":"^[A-Z]+$"}`})
	d.call("CreateModel", map[string]any{"Name": "Watch", "ContentType": "application/json",
		"Schema": `{"type":"object","required":["ticker"],"properties":{"ticker":{"$ref":"https://apigateway.amazonaws.com/restapis/` + d.id + `/models/Ticker"}}}`})
	pong := d.mock("pong")
	d.route("watch!", pong, map[string]any{"ModelSelectionExpression": "${request.body.version}", "RequestModels": map[string]any{"v1": "Watch"}})
	d.route("free!", pong, map[string]any{"ModelSelectionExpression": "${request.body.version}", "RequestModels": map[string]any{"$default": "Watch"}})
	d.route("none!", pong, map[string]any{"RequestModels": map[string]any{"$default": "Watch"}})
	f := c.function(t, "modelled")
	d.route("proxy!", d.proxy(f), map[string]any{"ModelSelectionExpression": "watch", "RequestModels": map[string]any{"watch": "Watch"}})
	a := d.deploy(nil, f)
	const bad = `{"message": "Bad request body"}`
	for _, test := range []struct{ name, message, want string }{
		{"a message that fits the model of its route reaches the integration", `{"action":"watch","version":"v1","ticker":"EIQQ"}`, "pong"},
		{"a message that does not fit its model is answered with Bad request body", `{"action":"watch","version":"v1","ticker":7}`, bad},
		{"a model may refer to another by its URL", `{"action":"watch","version":"v1","ticker":"eiqq"}`, bad},
		{"without a matching model and without $default validation fails", `{"action":"watch","version":"v9","ticker":"EIQQ"}`, bad},
		{"the model $default is taken when no other matches", `{"action":"free"}`, bad},
		{"without a model selection expression nothing is validated", `{"action":"none"}`, "pong"},
		{"models are held against messages for proxy integrations as well", `{"action":"proxy"}`, bad},
	} {
		rule(t, test.name, "Request validation for WebSocket APIs in API Gateway", stockWS, func(t *testing.T) {
			if got := errorFrame(a.ask(t, test.message)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
	rule(t, "a schema that is no JSON schema is refused when its model is created", "Control plane §4", boto3, func(t *testing.T) {
		if e := d.fail("CreateModel", map[string]any{"Name": "Broken", "Schema": `{"type":"quote"}`}); e.Code != "BadRequestException" {
			t.Errorf("%s: %s", e.Code, e.Message)
		}
	})
	rule(t, "models are created, read, listed, changed and deleted", "Control plane §4", boto3, func(t *testing.T) {
		made := d.call("CreateModel", map[string]any{"Name": "Any", "ContentType": "application/json", "Schema": "{}", "Description": "all"})
		id := map[string]any{"ModelId": made.str("ModelId")}
		if got := d.call("GetModel", id); got.str("Name") != "Any" || got.str("Schema") != "{}" || got.str("Description") != "all" || made.Status != 201 {
			t.Errorf("model %v, made with %d", got.Answer, made.Status)
		}
		if got := d.call("UpdateModel", map[string]any{"ModelId": made.str("ModelId"), "Description": "any"}); got.str("Description") != "any" || got.str("Name") != "Any" {
			t.Errorf("changed %v", got.Answer)
		}
		if got := len(d.call("GetModels", nil).list("Items")); got < 3 {
			t.Errorf("%d models", got)
		}
		d.call("DeleteModel", id)
		if e := d.fail("GetModel", id); e.Code != "NotFoundException" {
			t.Errorf("after its end: %s", e.Code)
		}
	})
}
