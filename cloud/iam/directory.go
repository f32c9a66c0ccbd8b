package iam

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"quotewire/cloud/state"
)

// directory is everything that has a name, at one moment. It is immutable: each change publishes a new one, so that a
// reader sees one consistent state and waits for nobody.
type directory struct {
	roles    map[string]*role
	users    map[string]*user
	policies map[string]*managedPolicy // the account's, by ARN
}

// Keys of the state bucket: a prefix and a name, an ARN or an access key id.
const (
	rolePrefix    = "role/"
	userPrefix    = "user/"
	policyPrefix  = "policy/"
	sessionPrefix = "session/"
)

func (d *directory) clone() *directory {
	return &directory{maps.Clone(d.roles), maps.Clone(d.users), maps.Clone(d.policies)}
}

// policy finds a managed policy, the account's or one of AWS's.
func (d *directory) policy(arn string) (*managedPolicy, bool) {
	if awsOwned(arn) {
		p, ok := awsPolicies()[arn]
		return p, ok
	}
	p, ok := d.policies[arn]
	return p, ok
}

// roleByARN finds a role by its whole ARN, path included.
func (d *directory) roleByARN(arn string) (*role, bool) {
	r, ok := d.roles[arn[strings.LastIndexByte(arn, '/')+1:]]
	if !ok || r.ARN != arn {
		return nil, false
	}
	return r, true
}

// identityOf returns the role or the user that p is or is a session of; nil if it is no longer there, even if another
// one has its name by now.
func (d *directory) identityOf(p *Principal) *identity {
	id := (*identity)(nil)
	if p.Kind == AssumedRole {
		if r, ok := d.roles[p.RoleName]; ok {
			id = &r.identity
		}
	} else if name, ok := p.userName(); ok {
		if u, ok := d.users[name]; ok {
			id = &u.identity
		}
	}
	if id == nil || id.ID != p.uniqueID() {
		return nil
	}
	return id
}

// identityByARN finds a role or a user by its whole ARN.
func (d *directory) identityByARN(arn string) (*identity, bool) {
	name := arn[strings.LastIndexByte(arn, '/')+1:]
	if r, ok := d.roles[name]; ok && r.ARN == arn {
		return &r.identity, true
	}
	if u, ok := d.users[name]; ok && u.ARN == arn {
		return &u.identity, true
	}
	return nil, false
}

// attachments counts the roles and users that a managed policy is attached to, and those that it bounds.
func (d *directory) attachments(arn string) (attached, bounds int) {
	for id := range d.identities() {
		if slices.Contains(id.Attached, arn) {
			attached++
		}
		if id.Boundary == arn {
			bounds++
		}
	}
	return attached, bounds
}

func (d *directory) identities() func(yield func(*identity) bool) {
	return func(yield func(*identity) bool) {
		for _, r := range d.roles {
			if !yield(&r.identity) {
				return
			}
		}
		for _, u := range d.users {
			if !yield(&u.identity) {
				return
			}
		}
	}
}

// load reads the bucket into a directory and the sessions into s.
func (s *Service) load(ctx context.Context) (*directory, error) {
	entries, err := s.bucket.All(ctx)
	if err != nil {
		return nil, err
	}
	d := &directory{map[string]*role{}, map[string]*user{}, map[string]*managedPolicy{}}
	for _, e := range entries {
		if err := s.loadEntry(d, e); err != nil {
			return nil, fmt.Errorf("iam state %s: %w", e.Key, err)
		}
	}
	return d, nil
}

func (s *Service) loadEntry(d *directory, e state.Entry) error {
	switch {
	case strings.HasPrefix(e.Key, rolePrefix):
		r := new(role)
		if err := json.Unmarshal(e.Value, r); err != nil {
			return err
		}
		d.roles[r.Name] = r
		return r.compile()
	case strings.HasPrefix(e.Key, userPrefix):
		u := new(user)
		if err := json.Unmarshal(e.Value, u); err != nil {
			return err
		}
		d.users[u.Name] = u
		s.indexKeys(nil, u)
		return u.compile()
	case strings.HasPrefix(e.Key, policyPrefix):
		p := new(managedPolicy)
		if err := json.Unmarshal(e.Value, p); err != nil {
			return err
		}
		d.policies[p.ARN] = p
		return p.compile()
	case strings.HasPrefix(e.Key, sessionPrefix):
		c := new(credential)
		if err := json.Unmarshal(e.Value, c); err != nil {
			return err
		}
		s.credentials.Store(c.ID, c)
		return c.compile()
	}
	return nil
}

