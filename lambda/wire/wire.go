// Package wire is an HTTP client for functions that make one call after the other. A call is written and its answer read
// by the goroutine that makes it, on a connection that nobody else has: the two goroutines and the channels that net/http
// has for each connection are a good part of what a short call costs, and a function has no use for them.
//
// It speaks HTTP/1.1 over TCP and TLS, keeps connections, obeys contexts, and knows nothing of redirects, cookies,
// compression or HTTP/2. What has to go through a proxy is left to net/http.
package wire

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Transport is a [http.RoundTripper], and an HTTPClient of AWS's SDK. The zero value is ready for use, by any number of
// goroutines.
type Transport struct {
	// TLS, if not nil, is what connections over TLS begin with.
	TLS *tls.Config
	// Direct says that no proxy is used, whatever the environment says.
	Direct bool

	mu       sync.Mutex        // protects following
	idle     map[place][]*conn // those that block behind the others
	blocking int               // connections that block, idle and in use
	blocked  bool              // one of them is in use
}

// maxIdle bounds the idle connections to one place.
const maxIdle = 64

// maxBlocking bounds the connections that hold a thread while they wait. One is in use at a time: what a function calls
// meanwhile waits in the runtime's poller. A call that blocks also keeps a processor from other goroutines, for up to ten
// milliseconds, so there has to be another one.
const maxBlocking = 4

// dialTimeout bounds the time until a connection is there, as in net/http.
const dialTimeout = 30 * time.Second

// place is where a connection leads.
type place struct{ scheme, host string }

// conn is a connection, of one call at a time.
type conn struct {
	net.Conn
	of     *Transport
	to     place
	tcp    net.Conn // below
	blocks bool     // see maxBlocking; the transport's lock protects it
	in     *bufio.Reader
	out    *bufio.Writer
}

// Do is RoundTrip.
func (t *Transport) Do(r *http.Request) (*http.Response, error) { return t.RoundTrip(r) }

// RoundTrip sends a request and returns its answer as soon as its head is there. A connection that ends while it waits for
// the next request is noticed before that is written. One that ends later is an error: whether to repeat the call is for
// the caller to say.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if !t.Direct {
		if proxy, err := http.ProxyFromEnvironment(r); proxy != nil || err != nil {
			return http.DefaultTransport.RoundTrip(r)
		}
	}
	_, answer, err := t.send(nil, r)
	return answer, err
}

// Join sends two requests in one write, to a server that is known to take that (HTTP pipelining), and returns both answers:
// that of the first, which has all of its body, also if the second has none. The context of the second is that of both, and
// no proxy is used.
func (t *Transport) Join(first, second *http.Request) (*http.Response, *http.Response, error) {
	return t.send(first, second)
}

// send sends a request, and right before it the one that is joined to it, if any.
func (t *Transport) send(joined, r *http.Request) (first, answer *http.Response, err error) {
	ctx := r.Context()
	c, err := t.conn(ctx, r.URL)
	if err != nil {
		for _, r := range []*http.Request{joined, r} {
			if r != nil && r.Body != nil {
				r.Body.Close()
			}
		}
		return nil, nil, err
	}
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) }) // a connection that has got one is not kept
	first, answer, err = c.call(joined, r)
	if err != nil {
		stop()
		c.Close()
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return first, nil, err
	}
	end := func(whole bool) {
		if whole = stop() && whole && !answer.Close && !r.Close; !whole || !t.keep(c) {
			c.Close()
		}
	}
	if answer.Body == http.NoBody || answer.ContentLength == 0 {
		end(true)
		return first, answer, nil
	}
	answer.Body = &body{ReadCloser: answer.Body, end: end}
	return first, answer, nil
}

// call writes a request, with the one that is joined to it, and reads the answer of that and the head of its own.
func (c *conn) call(joined, r *http.Request) (first, answer *http.Response, err error) {
	if joined != nil {
		err = joined.Write(c.out)
	}
	if err == nil {
		err = r.Write(c.out)
	}
	if err == nil {
		err = c.out.Flush()
	}
	if err == nil && joined != nil {
		if first, err = c.answer(joined); err == nil {
			var text []byte
			text, err = io.ReadAll(first.Body)
			first.Body = io.NopCloser(bytes.NewReader(text))
			if err == nil && first.Close {
				err = errAlone
			}
		}
	}
	if err == nil {
		answer, err = c.answer(r)
	}
	return first, answer, err
}

