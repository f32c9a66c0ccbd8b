package apigateway

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
	"slices"
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
	checked    int    // bytes of message that are known to be UTF-8
}

// next returns the next control frame, or the next whole text message with the opcode opText. The payload is the
// caller's. An error is a *closeError for a message that the connection may not survive, else the source's.
func (r *messageReader) next() (opcode byte, payload []byte, err error) {
	for {
		h, err := r.head()
		if err != nil {
			return 0, nil, err
		}
		if h.opcode >= opClose {
			payload := make([]byte, h.size)
			if err := r.read(payload); err != nil {
				return 0, nil, err
			}
			unmask(payload, h.mask)
			return h.opcode, payload, nil
		}
		if err := r.text(h); err != nil {
			return 0, nil, err
		}
		r.fragmented = !h.final
		if h.final {
			payload, r.message = r.message, nil
			if r.checked < len(payload) {
				return 0, nil, errNotUTF8
			}
			r.checked = 0
			return opText, payload, nil
		}
	}
}

// head is the header of a frame.
type head struct {
	final  bool
	opcode byte
	size   int
	mask   uint32
}

// head reads the header of a frame and checks it against the limits.
func (r *messageReader) head() (h head, err error) {
	b, err := r.take(2)
	if err != nil {
		return h, err
	}
	h.final, h.opcode = b[0]&0x80 != 0, b[0]&0x0f
	masked, short := b[1]&0x80 != 0, b[1]&0x7f
	switch {
	case b[0]&0x70 != 0:
		return h, violation("reserved bits are set, and no extension was agreed on")
	case !masked:
		return h, violation("a client's frame must be masked")
	}
	switch h.opcode {
	case opContinuation:
		if !r.fragmented {
			return h, violation("a continuation without a beginning")
		}
	case opText:
		if r.fragmented {
			return h, violation("a new message before the end of the last")
		}
	case opBinary:
		if r.fragmented {
			return h, violation("a new message before the end of the last")
		}
		return h, &closeError{closeUnsupported, "binary frames are not supported"}
	case opClose, opPing, opPong:
		if !h.final || short > 125 {
			return h, violation("a control frame must be whole and of at most 125 bytes")
		}
	default:
		return h, violation("an unknown opcode")
	}
	size, least := uint64(short), uint64(0)
	switch short {
	case 126:
		if b, err = r.take(2); err != nil {
			return h, err
		}
		size, least = uint64(binary.BigEndian.Uint16(b)), 126
	case 127:
		if b, err = r.take(8); err != nil {
			return h, err
		}
		size, least = binary.BigEndian.Uint64(b), 1<<16
	}
	switch {
	case size < least:
		return h, violation("a length must take as few bytes as it can")
	case size > uint64(r.maxFrame):
		return h, &closeError{closeTooBig, fmt.Sprintf("a frame may have %d bytes", r.maxFrame)}
	case h.opcode < opClose && len(r.message)+int(size) > r.maxMessage:
		return h, &closeError{closeTooBig, fmt.Sprintf("a message may have %d bytes", r.maxMessage)}
	}
	h.size = int(size)
	if b, err = r.take(4); err != nil {
		return h, err
	}
	h.mask = binary.LittleEndian.Uint32(b)
	return h, nil
}

// text reads the payload of a text frame into the message. It stops at the first byte that cannot be UTF-8, however
// much of the frame is still to come.
func (r *messageReader) text(h head) error {
	if r.message == nil {
		r.message = make([]byte, h.size)
	} else {
		r.message = slices.Grow(r.message, h.size)[:len(r.message)+h.size]
	}
	for end := len(r.message) - h.size; end < len(r.message); {
		n, err := r.some(r.message[end:])
		if err != nil {
			return err
		}
		unmask(r.message[end:end+n], h.mask)
		h.mask = bits.RotateLeft32(h.mask, -8*(n&3))
		end += n
		arrived := r.message[r.checked:end]
		whole := len(arrived) - cutRune(arrived)
		if !utf8.Valid(arrived[:whole]) {
			return errNotUTF8
		}
		r.checked += whole
	}
	return nil
}

var errNotUTF8 = &closeError{closeInvalidPayload, "the text is not UTF-8"}

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

// read fills p.
func (r *messageReader) read(p []byte) error {
	for len(p) > 0 {
		n, err := r.some(p)
		if err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// take returns the next n bytes, a few, where they stand in the buffer: until the next read.
func (r *messageReader) take(n int) ([]byte, error) {
	for r.end-r.start < n {
		if err := r.fill(); err != nil {
			return nil, err
		}
	}
	r.start += n
	return r.buf[r.start-n : r.start], nil
}

// fill reads at least one byte into the buffer, after moving what is in it to its start.
func (r *messageReader) fill() error {
	r.start, r.end = 0, copy(r.buf[:], r.buf[r.start:r.end])
	for {
		n, err := r.source.Read(r.buf[r.end:])
		if r.end += n; n > 0 {
			return nil // an error comes again with the next read
		}
		if err != nil {
			return err
		}
	}
}

// some reads at least one byte into p, which is not empty, from the buffer first. What is larger than the buffer goes
// straight into p.
func (r *messageReader) some(p []byte) (n int, err error) {
	if r.start == r.end {
		if len(p) >= len(r.buf) {
			for n == 0 && err == nil {
				n, err = r.source.Read(p)
			}
			if n > 0 {
				err = nil // it comes again with the next read
			}
			return n, err
		}
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
	n = copy(p, r.buf[r.start:r.end])
	r.start += n
	return n, nil
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
