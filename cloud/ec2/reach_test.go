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
	n := &network{items: map[string]resource{"vpc-1": &vpc{ID: "vpc-1", DNSSupport: true, DNSHostnames: true}, private.ID: private, main.ID: main, g.ID: g}}
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

// only replaces the rules of the function's group.
func only(rules ...rule) func(*network) {
	return func(n *network) {
		g := *n.items["sg-1"].(*group)
		g.Rules = nil
		for _, r := range rules {
			r.Egress, r.Protocol, r.From, r.To = true, "tcp", 443, 443
			g.Rules = append(g.Rules, r)
		}
		n.items[g.ID] = &g
	}
}

// door is the group of an interface endpoint that lets in what the rules say.
func door(rules ...rule) func(*network) {
	return func(n *network) {
		for i := range rules {
			rules[i].Protocol, rules[i].From, rules[i].To = "tcp", 443, 443
		}
		n.items["sg-door"] = &group{ID: "sg-door", VPC: "vpc-1", Rules: rules}
	}
}

func to(cidr string) rule { return rule{CIDR: netip.MustParsePrefix(cidr)} }

func dns(support, hostnames bool) func(*network) {
	return func(n *network) {
		n.items["vpc-1"] = &vpc{ID: "vpc-1", DNSSupport: support, DNSHostnames: hostnames}
	}
}

