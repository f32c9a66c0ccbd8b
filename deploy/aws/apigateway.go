package aws

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"quotewire/deploy"
	"quotewire/dply/check"
	"quotewire/dply/schema"
)

func init() {
	register(entry{Type: apiType, ensure: ensureAPI, find: findAPI})
	register(entry{Type: apiVerb, verb: expandAPI})
}

var apiType = &schema.Type{
	Name: typeAPI, Self: "id",
	Doc:        "An API of API Gateway v2 by itself, known by its name. api.gatewayV2 makes one with its parts; the types of this prefix make them one by one.",
	Properties: apiProperties,
	Members:    apiMembers,
}

var apiMembers = []schema.Member{
	{Name: "id", Kind: schema.String, Doc: "The id of the API."},
	{Name: "endpoint", Kind: schema.String, Doc: "The wss:// or https:// address, without a stage."},
	arnMember("API"), nameMember("API"),
}

var apiVerb = &schema.Type{
	Name: "api.gatewayV2", Self: "id",
	Doc:        "An API of API Gateway v2 with its integrations, the permission for each to invoke its function, its routes, and its stages, which are deployed when something has changed.",
	Properties: apiProperties,
	Members:    apiMembers,
}

var apiProperties = []schema.Property{
	{Name: "Protocol", Kinds: texts, Enum: []string{"websocket", "http"}, Required: true, Doc: "The kind of API. It cannot be changed."},
	{Name: "RouteSelectionExpression", Kinds: texts, Doc: `Which part of a message selects the route, such as "$request.body.action". A WebSocket API needs one.`},
	{Name: "IpAddressType", Kinds: texts, Enum: []string{"ipv4", "dualstack"}, Doc: `How the API can be reached; "dualstack" is what a function behind an egress-only internet gateway needs to post to connections.`, Default: "ipv4"},
	{Name: "DisableExecuteApiEndpoint", Kinds: booleans, Default: "false", Doc: "Whether the API answers at its custom domain names alone."},
	{Name: "Cors", Kinds: dicts, Entries: corsEntries, Default: "none", Doc: "HTTP APIs only: what pages of other origins may do. API Gateway answers their preflight requests itself."},
}

type apigatewayTypes = types.Api

// The types of an API and its parts, for keys and outputs.
const (
	typeAPI         = "aws.ApiGatewayV2.Api"
	typeIntegration = "aws.ApiGatewayV2.Integration"
	typeRoute       = "aws.ApiGatewayV2.Route"
	typeStage       = "aws.ApiGatewayV2.Stage"
	typeDeployment  = "aws.ApiGatewayV2.Deployment"
	typeVPCLink     = "aws.ApiGatewayV2.VPCLink"
	typeDomainName  = "aws.ApiGatewayV2.DomainName"
)

func apiKey(name string) deploy.Key { return deploy.Key{Type: typeAPI, Name: name} }

// api is an API of API Gateway v2. Names of APIs are not unique: the deployer goes by the name all the same, and refuses
// to choose between two. Reading it reads its parts as well, one list of each kind.
type api struct {
	p     *Provider
	graph *deploy.Graph
	s     *check.Statement
	name  string
	parts bool // the script describes some of its parts
	order partOrder

	id, endpoint, selection, protocol string
	address                           types.IpAddressType
	closed                            bool // at its own address
	cors                              *types.Cors

	integrations []*integration // that the script describes
	routes       []*route
	authorizers  []*authorizer
	existing     struct {
		integrations []types.Integration
		routes       []types.Route
		stages       []types.Stage
		deployments  []types.Deployment
		authorizers  []types.Authorizer
	}
}

func findAPI(p *Provider, g *deploy.Graph, s *check.Statement) error {
	return found(g, s, apiKey(s.Name), &api{p: p, graph: g, s: s, name: s.Name})
}

