package aws

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"quotewire/deploy"
)

// Waits of the network. Lambda gives its interfaces back only some time after the last function has left.
const (
	addressWait   = time.Minute
	interfaceWait = 25 * time.Minute
)

// DefaultCIDR is the address range of a network that names none.
const DefaultCIDR = "10.0.0.0/16"

// privateSubnets is how many a network has that is not said to have others: Lambda advises two zones at least.
const privateSubnets = 2

// Network is a small network for functions: private subnets in a zone each, and the ways out that are asked for. It has
// no internet gateway and no NAT gateway; a script adds them by statements of their own.
type Network struct {
	Name             string
	CIDR             string   // an IPv4 range of /16 to /26; "" is DefaultCIDR
	DualStack        bool     // IPv6 as well; implied by EgressOnly
	EgressOnly       bool     // a way out over IPv6, by an egress-only internet gateway
	GatewayEndpoints []string // a way to these services of the region: "s3", "dynamodb"

	subnets  int  // private ones of its own
	dnsNames bool // whether what is in it gets names, which private names of endpoints need
}

// NetworkInfo is what a network consists of.
type NetworkInfo struct {
	ID             string
	Subnets        []string // sorted
	SecurityGroups []string // sorted
	Changed        bool     // something was made
}

// MakeNetwork makes sure that a network of that name is there and has what is asked for; it removes nothing. It does what
// `ensure aws.VPC.VPC` does.
func MakeNetwork(ctx context.Context, cfg aws.Config, want Network) (NetworkInfo, error) {
	p := NewProvider(cfg)
	want.subnets = privateSubnets
	v := &vpc{maker: p.maker(want.Name), want: &want}
	err := v.Read(ctx)
	var step deploy.Step
	if err == nil {
		step, err = v.Plan()
	}
	if err == nil && step.Action != deploy.None {
		err = v.Apply(ctx)
	}
	if err != nil {
		message, hint := p.Explain(err)
		return NetworkInfo{}, fmt.Errorf("make network %s: %s\n%s", want.Name, message, hint)
	}
	return NetworkInfo{ID: v.state.id, Subnets: v.subnets(), SecurityGroups: v.groups(), Changed: step.Action != deploy.None}, nil
}

// networkMaker makes one network.
type networkMaker struct {
	p    *Provider
	name string
}

func (p *Provider) maker(name string) *networkMaker { return &networkMaker{p: p, name: name} }

// networkState is what a network has.
type networkState struct {
	id         string
	cidr       string
	ipv6       string         // its IPv6 range, or ""
	subnets    []types.Subnet // all of them
	groups     []types.SecurityGroup
	own        []types.Subnet   // those that no other statement describes
	dnsNames   bool             // known if the script asks for it
	routes     types.RouteTable // the main one
	gateway    string           // the egress-only internet gateway, or ""
	endpoints  []string         // services with a gateway endpoint: "s3", …
	group      string           // the default security group
	groupOpen6 bool             // which lets IPv6 out
}

// The parts that can be missing from a network that exists.
const (
	partIPv6    = "IPv6 addresses"
	partSubnet  = "subnets"
	partSubnet6 = "IPv6 addresses of the subnets"
	partGateway = "egress-only internet gateway"
	partRoute   = "route to the egress-only internet gateway"
	partGroup   = "security group rule for IPv6"
	partEndpnt  = "gateway endpoint "
	partNames   = "DNS host names"
)

func (w *Network) dualStack() bool { return w.DualStack || w.EgressOnly }

// missing lists the parts that are wanted and not there.
func (s *networkState) missing(w *Network) []string {
	var parts []string
	lack := func(missing bool, part string) {
		if missing {
			parts = append(parts, part)
		}
	}
	lack(w.dualStack() && s.ipv6 == "", partIPv6)
	lack(w.dnsNames && !s.dnsNames, partNames)
	lack(len(s.own) < w.subnets, partSubnet)
	lack(w.dualStack() && slices.ContainsFunc(s.own, func(n types.Subnet) bool { return ipv6Of(n) == "" }), partSubnet6)
	lack(w.EgressOnly && s.gateway == "", partGateway)
	lack(w.EgressOnly && !s.routed(), partRoute)
	lack(w.dualStack() && !s.groupOpen6, partGroup)
	for _, service := range w.GatewayEndpoints {
		lack(!slices.Contains(s.endpoints, service), partEndpnt+service)
	}
	return parts
}

