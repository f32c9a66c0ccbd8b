package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
)

// socket is a client that costs little, so that what is measured is the cloud: it knows text frames and nothing else.
type socket struct {
	conn  net.Conn
	from  *bufio.Reader
	frame []byte // the message, as it is sent each time
	want  string
	got   []byte
}

func dial(address, message string) (*socket, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		return nil, err
	}
	s := &socket{conn: conn, from: bufio.NewReaderSize(conn, 1<<10), want: message, got: make([]byte, len(message))}
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", u.Path, u.Host)
	answer, err := http.ReadResponse(s.from, nil)
	if err == nil && answer.StatusCode != http.StatusSwitchingProtocols {
		err = fmt.Errorf("the handshake was answered with %s", answer.Status)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	if len(message) > 125 {
		return nil, errors.New("the message is too long for a frame with a short header")
	}
	s.frame = append([]byte{0x81, 0x80 | byte(len(message)), 0, 0, 0, 0}, message...) // masked with zeros
	return s, nil
}

// roundTrip sends the message and reads it back.
func (s *socket) roundTrip() error {
	if _, err := s.conn.Write(s.frame); err != nil {
		return err
	}
	var header [2]byte
	if _, err := io.ReadFull(s.from, header[:]); err != nil {
		return err
	}
	if binary.BigEndian.Uint16(header[:]) != 0x8100|uint16(len(s.want)) {
		rest, _ := s.from.Peek(s.from.Buffered())
		return fmt.Errorf("the answer is the frame %x %q, not the message", header, rest)
	}
	if _, err := io.ReadFull(s.from, s.got); err != nil {
		return err
	}
	if string(s.got) != s.want {
		return fmt.Errorf("the answer is %q, want %q", s.got, s.want)
	}
	return nil
}
