package s3

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"quotewire/cloud/state"
)

// bucket is what is known of a bucket.
type bucket struct {
	Name         string
	Region       string
	Created      time.Time
	Tags         []tag              `json:",omitempty"`
	Policy       string             `json:",omitempty"`
	Principals   map[string]string  `json:",omitempty"` // unique ids of the roles and users that Policy names, by ARN
	Versioning   string             `json:",omitempty"` // "", Enabled or Suspended
	PublicAccess *publicAccessBlock `json:",omitempty"`
}

// object is one version of an object.
type object struct {
	Version  string // nullVersion in a bucket that had no versioning when it was written
	Marker   bool   `json:",omitempty"` // a delete marker; it has nothing but Version and Modified
	Modified time.Time
	Size     int64
	ETag     string            // without quotes
	Headers  map[string]string `json:",omitempty"` // those that GET gives back, x-amz-meta-* among them
	Checksum checksum
	Tags     []tag   `json:",omitempty"`
	Pieces   []piece `json:",omitempty"`
	Parts    bool    `json:",omitempty"` // from a multipart upload: every piece is a part
}

// nullVersion is the version id of objects written without versioning.
const nullVersion = "null"

// record is all versions of one key, newest first. One without versions is as good as none.
type record struct{ Versions []object }

// find returns the named version, or the current one for "".
func (rec *record) find(key, version string) (*object, error) {
	if version == "" {
		if len(rec.Versions) == 0 || rec.Versions[0].Marker {
			return nil, noSuchKey(key)
		}
		return &rec.Versions[0], nil
	}
	for i := range rec.Versions {
		if rec.Versions[i].Version == version {
			return &rec.Versions[i], nil
		}
	}
	return nil, noSuchVersion(key, version)
}

// remove takes a version out and returns it; nil if it is not there.
func (rec *record) remove(version string) *object {
	for i, o := range rec.Versions {
		if o.Version == version {
			rec.Versions = slices.Delete(rec.Versions, i, i+1)
			return &o
		}
	}
	return nil
}

// add makes o the newest version. With versioning the others stay; without, it takes the place of the null version,
// whose pieces are returned to be dropped.
func (rec *record) add(o object) (gone []piece) {
	if o.Version == nullVersion {
		if old := rec.remove(nullVersion); old != nil {
			gone = old.Pieces
		}
	}
	rec.Versions = slices.Insert(rec.Versions, 0, o)
	return gone
}

// bucket reads a bucket; NoSuchBucket if there is none.
func (s *Service) bucket(ctx context.Context, name string) (*bucket, error) {
	b, _, err := s.bucketAt(ctx, name)
	return b, err
}

func (s *Service) bucketAt(ctx context.Context, name string) (*bucket, uint64, error) {
	e, err := s.buckets.Get(ctx, name)
	if errors.Is(err, state.ErrNotFound) {
		return nil, 0, noSuchBucket(name)
	}
	if err != nil {
		return nil, 0, err
	}
	b := new(bucket)
	return b, e.Revision, json.Unmarshal(e.Value, b)
}

// changeBucket applies f to a bucket, again if someone else was faster.
func (s *Service) changeBucket(ctx context.Context, name string, f func(*bucket) error) error {
	for {
		b, revision, err := s.bucketAt(ctx, name)
		if err != nil {
			return err
		}
		if err := f(b); err != nil {
			return err
		}
		text, err := json.Marshal(b)
		if err != nil {
			return err
		}
		if _, err = s.buckets.Update(ctx, name, text, revision); !errors.Is(err, state.ErrConflict) {
			return err
		}
	}
}

// index is the state bucket with the records of an S3 bucket's objects. S3's names have dots and no underscores.
func (s *Service) index(ctx context.Context, name string) (*state.Bucket, error) {
	s.indexMu.Lock()
	ix := s.indexes[name]
	s.indexMu.Unlock()
	if ix != nil {
		return ix, nil
	}
	ix, err := s.State.Bucket(ctx, indexName(name))
	if err != nil {
		return nil, err
	}
	s.indexMu.Lock()
	s.indexes[name] = ix
	s.indexMu.Unlock()
	return ix, nil
}

func indexName(bucket string) string { return "s3-objects-" + strings.ReplaceAll(bucket, ".", "_") }

