// Package expression reads and evaluates DynamoDB's expressions: conditions and filters, key conditions, projections and
// updates.
//
// A request's names and values come first, as [Params]; each expression of the request is then read with them, and last
// [Params.Unused] says whether all of them were needed. Errors are texts in AWS's words, for a ValidationException. What
// is read is immutable and may be evaluated from many goroutines. The package knows nothing of tables or HTTP.
package expression

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"quotewire/cloud/dynamodb/attribute"
)

// Limits of one expression.
const (
	maxLength    = 4096 // bytes
	maxOperators = 300
	maxIn        = 100 // operands of IN
	maxIndex     = 1<<31 - 1
)

// Params are the ExpressionAttributeNames and ExpressionAttributeValues of one request.
type Params struct {
	names  map[string]string
	values map[string]attribute.Value
	unused map[string]bool // of both kinds, which differ in their first byte
}

// NewParams checks the names and values of a request.
func NewParams(names map[string]string, values map[string]json.RawMessage) (*Params, error) {
	p := &Params{names: names}
	if names == nil && values == nil {
		return p, nil
	}
	p.unused = make(map[string]bool, len(names)+len(values))
	if names != nil && len(names) == 0 {
		return nil, errors.New("ExpressionAttributeNames must not be empty")
	}
	for k, name := range names {
		if !validKey(k, '#') {
			return nil, fmt.Errorf("ExpressionAttributeNames contains invalid key: Syntax error; key: %q", k)
		}
		if name == "" {
			return nil, fmt.Errorf("ExpressionAttributeNames contains invalid value for key %s: an attribute name must not be empty", k)
		}
		p.unused[k] = true
	}
	if values != nil && len(values) == 0 {
		return nil, errors.New("ExpressionAttributeValues must not be empty")
	}
	p.values = make(map[string]attribute.Value, len(values))
	for k, text := range values {
		if !validKey(k, ':') {
			return nil, fmt.Errorf("ExpressionAttributeValues contains invalid key: Syntax error; key: %q", k)
		}
		v, err := attribute.ParseValue(string(text))
		var invalid attribute.InvalidError
		if errors.As(err, &invalid) {
			return nil, fmt.Errorf("ExpressionAttributeValues contains invalid value: %s for key %s", invalid, k)
		} else if err != nil {
			return nil, err
		}
		p.values[k] = v
		p.unused[k] = true
	}
	return p, nil
}

func validKey(key string, mark byte) bool {
	if len(key) < 2 || key[0] != mark {
		return false
	}
	for i := 1; i < len(key); i++ {
		if !wordByte(key[i]) {
			return false
		}
	}
	return true
}

// Unused is an error if some name or value occurs in none of the expressions that were read.
func (p *Params) Unused() error {
	for _, kind := range []struct{ mark, member string }{{"#", "ExpressionAttributeNames"}, {":", "ExpressionAttributeValues"}} {
		var keys []string
		for k := range p.unused {
			if strings.HasPrefix(k, kind.mark) {
				keys = append(keys, k)
			}
		}
		if keys != nil {
			slices.Sort(keys)
			return fmt.Errorf("Value provided in %s unused in expressions: keys: {%s}", kind.member, strings.Join(keys, ", "))
		}
	}
	return nil
}
