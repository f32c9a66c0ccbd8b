// Package view shows the progress of a run to people: one line for each thing that was done, with the time it took, and on
// a terminal one more for each that says what is being done or awaited just now.
package view

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"quotewire/deploy"
)

// tick is how often the live lines are drawn again, and liveLines how many there are at most.
const (
	tick      = 200 * time.Millisecond
	liveLines = 8
)

// Text writes plain lines. It is a [deploy.View].
type Text struct {
	w    io.Writer
	live bool // w is a terminal: colours, and lines that change

	mu    sync.Mutex
	now   []activity    // guarded by mu: what is under way
	drawn int           // guarded by mu: so many live lines stand on the terminal
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

// NewText returns a view of one run that writes to w. Terminal says that w is one, of a kind that understands colours.
// The view ends with the run; Close ends it before.
func NewText(w io.Writer, terminal bool) *Text {
	t := &Text{w: w, live: terminal, done: make(chan struct{})}
	stopped := make(chan struct{})
	t.stop = sync.OnceFunc(func() { close(stopped) })
	if !terminal {
		close(t.done)
		return t
	}
	go t.animate(stopped)
	return t
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

// draw shows what is under way; the caller holds mu.
func (t *Text) draw() {
	t.erase()
	if !t.live || len(t.now) == 0 {
		return
	}
	for i, a := range t.now {
		if i == liveLines {
			fmt.Fprintf(t.w, "%s\n", t.paint(dim, fmt.Sprintf("… and %d more", len(t.now)-i)))
			t.drawn++
			break
		}
		fmt.Fprintf(t.w, "%s %s %s\n", t.paint(dim, "…"), a.text, t.paint(dim, seconds(time.Since(a.since))))
		t.drawn++
	}
}

func (t *Text) erase() {
	if t.drawn > 0 {
		fmt.Fprintf(t.w, "\x1b[%dA\r\x1b[J", t.drawn)
		t.drawn = 0
	}
}

// ANSI colours. They never say anything that the text does not.
const (
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
)

func (t *Text) paint(colour, text string) string { return paint(t.live, colour, text) }

func paint(terminal bool, colour, text string) string {
	if !terminal {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1fs", d.Seconds()) }

// line writes one line above the live ones; the caller holds mu.
func (t *Text) line(sign, colour, text, aside string) {
	t.erase()
	if aside != "" {
		text += "  " + t.paint(dim, aside)
	}
	fmt.Fprintf(t.w, "%s %s\n", t.paint(colour, sign), text)
	t.draw()
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
		t.erase()
		fmt.Fprintln(t.w, e.Text)
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
		parts[i] = c.String()
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
