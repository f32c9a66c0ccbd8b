//go:build linux

package main

import (
	"fmt"
	"slices"
	"time"

	"quotewire/bench/measure"
)

// fanout publishes all prices, at most l.window of which have not reached everybody.
func (l *load) fanout(r *measure.Result) error { return l.windowed(r, warmUp, warmUp+l.r) }

// windowed publishes from to below end, after the warm-up if that has not been.
func (l *load) windowed(r *measure.Result, from, end int) error {
	if from == warmUp {
		if err := l.closedLoop(0, warmUp); err != nil {
			return err
		}
	}
	l.deliveries, l.latency, l.idle = 0, l.latency[:0], 0
	start := now()
	if err := l.closedLoop(from, end); err != nil {
		return err
	}
	r.Seconds = float64(now()-start) / 1e9
	r.Count = l.deliveries
	r.Missing = (end-from)*l.readers() - l.deliveries
	r.Last = l.untilLast(from, end)
	return nil
}

// readers is how many clients there are that read.
func (l *load) readers() (n int) {
	for i := range l.clients {
		if !l.clients[i].paused {
			n++
		}
	}
	return n
}

// closedLoop publishes from to below end and returns once everybody has everything, or patience has run out.
func (l *load) closedLoop(from, end int) error {
	free := slices.Clone(l.posts)
	sent, done := from, from
	lost, readers := l.lost, l.readers()
	for deadline := now() + l.patience.Nanoseconds(); now() < deadline; {
		for done < sent && l.reached[done] >= readers-(l.lost-lost) {
			done++
		}
		if done == end {
			break
		}
		for sent < end && sent-done < l.window && len(free) > 0 {
			p := free[len(free)-1]
			free = free[:len(free)-1]
			if err := l.publish(p, sent); err != nil {
				return err
			}
			sent++
		}
		if err := l.poll(func(p *poster, _ int64) { free = append(free, p) }); err != nil {
			return err
		}
	}
	for len(free) < len(l.posts) && done == end { // the answers of the last ones
		if err := l.poll(func(p *poster, _ int64) { free = append(free, p) }); err != nil {
			return err
		}
	}
	return nil
}

// untilLast is the median time from a publish to its last delivery, in microseconds.
func (l *load) untilLast(from, end int) float64 {
	var all []int64
	for k := from; k < end; k++ {
		if l.lastAt[k] != 0 {
			all = append(all, l.lastAt[k]-l.sentAt[k])
		}
	}
	slices.Sort(all)
	return quantile(all, .5)
}

// conflate publishes one price after the other as fast as they are taken. A server may leave out prices that a newer one
// has overtaken, but the last one must come to everybody, and none after a newer one. Count is what was published times
// the clients: what a server saves by leaving out shows in its CPU for each.
func (l *load) conflate(r *measure.Result) error {
	end := warmUp + l.r
	start, deadline, sent, free := now(), now()+l.patience.Nanoseconds(), warmUp, true
	for now() < deadline && (sent < end || !free || l.reached[end-1] < len(l.clients)) {
		if free && sent < end {
			if err := l.publish(l.posts[0], sent); err != nil {
				return err
			}
			free = false
			sent++
		}
		if err := l.poll(func(*poster, int64) { free = true }); err != nil {
			return err
		}
	}
	r.Seconds = float64(now()-start) / 1e9
	r.Count = l.r * len(l.clients)
	r.Missing = len(l.clients) - l.reached[end-1]
	r.Delivered = l.deliveries
	r.Last = float64(l.lastAt[end-1]-l.sentAt[end-1]) / 1e3
	return nil
}

// pace publishes at a rate. A publish that has to wait for a free connection is late, and its clients see that.
func (l *load) pace(r *measure.Result) error {
	count := min(max(int(l.rate*l.duration.Seconds()), 1), l.r)
	if err := l.closedLoop(0, warmUp); err != nil {
		return err
	}
	l.latency, l.deliveries = l.latency[:0], 0
	interval := time.Duration(float64(time.Second) / l.rate).Nanoseconds()
	free := slices.Clone(l.posts)
	start := now()
	deadline := start + int64(count)*interval + l.duration.Nanoseconds()
	sent := 0
	for now() < deadline && l.deliveries < count*len(l.clients) {
		for due := start + int64(sent)*interval; sent < count && due <= now() && len(free) > 0; due = start + int64(sent)*interval {
			p := free[len(free)-1]
			free = free[:len(free)-1]
			l.sentAt[warmUp+sent] = due
			if err := l.publish(p, warmUp+sent); err != nil {
				return err
			}
			sent++
		}
		if err := l.poll(func(p *poster, _ int64) { free = append(free, p) }); err != nil {
			return err
		}
	}
	r.Seconds = float64(now()-start) / 1e9
	r.Count = l.deliveries
	r.Missing = count*len(l.clients) - l.deliveries
	r.Last = l.untilLast(warmUp, warmUp+count)
	r.Rate = l.rate
	return nil
}

// push posts to the first client, l.window posts at once; a post's time ends with its answer.
func (l *load) push(r *measure.Result) error {
	for k := range warmUp {
		free := false
		if err := l.publish(l.posts[0], k); err != nil {
			return err
		}
		for !free {
			if err := l.poll(func(*poster, int64) { free = true }); err != nil {
				return err
			}
		}
	}
	l.deliveries = 0
	end := warmUp + l.r
	sent := warmUp
	next := func(p *poster) error {
		if sent == end {
			return nil
		}
		sent++
		return l.publish(p, sent-1)
	}
	start := now()
	deadline := start + l.patience.Nanoseconds()
	var failure error
	for _, p := range l.posts {
		if err := next(p); err != nil {
			return err
		}
	}
	for len(l.latency) < l.r && now() < deadline && failure == nil {
		if err := l.poll(func(p *poster, t int64) {
			l.latency = append(l.latency, t-p.sent)
			failure = next(p)
		}); err != nil {
			return err
		}
	}
	r.Seconds = float64(now()-start) / 1e9
	if failure != nil {
		return failure
	}
	r.Count = len(l.latency)
	for grace := now() + 1e9; l.deliveries < l.r*len(l.clients) && now() < grace; {
		if err := l.poll(nil); err != nil {
			return err
		}
	}
	if r.Missing = l.r*len(l.clients) - l.deliveries; r.Count < l.r {
		return fmt.Errorf("%d of %d posts were answered in %v", r.Count, l.r, l.patience)
	}
	return nil
}
