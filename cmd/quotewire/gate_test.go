package main

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"
)

// gate stands before a cloud. It holds the calls of one operation until it is opened, or refuses them as too many.
type gate struct {
	*httptest.Server
	arrived chan struct{} // has something when a call is held

	mu     sync.Mutex
	name   string        // guarded by mu: of the operation, "" for none
	open   chan struct{} // guarded by mu: closed when what is held may go on
	refuse bool          // guarded by mu
}

func newGate(cloud string) (*gate, error) {
	target, err := url.Parse(cloud)
	if err != nil {
		return nil, err
	}
	g := &gate{arrived: make(chan struct{}, 100), open: make(chan struct{})}
	proxy := &httputil.ReverseProxy{ErrorLog: log.New(io.Discard, "", 0), Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host // which is signed
	}}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		stopped, open, refuse := g.name != "" && strings.HasSuffix(r.Header.Get("X-Amz-Target"), "."+g.name), g.open, g.refuse
		g.mu.Unlock()
		switch {
		case stopped && refuse:
			w.Header().Set("Content-Type", "application/x-amz-json-1.1")
			w.WriteHeader(http.StatusBadRequest)
			w.Write([]byte(`{"__type": "ThrottlingException", "message": "Rate exceeded"}`))
			return
		case stopped:
			g.arrived <- struct{}{}
			select {
			case <-open:
			case <-r.Context().Done():
				return
			}
		}
		proxy.ServeHTTP(w, r)
	}))
	return g, nil
}

// hold stops the calls of an operation from now on, such as CreateTable; refuse says that they are answered with throttling.
func (g *gate) hold(name string, refuse bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.name, g.refuse, g.open = name, refuse, make(chan struct{})
}

// release lets everything pass.
func (g *gate) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.name != "" {
		g.name = ""
		close(g.open)
	}
}

func (g *gate) close() {
	g.release()
	g.Server.CloseClientConnections()
	g.Server.Close()
}

// wait waits until a call is held.
func (g *gate) wait(t interface{ Fatalf(string, ...any) }) {
	select {
	case <-g.arrived:
	case <-time.After(time.Minute):
		t.Fatalf("no call has come to the gate")
	}
}
