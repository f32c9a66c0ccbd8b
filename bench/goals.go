//go:build linux

package main

import (
	"fmt"
	"math"
	"strings"

	"quotewire/bench/measure"
)

// goal is a bar: what must be reached, and what would be a surprise.
type goal struct {
	what           string
	unit           string
	value          float64 // NaN if it was not measured
	must, moonshot float64
	more           bool // is better; else less is
}

// reached says how far a goal was reached.
func (g goal) reached() string {
	meets := func(bar float64) bool { return g.more && g.value >= bar || !g.more && g.value <= bar }
	switch {
	case math.IsNaN(g.value) || g.value <= 0:
		return "not measured"
	case g.moonshot != 0 && meets(g.moonshot):
		return "the surprise"
	case meets(g.must):
		return "yes"
	}
	return "**no**"
}

// goals compares what was measured with what must be reached, for the numbers of sockets that were measured.
func (r *report) goals() string {
	var all []goal
	ratio := func(section, workload, server string, f func(measure.Result) float64) float64 {
		rs := r.journal.of(section)
		return rs.by(server, workload).median(f) / rs.by("limit", workload).median(f)
	}
	fanouts, bursts := r.journal.of("fanout").names(""), r.journal.of("bursts").names("")
	// The goal is that of the gateway alone: who publishes is no part of it. For the whole cloud it is shown beside that.
	for _, w := range fanouts {
		must := 1.15
		if strings.HasPrefix(w, "fanout:1000:") {
			must = 1.10
		}
		all = append(all,
			goal{"fan-out inside the gateway, " + describe(w) + ", CPU", "× limit", ratio("fanout", w, "quotewire-unsigned", serverUs), must, 0.90, false},
			goal{"the same with a signed publish, judged, CPU", "× limit", ratio("fanout", w, "quotewire", serverUs), must, 0.90, false})
	}
	for _, w := range fanouts {
		if integer(w) >= 3000 && integer(w) <= 10000 {
			all = append(all, goal{"fan-out inside the gateway, " + describe(w) + ", p99", "× limit", ratio("fanout", w, "quotewire-unsigned", p99), 1.15, 0.90, false})
		}
	}
	for _, w := range bursts {
		must, moonshot := 0.55, 0.40
		if integer(w) == 1000 {
			must, moonshot = 0.50, 0.35
		}
		all = append(all, goal{"fan-out, " + describe(w) + ", CPU", "× limit", ratio("bursts", w, "quotewire", serverUs), must, moonshot, false})
	}
	last := func(r measure.Result) float64 { return r.Last }
	product := r.journal.of("product")
	for _, w := range product.names("") {
		all = append(all,
			goal{"the whole way, " + describe(w) + ", CPU of all processes", "× limit", ratio("product", w, wholeWay, serverUs), 1.5, 0, false},
			goal{"the whole way, " + describe(w) + ", until the last", "× the gateway's fan-out", product.by(wholeWay, w).median(last) / product.by("quotewire", w).median(last), 1.5, 0, false})
	}
	all = append(all,
		goal{"posts to one socket, 16 callers, unsigned", "× limit", ratio("push", "push:16", "quotewire-unsigned", serverUs), 1.30, 1.10, false},
		goal{"posts to one socket, 16 callers, signed and judged", "× limit", ratio("push", "push:16", "quotewire", serverUs), 1.70, 1.40, false})
	trips := r.journal.of("roundtrip")
	best := trips.where(func(r measure.Result) bool { return r.Server == "quotewire" && r.Sockets > 1 })
	all = append(all,
		goal{"a message through a function and back, p50", "ms", trips.by("quotewire", "roundtrip:1").median(p50) / 1e3, 0.5, 0.2, false},
		goal{"messages through a function and back", "a second", fastest(best), 5000, 10000, true},
		goal{"a cold start, over the process's own", "ms", trips.by("quotewire", "cold").median(func(r measure.Result) float64 { return r.Cold.Over }), 15, 0, false})
	memory := r.journal.of("memory")
	for _, w := range memory.names("") {
		if strings.HasPrefix(w, "idle:") && !strings.HasSuffix(w, ":tls") && integer(w) > 1000 {
			all = append(all, goal{"memory, " + thousands(fmt.Sprint(integer(w))) + " idle connections", "bytes each", memory.by("quotewire", w).median(rss), 1024, 400, false})
		}
	}
	t := newTable("goal", "reached", "must be", "would be a surprise", "is it?")
	for _, g := range all {
		moonshot, sign := "", "≤ "
		if g.more {
			sign = "≥ "
		}
		if g.moonshot != 0 {
			moonshot = sign + number(g.moonshot)
		}
		t.row(g.what, number(g.value)+" "+g.unit, sign+number(g.must), moonshot, g.reached())
	}
	return t.b.String()
}

