package s3

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"

	"quotewire/cloud/state"
)

// piece is a run of bytes in the [store]. An object is one piece; one from a multipart upload has a piece per part.
type piece struct {
	ID   int
	Size int64
}

// store keeps runs of bytes under small numbers. A number is given out only while no metadata names it, and is
// remembered nowhere but in the metadata: what a crash leaves behind is found at the next start as a number below
// the high-water mark that nothing refers to, and is given out again.
type store struct {
	objects *state.Objects
	marks   *state.Bucket

	mu     sync.Mutex
	high   int          // protected by mu, as what follows: every number in use is below
	free   []int        // numbers below high that hold nothing
	pins   map[int]int  // readers of a piece
	doomed map[int]bool // pieces to remove when their last reader has closed
	stale  []int        // pieces that could not be removed, as on a full disk
}

const highMark = "high"

func openStore(ctx context.Context, st *state.Store, used map[int]bool) (*store, error) {
	s := &store{pins: map[int]int{}, doomed: map[int]bool{}}
	var err error
	if s.objects, err = st.Objects(ctx, "s3-bytes"); err != nil {
		return nil, err
	}
	if s.marks, err = st.Bucket(ctx, "s3-marks"); err != nil {
		return nil, err
	}
	e, err := s.marks.Get(ctx, highMark)
	if err == nil {
		err = json.Unmarshal(e.Value, &s.high)
	}
	if err != nil && !errors.Is(err, state.ErrNotFound) {
		return nil, err
	}
	for id := s.high - 1; id >= 0; id-- {
		if used[id] {
			continue
		}
		if err := s.objects.Delete(ctx, name(id)); err != nil {
			return nil, err
		}
		s.free = append(s.free, id)
	}
	return s, nil
}

func name(id int) string { return strconv.Itoa(id) }

// write stores what r holds as a new piece, which the caller either names in metadata or drops.
func (s *store) write(ctx context.Context, r io.Reader) (piece, error) {
	s.sweep(ctx)
	id, err := s.take(ctx)
	if err != nil {
		return piece{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, transferTime)
	defer cancel()
	c := &counter{r: r}
	if err := s.objects.Put(ctx, name(id), c); err != nil {
		s.drop(ctx, piece{ID: id})
		if c.err != nil {
			return piece{}, c.err // what went wrong with the body says more than what the store made of it
		}
		return piece{}, fmt.Errorf("store the bytes of an object: %w", err)
	}
	return piece{id, c.n}, nil
}

func (s *store) take(ctx context.Context) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.free) == 0 {
		// The mark is raised in steps, and before the first of its numbers is used.
		const step = 16
		text, _ := json.Marshal(s.high + step)
		if _, err := s.marks.Put(ctx, highMark, text); err != nil {
			return 0, err
		}
		for id := s.high + step - 1; id >= s.high; id-- {
			s.free = append(s.free, id)
		}
		s.high += step
	}
	id := s.free[len(s.free)-1]
	s.free = s.free[:len(s.free)-1]
	return id, nil
}

// drop removes pieces that no metadata names any more; one that is being read goes when its reader closes.
func (s *store) drop(ctx context.Context, pieces ...piece) {
	ctx = context.WithoutCancel(ctx)
	for _, p := range pieces {
		s.mu.Lock()
		read := s.pins[p.ID] > 0
		if read {
			s.doomed[p.ID] = true
		}
		s.mu.Unlock()
		if !read {
			s.remove(ctx, p.ID)
		}
	}
}

func (s *store) remove(ctx context.Context, id int) {
	err := s.objects.Delete(ctx, name(id))
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.stale = append(s.stale, id) // tried again before the next write; the next start would find it, too
		return
	}
	s.free = append(s.free, id)
}

// sweep removes what could not be removed before.
func (s *store) sweep(ctx context.Context) {
	s.mu.Lock()
	stale := s.stale
	s.stale = nil
	s.mu.Unlock()
	for _, id := range stale {
		s.remove(ctx, id)
	}
}

// pin keeps pieces from being removed until unpin. The caller then makes sure that the metadata still names them.
func (s *store) pin(pieces []piece) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range pieces {
		s.pins[p.ID]++
	}
}

func (s *store) unpin(ctx context.Context, pieces []piece) {
	var gone []int
	s.mu.Lock()
	for _, p := range pieces {
		if s.pins[p.ID]--; s.pins[p.ID] > 0 {
			continue
		}
		delete(s.pins, p.ID)
		if s.doomed[p.ID] {
			delete(s.doomed, p.ID)
			gone = append(gone, p.ID)
		}
	}
	s.mu.Unlock()
	for _, id := range gone {
		s.remove(context.WithoutCancel(ctx), id)
	}
}

// open reads length bytes from offset on out of pieces, which are pinned; closing the reader unpins them.
func (s *store) open(ctx context.Context, pieces []piece, offset, length int64) *reader {
	bounded, cancel := context.WithTimeout(ctx, transferTime)
	return &reader{store: s, ctx: bounded, cancel: cancel, pinned: slices.Clone(pieces), pieces: pieces, skip: offset, left: length}
}

// reader reads a range of consecutive pieces.
type reader struct {
	store  *store
	ctx    context.Context
	cancel context.CancelFunc
	pinned []piece
	pieces []piece // not yet begun
	now    io.ReadCloser
	skip   int64 // bytes to pass over before the first one that is wanted
	left   int64 // bytes still wanted
	closed bool
}

func (r *reader) Read(p []byte) (int, error) {
	for r.left > 0 {
		if r.now == nil {
			if len(r.pieces) == 0 {
				return 0, io.ErrUnexpectedEOF
			}
			next := r.pieces[0]
			r.pieces = r.pieces[1:]
			if r.skip >= next.Size {
				r.skip -= next.Size
				continue
			}
			var err error
			if r.now, err = r.store.objects.Get(r.ctx, name(next.ID)); err != nil {
				return 0, fmt.Errorf("read the bytes of an object: %w", err)
			}
			if _, err := io.CopyN(io.Discard, r.now, r.skip); err != nil {
				return 0, err
			}
			r.skip = 0
		}
		n, err := r.now.Read(p[:min(int64(len(p)), r.left)])
		r.left -= int64(n)
		if err == io.EOF {
			err = r.now.Close()
			r.now = nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
	return 0, io.EOF
}

func (r *reader) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	if r.now != nil {
		r.now.Close()
	}
	r.cancel()
	r.store.unpin(r.ctx, r.pinned)
	return nil
}

// counter counts what is read through it and keeps the first error that is not the end.
type counter struct {
	r   io.Reader
	n   int64
	err error
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if c.n > maxObject {
		err = errTooLarge
	}
	if err != nil && err != io.EOF && c.err == nil {
		c.err = err
	}
	return n, err
}
