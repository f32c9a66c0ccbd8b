package lambda

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"quotewire/cloud/protocol"
)

// Invocation is a request to run a function.
type Invocation struct {
	Function string // a name or an ARN, with or without a qualifier
	Payload  []byte // JSON

	// Service is the service principal that invokes, such as "apigateway.amazonaws.com", and SourceARN what it does so
	// for. The resource policy of exactly the named qualifier must allow it. Without a Service the invocation is one
	// that somebody has authorized already.
	Service, SourceARN string
}

// Result is what a function answered.
type Result struct {
	Payload       []byte
	FunctionError string // "Unhandled" if the function failed; then Payload says how
	Version       string // the version that ran
	RequestID     string

	contentType string // that the function gave its answer
}

// Invoke runs a function and returns its answer. An error is a *[protocol.Error], such as a
// TooManyRequestsException, or that of ctx. A ctx that ends does not end the function.
func (s *Service) Invoke(ctx context.Context, in Invocation) (Result, error) {
	t, err := s.parse(in.Function, "")
	if err != nil {
		return Result{}, err
	}
	f := s.catalog.get(t.name)
	if f == nil {
		return Result{}, errNoFunction(s.arn(t))
	}
	if in.Service != "" && !s.allows(f, t, in.Service, in.SourceARN) {
		return Result{}, failure(http.StatusForbidden, "AccessDeniedException",
			"User: %s is not authorized to perform: lambda:InvokeFunction on resource: %s because no resource-based policy allows the lambda:InvokeFunction action",
			in.Service, s.arn(t))
	}
	if len(in.Payload) > maxPayload {
		return Result{}, errPayloadTooLarge(len(in.Payload), maxPayload, "")
	}
	result, err := s.execute(ctx, f, t, newExecution(in.Payload))
	result.Payload = buffered(result)
	return result, err
}

// execution is one run of a function, from its acceptance to its answer.
type execution struct {
	id            string
	payload       []byte
	arn           string // as invoked, with the qualifier
	version       string
	clientContext string // JSON
	trace         string
	reserved      bool    // counts against the reserved concurrency of its function
	tail          *tail   // collects the log for the caller, if the caller asked for it
	stream        *stream // takes the answer of a function that streams it, if the caller can read one
	submitted     time.Time
	deadline      time.Time
	spent         time.Duration // of the invocation's time, on the start of a process
	memory        int64         // bytes that a process which is gone had used

	produced atomic.Int64 // bytes of the answer
	replied  atomic.Bool
	held     chan outcome // takes the answer until the tail is complete
	outcome  chan outcome // takes the answer; neither ever blocks
}

type outcome struct {
	Result
	err error
}

func newExecution(payload []byte) *execution {
	if len(bytes.TrimSpace(payload)) == 0 {
		payload = []byte("{}")
	}
	return &execution{id: protocol.RequestID(), payload: payload, held: make(chan outcome, 1), outcome: make(chan outcome, 1)}
}

// result is the outcome of x with what the function, or the platform in its place, has to say.
func (x *execution) result(payload []byte, failed bool) outcome {
	r := Result{Payload: payload, Version: x.version, RequestID: x.id}
	if failed {
		r.FunctionError = "Unhandled"
	}
	return outcome{Result: r}
}

func (x *execution) fail(err error) { x.finish(outcome{err: err}) }

func (x *execution) finish(o outcome) {
	select {
	case x.outcome <- o:
	default:
	}
}

// execute runs x on the version that t names and waits for its answer.
func (s *Service) execute(ctx context.Context, f *function, t target, x *execution) (Result, error) {
	if err := s.begin(f, t, x); err != nil {
		return Result{}, err
	}
	return x.last(ctx)
}

// begin gives x to an environment of the version that t names.
func (s *Service) begin(f *function, t target, x *execution) error {
	r := f.version(t.qualifier)
	if r == nil {
		return errNoFunction(s.arn(t))
	}
	if err := r.Config.ready(false); err != nil {
		return err
	}
	x.version, x.arn = r.Config.Version, s.arn(t)
	x.trace = newTrace(r.Config.TracingConfig.Mode == "Active")
	return s.pool.submit(f, r, x)
}

