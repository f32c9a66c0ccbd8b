package deploy

import (
	"context"
	"fmt"
)

// Why a run that removes things leaves a node.
const (
	whyFound     = "found"
	whyAbsent    = "not there"
	whyBelongs   = "goes with what it belongs to"
	whyUnmarked  = "not marked @destroy"
	whyPreserved = "preserved"
)

// stays says why a run that removes things leaves a node, and "" of one that it removes. What stays keeps what it rests on:
// the cloud would refuse to remove that, or wait for what never happens.
func (p *Plan) stays(n *Node) string {
	_, removable := n.Resource.(Deleter)
	marks := p.opts.Mode == DestroyMarked
	switch s := n.Statement; {
	case n.Found:
		return whyFound
	case marks && !s.Destroy:
		return whyUnmarked
	case !n.Resource.Exists():
		return whyAbsent
	case !removable || s.Teardown == "":
		return whyBelongs
	case n.Preserve && !(marks && p.opts.Force):
		return whyPreserved
	}
	for _, m := range n.bears {
		switch why := p.stays(m); {
		case !m.Resource.Exists(), why == "", why == whyFound, why == whyBelongs:
		case why == whyUnmarked, why == whyPreserved:
			return needs(m, why)
		default:
			return why // of what rests on m
		}
	}
	return ""
}

// needs says that a node keeps another one.
func needs(m *Node, why string) string {
	return fmt.Sprintf("%s, which is %s, needs it", m.Resource, why)
}

// remove removes one node's resource, or says why it stays.
func (r *run) remove(ctx context.Context, n *Node) error {
	why := r.stays(n)
	if why == "" {
		why = r.keptBy(n)
	}
	switch why {
	case "":
		return r.do(ctx, n, Step{Action: Delete}, func(ctx context.Context) error { return r.erase(ctx, n) })
	case whyFound, whyBelongs, whyUnmarked:
		r.reach(n, nil)
	case whyAbsent:
		r.reach(n, nil)
		if _, removable := n.Resource.(Deleter); removable && n.Statement.Teardown != "" {
			r.skip(n, why)
		}
	default:
		r.keep(n, why)
	}
	return nil
}

// erase deletes a node's resource, as long as it is there.
func (r *run) erase(ctx context.Context, n *Node) error {
	return r.sure(ctx, n, n.Resource.(Deleter).Delete, func() (bool, error) { return n.Resource.Exists(), nil })
}

// keptBy says what needs a node that has turned out to stay only when it was to be removed.
func (r *run) keptBy(n *Node) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range n.bears {
		if r.kept[m] {
			return needs(m, "kept")
		}
	}
	return ""
}

// keep notes that a resource stays.
func (r *run) keep(n *Node, why string) {
	r.reach(n, func(all *Result) { all.Kept++; r.kept[n] = true })
	r.skip(n, why)
}

func (r *run) skip(n *Node, why string) {
	e := n.event(Skipped)
	e.Text = why
	r.view.Event(e)
}
