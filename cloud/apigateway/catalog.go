package apigateway

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"quotewire/cloud/state"
)

// catalog holds all APIs. Readers, which are the data planes, take no lock: they see the last published version of each
// API as a whole. In the state an API is one value and each of its deployments another, under the key "{api}/{deployment}".
type catalog struct {
	bucket *state.Bucket

	writing sync.Mutex // one change at a time, from reading the old version until the new one is stored and published
	apis    atomic.Pointer[map[string]*api]
	changed atomic.Pointer[func()] // called after each change
}

func openCatalog(ctx context.Context, store *state.Store) (*catalog, error) {
	bucket, err := store.Bucket(ctx, "apigateway")
	if err != nil {
		return nil, err
	}
	entries, err := bucket.All(ctx)
	if err != nil {
		return nil, err
	}
	c := &catalog{bucket: bucket}
	apis := map[string]*api{}
	for _, e := range entries {
		if strings.Contains(e.Key, "/") {
			continue
		}
		a := newAPI()
		if err := json.Unmarshal(e.Value, a); err != nil {
			return nil, fmt.Errorf("state of the API %s: %w", e.Key, err)
		}
		apis[e.Key] = a
	}
	for _, e := range entries {
		apiID, deploymentID, ok := strings.Cut(e.Key, "/")
		if !ok {
			continue
		}
		a := apis[apiID]
		if a == nil || a.Deployments[deploymentID] == nil {
			// The process ended between two writes: nothing refers to this one.
			if err := bucket.Delete(ctx, e.Key); err != nil {
				return nil, err
			}
			continue
		}
		snap := new(snapshot)
		if err := json.Unmarshal(e.Value, snap); err != nil {
			return nil, fmt.Errorf("state of the deployment %s: %w", e.Key, err)
		}
		if err := snap.compile(); err != nil {
			return nil, fmt.Errorf("state of the deployment %s: %w", e.Key, err)
		}
		a.snapshots[deploymentID] = snap
	}
	c.apis.Store(&apis)
	return c, nil
}

// get returns the API of that id, or nil.
func (c *catalog) get(id string) *api { return (*c.apis.Load())[id] }

// all returns all APIs, the oldest first.
func (c *catalog) all() []*api {
	return slices.SortedFunc(maps.Values(*c.apis.Load()), func(a, b *api) int {
		if d := a.Properties.CreatedDate.Compare(b.Properties.CreatedDate); d != 0 {
			return d
		}
		return strings.Compare(a.id(), b.id())
	})
}

// put stores and publishes next in place of old; either may be nil. The caller holds c.writing.
//
// What refers to something is written after it and removed before it, so that a process that dies in between leaves
// nothing that points nowhere.
func (c *catalog) put(ctx context.Context, old, next *api) error {
	var had map[string]*snapshot
	if old != nil {
		had = old.snapshots
	}
	if next != nil {
		for id, snap := range next.snapshots {
			if had[id] != nil {
				continue
			}
			text, err := json.Marshal(snap)
			if err != nil {
				return err
			}
			if _, err := c.bucket.Put(ctx, next.id()+"/"+id, text); err != nil {
				return err
			}
		}
		text, err := json.Marshal(next)
		if err != nil {
			return err
		}
		if _, err := c.bucket.Put(ctx, next.id(), text); err != nil {
			return err
		}
	} else if err := c.bucket.Delete(ctx, old.id()); err != nil {
		return err
	}
	apis := maps.Clone(*c.apis.Load())
	if next != nil {
		apis[next.id()] = next
	} else {
		delete(apis, old.id())
	}
	c.apis.Store(&apis)
	if f := c.changed.Load(); f != nil {
		(*f)()
	}
	for id := range had {
		if next == nil || next.snapshots[id] == nil {
			// Left-overs are removed at the next start; the change itself is done.
			c.bucket.Delete(ctx, old.id()+"/"+id)
		}
	}
	return nil
}
