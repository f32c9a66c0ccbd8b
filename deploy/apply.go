package deploy

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"quotewire/dply/token"
)

// Apply does what the plan found to do: it makes and changes things in a deploy, and removes them in the other modes,
// several at a time as far as none waits for another. After a failure it begins nothing more. The result says what was done also if there is an error; nothing is rolled back, and running
// again goes on from there.
//
// When ctx ends, calls under way are finished, nothing more is begun, and the error is ctx's.
func (p *Plan) Apply(ctx context.Context) (*Result, error) {
	run := &run{Plan: p, result: &Result{}, reached: map[*Node]bool{}, failed: map[*Node]bool{}, kept: map[*Node]bool{}}
	limit := p.opts.Parallel
	if limit <= 0 {
		limit = writes
	}
	said := context.AfterFunc(ctx, func() { p.view.Event(Event{Kind: Interrupted}) })
	defer said()
	var err error
	if p.opts.Mode == Deploy {
		err = walk(ctx, p.nodes, forward, limit, run.bring)
	} else {
		err = walk(ctx, p.nodes, backward, limit, run.remove)
	}
	if all := run.failures.err(); all != nil {
		err = all // several may have failed at the same time
	}
	return run.finish(err)
}

// run is one application of a plan.
type run struct {
	*Plan
	failures problems

	mu      sync.Mutex // guards the following
	result  *Result
	reached map[*Node]bool // done with, one way or the other
	failed  map[*Node]bool
	kept    map[*Node]bool // left by a teardown run
}

// reach notes that a node is done with, and counts it with count if that is not nil.
func (r *run) reach(n *Node, count func(*Result)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reached[n] = true
	if count != nil {
		count(r.result)
	}
}

// bring brings one node into line.
func (r *run) bring(ctx context.Context, n *Node) error {
	if n.Found {
		r.reach(n, nil)
		return nil
	}
	step, err := n.Resource.Plan()
	if err != nil {
		return r.refused(n, "change", err)
	}
	if s, ok := n.Resource.(*show); ok {
		r.reach(n, nil)
		e := n.event(Printed)
		e.Text = s.text()
		r.view.Event(e)
		return nil
	}
	if step.Action == None {
		if idle(n) {
			r.reach(n, nil)
			return nil
		}
		r.reach(n, func(all *Result) { all.Unchanged++ })
		r.view.Event(n.event(Unchanged))
		return nil
	}
	return r.do(ctx, n, step, func(ctx context.Context) error { return r.settle(ctx, n) })
}

// settle applies a node, as long as that is due.
func (r *run) settle(ctx context.Context, n *Node) error {
	return r.sure(ctx, n, n.Resource.Apply, func() (bool, error) {
		step, err := n.Resource.Plan()
		return step.Action != None, err
	})
}

// sure makes a change. When nobody knows whether it was made, it looks again, and makes it again if it is still due: so
// nothing is made twice, and nothing is left out.
func (r *run) sure(ctx context.Context, n *Node, change func(context.Context) error, due func() (bool, error)) error {
	again := false
	return poll(ctx, unsureWait, func() (string, error) {
		if again {
			look := n.Resource.Read
			if r, ok := n.Resource.(Rereader); ok {
				look = r.Reread
			}
			if err := look(ctx); err != nil {
				return "", err
			}
			if is, err := due(); err != nil || !is {
				return "", err
			}
		}
		again = true
		err := change(ctx)
		if err == nil {
			return "", nil
		}
		return r.opts.Provider.Unsure(err), err
	})
}

// do makes one change and tells the view.
func (r *run) do(ctx context.Context, n *Node, step Step, change func(context.Context) error) error {
	start := time.Now()
	event := func(k Kind) Event {
		e := n.event(k)
		e.Action, e.Changes, e.Elapsed = step.Action, step.Changes, time.Since(start)
		return e
	}
	r.view.Event(event(Starting))
	ctx, release := applying(ctx, func(text string, elapsed time.Duration) {
		e := event(Waiting)
		e.Text = text
		r.view.Event(e)
	})
	defer release()
	err := change(ctx)
	var kept Kept
	switch {
	case errors.As(err, &kept):
		r.keep(n, string(kept))
		return nil
	case err != nil:
		err = r.refused(n, step.Action.String(), err)
		r.mu.Lock()
		r.failed[n] = true
		r.mu.Unlock()
		if !errors.Is(err, context.Canceled) {
			r.failures.add(err)
		}
		e := event(Failed)
		e.Err = err
		r.view.Event(e)
		return err
	}
	r.reach(n, func(all *Result) {
		all.count(step.Action)
		all.Done = append(all.Done, step.Action.String()+" "+n.Resource.String())
	})
	r.view.Event(event(Done))
	return nil
}

func (r *Result) count(a Action) {
	switch a {
	case Create:
		r.Created++
	case Update, Act:
		r.Updated++
	case Delete:
		r.Deleted++
	}
}

// idle reports whether a node is a Tidier without anything to do.
func idle(n *Node) bool {
	if !tidies(n) {
		return false
	}
	step, err := n.Resource.Plan()
	return err == nil && step.Action == None
}

// finish says how the run ended.
func (r *run) finish(err error) (*Result, error) {
	res := r.result
	for _, n := range r.nodes {
		if o, ok := n.Resource.(Outputter); ok && r.opts.Mode == Deploy && r.reached[n] {
			res.Outputs = append(res.Outputs, o.Outputs()...)
		}
		if r.reached[n] || idle(n) && !r.failed[n] {
			continue
		}
		res.NotDone = append(res.NotDone, n.Resource.String())
		if r.failed[n] {
			continue
		}
		r.skip(n, "not done")
	}
	if r.opts.Mode != Deploy {
		slices.Reverse(res.NotDone)
	}
	res.Elapsed = time.Since(r.start)
	r.view.Event(Event{Kind: Finished, Result: res, Err: err, Elapsed: res.Elapsed})
	if d, ok := err.(token.Diagnostic); ok {
		err = token.List{d}
	}
	return res, err
}
