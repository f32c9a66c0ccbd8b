package iam

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
)

// assume returns the keys of a session called desk.
func (h *harness) assume(t *testing.T, c Credentials, arn string) Credentials {
	t.Helper()
	out, err := h.stsAs(c).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("desk")})
	if err != nil {
		t.Fatal(err)
	}
	return temporary(out.Credentials)
}

func temporary(c *types.Credentials) Credentials {
	return Credentials{*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken}
}

// identity is the ARN that STS says a caller has.
func (h *harness) identity(t *testing.T, c Credentials) string {
	t.Helper()
	out, err := h.stsAs(c).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	return *out.Arn
}

func TestCallerIdentity(t *testing.T) {
	t.Parallel()
	h := start(t, t.TempDir())
	creds := h.user(t, "dev", "") // who may do nothing
	_, session := h.lambdaSession(t, h.role(t, "watch-role", trustLambda, ""))
	for _, c := range []struct {
		credentials Credentials
		arn, id     string
	}{
		{root, "arn:aws:iam::111122223333:root", testAccount},
		{creds, "arn:aws:iam::111122223333:user/dev", "AIDA"},
		{session, "arn:aws:sts::111122223333:assumed-role/watch-role/watch", "AROA"},
	} {
		out, err := h.stsAs(c.credentials).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		if err != nil || *out.Arn != c.arn || !strings.HasPrefix(*out.UserId, c.id) || *out.Account != testAccount {
			t.Errorf("got %+v, %v; want %s", out, err, c.arn)
		}
	}
}

func TestAssumeRole(t *testing.T) {
	t.Parallel()
	h := start(t, t.TempDir())
	ctx := t.Context()
	arn := h.role(t, "desk-role", trustUs, allow("iam:*", "*"))
	may := h.user(t, "may", allow("sts:*", arn))
	mayNot := h.user(t, "may-not", "")
	named := h.role(t, "named-role", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/may-not"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"x"}}}]}`, "")
	lambdaOnly := h.role(t, "lambda-role", trustLambda, "")

	in := func(arn string, more ...func(*sts.AssumeRoleInput)) *sts.AssumeRoleInput {
		in := &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("desk")}
		for _, m := range more {
			m(in)
		}
		return in
	}
	out, err := h.stsAs(may).AssumeRole(ctx, in(arn, func(i *sts.AssumeRoleInput) {
		i.DurationSeconds = aws.Int32(900)
		i.Tags = []types.Tag{{Key: aws.String("desk"), Value: aws.String("rates")}}
		i.Policy = aws.String(allow("iam:GetRole", "arn:aws:iam::*:role/${aws:PrincipalTag/desk}-role"))
	}))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(*out.Credentials.AccessKeyId, "ASIA") || *out.AssumedRoleUser.Arn != "arn:aws:sts::111122223333:assumed-role/desk-role/desk" ||
		!strings.HasSuffix(*out.AssumedRoleUser.AssumedRoleId, ":desk") || time.Until(*out.Credentials.Expiration) > 15*time.Minute || *out.PackedPolicySize == 0 {
		t.Errorf("got %+v, %+v", *out.Credentials, *out.AssumedRoleUser)
	}
	session := temporary(out.Credentials)
	// The session may do what both its role and its own policy allow.
	_, err = h.iamAs(session).GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("rates-role")})
	wantError(t, err, "NoSuchEntity", "")
	_, err = h.iamAs(session).GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("desk-role")})
	wantError(t, err, "AccessDenied", "because no session policy allows the iam:GetRole action")

	for _, c := range []struct {
		name       string
		who        Credentials
		in         *sts.AssumeRoleInput
		code, text string
	}{
		{"trusted as a part of the account, but without a policy", mayNot, in(arn), "AccessDenied",
			"User: arn:aws:iam::111122223333:user/may-not is not authorized to perform: sts:AssumeRole on resource: " + arn},
		{"policy but no trust", may, in(lambdaOnly), "AccessDenied", "sts:AssumeRole on resource: " + lambdaOnly},
		{"no such role", may, in(arn + "x"), "AccessDenied", ""},
		{"named, without the external id", mayNot, in(named), "AccessDenied", ""},
		{"tags without sts:TagSession", mayNot, in(named, func(i *sts.AssumeRoleInput) {
			i.ExternalId, i.Tags = aws.String("x"), []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}
		}), "AccessDenied", "sts:TagSession"},
		{"malformed ARN", may, in("desk-role-and-more-text"), "ValidationError", "desk-role-and-more-text is invalid"},
		{"session name", may, in(arn, func(i *sts.AssumeRoleInput) { i.RoleSessionName = aws.String("a b") }), "ValidationError", "roleSessionName"},
		{"too long for the role", may, in(arn, func(i *sts.AssumeRoleInput) { i.DurationSeconds = aws.Int32(7200) }), "ValidationError", "exceeds the MaxSessionDuration"},
		{"too long at all", may, in(arn, func(i *sts.AssumeRoleInput) { i.DurationSeconds = aws.Int32(50000) }), "ValidationError", "between 900 and 43200"},
		{"bad policy", may, in(arn, func(i *sts.AssumeRoleInput) { i.Policy = aws.String("{}") }), "MalformedPolicyDocument", "Statement is missing"},
	} {
		_, err := h.stsAs(c.who).AssumeRole(ctx, c.in)
		t.Log(c.name)
		wantError(t, err, c.code, c.text)
	}
	// A trust policy that names the caller needs no policy of the caller's.
	if _, err := h.stsAs(mayNot).AssumeRole(ctx, in(named, func(i *sts.AssumeRoleInput) { i.ExternalId = aws.String("x") })); err != nil {
		t.Error(err)
	}
}

