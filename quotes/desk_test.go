package quotes_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"quotewire/quotes"
	"quotewire/quotes/quotestest"
)

// newDesk returns a desk over a store in which user001 watches EIQQ and MODD, user002 EIQQ and QUTI, and user003 nothing.
func newDesk(t *testing.T) (*quotes.Desk, *quotestest.Store, *quotestest.Poster) {
	store, poster := quotestest.NewStore(), &quotestest.Poster{}
	err := store.Load(t.Context(),
		[]quotes.Quote{quote("EIQQ", 2200), quote("MODD", 98), quote("QUTI", 7415)},
		map[quotes.User][]quotes.Ticker{"user001": {"EIQQ", "MODD"}, "user002": {"EIQQ", "QUTI"}, "user003": nil})
	if err != nil {
		t.Fatal(err)
	}
	return &quotes.Desk{Store: store, Poster: poster, Log: slog.New(slog.DiscardHandler)}, store, poster
}

// both runs a test where the store keeps who listens to what, and where the gateway has a board for it.
func both(t *testing.T, test func(*testing.T, *quotes.Desk, *quotestest.Store, *quotestest.Poster)) {
	t.Run("store", func(t *testing.T) {
		d, s, p := newDesk(t)
		test(t, d, s, p)
	})
	t.Run("board", func(t *testing.T) {
		d, s, p := newDesk(t)
		d.Boards = quotestest.NewBoards(p)
		test(t, d, s, p)
	})
}

func quote(ticker quotes.Ticker, price quotes.Price) quotes.Quote {
	return quotes.Quote{Ticker: ticker, Price: price}
}

func receive(t *testing.T, d *quotes.Desk, from quotes.ConnectionID, message string) {
	t.Helper()
	if err := d.Receive(t.Context(), quotes.Connection{ID: from, Endpoint: "https://gateway/development"}, []byte(message)); err != nil {
		t.Fatalf("Receive(%s): %v", message, err)
	}
}

func identify(t *testing.T, d *quotes.Desk, from quotes.ConnectionID, user string) {
	t.Helper()
	receive(t, d, from, fmt.Sprintf(`{"action":"user","id":%q}`, user))
}

func publish(t *testing.T, d *quotes.Desk, list ...quotes.Quote) quotes.Delivery {
	t.Helper()
	delivery, err := d.Publish(t.Context(), list)
	if err != nil {
		t.Fatalf("Publish(%v): %v", list, err)
	}
	return delivery
}

