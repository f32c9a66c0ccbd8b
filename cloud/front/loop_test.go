package front

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// door is a server on a port of its own. Where there are event loops, they serve what begins with a post.
type door struct {
	*Server
	address string
}

// listen serves until the test is over. The limits may be set before.
func listen(t testing.TB, config Config, limits ...func(*Server)) *door {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &door{New(config), l.Addr().String()}
	d.ErrorLog = log.New(io.Discard, "", 0)
	for _, f := range limits {
		f(d.Server)
	}
	served := make(chan struct{})
	go func() {
		d.Serve(l, nil)
		close(served)
	}()
	t.Cleanup(func() {
		d.Close()
		<-served
	})
	return d
}

func (d *door) dial(t testing.TB) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", d.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}

// say writes a text in pieces, then no more, and returns all that is answered.
func (d *door) say(t testing.TB, text, sizes []byte) string {
	c := d.dial(t)
	defer c.Close()
	go func() {
		for i := 0; len(text) > 0; i++ {
			n := len(text)
			if len(sizes) > 0 {
				n = min(n, 1+int(sizes[i%len(sizes)]))
			}
			if _, err := c.Write(text[:n]); err != nil {
				return // it is closed already
			}
			text = text[n:]
		}
		c.CloseWrite()
	}()
	answers, _ := io.ReadAll(c) // a connection that is closed before all was said is reset
	return aDate.ReplaceAllString(string(answers), "\r\nDate: then\r\n")
}

// way says by which way a request has come to its handler.
func way(w http.ResponseWriter) byte {
	a, direct := w.(*answer)
	switch {
	case !direct:
		return 'n'
	case a.later == nil:
		return 'd'
	}
	return 'l'
}

// A connection is served by a loop until something comes that is not for it, and that and all after it are answered as ever.
func TestConnectionsOfPostsAreServedByLoops(t *testing.T) {
	t.Parallel()
	if l, err := newLoop(&listener{server: New(Config{})}); err != nil {
		t.Skip(err)
	} else {
		l.stop()
	}
	get := "GET /x HTTP/1.1\r\nHost: h\r\n\r\n"
	for _, test := range []struct {
		requests []string // each is answered before the next is sent; "…" and "|" cut one that comes in two pieces
		want     string
	}{
		{[]string{aPost, aPost + aPost, get, aPost, get}, "lllndn"},
		{[]string{get, aPost}, "nd"},
		{[]string{aPost[:70] + "…" + aPost[70:], aPost}, "nd"},
		{[]string{aPost, aPost[:70] + "…" + aPost[70:], aPost}, "lnd"},
		{[]string{strings.Replace(aPost, "hello", "|hello", 1), aPost + strings.Replace(aPost, "hello", "he|llo", 1)}, "lll"},
		{[]string{aPost, "\r\n" + aPost, aPost}, "ldd"},
		{[]string{aPost + get, aPost}, "lnd"},
		{[]string{strings.Replace(aPost, "b%3D", "waits", 1), aPost}, "nd"},
		{[]string{aPost, strings.TrimSuffix(strings.Replace(aPost, "Content-Length: 5", "Content-Length: 5000", 1), "hello") + strings.Repeat("hello", 1000), aPost}, "lll"},
	} {
		var mu sync.Mutex
		var got []byte
		half, idle := make(chan bool, 1), make(chan bool, len(test.requests))
		d := listen(t, Config{Direct: isDirect, Waits: waits, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			got = append(got, way(w))
			mu.Unlock()
			echo(w, r)
		})}, func(s *Server) {
			turn := s.ConnState
			s.ConnState = func(c net.Conn, state http.ConnState) {
				switch turn(c, state); state {
				case http.StateNew:
					half <- true // once for the only connection
				case http.StateIdle:
					idle <- true
				}
			}
		})
		c := d.dial(t)
		answers := bufio.NewReader(c)
		for _, text := range test.requests {
			first, second, cut := strings.Cut(text, "…")
			for piece := range strings.SplitSeq(first, "|") {
				io.WriteString(c, piece)
			}
			if cut {
				<-half // net/http has it
				io.WriteString(c, second)
			}
			for range strings.Count(text, "HTTP/1.1") {
				response, err := http.ReadResponse(answers, nil)
				if err != nil {
					t.Fatalf("%q: %v", text, err)
				}
				io.Copy(io.Discard, response.Body)
			}
			mu.Lock()
			last := got[len(got)-1]
			mu.Unlock()
			if last == 'n' {
				<-idle // what comes before net/http waits for it is net/http's
			}
		}
		mu.Lock()
		if string(got) != test.want {
			t.Errorf("%q: %s, want %s", test.requests, got, test.want)
		}
		mu.Unlock()
	}
}

// A client that sends and sends and reads nothing gets its answers when it does.
func TestAnswersThatAreNotReadWait(t *testing.T) {
	t.Parallel()
	d := listen(t, Config{Direct: isDirect, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write(bytes.Repeat([]byte("x"), 4000))
	})})
	c := d.dial(t)
	const requests = 4000 // 16 MB of answers
	sent := make(chan error, 1)
	go func() {
		_, err := io.WriteString(c, strings.Repeat(aPost, requests))
		sent <- err
	}()
	select { // what comes first: all is sent, or the server reads no more, as it cannot write
	case <-sent:
		sent <- nil
	case <-time.After(time.Second):
	}
	answers := bufio.NewReader(c)
	for i := range requests {
		response, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatalf("answer %d: %v", i, err)
		}
		if n, err := io.Copy(io.Discard, response.Body); n != 4000 || err != nil {
			t.Fatalf("answer %d: %d bytes, %v", i, n, err)
		}
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}

