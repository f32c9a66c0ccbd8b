// coder/websocket: it has no broadcast, so this is the shape of its own chat
// example: a goroutine reads, a second one writes what a per-connection
// channel holds.
package main

import (
	"context"
	"flag"
	"log"
	"net/http"
	"sync"

	"github.com/coder/websocket"

	"quotewire/bench/peers/peer"
)

var (
	mu    sync.RWMutex
	conns = map[chan []byte]*websocket.Conn{}
)

func serve(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return
	}
	defer c.CloseNow()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	queue := make(chan []byte, 16)
	mu.Lock()
	conns[queue] = c
	mu.Unlock()
	defer func() {
		mu.Lock()
		delete(conns, queue)
		mu.Unlock()
	}()
	go func() {
		for {
			select {
			case msg := <-queue:
				c.Write(ctx, websocket.MessageText, msg)
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		kind, msg, err := c.Read(ctx)
		if err != nil {
			return
		}
		c.Write(ctx, kind, msg)
	}
}

func publish(msg []byte) {
	mu.RLock()
	defer mu.RUnlock()
	for queue, c := range conns {
		select {
		case queue <- msg:
		default: // too slow: cut it off, as the example does
			go c.CloseNow()
		}
	}
}

func main() {
	flag.Parse()
	go peer.ServePublish(publish)
	log.Fatal(http.ListenAndServe(*peer.WS, http.HandlerFunc(serve)))
}
