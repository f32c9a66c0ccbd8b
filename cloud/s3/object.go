package s3

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"quotewire/cloud/protocol"
)

// kept are the request headers of an upload that come back with GET and HEAD, beside x-amz-meta-*.
var kept = []string{"Content-Type", "Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Expires",
	"x-amz-website-redirect-location"}

// readHeaders collects what an upload says of its object, and refuses what this cloud would not honour.
func readHeaders(h http.Header) (headers map[string]string, tags []tag, err error) {
	if err := checkACL(h); err != nil {
		return nil, nil, err
	}
	if sse := h.Get("x-amz-server-side-encryption"); sse != "" && sse != "AES256" {
		return nil, nil, notHere("the encryption " + sse)
	}
	if class := h.Get("x-amz-storage-class"); class != "" && class != "STANDARD" {
		return nil, nil, notHere("the storage class " + class)
	}
	for _, name := range []string{"x-amz-server-side-encryption-customer-algorithm", "x-amz-object-lock-mode", "x-amz-object-lock-legal-hold", "x-amz-write-offset-bytes"} {
		if h.Get(name) != "" {
			return nil, nil, notHere(name)
		}
	}
	headers = map[string]string{}
	for _, name := range kept {
		value := h.Get(name)
		if name == "Content-Encoding" {
			value = withoutChunked(value)
		}
		if value != "" {
			headers[name] = value
		}
	}
	if headers["Content-Type"] == "" {
		headers["Content-Type"] = "binary/octet-stream"
	}
	size := 0
	for name, values := range h {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-amz-meta-") {
			headers[lower] = strings.Join(values, ",")
			size += len(lower) - len("x-amz-meta-") + len(headers[lower])
		}
	}
	if size > maxMetadata {
		return nil, nil, protocol.Errorf(http.StatusBadRequest, "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
	}
	tags, err = headerTags(h)
	return headers, tags, err
}

// checkACL refuses access control lists: as in every new bucket on AWS, the owner owns all and ACLs are off.
func checkACL(h http.Header) error {
	switch h.Get("x-amz-acl") {
	case "", "private", "bucket-owner-full-control":
	default:
		return errNoACL
	}
	for name := range h {
		if strings.HasPrefix(name, "X-Amz-Grant-") {
			return errNoACL
		}
	}
	return nil
}

func (s *Service) putObject(w http.ResponseWriter, r *request) error {
	if r.Header.Get("x-amz-copy-source") != "" {
		return s.copyObject(w, r)
	}
	headers, tags, err := readHeaders(r.Header)
	if err != nil {
		return err
	}
	if _, err := s.bucket(r.Context(), r.bucket); err != nil {
		return err
	}
	b, err := s.openBody(r.Request, defaultAlgorithm)
	if err != nil {
		return err
	}
	p, err := s.receive(r.Context(), b)
	if err != nil {
		return err
	}
	o := object{Modified: now(), Size: p.Size, ETag: b.etag(), Headers: headers, Checksum: b.checksum(), Tags: tags, Pieces: []piece{p}}
	if err := s.publish(r.Context(), r, &o); err != nil {
		return err
	}
	describe(w.Header(), &o)
	return nil
}

// receive stores the body of an upload and compares it with its checksums; nothing stays of one that does not fit.
func (s *Service) receive(ctx context.Context, b *body) (piece, error) {
	p, err := s.bytes.write(ctx, b)
	if err != nil {
		return piece{}, err
	}
	if err := b.verify(); err != nil {
		s.bytes.drop(ctx, p)
		return piece{}, err
	}
	return p, nil
}

// publish makes o the current version of the request's key, if the request's conditions hold; if not, its pieces go.
func (s *Service) publish(ctx context.Context, r *request, o *object) error {
	err := s.change(ctx, r.bucket, r.key, func(rec *record, b *bucket) ([]piece, error) {
		if err := writeConditions(r, rec); err != nil {
			return nil, err
		}
		o.Version = nullVersion
		if b.Versioning == "Enabled" {
			o.Version = rand.Text()
		}
		return rec.add(*o), nil
	})
	if err != nil && !o.Parts { // the parts of an upload stay with the upload
		s.bytes.drop(ctx, o.Pieces...)
	}
	return err
}