// newTrace makes an X-Ray trace header.
func newTrace(sampled bool) string {
	random := hex.EncodeToString(randomBytes(20))
	flag := 0
	if sampled {
		flag = 1
	}
	return fmt.Sprintf("Root=1-%08x-%s;Parent=%s;Sampled=%d", time.Now().Unix(), random[:24], random[24:], flag)
}

// invocation reads a request to run t: who may do so, and with what.
func (c *call) invocation(t target, limit int) (*function, *execution, error) {
	f := c.catalog.get(t.name)
	if err := c.authorize("InvokeFunction", c.arn(t)); err != nil {
		return nil, nil, err
	}
	if f == nil || f.version(t.qualifier) == nil {
		return nil, nil, errNoFunction(c.arn(t))
	}
	payload, err := protocol.ReadBody(c.r, int64(limit))
	if err != nil {
		discard(c.r.Body, maxRequest)
		return nil, nil, errPayloadTooLarge(int(max(c.r.ContentLength, int64(limit)+1)), limit, c.r.Header.Get("X-Amz-Invocation-Type"))
	}
	if err := checkJSON(payload); err != nil {
		return nil, nil, err
	}
	x := newExecution(payload)
	if x.clientContext, err = decodeClientContext(c.r.Header.Get("X-Amz-Client-Context")); err != nil {
		return nil, nil, err
	}
	switch kind := c.r.Header.Get("X-Amz-Log-Type"); kind {
	case "", "None":
	case "Tail":
		x.tail = &tail{}
	default:
		return nil, nil, errConstraint(kind, "logType", "Member must satisfy enum value set: [None, Tail]")
	}
	for _, header := range []string{"X-Amz-Tenant-Id", "X-Amz-Durable-Execution-Name"} {
		if c.r.Header.Get(header) != "" {
			return nil, nil, errMissing(c.operation, header)
		}
	}
	return f, x, nil
}

// invoke is the Invoke operation.
func (c *call) invoke(t target) (any, error) {
	kind := c.r.Header.Get("X-Amz-Invocation-Type")
	limit := maxPayload
	if kind == "Event" {
		limit = maxEventPayload
	}
	f, x, err := c.invocation(t, limit)
	if err != nil {
		return nil, err
	}
	switch kind {
	case "", "RequestResponse":
	case "DryRun":
		return nil, c.respond(http.StatusNoContent, x, nil)
	case "Event":
		x.tail = nil
		if err := c.events.add(c.ctx, t, x); err != nil {
			return nil, err
		}
		return nil, c.respond(http.StatusAccepted, x, nil)
	default:
		return nil, errConstraint(kind, "invocationType", "Member must satisfy enum value set: [Event, RequestResponse, DryRun]")
	}
	result, err := c.execute(c.ctx, f, t, x)
	if err != nil {
		return nil, err
	}
	h := c.w.Header()
	h.Set("X-Amz-Executed-Version", result.Version)
	if result.FunctionError != "" {
		h.Set("X-Amz-Function-Error", result.FunctionError)
	}
	if x.tail != nil {
		h.Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString(x.tail.bytes()))
	}
	return nil, c.respond(http.StatusOK, x, result.Payload)
}

func (c *call) respond(status int, x *execution, payload []byte) error {
	h := c.w.Header()
	h.Set("x-amzn-RequestId", x.id)
	if status != http.StatusNoContent {
		h.Set("Content-Type", "application/json")
	}
	c.w.WriteHeader(status)
	c.w.Write(payload)
	return nil
}

func checkJSON(payload []byte) error {
	if len(bytes.TrimSpace(payload)) == 0 || json.Valid(payload) {
		return nil
	}
	var v any
	err := json.Unmarshal(payload, &v)
	return errContent("Could not parse request body into json: Could not parse payload into json: %v", err)
}

func decodeClientContext(header string) (string, error) {
	if header == "" {
		return "", nil
	}
	text, err := base64.StdEncoding.DecodeString(header)
	if err != nil || !json.Valid(text) || len(text) > maxClientContext {
		return "", errContent("Client context must be a valid Base64-encoded JSON object of at most %d bytes.", maxClientContext)
	}
	return string(text), nil
}
