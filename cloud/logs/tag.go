package logs

import (
	"maps"
	"net/http"
	"strings"
)

// checkTags applies the limits of tags: 50 of them, keys of up to 128 characters that do not begin with "aws:", values
// of up to 256.
func checkTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return wrong("InvalidParameterException", "The maximum number of tags of a log group is %d.", maxTags)
	}
	for key, value := range tags {
		if key == "" || len([]rune(key)) > 128 || len([]rune(value)) > 256 || strings.HasPrefix(strings.ToLower(key), "aws:") {
			return wrong("InvalidParameterException", "The tag %q is not valid.", key)
		}
	}
	return nil
}

// named is the group of a call that names it by its ARN, or, as the older calls do, by its name.
func (in input) named() string {
	if in.ResourceARN != "" {
		return groupOf(in.ResourceARN)
	}
	return in.LogGroupName
}

func (s *Service) listTags(_ *http.Request, in input) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.byName[in.named()]
	if g == nil {
		return nil, errNoGroup
	}
	tags := map[string]string{}
	maps.Copy(tags, g.Tags)
	return object{"tags": tags}, nil
}

func (s *Service) tag(r *http.Request, in input) (any, error) {
	return nil, s.change(r, in.named(), func(g *group) error {
		tags := maps.Clone(g.Tags)
		if tags == nil {
			tags = map[string]string{}
		}
		maps.Copy(tags, in.Tags.set)
		if err := checkTags(tags); err != nil {
			return err
		}
		g.Tags = tags
		return nil
	})
}

func (s *Service) untag(r *http.Request, in input) (any, error) {
	return nil, s.change(r, in.named(), func(g *group) error {
		tags := maps.Clone(g.Tags)
		for _, key := range append(in.TagKeys, in.Tags.keys...) {
			delete(tags, key)
		}
		g.Tags = tags
		return nil
	})
}
