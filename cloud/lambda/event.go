package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"quotewire/cloud/protocol"
	"quotewire/cloud/state"
)

// eventQueue holds the asynchronous invocations that have been accepted and not yet ended. They are kept in package
// state, so that an event survives the end of the process; one that was running then runs again.
type eventQueue struct {
	service *Service
	bucket  *state.Bucket
	length  atomic.Int64
}

// event is an asynchronous invocation.
type event struct {
	ID                  string // the request id, the same for all attempts
	Function, Qualifier string
	Payload             []byte
	ClientContext       string
	Accepted, NotBefore time.Time
	Failures            int // attempts that ended in a function error
	Refusals            int // attempts in a row that found no environment
}

func openEventQueue(ctx context.Context, s *Service) (*eventQueue, error) {
	bucket, err := s.State.Bucket(ctx, "lambda_events")
	if err != nil {
		return nil, err
	}
	entries, err := bucket.All(ctx)
	if err != nil {
		return nil, err
	}
	q := &eventQueue{service: s, bucket: bucket}
	for _, entry := range entries {
		var e event
		if err := json.Unmarshal(entry.Value, &e); err != nil {
			return nil, fmt.Errorf("the event %s in the state folder: %w", entry.Key, err)
		}
		q.work(&e)
	}
	return q, nil
}

// add accepts an event. It is stored when add returns.
func (q *eventQueue) add(ctx context.Context, t target, x *execution) error {
	if q.length.Load() >= maxQueuedEvents {
		return errThrottled("CallerRateLimitExceeded")
	}
	e := &event{ID: x.id, Function: t.name, Qualifier: t.qualifier, Payload: x.payload, ClientContext: x.clientContext, Accepted: time.Now()}
	if err := q.store(ctx, e); err != nil {
		return err
	}
	q.work(e)
	return nil
}

func (q *eventQueue) store(ctx context.Context, e *event) error {
	_, err := q.bucket.Put(ctx, e.ID, mustJSON(e))
	return err
}

// work tries an event until it has ended or the service closes.
func (q *eventQueue) work(e *event) {
	q.length.Add(1)
	s := q.service
	s.running.Go(func() {
		defer q.length.Add(-1)
		for {
			timer := time.NewTimer(time.Until(e.NotBefore))
			select {
			case <-timer.C:
			case <-s.ctx.Done():
				timer.Stop()
				return
			}
			again, err := q.try(e)
			if s.ctx.Err() != nil {
				return // the next start tries again
			}
			ctx := context.WithoutCancel(s.ctx)
			if !again {
				if err != nil {
					s.Log.Warn("lambda: an asynchronous invocation has failed for good", "function", e.Function, "request", e.ID, "error", err)
				}
				if err := q.bucket.Delete(ctx, e.ID); err != nil {
					s.Log.Error("lambda: an event could not be removed from the queue", "error", err)
				}
				return
			}
			if err := q.store(ctx, e); err != nil {
				s.Log.Error("lambda: an event could not be stored", "error", err)
			}
		}
	})
}

// try runs the function once. If the event is to be tried again, e says when.
func (q *eventQueue) try(e *event) (again bool, err error) {
	s := q.service
	t := target{e.Function, e.Qualifier}
	f := s.catalog.get(e.Function)
	if f == nil {
		return false, errNoFunction(s.arn(t))
	}
	if f.Reserved != nil && *f.Reserved == 0 {
		return false, errThrottled(reservedLimit)
	}
	attempts, age := maxEventAttempts, maxEventAge
	if c := f.Events; c != nil {
		if c.MaximumRetryAttempts != nil {
			attempts = 1 + *c.MaximumRetryAttempts
		}
		if c.MaximumEventAgeInSeconds != nil {
			age = time.Duration(*c.MaximumEventAgeInSeconds) * time.Second
		}
	}
	x := newExecution(e.Payload)
	x.id, x.clientContext = e.ID, e.ClientContext
	result, err := s.execute(s.ctx, f, t, x)
	var refused *protocol.Error
	switch {
	case errors.As(err, &refused) && (refused.Status == 409 || refused.Status == 429 || refused.Status >= 500):
		// No environment had it: try again, less and less often.
		e.NotBefore = time.Now().Add(min(time.Second<<min(e.Refusals, 10), maxThrottleBackoff))
		e.Refusals++
		return e.NotBefore.Sub(e.Accepted) < age, err
	case err != nil:
		return false, err
	case result.FunctionError == "":
		return false, nil
	}
	e.Refusals = 0
	e.Failures++
	err = errors.New(string(result.Payload))
	if e.Failures >= attempts {
		return false, err
	}
	e.NotBefore = time.Now().Add(s.RetryDelays[min(e.Failures, len(s.RetryDelays))-1])
	return e.NotBefore.Sub(e.Accepted) < age, err
}
