package front

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// echo answers with all that a handler can know of a request. Parts of the path change what it does.
func echo(w http.ResponseWriter, r *http.Request) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s %s %d.%d\nhost %s\nlength %d %v close %v\n", r.Method, r.RequestURI, r.Proto, r.ProtoMajor, r.ProtoMinor, r.Host, r.ContentLength, r.TransferEncoding, r.Close)
	from, _, _ := net.SplitHostPort(r.RemoteAddr)
	fmt.Fprintf(&b, "url %q %q %q %q\nfrom %s tls %v\n", r.URL.String(), r.URL.Path, r.URL.RawPath, r.URL.RawQuery, from, r.TLS != nil)
	r.Header.Write(&b)
	if !strings.Contains(r.RequestURI, "unread") {
		body, err := io.ReadAll(r.Body)
		fmt.Fprintf(&b, "body %q %v\ntrailer %v\n", body, err, r.Trailer)
	}
	w.Header().Set("Date", "today")
	w.Header().Set("x-more", "a\nb")
	w.Header().Add("x-more", " c ")
	status := http.StatusOK
	switch {
	case strings.Contains(r.RequestURI, "abort"):
		panic(http.ErrAbortHandler)
	case strings.Contains(r.RequestURI, "close"):
		w.Header().Set("Connection", "close")
	case strings.Contains(r.RequestURI, "none"):
		w.WriteHeader(http.StatusNoContent)
		return
	case strings.Contains(r.RequestURI, "odd"):
		status = 499
	case strings.Contains(r.RequestURI, "typed"):
		w.Header().Set("Content-Type", "text/x")
	case strings.Contains(r.RequestURI, "empty"):
		return
	}
	w.Header().Set("Content-Length", fmt.Sprint(b.Len()))
	w.WriteHeader(status)
	w.Write(b.Bytes())
}

func isDirect(target []byte) bool { return bytes.Contains(target, []byte("/@")) }

// script is a connection whose client has said all that it will. It is read in pieces of the given sizes, over and over.
type script struct {
	mu     sync.Mutex // guards the following
	text   []byte
	sizes  []byte
	at     int
	said   bytes.Buffer
	closed chan struct{}
	once   sync.Once
}

func (s *script) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.text) == 0 {
		return 0, io.EOF
	}
	if len(s.sizes) > 0 {
		p = p[:min(len(p), 1+int(s.sizes[s.at%len(s.sizes)]))]
		s.at++
	}
	n := copy(p, s.text)
	s.text = s.text[n:]
	return n, nil
}

func (s *script) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.said.Write(p)
}

func (s *script) Close() error                     { s.once.Do(func() { close(s.closed) }); return nil }
func (s *script) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }
func (s *script) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 2} }
func (s *script) SetDeadline(time.Time) error      { return nil }
func (s *script) SetReadDeadline(time.Time) error  { return nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }

// handOver is a listener of the connections that it is given.
type handOver struct {
	server *Server
	conns  chan net.Conn
	done   chan struct{}
	once   sync.Once
}

func (l *handOver) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}
func (l *handOver) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *handOver) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// serve serves what is given to the listener that it returns.
func serve(t testing.TB, config Config) *handOver {
	l := &handOver{conns: make(chan net.Conn), done: make(chan struct{})}
	server := New(config)
	l.server = server
	server.ErrorLog = log.New(io.Discard, "", 0)
	server.ReadHeaderTimeout, server.IdleTimeout = 30*time.Second, 5*time.Minute
	served := make(chan struct{})
	go func() {
		server.Server.Serve(l)
		close(served)
	}()
	t.Cleanup(func() {
		server.Close()
		<-served
	})
	return l
}

// aDate is the header by which net/http says when it answered, of which no two servers need to agree.
var aDate = regexp.MustCompile(`\r\nDate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n`)

// say plays a script to a server and returns all that it answers, whenever that was.
func (l *handOver) say(text, sizes []byte) string {
	s := &script{text: bytes.Clone(text), sizes: sizes, closed: make(chan struct{})}
	l.conns <- &conn{Conn: s}
	<-s.closed
	s.mu.Lock()
	defer s.mu.Unlock()
	return aDate.ReplaceAllString(s.said.String(), "\r\nDate: then\r\n")
}

const aPost = "POST /a/@connections/b%3D HTTP/1.1\r\nHost: h:1\r\nContent-Length: 5\r\nX-Amz-Date: now\r\naccept:  */* \r\nAccept: b\r\n\r\nhello"

