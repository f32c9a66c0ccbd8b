package truth

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	bigendian "encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"quotewire/cloud/apigateway/socket/sockettest"
	"quotewire/e2e/rig"
)

// Opcodes of RFC 6455, section 5.2, each with the bit FIN: of a frame that ends its message.
const (
	opContinuation = 0x80
	opText         = 0x81
	opBinary       = 0x82
	opClose        = 0x88
	opPing         = 0x89
	opPong         = 0x8a
)

// more takes the bit FIN away: the message goes on.
func more(first byte) byte { return first &^ 0x80 }

// wire is a WebSocket connection without a client: bytes.
type wire struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

const wireKey = "dGhlIHNhbXBsZSBub25jZQ=="

// dialWire opens a connection and returns it with the server's answer to the handshake. Header lines may be added.
func dialWire(t *testing.T, address string, headers ...string) (*wire, *http.Response) {
	t.Helper()
	target, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", target.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(rig.Patience))
	w := &wire{t, conn, bufio.NewReader(conn)}
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n%s\r\n",
		target.Path, target.Host, wireKey, strings.Join(append(headers, ""), "\r\n"))
	response, err := http.ReadResponse(w.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	return w, response
}

// openWire opens a connection that must be accepted.
func openWire(t *testing.T, address string) *wire {
	t.Helper()
	w, response := dialWire(t, address)
	if response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("the handshake was answered with %s", response.Status)
	}
	return w
}

// send sends bytes. What the server does not take does not hold up the test.
func (w *wire) send(frames ...[]byte) { go w.conn.Write(bytes.Join(frames, nil)) }

// frame returns the next frame: its first byte and its payload.
func (w *wire) frame() (first byte, payload string) {
	w.t.Helper()
	var head [10]byte
	w.fill(head[:2])
	size := uint64(head[1])
	switch size {
	case 126:
		w.fill(head[2:4])
		size = uint64(bigendian.BigEndian.Uint16(head[2:4]))
	case 127:
		w.fill(head[2:10])
		size = bigendian.BigEndian.Uint64(head[2:10])
	}
	if size > 1<<20 {
		w.t.Fatalf("a frame with the head %x: masked, or too long", head)
	}
	b := make([]byte, size)
	w.fill(b)
	return head[0], string(b)
}

func (w *wire) fill(b []byte) {
	w.t.Helper()
	if _, err := io.ReadFull(w.in, b); err != nil {
		w.t.Fatalf("the connection ended: %v", err)
	}
}

// wants expects a frame.
func (w *wire) wants(first byte, payload string) {
	w.t.Helper()
	if f, p := w.frame(); f != first || p != payload {
		w.t.Errorf("got the frame %x %q, want %x %q", f, p, first, payload)
	}
}

// wantsClose expects a close frame with a code, and then the end of the connection.
func (w *wire) wantsClose(code int) {
	w.t.Helper()
	first, payload := w.frame()
	if got := closeCode(payload); first != opClose || got != code {
		w.t.Errorf("got the frame %x with the code %d, want a close with %d", first, got, code)
	}
	w.wantsEnd()
}

func (w *wire) wantsEnd() {
	w.t.Helper()
	if n, err := w.in.Read(make([]byte, 1)); n > 0 || err != io.EOF {
		w.t.Errorf("%d bytes and %v after the close frame, want the end", n, err)
	}
}

func closeCode(payload string) int {
	if len(payload) < 2 {
		return 1005
	}
	return int(payload[0])<<8 | int(payload[1])
}

func closeBody(code int, reason string) string {
	return string([]byte{byte(code >> 8), byte(code)}) + reason
}

// says is a message that the probe answers with a text, made as long as wanted.
func says(text string, size int) string {
	message := `{"do":"return","value":{"statusCode":200,"body":"` + text + `"},"text":""}`
	if missing := size - len(message); missing > 0 {
		message = strings.TrimSuffix(message, `"}`) + strings.Repeat("x", missing) + `"}`
	}
	return message
}

