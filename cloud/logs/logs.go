// Package logs is CloudWatch Logs as Quotewire uses it: log groups, their streams, and the events that functions and
// other callers write, over the JSON 1.1 protocol.
//
// Events are in memory and are written to the state store in blocks (block.go), a moment after they came: to log must not
// cost a function anything. What a process that is killed has not written is lost, at most the last flushDelay of it;
// callers of the API wait for the store. A group keeps its newest events, up to maxGroupBytes in memory and in the store.
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

	flushing sync.Mutex // held while blocks and groups are written; protects stuck
	stuck    bool       // the store did not take the last events
	stop     chan struct{}
	stopped  sync.WaitGroup
	once     sync.Once

	mu        sync.Mutex // protects following
	byName    map[string]*group
	dead      []uint64 // blocks of which no event is kept, still in the store
	nextEvent uint64
	nextBlock uint64
}

// Event is one line of a log.
type Event struct {
	Time    time.Time
	Message string
}

// group is a log group. Its events, and the streams of functions, are written apart from it.
type group struct {
	Name      string
	Created   int64 // epoch milliseconds
	Retention int   `json:",omitempty"` // days; 0 keeps events as long as there is room
	Tags      map[string]string
	Streams   map[string]*stream // those that the API made; in memory all

	events  []stored // in the order of their times, and of their arrival among those of one time
	bytes   int
	fresh   int // events that are in no block yet
	blocks  map[uint64]*block
	filling uint64 // the block that the next events go into, if it has room
}

// stream is a log stream. That of a function's environment is there as long as the group keeps an event of it: there are
// as many as environments have ever been.
type stream struct {
	Created    int64
	ofFunction bool
	events     int
}

// record is the group as it is written.
func (g *group) record() ([]byte, error) {
	r := *g
	r.Streams = map[string]*stream{}
	for name, st := range g.Streams {
		if !st.ofFunction {
			r.Streams[name] = st
		}
	}
	return json.Marshal(&r)
}

// stored is an event in its place. Its number is unique in the cloud and grows.
type stored struct {
	ID       uint64 `json:"i"`
	Group    string `json:"g"`
	Stream   string `json:"s"`
	Time     int64  `json:"t"` // epoch milliseconds
	Ingested int64  `json:"n"`
	Message  string `json:"m"`
	block    uint64 // 0 for none yet
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
		g.blocks = map[uint64]*block{}
		s.byName[g.Name] = g
	}
	return s.loadBlocks(ctx)
}

// Close writes what is still in memory. Put and the API must not be called after it.
func (s *Service) Close() {
	s.once.Do(func() { close(s.stop) })
	s.stopped.Wait()
}

// Put adds events to the stream of a function's environment, and makes the group and the stream if they are new. It does
// not wait for the store, but for a new group.
func (s *Service) Put(ctx context.Context, groupName, streamName string, events []Event) error {
	s.mu.Lock()
	known := s.byName[groupName] != nil
	s.mu.Unlock()
	if !known {
		if err := s.ensure(ctx, groupName, "", nil); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.byName[groupName]
	if g == nil { // deleted in between
		return nil
	}
	for _, e := range events {
		if g.Streams[streamName] == nil { // new, or dropped with its last event
			g.Streams[streamName] = &stream{Created: time.Now().UnixMilli(), ofFunction: true}
		}
		s.append(g, streamName, e.Time.UnixMilli(), e.Message)
	}
	return nil
}

// append adds an event. The caller holds mu.
func (s *Service) append(g *group, streamName string, at int64, message string) {
	e := stored{ID: s.nextEvent, Group: g.Name, Stream: streamName, Time: at, Ingested: time.Now().UnixMilli(), Message: message}
	s.nextEvent++
	g.fresh++
	s.add(g, e)
}

// add puts an event in its place, which is nearly always the last, and drops the oldest if there are too many. The caller
// holds mu, or has the service for itself.
func (s *Service) add(g *group, e stored) {
	at := len(g.events)
	if at > 0 && e.at().compare(g.events[at-1].at()) < 0 {
		at, _ = slices.BinarySearchFunc(g.events, e.at(), func(o stored, c cursor) int { return o.at().compare(c) })
	}
	g.events = slices.Insert(g.events, at, e)
	g.bytes += len(e.Message) + eventOverhead
	g.Streams[e.Stream].events++
	drop, bytes := 0, g.bytes
	for bytes > maxGroupBytes {
		bytes -= len(g.events[drop].Message) + eventOverhead
		drop++
	}
	s.dropOldest(g, drop)
}

// dropOldest drops the oldest n events of a group.
func (s *Service) dropOldest(g *group, n int) {
	for _, e := range g.events[:n] {
		s.dropped(g, e)
	}
	g.events = g.events[n:]
}

// dropped settles what goes with an event.
func (s *Service) dropped(g *group, e stored) {
	g.bytes -= len(e.Message) + eventOverhead
	st := g.Streams[e.Stream]
	if st.events--; st.events == 0 && st.ofFunction {
		delete(g.Streams, e.Stream)
	}
	if e.block == 0 {
		g.fresh--
	} else if b := g.blocks[e.block]; b != nil {
		if b.live--; b.live == 0 {
			delete(g.blocks, e.block)
			s.dead = append(s.dead, e.block)
		}
	}
}

// oldest is the time of the oldest event that the group keeps, by its retention.
func (g *group) oldest(now time.Time) int64 {
	if g.Retention == 0 {
		return 0
	}
	return now.AddDate(0, 0, -g.Retention).UnixMilli()
}

// expire drops the events that a group keeps no longer.
func (s *Service) expire(g *group, now time.Time) {
	oldest := g.oldest(now)
	drop := 0
	for drop < len(g.events) && g.events[drop].Time < oldest {
		drop++
	}
	s.dropOldest(g, drop)
}

// ensure makes a group and a stream that are not there.
func (s *Service) ensure(ctx context.Context, groupName, streamName string, tags map[string]string) error {
	s.flushing.Lock()
	defer s.flushing.Unlock()
	s.mu.Lock()
	g := s.byName[groupName]
	now := time.Now().UnixMilli()
	if g == nil {
		g = &group{Name: groupName, Created: now, Tags: tags, Streams: map[string]*stream{}, blocks: map[uint64]*block{}}
	}
	if g.Streams[streamName] == nil && streamName != "" {
		g.Streams[streamName] = &stream{Created: now}
	}
	s.byName[groupName] = g
	text, err := g.record()
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

func (s *Service) allow(ctx context.Context, action, groupName, streamName string) error {
	resource := "arn:aws:logs:" + s.config.Region + ":" + s.config.Account + ":log-group:" + cmp.Or(groupName, "*")
	if streamName != "" {
		resource += ":log-stream:" + streamName
	} else if action != "CreateLogGroup" && action != "DescribeLogGroups" {
		resource += ":*"
	}
	return s.config.IAM.Authorize(ctx, protocol.JSON11, "logs:"+action, strings.TrimSuffix(resource, ":"), nil)
}
