package aws

import (
	"context"
	"sync"
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

// counted notes that the run has one more resource of a type. All are counted before the first is read.
func (p *Provider) counted(typ string) { p.asked[typ]++ }
