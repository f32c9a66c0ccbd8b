package apigateway

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"quotewire/cloud/apigateway/socket"
)

// A board has the topics of one stage: what each says, and which connections listen to it. It is an extension of AWS's
// API, by which one call reaches every connection that wants to hear it; see topics.go for the calls.
//
// A topic is a value that changes, such as a price. Its versions grow, and only the newest matters: what arrives late is
// dropped, and a connection that falls behind gets the newest when it catches up. No connection ever sees an older
// version after a newer one, however many publish at the same time.
//
// A board lives as long as the process. Its id is never used again: where a publisher has noted it, the answer 410 says
// that the board's connections are gone with it.
type board struct {
	id      string
	key     stageID
	sendAll func([]*conn, *socket.Message) int

	mu        sync.Mutex // guards the following, and all of topic and place
	topics    map[string]*topic
	listeners map[*conn][]*place // only of those that listen to something
}

// topic is what its listeners share. Where a connection stands in conns is known by its place, so that leaving costs the
// same for a topic of ten thousand. A topic without listeners is forgotten.
type topic struct {
	name    string
	key     uint64 // by which a newer message replaces a waiting one
	version int64  // of what was published last; 0 for nothing yet
	data    json.RawMessage
	message *socket.Message

	conns  []*conn
	shown  []int64  // the newest version that conns[i] was sent
	places []*place // that of conns[i]

	at, left int  // the message goes next to conns[at], and to so many from there, around the end
	sending  bool // a publisher is busy with that

	announced time.Time // when the publishers were last told of the topic; zero for never
}

// place is where a connection stands in a topic.
type place struct {
	topic *topic
	at    int
}

// maxBatch bounds the connections that are sent a message without a break for others who need the board.
const maxBatch = 256

var topicKeys atomic.Uint64

var errTooMany = fmt.Errorf("a connection may be subscribed to %d topics at most", maxSubscriptions)

func newBoard(key stageID, sendAll func([]*conn, *socket.Message) int) *board {
	return &board{
		id: boardID(key.apiID), key: key, sendAll: sendAll,
		topics: map[string]*topic{}, listeners: map[*conn][]*place{},
	}
}

// subscribe makes a connection listen to topics from now on; what they say already is for show to send.
func (b *board) subscribe(c *conn, names []string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c.Ended() { // and whoever ended it calls leave after this
		return socket.ErrGone
	}
	for _, name := range names {
		t := b.topics[name]
		if t != nil && b.find(c, t) != nil {
			continue
		}
		if len(b.listeners[c]) == maxSubscriptions {
			return errTooMany
		}
		if t == nil {
			t = &topic{name: name, key: topicKeys.Add(1)}
			b.topics[name] = t
		}
		p := &place{t, len(t.conns)}
		t.conns, t.shown, t.places = append(t.conns, c), append(t.shown, 0), append(t.places, p)
		if t.sending {
			t.left = min(t.left+1, len(t.conns)) // one more to pass on the way around
		}
		b.listeners[c] = append(b.listeners[c], p)
	}
	return nil
}

// unsubscribe ends what subscribe began.
func (b *board) unsubscribe(c *conn, names []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, name := range names {
		if p := b.find(c, b.topics[name]); p != nil {
			b.remove(p)
			b.listeners[c] = slices.DeleteFunc(b.listeners[c], func(q *place) bool { return q == p })
		}
	}
	if len(b.listeners[c]) == 0 {
		delete(b.listeners, c)
	}
}

// leave ends all subscriptions of a connection that has ended.
func (b *board) leave(c *conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.listeners[c] {
		b.remove(p)
	}
	delete(b.listeners, c)
}

// find returns the place of a connection in a topic, nil if it does not listen to it. The caller holds b.mu.
func (b *board) find(c *conn, t *topic) *place {
	for _, p := range b.listeners[c] {
		if p.topic == t {
			return p
		}
	}
	return nil
}

// remove puts the last of a topic in the place of another. The caller holds b.mu.
func (b *board) remove(p *place) {
	t, last := p.topic, len(p.topic.conns)-1
	t.conns[p.at], t.shown[p.at], t.places[p.at] = t.conns[last], t.shown[last], t.places[last]
	t.places[p.at].at = p.at
	t.conns[last], t.places[last] = nil, nil
	t.conns, t.shown, t.places = t.conns[:last], t.shown[:last], t.places[:last]
	if last == 0 {
		delete(b.topics, t.name)
	}
	if t.sending { // the moved one may stand behind t.at now without having had the message: once more around
		t.left = last
	}
}

// publish brings topics up to new versions, and returns how many connections get to hear of it.
func (b *board) publish(values []topicValue, frame *template) (listeners int) {
	if len(values) == 1 {
		return b.publishOne(values[0], frame, func(*conn) {})
	}
	heard := map[*conn]bool{}
	for _, v := range values {
		b.publishOne(v, frame, func(c *conn) { heard[c] = true })
	}
	return len(heard)
}

// publishOne brings a topic up to a version and returns how many listen to it. A version that is not newer than what the
// topic says is dropped.
//
// Where the last version is still on its way, its publisher goes on with this one, from where it stands: nobody gets a
// version that is already old, and the connections at the end are not starved by those at the front.
func (b *board) publishOne(v topicValue, frame *template, listener func(*conn)) (listeners int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.topics[v.Topic]
	if t == nil || v.Version <= t.version {
		return 0
	}
	for _, c := range t.conns {
		listener(c)
	}
	t.version, t.data, t.message = v.Version, v.Data, frame.message(t.key, v.Data)
	t.left, listeners = len(t.conns), len(t.conns)
	if t.sending {
		return listeners
	}
	t.sending = true
	var batch [maxBatch]*conn
	for t.left > 0 {
		n := 0
		for ; t.left > 0 && n < len(batch); t.left-- {
			if t.at >= len(t.conns) {
				t.at = 0
			}
			if t.shown[t.at] < t.version {
				t.shown[t.at] = t.version
				batch[n] = t.conns[t.at]
				n++
			}
			t.at++
		}
		b.sendAll(batch[:n], t.message)
		b.mu.Unlock()
		b.mu.Lock()
	}
	t.sending = false
	return listeners
}

// show sends a connection one message, more only where the data is too long for one, of what the topics say that it
// listens to: of the value given and the one that was published last, the newer. It leaves out what is older than what
// the connection has been sent. A version that is not published yet will not be sent to it again when it is.
func (b *board) show(c *conn, values []topicValue, frame *template, most int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var data []json.RawMessage
	size := 0
	for _, v := range values {
		t := b.topics[v.Topic]
		if t == nil {
			continue
		}
		p := b.find(c, t)
		if p == nil {
			continue
		}
		if t.version > v.Version {
			v.Version, v.Data = t.version, t.data
		}
		if t.shown[p.at] > v.Version {
			continue
		}
		t.shown[p.at] = v.Version
		if size += len(v.Data) + 1; size > most {
			if err := c.Send(frame.message(0, data...)); err != nil {
				return err
			}
			data, size = nil, len(v.Data)+1
		}
		data = append(data, v.Data)
	}
	return c.Send(frame.message(0, data...))
}

// announce returns which of the topics have not been announced to the publishers after a time.
func (b *board) announce(names []string, after time.Time) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := []string{}
	for _, name := range names {
		if t := b.topics[name]; t != nil && !t.announced.After(after) {
			list = append(list, name)
		}
	}
	return list
}

// confirm notes that the publishers have been told of topics.
func (b *board) confirm(names []string, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, name := range names {
		if t := b.topics[name]; t != nil {
			t.announced = now
		}
	}
}
