package truth

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Attribute values as they travel.
func str(s string) params { return params{"S": s} }
func num(n any) params    { return params{"N": fmt.Sprint(n)} }

// dynamoTable makes a table with the partition key pk and the sort key sk, and an index on grp.
func dynamoTable(t *testing.T, c caller) string {
	t.Helper()
	name := unique("truth-table")
	c.call(t, "dynamodb", "CreateTable", params{"TableName": name, "BillingMode": "PAY_PER_REQUEST",
		"AttributeDefinitions":   items{params{"AttributeName": "pk", "AttributeType": "S"}, params{"AttributeName": "sk", "AttributeType": "N"}, params{"AttributeName": "grp", "AttributeType": "S"}},
		"KeySchema":              items{params{"AttributeName": "pk", "KeyType": "HASH"}, params{"AttributeName": "sk", "KeyType": "RANGE"}},
		"GlobalSecondaryIndexes": items{params{"IndexName": "by-grp", "KeySchema": items{params{"AttributeName": "grp", "KeyType": "HASH"}}, "Projection": params{"ProjectionType": "KEYS_ONLY"}}}})
	return name
}

func TestDynamoDB(t *testing.T) {
	t.Parallel()
	c := shared(t)
	py, js := c.boto3(t), c.js(t)
	const source = "Services §3"
	table := dynamoTable(t, py)
	key := func(pk string, sk any) params { return params{"pk": str(pk), "sk": num(sk)} }
	item := func(pk string, sk any, more params) params {
		i := key(pk, sk)
		for name, v := range more {
			i[name] = v
		}
		return i
	}
	put := func(t *testing.T, i params) {
		t.Helper()
		py.call(t, "dynamodb", "PutItem", params{"TableName": table, "Item": i})
	}
	update := func(pk, expression string, more params) params {
		p := params{"TableName": table, "Key": key(pk, 1), "UpdateExpression": expression, "ReturnValues": "ALL_NEW"}
		for name, v := range more {
			p[name] = v
		}
		return p
	}

	rule(t, "AttributeDefinitions are exactly the attributes of the keys", source, boto3, func(t *testing.T) {
		refusedAs(t, py.fail(t, "dynamodb", "CreateTable", params{"TableName": unique("truth-table"), "BillingMode": "PAY_PER_REQUEST", "KeySchema": items{params{"AttributeName": "pk", "KeyType": "HASH"}},
			"AttributeDefinitions": items{params{"AttributeName": "pk", "AttributeType": "S"}, params{"AttributeName": "more", "AttributeType": "S"}}}), 400, "ValidationException", "AttributeDefinitions")
	})
	rule(t, "creating a table that is there is ResourceInUseException; describing one that is not ResourceNotFoundException", source, jsSDK, func(t *testing.T) {
		refusedAs(t, js.fail(t, "dynamodb", "CreateTable", params{"TableName": table, "BillingMode": "PAY_PER_REQUEST", "KeySchema": items{params{"AttributeName": "pk", "KeyType": "HASH"}},
			"AttributeDefinitions": items{params{"AttributeName": "pk", "AttributeType": "S"}}}), 400, "ResourceInUseException", "Table already exists: "+table)
		refusedAs(t, js.fail(t, "dynamodb", "DescribeTable", params{"TableName": "none"}), 400, "ResourceNotFoundException", "Requested resource not found: Table: none not found")
	})
	rule(t, "a data call on an absent table is ResourceNotFoundException without the table's name", source, boto3, func(t *testing.T) {
		e := py.fail(t, "dynamodb", "GetItem", params{"TableName": "none", "Key": params{"pk": str("a")}})
		if e.Code != "ResourceNotFoundException" || e.Message != "Requested resource not found" {
			t.Errorf("got %s: %s", e.Code, e.Message)
		}
	})
	rule(t, "GetItem of an absent item is 200 without an Item", source, boto3, func(t *testing.T) {
		if got := py.call(t, "dynamodb", "GetItem", params{"TableName": table, "Key": key("absent", 1)}); got.get("Item") != nil {
			t.Errorf("got %v", got.Answer)
		}
	})
	rule(t, "a key of another shape, and one of another type, are refused in the words for each", source, boto3, func(t *testing.T) {
		refusedAs(t, py.fail(t, "dynamodb", "GetItem", params{"TableName": table, "Key": params{"pk": str("a")}}), 400, "ValidationException", "The provided key element does not match the schema")
		refusedAs(t, py.fail(t, "dynamodb", "PutItem", params{"TableName": table, "Item": params{"pk": str("a")}}), 400, "ValidationException", "One or more parameter values were invalid: Missing the key sk in the item")
		refusedAs(t, py.fail(t, "dynamodb", "PutItem", params{"TableName": table, "Item": params{"pk": num(1), "sk": num(1)}}), 400, "ValidationException", "Type mismatch for key pk expected: S actual: N")
	})
	rule(t, "an empty string is a value, but no key; an empty set is nothing", source, boto3, func(t *testing.T) {
		put(t, item("empty", 1, params{"text": str("")}))
		refusedAs(t, py.fail(t, "dynamodb", "PutItem", params{"TableName": table, "Item": item("", 1, nil)}), 400, "ValidationException", "empty string value")
		refusedAs(t, py.fail(t, "dynamodb", "PutItem", params{"TableName": table, "Item": item("empty", 2, params{"set": params{"SS": items{}}})}), 400, "ValidationException", "An string set  may not be empty")
	})
	rule(t, "numbers have 38 digits, are trimmed, and sort as numbers", source, boto3, func(t *testing.T) {
		for _, n := range []string{"10", "9", "-1.50", "1e2"} {
			put(t, item("numbers", n, nil))
		}
		got := py.call(t, "dynamodb", "Query", params{"TableName": table, "KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": params{":p": str("numbers")}})
		var order []string
		for i := range got.list("Items") {
			order = append(order, got.str(fmt.Sprintf("Items.%d.sk.N", i)))
		}
		if strings.Join(order, " ") != "-1.5 9 10 100" {
			t.Errorf("got %q", order)
		}
		refusedAs(t, py.fail(t, "dynamodb", "PutItem", params{"TableName": table, "Item": item("numbers", "123456789012345678901234567890123456789", nil)}), 400, "ValidationException", "38")
	})
	rule(t, "a failed condition is ConditionalCheckFailedException with 400, and the item if it is asked for", source, boto3, func(t *testing.T) {
		put(t, item("condition", 1, params{"n": num(7)}))
		e := py.fail(t, "dynamodb", "PutItem", params{"TableName": table, "Item": item("condition", 1, nil), "ConditionExpression": "attribute_not_exists(pk)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"})
		refusedAs(t, e, 400, "ConditionalCheckFailedException", "The conditional request failed")
		if e.str("Item.n.N") != "7" {
			t.Errorf("the answer has the item %v", e.get("Item"))
		}
	})
	for _, word := range []string{"name", "status", "connection", "action", "ttl", "timestamp"} {
		rule(t, word+" is a reserved word that takes a #name", source, boto3, func(t *testing.T) {
			p := update("reserved-"+word, "SET "+word+" = :v", params{"ExpressionAttributeValues": params{":v": str("x")}})
			refusedAs(t, py.fail(t, "dynamodb", "UpdateItem", p), 400, "ValidationException", "Invalid UpdateExpression: Attribute name is a reserved keyword; reserved keyword: "+word)
			p["UpdateExpression"], p["ExpressionAttributeNames"] = "SET #n = :v", params{"#n": word}
			py.call(t, "dynamodb", "UpdateItem", p)
		})
	}
	rule(t, "values and names that no expression uses, or that none defines, are refused", source, jsSDK, func(t *testing.T) {
		refusedAs(t, js.fail(t, "dynamodb", "UpdateItem", update("unused", "SET a = :a", params{"ExpressionAttributeValues": params{":a": str("x"), ":x": str("y")}})), 400, "ValidationException",
			"Value provided in ExpressionAttributeValues unused in expressions: keys: {:x}")
		refusedAs(t, js.fail(t, "dynamodb", "UpdateItem", update("unused", "SET a = :none", nil)), 400, "ValidationException", "An expression attribute value used in expression is not defined; attribute value: :none")
	})
	rule(t, "all right sides of an update see the item as it was, and SET, REMOVE, ADD and DELETE go together", source, boto3, func(t *testing.T) {
		put(t, item("update", 1, params{"a": num(1), "b": num(2), "l": params{"L": items{num(0), num(1)}}, "s": params{"SS": items{"x", "y"}}}))
		got := py.call(t, "dynamodb", "UpdateItem", update("update", "SET a = b, b = a + :one, c = if_not_exists(c, :zero) REMOVE l[0] ADD n :one DELETE s :x",
			params{"ExpressionAttributeValues": params{":one": num(1), ":zero": num(0), ":x": params{"SS": items{"x"}}}}))
		have := strings.Join([]string{got.str("Attributes.a.N"), got.str("Attributes.b.N"), got.str("Attributes.c.N"), got.str("Attributes.n.N"), got.str("Attributes.l.L.0.N"), got.str("Attributes.s.SS.0")}, " ")
		if have != "2 2 0 1 1 y" || len(got.list("Attributes.l.L")) != 1 {
			t.Errorf("got %s", have)
		}
	})
	rule(t, "an operand that the item does not have, and paths that overlap, are refused", source, boto3, func(t *testing.T) {
		refusedAs(t, py.fail(t, "dynamodb", "UpdateItem", update("operand", "SET a = b + :v", params{"ExpressionAttributeValues": params{":v": num(1)}})), 400, "ValidationException",
			"The provided expression refers to an attribute that does not exist in the item")
		refusedAs(t, py.fail(t, "dynamodb", "UpdateItem", update("operand", "SET a = :v, a.b = :v", params{"ExpressionAttributeValues": params{":v": num(1)}})), 400, "ValidationException",
			"Two document paths overlap with each other")
	})
	rule(t, "a key cannot be updated", source, boto3, func(t *testing.T) {
		refusedAs(t, py.fail(t, "dynamodb", "UpdateItem", update("key", "SET pk = :v", params{"ExpressionAttributeValues": params{":v": str("b")}})), 400, "ValidationException",
			"Cannot update attribute pk. This attribute is part of the key")
	})
	rule(t, "a query's Limit counts before its filter, and LastEvaluatedKey is absent at the end", source, boto3, func(t *testing.T) {
		for i := range 4 {
			put(t, item("filter", i, params{"odd": params{"BOOL": i%2 == 1}}))
		}
		query := params{"TableName": table, "KeyConditionExpression": "pk = :p", "FilterExpression": "odd = :t", "ExpressionAttributeValues": params{":p": str("filter"), ":t": params{"BOOL": true}}, "Limit": 3}
		first := py.call(t, "dynamodb", "Query", query)
		if first.num("Count") != 1 || first.num("ScannedCount") != 3 || first.str("LastEvaluatedKey.sk.N") != "2" {
			t.Errorf("got %v", first.Answer)
		}
		query["ExclusiveStartKey"] = first.get("LastEvaluatedKey")
		if last := py.call(t, "dynamodb", "Query", query); last.num("Count") != 1 || last.get("LastEvaluatedKey") != nil {
			t.Errorf("got %v", last.Answer)
		}
	})
	rule(t, "a page of a query ends at 1 MB", source, goSDK, func(t *testing.T) {
		big := strings.Repeat("x", 300<<10)
		for i := range 5 {
			put(t, item("pages", i, params{"big": str(big)}))
		}
		client, pages, count := dynamodb.NewFromConfig(c.config()), 0, int32(0)
		for p := dynamodb.NewQueryPaginator(client, &dynamodb.QueryInput{TableName: &table, KeyConditionExpression: aws.String("pk = :p"),
			ExpressionAttributeValues: map[string]types.AttributeValue{":p": &types.AttributeValueMemberS{Value: "pages"}}}); p.HasMorePages(); pages++ {
			page, err := p.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			count += page.Count
		}
		if pages != 2 || count != 5 {
			t.Errorf("%d items on %d pages, want 5 on 2", count, pages)
		}
	})
	rule(t, "an item over 400 KB is refused", source, boto3, func(t *testing.T) {
		refusedAs(t, py.fail(t, "dynamodb", "PutItem", params{"TableName": table, "Item": item("large", 1, params{"big": str(strings.Repeat("x", 400<<10))})}), 400, "ValidationException", "Item size has exceeded the maximum allowed size")
	})
	rule(t, "an index holds only items with its key, and what it projects", source, boto3, func(t *testing.T) {
		put(t, item("index", 1, params{"grp": str("indexed"), "more": str("x")}))
		put(t, item("index", 2, params{"more": str("x")}))
		query := params{"TableName": table, "IndexName": "by-grp", "KeyConditionExpression": "grp = :o", "ExpressionAttributeValues": params{":o": str("indexed")}}
		if got := py.call(t, "dynamodb", "Query", query); got.num("Count") != 1 || got.get("Items.0.more") != nil || got.str("Items.0.pk.S") != "index" {
			t.Errorf("got %v", got.Answer)
		}
		query["ConsistentRead"] = true
		refusedAs(t, py.fail(t, "dynamodb", "Query", query), 400, "ValidationException", "Consistent reads are not supported on global secondary indexes")
		query["ConsistentRead"], query["IndexName"] = false, "none"
		refusedAs(t, py.fail(t, "dynamodb", "Query", query), 400, "ValidationException", "The table does not have the specified index: none")
	})
	rule(t, "a transaction is all or nothing, and says of each part why it was cancelled", source, boto3, func(t *testing.T) {
		put(t, item("transaction", 1, params{"n": num(1)}))
		e := py.fail(t, "dynamodb", "TransactWriteItems", params{"TransactItems": items{
			params{"Put": params{"TableName": table, "Item": item("transaction", 2, nil)}},
			params{"ConditionCheck": params{"TableName": table, "Key": key("transaction", 1), "ConditionExpression": "n = :two", "ExpressionAttributeValues": params{":two": num(2)}}}}})
		refusedAs(t, e, 400, "TransactionCanceledException", "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed]")
		if e.str("CancellationReasons.1.Code") != "ConditionalCheckFailed" || e.str("CancellationReasons.0.Code") != "None" {
			t.Errorf("reasons: %v", e.get("CancellationReasons"))
		}
		if got := py.call(t, "dynamodb", "GetItem", params{"TableName": table, "Key": key("transaction", 2)}); got.get("Item") != nil {
			t.Error("its first part was written")
		}
	})
	rule(t, "a batch takes 25 writes, and no item twice", source, boto3, func(t *testing.T) {
		var many items
		for i := range 26 {
			many = append(many, params{"PutRequest": params{"Item": item("batch", i, nil)}})
		}
		refusedAs(t, py.fail(t, "dynamodb", "BatchWriteItem", params{"RequestItems": params{table: many}}), 400, "ValidationException", "Member must have length less than or equal to 25")
		refusedAs(t, py.fail(t, "dynamodb", "BatchWriteItem", params{"RequestItems": params{table: items{many[0], many[0]}}}), 400, "ValidationException", "Provided list of item keys contains duplicates")
		if got := py.call(t, "dynamodb", "BatchWriteItem", params{"RequestItems": params{table: many[:25]}}); fmt.Sprint(got.get("UnprocessedItems")) != "map[]" {
			t.Errorf("unprocessed: %v", got.get("UnprocessedItems"))
		}
	})
	rule(t, "answers carry the CRC32 of their body, and capacity where it is asked for", source, awsCLI, func(t *testing.T) {
		out, stderr, exit := c.aws(t, "dynamodb", "put-item", "--table-name", table, "--item", `{"pk":{"S":"capacity"},"sk":{"N":"1"}}`, "--return-consumed-capacity", "TOTAL")
		if exit != 0 || !strings.Contains(out, `"CapacityUnits": 1.0`) {
			t.Errorf("got %s%s", out, stderr)
		}
		if got := py.call(t, "dynamodb", "GetItem", params{"TableName": table, "Key": key("capacity", 1)}); got.Headers["x-amz-crc32"] == "" {
			t.Errorf("headers: %v", got.Headers)
		}
	})
	rule(t, "a table may be named by its ARN", source, boto3, func(t *testing.T) {
		put(t, item("arn", 1, nil))
		if got := py.call(t, "dynamodb", "GetItem", params{"TableName": "arn:aws:dynamodb:us-east-1:111122223333:table/" + table, "Key": key("arn", 1)}); got.str("Item.pk.S") != "arn" {
			t.Errorf("got %v", got.Answer)
		}
	})
	difference(t, "a new table is ACTIVE at once", source, boto3, "on AWS it is CREATING for some seconds, and its data calls are refused until then", func(t *testing.T) {
		if got := py.call(t, "dynamodb", "DescribeTable", params{"TableName": dynamoTable(t, py)}); got.str("Table.TableStatus") != "ACTIVE" {
			t.Errorf("it is %s", got.str("Table.TableStatus"))
		}
	})
}
