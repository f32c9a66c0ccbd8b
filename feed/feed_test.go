package feed_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"quotewire/feed"
	"quotewire/quotes"
)

func TestReplayRepeatsTheRecordings(t *testing.T) {
	replay, err := feed.NewReplay()
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[quotes.Ticker][]quotes.Price)
	for range 20421 { // 5,105 days of four prices, and one more
		step, err := replay.Next(t.Context())
		if err != nil || len(step) != 2 {
			t.Fatalf("Next = %v, %v; want two prices", step, err)
		}
		for _, q := range step {
			seen[q.Ticker] = append(seen[q.Ticker], q.Price)
		}
	}
	for ticker, want := range map[quotes.Ticker]struct {
		first quotes.Price
		round int // prices until it begins again
	}{"SPX": {146925, 20420}, "MSFT": {3981, 123}, "AMZN": {6456, 123}, "IBM": {10052, 123}, "GOOG": {10237, 68}, "AAPL": {2594, 123}} {
		got := seen[ticker]
		if len(got) <= want.round || got[0] != want.first || got[want.round] != want.first {
			t.Errorf("%s: %d prices from %d on, and not %d again after %d", ticker, len(got), got[0], want.first, want.round)
		}
	}
	if got := fmt.Sprint(seen["SPX"][:5]); got != "[146925 147800 143836 145522 145522]" {
		t.Errorf("SPX begins with %s", got)
	}
}

func TestWalkIsTheSameForTheSameSeed(t *testing.T) {
	start := []quotes.Quote{{Ticker: "A", Price: 1}, {Ticker: "B", Price: 10000}, {Ticker: "C", Price: 500}}
	walk := func(seed uint64) string {
		w, err := feed.NewWalk(seed, start, 2)
		if err != nil {
			t.Fatal(err)
		}
		var all []quotes.Quote
		for range 500 {
			step, _ := w.Next(t.Context())
			if step[0].Ticker == step[1].Ticker {
				t.Fatalf("%v moves a ticker twice", step)
			}
			for _, q := range step {
				if q.Price < 1 {
					t.Fatalf("%v: a price below one cent", q)
				}
			}
			all = append(all, step...)
		}
		return fmt.Sprint(all)
	}
	if walk(1) != walk(1) {
		t.Error("two walks of one seed differ")
	}
	if walk(1) == walk(2) {
		t.Error("walks of two seeds are the same")
	}
	if _, err := feed.NewWalk(1, start, 4); err == nil {
		t.Error("a walk of 4 of 3 tickers is accepted")
	}
}

// api answers the n-th request with the n-th of the answers, the last one from then on, and counts the requests.
func api(t *testing.T, requests *[]string, answers ...string) *feed.Publisher {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*requests = append(*requests, r.Method+" "+r.Header.Get("Content-Type")+" "+string(body))
		status, text := 0, ""
		answer := answers[min(len(*requests), len(answers))-1]
		if _, err := fmt.Sscanf(answer, "%d", &status); err != nil {
			t.Error(err)
		}
		_, text, _ = strings.Cut(answer, " ")
		w.WriteHeader(status)
		io.WriteString(w, text)
	}))
	t.Cleanup(server.Close)
	return feed.NewPublisher(server.URL, server.Client())
}

var step = []quotes.Quote{{Ticker: "EIQQ", Price: 2210}, {Ticker: "MODD", Price: 99}}

func TestPublisherPostsAStepInOneRequest(t *testing.T) {
	var requests []string
	p := api(t, &requests, `200 {"published":2,"delivered":3,"gone":1}`)
	got, err := p.Publish(t.Context(), step)
	if want := (quotes.Delivery{Published: 2, Delivered: 3, Gone: 1}); err != nil || got != want {
		t.Errorf("Publish = %+v, %v; want %+v", got, err, want)
	}
	want := `[POST application/json {"quotes":[{"ticker":"EIQQ","price":2210},{"ticker":"MODD","price":99}]}]`
	if got := fmt.Sprint(requests); got != want {
		t.Errorf("requests %s, want %s", got, want)
	}
}

