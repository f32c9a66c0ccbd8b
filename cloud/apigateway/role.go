package apigateway

import (
	"context"
	"fmt"

	"quotewire/cloud/iam"
	"quotewire/cloud/protocol"
)

// roleSession is the name of the sessions in which API Gateway acts for a role.
const roleSession = "BackplaneAssumeRoleSession"

// assume returns the credentials of the role that an integration or an authorizer names, and whom they stand for. The
// role must trust API Gateway. Its session is kept while the role is there.
func (s *Service) assume(ctx context.Context, roleARN string) (iam.Credentials, iam.Principal, error) {
	if err := s.IAM.CheckAssumable(ctx, roleARN, gatewayPrincipal); err != nil {
		return iam.Credentials{}, iam.Principal{}, err
	}
	if v, ok := s.sessions.Load(roleARN); ok {
		c := v.(iam.Credentials)
		if who, ok := s.IAM.Session(c.AccessKeyID); ok {
			return c, who, nil
		}
	}
	c, err := s.IAM.ServiceSession(ctx, roleARN, gatewayPrincipal, roleSession)
	if err != nil {
		return iam.Credentials{}, iam.Principal{}, err
	}
	who, ok := s.IAM.Session(c.AccessKeyID)
	if !ok {
		return iam.Credentials{}, iam.Principal{}, fmt.Errorf("the role %s was deleted", roleARN)
	}
	s.sessions.Store(roleARN, c)
	return c, who, nil
}

// mayInvoke says why the role may not invoke a function; nil if it may.
func (s *Service) mayInvoke(ctx context.Context, roleARN, function string) error {
	_, who, err := s.assume(ctx, roleARN)
	if err != nil {
		return err
	}
	return s.IAM.Authorize(iam.WithPrincipal(ctx, who), protocol.RESTJSON, "lambda:InvokeFunction", function, nil)
}

// checkRole checks the ARN of a role that a resource of the control plane names.
func checkRole(member, arn string) error {
	if arn == "arn:aws:iam::*:user/*" {
		return unsupported("the caller's own credentials in "+member, "name a role that trusts "+gatewayPrincipal)
	}
	if arn != "" && !roleARN.MatchString(arn) {
		return badRequest("Invalid %s %q: it must be the ARN of a role, arn:aws:iam::{account}:role/{name}", member, arn)
	}
	return nil
}
