package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"quotewire/dply/check"
	"quotewire/dply/token"
)

// Mode is what a run is for.
type Mode int

const (
	Deploy        Mode = iota // make everything so
	Teardown                  // remove what is marked @teardown delete
	DestroyMarked             // remove what is marked @destroy, and nothing else
)

// Options of a run. Only Provider is required.
type Options struct {
	Targets   []string // their names; none means all
	Mode      Mode
	Force     bool // let DestroyMarked remove what is marked @teardown preserve as well
	Provider  Provider
	ScriptDir string // what relative folders in the script are relative to; "" is the folder of each script file
	CacheDir  string // where builds are kept; "" is a folder of the user's cache
	// Local builds functions for a cloud on this machine: with the paths of this machine in them, so that a first build
	// finds in Go's build cache what "go run" has just compiled. Otherwise equal sources give equal code on any machine.
	Local bool
	View  View // nil for none

	Parallel int // how many changes run at a time, as far as the graph allows; 0 or less means 8
}

// How many things run at a time.
const (
	reads        = 8
	preparations = 2
	writes       = 8 // unless Options.Parallel says otherwise
)

// Plan is a run whose reads are done: it knows what is there and what is wanted.
type Plan struct {
	graph *Graph
	nodes []*Node // of the run, in source order
	opts  Options
	view  *serial
	start time.Time
}

// Run does a whole run: [Prepare] and then [Plan.Apply].
func Run(ctx context.Context, program *check.Program, opts Options) (*Result, error) {
	plan, err := Prepare(ctx, program, opts)
	if err != nil {
		return &Result{}, err
	}
	return plan.Apply(ctx)
}

// Prepare resolves the targets into resources, reads what exists, does the preparations, and makes sure that nothing is
// known to stand in the way. It makes no change. An error of the script or of the cloud is a token.List.
func Prepare(ctx context.Context, program *check.Program, opts Options) (*Plan, error) {
	p := &Plan{opts: opts, view: &serial{view: opts.View}, start: time.Now()}
	if err := p.look(ctx, program); err != nil {
		p.view.Event(Event{Kind: Finished, Result: &Result{}, Err: err, Elapsed: time.Since(p.start)})
		return nil, err
	}
	return p, nil
}

// look does the work of Prepare.
func (p *Plan) look(ctx context.Context, program *check.Program) error {
	opts := p.opts
	targets, err := choose(program, opts)
	if err != nil {
		return err
	}
	if p.graph, err = expand(program, targets, opts); err != nil {
		return err
	}
	p.nodes = p.graph.nodes
	if opts.Mode == DestroyMarked {
		resting := map[*Node]bool{} // on what is marked
		for _, n := range p.graph.nodes {
			for _, m := range n.bears {
				resting[m] = resting[m] || n.Statement.Destroy
			}
		}
		p.nodes = p.graph.closure(func(n *Node) bool { return n.Found || n.Statement.Destroy || resting[n] })
	}
	p.view.Event(Event{Kind: Reading})
	if err := opts.Provider.Open(p.waits(ctx, Event{Kind: Waiting})); err != nil {
		return p.refused(nil, "open", err)
	}
	if err := p.discover(ctx); err != nil {
		return err
	}
	if opts.Mode == Deploy {
		return p.compare()
	}
	return nil
}

// discover reads every node, and prepares beside that those that have something to prepare. What is wrong with the script
// is collected; the first refusal of the cloud ends it.
func (p *Plan) discover(ctx context.Context) error {
	var problems problems
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	if p.opts.Mode == Deploy {
		slots := make(chan struct{}, preparations)
		for _, n := range p.nodes {
			if r, ok := n.Resource.(Preparer); ok {
				wg.Go(func() {
					slots <- struct{}{}
					defer func() { <-slots }()
					problems.add(p.prepare(ctx, n, r))
				})
			}
		}
	}
	failed := walk(ctx, p.nodes, forward, reads, func(ctx context.Context, n *Node) error {
		err := n.Resource.Read(p.waits(ctx, n.event(Waiting)))
		if err == nil && n.Found && !n.Resource.Exists() && p.opts.Mode == Deploy {
			err = absent(n)
		}
		if diagnosed(err) {
			problems.add(err)
			return nil
		}
		if err != nil {
			return p.refused(n, "read", err)
		}
		return nil
	})
	if failed != nil {
		cancel()
	}
	wg.Wait()
	if failed != nil {
		return failed
	}
	return problems.err()
}

