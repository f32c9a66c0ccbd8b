package apigateway

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/coder/websocket"

	"quotewire/cloud/iam"
	"quotewire/cloud/lambda"
	"quotewire/cloud/protocol"
	"quotewire/cloud/state"
)

// functions answers invocations with a function, which may be exchanged.
type functions struct {
	mu sync.Mutex
	f  func(context.Context, lambda.Invocation) (lambda.Result, error)
}

func (f *functions) Invoke(ctx context.Context, in lambda.Invocation) (lambda.Result, error) {
	f.mu.Lock()
	g := f.f
	f.mu.Unlock()
	return g(ctx, in)
}

func (f *functions) set(g func(context.Context, lambda.Invocation) (lambda.Result, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.f = g
}

// returns makes the function answer with a payload, whatever it is asked.
func (f *functions) returns(payload string) {
	f.set(func(context.Context, lambda.Invocation) (lambda.Result, error) {
		return lambda.Result{Payload: []byte(payload)}, nil
	})
}

// authorizer allows everything but what it is told to deny.
type denial struct {
	mu       sync.Mutex
	resource string // allowed as well: nothing but this, if it is set
}

func (d *denial) Authorize(ctx context.Context, p protocol.Protocol, action, resource string, keys map[string]string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.resource != "" && d.resource != resource {
		return protocol.Errorf(403, "AccessDeniedException", "no")
	}
	return nil
}

func (d *denial) AuthorizeAs(ctx context.Context, _ iam.Principal, p protocol.Protocol, action, resource string, keys map[string]string) error {
	return d.Authorize(ctx, p, action, resource, keys)
}

// Verify takes every signature for the root's.
func (d *denial) Verify(r *http.Request, body []byte, p protocol.Protocol) (iam.Principal, error) {
	if r.Header.Get("Authorization") == "" {
		return iam.Principal{}, protocol.Errorf(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
	}
	return root, nil
}

// CheckAssumable lets the gateway into every role but those whose name begins with "other".
func (d *denial) CheckAssumable(_ context.Context, roleARN, service string) error {
	if strings.Contains(roleARN, ":role/other") {
		return fmt.Errorf("the role %s does not trust %s", roleARN, service)
	}
	return nil
}

func (d *denial) ServiceSession(_ context.Context, roleARN, service, session string) (iam.Credentials, error) {
	return iam.Credentials{AccessKeyID: roleARN, SecretAccessKey: session}, nil
}

func (d *denial) Session(accessKeyID string) (iam.Principal, bool) {
	return iam.Principal{Kind: iam.AssumedRole, ARN: accessKeyID}, true
}

var root = iam.Principal{
	Kind: iam.Root, Account: "111122223333", ARN: "arn:aws:iam::111122223333:root", UserID: "111122223333", AccessKeyID: "test",
}

type gateway struct {
	*Service
	functions *functions
	denial    *denial
	log       *logBuffer
	control   *apigatewayv2.Client
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// start serves a gateway on the state in dir. Signed requests come from the root, whatever the signature.
func start(t testing.TB, dir string, configure ...func(*Config)) *gateway {
	t.Helper()
	store, err := state.Open(t.Context(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{functions: &functions{}, denial: &denial{}, log: &logBuffer{}}
	g.functions.returns(`{"statusCode":200}`)
	config := Config{
		State: store, IAM: g.denial, Functions: g.functions, Account: "111122223333", Region: "us-east-1",
		Log: slog.New(slog.NewTextHandler(g.log, nil)), Authority: listener.Addr().String(),
	}
	for _, f := range configure {
		f(&config)
	}
	if g.Service, err = New(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			r = r.WithContext(iam.WithPrincipal(r.Context(), root))
		}
		if apiID, path, ok := g.Resolve(r); ok {
			g.ServeAPI(w, r, apiID, path)
			return
		}
		g.ServeHTTP(w, r)
	}), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	served := make(chan struct{})
	go func() {
		server.Serve(listener)
		close(served)
	}()
	t.Cleanup(func() {
		server.Close()
		g.Service.Close()
		<-served
	})
	g.control = apigatewayv2.NewFromConfig(awsConfig("http://" + g.Authority))
	return g
}

func awsConfig(endpoint string) aws.Config {
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: &endpoint,
		Credentials:      credentials.NewStaticCredentialsProvider("test", "test", ""),
		RetryMaxAttempts: 1,
	}
}

const functionURI = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:111122223333:function:watch:live/invocations"

// webSocketAPI makes an API with the given routes, all to the function, and deploys it to the stage development. A
// route key that ends in "!" is two-way.
func (g *gateway) webSocketAPI(t testing.TB, routes ...string) (id string) {
	t.Helper()
	ctx := t.Context()
	created := must(g.control.CreateApi(ctx, &apigatewayv2.CreateApiInput{
		Name: aws.String("stock-watch"), ProtocolType: types.ProtocolTypeWebsocket, RouteSelectionExpression: aws.String("$request.body.action"),
	}))
	in := must(g.control.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{
		ApiId: created.ApiId, IntegrationType: types.IntegrationTypeAwsProxy, IntegrationUri: aws.String(functionURI),
	}))
	for _, key := range routes {
		key, twoWay := strings.CutSuffix(key, "!")
		input := &apigatewayv2.CreateRouteInput{ApiId: created.ApiId, RouteKey: &key, Target: aws.String("integrations/" + *in.IntegrationId)}
		if twoWay {
			input.RouteResponseSelectionExpression = aws.String("$default")
		}
		r := must(g.control.CreateRoute(ctx, input))
		if twoWay {
			must(g.control.CreateRouteResponse(ctx, &apigatewayv2.CreateRouteResponseInput{ApiId: created.ApiId, RouteId: r.RouteId, RouteResponseKey: aws.String("$default")}))
		}
	}
	must(g.control.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: created.ApiId, StageName: aws.String("development")}))
	must(g.control.CreateDeployment(ctx, &apigatewayv2.CreateDeploymentInput{ApiId: created.ApiId, StageName: aws.String("development")}))
	return *created.ApiId
}

