package ec2

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Origin is where a call comes from: a function's place in a VPC.
type Origin struct {
	SubnetIDs        []string
	SecurityGroupIDs []string
	IPv6             bool // the function may use IPv6 (Ipv6AllowedForDualStack)
}

// Destination is where a call goes to, over TCP: an endpoint of AWS, or the internet.
type Destination struct {
	Service string // such as "execute-api" or "dynamodb"; "" for the internet
	// DualStack says that the name which the caller uses has IPv6 addresses as well.
	DualStack bool
	// Internet says that the call goes to a host outside AWS and the VPC.
	Internet bool
	// Address is the host's address, where it is known. Without one the way has to serve every public address.
	Address netip.Addr
	Port    int // 443 if 0
}

func (to Destination) port() int { return cmp.Or(to.Port, 443) }

// Path is the answer of [Service.Reach].
type Path struct {
	OK bool
	// Why says, if not OK, which hop is missing and what to write for it.
	Why string
	// Forbidden says that the call does arrive, at an interface endpoint that serves only private REST APIs and refuses
	// it. Otherwise a call that is not OK hangs.
	Forbidden bool
}

// Reach works out whether a call from a function in a VPC arrives, from subnets, route tables, gateways, endpoints and
// security groups, by the rules that AWS documents for functions in VPCs: their interfaces never have a public IPv4
// address, so IPv4 leaves through a NAT gateway only; IPv6 needs the function's leave, a route to an egress-only or an
// internet gateway, and a destination with an IPv6 address; a gateway endpoint serves S3 and DynamoDB by the subnet's
// route table; an interface endpoint with private DNS takes its service's name to itself.
//
// Lambda runs in whichever of the subnets it likes, so each has to have a way: a function with one good subnet and one
// without a way would fail on AWS now and then. An endpoint of AWS may have any public address, so the routes and the
// security groups have to let out all of them, unless they name the service's prefix list.
func (s *Service) Reach(_ context.Context, from Origin, to Destination) Path {
	n := s.network.Load()
	ids := slices.Sorted(slices.Values(from.SubnetIDs))
	for _, id := range ids {
		v, ok := get[*subnet](n, id)
		if !ok {
			return Path{Why: fmt.Sprintf("the subnet %s does not exist any more", id)}
		}
		if p := n.reachFrom(v, from, to); !p.OK {
			return p
		}
	}
	return Path{OK: len(ids) > 0, Why: "the function has no subnet"}
}

func (n *network) reachFrom(v *subnet, from Origin, to Destination) Path {
	in, ok := get[*vpc](n, v.VPC)
	if !ok {
		return Path{Why: fmt.Sprintf("the VPC %s does not exist any more", v.VPC)}
	}
	if !in.DNSSupport && !to.Address.IsValid() {
		return Path{Why: fmt.Sprintf("no name is resolved in %s: aws ec2 modify-vpc-attribute --vpc-id %s --enable-dns-support Value=true", in.ID, in.ID)}
	}
	table := tableOf(n, v)
	free := "" // a way that costs nothing
	if !to.Internet {
		if e := n.privateName(in, to); e != nil {
			return n.throughInterface(v, e, from, to)
		}
		if list := prefixLists[to.Service]; list != "" {
			if _, ok := n.gatewayEndpoint(table, to.Service); ok {
				if from.letOut(n, to, anyIPv4, list) {
					return Path{OK: true}
				}
				return Path{Why: fmt.Sprintf("no security group of the function lets TCP port %d out to %s or to 0.0.0.0/0", to.port(), list)}
			}
			free = fmt.Sprintf(". A gateway endpoint costs nothing: aws ec2 create-vpc-endpoint --vpc-id %s --service-name %s --route-table-ids %s", v.VPC, "com.amazonaws."+n.region+"."+to.Service, table.ID)
		}
	}
	var why []string
	if !to.Address.Is6() { // IPv4, or not known
		lacks := n.ipv4Out(v, table, from, to)
		if lacks == "" {
			return Path{OK: true}
		}
		why = append(why, "IPv4: "+lacks)
	}
	if !to.Address.Is4() { // IPv6, or not known
		lacks := n.ipv6Out(v, table, from, to)
		if lacks == "" {
			return Path{OK: true}
		}
		why = append(why, "IPv6: "+lacks)
	}
	return Path{Why: strings.Join(why, ". ") + free}
}

// privateName is the interface endpoint that the service's name leads to in a VPC, if there is one. Names of their own
// for dual-stack endpoints, such as lambda.us-east-1.api.aws, are left to the public ones.
func (n *network) privateName(in *vpc, to Destination) *endpoint {
	if !in.DNSHostnames || to.DualStack && to.Service != "execute-api" {
		return nil
	}
	for _, e := range inVPC[*endpoint](n, in.ID) {
		if e.Type == interfaceEndpoint && e.PrivateDNS && e.service() == to.Service {
			return e
		}
	}
	return nil
}

func (n *network) gatewayEndpoint(table *routeTable, service string) (*endpoint, bool) {
	return first(n, func(e *endpoint) bool {
		return e.Type == gatewayEndpoint && e.service() == service && slices.Contains(e.Tables, table.ID)
	})
}

