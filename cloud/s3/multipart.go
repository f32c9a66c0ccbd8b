package s3

import (
	"cmp"
	"context"
	"crypto/md5"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"quotewire/cloud/protocol"
	"quotewire/cloud/state"
)

// upload is a multipart upload under way. Its parts become the object's pieces as they are: nothing is copied when it
// completes.
type upload struct {
	ID          string
	Bucket, Key string
	Begun       time.Time
	Headers     map[string]string
	Tags        []tag  `json:",omitempty"`
	Algorithm   string // of the parts' checksums
	Type        string // of the object's checksum
	Asked       bool   // the client named the algorithm, so every part and the object get one
	Parts       map[int]part
	Claimed     bool `json:",omitempty"` // it is being completed or aborted
}

type part struct {
	Number   int
	Piece    piece
	ETag     string
	Checksum checksum
	Modified time.Time
}

func (s *Service) createUpload(w http.ResponseWriter, r *request) error {
	headers, tags, err := readHeaders(r.Header)
	if err != nil {
		return err
	}
	if _, err := s.bucket(r.Context(), r.bucket); err != nil {
		return err
	}
	u := upload{ID: rand.Text() + rand.Text(), Bucket: r.bucket, Key: r.key, Begun: now(), Headers: headers, Tags: tags, Parts: map[int]part{}}
	u.Algorithm, u.Type = strings.ToUpper(r.Header.Get("x-amz-checksum-algorithm")), strings.ToUpper(r.Header.Get("x-amz-checksum-type"))
	if u.Asked = u.Algorithm != ""; !u.Asked {
		u.Algorithm = defaultAlgorithm
	}
	if algorithms[u.Algorithm] == nil {
		return invalidRequest("Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
	}
	crc := strings.HasPrefix(u.Algorithm, "CRC")
	switch {
	case u.Type == "" && u.Algorithm == "CRC64NVME":
		u.Type = fullObject
	case u.Type == "":
		u.Type = composite
	case u.Type == fullObject && !crc, u.Type == composite && u.Algorithm == "CRC64NVME":
		return invalidRequest("The %s checksum type cannot be used with the %s checksum algorithm.", u.Type, strings.ToLower(u.Algorithm))
	case u.Type != fullObject && u.Type != composite:
		return invalidRequest("Value for x-amz-checksum-type header is invalid.")
	}
	text, err := json.Marshal(u)
	if err != nil {
		return err
	}
	if _, err := s.uploads.Create(r.Context(), u.ID, text); err != nil {
		return err
	}
	if u.Asked {
		w.Header().Set("x-amz-checksum-algorithm", u.Algorithm)
		w.Header().Set("x-amz-checksum-type", u.Type)
	}
	w.Header().Set("x-amz-server-side-encryption", "AES256")
	return writeXML(w, "InitiateMultipartUploadResult", struct {
		Bucket, Key string
		UploadID    string `xml:"UploadId"`
	}{u.Bucket, u.Key, u.ID})
}

// upload reads the upload that the request names.
func (s *Service) upload(r *request) (*upload, uint64, error) {
	e, err := s.uploads.Get(r.Context(), r.query.Get("uploadId"))
	if errors.Is(err, state.ErrNotFound) {
		return nil, 0, errNoSuchUpload
	}
	if err != nil {
		return nil, 0, err
	}
	u := new(upload)
	if err := json.Unmarshal(e.Value, u); err != nil {
		return nil, 0, err
	}
	if u.Bucket != r.bucket || u.Key != r.key || u.Claimed {
		return nil, 0, errNoSuchUpload
	}
	return u, e.Revision, nil
}

func (s *Service) uploadPart(w http.ResponseWriter, r *request) error {
	number, err := strconv.Atoi(r.query.Get("partNumber"))
	if err != nil || number < 1 || number > maxParts {
		return invalidArgument("partNumber", r.query.Get("partNumber"), "Part number must be an integer between 1 and 10000, inclusive")
	}
	u, _, err := s.upload(r)
	if err != nil {
		return err
	}
	copied := r.Header.Get("x-amz-copy-source") != ""
	var b *body
	if copied {
		from, err := s.source(r)
		if err != nil {
			return err
		}
		span, err := copySpan(r, from)
		if err != nil {
			s.bytes.unpin(r.Context(), from.Pieces)
			return err
		}
		bytes := s.bytes.open(r.Context(), from.Pieces, span.first, span.length)
		defer bytes.Close()
		if b, err = s.hasher(bytes, span.length, u.Algorithm); err != nil {
			return err
		}
	} else if b, err = s.openBody(r.Request, u.Algorithm); err != nil {
		return err
	}
	if u.Asked && b.algorithm != u.Algorithm {
		return invalidRequest("Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s", strings.ToLower(u.Algorithm), strings.ToLower(b.algorithm))
	}
	piece, err := s.receive(r.Context(), b)
	if err != nil {
		return err
	}
	p := part{number, piece, b.etag(), b.checksum(), now()}
	if err := s.addPart(r, p); err != nil {
		s.bytes.drop(r.Context(), piece)
		return err
	}
	w.Header().Set("x-amz-server-side-encryption", "AES256")
	if copied {
		return writeXML(w, "CopyPartResult", copyResult(&object{ETag: p.ETag, Modified: p.Modified, Checksum: checksum{p.Checksum.Algorithm, p.Checksum.Value, ""}}))
	}
	w.Header().Set("ETag", quote(p.ETag))
	w.Header().Set(checksumHeader(p.Checksum.Algorithm), p.Checksum.Value)
	return nil
}

// copySpan reads x-amz-copy-source-range, which unlike Range must name both ends and lie within the source.
func copySpan(r *request, from *object) (span, error) {
	text := r.Header.Get("x-amz-copy-source-range")
	if text == "" {
		return span{0, from.Size, false}, nil
	}
	rest, ok := strings.CutPrefix(text, "bytes=")
	first, last, dash := strings.Cut(rest, "-")
	a, err1 := strconv.ParseInt(first, 10, 64)
	z, err2 := strconv.ParseInt(last, 10, 64)
	if !ok || !dash || err1 != nil || err2 != nil || a < 0 || z < a {
		return span{}, invalidArgument("x-amz-copy-source-range", text, "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy")
	}
	if z >= from.Size {
		return span{}, invalidArgument("x-amz-copy-source-range", text, "Range specified is not valid for source object of size: "+strconv.FormatInt(from.Size, 10))
	}
	return span{a, z - a + 1, true}, nil
}

// addPart names the part in its upload, in place of an earlier one of that number.
func (s *Service) addPart(r *request, p part) error {
	for range 1000 { // transfer managers send ten parts and more at once
		u, revision, err := s.upload(r)
		if err != nil {
			return err
		}
		old, replaced := u.Parts[p.Number]
		u.Parts[p.Number] = p
		text, err := json.Marshal(u)
		if err != nil {
			return err
		}
		_, err = s.uploads.Update(r.Context(), u.ID, text, revision)
		if errors.Is(err, state.ErrConflict) {
			continue
		}
		if err == nil && replaced {
			s.bytes.drop(r.Context(), old.Piece)
		}
		return err
	}
	return errKeepTrying
}

func (s *Service) completeUpload(w http.ResponseWriter, r *request) error {
	text, err := io.ReadAll(io.LimitReader(r.Body, maxXML+1))
	if err != nil {
		return errIncompleteBody
	}
	var doc struct {
		Parts []struct {
			PartNumber int
			ETag       string
			checksumElements
		} `xml:"Part"`
	}
	if len(text) > maxXML {
		return errMalformedXML
	}
	if err := parseXML(text, "CompleteMultipartUpload", &doc); err != nil {
		return err
	}
	u, revision, err := s.upload(r)
	if err != nil {
		return err
	}
	if len(doc.Parts) == 0 {
		return errMalformedXML
	}
	var parts []part
	for i, want := range doc.Parts {
		if i > 0 && want.PartNumber <= doc.Parts[i-1].PartNumber {
			return protocol.Errorf(http.StatusBadRequest, "InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number.")
		}
	}
	for i, want := range doc.Parts {
		p, ok := u.Parts[want.PartNumber]
		sum := want.value(p.Checksum.Algorithm)
		if !ok || trimQuotes(want.ETag) != p.ETag || sum != "" && sum != p.Checksum.Value {
			return &protocol.Error{Status: http.StatusBadRequest, Code: "InvalidPart",
				Message: "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
				Members: map[string]string{"PartNumber": strconv.Itoa(want.PartNumber), "UploadId": u.ID, "ETag": trimQuotes(want.ETag)}}
		}
		if i < len(doc.Parts)-1 && p.Piece.Size < minPart {
			return protocol.Errorf(http.StatusBadRequest, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
		}
		parts = append(parts, p)
	}
	o := object{Modified: now(), Headers: u.Headers, Tags: u.Tags, Parts: true}
	sum := md5.New()
	for _, p := range parts {
		raw, _ := hex.DecodeString(p.ETag)
		sum.Write(raw)
		o.Size += p.Piece.Size
		o.Pieces = append(o.Pieces, p.Piece)
	}
	o.ETag = hex.EncodeToString(sum.Sum(nil)) + "-" + strconv.Itoa(len(parts))
	if o.Checksum, err = s.sumParts(r.Context(), u, parts); err != nil {
		return err
	}
	if want := r.Header.Get(checksumHeader(u.Algorithm)); want != "" && want != o.Checksum.Value {
		return protocol.Errorf(http.StatusBadRequest, "BadDigest", "The %s you specified did not match the calculated checksum.", u.Algorithm)
	}
	if want := r.Header.Get("x-amz-mp-object-size"); want != "" && want != strconv.FormatInt(o.Size, 10) {
		return invalidRequest("The provided 'x-amz-mp-object-size' header value %s does not match what was computed: %d", want, o.Size)
	}
	if err := s.finish(r, u, revision, &o); err != nil {
		return err
	}
	if o.Version != nullVersion {
		w.Header().Set("x-amz-version-id", o.Version)
	}
	w.Header().Set("x-amz-server-side-encryption", "AES256")
	var answer struct {
		Location, Bucket, Key, ETag string
		checksumElements
		ChecksumType string
	}
	answer.Location = "http://" + r.Host + "/" + r.bucket + "/" + encodeKey(r.key)
	answer.Bucket, answer.Key, answer.ETag = r.bucket, r.key, quote(o.ETag)
	answer.checksumElements, answer.ChecksumType = elements(o.Checksum), o.Checksum.Type
	return writeXML(w, "CompleteMultipartUploadResult", answer)
}

// finish turns the upload into an object.
func (s *Service) finish(r *request, u *upload, revision uint64, o *object) error {
	ctx := r.Context()
	revision, err := s.claim(ctx, u, true, revision)
	if err != nil {
		return err
	}
	if err := s.publish(ctx, r, o); err != nil {
		s.claim(context.WithoutCancel(ctx), u, false, revision) // the client may try again
		return err
	}
	return s.forget(context.WithoutCancel(ctx), u, o.Pieces)
}

// claim marks an upload as being completed or aborted, so that no part is added to it any more and, of several who
// complete and abort it at once, one wins. At the next start, recover undoes the claims that a crash left.
func (s *Service) claim(ctx context.Context, u *upload, claimed bool, revision uint64) (uint64, error) {
	u.Claimed = claimed
	text, err := json.Marshal(u)
	if err != nil {
		return 0, err
	}
	revision, err = s.uploads.Update(ctx, u.ID, text, revision)
	if errors.Is(err, state.ErrConflict) {
		return 0, errKeepTrying
	}
	return revision, err
}

// forget removes an upload and those of its parts that did not become pieces of the object.
func (s *Service) forget(ctx context.Context, u *upload, kept []piece) error {
	if err := s.uploads.Delete(ctx, u.ID); err != nil {
		return err
	}
	for _, p := range u.Parts {
		if !slices.Contains(kept, p.Piece) {
			s.bytes.drop(ctx, p.Piece)
		}
	}
	return nil
}

// recover ends the completions that a crash interrupted: the upload goes if its object is there, else it goes on.
func (s *Service) recover(ctx context.Context) error {
	all, err := s.allUploads(ctx)
	if err != nil {
		return err
	}
	for _, u := range all {
		if !u.Claimed {
			continue
		}
		rec, _, err := s.record(ctx, u.Bucket, u.Key)
		if err != nil {
			return err
		}
		if rec.holds(u.Parts) {
			err = s.uploads.Delete(ctx, u.ID)
		} else {
			u.Claimed = false
			var text []byte
			if text, err = json.Marshal(u); err == nil {
				_, err = s.uploads.Put(ctx, u.ID, text)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// holds says whether a version consists of some of these parts.
func (rec *record) holds(parts map[int]part) bool {
	for _, o := range rec.Versions {
		for _, p := range parts {
			if slices.Contains(o.Pieces, p.Piece) {
				return true
			}
		}
	}
	return false
}

// sumParts is the checksum of the whole: of the parts' sums for a composite one, else of all bytes read once more.
func (s *Service) sumParts(ctx context.Context, u *upload, parts []part) (checksum, error) {
	h := algorithms[u.Algorithm]()
	if u.Type == composite {
		for _, p := range parts {
			raw, err := base64.StdEncoding.DecodeString(p.Checksum.Value)
			if err != nil {
				return checksum{}, err
			}
			h.Write(raw)
		}
		return checksum{u.Algorithm, sum64(h) + "-" + strconv.Itoa(len(parts)), composite}, nil
	}
	var pieces []piece
	var size int64
	for _, p := range parts {
		pieces = append(pieces, p.Piece)
		size += p.Piece.Size
	}
	s.bytes.pin(pieces)
	bytes := s.bytes.open(ctx, pieces, 0, size)
	defer bytes.Close()
	if _, err := io.Copy(h, bytes); err != nil {
		return checksum{}, err
	}
	return checksum{u.Algorithm, sum64(h), fullObject}, nil
}

func (s *Service) abortUpload(w http.ResponseWriter, r *request) error {
	u, revision, err := s.upload(r)
	if err != nil {
		return err
	}
	if _, err := s.claim(r.Context(), u, true, revision); err != nil {
		return err
	}
	if err := s.forget(context.WithoutCancel(r.Context()), u, nil); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// abortUploads ends the uploads into a bucket that is going.
func (s *Service) abortUploads(ctx context.Context, bucket string) error {
	all, err := s.allUploads(ctx)
	if err != nil {
		return err
	}
	for _, u := range all {
		if u.Bucket == bucket {
			if err := s.forget(ctx, &u, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Service) allUploads(ctx context.Context) ([]upload, error) {
	all, err := s.uploads.All(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]upload, len(all))
	for i, e := range all {
		if err := json.Unmarshal(e.Value, &list[i]); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(list, func(a, b upload) int { return cmp.Or(cmp.Compare(a.Key, b.Key), a.Begun.Compare(b.Begun)) })
	return list, nil
}

func (s *Service) listParts(w http.ResponseWriter, r *request) error {
	u, _, err := s.upload(r)
	if err != nil {
		return err
	}
	limit, err := intParameter(r, "max-parts", maxList)
	if err != nil {
		return err
	}
	after, err := intParameter(r, "part-number-marker", maxParts)
	if err != nil || !r.query.Has("part-number-marker") {
		after = 0
	}
	type item struct {
		PartNumber   int
		LastModified string
		ETag         string
		Size         int64
		checksumElements
	}
	var doc struct {
		Bucket, Key          string
		UploadID             string `xml:"UploadId"`
		Initiator, Owner     owner
		StorageClass         string
		PartNumberMarker     int
		NextPartNumberMarker int
		MaxParts             int
		IsTruncated          bool
		ChecksumAlgorithm    string `xml:",omitempty"`
		ChecksumType         string `xml:",omitempty"`
		Part                 []item
	}
	doc.Bucket, doc.Key, doc.UploadID, doc.StorageClass = u.Bucket, u.Key, u.ID, "STANDARD"
	doc.Initiator.ID, doc.Owner.ID = s.ownerID(), s.ownerID()
	doc.PartNumberMarker, doc.MaxParts = after, limit
	if u.Asked {
		doc.ChecksumAlgorithm, doc.ChecksumType = u.Algorithm, u.Type
	}
	for _, number := range slices.Sorted(maps.Keys(u.Parts)) {
		if number <= after {
			continue
		}
		if len(doc.Part) == limit {
			doc.IsTruncated = true
			break
		}
		p := u.Parts[number]
		doc.Part = append(doc.Part, item{p.Number, stamp(p.Modified), quote(p.ETag), p.Piece.Size, elements(p.Checksum)})
		doc.NextPartNumberMarker = number
	}
	return writeXML(w, "ListPartsResult", doc)
}

func intParameter(r *request, name string, most int) (int, error) {
	text := r.query.Get(name)
	if text == "" {
		return most, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, invalidArgument(name, text, "Provided "+name+" not an integer or within integer range")
	}
	return min(n, most), nil
}

func (s *Service) listUploads(w http.ResponseWriter, r *request) error {
	if _, err := s.bucket(r.Context(), r.bucket); err != nil {
		return err
	}
	if r.query.Get("delimiter") != "" {
		return notHere("delimiter of ListMultipartUploads")
	}
	limit, err := intParameter(r, "max-uploads", maxList)
	if err != nil {
		return err
	}
	all, err := s.allUploads(r.Context())
	if err != nil {
		return err
	}
	encode := func(s string) string { return s }
	if r.query.Get("encoding-type") == "url" {
		encode = encodeKey
	}
	type item struct {
		Key              string
		UploadID         string `xml:"UploadId"`
		Initiator, Owner owner
		StorageClass     string
		Initiated        string
	}
	var doc struct {
		Bucket, KeyMarker  string
		UploadIDMarker     string `xml:"UploadIdMarker"`
		NextKeyMarker      string `xml:",omitempty"`
		NextUploadIDMarker string `xml:"NextUploadIdMarker,omitempty"`
		Prefix             string
		EncodingType       string `xml:",omitempty"`
		MaxUploads         int
		IsTruncated        bool
		Upload             []item
	}
	prefix, keyMarker, idMarker := r.query.Get("prefix"), r.query.Get("key-marker"), r.query.Get("upload-id-marker")
	doc.Bucket, doc.KeyMarker, doc.UploadIDMarker, doc.Prefix = r.bucket, encode(keyMarker), idMarker, encode(prefix)
	doc.EncodingType, doc.MaxUploads = r.query.Get("encoding-type"), limit
	skipping := idMarker != ""
	for _, u := range all {
		if u.Bucket != r.bucket || !strings.HasPrefix(u.Key, prefix) || u.Key < keyMarker {
			continue
		}
		if u.Key == keyMarker && keyMarker != "" {
			if !skipping {
				if idMarker == "" {
					continue
				}
			} else {
				skipping = u.ID != idMarker
				continue
			}
		}
		if len(doc.Upload) == limit {
			doc.IsTruncated = true
			break
		}
		doc.Upload = append(doc.Upload, item{encode(u.Key), u.ID, owner{ID: s.ownerID()}, owner{ID: s.ownerID()}, "STANDARD", stamp(u.Begun)})
		doc.NextKeyMarker, doc.NextUploadIDMarker = encode(u.Key), u.ID
	}
	if !doc.IsTruncated {
		doc.NextKeyMarker, doc.NextUploadIDMarker = "", ""
	}
	return writeXML(w, "ListMultipartUploadsResult", doc)
}
