package aws

import (
	"context"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// fewOfAType is up to how many resources of a type each is asked for by its name. Of more, what AWS lists is listed.
const fewOfAType = 10

// stock is what there is of a kind, by name, for runs that ask for many of it. It is listed once in a run.
//
// Listing is worth it as long as it takes fewer calls than it saves, and nobody knows beforehand how much there is: an
// account may have ten thousand roles, of which the script makes twenty. So the list is given up after half as many pages as
// resources are asked for. What it has told until then counts; the rest is asked for by name.
type stock[T any] struct {
	mu    sync.Mutex
	begun bool
	whole bool // it was read to its end: what is not in it is not there
	known map[string]T
}

// pages reads a list page by page: each call adds the next page, and says whether there are more.
type pages[T any] func(ctx context.Context, add func(name string, item T)) (more bool, err error)

// get returns the one of that name, if a list is worth it and tells: a nil item is not there. Otherwise told is false, and it
// is to be asked for by its name. A list that the cloud refuses tells nothing: its reader may have fewer rights than he needs
// for the resources themselves.
func (s *stock[T]) get(ctx context.Context, asked int, name string, list func() pages[T]) (item *T, told bool) {
	if asked <= fewOfAType {
		return nil, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.begun {
		s.begun, s.known = true, map[string]T{}
		s.whole = s.read(ctx, asked/2, list())
	}
	if x, ok := s.known[name]; ok {
		return &x, true
	}
	return nil, s.whole
}

// read reads at most so many pages, and reports whether that was all.
func (s *stock[T]) read(ctx context.Context, most int, next pages[T]) bool {
	for range most {
		more, err := next(ctx, func(name string, item T) { s.known[name] = item })
		if err != nil {
			return false
		}
		if !more {
			return true
		}
	}
	return false
}

// counted notes that the run has a resource of a type. All are counted before the first is read.
func (p *Provider) counted(typ, name string) { p.asked[typ] = append(p.asked[typ], name) }

// many is how many resources of the types the run has.
func (p *Provider) many(types ...string) (n int) {
	for _, typ := range types {
		n += len(p.asked[typ])
	}
	return n
}

// namesInAFilter is how many names EC2 takes at once.
const namesInAFilter = 200

// roll is what EC2 has of a type under the names that the run has for it. It is asked for all of them at once, which costs
// the same whatever else there is in the account.
type roll[T any] struct {
	mu    sync.Mutex
	known map[string][]T // guarded by mu; nil before it was asked
}

// ask lists what passes a filter, to the end.
type ask[T any] func(ctx context.Context, names types.Filter) ([]T, error)

// get returns what has the name of the values; names need not be unique. The filter is the one of EC2 that finds names.
func (r *roll[T]) get(ctx context.Context, v *values, filter string, name func(T) string, list ask[T]) (here []T, err error) {
	if !v.listed {
		all, err := list(ctx, types.Filter{Name: &filter, Values: []string{v.name}})
		return slices.DeleteFunc(all, func(x T) bool { return name(x) != v.name }), err // a name may have a * in it
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == nil {
		known := map[string][]T{}
		for names := range slices.Chunk(slices.Compact(inOrder(v.asked[v.kind])), namesInAFilter) {
			all, err := list(ctx, types.Filter{Name: &filter, Values: names})
			if err != nil {
				return nil, err
			}
			for _, x := range all {
				known[name(x)] = append(known[name(x)], x)
			}
		}
		r.known = known
	}
	return r.known[v.name], nil
}

// listed returns what a list of the run tells of the resource of that name; see [stock.get].
func listed[T any](ctx context.Context, v *values, s *stock[T], name string, list func() pages[T]) (item *T, told bool) {
	if !v.listed {
		return nil, false
	}
	return s.get(ctx, v.many(v.kind), name, list)
}

// memo holds what is asked for at most once in a run.
type memo[T any] struct {
	mu    sync.Mutex
	done  bool
	value T
}

func (m *memo[T]) get(ask func() (T, error)) (T, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.done {
		return m.value, nil
	}
	value, err := ask()
	if err == nil {
		m.value, m.done = value, true
	}
	return value, err
}

// forget makes the next get ask again.
func (m *memo[T]) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done = false
}

// byPlace holds one for each of several places.
type byPlace[T any] struct{ all sync.Map }

func (b *byPlace[T]) of(place string) *T {
	one, _ := b.all.LoadOrStore(place, new(T))
	return one.(*T)
}
