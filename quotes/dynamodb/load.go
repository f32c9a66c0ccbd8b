package dynamodb

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"quotewire/quotes"
)

// Empty tells whether the store has no user yet.
func (s *Store) Empty(ctx context.Context) (bool, error) {
	out, err := s.client.Scan(ctx, &dynamodb.ScanInput{
		TableName: &s.tables.Users, Limit: aws.Int32(1), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return false, err
	}
	return len(out.Items) == 0, nil
}

// Load writes prices and users with what they watch, in bulk. Prices get version 1, over whatever is there, so it is
// for tables that nobody publishes to yet. The users come last: a load that was cut short leaves the store [Store.Empty].
func (s *Store) Load(ctx context.Context, prices []quotes.Quote, watches map[quotes.User][]quotes.Ticker) error {
	var first, last []write
	for _, q := range prices {
		first = append(first, put(s.tables.Prices, item{
			"ticker": text(q.Ticker), "price": number(int64(q.Price)), "version": number(1),
		}))
	}
	for user, tickers := range watches {
		for _, t := range tickers {
			first = append(first, put(s.tables.Watches, item{"user": text(user), "ticker": text(t)}))
		}
		last = append(last, put(s.tables.Users, item{"user": text(user)}))
	}
	if err := s.write(ctx, first...); err != nil {
		return err
	}
	return s.write(ctx, last...)
}
