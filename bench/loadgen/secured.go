//go:build linux

package main

import (
	"crypto/tls"
	"io"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// secured is a client's TLS. The handshake reads from the socket, which may wait; later on poll reads and open decrypts.
type secured struct {
	conn *tls.Conn
	wire *wire
}

// wire is the socket, as far as crypto/tls needs one.
type wire struct {
	net.Conn
	fd   int
	came []byte // is read before the socket
	only bool   // and nothing after it
}

func newSecured(fd int) *secured {
	w := &wire{fd: fd}
	// The certificate is of the server's own authority, and it is not its identity that is measured.
	return &secured{tls.Client(w, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}}), w}
}

func (w *wire) Read(p []byte) (int, error) {
	if len(w.came) > 0 {
		n := copy(p, w.came)
		w.came = w.came[n:]
		return n, nil
	}
	if w.only {
		return 0, os.ErrDeadlineExceeded
	}
	n, err := unix.Read(w.fd, p)
	if n == 0 && err == nil {
		err = io.EOF
	}
	return max(n, 0), err
}

func (w *wire) Write(p []byte) (int, error) { return unix.Write(w.fd, p) }

var plain [1 << 14]byte

// open decrypts bytes that have come, and hands out what is whole.
func (s *secured) open(p []byte, take func([]byte)) error {
	s.wire.came, s.wire.only = p, true
	for {
		n, err := s.conn.Read(plain[:])
		if n > 0 {
			take(plain[:n])
		}
		if os.IsTimeout(err) || err == io.EOF { // the end of the socket comes after that
			return nil
		} else if err != nil {
			return err
		}
	}
}
