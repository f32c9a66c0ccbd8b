package apigateway

import (
	"encoding/binary"
	"fmt"
	"io"
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
	closeNormal         = 1000
	closeGoingAway      = 1001
	closeProtocolError  = 1002
	closeUnsupported    = 1003
	closeNoStatus       = 1005 // never on the wire: the close frame had no status
	closeAbnormal       = 1006 // never on the wire: there was no close frame
	closeInvalidPayload = 1007
	closeTooBig         = 1009
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

// textFrame returns a frame with text in a slice of its own.
func textFrame(text []byte) []byte {
	return appendFrame(make([]byte, 0, len(text)+10), opText, text)
}

// closePayload is the body of a close frame. A reason beyond the 123 bytes that fit is cut.
func closePayload(code int, reason string) []byte {
	if code == closeNoStatus {
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

func violation(text string) error { return &closeError{closeProtocolError, text} }

// messageReader reads the frames of a client. It holds no more than a small buffer while it waits; most messages of
// most clients arrive in that with one read.
type messageReader struct {
	source     io.Reader
	maxFrame   int // bytes of one frame's payload
	maxMessage int // bytes of all fragments of a message
	buf        [128]byte
	start, end int // what of buf is not yet consumed

	fragmented bool   // a message has begun and not ended
	message    []byte // its fragments so far
}

// next returns the next control frame, or the next whole text message with the opcode opText. The payload is the
// caller's. An error is a *closeError for a message that the connection may not survive, else the source's.
func (r *messageReader) next() (opcode byte, payload []byte, err error) {
	for {
		final, opcode, payload, err := r.frame()
		if err != nil {
			return 0, nil, err
		}
		if opcode >= opClose {
			return opcode, payload, nil
		}
		if r.message == nil {
			r.message = payload
		} else {
			r.message = append(r.message, payload...)
		}
		r.fragmented = !final
		if final {
			payload, r.message = r.message, nil
			if !utf8.Valid(payload) {
				return 0, nil, &closeError{closeInvalidPayload, "the text is not UTF-8"}
			}
			return opText, payload, nil
		}
	}
}

// frame reads one frame and checks it against the limits before it reads its payload.
func (r *messageReader) frame() (final bool, opcode byte, payload []byte, err error) {
	var head [12]byte // length and mask
	if err := r.read(head[:2]); err != nil {
		return false, 0, nil, err
	}
	final, opcode = head[0]&0x80 != 0, head[0]&0x0f
	masked, short := head[1]&0x80 != 0, head[1]&0x7f
	switch {
	case head[0]&0x70 != 0:
		return false, 0, nil, violation("reserved bits are set, and no extension was agreed on")
	case !masked:
		return false, 0, nil, violation("a client's frame must be masked")
	}
	switch opcode {
	case opContinuation:
		if !r.fragmented {
			return false, 0, nil, violation("a continuation without a beginning")
		}
	case opText:
		if r.fragmented {
			return false, 0, nil, violation("a new message before the end of the last")
		}
	case opBinary:
		return false, 0, nil, &closeError{closeUnsupported, "binary frames are not supported"}
	case opClose, opPing, opPong:
		if !final || short > 125 {
			return false, 0, nil, violation("a control frame must be whole and of at most 125 bytes")
		}
	default:
		return false, 0, nil, violation("an unknown opcode")
	}
	size := uint64(short)
	switch short {
	case 126:
		err = r.read(head[:2])
		size = uint64(binary.BigEndian.Uint16(head[:2]))
	case 127:
		err = r.read(head[:8])
		size = binary.BigEndian.Uint64(head[:8])
	}
	if err != nil {
		return false, 0, nil, err
	}
	if size > uint64(r.maxFrame) {
		return false, 0, nil, &closeError{closeTooBig, fmt.Sprintf("a frame may have %d bytes", r.maxFrame)}
	}
	if opcode < opClose && len(r.message)+int(size) > r.maxMessage {
		return false, 0, nil, &closeError{closeTooBig, fmt.Sprintf("a message may have %d bytes", r.maxMessage)}
	}
	mask := head[8:12]
	if err := r.read(mask); err != nil {
		return false, 0, nil, err
	}
	payload = make([]byte, size)
	if err := r.read(payload); err != nil {
		return false, 0, nil, err
	}
	unmask(payload, binary.LittleEndian.Uint32(mask))
	return final, opcode, payload, nil
}

// read fills p, from the buffer first. What is larger than the buffer goes straight into p.
func (r *messageReader) read(p []byte) error {
	for len(p) > 0 {
		if r.start < r.end {
			n := copy(p, r.buf[r.start:r.end])
			r.start += n
			p = p[n:]
			continue
		}
		if len(p) >= len(r.buf) {
			_, err := io.ReadFull(r.source, p)
			return err
		}
		n, err := r.source.Read(r.buf[:])
		r.start, r.end = 0, n
		if n == 0 && err != nil {
			return err
		}
	}
	return nil
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

// parseClose reads the body of a close frame.
func parseClose(payload []byte) (code int, reason string, err error) {
	switch len(payload) {
	case 0:
		return closeNoStatus, "", nil
	case 1:
		return 0, "", violation("half a status code")
	}
	code = int(binary.BigEndian.Uint16(payload))
	if !(code >= 1000 && code <= 1003 || code >= 1007 && code <= 1014 || code >= 3000 && code <= 4999) {
		return 0, "", violation("a status code that may not be sent")
	}
	if !utf8.Valid(payload[2:]) {
		return 0, "", &closeError{closeInvalidPayload, "the reason is not UTF-8"}
	}
	return code, string(payload[2:]), nil
}
