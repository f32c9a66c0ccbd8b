package cloud

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

// splitListener serves TLS and plain text on one port: a TLS record begins with the byte 0x16, which begins no HTTP
// request. It hands out connections ready for an http.Server.
type splitListener struct {
	net.Listener
	config *tls.Config
	ready  chan net.Conn
	done   chan struct{}
	close  sync.Once
}

func splitTLS(l net.Listener, config *tls.Config) *splitListener {
	s := &splitListener{Listener: l, config: config, ready: make(chan net.Conn), done: make(chan struct{})}
	go s.accept()
	return s
}

func (s *splitListener) accept() {
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

func (s *splitListener) sniff(c net.Conn) {
	var first [1]byte
	c.SetReadDeadline(time.Now().Add(sniffTimeout))
	if _, err := io.ReadFull(c, first[:]); err != nil {
		c.Close()
		return
	}
	c.SetReadDeadline(time.Time{})
	var conn net.Conn = &unreadConn{Conn: c, first: first[:]}
	if first[0] != 0x16 {
		conn = newHeadConn(conn)
	} else {
		secure := tls.Server(conn, s.config)
		c.SetDeadline(time.Now().Add(sniffTimeout))
		if err := secure.Handshake(); err != nil {
			c.Close()
			return
		}
		c.SetDeadline(time.Time{})
		if conn = secure; secure.ConnectionState().NegotiatedProtocol != "h2" { // net/http wants one of HTTP/2 as it is
			conn = newHeadConn(secure)
		}
	}
	select {
	case s.ready <- conn:
	case <-s.done:
		c.Close()
	}
}

// Accept returns the next connection that has said what it speaks.
func (s *splitListener) Accept() (net.Conn, error) {
	select {
	case c := <-s.ready:
		return c, nil
	case <-s.done:
		return nil, net.ErrClosed
	}
}

// Close stops listening. Connections that were handed out stay open.
func (s *splitListener) Close() error {
	s.close.Do(func() { close(s.done) })
	return s.Listener.Close()
}

// unreadConn gives back the byte that was read to tell TLS from plain text.
type unreadConn struct {
	net.Conn
	first []byte
}

func (c *unreadConn) Read(p []byte) (int, error) {
	if len(c.first) > 0 {
		n := copy(p, c.first)
		c.first = c.first[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

// CloseWrite ends what is sent, and leaves open what is read.
func (c *unreadConn) CloseWrite() error {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return half.CloseWrite()
}
