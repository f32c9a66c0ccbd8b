package iam

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// condition is one key of one operator of a Condition element. All conditions of a statement must hold; of the wanted
// values one is enough, or none may match if the operator is a negated one.
type condition struct {
	key      string // lower-case
	test     func(value, want string, q *inquiry) bool
	wants    []template
	negated  bool
	ifExists bool
	null     bool // operator Null: wants says whether the key must be absent
	set      quantifier
}

// quantifier says how an operator treats a key with several values.
type quantifier int

const (
	single quantifier = iota
	forAllValues
	forAnyValue
)

type operator struct {
	test    func(value, want string, q *inquiry) bool
	negated bool
	wild    bool // wanted values have wildcards
}

var operators = map[string]operator{
	"StringEquals":              {test: equals},
	"StringNotEquals":           {test: equals, negated: true},
	"StringEqualsIgnoreCase":    {test: equalsFold},
	"StringNotEqualsIgnoreCase": {test: equalsFold, negated: true},
	"StringLike":                {test: like, wild: true},
	"StringNotLike":             {test: like, negated: true, wild: true},
	"ArnEquals":                 {test: arnLike, wild: true}, // behaves as ArnLike, AWS says
	"ArnLike":                   {test: arnLike, wild: true},
	"ArnNotEquals":              {test: arnLike, negated: true, wild: true},
	"ArnNotLike":                {test: arnLike, negated: true, wild: true},
	"BinaryEquals":              {test: equals},
	"Bool":                      {test: equalsFold},
	"NumericEquals":             {test: numeric(func(c int) bool { return c == 0 })},
	"NumericNotEquals":          {test: numeric(func(c int) bool { return c == 0 }), negated: true},
	"NumericLessThan":           {test: numeric(func(c int) bool { return c < 0 })},
	"NumericLessThanEquals":     {test: numeric(func(c int) bool { return c <= 0 })},
	"NumericGreaterThan":        {test: numeric(func(c int) bool { return c > 0 })},
	"NumericGreaterThanEquals":  {test: numeric(func(c int) bool { return c >= 0 })},
	"DateEquals":                {test: date(func(c int) bool { return c == 0 })},
	"DateNotEquals":             {test: date(func(c int) bool { return c == 0 }), negated: true},
	"DateLessThan":              {test: date(func(c int) bool { return c < 0 })},
	"DateLessThanEquals":        {test: date(func(c int) bool { return c <= 0 })},
	"DateGreaterThan":           {test: date(func(c int) bool { return c > 0 })},
	"DateGreaterThanEquals":     {test: date(func(c int) bool { return c >= 0 })},
	"IpAddress":                 {test: inNetwork},
	"NotIpAddress":              {test: inNetwork, negated: true},
	"Null":                      {},
}

func parseConditions(raw json.RawMessage, variables bool) ([]condition, error) {
	var block map[string]map[string]json.RawMessage
	if err := json.Unmarshal(raw, &block); err != nil {
		return nil, syntaxError(`Condition must be an object such as {"StringEquals":{"aws:SourceAccount":"111122223333"}}`)
	}
	var all []condition
	for name, keys := range block {
		var c condition
		plain := name
		if rest, ok := strings.CutPrefix(plain, "ForAllValues:"); ok {
			c.set, plain = forAllValues, rest
		} else if rest, ok := strings.CutPrefix(plain, "ForAnyValue:"); ok {
			c.set, plain = forAnyValue, rest
		}
		plain, c.ifExists = strings.CutSuffix(plain, "IfExists")
		op, ok := operators[plain]
		c.null = plain == "Null"
		if !ok || c.null && c.ifExists {
			return nil, fmt.Errorf("Invalid Condition type : %s", name)
		}
		c.test, c.negated = op.test, op.negated
		for key, raw := range keys {
			values, err := scalarList(raw)
			if err != nil {
				return nil, syntaxError("the values of condition key %s must be texts, numbers or booleans", key)
			}
			c.key, c.wants = strings.ToLower(key), nil
			for _, v := range values {
				c.wants = append(c.wants, newTemplate(v, op.wild, variables))
			}
			all = append(all, c)
		}
	}
	return all, nil
}

