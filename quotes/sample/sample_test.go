package sample_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"testing"

	"quotewire/feed"
	"quotewire/quotes"
	"quotewire/quotes/sample"
)

func TestSampleIsWhatItSays(t *testing.T) {
	prices := sample.Prices()
	if len(prices) != 2000 {
		t.Errorf("%d tickers, want 2000", len(prices))
	}
	known := make(map[quotes.Ticker]bool)
	for _, q := range prices {
		if _, err := quotes.ParseTicker(string(q.Ticker)); err != nil || q.Price <= 0 {
			t.Errorf("%v is no quote: %v", q, err)
		}
		known[q.Ticker] = true
	}
	for _, ticker := range []quotes.Ticker{"EIQQ", "MODD", "QUTI"} {
		if !known[ticker] {
			t.Errorf("%s is missing", ticker)
		}
	}
	replayed := make(map[quotes.Ticker]bool)
	for _, q := range sample.Replayed() {
		replayed[q.Ticker] = true
	}
	watches := sample.Watches(prices)
	if len(watches) != 100 {
		t.Errorf("%d users, want 100", len(watches))
	}
	watchers := make(map[quotes.Ticker]int)
	for user, list := range watches {
		if len(list) < 10 || len(list) > 30 {
			t.Errorf("%s watches %d tickers, want 10 to 30", user, len(list))
		}
		moving := 0
		for _, ticker := range list {
			if !known[ticker] {
				t.Errorf("%s watches %s, which has no price", user, ticker)
			}
			if replayed[ticker] {
				moving++
			}
			watchers[ticker]++
		}
		if moving < 3 {
			t.Errorf("%s watches %d of the replayed tickers, want at least 3", user, moving)
		}
	}
	if !slices.Contains(watches["user003"], "EIQQ") {
		t.Error("user003 does not watch EIQQ")
	}
}

// The digest changes only when the sample data is changed on purpose.
func TestSampleIsTheSameOnEveryMachine(t *testing.T) {
	prices := sample.Prices()
	text, err := json.Marshal([]any{prices, sample.Watches(prices)})
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	if got, want := hex.EncodeToString(sum[:8]), "eb96454079e757dd"; got != want {
		t.Errorf("digest of the sample data is %s, want %s", got, want)
	}
}

func TestReplayedTickersAndTheirFirstPricesAreTheFeeds(t *testing.T) {
	replay, err := feed.NewReplay()
	if err != nil {
		t.Fatal(err)
	}
	first := make(map[quotes.Ticker]quotes.Price)
	for range len(replay.Tickers()) - 1 {
		step, _ := replay.Next(t.Context())
		for _, q := range step {
			if _, ok := first[q.Ticker]; !ok {
				first[q.Ticker] = q.Price
			}
		}
	}
	for i, q := range sample.Replayed() {
		if replay.Tickers()[i] != q.Ticker || first[q.Ticker] != q.Price {
			t.Errorf("the sample has %v, the feed begins with %s at %d", q, replay.Tickers()[i], first[q.Ticker])
		}
	}
}
