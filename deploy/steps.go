package deploy

import (
	"context"
	"fmt"
	"slices"

	"quotewire/dply/token"
)

// Planned is what a run would do about one resource.
type Planned struct {
	Resource string         `json:"resource"` // what people call it
	Type     string         `json:"type"`     // as in the script
	Name     string         `json:"name"`
	Pos      token.Position `json:"-"`
	Position string         `json:"position"` // of the statement: file:line:column
	Action   Action         `json:"action"`
	Changes  []Change       `json:"changes,omitempty"`
	Why      string         `json:"why,omitempty"` // why it is left, if that is not for being as the script says
}

// Steps lists what [Plan.Apply] would do, in its order, and what it would leave. It makes no calls.
func (p *Plan) Steps() []Planned {
	dir := forward
	if p.opts.Mode != Deploy {
		dir = backward
	}
	var steps []Planned
	// The order of a walk that does one thing after the other is the order of Apply.
	walk(context.Background(), p.nodes, dir, 1, func(_ context.Context, n *Node) error {
		if _, ok := n.Resource.(*show); ok {
			return nil
		}
		step := p.step(n)
		if tidies(n) && step.Action == None {
			return nil
		}
		step.Resource, step.Type, step.Name = n.Resource.String(), n.Key.Type, n.Key.Name
		step.Pos, step.Position = n.Statement.Pos, n.Statement.Pos.String()
		steps = append(steps, step)
		return nil
	})
	return steps
}

func (p *Plan) step(n *Node) Planned {
	switch {
	case p.opts.Mode != Deploy:
		if why := p.stays(n); why != "" {
			return Planned{Why: why}
		}
		return Planned{Action: Delete}
	case n.Found:
		return Planned{Why: whyFound}
	}
	step, err := n.Resource.Plan()
	if err != nil { // Prepare has asked before
		panic(fmt.Sprintf("deploy: %s cannot be planned any more: %v", n.Resource, err))
	}
	return Planned{Action: step.Action, Changes: step.Changes}
}

// Moved compares what two plans of the same run would do, and says in words what is different in the second.
func Moved(before, after []Planned) []string {
	type key struct{ typ, name string }
	old := map[key]Planned{}
	for _, s := range before {
		old[key{s.Type, s.Name}] = s
	}
	var moved []string
	for _, s := range after {
		k := key{s.Type, s.Name}
		was, ok := old[k]
		delete(old, k)
		switch {
		case !ok:
			moved = append(moved, fmt.Sprintf("%s was not in the plan", s.Resource))
		case was.Action != s.Action:
			moved = append(moved, fmt.Sprintf("%s: the plan was to %s it, now it would be to %s it", s.Resource, was.Action, s.Action))
		case !slices.EqualFunc(was.Changes, s.Changes, Change.equal):
			moved = append(moved, fmt.Sprintf("%s differs in other ways than planned", s.Resource))
		}
	}
	for _, s := range before {
		if _, gone := old[key{s.Type, s.Name}]; gone {
			moved = append(moved, fmt.Sprintf("%s is no longer in the plan", s.Resource))
		}
	}
	return moved
}
