package advice

import (
	"slices"
	"strings"

	"quotewire/dply/check"
)

// powers is what a role may do, over all blocks that describe it.
type powers struct {
	statements []check.PolicyStatement
	managed    []string // policies of AWS whose content is known here
	open       bool     // it has policies that the script does not show
	trusted    bool     // Lambda may take it, or it cannot be told
	posts      bool     // a statement lets it post to connections, and was written for that
	users      []*check.Statement

	known  map[string]bool // what allows has answered
	tables *tables         // what reaches looks at; nil before
}

// tables are those that a role may do anything with.
type tables struct {
	names    map[string]bool
	patterns []string
	any      bool // a resource that can be any table, or that only the cloud knows
}

// The managed policies of AWS that functions are given most, with what they allow.
var managedPolicies = map[string][]string{
	"AWSLambdaBasicExecutionRole": logging,
	"AWSLambdaVPCAccessExecutionRole": append([]string{"ec2:DescribeSubnets", "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"},
		append(logging, interfaces...)...),
}

var (
	logging    = []string{"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"}
	interfaces = []string{"ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface"}
)

// roleOf notes what the role of a function may do.
func (a *adviser) roleOf(s *check.Statement) {
	if !isFunction(s) {
		return
	}
	switch v := s.Prop("Role").(type) {
	case *check.Role:
		p := a.powersOf(v.Name)
		p.users = append(p.users, s)
		p.trusted = p.trusted || trusts(v.Assume)
		for _, policy := range v.Inline {
			p.add(policy)
		}
		for _, name := range v.Managed {
			a.attach(p, name.Text)
		}
	case check.Reference:
		role := v.Statement
		p := a.powersOf(role.Name)
		p.users = append(p.users, s)
		if role.Verb != "ensure" || len(p.users) > 1 {
			p.open, p.trusted = p.open || role.Verb != "ensure", p.trusted || role.Verb != "ensure"
			return
		}
		assume, _ := role.Prop("Assume").(*check.Policy)
		p.trusted = p.trusted || trusts(assume)
		switch inline := role.Prop("Inline").(type) {
		case *check.Policy:
			p.add(inline)
		case check.List:
			for _, item := range inline.Items {
				if policy, ok := item.(*check.Policy); ok {
					p.add(policy)
				}
			}
		}
		if v := role.Prop("ManagedPolicies"); v != nil {
			p.open = true
		}
	}
}

func (a *adviser) powersOf(role string) *powers {
	if a.roles[role] == nil {
		a.roles[role] = &powers{}
	}
	return a.roles[role]
}

// powersOfFunction returns nil for a role that the program does not describe.
func (a *adviser) powersOfFunction(s *check.Statement) *powers {
	switch v := s.Prop("Role").(type) {
	case *check.Role:
		return a.roles[v.Name]
	case check.Reference:
		return a.roles[v.Statement.Name]
	}
	return nil
}

func (p *powers) add(policy *check.Policy) {
	if policy == nil {
		return
	}
	p.statements = append(p.statements, policy.Statements...)
	for _, s := range policy.Statements {
		for _, v := range s.Actions {
			// A wider right, to everything, says nothing about what the function does.
			t := text(v)
			p.posts = p.posts || s.Effect == "Allow" && strings.HasPrefix(t, "execute-api:") && matches(t, "execute-api:ManageConnections")
		}
	}
}

// attach adds a managed policy: one that the program makes, one of AWS that is known here, or one that is not.
func (a *adviser) attach(p *powers, name string) {
	made := a.policies[name]
	if made != nil {
		policy, _ := made.Prop("Policy").(*check.Policy)
		p.add(policy)
		return
	}
	if _, known := managedPolicies[name]; known {
		p.managed = append(p.managed, name)
		return
	}
	p.open = true
}

// allows reports whether the role may do an action on anything at all. An action that only the cloud knows may be the one.
func (p *powers) allows(action string) bool {
	if allowed, done := p.known[action]; done {
		return allowed
	}
	allowed := p.open || slices.ContainsFunc(p.managed, func(name string) bool { return slices.Contains(managedPolicies[name], action) }) ||
		slices.ContainsFunc(p.statements, func(s check.PolicyStatement) bool {
			return s.Effect == "Allow" && anyAction(s, func(pattern string) bool { return matches(pattern, action) })
		})
	if p.known == nil {
		p.known = map[string]bool{}
	}
	p.known[action] = allowed
	return allowed
}

// reaches reports whether the role may do anything with a table.
func (p *powers) reaches(table string) bool {
	if p.tables == nil {
		p.tables = &tables{names: map[string]bool{}, any: p.open}
		for _, s := range p.statements {
			if s.Effect == "Allow" && anyAction(s, func(pattern string) bool {
				return matches(pattern, "dynamodb:") || strings.HasPrefix(strings.ToLower(pattern), "dynamodb:")
			}) {
				p.tables.add(s.Resources)
			}
		}
	}
	return p.tables.any || p.tables.names[table] || slices.ContainsFunc(p.tables.patterns, func(pattern string) bool { return matches(pattern, table) })
}

func (t *tables) add(resources []check.Value) {
	t.any = t.any || len(resources) == 0
	for _, v := range resources {
		switch v := v.(type) {
		case check.String:
			_, name, ok := strings.Cut(v.Text, ":table/")
			name, _, _ = strings.Cut(name, "/") // an index of it
			switch {
			case !ok:
				t.any = t.any || strings.ContainsAny(v.Text, "*?")
			case strings.ContainsAny(name, "*?"):
				t.patterns = append(t.patterns, name)
			default:
				t.names[name] = true
			}
		case check.Reference:
			if typ := v.Statement.Type; typ != nil && typ.Name == "aws.DynamoDB.Table" {
				t.names[v.Statement.Name] = true
			} else {
				t.any = t.any || typ == nil
			}
		default:
			t.any = true
		}
	}
}

// anyAction reports whether one of a statement's actions satisfies f. One that is not known yet does.
func anyAction(s check.PolicyStatement, f func(pattern string) bool) bool {
	for _, v := range s.Actions {
		if t, ok := v.(check.String); !ok || f(t.Text) {
			return true
		}
	}
	return false
}

// trusts reports whether a trust policy lets Lambda take the role.
func trusts(assume *check.Policy) bool {
	if assume == nil {
		return false
	}
	for _, s := range assume.Statements {
		if s.Effect != "Allow" || !anyAction(s, func(pattern string) bool { return matches(pattern, "sts:AssumeRole") }) {
			continue
		}
		for _, p := range s.Principals {
			if id, ok := p.ID.(check.String); !ok || p.Kind == "Service" && strings.HasPrefix(id.Text, "lambda.amazonaws.com") || id.Text == "*" {
				return true
			}
		}
	}
	return false
}
