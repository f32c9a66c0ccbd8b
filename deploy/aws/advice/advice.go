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
	a := &adviser{program: program, roles: map[string]*powers{}}
	for _, t := range program.Targets {
		for _, s := range t.Statements {
			a.roleOf(s)
		}
	}
	for _, t := range program.Targets {
		for _, s := range t.Statements {
			a.name(s)
			switch {
			case isFunction(s):
				a.function(t, s)
			case s.Verb == "api.gatewayV2":
				a.api(t, s)
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
	program *check.Program
	roles   map[string]*powers // of the roles that the program describes, by name
	list    token.List
}

func (a *adviser) warn(at token.Position, code, hint, format string, args ...any) {
	a.list = append(a.list, token.Diagnostic{Pos: at, Code: code, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// statements calls f for every statement of the program.
func (a *adviser) statements(f func(*check.Statement)) {
	for _, t := range a.program.Targets {
		for _, s := range t.Statements {
			f(s)
		}
	}
}

func isFunction(s *check.Statement) bool {
	return s.Verb == "lambda.function" || s.Verb == "ensure" && s.Type.Name == "aws.Lambda.Function"
}

// functionNamed returns the function of that name that the program makes, or nil.
func (a *adviser) functionNamed(name string) (found *check.Statement) {
	a.statements(func(s *check.Statement) {
		if isFunction(s) && s.Name == name {
			found = s
		}
	})
	return found
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
