//go:build unix

package lambda

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strconv"

	"quotewire/cloud/lambda/sandbox"
)

// Addresses in the network of a function in a VPC without a way out. As on AWS, it does not see the address that it has
// in the VPC: that belongs to the interface that it shares with others.
const (
	insideIPv4  = "169.254.76.13/23"
	insideIPv6  = "fd00:76::d/64"
	insideAPI   = "169.254.100.1:9001"
	insideDNS   = "169.254.78.1"
	insideCloud = "169.254.100.2" // what AWS's names lead to
)

// launchInVPC starts a process in a network of its own. From there it reaches the Runtime API, names, and the cloud,
// which judges each call; everything else is sent into the void, as it is on AWS without a way out.
func (e *environment) launchInVPC(box *sandbox.Sandbox, bootstrap string) *fault {
	spec, v := e.spec(bootstrap, insideAPI), e.caller.VPC
	spec.Network = &sandbox.Network{Addresses: []string{insideIPv4}, Listen: []string{insideAPI}, DNS: insideDNS}
	if v.IPv6 {
		spec.Network.Addresses = append(spec.Network.Addresses, insideIPv6)
	}
	if e.service.Serve != nil {
		u, err := url.Parse(e.service.Endpoint)
		if err != nil {
			return &fault{kind: "Runtime.InitError", text: err.Error()}
		}
		spec.Network.Listen = append(spec.Network.Listen, u.Host, insideCloud+":443")
	}
	p, err := box.Start(spec)
	if err != nil {
		return launchFault(err)
	}
	sockets := p.Sockets
	var listeners []net.Listener
	for range spec.Network.Listen {
		l, lerr := net.FileListener(sockets[0])
		sockets[0].Close()
		if sockets = sockets[1:]; lerr != nil {
			err = lerr
			continue
		}
		listeners = append(listeners, l)
	}
	names, nerr := net.FilePacketConn(sockets[0])
	sockets[0].Close()
	void := sockets[1]
	if err != nil || nerr != nil {
		p.Kill()
		<-p.Exited()
		p.Output.Close()
		void.Close()
		for _, l := range listeners {
			l.Close()
		}
		return &fault{kind: "Runtime.InitError", text: fmt.Sprintf("listen in the function's network: %v", errors.Join(err, nerr))}
	}
	api := serveRuntimeAPI(e, listeners[0])
	e.inside = append(e.inside, names, void)
	for _, l := range listeners[1:] {
		e.inside = append(e.inside, l)
		e.service.running.Go(func() { e.service.Serve(l, e.caller) })
	}
	known := &knownNames{}
	e.service.running.Go(func() { answerNames(e.service.ctx, names, e.service.StandsFor, known) })
	e.service.running.Go(func() { e.watchVoid(void, known) })
	return e.adopt(p, p.Output, api)
}

// closeInside ends what was served in the network of a process that is gone.
func (e *environment) closeInside() {
	for _, c := range e.inside {
		c.Close()
	}
	e.inside = nil
}

// missing says which hop there is not between the function and the internet, or "".
func (e *environment) missing(ctx context.Context, to ...netip.AddrPort) string {
	v := e.caller.VPC
	to = append(to, netip.AddrPort{})
	return e.service.Network.Internet(ctx, v.SubnetIDs, v.SecurityGroupIDs, v.IPv6, to[0])
}

// maxVoid bounds how many destinations of one process the log names.
const maxVoid = 20

// watchVoid reads what the function sends to where nobody is, and says so in the cloud's log, once for each
// destination: on AWS nothing does.
func (e *environment) watchVoid(void *os.File, known *knownNames) {
	packet := make([]byte, 128)
	told := map[netip.AddrPort]bool{}
	for {
		n, err := void.Read(packet)
		if err != nil {
			return
		}
		to, ok := packetTarget(packet[:n])
		if !ok || told[to] || len(told) >= maxVoid {
			continue
		}
		told[to] = true
		missing := "no host of the VPC has this address: functions and endpoints are all that there is in a VPC of this cloud"
		if !to.Addr().IsPrivate() {
			if missing = e.missing(e.ctx, to); missing == "" {
				missing = "the way out is newer than this execution environment; the next one has it"
			}
		}
		shown := to.String()
		if name := known.of(to.Addr()); name != "" {
			shown = net.JoinHostPort(name, strconv.Itoa(int(to.Port()))) + " (" + to.Addr().String() + ")"
		}
		e.service.Log.Warn("a function in a VPC has no way to "+shown+": it hears nothing until it times out",
			"function", e.name(), "vpc", e.caller.VPC.VPCID, "missing", missing)
	}
}

// packetTarget is where an IP packet goes that opens a TCP connection or is one of UDP.
func packetTarget(p []byte) (netip.AddrPort, bool) {
	var protocol byte
	var to netip.Addr
	var rest []byte
	switch {
	case len(p) >= 20 && p[0]>>4 == 4:
		length := int(p[0]&15) * 4
		if length < 20 || len(p) < length {
			return netip.AddrPort{}, false
		}
		protocol, to, rest = p[9], netip.AddrFrom4([4]byte(p[16:20])), p[length:]
	case len(p) >= 40 && p[0]>>4 == 6:
		protocol, to, rest = p[6], netip.AddrFrom16([16]byte(p[24:40])), p[40:]
	default:
		return netip.AddrPort{}, false
	}
	const tcp, udp, syn, ack = 6, 17, 2, 16
	opens := protocol == tcp && len(rest) >= 14 && rest[13]&(syn|ack) == syn || protocol == udp && len(rest) >= 8
	if !opens || !to.IsGlobalUnicast() {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(to, binary.BigEndian.Uint16(rest[2:])), true
}
