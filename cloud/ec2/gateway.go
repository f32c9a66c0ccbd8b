package ec2

import (
	"crypto/rand"
	"fmt"
	"net/netip"
	"time"
)

// internetGateway joins a VPC to the internet for what has public addresses: IPv6 ones, and NAT gateways.
type internetGateway struct {
	ID   string
	VPC  string // "" while it is not attached
	Tags set[tag]
}

func (g *internetGateway) id() string {
	if g == nil {
		return ""
	}
	return g.ID
}
func (g *internetGateway) in() string                      { return g.VPC }
func (g *internetGateway) tagged() set[tag]                { return g.Tags }
func (g *internetGateway) withTags(tags set[tag]) resource { w := *g; w.Tags = tags; return &w }

func (g *internetGateway) attribute(_ *network, name string) ([]string, bool) {
	if g == nil {
		g = &internetGateway{}
	}
	switch name {
	case "internet-gateway-id":
		return []string{g.ID}, true
	case "attachment.vpc-id":
		return present(g.VPC), true
	case "attachment.state":
		if g.VPC == "" {
			return nil, true
		}
		return []string{"available"}, true
	}
	return nil, false
}

// present is a list of v, without it when it is empty.
func present(v string) []string {
	if v == "" {
		return nil
	}
	return []string{v}
}

type attachment struct {
	State string `xml:"state"`
	VPC   string `xml:"vpcId"`
}

type internetGatewayView struct {
	ID          string          `xml:"internetGatewayId"`
	Owner       string          `xml:"ownerId"`
	Attachments set[attachment] `xml:"attachmentSet"`
	Tags        set[tag]        `xml:"tagSet"`
}

func viewInternetGateway(n *network, g *internetGateway) any {
	v := internetGatewayView{ID: g.ID, Owner: n.account, Tags: g.Tags}
	if g.VPC != "" {
		v.Attachments = set[attachment]{{"available", g.VPC}}
	}
	return v
}

func (s *Service) describeInternetGateways(c *call) ([]member, error) {
	return describe(s, c, "InternetGatewayId", "igw", "internetGatewaySet", viewInternetGateway)
}

func (s *Service) createInternetGateway(c *call) ([]member, error) {
	tags, err := c.tags("internet-gateway")
	if err != nil {
		return nil, err
	}
	g := &internetGateway{ID: newID("igw"), Tags: tags}
	err = s.update(c.ctx, func(ch *change) error {
		ch.put(g)
		return nil
	})
	return []member{{"internetGateway", viewInternetGateway(s.network.Load(), g)}}, err
}

func (s *Service) changeInternetGateway(c *call, f func(ch *change, g *internetGateway) error) ([]member, error) {
	id, err := c.need("InternetGatewayId")
	if err != nil {
		return nil, err
	}
	return done, s.update(c.ctx, func(ch *change) error {
		g, err := find[*internetGateway](&ch.network, "igw", id)
		if err != nil {
			return err
		}
		w := *g
		return f(ch, &w)
	})
}

func (s *Service) attachInternetGateway(c *call) ([]member, error) {
	return s.changeInternetGateway(c, func(ch *change, g *internetGateway) error {
		v, err := find[*vpc](&ch.network, "vpc", c.get("VpcId"))
		if err != nil {
			return err
		}
		if g.VPC != "" {
			return clientError("Resource.AlreadyAssociated", "resource %s is already attached to network %s", g.ID, g.VPC)
		}
		for _, other := range inVPC[*internetGateway](&ch.network, v.ID) {
			return invalidParameter("Network %s already has an internet gateway attached: %s", v.ID, other.ID)
		}
		g.VPC = v.ID
		ch.put(g)
		return nil
	})
}

func (s *Service) detachInternetGateway(c *call) ([]member, error) {
	return s.changeInternetGateway(c, func(ch *change, g *internetGateway) error {
		id := c.get("VpcId")
		if g.VPC == "" || g.VPC != id {
			return clientError("Gateway.NotAttached", "resource %s is not attached to network %s", g.ID, id)
		}
		for _, nat := range inVPC[*natGateway](&ch.network, id) {
			if nat.Allocation != "" && nat.Failure == "" {
				return dependency("Network %s has some mapped public address(es). Please unmap those public address(es) before detaching the gateway: %s.", id, nat.ID)
			}
		}
		g.VPC = ""
		ch.put(g)
		return nil
	})
}

