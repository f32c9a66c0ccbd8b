package truth

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"quotewire/e2e/rig"
)

// pong deploys an API whose routes answer pong without a function.
func (c *testCloud) pong(t testing.TB, stage map[string]any, routes ...string) *api {
	t.Helper()
	d := c.draft(t)
	in := d.mock("pong")
	for _, key := range routes {
		d.route(key+"!", in)
	}
	return d.deploy(stage)
}

// fragments sends a text message in frames of that size.
func fragments(ws *rig.Socket, size, total int) {
	w, err := ws.Conn.Writer(ws.T.Context(), websocket.MessageText)
	if err != nil {
		ws.T.Fatal(err)
	}
	for sent := 0; sent < total; sent += size {
		if _, err := w.Write([]byte(strings.Repeat("x", min(size, total-sent)))); err != nil {
			return // closed on us
		}
	}
	w.Close()
}

func TestWebSocketLimits(t *testing.T) {
	t.Parallel()
	c := shared(t)
	a := c.pong(t, nil, "$default")
	rule(t, "a frame of 32 KB is taken", "WebSocket §7", stockWS, func(t *testing.T) {
		if got := a.ask(t, strings.Repeat("x", 32<<10)); got != "pong" {
			t.Errorf("got %s", got)
		}
	})
	rule(t, "a frame of more than 32 KB closes the connection with 1009", "WebSocket §7", stockWS, func(t *testing.T) {
		ws := dial(t, a.URL)
		ws.Send(strings.Repeat("x", 32<<10+1))
		if code, _ := ws.Closed(); code != 1009 {
			t.Errorf("code %d", code)
		}
	})
	rule(t, "a message of 128 KB in frames of 32 KB or less is taken", "WebSocket §7", stockWS, func(t *testing.T) {
		ws := dial(t, a.URL)
		fragments(ws, 4<<10, 128<<10)
		if got := ws.Text(); got != "pong" {
			t.Errorf("got %s", got)
		}
	})
	rule(t, "a message of more than 128 KB in all its frames closes the connection with 1009", "WebSocket §7", stockWS, func(t *testing.T) {
		ws := dial(t, a.URL)
		fragments(ws, 4<<10, 128<<10+1)
		if code, _ := ws.Closed(); code != 1009 {
			t.Errorf("code %d", code)
		}
	})
	rule(t, "a binary frame closes the connection with 1003", "WebSocket §7", stockWS, func(t *testing.T) {
		ws := dial(t, a.URL)
		if err := ws.Conn.Write(t.Context(), websocket.MessageBinary, []byte("x")); err != nil {
			t.Fatal(err)
		}
		if code, _ := ws.Closed(); code != 1003 {
			t.Errorf("code %d", code)
		}
	})
	rule(t, "text that is not UTF-8 closes the connection with 1007", "WebSocket §7", stockWS, func(t *testing.T) {
		ws := dial(t, a.URL)
		if err := ws.Conn.Write(t.Context(), websocket.MessageText, []byte("\xff\xfe")); err != nil {
			t.Fatal(err)
		}
		if code, _ := ws.Closed(); code != 1007 {
			t.Errorf("code %d", code)
		}
	})
	rule(t, "a ping is answered with a pong", "WebSocket §7", stockWS, func(t *testing.T) {
		ws := dial(t, a.URL)
		ctx, cancel := context.WithTimeout(ws.Conn.CloseRead(t.Context()), rig.Patience)
		defer cancel()
		if err := ws.Conn.Ping(ctx); err != nil {
			t.Error(err)
		}
	})
	rule(t, "the deletion of its stage closes a connection with 1001", "WebSocket §8", stockWS, func(t *testing.T) {
		a := c.pong(t, nil, "$default")
		ws := dial(t, a.URL)
		c.boto3(t).call(t, "apigatewayv2", "DeleteStage", map[string]any{"ApiId": a.ID, "StageName": a.Stage})
		if code, _ := ws.Closed(); code != 1001 {
			t.Errorf("code %d", code)
		}
	})
	rule(t, "the deletion of its API closes a connection with 1001", "WebSocket §8", stockWS, func(t *testing.T) {
		a := c.pong(t, nil, "$default")
		ws := dial(t, a.URL)
		c.boto3(t).call(t, "apigatewayv2", "DeleteApi", map[string]any{"ApiId": a.ID})
		if code, _ := ws.Closed(); code != 1001 {
			t.Errorf("code %d", code)
		}
	})
}

