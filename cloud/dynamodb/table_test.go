package dynamodb

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"quotewire/cloud/dynamodb/attribute"
)

func mustItem(t testing.TB, text string) attribute.Item {
	t.Helper()
	it, err := attribute.ParseItem(text)
	if err != nil {
		t.Fatal(err)
	}
	return it
}

func TestTheLifeOfATable(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	ctx := t.Context()
	makeTable(t, c, "Watchers", "ticker:S", "", func(in *client.CreateTableInput) {
		in.DeletionProtectionEnabled = aws.Bool(true)
		in.Tags = []types.Tag{{Key: aws.String("app"), Value: aws.String("watch")}}
	})
	if err := client.NewTableExistsWaiter(c).Wait(ctx, &client.DescribeTableInput{TableName: aws.String("Watchers")}, time.Second); err != nil {
		t.Fatal(err)
	}
	put(t, c, "Watchers", item{"ticker": str("E")})
	d, err := c.DescribeTable(ctx, &client.DescribeTableInput{TableName: aws.String("Watchers")})
	if err != nil {
		t.Fatal(err)
	}
	if got := d.Table; got.TableStatus != "ACTIVE" || *got.ItemCount != 1 || *got.TableSizeBytes != 7 || *got.TableArn != "arn:aws:dynamodb:us-east-1:111122223333:table/Watchers" ||
		got.BillingModeSummary.BillingMode != "PAY_PER_REQUEST" || time.Since(*got.CreationDateTime).Abs() > time.Minute {
		t.Errorf("described: %+v", got)
	}
	if _, err := c.DeleteTable(ctx, &client.DeleteTableInput{TableName: aws.String("Watchers")}); err == nil || !strings.Contains(err.Error(), "protected against deletion") {
		t.Errorf("a protected table: %v", err)
	}
	_, err = c.UpdateTable(ctx, &client.UpdateTableInput{TableName: aws.String("Watchers"), DeletionProtectionEnabled: aws.Bool(false), BillingMode: "PROVISIONED",
		ProvisionedThroughput: &types.ProvisionedThroughput{ReadCapacityUnits: aws.Int64(5), WriteCapacityUnits: aws.Int64(6)}})
	if err != nil {
		t.Fatal(err)
	}
	if d, err = c.DescribeTable(ctx, &client.DescribeTableInput{TableName: aws.String("Watchers")}); err != nil || *d.Table.ProvisionedThroughput.WriteCapacityUnits != 6 {
		t.Errorf("after the update: %+v, %v", d.Table, err)
	}
	for i := range 4 {
		makeTable(t, c, fmt.Sprint("More", i), "k:S", "")
	}
	var names []string
	for pages := client.NewListTablesPaginator(c, &client.ListTablesInput{Limit: aws.Int32(2)}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, page.TableNames...)
	}
	if want := []string{"More0", "More1", "More2", "More3", "Watchers"}; !slices.Equal(names, want) {
		t.Errorf("tables: %v, want %v", names, want)
	}
	gone, err := c.DeleteTable(ctx, &client.DeleteTableInput{TableName: aws.String("Watchers")})
	if err != nil || gone.TableDescription.TableStatus != "DELETING" {
		t.Fatalf("%+v, %v", gone, err)
	}
	if err := client.NewTableNotExistsWaiter(c).Wait(ctx, &client.DescribeTableInput{TableName: aws.String("Watchers")}, time.Second); err != nil {
		t.Error(err)
	}
	var missing *types.ResourceNotFoundException
	if _, err := c.PutItem(ctx, &client.PutItemInput{TableName: aws.String("Watchers"), Item: item{"ticker": str("E")}}); !errors.As(err, &missing) {
		t.Errorf("a write to a deleted table: %v", err)
	}
	for operation, want := range map[string]string{
		"DescribeLimits":    `{"AccountMaxReadCapacityUnits":80000,"AccountMaxWriteCapacityUnits":80000,"TableMaxReadCapacityUnits":40000,"TableMaxWriteCapacityUnits":40000}`,
		"DescribeEndpoints": `{"Endpoints":[{"Address":"example.com","CachePeriodInMinutes":1440}]}`,
	} {
		if _, got := post(t, s, operation, `{}`); got != want {
			t.Errorf("%s: got %s, want %s", operation, got, want)
		}
	}
	if _, err := c.DescribeContinuousBackups(ctx, &client.DescribeContinuousBackupsInput{TableName: aws.String("More1")}); err != nil {
		t.Error(err)
	}
	arn := aws.String("arn:aws:dynamodb:us-east-1:111122223333:table/More1")
	if _, err := c.TagResource(ctx, &client.TagResourceInput{ResourceArn: arn, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}, {Key: aws.String("b"), Value: aws.String("2")}}}); err != nil {
		t.Error(err)
	}
	if _, err := c.UntagResource(ctx, &client.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"a"}}); err != nil {
		t.Error(err)
	}
	if tags, err := c.ListTagsOfResource(ctx, &client.ListTagsOfResourceInput{ResourceArn: arn}); err != nil || len(tags.Tags) != 1 || *tags.Tags[0].Value != "2" {
		t.Errorf("tags: %+v, %v", tags, err)
	}
}

