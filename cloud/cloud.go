// Package cloud assembles the embedded cloud: it opens the state folder, starts the services, and answers for all of
// them on one port, in plain text and over TLS.
//
// It is the front door and no more. It finds out which service a request is for, who signed it, and whether the
// caller's network lets it through; what an operation means is the service's business. It is the only package that
// knows all services.
package cloud

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"sync"

	"quotewire/cloud/apigateway"
	"quotewire/cloud/dynamodb"
	"quotewire/cloud/ec2"
	"quotewire/cloud/front"
	"quotewire/cloud/iam"
	"quotewire/cloud/lambda"
	"quotewire/cloud/logs"
	"quotewire/cloud/s3"
	"quotewire/cloud/state"
)

// Account is the AWS account number that the embedded cloud says it is.
const Account = "111122223333"

// Config says where a cloud keeps its state and where it listens.
type Config struct {
	Dir    string            // the state folder
	Listen string            // HOST:PORT; port 0 picks a free one
	Region string            // such as "us-east-1"
	Root   iam.Credentials   // pins the root's credential; its zero value leaves it a secret of the state folder
	APIIDs map[string]string // API name → the id that an API of this name gets when it is created
	Limits Limits            // what is zero is as on AWS
	Log    *slog.Logger
}

// Cloud is a running embedded cloud.
type Cloud struct {
	config   Config
	address  string // HOST:PORT that clients on this machine reach
	state    *state.Store
	root     *rootFile
	iam      *iam.Service
	s3       *s3.Service
	ec2      *ec2.Service
	logs     *logs.Service
	dynamodb *dynamodb.Service
	lambda   *lambda.Service
	gateway  *apigateway.Service
	ca       *authority
	server   *front.Server
	page     *front.Server // see [Cloud.ServePage]; nil if there is none
	beyond   bool          // other machines can connect
	serving  sync.WaitGroup
	// Services outlive the context that started them: Close ends background, in order.
	background context.Context
	cancel     context.CancelFunc
	endpoints  endpoints
}

// Start opens the state folder, starts every service and serves until [Cloud.Close].
func Start(ctx context.Context, config Config) (_ *Cloud, err error) {
	dir, err := filepath.Abs(config.Dir)
	if err != nil {
		return nil, err
	}
	config.Dir = dir
	// The state comes first: a second cloud on the same folder is told so, whatever port it asks for.
	store, err := state.Open(ctx, dir, config.Log)
	if errors.Is(err, state.ErrInUse) {
		return nil, fmt.Errorf("the state folder %s is in use by another quotewire; stop that one, or give another folder with --state", dir)
	}
	if err != nil {
		return nil, err
	}
	c := &Cloud{config: config, state: store}
	defer func() {
		if err != nil {
			c.Close()
		}
	}()
	listener, err := net.Listen("tcp", config.Listen)
	if err != nil {
		return nil, ListenError("--listen", config.Listen, err)
	}
	c.address = reachable(listener.Addr())
	defer func() {
		if err != nil {
			listener.Close()
		}
	}()
	if c.beyond = c.isBeyond(listener); c.beyond && config.Root.SecretAccessKey != "" && len(config.Root.SecretAccessKey) < minSecret {
		return nil, fmt.Errorf("the secret of --root has fewer than %d characters, and other machines can reach %s: give a longer one, leave it out, or listen on the loopback", minSecret, config.Listen)
	}
	if c.ca, err = openAuthority(dir); err != nil {
		return nil, err
	}
	if c.root, err = openRoot(dir, config.Root, config.Log); err != nil {
		return nil, err
	}
	c.background, c.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if err := c.startServices(c.background); err != nil {
		return nil, err
	}
	c.server = c.newServer(front.Config{Handler: c, Direct: apigateway.IsPost, Waits: c.waits})
	c.serving.Go(func() { c.server.Serve(listener, c.tlsConfig()) })
	return c, nil
}

// tlsConfig offers HTTP/2 to clients that name an HTTP API, as AWS does. Everything else speaks HTTP/1.1: WebSockets are
// upgraded from it, and the names of headers keep their spelling in it.
func (c *Cloud) tlsConfig() *tls.Config {
	config := c.ca.config()
	both := config.Clone()
	both.NextProtos = []string{"h2", "http/1.1"}
	config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if c.gateway.IsHTTPAPI(hello.ServerName) {
			return both, nil
		}
		return nil, nil // what it is
	}
	return config
}

// insideKey is the key of the lambda.Caller in the context of requests that come from a function's own network.
type insideKey struct{}

// serveInside answers a function in a VPC on a listener in its network, until the listener is closed with it.
func (c *Cloud) serveInside(l net.Listener, from lambda.Caller) {
	server := c.newServer(front.Config{Handler: c}) // whatever comes this way may find that it has no way
	server.BaseContext = func(net.Listener) context.Context { return context.WithValue(c.background, insideKey{}, from) }
	server.Serve(l, c.ca.config())
	server.Close()
}

