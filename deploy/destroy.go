package deploy

import (
	"context"
)

// remove removes one node's resource, or says why it stays.
func (r *run) remove(ctx context.Context, n *Node) error {
	d, removable := n.Resource.(Deleter)
	s := n.Statement
	switch {
	case n.Found || !removable || s.Teardown == "", r.opts.Mode == DestroyMarked && !s.Destroy:
		r.reach(n, nil)
		return nil
	case n.Preserve && !(r.opts.Mode == DestroyMarked && r.opts.Force):
		r.keep(n, "preserved")
		return nil
	case !n.Resource.Exists():
		r.reach(n, nil)
		e := n.event(Skipped)
		e.Text = "not there"
		r.view.Event(e)
		return nil
	}
	return r.do(ctx, n, Step{Action: Delete}, d.Delete)
}

// keep notes that a resource stays. What was not there in the first place is not worth a word.
func (r *run) keep(n *Node, why string) {
	if !n.Resource.Exists() {
		r.reach(n, nil)
		return
	}
	r.reach(n, func(all *Result) { all.Kept++ })
	e := n.event(Skipped)
	e.Text = why
	r.view.Event(e)
}
