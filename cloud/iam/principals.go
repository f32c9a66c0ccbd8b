package iam

import (
	"encoding/json"
	"fmt"
	"strings"
)

// principals is the Principal or NotPrincipal element of a statement.
type principals struct {
	not      bool
	everyone bool     // "*" or {"AWS":"*"}
	aws      []string // account numbers, ARNs and unique ids
	services []string // such as "lambda.amazonaws.com"
}

func parsePrincipals(raw json.RawMessage, not bool) (*principals, error) {
	p := &principals{not: not}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		if text != "*" {
			return nil, fmt.Errorf("Invalid principal in policy: %q", text)
		}
		p.everyone = true
		return p, nil
	}
	var kinds map[string]json.RawMessage
	if err := json.Unmarshal(raw, &kinds); err != nil {
		return nil, syntaxError(`Principal must be "*" or an object such as {"Service":"lambda.amazonaws.com"}`)
	}
	for kind, raw := range kinds {
		list, err := textList(raw)
		if err != nil {
			return nil, err
		}
		switch kind {
		case "AWS":
			for _, v := range list {
				switch {
				case v == "*":
					p.everyone = true
				case strings.Contains(v, "*") || !strings.HasPrefix(v, "arn:") && !isAccount(v) && !isUniqueID(v):
					return nil, fmt.Errorf("Invalid principal in policy: \"AWS\":%q", v)
				default:
					p.aws = append(p.aws, v)
				}
			}
		case "Service":
			p.services = append(p.services, list...)
		case "Federated", "CanonicalUser": // nobody can sign in here as one of these, so they match no one
		default:
			return nil, fmt.Errorf("Invalid principal in policy: %q", kind)
		}
	}
	return p, nil
}

// matchKind is how far a Principal element names a caller.
type matchKind int

const (
	noPrincipal  matchKind = iota
	viaAccount             // names the caller's account: the account's own policies decide
	viaRole                // names the caller's role, or everybody
	namedExactly           // names the user, the session or the service itself
)

func (p *principals) match(r *Request) matchKind {
	how := p.names(r)
	if !p.not {
		return how
	}
	// The account's name spares only its root: AWS wants it there beside that of the user or the role who is spared.
	if how < viaRole {
		return viaRole
	}
	return noPrincipal
}

func (p *principals) names(r *Request) matchKind {
	if p.everyone {
		return viaRole
	}
	if r.Service != "" {
		for _, s := range p.services {
			if s == r.Service {
				return namedExactly
			}
		}
		return noPrincipal
	}
	if r.Principal.Kind == "" {
		return noPrincipal // an anonymous caller
	}
	how := noPrincipal
	for _, v := range p.aws {
		switch is := r.Principal.is(v); {
		case is == namedExactly:
			return is
		case is == viaRole:
			how = viaRole
		case how == viaRole:
		case v == r.Principal.Account, v == "arn:aws:iam::"+r.Principal.Account+":root":
			how = viaAccount
		}
	}
	return how
}

// is says how far v, from a policy, names the principal: itself, or the role whose session it is.
func (p *Principal) is(v string) matchKind {
	byName := namedExactly
	if p.Kind == AssumedRole {
		byName = viaRole
	}
	switch {
	case v == p.ARN:
		return namedExactly
	case isUniqueID(v) && v == p.uniqueID():
		return byName
	case p.Kind == AssumedRole && v == p.identityARN():
		return viaRole
	}
	return noPrincipal
}

func isAccount(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}

func isUniqueID(s string) bool {
	return len(s) == 21 && (strings.HasPrefix(s, roleIDPrefix) || strings.HasPrefix(s, userIDPrefix))
}
