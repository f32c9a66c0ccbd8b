package advice

import (
	"fmt"
	"strings"

	"quotewire/dply/check"
)

// waysOut is what can be done about a function that cannot post, as lines of the script. The costs are those of us-east-1.
const waysOut = `Ways out, with what they cost while idle:
  1. IPv6, 0 $. On the network, in VpcConfig, and on the WebSocket API:
        EgressOnlyInternetGateway <- true
        DualStack <- true
        IpAddressType <- "dualstack"
  2. No VPC, 0 $: leave VpcConfig out. DynamoDB, S3 and the gateway need none.
  3. A second function without VpcConfig that posts, 0 $: this one hands it what to post through a DynamoDB stream, or calls it
     through an interface endpoint of lambda (about 7 $ a month for each zone), with DnsHostnames <- true on the network:
        ensure aws.VPC.Endpoint "%[1]s-lambda"
            @teardown delete
            Network <- %[2]s
            Service <- "lambda"
            Subnets <- %[3]s
            SecurityGroups <- %[4]s
  4. A NAT gateway, about 33 $ a month, its address 4 $, and 0.045 $ a GB:
        ensure aws.VPC.InternetGateway "%[1]s" => internet
            @teardown delete
            Network <- %[2]s
        ensure aws.VPC.Subnet "%[1]s-public" => public
            @teardown delete
            Network <- %[2]s
        ensure aws.VPC.RouteTable "%[1]s-public"
            @teardown delete
            Network <- %[2]s
            Subnets <- public
            Routes <- []
                {}
                    Range <- "0.0.0.0/0"
                    Gateway <- internet
        ensure aws.VPC.Address "%[1]s" => address
            @teardown delete
        ensure aws.VPC.NatGateway "%[1]s" => nat
            @teardown delete
            Subnet <- public
            Address <- address
        ensure aws.VPC.RouteTable "%[1]s-private"
            @teardown delete
            Network <- %[2]s
            Subnets <- %[3]s
            Routes <- []
                {}
                    Range <- "0.0.0.0/0"
                    Gateway <- nat
An interface endpoint of execute-api is none: it serves private REST APIs, and answers 403.`

// others says where the rest is when one line is enough.
const others = "\ndocs/warnings.md has the other ways out, with what each costs."

// wayOut looks whether a function in a network of the script, which posts to connections, reaches the gateway.
func (a *adviser) wayOut(s *check.Statement, p *powers, socket *check.Statement) {
	placement, ok := s.Prop("VpcConfig").(*check.Compound)
	if !ok || !p.posts {
		return
	}
	places := references(placement.Prop("Subnets"))
	net := network(places)
	if net == nil {
		return // one that the script does not make may have any way out
	}
	at := placement.Pos
	for _, e := range a.endpoints[net] {
		if short(text(e.Prop("Service"))) == "execute-api" && (e.Prop("PrivateDns") == nil || truth(e.Prop("PrivateDns"))) {
			a.warn(at, "W10", "Write PrivateDns <- false in its statement, or take it away: it serves private REST APIs alone.",
				"%s posts to connections, and the endpoint %s takes the names of all APIs from its network: each post is answered with 403", s.Name, e.Name)
			return
		}
	}
	// Lambda uses whichever of the subnets it likes, so the least way is the function's.
	least := way{ipv4: true, ipv6: true}
	var table *check.Statement // that gives none
	for _, place := range places {
		w := a.wayFrom(place, net)
		if tables := a.routes[place.Statement]; w == (way{}) && len(tables) > 0 {
			table = tables[0]
		}
		least = way{ipv4: least.ipv4 && w.ipv4, ipv6: least.ipv6 && w.ipv6}
	}
	switch {
	case least.ipv4:
	case !least.ipv6 && table != nil:
		a.warn(at, "W10", fmt.Sprintf("A function has no public IPv4 address: an internet gateway is no way out for it. Place it in subnets that the route table %s does not have,\nor give the table a route 0.0.0.0/0 to a NAT gateway in another subnet.%s", table.Name, others),
			"%s posts to connections, and the route table %s gives it no way out: each post hangs until the function times out", s.Name, table.Name)
	case !least.ipv6:
		a.warn(at, "W10", fmt.Sprintf(waysOut, net.Name, orWord(net.Bind, "net"), expression(placement.Prop("Subnets")), expression(placement.Prop("SecurityGroups"))),
			"%s posts to connections, and the network %s gives it no way out: each post hangs until the function times out", s.Name, net.Name)
	case !truth(placement.Prop("DualStack")):
		a.warn(at, "W10", "Add: DualStack <- true"+others, "%s posts to connections, and its only way out is for IPv6, which it may not use", s.Name)
	case socket != nil:
		a.warn(at, "W10", fmt.Sprintf("Add to %s: IpAddressType <- \"dualstack\"%s", socket.Name, others),
			"%s posts to connections over IPv6, its only way out, and the API %s has no IPv6 address", s.Name, socket.Name)
	}
}

