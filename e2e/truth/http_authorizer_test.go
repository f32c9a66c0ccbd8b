package truth

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

func TestHTTPLambdaAuthorizers(t *testing.T) {
	t.Parallel()
	c := shared(t)
	py := c.boto3(t)
	f := c.function(t, "guarded")
	a := c.httpAPI(t, f, "GET /simple", "GET /policy/{ticker}", "GET /kept", "GET /kept2", "GET /one", "GET /broken", "GET /unpermitted", "GET /none", "GET /stage", "GET /refusing")
	says := func(value string) functionOption { return doing(`{"do":"return","value":` + value + `}`) }
	// guard puts an authorizer in front of a route. Its function returns what it is told, and its events are in seen.
	guard := func(t *testing.T, route, value string, change params) (id string, gate *function, seen *events) {
		t.Helper()
		seen = collect(t)
		gate = c.function(t, "gate", says(value), variable("COLLECT", seen.URL))
		p := params{"ApiId": a.ID, "Name": unique("gate"), "AuthorizerType": "REQUEST", "AuthorizerUri": invocationURI(gate.ARN), "AuthorizerPayloadFormatVersion": "2.0",
			"IdentitySource": items{"$request.header.Who"}, "EnableSimpleResponses": true}
		for name, v := range change {
			if p[name] = v; v == nil {
				delete(p, name)
			}
		}
		id = py.call(t, "apigatewayv2", "CreateAuthorizer", p).str("AuthorizerId")
		c.permit(t, gate, a.ID)
		a.updateRoute(t, route, params{"AuthorizationType": "CUSTOM", "AuthorizerId": id})
		return id, gate, seen
	}
	ask := func(t *testing.T, path, who string) reply {
		t.Helper()
		return request(t, "GET", a.URL+path, "", "Who: "+who)
	}
	arn := "arn:aws:execute-api:us-east-1:111122223333:" + a.ID + "/$default/GET"

	_, _, simple := guard(t, "GET /simple", `{"isAuthorized":true,"context":{"n":1,"list":["a"],"text":"t","yes":true}}`, nil)
	rule(t, "isAuthorized opens the route, and the context is in the event with its types kept", "HTTP §6", httpClient, func(t *testing.T) {
		e := ask(t, "/simple", "simple").json(t)
		got, _ := json.Marshal(e.get("requestContext.authorizer"))
		if want := `{"lambda":{"list":["a"],"n":1,"text":"t","yes":true}}`; string(got) != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
	rule(t, "the authorizer's event of format 2.0 is that of the request with type, routeArn and identitySource, and without a body", "HTTP §6", httpClient, func(t *testing.T) {
		request(t, "GET", a.URL+"/simple?q=1", "ignored", "Who: event-two")
		var e map[string]any
		json.Unmarshal([]byte(simple.wait(t, "event-two")), &e)
		if got := strings.Join(sortedKeys(e), " "); got != "headers identitySource queryStringParameters rawPath rawQueryString requestContext routeArn routeKey type version" {
			t.Errorf("members: %s", got)
		}
		v := answer{Answer: e}
		if v.str("type") != "REQUEST" || v.str("version") != "2.0" || v.str("routeArn") != arn+"/simple" || v.str("identitySource.0") != "event-two" || v.str("routeKey") != "GET /simple" {
			t.Errorf("event %v", e)
		}
	})
	rule(t, "a request without an identity source is answered with 401, and the authorizer is not asked", "HTTP §6", httpClient, func(t *testing.T) {
		r := request(t, "GET", a.URL+"/simple", "")
		r.is(t, 401, unauthorized)
		c.Wait(t, r.header.Get("apigw-requestid"), "identity source", "$request.header.Who")
	})
	guard(t, "GET /refusing", `{"isAuthorized":false}`, nil)
	rule(t, "isAuthorized false is answered with 403 Forbidden", "HTTP §6", httpClient, func(t *testing.T) { ask(t, "/refusing", "me").is(t, 403, forbidden) })
	guard(t, "GET /policy/{ticker}", `{"principalId":"user003","policyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"`+arn+`/policy/E*"}]}}`, params{"EnableSimpleResponses": false})
	rule(t, "without simple responses the authorizer's policy is evaluated for the request's path", "HTTP §6", httpClient, func(t *testing.T) {
		if r := ask(t, "/policy/EIQQ", "me"); r.status != 200 {
			t.Errorf("allowed: %d %s", r.status, r.body)
		}
		ask(t, "/policy/NVTX", "me").is(t, 403, forbidden)
	})
	choice(t, "an authorizer that returns no context leaves authorizer.lambda null", "HTTP §6", httpClient, func(t *testing.T) {
		e := ask(t, "/policy/EIQQ", "me").json(t)
		if got, _ := json.Marshal(e.get("requestContext.authorizer")); string(got) != `{"lambda":null}` {
			t.Errorf("got %s", got)
		}
	})
	kept, gate, _ := guard(t, "GET /kept", `{"isAuthorized":true}`, params{"AuthorizerResultTtlInSeconds": 3600})
	a.updateRoute(t, "GET /kept2", params{"AuthorizationType": "CUSTOM", "AuthorizerId": kept})
	rule(t, "an authorizer's answer is kept for its TTL, for the same identity sources, on all routes of the stage, until ResetAuthorizersCache", "HTTP §6", boto3, func(t *testing.T) {
		opens := func(path, who string, want int) {
			t.Helper()
			if got := ask(t, path, who).status; got != want {
				t.Errorf("%s for %s: %d, want %d", path, who, got, want)
			}
		}
		opens("/kept", "me", 200)
		py.call(t, "lambda", "UpdateFunctionConfiguration", params{"FunctionName": gate.Name, "Environment": params{"Variables": params{"PROBE": `{"do":"return","value":{"isAuthorized":false}}`}}})
		opens("/kept", "you", 403)
		opens("/kept", "me", 200)
		opens("/kept2", "me", 200)
		py.call(t, "apigatewayv2", "ResetAuthorizersCache", params{"ApiId": a.ID, "StageName": "$default"})
		opens("/kept", "me", 403)
	})
	_, _, one := guard(t, "GET /one", `{"principalId":"user003","policyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}}`,
		params{"EnableSimpleResponses": false, "AuthorizerPayloadFormatVersion": "1.0", "IdentitySource": items{"$request.header.Who", "$request.querystring.q"}})
	rule(t, "the authorizer's event of format 1.0 has methodArn, and its identity sources joined with commas", "HTTP §6", httpClient, func(t *testing.T) {
		if r := ask(t, "/one?q=2", "event-one"); r.status != 200 {
			t.Errorf("got %d %s", r.status, r.body)
		}
		var e map[string]any
		json.Unmarshal([]byte(one.wait(t, "event-one")), &e)
		v := answer{Answer: e}
		for path, want := range map[string]string{
			"version": "1.0", "type": "REQUEST", "methodArn": arn + "/one", "identitySource": "event-one,2", "authorizationToken": "event-one,2", "resource": "/one",
			"path": "/one", "httpMethod": "GET", "headers.Who": "event-one", "queryStringParameters.q": "2", "requestContext.stage": "$default",
		} {
			if got := v.str(path); got != want {
				t.Errorf("%s is %q, want %q", path, got, want)
			}
		}
	})
	guard(t, "GET /broken", `{"isAuthorized":"yes"}`, nil)
	rule(t, "an authorizer's answer of another form is answered with 500, and the log says what is wrong", "HTTP §6", httpClient, func(t *testing.T) {
		r := ask(t, "/broken", "me")
		r.is(t, 500, internal)
		c.Wait(t, r.header.Get("apigw-requestid"), "isAuthorized")
	})
	rule(t, "an authorizer that API Gateway may not invoke is answered with 500, and the log has the command that allows it", "HTTP §6", boto3, func(t *testing.T) {
		id, gate, _ := guard(t, "GET /unpermitted", `{"isAuthorized":true}`, nil)
		py.call(t, "lambda", "RemovePermission", params{"FunctionName": gate.Name, "StatementId": "api-" + a.ID})
		r := ask(t, "/unpermitted", "me")
		r.is(t, 500, internal)
		c.Wait(t, r.header.Get("apigw-requestid"), "aws lambda add-permission --function-name "+gate.Name, a.ID+"/authorizers/"+id)
		py.call(t, "lambda", "AddPermission", params{"FunctionName": gate.Name, "StatementId": "authorizer", "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com",
			"SourceArn": "arn:aws:execute-api:us-east-1:111122223333:" + a.ID + "/authorizers/" + id})
		if got := ask(t, "/unpermitted", "me").status; got != 200 {
			t.Errorf("after the command: %d", got)
		}
	})
	choice(t, "an authorizer that fails with Unauthorized is answered with 500, as any that fails", "HTTP §6", httpClient, func(t *testing.T) {
		own := c.httpAPI(t, f, "GET /x")
		gate := c.function(t, "gate", doing(`{"do":"error","text":"Unauthorized"}`))
		id := py.call(t, "apigatewayv2", "CreateAuthorizer", params{"ApiId": own.ID, "Name": "gate", "AuthorizerType": "REQUEST", "AuthorizerUri": invocationURI(gate.ARN),
			"AuthorizerPayloadFormatVersion": "2.0", "IdentitySource": items{"$request.header.Who"}}).str("AuthorizerId")
		c.permit(t, gate, own.ID)
		own.updateRoute(t, "GET /x", params{"AuthorizationType": "CUSTOM", "AuthorizerId": id})
		request(t, "GET", own.URL+"/x", "", "Who: me").is(t, 500, internal)
	})
	guard(t, "GET /none", `{"isAuthorized":true}`, params{"IdentitySource": items{}})
	rule(t, "an authorizer may do without identity sources: then every request is asked about", "HTTP §6", httpClient, func(t *testing.T) {
		if r := request(t, "GET", a.URL+"/none", ""); r.status != 200 {
			t.Errorf("got %d %s", r.status, r.body)
		}
	})
	_, _, stage := guard(t, "GET /stage", `{"isAuthorized":true}`, params{"IdentitySource": items{"$context.routeKey", "$stageVariables.mode"}})
	rule(t, "identity sources may be context and stage variables", "HTTP §6", boto3, func(t *testing.T) {
		ask(t, "/stage", "me").is(t, 401, unauthorized)
		py.call(t, "apigatewayv2", "CreateStage", params{"ApiId": a.ID, "StageName": "live", "AutoDeploy": true, "StageVariables": params{"mode": "test"}})
		if r := ask(t, "/live/stage", "me"); r.status != 200 {
			t.Errorf("got %d %s", r.status, r.body)
		}
		stage.wait(t, `"identitySource":["GET /stage","test"]`)
	})
	for _, bad := range []struct {
		what   string
		change params
		text   string
	}{
		{"must name its payload format", params{"AuthorizerPayloadFormatVersion": nil}, "authorizerPayloadFormatVersion"},
		{"with a TTL must have an identity source", params{"IdentitySource": items{}, "AuthorizerResultTtlInSeconds": 1}, "identitySource"},
		{"can have a TTL of an hour at most", params{"AuthorizerResultTtlInSeconds": 3601}, "3600"},
		{"of format 1.0 has no simple responses", params{"AuthorizerPayloadFormatVersion": "1.0"}, "enableSimpleResponses"},
	} {
		rule(t, "a Lambda authorizer of an HTTP API "+bad.what, "HTTP §6", boto3, func(t *testing.T) {
			p := params{"ApiId": a.ID, "Name": "bad", "AuthorizerType": "REQUEST", "AuthorizerUri": invocationURI(f.ARN), "AuthorizerPayloadFormatVersion": "2.0",
				"IdentitySource": items{"$request.header.Who"}, "EnableSimpleResponses": true}
			for name, v := range bad.change {
				if p[name] = v; v == nil {
					delete(p, name)
				}
			}
			refusedAs(t, py.fail(t, "apigatewayv2", "CreateAuthorizer", p), 400, "BadRequestException", bad.text)
		})
	}
}

func TestHTTPIAMAuthorization(t *testing.T) {
	t.Parallel()
	c := shared(t)
	py := c.boto3(t)
	a := c.httpAPI(t, c.function(t, "signed"), "ANY /quotes/{ticker}", "$default", "GET /open")
	for _, key := range []string{"ANY /quotes/{ticker}", "$default"} {
		a.updateRoute(t, key, params{"AuthorizationType": "AWS_IAM"})
	}
	user := unique("signer")
	account := py.call(t, "iam", "CreateUser", params{"UserName": user})
	key := py.call(t, "iam", "CreateAccessKey", params{"UserName": user})
	allow := func(resource string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"arn:aws:execute-api:us-east-1:111122223333:` + a.ID + resource + `"}]}`
	}
	py.call(t, "iam", "PutUserPolicy", params{"UserName": user, "PolicyName": "may", "PolicyDocument": allow("/*/GET/quotes/E*")})
	id, secret := key.str("AccessKey.AccessKeyId"), key.str("AccessKey.SecretAccessKey")
	// signed has curl sign a request.
	signed := func(t *testing.T, key, secret, path string, more ...string) (status, body string) {
		t.Helper()
		return curl(t, append([]string{"--aws-sigv4", "aws:amz:us-east-1:execute-api", "--user", key + ":" + secret, a.URL + path}, more...)...)
	}

	rule(t, "an unsigned request of a route with AWS_IAM is answered with 403 Forbidden", "HTTP §6", httpClient, func(t *testing.T) {
		request(t, "GET", a.URL+"/quotes/EIQQ", "").is(t, 403, forbidden)
	})
	rule(t, "a signed request whose caller may execute-api:Invoke the path comes in", "HTTP §6", httpClient, func(t *testing.T) {
		if status, body := signed(t, id, secret, "/quotes/EIQQ"); status != "200" {
			t.Errorf("got %s %s", status, body)
		}
	})
	rule(t, "a signed request of a path that no policy allows is answered with 403 Forbidden", "HTTP §6", httpClient, func(t *testing.T) {
		if status, body := signed(t, id, secret, "/quotes/NVTX"); status != "403" || body != forbidden {
			t.Errorf("got %s %s", status, body)
		}
	})
	rule(t, "a policy for another method allows nothing", "HTTP §6", httpClient, func(t *testing.T) {
		if status, _ := signed(t, id, secret, "/quotes/EIQQ", "-X", "DELETE"); status != "403" {
			t.Errorf("got %s", status)
		}
	})
	rule(t, "a wrong signature is answered with 403 Forbidden, and the log says what is wrong with it", "HTTP §6", httpClient, func(t *testing.T) {
		if status, body := signed(t, id, "wrong", "/quotes/EIQQ"); status != "403" || body != forbidden {
			t.Errorf("got %s %s", status, body)
		}
		c.Wait(t, a.ID, "asks for a signature (AWS_IAM)", "signature we calculated does not match")
	})
	rule(t, "the event names who signed, in authorizer.iam", "HTTP §6", httpClient, func(t *testing.T) {
		_, body := signed(t, id, secret, "/quotes/EIQQ")
		e := reply{200, nil, body}.json(t)
		iam, _ := e.get("requestContext.authorizer.iam").(map[string]any)
		want := map[string]any{
			"accessKey": id, "accountId": "111122223333", "callerId": account.str("User.UserId"), "cognitoIdentity": nil, "principalOrgId": nil,
			"userArn": account.str("User.Arn"), "userId": account.str("User.UserId"),
		}
		for name, v := range want {
			if got, ok := iam[name]; !ok || got != v {
				t.Errorf("%s is %v, want %v", name, got, v)
			}
		}
		if len(iam) != len(want) {
			t.Errorf("members %v", sortedKeys(iam))
		}
	})
	rule(t, "the body counts for the signature", "HTTP §6", httpClient, func(t *testing.T) {
		if status, body := signed(t, c.key, c.secret, "/quotes/EIQQ", "-d", `{"price":2200}`, "-H", "Content-Type: application/json"); status != "200" {
			t.Errorf("got %s %s", status, body)
		}
	})
	rule(t, "the resource of a $default route is STAGE/$default", "HTTP §6", httpClient, func(t *testing.T) {
		other := unique("signer")
		py.call(t, "iam", "CreateUser", params{"UserName": other})
		k := py.call(t, "iam", "CreateAccessKey", params{"UserName": other})
		py.call(t, "iam", "PutUserPolicy", params{"UserName": other, "PolicyName": "may", "PolicyDocument": allow("/$default/$default")})
		if status, body := signed(t, k.str("AccessKey.AccessKeyId"), k.str("AccessKey.SecretAccessKey"), "/anything"); status != "200" {
			t.Errorf("got %s %s", status, body)
		}
	})
	rule(t, "a function calls a route with AWS_IAM in its own role", "HTTP §6", goSDK, func(t *testing.T) {
		caller := c.function(t, "caller", policy(allow("/*")))
		if got := caller.probe(t, `{"do":"signed","service":"execute-api","url":"`+a.URL+`/quotes/EIQQ"}`); !strings.HasPrefix(got, "200 ") || !strings.Contains(got, "assumed-role/"+caller.Role+"/"+caller.Name) {
			t.Errorf("got %s", got)
		}
	})
	rule(t, "an open route does not look at signatures", "HTTP §6", httpClient, func(t *testing.T) {
		if status, _ := signed(t, "AKIANOBODY", "nothing", "/open"); status != "200" {
			t.Errorf("got %s", status)
		}
	})
	rule(t, "an escaped path is signed and allowed as what it stands for", "HTTP §6", httpClient, func(t *testing.T) {
		u, err := url.Parse(a.URL)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.function(t, "escaped", policy(allow("/*/GET/quotes/EI QQ"))).probe(t, `{"do":"signed","service":"execute-api","url":"`+u.String()+`/quotes/EI%20QQ"}`); !strings.HasPrefix(got, "200 ") {
			t.Errorf("got %s", got)
		}
	})
}
