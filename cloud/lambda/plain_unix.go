//go:build unix

package lambda

import (
	"errors"
	"net"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// plainProcess is a bootstrap on a machine that confines nothing: the leader of a process group of its own.
type plainProcess struct {
	os     *os.Process
	exited chan struct{}

	// Valid once exited is closed.
	status syscall.WaitStatus

	mu     sync.Mutex // protects following
	reaped bool       // from then on the process id may belong to another process
	peak   int64      // bytes of memory, as far as measured
}

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

// start starts an executable in dir with exactly these variables. It returns the pipe that it prints into.
func (s *spawner) start(path, dir string, variables []string) (_ *plainProcess, output *os.File, err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	defer w.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		r.Close()
		return nil, nil, err
	}
	defer null.Close()
	attr := &os.ProcAttr{Dir: dir, Env: variables, Files: []*os.File{null, w, w}, Sys: attributes()}
	p := &plainProcess{exited: make(chan struct{})}
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
	if err != nil {
		r.Close()
		return nil, nil, err
	}
	s.guard.watch(p.os.Pid)
	go func() {
		defer close(p.exited)
		p.reap(func() { s.guard.forget(p.os.Pid) })
	}()
	return p, r, nil
}

// Exited is closed when the process is gone.
func (p *plainProcess) Exited() <-chan struct{} { return p.exited }

// Status is how the process ended. Nothing tells whether that was for want of memory.
func (p *plainProcess) Status() (syscall.WaitStatus, bool) { return p.status, false }

// Kill ends the process and everything in its group at once.
func (p *plainProcess) Kill() { p.signal(-1, syscall.SIGKILL) }

// Terminate asks the process to end. It returns false if it has ended already.
func (p *plainProcess) Terminate() bool { return p.signal(1, syscall.SIGTERM) }

// Owns cannot tell whose the other end of a connection is.
func (p *plainProcess) Owns(net.Conn) bool { return true }

// signal signals the process, or its group if sign is -1.
func (p *plainProcess) signal(sign int, s syscall.Signal) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.reaped && syscall.Kill(sign*p.os.Pid, s) == nil
}

// Memory is the most memory that the process was seen to use, in bytes.
func (p *plainProcess) Memory() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.reaped {
		p.peak = max(p.peak, peakMemory(p.os.Pid))
	}
	return p.peak
}
