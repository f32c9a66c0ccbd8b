package apigateway

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/coder/websocket"

	"quotewire/cloud/lambda"
)

// handshake sends a plain upgrade request and returns the connection with the answer's head.
func handshake(t testing.TB, authority, target string, headers ...string) (net.Conn, *bufio.Reader, *http.Response) {
	t.Helper()
	c, err := net.Dial("tcp", authority)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n", target, authority, strings.Join(headers, ""))
	r := bufio.NewReader(c)
	response, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c, r, response
}

func TestHandshakeFollowsTheOutcomeOfConnect(t *testing.T) {
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "$connect", "$disconnect")
	for _, test := range []struct {
		name   string
		result lambda.Result
		err    error
		want   int
	}{
		{"200", lambda.Result{Payload: []byte(`{"statusCode":200}`)}, nil, 101},
		{"201 as text", lambda.Result{Payload: []byte(`{"statusCode":"201"}`)}, nil, 101},
		{"301", lambda.Result{Payload: []byte(`{"statusCode":301}`)}, nil, 301},
		{"401", lambda.Result{Payload: []byte(`{"statusCode":401}`)}, nil, 401},
		{"501", lambda.Result{Payload: []byte(`{"statusCode":501}`)}, nil, 501},
		{"function error", lambda.Result{Payload: []byte(`{"errorMessage":"x"}`), FunctionError: "Unhandled"}, nil, 502},
		{"null", lambda.Result{Payload: []byte(`null`)}, nil, 502},
		{"no status", lambda.Result{Payload: []byte(`{}`)}, nil, 502},
		{"unknown member", lambda.Result{Payload: []byte(`{"statusCode":200,"ConnectionId":"x"}`)}, nil, 502},
		{"member in another case", lambda.Result{Payload: []byte(`{"StatusCode":200}`)}, nil, 502},
		{"no permission", lambda.Result{}, apiError(403, "AccessDeniedException"), 500},
		{"no function", lambda.Result{}, apiError(404, "ResourceNotFoundException"), 500},
		{"throttled", lambda.Result{}, apiError(429, "TooManyRequestsException"), 502},
		{"too slow", lambda.Result{}, context.DeadlineExceeded, 504},
	} {
		t.Run(test.name, func(t *testing.T) {
			g.functions.set(func(context.Context, lambda.Invocation) (lambda.Result, error) { return test.result, test.err })
			_, _, response := handshake(t, g.Authority, pathPrefix+id+"/development")
			if response.StatusCode != test.want {
				t.Errorf("status %d, want %d", response.StatusCode, test.want)
			}
			if test.want == 101 {
				if got := response.Header.Get("Sec-WebSocket-Accept"); got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
					t.Errorf("Sec-WebSocket-Accept: %s", got)
				}
				return
			}
			body, _ := io.ReadAll(response.Body)
			if !regexp.MustCompile(`^\{"message": "[A-Za-z ]+", "connectionId":"[\w-]{15}=", "requestId":"[\w-]{15}="\}$`).Match(body) {
				t.Errorf("body %s", body)
			}
		})
	}
}

func TestHandshakeOfWhatIsNotThere(t *testing.T) {
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "$default")
	must(g.control.CreateStage(t.Context(), &apigatewayv2.CreateStageInput{ApiId: &id, StageName: aws.String("empty")}))
	for target, want := range map[string]int{
		pathPrefix + id + "/development":            101,
		pathPrefix + id + "/development/":           101,
		pathPrefix + id + "/%64evelopment?ticker=A": 101,
		"/development":                        101,
		pathPrefix + id + "/development/x":    403,
		pathPrefix + id + "/production":       403,
		pathPrefix + id + "/empty":            403,
		pathPrefix + "nosuchapi0/development": 403,
	} {
		_, _, response := handshake(t, g.Authority, target)
		if response.StatusCode != want {
			t.Errorf("%s: status %d, want %d", target, response.StatusCode, want)
		}
		if want == 403 && response.Header.Get("x-amzn-ErrorType") != "ForbiddenException" {
			t.Errorf("%s: error type %q", target, response.Header.Get("x-amzn-ErrorType"))
		}
	}
	must(g.control.UpdateApi(t.Context(), &apigatewayv2.UpdateApiInput{ApiId: &id, DisableExecuteApiEndpoint: aws.Bool(true)}))
	if _, _, response := handshake(t, g.Authority, pathPrefix+id+"/development"); response.StatusCode != 403 {
		t.Errorf("disabled endpoint: status %d, want 403", response.StatusCode)
	}
}

