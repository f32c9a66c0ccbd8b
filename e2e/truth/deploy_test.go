package truth

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	gateway "github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"quotewire/e2e/rig"
)

// setUp is what a cloud needs once before functions can be deployed to it.
type setUp struct {
	once sync.Once
	err  error
}

const (
	codeBucket = "truth-code"
	probeKey   = "probe.zip"
	trust      = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

	// usual is what functions of the tests may do unless they ask for another policy.
	usual = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:*","execute-api:*","ec2:CreateNetworkInterface","ec2:DescribeNetworkInterfaces","ec2:DeleteNetworkInterface","ec2:DescribeSubnets","ec2:AssignPrivateIpAddresses","ec2:UnassignPrivateIpAddresses"],"Resource":"*"}]}`
)

func buildProbe(dir string) ([]byte, error) {
	path, err := rig.Build(dir, "quotewire/e2e/truth/probe")
	if err != nil {
		return nil, err
	}
	program, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return zipOf("bootstrap", program)
}

// zipOf makes a zip with one executable file.
func zipOf(name string, program []byte) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	h := &zip.FileHeader{Name: name, Method: zip.Store}
	h.SetMode(0o755)
	w, err := z.CreateHeader(h)
	if err == nil {
		_, err = w.Write(program)
	}
	if err == nil {
		err = z.Close()
	}
	return b.Bytes(), err
}

// function is a deployed function.
type function struct {
	Name, ARN, Role string // Role is its role's name
	cloud           *testCloud
}

// functionOption changes how a function is created.
type functionOption func(*lambda.CreateFunctionInput, *string)

// variable sets a variable of the function's environment.
func variable(name, value string) functionOption {
	return func(in *lambda.CreateFunctionInput, _ *string) {
		if in.Environment == nil {
			in.Environment = &types.Environment{Variables: map[string]string{}}
		}
		in.Environment.Variables[name] = value
	}
}

// doing gives the probe the command that it obeys when its event has none.
func doing(command string) functionOption { return variable("PROBE", command) }

// timeout sets the function's timeout in seconds.
func timeout(seconds int32) functionOption {
	return func(in *lambda.CreateFunctionInput, _ *string) { in.Timeout = &seconds }
}

// memory sets the function's memory in MB.
func memory(mb int32) functionOption {
	return func(in *lambda.CreateFunctionInput, _ *string) { in.MemorySize = &mb }
}

// policy replaces what the function's role may do.
func policy(document string) functionOption {
	return func(_ *lambda.CreateFunctionInput, p *string) { *p = document }
}

// program replaces the probe with a bootstrap of the test's own, such as a script.
func program(bootstrap string) functionOption {
	return func(in *lambda.CreateFunctionInput, _ *string) {
		text, err := zipOf("bootstrap", []byte(bootstrap))
		if err != nil {
			panic(err)
		}
		in.Code = &types.FunctionCode{ZipFile: text}
	}
}

