package aws

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"quotewire/deploy"
	"quotewire/dply/check"
	"quotewire/dply/schema"
)

func init() {
	registerModel(model{
		Type: &schema.Type{
			Name: "aws.DynamoDB.Table", Self: "name",
			Doc:   "A table of DynamoDB, paid by the request.",
			Notes: "A teardown takes the deletion protection off first, if the script does not ask for it.",
			Properties: []schema.Property{
				{Name: "Fields", Kinds: readBy, Readers: []string{"aws.DynamoFields"}, Required: true, Fixed: true, Doc: "The fields. Exactly one is the hash key, at most one the range key; only these, and the keys of indexes, are told to DynamoDB."},
				{Name: "Indexes", Kinds: lists, Items: dicts, Doc: "Global secondary indexes. One whose keys or projection differ is removed and made again.", Entries: []schema.Property{
					{Name: "Name", Kinds: texts, Required: true, Doc: "The name of the index."},
					{Name: "Hash", Kinds: texts, Required: true, Doc: "The field that items are found by. It is one of Fields."},
					{Name: "Range", Kinds: texts, Doc: "The field that they are sorted by. It is one of Fields."},
					{Name: "Projection", Kinds: texts, Enum: []string{"ALL", "KEYS_ONLY", "INCLUDE"}, Default: "ALL, or INCLUDE with Include", Doc: "What of an item the index holds."},
					{Name: "Include", Kinds: lists, Doc: "What the index holds beside the keys, with the projection INCLUDE. These need not be among Fields."},
				}},
				{Name: "TimeToLive", Kinds: texts, Doc: "The number field that says, in seconds since 1970, when an item may be forgotten.", Default: "none"},
				{Name: "Stream", Kinds: texts, Enum: []string{"KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"}, Doc: "What a stream of the table's changes shows.", Default: "no stream"},
				{Name: "DeletionProtection", Kinds: booleans, Doc: "Whether DynamoDB refuses to delete the table.", Default: "false"},
				{Name: "Class", Kinds: texts, Enum: []string{"STANDARD", "STANDARD_INFREQUENT_ACCESS"}, Doc: "The table class.", Default: "STANDARD"},
			},
			Members: []schema.Member{nameMember("table"), arnMember("table"),
				{Name: "streamArn", Kind: schema.String, Doc: "The ARN of the table's newest stream."}},
		},
		noun: "table", outputs: []string{"name"}, absent: "Make it with `ensure aws.DynamoDB.Table`, or correct the name.",
		read: readTable, wants: wantTable, refuse: refuseTable, create: createTable, update: updateTable, remove: removeTable,
	}, true)
	register(entry{Type: &schema.Type{
		Name: "aws.DynamoFields",
		Doc:  "The fields of a table, one a line: a name, a type (string, number, binary, bool), and below it @Key hash or @Key range.",
	}})
}

func tableKey(name string) deploy.Key { return deploy.Key{Type: "aws.DynamoDB.Table", Name: name} }

// listTables lists the names of all tables. DynamoDB tells no more than that of many tables at once.
func (p *Provider) listTables() pages[struct{}] {
	list := dynamodb.NewListTablesPaginator(p.dynamodb, &dynamodb.ListTablesInput{})
	return func(ctx context.Context, add func(string, struct{})) (bool, error) {
		page, err := list.NextPage(ctx)
		if err != nil {
			return false, err
		}
		for _, name := range page.TableNames {
			add(name, struct{}{})
		}
		return list.HasMorePages(), nil
	}
}

