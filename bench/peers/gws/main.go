// gws: a goroutine reads each connection; gws.Broadcaster writes one prepared
// frame through each connection's asynchronous task queue.
package main

import (
	"flag"
	"log"
	"net/http"
	"sync"

	"github.com/lxzan/gws"

	"quotewire/bench/peers/peer"
)

type hub struct {
	gws.BuiltinEventHandler
	mu    sync.RWMutex
	conns map[*gws.Conn]struct{}
}

func (h *hub) OnOpen(c *gws.Conn) {
	h.mu.Lock()
	h.conns[c] = struct{}{}
	h.mu.Unlock()
}

func (h *hub) OnClose(c *gws.Conn, _ error) {
	h.mu.Lock()
	delete(h.conns, c)
	h.mu.Unlock()
}

func (h *hub) OnMessage(c *gws.Conn, m *gws.Message) {
	c.WriteMessage(m.Opcode, m.Bytes())
	m.Close()
}

func (h *hub) publish(msg []byte) {
	b := gws.NewBroadcaster(gws.OpcodeText, msg)
	defer b.Close()
	h.mu.RLock()
	defer h.mu.RUnlock()
	for c := range h.conns {
		b.Broadcast(c)
	}
}

func main() {
	flag.Parse()
	h := &hub{conns: map[*gws.Conn]struct{}{}}
	up := gws.NewUpgrader(h, nil)
	go peer.ServePublish(h.publish)
	log.Fatal(http.ListenAndServe(*peer.WS, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, err := up.Upgrade(w, r); err == nil {
			go c.ReadLoop()
		}
	})))
}
