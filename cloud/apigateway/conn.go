package apigateway

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"quotewire/cloud/apigateway/socket"
	"quotewire/cloud/iam"
)

// Reasons that AWS gives with its close frames and $disconnect events.
const (
	goingAway        = "Going away"
	closedNormally   = "Connection Closed Normally"
	noCloseStatus    = "Client-side close frame status not set"
	keptQueueEntries = 8 // room of an idle queue that is not given back
)

var (
	errGone = errors.New("the connection is closed")
	errSlow = errors.New("the connection is cut, as its client reads too slowly")
)

// conn is an open WebSocket connection. One goroutine, in run, reads it; send and shut may be called by any.
//
// Frames leave in the order in which they were queued. While frames wait there is one goroutine that writes them, all
// that wait in one write; an idle connection has none.
type conn struct {
	id, apiID, stage string
	connected        time.Time
	sourceIP         string
	userAgent        string
	authorizer       map[string]any // what the authorizer of $connect said, for all later events
	signer           *iam.Principal // who signed the handshake, where $connect has the authorization type AWS_IAM
	limits           *Limits
	trip             func(text []byte) // takes each message; called by the reading goroutine

	net        net.Conn
	early      []byte // what arrived with the handshake, before the rest
	reader     messageReader
	lastActive atomic.Int64 // of a message in either direction, Unix nanoseconds

	mu      sync.Mutex        // guards the following
	waiting []*socket.Message // to be written; shared between connections
	queued  int               // bytes in waiting
	writing bool              // a goroutine writes
	flushed chan struct{}
	ended   bool // no more sends: a close frame is queued, or the connection is cut
	code    int  // how it ended, once it has
	reason  string
}

// send queues a message for the socket. A nil error means that it will be written in order unless the connection breaks,
// or that a newer message of its key will be in its place; it does not mean that the client has read it.
func (c *conn) send(m *socket.Message) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return errGone
	}
	for i := len(c.waiting) - 1; i >= 0 && c.waiting[i].Key() != 0; i-- {
		if c.waiting[i].Key() == m.Key() {
			c.queued += m.Size() - c.waiting[i].Size()
			c.waiting[i] = m
			return nil
		}
	}
	if c.queued+m.Size() > c.limits.maxQueued() {
		c.cut(closeAbnormal, "")
		return errSlow
	}
	c.enqueue(m)
	return nil
}

// touch notes a message: the idle time begins anew.
func (c *conn) touch() { c.lastActive.Store(time.Now().UnixNano()) }

// shut sends a close frame after all that waits, and lets nothing follow. The first code and reason count: those of the
// client if it closes first. The reading goroutine ends the connection when the client's close frame has come, or
// closeTimeout later.
func (c *conn) shut(code int, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return
	}
	c.ended, c.code, c.reason = true, code, reason
	deadline := time.Now().Add(closeTimeout)
	c.net.SetReadDeadline(deadline)
	c.net.SetWriteDeadline(deadline)
	c.enqueue(socket.Raw(appendFrame(nil, opClose, closePayload(code, reason))))
}

// cut ends the connection at once. The caller holds c.mu.
func (c *conn) cut(code int, reason string) {
	if !c.ended {
		c.ended, c.code, c.reason = true, code, reason
	}
	c.waiting, c.queued = nil, 0
	c.net.Close()
}

// enqueue leaves a message to the writer and starts one if there is none. The caller holds c.mu.
func (c *conn) enqueue(m *socket.Message) {
	c.waiting = append(c.waiting, m)
	c.queued += m.Size()
	if !c.writing {
		c.writing = true
		go c.write() // ends before finish returns
	}
}

var joined = sync.Pool{New: func() any { return new([maxWrite]byte) }}

// write writes all that waits until nothing does.
func (c *conn) write() {
	var spare []*socket.Message
	for {
		c.mu.Lock()
		messages, timeout := c.waiting, writeTimeout
		if c.ended {
			timeout = closeTimeout
		}
		c.waiting, c.queued = spare[:0], 0
		if len(messages) == 0 {
			if cap(c.waiting) > keptQueueEntries {
				c.waiting = nil
			}
			c.writing = false
			if c.flushed != nil {
				close(c.flushed)
			}
			c.mu.Unlock()
			return
		}
		c.mu.Unlock()
		if err := c.writeAll(messages, timeout); err != nil {
			c.mu.Lock()
			c.cut(closeAbnormal, "")
			c.mu.Unlock()
		}
		clear(messages)
		spare = messages
	}
}

