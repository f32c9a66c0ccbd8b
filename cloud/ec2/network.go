package ec2

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// resource is what lies in a network. Values are never changed once they are part of one: who changes a resource
// puts a changed copy in its place.
type resource interface {
	id() string
	in() string // id of the VPC that it goes with, "" for what stands alone
	tagged() set[tag]
	withTags(set[tag]) resource
	// attribute returns the values that a filter of that name compares, and whether there is such a filter.
	attribute(n *network, name string) (values []string, known bool)
}

// network is every resource of the account at one moment. It is immutable, so that one answer, or one question of
// reachability, sees one state; and it is read without a lock, for Reach stands in the way of every call from a VPC.
type network struct {
	account string
	region  string
	items   map[string]resource
}

// get returns the resource of that id and type.
func get[T resource](n *network, id string) (T, bool) {
	v, ok := n.items[id].(T)
	return v, ok
}

// find is get with the error of the type.
func find[T resource](n *network, prefix, id string) (T, error) {
	v, ok := get[T](n, id)
	if !ok {
		return v, missing(prefix, id)
	}
	return v, nil
}

// all returns the resources of a type that pass, by id.
func all[T resource](n *network, pass func(T) bool) []T {
	var list []T
	for _, r := range n.items {
		if v, ok := r.(T); ok && (pass == nil || pass(v)) {
			list = append(list, v)
		}
	}
	slices.SortFunc(list, func(a, b T) int { return cmp.Compare(a.id(), b.id()) })
	return list
}

// first returns a resource of a type that passes.
func first[T resource](n *network, pass func(T) bool) (T, bool) {
	if list := all(n, pass); len(list) > 0 {
		return list[0], true
	}
	var none T
	return none, false
}

// inVPC returns the resources of a type in a VPC.
func inVPC[T resource](n *network, vpc string) []T {
	return all(n, func(v T) bool { return v.in() == vpc })
}

// change is a network in the making. Its methods note what is to be written, in order.
type change struct {
	network
	writes []write1
}

// write1 is one write to the state: a resource to keep, or an id to forget.
type write1 struct {
	id  string
	now resource // nil to forget
}

func (c *change) put(rs ...resource) {
	for _, r := range rs {
		c.items[r.id()] = r
		c.writes = append(c.writes, write1{r.id(), r})
	}
}

func (c *change) remove(id string) {
	delete(c.items, id)
	c.writes = append(c.writes, write1{id, nil})
}

// update makes a change and writes it, or leaves everything as it was. Changes follow one another. A crash can cut
// the writes of one short, so what belongs together is written with the VPC last and removed with the VPC first:
// load drops what belongs to no VPC.
func (s *Service) update(ctx context.Context, f func(*change) error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	now := s.network.Load()
	c := &change{network: network{now.account, now.region, maps.Clone(now.items)}}
	if err := f(c); err != nil {
		return err
	}
	for _, w := range c.writes {
		if w.now == nil {
			if err := s.records.Delete(ctx, w.id); err != nil {
				return s.reload(ctx, err)
			}
			continue
		}
		text, err := json.Marshal(w.now)
		if err != nil {
			return err
		}
		if _, err := s.records.Put(ctx, w.id, text); err != nil {
			return s.reload(ctx, err)
		}
	}
	s.network.Store(&c.network)
	return nil
}

// reload shows what has in fact been written when a write failed half-way.
func (s *Service) reload(ctx context.Context, cause error) error {
	if err := s.load(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("%w; and then: %w", cause, err)
	}
	return cause
}

// kinds makes an empty resource for the prefix of an id.
var kinds = map[string]func() resource{
	"vpc":      func() resource { return new(vpc) },
	"subnet":   func() resource { return new(subnet) },
	"sg":       func() resource { return new(group) },
	"rtb":      func() resource { return new(routeTable) },
	"igw":      func() resource { return new(internetGateway) },
	"eigw":     func() resource { return new(egressOnlyGateway) },
	"nat":      func() resource { return new(natGateway) },
	"eipalloc": func() resource { return new(address) },
	"vpce":     func() resource { return new(endpoint) },
}

// startedKey is there once the default VPC has been made, whether it still exists or not.
const startedKey = "started"

func (s *Service) load(ctx context.Context) error {
	entries, err := s.records.All(ctx)
	if err != nil {
		return err
	}
	n := &network{s.Account, s.Region, map[string]resource{}}
	started := false
	for _, e := range entries {
		if e.Key == startedKey {
			started = true
			continue
		}
		prefix, _, _ := strings.Cut(e.Key, "-")
		kind, ok := kinds[prefix]
		if !ok {
			return fmt.Errorf("the state holds %q, which this version does not know", e.Key)
		}
		r := kind()
		if err := json.Unmarshal(e.Value, r); err != nil {
			return fmt.Errorf("%s: %w", e.Key, err)
		}
		n.items[e.Key] = r
	}
	for id, r := range n.items {
		if r.in() != "" && n.items[r.in()] == nil {
			if _, ok := r.(*internetGateway); ok {
				n.items[id] = &internetGateway{ID: id, Tags: r.tagged()}
				continue
			}
			delete(n.items, id)
			if err := s.records.Delete(ctx, id); err != nil {
				return err
			}
		}
	}
	s.network.Store(n)
	if started {
		return nil
	}
	if err := s.update(ctx, s.makeDefault); err != nil {
		return err
	}
	_, err = s.records.Put(ctx, startedKey, []byte("true"))
	return err
}
