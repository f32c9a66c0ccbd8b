package dynamodb

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"quotewire/cloud/protocol"
)

type tag struct {
	Key   string
	Value string
}

// withTags returns the tags with more of them.
func withTags(tags map[string]string, more []tag) (map[string]string, error) {
	all := maps.Clone(tags)
	if all == nil {
		all = map[string]string{}
	}
	for _, t := range more {
		switch {
		case t.Key == "" || len(t.Key) > 128:
			return nil, constraint("'"+t.Key+"'", "tags.member.key", "Member must have length between 1 and 128")
		case len(t.Value) > 256:
			return nil, constraint("'"+t.Value+"'", "tags.member.value", "Member must have length less than or equal to 256")
		case strings.HasPrefix(strings.ToLower(t.Key), "aws:"):
			return nil, invalid("One or more parameter values were invalid: tag keys that begin with aws: are reserved")
		}
		all[t.Key] = t.Value
	}
	if len(all) > maxTags {
		return nil, invalid("One or more parameter values were invalid: a table has at most %d tags", maxTags)
	}
	return all, nil
}

// tagged returns the table that an ARN names.
func (s *Service) tagged(c call, action, arn string) (*table, error) {
	name, ok := strings.CutPrefix(arn, s.arn)
	if err := s.allow(c.ctx, action, arn, nil); err != nil {
		return nil, err
	}
	if arn == "" {
		return nil, missing("resourceArn")
	}
	if !ok || strings.Contains(name, "/") {
		return nil, invalid("Invalid TableArn: Invalid ResourceArn provided as input %s", arn)
	}
	if t := s.lookup(name); t != nil {
		return t, nil
	}
	return nil, protocol.Errorf(http.StatusBadRequest, shape+"ResourceNotFoundException", "Requested resource not found: ResourcArn: %s not found", arn)
}

func (s *Service) tagResource(c call) ([]byte, error) {
	var in struct {
		ResourceArn string
		Tags        []tag
	}
	if err := parse(c, &in); err != nil {
		return nil, err
	}
	t, err := s.tagged(c, "TagResource", in.ResourceArn)
	if err != nil {
		return nil, err
	}
	if len(in.Tags) == 0 {
		return nil, invalid("Atleast one Tag needs to be provided as Input.")
	}
	return nil, s.change(c.ctx, t, func(def *definition) (err error) {
		def.Tags, err = withTags(def.Tags, in.Tags)
		return err
	})
}

func (s *Service) untagResource(c call) ([]byte, error) {
	var in struct {
		ResourceArn string
		TagKeys     []string
	}
	if err := parse(c, &in); err != nil {
		return nil, err
	}
	t, err := s.tagged(c, "UntagResource", in.ResourceArn)
	if err != nil {
		return nil, err
	}
	if len(in.TagKeys) == 0 {
		return nil, invalid("Atleast one Tag Key needs to be provided as Input.")
	}
	return nil, s.change(c.ctx, t, func(def *definition) error {
		def.Tags = maps.Clone(def.Tags)
		for _, k := range in.TagKeys {
			delete(def.Tags, k)
		}
		return nil
	})
}

func (s *Service) listTagsOfResource(c call) ([]byte, error) {
	var in struct {
		ResourceArn string
		NextToken   string
	}
	if err := parse(c, &in); err != nil {
		return nil, err
	}
	t, err := s.tagged(c, "ListTagsOfResource", in.ResourceArn)
	if err != nil {
		return nil, err
	}
	tags := t.definition().Tags
	out := make([]tag, 0, len(tags))
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, tag{k, tags[k]})
	}
	return marshal(map[string]any{"Tags": out}), nil
}