func (s *networkState) routed() bool {
	return s.gateway != "" && slices.ContainsFunc(s.routes.Routes, func(r types.Route) bool {
		return aws.ToString(r.DestinationIpv6CidrBlock) == "::/0" && aws.ToString(r.EgressOnlyInternetGatewayId) == s.gateway
	})
}

func ipv6Of(n types.Subnet) string {
	for _, a := range n.Ipv6CidrBlockAssociationSet {
		if a.Ipv6CidrBlockState == nil || a.Ipv6CidrBlockState.State != types.SubnetCidrBlockStateCodeDisassociated {
			return aws.ToString(a.Ipv6CidrBlock)
		}
	}
	return ""
}

func vpcFilter(name, id string) []types.Filter {
	return []types.Filter{{Name: &name, Values: []string{id}}}
}

func inVPC(id string) types.Filter { return vpcFilter("vpc-id", id)[0] }

func ipv6OfNetwork(v *types.Vpc) (cidr string) {
	for _, a := range v.Ipv6CidrBlockAssociationSet {
		if a.Ipv6CidrBlockState == nil || a.Ipv6CidrBlockState.State == types.VpcCidrBlockStateCodeAssociated {
			cidr = aws.ToString(a.Ipv6CidrBlock)
		}
	}
	return cidr
}

func egressOnlyOf(g types.EgressOnlyInternetGateway, network string) bool {
	return slices.ContainsFunc(g.Attachments, func(a types.InternetGatewayAttachment) bool { return aws.ToString(a.VpcId) == network })
}

// nameTag is the name by which scripts know something of a network.
func nameTag(tags []types.Tag) string {
	for _, t := range tags {
		if aws.ToString(t.Key) == "Name" {
			return aws.ToString(t.Value)
		}
	}
	return ""
}

// described reports whether a statement of its own makes something in the network.
func (m *networkMaker) described(network, kind, name string) bool {
	return slices.ContainsFunc(m.p.ways.within(m.name, network), func(n *deploy.Node) bool {
		return n.Key.Type == kind && !n.Found && n.Statement.Name == name
	})
}

// read looks at everything that ensure may have to add to.
func (m *networkMaker) read(ctx context.Context, v *types.Vpc, w *Network) (networkState, error) {
	s := networkState{id: aws.ToString(v.VpcId), cidr: aws.ToString(v.CidrBlock), ipv6: ipv6OfNetwork(v)}
	if w.dnsNames {
		out, err := m.p.ec2.DescribeVpcAttribute(ctx, &ec2.DescribeVpcAttributeInput{VpcId: &s.id, Attribute: types.VpcAttributeNameEnableDnsHostnames})
		if err != nil {
			return s, err
		}
		s.dnsNames = out.EnableDnsHostnames != nil && aws.ToBool(out.EnableDnsHostnames.Value)
	}
	if err := m.members(ctx, &s); err != nil {
		return s, err
	}
	for _, n := range s.subnets {
		if !m.described(s.id, typeSubnet, nameTag(n.Tags)) {
			s.own = append(s.own, n)
		}
	}
	tables, err := m.p.listRouteTables(ctx, inVPC(s.id))
	if err != nil {
		return s, err
	}
	for _, t := range tables {
		if slices.ContainsFunc(t.Associations, func(a types.RouteTableAssociation) bool { return aws.ToBool(a.Main) }) {
			s.routes = t
		}
	}
	gateways, err := m.p.listEgressOnly(ctx)
	if err != nil {
		return s, err
	}
	for _, g := range gateways {
		if egressOnlyOf(g, s.id) {
			s.gateway = aws.ToString(g.EgressOnlyInternetGatewayId)
		}
	}
	endpoints, err := m.p.listEndpoints(ctx, inVPC(s.id))
	if err != nil {
		return s, err
	}
	for _, e := range endpoints {
		if e.VpcEndpointType == types.VpcEndpointTypeGateway && !leaving(e) {
			name := aws.ToString(e.ServiceName)
			s.endpoints = append(s.endpoints, name[strings.LastIndexByte(name, '.')+1:])
		}
	}
	for _, g := range s.groups {
		if aws.ToString(g.GroupName) != "default" {
			continue
		}
		s.group = aws.ToString(g.GroupId)
		s.groupOpen6 = slices.ContainsFunc(g.IpPermissionsEgress, func(p types.IpPermission) bool {
			return slices.ContainsFunc(p.Ipv6Ranges, func(r types.Ipv6Range) bool { return aws.ToString(r.CidrIpv6) == "::/0" })
		})
	}
	return s, nil
}

