//go:build linux

package main

import (
	"fmt"
	"strings"

	"quotewire/bench/measure"
)

func missing(r measure.Result) int { return r.Missing + r.Twice + r.Lost }

// compare renders a section as a table for each of its workloads.
func compare(section string) func(*report) string {
	return func(r *report) string {
		rs := r.journal.of(section)
		var b strings.Builder
		for _, w := range rs.names("") {
			b.WriteString("**" + describe(w) + "**\n\n" + deliveries(rs, w))
		}
		return b.String()
	}
}

// describe says in words what a workload is.
func describe(workload string) string {
	parts := strings.Split(workload, ":")
	switch parts[0] {
	case "fanout":
		if parts[2] == "1" {
			return fmt.Sprintf("%s sockets, one price at a time", thousands(parts[1]))
		}
		return fmt.Sprintf("%s sockets, %s prices in flight", thousands(parts[1]), parts[2])
	case "push":
		if parts[1] == "1" {
			return "one caller"
		}
		return parts[1] + " callers"
	case "storm":
		return thousands(parts[1]) + " sockets at once"
	case "slow":
		return thousands(parts[1]) + " sockets"
	}
	return workload
}

// thousands puts narrow gaps into a number, at which no line is broken.
func thousands(digits string) string {
	if n := len(digits); n > 3 {
		return thousands(digits[:n-3]) + "\u202f" + digits[n-3:]
	}
	return digits
}

// deliveries compares the servers of one workload.
func deliveries(rs results, workload string) string {
	t := newTable("server", "µs of server CPU each", "× limit", "thousands a second", "p50 ms", "p99 ms", "p99, × limit", "load generator µs", "missing")
	limit := rs.by("limit", workload)
	for _, name := range order(rs, workload) {
		of := rs.by(name, workload)
		t.row(name, of.spread(serverUs, 1), number(of.median(serverUs)/limit.median(serverUs)), of.spread(perSecond, 1e-3), of.spread(p50, 1e-3),
			of.spread(p99, 1e-3), number(of.median(p99)/limit.median(p99)), number(max(of.median(loadUs), 0)), fmt.Sprint(of.sum(missing)))
	}
	return t.b.String() + "\n"
}

// conflation says what became of prices that were published faster than they could be delivered.
func (r *report) conflation() string {
	rs := r.journal.of("conflation")
	t := newTable("server", "sockets", "prices", "µs of server CPU for each price and socket", "× limit", "prices a second", "copies sent of all", "older after newer", "without the last one")
	for _, w := range rs.names("") {
		limit := rs.by("limit", w)
		for _, name := range rs.names(w) {
			of := rs.by(name, w)
			one := of[0]
			prices := float64(one.Count / one.Sockets)
			t.row(name, thousands(fmt.Sprint(one.Sockets)), number(prices), of.spread(serverUs, 1), number(of.median(serverUs)/limit.median(serverUs)),
				of.spread(func(r measure.Result) float64 { return prices / r.Seconds }, 1),
				fmt.Sprintf("%.0f %%", of.median(func(r measure.Result) float64 { return 100 * float64(r.Delivered) / float64(r.Count) })),
				fmt.Sprint(of.sum(func(r measure.Result) int { return r.Twice })), fmt.Sprint(of.sum(func(r measure.Result) int { return r.Missing })))
		}
	}
	return t.b.String()
}

func (r *report) memory() string {
	rs := r.journal.of("memory")
	t := newTable("server", "sockets", "bytes of a connection, in the server", "in the kernel, both ends", "µs of server CPU for a handshake")
	for _, w := range rs.names("") {
		parts := strings.Split(w, ":")
		for _, name := range rs.names(w) {
			of := rs.by(name, w)
			shown, accept := name, of.spread(serverUs, 1)
			switch {
			case len(parts) > 2:
				shown += ", TLS"
			case parts[0] == "listen":
				shown, accept = shown+", listening to 8 topics", "–"
			}
			t.row(shown, thousands(parts[1]), of.spread(rss, 1), of.spread(func(r measure.Result) float64 { return r.Slab }, 1), accept)
		}
	}
	return t.b.String()
}

func (r *report) slow() string {
	rs := r.journal.of("slow").where(func(r measure.Result) bool { return r.Slow != nil })
	var b strings.Builder
	for _, w := range rs.names("") {
		b.WriteString("**" + describe(w) + "**, some of which stop reading\n\n")
		t := newTable("server", "slow", "p99 of the others before, ms", "while they do not read, ms", "µs of server CPU each, before", "while", "grew by, bytes for each slow one",
			"of the slow: got the newest", "closed, with code", "prices they got of those they missed", "the others missed")
		for _, name := range rs.names(w) {
			of := rs.by(name, w)
			s := func(f func(*measure.Slow) float64) func(measure.Result) float64 {
				return func(r measure.Result) float64 { return f(r.Slow) }
			}
			one := of[len(of)-1].Slow
			closed := fmt.Sprint(one.Closed)
			if one.Closed > 0 && one.Code > 0 {
				closed += fmt.Sprintf(", %d", one.Code)
			} else if one.Closed > 0 {
				closed += ", none"
			}
			t.row(name, fmt.Sprint(one.Slow), of.spread(s(func(s *measure.Slow) float64 { return s.BeforeP99 }), 1e-3), of.spread(s(func(s *measure.Slow) float64 { return s.DuringP99 }), 1e-3),
				of.spread(s(func(s *measure.Slow) float64 { return s.BeforeUs }), 1), of.spread(s(func(s *measure.Slow) float64 { return s.DuringUs }), 1),
				of.spread(s(func(s *measure.Slow) float64 { return s.GrewPerSlow }), 1), fmt.Sprint(one.Newest), closed, fmt.Sprintf("%s of %d", number(one.Got), one.Offered), fmt.Sprint(one.MissedByOthers))
		}
		b.WriteString(t.b.String() + "\n")
	}
	return b.String()
}

func (r *report) storms() string {
	rs := r.journal.of("storms").where(func(r measure.Result) bool { return r.Storm != nil })
	var b strings.Builder
	for _, w := range rs.names("") {
		b.WriteString("**" + describe(w) + "**\n\n")
		t := newTable("server", "accepted a second", "× limit", "µs of server CPU for one", "p99 of a handshake, ms", "refused or failed", "bytes of a connection, then", "closed a second", "µs for one", "still open after a minute")
		limit := rs.by("limit", w)
		for _, name := range rs.names(w) {
			of := rs.by(name, w)
			s := func(f func(*measure.Storm) float64) func(measure.Result) float64 {
				return func(r measure.Result) float64 { return f(r.Storm) }
			}
			closed := s(func(s *measure.Storm) float64 { return float64(s.Opened-s.StillOpen) / s.CloseSeconds })
			t.row(name, of.spread(perSecond, 1), number(of.median(perSecond)/limit.median(perSecond)), of.spread(serverUs, 1), of.spread(s(func(s *measure.Storm) float64 { return s.P99 }), 1e-3),
				fmt.Sprint(of.sum(func(r measure.Result) int { return r.Storm.Refused + r.Storm.Failures })), of.spread(s(func(s *measure.Storm) float64 { return s.PeakRSS }), 1),
				of.spread(closed, 1), of.spread(s(func(s *measure.Storm) float64 { return s.CloseUs }), 1), fmt.Sprint(of.sum(func(r measure.Result) int { return r.Storm.StillOpen })))
		}
		b.WriteString(t.b.String() + "\n")
	}
	return b.String()
}
