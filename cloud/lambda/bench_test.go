package lambda

import (
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
