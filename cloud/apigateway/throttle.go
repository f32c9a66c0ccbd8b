package apigateway

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// throttles are the token buckets of the account and of what is throttled below it. The zero value is full buckets.
type throttles struct {
	requests    bucket   // all requests: messages, posts to @connections, requests to HTTP APIs
	connections bucket   // new WebSocket connections
	below       sync.Map // throttleKey → *bucket
}

// throttleKey names the bucket of a stage, or with a route key the route's own.
type throttleKey struct{ api, stage, route string }

// rate is how many requests a bucket lets through: in the long run so many a second, at once so many as the burst.
type rate struct {
	perSecond float64
	burst     int
}

// bucket is a token bucket, kept as the moment at which it would be full again. It holds no lock and costs a request one
// atomic exchange.
type bucket struct {
	full atomic.Int64 // Unix nanoseconds
	told atomic.Int64 // when a refusal was last logged, Unix nanoseconds
}

// take takes a token, or reports that there is none.
func (b *bucket) take(r rate, now time.Time) bool {
	if r.perSecond <= 0 || r.burst <= 0 {
		return false
	}
	token := max(int64(float64(time.Second)/r.perSecond), 1)
	room := int64(min(float64(token)*float64(r.burst), math.MaxInt64/4))
	at := now.UnixNano()
	for {
		was := b.full.Load()
		full := max(was, at) + token
		if full-at > room {
			return false
		}
		if b.full.CompareAndSwap(was, full) {
			return true
		}
	}
}

// tell reports whether a refusal is to be logged: at most one a second is.
func (b *bucket) tell(now time.Time) bool {
	last := b.told.Load()
	return now.UnixNano()-last >= int64(time.Second) && b.told.CompareAndSwap(last, now.UnixNano())
}

// admit takes a token for a request of a route, or of a route that is not there: from the bucket of the route if the
// stage's routeSettings give it one, else from that of the stage if its defaultRouteSettings do, and from the account's.
// It reports false for one request too many, and says once a second in the log which bucket is empty.
func (s *Service) admit(view served, routeKey string) bool {
	now := time.Now()
	r, key, limited := view.rate(routeKey, s.requestRate())
	if limited {
		b := s.throttles.bucket(key)
		if !b.take(r, now) {
			if b.tell(now) {
				where := "defaultRouteSettings"
				if key.route != "" {
					where = "routeSettings"
				}
				s.Log.Warn("requests are throttled by the stage's "+where, "api", key.api, "stage", key.stage, "route", routeKey,
					"throttlingRateLimit", r.perSecond, "throttlingBurstLimit", r.burst)
			}
			return false
		}
	}
	return s.admitToAccount(now)
}

// admitToAccount takes a token for a request from the account's bucket alone, as posts to @connections do.
func (s *Service) admitToAccount(now time.Time) bool {
	r := s.requestRate()
	if s.throttles.requests.take(r, now) {
		return true
	}
	if s.throttles.requests.tell(now) {
		s.Log.Warn("requests are throttled: messages, posts to @connections and HTTP APIs share the account's rate",
			"perSecond", r.perSecond, "burst", r.burst)
	}
	return false
}

// admitConnection takes a token for a new WebSocket connection.
func (s *Service) admitConnection() bool {
	now := time.Now()
	if s.throttles.connections.take(rate{float64(s.ConnectionRate), s.ConnectionRate}, now) {
		return true
	}
	if s.throttles.connections.tell(now) {
		s.Log.Warn("handshakes are throttled: the account may open so many connections a second", "perSecond", s.ConnectionRate)
	}
	return false
}

func (s *Service) requestRate() rate { return rate{s.RequestRate, s.RequestBurst} }

// rate returns the rate that the stage sets for a route, and whose bucket it is; false if it sets none. Of rate and
// burst, what is not set is the account's.
func (v served) rate(routeKey string, account rate) (r rate, key throttleKey, limited bool) {
	r = account
	key = throttleKey{v.api.id(), v.stage.StageName, ""}
	set := func(settings routeSettings) (any bool) {
		if p := settings.ThrottlingRateLimit; p != nil {
			r.perSecond, any = *p, true
		}
		if p := settings.ThrottlingBurstLimit; p != nil {
			r.burst, any = *p, true
		}
		return any
	}
	limited = set(v.stage.DefaultRouteSettings)
	if own, ok := v.stage.RouteSettings[routeKey]; ok && set(own) {
		key.route, limited = routeKey, true
	}
	return r, key, limited
}

func (t *throttles) bucket(key throttleKey) *bucket {
	if b, ok := t.below.Load(key); ok {
		return b.(*bucket)
	}
	b, _ := t.below.LoadOrStore(key, new(bucket))
	return b.(*bucket)
}

// forget drops the buckets of what an API no longer has.
func (t *throttles) forget(apiID string, a *api) {
	t.below.Range(func(k, _ any) bool {
		key := k.(throttleKey)
		if key.api == apiID && (a == nil || a.Stages[key.stage] == nil) {
			t.below.Delete(key)
		}
		return true
	})
}
