package apigateway

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/go-jose/go-jose/v4"

	"quotewire/cloud/lambda"
)

// issuer signs tokens and tells its keys.
type issuer struct {
	*httptest.Server
	key *rsa.PrivateKey
	set jose.JSONWebKeySet
}

func startIssuer(t testing.TB) *issuer {
	t.Helper()
	i := &issuer{key: must(rsa.GenerateKey(rand.Reader, 2048))}
	i.set.Keys = []jose.JSONWebKey{{Key: i.key.Public(), KeyID: "k1", Algorithm: "RS256", Use: "sig"}}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/.well-known/openid-configuration":
			json.NewEncoder(w).Encode(map[string]string{"issuer": i.URL, "jwks_uri": i.URL + "/keys"})
		case "/keys":
			json.NewEncoder(w).Encode(i.set)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(i.Close)
	return i
}

// token signs claims, over those that every good token has. A claim of nil is left out.
func (i *issuer) token(kid string, algorithm jose.SignatureAlgorithm, key any, claims map[string]any) string {
	all := map[string]any{"iss": i.URL, "aud": "quotes", "exp": time.Now().Add(time.Hour).Unix(), "sub": "user003"}
	for name, v := range claims {
		if all[name] = v; v == nil {
			delete(all, name)
		}
	}
	signer := must(jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", kid)))
	return must(must(signer.Sign(must(json.Marshal(all)))).CompactSerialize())
}

// authorize puts an authorizer in front of the routes of an API that have the key.
func (g *gateway) authorize(t testing.TB, apiID, key string, kind types.AuthorizationType, input *apigatewayv2.CreateAuthorizerInput, scopes ...string) string {
	t.Helper()
	input.ApiId, input.Name = &apiID, aws.String("gate")
	z := must(g.control.CreateAuthorizer(t.Context(), input))
	for _, r := range must(g.control.GetRoutes(t.Context(), &apigatewayv2.GetRoutesInput{ApiId: &apiID})).Items {
		if *r.RouteKey == key {
			must(g.control.UpdateRoute(t.Context(), &apigatewayv2.UpdateRouteInput{
				ApiId: &apiID, RouteId: r.RouteId, AuthorizationType: kind, AuthorizerId: z.AuthorizerId, AuthorizationScopes: scopes,
			}))
		}
	}
	return *z.AuthorizerId
}

func TestTokenOpensARoute(t *testing.T) {
	g, i := start(t, t.TempDir()), startIssuer(t)
	id, base := g.httpAPI(t, "2.0", "GET /open", "GET /quotes", "GET /scoped")
	jwt := func() *apigatewayv2.CreateAuthorizerInput {
		return &apigatewayv2.CreateAuthorizerInput{
			AuthorizerType: types.AuthorizerTypeJwt, IdentitySource: []string{"$request.header.Authorization"},
			JwtConfiguration: &types.JWTConfiguration{Issuer: &i.URL, Audience: []string{"quotes", "desk"}},
		}
	}
	g.authorize(t, id, "GET /quotes", types.AuthorizationTypeJwt, jwt())
	g.authorize(t, id, "GET /scoped", types.AuthorizationTypeJwt, jwt(), "read", "write")
	events := g.events()
	hour := time.Now().Add(time.Hour).Unix()
	ec := must(jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: []byte(strings.Repeat("k", 32))}, (&jose.SignerOptions{}).WithHeader("kid", "k1")))
	symmetric := must(must(ec.Sign([]byte(`{}`))).CompactSerialize())
	for _, test := range []struct {
		name, path, token string
		status            int
		challenge         string // or the authorizer's part of the event
	}{
		{"none", "/quotes", "", 401, `Bearer`},
		{"no token", "/quotes", "Bearer abc", 401, `Bearer scope="" error="invalid_token" error_description="the token is malformed or is not signed with an RSA algorithm"`},
		{"symmetric", "/quotes", symmetric, 401, `Bearer scope="" error="invalid_token" error_description="the token is malformed or is not signed with an RSA algorithm"`},
		{"unknown key", "/quotes", i.token("k2", jose.RS256, i.key, nil), 401, `Bearer scope="" error="invalid_token" error_description="the token is signed with an unknown key"`},
		{"no kid", "/quotes", i.token("", jose.RS256, i.key, nil), 401, `Bearer scope="" error="invalid_token" error_description="the token has no key id"`},
		{"other key", "/quotes", i.token("k1", jose.RS256, must(rsa.GenerateKey(rand.Reader, 2048)), nil), 401, `Bearer scope="" error="invalid_token" error_description="the token has an invalid signature"`},
		{"issuer", "/quotes", i.token("k1", jose.RS256, i.key, map[string]any{"iss": "https://other.example"}), 401, `Bearer scope="" error="invalid_token" error_description="the token does not have a valid issuer"`},
		{"audience", "/quotes", i.token("k1", jose.RS256, i.key, map[string]any{"aud": "x", "client_id": "quotes"}), 401, `Bearer scope="" error="invalid_token" error_description="the token does not have a valid audience"`},
		{"expired", "/quotes", i.token("k1", jose.RS256, i.key, map[string]any{"exp": 1}), 401, `Bearer scope="" error="invalid_token" error_description="the token has expired"`},
		{"no expiry", "/quotes", i.token("k1", jose.RS256, i.key, map[string]any{"exp": nil}), 401, `Bearer scope="" error="invalid_token" error_description="the token has expired"`},
		{"nbf", "/quotes", i.token("k1", jose.RS256, i.key, map[string]any{"nbf": hour}), 401, `Bearer scope="" error="invalid_token" error_description="the token is not valid yet"`},
		{"iat", "/quotes", i.token("k1", jose.RS256, i.key, map[string]any{"iat": hour}), 401, `Bearer scope="" error="invalid_token" error_description="the token is not valid yet"`},
		{"scope", "/scoped", i.token("k1", jose.RS256, i.key, map[string]any{"scope": "other"}), 403, `Bearer scope="read write" error="insufficient_scope" error_description="the token does not have the required scope"`},
		{"good", "/quotes", "Bearer " + i.token("k1", jose.RS384, i.key, map[string]any{"exp": 4102444800, "n": 1.5, "ok": true, "groups": []string{"a", "b"}}), 200,
			`"authorizer":{"jwt":{"claims":{"aud":"quotes","exp":"4102444800","groups":"[a b]","iss":"` + i.URL + `","n":"1.5","ok":"true","sub":"user003"},"scopes":null}}`},
		{"bare", "/quotes", i.token("k1", jose.RS256, i.key, map[string]any{"aud": []string{"x", "desk"}}), 200, `"aud":"[x desk]"`},
		{"client", "/quotes", i.token("k1", jose.RS256, i.key, map[string]any{"aud": nil, "client_id": "desk"}), 200, `"client_id":"desk"`},
		{"good scope", "/scoped", i.token("k1", jose.RS256, i.key, map[string]any{"scope": "other read"}), 200, `"scopes":["read"]`},
		{"good scp", "/scoped", i.token("k1", jose.RS256, i.key, map[string]any{"scp": []string{"write"}}), 200, `"scopes":["write"]`},
	} {
		header := http.Header{}
		if test.token != "" {
			header.Set("Authorization", test.token)
		}
		status, h, body := get(t, "GET", base+test.path, header, "")
		if status != test.status {
			t.Errorf("%s: %d %s, want %d\n%s", test.name, status, body, test.status, g.log)
			continue
		}
		if status == 200 {
			if e := next(t, events); !strings.Contains(e.text, test.challenge) {
				t.Errorf("%s: %s, want %s", test.name, e.text, test.challenge)
			}
		} else if h.Get("WWW-Authenticate") != test.challenge {
			t.Errorf("%s: %s, want %s", test.name, h.Get("WWW-Authenticate"), test.challenge)
		}
	}
	// A key that comes later is unknown until the keys are read again; a new authorizer of the issuer reads them.
	i.set.Keys[0].KeyID = "k2"
	late := http.Header{"Authorization": {i.token("k2", jose.RS256, i.key, nil)}}
	if status, _, _ := get(t, "GET", base+"/quotes", late, ""); status != 401 {
		t.Errorf("a key of tomorrow: %d", status)
	}
	must(g.control.CreateAuthorizer(t.Context(), func() *apigatewayv2.CreateAuthorizerInput {
		input := jwt()
		input.ApiId, input.Name = &id, aws.String("second")
		return input
	}()))
	if status, _, _ := get(t, "GET", base+"/quotes", late, ""); status != 200 {
		t.Errorf("after the keys were read again: %d", status)
	}
}

