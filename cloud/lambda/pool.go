package lambda

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// pool knows all environments and gives them executions. An environment has one at a time.
type pool struct {
	service  *Service
	patience time.Duration // how long an execution waits for an environment to become free, before one is started for it

	mu         sync.Mutex // protects following, and the fleets with their crews
	closed     bool
	fleets     map[string]*fleet // by function name
	unreserved int               // executions of functions without reserved concurrency
}

// fleet is the environments of one function.
type fleet struct {
	executing    int
	refused      time.Time // when a refusal was logged last
	crowded      time.Time // when it was logged last that there may be no more environments
	environments map[*environment]bool
	crews        map[releaseKey]*crew
}

// releaseKey tells apart what environments are made of.
type releaseKey struct{ version, id string }

func (r *release) key() releaseKey { return releaseKey{r.Config.Version, r.ID} }

func newPool(s *Service) *pool {
	return &pool{service: s, patience: patience, fleets: map[string]*fleet{}}
}

// fleet returns that of a function.
func (p *pool) fleet(function string) *fleet {
	fl := p.fleets[function]
	if fl == nil {
		fl = &fleet{environments: map[*environment]bool{}, crews: map[releaseKey]*crew{}}
		p.fleets[function] = fl
	}
	return fl
}

// submit gives x to an environment, now or when there is one. Beyond the limits of concurrency x is refused.
func (p *pool) submit(f *function, r *release, x *execution) error {
	free := p.service.catalog.unreserved(p.service.Concurrency, "")
	var advice string
	defer func() { // once the lock is free
		if advice != "" {
			p.service.Log.Warn("lambda: an invocation was refused with 429: "+advice, "function", f.Name)
		}
	}()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return errService()
	}
	fl := p.fleet(f.Name)
	x.reserved = f.Reserved != nil
	switch {
	case x.reserved && fl.executing >= *f.Reserved:
		if onceASecond(&fl.refused) {
			advice = fmt.Sprintf("its reserved concurrency of %d is used up: raise it with aws lambda put-function-concurrency, or call again later", *f.Reserved)
		}
		return errThrottled(reservedLimit)
	case !x.reserved && p.unreserved >= free:
		if onceASecond(&fl.refused) {
			advice = fmt.Sprintf("the account's unreserved concurrency of %d is used up: call again later, or start the cloud with a higher --limit lambda.concurrency", free)
		}
		return errThrottled(accountLimit)
	}
	fl.executing++
	if !x.reserved {
		p.unreserved++
	}
	c := fl.crew(r)
	x.submitted = time.Now()
	c.waiting = append(c.waiting, x)
	p.serve(fl, c)
	return nil
}

// onceASecond reports whether it is a second since it last did.
func onceASecond(last *time.Time) bool {
	now := time.Now()
	if now.Sub(*last) < time.Second {
		return false
	}
	*last = now
	return true
}

// answered is told right before the caller of x gets its answer: from then on x no longer counts.
func (p *pool) answered(e *environment, x *execution) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fl := p.fleet(e.name())
	p.leave(fl, x)
	fl.crew(e.release).finishing++
}

// leave ends the counting of x.
func (p *pool) leave(fl *fleet, x *execution) {
	fl.executing--
	if !x.reserved {
		p.unreserved--
	}
}

// arrive takes in an environment that is ready for its first execution.
func (p *pool) arrive(e *environment) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fl := p.fleet(e.name())
	c := fl.crew(e.release)
	c.starting--
	c.idle = append(c.idle, e)
	p.serve(fl, c)
}

// fail takes back an environment that could not be prepared. The first who waits for it hears why.
func (p *pool) fail(e *environment, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fl := p.fleet(e.name())
	c := fl.crew(e.release)
	c.starting--
	if x := c.first(); x != nil {
		p.leave(fl, x)
		x.fail(err)
	}
	p.forget(fl, c, e)
	p.serve(fl, c)
}

// release takes back an environment that is ready for more work, after answered. It returns false if the environment
// is to end: its function has moved on to other code or another configuration.
func (p *pool) release(e *environment) bool {
	current := p.current(e)
	p.mu.Lock()
	defer p.mu.Unlock()
	fl := p.fleet(e.name())
	c := fl.crew(e.release)
	c.finished(e)
	if !p.closed && (current || len(c.waiting) > 0) {
		c.idle = append(c.idle, e)
		p.serve(fl, c)
		return true
	}
	p.forget(fl, c, e)
	return false
}

// current reports whether e is what its function would be run on today.
func (p *pool) current(e *environment) bool {
	f := p.service.catalog.get(e.name())
	if f == nil {
		return false
	}
	r := f.Versions[e.key.version]
	return r != nil && r.ID == e.key.id
}

// remove takes an idle environment out of the pool so that it can end. It returns false if e just got work.
func (p *pool) remove(e *environment) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	fl := p.fleet(e.name())
	c := fl.crew(e.release)
	i := slices.Index(c.idle, e)
	if i < 0 {
		return false
	}
	c.idle = slices.Delete(c.idle, i, i+1)
	p.forget(fl, c, e)
	return true
}

// forget lets go of an environment that ends.
func (p *pool) forget(fl *fleet, c *crew, e *environment) {
	delete(fl.environments, e)
	if c.empty() {
		delete(fl.crews, e.key)
	}
}

// retire ends the idle environments of a function that are not current. Those that run end when they are released.
func (p *pool) retire(name string) {
	p.mu.Lock()
	var idle []*environment
	if fl := p.fleets[name]; fl != nil {
		for _, c := range fl.crews {
			idle = append(idle, c.idle...)
		}
	}
	p.mu.Unlock()
	for _, e := range idle {
		if !p.current(e) && p.remove(e) {
			e.end()
		}
	}
}

// close ends all environments, also those that run, and refuses further executions.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, fl := range p.fleets {
		for e := range fl.environments {
			e.end()
		}
		for _, c := range fl.crews {
			for x := c.first(); x != nil; x = c.first() {
				x.fail(errService())
			}
		}
	}
}
