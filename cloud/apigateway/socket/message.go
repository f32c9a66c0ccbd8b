// Package socket is what a WebSocket server (RFC 6455) sends: messages for many connections at once. It knows no API.
package socket

import "encoding/binary"

// IDLength is the length of a connection's id as its client reads it.
const IDLength = 16

// Message is what a server sends: a finished frame, made once and shared by all the connections that it is sent to. It
// never changes.
type Message struct {
	frame []byte
	ids   []int  // offsets in frame at which each receiver reads its own connection id
	key   uint64 // not 0: the message takes the place of a waiting one of the same key
}

// Text returns a text message that every receiver gets as it is, after all that were sent to it before. The message has
// a copy of the text, which must be UTF-8.
func Text(text []byte) *Message { return Personal(text, nil, 0) }

// Personal returns a text message with a part of its own for each receiver: at the offsets ids in text, which ascend, the
// [IDLength] bytes are those of the receiver's connection id, whatever they are in text.
//
// A key other than 0 makes the message stand for all earlier ones of that key, as the price of a ticker does: if one still
// waits for a socket, the new message takes its place there, and the old one is not sent: unless a message without a key
// waits behind it, which may say more than the old one and not yet what the new one says. The last message of a key
// always arrives. Whoever sends messages of one key sends them one after the other; then no client sees an older one
// after a newer one. Messages with the key 0 all arrive, in order.
func Personal(text []byte, ids []int, key uint64) *Message {
	m := &Message{frame: appendFrame(make([]byte, 0, len(text)+10), opText, text), key: key}
	head := len(m.frame) - len(text)
	for _, at := range ids {
		if at < 0 || at+IDLength > len(text) {
			panic("socket: the offset of an id is outside of its message")
		}
		m.ids = append(m.ids, head+at)
	}
	return m
}

// Raw returns a message of finished frames, or of what precedes the first one.
func Raw(b []byte) *Message { return &Message{frame: b} }

// Size returns how many bytes are sent to each receiver.
func (m *Message) Size() int { return len(m.frame) }

// Key returns the key of the message, 0 for none.
func (m *Message) Key() uint64 { return m.key }

// Append appends what the receiver with that id gets.
func (m *Message) Append(b []byte, id string) []byte {
	from := len(b)
	b = append(b, m.frame...)
	for _, at := range m.ids {
		copy(b[from+at:from+at+IDLength], id)
	}
	return b
}

const opText = 0x1

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
