package ec2

import "slices"

// acl is the network ACL of a VPC: the default one, which lets everything through, for tools that look at it. There are
// no others here.
type acl struct {
	ID      string
	VPC     string
	Subnets []string
}

func acls(n *network) []acl {
	var list []acl
	for _, v := range all[*vpc](n, nil) {
		a := acl{ID: "acl-" + derivedID(v.ID)[len("eni-"):], VPC: v.ID}
		for _, sub := range inVPC[*subnet](n, v.ID) {
			a.Subnets = append(a.Subnets, sub.ID)
		}
		list = append(list, a)
	}
	return list
}

func (s *Service) describeACLs(c *call) ([]member, error) {
	type entry struct {
		Number   int    `xml:"ruleNumber"`
		Protocol string `xml:"protocol"`
		Action   string `xml:"ruleAction"`
		Egress   bool   `xml:"egress"`
		CIDR     string `xml:"cidrBlock"`
	}
	type tie struct {
		ID     string `xml:"networkAclAssociationId"`
		ACL    string `xml:"networkAclId"`
		Subnet string `xml:"subnetId"`
	}
	type item struct {
		ID      string     `xml:"networkAclId"`
		VPC     string     `xml:"vpcId"`
		Owner   string     `xml:"ownerId"`
		Default bool       `xml:"default"`
		Entries set[entry] `xml:"entrySet"`
		Ties    set[tie]   `xml:"associationSet"`
		Tags    set[tag]   `xml:"tagSet"`
	}
	n := s.network.Load()
	filters, err := c.filters()
	if err != nil {
		return nil, err
	}
	list, wanted := acls(n), c.list("NetworkAclId")
	for _, id := range wanted {
		if !slices.ContainsFunc(list, func(a acl) bool { return a.ID == id }) {
			return nil, missing("acl", id)
		}
	}
	for _, f := range filters {
		var values func(acl) []string
		switch f.name {
		case "vpc-id":
			values = func(a acl) []string { return []string{a.VPC} }
		case "default":
			values = func(acl) []string { return []string{"true"} }
		case "network-acl-id":
			values = func(a acl) []string { return []string{a.ID} }
		case "association.subnet-id":
			values = func(a acl) []string { return a.Subnets }
		case "owner-id":
			values = func(acl) []string { return []string{n.account} }
		default:
			return nil, invalidParameter("The filter '%s' is invalid", f.name)
		}
		list = slices.DeleteFunc(list, func(a acl) bool { return !f.pass(values(a)) })
	}
	const last = 32767 // the number of the rule that denies what no other lets through
	var items set[item]
	for _, a := range list {
		if len(wanted) > 0 && !slices.Contains(wanted, a.ID) {
			continue
		}
		i := item{ID: a.ID, VPC: a.VPC, Owner: n.account, Default: true, Entries: set[entry]{
			{100, "-1", "allow", true, "0.0.0.0/0"}, {last, "-1", "deny", true, "0.0.0.0/0"},
			{100, "-1", "allow", false, "0.0.0.0/0"}, {last, "-1", "deny", false, "0.0.0.0/0"}}}
		for _, id := range a.Subnets {
			i.Ties = append(i.Ties, tie{"aclassoc-" + derivedID(a.ID, id)[len("eni-"):], a.ID, id})
		}
		items = append(items, i)
	}
	return []member{{"networkAclSet", items}}, nil
}
