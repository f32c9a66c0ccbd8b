package ec2

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

var (
	anyIPv4 = netip.MustParsePrefix("0.0.0.0/0")
	anyIPv6 = netip.MustParsePrefix("::/0")
)

// routeTable has the routes that were made for it. Those within the VPC, and those of gateway endpoints, follow from
// the network and are not stored.
type routeTable struct {
	ID           string
	VPC          string
	Associations []association
	Routes       []route
	Token        string `json:",omitempty"`
	Tags         set[tag]
}

// association ties a subnet to a table; without a subnet it makes the table the VPC's main one, which serves every
// subnet that is tied to none.
type association struct {
	ID     string
	Subnet string `json:",omitempty"`
}

type route struct {
	Destination netip.Prefix
	Target      string // id of a gateway, whose prefix says its kind
}

func (t *routeTable) id() string {
	if t == nil {
		return ""
	}
	return t.ID
}
func (t *routeTable) in() string                      { return t.VPC }
func (t *routeTable) tagged() set[tag]                { return t.Tags }
func (t *routeTable) withTags(tags set[tag]) resource { w := *t; w.Tags = tags; return &w }

func (t *routeTable) associated(subnet string) bool {
	return slices.ContainsFunc(t.Associations, func(a association) bool { return a.Subnet == subnet })
}
func (t *routeTable) main() bool { return t.associated("") }

// tableOf is the route table that serves a subnet.
func tableOf(n *network, v *subnet) *routeTable {
	tables := inVPC[*routeTable](n, v.VPC)
	for _, id := range []string{v.ID, ""} {
		for _, t := range tables {
			if t.associated(id) {
				return t
			}
		}
	}
	return &routeTable{} // not in a network that load accepted: every VPC has a main table
}

// live says whether a route leads somewhere: its gateway exists and is attached. Others are black holes.
func (r route) live(n *network, vpcID string) bool {
	switch g := n.items[r.Target].(type) {
	case *internetGateway:
		return g.VPC == vpcID
	case *egressOnlyGateway:
		return true
	case *natGateway:
		return g.Failure == ""
	}
	return false
}

func (t *routeTable) attribute(n *network, name string) (values []string, known bool) {
	if t == nil {
		t = &routeTable{}
	}
	of := func(f func(association) string) ([]string, bool) {
		for _, a := range t.Associations {
			if v := f(a); v != "" {
				values = append(values, v)
			}
		}
		return values, true
	}
	switch name {
	case "route-table-id":
		return []string{t.ID}, true
	case "vpc-id":
		return []string{t.VPC}, true
	case "association.subnet-id":
		return of(func(a association) string { return a.Subnet })
	case "association.main":
		return of(func(a association) string { return fmt.Sprint(a.Subnet == "") })
	case "association.route-table-association-id":
		return of(func(a association) string { return a.ID })
	case "association.route-table-id":
		return of(func(association) string { return t.ID })
	}
	pick := map[string]func(routeView) string{
		"route.nat-gateway-id":                  func(r routeView) string { return r.NAT },
		"route.gateway-id":                      func(r routeView) string { return r.Gateway },
		"route.egress-only-internet-gateway-id": func(r routeView) string { return r.EgressOnly },
		"route.destination-cidr-block":          func(r routeView) string { return r.IPv4 },
		"route.destination-ipv6-cidr-block":     func(r routeView) string { return r.IPv6 },
		"route.destination-prefix-list-id":      func(r routeView) string { return r.PrefixList },
		"route.origin":                          func(r routeView) string { return r.Origin },
		"route.state":                           func(r routeView) string { return r.State },
	}[name]
	if pick == nil {
		return nil, false
	}
	for _, r := range viewRoutes(n, t) {
		if v := pick(r); v != "" {
			values = append(values, v)
		}
	}
	return values, true
}

type routeView struct {
	IPv4       string `xml:"destinationCidrBlock,omitempty"`
	IPv6       string `xml:"destinationIpv6CidrBlock,omitempty"`
	PrefixList string `xml:"destinationPrefixListId,omitempty"`
	Gateway    string `xml:"gatewayId,omitempty"`
	NAT        string `xml:"natGatewayId,omitempty"`
	EgressOnly string `xml:"egressOnlyInternetGatewayId,omitempty"`
	State      string `xml:"state"`
	Origin     string `xml:"origin"`
}

