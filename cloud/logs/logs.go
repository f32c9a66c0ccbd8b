// Package logs is CloudWatch Logs as Quotewire uses it: log groups, their streams, and the events that functions and
// other callers write, over the JSON 1.1 protocol.
//
// Events are in memory and are written to the state store in blocks, a moment after they came: to log must not cost a
// function anything. What a process that is killed has not written is lost, at most the last flushDelay of it; callers of
// the API wait for the store. While the store takes nothing, as on a full disk, events wait in memory. A group keeps its
// newest events, up to maxGroupBytes; older ones go a block at a time.
package logs

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"quotewire/cloud/iam"
	"quotewire/cloud/protocol"
	"quotewire/cloud/state"
)

// Config is what a [Service] needs. All fields must be set.
type Config struct {
	State   *state.Store
	IAM     iam.Authorizer
	Account string
	Region  string
	Log     *slog.Logger
}

// Service answers the API of CloudWatch Logs. It is safe for concurrent use.
type Service struct {
	config Config
	groups *state.Bucket // a group's record, by name
	blocks *state.Bucket // events, by number

	flushing sync.Mutex // held while blocks are written, so that they stay in order; protects stuck
	stuck    bool       // the store did not take the last events
	stop     chan struct{}
	stopped  sync.WaitGroup
	once     sync.Once

	mu        sync.Mutex // protects following
	byName    map[string]*group
	pending   []stored // not yet in the store
	nextEvent uint64
	nextBlock uint64
}

// Event is one line of a log.
type Event struct {
	Time    time.Time
	Message string
}

// group is a log group. Its streams and events are in memory.
type group struct {
	Name      string
	Created   int64 // epoch milliseconds
	Retention int   `json:",omitempty"` // days; 0 keeps events as long as there is room
	Tags      map[string]string
	Streams   map[string]*stream

	events []stored // in the order of their times, and of their arrival among those of one time
	bytes  int
}

type stream struct {
	Created int64
}

// stored is an event in its place. Its number is unique in the cloud and grows.
type stored struct {
	ID       uint64 `json:"i"`
	Group    string `json:"g"`
	Stream   string `json:"s"`
	Time     int64  `json:"t"` // epoch milliseconds
	Ingested int64  `json:"n"`
	Message  string `json:"m"`
	block    uint64
}

// New reads what the store has.
func New(ctx context.Context, c Config) (*Service, error) {
	s := &Service{config: c, byName: map[string]*group{}, stop: make(chan struct{}), nextEvent: 1, nextBlock: 1}
	var err error
	if s.groups, err = c.State.Bucket(ctx, "logs"); err == nil {
		s.blocks, err = c.State.Bucket(ctx, "logs-events")
	}
	if err == nil {
		err = s.load(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("logs: %w", err)
	}
	s.stopped.Go(s.flushNowAndThen)
	return s, nil
}

func (s *Service) load(ctx context.Context) error {
	groups, err := s.groups.All(ctx)
	if err != nil {
		return err
	}
	for _, e := range groups {
		g := &group{}
		if err := json.Unmarshal(e.Value, g); err != nil {
			return fmt.Errorf("group %s: %w", e.Key, err)
		}
		if g.Streams == nil {
			g.Streams = map[string]*stream{}
		}
		s.byName[g.Name] = g
	}
	blocks, err := s.blocks.All(ctx)
	if err != nil {
		return err
	}
	slices.SortFunc(blocks, func(a, b state.Entry) int { return cmp.Compare(a.Key, b.Key) })
	for _, b := range blocks {
		var n uint64
		if _, err := fmt.Sscanf(b.Key, "%d", &n); err != nil {
			return fmt.Errorf("block %s: %w", b.Key, err)
		}
		s.nextBlock = max(s.nextBlock, n+1)
		var events []stored
		if err := json.Unmarshal(b.Value, &events); err != nil {
			return fmt.Errorf("block %s: %w", b.Key, err)
		}
		for _, e := range events {
			e.block = n
			s.nextEvent = max(s.nextEvent, e.ID+1)
			// Events from before belong to a group or a stream of the same name that was deleted.
			if g := s.byName[e.Group]; g != nil && g.Streams[e.Stream] != nil && e.Ingested >= g.Streams[e.Stream].Created {
				g.add(e)
			}
		}
	}
	return nil
}

// Close writes what is still in memory. Put and the API must not be called after it.
func (s *Service) Close() {
	s.once.Do(func() { close(s.stop) })
	s.stopped.Wait()
}

// Put adds events to a stream and makes the group and the stream if they are new. It does not wait for the store.
func (s *Service) Put(ctx context.Context, groupName, streamName string, events []Event) error {
	s.mu.Lock()
	g := s.byName[groupName]
	fresh := g == nil || g.Streams[streamName] == nil
	s.mu.Unlock()
	if fresh {
		if err := s.ensure(ctx, groupName, streamName, nil); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if g = s.byName[groupName]; g == nil { // deleted in between
		return nil
	}
	for _, e := range events {
		s.append(g, streamName, e.Time.UnixMilli(), e.Message)
	}
	return nil
}

// append adds an event. The caller holds mu.
func (s *Service) append(g *group, streamName string, at int64, message string) {
	e := stored{ID: s.nextEvent, Group: g.Name, Stream: streamName, Time: at, Ingested: time.Now().UnixMilli(), Message: message}
	s.nextEvent++
	g.add(e)
	s.pending = append(s.pending, e)
}

// add puts an event in its place, which is nearly always the last.
func (g *group) add(e stored) {
	at := len(g.events)
	if at > 0 && e.at().compare(g.events[at-1].at()) < 0 {
		at, _ = slices.BinarySearchFunc(g.events, e.at(), func(o stored, c cursor) int { return o.at().compare(c) })
	}
	g.events = slices.Insert(g.events, at, e)
	g.bytes += len(e.Message) + eventOverhead
	drop := 0
	for g.bytes > maxGroupBytes {
		g.bytes -= len(g.events[drop].Message) + eventOverhead
		drop++
	}
	g.events = g.events[drop:]
}

// oldest is the time of the oldest event that the group keeps, by its retention.
func (g *group) oldest(now time.Time) int64 {
	if g.Retention == 0 {
		return 0
	}
	return now.AddDate(0, 0, -g.Retention).UnixMilli()
}

// expire drops the events that the group keeps no longer.
func (g *group) expire(now time.Time) {
	oldest := g.oldest(now)
	drop := 0
	for drop < len(g.events) && g.events[drop].Time < oldest {
		g.bytes -= len(g.events[drop].Message) + eventOverhead
		drop++
	}
	g.events = g.events[drop:]
}

// ensure makes a group and a stream that are not there.
func (s *Service) ensure(ctx context.Context, groupName, streamName string, tags map[string]string) error {
	s.flushing.Lock()
	defer s.flushing.Unlock()
	s.mu.Lock()
	g := s.byName[groupName]
	now := time.Now().UnixMilli()
	if g == nil {
		g = &group{Name: groupName, Created: now, Tags: tags, Streams: map[string]*stream{}}
	}
	if g.Streams[streamName] == nil && streamName != "" {
		g.Streams[streamName] = &stream{now}
	}
	s.byName[groupName] = g
	text, err := json.Marshal(g)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return s.save(ctx, groupName, text)
}

func (s *Service) save(ctx context.Context, name string, text []byte) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	_, err := s.groups.Put(ctx, name, text)
	return err
}

func (s *Service) flushNowAndThen() {
	tick := time.NewTicker(flushDelay)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.flush()
		case <-s.stop:
			s.flush()
			return
		}
	}
}

