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
	register(entry{Type: &schema.Type{
		Name: "api.gatewayV2 route",
		Doc:  "What a route key selects goes to an integration of the same API.",
		Properties: []schema.Property{
			{Name: "Authorizer", Kinds: texts, Doc: `The name of an authorizer of the same API, or "AWS_IAM" for callers with a signature. A WebSocket API has one on $connect alone.`, Default: "none"},
			{Name: "Scopes", Kinds: lists, Doc: "Of a jwt authorizer: the scopes of which a token needs one.", With: "Authorizer"},
			{Name: "ApiKeyRequired", Kinds: booleans, Doc: "WebSocket APIs only: whether a caller needs an API key.", Default: "false"},
			{Name: "OperationName", Kinds: texts, Doc: "A name for people."},
			{Name: "Response", Kinds: booleans, Doc: "WebSocket APIs only: whether what the integration answers is sent back on the connection.", Default: "false"},
		},
	}})
}

// route sends what its key selects to an integration.
type route struct {
	api         *api
	key         string
	part        *check.Part
	integration *integration
	authorizer  *authorizer // nil without
	again       *types.Route
	made        bool
	answered    bool // it has a route response
}

func (r *route) found() *types.Route {
	if r.again != nil {
		return r.again
	}
	for n := range r.api.existing.routes {
		if found := &r.api.existing.routes[n]; aws.ToString(found.RouteKey) == r.key {
			return found
		}
	}
	return nil
}

func (r *route) String() string { return "route " + r.key + " of " + r.api.name }
func (r *route) Exists() bool   { return r.made || r.found() != nil }

func (r *route) Member(name string) (any, bool) { return r.key, name == "name" }

// Read asks for the response alone: the API has read the route.
func (r *route) Read(ctx context.Context) error {
	f := r.found()
	if f == nil || !r.values().flag("Response", false) {
		return nil
	}
	out, err := r.api.p.gateway.GetRouteResponses(ctx, &apigatewayv2.GetRouteResponsesInput{ApiId: &r.api.id, RouteId: f.RouteId})
	if err != nil {
		return ignore(err, "NotFoundException")
	}
	r.answered = slices.ContainsFunc(out.Items, func(x types.RouteResponse) bool { return aws.ToString(x.RouteResponseKey) == "$default" })
	return nil
}

// Reread looks for this route alone: others of its API may be changing.
func (r *route) Reread(ctx context.Context) error {
	all, err := r.api.listRoutes(ctx)
	for n := range all {
		if aws.ToString(all[n].RouteKey) == r.key {
			r.again = &all[n]
		}
	}
	if err != nil {
		return err
	}
	return r.Read(ctx)
}

func (r *route) target() string { return "integrations/" + r.integration.identifier() }

func (r *route) values() *values {
	return &values{Provider: r.api.p, graph: r.api.graph, props: r.part.Props, name: r.key}
}

// want is the route as the script has it.
func (r *route) want() types.Route {
	v := r.values()
	w := types.Route{AuthorizationType: types.AuthorizationTypeNone, AuthorizationScopes: v.list("Scopes"), OperationName: optional(v.text("OperationName", ""))}
	switch {
	case r.authorizer != nil && r.authorizer.jwt():
		w.AuthorizationType = types.AuthorizationTypeJwt
	case r.authorizer != nil:
		w.AuthorizationType = types.AuthorizationTypeCustom
	case v.has("Authorizer"):
		w.AuthorizationType = types.AuthorizationTypeAwsIam
	}
	if r.authorizer != nil {
		w.AuthorizerId = optional(r.authorizer.identifier())
	}
	if v.flag("ApiKeyRequired", false) {
		w.ApiKeyRequired = aws.Bool(true)
	}
	if v.flag("Response", false) {
		w.RouteResponseSelectionExpression = aws.String("$default")
	}
	return w
}

// routeSettings names an authorizer where its id is known.
func (a *api) routeSettings(r types.Route) settings {
	kind := r.AuthorizationType
	if kind == "" {
		kind = types.AuthorizationTypeNone
	}
	who := aws.ToString(r.AuthorizerId)
	for _, known := range a.existing.authorizers {
		if aws.ToString(known.AuthorizerId) == who {
			who = aws.ToString(known.Name)
		}
	}
	return settings{"Authorizer": strings.TrimSpace(string(kind) + " " + who), "Scopes": sorted(r.AuthorizationScopes),
		"ApiKeyRequired": yes(aws.ToBool(r.ApiKeyRequired)), "OperationName": aws.ToString(r.OperationName), "Response": aws.ToString(r.RouteResponseSelectionExpression)}
}

