package iam

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

func tagList(pairs ...string) []types.Tag {
	var list []types.Tag
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, types.Tag{Key: &pairs[i], Value: &pairs[i+1]})
	}
	return list
}

func TestRoleLife(t *testing.T) {
	t.Parallel()
	h := start(t, t.TempDir())
	c, ctx, name := h.iamAs(root), t.Context(), aws.String("watch-role")
	made, err := c.CreateRole(ctx, &iam.CreateRoleInput{
		RoleName: name, Path: aws.String("/stock/"), AssumeRolePolicyDocument: aws.String(trustLambda),
		Description: aws.String("for <watch> & co"), MaxSessionDuration: aws.Int32(7200), Tags: tagList("app", "stock watch"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if r := made.Role; *r.Arn != "arn:aws:iam::111122223333:role/stock/watch-role" || !strings.HasPrefix(*r.RoleId, "AROA") || len(*r.RoleId) != 21 || *r.MaxSessionDuration != 7200 {
		t.Errorf("created %+v", *r)
	}
	got, err := c.GetRole(ctx, &iam.GetRoleInput{RoleName: name})
	if err != nil {
		t.Fatal(err)
	}
	r := got.Role
	if doc, _ := url.PathUnescape(*r.AssumeRolePolicyDocument); doc != trustLambda || strings.ContainsAny(*r.AssumeRolePolicyDocument, `{": /`) {
		t.Errorf("trust policy came back as %s", *r.AssumeRolePolicyDocument)
	}
	if *r.Description != "for <watch> & co" || r.RoleLastUsed == nil || len(r.Tags) != 1 || *r.Tags[0].Value != "stock watch" || time.Since(*r.CreateDate) > time.Minute {
		t.Errorf("got %+v", *r)
	}
	_, err = c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("Watch-Role"), AssumeRolePolicyDocument: aws.String(trustLambda)})
	wantError(t, err, "EntityAlreadyExists", "Role with name Watch-Role already exists.")

	policy := allow("s3:*", "*")
	for range 2 { // putting is idempotent
		if _, err := c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: name, PolicyName: aws.String("p"), PolicyDocument: &policy}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: name, PolicyArn: aws.String("arn:aws:iam::aws:policy/service-role/AWSLambdaRole")}); err != nil {
			t.Fatal(err)
		}
	}
	inline, err := c.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: name, PolicyName: aws.String("p")})
	if err != nil {
		t.Fatal(err)
	}
	if doc, _ := url.PathUnescape(*inline.PolicyDocument); doc != policy || *inline.RoleName != *name || *inline.PolicyName != "p" {
		t.Errorf("got %+v", inline)
	}
	names, err := c.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: name})
	if err != nil || len(names.PolicyNames) != 1 || names.IsTruncated {
		t.Errorf("got %+v, %v", names, err)
	}
	attached, err := c.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: name})
	if err != nil || len(attached.AttachedPolicies) != 1 || *attached.AttachedPolicies[0].PolicyName != "AWSLambdaRole" {
		t.Errorf("got %+v, %v", attached, err)
	}

	_, err = c.TagRole(ctx, &iam.TagRoleInput{RoleName: name, Tags: tagList("APP", "x", "team", "y")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.UntagRole(ctx, &iam.UntagRoleInput{RoleName: name, TagKeys: []string{"team", "none"}}); err != nil {
		t.Fatal(err)
	}
	tags, err := c.ListRoleTags(ctx, &iam.ListRoleTagsInput{RoleName: name})
	if err != nil || len(tags.Tags) != 1 || *tags.Tags[0].Key != "APP" || *tags.Tags[0].Value != "x" {
		t.Errorf("tags %+v, %v", tags, err)
	}
	if _, err := c.UpdateRole(ctx, &iam.UpdateRoleInput{RoleName: name, Description: aws.String("new")}); err != nil {
		t.Fatal(err)
	}
	if got, err = c.GetRole(ctx, &iam.GetRoleInput{RoleName: name}); err != nil || *got.Role.Description != "new" || *got.Role.MaxSessionDuration != 7200 {
		t.Errorf("updated to %+v, %v", got, err)
	}
	if _, err := c.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: name, PolicyDocument: aws.String(trustUs)}); err != nil {
		t.Fatal(err)
	}
	if h.CheckAssumable(ctx, *r.Arn, "lambda.amazonaws.com") == nil {
		t.Error("the old trust policy is still in force")
	}

	_, err = c.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: name})
	wantError(t, err, "DeleteConflict", "Cannot delete entity, must delete policies first.")
	if _, err := c.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: name, PolicyName: aws.String("p")}); err != nil {
		t.Fatal(err)
	}
	_, err = c.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: name})
	wantError(t, err, "DeleteConflict", "Cannot delete entity, must detach all policies first.")
	if _, err := c.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: name, PolicyArn: aws.String("arn:aws:iam::aws:policy/service-role/AWSLambdaRole")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: name}); err != nil {
		t.Fatal(err)
	}
	_, err = c.GetRole(ctx, &iam.GetRoleInput{RoleName: name})
	wantError(t, err, "NoSuchEntity", "The role with name watch-role cannot be found.")
}

