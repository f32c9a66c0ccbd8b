// Package apigateway is Amazon API Gateway v2: the control plane, WebSocket APIs with their @connections API, and HTTP
// APIs.
//
// A [Service] answers the control plane with [Service.ServeHTTP]. Requests for a deployed API are told apart by
// [Service.Resolve] and answered by [Service.ServeAPI]. The WebSocket protocol (RFC 6455) is package socket.
//
// The way of a message: package socket reads it and gives it to its connection (conn.go), its route is selected
// (selection.go), and its integration invoked with an event (message.go, event.go, integration.go). The way back is
// shorter: a post to @connections (post.go) finds the connection in the hub (hub.go) and sends it a finished frame.
//
// What stands before a backend that is no Lambda proxy is in template.go and parameter.go, the backends themselves in
// backend.go; the language of the templates is the package vtl.
//
// Connections live in this process only. A process that ends takes its connections with it without running $disconnect,
// as a host that fails does; posts to them answer 410 afterwards.
package apigateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"

	"quotewire/cloud/apigateway/socket"
	"quotewire/cloud/gc"
	"quotewire/cloud/iam"
	"quotewire/cloud/lambda"
	"quotewire/cloud/limits"
	"quotewire/cloud/protocol"
	"quotewire/cloud/state"
)

// Functions is who runs Lambda functions. A context that ends stops the wait, not the function.
type Functions interface {
	Invoke(context.Context, lambda.Invocation) (lambda.Result, error)
}

// Identities is who knows callers: whose signature a request bears, and what its signer may do.
type Identities interface {
	iam.Authorizer
	// AuthorizeAs is Authorize for a principal that is not in the context.
	AuthorizeAs(ctx context.Context, who iam.Principal, p protocol.Protocol, action, resource string, keys map[string]string) error
	// Verify checks the signature of a request whose body has been read; see [iam.Service.Verify].
	Verify(r *http.Request, body []byte, p protocol.Protocol) (iam.Principal, error)
	// CheckAssumable says why a service cannot assume a role; nil if it can.
	CheckAssumable(ctx context.Context, roleARN, servicePrincipal string) error
	// ServiceSession assumes a role for a service; see [iam.Service.ServiceSession].
	ServiceSession(ctx context.Context, roleARN, servicePrincipal, sessionName string) (iam.Credentials, error)
	// Session returns whom the credentials of a session stand for; false if the session or its role is gone.
	Session(accessKeyID string) (iam.Principal, bool)
}

// Config says what a [Service] works with.
type Config struct {
	State     *state.Store
	IAM       Identities
	Functions Functions
	Logs      LogGroups // of access logs; nil for none
	Account   string
	Region    string
	Log       *slog.Logger
	Authority string            // HOST:PORT that clients and functions reach; events name it as their domain
	IDs       map[string]string // API name → the id that an API of this name gets when it is created

	Limits
}

// Service is API Gateway of one account and region. It is safe for concurrent use.
type Service struct {
	Config
	catalog     *catalog
	domains     *domains
	hub         hub
	boards      boards
	sockets     *socket.Server
	churn       gc.Burst // connections that have come or gone
	throttles   throttles
	answers     lastAnswer
	lastManaged atomic.Pointer[managed] // of the last call of @connections: the next one is mostly about the same
	client      *http.Client            // for HTTP integrations, and for issuers of tokens
	sessions    sync.Map                // role ARN → iam.Credentials of the gateway's session in it

	authorizations authorizations // what Lambda authorizers of HTTP APIs answered
	issuers        issuers        // whose tokens JWT authorizers take

	ctx     context.Context // ends with Close; what the data planes wait for ends with it
	cancel  context.CancelFunc
	running running // everything that outlives the request that began it
}

// New opens the APIs that the state remembers. The service runs until [Service.Close]; ctx only bounds the opening.
func New(ctx context.Context, c Config) (*Service, error) {
	limits.Fill(&c.Limits, AWSLimits)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	catalog, err := openCatalog(ctx, c.State)
	if err != nil {
		return nil, fmt.Errorf("apigateway: %w", err)
	}
	domains, err := openDomains(ctx, c.State)
	if err != nil {
		return nil, fmt.Errorf("apigateway: %w", err)
	}
	s := &Service{Config: c, catalog: catalog, domains: domains, client: newClient()}
	s.sockets = socket.NewServer(socket.Config{
		MaxFrame: c.MaxFrame, MaxMessage: c.MaxMessage, IdleTimeout: c.IdleTimeout, Lifetime: c.Lifetime, Concurrency: c.Concurrency,
		MaxQueue: c.maxQueued(), MaxBlocked: maxBlocked, Log: c.Log,
	})
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return s, nil
}

// Close ends every connection with 1001 and returns when nothing of the service runs any more. Integrations that have
// not answered are no longer waited for, and $disconnect does not run.
func (s *Service) Close() error {
	s.running.stop()
	s.cancel()
	s.hub.each(func(c *conn) { c.Shut(socket.GoingAway, goingAway) })
	s.running.wait()
	s.sockets.Close()
	s.client.CloseIdleConnections()
	return nil
}

// Connections returns how many WebSocket connections there are.
func (s *Service) Connections() int { return s.hub.size() }

// DualStack reports whether the API has an address in IPv6 as well.
func (s *Service) DualStack(apiID string) bool {
	a := s.catalog.get(apiID)
	return a != nil && a.Properties.IPAddressType == "dualstack"
}

// errorMessage is the text for people of an error that may be one of AWS's.
func errorMessage(err error) string {
	var e *protocol.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return err.Error()
}

// encode encodes JSON without the escapes for HTML that AWS does not make either.
func encode(v any) []byte {
	var b buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("apigateway: a value that cannot be encoded: %v", err))
	}
	return b[:len(b)-1] // the encoder ends with a newline
}

type buffer []byte

func (b *buffer) Write(p []byte) (int, error) {
	*b = append(*b, p...)
	return len(p), nil
}

// running counts goroutines that Close must wait for. Unlike a bare WaitGroup it can refuse new ones.
type running struct {
	mu      sync.Mutex // guards the following, and that no Add follows stopped
	stopped bool
	idle    []chan func() // of goroutines that wait for something to run; the last one first
	group   sync.WaitGroup
}

// maxIdle bounds the goroutines that wait for something to run. Their stacks have grown already: to grow that of a new one
// is a good part of what a message costs.
const maxIdle = 64

// start runs f in a goroutine, or reports that the service is closing.
func (r *running) start(f func()) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return false
	}
	r.group.Add(1)
	if last := len(r.idle) - 1; last >= 0 {
		r.idle[last] <- f
		r.idle = r.idle[:last]
	} else {
		go r.work(f)
	}
	return true
}

// work runs f, and then what else it is given.
func (r *running) work(f func()) {
	more := make(chan func(), 1)
	for f != nil {
		f()
		r.group.Done()
		r.mu.Lock()
		if r.stopped || len(r.idle) >= maxIdle {
			r.mu.Unlock()
			return
		}
		r.idle = append(r.idle, more)
		r.mu.Unlock()
		f = <-more
	}
}

// enter counts the calling goroutine until it calls leave, or reports that the service is closing.
func (r *running) enter() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return false
	}
	r.group.Add(1)
	return true
}

func (r *running) leave() { r.group.Done() }

func (r *running) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped = true
	for _, more := range r.idle {
		close(more)
	}
	r.idle = nil
}

func (r *running) wait() { r.group.Wait() }
