package ec2

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// Attachment is a function's place in VPCs, for its network interfaces.
type Attachment struct {
	Function         string
	SubnetIDs        []string
	SecurityGroupIDs []string
}

// netInterface is a network interface. None is stored: they follow from the functions, NAT gateways and interface
// endpoints that need them. Those of functions are shared as on AWS, where functions with the same subnet and security
// groups leave through the same one; here it is gone with the last of them, there it stays some twenty minutes.
type netInterface struct {
	ID          string
	VPC         string
	Subnet      string
	Zone        string
	Groups      []string
	Kind        string // as interfaceType has it
	Description string
	Requester   string
	IP          netip.Addr
}

func (i *netInterface) id() string {
	if i == nil {
		return ""
	}
	return i.ID
}
func (i *netInterface) in() string                 { return i.VPC }
func (i *netInterface) tagged() set[tag]           { return nil }
func (i *netInterface) withTags(set[tag]) resource { return i }

func (i *netInterface) attribute(_ *network, name string) ([]string, bool) {
	if i == nil {
		i = &netInterface{}
	}
	switch name {
	case "network-interface-id":
		return []string{i.ID}, true
	case "vpc-id":
		return []string{i.VPC}, true
	case "subnet-id":
		return []string{i.Subnet}, true
	case "availability-zone":
		return []string{i.Zone}, true
	case "group-id":
		return i.Groups, true
	case "interface-type":
		return []string{i.Kind}, true
	case "description":
		return []string{i.Description}, true
	case "requester-id":
		return []string{i.Requester}, true
	case "requester-managed":
		return []string{"true"}, true
	case "private-ip-address", "addresses.private-ip-address":
		return []string{i.IP.String()}, true
	case "status":
		return []string{"in-use"}, true
	case "attachment.status":
		return []string{"attached"}, true
	}
	return nil, false
}

// derivedID is the id of an interface that follows from others: the same at each look.
func derivedID(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return "eni-" + hex.EncodeToString(sum[:])[:17]
}

// interfaces are the network interfaces of a network, by id. Their addresses follow the reserved ones of their subnet
// in the order of the ids.
func (s *Service) interfaces(n *network) []*netInterface {
	found := map[string]*netInterface{}
	add := func(i *netInterface) {
		v, ok := get[*subnet](n, i.Subnet)
		if ok && found[i.ID] == nil {
			i.VPC, i.Zone = v.VPC, v.Zone
			found[i.ID] = i
		}
	}
	if s.Attachments != nil {
		for _, a := range s.Attachments() {
			groups := slices.Sorted(slices.Values(a.SecurityGroupIDs))
			for _, id := range a.SubnetIDs {
				add(&netInterface{ID: derivedID("lambda", id, strings.Join(groups, ",")), Subnet: id, Groups: groups, Kind: "lambda",
					Description: "AWS Lambda VPC ENI-" + a.Function, Requester: "AROA:" + n.account})
			}
		}
	}
	for _, nat := range all[*natGateway](n, func(g *natGateway) bool { return g.Failure == "" }) {
		add(&netInterface{ID: derivedID(nat.ID), Subnet: nat.Subnet, Kind: "nat_gateway", Description: "Interface for NAT Gateway " + nat.ID,
			Requester: "amazon-vpc", IP: nat.PrivateIP})
	}
	for _, e := range all[*endpoint](n, nil) {
		for _, id := range e.Subnets {
			add(&netInterface{ID: derivedID(e.ID, id), Subnet: id, Groups: e.Groups, Kind: "vpc_endpoint", Description: "VPC Endpoint Interface " + e.ID,
				Requester: "amazon-vpc"})
		}
	}
	list := slices.SortedFunc(maps.Values(found), func(a, b *netInterface) int { return cmp.Compare(a.ID, b.ID) })
	taken := map[netip.Addr]bool{}
	for _, i := range list {
		taken[i.IP] = true
	}
	next := map[string]netip.Addr{}
	for _, i := range list {
		if i.IP.IsValid() {
			continue
		}
		v, _ := get[*subnet](n, i.Subnet)
		at, ok := next[i.Subnet]
		if !ok {
			at = nthAddr(v.IPv4.CIDR, 4)
		}
		for taken[at] {
			at = at.Next()
		}
		i.IP, next[i.Subnet] = at, at.Next()
	}
	return list
}

// usedBy is an interface of a function that stands in the way of removing what it uses: a subnet or a security group.
func (s *Service) usedBy(n *network, subnet, group string) (*netInterface, bool) {
	for _, i := range s.interfaces(n) {
		if i.Kind == "lambda" && (i.Subnet == subnet || slices.Contains(i.Groups, group)) {
			return i, true
		}
	}
	return nil, false
}

type interfaceAttachment struct {
	Owner  string `xml:"instanceOwnerId"`
	Status string `xml:"status"`
	Delete bool   `xml:"deleteOnTermination"`
}

type groupName struct {
	ID   string `xml:"groupId"`
	Name string `xml:"groupName"`
}

type privateAddress struct {
	IP      string `xml:"privateIpAddress"`
	Primary bool   `xml:"primary"`
}

type interfaceView struct {
	ID          string              `xml:"networkInterfaceId"`
	Subnet      string              `xml:"subnetId"`
	VPC         string              `xml:"vpcId"`
	Zone        string              `xml:"availabilityZone"`
	Description string              `xml:"description"`
	Owner       string              `xml:"ownerId"`
	Requester   string              `xml:"requesterId"`
	Managed     bool                `xml:"requesterManaged"`
	Status      string              `xml:"status"`
	IP          string              `xml:"privateIpAddress"`
	CheckSource bool                `xml:"sourceDestCheck"`
	Kind        string              `xml:"interfaceType"`
	Groups      set[groupName]      `xml:"groupSet"`
	Attachment  interfaceAttachment `xml:"attachment"`
	Addresses   set[privateAddress] `xml:"privateIpAddressesSet"`
	Tags        set[tag]            `xml:"tagSet"`
}

func viewInterface(n *network, i *netInterface) any {
	v := interfaceView{ID: i.ID, Subnet: i.Subnet, VPC: i.VPC, Zone: i.Zone, Description: i.Description, Owner: n.account, Requester: i.Requester,
		Managed: true, Status: "in-use", IP: i.IP.String(), CheckSource: i.Kind != "nat_gateway", Kind: i.Kind,
		Attachment: interfaceAttachment{"amazon-aws", "attached", false}, Addresses: set[privateAddress]{{i.IP.String(), true}}}
	for _, id := range i.Groups {
		g, _ := get[*group](n, id)
		if g != nil {
			v.Groups = append(v.Groups, groupName{id, g.Name})
		}
	}
	return v
}

func (s *Service) describeInterfaces(c *call) ([]member, error) {
	n := s.network.Load()
	with := &network{n.account, n.region, maps.Clone(n.items)}
	for _, i := range s.interfaces(n) {
		with.items[i.ID] = i
	}
	return describeIn(with, c, "NetworkInterfaceId", "eni", "networkInterfaceSet", viewInterface)
}

// deleteInterface refuses: every interface here belongs to something else, which removes it.
func (s *Service) deleteInterface(c *call) ([]member, error) {
	id, err := c.need("NetworkInterfaceId")
	if err != nil {
		return nil, err
	}
	for _, i := range s.interfaces(s.network.Load()) {
		if i.ID == id {
			return nil, clientError("InvalidParameterValue", "Network interface '%s' is currently in use: %s", id, i.Description)
		}
	}
	return nil, missing("eni", id)
}

func (i *netInterface) String() string { return fmt.Sprintf("%s (%s)", i.ID, i.Description) }
