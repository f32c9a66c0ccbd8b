// Command gateway serves one deployed WebSocket API for the load generator, and nothing else: the gateway that the product
// has, with nothing behind it, so that what is measured is the gateway.
//
// With -door cloud it is a whole embedded cloud in this process, as quotewire cloud is: requests are signed, and the policies
// of a user decide. With -door open there is the gateway alone, and an identity provider that admits everybody: what a post
// costs without its signature.
//
// Once it serves it prints a line of JSON, an [Address].
package main

import (
	"context"
	"encoding/json"
	"flag"
	"log"
	"log/slog"
	"math"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"quotewire/cloud/apigateway"
	"quotewire/cloud/gc"
)

// Address says how the API is reached.
type Address struct {
	WS, WSS string // where clients connect
	Post    string // @connections, with {id} for the connection
	Listen  string // topics, with {id} for the connection that listens to them
	Publish string // topics, with {board} for the board
	Sign    string // KEY:SECRET for all three; empty if nobody asks
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("gateway: ")
	door := flag.String("door", "cloud", "serve a whole `CLOUD`: cloud, or the gateway alone to anybody: open")
	connect := flag.Bool("connect", false, "give $connect a function, which is in this process and allows everybody")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *door, *connect); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, door string, connect bool) error {
	dir, err := os.MkdirTemp("", "quotewire-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	gc.Floor() // as the quotewire command does
	open := openCloud
	if door == "open" {
		open = openGateway
	}
	address, closed, err := open(ctx, dir, connect)
	if err != nil {
		return err
	}
	debug.FreeOSMemory() // what the start has left, or its room would be taken for no memory of the first connections
	json.NewEncoder(os.Stdout).Encode(address)
	<-ctx.Done()
	return closed()
}

// unlimited are the limits for whoever measures: AWS's would be what is measured.
var unlimited = apigateway.Limits{
	ConnectionRate: 1 << 30, RequestRate: 1e9, RequestBurst: math.MaxInt32,
}

var warnings = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