// expandAPI adds the API, then its parts in the order in which they are made: integrations and their permissions, routes,
// what the script no longer has, stages and their deployments.
func expandAPI(p *Provider, g *deploy.Graph, s *check.Statement) error {
	if n, err := g.Again(s, apiKey(s.Name)); n != nil || err != nil {
		g.Bind(s, n)
		return err
	}
	a := &api{p: p, graph: g, s: s, name: s.Name, parts: true}
	root := g.Add(s, apiKey(s.Name), a)
	for _, prop := range s.Props {
		g.Uses(root, prop.Value)
	}
	g.Bind(s, root)

	former := &formerPermissions{api: a}
	// permit adds the permission of a part to invoke its function, which is there before the part calls it.
	permit := func(n *deploy.Node, name string, p *permission, function check.Value) *deploy.Node {
		permit := g.Add(s, deploy.Key{Type: "aws.Lambda.Permission", Name: a.name + "/" + name}, former.wants(p)).Needs(root)
		n.Needs(g.Uses(permit, function))
		if text, known := g.String(function); known {
			name, qualifier := splitFunction(functionARN(text))
			permit.Mentions(functionKey(name), aliasKey(name, qualifier))
		}
		return permit
	}
	beneath := []*deploy.Node{root} // what a deployment freezes
	var last []*deploy.Node         // what is there before nothing asks for a former permission any more
	backends := map[string]*deploy.Node{}
	for _, part := range partsOf(s, "integration") {
		i := &integration{api: a, part: part, name: part.Name}
		a.integrations = append(a.integrations, i)
		n := g.Add(s, deploy.Key{Type: typeIntegration, Name: a.name + "/" + i.name}, i).Needs(root)
		for _, prop := range part.Props {
			g.Uses(n, prop.Value)
		}
		backends[i.name] = n
		beneath = append(beneath, n)
		if i.plain() {
			continue
		}
		last = append(last, permit(n, i.name, i.permission(), part.Prop("Uri")))
	}
	deciders := map[string]*deploy.Node{}
	for _, part := range partsOf(s, "authorizer") {
		d := &authorizer{api: a, part: part, name: part.Name}
		a.authorizers = append(a.authorizers, d)
		n := g.Add(s, deploy.Key{Type: "aws.ApiGatewayV2.Authorizer", Name: a.name + "/" + d.name}, d).Needs(root)
		for _, prop := range part.Props {
			g.Uses(n, prop.Value)
		}
		deciders[d.name] = n
		beneath = append(beneath, n)
		if d.jwt() {
			continue
		}
		last = append(last, permit(n, d.name+"/authorizer", d.permission(), part.Prop("Uri")))
	}
	for _, part := range partsOf(s, "route") {
		r := &route{api: a, key: part.Name, part: part}
		backend := backends[part.Target]
		if backend == nil {
			return problem(part.Pos, "E49", "Declare it with an integration line in the same block.", "no integration named %q in API %s", part.Target, a.name)
		}
		r.integration = backend.Resource.(*integration)
		a.routes = append(a.routes, r)
		needs := []*deploy.Node{root, backend}
		if name, _ := g.String(part.Prop("Authorizer")); name != "" && name != string(types.AuthorizationTypeAwsIam) {
			n := deciders[name]
			if n == nil {
				return problem(part.Prop("Authorizer").Position(), "E49", `Declare it with an authorizer line in the same block, or write "AWS_IAM".`, "no authorizer named %q in API %s", name, a.name)
			}
			r.authorizer = n.Resource.(*authorizer)
			needs = append(needs, n)
		}
		beneath = append(beneath, g.Add(s, deploy.Key{Type: typeRoute, Name: a.name + "/" + r.key}, r).Needs(needs...))
	}
	beneath = append(beneath, g.Add(s, deploy.Key{Type: typeAPI + " leftovers", Name: a.name}, &leftovers{api: a}).Needs(beneath...))
	for _, part := range partsOf(s, "stage") {
		st := &stage{api: a, name: part.Name, part: part}
		n := g.Add(s, deploy.Key{Type: typeStage, Name: a.name + "/" + st.name}, st).Needs(beneath...)
		for _, prop := range part.Props {
			g.Uses(n, prop.Value)
		}
		last = append(last, n)
		if g.Bool(part.Prop("AutoDeploy"), false) {
			continue
		}
		d := g.Add(s, deploy.Key{Type: typeDeployment, Name: a.name + "/" + st.name}, &deployment{api: a, stage: st}).Needs(n)
		a.order.deployment(d)
		last = append(last, d)
	}
	g.Add(s, deploy.Key{Type: "aws.Lambda.Permission", Name: a.name + " former"}, former).Needs(beneath...).Needs(last...)
	return nil
}

func partsOf(s *check.Statement, kind string) []*check.Part {
	var parts []*check.Part
	for _, part := range s.Parts {
		if part.Kind == kind {
			parts = append(parts, part)
		}
	}
	return parts
}

func (a *api) String() string { return "API " + a.name }
func (a *api) Exists() bool   { return a.id != "" }

func (a *api) Absent() (where, hint string) {
	return "in " + a.p.region, "Make it with `api.gatewayV2` in a statement above this one."
}

// listAPIs lists all APIs of the region, once in a run.
func (p *Provider) listAPIs(ctx context.Context) ([]types.Api, error) {
	return p.apis.get(func() ([]types.Api, error) {
		return paged(func(token *string) ([]types.Api, *string, error) {
			out, err := p.gateway.GetApis(ctx, &apigatewayv2.GetApisInput{NextToken: token})
			if err != nil {
				return nil, nil, err
			}
			return out.Items, out.NextToken, nil
		})
	})
}

