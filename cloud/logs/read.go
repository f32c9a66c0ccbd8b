package logs

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// cursor is a place among the events of a group, which are in the order of their times, and of their arrival among those
// of one time.
type cursor struct {
	time int64
	id   uint64
}

func (e stored) at() cursor { return cursor{e.Time, e.ID} }

func (c cursor) compare(o cursor) int {
	return cmp.Or(cmp.Compare(c.time, o.time), cmp.Compare(c.id, o.id))
}

func (c cursor) String() string { return fmt.Sprintf("%d.%d", c.time, c.id) }

var errToken = wrong("InvalidParameterException", "The specified nextToken is invalid.")

func parseCursor(text string) (c cursor, err error) {
	if _, err := fmt.Sscanf(text, "%d.%d", &c.time, &c.id); err != nil || c.String() != text {
		return c, errToken
	}
	return c, nil
}

// between reports whether an event lies in the time that a reader asks for.
func (in input) between(e stored) bool {
	return (in.StartTime == nil || e.Time >= *in.StartTime) && (in.EndTime == nil || e.Time < *in.EndTime)
}

// limit is how many events a reader takes at once.
func (in input) limit() (int, error) {
	if in.Limit < 0 || in.Limit > maxEvents {
		return 0, wrong("InvalidParameterException", "1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value between 1 and %d", in.Limit, maxEvents)
	}
	return bounded(in.Limit, maxEvents), nil
}

// read returns the group that a reader names, without the events that are older than it keeps. The caller holds mu.
func (s *Service) read(in input) (*group, error) {
	g := s.byName[in.LogGroupName]
	if g == nil {
		return nil, errNoGroup
	}
	s.expire(g, time.Now())
	return g, nil
}

// getLogEvents pages through one stream. A token is a direction and the event next to the page; at the end the same
// token comes back, which is how readers know.
func (s *Service) getLogEvents(_ *http.Request, in input) (any, error) {
	limit, err := in.limit()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.read(in)
	if err != nil {
		return nil, err
	}
	if g.Streams[in.LogStreamName] == nil {
		return nil, errNoStream
	}
	var events []stored
	for _, e := range g.events {
		if e.Stream == in.LogStreamName && in.between(e) {
			events = append(events, e)
		}
	}
	from, to := max(0, len(events)-limit), len(events)
	if in.StartFromHead {
		from, to = 0, min(limit, len(events))
	}
	var given cursor
	if in.NextToken != "" {
		direction, place, _ := strings.Cut(in.NextToken, "/")
		if given, err = parseCursor(place); err != nil || direction != "f" && direction != "b" {
			return nil, errToken
		}
		at, _ := slices.BinarySearchFunc(events, given, func(e stored, c cursor) int { return e.at().compare(c) })
		if direction == "f" { // the token is that of the last event of the page before
			if at < len(events) && events[at].at() == given {
				at++
			}
			from, to = at, min(at+limit, len(events))
		} else {
			from, to = max(0, at-limit), at
		}
	}
	page := events[from:to]
	first, last := given, given
	if len(page) > 0 {
		first, last = page[0].at(), page[len(page)-1].at()
	} else if strings.HasPrefix(in.NextToken, "f") {
		first.id++ // back from here, the event of the token comes again
	} else if in.NextToken != "" {
		last.id--
	}
	out := make([]object, 0, len(page))
	for _, e := range page {
		out = append(out, object{"timestamp": e.Time, "message": e.Message, "ingestionTime": e.Ingested})
	}
	return object{"events": out, "nextForwardToken": "f/" + last.String(), "nextBackwardToken": "b/" + first.String()}, nil
}

func (s *Service) filterLogEvents(_ *http.Request, in input) (any, error) {
	match, err := parsePattern(in.FilterPattern)
	if err != nil {
		return nil, err
	}
	if len(in.LogStreamNames) > 0 && in.LogStreamNamePrefix != "" {
		return nil, wrong("InvalidParameterException", "logStreamNamePrefix and logStreamNames cannot both be given.")
	}
	limit, err := in.limit()
	if err != nil {
		return nil, err
	}
	var after cursor
	if in.NextToken != "" {
		if after, err = parseCursor(in.NextToken); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.read(in)
	if err != nil {
		return nil, err
	}
	for _, name := range in.LogStreamNames {
		if g.Streams[name] == nil {
			return nil, errNoStream
		}
	}
	answer := object{"searchedLogStreams": []object{}}
	events := make([]object, 0)
	from, again := slices.BinarySearchFunc(g.events, after, func(e stored, c cursor) int { return e.at().compare(c) })
	if again {
		from++
	}
	for _, e := range g.events[from:] {
		if !in.between(e) || !strings.HasPrefix(e.Stream, in.LogStreamNamePrefix) ||
			len(in.LogStreamNames) > 0 && !slices.Contains(in.LogStreamNames, e.Stream) || !match(e.Message) {
			continue
		}
		if len(events) == limit {
			answer["nextToken"] = after.String()
			break
		}
		after = e.at()
		events = append(events, object{"logStreamName": e.Stream, "timestamp": e.Time, "message": e.Message,
			"ingestionTime": e.Ingested, "eventId": fmt.Sprintf("%056d", e.ID)})
	}
	answer["events"] = events
	return answer, nil
}
