package lambda

import (
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// runtimeConn is a connection of a process to its Runtime API, as long as it brings plain requests. One goroutine reads
// it; it goes on reading while the process waits for work, and so it notices when that hangs up. The work itself is
// written by whoever has it, without a detour. The first request that is not plain takes the connection to net/http.
type runtimeConn struct {
	net.Conn
	api     *runtimeAPI
	raw     syscall.RawConn // nil if there is none
	written chan struct{}   // gets a token when the work that the last call of next waited for is written
	// unsent is the answer to what the function has returned. Where the call of next came with it, the work is written with
	// it: nobody reads it before. Whoever is to write next has it: the reader, or take while a call of next waits.
	unsent []byte
}

// pipelining is the header of an event which says that a runtime may send its response and its next call in one write
// (HTTP pipelining). The answer to the response then comes with the next event. AWS has no such header.
const pipelining = "Quotewire-Pipelining"

// pipelined is what may come in one write.
const pipelined = "response, next"

// taker is a call of next that waits for work.
type taker interface{ take(x *execution) }

// taking is a call that comes through net/http.
type taking chan *execution

func (t taking) take(x *execution) { t <- x }

// accept serves the connections of a listener until it is closed. It never waits for one of them.
func (a *runtimeAPI) accept(l net.Listener, others *handover) {
	defer others.Close()
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		c := &runtimeConn{Conn: conn, api: a, written: make(chan struct{}, 1)}
		if s, ok := conn.(syscall.Conn); ok {
			c.raw, _ = s.SyscallConn()
		}
		if a.keep(conn) {
			a.environment.service.running.Go(func() {
				defer a.drop(conn)
				c.serve(others)
			})
		}
	}
}

// keep notes a connection that close is to end. It returns false if that has happened already.
func (a *runtimeAPI) keep(conn net.Conn) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	select {
	case <-a.closed:
		conn.Close()
		return false
	default:
		a.conns[conn] = true
		return true
	}
}

func (a *runtimeAPI) drop(conn net.Conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.conns, conn)
}

// serve answers plain requests, and leaves the connection to others when there is another one.
func (c *runtimeConn) serve(others *handover) {
	buffer := make([]byte, 4<<10)
	held := 0 // bytes in buffer
	waits := false
	for {
		if held == len(buffer) {
			buffer = append(buffer, make([]byte, len(buffer))...)
		}
		if held == 0 || !waits {
			n, err := c.Read(buffer[held:])
			if n == 0 && err != nil {
				c.api.unwait(c)
				c.Close()
				return
			}
			held += n
		}
		if waits { // whatever else the process has to say has to wait until its work is written
			select {
			case <-c.written:
				waits = false
			case <-c.api.closed:
				c.Close()
				return
			}
		}
		for held > 0 && !waits {
			r, size, how := parsePlain(buffer[:held])
			if how == incomplete && held < maxPlain {
				break
			}
			ok := how == plain
			if ok && r.id == "" {
				_, waits = c.api.wait(c)
				ok = waits
			} else if ok {
				ok = c.respond(r)
			}
			if !ok {
				c.flush()
				others.give(&unreadConn{Conn: c.Conn, unread: buffer[:held]})
				return
			}
			held = copy(buffer, buffer[size:held])
		}
		if !waits {
			c.flush()
		}
	}
}

// flush writes what is not sent yet.
func (c *runtimeConn) flush() {
	if len(c.unsent) > 0 {
		c.Write(c.unsent)
		c.unsent = c.unsent[:0]
	}
}

// wait makes a call of next wait for work, unless the state that the process is in allows no such call.
func (a *runtimeAPI) wait(t taker) (from runtimeState, ok bool) {
	a.mu.Lock()
	from = a.state
	if ok = from == stateStarted || from == stateSent; ok {
		a.before, a.state, a.waiting = from, stateReady, t
	}
	a.mu.Unlock()
	if ok {
		a.change()
	}
	return from, ok
}