// paged reads a list to its end. API Gateway's client has no paginators.
func paged[T any](page func(token *string) ([]T, *string, error)) ([]T, error) {
	var all []T
	var token *string
	for {
		items, next, err := page(token)
		if err != nil {
			return nil, err
		}
		all = append(all, items...)
		if aws.ToString(next) == "" {
			return all, nil
		}
		token = next
	}
}

func (a *api) Read(ctx context.Context) error {
	all, err := a.p.listAPIs(ctx)
	if err != nil {
		return err
	}
	var ids []string
	for _, found := range all {
		if aws.ToString(found.Name) == a.name {
			ids = append(ids, aws.ToString(found.ApiId))
			a.set(found.ApiId, found.ApiEndpoint, found.RouteSelectionExpression, found.ProtocolType, found.IpAddressType)
			a.closed, a.cors = aws.ToBool(found.DisableExecuteApiEndpoint), found.CorsConfiguration
		}
	}
	if len(ids) > 1 {
		return problem(a.s.Pos, "E63", "Delete all but one, or rename them.", "%d APIs are named %s: %s", len(ids), a.name, strings.Join(ids, ", "))
	}
	if len(ids) == 0 || !a.parts {
		return nil
	}
	return a.readParts(ctx)
}

// Reread lists the APIs again: an API that was made a moment ago is not on the list of the run.
func (a *api) Reread(ctx context.Context) error {
	a.p.apis.forget()
	return a.Read(ctx)
}

func (a *api) set(id, endpoint, selection *string, protocol types.ProtocolType, address types.IpAddressType) {
	a.id, a.endpoint, a.selection = aws.ToString(id), aws.ToString(endpoint), aws.ToString(selection)
	a.protocol, a.address = string(protocol), address
	// The address of a WebSocket API is documented with either scheme; clients need this one.
	if rest, ok := strings.CutPrefix(a.endpoint, "http"); ok && protocol == types.ProtocolTypeWebsocket {
		a.endpoint = "ws" + rest
	}
}

func (a *api) readParts(ctx context.Context) (err error) {
	have := &a.existing
	if have.integrations, err = a.listIntegrations(ctx); err != nil {
		return err
	}
	if have.routes, err = a.listRoutes(ctx); err != nil {
		return err
	}
	if have.stages, err = a.listStages(ctx); err != nil {
		return err
	}
	if a.order.deployed {
		if have.deployments, err = a.listDeployments(ctx); err != nil {
			return err
		}
	}
	// An authorizer that neither the script nor a route names is nobody's matter.
	used := len(a.authorizers) > 0 || slices.ContainsFunc(have.routes, func(r types.Route) bool { return r.AuthorizerId != nil })
	if used {
		have.authorizers, err = a.listAuthorizers(ctx)
	}
	return err
}