func wantMessages(t *testing.T, p *quotestest.Poster, to quotes.ConnectionID, want ...string) {
	t.Helper()
	if got := p.Take(to); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("connection %s got:\n%s\nwant:\n%s", to, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestIdentifyAnswersAllQuotesInOneMessage(t *testing.T) {
	both(t, func(t *testing.T, d *quotes.Desk, _ *quotestest.Store, p *quotestest.Poster) {
		identify(t, d, "a", "user001")
		wantMessages(t, p, "a", `{"action":"quotes","connection-id":"a","quotes":[{"ticker":"EIQQ","price":2200},{"ticker":"MODD","price":98}]}`)
		identify(t, d, "c", "user003")
		wantMessages(t, p, "c", `{"action":"quotes","connection-id":"c","quotes":[]}`)
	})
}

func TestPublishReachesOnlyWhoWatches(t *testing.T) {
	both(t, func(t *testing.T, d *quotes.Desk, _ *quotestest.Store, p *quotestest.Poster) {
		identify(t, d, "a", "user001")
		identify(t, d, "b", "user002")
		p.Take("a")
		p.Take("b")
		if got, want := publish(t, d, quote("EIQQ", 2210)), (quotes.Delivery{Published: 1, Delivered: 2}); got != want {
			t.Errorf("Publish(EIQQ) = %+v, want %+v", got, want)
		}
		publish(t, d, quote("QUTI", 7400))
		wantMessages(t, p, "a", `{"action":"quotes","connection-id":"a","quotes":[{"ticker":"EIQQ","price":2210}]}`)
		wantMessages(t, p, "b",
			`{"action":"quotes","connection-id":"b","quotes":[{"ticker":"EIQQ","price":2210}]}`,
			`{"action":"quotes","connection-id":"b","quotes":[{"ticker":"QUTI","price":7400}]}`)
	})
}

func TestPricesForAConnectionLeaveInOneMessage(t *testing.T) {
	d, _, p := newDesk(t)
	identify(t, d, "a", "user001")
	p.Take("a")
	got := publish(t, d, quote("MODD", 1), quote("EIQQ", 2), quote("MODD", 3), quote("NEWX", 4))
	if want := (quotes.Delivery{Published: 3, Delivered: 1}); got != want {
		t.Errorf("Publish = %+v, want %+v", got, want)
	}
	wantMessages(t, p, "a", `{"action":"quotes","connection-id":"a","quotes":[{"ticker":"EIQQ","price":2},{"ticker":"MODD","price":3}]}`)
}

func TestWatchAndUnwatchReachAllConnectionsOfTheUser(t *testing.T) {
	both(t, func(t *testing.T, d *quotes.Desk, _ *quotestest.Store, p *quotestest.Poster) {
		identify(t, d, "a1", "user001")
		identify(t, d, "a2", "user001")
		p.Take("a1")
		p.Take("a2")
		receive(t, d, "a1", `{"action":"watch","ticker":"QUTI"}`)
		for _, id := range []quotes.ConnectionID{"a1", "a2"} {
			wantMessages(t, p, id, `{"action":"watches","tickers":["EIQQ","MODD","QUTI"]}`,
				fmt.Sprintf(`{"action":"quotes","connection-id":%q,"quotes":[{"ticker":"QUTI","price":7415}]}`, id))
		}
		if got := publish(t, d, quote("QUTI", 7416)); got.Delivered != 2 {
			t.Errorf("after watch %d connections are told, want 2", got.Delivered)
		}
		p.Take("a1")
		p.Take("a2")
		receive(t, d, "a2", `{"action":"unwatch","ticker":"QUTI"}`)
		for _, id := range []quotes.ConnectionID{"a1", "a2"} {
			wantMessages(t, p, id, `{"action":"watches","tickers":["EIQQ","MODD"]}`)
		}
		if got := publish(t, d, quote("QUTI", 7417)); got.Delivered != 0 {
			t.Errorf("after unwatch %d connections are told, want none", got.Delivered)
		}
	})
}

func TestWatchesAndUsersAreListed(t *testing.T) {
	d, _, p := newDesk(t)
	receive(t, d, "a", `{"action":"users"}`)
	wantMessages(t, p, "a", `{"action":"users","users":["user001","user002","user003"]}`)
	identify(t, d, "a", "user003")
	p.Take("a")
	receive(t, d, "a", `{"action":"watches"}`)
	wantMessages(t, p, "a", `{"action":"watches","tickers":[]}`)
}

func TestWrongMessagesAreAnsweredWithWhatIsAllowed(t *testing.T) {
	d, _, p := newDesk(t)
	identify(t, d, "known", "user001")
	p.Take("known")
	for _, test := range []struct {
		from          quotes.ConnectionID
		message, want string
	}{
		{"new", `hello`, `a message must be a JSON object of strings, such as {"action":"user","id":"user003"}; got "hello"`},
		{"new", `{"action":7}`, `a message must be a JSON object of strings, such as {"action":"user","id":"user003"}; got "{\"action\":7}"`},
		{"new", `{"action":"user","id":"user001"} x`, `a message must be a JSON object of strings, such as {"action":"user","id":"user003"}; got "{\"action\":\"user\",\"id\":\"user001\"} x"`},
		{"new", `{"action":"sell"}`, `there is no action "sell"; the actions are user, users, watches, watch and unwatch`},
		{"new", `{}`, `there is no action ""; the actions are user, users, watches, watch and unwatch`},
		{"new", `{"action":"user","id":"user999"}`, `there is no user "user999"; {"action":"users"} lists the users`},
		{"new", `{"action":"user"}`, `"" is not the id of a user; an id is 1 to 64 letters, digits and signs without spaces, such as user003`},
		{"new", `{"action":"watch","ticker":"EIQQ"}`, `say first who you are, with {"action":"user","id":"user003"}`},
		{"known", `{"action":"watch","ticker":"eiqq"}`, `"eiqq" is not a ticker; a ticker is 1 to 16 of A-Z, 0-9, dot and hyphen, such as EIQQ`},
		{"known", `{"action":"watch","ticker":"ZZZZ"}`, `there is no ticker "ZZZZ"; a ticker can be watched once a price of it has been published`},
	} {
		receive(t, d, test.from, test.message)
		got := p.Take(test.from)
		if want := fmt.Sprintf(`{"action":"error","message":%s}`, jsonString(test.want)); len(got) != 1 || got[0] != want {
			t.Errorf("%s is answered\n%s\nwant\n%s", test.message, got, want)
		}
	}
}

// jsonString is text as a JSON string.
func jsonString(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

func TestGoneConnectionIsForgotten(t *testing.T) {
	d, s, p := newDesk(t)
	identify(t, d, "a", "user001")
	identify(t, d, "b", "user002")
	p.Before = func(to quotes.Connection, _ []byte) error {
		if to.ID == "a" {
			return quotes.ErrGone
		}
		return nil
	}
	if got, want := publish(t, d, quote("EIQQ", 2210)), (quotes.Delivery{Published: 1, Delivered: 1, Gone: 1}); got != want {
		t.Errorf("Publish = %+v, want %+v", got, want)
	}
	wantForgotten(t, s, "a", "user001")
}

// wantForgotten checks that no row of any table speaks of a connection.
func wantForgotten(t *testing.T, s *quotestest.Store, id quotes.ConnectionID, user quotes.User) {
	t.Helper()
	ctx := t.Context()
	if on, _ := s.UserOn(ctx, id); on != "" {
		t.Errorf("%s is still on %s", on, id)
	}
	if list, _ := s.Connections(ctx, user); len(list) != 0 {
		t.Errorf("%s still has connections %v", user, list)
	}
	for _, ticker := range []quotes.Ticker{"EIQQ", "MODD", "QUTI"} {
		list, _, _ := s.Subscribers(ctx, ticker)
		for _, c := range list {
			if c.ID == id {
				t.Errorf("%s is still subscribed to %s", id, ticker)
			}
		}
	}
}

func TestDisconnectForgetsTheConnection(t *testing.T) {
	both(t, func(t *testing.T, d *quotes.Desk, s *quotestest.Store, _ *quotestest.Poster) {
		identify(t, d, "a", "user001")
		for range 2 { // the second time nothing is there to forget
			if err := d.Disconnect(t.Context(), quotes.Connection{ID: "a"}); err != nil {
				t.Fatal(err)
			}
		}
		wantForgotten(t, s, "a", "user001")
	})
}

func TestIdentifyAsAnotherForgetsTheFormerUser(t *testing.T) {
	both(t, func(t *testing.T, d *quotes.Desk, _ *quotestest.Store, p *quotestest.Poster) {
		identify(t, d, "a", "user001")
		identify(t, d, "a", "user002")
		p.Take("a")
		publish(t, d, quote("MODD", 99))
		wantMessages(t, p, "a")
		publish(t, d, quote("QUTI", 1))
		wantMessages(t, p, "a", `{"action":"quotes","connection-id":"a","quotes":[{"ticker":"QUTI","price":1}]}`)
	})
}

func TestUnreachableReceiverKeepsThePriceFromNobodyElse(t *testing.T) {
	d, _, p := newDesk(t)
	identify(t, d, "a", "user001")
	identify(t, d, "b", "user002")
	p.Before = func(to quotes.Connection, _ []byte) error {
		if to.ID == "a" {
			return errors.New("no way there")
		}
		return nil
	}
	if got, want := publish(t, d, quote("EIQQ", 2210)), (quotes.Delivery{Published: 1, Delivered: 1, Failed: 1}); got != want {
		t.Errorf("Publish = %+v, want %+v", got, want)
	}
}

func TestParallelPostsAreBounded(t *testing.T) {
	d, _, p := newDesk(t)
	d.Parallel = 4
	const pages = 40
	for i := range pages {
		identify(t, d, quotes.ConnectionID(fmt.Sprint(i)), "user001")
	}
	// The posts wait for each other in fours: with fewer at a time than four this would never end.
	var mu sync.Mutex
	waiting, go4 := 0, make(chan struct{})
	p.Before = func(quotes.Connection, []byte) error {
		mu.Lock()
		waiting++
		mine := go4
		if waiting%4 == 0 {
			close(go4)
			go4 = make(chan struct{})
		}
		mu.Unlock()
		<-mine
		return nil
	}
	if got := publish(t, d, quote("EIQQ", 2210)); got.Delivered != pages {
		t.Errorf("%d delivered, want %d", got.Delivered, pages)
	}
	if got := p.Highest(); got != 4 {
		t.Errorf("%d posts at the same time, want 4", got)
	}
}

func TestOvertakenPriceIsCorrected(t *testing.T) {
	d, _, p := newDesk(t)
	identify(t, d, "a", "user001")
	p.Take("a")
	// While the post of 2210 is under way, another desk stores and delivers 2220.
	var begun atomic.Bool
	p.Before = func(quotes.Connection, []byte) error {
		if begun.CompareAndSwap(false, true) {
			publish(t, d, quote("EIQQ", 2220))
		}
		return nil
	}
	publish(t, d, quote("EIQQ", 2210))
	if got := p.Shown("a")["EIQQ"]; got != 2220 {
		t.Errorf("the page shows %d at the end, want 2220", got)
	}
}

func TestPricePublishedDuringIdentifyIsShown(t *testing.T) {
	both(t, func(t *testing.T, d *quotes.Desk, s *quotestest.Store, p *quotestest.Poster) {
		// At each question that identifying asks the store, another desk publishes a price.
		price := quotes.Price(3000)
		busy := false
		s.Before = func(string) error {
			if !busy {
				busy = true
				price++
				publish(t, d, quote("EIQQ", price))
				busy = false
			}
			return nil
		}
		identify(t, d, "a", "user001")
		s.Before = nil
		if got := p.Shown("a")["EIQQ"]; got != price {
			t.Errorf("the page shows %d at the end, want %d", got, price)
		}
	})
}

func TestWatchDuringIdentifyIsSeen(t *testing.T) {
	for _, method := range []string{"HasUser", "UserOn", "Open", "Watches", "Subscribe", "Prices"} {
		t.Run(method, func(t *testing.T) {
			d, s, p := newDesk(t)
			identify(t, d, "a1", "user001")
			var once sync.Once
			s.Before = func(m string) error {
				if m == method {
					once.Do(func() {
						s.Before = nil
						receive(t, d, "a1", `{"action":"watch","ticker":"QUTI"}`)
						receive(t, d, "a1", `{"action":"unwatch","ticker":"MODD"}`)
					})
				}
				return nil
			}
			identify(t, d, "a2", "user001")
			p.Take("a2")
			publish(t, d, quote("QUTI", 1), quote("MODD", 1))
			wantMessages(t, p, "a2", `{"action":"quotes","connection-id":"a2","quotes":[{"ticker":"QUTI","price":1}]}`)
		})
	}
}

// Many desks, pages and publishers at once: at the end each page shows the newest prices of exactly what it watches.
func TestEverybodyAtOnceEndsOnTheNewestPrices(t *testing.T) {
	both(t, func(t *testing.T, d *quotes.Desk, s *quotestest.Store, p *quotestest.Poster) {
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for n := range 20 {
					publish(t, d, quote("EIQQ", quotes.Price(1000*i+n)), quote("QUTI", quotes.Price(n)))
				}
			})
			wg.Go(func() {
				id := quotes.ConnectionID(fmt.Sprint("page", i))
				identify(t, d, id, fmt.Sprintf("user%03d", 1+i%2))
				receive(t, d, id, `{"action":"watch","ticker":"MODD"}`)
			})
		}
		wg.Wait()
		newest, err := s.Prices(context.Background(), []quotes.Ticker{"EIQQ", "MODD", "QUTI"})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 8 {
			shown := p.Shown(quotes.ConnectionID(fmt.Sprint("page", i)))
			want := []quotes.Ticker{"EIQQ", "MODD"}
			if i%2 == 1 {
				want = append(want, "QUTI")
			}
			for _, ticker := range want {
				if got := shown[ticker]; got != newest[ticker].Price {
					t.Errorf("page %d shows %s at %d, want %d", i, ticker, got, newest[ticker].Price)
				}
			}
			if len(shown) != len(want) {
				t.Errorf("page %d shows %v, want just %v", i, shown, want)
			}
		}
	})
}

func TestStoreFailureIsAnError(t *testing.T) {
	d, s, _ := newDesk(t)
	s.Before = func(method string) error { return errors.New("no disk") }
	if err := d.Receive(t.Context(), quotes.Connection{ID: "a"}, []byte(`{"action":"user","id":"user001"}`)); err == nil {
		t.Error("Receive succeeds on a store that fails")
	}
	if _, err := d.Publish(t.Context(), []quotes.Quote{quote("EIQQ", 1)}); err == nil {
		t.Error("Publish succeeds on a store that fails")
	}
}
