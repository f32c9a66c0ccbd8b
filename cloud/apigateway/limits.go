package apigateway

import "time"

// Limits are the numbers of API Gateway that a person may change, for a test that cannot wait two hours. A zero field
// stands for AWS's number.
type Limits struct {
	MaxFrame         int           `limit:"max-frame" text:"bytes of one frame of a client; more closes with 1009"`
	MaxMessage       int           `limit:"max-message" text:"bytes of all fragments of a message, or of a posted one; more closes with 1009, or is answered with 413"`
	IdleTimeout      time.Duration `limit:"idle-timeout" text:"of a connection without a message either way; closes with 1001"`
	Lifetime         time.Duration `limit:"lifetime" text:"of a connection; closes with 1001"`
	Concurrency      int           `limit:"concurrent-messages" text:"of one connection that are with their integrations; beyond it the socket is not read. 1: each is answered before the next is read"`
	ConnectionRate   int           `limit:"connection-rate" text:"new connections a second; more are answered with 429"`
	RequestRate      float64       `limit:"request-rate" text:"messages, posts and HTTP requests a second; more are answered with 429"`
	RequestBurst     int           `limit:"request-burst" text:"of those at once"`
	WebSocketTimeout time.Duration `limit:"websocket-timeout" text:"of an integration of a WebSocket API, at most"`
	HTTPTimeout      time.Duration `limit:"http-timeout" text:"of an integration of an HTTP API, at most"`
	IssuerCache      time.Duration `limit:"issuer-cache" text:"for which the keys of a JWT authorizer's issuer are kept"`
}

// AWSLimits are the numbers of AWS.
var AWSLimits = Limits{
	MaxFrame:         32 << 10,
	MaxMessage:       128 << 10,
	IdleTimeout:      10 * time.Minute,
	Lifetime:         2 * time.Hour,
	Concurrency:      64, // our own: AWS gives none
	ConnectionRate:   500,
	RequestRate:      10000,
	RequestBurst:     5000,
	WebSocketTimeout: 29 * time.Second,
	HTTPTimeout:      30 * time.Second,
	IssuerCache:      2 * time.Hour,
}

// The other numbers of API Gateway, and after them our own where AWS gives none.
const (
	maxURL           = 4096      // request target of a WebSocket handshake
	maxHTTPBody      = 10 << 20  // request to an HTTP API; 413
	maxHTTPHead      = 10240     // request line and headers of an HTTP API; 431
	maxHTTPResponse  = 6 << 20   // Lambda's limit on an answer; 500
	maxAuthorization = 8 << 10   // answer of a Lambda authorizer; 500
	maxMappedBody    = 100 << 10 // of a body in which a parameter mapping of an HTTP API looks for a value

	minTimeoutMillis = 50

	maxRoutes       = 300
	maxIntegrations = 300
	maxStages       = 10
	maxAuthorizers  = 10
	maxModels       = 1000
	maxSchema       = 32 << 10 // bytes of a model
	maxAccessFormat = 3 << 10  // bytes of the format of an access log

	maxStageVariables = 100
	maxScopes         = 10   // of a route
	maxAudiences      = 50   // of a JWT authorizer
	maxAuthorizerTTL  = 3600 // seconds

	lambdaAuthorizerTimeout = 10 * time.Second        // of a Lambda authorizer of an HTTP API
	issuerTimeout           = 1500 * time.Millisecond // of an issuer's discovery document, and of its keys
	maxIssuerDocument       = 150000                  // bytes of either

	// httpTimeoutStatus is what an HTTP API answers when its integration did not in time.
	httpTimeoutStatus = 503
)

// maxQueued bounds the bytes that wait for one socket: eight of AWS's largest messages, or of larger ones where those
// are allowed. A connection that falls further behind is cut: its reader is too slow for what is sent to it, and neither
// those who post to it nor the memory of the gateway may suffer. Posts to it answer 410 from then on, like those to any
// connection that is gone, and its page reconnects.
func (l *Limits) maxQueued() int { return 8 * max(AWSLimits.MaxMessage, l.MaxMessage) }

const (
	maxTopicsBody    = 1 << 20 // bytes of a call of the topics API
	maxTopicName     = 256     // bytes
	maxSubscriptions = 2000    // topics of one connection

	// renewTopics is how long a topic counts as announced to the publishers.
	renewTopics = time.Hour

	// maxAuthorizations bounds the answers of Lambda authorizers that are kept. When there are more, all are forgotten.
	maxAuthorizations = 10000

	// maxBlocked bounds what the messages take that wait for clients which read nothing. Where a message waits for many it
	// counts once. Beyond it the clients that more is sent to are cut, in that order.
	maxBlocked = 256 << 20

	// maxRemembered bounds an answer that is remembered, in case that the next one is the same.
	maxRemembered = 1 << 10
)
