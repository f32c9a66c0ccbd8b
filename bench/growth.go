//go:build linux

package main

import (
	"fmt"
	"strings"

	"quotewire/bench/measure"
)

// growth is the plots, with the tables behind them.
func (r *report) growth() string {
	rs := r.journal.of("growth")
	var b strings.Builder
	b.WriteString(r.bySockets(rs))
	b.WriteString(r.byRate(rs))
	return b.String()
}

// bySockets shows what a delivery costs against the number of sockets.
func (r *report) bySockets(rs results) string {
	rs = rs.where(func(r measure.Result) bool { return strings.HasPrefix(r.Workload, "fanout:") })
	if len(rs) == 0 {
		return ""
	}
	p := plot{title: "CPU of the server for one delivery", x: "sockets", y: "µs", logX: true}
	t := newTable(append([]string{"sockets"}, columns(rs, "µs each", "p99 ms")...)...)
	workloads := rs.names("")
	for _, name := range names(rs) {
		line := series{name: name}
		for _, w := range workloads {
			if of := rs.by(name, w); len(of) > 0 {
				line.points = append(line.points, point{float64(of[0].Sockets), of.median(serverUs)})
			}
		}
		p.series = append(p.series, line)
	}
	for _, w := range workloads {
		row := []string{thousands(strings.Split(w, ":")[1])}
		for _, name := range names(rs) {
			of := rs.by(name, w)
			row = append(row, of.spread(serverUs, 1), of.spread(p99, 1e-3))
		}
		t.row(row...)
	}
	r.plots["delivery-by-sockets.svg"] = p.svg()
	return "![CPU of the server for one delivery, by the number of sockets](delivery-by-sockets.svg)\n\n" + t.b.String() + "\n" + p.bends()
}

// bends names for each line how much it grows, and where it grows most.
func (p plot) bends() string {
	var b strings.Builder
	for _, s := range p.series {
		if len(s.points) < 2 {
			continue
		}
		steepest, growth := 1, 0.0
		for i := 1; i < len(s.points); i++ {
			if g := s.points[i].y / s.points[i-1].y; g > growth {
				steepest, growth = i, g
			}
		}
		first, last := s.points[0], s.points[len(s.points)-1]
		fmt.Fprintf(&b, "- %s: %s %s at %s %s, %s at %s. It bends most between %s and %s: × %s.\n", s.name, number(first.y), p.y, thousands(fmt.Sprint(first.x)), p.x,
			number(last.y), thousands(fmt.Sprint(last.x)), thousands(fmt.Sprint(s.points[steepest-1].x)), thousands(fmt.Sprint(s.points[steepest].x)), number(growth))
	}
	return b.String() + "\n"
}

// byRate shows how long a price is on its way at a given number of prices a second.
func (r *report) byRate(rs results) string {
	rs = rs.where(func(r measure.Result) bool { return strings.HasPrefix(r.Workload, "pace:") })
	if len(rs) == 0 {
		return ""
	}
	p := plot{title: "From the publish to the delivery, p99, 1,000 sockets", x: "prices a second", y: "ms", logX: true, logY: true}
	t := newTable(append([]string{"prices a second"}, columns(rs, "p50 ms", "p99 ms", "delivered")...)...)
	for _, name := range names(rs) {
		line := series{name: name}
		for _, w := range rs.names("") {
			if of := rs.by(name, w); len(of) > 0 {
				line.points = append(line.points, point{of[0].Rate, of.median(p99) / 1e3})
			}
		}
		p.series = append(p.series, line)
	}
	for _, w := range rs.names("") {
		row := []string{strings.TrimPrefix(w, "pace:")}
		for _, name := range names(rs) {
			of := rs.by(name, w)
			done := of.median(func(r measure.Result) float64 {
				return 100 * float64(r.Count) / float64(r.Count+r.Missing)
			})
			row = append(row, of.spread(p50, 1e-3), of.spread(p99, 1e-3), fmt.Sprintf("%.0f %%", done))
		}
		t.row(row...)
	}
	r.plots["latency-by-rate.svg"] = p.svg()
	return "![p99 from the publish to the delivery, by the number of prices a second](latency-by-rate.svg)\n\n" + t.b.String() + "\n" + p.bends()
}

// names returns the servers of a section.
func names(rs results) []string {
	var all []string
	seen := map[string]bool{}
	for _, r := range rs {
		if !seen[r.Server] {
			seen[r.Server] = true
			all = append(all, r.Server)
		}
	}
	return all
}

// columns heads a table that has the same columns for each server.
func columns(rs results, each ...string) (all []string) {
	for _, name := range names(rs) {
		for _, c := range each {
			all = append(all, name+", "+c)
		}
	}
	return all
}
