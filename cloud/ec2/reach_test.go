package ec2

import (
	"maps"
	"net/netip"
	"strings"
	"testing"
)

// topology is a VPC with one private subnet; functions change it.
func topology(edit ...func(*network)) *Service {
	private := &subnet{ID: "subnet-private", VPC: "vpc-1", IPv4: block{CIDR: netip.MustParsePrefix("10.0.0.0/24")}}
	main := &routeTable{ID: "rtb-main", VPC: "vpc-1", Associations: []association{{ID: "rtbassoc-1"}}}
	g := &group{ID: "sg-1", VPC: "vpc-1", Rules: []rule{
		{Egress: true, Protocol: "-1", From: -1, To: -1, CIDR: anyIPv4}, {Egress: true, Protocol: "-1", From: -1, To: -1, CIDR: anyIPv6}}}
	n := &network{items: map[string]resource{"vpc-1": &vpc{ID: "vpc-1"}, private.ID: private, main.ID: main, g.ID: g}}
	for _, f := range edit {
		n.items = maps.Clone(n.items)
		f(n)
	}
	s := &Service{}
	s.network.Store(n)
	return s
}

func routed(table string, to netip.Prefix, target resource) func(*network) {
	return func(n *network) {
		t := *n.items[table].(*routeTable)
		t.Routes = append(t.Routes, route{to, target.id()})
		n.items[table], n.items[target.id()] = &t, target
	}
}

func ipv6(n *network) {
	v := *n.items["subnet-private"].(*subnet)
	v.IPv6 = []block{{CIDR: netip.MustParsePrefix("2600:1f18::/64")}}
	n.items[v.ID] = &v
}

// public adds a subnet whose own table leads to an internet gateway.
func public(n *network) {
	igw := &internetGateway{ID: "igw-1", VPC: "vpc-1"}
	n.items[igw.ID] = igw
	n.items["subnet-public"] = &subnet{ID: "subnet-public", VPC: "vpc-1", IPv4: block{CIDR: netip.MustParsePrefix("10.0.1.0/24")}}
	n.items["rtb-public"] = &routeTable{ID: "rtb-public", VPC: "vpc-1", Associations: []association{{Subnet: "subnet-public"}}, Routes: []route{{anyIPv4, igw.ID}}}
}

func closed(n *network) {
	g := *n.items["sg-1"].(*group)
	g.Rules = nil
	n.items[g.ID] = &g
}

func with(e *endpoint) func(*network) {
	e.VPC = "vpc-1"
	return func(n *network) { n.items[e.ID] = e }
}

func TestReach(t *testing.T) {
	eigw := &egressOnlyGateway{ID: "eigw-1", VPC: "vpc-1"}
	nat := &natGateway{ID: "nat-1", VPC: "vpc-1", Subnet: "subnet-public", Allocation: "eipalloc-1"}
	s3 := &endpoint{ID: "vpce-s3", Service: "com.amazonaws.us-east-1.s3", Type: gatewayEndpoint, Tables: []string{"rtb-main"}}
	api := &endpoint{ID: "vpce-api", Service: "com.amazonaws.us-east-1.execute-api", Type: interfaceEndpoint, PrivateDNS: true}
	for _, test := range []struct {
		name      string
		service   *Service
		ipv6      bool // the function's leave
		to        Destination
		ok        bool
		why       string
		forbidden bool
	}{
		{"nothing at all", topology(), false, Destination{"execute-api", false}, false, "no route 0.0.0.0/0 to a NAT gateway", false},
		{"a NAT gateway in a public subnet", topology(public, routed("rtb-main", anyIPv4, nat)), false, Destination{"execute-api", false}, true, "", false},
		{"a NAT gateway in a subnet without a way out", topology(routed("rtb-main", anyIPv4, &natGateway{ID: "nat-2", VPC: "vpc-1", Subnet: "subnet-private", Allocation: "eipalloc-1"})), false, Destination{"execute-api", false}, false, "no route 0.0.0.0/0 to an internet gateway", false},
		{"a private NAT gateway", topology(public, routed("rtb-main", anyIPv4, &natGateway{ID: "nat-3", VPC: "vpc-1", Subnet: "subnet-public"})), false, Destination{"execute-api", false}, false, "is private", false},
		{"an internet gateway alone", topology(routed("rtb-main", anyIPv4, &internetGateway{ID: "igw-2", VPC: "vpc-1"})), false, Destination{"execute-api", false}, false, "no public IPv4 address", false},
		{"a closed security group", topology(public, routed("rtb-main", anyIPv4, nat), closed), false, Destination{"execute-api", false}, false, "no security group", false},
		{"egress-only, all said", topology(ipv6, routed("rtb-main", anyIPv6, eigw)), true, Destination{"execute-api", true}, true, "", false},
		{"egress-only, the function may not", topology(ipv6, routed("rtb-main", anyIPv6, eigw)), false, Destination{"execute-api", true}, false, "DualStack <- true", false},
		{"egress-only, the API has no IPv6", topology(ipv6, routed("rtb-main", anyIPv6, eigw)), true, Destination{"execute-api", false}, false, `IpAddressType <- "dualstack"`, false},
		{"egress-only, the subnet has no IPv6", topology(routed("rtb-main", anyIPv6, eigw)), true, Destination{"execute-api", true}, false, "has no IPv6 addresses", false},
		{"a gateway endpoint serves its service", topology(with(s3)), false, Destination{"s3", false}, true, "", false},
		{"a gateway endpoint serves no other", topology(with(s3)), false, Destination{"dynamodb", false}, false, "NAT gateway", false},
		{"an execute-api endpoint with private DNS", topology(public, routed("rtb-main", anyIPv4, nat), with(api)), false, Destination{"execute-api", false}, false, "private REST APIs only", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := test.service.Reach(t.Context(), Origin{[]string{"subnet-private"}, []string{"sg-1"}, test.ipv6}, test.to)
			if got.OK != test.ok || got.Forbidden != test.forbidden || !test.ok && !strings.Contains(got.Why, test.why) {
				t.Errorf("got %+v, want ok %t, forbidden %t, because %q", got, test.ok, test.forbidden, test.why)
			}
		})
	}
}