func TestWebSocketTimers(t *testing.T) {
	t.Parallel()
	idle := start(t, "--limit", "apigateway.idle-timeout=5s")
	e := collect(t)
	f := idle.function(t, "idle", variable("COLLECT", e.URL))
	d := idle.draft(t)
	d.route("$disconnect", d.proxy(f))
	d.route("$default!", d.mock("pong"))
	a := d.deploy(nil, f)
	rule(t, "a connection without a message either way for the idle timeout is closed with 1001 Going away", "WebSocket §7", stockWS, func(t *testing.T) {
		if code, reason := dial(t, a.URL).Closed(); code != 1001 || reason != "Going away" {
			t.Errorf("%d %q", code, reason)
		}
		text := e.wait(t, `"DISCONNECT"`)
		if field(t, text, "requestContext.disconnectStatusCode") != "1001" || field(t, text, "requestContext.disconnectReason") != "Going away" {
			t.Errorf("event %s", text)
		}
	})
	rule(t, "messages keep a connection from being idle", "WebSocket §7", stockWS, func(t *testing.T) {
		ws := dial(t, a.URL)
		began := time.Now()
		for time.Since(began) < 6*time.Second {
			ws.Send("x")
			if got := ws.Text(); got != "pong" {
				t.Fatalf("got %s", got)
			}
			wait(t, 300*time.Millisecond)
		}
	})
	choice(t, "a ping does not keep a connection from being idle", "WebSocket §7", stockWS, func(t *testing.T) {
		ws := dial(t, a.URL)
		pings, stop := context.WithCancel(t.Context())
		defer stop()
		go func() {
			for pings.Err() == nil && ws.Conn.Ping(pings) == nil {
				select {
				case <-time.After(200 * time.Millisecond):
				case <-pings.Done():
				}
			}
		}()
		if code, _ := ws.Closed(); code != 1001 {
			t.Errorf("code %d", code)
		}
	})
	old := start(t, "--limit", "apigateway.lifetime=2s")
	b := old.pong(t, nil, "$default")
	rule(t, "a connection that has lived for its lifetime is closed with 1001, however busy", "WebSocket §7", stockWS, func(t *testing.T) {
		ws := dial(t, b.URL)
		done := make(chan struct{})
		defer close(done)
		go func() {
			for {
				select {
				case <-time.After(100 * time.Millisecond):
					if ws.Conn.Write(context.Background(), websocket.MessageText, []byte("x")) != nil {
						return
					}
				case <-done:
					return
				}
			}
		}()
		for {
			ctx, cancel := context.WithTimeout(t.Context(), rig.Patience)
			_, _, err := ws.Conn.Read(ctx)
			cancel()
			if err == nil {
				continue
			}
			if code := websocket.CloseStatus(err); code != 1001 {
				t.Errorf("code %d: %v", code, err)
			}
			return
		}
	})
}

// wait lets time pass on the other side: what these rules are about is that nothing happens in it.
func wait(t testing.TB, d time.Duration) {
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}

