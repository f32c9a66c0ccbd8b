package iam

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"quotewire/cloud/protocol"
	"quotewire/cloud/state"
)

const (
	testAccount = "111122223333"
	trustLambda = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}`
	trustUs     = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":["sts:AssumeRole","sts:TagSession"]}}`
)

// harness is a service behind a server that does what the cloud's front door does.
type harness struct {
	*Service
	url   string
	log   *safeBuffer
	close func() // the store; to be opened again
}

// protocols by the service in a request's credential scope.
var protocolOf = map[string]protocol.Protocol{
	"s3": protocol.RESTXML, "dynamodb": protocol.JSON10, "logs": protocol.JSON11, "ec2": protocol.EC2Query, "iam": protocol.Query,
	"sts": protocol.Query, "lambda": protocol.RESTJSON, "execute-api": protocol.RESTJSON, "apigateway": protocol.RESTJSON,
}

func start(t testing.TB, dir string) *harness {
	t.Helper()
	store, err := state.Open(t.Context(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	h := &harness{log: new(safeBuffer), close: sync.OnceFunc(func() { store.Close() })}
	t.Cleanup(h.close)
	h.Service, err = New(t.Context(), Config{State: store, Account: testAccount, Region: "us-east-1", Root: func() Credentials { return root }, Log: slog.New(slog.NewTextHandler(h.log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(h.frontDoor))
	t.Cleanup(server.Close)
	h.url = server.URL
	return h
}

func (h *harness) frontDoor(w http.ResponseWriter, r *http.Request) {
	_, service, _ := Scope(r)
	p := protocolOf[service]
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	who, err := h.Verify(r, body, p)
	if err != nil {
		protocol.WriteError(w, p, err)
		return
	}
	if service != "iam" && service != "sts" {
		w.Header().Set("X-Caller", who.ARN)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	h.ServeHTTP(w, r.WithContext(WithPrincipal(r.Context(), who)))
}

func static(c Credentials) aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken)
}

var root = Credentials{AccessKeyID: "test", SecretAccessKey: "test"}

func (h *harness) iamAs(c Credentials) *iam.Client {
	return iam.New(iam.Options{Region: "us-east-1", BaseEndpoint: &h.url, Credentials: static(c), RetryMaxAttempts: 1})
}

func (h *harness) stsAs(c Credentials) *sts.Client {
	return sts.New(sts.Options{Region: "us-east-1", BaseEndpoint: &h.url, Credentials: static(c), RetryMaxAttempts: 1})
}

// role creates a role with one inline policy, or none if it is "".
func (h *harness) role(t testing.TB, name, trust, policy string) string {
	t.Helper()
	c := h.iamAs(root)
	out, err := c.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust})
	if err != nil {
		t.Fatal(err)
	}
	if policy != "" {
		if _, err := c.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: &name, PolicyName: aws.String("p"), PolicyDocument: &policy}); err != nil {
			t.Fatal(err)
		}
	}
	return *out.Role.Arn
}

// user creates a user with a key and one inline policy, or none if it is "".
func (h *harness) user(t testing.TB, name, policy string) Credentials {
	t.Helper()
	c := h.iamAs(root)
	if _, err := c.CreateUser(t.Context(), &iam.CreateUserInput{UserName: &name}); err != nil {
		t.Fatal(err)
	}
	key, err := c.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: &name})
	if err != nil {
		t.Fatal(err)
	}
	if policy != "" {
		if _, err := c.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: &name, PolicyName: aws.String("p"), PolicyDocument: &policy}); err != nil {
			t.Fatal(err)
		}
	}
	return Credentials{AccessKeyID: *key.AccessKey.AccessKeyId, SecretAccessKey: *key.AccessKey.SecretAccessKey}
}

// lambdaSession returns the context of a call that a function's environment signed.
func (h *harness) lambdaSession(t testing.TB, roleARN string) (context.Context, Credentials) {
	t.Helper()
	c, err := h.ServiceSession(t.Context(), roleARN, "lambda.amazonaws.com", "watch")
	if err != nil {
		t.Fatal(err)
	}
	who, ok := h.credential(c.AccessKeyID)
	if !ok {
		t.Fatal("the session's key is not known")
	}
	return WithPrincipal(t.Context(), who.Who), c
}

// wantError checks the code of an SDK's error and a part of its text.
func wantError(t *testing.T, err error, code, text string) {
	t.Helper()
	var api smithy.APIError
	switch {
	case !errors.As(err, &api):
		t.Errorf("got %v, want %s", err, code)
	case api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), text):
		t.Errorf("got %s %q, want %s %q", api.ErrorCode(), api.ErrorMessage(), code, text)
	}
}

type safeBuffer struct {
	mu sync.Mutex // protects b
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func allow(action, resource string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"` + action + `","Resource":"` + resource + `"}]}`
}

func at(t time.Time) func() time.Time { return func() time.Time { return t } }
