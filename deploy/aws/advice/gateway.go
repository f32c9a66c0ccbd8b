package advice

import (
	"fmt"
	"slices"
	"strings"

	"quotewire/dply/check"
)

// api looks for routes to nothing.
func (a *adviser) api(s *check.Statement) {
	var routes, stages []*check.Part
	for _, part := range s.Parts {
		switch part.Kind {
		case "route":
			routes = append(routes, part)
		case "stage":
			stages = append(stages, part)
		}
	}
	led := map[string]bool{}
	for _, r := range routes {
		led[r.Target] = true
	}
	if len(routes) > 0 && len(stages) == 0 {
		stage := `stage "live"`
		if text(s.Prop("Protocol")) == "http" {
			stage = `stage "$default"`
		}
		a.warn(s.Pos, "W13", "Add a line: "+stage, "the API %s has no stage, so no client reaches its routes", s.Name)
	}
	if len(routes) == 0 && !a.looseRoutes && !slices.ContainsFunc(s.Parts, func(p *check.Part) bool { return p.Kind == "integration" }) {
		for _, stage := range stages {
			if !truth(stage.Prop("AutoDeploy")) {
				a.warn(stage.Pos, "W13", "Add an integration and a route to it.", "the API %s has no route, and API Gateway refuses to deploy a stage of such an API", s.Name)
			}
		}
	}
	for _, part := range s.Parts {
		if part.Kind != "integration" {
			continue
		}
		if !led[part.Name] {
			a.warn(part.Pos, "W13", fmt.Sprintf("Add a line such as: route \"$default\" %q", part.Name), "no route leads to the integration %s", part.Name)
		}
		a.backend(part)
	}
}

// backend looks whether an integration calls an alias that its function does not get.
func (a *adviser) backend(part *check.Part) {
	_, rest, ok := strings.Cut(strings.TrimSuffix(text(part.Prop("Uri")), "/invocations"), ":function:")
	name, qualifier, qualified := strings.Cut(rest, ":")
	if !ok || !qualified {
		return
	}
	f := a.functions[name]
	if f == nil || qualifier == "$LATEST" || strings.Trim(qualifier, "0123456789") == "" || has(a.aliases, name, qualifier) {
		return
	}
	a.warn(part.Prop("Uri").Position(), "W13", fmt.Sprintf("Give the function Alias <- %q, or take the alias that it has.", qualifier),
		"the route leads to nothing: no statement gives %s an alias %s", name, qualifier)
}

// foundAlias looks whether an alias that is looked up is one that nobody makes.
func (a *adviser) foundAlias(s *check.Statement) {
	name := functionName(s.Prop("FunctionName"))
	f := a.functions[name]
	if f == nil || has(a.aliases, name, s.Name) {
		return
	}
	hint := fmt.Sprintf("Give the function Alias <- %q.", s.Name)
	if have := text(f.Prop("Alias")); have != "" {
		hint = fmt.Sprintf("The function's alias is %q: look for that one, or change it.", have)
	}
	a.warn(s.NamePos, "W14", hint, "nobody makes or moves the alias %s of %s: a first deploy will not find it", s.Name, name)
}
