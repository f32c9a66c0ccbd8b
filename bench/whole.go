//go:build linux

package main

import (
	"fmt"
	"strings"

	"quotewire/bench/measure"
)

// product compares the whole way of a price with its last part.
func (r *report) product() string {
	rs := r.journal.of("product")
	var b strings.Builder
	for _, w := range rs.names("") {
		limit, gateway := rs.by("limit", w), rs.by("quotewire", w)
		last := func(r measure.Result) float64 { return r.Last }
		b.WriteString("**" + describe(w) + "**\n\n")
		t := newTable("server", "µs of CPU of all processes each", "× limit", "until the last socket has it, ms", "× the gateway's own fan-out", "p50 ms", "missing")
		for _, name := range rs.names(w) {
			of := rs.by(name, w)
			t.row(name, of.spread(serverUs, 1), number(of.median(serverUs)/limit.median(serverUs)), of.spread(last, 1e-3), number(of.median(last)/gateway.median(last)),
				of.spread(p50, 1e-3), fmt.Sprint(of.sum(missing)))
		}
		b.WriteString(t.b.String() + "\n")
	}
	return b.String()
}

func (r *report) roundtrip() string {
	rs := r.journal.of("roundtrip")
	t := newTable("server", "sockets", "environments", "round trips a second", "p50 ms", "p99 ms", "µs of CPU for one, cloud and function")
	environments := func(r measure.Result) float64 { return float64(r.Environments) }
	var cold results
	for _, w := range rs.names("") {
		for _, server := range rs.names(w) {
			of := rs.by(server, w)
			if w == "cold" {
				cold = of
				continue
			}
			t.row(server, fmt.Sprint(of[0].Sockets), of.spread(environments, 1), of.spread(perSecond, 1), of.spread(p50, 1e-3), of.spread(p99, 1e-3), of.spread(serverUs, 1))
		}
	}
	text := t.b.String()
	if len(cold) > 0 {
		part := func(f func(*measure.Cold) float64) string {
			return cold.spread(func(r measure.Result) float64 { return f(r.Cold) }, 1)
		}
		text += fmt.Sprintf("\nA cold start takes %s ms and a warm invocation %s ms. The program alone, started without a cloud, takes %s ms: the cloud adds %s ms.\n",
			part(func(c *measure.Cold) float64 { return c.Cold }), part(func(c *measure.Cold) float64 { return c.Warm }),
			part(func(c *measure.Cold) float64 { return c.Bare }), part(func(c *measure.Cold) float64 { return c.Over }))
	}
	return text
}

// tables says what a publish costs against what the tables hold.
func (r *report) tables() string {
	rs := r.journal.of("tables")
	if len(rs) == 0 {
		return ""
	}
	t := newTable("watches in the tables", "ms of CPU of all processes for a price to 100 sockets", "until the last socket has it, ms", "p99 ms", "missing")
	p := plot{title: "CPU of all processes for a price to 100 sockets", x: "watches in the tables", y: "ms", logX: true}
	line := series{name: wholeWay}
	for _, w := range rs.names("") {
		of := rs.by(wholeWay, w)
		cost := func(r measure.Result) float64 { return r.ServerUs * float64(r.Sockets) }
		t.row(thousands(strings.TrimPrefix(w, "tables:")), of.spread(cost, 1e-3), of.spread(func(r measure.Result) float64 { return r.Last }, 1e-3), of.spread(p99, 1e-3), fmt.Sprint(of.sum(missing)))
		var size float64
		fmt.Sscanf(w, "tables:%g", &size)
		line.points = append(line.points, point{size, of.median(cost) / 1e3})
	}
	p.series = []series{line}
	r.plots["publish-by-watches.svg"] = p.svg()
	return "![CPU for a price by the number of watches in the tables](publish-by-watches.svg)\n\n" + t.b.String()
}