// waits is the context of reading something, whose waits become events.
func (p *Plan) waits(ctx context.Context, e Event) context.Context {
	return reporting(ctx, func(text string, elapsed time.Duration) {
		e.Text, e.Elapsed = text, elapsed
		p.view.Event(e)
	})
}

func (p *Plan) prepare(ctx context.Context, n *Node, r Preparer) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	start := time.Now()
	p.view.Event(n.event(Preparing))
	if err := r.Prepare(ctx); err != nil {
		return err
	}
	e := n.event(Prepared)
	e.Elapsed = time.Since(start)
	p.view.Event(e)
	return nil
}

// compare asks every node for its step, so that what cannot be done is known before anything is.
func (p *Plan) compare() error {
	var problems problems
	for _, n := range p.nodes {
		if n.Found {
			continue
		}
		_, err := n.Resource.Plan()
		problems.add(err)
	}
	return problems.err()
}

// An Absentee has advice for the case that a find statement does not find it.
type Absentee interface {
	// Absent returns where it was looked for, such as "in us-east-1", and a hint; either may be empty.
	Absent() (where, hint string)
}

// A Foreigner is a resource that nobody can make here: that a find statement does not find it has a code of its own.
type Foreigner interface {
	AbsentCode() string // "" is E57
}

func absent(n *Node) error {
	s := n.Statement
	where, hint := "", "Make it, or correct the name; names are case-sensitive."
	if a, ok := n.Resource.(Absentee); ok {
		where, hint = a.Absent()
	}
	code := "E57"
	if f, ok := n.Resource.(Foreigner); ok {
		code = cmp.Or(f.AbsentCode(), code)
	}
	if where != "" {
		where = " " + where
	}
	return token.Diagnostic{Pos: s.Pos, Code: code, Message: fmt.Sprintf("no %s named %q%s", s.Type.Name, s.Name, where), Hint: hint}
}

// refused puts an error of the cloud into a diagnostic at the statement, E63. Errors that are diagnostics already, and the
// end of the run's context, stay what they are.
func (p *Plan) refused(n *Node, verb string, err error) error {
	if diagnosed(err) || errors.Is(err, context.Canceled) {
		return err
	}
	message, hint := p.opts.Provider.Explain(err)
	d := token.Diagnostic{Code: "E63", Message: message, Hint: hint}
	if n != nil {
		d.Pos = n.Statement.Pos
		d.Message = fmt.Sprintf("cannot %s %s: %s", verb, n.Resource, message)
	}
	return token.List{d}
}

// diagnosed reports whether err speaks of a place in the script.
func diagnosed(err error) bool {
	switch err.(type) {
	case token.Diagnostic, token.List:
		return true
	}
	return false
}

// problems collects errors from several goroutines.
type problems struct {
	mu    sync.Mutex
	list  token.List // guarded by mu
	other error      // guarded by mu; the first that is no diagnostic
}

func (p *problems) add(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch err := err.(type) {
	case nil:
	case token.Diagnostic:
		p.list = append(p.list, err)
	case token.List:
		p.list = append(p.list, err...)
	default:
		if p.other == nil {
			p.other = err
		}
	}
}

func (p *problems) err() error {
	if p.other != nil {
		return p.other
	}
	p.list.Sort()
	return p.list.Err()
}

// serial hands events to a view one at a time, and none after the last.
type serial struct {
	mu    sync.Mutex
	view  View
	ended bool // guarded by mu
}

func (s *serial) Event(e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.view != nil && !s.ended {
		s.ended = e.Kind == Finished
		e.Time = time.Now()
		s.view.Event(e)
	}
}

func (n *Node) event(k Kind) Event {
	return Event{Kind: k, Resource: n.Resource.String(), Key: n.Key, Pos: n.Statement.Pos}
}
