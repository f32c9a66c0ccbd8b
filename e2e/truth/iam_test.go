package truth

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

const (
	account = "111122223333"
	iamARN  = "arn:aws:iam::" + account + ":"
)

// document is a policy of these statements, each JSON without its braces.
func document(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[{` + strings.Join(statements, "},{") + `}]}`
}

// allows is a statement.
func allows(action, resource string) string {
	return `"Effect":"Allow","Action":"` + action + `","Resource":"` + resource + `"`
}

// denies is a statement.
func denies(action, resource string) string {
	return `"Effect":"Deny","Action":"` + action + `","Resource":"` + resource + `"`
}

// trusts is the trust policy for a principal, which is JSON such as {"AWS":"111122223333"}.
func trusts(principal string, more ...string) string {
	return document(strings.Join(append([]string{`"Effect":"Allow","Action":["sts:AssumeRole"],"Principal":` + principal}, more...), ","))
}

// testUser is an IAM user with a key.
type testUser struct {
	caller
	name, arn string
	root      caller
}

// iamUser makes a user with one inline policy, or none if it is "".
func (c *testCloud) iamUser(t testing.TB, policy string) *testUser {
	t.Helper()
	root := c.boto3(t)
	u := &testUser{name: unique("user"), root: root}
	u.arn = root.call(t, "iam", "CreateUser", params{"UserName": u.name}).str("User.Arn")
	key := root.call(t, "iam", "CreateAccessKey", params{"UserName": u.name})
	u.caller = root.as(key.str("AccessKey.AccessKeyId"), key.str("AccessKey.SecretAccessKey"), "")
	if policy != "" {
		u.put(t, policy)
	}
	return u
}

// put replaces the user's policy.
func (u *testUser) put(t testing.TB, policy string) {
	t.Helper()
	u.root.call(t, "iam", "PutUserPolicy", params{"UserName": u.name, "PolicyName": "may", "PolicyDocument": policy})
}

// iamRole makes a role and returns its name.
func (c *testCloud) iamRole(t testing.TB, trust, policy string) string {
	t.Helper()
	name := unique("role")
	c.boto3(t).call(t, "iam", "CreateRole", params{"RoleName": name, "AssumeRolePolicyDocument": trust})
	if policy != "" {
		c.boto3(t).call(t, "iam", "PutRolePolicy", params{"RoleName": name, "PolicyName": "may", "PolicyDocument": policy})
	}
	return name
}

// assume is a caller with a session of a role.
func (u *testUser) assume(t testing.TB, role string, more params) caller {
	t.Helper()
	in := params{"RoleArn": iamARN + "role/" + role, "RoleSessionName": "watch"}
	for name, value := range more {
		in[name] = value
	}
	a := u.call(t, "sts", "AssumeRole", in)
	return u.as(a.str("Credentials.AccessKeyId"), a.str("Credentials.SecretAccessKey"), a.str("Credentials.SessionToken"))
}

var ours = trusts(`{"AWS":"` + account + `"}`)

func TestIAMRolesAndUsers(t *testing.T) {
	t.Parallel()
	c := shared(t)
	py := c.boto3(t)
	const source = "IAM §3"

	rule(t, "a role's id begins with AROA and has 21 characters, and its ARN carries its path", source, boto3, func(t *testing.T) {
		name := unique("role")
		r := py.call(t, "iam", "CreateRole", params{"RoleName": name, "Path": "/desk/", "AssumeRolePolicyDocument": trust})
		if id := r.str("Role.RoleId"); len(id) != 21 || !strings.HasPrefix(id, "AROA") {
			t.Errorf("the id is %s", id)
		}
		if arn := r.str("Role.Arn"); arn != iamARN+"role/desk/"+name {
			t.Errorf("the ARN is %s", arn)
		}
	})
	rule(t, "CreateRole answers no MaxSessionDuration, GetRole answers 3600 and RoleLastUsed", source, boto3, func(t *testing.T) {
		name := unique("role")
		made := py.call(t, "iam", "CreateRole", params{"RoleName": name, "AssumeRolePolicyDocument": trust})
		if v := made.get("Role.MaxSessionDuration"); v != nil {
			t.Errorf("CreateRole says %v", v)
		}
		got := py.call(t, "iam", "GetRole", params{"RoleName": name})
		if got.num("Role.MaxSessionDuration") != 3600 || got.get("Role.RoleLastUsed") == nil {
			t.Errorf("GetRole says %v", got.get("Role"))
		}
	})
	rule(t, "policy documents are percent-encoded in answers, and boto3 gives them back as objects", source, boto3, func(t *testing.T) {
		role := c.iamRole(t, trust, document(allows("sqs:SendMessage", "*")))
		got := py.call(t, "iam", "GetRolePolicy", params{"RoleName": role, "PolicyName": "may"})
		if got.str("PolicyDocument.Statement.0.Action") != "sqs:SendMessage" {
			t.Errorf("boto3 has %v", got.get("PolicyDocument"))
		}
	})
	rule(t, "a role that is there is refused with 409 EntityAlreadyExists, in whatever case its name is written", source, boto3, func(t *testing.T) {
		role := c.iamRole(t, trust, "")
		for _, name := range []string{role, strings.ToUpper(role)} {
			refusedAs(t, py.fail(t, "iam", "CreateRole", params{"RoleName": name, "AssumeRolePolicyDocument": trust}), 409, "EntityAlreadyExists", "Role with name "+name+" already exists.")
		}
	})
	rule(t, "a role that is not there is 404 NoSuchEntity: The role with name X cannot be found.", source, jsSDK, func(t *testing.T) {
		refusedAs(t, c.js(t).fail(t, "iam", "GetRole", params{"RoleName": "nobody"}), 404, "NoSuchEntityException", "The role with name nobody cannot be found.")
	})
	rule(t, "a trust policy with a Resource is refused: Has prohibited field Resource", source, boto3, func(t *testing.T) {
		text := document(`"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole","Resource":"*"`)
		refusedAs(t, py.fail(t, "iam", "CreateRole", params{"RoleName": unique("role"), "AssumeRolePolicyDocument": text}), 400, "MalformedPolicyDocument", "Has prohibited field Resource")
	})
	rule(t, "a policy that is no JSON is refused: This policy contains invalid Json", source, boto3, func(t *testing.T) {
		role := c.iamRole(t, trust, "")
		refusedAs(t, py.fail(t, "iam", "PutRolePolicy", params{"RoleName": role, "PolicyName": "p", "PolicyDocument": "{"}), 400, "MalformedPolicyDocument", "This policy contains invalid Json")
	})
	rule(t, "a policy of a role that names a principal is refused: Policy document should not specify a principal.", source, boto3, func(t *testing.T) {
		role := c.iamRole(t, trust, "")
		text := document(`"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"`)
		refusedAs(t, py.fail(t, "iam", "PutRolePolicy", params{"RoleName": role, "PolicyName": "p", "PolicyDocument": text}), 400, "MalformedPolicyDocument", "Policy document should not specify a principal.")
	})
	rule(t, "a trust policy that names a role that is not there is refused: Invalid principal in policy", source, boto3, func(t *testing.T) {
		text := trusts(`{"AWS":"` + iamARN + `role/nobody"}`)
		refusedAs(t, py.fail(t, "iam", "CreateRole", params{"RoleName": unique("role"), "AssumeRolePolicyDocument": text}), 400, "MalformedPolicyDocument", "Invalid principal in policy")
	})
	rule(t, "a role with inline policies cannot be deleted: 409 DeleteConflict, must delete policies first", source, boto3, func(t *testing.T) {
		role := c.iamRole(t, trust, usual)
		refusedAs(t, py.fail(t, "iam", "DeleteRole", params{"RoleName": role}), 409, "DeleteConflict", "Cannot delete entity, must delete policies first.")
	})
	rule(t, "a role with managed policies cannot be deleted: 409 DeleteConflict, must detach all policies first", source, boto3, func(t *testing.T) {
		role := c.iamRole(t, trust, "")
		py.call(t, "iam", "AttachRolePolicy", params{"RoleName": role, "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"})
		refusedAs(t, py.fail(t, "iam", "DeleteRole", params{"RoleName": role}), 409, "DeleteConflict", "Cannot delete entity, must detach all policies first.")
	})
	rule(t, "a policy that is attached a second time is attached once, and the call succeeds", source, boto3, func(t *testing.T) {
		role := c.iamRole(t, trust, "")
		for range 2 {
			py.call(t, "iam", "AttachRolePolicy", params{"RoleName": role, "PolicyArn": "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"})
		}
		if all := py.call(t, "iam", "ListAttachedRolePolicies", params{"RoleName": role}).list("AttachedPolicies"); len(all) != 1 {
			t.Errorf("attached: %v", all)
		}
	})
	rule(t, "a managed policy that is not there cannot be attached: 404, does not exist or is not attachable", source, boto3, func(t *testing.T) {
		role, arn := c.iamRole(t, trust, ""), "arn:aws:iam::aws:policy/AWSLambdaBasicExecutionRole" // without service-role/
		refusedAs(t, py.fail(t, "iam", "AttachRolePolicy", params{"RoleName": role, "PolicyArn": arn}), 404, "NoSuchEntity", "Policy "+arn+" does not exist or is not attachable.")
		refusedAs(t, py.fail(t, "iam", "AttachRolePolicy", params{"RoleName": role, "PolicyArn": "AWSLambdaBasicExecutionRole"}), 400, "ValidationError", "Invalid ARN")
	})
	rule(t, "the managed policies that functions and their authors need are there by AWS's ARNs", source, awsCLI, func(t *testing.T) {
		for _, name := range strings.Fields(`service-role/AWSLambdaBasicExecutionRole service-role/AWSLambdaVPCAccessExecutionRole AmazonAPIGatewayInvokeFullAccess
			AmazonAPIGatewayAdministrator AmazonDynamoDBFullAccess AmazonDynamoDBReadOnlyAccess AmazonS3FullAccess AmazonS3ReadOnlyAccess AWSLambda_FullAccess
			AWSLambda_ReadOnlyAccess service-role/AWSLambdaRole CloudWatchLogsFullAccess AdministratorAccess PowerUserAccess ReadOnlyAccess IAMFullAccess`) {
			py.call(t, "iam", "GetPolicy", params{"PolicyArn": "arn:aws:iam::aws:policy/" + name})
		}
		out, errs, status := c.aws(t, "iam", "list-policies", "--scope", "AWS", "--query", "Policies[?PolicyName=='AWSLambdaBasicExecutionRole'].Arn", "--output", "text")
		if status != 0 || strings.TrimSpace(out) != "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole" {
			t.Errorf("%d %s%s", status, out, errs)
		}
	})
	rule(t, "ListRoles pages by MaxItems and Marker, and the AWS CLI follows", source, awsCLI, func(t *testing.T) {
		path := "/" + unique("page") + "/"
		for i := range 3 {
			py.call(t, "iam", "CreateRole", params{"RoleName": unique("role"), "Path": path, "AssumeRolePolicyDocument": trust, "Description": fmt.Sprint(i)})
		}
		first := py.call(t, "iam", "ListRoles", params{"PathPrefix": path, "MaxItems": 2})
		if len(first.list("Roles")) != 2 || first.get("IsTruncated") != true || first.str("Marker") == "" {
			t.Errorf("the first page: %v", first.Answer)
		}
		out, errs, status := c.aws(t, "iam", "list-roles", "--path-prefix", path, "--page-size", "1", "--query", "length(Roles)", "--output", "json")
		if status != 0 || strings.TrimSpace(out) != "3" {
			t.Errorf("%d %s%s", status, out, errs)
		}
	})
	rule(t, "the inline policies of a role may have 10,240 characters, white space not counted", source, boto3, func(t *testing.T) {
		role := c.iamRole(t, trust, "")
		fits := document(`"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::` + strings.Repeat("a", 10000) + `"`)
		py.call(t, "iam", "PutRolePolicy", params{"RoleName": role, "PolicyName": "p", "PolicyDocument": strings.Repeat(" \n", 5000) + fits})
		e := py.fail(t, "iam", "PutRolePolicy", params{"RoleName": role, "PolicyName": "q", "PolicyDocument": document(allows("s3:*", "arn:aws:s3:::"+strings.Repeat("b", 200)))})
		refusedAs(t, e, 409, "LimitExceeded", "Maximum policy size of 10240 bytes exceeded for role "+role)
	})
	rule(t, "a managed policy has at most five versions, and the default one cannot be deleted", source, boto3, func(t *testing.T) {
		arn := py.call(t, "iam", "CreatePolicy", params{"PolicyName": unique("policy"), "PolicyDocument": usual}).str("Policy.Arn")
		for range 4 {
			py.call(t, "iam", "CreatePolicyVersion", params{"PolicyArn": arn, "PolicyDocument": usual})
		}
		refusedAs(t, py.fail(t, "iam", "CreatePolicyVersion", params{"PolicyArn": arn, "PolicyDocument": usual}), 409, "LimitExceeded", "A managed policy can have up to 5 versions.")
		refusedAs(t, py.fail(t, "iam", "DeletePolicyVersion", params{"PolicyArn": arn, "VersionId": "v1"}), 409, "DeleteConflict", "Cannot delete the default version of a policy.")
	})
	rule(t, "an attached managed policy cannot be deleted", source, boto3, func(t *testing.T) {
		arn := py.call(t, "iam", "CreatePolicy", params{"PolicyName": unique("policy"), "PolicyDocument": usual}).str("Policy.Arn")
		py.call(t, "iam", "AttachRolePolicy", params{"RoleName": c.iamRole(t, trust, ""), "PolicyArn": arn})
		refusedAs(t, py.fail(t, "iam", "DeletePolicy", params{"PolicyArn": arn}), 409, "DeleteConflict", "Cannot delete a policy attached to entities.")
	})
	rule(t, "a role takes tags when it is made and later, and gives them back", source, jsSDK, func(t *testing.T) {
		js, name := c.js(t), unique("role")
		js.call(t, "iam", "CreateRole", params{"RoleName": name, "AssumeRolePolicyDocument": trust, "Tags": items{params{"Key": "app", "Value": "stock watch"}}})
		js.call(t, "iam", "TagRole", params{"RoleName": name, "Tags": items{params{"Key": "desk", "Value": "equities"}}})
		js.call(t, "iam", "UntagRole", params{"RoleName": name, "TagKeys": items{"app"}})
		if got := js.call(t, "iam", "ListRoleTags", params{"RoleName": name}); len(got.list("Tags")) != 1 || got.str("Tags.0.Value") != "equities" {
			t.Errorf("the tags are %v", got.get("Tags"))
		}
	})
	rule(t, "UpdateRole changes the longest session, within 3,600 and 43,200 seconds", source, boto3, func(t *testing.T) {
		role := c.iamRole(t, trust, "")
		py.call(t, "iam", "UpdateRole", params{"RoleName": role, "MaxSessionDuration": 7200})
		if got := py.call(t, "iam", "GetRole", params{"RoleName": role}).num("Role.MaxSessionDuration"); got != 7200 {
			t.Errorf("it is %v", got)
		}
		refusedAs(t, py.fail(t, "iam", "UpdateRole", params{"RoleName": role, "MaxSessionDuration": 60}), 400, "ValidationError", "maxSessionDuration")
	})
	rule(t, "a user has at most two access keys, and the secret is shown once", source, boto3, func(t *testing.T) {
		u := c.iamUser(t, "")
		key := py.call(t, "iam", "CreateAccessKey", params{"UserName": u.name})
		if id := key.str("AccessKey.AccessKeyId"); len(id) != 20 || !strings.HasPrefix(id, "AKIA") || len(key.str("AccessKey.SecretAccessKey")) != 40 {
			t.Errorf("the key is %v", key.get("AccessKey"))
		}
		refusedAs(t, py.fail(t, "iam", "CreateAccessKey", params{"UserName": u.name}), 409, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2")
		if list := py.call(t, "iam", "ListAccessKeys", params{"UserName": u.name}); list.get("AccessKeyMetadata.0.SecretAccessKey") != nil || len(list.list("AccessKeyMetadata")) != 2 {
			t.Errorf("the list is %v", list.Answer)
		}
	})
	rule(t, "a user with access keys cannot be deleted", source, boto3, func(t *testing.T) {
		u := c.iamUser(t, "")
		refusedAs(t, py.fail(t, "iam", "DeleteUser", params{"UserName": u.name}), 409, "DeleteConflict", "Cannot delete entity, must delete access keys first.")
	})
	rule(t, "a key that was switched off is no key: InvalidClientTokenId", source, boto3, func(t *testing.T) {
		u := c.iamUser(t, "")
		py.call(t, "iam", "UpdateAccessKey", params{"UserName": u.name, "AccessKeyId": u.key, "Status": "Inactive"})
		refusedAs(t, u.fail(t, "sts", "GetCallerIdentity", nil), 403, "InvalidClientTokenId", "The security token included in the request is invalid.")
	})
	rule(t, "AWS's own policies cannot be changed", source, boto3, func(t *testing.T) {
		e := py.fail(t, "iam", "CreatePolicyVersion", params{"PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess", "PolicyDocument": usual})
		refusedAs(t, e, 403, "AccessDenied", "")
	})
	rule(t, "GetUser without a name is about the caller", source, boto3, func(t *testing.T) {
		u := c.iamUser(t, document(allows("iam:GetUser", "*")))
		if got := u.call(t, "iam", "GetUser", nil).str("User.UserName"); got != u.name {
			t.Errorf("it is %s", got)
		}
	})
	difference(t, "there are no groups of users: ListGroupsForUser is empty and CreateGroup is refused by name", source, boto3, "users and roles take policies themselves", func(t *testing.T) {
		if got := py.call(t, "iam", "ListGroupsForUser", params{"UserName": c.iamUser(t, "").name}).list("Groups"); len(got) != 0 {
			t.Errorf("groups: %v", got)
		}
		refusedAs(t, py.fail(t, "iam", "CreateGroup", params{"GroupName": "desk"}), 400, "InvalidAction", "CreateGroup")
	})
}

func TestSTS(t *testing.T) {
	t.Parallel()
	c := shared(t)
	py := c.boto3(t)
	const source = "IAM §3"

	rule(t, "GetCallerIdentity needs no permission, even against a deny of everything", source, boto3, func(t *testing.T) {
		u := c.iamUser(t, document(denies("*", "*")))
		got := u.call(t, "sts", "GetCallerIdentity", nil)
		if got.str("Arn") != u.arn || !strings.HasPrefix(got.str("UserId"), "AIDA") || got.str("Account") != account {
			t.Errorf("it is %v", got.Answer)
		}
	})
	rule(t, "the root's identity is its account: the ARN ends in :root and the user id is the account", source, awsCLI, func(t *testing.T) {
		out, errs, status := c.aws(t, "sts", "get-caller-identity")
		var got struct{ UserId, Account, Arn string }
		if err := json.Unmarshal([]byte(out), &got); err != nil || status != 0 || got.Arn != iamARN+"root" || got.UserId != account {
			t.Errorf("%d %s%s", status, out, errs)
		}
	})
	rule(t, "a session's ARN names the role without its path, and its user id is the role's id and the session's name", source, boto3, func(t *testing.T) {
		u, name := c.iamUser(t, document(allows("sts:AssumeRole", "*"))), unique("role")
		id := py.call(t, "iam", "CreateRole", params{"RoleName": name, "Path": "/desk/", "AssumeRolePolicyDocument": ours}).str("Role.RoleId")
		got := u.assume(t, "desk/"+name, nil).call(t, "sts", "GetCallerIdentity", nil)
		if got.str("Arn") != "arn:aws:sts::"+account+":assumed-role/"+name+"/watch" || got.str("UserId") != id+":watch" {
			t.Errorf("it is %v", got.Answer)
		}
	})
	rule(t, "AssumeRole answers a key that begins with ASIA, a token, and when they expire: after an hour", source, jsSDK, func(t *testing.T) {
		u := c.iamUser(t, document(allows("sts:AssumeRole", "*")))
		js := c.js(t).as(u.key, u.secret, "")
		got := js.call(t, "sts", "AssumeRole", params{"RoleArn": iamARN + "role/" + c.iamRole(t, ours, ""), "RoleSessionName": "watch"})
		if !strings.HasPrefix(got.str("Credentials.AccessKeyId"), "ASIA") || got.str("Credentials.SessionToken") == "" || got.str("Credentials.Expiration") == "" || !strings.HasSuffix(got.str("AssumedRoleUser.AssumedRoleId"), ":watch") {
			t.Errorf("it is %v", got.Answer)
		}
	})
	rule(t, "the root may assume no role: Roles may not be assumed by root accounts.", "Compare AWS STS credentials", boto3, func(t *testing.T) {
		e := py.fail(t, "sts", "AssumeRole", params{"RoleArn": iamARN + "role/" + c.iamRole(t, ours, ""), "RoleSessionName": "watch"})
		refusedAs(t, e, 403, "AccessDenied", "Roles may not be assumed by root accounts.")
	})
	rule(t, "a role that is not there is refused in the same words as one that may not be assumed", source, boto3, func(t *testing.T) {
		u := c.iamUser(t, "")
		for _, role := range []string{"nobody", c.iamRole(t, ours, "")} {
			arn := iamARN + "role/" + role
			refusedAs(t, u.fail(t, "sts", "AssumeRole", params{"RoleArn": arn, "RoleSessionName": "watch"}), 403, "AccessDenied", "User: "+u.arn+" is not authorized to perform: sts:AssumeRole on resource: "+arn)
		}
	})
	rule(t, "a trust policy for the account leaves it to the caller's policies; one for the user itself is enough", "IAM §2", boto3, func(t *testing.T) {
		u := c.iamUser(t, "")
		named := c.iamRole(t, trusts(`{"AWS":"`+u.arn+`"}`), "")
		u.assume(t, named, nil)
		u.fail(t, "sts", "AssumeRole", params{"RoleArn": iamARN + "role/" + c.iamRole(t, ours, ""), "RoleSessionName": "watch"})
	})
	rule(t, "a trust policy that demands an external id refuses a caller who gives none or another", "IAM §2", boto3, func(t *testing.T) {
		u := c.iamUser(t, document(allows("sts:AssumeRole", "*")))
		role := c.iamRole(t, trusts(`{"AWS":"`+account+`"}`, `"Condition":{"StringEquals":{"sts:ExternalId":"desk"}}`), "")
		in := params{"RoleArn": iamARN + "role/" + role, "RoleSessionName": "watch"}
		refusedAs(t, u.fail(t, "sts", "AssumeRole", in), 403, "AccessDenied", "sts:AssumeRole")
		u.assume(t, role, params{"ExternalId": "desk"})
		in["ExternalId"] = "other"
		u.fail(t, "sts", "AssumeRole", in)
	})
	rule(t, "session tags need sts:TagSession in the trust policy", "IAM §2", boto3, func(t *testing.T) {
		u := c.iamUser(t, document(allows("sts:*", "*")))
		tags := params{"Tags": items{params{"Key": "desk", "Value": "equities"}}}
		role := c.iamRole(t, ours, "")
		refusedAs(t, u.fail(t, "sts", "AssumeRole", params{"RoleArn": iamARN + "role/" + role, "RoleSessionName": "watch", "Tags": tags["Tags"]}), 403, "AccessDenied", "sts:TagSession")
		u.assume(t, c.iamRole(t, document(`"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession"],"Principal":{"AWS":"`+account+`"}`), ""), tags)
	})
	rule(t, "a session may not be longer than the role's MaxSessionDuration", source, boto3, func(t *testing.T) {
		u := c.iamUser(t, document(allows("sts:AssumeRole", "*")))
		e := u.fail(t, "sts", "AssumeRole", params{"RoleArn": iamARN + "role/" + c.iamRole(t, ours, ""), "RoleSessionName": "watch", "DurationSeconds": 7200})
		refusedAs(t, e, 400, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	})
	rule(t, "a session that assumes a role gets an hour at most", source, boto3, func(t *testing.T) {
		u := c.iamUser(t, document(allows("sts:AssumeRole", "*")))
		role := c.iamRole(t, ours, document(allows("sts:AssumeRole", "*")))
		py.call(t, "iam", "UpdateRole", params{"RoleName": role, "MaxSessionDuration": 43200})
		e := u.assume(t, role, nil).fail(t, "sts", "AssumeRole", params{"RoleArn": iamARN + "role/" + role, "RoleSessionName": "watch", "DurationSeconds": 7200})
		refusedAs(t, e, 400, "ValidationError", "1 hour session limit for roles assumed by role chaining")
	})
	rule(t, "a session's name has 2 to 64 letters, digits and _+=,.@-", source, boto3, func(t *testing.T) {
		u, arn := c.iamUser(t, document(allows("sts:AssumeRole", "*"))), iamARN+"role/"+c.iamRole(t, ours, "")
		for _, name := range []string{"w", strings.Repeat("w", 65), "watch lambda", "watch/1"} {
			refusedAs(t, u.fail(t, "sts", "AssumeRole", params{"RoleArn": arn, "RoleSessionName": name}), 400, "ValidationError", "roleSessionName")
		}
	})
	rule(t, "what is no ARN is refused: X is invalid", source, boto3, func(t *testing.T) {
		u := c.iamUser(t, document(allows("sts:AssumeRole", "*")))
		refusedAs(t, u.fail(t, "sts", "AssumeRole", params{"RoleArn": "watch-role", "RoleSessionName": "watch"}), 400, "ValidationError", "watch-role is invalid")
	})
	rule(t, "a session policy takes from what the role may do and adds nothing", "IAM §2", boto3, func(t *testing.T) {
		u := c.iamUser(t, document(allows("sts:AssumeRole", "*")))
		role := c.iamRole(t, ours, document(allows("dynamodb:ListTables", "*"), allows("dynamodb:DescribeLimits", "*")))
		s := u.assume(t, role, params{"Policy": document(allows("dynamodb:ListTables", "*"), allows("s3:ListAllMyBuckets", "*"))})
		s.call(t, "dynamodb", "ListTables", nil)
		refusedAs(t, s.fail(t, "dynamodb", "DescribeLimits", nil), 400, "AccessDeniedException", "because no session policy allows the dynamodb:DescribeLimits action")
		refusedAs(t, s.fail(t, "s3", "ListBuckets", nil), 403, "AccessDenied", "because no identity-based policy allows the s3:ListAllMyBuckets action")
	})
	rule(t, "GetSessionToken is not for sessions", source, boto3, func(t *testing.T) {
		u := c.iamUser(t, document(allows("sts:AssumeRole", "*")))
		refusedAs(t, u.assume(t, c.iamRole(t, ours, ""), nil).fail(t, "sts", "GetSessionToken", nil), 403, "AccessDenied", "Cannot call GetSessionToken with session credentials")
	})
	rule(t, "the keys of a session whose role was deleted are unknown", "IAM §2", boto3, func(t *testing.T) {
		u, role := c.iamUser(t, document(allows("sts:AssumeRole", "*"))), c.iamRole(t, ours, "")
		s := u.assume(t, role, nil)
		py.call(t, "iam", "DeleteRole", params{"RoleName": role})
		refusedAs(t, s.fail(t, "sts", "GetCallerIdentity", nil), 403, "InvalidClientTokenId", "")
	})
	rule(t, "a trusted role that is deleted and made again is another: the trust policy shows the old one's AROA… id", "IAM §2", boto3, func(t *testing.T) {
		u, first := c.iamUser(t, document(allows("sts:AssumeRole", "*"))), c.iamRole(t, ours, document(allows("sts:AssumeRole", "*")))
		second := c.iamRole(t, trusts(`{"AWS":"`+iamARN+`role/`+first+`"}`), "")
		in := params{"RoleArn": iamARN + "role/" + second, "RoleSessionName": "watch"}
		u.assume(t, first, nil).call(t, "sts", "AssumeRole", in)
		py.call(t, "iam", "DeleteRolePolicy", params{"RoleName": first, "PolicyName": "may"})
		py.call(t, "iam", "DeleteRole", params{"RoleName": first})
		py.call(t, "iam", "CreateRole", params{"RoleName": first, "AssumeRolePolicyDocument": ours})
		py.call(t, "iam", "PutRolePolicy", params{"RoleName": first, "PolicyName": "may", "PolicyDocument": document(allows("sts:AssumeRole", "*"))})
		refusedAs(t, u.assume(t, first, nil).fail(t, "sts", "AssumeRole", in), 403, "AccessDenied", "sts:AssumeRole")
		if got := py.call(t, "iam", "GetRole", params{"RoleName": second}).str("Role.AssumeRolePolicyDocument.Statement.0.Principal.AWS"); !strings.HasPrefix(got, "AROA") {
			t.Errorf("the trust policy names %s", got)
		}
	})
	rule(t, "a form with the action in the query and a signature in it is a call as well", source, httpClient, func(t *testing.T) {
		link := presigned(t, c, c.key, c.secret, "sts", "GET", "/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Expires=60", now())
		status, text := fetch(t, http.MethodGet, link, nil)
		if status != 200 || !strings.Contains(text, "<Account>"+account+"</Account>") {
			t.Errorf("%d %s", status, text)
		}
	})
}
