package state

import (
	"context"
	"fmt"
	"io"

	"github.com/nats-io/nats.go/jetstream"
)

// Objects is a named set of large values, such as function code. It is safe for concurrent use.
type Objects struct{ store jetstream.ObjectStore }

// Objects opens the object store of that name, made of letters, digits, "-" and "_", and creates it if it is new.
func (s *Store) Objects(ctx context.Context, name string) (*Objects, error) {
	o, err := s.js.CreateOrUpdateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: name})
	if err != nil {
		return nil, fmt.Errorf("state objects %s: %w", name, err)
	}
	return &Objects{o}, nil
}

// Put stores what r holds under key, whatever was there. A value that was there stays readable until Put returns.
func (o *Objects) Put(ctx context.Context, key string, r io.Reader) error {
	_, err := o.store.Put(ctx, jetstream.ObjectMeta{Name: key}, r)
	return translate(err)
}

// Get opens the value of key, or fails with [ErrNotFound]. The caller closes it.
func (o *Objects) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	r, err := o.store.Get(ctx, key)
	if err != nil {
		return nil, translate(err)
	}
	return r, nil
}

// Delete removes a value. One that is not there is no error.
func (o *Objects) Delete(ctx context.Context, key string) error {
	if err := translate(o.store.Delete(ctx, key)); err != nil && err != ErrNotFound {
		return err
	}
	return nil
}
