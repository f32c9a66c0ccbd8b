package ec2

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// ruleParams are the parameters that name rules.
const ruleParams = "GroupId IpPermissions IpProtocol FromPort ToPort CidrIp"

// group is a security group with its rules. Traffic that no rule lets through is dropped without a word.
type group struct {
	ID          string
	VPC         string
	Name        string
	Description string
	Rules       []rule
	Tags        set[tag]
}

// rule lets traffic of a protocol and a port range through, from or to one place: a block, a group or a prefix list.
type rule struct {
	ID         string
	Egress     bool
	Protocol   string // "tcp", "udp", "icmp" or a number; "-1" for all
	From, To   int    // ports; -1 for all
	CIDR       netip.Prefix
	Group      string `json:",omitempty"`
	PrefixList string `json:",omitempty"`
	Text       string `json:",omitempty"` // description
}

// same compares what rules let through.
func (r rule) same(o rule) bool {
	r.ID, r.Text, o.ID, o.Text = "", "", "", ""
	return r == o
}

// allIPv6 lets everything out over IPv6.
func allIPv6() rule {
	return rule{ID: newID("sgr"), Egress: true, Protocol: "-1", From: -1, To: -1, CIDR: anyIPv6}
}

// egressRules are what a new group of a VPC has: everything may leave.
func egressRules(v *vpc) []rule {
	rules := []rule{{ID: newID("sgr"), Egress: true, Protocol: "-1", From: -1, To: -1, CIDR: anyIPv4}}
	if len(v.IPv6) > 0 {
		rules = append(rules, allIPv6())
	}
	return rules
}

// untouchedEgress reports whether the group lets out what it did when it was made.
func (g *group) untouchedEgress() bool {
	var out []rule
	for _, r := range g.Rules {
		if r.Egress {
			out = append(out, r)
		}
	}
	return len(out) == 1 && out[0].Protocol == "-1" && out[0].CIDR == anyIPv4
}

func (g *group) id() string {
	if g == nil {
		return ""
	}
	return g.ID
}
func (g *group) in() string                      { return g.VPC }
func (g *group) tagged() set[tag]                { return g.Tags }
func (g *group) withTags(tags set[tag]) resource { w := *g; w.Tags = tags; return &w }

func (g *group) attribute(_ *network, name string) ([]string, bool) {
	if g == nil {
		g = &group{}
	}
	switch name {
	case "group-id":
		return []string{g.ID}, true
	case "group-name":
		return []string{g.Name}, true
	case "description":
		return []string{g.Description}, true
	case "vpc-id":
		return []string{g.VPC}, true
	}
	return nil, false
}

type permissionView struct {
	Protocol string          `xml:"ipProtocol"`
	From     *int            `xml:"fromPort"`
	To       *int            `xml:"toPort"`
	Groups   set[groupPair]  `xml:"groups"`
	IPv4     set[rangeView]  `xml:"ipRanges"`
	IPv6     set[rangeView]  `xml:"ipv6Ranges"`
	Prefixes set[prefixPair] `xml:"prefixListIds"`
}

type prefixPair struct {
	ID   string `xml:"prefixListId"`
	Text string `xml:"description,omitempty"`
}

type groupPair struct {
	Owner string `xml:"userId"`
	ID    string `xml:"groupId"`
	Text  string `xml:"description,omitempty"`
}

type rangeView struct {
	IPv4 string `xml:"cidrIp,omitempty"`
	IPv6 string `xml:"cidrIpv6,omitempty"`
	Text string `xml:"description,omitempty"`
}

type groupView struct {
	ID          string              `xml:"groupId"`
	ARN         string              `xml:"securityGroupArn"`
	Name        string              `xml:"groupName"`
	Description string              `xml:"groupDescription"`
	VPC         string              `xml:"vpcId"`
	Owner       string              `xml:"ownerId"`
	Ingress     set[permissionView] `xml:"ipPermissions"`
	Egress      set[permissionView] `xml:"ipPermissionsEgress"`
	Tags        set[tag]            `xml:"tagSet"`
}

func (s *Service) viewGroup(n *network, g *group) any {
	return groupView{g.ID, s.arn("security-group", g.ID), g.Name, g.Description, g.VPC, n.account, viewRules(n, g.Rules, false), viewRules(n, g.Rules, true), g.Tags}
}

