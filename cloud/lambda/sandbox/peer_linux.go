package sandbox

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// inside is the path, on the machine, of something that is seen from inside.
func (p *Process) inside(parts ...string) string {
	return filepath.Join("/proc", strconv.Itoa(p.init.Pid), "root", filepath.Join(parts...))
}

// Owns reports whether the other end of a TCP connection, on this machine, belongs to a process of the sandbox. TCP
// itself does not tell; the kernel does, who knows each socket's number, and which process holds it.
func (p *Process) Owns(conn net.Conn) bool {
	inode, ok := peerSocket(conn)
	if !ok {
		return false
	}
	want := "socket:[" + strconv.FormatUint(uint64(inode), 10) + "]"
	processes, _ := os.ReadDir(p.inside("proc"))
	for _, e := range processes {
		if pid, err := strconv.Atoi(e.Name()); err != nil || pid == 1 {
			continue
		}
		dir := p.inside("proc", e.Name(), "fd")
		files, _ := os.ReadDir(dir)
		for _, f := range files {
			if to, _ := os.Readlink(filepath.Join(dir, f.Name())); to == want {
				return true
			}
		}
	}
	return false
}

// peerSocket is the number of the socket at the other end of a connection within this machine.
func peerSocket(conn net.Conn) (inode uint32, ok bool) {
	remote, rerr := netip.ParseAddrPort(conn.RemoteAddr().String())
	local, lerr := netip.ParseAddrPort(conn.LocalAddr().String())
	if rerr != nil || lerr != nil {
		return 0, false
	}
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_INET_DIAG)
	if err != nil {
		return 0, false
	}
	defer unix.Close(fd)
	// A struct inet_diag_req_v2 behind a header: the connection as its other end sees it.
	b := make([]byte, unix.SizeofNlMsghdr+56)
	binary.NativeEndian.PutUint32(b, uint32(len(b)))
	binary.NativeEndian.PutUint16(b[4:], unix.SOCK_DIAG_BY_FAMILY)
	binary.NativeEndian.PutUint16(b[6:], unix.NLM_F_REQUEST)
	r := b[unix.SizeofNlMsghdr:]
	r[0], r[1] = unix.AF_INET, unix.IPPROTO_TCP
	if remote.Addr().Is6() {
		r[0] = unix.AF_INET6
	}
	binary.NativeEndian.PutUint32(r[4:], ^uint32(0)) // in any state
	binary.BigEndian.PutUint16(r[8:], remote.Port())
	binary.BigEndian.PutUint16(r[10:], local.Port())
	copy(r[12:28], remote.Addr().AsSlice())
	copy(r[28:44], local.Addr().AsSlice())
	binary.NativeEndian.PutUint64(r[48:], ^uint64(0)) // no cookie
	if err := unix.Sendto(fd, b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return 0, false
	}
	answer := make([]byte, 4<<10)
	n, _, err := unix.Recvfrom(fd, answer, 0)
	const inodeAt = unix.SizeofNlMsghdr + 68 // the last member of a struct inet_diag_msg
	if err != nil || n < inodeAt+4 || binary.NativeEndian.Uint16(answer[4:]) != unix.SOCK_DIAG_BY_FAMILY {
		return 0, false
	}
	inode = binary.NativeEndian.Uint32(answer[inodeAt:])
	return inode, inode != 0
}

// statusPeak is the peak of a process's resident memory in bytes, as its status file tells it; 0 if it is gone.
func statusPeak(file string) int64 {
	status, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	_, rest, ok := bytes.Cut(status, []byte("VmHWM:"))
	if !ok {
		return 0
	}
	number, _, _ := bytes.Cut(bytes.TrimSpace(rest), []byte(" "))
	kilobytes, _ := strconv.ParseInt(string(number), 10, 64)
	return kilobytes << 10
}
