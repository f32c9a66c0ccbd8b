package aws

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"quotewire/deploy"
	"quotewire/dply/check"
	"quotewire/dply/schema"
)

func init() {
	register(entry{Type: integrationReader})
}

var integrationReader = &schema.Type{
	Name:       "api.gatewayV2 integration",
	Doc:        "A backend of an API.",
	Properties: integrationProperties,
}

var integrationProperties = []schema.Property{
	{Name: "Type", Kinds: texts, Enum: []string{"AWS_PROXY", "aws_proxy", "lambda_proxy", "AWS", "aws", "lambda", "HTTP_PROXY", "http_proxy"}, Required: true, Doc: "How requests are handed on. AWS_PROXY hands them on whole, to a function; HTTP_PROXY to a server."},
	{Name: "Uri", Kinds: objects, Objects: []string{"lambda.function", "aws.Lambda.Function", "aws.Lambda.Alias"}, Required: true, Doc: "The backend: a function or an alias, its ARN, or its invocation URI. Of HTTP_PROXY the address of the server, or through a VPC link the ARN of its load balancer's listener or Cloud Map service."},
	{Name: "Method", Kinds: texts, Doc: "Of HTTP_PROXY: the method of the requests to the server.", Default: "ANY"},
	{Name: "PayloadFormatVersion", Kinds: texts, Enum: []string{"1.0", "2.0"}, Doc: "The form of the event.", Default: "2.0 for functions of an HTTP API, else 1.0"},
	{Name: "ConnectionType", Kinds: texts, Enum: []string{"INTERNET", "VPC_LINK"}, Doc: "How the backend is reached. VPC_LINK is for HTTP_PROXY.", Default: "VPC_LINK with a ConnectionId, else INTERNET"},
	{Name: "ConnectionId", Kinds: texts, Objects: []string{typeVPCLink}, Doc: "The VPC link of an HTTP API, or its id."},
}

// integration is a backend of an API. It has no name in AWS; its description keeps the script's: zd[NAME].
type integration struct {
	api   *api
	part  *check.Part
	name  string
	id    string             // set by Apply; before that see found
	again *types.Integration // what Reread has found
}

func label(name string) string { return "zd[" + name + "]" }

// ours reports whether the deployer made an integration.
func ours(i types.Integration) bool {
	d := aws.ToString(i.Description)
	return strings.HasPrefix(d, "zd[") && strings.HasSuffix(d, "]")
}

func (i *integration) found() *types.Integration {
	if i.again != nil {
		return i.again
	}
	for n := range i.api.existing.integrations {
		if found := &i.api.existing.integrations[n]; aws.ToString(found.Description) == label(i.name) {
			return found
		}
	}
	return nil
}

func (i *integration) String() string             { return "integration " + i.name + " of " + i.api.name }
func (i *integration) Read(context.Context) error { return nil } // the API has

// Reread looks for this integration alone: others of its API may be changing.
func (i *integration) Reread(ctx context.Context) error {
	all, err := i.api.listIntegrations(ctx)
	for n := range all {
		if aws.ToString(all[n].Description) == label(i.name) {
			i.again = &all[n]
		}
	}
	return err
}

func (i *integration) Exists() bool { return i.identifier() != "" }

func (i *integration) identifier() string {
	if i.id == "" {
		if f := i.found(); f != nil {
			i.id = aws.ToString(f.IntegrationId)
		}
	}
	return i.id
}

// backend is what the deployer manages of an integration.
type backend struct {
	kind           types.IntegrationType
	uri            string
	method         string // of a server's; that of a function is always POST
	format         string
	connection     types.ConnectionType
	connectionLink string
}

