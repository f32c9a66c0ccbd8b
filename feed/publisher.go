package feed

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"quotewire/quotes"
)

// maxTries bounds how often one step is sent: at once and then after about 0.1, 0.2, 0.4 and 0.8 seconds. A step that
// waits longer than that is older than the next one.
const maxTries = 5

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 64 << 10

// Publisher posts prices to the HTTP API. Its methods may be called at the same time.
type Publisher struct {
	url    string
	client *http.Client
}

// NewPublisher returns a publisher for the API at url. A nil client means one that gives up on a request after 35
// seconds, which is longer than the gateway takes to.
func NewPublisher(url string, client *http.Client) *Publisher {
	if client == nil {
		client = &http.Client{Timeout: 35 * time.Second}
	}
	return &Publisher{url, client}
}

// Refused is the error of an API that has understood a request and will not take it, such as a price that is none.
type Refused struct {
	Status  int
	Message string // as the API said it
}

func (e *Refused) Error() string { return e.Message }

// Publish posts prices in one request and returns what became of them. It tries again, with growing random pauses,
// while the API cannot be reached, is busy (429) or fails (5xx); publishing a price twice does no harm.
func (p *Publisher) Publish(ctx context.Context, list []quotes.Quote) (quotes.Delivery, error) {
	body, err := json.Marshal(struct {
		Quotes []quotes.Quote `json:"quotes"`
	}{list})
	if err != nil {
		return quotes.Delivery{}, fmt.Errorf("publish: %w", err)
	}
	pause := 100 * time.Millisecond
	for try := 1; ; try++ {
		delivery, again, err := p.post(ctx, body)
		if err == nil || !again {
			return delivery, err
		}
		if try == maxTries {
			return quotes.Delivery{}, fmt.Errorf("publish to %s, %d times: %w", p.url, try, err)
		}
		select {
		case <-time.After(pause/2 + rand.N(pause)):
		case <-ctx.Done():
			return quotes.Delivery{}, ctx.Err()
		}
		pause *= 2
	}
}

// post sends one request; again says that it may succeed if it is sent once more.
func (p *Publisher) post(ctx context.Context, body []byte) (d quotes.Delivery, again bool, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return d, false, fmt.Errorf("publish: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := p.client.Do(request)
	if err != nil {
		return d, ctx.Err() == nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return d, ctx.Err() == nil, err
	}
	switch status := response.StatusCode; {
	case status == http.StatusOK:
		if err := json.Unmarshal(text, &d); err != nil {
			return d, false, fmt.Errorf("%s is not the address where prices are published: its answer is %.60q", p.url, text)
		}
		return d, false, nil
	case status == http.StatusTooManyRequests || status >= 500:
		return d, true, fmt.Errorf("the API answers %s: %s", response.Status, said(text))
	default:
		return d, false, &Refused{status, fmt.Sprintf("the API refuses (%s): %s", response.Status, said(text))}
	}
}

// said is the message in an answer, or the answer as it is.
func said(answer []byte) string {
	var object struct{ Message string }
	if json.Unmarshal(answer, &object) == nil && object.Message != "" {
		return object.Message
	}
	return fmt.Sprintf("%.200s", bytes.TrimSpace(answer))
}
