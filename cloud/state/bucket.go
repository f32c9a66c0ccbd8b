package state

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

var (
	// ErrNotFound is returned for a key or an object that is not there.
	ErrNotFound = errors.New("not found")
	// ErrConflict is returned by [Bucket.Create] and [Bucket.Update] when the key has moved on in between.
	ErrConflict = errors.New("changed in between")
)

// Bucket is a named set of keys with values and revisions. It is safe for concurrent use.
type Bucket struct {
	store  *Store
	kv     jetstream.KeyValue
	stream jetstream.Stream // that the keys are kept in
}

// Entry is one key of a bucket. Revision grows with each write to the bucket.
type Entry struct {
	Key      string
	Value    []byte
	Revision uint64
}

// Bucket opens the bucket of that name, made of letters, digits, "-" and "_", and creates it if it is new. One that is
// there can be opened on a full disk as well.
func (s *Store) Bucket(ctx context.Context, name string) (*Bucket, error) {
	kv, err := s.js.KeyValue(ctx, name)
	if err == nil {
		return s.newBucket(ctx, kv)
	}
	if !errors.Is(err, jetstream.ErrBucketNotFound) {
		return nil, fmt.Errorf("state bucket %s: %w", name, err)
	}
	end, err := s.begin(ctx, 0)
	if err != nil {
		return nil, fmt.Errorf("state bucket %s: %w", name, err)
	}
	defer end()
	kv, err = s.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: name, MaxValueSize: maxValue})
	if err != nil {
		return nil, fmt.Errorf("state bucket %s: %w", name, s.meant(err))
	}
	return s.newBucket(ctx, kv)
}

func (s *Store) newBucket(ctx context.Context, kv jetstream.KeyValue) (*Bucket, error) {
	stream, err := s.js.Stream(ctx, "KV_"+kv.Bucket())
	if err != nil {
		return nil, fmt.Errorf("state bucket %s: %w", kv.Bucket(), err)
	}
	return &Bucket{s, kv, stream}, nil
}

// DropBucket removes a bucket with all its keys. One that is not there is no error.
func (s *Store) DropBucket(ctx context.Context, name string) error {
	err := s.js.DeleteKeyValue(ctx, name)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		return nil
	}
	return err
}

// Get returns the value of a key, or [ErrNotFound].
func (b *Bucket) Get(ctx context.Context, key string) (Entry, error) {
	e, err := b.kv.Get(ctx, encodeKey(key))
	if err != nil {
		return Entry{}, translate(err)
	}
	return Entry{key, e.Value(), e.Revision()}, nil
}

// Put writes a key, whatever was there, and returns its new revision. The write has left the process when Put returns.
// Like every write it fails with [ErrFull] while the disk is full.
func (b *Bucket) Put(ctx context.Context, key string, value []byte) (uint64, error) {
	end, err := b.store.begin(ctx, len(value))
	if err != nil {
		return 0, err
	}
	defer end()
	rev, err := b.kv.Put(ctx, encodeKey(key), value)
	return rev, b.store.meant(translate(err))
}

// Create writes a key that must not exist; [ErrConflict] if it does.
func (b *Bucket) Create(ctx context.Context, key string, value []byte) (uint64, error) {
	end, err := b.store.begin(ctx, len(value))
	if err != nil {
		return 0, err
	}
	defer end()
	rev, err := b.kv.Create(ctx, encodeKey(key), value)
	return rev, b.store.meant(translate(err))
}

// Update writes a key that must still have the given revision; [ErrConflict] if not.
func (b *Bucket) Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	end, err := b.store.begin(ctx, len(value))
	if err != nil {
		return 0, err
	}
	defer end()
	rev, err := b.kv.Update(ctx, encodeKey(key), value, revision)
	return rev, b.store.meant(translate(err))
}

// Delete removes a key. One that is not there is no error. It may use the room that writes leave free.
//
// Nothing stays of the key: the library's own Purge leaves a marker for those who watch, for ever, and keys such as the
// ids of connections are never used again.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	end, err := b.store.enter(0, deleteReserve)
	if err != nil {
		return err
	}
	defer end()
	err = b.stream.Purge(ctx, jetstream.WithPurgeSubject("$KV."+b.kv.Bucket()+"."+encodeKey(key)))
	return b.store.meant(translate(err))
}

// All returns every entry of the bucket, oldest write first.
func (b *Bucket) All(ctx context.Context) ([]Entry, error) {
	w, err := b.kv.WatchAll(ctx, jetstream.IgnoreDeletes())
	if err != nil {
		return nil, translate(err)
	}
	defer w.Stop()
	var all []Entry
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case e, open := <-w.Updates():
			if !open {
				return nil, errors.New("state: the store closed while it was read")
			}
			if e == nil { // everything that was there has been sent
				return all, nil
			}
			all = append(all, Entry{decodeKey(e.Key()), e.Value(), e.Revision()})
		}
	}
}

func translate(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jetstream.ErrKeyNotFound), errors.Is(err, jetstream.ErrKeyDeleted), errors.Is(err, jetstream.ErrObjectNotFound):
		return ErrNotFound
	case errors.Is(err, jetstream.ErrKeyExists):
		return ErrConflict
	}
	var api *jetstream.APIError
	if errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence {
		return ErrConflict
	}
	return err
}

// NATS keys are subjects: a small alphabet, no empty token. Any other byte is written as "=" and two hex digits, and
// so is the dot, which would split the subject.
func encodeKey(key string) string {
	const hex = "0123456789ABCDEF"
	plain := true
	for i := 0; i < len(key) && plain; i++ {
		plain = plainByte(key[i])
	}
	if plain && key != "" {
		return key
	}
	var b strings.Builder
	for i := 0; i < len(key); i++ {
		if c := key[i]; plainByte(c) {
			b.WriteByte(c)
		} else {
			b.WriteByte('=')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	if key == "" {
		return "="
	}
	return b.String()
}

func plainByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '/'
}

func decodeKey(key string) string {
	if !strings.Contains(key, "=") {
		return key
	}
	var b strings.Builder
	for i := 0; i < len(key); i++ {
		if key[i] == '=' && i+2 < len(key) {
			b.WriteByte(unhex(key[i+1])<<4 | unhex(key[i+2]))
			i += 2
		} else if key[i] != '=' {
			b.WriteByte(key[i])
		}
	}
	return b.String()
}

func unhex(c byte) byte {
	if c >= 'A' {
		return c - 'A' + 10
	}
	return c - '0'
}
