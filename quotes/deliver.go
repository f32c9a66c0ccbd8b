package quotes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Delivery counts what became of published prices.
type Delivery struct {
	Published int `json:"published"`        // prices that were stored, one per ticker
	Delivered int `json:"delivered"`        // connections that were told
	Gone      int `json:"gone"`             // connections that had closed and are now forgotten
	Failed    int `json:"failed,omitempty"` // connections that could not be told; the log says why
}

// outgoing is what one connection is to be told. All prices for a connection leave in one message.
type outgoing struct {
	to     Connection
	quotes []Stored
}

// Publish stores prices and delivers them to every connection that watches them. A well-formed ticker that is new gets
// its first price. Of several prices of one ticker the last one counts. An error means that prices were not stored or
// their receivers not found; a receiver that cannot be reached is counted, and does not keep the price from the others.
func (d *Desk) Publish(ctx context.Context, list []Quote) (Delivery, error) {
	if err := checkCount(len(list)); err != nil {
		return Delivery{}, err
	}
	stored, err := d.Store.SetPrices(ctx, newest(list))
	if err != nil {
		return Delivery{}, fmt.Errorf("store the prices: %w", err)
	}
	out, boards, err := d.address(ctx, stored)
	if err != nil {
		return Delivery{}, err
	}
	atBoards, first := d.publish(ctx, boards)
	tally, err := d.deliver(ctx, out)
	tally.Delivered += atBoards.Delivered
	tally.Failed += atBoards.Failed
	if err = cmp.Or(first, err); err != nil {
		d.Log.Warn("not everyone was told", "failed", tally.Failed, "err", err)
	}
	tally.Published = len(stored)
	return tally, nil
}

// newest is list with only the last price of each ticker.
func newest(list []Quote) []Quote {
	at := make(map[Ticker]int, len(list))
	short := make([]Quote, 0, len(list))
	for _, q := range list {
		if i, ok := at[q.Ticker]; ok {
			short[i] = q
			continue
		}
		at[q.Ticker] = len(short)
		short = append(short, q)
	}
	return short
}

// address finds who watches the tickers and puts together what each connection and each board is to be told.
func (d *Desk) address(ctx context.Context, list []Stored) ([]outgoing, []*listing, error) {
	var mu sync.Mutex
	byID := make(map[ConnectionID]*outgoing) // protected by mu, like byBoard
	byBoard := make(map[string]*listing)
	err := each(ctx, d.parallel(), list, func(ctx context.Context, quote Stored) error {
		connections, boards, err := d.Store.Subscribers(ctx, quote.Ticker)
		if err != nil {
			return fmt.Errorf("find who watches %s: %w", quote.Ticker, err)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, c := range connections {
			o := byID[c.ID]
			if o == nil {
				o = &outgoing{to: c}
				byID[c.ID] = o
			}
			o.quotes = append(o.quotes, quote)
		}
		for _, b := range boards {
			l := byBoard[b.ID]
			if l == nil {
				l = &listing{board: b}
				byBoard[b.ID] = l
			}
			l.quotes, l.rows = append(l.quotes, quote), append(l.rows, b)
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	out := make([]outgoing, 0, len(byID))
	for _, o := range byID {
		slices.SortFunc(o.quotes, func(a, b Stored) int { return cmp.Compare(a.Ticker, b.Ticker) })
		out = append(out, *o)
	}
	return out, slices.Collect(maps.Values(byBoard)), nil
}

// deliver posts to each connection, then looks whether a newer price has been stored meanwhile, and if so posts that to
// the same connections, until what was posted is the newest. The error is the first of those that kept a message from
// its receiver, or the store's.
func (d *Desk) deliver(ctx context.Context, out []outgoing) (Delivery, error) {
	var tally Delivery
	var first error
	for round := 0; len(out) > 0 && round < maxRounds; round++ {
		var mu sync.Mutex
		var reached []outgoing // protected by mu, like tally and first
		each(ctx, d.parallel(), out, func(ctx context.Context, o outgoing) error {
			err := d.post(ctx, o)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, ErrGone):
				tally.Gone++
			case err != nil:
				tally.Failed++
				first = cmp.Or(first, err)
			default:
				reached = append(reached, o)
				if round == 0 {
					tally.Delivered++
				}
			}
			return nil // the others are told all the same
		})
		var err error
		if out, err = d.overtaken(ctx, reached); err != nil {
			return tally, cmp.Or(first, err)
		}
	}
	return tally, first
}

// post sends quotes to a connection and forgets the connection if it is gone.
func (d *Desk) post(ctx context.Context, o outgoing) error {
	list := make([]Quote, len(o.quotes))
	for i, q := range o.quotes {
		list[i] = q.Quote
	}
	err := d.Poster.Post(ctx, o.to, quotesMessage(o.to.ID, list))
	if errors.Is(err, ErrGone) {
		tickers := make([]Ticker, len(list))
		for i, q := range list {
			tickers[i] = q.Ticker
		}
		if err := d.forgetGone(ctx, o.to, tickers); err != nil {
			return err
		}
	}
	return err
}

// overtaken returns what those who were told must be told now, because a newer price is stored.
func (d *Desk) overtaken(ctx context.Context, told []outgoing) ([]outgoing, error) {
	var tickers []Ticker
	for _, o := range told {
		for _, q := range o.quotes {
			tickers = append(tickers, q.Ticker)
		}
	}
	if len(tickers) == 0 {
		return nil, nil
	}
	slices.Sort(tickers)
	prices, err := d.Store.Prices(ctx, slices.Compact(tickers))
	if err != nil {
		return nil, fmt.Errorf("read the prices again: %w", err)
	}
	var out []outgoing
	for _, o := range told {
		again := outgoing{to: o.to}
		for _, q := range o.quotes {
			if now := prices[q.Ticker]; now.Version > q.Version {
				again.quotes = append(again.quotes, now)
			}
		}
		if len(again.quotes) > 0 {
			out = append(out, again)
		}
	}
	return out, nil
}

// send posts a message that is not about prices. That its receiver is gone is no error: the connection is forgotten.
func (d *Desk) send(ctx context.Context, to Connection, message []byte) error {
	err := d.Poster.Post(ctx, to, message)
	if errors.Is(err, ErrGone) {
		return d.forgetGone(ctx, to, nil)
	}
	return err
}

func (d *Desk) parallel() int { return cmp.Or(d.Parallel, 32) }

// each calls do for every item, at most limit at a time, and returns the first error, which cancels the others.
func each[T any](ctx context.Context, limit int, items []T, do func(context.Context, T) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(limit)
	for _, item := range items {
		g.Go(func() error { return do(ctx, item) })
	}
	return g.Wait()
}