// dialogues are what clients say, well-meaning ones and others.
var dialogues = []string{
	aPost,
	aPost + aPost + aPost,
	aPost + "GET /x HTTP/1.1\r\nHost: h\r\n\r\n" + aPost,
	"GET /x HTTP/1.1\r\nHost: h\r\n\r\n" + aPost + "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc" + aPost,
	"POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc\r\n" + aPost + "\r\n\r\n" + aPost + "\n\n\n\n\n" + aPost,
	aPost + "\r\nGET /x HTTP/1.1\r\nHost: h\r\n\r\n",
	aPost + "\r\n",
	"\r\n" + aPost,
	strings.Replace(aPost, "Content-Length: 5", "Transfer-Encoding: chunked", 1),
	strings.Replace(aPost, "Content-Length: 5", "Content-Length: 5\r\nTransfer-Encoding: chunked", 1) + "0\r\n\r\n" + aPost,
	strings.Replace(aPost, "Content-Length: 5", "Transfer-Encoding: chunked\r\nTrailer: x", 1)[:100] + "\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n" + aPost,
	"POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" + aPost,
	"POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n" + aPost,
	"POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\nContent-Length: 0\r\n\r\n" + aPost,
	"POST /unread HTTP/1.1\r\nHost: h\r\nContent-Length: " + fmt.Sprint(len(aPost)) + "\r\n\r\n" + aPost + aPost,
	"POST /unread HTTP/1.1\r\nHost: h\r\nContent-Length: " + fmt.Sprint(len(aPost)+1) + "\r\n\r\n" + aPost + aPost,
	"POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd" + aPost,
	"POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc" + aPost,
	"POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 3, 3\r\n\r\nabc" + aPost,
	"POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: +3\r\n\r\nabc" + aPost,
	"POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 0x3\r\n\r\nabc" + aPost,
	"POST /p HTTP/1.1\r\nHost: h\r\nContent-Length:\t3 \r\n\r\nabc" + aPost,
	"POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551619\r\n\r\nabc" + aPost,
	"POST /p HTTP/1.1\r\nHost: h\r\nX: y\r\n Content-Length: 3\r\n\r\nabc" + aPost,
	"POST /p HTTP/1.1\nHost: h\nContent-Length: 3\n\nabc" + aPost,
	"POST /p HTTP/1.1\nHost: h\n\n" + aPost + "\r\n\r\n",
	"POST /p HTTP/1.1\r\nHost: h\nContent-Length: 3\r\n\r\nabc" + aPost,
	"POST /p HTTP/1.1\r\nHost: h\r\nX: y\rContent-Length: 3\r\n\r\nabc" + aPost,
	"POST /p HTTP/1.1\r\nHost: h\r\n\r\n" + aPost,
	"GET /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello" + aPost,
	"HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n" + aPost,
	"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n" + aPost + "GET /x HTTP/1.1\r\nHost: h\r\n\r\n",
	"CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n" + aPost,
	"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + aPost,
	"GET /x HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n" + aPost,
	"POST /p HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc" + aPost,
	strings.Replace(aPost, "accept:", "Expect: 100-continue\r\naccept:", 1) + aPost,
	strings.Replace(aPost, "accept:", "Expect: something\r\naccept:", 1) + aPost,
	strings.Replace(aPost, "accept:", "Connection: close\r\naccept:", 1) + aPost,
	strings.Replace(aPost, "accept:", "Connection: keep-alive\r\naccept:", 1) + aPost,
	strings.Replace(aPost, "accept:", "Pragma: no-cache\r\naccept:", 1) + aPost,
	strings.Replace(aPost, "accept:", "Host: other\r\naccept:", 1) + aPost,
	strings.Replace(aPost, "Host: h:1\r\n", "", 1) + aPost,
	strings.Replace(aPost, "Host: h:1", "Host: a b", 1) + aPost,
	strings.Replace(aPost, "Host: h:1", "Host:", 1) + aPost,
	strings.Replace(aPost, "Host: h:1", "Host: a/b", 1) + aPost,
	strings.Replace(aPost, "accept:", "\x00:", 1) + aPost,
	strings.Replace(aPost, "accept:", "acc ept:", 1) + aPost,
	strings.Replace(aPost, "accept:", "accept :", 1) + aPost,
	strings.Replace(aPost, "accept:", ":", 1) + aPost,
	strings.Replace(aPost, "*/*", "a\x00b", 1) + aPost,
	strings.Replace(aPost, "*/*", "\xff\xfe", 1) + aPost,
	strings.Replace(aPost, "HTTP/1.1", "HTTP/1.0", 1) + aPost,
	strings.Replace(aPost, "HTTP/1.1", "HTTP/1.2", 1) + aPost,
	strings.Replace(aPost, "%3D", "%zz", 1) + aPost,
	strings.Replace(aPost, "/a/", "http://other/a/", 1) + aPost,
	strings.Replace(aPost, "/a/", "//other/a/", 1) + aPost,
	strings.Replace(aPost, "%3D", "?a=b#c", 1) + aPost,
	strings.Replace(aPost, "b%3D", "unread", 1) + aPost,
	strings.Replace(aPost, "b%3D", "close", 1) + aPost,
	strings.Replace(aPost, "b%3D", "abort", 1) + aPost,
	aPost + strings.Replace(aPost, "b%3D", "close", 1) + aPost,
	aPost + strings.Replace(aPost, "b%3D", "abort", 1) + aPost,
	strings.Replace(aPost, "b%3D", "none", 1) + strings.Replace(aPost, "b%3D", "odd", 1) + strings.Replace(aPost, "b%3D", "typed", 1) + strings.Replace(aPost, "b%3D", "empty", 1),
	strings.Replace(aPost, "Content-Length: 5", "Content-Length: 6", 1),
	strings.Replace(aPost, "Content-Length: 5\r\n", "", 1),
	strings.Replace(aPost, "Content-Length: 5", "Content-Length: 0", 1),
	strings.Replace(aPost, "hello", strings.Repeat("x", 5000), 1),
	strings.Replace(strings.Replace(aPost, "Content-Length: 5", "Content-Length: 5000", 1), "hello", strings.Repeat("x", 5000), 1) + aPost,
	strings.Replace(aPost, "accept:", strings.Repeat("x-long: "+strings.Repeat("y", 90)+"\r\n", 60)+"accept:", 1) + aPost,
	aPost[:50], "POS", "P", "\r\n\r\n\r\n\r\n",
}

