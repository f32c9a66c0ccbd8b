package expression

import (
	"errors"
	"fmt"

	"quotewire/cloud/dynamodb/attribute"
)

// KeyTerm is what a KeyConditionExpression says of one key attribute: an Op of "=", "<", "<=", ">", ">=", "BETWEEN" or
// "begins_with" with one value, for BETWEEN two.
type KeyTerm struct {
	Name   string
	Op     string
	Values []attribute.Value
}

// KeyCondition reads a KeyConditionExpression: one term, or two joined by AND. Whether they fit the key is for the caller.
func (p *Params) KeyCondition(text string) ([]KeyTerm, error) {
	var root *node
	if err := read(p, "KeyConditionExpression", text, func(ps *parser) { root = ps.condition(ps.or()) }); err != nil {
		return nil, err
	}
	terms, err := keyTerms(root, nil)
	if err != nil {
		return nil, err
	}
	if len(terms) > 2 {
		return nil, errors.New("Conditions can be of length 1 or 2 only")
	}
	return terms, nil
}

// mirrored is the operator for the operands the other way round.
var mirrored = map[string]string{"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

func keyTerms(n *node, terms []KeyTerm) ([]KeyTerm, error) {
	switch n.op {
	case "AND":
		terms, err := keyTerms(n.args[0], terms)
		if err != nil {
			return nil, err
		}
		return keyTerms(n.args[1], terms)
	case "OR", "NOT", "IN", "<>", "attribute_exists", "attribute_not_exists", "attribute_type", "contains":
		return nil, fmt.Errorf("Invalid operator used in KeyConditionExpression: %s", n.op)
	case "BETWEEN", "begins_with":
		if n.args[0].op != "path" {
			return nil, fmt.Errorf("Invalid condition in KeyConditionExpression: %s operator must have the key attribute as its first operand", n.op)
		}
	}
	t := KeyTerm{Op: n.op}
	for i, a := range n.args {
		switch {
		case a.op == "value":
			t.Values = append(t.Values, a.val)
		case a.op != "path":
			return nil, errors.New("KeyConditionExpressions cannot contain nested operations")
		case t.Name != "":
			return nil, errors.New("Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition")
		case len(a.path) > 1:
			return nil, errors.New("KeyConditionExpressions cannot have conditions on nested attributes")
		default:
			t.Name = a.path[0].Name
			if i > 0 {
				t.Op = mirrored[n.op]
			}
		}
	}
	if t.Name == "" {
		return nil, errors.New("Invalid condition in KeyConditionExpression: No key attribute specified")
	}
	for _, other := range terms {
		if other.Name == t.Name {
			return nil, errors.New("KeyConditionExpressions must only contain one condition per key")
		}
	}
	return append(terms, t), nil
}
