//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"quotewire/bench/measure"
)

// load is the clients, the publisher, and what has been counted.
type load struct {
	options
	server  measure.Tree
	epfd    int
	clients []client
	byFD    []int32 // the number of the client plus one, or that of the post connection, negative
	posts   []*poster
	board   string  // that the clients listen to
	rss     float64 // of the server for each client, bytes
	slab    float64 // of the kernel

	requests [][]byte // one for each publish, made before the clock runs
	sentAt   [maxPublishes]int64
	reached  [maxPublishes]int // clients that have the publish
	lastAt   [maxPublishes]int64

	latency    []int64 // of deliveries or answers, nanoseconds
	deliveries int
	twice      int
	lost       int
	idle       int64 // nanoseconds in calls of epoll_wait that found nothing
}

var began = time.Now()

// now is the monotonic time in nanoseconds; never 0.
func now() int64 { return int64(time.Since(began)) + 1 }

// warmUp is how many publishes go before those that are measured.
const warmUp = 5

// open connects the clients and lets them settle.
func open(o options) (*load, error) {
	l := &load{options: o, server: measure.Tree{Root: o.pid}, clients: make([]client, o.sockets), byFD: make([]int32, 1<<16)}
	if l.r+warmUp > maxPublishes {
		return nil, fmt.Errorf("-r is at most %d", maxPublishes-warmUp)
	}
	var err error
	if l.epfd, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, err
	}
	t, err := newTarget(o.url)
	if err != nil {
		return nil, err
	}
	rss, slab := l.server.RSS(), measure.Slab()
	for i := range l.clients {
		c := &l.clients[i]
		rest, err := t.connect(c, i, o.mode == "slow" && i < o.slow)
		if err != nil {
			return nil, err
		}
		c.newest = -1
		l.receive(c, rest, 0)
		if o.hello != "" && o.greet == 0 {
			c.write(maskedFrame(opText, text(o.hello, i)))
		}
		if err := l.register(c.fd, int32(i+1)); err != nil {
			return nil, err
		}
	}
	if err := l.greetAll(); err != nil {
		return nil, err
	}
	if err := l.subscribeAll(); err != nil {
		return nil, err
	}
	for end := now() + o.settle.Nanoseconds(); now() < end; {
		if err := l.poll(nil); err != nil {
			return nil, err
		}
	}
	l.rss = float64(l.server.RSS()-rss) / float64(len(l.clients))
	l.slab = float64(measure.Slab()-slab) / float64(len(l.clients))
	if l.mode == "listen" {
		return l, nil
	}
	if err := l.prepare(); err != nil {
		return nil, err
	}
	runtime.GC() // and no more while the clock runs
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(2 << 30)
	return l, nil
}

// greetAll sends each client's hello and waits for what answers it.
func (l *load) greetAll() error {
	if l.greet == 0 || l.hello == "" {
		return nil
	}
	end := now() + l.patience.Nanoseconds()
	var waiting []*client
	for i := 0; i < len(l.clients) || len(waiting) > 0; {
		for ; i < len(l.clients) && len(waiting) < l.greet; i++ {
			c := &l.clients[i]
			c.write(maskedFrame(opText, text(l.hello, i)))
			waiting = append(waiting, c)
		}
		if err := l.poll(nil); err != nil {
			return err
		}
		waiting = slices.DeleteFunc(waiting, func(c *client) bool { return c.heard })
		if now() > end {
			return fmt.Errorf("%d of %d clients were greeted in %v, and %d wait for their answer", i, len(l.clients), l.patience, len(waiting))
		}
	}
	return nil
}

func (l *load) register(fd int, id int32) error {
	for fd >= len(l.byFD) {
		l.byFD = append(l.byFD, make([]int32, len(l.byFD))...)
	}
	l.byFD[fd] = id
	if err := unix.SetNonblock(fd, true); err != nil {
		return err
	}
	return unix.EpollCtl(l.epfd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
}

// delivery counts that the publish k has come to a client.
func (l *load) delivery(c *client, k int, t int64) {
	c.got++
	if l.mode == "conflate" || l.mode == "slow" {
		if k < c.newest {
			l.twice++ // it has turned back
		}
	}
	c.newest = max(c.newest, k)
	if !c.seen.add(k) {
		l.twice++
		return
	}
	l.reached[k]++
	l.lastAt[k] = t
	if k >= warmUp {
		l.deliveries++
		if l.mode != "push" {
			l.latency = append(l.latency, t-l.sentAt[k])
		}
	}
}

var (
	events [1024]unix.EpollEvent
	buf    [1 << 16]byte
)

// poll hands out what has arrived.
func (l *load) poll(answered func(p *poster, t int64)) error {
	before := now()
	n, _, errno := unix.Syscall6(unix.SYS_EPOLL_WAIT, uintptr(l.epfd), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 0)
	if errno == unix.EINTR {
		return nil
	} else if errno != 0 {
		return fmt.Errorf("epoll_wait: %w", errno)
	}
	if n == 0 {
		l.idle += now() - before
	}
	for _, e := range events[:n] {
		fd := int(e.Fd)
		size, _, err := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)))
		if err == unix.EAGAIN {
			continue
		}
		id := l.byFD[fd]
		if err != 0 || size == 0 {
			if id < 0 {
				return errors.New("the server closed a connection that posts")
			}
			l.end(&l.clients[id-1])
			unix.Close(fd)
			continue
		}
		t := now()
		if id > 0 {
			c := &l.clients[id-1]
			if c.secure == nil {
				l.receive(c, buf[:size], t)
			} else if err := c.secure.open(buf[:size], func(p []byte) { l.receive(c, p, t) }); err != nil {
				return err
			}
			continue
		}
		p := l.posts[-id-1]
		body, err2 := p.answered(buf[:size])
		if err2 != nil {
			return err2
		}
		if body != nil && answered != nil {
			answered(p, t)
		}
	}
	return nil
}

// measure takes the server's and the own CPU time around f, which returns how many things were done in how many seconds.
func (l *load) measure(f func(*measure.Result) error) (r measure.Result, err error) {
	l.latency = make([]int64, 0, max(len(l.clients), 1)*l.r+1<<16)
	r.Lost = l.lost
	server, own := l.server.CPU(), measure.CPU(os.Getpid())
	l.idle = 0
	if err := f(&r); err != nil {
		return r, err
	}
	r.ServerCPU = float64(l.server.CPU()-server) / 1e9
	mine := float64(measure.CPU(os.Getpid())-own-l.idle) / 1e9
	if r.Count == 0 {
		return r, fmt.Errorf("nothing was delivered in %.0f s", r.Seconds)
	}
	slices.Sort(l.latency)
	r.PerSecond = float64(r.Count) / r.Seconds
	r.P50, r.P99 = quantile(l.latency, .5), quantile(l.latency, .99)
	r.ServerUs, r.LoadUs = r.ServerCPU*1e6/float64(r.Count), mine*1e6/float64(r.Count)
	r.Lost, r.Twice = l.lost-r.Lost, l.twice
	r.RSS, r.Slab = l.rss, l.slab
	return r, nil
}

// quantile is in microseconds.
func quantile(sorted []int64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[int(q*float64(len(sorted)-1))]) / 1e3
}
