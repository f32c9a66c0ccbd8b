package apigateway

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"quotewire/quotes"
)

// Boards are an extension of Quotewire's own gateway: POST /{stage}/@topics/{id}, beside @connections. A ticker is a
// topic. AWS answers the address with 403: there the poster says [quotes.ErrNoBoards], and from then on without asking.

var _ quotes.Boards = (*Poster)(nil)

// quotesTemplate is the message about quotes, as the desk makes it.
const quotesTemplate = `{"action":"quotes","connection-id":"$context.connectionId","quotes":[$data]}`

type subscription struct {
	Unsubscribe []quotes.Ticker `json:"unsubscribe,omitempty"`
	Subscribe   []quotes.Ticker `json:"subscribe,omitempty"`
	Announced   []quotes.Ticker `json:"announced,omitempty"`
	publication
}

type publication struct {
	Template string  `json:"template,omitempty"`
	Messages []value `json:"messages,omitempty"`
}

type value struct {
	Topic   quotes.Ticker `json:"topic"`
	Version int64         `json:"version"`
	Data    quotes.Quote  `json:"data"`
}

func publicationOf(list []quotes.Stored) publication {
	p := publication{quotesTemplate, make([]value, len(list))}
	for i, q := range list {
		p.Messages[i] = value{q.Ticker, q.Version, q.Quote}
	}
	return p
}

// Listen changes what a connection listens to.
func (p *Poster) Listen(ctx context.Context, c quotes.Connection, add, remove []quotes.Ticker) (quotes.Board, []quotes.Ticker, error) {
	var answer struct {
		Board    string
		Announce []quotes.Ticker
		Lease    int64
	}
	now := time.Now()
	err := p.topics(ctx, c.Endpoint, string(c.ID), subscription{Unsubscribe: remove, Subscribe: add}, &answer)
	expires := now.Add(time.Duration(answer.Lease) * time.Second).Truncate(time.Second)
	return quotes.Board{ID: answer.Board, Endpoint: c.Endpoint, Expires: expires}, answer.Announce, err
}

// Announced tells the board of a connection that tickers are announced.
func (p *Poster) Announced(ctx context.Context, c quotes.Connection, tickers []quotes.Ticker) error {
	return p.topics(ctx, c.Endpoint, string(c.ID), subscription{Announced: tickers}, nil)
}

// Show sends a connection one message with quotes.
func (p *Poster) Show(ctx context.Context, c quotes.Connection, list []quotes.Stored) error {
	return p.topics(ctx, c.Endpoint, string(c.ID), subscription{publication: publicationOf(list)}, nil)
}

// Publish sends quotes to all who listen at a board.
func (p *Poster) Publish(ctx context.Context, b quotes.Board, list []quotes.Stored) (int, error) {
	var answer struct{ Delivered int }
	err := p.topics(ctx, b.Endpoint, b.ID, publicationOf(list), &answer)
	return answer.Delivered, err
}

// topics calls the topics API of an endpoint with the id of a connection or a board.
func (p *Poster) topics(ctx context.Context, endpoint, id string, in, out any) error {
	if p.endpoint != "" {
		endpoint = p.endpoint
	}
	p.mu.Lock()
	none := p.noBoards[endpoint]
	p.mu.Unlock()
	if none {
		return quotes.ErrNoBoards
	}
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	response, err := p.post(ctx, p.address(endpoint, "@topics", id), "application/json", body)
	if err != nil {
		return fmt.Errorf("tell the board for %s: %w", id, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("tell the board for %s: %w", id, err)
	}
	switch {
	case response.StatusCode == http.StatusOK:
		if out != nil {
			err = json.Unmarshal(text, out)
		}
		return err
	case response.StatusCode == http.StatusGone:
		return quotes.ErrGone
	case isMissing(response):
		p.mu.Lock()
		p.noBoards[endpoint] = true
		p.mu.Unlock()
		return quotes.ErrNoBoards
	}
	return fmt.Errorf("tell the board for %s: %s: %.300s", id, response.Status, text)
}

// isMissing tells whether an answer says that there is no such address, and not that its caller may not use it.
func isMissing(r *http.Response) bool {
	switch r.StatusCode {
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return true
	case http.StatusForbidden:
		switch r.Header.Get("x-amzn-ErrorType") {
		case "MissingAuthenticationTokenException", "ForbiddenException", "":
			return true
		}
	}
	return false
}

// post signs and sends a request. It is sent again, as by the SDK, if there was no answer to it, or one that says that the
// gateway had no time or no luck: a message may come twice then, rather than never.
func (p *Poster) post(ctx context.Context, address, contentType string, body []byte) (*http.Response, error) {
	hash := sha256.Sum256(body)
	tries := cmp.Or(p.config.RetryMaxAttempts, retry.DefaultMaxAttempts)
	for try := 1; ; try++ {
		response, err := p.postOnce(ctx, address, contentType, body, hex.EncodeToString(hash[:]))
		if try >= tries || ctx.Err() != nil || err == nil && !isTransient(response.StatusCode) {
			return response, err
		}
		if err == nil {
			io.Copy(io.Discard, response.Body)
			response.Body.Close()
		}
		pause := baseDelay << (try - 1)
		select {
		case <-time.After(pause/2 + rand.N(pause)):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// baseDelay is before a request is sent for the second time, on average.
const baseDelay = 50 * time.Millisecond

// isTransient reports whether the request that gets such an answer is worth to be repeated.
func isTransient(status int) bool {
	return status == http.StatusTooManyRequests || status >= 500 && status != http.StatusNotImplemented
}

func (p *Poster) postOnce(ctx context.Context, address, contentType string, body []byte, hash string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", contentType)
	credentials, err := p.config.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("credentials: %w", err)
	}
	if err := p.signer.SignHTTP(ctx, credentials, request, hash, "execute-api", p.config.Region, time.Now()); err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return p.http.Do(request)
}

// client is what sends the requests: the one that AWS's clients use, or one like theirs.
func client(config aws.Config) aws.HTTPClient {
	if config.HTTPClient != nil {
		return config.HTTPClient
	}
	return awshttp.NewBuildableClient()
}