func (s *Service) deleteInternetGateway(c *call) ([]member, error) {
	return s.changeInternetGateway(c, func(ch *change, g *internetGateway) error {
		if g.VPC != "" {
			return dependency("The internetGateway '%s' has dependencies and cannot be deleted: detach it from %s first.", g.ID, g.VPC)
		}
		ch.remove(g.ID)
		return nil
	})
}

// egressOnlyGateway lets IPv6 traffic out of a VPC and nothing in.
type egressOnlyGateway struct {
	ID    string
	VPC   string
	Token string `json:",omitempty"`
	Tags  set[tag]
}

func (g *egressOnlyGateway) id() string {
	if g == nil {
		return ""
	}
	return g.ID
}
func (g *egressOnlyGateway) in() string                      { return g.VPC }
func (g *egressOnlyGateway) tagged() set[tag]                { return g.Tags }
func (g *egressOnlyGateway) withTags(tags set[tag]) resource { w := *g; w.Tags = tags; return &w }

func (g *egressOnlyGateway) attribute(*network, string) ([]string, bool) { return nil, false }

type egressOnlyView struct {
	ID          string          `xml:"egressOnlyInternetGatewayId"`
	Attachments set[attachment] `xml:"attachmentSet"`
	Tags        set[tag]        `xml:"tagSet"`
}

func viewEgressOnly(_ *network, g *egressOnlyGateway) any {
	return egressOnlyView{g.ID, set[attachment]{{"attached", g.VPC}}, g.Tags}
}

func (s *Service) describeEgressOnly(c *call) ([]member, error) {
	return describe(s, c, "EgressOnlyInternetGatewayId", "eigw", "egressOnlyInternetGatewaySet", viewEgressOnly)
}

func (s *Service) createEgressOnly(c *call) ([]member, error) {
	tags, err := c.tags("egress-only-internet-gateway")
	if err != nil {
		return nil, err
	}
	g := &egressOnlyGateway{ID: newID("eigw"), VPC: c.get("VpcId"), Token: c.get("ClientToken"), Tags: tags}
	err = s.update(c.ctx, func(ch *change) error {
		if old, ok := first(&ch.network, func(o *egressOnlyGateway) bool { return g.Token != "" && o.Token == g.Token }); ok {
			g = old
			return nil
		}
		if _, err := find[*vpc](&ch.network, "vpc", g.VPC); err != nil {
			return err
		}
		ch.put(g)
		return nil
	})
	return []member{{"egressOnlyInternetGateway", viewEgressOnly(nil, g)}, {"clientToken", g.Token}}, err
}

func (s *Service) deleteEgressOnly(c *call) ([]member, error) {
	id, err := c.need("EgressOnlyInternetGatewayId")
	if err != nil {
		return nil, err
	}
	return []member{{"returnCode", true}}, s.update(c.ctx, func(ch *change) error {
		if _, err := find[*egressOnlyGateway](&ch.network, "eigw", id); err != nil {
			return err
		}
		ch.remove(id)
		return nil
	})
}

// natGateway carries IPv4 traffic out: a public one to the internet, a private one only to other networks. One that is
// deleted is gone at once, where AWS shows it as deleted for an hour; SDK waiters take both.
type natGateway struct {
	ID         string
	VPC        string
	Subnet     string
	Allocation string // of its public address; "" for a private one
	PrivateIP  netip.Addr
	Failure    string `json:",omitempty"` // the code of what kept it from becoming available
	Created    time.Time
	Token      string `json:",omitempty"`
	Tags       set[tag]
}

// state is "available", or "failed" for a public one that was made in a VPC without an internet gateway: AWS takes the
// call and lets the gateway fail a little later.
func (g *natGateway) state() string {
	if g.Failure != "" {
		return "failed"
	}
	return "available"
}

func (g *natGateway) id() string {
	if g == nil {
		return ""
	}
	return g.ID
}
func (g *natGateway) in() string                      { return g.VPC }
func (g *natGateway) tagged() set[tag]                { return g.Tags }
func (g *natGateway) withTags(tags set[tag]) resource { w := *g; w.Tags = tags; return &w }