type associationView struct {
	ID     string `xml:"routeTableAssociationId"`
	Table  string `xml:"routeTableId"`
	Subnet string `xml:"subnetId,omitempty"`
	Main   bool   `xml:"main"`
	State  word   `xml:"associationState"`
}

type tableView struct {
	ID           string               `xml:"routeTableId"`
	VPC          string               `xml:"vpcId"`
	Owner        string               `xml:"ownerId"`
	Routes       set[routeView]       `xml:"routeSet"`
	Associations set[associationView] `xml:"associationSet"`
	Propagating  set[string]          `xml:"propagatingVgwSet"`
	Tags         set[tag]             `xml:"tagSet"`
}

// viewRoutes are a table's routes with those that follow from the network.
func viewRoutes(n *network, t *routeTable) set[routeView] {
	routes := set[routeView]{}
	if v, ok := get[*vpc](n, t.VPC); ok {
		for _, b := range v.IPv4 {
			routes = append(routes, routeView{IPv4: b.CIDR.String(), Gateway: "local", State: "active", Origin: "CreateRouteTable"})
		}
		for _, b := range v.IPv6 {
			routes = append(routes, routeView{IPv6: b.CIDR.String(), Gateway: "local", State: "active", Origin: "CreateRouteTable"})
		}
	}
	for _, r := range t.Routes {
		v := routeView{State: "active", Origin: "CreateRoute"}
		if !r.live(n, t.VPC) {
			v.State = "blackhole"
		}
		if r.Destination.Addr().Is6() {
			v.IPv6 = r.Destination.String()
		} else {
			v.IPv4 = r.Destination.String()
		}
		switch prefix, _, _ := strings.Cut(r.Target, "-"); prefix {
		case "nat":
			v.NAT = r.Target
		case "eigw":
			v.EgressOnly = r.Target
		default:
			v.Gateway = r.Target
		}
		routes = append(routes, v)
	}
	for _, e := range inVPC[*endpoint](n, t.VPC) {
		if e.Type == gatewayEndpoint && slices.Contains(e.Tables, t.ID) {
			routes = append(routes, routeView{PrefixList: prefixLists[e.service()], Gateway: e.ID, State: "active", Origin: "CreateRoute"})
		}
	}
	return routes
}

func viewTable(n *network, t *routeTable) any {
	v := tableView{ID: t.ID, VPC: t.VPC, Owner: n.account, Routes: viewRoutes(n, t), Tags: t.Tags}
	for _, a := range t.Associations {
		v.Associations = append(v.Associations, associationView{a.ID, t.ID, a.Subnet, a.Subnet == "", word{"associated"}})
	}
	return v
}

func (s *Service) describeRouteTables(c *call) ([]member, error) {
	return describe(s, c, "RouteTableId", "rtb", "routeTableSet", viewTable)
}

