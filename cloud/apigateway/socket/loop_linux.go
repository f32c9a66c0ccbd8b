package socket

import (
	"crypto/tls"
	"math/bits"
	"net"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"quotewire/cloud/epoll"
)

// maxLoops bounds how many event loops there are, however many processors.
const maxLoops = 8

const (
	readRoom = 64 << 10
	// fullReads is how often a socket that gives all there is room for is read before others have their turn.
	fullReads = 4
)

// keepAlive is how long a socket is silent before the kernel asks whether its client is still there. The net package asks
// four times a minute, which for many idle connections is all they cost.
const keepAlive = 2 * time.Minute

// loop serves a share of the sockets with two goroutines: one waits for what the kernel reports of them, reads and
// parses; the other one sweeps: it writes what [Server.SendAll] has left. Both are served by the runtime's own poller, so that
// waiting holds no thread.
type loop struct {
	server *Server
	index  int
	poll   *epoll.Poll
	ended  sync.WaitGroup

	sockets sync.RWMutex // guards the following; taken while a Conn.mu is held, never the other way round
	byFD    []*Conn

	sweeps  sync.Mutex // guards the following; taken while a Conn.mu is held, never the other way round
	some    sync.Cond
	marks   []uint64 // a bit for each descriptor that the sweep is to come by
	marked  int
	stopped bool
}

// probe reports why there can be no loops.
func probe() error {
	p, err := epoll.Open()
	if err == nil {
		p.Close()
	}
	return err
}

func newLoop(s *Server) (*loop, error) {
	poll, err := epoll.Open()
	if err != nil {
		return nil, err
	}
	l := &loop{server: s, index: len(s.loops), poll: poll}
	l.some.L = &l.sweeps
	l.ended.Go(l.read)
	l.ended.Go(l.write)
	return l, nil
}

func (l *loop) stop() {
	l.poll.Close()
	l.sweeps.Lock()
	l.stopped = true
	l.some.Signal()
	l.sweeps.Unlock()
	l.ended.Wait()
}

// adopt takes a TCP socket from the net package, also from below TLS; false for any other, or if that fails.
func (l *loop) adopt(c *Conn, socket net.Conn) bool {
	fd, ok := int32(-1), false
	if encrypted, is := socket.(*tls.Conn); is {
		c.secure, ok = takeBelow(encrypted)
		if ok {
			fd = c.secure.fd
		}
	} else {
		fd, ok = epoll.Take(socket)
	}
	if !ok {
		return false
	}
	unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, int(keepAlive.Seconds()))
	c.loop, c.fd = l, fd
	return true
}

// watch has the kernel report what happens to a connection's socket. The caller holds c.mu, as for drop and closeWrite.
func (l *loop) watch(c *Conn) {
	if c.closed {
		return
	}
	l.sockets.Lock()
	if n := int(c.fd) + 1; n > len(l.byFD) {
		l.byFD = append(l.byFD, make([]*Conn, n-len(l.byFD))...)
	}
	l.byFD[c.fd] = c
	l.sockets.Unlock()
	if err := l.poll.Add(c.fd); err != nil {
		c.cut(err)
	}
}

func (l *loop) drop(c *Conn) {
	if c.secure != nil {
		c.secure.end(l.server)
	}
	l.sockets.Lock()
	if int(c.fd) < len(l.byFD) {
		l.byFD[c.fd] = nil
	}
	l.sockets.Unlock()
	unix.Close(int(c.fd)) // which ends its watch
	c.fd = -1
}

func (l *loop) closeWrite(c *Conn) {
	if c.secure == nil {
		unix.Shutdown(int(c.fd), unix.SHUT_WR)
		return
	}
	c.secure.conn.CloseWrite()
	c.flushSealed(nil)
}

// read serves what the kernel reports.
func (l *loop) read() {
	var (
		buf    = make([]byte, readRoom)
		fresh  parser
		events [256]unix.EpollEvent
		fds    [256]int32
		conns  [256]*Conn
		again  []*Conn // have more to read than their share
	)
	for {
		n, err := l.poll.Wait(events[:], len(again) > 0)
		if err != nil {
			return // it is closed
		}
		for i, e := range events[:n] {
			fds[i] = e.Fd
		}
		l.find(fds[:n], conns[:n])
		rest := again
		again = nil
		for i, e := range events[:n] {
			c := conns[i]
			conns[i] = nil
			if c == nil {
				continue
			}
			if e.Events&unix.EPOLLOUT != 0 {
				l.writable(c)
			}
			// A report may be about an earlier socket of the descriptor: what is true, reading tells.
			if e.Events&^unix.EPOLLOUT != 0 && c.pump(buf, &fresh, e.Events&epoll.Ended != 0) {
				again = append(again, c)
			}
		}
		for _, c := range rest {
			if c.pump(buf, &fresh, false) {
				again = append(again, c)
			}
		}
		if len(again) > 0 {
			runtime.Gosched()
		}
	}
}