// scalarList reads a JSON scalar or a list of them as texts: policies write true and "true", 5 and "5".
func scalarList(raw json.RawMessage) ([]string, error) {
	var many []json.RawMessage
	if json.Unmarshal(raw, &many) != nil {
		many = []json.RawMessage{raw}
	}
	list := make([]string, 0, len(many))
	for _, raw := range many {
		var text string
		if json.Unmarshal(raw, &text) == nil {
			list = append(list, text)
			continue
		}
		if c := raw[0]; c == '{' || c == '[' || c == 'n' {
			return nil, fmt.Errorf("%s is no scalar", raw)
		}
		list = append(list, string(raw))
	}
	return list, nil
}

func (c *condition) holds(q *inquiry) bool {
	value, present := q.key(c.key)
	if c.null {
		for _, want := range c.wants {
			if w, ok := want.expand(q); ok && strings.EqualFold(w, "true") != present {
				return true
			}
		}
		return false
	}
	switch c.set {
	case forAllValues:
		if present && value != "" {
			for v := range strings.SplitSeq(value, listSeparator) {
				if c.matches(v, q) == c.negated {
					return false
				}
			}
		}
		return true
	case forAnyValue:
		if !present {
			return c.ifExists
		}
		for v := range strings.SplitSeq(value, listSeparator) {
			if c.matches(v, q) != c.negated {
				return true
			}
		}
		return false
	}
	if !present {
		return c.negated || c.ifExists
	}
	return c.matches(value, q) != c.negated
}

// matches reports whether value is one of the wanted ones.
func (c *condition) matches(value string, q *inquiry) bool {
	for i := range c.wants {
		if want, ok := c.wants[i].expand(q); ok && c.test(value, want, q) {
			return true
		}
	}
	return false
}

func equals(value, want string, _ *inquiry) bool     { return value == want }
func equalsFold(value, want string, _ *inquiry) bool { return strings.EqualFold(value, want) }
func like(value, want string, _ *inquiry) bool       { return glob(want, value, false) }

func arnLike(value, want string, q *inquiry) bool {
	if want == string([]byte{anyRun}) {
		return true
	}
	v, w := strings.SplitN(value, ":", arnParts), strings.SplitN(want, ":", arnParts)
	if len(v) != len(w) {
		return false
	}
	for i := range v {
		if !glob(w[i], v[i], false) {
			return false
		}
	}
	return true
}

func numeric(holds func(order int) bool) func(value, want string, _ *inquiry) bool {
	return func(value, want string, _ *inquiry) bool {
		v, err := strconv.ParseFloat(value, 64)
		w, err2 := strconv.ParseFloat(want, 64)
		if err != nil || err2 != nil {
			return false
		}
		switch {
		case v < w:
			return holds(-1)
		case v > w:
			return holds(1)
		}
		return holds(0)
	}
}

func date(holds func(order int) bool) func(value, want string, _ *inquiry) bool {
	return func(value, want string, _ *inquiry) bool {
		v, ok := parseDate(value)
		w, ok2 := parseDate(want)
		return ok && ok2 && holds(v.Compare(w))
	}
}

// parseDate reads the forms of W3C's profile of ISO 8601 and seconds since 1970.
func parseDate(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.Unix(n, 0), true
	}
	return time.Time{}, false
}

func inNetwork(value, want string, _ *inquiry) bool {
	addr, err := netip.ParseAddr(value)
	if err != nil {
		return false
	}
	if network, err := netip.ParsePrefix(want); err == nil {
		return network.Contains(addr.Unmap())
	}
	one, err := netip.ParseAddr(want)
	return err == nil && one == addr.Unmap()
}
