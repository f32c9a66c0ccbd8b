// nbio: epoll pollers, no goroutine per connection; Conn.WriteMessage writes at
// once without blocking and queues only what the kernel did not take.
package main

import (
	"flag"
	"log"
	"net/http"
	"sync"

	"github.com/lesismal/nbio/logging"
	"github.com/lesismal/nbio/nbhttp"
	"github.com/lesismal/nbio/nbhttp/websocket"

	"quotewire/bench/peers/peer"
)

func main() {
	flag.Parse()
	logging.SetLevel(logging.LevelError)
	var mu sync.RWMutex
	conns := map[*websocket.Conn]struct{}{}

	up := websocket.NewUpgrader()
	up.KeepaliveTime = 0
	up.OnOpen(func(c *websocket.Conn) {
		mu.Lock()
		conns[c] = struct{}{}
		mu.Unlock()
	})
	up.OnClose(func(c *websocket.Conn, _ error) {
		mu.Lock()
		delete(conns, c)
		mu.Unlock()
	})
	up.OnMessage(func(c *websocket.Conn, kind websocket.MessageType, msg []byte) {
		c.WriteMessage(kind, msg)
	})
	engine := nbhttp.NewEngine(nbhttp.Config{
		Network: "tcp",
		Addrs:   []string{*peer.WS},
		MaxLoad: 1 << 20,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			up.Upgrade(w, r, nil)
		}),
	})
	if err := engine.Start(); err != nil {
		log.Fatal(err)
	}
	peer.ServePublish(func(msg []byte) {
		mu.RLock()
		defer mu.RUnlock()
		for c := range conns {
			c.WriteMessage(websocket.TextMessage, msg)
		}
	})
}
