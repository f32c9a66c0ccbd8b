package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"quotewire/cloud/apigateway"
	"quotewire/cloud/iam"
	"quotewire/cloud/lambda"
	"quotewire/cloud/protocol"
	"quotewire/cloud/state"
)

const account = "111122223333"

// openGateway starts the gateway alone, for everybody.
func openGateway(ctx context.Context, dir string, connect bool) (a Address, closed func() error, err error) {
	store, err := state.Open(ctx, dir, warnings)
	if err != nil {
		return a, nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return a, nil, err
	}
	present := &present{}
	service, err := apigateway.New(ctx, apigateway.Config{
		State: store, IAM: everybody{}, Functions: present, Account: account, Region: region, Log: warnings,
		Authority: listener.Addr().String(), Limits: unlimited,
	})
	if err != nil {
		return a, nil, err
	}
	d := &door{gateway: service, present: present}
	server := &http.Server{Handler: d}
	go server.Serve(listener)
	closed = func() error {
		server.Close()
		service.Close()
		return store.Close()
	}
	url := "http://" + listener.Addr().String()
	config := aws.Config{Region: region, BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider("any", "any", "")}
	function := ""
	if connect {
		function = "arn:aws:lambda:" + region + ":" + account + ":function:connect"
	}
	if d.api, err = deploy(ctx, config, function); err != nil {
		return a, nil, err
	}
	a = address(url, d.api)
	a.Publish = url + "/publish"
	return a, closed, nil
}

// door hands requests to the gateway, all of them in the name of the root.
type door struct {
	gateway *apigateway.Service
	api     string
	present *present
}

var root = iam.Principal{
	Kind: iam.Root, Account: account, ARN: "arn:aws:iam::" + account + ":root", UserID: account, AccessKeyID: "any",
}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r = r.WithContext(iam.WithPrincipal(r.Context(), root))
	if r.URL.Path == "/publish" {
		d.publish(w, r)
		return
	}
	if apiID, path, ok := d.gateway.Resolve(r); ok {
		d.gateway.ServeAPI(w, r, apiID, path)
		return
	}
	d.gateway.ServeHTTP(w, r)
}

// publish posts a message to every connection, in this process.
func (d *door) publish(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	discard := discard{}
	for _, id := range d.present.all() {
		path := "/" + stage + "/@connections/" + id
		post := (&http.Request{
			Method: http.MethodPost, URL: &url.URL{Path: path}, Body: io.NopCloser(strings.NewReader(string(body))), ContentLength: int64(len(body)),
		}).WithContext(r.Context())
		d.gateway.ServeAPI(discard, post, d.api, path)
	}
}

// discard is an answer that nobody reads.
type discard http.Header

func (d discard) Header() http.Header       { return http.Header(d) }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

// present is the function of $connect, and knows who is there. It is called for $connect alone, and lets everybody in.
type present struct {
	mu  sync.Mutex // protects ids
	ids []string
}

func (p *present) Invoke(_ context.Context, in lambda.Invocation) (lambda.Result, error) {
	var event struct {
		RequestContext struct{ ConnectionID string }
	}
	if err := json.Unmarshal(in.Payload, &event); err != nil {
		return lambda.Result{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ids = append(p.ids, event.RequestContext.ConnectionID)
	return lambda.Result{Payload: []byte(`{"statusCode":200}`)}, nil
}

func (p *present) all() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ids
}

// everybody takes every signature for the root's, and allows everything.
type everybody struct{}

func (everybody) Authorize(context.Context, protocol.Protocol, string, string, map[string]string) error {
	return nil
}

func (everybody) Verify(*http.Request, []byte, protocol.Protocol) (iam.Principal, error) {
	return root, nil
}

func (everybody) CheckAssumable(context.Context, string, string) error { return nil }

func (everybody) ServiceSession(context.Context, string, string, string) (iam.Credentials, error) {
	return iam.Credentials{}, nil
}

func (everybody) Session(string) (iam.Principal, bool) { return root, true }
