package quotes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Board is a gateway's own list of who listens to which ticker: one message to it reaches them all. Not every gateway
// has one.
type Board struct {
	ID       string // never used twice, not by the same gateway either
	Endpoint string // the gateway's, like that of a [Connection]

	// Expires is when nobody listens any more who listened when this was written, in whole seconds. While somebody does,
	// it is written again in time.
	Expires time.Time
}

// Boards speaks to gateways that have boards. Its methods may be called at the same time.
//
// A board knows the versions that it sends: a connection never gets an older price of a ticker after a newer one.
type Boards interface {
	// Listen changes what a connection listens to. It returns the connection's board, and which of the added tickers
	// have to be announced to those who publish. The error is [ErrGone] if there is no such connection any more, which
	// then listens to nothing, and [ErrNoBoards].
	Listen(ctx context.Context, c Connection, add, remove []Ticker) (board Board, announce []Ticker, err error)
	// Announced tells a board that tickers are announced.
	Announced(ctx context.Context, c Connection, tickers []Ticker) error
	// Show sends a connection one message with quotes of what it listens to, or newer ones that its board has. The error
	// is like that of Listen.
	Show(context.Context, Connection, []Stored) error
	// Publish sends quotes to all who listen at a board and returns how many they are. The error is [ErrGone] if there
	// is no such board any more, and so nobody who listens at it.
	Publish(context.Context, Board, []Stored) (delivered int, err error)
}

// ErrNoBoards says that the gateway has no boards: each connection is posted to.
var ErrNoBoards = errors.New("the gateway has no boards")

// listen changes what a connection listens to at its board; [ErrNoBoards] if it has none.
//
// A connection listens before its ticker is announced, and only then are prices read: a price that is published meanwhile
// is either found by the reader or finds the listener.
func (d *Desk) listen(ctx context.Context, c Connection, add, remove []Ticker) error {
	if d.Boards == nil {
		return ErrNoBoards
	}
	board, announce, err := d.Boards.Listen(ctx, c, add, remove)
	if err != nil || len(announce) == 0 {
		return err
	}
	if err := d.Store.Announce(ctx, board, announce); err != nil {
		return fmt.Errorf("announce who listens at board %s: %w", board.ID, err)
	}
	return d.Boards.Announced(ctx, c, announce)
}

// subscribe notes that a connection wants the prices of tickers, where its gateway or else the store keeps that.
func (d *Desk) subscribe(ctx context.Context, c Connection, tickers []Ticker) error {
	err := d.listen(ctx, c, tickers, nil)
	if errors.Is(err, ErrNoBoards) {
		err = d.Store.Subscribe(ctx, c, tickers)
	}
	if err != nil {
		return fmt.Errorf("subscribe %s: %w", c.ID, err)
	}
	return nil
}

// unsubscribe ends what subscribe began. A connection that is gone listens to nothing.
func (d *Desk) unsubscribe(ctx context.Context, c Connection, tickers []Ticker) error {
	err := d.listen(ctx, c, nil, tickers)
	if errors.Is(err, ErrNoBoards) {
		err = d.Store.Unsubscribe(ctx, c.ID, tickers)
	}
	if err != nil && !errors.Is(err, ErrGone) {
		return fmt.Errorf("unsubscribe %s: %w", c.ID, err)
	}
	return nil
}

// show sends a connection quotes that it has subscribed to, and forgets it if it is gone.
func (d *Desk) show(ctx context.Context, o outgoing) error {
	err := ErrNoBoards
	if d.Boards != nil {
		err = d.Boards.Show(ctx, o.to, o.quotes)
	}
	switch {
	case errors.Is(err, ErrNoBoards):
		_, err := d.deliver(ctx, []outgoing{o})
		return err
	case errors.Is(err, ErrGone):
		return d.forgetGone(ctx, o.to, nil)
	}
	return err
}

// listing is what one board is to be told.
type listing struct {
	board  Board
	quotes []Stored
	rows   []Board // what the store has of the board for each of the quotes
}

// publish tells boards, and withdraws what the store has of those that are gone. One that has run out need not be asked.
func (d *Desk) publish(ctx context.Context, list []*listing) (Delivery, error) {
	var mu sync.Mutex
	var tally Delivery // protected by mu, like first
	var first error
	each(ctx, d.parallel(), list, func(ctx context.Context, l *listing) error {
		delivered, err := 0, ErrGone
		switch {
		case !slices.ContainsFunc(l.rows, func(b Board) bool { return time.Now().Before(b.Expires) }):
		case d.Boards == nil:
			err = ErrNoBoards
		default:
			delivered, err = d.Boards.Publish(ctx, l.board, l.quotes)
		}
		if errors.Is(err, ErrGone) {
			err = d.withdraw(ctx, l)
		}
		mu.Lock()
		defer mu.Unlock()
		tally.Delivered += delivered
		if err != nil {
			tally.Failed++
			if first == nil {
				first = err
			}
		}
		return nil // the others are told all the same
	})
	return tally, first
}

func (d *Desk) withdraw(ctx context.Context, l *listing) error {
	for i, q := range l.quotes {
		if err := d.Store.Withdraw(ctx, l.rows[i], q.Ticker); err != nil {
			return fmt.Errorf("withdraw board %s from %s: %w", l.board.ID, q.Ticker, err)
		}
	}
	return nil
}
