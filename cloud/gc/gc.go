// Package gc keeps the garbage collector from working all the time for a heap that is small. Go collects when the heap has
// doubled: a process that keeps three megabytes and makes a hundred in a second does so thirty times in it. And it gives back
// at once what a burst has left, see [Burst].
package gc

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// floor is the size of the heap below which nothing is collected, in bytes. A cloud with ten thousand connections is beyond it
// anyway.
const floor = 16 << 20

var once sync.Once

// Floor has the collector wait until the heap has about sixteen megabytes, or has doubled, whichever is more. It is for the
// whole process, and leaves the collector alone in one whose owner has set GOGC.
func Floor() {
	if os.Getenv("GOGC") == "" {
		once.Do(func() { (&cycle{percent: 100}).end() })
	}
}

// cycle is found to be garbage at the end of each cycle of the collector.
type cycle struct{ percent int }

func (c *cycle) end() {
	if percent := percentFor(live()); percent != c.percent {
		c.percent = percent
		debug.SetGCPercent(percent)
	}
	runtime.SetFinalizer(c, (*cycle).end)
}

// percentFor is the growth, in percent, after which a heap of so many live bytes is to be collected.
func percentFor(live uint64) int {
	if live >= floor/2 {
		return 100
	}
	const most = floor / (4 << 20) * 100 // the runtime never collects below four megabytes, times the growth
	return int(min((floor-live)*100/max(live, 1), most))
}

// live returns the bytes that the last cycle has found in use.
func live() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
