package iam

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

func TestAccountIsToldInPages(t *testing.T) {
	t.Parallel()
	h := start(t, t.TempDir())
	api := h.iamAs(root)
	h.role(t, "watch-role", trustLambda, allow("s3:GetObject", "*"))
	h.role(t, "publish-role", trustLambda, allow("s3:PutObject", "*"))
	h.user(t, "alice", allow("s3:*", "*"))
	made, err := api.CreatePolicy(t.Context(), &iam.CreatePolicyInput{PolicyName: aws.String("read"), PolicyDocument: aws.String(allow("s3:ListBucket", "*"))})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := api.AttachRolePolicy(t.Context(), &iam.AttachRolePolicyInput{RoleName: aws.String("watch-role"), PolicyArn: made.Policy.Arn}); err != nil {
		t.Fatal(err)
	}
	told := func(filter ...types.EntityType) (names []string, pages int) {
		list := iam.NewGetAccountAuthorizationDetailsPaginator(api, &iam.GetAccountAuthorizationDetailsInput{Filter: filter, MaxItems: aws.Int32(1)})
		for list.HasMorePages() {
			page, err := list.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			pages++
			for _, r := range page.RoleDetailList {
				names = append(names, "role "+*r.RoleName)
				document, err := url.PathUnescape(*r.RolePolicyList[0].PolicyDocument)
				if err != nil || !strings.Contains(document, "s3:") || !strings.Contains(*r.AssumeRolePolicyDocument, "lambda") {
					t.Errorf("role %s: %+v", *r.RoleName, r)
				}
				for _, a := range r.AttachedManagedPolicies {
					names = append(names, "with "+*a.PolicyName)
				}
			}
			for _, u := range page.UserDetailList {
				names = append(names, "user "+*u.UserName+" "+*u.UserPolicyList[0].PolicyName)
			}
			for _, p := range page.Policies {
				names = append(names, "policy "+*p.PolicyName)
				if v := p.PolicyVersionList[0]; !v.IsDefaultVersion || !strings.Contains(*v.Document, "ListBucket") {
					t.Errorf("policy %s: %+v", *p.PolicyName, v)
				}
			}
		}
		return names, pages
	}
	if names, pages := told(types.EntityTypeRole); pages != 2 || !slices.Equal(names, []string{"role publish-role", "role watch-role", "with read"}) {
		t.Errorf("roles %q on %d pages", names, pages)
	}
	if names, pages := told(types.EntityTypeLocalManagedPolicy, types.EntityTypeUser); pages != 2 || len(names) != 2 || names[0] != "policy read" || !strings.HasPrefix(names[1], "user alice ") {
		t.Errorf("policies and users %q on %d pages", names, pages)
	}
	_, err = api.GetAccountAuthorizationDetails(t.Context(), &iam.GetAccountAuthorizationDetailsInput{Filter: []types.EntityType{"Robot"}})
	wantError(t, err, "ValidationError", "enum value set")
}
