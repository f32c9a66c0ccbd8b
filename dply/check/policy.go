package check

import (
	"fmt"
	"slices"
	"strings"

	"quotewire/dply/schema"
	"quotewire/dply/syntax"
	"quotewire/dply/token"
)

// policyKind says where a policy stands, and so what its statements may have.
type policyKind int

const (
	trustPolicy      policyKind = iota // principals, no resources
	inlinePolicy                       // resources, no principals
	documentPolicy                     // either: it may be a managed policy or a resource's
	permissionPolicy                   // of lambda.addPermissions: allow only
)

// policy checks a block of allow and deny statements. An empty block is nil.
func (c *checker) policy(at token.Position, nodes []syntax.Node, kind policyKind) *Policy {
	p := &Policy{Pos: at}
	for _, node := range nodes {
		n, ok := node.(*syntax.Command)
		if !ok {
			continue
		}
		s := PolicyStatement{Pos: n.Word.Pos, Effect: "Allow"}
		if n.Word.Name == "deny" {
			if s.Effect = "Deny"; kind == permissionPolicy {
				c.fail(n.Line, n.Word.Pos, "E61", "lambda.addPermissions only allows", "A function's policy grants; to refuse someone, leave them out.")
				continue
			}
		}
		s.Actions = c.strings(n.Args[0])
		if len(n.Args) > 1 {
			s.Resources = c.resources(n.Args[1], kind)
		}
		for _, node := range n.Body {
			if m, ok := node.(*syntax.Command); ok {
				c.modifier(&s, m, kind)
			}
		}
		if len(s.Resources) == 0 && len(s.Principals) == 0 && kind != trustPolicy && !n.Torn && len(n.Args) < 2 {
			c.report(n.Word.Pos, "W01", "this statement has no resource and so is about all of them", `If that is meant, write "*" after the action.`)
		}
		p.Statements = append(p.Statements, s)
	}
	if len(p.Statements) == 0 {
		return nil
	}
	return p
}

func (c *checker) modifier(s *PolicyStatement, m *syntax.Command, kind policyKind) {
	switch m.Word.Name {
	case "action":
		for _, arg := range m.Args {
			s.Actions = append(s.Actions, c.strings(arg)...)
		}
	case "resource":
		for _, arg := range m.Args {
			s.Resources = append(s.Resources, c.resources(arg, kind)...)
		}
	case "principal":
		if kind == inlinePolicy {
			c.report(m.Word.Pos, "E16", "no principal in a role's policy", "A role's policy speaks of the role itself; who may take the role stands under assume.")
			return
		}
		kindName, ok := c.text(m.Args[0], "the kind of a principal")
		id := c.strings(m.Args[1])
		if ok {
			for _, id := range id {
				s.Principals = append(s.Principals, Principal{m.Word.Pos, kindName, id})
			}
		}
	case "condition":
		operator, ok1 := c.text(m.Args[0], "the operator of a condition")
		key, ok2 := c.text(m.Args[1], "the key of a condition")
		for _, v := range c.strings(m.Args[2]) {
			if ok1 && ok2 {
				s.Conditions = append(s.Conditions, Condition{m.Word.Pos, operator, key, v})
			}
		}
	}
}

func (c *checker) resources(x syntax.Expr, kind policyKind) []Value {
	if kind == trustPolicy {
		c.report(x.Pos(), "E18", "trust statements take no resource", "Under assume stands who may take the role: the resource is the role itself.")
		return nil
	}
	return c.strings(x)
}

// strings evaluates an argument of a policy: a string, or a list of strings. An object stands for its ARN.
func (c *checker) strings(x syntax.Expr) []Value {
	switch v := c.eval(x).(type) {
	case nil:
		return nil
	case List:
		var all []Value
		for _, item := range v.Items {
			if s := c.policyString(item); s != nil {
				all = append(all, s)
			}
		}
		return all
	case Reference:
		if v.Member != "" && memberKind(v) == schema.List {
			return []Value{v}
		}
		if s := c.policyString(v); s != nil {
			return []Value{s}
		}
	default:
		if s := c.policyString(v); s != nil {
			return []Value{s}
		}
	}
	return nil
}

func (c *checker) policyString(v Value) Value {
	switch v := v.(type) {
	case String, Joined:
		return v
	case Reference:
		if v.Member != "" && memberKind(v) == schema.String {
			return v
		}
		if v.Member == "" && v.Statement.Type != nil {
			if m, ok := member(v.Statement.Type, "arn"); ok && m.Kind == schema.String {
				v.Member = "arn"
				return v
			}
		}
	}
	c.report(v.Position(), "E46", "a policy is made of strings, and this is "+kindOf(v), `Write a string, or a member in parentheses, such as (bucket->allResources).`)
	return nil
}

// usedRole is a role that a block describes.
type usedRole struct {
	role *Role
	pos  token.Position
}

