package lambda

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// runtimeAPI is the Runtime API as one process of a function sees it, on a listener of its own: nothing that an
// earlier process of the environment has left in a socket can reach it.
//
// The process drives it: next, response or error, next, and so on. The environment follows it by looking at it
// whenever changed says that there is something to see.
type runtimeAPI struct {
	environment *environment
	server      *http.Server
	changed     chan struct{} // holds a token after a change; one token may stand for several changes
	closed      chan struct{}

	mu             sync.Mutex // protects following
	state          runtimeState
	before         runtimeState // Ready
	waiting        taker        // the call of next that waits for work
	execution      *execution   // that runs, or ran last
	initError      *fault       // what the process said about its failed start
	extensions     []*extension
	extensionError *fault            // what an extension said about its end
	conns          map[net.Conn]bool // that net/http does not have
}

// reportedForm is what platform records take from a runtime as the type of an error.
var reportedForm = regexp.MustCompile(`^(Runtime|Function)\.[A-Z][a-zA-Z]+$`)

// runtimeState is where the process is. The names are those that AWS's answers use.
type runtimeState string

const (
	stateStarted   runtimeState = "Started"
	stateInitError runtimeState = "InitError"
	stateReady     runtimeState = "Ready"              // waits in next
	stateRunning   runtimeState = "Running"            // has work
	stateResponse  runtimeState = "InvocationResponse" // sends its answer
	stateSent      runtimeState = "ResponseSent"
)

// serveRuntimeAPI serves the Runtime API to the processes of e on a listener that only they reach.
func serveRuntimeAPI(e *environment, listener net.Listener) *runtimeAPI {
	a := &runtimeAPI{
		environment: e, state: stateStarted, changed: make(chan struct{}, 1), closed: make(chan struct{}), conns: map[net.Conn]bool{},
	}
	a.server = &http.Server{Handler: a, ErrorLog: discardLog}
	others := newHandover(listener)
	e.service.running.Go(func() { a.server.Serve(others) })
	e.service.running.Go(func() { a.accept(listener, others) })
	return a
}

// close ends the listener and every call.
func (a *runtimeAPI) close() {
	close(a.closed)
	a.server.Close()
	a.mu.Lock()
	defer a.mu.Unlock()
	for conn := range a.conns {
		conn.Close()
	}
}

func (a *runtimeAPI) change() {
	select {
	case a.changed <- struct{}{}:
	default:
	}
}

// look returns the state, and what the process said about its failure. It is ready when its extensions are as well.
func (a *runtimeAPI) look() (runtimeState, *fault) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.extensionError != nil:
		return stateInitError, a.extensionError
	case a.state == stateReady && !a.settled():
		return a.before, nil
	}
	return a.state, a.initError
}

// wantsTerm reports whether the process is to get a SIGTERM before it is killed.
func (a *runtimeAPI) wantsTerm() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.extensions) > 0
}

// give hands x to the process. It returns false if the process does not wait for work at this moment.
func (a *runtimeAPI) give(x *execution) bool {
	a.mu.Lock()
	waiting := a.waiting
	if waiting == nil {
		a.mu.Unlock()
		return false
	}
	a.waiting = nil
	a.state, a.execution = stateRunning, x
	a.tell(x)
	a.mu.Unlock()
	waiting.take(x)
	return true
}

func (a *runtimeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, ok := strings.CutPrefix(r.URL.Path, "/2018-06-01/runtime/")
	switch {
	case ok && path == "invocation/next" && r.Method == http.MethodGet:
		a.next(w, r)
	case ok && strings.HasPrefix(path, "invocation/") && r.Method == http.MethodPost:
		id, kind, _ := strings.Cut(strings.TrimPrefix(path, "invocation/"), "/")
		if kind != "response" && kind != "error" {
			http.NotFound(w, r)
			return
		}
		a.result(w, r, id, kind == "error")
	case ok && path == "init/error" && r.Method == http.MethodPost:
		a.failedInit(w, r)
	case r.URL.Path == "/2018-06-01/ping", r.URL.Path == "/ping":
		io.WriteString(w, "pong")
	case strings.HasPrefix(r.URL.Path, "/2020-01-01/extension/"):
		a.serveExtension(w, r, strings.TrimPrefix(r.URL.Path, "/2020-01-01/extension/"))
	case r.URL.Path == "/2020-08-15/logs" && r.Method == http.MethodPut:
		telemetry(w, r, "Logs")
	case r.URL.Path == "/2022-07-01/telemetry" && r.Method == http.MethodPut:
		telemetry(w, r, "Telemetry")
	default:
		http.NotFound(w, r)
	}
}

// next answers with the next execution when there is one.
func (a *runtimeAPI) next(w http.ResponseWriter, r *http.Request) {
	work := make(taking, 1)
	if from, ok := a.wait(work); !ok {
		refuseTransition(w, from, stateReady)
		return
	}
	select {
	case x := <-work:
		writeExecution(w, x)
	case <-r.Context().Done():
		a.unwait(work)
	case <-a.closed:
	}
}