// unwait takes back a call whose process has hung up; it may call again.
func (a *runtimeAPI) unwait(t taker) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waiting == t {
		a.state, a.waiting = a.before, nil
		a.change()
	}
}

// take writes x to the process. A process that does not read does not hold up its environment, which has a deadline to
// keep: what the socket does not take at once is written behind its back.
func (c *runtimeConn) take(x *execution) {
	answer := append(make([]byte, 0, 1024+len(x.payload)), c.unsent...)
	c.unsent = c.unsent[:0]
	answer = append(appendExecution(answer, x), x.payload...)
	n := 0
	if c.raw != nil {
		c.raw.Write(func(fd uintptr) bool {
			n, _ = syscall.Write(int(fd), answer)
			return true
		})
	}
	if rest := answer[max(n, 0):]; len(rest) > 0 {
		c.api.environment.service.running.Go(func() {
			c.Write(rest) // ends with the connection at the latest
			c.written <- struct{}{}
		})
		return
	}
	c.written <- struct{}{}
}

// appendExecution appends the head of an answer with x.
func appendExecution(b []byte, x *execution) []byte {
	b = append(b, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(x.payload)), 10)
	b = append(b, "\r\nLambda-Runtime-Aws-Request-Id: "...)
	b = append(b, x.id...)
	b = append(b, "\r\nLambda-Runtime-Deadline-Ms: "...)
	b = strconv.AppendInt(b, x.deadline.UnixMilli(), 10)
	b = append(b, "\r\nLambda-Runtime-Invoked-Function-Arn: "...)
	b = append(b, x.arn...)
	b = append(b, "\r\nLambda-Runtime-Trace-Id: "...)
	b = append(b, x.trace...)
	b = append(b, "\r\n"+pipelining+": "+pipelined...)
	if x.clientContext != "" {
		b = append(b, "\r\nLambda-Runtime-Client-Context: "...)
		b = append(b, oneLine.Replace(x.clientContext)...)
	}
	return appendDate(b)
}

// oneLine makes JSON that has been laid out for people fit for a header.
var oneLine = strings.NewReplacer("\r", " ", "\n", " ")

// appendDate ends a head.
func appendDate(b []byte) []byte {
	b = append(b, "\r\nDate: "...)
	b = time.Now().UTC().AppendFormat(b, http.TimeFormat)
	return append(b, "\r\n\r\n"...)
}

// respond takes the answer of the function, and leaves its own unsent. It returns false if that is for net/http to judge.
func (c *runtimeConn) respond(r plainRequest) bool {
	a := c.api
	a.mu.Lock()
	x := a.execution
	if x == nil || x.id != r.id || a.state != stateRunning || x.stream != nil {
		a.mu.Unlock()
		return false
	}
	a.state = stateResponse
	a.mu.Unlock()
	a.answered(x, r.body, false, r.contentType)
	c.unsent = append(c.unsent, "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16"...)
	c.unsent = append(appendDate(c.unsent), accepted...)
	return true
}

// unreadConn is a connection of which something was read that is to be read again.
type unreadConn struct {
	net.Conn
	unread []byte
}

func (c *unreadConn) Read(p []byte) (int, error) {
	if len(c.unread) > 0 {
		n := copy(p, c.unread)
		c.unread = c.unread[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

// handover is a listener of connections that others have accepted.
type handover struct {
	net.Listener // for its address
	conns        chan net.Conn
	closed       chan struct{}
	once         sync.Once
}

func newHandover(l net.Listener) *handover {
	return &handover{Listener: l, conns: make(chan net.Conn), closed: make(chan struct{})}
}

// give gives a connection away, which is closed if nobody takes it any more.
func (h *handover) give(c net.Conn) {
	select {
	case h.conns <- c:
	case <-h.closed:
		c.Close()
	}
}

func (h *handover) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept, and the listener that connections come from.
func (h *handover) Close() error {
	h.once.Do(func() { close(h.closed) })
	return h.Listener.Close()
}
