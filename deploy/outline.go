package deploy

import (
	"quotewire/dply/check"
	"quotewire/dply/token"
)

// Vertex is a resource of a script with what it waits for, for those who draw the graph.
type Vertex struct {
	Resource string // what people call it
	Key      Key
	Pos      token.Position
	Found    bool  // looked up only
	After    []int // the vertices that it waits for, by index; not those that others among them wait for already
}

// Outline resolves the targets into resources and returns them in source order. It makes no calls: a provider that has
// no credentials is enough.
func Outline(program *check.Program, opts Options) ([]Vertex, error) {
	targets, err := choose(program, opts)
	if err != nil {
		return nil, err
	}
	g, err := expand(targets, opts)
	if err != nil {
		return nil, err
	}
	all := make([]Vertex, len(g.nodes))
	for i, n := range g.nodes {
		all[i] = Vertex{Resource: n.Resource.String(), Key: n.Key, Pos: n.Statement.Pos, Found: n.Found}
		implied := map[*Node]bool{} // by another one
		for _, m := range n.after {
			m.before(implied)
		}
		for _, m := range n.after {
			if !implied[m] {
				all[i].After = append(all[i].After, m.index)
			}
		}
	}
	return all, nil
}

// before adds everything that n waits for, and what that waits for, to set.
func (n *Node) before(set map[*Node]bool) {
	for _, m := range n.after {
		if !set[m] {
			set[m] = true
			m.before(set)
		}
	}
}