// fastest is the highest median of requests a second of any workload.
func fastest(rs results) float64 {
	best := math.NaN()
	for _, w := range rs.names("") {
		if m := rs.where(func(r measure.Result) bool { return r.Workload == w }).median(perSecond); !(m <= best) {
			best = m
		}
	}
	return best
}

// integer is the first number in the name of a workload.
func integer(workload string) (n int) {
	_, rest, _ := strings.Cut(workload, ":")
	fmt.Sscanf(rest, "%d", &n)
	return n
}

// million says what a node needs for a million connections, by calculation from what was measured.
func (r *report) million() string {
	const connections, core, rate = 1e6, 1e6, 10 // microseconds of a core in a second; prices a second that a client gets
	memory := r.journal.of("memory")
	growth := r.journal.of("growth")
	var idle, largest string
	for _, w := range memory.names("") {
		if strings.HasPrefix(w, "idle:") && !strings.HasSuffix(w, ":tls") {
			idle = w
		}
	}
	for _, w := range growth.names("") {
		if strings.HasPrefix(w, "fanout:") {
			largest = w
		}
	}
	if idle == "" || largest == "" || len(growth.by("quotewire", largest)) == 0 {
		return "Not calculated: memory or growth has not been measured.\n"
	}
	user := memory.by("quotewire", idle).median(rss)
	kernel := memory.by("quotewire", idle).median(func(r measure.Result) float64 { return r.Slab }) / 2
	secure := memory.by("quotewire", idle+":tls").median(rss)
	each := growth.by("quotewire", largest).median(serverUs)
	storms := r.journal.of("storms")
	accept := math.NaN()
	for _, w := range storms.names("") {
		accept = storms.by("quotewire-connect", w).median(serverUs)
	}
	t := newTable("for a million connections on one node", "measured", "therefore")
	gib := func(bytes float64) string { return number(bytes*connections/(1<<30)) + " GiB" }
	t.row("memory of the gateway", number(user)+" bytes each", gib(user))
	if !math.IsNaN(secure) {
		t.row("the same over TLS", number(secure)+" bytes each", gib(secure))
	}
	t.row("memory of the kernel for its end", number(kernel)+" bytes each", gib(kernel))
	t.row("one price to all", number(each)+" µs of a core each", number(each*connections/core)+" s of one core, "+number(each*connections/core/16)+" s on 16")
	t.row(fmt.Sprintf("%d prices a second to each", rate), number(each)+" µs of a core each", number(each*connections*rate/core)+" cores, if none are joined")
	t.row("that in bytes on the wire", "98 bytes and 66 of heads each", number(connections*rate*164*8/1e9)+" Gbit/s")
	if !math.IsNaN(accept) {
		t.row("all connect anew", number(accept)+" µs of a core each", number(accept*connections/core)+" s of one core")
	}
	t.row("open files", "one each", "a limit of 1 100 000, and 16 addresses or clients on many machines")
	return t.b.String()
}
