package aws

import (
	"context"
	"maps"
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
		Name: "api.gatewayV2 authorizer",
		Doc:  "Who decides whether a caller may pass, for routes that name it. The permission to invoke a function comes with it. The type cannot be changed.",
		Properties: []schema.Property{
			{Name: "Type", Kinds: texts, Enum: []string{"jwt", "lambda"}, Required: true, Doc: "A token that is checked here, which HTTP APIs alone have, or a function that is asked."},
			{Name: "Uri", Kinds: objects, Objects: []string{"lambda.function", "aws.Lambda.Function", "aws.Lambda.Alias"}, Doc: "Of lambda: the function or alias, its ARN, or its invocation URI."},
			{Name: "IdentitySources", Kinds: lists, Doc: `Where the caller's identity is, such as "route.request.header.Auth" for a WebSocket API and "$request.header.Authorization" for an HTTP API.`, Default: "of jwt: $request.header.Authorization"},
			{Name: "Issuer", Kinds: texts, Doc: "Of jwt: who signs the tokens, an https:// address."},
			{Name: "Audience", Kinds: lists, Doc: "Of jwt: whom the tokens are for."},
			{Name: "TtlSeconds", Kinds: numbers, Min: 0, Max: 3600, Doc: "Of lambda, HTTP APIs only: how long an answer is kept.", Default: "0"},
			{Name: "PayloadFormatVersion", Kinds: texts, Enum: []string{"1.0", "2.0"}, Doc: "Of lambda, HTTP APIs only: the form of the event.", Default: "2.0"},
			{Name: "SimpleResponses", Kinds: booleans, Doc: "Of lambda, HTTP APIs only: whether the function may answer with isAuthorized instead of a policy.", Default: "false"},
		},
	}})
}

// authorizer decides who may call routes. Its name is unique in its API.
type authorizer struct {
	api   *api
	part  *check.Part
	name  string
	id    string // set by Apply; before that see found
	again *types.Authorizer
}

func (a *authorizer) found() *types.Authorizer {
	if a.again != nil {
		return a.again
	}
	i := slices.IndexFunc(a.api.existing.authorizers, func(f types.Authorizer) bool { return aws.ToString(f.Name) == a.name })
	if i < 0 {
		return nil
	}
	return &a.api.existing.authorizers[i]
}

func (a *authorizer) String() string             { return "authorizer " + a.name + " of " + a.api.name }
func (a *authorizer) Read(context.Context) error { return nil } // the API has
func (a *authorizer) Exists() bool               { return a.identifier() != "" }
func (a *authorizer) Member(string) (any, bool)  { return nil, false }

// Reread looks for this authorizer alone.
func (a *authorizer) Reread(ctx context.Context) error {
	all, err := a.api.listAuthorizers(ctx)
	for i := range all {
		if aws.ToString(all[i].Name) == a.name {
			a.again = &all[i]
		}
	}
	return err
}

func (a *authorizer) identifier() string {
	if f := a.found(); a.id == "" && f != nil {
		a.id = aws.ToString(f.AuthorizerId)
	}
	return a.id
}

func (a *authorizer) jwt() bool { return a.values().text("Type", "") == "jwt" }

func (a *authorizer) values() *values {
	return &values{Provider: a.api.p, graph: a.api.graph, props: a.part.Props, name: a.name}
}

// want is the authorizer as the script has it.
func (a *authorizer) want() (w types.Authorizer, unknown []string) {
	v := a.values()
	protocol, _, _ := a.api.wants()
	w.IdentitySource = v.list("IdentitySources")
	if a.jwt() {
		w.AuthorizerType = types.AuthorizerTypeJwt
		w.JwtConfiguration = &types.JWTConfiguration{Issuer: aws.String(v.text("Issuer", "")), Audience: v.list("Audience")}
		if w.IdentitySource == nil {
			w.IdentitySource = []string{"$request.header.Authorization"}
		}
		return w, v.unknown
	}
	w.AuthorizerType = types.AuthorizerTypeRequest
	uri := v.text("Uri", "")
	w.AuthorizerUri = aws.String(invocationURI(a.api.p, functionARN(uri)))
	if protocol == types.ProtocolTypeHttp {
		w.AuthorizerPayloadFormatVersion = aws.String(v.text("PayloadFormatVersion", "2.0"))
		w.EnableSimpleResponses = aws.Bool(v.flag("SimpleResponses", false))
		w.AuthorizerResultTtlInSeconds = aws.Int32(v.integer("TtlSeconds", 0))
	}
	return w, v.unknown
}

