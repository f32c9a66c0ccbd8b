package aws

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"quotewire/deploy"
	"quotewire/dply/check"
	"quotewire/dply/schema"
)

func init() {
	register(entry{Type: permissionsVerb, verb: expandPermissions})
}

var permissionsVerb = &schema.Type{
	Name: "lambda.addPermissions",
	Doc: "Lets others invoke functions: for every action, resource (a function or an alias) and principal of its allow lines, one statement in the function's policy. Its id is the name on the line, Sid, and a number. " +
		"What no line asks for any more is withdrawn from the functions that the script describes. Teardown leaves them to vanish with the function.",
	Notes: "At a function that the script only finds or names, the id ends in -guest, and the statement stays when its line goes: the script that describes the function leaves it alone. " +
		"A run with -t withdraws nothing as long as another target has such lines; nor does a script of more than ten functions that has no such line at all.",
}

// permission is one statement of the resource policy of a function or of one of its aliases, recognised by its id. Each
// qualifier has a policy of its own: what an alias is called by must be allowed on the alias.
type permission struct {
	p  *Provider
	id string
	// want says what the statement should be. Before other resources are made, parts of it may not be known.
	want func() (grant, bool)

	found *grant // nil as long as there is none
}

// grant is who may do what with a function.
type grant struct {
	Function      string // name or ARN, with or without a qualifier
	Action        string
	Principal     string
	SourceArn     string
	SourceAccount string
}

func (r *permission) String() string { return "permission " + r.id }
func (r *permission) Exists() bool   { return r.found != nil }

// target is the function and the qualifier whose policy a grant belongs to.
func (g grant) target() (name, qualifier *string) {
	function, q := splitFunction(g.Function)
	if q == "" {
		return &function, nil
	}
	return &function, &q
}

func (r *permission) Read(ctx context.Context) error {
	r.found = nil
	want, _ := r.want()
	if want.Function == "" {
		return nil // the function is not there yet
	}
	all, err := r.p.grants(ctx, want.Function)
	if g, ok := all[r.id]; ok {
		r.found = &g
	}
	return err
}

// grants returns the statements in the policy of a function or an alias by their ids.
func (p *Provider) grants(ctx context.Context, function string) (map[string]grant, error) {
	all, err := p.invokers.of(callee(function)).get(func() (map[string]grant, error) {
		name, qualifier := grant{Function: function}.target()
		out, err := p.lambda.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: name, Qualifier: qualifier})
		if err != nil {
			return nil, ignore(err, "ResourceNotFoundException")
		}
		return grantsIn(function, aws.ToString(out.Policy))
	})
	return maps.Clone(all), err
}

func grantsIn(function, policy string) (map[string]grant, error) {
	var doc struct {
		Statement []struct {
			Sid       string
			Action    string
			Principal any
			Resource  string // the function or the alias
			Condition map[string]map[string]string
		}
	}
	if err := json.Unmarshal([]byte(policy), &doc); err != nil {
		return nil, fmt.Errorf("read the function's policy: %w", err)
	}
	all := map[string]grant{}
	for _, s := range doc.Statement {
		g := grant{Function: cmp.Or(s.Resource, function), Action: s.Action}
		switch who := s.Principal.(type) {
		case string:
			g.Principal = who
		case map[string]any:
			for _, v := range who {
				g.Principal = deploy.Text(v)
			}
		}
		for _, keys := range s.Condition {
			for key, value := range keys { // which AWS writes with capitals of its own
				switch strings.ToLower(key) {
				case "aws:sourcearn":
					g.SourceArn = value
				case "aws:sourceaccount":
					g.SourceAccount = value
				}
			}
		}
		all[s.Sid] = g
	}
	return all, nil
}

func (r *permission) Plan() (deploy.Step, error) {
	want, known := r.want()
	switch {
	case r.found == nil:
		return deploy.Step{Action: deploy.Create}, nil
	case !known || !r.found.same(want):
		return updateIf([]deploy.Change{{Property: "statement"}}), nil
	}
	return deploy.Step{}, nil
}

