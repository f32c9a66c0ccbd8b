//go:build unix

package front

import (
	"errors"
	"syscall"
)

// isTooManyFiles reports whether the process or the machine is out of file descriptors.
func isTooManyFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}
