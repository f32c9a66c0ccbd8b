package lambda

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

const callNext = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: r\r\n\r\n"

// runtimeOf serves the Runtime API of an environment whose process is the test.
func runtimeOf(t *testing.T) (a *runtimeAPI, dial func() (net.Conn, *bufio.Reader)) {
	c := start(t)
	e := newEnvironment(c.Service, &release{Config: configuration{FunctionName: "played", Version: "$LATEST"}, ID: "played"})
	c.pool.mu.Lock()
	c.pool.fleet(e.name()).crew(e.release).busy = 1
	c.pool.mu.Unlock()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a = serveRuntimeAPI(e, l)
	t.Cleanup(a.close)
	return a, func() (net.Conn, *bufio.Reader) {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn, bufio.NewReader(conn)
	}
}

// hand gives work to the process as soon as that waits for some.
func (a *runtimeAPI) hand(payload []byte) *execution {
	x := newExecution(payload)
	x.arn, x.trace, x.deadline = "arn:aws:lambda:us-east-1:111122223333:function:played", "Root=1-0-0", time.Now().Add(time.Minute)
	for !a.give(x) {
		<-a.changed
	}
	return x
}

// answer reads an answer, its body and its status.
func answer(t *testing.T, from *bufio.Reader) (status int, body []byte, header http.Header) {
	t.Helper()
	r, err := http.ReadResponse(from, nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, err = io.ReadAll(r.Body); err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, body, r.Header
}

func TestRequestsOfAllKindsShareAConnection(t *testing.T) {
	t.Parallel()
	a, dial := runtimeOf(t)
	conn, from := dial()
	for i, post := range []string{
		"/response HTTP/1.1\r\nHost: r\r\nContent-Length: 2\r\n\r\n{}",
		"/response HTTP/1.1\r\nHost: r\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"/error HTTP/1.1\r\nHost: r\r\nContent-Length: 2\r\n\r\n{}",
		"/response HTTP/1.1\r\nHost: r\r\nContent-Length: 2\r\n\r\n{}",
	} {
		io.WriteString(conn, callNext)
		payload := []byte(strings.Repeat("x", i+1))
		x := a.hand(payload)
		if status, body, header := answer(t, from); status != 200 || !bytes.Equal(body, payload) || header.Get("Lambda-Runtime-Aws-Request-Id") != x.id ||
			header.Get("Content-Type") != "application/json" || header.Get("Lambda-Runtime-Invoked-Function-Arn") != x.arn || header.Get("Date") == "" {
			t.Fatalf("next is answered %d %s %v", status, body, header)
		}
		io.WriteString(conn, "POST /2018-06-01/runtime/invocation/"+x.id+post)
		if status, body, _ := answer(t, from); status != 202 || string(body) != accepted {
			t.Fatalf("the result is answered %d %s", status, body)
		}
		if o := <-x.outcome; string(o.Payload) != "{}" || (o.FunctionError != "") != strings.HasPrefix(post, "/error") {
			t.Errorf("the outcome is %+v", o)
		}
	}
}

func TestRequestsThatComeTooEarlyWait(t *testing.T) {
	t.Parallel()
	a, dial := runtimeOf(t)
	conn, from := dial()
	io.WriteString(conn, callNext+"POST /2018-06-01/runtime/invocation/1/response HTTP/1.1\r\nHost: r\r\nContent-Length: 2\r\n\r\n{}"+callNext)
	a.hand([]byte("work"))
	for _, want := range []string{"200 work", "400 {\"errorMessage\":\"Invalid request ID\",\"errorType\":\"InvalidRequestID\"}", "403 {\"errorMessage\":\"State transition from Running to Ready failed"} {
		status, body, _ := answer(t, from)
		if got := fmt.Sprintf("%d %s", status, body); !strings.HasPrefix(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestResponseAndNextShareAWrite has a process send its response and its next call together, in the ways that requests are
// read: as plain ones, by net/http from the first that is not, and with one of them in two pieces.
func TestResponseAndNextShareAWrite(t *testing.T) {
	t.Parallel()
	a, dial := runtimeOf(t)
	conn, from := dial()
	io.WriteString(conn, callNext)
	x := a.hand([]byte("work"))
	for i, test := range []struct {
		post   string
		cut    int // before the end
		status int
		apart  bool // the response is answered before there is an event
	}{
		{"/response HTTP/1.1\r\nHost: r\r\nContent-Length: 2\r\n\r\n{}", 0, 202, false},
		{"/response HTTP/1.1\r\nHost: r\r\nContent-Length: 2\r\n\r\n{}", 0, 202, false},
		{"/response HTTP/1.1\r\nHost: r\r\nContent-Length: 2\r\n\r\n{}", len(callNext) - 3, 202, true},
		{"/response HTTP/1.1\r\nHost: r\r\nContent-Length: 2\r\n\r\n{}", len(callNext) + 1, 202, false},
		{"/error HTTP/1.1\r\nHost: r\r\nContent-Length: 2\r\n\r\n{}", 0, 202, true},
		{"/response HTTP/1.1\r\nHost: r\r\nContent-Length: 2\r\n\r\n{}", 0, 202, true}, // net/http's from now on
	} {
		status, body, header := answer(t, from)
		if status != 200 || string(body) != "work" || header.Get("Quotewire-Pipelining") != "response, next" {
			t.Fatalf("%d: next is answered %d %s %v", i, status, body, header)
		}
		both := "POST /2018-06-01/runtime/invocation/" + x.id + test.post + callNext
		io.WriteString(conn, both[:len(both)-test.cut])
		take := func() {
			if status, body, _ := answer(t, from); status != test.status || string(body) != accepted {
				t.Fatalf("%d: the response is answered %d %s", i, status, body)
			}
		}
		if test.apart {
			take()
		}
		io.WriteString(conn, both[len(both)-test.cut:])
		if o := <-x.outcome; string(o.Payload) != "{}" { // whether there is a next event or not
			t.Errorf("%d: the outcome is %+v", i, o)
		}
		if !test.apart {
			for state := stateSent; state != stateReady; state, _ = a.look() {
				<-a.changed
			}
			a.mu.Lock()
			if len(a.waiting.(*runtimeConn).unsent) == 0 {
				t.Errorf("%d: the answer to the response does not wait for the event", i)
			}
			a.mu.Unlock()
		}
		x = a.hand([]byte("work"))
		if !test.apart {
			take()
		}
	}
}

func TestResponseThatIsRefusedIsNotHeldBack(t *testing.T) {
	t.Parallel()
	a, dial := runtimeOf(t)
	conn, from := dial()
	io.WriteString(conn, callNext)
	a.hand([]byte("work"))
	answer(t, from)
	io.WriteString(conn, "POST /2018-06-01/runtime/invocation/0/response HTTP/1.1\r\nHost: r\r\nContent-Length: 2\r\n\r\n{}"+callNext)
	for _, want := range []string{"400 {\"errorMessage\":\"Invalid request ID\"", "403 {\"errorMessage\":\"State transition from Running to Ready failed"} {
		status, body, _ := answer(t, from)
		if got := fmt.Sprintf("%d %s", status, body); !strings.HasPrefix(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestProcessThatHangsUpCallsAgain(t *testing.T) {
	t.Parallel()
	a, dial := runtimeOf(t)
	conn, _ := dial()
	io.WriteString(conn, callNext)
	<-a.changed
	conn.Close()
	for state := stateReady; state != stateStarted; state, _ = a.look() {
		<-a.changed
	}
	conn, from := dial()
	io.WriteString(conn, callNext)
	a.hand([]byte("work"))
	if status, body, _ := answer(t, from); status != 200 || string(body) != "work" {
		t.Errorf("answered %d %s", status, body)
	}
}

func TestProcessThatDoesNotReadHoldsUpNobody(t *testing.T) {
	t.Parallel()
	a, dial := runtimeOf(t)
	conn, from := dial()
	io.WriteString(conn, callNext)
	payload := bytes.Repeat([]byte("x"), maxPayload)
	a.hand(payload) // returns, though nobody reads
	if status, body, _ := answer(t, from); status != 200 || !bytes.Equal(body, payload) {
		t.Errorf("answered %d with %d bytes", status, len(body))
	}
}
