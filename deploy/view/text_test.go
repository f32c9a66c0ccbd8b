package view

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"quotewire/deploy"
)

// run plays events that every kind of run has.
func run(v deploy.View) {
	v.Event(deploy.Event{Kind: deploy.Reading})
	v.Event(deploy.Event{Kind: deploy.Starting, Resource: "function watch", Action: deploy.Update})
	v.Event(deploy.Event{Kind: deploy.Waiting, Resource: "function watch", Action: deploy.Update, Text: "for it to become active", Elapsed: 15 * time.Second})
	v.Event(deploy.Event{Kind: deploy.Done, Resource: "function watch", Action: deploy.Update, Elapsed: 16 * time.Second,
		Changes: []deploy.Change{{Property: "Timeout", Old: "3", New: "30"}, {Property: "code"}}})
	v.Event(deploy.Event{Kind: deploy.Starting, Resource: "API prices", Action: deploy.Create})
	v.Event(deploy.Event{Kind: deploy.Failed, Resource: "API prices", Action: deploy.Create, Err: errors.New("no"), Elapsed: time.Second})
	v.Event(deploy.Event{Kind: deploy.Skipped, Resource: "stage live of prices", Text: "not done"})
	v.Event(deploy.Event{Kind: deploy.Finished, Result: &deploy.Result{Updated: 1, NotDone: []string{"API prices", "stage live of prices"}}, Elapsed: 18 * time.Second})
}

func TestPlainLinesSayWhatWasDoneAndHowLongItTook(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	v := NewText(&b, false, false)
	run(v)
	v.Close()
	want := `… function watch: waiting for it to become active  15.0s
~ function watch (Timeout 3 → 30, code)  16.0s
! create API prices failed  1.0s
  stage live of prices: not done
= 1 updated, 2 not done  18.0s
`
	if got := b.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestRunWithoutChangesSaysSo(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	v := NewText(&b, false, false)
	v.Event(deploy.Event{Kind: deploy.Finished, Result: &deploy.Result{Unchanged: 14}, Elapsed: 300 * time.Millisecond})
	v.Close()
	if got, want := b.String(), "= 0 changes, 14 unchanged  0.3s\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTerminalShowsWhatIsAwaitedAndCleansUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		v := NewText(&b, true, true)
		v.Event(deploy.Event{Kind: deploy.Starting, Resource: "function watch", Action: deploy.Create})
		v.Event(deploy.Event{Kind: deploy.Waiting, Resource: "function watch", Text: "for it to become active"})
		time.Sleep(2 * time.Second) // of the bubble's clock
		synctest.Wait()
		v.Close()
		got := b.String()
		if !strings.Contains(got, "function watch: waiting for it to become active \x1b[2m2.0s") {
			t.Errorf("no live line with the time in %q", got)
		}
		if !strings.HasSuffix(got, "\x1b[1A\r\x1b[J") {
			t.Errorf("the live line is left standing: %q", got)
		}
	})
}

// screen is what a terminal shows of what was written to it, as far as the view uses one: a line that is too long goes on in
// the next row.
type screen struct {
	columns     int
	rows        []string
	row, column int // of the cursor
}

// cutTo is what is left of the cursor.
func cutTo(line string, column int) string {
	return string([]rune(line)[:min(column, len([]rune(line)))])
}

func (s *screen) Write(p []byte) (int, error) {
	text := string(p)
	for text != "" {
		if n := strings.Index(text, "\x1b["); n == 0 {
			end := strings.IndexAny(text, "AJKm")
			switch text[end] {
			case 'A':
				up := 0
				fmt.Sscanf(text, "\x1b[%dA", &up)
				s.row -= up
			case 'J':
				s.rows = append(s.rows[:s.row:s.row], cutTo(s.rows[s.row], s.column))
			case 'K':
				s.rows[s.row] = cutTo(s.rows[s.row], min(s.column, s.columns-1))
			}
			text = text[end+1:]
			continue
		}
		r, size := utf8.DecodeRuneInString(text)
		text = text[size:]
		if r == '\r' {
			s.column = 0
			continue
		}
		if r == '\n' || s.column == s.columns {
			s.row, s.column = s.row+1, 0
			if s.row == len(s.rows) {
				s.rows = append(s.rows, "")
			}
		}
		if r != '\n' {
			line := []rune(s.rows[s.row])
			s.rows[s.row] = string(append(append(line[:s.column:s.column], r), line[min(len(line), s.column+1):]...))
			s.column++
		}
	}
	return len(p), nil
}