func TestWebSocketThrottling(t *testing.T) {
	t.Parallel()
	const tooMany = `{"message": "Too Many Requests"}`
	c := shared(t)
	rule(t, "a route's throttling answers one message too many with Too Many Requests, and the connection stays open", "WebSocket §7", stockWS, func(t *testing.T) {
		a := c.pong(t, nil, "slow", "fast")
		c.boto3(t).call(t, "apigatewayv2", "UpdateStage", map[string]any{"ApiId": a.ID, "StageName": a.Stage,
			"RouteSettings": map[string]any{"slow": map[string]any{"ThrottlingRateLimit": 0.001, "ThrottlingBurstLimit": 1}}})
		ws := dial(t, a.URL)
		for i, want := range []string{"pong", tooMany} {
			ws.Send(`{"action":"slow"}`)
			if got := errorFrame(ws.Text()); got != want {
				t.Errorf("message %d: %s", i, got)
			}
		}
		ws.Send(`{"action":"fast"}`)
		if got := ws.Text(); got != "pong" {
			t.Errorf("another route: %s", got)
		}
	})
	rule(t, "the stage's default throttling is for all routes without one of their own, at once and without a deployment", "WebSocket §7", stockWS, func(t *testing.T) {
		a := c.pong(t, nil, "a", "b", "own")
		ws := dial(t, a.URL)
		c.boto3(t).call(t, "apigatewayv2", "UpdateStage", map[string]any{"ApiId": a.ID, "StageName": a.Stage,
			"DefaultRouteSettings": map[string]any{"ThrottlingRateLimit": 0.001, "ThrottlingBurstLimit": 1},
			"RouteSettings":        map[string]any{"own": map[string]any{"ThrottlingRateLimit": 100, "ThrottlingBurstLimit": 100}}})
		for _, step := range [][2]string{{"a", "pong"}, {"b", tooMany}, {"own", "pong"}, {"own", "pong"}} {
			ws.Send(`{"action":"` + step[0] + `"}`)
			if got := errorFrame(ws.Text()); got != step[1] {
				t.Errorf("%s: %s, want %s", step[0], got, step[1])
			}
		}
	})
	rule(t, "throttling of $connect answers a handshake with 429", "WebSocket §2", stockWS, func(t *testing.T) {
		d := c.draft(t)
		d.route("$connect", d.mock(""))
		a := d.deploy(nil)
		d.call("UpdateStage", map[string]any{"StageName": a.Stage, "RouteSettings": map[string]any{"$connect": map[string]any{"ThrottlingRateLimit": 0.001, "ThrottlingBurstLimit": 1}}})
		if first, second := status(t, a.URL), status(t, a.URL); first != 101 || second != 429 {
			t.Errorf("%d, then %d", first, second)
		}
	})
	rule(t, "DeleteRouteSettings ends the throttling of a route", "Control plane §4", awsCLI, func(t *testing.T) {
		a := c.pong(t, nil, "$default")
		py := c.boto3(t)
		py.call(t, "apigatewayv2", "UpdateStage", map[string]any{"ApiId": a.ID, "StageName": a.Stage,
			"RouteSettings": map[string]any{"$default": map[string]any{"ThrottlingRateLimit": 0.0, "ThrottlingBurstLimit": 0}}})
		ws := dial(t, a.URL)
		ws.Send("x")
		if got := errorFrame(ws.Text()); got != tooMany {
			t.Fatalf("got %s", got)
		}
		if _, stderr, exit := c.aws(t, "apigatewayv2", "delete-route-settings", "--api-id", a.ID, "--stage-name", a.Stage, "--route-key", "$default"); exit != 0 {
			t.Fatal(stderr)
		}
		ws.Send("x")
		if got := ws.Text(); got != "pong" {
			t.Errorf("then %s", got)
		}
	})
	few := start(t, "--limit", "apigateway.request-rate=0.001", "--limit", "apigateway.request-burst=4", "--limit", "apigateway.connection-rate=1000")
	rule(t, "messages and posts to @connections share the account's rate; a post too many is answered with LimitExceededException", "WebSocket §7", boto3, func(t *testing.T) {
		a := few.pong(t, nil, "$default")
		ws := dial(t, a.URL) // takes one
		for range 2 {
			ws.Send("x")
			if got := ws.Text(); got != "pong" {
				t.Fatalf("got %s", got)
			}
		}
		post := map[string]any{"ConnectionId": "AAAAAAAAAAAAAAA=", "Data": []byte("x")}
		caller := few.boto3(t).at(a.Callback)
		if e := caller.fail(t, "apigatewaymanagementapi", "PostToConnection", post); e.Status != 410 {
			t.Fatalf("the last one: %d %s", e.Status, e.Code)
		}
		ws.Send("x")
		if got := errorFrame(ws.Text()); got != tooMany {
			t.Errorf("a message too many: %s", got)
		}
		if e := caller.fail(t, "apigatewaymanagementapi", "PostToConnection", post); e.Status != 429 || e.Code != "LimitExceededException" {
			t.Errorf("a post too many: %d %s", e.Status, e.Code)
		}
	})
	single := start(t, "--limit", "apigateway.connection-rate=1")
	rule(t, "new connections beyond the account's rate are answered with 429", "WebSocket §7", stockWS, func(t *testing.T) {
		a := single.pong(t, nil, "$default")
		for range 20 { // each takes less than the second in which one may be opened
			if got := status(t, a.URL); got == 429 {
				return
			}
		}
		t.Error("none of 20 handshakes was throttled")
	})
}

