package state

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Objects is a named set of large values, such as function code. It is safe for concurrent use.
type Objects struct {
	state *Store
	name  string
	store jetstream.ObjectStore

	mu      sync.Mutex      // protects following
	readers map[string]int  // of the chunks with that id
	doomed  map[string]bool // the ids of chunks that go once nobody reads them
}

func (s *Store) newObjects(name string, o jetstream.ObjectStore) *Objects {
	return &Objects{state: s, name: name, store: o, readers: map[string]int{}, doomed: map[string]bool{}}
}

// Objects opens the object store of that name, made of letters, digits, "-" and "_", and creates it if it is new. One
// that is there can be opened on a full disk as well.
func (s *Store) Objects(ctx context.Context, name string) (*Objects, error) {
	o, err := s.js.ObjectStore(ctx, name)
	if err == nil {
		return s.newObjects(name, o), nil
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
	return s.newObjects(name, o), nil
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
	end func()
}

func (r reading) Close() error {
	defer r.end()
	return r.ObjectResult.Close()
}

// Get opens the value of key, or fails with [ErrNotFound]. The caller closes it, and reads it whole whatever becomes of
// the key meanwhile.
func (o *Objects) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	ctx, cancel := context.WithTimeout(ctx, longestRead)
	o.mu.Lock()
	defer o.mu.Unlock() // from the description of the value to the note that it is being read
	r, err := o.store.Get(ctx, key)
	if err != nil {
		cancel()
		return nil, translate(err)
	}
	info, err := r.Info()
	if err != nil {
		r.Close()
		cancel()
		return nil, translate(err)
	}
	o.readers[info.NUID]++
	return reading{r, sync.OnceFunc(func() {
		cancel()
		o.leave(info.NUID)
	})}, nil
}

// leave notes that a value is no longer read, and removes its chunks if that is what it waits for.
func (o *Objects) leave(nuid string) {
	o.mu.Lock()
	o.readers[nuid]--
	last := o.readers[nuid] == 0
	if last {
		delete(o.readers, nuid)
	}
	doomed := last && o.doomed[nuid]
	if doomed {
		delete(o.doomed, nuid)
	}
	o.mu.Unlock()
	if doomed {
		o.purge(context.Background(), nuid)
	}
}

// Has reports whether there is a value of key.
func (o *Objects) Has(ctx context.Context, key string) (bool, error) {
	_, err := o.store.GetInfo(ctx, key)
	if err = translate(err); err == ErrNotFound {
		return false, nil
	}
	return err == nil, err
}

// Delete removes a value. One that is not there is no error. It may use the room that writes leave free.
func (o *Objects) Delete(ctx context.Context, key string) error {
	end, err := o.state.enter(0, deleteReserve)
	if err != nil {
		return err
	}
	defer end()
	info, err := o.store.GetInfo(ctx, key)
	if translate(err) == ErrNotFound {
		return nil
	}
	if err != nil {
		return o.state.meant(translate(err))
	}
	gone := *info
	gone.Deleted, gone.Size, gone.Chunks, gone.Digest = true, 0, 0, ""
	if err := o.describe(ctx, &gone); err != nil {
		return o.state.meant(translate(err))
	}
	o.purge(ctx, info.NUID)
	return nil
}
