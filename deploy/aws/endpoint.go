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

func init() {
	registerModel(model{
		Type: &schema.Type{
			Name: typeEndpoint, Self: "id",
			Doc: "A way from a network to a service of AWS, without the internet: known by its tag Name in the network. A gateway endpoint, of S3 and DynamoDB, costs nothing; an interface endpoint about 7 $ a month in each subnet.",
			Notes: "An interface endpoint of execute-api serves private REST APIs alone: with PrivateDns it takes the names of all other APIs from the network, and answers 403. " +
				"PrivateDns needs DnsHostnames <- true on the network. Route tables, subnets and security groups that the script does not have are taken from the endpoint.",
			Properties: []schema.Property{
				inNetwork,
				{Name: "Service", Kinds: texts, Required: true, Fixed: true, Doc: `The service, such as "dynamodb", "s3", "lambda" or "execute-api"; com.amazonaws.REGION. is put before it if it is not there.`},
				{Name: "Type", Kinds: texts, Enum: []string{"gateway", "interface"}, Fixed: true, Doc: "Whether it is a route, or addresses in subnets.", Default: "gateway for s3 and dynamodb, else interface"},
				{Name: "RouteTables", Kinds: lists, Doc: "Of a gateway endpoint: the route tables that lead to it, or their ids.", Default: "the main one"},
				{Name: "Subnets", Kinds: lists, Doc: "Of an interface endpoint: where it has an address, one subnet in each zone."},
				{Name: "SecurityGroups", Kinds: lists, Doc: "Of an interface endpoint: who lets callers in, on port 443.", Default: "the network's default group"},
				{Name: "PrivateDns", Kinds: booleans, Doc: "Of an interface endpoint: whether the usual name of the service leads to it within the network.", Default: "true"},
			},
			Members: []schema.Member{idMember("endpoint"), nameMember("endpoint")},
		},
		noun: "endpoint", rests: []string{"Subnets", "SecurityGroups"}, refuse: refuseEndpoint, read: readEndpoint, wants: wantEndpoint, create: createEndpoint, update: updateEndpoint, remove: removeEndpoint,
	}, false)
}

// serviceName is the full name of an endpoint's service.
func serviceName(v *values) string {
	name := v.text("Service", "")
	if strings.HasPrefix(name, "com.") || strings.HasPrefix(name, "aws.") {
		return name
	}
	return "com.amazonaws." + v.region + "." + name
}

func endpointType(v *values) types.VpcEndpointType {
	def := "interface"
	if name := serviceName(v); strings.HasSuffix(name, ".s3") || strings.HasSuffix(name, ".dynamodb") {
		def = "gateway"
	}
	if v.text("Type", def) == "gateway" {
		return types.VpcEndpointTypeGateway
	}
	return types.VpcEndpointTypeInterface
}

// refuseEndpoint refuses what an endpoint of its type does not have.
func refuseEndpoint(v *values) error {
	kind, not := "a gateway", []string{"Subnets", "SecurityGroups", "PrivateDns"}
	if endpointType(v) == types.VpcEndpointTypeInterface {
		kind, not = "an interface", []string{"RouteTables"}
		if !v.has("Subnets") {
			return problem(v.value("Service").Position(), "E45", "Write: Subnets <- net->subnets, where net is the network.", "Subnets was not defined: an interface endpoint lies in some")
		}
	}
	for _, name := range not {
		if v.has(name) {
			return problem(v.value(name).Position(), "E33", "Leave the line out, or give the endpoint another Type.", "%s endpoint has no %s", kind, name)
		}
	}
	return nil
}

func endpointOf(ctx context.Context, v *values) (*types.VpcEndpoint, error) {
	network := v.object("Network", "id")
	if network == "" {
		return nil, nil
	}
	all, err := v.network.endpoints.get(ctx, v, tagName, func(e types.VpcEndpoint) string { return nameTag(e.Tags) }, v.listEndpoints)
	if err != nil {
		return nil, err
	}
	here := slices.DeleteFunc(inside(network, all, func(e types.VpcEndpoint) *string { return e.VpcId }), func(e types.VpcEndpoint) bool { return strings.EqualFold(string(e.State), "deleted") })
	return only("endpoints", v.name, here, func(e types.VpcEndpoint) *string { return e.VpcEndpointId })
}

func (p *Provider) listEndpoints(ctx context.Context, filter types.Filter) ([]types.VpcEndpoint, error) {
	return every(ctx, ec2.NewDescribeVpcEndpointsPaginator(p.ec2, &ec2.DescribeVpcEndpointsInput{Filters: []types.Filter{filter}}),
		func(out *ec2.DescribeVpcEndpointsOutput) []types.VpcEndpoint { return out.VpcEndpoints })
}

// leaving reports whether an endpoint is shown only because it was there a moment ago.
func leaving(e types.VpcEndpoint) bool {
	return strings.EqualFold(string(e.State), "deleting") || strings.EqualFold(string(e.State), "deleted")
}

func groupIDs(e *types.VpcEndpoint) []string {
	var ids []string
	for _, g := range e.Groups {
		ids = append(ids, aws.ToString(g.GroupId))
	}
	return ids
}

