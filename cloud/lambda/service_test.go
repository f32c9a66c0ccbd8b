package lambda

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"quotewire/cloud/iam"
	"quotewire/cloud/logs"
	"quotewire/cloud/protocol"
	"quotewire/cloud/state"
)

const (
	account = "111122223333"
	region  = "us-east-1"
	roleARN = "arn:aws:iam::" + account + ":role/watch-role"
)

// binaries are the zips of testdata's functions, built once.
var binaries = map[string][]byte{}

func TestMain(m *testing.M) {
	if os.Getenv("LAMBDA_TEST_PARENT") != "" {
		parent()
	}
	if slices.Contains(os.Args, "-test.fuzzworker") { // one of many, and no fuzz test runs a function
		os.Exit(m.Run())
	}
	dir, err := os.MkdirTemp("", "lambda-test-")
	if err != nil {
		panic(err)
	}
	for _, name := range []string{"library", "own", "raw"} {
		build := exec.Command("go", "build", "-ldflags=-s -w", "-o", filepath.Join(dir, name), "./testdata/"+name)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build testdata/%s: %v\n%s", name, err, out)
			os.Exit(1)
		}
		binary, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			panic(err)
		}
		binaries[name] = zipOf(file{"bootstrap", 0o755, string(binary)})
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

type file struct {
	name string
	mode os.FileMode
	text string
}

func zipOf(files ...file) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate}
		if f.text == "" {
			h.Method = zip.Store // a compressor for nothing costs a lot, a hundred thousand times and under the race detector
		}
		h.SetMode(f.mode)
		to, err := w.CreateHeader(h)
		if err != nil {
			panic(err)
		}
		io.WriteString(to, f.text)
	}
	w.Close()
	return b.Bytes()
}

// cloud is a Lambda service behind the smallest possible front door: one that verifies signatures.
type cloud struct {
	*Service
	iam    *iam.Service
	client *awslambda.Client
	roles  *awsiam.Client
	url    string
	logs   *recorder
}

// recorder keeps what functions log.
type recorder struct {
	mu      sync.Mutex
	events  map[string][]string // group → messages
	streams map[string]bool
	changed chan struct{}
}

func (r *recorder) Put(ctx context.Context, group, stream string, events []logs.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range events {
		r.events[group] = append(r.events[group], e.Message)
	}
	r.streams[stream] = true
	close(r.changed)
	r.changed = make(chan struct{})
	return nil
}

// wait returns the text of a group once it contains all of wanted.
func (r *recorder) wait(t testing.TB, group string, wanted ...string) string {
	t.Helper()
	for {
		r.mu.Lock()
		text, changed := strings.Join(r.events[group], ""), r.changed
		r.mu.Unlock()
		missing := ""
		for _, w := range wanted {
			if !strings.Contains(text, w) {
				missing = w
			}
		}
		if missing == "" {
			return text
		}
		select {
		case <-changed:
		case <-time.After(time.Minute):
			t.Fatalf("%s never contains %q:\n%s", group, missing, text)
		}
	}
}

// bucket is S3 with one object.
type bucket struct {
	code    []byte
	objects chan []byte // that were put
}

func (b bucket) Object(ctx context.Context, name, key, version string) (io.ReadCloser, int64, error) {
	if name != "code" {
		return nil, 0, protocol.Errorf(404, "NoSuchBucket", "The specified bucket does not exist")
	}
	if key != "watch.zip" {
		return nil, 0, protocol.Errorf(404, "NoSuchKey", "The specified key does not exist.")
	}
	return io.NopCloser(bytes.NewReader(b.code)), int64(len(b.code)), nil
}

func (b bucket) Put(ctx context.Context, name, key, contentType string, body []byte) error {
	if b.objects != nil {
		b.objects <- body
	}
	return nil
}

// network is EC2 with one VPC.
type network struct{}

func (network) Placement(ctx context.Context, subnets, groups []string) (string, bool, error) {
	for _, id := range subnets {
		if id != "subnet-1" {
			return "", false, protocol.Errorf(400, "InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist", id)
		}
	}
	for _, id := range groups {
		if id != "sg-1" {
			return "", false, protocol.Errorf(400, "InvalidGroup.NotFound", "The security group '%s' does not exist", id)
		}
	}
	return "vpc-1", true, nil
}

func (network) Internet(context.Context, []string, []string, bool, netip.AddrPort) string {
	return "there is no way"
}

func start(t testing.TB, edit ...func(*Config)) *cloud {
	t.Helper()
	return startIn(t, t.TempDir(), edit...)
}

