package quotes_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"quotewire/quotes"
	"quotewire/quotes/quotestest"
)

// newBoardDesk is newDesk at a gateway that has a board.
func newBoardDesk(t *testing.T) (*quotes.Desk, *quotestest.Store, *quotestest.Poster, *quotestest.Boards) {
	d, s, p := newDesk(t)
	b := quotestest.NewBoards(p)
	d.Boards = b
	return d, s, p, b
}

func wantBoards(t *testing.T, s *quotestest.Store, ticker quotes.Ticker, want ...string) {
	t.Helper()
	connections, boards, err := s.Subscribers(t.Context(), ticker)
	ids := []string{}
	for _, b := range boards {
		ids = append(ids, b.ID)
	}
	if err != nil || len(connections) != 0 || fmt.Sprint(ids) != fmt.Sprint(want) {
		t.Errorf("the store has connections %v and boards %v for %s, %v; want just %v", connections, ids, ticker, err, want)
	}
}

func TestTickerIsAnnouncedOnceForAllWhoListen(t *testing.T) {
	d, s, _, _ := newBoardDesk(t)
	announced := 0
	s.Before = func(method string) error {
		if method == "Announce" {
			announced++
		}
		return nil
	}
	identify(t, d, "a", "user001")
	identify(t, d, "b", "user001")
	wantBoards(t, s, "EIQQ", "board")
	if announced != 1 {
		t.Errorf("announced %d times, want once", announced)
	}
	if got := publish(t, d, quote("EIQQ", 1)); got.Delivered != 2 {
		t.Errorf("%d connections are told, want 2", got.Delivered)
	}
}

func TestGatewayThatRestartedIsForgotten(t *testing.T) {
	d, s, p, b := newBoardDesk(t)
	identify(t, d, "a", "user001")
	b.Restart("board2")
	identify(t, d, "b", "user001")
	p.Take("b")
	got := publish(t, d, quote("EIQQ", 1), quote("MODD", 2))
	if want := (quotes.Delivery{Published: 2, Delivered: 1}); got != want {
		t.Errorf("Publish = %+v, want %+v", got, want)
	}
	if got := p.Shown("b"); got["EIQQ"] != 1 || got["MODD"] != 2 {
		t.Errorf("the page shows %v, want EIQQ at 1 and MODD at 2", got)
	}
	wantBoards(t, s, "EIQQ", "board2")
	wantBoards(t, s, "MODD", "board2")
}

func TestBoardThatHasRunOutIsNotAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, s, _, b := newBoardDesk(t)
		identify(t, d, "a", "user001")
		b.Before = func(method string) error { return errors.New("no way there") }
		if got := publish(t, d, quote("EIQQ", 1)); got.Failed != 1 {
			t.Errorf("%+v while the gateway cannot be reached, want 1 failed", got)
		}
		wantBoards(t, s, "EIQQ", "board")
		time.Sleep(2 * time.Hour)
		if got := publish(t, d, quote("EIQQ", 1)); got.Failed != 0 {
			t.Errorf("%+v, want nothing failed: the board need not be asked", got)
		}
		wantBoards(t, s, "EIQQ")
	})
}

func TestBoardThatIsAnnouncedAgainStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, s, _, b := newBoardDesk(t)
		identify(t, d, "a", "user001")
		time.Sleep(2 * time.Hour)
		s.Before = func(method string) error {
			if method == "Withdraw" { // too late: somebody came
				s.Before = nil
				b.Restart("board")
				identify(t, d, "b", "user001")
			}
			return nil
		}
		publish(t, d, quote("EIQQ", 1))
		wantBoards(t, s, "EIQQ", "board")
		if got := publish(t, d, quote("EIQQ", 2)); got.Delivered != 1 {
			t.Errorf("%+v, want 1 delivered", got)
		}
	})
}

func TestConnectionThatIsGoneAtItsBoardIsForgotten(t *testing.T) {
	for _, method := range []string{"Listen", "Announced", "Show"} {
		t.Run(method, func(t *testing.T) {
			d, s, _, b := newBoardDesk(t)
			b.Before = func(m string) error {
				if m == method {
					b.Close("a")
				}
				return nil
			}
			identify(t, d, "a", "user001")
			wantForgotten(t, s, "a", "user001")
		})
	}
}

func TestGoneConnectionKeepsAWatchFromNoOther(t *testing.T) {
	d, s, p, b := newBoardDesk(t)
	identify(t, d, "a", "user001")
	identify(t, d, "b", "user001")
	p.Take("b")
	b.Close("a")
	receive(t, d, "b", `{"action":"watch","ticker":"QUTI"}`)
	wantMessages(t, p, "b", `{"action":"watches","tickers":["EIQQ","MODD","QUTI"]}`,
		`{"action":"quotes","connection-id":"b","quotes":[{"ticker":"QUTI","price":7415}]}`)
	if list, _ := s.Connections(t.Context(), "user001"); len(list) != 1 {
		t.Errorf("user001 has the connections %v, want just b", list)
	}
}

func TestGatewayWithoutBoardsIsPostedTo(t *testing.T) {
	d, s, p, b := newBoardDesk(t)
	b.Before = func(string) error { return quotes.ErrNoBoards }
	identify(t, d, "a", "user001")
	p.Take("a")
	if got := publish(t, d, quote("EIQQ", 2210)); got.Delivered != 1 {
		t.Errorf("%+v, want 1 delivered", got)
	}
	wantMessages(t, p, "a", `{"action":"quotes","connection-id":"a","quotes":[{"ticker":"EIQQ","price":2210}]}`)
	if err := d.Disconnect(t.Context(), quotes.Connection{ID: "a"}); err != nil {
		t.Fatal(err)
	}
	wantForgotten(t, s, "a", "user001")
}

// At each question that a desk asks the store or a board, while a page comes and another one of the same user changes the
// list, a price is published: the pages miss none.
func TestPriceAtAnyMomentIsShown(t *testing.T) {
	d, s, p, b := newBoardDesk(t)
	identify(t, d, "a1", "user001")
	d.Parallel = 1 // one question at a time
	price, busy := quotes.Price(3000), false
	before := func(string) error {
		if !busy {
			busy = true
			price++
			publish(t, d, quote("EIQQ", price), quote("QUTI", price))
			busy = false
		}
		return nil
	}
	s.Before, b.Before = before, before
	identify(t, d, "a2", "user001")
	receive(t, d, "a1", `{"action":"watch","ticker":"QUTI"}`)
	s.Before, b.Before = nil, nil
	for _, id := range []quotes.ConnectionID{"a1", "a2"} {
		if got := p.Shown(id); got["EIQQ"] != price || got["QUTI"] != price {
			t.Errorf("%s shows %v at the end, want both at %d", id, got, price)
		}
	}
}
