package wire

import (
	"errors"
	"net"
	"os"
	"syscall"
	"time"
)

// blockingConn is a connection whose reads and writes wait in the kernel. On the way through the runtime's poller each wait
// takes a read in vain, an epoll_wait or two, and other threads that are woken to look for work: several times what it
// costs to read.
type blockingConn struct {
	*os.File
	local, remote net.Addr
}

// blocking makes a connection one whose reads and writes hold a thread each, if it can be; else it is as it was.
func blocking(c net.Conn) net.Conn {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return c
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return c
	}
	var fd uintptr
	var errno syscall.Errno
	err = raw.Control(func(of uintptr) { fd, _, errno = syscall.Syscall(syscall.SYS_FCNTL, of, syscall.F_DUPFD_CLOEXEC, 0) })
	if err != nil || errno != 0 {
		return c
	}
	b := &blockingConn{local: c.LocalAddr(), remote: c.RemoteAddr()}
	c.Close() // the socket stays open, and is no longer known to the poller
	syscall.SetNonblock(int(fd), false)
	b.File = os.NewFile(fd, "socket")
	return b
}

func (b *blockingConn) LocalAddr() net.Addr  { return b.local }
func (b *blockingConn) RemoteAddr() net.Addr { return b.remote }

// Close ends reads and writes that wait, as that of any connection does.
func (b *blockingConn) Close() error {
	b.control(shut)
	return b.File.Close()
}

// Deadlines bound each read and each write from then on. One that has passed ends those that wait, and the connection.

func (b *blockingConn) SetDeadline(t time.Time) error {
	return errors.Join(b.SetReadDeadline(t), b.SetWriteDeadline(t))
}

func (b *blockingConn) SetReadDeadline(t time.Time) error  { return b.limit(syscall.SO_RCVTIMEO, t) }
func (b *blockingConn) SetWriteDeadline(t time.Time) error { return b.limit(syscall.SO_SNDTIMEO, t) }

func (b *blockingConn) limit(option int, t time.Time) error {
	var left time.Duration // 0 is for ever
	if !t.IsZero() {
		if left = time.Until(t); left <= 0 {
			return b.control(shut)
		}
	}
	tv := syscall.NsecToTimeval(int64(left))
	return b.control(func(fd int) error { return syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, option, &tv) })
}

func shut(fd int) error { return syscall.Shutdown(fd, syscall.SHUT_RDWR) }

func (b *blockingConn) control(do func(fd int) error) error {
	raw, err := b.SyscallConn()
	if err == nil {
		if gone := raw.Control(func(fd uintptr) { err = do(int(fd)) }); gone != nil {
			err = gone
		}
	}
	return err
}
