// Package sandbox confines the processes of an execution environment as AWS's machines confine them: with a file
// system in which there is the function's code, its layers, a /tmp of its own and the machine's programs and
// libraries, and nothing else of the machine's owner; with processes that see only each other; without privileges; with
// a limit on memory; and, for a function in a VPC, in a network of its own that leads nowhere.
//
// The kernel does this, asked by a process that has to be inside already. It is this very executable, started again
// under another name (see init_linux.go): it lays the file system out, runs the program, and stays as the first process
// of the sandbox, which collects orphans and whose end is the end of everything in it. Nothing has to be cleaned up
// after it, not even when this process is killed: mounts, networks and processes go with it.
//
// Linux allows all of this to root, and most of it to everyone who may make user namespaces. Where it does not, [Open]
// says what is missing. The package knows nothing of functions.
package sandbox

import "errors"

// ErrUnsupported is what [Open] returns on systems other than Linux.
var ErrUnsupported = errors.New("this needs Linux")

// The places of a sandbox's file system that a program is told about, where AWS has them.
const (
	Task    = "/var/task"    // the code
	Layers  = "/opt"         // the layers
	Tmp     = "/tmp"         // the one place to write to
	Runtime = "/var/runtime" // what the cloud adds
)

// Spec says what to run, and on what.
type Spec struct {
	Program string   // its path in the sandbox
	Env     []string // all of its environment variables
	Task    string   // the folder that becomes [Task]; the program starts there
	Layers  string   // the folder that becomes [Layers], or ""
	Tmp     string   // the folder that becomes [Tmp]; it outlives the sandbox
	Added   []File   // files that are added, read-only
	Memory  int64    // how many bytes all processes together may use, where [Sandbox.LimitsMemory]
	Files   int      // how many files a process may have open
	Procs   int      // how many processes and threads there may be

	// Network, if not nil, is a network of its own instead of the machine's.
	Network *Network
}

// File is a file of the machine and where it is shown.
type File struct{ From, To string }

// Network is the inside of a VPC without a way out: whatever is sent to an address that nobody in the sandbox listens
// on vanishes without an answer.
type Network struct {
	Addresses []string // of its interface with their lengths, such as 10.0.0.17/24
	Listen    []string // addresses of TCP sockets to listen on inside; see [Process.Listeners]
	DNS       string   // the address of a UDP socket to be asked for names on, or ""
}
