package iam

import (
	"slices"
	"strings"
)

type tagXML struct{ Key, Value string }

func tagsXML(tags []tag) *members[tagXML] {
	if len(tags) == 0 {
		return nil
	}
	list := &members[tagXML]{}
	for _, t := range tags {
		list.Member = append(list.Member, tagXML(t))
	}
	return list
}

func (k kind) tag(c *call, name string) error {
	more, err := c.tags()
	if err != nil {
		return err
	}
	return k.change(c, name, func(_ *directory, id *identity) (err error) {
		id.Tags, err = mergeTags(id.Tags, more)
		return err
	})
}

func (k kind) untag(c *call, name string) error {
	keys := c.list("TagKeys", "")
	return k.change(c, name, func(_ *directory, id *identity) error {
		id.Tags = dropTags(id.Tags, keys)
		return nil
	})
}

func (k kind) listTags(c *call, name string) (any, error) {
	id, err := k.get(c, name)
	if err != nil {
		return nil, err
	}
	return listTags(c, id.Tags)
}

func listTags(c *call, tags []tag) (any, error) {
	var all []tagXML
	for _, t := range tags {
		all = append(all, tagXML(t))
	}
	list, more, err := page(c, all, func(t tagXML) string { return t.Key })
	return struct {
		Tags members[tagXML]
		paging
	}{list, more}, err
}

// mergeTags changes tags in place: it is given a copy. Keys are compared without case, as IAM does.
func mergeTags(tags, more []tag) ([]tag, error) {
	for _, t := range more {
		if i := slices.IndexFunc(tags, func(old tag) bool { return strings.EqualFold(old.Key, t.Key) }); i >= 0 {
			tags[i] = t
		} else {
			tags = append(tags, t)
		}
	}
	if len(tags) > maxTags {
		return nil, limitExceeded("The number of tags has reached the maximum limit of %d.", maxTags)
	}
	return tags, nil
}

func dropTags(tags []tag, keys []string) []tag {
	return slices.DeleteFunc(tags, func(t tag) bool {
		return slices.ContainsFunc(keys, func(k string) bool { return strings.EqualFold(k, t.Key) })
	})
}
