// Package apigateway sends the desk's messages through the @connections API of Amazon API Gateway.
package apigateway

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go/encoding/httpbinding"

	"quotewire/quotes"
)

// Poster is a [quotes.Poster], and [quotes.Boards] where the gateway has them. It is safe for concurrent use. Make one with
// [New].
//
// It sends the requests that the SDK's client would, signed by the SDK, and sends them again when that would. The layers
// that the client builds for each request take more of a function's time than all else that it does to post a message.
type Poster struct {
	config   aws.Config
	endpoint string // of every connection, if set
	http     aws.HTTPClient
	signer   *v4.Signer

	mu       sync.Mutex      // protects the following
	noBoards map[string]bool // endpoints that are known to have none
}

var _ quotes.Poster = (*Poster)(nil)

// New returns a poster that signs with the credentials of config. An endpoint other than "" is used for every
// connection in place of the connection's own; wss:// and ws:// in it mean https:// and http://.
func New(config aws.Config, endpoint string) *Poster {
	for from, to := range map[string]string{"wss://": "https://", "ws://": "http://"} {
		if rest, ok := strings.CutPrefix(endpoint, from); ok {
			endpoint = to + rest
		}
	}
	return &Poster{
		config:   config,
		endpoint: strings.TrimRight(endpoint, "/"),
		http:     client(config),
		signer:   v4.NewSigner(),
		noBoards: make(map[string]bool),
	}
}

// Post sends a message to a connection. A connection that the gateway does not have, or no longer, is
// [quotes.ErrGone]: the API says 410 for both.
func (p *Poster) Post(ctx context.Context, to quotes.Connection, message []byte) error {
	response, err := p.post(ctx, p.address(to.Endpoint, "@connections", string(to.ID)), "application/octet-stream", message)
	if err != nil {
		return fmt.Errorf("post to %s: %w", to.ID, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	switch {
	case response.StatusCode == http.StatusOK:
		return nil
	case response.StatusCode == http.StatusGone:
		return quotes.ErrGone
	case err != nil:
		return fmt.Errorf("post to %s: %s: %w", to.ID, response.Status, err)
	}
	return fmt.Errorf("post to %s: %s: %s %.300s", to.ID, response.Status, response.Header.Get("X-Amzn-Errortype"), text)
}

// address is that of something with an id, in an API of the gateway.
func (p *Poster) address(endpoint, api, id string) string {
	if p.endpoint != "" {
		endpoint = p.endpoint
	}
	return endpoint + "/" + api + "/" + httpbinding.EscapePath(id, true)
}