// function deploys the probe under a name of its own that begins with prefix, and waits until it is active.
func (c *testCloud) function(t testing.TB, prefix string, options ...functionOption) *function {
	t.Helper()
	ctx, cfg := t.Context(), c.config()
	c.setUp.once.Do(func() {
		store := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
		if _, c.setUp.err = store.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(codeBucket)}); c.setUp.err == nil {
			_, c.setUp.err = store.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(codeBucket), Key: aws.String(probeKey), Body: bytes.NewReader(probeZip)})
		}
	})
	if c.setUp.err != nil {
		t.Fatalf("the probe's code: %v", c.setUp.err)
	}
	f := &function{Name: unique(prefix), cloud: c}
	f.Role = f.Name + "-role"
	may := usual
	in := &lambda.CreateFunctionInput{
		FunctionName: &f.Name, Runtime: types.RuntimeProvidedal2023, Handler: aws.String("bootstrap"), Timeout: aws.Int32(10), MemorySize: aws.Int32(256),
		Code: &types.FunctionCode{S3Bucket: aws.String(codeBucket), S3Key: aws.String(probeKey)},
	}
	for _, o := range options {
		o(in, &may)
	}
	roles := iam.NewFromConfig(cfg)
	role, err := roles.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &f.Role, AssumeRolePolicyDocument: aws.String(trust)})
	if err == nil {
		in.Role = role.Role.Arn
		_, err = roles.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &f.Role, PolicyName: aws.String("may"), PolicyDocument: &may})
	}
	if err != nil {
		t.Fatalf("the role of %s: %v", f.Name, err)
	}
	functions := lambda.NewFromConfig(cfg)
	made, err := functions.CreateFunction(ctx, in)
	if err != nil {
		t.Fatalf("create %s: %v", f.Name, err)
	}
	f.ARN = *made.FunctionArn
	active := lambda.NewFunctionActiveV2Waiter(functions, func(o *lambda.FunctionActiveV2WaiterOptions) { o.MinDelay = 20 * time.Millisecond })
	if err := active.Wait(ctx, &lambda.GetFunctionInput{FunctionName: &f.Name}, rig.Patience); err != nil {
		t.Fatalf("%s does not become active: %v", f.Name, err)
	}
	return f
}

// invoke invokes a function with a payload and returns what it answered.
func (f *function) invoke(t testing.TB, payload string) *lambda.InvokeOutput {
	t.Helper()
	out, err := lambda.NewFromConfig(f.cloud.config()).Invoke(t.Context(), &lambda.InvokeInput{FunctionName: &f.Name, Payload: []byte(payload)})
	if err != nil {
		t.Fatalf("invoke %s: %v", f.Name, err)
	}
	return out
}

// probe has the function obey a command and returns its answer's body. A function error fails the test.
func (f *function) probe(t testing.TB, command string) string {
	t.Helper()
	out := f.invoke(t, command)
	var answer struct {
		StatusCode int
		Body       string
	}
	if err := json.Unmarshal(out.Payload, &answer); err != nil || out.FunctionError != nil || answer.StatusCode != 200 {
		t.Fatalf("%s answered to %s with %s", f.Name, command, out.Payload)
	}
	return answer.Body
}

// api is a deployed API.
type api struct {
	ID       string
	URL      string // of its stage: ws://… of a WebSocket API, http://… of an HTTP API
	Callback string // the endpoint for @connections
	Stage    string
	cloud    *testCloud
}

// routeSpec is a route of a WebSocket API.
type routeSpec struct {
	key    string
	twoWay bool
}

func oneWay(key string) routeSpec { return routeSpec{key, false} }
func twoWay(key string) routeSpec { return routeSpec{key, true} }

// invocationURI is a function as an integration of a WebSocket API names it.
func invocationURI(functionARN string) string {
	return "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/" + functionARN + "/invocations"
}

// webSocketAPI deploys an API whose routes all lead to f, on the stage development.
func (c *testCloud) webSocketAPI(t testing.TB, f *function, routes ...routeSpec) *api {
	t.Helper()
	ctx, g := t.Context(), apigatewayv2.NewFromConfig(c.config())
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("deploy a WebSocket API: %v", err)
		}
	}
	made, err := g.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: aws.String(unique("ws")), ProtocolType: gateway.ProtocolTypeWebsocket, RouteSelectionExpression: aws.String("$request.body.action")})
	must(err)
	in, err := g.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{ApiId: made.ApiId, IntegrationType: gateway.IntegrationTypeAwsProxy, IntegrationUri: aws.String(invocationURI(f.ARN))})
	must(err)
	for _, r := range routes {
		create := &apigatewayv2.CreateRouteInput{ApiId: made.ApiId, RouteKey: &r.key, Target: aws.String("integrations/" + *in.IntegrationId)}
		if r.twoWay {
			create.RouteResponseSelectionExpression = aws.String("$default")
		}
		route, err := g.CreateRoute(ctx, create)
		must(err)
		if r.twoWay {
			_, err = g.CreateRouteResponse(ctx, &apigatewayv2.CreateRouteResponseInput{ApiId: made.ApiId, RouteId: route.RouteId, RouteResponseKey: aws.String("$default")})
			must(err)
		}
	}
	const stage = "development"
	_, err = g.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: made.ApiId, StageName: aws.String(stage)})
	must(err)
	_, err = g.CreateDeployment(ctx, &apigatewayv2.CreateDeploymentInput{ApiId: made.ApiId, StageName: aws.String(stage)})
	must(err)
	c.permit(t, f, *made.ApiId)
	url := *made.ApiEndpoint + "/" + stage
	return &api{ID: *made.ApiId, URL: url, Callback: httpURL(url), Stage: stage, cloud: c}
}

