package apigateway

import (
	"runtime"
	"testing"
)

func TestGoroutinesAreUsedAgainAndEndWithTheService(t *testing.T) {
	t.Parallel()
	var r running
	begun, goOn := make(chan bool), make(chan bool)
	for range 2 {
		for range maxIdle + 1 {
			if !r.start(func() { begun <- true; <-goOn }) {
				t.Fatal("nothing is started")
			}
		}
		for range maxIdle + 1 {
			<-begun
		}
		r.mu.Lock()
		if n := len(r.idle); n != 0 {
			t.Errorf("%d goroutines are idle while all work", n)
		}
		r.mu.Unlock()
		for range maxIdle + 1 {
			goOn <- true
		}
		r.wait()
		for n := 0; n < maxIdle; runtime.Gosched() { // they are done before they are idle
			r.mu.Lock()
			n = len(r.idle)
			r.mu.Unlock()
		}
	}
	r.stop()
	if r.start(func() {}) || r.idle != nil {
		t.Error("goroutines are left after the end")
	}
	r.wait()
}
