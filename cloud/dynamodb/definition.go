package dynamodb

import (
	"math"
	"slices"
	"strings"
	"time"

	"quotewire/cloud/dynamodb/attribute"
)

// definition is all that a table is beside its items, as the catalog keeps it. It is immutable: a change replaces it.
type definition struct {
	ID                 string
	Name               string
	Created            time.Time
	Deleting           bool `json:",omitempty"`
	Attributes         []attributeDefinition
	KeySchema          []keyElement
	BillingMode        string
	OnDemandSince      time.Time  `json:",omitzero"`
	Throughput         throughput `json:",omitzero"`
	Indexes            []indexDefinition
	TableClass         string            `json:",omitempty"`
	DeletionProtection bool              `json:",omitempty"`
	Tags               map[string]string `json:",omitempty"`
	TTLAttribute       string            `json:",omitempty"` // "" while TTL is disabled
}

type attributeDefinition struct {
	AttributeName string
	AttributeType string
}

type keyElement struct {
	AttributeName string
	KeyType       string
}

type projectionDefinition struct {
	ProjectionType   string
	NonKeyAttributes []string `json:",omitempty"`
}

type throughput struct {
	ReadCapacityUnits  int64
	WriteCapacityUnits int64
}

type indexDefinition struct {
	IndexName  string
	Global     bool
	KeySchema  []keyElement
	Projection projectionDefinition
	Throughput throughput `json:",omitzero"`
}

const onDemand, provisioned = "PAY_PER_REQUEST", "PROVISIONED"

// bucket is the name of the bucket that has the items. It is made of the id, so that a table that is deleted and created
// again never meets its old items.
func (d *definition) bucket() string { return "dynamodb-" + d.ID }

// schema is a key with the types of its attributes.
func (d *definition) schema(elements []keyElement) keySchema {
	k := make(keySchema, len(elements))
	for i, e := range elements {
		k[i] = keyAttr{e.AttributeName, attribute.KindOf(d.typeOf(e.AttributeName))}
	}
	return k
}

func (d *definition) typeOf(name string) string {
	for _, a := range d.Attributes {
		if a.AttributeName == name {
			return a.AttributeType
		}
	}
	return ""
}

// description is a TableDescription.
type description struct {
	AttributeDefinitions      []attributeDefinition
	TableName                 string
	KeySchema                 []keyElement
	TableStatus               string
	CreationDateTime          float64
	ProvisionedThroughput     throughputDescription
	TableSizeBytes            int64
	ItemCount                 int
	TableArn                  string
	TableId                   string
	BillingModeSummary        *billingSummary    `json:",omitempty"`
	TableClassSummary         *tableClass        `json:",omitempty"`
	LocalSecondaryIndexes     []indexDescription `json:",omitempty"`
	GlobalSecondaryIndexes    []indexDescription `json:",omitempty"`
	DeletionProtectionEnabled bool
}

type throughputDescription struct {
	NumberOfDecreasesToday int64
	throughput
}

type billingSummary struct {
	BillingMode                       string
	LastUpdateToPayPerRequestDateTime float64 `json:",omitempty"`
}

type tableClass struct{ TableClass string }

type indexDescription struct {
	IndexName             string
	KeySchema             []keyElement
	Projection            projectionDefinition
	IndexStatus           string                 `json:",omitempty"` // of a global index, as is the throughput
	ProvisionedThroughput *throughputDescription `json:",omitempty"`
	IndexSizeBytes        int64
	ItemCount             int
	IndexArn              string
}

