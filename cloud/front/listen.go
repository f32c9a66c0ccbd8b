package front

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// sniffTimeout bounds how long a new connection may stay silent before its first byte says TLS or not.
const sniffTimeout = 30 * time.Second

// Listener serves TLS and plain text on one port: a TLS record begins with the byte 0x16, which begins no HTTP request.
// It hands out connections ready for a server of [New].
type Listener struct {
	net.Listener
	config *tls.Config
	ready  chan net.Conn
	done   chan struct{}
	close  sync.Once
}

// Split returns a Listener of the connections of l. Those over TLS are served by config.
func Split(l net.Listener, config *tls.Config) *Listener {
	s := &Listener{Listener: l, config: config, ready: make(chan net.Conn), done: make(chan struct{})}
	go s.accept()
	return s
}

func (s *Listener) accept() {
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

func (s *Listener) sniff(c net.Conn) {
	var first [1]byte
	c.SetReadDeadline(time.Now().Add(sniffTimeout))
	if _, err := io.ReadFull(c, first[:]); err != nil {
		c.Close()
		return
	}
	c.SetReadDeadline(time.Time{})
	var socket net.Conn = &unreadConn{Conn: c, unread: first[:]}
	if first[0] != 0x16 {
		socket = &conn{Conn: socket}
	} else {
		secure := tls.Server(socket, s.config)
		c.SetDeadline(time.Now().Add(sniffTimeout))
		if err := secure.Handshake(); err != nil {
			c.Close()
			return
		}
		c.SetDeadline(time.Time{})
		if socket = secure; secure.ConnectionState().NegotiatedProtocol != "h2" { // net/http wants one of HTTP/2 as it is
			socket = &secureConn{&conn{Conn: secure}, secure}
		}
	}
	select {
	case s.ready <- socket:
	case <-s.done:
		c.Close()
	}
}

// Accept returns the next connection that has said what it speaks.
func (s *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-s.ready:
		return c, nil
	case <-s.done:
		return nil, net.ErrClosed
	}
}

// Close stops listening. Connections that were handed out stay open.
func (s *Listener) Close() error {
	s.close.Do(func() { close(s.done) })
	return s.Listener.Close()
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

// CloseWrite ends what is sent, and leaves open what is read.
func (c *unreadConn) CloseWrite() error { return closeWrite(c.Conn) }

func closeWrite(c net.Conn) error {
	half, ok := c.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return half.CloseWrite()
}
