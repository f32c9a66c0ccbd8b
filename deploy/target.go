package deploy

import (
	"fmt"
	"slices"
	"strings"

	"quotewire/dply/check"
	"quotewire/dply/suggest"
	"quotewire/dply/token"
)

// choose returns the targets of the run, in the order in which they are named, each once, and refuses @destroy marks where they do not belong.
func choose(program *check.Program, opts Options) ([]*check.Target, error) {
	targets := program.Targets
	if len(opts.Targets) > 0 {
		targets = nil
		var unknown token.List
		for _, name := range opts.Targets {
			i := slices.IndexFunc(program.Targets, func(t *check.Target) bool { return t.Name == name })
			switch {
			case i < 0:
				unknown = append(unknown, noTarget(program, name))
			case !slices.Contains(targets, program.Targets[i]):
				targets = append(targets, program.Targets[i])
			}
		}
		if unknown != nil {
			return nil, unknown
		}
	}
	var wrong token.List
	marks := 0
	for _, t := range targets {
		for _, s := range t.Statements {
			if !s.Destroy {
				continue
			}
			marks++
			if opts.Mode == Deploy {
				wrong = append(wrong, token.Diagnostic{Pos: s.Pos, Code: "E60",
					Message: fmt.Sprintf("%s is marked @destroy, and this run makes things", s.Name),
					Hint:    "Run `quotewire destroy --marked` to remove what is marked, or take the mark away."})
			}
		}
	}
	if opts.Mode == DestroyMarked && marks == 0 {
		d := token.Diagnostic{Code: "E60", Message: "nothing is marked @destroy", Hint: "Mark what is to go with a line `@destroy` in its block, or destroy the whole target."}
		if len(targets) > 0 {
			d.Pos = targets[0].Pos
		}
		wrong = append(wrong, d)
	}
	return targets, wrong.Err()
}

func noTarget(program *check.Program, name string) token.Diagnostic {
	d := token.Diagnostic{Code: "E58", Message: fmt.Sprintf("no target named %q", name), Hint: "The script has no targets."}
	if len(program.Targets) == 0 {
		return d
	}
	names := make([]string, len(program.Targets))
	for i, t := range program.Targets {
		names[i] = t.Name
	}
	d.Hint = "Targets: " + strings.Join(names, ", ") + "."
	if near := suggest.Nearest(name, names); len(near) > 0 {
		d.Hint = fmt.Sprintf("Did you mean %s? %s", strings.Join(near, " or "), d.Hint)
	}
	return d
}

// expand turns the statements of the targets into a graph. Statements that only carry a value, such as policy and coin,
// have no resource; show is the one task that the engine knows itself.
func expand(program *check.Program, targets []*check.Target, opts Options) (*Graph, error) {
	g := newGraph(program, opts)
	var problems problems
	var shown *Node // the show statement before
	for _, t := range targets {
		for _, s := range t.Statements {
			switch s.Verb {
			case "env", "files.dir", "policy", "coin":
			case "show":
				n := g.Add(s, Key{"show", s.Pos.String()}, &show{graph: g, statement: s})
				g.Uses(n, s.Args...).Needs(shown) // what they print comes in source order
				shown = n
			default:
				problems.add(opts.Provider.Expand(g, s))
			}
		}
	}
	if err := problems.err(); err != nil {
		return nil, err
	}
	return g, g.seal()
}
