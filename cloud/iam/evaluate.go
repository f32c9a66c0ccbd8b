package iam

import (
	"strconv"
	"strings"
	"time"
)

// Effect is what a policy says about a request.
type Effect int

const (
	// NoMatch: no statement applies. Where an Allow is needed, this refuses.
	NoMatch Effect = iota
	// Delegated: a resource policy allows the caller's account. The caller needs an Allow of its own policies as well.
	Delegated
	// Allowed: a statement allows, none denies.
	Allowed
	// Denied: a statement denies, whatever others allow.
	Denied
)

func (e Effect) String() string { return [...]string{"no match", "Delegate", "Allow", "Deny"}[e] }

// Request is what a policy is asked about.
type Request struct {
	Principal Principal // the caller; its zero value is an anonymous one
	Service   string    // the calling service, such as "apigateway.amazonaws.com"; then Principal is not looked at
	Action    string    // such as "lambda:InvokeFunction"
	Resource  string    // an ARN, or "*" for an operation on no resource in particular

	// Keys are condition keys. What follows from Principal and the time is known without being named here. The values
	// of a key that has several, such as aws:TagKeys, are joined with line feeds.
	Keys map[string]string
}

const listSeparator = "\n"

// inquiry is a Request with what the evaluation adds to it.
type inquiry struct {
	Request
	region string
	now    time.Time
	tags   []tag // of the session and then of the identity: the first of a key counts
}

// Evaluate says what the policy has to say about r. In a policy whose statements have no principals, an identity
// policy, every statement is about the caller.
func (d *Document) Evaluate(r Request) Effect {
	effect, _, _ := d.evaluate(&inquiry{Request: r, now: time.Now()})
	return effect
}

// evaluate also returns the index of the statement that decided, or -1, and whether an Allow is for the user or the session
// itself rather than for a role or for everybody.
func (d *Document) evaluate(q *inquiry) (effect Effect, decided int, exact bool) {
	decided = -1
	for i := range d.statements {
		st := &d.statements[i]
		how := st.match(q)
		switch {
		case how == noPrincipal:
			continue
		case st.deny:
			return Denied, i, false
		case how == viaAccount:
			if effect == NoMatch {
				effect, decided = Delegated, i
			}
		case effect < Allowed:
			effect, decided, exact = Allowed, i, how == namedExactly
		default:
			exact = exact || how == namedExactly
		}
	}
	return effect, decided, exact
}

// explain says in a few words what a statement that did not decide has to do with a request.
func (st *statement) explain(q *inquiry) string {
	switch {
	case matchesAny(st.actions, q.Action) == st.notActions:
		return "another action"
	case len(st.resources) > 0 && st.matchesResource(q) == st.notResource:
		return "another resource"
	case st.principals != nil && st.principals.match(&q.Request) == noPrincipal:
		return "another principal"
	}
	for i := range st.conditions {
		if c := &st.conditions[i]; !c.holds(q) {
			if value, ok := q.key(c.key); ok {
				return "its condition does not hold: " + c.key + " is " + strconv.Quote(value)
			}
			return "its condition does not hold: the request has no " + c.key
		}
	}
	return "it applies"
}

// match says whether the statement applies. A statement without a Principal element is about the caller.
func (st *statement) match(q *inquiry) matchKind {
	if matchesAny(st.actions, q.Action) == st.notActions {
		return noPrincipal
	}
	if len(st.resources) > 0 && st.matchesResource(q) == st.notResource {
		return noPrincipal
	}
	how := namedExactly
	if st.principals != nil {
		if how = st.principals.match(&q.Request); how == noPrincipal {
			return noPrincipal
		}
	}
	for i := range st.conditions {
		if !st.conditions[i].holds(q) {
			return noPrincipal
		}
	}
	return how
}

func matchesAny(actions []template, action string) bool {
	for i := range actions {
		if glob(actions[i].glob, action, true) {
			return true
		}
	}
	return false
}

func (st *statement) matchesResource(q *inquiry) bool {
	for i := range st.resources {
		if st.resources[i].match(q.Resource, q) {
			return true
		}
	}
	return false
}

// key returns the value of a condition key, whose name is in lower case.
func (q *inquiry) key(name string) (string, bool) {
	for k, v := range q.Keys {
		if strings.EqualFold(k, name) {
			return v, true
		}
	}
	switch name {
	case "aws:currenttime":
		return q.now.UTC().Format(time.RFC3339), true
	case "aws:epochtime":
		return strconv.FormatInt(q.now.Unix(), 10), true
	case "aws:requestedregion":
		return q.region, q.region != ""
	case "aws:principalisawsservice":
		return strconv.FormatBool(q.Service != ""), true
	case "aws:principalservicename":
		return q.Service, q.Service != ""
	}
	if q.Service != "" {
		return "", false
	}
	p := &q.Principal
	switch name {
	case "aws:principalarn":
		return p.identityARN(), p.ARN != ""
	case "aws:principalaccount":
		return p.Account, p.Account != ""
	case "aws:principaltype":
		return string(p.Kind), p.Kind != ""
	case "aws:userid":
		return p.UserID, p.UserID != ""
	case "aws:username":
		return p.userName()
	case "aws:sourceip":
		return p.sourceIP, p.sourceIP != ""
	case "aws:useragent":
		return p.userAgent, p.userAgent != ""
	case "aws:securetransport":
		return strconv.FormatBool(p.secure), true
	}
	if tag, ok := strings.CutPrefix(name, "aws:principaltag/"); ok {
		for _, t := range q.tags {
			if strings.EqualFold(t.Key, tag) {
				return t.Value, true
			}
		}
	}
	return "", false
}
