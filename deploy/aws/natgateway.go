package aws

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"quotewire/deploy"
	"quotewire/dply/check"
	"quotewire/dply/schema"
)

// natWait is how long a NAT gateway may take to come and to go: minutes are normal.
const natWait = 15 * time.Minute

func init() {
	registerModel(model{
		Type: &schema.Type{
			Name: typeAddress, Self: "id",
			Doc:        "A public IPv4 address of the account (an Elastic IP address), known by its tag Name. AWS asks about 4 $ a month for it, used or not.",
			Properties: []schema.Property{},
			Members:    []schema.Member{{Name: "id", Kind: schema.String, Doc: "The allocation id."}, nameMember("address"), {Name: "publicIp", Kind: schema.String, Doc: "The address itself."}},
		},
		noun: "address", outputs: []string{"publicIp"}, read: readAddress, wants: func(*values) settings { return nil }, create: createAddress, remove: removeAddress,
	}, true)
	subnet := schema.Property{Name: "Subnet", Kinds: objects, Objects: []string{typeSubnet}, Required: true, Fixed: true,
		Doc: "The subnet in which it stands, or its id. Of a public one, the subnet needs a route to an internet gateway, and is another one than those that it serves."}
	registerModel(model{
		Type: &schema.Type{
			Name: typeNAT, Self: "id",
			Doc:   "The way out over IPv4 for what has no public address, such as functions: known by its tag Name. It costs about 33 $ a month while idle, and 0.045 $ a GB.",
			Notes: "A public one waits for the internet gateway that the script gives its network.",
			Properties: []schema.Property{subnet,
				{Name: "Address", Kinds: objects, Objects: []string{typeAddress}, Fixed: true, Doc: "The public address that it has, or its allocation id.", Default: "none: it is private, and leads to other networks only"},
			},
			Members: []schema.Member{idMember("gateway"), nameMember("gateway")},
		},
		noun: "NAT gateway", wait: natWait, read: readNAT, wants: wantNAT, create: createNAT, remove: removeNAT,
		order: func(p *Provider, g *deploy.Graph, s *check.Statement, n *deploy.Node) {
			p.ways.nat(partName(g, networkOf(s.Prop("Subnet"))), n)
		},
	}, true)
}

// networkOf is the network that a subnet of the script is in, or nil.
func networkOf(subnet check.Value) check.Value {
	r, ok := subnet.(check.Reference)
	switch {
	case !ok || r.Statement.Type == nil:
		return nil
	case r.Statement.Type.Name == typeSubnet:
		return r.Statement.Prop("Network")
	}
	return r
}

// ways are what a run describes of networks, by the name or the id that it knows them by. A NAT gateway fails in a network
// without an internet gateway, and that one cannot be detached before; no property says so.
type ways struct {
	internet, nats, all map[string][]*deploy.Node
}

func newWays() ways {
	return ways{internet: map[string][]*deploy.Node{}, nats: map[string][]*deploy.Node{}, all: map[string][]*deploy.Node{}}
}

func (w *ways) enter(network string, n *deploy.Node) { w.all[network] = append(w.all[network], n) }

// within is everything in a network.
func (w *ways) within(name, id string) []*deploy.Node { return slices.Concat(w.all[name], w.all[id]) }

func (w *ways) nat(network string, n *deploy.Node) {
	n.On(w.internet[network]...)
	w.nats[network] = append(w.nats[network], n)
	w.enter(network, n)
}

func (w *ways) gateway(network string, n *deploy.Node) {
	w.internet[network] = append(w.internet[network], n)
	for _, nat := range w.nats[network] {
		nat.On(n)
	}
}

func readAddress(ctx context.Context, v *values) (*real, error) {
	all, err := v.network.addresses.get(ctx, v, tagName, func(a types.Address) string { return nameTag(a.Tags) },
		func(ctx context.Context, filter types.Filter) ([]types.Address, error) {
			out, err := v.ec2.DescribeAddresses(ctx, &ec2.DescribeAddressesInput{Filters: []types.Filter{filter}})
			if err != nil {
				return nil, err
			}
			return out.Addresses, nil
		})
	if err != nil {
		return nil, err
	}
	a, err := only("addresses", v.name, all, func(a types.Address) *string { return a.AllocationId })
	if a == nil || err != nil {
		return nil, err
	}
	return &real{members: map[string]any{"id": aws.ToString(a.AllocationId), "publicIp": aws.ToString(a.PublicIp)}}, nil
}

func createAddress(ctx context.Context, v *values) error {
	_, err := v.ec2.AllocateAddress(ctx, &ec2.AllocateAddressInput{Domain: types.DomainTypeVpc, TagSpecifications: named(types.ResourceTypeElasticIp, v.name)})
	return err
}