func TestSessionsExpire(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := start(t, dir)
	session := h.assume(t, h.user(t, "dev", allow("sts:AssumeRole", "*")), h.role(t, "desk-role", trustUs, ""))
	now := time.Now()
	for _, c := range []struct {
		after time.Duration
		want  string
	}{
		{59 * time.Minute, ""},
		{time.Hour, "ExpiredToken"},
		{time.Hour + expiredKept + time.Minute, "InvalidClientTokenId"}, // forgotten
	} {
		h.now = at(now.Add(c.after))
		h.forgetExpired(t.Context())
		_, err := h.Verify(signed(t, session, "iam", "POST", "/", "", h.now()), nil, protocolOf["iam"])
		if got := codeOf(err); got != c.want {
			t.Errorf("after %v: %q, want %q", c.after, got, c.want)
		}
	}
	all, err := h.bucket.All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if strings.HasPrefix(e.Key, sessionPrefix) {
			t.Errorf("%s is still in the store", e.Key)
		}
	}
}

func TestSessionToken(t *testing.T) {
	t.Parallel()
	h := start(t, t.TempDir())
	creds := h.user(t, "dev", allow("iam:ListRoles", "*"))
	out, err := h.stsAs(creds).GetSessionToken(t.Context(), &sts.GetSessionTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	session := temporary(out.Credentials)
	if got := h.identity(t, session); got != "arn:aws:iam::111122223333:user/dev" {
		t.Errorf("the session is %s", got)
	}
	if _, err := h.iamAs(session).ListRoles(t.Context(), &iam.ListRolesInput{}); err != nil {
		t.Error(err)
	}
	_, err = h.stsAs(session).GetSessionToken(t.Context(), &sts.GetSessionTokenInput{})
	wantError(t, err, "AccessDenied", "Cannot call GetSessionToken with session credentials")
}

// TestTrustIsInAnIdentityNotInItsName: whoever is given the name of a deleted role is not trusted in its place.
func TestTrustIsInAnIdentityNotInItsName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := start(t, dir)
	c := h.iamAs(root)
	caller := h.role(t, "caller-role", trustLambda, "")
	target := h.role(t, "target-role", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"`+caller+`"},"Action":"sts:AssumeRole"}}`, "")
	assume := func() error {
		_, session := h.lambdaSession(t, caller)
		_, err := h.stsAs(session).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &target, RoleSessionName: aws.String("desk")})
		return err
	}
	trust := func() string {
		out, err := c.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("target-role")})
		if err != nil {
			t.Fatal(err)
		}
		return *out.Role.AssumeRolePolicyDocument
	}
	if err := assume(); err != nil || !strings.Contains(trust(), "caller-role") {
		t.Errorf("%v, trust policy %s", err, trust())
	}
	if _, err := c.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: aws.String("caller-role")}); err != nil {
		t.Fatal(err)
	}
	h.role(t, "caller-role", trustLambda, "")
	wantError(t, assume(), "AccessDenied", "sts:AssumeRole")
	if got := trust(); strings.Contains(got, "caller-role") || !strings.Contains(got, "%22AROA") {
		t.Errorf("trust policy %s", got)
	}
	h.close()
	h = start(t, dir)
	c = h.iamAs(root)
	wantError(t, assume(), "AccessDenied", "sts:AssumeRole")
	if !strings.Contains(h.log.String(), "trust policy of the role does not allow the caller") {
		t.Errorf("the log does not say why:\n%s", h.log)
	}
}

func TestChainedSessionsLastAnHour(t *testing.T) {
	t.Parallel()
	h := start(t, t.TempDir())
	arn := h.role(t, "desk-role", trustUs, allow("sts:AssumeRole", "*"))
	if _, err := h.iamAs(root).UpdateRole(t.Context(), &iam.UpdateRoleInput{RoleName: aws.String("desk-role"), MaxSessionDuration: aws.Int32(7200)}); err != nil {
		t.Fatal(err)
	}
	in := &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("desk"), DurationSeconds: aws.Int32(7200)}
	_, err := h.stsAs(root).AssumeRole(t.Context(), in)
	wantError(t, err, "AccessDenied", "Roles may not be assumed by root accounts.")
	out, err := h.stsAs(h.user(t, "dev", allow("sts:AssumeRole", "*"))).AssumeRole(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	session := temporary(out.Credentials)
	_, err = h.stsAs(session).AssumeRole(t.Context(), in)
	wantError(t, err, "ValidationError", "1 hour session limit for roles assumed by role chaining")
	in.DurationSeconds = nil
	if _, err := h.stsAs(session).AssumeRole(t.Context(), in); err != nil {
		t.Error(err)
	}
}
