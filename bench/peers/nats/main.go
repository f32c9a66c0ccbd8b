// nats-server, embedded, with its WebSocket listener; clients speak the NATS
// protocol over it (CONNECT, SUB quotes). A publish goes through an in-process
// nats.go connection.
package main

import (
	"flag"
	"log"
	"net"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"quotewire/bench/peers/peer"
)

func main() {
	flag.Parse()
	host, port, err := net.SplitHostPort(*peer.WS)
	if err != nil {
		log.Fatal(err)
	}
	p, err := strconv.Atoi(port)
	if err != nil {
		log.Fatal(err)
	}
	srv, err := server.NewServer(&server.Options{
		DontListen:   true, // only WebSocket and in-process clients
		NoSigs:       true,
		NoLog:        true,
		PingInterval: time.Hour,
		Websocket:    server.WebsocketOpts{Host: host, Port: p, NoTLS: true},
	})
	if err != nil {
		log.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(10 * time.Second) {
		log.Fatal("nats-server did not get ready")
	}
	nc, err := nats.Connect("", nats.InProcessServer(srv))
	if err != nil {
		log.Fatal(err)
	}
	peer.ServePublish(func(msg []byte) {
		if err := nc.Publish("quotes", msg); err != nil {
			log.Print(err)
		}
	})
}
