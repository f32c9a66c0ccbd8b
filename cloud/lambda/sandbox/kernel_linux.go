package sandbox

import (
	"encoding/binary"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// kernel is a netlink socket: the few things that a sandbox's network asks for. A library for all of rtnetlink would be
// larger than this package.
type kernel struct {
	socket   int
	sequence uint32
}

func dialKernel() (*kernel, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	return &kernel{socket: fd}, os.NewSyscallError("socket", err)
}

func (k *kernel) close() { unix.Close(k.socket) }

// attribute is a netlink attribute: its length, its type, its value, filled up to a multiple of four bytes.
func attribute(kind uint16, value ...[]byte) []byte {
	b := make([]byte, 4)
	for _, v := range value {
		b = append(b, v...)
	}
	binary.NativeEndian.PutUint16(b, uint16(len(b)))
	binary.NativeEndian.PutUint16(b[2:], kind)
	return pad(b)
}

func pad(b []byte) []byte { return append(b, make([]byte, -len(b)&3)...) }

func number(n uint32) []byte { return binary.NativeEndian.AppendUint32(nil, n) }

// ask sends one request and waits for its acknowledgement.
func (k *kernel) ask(kind, flags uint16, parts ...[]byte) error {
	k.sequence++
	b := make([]byte, unix.SizeofNlMsghdr)
	for _, p := range parts {
		b = append(b, pad(p)...)
	}
	binary.NativeEndian.PutUint32(b, uint32(len(b)))
	binary.NativeEndian.PutUint16(b[4:], kind)
	binary.NativeEndian.PutUint16(b[6:], flags|unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	binary.NativeEndian.PutUint32(b[8:], k.sequence)
	if err := unix.Sendto(k.socket, b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return os.NewSyscallError("sendto", err)
	}
	answer := make([]byte, 8<<10)
	for {
		n, _, err := unix.Recvfrom(k.socket, answer, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return os.NewSyscallError("recvfrom", err)
		}
		if n >= unix.SizeofNlMsghdr+4 && binary.NativeEndian.Uint16(answer[4:]) == unix.NLMSG_ERROR {
			if code := int32(binary.NativeEndian.Uint32(answer[unix.SizeofNlMsghdr:])); code != 0 {
				return unix.Errno(-code)
			}
			return nil
		}
	}
}

// link is the fixed part of a message about an interface.
func link(index int, flags uint32) []byte {
	b := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(b[4:], uint32(index))
	binary.NativeEndian.PutUint32(b[8:], flags)
	binary.NativeEndian.PutUint32(b[12:], flags) // the flags to change
	return b
}

// up switches an interface on, with further flags.
func (k *kernel) up(index int, flags uint32) error {
	return k.ask(unix.RTM_NEWLINK, 0, link(index, flags|unix.IFF_UP))
}

// Types of attributes of a veth pair that the packages of the kernel's constants do not name.
const vethInfoPeer = 1

// pair makes two interfaces that are each other's other end.
func (k *kernel) pair(name string, index int, peer string, peerIndex int) error {
	return k.ask(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL, link(index, 0), attribute(unix.IFLA_IFNAME, []byte(name+"\x00")),
		attribute(unix.IFLA_LINKINFO, attribute(unix.IFLA_INFO_KIND, []byte("veth\x00")),
			attribute(unix.IFLA_INFO_DATA, attribute(vethInfoPeer, link(peerIndex, 0), attribute(unix.IFLA_IFNAME, []byte(peer+"\x00"))))))
}

// address gives an interface an address.
func (k *kernel) address(index int, p netip.Prefix) error {
	family, flags := byte(unix.AF_INET), uint32(0)
	if p.Addr().Is6() {
		family, flags = unix.AF_INET6, unix.IFA_F_NODAD // an address that may be used at once
	}
	b := make([]byte, unix.SizeofIfAddrmsg)
	b[0], b[1] = family, byte(p.Bits())
	binary.NativeEndian.PutUint32(b[4:], uint32(index))
	return k.ask(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_EXCL, b, attribute(unix.IFA_LOCAL, p.Addr().AsSlice()),
		attribute(unix.IFA_ADDRESS, p.Addr().AsSlice()), attribute(unix.IFA_FLAGS, number(flags)))
}

// defaultRoute sends over an interface whatever has no other route.
func (k *kernel) defaultRoute(index int, v6 bool) error {
	b := make([]byte, unix.SizeofRtMsg)
	b[0] = unix.AF_INET
	if v6 {
		b[0] = unix.AF_INET6
	}
	b[4], b[5], b[6], b[7] = unix.RT_TABLE_MAIN, unix.RTPROT_BOOT, unix.RT_SCOPE_UNIVERSE, unix.RTN_UNICAST
	return k.ask(unix.RTM_NEWROUTE, unix.NLM_F_CREATE, b, attribute(unix.RTA_OIF, number(uint32(index))))
}
