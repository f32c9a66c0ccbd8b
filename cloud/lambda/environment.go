package lambda

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"quotewire/cloud/iam"
)

// environment is an execution environment: a folder, credentials, a log stream, and a process that runs the function's
// bootstrap. The process may be a second or third one, after a crash; the folder with /tmp in it stays.
//
// Everything happens in run, the environment's own goroutine, one execution after the other. Only the answer to the
// caller is given from the Runtime API, the moment it is there.
type environment struct {
	service *Service
	release *release
	key     releaseKey
	work    chan *execution // holds one

	ctx context.Context // ends with the environment
	end context.CancelFunc

	dir         string
	taskRoot    string // the unpacked code
	layers      string // the unpacked layers, or ""
	caller      Caller
	credentials iam.Credentials
	log         *logStream

	process *process // nil before the start and after a crash
	api     *runtimeAPI

	// What the first execution has to hear of the start.
	initDuration time.Duration
	initTrouble  *fault
	initTail     *tail

	given time.Time // when it was given its execution; the pool's lock protects it

	isolated atomic.Bool // the process is in a network of its own
	inside   []io.Closer // what is served there
}

func newEnvironment(s *Service, r *release) *environment {
	id := newRevision()
	e := &environment{service: s, release: r, key: r.key(), work: make(chan *execution, 1), dir: filepath.Join(s.environmentsDir(), id)}
	e.ctx, e.end = context.WithCancel(s.ctx)
	return e
}

// id is what the environment's folder and the cloud's log call it.
func (e *environment) id() string { return filepath.Base(e.dir) }

func (e *environment) name() string { return e.release.Config.FunctionName }

// tmp is the folder that stands for /tmp.
func (e *environment) tmp() string { return filepath.Join(e.dir, "tmp") }

func (e *environment) timeout() time.Duration {
	return time.Duration(e.release.Config.Timeout) * time.Second
}

// run is the life of the environment.
func (e *environment) run() {
	defer e.end()
	defer e.clear()
	if err := e.prepare(); err != nil {
		e.service.pool.fail(e, err)
		return
	}
	e.init()
	e.service.pool.arrive(e)
	idle := time.NewTimer(e.service.IdleTimeout)
	defer idle.Stop()
	for {
		var exited <-chan struct{}
		if e.process != nil {
			exited = e.process.Exited()
		}
		select {
		case x := <-e.work:
			e.serve(x)
			if !e.service.pool.release(e) {
				return
			}
			idle.Reset(e.service.IdleTimeout)
		case <-exited: // between two executions; the next one starts it again
			e.stop(false)
		case <-idle.C:
			if e.service.pool.remove(e) {
				return
			}
		case <-e.ctx.Done():
			select {
			case x := <-e.work:
				x.fail(errService())
			default:
			}
			return
		}
	}
}

// prepare makes what the processes of the environment need.
func (e *environment) prepare() (err error) {
	s, c := e.service, &e.release.Config
	e.log = newLogStream(e)
	if e.taskRoot, err = s.code.folder(e.ctx, e.release.Code); err == nil {
		e.layers, err = s.code.layers(e.ctx, e.release.Layers)
		if programs, _ := os.ReadDir(filepath.Join(e.layers, "extensions")); e.layers != "" && len(programs) > 0 {
			s.Log.Warn("lambda: a layer brings extensions that are programs of their own; they are not started here", "function", c.FunctionName, "first", programs[0].Name())
		}
	}
	if err == nil {
		err = os.MkdirAll(e.tmp(), 0o700)
	}
	if err != nil {
		if e.ctx.Err() == nil {
			s.Log.Error("lambda: an environment cannot be prepared", "function", c.FunctionName, "error", err)
		}
		return errService()
	}
	var who iam.Principal
	if e.credentials, who, err = s.assume(e.ctx, c.Role, c.FunctionName); err != nil {
		return failure(http.StatusForbidden, "AccessDeniedException", "The role defined for the function cannot be assumed by Lambda.")
	}
	e.log.allow(who)
	e.caller = Caller{Function: c.FunctionName, ARN: c.FunctionArn, DualStackNames: c.Environment != nil && c.Environment.Variables[useDualStack] == "true"}
	if v := c.VpcConfig; v != nil && len(v.SubnetIds) > 0 {
		e.caller.VPC = &VPCConfig{SubnetIDs: v.SubnetIds, SecurityGroupIDs: v.SecurityGroupIds, VPCID: v.VpcId, IPv6: v.Ipv6AllowedForDualStack}
	}
	s.callers.Store(e.credentials.AccessKeyID, e.caller)
	return nil
}

// clear undoes prepare, in the order in which a caller could notice.
func (e *environment) clear() {
	e.stop(true)
	if key := e.credentials.AccessKeyID; key != "" {
		e.service.IAM.Revoke(key)
		e.service.callers.Delete(key)
	}
	e.log.close()
	if err := os.RemoveAll(e.dir); err != nil {
		e.service.Log.Warn("lambda: the folder of an environment could not be removed", "function", e.name(), "error", err)
	}
}

