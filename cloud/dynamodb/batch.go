package dynamodb

import (
	"context"
	"maps"
	"slices"
	"sync"

	"quotewire/cloud/dynamodb/attribute"
)

// openBatch is [Service.open] for an operation with many items of one table: the caller must be allowed the action for
// every partition key among them.
func (s *Service) openBatch(ctx context.Context, action, given string, items []attribute.Item) (*table, error) {
	if len(items) == 0 {
		return s.open(ctx, action, given, nil)
	}
	var t *table
	seen := map[string]bool{}
	for _, it := range items {
		if t != nil {
			key := t.leadingKey(it)["dynamodb:LeadingKeys"]
			if seen[key] {
				continue
			}
			seen[key] = true
		}
		var err error
		if t, err = s.open(ctx, action, given, it); err != nil {
			return nil, err
		}
		seen[t.leadingKey(it)["dynamodb:LeadingKeys"]] = true
	}
	return t, nil
}

// writeRequest is one element of a BatchWriteItem: a put or a delete.
type writeRequest struct {
	PutRequest    *struct{ Item attribute.Item } `json:",omitempty"`
	DeleteRequest *struct{ Key attribute.Item }  `json:",omitempty"`
}

func (r *writeRequest) target() attribute.Item {
	switch {
	case r.PutRequest != nil:
		return r.PutRequest.Item
	case r.DeleteRequest != nil:
		return r.DeleteRequest.Key
	}
	return nil
}

func (s *Service) batchWriteItem(c call) ([]byte, error) {
	var in struct {
		RequestItems                map[string][]writeRequest
		ReturnConsumedCapacity      string
		ReturnItemCollectionMetrics string
	}
	if err := parse(c, &in); err != nil {
		return nil, err
	}
	if in.RequestItems == nil {
		return nil, missing("requestItems")
	}
	var writes []batchWrite
	for _, name := range slices.Sorted(maps.Keys(in.RequestItems)) {
		requests := in.RequestItems[name]
		targets := make([]attribute.Item, len(requests))
		for i := range requests {
			targets[i] = requests[i].target()
		}
		t, err := s.openBatch(c.ctx, "BatchWriteItem", name, targets)
		if err != nil {
			return nil, err
		}
		if len(requests) == 0 {
			return nil, constraint("'[]'", "requestItems."+name+".member", "Member must have length greater than or equal to 1")
		}
		for _, r := range requests {
			writes = append(writes, batchWrite{table: t, name: name, request: r})
		}
	}
	if len(writes) == 0 {
		return nil, constraint("'{}'", "requestItems", "Member must have length greater than or equal to 1")
	}
	if len(writes) > maxBatchWrite {
		return nil, tooMany(len(writes), maxBatchWrite, "requestItems")
	}
	if err := checkConsumed(in.ReturnConsumedCapacity); err != nil {
		return nil, err
	}
	if err := oneOf(in.ReturnItemCollectionMetrics, "returnItemCollectionMetrics", "SIZE", "NONE"); err != nil {
		return nil, err
	}
	type place struct {
		table *table
		key   string
	}
	seen := map[place]bool{}
	for i := range writes {
		w := &writes[i]
		if err := w.check(); err != nil {
			return nil, err
		}
		if seen[place{w.table, w.key}] {
			return nil, errDuplicateKeys
		}
		seen[place{w.table, w.key}] = true
	}
	return s.writeBatch(c.ctx, writes, in.ReturnConsumedCapacity)
}

// batchWrite is one write of a batch, and what became of it.
type batchWrite struct {
	table   *table
	name    string // as the request wrote it
	request writeRequest
	key     string
	done    change
	err     error
}

func (w *batchWrite) check() error {
	put, del := w.request.PutRequest, w.request.DeleteRequest
	switch {
	case put != nil && del != nil, put == nil && del == nil:
		return invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
	case put != nil:
		if put.Item == nil {
			return missing("requestItems." + w.name + ".member.putRequest.item")
		}
		if err := w.table.checkPut(put.Item); err != nil {
			return err
		}
	default:
		if del.Key == nil {
			return missing("requestItems." + w.name + ".member.deleteRequest.key")
		}
		if err := w.table.keys.checkKey(del.Key); err != nil {
			return err
		}
	}
	w.key = w.table.keys.entryKey(w.request.target())
	return nil
}

// writeBatch writes all of a batch at once: 25 writes that wait for the store together take little longer than one. What
// the store refused is answered as unprocessed, unless it refused everything.
func (s *Service) writeBatch(ctx context.Context, writes []batchWrite, mode string) ([]byte, error) {
	var group sync.WaitGroup
	for i := range writes {
		w := &writes[i]
		group.Go(func() {
			w.done, w.err = w.table.write(ctx, w.key, func(*record) (attribute.Item, error) {
				if w.request.PutRequest != nil {
					return w.request.PutRequest.Item, nil
				}
				return nil, nil
			})
		})
	}
	group.Wait()
	unprocessed := map[string][]writeRequest{}
	failed := 0
	var used capacities
	for _, w := range writes {
		if w.err == nil {
			used.of(w.table).add(w.done)
			continue
		}
		s.log.Error("dynamodb: a write of a batch failed", "table", w.table.name, "err", w.err)
		unprocessed[w.name] = append(unprocessed[w.name], w.request)
		if failed++; failed == len(writes) {
			return nil, w.err
		}
	}
	a := newAnswer(64)
	a.name("UnprocessedItems")
	a = append(a, marshal(unprocessed)...)
	used.report(&a, mode)
	return a.end(), nil
}
