package cloud

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"quotewire/cloud/apigateway"
)

// headConn remembers the head of the request that is being read, as the client wrote it. net/http brings the names of
// headers into a form of its own; API Gateway shows them to functions in the client's spelling.
//
// Nothing is remembered of bodies, nor of what follows once the socket is taken over for a WebSocket.
type headConn struct {
	net.Conn
	secure func() *tls.ConnectionState // nil for plain text

	open atomic.Bool // a head is being read
	mu   sync.Mutex  // guards head
	head []byte
}

var endOfHead = []byte("\r\n\r\n")

func newHeadConn(c net.Conn) *headConn {
	h := &headConn{Conn: c}
	if secure, ok := c.(*tls.Conn); ok {
		h.secure = sync.OnceValue(func() *tls.ConnectionState {
			state := secure.ConnectionState()
			return &state
		})
	}
	h.open.Store(true)
	return h
}

func (c *headConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 && c.open.Load() {
		c.remember(p[:n])
	}
	return n, err
}

func (c *headConn) remember(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	from := max(0, len(c.head)-len(endOfHead)+1)
	c.head = append(c.head, p...)
	if end := bytes.Index(c.head[from:], endOfHead); end >= 0 {
		c.head = c.head[:from+end]
		c.open.Store(false)
	} else if len(c.head) > maxHead { // net/http refuses it as well
		c.head = nil
		c.open.Store(false)
	}
}

// HeaderNames returns the names of the request's headers as the client wrote them, in its order.
func (c *headConn) HeaderNames() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var names []string
	for line := range bytes.SplitSeq(c.head, []byte("\r\n")) {
		if name, _, ok := bytes.Cut(line, []byte(":")); ok {
			names = append(names, string(name))
		}
	}
	return names
}

// Unwrap returns the connection without a memory: for whoever takes the socket over.
func (c *headConn) Unwrap() net.Conn { return c.Conn }

// CloseWrite ends what is sent, and leaves open what is read.
func (c *headConn) CloseWrite() error {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		return http.ErrNotSupported
	}
	return half.CloseWrite()
}

// next makes the connection ready for the head of another request.
func (c *headConn) next() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.head = c.head[:0]
	c.open.Store(true)
}

type headKey struct{}

func withHead(ctx context.Context, c net.Conn) context.Context {
	h, ok := c.(*headConn)
	if !ok {
		return ctx
	}
	return context.WithValue(apigateway.WithHeaderNames(ctx, h.HeaderNames), headKey{}, h)
}

// rememberingHeads serves h on connections that remember the heads of requests. It tells h of TLS, which net/http finds
// only on connections of no other type.
func rememberingHeads(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := r.Context().Value(headKey{}).(*headConn); ok {
			if c.secure != nil {
				r.TLS = c.secure()
			}
			defer c.next()
		}
		h.ServeHTTP(w, r)
	})
}
