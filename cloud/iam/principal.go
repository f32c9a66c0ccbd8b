package iam

import (
	"context"
	"strings"

	"quotewire/cloud/protocol"
)

// Authorizer answers whether the principal of ctx may do action on resource. The services of the embedded cloud ask it
// once per operation, before they touch anything.
//
// keys are condition keys of the request, such as "dynamodb:LeadingKeys" or "aws:SourceArn"; it may be nil. A refusal is
// a *[protocol.Error] in the words and the shape of p, ready to be sent; so is the absence of a principal.
type Authorizer interface {
	Authorize(ctx context.Context, p protocol.Protocol, action, resource string, keys map[string]string) error
}

// ResourceAuthorizer is an [Authorizer] for resources that have a policy of their own. A resource's policy, which may be nil,
// is judged together with its caller's.
type ResourceAuthorizer interface {
	Authorizer
	AuthorizeResource(ctx context.Context, p protocol.Protocol, action, resource string, keys map[string]string, policy *Document) error
}

// Kind is the kind of a [Principal].
type Kind string

const (
	Root        Kind = "Account"
	User        Kind = "User"
	AssumedRole Kind = "AssumedRole"
)

// Principal is who signed a request.
type Principal struct {
	Kind        Kind
	Account     string // 12 digits
	ARN         string // of the root, the user or the role session
	UserID      string // the account, AIDA… or AROA…:session
	AccessKeyID string
	RoleName    string // of a role session
	SessionName string // of a role session

	session   *credential // what it signed with; nil if no request was verified
	sourceIP  string
	userAgent string
	secure    bool // the request came over TLS
}

// identityARN is the ARN of the user or the role itself, where a role's session has one of its own.
func (p *Principal) identityARN() string {
	switch {
	case p.Kind != AssumedRole:
		return p.ARN
	case p.session != nil:
		return p.session.Identity
	}
	return "arn:aws:iam::" + p.Account + ":role/" + p.RoleName
}

// userName is the name of a user; false for any other principal.
func (p *Principal) userName() (string, bool) {
	return p.ARN[strings.LastIndexByte(p.ARN, '/')+1:], p.Kind == User
}

// uniqueID is the AROA… or AIDA… id of the role or the user. A role that is deleted and created again has another.
func (p *Principal) uniqueID() string {
	id, _, _ := strings.Cut(p.UserID, ":")
	return id
}

type principalKey struct{}

// WithPrincipal returns a context that carries who signed the request. Only the front door of the cloud calls it,
// after a signature was verified.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// PrincipalFrom returns who signed the request of ctx; false for an unsigned request.
func PrincipalFrom(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(principalKey{}).(Principal)
	return p, ok
}

// Credentials are what a caller signs with.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string // "" for a user's or the root's
}
