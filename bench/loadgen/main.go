//go:build linux

// Command loadgen drives any WebSocket server with one workload and prints a line of JSON with what it measured; see
// [measure.Result].
//
//	fanout     publishes -r prices, at most -window of which have not reached everybody, and counts each client's copies
//	conflate   publishes -r prices, each as soon as the one before is answered; each client must get the last one
//	pace       publishes -rate prices a second for -for, whatever the server makes of it
//	push       posts -r times, -window at once, to the first client
//	idle       only connects
//	listen     connects, says hello and subscribes
//	slow       a fan-out during which the first -slow clients stop reading, and then read again
//	storm      connects all clients at once, and closes them at once
//
// It is one thread around one epoll, so that it costs less than what it measures, and it never sleeps: the server would
// pay for waking it up at each delivery.
//
// A delivery is an occurrence of "price":NNNN in a data frame. Each publish has a price of its own, so that each delivery
// says which publish it belongs to, whatever protocol wraps it, and whether frames were joined.
//
// In -post and -body, {price} becomes the price, {slot} a digit from 0 to 7 that the next publishes do not have, {id} the
// connection-id in the first message to the first client, and {board} the board that answered -subscribe, which is posted to
// once for each client, with its {id}. In -hello, {i} becomes the number of the client; \r and \n are escapes.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"time"

	"quotewire/bench/measure"
)

type options struct {
	mode, url, hello string
	sockets          int
	greet            int // clients whose hello is not answered yet, at most; 0: nobody waits for an answer
	post, body       string
	subscribe, topic string
	header           string
	sign             string
	r, window, slow  int
	rate             float64
	duration, settle time.Duration
	patience         time.Duration
	pid              int
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("loadgen: ")
	var o options
	var label, workload string
	var rep int
	flag.StringVar(&o.mode, "mode", "fanout", "the `WORKLOAD`")
	flag.StringVar(&label, "server", "", "`NAME` of the server, for the result")
	flag.StringVar(&workload, "workload", "", "`NAME` of the workload, for the result")
	flag.IntVar(&rep, "rep", 0, "`NUMBER` of the repetition, for the result")
	flag.StringVar(&o.url, "url", "ws://127.0.0.1:9001/ws", "where clients connect: ws://, or in idle wss://")
	flag.IntVar(&o.sockets, "n", 1000, "`NUMBER` of clients")
	flag.StringVar(&o.hello, "hello", "", "`TEXT` that each client sends once it is connected")
	flag.IntVar(&o.greet, "greet", 0, "wait for an answer to each hello, with this `NUMBER` of clients at a time; 0: wait for none")
	flag.StringVar(&o.post, "post", "", "`URL` that a publish is posted to")
	flag.StringVar(&o.body, "body", defaultBody, "`TEXT` that is posted")
	flag.StringVar(&o.subscribe, "subscribe", "", "`URL` that a subscription is posted to for each client")
	flag.StringVar(&o.topic, "topics", "", "`TEXT` of the subscription")
	flag.StringVar(&o.header, "header", "Content-Type: application/json", "further `LINES` of the head of a post, with \\r\\n between them")
	flag.StringVar(&o.sign, "sign", "", "sign posts with this `KEY:SECRET`, before the clock runs")
	flag.IntVar(&o.r, "r", 100, "`NUMBER` of publishes")
	flag.IntVar(&o.window, "window", 1, "`NUMBER` of publishes at once")
	flag.IntVar(&o.slow, "slow", 100, "`NUMBER` of clients that stop reading")
	flag.Float64Var(&o.rate, "rate", 100, "publishes a second, `N`")
	flag.DurationVar(&o.duration, "for", 3*time.Second, "how long pace lasts")
	flag.DurationVar(&o.settle, "settle", time.Second, "pause between connecting and measuring")
	flag.DurationVar(&o.patience, "patience", 60*time.Second, "give up after this long")
	flag.IntVar(&o.pid, "pid", 0, "`PROCESS` of the server, which with all that it started counts as the server")
	flag.Parse()

	result, err := measureOne(o)
	if err != nil {
		fmt.Fprintf(os.Stderr, "loadgen: %s %s: %v\n", label, workload, err)
		os.Exit(1)
	}
	result.Server, result.Workload, result.Rep, result.Sockets = label, workload, rep, o.sockets
	json.NewEncoder(os.Stdout).Encode(result)
}

func measureOne(o options) (measure.Result, error) {
	switch o.mode {
	case "storm":
		return storm(o)
	case "idle":
		return idle(o)
	}
	l, err := open(o)
	if err != nil {
		return measure.Result{}, err
	}
	if o.mode == "listen" {
		return measure.Result{Count: o.sockets, RSS: l.rss, Slab: l.slab}, nil
	}
	switch o.mode {
	case "fanout":
		return l.measure(l.fanout)
	case "conflate":
		return l.measure(l.conflate)
	case "pace":
		return l.measure(l.pace)
	case "push":
		return l.measure(l.push)
	case "slow":
		return l.slow()
	}
	return measure.Result{}, fmt.Errorf("there is no workload %q", o.mode)
}
