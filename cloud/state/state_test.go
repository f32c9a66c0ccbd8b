package state

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"testing"
	"testing/iotest"
)

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(t.Context(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestEverythingIsThereAfterReopening(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	b, err := s.Bucket(t.Context(), "things")
	if err != nil {
		t.Fatal(err)
	}
	keys := []string{"plain", "with.dot", "with space", "=", "a/b/../c", "ünïcode", "", "$default", "a*b>c", "x=2Ey"}
	for _, k := range keys {
		if _, err := b.Put(t.Context(), k, []byte("value of "+k)); err != nil {
			t.Fatalf("Put(%q): %v", k, err)
		}
	}
	o, err := s.Objects(t.Context(), "blobs")
	if err != nil {
		t.Fatal(err)
	}
	blob := bytes.Repeat([]byte("0123456789"), 1<<18)
	if err := o.Put(t.Context(), "code/watch.zip", bytes.NewReader(blob)); err != nil {
		t.Fatal(err)
	}
	s.Close()

	s = open(t, dir)
	b, _ = s.Bucket(t.Context(), "things")
	all, err := b.All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, e := range all {
		got[e.Key] = string(e.Value)
	}
	for _, k := range keys {
		if got[k] != "value of "+k {
			t.Errorf("after reopening, %q is %q", k, got[k])
		}
	}
	if len(got) != len(keys) {
		t.Errorf("%d keys, want %d", len(got), len(keys))
	}
	o, _ = s.Objects(t.Context(), "blobs")
	r, err := o.Get(t.Context(), "code/watch.zip")
	if err != nil {
		t.Fatal(err)
	}
	back, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(back, blob) {
		t.Errorf("the object came back with %d bytes, %v; want %d", len(back), err, len(blob))
	}
}

func TestCreateAndUpdateNoticeAConflict(t *testing.T) {
	s := open(t, t.TempDir())
	b, err := s.Bucket(t.Context(), "things")
	if err != nil {
		t.Fatal(err)
	}
	rev, err := b.Create(t.Context(), "k", []byte("1"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Create(t.Context(), "k", []byte("2")); !errors.Is(err, ErrConflict) {
		t.Errorf("second Create: %v, want ErrConflict", err)
	}
	if _, err := b.Update(t.Context(), "k", []byte("3"), rev); err != nil {
		t.Errorf("Update with the right revision: %v", err)
	}
	if _, err := b.Update(t.Context(), "k", []byte("4"), rev); !errors.Is(err, ErrConflict) {
		t.Errorf("Update with an old revision: %v, want ErrConflict", err)
	}
	if err := b.Delete(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Get(t.Context(), "k"); !errors.Is(err, ErrNotFound) {
		t.Errorf("Get after Delete: %v, want ErrNotFound", err)
	}
	if _, err := b.Create(t.Context(), "k", []byte("5")); err != nil {
		t.Errorf("Create after Delete: %v", err)
	}
}

func TestFolderInUseIsRefused(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	if _, err := Open(t.Context(), dir, slog.New(slog.DiscardHandler)); !errors.Is(err, ErrInUse) {
		t.Errorf("second Open: %v, want ErrInUse", err)
	}
}

// An object store of the library's own reads what is written here, and the other way round.
func TestObjectsHaveTheFormatOfJetStream(t *testing.T) {
	s := open(t, t.TempDir())
	o, err := s.Objects(t.Context(), "blobs")
	if err != nil {
		t.Fatal(err)
	}
	value := bytes.Repeat([]byte("0123456789"), 40_000) // more than three chunks
	for _, v := range [][]byte{value, {}, value[:chunkSize], []byte("last")} {
		if err := o.Put(t.Context(), "an object/with ä", bytes.NewReader(v)); err != nil {
			t.Fatal(err)
		}
		got, err := o.store.GetBytes(t.Context(), "an object/with ä")
		if err != nil || !bytes.Equal(got, v) {
			t.Fatalf("%d bytes came back as %d: %v", len(v), len(got), err)
		}
	}
	status, err := o.store.Status(t.Context())
	if err != nil || status.Size() > 2000 {
		t.Errorf("the store has %d bytes for an object of 4: chunks of earlier ones are still there (%v)", status.Size(), err)
	}
	if _, err := o.store.PutBytes(t.Context(), "theirs", value); err != nil {
		t.Fatal(err)
	}
	if err := o.Put(t.Context(), "theirs", bytes.NewReader([]byte("ours"))); err != nil {
		t.Fatal(err)
	}
	if got, err := o.store.GetString(t.Context(), "theirs"); err != nil || got != "ours" {
		t.Errorf("%q, %v", got, err)
	}
	broken := io.MultiReader(bytes.NewReader(value), iotest.ErrReader(io.ErrClosedPipe))
	if err := o.Put(t.Context(), "theirs", broken); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a value that breaks: %v", err)
	}
	if got, err := o.store.GetString(t.Context(), "theirs"); err != nil || got != "ours" {
		t.Errorf("after a value that broke: %q, %v", got, err)
	}
}

// A value that is replaced or deleted while somebody reads it is read to its end.
func TestValueIsReadWholeWhateverBecomesOfItsKey(t *testing.T) {
	s := open(t, t.TempDir())
	o, err := s.Objects(t.Context(), "blobs")
	if err != nil {
		t.Fatal(err)
	}
	old, new := bytes.Repeat([]byte("old!"), 1<<20), bytes.Repeat([]byte("new!"), 1<<20) // more than is read ahead
	for name, change := range map[string]func() error{
		"replaced": func() error { return o.Put(t.Context(), "k", bytes.NewReader(new)) },
		"deleted":  func() error { return o.Delete(t.Context(), "k") },
	} {
		if err := o.Put(t.Context(), "k", bytes.NewReader(old)); err != nil {
			t.Fatal(err)
		}
		r, err := o.Get(t.Context(), "k")
		if err != nil {
			t.Fatal(err)
		}
		if err := change(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, old) {
			t.Errorf("%s meanwhile: read %d bytes, %v; want the %d of the old value", name, len(got), err, len(old))
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if has, err := o.Has(t.Context(), "k"); err != nil || has != (name == "replaced") {
			t.Errorf("%s: Has says %v, %v", name, has, err)
		}
	}
	// Nothing is left of what was read last: only the descriptions.
	stream, err := s.js.Stream(t.Context(), "OBJ_blobs")
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Delete(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	info, err := stream.Info(t.Context())
	if err != nil || info.State.Msgs != 1 {
		t.Errorf("%+v, %v", info.State, err)
	}
}

func TestDeletedKeyLeavesNothingAndStaysDeletedAfterAKill(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	b, err := s.Bucket(t.Context(), "things")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		key := fmt.Sprint("key", i)
		if _, err := b.Put(t.Context(), key, []byte("value")); err != nil {
			t.Fatal(err)
		}
		if i == 50 {
			continue
		}
		if err := b.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	info, err := b.stream.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if info.State.Msgs != 1 {
		t.Errorf("the journal holds %d messages for one key", info.State.Msgs)
	}
	// What a killed process leaves is what is in its files at that moment.
	killed := t.TempDir()
	if err := os.CopyFS(killed, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	b, err = open(t, killed).Bucket(t.Context(), "things")
	if err != nil {
		t.Fatal(err)
	}
	all, err := b.All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 1 || all[0].Key != "key50" {
		t.Errorf("after a kill there are %d keys, want key50 alone", len(all))
	}
	if _, err := b.Create(t.Context(), "key1", nil); err != nil {
		t.Errorf("a deleted key cannot be created: %v", err)
	}
	if _, err := b.Update(t.Context(), "key2", nil, 3); err != ErrConflict {
		t.Errorf("Update of a deleted key: %v, want ErrConflict", err)
	}
}