// FuzzDirect holds what is answered directly against what net/http answers: for the same bytes, however they arrive, a
// client must not be able to tell the difference.
func FuzzDirect(f *testing.F) {
	for _, d := range dialogues {
		f.Add([]byte(d), []byte(nil))
		f.Add([]byte(d), []byte{0})
		f.Add([]byte(d), []byte{byte(len(aPost) - 1)})
		f.Add([]byte(d), []byte{10, 200, 3})
	}
	handler := http.HandlerFunc(echo)
	config := Config{Handler: handler, Direct: isDirect, Waits: waits}
	plain, direct, looped := serve(f, Config{Handler: handler}), serve(f, config), listen(f, config)
	f.Fuzz(func(t *testing.T, text, sizes []byte) {
		want := plain.say(text, sizes)
		if got := direct.say(text, sizes); got != want {
			t.Errorf("%q in pieces of %v:\n got %q\nwant %q", text, sizes, got, want)
		}
		if len(text) > 0 && text[0] == 0x16 {
			return // over a socket this is TLS
		}
		if got := looped.say(t, text, sizes); got != want {
			t.Errorf("over a socket, %q in pieces of %v:\n got %q\nwant %q", text, sizes, got, want)
		}
	})
}

func waits(r *http.Request) bool { return strings.Contains(r.RequestURI, "waits") }

// What is meant to be answered directly is, and nothing else. The client waits for each answer, and writes what is parted by
// a bar one after the other.
func TestOnlyPlainPostsAreAnsweredDirectly(t *testing.T) {
	t.Parallel()
	get := "GET /x HTTP/1.1\r\nHost: h\r\n\r\n"
	chunked := "POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
	for _, test := range []struct {
		requests []string
		want     string
	}{
		{[]string{aPost, aPost + aPost, get, aPost, get, aPost}, "dddndnd"},
		{[]string{"POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", aPost, "\r\n" + aPost}, "ndd"},
		{[]string{aPost, chunked, aPost, aPost}, "dnnn"},
		{[]string{strings.Replace(aPost, "hello", "|hello", 1), aPost + strings.Replace(aPost, "hello", "he|llo", 1), get, aPost}, "dddnd"},
		{[]string{strings.Replace(aPost, "\r\nHost", "\r\n|Host", 1)}, "n"},
		{[]string{strings.Replace(aPost, "b%3D", "waits", 1), aPost}, "nd"},
		{[]string{strings.Replace(aPost, "POST", "GET", 1), aPost}, "nd"},
		{[]string{strings.Replace(aPost, "/@", "/", 1), aPost}, "nd"},
		{[]string{"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", aPost}, "d"},
	} {
		asked := make(chan bool, 10) // whether directly
		l := serve(t, Config{Direct: isDirect, Waits: waits, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, direct := w.(*answer)
			asked <- direct
			echo(w, r)
		})})
		idle := make(chan bool)
		turn := l.server.ConnState
		l.server.ConnState = func(c net.Conn, state http.ConnState) {
			if turn(c, state); state == http.StateIdle {
				idle <- true
			}
		}
		near, far := net.Pipe()
		l.conns <- &conn{Conn: far}
		var got []byte
		for _, text := range test.requests {
			go func() {
				for piece := range strings.SplitSeq(text, "|") {
					io.WriteString(near, piece)
				}
			}()
			answers := bufio.NewReader(near)
			for range max(1, strings.Count(strings.ReplaceAll(text, "|", ""), "hello")) {
				response, err := http.ReadResponse(answers, nil)
				if err != nil {
					break
				}
				io.Copy(io.Discard, response.Body)
				if strings.HasPrefix(text, "OPTIONS") {
					<-idle
				} else if <-asked {
					got = append(got, 'd')
				} else {
					got = append(got, 'n')
					<-idle
				}
			}
		}
		near.Close()
		if string(got) != test.want {
			t.Errorf("%q: %s, want %s", test.requests, got, test.want)
		}
	}
}

