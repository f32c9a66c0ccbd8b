package feed

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/csv"
	"fmt"
	"math"
	"strconv"

	"quotewire/quotes"
)

// The recordings. See data/NOTICE for where they come from and data/LICENSE for their licence.
var (
	//go:embed data/sp500-2000.csv
	indexCSV []byte
	//go:embed data/stocks.csv
	stocksCSV []byte
)

// series is the recorded prices of one ticker, in their order.
type series struct {
	ticker quotes.Ticker
	prices []quotes.Price
	next   int
}

// take returns the next price; after the last one the recording starts again.
func (s *series) take() quotes.Quote {
	q := quotes.Quote{Ticker: s.ticker, Price: s.prices[s.next]}
	s.next = (s.next + 1) % len(s.prices)
	return q
}

// Replay is a [Source] of recorded prices: of SPX, the S&P 500 index, with four prices (open, high, low, close) for
// every trading day from 2000 to 2020, and of MSFT, AMZN, IBM, GOOG and AAPL, one price a month until 2010.
//
// Each ticker replays its own history and starts again at its end; the histories have no common clock. A step holds the
// next price of the index and of one company, in turn: so all move, and not all at once.
type Replay struct {
	index     *series
	companies []*series
	turn      int
}

var _ Source = (*Replay)(nil)

// NewReplay returns a replay from the start of the recordings.
func NewReplay() (*Replay, error) {
	index, err := readIndex(indexCSV)
	if err != nil {
		return nil, fmt.Errorf("recorded prices of the index: %w", err)
	}
	companies, err := readStocks(stocksCSV)
	if err != nil {
		return nil, fmt.Errorf("recorded prices of the companies: %w", err)
	}
	return &Replay{index: index, companies: companies}, nil
}

// Tickers lists the tickers that are replayed.
func (r *Replay) Tickers() []quotes.Ticker {
	list := []quotes.Ticker{r.index.ticker}
	for _, c := range r.companies {
		list = append(list, c.ticker)
	}
	return list
}

// Next returns the next recorded price of the index and of one company.
func (r *Replay) Next(context.Context) ([]quotes.Quote, error) {
	company := r.companies[r.turn]
	r.turn = (r.turn + 1) % len(r.companies)
	return []quotes.Quote{r.index.take(), company.take()}, nil
}

// readIndex reads date,open,high,low,close,….
func readIndex(text []byte) (*series, error) {
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		return nil, err
	}
	s := &series{ticker: "SPX"}
	for i, row := range rows[1:] {
		for _, dollars := range row[1:5] {
			price, err := cents(dollars)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", i+2, err)
			}
			s.prices = append(s.prices, price)
		}
	}
	return s, nil
}

// readStocks reads symbol,date,price; the lines of a symbol are in the order of their dates.
func readStocks(text []byte) ([]*series, error) {
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		return nil, err
	}
	var all []*series
	by := make(map[string]*series)
	for i, row := range rows[1:] {
		s := by[row[0]]
		if s == nil {
			ticker, err := quotes.ParseTicker(row[0])
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", i+2, err)
			}
			s = &series{ticker: ticker}
			by[row[0]] = s
			all = append(all, s)
		}
		price, err := cents(row[2])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+2, err)
		}
		s.prices = append(s.prices, price)
	}
	return all, nil
}

// cents reads an amount in dollars and rounds it to the cent.
func cents(dollars string) (quotes.Price, error) {
	v, err := strconv.ParseFloat(dollars, 64)
	if err != nil {
		return 0, err
	}
	return quotes.Price(math.Round(v * 100)), nil
}
