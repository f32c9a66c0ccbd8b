// Package state keeps everything that the embedded cloud must remember: resources, tables, code objects.
//
// It is a NATS server with JetStream, embedded in the process, with its client listener off: nothing outside the
// process can reach it. Small values live in key-value buckets ([Bucket]), large ones in object stores ([Objects]).
// The same calls run against a NATS cluster, so a service written over this package needs no second version for
// several machines. It knows nothing of AWS.
package state

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// maxValue bounds one value of a [Bucket], in bytes. A DynamoDB item may have 400 KB; the rest is far smaller.
const maxValue = 4 << 20

// startTimeout bounds the start of the embedded server, which replays its journal first.
const startTimeout = 30 * time.Second

const (
	syncInterval = 10 * time.Second
	// maxStore is no limit: room watches the disk, and looks again when it has changed.
	maxStore = 1 << 50
)

// Store is an open state folder. It is safe for concurrent use.
type Store struct {
	storeDir string
	server   *server.Server
	conn     *nats.Conn
	js       jetstream.JetStream
	lock     *os.File
	room     room

	broken  atomic.Bool  // a write has failed on the journal, which takes no more
	writing sync.RWMutex // held for reading by writes, and to open the journal again
}

// ErrInUse is returned by [Open] when another process holds the folder.
var ErrInUse = errors.New("the state folder is in use by another process")

// Open starts the embedded server on the folder dir, which it creates if need be, and holds the folder until
// [Store.Close]. A second process that opens the same folder gets [ErrInUse].
func Open(ctx context.Context, dir string, log *slog.Logger) (_ *Store, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("state folder: %w", err)
	}
	lock, err := lockFile(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("state folder %s: %w", dir, err)
	}
	s := &Store{lock: lock, storeDir: filepath.Join(dir, "nats"), room: room{dir: dir, log: log}}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	s.server, err = server.NewServer(&server.Options{
		ServerName: "quotewire",
		DontListen: true,
		JetStream:  true,
		StoreDir:   s.storeDir,
		NoSigs:     true,
		MaxPayload: maxValue + 64<<10,
		// The journal of a process that was killed is complete: writes are in the kernel when they are acknowledged.
		// Only a machine that loses power can lose the last interval.
		SyncInterval:           syncInterval,
		JetStreamMaxStore:      maxStore,
		DisableJetStreamBanner: true,
	})
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	s.server.SetLoggerV2(natsLog{log, &s.broken}, false, false, false)
	s.server.Start()
	wait := startTimeout
	if deadline, ok := ctx.Deadline(); ok {
		wait = time.Until(deadline)
	}
	if !s.server.ReadyForConnections(wait) {
		return nil, fmt.Errorf("state: the store in %s did not become ready in %s", dir, wait)
	}
	s.conn, err = nats.Connect("", nats.InProcessServer(s.server), nats.Name("quotewire"))
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	s.js, err = jetstream.New(s.conn)
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	return s, nil
}

// Close flushes what is written and stops the server. Calls after it fail.
func (s *Store) Close() error {
	if s.conn != nil {
		s.conn.Close()
	}
	if s.server != nil {
		s.server.Shutdown()
		s.server.WaitForShutdown()
	}
	if s.lock != nil {
		return s.lock.Close() // closing releases the lock; the file stays, so that no one locks a removed one
	}
	return nil
}

// natsLog hands the server's complaints to the cloud's log and drops its chatter.
type natsLog struct {
	log    *slog.Logger
	broken *atomic.Bool
}

func (l natsLog) Noticef(string, ...any) {}
func (l natsLog) Debugf(string, ...any)  {}
func (l natsLog) Tracef(string, ...any)  {}
func (l natsLog) Warnf(format string, args ...any) {
	l.log.Debug("store: " + fmt.Sprintf(format, args...))
}
func (l natsLog) Errorf(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if writeFailed(text) && l.broken.Swap(true) {
		return // once is enough: each write on the journal says it again
	}
	l.log.Error("store: " + text)
}
func (l natsLog) Fatalf(format string, args ...any) {
	l.log.Error("store: " + fmt.Sprintf(format, args...))
}
