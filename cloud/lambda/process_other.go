//go:build unix && !linux

package lambda

import "syscall"

// attributes puts a process into a group of its own.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func keepFiles() {}

// reap waits for the process to end and kills what is left of its group.
func (p *plainProcess) reap(gone func()) {
	state, _ := p.os.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status, _ = state.Sys().(syscall.WaitStatus)
	p.reaped = true
	syscall.Kill(-p.os.Pid, syscall.SIGKILL)
	gone()
	if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
		p.peak = int64(usage.Maxrss) // bytes on Darwin; the BSDs count in KB
	}
}

// peakMemory is not known before a process has ended.
func peakMemory(int) int64 { return 0 }
