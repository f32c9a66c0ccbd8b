package dynamodb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"quotewire/quotes"
)

// parallel bounds the calls that one method of a [Store] has under way.
const parallel = 8

// Tables names the six tables. Names that are empty are "quotewire-" and the name of the field in lower case.
type Tables struct {
	Prices, Users, Watches, Connections, Sessions, Watchers string
}

// TablesFrom reads the names from variables such as PRICES_TABLE and USERS_TABLE; getenv is usually [os.Getenv].
func TablesFrom(getenv func(string) string) Tables {
	return Tables{
		Prices:      getenv("PRICES_TABLE"),
		Users:       getenv("USERS_TABLE"),
		Watches:     getenv("WATCHES_TABLE"),
		Connections: getenv("CONNECTIONS_TABLE"),
		Sessions:    getenv("SESSIONS_TABLE"),
		Watchers:    getenv("WATCHERS_TABLE"),
	}
}

// Store is a [quotes.Store] in DynamoDB. It is safe for concurrent use, by many processes on the same tables.
type Store struct {
	client *dynamodb.Client
	tables Tables
}

var _ quotes.Store = (*Store)(nil)

// New returns a store over tables that exist.
func New(client *dynamodb.Client, tables Tables) *Store {
	return &Store{client, Tables{
		Prices:      cmp.Or(tables.Prices, "quotewire-prices"),
		Users:       cmp.Or(tables.Users, "quotewire-users"),
		Watches:     cmp.Or(tables.Watches, "quotewire-watches"),
		Connections: cmp.Or(tables.Connections, "quotewire-connections"),
		Sessions:    cmp.Or(tables.Sessions, "quotewire-sessions"),
		Watchers:    cmp.Or(tables.Watchers, "quotewire-watchers"),
	}}
}

// Users lists the users in order.
func (s *Store) Users(ctx context.Context) ([]quotes.User, error) {
	pages := dynamodb.NewScanPaginator(s.client, &dynamodb.ScanInput{
		TableName:      &s.tables.Users,
		ConsistentRead: aws.Bool(true),
	})
	var users []quotes.User
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, i := range page.Items {
			users = append(users, quotes.User(item(i).text("user")))
		}
	}
	slices.Sort(users)
	return users, nil
}

// HasUser tells whether a user is known.
func (s *Store) HasUser(ctx context.Context, u quotes.User) (bool, error) {
	found, err := s.get(ctx, s.tables.Users, item{"user": text(u)})
	return found != nil, err
}

// Watches lists what a user watches, in order of tickers.
func (s *Store) Watches(ctx context.Context, u quotes.User) ([]quotes.Ticker, error) {
	items, err := s.query(ctx, s.tables.Watches, "user", text(u))
	tickers := make([]quotes.Ticker, len(items))
	for i, found := range items {
		tickers[i] = quotes.Ticker(found.text("ticker"))
	}
	return tickers, err
}

// AddWatch adds a ticker to what a user watches.
func (s *Store) AddWatch(ctx context.Context, u quotes.User, t quotes.Ticker) error {
	return s.write(ctx, put(s.tables.Watches, item{"user": text(u), "ticker": text(t)}))
}

// RemoveWatch removes a ticker from what a user watches.
func (s *Store) RemoveWatch(ctx context.Context, u quotes.User, t quotes.Ticker) error {
	return s.write(ctx, remove(s.tables.Watches, item{"user": text(u), "ticker": text(t)}))
}

// SetPrices stores quotes. Each is one update that counts the ticker's version up, so that two writers of one ticker
// get different versions, in the order in which DynamoDB took their prices.
func (s *Store) SetPrices(ctx context.Context, list []quotes.Quote) ([]quotes.Stored, error) {
	stored := make([]quotes.Stored, len(list))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for i, q := range list {
		g.Go(func() error {
			out, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
				TableName:                &s.tables.Prices,
				Key:                      item{"ticker": text(q.Ticker)},
				UpdateExpression:         aws.String("SET #price = :price ADD #version :one"),
				ExpressionAttributeNames: map[string]string{"#price": "price", "#version": "version"},
				ExpressionAttributeValues: item{
					":price": number(int64(q.Price)),
					":one":   number(1),
				},
				ReturnValues: types.ReturnValueUpdatedNew,
			})
			if err != nil {
				return fmt.Errorf("%s: %w", q.Ticker, err)
			}
			version, err := item(out.Attributes).number("version")
			stored[i] = quotes.Stored{Quote: q, Version: version}
			return err
		})
	}
	return stored, g.Wait()
}

// Prices returns the newest quotes of tickers.
func (s *Store) Prices(ctx context.Context, tickers []quotes.Ticker) (map[quotes.Ticker]quotes.Stored, error) {
	keys := make([]map[string]types.AttributeValue, len(tickers))
	for i, t := range tickers {
		keys[i] = item{"ticker": text(t)}
	}
	items, err := s.getAll(ctx, s.tables.Prices, keys)
	if err != nil {
		return nil, err
	}
	found := make(map[quotes.Ticker]quotes.Stored, len(items))
	for _, i := range items {
		price, err := i.number("price")
		if err != nil {
			return nil, err
		}
		version, err := i.number("version")
		if err != nil {
			return nil, err
		}
		t := quotes.Ticker(i.text("ticker"))
		found[t] = quotes.Stored{Quote: quotes.Quote{Ticker: t, Price: quotes.Price(price)}, Version: version}
	}
	return found, nil
}

