// golimit: ../../limit in Go, to see what the language costs: one goroutine, one
// epoll, raw file descriptors, no net package, no goroutine per connection.
//
//	-mode raw      RawSyscall(write): the scheduler does not hear of it
//	-mode syscall  unix.Write: enters and leaves the scheduler each time
//
// Like limit it expects requests and frames to arrive whole.
package main

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"flag"
	"fmt"
	"log"
	"net"
	"unsafe"

	"golang.org/x/sys/unix"

	"quotewire/bench/peers/peer"
)

var (
	mode    = flag.String("mode", "raw", "raw or syscall")
	dropped int
)

func rawWrite(fd int32, p []byte) int {
	n, _, _ := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	return int(n)
}

func schedWrite(fd int32, p []byte) int {
	n, _ := unix.Write(int(fd), p)
	return n
}

func listen(epfd int, hostport string) int32 {
	a, err := net.ResolveTCPAddr("tcp4", hostport)
	if err != nil {
		log.Fatal(err)
	}
	fd, _ := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if err := unix.Bind(fd, &unix.SockaddrInet4{Port: a.Port, Addr: [4]byte(a.IP.To4())}); err != nil {
		log.Fatal(err)
	}
	unix.Listen(fd, 4096)
	unix.EpollCtl(epfd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
	return int32(fd)
}

func main() {
	flag.Parse()
	write := rawWrite
	if *mode == "syscall" {
		write = schedWrite
	}
	epfd, err := unix.EpollCreate1(0)
	if err != nil {
		log.Fatal(err)
	}
	wsLn, httpLn := listen(epfd, *peer.WS), listen(epfd, *peer.HTTP)
	var (
		sockets []int32         // the upgraded ones
		slot    [1 << 20]uint32 // fd → index in sockets, plus one
		events  [1024]unix.EpollEvent
		buf     [1 << 16]byte
		frame   []byte
		ok      = []byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		key     = []byte("\r\nSec-WebSocket-Key: ")
	)
	for {
		k, err := unix.EpollWait(epfd, events[:], -1)
		if err == unix.EINTR {
			continue
		} else if err != nil {
			log.Fatal(err)
		}
		for _, e := range events[:k] {
			fd := e.Fd
			if fd == wsLn || fd == httpLn {
				for {
					c, _, err := unix.Accept4(int(fd), unix.SOCK_NONBLOCK)
					if err != nil {
						break
					}
					unix.EpollCtl(epfd, unix.EPOLL_CTL_ADD, c, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(c)})
				}
				continue
			}
			size, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)))
			if errno == unix.EAGAIN {
				continue
			}
			if errno != 0 || size == 0 {
				if i := slot[fd]; i != 0 { // the last one takes its place
					last := sockets[len(sockets)-1]
					sockets[i-1], slot[last], slot[fd] = last, i, 0
					sockets = sockets[:len(sockets)-1]
				}
				unix.Close(int(fd))
				continue
			}
			p := buf[:size]
			if slot[fd] != 0 {
				for len(p) >= 6 && len(p) >= 6+int(p[1]&127) {
					n := int(p[1] & 127)
					mask := [4]byte(p[2:])
					text := p[6 : 6+n]
					for i := range text {
						text[i] ^= mask[i&3]
					}
					p[4], p[5] = p[0], byte(n)
					if write(fd, p[4:6+n]) != n+2 {
						dropped++
					}
					p = p[6+n:]
				}
				continue
			}
			if _, rest, found := bytes.Cut(p, key); found {
				sum := sha1.Sum([]byte(string(rest[:24]) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
				write(fd, fmt.Appendf(nil, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:])))
				sockets = append(sockets, fd)
				slot[fd] = uint32(len(sockets))
				continue
			}
			if _, body, found := bytes.Cut(p, []byte("\r\n\r\n")); found && len(body) > 0 {
				frame = append(frame[:0], 0x81)
				if len(body) < 126 {
					frame = append(frame, byte(len(body)))
				} else {
					frame = append(frame, 126, byte(len(body)>>8), byte(len(body)))
				}
				frame = append(frame, body...)
				for _, s := range sockets {
					if write(s, frame) != len(frame) {
						dropped++
					}
				}
				write(fd, ok)
			}
		}
	}
}
