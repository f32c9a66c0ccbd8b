package quotes

import (
	"context"
	"errors"
)

// ConnectionID is the gateway's name for an open WebSocket. It is never used twice.
type ConnectionID string

// Connection is where a page can be reached.
type Connection struct {
	ID ConnectionID
	// Endpoint is the address of the @connections API behind which the connection is, such as
	// https://q7w2e9r4t1.execute-api.us-east-1.amazonaws.com/development. It is kept with the connection, so that
	// who publishes need not be told where the pages are.
	Endpoint string
}

// Stored is a quote with its place in the history of its ticker.
type Stored struct {
	Quote
	// Version is 1 for the first price of a ticker and grows by one with each price after it. Of two quotes of a
	// ticker, the one with the larger version is newer.
	Version int64
}

// Store keeps what desks must remember, and answers their few questions. All of its methods may be called at the same
// time, by many desks. A read sees every write that was finished before it began: the races between someone who
// identifies and someone who publishes are decided by this.
type Store interface {
	// Users lists the users in order.
	Users(context.Context) ([]User, error)
	// HasUser tells whether a user is known.
	HasUser(context.Context, User) (bool, error)

	// Watches lists what a user watches, in order of tickers.
	Watches(context.Context, User) ([]Ticker, error)
	// AddWatch and RemoveWatch change that list; to repeat either changes nothing.
	AddWatch(context.Context, User, Ticker) error
	RemoveWatch(context.Context, User, Ticker) error

	// SetPrices stores quotes, each of another ticker, and returns them with the versions they got.
	SetPrices(context.Context, []Quote) ([]Stored, error)
	// Prices returns the newest quotes of tickers. Tickers without a price are left out.
	Prices(context.Context, []Ticker) (map[Ticker]Stored, error)

	// Open notes that a user is on a connection; UserOn tells who is, "" for nobody.
	Open(context.Context, Connection, User) error
	UserOn(context.Context, ConnectionID) (User, error)
	// Connections lists all connections that a user is on.
	Connections(context.Context, User) ([]Connection, error)
	// Close forgets that a user is on a connection.
	Close(context.Context, ConnectionID, User) error

	// Subscribe notes that a connection wants the prices of tickers; Unsubscribe that it does not.
	Subscribe(context.Context, Connection, []Ticker) error
	Unsubscribe(context.Context, ConnectionID, []Ticker) error
	// Announce notes that somebody at a board may listen to tickers; Withdraw that nobody does, unless that was
	// announced again since the board was read.
	Announce(context.Context, Board, []Ticker) error
	Withdraw(context.Context, Board, Ticker) error
	// Subscribers lists who wants the prices of a ticker: connections, and boards with whoever listens there.
	Subscribers(context.Context, Ticker) ([]Connection, []Board, error)
}

// Poster sends a message to a connection. Its methods may be called at the same time.
type Poster interface {
	// Post returns when the gateway has taken the message, or with [ErrGone] if there is no such connection any more.
	Post(context.Context, Connection, []byte) error
}

// ErrGone says that a connection is closed and will never open again.
var ErrGone = errors.New("the connection is gone")