// wants is what the script asks for; it is not known before the function is.
func (i *integration) wants() (s backend, known bool) {
	g := i.api.graph
	text := func(name string) string {
		v, _ := g.String(i.part.Prop(name))
		return v
	}
	switch strings.ToLower(text("Type")) {
	case "aws", "lambda":
		s.kind = types.IntegrationTypeAws
	case "http_proxy":
		s.kind = types.IntegrationTypeHttpProxy
		if s.method = text("Method"); s.method == "" {
			s.method = "ANY"
		}
	default:
		s.kind = types.IntegrationTypeAwsProxy
	}
	uri, known := g.String(i.part.Prop("Uri"))
	protocol, _, _ := i.api.wants()
	// A WebSocket API takes the invocation path only: with a bare ARN it is made, and never invokes anything.
	if s.kind == types.IntegrationTypeHttpProxy {
		s.uri = uri
	} else if s.uri = functionARN(uri); protocol == types.ProtocolTypeWebsocket && s.uri != "" {
		s.uri = invocationURI(i.api.p, s.uri)
	}
	if s.format = text("PayloadFormatVersion"); s.format == "" {
		s.format = "1.0"
		if protocol == types.ProtocolTypeHttp && s.method == "" {
			s.format = "2.0"
		}
	}
	link, linked := g.String(i.part.Prop("ConnectionId"))
	s.connection, s.connectionLink = types.ConnectionType(strings.ToUpper(text("ConnectionType"))), link
	if s.connection == "" {
		s.connection = types.ConnectionTypeInternet
		if i.part.Prop("ConnectionId") != nil {
			s.connection = types.ConnectionTypeVpcLink
		}
	}
	return s, known && linked
}

// plain reports whether the backend is a server, which needs no permission.
func (i *integration) plain() bool {
	kind, _ := i.api.graph.String(i.part.Prop("Type"))
	return strings.EqualFold(kind, "HTTP_PROXY")
}

// refuse says what of the backend cannot be.
func (i *integration) refuse(want backend, known bool) error {
	protocol, _, _ := i.api.wants()
	switch {
	case !i.plain() && known && !strings.HasPrefix(want.uri, "arn:"):
		return problem(i.part.Prop("Uri").Position(), "E47", "Give a function or an alias, or the ARN of one.", "%q is not the ARN of a function", want.uri)
	case !i.plain() && i.part.Prop("Method") != nil:
		return problem(i.part.Prop("Method").Position(), "E47", "Leave it out: functions are invoked with POST.", "a %s integration has no Method", want.kind)
	case want.connection != types.ConnectionTypeVpcLink && i.part.Prop("ConnectionId") != nil:
		return problem(i.part.Prop("ConnectionId").Position(), "E47", "Write: ConnectionType <- \"VPC_LINK\"", "a ConnectionId is that of a VPC link")
	case want.connection == types.ConnectionTypeVpcLink && (!i.plain() || protocol == types.ProtocolTypeWebsocket):
		return problem(i.part.Pos, "E47", "A VPC link leads from an HTTP API to a server in a network, with the Type HTTP_PROXY; a function is reached without one.", "this integration cannot use a VPC link")
	case want.connection == types.ConnectionTypeVpcLink && i.part.Prop("ConnectionId") == nil:
		return problem(i.part.Pos, "E45", "Write: ConnectionId <- link, where link is bound to an ensure aws.ApiGatewayV2.VPCLink.", "ConnectionId was not defined")
	}
	return nil
}

func backendOf(f *types.Integration) backend {
	s := backend{kind: f.IntegrationType, uri: aws.ToString(f.IntegrationUri), format: aws.ToString(f.PayloadFormatVersion),
		connection: f.ConnectionType, connectionLink: aws.ToString(f.ConnectionId)}
	if s.kind == types.IntegrationTypeHttpProxy {
		s.method = aws.ToString(f.IntegrationMethod)
	}
	if s.format == "" {
		s.format = "1.0"
	}
	if s.connection == "" {
		s.connection = types.ConnectionTypeInternet
	}
	if s.connection == types.ConnectionTypeInternet {
		s.connectionLink = "" // of a link that it went through before, and does no more
	}
	return s
}

