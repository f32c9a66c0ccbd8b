package front

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// conn is a connection as net/http sees it. It follows the requests that net/http reads, and remembers the head of the
// one that is being read or answered; of those that it answers itself net/http sees nothing.
//
// Read is called by one goroutine at a time: the one in which net/http serves the connection, or while that answers a
// request, the one that notices its client hanging up. What has no lock is for the one that reads.
type conn struct {
	net.Conn
	server  *Server         // nil before net/http has it
	context context.Context // of its requests

	state  http.ConnState
	lost   bool   // where requests begin is no longer known: everything is passed on
	body   int64  // bytes of the body of net/http's request that are still to be passed on
	held   []byte // what was read beyond the end of that request
	direct *direct
	common *http.Request
	out    []byte    // answers to be sent
	last   time.Time // when a request was last answered here or by a loop; zero once one was passed on since

	mu    sync.Mutex // guards the following
	head  []byte     // of net/http's request, without the empty line that ends it
	whole bool       // the head has been passed on as a whole
	early []byte     // what was read of the next head while the request was being answered
}

// secureConn is a conn over TLS. net/http asks it for its state.
type secureConn struct {
	*conn
	tls *tls.Conn
}

// ConnectionState returns what TLS has agreed on.
func (c *secureConn) ConnectionState() tls.ConnectionState { return c.tls.ConnectionState() }

// connOf returns the conn in a connection of a [Listener]; nil for one of HTTP/2.
func connOf(c net.Conn) *conn {
	switch c := c.(type) {
	case *conn:
		return c
	case *secureConn:
		return c.conn
	}
	return nil
}

// turn notes what net/http does with the connection. When it is idle, it has read all of a request and answered it.
func (c *conn) turn(state http.ConnState) {
	c.state = state
	if state != http.StateIdle {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.whole || c.body > 0 {
		c.lost = true // it disagrees
	}
	c.whole, c.head, c.early = false, append(c.head[:0], c.early...), nil
}

// waits reports whether net/http waits for a request, and whatever was read belongs to one that is answered.
func (c *conn) waits() bool {
	return !c.lost && c.body == 0 && len(c.head) == 0 && (c.state == http.StateIdle || c.state == http.StateNew)
}

func (c *conn) Read(p []byte) (int, error) {
	if c.waits() && c.server != nil && c.server.config.Direct != nil {
		return c.between(p)
	}
	n, err := c.take(p)
	return c.pass(p[:n]), err
}

// take reads what was held back, and then the connection.
func (c *conn) take(p []byte) (int, error) {
	if len(c.held) > 0 {
		n := copy(p, c.held)
		if c.held = c.held[n:]; len(c.held) == 0 {
			c.held = nil
		}
		return n, nil
	}
	n, err := c.Conn.Read(p)
	if n > 0 {
		err = nil // it comes again, when what was read has been seen to
	}
	return n, err
}

// enough is how many bytes net/http waits for before it begins with a request. Until they are there its deadline is that of
// an idle connection.
const enough = 4

// between reads while net/http waits for a request. It answers the requests that are for it, and returns what begins
// with one that is not.
func (c *conn) between(p []byte) (int, error) {
	n, blank, want := 0, 0, enough
	for {
		for n < want {
			if err := c.flush(); err != nil {
				return 0, err
			}
			m, err := c.take(p[n:])
			if n += m; err == nil {
				continue
			}
			if errors.Is(err, os.ErrDeadlineExceeded) && c.prolong() {
				continue
			}
			if !c.last.IsZero() && n < enough {
				return 0, err // of too little to be a request net/http overlooks that too, but for the first
			}
			return c.pass(p[:n]), err
		}
		// After a POST clients may send an empty line or two that belong to nothing, and net/http overlooks them.
		for !c.last.IsZero() && n > 0 && blank < enough && (p[0] == '\r' || p[0] == '\n') {
			n, blank = copy(p, p[1:n]), blank+1
		}
		if n < enough {
			continue
		}
		size, err := c.answer(p[:n])
		if err != nil {
			return 0, err
		}
		if size == 0 || size > len(p) {
			break
		}
		if size > n { // many clients write the head and the body one after the other
			want = size
			continue
		}
		n, blank, want = copy(p, p[size:n]), 0, enough
	}
	if err := c.flush(); err != nil {
		return 0, err
	}
	if !c.last.IsZero() {
		c.last = time.Time{}
		// The time for the head of a first request begins with the connection. This one is not the first.
		if d := c.server.ReadHeaderTimeout; d > 0 && c.state == http.StateNew {
			c.SetReadDeadline(time.Now().Add(d))
		}
	}
	return c.pass(p[:n]), nil
}

// answer answers the request that p begins with and returns its size; 0 if it is one for net/http. Of a request that is not
// there as a whole it returns the size and no more. What has been answered is sent with the next flush. The error is io.EOF
// if the connection is to be closed.
func (c *conn) answer(p []byte) (size int, err error) {
	if c.direct == nil {
		c.direct, c.common = newDirect(&c.server.config), newCommon(c.context, c.Conn)
	}
	d := c.direct
	r, size := d.parse(c.common, p)
	if r == nil {
		return size, nil
	}
	if d.waits(r) {
		return 0, nil
	}
	d.answer.reset()
	answered := false
	defer func() {
		if !answered { // the handler has panicked, which is for net/http to see to
			c.flush()
		}
	}()
	d.config.Handler.ServeHTTP(&d.answer, r)
	answered = true
	c.last = time.Now()
	var closing bool
	if c.out, closing = d.answer.append(c.out, c.last); closing {
		if err := c.flush(); err != nil {
			return 0, err
		}
		return 0, io.EOF
	}
	return size, nil
}

// flush sends the answers.
func (c *conn) flush() error {
	if len(c.out) == 0 {
		return nil
	}
	_, err := c.Write(c.out)
	c.out = c.out[:0]
	return err
}

// prolong sets the deadline of a connection that was idle for too long as far as net/http knows to when it will have been,
// counted from the last request that was answered here; false if it has.
func (c *conn) prolong() bool {
	d := c.server.IdleTimeout
	if c.last.IsZero() || d <= 0 {
		return false
	}
	due := c.last.Add(d)
	if !time.Now().Before(due) {
		return false
	}
	c.SetReadDeadline(due)
	return true
}

// pass follows bytes that net/http is about to get, and returns how many of them it may have: what is beyond the end of its
// request is held back.
func (c *conn) pass(p []byte) int {
	n := 0
	if c.body == 0 {
		var ended bool
		if n, ended = c.remember(p); c.lost || !ended {
			return len(p)
		}
	}
	rest := min(int64(len(p)-n), c.body)
	c.body -= rest
	if n += int(rest); n < len(p) {
		c.held = append(append(make([]byte, 0, len(p)-n+len(c.held)), p[n:]...), c.held...)
	}
	return n
}

// Unwrap returns the connection without a memory: for whoever takes the socket over.
func (c *conn) Unwrap() net.Conn {
	if len(c.held) > 0 {
		return &unreadConn{Conn: c.Conn, unread: c.held}
	}
	return c.Conn
}

// CloseWrite ends what is sent, and leaves open what is read.
func (c *conn) CloseWrite() error { return closeWrite(c.Conn) }