func TestExpiredItemsAreRemoved(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	makeTable(t, c, "Connections", "id:S", "")
	now := time.Now()
	for id, until := range map[string]time.Time{"past": now.Add(-time.Second), "future": now.Add(time.Hour), "mistake": now.AddDate(-6, 0, 0)} {
		put(t, c, "Connections", item{"id": str(id), "until": num(fmt.Sprint(until.Unix()))})
	}
	put(t, c, "Connections", item{"id": str("text"), "until": str("1")})
	s.sweep(t.Context(), now)
	if got := get(t, c, "Connections", item{"id": str("past")}); got == nil {
		t.Error("an item expired without TTL")
	}
	_, err := c.UpdateTimeToLive(t.Context(), &client.UpdateTimeToLiveInput{TableName: aws.String("Connections"), TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String("until"), Enabled: aws.Bool(true)}})
	if err != nil {
		t.Fatal(err)
	}
	s.sweep(t.Context(), now)
	for id, want := range map[string]bool{"past": false, "future": true, "mistake": true, "text": true} {
		if got := get(t, c, "Connections", item{"id": str(id)}); (got != nil) != want {
			t.Errorf("%s is there: %v, want %v", id, got != nil, want)
		}
	}
}

func TestOrderedIsASortedMap(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	var o ordered
	model := map[string]*record{}
	key := func() string { return fmt.Sprintf("%05d", r.IntN(4000)) }
	for round := range 30000 {
		k := key()
		if r.IntN(3) == 0 {
			o.delete(k)
			delete(model, k)
		} else {
			rec := &record{size: round}
			o.set(k, rec)
			model[k] = rec
		}
	}
	if o.len != len(model) {
		t.Fatalf("len %d, want %d", o.len, len(model))
	}
	var sorted []string
	for k, rec := range model {
		if o.get(k) != rec {
			t.Fatalf("get(%s) is another record", k)
		}
		sorted = append(sorted, k)
	}
	slices.Sort(sorted)
	for range 300 {
		s := span{key(), key()}
		if r.IntN(4) == 0 {
			s.high = ""
		}
		var want, up, down []string
		for _, k := range sorted {
			if k >= s.low && (s.high == "" || k < s.high) {
				want = append(want, k)
			}
		}
		for k := range o.walk(s, false) {
			up = append(up, k)
		}
		for k := range o.walk(s, true) {
			down = append(down, k)
		}
		slices.Reverse(down)
		if !slices.Equal(up, want) || !slices.Equal(down, want) {
			t.Fatalf("walk(%v): %d up, %d down, want %d", s, len(up), len(down), len(want))
		}
	}
	for _, k := range sorted {
		o.delete(k)
	}
	if o.len != 0 || len(o.chunks) != 0 {
		t.Errorf("%d entries in %d chunks are left", o.len, len(o.chunks))
	}
}
