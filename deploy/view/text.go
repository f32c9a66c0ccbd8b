// Package view shows the progress of a run to people: one line for each thing that was done, with the time it took, and on
// a terminal one more for each that says what is being done or awaited just now.
package view

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"quotewire/deploy"
	"quotewire/dply/token"
)

// tick is how often the live lines are drawn again, and liveLines how many there are at most. On a low terminal there are
// fewer: lines that have left the screen cannot be taken back.
const (
	tick      = 200 * time.Millisecond
	liveLines = 8
)

// Text writes plain lines. It is a [deploy.View].
type Text struct {
	w       io.Writer
	live    bool                       // w is a terminal: there are lines that change
	colours bool                       // and it takes colours
	size    func() (columns, rows int) // of the terminal; 0 if that is not known

	mu    sync.Mutex
	now   []activity    // guarded by mu: what is under way
	drawn []int         // guarded by mu: how long the live lines are that stand on the terminal
	stop  func()        // ends the animation, once
	done  chan struct{} // closed when it has ended
}

// activity is something under way.
type activity struct {
	resource string
	text     string
	since    time.Time
}

var _ deploy.View = (*Text)(nil)

// NewText returns a view of one run that writes to w. Live says that w is a terminal on which lines can change, colours that
// it takes them. The view ends with the run; Close ends it before.
func NewText(w io.Writer, live, colours bool) *Text {
	t := &Text{w: w, live: live, colours: colours, size: sizeOf(w), done: make(chan struct{})}
	stopped := make(chan struct{})
	t.stop = sync.OnceFunc(func() { close(stopped) })
	if !live {
		close(t.done)
		return t
	}
	go t.animate(stopped)
	return t
}

// sizeOf returns what says how large the terminal w is, which may change.
func sizeOf(w io.Writer) func() (columns, rows int) {
	return func() (columns, rows int) {
		if f, ok := w.(*os.File); ok {
			columns, rows, _ = term.GetSize(int(f.Fd()))
		}
		return columns, rows
	}
}

// Close ends the live lines and waits until they are gone.
func (t *Text) Close() {
	t.stop()
	<-t.done
}

func (t *Text) animate(stopped <-chan struct{}) {
	defer close(t.done)
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			t.mu.Lock()
			t.draw()
			t.mu.Unlock()
		case <-stopped:
			t.mu.Lock()
			t.erase()
			t.mu.Unlock()
			return
		}
	}
}

// draw shows what is under way, below what stands; the caller holds mu.
func (t *Text) draw() {
	t.write("")
}

// erase takes the live lines away; the caller holds mu.
func (t *Text) erase() {
	now := t.now
	t.now = nil
	t.write("")
	t.now = now
}

// write writes lines that stay, and below them what is under way, in one piece: a terminal that shows half of it flickers.
// The caller holds mu.
func (t *Text) write(stays string) {
	var lines []string
	if t.live {
		lines = t.lines()
	}
	text := stays + strings.Join(append(lines, ""), "\n")
	columns, _ := t.size()
	switch up := t.standing(columns); {
	case up > 0:
		text = fmt.Sprintf("\x1b[%dA\r", up) + over(text, columns)
	case t.live && text != "":
		text = "\r" + text // a terminal shows ^C where it is typed
	}
	t.drawn = t.drawn[:0]
	for _, l := range lines {
		t.drawn = append(t.drawn, shown(l))
	}
	if text != "" {
		io.WriteString(t.w, text)
	}
}

// over is a text that is written over others: of each row the rest is cleared, and what stands below the last. Clearing all
// first would flicker, and some terminals keep a screen that is cleared as a whole. Of a row that is full there is no rest:
// the cursor still stands in its last column, which would be cleared.
func over(text string, columns int) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		line, whole := strings.CutSuffix(line, "\n")
		b.WriteString(line)
		if n := shown(line); n == 0 || columns == 0 || n%columns != 0 {
			b.WriteString("\x1b[K")
		}
		if whole {
			b.WriteByte('\n')
		}
	}
	return b.String() + "\x1b[J"
}

// shown is the number of characters that a terminal shows of a text.
func shown(text string) int { return utf8.RuneCountInString(escapes.ReplaceAllString(text, "")) }

var escapes = regexp.MustCompile("\x1b\\[[0-9;]*m")

// standing is the number of rows that the live lines take. A terminal that has been made narrower since they were drawn has
// folded them; the caller holds mu.
func (t *Text) standing(columns int) int {
	rows := 0
	for _, n := range t.drawn {
		rows++
		if columns > 0 && n > columns {
			rows += (n - 1) / columns
		}
	}
	return rows
}

// lines are the live ones. None is longer than the terminal is wide: of one that is folded, the next drawing would take
// back the last part only.
func (t *Text) lines() []string {
	columns, rows := t.size()
	room := func(taken int) int {
		if columns == 0 {
			return 0
		}
		return max(1, columns-taken)
	}
	most := liveLines
	if rows > 0 {
		most = max(1, min(most, rows-2))
	}
	var lines []string
	for i, a := range t.now {
		if i == most {
			lines = append(lines, t.paint(dim, cut(fmt.Sprintf("… and %d more", len(t.now)-i), room(1))))
			break
		}
		elapsed := seconds(time.Since(a.since))
		lines = append(lines, fmt.Sprintf("%s %s %s", t.paint(dim, "…"), cut(a.text, room(len(elapsed)+4)), t.paint(dim, elapsed)))
	}
	return lines
}

