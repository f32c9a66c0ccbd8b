package deploy

import (
	"container/heap"
	"context"
	"fmt"
	"slices"
	"strings"

	"quotewire/dply/check"
	"quotewire/dply/token"
)

// Graph is the resources of a run and what each of them waits for.
type Graph struct {
	Options Options         // of the run
	Targets []*check.Target // all of the program, those too that the run is not about

	nodes []*Node // in source order
	byKey map[Key]*Node
	bound map[*check.Statement]*Node
}

// Node is a resource with its place in the graph.
type Node struct {
	Key       Key
	Resource  Resource
	Statement *check.Statement // the one that asks for it, or the first of several
	Preserve  bool             // a teardown run leaves it
	Found     bool             // looked up only: never changed, never removed

	index int
	needs []need
	after []*Node // resolved from needs
	bears []*Node // what rests on it
}

type need struct {
	key  Key
	soft bool // a name in a string: makes an edge in source order only
}

func newGraph(program *check.Program, opts Options) *Graph {
	return &Graph{Options: opts, Targets: program.Targets, byKey: map[Key]*Node{}, bound: map[*check.Statement]*Node{}}
}

// Add puts a resource into the graph. Looking up and making are different things: a find never takes the key of the
// resource that another statement makes. A key that another node has already is a programming error; see [Graph.Lookup].
func (g *Graph) Add(s *check.Statement, key Key, r Resource) *Node {
	n := &Node{Key: key, Resource: r, Statement: s, index: len(g.nodes)}
	if s != nil {
		n.Preserve = s.Teardown == check.Preserve
		n.Found = s.Verb == "find"
	}
	g.nodes = append(g.nodes, n)
	if !n.Found {
		if g.byKey[key] != nil {
			panic(fmt.Sprintf("deploy: two resources with the key %v", key))
		}
		g.byKey[key] = n
	}
	return n
}

// Lookup returns the node that makes the resource of that key, or nil. While statements are expanded it knows those
// above only.
func (g *Graph) Lookup(key Key) *Node { return g.byKey[key] }

// Names returns the names of the resources of a type that the run makes, changes or looks up.
func (g *Graph) Names(typ string) []string {
	var names []string
	for _, n := range g.nodes {
		if n.Key.Type == typ {
			names = append(names, n.Key.Name)
		}
	}
	return names
}

// Again returns the node that an equal statement above has added for the key already, so that a thing named in two
// targets is made once. It is nil if there is none; two statements that want different things are an error.
func (g *Graph) Again(s *check.Statement, key Key) (*Node, error) {
	n := g.byKey[key]
	if n == nil {
		return nil, nil
	}
	if canonical(n.Statement) != canonical(s) {
		return nil, token.Diagnostic{Pos: s.Pos, Code: "E37",
			Message: fmt.Sprintf("%s is described twice, and differently", n.Resource),
			Hint:    fmt.Sprintf("The first is at %s. Describe it once, and find it in the other place.", n.Statement.Pos)}
	}
	n.Preserve = n.Preserve || s.Teardown == check.Preserve
	return n, nil
}

// Bind makes n the object that a reference to s means.
func (g *Graph) Bind(s *check.Statement, n *Node) { g.bound[s] = n }

// Bound returns the node that a reference to s means, or nil.
func (g *Graph) Bound(s *check.Statement) *Node { return g.bound[s] }

// Needs makes n wait for the nodes; nil ones are left out.
func (n *Node) Needs(others ...*Node) *Node {
	for _, o := range others {
		if o != nil && o != n {
			n.after = append(n.after, o)
		}
	}
	return n
}

// RestsOn makes n wait for what the values refer to, and keeps that as long as n stays: a run that leaves a gateway leaves the
// subnet in which it stands.
func (g *Graph) RestsOn(n *Node, values ...check.Value) *Node {
	for _, v := range values {
		references(v, func(r check.Reference) { n.On(g.bound[r.Statement]) })
	}
	return n
}

// On makes n rest on the nodes, as [Graph.RestsOn] does; nil ones are left out.
func (n *Node) On(others ...*Node) *Node {
	n.Needs(others...)
	for _, o := range others {
		if o != nil && o != n && !slices.Contains(o.bears, n) {
			o.bears = append(o.bears, n)
		}
	}
	return n
}

// Mentions makes n wait for whatever makes a resource of that key in a statement above; and the other way about, if that
// statement is below. A key that nothing makes is no matter.
func (n *Node) Mentions(keys ...Key) *Node {
	for _, k := range keys {
		n.needs = append(n.needs, need{key: k, soft: true})
	}
	return n
}