// throughInterface judges a call to an interface endpoint. Nothing else helps when it does not let the function in, as
// the service's name leads nowhere else.
func (n *network) throughInterface(v *subnet, e *endpoint, from Origin, to Destination) Path {
	blocks := 0
	for _, id := range e.Subnets {
		home, ok := get[*subnet](n, id)
		if !ok {
			continue
		}
		blocks++
		if !from.letOut(n, to, home.IPv4.CIDR, "", e.Groups...) {
			return Path{Why: fmt.Sprintf("no security group of the function lets TCP port %d out to the interface endpoint %s in %s (%s)", to.port(), e.ID, home.ID, home.IPv4.CIDR)}
		}
	}
	if blocks == 0 {
		return Path{Why: fmt.Sprintf("the interface endpoint %s takes the name of %s to itself and is in no subnet: aws ec2 modify-vpc-endpoint --vpc-endpoint-id %s --add-subnet-ids %s", e.ID, to.Service, e.ID, v.ID)}
	}
	if !n.letsThrough(e.Groups, false, to.port(), v.IPv4.CIDR, "", from.SecurityGroupIDs) {
		return Path{Why: fmt.Sprintf("no security group of the interface endpoint %s lets the function in: aws ec2 authorize-security-group-ingress --group-id %s --protocol tcp --port %d --source-group %s",
			e.ID, strings.Join(e.Groups, " or "), to.port(), strings.Join(from.SecurityGroupIDs, " or "))}
	}
	if to.Service == "execute-api" {
		return Path{Forbidden: true, Why: fmt.Sprintf("the interface endpoint %s takes the name of every API in the VPC to itself and serves private REST APIs only: switch its private DNS off, or give the API a custom domain name", e.ID)}
	}
	return Path{OK: true}
}

// ipv4Out says what IPv4 lacks, with what to write, or "".
func (n *network) ipv4Out(v *subnet, table *routeTable, from Origin, to Destination) string {
	block := anyIPv4
	if to.Address.IsValid() {
		block = netip.PrefixFrom(to.Address, 32)
	}
	lacks := n.way(table, block, func(r route) string { return n.throughNAT(v, r, block) },
		fmt.Sprintf("%s has no route 0.0.0.0/0 to a NAT gateway: aws ec2 create-route --route-table-id %s --destination-cidr-block 0.0.0.0/0 --nat-gateway-id nat-…", v.ID, table.ID))
	if lacks == "" && !from.letOut(n, to, block, prefixLists[to.Service]) {
		lacks = fmt.Sprintf("no security group of the function lets TCP port %d out to 0.0.0.0/0", to.port())
	}
	return lacks
}

// throughNAT says why a route does not carry a function's IPv4 packets to public addresses, or "".
func (n *network) throughNAT(v *subnet, r route, block netip.Prefix) string {
	nat, ok := n.items[r.Target].(*natGateway)
	switch {
	case !r.live(n, v.VPC):
		return fmt.Sprintf("the route %s of %s is a black hole: %s is gone, detached or has failed", r.Destination, v.ID, r.Target)
	case !ok:
		return fmt.Sprintf("the route %s of %s leads to %s, and a function has no public IPv4 address to use it with, not in a public subnet either; it takes a NAT gateway", r.Destination, v.ID, r.Target)
	case nat.Allocation == "":
		return fmt.Sprintf("the NAT gateway %s is private: it leads to other networks, not to the internet", nat.ID)
	}
	home, ok := get[*subnet](n, nat.Subnet)
	if !ok {
		return fmt.Sprintf("the NAT gateway %s is in no subnet", nat.ID)
	}
	table := tableOf(n, home)
	lacks := n.way(table, block, func(r route) string {
		if _, ok := n.items[r.Target].(*internetGateway); ok && r.live(n, home.VPC) {
			return ""
		}
		return fmt.Sprintf("its route %s leads to %s", r.Destination, r.Target)
	}, "there is none")
	if lacks != "" {
		return fmt.Sprintf("the NAT gateway %s is in %s, which has no route 0.0.0.0/0 to an internet gateway (%s): aws ec2 create-route --route-table-id %s --destination-cidr-block 0.0.0.0/0 --gateway-id igw-…", nat.ID, home.ID, lacks, table.ID)
	}
	return ""
}