func (s *Service) createRouteTable(c *call) ([]member, error) {
	id, err := c.need("VpcId")
	if err != nil {
		return nil, err
	}
	tags, err := c.tags("route-table")
	if err != nil {
		return nil, err
	}
	t := &routeTable{ID: newID("rtb"), VPC: id, Token: c.get("ClientToken"), Tags: tags}
	err = s.update(c.ctx, func(ch *change) error {
		if old, ok := first(&ch.network, func(o *routeTable) bool { return t.Token != "" && o.Token == t.Token }); ok {
			t = old
			return nil
		}
		if _, err := find[*vpc](&ch.network, "vpc", id); err != nil {
			return err
		}
		ch.put(t)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return []member{{"routeTable", viewTable(s.network.Load(), t)}, {"clientToken", t.Token}}, nil
}

func (s *Service) deleteRouteTable(c *call) ([]member, error) {
	id, err := c.need("RouteTableId")
	if err != nil {
		return nil, err
	}
	return done, s.update(c.ctx, func(ch *change) error {
		t, err := find[*routeTable](&ch.network, "rtb", id)
		if err != nil {
			return err
		}
		if len(t.Associations) > 0 {
			return dependency("The routeTable '%s' has dependencies and cannot be deleted.", id)
		}
		for _, e := range inVPC[*endpoint](&ch.network, t.VPC) {
			if slices.Contains(e.Tables, id) {
				return dependency("The routeTable '%s' has dependencies and cannot be deleted: delete %s first.", id, e.ID)
			}
		}
		ch.remove(id)
		return nil
	})
}

// changeTable puts a changed copy of the table that the call names in its place.
func (s *Service) changeTable(c *call, f func(ch *change, t *routeTable) error) error {
	id, err := c.need("RouteTableId")
	if err != nil {
		return err
	}
	return s.update(c.ctx, func(ch *change) error {
		old, err := find[*routeTable](&ch.network, "rtb", id)
		if err != nil {
			return err
		}
		t := *old
		t.Routes, t.Associations = slices.Clone(t.Routes), slices.Clone(t.Associations)
		if err := f(ch, &t); err != nil {
			return err
		}
		ch.put(&t)
		return nil
	})
}

func (s *Service) associateRouteTable(c *call) ([]member, error) {
	sub, err := c.need("SubnetId")
	if err != nil {
		return nil, err
	}
	a := association{newID("rtbassoc"), sub}
	err = s.changeTable(c, func(ch *change, t *routeTable) error {
		v, err := find[*subnet](&ch.network, "subnet", sub)
		if err != nil {
			return err
		}
		if v.VPC != t.VPC {
			return invalidParameter("Route table %s and subnet %s belong to different networks", t.ID, sub)
		}
		for _, other := range inVPC[*routeTable](&ch.network, t.VPC) {
			if other.associated(sub) && other.ID != t.ID {
				return clientError("Resource.AlreadyAssociated", "the specified association for route table %s conflicts with an existing association of %s", t.ID, other.ID)
			}
		}
		if i := slices.IndexFunc(t.Associations, func(o association) bool { return o.Subnet == sub }); i >= 0 {
			a = t.Associations[i]
			return nil
		}
		t.Associations = append(t.Associations, a)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return []member{{"associationId", a.ID}, {"associationState", word{"associated"}}}, nil
}

// takeAssociation removes an association from the table that has it.
func takeAssociation(ch *change, id string) (association, *routeTable, error) {
	is := func(a association) bool { return a.ID == id }
	old, ok := first(&ch.network, func(t *routeTable) bool { return slices.ContainsFunc(t.Associations, is) })
	if !ok {
		return association{}, nil, missing("rtbassoc", id)
	}
	t := *old
	t.Associations = slices.Clone(t.Associations)
	i := slices.IndexFunc(t.Associations, is)
	a := t.Associations[i]
	t.Associations = slices.Delete(t.Associations, i, i+1)
	return a, &t, nil
}

func (s *Service) disassociateRouteTable(c *call) ([]member, error) {
	id, err := c.need("AssociationId")
	if err != nil {
		return nil, err
	}
	return done, s.update(c.ctx, func(ch *change) error {
		a, t, err := takeAssociation(ch, id)
		if err != nil {
			return err
		}
		if a.Subnet == "" {
			return invalidParameter("cannot disassociate the main route table association %s", id)
		}
		ch.put(t)
		return nil
	})
}

// replaceAssociation moves an association to another table. That of the main table makes the other one the main.
func (s *Service) replaceAssociation(c *call) ([]member, error) {
	id, err := c.need("AssociationId")
	if err != nil {
		return nil, err
	}
	target, err := c.need("RouteTableId")
	if err != nil {
		return nil, err
	}
	now := newID("rtbassoc")
	err = s.update(c.ctx, func(ch *change) error {
		a, from, err := takeAssociation(ch, id)
		if err != nil {
			return err
		}
		to, err := find[*routeTable](&ch.network, "rtb", target)
		if err != nil {
			return err
		}
		if from.VPC != to.VPC {
			return invalidParameter("Route table %s and association %s belong to different networks", target, id)
		}
		if from.ID == to.ID {
			to = from
		}
		t := *to
		t.Associations = append(slices.Clone(t.Associations), association{now, a.Subnet})
		// The new tie is written first: a main table twice after a crash is better than none.
		ch.put(&t)
		if from.ID != t.ID {
			ch.put(from)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return []member{{"newAssociationId", now}, {"associationState", word{"associated"}}}, nil
}

const routeParams = "RouteTableId DestinationCidrBlock DestinationIpv6CidrBlock GatewayId NatGatewayId EgressOnlyInternetGatewayId NetworkInterfaceId"

func (c *call) destination() (netip.Prefix, error) {
	switch v4, v6 := c.get("DestinationCidrBlock"), c.get("DestinationIpv6CidrBlock"); {
	case v4 != "" && v6 != "":
		return netip.Prefix{}, clientError("InvalidParameterCombination", "Only one of DestinationCidrBlock and DestinationIpv6CidrBlock may be given")
	case v4 != "":
		return parsePrefix(v4, false)
	case v6 != "":
		return parsePrefix(v6, true)
	}
	return netip.Prefix{}, missingParameter("DestinationCidrBlock or DestinationIpv6CidrBlock")
}

// createRoute serves CreateRoute and ReplaceRoute.
func (s *Service) createRoute(c *call) ([]member, error) {
	to, err := c.destination()
	if err != nil {
		return nil, err
	}
	return done, s.changeTable(c, func(ch *change, t *routeTable) error {
		r := route{Destination: to}
		if r.Target, err = c.target(&ch.network, t.VPC, to.Addr().Is6()); err != nil {
			return err
		}
		v, err := find[*vpc](&ch.network, "vpc", t.VPC)
		if err != nil {
			return err
		}
		if inBlocks(slices.Concat(v.IPv4, v.IPv6), to) {
			return invalidParameter("the route %s lies within the VPC's own block: such traffic stays in the VPC", to)
		}
		i := slices.IndexFunc(t.Routes, func(o route) bool { return o.Destination == to })
		if c.action == "ReplaceRoute" {
			if i < 0 {
				return invalidParameter("There is no route defined for '%s' in the route table. Use CreateRoute instead.", to)
			}
			t.Routes[i] = r
			return nil
		}
		if i >= 0 && t.Routes[i] != r {
			return clientError("RouteAlreadyExists", "The route identified by %s already exists.", to)
		}
		if i < 0 {
			t.Routes = append(t.Routes, r)
		}
		return nil
	})
}

// target finds the one gateway that a call names for a route in this VPC.
func (c *call) target(n *network, vpcID string, v6 bool) (string, error) {
	var id string
	for _, name := range []string{"GatewayId", "NatGatewayId", "EgressOnlyInternetGatewayId", "NetworkInterfaceId"} {
		if v := c.get(name); v != "" {
			if id != "" {
				return "", clientError("InvalidParameterCombination", "Only one target of the route may be given")
			}
			id = v
		}
	}
	if id == "" {
		return "", missingParameter("GatewayId, NatGatewayId or EgressOnlyInternetGatewayId")
	}
	switch g := n.items[id].(type) {
	case *internetGateway:
		if g.VPC != vpcID {
			return "", invalidParameter("route table and network gateway %s belong to different networks", id)
		}
	case *natGateway:
		if g.VPC != vpcID {
			return "", invalidParameter("route table and NAT gateway %s belong to different networks", id)
		}
		if v6 {
			return "", invalidParameter("a NAT gateway carries IPv6 only as NAT64, which the embedded cloud does not have; use an egress-only internet gateway")
		}
	case *egressOnlyGateway:
		if g.VPC != vpcID {
			return "", invalidParameter("route table and egress-only internet gateway %s belong to different networks", id)
		}
		if !v6 {
			return "", invalidParameter("an egress-only internet gateway carries only IPv6 traffic")
		}
	default:
		prefix, _, _ := strings.Cut(id, "-")
		if _, ok := notFound[prefix]; !ok {
			prefix = "igw"
		}
		return "", missing(prefix, id)
	}
	return id, nil
}

func (s *Service) deleteRoute(c *call) ([]member, error) {
	to, err := c.destination()
	if err != nil {
		return nil, err
	}
	return done, s.changeTable(c, func(_ *change, t *routeTable) error {
		i := slices.IndexFunc(t.Routes, func(r route) bool { return r.Destination == to })
		if i < 0 {
			return clientError("InvalidRoute.NotFound", "no route with destination-cidr-block %s in route table %s", to, t.ID)
		}
		t.Routes = slices.Delete(t.Routes, i, i+1)
		return nil
	})
}
