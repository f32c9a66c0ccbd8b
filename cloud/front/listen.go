package front

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync"
	"time"
)

// sniffTimeout bounds how long a new connection may stay silent before its first byte says TLS or not.
const sniffTimeout = 30 * time.Second

// listener serves TLS and plain text on one port: a TLS record begins with the byte 0x16, which begins no HTTP request. It
// hands out connections ready for net/http, and those that begin with a post to be answered directly to event loops, if
// there can be some.
type listener struct {
	net.Listener
	server *Server
	config *tls.Config
	ctx    context.Context // of requests that a loop answers
	ready  chan net.Conn
	done   chan struct{}
	close  sync.Once

	mu      sync.Mutex // guards the following
	started bool
	closed  bool
	loops   []*loop
	turn    int
}

// maxLoops bounds how many event loops there are, however many processors.
const maxLoops = 8

// split returns a listener of the connections of l.
func (s *Server) split(l net.Listener, config *tls.Config) *listener {
	ctx := context.Background()
	if s.BaseContext != nil {
		ctx = s.BaseContext(l)
	}
	ctx = context.WithValue(ctx, http.ServerContextKey, &s.Server)
	made := &listener{Listener: l, server: s, config: config, ctx: ctx, ready: make(chan net.Conn), done: make(chan struct{})}
	go made.accept()
	return made
}

func (s *listener) accept() {
	for {
		c, err := s.Listener.Accept()
		if err != nil {
			var temporary net.Error
			if errors.As(err, &temporary) && temporary.Timeout() || isTooManyFiles(err) {
				// Out of descriptors: the ones that are open are served on, and some of them will close.
				select {
				case <-s.done:
					return
				case <-time.After(50 * time.Millisecond):
					continue
				}
			}
			s.Close()
			return
		}
		go s.sniff(c)
	}
}

// sniffRoom is for the first bytes of connections.
var sniffRoom = sync.Pool{New: func() any { return new([maxDirectHead]byte) }}

func (s *listener) sniff(c net.Conn) {
	room := sniffRoom.Get().(*[maxDirectHead]byte)
	defer sniffRoom.Put(room)
	c.SetReadDeadline(time.Now().Add(sniffTimeout))
	n, err := io.ReadAtLeast(c, room[:], 1)
	if err != nil {
		c.Close()
		return
	}
	c.SetReadDeadline(time.Time{})
	if s.server.config.isFor(room[:n]) {
		ctx := context.WithValue(s.ctx, http.LocalAddrContextKey, c.LocalAddr())
		if l := s.loop(); l != nil && l.adopt(ctx, c, room[:n]) {
			return
		}
	}
	socket := &unreadConn{Conn: c, unread: bytes.Clone(room[:n])}
	if room[0] != 0x16 {
		s.offer(&conn{Conn: socket})
		return
	}
	secure := tls.Server(socket, s.config)
	c.SetDeadline(time.Now().Add(sniffTimeout))
	if err := secure.Handshake(); err != nil {
		c.Close()
		return
	}
	c.SetDeadline(time.Time{})
	if secure.ConnectionState().NegotiatedProtocol == "h2" { // net/http wants one of HTTP/2 as it is
		s.offer(secure)
		return
	}
	s.offer(&secureConn{&conn{Conn: secure}, secure})
}

// loop returns a loop for a new connection; nil if there are none.
func (s *listener) loop() *loop {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	if !s.started {
		s.started = true
		for range min(runtime.GOMAXPROCS(0), maxLoops) {
			l, err := newLoop(s)
			if err != nil {
				s.server.logf("http: connections that post have a goroutine each: %v", err)
				break
			}
			s.loops = append(s.loops, l)
		}
	}
	if len(s.loops) == 0 {
		return nil
	}
	s.turn = (s.turn + 1) % len(s.loops)
	return s.loops[s.turn]
}

// offer hands a connection out.
func (s *listener) offer(c net.Conn) {
	select {
	case s.ready <- c:
	case <-s.done:
		c.Close()
	}
}

// Accept returns the next connection that has said what it speaks.
func (s *listener) Accept() (net.Conn, error) {
	select {
	case c := <-s.ready:
		return c, nil
	case <-s.done:
		return nil, net.ErrClosed
	}
}

// Close stops listening and ends the event loops. Connections that were handed out stay open.
func (s *listener) Close() error {
	s.close.Do(func() { close(s.done) })
	err := s.Listener.Close()
	s.mu.Lock()
	s.closed = true
	loops := s.loops
	s.mu.Unlock()
	for _, l := range loops {
		l.stop()
	}
	return err
}

// unreadConn gives back what was read of a connection before whoever it is for could: the byte that told TLS from plain
// text, for instance.
type unreadConn struct {
	net.Conn
	unread []byte
}

func (c *unreadConn) Read(p []byte) (int, error) {
	if len(c.unread) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.unread)
	c.unread = c.unread[n:]
	return n, nil
}

// Unread gives up the bytes that are to be read before those of the connection itself, which Unwrap returns: for whoever
// takes the socket over.
func (c *unreadConn) Unread() []byte {
	unread := c.unread
	c.unread = nil
	return unread
}

func (c *unreadConn) Unwrap() net.Conn { return c.Conn }

// Exchange puts another connection in the place of c's own, which it returns. So an event loop comes to read and to write
// below TLS.
func (c *unreadConn) Exchange(other net.Conn) net.Conn {
	own := c.Conn
	c.Conn = other
	return own
}

// CloseWrite ends what is sent, and leaves open what is read.
func (c *unreadConn) CloseWrite() error { return closeWrite(c.Conn) }

func closeWrite(c net.Conn) error {
	half, ok := c.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return half.CloseWrite()
}
