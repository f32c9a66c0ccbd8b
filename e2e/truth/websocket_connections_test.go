package truth

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/coder/websocket"

	"quotewire/e2e/rig"
)

func TestWebSocketConnections(t *testing.T) {
	t.Parallel()
	c := shared(t)
	e := collect(t)
	f := c.function(t, "connections", variable("COLLECT", e.URL))
	d := c.draft(t)
	in := d.proxy(f)
	d.route("$connect", in)
	d.route("$default", in)
	a := d.deploy(nil, f)
	other := c.pong(t, nil, "$default")
	d.call("CreateStage", map[string]any{"StageName": "second"})
	d.call("CreateDeployment", map[string]any{"StageName": "second"})
	const service = "apigatewaymanagementapi"
	// open opens a connection, which an agent of its own tells from the others, and returns it with its id.
	open := func(t *testing.T) (*rig.Socket, string) {
		t.Helper()
		agent := unique("agent")
		ws := rig.Dial(t, a.URL, &websocket.DialOptions{HTTPHeader: http.Header{"User-Agent": {agent}}})
		return ws, field(t, e.wait(t, `"CONNECT"`, `"`+agent+`"`), "requestContext.connectionId")
	}
	// Events of parallel rules go to one collector, whose wait drops those of others: each opens its own first.
	type opened struct {
		ws *rig.Socket
		id string
	}
	var ready []opened
	for range 14 {
		ws, id := open(t)
		ready = append(ready, opened{ws, id})
	}
	next := func() (*rig.Socket, string) {
		o := ready[0]
		ready = ready[1:]
		return o.ws, o.id
	}
	post := func(id, text string) map[string]any {
		return map[string]any{"ConnectionId": id, "Data": []byte(text)}
	}
	// on is a rule about a connection that is open.
	on := func(name, client string, check func(t *testing.T, ws *rig.Socket, id string)) {
		ws, id := next()
		rule(t, name, "WebSocket §9", client, func(t *testing.T) {
			ws := &rig.Socket{T: t, Conn: ws.Conn}
			check(t, ws, id)
		})
	}
	py, js := c.boto3(t).at(a.Callback), c.js(t).at(a.Callback)

	on("PostToConnection sends its body as one text message and answers 200 without a body", boto3, func(t *testing.T, ws *rig.Socket, id string) {
		r := py.call(t, service, "PostToConnection", post(id, "héllo"))
		if got := ws.Text(); got != "héllo" || r.Status != 200 || r.Headers["content-length"] != "0" {
			t.Errorf("%q, %d %v", got, r.Status, r.Headers)
		}
	})
	on("PostToConnection of the JavaScript SDK reaches the client", jsSDK, func(t *testing.T, ws *rig.Socket, id string) {
		js.call(t, service, "PostToConnection", post(id, `{"a":1}`))
		if got := ws.Text(); got != `{"a":1}` {
			t.Errorf("got %s", got)
		}
	})
	on("PostToConnection of the AWS CLI reaches the client", awsCLI, func(t *testing.T, ws *rig.Socket, id string) {
		_, stderr, exit := c.aws(t, "apigatewaymanagementapi", "post-to-connection", "--endpoint-url", a.Callback, "--connection-id", id, "--data", "hello") // version 1 takes blobs as they are
		if exit != 0 {
			t.Fatal(stderr)
		}
		if got := ws.Text(); got != "hello" {
			t.Errorf("got %s", got)
		}
	})
	on("a posted message of 128 KB arrives whole", boto3, func(t *testing.T, ws *rig.Socket, id string) {
		py.call(t, service, "PostToConnection", post(id, strings.Repeat("x", 128<<10)))
		if got := ws.Text(); len(got) != 128<<10 {
			t.Errorf("%d bytes arrived", len(got))
		}
	})
	on("a posted message of more than 128 KB is refused with PayloadTooLargeException", boto3, func(t *testing.T, _ *rig.Socket, id string) {
		if r := py.fail(t, service, "PostToConnection", post(id, strings.Repeat("x", 128<<10+1))); r.Status != 413 || r.Code != "PayloadTooLargeException" {
			t.Errorf("%d %s", r.Status, r.Code)
		}
	})
	on("GetConnection tells connectedAt, lastActiveAt and the identity", boto3, func(t *testing.T, _ *rig.Socket, id string) {
		r := py.call(t, service, "GetConnection", map[string]any{"ConnectionId": id})
		if r.str("ConnectedAt") == "" || r.str("LastActiveAt") == "" || r.str("Identity.SourceIp") != "127.0.0.1" || !strings.HasPrefix(r.str("Identity.UserAgent"), "agent-") {
			t.Errorf("%v", r.Answer)
		}
	})
	on("a post makes a connection active", boto3, func(t *testing.T, ws *rig.Socket, id string) {
		before := py.call(t, service, "GetConnection", map[string]any{"ConnectionId": id}).str("LastActiveAt")
		py.call(t, service, "PostToConnection", post(id, "x"))
		ws.Text()
		if after := py.call(t, service, "GetConnection", map[string]any{"ConnectionId": id}).str("LastActiveAt"); after <= before {
			t.Errorf("active at %s, then %s", before, after)
		}
	})
	on("DeleteConnection answers 204 and closes with 1000; posts are gone from then on", jsSDK, func(t *testing.T, ws *rig.Socket, id string) {
		if r := js.call(t, service, "DeleteConnection", map[string]any{"ConnectionId": id}); r.Status != 204 {
			t.Errorf("status %d", r.Status)
		}
		if code, reason := ws.Closed(); code != 1000 || reason != "Connection Closed Normally" {
			t.Errorf("closed with %d %q", code, reason)
		}
		if r := js.fail(t, service, "PostToConnection", post(id, "x")); r.Status != 410 || r.Code != "GoneException" {
			t.Errorf("then %d %s", r.Status, r.Code)
		}
	})
	on("a connection of another API is gone", boto3, func(t *testing.T, _ *rig.Socket, id string) {
		if r := c.boto3(t).at(other.Callback).fail(t, service, "PostToConnection", post(id, "x")); r.Status != 410 {
			t.Errorf("%d %s", r.Status, r.Code)
		}
	})
	on("a connection of another stage of the same API is gone", boto3, func(t *testing.T, _ *rig.Socket, id string) {
		if r := c.boto3(t).at(strings.Replace(a.Callback, a.Stage, "second", 1)).fail(t, service, "PostToConnection", post(id, "x")); r.Status != 410 {
			t.Errorf("%d %s", r.Status, r.Code)
		}
	})
	raw := func(t *testing.T, method, target, body string, key aws.Credentials) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, target, bytes.NewReader([]byte(body)))
		if err != nil {
			t.Fatal(err)
		}
		if key.AccessKeyID != "" {
			sum := sha256.Sum256([]byte(body))
			if err := v4.NewSigner().SignHTTP(t.Context(), key, r, hex.EncodeToString(sum[:]), "execute-api", "us-east-1", time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response, string(text)
	}
	root := aws.Credentials{AccessKeyID: c.key, SecretAccessKey: c.secret}
	on("every spelling of the callback's path is understood: @ or %40, = or %3D", httpClient, func(t *testing.T, ws *rig.Socket, id string) {
		for _, at := range []string{"@", "%40"} {
			for _, equals := range []string{"=", "%3D", "%3d"} {
				target := a.Callback + "/" + at + "connections/" + strings.Replace(id, "=", equals, 1)
				if r, body := raw(t, "POST", target, "x", root); r.StatusCode != 200 {
					t.Errorf("%s: %d %s", target, r.StatusCode, body)
					continue
				}
				ws.Text()
			}
		}
	})
	on("the Content-Type of a post is ignored and the message is text", httpClient, func(t *testing.T, ws *rig.Socket, id string) {
		raw(t, "POST", a.Callback+"/@connections/"+id, "plain", root)
		if got := ws.Text(); got != "plain" {
			t.Errorf("got %s", got)
		}
	})
	{
		ws, id := next()
		choice(t, "an empty post is an empty frame", "WebSocket §9", boto3, func(t *testing.T) {
			py.call(t, service, "PostToConnection", post(id, ""))
			if got := (&rig.Socket{T: t, Conn: ws.Conn}).Text(); got != "" {
				t.Errorf("got %q", got)
			}
		})
		_, another := next()
		choice(t, "a post that is not UTF-8 is refused with BadRequestException", "WebSocket §9", boto3, func(t *testing.T) {
			if r := py.fail(t, service, "PostToConnection", post(another, "\xff")); r.Status != 400 || r.Code != "BadRequestException" {
				t.Errorf("%d %s", r.Status, r.Code)
			}
		})
	}

	const gone = "AAAAAAAAAAAAAAA="
	rule(t, "410 has the header GoneException and no body at all", "WebSocket §9", httpClient, func(t *testing.T) {
		r, body := raw(t, "POST", a.Callback+"/@connections/"+gone, "x", root)
		if r.StatusCode != 410 || r.Header.Get("x-amzn-ErrorType") != "GoneException" || body != "" {
			t.Errorf("%d %s %q", r.StatusCode, r.Header.Get("x-amzn-ErrorType"), body)
		}
	})
	rule(t, "an unsigned call of @connections is answered with 403 Missing Authentication Token", "WebSocket §9", httpClient, func(t *testing.T) {
		r, body := raw(t, "POST", a.Callback+"/@connections/"+gone, "x", aws.Credentials{})
		if r.StatusCode != 403 || r.Header.Get("x-amzn-ErrorType") != "MissingAuthenticationTokenException" || body != `{"message":"Missing Authentication Token"}` {
			t.Errorf("%d %s %s", r.StatusCode, r.Header.Get("x-amzn-ErrorType"), body)
		}
	})
	rule(t, "an unknown access key is answered with 403 UnrecognizedClientException", "WebSocket §9", boto3, func(t *testing.T) {
		if r := py.as("AKIANOBODYNOBODYNOBO", "secret", "").fail(t, service, "PostToConnection", post(gone, "x")); r.Status != 403 || r.Code != "UnrecognizedClientException" {
			t.Errorf("%d %s", r.Status, r.Code)
		}
	})
	rule(t, "a wrong secret is answered with 403 InvalidSignatureException", "WebSocket §9", boto3, func(t *testing.T) {
		if r := py.as(c.key, "wrong", "").fail(t, service, "PostToConnection", post(gone, "x")); r.Status != 403 || r.Code != "InvalidSignatureException" {
			t.Errorf("%d %s", r.Status, r.Code)
		}
	})
	rule(t, "a callback to an unknown stage is answered with 403 ForbiddenException", "WebSocket §9", boto3, func(t *testing.T) {
		if r := c.boto3(t).at(a.Callback+"x").fail(t, service, "PostToConnection", post(gone, "x")); r.Status != 403 || r.Code != "ForbiddenException" || r.Message != "Forbidden" {
			t.Errorf("%d %s: %s", r.Status, r.Code, r.Message)
		}
	})
	rule(t, "an id that is not 11 bytes of base64url is answered with 400 and the id", "WebSocket §9", httpClient, func(t *testing.T) {
		r, body := raw(t, "POST", a.Callback+"/@connections/zz9", "x", root)
		if r.StatusCode != 400 || r.Header.Get("x-amzn-ErrorType") != "BadRequestException" ||
			!regexp.MustCompile(`^\{"message":"Invalid connectionId: zz9","connectionId":"zz9","requestId":"[\w-]{15}="\}$`).MatchString(body) {
			t.Errorf("%d %s", r.StatusCode, body)
		}
	})
	rule(t, "answers carry x-amzn-RequestId, a UUID, and x-amz-apigw-id", "WebSocket §9", httpClient, func(t *testing.T) {
		r, _ := raw(t, "GET", a.Callback+"/@connections/"+gone, "", root)
		if !regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString(r.Header.Get("x-amzn-RequestId")) || len(r.Header.Get("x-amz-apigw-id")) != 16 {
			t.Errorf("headers %v", r.Header)
		}
	})
	// caller makes a user with a policy, and is boto3 as that user at the callback.
	caller := func(t *testing.T, policy string) caller {
		admin, name := c.boto3(t), unique("poster")
		admin.call(t, "iam", "CreateUser", map[string]any{"UserName": name})
		admin.call(t, "iam", "PutUserPolicy", map[string]any{"UserName": name, "PolicyName": "may", "PolicyDocument": policy})
		key := admin.call(t, "iam", "CreateAccessKey", map[string]any{"UserName": name})
		return py.as(key.str("AccessKey.AccessKeyId"), key.str("AccessKey.SecretAccessKey"), "")
	}
	base := "arn:aws:execute-api:us-east-1:111122223333:" + a.ID + "/development/"
	rule(t, "a caller whose policy does not allow is answered with AccessDeniedException in AWS's words, the account masked", "WebSocket §9", boto3, func(t *testing.T) {
		r := caller(t, allow("s3:*", "*")).fail(t, service, "PostToConnection", post(gone, "x"))
		want := `is not authorized to perform: execute-api:ManageConnections on resource: arn:aws:execute-api:us-east-1:********3333:` + a.ID + `/development/POST/@connections/{connectionId}`
		if r.Status != 403 || r.Code != "AccessDeniedException" || !strings.Contains(r.Message, want) && !strings.Contains(r.str("Message"), want) {
			t.Errorf("%d %s: %s %v", r.Status, r.Code, r.Message, r.Answer)
		}
	})
	for name, resource := range map[string]string{"…/POST/@connections/*": base + "POST/@connections/*", "…/STAGE/*": base + "*", "*/*/*/@connections/*": "arn:aws:execute-api:*:*:*/*/*/@connections/*"} {
		rule(t, "a policy for "+name+" allows posts", "WebSocket §9", boto3, func(t *testing.T) {
			if r := caller(t, allow("execute-api:ManageConnections", resource)).fail(t, service, "PostToConnection", post(gone, "x")); r.Status != 410 {
				t.Errorf("%d %s: %s", r.Status, r.Code, r.Message)
			}
		})
	}
	rule(t, "a policy that names one connection allows nothing: the request is judged by its template", "WebSocket §9", boto3, func(t *testing.T) {
		if r := caller(t, allow("execute-api:ManageConnections", base+"POST/@connections/"+gone)).fail(t, service, "PostToConnection", post(gone, "x")); r.Status != 403 {
			t.Errorf("%d %s", r.Status, r.Code)
		}
	})
	rule(t, "a policy for POST does not allow GetConnection", "WebSocket §9", boto3, func(t *testing.T) {
		if r := caller(t, allow("execute-api:ManageConnections", base+"POST/*")).fail(t, service, "GetConnection", map[string]any{"ConnectionId": gone}); r.Status != 403 {
			t.Errorf("%d %s", r.Status, r.Code)
		}
	})
	rule(t, "the policy is asked before the connection is looked for", "WebSocket §9", boto3, func(t *testing.T) {
		if r := caller(t, allow("s3:*", "*")).fail(t, service, "PostToConnection", post("zz9", "x")); r.Status != 403 {
			t.Errorf("%d %s", r.Status, r.Code)
		}
	})
	rule(t, "a function posts to the endpoint that its event names", "WebSocket §9", stockWS, func(t *testing.T) {
		poster := c.function(t, "poster")
		api := c.webSocketAPI(t, poster, twoWay("$default"))
		ws := dial(t, api.URL)
		ws.Send("{}") // the probe answers with its event
		event := ws.Text()
		target := "http://" + field(t, event, "requestContext.domainName") + "/" + field(t, event, "requestContext.stage") + "/@connections/" + field(t, event, "requestContext.connectionId")
		ws.Send(`{"do":"signed","service":"execute-api","method":"POST","url":"` + strings.Replace(target, "=", "%3D", 1) + `","body":"posted"}`)
		if first, second := ws.Text(), ws.Text(); first != "posted" || second != "200 " {
			t.Errorf("%q, then %q", first, second)
		}
	})
}
