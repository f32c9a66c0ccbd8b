package lambda

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"

	"quotewire/cloud/protocol"
)

// The Extensions API, for extensions that live in the runtime's own process: internal ones. Such an extension gets an
// INVOKE event with each execution if it has asked for them, and the execution has ended only when it calls for the next
// one. AWS does not let it ask for SHUTDOWN; the runtime gets SIGTERM instead. Extensions that are programs of their own,
// in /opt/extensions, are not started.

// extensionState is where an extension is. The names are those that AWS's answers use.
type extensionState string

const (
	extensionRegistered extensionState = "Registered"
	extensionReady      extensionState = "Ready" // waits for an event
	extensionRunning    extensionState = "Running"
	extensionInitError  extensionState = "InitError"
	extensionExitError  extensionState = "ExitError"
)

// extension is one that has registered. Its fields are protected by the lock of its Runtime API.
type extension struct {
	id, name string
	invokes  bool // it wants INVOKE events
	state    extensionState
	waiting  chan *execution // of the call that waits for an event
}

// maxExtensions is how many may register in one environment.
const maxExtensions = 10

// serveExtension answers calls below /2020-01-01/extension/.
func (a *runtimeAPI) serveExtension(w http.ResponseWriter, r *http.Request, call string) {
	switch {
	case call == "register" && r.Method == http.MethodPost:
		a.register(w, r)
		return
	case call == "event/next" && r.Method == http.MethodGet:
	case (call == "init/error" || call == "exit/error") && r.Method == http.MethodPost:
	default:
		http.NotFound(w, r)
		return
	}
	id := r.Header.Get("Lambda-Extension-Identifier")
	if id == "" {
		refuse(w, r, http.StatusForbidden, "Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header")
		return
	}
	a.mu.Lock()
	i := slices.IndexFunc(a.extensions, func(e *extension) bool { return e.id == id })
	if i < 0 {
		a.mu.Unlock()
		refuse(w, r, http.StatusForbidden, "Extension.UnknownExtensionIdentifier", "Unknown extension "+id)
		return
	}
	e := a.extensions[i]
	a.mu.Unlock()
	if call == "event/next" {
		a.nextEvent(w, r, e)
		return
	}
	a.extensionFailed(w, r, e, call)
}

func (a *runtimeAPI) register(w http.ResponseWriter, r *http.Request) {
	name := r.Header.Get("Lambda-Extension-Name")
	if name == "" {
		refuse(w, r, http.StatusForbidden, "Extension.InvalidExtensionName", "Empty extension name")
		return
	}
	var in struct {
		Events            []string `json:"events"`
		ConfigurationKeys []string `json:"configurationKeys"`
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxResponse))
	if err == nil {
		err = json.Unmarshal(body, &in)
	}
	if err != nil {
		refuse(w, nil, http.StatusForbidden, "InvalidRequestFormat", err.Error())
		return
	}
	if len(in.ConfigurationKeys) > 0 {
		refuse(w, nil, http.StatusForbidden, "InvalidRequestFormat", "configurationKeys are deprecated; use environment variables instead")
		return
	}
	e := &extension{id: protocol.RequestID(), name: name, state: extensionRegistered}
	for _, event := range in.Events {
		switch event {
		case "INVOKE":
			e.invokes = true
		case "SHUTDOWN":
			refuse(w, nil, http.StatusForbidden, "Extension.InvalidEventType", event+": ShutdownEventNotSupportedForInternalExtension")
			return
		default:
			refuse(w, nil, http.StatusForbidden, "Extension.InvalidEventType", event+": ErrorInvalidEventType")
			return
		}
	}
	a.mu.Lock()
	switch {
	case a.state != stateStarted:
		a.mu.Unlock()
		refuse(w, nil, http.StatusForbidden, "Extension.RegistrationClosed", "Extension registration closed already")
		return
	case slices.ContainsFunc(a.extensions, func(other *extension) bool { return other.name == name }):
		a.mu.Unlock()
		refuse(w, nil, http.StatusForbidden, "Extension.AlreadyRegistered", "Extension with this name already registered")
		return
	case len(a.extensions) >= maxExtensions:
		a.mu.Unlock()
		refuse(w, nil, http.StatusForbidden, "Extension.TooManyExtensions", "Extension limit reached")
		return
	}
	a.extensions = append(a.extensions, e)
	a.mu.Unlock()
	c := &a.environment.release.Config
	answer := map[string]string{"functionName": c.FunctionName, "functionVersion": c.Version, "handler": c.Handler}
	for feature := range strings.SplitSeq(r.Header.Get("Lambda-Extension-Accept-Feature"), ",") {
		if strings.TrimSpace(feature) == "accountId" {
			answer["accountId"] = a.environment.service.Account
		}
	}
	w.Header().Set("Lambda-Extension-Identifier", e.id)
	writeRuntime(w, http.StatusOK, mustJSON(answer))
}

