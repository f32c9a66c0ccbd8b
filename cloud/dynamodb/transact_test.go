package dynamodb

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func TestATransactionIsDoneWholly(t *testing.T) {
	t.Parallel()
	_, c := start(t)
	makeTable(t, c, "Prices", "ticker:S", "")
	makeTable(t, c, "Watches", "user:S", "ticker:S")
	put(t, c, "Prices", item{"ticker": str("OLD"), "price": num("1")})
	_, err := c.TransactWriteItems(t.Context(), &client.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Put: &types.Put{TableName: aws.String("Prices"), Item: item{"ticker": str("E"), "price": num("5")}}},
		{Update: &types.Update{TableName: aws.String("Watches"), Key: item{"user": str("u"), "ticker": str("E")}, UpdateExpression: aws.String("SET since = :n"), ExpressionAttributeValues: item{":n": num("7")}}},
		{Delete: &types.Delete{TableName: aws.String("Prices"), Key: item{"ticker": str("OLD")}}},
		{ConditionCheck: &types.ConditionCheck{TableName: aws.String("Prices"), Key: item{"ticker": str("NONE")}, ConditionExpression: aws.String("attribute_not_exists(ticker)")}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.TransactGetItems(t.Context(), &client.TransactGetItemsInput{ReturnConsumedCapacity: "TOTAL", TransactItems: []types.TransactGetItem{
		{Get: &types.Get{TableName: aws.String("Prices"), Key: item{"ticker": str("E")}}},
		{Get: &types.Get{TableName: aws.String("Watches"), Key: item{"user": str("u"), "ticker": str("E")}, ProjectionExpression: aws.String("since")}},
		{Get: &types.Get{TableName: aws.String("Prices"), Key: item{"ticker": str("OLD")}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Responses[0].Item) != 2 || len(out.Responses[1].Item) != 1 || out.Responses[2].Item != nil {
		t.Errorf("got %v", out.Responses)
	}
	if n := *out.ConsumedCapacity[0].CapacityUnits; n != 4 {
		t.Errorf("%v units of Prices, want 4", n)
	}
}

func TestACancelledTransactionChangesNothingAndSaysWhy(t *testing.T) {
	t.Parallel()
	_, c := start(t)
	makeTable(t, c, "Prices", "ticker:S", "")
	put(t, c, "Prices", item{"ticker": str("E"), "price": str("text")})
	_, err := c.TransactWriteItems(t.Context(), &client.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Put: &types.Put{TableName: aws.String("Prices"), Item: item{"ticker": str("NEW")}}},
		{ConditionCheck: &types.ConditionCheck{TableName: aws.String("Prices"), Key: item{"ticker": str("NONE")}, ConditionExpression: aws.String("attribute_exists(ticker)")}},
		{Update: &types.Update{TableName: aws.String("Prices"), Key: item{"ticker": str("E")}, UpdateExpression: aws.String("ADD price :n"), ExpressionAttributeValues: item{":n": num("7")}}},
	}})
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		t.Fatalf("got %v, want a TransactionCanceledException", err)
	}
	if want := "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed, ValidationError]"; cancelled.ErrorMessage() != want {
		t.Errorf("got %q, want %q", cancelled.ErrorMessage(), want)
	}
	if r := cancelled.CancellationReasons; len(r) != 3 || *r[1].Message != "The conditional request failed" || *r[2].Message != "An operand in the update expression has an incorrect data type" {
		t.Errorf("reasons: %v", r)
	}
	if got := get(t, c, "Prices", item{"ticker": str("NEW")}); got != nil {
		t.Errorf("a cancelled transaction left %v", got)
	}
}

// Amounts move between two tables in both directions at once: none is lost, and no reader of a transaction ever sees one
// on its way.
func TestTransactionsOfManyKeepTheSum(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	tables := []string{"One", "Two"}
	var plans []*plan
	key := mustItem(t, `{"k":{"S":"a"}}`)
	for _, name := range tables {
		makeTable(t, c, name, "k:S", "")
		put(t, c, name, item{"k": str("a"), "n": num("1000")})
		table := s.lookup(name)
		plans = append(plans, &plan{table: table, key: table.keys.entryKey(key)})
	}
	sum := func() (n int) {
		for _, r := range snapshot(plans) {
			i, _ := strconv.Atoi(r.item().Get("n").Text)
			n += i
		}
		return n
	}
	const each = 150
	var writers, readers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			from, to := tables[0], tables[1]
			if w == 3 {
				from, to = to, from
			}
			update := `{"Update":{"TableName":"%s","Key":{"k":{"S":"a"}},"UpdateExpression":"ADD n :n","ExpressionAttributeValues":{":n":{"N":"%d"}}}}`
			for range each {
				status, answer := post(t, s, "TransactWriteItems", fmt.Sprintf(`{"TransactItems":[`+update+`,`+update+`]}`, from, -1, to, 1))
				if status != 200 {
					t.Error(answer)
				}
			}
		})
	}
	done := make(chan struct{})
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if n := sum(); n != 2000 {
					t.Errorf("the sum is %d, want 2000", n)
					return
				}
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
	if got := get(t, c, "One", item{"k": str("a")})["n"].(*types.AttributeValueMemberN).Value; got != strconv.Itoa(1000-2*each) {
		t.Errorf("One has %s, want %d", got, 1000-2*each)
	}
}

func TestATransactionWithTheSameTokenIsDoneOnce(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	makeTable(t, c, "Prices", "ticker:S", "")
	body := func(n int) string {
		return fmt.Sprintf(`{"ClientRequestToken":"abc","TransactItems":[{"Update":{"TableName":"Prices","Key":{"ticker":{"S":"E"}},"UpdateExpression":"ADD n :n","ExpressionAttributeValues":{":n":{"N":"%d"}}}}]}`, n)
	}
	for range 3 {
		if status, got := post(t, s, "TransactWriteItems", body(1)); status != 200 {
			t.Fatal(got)
		}
	}
	if got := get(t, c, "Prices", item{"ticker": str("E")})["n"].(*types.AttributeValueMemberN).Value; got != "1" {
		t.Errorf("n = %s, want 1", got)
	}
	if _, got := post(t, s, "TransactWriteItems", body(2)); !strings.Contains(got, "IdempotentParameterMismatchException") {
		t.Errorf("other parameters with the same token: %s", got)
	}
}
