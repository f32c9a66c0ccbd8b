package truth

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/coder/websocket"
)

func TestWebSocketAuthorizers(t *testing.T) {
	t.Parallel()
	c := shared(t)
	asked, connected := collect(t), collect(t)
	gate := c.function(t, "gate", variable("PARAMETER", "gate"), variable("COLLECT", asked.URL))
	f := c.function(t, "gated", variable("COLLECT", connected.URL))
	// gated makes an API whose $connect asks the gate, with these properties of the authorizer.
	gated := func(t testing.TB, stage map[string]any, more map[string]any) *api {
		d := c.draft(t)
		params := map[string]any{"Name": "gate", "AuthorizerType": "REQUEST", "AuthorizerUri": invocationURI(gate.ARN), "IdentitySource": []any{"route.request.querystring.gate"}}
		for k, v := range more {
			params[k] = v
		}
		id := d.call("CreateAuthorizer", params).str("AuthorizerId")
		in := d.proxy(f)
		d.route("$connect", in, map[string]any{"AuthorizationType": "CUSTOM", "AuthorizerId": id})
		d.route("$default!", in)
		a := d.deploy(stage, f)
		if params["AuthorizerCredentialsArn"] == nil {
			c.boto3(t).call(t, "lambda", "AddPermission", map[string]any{
				"FunctionName": gate.Name, "StatementId": "gate-" + d.id, "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com",
				"SourceArn": "arn:aws:execute-api:us-east-1:111122223333:" + d.id + "/authorizers/" + id,
			})
		}
		return a
	}
	shared := gated(t, nil, nil)
	base := "arn:aws:execute-api:us-east-1:111122223333:" + shared.ID
	verdict := func(effect, resource, context string) string {
		return returning(`{"principalId":"user003","policyDocument":{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"` + effect +
			`","Resource":"` + resource + `"}]},"context":` + context + `}`)
	}
	with := func(a *api, command string) string { return a.URL + "?gate=" + url.QueryEscape(command) }
	for _, test := range []struct {
		name, command string
		want          int
	}{
		{"an authorizer's policy that allows methodArn lets the handshake go on", verdict("Allow", base+"/development/$connect", `{}`), 101},
		{"an authorizer's policy with a wildcard lets the handshake go on", verdict("Allow", base+"/*", `{}`), 101},
		{"an authorizer's policy that denies ends the handshake with 403", verdict("Deny", base+"/development/$connect", `{}`), 403},
		{"an authorizer's policy that allows another stage only ends the handshake with 403", verdict("Allow", base+"/production/$connect", `{}`), 403},
		{"an authorizer's policy that allows $default only ends the handshake with 403", verdict("Allow", base+"/development/$default", `{}`), 403},
		{"an authorizer that fails with exactly Unauthorized ends the handshake with 401", `{"do":"error","text":"Unauthorized"}`, 401},
		{"an authorizer that fails with another error ends the handshake with 500", `{"do":"error","text":"unauthorized"}`, 500},
		{"an authorizer's answer without a policy ends the handshake with 500", returning(`{"principalId":"user003"}`), 500},
		{"an authorizer's answer without a principalId ends the handshake with 500", returning(`{"policyDocument":{"Version":"2012-10-17","Statement":[{"Action":"*","Effect":"Allow","Resource":"*"}]}}`), 500},
		{"an object in an authorizer's context ends the handshake with 500", verdict("Allow", "*", `{"desk":{"name":"equities"}}`), 500},
		{"a list in an authorizer's context ends the handshake with 500", verdict("Allow", "*", `{"desks":["a"]}`), 500},
	} {
		rule(t, test.name, "WebSocket §6", stockWS, func(t *testing.T) {
			if got := status(t, with(shared, test.command)); got != test.want {
				t.Errorf("status %d, want %d", got, test.want)
			}
		})
	}
	rule(t, "an authorizer's answer of more than 8 KB ends the handshake with 500", "WebSocket §6", stockWS, func(t *testing.T) {
		big := c.function(t, "big-gate", doing(strings.Replace(verdict("Allow", "*", `{"x":"PADDING"}`), "{", `{"size":9000,`, 1)))
		d := c.draft(t)
		id := d.call("CreateAuthorizer", map[string]any{"Name": "big", "AuthorizerType": "REQUEST", "AuthorizerUri": invocationURI(big.ARN), "IdentitySource": []any{"route.request.header.Host"}}).str("AuthorizerId")
		d.route("$connect", d.mock(""), map[string]any{"AuthorizationType": "CUSTOM", "AuthorizerId": id})
		if got := status(t, d.deploy(nil, big).URL); got != 500 {
			t.Errorf("status %d, want 500", got)
		}
	})
	rule(t, "a missing identity source ends the handshake with 401, and the authorizer is not asked", "WebSocket §6", stockWS, func(t *testing.T) {
		a := gated(t, nil, nil)
		if got := status(t, a.URL+"?other=1"); got != 401 {
			t.Errorf("status %d, want 401", got)
		}
		status(t, with(a, verdict("Deny", "*", `{}`)))
		if text := asked.wait(t, a.ID); !strings.Contains(text, "gate=") && field(t, text, "queryStringParameters.gate") == "" {
			t.Errorf("the authorizer was asked without its source: %s", text)
		}
	})
	rule(t, "an empty identity source ends the handshake with 401", "WebSocket §6", stockWS, func(t *testing.T) {
		if got := status(t, shared.URL+"?gate="); got != 401 {
			t.Errorf("status %d, want 401", got)
		}
	})
	rule(t, "identity sources may be headers, stage variables and the context, and all must be there", "WebSocket §6", stockWS, func(t *testing.T) {
		a := gated(t, map[string]any{"StageVariables": map[string]any{"mode": "live"}}, map[string]any{
			"IdentitySource": []any{"route.request.header.X-Desk", "stageVariables.mode", "context.identity.sourceIp"},
		})
		target := with(a, verdict("Allow", "*", `{}`))
		response, _ := handshake(t, target, &websocket.DialOptions{HTTPHeader: http.Header{"x-desk": {"7"}}})
		if response.StatusCode != 101 {
			t.Errorf("with all: %d", response.StatusCode)
		}
		if got := status(t, target); got != 401 {
			t.Errorf("without the header: %d", got)
		}
	})
	rule(t, "the gateway must be permitted to invoke the authorizer, by authorizers/ID: else 500", "WebSocket §6", stockWS, func(t *testing.T) {
		locked := c.function(t, "locked-gate")
		d := c.draft(t)
		id := d.call("CreateAuthorizer", map[string]any{"Name": "gate", "AuthorizerType": "REQUEST", "AuthorizerUri": invocationURI(locked.ARN), "IdentitySource": []any{"route.request.header.Host"}}).str("AuthorizerId")
		d.route("$connect", d.mock(""), map[string]any{"AuthorizationType": "CUSTOM", "AuthorizerId": id})
		if got := status(t, d.deploy(nil).URL); got != 500 {
			t.Errorf("status %d, want 500", got)
		}
	})
	rule(t, "authorizerCredentialsArn asks the authorizer in the role's name", "WebSocket §6", stockWS, func(t *testing.T) {
		a := gated(t, nil, map[string]any{"AuthorizerCredentialsArn": c.role(t, gatewayTrust, allow("lambda:InvokeFunction", gate.ARN))})
		if got := status(t, with(a, verdict("Allow", "*", `{}`))); got != 101 {
			t.Errorf("status %d, want 101", got)
		}
	})
	rule(t, "an authorizer's context reaches $connect and all messages as texts, with integrationLatency on $connect only", "WebSocket §6", stockWS, func(t *testing.T) {
		a := gated(t, nil, nil)
		ws := dial(t, with(a, verdict("Allow", "*", `{"desk":"equities","limit":25,"pro":true}`)))
		connect := connected.wait(t, a.ID, `"CONNECT"`)
		ws.Send("{}")
		message := ws.Text() // the probe answers with its event
		var first, second struct {
			RequestContext struct{ Authorizer map[string]any }
		}
		if err := json.Unmarshal([]byte(connect), &first); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(message), &second); err != nil {
			t.Fatal(err)
		}
		for i, got := range []map[string]any{first.RequestContext.Authorizer, second.RequestContext.Authorizer} {
			if got["principalId"] != "user003" || got["desk"] != "equities" || got["limit"] != "25" || got["pro"] != "true" {
				t.Errorf("event %d has %v", i, got)
			}
			if _, isNumber := got["integrationLatency"].(float64); isNumber != (i == 0) {
				t.Errorf("event %d has the integrationLatency %v", i, got["integrationLatency"])
			}
		}
	})
	rule(t, "the authorizer's event is a REQUEST with methodArn and empty objects for what is absent", "WebSocket §6", stockWS, func(t *testing.T) {
		a := gated(t, nil, map[string]any{"IdentitySource": []any{"route.request.header.Host"}})
		status(t, a.URL)
		text := asked.wait(t, a.ID)
		if got := strings.Join(keys(t, text, ""), " "); got != "type methodArn headers multiValueHeaders queryStringParameters multiValueQueryStringParameters stageVariables requestContext" {
			t.Errorf("members %s", got)
		}
		if field(t, text, "type") != "REQUEST" || field(t, text, "methodArn") != "arn:aws:execute-api:us-east-1:111122223333:"+a.ID+"/development/$connect" ||
			!strings.Contains(text, `"queryStringParameters":{}`) || !strings.Contains(text, `"stageVariables":{}`) {
			t.Errorf("event %s", text)
		}
	})
	rule(t, "the authorizer sees Connection, Upgrade and content-length, which the integration does not", "WebSocket §6", stockWS, func(t *testing.T) {
		a := gated(t, nil, map[string]any{"IdentitySource": []any{"route.request.header.Host"}})
		status(t, a.URL)
		if got := strings.Join(keys(t, asked.wait(t, a.ID), "headers"), " "); !strings.Contains(got, "Connection content-length") || !strings.Contains(got, "Upgrade") {
			t.Errorf("headers %s", got)
		}
	})
	refused := func(name string, operation string, params map[string]any) {
		rule(t, name, "WebSocket §6", boto3, func(t *testing.T) {
			d := c.draft(t)
			d.route("$default", d.mock(""))
			if params["RouteKey"] != nil {
				params["Target"] = "integrations/" + d.mock("")
			}
			if e := d.fail(operation, params); e.Status != 400 || e.Code != "BadRequestException" {
				t.Errorf("%d %s: %s", e.Status, e.Code, e.Message)
			}
		})
	}
	refused("a JWT authorizer is refused for a WebSocket API", "CreateAuthorizer", map[string]any{
		"Name": "jwt", "AuthorizerType": "JWT", "IdentitySource": []any{"$request.header.Authorization"}, "JwtConfiguration": map[string]any{"Issuer": "https://issuer.example", "Audience": []any{"a"}},
	})
	refused("authorization is refused on any route of a WebSocket API but $connect", "CreateRoute", map[string]any{"RouteKey": "user", "AuthorizationType": "AWS_IAM"})
	refused("an authorizer without an identity source of a WebSocket API's form is refused", "CreateAuthorizer", map[string]any{
		"Name": "gate", "AuthorizerType": "REQUEST", "AuthorizerUri": invocationURI(gate.ARN), "IdentitySource": []any{"$request.header.Authorization"},
	})
}

