package lambda

import (
	"context"
	"encoding/hex"
	"io"
	stdlog "log"
	"log/slog"
	"strings"
	"sync"
	"time"

	"quotewire/cloud/iam"
	"quotewire/cloud/logs"
	"quotewire/cloud/protocol"
)

// discardLog takes what net/http says about processes that hang up: they are killed all the time.
var discardLog = stdlog.New(io.Discard, "", 0)

// logStream is the log of one environment. Lines are taken without waiting and stored behind the back of the function,
// in batches, as far as the function's role allows it. When storing does not keep up, lines beyond maxPendingLines are
// dropped, and a line says how many.
type logStream struct {
	service  *Service
	function string
	group    string
	stream   string

	wake   chan struct{} // holds a token when there is something to store
	closed chan struct{}
	stored chan struct{}
	debug  bool
	config *loggingConfig

	mu      sync.Mutex // protects following
	pending []logs.Event
	request string   // the invocation that runs now
	spoken  []spoken // what the cloud's own log says at debug level, for the same lines
	dropped int
	last    string // what the function printed last, to be shown when it fails
	tail    *tail
	writer  iam.Principal // the role session in whose name the log is written
}

// spoken is a line of a function for the cloud's own log.
type spoken struct{ text, request string }

// tail keeps the end of an invocation's log.
type tail struct {
	mu   sync.Mutex // protects following
	data []byte
}

func (t *tail) add(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.data = append(t.data, line...); len(t.data) > maxTail {
		t.data = append([]byte(nil), t.data[len(t.data)-maxTail:]...)
	}
}

func (t *tail) bytes() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.data
}

// logDelay is how long lines wait for others before they are stored.
const logDelay = 25 * time.Millisecond

func newLogStream(e *environment) *logStream {
	c := &e.release.Config
	l := &logStream{
		service: e.service, function: c.FunctionName, group: c.LoggingConfig.LogGroup,
		stream: time.Now().UTC().Format("2006/01/02/") + "[" + c.Version + "]" + hex.EncodeToString(randomBytes(16)),
		wake:   make(chan struct{}, 1), closed: make(chan struct{}), stored: make(chan struct{}),
		config: &c.LoggingConfig,
		debug:  e.service.Log.Enabled(context.Background(), slog.LevelDebug),
	}
	go l.run()
	return l
}

// line logs one line of the platform.
func (l *logStream) line(text string) { l.add(text + "\n") }

// output logs what the function printed.
func (l *logStream) output(line []byte, complete bool) {
	text := string(line)
	if text != "" {
		l.mu.Lock()
		l.last = text
		l.mu.Unlock()
	}
	if !l.config.keeps(line) {
		return
	}
	if complete {
		text += "\n"
	}
	l.add(text)
}

// lastLine is what the function printed last, cut to a length that a person reads.
func (l *logStream) lastLine() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.last) > maxShown {
		return l.last[:maxShown] + "…"
	}
	return l.last
}

func (l *logStream) add(text string) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tail != nil {
		l.tail.add(text)
	}
	if len(l.pending) >= maxPendingLines {
		l.dropped++
		return
	}
	if text == "\n" {
		text = " \n" // CloudWatch Logs takes no empty message
	}
	l.pending = append(l.pending, logs.Event{Time: now, Message: text})
	if l.debug {
		l.spoken = append(l.spoken, spoken{strings.TrimRight(text, "\t\n"), l.request})
	}
	if len(l.pending) == 1 {
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

// allow names the role session in whose name the log is written.
func (l *logStream) allow(who iam.Principal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writer = who
}

// collect makes request the invocation that runs now, and t its tail.
func (l *logStream) collect(request string, t *tail) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.request, l.tail = request, t
}

// close stores what is left.
func (l *logStream) close() {
	close(l.closed)
	<-l.stored
}

func (l *logStream) run() {
	defer close(l.stored)
	// Logs outlive the environment by a moment: what it said last explains its end.
	background := context.WithoutCancel(l.service.ctx)
	var refused error
	for last := false; !last; {
		select {
		case <-l.wake:
			select { // the next lines are never far: each batch has its price
			case <-time.After(logDelay):
			case <-l.closed:
				last = true
			}
		case <-l.closed:
			last = true
		}
		events, said, writer := l.take()
		if len(events) == 0 {
			continue
		}
		for _, line := range said {
			l.service.Log.Debug(line.text, "function", l.function, "functionRequestId", line.request)
		}
		ctx := iam.WithPrincipal(background, writer)
		if err := l.allowed(ctx); err != nil {
			if refused == nil {
				l.service.Log.Info("lambda: the output of a function is not kept: its role may not write logs", "function", l.function, "role", writer.RoleName, "error", err)
			}
			refused = err
			continue
		}
		if err := l.service.Logs.Put(ctx, l.group, l.stream, events); err != nil {
			l.service.Log.Error("lambda: the output of a function could not be stored", "function", l.function, "error", err)
		}
	}
}

func (l *logStream) take() ([]logs.Event, []spoken, iam.Principal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	events, said := l.pending, l.spoken
	l.pending, l.spoken = nil, nil
	if l.dropped > 0 {
		l.service.Log.Warn("lambda: a function prints faster than its log can be stored", "function", l.function, "dropped", l.dropped)
		l.dropped = 0
	}
	return events, said, l.writer
}

// allowed asks IAM in the name of the function's role. It asks for each batch, so that a change of the role's policies
// takes effect at once.
func (l *logStream) allowed(ctx context.Context) error {
	group := "arn:aws:logs:" + l.service.Region + ":" + l.service.Account + ":log-group:" + l.group
	for _, check := range [...]struct{ action, resource string }{
		{"logs:CreateLogGroup", group},
		{"logs:CreateLogStream", group + ":log-stream:" + l.stream},
		{"logs:PutLogEvents", group + ":log-stream:" + l.stream},
	} {
		if err := l.service.IAM.Authorize(ctx, protocol.JSON11, check.action, check.resource, nil); err != nil {
			return err
		}
	}
	return nil
}
