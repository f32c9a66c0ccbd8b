package dynamodb

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"quotewire/cloud/protocol"
)

// journalEntry is one record of the journal: what a transaction writes, in the terms of the store.
type journalEntry struct {
	Writes []journalWrite
}

type journalWrite struct {
	Table string          // its id
	Key   string          // in its bucket
	Item  json.RawMessage `json:",omitempty"` // absent to delete
}

// record writes a decided transaction: the journal first, then the tables' buckets. It returns an error if the journal did
// not take it, and then nothing has happened, or if the service ends.
func (s *Service) record(ctx context.Context, changes []*change) error {
	var e journalEntry
	for _, c := range changes {
		w := journalWrite{Table: c.table.id, Key: storeKey(c.key)}
		if c.new != nil {
			w.Item = json.RawMessage(c.new.json)
		}
		e.Writes = append(e.Writes, w)
	}
	id := protocol.RequestID()
	// The outcome of a write that was given up is unknown, and this record decides: so it is not given up.
	ctx = context.WithoutCancel(ctx)
	if _, err := s.journal.Create(ctx, id, marshal(e)); err != nil {
		// A record that was written all the same would be carried out at the next start: take it back.
		if undo := s.journal.Delete(ctx, id); undo != nil {
			s.log.Error("dynamodb: a failed transaction may be carried out at the next start", "err", undo)
		}
		return fmt.Errorf("journal of a transaction: %w", err)
	}
	err := s.insist(func() error {
		var group errgroup.Group
		for _, c := range changes {
			group.Go(func() error { return c.store(ctx) })
		}
		return group.Wait()
	})
	if err != nil {
		return err
	}
	return s.insist(func() error { return s.journal.Delete(ctx, id) })
}

// insist does what must be done, again and again with longer waits, until it is done or the service ends.
func (s *Service) insist(do func() error) error {
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		err := do()
		if err == nil {
			return nil
		}
		s.log.Error("dynamodb: the store refuses a write of a decided transaction; trying again", "err", err)
		select {
		case <-time.After(wait):
		case <-s.ended:
			return fmt.Errorf("the service ends before a transaction is written; the next start writes it: %w", err)
		}
	}
}

// replay brings the tables' buckets up to date with the transactions that the journal has: they were decided, and cut short.
func (s *Service) replay(ctx context.Context, tables map[string]*table) error {
	all, err := s.journal.All(ctx)
	if err != nil {
		return err
	}
	for _, e := range all {
		var entry journalEntry
		if err := json.Unmarshal(e.Value, &entry); err != nil {
			return fmt.Errorf("entry %s: %w", e.Key, err)
		}
		for _, w := range entry.Writes {
			switch t := tables[w.Table]; {
			case t == nil: // dropped since
			case w.Item == nil:
				err = t.items.Delete(ctx, w.Key)
			default:
				_, err = t.items.Put(ctx, w.Key, w.Item)
			}
			if err != nil {
				return err
			}
		}
		if err := s.journal.Delete(ctx, e.Key); err != nil {
			return err
		}
		s.log.Info("dynamodb: finished a transaction that was cut short", "writes", len(entry.Writes))
	}
	return nil
}
