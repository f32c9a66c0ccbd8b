package dynamodb

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// history is a table with three partitions of numbers from -5 to 5, and both kinds of index.
func history(t *testing.T, c *client.Client) {
	makeTable(t, c, "History", "ticker:S", "time:N", withIndexes)
	for _, ticker := range []string{"A", "AA", "B"} {
		for i := -5; i <= 5; i++ {
			it := item{"ticker": str(ticker), "time": num(fmt.Sprint(i)), "price": num(fmt.Sprint(i * i)), "even": &types.AttributeValueMemberBOOL{Value: i%2 == 0}}
			if i > 0 {
				it["user"] = str(fmt.Sprint("u", i%2))
			}
			put(t, c, "History", it)
		}
	}
}

func times(items []map[string]types.AttributeValue) string {
	var all []string
	for _, it := range items {
		all = append(all, it["time"].(*types.AttributeValueMemberN).Value)
	}
	return strings.Join(all, " ")
}

func TestQueriesSelectByTheSortKey(t *testing.T) {
	t.Parallel()
	_, c := start(t)
	history(t, c)
	for _, q := range []struct {
		condition string
		backwards bool
		want      string
	}{
		{"ticker = :t", false, "-5 -4 -3 -2 -1 0 1 2 3 4 5"},
		{"ticker = :t", true, "5 4 3 2 1 0 -1 -2 -3 -4 -5"},
		{"ticker = :t AND #i = :a", false, "-1"},
		{"ticker = :t AND #i < :a", false, "-5 -4 -3 -2"},
		{"ticker = :t AND #i <= :a", true, "-1 -2 -3 -4 -5"},
		{"ticker = :t AND #i > :a", false, "0 1 2 3 4 5"},
		{":a <= #i AND ticker = :t", false, "-1 0 1 2 3 4 5"},
		{"ticker = :t AND #i BETWEEN :a AND :b", false, "-1 0 1 2 3"},
	} {
		values := item{":t": str("A"), ":a": num("-1.0")}
		if strings.Contains(q.condition, ":b") {
			values[":b"] = num("3.5")
		}
		names := map[string]string{"#i": "time"}
		if !strings.Contains(q.condition, "#i") {
			names = nil
			delete(values, ":a")
		}
		out, err := c.Query(t.Context(), &client.QueryInput{TableName: aws.String("History"), KeyConditionExpression: &q.condition,
			ExpressionAttributeValues: values, ExpressionAttributeNames: names, ScanIndexForward: aws.Bool(!q.backwards)})
		if err != nil {
			t.Errorf("%s: %v", q.condition, err)
		} else if got := times(out.Items); got != q.want || out.LastEvaluatedKey != nil {
			t.Errorf("%s: got %s, want %s; last key %v", q.condition, got, q.want, out.LastEvaluatedKey)
		}
	}
}

