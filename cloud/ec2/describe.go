package ec2

import (
	"cmp"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
)

// describe is the part that every Describe operation shares: the ids asked for, all of which must exist; the filters,
// which must all hold; and paging.
func describe[T resource](s *Service, c *call, ids, prefix, element string, view func(*network, T) any) ([]member, error) {
	return describeIn(s.network.Load(), c, ids, prefix, element, view)
}

func describeIn[T resource](n *network, c *call, ids, prefix, element string, view func(*network, T) any) ([]member, error) {
	var list []T
	wanted := c.list(ids)
	if len(wanted) == 0 {
		list = all[T](n, nil)
	} else if c.has("MaxResults") {
		return nil, clientError("InvalidParameterCombination", "The parameter %s cannot be used with the parameter MaxResults", ids)
	}
	for _, id := range wanted {
		v, err := find[T](n, prefix, id)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	list, err := filter(n, c, list)
	if err != nil {
		return nil, err
	}
	list, next, err := page(c, list, T.id)
	if err != nil {
		return nil, err
	}
	items := make(set[any], len(list))
	for i, v := range list {
		items[i] = view(n, v)
	}
	return withToken([]member{{element, items}}, next), nil
}

func withToken(answer []member, next string) []member {
	if next != "" {
		answer = append(answer, member{"nextToken", next})
	}
	return answer
}

// filter keeps the resources that pass every filter of the call.
func filter[T resource](n *network, c *call, list []T) ([]T, error) {
	filters, err := c.filters()
	if err != nil {
		return nil, err
	}
	for _, f := range filters {
		var zero T
		if _, known := attribute(n, resource(zero), f.name); !known {
			return nil, invalidParameter("The filter '%s' is invalid", f.name)
		}
		list = slices.DeleteFunc(list, func(v T) bool {
			values, _ := attribute(n, resource(v), f.name)
			return !f.pass(values)
		})
	}
	return list, nil
}

// attribute adds to a resource's own attributes those that all have. r may be a nil pointer of its type: then only
// known means anything.
func attribute(n *network, r resource, name string) (values []string, known bool) {
	isNil := r.id() == ""
	switch key, isTag := strings.CutPrefix(name, "tag:"); {
	case isTag:
		if !isNil {
			for _, t := range r.tagged() {
				if t.Key == key {
					values = append(values, t.Value)
				}
			}
		}
		return values, true
	case name == "tag-key", name == "tag-value":
		if !isNil {
			for _, t := range r.tagged() {
				values = append(values, map[string]string{"tag-key": t.Key, "tag-value": t.Value}[name])
			}
		}
		return values, true
	case name == "owner-id":
		return []string{n.account}, true
	}
	return r.attribute(n, name)
}

// condition is one Filter.N of a call.
type condition struct {
	name   string
	values []string
}

func (c *call) filters() ([]condition, error) {
	var list []condition
	for _, p := range c.members("Filter") {
		f := condition{c.get(p + ".Name"), c.list(p + ".Value")}
		if f.name == "" {
			return nil, missingParameter("Filter.Name")
		}
		if len(f.values) == 0 {
			return nil, invalidParameter("The filter '%s' has no values", f.name)
		}
		list = append(list, f)
	}
	return list, nil
}

// pass says whether one of the filter's values matches one of the resource's.
func (f condition) pass(values []string) bool {
	return slices.ContainsFunc(f.values, func(pattern string) bool {
		return slices.ContainsFunc(values, func(v string) bool { return glob(pattern, v) })
	})
}

// glob matches with "*" for any run of characters and "?" for one; a backslash takes the next character as it is.
func glob(pattern, s string) bool {
	// back is where to go on when what follows the last "*" does not fit: the star takes one more character.
	p, i, backP, backI := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			p++
			backP, backI = p, i
			continue
		case p < len(pattern) && pattern[p] == '\\' && p+1 < len(pattern):
			if pattern[p+1] == s[i] {
				p, i = p+2, i+1
				continue
			}
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p, i = p+1, i+1
			continue
		}
		if backP < 0 {
			return false
		}
		backI++
		p, i = backP, backI
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// page cuts a sorted list to MaxResults from NextToken on, and returns the token of the next page.
func page[T any](c *call, list []T, id func(T) string) (_ []T, next string, err error) {
	if token := c.get("NextToken"); token != "" {
		raw, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil {
			return nil, "", clientError("InvalidNextToken", "The token '%s' is invalid", token)
		}
		after := string(raw)
		list = slices.DeleteFunc(list, func(v T) bool { return cmp.Compare(id(v), after) <= 0 })
	}
	text := c.get("MaxResults")
	if text == "" {
		return list, "", nil
	}
	limit, err := strconv.Atoi(text)
	if err != nil || limit < 5 || limit > 1000 {
		return nil, "", invalidParameter("Value ( %s ) for parameter maxResults is invalid. Expecting a value between 5 and 1000.", text)
	}
	if len(list) <= limit {
		return list, "", nil
	}
	list = list[:limit]
	return list, base64.RawURLEncoding.EncodeToString([]byte(id(list[limit-1]))), nil
}
