//go:build linux

package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"quotewire/atomicfile"
	"quotewire/bench/measure"
)

// results are those of one section, or of a part of it.
type results []measure.Result

func (rs results) where(f func(measure.Result) bool) (some results) {
	for _, r := range rs {
		if f(r) {
			some = append(some, r)
		}
	}
	return some
}

func (rs results) by(server, workload string) results {
	return rs.where(func(r measure.Result) bool { return r.Server == server && r.Workload == workload })
}

// names returns the servers of a workload, or the workloads if the workload is empty, in the order in which they came.
func (rs results) names(workload string) (names []string) {
	for _, r := range rs {
		name := r.Workload
		if workload != "" {
			if name = r.Server; r.Workload != workload {
				continue
			}
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// values is a column, sorted.
func (rs results) values(f func(measure.Result) float64) []float64 {
	var v []float64
	for _, r := range rs {
		v = append(v, f(r))
	}
	slices.Sort(v)
	return v
}

func median(v []float64) float64 {
	switch n := len(v); {
	case n == 0:
		return math.NaN()
	case n%2 == 0:
		return (v[n/2-1] + v[n/2]) / 2
	default:
		return v[n/2]
	}
}

func (rs results) median(f func(measure.Result) float64) float64 { return median(rs.values(f)) }

// number has three digits that count.
func number(x float64) string {
	switch a := math.Abs(x); {
	case math.IsNaN(x):
		return "–"
	case a >= 100:
		return fmt.Sprintf("%.0f", x)
	case a >= 10:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

// spread is the median of a column with its smallest and largest value, times unit.
func (rs results) spread(f func(measure.Result) float64, unit float64) string {
	v := rs.values(f)
	switch len(v) {
	case 0:
		return "–"
	case 1:
		return number(v[0] * unit)
	}
	return fmt.Sprintf("%s (%s–%s)", number(median(v)*unit), number(v[0]*unit), number(v[len(v)-1]*unit))
}

func serverUs(r measure.Result) float64  { return r.ServerUs }
func perSecond(r measure.Result) float64 { return r.PerSecond }
func p50(r measure.Result) float64       { return r.P50 }
func p99(r measure.Result) float64       { return r.P99 }
func loadUs(r measure.Result) float64    { return r.LoadUs }
func rss(r measure.Result) float64       { return r.RSS }

func (rs results) sum(f func(measure.Result) int) (n int) {
	for _, r := range rs {
		n += f(r)
	}
	return n
}

// table writes rows of a Markdown table; the columns after the first are numbers.
type table struct{ b strings.Builder }

func newTable(columns ...string) *table {
	t := &table{}
	t.row(columns...)
	t.row(append([]string{"---"}, slices.Repeat([]string{"--:"}, len(columns)-1)...)...)
	return t
}

func (t *table) row(cells ...string) { t.b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }

// report is what the sections write, and the plots beside the document.
type report struct {
	journal *journal
	plots   map[string]string // file name → SVG
}

// heading says where the figures of a section come from.
func (r *report) heading(section string) string {
	var last entry
	reps := 0
	for _, e := range r.journal.entries {
		if e.Section == section {
			last, reps = e, max(reps, e.Rep+1)
		}
	}
	text := fmt.Sprintf("`%s`, %s UTC, %s; medians with the smallest and the largest of up to %d runs.\n\n",
		last.Command, last.When.Format("2006-01-02 15:04"), machine(), reps)
	for _, e := range r.journal.failures(section) {
		first, _, _ := strings.Cut(e.Error, "\n")
		text += fmt.Sprintf("**Not measured:** %s, %s, run %d: %s\n\n", e.Server, e.Workload, e.Rep+1, first)
	}
	return text
}

// order sorts servers by what they need, the reference first.
func order(rs results, workload string) []string {
	names := rs.names(workload)
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Compare(rs.by(a, workload).median(serverUs), rs.by(b, workload).median(serverUs))
	})
	return names
}

// write rewrites the parts of the document whose sections have been measured, and the plots beside it.
func write(o options, j *journal, sections []section) error {
	r := &report{journal: j, plots: map[string]string{}}
	var text string
	if o.doc != "" {
		b, err := os.ReadFile(o.doc)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		text = string(b)
	}
	for _, s := range sections {
		if len(j.of(s.name)) == 0 && len(j.failures(s.name)) == 0 {
			continue
		}
		part := r.heading(s.name) + s.render(r)
		if o.doc == "" {
			fmt.Printf("%s\n\n%s\n", s.name, part)
			continue
		}
		var err error
		if text, err = replacePart(text, s.name, part); err != nil {
			return fmt.Errorf("%s: %w", o.doc, err)
		}
	}
	// What is put together from several sections is always written anew.
	for name, part := range map[string]string{"goals": r.goals(), "million": r.million()} {
		if o.doc == "" {
			fmt.Printf("%s\n\n%s\n", name, part)
			continue
		}
		var err error
		if text, err = replacePart(text, name, part); err != nil {
			return fmt.Errorf("%s: %w", o.doc, err)
		}
	}
	if o.doc == "" {
		return nil
	}
	for name, svg := range r.plots {
		if err := atomicfile.Write(filepath.Join(filepath.Dir(o.doc), name), []byte(svg), 0o644); err != nil {
			return err
		}
	}
	return atomicfile.Write(o.doc, []byte(text), 0o644)
}

// replacePart puts a generated part between its two markers.
func replacePart(text, name, part string) (string, error) {
	begin, end := "<!-- bench "+name+" -->\n", "<!-- end of bench "+name+" -->\n"
	before, rest, ok := strings.Cut(text, begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return "", fmt.Errorf("it has no lines %q and %q for what was measured", strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return before + begin + "\n" + strings.TrimRight(part, "\n") + "\n\n" + end + after, nil
}