func TestWebSocketAccessLogs(t *testing.T) {
	t.Parallel()
	c := shared(t)
	py := c.boto3(t)
	const arn = "arn:aws:logs:us-east-1:111122223333:log-group:"
	logged := func(t *testing.T, group, pattern string) {
		t.Helper()
		for deadline := time.Now().Add(rig.Patience); ; {
			var lines []string
			for _, e := range py.do(t, "logs", "FilterLogEvents", map[string]any{"logGroupName": group}).list("events") {
				lines = append(lines, e.(map[string]any)["message"].(string))
			}
			if regexp.MustCompile("(?m)" + pattern).MatchString(strings.Join(lines, "\n")) {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("no line like %s in %q", pattern, lines)
			}
			wait(t, 20*time.Millisecond)
		}
	}
	rule(t, "accessLogSettings write a line for each handshake, message and close to a log group, with a hyphen for what is not there", "WebSocket §8", boto3, func(t *testing.T) {
		group := unique("access")
		d := c.draft(t)
		d.route("user!", d.mock("pong"))
		a := d.deploy(map[string]any{"AccessLogSettings": map[string]any{"DestinationArn": arn + group,
			"Format": "$context.requestId $context.eventType $context.routeKey $context.status $context.connectionId $context.error.message $context.nothing"}})
		ws := dial(t, a.URL)
		ws.Send(`{"action":"user"}`)
		ws.Text()
		ws.Send(`{"action":"nobody"}`)
		ws.Text()
		ws.Conn.Close(websocket.StatusNormalClosure, "")
		const id = `[\w-]{15}=`
		logged(t, group, `^`+id+` CONNECT \$connect 200 `+id+` - -$`)
		logged(t, group, `^`+id+` MESSAGE user 200 `+id+` - -$`)
		logged(t, group, `^`+id+` MESSAGE \$default 403 `+id+` Forbidden -$`)
		logged(t, group, `^`+id+` DISCONNECT \$disconnect 200 `+id+` - -$`)
	})
	rule(t, "a format of access logs without $context.requestId is refused", "Control plane §4", boto3, func(t *testing.T) {
		e := c.draft(t).fail("CreateStage", map[string]any{"StageName": "development", "AccessLogSettings": map[string]any{"DestinationArn": arn + "x", "Format": "$context.routeKey"}})
		if e.Code != "BadRequestException" {
			t.Errorf("%s: %s", e.Code, e.Message)
		}
	})
	rule(t, "a destination of access logs that is no ARN is refused", "Control plane §4", boto3, func(t *testing.T) {
		e := c.draft(t).fail("CreateStage", map[string]any{"StageName": "development", "AccessLogSettings": map[string]any{"DestinationArn": "access", "Format": "$context.requestId"}})
		if e.Code != "BadRequestException" {
			t.Errorf("%s: %s", e.Code, e.Message)
		}
	})
}
