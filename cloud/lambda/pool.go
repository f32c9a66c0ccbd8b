package lambda

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// reuseWait is how long an execution waits for an environment whose caller has its answer already but whose process
// has not asked for more work yet. It is of the order of the cold start that it saves.
const reuseWait = 100 * time.Millisecond

// pool knows all environments and gives them executions. An environment has one at a time. An execution gets the
// environment of its version that was used last, so that those beyond need fall idle and end, or else a new one.
type pool struct {
	service *Service

	mu         sync.Mutex // protects following
	closed     bool
	fleets     map[string]*fleet // by function name
	unreserved int               // executions of functions without reserved concurrency
}

// fleet is the environments of one function.
type fleet struct {
	executing    int
	told         time.Time // of a refusal, the last time
	environments map[*environment]bool
	idle         map[releaseKey][]*environment // last used last
	finishing    map[releaseKey]int            // environments between their answer and their call for more work
	waiting      map[releaseKey][]*execution   // for one of those
}

// releaseKey tells apart what environments are made of.
type releaseKey struct{ version, id string }

func (r *release) key() releaseKey { return releaseKey{r.Config.Version, r.ID} }

func newPool(s *Service) *pool { return &pool{service: s, fleets: map[string]*fleet{}} }

// submit gives x to an environment. There is no queue: beyond the limits of concurrency x is refused.
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
	fl := p.fleets[f.Name]
	if fl == nil {
		fl = &fleet{
			environments: map[*environment]bool{}, idle: map[releaseKey][]*environment{},
			finishing: map[releaseKey]int{}, waiting: map[releaseKey][]*execution{},
		}
		p.fleets[f.Name] = fl
	}
	x.reserved = f.Reserved != nil
	switch {
	case x.reserved && fl.executing >= *f.Reserved:
		if fl.tell() {
			advice = fmt.Sprintf("its reserved concurrency of %d is used up: raise it with aws lambda put-function-concurrency, or call again later", *f.Reserved)
		}
		return errThrottled(reservedLimit)
	case !x.reserved && p.unreserved >= free:
		if fl.tell() {
			advice = fmt.Sprintf("the account's unreserved concurrency of %d is used up: call again later, or start the cloud with a higher --limit lambda.concurrency", free)
		}
		return errThrottled(accountLimit)
	}
	fl.executing++
	if !x.reserved {
		p.unreserved++
	}
	key := r.key()
	for idle := fl.idle[key]; len(idle) > 0; idle = fl.idle[key] {
		e := idle[len(idle)-1]
		fl.idle[key] = idle[:len(idle)-1]
		if e.misplaced() {
			p.forget(fl, e)
			e.end()
			continue
		}
		e.work <- x
		return nil
	}
	if fl.finishing[key] > len(fl.waiting[key]) {
		fl.waiting[key] = append(fl.waiting[key], x)
		time.AfterFunc(reuseWait, func() { p.waited(fl, r, x) })
		return nil
	}
	p.start(fl, r, x)
	return nil
}

// tell reports whether a refusal is to be logged: once a second at most.
func (fl *fleet) tell() bool {
	now := time.Now()
	if now.Sub(fl.told) < time.Second {
		return false
	}
	fl.told = now
	return true
}

// waited starts an environment for an execution that has waited long enough for another one.
func (p *pool) waited(fl *fleet, r *release, x *execution) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := r.key()
	i := slices.Index(fl.waiting[key], x)
	if i < 0 {
		return // it got one
	}
	fl.waiting[key] = slices.Delete(fl.waiting[key], i, i+1)
	if p.closed {
		x.fail(errService())
		return
	}
	p.start(fl, r, x)
}

func (p *pool) start(fl *fleet, r *release, x *execution) {
	e := newEnvironment(p.service, r)
	fl.environments[e] = true
	e.work <- x
	p.service.running.Go(e.run)
}

// answered is told right before the caller of x gets its answer: from then on x no longer counts.
func (p *pool) answered(e *environment, x *execution) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fl := p.fleets[e.name()]
	fl.executing--
	if !x.reserved {
		p.unreserved--
	}
	fl.finishing[e.key]++
}

// release takes back an environment that is ready for more work, after answered. It returns false if the environment
// is to end: its function has moved on to other code or another configuration.
func (p *pool) release(e *environment) bool {
	current := p.current(e)
	p.mu.Lock()
	defer p.mu.Unlock()
	fl := p.fleets[e.name()]
	if fl.finishing[e.key]--; fl.finishing[e.key] == 0 {
		delete(fl.finishing, e.key)
	}
	if waiting := fl.waiting[e.key]; len(waiting) > 0 && !p.closed {
		fl.waiting[e.key] = waiting[1:]
		e.work <- waiting[0]
		return true
	}
	if p.closed || !current {
		p.forget(fl, e)
		return false
	}
	fl.idle[e.key] = append(fl.idle[e.key], e)
	return true
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
	fl := p.fleets[e.name()]
	i := slices.Index(fl.idle[e.key], e)
	if i < 0 {
		return false
	}
	fl.idle[e.key] = slices.Delete(fl.idle[e.key], i, i+1)
	p.forget(fl, e)
	return true
}

// drop takes back an environment that could not be prepared for x.
func (p *pool) drop(e *environment, x *execution) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fl := p.fleets[e.name()]
	fl.executing--
	if !x.reserved {
		p.unreserved--
	}
	p.forget(fl, e)
}

func (p *pool) forget(fl *fleet, e *environment) {
	delete(fl.environments, e)
	if len(fl.idle[e.key]) == 0 {
		delete(fl.idle, e.key)
	}
}

// retire ends the idle environments of a function that are not current. Those that run end when they are released.
func (p *pool) retire(name string) {
	p.mu.Lock()
	var idle []*environment
	if fl := p.fleets[name]; fl != nil {
		for _, list := range fl.idle {
			idle = append(idle, list...)
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
		for key, waiting := range fl.waiting {
			for _, x := range waiting {
				x.fail(errService())
			}
			delete(fl.waiting, key)
		}
	}
}
