package s3

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"net/http"
	"strconv"
	"strings"

	"quotewire/cloud/iam"
	"quotewire/cloud/protocol"
)

// checksum is what S3 remembers of an object's bytes beside the ETag. Value is the base64 of the big-endian sum; that
// of a COMPOSITE one is taken over the parts' sums and ends in "-" and their number.
type checksum struct {
	Algorithm string
	Value     string
	Type      string // FULL_OBJECT or COMPOSITE
}

// The kinds of checksum.
const (
	fullObject = "FULL_OBJECT"
	composite  = "COMPOSITE"
)

// defaultAlgorithm is the one that S3 itself computes when a client sends none.
const defaultAlgorithm = "CRC64NVME"

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	nvme       = crc64.MakeTable(0x9a6c9329ac4bc9b5) // CRC-64/NVME, reflected
)

var algorithms = map[string]func() hash.Hash{
	"CRC32":     func() hash.Hash { return crc32.NewIEEE() },
	"CRC32C":    func() hash.Hash { return crc32.New(castagnoli) },
	"CRC64NVME": func() hash.Hash { return crc64.New(nvme) },
	"SHA1":      sha1.New,
	"SHA256":    sha256.New,
}

func checksumHeader(algorithm string) string { return "x-amz-checksum-" + strings.ToLower(algorithm) }

// sum64 is the form in which sums travel.
func sum64(h hash.Hash) string { return base64.StdEncoding.EncodeToString(h.Sum(nil)) }

// body reads the bytes of an upload: without the framing of aws-chunked, and with every sum that the client asks to be
// compared. After the end, verify compares.
type body struct {
	r         io.Reader
	chunks    *chunkReader // nil for a plain body
	length    int64        // promised, -1 for none
	n         int64
	md5       hash.Hash
	wantMD5   string // hex, "" for none
	algorithm string
	sum       hash.Hash
	want      string // "" for none, or when it comes in the trailer
	trailer   bool
}

// openBody prepares to read the body of an upload. fallback is the algorithm to use when the client names none.
func (s *Service) openBody(r *http.Request, fallback string) (*body, error) {
	b := &body{r: r.Body, length: r.ContentLength, md5: md5.New()}
	if said := r.Header.Get("x-amz-content-sha256"); strings.HasPrefix(said, "STREAMING-") || hasCoding(r.Header, "aws-chunked") {
		var signed *iam.Chunks
		if strings.HasPrefix(said, "STREAMING-AWS4-") {
			var err error
			if signed, err = s.IAM.Chunks(r); err != nil {
				return nil, err
			}
		}
		b.chunks = newChunkReader(r.Body, signed)
		b.r = b.chunks
		n, err := strconv.ParseInt(r.Header.Get("x-amz-decoded-content-length"), 10, 64)
		if err != nil || n < 0 {
			return nil, protocol.Errorf(http.StatusLengthRequired, "MissingContentLength", "You must provide the Content-Length HTTP header.")
		}
		b.length = n
	}
	if b.length > maxObject {
		return nil, errTooLarge
	}
	if text := r.Header.Get("Content-MD5"); text != "" {
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(raw) != md5.Size {
			return nil, &protocol.Error{Status: http.StatusBadRequest, Code: "InvalidDigest", Message: "The Content-MD5 you specified was invalid.",
				Members: map[string]string{"Content-MD5": text}}
		}
		b.wantMD5 = hex.EncodeToString(raw)
	}
	if err := b.chooseSum(r.Header); err != nil {
		return nil, err
	}
	if b.algorithm == "" {
		b.algorithm = fallback
	}
	b.sum = algorithms[b.algorithm]()
	return b, nil
}

