package truth

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// issuer is an OpenID Connect issuer on the loopback.
type issuer struct {
	*httptest.Server
	key *rsa.PrivateKey
}

func startIssuer(t testing.TB) *issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{key: key}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/.well-known/openid-configuration":
			json.NewEncoder(w).Encode(params{"issuer": i.URL, "jwks_uri": i.URL + "/keys"})
		case "/keys":
			json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k1", Algorithm: "RS256", Use: "sig"}}})
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(i.Close)
	return i
}

// token signs the claims of a good token, changed as said; a claim of nil is left out.
func (i *issuer) token(t testing.TB, change params) string {
	t.Helper()
	return sign(t, jose.SigningKey{Algorithm: jose.RS256, Key: i.key}, "k1", i.claims(change))
}

func (i *issuer) claims(change params) params {
	all := params{"iss": i.URL, "aud": "quotes", "exp": time.Now().Add(time.Hour).Unix(), "sub": "user003"}
	for name, v := range change {
		if all[name] = v; v == nil {
			delete(all, name)
		}
	}
	return all
}

func sign(t testing.TB, key jose.SigningKey, kid string, claims params) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	options := &jose.SignerOptions{}
	if kid != "" {
		options.WithHeader("kid", kid)
	}
	signer, err := jose.NewSigner(key, options)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestHTTPJWTAuthorizers(t *testing.T) {
	t.Parallel()
	c := shared(t)
	i := startIssuer(t)
	py := c.boto3(t)
	a := c.httpAPI(t, c.function(t, "jwt"), "GET /quotes", "GET /scoped", "GET /query", "GET /open")
	authorizer := func(source string) params {
		return params{"ApiId": a.ID, "Name": "tokens", "AuthorizerType": "JWT", "IdentitySource": items{source}, "JwtConfiguration": params{"Issuer": i.URL, "Audience": items{"quotes", "desk"}}}
	}
	z := py.call(t, "apigatewayv2", "CreateAuthorizer", authorizer("$request.header.Authorization")).str("AuthorizerId")
	inQuery := py.call(t, "apigatewayv2", "CreateAuthorizer", authorizer("$request.querystring.token")).str("AuthorizerId")
	a.updateRoute(t, "GET /quotes", params{"AuthorizationType": "JWT", "AuthorizerId": z})
	a.updateRoute(t, "GET /scoped", params{"AuthorizationType": "JWT", "AuthorizerId": z, "AuthorizationScopes": items{"read", "write"}})
	a.updateRoute(t, "GET /query", params{"AuthorizationType": "JWT", "AuthorizerId": inQuery})

	ask := func(t *testing.T, path, token string) reply {
		t.Helper()
		return request(t, "GET", a.URL+path, "", "Authorization: "+token)
	}
	// refused checks that a token is not good, and that the log says more about it.
	refused := func(t *testing.T, token, description string) {
		t.Helper()
		r := ask(t, "/quotes", token)
		r.is(t, 401, unauthorized)
		if got, want := r.header.Get("WWW-Authenticate"), `Bearer scope="" error="invalid_token" error_description="`+description+`"`; got != want {
			t.Errorf("www-authenticate %s, want %s", got, want)
		}
		c.Wait(t, r.header.Get("apigw-requestid"), description)
	}

	rule(t, "a token with a key and claims of the issuer opens the route, with or without Bearer", "HTTP §6", httpClient, func(t *testing.T) {
		for _, prefix := range []string{"", "Bearer "} {
			if r := ask(t, "/quotes", prefix+i.token(t, nil)); r.status != 200 {
				t.Errorf("%q: %d %s", prefix, r.status, r.body)
			}
		}
	})
	rule(t, "the claims of a token are in the event, all as strings", "HTTP §6", httpClient, func(t *testing.T) {
		e := ask(t, "/quotes", i.token(t, params{"exp": 4102444800, "admin": true, "groups": items{"a", "b"}})).json(t)
		for path, want := range map[string]any{"sub": "user003", "exp": "4102444800", "admin": "true", "groups": "[a b]"} {
			if got := e.get("requestContext.authorizer.jwt.claims." + path); got != want {
				t.Errorf("%s is %#v, want %#v", path, got, want)
			}
		}
		if jwt, _ := e.get("requestContext.authorizer.jwt").(map[string]any); len(jwt) != 2 || jwt["scopes"] != nil {
			t.Errorf("got %v, want claims and the scopes null", jwt)
		}
	})
	rule(t, "a token may come in the query", "HTTP §6", httpClient, func(t *testing.T) {
		if got := request(t, "GET", a.URL+"/query?token="+i.token(t, nil), "").status; got != 200 {
			t.Errorf("got %d", got)
		}
		ask(t, "/query", i.token(t, nil)).is(t, 401, unauthorized)
	})
	rule(t, "a request without a token is answered with 401 Unauthorized and www-authenticate: Bearer", "HTTP §6", httpClient, func(t *testing.T) {
		r := request(t, "GET", a.URL+"/quotes", "")
		if r.is(t, 401, unauthorized); r.header.Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("headers %v", r.header)
		}
	})
	rule(t, "a token with another audience is refused", "HTTP §6", httpClient, func(t *testing.T) {
		refused(t, i.token(t, params{"aud": "other"}), "the token does not have a valid audience")
	})
	rule(t, "one of several audiences is enough", "HTTP §6", httpClient, func(t *testing.T) {
		if got := ask(t, "/quotes", i.token(t, params{"aud": items{"other", "desk"}})).status; got != 200 {
			t.Errorf("got %d", got)
		}
	})
	rule(t, "client_id counts as the audience of a token without aud", "HTTP §6", httpClient, func(t *testing.T) {
		if got := ask(t, "/quotes", i.token(t, params{"aud": nil, "client_id": "desk"})).status; got != 200 {
			t.Errorf("got %d", got)
		}
		refused(t, i.token(t, params{"aud": "other", "client_id": "desk"}), "the token does not have a valid audience")
	})
	rule(t, "a token of the past is refused", "HTTP §6", httpClient, func(t *testing.T) {
		refused(t, i.token(t, params{"exp": time.Now().Add(-time.Minute).Unix()}), "the token has expired")
	})
	choice(t, "a token that does not expire is refused", "HTTP §6", httpClient, func(t *testing.T) {
		refused(t, i.token(t, params{"exp": nil}), "the token has expired")
	})
	rule(t, "a token of the future, by nbf or iat, is refused", "HTTP §6", httpClient, func(t *testing.T) {
		hour := time.Now().Add(time.Hour).Unix()
		refused(t, i.token(t, params{"nbf": hour}), "the token is not valid yet")
		refused(t, i.token(t, params{"iat": hour}), "the token is not valid yet")
	})
	rule(t, "a token of another issuer is refused", "HTTP §6", httpClient, func(t *testing.T) {
		refused(t, i.token(t, params{"iss": i.URL + "/"}), "the token does not have a valid issuer")
	})
	rule(t, "a token whose kid is not among the issuer's keys is refused", "HTTP §6", httpClient, func(t *testing.T) {
		refused(t, sign(t, jose.SigningKey{Algorithm: jose.RS256, Key: i.key}, "k2", i.claims(nil)), "the token is signed with an unknown key")
		refused(t, sign(t, jose.SigningKey{Algorithm: jose.RS256, Key: i.key}, "", i.claims(nil)), "the token has no key id")
	})
	rule(t, "a token that another key signed is refused", "HTTP §6", httpClient, func(t *testing.T) {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		refused(t, sign(t, jose.SigningKey{Algorithm: jose.RS256, Key: key}, "k1", i.claims(nil)), "the token has an invalid signature")
	})
	rule(t, "a token that is not signed with an RSA algorithm is refused", "HTTP §6", httpClient, func(t *testing.T) {
		const said = "the token is malformed or is not signed with an RSA algorithm"
		refused(t, sign(t, jose.SigningKey{Algorithm: jose.HS256, Key: []byte(strings.Repeat("k", 32))}, "k1", i.claims(nil)), said)
		refused(t, "eyJhbGciOiJub25lIiwia2lkIjoiazEifQ.e30.", said)
		refused(t, "Bearer none", said)
	})
	choice(t, "of the RSA algorithms, those with PSS padding are refused", "HTTP §6", httpClient, func(t *testing.T) {
		refused(t, sign(t, jose.SigningKey{Algorithm: jose.PS256, Key: i.key}, "k1", i.claims(nil)), "the token is malformed or is not signed with an RSA algorithm")
	})
	rule(t, "a route with scopes takes a token with one of them, in scope or in scp", "HTTP §6", httpClient, func(t *testing.T) {
		for _, claims := range []params{{"scope": "other read"}, {"scp": items{"read"}}} {
			if got := ask(t, "/scoped", i.token(t, claims)).json(t).str("requestContext.authorizer.jwt.scopes.0"); got != "read" {
				t.Errorf("%v: the event has the scope %q", claims, got)
			}
		}
	})
	rule(t, "a token without any of the route's scopes is answered with 403 and insufficient_scope", "HTTP §6", httpClient, func(t *testing.T) {
		r := ask(t, "/scoped", i.token(t, params{"scope": "other"}))
		r.is(t, 403, forbidden)
		if got := r.header.Get("WWW-Authenticate"); !strings.HasPrefix(got, `Bearer scope="read write" error="insufficient_scope"`) {
			t.Errorf("www-authenticate %s", got)
		}
	})
	rule(t, "routes without an authorizer stay open", "HTTP §6", httpClient, func(t *testing.T) {
		if got := ask(t, "/open", "nonsense").status; got != 200 {
			t.Errorf("got %d", got)
		}
	})
	rule(t, "a JWT authorizer whose issuer has no discovery document cannot be created", "HTTP §6", boto3, func(t *testing.T) {
		p := authorizer("$request.header.Authorization")
		p["JwtConfiguration"] = params{"Issuer": i.URL + "/nobody", "Audience": items{"quotes"}}
		refusedAs(t, py.fail(t, "apigatewayv2", "CreateAuthorizer", p), 400, "BadRequestException", "Issuer must have a valid discovery endpoint ended with '/.well-known/openid-configuration'")
	})
	rule(t, "an issuer that does not answer refuses all tokens", "HTTP §6", httpClient, func(t *testing.T) {
		gone := startIssuer(t)
		own := start(t, "--limit", "apigateway.issuer-cache=1ns")
		b := own.httpAPI(t, own.function(t, "gone"), "GET /x")
		p := authorizer("$request.header.Authorization")
		p["ApiId"], p["JwtConfiguration"] = b.ID, params{"Issuer": gone.URL, "Audience": items{"quotes"}}
		b.updateRoute(t, "GET /x", params{"AuthorizationType": "JWT", "AuthorizerId": own.boto3(t).call(t, "apigatewayv2", "CreateAuthorizer", p).str("AuthorizerId")})
		token := "Authorization: " + gone.token(t, nil)
		if got := request(t, "GET", b.URL+"/x", "", token).status; got != 200 {
			t.Errorf("before: %d", got)
		}
		gone.Close()
		r := request(t, "GET", b.URL+"/x", "", token)
		if r.is(t, 401, unauthorized); !strings.Contains(r.header.Get("WWW-Authenticate"), "OIDC discovery endpoint communication error") {
			t.Errorf("www-authenticate %s", r.header.Get("WWW-Authenticate"))
		}
	})
	choice(t, "an issuer's keys are kept for two hours: a token that is signed with a newer key is refused until then", "HTTP §6", httpClient, func(t *testing.T) {
		late := startIssuer(t)
		p := authorizer("$request.header.Authorization")
		b := c.httpAPI(t, c.function(t, "late"), "GET /x")
		p["ApiId"], p["JwtConfiguration"] = b.ID, params{"Issuer": late.URL, "Audience": items{"quotes"}}
		b.updateRoute(t, "GET /x", params{"AuthorizationType": "JWT", "AuthorizerId": py.call(t, "apigatewayv2", "CreateAuthorizer", p).str("AuthorizerId")})
		late.Close() // nobody is asked: the keys are known
		if got := request(t, "GET", b.URL+"/x", "", "Authorization: "+late.token(t, nil)).status; got != 200 {
			t.Errorf("a known key: %d", got)
		}
		newer := sign(t, jose.SigningKey{Algorithm: jose.RS256, Key: late.key}, "k9", late.claims(nil))
		request(t, "GET", b.URL+"/x", "", "Authorization: "+newer).is(t, 401, unauthorized)
	})
	rule(t, "a route of the type JWT needs a JWT authorizer of its API", "Control plane §4", boto3, func(t *testing.T) {
		e := py.fail(t, "apigatewayv2", "CreateRoute", params{"ApiId": a.ID, "RouteKey": "GET /none", "AuthorizationType": "JWT", "AuthorizerId": "nope"})
		refusedAs(t, e, 400, "BadRequestException", "Setting the authorization type to JWT requires a valid JWT authorizer.")
	})
	rule(t, "scopes are for routes of the type JWT, ten at most", "HTTP §7", boto3, func(t *testing.T) {
		p := params{"ApiId": a.ID, "RouteKey": "GET /scopes", "AuthorizationScopes": items{"a"}}
		refusedAs(t, py.fail(t, "apigatewayv2", "CreateRoute", p), 400, "BadRequestException", "Authorization Scopes are only valid for")
		p["AuthorizationType"], p["AuthorizerId"], p["AuthorizationScopes"] = "JWT", z, items{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"}
		refusedAs(t, py.fail(t, "apigatewayv2", "CreateRoute", p), 400, "BadRequestException", "10")
	})
	rule(t, "an authorizer that a route uses cannot be deleted", "Control plane §4", boto3, func(t *testing.T) {
		refusedAs(t, py.fail(t, "apigatewayv2", "DeleteAuthorizer", params{"ApiId": a.ID, "AuthorizerId": z}), 409, "ConflictException", z)
	})
}
