package lambda

import (
	"runtime"
	"slices"
	"time"
)

// crew is the environments of one function that are made of the same release, and the executions that wait for one.
//
// An execution gets the environment that was used last, so that those beyond need fall idle and end. When all are busy it
// gets the first that there is: one that has become free, or a new one. New ones are started as on AWS, as many as
// executions wait, with three differences that come of this being one machine, where a start takes processor time away
// from those who work:
//
//   - Where environments are used for moments only, one will be free before another has started. So an execution is
//     patient before one is started for it.
//   - Not more than startsAtOnce are started at a time, and others one by one behind them.
//   - When the processors are busy, more environments share what there is, and do no more. A crew grows slowly then.
//
// The pool's lock protects it.
type crew struct {
	release   *release
	idle      []*environment // last used last
	waiting   []*execution   // the first to come first
	starting  int            // environments that are not ready yet
	busy      int            // environments with an execution
	finishing int            // of the busy: between their answer and their call for more work
	held      time.Duration  // how long an execution has its environment, on average; 0 as long as that is not known
	started   time.Time      // when the last environment was started
	alarm     *time.Timer    // rings when another one may be started
}

const (
	// patience is of the order of a cold start.
	patience = 10 * time.Millisecond
	// reuseWait is how long an execution waits for an environment whose caller has its answer already but whose process
	// has not asked for more work yet.
	reuseWait = 100 * time.Millisecond
	// startPace is between two starts beyond startsAtOnce.
	startPace = 5 * time.Millisecond
	// busyPace is between two starts while the processors are busy, for as many environments as there are processors. It
	// grows with the square of their number up to maxBusyPace.
	busyPace    = 250 * time.Millisecond
	maxBusyPace = 5 * time.Second
)

// startsAtOnce is how many environments of a crew are started at a time.
var startsAtOnce = runtime.NumCPU()

// fewEnvironments is how many environments of a crew are started even if the processors are busy.
var fewEnvironments = 2 * runtime.NumCPU()

func (fl *fleet) crew(r *release) *crew {
	c := fl.crews[r.key()]
	if c == nil {
		c = &crew{release: r}
		fl.crews[r.key()] = c
	}
	return c
}

func (c *crew) empty() bool { return len(c.idle)+len(c.waiting)+c.starting+c.busy == 0 }

// first takes out the execution that has waited for longest; nil if none waits.
func (c *crew) first() *execution {
	if len(c.waiting) == 0 {
		return nil
	}
	x := c.waiting[0]
	c.waiting = slices.Delete(c.waiting, 0, 1)
	return x
}

// give gives x to e.
func (c *crew) give(e *environment, x *execution) {
	c.busy++
	e.given = time.Now()
	e.work <- x
}

// finished is told when e is ready for more work.
func (c *crew) finished(e *environment) {
	c.busy--
	c.finishing--
	took := time.Since(e.given)
	if c.held == 0 {
		c.held = took
	}
	c.held += (took - c.held) / 8
}

// serve gives the executions that wait to the environments that are idle, and starts others for the rest.
func (p *pool) serve(fl *fleet, c *crew) {
	for len(c.waiting) > 0 && len(c.idle) > 0 {
		e := c.idle[len(c.idle)-1]
		c.idle = c.idle[:len(c.idle)-1]
		if e.misplaced() {
			delete(fl.environments, e)
			e.end()
			continue
		}
		c.give(e, c.first())
	}
	for len(c.waiting) > c.starting && !p.closed {
		if wait := p.untilStart(fl, c); wait > 0 {
			p.wake(fl, c, wait)
			return
		}
		e := newEnvironment(p.service, c.release)
		fl.environments[e] = true
		c.starting++
		c.started = time.Now()
		p.service.running.Go(e.run)
	}
}

// wake has the crew served once more after a while.
func (p *pool) wake(fl *fleet, c *crew, after time.Duration) {
	if c.alarm != nil {
		c.alarm.Reset(after)
		return
	}
	c.alarm = time.AfterFunc(after, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.serve(fl, c)
	})
}

// untilStart is how long it will be until another environment is to be started, for the first execution for which none
// has been: 0 if that is now. After this time things may look different.
func (p *pool) untilStart(fl *fleet, c *crew) time.Duration {
	there := c.busy + c.starting
	if there == 0 {
		return 0
	}
	if len(fl.environments) >= p.service.Environments {
		if onceASecond(&fl.crowded) {
			p.service.Log.Warn("lambda: invocations wait for one of a function's environments to be free, and no more are started: raise --limit lambda.environments if this machine has the memory",
				"function", c.release.Config.FunctionName, "environments", len(fl.environments), "waiting", len(c.waiting))
		}
		return time.Second
	}
	wait := p.patienceOf(c) - time.Since(c.waiting[c.starting].submitted)
	if c.starting >= startsAtOnce {
		wait = max(wait, startPace-time.Since(c.started))
	}
	if wait <= 0 && there >= fewEnvironments {
		pace := busyPace * time.Duration(there*there) / time.Duration(startsAtOnce*startsAtOnce)
		if rest := min(pace, maxBusyPace) - time.Since(c.started); rest > 0 {
			return p.service.load.untilIdle(rest)
		}
	}
	return wait
}

// patienceOf is how long the first execution for which no environment was started waits before one is.
func (p *pool) patienceOf(c *crew) time.Duration {
	switch {
	case c.finishing > c.starting:
		return max(p.patience, reuseWait)
	case c.busy == 0, c.held > p.patience*time.Duration(c.busy): // none will be free soon
		return 0
	}
	return p.patience
}
