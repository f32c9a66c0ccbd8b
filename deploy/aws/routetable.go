package aws

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"quotewire/deploy"
	"quotewire/dply/schema"
)

func init() {
	registerModel(model{
		Type: &schema.Type{
			Name: typeRouteTable, Self: "id",
			Doc:   "Where what leaves some subnets of a network goes, known by its tag Name in it. What stays in the network needs no route.",
			Notes: "A route or a subnet that the script does not have is taken out of the table; a subnet is then under the main one. The routes of gateway endpoints are theirs, and stay.",
			Properties: []schema.Property{
				inNetwork,
				{Name: "Subnets", Kinds: lists, Doc: "The subnets whose table it is, or their ids. A subnet has one: it is taken from any other.", Default: "none"},
				{Name: "Routes", Kinds: lists, Items: dicts, Default: "none", Doc: "Ways out.", Entries: []schema.Property{
					{Name: "Range", Kinds: texts, Required: true, Doc: `The addresses that are reached by it: "0.0.0.0/0" is all of IPv4, "::/0" all of IPv6.`},
					{Name: "Gateway", Kinds: texts, Objects: []string{typeNAT, typeInternetGateway, typeEgressOnly}, Required: true, Doc: "The gateway that leads there, or its id."},
				}},
			},
			FindBy:  []schema.Property{inNetwork},
			Members: []schema.Member{idMember("table"), nameMember("table")},
		},
		noun: "route table", refuse: refuseRoutes, read: readRouteTable, wants: wantRouteTable, create: createRouteTable, update: updateRouteTable, remove: removeRouteTable,
	}, true)
}

func refuseRoutes(v *values) error {
	for _, m := range v.maps("Routes") {
		text := entryOf(m, "Range", "")
		if p, err := netip.ParsePrefix(text); err != nil || p != p.Masked() {
			return problem(v.value("Routes").Position(), "E47", `It is an address and the bits that count, such as "0.0.0.0/0" or "2001:db8::/32".`, "invalid Range %q", text)
		}
	}
	return nil
}

func routeTableOf(ctx context.Context, v *values) (*types.RouteTable, error) {
	network := v.object("Network", "id")
	if network == "" {
		return nil, nil
	}
	all, err := v.network.tables.get(ctx, v, tagName, func(t types.RouteTable) string { return nameTag(t.Tags) }, v.listRouteTables)
	if err != nil {
		return nil, err
	}
	return only("route tables", v.name, inside(network, all, func(t types.RouteTable) *string { return t.VpcId }), func(t types.RouteTable) *string { return t.RouteTableId })
}

func (p *Provider) listRouteTables(ctx context.Context, filter types.Filter) ([]types.RouteTable, error) {
	return every(ctx, ec2.NewDescribeRouteTablesPaginator(p.ec2, &ec2.DescribeRouteTablesInput{Filters: []types.Filter{filter}}),
		func(out *ec2.DescribeRouteTablesOutput) []types.RouteTable { return out.RouteTables })
}

func readRouteTable(ctx context.Context, v *values) (*real, error) {
	t, err := routeTableOf(ctx, v)
	if t == nil || err != nil {
		return nil, err
	}
	var subnets []string
	for _, a := range t.Associations {
		subnets = append(subnets, aws.ToString(a.SubnetId))
	}
	return &real{settings: settings{"Network": aws.ToString(t.VpcId), "Subnets": sorted(slices.DeleteFunc(subnets, empty)), "Routes": routesText(t.Routes)},
		members: map[string]any{"id": aws.ToString(t.RouteTableId)}}, nil
}

func empty(text string) bool { return text == "" }

func wantRouteTable(v *values) settings {
	return settings{"Network": v.object("Network", "id"), "Subnets": sorted(v.list("Subnets")), "Routes": routesText(routesOf(v))}
}

// routesOf are the routes of the script. The kind of a gateway shows in its id.
func routesOf(v *values) []types.Route {
	var all []types.Route
	for _, m := range v.maps("Routes") {
		var r types.Route
		if to := entryOf(m, "Range", ""); strings.Contains(to, ":") {
			r.DestinationIpv6CidrBlock = &to
		} else {
			r.DestinationCidrBlock = &to
		}
		switch id := entryOf(m, "Gateway", ""); {
		case strings.HasPrefix(id, "nat-"):
			r.NatGatewayId = &id
		case strings.HasPrefix(id, "eigw-"):
			r.EgressOnlyInternetGatewayId = &id
		default:
			r.GatewayId = &id
		}
		all = append(all, r)
	}
	return all
}

func destination(r types.Route) string {
	text := aws.ToString(r.DestinationCidrBlock) + aws.ToString(r.DestinationIpv6CidrBlock)
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.String() // however it was written
	}
	return text
}

// routeText is a route in words, "" for one that is not made by hand: within the network, or to an endpoint.
func routeText(r types.Route) string {
	to := destination(r)
	if to == "" || aws.ToString(r.GatewayId) == "local" {
		return ""
	}
	for _, target := range []*string{r.GatewayId, r.NatGatewayId, r.EgressOnlyInternetGatewayId, r.TransitGatewayId, r.VpcPeeringConnectionId, r.NetworkInterfaceId} {
		if id := aws.ToString(target); id != "" {
			if r.State == types.RouteStateBlackhole {
				id += " (gone)"
			}
			return to + " to " + id
		}
	}
	return to + " to something else"
}

func routesText(list []types.Route) string {
	var all []string
	for _, r := range list {
		all = append(all, routeText(r))
	}
	return joined(slices.DeleteFunc(all, empty))
}