func removeAddress(ctx context.Context, v *values) error {
	return deploy.Retry(ctx, natWait, func(err error) string {
		if is(err, "InvalidIPAddress.InUse") {
			return "for what has the address to let go of it"
		}
		return ""
	}, func(ctx context.Context) error {
		_, err := v.ec2.ReleaseAddress(ctx, &ec2.ReleaseAddressInput{AllocationId: aws.String(v.found.member("id"))})
		return ignore(err, "InvalidAllocationID.NotFound")
	})
}

// readNAT takes no notice of a gateway that has failed or is going: AWS shows it for an hour, and it is of no use.
func readNAT(ctx context.Context, v *values) (*real, error) {
	all, err := v.network.nats.get(ctx, v, tagName, func(g types.NatGateway) string { return nameTag(g.Tags) },
		func(ctx context.Context, filter types.Filter) ([]types.NatGateway, error) {
			alive := types.Filter{Name: aws.String("state"), Values: []string{"pending", "available"}}
			return every(ctx, ec2.NewDescribeNatGatewaysPaginator(v.ec2, &ec2.DescribeNatGatewaysInput{Filter: []types.Filter{filter, alive}}),
				func(out *ec2.DescribeNatGatewaysOutput) []types.NatGateway { return out.NatGateways })
		})
	if err != nil {
		return nil, err
	}
	// Not every server minds the filter of a tag here.
	here := slices.DeleteFunc(slices.Clone(all), func(g types.NatGateway) bool { return nameTag(g.Tags) != v.name })
	g, err := only("NAT gateways", v.name, here, func(g types.NatGateway) *string { return g.NatGatewayId })
	if g == nil || err != nil {
		return nil, err
	}
	r := &real{settings: settings{"Subnet": aws.ToString(g.SubnetId)}, members: map[string]any{"id": aws.ToString(g.NatGatewayId)}, busy: g.State != types.NatGatewayStateAvailable}
	for _, a := range g.NatGatewayAddresses {
		r.settings["Address"] = aws.ToString(a.AllocationId)
	}
	return r, nil
}

func wantNAT(v *values) settings {
	return settings{"Subnet": v.object("Subnet", "id"), "Address": v.object("Address", "id")}
}

// createNAT waits here for a gateway that it has made itself, because one that fails would not be found again.
func createNAT(ctx context.Context, v *values) error {
	in := &ec2.CreateNatGatewayInput{SubnetId: aws.String(v.object("Subnet", "id")), AllocationId: optional(v.object("Address", "id")), TagSpecifications: named(types.ResourceTypeNatgateway, v.name)}
	if in.AllocationId == nil {
		in.ConnectivityType = types.ConnectivityTypePrivate
	}
	out, err := v.ec2.CreateNatGateway(ctx, in)
	if err != nil {
		return err
	}
	id := aws.ToString(out.NatGateway.NatGatewayId)
	return deploy.Await(ctx, "for NAT gateway "+v.name+" to be ready", natWait, func(ctx context.Context) (bool, error) {
		out, err := v.ec2.DescribeNatGateways(ctx, &ec2.DescribeNatGatewaysInput{NatGatewayIds: []string{id}})
		if is(err, "NatGatewayNotFound") {
			return false, nil
		}
		if err != nil || len(out.NatGateways) == 0 {
			return false, err
		}
		g := out.NatGateways[0]
		if g.State == types.NatGatewayStateFailed {
			return false, fmt.Errorf("NAT gateway %s (%s) failed: %s: %s", v.name, id, aws.ToString(g.FailureCode), aws.ToString(g.FailureMessage))
		}
		return g.State == types.NatGatewayStateAvailable, nil
	})
}

// removeNAT waits until the gateway has let go of its address and its subnet.
func removeNAT(ctx context.Context, v *values) error {
	id := v.found.member("id")
	if _, err := v.ec2.DeleteNatGateway(ctx, &ec2.DeleteNatGatewayInput{NatGatewayId: &id}); err != nil {
		return ignore(err, "NatGatewayNotFound")
	}
	return deploy.Await(ctx, "for NAT gateway "+v.name+" to be gone", natWait, func(ctx context.Context) (bool, error) {
		out, err := v.ec2.DescribeNatGateways(ctx, &ec2.DescribeNatGatewaysInput{NatGatewayIds: []string{id}})
		if is(err, "NatGatewayNotFound") || err == nil && len(out.NatGateways) == 0 {
			return true, nil
		}
		return err == nil && out.NatGateways[0].State == types.NatGatewayStateDeleted, err
	})
}
