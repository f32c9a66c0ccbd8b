//go:build linux

package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// client is one WebSocket.
type client struct {
	fd     int
	secure *secured // nil without TLS
	id     string   // of its connection, as the first message says
	carry  []byte   // a frame that has not come whole
	seen   bitset   // publishes that came, by their number
	newest int      // the highest of them
	heard  bool     // a message has come
	paused bool     // does not read
	ended  bool
	code   int // of the server's close frame
	got    int // prices, since this was last set to zero
}

// bitset is a set of small numbers.
type bitset []uint64

// add reports whether n was not in the set.
func (s *bitset) add(n int) bool {
	for len(*s) <= n/64 {
		*s = append(*s, 0)
	}
	bit := uint64(1) << (n % 64)
	fresh := (*s)[n/64]&bit == 0
	(*s)[n/64] |= bit
	return fresh
}

// bind makes a TCP socket with one of several loopback addresses of its own, so that the ports suffice.
func bind(i, flags int) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|flags, 0)
	if err != nil {
		return 0, fmt.Errorf("socket %d: %w", i, err)
	}
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	// Reset at the end: tens of thousands of sockets in TIME_WAIT would slow down the next run.
	unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	return fd, unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, byte(2 + i%8)}})
}

func resolve(hostport string) (*unix.SockaddrInet4, error) {
	a, err := net.ResolveTCPAddr("tcp4", hostport)
	if err != nil {
		return nil, err
	}
	return &unix.SockaddrInet4{Port: a.Port, Addr: [4]byte(a.IP.To4())}, nil
}

// dial opens a TCP connection. A narrow one is like that of a client on a real network, whose segments are Ethernet's, with
// a small buffer: on the loopback the kernel would take megabytes for a client that does not read.
func dial(to unix.Sockaddr, i int, narrow bool) (int, error) {
	fd, err := bind(i, 0)
	if err != nil {
		return 0, err
	}
	if narrow {
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_MAXSEG, 1460)
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 4096)
	}
	if err := unix.Connect(fd, to); err != nil {
		return 0, fmt.Errorf("connect %d: %w", i, err)
	}
	return fd, nil
}

// handshake is the request that opens a WebSocket.
func handshake(u *url.URL) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n", u.RequestURI(), u.Host)
}

// target is where WebSockets are opened, and with what request.
type target struct {
	to      unix.Sockaddr
	secure  bool // over TLS
	request []byte
}

func newTarget(address string) (t target, err error) {
	u, err := url.Parse(address)
	if err != nil {
		return t, err
	}
	to, err := resolve(u.Host)
	return target{to, u.Scheme == "wss", handshake(u)}, err
}

// connect opens the WebSocket of a client and returns what came after the handshake.
func (t target) connect(c *client, i int, narrow bool) (rest []byte, err error) {
	if c.fd, err = dial(t.to, i, narrow); err != nil {
		return nil, err
	}
	if t.secure {
		c.secure = newSecured(c.fd)
	}
	if err := c.write(t.request); err != nil {
		return nil, fmt.Errorf("client %d: handshake: %w", i, err)
	}
	var head []byte
	end := -1
	for buf := make([]byte, 4096); end < 0; end = bytes.Index(head, []byte("\r\n\r\n")) {
		n, err := c.read(buf)
		if err != nil || n == 0 {
			return nil, fmt.Errorf("client %d: no handshake: %v: %q", i, err, head)
		}
		head = append(head, buf[:n]...)
	}
	if !bytes.HasPrefix(head, []byte("HTTP/1.1 101")) {
		return nil, fmt.Errorf("client %d: refused: %q", i, head)
	}
	return head[end+4:], nil
}

func (c *client) write(p []byte) (err error) {
	if c.secure != nil {
		_, err = c.secure.conn.Write(p)
	} else {
		_, err = unix.Write(c.fd, p)
	}
	return err
}

func (c *client) read(p []byte) (int, error) {
	if c.secure != nil {
		return c.secure.conn.Read(p)
	}
	return unix.Read(c.fd, p)
}

const (
	opText  = 1
	opClose = 8
	opPing  = 9
	opPong  = 10
)

// maskedFrame is a frame of a client.
func maskedFrame(op byte, p []byte) []byte {
	f := []byte{0x80 | op}
	if len(p) < 126 {
		f = append(f, 0x80|byte(len(p)))
	} else {
		f = binary.BigEndian.AppendUint16(append(f, 0x80|126), uint16(len(p)))
	}
	key := [4]byte{1, 2, 3, 4}
	f = append(f, key[:]...)
	for i, b := range p {
		f = append(f, b^key[i&3])
	}
	return f
}

// text fills in a hello.
func text(s string, i int) []byte {
	return []byte(strings.NewReplacer(`\r`, "\r", `\n`, "\n", "{i}", strconv.Itoa(i)).Replace(s))
}

// receive takes bytes that arrived at time t.
func (l *load) receive(c *client, data []byte, t int64) {
	if len(c.carry) > 0 {
		data = append(c.carry, data...)
		c.carry = nil
	}
	for len(data) >= 2 {
		head, size := 2, int(data[1]&0x7f)
		switch {
		case size == 126 && len(data) >= 4:
			head, size = 4, int(binary.BigEndian.Uint16(data[2:]))
		case size == 127 && len(data) >= 10:
			head, size = 10, int(binary.BigEndian.Uint64(data[2:]))
		case size >= 126:
			head = len(data) // not all of the header yet
		}
		if len(data) < head+size {
			break
		}
		payload := data[head : head+size]
		switch op := data[0] & 15; op {
		case opClose:
			if len(payload) >= 2 {
				c.code = int(binary.BigEndian.Uint16(payload))
			}
			l.end(c)
		case opPing:
			c.write(maskedFrame(opPong, payload))
		default:
			c.heard = true
			l.message(c, payload, t)
		}
		data = data[head+size:]
	}
	if len(data) > 0 {
		c.carry = bytes.Clone(data)
	}
}

func (l *load) end(c *client) {
	if !c.ended {
		c.ended = true
		l.lost++
	}
}

// prices have four digits; the first publish has the lowest.
const firstPrice, maxPublishes = 1000, 9000

var marker = []byte(`"price":`)

// message counts the prices in a message.
func (l *load) message(c *client, p []byte, t int64) {
	if c.id == "" && (l.subscribe != "" || c == &l.clients[0]) {
		if _, id, ok := strings.Cut(string(p), `"connection-id":"`); ok {
			c.id, _, _ = strings.Cut(id, `"`)
		}
	}
	for {
		i := bytes.Index(p, marker)
		if i < 0 {
			return
		}
		p = p[i+len(marker):]
		price := 0
		for _, d := range p {
			if d < '0' || d > '9' {
				break
			}
			price = price*10 + int(d-'0')
		}
		if k := price - firstPrice; k >= 0 && k < maxPublishes && l.sentAt[k] != 0 {
			l.delivery(c, k, t)
		}
	}
}
