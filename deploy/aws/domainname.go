package aws

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"quotewire/deploy"
	"quotewire/dply/check"
	"quotewire/dply/schema"
)

func init() {
	registerModel(model{
		Type: &schema.Type{
			Name: typeDomainName, Self: "name",
			Doc:   "A name of one's own for APIs. Requests reach it once a record of the domain points at it, such as an aws.Route53.ALIAS with AliasZone <- domain->zoneId and PointsTo <- domain->target.",
			Notes: "What is reached under the name is said by aws.ApiGatewayV2.ApiMapping.",
			Properties: []schema.Property{
				{Name: "Certificate", Kinds: objects, Objects: []string{"aws.CertificateManager.Certificate"}, Required: true, Doc: "The certificate for the name, of the region of the API, or its ARN."},
				{Name: "IpAddressType", Kinds: texts, Enum: []string{"ipv4", "dualstack"}, Doc: "Over what it can be reached.", Default: "ipv4"},
			},
			Members: []schema.Member{nameMember("domain"), {Name: "target", Kind: schema.String, Doc: "The name of the endpoint, for the record of the domain to point at."},
				{Name: "zoneId", Kind: schema.String, Doc: "The hosted zone of the endpoint, for an alias record."}},
		},
		noun: "domain name", rests: []string{"Certificate"}, outputs: []string{"target"}, read: readDomainName, wants: wantDomainName, create: createDomainName, update: updateDomainName, remove: removeDomainName,
	}, true)
	domain := schema.Property{Name: "Domain", Kinds: objects, Objects: []string{typeDomainName}, Required: true, Fixed: true, Doc: "The domain name."}
	registerModel(model{
		Type: &schema.Type{
			Name: "aws.ApiGatewayV2.ApiMapping",
			Doc:  `What is reached under a path of a domain name. The name is the path: "/" for all that no other mapping has, "/v1" for what begins with that.`,
			Properties: []schema.Property{domain,
				{Name: "Api", Kinds: objects, Objects: []string{"api.gatewayV2", typeAPI}, Required: true, Doc: "The API, or its id."},
				{Name: "Stage", Kinds: objects, Objects: []string{typeStage}, Required: true, Doc: "The stage of the API."},
			},
			Members: []schema.Member{idMember("mapping"), nameMember("mapping")},
		},
		noun: "API mapping", read: readMapping, wants: wantMapping, create: createMapping, update: updateMapping, remove: removeMapping,
		// A stage of a block is known by its name alone.
		order: func(p *Provider, g *deploy.Graph, s *check.Statement, n *deploy.Node) {
			if stage, known := g.String(s.Prop("Stage")); known {
				n.Mentions(deploy.Key{Type: typeStage, Name: partName(g, s.Prop("Api")) + "/" + stage})
			}
		},
	}, false)
}

type (
	domainNameTypes = types.DomainName
	mappingTypes    = types.ApiMapping
)

// listDomainNames lists those of the region.
func (p *Provider) listDomainNames() pages[types.DomainName] {
	in := &apigatewayv2.GetDomainNamesInput{}
	return func(ctx context.Context, add func(string, types.DomainName)) (bool, error) {
		out, err := p.gateway.GetDomainNames(ctx, in)
		if err != nil {
			return false, err
		}
		for _, d := range out.Items {
			add(aws.ToString(d.DomainName), d)
		}
		in.NextToken = out.NextToken
		return aws.ToString(in.NextToken) != "", nil
	}
}

func readDomainName(ctx context.Context, v *values) (*real, error) {
	d, told := listed(ctx, v, &v.domains, v.name, v.listDomainNames)
	if !told {
		out, err := v.gateway.GetDomainName(ctx, &apigatewayv2.GetDomainNameInput{DomainName: &v.name})
		if err != nil {
			return nil, ignore(err, "NotFoundException")
		}
		d = &types.DomainName{DomainNameConfigurations: out.DomainNameConfigurations}
	}
	if d == nil {
		return nil, nil
	}
	r := &real{settings: settings{"Certificate": "", "IpAddressType": "ipv4"}, members: map[string]any{}}
	for _, c := range d.DomainNameConfigurations {
		r.settings["Certificate"] = aws.ToString(c.CertificateArn)
		if c.IpAddressType != "" {
			r.settings["IpAddressType"] = string(c.IpAddressType)
		}
		if c.ApiGatewayDomainName != nil {
			r.members["target"], r.members["zoneId"] = *c.ApiGatewayDomainName, aws.ToString(c.HostedZoneId)
		}
		switch c.DomainNameStatus {
		case types.DomainNameStatusUpdating:
			r.busy = true
		case types.DomainNameStatusPendingCertificateReimport, types.DomainNameStatusPendingOwnershipVerification:
			r.failed = "it waits for a change of its certificate: " + aws.ToString(c.DomainNameStatusMessage)
		}
	}
	return r, nil
}