// nextEvent answers with the next event of an extension when there is one.
func (a *runtimeAPI) nextEvent(w http.ResponseWriter, r *http.Request, e *extension) {
	events := make(chan *execution, 1)
	a.mu.Lock()
	before := e.state
	if before != extensionRegistered && before != extensionRunning {
		a.mu.Unlock()
		a.refuseExtension(w, r, e, before, extensionReady)
		return
	}
	e.state, e.waiting = extensionReady, events
	a.mu.Unlock()
	a.change()
	select {
	case x := <-events:
		writeRuntime(w, http.StatusOK, mustJSON(map[string]any{
			"eventType": "INVOKE", "deadlineMs": x.deadline.UnixMilli(), "requestId": x.id, "invokedFunctionArn": x.arn,
			"tracing": map[string]string{"type": "X-Amzn-Trace-Id", "value": x.trace},
		}))
	case <-r.Context().Done(): // the extension hung up; it may call again
		a.mu.Lock()
		if e.waiting == events {
			e.state, e.waiting = before, nil
		}
		a.mu.Unlock()
	case <-a.closed:
	}
}

// extensionFailed takes the news that an extension cannot start or go on. The environment ends with it.
func (a *runtimeAPI) extensionFailed(w http.ResponseWriter, r *http.Request, e *extension, call string) {
	kind := r.Header.Get("Lambda-Extension-Function-Error-Type")
	if kind == "" {
		refuse(w, r, http.StatusForbidden, "Extension.MissingHeader", "Lambda-Extension-Function-Error-Type not found")
		return
	}
	discard(r.Body, maxResponse)
	to := extensionExitError
	if call == "init/error" {
		to = extensionInitError
	}
	a.mu.Lock()
	from := e.state
	if from == extensionExitError || from == extensionInitError || to == extensionInitError && from != extensionRegistered {
		a.mu.Unlock()
		a.refuseExtension(w, nil, e, from, to)
		return
	}
	e.state = to
	if a.extensionError == nil {
		name := "Extension.InitError"
		if to == extensionExitError {
			name = "Extension.ExitError"
		}
		a.extensionError = &fault{kind: name, text: "the extension " + e.name + " has failed: " + kind}
	}
	a.mu.Unlock()
	accept(w)
	a.change()
}

func (a *runtimeAPI) refuseExtension(w http.ResponseWriter, r *http.Request, e *extension, from, to extensionState) {
	refuse(w, r, http.StatusForbidden, "Extension.InvalidExtensionState",
		"State transition from "+string(from)+" to "+string(to)+" failed for extension "+e.id+". Error: State transition is not allowed")
}

// tell hands x to the extensions that want to know of it. The lock is held.
func (a *runtimeAPI) tell(x *execution) {
	for _, e := range a.extensions {
		if e.invokes && e.waiting != nil {
			e.waiting <- x
			e.state, e.waiting = extensionRunning, nil
		}
	}
}

// settled reports whether every extension that wants to know of executions waits for the next one. The lock is held.
func (a *runtimeAPI) settled() bool {
	return !slices.ContainsFunc(a.extensions, func(e *extension) bool {
		return e.invokes && (e.state == extensionRegistered || e.state == extensionRunning)
	})
}

// telemetry answers the calls with which extensions subscribe to logs and telemetry: there is no such stream.
func telemetry(w http.ResponseWriter, r *http.Request, kind string) {
	discard(r.Body, maxResponse)
	writeRuntime(w, http.StatusAccepted, mustJSON(struct {
		ErrorMessage string `json:"errorMessage"`
		ErrorType    string `json:"errorType"`
	}{kind + " API is not supported", kind + ".NotSupported"}))
}
