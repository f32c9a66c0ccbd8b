package wire

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// echo answers with the request, and says on which connection it came.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("From", r.RemoteAddr)
	switch r.URL.Path {
	case "/empty":
	case "/none":
		w.WriteHeader(http.StatusNoContent)
	case "/early":
		w.Header().Set("Link", "hint")
		w.WriteHeader(http.StatusEarlyHints)
		fallthrough
	case "/chunks":
		w.(http.Flusher).Flush()
		fallthrough
	default:
		fmt.Fprintf(w, "%s %s %s %s", r.Method, r.RequestURI, r.Header.Get("X-Test"), body)
	}
}

func call(t *testing.T, transport *Transport, method, url, body string) (text, from string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Test", "x")
	answer, err := transport.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b), answer.Header.Get("From")
}

func TestCallsAreAnsweredOnOneConnection(t *testing.T) {
	t.Parallel()
	plain, secure := httptest.NewServer(http.HandlerFunc(echo)), httptest.NewTLSServer(http.HandlerFunc(echo))
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	for _, url := range []string{plain.URL, secure.URL} {
		transport := &Transport{TLS: &tls.Config{RootCAs: roots}}
		first := ""
		for _, test := range []struct{ method, path, body, want string }{
			{"POST", "/a%3D/b?c=d", "body", "POST /a%3D/b?c=d x body"},
			{"GET", "/", "", "GET / x "},
			{"POST", "/empty", "body", ""},
			{"DELETE", "/none", "", ""},
			{"POST", "/chunks", strings.Repeat("long", 100_000), "POST /chunks x " + strings.Repeat("long", 100_000)},
			{"GET", "/early", "", "GET /early x "},
		} {
			got, from := call(t, transport, test.method, url+test.path, test.body)
			if got != test.want {
				t.Errorf("%s %s: got %.80q, want %.80q", test.method, test.path, got, test.want)
			}
			if first == "" {
				first = from
			}
			if from != first {
				t.Errorf("%s %s came on another connection", test.method, test.path)
			}
		}
	}
}

func TestUnknownAuthorityIsRefused(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(echo))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	r, _ := http.NewRequest("GET", server.URL, nil)
	_, err := new(Transport).RoundTrip(r)
	if unknown := (x509.UnknownAuthorityError{}); !errors.As(err, &unknown) {
		t.Errorf("got %v, want an unknown authority", err)
	}
}

func TestManyCallsAtOnceHaveConnectionsOfTheirOwn(t *testing.T) {
	t.Parallel()
	const n = 2 * maxIdle
	var arrived sync.WaitGroup
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived.Done()
		arrived.Wait() // for all others
		echo(w, r)
	}))
	t.Cleanup(server.Close)
	transport := &Transport{}
	for range 3 { // the second time, some connections are there
		var calls sync.WaitGroup
		arrived.Add(n)
		for i := range n {
			calls.Go(func() {
				path := fmt.Sprintf("/%d", i)
				if got, _ := call(t, transport, "GET", server.URL+path, ""); got != "GET "+path+" x " {
					t.Errorf("%s: got %q", path, got)
				}
			})
		}
		calls.Wait()
	}
	for _, idle := range transport.idle {
		if len(idle) != maxIdle {
			t.Errorf("%d connections are kept, want %d", len(idle), maxIdle)
		}
		holding := 0
		for i, c := range idle {
			if c.blocks {
				holding++
			} else if holding > 0 {
				t.Errorf("connection %d is behind one that blocks", i)
			}
		}
		if holding > 1 || holding != transport.blocking {
			t.Errorf("%d connections block, %d are counted, of calls that were made at once", holding, transport.blocking)
		}
		for _, c := range idle {
			c.Close()
			c.Close()
		}
	}
	if n := transport.blocking; n != 0 || transport.blocked {
		t.Errorf("%d connections are counted when all are closed", n)
	}
}

// scripted is a server whose connections are played by the test.
func scripted(t *testing.T) (url string, conns chan net.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	conns = make(chan net.Conn, 8)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns <- c
		}
	}()
	return "http://" + l.Addr().String(), conns
}

func TestOneConnectionAtATimeBlocks(t *testing.T) {
	t.Parallel()
	if runtime.GOMAXPROCS(0) == 1 {
		t.Skip("a call that blocks would keep the one processor")
	}
	arrived, leave := make(chan bool), make(chan bool)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			arrived <- true
			<-leave
		}
		echo(w, r)
	}))
	t.Cleanup(server.Close)
	transport := &Transport{}
	done := make(chan string)
	go func() {
		_, from := call(t, transport, "GET", server.URL+"/slow", "")
		done <- from
	}()
	<-arrived
	_, meanwhile := call(t, transport, "GET", server.URL, "")
	leave <- true
	slow := <-done
	if _, then := call(t, transport, "GET", server.URL, ""); then != slow || then == meanwhile {
		t.Errorf("calls came from %s, meanwhile from %s, then from %s", slow, meanwhile, then)
	}
	kinds := ""
	for _, idle := range transport.idle {
		for _, c := range idle {
			kinds += fmt.Sprint(c.blocks, " ")
		}
	}
	if kinds != "false true " {
		t.Errorf("whether the connections block: %s", kinds)
	}
}

func TestConnectionThatHasEndedIsNotUsed(t *testing.T) {
	t.Parallel()
	url, conns := scripted(t)
	transport := &Transport{}
	for _, last := range []string{"", "HTTP/1.1 408 Request Timeout\r\n\r\n"} { // what is said beside the end
		done := make(chan struct{})
		go func() {
			defer close(done)
			c := <-conns
			c.Read(make([]byte, 4096))
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			io.WriteString(c, last)
			c.Close()
		}()
		if got, _ := call(t, transport, "POST", url, "x"); got != "ok" {
			t.Errorf("got %q", got)
		}
		<-done
	}
}

