package sandbox

import (
	"encoding/json"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// layout is what all sandboxes of one cloud have in common; the first message to an init.
type layout struct {
	Root     string // an empty folder to build the file system on
	Binds    []bind
	Links    [][2]string // name, target
	UserNS   bool        // the init is in a user namespace: everybody in it is one user of the machine
	Hostname string
}

// bind is something of the machine that is shown, read-only, in a sandbox.
type bind struct {
	From, To string
	Device   bool
}

// order is the second message to an init.
type order struct {
	Spec
	UID, GID int
	Cgroup   string // the file to enter it by, or ""
	Version2 bool   // of cgroups
}

// report is what an init answers: first that the program runs, or not; at last that it has ended.
type report struct {
	Pid    int           `json:",omitempty"` // of the program, as seen from inside
	Op     string        `json:",omitempty"` // what failed
	Errno  syscall.Errno `json:",omitempty"`
	Ended  bool          `json:",omitempty"`
	Status syscall.WaitStatus
	Peak   int64 // memory of the program's largest process, in bytes
}

// terminate is the message that asks for a SIGTERM to the program.
const terminate = "terminate"

// maxMessage bounds a message: Lambda bounds variables to 4 KB, and paths have their own bound.
const maxMessage = 128 << 10

// send sends one message over a sequenced-packet socket, with files.
func send(socket int, v any, files ...int) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if len(text) > maxMessage {
		return fmt.Errorf("a message of %d bytes is too long", len(text))
	}
	var rights []byte
	if len(files) > 0 {
		rights = unix.UnixRights(files...)
	}
	for {
		if err := unix.Sendmsg(socket, text, rights, nil, unix.MSG_NOSIGNAL); err != unix.EINTR {
			return err
		}
	}
}

// receive receives one message. At the end of the connection it returns os.ErrClosed.
func receive(socket int, v any) (files []int, err error) {
	text, rights := make([]byte, maxMessage), make([]byte, unix.CmsgSpace(8*4))
	var n, m int
	for {
		n, m, _, _, err = unix.Recvmsg(socket, text, rights, unix.MSG_CMSG_CLOEXEC)
		if err != unix.EINTR {
			break
		}
	}
	if err != nil {
		return nil, os.NewSyscallError("recvmsg", err)
	}
	if n == 0 {
		return nil, os.ErrClosed
	}
	if m > 0 {
		messages, err := unix.ParseSocketControlMessage(rights[:m])
		if err != nil {
			return nil, err
		}
		for _, message := range messages {
			some, err := unix.ParseUnixRights(&message)
			if err != nil {
				return nil, err
			}
			files = append(files, some...)
		}
	}
	return files, json.Unmarshal(text[:n], v)
}