// describe makes the description of a table with what it holds just now.
func (t *table) describe(status string) description {
	t.mu.RLock()
	defer t.mu.RUnlock()
	def := t.def
	d := description{
		AttributeDefinitions: def.Attributes, TableName: t.name, KeySchema: def.KeySchema, TableStatus: status,
		CreationDateTime: epoch(def.Created), ProvisionedThroughput: throughputDescription{throughput: def.Throughput},
		TableSizeBytes: t.bytes, ItemCount: t.primary.len, TableArn: t.arn, TableId: t.id,
		DeletionProtectionEnabled: def.DeletionProtection,
	}
	if def.BillingMode == onDemand || !def.OnDemandSince.IsZero() {
		d.BillingModeSummary = &billingSummary{BillingMode: def.BillingMode}
		if !def.OnDemandSince.IsZero() {
			d.BillingModeSummary.LastUpdateToPayPerRequestDateTime = epoch(def.OnDemandSince)
		}
	}
	if def.TableClass != "" {
		d.TableClassSummary = &tableClass{def.TableClass}
	}
	for i, x := range t.indexes {
		xd := def.Indexes[i]
		one := indexDescription{IndexName: x.name, KeySchema: xd.KeySchema, Projection: xd.Projection, ItemCount: x.entries.len, IndexArn: x.arn}
		if t.primary.len > 0 { // records are shared with the table: an estimate serves
			one.IndexSizeBytes = t.bytes * int64(x.entries.len) / int64(t.primary.len)
		}
		if !x.global {
			d.LocalSecondaryIndexes = append(d.LocalSecondaryIndexes, one)
			continue
		}
		one.IndexStatus = status
		if status != "DELETING" {
			one.IndexStatus = "ACTIVE"
		}
		one.ProvisionedThroughput = &throughputDescription{throughput: xd.Throughput}
		d.GlobalSecondaryIndexes = append(d.GlobalSecondaryIndexes, one)
	}
	return d
}

// epoch is a time as the wire has it: seconds, to the millisecond.
func epoch(t time.Time) float64 { return math.Round(float64(t.UnixMilli())) / 1000 }

