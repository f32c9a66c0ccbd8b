package truth

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// silent checks that an API sends nothing for a message: what comes next is the answer to another one.
func silent(t *testing.T, a *api, message, next, want string) {
	t.Helper()
	ws := dial(t, a.URL)
	ws.Send(message)
	ws.Send(next)
	if got := ws.Text(); got != want {
		t.Errorf("%s was answered with %s", message, got)
	}
}

func TestWebSocketRouting(t *testing.T) {
	t.Parallel()
	c := shared(t)
	// api makes an API with the expression whose routes, all two-way, answer with their own keys.
	api := func(t testing.TB, expression string, routes ...string) *api {
		d := c.draft(t)
		d.call("UpdateApi", map[string]any{"RouteSelectionExpression": expression})
		for _, key := range routes {
			d.route(key+"!", d.mock(strings.ReplaceAll(key, "$", "the ")))
		}
		return d.deploy(nil)
	}
	plain := api(t, "$request.body.action", "user", "User name", "7", "$default", "true")
	for _, test := range []struct{ name, message, want string }{
		{"a message goes to the route that its expression names", `{"action":"user","id":"user003"}`, "user"},
		{"route keys are matched by case", `{"action":"User"}`, "the default"},
		{"route keys are matched as a whole", `{"action":"users"}`, "the default"},
		{"a number selects the route of its digits", `{"action":7}`, "7"},
		{"a boolean selects the route of its name", `{"action":true}`, "true"},
		{"a message without the member goes to $default", `{"id":"user003"}`, "the default"},
		{"a list where a text is expected goes to $default", `{"action":["a","b"]}`, "the default"},
		{"a message that is no JSON goes to $default", `hello`, "the default"},
		{"an empty message goes to $default", ``, "the default"},
		{"broken JSON goes to $default", `[1`, "the default"},
	} {
		rule(t, test.name, "WebSocket §4", stockWS, func(t *testing.T) {
			if got := plain.ask(t, test.message); got != test.want {
				t.Errorf("%s went to %s, want %s", test.message, got, test.want)
			}
		})
	}
	for _, action := range []string{"$connect", "$disconnect"} {
		choice(t, "a client that names "+action+" gets $default", "WebSocket §4", stockWS, func(t *testing.T) {
			if got := plain.ask(t, `{"action":"`+action+`"}`); got != "the default" {
				t.Errorf("went to %s", got)
			}
		})
	}
	for _, test := range []struct{ name, expression, route, message string }{
		{"several variables and text make a route key", "${request.body.svc}/${request.body.action}", "quotes/watch", `{"svc":"quotes","action":"watch"}`},
		{"a variable may be a path into the message", "$request.body.svc.do", "watch", `{"svc":{"do":"watch"}}`},
		{"a variable that finds nothing is the empty text", "${request.body.action}-${request.body.nope}", "watch-", `{"action":"watch"}`},
		{"an expression of static text selects its route for any message", "tick", "tick", `hello`},
		{"an element of a list can be selected", "$request.body.list[1].name", "b", `{"list":[{"name":"a"},{"name":"b"}]}`},
	} {
		rule(t, test.name, "WebSocket §4", stockWS, func(t *testing.T) {
			if got := api(t, test.expression, test.route, "$default").ask(t, test.message); got != test.route {
				t.Errorf("went to %s", got)
			}
		})
	}
	rule(t, "without $default an unmatched message is answered with a Forbidden frame, byte for byte, and the connection stays open", "WebSocket §4", stockWS, func(t *testing.T) {
		ws := dial(t, api(t, "$request.body.action", "user").URL)
		ws.Send(`{"action":"nobody"}`)
		if got := ws.Text(); !regexp.MustCompile(`^\{"message": "Forbidden", "connectionId":"[\w-]{15}=", "requestId":"[\w-]{15}="\}$`).MatchString(got) {
			t.Errorf("got %s", got)
		}
		ws.Send(`{"action":"user"}`)
		if got := ws.Text(); got != "user" {
			t.Errorf("then %s", got)
		}
	})
	rule(t, "the messages of one connection are dispatched at the same time", "WebSocket §4", stockWS, func(t *testing.T) {
		f := c.function(t, "concurrent")
		ws := dial(t, c.webSocketAPI(t, f, twoWay("$default")).URL)
		ws.Send(`{"do":"sleep","ms":3000}`)
		ws.Send(returning(`{"statusCode":200,"body":"fast"}`))
		if got := ws.Text(); got != "fast" {
			t.Errorf("first came %s", got)
		}
		if got := ws.Text(); got != "slept" {
			t.Errorf("then %s", got)
		}
	})
}

