package lambda

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"quotewire/cloud/iam"
	"quotewire/cloud/protocol"
)

// assume starts a session of a role, named after the function, and returns its credentials and the principal that they
// stand for. Whoever calls it revokes the credentials.
func (s *Service) assume(ctx context.Context, role, function string) (iam.Credentials, iam.Principal, error) {
	credentials, err := s.IAM.ServiceSession(ctx, role, servicePrincipal, sessionName(function))
	if err != nil {
		s.Log.Warn("lambda: the role of a function cannot be assumed", "function", function, "error", err)
		return iam.Credentials{}, iam.Principal{}, errUnassumable()
	}
	who, err := s.identify(ctx, credentials)
	if err != nil {
		s.IAM.Revoke(credentials.AccessKeyID)
		return iam.Credentials{}, iam.Principal{}, err
	}
	return credentials, who, nil
}

// identify asks IAM whom credentials stand for, in the one way in which IAM tells: with a signed request.
func (s *Service) identify(ctx context.Context, credentials iam.Credentials) (iam.Principal, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://logs."+s.Region+".amazonaws.com/", nil)
	if err != nil {
		return iam.Principal{}, err
	}
	empty := sha256.Sum256(nil)
	key := aws.Credentials{AccessKeyID: credentials.AccessKeyID, SecretAccessKey: credentials.SecretAccessKey, SessionToken: credentials.SessionToken}
	if err := v4.NewSigner().SignHTTP(ctx, key, r, hex.EncodeToString(empty[:]), "logs", s.Region, time.Now()); err != nil {
		return iam.Principal{}, err
	}
	r.RequestURI = "/"
	return s.IAM.Verify(r, nil, protocol.JSON11)
}

// sessionName is the name of a function's role sessions: the function's own, which IAM wants at least two letters long.
func sessionName(function string) string {
	if len(function) < 2 {
		return function + "-"
	}
	return function
}
