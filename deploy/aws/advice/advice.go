// Package advice says what will hurt on AWS of a script that means something: a function that cannot reach its clients, a
// permission that is missing or can never be used, a route to nothing, an alias that nobody moves, a name that AWS will
// refuse. It makes no calls.
//
// A warning is given only where the script alone proves it. What the script does not tell (a network that is only found,
// a policy of another account, a pattern that might match) is taken to be right.
package advice

import (
	"fmt"
	"strings"

	"quotewire/dply/check"
	"quotewire/dply/token"
)

// Give returns the warnings about a program. docs/warnings.md describes each code.
func Give(program *check.Program) token.List {
	a := &adviser{index: newIndex(program), roles: map[string]*powers{}}
	for _, t := range program.Targets {
		for _, s := range t.Statements {
			a.roleOf(s)
		}
	}
	for _, t := range program.Targets {
		socket := ipv4Socket(t)
		for _, s := range t.Statements {
			a.name(s)
			switch {
			case isFunction(s):
				a.function(s, socket)
			case s.Verb == "api.gatewayV2":
				a.api(s)
			case s.Verb == "find" && s.Type.Name == "aws.Lambda.Alias":
				a.foundAlias(s)
			}
		}
		a.unusable(t)
	}
	return a.list
}

// adviser is the state of one look at a program.
type adviser struct {
	*index
	roles map[string]*powers // of the roles that the program describes, by name
	list  token.List
}

// index has what is asked for again and again, by name: the work stays in proportion to the program.
type index struct {
	functions map[string]*check.Statement
	policies  map[string]*check.Statement // managed ones that the program makes
	aliases   map[[2]string]bool          // function and alias that some statement makes or moves; "" is any that is not known yet
	moved     map[[2]string]bool          // those of lambda.publishVersion
	stages    map[string]bool             // of WebSocket APIs
	sockets   bool                        // there is a WebSocket API
	// looseRoutes says that routes of APIs are statements of their own.
	looseRoutes bool
	routes      map[*check.Statement][]*check.Statement // route tables by what their Subnets name: subnets, or networks
	endpoints   map[*check.Statement][]*check.Statement // by network
}

func newIndex(program *check.Program) *index {
	x := &index{functions: map[string]*check.Statement{}, policies: map[string]*check.Statement{},
		aliases: map[[2]string]bool{}, moved: map[[2]string]bool{}, stages: map[string]bool{},
		routes: map[*check.Statement][]*check.Statement{}, endpoints: map[*check.Statement][]*check.Statement{}}
	for _, t := range program.Targets {
		for _, s := range t.Statements {
			x.add(s)
		}
	}
	return x
}

func (x *index) add(s *check.Statement) {
	switch {
	case isFunction(s):
		x.functions[s.Name] = s
		if v := s.Prop("Alias"); v != nil {
			x.aliases[[2]string{s.Name, text(v)}] = true
		}
	case s.Verb == "ensure" && s.Type.Name == "aws.Lambda.Alias":
		x.aliases[[2]string{functionName(s.Prop("FunctionName")), s.Name}] = true
	case s.Verb == "ensure" && s.Type.Name == "aws.ApiGatewayV2.Route":
		x.looseRoutes = true
	case s.Verb == "ensure" && s.Type.Name == "aws.IAM.Policy":
		x.policies[s.Name] = s
	case s.Verb == "ensure" && s.Type.Name == "aws.VPC.RouteTable":
		for _, r := range references(s.Prop("Subnets")) {
			x.routes[r.Statement] = append(x.routes[r.Statement], s)
		}
	case s.Verb == "ensure" && s.Type.Name == "aws.VPC.Endpoint":
		for _, r := range references(s.Prop("Network")) {
			x.endpoints[r.Statement] = append(x.endpoints[r.Statement], s)
		}
	case s.Verb == "lambda.publishVersion" && s.Prop("Alias") != nil:
		key := [2]string{functionName(s.Prop("Name")), text(s.Prop("Alias"))}
		x.aliases[key], x.moved[key] = true, true
	case s.Verb == "api.gatewayV2" && text(s.Prop("Protocol")) == "websocket":
		x.sockets = true
		for _, part := range s.Parts {
			if part.Kind == "stage" {
				x.stages[part.Name] = true
			}
		}
	}
}

// functionName is the name of the function that a value means, by its name, its ARN or itself.
func functionName(v check.Value) string {
	if ref, ok := v.(check.Reference); ok {
		return ref.Statement.Name
	}
	name := text(v)
	if _, rest, ok := strings.Cut(name, ":function:"); ok {
		name, _, _ = strings.Cut(rest, ":")
	}
	return name
}

// has reports whether a set has an alias of a function. One whose name only the cloud knows may be it.
func has(set map[[2]string]bool, function, alias string) bool {
	return set[[2]string{function, alias}] || set[[2]string{function, ""}] || set[[2]string{"", alias}]
}

func (a *adviser) warn(at token.Position, code, hint, format string, args ...any) {
	a.list = append(a.list, token.Diagnostic{Pos: at, Code: code, Message: fmt.Sprintf(format, args...), Hint: hint})
}

func isFunction(s *check.Statement) bool {
	return s.Verb == "lambda.function" || s.Verb == "ensure" && s.Type.Name == "aws.Lambda.Function"
}

// propPos is the place of a property, or of the statement if it has none of that name.
func propPos(s *check.Statement, name string) token.Position {
	for _, p := range s.Props {
		if p.Name == name {
			return p.Pos
		}
	}
	return s.Pos
}

func truth(v check.Value) bool {
	n, ok := v.(check.Number)
	return ok && n.Value != 0
}

// text is what a value says now; "" if only the cloud knows.
func text(v check.Value) string {
	s, _ := v.(check.String)
	return s.Text
}

// matches reports whether an IAM pattern, with * and ?, matches a text, capitals aside.
func matches(pattern, text string) bool {
	pattern, text = strings.ToLower(pattern), strings.ToLower(text)
	star, mark := -1, 0 // the last * and how far it has reached
	p, t := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

func list(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return strings.Join(words, "")
}