// pump reads what there is to read, to the end of it if the client is known to have ended. It returns true if that is more
// than the connection's share.
func (c *Conn) pump(buf []byte, fresh *parser, toEnd bool) (more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.toEnd = c.toEnd || toEnd
	if c.secure != nil {
		c.secure.expect(c.toEnd)
	}
	if c.unread = true; c.reading || c.paused {
		return false // who reads will look again, and so does Done
	}
	c.reading = true
	for full := 0; !c.closed && !c.paused; {
		if rest := c.rest(); len(rest) > 0 {
			c.mu.Unlock()
			c.take(rest, fresh)
			c.mu.Lock()
			continue
		}
		if !c.unread {
			break
		}
		if full == fullReads {
			more = true
			break
		}
		n, err := c.receive(buf)
		switch {
		case err == unix.EAGAIN:
			c.unread = false
		case err == unix.EINTR:
		case err != 0:
			c.hangUp(err)
			c.unread = false
		case n == 0:
			c.hangUp(nil)
			c.unread = false
		default:
			full++
			// Less is all, but for TLS, which gives one record at a time: what comes later is reported again.
			c.unread = n == len(buf) || c.toEnd || c.secure != nil
			c.mu.Unlock()
			c.take(buf[:n], fresh)
			c.mu.Lock()
		}
	}
	c.reading = false
	if c.closed {
		go c.owner.Closed(*c.end)
	}
	return more && !c.closed
}

func (c *Conn) receive(buf []byte) (n int, err syscall.Errno) {
	if c.secure == nil {
		return epoll.Read(c.fd, buf)
	}
	if n, err = c.secure.read(buf); len(c.secure.sealed) > 0 {
		c.write() // what TLS answers of its own
	}
	return n, err
}

// resume reads a connection that was not read for a while, or not yet.
func (l *loop) resume(c *Conn) {
	buf := joined.Get().(*[maxWrite]byte)
	var fresh parser
	for c.pump(buf[:], &fresh, false) {
		runtime.Gosched()
	}
	joined.Put(buf)
}

// writable goes on writing to a socket that has taken nothing for a while.
func (l *loop) writable(c *Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.blocked && !c.sweeping {
		c.sweeping = true
		l.sweep([]int32{c.fd})
	}
}

// sweep has the writing goroutine come by the connections of descriptors, whose sweeping is set. It does no harm if they are
// another's by then.
func (l *loop) sweep(fds []int32) {
	l.sweeps.Lock()
	for _, fd := range fds {
		l.mark(int(fd))
	}
	l.some.Signal()
	l.sweeps.Unlock()
}

func (l *loop) mark(fd int) {
	word, bit := fd/64, uint64(1)<<(fd%64)
	if word >= len(l.marks) {
		l.marks = append(l.marks, make([]uint64, word+1-len(l.marks))...)
	}
	if l.marks[word]&bit == 0 {
		l.marks[word] |= bit
		l.marked++
	}
}

// write sweeps like a lift: up the descriptors from where it is, and around. What is sent to a connection before the lift
// comes by is written with the rest. In this order, which is about that of their arrival, the kernel finds what it keeps
// of neighbours side by side: for ten thousand sockets that saves a quarter of all time.
func (l *loop) write() {
	buf := new([maxWrite]byte)
	var fds [yieldEvery]int32
	var conns [yieldEvery]*Conn
	for at := 0; ; {
		runtime.Gosched() // others may have something to send to the same
		n := 0
		l.sweeps.Lock()
		for l.marked == 0 && !l.stopped {
			l.some.Wait()
			l.sweeps.Unlock()
			runtime.Gosched()
			l.sweeps.Lock()
		}
		if l.stopped {
			l.sweeps.Unlock()
			return
		}
		for n < len(fds) && l.marked > 0 {
			if at >= len(l.marks) {
				at = 0
			}
			if l.marks[at] == 0 {
				at++
				continue
			}
			bit := bits.TrailingZeros64(l.marks[at])
			l.marks[at] &^= 1 << bit
			l.marked--
			fds[n] = int32(at*64 + bit)
			n++
		}
		l.sweeps.Unlock()
		l.find(fds[:n], conns[:n])
		for i, c := range conns[:n] {
			if c == nil {
				continue
			}
			conns[i] = nil
			c.sweep(buf)
		}
	}
}

// find looks up the connections of descriptors; nil for those that have none any more.
func (l *loop) find(fds []int32, conns []*Conn) {
	l.sockets.RLock()
	defer l.sockets.RUnlock()
	for i, fd := range fds {
		conns[i] = nil
		if int(fd) < len(l.byFD) {
			conns[i] = l.byFD[fd]
		}
	}
}

// flush writes until nothing waits, or the socket takes no more. The room is for what takes more than one message; nil
// stands for some of the pool. The caller holds c.mu.
func (c *Conn) flush(room *[maxWrite]byte) {
	if c.secure != nil {
		c.flushSealed(room)
		return
	}
	for len(c.waiting) > 0 {
		var p []byte
		if m := c.waiting[0]; len(c.waiting) == 1 && len(m.ids) == 0 {
			p = m.frame[c.offset:]
			p = p[:min(len(p), maxWrite)]
		} else {
			if room == nil {
				room = joined.Get().(*[maxWrite]byte)
				defer joined.Put(room)
			}
			p = room[:c.gather(room[:])]
		}
		n, err := epoll.Write(c.fd, p)
		switch {
		case err == unix.EINTR:
			continue
		case err != 0 && err != unix.EAGAIN:
			c.cut(nil)
			return
		case err == unix.EAGAIN:
			n = 0
		}
		if n > 0 {
			c.wrote(n)
		}
		if n < len(p) {
			c.stalls(n > 0)
			return
		}
	}
	c.written()
}