func TestAuthorizerFunctionOpensARoute(t *testing.T) {
	g := start(t, t.TempDir())
	id, base := g.httpAPI(t, "2.0", "GET /quotes/{ticker}")
	uri := strings.ReplaceAll(functionURI, ":watch:live", ":gate")
	authorizerID := g.authorize(t, id, "GET /quotes/{ticker}", types.AuthorizationTypeCustom, &apigatewayv2.CreateAuthorizerInput{
		AuthorizerType: types.AuthorizerTypeRequest, AuthorizerUri: &uri, AuthorizerPayloadFormatVersion: aws.String("2.0"), EnableSimpleResponses: aws.Bool(true),
		IdentitySource: []string{"$request.header.Who", "$request.querystring.why"}, AuthorizerResultTtlInSeconds: aws.Int32(3600),
	})
	prefix := "arn:aws:execute-api:us-east-1:111122223333:" + id + "/"
	var asked []lambda.Invocation
	var said, failed string
	var event string
	g.functions.set(func(_ context.Context, in lambda.Invocation) (lambda.Result, error) {
		if strings.HasSuffix(in.Function, ":gate") {
			asked = append(asked, in)
			return lambda.Result{Payload: []byte(said), FunctionError: failed}, nil
		}
		event = string(in.Payload)
		return lambda.Result{Payload: []byte(`{"ok":true}`)}, nil
	})
	ask := func(who string) int {
		status, _, _ := get(t, "GET", base+"/quotes/EI%20QQ?why=x&why=y", http.Header{"Who": {who}}, "")
		return status
	}
	if status, _, body := get(t, "GET", base+"/quotes/EIQQ", http.Header{"Who": {"me"}}, ""); status != 401 || len(asked) != 0 {
		t.Errorf("without an identity source: %d %s, asked %d times", status, body, len(asked))
	}
	said = `{"isAuthorized":true,"context":{"n":1,"list":["a"],"text":"t"}}`
	if ask("me") != 200 || ask("me") != 200 || len(asked) != 1 {
		t.Errorf("asked %d times, want once\n%s", len(asked), g.log)
	}
	var e struct {
		Version, Type, RouteARN, RawPath string
		IdentitySource                   []string
		Body                             *string
		IsBase64Encoded                  *bool
	}
	json.Unmarshal(asked[0].Payload, &e)
	if e.Version != "2.0" || e.Type != "REQUEST" || e.RouteARN != prefix+"$default/GET/quotes/EI QQ" || strings.Join(e.IdentitySource, "|") != "me|x,y" ||
		e.Body != nil || e.IsBase64Encoded != nil || asked[0].SourceARN != prefix+"authorizers/"+authorizerID {
		t.Errorf("the authorizer's event %+v for %s", e, asked[0].SourceARN)
	}
	if want := `"authorizer":{"lambda":{"list":["a"],"n":1,"text":"t"}}`; !strings.Contains(event, want) {
		t.Errorf("event %s, want %s", event, want)
	}
	said = `{"isAuthorized":false}`
	if status := ask("you"); status != 403 {
		t.Errorf("refused: %d", status)
	}
	must(g.control.ResetAuthorizersCache(t.Context(), &apigatewayv2.ResetAuthorizersCacheInput{ApiId: &id, StageName: aws.String("$default")}))
	if status := ask("me"); status != 403 {
		t.Errorf("after the cache was reset: %d", status)
	}
	for _, answer := range []string{`{"isAuthorized":"yes"}`, `true`, `{"principalId":"p","policyDocument":{}}`, `no JSON`} {
		said = answer
		if status := ask(answer); status != 500 {
			t.Errorf("%s: %d, want 500", answer, status)
		}
	}
	if said, failed = `{"errorMessage":"Unauthorized"}`, "Unhandled"; ask("broken") != 500 {
		t.Errorf("an authorizer that fails is not a 500")
	}
	failed = ""
	must(g.control.UpdateAuthorizer(t.Context(), &apigatewayv2.UpdateAuthorizerInput{ApiId: &id, AuthorizerId: &authorizerID, EnableSimpleResponses: aws.Bool(false)}))
	policy := func(effect, resource string) string {
		return `{"principalId":"user003","policyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `","Action":"execute-api:Invoke","Resource":"` + resource + `"}]}}`
	}
	for _, test := range []struct {
		said   string
		status int
	}{
		{policy("Allow", prefix+"*/GET/quotes/*"), 200}, {policy("Allow", prefix+"*/GET/desk"), 403}, {policy("Deny", "*"), 403}, {`{"isAuthorized":true}`, 500},
	} {
		said = test.said
		if status := ask(test.said); status != test.status {
			t.Errorf("%s: %d, want %d", test.said, status, test.status)
		}
	}
	if !strings.Contains(event, `"authorizer":{"lambda":null}`) {
		t.Errorf("event %s: a context that was not given is null", event)
	}
}