func readTable(ctx context.Context, v *values) (*real, error) {
	if found, told := listed(ctx, v, &v.tables, v.name, v.listTables); told && found == nil {
		return nil, nil
	}
	out, err := v.dynamodb.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &v.name})
	if is(err, "ResourceNotFoundException") {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	t := out.Table
	kinds := map[string]types.ScalarAttributeType{}
	for _, a := range t.AttributeDefinitions {
		kinds[aws.ToString(a.AttributeName)] = a.AttributeType
	}
	r := &real{settings: settings{"Fields": keysText(t.KeySchema, kinds), "DeletionProtection": yes(aws.ToBool(t.DeletionProtectionEnabled)), "Class": string(types.TableClassStandard)},
		members: map[string]any{"arn": aws.ToString(t.TableArn)}, busy: t.TableStatus != types.TableStatusActive}
	var indexes []string
	for _, i := range t.GlobalSecondaryIndexes {
		indexes = append(indexes, indexText(i.IndexName, i.KeySchema, i.Projection, kinds))
		r.busy = r.busy || i.IndexStatus != types.IndexStatusActive && i.IndexStatus != ""
	}
	r.settings["Indexes"] = joined(indexes)
	if s := t.StreamSpecification; s != nil && aws.ToBool(s.StreamEnabled) {
		r.settings["Stream"] = string(s.StreamViewType)
	}
	if t.LatestStreamArn != nil {
		r.members["streamArn"] = *t.LatestStreamArn
	}
	if t.TableClassSummary != nil {
		r.settings["Class"] = string(t.TableClassSummary.TableClass)
	}
	if v.props == nil { // it is only looked up
		return r, nil
	}
	live, err := v.dynamodb.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &v.name})
	if is(err, "ResourceNotFoundException") {
		return nil, nil // it is being made, or has just gone
	}
	if err != nil {
		return nil, err
	}
	if d := live.TimeToLiveDescription; d != nil && (d.TimeToLiveStatus == types.TimeToLiveStatusEnabled || d.TimeToLiveStatus == types.TimeToLiveStatusEnabling) {
		r.settings["TimeToLive"] = aws.ToString(d.AttributeName)
	}
	return r, nil
}

// yes is how a boolean is said in settings.
func yes(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

// joined is a list of texts that have commas in them, as one text, sorted.
func joined(list []string) string { return strings.Join(slices.Sorted(slices.Values(list)), "; ") }

// keysText is a key schema in words, the hash key first.
func keysText(keys []types.KeySchemaElement, kinds map[string]types.ScalarAttributeType) string {
	var all []string
	for _, k := range keys {
		name := aws.ToString(k.AttributeName)
		all = append(all, fmt.Sprintf("%s %s %s", strings.ToLower(string(k.KeyType)), name, kinds[name]))
	}
	return strings.Join(all, ", ")
}

// tableWanted is what a script says of keys, in DynamoDB's words.
type tableWanted struct {
	keys       []types.KeySchemaElement
	indexes    []types.GlobalSecondaryIndex
	attributes []types.AttributeDefinition // of all keys
	undefined  []string                    // fields that an index names and the table does not have
	odd        []string                    // indexes that have what their projection leaves out, or lack what it wants
}

func (w *tableWanted) kinds() map[string]types.ScalarAttributeType {
	kinds := map[string]types.ScalarAttributeType{}
	for _, a := range w.attributes {
		kinds[*a.AttributeName] = a.AttributeType
	}
	return kinds
}

func tableOf(v *values) *tableWanted {
	w := &tableWanted{}
	fields, _ := v.value("Fields").(*check.Fields)
	if fields == nil {
		return w
	}
	define := func(name string) {
		if slices.ContainsFunc(w.attributes, func(a types.AttributeDefinition) bool { return *a.AttributeName == name }) {
			return
		}
		i := slices.IndexFunc(fields.Items, func(f check.Field) bool { return f.Name == name && f.Type != "BOOL" })
		if i < 0 {
			w.undefined = append(w.undefined, name)
			return
		}
		w.attributes = append(w.attributes, types.AttributeDefinition{AttributeName: &name, AttributeType: types.ScalarAttributeType(fields.Items[i].Type)})
	}
	element := func(name string, role types.KeyType) types.KeySchemaElement {
		define(name)
		return types.KeySchemaElement{AttributeName: &name, KeyType: role}
	}
	for _, role := range []types.KeyType{types.KeyTypeHash, types.KeyTypeRange} {
		for _, f := range fields.Items {
			if strings.EqualFold(f.Key, string(role)) {
				w.keys = append(w.keys, element(f.Name, role))
			}
		}
	}
	for _, m := range v.maps("Indexes") {
		i := types.GlobalSecondaryIndex{IndexName: aws.String(entryOf(m, "Name", "")), KeySchema: []types.KeySchemaElement{element(entryOf(m, "Hash", ""), types.KeyTypeHash)},
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll}}
		if all, ok := m["Include"].([]any); ok {
			for _, name := range all {
				i.Projection.NonKeyAttributes = append(i.Projection.NonKeyAttributes, deploy.Text(name))
			}
			i.Projection.ProjectionType = types.ProjectionTypeInclude
		}
		i.Projection.ProjectionType = types.ProjectionType(entryOf(m, "Projection", string(i.Projection.ProjectionType)))
		if (i.Projection.ProjectionType == types.ProjectionTypeInclude) != (len(i.Projection.NonKeyAttributes) > 0) {
			w.odd = append(w.odd, *i.IndexName)
		}
		if name := entryOf(m, "Range", ""); name != "" {
			i.KeySchema = append(i.KeySchema, element(name, types.KeyTypeRange))
		}
		w.indexes = append(w.indexes, i)
	}
	return w
}