func TestPublisherTriesAgainWhileTheAPIFails(t *testing.T) {
	var requests []string
	p := api(t, &requests, `503 {"message":"Service Unavailable"}`, `429 slow`, `200 {"published":2}`)
	if got, err := p.Publish(t.Context(), step); err != nil || got.Published != 2 || len(requests) != 3 {
		t.Errorf("Publish = %+v, %v after %d requests; want 2 published in the third", got, err, len(requests))
	}
}

func TestPublisherTellsWhatTheAPIRefuses(t *testing.T) {
	var requests []string
	p := api(t, &requests, `400 {"message":"\"eiqq\" is not a ticker"}`)
	_, err := p.Publish(t.Context(), step)
	var refused *feed.Refused
	if !errors.As(err, &refused) || refused.Status != 400 || len(requests) != 1 {
		t.Fatalf("Publish = %v after %d requests; want it refused at once", err, len(requests))
	}
	if want := `the API refuses (400 Bad Request): "eiqq" is not a ticker`; err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
}

func TestPublisherSaysWhenTheAddressIsAnothers(t *testing.T) {
	var requests []string
	p := api(t, &requests, `200 <html>`)
	if _, err := p.Publish(t.Context(), step); err == nil || !strings.Contains(err.Error(), "is not the address where prices are published") {
		t.Errorf("error %v; want it to doubt the address", err)
	}
}

// counter is a source of numbered steps and the sink that takes them, each in its own time.
type counter struct {
	n, last int
	sink    func(step int) error
}

func (c *counter) Next(context.Context) ([]quotes.Quote, error) {
	if c.n == c.last {
		return nil, io.EOF
	}
	c.n++
	return []quotes.Quote{{Ticker: "N", Price: quotes.Price(c.n)}}, nil
}

func (c *counter) Publish(_ context.Context, step []quotes.Quote) (quotes.Delivery, error) {
	return quotes.Delivery{}, c.sink(int(step[0].Price))
}

func TestRunPublishesOneStepAnInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var at []time.Duration
		c := &counter{last: 4, sink: func(n int) error {
			at = append(at, time.Since(begin))
			if n == 2 {
				time.Sleep(2500 * time.Millisecond) // longer than the interval: the source waits
			}
			return nil
		}}
		if err := feed.Run(t.Context(), c, c, time.Second, slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
		if got, want := fmt.Sprint(at), "[0s 1s 3.5s 4s]"; got != want {
			t.Errorf("steps at %s, want %s", got, want)
		}
	})
}

func TestRunLogsTheFirstFailureAndTheRecovery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		c := &counter{last: 5, sink: func(n int) error {
			if n == 2 || n == 3 {
				return errors.New("no one is there")
			}
			return nil
		}}
		if err := feed.Run(t.Context(), c, c, time.Second, slog.New(slog.NewJSONHandler(&log, nil))); err != nil {
			t.Fatal(err)
		}
		var messages []string
		for d := json.NewDecoder(strings.NewReader(log.String())); ; {
			var line struct {
				Msg, Err string
				Lost     int `json:"lost steps"`
			}
			if d.Decode(&line) != nil {
				break
			}
			messages = append(messages, fmt.Sprint(line.Msg, line.Err, line.Lost))
		}
		want := "[prices are not published; the feed goes on tryingno one is there0 prices are published again2]"
		if got := fmt.Sprint(messages); got != want {
			t.Errorf("log %s, want %s", got, want)
		}
	})
}

func TestRunEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c := &counter{last: 1000, sink: func(n int) error {
			if n == 3 {
				cancel()
			}
			return nil
		}}
		if err := feed.Run(ctx, c, c, time.Hour, slog.New(slog.DiscardHandler)); err != nil || c.n != 3 {
			t.Errorf("Run = %v after %d steps, want nil after 3", err, c.n)
		}
	})
}
