// Package quotestest has what tests of the desk and of its adapters need: a store in memory, a poster that keeps what
// was posted, and the questions that every store must answer alike ([TestStore]).
package quotestest

import (
	"context"
	"maps"
	"slices"
	"sync"

	"quotewire/quotes"
)

// Store is a [quotes.Store] in memory. Make one with [NewStore].
type Store struct {
	// Before, if set, is called at the start of every call with the name of the method. A test uses it to hold a call
	// or to make something happen between two calls. An error is returned to the caller.
	Before func(method string) error

	mu            sync.Mutex // protects the following
	users         map[quotes.User]map[quotes.Ticker]bool
	prices        map[quotes.Ticker]quotes.Stored
	on            map[quotes.ConnectionID]quotes.User
	connections   map[quotes.User]map[quotes.ConnectionID]quotes.Connection
	subscriptions map[quotes.Ticker]map[quotes.ConnectionID]quotes.Connection
	boards        map[quotes.Ticker]map[string]quotes.Board
}

var _ quotes.Store = (*Store)(nil)

// NewStore returns a store without users and prices.
func NewStore() *Store {
	return &Store{
		users:         make(map[quotes.User]map[quotes.Ticker]bool),
		prices:        make(map[quotes.Ticker]quotes.Stored),
		on:            make(map[quotes.ConnectionID]quotes.User),
		connections:   make(map[quotes.User]map[quotes.ConnectionID]quotes.Connection),
		subscriptions: make(map[quotes.Ticker]map[quotes.ConnectionID]quotes.Connection),
		boards:        make(map[quotes.Ticker]map[string]quotes.Board),
	}
}

// begin runs Before and locks the store; the caller unlocks it.
func (s *Store) begin(method string) error {
	var err error
	if s.Before != nil {
		err = s.Before(method)
	}
	s.mu.Lock()
	return err
}

// Load adds prices and users with what they watch.
func (s *Store) Load(_ context.Context, prices []quotes.Quote, watches map[quotes.User][]quotes.Ticker) error {
	err := s.begin("Load")
	defer s.mu.Unlock()
	for _, q := range prices {
		s.prices[q.Ticker] = quotes.Stored{Quote: q, Version: 1}
	}
	for user, tickers := range watches {
		s.users[user] = make(map[quotes.Ticker]bool)
		for _, t := range tickers {
			s.users[user][t] = true
		}
	}
	return err
}

func (s *Store) Users(context.Context) ([]quotes.User, error) {
	err := s.begin("Users")
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.users)), err
}

func (s *Store) HasUser(_ context.Context, u quotes.User) (bool, error) {
	err := s.begin("HasUser")
	defer s.mu.Unlock()
	_, ok := s.users[u]
	return ok, err
}

func (s *Store) Watches(_ context.Context, u quotes.User) ([]quotes.Ticker, error) {
	err := s.begin("Watches")
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.users[u])), err
}

func (s *Store) AddWatch(_ context.Context, u quotes.User, t quotes.Ticker) error {
	err := s.begin("AddWatch")
	defer s.mu.Unlock()
	s.users[u][t] = true
	return err
}

func (s *Store) RemoveWatch(_ context.Context, u quotes.User, t quotes.Ticker) error {
	err := s.begin("RemoveWatch")
	defer s.mu.Unlock()
	delete(s.users[u], t)
	return err
}

func (s *Store) SetPrices(_ context.Context, list []quotes.Quote) ([]quotes.Stored, error) {
	err := s.begin("SetPrices")
	defer s.mu.Unlock()
	var stored []quotes.Stored
	for _, q := range list {
		now := quotes.Stored{Quote: q, Version: s.prices[q.Ticker].Version + 1}
		s.prices[q.Ticker] = now
		stored = append(stored, now)
	}
	return stored, err
}

func (s *Store) Prices(_ context.Context, tickers []quotes.Ticker) (map[quotes.Ticker]quotes.Stored, error) {
	err := s.begin("Prices")
	defer s.mu.Unlock()
	found := make(map[quotes.Ticker]quotes.Stored)
	for _, t := range tickers {
		if q, ok := s.prices[t]; ok {
			found[t] = q
		}
	}
	return found, err
}

func (s *Store) Open(_ context.Context, c quotes.Connection, u quotes.User) error {
	err := s.begin("Open")
	defer s.mu.Unlock()
	s.on[c.ID] = u
	if s.connections[u] == nil {
		s.connections[u] = make(map[quotes.ConnectionID]quotes.Connection)
	}
	s.connections[u][c.ID] = c
	return err
}

func (s *Store) UserOn(_ context.Context, id quotes.ConnectionID) (quotes.User, error) {
	err := s.begin("UserOn")
	defer s.mu.Unlock()
	return s.on[id], err
}

func (s *Store) Connections(_ context.Context, u quotes.User) ([]quotes.Connection, error) {
	err := s.begin("Connections")
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.connections[u])), err
}

func (s *Store) Close(_ context.Context, id quotes.ConnectionID, u quotes.User) error {
	err := s.begin("Close")
	defer s.mu.Unlock()
	delete(s.on, id)
	delete(s.connections[u], id)
	return err
}

func (s *Store) Subscribe(_ context.Context, c quotes.Connection, tickers []quotes.Ticker) error {
	err := s.begin("Subscribe")
	defer s.mu.Unlock()
	for _, t := range tickers {
		if s.subscriptions[t] == nil {
			s.subscriptions[t] = make(map[quotes.ConnectionID]quotes.Connection)
		}
		s.subscriptions[t][c.ID] = c
	}
	return err
}

func (s *Store) Unsubscribe(_ context.Context, id quotes.ConnectionID, tickers []quotes.Ticker) error {
	err := s.begin("Unsubscribe")
	defer s.mu.Unlock()
	for _, t := range tickers {
		delete(s.subscriptions[t], id)
	}
	return err
}

func (s *Store) Announce(_ context.Context, b quotes.Board, tickers []quotes.Ticker) error {
	err := s.begin("Announce")
	defer s.mu.Unlock()
	for _, t := range tickers {
		if s.boards[t] == nil {
			s.boards[t] = make(map[string]quotes.Board)
		}
		s.boards[t][b.ID] = b
	}
	return err
}

func (s *Store) Withdraw(_ context.Context, b quotes.Board, t quotes.Ticker) error {
	err := s.begin("Withdraw")
	defer s.mu.Unlock()
	if s.boards[t][b.ID].Expires.Equal(b.Expires) {
		delete(s.boards[t], b.ID)
	}
	return err
}

func (s *Store) Subscribers(_ context.Context, t quotes.Ticker) ([]quotes.Connection, []quotes.Board, error) {
	err := s.begin("Subscribers")
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.subscriptions[t])), slices.Collect(maps.Values(s.boards[t])), err
}