func TestRoleErrors(t *testing.T) {
	t.Parallel()
	h := start(t, t.TempDir())
	c, ctx := h.iamAs(root), t.Context()
	h.role(t, "watch-role", trustLambda, "")
	name, p := aws.String("watch-role"), aws.String("p")
	create := func(name, trust string) error {
		_, err := c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust})
		return err
	}
	put := func(policy string) error {
		_, err := c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: name, PolicyName: p, PolicyDocument: &policy})
		return err
	}
	attach := func(arn string) error {
		_, err := c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: name, PolicyArn: &arn})
		return err
	}
	_, missing := c.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: name, PolicyName: p})
	_, nobody := c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: p, PolicyName: p, PolicyDocument: aws.String(allow("*", "*"))})
	_, detached := c.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: name, PolicyArn: aws.String("arn:aws:iam::aws:policy/IAMFullAccess")})
	_, unknown := c.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: p})
	for _, e := range []struct {
		err        error
		code, text string
	}{
		{create("a b", trustLambda), "ValidationError", `'a b' at 'roleName'`},
		{create(strings.Repeat("x", 65), trustLambda), "ValidationError", "less than or equal to 64"},
		{create("r", "{"), "MalformedPolicyDocument", "This policy contains invalid Json"},
		{create("r", allow("sts:AssumeRole", "*")), "MalformedPolicyDocument", "Has prohibited field Resource"},
		{create("r", `{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole"}}`), "MalformedPolicyDocument", "Principal"},
		{create("r", `{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject"}}`), "MalformedPolicyDocument", "AssumeRole policy may only specify STS AssumeRole actions."},
		{create("r", `{"Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/gone"},"Action":"sts:AssumeRole"}}`), "MalformedPolicyDocument", "Invalid principal in policy"},
		{create("r", strings.Replace(trustLambda, "lambda", strings.Repeat("x", 2048), 1)), "LimitExceeded", "ACLSizePerRole: 2048"},
		{put(trustLambda), "MalformedPolicyDocument", "should not specify a principal"},
		{put(`{"Statement":{"Effect":"Allow","Action":"s3:*"}}`), "MalformedPolicyDocument", "must contain resources"},
		{put(allow("s3:*", "bucket")), "MalformedPolicyDocument", `Resource bucket must be in ARN format or "*".`},
		{put(allow("s3:*", "arn:aws:s3:::"+strings.Repeat("x", 10240))), "LimitExceeded", "Maximum policy size of 10240 bytes exceeded for role watch-role"},
		{attach("policy"), "ValidationError", "Invalid ARN:  Could not be parsed!"},
		{attach("arn:aws:iam::aws:policy/None"), "NoSuchEntity", "Policy arn:aws:iam::aws:policy/None does not exist or is not attachable."},
		{missing, "NoSuchEntity", "The role policy with name p cannot be found."},
		{nobody, "NoSuchEntity", "The role with name p cannot be found."},
		{detached, "NoSuchEntity", "Policy arn:aws:iam::aws:policy/IAMFullAccess was not found."},
		{unknown, "InvalidAction", "CreateGroup"},
	} {
		wantError(t, e.err, e.code, e.text)
	}
	// White space does not count against the limits.
	if err := put(allow("s3:*", "*") + strings.Repeat(" ", 20000)); err != nil {
		t.Error(err)
	}
}