// viewRules joins the rules of one protocol and port range, as EC2 shows them.
func viewRules(n *network, rules []rule, egress bool) set[permissionView] {
	var views set[permissionView]
	at := map[string]int{}
	for _, r := range rules {
		if r.Egress != egress {
			continue
		}
		key := fmt.Sprint(r.Protocol, r.From, r.To)
		i, ok := at[key]
		if !ok {
			v := permissionView{Protocol: r.Protocol}
			if r.Protocol != "-1" {
				v.From, v.To = &r.From, &r.To
			}
			i = len(views)
			at[key], views = i, append(views, v)
		}
		switch {
		case r.PrefixList != "":
			views[i].Prefixes = append(views[i].Prefixes, prefixPair{r.PrefixList, r.Text})
		case r.Group != "":
			views[i].Groups = append(views[i].Groups, groupPair{n.account, r.Group, r.Text})
		case r.CIDR.Addr().Is6():
			views[i].IPv6 = append(views[i].IPv6, rangeView{IPv6: r.CIDR.String(), Text: r.Text})
		default:
			views[i].IPv4 = append(views[i].IPv4, rangeView{IPv4: r.CIDR.String(), Text: r.Text})
		}
	}
	return views
}

func (s *Service) describeSecurityGroups(c *call) ([]member, error) {
	// GroupName finds groups of the default VPC only, as on AWS.
	n := s.network.Load()
	names := c.list("GroupName")
	for i, name := range names {
		g, ok := first(n, func(g *group) bool {
			v, ok := get[*vpc](n, g.VPC)
			return ok && v.Default && g.Name == name
		})
		if !ok {
			return nil, clientError("InvalidGroup.NotFound", "The security group '%s' does not exist in default VPC", name)
		}
		c.form.Set(fmt.Sprintf("GroupId.%d", len(c.list("GroupId"))+1), g.ID)
		c.form.Del(fmt.Sprintf("GroupName.%d", i+1))
	}
	return describeIn(n, c, "GroupId", "sg", "securityGroupInfo", s.viewGroup)
}

type ruleView struct {
	ID       string     `xml:"securityGroupRuleId"`
	Group    string     `xml:"groupId"`
	Owner    string     `xml:"groupOwnerId"`
	Egress   bool       `xml:"isEgress"`
	Protocol string     `xml:"ipProtocol"`
	From     int        `xml:"fromPort"`
	To       int        `xml:"toPort"`
	IPv4     string     `xml:"cidrIpv4,omitempty"`
	IPv6     string     `xml:"cidrIpv6,omitempty"`
	Other    *groupPair `xml:"referencedGroupInfo,omitempty"`
	Prefixes string     `xml:"prefixListId,omitempty"`
	Text     string     `xml:"description,omitempty"`
	Tags     set[tag]   `xml:"tagSet"`
}

func viewRule(n *network, g *group, r rule) ruleView {
	v := ruleView{ID: r.ID, Group: g.ID, Owner: n.account, Egress: r.Egress, Protocol: r.Protocol, From: r.From, To: r.To, Text: r.Text}
	switch {
	case r.Group != "":
		v.Other = &groupPair{Owner: n.account, ID: r.Group}
	case r.PrefixList != "":
		v.Prefixes = r.PrefixList
	case r.CIDR.Addr().Is6():
		v.IPv6 = r.CIDR.String()
	default:
		v.IPv4 = r.CIDR.String()
	}
	return v
}

func (s *Service) describeSecurityGroupRules(c *call) ([]member, error) {
	n := s.network.Load()
	filters, err := c.filters()
	if err != nil {
		return nil, err
	}
	wanted := c.list("SecurityGroupRuleId")
	for _, id := range wanted {
		if _, ok := first(n, func(g *group) bool { return slices.ContainsFunc(g.Rules, func(r rule) bool { return r.ID == id }) }); !ok {
			return nil, missing("sgr", id)
		}
	}
	for _, f := range filters {
		if f.name != "group-id" && f.name != "security-group-rule-id" {
			return nil, invalidParameter("The filter '%s' is invalid", f.name)
		}
	}
	views := set[ruleView]{}
	for _, g := range all[*group](n, nil) {
		for _, r := range g.Rules {
			keep := len(wanted) == 0 || slices.Contains(wanted, r.ID)
			for _, f := range filters {
				keep = keep && f.pass([]string{map[string]string{"group-id": g.ID, "security-group-rule-id": r.ID}[f.name]})
			}
			if keep {
				views = append(views, viewRule(n, g, r))
			}
		}
	}
	slices.SortFunc(views, func(a, b ruleView) int { return strings.Compare(a.ID, b.ID) })
	views, next, err := page(c, views, func(v ruleView) string { return v.ID })
	if err != nil {
		return nil, err
	}
	return withToken([]member{{"securityGroupRuleSet", set[ruleView](views)}}, next), nil
}

