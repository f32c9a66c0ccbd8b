package faults

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// fault is what happens to one call.
type fault string

const (
	throttled    fault = "429"
	broken       fault = "500"
	lost         fault = "lost answer"    // the call is carried out, and the connection breaks
	killedBefore fault = "kill -9 before" // the process is dead, and the call never reaches the cloud
	killedAfter  fault = "kill -9 after"  // the call is carried out, and the process is dead before it has the answer
	interrupted  fault = "Ctrl-C"         // while the call is under way
)

var faults = [...]fault{throttled, broken, lost, killedBefore, killedAfter, interrupted}

// call is the nth call of an operation in a run. Reads run side by side, so a number over all would not mean the same
// call every time.
type call struct {
	operation string
	nth       int
}

func (c call) String() string { return fmt.Sprintf("%s %d", c.operation, c.nth) }

// wire is the deployer's connection, on which one call can go wrong.
type wire struct {
	cloud http.RoundTripper // what lies behind it

	mu    sync.Mutex     // guards the following
	made  map[string]int // calls by operation
	list  []call         // all of them
	at    call
	fault fault // what will happen to at
	kill  func()
	done  bool // it has happened
}

func newWire() *wire { return &wire{cloud: http.DefaultTransport, made: map[string]int{}} }

// plan forgets what was and says what is to go wrong next.
func (w *wire) plan(c call, f fault, kill func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.made, w.list, w.at, w.fault, w.kill, w.done = map[string]int{}, nil, c, f, kill, false
}

func (w *wire) calls() []call {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.list)
}

func (w *wire) happened() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.done
}

var errDead = errors.New("the deployer is dead")

// Do implements the SDK's HTTP client.
func (w *wire) Do(r *http.Request) (*http.Response, error) { return w.RoundTrip(r) }

// RoundTrip implements [http.RoundTripper].
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	f, kill, err := w.next(r)
	if err != nil {
		return nil, err
	}
	switch f {
	case throttled:
		return refuse(r, http.StatusTooManyRequests, "TooManyRequestsException"), nil
	case broken:
		return refuse(r, http.StatusInternalServerError, "InternalFailure"), nil
	case killedBefore:
		kill()
		return nil, errDead
	case interrupted:
		kill()
	}
	answer, err := w.cloud.RoundTrip(r)
	if f == "" || f == interrupted || err != nil {
		return answer, err
	}
	io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	if f == killedAfter {
		kill()
		return nil, errDead
	}
	return nil, io.ErrUnexpectedEOF
}

// next counts a call and says what is to happen to it.
func (w *wire) next(r *http.Request) (fault, func(), error) {
	name, err := operation(r)
	if err != nil {
		return "", nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.made[name]++
	c := call{name, w.made[name]}
	w.list = append(w.list, c)
	if w.fault == "" || w.done || c != w.at {
		return "", nil, nil
	}
	w.done = true
	return w.fault, w.kill, nil
}

// operation names what a request asks for: by its target, by its form, or by its method and path with ids left out.
func operation(r *http.Request) (string, error) {
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		return target[strings.IndexByte(target, '.')+1:], nil
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return "", err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		for field := range strings.SplitSeq(string(body), "&") {
			if action, ok := strings.CutPrefix(field, "Action="); ok {
				return action, nil
			}
		}
	}
	parts := strings.Split(r.URL.Path, "/")
	for _, i := range idsAt[parts[1]] {
		if i < len(parts) {
			parts[i] = "ID"
		}
	}
	return r.Method + " " + strings.Join(parts, "/"), nil
}

// idsAt are the places of ids in paths, by how these begin: those of APIs, of CloudFront, of Route 53 and of Aurora DSQL.
var idsAt = map[string][]int{"v2": {3, 5, 7}, "2020-05-31": {3, 5}, "2013-04-01": {3}, "cluster": {2}}

// refuse is an error of the cloud in the protocol of the request.
func refuse(r *http.Request, status int, code string) *http.Response {
	header := http.Header{"X-Amzn-Errortype": {code}}
	body := fmt.Sprintf(`{"__type":%q,"message":"a fault of the test"}`, code)
	switch {
	case strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"),
		strings.HasPrefix(r.URL.Path, "/2020-05-31/"), strings.HasPrefix(r.URL.Path, "/2013-04-01/"):
		body = fmt.Sprintf(`<ErrorResponse><Error><Type>Receiver</Type><Code>%s</Code><Message>a fault of the test</Message></Error><Errors><Error><Code>%s</Code></Error></Errors></ErrorResponse>`, code, code)
	case strings.HasPrefix(r.Header.Get("Accept"), "application/xml"), r.Header.Get("Amz-Sdk-Invocation-Id") != "" && r.Header.Get("X-Amz-Content-Sha256") != "":
		body = fmt.Sprintf(`<Error><Code>%s</Code><Message>a fault of the test</Message></Error>`, code)
	}
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r}
}
