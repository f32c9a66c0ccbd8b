//go:build unix

package cloud

import (
	"errors"
	"syscall"
)

// isPortBusy reports whether another process listens on the address.
func isPortBusy(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }
