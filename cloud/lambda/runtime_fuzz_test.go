package lambda

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// FuzzRuntimeAPI sends whatever requests a process may come up with, one after the other, and gives it work whenever it
// waits for some. The process must stay in a state that there is, an execution must be answered at most once, and an
// answer must be accepted if and only if an execution was answered. ID stands for the id of the current execution.
func FuzzRuntimeAPI(f *testing.F) {
	const (
		next     = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: r\r\n\r\n"
		response = "POST /2018-06-01/runtime/invocation/ID/response HTTP/1.1\r\nHost: r\r\n"
		failure  = "POST /2018-06-01/runtime/invocation/ID/error HTTP/1.1\r\nHost: r\r\nLambda-Runtime-Function-Error-Type: Handler.Gone\r\n"
	)
	f.Add(next + response + "Content-Length: 2\r\n\r\n{}" + next + failure + "Content-Length: 2\r\n\r\n{}" + next)
	f.Add(next + response + "Content-Length: 2\r\n\r\n{}" + response + "Content-Length: 2\r\n\r\n{}")
	f.Add(next + next + response + "Content-Length: 9\r\n\r\n{}")
	f.Add(next + response + "Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\nTrailer: Lambda-Runtime-Function-Error-Type\r\n\r\n3\r\nabc\r\n0\r\nLambda-Runtime-Function-Error-Type: X\r\n\r\n")
	f.Add(next + strings.ReplaceAll(response, "ID", "other") + "Lambda-Runtime-Function-Response-Mode: none\r\n\r\n")
	f.Add("POST /2018-06-01/runtime/init/error HTTP/1.1\r\nHost: r\r\nContent-Length: 20\r\n\r\n{\"errorMessage\":\"no\"}" + next)
	f.Add("POST /2020-01-01/extension/register HTTP/1.1\r\nHost: r\r\nLambda-Extension-Name: x\r\nContent-Length: 2\r\n\r\n{}GET /2020-01-01/extension/event/next HTTP/1.1\r\nHost: r\r\n\r\n")
	f.Add("GET /2018-06-01/ping HTTP/1.1\r\nHost: r\r\n\r\n" + response + "\r\n")
	c := start(f)
	states := []runtimeState{stateStarted, stateInitError, stateReady, stateRunning, stateSent}
	f.Fuzz(func(t *testing.T, script string) {
		e := newEnvironment(c.Service, &release{Config: configuration{FunctionName: "fuzzed", Version: "$LATEST", Handler: "bootstrap"}, ID: "fuzzed"})
		defer e.end()
		c.pool.mu.Lock()
		c.pool.fleet(e.name()).crew(e.release).busy = 1
		c.pool.mu.Unlock()
		a := &runtimeAPI{environment: e, state: stateStarted, changed: make(chan struct{}, 1), closed: make(chan struct{})}
		var x *execution
		for requests := bufio.NewReader(strings.NewReader(script)); ; {
			r, err := http.ReadRequest(requests)
			if err != nil {
				return
			}
			if x != nil {
				r.URL.Path = strings.ReplaceAll(r.URL.Path, "/ID/", "/"+x.id+"/")
			}
			ctx, hangUp := context.WithCancel(t.Context())
			if r.URL.Path == "/2020-01-01/extension/event/next" {
				hangUp() // it would wait for ever
			}
			w, answered := httptest.NewRecorder(), make(chan struct{})
			go func() {
				a.ServeHTTP(w, r.WithContext(ctx))
				close(answered)
			}()
			for waiting := true; waiting; {
				select {
				case <-answered:
					waiting = false
				case <-a.changed:
					work := newExecution([]byte(`{"ticker":"EIQQ"}`))
					work.arn, work.deadline = "arn:aws:lambda:us-east-1:111122223333:function:fuzzed", time.Now().Add(time.Minute)
					if a.give(work) {
						x = work
					}
				}
			}
			hangUp()
			state, _ := a.look()
			if !slices.Contains(states, state) {
				t.Errorf("%s %s: in the state %s", r.Method, r.URL.Path, state)
			}
			if w.Code >= 500 {
				t.Errorf("%s %s: status %d: %s", r.Method, r.URL.Path, w.Code, w.Body)
			}
			accepted := w.Code == http.StatusAccepted || w.Code == http.StatusRequestEntityTooLarge
			if isResult := strings.HasPrefix(r.URL.Path, "/2018-06-01/runtime/invocation/"); isResult && accepted {
				select {
				case <-x.outcome:
				default:
					t.Errorf("%s %s: accepted, and nobody was answered", r.Method, r.URL.Path)
				}
			} else if x != nil && len(x.outcome) > 0 {
				t.Errorf("%s %s: status %d, and the execution was answered", r.Method, r.URL.Path, w.Code)
			}
			r.Body.Close()
		}
	})
}
