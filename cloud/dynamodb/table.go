package dynamodb

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"quotewire/cloud/dynamodb/attribute"
	"quotewire/cloud/dynamodb/expression"
	"quotewire/cloud/protocol"
	"quotewire/cloud/state"
)

// record is a stored item: its JSON, and what it counts against limits and capacity. It is immutable.
type record struct {
	json string
	size int
}

func newRecord(it attribute.Item) *record {
	buf := make([]byte, 0, 256)
	return &record{string(it.AppendJSON(buf)), it.Size()}
}

// item decodes the record; nil if there is none. A record was made from an item, or checked when it was read.
func (r *record) item() attribute.Item {
	if r == nil {
		return nil
	}
	it, err := attribute.ParseItem(r.json)
	if err != nil {
		panic("dynamodb: a stored item does not parse: " + err.Error())
	}
	return it
}

func (r *record) bytes() int {
	if r == nil {
		return 0
	}
	return r.size
}

// stripes is the number of locks that order the writes of a table.
const stripes = 256

// table is one table with its items. A table's name, keys and bucket never change.
type table struct {
	id    string
	name  string
	arn   string
	keys  keySchema
	items *state.Bucket

	// writing orders the writes to each item: from reading the old item until the new one is in the store and visible. Two
	// items may share a stripe. Several stripes are taken in the order of table and number.
	writing [stripes]sync.Mutex

	mu      sync.RWMutex // protects following; never held while the store reads or writes
	def     *definition  // replaced, never changed
	primary ordered
	indexes []*index
	bytes   int64
	dropped bool
}

// index is a secondary index. Its entries are the records of the table; what it does not project is left out when it is
// read.
type index struct {
	name    string
	arn     string
	global  bool
	keys    keySchema
	project *expression.Projection // nil if it holds whole items
	entries ordered
}

var seed = maphash.MakeSeed()

func stripeOf(key string) int { return int(maphash.String(seed, key) % stripes) }

// change is what a write does to one item of a table.
type change struct {
	table *table
	key   string
	old   *record        // nil if there was none
	item  attribute.Item // what new holds
	new   *record        // nil if there will be none
	kept  bool           // nothing is written: the item was only looked at
}

// keep is what a decision returns to leave the item as it is.
var keep = attribute.Item{}

// decision makes the new item of the old one, which is nil if there is none; a nil item deletes. Returning [keep] leaves
// everything as it is.
type decision func(old *record) (attribute.Item, error)

// write changes one item. It is visible when write returns without an error, and in the store; with an error it is not
// visible. (A write whose outcome the store did not tell in time is not visible either, and may be there after a restart.)
func (t *table) write(ctx context.Context, key string, decide decision) (change, error) {
	lock := &t.writing[stripeOf(key)]
	lock.Lock()
	defer lock.Unlock()
	c, err := t.prepare(key, decide)
	if err != nil || c.kept {
		return c, err
	}
	if err := c.store(ctx); err != nil {
		return c, err
	}
	t.mu.Lock()
	t.install(&c)
	t.mu.Unlock()
	return c, nil
}

// prepare decides on a change. The caller holds the stripe of the key.
func (t *table) prepare(key string, decide decision) (change, error) {
	t.mu.RLock()
	c := change{table: t, key: key, old: t.primary.get(key)}
	dropped := t.dropped
	t.mu.RUnlock()
	if dropped {
		return c, errNotFound
	}
	it, err := decide(c.old)
	switch {
	case err != nil:
		return c, err
	case it == nil:
		c.kept = c.old == nil
	case len(it) == 0:
		c.new, c.kept = c.old, true
	default:
		c.item, c.new = it, newRecord(it)
	}
	return c, nil
}

// store writes the change through to the table's bucket.
func (c *change) store(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	var err error
	if c.new == nil {
		err = c.table.items.Delete(ctx, storeKey(c.key))
	} else {
		_, err = c.table.items.Put(ctx, storeKey(c.key), []byte(c.new.json))
	}
	if err != nil {
		return fmt.Errorf("store an item of %s: %w", c.table.name, err)
	}
	return nil
}

