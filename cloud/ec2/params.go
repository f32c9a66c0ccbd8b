package ec2

import (
	"net/netip"
	"strconv"
	"strings"
)

// get is a parameter's value, "" without it.
func (c *call) get(name string) string { return c.form.Get(name) }

func (c *call) bool(name string) bool { return strings.EqualFold(c.form.Get(name), "true") }

// need is a parameter that must be there.
func (c *call) need(name string) (string, error) {
	if v := c.get(name); v != "" {
		return v, nil
	}
	return "", missingParameter(name)
}

// list collects X.1, X.2 and so on. Numbers may have gaps no more than clients leave them: none.
func (c *call) list(name string) []string {
	var values []string
	for i := 1; ; i++ {
		v, ok := c.form[name+"."+strconv.Itoa(i)]
		if !ok {
			return values
		}
		values = append(values, v[0])
	}
}

// has says whether any parameter begins with this name and a dot, or is it.
func (c *call) has(name string) bool {
	if c.form.Has(name) {
		return true
	}
	for k := range c.form {
		if strings.HasPrefix(k, name+".") {
			return true
		}
	}
	return false
}

// members returns X.1, X.2 and so on as prefixes, as long as there are parameters below them.
func (c *call) members(name string) []string {
	var prefixes []string
	for i := 1; ; i++ {
		p := name + "." + strconv.Itoa(i)
		if !c.has(p) {
			return prefixes
		}
		prefixes = append(prefixes, p)
	}
}

// tags reads the tags that a creation gives to its resource of that type.
func (c *call) tags(kind string) (set[tag], error) {
	var tags set[tag]
	for _, spec := range c.members("TagSpecification") {
		if t := c.get(spec + ".ResourceType"); t != kind {
			return nil, invalidParameter("'%s' is not a valid taggable resource type for this operation.", t)
		}
		for _, p := range c.members(spec + ".Tag") {
			tags = append(tags, tag{c.get(p + ".Key"), c.get(p + ".Value")})
		}
	}
	return tags, checkTags(tags)
}

// prefix parses a CIDR block, with the bits behind the prefix cut off as EC2 does.
func parsePrefix(text string, v6 bool) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil || p.Addr().Is6() != v6 {
		return p, invalidParameter("Value (%s) for parameter cidrBlock is invalid. This is not a valid CIDR block.", text)
	}
	return p.Masked(), nil
}
