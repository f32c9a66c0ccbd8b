package aws

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"quotewire/dply/schema"
)

// inNetwork is the property of everything that lies in a network.
var inNetwork = schema.Property{Name: "Network", Kinds: objects, Objects: []string{typeNetwork}, Required: true, Fixed: true, Doc: "The network, or its id."}

func init() {
	registerModel(model{
		Type: &schema.Type{
			Name: typeSubnet, Self: "id",
			Doc:   "A part of a network in one zone, known by its tag Name in it. Without a route table of its own it has the main one of the network.",
			Notes: "A teardown waits for Lambda to give back the network interfaces of functions.",
			Properties: []schema.Property{
				inNetwork,
				{Name: "CidrBlock", Kinds: texts, Fixed: true, Doc: "Its IPv4 range.", Default: "the first part of the network's that is free, eight bits narrower"},
				{Name: "AvailabilityZone", Kinds: texts, Fixed: true, Doc: `The zone, such as "us-east-1a".`, Default: "AWS's choice"},
				{Name: "DualStack", Kinds: booleans, Doc: "Whether it has IPv6 addresses as well, for which the network needs some. They are not taken away again.", Default: "false"},
				{Name: "MapPublicIpOnLaunch", Kinds: booleans, Doc: "Whether instances get a public IPv4 address. Functions never do.", Default: "false"},
			},
			FindBy:  []schema.Property{inNetwork},
			Members: []schema.Member{idMember("subnet"), nameMember("subnet"), {Name: "availabilityZone", Kind: schema.String, Doc: "The zone in which it lies."}},
		},
		noun: "subnet", read: readSubnet, wants: wantSubnet, create: createSubnet, update: updateSubnet, remove: removeSubnet,
	}, true)
}

// tagName is the filter that finds what is tagged with a name.
const tagName = "tag:Name"

// parts are what the run names of networks, by the names.
type parts struct {
	subnets    roll[types.Subnet]
	groups     roll[types.SecurityGroup]
	tables     roll[types.RouteTable]
	internet   roll[types.InternetGateway]
	egressOnly roll[types.EgressOnlyInternetGateway]
	nats       roll[types.NatGateway]
	addresses  roll[types.Address]
	endpoints  roll[types.VpcEndpoint]
}

// inside are those of a list that lie in a network.
func inside[T any](network string, all []T, where func(T) *string) (here []T) {
	for _, x := range all {
		if aws.ToString(where(x)) == network {
			here = append(here, x)
		}
	}
	return here
}

// every reads all pages of a list of EC2.
func every[T, P any](ctx context.Context, pages interface {
	HasMorePages() bool
	NextPage(context.Context, ...func(*ec2.Options)) (P, error)
}, items func(P) []T) (all []T, err error) {
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, items(page)...)
	}
	return all, nil
}

// only is the one of a list, or nil. Names are tags, which two may have: nobody could tell then which is meant.
func only[T any](kind, name string, list []T, id func(T) *string) (*T, error) {
	switch len(list) {
	case 0:
		return nil, nil
	case 1:
		return &list[0], nil
	}
	var ids []string
	for _, x := range list {
		ids = append(ids, aws.ToString(id(x)))
	}
	slices.Sort(ids)
	return nil, fmt.Errorf("%d %s are named %s: %s; rename all but one", len(list), kind, name, strings.Join(ids, ", "))
}

func readSubnet(ctx context.Context, v *values) (*real, error) {
	network := v.object("Network", "id")
	if network == "" {
		return nil, nil
	}
	all, err := v.network.subnets.get(ctx, v, tagName, func(n types.Subnet) string { return nameTag(n.Tags) }, v.listSubnets)
	if err != nil {
		return nil, err
	}
	n, err := only("subnets", v.name, inside(network, all, func(n types.Subnet) *string { return n.VpcId }), func(n types.Subnet) *string { return n.SubnetId })
	if n == nil || err != nil {
		return nil, err
	}
	return &real{busy: n.State == types.SubnetStatePending,
		settings: settings{"Network": network, "CidrBlock": aws.ToString(n.CidrBlock), "AvailabilityZone": aws.ToString(n.AvailabilityZone),
			"DualStack": yes(ipv6Of(*n) != ""), "MapPublicIpOnLaunch": yes(aws.ToBool(n.MapPublicIpOnLaunch))},
		members: map[string]any{"id": aws.ToString(n.SubnetId), "availabilityZone": aws.ToString(n.AvailabilityZone)}}, nil
}

