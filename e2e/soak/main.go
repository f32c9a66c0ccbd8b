// Command soak keeps a cloud under a load of everything at once, breaks what can break meanwhile, and tells whether
// anything grew, was lost, or was refused with the wrong error. scripts/soak starts it.
//
// The time has three parts. In the first the cloud is killed (kill -9) under load and started again, and what it
// acknowledged before is looked for. Then, without load, the counts are taken that the last part is measured by: the
// same load, and while it lasts environments killed, code exchanged, the disk of the state folder full for a while. When
// the load is gone the counts must be what they were, and after one more kill -9 every acknowledged write must be there.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	span := flag.Duration("for", 15*time.Minute, "soak for this `TIME`")
	flag.Parse()
	ok, err := run(ctx, *span)
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
	}
	if !ok || err != nil {
		os.Exit(1)
	}
}

// run soaks for the given time and prints what came of it. It returns whether all was well.
func run(ctx context.Context, span time.Duration) (bool, error) {
	s, err := openSystem(ctx)
	if err != nil {
		return false, err
	}
	defer s.close()
	book := newLedger()
	report := func(format string, args ...any) {
		fmt.Printf("%s  "+format+"\n", append([]any{time.Now().UTC().Format("15:04:05")}, args...)...)
	}
	report("a cloud on %s; state on %s", s.process.Endpoints.Cloud, s.disk)

	// Part one: a third of the time, with a kill -9 in its middle.
	l := newLoad(ctx, s, book)
	report("load")
	if err := wait(ctx, span/6); err != nil {
		return false, l.stop(err)
	}
	report("kill -9 of the cloud under load, and a new start")
	book.outage(true)
	if err := s.restart(ctx); err != nil {
		return false, l.stop(err)
	}
	book.outage(false)
	if err := wait(ctx, span/6); err != nil {
		return false, l.stop(err)
	}
	l.stop(nil)
	if err := s.quiet(ctx); err != nil {
		return false, err
	}
	if err := book.verify(ctx, s); err != nil {
		return false, err
	}
	watch := newWatch(ctx, s)
	if err := watch.baseline(ctx); err != nil {
		return false, watch.stop(err)
	}
	report("without load: %s", watch.base)

	// Part two: the rest, with the full disk in its middle.
	report("load")
	l = newLoad(ctx, s, book)
	part := span * 2 / 3
	if err := wait(ctx, part*4/10); err != nil {
		return false, watch.stop(l.stop(err))
	}
	if s.small() {
		report("the disk of the state folder is full")
		book.fullDisk(true)
		if err := s.fill(); err != nil {
			return false, watch.stop(l.stop(err))
		}
		err := wait(ctx, part/10)
		s.free()
		if err != nil {
			return false, watch.stop(l.stop(err))
		}
		report("the disk has room again")
		book.fullDisk(false)
	} else {
		report("no full disk: %s", s.whyNotSmall)
	}
	if err := wait(ctx, part/2); err != nil {
		return false, watch.stop(l.stop(err))
	}
	l.stop(nil)
	if err := s.quiet(ctx); err != nil {
		return false, watch.stop(err)
	}
	if err := watch.last(ctx); err != nil {
		return false, watch.stop(err)
	}
	watch.stop(nil)
	report("without load: %s", watch.end)
	if err := book.verify(ctx, s); err != nil {
		return false, err
	}
	stacks := ""
	if watch.goroutinesGrew() {
		stacks = s.stacks()
	}
	report("kill -9 of the cloud, and a new start")
	if err := s.restart(ctx); err != nil {
		return false, err
	}
	if err := book.verify(ctx, s); err != nil {
		return false, err
	}
	fmt.Println()
	grew := watch.print(os.Stdout)
	wrong := book.print(os.Stdout)
	if !s.small() {
		fmt.Println("\nNot done: the full disk, as", s.whyNotSmall)
	}
	fmt.Println("Not done: another clock of the cloud's own; it has the machine's. The clocks of its callers were moved instead.")
	if grew || wrong {
		fmt.Print(stacks)
		fmt.Printf("\nFAIL\nthe end of what the cloud said:\n%s\n", tail(s.process.Log.String(), 4000))
		return false, nil
	}
	fmt.Println("\nok")
	return true, nil
}

// wait lets time pass.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return errors.New("interrupted")
	}
}

func tail(text string, n int) string {
	if len(text) > n {
		return "…" + text[len(text)-n:]
	}
	return text
}