func TestSignatureOpensARoute(t *testing.T) {
	g := start(t, t.TempDir())
	id, base := g.httpAPI(t, "2.0", "ANY /quotes/{ticker}", "$default")
	for _, r := range must(g.control.GetRoutes(t.Context(), &apigatewayv2.GetRoutesInput{ApiId: &id})).Items {
		must(g.control.UpdateRoute(t.Context(), &apigatewayv2.UpdateRouteInput{ApiId: &id, RouteId: r.RouteId, AuthorizationType: types.AuthorizationTypeAwsIam}))
	}
	events := g.events()
	if status, _, body := get(t, "GET", base+"/quotes/EIQQ", nil, ""); status != 403 || body != `{"message":"Forbidden"}` {
		t.Errorf("unsigned: %d %s", status, body)
	}
	signed := http.Header{"Authorization": {"AWS4-HMAC-SHA256 …"}}
	if status, _, _ := get(t, "GET", base+"/quotes/EIQQ", signed, ""); status != 200 {
		t.Errorf("signed: %d\n%s", status, g.log)
	}
	want := `"authorizer":{"iam":{"accessKey":"test","accountId":"111122223333","callerId":"111122223333","cognitoIdentity":null,"principalOrgId":null,"userArn":"arn:aws:iam::111122223333:root","userId":"111122223333"}}`
	if e := next(t, events); !strings.Contains(e.text, want) {
		t.Errorf("event %s, want %s", e.text, want)
	}
	prefix := "arn:aws:execute-api:us-east-1:111122223333:" + id + "/$default/"
	for path, resource := range map[string]string{"/quotes/EI%51Q": prefix + "GET/quotes/EIQQ", "/other": prefix + "$default"} {
		g.denial.mu.Lock()
		g.denial.resource = resource
		g.denial.mu.Unlock()
		if status, _, _ := get(t, "GET", base+path, signed, ""); status != 200 {
			t.Errorf("%s is not %s\n%s", path, resource, g.log)
		}
		if status, _, _ := get(t, "GET", base+"/quotes/NVTX", signed, ""); status != 403 {
			t.Errorf("what no policy allows: %d", status)
		}
	}
}

