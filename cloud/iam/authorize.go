package iam

import (
	"context"
	"log/slog"
	"slices"
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
	return s.AuthorizeResource(ctx, p, action, resource, keys, nil)
}

// AuthorizeResource is [Service.Authorize] for a resource with a policy of its own. See [ResourceAuthorizer].
func (s *Service) AuthorizeResource(ctx context.Context, p protocol.Protocol, action, resource string, keys map[string]string, policy *Document) error {
	who, ok := PrincipalFrom(ctx)
	if !ok {
		return refuse(p, unsigned)
	}
	return s.authorize(ctx, who, p, action, resource, keys, policy)
}

// AuthorizeAs is [Service.Authorize] for a principal that is not in the context.
func (s *Service) AuthorizeAs(ctx context.Context, who Principal, p protocol.Protocol, action, resource string, keys map[string]string) error {
	return s.authorize(ctx, who, p, action, resource, keys, nil)
}

// inquiries are used again: there is one to each call of each service.
var inquiries = sync.Pool{New: func() any { return new(inquiry) }}

func (s *Service) authorize(ctx context.Context, who Principal, p protocol.Protocol, action, resource string, keys map[string]string, policy *Document) error {
	if who.Kind == Root && !who.session.restricted() && policy == nil {
		return nil
	}
	q := inquiries.Get().(*inquiry)
	defer func() {
		*q = inquiry{}
		inquiries.Put(q)
	}()
	*q = inquiry{
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
	v := decide(d, id, who.session, q, policy)
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
	denied  bool     // by a statement; otherwise for want of one that allows
	because string   // in AWS's words, from "because" or "with" on
	where   string   // what to change
	write   []string // the lines of a script to write there, or the statement that stands there and is to be narrowed
	looked  []layer  // what was evaluated
}

// The kinds of policies, as AWS's refusals call them.
const (
	identityBased = "identity-based policy"
	resourceBased = "resource-based policy"
	boundary      = "permissions boundary"
	sessionPolicy = "session policy"
)

// layer is one of the sets of policies that a decision looks at.
type layer struct {
	kind   string
	grants []grant
	needed bool // without an Allow here the request is refused
}

// decide applies AWS's order: an explicit Deny anywhere wins, then each layer that is there must allow. A resource policy
// that names the caller's role, or everybody, takes the place of the identity policies; one that names the user or the
// session itself also that of the boundary and of the session policies; one that names the account leaves it to them. id
// is nil for the root, whom only session policies and the denials of a resource policy bound.
func decide(d *directory, id *identity, session *credential, q *inquiry, policy *Document) verdict {
	needIdentity, needBounds := true, true
	if policy != nil {
		switch effect, _, exact := policy.evaluate(q); effect {
		case Allowed:
			needIdentity, needBounds = false, !exact
		}
	}
	var room [3]layer
	all := appendLayers(room[:0], d, id, session, policy, needIdentity, needBounds)
	v := judge(all, q)
	if !v.allowed {
		v.looked = slices.Clone(all)
	}
	return v
}

func appendLayers(all []layer, d *directory, id *identity, session *credential, policy *Document, needIdentity, needBounds bool) []layer {
	if id != nil {
		own := layer{identityBased, id.inline, needIdentity}
		if len(id.Attached) > 0 {
			own.grants = append(make([]grant, 0, len(id.inline)+len(id.Attached)), id.inline...)
			for _, arn := range id.Attached {
				own.grants = append(own.grants, d.managed(arn)...)
			}
		}
		all = append(all, own)
		if id.Boundary != "" {
			all = append(all, layer{boundary, d.managed(id.Boundary), needBounds})
		}
	}
	if session.restricted() {
		l := layer{sessionPolicy, session.session, needBounds}
		for _, arn := range session.Managed {
			l.grants = append(l.grants[:len(l.grants):len(l.grants)], d.managed(arn)...)
		}
		all = append(all, l)
	}
	if policy != nil {
		all = append(all, layer{resourceBased, []grant{{"resource policy", policy}}, false})
	}
	return all
}

func judge(all []layer, q *inquiry) verdict {
	missing := ""
	for _, l := range all {
		allowed := false
		for _, g := range l.grants {
			switch effect, i, _ := g.doc.evaluate(q); effect {
			case Denied:
				return verdict{
					because: "with an explicit deny in " + article(l.kind), denied: true,
					where: "to allow it, narrow this statement of " + g.source + ", for a deny wins over every allow", write: []string{g.doc.statements[i].String()},
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
	v := verdict{
		because: "because no " + missing + " allows the " + q.Action + " action",
		where:   "to allow it, write in the " + missing, write: []string{`allow "` + q.Action + `" "` + grantable(q.Resource) + `"`},
	}
	if missing == identityBased {
		switch name := q.Principal.identityARN(); q.Principal.Kind {
		case AssumedRole:
			v.where = "to allow it, write in the policy of the role " + q.Principal.RoleName
		default:
			v.where = "to allow it, write in a policy of the user " + name[strings.LastIndexByte(name, '/')+1:]
		}
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

// logDenial says everything that AWS leaves to be found out: which statements there are, why each of them does not allow
// the request, and the line of a script that would.
func (s *Service) logDenial(ctx context.Context, q *inquiry, v verdict) {
	var looked []string
	for _, l := range v.looked {
		for _, g := range l.grants {
			for i := range g.doc.statements {
				st := &g.doc.statements[i]
				looked = append(looked, g.source+": "+st.String()+" ("+st.explain(q)+")")
			}
		}
	}
	if looked == nil {
		looked = []string{"none"}
	}
	s.log.LogAttrs(ctx, slog.LevelWarn, "access denied",
		slog.String("principal", q.Principal.ARN), slog.String("action", q.Action), slog.String("resource", q.Resource),
		slog.String("reason", v.because), slog.Any("statements that were looked at", looked), slog.Any(v.where, v.write))
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
