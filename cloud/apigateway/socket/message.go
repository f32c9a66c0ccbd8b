package socket

import "sync/atomic"

// Message is what a server sends: a finished frame, made once and shared by all the connections that it is sent to. It
// never changes, but for who holds it.
type Message struct {
	frame []byte
	ids   []int  // offsets in frame at which each receiver reads its own id; they ascend
	key   uint64 // not 0: the message takes the place of a waiting one of the same key

	held atomic.Int32 // places in the queues of sockets that take nothing
}

// Text returns a text message that every receiver gets as it is, after all that were sent to it before. The message has
// a copy of the text, which must be UTF-8.
func Text(text []byte) *Message { return Personal(text, nil, 0) }

// Personal returns a text message with a part of its own for each receiver: at the offsets ids in text, which ascend, the
// [IDLength] bytes are those of the receiver's id, whatever they are in text.
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

// Raw returns a message of finished frames, or of what precedes the first one. It keeps b, which must not change.
func Raw(b []byte) *Message { return &Message{frame: b} }

// Size returns how many bytes are sent to each receiver.
func (m *Message) Size() int { return len(m.frame) }

// part copies what the receiver with that id gets, from the offset on, and returns how many bytes it was.
func (m *Message) part(p []byte, offset int, id *ID) int {
	n := copy(p, m.frame[offset:])
	if len(m.ids) > 0 {
		text := id.text()
		for _, at := range m.ids {
			at -= offset
			if at < n && at+IDLength > 0 {
				copy(p[max(at, 0):n], text[max(-at, 0):])
			}
		}
	}
	return n
}
