package dynamodb

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func TestRequestsThatAreRefused(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	makeTable(t, c, "Prices", "ticker:S", "time:N", withIndexes)
	big := strings.Repeat("x", 400<<10)
	validation, resource := "com.amazon.coral.validate#ValidationException", "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"
	for _, r := range []struct{ operation, body, kind, want string }{
		{"PutItem", `{"TableName":"Prices","Item":{"time":{"N":"1"}}}`, validation, "One or more parameter values were invalid: Missing the key ticker in the item"},
		{"PutItem", `{"TableName":"Prices","Item":{"ticker":{"N":"1"},"time":{"N":"1"}}}`, validation, "One or more parameter values were invalid: Type mismatch for key ticker expected: S actual: N"},
		{"PutItem", `{"TableName":"Prices","Item":{"ticker":{"S":""},"time":{"N":"1"}}}`, validation, "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: ticker"},
		{"PutItem", `{"TableName":"Prices","Item":{"ticker":{"S":"E"},"time":{"N":"1"},"user":{"N":"1"}}}`, validation, "One or more parameter values were invalid: Type mismatch for Index Key user Expected: S Actual: N IndexName: by-user"},
		{"PutItem", `{"TableName":"Prices","Item":{"ticker":{"S":"E"},"time":{"N":"1"},"x":{"S":"` + big + `"}}}`, validation, "Item size has exceeded the maximum allowed size"},
		{"PutItem", `{"TableName":"Prices","Item":{"ticker":{"S":"` + big[:2049] + `"},"time":{"N":"1"}}}`, validation, "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes"},
		{"PutItem", `{"TableName":"Prices","Item":{"ticker":{"S":"E"},"time":{"N":"1"}},"Expected":{}}`, validation, "The legacy parameter Expected is not supported by the embedded cloud: use ConditionExpression instead"},
		{"PutItem", `{"TableName":"Prices","Item":{"ticker":{"S":"E"},"time":{"N":"1"}},"ReturnValues":"ALL_NEW"}`, validation, "Return values set to invalid value"},
		{"PutItem", `{"TableName":"Prices","Item":{"ticker":{"S":"E"},"time":{"N":"1"}},"ReturnConsumedCapacity":"x"}`, validation, "1 validation error detected: Value 'x' at 'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]"},
		{"PutItem", `{"TableName":"Nothing","Item":{}}`, resource, "Requested resource not found"},
		{"PutItem", `{"TableName":"Prices","Item":{"ticker":{"S":5}}}`, "com.amazon.coral.service#SerializationException", "NUMBER_VALUE cannot be converted to String"},
		{"PutItem", `{"TableName":"Prices"`, "com.amazon.coral.service#SerializationException", "Unable to parse the request: it is not valid JSON"},
		{"GetItem", `{"TableName":"Prices","Key":{"ticker":{"S":"E"}}}`, validation, "The provided key element does not match the schema"},
		{"GetItem", `{"TableName":"Prices","Key":{"ticker":{"S":"E"},"x":{"S":"E"}}}`, validation, "The provided key element does not match the schema"},
		{"GetItem", `{"TableName":"Prices"}`, validation, "1 validation error detected: Value null at 'key' failed to satisfy constraint: Member must not be null"},
		{"GetItem", `{"Key":{}}`, validation, "The parameter 'TableName' is required but was not present in the request"},
		{"GetItem", `{"TableName":"Prices","Key":{"ticker":{"S":"E"},"time":{"N":"1"}},"ExpressionAttributeNames":{"#a":"b"}}`, validation, "ExpressionAttributeNames can only be specified when using expressions"},
		{"GetItem", `{"TableName":"Prices","Key":{"ticker":{"S":"E"},"time":{"N":"1"}},"AttributesToGet":["a"]}`, validation, "The legacy parameter AttributesToGet is not supported by the embedded cloud: use ProjectionExpression instead"},
		{"GetItem", `{"TableName":"Prices","Key":{"ticker":{"S":"E"},"time":{"N":"1"}},"ProjectionExpression":"ticker.x"}`, validation, "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: ticker"},
		{"UpdateItem", `{"TableName":"Prices","Key":{"ticker":{"S":"E"},"time":{"N":"1"}},"UpdateExpression":"SET ticker=:a","ExpressionAttributeValues":{":a":{"S":"x"}}}`, validation, "One or more parameter values were invalid: Cannot update attribute ticker. This attribute is part of the key"},
		{"UpdateItem", `{"TableName":"Prices","Key":{"ticker":{"S":"E"},"time":{"N":"1"}},"UpdateExpression":"SET x=:a","ExpressionAttributeValues":{":a":{"S":"` + big + `"}}}`, validation, "Item size to update has exceeded the maximum allowed size"},
		{"UpdateItem", `{"TableName":"Prices","Key":{"ticker":{"S":"E"},"time":{"N":"1"}},"UpdateExpression":"SET x=:a","ExpressionAttributeValues":{":a":{"S":"a"},":b":{"S":"a"}}}`, validation, "Value provided in ExpressionAttributeValues unused in expressions: keys: {:b}"},
		{"DeleteItem", `{"TableName":"Prices","Key":{"ticker":{"S":"E"},"time":{"S":"1"}}}`, validation, "The provided key element does not match the schema"},
		{"BatchGetItem", `{"RequestItems":{"Prices":{"Keys":[{"ticker":{"S":"E"},"time":{"N":"1"}},{"ticker":{"S":"E"},"time":{"N":"1.0"}}]}}}`, validation, "Provided list of item keys contains duplicates"},
		{"BatchGetItem", `{"RequestItems":{"Prices":{"AttributesToGet":["x"],"Keys":[{"ticker":{"S":"E"},"time":{"N":"1"}}]}}}`, validation, "The legacy parameter AttributesToGet is not supported by the embedded cloud: use ProjectionExpression instead"},
		{"BatchWriteItem", `{"RequestItems":{"Prices":[{"PutRequest":{"Item":{"ticker":{"S":"E"},"time":{"N":"1"}}}},{"DeleteRequest":{"Key":{"ticker":{"S":"E"},"time":{"N":"1"}}}}]}}`, validation, "Provided list of item keys contains duplicates"},
		{"BatchWriteItem", `{"RequestItems":{"Prices":[` + strings.Repeat(`{"PutRequest":{"Item":{"ticker":{"S":"E"},"time":{"N":"1"}}}},`, 25) + `{}]}}`, validation, "Member must have length less than or equal to 25"},
		{"BatchWriteItem", `{"RequestItems":{"Prices":[{}]}}`, validation, "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"},
		{"BatchWriteItem", `{"RequestItems":{}}`, validation, "1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"Query", `{"TableName":"Prices"}`, validation, "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."},
		{"Query", `{"TableName":"Prices","KeyConditionExpression":"x = :a","ExpressionAttributeValues":{":a":{"S":"a"}}}`, validation, "Query condition missed key schema element: ticker"},
		{"Query", `{"TableName":"Prices","KeyConditionExpression":"ticker > :a","ExpressionAttributeValues":{":a":{"S":"a"}}}`, validation, "Query key condition not supported"},
		{"Query", `{"TableName":"Prices","KeyConditionExpression":"ticker = :a","ExpressionAttributeValues":{":a":{"N":"1"}}}`, validation, "One or more parameter values were invalid: Condition parameter type does not match schema type"},
		{"Query", `{"TableName":"Prices","KeyConditionExpression":"ticker = :a","FilterExpression":"ticker <> :a","ExpressionAttributeValues":{":a":{"S":"1"}}}`, validation, "Filter Expression can only contain non-primary key attributes: Primary key attribute: ticker"},
		{"Query", `{"TableName":"Prices","IndexName":"nope","KeyConditionExpression":"ticker = :a","ExpressionAttributeValues":{":a":{"S":"1"}}}`, validation, "The table does not have the specified index: nope"},
		{"Query", `{"TableName":"Prices","IndexName":"by-user","ConsistentRead":true,"KeyConditionExpression":"#u = :a","ExpressionAttributeNames":{"#u":"user"},"ExpressionAttributeValues":{":a":{"S":"1"}}}`, validation, "Consistent reads are not supported on global secondary indexes"},
		{"Query", `{"TableName":"Prices","KeyConditionExpression":"ticker = :a","ExclusiveStartKey":{"ticker":{"S":"2"},"time":{"N":"1"}},"ExpressionAttributeValues":{":a":{"S":"1"}}}`, validation, "The provided starting key is outside query boundaries based on provided conditions"},
		{"Scan", `{"TableName":"Prices","Segment":3,"TotalSegments":2}`, validation, "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 3 is not less than TotalSegments: 2"},
		{"Scan", `{"TableName":"Prices","Limit":0}`, validation, "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		{"TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"Prices","Item":{"ticker":{"S":"E"},"time":{"N":"1"}}}},{"Delete":{"TableName":"Prices","Key":{"ticker":{"S":"E"},"time":{"N":"1"}}}}]}`, validation, "Transaction request cannot include multiple operations on one item"},
		{"CreateTable", `{"TableName":"Prices","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"a","AttributeType":"S"}],"KeySchema":[{"AttributeName":"a","KeyType":"HASH"}]}`, "com.amazonaws.dynamodb.v20120810#ResourceInUseException", "Table already exists: Prices"},
		{"CreateTable", `{"TableName":"ab"}`, validation, "1 validation error detected: Value 'ab' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 3"},
		{"CreateTable", `{"TableName":"abc","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"a","AttributeType":"S"},{"AttributeName":"b","AttributeType":"S"}],"KeySchema":[{"AttributeName":"a","KeyType":"HASH"}]}`, validation, "One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions"},
		{"CreateTable", `{"TableName":"abc","AttributeDefinitions":[{"AttributeName":"a","AttributeType":"S"}],"KeySchema":[{"AttributeName":"a","KeyType":"HASH"}]}`, validation, "One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"},
		{"CreateTable", `{"TableName":"abc","StreamSpecification":{"StreamEnabled":true}}`, validation, "The embedded cloud does not have DynamoDB Streams: leave StreamSpecification out"},
		{"DescribeTable", `{"TableName":"Nothing"}`, resource, "Requested resource not found: Table: Nothing not found"},
		{"DeleteTable", `{"TableName":"Nothing"}`, resource, "Requested resource not found: Table: Nothing not found"},
		{"ExecuteStatement", `{}`, "com.amazon.coral.service#UnknownOperationException", "dynamodb: the embedded cloud does not have the operation ExecuteStatement"},
	} {
		status, answer := post(t, s, r.operation, r.body)
		body := r.body
		if len(body) > 300 {
			body = body[:300] + "…"
		}
		if status != 400 || !strings.Contains(answer, `"__type":"`+r.kind+`"`) || !strings.Contains(unescape(answer), r.want) {
			t.Errorf("%s %s\n got %d %s\nwant 400 %s: %s", r.operation, body, status, answer, r.kind, r.want)
		}
	}
}

