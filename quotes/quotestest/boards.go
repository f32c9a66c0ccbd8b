package quotestest

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"quotewire/quotes"
)

// Boards is a [quotes.Boards] of one gateway, with one board. What it sends goes through the poster. Make one with
// [NewBoards].
type Boards struct {
	// Before, if set, is called at the start of every call with the name of the method. An error is returned to the
	// caller.
	Before func(method string) error

	poster *Poster

	mu        sync.Mutex // protects the following
	id        string
	topics    map[quotes.Ticker]*topic
	announced map[quotes.Ticker]bool
	gone      map[quotes.ConnectionID]bool
}

type topic struct {
	last  quotes.Stored
	shown map[quotes.Connection]int64 // the newest version that each listener was sent
}

var _ quotes.Boards = (*Boards)(nil)

// NewBoards returns a gateway without listeners.
func NewBoards(p *Poster) *Boards {
	b := &Boards{poster: p}
	b.Restart("board")
	return b
}

// Restart ends the board and all connections; the gateway comes back with a board of another id.
func (b *Boards) Restart(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.id, b.topics, b.announced = id, make(map[quotes.Ticker]*topic), make(map[quotes.Ticker]bool)
	b.gone = make(map[quotes.ConnectionID]bool)
}

// Close ends a connection.
func (b *Boards) Close(c quotes.ConnectionID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gone[c] = true
	for _, t := range b.topics {
		maps.DeleteFunc(t.shown, func(l quotes.Connection, _ int64) bool { return l.ID == c })
	}
}

// begin runs Before and locks the boards; the caller unlocks them.
func (b *Boards) begin(method string, c quotes.ConnectionID) error {
	var err error
	if b.Before != nil {
		err = b.Before(method)
	}
	b.mu.Lock()
	if err == nil && b.gone[c] {
		err = quotes.ErrGone
	}
	return err
}

func (b *Boards) Listen(_ context.Context, c quotes.Connection, add, remove []quotes.Ticker) (quotes.Board, []quotes.Ticker, error) {
	err := b.begin("Listen", c.ID)
	defer b.mu.Unlock()
	if err != nil {
		return quotes.Board{}, nil, err
	}
	for _, ticker := range remove {
		if t := b.topics[ticker]; t != nil {
			delete(t.shown, c)
		}
	}
	var announce []quotes.Ticker
	for _, ticker := range add {
		if b.topics[ticker] == nil {
			b.topics[ticker] = &topic{shown: make(map[quotes.Connection]int64)}
		}
		if _, ok := b.topics[ticker].shown[c]; !ok {
			b.topics[ticker].shown[c] = 0
		}
		if !b.announced[ticker] {
			announce = append(announce, ticker)
		}
	}
	return quotes.Board{ID: b.id, Endpoint: c.Endpoint, Expires: time.Now().Add(time.Hour).Truncate(time.Second)}, announce, nil
}

func (b *Boards) Announced(_ context.Context, c quotes.Connection, tickers []quotes.Ticker) error {
	err := b.begin("Announced", c.ID)
	defer b.mu.Unlock()
	if err == nil {
		for _, t := range tickers {
			b.announced[t] = true
		}
	}
	return err
}

func (b *Boards) Show(ctx context.Context, c quotes.Connection, list []quotes.Stored) error {
	err := b.begin("Show", c.ID)
	defer b.mu.Unlock()
	if err != nil {
		return err
	}
	var show []quotes.Quote
	for _, q := range list {
		t := b.topics[q.Ticker]
		if t == nil {
			continue
		}
		shown, ok := t.shown[c]
		if t.last.Version > q.Version {
			q = t.last
		}
		if ok && shown <= q.Version {
			t.shown[c] = q.Version
			show = append(show, q.Quote)
		}
	}
	return b.poster.Post(ctx, c, message(c, show))
}

func (b *Boards) Publish(ctx context.Context, board quotes.Board, list []quotes.Stored) (int, error) {
	err := b.begin("Publish", "")
	defer b.mu.Unlock()
	if err == nil && board.ID != b.id {
		err = quotes.ErrGone
	}
	told := make(map[quotes.Connection]bool)
	for _, q := range list {
		t := b.topics[q.Ticker]
		if err != nil || t == nil || q.Version <= t.last.Version {
			continue
		}
		t.last = q
		for _, c := range slices.SortedFunc(maps.Keys(t.shown), func(a, b quotes.Connection) int { return strings.Compare(string(a.ID), string(b.ID)) }) {
			if t.shown[c] < q.Version {
				t.shown[c] = q.Version
				err = errors.Join(err, b.poster.Post(ctx, c, message(c, []quotes.Quote{q.Quote})))
			}
			told[c] = true
		}
	}
	return len(told), err
}

func message(to quotes.Connection, list []quotes.Quote) []byte {
	if list == nil {
		list = []quotes.Quote{}
	}
	text, err := json.Marshal(struct {
		Action       string              `json:"action"`
		ConnectionID quotes.ConnectionID `json:"connection-id"`
		Quotes       []quotes.Quote      `json:"quotes"`
	}{"quotes", to.ID, list})
	if err != nil {
		panic(err)
	}
	return text
}
