package ec2

import "slices"

// prefixLists are the lists of addresses of the services that have gateway endpoints. The ids are those of us-east-1 in
// every region.
var prefixLists = map[string]string{"s3": "pl-63a5400a", "dynamodb": "pl-02cd2c6b"}

// prefixList is one of AWS's lists of addresses.
type prefixList struct {
	ID   string
	Name string
}

func (s *Service) prefixLists() []prefixList {
	var lists []prefixList
	for _, service := range []string{"dynamodb", "s3"} {
		lists = append(lists, prefixList{prefixLists[service], "com.amazonaws." + s.Region + "." + service})
	}
	return lists
}

// pick keeps the lists that a call asks for.
func (s *Service) pick(c *call) ([]prefixList, error) {
	filters, err := c.filters()
	if err != nil {
		return nil, err
	}
	lists, wanted := s.prefixLists(), c.list("PrefixListId")
	for _, id := range wanted {
		if !slices.ContainsFunc(lists, func(l prefixList) bool { return l.ID == id }) {
			return nil, missing("pl", id)
		}
	}
	for _, f := range filters {
		var value func(prefixList) string
		switch f.name {
		case "prefix-list-id":
			value = func(l prefixList) string { return l.ID }
		case "prefix-list-name":
			value = func(l prefixList) string { return l.Name }
		case "owner-id":
			value = func(prefixList) string { return "AWS" }
		default:
			return nil, invalidParameter("The filter '%s' is invalid", f.name)
		}
		lists = slices.DeleteFunc(lists, func(l prefixList) bool { return !f.pass([]string{value(l)}) })
	}
	return slices.DeleteFunc(lists, func(l prefixList) bool { return len(wanted) > 0 && !slices.Contains(wanted, l.ID) }), nil
}

// describePrefixLists names the lists. Which addresses are on them is AWS's: here they are none, as no packet is sent.
func (s *Service) describePrefixLists(c *call) ([]member, error) {
	type item struct {
		ID    string      `xml:"prefixListId"`
		Name  string      `xml:"prefixListName"`
		CIDRs set[string] `xml:"cidrSet"`
	}
	lists, err := s.pick(c)
	if err != nil {
		return nil, err
	}
	var items set[item]
	for _, l := range lists {
		items = append(items, item{ID: l.ID, Name: l.Name})
	}
	return []member{{"prefixListSet", items}}, nil
}

func (s *Service) describeManagedPrefixLists(c *call) ([]member, error) {
	type item struct {
		ID     string   `xml:"prefixListId"`
		ARN    string   `xml:"prefixListArn"`
		Name   string   `xml:"prefixListName"`
		Family string   `xml:"addressFamily"`
		State  string   `xml:"state"`
		Owner  string   `xml:"ownerId"`
		Tags   set[tag] `xml:"tagSet"`
	}
	lists, err := s.pick(c)
	if err != nil {
		return nil, err
	}
	var items set[item]
	for _, l := range lists {
		items = append(items, item{l.ID, "arn:aws:ec2:" + s.Region + ":aws:prefix-list/" + l.ID, l.Name, "IPv4", "create-complete", "AWS", nil})
	}
	return []member{{"prefixListSet", items}}, nil
}
