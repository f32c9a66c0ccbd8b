package socket

import (
	"sync"
	"sync/atomic"
	"time"
)

// Owner is told what the client of a connection says.
type Owner interface {
	// Message takes a message. It must not wait: whoever calls it serves other connections as well. When the message is
	// handled, [Conn.Done] is called.
	Message(text []byte)

	// Closed is called once, in a goroutine of its own, when the socket is closed. No Message follows it.
	Closed(End)
}

// End is how a connection ended.
type End struct {
	Code   int    // the status of the close frame that came first, from whichever side; [Abnormal] if there was none
	Reason string // with that status
	Cut    error  // why this side ended it without a close frame; nil if it did not
}

// Conn is a connection. Its zero value is to be opened with [Server.Open]; from then on it must not be copied, and any
// goroutine may call its methods.
type Conn struct {
	owner  Owner
	loop   *loop        // nil for a stream
	stream *stream      // nil on a loop
	secure *secure      // on a loop, and only for TLS
	active atomic.Int64 // the last message in either direction; all times are those of Server.now
	opened int64

	mu      sync.Mutex // guards the following; held while a loop's socket is read or written, which never waits
	waiting []*Message // to be written
	partial *parser    // what is incomplete of what the client says; of the goroutine that has set reading
	end     *End       // set by the first reason to end: only what waits is sent, and the client's close frame awaited
	until   int64      // the deadline of a blocked socket, or of one that ends; 0: none
	queued  int32      // bytes of waiting, all of each message
	offset  int32      // bytes of the first waiting message that are written
	fd      int32      // on a loop, its socket
	handled int32      // messages that are with their owner
	slot    int32      // see timers

	ID       ID // is set before Server.Open
	started  bool
	sweeping bool // on a loop: a sweep, or who has left something, will come by
	blocked  bool // the socket takes nothing
	reading  bool // a goroutine reads and parses; on a stream until the end
	unread   bool // on a loop: the socket became readable while that could not be used
	toEnd    bool // on a loop: the client has closed its side, behind what is to be read
	paused   bool // too many messages are with their owner
	drained  bool // what the client still sends is of no interest
	halved   bool // this side of the socket is closed
	hungUp   bool // the client's side of the socket is closed
	closed   bool
}

// server is kept by what the connection belongs to: there are many connections, and few loops.
func (c *Conn) server() *Server {
	if c.loop != nil {
		return c.loop.server
	}
	return c.stream.server
}

// Opened returns when the connection was opened, and Active when there was the last message in either direction.
func (c *Conn) Opened() time.Time { return c.server().epoch.Add(time.Duration(c.opened)) }

func (c *Conn) Active() time.Time { return c.server().epoch.Add(time.Duration(c.active.Load())) }

// Ended reports whether the connection takes no more messages.
func (c *Conn) Ended() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.end != nil
}

// Start begins to write and to read.
func (c *Conn) Start() {
	c.mu.Lock()
	c.started, c.sweeping = true, false
	if c.closed {
		c.mu.Unlock()
		return
	}
	c.schedule()
	if c.loop == nil {
		c.reading = true
		c.stream.wake(c)
		go c.stream.read(c) // ends when the connection is closed
		c.mu.Unlock()
		return
	}
	c.flush(nil)
	c.loop.watch(c)
	early := c.partial != nil || c.secure != nil // TLS may have read more than the handshake
	c.mu.Unlock()
	if early {
		c.loop.resume(c)
	}
}

// Send sends a message. A nil error means that it will be written in order unless the connection breaks, or that a newer
// one of its key will be in its place; it does not mean that the client has read it.
func (c *Conn) Send(m *Message) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.end != nil {
		return ErrGone
	}
	c.active.Store(c.server().now())
	return c.send(m)
}

// Leave is Send, but for the writing, if it returns true: then the caller calls [Conn.Flush], soon. What is sent until then
// leaves in the same write.
func (c *Conn) Leave(m *Message) (left bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.end != nil {
		return false, ErrGone
	}
	c.active.Store(c.server().now())
	if err := c.push(m); err != nil {
		return false, err
	}
	if c.loop == nil {
		c.stream.wake(c)
		return false, nil
	}
	if c.sweeping || c.blocked {
		return false, nil
	}
	c.sweeping = true
	return true, nil
}

// Flush writes what was left in the queue.
func (c *Conn) Flush() { c.sweep(nil) }

// sweep comes by. The room is as for flush.
func (c *Conn) sweep(room *[maxWrite]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sweeping = false; !c.closed {
		c.flush(room)
	}
}

// send leaves a message in the queue and writes at once what can be. The caller holds c.mu, as for what follows.
func (c *Conn) send(m *Message) error {
	if err := c.push(m); err != nil {
		return err
	}
	c.write()
	return nil
}

