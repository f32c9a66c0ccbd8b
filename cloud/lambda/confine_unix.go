//go:build unix

package lambda

import (
	"context"
	"net"
	"os"
	"path/filepath"

	"quotewire/cloud/lambda/sandbox"
)

// confinement is how this machine confines functions. Finding out takes a moment, which nobody has to wait for who does
// not start an environment in it.
type confinement struct {
	known   chan struct{}
	sandbox *sandbox.Sandbox // nil where there is none
}

// The limits of each process that AWS sets.
const (
	maxOpenFiles = 1024
	maxProcesses = 1024
)

// confine finds out how functions are confined, and says in the log what is missing.
func (s *Service) confine() {
	s.confinement.known = make(chan struct{})
	if s.Unconfined {
		close(s.confinement.known)
		return
	}
	s.running.Go(func() {
		defer close(s.confinement.known)
		dir := filepath.Join(s.Dir, "sandbox")
		err := os.MkdirAll(dir, 0o700)
		var box *sandbox.Sandbox
		if err == nil {
			box, err = sandbox.Open(dir)
		}
		if err != nil {
			s.Log.Warn("functions are not confined on this machine: they see the files, processes and networks of the user who runs this cloud, and their memory has no limit", "missing", err)
			return
		}
		s.confinement.sandbox = box
		if limited, why := box.LimitsMemory(); !limited {
			s.Log.Warn("functions are confined, but their memory has no limit on this machine", "missing", why)
		}
		if err := box.Networks(); err != nil {
			s.Log.Warn("functions are confined, but those in VPCs have the machine's network: only calls to the cloud are judged", "missing", err)
		}
	})
}

// box is what environments run in, or nil.
func (s *Service) box() *sandbox.Sandbox {
	<-s.confinement.known
	return s.confinement.sandbox
}

// places are where a process finds what its variables name.
type places struct {
	api    string // HOST:PORT of the Runtime API
	task   string
	tmp    string // "" if it is /tmp
	ca     string
	bundle string
	path   string // more folders of programs
}

// launch starts a process, confined if the machine can.
func (e *environment) launch() *fault {
	bootstrap, trouble := findBootstrap(e.taskRoot, e.layers)
	if trouble != nil {
		return trouble
	}
	box := e.service.box()
	if box == nil {
		return e.launchPlain(bootstrap)
	}
	if e.isolated.Store(e.isolates(box)); e.isolated.Load() {
		return e.launchInVPC(box, bootstrap)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return &fault{kind: "Runtime.InitError", text: "listen for the Runtime API: " + err.Error()}
	}
	own := &ownListener{Listener: listener, known: make(chan struct{})}
	api := serveRuntimeAPI(e, own)
	p, err := box.Start(e.spec(bootstrap, listener.Addr().String()))
	if err == nil {
		own.owner = p
	}
	close(own.known)
	if err != nil {
		api.close()
		return launchFault(err)
	}
	return e.adopt(p, p.Output, api)
}

// launchPlain starts a process on a machine that confines nothing.
func (e *environment) launchPlain(bootstrap string) *fault {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return &fault{kind: "Runtime.InitError", text: "listen for the Runtime API: " + err.Error()}
	}
	api := serveRuntimeAPI(e, listener)
	s := e.service
	variables := e.variables(places{
		api: listener.Addr().String(), task: e.taskRoot, tmp: e.tmp(), ca: s.CA, bundle: s.Bundle, path: os.Getenv("PATH"),
	})
	p, pipe, err := s.spawner.start(bootstrap, e.taskRoot, variables)
	if err != nil {
		api.close()
		return launchFault(err)
	}
	return e.adopt(p, pipe, api)
}

// adopt makes a child the process of the environment.
func (e *environment) adopt(c child, pipe *os.File, api *runtimeAPI) *fault {
	p, err := follow(c, pipe, e.log.output)
	if err != nil {
		api.close()
		return &fault{kind: "Runtime.InitError", text: err.Error()}
	}
	e.process, e.api = p, api
	return nil
}

// spec is what to run in a sandbox.
func (e *environment) spec(bootstrap, api string) sandbox.Spec {
	const ca, bundle = sandbox.Runtime + "/ca-cert.pem", sandbox.Runtime + "/ca-bundle.pem"
	s := e.service
	program := sandbox.Task + "/bootstrap"
	if filepath.Dir(bootstrap) != e.taskRoot {
		program = sandbox.Layers + "/bootstrap"
	}
	spec := sandbox.Spec{
		Program: program, Task: e.taskRoot, Layers: e.layers, Tmp: e.tmp(),
		Memory: int64(e.release.Config.MemorySize) << 20, Files: maxOpenFiles, Procs: maxProcesses,
		Env: e.variables(places{api: api, task: sandbox.Task, ca: ca, bundle: bundle}),
	}
	for _, f := range []sandbox.File{{From: s.CA, To: ca}, {From: s.Bundle, To: bundle}} {
		if _, err := os.Stat(f.From); err == nil {
			spec.Added = append(spec.Added, f)
		}
	}
	return spec
}

// ownListener lets in only the processes of one sandbox: the Runtime API of an environment is on the machine's
// loopback, where the others are as well, and what it hands out is nobody else's business.
type ownListener struct {
	net.Listener
	known chan struct{} // closed once owner is set, or never will be
	owner child
}

func (l *ownListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		<-l.known
		if l.owner != nil && l.owner.Owns(conn) {
			return conn, nil
		}
		conn.Close()
	}
}

// isolates reports whether the environment belongs into a network of its own: it is in a VPC without a way out.
func (e *environment) isolates(box *sandbox.Sandbox) bool {
	return e.caller.VPC != nil && box.Networks() == nil && e.missing(context.Background()) != ""
}

// misplaced reports whether a way out of the VPC has come or gone since the process was started.
func (e *environment) misplaced() bool {
	if e.caller.VPC == nil {
		return false
	}
	box := e.service.box()
	return box != nil && e.isolates(box) != e.isolated.Load()
}
