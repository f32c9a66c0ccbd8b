package main

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"

	"quotewire/quotes"
)

func looksLikeJSON(body []byte) bool {
	body = bytes.TrimSpace(body)
	return len(body) > 0 && (body[0] == '{' || body[0] == '[')
}

// parseForm reads the prices in a form, in its order: TICKER=CENTS, or pairs of ticker=TICKER and price=CENTS. The two
// cannot be mistaken for each other, as tickers are in upper case.
func parseForm(text string) ([]quotes.Quote, error) {
	var list []quotes.Quote
	var tickers, prices []string
	for field := range strings.SplitSeq(strings.TrimSpace(text), "&") {
		if field == "" {
			continue
		}
		name, value, _ := strings.Cut(field, "=")
		name, err := url.QueryUnescape(name)
		if err == nil {
			value, err = url.QueryUnescape(value)
		}
		if err != nil {
			return nil, fmt.Errorf("the form is not encoded rightly: %w", err)
		}
		switch name {
		case "ticker":
			tickers = append(tickers, value)
		case "price":
			prices = append(prices, value)
		default:
			quote, err := quotes.ParseQuote(name, value)
			if err != nil {
				return nil, err
			}
			list = append(list, quote)
		}
	}
	if len(tickers) != len(prices) {
		return nil, fmt.Errorf("the form has %d times ticker= and %d times price=; each ticker needs a price, such as ticker=EIQQ&price=2210", len(tickers), len(prices))
	}
	for i, ticker := range tickers {
		quote, err := quotes.ParseQuote(ticker, prices[i])
		if err != nil {
			return nil, err
		}
		list = append(list, quote)
	}
	return list, nil
}
