package dynamodb

import (
	"maps"
	"slices"

	"quotewire/cloud/dynamodb/attribute"
	"quotewire/cloud/dynamodb/expression"
)

type getItemInput struct {
	TableName              string
	Key                    attribute.Item
	ConsistentRead         bool
	ProjectionExpression   *string
	ReturnConsumedCapacity string
	expressions
	legacy
}

func (s *Service) getItem(c call) ([]byte, error) {
	var in getItemInput
	if err := parse(c, &in); err != nil {
		return nil, err
	}
	t, err := s.open(c.ctx, "GetItem", in.TableName, in.Key)
	if err != nil {
		return nil, err
	}
	r, pr, err := t.find(&in)
	if err != nil {
		return nil, err
	}
	a := newAnswer(r.jsonLen() + 64)
	if r != nil {
		a.name("Item")
		a = r.append(a, pr)
	}
	used := capacity{table: t, own: readUnits(r.bytes(), in.ConsistentRead)}
	used.report(&a, in.ReturnConsumedCapacity)
	return a.end(), nil
}

// find checks a request for one item and returns the item, nil if there is none, and what is wanted of it.
func (t *table) find(in *getItemInput) (*record, *expression.Projection, error) {
	if in.Key == nil {
		return nil, nil, missing("key")
	}
	if err := in.legacy.check(); err != nil {
		return nil, nil, err
	}
	if err := checkConsumed(in.ReturnConsumedCapacity); err != nil {
		return nil, nil, err
	}
	pr, err := t.projection(in.expressions, in.ProjectionExpression)
	if err != nil {
		return nil, nil, err
	}
	if err := t.keys.checkKey(in.Key); err != nil {
		return nil, nil, err
	}
	return t.get(t.keys.entryKey(in.Key)), pr, nil
}

// projection reads the projection of a request that has no other expression.
func (t *table) projection(e expressions, text *string) (*expression.Projection, error) {
	p, err := e.params(text)
	if err != nil {
		return nil, err
	}
	pr, err := projection(p, text)
	if err == nil {
		err = inExpression(p.Unused())
	}
	if err == nil && pr != nil {
		err = t.checkPaths(pr.Paths())
	}
	return pr, err
}

func (r *record) jsonLen() int {
	if r == nil {
		return 0
	}
	return len(r.json)
}

// append writes the item, or what a projection wants of it.
func (r *record) append(dst []byte, pr *expression.Projection) []byte {
	if pr == nil {
		return append(dst, r.json...)
	}
	return pr.Apply(r.item()).AppendJSON(dst)
}

// batchKeys are the keys that a BatchGetItem asks of one table.
type batchKeys struct {
	Keys                     []attribute.Item
	ConsistentRead           bool              `json:",omitempty"`
	ProjectionExpression     *string           `json:",omitempty"`
	ExpressionAttributeNames map[string]string `json:",omitempty"`
	legacy
}

func (s *Service) batchGetItem(c call) ([]byte, error) {
	var in struct {
		RequestItems           map[string]*batchKeys
		ReturnConsumedCapacity string
	}
	if err := parse(c, &in); err != nil {
		return nil, err
	}
	if in.RequestItems == nil {
		return nil, missing("requestItems")
	}
	names := slices.Sorted(maps.Keys(in.RequestItems))
	tables := make([]*table, len(names))
	projections := make([]*expression.Projection, len(names))
	total := 0
	for i, name := range names {
		q := in.RequestItems[name]
		if q == nil {
			return nil, missing("requestItems." + name + ".member")
		}
		var err error
		if tables[i], err = s.openBatch(c.ctx, "BatchGetItem", name, q.Keys); err != nil {
			return nil, err
		}
		if len(q.Keys) == 0 {
			return nil, constraint("'[]'", "requestItems."+name+".member.keys", "Member must have length greater than or equal to 1")
		}
		total += len(q.Keys)
	}
	if len(names) == 0 {
		return nil, constraint("'{}'", "requestItems", "Member must have length greater than or equal to 1")
	}
	if total > maxBatchGet {
		return nil, invalid("Too many items requested for the BatchGetItem call")
	}
	if err := checkConsumed(in.ReturnConsumedCapacity); err != nil {
		return nil, err
	}
	for i, name := range names {
		q, t := in.RequestItems[name], tables[i]
		if err := q.legacy.check(); err != nil {
			return nil, err
		}
		var err error
		if projections[i], err = t.projection(expressions{ExpressionAttributeNames: q.ExpressionAttributeNames}, q.ProjectionExpression); err != nil {
			return nil, err
		}
		seen := map[string]bool{}
		for _, k := range q.Keys {
			if err := t.keys.checkKey(k); err != nil {
				return nil, err
			}
			key := t.keys.entryKey(k)
			if seen[key] {
				return nil, errDuplicateKeys
			}
			seen[key] = true
		}
	}
	return s.getBatch(names, tables, projections, in.RequestItems, in.ReturnConsumedCapacity), nil
}

// getBatch reads the items of a checked BatchGetItem, up to 16 MB of them.
func (s *Service) getBatch(names []string, tables []*table, projections []*expression.Projection, wanted map[string]*batchKeys, mode string) []byte {
	a := newAnswer(1024)
	a.raw("Responses", "{")
	var used capacities
	unprocessed := map[string]*batchKeys{}
	size := 0
	for i, name := range names {
		t, q := tables[i], wanted[name]
		var found []*record
		for k, key := range q.Keys {
			r := t.get(t.keys.entryKey(key))
			if size += r.bytes(); size > maxBatchGetSize {
				rest := *q
				rest.Keys = q.Keys[k:]
				unprocessed[name] = &rest
				break
			}
			used.of(t).own += readUnits(r.bytes(), q.ConsistentRead)
			if r != nil {
				found = append(found, r)
			}
		}
		a.list(name, len(found), func(n int) { a = found[n].append(a, projections[i]) })
	}
	a = append(a, '}')
	a.name("UnprocessedKeys")
	a = append(a, marshal(unprocessed)...)
	used.report(&a, mode)
	return a.end()
}
