//go:build linux

package state

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// smallDisk is a file system of its own, and a file that fills it.
type smallDisk struct {
	t    *testing.T
	root string
}

func newSmallDisk(t *testing.T) *smallDisk {
	d := &smallDisk{t, t.TempDir()}
	if err := unix.Mount("tmpfs", d.root, "tmpfs", 0, "size=32m"); err != nil {
		t.Skipf("a full disk needs a small file system, and mounting one is not allowed here: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(d.root, unix.MNT_DETACH) })
	return d
}

func (d *smallDisk) state() string { return filepath.Join(d.root, "state") }

// fill leaves so many bytes free.
func (d *smallDisk) fill(leave int64) {
	d.t.Helper()
	free, err := freeBytes(d.root)
	if err != nil {
		d.t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(d.root, "other"))
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Fallocate(int(f.Fd()), 0, 0, free-leave); err != nil {
		d.t.Fatal(err)
	}
}

func (d *smallDisk) clear() {
	d.t.Helper()
	if err := os.Remove(filepath.Join(d.root, "other")); err != nil {
		d.t.Fatal(err)
	}
}

// fresh makes the store look at the disk at the next write.
func fresh(s *Store) { s.room.looked.Store(0) }

func TestFullDiskRefusesWritesAndLosesNone(t *testing.T) {
	d := newSmallDisk(t)
	s := open(t, d.state())
	b, err := s.Bucket(t.Context(), "things")
	if err != nil {
		t.Fatal(err)
	}
	o, err := s.Objects(t.Context(), "blobs")
	if err != nil {
		t.Fatal(err)
	}
	// Written until it is full by itself: what was acknowledged is there, whatever comes.
	value, acknowledged := bytes.Repeat([]byte("x"), 100<<10), 0
	for {
		if _, err = b.Put(t.Context(), fmt.Sprint("k", acknowledged), value); err != nil {
			break
		}
		acknowledged++
	}
	if !errors.Is(err, ErrFull) || acknowledged < 100 {
		t.Fatalf("after %d writes: %v, want ErrFull once the disk is nearly full", acknowledged, err)
	}
	check := func(when string) {
		t.Helper()
		all, err := b.All(t.Context())
		if err != nil || len(all) != acknowledged {
			t.Errorf("%s: %d values, %v; want the %d that were acknowledged", when, len(all), err, acknowledged)
		}
	}
	check("full")
	if err := o.Put(t.Context(), "o", bytes.NewReader(value)); !errors.Is(err, ErrFull) {
		t.Errorf("Objects.Put: %v, want ErrFull", err)
	}
	if _, err := b.Put(Freeing(t.Context()), "k0", []byte("deleted")); err != nil {
		t.Errorf("a write that makes room: %v", err)
	}
	// What is deleted makes room, once whole blocks of the journal are empty, and the store finds it by itself.
	for i := range acknowledged / 2 {
		if err := b.Delete(t.Context(), fmt.Sprint("k", i)); err != nil {
			t.Fatalf("Delete: %v", err)
		}
	}
	acknowledged -= acknowledged / 2
	fresh(s)
	if _, err := b.Put(t.Context(), "new", value); err != nil {
		t.Errorf("Put after deletes: %v", err)
	}
	acknowledged++
	check("after deletes")
	s.Close()
	s = open(t, d.state())
	b, _ = s.Bucket(t.Context(), "things")
	check("reopened")
}

// A cloud that was killed while the disk is full comes back, and reads; what is new has to wait.
func TestStoreOpensOnAFullDisk(t *testing.T) {
	d := newSmallDisk(t)
	s := open(t, d.state())
	b, err := s.Bucket(t.Context(), "things")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Objects(t.Context(), "blobs"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Put(t.Context(), "k", []byte("v")); err != nil {
		t.Fatal(err)
	}
	s.Close()
	d.fill(reserve / 2)
	s = open(t, d.state())
	if b, err = s.Bucket(t.Context(), "things"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Objects(t.Context(), "blobs"); err != nil {
		t.Error(err)
	}
	if e, err := b.Get(t.Context(), "k"); err != nil || string(e.Value) != "v" {
		t.Errorf("Get: %q, %v", e.Value, err)
	}
	if _, err := b.Put(t.Context(), "k", []byte("w")); !errors.Is(err, ErrFull) {
		t.Errorf("Put: %v, want ErrFull", err)
	}
	if _, err := s.Bucket(t.Context(), "new"); !errors.Is(err, ErrFull) {
		t.Errorf("a new bucket: %v, want ErrFull", err)
	}
	d.clear()
	fresh(s)
	if _, err := b.Put(t.Context(), "k", []byte("w")); err != nil {
		t.Errorf("Put with room: %v", err)
	}
}

func TestObjectThatDoesNotFitLeavesTheStoreWhole(t *testing.T) {
	d := newSmallDisk(t)
	s := open(t, d.state())
	o, err := s.Objects(t.Context(), "blobs")
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Put(t.Context(), "large", bytes.NewReader(make([]byte, 40<<20))); !errors.Is(err, ErrFull) {
		t.Fatalf("40 MB on a disk of 32 MB: %v, want ErrFull", err)
	}
	if _, err := o.Get(t.Context(), "large"); !errors.Is(err, ErrNotFound) {
		t.Errorf("half an object can be read: %v", err)
	}
	fresh(s)
	if err := o.Put(t.Context(), "small", bytes.NewReader(make([]byte, 1<<20))); err != nil {
		t.Errorf("what does fit: %v", err)
	}
}

// Another program fills the disk between a look at it and a write: the journal meets the full disk and takes nothing
// more. The next write that has room opens it again.
func TestJournalOpensAgainAfterAWriteFailedOnIt(t *testing.T) {
	d := newSmallDisk(t)
	s := open(t, d.state())
	b, err := s.Bucket(t.Context(), "things")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Put(t.Context(), "before", []byte("1")); err != nil {
		t.Fatal(err)
	}
	s.room.left.Store(math.MaxInt64 / 2)
	s.room.looked.Store(time.Now().Add(time.Hour).UnixNano()) // trust the last look
	d.fill(0)
	soon, cancel := context.WithTimeout(t.Context(), time.Second) // JetStream answers such a write nothing
	defer cancel()
	if _, err := b.Put(soon, "during", bytes.Repeat([]byte("x"), 1<<20)); !errors.Is(err, ErrFull) {
		t.Fatalf("a write on a full disk: %v, want ErrFull", err)
	}
	fresh(s)
	if _, err := b.Put(t.Context(), "during", []byte("2")); !errors.Is(err, ErrFull) {
		t.Errorf("a write while it is full: %v, want ErrFull", err)
	}
	if e, err := b.Get(t.Context(), "before"); err != nil || string(e.Value) != "1" {
		t.Errorf("Get while it is full: %q, %v", e.Value, err)
	}
	d.clear()
	fresh(s)
	if _, err := b.Put(t.Context(), "after", []byte("3")); err != nil {
		t.Fatalf("a write once there is room: %v", err)
	}
	s.Close()
	s = open(t, d.state())
	b, _ = s.Bucket(t.Context(), "things")
	for key, want := range map[string]string{"before": "1", "after": "3"} {
		if e, err := b.Get(t.Context(), key); err != nil || string(e.Value) != want {
			t.Errorf("after reopening, %s is %q, %v; want %q", key, e.Value, err, want)
		}
	}
}