// errAlone says that of two joined requests the second has no answer.
var errAlone = errors.New("the server has ended the connection behind the first of two requests")

// answer reads the head of an answer.
func (c *conn) answer(r *http.Request) (*http.Response, error) {
	for {
		answer, err := http.ReadResponse(c.in, r)
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil || answer.StatusCode >= 200 || answer.StatusCode == http.StatusSwitchingProtocols {
			return answer, err
		}
	}
}

// body gives the connection back when it has been read to its end.
type body struct {
	io.ReadCloser
	end func(whole bool) // nil once it was called
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.ended(err == io.EOF)
	}
	return n, err
}

// Close ends the connection if the body was not read to its end.
func (b *body) Close() error {
	b.ended(false)
	return nil
}

func (b *body) ended(whole bool) {
	if b.end != nil {
		b.end(whole)
		b.end = nil
	}
}

// conn returns a connection for a call, an idle one or a new one: one that blocks, if no other is in use.
func (t *Transport) conn(ctx context.Context, u *url.URL) (*conn, error) {
	to := place{u.Scheme, u.Host}
	for {
		c, idle := t.choose(to)
		if !idle {
			return c, t.dial(ctx, c, u)
		}
		if c.in.Buffered() == 0 && isQuiet(c.tcp) {
			return c, nil
		}
		c.Close()
	}
}

// choose takes an idle connection, or makes one that is to be dialed.
func (t *Transport) choose(to place) (c *conn, idle bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := t.idle[to]
	last := len(list) - 1
	block := !t.blocked && runtime.GOMAXPROCS(0) > 1
	switch {
	case block && last >= 0 && list[last].blocks:
		t.blocked = true
		t.idle[to] = list[:last]
		return list[last], true
	case block && t.blocking < maxBlocking:
		t.blocked = true
		t.blocking++
		return &conn{of: t, to: to, blocks: true}, false
	case last >= 0 && !list[0].blocks:
		c = list[0]
		t.idle[to] = slices.Delete(list, 0, 1)
		return c, true
	}
	return &conn{of: t, to: to}, false
}

// keep keeps a connection for later; false if there are enough of them.
func (t *Transport) keep(c *conn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.idle == nil {
		t.idle = map[place][]*conn{}
	}
	list := t.idle[c.to]
	if len(list) >= maxIdle {
		return false
	}
	if c.blocks {
		t.blocked = false
		t.idle[c.to] = append(list, c)
	} else {
		t.idle[c.to] = slices.Insert(list, 0, c)
	}
	return true
}

// forget ends the counting of a connection that was in use.
func (t *Transport) forget(c *conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.blocks {
		c.blocks, t.blocked = false, false
		t.blocking--
	}
}

// Close closes a connection that is in use.
func (c *conn) Close() error {
	c.of.forget(c)
	return c.Conn.Close()
}

// dial connects c.
func (t *Transport) dial(ctx context.Context, c *conn, u *url.URL) (err error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	secure := c.to.scheme == "https"
	port := u.Port()
	if port == "" {
		port = "80"
		if secure {
			port = "443"
		}
	}
	c.tcp, err = new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		t.forget(c)
		return err
	}
	if c.blocks {
		c.tcp = blocking(c.tcp)
	}
	c.Conn = c.tcp
	if secure {
		config := t.TLS.Clone()
		if config == nil {
			config = &tls.Config{}
		}
		if config.ServerName == "" {
			config.ServerName = u.Hostname()
		}
		shaken := tls.Client(c.tcp, config)
		if err := shaken.HandshakeContext(ctx); err != nil {
			c.Close()
			return err
		}
		c.Conn = shaken
	}
	c.in, c.out = bufio.NewReader(c.Conn), bufio.NewWriter(c.Conn)
	return nil
}
