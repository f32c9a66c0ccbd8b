package iam

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"

	"quotewire/cloud/protocol"
)

// Chunks verifies a body that is signed chunk by chunk, each signature building on the one before. It is for one
// goroutine.
type Chunks struct {
	key         []byte
	date, scope string
	previous    string
}

// Chunks returns the verifier of an upload with the payload hash STREAMING-AWS4-HMAC-SHA256-PAYLOAD or …-TRAILER, after
// verifying the signature of its headers, from which the chain starts.
func (s *Service) Chunks(r *http.Request) (*Chunks, error) {
	v, err := s.verify(r, protocol.RESTXML, func() ([]byte, error) { return nil, nil })
	if err != nil {
		return nil, err
	}
	return &Chunks{v.signingKey(v.day, v.region, v.service, v.scope).bytes, v.date, v.scope, v.value}, nil
}

// Chunk reports whether signature is that of the next chunk, whose data has the hash sum. The last chunk is empty and
// signed as well.
func (c *Chunks) Chunk(sum [sha256.Size]byte, signature string) bool {
	return c.next("AWS4-HMAC-SHA256-PAYLOAD", emptyHash+"\n"+hex.EncodeToString(sum[:]), signature)
}

// Trailer reports whether signature is that of the trailing headers, each "name:value\n", which follow the last chunk.
func (c *Chunks) Trailer(headers []byte, signature string) bool {
	sum := sha256.Sum256(headers)
	return c.next("AWS4-HMAC-SHA256-TRAILER", hex.EncodeToString(sum[:]), signature)
}

func (c *Chunks) next(kind, hashes, signature string) bool {
	want := hex.EncodeToString(mac(c.key, []byte(kind+"\n"+c.date+"\n"+c.scope+"\n"+c.previous+"\n"+hashes)))
	c.previous = want
	return hmac.Equal([]byte(want), []byte(signature))
}
