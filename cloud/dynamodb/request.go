package dynamodb

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"quotewire/cloud/dynamodb/attribute"
	"quotewire/cloud/dynamodb/expression"
)

// parse reads the input of an operation.
func parse(c call, into any) error {
	if !utf8.Valid(c.body) {
		return serialization("Unable to parse the request: it is not valid UTF-8")
	}
	return json.Unmarshal(c.body, into)
}

// expressions are the members that every request with an expression shares.
type expressions struct {
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues map[string]json.RawMessage
}

// params checks the names and values. At least one of the request's expressions must be there if any is.
func (e *expressions) params(texts ...*string) (*expression.Params, error) {
	if !slices.ContainsFunc(texts, func(t *string) bool { return t != nil }) {
		if e.ExpressionAttributeNames != nil {
			return nil, invalid("ExpressionAttributeNames can only be specified when using expressions")
		}
		if e.ExpressionAttributeValues != nil {
			return nil, invalid("ExpressionAttributeValues can only be specified when using expressions")
		}
	}
	p, err := expression.NewParams(e.ExpressionAttributeNames, e.ExpressionAttributeValues)
	return p, inExpression(err)
}

// inExpression makes a ValidationException of an error of package expression.
func inExpression(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := err.(attribute.ShapeError); ok {
		return err
	}
	return invalid("%s", err)
}

// condition reads an optional condition.
func condition(p *expression.Params, label string, text *string) (*expression.Condition, error) {
	if text == nil {
		return nil, nil
	}
	c, err := p.Condition(label, *text)
	return c, inExpression(err)
}

// projection reads an optional projection.
func projection(p *expression.Params, text *string) (*expression.Projection, error) {
	if text == nil {
		return nil, nil
	}
	pr, err := p.Projection(*text)
	return pr, inExpression(err)
}

// legacy are the parameters from before the expressions. They are refused, for to ignore one would change what a request
// means.
type legacy struct {
	AttributesToGet     json.RawMessage `json:",omitempty"`
	AttributeUpdates    json.RawMessage `json:",omitempty"`
	Expected            json.RawMessage `json:",omitempty"`
	ConditionalOperator json.RawMessage `json:",omitempty"`
	KeyConditions       json.RawMessage `json:",omitempty"`
	QueryFilter         json.RawMessage `json:",omitempty"`
	ScanFilter          json.RawMessage `json:",omitempty"`
}

func (l *legacy) check() error {
	for _, p := range []struct {
		value         json.RawMessage
		name, instead string
	}{
		{l.AttributesToGet, "AttributesToGet", "ProjectionExpression"},
		{l.AttributeUpdates, "AttributeUpdates", "UpdateExpression"},
		{l.Expected, "Expected", "ConditionExpression"},
		{l.ConditionalOperator, "ConditionalOperator", "AND and OR in an expression"},
		{l.KeyConditions, "KeyConditions", "KeyConditionExpression"},
		{l.QueryFilter, "QueryFilter", "FilterExpression"},
		{l.ScanFilter, "ScanFilter", "FilterExpression"},
	} {
		if len(p.value) > 0 && string(p.value) != "null" {
			return invalid("The legacy parameter %s is not supported by the embedded cloud: use %s instead", p.name, p.instead)
		}
	}
	return nil
}

// oneOf checks a member that has one of a few values, or none.
func oneOf(value, member string, allowed ...string) error {
	if value == "" || slices.Contains(allowed, value) {
		return nil
	}
	return constraint("'"+value+"'", member, "Member must satisfy enum value set: ["+strings.Join(allowed, ", ")+"]")
}

func checkConsumed(value string) error {
	return oneOf(value, "returnConsumedCapacity", "INDEXES", "TOTAL", "NONE")
}

func missing(member string) error {
	return constraint("null", member, "Member must not be null")
}

// tableName checks the TableName of a request, which may be an ARN, and returns the name alone.
func (s *Service) tableName(given string) (string, error) {
	if given == "" {
		return "", invalid("The parameter 'TableName' is required but was not present in the request")
	}
	name := given
	if strings.HasPrefix(given, "arn:") {
		var ok bool
		if name, ok = strings.CutPrefix(given, s.arn); !ok {
			return "", errNotFound // of another account or region
		}
	}
	if err := checkName(name, "tableName"); err != nil {
		return "", err
	}
	return name, nil
}

// checkName checks the name of a table or an index.
func checkName(name, member string) error {
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '.', c == '-':
		default:
			return constraint("'"+name+"'", member, "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
		}
	}
	if len(name) < 3 {
		return constraint("'"+name+"'", member, "Member must have length greater than or equal to 3")
	}
	if len(name) > 255 {
		return constraint("'"+name+"'", member, "Member must have length less than or equal to 255")
	}
	return nil
}

// open returns the table that an operation on items names, once the caller is known to be allowed the action. With an
// item or a key, its partition key is the condition key dynamodb:LeadingKeys.
func (s *Service) open(ctx context.Context, action, given string, it attribute.Item) (*table, error) {
	name, err := s.tableName(given)
	if err != nil {
		return nil, err
	}
	t := s.lookup(name)
	if t == nil {
		if err := s.allow(ctx, action, s.arn+name, nil); err != nil {
			return nil, err
		}
		return nil, errNotFound
	}
	if err := s.allow(ctx, action, t.arn, t.leadingKey(it)); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *table) leadingKey(it attribute.Item) map[string]string {
	return leading(it.Get(t.keys[0].name))
}

func leading(v attribute.Value) map[string]string {
	switch v.Kind {
	case attribute.S, attribute.N:
		return map[string]string{"dynamodb:LeadingKeys": v.Text}
	case attribute.B:
		return map[string]string{"dynamodb:LeadingKeys": base64.StdEncoding.EncodeToString([]byte(v.Text))}
	}
	return nil
}

func tooMany(n, limit int, member string) error {
	return constraint("'["+strconv.Itoa(n)+" members]'", member, "Member must have length less than or equal to "+strconv.Itoa(limit))
}
