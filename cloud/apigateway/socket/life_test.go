package socket

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"quotewire/cloud/apigateway/socket/sockettest"
)

// FuzzConnectionLife plays a life of a connection: each byte is something that one of the sides does, or time that goes
// by. Whatever the order, the connection ends, with one code for both sides; the client gets what was accepted for it,
// in order and before the close frame; and nothing follows that.
func FuzzConnectionLife(f *testing.F) {
	for _, life := range []string{
		"", "s", "tst", "sssc", "psfsFs", "csss", "sds", "dc", "ii", "sisii", "fii", "vs", "b", "fpb", "u", "x", "sx", "ddcc", "w", "sssswsss", "Fs", "tttttttttt", "cx", "e", "se",
	} {
		f.Add([]byte(life))
	}
	f.Fuzz(func(t *testing.T, life []byte) {
		if len(life) > 200 {
			return
		}
		synctest.Test(t, func(t *testing.T) { live(t, life) })
	})
}

// live plays a life and holds it against what must be true of each.
func live(t *testing.T, life []byte) {
	server, client := net.Pipe()
	c, ended := runOver(server)
	var got []string // frames that the client has read
	read := make(chan struct{})
	pause := make(chan struct{}, 1)
	go func() {
		defer close(read)
		for {
			select {
			case <-pause:
				time.Sleep(time.Minute) // longer than a write may take
			default:
			}
			opcode, payload, err := tryFrame(client)
			if err != nil {
				return
			}
			got = append(got, fmt.Sprintf("%x %s", opcode, payload))
		}
	}()
	var accepted []string // for the client, in order
	fragmented, clientClosed, slow := false, false, false
	write := func(b []byte) {
		client.SetWriteDeadline(time.Now().Add(5 * time.Second)) // the server may have stopped reading
		client.Write(b)
	}
	for i, action := range life {
		switch action {
		case 's': // a post
			text := fmt.Sprint("post ", i)
			if c.Send(Text([]byte(text))) == nil {
				accepted = append(accepted, fmt.Sprintf("%x %s", opText, text))
			}
		case 't':
			write(text("message"))
		case 'f', 'F': // a fragment, the last one
			first := byte(opText)
			if fragmented {
				first = opContinuation
			}
			if fragmented = action == 'f'; !fragmented {
				first |= 0x80
			}
			write(sockettest.Frame(first, "fragment"))
		case 'p':
			write(sockettest.Frame(0x80|opPing, "ping"))
		case 'v':
			write(sockettest.Frame(0x83, "x"))
		case 'b':
			write(sockettest.Frame(0x80|opBinary, "x"))
		case 'u':
			write(text("\xff"))
		case 'c':
			write(sockettest.Frame(0x80|opClose, "\x0f\xa0bye")) // 4000
			clientClosed = true
		case 'd':
			c.Shut(Normal, "Connection Closed Normally")
		case 'i':
			time.Sleep(6 * time.Minute)
		case 'w':
			slow = true
			select {
			case pause <- struct{}{}:
			default:
			}
		case 'e', 'x':
			client.Close()
		}
		synctest.Wait()
	}
	code := <-ended // two hours later at the latest
	client.Close()
	<-read

	if err := c.Send(Text(nil)); err != ErrGone {
		t.Errorf("%q: a send after the end: %v, want ErrGone", life, err)
	}
	closes := 0
	var texts []string
	for i, frame := range got {
		switch {
		case strings.HasPrefix(frame, fmt.Sprintf("%x ", opClose)):
			if closes++; i < len(got)-1 {
				t.Errorf("%q: %q follows the close frame", life, got[i+1:])
			}
			payload := frame[2:]
			sent := NoStatus
			if len(payload) >= 2 {
				sent = int(binary.BigEndian.Uint16([]byte(payload)))
			}
			if sent != code {
				t.Errorf("%q: the client was told %d, the function %d", life, sent, code)
			}
		case strings.HasPrefix(frame, fmt.Sprintf("%x ", opText)):
			texts = append(texts, frame)
		}
	}
	switch {
	case len(texts) > len(accepted) || !slices.Equal(texts, accepted[:len(texts)]):
		t.Errorf("%q: the client read %q, accepted were %q", life, texts, accepted)
	case closes > 0 && len(texts) < len(accepted):
		t.Errorf("%q: the client was closed after %q, accepted were %q", life, texts, accepted)
	case closes == 0 && code != Abnormal && !slow && !slices.Contains(life, 'x') && !slices.Contains(life, 'e'):
		t.Errorf("%q: ended with %d and no close frame", life, code)
	case code == 4000 && !clientClosed:
		t.Errorf("%q: ended with the client's code, which it has not sent", life)
	}
}

// tryFrame reads a frame of the server.
func tryFrame(r io.Reader) (opcode byte, payload string, err error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, "", err
	}
	b := make([]byte, head[1]) // this server's frames are short here
	_, err = io.ReadFull(r, b)
	return head[0] & 0x0f, string(b), err
}
