//go:build linux

package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"quotewire/bench/measure"
)

// hall is a server that sends each publish to each client. spoil may change what one of the clients gets.
type hall struct {
	spoil func(client, publish int, message string) []string

	mu        sync.Mutex // protects following
	clients   []*websocket.Conn
	published int
}

func (h *hall) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		body, _ := io.ReadAll(r.Body)
		h.mu.Lock()
		defer h.mu.Unlock()
		for i, c := range h.clients {
			messages := []string{string(body)}
			if h.spoil != nil {
				messages = h.spoil(i, h.published, messages[0])
			}
			for _, m := range messages {
				c.Write(r.Context(), websocket.MessageText, []byte(m))
			}
		}
		h.published++
		return
	}
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	h.mu.Lock()
	h.clients = append(h.clients, c)
	h.mu.Unlock()
	c.Read(context.Background())
}

// run measures a workload against a hall.
func run(t *testing.T, h *hall, o options) measure.Result {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	o.url, o.post, o.body = "ws"+strings.TrimPrefix(server.URL, "http"), server.URL+"/publish", defaultBody
	o.sockets, o.r, o.window = 3, 20, max(o.window, 1)
	r, err := measureOne(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestFanoutCountsEachCopy(t *testing.T) {
	for _, window := range []int{1, 4} {
		r := run(t, &hall{}, options{mode: "fanout", window: window, patience: 10 * time.Second})
		if r.Count != 60 || r.Missing != 0 || r.Twice != 0 || r.P99 <= 0 || r.Last <= 0 {
			t.Errorf("with %d in flight: %+v", window, r)
		}
	}
}

func TestFanoutMissesWhatDoesNotCome(t *testing.T) {
	h := &hall{spoil: func(client, publish int, message string) []string {
		if client == 1 && publish == warmUp+7 {
			return nil
		}
		return []string{message}
	}}
	r := run(t, h, options{mode: "fanout", window: 20, patience: time.Second})
	if r.Count != 59 || r.Missing != 1 {
		t.Errorf("%d came and %d are missing, want 59 and 1", r.Count, r.Missing)
	}
}

func TestFanoutSeesWhatComesTwice(t *testing.T) {
	h := &hall{spoil: func(client, publish int, message string) []string {
		if client == 2 && publish == warmUp+3 {
			return []string{message, message}
		}
		return []string{message}
	}}
	if r := run(t, h, options{mode: "fanout", patience: 10 * time.Second}); r.Count != 60 || r.Twice != 1 {
		t.Errorf("%d came and %d came twice, want 60 and 1", r.Count, r.Twice)
	}
}

func TestConflateSeesAPriceThatTurnsBack(t *testing.T) {
	var held string
	h := &hall{spoil: func(client, publish int, message string) []string {
		switch {
		case client == 0 && publish == 4:
			held = message
			return nil
		case client == 0 && publish == 5:
			return []string{message, held}
		}
		return []string{message}
	}}
	r := run(t, h, options{mode: "conflate", patience: 10 * time.Second})
	if r.Twice != 1 || r.Missing != 0 {
		t.Errorf("%d turned back and %d clients are without the last, want 1 and 0", r.Twice, r.Missing)
	}
}