func unescape(s string) string {
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&", `\"`, `"`).Replace(s)
}

// withIndexes adds a global index by-user (user, price; keys only), and a local index by-price (ticker, price; all).
func withIndexes(in *client.CreateTableInput) {
	in.AttributeDefinitions = append(in.AttributeDefinitions,
		types.AttributeDefinition{AttributeName: aws.String("user"), AttributeType: "S"}, types.AttributeDefinition{AttributeName: aws.String("price"), AttributeType: "N"})
	in.GlobalSecondaryIndexes = []types.GlobalSecondaryIndex{{IndexName: aws.String("by-user"), Projection: &types.Projection{ProjectionType: "KEYS_ONLY"},
		KeySchema: []types.KeySchemaElement{{AttributeName: aws.String("user"), KeyType: "HASH"}, {AttributeName: aws.String("price"), KeyType: "RANGE"}}}}
	in.LocalSecondaryIndexes = []types.LocalSecondaryIndex{{IndexName: aws.String("by-price"), Projection: &types.Projection{ProjectionType: "ALL"},
		KeySchema: []types.KeySchemaElement{{AttributeName: aws.String("ticker"), KeyType: "HASH"}, {AttributeName: aws.String("price"), KeyType: "RANGE"}}}}
}

func TestUpdateAnswersWhatReturnValuesAsksFor(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	makeTable(t, c, "Prices", "ticker:S", "")
	for _, r := range []struct{ values, want string }{
		{"ALL_OLD", `{}`},
		{"NONE", `{}`},
		{"UPDATED_OLD", `{"Attributes":{"n":{"N":"2"}}}`},
		{"UPDATED_NEW", `{"Attributes":{"n":{"N":"4"}}}`},
		{"ALL_OLD", `{"Attributes":{"n":{"N":"4"},"ticker":{"S":"E"}}}`},
		{"ALL_NEW", `{"Attributes":{"n":{"N":"6"},"ticker":{"S":"E"}}}`},
	} {
		_, got := post(t, s, "UpdateItem", `{"TableName":"Prices","Key":{"ticker":{"S":"E"}},"UpdateExpression":"ADD n :one","ExpressionAttributeValues":{":one":{"N":"1"}},"ReturnValues":"`+r.values+`"}`)
		if got != r.want {
			t.Errorf("%s: got %s, want %s", r.values, got, r.want)
		}
	}
	_, got := post(t, s, "DeleteItem", `{"TableName":"Prices","Key":{"ticker":{"S":"E"}},"ReturnValues":"ALL_OLD","ReturnConsumedCapacity":"TOTAL"}`)
	if want := `{"Attributes":{"n":{"N":"6"},"ticker":{"S":"E"}},"ConsumedCapacity":{"TableName":"Prices","CapacityUnits":1.0}}`; got != want {
		t.Errorf("DeleteItem: got %s, want %s", got, want)
	}
}

func TestAFailedConditionChangesNothingAndShowsTheItem(t *testing.T) {
	t.Parallel()
	_, c := start(t)
	makeTable(t, c, "Prices", "ticker:S", "")
	put(t, c, "Prices", item{"ticker": str("E"), "price": num("5")})
	_, err := c.PutItem(t.Context(), &client.PutItemInput{
		TableName: aws.String("Prices"), Item: item{"ticker": str("E"), "price": num("6")}, ConditionExpression: aws.String("attribute_not_exists(ticker)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var failed *types.ConditionalCheckFailedException
	if !errors.As(err, &failed) || failed.ErrorMessage() != "The conditional request failed" || len(failed.Item) != 2 {
		t.Fatalf("got %v, want a ConditionalCheckFailedException with the item", err)
	}
	if got := get(t, c, "Prices", item{"ticker": str("E")}); got["price"].(*types.AttributeValueMemberN).Value != "5" {
		t.Errorf("the item is %v, want the old price", got)
	}
}

func TestOfConcurrentConditionalWritesOneWins(t *testing.T) {
	t.Parallel()
	_, c := start(t)
	makeTable(t, c, "Prices", "ticker:S", "")
	const writers, rounds = 8, 20
	var group sync.WaitGroup
	wins := make([]atomic.Int32, rounds)
	for w := range writers {
		group.Go(func() {
			for round := range rounds {
				key := str(fmt.Sprint(round))
				_, err := c.PutItem(t.Context(), &client.PutItemInput{TableName: aws.String("Prices"), Item: item{"ticker": key, "by": num(fmt.Sprint(w))},
					ConditionExpression: aws.String("attribute_not_exists(ticker)")})
				if err == nil {
					wins[round].Add(1)
				}
				_, err = c.UpdateItem(t.Context(), &client.UpdateItemInput{TableName: aws.String("Prices"), Key: item{"ticker": str("counter")},
					UpdateExpression: aws.String("ADD n :one"), ExpressionAttributeValues: item{":one": num("1")}})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	for round := range rounds {
		if n := wins[round].Load(); n != 1 {
			t.Errorf("round %d has %d winners, want 1", round, n)
		}
	}
	if got := get(t, c, "Prices", item{"ticker": str("counter")})["n"].(*types.AttributeValueMemberN).Value; got != fmt.Sprint(writers*rounds) {
		t.Errorf("the counter is %s, want %d", got, writers*rounds)
	}
}

func TestBatchesWriteAndReadManyItems(t *testing.T) {
	t.Parallel()
	_, c := start(t)
	makeTable(t, c, "Prices", "ticker:S", "")
	makeTable(t, c, "Watches", "user:S", "ticker:S")
	requests := map[string][]types.WriteRequest{}
	for i := range 20 {
		requests["Prices"] = append(requests["Prices"], types.WriteRequest{PutRequest: &types.PutRequest{Item: item{"ticker": str(fmt.Sprint(i)), "price": num("1")}}})
	}
	for i := range 5 {
		requests["Watches"] = append(requests["Watches"], types.WriteRequest{PutRequest: &types.PutRequest{Item: item{"user": str("u"), "ticker": str(fmt.Sprint(i))}}})
	}
	out, err := c.BatchWriteItem(t.Context(), &client.BatchWriteItemInput{RequestItems: requests, ReturnConsumedCapacity: "TOTAL"})
	if err != nil || len(out.UnprocessedItems) != 0 || len(out.ConsumedCapacity) != 2 {
		t.Fatalf("%v, %v", out, err)
	}
	_, err = c.BatchWriteItem(t.Context(), &client.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{
		"Prices": {{DeleteRequest: &types.DeleteRequest{Key: item{"ticker": str("3")}}}, {DeleteRequest: &types.DeleteRequest{Key: item{"ticker": str("none")}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	keys := types.KeysAndAttributes{}
	for i := range 25 {
		keys.Keys = append(keys.Keys, item{"ticker": str(fmt.Sprint(i))})
	}
	got, err := c.BatchGetItem(t.Context(), &client.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
		"Prices": keys, "Watches": {Keys: []map[string]types.AttributeValue{{"user": str("u"), "ticker": str("4")}}, ProjectionExpression: aws.String("ticker")}}})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Responses["Prices"]) != 19 || len(got.Responses["Watches"]) != 1 || len(got.Responses["Watches"][0]) != 1 || len(got.UnprocessedKeys) != 0 {
		t.Errorf("%d prices, watches %v, unprocessed %v", len(got.Responses["Prices"]), got.Responses["Watches"], got.UnprocessedKeys)
	}
}

func TestABatchGetStopsAt16MB(t *testing.T) {
	t.Parallel()
	_, c := start(t)
	makeTable(t, c, "Large", "k:S", "")
	keys := types.KeysAndAttributes{}
	body := strings.Repeat("x", 390<<10)
	for i := range 50 {
		put(t, c, "Large", item{"k": str(fmt.Sprint(i)), "body": str(body)})
		keys.Keys = append(keys.Keys, item{"k": str(fmt.Sprint(i))})
	}
	got, err := c.BatchGetItem(t.Context(), &client.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{"Large": keys}})
	if err != nil {
		t.Fatal(err)
	}
	if n, rest := len(got.Responses["Large"]), len(got.UnprocessedKeys["Large"].Keys); n != 42 || rest != 8 {
		t.Errorf("%d items and %d unprocessed keys, want 42 and 8", n, rest)
	}
}

func TestOperationsAskForTheirPermission(t *testing.T) {
	t.Parallel()
	st := openState(t, t.TempDir())
	var mu sync.Mutex
	var asked []string
	denied := ""
	s, c := serve(t, st, allowed{func(action, resource string, keys map[string]string) bool {
		mu.Lock()
		defer mu.Unlock()
		_, name, _ := strings.Cut(resource, ":111122223333:")
		line := strings.TrimSpace(action + " " + name + " " + keys["dynamodb:LeadingKeys"])
		asked = append(asked, line)
		return line == denied
	}})
	makeTable(t, c, "Prices", "ticker:S", "time:N", withIndexes)
	makeTable(t, c, "Other", "k:S", "")
	for _, r := range []struct{ operation, body, want string }{
		{"GetItem", `{"TableName":"Prices","Key":{"ticker":{"S":"E"},"time":{"N":"1"}}}`, "dynamodb:GetItem table/Prices E"},
		{"GetItem", `{"TableName":"Nothing","Key":{}}`, "dynamodb:GetItem table/Nothing"},
		{"PutItem", `{"TableName":"Prices","Item":{"ticker":{"S":"E"},"time":{"N":"1"}}}`, "dynamodb:PutItem table/Prices E"},
		{"UpdateItem", `{"TableName":"Prices","Key":{"ticker":{"S":"E"},"time":{"N":"1"}}}`, "dynamodb:UpdateItem table/Prices E"},
		{"DeleteItem", `{"TableName":"Prices","Key":{"ticker":{"S":"E"},"time":{"N":"1"}}}`, "dynamodb:DeleteItem table/Prices E"},
		{"Query", `{"TableName":"Prices","KeyConditionExpression":"ticker=:t","ExpressionAttributeValues":{":t":{"S":"E"}}}`, "dynamodb:Query table/Prices E"},
		{"Query", `{"TableName":"Prices","IndexName":"by-user","KeyConditionExpression":"#u=:t","ExpressionAttributeNames":{"#u":"user"},"ExpressionAttributeValues":{":t":{"S":"U"}}}`, "dynamodb:Query table/Prices/index/by-user U"},
		{"Scan", `{"TableName":"Prices"}`, "dynamodb:Scan table/Prices"},
		{"BatchGetItem", `{"RequestItems":{"Other":{"Keys":[{"k":{"S":"a"}},{"k":{"S":"b"}}]},"Prices":{"Keys":[{"ticker":{"S":"E"},"time":{"N":"1"}},{"ticker":{"S":"E"},"time":{"N":"2"}}]}}}`,
			"dynamodb:BatchGetItem table/Other a, dynamodb:BatchGetItem table/Other b, dynamodb:BatchGetItem table/Prices E"},
		{"BatchWriteItem", `{"RequestItems":{"Other":[{"PutRequest":{"Item":{"k":{"S":"a"}}}}]}}`, "dynamodb:BatchWriteItem table/Other a"},
		{"TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"Other","Item":{"k":{"S":"a"}}}},{"ConditionCheck":{"TableName":"Other","Key":{"k":{"S":"b"}},"ConditionExpression":"attribute_not_exists(k)"}}]}`,
			"dynamodb:PutItem table/Other a, dynamodb:ConditionCheckItem table/Other b"},
		{"TransactGetItems", `{"TransactItems":[{"Get":{"TableName":"Other","Key":{"k":{"S":"a"}}}}]}`, "dynamodb:GetItem table/Other a"},
		{"CreateTable", `{"TableName":"Prices2"}`, "dynamodb:CreateTable table/Prices2"},
		{"DescribeTable", `{"TableName":"Prices"}`, "dynamodb:DescribeTable table/Prices"},
		{"UpdateTable", `{"TableName":"Prices"}`, "dynamodb:UpdateTable table/Prices"},
		{"DeleteTable", `{"TableName":"Prices2"}`, "dynamodb:DeleteTable table/Prices2"},
		{"ListTables", `{}`, "dynamodb:ListTables table/*"},
		{"UpdateTimeToLive", `{"TableName":"Prices"}`, "dynamodb:UpdateTimeToLive table/Prices"},
		{"TagResource", `{"ResourceArn":"arn:aws:dynamodb:us-east-1:111122223333:table/Prices"}`, "dynamodb:TagResource table/Prices"},
	} {
		asked = nil
		post(t, s, r.operation, r.body)
		if got := strings.Join(asked, ", "); got != r.want {
			t.Errorf("%s asked for %s, want %s", r.operation, got, r.want)
		}
		last := r.want[strings.LastIndex(r.want, "dynamodb:"):]
		denied = last
		if status, answer := post(t, s, r.operation, r.body); status != 400 || !strings.Contains(answer, "AccessDeniedException") {
			t.Errorf("%s without the permission %s: %d %s", r.operation, last, status, answer)
		}
		denied = ""
	}
}
