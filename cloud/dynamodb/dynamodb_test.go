package dynamodb

import (
	"context"
	"fmt"
	"hash/crc32"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	client "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"quotewire/cloud/protocol"
	"quotewire/cloud/state"
)

// allowed is an authorizer that remembers what it was asked, and refuses what it is told to.
type allowed struct {
	refuse func(action, resource string, keys map[string]string) bool
}

func (a allowed) Authorize(_ context.Context, _ protocol.Protocol, action, resource string, keys map[string]string) error {
	if a.refuse != nil && a.refuse(action, resource, keys) {
		return protocol.Errorf(http.StatusBadRequest, coral+"service#AccessDeniedException", "not authorized to perform: %s on resource: %s", action, resource)
	}
	return nil
}

func openState(t testing.TB, dir string) *state.Store {
	t.Helper()
	st, err := state.Open(t.Context(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

// serve starts a service over a store and returns it with a client of it.
func serve(t testing.TB, st *state.Store, auth allowed) (*Service, *client.Client) {
	t.Helper()
	s, err := New(t.Context(), Config{State: st, IAM: auth, Account: "111122223333", Region: "us-east-1", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, client.New(client.Options{
		BaseEndpoint: &server.URL, Region: "us-east-1", RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

func start(t testing.TB) (*Service, *client.Client) {
	return serve(t, openState(t, t.TempDir()), allowed{})
}

// makeTable creates a table with a partition key and, if sort is not empty, a sort key, both "name:TYPE".
func makeTable(t testing.TB, c *client.Client, name, partition, sort string, edits ...func(*client.CreateTableInput)) {
	t.Helper()
	in := &client.CreateTableInput{TableName: &name, BillingMode: types.BillingModePayPerRequest}
	for i, key := range []string{partition, sort} {
		if key == "" {
			continue
		}
		attr, kind, _ := strings.Cut(key, ":")
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: &attr, AttributeType: types.ScalarAttributeType(kind)})
		in.KeySchema = append(in.KeySchema, types.KeySchemaElement{AttributeName: &attr, KeyType: []types.KeyType{types.KeyTypeHash, types.KeyTypeRange}[i]})
	}
	for _, edit := range edits {
		edit(in)
	}
	if _, err := c.CreateTable(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func num(s string) types.AttributeValue { return &types.AttributeValueMemberN{Value: s} }

type item = map[string]types.AttributeValue

func put(t testing.TB, c *client.Client, table string, it item) {
	t.Helper()
	if _, err := c.PutItem(t.Context(), &client.PutItemInput{TableName: &table, Item: it}); err != nil {
		t.Fatal(err)
	}
}

func get(t testing.TB, c *client.Client, table string, key item) item {
	t.Helper()
	out, err := c.GetItem(t.Context(), &client.GetItemInput{TableName: &table, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	return out.Item
}

// post sends a request as it stands, and returns the status and the answer.
func post(t testing.TB, s *Service, operation, body string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	s.ServeHTTP(w, r)
	if got, want := w.Header().Get("X-Amz-Crc32"), fmt.Sprint(crc32.ChecksumIEEE(w.Body.Bytes())); got != want {
		t.Errorf("%s: the checksum is %s, want %s", operation, got, want)
	}
	return w.Code, w.Body.String()
}

func TestAnItemComesBackAsItWasPut(t *testing.T) {
	t.Parallel()
	_, c := start(t)
	makeTable(t, c, "Prices", "ticker:S", "")
	put(t, c, "Prices", item{
		"ticker": str("EIQQ"), "price": num("2200.50"), "odd \"näme\"\n\x01": str("välue \\ \u2028 <&>"),
		"raw": &types.AttributeValueMemberB{Value: []byte{0, 255, 1}}, "yes": &types.AttributeValueMemberBOOL{Value: true},
		"none": &types.AttributeValueMemberNULL{Value: true}, "empty": str(""),
		"list": &types.AttributeValueMemberL{Value: []types.AttributeValue{num("1e3"), str("x")}},
		"map":  &types.AttributeValueMemberM{Value: item{"b": num("-0.0"), "a": str("y")}},
		"set":  &types.AttributeValueMemberSS{Value: []string{"q", "p"}},
		"nums": &types.AttributeValueMemberNS{Value: []string{"2", "10"}},
	})
	got := get(t, c, "Prices", item{"ticker": str("EIQQ")})
	if len(got) != 11 {
		t.Fatalf("%d attributes, want 11: %v", len(got), got)
	}
	if n := got["price"].(*types.AttributeValueMemberN).Value; n != "2200.5" {
		t.Errorf("price = %s, want 2200.5", n)
	}
	if n := got["odd \"näme\"\n\x01"].(*types.AttributeValueMemberS).Value; n != "välue \\ \u2028 <&>" {
		t.Errorf("odd = %q", n)
	}
	if b := got["raw"].(*types.AttributeValueMemberB).Value; string(b) != "\x00\xff\x01" {
		t.Errorf("raw = %q", b)
	}
	if n := got["list"].(*types.AttributeValueMemberL).Value[0].(*types.AttributeValueMemberN).Value; n != "1000" {
		t.Errorf("list[0] = %s, want 1000", n)
	}
	if n := got["map"].(*types.AttributeValueMemberM).Value["b"].(*types.AttributeValueMemberN).Value; n != "0" {
		t.Errorf("map.b = %s, want 0", n)
	}
	if got := get(t, c, "Prices", item{"ticker": str("NONE")}); got != nil {
		t.Errorf("an absent item is %v, want nil", got)
	}
	out, err := c.GetItem(t.Context(), &client.GetItemInput{TableName: aws.String("arn:aws:dynamodb:us-east-1:111122223333:table/Prices"),
		Key: item{"ticker": str("EIQQ")}, ProjectionExpression: aws.String("price, #l[1]"), ExpressionAttributeNames: map[string]string{"#l": "list"}})
	if err != nil || len(out.Item) != 2 || len(out.Item["list"].(*types.AttributeValueMemberL).Value) != 1 {
		t.Errorf("projected: %v, %v", out, err)
	}
}