// Open notes that a user is on a connection.
func (s *Store) Open(ctx context.Context, c quotes.Connection, u quotes.User) error {
	return s.write(ctx,
		put(s.tables.Connections, item{"connection": text(c.ID), "user": text(u)}),
		put(s.tables.Sessions, item{"user": text(u), "connection": text(c.ID), "endpoint": text(c.Endpoint)}))
}

// UserOn tells who is on a connection.
func (s *Store) UserOn(ctx context.Context, id quotes.ConnectionID) (quotes.User, error) {
	found, err := s.get(ctx, s.tables.Connections, item{"connection": text(id)})
	return quotes.User(found.text("user")), err
}

// Connections lists all connections that a user is on.
func (s *Store) Connections(ctx context.Context, u quotes.User) ([]quotes.Connection, error) {
	items, err := s.query(ctx, s.tables.Sessions, "user", text(u))
	return connections(items), err
}

// Close forgets that a user is on a connection.
func (s *Store) Close(ctx context.Context, id quotes.ConnectionID, u quotes.User) error {
	return s.write(ctx,
		remove(s.tables.Sessions, item{"user": text(u), "connection": text(id)}),
		remove(s.tables.Connections, item{"connection": text(id)}))
}

// Subscribe notes that a connection wants the prices of tickers.
func (s *Store) Subscribe(ctx context.Context, c quotes.Connection, tickers []quotes.Ticker) error {
	writes := make([]write, len(tickers))
	for i, t := range tickers {
		writes[i] = put(s.tables.Watchers, item{"ticker": text(t), "connection": text(c.ID), "endpoint": text(c.Endpoint)})
	}
	return s.write(ctx, writes...)
}

// Unsubscribe notes that a connection does not want the prices of tickers.
func (s *Store) Unsubscribe(ctx context.Context, id quotes.ConnectionID, tickers []quotes.Ticker) error {
	writes := make([]write, len(tickers))
	for i, t := range tickers {
		writes[i] = remove(s.tables.Watchers, item{"ticker": text(t), "connection": text(id)})
	}
	return s.write(ctx, writes...)
}

// boardMark begins the sort key of a board among the watchers, and no connection's id.
const boardMark = "@"

// Announce notes that somebody at a board may listen to tickers.
func (s *Store) Announce(ctx context.Context, b quotes.Board, tickers []quotes.Ticker) error {
	writes := make([]write, len(tickers))
	for i, t := range tickers {
		writes[i] = put(s.tables.Watchers, item{
			"ticker": text(t), "connection": text(boardMark + b.ID), "endpoint": text(b.Endpoint), "expires": number(b.Expires.Unix()),
		})
	}
	return s.write(ctx, writes...)
}

// Withdraw notes that nobody at a board listens to a ticker, unless that was announced again.
func (s *Store) Withdraw(ctx context.Context, b quotes.Board, t quotes.Ticker) error {
	_, err := s.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName:                 &s.tables.Watchers,
		Key:                       item{"ticker": text(t), "connection": text(boardMark + b.ID)},
		ConditionExpression:       aws.String("expires = :expires"),
		ExpressionAttributeValues: item{":expires": number(b.Expires.Unix())},
	})
	if again := (*types.ConditionalCheckFailedException)(nil); errors.As(err, &again) {
		return nil
	}
	return err
}

// Subscribers lists the connections that want the prices of a ticker, and the boards.
func (s *Store) Subscribers(ctx context.Context, t quotes.Ticker) ([]quotes.Connection, []quotes.Board, error) {
	items, err := s.query(ctx, s.tables.Watchers, "ticker", text(t))
	if err != nil {
		return nil, nil, err
	}
	var boards []quotes.Board
	for _, found := range items {
		id, ok := strings.CutPrefix(found.text("connection"), boardMark)
		if !ok {
			continue
		}
		expires, err := found.number("expires")
		if err != nil {
			return nil, nil, err
		}
		boards = append(boards, quotes.Board{ID: id, Endpoint: found.text("endpoint"), Expires: time.Unix(expires, 0)})
	}
	items = slices.DeleteFunc(items, func(i item) bool { return strings.HasPrefix(i.text("connection"), boardMark) })
	return connections(items), boards, nil
}

func connections(items []item) []quotes.Connection {
	list := make([]quotes.Connection, len(items))
	for i, found := range items {
		list[i] = quotes.Connection{ID: quotes.ConnectionID(found.text("connection")), Endpoint: found.text("endpoint")}
	}
	return list
}

// item is an item of a table, or its key.
type item map[string]types.AttributeValue

// text is the string attribute name, "" if there is none.
func (i item) text(name string) string {
	if s, ok := i[name].(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

func (i item) number(name string) (int64, error) {
	n, ok := i[name].(*types.AttributeValueMemberN)
	if !ok {
		return 0, fmt.Errorf("an item has no number %q", name)
	}
	v, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("attribute %q: %w", name, err)
	}
	return v, nil
}

func text[T ~string](v T) types.AttributeValue {
	return &types.AttributeValueMemberS{Value: string(v)}
}

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}
