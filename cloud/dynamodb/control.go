package dynamodb

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"quotewire/cloud/protocol"
	"quotewire/cloud/state"
)

// indexInput is a secondary index as CreateTable and UpdateTable describe it.
type indexInput struct {
	IndexName             string
	KeySchema             []keyElement
	Projection            projectionDefinition
	ProvisionedThroughput throughput
	unsupportedIndex
}

func (x *indexInput) definition(global bool) indexDefinition {
	return indexDefinition{IndexName: x.IndexName, Global: global, KeySchema: x.KeySchema, Projection: x.Projection, Throughput: x.ProvisionedThroughput}
}

// unsupported are members that would change what a table does, and that this service does not have.
type unsupported struct {
	StreamSpecification       *struct{ StreamEnabled bool }
	SSESpecification          *struct{ Enabled bool }
	ReplicaUpdates            json.RawMessage
	ResourcePolicy            json.RawMessage
	GlobalTableWitnessUpdates json.RawMessage
	MultiRegionConsistency    json.RawMessage
	unsupportedIndex
}

// unsupportedIndex are such members that indexes have as well.
type unsupportedIndex struct {
	OnDemandThroughput json.RawMessage
	WarmThroughput     json.RawMessage
}

func (u *unsupportedIndex) check() error {
	return refuse(map[string]json.RawMessage{"OnDemandThroughput": u.OnDemandThroughput, "WarmThroughput": u.WarmThroughput})
}

func (u *unsupported) check() error {
	switch {
	case u.StreamSpecification != nil && u.StreamSpecification.StreamEnabled:
		return invalid("The embedded cloud does not have DynamoDB Streams: leave StreamSpecification out")
	case u.SSESpecification != nil && u.SSESpecification.Enabled:
		return invalid("The embedded cloud does not encrypt tables with KMS keys: leave SSESpecification out")
	}
	if err := u.unsupportedIndex.check(); err != nil {
		return err
	}
	return refuse(map[string]json.RawMessage{"ReplicaUpdates": u.ReplicaUpdates, "ResourcePolicy": u.ResourcePolicy,
		"GlobalTableWitnessUpdates": u.GlobalTableWitnessUpdates, "MultiRegionConsistency": u.MultiRegionConsistency})
}

func refuse(members map[string]json.RawMessage) error {
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if v := string(members[name]); v != "" && v != "null" && v != "[]" {
			return invalid("The parameter %s is not supported by the embedded cloud: leave it out", name)
		}
	}
	return nil
}

func (s *Service) createTable(c call) ([]byte, error) {
	var in struct {
		TableName                 string
		AttributeDefinitions      []attributeDefinition
		KeySchema                 []keyElement
		BillingMode               string
		ProvisionedThroughput     throughput
		GlobalSecondaryIndexes    *[]indexInput
		LocalSecondaryIndexes     *[]indexInput
		TableClass                string
		DeletionProtectionEnabled bool
		Tags                      []tag
		unsupported
	}
	if err := parse(c, &in); err != nil {
		return nil, err
	}
	name, err := s.tableName(in.TableName)
	if err != nil {
		return nil, err
	}
	if err := s.allow(c.ctx, "CreateTable", s.arn+name, nil); err != nil {
		return nil, err
	}
	if err := in.unsupported.check(); err != nil {
		return nil, err
	}
	if in.BillingMode == "" {
		in.BillingMode = provisioned
	}
	def := &definition{
		ID: protocol.RequestID(), Name: name, Created: time.Now().Truncate(time.Millisecond), Attributes: in.AttributeDefinitions, KeySchema: in.KeySchema,
		BillingMode: in.BillingMode, Throughput: in.ProvisionedThroughput, TableClass: in.TableClass, DeletionProtection: in.DeletionProtectionEnabled,
	}
	if err := def.addIndexes(in.LocalSecondaryIndexes, false); err != nil {
		return nil, err
	}
	if err := def.addIndexes(in.GlobalSecondaryIndexes, true); err != nil {
		return nil, err
	}
	if err := oneOf(in.TableClass, "tableClass", "STANDARD", "STANDARD_INFREQUENT_ACCESS"); err != nil {
		return nil, err
	}
	if err := def.checkBilling(); err != nil {
		return nil, err
	}
	if err := def.validate(); err != nil {
		return nil, err
	}
	if len(in.Tags) > 0 {
		if err := s.allow(c.ctx, "TagResource", s.arn+name, nil); err != nil {
			return nil, err
		}
		if def.Tags, err = withTags(nil, in.Tags); err != nil {
			return nil, err
		}
	}
	if def.BillingMode == onDemand {
		def.OnDemandSince = def.Created
	}
	t, err := s.create(c.ctx, def)
	if err != nil {
		return nil, err
	}
	// The answer says CREATING, as AWS's does; the first DescribeTable says ACTIVE.
	return marshal(map[string]any{"TableDescription": t.describe("CREATING")}), nil
}

func (d *definition) addIndexes(in *[]indexInput, global bool) error {
	if in == nil {
		return nil
	}
	if len(*in) == 0 {
		kind := "LocalSecondaryIndexes"
		if global {
			kind = "GlobalSecondaryIndexes"
		}
		return invalid("One or more parameter values were invalid: List of %s is empty", kind)
	}
	for _, x := range *in {
		if err := x.check(); err != nil {
			return err
		}
		d.Indexes = append(d.Indexes, x.definition(global))
	}
	return nil
}

