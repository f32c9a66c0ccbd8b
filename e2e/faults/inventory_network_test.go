package faults

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// network lists what networks consist of.
func network(ctx context.Context, cfg aws.Config, note func(string, ...any)) error {
	client := ec2.NewFromConfig(cfg)
	vpcs, err := client.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{})
	if err != nil {
		return err
	}
	for _, v := range vpcs.Vpcs {
		note("network %s, %d IPv6 ranges", *v.CidrBlock, len(v.Ipv6CidrBlockAssociationSet))
	}
	subnets, err := client.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{})
	if err != nil {
		return err
	}
	for _, n := range subnets.Subnets { // whose ranges are free ones, in the order in which they are made
		note("subnet %s in %s, %d IPv6 ranges, public %t", tag(n.Tags), *n.AvailabilityZone, len(n.Ipv6CidrBlockAssociationSet), aws.ToBool(n.MapPublicIpOnLaunch))
	}
	tables, err := client.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{})
	if err != nil {
		return err
	}
	for _, t := range tables.RouteTables {
		note("route table %s of %d routes and %d subnets", tag(t.Tags), len(t.Routes), len(t.Associations))
	}
	six, err := client.DescribeEgressOnlyInternetGateways(ctx, &ec2.DescribeEgressOnlyInternetGatewaysInput{})
	if err != nil {
		return err
	}
	note("%d egress-only internet gateways", len(six.EgressOnlyInternetGateways))
	gateways, err := client.DescribeInternetGateways(ctx, &ec2.DescribeInternetGatewaysInput{})
	if err != nil {
		return err
	}
	for _, g := range gateways.InternetGateways {
		note("internet gateway %s, attached to %d", tag(g.Tags), len(g.Attachments))
	}
	nats, err := client.DescribeNatGateways(ctx, &ec2.DescribeNatGatewaysInput{})
	if err != nil {
		return err
	}
	for _, g := range nats.NatGateways {
		if g.State != types.NatGatewayStateDeleted { // which is shown for a while
			note("NAT gateway %s, %s", tag(g.Tags), g.State)
		}
	}
	addresses, err := client.DescribeAddresses(ctx, &ec2.DescribeAddressesInput{})
	if err != nil {
		return err
	}
	for _, a := range addresses.Addresses {
		note("address %s", tag(a.Tags))
	}
	endpoints, err := client.DescribeVpcEndpoints(ctx, &ec2.DescribeVpcEndpointsInput{})
	if err != nil {
		return err
	}
	for _, e := range endpoints.VpcEndpoints {
		if e.State != "deleted" {
			note("endpoint %s of %s with %d subnets and %d route tables", tag(e.Tags), *e.ServiceName, len(e.SubnetIds), len(e.RouteTableIds))
		}
	}
	return nil
}

// groups lists security groups.
func groups(ctx context.Context, cfg aws.Config, note func(string, ...any)) error {
	out, err := ec2.NewFromConfig(cfg).DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{})
	if err != nil {
		return err
	}
	for _, g := range out.SecurityGroups {
		note("security group %s with %d ways in and %d out", *g.GroupName, ranges(g.IpPermissions), ranges(g.IpPermissionsEgress))
	}
	return nil
}

func ranges(all []types.IpPermission) (n int) {
	for _, p := range all {
		n += len(p.IpRanges) + len(slices.DeleteFunc(p.Ipv6Ranges, func(r types.Ipv6Range) bool { return r.CidrIpv6 == nil }))
	}
	return n
}

// tag is the name that something has by its tag.
func tag(tags []types.Tag) string {
	for _, t := range tags {
		if *t.Key == "Name" {
			return *t.Value
		}
	}
	return "without a name"
}
