package logs

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"quotewire/cloud/state"
)

// block is a part of a group's events as the store has it, under its number. A block of which the group keeps nothing any
// more is removed, so a block has events of one group only: a quiet group would hold those of a busy one.
type block struct {
	live    int  // events in it that the group still keeps
	bytes   int  // of all that have been put into it, roughly
	written bool // the store has it, as it was
	dirty   bool // and not as it is
}

// full reports whether the next event goes into another block. One that is small when the store gets it is written again
// with more: the store has a bound on its keys that way, as it has one on their bytes.
func (b *block) full() bool { return b.bytes >= maxBlock || b.written && b.bytes >= minBlock }

func blockKey(number uint64) string { return fmt.Sprintf("%020d", number) }

func (s *Service) loadBlocks(ctx context.Context) error {
	entries, err := s.blocks.All(ctx)
	if err != nil {
		return err
	}
	slices.SortFunc(entries, func(a, b state.Entry) int { return cmp.Compare(a.Key, b.Key) })
	for _, entry := range entries {
		var number uint64
		if _, err := fmt.Sscanf(entry.Key, "%d", &number); err != nil {
			return fmt.Errorf("block %s: %w", entry.Key, err)
		}
		s.nextBlock = max(s.nextBlock, number+1)
		var events []stored
		if err := json.Unmarshal(entry.Value, &events); err != nil {
			return fmt.Errorf("block %s: %w", entry.Key, err)
		}
		if !s.loadBlock(number, len(entry.Value), events) {
			s.dead = append(s.dead, number)
		}
	}
	return nil
}

// loadBlock gives the events of a block back to their group. It returns false if no group keeps any of them.
func (s *Service) loadBlock(number uint64, bytes int, events []stored) bool {
	for _, e := range events {
		s.nextEvent = max(s.nextEvent, e.ID+1)
	}
	events = slices.DeleteFunc(events, func(e stored) bool {
		g := s.byName[e.Group]
		return g == nil || e.Ingested < g.Created // the group was deleted, and perhaps made again
	})
	if len(events) == 0 {
		return false
	}
	owner := s.byName[events[0].Group]
	kept := &block{bytes: bytes, written: true}
	for _, e := range events {
		if s.byName[e.Group] == owner {
			kept.live++
		}
	}
	kept.dirty = kept.live < len(events) // those of other groups move to blocks of their own
	owner.blocks[number], owner.filling = kept, number
	for _, e := range events {
		g := s.byName[e.Group]
		if g.Streams[e.Stream] == nil {
			g.Streams[e.Stream] = &stream{Created: e.Ingested, ofFunction: true}
		}
		if g == owner {
			e.block = number
		} else {
			g.fresh++
		}
		s.add(g, e)
	}
	return true
}

// flush writes the blocks that have changed, and removes those of which no group keeps an event any more. What the store
// does not take is tried again with the next flush.
func (s *Service) flush() error {
	s.flushing.Lock()
	defer s.flushing.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	err := s.writeBlocks(ctx)
	switch {
	case err != nil && !s.stuck:
		s.config.Log.Warn("log events wait in memory: the state store does not take them", "err", err)
	case err == nil && s.stuck:
		s.config.Log.Info("log events are stored again")
	}
	s.stuck = err != nil
	if removal := s.removeDead(ctx); err == nil {
		err = removal
	}
	return err
}

func (s *Service) writeBlocks(ctx context.Context) error {
	for _, at := range s.changed() {
		text, err := s.content(at)
		if err != nil {
			return err
		}
		if text == nil {
			continue
		}
		if _, err := s.blocks.Put(ctx, blockKey(at.block), text); err != nil {
			return err
		}
		s.mu.Lock()
		if b := at.group.blocks[at.block]; b != nil {
			b.dirty, b.written = false, true
		}
		s.mu.Unlock()
	}
	return nil
}

// place is a block of a group.
type place struct {
	group *group
	block uint64
}

// changed puts the events that are in no block into blocks, and returns all blocks that are to be written.
func (s *Service) changed() []place {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []place
	now := time.Now()
	for _, g := range s.byName {
		s.expire(g, now)
		s.assign(g)
		for number, b := range g.blocks {
			if b.dirty {
				list = append(list, place{g, number})
			}
		}
	}
	slices.SortFunc(list, func(a, b place) int { return cmp.Compare(a.block, b.block) })
	return list
}

// assign puts the events of a group that are in no block into blocks. They are among the last of the group.
func (s *Service) assign(g *group) {
	from := len(g.events)
	for ; g.fresh > 0 && from > 0; from-- {
		if g.events[from-1].block == 0 {
			g.fresh--
		}
	}
	for i := from; i < len(g.events); i++ {
		e := &g.events[i]
		if e.block != 0 {
			continue
		}
		b := g.blocks[g.filling]
		if b == nil || b.full() {
			b = &block{}
			g.filling = s.nextBlock
			g.blocks[g.filling] = b
			s.nextBlock++
		}
		e.block = g.filling
		b.live++
		b.bytes += len(e.Message) + storedOverhead
		b.dirty = true
	}
}

// content returns a block as it is to be written, nil if nothing is left of it.
func (s *Service) content(p place) ([]byte, error) {
	s.mu.Lock()
	var events []stored
	if b := p.group.blocks[p.block]; b != nil { // which is among the last, as a rule
		for i := len(p.group.events) - 1; i >= 0 && len(events) < b.live; i-- {
			if e := p.group.events[i]; e.block == p.block {
				events = append(events, e)
			}
		}
	}
	s.mu.Unlock()
	if events == nil {
		return nil, nil
	}
	slices.Reverse(events)
	return json.Marshal(events)
}

// removeDead removes the blocks that no group keeps an event of.
func (s *Service) removeDead(ctx context.Context) error {
	s.mu.Lock()
	dead := s.dead
	s.dead = nil
	s.mu.Unlock()
	for i, number := range dead {
		if err := s.blocks.Delete(ctx, blockKey(number)); err != nil {
			s.mu.Lock()
			s.dead = append(s.dead, dead[i:]...)
			s.mu.Unlock()
			return fmt.Errorf("remove old log events: %w", err)
		}
	}
	return nil
}

// removeStream drops the events of a stream, and has their blocks written again without them. The caller holds mu.
func (s *Service) removeStream(g *group, name string) {
	g.events = slices.DeleteFunc(g.events, func(e stored) bool {
		if e.Stream != name {
			return false
		}
		s.dropped(g, e)
		if b := g.blocks[e.block]; b != nil {
			b.dirty = true
		}
		return true
	})
	delete(g.Streams, name)
}
