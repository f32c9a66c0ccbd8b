package ec2

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
)

type subnet struct {
	ID         string
	VPC        string
	IPv4       block
	IPv6       []block // at most one
	Zone       string
	ZoneID     string
	Default    bool
	PublicIP   bool // instances get a public IPv4 address; functions never do
	AssignIPv6 bool
	Tags       set[tag]
}

func (v *subnet) id() string {
	if v == nil {
		return ""
	}
	return v.ID
}
func (v *subnet) in() string                      { return v.VPC }
func (v *subnet) tagged() set[tag]                { return v.Tags }
func (v *subnet) withTags(tags set[tag]) resource { w := *v; w.Tags = tags; return &w }

func (v *subnet) attribute(_ *network, name string) ([]string, bool) {
	if v == nil {
		v = &subnet{}
	}
	switch name {
	case "subnet-id":
		return []string{v.ID}, true
	case "vpc-id":
		return []string{v.VPC}, true
	case "availability-zone", "availabilityZone":
		return []string{v.Zone}, true
	case "availability-zone-id", "availabilityZoneId":
		return []string{v.ZoneID}, true
	case "default-for-az", "defaultForAz":
		return []string{fmt.Sprint(v.Default)}, true
	case "cidr-block", "cidr", "cidrBlock":
		return []string{v.IPv4.CIDR.String()}, true
	case "ipv6-cidr-block-association.ipv6-cidr-block":
		return cidrs(v.IPv6), true
	case "map-public-ip-on-launch":
		return []string{fmt.Sprint(v.PublicIP)}, true
	case "ipv6-native":
		return []string{"false"}, true
	case "state":
		return []string{"available"}, true
	}
	return nil, false
}

type subnetView struct {
	ID         string         `xml:"subnetId"`
	ARN        string         `xml:"subnetArn"`
	State      string         `xml:"state"`
	Owner      string         `xml:"ownerId"`
	VPC        string         `xml:"vpcId"`
	CIDR       string         `xml:"cidrBlock"`
	IPv6       set[blockView] `xml:"ipv6CidrBlockAssociationSet"`
	AssignIPv6 bool           `xml:"assignIpv6AddressOnCreation"`
	Native     bool           `xml:"ipv6Native"`
	Free       int            `xml:"availableIpAddressCount"`
	Zone       string         `xml:"availabilityZone"`
	ZoneID     string         `xml:"availabilityZoneId"`
	Default    bool           `xml:"defaultForAz"`
	PublicIP   bool           `xml:"mapPublicIpOnLaunch"`
	CustomerIP bool           `xml:"mapCustomerOwnedIpOnLaunch"`
	DNS64      bool           `xml:"enableDns64"`
	Names      launchNames    `xml:"privateDnsNameOptionsOnLaunch"`
	Tags       set[tag]       `xml:"tagSet"`
}

// launchNames is how instances of a subnet are named.
type launchNames struct {
	Type string `xml:"hostnameType"`
	A    bool   `xml:"enableResourceNameDnsARecord"`
	AAAA bool   `xml:"enableResourceNameDnsAAAARecord"`
}

func (s *Service) viewSubnet(n *network, v *subnet) any {
	const reserved = 5 // AWS keeps the first four addresses and the last
	free := 1<<(32-v.IPv4.CIDR.Bits()) - reserved
	for _, i := range s.interfaces(n) {
		if i.Subnet == v.ID {
			free--
		}
	}
	blocks := viewBlocks(v.IPv6)
	for i := range blocks {
		blocks[i] = blocks[i].withoutPool()
	}
	return subnetView{ID: v.ID, ARN: s.arn("subnet", v.ID), State: "available", Owner: n.account, VPC: v.VPC, CIDR: v.IPv4.CIDR.String(),
		IPv6: blocks, AssignIPv6: v.AssignIPv6, Free: free, Zone: v.Zone, ZoneID: v.ZoneID, Default: v.Default, PublicIP: v.PublicIP,
		Names: launchNames{Type: "ip-name"}, Tags: v.Tags}
}

func (s *Service) describeSubnets(c *call) ([]member, error) {
	return describe(s, c, "SubnetId", "subnet", "subnetSet", s.viewSubnet)
}

// inBlocks says whether one of the blocks holds all of p.
func inBlocks(blocks []block, p netip.Prefix) bool {
	return slices.ContainsFunc(blocks, func(b block) bool { return b.CIDR.Bits() <= p.Bits() && b.CIDR.Contains(p.Addr()) })
}