func wantDomainName(v *values) settings {
	return settings{"Certificate": v.object("Certificate", "arn"), "IpAddressType": v.text("IpAddressType", "ipv4")}
}

func configurations(v *values) []types.DomainNameConfiguration {
	want := wantDomainName(v)
	return []types.DomainNameConfiguration{{CertificateArn: aws.String(want["Certificate"]), EndpointType: types.EndpointTypeRegional,
		SecurityPolicy: types.SecurityPolicyTls12, IpAddressType: types.IpAddressType(want["IpAddressType"])}}
}

func createDomainName(ctx context.Context, v *values) error {
	_, err := v.gateway.CreateDomainName(ctx, &apigatewayv2.CreateDomainNameInput{DomainName: &v.name, DomainNameConfigurations: configurations(v)})
	return err
}

func updateDomainName(ctx context.Context, v *values, _ map[string]bool) error {
	_, err := v.gateway.UpdateDomainName(ctx, &apigatewayv2.UpdateDomainNameInput{DomainName: &v.name, DomainNameConfigurations: configurations(v)})
	return err
}

func removeDomainName(ctx context.Context, v *values) error {
	_, err := v.gateway.DeleteDomainName(ctx, &apigatewayv2.DeleteDomainNameInput{DomainName: &v.name})
	return ignore(err, "NotFoundException")
}

// mappingKey is a path as API Gateway keeps it.
func mappingKey(v *values) string { return strings.Trim(v.name, "/") }

func readMapping(ctx context.Context, v *values) (*real, error) {
	domain := v.object("Domain", "name")
	if r, ok := v.value("Domain").(check.Reference); ok {
		if n := v.graph.Bound(r.Statement); n != nil && !n.Resource.Exists() {
			return nil, nil // and so has no mappings
		}
	}
	if domain == "" {
		return nil, nil
	}
	list := v.mappings.of(domain)
	if !v.listed {
		list.forget()
	}
	all, err := list.get(func() ([]types.ApiMapping, error) {
		all, err := paged(func(token *string) ([]types.ApiMapping, *string, error) {
			out, err := v.gateway.GetApiMappings(ctx, &apigatewayv2.GetApiMappingsInput{DomainName: &domain, NextToken: token})
			if err != nil {
				return nil, nil, err
			}
			return out.Items, out.NextToken, nil
		})
		return all, ignore(err, "NotFoundException") // there is no such domain yet
	})
	if err != nil {
		return nil, err
	}
	for _, m := range all {
		if aws.ToString(m.ApiMappingKey) == mappingKey(v) {
			return &real{settings: settings{"Domain": domain, "Api": aws.ToString(m.ApiId), "Stage": aws.ToString(m.Stage)}, members: map[string]any{"id": aws.ToString(m.ApiMappingId)}}, nil
		}
	}
	return nil, nil
}

func wantMapping(v *values) settings {
	return settings{"Domain": v.object("Domain", "name"), "Api": v.object("Api", "id"), "Stage": v.object("Stage", "name")}
}

func createMapping(ctx context.Context, v *values) error {
	want := wantMapping(v)
	_, err := v.gateway.CreateApiMapping(ctx, &apigatewayv2.CreateApiMappingInput{DomainName: aws.String(want["Domain"]), ApiId: aws.String(want["Api"]),
		Stage: aws.String(want["Stage"]), ApiMappingKey: aws.String(mappingKey(v))})
	return err
}

func updateMapping(ctx context.Context, v *values, _ map[string]bool) error {
	want := wantMapping(v)
	_, err := v.gateway.UpdateApiMapping(ctx, &apigatewayv2.UpdateApiMappingInput{DomainName: aws.String(want["Domain"]), ApiMappingId: aws.String(v.found.member("id")),
		ApiId: aws.String(want["Api"]), Stage: aws.String(want["Stage"]), ApiMappingKey: aws.String(mappingKey(v))})
	return err
}

func removeMapping(ctx context.Context, v *values) error {
	_, err := v.gateway.DeleteApiMapping(ctx, &apigatewayv2.DeleteApiMappingInput{DomainName: aws.String(v.object("Domain", "name")), ApiMappingId: aws.String(v.found.member("id"))})
	return ignore(err, "NotFoundException")
}