func TestListsAreCutIntoPages(t *testing.T) {
	t.Parallel()
	h := start(t, t.TempDir())
	for _, name := range []string{"c", "a", "b", "e", "d"} {
		h.role(t, "r-"+name, trustLambda, "")
	}
	var got []string
	pages := iam.NewListRolesPaginator(h.iamAs(root), &iam.ListRolesInput{MaxItems: aws.Int32(2)})
	n := 0
	for ; pages.HasMorePages(); n++ {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Roles {
			got = append(got, *r.RoleName)
		}
	}
	if want := "r-a r-b r-c r-d r-e"; strings.Join(got, " ") != want || n != 3 {
		t.Errorf("got %v in %d pages, want %s in 3", got, n, want)
	}
	_, err := h.iamAs(root).ListRoles(t.Context(), &iam.ListRolesInput{Marker: aws.String("!")})
	wantError(t, err, "ValidationError", "Invalid Marker")
	none, err := h.iamAs(root).ListRoles(t.Context(), &iam.ListRolesInput{PathPrefix: aws.String("/none/")})
	if err != nil || len(none.Roles) != 0 {
		t.Errorf("%+v, %v", none, err)
	}
}

func TestManagedPolicyLife(t *testing.T) {
	t.Parallel()
	h := start(t, t.TempDir())
	c, ctx := h.iamAs(root), t.Context()
	h.role(t, "watch-role", trustLambda, "")
	made, err := c.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("tables"), Path: aws.String("/stock/"), PolicyDocument: aws.String(allow("dynamodb:*", "*")), Tags: tagList("a", "b")})
	if err != nil {
		t.Fatal(err)
	}
	arn := made.Policy.Arn
	if *arn != "arn:aws:iam::111122223333:policy/stock/tables" || *made.Policy.DefaultVersionId != "v1" || !strings.HasPrefix(*made.Policy.PolicyId, "ANPA") {
		t.Errorf("created %+v", *made.Policy)
	}
	_, err = c.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("tables"), PolicyDocument: aws.String(allow("*", "*"))})
	wantError(t, err, "EntityAlreadyExists", "A policy called tables already exists.")
	if _, err := c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: aws.String("watch-role"), PolicyArn: arn}); err != nil {
		t.Fatal(err)
	}
	got, err := c.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: arn})
	if err != nil || *got.Policy.AttachmentCount != 1 || !got.Policy.IsAttachable || len(got.Policy.Tags) != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
	who, err := c.ListEntitiesForPolicy(ctx, &iam.ListEntitiesForPolicyInput{PolicyArn: arn})
	if err != nil || len(who.PolicyRoles) != 1 || *who.PolicyRoles[0].RoleName != "watch-role" || len(who.PolicyUsers) != 0 {
		t.Errorf("got %+v, %v", who, err)
	}
	local, err := c.ListPolicies(ctx, &iam.ListPoliciesInput{Scope: types.PolicyScopeTypeLocal, OnlyAttached: true})
	if err != nil || len(local.Policies) != 1 {
		t.Errorf("local policies %+v, %v", local, err)
	}
	ours, err := c.ListPolicies(ctx, &iam.ListPoliciesInput{Scope: types.PolicyScopeTypeAws})
	if err != nil || len(ours.Policies) != len(awsPolicies()) {
		t.Errorf("%d policies of AWS, %v", len(ours.Policies), err)
	}
	for i := 2; i <= 5; i++ {
		if _, err := c.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: aws.String(allow("s3:*", "*")), SetAsDefault: i == 5}); err != nil {
			t.Fatal(err)
		}
	}
	_, err = c.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: aws.String(allow("s3:*", "*"))})
	wantError(t, err, "LimitExceeded", "up to 5 versions")
	_, err = c.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v5")})
	wantError(t, err, "DeleteConflict", "Cannot delete the default version of a policy.")
	version, err := c.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v1")})
	if err != nil || version.PolicyVersion.IsDefaultVersion {
		t.Fatalf("got %+v, %v", version, err)
	}
	if doc, _ := url.PathUnescape(*version.PolicyVersion.Document); doc != allow("dynamodb:*", "*") {
		t.Errorf("document %s", doc)
	}
	_, err = c.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: arn})
	wantError(t, err, "DeleteConflict", "Cannot delete a policy attached to entities.")
	if _, err := c.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: aws.String("watch-role"), PolicyArn: arn}); err != nil {
		t.Fatal(err)
	}
	_, err = c.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: arn})
	wantError(t, err, "DeleteConflict", "more than one version")
	versions, err := c.ListPolicyVersions(ctx, &iam.ListPolicyVersionsInput{PolicyArn: arn})
	if err != nil || len(versions.Versions) != 5 {
		t.Fatalf("got %+v, %v", versions, err)
	}
	for _, v := range versions.Versions {
		if !v.IsDefaultVersion {
			if _, err := c.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: arn, VersionId: v.VersionId}); err != nil {
				t.Fatal(err)
			}
		}
	}
	next, err := c.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: aws.String(allow("s3:*", "*"))})
	if err != nil || *next.PolicyVersion.VersionId != "v6" {
		t.Errorf("the number of a version was used again: %+v, %v", next, err)
	}
	if _, err := c.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v6")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: arn}); err != nil {
		t.Fatal(err)
	}
	_, err = c.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: arn})
	wantError(t, err, "NoSuchEntity", "was not found.")
	_, err = c.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: aws.String("arn:aws:iam::aws:policy/IAMFullAccess")})
	wantError(t, err, "AccessDenied", "")
}

