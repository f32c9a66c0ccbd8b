package quotes

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
)

// maxWatches bounds what one user watches and maxListed the users that are listed, so that a message about all of them
// stays below 128 KB.
const (
	maxWatches = 1000
	maxListed  = 1000
)

// maxRounds bounds how often a desk goes on to correct what it has just posted. Where a newer price was there every
// time, the next one is on its way.
const maxRounds = 8

// Desk answers pages and delivers prices. It has no state of its own and all its methods may run at the same time.
type Desk struct {
	Store  Store
	Poster Poster
	Boards Boards // nil if no gateway has any
	Log    *slog.Logger

	// Parallel bounds the posts and the questions to the store that one call has under way; 0 means 32. It bounds
	// memory and open sockets: a call works through any number of receivers, so many at a time.
	Parallel int
}

// Receive handles a message that a page has sent. What is wrong with the message is told to the page; an error means
// that the desk could not do its work.
func (d *Desk) Receive(ctx context.Context, from Connection, message []byte) error {
	err := d.receive(ctx, from, message)
	if wrong := (*Invalid)(nil); errors.As(err, &wrong) {
		return d.send(ctx, from, errorMessage(wrong.text))
	}
	return err
}

func (d *Desk) receive(ctx context.Context, from Connection, message []byte) error {
	var r request
	if err := decode(message, &r); err != nil {
		return invalid(`a message must be a JSON object of strings, such as {"action":"user","id":"user003"}; got %s`, quoted(string(message)))
	}
	switch r.Action {
	case "user":
		return d.identify(ctx, from, r.User)
	case "users":
		return d.users(ctx, from)
	case "watches", "watch", "unwatch":
	default:
		return invalid("there is no action %s; the actions are user, users, watches, watch and unwatch", quoted(r.Action))
	}

	user, err := d.Store.UserOn(ctx, from.ID)
	if err != nil {
		return fmt.Errorf("find who is on %s: %w", from.ID, err)
	}
	if user == "" {
		return invalid(`say first who you are, with {"action":"user","id":"user003"}`)
	}
	if r.Action == "watches" {
		return d.watches(ctx, from, user)
	}
	ticker, err := ParseTicker(r.Ticker)
	if err != nil {
		return err
	}
	if r.Action == "watch" {
		return d.watch(ctx, user, ticker)
	}
	return d.unwatch(ctx, user, ticker)
}

// users lists who can be chosen, the first 1,000 of them.
func (d *Desk) users(ctx context.Context, to Connection) error {
	users, err := d.Store.Users(ctx)
	if err != nil {
		return fmt.Errorf("list the users: %w", err)
	}
	return d.send(ctx, to, usersMessage(users[:min(len(users), maxListed)]))
}

// watches tells what a user watches.
func (d *Desk) watches(ctx context.Context, to Connection, user User) error {
	list, err := d.Store.Watches(ctx, user)
	if err != nil {
		return fmt.Errorf("list what %s watches: %w", user, err)
	}
	return d.send(ctx, to, watchesMessage(list))
}

// identify notes who is on a connection, subscribes it to all that this user watches and sends those quotes.
//
// The order of the steps matters. The user's connections are written before the user's list is read, while [Desk.watch]
// writes the list before it reads the connections: whichever comes second sees the other. And the subscriptions are
// written before the prices are read: a price that is published meanwhile is either read here or delivered here.
func (d *Desk) identify(ctx context.Context, conn Connection, id string) error {
	user, err := ParseUser(id)
	if err != nil {
		return err
	}
	known, err := d.Store.HasUser(ctx, user)
	if err != nil {
		return fmt.Errorf("look up %s: %w", user, err)
	}
	if !known {
		return invalid(`there is no user %s; {"action":"users"} lists the users`, quoted(id))
	}
	before, err := d.Store.UserOn(ctx, conn.ID)
	if err != nil {
		return fmt.Errorf("find who is on %s: %w", conn.ID, err)
	}
	if before != "" && before != user {
		if err := d.forget(ctx, conn, before); err != nil {
			return err
		}
	}
	if err := d.Store.Open(ctx, conn, user); err != nil {
		return fmt.Errorf("note that %s is on %s: %w", user, conn.ID, err)
	}
	list, err := d.Store.Watches(ctx, user)
	if err != nil {
		return fmt.Errorf("list what %s watches: %w", user, err)
	}
	if err := d.subscribe(ctx, conn, list); errors.Is(err, ErrGone) {
		return d.forgetGone(ctx, conn, nil)
	} else if err != nil {
		return err
	}
	prices, err := d.Store.Prices(ctx, list)
	if err != nil {
		return fmt.Errorf("read the prices of %s: %w", user, err)
	}
	out := outgoing{to: conn}
	for _, ticker := range list {
		if quote, ok := prices[ticker]; ok {
			out.quotes = append(out.quotes, quote)
		}
	}
	if err := d.show(ctx, out); err != nil {
		return err
	}
	return d.settleRemoved(ctx, user, list)
}

