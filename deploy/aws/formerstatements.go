package aws

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"quotewire/deploy"
	"quotewire/dply/check"
)

// formerStatements are those that lambda.addPermissions has put into the policy of a function, or of an alias of it, and that
// no line of the script asks for any more. What the deployer has added is told by the id alone: nothing else of a statement is
// free to carry a mark. Another script may let others call a function that it only finds; its ids are different ones, so
// that whoever describes the function leaves them alone.
type formerStatements struct {
	p        *Provider
	graph    *deploy.Graph
	function *function
	found    map[string]map[string]grant // by function or alias, and by id
}

// allowedID is the id of the nth statement of a lambda.addPermissions, whose function this script describes or not.
func allowedID(name string, n int, described bool) string {
	id := fmt.Sprintf("%sSid%d", name, n)
	if !described {
		id += "-guest"
	}
	return id
}

var addedBySelf = regexp.MustCompile(`.Sid[0-9]+$`)

// allowed is what a run's lambda.addPermissions ask for, by the name of the function.
type allowed struct {
	wanted map[string][]*permission
	nodes  map[string][]*deploy.Node // of those
	former map[string]*deploy.Node   // the formerStatements of the function

	callers map[string][]*deploy.Node // integrations that have a statement of their own
	parts   []*deploy.Node            // of APIs that have one
}

func newAllowed() allowed {
	return allowed{wanted: map[string][]*permission{}, nodes: map[string][]*deploy.Node{}, former: map[string]*deploy.Node{},
		callers: map[string][]*deploy.Node{}}
}

func (a *allowed) add(function string, r *permission, n *deploy.Node) {
	a.wanted[function] = append(a.wanted[function], r)
	a.nodes[function] = append(a.nodes[function], n)
	if former := a.former[function]; former != nil {
		former.Needs(n)
	}
	for _, caller := range a.callers[function] {
		caller.Needs(n)
	}
}

// call makes an integration wait until it is allowed to call the function.
func (a *allowed) call(function string, n *deploy.Node) {
	a.callers[function] = append(a.callers[function], n.Needs(a.nodes[function]...))
}

// part makes what is withdrawn wait for a part of an API, which may call the function up to then.
func (a *allowed) part(n *deploy.Node) {
	a.parts = append(a.parts, n)
	for _, former := range a.former {
		former.Needs(n)
	}
}

// tidy makes what is withdrawn wait for what is added: a line that was moved is not refused for a moment.
func (a *allowed) tidy(former *deploy.Node, function string) {
	a.former[function] = former.Needs(a.nodes[function]...).Needs(a.parts...)
}

// calledFunction is the name of the function that a resource of an allow line means: one that the script has, an alias of it, its
// name or its ARN. It is "" where that is known only later.
func calledFunction(g *deploy.Graph, resource check.Value) string {
	if r, ok := resource.(check.Reference); ok && r.Statement.Type != nil && r.Statement.Type.Name == aliasType.Name {
		return functionName(g, r.Statement.Prop("FunctionName"))
	}
	return functionName(g, resource)
}

// describes reports whether the script, in whichever of its targets, says how the function is to be.
func describes(g *deploy.Graph, function string) bool {
	return function != "" && anywhere(g.Targets, func(s *check.Statement) bool {
		return s.Name == function && (s.Verb == functionVerb.Name || s.Verb == "ensure" && s.Type != nil && s.Type.Name == functionType.Name)
	})
}

func anywhere(targets []*check.Target, is func(*check.Statement) bool) bool {
	return slices.ContainsFunc(targets, func(t *check.Target) bool { return slices.ContainsFunc(t.Statements, is) })
}

func (f *formerStatements) String() string            { return "former permissions of " + f.function.String() }
func (f *formerStatements) Exists() bool              { return false } // they go with the function
func (f *formerStatements) Tidies()                   {}
func (f *formerStatements) Member(string) (any, bool) { return nil, false }

// Read looks at the function and at those of its aliases that the run has to do with. Each has a policy of its own, which no
// list tells of: in a run of many functions they are worth asking for only if the script lets anybody call one at all.
func (f *formerStatements) Read(ctx context.Context) error {
	f.found = map[string]map[string]grant{}
	if !f.function.Exists() || f.graph.Options.Mode != deploy.Deploy || f.partly() {
		return nil
	}
	if f.p.many(functionType.Name) > fewOfAType && !anywhere(f.graph.Targets, allows) {
		return nil
	}
	callees := []string{f.function.name}
	for _, alias := range f.graph.Names(aliasType.Name) {
		if strings.HasPrefix(alias, f.function.name+":") {
			callees = append(callees, alias)
		}
	}
	slices.Sort(callees)
	for _, function := range slices.Compact(callees) {
		all, err := f.p.grants(ctx, function)
		if err != nil {
			return err
		}
		maps.DeleteFunc(all, func(id string, g grant) bool { return callee(g.Function) != function || !addedBySelf.MatchString(id) })
		f.found[function] = all
	}
	return nil
}

// partly reports whether the run leaves out targets that may ask for statements.
func (f *formerStatements) partly() bool {
	return len(f.graph.Options.Targets) > 0 && anywhere(slices.DeleteFunc(slices.Clone(f.graph.Targets), func(t *check.Target) bool {
		return slices.Contains(f.graph.Options.Targets, t.Name)
	}), allows)
}

func allows(s *check.Statement) bool { return s.Verb == permissionsVerb.Name }

// former lists the statements that are to go.
func (f *formerStatements) former() [][2]string {
	return unwanted(f.found, f.p.allowed.wanted[f.function.name])
}

// Plan says of each what it has allowed, as a line of a script would.
func (f *formerStatements) Plan() (deploy.Step, error) {
	var changes []deploy.Change
	for _, s := range f.former() {
		g := f.found[s[0]][s[1]]
		line := fmt.Sprintf("allow %q %q principal %q", g.Action, s[0], g.Principal)
		if g.SourceArn != "" {
			line += fmt.Sprintf(" condition \"ArnLike\" \"aws:SourceArn\" %q", g.SourceArn)
		}
		if g.SourceAccount != "" {
			line += fmt.Sprintf(" condition \"StringEquals\" \"aws:SourceAccount\" %q", g.SourceAccount)
		}
		changes = append(changes, deploy.Change{Property: s[1], Removed: []string{line}})
	}
	return updateIf(changes), nil
}

func (f *formerStatements) Apply(ctx context.Context) error {
	for _, s := range f.former() {
		if err := f.p.withdraw(ctx, s[0], s[1]); err != nil {
			return err
		}
		delete(f.found[s[0]], s[1])
	}
	return nil
}
