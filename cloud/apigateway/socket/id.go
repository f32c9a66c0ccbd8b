package socket

import "encoding/base64"

// ID names a connection. Its text is base64url.
type ID [11]byte

// IDLength is the length of an id's text.
const IDLength = 16

func (id *ID) text() (text [IDLength]byte) {
	base64.URLEncoding.Encode(text[:], id[:])
	return text
}

func (id ID) String() string {
	text := id.text()
	return string(text[:])
}

// ParseID reads the text of an id; false if it is not one.
func ParseID(text string) (id ID, ok bool) {
	if len(text) != IDLength {
		return id, false
	}
	var b [12]byte // the decoder wants room for the padding
	n, err := base64.URLEncoding.Decode(b[:], []byte(text))
	return ID(b[:]), err == nil && n == len(id)
}
