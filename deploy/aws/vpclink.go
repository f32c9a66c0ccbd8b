package aws

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"quotewire/dply/schema"
)

// linkWait is how long a VPC link may take to come and to go: its network interfaces are made and given back meanwhile.
const linkWait = 10 * time.Minute

func init() {
	registerModel(model{
		Type: &schema.Type{
			Name: typeVPCLink, Self: "id",
			Doc: "A way from HTTP APIs to servers in a network, known by its name: the ConnectionId of an integration.",
			Properties: []schema.Property{
				{Name: "Subnets", Kinds: lists, Required: true, Fixed: true, Doc: "The subnets in which it has an address, or their ids."},
				{Name: "SecurityGroups", Kinds: lists, Required: true, Fixed: true, Doc: "What lets its requests out, or their ids."},
			},
			Members: []schema.Member{idMember("link"), nameMember("link"), {Name: "subnets", Kind: schema.List, Doc: "The ids of its subnets, sorted."},
				{Name: "securityGroups", Kind: schema.List, Doc: "The ids of its security groups, sorted."}},
		},
		noun: "VPC link", wait: linkWait, read: readLink, wants: wantLink, create: createLink, remove: removeLink,
	}, true)
}

type linkTypes = types.VpcLink

func readLink(ctx context.Context, v *values) (*real, error) {
	if !v.listed {
		v.links.forget()
	}
	all, err := v.links.get(func() ([]types.VpcLink, error) {
		return paged(func(token *string) ([]types.VpcLink, *string, error) {
			out, err := v.gateway.GetVpcLinks(ctx, &apigatewayv2.GetVpcLinksInput{NextToken: token})
			if err != nil {
				return nil, nil, err
			}
			return out.Items, out.NextToken, nil
		})
	})
	if err != nil {
		return nil, err
	}
	var here []types.VpcLink
	for _, l := range all {
		if aws.ToString(l.Name) == v.name {
			here = append(here, l)
		}
	}
	l, err := only("VPC links", v.name, here, func(l types.VpcLink) *string { return l.VpcLinkId })
	if l == nil || err != nil {
		return nil, err
	}
	r := &real{settings: settings{"Subnets": sorted(l.SubnetIds), "SecurityGroups": sorted(l.SecurityGroupIds)},
		members: map[string]any{"id": aws.ToString(l.VpcLinkId), "subnets": inOrder(l.SubnetIds), "securityGroups": inOrder(l.SecurityGroupIds)}}
	switch l.VpcLinkStatus {
	case types.VpcLinkStatusPending, types.VpcLinkStatusDeleting:
		r.busy = true
	case types.VpcLinkStatusFailed:
		r.failed = aws.ToString(l.VpcLinkStatusMessage)
	}
	return r, nil
}

func wantLink(v *values) settings {
	return settings{"Subnets": sorted(v.list("Subnets")), "SecurityGroups": sorted(v.list("SecurityGroups"))}
}

func createLink(ctx context.Context, v *values) error {
	_, err := v.gateway.CreateVpcLink(ctx, &apigatewayv2.CreateVpcLinkInput{Name: &v.name, SubnetIds: v.list("Subnets"), SecurityGroupIds: v.list("SecurityGroups")})
	return err
}

func removeLink(ctx context.Context, v *values) error {
	_, err := v.gateway.DeleteVpcLink(ctx, &apigatewayv2.DeleteVpcLinkInput{VpcLinkId: aws.String(v.found.member("id"))})
	return ignore(err, "NotFoundException")
}