// Uses makes n wait for every resource that the values refer to.
func (g *Graph) Uses(n *Node, values ...check.Value) *Node {
	for _, v := range values {
		references(v, func(r check.Reference) { n.Needs(g.bound[r.Statement]) })
	}
	return n
}

// seal resolves keys to nodes and refuses a graph with a cycle.
func (g *Graph) seal() error {
	for _, n := range g.nodes {
		for _, want := range n.needs {
			m := g.byKey[want.key]
			switch {
			case m == nil || m == n:
			case want.soft && m.index > n.index:
				m.after = append(m.after, n)
			default:
				n.after = append(n.after, m)
			}
		}
		n.needs = nil
	}
	for _, n := range g.nodes {
		slices.SortFunc(n.after, func(a, b *Node) int { return a.index - b.index })
		n.after = slices.Compact(n.after)
	}
	return g.acyclic()
}

func (g *Graph) acyclic() error {
	const (
		open = 1
		done = 2
	)
	state := make(map[*Node]int, len(g.nodes))
	var path []*Node
	var visit func(n *Node) error
	visit = func(n *Node) error {
		path = append(path, n)
		state[n] = open
		for _, m := range n.after {
			switch state[m] {
			case open:
				var names []string
				for _, p := range append(path[slices.Index(path, m):], m) {
					names = append(names, p.Resource.String())
				}
				return fmt.Errorf("resources wait for each other: %s", strings.Join(names, " → "))
			case done:
			default:
				if err := visit(m); err != nil {
					return err
				}
			}
		}
		state[n] = done
		path = path[:len(path)-1]
		return nil
	}
	for _, n := range g.nodes {
		if state[n] == 0 {
			if err := visit(n); err != nil {
				return err
			}
		}
	}
	return nil
}

// closure returns the nodes that keep wants, and everything that those wait for.
func (g *Graph) closure(keep func(*Node) bool) []*Node {
	in := map[*Node]bool{}
	var add func(n *Node)
	add = func(n *Node) {
		if !in[n] {
			in[n] = true
			for _, m := range n.after {
				add(m)
			}
		}
	}
	for _, n := range g.nodes {
		if keep(n) {
			add(n)
		}
	}
	return slices.DeleteFunc(slices.Clone(g.nodes), func(n *Node) bool { return !in[n] })
}

// direction says which way a walk goes.
type direction bool

const (
	forward  direction = false // what is waited for comes first
	backward direction = true  // what waits comes first, as a teardown must
)

// walk visits the nodes along their edges, at most limit at a time; with a limit of one, in source order as far as the
// edges allow. After an error, or once ctx has ended, it starts nothing more, waits for the visits under way, and returns
// the first error.
func walk(ctx context.Context, nodes []*Node, dir direction, limit int, visit func(context.Context, *Node) error) error {
	blocked := make(map[*Node]int, len(nodes))
	next := make(map[*Node][]*Node, len(nodes))
	for _, n := range nodes {
		blocked[n] += 0
	}
	for _, n := range nodes {
		for _, m := range n.after {
			if _, ok := blocked[m]; !ok {
				continue
			}
			first, second := m, n
			if dir == backward {
				first, second = n, m
			}
			blocked[second]++
			next[first] = append(next[first], second)
		}
	}
	ready := &queue{dir: dir}
	for _, n := range nodes {
		if blocked[n] == 0 {
			heap.Push(ready, n)
		}
	}
	type result struct {
		node *Node
		err  error
	}
	results := make(chan result)
	running := 0
	var failed error
	for {
		for failed == nil && ctx.Err() == nil && running < limit && ready.Len() > 0 {
			n := heap.Pop(ready).(*Node)
			running++
			go func() { results <- result{n, visit(ctx, n)} }()
		}
		if running == 0 {
			if failed == nil {
				failed = ctx.Err()
			}
			return failed
		}
		r := <-results
		running--
		if r.err != nil && failed == nil {
			failed = r.err
		}
		for _, m := range next[r.node] {
			if blocked[m]--; blocked[m] == 0 {
				heap.Push(ready, m)
			}
		}
	}
}

// queue is a heap of nodes by their place in the source.
type queue struct {
	nodes []*Node
	dir   direction
}

func (q *queue) Len() int { return len(q.nodes) }
func (q *queue) Less(i, j int) bool {
	return (q.nodes[i].index < q.nodes[j].index) == (q.dir == forward)
}
func (q *queue) Swap(i, j int) { q.nodes[i], q.nodes[j] = q.nodes[j], q.nodes[i] }
func (q *queue) Push(x any)    { q.nodes = append(q.nodes, x.(*Node)) }
func (q *queue) Pop() any {
	n := q.nodes[len(q.nodes)-1]
	q.nodes = q.nodes[:len(q.nodes)-1]
	return n
}