// httpAPI deploys an API whose routes, such as "GET /quotes/{ticker}", all lead to f, on the stage $default.
func (c *testCloud) httpAPI(t testing.TB, f *function, routes ...string) *api {
	t.Helper()
	ctx, g := t.Context(), apigatewayv2.NewFromConfig(c.config())
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("deploy an HTTP API: %v", err)
		}
	}
	made, err := g.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: aws.String(unique("http")), ProtocolType: gateway.ProtocolTypeHttp})
	must(err)
	in, err := g.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{ApiId: made.ApiId, IntegrationType: gateway.IntegrationTypeAwsProxy, IntegrationUri: &f.ARN, PayloadFormatVersion: aws.String("2.0")})
	must(err)
	for _, key := range routes {
		_, err := g.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{ApiId: made.ApiId, RouteKey: &key, Target: aws.String("integrations/" + *in.IntegrationId)})
		must(err)
	}
	_, err = g.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: made.ApiId, StageName: aws.String("$default"), AutoDeploy: aws.Bool(true)})
	must(err)
	c.permit(t, f, *made.ApiId)
	return &api{ID: *made.ApiId, URL: *made.ApiEndpoint, Stage: "$default", cloud: c}
}

// permit lets every route of an API invoke f.
func (c *testCloud) permit(t testing.TB, f *function, apiID string) {
	t.Helper()
	_, err := lambda.NewFromConfig(c.config()).AddPermission(t.Context(), &lambda.AddPermissionInput{
		FunctionName: &f.Name, StatementId: aws.String("api-" + apiID), Action: aws.String("lambda:InvokeFunction"),
		Principal: aws.String("apigateway.amazonaws.com"), SourceArn: aws.String("arn:aws:execute-api:us-east-1:111122223333:" + apiID + "/*"),
	})
	if err != nil {
		t.Fatalf("let the API invoke %s: %v", f.Name, err)
	}
}

// events are what functions with the variable COLLECT have been invoked with.
type events struct {
	URL string

	mu   sync.Mutex    // protects following
	all  []string      // that nobody has waited for yet
	more chan struct{} // closed when there is one more
}

// collect serves the URL that a function sends its events to: give it as variable("COLLECT", events.URL).
func collect(t testing.TB) *events {
	t.Helper()
	e := &events{more: make(chan struct{})}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		e.mu.Lock()
		defer e.mu.Unlock()
		e.all = append(e.all, string(body))
		close(e.more)
		e.more = make(chan struct{})
	}))
	t.Cleanup(server.Close)
	e.URL = server.URL
	return e
}

// wait returns the next event in which all texts stand. Others stay for those who wait for them.
func (e *events) wait(t testing.TB, texts ...string) string {
	t.Helper()
	deadline := time.After(rig.Patience)
	for {
		e.mu.Lock()
		i := slices.IndexFunc(e.all, func(event string) bool {
			return !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(event, text) })
		})
		if i >= 0 {
			event := e.all[i]
			e.all = slices.Delete(e.all, i, i+1)
			e.mu.Unlock()
			return event
		}
		more := e.more
		e.mu.Unlock()
		select {
		case <-more:
		case <-deadline:
			t.Fatalf("no event with %q", texts)
		}
	}
}
