//go:build unix

package cloud

import (
	"errors"
	"syscall"
)

// isTooManyFiles reports whether the process or the machine is out of file descriptors.
func isTooManyFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// isPortBusy reports whether another process listens on the address.
func isPortBusy(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }
