package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"quotewire/cloud"
	"quotewire/feed"
	"quotewire/quotes"
)

var publishVerb = verb{
	name:  "publish",
	args:  "TICKER=CENTS…",
	short: "publish prices to the running quotewire up",
	long: `
Posts one price or many, in cents, to the stock-publish API of the quotewire up that runs on the same state folder:

  quotewire publish EIQQ=2210 MODD=99`,
	prepare: func(flags *flag.FlagSet) func(context.Context, []string) error {
		dir := flags.String("state", ".quotewire", "the `DIR` of the running quotewire up")
		return func(ctx context.Context, args []string) error {
			if len(args) == 0 {
				return usagef("give the prices to publish as TICKER=CENTS, such as EIQQ=2210")
			}
			var prices []quotes.Quote
			for _, arg := range args {
				ticker, price, ok := strings.Cut(arg, "=")
				if !ok {
					return usagef("%q is no price; write TICKER=CENTS, such as EIQQ=2210", arg)
				}
				q, err := quotes.ParseQuote(ticker, price)
				if err != nil {
					return usagef("%s", err)
				}
				prices = append(prices, q)
			}
			return publish(ctx, *dir, prices)
		}
	},
}

func publish(ctx context.Context, dir string, prices []quotes.Quote) error {
	e, err := cloud.ReadEndpoints(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("no quotewire up is running on the state folder %s; start one, or name its folder with --state", dir)
	}
	if err != nil {
		return fmt.Errorf("%s/endpoints.json: %w", dir, err)
	}
	url, ok := e.APIs["stock-publish"]
	if !ok {
		return fmt.Errorf("the cloud at %s has no API named stock-publish; deploy the script first", e.Cloud)
	}
	ctx, cancel := context.WithTimeout(ctx, 35*time.Second) // the gateway itself gives up after 30 s
	defer cancel()
	receipt, err := feed.NewPublisher(url, nil).Publish(ctx, prices)
	if err != nil {
		return fmt.Errorf("publish to %s: %w", url, err)
	}
	var names []string
	for _, q := range prices {
		names = append(names, fmt.Sprintf("%s=%d", q.Ticker, q.Price))
	}
	fmt.Printf("published %s, delivered to %d connections\n", strings.Join(names, " "), receipt.Delivered)
	return nil
}