// must returns v. An error is a panic, which names the line that it happened in.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func (g *gateway) url(apiID, stage string) string {
	return "ws://" + g.Authority + pathPrefix + apiID + "/" + stage
}

// dial opens a connection to the stage development.
func (g *gateway) dial(t testing.TB, apiID string, options *websocket.DialOptions) *websocket.Conn {
	t.Helper()
	c, _, err := websocket.Dial(t.Context(), g.url(apiID, "development"), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.CloseNow() })
	return c
}

func read(t testing.TB, c *websocket.Conn) string {
	t.Helper()
	kind, text, err := c.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if kind != websocket.MessageText {
		t.Fatalf("a %v message, want text", kind)
	}
	return string(text)
}

func write(t testing.TB, c *websocket.Conn, text string) {
	t.Helper()
	if err := c.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// management is a client of @connections, as a function makes one of its event.
func (g *gateway) management(stage string) *apigatewaymanagementapi.Client {
	return apigatewaymanagementapi.NewFromConfig(awsConfig("http://" + g.Authority + "/" + stage))
}

// events makes the function hand its events to the returned channel, and answer with 200.
func (g *gateway) events() <-chan event {
	events := make(chan event, 100)
	g.functions.set(func(_ context.Context, in lambda.Invocation) (lambda.Result, error) {
		e := event{text: string(in.Payload), invocation: in}
		if err := json.Unmarshal(in.Payload, &e); err != nil {
			return lambda.Result{}, err
		}
		events <- e
		return lambda.Result{Payload: []byte(`{"statusCode":200}`)}, nil
	})
	return events
}

// event is as much of an event as most tests look at.
type event struct {
	RequestContext struct {
		RouteKey, EventType, ConnectionID, DomainName, Stage string
		DisconnectStatusCode                                 int
		DisconnectReason                                     string
	}
	Body       string
	text       string
	invocation lambda.Invocation
}

func next(t testing.TB, events <-chan event) event {
	t.Helper()
	select {
	case e := <-events:
		return e
	case <-t.Context().Done():
		t.Fatal("no event came")
		panic("unreachable")
	}
}

func get(t testing.TB, method, url string, header http.Header, body string) (int, http.Header, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		r.Header[k] = v
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
	return response.StatusCode, response.Header, string(text)
}

func apiError(status int, code string) error {
	return protocol.Errorf(status, code, "%s", fmt.Sprint("the reason for ", code))
}
