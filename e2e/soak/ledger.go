package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/aws/smithy-go"
)

// ledger is what the load has done, what was acknowledged, and how it was refused.
type ledger struct {
	mu       sync.Mutex // protects following
	done     map[string]int
	refusals map[refusal]int
	wrong    map[string]int // what should not have happened
	writes   map[string]*write
	windows  map[string]*window
}

// refusal is an error that the cloud answered with, and the reason that it had.
type refusal struct{ what, answer, reason string }

// write is what a key was last set to.
type write struct {
	acknowledged int
	unsure       []int // writes whose answer never came: each may have happened
}

// window is a time in which something is broken on purpose. What was under way when it ended still counts.
type window struct {
	open  bool
	until time.Time
}

// grace is how long after the end of a window its consequences may still be seen.
const grace = 10 * time.Second

func newLedger() *ledger {
	return &ledger{
		done: map[string]int{}, refusals: map[refusal]int{}, wrong: map[string]int{}, writes: map[string]*write{},
		windows: map[string]*window{},
	}
}

const (
	inOutage   = "the cloud was killed"
	inFullDisk = "the disk is full"
	afterKill  = "an environment was killed"
)

func (b *ledger) set(name string, open bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.windows[name] = &window{open, time.Now().Add(grace)}
}

func (b *ledger) outage(on bool)   { b.set(inOutage, on) }
func (b *ledger) fullDisk(on bool) { b.set(inFullDisk, on) }

func (b *ledger) in(name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.windows[name]
	return w != nil && (w.open || time.Now().Before(w.until))
}

// count notes that something was done and went well.
func (b *ledger) count(what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done[what]++
}

// fail notes what should not have happened.
func (b *ledger) fail(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	text := fmt.Sprintf(format, args...)
	if b.wrong[text]++; b.wrong[text] == 1 && len(b.wrong) <= 40 {
		fmt.Println(time.Now().UTC().Format("15:04:05"), " WRONG:", text)
	}
}

// refused notes an error. It is right if one of the reasons holds at this moment: each is a window, or any other text for
// what the caller has provoked.
func (b *ledger) refused(what, answer string, reasons ...string) {
	for _, reason := range reasons {
		switch reason {
		case inOutage, inFullDisk, afterKill:
			if !b.in(reason) {
				continue
			}
		}
		b.mu.Lock()
		b.refusals[refusal{what, answer, reason}]++
		b.mu.Unlock()
		return
	}
	b.fail("%s: %s", what, answer)
}

// noAnswer stands for an error without an answer: a connection that was refused or broke.
const noAnswer = "no answer"

// answer is AWS's code in an error, or noAnswer.
func answer(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return noAnswer
}

// failed notes the error of a call that should have been served.
func (b *ledger) failed(what string, err error) {
	switch code := answer(err); code {
	case noAnswer:
		if !b.in(inOutage) {
			b.fail("%s: %v", what, err)
			return
		}
		b.refused(what, code, inOutage)
	case "InternalServerError", "InternalError", "ServiceException":
		b.refused(what, code, inFullDisk)
	default:
		b.fail("%s: %s: %v", what, code, err)
	}
}

// last returns what a key holds as far as is known, and whether that is certain.
func (b *ledger) last(key string) (n int, certain bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.writes[key]
	if w == nil {
		return 0, true
	}
	return w.acknowledged, len(w.unsure) == 0
}

func (b *ledger) acknowledged(key string, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.writes[key] = &write{acknowledged: n}
}

func (b *ledger) unsure(key string, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.writes[key]
	if w == nil {
		w = &write{}
		b.writes[key] = w
	}
	w.unsure = append(w.unsure, n)
}

// found compares what was read of a key with what was acknowledged. After an unsure write, it is certain again.
func (b *ledger) found(key string, n int) {
	b.mu.Lock()
	w := b.writes[key]
	if w == nil {
		w = &write{}
		b.writes[key] = w
	}
	good := n == w.acknowledged
	for _, m := range w.unsure {
		good = good || n == m
	}
	want := *w
	*w = write{acknowledged: n}
	b.mu.Unlock()
	if !good {
		b.fail("LOST: %s holds %d, acknowledged was %d (unsure %v)", key, n, want.acknowledged, want.unsure)
	}
}

// verify reads back every key.
func (b *ledger) verify(ctx context.Context, s *system) error {
	b.mu.Lock()
	keys := sortedKeys(b.writes)
	b.mu.Unlock()
	for _, key := range keys {
		n, err := storeOf(s, key).read(ctx, key)
		if err != nil {
			return fmt.Errorf("read %s back: %w", key, err)
		}
		b.found(key, n)
	}
	fmt.Printf("%s  %d keys hold what was acknowledged last\n", time.Now().UTC().Format("15:04:05"), len(keys))
	return nil
}

// print prints what was done and how it was refused, and returns whether anything was wrong.
func (b *ledger) print(out io.Writer) (wrong bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\ndone\ttimes")
	for _, what := range sortedKeys(b.done) {
		fmt.Fprintf(t, "%s\t%d\n", what, b.done[what])
	}
	fmt.Fprintln(t, "\nrefused\tanswer\ttimes\treason")
	rows := map[string]int{}
	for r, n := range b.refusals {
		rows[fmt.Sprintf("%s\t%s\t%d\t%s", r.what, r.answer, n, r.reason)] = n
	}
	for _, row := range sortedKeys(rows) {
		fmt.Fprintln(t, row)
	}
	if len(b.wrong) > 0 {
		fmt.Fprintln(t, "\nwrong\ttimes")
		for _, what := range sortedKeys(b.wrong) {
			fmt.Fprintf(t, "%s\t%d\n", what, b.wrong[what])
		}
	}
	t.Flush()
	return len(b.wrong) > 0
}