func TestReach(t *testing.T) {
	api, s3, logs, internet := Destination{Service: "execute-api"}, Destination{Service: "s3"}, Destination{Service: "logs"}, Destination{Internet: true}
	dual := func(d Destination) Destination { d.DualStack = true; return d }
	eigw := &egressOnlyGateway{ID: "eigw-1", VPC: "vpc-1"}
	nat := &natGateway{ID: "nat-1", VPC: "vpc-1", Subnet: "subnet-public", Allocation: "eipalloc-1"}
	out := func(n *network) { public(n); routed("rtb-main", anyIPv4, nat)(n) }
	gone := func(cidr string) func(*network) {
		return func(n *network) {
			routed("rtb-main", netip.MustParsePrefix(cidr), &natGateway{ID: "nat-gone"})(n)
			delete(n.items, "nat-gone")
		}
	}
	gateway := with(&endpoint{ID: "vpce-s3", Service: "com.amazonaws.us-east-1.s3", Type: gatewayEndpoint, Tables: []string{"rtb-main"}})
	private := func(service string, subnets ...string) func(*network) {
		return with(&endpoint{ID: "vpce-" + service, Service: "com.amazonaws.us-east-1." + service, Type: interfaceEndpoint, PrivateDNS: true, Subnets: subnets, Groups: []string{"sg-door"}})
	}
	for _, test := range []struct {
		name      string
		service   *Service
		ipv6      bool // the function's leave
		to        Destination
		ok        bool
		why       string
		forbidden bool
	}{
		{"nothing at all", topology(), false, api, false, "no route 0.0.0.0/0 to a NAT gateway", false},
		{"a NAT gateway in a public subnet", topology(out), false, api, true, "", false},
		{"a NAT gateway in a subnet without a way out", topology(routed("rtb-main", anyIPv4, &natGateway{ID: "nat-2", VPC: "vpc-1", Subnet: "subnet-private", Allocation: "eipalloc-1"})), false, api, false, "no route 0.0.0.0/0 to an internet gateway", false},
		{"a private NAT gateway", topology(public, routed("rtb-main", anyIPv4, &natGateway{ID: "nat-3", VPC: "vpc-1", Subnet: "subnet-public"})), false, api, false, "is private", false},
		{"a NAT gateway that failed", topology(public, routed("rtb-main", anyIPv4, &natGateway{ID: "nat-4", VPC: "vpc-1", Subnet: "subnet-public", Allocation: "eipalloc-1", Failure: "Gateway.NotAttached"})), false, api, false, "black hole", false},
		{"a public subnet", topology(routed("rtb-main", anyIPv4, &internetGateway{ID: "igw-2", VPC: "vpc-1"})), false, api, false, "not in a public subnet either", false},
		{"an internet gateway that was detached", topology(out, func(n *network) { n.items["igw-1"] = &internetGateway{ID: "igw-1"} }), false, api, false, "no route 0.0.0.0/0 to an internet gateway", false},
		{"a black hole", topology(public, gone("0.0.0.0/0")), false, api, false, "black hole", false},
		{"a black hole within the way out", topology(out, gone("52.0.0.0/8")), false, api, false, "52.0.0.0/8", false},
		{"a black hole for addresses that are not public", topology(out, gone("10.9.0.0/16")), false, api, true, "", false},
		{"a black hole with a way out inside", topology(out, gone("52.0.0.0/8"), routed("rtb-main", netip.MustParsePrefix("52.0.0.0/9"), nat), routed("rtb-main", netip.MustParsePrefix("52.128.0.0/9"), nat)), false, api, true, "", false},
		{"two halves", topology(public, routed("rtb-main", netip.MustParsePrefix("0.0.0.0/1"), nat), routed("rtb-main", netip.MustParsePrefix("128.0.0.0/1"), nat)), false, api, true, "", false},
		{"one half", topology(public, routed("rtb-main", netip.MustParsePrefix("0.0.0.0/1"), nat)), false, api, false, "no route 0.0.0.0/0", false},
		{"a closed security group", topology(out, closed), false, api, false, "no security group", false},
		{"egress to the VPC only", topology(out, only(to("10.0.0.0/16"))), false, api, false, "no security group", false},
		{"egress to a group only", topology(out, only(rule{Group: "sg-1"})), false, api, false, "no security group", false},
		{"egress to a prefix list only", topology(out, only(rule{PrefixList: prefixLists["s3"]})), false, api, false, "no security group", false},
		{"egress to the service's prefix list", topology(out, only(rule{PrefixList: prefixLists["s3"]})), false, s3, true, "", false},
		{"egress in two halves", topology(out, only(to("0.0.0.0/1"), to("128.0.0.0/1"))), false, api, true, "", false},
		{"no names in the VPC", topology(out, dns(false, false)), false, api, false, "enable-dns-support", false},

		{"egress-only, all said", topology(ipv6, routed("rtb-main", anyIPv6, eigw)), true, dual(api), true, "", false},
		{"an internet gateway over IPv6", topology(ipv6, routed("rtb-main", anyIPv6, &internetGateway{ID: "igw-2", VPC: "vpc-1"})), true, dual(api), true, "", false},
		{"egress-only, the function may not", topology(ipv6, routed("rtb-main", anyIPv6, eigw)), false, dual(api), false, "DualStack <- true", false},
		{"egress-only, the API has no IPv6", topology(ipv6, routed("rtb-main", anyIPv6, eigw)), true, api, false, `IpAddressType <- "dualstack"`, false},
		{"egress-only, an ordinary name", topology(ipv6, routed("rtb-main", anyIPv6, eigw)), true, s3, false, "AWS_USE_DUALSTACK_ENDPOINT", false},
		{"egress-only, the subnet has no IPv6", topology(routed("rtb-main", anyIPv6, eigw)), true, dual(api), false, "has no IPv6 addresses", false},
		{"egress-only, a group for IPv4 only", topology(ipv6, routed("rtb-main", anyIPv6, eigw), only(to("0.0.0.0/0"))), true, dual(api), false, "out to ::/0", false},
		{"global addresses over IPv6", topology(ipv6, routed("rtb-main", publicIPv6, eigw), only(to("2000::/3"))), true, dual(api), true, "", false},

		{"a gateway endpoint serves its service", topology(gateway), false, s3, true, "", false},
		{"a gateway endpoint serves no other", topology(gateway), false, Destination{Service: "dynamodb"}, false, "NAT gateway", false},
		{"a gateway endpoint by its prefix list", topology(gateway, only(rule{PrefixList: prefixLists["s3"]})), false, s3, true, "", false},
		{"a gateway endpoint and a group for the VPC only", topology(gateway, only(to("10.0.0.0/16"))), false, s3, false, prefixLists["s3"], false},
		{"a gateway endpoint of another table", topology(public, with(&endpoint{ID: "vpce-s3", Service: "com.amazonaws.us-east-1.s3", Type: gatewayEndpoint, Tables: []string{"rtb-public"}})), false, s3, false, "create-vpc-endpoint", false},

		{"an interface endpoint", topology(private("logs", "subnet-private"), door(to("10.0.0.0/24"))), false, logs, true, "", false},
		{"an interface endpoint that lets the function's group in", topology(private("logs", "subnet-private"), door(rule{Group: "sg-1"})), false, logs, true, "", false},
		{"an interface endpoint by its group", topology(private("logs", "subnet-private"), door(to("10.0.0.0/8")), only(rule{Group: "sg-door"})), false, logs, true, "", false},
		{"an interface endpoint within the VPC", topology(private("logs", "subnet-private"), door(to("10.0.0.0/8")), only(to("10.0.0.0/16"))), false, logs, true, "", false},
		{"an interface endpoint that lets no one in", topology(private("logs", "subnet-private"), door()), false, logs, false, "authorize-security-group-ingress", false},
		{"no way around an interface endpoint", topology(out, private("logs", "subnet-private"), door(to("10.7.0.0/16"))), false, logs, false, "lets the function in", false},
		{"an interface endpoint behind a closed group", topology(private("logs", "subnet-private"), door(to("0.0.0.0/0")), only(to("10.0.7.0/24"))), false, logs, false, "out to the interface endpoint", false},
		{"an interface endpoint in no subnet", topology(out, private("logs"), door(to("0.0.0.0/0"))), false, logs, false, "in no subnet", false},
		{"an interface endpoint without host names", topology(private("logs", "subnet-private"), door(to("0.0.0.0/0")), dns(true, false)), false, logs, false, "NAT gateway", false},
		{"an interface endpoint of another service", topology(private("logs", "subnet-private"), door(to("0.0.0.0/0"))), false, Destination{Service: "sts"}, false, "NAT gateway", false},
		{"an execute-api endpoint with private DNS", topology(out, private("execute-api", "subnet-private"), door(to("0.0.0.0/0"))), false, api, false, "private REST APIs only", true},
		{"an execute-api endpoint that lets no one in", topology(out, private("execute-api", "subnet-private"), door()), false, api, false, "lets the function in", false},

		{"the internet without a way", topology(gateway, private("logs", "subnet-private"), door(to("0.0.0.0/0"))), false, internet, false, "NAT gateway", false},
		{"the internet through a NAT gateway", topology(out), false, internet, true, "", false},
		{"the internet over IPv6", topology(ipv6, routed("rtb-main", anyIPv6, eigw)), true, dual(internet), true, "", false},
		{"a host with a route of its own", topology(public, routed("rtb-main", netip.MustParsePrefix("203.0.113.0/24"), nat)), false, Destination{Internet: true, Address: netip.MustParseAddr("203.0.113.9")}, true, "", false},
		{"a host beside that route", topology(public, routed("rtb-main", netip.MustParsePrefix("203.0.113.0/24"), nat)), false, Destination{Internet: true, Address: netip.MustParseAddr("203.0.114.9")}, false, "NAT gateway", false},
		{"a host's port that no group lets out", topology(out, only(to("0.0.0.0/0"))), false, Destination{Internet: true, Port: 5432}, false, "TCP port 5432", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := test.service.Reach(t.Context(), Origin{[]string{"subnet-private"}, []string{"sg-1"}, test.ipv6}, test.to)
			if got.OK != test.ok || got.Forbidden != test.forbidden || !test.ok && !strings.Contains(got.Why, test.why) {
				t.Errorf("got %+v, want ok %t, forbidden %t, because %q", got, test.ok, test.forbidden, test.why)
			}
		})
	}
}

// Lambda runs in whichever subnet it likes: one without a way spoils the others.
func TestEverySubnetNeedsAWay(t *testing.T) {
	nat := &natGateway{ID: "nat-1", VPC: "vpc-1", Subnet: "subnet-public", Allocation: "eipalloc-1"}
	s := topology(public, routed("rtb-main", anyIPv4, nat))
	got := s.Reach(t.Context(), Origin{SubnetIDs: []string{"subnet-private", "subnet-public"}, SecurityGroupIDs: []string{"sg-1"}}, Destination{Service: "s3"})
	if got.OK || !strings.Contains(got.Why, "subnet-public leads to igw-1") {
		t.Errorf("got %+v, want the public subnet to be named", got)
	}
}
