package socket

import (
	"encoding/binary"
	"fmt"
	"unicode/utf8"
)

// Opcodes of RFC 6455, section 5.2.
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA
)

// Status codes of RFC 6455, section 7.4.1.
const (
	Normal         = 1000
	GoingAway      = 1001
	ProtocolError  = 1002
	Unsupported    = 1003
	NoStatus       = 1005 // never on the wire: the close frame had no status
	Abnormal       = 1006 // never on the wire: there was no close frame
	InvalidPayload = 1007
	TooBig         = 1009
)

// appendFrame appends one unmasked, final frame: what a server sends.
func appendFrame(b []byte, opcode byte, payload []byte) []byte {
	b = append(b, 0x80|opcode)
	switch n := len(payload); {
	case n <= 125:
		b = append(b, byte(n))
	case n <= 0xffff:
		b = append(b, 126, byte(n>>8), byte(n))
	default:
		b = append(b, 127)
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return append(b, payload...)
}

// closePayload is the body of a close frame. A reason beyond the 123 bytes that fit is cut.
func closePayload(code int, reason string) []byte {
	if code == NoStatus {
		return nil
	}
	for len(reason) > 123 {
		_, n := utf8.DecodeLastRuneInString(reason)
		reason = reason[:len(reason)-n]
	}
	return append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...)
}

// closeError is a message that ends the connection: a violation, with the status that RFC 6455 or AWS has for it.
type closeError struct {
	code   int
	reason string
}

func (e *closeError) Error() string { return fmt.Sprintf("close %d: %s", e.code, e.reason) }

func violation(text string) *closeError { return &closeError{ProtocolError, text} }

var errNotUTF8 = &closeError{InvalidPayload, "the text is not UTF-8"}

// parseClose reads the body of a close frame.
func parseClose(payload []byte) (code int, reason string, err *closeError) {
	switch len(payload) {
	case 0:
		return NoStatus, "", nil
	case 1:
		return 0, "", violation("half a status code")
	}
	code = int(binary.BigEndian.Uint16(payload))
	if !(code >= 1000 && code <= 1003 || code >= 1007 && code <= 1014 || code >= 3000 && code <= 4999) {
		return 0, "", violation("a status code that may not be sent")
	}
	if !utf8.Valid(payload[2:]) {
		return 0, "", &closeError{InvalidPayload, "the reason is not UTF-8"}
	}
	return code, string(payload[2:]), nil
}

// unmask removes the mask of RFC 6455, section 5.3, eight bytes at a time.
func unmask(p []byte, mask uint32) {
	wide := uint64(mask)<<32 | uint64(mask)
	for len(p) >= 8 {
		binary.LittleEndian.PutUint64(p, binary.LittleEndian.Uint64(p)^wide)
		p = p[8:]
	}
	for i := range p {
		p[i] ^= byte(mask >> (8 * (i & 3)))
	}
}

// cutRune returns how many bytes at the end of p begin a character that goes on after p.
func cutRune(p []byte) int {
	for n := 1; n <= min(len(p), utf8.UTFMax-1); n++ {
		if tail := p[len(p)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}
