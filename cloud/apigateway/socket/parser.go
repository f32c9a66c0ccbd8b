package socket

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"unicode/utf8"
)

// parser takes the bytes of a client as they come and makes messages of them. Its zero value stands between two frames;
// a connection keeps one only while a frame or a message is incomplete.
type parser struct {
	head       [14]byte // of the frame that has begun
	have       uint8    // bytes of head that have come
	whole      bool     // all of head has come, and the following is set
	final      bool
	fragmented bool // a message has begun and not ended
	opcode     byte
	mask       uint32
	size, got  int    // bytes of the frame's payload, and of those that have come
	message    []byte // the text, or the payload of a control frame within it, so far
	control    []byte
	checked    int // bytes of message that are known to be UTF-8

	rest []byte // what follows a message that must be handled before it is read; see Conn.Done
}

// idle reports whether there is nothing to keep.
func (p *parser) idle() bool { return p.have == 0 && !p.fragmented && len(p.rest) == 0 }

// next takes bytes until a control frame is complete, or a text message, which it returns with the opcode opText; it
// returns what follows them too. The opcode opContinuation says that more bytes are needed. The payload of a control
// frame may be part of in; a message is the caller's. After an error the parser is of no use any more.
func (p *parser) next(in []byte, maxFrame, maxMessage int) (opcode byte, payload, rest []byte, err *closeError) {
	for {
		if !p.whole {
			if in, err = p.begin(in, maxFrame, maxMessage); err != nil || !p.whole {
				return 0, nil, nil, err
			}
		}
		n := min(len(in), p.size-p.got)
		part := in[:n]
		in = in[n:]
		unmask(part, bits.RotateLeft32(p.mask, -8*(p.got&3)))
		p.got += n
		ended := p.got == p.size
		if p.opcode >= opClose {
			if !ended || p.control != nil {
				p.control = append(p.control, part...)
				part = p.control
			}
			if !ended {
				return 0, nil, nil, nil
			}
			p.have, p.whole, p.control = 0, false, nil
			return p.opcode, part, in, nil
		}
		if p.message == nil && ended {
			p.message = append(make([]byte, 0, n), part...)
		} else {
			p.message = append(p.message, part...)
		}
		// It ends with the first byte that cannot be UTF-8, however much of the frame is still to come.
		arrived := p.message[p.checked:]
		valid := len(arrived) - cutRune(arrived)
		if !utf8.Valid(arrived[:valid]) {
			return 0, nil, nil, errNotUTF8
		}
		p.checked += valid
		if !ended {
			return 0, nil, nil, nil
		}
		p.have, p.whole = 0, false
		if p.fragmented = !p.final; p.fragmented {
			continue
		}
		if p.checked < len(p.message) {
			return 0, nil, nil, errNotUTF8
		}
		payload, p.message, p.checked = p.message, nil, 0
		return opText, payload, in, nil
	}
}

// begin takes the header of a frame, which is whole once p.whole is true, and checks it against the limits as soon as
// what they speak of has come.
func (p *parser) begin(in []byte, maxFrame, maxMessage int) (rest []byte, err *closeError) {
	take := func(n uint8) bool {
		if p.have < n {
			m := copy(p.head[p.have:n], in)
			p.have += uint8(m)
			in = in[m:]
		}
		return p.have >= n
	}
	if !take(2) {
		return nil, nil
	}
	if err := p.checkStart(); err != nil {
		return nil, err
	}
	short := p.head[1] & 0x7f
	size, least, end := uint64(short), uint64(0), uint8(2)
	switch short {
	case 126:
		if end = 4; !take(end) {
			return nil, nil
		}
		size, least = uint64(binary.BigEndian.Uint16(p.head[2:])), 126
	case 127:
		if end = 10; !take(end) {
			return nil, nil
		}
		size, least = binary.BigEndian.Uint64(p.head[2:]), 1<<16
	}
	switch {
	case size < least:
		return nil, violation("a length must take as few bytes as it can")
	case size > uint64(maxFrame):
		return nil, &closeError{TooBig, fmt.Sprintf("a frame may have %d bytes", maxFrame)}
	case p.opcode < opClose && len(p.message)+int(size) > maxMessage:
		return nil, &closeError{TooBig, fmt.Sprintf("a message may have %d bytes", maxMessage)}
	}
	if !take(end + 4) {
		return nil, nil
	}
	p.mask = binary.LittleEndian.Uint32(p.head[end:])
	p.size, p.got, p.whole = int(size), 0, true
	return in, nil
}

// checkStart checks the first two bytes of a frame.
func (p *parser) checkStart() *closeError {
	first, masked, short := p.head[0], p.head[1]&0x80 != 0, p.head[1]&0x7f
	p.final, p.opcode = first&0x80 != 0, first&0x0f
	switch {
	case first&0x70 != 0:
		return violation("reserved bits are set, and no extension was agreed on")
	case !masked:
		return violation("a client's frame must be masked")
	}
	switch p.opcode {
	case opContinuation:
		if !p.fragmented {
			return violation("a continuation without a beginning")
		}
	case opText:
		if p.fragmented {
			return violation("a new message before the end of the last")
		}
	case opBinary:
		if p.fragmented {
			return violation("a new message before the end of the last")
		}
		return &closeError{Unsupported, "binary frames are not supported"}
	case opClose, opPing, opPong:
		if !p.final || short > 125 {
			return violation("a control frame must be whole and of at most 125 bytes")
		}
	default:
		return violation("an unknown opcode")
	}
	return nil
}