func TestContextEndsACall(t *testing.T) {
	t.Parallel()
	url, conns := scripted(t)
	transport := &Transport{}
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	go func() {
		c := <-conns
		c.Read(make([]byte, 4096))
		cancel(why)
	}()
	r, _ := http.NewRequestWithContext(ctx, "GET", url, nil)
	if _, err := transport.RoundTrip(r); err != why {
		t.Errorf("got %v, want %v", err, why)
	}
	go func() { // in the middle of the body
		c := <-conns
		c.Read(make([]byte, 4096))
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nok")
	}()
	ctx, stop := context.WithCancel(t.Context())
	r, _ = http.NewRequestWithContext(ctx, "GET", url, nil)
	answer, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	stop()
	if _, err := io.ReadAll(answer.Body); err == nil {
		t.Error("a body ends without an error although its context has ended before")
	}
	answer.Body.Close()
	if n := len(transport.idle); n != 0 {
		t.Errorf("%d connections are kept", n)
	}
}

func TestDeadlineOfACallDoesNotOutliveIt(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(echo))
	t.Cleanup(server.Close)
	transport := &Transport{}
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(500*time.Millisecond))
	defer cancel()
	r, _ := http.NewRequestWithContext(ctx, "GET", server.URL+"/empty", nil)
	answer, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
	if _, from := call(t, transport, "GET", server.URL, ""); from != answer.Header.Get("From") {
		t.Error("the connection of an earlier call is not used any more once its deadline has passed")
	}
}

func TestBodyThatIsNotReadEndsTheConnection(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(echo))
	t.Cleanup(server.Close)
	transport := &Transport{}
	r, _ := http.NewRequest("POST", server.URL, bytes.NewReader(make([]byte, 1<<20)))
	answer, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if n := len(transport.idle); n != 0 {
		t.Errorf("%d connections are kept", n)
	}
}

func TestConnectionThatBlocksIsOneLikeOthers(t *testing.T) {
	t.Parallel()
	url, conns := scripted(t)
	address := strings.TrimPrefix(url, "http://")
	ended := map[string]func(c, peer net.Conn){
		"closed here":  func(c, _ net.Conn) { c.Close() },
		"closed there": func(_, peer net.Conn) { peer.Close() },
		"out of time":  func(c, _ net.Conn) { c.SetDeadline(time.Unix(1, 0)) },
	}
	for name, end := range ended {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		c = blocking(c)
		peer := <-conns
		if c.RemoteAddr().String() != address || c.LocalAddr().String() != peer.RemoteAddr().String() {
			t.Errorf("it leads from %v to %v", c.LocalAddr(), c.RemoteAddr())
		}
		got := make(chan string)
		go func() {
			text, err := io.ReadAll(c)
			got <- fmt.Sprint(string(text), err != nil)
		}()
		io.WriteString(peer, "hello")
		end(c, peer)
		select {
		case text := <-got:
			if !strings.HasPrefix(text, "hello") && name == "closed there" {
				t.Errorf("%s: read %s", name, text)
			}
		case <-t.Context().Done():
			t.Errorf("%s: what waits is not told", name)
		}
		if _, err := c.Write(make([]byte, 1)); err == nil && name != "closed there" {
			t.Errorf("%s: it can be written to", name)
		}
		c.Close()
		peer.Close()
	}
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	c = blocking(c)
	defer c.Close()
	c.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
	if _, err := c.Write(make([]byte, 64<<20)); err == nil { // nobody reads
		t.Error("a write outlives its deadline")
	}
}

func TestJoinedRequestsComeTogether(t *testing.T) {
	t.Parallel()
	url, conns := scripted(t)
	transport := &Transport{}
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	why := errors.New("enough")
	for _, test := range []struct {
		answer string
		ends   bool // the context, once that is written
		first  string
		second string
		err    error
	}{
		{"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwork", false, "ok", "work", nil},
		{"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", false, "", "", nil},
		{"HTTP/1.1 202 Accepted\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", false, "ok", "", errAlone},
		{"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok", true, "ok", "", why},
	} {
		go func() {
			c := <-conns
			if test.err == nil {
				conns <- c // it is kept, for the next of them
			}
			in := bufio.NewReader(c)
			for _, want := range []string{"POST", "GET"} {
				r, err := http.ReadRequest(in)
				if err != nil || r.Method != want {
					t.Errorf("got %v and %v, want a %s", r, err, want)
					return
				}
				io.Copy(io.Discard, r.Body)
			}
			io.WriteString(c, test.answer)
			if test.ends {
				cancel(why)
			}
		}()
		first, _ := http.NewRequest("POST", url, strings.NewReader("body"))
		second, _ := http.NewRequestWithContext(ctx, "GET", url, nil)
		a, b, err := transport.Join(first, second)
		if err != test.err {
			t.Errorf("got %v, want %v", err, test.err)
		}
		if a == nil && !test.ends { // a context that ends soon may end both
			t.Error("the first has no answer")
		} else if a != nil {
			if text, err := io.ReadAll(a.Body); string(text) != test.first || err != nil {
				t.Errorf("the first is answered with %s and %v, want %s", text, err, test.first)
			}
		}
		if (b == nil) != (test.err != nil) {
			t.Errorf("the second is answered with %v", b)
		} else if b != nil {
			if text, err := io.ReadAll(b.Body); string(text) != test.second || err != nil {
				t.Errorf("the second is answered with %s and %v, want %s", text, err, test.second)
			}
		}
	}
}
