package socket

import (
	"net"
	"sync"
	"time"
)

// stream is the way to a client that every system has: one goroutine reads, and while something waits to be
// written there is another one that writes it, all that waits in one write.
type stream struct {
	server  *Server
	net     net.Conn
	writing bool      // a goroutine writes; guarded by Conn.mu
	resumed sync.Cond // Conn.paused has changed
}

// idleRoom is what an idle stream reads into: most messages of most clients are no larger.
const idleRoom = 512

func newStream(server *Server, c *Conn, socket net.Conn) *stream {
	socket.SetDeadline(time.Time{})
	s := &stream{server: server, net: socket}
	s.resumed.L = &c.mu
	return s
}

// read reads until the connection is closed.
func (s *stream) read(c *Conn) {
	var fresh parser
	small := make([]byte, idleRoom)
	var large *[maxWrite]byte // while more comes than has room in small
	buf := small
	for {
		c.mu.Lock()
		for c.paused && !c.closed {
			s.resumed.Wait()
		}
		if c.closed {
			c.reading = false
			c.mu.Unlock()
			break
		}
		rest := c.rest()
		c.mu.Unlock()
		if len(rest) > 0 {
			c.take(rest, &fresh)
			continue
		}
		n, err := s.net.Read(buf)
		if n > 0 {
			c.take(buf[:n], &fresh)
		}
		if err != nil {
			c.mu.Lock()
			c.hangUp(nil)
			for !c.closed {
				s.resumed.Wait()
			}
			c.mu.Unlock()
			continue
		}
		switch {
		case n == len(buf) && large == nil:
			large = joined.Get().(*[maxWrite]byte)
			buf = large[:]
		case n < idleRoom && large != nil:
			joined.Put(large)
			large, buf = nil, small
		}
	}
	if large != nil {
		joined.Put(large)
	}
	c.owner.Closed(*c.end)
}

// wake starts the writer if there is none. The caller holds c.mu, as for closeWrite.
func (s *stream) wake(c *Conn) {
	if !s.writing && c.started && len(c.waiting) > 0 {
		s.writing = true
		go s.write(c) // ends when nothing waits
	}
}

func (s *stream) write(c *Conn) {
	room := joined.Get().(*[maxWrite]byte)
	defer joined.Put(room)
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.waiting) > 0 {
		n := c.gather(room[:])
		c.stalls(true)
		c.wrote(n)
		c.mu.Unlock()
		_, err := s.net.Write(room[:n])
		c.mu.Lock()
		if err != nil {
			c.cut(nil)
		}
	}
	if s.writing = false; !c.closed {
		c.written()
	}
}

// closeWrite closes this side of the stream. For TLS that is a record, which may have to wait.
func (s *stream) closeWrite(c *Conn) {
	half, ok := s.net.(interface{ CloseWrite() error })
	if !ok {
		c.finish()
		return
	}
	go func() {
		if half.CloseWrite() != nil {
			c.mu.Lock()
			c.finish()
			c.mu.Unlock()
		}
	}()
}

// close closes the stream, which ends whoever reads or writes. The caller holds c.mu.
func (s *stream) close() {
	s.resumed.Broadcast()
	go s.net.Close() // TLS may wait to say so
}

func (s *stream) resume() { s.resumed.Broadcast() }
