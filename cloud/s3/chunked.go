package s3

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"

	"quotewire/cloud/iam"
)

// maxChunkLine bounds the line before a chunk and a line of the trailer, in bytes. A signed chunk's line has about 90.
const maxChunkLine = 4 << 10

// chunkReader decodes a body in the content coding aws-chunked: chunks with their size in hex before them, and after
// the empty last chunk the trailer, inside the body, with the checksum of what was sent. In the signed variants each
// chunk and the trailer carry a signature. A chunk is handed out before its signature is known to be right, so whoever reads
// must not use anything before the end.
type chunkReader struct {
	r       *bufio.Reader
	left    uint64 // of the current chunk
	begun   bool   // a chunk was read, so a line end comes before the next size
	done    bool
	trailer http.Header // complete once Read has returned io.EOF

	signed    *iam.Chunks // nil for an unsigned variant
	signature string      // of the current chunk
	hash      hash.Hash   // of the current chunk
}

func newChunkReader(r io.Reader, signed *iam.Chunks) *chunkReader {
	return &chunkReader{r: bufio.NewReaderSize(r, maxChunkLine), trailer: http.Header{}, signed: signed, hash: sha256.New()}
}

func (c *chunkReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for c.left == 0 {
		if c.done {
			return 0, io.EOF
		}
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	n, err := c.r.Read(p[:min(uint64(len(p)), c.left)])
	c.left -= uint64(n)
	if c.signed != nil {
		c.hash.Write(p[:n])
	}
	if err != nil && n == 0 {
		return 0, errIncompleteBody
	}
	return n, nil
}

// next reads up to the first byte of the next chunk or, after the last one, to the end of the trailer.
func (c *chunkReader) next() error {
	if c.begun {
		if err := c.verify(); err != nil {
			return err
		}
		if line, err := c.line(); err != nil {
			return err
		} else if line != "" {
			return errMalformedTrailer
		}
	}
	c.begun = true
	line, err := c.line()
	if err != nil {
		return err
	}
	size, extension, _ := strings.Cut(line, ";")
	c.signature = strings.TrimPrefix(extension, "chunk-signature=")
	if c.left, err = strconv.ParseUint(size, 16, 63); err != nil {
		return errMalformedTrailer
	}
	if c.left > 0 {
		return nil
	}
	c.done = true
	if err := c.verify(); err != nil {
		return err
	}
	return c.readTrailer()
}

// readTrailer reads what follows the last chunk. What is signed of it is all that comes before its signature.
func (c *chunkReader) readTrailer() error {
	var signed []byte
	var signature string
	for lines := 0; ; lines++ {
		line, err := c.line()
		if err != nil {
			return err
		}
		if line == "" {
			break
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || name == "" || lines > 16 {
			return errMalformedTrailer
		}
		value = strings.TrimSpace(value)
		if strings.EqualFold(name, "x-amz-trailer-signature") {
			signature = value
			continue
		}
		c.trailer.Set(name, value)
		signed = append(signed, strings.ToLower(name)+":"+value+"\n"...)
	}
	if c.signed != nil && len(c.trailer) > 0 && !c.signed.Trailer(signed, signature) {
		return errSignature
	}
	return nil
}

// verify compares the signature of the chunk that was read last.
func (c *chunkReader) verify() error {
	if c.signed == nil {
		return nil
	}
	sum := [sha256.Size]byte(c.hash.Sum(nil))
	c.hash.Reset()
	if !c.signed.Chunk(sum, c.signature) {
		return errSignature
	}
	return nil
}

func (c *chunkReader) line() (string, error) {
	line, err := c.r.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return "", errMalformedTrailer
	case err != nil:
		return "", errIncompleteBody
	}
	text, ok := strings.CutSuffix(string(line), "\r\n")
	if !ok {
		return "", errMalformedTrailer
	}
	return text, nil
}