// write writes what waits, unless somebody else will.
func (c *Conn) write() {
	switch {
	case c.loop == nil:
		c.stream.wake(c)
	case !c.sweeping && !c.blocked:
		c.flush(nil)
	}
}

// push leaves a message in the queue. One that has no room cuts the connection.
func (c *Conn) push(m *Message) error {
	first := min(int(c.offset), 1) // half of the first message may have been written
	for i := len(c.waiting) - 1; i >= first && m.key != 0 && c.waiting[i].key != 0; i-- {
		if c.waiting[i].key == m.key {
			c.release(c.waiting[i])
			c.waiting[i] = m
			c.hold(m)
			return nil
		}
	}
	if len(c.waiting) > 0 {
		if c.loop != nil && !c.blocked && c.started && int(c.queued)+m.Size() > maxWrite {
			if c.flush(nil); c.closed {
				return ErrGone
			}
		}
		if int(c.queued)+m.Size() > c.server().config.MaxQueue {
			c.cut(ErrSlow)
			return ErrSlow
		}
	}
	c.waiting = append(c.waiting, m)
	c.hold(m)
	if c.blocked && c.server().blocked.Load() > c.server().config.MaxBlocked {
		c.cut(ErrCrowded)
		return ErrCrowded
	}
	return nil
}

// hold counts a message of the queue. Of the messages that wait for blocked sockets the server counts what they take:
// each once, however many sockets it waits for, and its place in each queue.
func (c *Conn) hold(m *Message) {
	c.queued += int32(m.Size())
	if c.blocked {
		c.server().hold(m)
	}
}

func (c *Conn) release(m *Message) {
	c.queued -= int32(m.Size())
	if c.blocked {
		c.server().release(m)
	}
}

// block notes whether the socket takes nothing.
func (c *Conn) block(blocked bool) {
	if blocked == c.blocked {
		return
	}
	c.blocked = blocked
	for _, m := range c.waiting {
		if blocked {
			c.server().hold(m)
		} else {
			c.server().release(m)
		}
	}
}

// stalls notes that the socket takes no more for now, and whether it has just taken something: it has until stallTimeout
// later to take more.
func (c *Conn) stalls(progress bool) {
	if c.end == nil && (progress || !c.blocked) {
		c.until = c.server().now() + int64(stallTimeout)
	}
	if !c.blocked {
		c.block(true)
		c.schedule()
	}
}

// gather copies what waits to p, as much as there is room for.
func (c *Conn) gather(p []byte) (n int) {
	offset := int(c.offset)
	for _, m := range c.waiting {
		if n == len(p) {
			break
		}
		n += m.part(p[n:], offset, &c.ID)
		offset = 0
	}
	return n
}

// wrote takes n bytes that were written out of the queue.
func (c *Conn) wrote(n int) {
	n += int(c.offset)
	i := 0
	for i < len(c.waiting) && n >= c.waiting[i].Size() {
		n -= c.waiting[i].Size()
		c.release(c.waiting[i])
		i++
	}
	c.offset = int32(n)
	if i == 0 {
		return
	}
	left := copy(c.waiting, c.waiting[i:])
	clear(c.waiting[left:])
	c.waiting = c.waiting[:left]
	if left == 0 && cap(c.waiting) > keptQueue {
		c.waiting = nil
	}
}

// written is called when nothing waits any more.
func (c *Conn) written() {
	if c.block(false); c.end == nil {
		c.until = 0
		return
	}
	switch {
	case c.hungUp:
		c.finish()
	case c.drained && !c.halved:
		c.halved = true
		c.closeWrite()
	}
}

// Shut sends a close frame after all that waits, and lets nothing follow. The first code and reason count: those of the
// client if it closes first. The connection ends when the client's close frame has come, or after closeTimeout.
func (c *Conn) Shut(code int, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shut(code, reason)
}

func (c *Conn) shut(code int, reason string) {
	if c.end != nil {
		return
	}
	c.end = &End{Code: code, Reason: reason}
	c.until = c.server().now() + int64(closeTimeout)
	m := Raw(appendFrame(nil, opClose, closePayload(code, reason)))
	c.waiting = append(c.waiting, m)
	c.hold(m)
	c.schedule()
	c.write()
}

// cut ends the connection at once.
func (c *Conn) cut(why error) {
	if c.end == nil {
		c.end = &End{Code: Abnormal, Cut: why}
	}
	c.finish()
}

// finish closes the socket. A socket that is closed with bytes unread is reset, and the close frame may be lost with it;
// so it comes to this only when the client has closed its side, or will not.
func (c *Conn) finish() {
	if c.closed {
		return
	}
	c.closed = true
	c.block(false)
	c.waiting, c.queued, c.offset = nil, 0, 0
	c.server().timers.remove(c)
	if c.loop != nil {
		c.loop.drop(c)
	} else {
		c.stream.close()
	}
	if !c.reading {
		go c.owner.Closed(*c.end)
	}
}

