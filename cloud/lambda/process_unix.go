//go:build unix

package lambda

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// child is a running bootstrap with everything that it has started: confined, a *[sandbox.Process], or a *plainProcess
// on a machine that confines nothing.
type child interface {
	Exited() <-chan struct{} // closed when nothing is left of it
	// Status is how the bootstrap ended, and whether for want of memory, once Exited is closed.
	Status() (status syscall.WaitStatus, outOfMemory bool)
	Kill()           // everything
	Terminate() bool // asks the bootstrap to end; false if it has
	Memory() int64   // the most that was used, in bytes
	// Owns reports whether the other end of a connection belongs to it.
	Owns(net.Conn) bool
}

// process is a child that is followed.
type process struct {
	child
	output *output
	peak   int64         // bytes of memory, as far as measured
	asked  time.Time     // of the last measurement
	rests  time.Duration // after it
}

// A process is asked for its memory once in a while: a busy one does not pay for each REPORT. One that needs no more than
// before is asked less and less often.
const (
	minMemoryRest = 50 * time.Millisecond
	maxMemoryRest = time.Second
)

// follow follows a child. What it prints into the pipe goes line by line to print.
func follow(c child, pipe *os.File, print func(line []byte, complete bool)) (*process, error) {
	o, err := followOutput(pipe, print)
	if err != nil {
		c.Kill()
		<-c.Exited()
		pipe.Close()
		return nil, err
	}
	return &process{child: c, output: o, rests: minMemoryRest}, nil
}

// findBootstrap finds what to run: the bootstrap of the code or, if it has none, of the layers, which may be "".
func findBootstrap(task, layers string) (path string, trouble *fault) {
	path = filepath.Join(task, "bootstrap")
	info, err := os.Stat(path)
	if err != nil && layers != "" {
		path = filepath.Join(layers, "bootstrap")
		info, err = os.Stat(path)
	}
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
	var path *os.PathError
	if !errors.As(err, &path) {
		return &fault{kind: "Runtime.InitError", text: err.Error()} // not the executable's fault
	}
	text := path.Op + " /var/task/bootstrap: " + path.Err.Error()
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
	case <-p.Exited():
		return true
	default:
		return false
	}
}

// end is how an exited process ended.
func (p *process) end() *fault {
	status, outOfMemory := p.Status()
	f := exitFault(describe(status))
	if outOfMemory {
		f.reported = "Runtime.OutOfMemory"
	}
	return f
}

// describe says how a process ended: "" for status 0, else such as "exit status 2" or "signal: killed".
func describe(status syscall.WaitStatus) string {
	switch {
	case status.Signaled():
		text := "signal: " + status.Signal().String()
		if status.CoreDump() {
			text += " (core dumped)"
		}
		return text
	case status.ExitStatus() == 0:
		return ""
	}
	return "exit status " + strconv.Itoa(status.ExitStatus())
}

// memory is the most memory that the process was seen to use, in bytes.
func (p *process) memory() int64 {
	if p.hasExited() || time.Since(p.asked) > p.rests {
		if now := p.Memory(); now > p.peak {
			p.peak, p.rests = now, minMemoryRest
		} else {
			p.rests = min(2*p.rests, maxMemoryRest)
		}
		p.asked = time.Now()
	}
	return p.peak
}