func TestPreflightMeetsTheAuthorizationOfItsRoute(t *testing.T) {
	g := start(t, t.TempDir())
	id, base := g.httpAPI(t, "2.0", "$default", "GET /quotes", "ANY /any")
	for _, r := range must(g.control.GetRoutes(t.Context(), &apigatewayv2.GetRoutesInput{ApiId: &id})).Items {
		must(g.control.UpdateRoute(t.Context(), &apigatewayv2.UpdateRouteInput{ApiId: &id, RouteId: r.RouteId, AuthorizationType: types.AuthorizationTypeAwsIam}))
	}
	must(g.control.UpdateApi(t.Context(), &apigatewayv2.UpdateApiInput{ApiId: &id, CorsConfiguration: &types.Cors{AllowOrigins: []string{"*"}}}))
	preflight := http.Header{"Origin": {"https://quotes.example"}, "Access-Control-Request-Method": {"GET"}}
	for _, path := range []string{"/quotes", "/any"} {
		if status, _, _ := get(t, "OPTIONS", base+path, preflight, ""); status != 403 {
			t.Errorf("%s: %d, want the 403 of the route that takes OPTIONS", path, status)
		}
	}
	if !strings.Contains(g.log.String(), "OPTIONS /{proxy+}") {
		t.Errorf("the log does not say what to do:\n%s", g.log)
	}
	in := must(g.control.GetIntegrations(t.Context(), &apigatewayv2.GetIntegrationsInput{ApiId: &id})).Items[0]
	must(g.control.CreateRoute(t.Context(), &apigatewayv2.CreateRouteInput{ApiId: &id, RouteKey: aws.String("OPTIONS /{proxy+}"), Target: aws.String("integrations/" + *in.IntegrationId)}))
	if status, h, _ := get(t, "OPTIONS", base+"/quotes", preflight, ""); status != 204 || h.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("with an open route for OPTIONS: %d %v", status, h)
	}
}

