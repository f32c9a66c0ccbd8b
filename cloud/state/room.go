package state

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// ErrFull is returned by writes while the disk of the state folder is full. Nothing was written. Once there is room
// again, writes succeed without a restart.
var ErrFull = errors.New("the disk of the state folder is full")

const (
	// reserve is what writes leave free, in bytes: room for the journal's own housekeeping, and for deletes, which write
	// before they free anything.
	reserve = 8 << 20
	// deleteReserve is what deletes leave free.
	deleteReserve = 1 << 20
	// writeOverhead is what a write takes beside its value, in bytes, rounded up.
	writeOverhead = 1 << 10
	// lookAgain is how long a look at the disk is trusted while other programs may write to it as well.
	lookAgain = 100 * time.Millisecond
)

// room refuses writes before the disk is full. JetStream must not meet a full disk: a stream that a write has failed on
// takes none any more, answers nothing at all, and stays so until it is opened again.
type room struct {
	dir string
	log *slog.Logger

	left   atomic.Int64 // bytes that may be written before the next look
	looked atomic.Int64 // when, in Unix nanoseconds

	mu   sync.Mutex // held to look
	full bool       // what was said last
}

// take reports whether n bytes may be written that leave keep bytes free. It costs a look at the disk now and then.
func (r *room) take(n, keep int64) error {
	n += writeOverhead
	if keep == reserve && time.Now().UnixNano()-r.looked.Load() < int64(lookAgain) && r.left.Add(-n) >= 0 {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	free, err := freeBytes(r.dir)
	if err != nil {
		return fmt.Errorf("state: look how full the disk is: %w", err)
	}
	if keep == reserve {
		r.left.Store(free - reserve - n)
		r.looked.Store(time.Now().UnixNano())
	}
	refuse := free-n < keep
	if refuse && !r.full {
		r.log.Error("the disk of the state folder is full: writes are refused until there is room", "dir", r.dir, "free", free, "kept", keep)
	} else if r.full && !refuse && keep == reserve {
		r.log.Info("there is room for the state again", "dir", r.dir, "free", free)
	}
	if refuse || keep == reserve {
		r.full = refuse
	}
	if refuse {
		return ErrFull
	}
	return nil
}

// begin is called before each write of n bytes and lets it happen, or not. The caller calls the function that it returns
// when the write is over.
func (s *Store) begin(ctx context.Context, n int) (end func(), err error) {
	end, err = s.enter(int64(n), reserve)
	if err == ErrFull && ctx.Value(freeing{}) != nil {
		return s.enter(int64(n), deleteReserve)
	}
	return end, err
}

type freeing struct{}

// Freeing marks the writes of what gives back more room than it takes, such as the record of an object's deletion: they
// may use the room that other writes leave free.
func Freeing(ctx context.Context) context.Context { return context.WithValue(ctx, freeing{}, true) }

func (s *Store) enter(n, keep int64) (end func(), err error) {
	if err := s.room.take(n, keep); err != nil {
		return nil, err
	}
	if s.broken.Load() {
		if err := s.reopen(n, keep); err != nil {
			return nil, err
		}
	}
	s.writing.RLock()
	return s.writing.RUnlock, nil
}

// reopen opens the journal again after a write has failed on it: what was acknowledged is there, and what was not is cut
// off. It waits for the writes that are under way, which get no answer. It takes time, and would take it again for each
// write that waits: on a disk that has no room for n bytes now, nothing is opened.
func (s *Store) reopen(n, keep int64) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if !s.broken.Load() {
		return nil // another write was first
	}
	s.room.looked.Store(0)
	if err := s.room.take(n, keep); err != nil {
		return err
	}
	if err := s.server.ShutdownJetStream(); err != nil {
		return fmt.Errorf("state: close the journal that a write has failed on: %w", err)
	}
	s.broken.Store(false)
	if err := s.server.EnableJetStream(&server.JetStreamConfig{StoreDir: s.storeDir, MaxStore: maxStore, SyncInterval: syncInterval}); err != nil {
		s.broken.Store(true)
		return fmt.Errorf("state: open the journal again: %w", err)
	}
	s.room.log.Info("the state's journal is open again after a write had failed on it")
	return nil
}

// meant turns the error of a write into [ErrFull] if the write met a full disk all the same, as when another program
// fills it at that very moment. JetStream then answers nothing, and the client gives up.
func (s *Store) meant(err error) error {
	if err != nil && s.broken.Load() {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

// writeFailed reports whether a complaint of the server is that a stream cannot be written any more. It says so nowhere
// but in its log.
func writeFailed(complaint string) bool {
	return strings.Contains(complaint, "Critical write error") || strings.Contains(complaint, "failed to store a msg")
}