func (i *integration) Plan() (deploy.Step, error) {
	want, known := i.wants()
	if err := i.refuse(want, known); err != nil {
		return deploy.Step{}, err
	}
	f := i.found()
	if f == nil {
		return deploy.Step{Action: deploy.Create}, nil
	}
	have := backendOf(f)
	var changes []deploy.Change
	differ := func(name, old, new string) {
		if old != new {
			changes = append(changes, deploy.Change{Property: name, Old: old, New: new})
		}
	}
	if known {
		differ("Uri", functionARN(have.uri), functionARN(want.uri))
		if functionARN(have.uri) == functionARN(want.uri) && have.uri != want.uri {
			changes = append(changes, deploy.Change{Property: "form of the Uri"})
		}
	} else {
		changes = append(changes, deploy.Change{Property: "Uri"})
	}
	differ("Type", string(have.kind), string(want.kind))
	differ("Method", have.method, want.method)
	differ("PayloadFormatVersion", have.format, want.format)
	differ("ConnectionType", string(have.connection), string(want.connection))
	differ("ConnectionId", have.connectionLink, want.connectionLink)
	return updateIf(changes), nil
}

func (i *integration) Apply(ctx context.Context) error {
	want, _ := i.wants()
	if f := i.found(); f != nil {
		_, err := i.api.p.gateway.UpdateIntegration(ctx, &apigatewayv2.UpdateIntegrationInput{ApiId: &i.api.id, IntegrationId: f.IntegrationId,
			IntegrationType: want.kind, IntegrationUri: &want.uri, IntegrationMethod: optional(want.method), PayloadFormatVersion: &want.format,
			ConnectionType: want.connection, ConnectionId: optional(want.connectionLink)})
		return err
	}
	out, err := i.api.p.gateway.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{ApiId: &i.api.id, Description: aws.String(label(i.name)),
		IntegrationType: want.kind, IntegrationUri: &want.uri, IntegrationMethod: aws.String(cmp.Or(want.method, "POST")), PayloadFormatVersion: &want.format,
		ConnectionType: want.connection, ConnectionId: optional(want.connectionLink)})
	if err != nil {
		return err
	}
	i.id = aws.ToString(out.IntegrationId)
	return nil
}

func (i *integration) Delete(ctx context.Context) error {
	_, err := i.api.p.gateway.DeleteIntegration(ctx, &apigatewayv2.DeleteIntegrationInput{ApiId: &i.api.id, IntegrationId: aws.String(i.identifier())})
	return ignore(err, "NotFoundException")
}

func (i *integration) Member(name string) (any, bool) {
	switch name {
	case "integrationId":
		return i.identifier(), i.Exists()
	case "name":
		return i.name, true
	}
	return nil, false
}

// permission lets this API, and no other, invoke the function. It is on the alias if the integration calls an alias.
func (i *integration) permission() *permission {
	return &permission{p: i.api.p, id: i.api.permissionID(i.name, "invoke"), want: func() (grant, bool) {
		uri, known := i.api.graph.String(i.part.Prop("Uri"))
		return grant{Function: functionARN(uri), Action: "lambda:InvokeFunction", Principal: "apigateway.amazonaws.com",
			SourceArn: i.api.executeARN() + "/*"}, known && i.api.id != ""
	}}
}

// invocationURI is how API Gateway names the invocation of a function or alias.
func invocationURI(p *Provider, arn string) string {
	return fmt.Sprintf("arn:%s:apigateway:%s:lambda:path/2015-03-31/functions/%s/invocations", p.partition, p.region, arn)
}

// functionARN takes the function's ARN out of an invocation URI, and leaves any other text as it is.
func functionARN(uri string) string {
	if _, rest, ok := strings.Cut(uri, "/functions/"); ok {
		return strings.TrimSuffix(rest, "/invocations")
	}
	return uri
}