// cut shortens a text to so many columns, if it is not 0.
func cut(text string, columns int) string {
	runes := []rune(text)
	if columns == 0 || len(runes) <= columns {
		return text
	}
	return string(runes[:columns-1]) + "…"
}

// ANSI colours. They never say anything that the text does not.
const (
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
)

func (t *Text) paint(colour, text string) string { return paint(t.colours, colour, text) }

func paint(colours bool, colour, text string) string {
	if !colours {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// seconds is a time as people read it: tenths matter as long as it is short.
func seconds(d time.Duration) string {
	if d >= time.Minute {
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%.1fs", d.Seconds())
}

// line writes one line above the live ones; the caller holds mu.
func (t *Text) line(sign, colour, text, aside string) {
	if aside != "" {
		text += "  " + t.paint(dim, aside)
	}
	t.write(fmt.Sprintf("%s %s\n", t.paint(colour, sign), text))
}

// begin and end keep the list of what is under way; the caller holds mu.
func (t *Text) begin(resource, text string) {
	since := time.Now()
	for i := range t.now {
		if t.now[i].resource == resource {
			t.now[i].text = text
			return
		}
	}
	t.now = append(t.now, activity{resource, text, since})
}

func (t *Text) end(resource string) {
	for i := range t.now {
		if t.now[i].resource == resource {
			t.now = append(t.now[:i:i], t.now[i+1:]...)
			return
		}
	}
}

// signs and colours of actions.
var signs = map[deploy.Action][2]string{
	deploy.Create: {"+", green},
	deploy.Update: {"~", yellow},
	deploy.Delete: {"-", red},
	deploy.Act:    {">", green},
}

// Event implements [deploy.View].
func (t *Text) Event(e deploy.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e.Kind {
	case deploy.Reading:
		t.begin("", "reading what exists")
	case deploy.Preparing:
		t.begin("prepare "+e.Resource, "building "+e.Resource)
	case deploy.Prepared:
		t.end("prepare " + e.Resource)
		if e.Elapsed > time.Second { // an up-to-date build is not worth a line
			t.line("*", green, "built "+e.Resource, seconds(e.Elapsed))
		}
	case deploy.Starting:
		t.end("")
		t.begin(e.Resource, e.Action.String()+" "+e.Resource)
	case deploy.Waiting:
		resource, text := e.Resource, e.Resource+": waiting "+e.Text
		if slices.ContainsFunc(t.now, func(a activity) bool { return a.resource == "" }) { // the cloud is being read
			resource, text = "", "reading what exists: waiting "+e.Text
		}
		t.begin(resource, text)
		if !t.live {
			t.line("…", dim, text, seconds(e.Elapsed))
		}
	case deploy.Done:
		t.end(e.Resource)
		sign := signs[e.Action]
		text := e.Resource
		if e.Action != deploy.Create { // a new resource has no reasons
			text += reasons(e.Changes)
		}
		t.line(sign[0], sign[1], text, seconds(e.Elapsed))
	case deploy.Failed:
		t.end(e.Resource)
		how := " failed"
		if errors.Is(e.Err, context.Canceled) {
			how = " was interrupted"
		}
		t.line("!", red, e.Action.String()+" "+e.Resource+how, seconds(e.Elapsed))
	case deploy.Skipped:
		t.end(e.Resource)
		t.line(" ", dim, e.Resource+": "+e.Text, "")
	case deploy.Printed:
		t.end("")
		t.write(e.Text + "\n")
	case deploy.Interrupted:
		t.line("!", yellow, "stopping: what is under way is finished, nothing more is begun; Ctrl-C again does not wait", "")
	case deploy.Finished:
		t.now = nil
		switch {
		case e.Err == nil, len(e.Result.Done)+len(e.Result.NotDone) > 0:
			t.line("=", green, summary(e.Result), seconds(e.Elapsed))
		default:
			t.line("=", red, "nothing was changed", seconds(e.Elapsed))
		}
		t.stop()
	}
	t.draw()
}

// reasons lists the changes of an update.
func reasons(changes []deploy.Change) string {
	if len(changes) == 0 {
		return ""
	}
	parts := make([]string, len(changes))
	for i, c := range changes {
		parts[i] = token.Printable(c.String())
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// summary counts in one line.
func summary(r *deploy.Result) string {
	if r.Changes() == 0 && r.Kept == 0 && len(r.NotDone) == 0 {
		return fmt.Sprintf("0 changes, %d unchanged", r.Unchanged)
	}
	var parts []string
	count := func(n int, what string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	count(r.Created, "created")
	count(r.Updated, "updated")
	count(r.Deleted, "deleted")
	count(r.Unchanged, "unchanged")
	count(r.Kept, "kept")
	count(len(r.NotDone), "not done")
	return strings.Join(parts, ", ")
}
