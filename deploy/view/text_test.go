package view

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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
	v := NewText(&b, false)
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
	v := NewText(&b, false)
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
		v := NewText(&b, true)
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
