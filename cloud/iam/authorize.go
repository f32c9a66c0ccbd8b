package iam

import (
	"context"
	"log/slog"
	"strings"
	"sync"

	"quotewire/cloud/protocol"
)

// Authorize answers whether the principal of ctx may do action on resource by the identity policies of its role or
// user, its permissions boundary and its session policies. The root may do everything. See [Authorizer].
//
// The first of equal denials is logged, with the statements that were looked at and what to write in a script; it is
// logged again once something in IAM has changed.
func (s *Service) Authorize(ctx context.Context, p protocol.Protocol, action, resource string, keys map[string]string) error {
	who, ok := PrincipalFrom(ctx)
	if !ok {
		return refuse(p, unsigned)
	}
	if who.Kind == Root && !who.session.restricted() {
		return nil
	}
	q := &inquiry{
		Request: Request{Principal: who, Action: action, Resource: resource, Keys: keys},
		region:  s.region, now: s.now(),
	}
	d := s.dir.Load()
	var id *identity
	if who.Kind != Root {
		if id = d.identityOf(&who); id == nil {
			return refuse(p, unknownKey)
		}
		q.tags = id.Tags
	}
	if who.session != nil && len(who.session.Tags) > 0 {
		q.tags = withTags(who.session.Tags, q.tags)
	}
	v := decide(d, id, who.session, q, true)
	if v.allowed {
		return nil
	}
	if s.denials.first(who.ARN + " " + action + " " + resource) {
		s.logDenial(ctx, q, v)
	}
	return accessDenied(p, &who, action, resource, v.because)
}

// verdict is the outcome of a decision, with what explains it.
type verdict struct {
	allowed bool
	denied  bool    // by a statement; otherwise for want of one that allows
	because string  // in AWS's words, from "because" or "with" on
	fix     string  // what to write, or to remove, so that it is allowed
	looked  []layer // what was evaluated
}

const identityBased = "identity-based policy"

// layer is one of the sets of policies that all have to agree.
type layer struct {
	kind   string // as AWS's refusals call it
	grants []grant
	needed bool // without an Allow here the request is refused
}

// decide applies AWS's order: an explicit Deny anywhere wins, then each layer that is there must allow. id is nil for
// the root, whom only a session policy bounds. Without needIdentity, a resource policy has allowed the caller by name and
// the identity policies can only deny.
func decide(d *directory, id *identity, session *credential, q *inquiry, needIdentity bool) verdict {
	var layers [3]layer
	all := layers[:0]
	if id != nil {
		all = append(all, layer{identityBased, nil, needIdentity})
		identity := &all[0]
		if len(id.Attached) == 0 {
			identity.grants = id.inline
		} else {
			identity.grants = append(make([]grant, 0, len(id.inline)+len(id.Attached)), id.inline...)
			for _, arn := range id.Attached {
				identity.grants = append(identity.grants, d.managed(arn)...)
			}
		}
		if id.Boundary != "" {
			all = append(all, layer{"permissions boundary", d.managed(id.Boundary), true})
		}
	}
	if session.restricted() {
		l := layer{"session policy", session.session, true}
		for _, arn := range session.Managed {
			l.grants = append(l.grants[:len(l.grants):len(l.grants)], d.managed(arn)...)
		}
		all = append(all, l)
	}
	missing := ""
	for _, l := range all {
		allowed := false
		for _, g := range l.grants {
			switch effect, i := g.doc.evaluate(q); effect {
			case Denied:
				return verdict{
					because: "with an explicit deny in " + article(l.kind), looked: all, denied: true,
					fix: "narrow this, for a deny wins over every allow: " + g.source + ": " + g.doc.statements[i].String(),
				}
			case Allowed:
				allowed = true
			}
		}
		if !allowed && l.needed && missing == "" {
			missing = l.kind
		}
	}
	if missing == "" {
		return verdict{allowed: true}
	}
	v := verdict{because: "because no " + missing + " allows the " + q.Action + " action", looked: all}
	v.fix = `allow "` + q.Action + `" "` + grantable(q.Resource) + `"`
	if missing != identityBased {
		v.fix = "in the " + missing + ", " + v.fix
	}
	return v
}

func article(kind string) string {
	if kind[0] == 'i' {
		return "an " + kind
	}
	return "a " + kind
}

// managed returns the default version of a managed policy as a grant; none if it is gone.
func (d *directory) managed(arn string) []grant {
	p, ok := d.policy(arn)
	if !ok {
		return nil
	}
	v := p.version(p.Default)
	return []grant{{"managed policy " + p.Name, v.doc}}
}

func (s *Service) logDenial(ctx context.Context, q *inquiry, v verdict) {
	var looked []string
	for _, l := range v.looked {
		for _, g := range l.grants {
			for i := range g.doc.statements {
				looked = append(looked, g.source+": "+g.doc.statements[i].String())
			}
		}
	}
	s.log.LogAttrs(ctx, slog.LevelWarn, "access denied",
		slog.String("principal", q.Principal.ARN), slog.String("action", q.Action), slog.String("resource", q.Resource),
		slog.String("reason", v.because), slog.Any("statements", looked), slog.String("fix", v.fix))
}

// grantable turns the resource of a request into what a policy would say for all of its kind: a connection's id is not
// known beforehand.
func grantable(resource string) string {
	return strings.Replace(resource, "{connectionId}", "*", 1)
}

// denials remembers which denials are in the log.
type denials struct {
	mu   sync.Mutex // protects seen
	seen map[string]bool
}

// maxDenials bounds what is remembered; after that many different ones all are logged anew.
const maxDenials = 1000

func (d *denials) first(what string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.seen[what] {
		return false
	}
	if d.seen == nil || len(d.seen) >= maxDenials {
		d.seen = map[string]bool{}
	}
	d.seen[what] = true
	return true
}

func (d *denials) forget() {
	d.mu.Lock()
	d.seen = nil
	d.mu.Unlock()
}
