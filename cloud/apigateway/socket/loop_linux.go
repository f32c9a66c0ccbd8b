package socket

import (
	"fmt"
	"math/bits"
	"net"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
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
	epoll  *os.File
	events syscall.RawConn
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
	_, epoll, err := openPoll()
	if err == nil {
		epoll.Close()
	}
	return err
}

func openPoll() (events syscall.RawConn, epoll *os.File, err error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, nil, fmt.Errorf("epoll_create1: %w", err)
	}
	if err = unix.SetNonblock(fd, true); err == nil { // so that the runtime's poller takes it
		epoll = os.NewFile(uintptr(fd), "epoll")
		if err = epoll.SetReadDeadline(time.Time{}); err == nil {
			if events, err = epoll.SyscallConn(); err == nil {
				return events, epoll, nil
			}
		}
		epoll.Close()
		return nil, nil, fmt.Errorf("epoll within the runtime's poller: %w", err)
	}
	unix.Close(fd)
	return nil, nil, err
}

func newLoop(s *Server) (*loop, error) {
	events, epoll, err := openPoll()
	if err != nil {
		return nil, err
	}
	l := &loop{server: s, index: len(s.loops), epoll: epoll, events: events}
	l.some.L = &l.sweeps
	l.ended.Go(l.read)
	l.ended.Go(l.write)
	return l, nil
}

func (l *loop) stop() {
	l.epoll.Close()
	l.sweeps.Lock()
	l.stopped = true
	l.some.Signal()
	l.sweeps.Unlock()
	l.ended.Wait()
}

// adopt takes a TCP socket from the net package; false for any other, or if that fails.
func (l *loop) adopt(c *Conn, socket net.Conn) bool {
	tcp, ok := socket.(*net.TCPConn)
	if !ok {
		return false
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return false
	}
	fd := -1
	if raw.Control(func(of uintptr) { fd, err = unix.FcntlInt(of, unix.F_DUPFD_CLOEXEC, 0) }) != nil || err != nil {
		return false
	}
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, int(keepAlive.Seconds()))
	tcp.Close() // the socket stays open: the new descriptor is its, too
	c.loop, c.fd = l, int32(fd)
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
	// What the kernel reports once, when it changes, costs no calls to say what is of interest now.
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET, Fd: c.fd}
	if err := l.control(unix.EPOLL_CTL_ADD, int(c.fd), &event); err != nil {
		c.cut(err)
	}
}

func (l *loop) control(op, fd int, event *unix.EpollEvent) (err error) {
	if gone := l.events.Control(func(epoll uintptr) { err = os.NewSyscallError("epoll_ctl", unix.EpollCtl(int(epoll), op, fd, event)) }); gone != nil {
		return gone
	}
	return err
}

func (l *loop) drop(c *Conn) {
	l.sockets.Lock()
	if int(c.fd) < len(l.byFD) {
		l.byFD[c.fd] = nil
	}
	l.sockets.Unlock()
	unix.Close(int(c.fd)) // which ends its watch
	c.fd = -1
}

func (l *loop) closeWrite(c *Conn) { unix.Shutdown(int(c.fd), unix.SHUT_WR) }

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
		n := 0
		err := l.events.Read(func(epoll uintptr) bool {
			n = poll(epoll, events[:])
			return n > 0 || len(again) > 0
		})
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
			if e.Events&^unix.EPOLLOUT != 0 && c.pump(buf, &fresh, e.Events&^(unix.EPOLLOUT|unix.EPOLLIN) != 0) {
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

// poll asks for events without waiting.
func poll(epoll uintptr, events []unix.EpollEvent) int {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, epoll, uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
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
		n, err := read(c.fd, buf)
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
			c.unread = n == len(buf) || c.toEnd // less is all: what comes later is reported again
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
			c.mu.Lock()
			if c.sweeping = false; !c.closed {
				c.flush(buf)
			}
			c.mu.Unlock()
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
		n, err := write(c.fd, p)
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

// write and read never wait, so they need not tell the scheduler: on one processor that is a fifth of their time.
func write(fd int32, p []byte) (n int, err syscall.Errno) {
	r, _, err := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	return int(r), err
}

func read(fd int32, p []byte) (n int, err syscall.Errno) {
	r, _, err := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_DONTWAIT, 0, 0)
	return int(r), err
}
