package advice

import (
	"strings"

	"quotewire/dply/check"
	"quotewire/dply/token"
)

// powers is what a role may do, over all blocks that describe it.
type powers struct {
	statements []check.PolicyStatement
	managed    []string // policies of AWS whose content is known here
	open       bool     // it has policies that the script does not show
	trusted    bool     // Lambda may take it, or it cannot be told
	users      []*check.Statement
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
	if policy != nil {
		p.statements = append(p.statements, policy.Statements...)
	}
}

// attach adds a managed policy: one that the program makes, one of AWS that is known here, or one that is not.
func (a *adviser) attach(p *powers, name string) {
	var made *check.Statement
	a.statements(func(s *check.Statement) {
		if s.Verb == "ensure" && s.Type.Name == "aws.IAM.Policy" && s.Name == name {
			made = s
		}
	})
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

// allows reports whether the role may do an action on something. A resource or an action that only the cloud knows may be
// the right one.
func (p *powers) allows(action string, on func(check.Value) bool) bool {
	if p.open {
		return true
	}
	for _, name := range p.managed {
		for _, have := range managedPolicies[name] {
			if have == action {
				return true
			}
		}
	}
	for _, s := range p.statements {
		if s.Effect == "Allow" && anyAction(s, func(pattern string) bool { return matches(pattern, action) }) && anyResource(s, on) {
			return true
		}
	}
	return false
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

func anyResource(s check.PolicyStatement, f func(check.Value) bool) bool {
	if f == nil || len(s.Resources) == 0 {
		return true
	}
	for _, v := range s.Resources {
		if f(v) {
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

// posting is the place of the statement that lets the role post to connections, written for that purpose: a wider right
// to everything says nothing about what the function does.
func (p *powers) posting() (token.Position, bool) {
	for _, s := range p.statements {
		if s.Effect != "Allow" {
			continue
		}
		for _, v := range s.Actions {
			if t := text(v); strings.HasPrefix(t, "execute-api:") && matches(t, "execute-api:ManageConnections") {
				return s.Pos, true
			}
		}
	}
	return token.Position{}, false
}
