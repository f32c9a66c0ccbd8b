package truth

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"quotewire/e2e/rig"
)

// keys are the names of the members of an object in a JSON text, in their order.
func keys(t testing.TB, text, path string) []string {
	t.Helper()
	raw := json.RawMessage(text)
	for _, name := range strings.Split(path, ".") {
		if name == "" {
			continue
		}
		var object map[string]json.RawMessage
		if err := json.Unmarshal(raw, &object); err != nil {
			t.Fatalf("%s: %v: %s", path, err, text)
		}
		raw = object[name]
	}
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.Token()
	var names []string
	for d.More() {
		name, err := d.Token()
		if err != nil {
			t.Fatalf("%s: %v: %s", path, err, text)
		}
		names = append(names, name.(string))
		var skip json.RawMessage
		d.Decode(&skip)
	}
	return names
}

// lifecycle is one connection of an API whose functions send their events to a collector: what they got, and what the
// client did.
type lifecycle struct {
	connect, message, disconnect string
}

func TestWebSocketEvents(t *testing.T) {
	t.Parallel()
	c := shared(t)
	e := collect(t)
	f := c.function(t, "events", variable("COLLECT", e.URL))
	d := c.draft(t)
	in := d.proxy(f)
	for _, key := range []string{"$connect", "$disconnect", "$default"} {
		d.route(key, in)
	}
	a := d.deploy(nil, f)
	header := http.Header{
		"HeaderAuth1": {"one"}, "x-lower-case": {"two"}, "X-Twice": {"a", "b"}, "Cookie": {"user=user003"}, "User-Agent": {"Mozilla/5.0"},
		"Origin": {"https://quotes.example"}, "X-Forwarded-For": {"192.0.2.1"},
	}
	ws := rig.Dial(t, a.URL+"?ticker=NVTX&ticker=EI%20QQ&empty=", &websocket.DialOptions{HTTPHeader: header, Subprotocols: []string{"v1"}})
	var seen lifecycle
	seen.connect = e.wait(t, `"CONNECT"`)
	const body = "{\"action\": \"user\",\n\"name\":\"Zoë <\\u0041>\"}"
	ws.Send(body)
	seen.message = e.wait(t, `"MESSAGE"`)
	ws.Conn.Close(websocket.StatusNormalClosure, "")
	seen.disconnect = e.wait(t, `"DISCONNECT"`)

	// An event is a JSON text of the function's own; its members in their order are what these rules look at.
	event := func(name, source, text string, check func(t *testing.T, text string)) {
		rule(t, name, source, stockWS, func(t *testing.T) { check(t, text) })
	}
	hasKeys := func(path string, want ...string) func(*testing.T, string) {
		return func(t *testing.T, text string) {
			if got := keys(t, text, path); !slices.Equal(got, want) {
				t.Errorf("members %q, want %q", got, want)
			}
		}
	}
	is := func(want map[string]string) func(*testing.T, string) {
		return func(t *testing.T, text string) {
			for _, path := range slices.Sorted(maps.Keys(want)) {
				if got := field(t, text, path); !regexp.MustCompile("^(?:" + want[path] + ")$").MatchString(got) {
					t.Errorf("%s is %q, want %s", path, got, want[path])
				}
			}
		}
	}
	event("the event of $connect has no body, method, path or account", "WebSocket §3", seen.connect,
		hasKeys("", "headers", "multiValueHeaders", "queryStringParameters", "multiValueQueryStringParameters", "requestContext", "isBase64Encoded"))
	event("the requestContext of $connect has the members of AWS in their order", "WebSocket §3", seen.connect,
		hasKeys("requestContext", "routeKey", "eventType", "extendedRequestId", "requestTime", "messageDirection", "stage", "connectedAt",
			"requestTimeEpoch", "identity", "requestId", "domainName", "connectionId", "apiId"))
	event("the identity of an unsigned connection has userAgent and sourceIp only", "WebSocket §3", seen.connect, hasKeys("requestContext.identity", "userAgent", "sourceIp"))
	event("$connect shows the names of headers in the client's spelling, sorted whatever their case", "WebSocket §3", seen.connect, func(t *testing.T, text string) {
		got := keys(t, text, "headers")
		for _, name := range []string{"HeaderAuth1", "x-lower-case", "X-Twice"} {
			if !slices.Contains(got, name) {
				t.Errorf("no %s among %q", name, got)
			}
		}
		if !sort.SliceIsSorted(got, func(i, j int) bool { return strings.ToLower(got[i]) < strings.ToLower(got[j]) }) {
			t.Errorf("not sorted: %q", got)
		}
	})
	event("Sec-WebSocket headers are never shown as Sec-Websocket", "WebSocket §3", seen.connect, func(t *testing.T, text string) {
		if got := keys(t, text, "headers"); !slices.Contains(got, "Sec-WebSocket-Protocol") || !slices.Contains(got, "Sec-WebSocket-Key") || strings.Contains(text, "Sec-Websocket") {
			t.Errorf("headers %q", got)
		}
	})
	event("Connection, Upgrade and content-length are not shown to the integration of $connect", "WebSocket §3", seen.connect, func(t *testing.T, text string) {
		for _, name := range keys(t, text, "headers") {
			switch strings.ToLower(name) {
			case "connection", "upgrade", "content-length":
				t.Errorf("the event has %s", name)
			}
		}
	})
	event("headers has the last value of a repeated header, multiValueHeaders all", "WebSocket §3", seen.connect,
		is(map[string]string{"headers.X-Twice": "b", "multiValueHeaders.X-Twice.0": "a", "multiValueHeaders.X-Twice.1": "b"}))
	event("queryStringParameters has the last value, multiValueQueryStringParameters all, decoded", "WebSocket §3", seen.connect,
		is(map[string]string{"queryStringParameters.ticker": "EI QQ", "multiValueQueryStringParameters.ticker.0": "NVTX", "multiValueQueryStringParameters.ticker.1": "EI QQ"}))
	event("X-Forwarded-For keeps what the client sent in front of its address; sourceIp is the address alone", "WebSocket §3", seen.connect,
		is(map[string]string{"headers.X-Forwarded-For": "192.0.2.1, 127.0.0.1", "requestContext.identity.sourceIp": "127.0.0.1"}))
	event("X-Forwarded-Port and X-Forwarded-Proto are texts", "WebSocket §3", seen.connect, func(t *testing.T, text string) {
		if !regexp.MustCompile(`"X-Forwarded-Port":"\d+","X-Forwarded-Proto":"http"`).MatchString(text) {
			t.Errorf("event %s", text)
		}
	})
	event("X-Amzn-Trace-Id is added as Root=1-TIME-ID", "WebSocket §3", seen.connect, is(map[string]string{"headers.X-Amzn-Trace-Id": "Root=1-[0-9a-f]{8}-[0-9a-f]{24}"}))
	event("requestTime is dd/MMM/yyyy:HH:mm:ss +0000", "WebSocket §3", seen.connect,
		is(map[string]string{"requestContext.requestTime": `\d\d/(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)/\d{4}:\d\d:\d\d:\d\d \+0000`}))
	event("connectedAt and requestTimeEpoch are numbers of milliseconds, at most 1 apart on CONNECT", "WebSocket §3", seen.connect, func(t *testing.T, text string) {
		var x struct {
			RequestContext struct{ ConnectedAt, RequestTimeEpoch int64 }
		}
		if err := json.Unmarshal([]byte(text), &x); err != nil {
			t.Fatal(err)
		}
		if d := x.RequestContext.RequestTimeEpoch - x.RequestContext.ConnectedAt; d < 0 || d > 1 || x.RequestContext.ConnectedAt < 1e12 {
			t.Errorf("%+v", x)
		}
	})
	event("connection and request ids are 16 characters of padded base64url", "WebSocket §1", seen.connect,
		is(map[string]string{"requestContext.connectionId": `[\w-]{15}=`, "requestContext.requestId": `[\w-]{15}=`}))
	event("extendedRequestId equals requestId", "WebSocket §1", seen.connect, func(t *testing.T, text string) {
		if x, y := field(t, text, "requestContext.extendedRequestId"), field(t, text, "requestContext.requestId"); x != y || x == "" {
			t.Errorf("%s and %s", x, y)
		}
	})
	event("eventType, routeKey, messageDirection, stage and apiId of $connect are those of the API", "WebSocket §3", seen.connect,
		is(map[string]string{"requestContext.eventType": "CONNECT", "requestContext.routeKey": `\$connect`, "requestContext.messageDirection": "IN", "requestContext.stage": "development", "requestContext.apiId": a.ID}))

	event("the event of a message has no headers, no query and no cookies", "WebSocket §3", seen.message, hasKeys("", "requestContext", "body", "isBase64Encoded"))
	event("the requestContext of a message has a messageId after routeKey", "WebSocket §3", seen.message,
		hasKeys("requestContext", "routeKey", "messageId", "eventType", "extendedRequestId", "requestTime", "messageDirection", "stage", "connectedAt",
			"requestTimeEpoch", "identity", "requestId", "domainName", "connectionId", "apiId"))
	event("the body of a message is the text exactly as received", "WebSocket §3", seen.message, func(t *testing.T, text string) {
		if got := field(t, text, "body"); got != body {
			t.Errorf("body %q, want %q", got, body)
		}
	})
	event("the routeKey of a message is that of the matched route", "WebSocket §3", seen.message, is(map[string]string{"requestContext.routeKey": `\$default`}))
	event("a message carries the userAgent and sourceIp of its handshake", "WebSocket §3", seen.message,
		is(map[string]string{"requestContext.identity.userAgent": "Mozilla/5.0", "requestContext.identity.sourceIp": "127.0.0.1"}))
	event("a messageId is 16 characters of padded base64url", "WebSocket §1", seen.message, is(map[string]string{"requestContext.messageId": `[\w-]{15}=`}))

	event("the event of $disconnect has headers but no body", "WebSocket §3", seen.disconnect, hasKeys("", "headers", "multiValueHeaders", "requestContext", "isBase64Encoded"))
	event("the headers of $disconnect are Host and three empty ones", "WebSocket §3", seen.disconnect, hasKeys("headers", "Host", "x-api-key", "X-Forwarded-For", "x-restapi"))
	event("the requestContext of $disconnect has disconnectStatusCode and disconnectReason", "WebSocket §3", seen.disconnect,
		hasKeys("requestContext", "routeKey", "disconnectStatusCode", "eventType", "extendedRequestId", "requestTime", "messageDirection", "disconnectReason",
			"stage", "connectedAt", "requestTimeEpoch", "identity", "requestId", "domainName", "connectionId", "apiId"))
	event("a client's close code without a text is told with an empty reason", "WebSocket §3", seen.disconnect,
		is(map[string]string{"requestContext.disconnectStatusCode": "1000", "requestContext.disconnectReason": ""}))

	// Each of these has a connection of its own, which it finds again by its user agent.
	ended := func(name string, end func(ws *rig.Socket, id string), code, reason string) {
		rule(t, name, "WebSocket §3", stockWS, func(t *testing.T) {
			e := collect(t)
			f := c.function(t, "ended", variable("COLLECT", e.URL))
			d := c.draft(t)
			in := d.proxy(f)
			d.route("$connect", in)
			d.route("$disconnect", in)
			a := d.deploy(nil, f)
			ws := rig.Dial(t, a.URL, nil)
			id := field(t, e.wait(t, `"CONNECT"`), "requestContext.connectionId")
			end(ws, a.Callback+" "+id)
			text := e.wait(t, `"DISCONNECT"`)
			if got := field(t, text, "requestContext.disconnectStatusCode"); got != code {
				t.Errorf("code %s, want %s", got, code)
			}
			if got := field(t, text, "requestContext.disconnectReason"); got != reason {
				t.Errorf("reason %q, want %q", got, reason)
			}
		})
	}
	ended("a close frame without a status is told as 1005", func(ws *rig.Socket, _ string) {
		ws.Conn.Close(websocket.StatusNoStatusRcvd, "")
	}, "1005", "Client-side close frame status not set")
	ended("a client's close code and text are told to $disconnect", func(ws *rig.Socket, _ string) { ws.Conn.Close(4001, "enough") }, "4001", "enough")
	ended("a connection that is deleted ends with 1000 Connection Closed Normally", func(ws *rig.Socket, where string) {
		endpoint, id, _ := strings.Cut(where, " ")
		c.boto3(t).at(endpoint).call(ws.T, "apigatewaymanagementapi", "DeleteConnection", map[string]any{"ConnectionId": id})
		ws.Closed()
	}, "1000", "Connection Closed Normally")

	rule(t, "a connection over wss:// has X-Forwarded-Proto https, and its headers in the client's spelling as well", "WebSocket §3", stockWS, func(t *testing.T) {
		e := collect(t)
		f := c.function(t, "secure", variable("COLLECT", e.URL))
		d := c.draft(t)
		d.route("$connect", d.proxy(f))
		a := d.deploy(nil, f)
		rig.Dial(t, "wss"+strings.TrimPrefix(a.URL, "ws"), &websocket.DialOptions{HTTPClient: c.Client(t), HTTPHeader: http.Header{"x-lower-case": {"1"}}})
		is(map[string]string{"headers.X-Forwarded-Proto": "https", "headers.x-lower-case": "1"})(t, e.wait(t, `"CONNECT"`))
	})
	rule(t, "fragments of a message are joined in its event", "WebSocket §3", stockWS, func(t *testing.T) {
		text := roundTrip(t, c, func(ws *rig.Socket) {
			w, err := ws.Conn.Writer(t.Context(), websocket.MessageText)
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range []string{`{"a":`, strings.Repeat(" ", 5000), `1}`} {
				w.Write([]byte(part))
			}
			w.Close()
		}, nil)
		if got := field(t, text, "body"); got != `{"a":`+strings.Repeat(" ", 5000)+`1}` {
			t.Errorf("body of %d bytes", len(got))
		}
	})
	rule(t, "stageVariables are in an event when the stage has some, and else absent", "WebSocket §3", stockWS, func(t *testing.T) {
		text := roundTrip(t, c, func(ws *rig.Socket) { ws.Send("{}") }, map[string]any{"StageVariables": map[string]any{"mode": "live"}})
		if got := field(t, text, "stageVariables.mode"); got != "live" {
			t.Errorf("event %s", text)
		}
		if strings.Contains(seen.message, "stageVariables") {
			t.Errorf("event without stage variables: %s", seen.message)
		}
	})
	rule(t, "a connection without a query has no queryStringParameters", "WebSocket §3", stockWS, func(t *testing.T) {
		e := collect(t)
		f := c.function(t, "no-query", variable("COLLECT", e.URL))
		d := c.draft(t)
		d.route("$connect", d.proxy(f))
		dial(t, d.deploy(nil, f).URL)
		if text := e.wait(t, `"CONNECT"`); strings.Contains(text, "ueryStringParameters") {
			t.Errorf("event %s", text)
		}
	})
}

// roundTrip deploys an API of its own, does something with a connection, and returns the event of its message.
func roundTrip(t *testing.T, c *testCloud, do func(*rig.Socket), stage map[string]any) string {
	t.Helper()
	e := collect(t)
	f := c.function(t, "round", variable("COLLECT", e.URL))
	d := c.draft(t)
	d.route("$default", d.proxy(f))
	do(dial(t, d.deploy(stage, f).URL))
	return e.wait(t, `"MESSAGE"`)
}
