// Package sample makes the data that a fresh installation starts with: 2,000 tickers with prices and 100 users who each
// watch 10 to 30 of them. It is the same on every machine and in every run, as it is computed from a fixed seed.
//
// The tickers are invented, but for those in [Replayed], whose prices move as soon as the feed replays its recordings.
// Every user watches at least three of these, so that something moves on every page. A few dozen of the invented ones
// are popular, so that most of what is watched is watched by several users.
package sample

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"quotewire/quotes"
)

const (
	tickers = 2000
	users   = 100
	popular = 60 // of the invented tickers, the first ones

	fewest, most   = 10, 30 // tickers that a user watches
	fewestReplayed = 3
)

// Replayed returns the tickers of the recorded prices, with the first recorded price of each.
func Replayed() []quotes.Quote {
	return []quotes.Quote{
		{Ticker: "SPX", Price: 146925}, {Ticker: "MSFT", Price: 3981}, {Ticker: "AMZN", Price: 6456},
		{Ticker: "IBM", Price: 10052}, {Ticker: "GOOG", Price: 10237}, {Ticker: "AAPL", Price: 2594},
	}
}

// Store is what can be loaded.
type Store interface {
	// Empty tells whether there is no user yet.
	Empty(context.Context) (bool, error)
	// Load writes prices and users with what they watch.
	Load(context.Context, []quotes.Quote, map[quotes.User][]quotes.Ticker) error
}

// Load writes the sample data into a store that is empty, and tells whether it did.
func Load(ctx context.Context, store Store) (loaded bool, err error) {
	empty, err := store.Empty(ctx)
	if err != nil {
		return false, fmt.Errorf("sample data: %w", err)
	}
	if !empty {
		return false, nil
	}
	prices := Prices()
	if err := store.Load(ctx, prices, Watches(prices)); err != nil {
		return false, fmt.Errorf("sample data: %w", err)
	}
	return true, nil
}

// Prices returns the tickers with their first prices, between one dollar and 500 for the invented ones.
func Prices() []quotes.Quote {
	random := rand.New(rand.NewPCG(1, 1))
	list := append(Replayed(),
		quotes.Quote{Ticker: "EIQQ", Price: 2200}, quotes.Quote{Ticker: "MODD", Price: 98}, quotes.Quote{Ticker: "QUTI", Price: 7415})
	taken := make(map[quotes.Ticker]bool)
	for _, q := range list {
		taken[q.Ticker] = true
	}
	for len(list) < tickers {
		if t := invent(random); !taken[t] {
			taken[t] = true
			list = append(list, quotes.Quote{Ticker: t, Price: quotes.Price(100 + random.IntN(49900))})
		}
	}
	return list
}

// invent makes a name of four letters that can be spoken: a vowel stands second or third.
func invent(random *rand.Rand) quotes.Ticker {
	const consonants, vowels = "BCDFGHJKLMNPQRSTVWXZ", "AEIOUY"
	name := make([]byte, 4)
	for i := range name {
		name[i] = consonants[random.IntN(len(consonants))]
	}
	name[1+random.IntN(2)] = vowels[random.IntN(len(vowels))]
	return quotes.Ticker(name)
}

// Watches returns user001 to user100 with what they watch of the tickers that [Prices] made. user003 watches EIQQ.
func Watches(prices []quotes.Quote) map[quotes.User][]quotes.Ticker {
	random := rand.New(rand.NewPCG(2, 2))
	replayed := len(Replayed())
	watches := make(map[quotes.User][]quotes.Ticker, users)
	for n := 1; n <= users; n++ {
		user := quotes.User(fmt.Sprintf("user%03d", n))
		var list []quotes.Ticker
		if user == "user003" {
			list = append(list, "EIQQ")
		}
		for _, i := range random.Perm(replayed)[:fewestReplayed+random.IntN(replayed-fewestReplayed+1)] {
			list = append(list, prices[i].Ticker)
		}
		for count := fewest + random.IntN(most-fewest+1); len(list) < count; {
			i := replayed + random.IntN(popular)
			if random.IntN(2) == 0 {
				i = replayed + random.IntN(len(prices)-replayed)
			}
			if t := prices[i].Ticker; !slices.Contains(list, t) {
				list = append(list, t)
			}
		}
		slices.Sort(list)
		watches[user] = list
	}
	return watches
}
