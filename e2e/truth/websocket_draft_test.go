package truth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"quotewire/e2e/rig"
)

// draft is a WebSocket API in the making. boto3 makes it.
type draft struct {
	t  testing.TB
	c  *testCloud
	id string
}

// draft makes an API without anything in it.
func (c *testCloud) draft(t testing.TB) *draft {
	t.Helper()
	made := c.boto3(t).call(t, "apigatewayv2", "CreateApi", map[string]any{
		"Name": unique("ws"), "ProtocolType": "WEBSOCKET", "RouteSelectionExpression": "$request.body.action",
	})
	return &draft{t, c, made.str("ApiId")}
}

// call makes a call about the API.
func (d *draft) call(operation string, params map[string]any) answer {
	d.t.Helper()
	all := map[string]any{"ApiId": d.id}
	for k, v := range params {
		all[k] = v
	}
	return d.c.boto3(d.t).call(d.t, "apigatewayv2", operation, all)
}

// fail is call for what must be refused.
func (d *draft) fail(operation string, params map[string]any) answer {
	d.t.Helper()
	all := map[string]any{"ApiId": d.id}
	for k, v := range params {
		all[k] = v
	}
	return d.c.boto3(d.t).fail(d.t, "apigatewayv2", operation, all)
}

// integration makes an integration and returns its id.
func (d *draft) integration(params map[string]any) string {
	d.t.Helper()
	return d.call("CreateIntegration", params).str("IntegrationId")
}

// proxy makes a Lambda proxy integration, which may invoke f.
func (d *draft) proxy(f *function) string {
	d.t.Helper()
	return d.integration(map[string]any{"IntegrationType": "AWS_PROXY", "IntegrationUri": invocationURI(f.ARN)})
}

// answers gives an integration a response: its key, and the template of its text if that is not empty.
func (d *draft) answers(integration, key, template string, more ...map[string]any) {
	d.t.Helper()
	params := map[string]any{"IntegrationId": integration, "IntegrationResponseKey": key}
	if template != "" {
		params["ResponseTemplates"] = map[string]any{"$default": template}
	}
	for _, m := range more {
		for k, v := range m {
			params[k] = v
		}
	}
	d.call("CreateIntegrationResponse", params)
}

// mock makes a MOCK integration that answers with the text.
func (d *draft) mock(text string) string {
	d.t.Helper()
	id := d.integration(map[string]any{
		"IntegrationType": "MOCK", "RequestTemplates": map[string]any{"$default": `{"statusCode":200}`}, "TemplateSelectionExpression": `\$default`,
	})
	d.answers(id, "$default", text)
	return id
}

// route makes a route to an integration; a key that ends in "!" is two-way.
func (d *draft) route(key, integration string, more ...map[string]any) (id string) {
	d.t.Helper()
	key, twoWay := strings.CutSuffix(key, "!")
	params := map[string]any{"RouteKey": key, "Target": "integrations/" + integration}
	if twoWay {
		params["RouteResponseSelectionExpression"] = "$default"
	}
	for _, m := range more {
		for k, v := range m {
			params[k] = v
		}
	}
	id = d.call("CreateRoute", params).str("RouteId")
	if twoWay {
		d.call("CreateRouteResponse", map[string]any{"RouteId": id, "RouteResponseKey": "$default"})
	}
	return id
}

// deploy deploys what there is to the stage development, which it makes with these properties, and lets the API invoke
// the functions.
func (d *draft) deploy(stage map[string]any, functions ...*function) *api {
	d.t.Helper()
	params := map[string]any{"StageName": "development"}
	for k, v := range stage {
		params[k] = v
	}
	d.call("CreateStage", params)
	if params["AutoDeploy"] == nil {
		d.call("CreateDeployment", map[string]any{"StageName": "development"})
	}
	for _, f := range functions {
		d.c.permit(d.t, f, d.id)
	}
	url := d.call("GetApi", nil).str("ApiEndpoint") + "/development"
	return &api{ID: d.id, URL: url, Callback: httpURL(url), Stage: "development", cloud: d.c}
}

// probing is the URL of an API with a command for the probe behind $connect.
func (a *api) probing(command string) string { return a.URL + "?probe=" + url.QueryEscape(command) }

// handshake makes a handshake with a stock client and returns its answer, whatever it is, with the body of a refusal.
func handshake(t testing.TB, url string, options *websocket.DialOptions) (*http.Response, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), rig.Patience)
	defer cancel()
	c, response, err := websocket.Dial(ctx, url, options)
	if err == nil {
		t.Cleanup(func() { c.CloseNow() })
		return response, ""
	}
	if response == nil {
		t.Fatalf("dial %s: %v", url, err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return response, string(body)
}

// status is the status of a handshake.
func status(t testing.TB, url string) int {
	t.Helper()
	response, _ := handshake(t, url, nil)
	return response.StatusCode
}

// returning is a command that makes the probe return a JSON value.
func returning(value string) string { return `{"do":"return","value":` + value + `}` }

// ask sends one message on a connection of its own and returns the answer.
func (a *api) ask(t testing.TB, message string) string {
	t.Helper()
	ws := dial(t, a.URL)
	ws.Send(message)
	return ws.Text()
}

// errorFrame is the frame of an error without the ids; other texts are returned as they are.
func errorFrame(text string) string {
	var message, connection, request string
	head, rest, ok := strings.Cut(text, `, "connectionId":"`)
	if n, _ := fmt.Sscanf(rest, `%16s", "requestId":"%16s"}`, &connection, &request); !ok || n != 2 || len(connection) != 16 || len(request) != 16 {
		return text
	}
	message = head + "}"
	return message
}

// websocketDial is a handshake outside of the test's goroutine.
func websocketDial(url string) (status int, c *websocket.Conn, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), rig.Patience)
	defer cancel()
	c, response, err := websocket.Dial(ctx, url, nil)
	if err == nil {
		defer c.CloseNow()
		status = response.StatusCode
	}
	return status, c, err
}

// field returns the text at a dotted path of a JSON text; "" if there is none.
func field(t testing.TB, text, path string) string {
	t.Helper()
	var a answer
	if err := json.Unmarshal([]byte(text), &a.Answer); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return a.str(path)
}
