package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Sandbox starts programs, each in a sandbox of its own.
type Sandbox struct {
	layout  layout
	cgroups *cgroups // nil where memory cannot be limited
	limits  string   // why not
	network error    // why there are no networks of their own

	// All inits come from one thread that lives as long as the Sandbox: Linux kills an init when the thread that started
	// it ends, and Go ends threads as it likes.
	requests chan func()
	done     chan struct{}
	running  sync.WaitGroup

	mu      sync.Mutex // protects following
	closed  bool
	spare   *starting // an init that waits for its order: starting one takes longer than all it has to do then
	filling bool      // a spare is on its way
	uids    int
	base    int
}

// starting is an init that has not got its order yet, with the output that its program will have.
type starting struct {
	init    *os.Process
	control *os.File
	output  *os.File
}

// Open finds out what this machine allows, by starting a sandbox. dir is an empty folder of this cloud's own. The error
// says what is missing.
func Open(dir string) (*Sandbox, error) {
	l, err := machineLayout(dir)
	if err != nil {
		return nil, err
	}
	s := &Sandbox{layout: l, requests: make(chan func()), done: make(chan struct{}), base: uidBase()}
	go func() {
		defer close(s.done)
		runtime.LockOSThread() // and never unlock: the thread ends with this function
		for f := range s.requests {
			f()
		}
	}()
	if s.cgroups, err = openCgroups(); err != nil {
		s.limits = err.Error()
	}
	if err := s.probe(dir); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// probe runs a program that does nothing, first with everything, then with less.
func (s *Sandbox) probe(dir string) error {
	tmp, err := os.MkdirTemp(dir, "probe-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	try := func(n *Network) error {
		p, err := s.Start(Spec{Program: "/bin/true", Task: tmp, Tmp: tmp, Memory: 64 << 20, Files: 64, Procs: 64, Network: n})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if p != nil {
			<-p.Exited()
			p.Output.Close()
			for _, f := range p.Sockets {
				f.Close()
			}
		}
		return nil
	}
	if s.network = try(&Network{Addresses: []string{"10.0.0.1/24"}, Listen: []string{"169.254.100.1:9001"}, DNS: "169.254.100.1"}); s.network == nil {
		return nil
	}
	err = try(nil)
	if err == nil || s.cgroups == nil {
		return err
	}
	s.cgroups.close()
	s.cgroups, s.limits = nil, err.Error()
	return try(nil)
}

// LimitsMemory tells whether [Spec.Memory] is enforced, and if not, why.
func (s *Sandbox) LimitsMemory() (bool, string) { return s.cgroups != nil, s.limits }

// Networks tells why a [Spec] cannot have a network of its own, or nil.
func (s *Sandbox) Networks() error { return s.network }

// Close ends the Sandbox once all programs have ended.
func (s *Sandbox) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	spare := s.spare
	s.spare = nil
	s.mu.Unlock()
	if spare != nil {
		spare.discard()
	}
	s.running.Wait()
	close(s.requests)
	<-s.done
	if s.cgroups != nil {
		s.cgroups.close()
	}
}

func (st *starting) discard() {
	st.init.Kill()
	st.control.Close()
	st.output.Close()
	st.init.Wait()
}

// uidBase begins a range of user ids that neither the machine's users nor another cloud on it are likely to have.
func uidBase() int { return 1<<29 + os.Getpid()%(1<<16)<<12 }

// user is the user id of a new sandbox: no two of them share one for long.
func (s *Sandbox) user() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uids++
	return s.base + s.uids%(1<<12)
}

// take returns an init to give an order to.
func (s *Sandbox) take() (*starting, error) {
	s.mu.Lock()
	st := s.spare
	s.spare = nil
	s.mu.Unlock()
	if st != nil {
		return st, nil
	}
	return s.startInit()
}

// refill starts a spare init behind the back of the caller, unless there is one or one is on its way.
func (s *Sandbox) refill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.filling || s.spare != nil {
		return
	}
	s.filling = true
	s.running.Go(func() {
		st, err := s.startInit()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.filling = false
		switch {
		case err != nil: // the next one who needs it will be told
		case s.closed:
			go st.discard()
		default:
			s.spare = st
		}
	})
}

func (s *Sandbox) startInit() (_ *starting, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "control"), os.NewFile(uintptr(pair[1]), "control")
	defer theirs.Close()
	r, w, err := os.Pipe()
	if err != nil {
		ours.Close()
		return nil, err
	}
	defer w.Close()
	defer func() {
		if err != nil {
			ours.Close()
			r.Close()
		}
	}()
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	sys := &syscall.SysProcAttr{
		Setsid: true, Pdeathsig: syscall.SIGKILL,
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS,
	}
	if s.layout.UserNS {
		sys.Cloneflags |= unix.CLONE_NEWUSER
		sys.UidMappings = []syscall.SysProcIDMap{{ContainerID: insideUID, HostID: os.Geteuid(), Size: 1}}
		sys.GidMappings = []syscall.SysProcIDMap{{ContainerID: insideGID, HostID: os.Getegid(), Size: 1}}
		sys.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN, unix.CAP_NET_RAW, unix.CAP_NET_BIND_SERVICE, unix.CAP_SETPCAP}
	}
	st := &starting{control: ours, output: r}
	started := make(chan struct{})
	s.requests <- func() {
		defer close(started)
		st.init, err = os.StartProcess("/proc/self/exe", []string{initName}, &os.ProcAttr{
			Dir: "/", Env: []string{}, Files: []*os.File{null, w, w, theirs}, Sys: sys,
		})
	}
	<-started
	if err != nil {
		return nil, fmt.Errorf("start a process in namespaces of its own: %w%s", err, advice())
	}
	if err = send(pair[0], s.layout); err != nil {
		st.discard()
		return nil, fmt.Errorf("prepare a sandbox: %w", err)
	}
	return st, nil
}

