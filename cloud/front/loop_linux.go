package front

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"quotewire/cloud/epoll"
)

const (
	loopRoom  = 64 << 10
	maxEvents = 64 // that are answered together
	// fullReads is how often a socket that gives all there is room for is read before others have their turn.
	fullReads = 4
)

// loop serves connections whose clients send nothing but posts that are answered directly, in one goroutine. All that has
// come when it looks is answered together: what the answers have postponed is done once for all of them, then each
// connection is written to once. What is not for a loop moves to net/http with its connection, and stays there.
type loop struct {
	from  *listener
	poll  *epoll.Poll
	ended sync.WaitGroup

	sockets sync.Mutex // guards the following
	byFD    []*looped
	stopped bool

	// The rest is for the loop's goroutine.
	direct  *direct
	buf     [loopRoom]byte
	now     time.Time
	alarm   bool      // wait has a deadline
	ring    looped    // of all connections, by how long they are idle
	out     []byte    // the answers, one after the other
	replies []reply   // where in out they are
	done    []*looped // is to be closed, or to move, once the answers are sent
}

// looped is a connection of a loop.
type looped struct {
	fd     int32
	common *http.Request
	early  []byte    // what was read before the loop had it
	part   []byte    // of a request whose body is on its way: many clients write it after the head
	last   time.Time // of its last answer
	idle   time.Time // since when nothing was answered
	waited bool      // for a part: a body that comes in more of them is for net/http
	toEnd  bool      // the client has closed its side, behind what is to be read
	done   bool      // no more of it is read
	ending bool      // it is to be closed
	rest   []byte    // what was read, for net/http
	unsent []byte

	older, newer *looped // in a ring with loop.ring
}

// reply is a part of loop.out.
type reply struct {
	to       *looped
	from, at int
}

func newLoop(from *listener) (*loop, error) {
	poll, err := epoll.Open()
	if err != nil {
		return nil, err
	}
	l := &loop{from: from, poll: poll, direct: newDirect(&from.server.config)}
	l.direct.answer.later = new([]Flusher)
	l.ring.older, l.ring.newer = &l.ring, &l.ring
	l.ended.Go(l.run)
	return l, nil
}

// stop closes the connections, each between two requests.
func (l *loop) stop() {
	l.poll.Close()
	l.ended.Wait()
}

// adopt takes a connection whose client has begun with the bytes of early; false if that cannot be, and it is as it was.
func (l *loop) adopt(ctx context.Context, socket net.Conn, early []byte) bool {
	c := &looped{common: newCommon(ctx, socket), early: bytes.Clone(early)}
	var ok bool
	if c.fd, ok = epoll.Take(socket); !ok {
		return false
	}
	l.sockets.Lock()
	if l.stopped {
		unix.Close(int(c.fd))
		l.sockets.Unlock()
		return true
	}
	if n := int(c.fd) + 1; n > len(l.byFD) {
		l.byFD = append(l.byFD, make([]*looped, n-len(l.byFD))...)
	}
	l.byFD[c.fd] = c
	l.sockets.Unlock()
	if l.poll.Add(c.fd) != nil { // and else reports at once that it can be written to
		l.sockets.Lock()
		defer l.sockets.Unlock()
		if !l.stopped { // which has closed it
			l.byFD[c.fd] = nil
			c.rest = c.early
			go l.giveBack(c.fd, c)
		}
	}
	return true
}

func (l *loop) run() {
	var (
		events [maxEvents]unix.EpollEvent
		conns  [maxEvents]*looped
		again  []*looped // have more to read than their share
	)
	for {
		n, err := l.poll.Wait(events[:], len(again) > 0)
		switch {
		case epoll.IsTimeout(err):
			l.expire()
			continue
		case err != nil:
			l.closeAll()
			return
		}
		l.now = time.Now()
		l.find(events[:n], &conns)
		rest := again
		again = nil
		for i, e := range events[:n] {
			c := conns[i]
			conns[i] = nil
			if c != nil && l.serve(c, e.Events&epoll.Ended != 0) {
				again = append(again, c)
			}
		}
		for _, c := range rest {
			if l.serve(c, false) {
				again = append(again, c)
			}
		}
		l.settle()
		if len(again) > 0 {
			runtime.Gosched()
		}
	}
}

func (l *loop) find(events []unix.EpollEvent, conns *[maxEvents]*looped) {
	l.sockets.Lock()
	defer l.sockets.Unlock()
	for i, e := range events {
		if int(e.Fd) < len(l.byFD) {
			conns[i] = l.byFD[e.Fd]
		}
	}
}

// serve reads what there is to read, to the end of it if the client is known to have ended, and answers it. It returns true
// if that is more than the connection's share. A report may be about an earlier socket of the descriptor: what is true,
// reading tells.
func (l *loop) serve(c *looped, toEnd bool) (more bool) {
	c.toEnd = c.toEnd || toEnd
	if early := c.early; early != nil {
		c.early = nil
		l.touch(c)
		l.take(c, early)
	}
	for full := 0; !c.done; {
		n, err := epoll.Read(c.fd, l.buf[:])
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return false
		case err != 0 || n == 0 && c.part == nil:
			l.end(c)
		case n == 0:
			l.leave(c, c.part)
		default:
			p := l.buf[:n]
			if c.part != nil {
				p, c.part = append(c.part, p...), nil
			}
			l.take(c, p)
			if n < len(l.buf) && !c.toEnd {
				return false // that was all: what comes later is reported again
			}
			if full++; full == fullReads {
				return !c.done
			}
		}
	}
	return false
}