// frozen is what a deployment freezes of the route beside its target, "" for a plain one.
func (r *route) frozen() string {
	if len(r.part.Props) == 0 {
		return ""
	}
	w := r.want()
	return fmt.Sprintf("%s %q %q %t %q", w.AuthorizationType, aws.ToString(w.AuthorizerId), w.AuthorizationScopes, aws.ToBool(w.ApiKeyRequired), aws.ToString(w.RouteResponseSelectionExpression))
}

func (r *route) Plan() (deploy.Step, error) {
	f := r.found()
	if f == nil {
		return deploy.Step{Action: deploy.Create}, nil
	}
	var changes []deploy.Change
	if !r.integration.Exists() || aws.ToString(f.Target) != r.target() {
		changes = append(changes, deploy.Change{Property: "target", New: "integration " + r.integration.name})
	}
	want := r.want()
	if r.authorizer != nil && !r.authorizer.Exists() {
		want.AuthorizerId = f.AuthorizerId // not known yet; that it will be another one is said
		changes = append(changes, deploy.Change{Property: "Authorizer", New: r.authorizer.name})
	}
	changes = append(changes, differences(r.api.routeSettings(*f), r.api.routeSettings(want), nil)...)
	if want.RouteResponseSelectionExpression != nil && !r.answered && aws.ToString(f.RouteResponseSelectionExpression) != "" {
		changes = append(changes, deploy.Change{Property: "Response"})
	}
	return updateIf(changes), nil
}

func (r *route) Apply(ctx context.Context) error {
	w, target, gw := r.want(), r.target(), r.api.p.gateway
	var id *string
	if f := r.found(); f != nil {
		in := &apigatewayv2.UpdateRouteInput{ApiId: &r.api.id, RouteId: f.RouteId, Target: &target, AuthorizationType: w.AuthorizationType, AuthorizerId: w.AuthorizerId,
			AuthorizationScopes: w.AuthorizationScopes, ApiKeyRequired: w.ApiKeyRequired, OperationName: w.OperationName, RouteResponseSelectionExpression: w.RouteResponseSelectionExpression}
		// What the route has and the script does not is set to its empty value: leaving it out would keep it.
		if in.OperationName == nil && f.OperationName != nil {
			in.OperationName = aws.String("")
		}
		if in.ApiKeyRequired == nil && aws.ToBool(f.ApiKeyRequired) {
			in.ApiKeyRequired = aws.Bool(false)
		}
		if in.AuthorizationScopes == nil && f.AuthorizationScopes != nil {
			in.AuthorizationScopes = []string{}
		}
		if in.RouteResponseSelectionExpression == nil && f.RouteResponseSelectionExpression != nil {
			in.RouteResponseSelectionExpression = aws.String("")
		}
		if _, err := gw.UpdateRoute(ctx, in); err != nil {
			return err
		}
		id = f.RouteId
	} else {
		in := &apigatewayv2.CreateRouteInput{ApiId: &r.api.id, RouteKey: &r.key, Target: &target, AuthorizerId: w.AuthorizerId, AuthorizationScopes: w.AuthorizationScopes,
			OperationName: w.OperationName, RouteResponseSelectionExpression: w.RouteResponseSelectionExpression}
		if w.AuthorizationType != types.AuthorizationTypeNone {
			in.AuthorizationType = w.AuthorizationType
		}
		in.ApiKeyRequired = w.ApiKeyRequired
		out, err := gw.CreateRoute(ctx, in)
		if err != nil {
			return err
		}
		r.made, id = true, out.RouteId
	}
	if w.RouteResponseSelectionExpression == nil || r.answered {
		return nil
	}
	_, err := gw.CreateRouteResponse(ctx, &apigatewayv2.CreateRouteResponseInput{ApiId: &r.api.id, RouteId: id, RouteResponseKey: aws.String("$default")})
	r.answered = err == nil
	return err
}

func (r *route) Delete(ctx context.Context) error {
	if err := r.api.dropRouteSettings(ctx, r.key); err != nil {
		return err
	}
	_, err := r.api.p.gateway.DeleteRoute(ctx, &apigatewayv2.DeleteRouteInput{ApiId: &r.api.id, RouteId: r.found().RouteId})
	return ignore(err, "NotFoundException")
}
