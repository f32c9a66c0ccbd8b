package apigateway

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	mtypes "github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi/types"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/coder/websocket"
)

// open connects and returns the connection with its id, which $connect tells.
func (g *gateway) open(t testing.TB, apiID string, events <-chan event) (*websocket.Conn, *string) {
	t.Helper()
	c := g.dial(t, apiID, nil)
	return c, aws.String(next(t, events).RequestContext.ConnectionID)
}

func TestPostGetAndDeleteAConnection(t *testing.T) {
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "$connect", "$disconnect")
	events := g.events()
	c, connection := g.open(t, id, events)
	client, ctx := g.management("development"), t.Context()
	for _, text := range []string{"", "hello", strings.Repeat("x", 126), strings.Repeat("ä", 65536)} {
		must(client.PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: connection, Data: []byte(text)}))
		c.SetReadLimit(1 << 20)
		if got := read(t, c); got != text {
			t.Errorf("%d bytes arrived of %d", len(got), len(text))
		}
	}
	info := must(client.GetConnection(ctx, &apigatewaymanagementapi.GetConnectionInput{ConnectionId: connection}))
	if info.ConnectedAt == nil || info.LastActiveAt.Before(*info.ConnectedAt) || *info.Identity.SourceIp != "127.0.0.1" {
		t.Errorf("GetConnection: %+v", info)
	}
	_, err := client.PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: connection, Data: make([]byte, AWSLimits.MaxMessage+1)})
	var tooLarge *mtypes.PayloadTooLargeException
	if !errors.As(err, &tooLarge) {
		t.Errorf("128 KB and a byte: %v, want PayloadTooLargeException", err)
	}
	must(client.DeleteConnection(ctx, &apigatewaymanagementapi.DeleteConnectionInput{ConnectionId: connection}))
	if _, err := client.PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: connection, Data: []byte("x")}); !isGone(err) {
		t.Errorf("post after delete: %v, want GoneException", err)
	}
	if _, _, err := c.Read(ctx); websocket.CloseStatus(err) != websocket.StatusNormalClosure {
		t.Errorf("the client saw %v, want 1000", err)
	}
	if e := next(t, events).RequestContext; e.DisconnectStatusCode != 1000 || e.DisconnectReason != "Connection Closed Normally" {
		t.Errorf("disconnect event with %d %q", e.DisconnectStatusCode, e.DisconnectReason)
	}
}

func TestErrorsOfConnectionsAPI(t *testing.T) {
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "$connect")
	must(g.control.CreateStage(t.Context(), &apigatewayv2.CreateStageInput{ApiId: &id, StageName: aws.String("other"), DeploymentId: stageOf(t, g, id).DeploymentId}))
	_, connection := g.open(t, id, g.events())
	gone := connectionID(id).String()
	signed := http.Header{"Authorization": {"signed"}}
	base := "http://" + g.Authority
	for _, test := range []struct {
		name, method, path, body string
		header                   http.Header
		status                   int
		code, want               string
	}{
		{"not signed", "POST", "/development/@connections/" + gone, "x", nil, 403, "MissingAuthenticationTokenException", `{"message":"Missing Authentication Token"}`},
		{"not signed, another address", "POST", pathPrefix + id + "/development/@connections/" + gone, "x", nil, 403, "MissingAuthenticationTokenException", `{"message":"Missing Authentication Token"}`},
		{"unknown stage", "POST", "/nope/@connections/" + gone, "x", signed, 403, "ForbiddenException", `{"message":"Forbidden"}`},
		{"unknown API", "POST", pathPrefix + "nosuchapi0/development/@connections/" + gone, "x", signed, 403, "ForbiddenException", `{"message":"Forbidden"}`},
		{"gone", "POST", "/development/@connections/" + gone, "x", signed, 410, "GoneException", ""},
		{"gone, escaped", "POST", "/development/%40connections/" + strings.ReplaceAll(gone, "=", "%3D"), "x", signed, 410, "GoneException", ""},
		{"gone, asked for", "GET", "/development/@connections/" + gone, "", signed, 410, "GoneException", ""},
		{"gone, deleted", "DELETE", "/development/@connections/" + gone, "", signed, 410, "GoneException", ""},
		{"of another stage", "POST", "/other/@connections/" + *connection, "x", signed, 410, "GoneException", ""},
		{"no text", "POST", "/development/@connections/" + *connection, "\xff", signed, 400, "BadRequestException", `{"message":"The message is not UTF-8: messages to clients are text"}`},
		{"alive", "POST", "/development/@connections/" + strings.ReplaceAll(*connection, "=", "%3D"), "x", signed, 200, "", ""},
	} {
		status, header, body := get(t, test.method, base+test.path, test.header, test.body)
		if status != test.status || header.Get("x-amzn-ErrorType") != test.code || body != test.want {
			t.Errorf("%s: %d %s %s, want %d %s %s", test.name, status, header.Get("x-amzn-ErrorType"), body, test.status, test.code, test.want)
		}
		if header.Get("x-amzn-RequestId") == "" || len(header.Get("x-amz-apigw-id")) != 16 {
			t.Errorf("%s: the answer lacks its ids: %v", test.name, header)
		}
	}
	status, _, body := get(t, "POST", base+"/development/@connections/zz9", signed, "x")
	if status != 400 || !strings.HasPrefix(body, `{"message":"Invalid connectionId: zz9","connectionId":"zz9","requestId":"`) {
		t.Errorf("malformed id: %d %s", status, body)
	}
}

func stageOf(t testing.TB, g *gateway, id string) *apigatewayv2.GetStageOutput {
	return must(g.control.GetStage(t.Context(), &apigatewayv2.GetStageInput{ApiId: &id, StageName: aws.String("development")}))
}

func TestPolicyIsJudgedOnTheRoutesTemplate(t *testing.T) {
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "$connect")
	_, connection := g.open(t, id, g.events())
	post := func() (int, string) {
		status, _, body := get(t, "POST", "http://"+g.Authority+"/development/@connections/"+*connection, http.Header{"Authorization": {"signed"}}, "x")
		return status, body
	}
	set := func(resource string) {
		g.denial.mu.Lock()
		g.denial.resource = resource
		g.denial.mu.Unlock()
	}
	set("arn:aws:execute-api:us-east-1:111122223333:" + id + "/development/POST/@connections/{connectionId}")
	if status, body := post(); status != 200 {
		t.Errorf("allowed on the template: %d %s", status, body)
	}
	set("arn:aws:execute-api:us-east-1:111122223333:" + id + "/development/POST/@connections/" + *connection)
	want := `{"Message":"User: arn:aws:iam::111122223333:root is not authorized to perform: execute-api:ManageConnections on resource: ` +
		`arn:aws:execute-api:us-east-1:********3333:` + id + `/development/POST/@connections/{connectionId}"}`
	if status, body := post(); status != 403 || body != want {
		t.Errorf("allowed on the connection: %d %s, want 403 %s", status, body, want)
	}
}

func TestPostsArriveInOrder(t *testing.T) {
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "$connect")
	c, connection := g.open(t, id, g.events())
	client := g.management("development")
	var group sync.WaitGroup
	group.Go(func() {
		for i := range 200 {
			if _, err := client.PostToConnection(t.Context(), &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: connection, Data: []byte{byte('0' + i%10)}}); err != nil {
				t.Error(err)
			}
		}
	})
	for i := range 200 {
		if got := read(t, c); got != string(rune('0'+i%10)) {
			t.Fatalf("message %d is %s", i, got)
		}
	}
	group.Wait()
}