// record reads the versions of a key; a key that is not there has none, at revision 0.
func (s *Service) record(ctx context.Context, bucket, key string) (*record, uint64, error) {
	ix, err := s.index(ctx, bucket)
	if err != nil {
		return nil, 0, err
	}
	rec := new(record)
	e, err := ix.Get(ctx, key)
	if errors.Is(err, state.ErrNotFound) {
		return rec, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	return rec, e.Revision, json.Unmarshal(e.Value, rec)
}

// change applies f to the versions of a key in one write, again if someone else was faster, and then drops the
// pieces that f returned. The bucket was seen at b; it must still be there.
func (s *Service) change(ctx context.Context, bucket, key string, f func(rec *record, b *bucket) ([]piece, error)) error {
	s.life.RLock()
	defer s.life.RUnlock()
	b, err := s.bucket(ctx, bucket)
	if err != nil {
		return err
	}
	ix, err := s.index(ctx, bucket)
	if err != nil {
		return err
	}
	for range 100 {
		rec, revision, err := s.record(ctx, bucket, key)
		if err != nil {
			return err
		}
		gone, err := f(rec, b)
		if err != nil {
			return err
		}
		text, err := json.Marshal(rec)
		if err != nil {
			return err
		}
		if revision == 0 {
			_, err = ix.Create(ctx, key, text)
		} else {
			_, err = ix.Update(ctx, key, text, revision)
		}
		if err == nil {
			s.bytes.drop(ctx, gone...)
			return nil
		}
		if !errors.Is(err, state.ErrConflict) {
			return err
		}
	}
	return errKeepTrying
}

// pinned finds a version and pins its pieces, so that they stay readable whatever happens to the key. The caller
// unpins them or opens them and closes the reader.
func (s *Service) pinned(ctx context.Context, bucket, key, version string) (*object, error) {
	if _, err := s.bucket(ctx, bucket); err != nil {
		return nil, err
	}
	rec, revision, err := s.record(ctx, bucket, key)
	for err == nil {
		var o *object
		if o, err = rec.find(key, version); err != nil {
			return nil, err
		}
		s.bytes.pin(o.Pieces)
		// The pieces count as pinned only if the key still named them afterwards.
		last := revision
		if rec, revision, err = s.record(ctx, bucket, key); err == nil && revision == last {
			return o, nil
		}
		s.bytes.unpin(ctx, o.Pieces)
	}
	return nil, err
}

// Object opens the bytes of an object, of its current version when version is "", and says their number. It asks no
// one for permission: Lambda, which reads function code with it, has asked already. The caller closes the reader.
func (s *Service) Object(ctx context.Context, bucket, key, version string) (io.ReadCloser, int64, error) {
	o, err := s.pinned(ctx, bucket, key, version)
	if err != nil {
		return nil, 0, err
	}
	if o.Marker {
		return nil, 0, noSuchKey(key)
	}
	return s.bytes.open(ctx, o.Pieces, 0, o.Size), o.Size, nil
}

// Put writes an object. It asks no one for permission: Lambda, which brings records of failed invocations with it, has
// asked already.
func (s *Service) Put(ctx context.Context, bucketName, key, contentType string, body []byte) error {
	if _, err := s.bucket(ctx, bucketName); err != nil {
		return err
	}
	p, err := s.bytes.write(ctx, bytes.NewReader(body))
	if err != nil {
		return err
	}
	sum := md5.Sum(body)
	o := object{Modified: now(), Size: p.Size, ETag: hex.EncodeToString(sum[:]), Headers: map[string]string{"Content-Type": contentType}, Pieces: []piece{p}}
	err = s.change(ctx, bucketName, key, func(rec *record, b *bucket) ([]piece, error) {
		o.Version = nullVersion
		if b.Versioning == "Enabled" {
			o.Version = rand.Text()
		}
		return rec.add(o), nil
	})
	if err != nil {
		s.bytes.drop(ctx, p)
	}
	return err
}

// used collects the pieces that any metadata names.
func (s *Service) used(ctx context.Context) (map[int]bool, error) {
	used := map[int]bool{}
	buckets, err := s.buckets.All(ctx)
	if err != nil {
		return nil, err
	}
	for _, e := range buckets {
		keys, err := s.keys(ctx, e.Key)
		if err != nil {
			return nil, err
		}
		for _, k := range keys {
			for _, o := range k.Versions {
				for _, p := range o.Pieces {
					used[p.ID] = true
				}
			}
		}
	}
	uploads, err := s.allUploads(ctx)
	if err != nil {
		return nil, err
	}
	for _, u := range uploads {
		for _, p := range u.Parts {
			used[p.Piece.ID] = true
		}
	}
	return used, nil
}

// named is a key with its versions, of which there is at least one.
type named struct {
	Key string
	record
}

// keys returns all keys of a bucket, sorted by their bytes.
func (s *Service) keys(ctx context.Context, bucket string) ([]named, error) {
	ix, err := s.index(ctx, bucket)
	if err != nil {
		return nil, err
	}
	all, err := ix.All(ctx)
	if err != nil {
		return nil, err
	}
	keys := make([]named, 0, len(all))
	for _, e := range all {
		k := named{Key: e.Key}
		if err := json.Unmarshal(e.Value, &k.record); err != nil {
			return nil, fmt.Errorf("the record of object %s/%s: %w", bucket, e.Key, err)
		}
		if len(k.Versions) > 0 {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b named) int { return strings.Compare(a.Key, b.Key) })
	return keys, nil
}