// same compares grants. Lambda turns the number of an account into the ARN of its root.
func (g grant) same(want grant) bool {
	principal := g.Principal
	if rest, ok := strings.CutSuffix(principal, ":root"); ok && strings.HasSuffix(rest, "::"+want.Principal) {
		principal = want.Principal
	}
	return g.Action == want.Action && principal == want.Principal && g.SourceArn == want.SourceArn && g.SourceAccount == want.SourceAccount
}

// Apply adds the statement; one that differs is removed first, for a statement cannot be changed.
func (r *permission) Apply(ctx context.Context) error {
	want, _ := r.want()
	if r.found != nil {
		if err := r.p.withdraw(ctx, want.Function, r.id); err != nil {
			return err
		}
	}
	name, qualifier := want.target()
	r.found = nil
	defer r.p.invokers.of(callee(want.Function)).forget()
	_, err := r.p.lambda.AddPermission(ctx, &lambda.AddPermissionInput{FunctionName: name, Qualifier: qualifier, StatementId: &r.id,
		Action: &want.Action, Principal: &want.Principal, SourceArn: optional(want.SourceArn), SourceAccount: optional(want.SourceAccount)})
	if is(err, "ResourceConflictException") {
		// Somebody, such as a run that was killed a moment ago, was faster than this one has read.
		r.p.invokers.of(callee(want.Function)).forget()
		if again := r.Read(ctx); again != nil {
			return again
		}
		if r.found != nil && r.found.same(want) {
			return nil
		}
	}
	if err != nil {
		return err
	}
	r.found = &want
	return nil
}

// withdraw removes the statement with that id from the policy of a function or an alias.
func (p *Provider) withdraw(ctx context.Context, function, id string) error {
	name, qualifier := grant{Function: function}.target()
	defer p.invokers.of(callee(function)).forget()
	_, err := p.lambda.RemovePermission(ctx, &lambda.RemovePermissionInput{FunctionName: name, Qualifier: qualifier, StatementId: &id})
	return ignore(err, "ResourceNotFoundException")
}

func (r *permission) Delete(ctx context.Context) error {
	return r.p.withdraw(ctx, r.found.Function, r.id)
}

func (r *permission) Member(string) (any, bool) { return nil, false }

// optional is nil for an empty text.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// expandPermissions adds one statement for every action, resource and principal of lambda.addPermissions.
func expandPermissions(p *Provider, g *deploy.Graph, s *check.Statement) error {
	n := 0
	for _, allow := range s.Policy.Statements {
		if allow.Effect != "Allow" {
			return problem(allow.Pos, "E61", "A function's policy only allows; leave out what is not to be allowed.", "deny in lambda.addPermissions")
		}
		arn, account, err := sources(g, allow)
		if err != nil {
			return err
		}
		for _, action := range allow.Actions {
			for _, resource := range allow.Resources {
				function := calledFunction(g, resource)
				for _, principal := range allow.Principals {
					r := &permission{p: p, id: allowedID(s.Name, n, describes(g, function)), want: func() (grant, bool) {
						var w grant
						var known [5]bool
						w.Action, known[0] = g.String(action)
						w.Function, known[1] = g.String(resource)
						w.Principal, known[2] = g.String(principal.ID)
						w.SourceArn, known[3] = g.String(arn)
						w.SourceAccount, known[4] = g.String(account)
						return w, known == [5]bool{true, true, true, true, true}
					}}
					node := g.Add(s, deploy.Key{Type: "aws.Lambda.Permission", Name: s.Pos.String() + r.id}, r)
					g.Uses(node, action, resource, principal.ID, arn, account)
					if text, known := g.String(resource); known {
						name, qualifier := splitFunction(text)
						node.Mentions(functionKey(name), aliasKey(name, qualifier))
					}
					p.allowed.add(function, r, node)
					n++
				}
			}
		}
	}
	return nil
}

// sources returns the conditions that a function's policy can have.
func sources(g *deploy.Graph, s check.PolicyStatement) (arn, account check.Value, err error) {
	for _, c := range s.Conditions {
		switch strings.ToLower(c.Key) {
		case "aws:sourcearn":
			arn = c.Value
		case "aws:sourceaccount":
			account = c.Value
		default:
			return nil, nil, problem(s.Pos, "E47", "Use aws:SourceArn with ArnLike, or aws:SourceAccount with StringEquals.",
				"a function's policy cannot have a condition on %s", c.Key)
		}
	}
	return arn, account, nil
}
