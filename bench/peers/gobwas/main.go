// gobwas/ws with epoll: no goroutine per connection; one goroutine waits in
// epoll and reads whole frames; a publish compiles the frame once and writes it
// to each net.Conn in turn.
package main

import (
	"flag"
	"log"
	"net"
	"sync"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"golang.org/x/sys/unix"

	"quotewire/bench/peers/peer"
)

var (
	mu    sync.RWMutex
	conns = map[int]net.Conn{} // by file descriptor
)

func add(epfd int, c net.Conn) error {
	if _, err := ws.Upgrade(c); err != nil {
		return err
	}
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		return err
	}
	return raw.Control(func(fd uintptr) {
		mu.Lock()
		conns[int(fd)] = c
		mu.Unlock()
		unix.EpollCtl(epfd, unix.EPOLL_CTL_ADD, int(fd), &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
	})
}

func read(epfd int) {
	events := make([]unix.EpollEvent, 256)
	for {
		n, err := unix.EpollWait(epfd, events, -1)
		if err == unix.EINTR {
			continue
		} else if err != nil {
			log.Fatal(err)
		}
		for _, e := range events[:n] {
			mu.RLock()
			c := conns[int(e.Fd)]
			mu.RUnlock()
			msg, op, err := wsutil.ReadClientData(c)
			if err == nil {
				err = wsutil.WriteServerMessage(c, op, msg)
			}
			if err != nil {
				mu.Lock()
				delete(conns, int(e.Fd))
				mu.Unlock()
				unix.EpollCtl(epfd, unix.EPOLL_CTL_DEL, int(e.Fd), nil)
				c.Close()
			}
		}
	}
}

func publish(msg []byte) {
	frame := ws.MustCompileFrame(ws.NewTextFrame(msg))
	mu.RLock()
	defer mu.RUnlock()
	for _, c := range conns {
		c.Write(frame)
	}
}

func main() {
	flag.Parse()
	epfd, err := unix.EpollCreate1(0)
	if err != nil {
		log.Fatal(err)
	}
	go read(epfd)
	go peer.ServePublish(publish)
	ln, err := net.Listen("tcp", *peer.WS)
	if err != nil {
		log.Fatal(err)
	}
	for {
		c, err := ln.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go func() {
			if add(epfd, c) != nil {
				c.Close()
			}
		}()
	}
}