// flush writes the pending events in blocks, and removes the blocks that no group keeps an event of any more.
func (s *Service) flush() error {
	s.flushing.Lock()
	defer s.flushing.Unlock()
	s.mu.Lock()
	pending := s.pending
	s.pending = nil
	s.mu.Unlock()
	if len(pending) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	for len(pending) > 0 {
		n, size := 0, 0
		for n < len(pending) && (n == 0 || size+len(pending[n].Message) < maxBlock) {
			size += len(pending[n].Message) + 100
			n++
		}
		text, err := json.Marshal(pending[:n])
		if err == nil {
			_, err = s.blocks.Put(ctx, fmt.Sprintf("%020d", s.nextBlock), text)
		}
		if err != nil {
			s.putBack(pending, err)
			return err
		}
		s.nextBlock++
		pending = pending[n:]
	}
	if s.stuck {
		s.stuck = false
		s.config.Log.Info("log events are stored again")
	}
	s.trim(ctx)
	return nil
}

// putBack keeps events that the store did not take for the next flush. The caller holds flushing.
func (s *Service) putBack(events []stored, cause error) {
	s.mu.Lock()
	s.pending = append(events, s.pending...)
	bytes, lost := 0, 0
	for i := len(s.pending) - 1; i >= 0; i-- {
		if bytes += len(s.pending[i].Message) + eventOverhead; bytes > maxPending {
			lost = i + 1
			break
		}
	}
	s.pending = s.pending[lost:]
	s.mu.Unlock()
	if !s.stuck {
		s.config.Log.Warn("log events wait in memory: the state store does not take them", "err", cause)
	}
	if lost > 0 {
		s.config.Log.Error("log events are lost: the state store has not taken them for long", "events", lost)
	}
	s.stuck = true
}

// trim removes old blocks once there are more of them than all groups together may fill.
func (s *Service) trim(ctx context.Context) {
	s.mu.Lock()
	keep := uint64(max(1, len(s.byName))) * (maxGroupBytes / (maxBlock / 4))
	next := s.nextBlock
	s.mu.Unlock()
	if next > keep {
		if err := s.blocks.Delete(ctx, fmt.Sprintf("%020d", next-keep-1)); err != nil {
			s.config.Log.Warn("an old block of log events stays in the store", "err", err)
		}
	}
}

func (s *Service) allow(ctx context.Context, action, groupName, streamName string) error {
	resource := "arn:aws:logs:" + s.config.Region + ":" + s.config.Account + ":log-group:" + cmp.Or(groupName, "*")
	if streamName != "" {
		resource += ":log-stream:" + streamName
	} else if action != "CreateLogGroup" && action != "DescribeLogGroups" {
		resource += ":*"
	}
	return s.config.IAM.Authorize(ctx, protocol.JSON11, "logs:"+action, strings.TrimSuffix(resource, ":"), nil)
}
