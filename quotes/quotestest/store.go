package quotestest

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"quotewire/quotes"
)

// Loader is a store that can be filled.
type Loader interface {
	quotes.Store
	Load(context.Context, []quotes.Quote, map[quotes.User][]quotes.Ticker) error
}

// TestStore asks a store, which must be empty, all that desks rely on.
func TestStore(t *testing.T, s Loader) {
	ctx := t.Context()
	// More than one batch of everything.
	var prices []quotes.Quote
	var many []quotes.Ticker
	for i := range 230 {
		ticker := quotes.Ticker(fmt.Sprintf("T%03d", i))
		many = append(many, ticker)
		prices = append(prices, quotes.Quote{Ticker: ticker, Price: quotes.Price(i)})
	}
	must(t, s.Load(ctx, prices, map[quotes.User][]quotes.Ticker{"user002": many, "user001": nil}))

	t.Run("users", func(t *testing.T) {
		users, err := s.Users(ctx)
		equal(t, err, users, []quotes.User{"user001", "user002"})
		for user, want := range map[quotes.User]bool{"user001": true, "nobody": false} {
			known, err := s.HasUser(ctx, user)
			equal(t, err, known, want)
		}
	})
	t.Run("watches", func(t *testing.T) {
		list, err := s.Watches(ctx, "user002")
		equal(t, err, list, many)
		for range 2 {
			must(t, s.AddWatch(ctx, "user001", "T002"))
		}
		must(t, s.AddWatch(ctx, "user001", "T001"))
		list, err = s.Watches(ctx, "user001")
		equal(t, err, list, []quotes.Ticker{"T001", "T002"})
		for range 2 {
			must(t, s.RemoveWatch(ctx, "user001", "T001"))
		}
		list, err = s.Watches(ctx, "user001")
		equal(t, err, list, []quotes.Ticker{"T002"})
	})
	t.Run("prices", func(t *testing.T) {
		found, err := s.Prices(ctx, append([]quotes.Ticker{"NONE"}, many...))
		equal(t, err, len(found), len(many))
		equal(t, nil, found["T007"], quotes.Stored{Quote: quotes.Quote{Ticker: "T007", Price: 7}, Version: 1})
		stored, err := s.SetPrices(ctx, []quotes.Quote{{Ticker: "T007", Price: 70}, {Ticker: "NEW", Price: 1 << 52}})
		equal(t, err, stored, []quotes.Stored{
			{Quote: quotes.Quote{Ticker: "T007", Price: 70}, Version: 2}, {Quote: quotes.Quote{Ticker: "NEW", Price: 1 << 52}, Version: 1},
		})
		found, err = s.Prices(ctx, []quotes.Ticker{"NEW", "T007"})
		equal(t, err, found, map[quotes.Ticker]quotes.Stored{"T007": stored[0], "NEW": stored[1]})
		found, err = s.Prices(ctx, nil)
		equal(t, err, len(found), 0)
	})
	t.Run("versions of concurrent prices differ and the last is kept", func(t *testing.T) {
		const writers = 20
		var mu sync.Mutex
		byVersion := make(map[int64]quotes.Price) // protected by mu
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() {
				stored, err := s.SetPrices(ctx, []quotes.Quote{{Ticker: "RACE", Price: quotes.Price(i)}})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				byVersion[stored[0].Version] = stored[0].Price
			})
		}
		wg.Wait()
		equal(t, nil, len(byVersion), writers)
		found, err := s.Prices(ctx, []quotes.Ticker{"RACE"})
		equal(t, err, found["RACE"], quotes.Stored{Quote: quotes.Quote{Ticker: "RACE", Price: byVersion[writers]}, Version: writers})
	})
	t.Run("connections", func(t *testing.T) {
		a, b := quotes.Connection{ID: "a=", Endpoint: "https://h/s"}, quotes.Connection{ID: "b=", Endpoint: "https://h/t"}
		for _, c := range []quotes.Connection{a, b, a} {
			must(t, s.Open(ctx, c, "user001"))
		}
		user, err := s.UserOn(ctx, "a=")
		equal(t, err, user, "user001")
		list, err := s.Connections(ctx, "user001")
		equal(t, err, sorted(list), []quotes.Connection{a, b})
		must(t, s.Close(ctx, "a=", "user001"))
		user, err = s.UserOn(ctx, "a=")
		equal(t, err, user, "")
		list, err = s.Connections(ctx, "user001")
		equal(t, err, sorted(list), []quotes.Connection{b})
	})
	t.Run("subscriptions", func(t *testing.T) {
		a, b := quotes.Connection{ID: "a=", Endpoint: "https://h/s"}, quotes.Connection{ID: "b=", Endpoint: "https://h/t"}
		must(t, s.Subscribe(ctx, a, many))
		must(t, s.Subscribe(ctx, b, []quotes.Ticker{"T001"}))
		must(t, s.Subscribe(ctx, b, nil))
		list, _, err := s.Subscribers(ctx, "T001")
		equal(t, err, sorted(list), []quotes.Connection{a, b})
		must(t, s.Unsubscribe(ctx, "a=", many))
		list, _, err = s.Subscribers(ctx, "T001")
		equal(t, err, list, []quotes.Connection{b})
		list, _, err = s.Subscribers(ctx, "T200")
		equal(t, err, len(list), 0)
	})
	t.Run("boards", func(t *testing.T) {
		board := quotes.Board{ID: "b=", Endpoint: "https://h/s", Expires: time.Unix(1790000000, 0)}
		c := quotes.Connection{ID: "c=", Endpoint: "https://h/s"}
		must(t, s.Announce(ctx, board, many))
		must(t, s.Subscribe(ctx, c, []quotes.Ticker{"T003"}))
		again := board
		again.Expires = board.Expires.Add(time.Hour)
		must(t, s.Announce(ctx, again, []quotes.Ticker{"T003"}))
		must(t, s.Withdraw(ctx, board, "T003"))
		list, boards, err := s.Subscribers(ctx, "T003")
		equal(t, err, list, []quotes.Connection{c})
		equal(t, nil, boards, []quotes.Board{again})
		for range 2 {
			must(t, s.Withdraw(ctx, again, "T003"))
		}
		_, boards, err = s.Subscribers(ctx, "T003")
		equal(t, err, len(boards), 0)
		_, boards, err = s.Subscribers(ctx, "T002")
		equal(t, err, boards, []quotes.Board{board})
	})
}

func sorted(list []quotes.Connection) []quotes.Connection {
	return slices.SortedFunc(slices.Values(list), func(a, b quotes.Connection) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T any](t *testing.T, err error, got, want T) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
