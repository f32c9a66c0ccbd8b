// centrifuge, the library under Centrifugo: JSON protocol, every client
// subscribed to one channel by the server; RPC is its request/reply.
// Clients say {"id":1,"connect":{}} and {"id":2,"rpc":{"data":…}}.
package main

import (
	"context"
	"flag"
	"log"
	"net/http"
	"time"

	"github.com/centrifugal/centrifuge"

	"quotewire/bench/peers/peer"
)

func main() {
	flag.Parse()
	node, err := centrifuge.New(centrifuge.Config{LogLevel: centrifuge.LogLevelError, LogHandler: func(e centrifuge.LogEntry) { log.Print(e.Message, e.Fields) }})
	if err != nil {
		log.Fatal(err)
	}
	node.OnConnecting(func(context.Context, centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		return centrifuge.ConnectReply{
			Credentials:    &centrifuge.Credentials{},
			Subscriptions:  map[string]centrifuge.SubscribeOptions{"quotes": {}},
			PingPongConfig: &centrifuge.PingPongConfig{PingInterval: time.Hour},
		}, nil
	})
	node.OnConnect(func(c *centrifuge.Client) {
		c.OnRPC(func(e centrifuge.RPCEvent, reply centrifuge.RPCCallback) {
			reply(centrifuge.RPCReply{Data: e.Data}, nil)
		})
	})
	if err := node.Run(); err != nil {
		log.Fatal(err)
	}
	go peer.ServePublish(func(msg []byte) {
		if _, err := node.Publish("quotes", msg); err != nil {
			log.Print(err)
		}
	})
	log.Fatal(http.ListenAndServe(*peer.WS, centrifuge.NewWebsocketHandler(node, centrifuge.WebsocketConfig{
		CheckOrigin: func(*http.Request) bool { return true },
	})))
}
