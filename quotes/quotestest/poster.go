package quotestest

import (
	"context"
	"encoding/json"
	"sync"

	"quotewire/quotes"
)

// Poster is a [quotes.Poster] that keeps what was posted. Its zero value is ready for use.
type Poster struct {
	// Before, if set, is called before a message is taken. An error keeps the message from being taken and is
	// returned to the caller.
	Before func(to quotes.Connection, message []byte) error

	mu      sync.Mutex // protects the following
	posted  map[quotes.ConnectionID][]string
	now     int
	highest int
}

var _ quotes.Poster = (*Poster)(nil)

// Post keeps the message.
func (p *Poster) Post(_ context.Context, to quotes.Connection, message []byte) error {
	p.mu.Lock()
	p.now++
	p.highest = max(p.highest, p.now)
	p.mu.Unlock()
	var err error
	if p.Before != nil {
		err = p.Before(to, message)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now--
	if err != nil {
		return err
	}
	if p.posted == nil {
		p.posted = make(map[quotes.ConnectionID][]string)
	}
	p.posted[to.ID] = append(p.posted[to.ID], string(message))
	return nil
}

// Take returns the messages that a connection got since it was last asked, in their order.
func (p *Poster) Take(id quotes.ConnectionID) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	taken := p.posted[id]
	delete(p.posted, id)
	return taken
}

// Shown returns the prices that a page on the connection would show after the messages that it got since it was last
// asked.
func (p *Poster) Shown(id quotes.ConnectionID) map[quotes.Ticker]quotes.Price {
	shown := make(map[quotes.Ticker]quotes.Price)
	for _, text := range p.Take(id) {
		var m struct{ Quotes []quotes.Quote }
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			panic(err)
		}
		for _, q := range m.Quotes {
			shown[q.Ticker] = q.Price
		}
	}
	return shown
}

// Highest returns how many posts were under way at the same time at most.
func (p *Poster) Highest() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.highest
}
