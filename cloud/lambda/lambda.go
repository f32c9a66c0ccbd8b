// Package lambda is AWS Lambda: its API, and the execution environments in which functions run.
//
// The control plane ([Service.ServeHTTP]) keeps functions, versions, aliases and resource policies in package state.
// An invocation ([Service.Invoke], or the Invoke API) is given to an idle execution environment, or to a new one. An
// environment is a real process of the function's bootstrap, with the variables, the credentials, the folder and the
// Runtime API that AWS gives it, so that binaries built for the runtimes provided.al2023 and provided.al2 run
// unchanged. What a process prints goes to CloudWatch Logs.
//
// The package knows neither API Gateway nor the network: who may reach what from inside a VPC is judged by those who
// are called, with the help of [Service.Caller]. Where the machine can confine processes (package sandbox), an
// environment has the file system, the limit on memory and, in a VPC without a way out, the network that it has on AWS.
// It is not frozen between invocations, and the size of its /tmp is not bounded.
package lambda

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"sync"

	"quotewire/cloud/iam"
	"quotewire/cloud/limits"
	"quotewire/cloud/logs"
	"quotewire/cloud/protocol"
	"quotewire/cloud/state"
)

// servicePrincipal is how Lambda is named in the trust policies of the roles that it assumes.
const servicePrincipal = "lambda.amazonaws.com"

// IAM is what this package asks of IAM; *[iam.Service] is one.
type IAM interface {
	iam.ResourceAuthorizer
	// CheckAssumable tells whether the trust policy of a role lets a service assume it.
	CheckAssumable(ctx context.Context, roleARN, servicePrincipal string) error
	// ServiceSession returns credentials of a role session that are valid until Revoke.
	ServiceSession(ctx context.Context, roleARN, servicePrincipal, sessionName string) (iam.Credentials, error)
	Revoke(accessKeyID string)
	// Session tells whom the credentials of a session stand for.
	Session(accessKeyID string) (iam.Principal, bool)
}

// Code is where the code of functions is fetched from, and records of failed invocations go to: S3.
type Code interface {
	Object(ctx context.Context, bucket, key, version string) (io.ReadCloser, int64, error)
	Put(ctx context.Context, bucket, key, contentType string, body []byte) error
}

// Network knows VPCs: EC2.
type Network interface {
	// Internet says which hop a function in these subnets lacks on its way to an address outside of AWS, or to all of them
	// if to is zero; "" if none.
	Internet(ctx context.Context, subnetIDs, groupIDs []string, ipv6 bool, to netip.AddrPort) (missing string)
	Placement(ctx context.Context, subnetIDs, groupIDs []string) (vpcID string, dualStack bool, err error)
}

// Logs is where the output of functions goes: CloudWatch Logs.
type Logs interface {
	Put(ctx context.Context, group, stream string, events []logs.Event) error
}

// Config is what a [Service] is made of. Everything up to Dir is needed.
type Config struct {
	State           *state.Store
	IAM             IAM
	Code            Code
	Network         Network
	Logs            Logs
	Account, Region string
	Log             *slog.Logger
	Dir             string // unpacked code and the folders of environments; it may be emptied while nothing runs

	Endpoint string // what functions get as AWS_ENDPOINT_URL
	CA       string // path of a PEM with the cloud's authority
	Bundle   string // path of a PEM with the system's roots and the cloud's authority

	// Serve, if not nil, serves the cloud on a listener that only one function in a VPC reaches, until it is closed.
	Serve func(l net.Listener, from Caller)
	// StandsFor, if not nil, reports whether the cloud is what a host name leads to.
	StandsFor func(name string) bool

	Unconfined bool // functions run as on a machine that confines nothing
	Limits
}

// Service is Lambda in one account and one region. It is safe for concurrent use.
type Service struct {
	Config
	catalog     *catalog
	layers      *layers
	codeKey     []byte // signs the addresses of code
	code        *codeStore
	pool        *pool
	load        load
	events      *eventQueue
	spawner     *spawner // of processes that are not confined
	confinement confinement
	callers     sync.Map // access key id → Caller

	ctx     context.Context // ends with Close
	cancel  context.CancelFunc
	running sync.WaitGroup // environments, queued events, functions that become active
}

// New opens Lambda on what c.State remembers of it. Folders in c.Dir that the environments of an earlier process left
// behind are removed. The service runs until ctx ends or [Service.Close].
func New(ctx context.Context, c Config) (*Service, error) {
	limits.Fill(&c.Limits, AWSLimits)
	dir, err := filepath.Abs(c.Dir) // functions run in folders of their own: a relative path would mean another place
	if err != nil {
		return nil, fmt.Errorf("lambda: %w", err)
	}
	c.Dir = dir
	s := &Service{Config: c, codeKey: randomBytes(32)}
	if err := os.RemoveAll(s.environmentsDir()); err != nil {
		return nil, fmt.Errorf("lambda: folders of earlier environments: %w", err)
	}
	if err := os.MkdirAll(s.environmentsDir(), 0o700); err != nil {
		return nil, fmt.Errorf("lambda: %w", err)
	}
	if s.catalog, err = openCatalog(ctx, c.State); err != nil {
		return nil, fmt.Errorf("lambda: %w", err)
	}
	if s.layers, err = openLayers(ctx, c.State); err != nil {
		return nil, fmt.Errorf("lambda: %w", err)
	}
	used := s.catalog.codeInUse()
	s.layers.addCodeInUse(used)
	if s.code, err = openCodeStore(ctx, c.State, filepath.Join(dir, "code"), used); err != nil {
		return nil, fmt.Errorf("lambda: code: %w", err)
	}
	s.ctx, s.cancel = context.WithCancel(ctx)
	s.pool = newPool(s)
	s.spawner = startSpawner()
	s.confine()
	for _, f := range s.catalog.all() {
		s.settle(f)
	}
	if s.events, err = openEventQueue(ctx, s); err != nil {
		s.Close()
		return nil, fmt.Errorf("lambda: %w", err)
	}
	context.AfterFunc(s.ctx, s.pool.close)
	return s, nil
}

// Close ends all environments and returns when their processes are gone and their folders removed. Invocations that
// run are answered with a ServiceException. Close may be called more than once.
func (s *Service) Close() error {
	s.cancel()
	s.pool.close()
	s.running.Wait()
	s.spawner.stop()
	if box := s.box(); box != nil {
		box.Close()
	}
	return nil
}

func (s *Service) environmentsDir() string { return filepath.Join(s.Dir, "environments") }

// ServeHTTP answers the Lambda API. The request's context carries who signed it.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	op, labels := route(r.Method, r.URL.EscapedPath())
	if op == nil {
		protocol.WriteError(w, protocol.RESTJSON, errAbsent(r.Method, r.URL.EscapedPath()))
		return
	}
	c := &call{Service: s, ctx: r.Context(), w: w, r: r, query: r.URL.Query(), operation: op.name}
	answer, err := c.do(op, labels)
	if err != nil {
		e, ok := err.(*protocol.Error)
		if !ok {
			if c.ctx.Err() == nil {
				s.Log.Error("lambda: "+op.name+" failed", "error", err)
			}
			e = errService()
		}
		if e.Status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "1")
		}
		protocol.WriteError(w, protocol.RESTJSON, e)
		return
	}
	c.write(op.status, answer)
}
