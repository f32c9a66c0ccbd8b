package apigateway

import (
	"encoding/json"
	"testing"
)

func TestEventIsEncodedAsItsTagsSay(t *testing.T) {
	t.Parallel()
	text := "a \"text\" with \\ \t\u2028 <é> \x7f and \xff"
	reason := ""
	all := members{{"a", "1"}, {"B", []string{"x", text}}}
	for _, e := range []webSocketEvent{
		{},
		{RequestContext: webSocketContext{RouteKey: text, EventType: text, Stage: text, DomainName: text, Identity: webSocketIdentity{SourceIP: text}}, Body: &text},
		{
			Headers: all, MultiValueHeaders: all, QueryStringParameters: all, MultiValueQueryStringParameters: all,
			StageVariables: map[string]string{"b": text, "a": "", text: "c"}, IsBase64Encoded: true, Body: &reason,
			RequestContext: webSocketContext{
				RouteKey: "$default", Authorizer: map[string]any{"principalId": text, "n": 1.5, "b": true, "nothing": nil}, MessageID: "m", DisconnectStatusCode: 1001,
				EventType: "DISCONNECT", ExtendedRequestID: "x", RequestTime: "now", MessageDirection: "IN", DisconnectReason: &reason, Stage: "s", ConnectedAt: 1,
				RequestTimeEpoch: -2, Identity: webSocketIdentity{"arn", "agent", "account", "caller", "ip", "key", "user"},
				RequestID: "r", DomainName: "d", ConnectionID: "c", APIID: "a",
			},
		},
	} {
		got := string(e.append(nil))
		if want := string(encode(e)); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		if !json.Valid([]byte(got)) {
			t.Errorf("no JSON: %s", got)
		}
	}
}

func FuzzTextIsEncodedAsByEncodingJSON(f *testing.F) {
	for _, text := range []string{"", "plain", `{"action":"watch","ticker":"EIQQ"}`, "\x00", "\x7f", "é\u2028", "\xff", `\`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got, want := string(appendText([]byte("x"), text)), "x"+string(encode(text)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}