func TestRFC6455Frames(t *testing.T) {
	t.Parallel()
	c := shared(t)
	api := c.webSocketAPI(t, c.function(t, "frames"), twoWay("$default"))

	for _, v := range []struct {
		name, source string
		code         int
		frames       []byte
	}{
		{"a frame of a client that is not masked closes the connection with 1002", "RFC 6455 §5.1", 1002, append([]byte{opText, 2}, "{}"...)},
		{"a frame with the reserved bit RSV1 closes the connection with 1002", "RFC 6455 §5.2", 1002, sockettest.Frame(opText|0x40, "x")},
		{"a frame with the reserved bit RSV2 closes the connection with 1002", "RFC 6455 §5.2", 1002, sockettest.Frame(opText|0x20, "x")},
		{"a frame with the reserved bit RSV3 closes the connection with 1002", "RFC 6455 §5.2", 1002, sockettest.Frame(opText|0x10, "x")},
		{"a ping with a reserved bit closes the connection with 1002", "RFC 6455 §5.2", 1002, sockettest.Frame(opPing|0x40, "x")},
		{"a continuation of nothing closes the connection with 1002", "RFC 6455 §5.4", 1002, sockettest.Frame(opContinuation, "x")},
		{"a continuation after the end of a message closes the connection with 1002", "RFC 6455 §5.4", 1002,
			bytes.Join([][]byte{sockettest.Frame(more(opText), ""), sockettest.Frame(opContinuation, `{"do":"raw","text":"{}"}`), sockettest.Frame(opContinuation, "x")}, nil)},
		{"a new text before the end of a fragmented one closes the connection with 1002", "RFC 6455 §5.4", 1002, append(sockettest.Frame(more(opText), "a"), sockettest.Frame(opText, "b")...)},
		{"a ping in fragments closes the connection with 1002", "RFC 6455 §5.5", 1002, sockettest.Frame(more(opPing), "x")},
		{"a close frame in fragments closes the connection with 1002", "RFC 6455 §5.5", 1002, sockettest.Frame(more(opClose), closeBody(1000, ""))},
		{"a ping of 126 bytes closes the connection with 1002", "RFC 6455 §5.5", 1002, sockettest.Frame(opPing, strings.Repeat("x", 126))},
		{"a text in Latin-1 closes the connection with 1007", "RFC 6455 §8.1", 1007, sockettest.Frame(opText, "caf\xe9")},
		{"a text with half of a surrogate pair closes the connection with 1007", "RFC 6455 §8.1", 1007, sockettest.Frame(opText, "\xed\xa0\x80")},
		{"a text with a character in more bytes than it needs closes the connection with 1007", "RFC 6455 §8.1", 1007, sockettest.Frame(opText, "\xc0\x80")},
		{"a text with a character above U+10FFFF closes the connection with 1007", "RFC 6455 §8.1", 1007, sockettest.Frame(opText, "\xf4\x90\x80\x80")},
		{"a text that ends within a character closes the connection with 1007", "RFC 6455 §8.1", 1007, sockettest.Frame(opText, "\xe2\x82")},
		{"a fragment that is not UTF-8 closes the connection with 1007 before the message has ended", "RFC 6455 §8.1", 1007, sockettest.Frame(more(opText), "\xff")},
		{"a text that is not UTF-8 closes the connection with 1007 before its frame has ended", "RFC 6455 §8.1", 1007, sockettest.Frame(opText, "\xff"+strings.Repeat("x", 1000))[:20]},
		{"a frame of more than 32 KB closes the connection with 1009 before its payload has come", "WebSocket §7", 1009, sockettest.Frame(opText, strings.Repeat("x", 32<<10+1))[:8]},
		{"a fragment of more than 32 KB closes the connection with 1009", "WebSocket §7", 1009, sockettest.Frame(more(opText), strings.Repeat("x", 32<<10+1))},
		{"a binary frame in fragments closes the connection with 1003", "WebSocket §7", 1003, sockettest.Frame(more(opBinary), "x")},
		{"an empty binary frame closes the connection with 1003", "WebSocket §7", 1003, sockettest.Frame(opBinary, "")},
	} {
		rule(t, v.name, v.source, rawSocket, func(t *testing.T) {
			w := openWire(t, api.URL)
			w.send(v.frames)
			first, payload := w.frame()
			if first == opText { // the answer to what came before the violation
				first, payload = w.frame()
			}
			if got := closeCode(payload); first != opClose || got != v.code {
				t.Errorf("got the frame %x with the code %d, want a close with %d", first, got, v.code)
			}
			w.wantsEnd()
		})
	}
	for _, v := range []struct {
		name    string
		opcodes []byte
	}{
		{"a frame with one of the reserved opcodes 3 to 7 closes the connection with 1002", []byte{0x83, 0x84, 0x85, 0x86, 0x87}},
		{"a control frame with one of the reserved opcodes 11 to 15 closes the connection with 1002", []byte{0x8b, 0x8c, 0x8d, 0x8e, 0x8f}},
	} {
		rule(t, v.name, "RFC 6455 §5.2", rawSocket, func(t *testing.T) {
			for _, opcode := range v.opcodes {
				w := openWire(t, api.URL)
				w.send(sockettest.Frame(opcode, "x"))
				w.wantsClose(1002)
			}
		})
	}
	for _, v := range []struct {
		name, source string
		code         int
		frames       []byte
	}{
		{"a length in more bytes than it needs closes the connection with 1002", "RFC 6455 §5.2", 1002, append([]byte{opText, 0x80 | 126, 0, 5}, make([]byte, 9)...)},
		{"a length of 63 bits and more closes the connection with 1009", "RFC 6455 §5.2", 1009, append([]byte{opText, 0x80 | 127}, bytes.Repeat([]byte{0xff}, 12)...)},
		{"a binary frame before the end of a fragmented text closes the connection with 1002", "RFC 6455 §5.4", 1002, append(sockettest.Frame(more(opText), "a"), sockettest.Frame(opBinary, "b")...)},
	} {
		choice(t, v.name, v.source, rawSocket, func(t *testing.T) {
			w := openWire(t, api.URL)
			w.send(v.frames)
			w.wantsClose(v.code)
		})
	}

	rule(t, "a frame of the server is not masked, and is the whole text message", "RFC 6455 §5.1", rawSocket, func(t *testing.T) {
		w := openWire(t, api.URL)
		w.send(sockettest.Frame(opText, says("price", 0)))
		w.wants(opText, "price") // a masked one would have a length above 127
	})
	rule(t, "a frame of exactly 32 KB is a message like any other", "WebSocket §7", stockWS, func(t *testing.T) {
		ws := dial(t, api.URL)
		ws.Send(says("large", 32<<10))
		if got := ws.Text(); got != "large" {
			t.Errorf("got %q", got)
		}
	})
	rule(t, "the fragments of a text are one message, of up to 128 KB", "RFC 6455 §5.4", rawSocket, func(t *testing.T) {
		w := openWire(t, api.URL)
		text := says("whole", 128<<10)
		const part = 32 << 10
		w.send(sockettest.Frame(more(opText), text[:part]), sockettest.Frame(more(opContinuation), text[part:2*part]), sockettest.Frame(more(opContinuation), text[2*part:3*part]), sockettest.Frame(opContinuation, text[3*part:]))
		w.wants(opText, "whole")
	})
	rule(t, "a fragment may be empty, the first and the last one too", "RFC 6455 §5.4", rawSocket, func(t *testing.T) {
		w := openWire(t, api.URL)
		w.send(sockettest.Frame(more(opText), ""), sockettest.Frame(more(opContinuation), says("parts", 0)), sockettest.Frame(more(opContinuation), ""), sockettest.Frame(opContinuation, ""))
		w.wants(opText, "parts")
	})
	rule(t, "a fragment may end within a character", "RFC 6455 §8.1", rawSocket, func(t *testing.T) {
		w := openWire(t, api.URL)
		text := says("€", 0)
		cut := strings.Index(text, "€") + 1
		w.send(sockettest.Frame(more(opText), text[:cut]), sockettest.Frame(opContinuation, text[cut:]))
		w.wants(opText, "€")
	})
	rule(t, "a message does not depend on how its bytes arrive", "RFC 6455 §5.2", rawSocket, func(t *testing.T) {
		w := openWire(t, api.URL)
		for _, b := range sockettest.Frame(opText, says("bytes", 0)) {
			if _, err := w.conn.Write([]byte{b}); err != nil {
				t.Fatal(err)
			}
		}
		w.wants(opText, "bytes")
	})
	rule(t, "every character of Unicode comes through, and comes back", "RFC 6455 §5.6", stockWS, func(t *testing.T) {
		ws := dial(t, api.URL)
		const text = "Quoté \u0080 € 𝄞 \U0010ffff"
		ws.Send(says(text, 0))
		if got := ws.Text(); got != text {
			t.Errorf("got %q, want %q", got, text)
		}
	})

	rule(t, "a pong has the payload of its ping, up to 125 bytes", "RFC 6455 §5.5.3", rawSocket, func(t *testing.T) {
		w := openWire(t, api.URL)
		payload := strings.Repeat("\xff", 125)
		w.send(sockettest.Frame(opPing, payload), sockettest.Frame(opPing, ""))
		w.wants(opPong, payload)
		w.wants(opPong, "")
	})
	rule(t, "a ping between the fragments of a message is answered before the message has ended", "RFC 6455 §5.5.2", rawSocket, func(t *testing.T) {
		w := openWire(t, api.URL)
		text := says("then", 0)
		w.send(sockettest.Frame(more(opText), text[:10]), sockettest.Frame(opPing, "between"))
		w.wants(opPong, "between")
		w.send(sockettest.Frame(opContinuation, text[10:]))
		w.wants(opText, "then")
	})
	rule(t, "a pong that nobody asked for is ignored", "RFC 6455 §5.5.3", rawSocket, func(t *testing.T) {
		w := openWire(t, api.URL)
		w.send(sockettest.Frame(opPong, "x"), sockettest.Frame(opText, says("still here", 0)))
		w.wants(opText, "still here")
	})
}

