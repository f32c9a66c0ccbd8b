//go:build linux

package main

import (
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"quotewire/bench/measure"
)

// slow is a fan-out in three parts: everybody reads; the first l.slow clients do not; and they read again. In the middle
// part twice as much is published as before, so that what does not fit into the kernel's buffers has to go somewhere.
func (l *load) slow() (r measure.Result, err error) {
	s := &measure.Slow{Slow: l.slowClients()}
	l.latency = make([]int64, 0, len(l.clients)*l.r+1)
	before, last := warmUp+l.r/3, warmUp+l.r

	cpu := l.server.CPU()
	if err := l.windowed(&r, warmUp, before); err != nil {
		return r, err
	}
	s.BeforeUs = float64(l.server.CPU()-cpu) / 1e3 / float64(max(r.Count, 1))
	slices.Sort(l.latency)
	s.BeforeP50, s.BeforeP99 = quantile(l.latency, .5), quantile(l.latency, .99)
	s.MissedByOthers = r.Missing

	for i := range s.Slow {
		c := &l.clients[i]
		c.paused, c.got = true, 0
		if err := unix.EpollCtl(l.epfd, unix.EPOLL_CTL_DEL, c.fd, nil); err != nil && !c.ended {
			return r, err
		}
	}
	rss := l.server.RSS()
	cpu = l.server.CPU()
	if err := l.windowed(&r, before, last); err != nil {
		return r, err
	}
	s.DuringUs = float64(l.server.CPU()-cpu) / 1e3 / float64(max(r.Count, 1))
	s.GrewPerSlow = float64(l.server.RSS()-rss) / float64(s.Slow)
	slices.Sort(l.latency)
	s.DuringP50, s.DuringP99 = quantile(l.latency, .5), quantile(l.latency, .99)
	s.MissedByOthers += r.Missing
	s.Offered = last - before

	for i := range s.Slow {
		c := &l.clients[i]
		c.paused = false
		if c.ended {
			continue
		}
		if err := unix.EpollCtl(l.epfd, unix.EPOLL_CTL_ADD, c.fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(c.fd)}); err != nil {
			return r, err
		}
	}
	slow := l.clients[:s.Slow]
	for deadline := now() + 10e9; now() < deadline && slices.ContainsFunc(slow, func(c client) bool { return !c.ended && c.newest < last-1 }); {
		if err := l.poll(nil); err != nil {
			return r, err
		}
	}
	for i := range slow {
		switch c := &slow[i]; {
		case c.newest == last-1:
			s.Newest++
			s.Got += float64(c.got)
		case c.ended:
			s.Closed++
			s.Code = max(s.Code, c.code)
		}
	}
	s.Got /= float64(max(s.Newest, 1))
	if r.Count == 0 {
		return r, fmt.Errorf("nothing was delivered while %d clients did not read", s.Slow)
	}
	r.Missing, r.Twice, r.Slow = s.MissedByOthers, l.twice, s
	return r, nil
}

func (l *load) slowClients() int { return min(l.options.slow, len(l.clients)/2) }
