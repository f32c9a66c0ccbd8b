package aws

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"quotewire/deploy"
	"quotewire/dply/check"
	"quotewire/dply/schema"
)

func init() {
	// Attaching is a call of its own: a gateway that is there and not attached is brought into line by it.
	attached := inNetwork
	attached.Fixed = false
	attached.Doc = "The network that it is attached to, or its id. It is not moved from one to another."
	registerModel(model{
		Type: &schema.Type{
			Name: typeInternetGateway, Self: "id",
			Doc:        "A network's way to the internet, and the internet's way in, for what has public addresses: known by its tag Name. NAT gateways need it. Functions have no public IPv4 address; over IPv6 they can leave through it.",
			Properties: []schema.Property{attached},
			Members:    []schema.Member{idMember("gateway"), nameMember("gateway")},
		},
		noun: "internet gateway", rests: []string{inNetwork.Name}, read: readInternetGateway, wants: wantInNetwork, create: createInternetGateway, update: attachInternetGateway, remove: removeInternetGateway,
		order: func(p *Provider, g *deploy.Graph, s *check.Statement, n *deploy.Node) {
			p.ways.gateway(partName(g, s.Prop("Network")), n)
		},
	}, true)
	registerModel(model{
		Type: &schema.Type{
			Name: typeEgressOnly, Self: "id",
			Doc:        "A network's way out over IPv6, with none in, which costs nothing while idle: known by its tag Name in the network. A route ::/0 leads to it.",
			Properties: []schema.Property{inNetwork},
			FindBy:     []schema.Property{inNetwork},
			Members:    []schema.Member{idMember("gateway"), nameMember("gateway")},
		},
		noun: "egress-only internet gateway", read: readEgressOnly, wants: wantInNetwork, create: createEgressOnly, remove: removeEgressOnly,
	}, true)
}

func wantInNetwork(v *values) settings { return settings{"Network": v.object("Network", "id")} }

func readInternetGateway(ctx context.Context, v *values) (*real, error) {
	all, err := v.network.internet.get(ctx, v, tagName, func(g types.InternetGateway) string { return nameTag(g.Tags) }, v.listInternetGateways)
	if err != nil {
		return nil, err
	}
	g, err := only("internet gateways", v.name, all, func(g types.InternetGateway) *string { return g.InternetGatewayId })
	if g == nil || err != nil {
		return nil, err
	}
	r := &real{settings: settings{"Network": ""}, members: map[string]any{"id": aws.ToString(g.InternetGatewayId)}}
	for _, a := range g.Attachments {
		r.settings["Network"] = aws.ToString(a.VpcId)
	}
	return r, nil
}

func (p *Provider) listInternetGateways(ctx context.Context, filter types.Filter) ([]types.InternetGateway, error) {
	return every(ctx, ec2.NewDescribeInternetGatewaysPaginator(p.ec2, &ec2.DescribeInternetGatewaysInput{Filters: []types.Filter{filter}}),
		func(out *ec2.DescribeInternetGatewaysOutput) []types.InternetGateway { return out.InternetGateways })
}

func createInternetGateway(ctx context.Context, v *values) error {
	out, err := v.ec2.CreateInternetGateway(ctx, &ec2.CreateInternetGatewayInput{TagSpecifications: named(types.ResourceTypeInternetGateway, v.name)})
	if err != nil {
		return err
	}
	v.found = &real{members: map[string]any{"id": aws.ToString(out.InternetGateway.InternetGatewayId)}}
	return attachInternetGateway(ctx, v, nil)
}

func attachInternetGateway(ctx context.Context, v *values, _ map[string]bool) error {
	id, network := v.found.member("id"), v.object("Network", "id")
	if other := v.found.settings["Network"]; other != "" {
		return fmt.Errorf("internet gateway %s (%s) is attached to %s: detach it, or give the one of %s another name", v.name, id, other, network)
	}
	_, err := v.ec2.AttachInternetGateway(ctx, &ec2.AttachInternetGatewayInput{InternetGatewayId: &id, VpcId: &network})
	if !is(err, "Resource.AlreadyAssociated") {
		return err
	}
	// The answer to a first attempt may have been lost.
	now, lost := readInternetGateway(ctx, v)
	if lost == nil && now != nil && now.settings["Network"] == network {
		return nil
	}
	return err
}

func removeInternetGateway(ctx context.Context, v *values) error {
	id := v.found.member("id")
	if network := v.found.settings["Network"]; network != "" {
		if err := free(ctx, func(ctx context.Context) error {
			_, err := v.ec2.DetachInternetGateway(ctx, &ec2.DetachInternetGatewayInput{InternetGatewayId: &id, VpcId: &network})
			return ignore(err, "Gateway.NotAttached", "InvalidInternetGatewayID.NotFound")
		}); err != nil {
			return err
		}
	}
	_, err := v.ec2.DeleteInternetGateway(ctx, &ec2.DeleteInternetGatewayInput{InternetGatewayId: &id})
	return ignore(err, "InvalidInternetGatewayID.NotFound")
}

func readEgressOnly(ctx context.Context, v *values) (*real, error) {
	network := v.object("Network", "id")
	if network == "" {
		return nil, nil
	}
	all, err := v.network.egressOnly.get(ctx, v, tagName, func(g types.EgressOnlyInternetGateway) string { return nameTag(g.Tags) },
		func(ctx context.Context, filter types.Filter) ([]types.EgressOnlyInternetGateway, error) {
			return v.listEgressOnly(ctx, filter)
		})
	if err != nil {
		return nil, err
	}
	var here []types.EgressOnlyInternetGateway
	for _, g := range all {
		if egressOnlyOf(g, network) {
			here = append(here, g)
		}
	}
	g, err := only("egress-only internet gateways", v.name, here, func(g types.EgressOnlyInternetGateway) *string { return g.EgressOnlyInternetGatewayId })
	if g == nil || err != nil {
		return nil, err
	}
	return &real{settings: settings{"Network": network}, members: map[string]any{"id": aws.ToString(g.EgressOnlyInternetGatewayId)}}, nil
}

func (p *Provider) listEgressOnly(ctx context.Context, filters ...types.Filter) ([]types.EgressOnlyInternetGateway, error) {
	return every(ctx, ec2.NewDescribeEgressOnlyInternetGatewaysPaginator(p.ec2, &ec2.DescribeEgressOnlyInternetGatewaysInput{Filters: filters}),
		func(out *ec2.DescribeEgressOnlyInternetGatewaysOutput) []types.EgressOnlyInternetGateway {
			return out.EgressOnlyInternetGateways
		})
}

func createEgressOnly(ctx context.Context, v *values) error {
	_, err := v.ec2.CreateEgressOnlyInternetGateway(ctx, &ec2.CreateEgressOnlyInternetGatewayInput{VpcId: aws.String(v.object("Network", "id")),
		TagSpecifications: named(types.ResourceTypeEgressOnlyInternetGateway, v.name)})
	return err
}

func removeEgressOnly(ctx context.Context, v *values) error {
	_, err := v.ec2.DeleteEgressOnlyInternetGateway(ctx, &ec2.DeleteEgressOnlyInternetGatewayInput{EgressOnlyInternetGatewayId: aws.String(v.found.member("id"))})
	return ignore(err, noEgressOnly...)
}

// noEgressOnly is what EC2 answers when there is no such egress-only internet gateway.
var noEgressOnly = []string{"InvalidEgressOnlyInternetGatewayId.NotFound", "InvalidGatewayID.NotFound"}
