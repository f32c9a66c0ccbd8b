// Package front takes connections: in plain text and over TLS on one port, remembering the heads of requests as their
// clients wrote them, and answering the plainest of requests without net/http.
//
// net/http serves every connection. While it waits for the next request of one, though, its read ends up here, and if
// what arrives is a whole request of the kind that [Config.Direct] names, it is handed to the same handler as all
// others, answered with one write, and net/http never hears of it. That saves most of what HTTP costs a small request.
//
// The bytes of one request must never be taken for those of another. So a request is answered here only where two agree
// that one begins: net/http, which says that it is idle, and what is followed here of the requests that were passed to
// it (head.go). Whatever is not written in the plainest way is passed on as it is, and if it leaves room for two opinions
// on where the next request begins, so is everything that follows it on its connection.
package front

import (
	"context"
	"net"
	"net/http"
)

// Config says what a server of [New] does.
type Config struct {
	Handler http.Handler

	// Direct reports whether a POST to target, the target of a request line, may be answered without net/http; nil
	// stands for never. The handler gets the same request as it would get from net/http, but:
	//
	//   - Its context does not end when the client hangs up. It must not wait for anything but the processor.
	//   - It must keep nothing of the request once it has returned.
	//   - It must not take the connection over, nor flush its answer, which is sent with a Content-Length as a whole.
	Direct func(target []byte) bool
	// Waits reports whether the handler may have to wait for what such a request asks for: then net/http gets it.
	Waits func(*http.Request) bool
}

// New returns a server for connections of a [Listener]. Whoever calls it may set its limits and its BaseContext, but no
// ConnContext and no ConnState.
func New(config Config) *http.Server {
	s := &http.Server{Handler: config.Handler}
	s.ConnContext = func(ctx context.Context, socket net.Conn) context.Context {
		c := connOf(socket)
		if c == nil {
			return ctx
		}
		c.server, c.config = s, &config
		ctx = context.WithValue(ctx, connKey{}, c)
		c.context = context.WithValue(ctx, http.LocalAddrContextKey, c.LocalAddr())
		return ctx
	}
	s.ConnState = func(socket net.Conn, state http.ConnState) {
		if c := connOf(socket); c != nil {
			c.turn(state)
		}
	}
	return s
}

type connKey struct{}

// HeaderNames returns the names of a request's headers as its client wrote them, in its order; nil if they are not known.
// It is for as long as the request is being answered.
func HeaderNames(ctx context.Context) []string {
	if c, ok := ctx.Value(connKey{}).(*conn); ok {
		return c.headerNames()
	}
	return nil
}