func TestWebSocketAnswers(t *testing.T) {
	t.Parallel()
	c := shared(t)
	f := c.function(t, "answers")
	d := c.draft(t)
	in := d.proxy(f)
	d.route("two!", in)
	d.route("one", in)
	d.route("ping!", d.mock("pong"))
	d.route("slow!", d.integration(map[string]any{"IntegrationType": "AWS_PROXY", "IntegrationUri": invocationURI(f.ARN), "TimeoutInMillis": 100}))
	d.route("half", in, map[string]any{"RouteResponseSelectionExpression": "$default"})
	locked := c.function(t, "locked")
	d.route("locked", d.proxy(locked))
	busy := c.function(t, "busy")
	c.boto3(t).call(t, "lambda", "PutFunctionConcurrency", map[string]any{"FunctionName": busy.Name, "ReservedConcurrentExecutions": 0})
	d.route("busy!", d.proxy(busy))
	a := d.deploy(nil, f, busy)
	command := func(route, rest string) string { return `{"action":"` + route + `",` + rest[1:] }

	for code := range map[int]bool{400: true, 404: true} {
		rule(t, fmt.Sprintf("a two-way route sends the body of statusCode %d like any other", code), "WebSocket §5", stockWS, func(t *testing.T) {
			if got := a.ask(t, command("two", returning(fmt.Sprintf(`{"statusCode":%d,"body":"x"}`, code)))); got != "x" {
				t.Errorf("got %s", got)
			}
		})
	}
	rule(t, "a two-way route sends an empty frame for an answer without a body", "WebSocket §5", stockWS, func(t *testing.T) {
		if got := a.ask(t, command("two", returning(`{"statusCode":200}`))); got != "" {
			t.Errorf("got %q", got)
		}
	})
	rule(t, "a one-way route sends nothing of a valid answer", "WebSocket §5", stockWS, func(t *testing.T) {
		silent(t, a, command("one", returning(`{"statusCode":500,"body":"x"}`)), `{"action":"ping"}`, "pong")
	})
	choice(t, "a route response selection expression without a route response is not two-way", "WebSocket §5", stockWS, func(t *testing.T) {
		silent(t, a, command("half", returning(`{"statusCode":200,"body":"x"}`)), `{"action":"ping"}`, "pong")
	})
	const internal, late = `{"message": "Internal server error"}`, `{"message": "Endpoint request timed out"}`
	for _, route := range []string{"one", "two"} {
		for what, cmd := range map[string]string{
			"null": returning(`null`), "a text": returning(`"x"`), "a list": returning(`[1]`), "no statusCode": returning(`{"body":"x"}`),
			"an unknown member": returning(`{"statusCode":200,"ConnectionId":"x"}`), "a body that is no text": returning(`{"statusCode":200,"body":{}}`),
		} {
			rule(t, fmt.Sprintf("%s from a proxy of a %s-way route is answered with Internal server error", what, route), "WebSocket §5", stockWS, func(t *testing.T) {
				if got := errorFrame(a.ask(t, command(route, cmd))); got != internal {
					t.Errorf("got %s", got)
				}
			})
		}
	}
	rule(t, "a crash of a function is answered with Internal server error", "WebSocket §5", stockWS, func(t *testing.T) {
		if got := errorFrame(a.ask(t, command("one", `{"do":"exit","code":1}`))); got != internal {
			t.Errorf("got %s", got)
		}
	})
	rule(t, "an integration beyond its timeout is answered with Endpoint request timed out", "WebSocket §5", stockWS, func(t *testing.T) {
		if got := errorFrame(a.ask(t, command("slow", `{"do":"sleep","ms":2000}`))); got != late {
			t.Errorf("got %s", got)
		}
	})
	rule(t, "a function that the gateway gave up on runs on", "WebSocket §5", stockWS, func(t *testing.T) {
		e := collect(t)
		if got := errorFrame(a.ask(t, command("slow", `{"do":"run","path":"/bin/sh","args":["-c","sleep 1; exec \"$0\" -c 'import urllib.request; urllib.request.urlopen(urllib.request.Request(\"`+e.URL+`\", b\"still here\"))'","python3"]}`))); got != late {
			t.Fatalf("got %s", got)
		}
		e.wait(t, "still here")
	})
	rule(t, "a route whose function the gateway may not invoke is answered with Internal server error", "Control plane §7", stockWS, func(t *testing.T) {
		if got := errorFrame(a.ask(t, `{"action":"locked"}`)); got != internal {
			t.Errorf("got %s", got)
		}
		c.Wait(t, "aws lambda add-permission --function-name "+locked.Name)
	})
	choice(t, "a function that is throttled by Lambda is answered with Internal server error", "WebSocket §5", stockWS, func(t *testing.T) {
		if got := errorFrame(a.ask(t, `{"action":"busy"}`)); got != internal {
			t.Errorf("got %s", got)
		}
	})
	rule(t, "an error frame has the bytes of AWS, with connectionId and requestId", "WebSocket §5", stockWS, func(t *testing.T) {
		got := a.ask(t, command("one", returning(`null`)))
		if !regexp.MustCompile(`^\{"message": "Internal server error", "connectionId":"[\w-]{15}=", "requestId":"[\w-]{15}="\}$`).MatchString(got) {
			t.Errorf("got %s", got)
		}
	})
	rule(t, "errors do not close the connection", "WebSocket §5", stockWS, func(t *testing.T) {
		ws := dial(t, a.URL)
		ws.Send(command("one", returning(`null`)))
		ws.Text()
		ws.Send(`{"action":"ping"}`)
		if got := ws.Text(); got != "pong" {
			t.Errorf("then %s", got)
		}
	})
	rule(t, "answers to clients are text frames", "WebSocket §7", stockWS, func(t *testing.T) {
		ws := dial(t, a.URL)
		ws.Send(command("two", returning(`{"statusCode":200,"isBase64Encoded":true,"body":"aGVsbG8="}`)))
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		kind, text, err := ws.Conn.Read(ctx)
		if err != nil || kind != websocket.MessageText || string(text) != "hello" {
			t.Errorf("%v %q %v", kind, text, err)
		}
	})
}
