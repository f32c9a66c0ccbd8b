package main

import (
	"context"
	"net"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"quotewire/cloud/apigateway"
	"quotewire/cloud/front"
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
	service, err := apigateway.New(ctx, apigateway.Config{
		State: store, IAM: everybody{}, Functions: welcome{}, Account: account, Region: region, Log: warnings,
		Authority: listener.Addr().String(), Limits: unlimited,
	})
	if err != nil {
		return a, nil, err
	}
	server := front.New(front.Config{Handler: door{service}, Direct: apigateway.IsPost}) // as in a cloud
	go server.Serve(listener, nil)
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
	id, err := deploy(ctx, config, function)
	return address(url, id), closed, err
}

// door hands requests to the gateway, all of them in the name of the root.
type door struct{ gateway *apigateway.Service }

var root = iam.Principal{
	Kind: iam.Root, Account: account, ARN: "arn:aws:iam::" + account + ":root", UserID: account, AccessKeyID: "any",
}

func (d door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if apiID, path, ok := d.gateway.Resolve(r); ok {
		d.gateway.ServeAPIAs(w, r, root, apiID, path)
		return
	}
	d.gateway.ServeHTTP(w, r.WithContext(iam.WithPrincipal(r.Context(), root)))
}

// welcome is the function of $connect, and lets everybody in.
type welcome struct{}

func (welcome) Invoke(context.Context, lambda.Invocation) (lambda.Result, error) {
	return lambda.Result{Payload: []byte(`{"statusCode":200}`)}, nil
}

// everybody takes every signature for the root's, and allows everything.
type everybody struct{}

func (everybody) Authorize(context.Context, protocol.Protocol, string, string, map[string]string) error {
	return nil
}

func (everybody) AuthorizeAs(context.Context, iam.Principal, protocol.Protocol, string, string, map[string]string) error {
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
