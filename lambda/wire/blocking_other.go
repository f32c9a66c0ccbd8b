//go:build !linux

package wire

import "net"

// blocking leaves connections to the runtime's poller.
func blocking(c net.Conn) net.Conn { return c }
