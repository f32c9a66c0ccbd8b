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
	register(entry{Type: networkType, ensure: ensureNetwork, find: findNetwork})
}

var networkType = &schema.Type{
	Name: typeNetwork, Ensure: true, Find: true, Self: "id",
	Doc:   "A network, known by its tag Name. Ensured, it is a small one for functions: two private subnets in two zones, the default security group, and the ways out that are asked for. What it has already is never removed.",
	Notes: "Other subnets, route tables, gateways and endpoints are statements of their own, which name the network. A teardown removes all that is in it.",
	Properties: []schema.Property{
		{Name: "CidrBlock", Kinds: texts, Doc: "The IPv4 range of a new network, /16 to /26.", Default: DefaultCIDR},
		{Name: "PrivateSubnets", Kinds: numbers, Max: 6, Doc: "How many subnets of its own it has, without a way in, each in a zone of its own. With 0, all its subnets are aws.VPC.Subnet statements.", Default: "2"},
		{Name: "DnsHostnames", Kinds: booleans, Doc: "Whether what is in it gets DNS names. The private names of interface endpoints need it.", Default: "false"},
		{Name: "DualStack", Kinds: booleans, Doc: "Whether the network and its subnets have IPv6 addresses as well.", Default: "false, or true with an EgressOnlyInternetGateway"},
		{Name: "EgressOnlyInternetGateway", Kinds: booleans, Doc: "A way out over IPv6, which costs nothing while idle. Functions take it with DualStack <- true in their VpcConfig, to addresses that have IPv6.", Default: "false"},
		{Name: "GatewayEndpoints", Kinds: lists, Doc: `Services that the network reaches directly, at no cost: "s3", "dynamodb".`},
	},
	Members: []schema.Member{
		{Name: "id", Kind: schema.String, Doc: "The id of the network."}, nameMember("network"),
		{Name: "subnets", Kind: schema.List, Doc: "The ids of all its subnets, sorted, but for those that statements of the script make."},
		{Name: "securityGroups", Kind: schema.List, Doc: "The ids of all its security groups, sorted, but for those that statements of the script make."}},
}

// The types of a network and what is in it.
const (
	typeNetwork         = "aws.VPC.VPC"
	typeSubnet          = "aws.VPC.Subnet"
	typeSecurityGroup   = "aws.VPC.SecurityGroup"
	typeRouteTable      = "aws.VPC.RouteTable"
	typeInternetGateway = "aws.VPC.InternetGateway"
	typeEgressOnly      = "aws.VPC.EgressOnlyInternetGateway"
	typeNAT             = "aws.VPC.NatGateway"
	typeAddress         = "aws.VPC.Address"
	typeEndpoint        = "aws.VPC.Endpoint"
)

func networkKey(name string) deploy.Key { return deploy.Key{Type: typeNetwork, Name: name} }

// vpc is a network, found by its tag Name or made as [Network] says.
type vpc struct {
	maker *networkMaker
	want  *Network // nil if it is only looked up
	state networkState
}

func findNetwork(p *Provider, g *deploy.Graph, s *check.Statement) error {
	return found(g, s, networkKey(s.Name), &vpc{maker: p.maker(s.Name)})
}

func ensureNetwork(p *Provider, g *deploy.Graph, s *check.Statement) error {
	_, err := ensured(g, s, networkKey(s.Name), func() deploy.Resource {
		cidr, _ := g.String(s.Prop("CidrBlock"))
		endpoints, _ := g.Strings(s.Prop("GatewayEndpoints"))
		want := Network{Name: s.Name, CIDR: cidr, DualStack: g.Bool(s.Prop("DualStack"), false),
			EgressOnly: g.Bool(s.Prop("EgressOnlyInternetGateway"), false), GatewayEndpoints: endpoints,
			subnets: int(g.Number(s.Prop("PrivateSubnets"), privateSubnets)), dnsNames: g.Bool(s.Prop("DnsHostnames"), false)}
		return &vpc{maker: p.maker(s.Name), want: &want}
	})
	return err
}

func (v *vpc) String() string { return "network " + v.maker.name }
func (v *vpc) Exists() bool   { return v.state.id != "" }

func (v *vpc) Absent() (where, hint string) {
	return "in " + v.maker.p.region, fmt.Sprintf("`quotewire vpc %s` makes one (add `--egress-only` for one with a way out).", v.maker.name)
}

func (v *vpc) Read(ctx context.Context) error {
	found, err := v.maker.find(ctx)
	if err != nil || found == nil {
		return err
	}
	if v.want != nil {
		v.state, err = v.maker.read(ctx, found, v.want)
		return err
	}
	v.state.id = aws.ToString(found.VpcId)
	return v.maker.members(ctx, &v.state)
}

// subnets are the ids of the subnets, sorted. Those that other statements make are left out, as with groups: they are not
// there yet on the first deploy, and what it places in the network is to stay there on the second.
func (v *vpc) subnets() []string {
	var ids []string
	for _, n := range v.state.subnets {
		if !v.maker.described(v.state.id, typeSubnet, nameTag(n.Tags)) {
			ids = append(ids, aws.ToString(n.SubnetId))
		}
	}
	return inOrder(ids)
}

func (v *vpc) groups() []string {
	var ids []string
	for _, g := range v.state.groups {
		if !v.maker.described(v.state.id, typeSecurityGroup, aws.ToString(g.GroupName)) {
			ids = append(ids, aws.ToString(g.GroupId))
		}
	}
	return inOrder(ids)
}

func (v *vpc) Plan() (deploy.Step, error) {
	if v.want == nil {
		return deploy.Step{}, nil
	}
	if v.state.id == "" {
		return deploy.Step{Action: deploy.Create}, nil
	}
	var changes []deploy.Change
	for _, part := range v.state.missing(v.want) {
		changes = append(changes, deploy.Change{Property: part})
	}
	return updateIf(changes), nil
}

func (v *vpc) Apply(ctx context.Context) error { return v.maker.ensure(ctx, &v.state, v.want) }

func (v *vpc) Delete(ctx context.Context) error { return v.maker.remove(ctx, v.state.id) }

func (v *vpc) Member(name string) (any, bool) {
	known := v.state.id != ""
	switch name {
	case "id":
		return v.state.id, known
	case "name":
		return v.maker.name, true
	case "subnets":
		return v.subnets(), known
	case "securityGroups":
		return v.groups(), known
	}
	return nil, false
}

// named is the tag by which people and scripts know a network and its parts.
func named(kind types.ResourceType, name string) []types.TagSpecification {
	return []types.TagSpecification{{ResourceType: kind, Tags: []types.Tag{{Key: aws.String("Name"), Value: &name}}}}
}

// find returns the network of that name, or nil. Two of them are an error: nobody could tell which is meant.
func (m *networkMaker) find(ctx context.Context) (*types.Vpc, error) {
	found, err := every(ctx, ec2.NewDescribeVpcsPaginator(m.p.ec2, &ec2.DescribeVpcsInput{Filters: vpcFilter(tagName, m.name)}),
		func(out *ec2.DescribeVpcsOutput) []types.Vpc { return out.Vpcs })
	if err != nil {
		return nil, err
	}
	return only("networks", m.name, found, func(v types.Vpc) *string { return v.VpcId })
}
