package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"quotewire/cloud/state"
)

// catalog holds all functions: in memory for the way of an invocation, and in package state for the next start.
// A function in it is never modified; a change makes a new one. That way whoever holds one may read it without a lock.
type catalog struct {
	bucket *state.Bucket

	mu        sync.RWMutex // protects following
	functions map[string]*function
	urls      map[string]target // by the id of a function's URL
	reserved  int               // sum of the reserved concurrency
}

func openCatalog(ctx context.Context, store *state.Store) (*catalog, error) {
	bucket, err := store.Bucket(ctx, "lambda_functions")
	if err != nil {
		return nil, err
	}
	entries, err := bucket.All(ctx)
	if err != nil {
		return nil, err
	}
	c := &catalog{bucket: bucket, functions: map[string]*function{}, urls: map[string]target{}}
	for _, e := range entries {
		f, err := decodeFunction(e)
		if err != nil {
			return nil, err
		}
		c.publish(f)
	}
	return c, nil
}

func decodeFunction(e state.Entry) (*function, error) {
	f := &function{revision: e.Revision}
	if err := json.Unmarshal(e.Value, f); err != nil {
		return nil, fmt.Errorf("the function %s in the state folder: %w", e.Key, err)
	}
	return f, nil
}

// get returns a function, or nil.
func (c *catalog) get(name string) *function {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.functions[name]
}

// all returns every function, sorted by name.
func (c *catalog) all() []*function {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return slices.SortedFunc(maps.Values(c.functions), func(a, b *function) int { return strings.Compare(a.Name, b.Name) })
}

// codeInUse is the set of the code that functions and their versions are made of.
func (c *catalog) codeInUse() map[string]bool {
	used := map[string]bool{}
	for _, f := range c.all() {
		for _, r := range f.Versions {
			used[r.Code] = true
			for _, l := range r.Layers {
				used[l.Hash] = true
			}
			used[layersFolder(r.Layers)] = true
		}
	}
	return used
}

// create adds a function; it is [state.ErrConflict] if its name is taken.
func (c *catalog) create(ctx context.Context, f *function) error {
	revision, err := c.bucket.Create(ctx, f.Name, mustJSON(f))
	if err != nil {
		return err
	}
	f.revision = revision
	c.publish(f)
	return nil
}

// change writes what edit makes of a function. When two changes meet, one of them is edited again on top of the other,
// so edit may run more than once; it has no effect but on its argument. Without the function, ok is false.
func (c *catalog) change(ctx context.Context, name string, edit func(*function) error) (changed *function, ok bool, err error) {
	f := c.get(name)
	for {
		if f == nil {
			return nil, false, nil
		}
		next, err := decodeFunction(state.Entry{Key: name, Value: mustJSON(f)})
		if err != nil {
			return nil, true, err
		}
		if err := edit(next); err != nil {
			return nil, true, err
		}
		next.revision, err = c.bucket.Update(ctx, name, mustJSON(next), f.revision)
		if err == nil {
			c.publish(next)
			return next, true, nil
		}
		if !errors.Is(err, state.ErrConflict) {
			return nil, true, err
		}
		entry, err := c.bucket.Get(ctx, name)
		if errors.Is(err, state.ErrNotFound) {
			return nil, false, nil
		}
		if err != nil {
			return nil, true, err
		}
		if f, err = decodeFunction(entry); err != nil {
			return nil, true, err
		}
	}
}

// remove forgets a function.
func (c *catalog) remove(ctx context.Context, name string) error {
	if err := c.bucket.Delete(ctx, name); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reserved -= c.functions[name].share()
	c.index(c.functions[name], nil)
	delete(c.functions, name)
	return nil
}

// publish makes a stored function the one that get returns, unless a later one is there already.
func (c *catalog) publish(f *function) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if have := c.functions[f.Name]; have == nil || have.revision < f.revision {
		c.reserved += f.share() - have.share()
		c.index(have, f)
		c.functions[f.Name] = f
	}
}

// index replaces the URLs of one state of a function by those of the next; either may be nil.
func (c *catalog) index(old, new *function) {
	if old != nil {
		for _, u := range old.URLs {
			delete(c.urls, u.ID)
		}
	}
	if new != nil {
		for qualifier, u := range new.URLs {
			c.urls[u.ID] = target{new.Name, qualifier}
		}
	}
}

// url finds what the URL of that id belongs to.
func (c *catalog) url(id string) (target, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	t, ok := c.urls[id]
	return t, ok
}

// unreserved is how much of a concurrency is left to the functions that have reserved none, and to name if it is given.
func (c *catalog) unreserved(concurrency int, name string) int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return concurrency - c.reserved + c.functions[name].share()
}

// share is the concurrency that a function has reserved; a nil one has none.
func (f *function) share() int {
	if f == nil || f.Reserved == nil {
		return 0
	}
	return *f.Reserved
}