// checkIPv6 reads a subnet's IPv6 block: a /64 of its VPC (or /44 to /60 in steps of four) that no other subnet has.
func checkIPv6(n *network, v *vpc, text string) (netip.Prefix, error) {
	p, err := parsePrefix(text, true)
	if err != nil {
		return p, err
	}
	if p.Bits() < 44 || p.Bits() > 64 || p.Bits()%4 != 0 || !inBlocks(v.IPv6, p) {
		return p, clientError("InvalidSubnet.Range", "The CIDR '%s' is invalid: it must be a /64 of the VPC's IPv6 CIDR block %v.", text, cidrs(v.IPv6))
	}
	for _, other := range inVPC[*subnet](n, v.ID) {
		for _, b := range other.IPv6 {
			if b.CIDR.Overlaps(p) {
				return p, clientError("InvalidSubnet.Conflict", "The CIDR '%s' conflicts with another subnet", text)
			}
		}
	}
	return p, nil
}

func (s *Service) createSubnet(c *call) ([]member, error) {
	id, err := c.need("VpcId")
	if err != nil {
		return nil, err
	}
	text, err := c.need("CidrBlock")
	if err != nil {
		return nil, err
	}
	p, err := parsePrefix(text, false)
	if err != nil {
		return nil, err
	}
	tags, err := c.tags("subnet")
	if err != nil {
		return nil, err
	}
	v := &subnet{ID: newID("subnet"), VPC: id, IPv4: block{newID("subnet-cidr-assoc"), p}, Tags: tags}
	zones := s.zones()
	at := slices.IndexFunc(zones, func(z zone) bool {
		name, id := c.get("AvailabilityZone"), c.get("AvailabilityZoneId")
		return (name == "" || name == z.Name) && (id == "" || id == z.ID)
	})
	if at < 0 {
		return nil, invalidParameter("Value (%s%s) for parameter availabilityZone is invalid. Subnets can currently only be created in the following availability zones: %s to %s.",
			c.get("AvailabilityZone"), c.get("AvailabilityZoneId"), zones[0].Name, zones[len(zones)-1].Name)
	}
	v.Zone, v.ZoneID = zones[at].Name, zones[at].ID
	err = s.update(c.ctx, func(ch *change) error {
		in, err := find[*vpc](&ch.network, "vpc", id)
		if err != nil {
			return err
		}
		if p.Bits() < 16 || p.Bits() > 28 || !inBlocks(in.IPv4, p) {
			return clientError("InvalidSubnet.Range", "The CIDR '%s' is invalid.", text)
		}
		for _, other := range inVPC[*subnet](&ch.network, id) {
			if other.IPv4.CIDR.Overlaps(p) {
				return clientError("InvalidSubnet.Conflict", "The CIDR '%s' conflicts with another subnet", text)
			}
		}
		if text := c.get("Ipv6CidrBlock"); text != "" {
			p6, err := checkIPv6(&ch.network, in, text)
			if err != nil {
				return err
			}
			v.IPv6 = []block{{newID("subnet-cidr-assoc"), p6}}
		}
		ch.put(v)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return []member{{"subnet", s.viewSubnet(s.network.Load(), v)}}, nil
}

func (s *Service) deleteSubnet(c *call) ([]member, error) {
	id, err := c.need("SubnetId")
	if err != nil {
		return nil, err
	}
	err = s.update(c.ctx, func(ch *change) error {
		v, err := find[*subnet](&ch.network, "subnet", id)
		if err != nil {
			return err
		}
		if i, ok := s.usedBy(&ch.network, id, ""); ok {
			return dependency("The subnet '%s' has dependencies and cannot be deleted: %s is in it.", id, i)
		}
		for _, nat := range inVPC[*natGateway](&ch.network, v.VPC) {
			if nat.Subnet == id {
				return dependency("The subnet '%s' has dependencies and cannot be deleted: delete %s first.", id, nat.ID)
			}
		}
		for _, e := range inVPC[*endpoint](&ch.network, v.VPC) {
			if slices.Contains(e.Subnets, id) {
				return dependency("The subnet '%s' has dependencies and cannot be deleted: delete %s first.", id, e.ID)
			}
		}
		for _, t := range inVPC[*routeTable](&ch.network, v.VPC) {
			if t.associated(id) {
				w := *t
				w.Associations = slices.DeleteFunc(slices.Clone(t.Associations), func(a association) bool { return a.Subnet == id })
				ch.put(&w)
			}
		}
		ch.remove(id)
		return nil
	})
	return done, err
}

// changeSubnet puts a changed copy of the subnet that the call names in its place.
func (s *Service) changeSubnet(c *call, f func(n *network, v *subnet) error) error {
	id, err := c.need("SubnetId")
	if err != nil {
		return err
	}
	return s.update(c.ctx, func(ch *change) error {
		old, err := find[*subnet](&ch.network, "subnet", id)
		if err != nil {
			return err
		}
		v := *old
		if err := f(&ch.network, &v); err != nil {
			return err
		}
		ch.put(&v)
		return nil
	})
}

func (s *Service) modifySubnetAttribute(c *call) ([]member, error) {
	return done, s.changeSubnet(c, func(_ *network, v *subnet) error {
		if c.has("MapPublicIpOnLaunch") {
			v.PublicIP = c.bool("MapPublicIpOnLaunch.Value")
		}
		if c.has("AssignIpv6AddressOnCreation") {
			v.AssignIPv6 = c.bool("AssignIpv6AddressOnCreation.Value")
			if v.AssignIPv6 && len(v.IPv6) == 0 {
				return invalidParameter("Invalid value 'true' for assignIpv6AddressOnCreation. Subnet %s has no IPv6 CIDR block.", v.ID)
			}
		}
		return nil
	})
}

func (s *Service) associateSubnetCidrBlock(c *call) ([]member, error) {
	text, err := c.need("Ipv6CidrBlock")
	if err != nil {
		return nil, err
	}
	var added block
	err = s.changeSubnet(c, func(n *network, v *subnet) error {
		if len(v.IPv6) > 0 {
			return clientError("CidrLimitExceeded", "The subnet '%s' has an IPv6 CIDR block already: %s", v.ID, v.IPv6[0].CIDR)
		}
		in, err := find[*vpc](n, "vpc", v.VPC)
		if err != nil {
			return err
		}
		p, err := checkIPv6(n, in, text)
		added = block{newID("subnet-cidr-assoc"), p}
		v.IPv6 = []block{added}
		return err
	})
	if err != nil {
		return nil, err
	}
	return []member{{"subnetId", c.get("SubnetId")}, {"ipv6CidrBlockAssociation", viewBlock(added, "associating").withoutPool()}}, nil
}

func (s *Service) disassociateSubnetCidrBlock(c *call) ([]member, error) {
	id, err := c.need("AssociationId")
	if err != nil {
		return nil, err
	}
	var v subnet
	var gone block
	err = s.update(c.ctx, func(ch *change) error {
		old, ok := first(&ch.network, func(v *subnet) bool { return len(v.IPv6) > 0 && v.IPv6[0].Association == id })
		if !ok {
			return clientError("InvalidSubnetCidrBlockAssociationID.NotFound", "The subnet CIDR block association ID '%s' does not exist", id)
		}
		if i, used := s.usedBy(&ch.network, old.ID, ""); used {
			return dependency("The subnet '%s' has dependencies: %s is in it.", old.ID, i)
		}
		v = *old
		gone, v.IPv6, v.AssignIPv6 = v.IPv6[0], nil, false
		ch.put(&v)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return []member{{"subnetId", v.ID}, {"ipv6CidrBlockAssociation", viewBlock(gone, "disassociating").withoutPool()}}, nil
}

// Placement returns the VPC of these subnets and security groups, which must exist and be in one VPC, and whether
// every subnet has IPv6 addresses. The error is a *[protocol.Error] in EC2's words.
func (s *Service) Placement(ctx context.Context, subnetIDs, groupIDs []string) (vpcID string, dualStack bool, err error) {
	n := s.network.Load()
	dualStack = len(subnetIDs) > 0
	for _, id := range subnetIDs {
		v, err := find[*subnet](n, "subnet", id)
		if err != nil {
			return "", false, err
		}
		if vpcID != "" && v.VPC != vpcID {
			return "", false, clientError("InvalidParameter", "Subnets and security groups must belong to one VPC: %s is in %s, %s is in %s", subnetIDs[0], vpcID, id, v.VPC)
		}
		vpcID = v.VPC
		dualStack = dualStack && len(v.IPv6) > 0
	}
	for _, id := range groupIDs {
		g, err := find[*group](n, "sg", id)
		if err != nil {
			return "", false, err
		}
		if vpcID != "" && g.VPC != vpcID {
			return "", false, clientError("InvalidParameter", "Subnets and security groups must belong to one VPC: the subnets are in %s, %s is in %s", vpcID, id, g.VPC)
		}
		vpcID = g.VPC
	}
	return vpcID, dualStack, nil
}
