package dynamodb

import (
	"slices"
	"time"
)

func (s *Service) updateTable(c call) ([]byte, error) {
	var in struct {
		TableName                   string
		AttributeDefinitions        []attributeDefinition
		BillingMode                 string
		ProvisionedThroughput       *throughput
		TableClass                  string
		DeletionProtectionEnabled   *bool
		GlobalSecondaryIndexUpdates []indexUpdate
		unsupported
	}
	if err := parse(c, &in); err != nil {
		return nil, err
	}
	t, err := s.named(c, "UpdateTable", in.TableName)
	if err != nil {
		return nil, err
	}
	if err := in.unsupported.check(); err != nil {
		return nil, err
	}
	if in.BillingMode == "" && in.ProvisionedThroughput == nil && in.TableClass == "" && in.DeletionProtectionEnabled == nil && len(in.GlobalSecondaryIndexUpdates) == 0 {
		return nil, invalid("At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required")
	}
	if err := oneOf(in.TableClass, "tableClass", "STANDARD", "STANDARD_INFREQUENT_ACCESS"); err != nil {
		return nil, err
	}
	err = s.change(c.ctx, t, func(def *definition) error {
		if in.TableClass != "" {
			def.TableClass = in.TableClass
		}
		if in.DeletionProtectionEnabled != nil {
			def.DeletionProtection = *in.DeletionProtectionEnabled
		}
		def.bill(in.BillingMode, in.ProvisionedThroughput)
		if err := def.updateIndexes(in.GlobalSecondaryIndexUpdates, in.AttributeDefinitions); err != nil {
			return err
		}
		return def.checkBilling()
	})
	if err != nil {
		return nil, err
	}
	return marshal(map[string]any{"TableDescription": t.describe("UPDATING")}), nil
}

// indexUpdate is one element of GlobalSecondaryIndexUpdates.
type indexUpdate struct {
	Create *indexInput
	Update *struct {
		IndexName             string
		ProvisionedThroughput throughput
		unsupportedIndex
	}
	Delete *struct{ IndexName string }
}

// bill changes the billing mode and the throughput of the table, as far as they are given.
func (d *definition) bill(mode string, t *throughput) {
	if mode == onDemand && d.BillingMode != onDemand {
		d.Throughput = throughput{}
		d.OnDemandSince = time.Now().Truncate(time.Millisecond)
		d.Indexes = slices.Clone(d.Indexes)
		for i := range d.Indexes {
			d.Indexes[i].Throughput = throughput{}
		}
	}
	if mode != "" {
		d.BillingMode = mode
	}
	if t != nil {
		d.Throughput = *t
	}
}

// updateIndexes creates, changes and deletes global indexes. The attribute definitions that are given replace those of the
// table; those that no key uses any longer go.
func (d *definition) updateIndexes(updates []indexUpdate, attributes []attributeDefinition) error {
	d.Indexes = slices.Clone(d.Indexes)
	d.Attributes = slices.Clone(d.Attributes)
	for _, a := range attributes {
		if have := d.typeOf(a.AttributeName); have == "" {
			d.Attributes = append(d.Attributes, a)
		} else if have != a.AttributeType {
			return invalid("One or more parameter values were invalid: the type of attribute %s cannot change from %s to %s", a.AttributeName, have, a.AttributeType)
		}
	}
	seen := map[string]bool{}
	for _, u := range updates {
		name, at := "", -1
		find := func(n string) {
			name, at = n, slices.IndexFunc(d.Indexes, func(x indexDefinition) bool { return x.Global && x.IndexName == n })
		}
		switch {
		case u.Create != nil:
			find(u.Create.IndexName)
			if at >= 0 {
				return invalid("Attempting to create an index which already exists")
			}
			if err := u.Create.check(); err != nil {
				return err
			}
			d.Indexes = append(d.Indexes, u.Create.definition(true))
		case u.Update != nil:
			if err := u.Update.check(); err != nil {
				return err
			}
			if find(u.Update.IndexName); at >= 0 {
				d.Indexes[at].Throughput = u.Update.ProvisionedThroughput
			}
		case u.Delete != nil:
			if find(u.Delete.IndexName); at >= 0 {
				d.Indexes = slices.Delete(d.Indexes, at, at+1)
			}
		default:
			return invalid("One or more parameter values were invalid: One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not be null")
		}
		if u.Create == nil && at < 0 {
			return indexNotFound(name)
		}
		if seen[name] {
			return invalid("One or more parameter values were invalid: Only one global secondary index update per index is allowed simultaneously. Index: %s", name)
		}
		seen[name] = true
	}
	d.Attributes = slices.DeleteFunc(d.Attributes, func(a attributeDefinition) bool { return !d.keyed(a.AttributeName) })
	return d.validate()
}

// keyed reports whether an attribute is in the key of the table or of an index.
func (d *definition) keyed(name string) bool {
	in := func(schema []keyElement) bool {
		return slices.ContainsFunc(schema, func(e keyElement) bool { return e.AttributeName == name })
	}
	return in(d.KeySchema) || slices.ContainsFunc(d.Indexes, func(x indexDefinition) bool { return in(x.KeySchema) })
}

// reindex brings the indexes in line with the definition: new ones are filled. The caller holds mu, so a large table
// stands still while an index is built.
func (t *table) reindex() {
	indexes := make([]*index, len(t.def.Indexes)) // a new list: readers may hold the old one
	for i, d := range t.def.Indexes {
		have := slices.IndexFunc(t.indexes, func(x *index) bool { return x.name == d.IndexName })
		if have >= 0 {
			indexes[i] = t.indexes[have]
			continue
		}
		x := t.newIndex(t.def, d)
		for key, r := range t.primary.walk(span{}, false) {
			if k, ok := x.keys.indexKey(r.item(), key); ok {
				x.entries.set(k, r)
			}
		}
		indexes[i] = x
	}
	t.indexes = indexes
}
