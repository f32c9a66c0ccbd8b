package aws

import (
	"quotewire/deploy"
	"quotewire/dply/check"
	"quotewire/dply/schema"
)

// The parts of an API one by one. They are the same resources that api.gatewayV2 makes, each with a statement of its own:
// the statement's properties are those of the line in the block.

func init() {
	of := schema.Property{Name: "Api", Kinds: objects, Objects: []string{"api.gatewayV2", typeAPI}, Required: true, Fixed: true, Doc: "The API, which this script makes or finds."}
	target := schema.Property{Name: "Target", Kinds: objects, Objects: []string{typeIntegration}, Required: true, Doc: "The integration of the same API."}
	region := schema.Property{Name: "Region", Kinds: texts, Doc: "The region of the API, which is that of the run; any other is refused.", Default: "the run's"}
	register(entry{Type: &schema.Type{
		Name: typeIntegration, Self: "integrationId",
		Doc:        "A backend of an API, known by its description zd[NAME]. The permission to invoke a function is lambda.addPermissions' matter.",
		Properties: append([]schema.Property{of, region}, integrationProperties...),
		FindBy:     []schema.Property{of},
		Members:    []schema.Member{{Name: "integrationId", Kind: schema.String, Doc: "The id of the integration."}, nameMember("integration")},
	}, ensure: expandIntegration, find: expandIntegration})
	register(entry{Type: &schema.Type{
		Name: typeRoute, Doc: "What goes to an integration of an API, known by its route key, which is the name.",
		Properties: []schema.Property{of, target,
			{Name: "Authorizer", Kinds: texts, Enum: []string{"AWS_IAM"}, Doc: "Whether callers need a signature. Authorizers are parts of api.gatewayV2.", Default: "none"},
			{Name: "ApiKeyRequired", Kinds: booleans, Doc: "WebSocket APIs only: whether a caller needs an API key.", Default: "false"},
			{Name: "OperationName", Kinds: texts, Doc: "A name for people."},
			{Name: "Response", Kinds: booleans, Doc: "WebSocket APIs only: whether what the integration answers is sent back on the connection.", Default: "false"},
		},
		FindBy:  []schema.Property{of},
		Members: []schema.Member{nameMember("route")},
	}, ensure: expandRoute, find: expandRoute})
	register(entry{Type: &schema.Type{
		Name: typeStage, Self: "name",
		Doc:        "A name under which an API can be called. It serves what aws.ApiGatewayV2.Deployment gives it, or all changes at once with AutoDeploy.",
		Properties: append([]schema.Property{of}, stageProperties...),
		FindBy:     []schema.Property{of},
		Members:    []schema.Member{nameMember("stage")},
	}, ensure: expandStage, find: expandStage})
	register(entry{Type: &schema.Type{
		Name: typeDeployment, Doc: "Makes the stage of that name serve what the API is when all its parts in the script are in place. A new one is made when something of that has changed. It goes with its API.",
		Properties: []schema.Property{of},
	}, ensure: expandDeployment})
}

// partOrder orders the parts that statements of their own make of an API: a deployment freezes what is there, and a stage
// has settings of routes that are there.
type partOrder struct {
	parts       []*deploy.Node // that a deployment waits for
	routes      []*deploy.Node // that a stage waits for which has settings of them
	stages      []*deploy.Node
	deployments []*deploy.Node
	deployed    bool // some deployment is the script's
}

func (s *partOrder) part(n *deploy.Node) {
	s.parts = append(s.parts, n)
	for _, d := range s.deployments {
		d.Needs(n)
	}
	switch part := n.Resource.(type) {
	case *route:
		s.routes = append(s.routes, n)
		for _, st := range s.stages {
			st.Resource.(*stage).waits(st, n)
		}
	case *stage:
		s.stages = append(s.stages, n)
		for _, r := range s.routes {
			part.waits(n, r)
		}
	}
}

func (s *partOrder) deployment(n *deploy.Node) {
	n.Needs(s.parts...)
	s.deployments, s.deployed = append(s.deployments, n), true
}

// apiOf is the API that a statement names as its own, and makes it read its parts.
func apiOf(g *deploy.Graph, s *check.Statement) (*api, *deploy.Node, error) {
	v := s.Prop("Api")
	if r, ok := v.(check.Reference); ok {
		if n := g.Bound(r.Statement); n != nil {
			if a, ok := n.Resource.(*api); ok {
				a.parts = true
				return a, n, nil
			}
		}
	}
	return nil, nil, problem(v.Position(), "E46", "Bind it above: find aws.ApiGatewayV2.Api \"name\" => api", "Api wants a variable that is bound to an API")
}

