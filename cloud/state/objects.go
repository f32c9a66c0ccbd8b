package state

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Objects is a named set of large values, such as function code. It is safe for concurrent use.
type Objects struct {
	state *Store
	name  string
	store jetstream.ObjectStore
}

// Objects opens the object store of that name, made of letters, digits, "-" and "_", and creates it if it is new. One
// that is there can be opened on a full disk as well.
func (s *Store) Objects(ctx context.Context, name string) (*Objects, error) {
	o, err := s.js.ObjectStore(ctx, name)
	if err == nil {
		return &Objects{s, name, o}, nil
	}
	if !errors.Is(err, jetstream.ErrBucketNotFound) {
		return nil, fmt.Errorf("state objects %s: %w", name, err)
	}
	end, err := s.begin(ctx, 0)
	if err != nil {
		return nil, fmt.Errorf("state objects %s: %w", name, err)
	}
	defer end()
	o, err = s.js.CreateOrUpdateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: name})
	if err != nil {
		return nil, fmt.Errorf("state objects %s: %w", name, s.meant(err))
	}
	return &Objects{s, name, o}, nil
}

// Put stores what r holds under key, whatever was there. A value that was there stays readable until Put returns. It
// fails with [ErrFull] while the disk is full, or when r holds more than there is room for.
func (o *Objects) Put(ctx context.Context, key string, r io.Reader) error {
	end, err := o.state.begin(ctx, 0)
	if err != nil {
		return err
	}
	defer end()
	fit := &fitting{Reader: r, room: &o.state.room}
	err = o.put(ctx, key, fit)
	if fit.err != nil {
		return fit.err
	}
	return o.state.meant(translate(err))
}

// fitting ends a value with an error when there is no room for the next part of it.
type fitting struct {
	io.Reader
	room *room
	err  error
}

func (f *fitting) Read(p []byte) (int, error) {
	if f.err = f.room.take(int64(len(p)), reserve); f.err != nil {
		return 0, f.err
	}
	return f.Reader.Read(p)
}

// longestRead bounds how long a value may take to be read. JetStream bounds it by five seconds for a context without a
// deadline, which a large value on a busy machine does not keep.
const longestRead = 10 * time.Minute

// reading is a value that is being read.
type reading struct {
	jetstream.ObjectResult
	cancel context.CancelFunc
}

func (r reading) Close() error {
	defer r.cancel()
	return r.ObjectResult.Close()
}

// Get opens the value of key, or fails with [ErrNotFound]. The caller closes it.
func (o *Objects) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	ctx, cancel := context.WithTimeout(ctx, longestRead)
	r, err := o.store.Get(ctx, key)
	if err != nil {
		cancel()
		return nil, translate(err)
	}
	return reading{r, cancel}, nil
}

// Delete removes a value. One that is not there is no error. It may use the room that writes leave free.
func (o *Objects) Delete(ctx context.Context, key string) error {
	end, err := o.state.enter(0, deleteReserve)
	if err != nil {
		return err
	}
	defer end()
	if err := translate(o.store.Delete(ctx, key)); err != nil && err != ErrNotFound {
		return o.state.meant(err)
	}
	return nil
}
