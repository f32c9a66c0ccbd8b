// Package sockettest is the client's side of RFC 6455, section 5, for tests: bytes, with nothing that a client would do for
// them.
package sockettest

import (
	"encoding/binary"
	"io"
	"testing"
)

// Frame is a masked frame, as clients send it. The first byte is given whole.
func Frame(first byte, payload string) []byte {
	b := []byte{first}
	switch n := len(payload); {
	case n <= 125:
		b = append(b, 0x80|byte(n))
	case n <= 0xffff:
		b = append(b, 0x80|126, byte(n>>8), byte(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	mask := [4]byte{0x12, 0x34, 0x56, 0x78}
	b = append(b, mask[:]...)
	for i := range len(payload) {
		b = append(b, payload[i]^mask[i&3])
	}
	return b
}

// ReadFrame reads a frame of a server, which is final and not masked.
func ReadFrame(t testing.TB, r io.Reader) (opcode byte, payload string) {
	t.Helper()
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		t.Fatal(err)
	}
	if head[0]&0x80 == 0 || head[1]&0x80 != 0 {
		t.Fatalf("frame head %x: a server's frames are final and not masked", head)
	}
	n := int(head[1])
	switch n {
	case 126:
		io.ReadFull(r, head[:])
		n = int(binary.BigEndian.Uint16(head[:]))
	case 127:
		var long [8]byte
		io.ReadFull(r, long[:])
		n = int(binary.BigEndian.Uint64(long[:]))
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		t.Fatal(err)
	}
	return head[0] & 0x0f, string(b)
}
