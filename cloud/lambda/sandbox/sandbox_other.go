//go:build !linux

package sandbox

import (
	"net"
	"os"
	"syscall"
)

// Sandbox starts programs, each in a sandbox of its own.
type Sandbox struct{}

// Open returns [ErrUnsupported].
func Open(string) (*Sandbox, error) { return nil, ErrUnsupported }

// LimitsMemory is not called where there are no sandboxes; nor is what follows.
func (*Sandbox) LimitsMemory() (bool, string) { return false, ErrUnsupported.Error() }

// Networks tells why a [Spec] cannot have a network of its own.
func (*Sandbox) Networks() error { return ErrUnsupported }

// Close ends the Sandbox.
func (*Sandbox) Close() {}

// Start returns [ErrUnsupported].
func (*Sandbox) Start(Spec) (*Process, error) { return nil, ErrUnsupported }

// Process is a running program.
type Process struct {
	Output  *os.File
	Sockets []*os.File
}

// Exited is closed when the program has ended.
func (*Process) Exited() <-chan struct{} { return nil }

// Status is how the program ended.
func (*Process) Status() (syscall.WaitStatus, bool) { return 0, false }

// Kill ends the program.
func (*Process) Kill() {}

// Terminate asks the program to end.
func (*Process) Terminate() bool { return false }

// Memory is the most memory that was used.
func (*Process) Memory() int64 { return 0 }

// Owns reports whether the other end of a connection belongs to the program.
func (*Process) Owns(net.Conn) bool { return false }