// describe sets the headers that say what an object is, without its own.
func describe(h http.Header, o *object) {
	h.Set("ETag", quote(o.ETag))
	h.Set("x-amz-server-side-encryption", "AES256")
	if o.Version != nullVersion && o.Version != "" {
		h.Set("x-amz-version-id", o.Version)
	}
	if o.Checksum.Value != "" {
		h.Set(checksumHeader(o.Checksum.Algorithm), o.Checksum.Value)
		h.Set("x-amz-checksum-type", o.Checksum.Type)
	}
}

// getObject answers GET and HEAD.
func (s *Service) getObject(w http.ResponseWriter, r *request) error {
	o, err := s.pinned(r.Context(), r.bucket, r.key, r.version())
	if err != nil {
		return s.missing(w, r, err)
	}
	answered := false
	defer func() {
		if !answered {
			s.bytes.unpin(r.Context(), o.Pieces)
		}
	}()
	h := w.Header()
	h.Set("Last-Modified", o.Modified.Format(http.TimeFormat))
	if o.Marker {
		h.Set("x-amz-delete-marker", "true")
		return errDeleteMarker
	}
	if err := readConditions(r, o); err != nil {
		if err == errNotModified {
			h.Set("ETag", quote(o.ETag))
		}
		return err
	}
	span, err := chooseSpan(r, o)
	if err != nil {
		h.Set("Content-Range", "bytes */"+strconv.FormatInt(o.Size, 10))
		return err
	}
	describe(h, o)
	if span.partial || !strings.EqualFold(r.Header.Get("x-amz-checksum-mode"), "ENABLED") {
		h.Del(checksumHeader(o.Checksum.Algorithm))
		h.Del("x-amz-checksum-type")
	}
	h.Set("Accept-Ranges", "bytes")
	for name, value := range o.Headers {
		h.Set(name, value)
	}
	for _, name := range kept {
		if value := r.query.Get("response-" + strings.ToLower(name)); value != "" {
			h.Set(name, value)
		}
	}
	if n := len(o.Tags); n > 0 {
		h.Set("x-amz-tagging-count", strconv.Itoa(n))
	}
	if o.Parts && r.query.Has("partNumber") {
		h.Set("x-amz-mp-parts-count", strconv.Itoa(len(o.Pieces)))
	}
	h.Set("Content-Length", strconv.FormatInt(span.length, 10))
	status := http.StatusOK
	if span.partial {
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", span.first, span.first+span.length-1, o.Size))
		status = http.StatusPartialContent
	}
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return nil
	}
	answered = true
	bytes := s.bytes.open(r.Context(), o.Pieces, span.first, span.length)
	defer bytes.Close()
	if _, err := io.Copy(w, bytes); err != nil && r.Context().Err() == nil {
		// The status has gone out: all that is left is to cut the answer short, so that the client notices.
		s.Log.Error("s3: an object broke off", "bucket", r.bucket, "key", r.key, "err", err)
		panic(http.ErrAbortHandler)
	}
	return nil
}

// missing says in the headers if a key is absent because of a delete marker. Who may not list the bucket is not told that
// a key is absent: the answer is 403.
func (s *Service) missing(w http.ResponseWriter, r *request, err error) error {
	if e, ok := err.(*protocol.Error); ok && e.Code == "NoSuchKey" {
		if denied := s.authorize(r, "s3:ListBucket", r.bucket, ""); denied != nil {
			return denied
		}
		if rec, _, err := s.record(r.Context(), r.bucket, r.key); err == nil && len(rec.Versions) > 0 && rec.Versions[0].Marker {
			w.Header().Set("x-amz-delete-marker", "true")
			w.Header().Set("x-amz-version-id", rec.Versions[0].Version)
		}
	}
	return err
}