// validate checks a table's keys and indexes as CreateTable does.
func (d *definition) validate() error {
	for _, a := range d.Attributes {
		if err := oneOf(a.AttributeType, "attributeDefinitions.member.attributeType", "B", "N", "S"); err != nil {
			return err
		}
	}
	if err := d.checkSchema(d.KeySchema, "keySchema"); err != nil {
		return err
	}
	used := map[string]bool{}
	for _, e := range d.KeySchema {
		used[e.AttributeName] = true
	}
	names := map[string]bool{}
	local, global := 0, 0
	for _, x := range d.Indexes {
		if err := d.checkIndex(x); err != nil {
			return err
		}
		if names[x.IndexName] {
			return invalid("One or more parameter values were invalid: Duplicate index name: %s", x.IndexName)
		}
		names[x.IndexName] = true
		for _, e := range x.KeySchema {
			used[e.AttributeName] = true
		}
		if x.Global {
			global++
		} else {
			local++
		}
	}
	switch {
	case local > maxLocalIndexes:
		return invalid("One or more parameter values were invalid: Number of LocalSecondaryIndexes exceeds per-table limit of %d", maxLocalIndexes)
	case global > maxGlobalIndexes:
		return invalid("One or more parameter values were invalid: GlobalSecondaryIndex count exceeds the per-table limit of %d", maxGlobalIndexes)
	}
	if len(used) == len(d.Attributes) {
		return nil
	}
	if len(d.Indexes) == 0 {
		return invalid("One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
	}
	return invalid("One or more parameter values were invalid: Some AttributeDefinitions are not used. AttributeDefinitions: [%s], keys used: [%s]",
		strings.Join(d.attributeNames(), ", "), strings.Join(d.only(used), ", "))
}

func (d *definition) attributeNames() []string {
	var names []string
	for _, a := range d.Attributes {
		names = append(names, a.AttributeName)
	}
	return names
}

func (d *definition) only(used map[string]bool) []string {
	return slices.DeleteFunc(d.attributeNames(), func(n string) bool { return !used[n] })
}

// checkSchema checks the key of the table or of an index.
func (d *definition) checkSchema(schema []keyElement, member string) error {
	switch {
	case len(schema) == 0:
		return missing(member)
	case len(schema) > 2:
		return tooMany(len(schema), 2, member)
	}
	var keys []string
	known := true
	for _, e := range schema {
		keys = append(keys, e.AttributeName)
		known = known && d.typeOf(e.AttributeName) != ""
	}
	switch {
	case len(d.Attributes) == 0 || len(schema) > len(d.Attributes):
		return invalid("Invalid KeySchema: Some index key attribute have no definition")
	case !known:
		return invalid("One or more parameter values were invalid: Some index key attributes are not defined in AttributeDefinitions. Keys: [%s], AttributeDefinitions: [%s]",
			strings.Join(keys, ", "), strings.Join(d.attributeNames(), ", "))
	case len(keys) == 2 && keys[0] == keys[1]:
		return invalid("Both the Hash Key and the Range Key element in the KeySchema have the same name")
	case schema[0].KeyType != "HASH":
		return invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
	case len(schema) == 2 && schema[1].KeyType != "RANGE":
		return invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
	}
	return nil
}

func (d *definition) checkIndex(x indexDefinition) error {
	if err := checkName(x.IndexName, "secondaryIndexes.member.indexName"); err != nil {
		return err
	}
	if err := d.checkSchema(x.KeySchema, "secondaryIndexes.member.keySchema"); err != nil {
		return err
	}
	if !x.Global {
		switch {
		case len(d.KeySchema) != 2:
			return invalid("One or more parameter values were invalid: Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex")
		case len(x.KeySchema) != 2:
			return invalid("One or more parameter values were invalid: Index KeySchema does not have a range key for index: %s", x.IndexName)
		case x.KeySchema[0].AttributeName != d.KeySchema[0].AttributeName:
			return invalid("One or more parameter values were invalid: Index KeySchema does not have the same leading hash key as table KeySchema for index: %s. index hash key: %s, table hash key: %s",
				x.IndexName, x.KeySchema[0].AttributeName, d.KeySchema[0].AttributeName)
		}
	}
	kind := x.Projection.ProjectionType
	if err := oneOf(kind, "secondaryIndexes.member.projection.projectionType", "ALL", "INCLUDE", "KEYS_ONLY"); err != nil {
		return err
	}
	switch {
	case kind == "":
		return invalid("One or more parameter values were invalid: Unknown ProjectionType: null")
	case kind != "INCLUDE" && x.Projection.NonKeyAttributes != nil:
		return invalid("One or more parameter values were invalid: ProjectionType is %s, but NonKeyAttributes is specified", kind)
	case kind == "INCLUDE" && len(x.Projection.NonKeyAttributes) == 0:
		return invalid("One or more parameter values were invalid: ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
	}
	return nil
}

// checkBilling checks that throughput is given where it is billed, and only there.
func (d *definition) checkBilling() error {
	if err := oneOf(d.BillingMode, "billingMode", provisioned, onDemand); err != nil {
		return err
	}
	if d.BillingMode == onDemand {
		if d.Throughput != (throughput{}) {
			return invalid("One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
		}
		for _, x := range d.Indexes {
			if x.Throughput != (throughput{}) {
				return invalid("One or more parameter values were invalid: ProvisionedThroughput should not be specified for index: %s when BillingMode is PAY_PER_REQUEST", x.IndexName)
			}
		}
		return nil
	}
	if d.Throughput.ReadCapacityUnits < 1 || d.Throughput.WriteCapacityUnits < 1 {
		return invalid("One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
	}
	for _, x := range d.Indexes {
		if x.Global && (x.Throughput.ReadCapacityUnits < 1 || x.Throughput.WriteCapacityUnits < 1) {
			return invalid("One or more parameter values were invalid: ProvisionedThroughput must be specified for index: %s", x.IndexName)
		}
	}
	return nil
}
