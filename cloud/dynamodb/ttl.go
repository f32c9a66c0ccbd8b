package dynamodb

import (
	"context"
	"errors"
	"strconv"
	"time"

	"quotewire/cloud/dynamodb/attribute"
)

func (s *Service) updateTimeToLive(c call) ([]byte, error) {
	var in struct {
		TableName               string
		TimeToLiveSpecification *struct {
			AttributeName string
			Enabled       *bool
		}
	}
	if err := parse(c, &in); err != nil {
		return nil, err
	}
	t, err := s.named(c, "UpdateTimeToLive", in.TableName)
	if err != nil {
		return nil, err
	}
	spec := in.TimeToLiveSpecification
	switch {
	case spec == nil:
		return nil, missing("timeToLiveSpecification")
	case spec.Enabled == nil:
		return nil, missing("timeToLiveSpecification.enabled")
	case spec.AttributeName == "" || len(spec.AttributeName) > 255:
		return nil, constraint("'"+spec.AttributeName+"'", "timeToLiveSpecification.attributeName", "Member must have length between 1 and 255")
	}
	err = s.change(c.ctx, t, func(def *definition) error {
		switch {
		case *spec.Enabled && def.TTLAttribute != "":
			return invalid("TimeToLive is already enabled")
		case !*spec.Enabled && def.TTLAttribute == "":
			return invalid("TimeToLive is already disabled")
		case !*spec.Enabled && def.TTLAttribute != spec.AttributeName:
			return invalid("TimeToLive is active on a different AttributeName: current AttributeName is %s", def.TTLAttribute)
		}
		def.TTLAttribute = ""
		if *spec.Enabled {
			def.TTLAttribute = spec.AttributeName
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return marshal(map[string]any{"TimeToLiveSpecification": spec}), nil
}

func (s *Service) describeTimeToLive(c call) ([]byte, error) {
	var in struct{ TableName string }
	if err := parse(c, &in); err != nil {
		return nil, err
	}
	t, err := s.named(c, "DescribeTimeToLive", in.TableName)
	if err != nil {
		return nil, err
	}
	out := map[string]string{"TimeToLiveStatus": "DISABLED"}
	if name := t.definition().TTLAttribute; name != "" {
		out = map[string]string{"TimeToLiveStatus": "ENABLED", "AttributeName": name}
	}
	return marshal(map[string]any{"TimeToLiveDescription": out}), nil
}

// expire removes expired items now and then, until ctx ends.
func (s *Service) expire(ctx context.Context) {
	tick := time.NewTicker(sweepInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			s.sweep(ctx, now)
		}
	}
}

// sweep removes the items that have expired by now.
func (s *Service) sweep(ctx context.Context, now time.Time) {
	s.mu.RLock()
	var tables []*table
	for _, t := range s.tables {
		if t.definition().TTLAttribute != "" {
			tables = append(tables, t)
		}
	}
	s.mu.RUnlock()
	for _, t := range tables {
		if err := t.sweep(ctx, now); err != nil && !errors.Is(err, errNotFound) && ctx.Err() == nil {
			s.log.Error("dynamodb: expired items stay", "table", t.name, "err", err)
		}
	}
}

// sweep walks the table page by page, so that it holds no lock for long.
func (t *table) sweep(ctx context.Context, now time.Time) error {
	name := t.definition().TTLAttribute
	page := search{table: t}
	for ctx.Err() == nil {
		records, _, more := page.page()
		key := ""
		for _, r := range records {
			it := r.item()
			key = t.keys.entryKey(it)
			if !expired(it.Get(name), now) {
				continue
			}
			_, err := t.write(ctx, key, func(old *record) (attribute.Item, error) {
				if old != nil && !expired(old.item().Get(name), now) {
					return keep, nil // given more time since
				}
				return nil, nil
			})
			if err != nil {
				return err
			}
		}
		if !more {
			return nil
		}
		page.span.low = key + "\x00"
	}
	return nil
}

// expired reports whether v is a time in epoch seconds that has passed. As on AWS, what lies more than five years back is
// taken for a mistake.
func expired(v attribute.Value, now time.Time) bool {
	if v.Kind != attribute.N {
		return false
	}
	seconds, err := strconv.ParseInt(v.Text, 10, 64)
	if err != nil {
		return false
	}
	return seconds <= now.Unix() && seconds > now.AddDate(-5, 0, 0).Unix()
}