// members lists the subnets and the security groups of the network.
func (m *networkMaker) members(ctx context.Context, s *networkState) (err error) {
	if s.subnets, err = m.p.listSubnets(ctx, inVPC(s.id)); err == nil {
		s.groups, err = m.p.listGroups(ctx, inVPC(s.id))
	}
	return err
}

// ensure makes the network and what is missing from it, and reads it again.
func (m *networkMaker) ensure(ctx context.Context, s *networkState, w *Network) error {
	if s.id == "" {
		cidr := w.CIDR
		if cidr == "" {
			cidr = DefaultCIDR
		}
		in := &ec2.CreateVpcInput{CidrBlock: &cidr, TagSpecifications: named(types.ResourceTypeVpc, w.Name)}
		if w.dualStack() {
			in.AmazonProvidedIpv6CidrBlock = aws.Bool(true)
		}
		out, err := m.p.ec2.CreateVpc(ctx, in)
		if err != nil {
			return err
		}
		s.id = aws.ToString(out.Vpc.VpcId)
		if err := m.reread(ctx, s, w, "for the network to be there", func() bool { return s.routes.RouteTableId != nil && s.group != "" }); err != nil {
			return err
		}
	}
	if w.dnsNames && !s.dnsNames {
		_, err := m.p.ec2.ModifyVpcAttribute(ctx, &ec2.ModifyVpcAttributeInput{VpcId: &s.id, EnableDnsHostnames: &types.AttributeBooleanValue{Value: aws.Bool(true)}})
		if err != nil {
			return err
		}
	}
	if w.dualStack() && s.ipv6 == "" {
		if err := m.addIPv6(ctx, s, w); err != nil {
			return err
		}
	}
	if err := m.ensureSubnets(ctx, s, w); err != nil {
		return err
	}
	if err := m.ensureWayOut(ctx, s, w); err != nil {
		return err
	}
	for _, service := range w.GatewayEndpoints {
		if slices.Contains(s.endpoints, service) {
			continue
		}
		_, err := m.p.ec2.CreateVpcEndpoint(ctx, &ec2.CreateVpcEndpointInput{VpcId: &s.id, VpcEndpointType: types.VpcEndpointTypeGateway,
			ServiceName:   aws.String("com.amazonaws." + m.p.region + "." + service),
			RouteTableIds: []string{aws.ToString(s.routes.RouteTableId)}, TagSpecifications: named(types.ResourceTypeVpcEndpoint, w.Name+"-"+service)})
		if err != nil {
			return err
		}
	}
	return m.reread(ctx, s, w, "", nil)
}

// reread reads the network until ready says so; a nil ready is content with one look.
func (m *networkMaker) reread(ctx context.Context, s *networkState, w *Network, what string, ready func() bool) error {
	return deploy.Await(ctx, what, addressWait, func(ctx context.Context) (bool, error) {
		out, err := m.p.ec2.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{VpcIds: []string{s.id}})
		if is(err, "InvalidVpcID.NotFound") {
			return false, nil
		}
		if err != nil || len(out.Vpcs) == 0 {
			return false, err
		}
		if *s, err = m.read(ctx, &out.Vpcs[0], w); err != nil {
			return false, err
		}
		return ready == nil || ready(), nil
	})
}

// addIPv6 gives the network a range of its own. A network that was just made may only have to wait for it.
func (m *networkMaker) addIPv6(ctx context.Context, s *networkState, w *Network) error {
	out, err := m.p.ec2.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{VpcIds: []string{s.id}})
	if err != nil {
		return err
	}
	if len(out.Vpcs) > 0 && len(out.Vpcs[0].Ipv6CidrBlockAssociationSet) == 0 {
		_, err := m.p.ec2.AssociateVpcCidrBlock(ctx, &ec2.AssociateVpcCidrBlockInput{VpcId: &s.id, AmazonProvidedIpv6CidrBlock: aws.Bool(true)})
		if err != nil {
			return err
		}
	}
	return m.reread(ctx, s, w, "for IPv6 addresses", func() bool { return s.ipv6 != "" })
}