// settleRemoved ends the subscriptions to what was removed from a user's list while it was being subscribed to.
func (d *Desk) settleRemoved(ctx context.Context, user User, subscribed []Ticker) error {
	list, err := d.Store.Watches(ctx, user)
	if err != nil {
		return fmt.Errorf("list what %s watches: %w", user, err)
	}
	for _, ticker := range subscribed {
		if !slices.Contains(list, ticker) {
			if _, err := d.settle(ctx, user, ticker); err != nil {
				return err
			}
		}
	}
	return nil
}

// watch adds a ticker to a user's list and tells all connections of the user the list and the quote.
func (d *Desk) watch(ctx context.Context, user User, ticker Ticker) error {
	prices, err := d.Store.Prices(ctx, []Ticker{ticker})
	if err != nil {
		return fmt.Errorf("read the price of %s: %w", ticker, err)
	}
	if _, ok := prices[ticker]; !ok {
		return invalid("there is no ticker %s; a ticker can be watched once a price of it has been published", quoted(string(ticker)))
	}
	list, err := d.Store.Watches(ctx, user)
	if err != nil {
		return fmt.Errorf("list what %s watches: %w", user, err)
	}
	if len(list) >= maxWatches && !slices.Contains(list, ticker) {
		return invalid("%s watches %d tickers, which is the most; remove one first", user, len(list))
	}
	if err := d.Store.AddWatch(ctx, user, ticker); err != nil {
		return fmt.Errorf("add %s to what %s watches: %w", ticker, user, err)
	}
	connections, err := d.settle(ctx, user, ticker)
	if err != nil {
		return err
	}
	if prices, err = d.Store.Prices(ctx, []Ticker{ticker}); err != nil {
		return fmt.Errorf("read the price of %s: %w", ticker, err)
	}
	return each(ctx, d.parallel(), connections, func(ctx context.Context, c Connection) error {
		return d.show(ctx, outgoing{c, []Stored{prices[ticker]}})
	})
}

// unwatch removes a ticker from a user's list and tells all connections of the user the list.
func (d *Desk) unwatch(ctx context.Context, user User, ticker Ticker) error {
	if err := d.Store.RemoveWatch(ctx, user, ticker); err != nil {
		return fmt.Errorf("remove %s from what %s watches: %w", ticker, user, err)
	}
	_, err := d.settle(ctx, user, ticker)
	return err
}

// settle makes a user's connections agree with the user's list as far as ticker goes, tells them the list, and does so
// again while the list changes under its hands, as it does when two messages of a user are handled at the same time.
// It returns the connections that it told.
func (d *Desk) settle(ctx context.Context, user User, ticker Ticker) ([]Connection, error) {
	var connections []Connection
	var told []Ticker
	for round := range maxRounds {
		list, err := d.Store.Watches(ctx, user)
		if err != nil {
			return nil, fmt.Errorf("list what %s watches: %w", user, err)
		}
		if round > 0 && slices.Equal(list, told) {
			break
		}
		told = list
		if connections, err = d.Store.Connections(ctx, user); err != nil {
			return nil, fmt.Errorf("list the connections of %s: %w", user, err)
		}
		message, watched := watchesMessage(list), slices.Contains(list, ticker)
		err = each(ctx, d.parallel(), connections, func(ctx context.Context, c Connection) (err error) {
			if watched {
				err = d.subscribe(ctx, c, []Ticker{ticker})
			} else {
				err = d.unsubscribe(ctx, c, []Ticker{ticker})
			}
			if errors.Is(err, ErrGone) {
				return d.forgetGone(ctx, c, nil)
			}
			if err != nil {
				return err
			}
			return d.send(ctx, c, message)
		})
		if err != nil {
			return nil, err
		}
	}
	return connections, nil
}

// Disconnect forgets a connection that has closed. One that nobody was on, or that is forgotten already, is no error.
func (d *Desk) Disconnect(ctx context.Context, c Connection) error { return d.forgetGone(ctx, c, nil) }

// forgetGone forgets a connection that turned out to be gone, and its subscriptions to tickers that the store has, even
// if it no longer knows who was on it.
func (d *Desk) forgetGone(ctx context.Context, c Connection, tickers []Ticker) error {
	user, err := d.Store.UserOn(ctx, c.ID)
	if err != nil {
		return fmt.Errorf("find who was on %s: %w", c.ID, err)
	}
	if len(tickers) > 0 {
		if err := d.Store.Unsubscribe(ctx, c.ID, tickers); err != nil {
			return fmt.Errorf("unsubscribe %s: %w", c.ID, err)
		}
	}
	if user == "" {
		return nil
	}
	return d.forget(ctx, c, user)
}

// forget removes the subscriptions first: if it fails halfway, the connection is still found and forgotten later.
func (d *Desk) forget(ctx context.Context, c Connection, user User) error {
	list, err := d.Store.Watches(ctx, user)
	if err != nil {
		return fmt.Errorf("list what %s watches: %w", user, err)
	}
	if err := d.unsubscribe(ctx, c, list); err != nil {
		return err
	}
	if err := d.Store.Close(ctx, c.ID, user); err != nil {
		return fmt.Errorf("forget %s: %w", c.ID, err)
	}
	return nil
}
