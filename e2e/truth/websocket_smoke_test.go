package truth

import (
	"strings"
	"testing"
)

func TestWebSocketMessages(t *testing.T) {
	t.Parallel()
	c := shared(t)
	api := c.webSocketAPI(t, c.function(t, "messages"), twoWay("$default"), oneWay("quiet"))

	rule(t, "the body of a proxy response on a two-way route is sent to the client as a text frame", "WebSocket §5", stockWS, func(t *testing.T) {
		ws := dial(t, api.URL)
		ws.Send(`{"do":"return","value":{"statusCode":500,"body":"x"}}`)
		if got := ws.Text(); got != "x" {
			t.Errorf("got %q, want x", got)
		}
	})
	rule(t, "an unhandled error of a function is answered with an error frame also on a one-way route", "WebSocket §5", stockWS, func(t *testing.T) {
		ws := dial(t, api.URL)
		ws.Send(`{"action":"quiet","do":"error","text":"no"}`)
		if got := ws.Text(); !strings.HasPrefix(got, `{"message": "Internal server error", "connectionId":"`) {
			t.Errorf("got %s", got)
		}
	})
	rule(t, "a post to a connection id that never was is answered with GoneException", "WebSocket §9", boto3, func(t *testing.T) {
		e := c.boto3(t).at(api.Callback).fail(t, "apigatewaymanagementapi", "PostToConnection", map[string]any{"ConnectionId": "AAAAAAAAAAAAAAA=", "Data": []byte("x")})
		if e.Status != 410 || e.Code != "GoneException" {
			t.Errorf("got %d %s", e.Status, e.Code)
		}
	})
	rule(t, "a post to a connection id of another form is answered with BadRequestException", "WebSocket §9", jsSDK, func(t *testing.T) {
		e := c.js(t).at(api.Callback).fail(t, "apigatewaymanagementapi", "PostToConnection", map[string]any{"ConnectionId": "zz9", "Data": []byte("x")})
		if e.Status != 400 || e.Code != "BadRequestException" {
			t.Errorf("got %d %s: %s", e.Status, e.Code, e.Message)
		}
	})
}
