package gc

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

var sink []byte

func TestSmallHeapIsCollectedSeldom(t *testing.T) {
	t.Setenv("GOGC", "")
	Floor()
	runtime.GC() // which has the floor count from here
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const garbage = 256 << 20
	for range garbage / 1024 {
		sink = make([]byte, 1024)
	}
	runtime.ReadMemStats(&after)
	// A heap that may only double is collected at four megabytes.
	if cycles := after.NumGC - before.NumGC; cycles > garbage/(8<<20) {
		t.Errorf("%d megabytes of garbage took %d cycles of the collector", garbage>>20, cycles)
	}
}

func TestLargeHeapDoublesAsEver(t *testing.T) {
	for live, want := range map[uint64]int{0: 400, 1 << 20: 400, 2 << 20: 400, 4 << 20: 300, 5 << 20: 220, 6 << 20: 166, 8 << 20: 100, 1 << 30: 100} {
		if got := percentFor(live); got != want {
			t.Errorf("with %d live bytes the heap may grow by %d%%, want %d%%", live, got, want)
		}
	}
}

func TestWhatABurstLeavesIsGivenBack(t *testing.T) {
	Floor() // so that nothing else collects it
	collections := func() uint32 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.NumForcedGC
	}
	synctest.Test(t, func(t *testing.T) {
		var b Burst
		before := collections()
		for range 3 * enough {
			b.Add()
			time.Sleep(afterBurst / 2)
		}
		time.Sleep(afterBurst / 4)
		if n := collections() - before; n != 0 {
			t.Errorf("%d collections while the burst goes on", n)
		}
		time.Sleep(afterBurst / 2)
		synctest.Wait()
		if n := collections() - before; n != 1 {
			t.Errorf("%d collections after the burst, want one", n)
		}
		for range enough - 1 {
			b.Add()
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := collections() - before; n != 1 {
			t.Errorf("%d collections after what is no burst", n-1)
		}
	})
}
