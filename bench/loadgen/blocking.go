//go:build linux

package main

import (
	"net"
	"os"
)

// blocking is a socket as a net.Conn. It has no addresses, which TLS does not ask for.
type blocking struct{ *os.File }

func (blocking) LocalAddr() net.Addr  { return nil }
func (blocking) RemoteAddr() net.Addr { return nil }
