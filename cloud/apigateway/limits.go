package apigateway

import "time"

// The numbers of API Gateway, and after them our own where AWS gives none.
const (
	maxFrame         = 32 << 10  // payload of one client frame; more ends the connection with 1009
	maxMessage       = 128 << 10 // all fragments of a message, or a posted one; 1009, or 413 for a post
	maxURL           = 4096      // request target of a WebSocket handshake
	maxHTTPBody      = 10 << 20  // request to an HTTP API; 413
	maxHTTPHead      = 10240     // request line and headers of an HTTP API; 431
	maxHTTPResponse  = 6 << 20   // Lambda's limit on an answer; 500
	maxAuthorization = 8 << 10   // answer of a Lambda authorizer; 500

	defaultIdleTimeout = 10 * time.Minute // without a message either way; closes with 1001
	defaultLifetime    = 2 * time.Hour    // of a connection; closes with 1001

	requestRate       = 10000 // requests a second of an account: messages, @connections and HTTP APIs together; 429
	requestBurst      = 5000  // of them at once
	newConnectionRate = 500   // WebSocket connections that an account opens in a second; 429

	minTimeoutMillis       = 50
	webSocketTimeoutMillis = 29000 // default and maximum
	httpTimeoutMillis      = 30000 // default and maximum

	maxRoutes       = 300
	maxIntegrations = 300
	maxStages       = 10
	maxAuthorizers  = 10

	// httpTimeoutStatus is what an HTTP API answers when its integration did not in time.
	httpTimeoutStatus = 503
)

const (
	// maxQueued bounds the bytes that wait for one socket. A connection that falls further behind is cut: its reader is
	// too slow for what is sent to it, and neither those who post to it nor the memory of the gateway may suffer. Posts
	// to it answer 410 from then on, like those to any connection that is gone, and its page reconnects.
	maxQueued = 1 << 20

	// maxWrite bounds one write, and writeTimeout how long it may take: a socket that takes less is dead or hopeless.
	maxWrite     = 64 << 10
	writeTimeout = 30 * time.Second

	// closeTimeout is how long the close frame of the other side is waited for.
	closeTimeout = 2 * time.Second

	// maxDispatched bounds the messages of one connection that are with their integration. Beyond it the socket is
	// not read until one has answered.
	maxDispatched = 64

	// pingIsActivity says whether a ping of the client counts as a message for the idle timeout. Reports on AWS say not.
	pingIsActivity = false
)
