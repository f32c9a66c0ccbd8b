package apigateway

import (
	"bytes"
	"encoding/binary"

	"quotewire/cloud/apigateway/socket/sockettest"
)

// What these tests speak themselves of RFC 6455.
const (
	opText  = 0x1
	opClose = 0x8
	opPing  = 0x9
	opPong  = 0xA
)

func text(payload string) []byte { return sockettest.Frame(0x80|opText, payload) }

func join(frames ...[]byte) []byte { return bytes.Join(frames, nil) }

// statusAndReason is the body of a close frame.
func statusAndReason(code int, reason string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...)
}