// partOf adds a part of an API for a statement, or binds the statement to the one that is there already.
func partOf(p *Provider, g *deploy.Graph, s *check.Statement, kind string, make func(a *api, part *check.Part) (deploy.Resource, []*deploy.Node, error)) (*deploy.Node, error) {
	a, root, err := apiOf(g, s)
	if err != nil {
		return nil, err
	}
	key := deploy.Key{Type: kind, Name: a.name + "/" + s.Name}
	n := g.Lookup(key)
	if s.Verb != "find" {
		n, err = g.Again(s, key)
	}
	if err == nil && n == nil {
		r, needs, failed := make(a, &check.Part{Pos: s.Pos, Name: s.Name, Props: s.Props})
		if failed != nil {
			return nil, failed
		}
		n = g.RestsOn(g.Add(s, key, r).On(root).Needs(needs...), s.Prop("Target"), s.Prop("ConnectionId"))
		for _, p := range s.Props {
			g.Uses(n, p.Value)
		}
		if kind != typeDeployment {
			a.order.part(n)
		} else {
			a.order.deployment(n)
		}
		p.allowed.part(n)
	}
	g.Bind(s, n)
	return n, err
}

func ensureAPI(p *Provider, g *deploy.Graph, s *check.Statement) error {
	protocol, _ := g.String(s.Prop("Protocol"))
	if protocol == "websocket" && s.Prop("RouteSelectionExpression") == nil {
		return problem(s.Pos, "E48", `Say which part of a message selects the route: RouteSelectionExpression <- "$request.body.action"`, "a websocket API needs RouteSelectionExpression")
	}
	_, err := ensured(g, s, apiKey(s.Name), func() deploy.Resource { return &api{p: p, graph: g, s: s, name: s.Name} })
	return err
}

func expandIntegration(p *Provider, g *deploy.Graph, s *check.Statement) error {
	if region, known := g.String(s.Prop("Region")); known && region != "" && region != p.region {
		return problem(s.Prop("Region").Position(), "E47", "Leave it out, or run the script in that region.", "the API is in %s, and not in %s", p.region, region)
	}
	n, err := partOf(p, g, s, typeIntegration, func(a *api, part *check.Part) (deploy.Resource, []*deploy.Node, error) {
		i := &integration{api: a, part: part, name: s.Name}
		if s.Verb != "find" {
			a.integrations = append(a.integrations, i)
		}
		return i, nil, nil
	})
	if err == nil && s.Verb != "find" {
		p.allowed.call(calledFunction(g, s.Prop("Uri")), n)
	}
	return err
}

func expandRoute(p *Provider, g *deploy.Graph, s *check.Statement) error {
	_, err := partOf(p, g, s, typeRoute, func(a *api, part *check.Part) (deploy.Resource, []*deploy.Node, error) {
		r := &route{api: a, key: s.Name, part: part}
		if s.Verb == "find" {
			return r, nil, nil
		}
		target := s.Prop("Target")
		if ref, ok := target.(check.Reference); ok {
			if n := g.Bound(ref.Statement); n != nil {
				r.integration, _ = n.Resource.(*integration)
			}
		}
		if r.integration == nil {
			return nil, nil, problem(target.Position(), "E46", "Bind it above: find aws.ApiGatewayV2.Integration \"name\" => backend", "Target wants a variable that is bound to an integration")
		}
		if r.integration.api != a {
			return nil, nil, problem(target.Position(), "E49", "Make one in the API of the route.", "the integration %s is one of the API %s, and not of %s", r.integration.name, r.integration.api.name, a.name)
		}
		a.routes = append(a.routes, r)
		return r, nil, nil
	})
	return err
}

func expandStage(p *Provider, g *deploy.Graph, s *check.Statement) error {
	_, err := partOf(p, g, s, typeStage, func(a *api, part *check.Part) (deploy.Resource, []*deploy.Node, error) {
		return &stage{api: a, name: s.Name, part: part}, nil, nil
	})
	return err
}

func expandDeployment(p *Provider, g *deploy.Graph, s *check.Statement) error {
	_, err := partOf(p, g, s, typeDeployment, func(a *api, part *check.Part) (deploy.Resource, []*deploy.Node, error) {
		return &deployment{api: a, stage: &stage{api: a, name: s.Name, part: &check.Part{Pos: s.Pos, Name: s.Name}}}, nil, nil
	})
	return err
}