// ensureSubnets makes subnets until there are enough, each in a zone of its own, and gives each its IPv6 range.
func (m *networkMaker) ensureSubnets(ctx context.Context, s *networkState, w *Network) error {
	if len(s.own) < w.subnets {
		zones, err := m.p.ec2.DescribeAvailabilityZones(ctx, &ec2.DescribeAvailabilityZonesInput{
			Filters: []types.Filter{{Name: aws.String("state"), Values: []string{"available"}}}})
		if err != nil {
			return err
		}
		for i := 0; i < len(zones.AvailabilityZones) && len(s.own) < w.subnets; i++ {
			zone := aws.ToString(zones.AvailabilityZones[i].ZoneName)
			if slices.ContainsFunc(s.own, func(n types.Subnet) bool { return aws.ToString(n.AvailabilityZone) == zone }) {
				continue
			}
			cidr, err := freeRange(s.cidr, s.subnets)
			if err != nil {
				return err
			}
			in := &ec2.CreateSubnetInput{VpcId: &s.id, CidrBlock: &cidr, AvailabilityZone: &zone,
				TagSpecifications: named(types.ResourceTypeSubnet, w.Name+"-"+zone[len(zone)-1:])}
			if w.dualStack() {
				cidr6, err := freeRange6(s.ipv6, s.subnets)
				if err != nil {
					return err
				}
				in.Ipv6CidrBlock = &cidr6
			}
			out, err := m.p.ec2.CreateSubnet(ctx, in)
			if err != nil {
				return err
			}
			made := *out.Subnet
			if w.dualStack() && ipv6Of(made) == "" {
				made.Ipv6CidrBlockAssociationSet = []types.SubnetIpv6CidrBlockAssociation{{Ipv6CidrBlock: in.Ipv6CidrBlock}}
			}
			s.subnets, s.own = append(s.subnets, made), append(s.own, made)
		}
		if len(s.own) < w.subnets {
			return fmt.Errorf("%s has %d zones, too few for %d subnets in a zone each", m.p.region, len(zones.AvailabilityZones), w.subnets)
		}
	}
	for _, n := range s.own {
		if !w.dualStack() || ipv6Of(n) != "" {
			continue
		}
		cidr, err := freeRange6(s.ipv6, s.subnets)
		if err != nil {
			return err
		}
		if _, err := m.p.ec2.AssociateSubnetCidrBlock(ctx, &ec2.AssociateSubnetCidrBlockInput{SubnetId: n.SubnetId, Ipv6CidrBlock: &cidr}); err != nil {
			return err
		}
		i := slices.IndexFunc(s.subnets, func(x types.Subnet) bool { return aws.ToString(x.SubnetId) == aws.ToString(n.SubnetId) })
		s.subnets[i].Ipv6CidrBlockAssociationSet = []types.SubnetIpv6CidrBlockAssociation{{Ipv6CidrBlock: &cidr}} // it is taken now
	}
	return nil
}

// ensureWayOut makes the egress-only internet gateway, the route to it, and the rule that lets IPv6 pass.
func (m *networkMaker) ensureWayOut(ctx context.Context, s *networkState, w *Network) error {
	if w.EgressOnly && s.gateway == "" {
		out, err := m.p.ec2.CreateEgressOnlyInternetGateway(ctx, &ec2.CreateEgressOnlyInternetGatewayInput{VpcId: &s.id,
			TagSpecifications: named(types.ResourceTypeEgressOnlyInternetGateway, w.Name)})
		if err != nil {
			return err
		}
		s.gateway = aws.ToString(out.EgressOnlyInternetGateway.EgressOnlyInternetGatewayId)
	}
	if w.EgressOnly && !s.routed() {
		_, err := m.p.ec2.CreateRoute(ctx, &ec2.CreateRouteInput{RouteTableId: s.routes.RouteTableId,
			DestinationIpv6CidrBlock: aws.String("::/0"), EgressOnlyInternetGatewayId: &s.gateway})
		if err != nil {
			return err
		}
	}
	if w.dualStack() && !s.groupOpen6 {
		_, err := m.p.ec2.AuthorizeSecurityGroupEgress(ctx, &ec2.AuthorizeSecurityGroupEgressInput{GroupId: &s.group,
			IpPermissions: []types.IpPermission{{IpProtocol: aws.String("-1"), Ipv6Ranges: []types.Ipv6Range{{CidrIpv6: aws.String("::/0")}}}}})
		if err := ignore(err, "InvalidPermission.Duplicate"); err != nil {
			return err
		}
	}
	return nil
}