func TestRFC6455Closing(t *testing.T) {
	t.Parallel()
	c := shared(t)
	api := c.webSocketAPI(t, c.function(t, "closing"), twoWay("$default"))

	rule(t, "a client that closes gets its code back", "RFC 6455 §5.5.1", stockWS, func(t *testing.T) {
		ws := dial(t, api.URL)
		if err := ws.Conn.Close(websocket.StatusGoingAway, "left the page"); err != nil {
			t.Error(err)
		}
	})
	rule(t, "every code that may be sent is sent back", "RFC 6455 §7.4", rawSocket, func(t *testing.T) {
		for _, code := range []int{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999} {
			w := openWire(t, api.URL)
			w.send(sockettest.Frame(opClose, closeBody(code, "")))
			w.wantsClose(code)
		}
	})
	rule(t, "a close frame without a code is answered with one without a code", "RFC 6455 §7.4", rawSocket, func(t *testing.T) {
		w := openWire(t, api.URL)
		w.send(sockettest.Frame(opClose, ""))
		w.wants(opClose, "")
		w.wantsEnd()
	})
	rule(t, "a close frame with a code that may not be sent is answered with 1002", "RFC 6455 §7.4.1", rawSocket, func(t *testing.T) {
		for _, code := range []int{0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535} {
			w := openWire(t, api.URL)
			w.send(sockettest.Frame(opClose, closeBody(code, "")))
			w.wantsClose(1002)
		}
	})
	rule(t, "a close frame with half a code is answered with 1002", "RFC 6455 §5.5.1", rawSocket, func(t *testing.T) {
		w := openWire(t, api.URL)
		w.send(sockettest.Frame(opClose, "\x03"))
		w.wantsClose(1002)
	})
	rule(t, "a close frame whose reason is not UTF-8 is answered with 1007", "RFC 6455 §5.5.1", rawSocket, func(t *testing.T) {
		w := openWire(t, api.URL)
		w.send(sockettest.Frame(opClose, closeBody(1000, "\xff")))
		w.wantsClose(1007)
	})
	rule(t, "the server ends the connection first, once both sides have sent a close frame", "RFC 6455 §7.1.1", rawSocket, func(t *testing.T) {
		w := openWire(t, api.URL)
		w.send(sockettest.Frame(opClose, closeBody(1000, "")))
		w.wantsClose(1000) // with the end, while this side is open
	})
	rule(t, "what follows the close frame of a client is not looked at", "RFC 6455 §5.5.1", rawSocket, func(t *testing.T) {
		w := openWire(t, api.URL)
		w.send(sockettest.Frame(opClose, closeBody(1000, "")), sockettest.Frame(opPing, "late"), sockettest.Frame(opText, says("late", 0)), sockettest.Frame(0x83, "x"))
		w.wantsClose(1000)
	})
	rule(t, "a close frame is seen by a client that is in the middle of a message which is too large", "RFC 6455 §7.1.7", stockWS, func(t *testing.T) {
		ws := dial(t, api.URL)
		go ws.Conn.Write(t.Context(), websocket.MessageText, bytes.Repeat([]byte("x"), 8<<20))
		if code, _ := ws.Closed(); code != 1009 {
			t.Errorf("closed with %d, want 1009", code)
		}
	})
	rule(t, "a handshake is answered with the hash of the client's key", "RFC 6455 §4.2.2", rawSocket, func(t *testing.T) {
		_, response := dialWire(t, api.URL)
		sum := sha1.Sum([]byte(wireKey + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		if got, want := response.Header.Get("Sec-WebSocket-Accept"), base64.StdEncoding.EncodeToString(sum[:]); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
	rule(t, "no extension is agreed on, whatever a client offers", "RFC 6455 §9.1", rawSocket, func(t *testing.T) {
		_, response := dialWire(t, api.URL, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x-other")
		if got := response.Header["Sec-Websocket-Extensions"]; response.StatusCode != http.StatusSwitchingProtocols || got != nil {
			t.Errorf("%s with the extensions %q", response.Status, got)
		}
	})
}
