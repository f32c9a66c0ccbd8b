//go:build !linux

package socket

import (
	"errors"
	"net"
)

const maxLoops = 1

// loop would serve many sockets. There are none here: what follows is never called.
type loop struct {
	server *Server
	index  int
}

type secure struct{ sealed []byte }

func probe() error { return errors.New("event loops need Linux") }

func newLoop(*Server) (*loop, error) { return nil, probe() }

func (*loop) stop()                      {}
func (*loop) adopt(*Conn, net.Conn) bool { return false }
func (*loop) watch(*Conn)                {}
func (*loop) drop(*Conn)                 {}
func (*loop) closeWrite(*Conn)           {}
func (*loop) resume(*Conn)               {}
func (*loop) sweep([]int32)              {}

func (c *Conn) flush(*[maxWrite]byte) {}
