package weave

import (
	"fmt"
	"html"
	"html/template"
	"slices"
	"strings"
)

// node is a box of a drawing.
type node struct {
	lines  []string // its text
	class  string
	href   string
	column int

	x, y, w, h float64
}

// edge is an arrow between two nodes, from an earlier column to a later one.
type edge struct{ from, to *node }

// Measures of a drawing, in pixels. The text is monospaced, so its width is known.
const (
	charWidth  = 7.25
	lineHeight = 17
	padding    = 9
	rowGap     = 14
	columnGap  = 90
)

// draw lays boxes out in columns, orders each column by what its boxes are joined to in the one before, so that few
// arrows cross, and draws them as SVG. It returns "" for no boxes.
func draw(id, title string, nodes []*node, edges []edge) template.HTML {
	if len(nodes) == 0 {
		return ""
	}
	var columns [][]*node
	for _, n := range nodes {
		for len(columns) <= n.column {
			columns = append(columns, nil)
		}
		columns[n.column] = append(columns[n.column], n)
		for _, line := range n.lines {
			n.w = max(n.w, float64(len([]rune(line)))*charWidth+2*padding)
		}
		n.h = float64(len(n.lines)*lineHeight + 2*padding - 4)
	}
	width, height := arrange(columns, edges)
	var arrows, boxes strings.Builder
	for _, e := range edges {
		x1, y1, x2, y2 := e.from.x+e.from.w, e.from.y+e.from.h/2, e.to.x, e.to.y+e.to.h/2
		bend := min(columnGap*0.6, (x2-x1)/2)
		fmt.Fprintf(&arrows, `<path d="M%.0f %.0f C%.0f %.0f %.0f %.0f %.0f %.0f" marker-end="url(#%s-arrow)"/>`+"\n", x1, y1, x1+bend, y1, x2-bend, y2, x2, y2, id)
	}
	for _, n := range nodes {
		open, end := "", ""
		if n.href != "" {
			open, end = `<a href="`+html.EscapeString(n.href)+`">`, "</a>"
		}
		fmt.Fprintf(&boxes, `%s<g class="%s"><rect x="%.0f" y="%.0f" width="%.0f" height="%.0f" rx="5"/>`, open, n.class, n.x, n.y, n.w, n.h)
		for i, line := range n.lines {
			class := ""
			if i > 0 {
				class = ` class="small"`
			}
			fmt.Fprintf(&boxes, `<text%s x="%.0f" y="%.0f">%s</text>`, class, n.x+padding, n.y+padding+float64(i*lineHeight)+10, html.EscapeString(line))
		}
		fmt.Fprintf(&boxes, "</g>%s\n", end)
	}
	return template.HTML(fmt.Sprintf(`<svg viewBox="0 0 %.0f %.0f" width="%.0f" role="img" aria-label="%s">
<defs><marker id="%s-arrow" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0 0L8 4L0 8z"/></marker></defs>
<g class="arrows">
%s</g>
%s</svg>`, width, height, width, html.EscapeString(title), id, arrows.String(), boxes.String()))
}

// arrange places the boxes of each column and returns the size of the whole.
func arrange(columns [][]*node, edges []edge) (width, height float64) {
	rank := map[*node]float64{}
	for _, column := range columns {
		for i, n := range column {
			rank[n] = float64(i)
		}
	}
	for range 4 {
		for _, column := range columns[min(1, len(columns)):] {
			center := map[*node]float64{}
			for i, n := range column {
				sum, count := 0.0, 0
				for _, e := range edges {
					if e.to == n && e.from.column < n.column {
						sum, count = sum+rank[e.from], count+1
					}
				}
				center[n] = float64(i)
				if count > 0 {
					center[n] = sum / float64(count)
				}
			}
			slices.SortStableFunc(column, func(a, b *node) int {
				switch {
				case center[a] < center[b]:
					return -1
				case center[a] > center[b]:
					return 1
				}
				return 0
			})
			for i, n := range column {
				rank[n] = float64(i)
			}
		}
	}
	heights := make([]float64, len(columns))
	for c, column := range columns {
		for _, n := range column {
			heights[c] += n.h + rowGap
		}
		height = max(height, heights[c])
	}
	x := 4.0
	for c, column := range columns {
		widest := 0.0
		y := 4 + (height-heights[c])/2
		for _, n := range column {
			n.x, n.y = x, y
			y += n.h + rowGap
			widest = max(widest, n.w)
		}
		x += widest + columnGap
	}
	return x - columnGap + 4, height + 4
}
