package iam

import (
	"maps"
	"slices"
	"sync/atomic"
	"time"
)

// credential is a key that requests may be signed with: the root's, a user's or a session's. It is immutable but for
// its cache; sessions from AssumeRole and GetSessionToken are kept in the store.
type credential struct {
	ID       string    `json:"id"`
	Secret   string    `json:"secret"`
	Token    string    `json:"token,omitempty"`
	Expires  time.Time `json:"expires,omitzero"`
	Who      Principal `json:"who"`
	Identity string    `json:"identity"`           // ARN of the user or the role itself
	Policies []string  `json:"policies,omitempty"` // session policies, as text
	Tags     []tag     `json:"tags,omitempty"`     // session tags
	Source   string    `json:"source,omitempty"`   // the access key that a session of GetSessionToken was made with

	Managed []string `json:"managed,omitempty"` // ARNs of managed session policies

	session  []grant                                // Policies, parsed
	inactive bool                                   // a user's key that was switched off
	keys     atomic.Pointer[map[string]*signingKey] // derived signing keys by scope
}

// maxDerived bounds the cache of derived keys of one credential: a day's worth for every service there is.
const maxDerived = 32

func (c *credential) compile() error {
	c.Who.session = c
	for _, text := range c.Policies {
		doc, err := ParsePolicy(text)
		if err != nil {
			return err
		}
		c.session = append(c.session, grant{"session policy", doc})
	}
	return nil
}

// restricted reports whether a session policy bounds what the credential may do.
func (c *credential) restricted() bool { return c != nil && len(c.Policies)+len(c.Managed) > 0 }

// signingKey returns the derived key of a credential scope. Deriving it is most of the cost of a verification, and it is
// the same for a whole day.
func (c *credential) signingKey(day, region, service, scope string) *signingKey {
	known := c.keys.Load()
	if known != nil {
		if key, ok := (*known)[scope]; ok {
			return key
		}
	}
	key := &signingKey{bytes: deriveKey(c.Secret, day, region, service)}
	next := map[string]*signingKey{}
	if known != nil && len(*known) < maxDerived {
		next = maps.Clone(*known)
	}
	next[scope] = key
	c.keys.CompareAndSwap(known, &next) // whoever loses derives again
	return key
}

// indexKeys makes the access keys of a user usable after a change from old to new; either may be nil.
func (s *Service) indexKeys(old, new *user) {
	if old != nil {
		for _, k := range old.Keys {
			if new == nil || new.key(k.ID) < 0 {
				s.credentials.Delete(k.ID)
			}
		}
	}
	if new == nil {
		return
	}
	who := Principal{Kind: User, Account: s.account, ARN: new.ARN, UserID: new.ID}
	for _, k := range new.Keys {
		c := &credential{ID: k.ID, Secret: k.Secret, Who: who, Identity: new.ARN, inactive: !k.Active}
		c.Who.AccessKeyID, c.Who.session = k.ID, c
		s.credentials.Store(k.ID, c)
	}
}

// key returns the index of an access key, or -1.
func (u *user) key(id string) int {
	return slices.IndexFunc(u.Keys, func(k accessKey) bool { return k.ID == id })
}
