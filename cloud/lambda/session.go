package lambda

import (
	"context"

	"quotewire/cloud/iam"
)

// assume starts a session of a role, named after the function, and returns its credentials and the principal that they
// stand for. Whoever calls it revokes the credentials.
func (s *Service) assume(ctx context.Context, role, function string) (iam.Credentials, iam.Principal, error) {
	credentials, err := s.IAM.ServiceSession(ctx, role, servicePrincipal, sessionName(function))
	if err != nil {
		s.Log.Warn("lambda: the role of a function cannot be assumed", "function", function, "error", err)
		return iam.Credentials{}, iam.Principal{}, errUnassumable()
	}
	who, ok := s.IAM.Session(credentials.AccessKeyID)
	if !ok {
		return iam.Credentials{}, iam.Principal{}, errUnassumable()
	}
	return credentials, who, nil
}

// sessionName is the name of a function's role sessions: the function's own, which IAM wants at least two letters long.
func sessionName(function string) string {
	if len(function) < 2 {
		return function + "-"
	}
	return function
}
