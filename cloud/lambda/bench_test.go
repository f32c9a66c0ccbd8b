package lambda

import (
	"slices"
	"sort"
	"testing"
	"time"
)

// BenchmarkInvoke measures an invocation from Invoke to its answer, on warm environments.
func BenchmarkInvoke(b *testing.B) {
	c := start(b)
	c.function(b, "library")
	b.Run("one at a time", func(b *testing.B) {
		took := make([]time.Duration, 0, b.N)
		for b.Loop() {
			begin := time.Now()
			if _, err := c.Invoke(b.Context(), Invocation{Function: "watch", Payload: []byte(`{"Do":"echo"}`)}); err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(begin))
		}
		sort.Slice(took, func(i, j int) bool { return took[i] < took[j] })
		b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
	})
	b.Run("in parallel", func(b *testing.B) {
		b.SetParallelism(4)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := c.Invoke(b.Context(), Invocation{Function: "watch", Payload: []byte(`{"Do":"echo"}`)}); err != nil {
					b.Error(err)
				}
			}
		})
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "invocations/s")
	})
}

// BenchmarkColdStart measures an invocation that has to start a process first, confined and not. One at a time, as a
// cold start in a row with others has to wait for its turn at the processor.
func BenchmarkColdStart(b *testing.B) {
	for name, unconfined := range map[string]bool{"confined": false, "unconfined": true} {
		b.Run(name, func(b *testing.B) {
			c := start(b, func(c *Config) { c.Unconfined = unconfined })
			c.function(b, "library")
			if c.box(); unconfined == (c.box() != nil) {
				b.Skip("this machine confines nothing")
			}
			var took []time.Duration
			for b.Loop() {
				b.StopTimer()
				if _, err := c.Invoke(b.Context(), Invocation{Function: "watch", Payload: []byte(`{"Do":"exit","Code":1}`)}); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				begin := time.Now()
				if _, err := c.Invoke(b.Context(), Invocation{Function: "watch", Payload: []byte(`{"Do":"echo"}`)}); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(begin))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*9/10].Microseconds()), "p90-µs")
		})
	}
}