func writeExecution(w http.ResponseWriter, x *execution) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(x.payload)))
	h.Set("Lambda-Runtime-Aws-Request-Id", x.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(x.deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", x.arn)
	h.Set("Lambda-Runtime-Trace-Id", x.trace)
	h.Set(pipelining, pipelined)
	if x.clientContext != "" {
		h.Set("Lambda-Runtime-Client-Context", x.clientContext)
	}
	w.Write(x.payload)
}

// result takes the answer of the function, or its error.
func (a *runtimeAPI) result(w http.ResponseWriter, r *http.Request, id string, failed bool) {
	a.mu.Lock()
	x, from := a.execution, a.state
	switch {
	case x == nil || x.id != id:
		a.mu.Unlock()
		refuse(w, r, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return
	case from != stateRunning:
		a.mu.Unlock()
		discard(r.Body, maxResponse)
		refuseTransition(w, from, stateResponse)
		return
	}
	mode := r.Header.Get("Lambda-Runtime-Function-Response-Mode")
	if mode != "" && mode != "streaming" {
		a.mu.Unlock()
		refuse(w, r, http.StatusBadRequest, "InvalidFunctionResponseMode", "Invalid function response mode")
		return
	}
	a.state = stateResponse
	a.mu.Unlock()

	limit := maxResponse
	var tooLarge bool
	var body []byte
	var err error
	switch {
	case x.stream != nil && x.stream.started && !failed:
		discard(r.Body, maxStream)
		failed, body = true, truncated()
	case x.stream != nil && mode == "streaming" && !failed:
		failed, body, err = x.send(r)
		tooLarge, limit = err == errTruncated, maxStream
	default:
		if body, err = io.ReadAll(io.LimitReader(r.Body, maxResponse+1)); len(body) > maxResponse {
			tooLarge, failed, body = true, true, responseTooLarge(maxResponse)
		} else if broken, text := trailers(r); broken { // the function failed after it had begun to answer
			failed, body = true, text
		}
	}
	if err != nil && !tooLarge { // the process died or gave up in the middle; it may still answer
		a.move(stateRunning)
		return
	}
	if tooLarge {
		discard(r.Body, 64<<20)
	}
	a.answered(x, body, failed, r.Header.Get("Content-Type"))
	if tooLarge {
		refuse(w, r, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge",
			fmt.Sprintf("Exceeded maximum allowed payload size (%d bytes).", limit))
		return
	}
	accept(w)
}

// answered passes the answer on to the caller of x.
func (a *runtimeAPI) answered(x *execution, body []byte, failed bool, contentType string) {
	x.produced.Store(int64(len(body)))
	o := x.result(body, failed)
	o.contentType = contentType
	a.environment.reply(x, o)
	a.move(stateSent)
}

func (a *runtimeAPI) move(to runtimeState) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.state = to
}

// failedInit takes the reason why the runtime cannot start.
func (a *runtimeAPI) failedInit(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxResponse))
	if err != nil {
		return
	}
	a.mu.Lock()
	if a.state != stateStarted {
		from := a.state
		a.mu.Unlock()
		refuseTransition(w, from, stateInitError)
		return
	}
	if len(body) == 0 {
		body = []byte("{}")
	}
	kind := r.Header.Get("Lambda-Runtime-Function-Error-Type")
	if !reportedForm.MatchString(kind) {
		kind = "Runtime.Unknown"
	}
	a.state, a.initError = stateInitError, &fault{kind: kind, text: "the runtime could not start", payload: body}
	a.mu.Unlock()
	accept(w)
	a.change()
}

// accepted is the body of an answer to what was taken.
const accepted = `{"status":"OK"}` + "\n"

func accept(w http.ResponseWriter) { writeRuntime(w, http.StatusAccepted, []byte(accepted)) }

func refuseTransition(w http.ResponseWriter, from, to runtimeState) {
	refuse(w, nil, http.StatusForbidden, "InvalidStateTransition",
		fmt.Sprintf("State transition from %s to %s failed for runtime. Error: State transition is not allowed", from, to))
}

func refuse(w http.ResponseWriter, r *http.Request, status int, kind, text string) {
	if r != nil {
		discard(r.Body, maxResponse)
	}
	writeRuntime(w, status, mustJSON(struct {
		ErrorMessage string `json:"errorMessage"`
		ErrorType    string `json:"errorType"`
	}{text, kind}))
}

func writeRuntime(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body)
}

// until waits for the process to reach one of the wanted states. It returns what happened first.
func (a *runtimeAPI) until(ctx context.Context, exited <-chan struct{}, deadline <-chan time.Time, wanted ...runtimeState) waitResult {
	for {
		state, _ := a.look()
		for _, want := range wanted {
			if state == want {
				return reached
			}
		}
		select {
		case <-a.changed:
		case <-exited:
			return processExited
		case <-deadline:
			return deadlinePassed
		case <-ctx.Done():
			return ended
		}
	}
}

type waitResult int

const (
	reached waitResult = iota
	processExited
	deadlinePassed
	ended
)
