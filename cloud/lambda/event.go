package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

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
	Attempts            int     // how often the function ran
	Failures            int     // attempts that ended in a function error
	Refusals            int     // attempts in a row that found no environment
	Refused             string  // why the last of those did not
	Last                *Result // what the function said last
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
		for again := true; again; {
			timer := time.NewTimer(time.Until(e.NotBefore))
			select {
			case <-timer.C:
			case <-s.ctx.Done():
				timer.Stop()
				return
			}
			var f *function
			var condition string
			f, condition, again = q.try(e)
			if s.ctx.Err() != nil {
				return // the next start tries again
			}
			ctx := context.WithoutCancel(s.ctx)
			if again {
				if err := q.store(ctx, e); err != nil {
					s.Log.Error("lambda: an event could not be stored", "error", err)
				}
				continue
			}
			if f != nil {
				q.end(ctx, e, f, condition)
			}
			if err := q.bucket.Delete(ctx, e.ID); err != nil {
				s.Log.Error("lambda: an event could not be removed from the queue", "error", err)
			}
		}
	})
}

// try runs the function once. If the event is to be tried again, e says when; if not, condition says how it ended.
// Without the function there is nothing more to do.
func (q *eventQueue) try(e *event) (f *function, condition string, again bool) {
	s := q.service
	t := target{e.Function, e.Qualifier}
	if f = s.catalog.get(e.Function); f == nil || f.version(e.Qualifier) == nil {
		s.Log.Warn("lambda: an event is dropped: its function is gone", "function", s.arn(t), "functionRequestId", e.ID)
		return nil, "", false
	}
	attempts, age := maxEventAttempts, s.EventAge
	if c := f.Async[eventQualifier(e.Qualifier)]; c != nil {
		if c.MaximumRetryAttempts != nil {
			attempts = 1 + *c.MaximumRetryAttempts
		}
		if c.MaximumEventAgeInSeconds != nil {
			age = min(age, time.Duration(*c.MaximumEventAgeInSeconds)*time.Second)
		}
	}
	switch {
	case f.Reserved != nil && *f.Reserved == 0: // AWS sends it straight to the destination
		e.Refused = "the function's reserved concurrency is 0"
		return f, retriesExhausted, false
	case time.Since(e.Accepted) >= age:
		return f, eventAgeExceeded, false
	}
	x := newExecution(e.Payload)
	x.id, x.clientContext = e.ID, e.ClientContext
	result, err := s.execute(s.ctx, f, t, x)
	if err != nil {
		// No environment had it: try again, less and less often.
		e.Refused = err.Error()
		e.NotBefore = time.Now().Add(min(time.Second<<min(e.Refusals, 10), maxThrottleBackoff))
		e.Refusals++
		return f, eventAgeExceeded, e.NotBefore.Sub(e.Accepted) < age
	}
	e.Attempts, e.Refusals, e.Refused = e.Attempts+1, 0, ""
	e.Last = &result
	if result.FunctionError == "" {
		return f, succeeded, false
	}
	if e.Failures++; e.Failures >= attempts {
		return f, retriesExhausted, false
	}
	e.NotBefore = time.Now().Add(s.RetryDelays[min(e.Failures, len(s.RetryDelays))-1])
	return f, eventAgeExceeded, e.NotBefore.Sub(e.Accepted) < age
}
