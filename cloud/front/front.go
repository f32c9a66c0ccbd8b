// Package front takes connections: in plain text and over TLS on one port, remembering the heads of requests as their
// clients wrote them, and answering the plainest of requests without net/http.
//
// A whole request of the kind that [Config.Direct] names is handed to the same handler as all others and answered with one
// write, and net/http never hears of it. That saves most of what HTTP costs a small request. There are two ways to it:
//
//   - A connection that begins with such a request belongs to an event loop, where the kernel has one (loop_linux.go), until
//     something comes that is not for a loop. It has no goroutine, and what has come for many connections is answered
//     together.
//   - net/http serves all others. While it waits for the next request of one, though, its read ends up here (conn.go), which
//     answers what it can before it returns.
//
// The bytes of one request must never be taken for those of another. So beside net/http a request is answered only where
// two agree that one begins: net/http, which says that it is idle, and what is followed here of the requests that were
// passed to it (head.go). Whatever is not written in the plainest way is passed on as it is, and if it leaves room for two
// opinions on where the next request begins, so is everything that follows it on its connection.
package front

import (
	"context"
	"crypto/tls"
	"log"
	"net"
	"net/http"
)

// Config says what a server of [New] does.
type Config struct {
	Handler http.Handler

	// Direct reports whether a POST to target, the target of a request line, may be answered without net/http; nil
	// stands for never. The handler gets the same request as it would get from net/http, but:
	//
	//   - Its context does not end when the client hangs up. It must not wait for anything but the processor: other requests
	//     wait for it.
	//   - It must keep nothing of the request once it has returned.
	//   - It must not take the connection over, nor flush its answer, which is sent with a Content-Length as a whole.
	//
	// Its ResponseWriter has a method Postpone([Flusher]) bool: the answer of a loop is held back until all that has come
	// with its request is answered, and what several of them have to do can be done once, before they are sent.
	Direct func(target []byte) bool
	// Waits reports whether the handler may have to wait for what such a request asks for: then net/http gets it.
	Waits func(*http.Request) bool
}

// Server serves connections. Whoever makes one may set its limits and its BaseContext before it serves, but no
// ConnContext and no ConnState.
type Server struct {
	http.Server
	config Config
}

// New returns a server of what config says.
func New(config Config) *Server {
	s := &Server{config: config}
	s.Handler = config.Handler
	s.ConnContext = func(ctx context.Context, socket net.Conn) context.Context {
		c := connOf(socket)
		if c == nil {
			return ctx
		}
		c.server = s
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

// Serve serves the connections of l, in plain text or as config says over TLS, until l or the server is closed.
func (s *Server) Serve(l net.Listener, config *tls.Config) error {
	return s.Server.Serve(s.split(l, config))
}

func (s *Server) logf(format string, args ...any) {
	if s.ErrorLog != nil {
		s.ErrorLog.Printf(format, args...)
	} else {
		log.Printf(format, args...)
	}
}

// Flusher is what an answer postpones.
type Flusher interface{ Flush() }

type connKey struct{}

// HeaderNames returns the names of a request's headers as its client wrote them, in its order; nil if they are not known.
// It is for as long as the request is being answered.
func HeaderNames(ctx context.Context) []string {
	if c, ok := ctx.Value(connKey{}).(*conn); ok {
		return c.headerNames()
	}
	return nil
}
