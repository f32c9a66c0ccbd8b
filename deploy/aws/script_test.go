package aws

import (
	"quotewire/dply/check"
	"quotewire/dply/schema"
	"quotewire/dply/token"
)

// Short ways to write statements of a script as the checker hands them over.

func program(statements ...*check.Statement) *check.Program {
	for i, s := range statements {
		s.Pos = token.Position{File: "test.dply", Line: 10 * (i + 1), Column: 9}
	}
	return &check.Program{Targets: []*check.Target{{Name: "test", Statements: statements}}}
}

func typeNamed(name string) *schema.Type {
	c := Catalog()
	for _, t := range append(c.Types, c.Verbs...) {
		if t.Name == name {
			return t
		}
	}
	panic("no type " + name)
}

func ensure(typ, name string, props ...check.Prop) *check.Statement {
	return &check.Statement{Verb: "ensure", Type: typeNamed(typ), Name: name, Teardown: check.Delete, Props: props}
}

func find(typ, name string, props ...check.Prop) *check.Statement {
	return &check.Statement{Verb: "find", Type: typeNamed(typ), Name: name, Props: props}
}

func composite(verb, name string, props ...check.Prop) *check.Statement {
	return &check.Statement{Verb: verb, Type: typeNamed(verb), Name: name, Teardown: check.Delete, Props: props}
}

func preserved(s *check.Statement) *check.Statement {
	s.Teardown = check.Preserve
	return s
}

func prop(name string, v any) check.Prop { return check.Prop{Name: name, Value: value(v)} }

func value(v any) check.Value {
	switch v := v.(type) {
	case string:
		return check.String{Text: v}
	case int:
		return check.Number{Value: float64(v)}
	case bool:
		if v {
			return check.Number{Value: 1}
		}
		return check.Number{}
	case []string:
		var l check.List
		for _, s := range v {
			l.Items = append(l.Items, check.String{Text: s})
		}
		return l
	}
	return v.(check.Value)
}

func ref(s *check.Statement, member string) check.Value {
	return check.Reference{Statement: s, Member: member}
}

func compound(reader string, props ...check.Prop) *check.Compound {
	return &check.Compound{Reader: reader, Props: props, Pos: token.Position{File: "test.dply", Line: 1, Column: 1}}
}

func allow(action, resource any, more ...func(*check.PolicyStatement)) check.PolicyStatement {
	s := check.PolicyStatement{Effect: "Allow", Actions: []check.Value{value(action)}}
	if resource != nil {
		s.Resources = []check.Value{value(resource)}
	}
	for _, f := range more {
		f(&s)
	}
	return s
}

func principal(kind, id string) func(*check.PolicyStatement) {
	return func(s *check.PolicyStatement) {
		s.Principals = append(s.Principals, check.Principal{Kind: kind, ID: value(id)})
	}
}

func condition(operator, key, v string) func(*check.PolicyStatement) {
	return func(s *check.PolicyStatement) {
		s.Conditions = append(s.Conditions, check.Condition{Operator: operator, Key: key, Value: value(v)})
	}
}

func policy(statements ...check.PolicyStatement) *check.Policy {
	return &check.Policy{Statements: statements}
}

func lambdaTrust() *check.Policy {
	return policy(allow("sts:AssumeRole", nil, principal("Service", "lambda.amazonaws.com")))
}

func apiStatement(name, protocol string, parts ...*check.Part) *check.Statement {
	s := composite("api.gatewayV2", name, prop("Protocol", protocol))
	if protocol == "websocket" {
		s.Props = append(s.Props, prop("RouteSelectionExpression", "$request.body.action"))
	}
	s.Parts = parts
	return s
}

func integrationPart(name string, uri check.Value) *check.Part {
	return &check.Part{Kind: "integration", Name: name, Props: []check.Prop{prop("Type", "AWS_PROXY"), {Name: "Uri", Value: uri}}}
}

func routePart(key, integration string) *check.Part {
	return &check.Part{Kind: "route", Name: key, Target: integration}
}

func stagePart(name string) *check.Part { return &check.Part{Kind: "stage", Name: name} }