func TestPlainRequestsToAWebSocketAPI(t *testing.T) {
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "$default")
	base := "http://" + g.Authority + pathPrefix + id + "/development"
	if status, _, _ := get(t, "GET", base, nil, ""); status != 426 {
		t.Errorf("plain GET: %d, want 426", status)
	}
	if status, _, body := get(t, "POST", base, nil, ""); status != 403 || body != `{"message":"Missing Authentication Token"}` {
		t.Errorf("plain POST: %d %s", status, body)
	}
	upgrade := http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-WebSocket-Version": {"8"}, "Sec-WebSocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}}
	if status, h, _ := get(t, "GET", base, upgrade, ""); status != 400 || h.Get("Sec-WebSocket-Version") != "13" {
		t.Errorf("version 8: %d %v", status, h)
	}
	upgrade["Sec-WebSocket-Version"], upgrade["Sec-WebSocket-Key"] = []string{"13"}, []string{"short"}
	if status, _, _ := get(t, "GET", base, upgrade, ""); status != 400 {
		t.Errorf("bad key: %d, want 400", status)
	}
}

func TestSubprotocolIsTheFunctionsChoice(t *testing.T) {
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "$connect")
	g.functions.returns(`{"statusCode":200,"headers":{"sec-websocket-protocol":"quotes.v1","X-Other":"dropped"}}`)
	c, response, err := websocket.Dial(t.Context(), g.url(id, "development"), &websocket.DialOptions{Subprotocols: []string{"quotes.v2", "quotes.v1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	if got := response.Header.Get("Sec-WebSocket-Protocol"); got != "quotes.v1" {
		t.Errorf("sub-protocol %q", got)
	}
	if got := response.Header.Get("X-Other"); got != "" {
		t.Errorf("another header of the function reached the client: %q", got)
	}
}

func TestConnectEvent(t *testing.T) {
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "$connect")
	must(g.control.UpdateStage(t.Context(), &apigatewayv2.UpdateStageInput{ApiId: &id, StageName: aws.String("development"), StageVariables: map[string]string{"mode": "live"}}))
	events := g.events()
	handshake(t, g.Authority, pathPrefix+id+"/development?ticker=NVTX&ticker=EI%20QQ",
		"Sec-WebSocket-Protocol: a, b\r\n", "User-Agent: Mozilla/5.0\r\n", "X-Forwarded-For: 192.0.2.1\r\n", "Cookie: <user>\r\n")
	e := next(t, events)
	if want := "arn:aws:execute-api:us-east-1:111122223333:" + id + "/development/$connect"; e.invocation.SourceARN != want || e.invocation.Service != "apigateway.amazonaws.com" {
		t.Errorf("invoked for %s by %s, want %s", e.invocation.SourceARN, e.invocation.Service, want)
	}
	if want := "arn:aws:lambda:us-east-1:111122223333:function:watch:live"; e.invocation.Function != want {
		t.Errorf("invoked %s, want %s", e.invocation.Function, want)
	}
	port := g.Authority[strings.LastIndex(g.Authority, ":")+1:]
	text := e.text
	for _, mask := range [][2]string{
		{`Root=1-[0-9a-f]{8}-[0-9a-f]{24}`, "TRACE"}, {`"[\w-]{15}="`, `"ID"`}, {`\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000`, "TIME"},
		{regexp.QuoteMeta(g.Authority), "HOST"}, {`"` + port + `"`, `"PORT"`}, {id, "API"}, {`:1\d{12}`, ":MS"},
	} {
		text = regexp.MustCompile(mask[0]).ReplaceAllString(text, mask[1])
	}
	want := `{"headers":{"Cookie":"<user>","Host":"HOST","Sec-WebSocket-Key":"dGhlIHNhbXBsZSBub25jZQ==","Sec-WebSocket-Protocol":"a, b",` +
		`"Sec-WebSocket-Version":"13","User-Agent":"Mozilla/5.0","X-Amzn-Trace-Id":"TRACE","X-Forwarded-For":"192.0.2.1, 127.0.0.1","X-Forwarded-Port":"PORT","X-Forwarded-Proto":"http"},` +
		`"multiValueHeaders":{"Cookie":["<user>"],"Host":["HOST"],"Sec-WebSocket-Key":["dGhlIHNhbXBsZSBub25jZQ=="],"Sec-WebSocket-Protocol":["a, b"],` +
		`"Sec-WebSocket-Version":["13"],"User-Agent":["Mozilla/5.0"],"X-Amzn-Trace-Id":["TRACE"],"X-Forwarded-For":["192.0.2.1, 127.0.0.1"],"X-Forwarded-Port":["PORT"],"X-Forwarded-Proto":["http"]},` +
		`"queryStringParameters":{"ticker":"EI QQ"},"multiValueQueryStringParameters":{"ticker":["NVTX","EI QQ"]},"stageVariables":{"mode":"live"},` +
		`"requestContext":{"routeKey":"$connect","eventType":"CONNECT","extendedRequestId":"ID","requestTime":"TIME","messageDirection":"IN","stage":"development",` +
		`"connectedAt":MS,"requestTimeEpoch":MS,"identity":{"userAgent":"Mozilla/5.0","sourceIp":"127.0.0.1"},"requestId":"ID","domainName":"HOST","connectionId":"ID","apiId":"API"},"isBase64Encoded":false}`
	if text != want {
		t.Errorf("event\n%s\nwant\n%s", text, want)
	}
}