// ipv6Out says what IPv6 lacks, with the lines to write, or "".
func (n *network) ipv6Out(v *subnet, table *routeTable, from Origin, to Destination) string {
	var lacks []string
	if len(v.IPv6) == 0 {
		lacks = append(lacks, fmt.Sprintf("%s has no IPv6 addresses", v.ID))
	}
	block := publicIPv6
	if to.Address.IsValid() {
		block = netip.PrefixFrom(to.Address, 128)
	}
	way := n.way(table, block, func(r route) string {
		switch n.items[r.Target].(type) {
		case *egressOnlyGateway, *internetGateway:
			if r.live(n, v.VPC) {
				return ""
			}
		}
		return fmt.Sprintf("the route %s of %s is a black hole: %s is gone or detached", r.Destination, v.ID, r.Target)
	}, fmt.Sprintf("%s has no route ::/0 to an egress-only internet gateway (quotewire vpc NAME --egress-only makes a network with one, and it costs nothing)", v.ID))
	if way != "" {
		lacks = append(lacks, way)
	} else if !from.letOut(n, to, block, "") {
		lacks = append(lacks, fmt.Sprintf("no security group of the function lets TCP port %d out to ::/0", to.port()))
	}
	if !from.IPv6 {
		lacks = append(lacks, "the function may not use IPv6: write DualStack <- true in its VpcConfig")
	}
	switch {
	case to.DualStack || to.Address.IsValid():
	case to.Internet:
		lacks = append(lacks, "the host has no IPv6 address")
	case to.Service == "execute-api":
		lacks = append(lacks, `the API has no IPv6 address: write IpAddressType <- "dualstack" in its api.gatewayV2 block`)
	default:
		lacks = append(lacks, fmt.Sprintf("the name of %s that is used has no IPv6 address: set AWS_USE_DUALSTACK_ENDPOINT=true in the function's environment", to.Service))
	}
	return strings.Join(lacks, "; ")
}

// way says what keeps packets to every address of a block from leaving through a table, or "". The longest prefix that
// holds an address decides, so a black hole within a good route counts, and so do two halves for the whole. judge says
// why a route does not do, or "".
func (n *network) way(table *routeTable, to netip.Prefix, judge func(route) string, none string) string {
	var good, bad []route
	why := map[netip.Prefix]string{}
	for _, r := range table.Routes {
		if !r.Destination.Overlaps(to) {
			continue
		}
		if text := judge(r); text != "" {
			bad, why[r.Destination] = append(bad, r), text
			continue
		}
		good = append(good, r)
	}
	slices.SortFunc(bad, func(a, b route) int { return cmp.Compare(a.Destination.Bits(), b.Destination.Bits()) })
	for _, r := range bad {
		region := r.Destination
		if to.Bits() > region.Bits() {
			region = to
		}
		var longer []netip.Prefix
		for _, g := range good {
			if g.Destination.Bits() > r.Destination.Bits() {
				longer = append(longer, g.Destination)
			}
		}
		if !covers(longer, region, to) {
			return why[r.Destination]
		}
	}
	var all []netip.Prefix
	for _, g := range good {
		all = append(all, g.Destination)
	}
	if !covers(all, to, to) {
		return none
	}
	return ""
}

var (
	// publicIPv6 is where the global addresses of IPv6 are.
	publicIPv6 = netip.MustParsePrefix("2000::/3")
	// notPublic are the IPv4 addresses that no host of the internet has; no route to them matters.
	notPublic = []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"),
		netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("172.16.0.0/12"),
		netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("224.0.0.0/3"),
	}
)

// covers reports whether the prefixes together hold every address of a block. Of 0.0.0.0/0 that is every public one.
func covers(prefixes []netip.Prefix, block, whole netip.Prefix) bool {
	if whole == anyIPv4 {
		prefixes = slices.Concat(prefixes, notPublic)
	}
	return hold(prefixes, block)
}

func hold(prefixes []netip.Prefix, block netip.Prefix) bool {
	part := false
	for _, p := range prefixes {
		if p.Bits() <= block.Bits() && p.Contains(block.Addr()) {
			return true
		}
		part = part || p.Overlaps(block)
	}
	if !part {
		return false
	}
	low, high := halves(block)
	return hold(prefixes, low) && hold(prefixes, high)
}

// halves splits a block in two.
func halves(block netip.Prefix) (low, high netip.Prefix) {
	bits := block.Bits() + 1
	address := block.Addr().AsSlice()
	address[(bits-1)/8] |= 0x80 >> ((bits - 1) % 8)
	upper, _ := netip.AddrFromSlice(address)
	return netip.PrefixFrom(block.Addr(), bits), netip.PrefixFrom(upper, bits)
}

// letOut reports whether the function's security groups let the call leave for every address of a block. A rule for the
// prefix list of the service counts, and one for a group that the destination has.
func (from Origin) letOut(n *network, to Destination, block netip.Prefix, prefixList string, groups ...string) bool {
	return n.letsThrough(from.SecurityGroupIDs, true, to.port(), block, prefixList, groups)
}

// letsThrough reports whether security groups let TCP to a port through, out to or in from all of a block, a prefix list
// or one of the other side's groups.
func (n *network) letsThrough(ids []string, egress bool, port int, block netip.Prefix, prefixList string, others []string) bool {
	var blocks []netip.Prefix
	for _, id := range ids {
		g, ok := get[*group](n, id)
		if !ok {
			continue
		}
		for _, r := range g.Rules {
			switch {
			case r.Egress != egress || r.Protocol != "-1" && (r.Protocol != "tcp" || port < r.From || r.To < port):
			case r.Group != "" && slices.Contains(others, r.Group), r.PrefixList != "" && r.PrefixList == prefixList:
				return true
			case r.CIDR.IsValid():
				blocks = append(blocks, r.CIDR)
			}
		}
	}
	return covers(blocks, block, block)
}
