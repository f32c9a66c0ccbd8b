package ec2

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"quotewire/cloud/protocol"
)

type tag struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

// checkTags applies EC2's limits: 50 tags, keys of up to 127 characters that do not begin with "aws:", values of up
// to 255.
func checkTags(tags set[tag]) error {
	if len(tags) > maxTags {
		return clientError("TagLimitExceeded", "The maximum number of Tags for a resource has been reached.")
	}
	seen := map[string]bool{}
	for _, t := range tags {
		switch {
		case t.Key == "" || utf8.RuneCountInString(t.Key) > 127:
			return invalidParameter("Tag key length must be between 1 and 127 characters")
		case strings.HasPrefix(strings.ToLower(t.Key), "aws:"):
			return invalidParameter("Tag keys starting with 'aws:' are reserved for internal use")
		case utf8.RuneCountInString(t.Value) > 255:
			return invalidParameter("Tag value exceeds the maximum length of 255 characters")
		case seen[t.Key]:
			return invalidParameter("Duplicate tag key '%s' specified.", t.Key)
		}
		seen[t.Key] = true
	}
	return nil
}

func (s *Service) createTags(c *call) ([]member, error) {
	var tags set[tag]
	for _, p := range c.members("Tag") {
		tags = append(tags, tag{c.get(p + ".Key"), c.get(p + ".Value")})
	}
	if len(tags) == 0 {
		return nil, missingParameter("Tag")
	}
	if err := checkTags(tags); err != nil {
		return nil, err
	}
	return s.retag(c, func(old set[tag]) (set[tag], error) {
		old = slices.DeleteFunc(slices.Clone(old), func(t tag) bool {
			return slices.ContainsFunc(tags, func(n tag) bool { return n.Key == t.Key })
		})
		now := append(old, tags...)
		return now, checkTags(now)
	})
}

// deleteTags removes the named tags: whatever their value, or only with the value that is given. Without names, all.
func (s *Service) deleteTags(c *call) ([]member, error) {
	gone := c.members("Tag")
	return s.retag(c, func(old set[tag]) (set[tag], error) {
		if len(gone) == 0 {
			return nil, nil
		}
		return slices.DeleteFunc(slices.Clone(old), func(t tag) bool {
			return slices.ContainsFunc(gone, func(p string) bool {
				return c.get(p+".Key") == t.Key && (!c.form.Has(p+".Value") || c.get(p+".Value") == t.Value)
			})
		}), nil
	})
}

func (s *Service) retag(c *call, f func(set[tag]) (set[tag], error)) ([]member, error) {
	ids := c.list("ResourceId")
	if len(ids) == 0 {
		return nil, missingParameter("ResourceId")
	}
	err := s.update(c.ctx, func(ch *change) error {
		for _, id := range ids {
			r, ok := ch.items[id]
			if !ok {
				prefix, _, _ := strings.Cut(id, "-")
				if _, known := notFound[prefix]; known {
					return missing(prefix, id)
				}
				return clientError("InvalidID", "The ID '%s' is not valid", id)
			}
			tags, err := f(r.tagged())
			if err != nil {
				return err
			}
			ch.put(r.withTags(tags))
		}
		return nil
	})
	return done, err
}

// resourceTypes are the names of resource types in tags, by the prefix of the id.
var resourceTypes = map[string]string{
	"vpc": "vpc", "subnet": "subnet", "sg": "security-group", "rtb": "route-table", "igw": "internet-gateway",
	"eigw": "egress-only-internet-gateway", "nat": "natgateway", "eipalloc": "elastic-ip", "vpce": "vpc-endpoint",
}

func (s *Service) describeTags(c *call) ([]member, error) {
	type item struct {
		ID    string `xml:"resourceId"`
		Type  string `xml:"resourceType"`
		Key   string `xml:"key"`
		Value string `xml:"value"`
	}
	filters, err := c.filters()
	if err != nil {
		return nil, err
	}
	var items []item
	for _, r := range all[resource](s.network.Load(), nil) {
		prefix, _, _ := strings.Cut(r.id(), "-")
		for _, t := range r.tagged() {
			items = append(items, item{r.id(), resourceTypes[prefix], t.Key, t.Value})
		}
	}
	for _, f := range filters {
		var value func(item) string
		switch name, isTag := strings.CutPrefix(f.name, "tag:"); {
		case isTag:
			value = func(i item) string { return i.Value }
			items = slices.DeleteFunc(items, func(i item) bool { return i.Key != name })
		case f.name == "resource-id":
			value = func(i item) string { return i.ID }
		case f.name == "resource-type":
			value = func(i item) string { return i.Type }
		case f.name == "key":
			value = func(i item) string { return i.Key }
		case f.name == "value":
			value = func(i item) string { return i.Value }
		default:
			return nil, invalidParameter("The filter '%s' is invalid", f.name)
		}
		items = slices.DeleteFunc(items, func(i item) bool { return !f.pass([]string{value(i)}) })
	}
	key := func(i item) string { return i.ID + " " + i.Key }
	slices.SortFunc(items, func(a, b item) int { return cmp.Compare(key(a), key(b)) })
	items, next, err := page(c, items, key)
	if err != nil {
		return nil, err
	}
	return withToken([]member{{"tagSet", set[item](items)}}, next), nil
}

// describeAccount answers the questions that tools ask before they use EC2: whether the account has VPCs at all.
func (s *Service) describeAccount(c *call) ([]member, error) {
	type value struct {
		Value string `xml:"attributeValue"`
	}
	type item struct {
		Name   string     `xml:"attributeName"`
		Values set[value] `xml:"attributeValueSet"`
	}
	standard := "none"
	if v, ok := first(s.network.Load(), func(v *vpc) bool { return v.Default }); ok {
		standard = v.ID
	}
	attributes := []item{
		{"supported-platforms", set[value]{{"VPC"}}},
		{"default-vpc", set[value]{{standard}}},
		{"vpc-max-security-groups-per-interface", set[value]{{"5"}}},
		{"max-elastic-ips", set[value]{{"5"}}},
		{"vpc-max-elastic-ips", set[value]{{"5"}}},
	}
	var items set[item]
	wanted := c.list("AttributeName")
	for _, a := range attributes {
		if len(wanted) == 0 || slices.Contains(wanted, a.Name) {
			items = append(items, a)
		}
	}
	for _, name := range wanted {
		if !slices.ContainsFunc(attributes, func(a item) bool { return a.Name == name }) {
			return nil, protocol.Errorf(http.StatusBadRequest, "InvalidParameterValue", "The account attribute '%s' is invalid", name)
		}
	}
	return []member{{"accountAttributeSet", items}}, nil
}