func (g *natGateway) attribute(_ *network, name string) ([]string, bool) {
	if g == nil {
		g = &natGateway{}
	}
	switch name {
	case "nat-gateway-id":
		return []string{g.ID}, true
	case "vpc-id":
		return []string{g.VPC}, true
	case "subnet-id":
		return []string{g.Subnet}, true
	case "state":
		return []string{g.state()}, true
	case "connectivity-type":
		return []string{g.connectivity()}, true
	}
	return nil, false
}

func (g *natGateway) connectivity() string {
	if g.Allocation == "" {
		return "private"
	}
	return "public"
}

type natAddress struct {
	Allocation string `xml:"allocationId,omitempty"`
	PublicIP   string `xml:"publicIp,omitempty"`
	PrivateIP  string `xml:"privateIp"`
	Primary    bool   `xml:"isPrimary"`
	Status     string `xml:"status"`
}

type natView struct {
	ID           string          `xml:"natGatewayId"`
	Subnet       string          `xml:"subnetId"`
	VPC          string          `xml:"vpcId"`
	State        string          `xml:"state"`
	Failure      string          `xml:"failureCode,omitempty"`
	FailureText  string          `xml:"failureMessage,omitempty"`
	Connectivity string          `xml:"connectivityType"`
	Created      string          `xml:"createTime"`
	Addresses    set[natAddress] `xml:"natGatewayAddressSet"`
	Tags         set[tag]        `xml:"tagSet"`
}

func viewNAT(n *network, g *natGateway) any {
	a := natAddress{Allocation: g.Allocation, PrivateIP: g.PrivateIP.String(), Primary: true, Status: "succeeded"}
	if ip, ok := get[*address](n, g.Allocation); ok {
		a.PublicIP = ip.IP.String()
	}
	v := natView{ID: g.ID, Subnet: g.Subnet, VPC: g.VPC, State: g.state(), Failure: g.Failure, Connectivity: g.connectivity(),
		Created: g.Created.Format("2006-01-02T15:04:05.000Z"), Addresses: set[natAddress]{a}, Tags: g.Tags}
	if g.Failure != "" {
		v.FailureText = fmt.Sprintf("Network %s has no Internet gateway attached", g.VPC)
	}
	return v
}

func (s *Service) describeNatGateways(c *call) ([]member, error) {
	return describe(s, c, "NatGatewayId", "nat", "natGatewaySet", viewNAT)
}