// indexText is an index in words.
func indexText(name *string, keys []types.KeySchemaElement, p *types.Projection, kinds map[string]types.ScalarAttributeType) string {
	what := string(types.ProjectionTypeAll)
	if p != nil && p.ProjectionType != "" {
		what = string(p.ProjectionType)
	}
	if p != nil && len(p.NonKeyAttributes) > 0 {
		what += " " + sorted(p.NonKeyAttributes)
	}
	return fmt.Sprintf("%s: %s, %s", aws.ToString(name), keysText(keys, kinds), what)
}

func wantTable(v *values) settings {
	w := tableOf(v)
	var indexes []string
	for _, i := range w.indexes {
		indexes = append(indexes, indexText(i.IndexName, i.KeySchema, i.Projection, w.kinds()))
	}
	return settings{"Fields": keysText(w.keys, w.kinds()), "Indexes": joined(indexes), "TimeToLive": v.text("TimeToLive", ""),
		"Stream": v.text("Stream", ""), "DeletionProtection": yes(v.flag("DeletionProtection", false)), "Class": v.text("Class", string(types.TableClassStandard))}
}

func createTable(ctx context.Context, v *values) error {
	w, want := tableOf(v), wantTable(v)
	in := &dynamodb.CreateTableInput{TableName: &v.name, BillingMode: types.BillingModePayPerRequest, AttributeDefinitions: w.attributes,
		KeySchema: w.keys, GlobalSecondaryIndexes: w.indexes, StreamSpecification: streamOf(want["Stream"])}
	if v.flag("DeletionProtection", false) {
		in.DeletionProtectionEnabled = aws.Bool(true)
	}
	if v.has("Class") {
		in.TableClass = types.TableClass(want["Class"])
	}
	if _, err := v.dynamodb.CreateTable(ctx, in); err != nil {
		return err
	}
	if want["TimeToLive"] == "" {
		return nil
	}
	if err := tableReady(ctx, v); err != nil {
		return err
	}
	return timeToLive(ctx, v, want["TimeToLive"], true)
}

func refuseTable(v *values) error {
	w := tableOf(v)
	if w.odd != nil {
		return problem(v.value("Indexes").Position(), "E47", `Name what it holds beside the keys with Include <- ["price"], and leave Projection out; or leave Include out.`,
			"the projection of index %s and its Include contradict each other", w.odd[0])
	}
	if w.undefined == nil {
		return nil
	}
	return problem(v.value("Indexes").Position(), "E19", "Add it to Fields with its type; a bool cannot be a key.", "table %s has no field %s to have an index by", v.name, w.undefined[0])
}

func streamOf(view string) *types.StreamSpecification {
	if view == "" {
		return nil
	}
	return &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewType(view)}
}

