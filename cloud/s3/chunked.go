package s3

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// maxChunkLine bounds the line before a chunk and a line of the trailer, in bytes. A signed chunk's line has about 90.
const maxChunkLine = 4 << 10

// chunkReader decodes a body in the content coding aws-chunked: chunks with their size in hex before them, and after
// the empty last chunk the trailer, inside the body, with the checksum of what was sent. The signatures of chunks in
// the signed variants are not looked at.
type chunkReader struct {
	r       *bufio.Reader
	left    uint64 // of the current chunk
	begun   bool   // a chunk was read, so a line end comes before the next size
	done    bool
	trailer http.Header // complete once Read has returned io.EOF
}

func newChunkReader(r io.Reader) *chunkReader {
	return &chunkReader{r: bufio.NewReaderSize(r, maxChunkLine), trailer: http.Header{}}
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
	if err != nil && n == 0 {
		return 0, errIncompleteBody
	}
	return n, nil
}

// next reads up to the first byte of the next chunk or, after the last one, to the end of the trailer.
func (c *chunkReader) next() error {
	if c.begun {
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
	size, _, _ := strings.Cut(line, ";")
	if c.left, err = strconv.ParseUint(size, 16, 63); err != nil {
		return errMalformedTrailer
	}
	if c.left > 0 {
		return nil
	}
	c.done = true
	for lines := 0; ; lines++ {
		line, err := c.line()
		if err != nil {
			return err
		}
		if line == "" {
			return nil
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || name == "" || lines > 16 {
			return errMalformedTrailer
		}
		c.trailer.Set(name, strings.TrimSpace(value))
	}
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
