package quotes

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
)

// maxPrice is the largest integer that JavaScript holds exactly, 2^53-1.
const maxPrice = 1<<53 - 1

// maxQuotes bounds the prices that are published at once.
const maxQuotes = 5000

// Price is an amount in cents.
type Price int64

// Quote is what a ticker costs.
type Quote struct {
	Ticker Ticker `json:"ticker"`
	Price  Price  `json:"price"`
}

// ParseQuote reads a ticker and a price in cents, as people and forms write them.
func ParseQuote(ticker, price string) (Quote, error) {
	t, err := ParseTicker(ticker)
	if err != nil {
		return Quote{}, err
	}
	p, ok := parsePrice(price)
	if !ok {
		return Quote{}, wrongPrice(t, quoted(price))
	}
	return Quote{t, p}, nil
}

func parsePrice(text string) (Price, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return Price(n), err == nil && n >= 0 && n <= maxPrice
}

func wrongPrice(ticker Ticker, got string) error {
	return invalid("the price of %s must be a whole number of cents, such as 2210; got %s", ticker, got)
}

// ParseQuotes reads the quotes that someone publishes as JSON: one quote, a list of them, or {"quotes":[…]}.
// An error names the first item that is wrong and what to write.
func ParseQuotes(text []byte) ([]Quote, error) {
	var items []json.RawMessage
	switch text = bytes.TrimSpace(text); {
	case len(text) == 0:
		return nil, checkCount(0)
	case text[0] == '[':
		if err := decode(text, &items); err != nil {
			return nil, misshapen(text)
		}
	default:
		var object struct {
			Quotes *[]json.RawMessage `json:"quotes"`
		}
		if err := decode(text, &object); err != nil {
			return nil, misshapen(text)
		}
		items = []json.RawMessage{text}
		if object.Quotes != nil {
			items = *object.Quotes
		}
	}
	list := make([]Quote, 0, len(items))
	for i, item := range items {
		q, err := parseQuote(item)
		if err != nil {
			if len(items) > 1 {
				err = invalid("item %d: %v", i+1, err)
			}
			return nil, err
		}
		list = append(list, q)
	}
	return list, checkCount(len(list))
}

func misshapen(text []byte) error {
	return invalid(`prices must be JSON: {"ticker":"EIQQ","price":2210}, a list of such, or {"quotes":[…]}; got %s`, quoted(string(text)))
}

func parseQuote(item []byte) (Quote, error) {
	var raw struct {
		Ticker *string         `json:"ticker"`
		Price  json.RawMessage `json:"price"`
	}
	if err := decode(item, &raw); err != nil || raw.Ticker == nil {
		return Quote{}, invalid(`no "ticker" in %s; write {"ticker":"EIQQ","price":2210}`, quoted(string(item)))
	}
	ticker, err := ParseTicker(*raw.Ticker)
	if err != nil {
		return Quote{}, err
	}
	if len(raw.Price) == 0 {
		return Quote{}, wrongPrice(ticker, "none")
	}
	price, ok := parsePrice(string(raw.Price))
	if !ok {
		return Quote{}, wrongPrice(ticker, string(raw.Price[:min(len(raw.Price), 40)]))
	}
	return Quote{ticker, price}, nil
}

func checkCount(n int) error {
	if n == 0 {
		return invalid(`there is no price in the request; send at least one, such as {"ticker":"EIQQ","price":2210}`)
	}
	if n > maxQuotes {
		return invalid("%d prices are too many for one request; send at most %d", n, maxQuotes)
	}
	return nil
}

// decode reads text, which must be one JSON value and nothing else.
func decode(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the first value")
	}
	return nil
}
