// Package socket is the server's side of WebSocket connections (RFC 6455): their frames, their life, and the way of a
// message to many of them at once. It knows no API, and nothing of the handshake but its bytes.
//
// An open connection is a [Conn] that its owner embeds. It has two ways to its client. On Linux the sockets of TCP are taken
// from the net package, from below TLS as well (secure_linux.go), and belong to a few event loops (loop_linux.go): an idle
// connection has no goroutine, no buffer and no timer of its own. All others have a goroutine that reads (stream.go). The
// rules are the same for both and stand in conn.go: one parser, one queue, one way to close.
//
// A message to an idle socket is written by whoever sends it, without waiting. A message to many ([Server.SendAll]) is left
// in the queues of all, and a sweep writes to one socket after another whatever waits for it, in one write. So messages
// that come faster than they can be written one by one travel together, and cost less the more there are.
//
// What waits is bounded, and a client that reads too slowly is cut: see [Config] and the errors.
package socket

import (
	"errors"
	"iter"
	"log/slog"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Why a message is not taken, or a connection cut.
var (
	ErrGone    = errors.New("the connection is closed")
	ErrSlow    = errors.New("the client reads too slowly: too much waits for it")
	ErrStalled = errors.New("the client has read nothing for too long")
	ErrCrowded = errors.New("too much waits for all the clients that read too slowly")
)

// Config says what the connections of a [Server] may do.
type Config struct {
	MaxFrame    int           // bytes of a frame's payload; a client that sends more is closed with [TooBig]
	MaxMessage  int           // bytes of all fragments of a message; the same
	IdleTimeout time.Duration // without a message either way; closes with [GoingAway]
	Lifetime    time.Duration // of a connection; closes with [GoingAway]
	Concurrency int           // messages of a connection that are being handled; beyond it the socket is not read

	MaxQueue   int   // bytes that wait for one socket; more cut it with [ErrSlow]
	MaxBlocked int64 // bytes of the messages that wait for sockets which take nothing; more cut a socket with [ErrCrowded]

	Log *slog.Logger
}

const (
	// maxWrite bounds one write. What waits for a socket beyond it is written by its sender, whom that slows down.
	maxWrite = 64 << 10

	// stallTimeout is how long a socket may take nothing of what waits for it, and closeTimeout how long the close frame
	// of the other side is waited for.
	stallTimeout = 30 * time.Second
	closeTimeout = 2 * time.Second

	// yieldEvery is how many writes follow each other before other goroutines have their turn. The scheduler cannot see
	// them: that is what makes them cheap.
	yieldEvery = 256

	// markBatch is how many sockets are marked for a sweep at a time.
	markBatch = 64

	// keptQueue is the room of an empty queue that is not given back, in messages.
	keptQueue = 4
)

// joined is room for the writes of those who have none of their own.
var joined = sync.Pool{New: func() any { return new([maxWrite]byte) }}

// Server is what connections share.
type Server struct {
	config  Config
	timers  timers
	epoch   time.Time    // of all times
	blocked atomic.Int64 // bytes of what waits for sockets that take nothing

	start sync.Once // of the loops
	loops []*loop   // none: all connections are streams
	turn  atomic.Uint32
}

// NewServer returns a server without connections. It says in the log by which way they will go.
func NewServer(c Config) *Server {
	err := probe()
	if err != nil {
		c.Log.Info("each WebSocket has a goroutine of its own", "reason", err)
	}
	return newServer(c, err == nil)
}

func newServer(c Config, loops bool) *Server {
	s := &Server{config: c, epoch: time.Now()}
	s.timers.now = s.now
	if !loops {
		s.start.Do(func() {})
	}
	return s
}

func (s *Server) now() int64 { return int64(time.Since(s.epoch)) }

// placeSize is what a place in a queue takes.
const placeSize = 8

func (s *Server) hold(m *Message) {
	n := int64(placeSize)
	if m.held.Add(1) == 1 {
		n += int64(m.Size())
	}
	s.blocked.Add(n)
}

func (s *Server) release(m *Message) {
	n := int64(placeSize)
	if m.held.Add(-1) == 0 {
		n += int64(m.Size())
	}
	s.blocked.Add(-n)
}

// Close stops the loops. The connections must have been closed.
func (s *Server) Close() {
	s.start.Do(func() {})
	for _, l := range s.loops {
		l.stop()
	}
	s.timers.stop()
}

// loop returns a loop for a new connection; nil if there are none.
func (s *Server) loop() *loop {
	s.start.Do(func() {
		for range min(runtime.GOMAXPROCS(0), maxLoops) {
			l, err := newLoop(s)
			if err != nil {
				s.config.Log.Warn("an event loop for WebSockets is missing", "error", err, "loops", len(s.loops))
				return
			}
			s.loops = append(s.loops, l)
		}
	})
	if len(s.loops) == 0 {
		return nil
	}
	return s.loops[s.turn.Add(1)%uint32(len(s.loops))]
}

// Open makes c a connection over a socket that belongs to it from now on. Its client gets first, if that is not nil, then
// what is sent to it. Nothing is written or read before [Conn.Start]; early is what was read with the handshake.
func (s *Server) Open(c *Conn, owner Owner, socket net.Conn, first *Message, early []byte) {
	c.owner = owner
	now := s.now()
	c.opened = now
	c.active.Store(now)
	if first != nil {
		c.waiting = []*Message{first}
		c.hold(first)
	}
	c.sweeping = true // until Start, others only leave messages in the queue
	if len(early) > 0 {
		c.partial = &parser{rest: append([]byte(nil), early...)}
	}
	if l := s.loop(); l != nil && l.adopt(c, socket) {
		return
	}
	c.stream = newStream(s, c, socket)
}

// SendAll sends a message to many connections and returns how many took it. Each gets it in the order of what else is
// sent to it. It does not wait for clients; if what it sends cannot be written as fast, it takes part in the writing.
func (s *Server) SendAll(conns iter.Seq[*Conn], m *Message) (sent int) {
	now := s.now()
	var found [maxLoops][markBatch]int32 // sockets for the sweep
	var n [maxLoops]int
	for c := range conns {
		c.mu.Lock()
		if c.end == nil && c.push(m) == nil {
			c.active.Store(now)
			sent++
			if c.loop == nil {
				c.stream.wake(c)
			} else if !c.sweeping && !c.blocked {
				c.sweeping = true
				i := c.loop.index
				found[i][n[i]] = c.fd
				if n[i]++; n[i] == markBatch {
					c.loop.sweep(found[i][:])
					n[i] = 0
				}
			}
		}
		c.mu.Unlock()
	}
	for i := range n {
		if n[i] > 0 {
			s.loops[i].sweep(found[i][:n[i]])
		}
	}
	return sent
}