func TestNarrowTerminalKeepsNoLiveLines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &screen{columns: 30, rows: []string{""}}
		v := NewText(s, true, true)
		v.size = func() (int, int) { return s.columns, 6 }
		for i := range 9 {
			v.Event(deploy.Event{Kind: deploy.Starting, Resource: fmt.Sprintf("function with a name longer than a row %d", i), Action: deploy.Create})
		}
		time.Sleep(75 * time.Second) // of the bubble's clock
		synctest.Wait()
		want := []string{"… create function with… 1m15s", "… create function with… 1m15s", "… create function with… 1m15s", "… create function with… 1m15s", "… and 5 more", ""}
		if !slices.Equal(s.rows, want) {
			t.Errorf("the screen shows\n%s\nwant\n%s", strings.Join(s.rows, "\n"), strings.Join(want, "\n"))
		}
		v.Event(deploy.Event{Kind: deploy.Done, Resource: "a", Action: deploy.Create})
		v.Close()
		if want := []string{"+ a  0.0s", ""}; !slices.Equal(s.rows, want) {
			t.Errorf("in the end the screen shows\n%s\nwant\n%s", strings.Join(s.rows, "\n"), strings.Join(want, "\n"))
		}
	})
}

// narrow folds what stands, as most terminals do when they are made narrower; the cursor stands below.
func (s *screen) narrow(columns int) {
	var rows []string
	for _, row := range s.rows {
		line := []rune(row)
		for ; len(line) > columns; line = line[columns:] {
			rows = append(rows, string(line[:columns]))
		}
		rows = append(rows, string(line))
	}
	s.columns, s.rows, s.row, s.column = columns, rows, len(rows)-1, 0
}

func TestTerminalMadeNarrowerKeepsNoLiveLines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &screen{columns: 60, rows: []string{""}}
		v := NewText(s, true, true)
		v.size = func() (int, int) { return s.columns, 24 }
		v.Event(deploy.Event{Kind: deploy.Done, Resource: "what stands above", Action: deploy.Create})
		for i := range 2 {
			v.Event(deploy.Event{Kind: deploy.Starting, Resource: fmt.Sprintf("function with a name longer than half a row %d", i), Action: deploy.Create})
		}
		synctest.Wait()
		v.mu.Lock()
		s.narrow(20)
		v.mu.Unlock()
		time.Sleep(time.Second) // of the bubble's clock
		synctest.Wait()
		if want := []string{"+ what stands above ", " 0.0s", "… create func… 1.0s", "… create func… 1.0s", ""}; !slices.Equal(s.rows, want) {
			t.Errorf("the screen shows\n%s\nwant\n%s", strings.Join(s.rows, "\n"), strings.Join(want, "\n"))
		}
		v.Close()
	})
}

// A terminal's cursor stays in the last column of a row that is full, until more is written.
func TestFullRowKeepsItsLastCharacter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &screen{columns: 20, rows: []string{""}}
		v := NewText(s, true, true)
		v.size = func() (int, int) { return s.columns, 24 }
		v.Event(deploy.Event{Kind: deploy.Starting, Resource: "other", Action: deploy.Create})
		v.Event(deploy.Event{Kind: deploy.Done, Resource: "twelve chars", Action: deploy.Create})
		v.Close()
		if want := []string{"+ twelve chars  0.0s", ""}; !slices.Equal(s.rows, want) {
			t.Errorf("the screen shows\n%s\nwant\n%s", strings.Join(s.rows, "\n"), strings.Join(want, "\n"))
		}
	})
}

// What the cloud says must not drive the terminal of who reads it.
func TestNothingFromTheCloudDrivesTheTerminal(t *testing.T) {
	t.Parallel()
	steps := []deploy.Planned{{Resource: "role reader", Action: deploy.Update, Changes: []deploy.Change{
		{Property: "Description", Old: "\x1b[2Jold", New: "new"}, {Property: "policy", Removed: []string{"allow \"\x1b[2J\n\""}, Added: []string{"\a"}}}}}
	var b strings.Builder
	if err := Plan(&b, steps, false); err != nil {
		t.Fatal(err)
	}
	if err := Drift(&b, steps, false); err != nil {
		t.Fatal(err)
	}
	v := NewText(&b, false, false)
	v.Event(deploy.Event{Kind: deploy.Done, Resource: "role reader", Action: deploy.Update, Changes: steps[0].Changes})
	v.Close()
	if got := b.String(); strings.ContainsAny(got, "\x1b\a") || strings.Count(got, "\n\"") > 0 {
		t.Errorf("it writes %q", got)
	}
}
