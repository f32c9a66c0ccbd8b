//go:build linux

package main

import (
	"runtime"
	"time"

	"quotewire/bench/measure"
)

// idle only connects, in plain text or over TLS, and looks at the server's memory afterwards.
func idle(o options) (measure.Result, error) {
	t, err := newTarget(o.url)
	if err != nil {
		return measure.Result{}, err
	}
	server := measure.Tree{Root: o.pid}
	rss, slab := server.RSS(), measure.Slab()
	clients := make([]client, o.sockets) // until the end, or TLS would close them
	start := now()
	cpu := server.CPU()
	for i := range clients {
		if _, err := t.connect(&clients[i], i, false); err != nil {
			return measure.Result{}, err
		}
	}
	r := measure.Result{Count: o.sockets, Seconds: float64(now()-start) / 1e9}
	r.ServerCPU = float64(server.CPU()-cpu) / 1e9
	r.ServerUs = r.ServerCPU * 1e6 / float64(o.sockets)
	time.Sleep(o.settle)
	r.RSS = float64(server.RSS()-rss) / float64(o.sockets)
	r.Slab = float64(measure.Slab()-slab) / float64(o.sockets)
	runtime.KeepAlive(clients)
	return r, nil
}
