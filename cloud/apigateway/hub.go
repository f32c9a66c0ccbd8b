package apigateway

import (
	"sync"

	"quotewire/cloud/apigateway/socket"
)

// hub knows the connections of this process by their ids. The zero hub is empty and ready. It and [conn] are all that
// the rest of the gateway knows of sockets.
type hub struct {
	mu    sync.RWMutex
	conns map[socket.ID]*conn // nil for an id whose $connect has not finished
	homes map[stageID]*home
}

// home returns what the connections of a stage share. It stays when they are gone: there are as many as stages have been.
func (h *hub) home(s *Service, id stageID) *home {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.homes == nil {
		h.homes = map[stageID]*home{}
	}
	if h.homes[id] == nil {
		h.homes[id] = &home{s, id}
	}
	return h.homes[id]
}

// reserve returns an id for a connection of the API. Until add, find does not know it: posts answer 410.
func (h *hub) reserve(apiID string) socket.ID {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.conns == nil {
		h.conns = map[socket.ID]*conn{}
	}
	for {
		id := connectionID(apiID)
		if _, taken := h.conns[id]; !taken {
			h.conns[id] = nil
			return id
		}
	}
}

// add makes a connection known under its reserved id.
func (h *hub) add(c *conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.conns[c.ID] = c
}

func (h *hub) remove(id socket.ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.conns, id)
}

// find returns the open connection of an id's text, or nil.
func (h *hub) find(text string) *conn {
	id, ok := socket.ParseID(text)
	if !ok {
		return nil
	}
	return h.get(id)
}

// get returns the open connection of that id, or nil.
func (h *hub) get(id socket.ID) *conn {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.conns[id]
}

// size returns how many connections there are, with those whose $connect has not finished.
func (h *hub) size() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.conns)
}

// each calls f for every connection that is open at this moment, without holding up the others.
func (h *hub) each(f func(*conn)) {
	h.mu.RLock()
	all := make([]*conn, 0, len(h.conns))
	for _, c := range h.conns {
		if c != nil {
			all = append(all, c)
		}
	}
	h.mu.RUnlock()
	for _, c := range all {
		f(c)
	}
}
