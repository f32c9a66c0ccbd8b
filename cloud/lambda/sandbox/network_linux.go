package sandbox

import (
	"net"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"
)

// build moves this thread, and the program with it, into a new network: a loopback with the addresses that are listened
// on, and an interface over which everything else is sent, to an end where nobody is. A connection hangs there as it
// does on AWS when a route, a gateway or a security group is missing; nothing is refused. It returns the listeners, in
// the order of n.Listen, then the socket for names, then a socket that sees what is sent into the void.
func (n *Network) build() ([]int, error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return nil, failed("make a network", err)
	}
	k, err := dialKernel()
	if err != nil {
		return nil, failed("talk to the kernel's network", err)
	}
	defer k.close()
	var local []netip.Addr
	for _, text := range append([]string{n.DNS}, n.Listen...) {
		host, _, err := net.SplitHostPort(text)
		if err != nil {
			host = text
		}
		if a, err := netip.ParseAddr(host); err == nil && !a.IsLoopback() && !slices.Contains(local, a) {
			local = append(local, a)
		}
	}
	const lo, eth, void = 1, 101, 102 // some kernels put tunnels after the loopback
	steps := []func() error{
		func() error { return k.up(lo, 0) },
		func() error { return k.pair("eth0", eth, "void", void) },
		func() error { return k.up(void, 0) },
		// Without ARP the kernel asks nobody where an address is before it sends: there is nobody to answer.
		func() error { return k.up(eth, unix.IFF_NOARP) },
	}
	for _, a := range local {
		steps = append(steps, func() error { return k.address(lo, netip.PrefixFrom(a, a.BitLen())) })
	}
	families := map[bool]bool{}
	for _, text := range n.Addresses {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, failed("address "+text, err)
		}
		steps = append(steps, func() error { return k.address(eth, p) })
		if v6 := p.Addr().Is6(); !families[v6] {
			families[v6] = true
			steps = append(steps, func() error { return k.defaultRoute(eth, v6) })
		}
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, failed("set up a network", err)
		}
	}
	var sockets []int
	for _, address := range n.Listen {
		fd, err := listenTCP(address)
		if err != nil {
			return nil, failed("listen on "+address, err)
		}
		sockets = append(sockets, fd)
	}
	if n.DNS != "" {
		fd, err := listenUDP(n.DNS)
		if err != nil {
			return nil, failed("listen on "+n.DNS, err)
		}
		sockets = append(sockets, fd)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: htons(unix.ETH_P_ALL), Ifindex: void})
	}
	if err != nil {
		return nil, failed("watch the network", err)
	}
	return append(sockets, fd), nil
}

func htons(v uint16) uint16 { return v<<8 | v>>8 }

func listenTCP(address string) (int, error) {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return 0, err
	}
	fd, err := bindSocket(unix.SOCK_STREAM, a)
	if err != nil {
		return 0, err
	}
	return fd, unix.Listen(fd, 128)
}

func listenUDP(address string) (int, error) {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return 0, err
	}
	return bindSocket(unix.SOCK_DGRAM, netip.AddrPortFrom(a, 53))
}

func bindSocket(kind int, a netip.AddrPort) (int, error) {
	family, to := unix.AF_INET, unix.Sockaddr(&unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().Unmap().As4()})
	if a.Addr().Is6() {
		family, to = unix.AF_INET6, &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
	}
	fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return 0, err
	}
	if kind == unix.SOCK_STREAM {
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	}
	return fd, unix.Bind(fd, to)
}
