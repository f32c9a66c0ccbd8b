package feed

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"

	"quotewire/quotes"
)

// volatility is the standard deviation of one move of a [Walk], as a part of the price.
const volatility = 0.002

// Walk is a [Source] of made-up prices: each step moves some tickers up or down by a small random part. The same seed,
// tickers and size give the same prices.
type Walk struct {
	random *rand.Rand
	prices []quotes.Quote
	size   int
}

var _ Source = (*Walk)(nil)

// NewWalk returns a walk that starts at the given prices and moves size of the tickers in each step.
func NewWalk(seed uint64, start []quotes.Quote, size int) (*Walk, error) {
	if len(start) == 0 || size < 1 || size > len(start) {
		return nil, errors.New("a random walk needs tickers, and each step moves at least one and at most all of them")
	}
	return &Walk{rand.New(rand.NewPCG(seed, seed)), append([]quotes.Quote(nil), start...), size}, nil
}

// Next moves size different tickers. A price stays at one cent or more.
func (w *Walk) Next(context.Context) ([]quotes.Quote, error) {
	step := make([]quotes.Quote, w.size)
	for i := range step {
		// The first i have been moved in this step already: swap one of the others into their ranks.
		j := i + w.random.IntN(len(w.prices)-i)
		w.prices[i], w.prices[j] = w.prices[j], w.prices[i]
		q := &w.prices[i]
		move := math.Round(float64(q.Price) * volatility * w.random.NormFloat64())
		if move == 0 { // a cheap ticker moves too
			move = float64(1 - 2*w.random.IntN(2))
		}
		q.Price = max(1, q.Price+quotes.Price(move))
		step[i] = *q
	}
	return step, nil
}
