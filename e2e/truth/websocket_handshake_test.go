package truth

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

func TestWebSocketHandshake(t *testing.T) {
	t.Parallel()
	c := shared(t)
	f := c.function(t, "connect")
	d := c.draft(t)
	in := d.proxy(f)
	d.route("$connect", in)
	d.route("$default", in)
	a := d.deploy(nil, f)

	for _, test := range []struct {
		outcome, command string
		want             int
	}{
		{"statusCode 200 of $connect opens the connection", returning(`{"statusCode":200}`), 101},
		{"statusCode 201 of $connect opens the connection", returning(`{"statusCode":201}`), 101},
		{"statusCode 299 as a text opens the connection", returning(`{"statusCode":"299"}`), 101},
		{"statusCode 301 of $connect is the status of the handshake", returning(`{"statusCode":301}`), 301},
		{"statusCode 400 of $connect is the status of the handshake", returning(`{"statusCode":400}`), 400},
		{"statusCode 401 of $connect is the status of the handshake", returning(`{"statusCode":401,"body":"no"}`), 401},
		{"statusCode 501 of $connect is the status of the handshake", returning(`{"statusCode":501}`), 501},
		{"an unhandled error of $connect ends the handshake with 502", `{"do":"error","text":"no"}`, 502},
		{"a crash of the function of $connect ends the handshake with 502", `{"do":"exit","code":3}`, 502},
		{"null from $connect ends the handshake with 502", returning(`null`), 502},
		{"a text from $connect ends the handshake with 502", returning(`"welcome"`), 502},
		{"an answer of $connect without a statusCode ends the handshake with 502", returning(`{"body":"welcome"}`), 502},
		{"an unknown member in the answer of $connect ends the handshake with 502", returning(`{"statusCode":200,"connectionId":"x"}`), 502},
	} {
		rule(t, test.outcome, "WebSocket §2", stockWS, func(t *testing.T) {
			if got := status(t, a.probing(test.command)); got != test.want {
				t.Errorf("status %d, want %d", got, test.want)
			}
		})
	}
	rule(t, "an integration of $connect that takes longer than timeoutInMillis ends the handshake with 504", "WebSocket §2", stockWS, func(t *testing.T) {
		d := c.draft(t)
		d.route("$connect", d.integration(map[string]any{"IntegrationType": "AWS_PROXY", "IntegrationUri": invocationURI(f.ARN), "TimeoutInMillis": 60}))
		if got := status(t, d.deploy(nil, f).probing(`{"do":"sleep","ms":5000}`)); got != 504 {
			t.Errorf("status %d, want 504", got)
		}
	})
	rule(t, "a function timeout in $connect ends the handshake with 502", "WebSocket §2", stockWS, func(t *testing.T) {
		slow := c.function(t, "connect-slow", timeout(1))
		d := c.draft(t)
		d.route("$connect", d.proxy(slow))
		if got := status(t, d.deploy(nil, slow).probing(`{"do":"sleep","ms":9000}`)); got != 502 {
			t.Errorf("status %d, want 502", got)
		}
	})
	rule(t, "without a permission to invoke the function of $connect the handshake ends with 500", "WebSocket §2", stockWS, func(t *testing.T) {
		d := c.draft(t)
		d.route("$connect", d.proxy(f))
		if got := status(t, d.deploy(nil).URL); got != 500 {
			t.Errorf("status %d, want 500", got)
		}
	})
	rule(t, "without a $connect route the connection opens at once", "WebSocket §2", stockWS, func(t *testing.T) {
		d := c.draft(t)
		d.route("$default", d.mock("pong"))
		if got := status(t, d.deploy(nil).URL); got != 101 {
			t.Errorf("status %d, want 101", got)
		}
	})
	rule(t, "a backend of a non-proxy HTTP integration of $connect that answers 404 lets the connection open", "WebSocket §2", stockWS, func(t *testing.T) {
		backend := httptest.NewServer(http.NotFoundHandler())
		t.Cleanup(backend.Close)
		d := c.draft(t)
		d.route("$connect", d.integration(map[string]any{"IntegrationType": "HTTP", "IntegrationMethod": "POST", "IntegrationUri": backend.URL}))
		if got := status(t, d.deploy(nil).URL); got != 101 {
			t.Errorf("status %d, want 101", got)
		}
	})
	choice(t, "an integration response whose key matches the status of a backend of $connect makes it the handshake's", "WebSocket §2", stockWS, func(t *testing.T) {
		backend := httptest.NewServer(http.NotFoundHandler())
		t.Cleanup(backend.Close)
		d := c.draft(t)
		in := d.integration(map[string]any{"IntegrationType": "HTTP", "IntegrationMethod": "POST", "IntegrationUri": backend.URL})
		d.answers(in, `/4\d\d/`, "")
		d.route("$connect", in)
		if got := status(t, d.deploy(nil).URL); got != 404 {
			t.Errorf("status %d, want 404", got)
		}
	})

	forbidden := func(name, source string, url func(t *testing.T) string) {
		rule(t, name, source, stockWS, func(t *testing.T) {
			response, body := handshake(t, url(t), nil)
			if response.StatusCode != 403 || body != `{"message":"Forbidden"}` || response.Header.Get("x-amzn-ErrorType") != "ForbiddenException" {
				t.Errorf("%d %s %s", response.StatusCode, response.Header.Get("x-amzn-ErrorType"), body)
			}
		})
	}
	forbidden("a handshake with an unknown API is answered with 403 Forbidden", "WebSocket §2", func(*testing.T) string {
		return strings.Replace(a.URL, a.ID, "nosuchapi0", 1)
	})
	forbidden("a handshake with an unknown stage is answered with 403 Forbidden", "WebSocket §2", func(*testing.T) string { return a.URL + "x" })
	forbidden("a stage without a deployment answers with 403 Forbidden", "WebSocket §8", func(t *testing.T) string {
		d := c.draft(t)
		d.call("CreateStage", map[string]any{"StageName": "empty"})
		return d.call("GetApi", nil).str("ApiEndpoint") + "/empty"
	})
	forbidden("disableExecuteApiEndpoint answers handshakes with 403 Forbidden", "WebSocket §2", func(t *testing.T) string {
		d := c.draft(t)
		d.route("$default", d.mock("pong"))
		a := d.deploy(nil)
		d.call("UpdateApi", map[string]any{"DisableExecuteApiEndpoint": true})
		return a.URL
	})
	plain := func(t *testing.T, method, path string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, a.Callback+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		var body strings.Builder
		fmt.Fprint(&body, response.Header.Get("x-amzn-ErrorType"))
		return response.StatusCode, body.String()
	}
	rule(t, "a GET that is no upgrade is answered with 426", "WebSocket §2", httpClient, func(t *testing.T) {
		for _, path := range []string{"", "/quotes"} {
			if got, _ := plain(t, "GET", path); got != 426 {
				t.Errorf("%q: status %d, want 426", path, got)
			}
		}
	})
	rule(t, "another method on the stage is answered with 403 MissingAuthenticationTokenException", "WebSocket §2", httpClient, func(t *testing.T) {
		if got, kind := plain(t, "POST", ""); got != 403 || kind != "MissingAuthenticationTokenException" {
			t.Errorf("%d %s", got, kind)
		}
	})
	choice(t, "the body of a refused handshake is that of a gateway response, with connectionId and requestId", "WebSocket §2", stockWS, func(t *testing.T) {
		_, body := handshake(t, a.probing(returning(`{"statusCode":403}`)), nil)
		if !regexp.MustCompile(`^\{"message": "Forbidden", "connectionId":"[\w-]{15}=", "requestId":"[\w-]{15}="\}$`).MatchString(body) {
			t.Errorf("body %s", body)
		}
	})
	rule(t, "the sub-protocol is the one that the function of $connect returns in Sec-WebSocket-Protocol", "WebSocket §2", stockWS, func(t *testing.T) {
		response, _ := handshake(t, a.probing(returning(`{"statusCode":200,"headers":{"sec-websocket-protocol":"quotes.v1"}}`)),
			&websocket.DialOptions{Subprotocols: []string{"quotes.v2", "quotes.v1"}})
		if got := response.Header.Get("Sec-WebSocket-Protocol"); got != "quotes.v1" {
			t.Errorf("sub-protocol %q", got)
		}
	})
	rule(t, "the gateway picks no sub-protocol itself", "WebSocket §2", stockWS, func(t *testing.T) {
		response, _ := handshake(t, a.probing(returning(`{"statusCode":200}`)), &websocket.DialOptions{Subprotocols: []string{"quotes.v1"}})
		if got := response.Header.Values("Sec-WebSocket-Protocol"); response.StatusCode != 101 || got != nil {
			t.Errorf("%d, sub-protocol %q", response.StatusCode, got)
		}
	})
	choice(t, "other headers of the answer of $connect do not reach the client", "WebSocket §2", stockWS, func(t *testing.T) {
		response, _ := handshake(t, a.probing(returning(`{"statusCode":200,"headers":{"Set-Cookie":"a=b","X-Other":"c"}}`)), nil)
		if response.Header.Get("Set-Cookie") != "" || response.Header.Get("X-Other") != "" {
			t.Errorf("headers %v", response.Header)
		}
	})
	choice(t, "permessage-deflate is not negotiated", "WebSocket §2", stockWS, func(t *testing.T) {
		response, _ := handshake(t, a.probing(returning(`{"statusCode":200}`)), &websocket.DialOptions{CompressionMode: websocket.CompressionContextTakeover})
		if got := response.Header.Get("Sec-WebSocket-Extensions"); response.StatusCode != 101 || got != "" {
			t.Errorf("%d, extensions %q", response.StatusCode, got)
		}
	})
	rule(t, "a rejected handshake has a connection id but runs no $disconnect", "WebSocket §2", stockWS, func(t *testing.T) {
		e := collect(t)
		f := c.function(t, "rejecting", variable("COLLECT", e.URL))
		d := c.draft(t)
		in := d.proxy(f)
		d.route("$connect", in)
		d.route("$disconnect", in)
		a := d.deploy(nil, f)
		if got := status(t, a.probing(returning(`{"statusCode":403}`))); got != 403 {
			t.Fatalf("status %d", got)
		}
		rejected := field(t, e.wait(t, `"CONNECT"`), "requestContext.connectionId")
		ws := dial(t, a.URL)
		opened := field(t, e.wait(t, `"CONNECT"`), "requestContext.connectionId")
		ws.Conn.Close(websocket.StatusNormalClosure, "")
		if got := field(t, e.wait(t, `"DISCONNECT"`), "requestContext.connectionId"); rejected == "" || got != opened {
			t.Errorf("the first $disconnect is of %s; %s was rejected, %s opened", got, rejected, opened)
		}
	})
	rule(t, "a post while $connect is pending is answered with 410", "WebSocket §2", boto3, func(t *testing.T) {
		e := collect(t)
		f := c.function(t, "pending", variable("COLLECT", e.URL))
		d := c.draft(t)
		d.route("$connect", d.proxy(f))
		a := d.deploy(nil, f)
		opened := make(chan int, 1)
		go func() {
			response, _, err := websocketDial(a.probing(`{"do":"sleep","ms":1500}`))
			if err != nil {
				opened <- 0
				return
			}
			opened <- response
		}()
		id := field(t, e.wait(t, `"CONNECT"`), "requestContext.connectionId")
		refused := c.boto3(t).at(a.Callback).fail(t, "apigatewaymanagementapi", "PostToConnection", map[string]any{"ConnectionId": id, "Data": []byte("hello")})
		if refused.Status != 410 || refused.Code != "GoneException" {
			t.Errorf("got %d %s", refused.Status, refused.Code)
		}
		if got := <-opened; got != 101 {
			t.Errorf("the handshake ended with %d", got)
		}
	})
}
