package lambda

import (
	"maps"
	"slices"
	"strings"
)

// What a function has besides code, configuration and policies: tags, and a share of the concurrency.

const maxTags = 50

func (c *call) tagResource(t target) (any, error) {
	var in struct{ Tags map[string]string }
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	c.knowTags(in.Tags)
	if err := c.authorize("TagResource", c.arn(t)); err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	_, err := c.edit(t, func(f *function) error {
		if f.Tags == nil {
			f.Tags = map[string]string{}
		}
		maps.Copy(f.Tags, in.Tags)
		return checkTags(f.Tags)
	})
	return nil, err
}

// knowTags adds the tags of a request to what policies are asked about.
func (c *call) knowTags(tags map[string]string) {
	for key, value := range tags {
		c.know("aws:RequestTag/"+key, value)
	}
	c.know("aws:TagKeys", sortedKeys(tags)...)
}

func checkTags(tags map[string]string) error {
	for key, value := range tags {
		switch {
		case key == "" || len(key) > 128 || strings.HasPrefix(strings.ToLower(key), "aws:"):
			return errInvalid("The tag key %q is not one that can be set: it has 1 to 128 characters and does not begin with aws:.", key)
		case len(value) > 256:
			return errInvalid("The value of the tag %q is longer than 256 characters.", key)
		}
	}
	if len(tags) > maxTags {
		return errInvalid("A function has at most %d tags.", maxTags)
	}
	return nil
}

func (c *call) untagResource(t target) (any, error) {
	_, err := c.edit(t, func(f *function) error {
		for _, key := range c.query["tagKeys"] {
			delete(f.Tags, key)
		}
		return nil
	})
	return nil, err
}

func (c *call) listTags(t target) (any, error) {
	f := c.catalog.get(t.name)
	if f == nil {
		return nil, errNoFunction(c.arn(t))
	}
	tags := f.Tags
	if tags == nil {
		tags = map[string]string{}
	}
	return struct{ Tags map[string]string }{tags}, nil
}

type concurrency struct {
	ReservedConcurrentExecutions *int `json:",omitempty"`
}

func (c *call) putConcurrency(t target) (any, error) {
	var in concurrency
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	n := in.ReservedConcurrentExecutions
	if n == nil || *n < 0 {
		return nil, errConstraint("null", "reservedConcurrentExecutions", "Member must have value greater than or equal to 0")
	}
	if free := c.catalog.unreserved(c.Concurrency, t.name); free-*n < min(minUnreserved, c.Concurrency) {
		return nil, errInvalid("Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [%d].",
			min(minUnreserved, c.Concurrency))
	}
	_, err := c.edit(t, func(f *function) error {
		f.Reserved = n
		return nil
	})
	return in, err
}

func (c *call) deleteConcurrency(t target) (any, error) {
	_, err := c.edit(t, func(f *function) error {
		f.Reserved = nil
		return nil
	})
	return nil, err
}

func (c *call) getConcurrency(t target) (any, error) {
	f := c.catalog.get(t.name)
	if f == nil {
		return nil, errNoFunction(c.arn(t))
	}
	return concurrency{f.Reserved}, nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