func (a *api) listIntegrations(ctx context.Context) ([]types.Integration, error) {
	return paged(func(token *string) ([]types.Integration, *string, error) {
		out, err := a.p.gateway.GetIntegrations(ctx, &apigatewayv2.GetIntegrationsInput{ApiId: &a.id, NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.Items, out.NextToken, nil
	})
}

func (a *api) listRoutes(ctx context.Context) ([]types.Route, error) {
	return paged(func(token *string) ([]types.Route, *string, error) {
		out, err := a.p.gateway.GetRoutes(ctx, &apigatewayv2.GetRoutesInput{ApiId: &a.id, NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.Items, out.NextToken, nil
	})
}

func (a *api) listStages(ctx context.Context) ([]types.Stage, error) {
	return paged(func(token *string) ([]types.Stage, *string, error) {
		out, err := a.p.gateway.GetStages(ctx, &apigatewayv2.GetStagesInput{ApiId: &a.id, NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.Items, out.NextToken, nil
	})
}

func (a *api) listDeployments(ctx context.Context) ([]types.Deployment, error) {
	return paged(func(token *string) ([]types.Deployment, *string, error) {
		out, err := a.p.gateway.GetDeployments(ctx, &apigatewayv2.GetDeploymentsInput{ApiId: &a.id, NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.Items, out.NextToken, nil
	})
}

// wants returns what the script says of the API itself. What it does not say is AWS's default.
func (a *api) wants() (protocol types.ProtocolType, selection string, address types.IpAddressType) {
	if a.s.Verb == "find" {
		return types.ProtocolType(a.protocol), a.selection, a.address
	}
	word, _ := a.graph.String(a.s.Prop("Protocol"))
	selection, _ = a.graph.String(a.s.Prop("RouteSelectionExpression"))
	kind, _ := a.graph.String(a.s.Prop("IpAddressType"))
	if kind == "" {
		kind = string(types.IpAddressTypeIpv4)
	}
	return types.ProtocolType(strings.ToUpper(word)), selection, types.IpAddressType(kind)
}

func (a *api) Plan() (deploy.Step, error) {
	if a.s.Verb == "find" {
		return deploy.Step{}, nil
	}
	if err := a.refuseCORS(); err != nil {
		return deploy.Step{}, err
	}
	if a.id == "" {
		return deploy.Step{Action: deploy.Create}, nil
	}
	protocol, selection, address := a.wants()
	if string(protocol) != a.protocol {
		return deploy.Step{}, problem(a.s.Prop("Protocol").Position(), "E63",
			"Give the new API another name; the address changes with it.", "API %s is a %s API, and a protocol cannot be changed", a.name, strings.ToLower(a.protocol))
	}
	var changes []deploy.Change
	if selection != "" && selection != a.selection {
		changes = append(changes, deploy.Change{Property: "RouteSelectionExpression", Old: a.selection, New: selection})
	}
	have := a.address
	if have == "" {
		have = types.IpAddressTypeIpv4
	}
	if have != address {
		changes = append(changes, deploy.Change{Property: "IpAddressType", Old: string(have), New: string(address)})
	}
	if closed := a.wantsClosed(); closed != a.closed {
		changes = append(changes, deploy.Change{Property: "DisableExecuteApiEndpoint", Old: yes(a.closed), New: yes(closed)})
	}
	cors, unknown := a.wantsCORS()
	changes = append(changes, differences(corsSettings(a.cors), corsSettings(cors), unknown)...)
	return updateIf(changes), nil
}

func (a *api) Apply(ctx context.Context) error {
	protocol, selection, address := a.wants()
	cors, _ := a.wantsCORS()
	var closed *bool
	if want := a.wantsClosed(); want != a.closed {
		closed = &want
	}
	if a.id == "" {
		out, err := a.p.gateway.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: &a.name, ProtocolType: protocol,
			RouteSelectionExpression: optional(selection), IpAddressType: address, DisableExecuteApiEndpoint: closed, CorsConfiguration: cors})
		if err != nil {
			return err
		}
		a.set(out.ApiId, out.ApiEndpoint, out.RouteSelectionExpression, out.ProtocolType, out.IpAddressType)
		a.closed, a.cors = a.wantsClosed(), cors
		return nil
	}
	if cors == nil && a.cors != nil {
		if _, err := a.p.gateway.DeleteCorsConfiguration(ctx, &apigatewayv2.DeleteCorsConfigurationInput{ApiId: &a.id}); err != nil {
			return err
		}
	}
	_, err := a.p.gateway.UpdateApi(ctx, &apigatewayv2.UpdateApiInput{ApiId: &a.id,
		RouteSelectionExpression: optional(selection), IpAddressType: address, DisableExecuteApiEndpoint: closed, CorsConfiguration: cors})
	if err == nil {
		a.selection, a.address, a.closed, a.cors = selection, address, a.wantsClosed(), cors
	}
	return err
}

func (a *api) wantsClosed() bool { return a.graph.Bool(a.s.Prop("DisableExecuteApiEndpoint"), false) }

// Delete removes the API; the parts that the script knows are gone by then, and any other goes with it.
func (a *api) Delete(ctx context.Context) error {
	_, err := a.p.gateway.DeleteApi(ctx, &apigatewayv2.DeleteApiInput{ApiId: &a.id})
	return ignore(err, "NotFoundException")
}

// executeARN covers every stage and route, and what the gateway calls itself by when it invokes a function.
func (a *api) executeARN() string {
	return fmt.Sprintf("arn:%s:execute-api:%s:%s:%s", a.p.partition, a.p.region, a.p.account, a.id)
}

func (a *api) Member(name string) (any, bool) {
	known := a.id != ""
	switch name {
	case "name":
		return a.name, true
	case "id":
		return a.id, known
	case "endpoint":
		return a.endpoint, known
	case "arn":
		return fmt.Sprintf("arn:%s:apigateway:%s::/apis/%s", a.p.partition, a.p.region, a.id), known
	}
	return nil, false
}

func (a *api) Outputs() []deploy.Output {
	out := func(name, value string) deploy.Output {
		return deploy.Output{Type: typeAPI, Resource: a.name, Name: name, Value: value}
	}
	return []deploy.Output{out("id", a.id), out("endpoint", a.endpoint)}
}
