package iam

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// CheckAssumable says why a service, such as "lambda.amazonaws.com", cannot assume a role; nil if it can.
func (s *Service) CheckAssumable(ctx context.Context, roleARN, servicePrincipal string) error {
	_, err := s.assumable(roleARN, servicePrincipal)
	return err
}

func (s *Service) assumable(roleARN, servicePrincipal string) (*role, error) {
	r, ok := s.dir.Load().roleByARN(roleARN)
	if !ok {
		return nil, fmt.Errorf("there is no role %s", roleARN)
	}
	q := &inquiry{
		Request: Request{
			Service: servicePrincipal, Action: "sts:AssumeRole", Resource: roleARN,
			Keys: map[string]string{"aws:SourceAccount": s.account},
		},
		region: s.region, now: s.now(),
	}
	if effect, _, _ := r.trust.evaluate(q); effect != Allowed {
		return nil, fmt.Errorf("the trust policy of role %s does not let %s assume it: it needs "+
			`{"Effect":"Allow","Principal":{"Service":%q},"Action":"sts:AssumeRole"}`, r.Name, servicePrincipal, servicePrincipal)
	}
	return r, nil
}

// ServiceSession assumes a role for a service and returns the session's credentials, those of a Lambda environment for
// instance. They are kept in memory only and are valid until [Service.Revoke] or until the role is deleted.
func (s *Service) ServiceSession(ctx context.Context, roleARN, servicePrincipal, sessionName string) (Credentials, error) {
	r, err := s.assumable(roleARN, servicePrincipal)
	if err != nil {
		return Credentials{}, err
	}
	if !validSessionName(sessionName) {
		return Credentials{}, fmt.Errorf("%q is no name for a role session: 2 to 64 letters, digits and _+=,.@-", sessionName)
	}
	c := s.roleSession(r, sessionName)
	s.credentials.Store(c.ID, c)
	return c.credentials(), nil
}

// Session returns whom the temporary credentials of an access key id stand for; false if there are none.
func (s *Service) Session(accessKeyID string) (Principal, bool) {
	if c, ok := s.credential(accessKeyID); ok && c.Token != "" {
		return c.Who, true
	}
	return Principal{}, false
}

// Revoke ends the session of an access key id. One that is not there is no error.
func (s *Service) Revoke(accessKeyID string) {
	if v, ok := s.credentials.Load(accessKeyID); ok && v.(*credential).Token != "" {
		s.credentials.Delete(accessKeyID)
	}
}

// roleSession makes a session that is not yet usable: whoever calls it stores it.
func (s *Service) roleSession(r *role, name string) *credential {
	c := &credential{
		ID: accessKeyID(tempKeyPrefix), Secret: secret(30), Token: secret(96), Identity: r.ARN,
		Who: Principal{
			Kind: AssumedRole, Account: s.account, RoleName: r.Name, SessionName: name,
			ARN:    "arn:aws:sts::" + s.account + ":assumed-role/" + r.Name + "/" + name, // without the role's path
			UserID: r.ID + ":" + name,
		},
	}
	c.Who.AccessKeyID, c.Who.session = c.ID, c
	return c
}

func (c *credential) credentials() Credentials { return Credentials{c.ID, c.Secret, c.Token} }

// keep stores a session that expires, so that it outlives a restart.
func (s *Service) keep(ctx context.Context, c *credential) error {
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	if _, err := s.bucket.Put(ctx, sessionPrefix+c.ID, text); err != nil {
		return fmt.Errorf("keep session %s: %w", c.ID, err)
	}
	s.credentials.Store(c.ID, c)
	s.forgetExpired(ctx)
	return nil
}

// forgetExpired drops the sessions that expired long ago. What cannot be deleted now is tried again with the next one.
func (s *Service) forgetExpired(ctx context.Context) {
	before := s.now().Add(-expiredKept)
	s.credentials.Range(func(id, v any) bool {
		if c := v.(*credential); !c.Expires.IsZero() && c.Expires.Before(before) {
			if err := s.bucket.Delete(ctx, sessionPrefix+c.ID); err != nil {
				s.log.Debug("an expired session could not be deleted", "session", c.ID, "err", err)
				return false
			}
			s.credentials.Delete(id)
		}
		return true
	})
}

// credential returns the usable credential of an access key id. A session whose role is gone is none, and neither is a
// key of a user who is, or a session of the root's that was made with a key it no longer has.
func (s *Service) credential(id string) (*credential, bool) {
	v, ok := s.credentials.Load(id)
	if !ok {
		c := s.rootCredential()
		return c, c.ID == id
	}
	c := v.(*credential)
	switch {
	case c.inactive:
		return nil, false
	case c.Who.Kind == Root:
		return c, c.Source == s.rootCredential().ID
	}
	return c, s.dir.Load().identityOf(&c.Who) != nil
}

// rootCredential returns the root's own key.
func (s *Service) rootCredential() *credential {
	now, known := s.root(), s.rootKey.Load()
	if known != nil && known.ID == now.AccessKeyID && known.Secret == now.SecretAccessKey {
		return known
	}
	arn := "arn:aws:iam::" + s.account + ":root"
	c := &credential{ID: now.AccessKeyID, Secret: now.SecretAccessKey, Identity: arn,
		Who: Principal{Kind: Root, Account: s.account, ARN: arn, UserID: s.account, AccessKeyID: now.AccessKeyID}}
	c.Who.session = c
	s.rootKey.Store(c)
	return c
}

func (c *credential) expired(now time.Time) bool {
	return !c.Expires.IsZero() && !now.Before(c.Expires)
}

func validSessionName(name string) bool {
	return len(name) >= 2 && len(name) <= 64 && validName(name)
}

// withTags puts tags over those that are there.
func withTags(over, under []tag) []tag {
	all := slices.Clone(over)
	for _, t := range under {
		if !slices.ContainsFunc(over, func(o tag) bool { return o.Key == t.Key }) {
			all = append(all, t)
		}
	}
	return all
}