func (s *Service) createSecurityGroup(c *call) ([]member, error) {
	name, err := c.need("GroupName")
	if err != nil {
		return nil, err
	}
	text, err := c.need("GroupDescription")
	if err != nil {
		return nil, err
	}
	tags, err := c.tags("security-group")
	if err != nil {
		return nil, err
	}
	g := &group{ID: newID("sg"), VPC: c.get("VpcId"), Name: name, Description: text, Tags: tags}
	err = s.update(c.ctx, func(ch *change) error {
		if g.VPC == "" {
			v, ok := first(&ch.network, func(v *vpc) bool { return v.Default })
			if !ok {
				return clientError("VPCIdNotSpecified", "No default VPC for this user")
			}
			g.VPC = v.ID
		}
		v, err := find[*vpc](&ch.network, "vpc", g.VPC)
		if err != nil {
			return err
		}
		if _, taken := first(&ch.network, func(o *group) bool { return o.VPC == g.VPC && o.Name == name }); taken {
			return clientError("InvalidGroup.Duplicate", "The security group '%s' already exists for VPC '%s'", name, g.VPC)
		}
		if strings.HasPrefix(name, "sg-") {
			return invalidParameter("Group names may not be in the format sg-*")
		}
		g.Rules = egressRules(v)
		ch.put(g)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return []member{{"return", true}, {"groupId", g.ID}, {"tagSet", g.Tags}, {"securityGroupArn", s.arn("security-group", g.ID)}}, nil
}

func (s *Service) deleteSecurityGroup(c *call) ([]member, error) {
	id, err := c.need("GroupId")
	if err != nil {
		return nil, err
	}
	err = s.update(c.ctx, func(ch *change) error {
		g, err := find[*group](&ch.network, "sg", id)
		if err != nil {
			return err
		}
		if g.Name == "default" {
			return clientError("CannotDelete", "the specified group: \"%s\" name: \"default\" cannot be deleted by a user", id)
		}
		if i, ok := s.usedBy(&ch.network, "", id); ok {
			return dependency("resource %s has a dependent object: %s", id, i)
		}
		names := func(r rule) bool { return r.Group == id }
		if o, ok := first(&ch.network, func(o *group) bool { return o.ID != id && slices.ContainsFunc(o.Rules, names) }); ok {
			return dependency("resource %s has a dependent object: a rule of %s names it", id, o.ID)
		}
		for _, e := range inVPC[*endpoint](&ch.network, g.VPC) {
			if slices.Contains(e.Groups, id) {
				return dependency("resource %s has a dependent object: %s", id, e.ID)
			}
		}
		ch.remove(id)
		return nil
	})
	return []member{{"return", err == nil}, {"groupId", id}}, err
}

// ports reads a rule's protocol and ports, of the parameters that begin with prefix.
func (c *call) ports(prefix string) (rule, error) {
	r := rule{Protocol: strings.ToLower(c.get(prefix + "IpProtocol")), From: -1, To: -1}
	switch r.Protocol {
	case "":
		return r, missingParameter("IpProtocol")
	case "all":
		r.Protocol = "-1"
	case "6":
		r.Protocol = "tcp"
	case "17":
		r.Protocol = "udp"
	}
	if r.Protocol != "-1" {
		var err1, err2 error
		r.From, err1 = strconv.Atoi(c.get(prefix + "FromPort"))
		r.To, err2 = strconv.Atoi(c.get(prefix + "ToPort"))
		if err1 != nil || err2 != nil || r.From > r.To || r.To > 65535 {
			return r, invalidParameter("Invalid TCP/UDP port range (%s:%s)", c.get(prefix+"FromPort"), c.get(prefix+"ToPort"))
		}
	}
	return r, nil
}

// rules reads IpPermissions.N, or the parameters from before it, which name one rule.
func (c *call) rules(egress bool) ([]rule, error) {
	var rules []rule
	if c.has("CidrIp") {
		r, err := c.ports("")
		if err == nil {
			r.CIDR, err = parsePrefix(c.get("CidrIp"), false)
		}
		if err != nil {
			return nil, err
		}
		r.Egress = egress
		rules = append(rules, r)
	}
	for _, p := range c.members("IpPermissions") {
		base, err := c.ports(p + ".")
		if err != nil {
			return nil, err
		}
		base.Egress = egress
		add := func(list, member string, v6 bool) error {
			for _, m := range c.members(p + "." + list) {
				r := base
				var err error
				if r.CIDR, err = parsePrefix(c.get(m+"."+member), v6); err != nil {
					return err
				}
				r.Text = c.get(m + ".Description")
				rules = append(rules, r)
			}
			return nil
		}
		if err := add("IpRanges", "CidrIp", false); err != nil {
			return nil, err
		}
		if err := add("Ipv6Ranges", "CidrIpv6", true); err != nil {
			return nil, err
		}
		for _, m := range c.members(p + ".Groups") {
			r := base
			r.Group, r.Text = c.get(m+".GroupId"), c.get(m+".Description")
			rules = append(rules, r)
		}
		for _, m := range c.members(p + ".PrefixListIds") {
			r := base
			r.PrefixList, r.Text = c.get(m+".PrefixListId"), c.get(m+".Description")
			rules = append(rules, r)
		}
	}
	return rules, nil
}

func (c *call) egress() bool { return strings.HasSuffix(c.action, "Egress") }

func (s *Service) authorizeRules(c *call) ([]member, error) {
	rules, err := c.rules(c.egress())
	if err == nil && len(rules) == 0 {
		err = missingParameter("IpPermissions")
	}
	if err != nil {
		return nil, err
	}
	var w group
	err = s.update(c.ctx, func(ch *change) error {
		g, err := find[*group](&ch.network, "sg", c.get("GroupId"))
		if err != nil {
			return err
		}
		w = *g
		w.Rules = slices.Clone(g.Rules)
		for i := range rules {
			if err := rules[i].check(&ch.network); err != nil {
				return err
			}
			if slices.ContainsFunc(w.Rules, rules[i].same) {
				return clientError("InvalidPermission.Duplicate", "the specified rule already exists")
			}
			rules[i].ID = newID("sgr")
			w.Rules = append(w.Rules, rules[i])
		}
		ch.put(&w)
		return nil
	})
	if err != nil {
		return nil, err
	}
	views := set[ruleView]{}
	for _, r := range rules {
		views = append(views, viewRule(s.network.Load(), &w, r))
	}
	return []member{{"return", true}, {"securityGroupRuleSet", views}}, nil
}

// check refuses a rule for what is not there.
func (r rule) check(n *network) error {
	if r.Group != "" {
		_, err := find[*group](n, "sg", r.Group)
		return err
	}
	if r.PrefixList != "" && r.PrefixList != prefixLists["s3"] && r.PrefixList != prefixLists["dynamodb"] {
		return missing("pl", r.PrefixList)
	}
	return nil
}

// modifyRules replaces rules by others and keeps their ids.
func (s *Service) modifyRules(c *call) ([]member, error) {
	return done, s.update(c.ctx, func(ch *change) error {
		g, err := find[*group](&ch.network, "sg", c.get("GroupId"))
		if err != nil {
			return err
		}
		w := *g
		w.Rules = slices.Clone(g.Rules)
		for _, p := range c.members("SecurityGroupRule") {
			id := c.get(p + ".SecurityGroupRuleId")
			at := slices.IndexFunc(w.Rules, func(r rule) bool { return r.ID == id })
			if at < 0 {
				return missing("sgr", id)
			}
			p += ".SecurityGroupRule."
			r, err := c.ports(p)
			if err != nil {
				return err
			}
			r.ID, r.Egress, r.Text = id, w.Rules[at].Egress, c.get(p+"Description")
			r.Group, r.PrefixList = c.get(p+"ReferencedGroupId"), c.get(p+"PrefixListId")
			switch v4, v6 := c.get(p+"CidrIpv4"), c.get(p+"CidrIpv6"); {
			case v4 != "":
				r.CIDR, err = parsePrefix(v4, false)
			case v6 != "":
				r.CIDR, err = parsePrefix(v6, true)
			case r.Group == "" && r.PrefixList == "":
				err = missingParameter("CidrIpv4")
			}
			if err == nil {
				err = r.check(&ch.network)
			}
			if err != nil {
				return err
			}
			w.Rules[at] = r
		}
		ch.put(&w)
		return nil
	})
}

func (s *Service) revokeRules(c *call) ([]member, error) {
	rules, err := c.rules(c.egress())
	if err != nil {
		return nil, err
	}
	ids := c.list("SecurityGroupRuleId")
	return []member{{"return", true}}, s.update(c.ctx, func(ch *change) error {
		g, err := find[*group](&ch.network, "sg", c.get("GroupId"))
		if err != nil {
			return err
		}
		w := *g
		w.Rules = slices.Clone(g.Rules)
		drop := func(is func(rule) bool) error {
			before := len(w.Rules)
			if w.Rules = slices.DeleteFunc(w.Rules, is); len(w.Rules) == before {
				return clientError("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
			}
			return nil
		}
		for _, r := range rules {
			if err := drop(r.same); err != nil {
				return err
			}
		}
		for _, id := range ids {
			if err := drop(func(r rule) bool { return r.ID == id && r.Egress == c.egress() }); err != nil {
				return err
			}
		}
		ch.put(&w)
		return nil
	})
}