// advice says what keeps users from making namespaces on this machine, where that is a setting.
func advice() string {
	if os.Geteuid() == 0 {
		return ""
	}
	for name, bad := range map[string]string{
		"kernel/apparmor_restrict_unprivileged_userns": "1", "kernel/unprivileged_userns_clone": "0", "user/max_user_namespaces": "0",
	} {
		if value, err := os.ReadFile("/proc/sys/" + name); err == nil && strings.TrimSpace(string(value)) == bad {
			return fmt.Sprintf(" (%s is %s on this machine, which keeps users from making namespaces)", strings.ReplaceAll(name, "/", "."), bad)
		}
	}
	return ""
}

// Process is a running program, with everything that it has started.
type Process struct {
	Output *os.File // what it prints, to read from; whoever started it closes it
	// Sockets are the listeners of [Network.Listen] in their order, then that of [Network.DNS], then one that sees the
	// packets that are sent into the void. Whoever started it closes them.
	Sockets []*os.File

	init    *os.Process
	control *os.File
	pid     int // of the program, inside
	cgroup  *cgroup
	exited  chan struct{}

	// Valid once exited is closed.
	status      syscall.WaitStatus
	peak        int64
	outOfMemory bool
}

// Start runs a program. An error of type *[os.PathError] says that the program itself is not one that can run.
func (s *Sandbox) Start(spec Spec) (_ *Process, err error) {
	if spec.Network != nil && s.network != nil {
		return nil, fmt.Errorf("a network of its own: %w", s.network)
	}
	o := order{Spec: spec, UID: insideUID, GID: insideGID}
	if !s.layout.UserNS {
		o.UID = s.user()
		o.GID = o.UID
		if err := chownAll(spec.Tmp, o.UID); err != nil {
			return nil, fmt.Errorf("give /tmp to the program: %w", err)
		}
	}
	p := &Process{exited: make(chan struct{})}
	if s.cgroups != nil {
		if p.cgroup, err = s.cgroups.make(spec.Memory); err != nil {
			return nil, fmt.Errorf("limit memory: %w", err)
		}
		o.Cgroup, o.Version2 = p.cgroup.entrance()
	}
	st, err := s.take()
	if err != nil {
		p.cgroup.remove()
		return nil, err
	}
	p.Output, p.init, p.control = st.output, st.init, st.control
	defer s.refill() // not before the program runs, which needs the processor more
	fd := int(st.control.Fd())
	var answer report
	var files []int
	if err = send(fd, o); err == nil {
		files, err = receive(fd, &answer)
	}
	for _, f := range files {
		unix.SetNonblock(f, true)
		p.Sockets = append(p.Sockets, os.NewFile(uintptr(f), "sandbox"))
	}
	switch {
	case err != nil:
		err = fmt.Errorf("prepare a sandbox: %w", err)
	case answer.Op == execOp:
		err = &os.PathError{Op: execOp, Path: spec.Program, Err: answer.Errno}
	case answer.Op != "":
		err = fmt.Errorf("%s: %w%s", answer.Op, answer.Errno, advice())
	}
	if err != nil {
		st.discard()
		for _, f := range p.Sockets {
			f.Close()
		}
		p.cgroup.remove()
		return nil, err
	}
	p.pid = answer.Pid
	s.running.Go(p.wait)
	return p, nil
}

// chownAll gives a folder and what an earlier program has left in it to a user.
func chownAll(dir string, uid int) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return fs.WalkDir(root.FS(), ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return root.Lchown(path, uid, uid)
	})
}

// wait waits for the end of the program, which its init tells, and for the end of the init, which is the end of all.
func (p *Process) wait() {
	defer close(p.exited)
	p.status = syscall.WaitStatus(syscall.SIGKILL) // unless the init lives to tell something else
	var last report
	if _, err := receive(int(p.control.Fd()), &last); err == nil && last.Ended {
		p.status, p.peak = last.Status, last.Peak
	}
	p.init.Wait()
	p.control.Close()
	if p.cgroup != nil {
		p.peak = p.inLimit(p.peak)
		p.outOfMemory = p.status.Signaled() && p.status.Signal() == syscall.SIGKILL && p.cgroup.killed()
		p.cgroup.remove()
	}
}

// Exited is closed when the program has ended and nothing of its sandbox is left.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Status is how the program ended, and whether for want of memory. It is valid once Exited is closed.
func (p *Process) Status() (status syscall.WaitStatus, outOfMemory bool) {
	return p.status, p.outOfMemory
}

// Kill ends the program and everything in the sandbox at once.
func (p *Process) Kill() { p.init.Kill() }

// Terminate asks the program to end.
func (p *Process) Terminate() bool { return send(int(p.control.Fd()), terminate) == nil }

// Memory is the most memory that was used so far, in bytes: of all processes together where memory is limited, else of
// the program.
func (p *Process) Memory() int64 {
	select {
	case <-p.exited:
		return p.peak
	default:
	}
	peak := statusPeak(p.inside("proc", strconv.Itoa(p.pid), "status"))
	if p.cgroup != nil {
		peak = p.inLimit(peak)
	}
	return peak
}

// inLimit is the peak of the cgroup, or that of the program if it is larger: code that another process has read before is
// not counted to this cgroup, and would be on a machine of its own.
func (p *Process) inLimit(peak int64) int64 { return min(max(p.cgroup.peak(), peak), p.cgroup.limit) }