// writeAll writes messages with as few writes as the bound on one allows.
func (c *conn) writeAll(messages []*socket.Message, timeout time.Duration) error {
	write := func(p []byte) error {
		for len(p) > 0 {
			c.net.SetWriteDeadline(time.Now().Add(timeout))
			n, err := c.net.Write(p[:min(len(p), maxWrite)])
			if err != nil {
				return err
			}
			p = p[n:]
		}
		return nil
	}
	if len(messages) == 1 {
		return write(messages[0].Append(nil, c.id))
	}
	buf := joined.Get().(*[maxWrite]byte)
	defer joined.Put(buf)
	n := 0
	for _, m := range messages {
		f := m.Append(nil, c.id)
		for len(f) > 0 {
			m := copy(buf[n:], f)
			f, n = f[m:], n+m
			if n == len(buf) {
				if err := write(buf[:n]); err != nil {
					return err
				}
				n = 0
			}
		}
	}
	return write(buf[:n])
}

// run reads the connection until it has ended, closes the socket, and returns how it ended.
func (c *conn) run() (code int, reason string) {
	c.reader.source, c.reader.maxFrame, c.reader.maxMessage = (*idleReader)(c), c.limits.MaxFrame, c.limits.MaxMessage
	c.rest(time.Now())
	for {
		opcode, payload, err := c.reader.next()
		if opcode == opClose {
			var code int
			var reason string
			if code, reason, err = parseClose(payload); err == nil {
				if code == closeNoStatus {
					reason = noCloseStatus
				}
				c.shut(code, reason)
				return c.finish()
			}
		}
		var refused *closeError
		switch {
		case errors.As(err, &refused):
			c.shut(refused.code, refused.reason)
			return c.finish()
		case err != nil:
			return c.finish()
		case opcode == opPing:
			if pingIsActivity {
				c.touch()
			}
			c.send(socket.Raw(appendFrame(nil, opPong, payload)))
		case opcode == opText:
			c.touch()
			c.trip(payload)
		}
	}
}

// finish waits until what was queued is written, and closes the socket: this side of it first. A socket that is closed
// with bytes unread is reset, and the close frame may be lost with it; so what the client still sends is read, until it
// closes its side or the deadline of shut has come.
func (c *conn) finish() (code int, reason string) {
	c.mu.Lock()
	if !c.ended {
		c.cut(closeAbnormal, "")
	}
	if c.writing {
		c.flushed = make(chan struct{})
		c.mu.Unlock()
		<-c.flushed
		c.mu.Lock()
	}
	code, reason = c.code, c.reason
	c.mu.Unlock()
	if half, ok := c.net.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		io.Copy(io.Discard, (*idleReader)(c))
	}
	c.net.Close()
	return code, reason
}

// rest sets the time at which the connection is to be looked at again: when it would be idle for too long or too old.
// It returns false if that time has come. Nothing changes once the connection is being closed.
func (c *conn) rest(now time.Time) bool {
	due := time.Unix(0, c.lastActive.Load()).Add(c.limits.IdleTimeout)
	if end := c.connected.Add(c.limits.Lifetime); end.Before(due) {
		due = end
	}
	if !now.Before(due) {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.net.SetReadDeadline(due)
	}
	return true
}

func (c *conn) isEnded() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

// idleReader is the connection as its messageReader sees it. The deadline of the read stands for the timers of the
// connection: a message of either side only notes its time, and the rest is sorted out when the deadline passes.
type idleReader conn

func (r *idleReader) Read(p []byte) (int, error) {
	c := (*conn)(r)
	if len(c.early) > 0 {
		n := copy(p, c.early)
		if c.early = c.early[n:]; len(c.early) == 0 {
			c.early = nil
		}
		return n, nil
	}
	for {
		n, err := c.net.Read(p)
		if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) || c.isEnded() {
			return n, err
		}
		if !c.rest(time.Now()) {
			c.shut(closeGoingAway, goingAway) // and read on, for the client's close frame
		}
	}
}