// install makes a stored change visible. The caller holds mu.
func (t *table) install(c *change) {
	if c.kept {
		return
	}
	t.bytes += int64(c.new.bytes() - c.old.bytes())
	if c.new == nil {
		t.primary.delete(c.key)
	} else {
		t.primary.set(c.key, c.new)
	}
	if len(t.indexes) == 0 {
		return
	}
	old := c.old.item()
	for _, x := range t.indexes {
		before, was := x.keys.indexKey(old, c.key)
		after, is := x.keys.indexKey(c.item, c.key)
		if was && (!is || before != after) {
			x.entries.delete(before)
		}
		if is {
			x.entries.set(after, c.new)
		}
	}
}

// get returns the record under a key, nil if there is none.
func (t *table) get(key string) *record {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.primary.get(key)
}

// lookup returns the table of that name, nil if there is none.
func (s *Service) lookup(name string) *table {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.tables[name]
}

// load opens every table, finishes the journal, and then reads the items.
func (s *Service) load(ctx context.Context) error {
	all, err := s.catalog.All(ctx)
	if err != nil {
		return err
	}
	byID := map[string]*table{}
	for _, e := range all {
		def := &definition{}
		if err := json.Unmarshal(e.Value, def); err != nil {
			return fmt.Errorf("the definition of table %s: %w", e.Key, err)
		}
		if def.Deleting {
			if err := s.drop(ctx, def); err != nil {
				return err
			}
			continue
		}
		t, err := s.newTable(ctx, def)
		if err != nil {
			return err
		}
		byID[t.id], s.tables[t.name] = t, t
	}
	if err := s.replay(ctx, byID); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	group, loading := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for _, t := range byID {
		group.Go(func() error {
			if err := t.load(loading); err != nil {
				return fmt.Errorf("table %s: %w", t.name, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// newTable makes an empty table and opens its bucket.
func (s *Service) newTable(ctx context.Context, def *definition) (*table, error) {
	t := &table{id: def.ID, name: def.Name, arn: s.arn + def.Name, def: def, keys: def.schema(def.KeySchema)}
	var err error
	if t.items, err = s.state.Bucket(ctx, def.bucket()); err != nil {
		return nil, err
	}
	for _, d := range def.Indexes {
		t.indexes = append(t.indexes, t.newIndex(def, d))
	}
	return t, nil
}

func (t *table) newIndex(def *definition, d indexDefinition) *index {
	x := &index{name: d.IndexName, arn: t.arn + "/index/" + d.IndexName, global: d.Global, keys: def.schema(d.KeySchema)}
	if d.Projection.ProjectionType != "ALL" {
		names := slices.Clone(d.Projection.NonKeyAttributes)
		for _, a := range slices.Concat(t.keys, x.keys) {
			names = append(names, a.name)
		}
		x.project = expression.Names(names...)
	}
	return x
}

// load reads the items of a table that nobody uses yet.
func (t *table) load(ctx context.Context) error {
	all, err := t.items.All(ctx)
	if err != nil {
		return err
	}
	changes := make([]change, len(all))
	for i, e := range all {
		it, err := attribute.ParseItem(string(e.Value))
		if err == nil {
			err = t.keys.checkItem(it)
		}
		if err != nil {
			return fmt.Errorf("stored item %s: %w", e.Key, err)
		}
		changes[i] = change{key: t.keys.entryKey(it), item: it, new: &record{string(e.Value), it.Size()}}
	}
	slices.SortFunc(changes, func(a, b change) int { return cmp.Compare(a.key, b.key) })
	for i := range changes {
		t.install(&changes[i])
	}
	return nil
}

// checkIndexes checks that an item fits the secondary indexes.
func (t *table) checkIndexes(it attribute.Item) error {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, x := range t.indexes {
		for i, a := range x.keys {
			v := it.Get(a.name)
			if v.Kind == attribute.Absent || t.keys.has(a.name) {
				continue
			}
			if v.Kind != a.kind {
				return invalid("One or more parameter values were invalid: Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s", a.name, a.kind, v.Kind, x.name)
			}
			if err := checkKeyValue(a.name, v, i == 0); err != nil {
				if e, ok := err.(*protocol.Error); ok && v.Text == "" {
					return invalid("One or more parameter values are not valid. A value specified for a secondary index key is not supported. %s IndexName: %s", e.Message[len("One or more parameter values are not valid. "):], x.name)
				}
				return err
			}
		}
	}
	return nil
}

// checkPaths refuses paths that lead into a key attribute, which is a scalar.
func (t *table) checkPaths(paths []expression.Path) error {
	for _, p := range paths {
		if len(p) > 1 && t.keys.has(p[0].Name) {
			return invalid("Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: %s", p[0].Name)
		}
	}
	return nil
}
