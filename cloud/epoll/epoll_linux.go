package epoll

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Poll is a set of sockets. Any number of goroutines may call its methods, but one at a time [Poll.Wait].
type Poll struct {
	file *os.File
	raw  syscall.RawConn
}

// Open returns an empty Poll. Its error says why there can be none: a container may forbid it.
func Open() (*Poll, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll_create1: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // so that the runtime's poller takes it
		unix.Close(fd)
		return nil, err
	}
	p := &Poll{file: os.NewFile(uintptr(fd), "epoll")}
	if err = p.file.SetReadDeadline(time.Time{}); err == nil {
		if p.raw, err = p.file.SyscallConn(); err == nil {
			return p, nil
		}
	}
	p.file.Close()
	return nil, fmt.Errorf("epoll within the runtime's poller: %w", err)
}

// Close ends Wait. The sockets stay open.
func (p *Poll) Close() { p.file.Close() }

// Wait waits for reports, unless it is told not to, and returns how many there are. Its error says that p is closed, or that
// its deadline has passed.
func (p *Poll) Wait(events []unix.EpollEvent, not bool) (n int, err error) {
	err = p.raw.Read(func(fd uintptr) bool {
		r, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, fd, uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 0)
		if n = int(r); errno != 0 {
			n = 0
		}
		return n > 0 || not
	})
	return n, err
}

// SetDeadline bounds Wait: from t on it returns an error for which [IsTimeout] holds. The zero time stands for never.
func (p *Poll) SetDeadline(t time.Time) { p.file.SetReadDeadline(t) }

// IsTimeout reports whether an error of Wait says that its deadline has passed.
func IsTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

// Ended are the reports that there is an end to what a socket reads: it is to be read to there.
const Ended = unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR

// Add has all that happens to a socket reported, and that it can be written to, which it mostly can at once.
func (p *Poll) Add(fd int32) error {
	return p.control(unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET, Fd: fd})
}

// Remove ends the reports of a socket that is not closed.
func (p *Poll) Remove(fd int32) error { return p.control(unix.EPOLL_CTL_DEL, fd, nil) }

func (p *Poll) control(op int, fd int32, event *unix.EpollEvent) (err error) {
	if gone := p.raw.Control(func(epoll uintptr) {
		err = os.NewSyscallError("epoll_ctl", unix.EpollCtl(int(epoll), op, int(fd), event))
	}); gone != nil {
		return gone
	}
	return err
}

// Take takes a TCP socket from the net package; false for any other, or if that fails. The descriptor is the caller's to
// close; socket is closed.
func Take(socket net.Conn) (fd int32, ok bool) {
	tcp, ok := socket.(*net.TCPConn)
	if !ok {
		return -1, false
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return -1, false
	}
	n := -1
	if raw.Control(func(of uintptr) { n, err = unix.FcntlInt(of, unix.F_DUPFD_CLOEXEC, 0) }) != nil || err != nil {
		return -1, false
	}
	tcp.Close() // the socket stays open: the new descriptor is its, too
	return int32(n), true
}

// GiveBack is the reverse of [Take]. The descriptor is closed, whatever the error.
func GiveBack(fd int32) (net.Conn, error) {
	f := os.NewFile(uintptr(fd), "socket")
	defer f.Close()
	return net.FileConn(f)
}

// Read reads from a socket what there is.
func Read(fd int32, p []byte) (n int, err syscall.Errno) {
	r, _, err := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_DONTWAIT, 0, 0)
	return int(r), err
}

// Write writes to a socket what it takes.
func Write(fd int32, p []byte) (n int, err syscall.Errno) {
	r, _, err := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	return int(r), err
}
