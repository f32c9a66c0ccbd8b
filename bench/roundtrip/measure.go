package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// result is what was measured with a number of sockets. Times are in microseconds.
type result struct {
	Workload  string  `json:"workload"`
	Sockets   int     `json:"sockets"`
	Trips     int     `json:"trips"`
	PerSecond float64 `json:"per_second"`
	P50       float64 `json:"p50_us"`
	P99       float64 `json:"p99_us"`
	Cloud     float64 `json:"cloud_cpu_us"` // of the processor, for each round trip
	Function  float64 `json:"function_cpu_us"`
	Client    float64 `json:"client_cpu_us"`
	Processes int     `json:"functions"` // that served
}

// A number of sockets runs for a while before it is measured: until no more environments have been started for a warmUp,
// but not longer than maxWarmUp.
const (
	warmUp    = time.Second
	maxWarmUp = 20 * time.Second
)

func (s *stack) measure(ctx context.Context, n int, span time.Duration) (*result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	sockets := make([]*socket, n)
	for i := range sockets {
		var err error
		if sockets[i], err = dial(s.url, fmt.Sprintf(`{"action":"quotes","n":%06d,"text":"as long as a message with the price of one ticker is"}`, i)); err != nil {
			return nil, err
		}
		defer sockets[i].conn.Close()
	}
	var counts atomic.Bool // the measurement has begun
	times := make([][]time.Duration, n)
	failures := make(chan error, n)
	var running sync.WaitGroup
	for i, c := range sockets {
		running.Go(func() {
			for ctx.Err() == nil {
				begin := time.Now()
				if err := c.roundTrip(); err != nil {
					failures <- err
					cancel()
					return
				}
				if counts.Load() {
					times[i] = append(times[i], time.Since(begin))
				}
			}
		})
	}
	pause := func(d time.Duration) {
		select {
		case <-time.After(d):
		case <-ctx.Done():
		}
	}
	for began, last := time.Now(), 0; last < s.usage().processes && time.Since(began) < maxWarmUp && ctx.Err() == nil; {
		last = s.usage().processes
		pause(warmUp)
	}
	before, begin := s.usage(), time.Now()
	counts.Store(true)
	pause(span)
	counts.Store(false)
	after, took := s.usage(), time.Since(begin)
	cancel()
	running.Wait()
	select {
	case err := <-failures:
		return nil, err
	default:
	}
	all := slices.Sorted(slices.Values(slices.Concat(times...)))
	if len(all) == 0 {
		return nil, fmt.Errorf("no message came back within %s", span)
	}
	each := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(len(all)) }
	return &result{
		Workload: "roundtrip", Sockets: n, Trips: len(all), PerSecond: float64(len(all)) / took.Seconds(),
		P50: microseconds(all[len(all)/2]), P99: microseconds(all[len(all)*99/100]),
		Cloud: each(after.cloud - before.cloud), Function: each(after.functions - before.functions), Client: each(after.client - before.client),
		Processes: after.processes,
	}, nil
}

func microseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

// usage is how much of the processor was used so far.
type usage struct {
	cloud, functions, client time.Duration
	processes                int
}

func (s *stack) usage() usage {
	var u usage
	for _, p := range processTree(s.process.Pid) {
		switch {
		case p.pid == s.process.Pid:
			u.cloud = p.used
		case p.name == "bootstrap":
			u.functions += p.used
			u.processes++
		}
	}
	var own syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &own)
	u.client = time.Duration(own.Utime.Nano() + own.Stime.Nano())
	return u
}