// create brings a table into being: its entry in the catalog first, for an entry without a bucket is an empty table.
func (s *Service) create(ctx context.Context, def *definition) (*table, error) {
	s.control.Lock()
	defer s.control.Unlock()
	if s.lookup(def.Name) != nil {
		return nil, tableInUse(def.Name)
	}
	if err := s.save(ctx, def); err != nil {
		return nil, err
	}
	t, err := s.newTable(ctx, def)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.tables[def.Name] = t
	s.mu.Unlock()
	return t, nil
}

func (s *Service) save(ctx context.Context, def *definition) error {
	if _, err := s.catalog.Put(ctx, def.Name, marshal(def)); err != nil {
		return fmt.Errorf("store the definition of table %s: %w", def.Name, err)
	}
	return nil
}

// named is [Service.open] for operations on tables: an absent one is named in the error.
func (s *Service) named(c call, action, given string) (*table, error) {
	name, err := s.tableName(given)
	if err != nil {
		return nil, err
	}
	if err := s.allow(c.ctx, action, s.arn+name, nil); err != nil {
		return nil, err
	}
	if t := s.lookup(name); t != nil {
		return t, nil
	}
	return nil, tableNotFound(name)
}

func (s *Service) describeTable(c call) ([]byte, error) {
	var in struct{ TableName string }
	if err := parse(c, &in); err != nil {
		return nil, err
	}
	t, err := s.named(c, "DescribeTable", in.TableName)
	if err != nil {
		return nil, err
	}
	return marshal(map[string]any{"Table": t.describe("ACTIVE")}), nil
}

func (s *Service) listTables(c call) ([]byte, error) {
	var in struct {
		ExclusiveStartTableName string
		Limit                   *int
	}
	if err := parse(c, &in); err != nil {
		return nil, err
	}
	if err := s.allow(c.ctx, "ListTables", s.arn+"*", nil); err != nil {
		return nil, err
	}
	limit := 100
	if in.Limit != nil {
		limit = *in.Limit
	}
	if limit < 1 {
		return nil, constraint(fmt.Sprintf("'%d'", limit), "limit", "Member must have value greater than or equal to 1")
	} else if limit > 100 {
		return nil, constraint(fmt.Sprintf("'%d'", limit), "limit", "Member must have value less than or equal to 100")
	}
	s.mu.RLock()
	names := slices.Sorted(maps.Keys(s.tables))
	s.mu.RUnlock()
	from, found := slices.BinarySearch(names, in.ExclusiveStartTableName)
	if found {
		from++
	}
	out := struct {
		TableNames             []string
		LastEvaluatedTableName string `json:",omitempty"`
	}{TableNames: names[from:]}
	if len(out.TableNames) > limit {
		out.TableNames = out.TableNames[:limit]
		out.LastEvaluatedTableName = out.TableNames[limit-1]
	}
	if out.TableNames == nil {
		out.TableNames = []string{}
	}
	return marshal(out), nil
}

func (s *Service) deleteTable(c call) ([]byte, error) {
	var in struct{ TableName string }
	if err := parse(c, &in); err != nil {
		return nil, err
	}
	t, err := s.named(c, "DeleteTable", in.TableName)
	if err != nil {
		return nil, err
	}
	s.control.Lock()
	defer s.control.Unlock()
	if s.lookup(t.name) != t {
		return nil, tableNotFound(t.name)
	}
	if t.definition().DeletionProtection {
		return nil, errDeletionLocked
	}
	gone := *t.definition()
	gone.Deleting = true
	if err := s.save(state.Freeing(c.ctx), &gone); err != nil {
		return nil, err
	}
	s.mu.Lock()
	delete(s.tables, t.name)
	s.mu.Unlock()
	t.close()
	out := marshal(map[string]any{"TableDescription": t.describe("DELETING")})
	// The table is gone for everyone, and now also for the next start: what is left is to give back its space. A caller
	// who goes away must not keep that from being done.
	if err := s.drop(context.WithoutCancel(c.ctx), &gone); err != nil {
		return nil, err
	}
	return out, nil
}

// close waits for the writes that have begun, and refuses those that have not.
func (t *table) close() {
	for i := range t.writing {
		t.writing[i].Lock()
	}
	t.mu.Lock()
	t.dropped = true
	t.mu.Unlock()
	for i := range t.writing {
		t.writing[i].Unlock()
	}
}

// drop removes what the store has of a table whose definition says that it is being deleted.
func (s *Service) drop(ctx context.Context, def *definition) error {
	if err := s.state.DropBucket(ctx, def.bucket()); err != nil {
		return fmt.Errorf("delete the items of table %s: %w", def.Name, err)
	}
	if err := s.catalog.Delete(ctx, def.Name); err != nil {
		return fmt.Errorf("delete table %s: %w", def.Name, err)
	}
	return nil
}

// definition returns the definition of the table as it is now.
func (t *table) definition() *definition {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.def
}

// change replaces the definition of a table, in the store and then in memory. The function gets a copy.
func (s *Service) change(ctx context.Context, t *table, edit func(*definition) error) error {
	s.control.Lock()
	defer s.control.Unlock()
	if s.lookup(t.name) != t {
		return tableNotFound(t.name)
	}
	def := *t.definition()
	if err := edit(&def); err != nil {
		return err
	}
	if err := s.save(ctx, &def); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.def = &def
	t.reindex()
	return nil
}
