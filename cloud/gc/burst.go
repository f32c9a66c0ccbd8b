package gc

import (
	"runtime/debug"
	"sync"
	"time"
)

// Burst counts what leaves garbage behind that is not soon made again: the arrival or the end of a connection. When much of
// it has come and a second has gone by without more, the heap is collected, and what is free goes back to the system. Else
// it would stay with the process until that has made as much again of something else. Its zero value is ready for use, by any number of goroutines.
type Burst struct {
	mu    sync.Mutex
	n     int
	quiet *time.Timer
}

const (
	// enough is how many make a burst: what fewer leave is not worth a collection.
	enough = 1000

	// afterBurst is how long none has come when it is over.
	afterBurst = time.Second
)

// Add counts one.
func (b *Burst) Add() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.n++
	switch {
	case b.n < enough:
	case b.quiet == nil:
		b.quiet = time.AfterFunc(afterBurst, b.over)
	default:
		b.quiet.Reset(afterBurst)
	}
}

func (b *Burst) over() {
	b.mu.Lock()
	b.n = 0
	b.mu.Unlock()
	debug.FreeOSMemory()
}
