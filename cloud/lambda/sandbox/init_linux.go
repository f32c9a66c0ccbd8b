package sandbox

import (
	"errors"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// initName is the name under which this executable is the first process of a sandbox.
const initName = "quotewire-sandbox"

// control is the init's end of the socket to whoever started it.
const control = 3

// An executable that has this package in it is an init when it is called by that name, before anything else of it runs.
func init() {
	if len(os.Args) == 1 && os.Args[0] == initName && os.Getpid() == 1 {
		runtime.LockOSThread() // namespaces and privileges belong to a thread: this one does everything
		runInit()
		os.Exit(0)
	}
}

// failure is a step of an init that the kernel refused.
type failure struct {
	op    string
	errno syscall.Errno
}

func (f *failure) Error() string { return f.op + ": " + f.errno.Error() }

// failed says which step failed, or returns nil.
func failed(op string, err error) error {
	if err == nil {
		return nil
	}
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		op, errno = op+": "+err.Error(), syscall.EINVAL
	}
	return &failure{op, errno}
}

// runInit is the life of an init: it prepares what all sandboxes have in common, waits for its order, runs the
// program, and ends with it. When the process that started it is gone, it ends at once.
func runInit() {
	unix.CloseOnExec(control)
	var l layout
	if _, err := receive(control, &l); err != nil {
		return
	}
	trouble := l.build()
	var o order
	if _, err := receive(control, &o); err != nil {
		return
	}
	var listeners []int
	var pid int
	if trouble == nil {
		listeners, pid, trouble = o.start(&l)
	}
	if trouble != nil {
		var f *failure
		if !errors.As(trouble, &f) {
			f = &failure{trouble.Error(), syscall.EINVAL}
		}
		send(control, report{Op: f.op, Errno: f.errno})
		return
	}
	send(control, report{Pid: pid}, listeners...)
	for _, fd := range listeners {
		unix.Close(fd)
	}
	unix.Close(1) // from here on the output belongs to the program
	unix.Close(2)
	go obey(pid)
	for {
		var status syscall.WaitStatus
		var usage syscall.Rusage
		if ended, err := syscall.Wait4(-1, &status, 0, &usage); err == nil && ended == pid {
			send(control, report{Ended: true, Status: status, Peak: usage.Maxrss << 10})
			return
		}
	}
}

// obey does what the process that started this one asks for, until it is gone, and then ends the sandbox.
func obey(pid int) {
	for {
		var message string
		if _, err := receive(control, &message); err != nil {
			os.Exit(0)
		}
		if message == terminate {
			syscall.Kill(pid, syscall.SIGTERM)
		}
	}
}

// start completes the sandbox by what is the program's own, goes in, and runs the program.
func (o *order) start(l *layout) (listeners []int, pid int, err error) {
	attr := &syscall.SysProcAttr{Setsid: true}
	if o.Cgroup != "" {
		// The cgroup has to be opened before its file system is out of sight.
		cgroup, err := unix.Open(o.Cgroup, unix.O_RDWR|unix.O_CLOEXEC, 0)
		if o.Version2 {
			cgroup, err = unix.Open(o.Cgroup, unix.O_DIRECTORY|unix.O_RDONLY|unix.O_CLOEXEC, 0)
			attr.UseCgroupFD, attr.CgroupFD = true, cgroup
		}
		if err != nil {
			return nil, 0, failed("open "+o.Cgroup, err)
		}
		defer unix.Close(cgroup)
		if !o.Version2 {
			// In version 1 this one thread goes in, and the program is born there. The memory of this process is
			// not counted: it belongs to the process that is outside.
			if _, err := unix.Write(cgroup, []byte("0")); err != nil {
				return nil, 0, failed("enter "+o.Cgroup, err)
			}
		}
	}
	if o.Network != nil {
		if listeners, err = o.Network.build(); err != nil {
			return nil, 0, err
		}
	}
	if err := o.enter(l); err != nil {
		return nil, 0, err
	}
	if err := o.bound(); err != nil {
		return nil, 0, err
	}
	if !l.UserNS {
		attr.Credential = &syscall.Credential{Uid: uint32(o.UID), Gid: uint32(o.GID)}
	}
	if err := surrender(); err != nil {
		return nil, 0, err
	}
	pid, err = o.run(attr)
	return listeners, pid, err
}

// run runs the program.
func (o *order) run(attr *syscall.SysProcAttr) (pid int, err error) {
	// A file that was written a moment ago may still be open for writing in a process that is between fork and exec;
	// the kernel then refuses to run it. The moment passes.
	for try := range 20 {
		pid, err = syscall.ForkExec(o.Program, []string{o.Program}, &syscall.ProcAttr{Dir: Task, Env: o.Env, Files: []uintptr{0, 1, 2}, Sys: attr})
		if err != syscall.ETXTBSY {
			break
		}
		time.Sleep(time.Duration(try+1) * time.Millisecond)
	}
	return pid, failed(execOp, err)
}

// execOp is the step of running the program itself: what fails there is the program's fault.
const execOp = "fork/exec"

// bound sets the limits that each process has for itself.
func (o *order) bound() error {
	for _, limit := range [...]struct {
		name     string
		resource int
		value    int
	}{
		{"open files", unix.RLIMIT_NOFILE, o.Files},
		{"processes", unix.RLIMIT_NPROC, o.Procs},
		{"core dumps", unix.RLIMIT_CORE, 0},
	} {
		value := uint64(limit.value)
		if err := syscall.Setrlimit(limit.resource, &syscall.Rlimit{Cur: value, Max: value}); err != nil {
			return failed("limit "+limit.name, err)
		}
	}
	return nil
}

// surrender gives up, for all that this thread will start, whatever privileges there are and the way to new ones.
func surrender() error {
	for capability := range 64 {
		err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(capability), 0, 0, 0)
		if err == unix.EINVAL { // the kernel knows no more of them
			break
		}
		if err != nil {
			return failed("drop capability "+strconv.Itoa(capability), err)
		}
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return failed("drop ambient capabilities", err)
	}
	return failed("set no_new_privs", unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
}