// freeRange returns the first part of a network's IPv4 range, eight bits narrower but at most /28, that no subnet has.
func freeRange(network string, subnets []types.Subnet) (string, error) {
	p, err := netip.ParsePrefix(network)
	if err != nil || !p.Addr().Is4() {
		return "", fmt.Errorf("%q is not an IPv4 range such as %s", network, DefaultCIDR)
	}
	bits := min(p.Bits()+8, 28)
	base := binary.BigEndian.Uint32(p.Masked().Addr().AsSlice())
	for i := range uint32(1) << (bits - min(p.Bits(), bits)) {
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], base+i<<(32-bits))
		part := netip.PrefixFrom(netip.AddrFrom4(a), bits)
		if !slices.ContainsFunc(subnets, func(n types.Subnet) bool { return overlaps(part, aws.ToString(n.CidrBlock)) }) {
			return part.String(), nil
		}
	}
	return "", fmt.Errorf("no room for another subnet in %s", network)
}

// freeRange6 returns the first /64 of a network's IPv6 range that no subnet has; a subnet's range has that size.
func freeRange6(network string, subnets []types.Subnet) (string, error) {
	p, err := netip.ParsePrefix(network)
	if err != nil {
		return "", fmt.Errorf("%q is not an IPv6 range", network)
	}
	a := p.Masked().Addr().As16()
	for i := range 256 {
		a[7] = byte(i)
		part := netip.PrefixFrom(netip.AddrFrom16(a), 64)
		if !slices.ContainsFunc(subnets, func(n types.Subnet) bool { return overlaps(part, ipv6Of(n)) }) {
			return part.String(), nil
		}
	}
	return "", fmt.Errorf("no room for another subnet in %s", network)
}

func overlaps(p netip.Prefix, other string) bool {
	o, err := netip.ParsePrefix(other)
	return err == nil && p.Overlaps(o)
}

// remove takes a network down, with everything that is in it.
func (m *networkMaker) remove(ctx context.Context, id string) error {
	endpoints, err := m.p.listEndpoints(ctx, inVPC(id))
	if err != nil {
		return err
	}
	var ids []string
	for _, e := range endpoints {
		if !leaving(e) {
			ids = append(ids, aws.ToString(e.VpcEndpointId))
		}
	}
	if len(ids) > 0 {
		if err := m.p.deleteEndpoints(ctx, ids); err != nil {
			return err
		}
	}
	s, err := m.read(ctx, &types.Vpc{VpcId: &id}, &Network{})
	if err != nil {
		return err
	}
	if s.gateway != "" {
		if s.routed() {
			_, err := m.p.ec2.DeleteRoute(ctx, &ec2.DeleteRouteInput{RouteTableId: s.routes.RouteTableId, DestinationIpv6CidrBlock: aws.String("::/0")})
			if err := ignore(err, "InvalidRoute.NotFound"); err != nil {
				return err
			}
		}
		_, err := m.p.ec2.DeleteEgressOnlyInternetGateway(ctx, &ec2.DeleteEgressOnlyInternetGatewayInput{EgressOnlyInternetGatewayId: &s.gateway})
		if err := ignore(err, noEgressOnly...); err != nil {
			return err
		}
	}
	for _, n := range s.subnets {
		if err := free(ctx, func(ctx context.Context) error {
			_, err := m.p.ec2.DeleteSubnet(ctx, &ec2.DeleteSubnetInput{SubnetId: n.SubnetId})
			return ignore(err, "InvalidSubnetID.NotFound")
		}); err != nil {
			return err
		}
	}
	return free(ctx, func(ctx context.Context) error {
		_, err := m.p.ec2.DeleteVpc(ctx, &ec2.DeleteVpcInput{VpcId: &id})
		return ignore(err, "InvalidVpcID.NotFound")
	})
}

// free repeats a deletion as long as something is still in the way.
func free(ctx context.Context, remove func(context.Context) error) error {
	return deploy.Retry(ctx, interfaceWait, func(err error) string {
		if is(err, "DependencyViolation") {
			return "for Lambda to give back the network interfaces of functions"
		}
		return ""
	}, remove)
}