func TestManyConnectionsOfPosts(t *testing.T) {
	t.Parallel()
	d := listen(t, Config{Handler: http.HandlerFunc(echo), Direct: isDirect})
	var group sync.WaitGroup
	for range 200 {
		c := d.dial(t)
		group.Go(func() {
			answers := bufio.NewReader(c)
			for i := range 20 {
				text := aPost
				if i%7 == 3 {
					text += aPost
				}
				io.WriteString(c, text)
				for range len(text) / len(aPost) {
					response, err := http.ReadResponse(answers, nil)
					if err != nil || response.StatusCode != http.StatusOK {
						t.Error(response, err)
						return
					}
					if body, err := io.ReadAll(response.Body); err != nil || !bytes.Contains(body, []byte(`body "hello"`)) {
						t.Errorf("%q %v", body, err)
					}
				}
			}
			c.Close()
		})
	}
	group.Wait()
}

func TestIdleConnectionsOfPostsAreClosed(t *testing.T) {
	t.Parallel()
	d := listen(t, Config{Handler: http.HandlerFunc(echo), Direct: isDirect}, func(s *Server) { s.IdleTimeout = 50 * time.Millisecond })
	var all []net.Conn
	for range 3 {
		c := d.dial(t)
		io.WriteString(c, aPost)
		all = append(all, c)
	}
	for _, c := range all {
		answers := bufio.NewReader(c)
		response, err := http.ReadResponse(answers, nil)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatal(response, err)
		}
		io.Copy(io.Discard, response.Body)
		if _, err := answers.ReadByte(); err != io.EOF { // in the end
			t.Error(err)
		}
	}
}

// A server that is shut down ends the connections of its loops between two requests, and waits for none that is idle.
func TestShutdownEndsLoops(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan bool), make(chan bool)
	d := listen(t, Config{Direct: isDirect, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.RequestURI, "odd") {
			entered <- true
			<-leave
		}
		echo(w, r)
	})})
	idle, busy := d.dial(t), d.dial(t)
	answered := func(c net.Conn) int {
		response, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode
	}
	io.WriteString(idle, aPost)
	answered(idle)
	io.WriteString(busy, strings.Replace(aPost, "b%3D", "odd", 1))
	<-entered
	down := make(chan error)
	go func() { down <- d.Shutdown(context.Background()) }()
	leave <- true
	if status := answered(busy); status != 499 {
		t.Errorf("a request that was being answered: status %d", status)
	}
	if err := <-down; err != nil {
		t.Error(err)
	}
	for _, c := range []net.Conn{idle, busy} {
		if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Errorf("a connection is open after the shutdown: %d %v", n, err)
		}
	}
}

// What answers postpone is done once they all are given, and before the first of them is sent.
func TestWhatIsPostponedIsDoneBeforeTheAnswers(t *testing.T) {
	t.Parallel()
	var f counter
	d := listen(t, Config{Direct: isDirect, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p, ok := w.(interface{ Postpone(Flusher) bool }); !ok || f.given.Add(1) > 0 && !p.Postpone(&f) {
			f.Flush()
		}
	})})
	c := d.dial(t)
	answers := bufio.NewReader(c)
	for i := range int64(10) {
		io.WriteString(c, aPost+aPost)
		for range 2 {
			if response, err := http.ReadResponse(answers, nil); err != nil || response.StatusCode != http.StatusOK {
				t.Fatal(response, err)
			}
			if flushed := f.flushed.Load(); flushed < 2*i+1 {
				t.Errorf("an answer before what it has postponed: %d of %d", flushed, f.given.Load())
			}
		}
	}
	if given, flushed := f.given.Load(), f.flushed.Load(); given != flushed {
		t.Errorf("%d postponed, %d done", given, flushed)
	}
}

type counter struct{ given, flushed atomic.Int64 }

func (c *counter) Flush() { c.flushed.Add(1) }

// A handler that panics costs its own connection only, and the log says so.
func TestAPanicClosesOneConnectionOfALoop(t *testing.T) {
	t.Parallel()
	logged := make(chan string, 1)
	d := listen(t, Config{Direct: isDirect, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.RequestURI, "odd") {
			panic("it is odd")
		}
		echo(w, r)
	})}, func(s *Server) { s.ErrorLog = log.New(lines(logged), "", 0) })
	other := d.dial(t)
	if got := d.say(t, []byte(aPost+strings.Replace(aPost, "b%3D", "odd", 1)+aPost), nil); strings.Count(got, "HTTP/1.1 200 OK") != 1 {
		t.Errorf("%q", got)
	}
	if line := <-logged; !strings.Contains(line, "panic serving 127.0.0.1:") || !strings.Contains(line, "it is odd") {
		t.Errorf("logged %q", line)
	}
	io.WriteString(other, aPost)
	if response, err := http.ReadResponse(bufio.NewReader(other), nil); err != nil || response.StatusCode != http.StatusOK {
		t.Error(response, err)
	}
}

type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

// A connection that comes while its loop ends is closed.
func TestAStoppedLoopClosesWhatItIsGiven(t *testing.T) {
	t.Parallel()
	l, err := newLoop(&listener{server: New(Config{})})
	if err != nil {
		t.Skip(err)
	}
	l.stop()
	near, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	c, err := net.Dial("tcp", near.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	socket, err := near.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if !l.adopt(t.Context(), socket, []byte(aPost)) {
		t.Error("it is left to others")
	}
	if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Error(n, err)
	}
}
