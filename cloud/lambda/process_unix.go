//go:build unix

package lambda

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// process is a running bootstrap, the leader of a process group of its own.
type process struct {
	os     *os.Process
	output *output
	exited chan struct{}

	// Valid once exited is closed.
	state *os.ProcessState

	mu     sync.Mutex // protects following
	reaped bool       // from then on the process id may belong to another process
	peak   int64      // bytes of memory, as far as measured
	asked  time.Time  // of the last measurement
}

// memoryInterval is how often a process is asked for its memory at most: a busy one does not pay for each REPORT.
const memoryInterval = 50 * time.Millisecond

// spawner starts processes. They all come from one thread that lives as long as the spawner: Linux kills a process
// when the thread that started it ends, see [attributes], and Go ends threads as it likes.
type spawner struct {
	requests chan func()
	done     chan struct{}
	once     sync.Once
	guard    guard
}

func startSpawner() *spawner {
	keepFiles()
	s := &spawner{requests: make(chan func()), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		runtime.LockOSThread() // and never unlock: the thread ends with this function, when no process is left
		for f := range s.requests {
			f()
		}
	}()
	return s
}

// stop ends the spawner once all its processes are gone.
func (s *spawner) stop() {
	s.once.Do(func() {
		close(s.requests)
		<-s.done
		s.guard.stop()
	})
}

// start starts an executable in dir with exactly these variables. What it prints goes line by line to print.
func (s *spawner) start(path, dir string, variables []string, print func(line []byte, complete bool)) (*process, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer w.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		r.Close()
		return nil, err
	}
	defer null.Close()
	attr := &os.ProcAttr{Dir: dir, Env: variables, Files: []*os.File{null, w, w}, Sys: attributes()}
	p := &process{exited: make(chan struct{})}
	started := make(chan struct{})
	s.requests <- func() {
		defer close(started)
		// A file that was written a moment ago may still be open for writing in a process that is between fork and
		// exec; the kernel then refuses to run it. The moment passes.
		for try := range 20 {
			if p.os, err = os.StartProcess(path, []string{path}, attr); !errors.Is(err, syscall.ETXTBSY) {
				return
			}
			time.Sleep(time.Duration(try+1) * time.Millisecond)
		}
	}
	<-started
	if err == nil {
		s.guard.watch(p.os.Pid)
		p.output, err = followOutput(r, print)
	}
	if err != nil {
		r.Close()
		return nil, err
	}
	go func() {
		defer close(p.exited)
		p.reap(func() { s.guard.forget(p.os.Pid) })
	}()
	return p, nil
}

// findBootstrap finds what to run.
func findBootstrap(taskRoot string) (string, *fault) {
	path := filepath.Join(taskRoot, "bootstrap")
	info, err := os.Stat(path)
	const missing = "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"
	switch {
	case err != nil:
		return "", &fault{kind: "Runtime.InvalidEntrypoint", text: missing, final: true}
	case !info.Mode().IsRegular():
		return "", &fault{kind: "Runtime.InvalidEntrypoint", text: missing + ": bootstrap is not a regular file", final: true}
	case info.Mode()&0o111 == 0:
		return "", &fault{kind: "Runtime.InvalidEntrypoint", final: true,
			text: missing + ": bootstrap is in the zip, but not as an executable file (its mode is " + info.Mode().String() +
				"). Make it executable before zipping it: chmod +x bootstrap; a zip made on Windows needs a tool that sets the mode"}
	}
	return path, nil
}

// launchFault says why an executable did not start.
func launchFault(err error) *fault {
	text := err.Error()
	var path *os.PathError
	if errors.As(err, &path) {
		text = path.Op + " /var/task/bootstrap: " + path.Err.Error()
	}
	switch {
	case errors.Is(err, syscall.ENOEXEC):
		text += ": it is not a program for " + runtime.GOOS + "/" + runtime.GOARCH + ", which this machine runs; build it with GOOS=" + runtime.GOOS + " GOARCH=" + runtime.GOARCH +
			", and begin a script with #!"
	case errors.Is(err, syscall.ENOENT):
		text += ": its interpreter or loader is not on this machine; build a Go program with CGO_ENABLED=0"
	}
	return &fault{kind: "Runtime.InvalidEntrypoint", text: text, final: true}
}

func (p *process) hasExited() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// how says how an exited process ended: "" for status 0, else such as "exit status 2" or "signal: killed".
func (p *process) how() string {
	if p.state == nil {
		return "it could not be waited for"
	}
	if p.state.Success() {
		return ""
	}
	return p.state.String()
}

// kill ends the process and everything in its group at once.
func (p *process) kill() { p.signal(-1, syscall.SIGKILL) }

// terminate asks the process to end. It returns false if it has ended already.
func (p *process) terminate() bool { return p.signal(1, syscall.SIGTERM) }

// signal signals the process, or its group if sign is -1.
func (p *process) signal(sign int, s syscall.Signal) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.reaped && syscall.Kill(sign*p.os.Pid, s) == nil
}

// measure looks at the memory that the process has used at most, now.
func (p *process) measure() {
	peak := peakMemory(p.os.Pid)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.peak, p.asked = max(p.peak, peak), time.Now()
}

// memory is the most memory that the process was seen to use, in bytes.
func (p *process) memory() int64 {
	p.mu.Lock()
	stale := !p.reaped && time.Since(p.asked) > memoryInterval
	p.mu.Unlock()
	if stale {
		p.measure()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.peak
}