func (id *identity) compile() error {
	id.inline = nil
	for _, name := range slices.Sorted(maps.Keys(id.Inline)) {
		doc, err := ParsePolicy(id.Inline[name])
		if err != nil {
			return fmt.Errorf("inline policy %s: %w", name, err)
		}
		id.inline = append(id.inline, grant{"inline policy " + name, doc})
	}
	return nil
}

func (r *role) compile() (err error) {
	if r.trust, err = ParsePolicy(r.Trust); err != nil {
		return fmt.Errorf("trust policy: %w", err)
	}
	r.trust.BindTo(r.Trusted)
	return r.identity.compile()
}

func (p *managedPolicy) compile() (err error) {
	for i := range p.Versions {
		v := &p.Versions[i]
		if v.doc, err = ParsePolicy(v.Text); err != nil {
			return fmt.Errorf("version %s: %w", v.ID, err)
		}
	}
	return nil
}

// change runs edit on a copy of the directory, writes the records that edit names to the store, and publishes the copy.
// Changes run one after the other and wait for the store; readers go on with the directory as it was. Nothing is
// published if edit or the store fails.
func (s *Service) change(ctx context.Context, edit func(d *directory) (write, error)) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	d := s.dir.Load().clone()
	w, err := edit(d)
	if err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx) // a caller who hangs up must not leave the store ahead of the directory
	switch {
	case w.key == "": // nothing to do, as when a policy is attached a second time
		return nil
	case w.value == nil:
		err = s.bucket.Delete(ctx, w.key)
	default:
		var text []byte
		if text, err = json.Marshal(w.value); err == nil {
			_, err = s.bucket.Put(ctx, w.key, text)
		}
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", w.key, err)
	}
	s.dir.Store(d)
	if w.published != nil {
		w.published()
	}
	s.denials.forget()
	return nil
}

// write is the one record that a change writes, or deletes if it has no value.
type write struct {
	key       string
	value     any
	published func() // called once the change is visible, before the next one begins; may be nil
}

// changeRole edits a copy of a role and compiles it.
func (s *Service) changeRole(ctx context.Context, name string, edit func(*directory, *role) error) error {
	return s.change(ctx, func(d *directory) (write, error) {
		old, ok := d.roles[name]
		if !ok {
			return write{}, noSuchRole(name)
		}
		r := *old
		r.identity = old.identity.copy()
		if err := edit(d, &r); err != nil {
			return write{}, err
		}
		d.roles[name] = &r
		return write{key: rolePrefix + name, value: &r}, r.compile()
	})
}

// changeUser edits a copy of a user and compiles it.
func (s *Service) changeUser(ctx context.Context, name string, edit func(*directory, *user) error) error {
	return s.change(ctx, func(d *directory) (write, error) {
		old, ok := d.users[name]
		if !ok {
			return write{}, noSuchUser(name)
		}
		u := &user{old.identity.copy(), slices.Clone(old.Keys)}
		if err := edit(d, u); err != nil {
			return write{}, err
		}
		d.users[name] = u
		return write{userPrefix + name, u, func() { s.indexKeys(old, u) }}, u.compile()
	})
}

// changePolicy edits a copy of one of the account's managed policies and compiles it.
func (s *Service) changePolicy(ctx context.Context, arn string, edit func(*directory, *managedPolicy) error) error {
	return s.change(ctx, func(d *directory) (write, error) {
		old, ok := d.policies[arn]
		if !ok {
			return write{}, noSuchPolicy(arn)
		}
		p := *old
		p.Versions, p.Tags = slices.Clone(old.Versions), slices.Clone(old.Tags)
		if err := edit(d, &p); err != nil {
			return write{}, err
		}
		d.policies[arn] = &p
		return write{key: policyPrefix + arn, value: &p}, p.compile()
	})
}

func (id *identity) copy() identity {
	c := *id
	c.Inline, c.Attached, c.Tags = maps.Clone(id.Inline), slices.Clone(id.Attached), slices.Clone(id.Tags)
	if c.Inline == nil {
		c.Inline = map[string]string{}
	}
	return c
}