func TestStringsOfTheSortKeyAreFoundByPrefix(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	makeTable(t, c, "Words", "k:S", "w:S")
	for _, w := range []string{"a", "ab", "ab\x00", "abc", "ac", "b"} {
		put(t, c, "Words", item{"k": str("x"), "w": str(w)})
	}
	_, got := post(t, s, "Query", `{"TableName":"Words","KeyConditionExpression":"k = :k AND begins_with(w, :w)","ExpressionAttributeValues":{":k":{"S":"x"},":w":{"S":"ab"}},"ProjectionExpression":"w"}`)
	if want := `{"Items":[{"w":{"S":"ab"}},{"w":{"S":"ab\u0000"}},{"w":{"S":"abc"}}],"Count":3,"ScannedCount":3}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestPagesJoinToTheWholeAndLimitCountsBeforeTheFilter(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	history(t, c)
	for _, backwards := range []bool{false, true} {
		in := &client.QueryInput{TableName: aws.String("History"), KeyConditionExpression: aws.String("ticker = :t"), FilterExpression: aws.String("even = :y"),
			ExpressionAttributeValues: item{":t": str("AA"), ":y": &types.AttributeValueMemberBOOL{Value: true}}, Limit: aws.Int32(3), ScanIndexForward: aws.Bool(!backwards)}
		var got []string
		for pages := client.NewQueryPaginator(c, in); pages.HasMorePages(); {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if page.ScannedCount > 3 {
				t.Errorf("a page looked at %d items, want 3 at most", page.ScannedCount)
			}
			got = append(got, times(page.Items))
		}
		want := "-4 | -2 0 | 2 | 4"
		if backwards {
			want = "4 | 2 0 | -2 | -4"
		}
		if s := strings.Join(got, " | "); s != want {
			t.Errorf("got %s, want %s", s, want)
		}
	}
	// A page that ends exactly at the last item does not know that.
	if _, got := post(t, s, "Query", `{"TableName":"History","KeyConditionExpression":"ticker = :t","Limit":11,"Select":"COUNT","ExpressionAttributeValues":{":t":{"S":"B"}},"ReturnConsumedCapacity":"INDEXES"}`); got != `{"Count":11,"ScannedCount":11,"LastEvaluatedKey":{"ticker":{"S":"B"},"time":{"N":"5"}},"ConsumedCapacity":{"TableName":"History","CapacityUnits":0.5,"Table":{"CapacityUnits":0.5}}}` {
		t.Error(got)
	}
}

func TestIndexesFollowTheTable(t *testing.T) {
	t.Parallel()
	_, c := start(t)
	history(t, c)
	byUser := func(user string) string {
		t.Helper()
		var all []string
		in := &client.QueryInput{TableName: aws.String("History"), IndexName: aws.String("by-user"), KeyConditionExpression: aws.String("#u = :u"), Limit: aws.Int32(2),
			ExpressionAttributeNames: map[string]string{"#u": "user"}, ExpressionAttributeValues: item{":u": str(user)}}
		for pages := client.NewQueryPaginator(c, in); pages.HasMorePages(); {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, it := range page.Items {
				if len(it) != 4 {
					t.Errorf("an index of keys only has %v", it)
				}
				all = append(all, it["ticker"].(*types.AttributeValueMemberS).Value+it["price"].(*types.AttributeValueMemberN).Value)
			}
		}
		return strings.Join(all, " ")
	}
	// Entries with one index key lie in the order of the table's key.
	if got := byUser("u0"); got != "A4 AA4 B4 A16 AA16 B16" {
		t.Errorf("u0: %s", got)
	}
	key := item{"ticker": str("AA"), "time": num("2")}
	_, err := c.UpdateItem(t.Context(), &client.UpdateItemInput{TableName: aws.String("History"), Key: key, UpdateExpression: aws.String("SET price = :p"), ExpressionAttributeValues: item{":p": num("99")}})
	if err != nil {
		t.Fatal(err)
	}
	if got := byUser("u0"); got != "A4 B4 A16 AA16 B16 AA99" {
		t.Errorf("u0 after an update: %s", got)
	}
	_, err = c.UpdateItem(t.Context(), &client.UpdateItemInput{TableName: aws.String("History"), Key: key, UpdateExpression: aws.String("REMOVE #u"), ExpressionAttributeNames: map[string]string{"#u": "user"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteItem(t.Context(), &client.DeleteItemInput{TableName: aws.String("History"), Key: item{"ticker": str("B"), "time": num("4")}}); err != nil {
		t.Fatal(err)
	}
	if got := byUser("u0"); got != "A4 B4 A16 AA16" {
		t.Errorf("u0 after a removal and a deletion: %s", got)
	}
	out, err := c.Query(t.Context(), &client.QueryInput{TableName: aws.String("History"), IndexName: aws.String("by-price"), ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String("ticker = :t AND price >= :p"),
		ExpressionAttributeValues: item{":t": str("A"), ":p": num("16")}})
	if err != nil || times(out.Items) != "-4 4 -5 5" || len(out.Items[1]) != 5 {
		t.Errorf("by price: %v, %v", out, err)
	}
}

func TestAnIndexIsMadeOfWhatIsThere(t *testing.T) {
	t.Parallel()
	_, c := start(t)
	makeTable(t, c, "Late", "k:S", "")
	for i := range 10 {
		put(t, c, "Late", item{"k": str(fmt.Sprint(i)), "g": str(fmt.Sprint(i % 2))})
	}
	_, err := c.UpdateTable(t.Context(), &client.UpdateTableInput{TableName: aws.String("Late"),
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("g"), AttributeType: "S"}},
		GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{Create: &types.CreateGlobalSecondaryIndexAction{IndexName: aws.String("by-g"),
			KeySchema: []types.KeySchemaElement{{AttributeName: aws.String("g"), KeyType: "HASH"}}, Projection: &types.Projection{ProjectionType: "ALL"}}}}})
	if err != nil {
		t.Fatal(err)
	}
	query := func() (int32, error) {
		out, err := c.Query(t.Context(), &client.QueryInput{TableName: aws.String("Late"), IndexName: aws.String("by-g"), KeyConditionExpression: aws.String("g = :g"), ExpressionAttributeValues: item{":g": str("1")}})
		if err != nil {
			return 0, err
		}
		return out.Count, nil
	}
	if n, err := query(); n != 5 || err != nil {
		t.Errorf("%d items, %v; want 5", n, err)
	}
	d, err := c.DescribeTable(t.Context(), &client.DescribeTableInput{TableName: aws.String("Late")})
	if err != nil || len(d.Table.AttributeDefinitions) != 2 || *d.Table.GlobalSecondaryIndexes[0].ItemCount != 10 {
		t.Errorf("described: %+v, %v", d.Table, err)
	}
	_, err = c.UpdateTable(t.Context(), &client.UpdateTableInput{TableName: aws.String("Late"),
		GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{Delete: &types.DeleteGlobalSecondaryIndexAction{IndexName: aws.String("by-g")}}}})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := query(); err == nil {
		t.Errorf("a deleted index answered %d items", n)
	}
	if d, err = c.DescribeTable(t.Context(), &client.DescribeTableInput{TableName: aws.String("Late")}); err != nil || len(d.Table.AttributeDefinitions) != 1 {
		t.Errorf("described after the deletion: %+v, %v", d.Table, err)
	}
}

func TestSegmentsOfAScanJoinToTheWhole(t *testing.T) {
	t.Parallel()
	_, c := start(t)
	makeTable(t, c, "Many", "k:S", "")
	for i := range 300 {
		put(t, c, "Many", item{"k": str(fmt.Sprint(i))})
	}
	for _, n := range []int32{1, 3, 7} {
		var all []string
		for segment := range n {
			before := len(all)
			in := &client.ScanInput{TableName: aws.String("Many"), Limit: aws.Int32(9)}
			if n > 1 {
				in.Segment, in.TotalSegments = aws.Int32(segment), aws.Int32(n)
			}
			for pages := client.NewScanPaginator(c, in); pages.HasMorePages(); {
				page, err := pages.NextPage(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, it := range page.Items {
					all = append(all, it["k"].(*types.AttributeValueMemberS).Value)
				}
			}
			if share := len(all) - before; share < 300/int(n)/2 {
				t.Errorf("segment %d of %d has %d items only", segment, n, share)
			}
		}
		slices.Sort(all)
		if len(slices.Compact(all)) != 300 {
			t.Errorf("%d segments have %d distinct items, want 300", n, len(all))
		}
	}
}

func TestAPageEndsAt1MB(t *testing.T) {
	t.Parallel()
	_, c := start(t)
	makeTable(t, c, "Large", "k:S", "n:N")
	for i := range 6 {
		put(t, c, "Large", item{"k": str("x"), "n": num(fmt.Sprint(i)), "body": str(strings.Repeat("x", 300<<10))})
	}
	out, err := c.Query(t.Context(), &client.QueryInput{TableName: aws.String("Large"), KeyConditionExpression: aws.String("k = :k"), ExpressionAttributeValues: item{":k": str("x")}})
	if err != nil || out.Count != 3 || out.LastEvaluatedKey["n"].(*types.AttributeValueMemberN).Value != "2" {
		t.Errorf("%d items, last %v, %v; want 3 items", out.Count, out.LastEvaluatedKey, err)
	}
}