// role checks an aws.IAM.WithRole block.
func (c *checker) role(p *syntax.Prop) Value {
	mark := len(c.list)
	r := &Role{Pos: p.Name.Pos}
	if len(p.Args) == 1 {
		switch name := c.eval(p.Args[0]).(type) {
		case String:
			r.Name = name.Text
		case Joined:
			c.report(name.Pos, "E43", lateName, lateHint)
		}
	}
	if r.Name == "" && !c.broken(mark) {
		c.report(p.Name.Pos, "E43", "the role has no name", `Write: Role <= aws.IAM.WithRole "watch-lambda-role"`)
	}
	var assume *syntax.Command
	torn := p.Torn
	for _, node := range p.Body {
		n, ok := node.(*syntax.Command)
		switch {
		case !ok:
			torn = true
		case n.Word.Name == "assume":
			if assume != nil {
				c.fail(n.Line, n.Word.Pos, "E44", "a role has one assume block", fmt.Sprintf("The first is at %s.", assume.Word.Pos))
				continue
			}
			assume = n
			if r.Assume = c.policy(n.Word.Pos, n.Body, trustPolicy); r.Assume == nil && !n.Torn && !c.broken(mark) {
				c.report(n.Word.Pos, "E44", "nobody may take this role", `Write under assume: allow "sts:AssumeRole", and under that: principal "Service" "lambda.amazonaws.com"`)
			}
		case len(n.Args) == 1 && c.isPolicy(n.Args[0]):
			r.Inline = append(r.Inline, c.sharedPolicy(n.Args[0]))
		case len(n.Args) == 1:
			if name, ok := c.text(n.Args[0], "the name of a managed policy"); ok {
				r.Managed = append(r.Managed, String{n.Args[0].Pos(), name})
			}
		default:
			r.Inline = append(r.Inline, c.policy(n.Word.Pos, n.Body, inlinePolicy))
		}
	}
	if assume == nil && !torn {
		c.report(p.Name.Pos, "E44", "the role has no assume block", "Say who may take it: assume, and below it the statements.")
	}
	if c.broken(mark) {
		return nil
	}
	c.sharedRole(r)
	return r
}

// isPolicy reports whether x is the variable of a policy statement.
func (c *checker) isPolicy(x syntax.Expr) bool {
	name, ok := x.(syntax.Name)
	if !ok {
		return false
	}
	ref, ok := c.vars[name.Ident.Name].value.(Reference)
	return ok && ref.Statement.Verb == "policy"
}

// sharedPolicy is the policy of a variable as one of a role: what is described once is for every role that names it.
func (c *checker) sharedPolicy(x syntax.Expr) *Policy {
	p := c.vars[x.(syntax.Name).Ident.Name].value.(Reference).Statement.Policy
	if p == nil || !c.takes(len(p.Statements), x.Pos()) {
		return nil
	}
	for _, s := range p.Statements {
		if len(s.Principals) > 0 {
			c.report(x.Pos(), "E16", "no principal in a role's policy", fmt.Sprintf("The policy at %s says who may do something. A role's policy speaks of the role itself.", p.Pos))
			break
		}
	}
	return p
}

// sharedRole compares the blocks of one role: two functions may use it, and what they say is joined, but who may take it
// has to be the same.
func (c *checker) sharedRole(r *Role) {
	first, again := c.roles[r.Name]
	if !again {
		c.roles[r.Name] = usedRole{r, r.Pos}
		return
	}
	if render(first.role.Assume) != render(r.Assume) {
		c.report(r.Pos, "E44", fmt.Sprintf("the role %s may be taken by others than at %s", r.Name, first.pos), "One role has one assume block: write the same in both places, or name another role.")
		return
	}
	if !slices.EqualFunc(first.role.Inline, r.Inline, func(a, b *Policy) bool { return render(a) == render(b) }) || !slices.EqualFunc(first.role.Managed, r.Managed, func(a, b String) bool { return a.Text == b.Text }) {
		c.report(r.Pos, "W02", fmt.Sprintf("the role %s is described differently at %s", r.Name, first.pos), "It gets the permissions of both.")
	}
}

// render writes a policy down so that two can be compared.
func render(p *Policy) string {
	if p == nil {
		return ""
	}
	var b strings.Builder
	var value func(v Value)
	value = func(v Value) {
		switch v := v.(type) {
		case String:
			fmt.Fprintf(&b, "%q ", v.Text)
		case Joined:
			b.WriteString("joined ")
			for _, part := range v.Parts {
				value(part)
			}
		case Reference:
			fmt.Fprintf(&b, "%s/%s->%s ", v.Statement.Verb, v.Statement.Name, v.Member)
		}
	}
	for _, s := range p.Statements {
		b.WriteString(s.Effect + " ")
		for _, v := range s.Actions {
			value(v)
		}
		b.WriteString("on ")
		for _, v := range s.Resources {
			value(v)
		}
		for _, p := range s.Principals {
			b.WriteString("by " + p.Kind + " ")
			value(p.ID)
		}
		for _, c := range s.Conditions {
			b.WriteString("if " + c.Operator + " " + c.Key + " ")
			value(c.Value)
		}
		b.WriteString("\n")
	}
	return b.String()
}
