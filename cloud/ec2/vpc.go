package ec2

import (
	"crypto/rand"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// block is an address range of a VPC or a subnet.
type block struct {
	Association string
	CIDR        netip.Prefix
}

type vpc struct {
	ID           string
	IPv4         []block // the first is the primary one
	IPv6         []block
	Default      bool
	DNSSupport   bool
	DNSHostnames bool
	Tags         set[tag]
}

func (v *vpc) id() string {
	if v == nil {
		return ""
	}
	return v.ID
}
func (v *vpc) in() string                      { return "" }
func (v *vpc) tagged() set[tag]                { return v.Tags }
func (v *vpc) withTags(tags set[tag]) resource { w := *v; w.Tags = tags; return &w }

func (v *vpc) attribute(_ *network, name string) ([]string, bool) {
	if v == nil {
		v = &vpc{IPv4: []block{{}}}
	}
	switch name {
	case "vpc-id":
		return []string{v.ID}, true
	case "isDefault", "is-default":
		return []string{fmt.Sprint(v.Default)}, true
	case "cidr", "cidr-block":
		return []string{v.IPv4[0].CIDR.String()}, true
	case "cidr-block-association.cidr-block":
		return cidrs(v.IPv4), true
	case "ipv6-cidr-block-association.ipv6-cidr-block":
		return cidrs(v.IPv6), true
	case "state":
		return []string{"available"}, true
	case "dhcp-options-id":
		return []string{dhcpOptions}, true
	}
	return nil, false
}

// dhcpOptions is the account's default set of DHCP options, which every VPC has.
const dhcpOptions = "dopt-0a1b2c3d4e5f60718"

func cidrs(blocks []block) []string {
	list := make([]string, len(blocks))
	for i, b := range blocks {
		list[i] = b.CIDR.String()
	}
	return list
}

// word is how several parts of EC2 wrap a word.
type word struct {
	State string `xml:"state"`
}

type blockView struct {
	Association string `xml:"associationId"`
	CIDR        string `xml:"cidrBlock,omitempty"`
	State       *word  `xml:"cidrBlockState,omitempty"`
	IPv6        string `xml:"ipv6CidrBlock,omitempty"`
	IPv6State   *word  `xml:"ipv6CidrBlockState,omitempty"`
	Group       string `xml:"networkBorderGroup,omitempty"`
	Pool        string `xml:"ipv6Pool,omitempty"`
}

func viewBlock(b block, status string) blockView {
	if b.CIDR.Addr().Is6() {
		return blockView{Association: b.Association, IPv6: b.CIDR.String(), IPv6State: &word{status}, Pool: "Amazon"}
	}
	return blockView{Association: b.Association, CIDR: b.CIDR.String(), State: &word{status}}
}

// withoutPool is the view of a block of a subnet: the pool is told of those of VPCs.
func (v blockView) withoutPool() blockView {
	v.Pool = ""
	return v
}

func viewBlocks(blocks []block) set[blockView] {
	views := set[blockView]{}
	for _, b := range blocks {
		views = append(views, viewBlock(b, "associated"))
	}
	return views
}

type vpcView struct {
	ID      string         `xml:"vpcId"`
	Owner   string         `xml:"ownerId"`
	State   string         `xml:"state"`
	CIDR    string         `xml:"cidrBlock"`
	IPv4    set[blockView] `xml:"cidrBlockAssociationSet"`
	IPv6    set[blockView] `xml:"ipv6CidrBlockAssociationSet"`
	DHCP    string         `xml:"dhcpOptionsId"`
	Tenancy string         `xml:"instanceTenancy"`
	Default bool           `xml:"isDefault"`
	Tags    set[tag]       `xml:"tagSet"`
}

func viewVPC(n *network, v *vpc) any {
	return vpcView{v.ID, n.account, "available", v.IPv4[0].CIDR.String(), viewBlocks(v.IPv4), viewBlocks(v.IPv6), dhcpOptions, "default", v.Default, v.Tags}
}

func (s *Service) describeVpcs(c *call) ([]member, error) {
	return describe(s, c, "VpcId", "vpc", "vpcSet", viewVPC)
}

// parseVPCBlock reads a VPC's IPv4 block, which has between 16 and 65,536 addresses.
func parseVPCBlock(text string) (netip.Prefix, error) {
	p, err := parsePrefix(text, false)
	if err == nil && (p.Bits() < 16 || p.Bits() > 28) {
		err = clientError("InvalidVpc.Range", "The CIDR '%s' is invalid.", text)
	}
	return p, err
}

func (s *Service) createVpc(c *call) ([]member, error) {
	text, err := c.need("CidrBlock")
	if err != nil {
		return nil, err
	}
	p, err := parseVPCBlock(text)
	if err != nil {
		return nil, err
	}
	if t := c.get("InstanceTenancy"); t != "" && t != "default" {
		return nil, unsupported("the embedded cloud has no instances, and so no instance tenancy but 'default'; got '%s'", t)
	}
	tags, err := c.tags("vpc")
	if err != nil {
		return nil, err
	}
	v := &vpc{ID: newID("vpc"), IPv4: []block{{newID("vpc-cidr-assoc"), p}}, DNSSupport: true, Tags: tags}
	if c.bool("AmazonProvidedIpv6CidrBlock") {
		v.IPv6 = []block{{newID("vpc-cidr-assoc"), amazonIPv6()}}
	}
	err = s.update(c.ctx, func(ch *change) error {
		addVPC(ch, v)
		return nil
	})
	return []member{{"vpc", viewVPC(s.network.Load(), v)}}, err
}

// addVPC puts a VPC together with what each has from its beginning: a main route table and a default group.
func addVPC(ch *change, v *vpc) {
	table := &routeTable{ID: newID("rtb"), VPC: v.ID, Associations: []association{{ID: newID("rtbassoc")}}}
	g := &group{ID: newID("sg"), VPC: v.ID, Name: "default", Description: "default VPC security group"}
	g.Rules = append(egressRules(v), rule{ID: newID("sgr"), Protocol: "-1", From: -1, To: -1, Group: g.ID})
	ch.put(table, g, v)
}

// amazonIPv6 picks a /56 out of the range that Amazon uses in North Virginia.
func amazonIPv6() netip.Prefix {
	a := netip.MustParseAddr("2600:1f18::").As16()
	rand.Read(a[4:7])
	return netip.PrefixFrom(netip.AddrFrom16(a), 56)
}

func (s *Service) deleteVpc(c *call) ([]member, error) {
	id, err := c.need("VpcId")
	if err != nil {
		return nil, err
	}
	err = s.update(c.ctx, func(ch *change) error {
		if _, err := find[*vpc](&ch.network, "vpc", id); err != nil {
			return err
		}
		inside := inVPC[resource](&ch.network, id)
		for _, r := range inside {
			if g, ok := r.(*group); ok && g.Name == "default" {
				continue
			}
			if t, ok := r.(*routeTable); ok && t.main() {
				continue
			}
			return dependency("The vpc '%s' has dependencies and cannot be deleted: delete %s first.", id, r.id())
		}
		ch.remove(id)
		for _, r := range inside {
			ch.remove(r.id())
		}
		return nil
	})
	return done, err
}

// associateVpcCidrBlock adds an IPv4 block, or the IPv6 block of a VPC that has none. Groups that still have the
// egress rule they were made with then let IPv6 out as well, as on AWS.
func (s *Service) associateVpcCidrBlock(c *call) ([]member, error) {
	id, err := c.need("VpcId")
	if err != nil {
		return nil, err
	}
	added := block{Association: newID("vpc-cidr-assoc")}
	err = s.update(c.ctx, func(ch *change) error {
		old, err := find[*vpc](&ch.network, "vpc", id)
		if err != nil {
			return err
		}
		v := *old
		if !c.bool("AmazonProvidedIpv6CidrBlock") {
			text, err := c.need("CidrBlock")
			if err != nil {
				return err
			}
			if added.CIDR, err = parseVPCBlock(text); err != nil {
				return err
			}
			for _, b := range v.IPv4 {
				if b.CIDR.Overlaps(added.CIDR) {
					return clientError("InvalidVpc.Range", "The CIDR '%s' conflicts with another block of the VPC, %s", text, b.CIDR)
				}
			}
			v.IPv4 = append(slices.Clone(v.IPv4), added)
			ch.put(&v)
			return nil
		}
		if len(v.IPv6) > 0 {
			return clientError("CidrLimitExceeded", "The vpc '%s' has an IPv6 CIDR block already: %s", id, v.IPv6[0].CIDR)
		}
		for _, g := range inVPC[*group](&ch.network, id) {
			if g.untouchedEgress() {
				w := *g
				w.Rules = append(slices.Clone(g.Rules), allIPv6())
				ch.put(&w)
			}
		}
		added.CIDR = amazonIPv6()
		v.IPv6 = []block{added}
		ch.put(&v)
		return nil
	})
	if err != nil {
		return nil, err
	}
	name := "cidrBlockAssociation"
	if added.CIDR.Addr().Is6() {
		name = "ipv6CidrBlockAssociation"
	}
	return []member{{"vpcId", id}, {name, viewBlock(added, "associating")}}, nil
}

func (s *Service) disassociateVpcCidrBlock(c *call) ([]member, error) {
	id, err := c.need("AssociationId")
	if err != nil {
		return nil, err
	}
	var v vpc
	var gone block
	err = s.update(c.ctx, func(ch *change) error {
		is := func(b block) bool { return b.Association == id }
		old, ok := first(&ch.network, func(v *vpc) bool { return slices.ContainsFunc(v.IPv4, is) || slices.ContainsFunc(v.IPv6, is) })
		if !ok {
			return clientError("InvalidVpcCidrBlockAssociationID.NotFound", "The vpc CIDR block association ID '%s' does not exist", id)
		}
		if old.IPv4[0].Association == id {
			return clientError("OperationNotPermitted", "The vpc CIDR block with association ID %s may not be disassociated. It is the primary IPv4 CIDR block of the VPC", id)
		}
		v = *old
		for _, b := range slices.Concat(v.IPv4, v.IPv6) {
			if is(b) {
				gone = b
			}
		}
		for _, sub := range inVPC[*subnet](&ch.network, v.ID) {
			for _, b := range slices.Concat([]block{sub.IPv4}, sub.IPv6) {
				if gone.CIDR.Overlaps(b.CIDR) {
					return clientError("InvalidCidrBlock.InUse", "The vpc %s currently has a subnet within CIDR block %s: %s", v.ID, gone.CIDR, sub.ID)
				}
			}
		}
		v.IPv4 = slices.DeleteFunc(slices.Clone(v.IPv4), is)
		v.IPv6 = slices.DeleteFunc(slices.Clone(v.IPv6), is)
		ch.put(&v)
		return nil
	})
	if err != nil {
		return nil, err
	}
	name := "cidrBlockAssociation"
	if gone.CIDR.Addr().Is6() {
		name = "ipv6CidrBlockAssociation"
	}
	return []member{{"vpcId", v.ID}, {name, viewBlock(gone, "disassociating")}}, nil
}

func (s *Service) modifyVpcAttribute(c *call) ([]member, error) {
	id, err := c.need("VpcId")
	if err != nil {
		return nil, err
	}
	err = s.update(c.ctx, func(ch *change) error {
		old, err := find[*vpc](&ch.network, "vpc", id)
		if err != nil {
			return err
		}
		v := *old
		if c.has("EnableDnsSupport") {
			v.DNSSupport = c.bool("EnableDnsSupport.Value")
		}
		if c.has("EnableDnsHostnames") {
			v.DNSHostnames = c.bool("EnableDnsHostnames.Value")
		}
		ch.put(&v)
		return nil
	})
	return done, err
}

func (s *Service) describeVpcAttribute(c *call) ([]member, error) {
	v, err := find[*vpc](s.network.Load(), "vpc", c.get("VpcId"))
	if err != nil {
		return nil, err
	}
	type boolean struct {
		Value bool `xml:"value"`
	}
	attribute := c.get("Attribute")
	value, ok := map[string]bool{"enableDnsSupport": v.DNSSupport, "enableDnsHostnames": v.DNSHostnames, "enableNetworkAddressUsageMetrics": false}[attribute]
	if !ok {
		return nil, invalidParameter("Value (%s) for parameter attribute is invalid. Unknown attribute.", attribute)
	}
	return []member{{"vpcId", v.ID}, {attribute, boolean{value}}}, nil
}

// makeDefault makes the default VPC of a new account: 172.31.0.0/16, a public /20 in every zone, an internet gateway.
func (s *Service) makeDefault(ch *change) error {
	v := &vpc{ID: newID("vpc"), Default: true, DNSSupport: true, DNSHostnames: true,
		IPv4: []block{{newID("vpc-cidr-assoc"), netip.MustParsePrefix("172.31.0.0/16")}}}
	addVPC(ch, v)
	gateway := &internetGateway{ID: newID("igw"), VPC: v.ID}
	table := *inVPC[*routeTable](&ch.network, v.ID)[0]
	table.Routes = []route{{Destination: anyIPv4, Target: gateway.ID}}
	ch.put(gateway, &table)
	for i, z := range s.zones() {
		ch.put(&subnet{ID: newID("subnet"), VPC: v.ID, Zone: z.Name, ZoneID: z.ID, Default: true, PublicIP: true,
			IPv4: block{newID("subnet-cidr-assoc"), netip.PrefixFrom(netip.AddrFrom4([4]byte{172, 31, byte(i * 16), 0}), 20)}})
	}
	return nil
}

// describeRegions names the one region that this cloud is.
func (s *Service) describeRegions(c *call) ([]member, error) {
	type item struct {
		Name     string `xml:"regionName"`
		Endpoint string `xml:"regionEndpoint"`
		OptIn    string `xml:"optInStatus"`
	}
	filters, err := c.filters()
	if err != nil {
		return nil, err
	}
	region := item{s.Region, "ec2." + s.Region + ".amazonaws.com", "opt-in-not-required"}
	pass := true
	for _, f := range filters {
		value, ok := map[string]string{"region-name": region.Name, "endpoint": region.Endpoint, "opt-in-status": region.OptIn}[f.name]
		if !ok {
			return nil, invalidParameter("The filter '%s' is invalid", f.name)
		}
		pass = pass && f.pass([]string{value})
	}
	for _, name := range c.list("RegionName") {
		if name != s.Region {
			return nil, invalidParameter("Invalid region(s): [%s]", name)
		}
	}
	items := set[item]{}
	if pass {
		items = append(items, region)
	}
	return []member{{"regionInfo", items}}, nil
}

type zone struct {
	Name     string      `xml:"zoneName"`
	ID       string      `xml:"zoneId"`
	State    string      `xml:"zoneState"`
	Region   string      `xml:"regionName"`
	Type     string      `xml:"zoneType"`
	Group    string      `xml:"groupName"`
	Border   string      `xml:"networkBorderGroup"`
	OptIn    string      `xml:"optInStatus"`
	Messages set[string] `xml:"messageSet"`
}

// zones are the region's availability zones: six in us-east-1, three elsewhere. The ids shorten the region's name as
// AWS does: use1-az1, apse2-az1.
func (s *Service) zones() []zone {
	count := 3
	if s.Region == "us-east-1" {
		count = 6
	}
	short := strings.NewReplacer("north", "n", "south", "s", "east", "e", "west", "w", "central", "c", "gov", "g", "-", "").Replace(s.Region)
	var zones []zone
	for i := range count {
		zones = append(zones, zone{Name: s.Region + string(rune('a'+i)), ID: fmt.Sprintf("%s-az%d", short, i+1), State: "available", Region: s.Region,
			Type: "availability-zone", Group: s.Region + "-zg-1", Border: s.Region, OptIn: "opt-in-not-required"})
	}
	return zones
}

func (s *Service) describeZones(c *call) ([]member, error) {
	filters, err := c.filters()
	if err != nil {
		return nil, err
	}
	names, ids := c.list("ZoneName"), c.list("ZoneId")
	list := s.zones()
	for _, name := range names {
		if !slices.ContainsFunc(list, func(z zone) bool { return z.Name == name }) {
			return nil, invalidParameter("Invalid availability zone: [%s]", name)
		}
	}
	for _, f := range filters {
		value, ok := map[string]func(zone) string{
			"zone-name": func(z zone) string { return z.Name }, "zone-id": func(z zone) string { return z.ID },
			"state": func(z zone) string { return z.State }, "zone-state": func(z zone) string { return z.State },
			"region-name": func(z zone) string { return z.Region }, "zone-type": func(z zone) string { return z.Type },
			"group-name": func(z zone) string { return z.Group }, "opt-in-status": func(z zone) string { return z.OptIn },
		}[f.name]
		if !ok {
			return nil, invalidParameter("The filter '%s' is invalid", f.name)
		}
		list = slices.DeleteFunc(list, func(z zone) bool { return !f.pass([]string{value(z)}) })
	}
	list = slices.DeleteFunc(list, func(z zone) bool {
		return len(names) > 0 && !slices.Contains(names, z.Name) || len(ids) > 0 && !slices.Contains(ids, z.ID)
	})
	return []member{{"availabilityZoneInfo", set[zone](list)}}, nil
}