// take answers the requests in p. With the first that is not for a loop, its connection is to move.
func (l *loop) take(c *looped, p []byte) {
	d := l.direct
	for len(p) > 0 && !c.done {
		r, size := d.parse(c.common, p)
		if r == nil && size > 0 && !c.waited {
			c.part, c.waited = bytes.Clone(p), true
			return
		}
		c.waited = false
		if r == nil || d.waits(r) {
			l.leave(c, bytes.Clone(p))
			return
		}
		p = p[size:]
		if !l.handle(r) {
			l.end(c)
			return
		}
		from := len(l.out)
		var closing bool
		if l.out, closing = d.answer.append(l.out, l.now); closing {
			l.end(c)
		}
		if n := len(l.replies); n > 0 && l.replies[n-1].to == c {
			l.replies[n-1].at = len(l.out)
		} else {
			l.replies = append(l.replies, reply{c, from, len(l.out)})
		}
	}
}

// leave has a connection move to net/http, with what was read and not answered, once its answers are sent.
func (l *loop) leave(c *looped, rest []byte) {
	c.rest, c.done = rest, true
	l.done = append(l.done, c)
}

// end has a connection closed once its answers are sent.
func (l *loop) end(c *looped) {
	c.done, c.ending = true, true
	l.done = append(l.done, c)
}

// handle has a request answered. If the handler panics it reports false, and says so in the log as net/http does.
func (l *loop) handle(r *http.Request) (ok bool) {
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler {
			l.from.server.logf("http: panic serving %v: %v\n%s", r.RemoteAddr, p, debug.Stack())
		}
	}()
	l.direct.answer.reset()
	l.direct.config.Handler.ServeHTTP(&l.direct.answer, r)
	return true
}

// settle does what was postponed and sends the answers.
func (l *loop) settle() {
	later := l.direct.answer.later
	for i, f := range *later {
		f.Flush()
		(*later)[i] = nil
	}
	*later = (*later)[:0]
	for i, r := range l.replies {
		c, p := r.to, l.out[r.from:r.at]
		n, err := write(c.fd, p)
		switch {
		case err != 0 && err != unix.EAGAIN:
			if !c.done {
				l.end(c)
			}
			c.ending = true
		case n < len(p):
			c.unsent = bytes.Clone(p[n:])
			if !c.done { // a goroutine waits until the client takes more
				l.leave(c, c.part)
			}
		}
		c.last = l.now
		l.touch(c)
		l.replies[i].to = nil
	}
	l.replies, l.out = l.replies[:0], l.out[:0]
	for i, c := range l.done {
		l.done[i] = nil
		if c.ending && c.unsent == nil {
			l.close(c)
		} else {
			l.move(c)
		}
	}
	l.done = l.done[:0]
	if oldest := l.ring.newer; !l.alarm && oldest != &l.ring {
		if d := l.from.server.IdleTimeout; d > 0 {
			l.alarm = true
			l.poll.SetDeadline(oldest.idle.Add(d))
		}
	}
}

func write(fd int32, p []byte) (n int, err syscall.Errno) {
	for {
		if n, err = epoll.Write(fd, p); err != unix.EINTR {
			return max(n, 0), err
		}
	}
}

// touch makes c the one that was idle last.
func (l *loop) touch(c *looped) {
	c.idle = l.now
	c.leaveRing()
	c.older, c.newer = l.ring.older, &l.ring
	c.older.newer, c.newer.older = c, c
}

func (c *looped) leaveRing() {
	if c.newer != nil {
		c.older.newer, c.newer.older = c.newer, c.older
		c.older, c.newer = nil, nil
	}
}

// expire closes what has been idle for too long.
func (l *loop) expire() {
	l.alarm = false
	l.poll.SetDeadline(time.Time{})
	before := time.Now().Add(-l.from.server.IdleTimeout)
	for c := l.ring.newer; c != &l.ring && !c.idle.After(before); c = l.ring.newer {
		l.close(c)
	}
	l.settle()
}

// forget ends what the loop has to do with a connection, and returns its descriptor.
func (l *loop) forget(c *looped) (fd int32) {
	l.sockets.Lock()
	l.byFD[c.fd] = nil
	l.sockets.Unlock()
	c.leaveRing()
	fd, c.fd, c.done = c.fd, -1, true
	return fd
}

func (l *loop) close(c *looped) { unix.Close(int(l.forget(c))) } // which ends its reports

// move hands a connection on to net/http.
func (l *loop) move(c *looped) {
	fd := l.forget(c)
	l.poll.Remove(fd)
	go l.giveBack(fd, c)
}

func (l *loop) giveBack(fd int32, c *looped) {
	socket, err := epoll.GiveBack(fd)
	if err != nil {
		l.from.server.logf("http: a connection was lost: %v", err)
		return
	}
	if _, err := socket.Write(c.unsent); err != nil || c.ending {
		socket.Close()
		return
	}
	l.from.offer(&conn{Conn: &unreadConn{Conn: socket, unread: c.rest}, last: c.last})
}

func (l *loop) closeAll() {
	l.sockets.Lock()
	defer l.sockets.Unlock()
	l.stopped = true
	for _, c := range l.byFD {
		if c != nil {
			unix.Close(int(c.fd))
		}
	}
	l.byFD = nil
}
