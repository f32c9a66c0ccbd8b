//go:build linux

package main

import (
	"cmp"
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
)

// plot is a chart of lines. It is drawn for light and for dark pages: the colours that depend on it are in a style sheet,
// and those of the lines can be told apart on both, as can their markers without colour.
type plot struct {
	title, x, y string
	logX, logY  bool
	series      []series
}

type series struct {
	name   string
	points []point
}

type point struct{ x, y float64 }

const (
	plotWidth, plotHeight = 720, 400
	plotLeft, plotRight   = 64, 150 // the names of the lines are on the right
	plotTop, plotBottom   = 40, 48
)

var colours = []string{"#3b82f6", "#f97316", "#10b981", "#a855f7", "#ef4444", "#eab308", "#06b6d4"}

// scale maps values onto pixels.
type scale struct {
	log      bool
	low, top float64 // in logarithms if log
	from, to float64 // pixels
}

func newScale(log bool, from, to float64, values []float64) scale {
	s := scale{log: log, from: from, to: to, low: math.Inf(1), top: math.Inf(-1)}
	for _, v := range values {
		if log {
			v = math.Log10(v)
		}
		s.low, s.top = min(s.low, v), max(s.top, v)
	}
	if !log {
		s.low = 0
		step := niceStep(s.top)
		s.top = math.Ceil(s.top/step) * step
	}
	if s.top <= s.low {
		s.top = s.low + 1
	}
	return s
}

func (s scale) at(v float64) float64 {
	if s.log {
		v = math.Log10(v)
	}
	return s.from + (v-s.low)/(s.top-s.low)*(s.to-s.from)
}

// niceStep divides a range into about five.
func niceStep(top float64) float64 {
	if top <= 0 {
		return 1
	}
	step := math.Pow(10, math.Floor(math.Log10(top/5)))
	for _, m := range []float64{1, 2, 5, 10} {
		if top/(step*m) <= 6 {
			return step * m
		}
	}
	return step * 10
}

// ticks are the values that are written at an axis.
func (s scale) ticks() (all []float64) {
	if !s.log {
		for v, step := 0.0, niceStep(s.top); v <= s.top*1.0001; v += step {
			all = append(all, v)
		}
		return all
	}
	for e := math.Floor(s.low); e <= math.Ceil(s.top); e++ {
		for _, m := range []float64{1, 2, 5} {
			if v := m * math.Pow(10, e); math.Log10(v) >= s.low-1e-9 && math.Log10(v) <= s.top+1e-9 && (m == 1 || s.top-s.low < 2.5) {
				all = append(all, v)
			}
		}
	}
	return all
}

func (p plot) svg() string {
	var xs, ys []float64
	for i := range p.series {
		kept := p.series[i].points[:0]
		for _, q := range p.series[i].points {
			if math.IsNaN(q.y) || p.logY && q.y <= 0 || p.logX && q.x <= 0 {
				continue
			}
			kept = append(kept, q)
			xs, ys = append(xs, q.x), append(ys, q.y)
		}
		slices.SortFunc(kept, func(a, b point) int { return cmp.Compare(a.x, b.x) })
		p.series[i].points = kept
	}
	x := newScale(p.logX, plotLeft, plotWidth-plotRight, xs)
	y := newScale(p.logY, plotHeight-plotBottom, plotTop, ys)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s">
<style>
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .grid { stroke: #d0d7de }
  .line { fill: none; stroke-width: 2.5 }
  @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .grid { stroke: #3d444d } }
</style>
`, plotWidth, plotHeight, plotWidth, plotHeight, html.EscapeString(p.title))
	fmt.Fprintf(&b, `<text x="%d" y="22" font-weight="bold">%s</text>`+"\n", plotLeft, html.EscapeString(p.title))
	for _, v := range x.ticks() {
		fmt.Fprintf(&b, `<line class="grid" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n",
			x.at(v), x.at(v), plotTop, plotHeight-plotBottom, x.at(v), plotHeight-plotBottom+18, tick(v))
	}
	for _, v := range y.ticks() {
		fmt.Fprintf(&b, `<line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n",
			plotLeft, plotWidth-plotRight, y.at(v), y.at(v), plotLeft-8, y.at(v)+4, tick(v))
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">%s</text><text x="%d" y="%d" text-anchor="end">%s</text>`+"\n",
		(plotLeft+plotWidth-plotRight)/2, plotHeight-10, html.EscapeString(p.x), plotLeft-8, plotTop-18, html.EscapeString(p.y))
	labels := p.labels(y)
	for i, s := range p.series {
		if len(s.points) == 0 {
			continue
		}
		colour := colours[i%len(colours)]
		var path strings.Builder
		for j, q := range s.points {
			fmt.Fprintf(&path, "%c%.1f %.1f", "ML"[min(j, 1)], x.at(q.x), y.at(q.y))
		}
		fmt.Fprintf(&b, `<path class="line" stroke="%s" d="%s"/>`+"\n", colour, path.String())
		for _, q := range s.points {
			b.WriteString(marker(i, colour, x.at(q.x), y.at(q.y)))
		}
		fmt.Fprintf(&b, `%s<text x="%d" y="%.1f">%s</text>`+"\n", marker(i, colour, float64(plotWidth-plotRight+16), labels[i]-4), plotWidth-plotRight+26, labels[i], html.EscapeString(s.name))
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// labels places the names of the lines beside their ends, and far enough from each other.
func (p plot) labels(y scale) []float64 {
	at := make([]float64, len(p.series))
	var placed []float64
	for i, s := range p.series {
		if len(s.points) == 0 {
			continue
		}
		want := y.at(s.points[len(s.points)-1].y) + 4
		for crowded := true; crowded; {
			crowded = false
			for _, other := range placed {
				if math.Abs(other-want) < 16 {
					want, crowded = other-16.5, true
				}
			}
		}
		at[i] = want
		placed = append(placed, want)
	}
	return at
}

// marker is a shape of its own for each line.
func marker(i int, colour string, x, y float64) string {
	switch i % 4 {
	case 0:
		return fmt.Sprintf(`<circle cx="%.1f" cy="%.1f" r="4" fill="%s"/>`, x, y, colour)
	case 1:
		return fmt.Sprintf(`<rect x="%.1f" y="%.1f" width="8" height="8" fill="%s"/>`, x-4, y-4, colour)
	case 2:
		return fmt.Sprintf(`<path d="M%.1f %.1fl5 9h-10z" fill="%s"/>`, x, y-5, colour)
	}
	return fmt.Sprintf(`<path d="M%.1f %.1fl5 5l-5 5l-5 -5z" fill="%s"/>`, x, y-5, colour)
}

// tick writes a value at an axis.
func tick(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%g M", v/1e6)
	case v >= 1e4:
		return fmt.Sprintf("%gk", v/1e3)
	}
	return fmt.Sprintf("%.4g", v)
}