func TestWebSocketSignatures(t *testing.T) {
	t.Parallel()
	c := shared(t)
	e := collect(t)
	f := c.function(t, "signed", variable("COLLECT", e.URL))
	d := c.draft(t)
	in := d.proxy(f)
	d.route("$connect", in, map[string]any{"AuthorizationType": "AWS_IAM"})
	d.route("$default!", in)
	a := d.deploy(nil, f)
	arn := "arn:aws:execute-api:us-east-1:111122223333:" + a.ID + "/development/"
	py := c.boto3(t)
	// user makes a user with a policy, and returns its key.
	user := func(t *testing.T, policy string) aws.Credentials {
		name := unique("user")
		py.call(t, "iam", "CreateUser", map[string]any{"UserName": name})
		py.call(t, "iam", "PutUserPolicy", map[string]any{"UserName": name, "PolicyName": "may", "PolicyDocument": policy})
		key := py.call(t, "iam", "CreateAccessKey", map[string]any{"UserName": name})
		return aws.Credentials{AccessKeyID: key.str("AccessKey.AccessKeyId"), SecretAccessKey: key.str("AccessKey.SecretAccessKey")}
	}
	empty := sha256.Sum256(nil)
	hash := hex.EncodeToString(empty[:])
	request := func(t *testing.T) *http.Request {
		r, err := http.NewRequest("GET", a.Callback, nil)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	// dialSigned makes a handshake that is signed in its headers.
	dialSigned := func(t *testing.T, key aws.Credentials, service string) int {
		r := request(t)
		if err := v4.NewSigner().SignHTTP(t.Context(), key, r, hash, service, "us-east-1", time.Now()); err != nil {
			t.Fatal(err)
		}
		response, _ := handshake(t, a.URL, &websocket.DialOptions{HTTPHeader: r.Header})
		return response.StatusCode
	}
	root := aws.Credentials{AccessKeyID: c.key, SecretAccessKey: c.secret}
	rule(t, "AWS_IAM: a handshake without a signature is answered with 403", "WebSocket §6", stockWS, func(t *testing.T) {
		if got := status(t, a.URL); got != 403 {
			t.Errorf("status %d", got)
		}
	})
	rule(t, "AWS_IAM: a handshake that is signed in its headers by one who may invoke $connect opens", "WebSocket §6", goSDK, func(t *testing.T) {
		if got := dialSigned(t, user(t, allow("execute-api:Invoke", arn+"$connect")), "execute-api"); got != 101 {
			t.Errorf("status %d", got)
		}
	})
	rule(t, "AWS_IAM: a handshake that is presigned in its query opens", "WebSocket §6", goSDK, func(t *testing.T) {
		r := request(t)
		q := r.URL.Query()
		q.Set("X-Amz-Expires", "60")
		r.URL.RawQuery = q.Encode()
		signed, _, err := v4.NewSigner().PresignHTTP(t.Context(), root, r, hash, "execute-api", "us-east-1", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if got := status(t, "ws"+strings.TrimPrefix(signed, "http")); got != 101 {
			t.Errorf("status %d", got)
		}
	})
	rule(t, "AWS_IAM: a signer whose policy allows another route only is answered with 403", "WebSocket §6", goSDK, func(t *testing.T) {
		if got := dialSigned(t, user(t, allow("execute-api:Invoke", arn+"$default")), "execute-api"); got != 403 {
			t.Errorf("status %d", got)
		}
	})
	rule(t, "AWS_IAM: execute-api:ManageConnections does not open a connection", "WebSocket §6", goSDK, func(t *testing.T) {
		if got := dialSigned(t, user(t, allow("execute-api:ManageConnections", "*")), "execute-api"); got != 403 {
			t.Errorf("status %d", got)
		}
	})
	rule(t, "AWS_IAM: a wrong secret is answered with 403", "WebSocket §6", goSDK, func(t *testing.T) {
		if got := dialSigned(t, aws.Credentials{AccessKeyID: c.key, SecretAccessKey: "wrong"}, "execute-api"); got != 403 {
			t.Errorf("status %d", got)
		}
	})
	rule(t, "AWS_IAM: a signature for another service is answered with 403", "WebSocket §6", goSDK, func(t *testing.T) {
		if got := dialSigned(t, root, "s3"); got != 403 {
			t.Errorf("status %d", got)
		}
	})
	choice(t, "AWS_IAM: the identity of all events has userArn, accountId, caller, accessKey and user of the signer", "WebSocket §3", goSDK, func(t *testing.T) {
		key := user(t, allow("execute-api:Invoke", arn+"*"))
		if got := dialSigned(t, key, "execute-api"); got != 101 {
			t.Fatalf("status %d", got)
		}
		text := e.wait(t, `"CONNECT"`, key.AccessKeyID)
		if got := strings.Join(keys(t, text, "requestContext.identity"), " "); got != "userArn userAgent accountId caller sourceIp accessKey user" {
			t.Errorf("identity %s", got)
		}
		if got := field(t, text, "requestContext.identity.userArn"); !strings.HasPrefix(got, "arn:aws:iam::111122223333:user/user-") {
			t.Errorf("userArn %s", got)
		}
	})
}