func TestPostWhileConnectIsPendingAnswers410(t *testing.T) {
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "$connect")
	posted := make(chan error, 1)
	g.functions.set(func(ctx context.Context, in lambda.Invocation) (lambda.Result, error) {
		_, err := g.management("development").PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{
			ConnectionId: aws.String(decode(in.Payload).RequestContext.ConnectionID), Data: []byte("hello"),
		})
		posted <- err
		return lambda.Result{Payload: []byte(`{"statusCode":200}`)}, nil
	})
	g.dial(t, id, nil)
	if err := <-posted; !isGone(err) {
		t.Errorf("post from $connect: %v, want GoneException", err)
	}
}

func TestAuthorizerDecidesTheHandshake(t *testing.T) {
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "$connect", "$default")
	z := must(g.control.CreateAuthorizer(t.Context(), &apigatewayv2.CreateAuthorizerInput{
		ApiId: &id, Name: aws.String("gate"), AuthorizerType: types.AuthorizerTypeRequest, IdentitySource: []string{"route.request.querystring.token"},
		AuthorizerUri: aws.String(strings.ReplaceAll(functionURI, "function:watch:live", "function:gate")),
	}))
	routes := must(g.control.GetRoutes(t.Context(), &apigatewayv2.GetRoutesInput{ApiId: &id}))
	for _, r := range routes.Items {
		if *r.RouteKey == "$connect" {
			must(g.control.UpdateRoute(t.Context(), &apigatewayv2.UpdateRouteInput{ApiId: &id, RouteId: r.RouteId, AuthorizationType: types.AuthorizationTypeCustom, AuthorizerId: z.AuthorizerId}))
		}
	}
	must(g.control.CreateDeployment(t.Context(), &apigatewayv2.CreateDeploymentInput{ApiId: &id, StageName: aws.String("development")}))
	policy := func(effect, resource, context string) lambda.Result {
		return lambda.Result{Payload: []byte(`{"principalId":"user003","policyDocument":{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"` +
			effect + `","Resource":"` + resource + `"}]},"context":` + context + `}`)}
	}
	arn := "arn:aws:execute-api:us-east-1:111122223333:" + id
	for _, test := range []struct {
		name, query string
		result      lambda.Result
		want        int
	}{
		{"no token", "", lambda.Result{}, 401},
		{"allowed", "?token=t", policy("Allow", arn+"/development/$connect", `{"limit":25,"pro":true}`), 101},
		{"denied", "?token=t", policy("Deny", "*", `{}`), 403},
		{"something else allowed", "?token=t", policy("Allow", arn+"/other/$connect", `{}`), 403},
		{"nested context", "?token=t", policy("Allow", "*", `{"a":{}}`), 500},
		{"no policy", "?token=t", lambda.Result{Payload: []byte(`{"principalId":"x"}`)}, 500},
		{"Unauthorized", "?token=t", lambda.Result{Payload: []byte(`{"errorMessage":"Unauthorized"}`), FunctionError: "Unhandled"}, 401},
		{"another error", "?token=t", lambda.Result{Payload: []byte(`{"errorMessage":"oh"}`), FunctionError: "Unhandled"}, 500},
	} {
		t.Run(test.name, func(t *testing.T) {
			connected := make(chan string, 1)
			g.functions.set(func(_ context.Context, in lambda.Invocation) (lambda.Result, error) {
				if strings.Contains(in.Function, ":gate") {
					if want := arn + "/authorizers/" + *z.AuthorizerId; in.SourceARN != want {
						t.Errorf("authorizer invoked for %s, want %s", in.SourceARN, want)
					}
					return test.result, nil
				}
				connected <- string(in.Payload)
				return lambda.Result{Payload: []byte(`{"statusCode":200}`)}, nil
			})
			_, _, response := handshake(t, g.Authority, pathPrefix+id+"/development"+test.query)
			if response.StatusCode != test.want {
				t.Fatalf("status %d, want %d; log: %s", response.StatusCode, test.want, g.log)
			}
			if test.want == 101 {
				if text := <-connected; !regexp.MustCompile(`"authorizer":\{"integrationLatency":\d+,"limit":"25","principalId":"user003","pro":"true"\}`).MatchString(text) {
					t.Errorf("event without what the authorizer said: %s", text)
				}
			}
		})
	}
}
