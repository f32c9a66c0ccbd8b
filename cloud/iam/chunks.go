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
	sig, c, err := s.verify(r, nil, protocol.RESTXML)
	if err != nil {
		return nil, err
	}
	return &Chunks{c.signingKey(sig.day, sig.region, sig.service, sig.scope), sig.date, sig.scope, sig.value}, nil
}

// Chunk reports whether signature is that of the next chunk. The last chunk is empty and signed as well.
func (c *Chunks) Chunk(data []byte, signature string) bool {
	sum := sha256.Sum256(data)
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