func timeToLive(ctx context.Context, v *values, field string, on bool) error {
	_, err := v.dynamodb.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{TableName: &v.name,
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: &field, Enabled: &on}})
	return err
}

// tableReady waits until the table can be changed.
func tableReady(ctx context.Context, v *values) error {
	return deploy.Await(ctx, "for table "+v.name+" to become active", recordWait, func(ctx context.Context) (bool, error) {
		r, err := readTable(ctx, v)
		return r != nil && !r.busy, err
	})
}

// updateTable makes one change at a time: DynamoDB takes no two of them in one call.
func updateTable(ctx context.Context, v *values, differs map[string]bool) error {
	w, want := tableOf(v), wantTable(v)
	change := func(in *dynamodb.UpdateTableInput) error {
		in.TableName = &v.name
		if _, err := v.dynamodb.UpdateTable(ctx, in); err != nil {
			return err
		}
		return tableReady(ctx, v)
	}
	if differs["DeletionProtection"] {
		if err := change(&dynamodb.UpdateTableInput{DeletionProtectionEnabled: aws.Bool(v.flag("DeletionProtection", false))}); err != nil {
			return err
		}
	}
	if differs["Class"] {
		if err := change(&dynamodb.UpdateTableInput{TableClass: types.TableClass(want["Class"])}); err != nil {
			return err
		}
	}
	if differs["Stream"] {
		if v.found.settings["Stream"] != "" { // what a stream shows cannot be changed: another one is made
			if err := change(&dynamodb.UpdateTableInput{StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(false)}}); err != nil {
				return err
			}
		}
		if s := streamOf(want["Stream"]); s != nil {
			if err := change(&dynamodb.UpdateTableInput{StreamSpecification: s}); err != nil {
				return err
			}
		}
	}
	if differs["Indexes"] {
		if err := updateIndexes(v, w, change); err != nil {
			return err
		}
	}
	if !differs["TimeToLive"] {
		return nil
	}
	if field := v.found.settings["TimeToLive"]; field != "" {
		if err := timeToLive(ctx, v, field, false); err != nil {
			return err
		}
	}
	if want["TimeToLive"] == "" {
		return nil
	}
	return timeToLive(ctx, v, want["TimeToLive"], true)
}

func updateIndexes(v *values, w *tableWanted, change func(*dynamodb.UpdateTableInput) error) error {
	have := map[string]string{}
	for _, line := range strings.Split(v.found.settings["Indexes"], "; ") {
		if name, _, ok := strings.Cut(line, ":"); ok {
			have[name] = line
		}
	}
	var missing []types.GlobalSecondaryIndex
	for _, i := range w.indexes {
		if have[*i.IndexName] == indexText(i.IndexName, i.KeySchema, i.Projection, w.kinds()) {
			delete(have, *i.IndexName)
			continue
		}
		missing = append(missing, i)
	}
	for name := range have {
		if err := change(&dynamodb.UpdateTableInput{GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{Delete: &types.DeleteGlobalSecondaryIndexAction{IndexName: &name}}}}); err != nil {
			return err
		}
	}
	for _, i := range missing {
		err := change(&dynamodb.UpdateTableInput{AttributeDefinitions: w.attributes, GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{
			{Create: &types.CreateGlobalSecondaryIndexAction{IndexName: i.IndexName, KeySchema: i.KeySchema, Projection: i.Projection}}}})
		if err != nil {
			return err
		}
	}
	return nil
}

func removeTable(ctx context.Context, v *values) error {
	if v.found.settings["DeletionProtection"] == "true" {
		if v.flag("DeletionProtection", false) {
			return deploy.Kept("it is protected against deletion; set DeletionProtection <- false, deploy, and destroy again")
		}
		if _, err := v.dynamodb.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: &v.name, DeletionProtectionEnabled: aws.Bool(false)}); err != nil {
			return err
		}
		if err := tableReady(ctx, v); err != nil {
			return err
		}
	}
	_, err := v.dynamodb.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &v.name})
	return ignore(err, "ResourceNotFoundException")
}