func readEndpoint(ctx context.Context, v *values) (*real, error) {
	e, err := endpointOf(ctx, v)
	if e == nil || err != nil {
		return nil, err
	}
	r := &real{settings: settings{"Network": aws.ToString(e.VpcId), "Service": aws.ToString(e.ServiceName), "Type": strings.ToLower(string(e.VpcEndpointType)),
		"RouteTables": sorted(e.RouteTableIds), "Subnets": sorted(e.SubnetIds), "SecurityGroups": sorted(groupIDs(e)), "PrivateDns": yes(aws.ToBool(e.PrivateDnsEnabled))},
		members: map[string]any{"id": aws.ToString(e.VpcEndpointId)}}
	switch state := strings.ToLower(string(e.State)); state {
	case "available":
	case "failed", "rejected", "expired":
		r.failed = "it is " + state
		if e.LastError != nil {
			r.failed = aws.ToString(e.LastError.Message)
		}
	default:
		r.busy = true
	}
	return r, nil
}

func wantEndpoint(v *values) settings {
	want := settings{"Network": v.object("Network", "id"), "Service": serviceName(v), "Type": strings.ToLower(string(endpointType(v)))}
	for _, name := range []string{"RouteTables", "Subnets", "SecurityGroups"} {
		if v.has(name) {
			want[name] = sorted(v.list(name))
		}
	}
	if endpointType(v) == types.VpcEndpointTypeInterface {
		want["PrivateDns"] = yes(v.flag("PrivateDns", true))
	}
	return want
}

func createEndpoint(ctx context.Context, v *values) error {
	in := &ec2.CreateVpcEndpointInput{VpcId: aws.String(v.object("Network", "id")), ServiceName: aws.String(serviceName(v)), VpcEndpointType: endpointType(v),
		RouteTableIds: v.list("RouteTables"), SubnetIds: v.list("Subnets"), SecurityGroupIds: v.list("SecurityGroups"), TagSpecifications: named(types.ResourceTypeVpcEndpoint, v.name)}
	if in.VpcEndpointType == types.VpcEndpointTypeInterface {
		in.PrivateDnsEnabled = aws.Bool(v.flag("PrivateDns", true))
	} else if !v.has("RouteTables") {
		out, err := v.ec2.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{Filters: append(vpcFilter("vpc-id", *in.VpcId), vpcFilter("association.main", "true")...)})
		if err == nil && len(out.RouteTables) == 0 {
			err = fmt.Errorf("the network %s has no main route table", *in.VpcId)
		}
		if err != nil {
			return err
		}
		in.RouteTableIds = []string{aws.ToString(out.RouteTables[0].RouteTableId)}
	}
	_, err := v.ec2.CreateVpcEndpoint(ctx, in)
	return err
}

func updateEndpoint(ctx context.Context, v *values, differs map[string]bool) error {
	e, err := endpointOf(ctx, v)
	if err == nil && e == nil {
		err = fmt.Errorf("endpoint %s is gone", v.name)
	}
	if err != nil {
		return err
	}
	in := &ec2.ModifyVpcEndpointInput{VpcEndpointId: e.VpcEndpointId}
	if differs["RouteTables"] {
		in.AddRouteTableIds, in.RemoveRouteTableIds = edit(e.RouteTableIds, v.list("RouteTables"))
	}
	if differs["Subnets"] {
		in.AddSubnetIds, in.RemoveSubnetIds = edit(e.SubnetIds, v.list("Subnets"))
	}
	if differs["SecurityGroups"] {
		in.AddSecurityGroupIds, in.RemoveSecurityGroupIds = edit(groupIDs(e), v.list("SecurityGroups"))
	}
	if differs["PrivateDns"] {
		in.PrivateDnsEnabled = aws.Bool(v.flag("PrivateDns", true))
	}
	_, err = v.ec2.ModifyVpcEndpoint(ctx, in)
	return err
}

// edit is what makes one list of ids of another.
func edit(have, want []string) (add, remove []string) {
	without := func(list, others []string) (rest []string) {
		for _, id := range list {
			if !slices.Contains(others, id) {
				rest = append(rest, id)
			}
		}
		return rest
	}
	return without(want, have), without(have, want)
}

func removeEndpoint(ctx context.Context, v *values) error {
	return v.deleteEndpoints(ctx, []string{v.found.member("id")})
}

// deleteEndpoints reads the fate of each endpoint off the answer, which is a success either way.
func (p *Provider) deleteEndpoints(ctx context.Context, ids []string) error {
	out, err := p.ec2.DeleteVpcEndpoints(ctx, &ec2.DeleteVpcEndpointsInput{VpcEndpointIds: ids})
	if err != nil {
		return ignore(err, "InvalidVpcEndpointId.NotFound", "InvalidRoute.NotFound") // moto misses the routes of one that is gone
	}
	for _, u := range out.Unsuccessful {
		if u.Error != nil && aws.ToString(u.Error.Code) != "InvalidVpcEndpoint.NotFound" && aws.ToString(u.Error.Code) != "InvalidVpcEndpointId.NotFound" {
			return fmt.Errorf("endpoint %s is not deleted: %s: %s", aws.ToString(u.ResourceId), aws.ToString(u.Error.Code), aws.ToString(u.Error.Message))
		}
	}
	return nil
}