// closeWrite closes this side of the socket: the client reads to its end what was sent.
func (c *Conn) closeWrite() {
	if c.loop != nil {
		c.loop.closeWrite(c)
	} else {
		c.stream.closeWrite(c)
	}
}

// schedule has the connection looked at when there is something to do about the time.
func (c *Conn) schedule() {
	if c.closed || !c.started {
		return
	}
	due := c.until
	if c.end == nil {
		config := &c.server().config
		idle := min(c.active.Load()+int64(config.IdleTimeout), c.opened+int64(config.Lifetime))
		if due == 0 || idle < due {
			due = idle
		}
	}
	c.server().timers.set(c, due)
}

// due looks at the connection.
func (c *Conn) due(at int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	config := &c.server().config
	switch {
	case c.end != nil && at >= c.until:
		c.finish()
	case c.end != nil:
	case c.until != 0 && at >= c.until:
		c.cut(ErrStalled)
	case at >= c.active.Load()+int64(config.IdleTimeout) || at >= c.opened+int64(config.Lifetime):
		c.shut(GoingAway, goingAway)
	}
	c.schedule()
}

// goingAway is the reason that AWS gives with [GoingAway].
const goingAway = "Going away"

// noStatusReason is the reason that AWS gives for a close frame without a status.
const noStatusReason = "Client-side close frame status not set"

// take takes bytes of the client; what follows a message that must be handled first it keeps. Only the goroutine that has
// set c.reading calls it, without c.mu. The parser fresh is used between two messages.
func (c *Conn) take(in []byte, fresh *parser) {
	if c.drained {
		return
	}
	p := c.partial
	if p == nil {
		p = fresh
	}
	going := true
	for going && len(in) > 0 {
		var opcode byte
		var payload []byte
		var err *closeError
		opcode, payload, in, err = p.next(in, c.server().config.MaxFrame, c.server().config.MaxMessage)
		switch {
		case err != nil:
			c.stop(err.code, err.reason)
			*p, c.partial = parser{}, nil
			return
		case opcode == opClose:
			code, reason, err := parseClose(payload)
			switch {
			case err != nil:
				code, reason = err.code, err.reason
			case code == NoStatus:
				reason = noStatusReason
			}
			c.stop(code, reason)
			*p, c.partial = parser{}, nil
			return
		case opcode == opPing:
			c.mu.Lock()
			if c.end == nil {
				if pingIsActivity {
					c.active.Store(c.server().now())
				}
				c.send(Raw(appendFrame(nil, opPong, payload)))
			}
			going = !c.closed
			c.mu.Unlock()
		case opcode == opText:
			going = c.deliver(payload)
		}
	}
	p.rest = append(p.rest, in...) // none of a connection that is closed is read
	switch {
	case p.idle():
		c.partial = nil
	case p == fresh:
		kept := *p
		c.partial, *p = &kept, parser{}
	}
}

// rest returns what has come and was not yet taken.
func (c *Conn) rest() []byte {
	if c.partial == nil {
		return nil
	}
	rest := c.partial.rest
	c.partial.rest = nil
	return rest
}

// pingIsActivity says whether a ping of the client counts as a message for the idle timeout. Reports on AWS say not.
const pingIsActivity = false

// deliver gives a message to the owner, and reports whether another one may follow at once.
func (c *Conn) deliver(text []byte) bool {
	c.mu.Lock()
	if c.end != nil {
		c.mu.Unlock()
		return true // the client's close frame is what is waited for
	}
	c.active.Store(c.server().now())
	c.handled++
	c.paused = int(c.handled) >= c.server().config.Concurrency
	going := !c.paused
	c.mu.Unlock()
	c.owner.Message(text)
	return going
}

// stop ends what the client says: with its close frame, or with a violation.
func (c *Conn) stop(code int, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shut(code, reason)
	c.drained = true
	if c.flushed() && !c.closed {
		c.written()
	}
}

// hangUp is the end of what the client says. What it may still read is written.
func (c *Conn) hangUp(err error) {
	switch {
	case c.end == nil:
		c.cut(nil)
	case err != nil || c.flushed():
		c.finish()
	}
	c.hungUp = true
}

// flushed reports whether all is written.
func (c *Conn) flushed() bool {
	return len(c.waiting) == 0 && (c.stream == nil || !c.stream.writing) && (c.secure == nil || len(c.secure.sealed) == 0)
}

// Done says that a message that the owner was given is handled: if too many were, the connection is read again.
func (c *Conn) Done() {
	c.mu.Lock()
	c.handled--
	again := c.paused
	c.paused = false
	c.mu.Unlock()
	if !again {
		return
	}
	if c.loop == nil {
		c.stream.resume()
	} else {
		c.loop.resume(c)
	}
}
