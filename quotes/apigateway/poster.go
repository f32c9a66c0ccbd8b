// Package apigateway sends the desk's messages through the @connections API of Amazon API Gateway.
package apigateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi/types"

	"quotewire/quotes"
)

// Poster is a [quotes.Poster], and [quotes.Boards] where the gateway has them. It keeps one client per endpoint and is safe
// for concurrent use. Make one with [New].
type Poster struct {
	config   aws.Config
	endpoint string // of every connection, if set
	http     aws.HTTPClient
	signer   *v4.Signer

	mu       sync.Mutex                                 // protects the following
	clients  map[string]*apigatewaymanagementapi.Client // by endpoint
	noBoards map[string]bool                            // endpoints that are known to have none
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
		clients:  make(map[string]*apigatewaymanagementapi.Client),
		noBoards: make(map[string]bool),
	}
}

// Post sends a message to a connection. A connection that the gateway does not have, or no longer, is
// [quotes.ErrGone]: the API says 410 for both.
func (p *Poster) Post(ctx context.Context, to quotes.Connection, message []byte) error {
	_, err := p.client(to.Endpoint).PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{
		ConnectionId: aws.String(string(to.ID)),
		Data:         message,
	})
	if err == nil {
		return nil
	}
	var gone *types.GoneException
	var response *awshttp.ResponseError
	if errors.As(err, &gone) || errors.As(err, &response) && response.HTTPStatusCode() == http.StatusGone {
		return quotes.ErrGone
	}
	return fmt.Errorf("post to %s: %w", to.ID, err)
}

func (p *Poster) client(endpoint string) *apigatewaymanagementapi.Client {
	if p.endpoint != "" {
		endpoint = p.endpoint
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.clients[endpoint]
	if c == nil {
		c = apigatewaymanagementapi.NewFromConfig(p.config, func(o *apigatewaymanagementapi.Options) {
			o.BaseEndpoint = aws.String(endpoint)
		})
		p.clients[endpoint] = c
	}
	return c
}
