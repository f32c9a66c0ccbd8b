//go:build linux

package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"quotewire/bench/measure"
)

// workload is what one cell does to a server.
type workload struct {
	name    string
	mode    string // of the load generator
	sockets int
	secure  bool
	watches int      // in the tables, at most
	args    []string // further ones of the load generator
	body    string   // that is posted to the peers; empty: a message
	topics  string   // that is posted to Quotewire's topics; empty: the same
	servers []string
	reps    int
	run     func(*bench, context.Context, workload, string) ([]measure.Result, error) // nil: the load generator against the server
}

// section is a part of the document, with the workloads behind it.
type section struct {
	name      string
	workloads []workload
	render    func(*report) string
}

func (s section) reps() (n int) {
	for _, w := range s.workloads {
		n = max(n, w.reps)
	}
	return n
}

func sectionNames() (names []string) {
	for _, s := range sections(false, 0) {
		names = append(names, s.name)
	}
	return names
}

// The servers that most cells compare, and those that are far behind: they take their turn in fewer repetitions.
var (
	leaders   = []string{"limit", "gobwas", "gws", "nbio", "quotewire"}
	followers = []string{"golimit", "coder", "centrifuge", "nats"}
	gateways  = []string{"quotewire-unsigned", "quotewire-tls"} // beside quotewire, without signatures and with TLS
)

// copies is how many deliveries a fan-out makes, at least ten to each socket.
const copies = 120_000

