//go:build linux

package main

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net/url"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"quotewire/bench/measure"
)

// idle only connects, in plain text or over TLS, and looks at the server's memory afterwards.
func idle(o options) (measure.Result, error) {
	u, err := url.Parse(o.url)
	if err != nil {
		return measure.Result{}, err
	}
	to, err := resolve(u.Host)
	if err != nil {
		return measure.Result{}, err
	}
	server := measure.Tree{Root: o.pid}
	rss, slab := server.RSS(), measure.Slab()
	request := handshake(u)
	start := now()
	cpu := server.CPU()
	for i := range o.sockets {
		if u.Scheme == "wss" {
			err = connectTLS(to, i, request)
		} else {
			_, _, err = connect(to, i, false, request)
		}
		if err != nil {
			return measure.Result{}, err
		}
	}
	r := measure.Result{Count: o.sockets, Seconds: float64(now()-start) / 1e9}
	r.ServerCPU = float64(server.CPU()-cpu) / 1e9
	r.ServerUs = r.ServerCPU * 1e6 / float64(o.sockets)
	time.Sleep(o.settle)
	r.RSS = float64(server.RSS()-rss) / float64(o.sockets)
	r.Slab = float64(measure.Slab()-slab) / float64(o.sockets)
	return r, nil
}

// held keeps the connections over TLS open.
var held []*tls.Conn

func connectTLS(to unix.Sockaddr, i int, request []byte) error {
	fd, err := dial(to, i, false)
	if err != nil {
		return err
	}
	// The certificate is of the server's own authority, and it is not its identity that is measured.
	c := tls.Client(blocking{os.NewFile(uintptr(fd), "client")}, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
	if _, err := c.Write(request); err != nil {
		return fmt.Errorf("client %d: %w", i, err)
	}
	buf := make([]byte, 4096)
	n, err := c.Read(buf)
	if err != nil || !bytes.HasPrefix(buf[:n], []byte("HTTP/1.1 101")) {
		return fmt.Errorf("client %d: no handshake: %v: %q", i, err, buf[:n])
	}
	held = append(held, c)
	return nil
}