func TestAuthorizersThatAreRefused(t *testing.T) {
	g, i := start(t, t.TempDir()), startIssuer(t)
	id, _ := g.httpAPI(t, "2.0", "GET /x")
	header := []string{"$request.header.Authorization"}
	jwt := func(issuer string, audience ...string) *apigatewayv2.CreateAuthorizerInput {
		return &apigatewayv2.CreateAuthorizerInput{AuthorizerType: types.AuthorizerTypeJwt, IdentitySource: header, JwtConfiguration: &types.JWTConfiguration{Issuer: &issuer, Audience: audience}}
	}
	uri := functionURI
	request := func(f func(*apigatewayv2.CreateAuthorizerInput)) *apigatewayv2.CreateAuthorizerInput {
		input := &apigatewayv2.CreateAuthorizerInput{AuthorizerType: types.AuthorizerTypeRequest, IdentitySource: header, AuthorizerUri: &uri, AuthorizerPayloadFormatVersion: aws.String("2.0")}
		f(input)
		return input
	}
	for want, input := range map[string]*apigatewayv2.CreateAuthorizerInput{
		"valid discovery endpoint": jwt(i.URL+"/nobody", "a"),
		"must have an audience":    jwt(i.URL),
		"Invalid issuer":           jwt("http://example.com", "a"),
		"is a required parameter":  request(func(z *apigatewayv2.CreateAuthorizerInput) { z.AuthorizerPayloadFormatVersion = nil }),
		"needs an identitySource": request(func(z *apigatewayv2.CreateAuthorizerInput) {
			z.IdentitySource, z.AuthorizerResultTtlInSeconds = []string{}, aws.Int32(1)
		}),
		"between 0 and 3600":     request(func(z *apigatewayv2.CreateAuthorizerInput) { z.AuthorizerResultTtlInSeconds = aws.Int32(3601) }),
		"Invalid identitySource": request(func(z *apigatewayv2.CreateAuthorizerInput) { z.IdentitySource = []string{"$request.body.x"} }),
		"FormatVersion 2.0": request(func(z *apigatewayv2.CreateAuthorizerInput) {
			z.AuthorizerPayloadFormatVersion, z.EnableSimpleResponses = aws.String("1.0"), aws.Bool(true)
		}),
		"Invalid authorizerUri": request(func(z *apigatewayv2.CreateAuthorizerInput) { z.AuthorizerUri = aws.String(publishARN) }),
	} {
		input.ApiId, input.Name = &id, aws.String("gate")
		if _, err := g.control.CreateAuthorizer(t.Context(), input); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func FuzzToken(f *testing.F) {
	f.Add("a.b.c")
	f.Add("eyJhbGciOiJSUzI1NiIsImtpZCI6ImsxIn0.e30.AAAA")
	s := &Service{client: newClient(), Config: Config{Limits: AWSLimits}}
	s.issuers.keys = map[string]issuerKeys{"http://127.0.0.1:1": {until: time.Now().Add(time.Hour)}}
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := s.verifyToken(t.Context(), &jwtConfiguration{Issuer: "http://127.0.0.1:1", Audience: []string{"a"}}, text); err == nil {
			t.Errorf("%q was taken for a token", text)
		}
	})
}