// sections returns what there is to measure. A repetition of zero leaves the number to the sections.
func sections(quick bool, reps int) []section {
	n := func(usual int) int {
		switch {
		case reps > 0:
			return reps
		case quick:
			return 1
		}
		return usual
	}
	small, large, largest := 1000, 10000, 19000
	leaders, followers, gateways := leaders, followers, gateways
	if quick {
		large, largest = 3000, 5000
		leaders, followers, gateways = []string{"limit", "gobwas", "gws", "quotewire"}, nil, gateways[:1]
	}
	all := append(append([]string{}, leaders...), followers...)
	fanout := func(sockets, window, reps int, servers ...string) workload {
		r := min(max(copies/sockets, 10), 5000)
		if window > 1 {
			r = max(r, 3*window)
		}
		return workload{
			name: fmt.Sprintf("fanout:%d:%d", sockets, window), mode: "fanout", sockets: sockets, servers: servers, reps: reps,
			args: []string{"-r", strconv.Itoa(r), "-window", strconv.Itoa(window)},
		}
	}
	// compared is a fan-out for the leaders, and in fewer repetitions for the followers.
	compared := func(sockets, window int, more ...string) []workload {
		return []workload{
			fanout(sockets, window, n(5), append(append([]string{}, leaders...), more...)...),
			fanout(sockets, window, n(1), followers...),
		}
	}
	many := func(groups ...[]workload) (all []workload) {
		for _, g := range groups {
			all = append(all, g...)
		}
		return all
	}
	push := func(window, usual int, servers ...string) workload {
		return workload{
			name: fmt.Sprintf("push:%d", window), mode: "push", sockets: 1, servers: servers, reps: n(usual),
			args: []string{"-r", "8000", "-window", strconv.Itoa(window), "-settle", "200ms"},
		}
	}
	idle := func(sockets int, secure bool, usual int, servers ...string) workload {
		name := "idle:" + strconv.Itoa(sockets)
		if secure {
			name += ":tls"
		}
		return workload{name: name, mode: "idle", sockets: sockets, secure: secure, servers: servers, reps: n(usual), args: []string{"-settle", "2s"}}
	}
	writing := func(sockets int) workload {
		return fanout(sockets, 1, n(2), "limit", "limit-send", "limit-uring", "limit-uringf", "golimit", "golimit-syscall")
	}
	conflate := func(sockets int) workload {
		return workload{
			name: fmt.Sprintf("conflate:%d", sockets), mode: "conflate", sockets: sockets, servers: []string{"limit", "gws", "quotewire"}, reps: n(3),
			args: []string{"-r", strconv.Itoa(min(300, 2*copies/sockets))}, topics: one,
		}
	}
	listen := func(sockets int) workload {
		return workload{name: fmt.Sprintf("listen:%d", sockets), mode: "listen", sockets: sockets, servers: []string{"quotewire"}, reps: n(3), args: []string{"-settle", "2s"}}
	}
	pace := func(rate float64, servers ...string) workload {
		return workload{
			name: fmt.Sprintf("pace:%g", rate), mode: "pace", sockets: small, servers: servers, reps: n(1),
			args: []string{"-rate", fmt.Sprint(rate), "-window", "32", "-r", "5000", "-for", "2s"},
		}
	}
	whole := fanout(large, 1, n(5), "limit", "quotewire", wholeWay)
	whole.run = (*bench).product
	trips := []string{"-sockets", "1,16,64", "-time", "3s", "-cold", "10"}
	watches := 1_000_000
	if quick {
		trips = []string{"-sockets", "1,16", "-time", "1s", "-cold", "3"}
		watches = 10_000
	}
	var growing []workload
	sizes, rates := []int{100, 300, small, 3000, large, largest}, []float64{1, 10, 30, 60, 90, 120, 200, 400, 1000}
	if quick {
		sizes, rates = []int{100, small, largest}, []float64{10, 60, 120, 400}
	}
	for _, sockets := range sizes {
		growing = append(growing, fanout(sockets, 1, n(2), "limit", "gobwas", "quotewire"))
	}
	for _, rate := range rates {
		growing = append(growing, pace(rate, "limit", "gws", "quotewire"))
	}
	readers, publishesToSlow := []string{"gws", "nbio", "centrifuge", "nats", "quotewire"}, "180"
	if quick {
		readers, publishesToSlow = []string{"gws", "quotewire"}, "120"
	}

	return []section{
		{"fanout", many(compared(small, 1, gateways...), compared(large, 1, gateways...), compared(largest, 1, gateways...)), compare("fanout")},
		{"bursts", many(compared(small, 8, "limit-batch"), compared(large, 8, "limit-batch")), compare("bursts")},
		{"conflation", []workload{conflate(small), conflate(large)}, (*report).conflation},
		{"writing", []workload{writing(small), writing(large)}, compare("writing")},
		{"product", []workload{whole}, (*report).product},
		{"push", []workload{push(1, 2, append(all, "quotewire-unsigned")...), push(16, 5, append(all, "quotewire-unsigned")...)}, compare("push")},
		{"roundtrip", []workload{{name: "roundtrip", args: trips, servers: []string{"quotewire", librariesServer}, reps: n(5), run: (*bench).roundtrip}}, (*report).roundtrip},
		{"memory", []workload{
			idle(small, false, 2, leaders...), idle(large, false, 5, leaders...), idle(large, false, 1, followers...), listen(large),
			idle(small, true, 2, "quotewire"), idle(large, true, 2, "quotewire"),
		}, (*report).memory},
		{"slow", []workload{{
			name: fmt.Sprintf("slow:%d", large), mode: "slow", sockets: large, servers: readers, reps: n(3),
			args: []string{"-r", publishesToSlow, "-slow", strconv.Itoa(large / 100)}, body: padded(message), topics: padded(one),
		}}, (*report).slow},
		{"storms", []workload{{
			name: fmt.Sprintf("storm:%d", large), mode: "storm", sockets: large, servers: append(append([]string{}, leaders...), "golimit", "quotewire-connect"), reps: n(3),
		}}, (*report).storms},
		{"growth", growing, (*report).growth},
		{"tables", []workload{{
			name: "tables", mode: "fanout", sockets: 100, watches: watches, servers: []string{wholeWay}, reps: 1, args: []string{"-r", "100"}, run: (*bench).tables,
		}}, (*report).tables},
	}
}

// What is posted to Quotewire's topics: a message as the peers', put together by the gateway for each socket. There are eight
// topics, so that of eight prices in flight none replaces another.
const (
	topics    = `{"subscribe":["EIQ0","EIQ1","EIQ2","EIQ3","EIQ4","EIQ5","EIQ6","EIQ7"]}`
	publishes = `{"template":"{\"action\":\"quotes\",\"connection-id\":\"$context.connectionId\",\"quotes\":[$data]}",` +
		`"messages":[{"topic":"EIQ{slot}","version":{price},"data":{"ticker":"EIQ{slot}","price":{price}}}]}`
	one = `{"template":"{\"action\":\"quotes\",\"connection-id\":\"$context.connectionId\",\"quotes\":[$data]}",` +
		`"messages":[{"topic":"EIQ0","version":{price},"data":{"ticker":"EIQ0","price":{price}}}]}`
	message = `{"action":"quotes","connection-id":"O9iVddyboAMCJ1A=","quotes":[{"ticker":"EIQQ","price":{price}}]}`
)

// padded is a message of a kilobyte: slow readers fall behind sooner.
func padded(message string) string {
	return strings.Replace(message, `"price":{price}}`, `"price":{price},"padding":"`+padding(900)+`"}`, 1)
}

func padding(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'a' + byte(i%26)
	}
	return string(b)
}