func (s *Service) deleteObject(w http.ResponseWriter, r *request) error {
	version, marker, err := s.remove(r.Context(), r.bucket, r.key, r.version(), r.Header.Get("If-Match"))
	if err != nil {
		return err
	}
	if marker {
		w.Header().Set("x-amz-delete-marker", "true")
	}
	if version != "" && version != nullVersion || r.version() != "" {
		w.Header().Set("x-amz-version-id", version)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// remove deletes a version or, without one, the object: for good without versioning, by a delete marker with it. An
// object that is not there counts as deleted. It returns the version id of what was deleted or of the marker.
func (s *Service) remove(ctx context.Context, bucketName, key, version, ifMatch string) (id string, marker bool, err error) {
	err = s.change(ctx, bucketName, key, func(rec *record, b *bucket) ([]piece, error) {
		id, marker = version, false
		if ifMatch != "" {
			o, err := rec.find(key, version)
			if err != nil {
				return nil, err
			}
			if !matches(ifMatch, o.ETag) {
				return nil, errPrecondition
			}
		}
		switch {
		case version != "":
			if old := rec.remove(version); old != nil {
				marker = old.Marker
				return old.Pieces, nil
			}
			return nil, nil
		case b.Versioning == "":
			if old := rec.remove(nullVersion); old != nil {
				return old.Pieces, nil
			}
			return nil, nil
		}
		id, marker = nullVersion, true
		if b.Versioning == "Enabled" {
			id = rand.Text()
		}
		return rec.add(object{Version: id, Marker: true, Modified: now()}), nil
	})
	return id, marker, err
}

// deleteObjects deletes up to a thousand keys; each is permitted, and can fail, by itself.
func (s *Service) deleteObjects(w http.ResponseWriter, r *request) error {
	text, verified, err := s.readSmall(r.Request, maxXML)
	if err != nil {
		return err
	}
	if !verified {
		return errMissingDigest
	}
	var doc struct {
		Objects []struct {
			Key       string
			VersionID string `xml:"VersionId"`
			ETag      string
		} `xml:"Object"`
		Quiet bool
	}
	if err := parseXML(text, "Delete", &doc); err != nil {
		return err
	}
	if len(doc.Objects) == 0 || len(doc.Objects) > maxList {
		return errMalformedXML
	}
	if _, err := s.bucket(r.Context(), r.bucket); err != nil {
		return err
	}
	type deleted struct {
		Key                   string
		VersionID             string `xml:"VersionId,omitempty"`
		DeleteMarker          bool   `xml:",omitempty"`
		DeleteMarkerVersionID string `xml:"DeleteMarkerVersionId,omitempty"`
	}
	type failed struct {
		Key       string
		VersionID string `xml:"VersionId,omitempty"`
		Code      string
		Message   string
	}
	var answer struct {
		Deleted []deleted
		Error   []failed
	}
	for _, o := range doc.Objects {
		action := "s3:DeleteObject"
		if o.VersionID != "" {
			action = "s3:DeleteObjectVersion"
		}
		var id string
		var marker bool
		err := s.authorize(r, action, r.bucket, o.Key)
		if err == nil {
			id, marker, err = s.remove(r.Context(), r.bucket, o.Key, o.VersionID, o.ETag)
		}
		if e, ok := err.(*protocol.Error); ok {
			answer.Error = append(answer.Error, failed{o.Key, o.VersionID, e.Code, e.Message})
		} else if err != nil {
			return err
		} else if !doc.Quiet {
			d := deleted{Key: o.Key, VersionID: o.VersionID, DeleteMarker: marker}
			if marker {
				d.DeleteMarkerVersionID = id
			}
			answer.Deleted = append(answer.Deleted, d)
		}
	}
	return writeXML(w, "DeleteResult", answer)
}

// source opens what x-amz-copy-source names: /bucket/key, percent-encoded, with ?versionId=.
func (s *Service) source(r *request) (*object, error) {
	text, query, _ := strings.Cut(r.Header.Get("x-amz-copy-source"), "?")
	path, err := url.PathUnescape(text)
	bucket, key, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if err != nil || !ok || bucket == "" || key == "" {
		return nil, invalidArgument("x-amz-copy-source", text, "Invalid copy source object key")
	}
	version, action := strings.TrimPrefix(query, "versionId="), "s3:GetObject"
	if version != "" {
		action = "s3:GetObjectVersion"
	}
	if err := s.authorize(r, action, bucket, key); err != nil {
		return nil, err
	}
	o, err := s.pinned(r.Context(), bucket, key, version)
	if err != nil {
		return nil, err
	}
	if o.Marker {
		s.bytes.unpin(r.Context(), o.Pieces)
		return nil, invalidRequest("The source of a copy request may not specifically refer to a delete marker by version id.")
	}
	if err := copyConditions(r, o); err != nil {
		s.bytes.unpin(r.Context(), o.Pieces)
		return nil, err
	}
	return o, nil
}

// hasher reads an object's bytes again as if they were uploaded without any checksum of the client's.
func (s *Service) hasher(r io.Reader, length int64, algorithm string) (*body, error) {
	return s.openBody(&http.Request{Header: http.Header{}, Body: io.NopCloser(r), ContentLength: length}, algorithm)
}

func (s *Service) copyObject(w http.ResponseWriter, r *request) error {
	headers, tags, err := readHeaders(r.Header)
	if err != nil {
		return err
	}
	from, err := s.source(r)
	if err != nil {
		return err
	}
	bytes := s.bytes.open(r.Context(), from.Pieces, 0, from.Size)
	defer bytes.Close()
	if _, err := s.bucket(r.Context(), r.bucket); err != nil {
		return err
	}
	switch directive := r.Header.Get("x-amz-metadata-directive"); directive {
	case "", "COPY":
		if src, _ := url.PathUnescape(r.Header.Get("x-amz-copy-source")); strings.TrimPrefix(src, "/") == r.bucket+"/"+r.key {
			return invalidRequest("This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
		}
		headers = from.Headers
	case "REPLACE":
	default:
		return invalidArgument("x-amz-metadata-directive", directive, "Unknown metadata directive.")
	}
	if d := r.Header.Get("x-amz-tagging-directive"); d == "" || d == "COPY" {
		tags = from.Tags
	}
	algorithm := from.Checksum.Algorithm
	if a := strings.ToUpper(r.Header.Get("x-amz-checksum-algorithm")); algorithms[a] != nil {
		algorithm = a
	} else if a != "" || algorithms[algorithm] == nil {
		algorithm = defaultAlgorithm
	}
	b, err := s.hasher(bytes, from.Size, algorithm)
	if err != nil {
		return err
	}
	p, err := s.receive(r.Context(), b)
	if err != nil {
		return err
	}
	o := object{Modified: now(), Size: p.Size, ETag: b.etag(), Headers: headers, Checksum: b.checksum(), Tags: tags, Pieces: []piece{p}}
	if err := s.publish(r.Context(), r, &o); err != nil {
		return err
	}
	w.Header().Set("x-amz-server-side-encryption", "AES256")
	if o.Version != nullVersion {
		w.Header().Set("x-amz-version-id", o.Version)
	}
	return writeXML(w, "CopyObjectResult", copyResult(&o))
}

// copyResult is the answer to a copy: the element of the checksum is named after its algorithm.
func copyResult(o *object) any {
	var doc struct {
		ETag         string
		LastModified string
		checksumElements
		ChecksumType string `xml:",omitempty"`
	}
	doc.ETag, doc.LastModified = quote(o.ETag), stamp(o.Modified)
	doc.checksumElements, doc.ChecksumType = elements(o.Checksum), o.Checksum.Type
	return doc
}

// checksumElements is a checksum in a document.
type checksumElements struct {
	ChecksumCRC32     string `xml:",omitempty"`
	ChecksumCRC32C    string `xml:",omitempty"`
	ChecksumCRC64NVME string `xml:",omitempty"`
	ChecksumSHA1      string `xml:",omitempty"`
	ChecksumSHA256    string `xml:",omitempty"`
}

func elements(c checksum) (e checksumElements) {
	if c.Value != "" {
		text, _ := json.Marshal(map[string]string{"Checksum" + c.Algorithm: c.Value})
		json.Unmarshal(text, &e)
	}
	return e
}

// value is the checksum of the algorithm that a document gives, "" for none.
func (e checksumElements) value(algorithm string) string {
	return map[string]string{"CRC32": e.ChecksumCRC32, "CRC32C": e.ChecksumCRC32C, "CRC64NVME": e.ChecksumCRC64NVME,
		"SHA1": e.ChecksumSHA1, "SHA256": e.ChecksumSHA256}[algorithm]
}

// parseTime reads the date of a conditional header; ok is false for one that is to be ignored.
func parseTime(text string) (t time.Time, ok bool) {
	t, err := http.ParseTime(text)
	return t, err == nil
}