func createRouteTable(ctx context.Context, v *values) error {
	out, err := v.ec2.CreateRouteTable(ctx, &ec2.CreateRouteTableInput{VpcId: aws.String(v.object("Network", "id")), TagSpecifications: named(types.ResourceTypeRouteTable, v.name)})
	if err != nil {
		return err
	}
	return setTable(ctx, v, out.RouteTable)
}

func updateRouteTable(ctx context.Context, v *values, _ map[string]bool) error {
	t, err := routeTableOf(ctx, v)
	if err == nil && t == nil {
		err = fmt.Errorf("route table %s is gone", v.name)
	}
	if err != nil {
		return err
	}
	return setTable(ctx, v, t)
}

// setTable brings routes into line before subnets, so that no subnet is led astray.
func setTable(ctx context.Context, v *values, t *types.RouteTable) error {
	want := routesOf(v)
	for _, r := range want {
		i := slices.IndexFunc(t.Routes, func(have types.Route) bool { return destination(have) == destination(r) })
		if i >= 0 && routeText(t.Routes[i]) == routeText(r) {
			continue
		}
		if err := putRoute(ctx, v, t.RouteTableId, r, i >= 0); err != nil {
			return err
		}
	}
	for _, r := range t.Routes {
		if routeText(r) == "" || slices.ContainsFunc(want, func(w types.Route) bool { return destination(w) == destination(r) }) {
			continue
		}
		_, err := v.ec2.DeleteRoute(ctx, &ec2.DeleteRouteInput{RouteTableId: t.RouteTableId, DestinationCidrBlock: r.DestinationCidrBlock, DestinationIpv6CidrBlock: r.DestinationIpv6CidrBlock})
		if err := ignore(err, "InvalidRoute.NotFound"); err != nil {
			return err
		}
	}
	subnets := v.list("Subnets")
	for _, id := range subnets {
		if slices.ContainsFunc(t.Associations, func(a types.RouteTableAssociation) bool { return aws.ToString(a.SubnetId) == id }) {
			continue
		}
		if err := putUnder(ctx, v, id, t.RouteTableId); err != nil {
			return err
		}
	}
	return release(ctx, v, t, subnets)
}

func putRoute(ctx context.Context, v *values, table *string, r types.Route, there bool) error {
	if there {
		_, err := v.ec2.ReplaceRoute(ctx, &ec2.ReplaceRouteInput{RouteTableId: table, DestinationCidrBlock: r.DestinationCidrBlock, DestinationIpv6CidrBlock: r.DestinationIpv6CidrBlock,
			GatewayId: r.GatewayId, NatGatewayId: r.NatGatewayId, EgressOnlyInternetGatewayId: r.EgressOnlyInternetGatewayId})
		return err
	}
	_, err := v.ec2.CreateRoute(ctx, &ec2.CreateRouteInput{RouteTableId: table, DestinationCidrBlock: r.DestinationCidrBlock, DestinationIpv6CidrBlock: r.DestinationIpv6CidrBlock,
		GatewayId: r.GatewayId, NatGatewayId: r.NatGatewayId, EgressOnlyInternetGatewayId: r.EgressOnlyInternetGatewayId})
	return err
}

// moveWait is for how long two tables of a run may be at odds about a subnet.
const moveWait = time.Minute

// putUnder puts a subnet under a table. One that is under another is moved, without a moment under none; that other table
// may be let go of it by this very run, between the look and the move.
func putUnder(ctx context.Context, v *values, subnet string, table *string) error {
	return deploy.Retry(ctx, moveWait, func(err error) string {
		if is(err, "InvalidAssociationID.NotFound", "Resource.AlreadyAssociated") {
			return "for another route table to let go of the subnet " + subnet
		}
		return ""
	}, func(ctx context.Context) error {
		out, err := v.ec2.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{Filters: vpcFilter("association.subnet-id", subnet)})
		if err != nil {
			return err
		}
		for _, t := range out.RouteTables {
			for _, a := range t.Associations {
				switch {
				case aws.ToString(a.SubnetId) != subnet:
				case aws.ToString(t.RouteTableId) == *table:
					return nil
				default:
					_, err := v.ec2.ReplaceRouteTableAssociation(ctx, &ec2.ReplaceRouteTableAssociationInput{AssociationId: a.RouteTableAssociationId, RouteTableId: table})
					return err
				}
			}
		}
		_, err = v.ec2.AssociateRouteTable(ctx, &ec2.AssociateRouteTableInput{RouteTableId: table, SubnetId: &subnet})
		return err
	})
}

// release puts subnets under the main table, all but those to keep.
func release(ctx context.Context, v *values, t *types.RouteTable, keep []string) error {
	for _, a := range t.Associations {
		if a.SubnetId == nil || slices.Contains(keep, *a.SubnetId) {
			continue
		}
		_, err := v.ec2.DisassociateRouteTable(ctx, &ec2.DisassociateRouteTableInput{AssociationId: a.RouteTableAssociationId})
		if err := ignore(err, "InvalidAssociationID.NotFound"); err != nil {
			return err
		}
	}
	return nil
}

func removeRouteTable(ctx context.Context, v *values) error {
	t, err := routeTableOf(ctx, v)
	if t == nil || err != nil {
		return err
	}
	if slices.ContainsFunc(t.Associations, func(a types.RouteTableAssociation) bool { return aws.ToBool(a.Main) }) {
		return deploy.Kept("it is the main route table of its network, and goes with it")
	}
	if err := release(ctx, v, t, nil); err != nil {
		return err
	}
	return free(ctx, func(ctx context.Context) error {
		_, err := v.ec2.DeleteRouteTable(ctx, &ec2.DeleteRouteTableInput{RouteTableId: t.RouteTableId})
		return ignore(err, "InvalidRouteTableID.NotFound")
	})
}