// chooseSum finds the checksum that the client sends, in a header or promised for the trailer.
func (b *body) chooseSum(h http.Header) error {
	for algorithm := range algorithms {
		name := checksumHeader(algorithm)
		value := h.Get(name)
		inTrailer := strings.EqualFold(strings.TrimSpace(h.Get("x-amz-trailer")), name)
		if value == "" && !inTrailer {
			continue
		}
		if b.algorithm != "" {
			return invalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
		}
		if inTrailer && b.chunks == nil {
			return errMalformedTrailer
		}
		if !inTrailer && !wellFormed(algorithm, value) {
			return invalidRequest("Value for %s header is invalid.", name)
		}
		b.algorithm, b.want, b.trailer = algorithm, value, inTrailer
	}
	said := strings.ToUpper(h.Get("x-amz-sdk-checksum-algorithm"))
	if said == "" {
		return nil
	}
	if algorithms[said] == nil {
		return invalidRequest("Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
	}
	if b.algorithm == "" {
		return invalidRequest("x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.")
	}
	if b.algorithm != said {
		return invalidRequest("Value for x-amz-sdk-checksum-algorithm header is invalid.")
	}
	return nil
}

func wellFormed(algorithm, value string) bool {
	raw, err := base64.StdEncoding.DecodeString(value)
	return err == nil && len(raw) == algorithms[algorithm]().Size()
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.n += int64(n)
	b.md5.Write(p[:n])
	b.sum.Write(p[:n])
	if err == io.ErrUnexpectedEOF {
		err = errIncompleteBody
	}
	return n, err
}

// verify compares what was read with what the client said of it. It is called after the end of the body.
func (b *body) verify() error {
	if b.length >= 0 && b.n != b.length {
		return errIncompleteBody
	}
	if got := b.etag(); b.wantMD5 != "" && got != b.wantMD5 {
		return protocol.Errorf(http.StatusBadRequest, "BadDigest", "The Content-MD5 you specified did not match what we received.")
	}
	want := b.want
	if b.trailer {
		want = b.chunks.trailer.Get(checksumHeader(b.algorithm))
		if want == "" {
			return errMalformedTrailer
		}
		if !wellFormed(b.algorithm, want) {
			return invalidRequest("Value for %s trailing header is invalid.", checksumHeader(b.algorithm))
		}
	}
	if want != "" && want != sum64(b.sum) {
		return protocol.Errorf(http.StatusBadRequest, "BadDigest", "The %s you specified did not match the calculated checksum.", b.algorithm)
	}
	return nil
}

// verified says whether the client sent anything to compare the body with.
func (b *body) verified() bool { return b.wantMD5 != "" || b.want != "" || b.trailer }

func (b *body) etag() string { return hex.EncodeToString(b.md5.Sum(nil)) }

func (b *body) checksum() checksum { return checksum{b.algorithm, sum64(b.sum), fullObject} }

func hasCoding(h http.Header, coding string) bool {
	for c := range strings.SplitSeq(h.Get("Content-Encoding"), ",") {
		if strings.EqualFold(strings.TrimSpace(c), coding) {
			return true
		}
	}
	return false
}

// withoutChunked is a Content-Encoding without aws-chunked, which belongs to the upload and not to the object.
func withoutChunked(value string) string {
	var rest []string
	for c := range strings.SplitSeq(value, ",") {
		if c = strings.TrimSpace(c); c != "" && !strings.EqualFold(c, "aws-chunked") {
			rest = append(rest, c)
		}
	}
	return strings.Join(rest, ",")
}

// readSmall reads a small request body in full, compares its checksums, and says whether there was anything to compare.
func (s *Service) readSmall(r *http.Request, limit int64) (text []byte, verified bool, err error) {
	b, err := s.openBody(r, defaultAlgorithm)
	if err != nil {
		return nil, false, err
	}
	text, err = io.ReadAll(io.LimitReader(b, limit+1))
	if err != nil {
		return nil, false, err
	}
	if int64(len(text)) > limit {
		return nil, false, protocol.Errorf(http.StatusBadRequest, "MaxMessageLengthExceeded", "Your request was too big.")
	}
	if err := b.verify(); err != nil {
		return nil, false, err
	}
	return text, b.verified(), nil
}
