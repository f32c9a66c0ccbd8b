package aws

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"quotewire/deploy"
	"quotewire/dply/check"
	"quotewire/dply/schema"
	"quotewire/dply/token"
)

func init() {
	register(entry{Type: tableType, ensure: ensureTable, find: findTable})
	register(entry{Type: fieldsReader})
}

var tableType = &schema.Type{
	Name: "aws.DynamoDB.Table", Ensure: true, Find: true, Self: "name",
	Doc: "A table of DynamoDB, paid by the request. Its keys cannot be changed.",
	Properties: []schema.Property{
		{Name: "Fields", Kinds: readBy, Readers: []string{"aws.DynamoFields"}, Required: true, Doc: "The fields. Exactly one is the hash key, at most one the range key; only these are told to DynamoDB."},
	},
	Members: []schema.Member{nameMember("table"), arnMember("table")},
}

var fieldsReader = &schema.Type{
	Name: "aws.DynamoFields",
	Doc:  "The fields of a table, one a line: a name, a type (string, number, binary, bool), and below it @Key hash or @Key range.",
}

// tableWait is how long a table may take to be made or removed.
const tableWait = 5 * time.Minute

func tableKey(name string) deploy.Key { return deploy.Key{Type: "aws.DynamoDB.Table", Name: name} }

// table is an aws.DynamoDB.Table, paid by the request. Only its keys are told to DynamoDB; other fields are for readers.
type table struct {
	p    *Provider
	name string
	pos  token.Position
	keys []check.Field // hash first

	arn  string // "" as long as it does not exist
	have string // its keys, as keysText writes them
}

func ensureTable(p *Provider, g *deploy.Graph, s *check.Statement) error {
	_, err := ensured(g, s, tableKey(s.Name), func() deploy.Resource {
		t := &table{p: p, name: s.Name, pos: s.Pos}
		fields, _ := s.Prop("Fields").(*check.Fields)
		for _, role := range []string{"hash", "range"} {
			for _, f := range fields.Items {
				if f.Key == role {
					t.keys = append(t.keys, f)
				}
			}
		}
		return t
	})
	return err
}

func findTable(p *Provider, g *deploy.Graph, s *check.Statement) error {
	return found(g, s, tableKey(s.Name), &table{p: p, name: s.Name, pos: s.Pos})
}

func (t *table) String() string { return "table " + t.name }
func (t *table) Exists() bool   { return t.arn != "" }

func (t *table) Absent() (where, hint string) {
	return "in " + t.p.region, "Make it with `ensure aws.DynamoDB.Table`, or correct the name."
}

func (t *table) Read(ctx context.Context) error {
	out, err := t.p.dynamodb.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &t.name})
	if is(err, "ResourceNotFoundException") {
		return nil
	}
	if err != nil {
		return err
	}
	t.arn = aws.ToString(out.Table.TableArn)
	kinds := map[string]types.ScalarAttributeType{}
	for _, a := range out.Table.AttributeDefinitions {
		kinds[aws.ToString(a.AttributeName)] = a.AttributeType
	}
	var keys []string
	for _, k := range out.Table.KeySchema {
		name := aws.ToString(k.AttributeName)
		keys = append(keys, fmt.Sprintf("%s %s %s", strings.ToLower(string(k.KeyType)), name, kinds[name]))
	}
	t.have = strings.Join(keys, ", ")
	return nil
}

func (t *table) wanted() string {
	var keys []string
	for _, f := range t.keys {
		keys = append(keys, fmt.Sprintf("%s %s %s", f.Key, f.Name, f.Type))
	}
	return strings.Join(keys, ", ")
}

func (t *table) Plan() (deploy.Step, error) {
	switch {
	case t.arn == "":
		return deploy.Step{Action: deploy.Create}, nil
	case t.have != t.wanted():
		return deploy.Step{}, problem(t.pos, "E63", "The keys of a table cannot be changed. Give the new table another name and copy the items.",
			"table %s has the keys %s; the script wants %s", t.name, t.have, t.wanted())
	}
	return deploy.Step{}, nil
}

func (t *table) Apply(ctx context.Context) error {
	in := &dynamodb.CreateTableInput{TableName: &t.name, BillingMode: types.BillingModePayPerRequest}
	for _, f := range t.keys {
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: aws.String(f.Name), AttributeType: types.ScalarAttributeType(f.Type)})
		in.KeySchema = append(in.KeySchema, types.KeySchemaElement{AttributeName: aws.String(f.Name), KeyType: types.KeyType(strings.ToUpper(f.Key))})
	}
	out, err := t.p.dynamodb.CreateTable(ctx, in)
	if err != nil {
		return err
	}
	t.arn, t.have = aws.ToString(out.TableDescription.TableArn), t.wanted()
	return t.await(ctx)
}

// Reread waits as well, if the table is there now.
func (t *table) Reread(ctx context.Context) error {
	if err := t.Read(ctx); err != nil || t.arn == "" {
		return err
	}
	return t.await(ctx)
}

func (t *table) await(ctx context.Context) error {
	return deploy.Await(ctx, "for "+t.String()+" to become active", tableWait, func(ctx context.Context) (bool, error) {
		out, err := t.p.dynamodb.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &t.name})
		if err != nil {
			return false, ignore(err, "ResourceNotFoundException")
		}
		return out.Table.TableStatus == types.TableStatusActive, nil
	})
}

func (t *table) Delete(ctx context.Context) error {
	_, err := t.p.dynamodb.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &t.name})
	if err := ignore(err, "ResourceNotFoundException"); err != nil {
		return err
	}
	return deploy.Await(ctx, "for "+t.String()+" to be gone", tableWait, func(ctx context.Context) (bool, error) {
		_, err := t.p.dynamodb.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &t.name})
		if is(err, "ResourceNotFoundException") {
			return true, nil
		}
		return false, err
	})
}

func (t *table) Member(name string) (any, bool) {
	switch name {
	case "name":
		return t.name, true
	case "arn":
		return t.arn, t.arn != ""
	}
	return nil, false
}

func (t *table) Outputs() []deploy.Output {
	return []deploy.Output{{Type: "aws.DynamoDB.Table", Resource: t.name, Name: "name", Value: t.name}}
}
