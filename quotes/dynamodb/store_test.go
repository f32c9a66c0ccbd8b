package dynamodb_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"quotewire/quotes/dynamodb"
	"quotewire/quotes/quotestest"
	"quotewire/quotes/sample"
)

var number atomic.Int64

// newStore returns a store over new tables. The environment can name another DynamoDB than the embedded one.
func newStore(t *testing.T) (*dynamodb.Store, *sdk.Client, dynamodb.Tables) {
	endpoint := os.Getenv("QUOTES_TEST_DYNAMODB")
	if endpoint == "" {
		endpoint = embedded(t)
	}
	client := sdk.New(sdk.Options{
		Region: "us-east-1",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
		BaseEndpoint: &endpoint,
	})
	prefix := fmt.Sprintf("test%d-%d-", os.Getpid(), number.Add(1))
	create := func(name string, keys ...string) string {
		input := &sdk.CreateTableInput{TableName: aws.String(prefix + name), BillingMode: types.BillingModePayPerRequest}
		for i, key := range keys {
			input.AttributeDefinitions = append(input.AttributeDefinitions,
				types.AttributeDefinition{AttributeName: &key, AttributeType: types.ScalarAttributeTypeS})
			input.KeySchema = append(input.KeySchema,
				types.KeySchemaElement{AttributeName: &key, KeyType: []types.KeyType{types.KeyTypeHash, types.KeyTypeRange}[i]})
		}
		if _, err := client.CreateTable(t.Context(), input); err != nil {
			t.Fatal(err)
		}
		return prefix + name
	}
	tables := dynamodb.Tables{
		Prices:      create("prices", "ticker"),
		Users:       create("users", "user"),
		Watches:     create("watches", "user", "ticker"),
		Connections: create("connections", "connection"),
		Sessions:    create("sessions", "user", "connection"),
		Watchers:    create("watchers", "ticker", "connection"),
	}
	return dynamodb.New(client, tables), client, tables
}

func TestStoreInDynamoDB(t *testing.T) {
	s, _, _ := newStore(t)
	quotestest.TestStore(t, s)
}

func TestSampleIsLoadedOnce(t *testing.T) {
	s, _, _ := newStore(t)
	for _, want := range []bool{true, false} {
		loaded, err := sample.Load(t.Context(), s)
		if err != nil || loaded != want {
			t.Fatalf("Load = %v, %v, want %v", loaded, err, want)
		}
	}
	users, err := s.Users(t.Context())
	if err != nil || len(users) != 100 {
		t.Errorf("%d users, %v; want 100", len(users), err)
	}
	list, err := s.Watches(t.Context(), "user003")
	if want := sample.Watches(sample.Prices())["user003"]; err != nil || fmt.Sprint(list) != fmt.Sprint(want) {
		t.Errorf("user003 watches %v, %v; want %v", list, err, want)
	}
}

// DynamoDB may leave any part of a batch undone. Here it leaves all of the first try of each kind.
func TestUnprocessedPartsOfABatchAreSentAgain(t *testing.T) {
	_, client, tables := newStore(t)
	var refused atomic.Int64
	grudging := sdk.New(client.Options(), func(o *sdk.Options) {
		o.HTTPClient = roundTrip(func(r *http.Request) (*http.Response, error) {
			operation := r.Header.Get("X-Amz-Target")
			field := map[string]string{"DynamoDB_20120810.BatchWriteItem": "UnprocessedItems", "DynamoDB_20120810.BatchGetItem": "UnprocessedKeys"}[operation]
			if field == "" || refused.Add(1)%2 == 0 {
				return http.DefaultClient.Do(r)
			}
			body := new(strings.Builder)
			if _, err := fmt.Fprint(body, `{"Responses":{},"`+field+`":`, requestItems(r), `}`); err != nil {
				return nil, err
			}
			w := httptest.NewRecorder()
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			w.WriteString(body.String())
			return w.Result(), nil
		})
	})
	s := dynamodb.New(grudging, tables)
	prices := sample.Prices()[:5]
	if err := s.Load(t.Context(), prices, nil); err != nil {
		t.Fatal(err)
	}
	found, err := s.Prices(t.Context(), sample.Watches(sample.Prices())["user003"])
	if err != nil || len(found) == 0 || refused.Load() < 4 {
		t.Errorf("found %v, %v after %d batches; want prices in at least 4", found, err, refused.Load())
	}
}
