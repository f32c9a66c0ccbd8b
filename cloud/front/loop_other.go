//go:build !linux

package front

import (
	"context"
	"errors"
	"net"
)

// loop would serve many connections. There are none here: what follows is never called.
type loop struct{}

func newLoop(*listener) (*loop, error) { return nil, errors.New("event loops need Linux") }

func (*loop) stop()                                        {}
func (*loop) adopt(context.Context, net.Conn, []byte) bool { return false }
