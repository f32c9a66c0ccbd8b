package socket

import (
	"crypto/tls"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"quotewire/cloud/epoll"
)

// secure is TLS on a loop. crypto/tls reads and writes by a [net.Conn], and either may take its time; the one that is put
// below it here has none. Reading without anything to read fails with a timeout, which crypto/tls gets over, and what is
// written stays in sealed until somebody takes it to the socket. Conn.mu guards all of it.
type secure struct {
	conn   *tls.Conn
	fd     int32
	toEnd  bool   // there is an end to what the socket reads
	dry    bool   // the last read has taken all there was
	sealed []byte // records to be written
	held   int64  // bytes of sealed that the server counts
}

// maxSealed bounds what is encrypted before the socket takes it: of that no message can be replaced by a newer one.
const maxSealed = 16 << 10

// Below is what a [tls.Conn] needs to have as its NetConn to belong to a loop.
type Below interface {
	net.Conn

	// Exchange puts another connection in the place of the one that is read and written, and returns that.
	Exchange(net.Conn) net.Conn
}

// takeBelow takes the TCP socket below TLS from the net package; false if that fails, or there is none.
func takeBelow(conn *tls.Conn) (*secure, bool) {
	below, ok := conn.NetConn().(Below)
	if !ok || !conn.ConnectionState().HandshakeComplete {
		return nil, false
	}
	s := &secure{conn: conn}
	socket := below.Exchange(bottom{secure: s})
	if s.fd, ok = epoll.Take(socket); !ok {
		below.Exchange(socket)
		return nil, false
	}
	return s, true
}

// bottom is what crypto/tls reads and writes. It calls no method that is missing here once its handshake is done.
type bottom struct {
	net.Conn
	*secure
}

func (b bottom) Read(p []byte) (int, error) {
	for !b.dry {
		n, err := epoll.Read(b.fd, p)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			b.dry = true
			continue
		case err != 0:
			return 0, os.NewSyscallError("recv", err)
		case n == 0:
			return 0, io.EOF
		}
		b.dry = n < len(p) && !b.toEnd // what comes later is reported
		return n, nil
	}
	return 0, os.ErrDeadlineExceeded
}

func (b bottom) Write(p []byte) (int, error) {
	b.sealed = append(b.sealed, p...)
	return len(p), nil
}

func (bottom) SetWriteDeadline(time.Time) error { return nil }

// expect notes that the socket has something to read, maybe its end.
func (s *secure) expect(toEnd bool) { s.dry, s.toEnd = false, toEnd }

// read returns what one record held, as a system call would.
func (s *secure) read(p []byte) (n int, errno syscall.Errno) {
	n, err := s.conn.Read(p)
	switch {
	case n > 0 || err == io.EOF:
		return n, 0 // an end behind n bytes comes again
	case os.IsTimeout(err):
		return 0, unix.EAGAIN
	}
	return 0, unix.EPROTO
}

// drain writes what is sealed, as much as the socket takes.
func (s *secure) drain() (n int, err syscall.Errno) {
	for n < len(s.sealed) {
		m, err := epoll.Write(s.fd, s.sealed[n:])
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			m = 0
		case err != 0:
			return n, err
		}
		if n += m; m == 0 {
			break
		}
	}
	s.sealed = s.sealed[n:]
	return n, 0
}

// flushSealed is [Conn.flush] for TLS.
func (c *Conn) flushSealed(room *[maxWrite]byte) {
	s := c.secure
	records := joined.Get().(*[maxWrite]byte)
	defer joined.Put(records)
	s.sealed = append(records[:0], s.sealed...)
	for progress := false; ; progress = true {
		n, err := s.drain()
		if err != 0 {
			c.cut(nil)
			return
		}
		if len(s.sealed) > 0 {
			s.sealed = append([]byte(nil), s.sealed...)
			s.hold(c.server())
			c.stalls(progress || n > 0)
			return
		}
		if len(c.waiting) == 0 {
			break
		}
		if room == nil {
			room = joined.Get().(*[maxWrite]byte)
			defer joined.Put(room)
		}
		text := room[:c.gather(room[:maxSealed])]
		if _, err := s.conn.Write(text); err != nil {
			c.cut(nil)
			return
		}
		c.wrote(len(text))
	}
	s.sealed = nil
	s.hold(c.server())
	c.written()
}

// hold counts what is sealed and has to wait among what waits for all blocked sockets.
func (s *secure) hold(server *Server) {
	n := int64(len(s.sealed))
	server.blocked.Add(n - s.held)
	s.held = n
}

// end says that nothing follows, if the socket takes that at once.
func (s *secure) end(server *Server) {
	s.conn.CloseWrite()
	s.drain()
	s.sealed = nil
	s.hold(server)
}
