package lambda

import (
	"bytes"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// attributes puts a process into a group of its own, and has the kernel kill it when the thread that started it ends:
// also when this process is killed and can do nothing about it.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// keepFiles sees to it that functions do not get the open files that this process was given by whoever started it: Go
// marks only those that it has opened itself.
func keepFiles() { unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC) }

// reap waits for the process to end, kills what is left of its group, and only then, after it has
// told so, lets go of its id.
func (p *plainProcess) reap(gone func()) {
	for {
		if err := unix.Waitid(unix.P_PID, p.os.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err != unix.EINTR {
			break
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	syscall.Kill(-p.os.Pid, syscall.SIGKILL)
	gone()
	state, _ := p.os.Wait()
	p.reaped = true
	p.status, _ = state.Sys().(syscall.WaitStatus)
	// The maximum that the kernel reports at the end counts this process too, as it was when it forked. It serves only
	// where nothing else was measured.
	if usage, ok := state.SysUsage().(*syscall.Rusage); ok && p.peak == 0 {
		p.peak = usage.Maxrss << 10
	}
}

// peakMemory is the peak of a process's resident memory in bytes, 0 if it is gone. Its children do not count.
func peakMemory(pid int) int64 {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0
	}
	_, rest, ok := bytes.Cut(status, []byte("VmHWM:"))
	if !ok {
		return 0
	}
	number, _, _ := bytes.Cut(bytes.TrimSpace(rest), []byte(" "))
	kilobytes, _ := strconv.ParseInt(string(number), 10, 64)
	return kilobytes << 10
}