func TestUserLife(t *testing.T) {
	t.Parallel()
	h := start(t, t.TempDir())
	c, ctx, name := h.iamAs(root), t.Context(), aws.String("dev")
	creds := h.user(t, "dev", allow("iam:*", "*"))
	self, err := h.iamAs(creds).GetUser(ctx, &iam.GetUserInput{})
	if err != nil || *self.User.UserName != "dev" || *self.User.Arn != "arn:aws:iam::111122223333:user/dev" {
		t.Fatalf("got %+v, %v", self, err)
	}
	if _, err := c.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: name}); err != nil {
		t.Fatal(err)
	}
	_, err = c.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: name})
	wantError(t, err, "LimitExceeded", "AccessKeysPerUser: 2")
	keys, err := c.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: name})
	if err != nil || len(keys.AccessKeyMetadata) != 2 || keys.AccessKeyMetadata[0].Status != types.StatusTypeActive {
		t.Fatalf("got %+v, %v", keys, err)
	}
	status := func(s types.StatusType) {
		t.Helper()
		if _, err := c.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{UserName: name, AccessKeyId: &creds.AccessKeyID, Status: s}); err != nil {
			t.Fatal(err)
		}
	}
	status(types.StatusTypeInactive)
	_, err = h.iamAs(creds).GetUser(ctx, &iam.GetUserInput{})
	wantError(t, err, "InvalidClientTokenId", "")
	status(types.StatusTypeActive)
	if _, err = h.iamAs(creds).GetUser(ctx, &iam.GetUserInput{}); err != nil {
		t.Error(err)
	}
	_, err = c.DeleteUser(ctx, &iam.DeleteUserInput{UserName: name})
	wantError(t, err, "DeleteConflict", "must delete access keys first")
	for _, k := range keys.AccessKeyMetadata {
		if _, err := c.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: name, AccessKeyId: k.AccessKeyId}); err != nil {
			t.Fatal(err)
		}
	}
	_, err = h.iamAs(creds).GetUser(ctx, &iam.GetUserInput{})
	wantError(t, err, "InvalidClientTokenId", "")
	if _, err := c.DeleteUserPolicy(ctx, &iam.DeleteUserPolicyInput{UserName: name, PolicyName: aws.String("p")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteUser(ctx, &iam.DeleteUserInput{UserName: name}); err != nil {
		t.Fatal(err)
	}
	_, err = c.GetUser(ctx, &iam.GetUserInput{UserName: name})
	wantError(t, err, "NoSuchEntity", "The user with name dev cannot be found.")
}

func TestEachOperationIsAuthorized(t *testing.T) {
	t.Parallel()
	h := start(t, t.TempDir())
	ctx := t.Context()
	creds := h.user(t, "dev", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["iam:CreateRole","iam:TagRole"],"Resource":"arn:aws:iam::*:role/dev-*","Condition":{"StringEquals":{"aws:RequestTag/owner":"dev"},"ForAllValues:StringEquals":{"aws:TagKeys":["owner"]}}},
		{"Effect":"Allow","Action":"iam:AttachRolePolicy","Resource":"*","Condition":{"ArnEquals":{"iam:PolicyARN":"arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"}}},
		{"Effect":"Allow","Action":"iam:DeleteRole","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/owner":"dev"}}}]}`)
	c := h.iamAs(creds)
	create := func(name string, tags ...string) error {
		_, err := c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(trustLambda), Tags: tagList(tags...)})
		return err
	}
	attach := func(policy string) error {
		_, err := c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: aws.String("dev-r"), PolicyArn: aws.String("arn:aws:iam::aws:policy/" + policy)})
		return err
	}
	remove := func(name string) error {
		_, err := c.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &name})
		return err
	}
	h.role(t, "other-r", trustLambda, "")
	const prefix = "User: arn:aws:iam::111122223333:user/dev is not authorized to perform: iam:"
	wantError(t, create("prod-r", "owner", "dev"), "AccessDenied", prefix+"CreateRole on resource: arn:aws:iam::111122223333:role/prod-r because no identity-based policy allows the iam:CreateRole action")
	wantError(t, create("dev-r"), "AccessDenied", "")
	wantError(t, create("dev-r", "owner", "dev", "more", "x"), "AccessDenied", "")
	if err := create("dev-r", "owner", "dev"); err != nil {
		t.Error(err)
	}
	wantError(t, attach("AdministratorAccess"), "AccessDenied", prefix+"AttachRolePolicy")
	wantError(t, remove("other-r"), "AccessDenied", prefix+"DeleteRole")
	if err := remove("dev-r"); err != nil {
		t.Error(err)
	}
	_, err := c.ListRoles(ctx, &iam.ListRolesInput{})
	wantError(t, err, "AccessDenied", prefix+"ListRoles on resource: arn:aws:iam::111122223333:role/")
}

func TestStateOutlivesARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := start(t, dir)
	arn := h.role(t, "watch-role", trustUs, allow("s3:*", "*"))
	creds := h.user(t, "dev", allow("*", "*"))
	own, err := h.iamAs(root).CreatePolicy(t.Context(), &iam.CreatePolicyInput{PolicyName: aws.String("tables"), PolicyDocument: aws.String(allow("dynamodb:*", "*"))})
	if err != nil {
		t.Fatal(err)
	}
	h.role(t, "gone-role", trustLambda, "")
	if _, err := h.iamAs(root).DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: aws.String("gone-role")}); err != nil {
		t.Fatal(err)
	}
	session := h.assume(t, creds, arn)
	before, err := h.iamAs(root).GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("watch-role")})
	if err != nil {
		t.Fatal(err)
	}
	h.close()

	h = start(t, dir)
	after, err := h.iamAs(creds).GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("watch-role")})
	if err != nil {
		t.Fatal(err)
	}
	if *after.Role.RoleId != *before.Role.RoleId || *after.Role.AssumeRolePolicyDocument != *before.Role.AssumeRolePolicyDocument || !after.Role.CreateDate.Equal(*before.Role.CreateDate) {
		t.Errorf("before %+v, after %+v", *before.Role, *after.Role)
	}
	if _, err := h.iamAs(creds).GetPolicy(t.Context(), &iam.GetPolicyInput{PolicyArn: own.Policy.Arn}); err != nil {
		t.Error(err)
	}
	_, err = h.iamAs(root).GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("gone-role")})
	wantError(t, err, "NoSuchEntity", "")
	if got := h.identity(t, session); got != "arn:aws:sts::111122223333:assumed-role/watch-role/desk" {
		t.Errorf("the session of before is %s", got)
	}
}

func TestXMLIsAWSs(t *testing.T) {
	t.Parallel()
	h := start(t, t.TempDir())
	h.role(t, "watch-role", trustLambda, "")
	for action, want := range map[string]string{
		"Action=ListRolePolicies&RoleName=watch-role":                                  `<ListRolePoliciesResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><ListRolePoliciesResult><PolicyNames></PolicyNames><IsTruncated>false</IsTruncated></ListRolePoliciesResult><ResponseMetadata><RequestId>`,
		"Action=TagRole&RoleName=watch-role&Tags.member.1.Key=a&Tags.member.1.Value=b": `<TagRoleResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><ResponseMetadata>`,
		"Action=GetRole&RoleName=x":                                                    `<ErrorResponse><Error><Type>Sender</Type><Code>NoSuchEntity</Code>`,
		"Action=GetRole":                                                               `at &#39;roleName&#39; failed to satisfy constraint: Member must not be null`,
		"Action=GetFederationToken&Version=2011-06-15":                                 `STS: the embedded cloud does not have the operation GetFederationToken`,
		"Action=%zz": `MalformedInput`,
	} {
		r := signed(t, root, "iam", "POST", h.url+"/", action, time.Now(), "Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		r.RequestURI = ""
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if !strings.Contains(string(text), want) || res.Header.Get("Content-Type") != "text/xml" {
			t.Errorf("%s: %s %s\nwant %s", action, res.Status, text, want)
		}
	}
}