// A connection that is busy with requests that net/http does not see is not idle, and one that no longer is has as long as
// any other.
func TestDirectRequestsKeepAConnectionAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := serve(t, Config{Handler: http.HandlerFunc(echo), Direct: isDirect})
		near, far := net.Pipe()
		l.conns <- &conn{Conn: far}
		ask := func(text string) {
			t.Helper()
			go io.WriteString(near, text)
			buf := make([]byte, 4096)
			if n, err := near.Read(buf); err != nil || !strings.HasPrefix(string(buf[:n]), "HTTP/1.1 200 OK\r\n") {
				t.Fatalf("%q %v", buf[:n], err)
			}
		}
		for range 20 {
			ask(aPost)
			time.Sleep(time.Minute)
		}
		// The first request that net/http sees has its time to arrive, long after the connection began.
		io.WriteString(near, "GET /x HTTP/1.1\r\n")
		time.Sleep(29 * time.Second)
		ask("Host: h\r\n\r\n")
		for range 20 {
			time.Sleep(4 * time.Minute)
			ask(aPost)
		}
		began := time.Now()
		io.Copy(io.Discard, near) // until the server closes
		if took := time.Since(began); took != 5*time.Minute {
			t.Errorf("closed after %s", took)
		}
	})
}

// A head that comes too slowly is cut off after direct requests as well.
func TestAHeadAfterADirectRequestHasItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := serve(t, Config{Handler: http.HandlerFunc(echo), Direct: isDirect})
		near, far := net.Pipe()
		l.conns <- &conn{Conn: far}
		go io.WriteString(near, aPost)
		buf := make([]byte, 4096)
		near.Read(buf)
		time.Sleep(time.Minute)
		io.WriteString(near, aPost[:30])
		began := time.Now()
		io.Copy(io.Discard, near)
		if took := time.Since(began); took != 30*time.Second {
			t.Errorf("closed after %s", took)
		}
	})
}

func TestDirectRequestsOverTLS(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"h"}}
	text, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	server := New(Config{Direct: isDirect, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, direct := w.(*answer)
		seen = append(seen, fmt.Sprint(direct, r.TLS != nil && r.TLS.ServerName == "h"))
		echo(w, r)
	})})
	served := make(chan struct{})
	go func() {
		server.Serve(l, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{text}, PrivateKey: key}}})
		close(served)
	}()
	c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true, ServerName: "h"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, text := range []string{aPost, aPost, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n"} {
		io.WriteString(c, text)
		buf := make([]byte, 4096)
		if n, err := c.Read(buf); err != nil || !strings.Contains(string(buf[:n]), "tls true") {
			t.Errorf("%q %v", buf[:n], err)
		}
	}
	server.Close()
	<-served
	if want := []string{"true true", "true true", "false true"}; !slices.Equal(seen, want) {
		t.Errorf("%v, want %v", seen, want)
	}
}

// Whoever takes a connection over gets what was read of it and not yet handed out.
func TestNothingIsLostToWhoeverTakesOver(t *testing.T) {
	taken := make(chan string, 1)
	l := serve(t, Config{Direct: isDirect, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		socket, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		early, _ := buffered.Reader.Peek(buffered.Reader.Buffered())
		rest, _ := io.ReadAll(socket.(interface{ Unwrap() net.Conn }).Unwrap())
		taken <- string(early) + string(rest)
		socket.Close()
	})})
	for _, upgrade := range []string{"", "Upgrade: websocket\r\nConnection: Upgrade\r\n"} {
		for _, sizes := range [][]byte{nil, {0}, {30}} {
			l.say([]byte("GET /x HTTP/1.1\r\nHost: h\r\n"+upgrade+"\r\n"+aPost), sizes)
			if got := <-taken; got != aPost {
				t.Errorf("%q in pieces of %v: %q", upgrade, sizes, got)
			}
		}
	}
}
