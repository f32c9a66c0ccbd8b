package lambda

import (
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
)

// crewOf tells how many environments of a function there are, and how many executions wait for one.
func (c *cloud) crewOf(name string) (environments, waiting int) {
	c.pool.mu.Lock()
	defer c.pool.mu.Unlock()
	fl := c.pool.fleet(name)
	return len(fl.environments), len(fl.crew(c.catalog.get(name).latest()).waiting)
}

// waits returns when as many executions of a function wait for an environment.
func (c *cloud) waits(t *testing.T, name string, want int) {
	for {
		if _, n := c.crewOf(name); n == want {
			return
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("%d executions never waited", want)
		case <-time.After(time.Millisecond):
		}
	}
}

func TestWaitingExecutionGetsTheEnvironmentThatBecomesFree(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.pool.patience = time.Hour
	c.function(t, "library")
	m := meet(t)
	var running sync.WaitGroup
	running.Go(func() { c.invoke(t, "watch", m.event()) })
	pid, conn := m.arrival(t)
	for range 3 {
		running.Go(func() {
			if got := c.info(t, "watch"); got.Pid != pid {
				t.Errorf("an execution that waited ran in process %d, want the one that became free, %d", got.Pid, pid)
			}
		})
	}
	c.waits(t, "watch", 3)
	if n, _ := c.crewOf("watch"); n != 1 {
		t.Errorf("there are %d environments, want 1", n)
	}
	conn.Close()
	running.Wait()
}

// lockedBuffer takes a log.
type lockedBuffer struct {
	mu   sync.Mutex // protects following
	text strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func TestNoMoreEnvironmentsThanTheLimitAreStarted(t *testing.T) {
	t.Parallel()
	var log lockedBuffer
	c := start(t, func(c *Config) { c.Environments, c.Log = 2, slog.New(slog.NewTextHandler(&log, nil)) })
	c.function(t, "library")
	m := meet(t)
	var running sync.WaitGroup
	for range 3 {
		running.Go(func() { c.invoke(t, "watch", m.event()) })
	}
	first, conn := m.arrival(t)
	second, other := m.arrival(t)
	c.waits(t, "watch", 1)
	conn.Close()
	third, last := m.arrival(t)
	if third != first || first == second {
		t.Errorf("the executions ran in the processes %d, %d and %d; want two, and the first once more", first, second, third)
	}
	other.Close()
	last.Close()
	running.Wait()
	if text := log.String(); !strings.Contains(text, "raise --limit lambda.environments") {
		t.Errorf("the cloud's log does not say why one has waited:\n%s", text)
	}
}

func TestCrewGrowsAsFarAsItHelps(t *testing.T) {
	t.Parallel()
	now := time.Now()
	x := &execution{submitted: now}
	for what, test := range map[string]struct {
		crew     crew
		from, to time.Duration
	}{
		"nothing is there":                          {crew{}, 0, 0},
		"one starts, for another":                   {crew{starting: 1}, 0, 0},
		"as many start as may at once":              {crew{starting: startsAtOnce, started: now}, 0, startPace},
		"one works, and nobody knows for how long":  {crew{busy: 1}, 1, patience},
		"one works for moments":                     {crew{busy: 1, held: time.Millisecond}, 1, patience},
		"one works for longer than a start takes":   {crew{busy: 1, held: time.Second}, 0, 0},
		"some work for long, and one often is free": {crew{busy: 200, held: time.Second}, 1, patience},
		"one has answered and is nearly free":       {crew{busy: 1, finishing: 1, held: time.Second}, patience, reuseWait},
		"one has answered, for one that came first": {crew{busy: 1, finishing: 1, starting: 1, held: time.Second}, 0, 0},
	} {
		p := &pool{patience: patience, service: &Service{Config: Config{Limits: Limits{Environments: 1000}}}}
		for range test.crew.starting + 1 {
			test.crew.waiting = append(test.crew.waiting, x)
		}
		if got := p.untilStart(&fleet{}, &test.crew); max(got, 0) < test.from-time.Millisecond || max(got, 0) > test.to {
			t.Errorf("%s: another one is started in %s, want from %s to %s", what, got, test.from, test.to)
		}
	}
}