func (p *Provider) listSubnets(ctx context.Context, filter types.Filter) ([]types.Subnet, error) {
	return every(ctx, ec2.NewDescribeSubnetsPaginator(p.ec2, &ec2.DescribeSubnetsInput{Filters: []types.Filter{filter}}),
		func(out *ec2.DescribeSubnetsOutput) []types.Subnet { return out.Subnets })
}

func wantSubnet(v *values) settings {
	want := settings{"Network": v.object("Network", "id"), "MapPublicIpOnLaunch": yes(v.flag("MapPublicIpOnLaunch", false))}
	for _, name := range []string{"CidrBlock", "AvailabilityZone"} {
		if v.has(name) {
			want[name] = v.text(name, "")
		}
	}
	if v.flag("DualStack", false) {
		want["DualStack"] = "true"
	}
	return want
}

// ranges returns the network's ranges and the subnets that have parts of them.
func ranges(ctx context.Context, v *values) (cidr, cidr6 string, taken []types.Subnet, err error) {
	id := v.object("Network", "id")
	networks, err := v.ec2.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{VpcIds: []string{id}})
	if err != nil {
		return "", "", nil, err
	}
	for _, n := range networks.Vpcs {
		cidr, cidr6 = aws.ToString(n.CidrBlock), ipv6OfNetwork(&n)
	}
	subnets, err := v.ec2.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{Filters: vpcFilter("vpc-id", id)})
	if err != nil {
		return "", "", nil, err
	}
	return cidr, cidr6, subnets.Subnets, nil
}

// part6 is a free IPv6 range.
func part6(v *values, cidr6 string, taken []types.Subnet) (string, error) {
	if cidr6 == "" {
		return "", fmt.Errorf("the network of the subnet %s has no IPv6 addresses: write DualStack <- true in its statement too", v.name)
	}
	return freeRange6(cidr6, taken)
}

func createSubnet(ctx context.Context, v *values) error {
	in := &ec2.CreateSubnetInput{VpcId: aws.String(v.object("Network", "id")), CidrBlock: optional(v.text("CidrBlock", "")),
		AvailabilityZone: optional(v.text("AvailabilityZone", "")), TagSpecifications: named(types.ResourceTypeSubnet, v.name)}
	if dual := v.flag("DualStack", false); dual || in.CidrBlock == nil {
		v.dividing.Lock() // two subnets that look for a free range at once would find the same
		defer v.dividing.Unlock()
		cidr, cidr6, taken, err := ranges(ctx, v)
		if err == nil && in.CidrBlock == nil {
			cidr, err = freeRange(cidr, taken)
			in.CidrBlock = &cidr
		}
		if err == nil && dual {
			cidr6, err = part6(v, cidr6, taken)
			in.Ipv6CidrBlock = &cidr6
		}
		if err != nil {
			return err
		}
	}
	out, err := v.ec2.CreateSubnet(ctx, in)
	if err != nil || !v.flag("MapPublicIpOnLaunch", false) {
		return err
	}
	return mapPublicIP(ctx, v, out.Subnet.SubnetId, true)
}

func mapPublicIP(ctx context.Context, v *values, id *string, on bool) error {
	_, err := v.ec2.ModifySubnetAttribute(ctx, &ec2.ModifySubnetAttributeInput{SubnetId: id, MapPublicIpOnLaunch: &types.AttributeBooleanValue{Value: &on}})
	return err
}

func updateSubnet(ctx context.Context, v *values, differs map[string]bool) error {
	id := aws.String(v.found.member("id"))
	if differs["DualStack"] {
		v.dividing.Lock()
		defer v.dividing.Unlock()
		_, cidr6, taken, err := ranges(ctx, v)
		if err == nil {
			cidr6, err = part6(v, cidr6, taken)
		}
		if err == nil {
			_, err = v.ec2.AssociateSubnetCidrBlock(ctx, &ec2.AssociateSubnetCidrBlockInput{SubnetId: id, Ipv6CidrBlock: &cidr6})
		}
		if err != nil {
			return err
		}
	}
	if differs["MapPublicIpOnLaunch"] {
		return mapPublicIP(ctx, v, id, v.flag("MapPublicIpOnLaunch", false))
	}
	return nil
}

func removeSubnet(ctx context.Context, v *values) error {
	return free(ctx, func(ctx context.Context) error {
		_, err := v.ec2.DeleteSubnet(ctx, &ec2.DeleteSubnetInput{SubnetId: aws.String(v.found.member("id"))})
		return ignore(err, "InvalidSubnetID.NotFound")
	})
}
