package ec2

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// httpsPort is where AWS's endpoints listen.
const httpsPort = 443

// Origin is where a call comes from: a function's place in a VPC.
type Origin struct {
	SubnetIDs        []string
	SecurityGroupIDs []string
	IPv6             bool // the function may use IPv6 (Ipv6AllowedForDualStack)
}

// Destination is an endpoint of AWS.
type Destination struct {
	Service   string // such as "execute-api" or "dynamodb"
	DualStack bool   // its name has IPv6 addresses as well
}

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
// route table; an interface endpoint with private DNS serves its service. Lambda uses any of the subnets, so each has to
// have a way.
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
	table := tableOf(n, v)
	for _, e := range inVPC[*endpoint](n, v.VPC) {
		switch {
		case e.service() != to.Service:
		case e.Type == interfaceEndpoint && e.PrivateDNS && to.Service == "execute-api":
			return Path{Forbidden: true, Why: fmt.Sprintf("the interface endpoint %s takes the name of every API in the VPC to itself and serves private REST APIs only: switch its private DNS off, or give the API a custom domain name", e.ID)}
		case e.Type == interfaceEndpoint && e.PrivateDNS && from.letOut(n, anyIPv4):
			return Path{OK: true}
		case e.Type == gatewayEndpoint && slices.Contains(e.Tables, table.ID) && from.letOut(n, anyIPv4):
			return Path{OK: true}
		}
	}
	why4 := n.ipv4Out(v, table, from)
	if why4 == "" {
		return Path{OK: true}
	}
	why6 := n.ipv6Out(v, table, from, to)
	if why6 == "" {
		return Path{OK: true}
	}
	return Path{Why: "IPv4: " + why4 + ". IPv6: " + why6}
}

// ipv4Out says what IPv4 lacks, or "".
func (n *network) ipv4Out(v *subnet, table *routeTable, from Origin) string {
	g := n.target(table, anyIPv4)
	nat, ok := g.(*natGateway)
	switch {
	case g == nil:
		return fmt.Sprintf("%s has no route 0.0.0.0/0 to a NAT gateway", v.ID)
	case !ok:
		return fmt.Sprintf("the route 0.0.0.0/0 of %s leads to %s, and a function has no public IPv4 address to use it with; it takes a NAT gateway", v.ID, g.id())
	case nat.Allocation == "":
		return fmt.Sprintf("the NAT gateway %s is private", nat.ID)
	}
	home, ok := get[*subnet](n, nat.Subnet)
	if !ok {
		return fmt.Sprintf("the NAT gateway %s is in no subnet", nat.ID)
	}
	if _, ok := n.target(tableOf(n, home), anyIPv4).(*internetGateway); !ok {
		return fmt.Sprintf("the NAT gateway %s is in %s, which has no route 0.0.0.0/0 to an internet gateway", nat.ID, home.ID)
	}
	if !from.letOut(n, anyIPv4) {
		return "no security group of the function lets HTTPS out to 0.0.0.0/0"
	}
	return ""
}

// ipv6Out says what IPv6 lacks, with the lines to write, or "".
func (n *network) ipv6Out(v *subnet, table *routeTable, from Origin, to Destination) string {
	var lacks []string
	if len(v.IPv6) == 0 {
		lacks = append(lacks, fmt.Sprintf("%s has no IPv6 addresses", v.ID))
	}
	switch n.target(table, anyIPv6).(type) {
	case *egressOnlyGateway, *internetGateway:
		if !from.letOut(n, anyIPv6) {
			lacks = append(lacks, "no security group of the function lets HTTPS out to ::/0")
		}
	default:
		lacks = append(lacks, fmt.Sprintf("%s has no route ::/0 to an egress-only internet gateway (quotewire vpc NAME --egress-only makes a network with one, and it costs nothing)", v.ID))
	}
	if !from.IPv6 {
		lacks = append(lacks, "the function may not use IPv6: write DualStack <- true in its VpcConfig")
	}
	if !to.DualStack {
		if to.Service == "execute-api" {
			lacks = append(lacks, `the API has no IPv6 address: write IpAddressType <- "dualstack" in its api.gatewayV2 block`)
		} else {
			lacks = append(lacks, fmt.Sprintf("the name of %s that is used has no IPv6 address", to.Service))
		}
	}
	return strings.Join(lacks, "; ")
}

// target is the gateway that a table's live route for the destination leads to, or nil.
func (n *network) target(table *routeTable, destination netip.Prefix) resource {
	for _, r := range table.Routes {
		if r.Destination == destination && r.live(n, table.VPC) {
			return n.items[r.Target]
		}
	}
	return nil
}

func (from Origin) letOut(n *network, any netip.Prefix) bool {
	return slices.ContainsFunc(from.SecurityGroupIDs, func(id string) bool {
		g, ok := get[*group](n, id)
		return ok && g.letsOut(httpsPort, any)
	})
}