// ipv4Socket returns the first WebSocket API of a target that has no IPv6 address, or nil.
func ipv4Socket(t *check.Target) *check.Statement {
	for _, s := range t.Statements {
		if s.Verb == "api.gatewayV2" && text(s.Prop("Protocol")) == "websocket" && (s.Prop("IpAddressType") == nil || text(s.Prop("IpAddressType")) == "ipv4") {
			return s
		}
	}
	return nil
}

// way is what a subnet has.
type way struct{ ipv4, ipv6 bool }

// wayFrom looks at the route table of a subnet, or of the subnets that are the network's own. What only the cloud knows of
// it is taken to be good.
func (a *adviser) wayFrom(place check.Reference, net *check.Statement) way {
	dual := truth(net.Prop("DualStack")) || truth(net.Prop("EgressOnlyInternetGateway"))
	if place.Statement != net {
		dual = truth(place.Statement.Prop("DualStack"))
	}
	tables := a.routes[place.Statement]
	if len(tables) == 0 { // the main one
		return way{ipv6: dual && truth(net.Prop("EgressOnlyInternetGateway"))}
	}
	var w way
	for _, t := range tables {
		routes, ok := t.Prop("Routes").(check.List)
		if !ok {
			continue
		}
		for _, item := range routes.Items {
			route, _ := item.(check.Map)
			var to, through check.Value
			for _, e := range route.Entries {
				switch e.Name {
				case "Range":
					to = e.Value
				case "Gateway":
					through = e.Value
				}
			}
			if strings.Contains(text(to), ":") {
				w.ipv6 = w.ipv6 || dual
			} else {
				w.ipv4 = w.ipv4 || carriesIPv4(through)
			}
		}
	}
	return w
}

// carriesIPv4 reports whether a gateway takes IPv4 of functions to the internet, which one for public addresses does not.
func carriesIPv4(gateway check.Value) bool {
	r, ok := gateway.(check.Reference)
	switch {
	case !ok:
		return !strings.HasPrefix(text(gateway), "igw-")
	case r.Statement.Type.Name == "aws.VPC.InternetGateway":
		return false
	}
	return r.Statement.Verb == "find" || r.Statement.Prop("Address") != nil
}

// references are those of a value, or of a list of values; nil if there is anything else in it.
func references(v check.Value) []check.Reference {
	switch v := v.(type) {
	case check.Reference:
		return []check.Reference{v}
	case check.List:
		var all []check.Reference
		for _, item := range v.Items {
			r, ok := item.(check.Reference)
			if !ok {
				return nil
			}
			all = append(all, r)
		}
		return all
	}
	return nil
}

// network returns the network that the script makes and that all the subnets are of, or nil.
func network(places []check.Reference) *check.Statement {
	var net *check.Statement
	for _, r := range places {
		n := r.Statement
		if n.Verb == "ensure" && n.Type.Name == "aws.VPC.Subnet" {
			in, _ := n.Prop("Network").(check.Reference)
			n = in.Statement
		}
		if n == nil || n.Verb != "ensure" || n.Type.Name != "aws.VPC.VPC" || net != nil && n != net {
			return nil
		}
		net = n
	}
	return net
}

// expression is a value as the script writes it.
func expression(v check.Value) string {
	switch v := v.(type) {
	case check.Reference:
		if v.Member == "" || v.Member == "id" {
			return v.Statement.Bind
		}
		return v.Statement.Bind + "->" + v.Member
	case check.List:
		var all []string
		for _, item := range v.Items {
			all = append(all, expression(item))
		}
		if len(all) == 1 {
			return all[0]
		}
		return "[" + strings.Join(all, ", ") + "]"
	}
	return `"` + text(v) + `"`
}

// short is the name of a service without com.amazonaws.REGION.
func short(service string) string { return service[strings.LastIndexByte(service, '.')+1:] }