func startIn(t testing.TB, dir string, edit ...func(*Config)) *cloud {
	t.Helper()
	log := slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	store, err := state.Open(t.Context(), filepath.Join(dir, "state"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	access, err := iam.New(t.Context(), iam.Config{
		State: store, Account: account, Region: region, Log: slog.New(slog.DiscardHandler),
		Root: func() iam.Credentials { return iam.Credentials{AccessKeyID: "test", SecretAccessKey: "test"} },
	})
	if err != nil {
		t.Fatal(err)
	}
	c := &cloud{iam: access, logs: &recorder{events: map[string][]string{}, streams: map[string]bool{}, changed: make(chan struct{})}}
	config := Config{
		State: store, IAM: access, Code: bucket{code: binaries["library"]}, Network: network{}, Logs: c.logs,
		Account: account, Region: region, Log: log, Dir: filepath.Join(dir, "lambda"), Endpoint: "http://127.0.0.1:1",
		CA: "/ca.pem", Bundle: "/bundle.pem", Unconfined: raceEnabled,
	}
	for _, e := range edit {
		e(&config)
	}
	if c.Service, err = New(context.Background(), config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	server := httptest.NewServer(http.HandlerFunc(c.serve))
	t.Cleanup(server.Close)
	c.url = server.URL
	c.roles = awsiam.New(awsiam.Options{Region: region, BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	c.client = c.as(credentials.NewStaticCredentialsProvider("test", "test", ""))
	return c
}

// testWriter logs to the test as long as it runs.
type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	if w.t.Context().Err() == nil {
		w.t.Log(string(p))
	}
	return len(p), nil
}

// as is a client that signs with other credentials and does not retry.
func (c *cloud) as(provider aws.CredentialsProvider) *awslambda.Client {
	return awslambda.New(awslambda.Options{Region: region, BaseEndpoint: &c.url, Credentials: provider, RetryMaxAttempts: 1})
}

func (c *cloud) serve(w http.ResponseWriter, r *http.Request) {
	if id, path, ok := c.ResolveURL(r); ok && (!c.SignedURL(id) || r.Header.Get("Authorization") == "") {
		c.ServeURL(w, r, id, path)
		return
	}
	body, _ := io.ReadAll(r.Body)
	p, handler := protocol.RESTJSON, http.Handler(c.Service)
	if r.URL.Path == "/" {
		p, handler = protocol.Query, c.iam
	}
	who, err := c.iam.Verify(r, body, p)
	if err != nil {
		protocol.WriteError(w, p, err)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	r = r.WithContext(iam.WithPrincipal(r.Context(), who))
	if id, path, ok := c.ResolveURL(r); ok {
		c.ServeURL(w, r, id, path)
		return
	}
	handler.ServeHTTP(w, r)
}

const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

// role makes a role for functions with one policy.
func (c *cloud) role(t testing.TB, name, policy string) string {
	t.Helper()
	if _, err := c.roles.CreateRole(t.Context(), &awsiam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(trust)}); err != nil {
		t.Fatal(err)
	}
	if policy != "" {
		if _, err := c.roles.PutRolePolicy(t.Context(), &awsiam.PutRolePolicyInput{RoleName: &name, PolicyName: aws.String("p"), PolicyDocument: &policy}); err != nil {
			t.Fatal(err)
		}
	}
	return "arn:aws:iam::" + account + ":role/" + name
}

const mayLog = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"],"Resource":"*"}]}`

// function makes a function of one of testdata's binaries and waits until it is active.
func (c *cloud) function(t testing.TB, binary string, edit ...func(*awslambda.CreateFunctionInput)) string {
	t.Helper()
	in := &awslambda.CreateFunctionInput{
		FunctionName: aws.String("watch"), Runtime: types.RuntimeProvidedal2023, Handler: aws.String("bootstrap"), Role: aws.String(roleARN),
		Code: &types.FunctionCode{ZipFile: binaries[binary]}, Timeout: aws.Int32(10),
	}
	for _, e := range edit {
		e(in)
	}
	if *in.Role == roleARN {
		if c.iam.CheckAssumable(t.Context(), roleARN, servicePrincipal) != nil {
			c.role(t, "watch-role", mayLog)
		}
	}
	if _, err := c.client.CreateFunction(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	c.active(t, *in.FunctionName)
	return *in.FunctionName
}

func (c *cloud) active(t testing.TB, name string) {
	t.Helper()
	quick := func(o *awslambda.FunctionUpdatedV2WaiterOptions) { o.MinDelay = time.Millisecond }
	if err := awslambda.NewFunctionUpdatedV2Waiter(c.client).Wait(t.Context(), &awslambda.GetFunctionInput{FunctionName: &name}, 10*time.Second, quick); err != nil {
		t.Fatal(err)
	}
}

func env(pairs ...string) func(*awslambda.CreateFunctionInput) {
	return func(in *awslambda.CreateFunctionInput) {
		in.Environment = &types.Environment{Variables: map[string]string{}}
		for i := 0; i < len(pairs); i += 2 {
			in.Environment.Variables[pairs[i]] = pairs[i+1]
		}
	}
}

func timeout(seconds int32) func(*awslambda.CreateFunctionInput) {
	return func(in *awslambda.CreateFunctionInput) { in.Timeout = &seconds }
}

// invoke calls a function and returns its answer and whether it is an error.
func (c *cloud) invoke(t testing.TB, function, payload string) (string, bool) {
	t.Helper()
	out, err := c.client.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: &function, Payload: []byte(payload)})
	if err != nil {
		t.Fatal(err)
	}
	return string(out.Payload), out.FunctionError != nil
}

// info is what testdata/library says about itself.
type info struct {
	Pid, Calls              int    // Pid as this machine numbers the process
	Stream                  string // of its log
	ARN, Version, RequestID string
	Dir, Build, Client      string
}

func (c *cloud) info(t testing.TB, function string) (i info) {
	t.Helper()
	text, failed := c.invoke(t, function, `{}`)
	if failed {
		t.Fatalf("%s failed: %s", function, text)
	}
	if err := json.Unmarshal([]byte(text), &i); err != nil {
		t.Fatal(err)
	}
	i.Pid = hostPid(t, i.Pid, i.Stream)
	return i
}

// wantError checks the code and a part of the text of an answer.
func wantError(t testing.TB, err error, code, text string) {
	t.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) {
		t.Errorf("got %v, want a %s", err, code)
		return
	}
	if e.ErrorCode() != code || !strings.Contains(e.ErrorMessage(), text) {
		t.Errorf("got %s: %s\nwant %s: …%s…", e.ErrorCode(), e.ErrorMessage(), code, text)
	}
}
