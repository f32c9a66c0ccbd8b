package dynamodb

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	client "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// sink is a ResponseWriter that keeps nothing but the status.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(status int)      { s.status = status }
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }

// do sends a request through the handler without a connection.
func do(b *testing.B, s *Service, operation string, body []byte) {
	r := &http.Request{Method: "POST", Header: http.Header{"X-Amz-Target": {"DynamoDB_20120810." + operation}},
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body))}
	w := sink{header: http.Header{}}
	if s.ServeHTTP(&w, r.WithContext(b.Context())); w.status != 200 {
		b.Fatalf("%s answered %d to %s", operation, w.status, body)
	}
}

// fill puts items that look like watches into a table: 2,000 tickers with n/2000 watchers each.
func fill(b *testing.B, n int) *Service {
	s, c := start(b)
	makeTable(b, c, "Watchers", "ticker:S", "user:S")
	table := s.lookup("Watchers")
	for i := range n {
		it := mustItem(b, fmt.Sprintf(`{"connection":{"S":"O9iVddyboAMCJ1A="},"ticker":{"S":"T%04d"},"user":{"S":"user%06d"}}`, i%2000, i))
		table.install(&change{key: table.keys.entryKey(it), item: it, new: newRecord(it)})
	}
	return s
}

func BenchmarkGetItem(b *testing.B) {
	for _, n := range []int{2_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := fill(b, n)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				do(b, s, "GetItem", fmt.Appendf(nil, `{"TableName":"Watchers","Key":{"ticker":{"S":"T%04d"},"user":{"S":"user%06d"}}}`, i%2000, i%2000))
			}
		})
	}
}

func BenchmarkQuery10Items(b *testing.B) {
	s := fill(b, 20_000)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		do(b, s, "Query", fmt.Appendf(nil, `{"TableName":"Watchers","KeyConditionExpression":"ticker = :t","ExpressionAttributeValues":{":t":{"S":"T%04d"}}}`, i%2000))
	}
}

func BenchmarkQuery10ItemsProjected(b *testing.B) {
	s := fill(b, 20_000)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		do(b, s, "Query", fmt.Appendf(nil, `{"TableName":"Watchers","KeyConditionExpression":"ticker = :t","ProjectionExpression":"#c","ExpressionAttributeNames":{"#c":"connection"},"ExpressionAttributeValues":{":t":{"S":"T%04d"}}}`, i%2000))
	}
}

func BenchmarkPutItem(b *testing.B) {
	s, c := start(b)
	makeTable(b, c, "Prices", "ticker:S", "")
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		do(b, s, "PutItem", fmt.Appendf(nil, `{"TableName":"Prices","Item":{"ticker":{"S":"T%04d"},"price":{"N":"%d"}}}`, i%2000, i))
	}
}

func BenchmarkPutItemParallel(b *testing.B) {
	s, c := start(b)
	makeTable(b, c, "Prices", "ticker:S", "")
	b.ReportAllocs()
	b.SetParallelism(16)
	var n atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := n.Add(1)
			do(b, s, "PutItem", fmt.Appendf(nil, `{"TableName":"Prices","Item":{"ticker":{"S":"T%04d"},"price":{"N":"%d"}}}`, i%2000, i))
		}
	})
}

// BenchmarkLoad4000Items loads the sample data as a program does it: batches of 25 by the SDK, one after the other.
func BenchmarkLoad4000Items(b *testing.B) {
	_, c := start(b)
	makeTable(b, c, "Prices", "ticker:S", "")
	b.ReportAllocs()
	for b.Loop() {
		for i := 0; i < 4000; i += 25 {
			var batch []types.WriteRequest
			for k := range 25 {
				batch = append(batch, types.WriteRequest{PutRequest: &types.PutRequest{Item: item{"ticker": str(fmt.Sprint("T", i+k)), "price": num(fmt.Sprint(i))}}})
			}
			if _, err := c.BatchWriteItem(b.Context(), &client.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"Prices": batch}}); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkInstall1MItems is the work in memory for a large table.
func BenchmarkInstall1MItems(b *testing.B) {
	for b.Loop() {
		fill(b, 1_000_000)
	}
}
