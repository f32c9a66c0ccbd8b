package logs

import (
	"fmt"
	"net/http"
	"time"
)

func (s *Service) putLogEvents(_ *http.Request, in input) (any, error) {
	if len(in.LogEvents) == 0 || len(in.LogEvents) > maxEvents {
		return nil, wrong("InvalidParameterException", "1 validation error detected: Value at 'logEvents' failed to satisfy constraint: Member must have length between 1 and %d", maxEvents)
	}
	size := 0
	for i, e := range in.LogEvents {
		if e.Message == "" {
			return nil, wrong("InvalidParameterException", "1 validation error detected: Value '' at 'logEvents.%d.member.message' failed to satisfy constraint: Member must have length greater than or equal to 1", i+1)
		}
		size += len(e.Message) + eventOverhead
		if i > 0 && e.Timestamp < in.LogEvents[i-1].Timestamp {
			return nil, wrong("InvalidParameterException", "Log events in a single PutLogEvents request must be in chronological order.")
		}
	}
	if size > maxPut {
		return nil, wrong("InvalidParameterException", "Upload too large: %d bytes exceeds limit of %d", size, maxPut)
	}
	if span := in.LogEvents[len(in.LogEvents)-1].Timestamp - in.LogEvents[0].Timestamp; span > (24 * time.Hour).Milliseconds() {
		return nil, wrong("InvalidParameterException", "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
	}
	rejected, token, err := s.take(in)
	if err != nil {
		return nil, err
	}
	// Who sends events by the API has them stored when it is answered; a function's output does not wait.
	if err := s.flush(); err != nil {
		return nil, err
	}
	answer := object{"nextSequenceToken": token}
	if len(rejected) > 0 {
		answer["rejectedLogEventsInfo"] = rejected
	}
	return answer, nil
}

// take adds the events of a call to their stream, those aside that are too old, too new, or older than the group keeps.
func (s *Service) take(in input) (rejected object, token string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.byName[in.LogGroupName]
	if g == nil {
		return nil, "", errNoGroup
	}
	if g.Streams[in.LogStreamName] == nil {
		return nil, "", errNoStream
	}
	now := time.Now()
	oldest, newest := now.Add(-14*24*time.Hour).UnixMilli(), now.Add(2*time.Hour).UnixMilli()
	rejected = object{}
	for i, e := range in.LogEvents {
		switch {
		case e.Timestamp < g.oldest(now):
			rejected["expiredLogEventEndIndex"] = i + 1
		case e.Timestamp < oldest:
			rejected["tooOldLogEventEndIndex"] = i + 1
		case e.Timestamp > newest:
			if rejected["tooNewLogEventStartIndex"] == nil {
				rejected["tooNewLogEventStartIndex"] = i
			}
		default:
			s.append(g, in.LogStreamName, e.Timestamp, e.Message)
		}
	}
	return rejected, fmt.Sprint(s.nextEvent), nil
}