func (c *Cloud) startServices(ctx context.Context) (err error) {
	region, l := c.config.Region, c.config.Log
	if c.iam, err = iam.New(ctx, iam.Config{State: c.state, Account: Account, Region: region, Log: l, Root: c.root.credentials}); err != nil {
		return err
	}
	if c.s3, err = s3.New(ctx, s3.Config{State: c.state, IAM: c.iam, Account: Account, Region: region, Log: l}); err != nil {
		return err
	}
	if c.ec2, err = ec2.New(ctx, ec2.Config{State: c.state, IAM: c.iam, Account: Account, Region: region, Log: l, Attachments: c.attachments}); err != nil {
		return err
	}
	if c.logs, err = logs.New(ctx, logs.Config{State: c.state, IAM: c.iam, Account: Account, Region: region, Log: l}); err != nil {
		return err
	}
	if c.dynamodb, err = dynamodb.New(ctx, dynamodb.Config{State: c.state, IAM: c.iam, Account: Account, Region: region, Log: l}); err != nil {
		return err
	}
	if c.lambda, err = lambda.New(ctx, lambda.Config{
		State: c.state, IAM: c.iam, Code: c.s3, Network: c.ec2, Logs: c.logs,
		Account: Account, Region: region, Log: l,
		Dir:      filepath.Join(c.config.Dir, "lambda"),
		Endpoint: "http://" + c.address,
		CA:       filepath.Join(c.config.Dir, caFile),
		Bundle:   filepath.Join(c.config.Dir, bundleFile),
		Limits:   c.config.Limits.Lambda,
		Serve:    c.serveInside, StandsFor: standsFor,
	}); err != nil {
		return err
	}
	c.gateway, err = apigateway.New(ctx, apigateway.Config{
		State: c.state, IAM: c.iam, Functions: c.lambda, Logs: c.logs, Account: Account, Region: region, Log: l,
		Authority: c.address, IDs: c.config.APIIDs, Limits: c.config.Limits.APIGateway,
	})
	return err
}

// attachments are the places of functions in VPCs. There are none while the cloud starts.
func (c *Cloud) attachments() []ec2.Attachment {
	if c.lambda == nil {
		return nil
	}
	var list []ec2.Attachment
	for _, caller := range c.lambda.Placements() {
		list = append(list, ec2.Attachment{Function: caller.Function, SubnetIDs: caller.VPC.SubnetIDs, SecurityGroupIDs: caller.VPC.SecurityGroupIDs})
	}
	return list
}

// Close ends the cloud: sockets are closed, functions stopped and waited for, state flushed. It is safe to call once
// Start has failed half way.
func (c *Cloud) Close() error {
	for _, s := range []*front.Server{c.page, c.server} {
		if s != nil {
			s.Close()
		}
	}
	if c.gateway != nil {
		c.gateway.Close()
	}
	if c.cancel != nil {
		c.cancel() // ends calls that hang for want of a way out
	}
	if c.lambda != nil {
		c.lambda.Close()
	}
	if c.logs != nil {
		c.logs.Close()
	}
	c.serving.Wait()
	c.endpoints.remove()
	return c.state.Close()
}

// URL is the address of the cloud, such as http://127.0.0.1:4566: what AWS_ENDPOINT_URL takes.
func (c *Cloud) URL() string { return "http://" + c.address }

// CA is the path of the certificate that https:// and wss:// clients of this cloud have to trust.
func (c *Cloud) CA() string { return filepath.Join(c.config.Dir, caFile) }

// reachable is the address that a client on this machine uses for a listener: one that listens on all addresses is
// reached on the loopback.
func reachable(a net.Addr) string {
	tcp := a.(*net.TCPAddr)
	ip := tcp.IP
	if ip.IsUnspecified() {
		ip = net.IPv4(127, 0, 0, 1)
	}
	return net.JoinHostPort(ip.String(), fmt.Sprint(tcp.Port))
}

// ListenError says of a failed listen what to do about it. The flag is the one that gave the address.
func ListenError(flag, address string, err error) error {
	if isPortBusy(err) {
		return fmt.Errorf("the address %s is in use by another program; stop it, or give another with %s HOST:PORT (port 0 picks a free one)", address, flag)
	}
	return fmt.Errorf("cannot listen on %s (%s): %w", address, flag, err)
}

// debugWriter takes what net/http has to say of broken connections, which is of interest only when one looks for it.
type debugWriter struct{ log *slog.Logger }

func (w debugWriter) Write(p []byte) (int, error) {
	w.log.Debug("http: " + string(p))
	return len(p), nil
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // its types are the cloud's own
	}
	text = append(text, '\n')
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	w.Write(text)
}

// Region is the AWS region that the cloud says it is.
func (c *Cloud) Region() string { return c.config.Region }