// authorizerSettings are those of one or the other side.
func authorizerSettings(a *types.Authorizer) settings {
	s := settings{"IdentitySources": strings.Join(a.IdentitySource, ", "), "Uri": functionARN(aws.ToString(a.AuthorizerUri)),
		"PayloadFormatVersion": aws.ToString(a.AuthorizerPayloadFormatVersion), "SimpleResponses": yes(aws.ToBool(a.EnableSimpleResponses)),
		"TtlSeconds": number(aws.ToInt32(a.AuthorizerResultTtlInSeconds))}
	if c := a.JwtConfiguration; c != nil {
		s["Issuer"], s["Audience"] = aws.ToString(c.Issuer), strings.Join(c.Audience, ", ")
	}
	return s
}

func (a *authorizer) Plan() (deploy.Step, error) {
	v := a.values()
	need := "Uri"
	if a.jwt() {
		need = "Issuer"
	}
	if !v.has(need) {
		return deploy.Step{}, problem(a.part.Pos, "E45", "A jwt authorizer needs its Issuer, a lambda authorizer its Uri.", "%s was not defined", need)
	}
	want, unknown := a.want()
	f := a.found()
	if f == nil {
		return deploy.Step{Action: deploy.Create}, nil
	}
	if f.AuthorizerType != want.AuthorizerType {
		return deploy.Step{}, problem(a.part.Pos, "E63", "Give the new authorizer another name.", "%s is of the type %s, which cannot be changed", a, f.AuthorizerType)
	}
	return updateIf(differences(authorizerSettings(f), authorizerSettings(&want), unknown)), nil
}

// differences lists what differs between settings, in the order of the names.
func differences(have, want settings, unknown []string) []deploy.Change {
	var changes []deploy.Change
	for _, name := range slices.Sorted(maps.Keys(want)) {
		switch {
		case slices.Contains(unknown, name):
			changes = append(changes, deploy.Change{Property: name})
		case have[name] != want[name]:
			changes = append(changes, deploy.Change{Property: name, Old: have[name], New: want[name]})
		}
	}
	return changes
}

func (a *authorizer) Apply(ctx context.Context) error {
	w, _ := a.want()
	gw := a.api.p.gateway
	if f := a.found(); f != nil {
		_, err := gw.UpdateAuthorizer(ctx, &apigatewayv2.UpdateAuthorizerInput{ApiId: &a.api.id, AuthorizerId: f.AuthorizerId, IdentitySource: w.IdentitySource,
			AuthorizerUri: w.AuthorizerUri, JwtConfiguration: w.JwtConfiguration, AuthorizerPayloadFormatVersion: w.AuthorizerPayloadFormatVersion,
			EnableSimpleResponses: w.EnableSimpleResponses, AuthorizerResultTtlInSeconds: w.AuthorizerResultTtlInSeconds})
		return err
	}
	out, err := gw.CreateAuthorizer(ctx, &apigatewayv2.CreateAuthorizerInput{ApiId: &a.api.id, Name: &a.name, AuthorizerType: w.AuthorizerType, IdentitySource: append([]string{}, w.IdentitySource...),
		AuthorizerUri: w.AuthorizerUri, JwtConfiguration: w.JwtConfiguration, AuthorizerPayloadFormatVersion: w.AuthorizerPayloadFormatVersion,
		EnableSimpleResponses: w.EnableSimpleResponses, AuthorizerResultTtlInSeconds: w.AuthorizerResultTtlInSeconds})
	if err != nil {
		return err
	}
	a.id = aws.ToString(out.AuthorizerId)
	return nil
}

func (a *authorizer) Delete(ctx context.Context) error {
	_, err := a.api.p.gateway.DeleteAuthorizer(ctx, &apigatewayv2.DeleteAuthorizerInput{ApiId: &a.api.id, AuthorizerId: aws.String(a.identifier())})
	return ignore(err, "NotFoundException")
}

// permission lets this API ask the function.
func (a *authorizer) permission() *permission {
	return &permission{p: a.api.p, id: a.api.permissionID(a.name, "authorize"), want: func() (grant, bool) {
		uri, known := a.api.graph.String(a.part.Prop("Uri"))
		return grant{Function: functionARN(uri), Action: "lambda:InvokeFunction", Principal: "apigateway.amazonaws.com",
			SourceArn: a.api.executeARN() + "/authorizers/*"}, known && a.api.id != ""
	}}
}

func (a *api) listAuthorizers(ctx context.Context) ([]types.Authorizer, error) {
	return paged(func(token *string) ([]types.Authorizer, *string, error) {
		out, err := a.p.gateway.GetAuthorizers(ctx, &apigatewayv2.GetAuthorizersInput{ApiId: &a.id, NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.Items, out.NextToken, nil
	})
}