// serve runs one execution: it sees to a process that waits for work, hands it x, and follows it until it asks for more
// work, exits or runs out of time. x is answered when serve returns, often long before.
func (e *environment) serve(x *execution) {
	if e.initTail != nil && x.tail != nil {
		x.tail.add(string(e.initTail.bytes()))
	}
	e.initTail = nil
	e.log.collect(x.id, x.tail)
	initDuration, trouble := e.ready(x)
	begin := time.Now()
	e.sayStart(x)
	if trouble == nil {
		x.deadline = begin.Add(e.timeout())
		if initDuration == 0 { // a start within the invocation has used some of its time
			x.deadline = x.deadline.Add(-x.spent)
		}
		trouble = e.follow(x)
	}
	if trouble != nil {
		e.answer(x, trouble)
	}
	e.report(x, time.Since(begin)+x.spent, initDuration, trouble)
	e.log.collect("", nil)
	if x.tail != nil {
		x.finish(<-x.held)
	}
}

// init starts the first process. It has a limit of time of its own, outside of any invocation: the execution that it
// was started for may have found another environment meanwhile.
func (e *environment) init() {
	e.initTail = &tail{}
	e.log.collect("", e.initTail)
	e.sayInitStart()
	e.initDuration, e.initTrouble = e.start("init", e.service.InitTimeout)
}

// ready sees to a process that waits for work. Where the first start has failed, and after a crash, the start is part of
// the invocation.
func (e *environment) ready(x *execution) (initDuration time.Duration, trouble *fault) {
	initDuration, trouble = e.initDuration, e.initTrouble
	e.initDuration, e.initTrouble = 0, nil
	if e.process != nil && e.process.hasExited() {
		e.stop(false)
	}
	if trouble == nil && e.process != nil {
		return initDuration, nil
	}
	if trouble == nil || !trouble.final {
		x.spent, trouble = e.start("invoke", e.timeout())
	}
	return 0, trouble
}

// start starts a process and waits until it asks for work. A process that does not get there is gone when start returns.
func (e *environment) start(phase string, limit time.Duration) (time.Duration, *fault) {
	begin := time.Now()
	trouble := e.launch()
	if trouble == nil {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		switch e.api.until(e.ctx, e.process.Exited(), timer.C, stateReady, stateInitError) {
		case reached:
			e.process.memory() // a process that dies soon has been measured once
			_, trouble = e.api.look()
		case processExited:
			trouble = e.process.end()
		case deadlinePassed:
			trouble = timeoutFault(e.timeout())
		case ended:
			trouble = &fault{final: true}
		}
	}
	took := time.Since(begin)
	if trouble != nil {
		e.stop(false)
		if trouble.kind == timedOut {
			took = limit
		}
	}
	e.sayInit(phase, took, trouble)
	return took, trouble
}

// follow hands x to the process and returns when the process is ready for more, or what went wrong.
func (e *environment) follow(x *execution) *fault {
	timer := time.NewTimer(time.Until(x.deadline))
	defer timer.Stop()
	var result waitResult
	for given := false; ; {
		if !given {
			given = e.api.give(x)
		}
		// A process that has hung up in the meantime is given x when it calls again.
		if result = e.api.until(e.ctx, e.process.Exited(), timer.C, stateReady, stateInitError); result != reached || given {
			break
		}
	}
	e.process.output.drain()
	var trouble *fault
	switch result {
	case reached:
		if _, trouble = e.api.look(); trouble == nil {
			return nil
		}
	case processExited:
		trouble = e.process.end()
	case deadlinePassed:
		trouble = timeoutFault(e.timeout())
	case ended:
		trouble = &fault{final: true}
	}
	x.memory = e.process.memory()
	e.stop(result == ended && x.replied.Load())
	return trouble
}

// answer gives the caller of x the news of a fault, unless the function has answered before it.
func (e *environment) answer(x *execution, f *fault) {
	if f.kind == "" { // the service closes
		e.reply(x, outcome{err: errService()})
		return
	}
	e.reply(x, x.result(f.body(x.id), true))
}

// reply gives x its answer. Only the first one counts. A caller that wants the log gets it when the log is complete.
func (e *environment) reply(x *execution, o outcome) {
	if !x.replied.CompareAndSwap(false, true) {
		return
	}
	e.service.pool.answered(e, x)
	if x.tail != nil {
		x.held <- o
	} else {
		x.finish(o)
	}
}

// stop ends the process with everything that it has started, and returns when it is gone. Gently means that a runtime
// that asked for it has a moment to say goodbye.
func (e *environment) stop(gently bool) {
	if e.process == nil {
		return
	}
	if gently && e.api.wantsTerm() && e.process.Terminate() {
		select {
		case <-e.process.Exited():
		case <-time.After(e.service.Grace):
		}
	}
	e.process.Kill()
	<-e.process.Exited()
	e.process.output.close()
	e.api.close()
	e.closeInside()
	e.process, e.api = nil, nil
}

// warn tells the person who runs the cloud that a function has failed, and where to look.
func (e *environment) warn(x *execution, f *fault) {
	advice := "read its output in the log group"
	switch f.errorType() {
	case timedOut:
		advice = "find out what it waits for, or give it a longer Timeout; its output is in the log group"
	case "Runtime.InvalidEntrypoint":
		advice = "deploy code that this machine can run"
	case "Runtime.OutOfMemory":
		advice = "give it a larger MemorySize, or have it hold less"
	case "Runtime.ExitError":
		advice = "a bootstrap must not end while it is wanted; its last output may say why it did"
	}
	e.service.Log.Warn("lambda: a function has failed: "+advice, "function", e.name(), "functionRequestId", x.id, "error", f.text,
		"last output", e.log.lastLine(), "log group", e.release.Config.LoggingConfig.LogGroup)
}
