//go:build linux

package main

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"quotewire/bench/measure"
)

// storm connects all clients at once, waits, and closes them all at once, each with a close frame. What counts as closed
// is what the server has closed.
func storm(o options) (r measure.Result, err error) {
	u, err := url.Parse(o.url)
	if err != nil {
		return r, err
	}
	to, err := resolve(u.Host)
	if err != nil {
		return r, err
	}
	w, err := newWeather(o.sockets)
	if err != nil {
		return r, err
	}
	request := handshake(u)
	server := measure.Tree{Root: o.pid}
	rss, cpu := server.RSS(), server.CPU()
	s := &measure.Storm{}
	r.Storm = s

	start := now()
	for i := range o.sockets {
		fd, err := bind(i, unix.SOCK_NONBLOCK)
		if err != nil {
			return r, err
		}
		if err := unix.Connect(fd, to); err != nil && err != unix.EINPROGRESS {
			return r, fmt.Errorf("connect %d: %w", i, err)
		}
		if err := w.add(fd); err != nil {
			return r, err
		}
	}
	var latency []int64
	end := start
	for deadline := start + o.patience.Nanoseconds(); w.left > 0 && now() < deadline; {
		err := w.poll(request, func(head []byte, t int64) bool {
			end = t
			if !bytes.HasPrefix(head, []byte("HTTP/1.1 101")) {
				s.Refused++
				return false
			}
			latency = append(latency, t-start)
			s.Opened++
			return true
		})
		if err != nil {
			return r, err
		}
	}
	s.Failures = w.failed + w.left
	s.OpenSeconds = float64(end-start) / 1e9
	s.OpenUs = float64(server.CPU()-cpu) / 1e3 / float64(max(s.Opened, 1))
	s.PeakRSS = float64(server.RSS()-rss) / float64(max(s.Opened, 1))
	slices.Sort(latency)
	s.HandshakeP50, s.P99 = quantile(latency, .5), quantile(latency, .99)
	if s.Opened == 0 {
		return r, fmt.Errorf("no client was let in: %d refused, %d failed in %v", s.Refused, s.Failures, o.patience)
	}
	time.Sleep(o.settle)

	cpu, start = server.CPU(), now()
	s.StillOpen = w.closeAll(maskedFrame(opClose, []byte{1000 >> 8, 1000 & 0xff}), start+o.patience.Nanoseconds())
	s.CloseSeconds = float64(now()-start) / 1e9
	time.Sleep(200 * time.Millisecond) // what the server does after its last close counts as well
	s.CloseUs = float64(server.CPU()-cpu) / 1e3 / float64(s.Opened)
	r.Count, r.Seconds = s.Opened, s.OpenSeconds
	r.PerSecond, r.ServerUs = float64(s.Opened)/s.OpenSeconds, s.OpenUs
	return r, nil
}

// weather is the sockets of a storm.
type weather struct {
	epfd   int
	asked  map[int]bool // sockets that have written their handshake
	open   []int
	left   int // without an answer yet
	failed int
}

func newWeather(n int) (*weather, error) {
	epfd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	return &weather{epfd: epfd, asked: make(map[int]bool, n)}, err
}

func (w *weather) add(fd int) error {
	w.left++
	return unix.EpollCtl(w.epfd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLOUT, Fd: int32(fd)})
}

// poll writes the handshake of sockets that are connected, and hands answers to answered, which tells whether a socket is
// open.
func (w *weather) poll(request []byte, answered func(head []byte, t int64) bool) error {
	n, err := unix.EpollWait(w.epfd, events[:], 0)
	if err != nil && err != unix.EINTR {
		return fmt.Errorf("epoll_wait: %w", err)
	}
	for _, e := range events[:max(n, 0)] {
		fd := int(e.Fd)
		if !w.asked[fd] {
			w.asked[fd] = true
			if _, err := unix.Write(fd, request); err != nil {
				w.fail(fd)
				continue
			}
			unix.EpollCtl(w.epfd, unix.EPOLL_CTL_MOD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: e.Fd})
			continue
		}
		n, err := unix.Read(fd, buf[:])
		if err != nil || n == 0 {
			w.fail(fd)
			continue
		}
		w.left--
		if answered(buf[:n], now()) {
			w.open = append(w.open, fd)
			unix.EpollCtl(w.epfd, unix.EPOLL_CTL_DEL, fd, nil)
		} else {
			unix.Close(fd)
		}
	}
	return nil
}

func (w *weather) fail(fd int) {
	w.left--
	w.failed++
	unix.Close(fd)
}

// closeAll sends a close frame on each open socket, and returns how many the server had not closed at the deadline.
func (w *weather) closeAll(frame []byte, deadline int64) int {
	for _, fd := range w.open {
		unix.Write(fd, frame)
		unix.Shutdown(fd, unix.SHUT_WR)
		unix.EpollCtl(w.epfd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
	}
	open := len(w.open)
	for open > 0 && now() < deadline {
		n, err := unix.EpollWait(w.epfd, events[:], 0)
		if err != nil && err != unix.EINTR {
			break
		}
		for _, e := range events[:max(n, 0)] {
			if n, err := unix.Read(int(e.Fd), buf[:]); n == 0 || err != nil && err != unix.EAGAIN {
				open--
				unix.Close(int(e.Fd))
			}
		}
	}
	return open
}
