package deploy

import (
	"context"
	"fmt"
	"time"
)

// How calls and waits behave.
const (
	grace       = 30 * time.Second // that a call under way gets to finish after the run was cancelled
	firstPause  = 100 * time.Millisecond
	longestWait = 5 * time.Second  // between two looks
	remindEvery = 15 * time.Second // a long wait is announced again
	unsureWait  = 2 * time.Minute  // to find out whether a change was made, and to make it
)

// progress travels in the context of a resource's Apply and Delete.
type progress struct {
	stop   <-chan struct{} // closed when the run is cancelled; the context itself lives on for the call under way
	cause  func() error
	report func(text string, elapsed time.Duration)
}

type progressKey struct{}

// applying returns the context for changes to one resource. Cancelling ctx does not cut a call under way: it is cancelled
// only after a time of grace. What comes after it asks [Stopping].
func applying(ctx context.Context, report func(string, time.Duration)) (context.Context, context.CancelFunc) {
	p := &progress{stop: ctx.Done(), cause: func() error { return context.Cause(ctx) }, report: report}
	calls, cancel := context.WithCancel(context.WithValue(context.WithoutCancel(ctx), progressKey{}, p))
	forget := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(grace, cancel)
		context.AfterFunc(calls, func() { timer.Stop() })
	})
	return calls, func() { forget(); cancel() }
}

// reporting returns the context for reading one resource, of which a wait is reported.
func reporting(ctx context.Context, report func(string, time.Duration)) context.Context {
	return context.WithValue(ctx, progressKey{}, &progress{stop: ctx.Done(), cause: func() error { return context.Cause(ctx) }, report: report})
}

// Report says in the progress what a call of this context waits for. Any other context keeps it to itself.
func Report(ctx context.Context, text string) {
	if p, ok := ctx.Value(progressKey{}).(*progress); ok {
		p.report(text, 0)
	}
}

// Stopping returns an error once the run was cancelled: no further call should begin. It is nil in a context that is not
// the engine's.
func Stopping(ctx context.Context) error {
	if p, ok := ctx.Value(progressKey{}).(*progress); ok {
		select {
		case <-p.stop:
			return p.cause()
		default:
		}
	}
	return ctx.Err()
}

// Await calls look until it reports true, fails, or the bound has passed. It looks at once, then after growing pauses,
// says what it waits for, and ends early when the run is cancelled.
func Await(ctx context.Context, what string, bound time.Duration, look func(context.Context) (bool, error)) error {
	return poll(ctx, bound, func() (string, error) {
		done, err := look(ctx)
		if done || err != nil {
			return "", err
		}
		return what, fmt.Errorf("waited %s %s in vain", bound, what)
	})
}

// Retry calls try until it succeeds, fails for a reason that does not pass, or the bound is over; then it returns the
// last error. The passing function puts an error that will pass into words, and returns "" for any other.
func Retry(ctx context.Context, bound time.Duration, passing func(error) string, try func(context.Context) error) error {
	return poll(ctx, bound, func() (string, error) {
		err := try(ctx)
		if err == nil {
			return "", nil
		}
		return passing(err), err
	})
}

// poll tries until it need not wait for anything, or the bound is over, and returns the last try's error.
func poll(ctx context.Context, bound time.Duration, try func() (what string, err error)) error {
	p, _ := ctx.Value(progressKey{}).(*progress)
	if p == nil {
		p = &progress{cause: func() error { return context.Cause(ctx) }, report: func(string, time.Duration) {}}
	}
	start, pause, said := time.Now(), firstPause, time.Time{}
	for {
		what, err := try()
		left := bound - time.Since(start)
		if what == "" || left <= 0 {
			return err
		}
		if said.IsZero() || time.Since(said) >= remindEvery {
			p.report(what, time.Since(start))
			said = time.Now()
		}
		timer := time.NewTimer(min(pause, left))
		select {
		case <-timer.C:
		case <-p.stop:
			timer.Stop()
			return p.cause()
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
		pause = min(2*pause, longestWait)
	}
}