func (s *Service) createNatGateway(c *call) ([]member, error) {
	tags, err := c.tags("natgateway")
	if err != nil {
		return nil, err
	}
	g := &natGateway{ID: newID("nat"), Subnet: c.get("SubnetId"), Allocation: c.get("AllocationId"), Created: time.Now().UTC(), Token: c.get("ClientToken"), Tags: tags}
	switch kind := c.get("ConnectivityType"); kind {
	case "", "public":
		if g.Allocation == "" {
			return nil, missingParameter("AllocationId")
		}
	case "private":
		if g.Allocation != "" {
			return nil, clientError("InvalidParameterCombination", "AllocationId is not allowed with the connectivity type private")
		}
	default:
		return nil, invalidParameter("Value (%s) for parameter connectivityType is invalid.", kind)
	}
	err = s.update(c.ctx, func(ch *change) error {
		if old, ok := first(&ch.network, func(o *natGateway) bool { return g.Token != "" && o.Token == g.Token }); ok {
			g = old
			return nil
		}
		v, err := find[*subnet](&ch.network, "subnet", g.Subnet)
		if err != nil {
			return err
		}
		if g.Allocation != "" {
			if _, err := find[*address](&ch.network, "eipalloc", g.Allocation); err != nil {
				return err
			}
			if other, ok := first(&ch.network, func(o *natGateway) bool { return o.Allocation == g.Allocation && o.Failure == "" }); ok {
				return clientError("Resource.AlreadyAssociated", "Elastic IP address [%s] is already associated with %s", g.Allocation, other.ID)
			}
		}
		g.VPC, g.PrivateIP = v.VPC, nthAddr(v.IPv4.CIDR, 4+len(all(&ch.network, func(o *natGateway) bool { return o.Subnet == v.ID })))
		if g.Allocation != "" && len(inVPC[*internetGateway](&ch.network, g.VPC)) == 0 {
			g.Failure = "Gateway.NotAttached"
		}
		ch.put(g)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return []member{{"natGateway", viewNAT(s.network.Load(), g)}, {"clientToken", g.Token}}, nil
}

// nthAddr counts addresses of a block from 0.
func nthAddr(p netip.Prefix, n int) netip.Addr {
	a := p.Addr()
	for range n {
		a = a.Next()
	}
	return a
}

func (s *Service) deleteNatGateway(c *call) ([]member, error) {
	id, err := c.need("NatGatewayId")
	if err != nil {
		return nil, err
	}
	return []member{{"natGatewayId", id}}, s.update(c.ctx, func(ch *change) error {
		if _, err := find[*natGateway](&ch.network, "nat", id); err != nil {
			return err
		}
		ch.remove(id)
		return nil
	})
}

// address is an Elastic IP address.
type address struct {
	ID   string
	IP   netip.Addr
	Tags set[tag]
}

func (a *address) id() string {
	if a == nil {
		return ""
	}
	return a.ID
}
func (a *address) in() string                      { return "" }
func (a *address) tagged() set[tag]                { return a.Tags }
func (a *address) withTags(tags set[tag]) resource { w := *a; w.Tags = tags; return &w }

func (a *address) attribute(_ *network, name string) ([]string, bool) {
	if a == nil {
		a = &address{}
	}
	switch name {
	case "allocation-id":
		return []string{a.ID}, true
	case "public-ip":
		return []string{a.IP.String()}, true
	case "domain":
		return []string{"vpc"}, true
	}
	return nil, false
}

type addressView struct {
	ID     string   `xml:"allocationId"`
	IP     string   `xml:"publicIp"`
	Domain string   `xml:"domain"`
	Pool   string   `xml:"publicIpv4Pool"`
	Border string   `xml:"networkBorderGroup"`
	Tags   set[tag] `xml:"tagSet"`
}

func (s *Service) viewAddress(_ *network, a *address) any {
	return addressView{a.ID, a.IP.String(), "vpc", "amazon", s.Region, a.Tags}
}

func (s *Service) describeAddresses(c *call) ([]member, error) {
	if c.has("PublicIp") {
		return nil, unsupported("the embedded cloud finds addresses by AllocationId or by the filter public-ip")
	}
	return describe(s, c, "AllocationId", "eipalloc", "addressesSet", s.viewAddress)
}

// allocateAddress gives an address out of 203.0.113.0/24 and on, which RFC 5737 keeps for documentation: it belongs to
// no one, and neither does this network.
func (s *Service) allocateAddress(c *call) ([]member, error) {
	if d := c.get("Domain"); d != "" && d != "vpc" {
		return nil, invalidParameter("Value (%s) for parameter domain is invalid.", d)
	}
	tags, err := c.tags("elastic-ip")
	if err != nil {
		return nil, err
	}
	var b [1]byte
	rand.Read(b[:])
	a := &address{ID: newID("eipalloc"), IP: netip.AddrFrom4([4]byte{203, 0, 113, b[0]}), Tags: tags}
	err = s.update(c.ctx, func(ch *change) error {
		taken := map[netip.Addr]bool{}
		for _, o := range all[*address](&ch.network, nil) {
			taken[o.IP] = true
		}
		for range 256 {
			if !taken[a.IP] {
				ch.put(a)
				return nil
			}
			ip := a.IP.As4()
			ip[3]++
			a.IP = netip.AddrFrom4(ip)
		}
		return clientError("AddressLimitExceeded", "The maximum number of addresses has been reached.")
	})
	if err != nil {
		return nil, err
	}
	return []member{{"allocationId", a.ID}, {"publicIp", a.IP.String()}, {"domain", "vpc"}, {"publicIpv4Pool", "amazon"}, {"networkBorderGroup", s.Region}}, nil
}

func (s *Service) releaseAddress(c *call) ([]member, error) {
	id, err := c.need("AllocationId")
	if err != nil {
		return nil, err
	}
	return done, s.update(c.ctx, func(ch *change) error {
		if _, err := find[*address](&ch.network, "eipalloc", id); err != nil {
			return err
		}
		if nat, ok := first(&ch.network, func(g *natGateway) bool { return g.Allocation == id && g.Failure == "" }); ok {
			return clientError("InvalidIPAddress.InUse", "The address with allocation id [%s] cannot be released while %s uses it.", id, nat.ID)
		}
		ch.remove(id)
		return nil
	})
}
