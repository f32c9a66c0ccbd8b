package truth

import (
	"strings"
	"testing"
	"time"
)

// describe asks DynamoDB for a table that is not there: whoever may ask is told so, whoever may not is told that.
func (u *testUser) describe(t testing.TB, table string) (allowed bool) {
	t.Helper()
	return mayDescribe(t, u.caller, table)
}

func mayDescribe(t testing.TB, c caller, table string) bool {
	t.Helper()
	switch e := c.fail(t, "dynamodb", "DescribeTable", params{"TableName": table}); e.Code {
	case "ResourceNotFoundException":
		return true
	case "AccessDeniedException":
		return false
	default:
		t.Fatalf("DescribeTable: %s %s", e.Code, e.Message)
		return false
	}
}

const tables = "arn:aws:dynamodb:us-east-1:" + account + ":table/"

func TestIAMPolicyEvaluation(t *testing.T) {
	t.Parallel()
	c := shared(t)
	py := c.boto3(t)
	const source = "IAM §2"

	// judged checks what one policy says of DescribeTable on a table.
	judged := func(name, policy string, want map[string]bool) {
		t.Helper()
		rule(t, name, source, boto3, func(t *testing.T) {
			u := c.iamUser(t, policy)
			for table, allowed := range want {
				if got := u.describe(t, table); got != allowed {
					t.Errorf("%s is allowed: %v", table, got)
				}
			}
		})
	}
	describe := func(resource string) string { return allows("dynamodb:DescribeTable", resource) }
	when := func(condition string) string { return document(describe("*") + `,"Condition":` + condition) }

	judged("a deny wins over an allow, whichever stands first", document(denies("dynamodb:*", tables+"secret"), describe("*"), denies("dynamodb:Describe*", tables+"hidden")),
		map[string]bool{"secret": false, "hidden": false, "open": true})
	judged("names of actions are compared without case", document(allows("DynamoDB:describeTABLE", "*")), map[string]bool{"any": true})
	judged("resources are compared with case", document(describe(tables+"Watchers")), map[string]bool{"Watchers": true, "watchers": false})
	judged("* stands for any run of characters and ? for one", document(describe(tables+"w?tch*")), map[string]bool{"watchers": true, "watch": true, "wwatch": false, "wtch": false})
	judged("* in one part of an ARN does not reach into the next", document(describe("arn:aws:dynamodb:*:table/watch")), map[string]bool{"watch": false})
	judged("NotAction allows everything else", document(`"Effect":"Allow","NotAction":"dynamodb:Delete*","Resource":"*"`), map[string]bool{"any": true})
	judged("NotAction does not allow what it names", document(`"Effect":"Allow","NotAction":"dynamodb:Describe*","Resource":"*"`), map[string]bool{"any": false})
	judged("NotResource means every resource but those", document(`"Effect":"Allow","Action":"dynamodb:*","NotResource":"`+tables+`secret"`), map[string]bool{"secret": false, "open": true})
	judged("an action is matched by its whole name", document(`"Effect":"Allow","Action":["dynamodb:DescribeTables","sqs:*"],"Resource":"*"`), map[string]bool{"any": false})
	judged("StringEquals on a key that the request lacks is false", when(`{"StringEquals":{"aws:PrincipalTag/desk":"equities"}}`), map[string]bool{"any": false})
	judged("StringNotEquals on a key that the request lacks is true", when(`{"StringNotEquals":{"aws:PrincipalTag/desk":"equities"}}`), map[string]bool{"any": true})
	judged("StringEqualsIfExists on a key that the request lacks is true", when(`{"StringEqualsIfExists":{"aws:PrincipalTag/desk":"equities"}}`), map[string]bool{"any": true})
	judged("Null asks whether the request lacks a key", when(`{"Null":{"aws:PrincipalTag/desk":"true","aws:username":"false"}}`), map[string]bool{"any": true})
	judged("all keys and operators of a condition must hold", when(`{"StringLike":{"aws:username":"user-*"},"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}`), map[string]bool{"any": false})
	judged("of several values of a key one is enough", when(`{"StringEquals":{"aws:RequestedRegion":["eu-west-1","us-east-1"]}}`), map[string]bool{"any": true})
	judged("of several values of a negated operator none may match", when(`{"StringNotEquals":{"aws:RequestedRegion":["eu-west-1","us-east-1"]}}`), map[string]bool{"any": false})
	judged("condition keys are compared without case", when(`{"StringEquals":{"AWS:requestedREGION":"us-east-1"}}`), map[string]bool{"any": true})
	judged("StringEquals compares with case, StringEqualsIgnoreCase without", document(describe(tables+"aaa")+`,"Condition":{"StringEquals":{"aws:RequestedRegion":"US-EAST-1"}}`,
		describe(tables+"bbb")+`,"Condition":{"StringEqualsIgnoreCase":{"aws:RequestedRegion":"US-EAST-1"}}`), map[string]bool{"aaa": false, "bbb": true})
	judged("aws:SourceIp is the caller's address, in IpAddress and NotIpAddress", document(describe(tables+"aaa")+`,"Condition":{"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}}`,
		describe(tables+"bbb")+`,"Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`, describe(tables+"ccc")+`,"Condition":{"NotIpAddress":{"aws:SourceIp":["127.0.0.1","10.0.0.0/8"]}}`),
		map[string]bool{"aaa": true, "bbb": false, "ccc": false})
	judged("aws:SecureTransport is false over plain HTTP", when(`{"Bool":{"aws:SecureTransport":"true"}}`), map[string]bool{"any": false})
	judged("aws:CurrentTime and aws:EpochTime are the time of the request", document(describe(tables+"past")+`,"Condition":{"DateLessThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}}`,
		describe(tables+"future")+`,"Condition":{"DateGreaterThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"},"NumericGreaterThan":{"aws:EpochTime":"1577836800"},"DateLessThan":{"aws:CurrentTime":"`+time.Now().AddDate(1, 0, 0).UTC().Format(time.RFC3339)+`"}}`),
		map[string]bool{"past": false, "future": true})
	judged("ForAllValues is true of a key without values, ForAnyValue is false", document(describe(tables+"all")+`,"Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":"desk"}}`,
		describe(tables+"any")+`,"Condition":{"ForAnyValue:StringEquals":{"aws:TagKeys":"desk"}}`), map[string]bool{"all": true, "any": false})
	judged("aws:PrincipalType and aws:PrincipalArn say who a user is", when(`{"StringEquals":{"aws:PrincipalType":"User","aws:PrincipalAccount":"`+account+`"},"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/user-*"}}`), map[string]bool{"any": true})

	rule(t, "${aws:username} in a resource is the caller's name", source, boto3, func(t *testing.T) {
		u := c.iamUser(t, document(describe(tables+"${aws:username}-*")))
		if !u.describe(t, u.name+"-watches") || u.describe(t, "other-watches") {
			t.Error("the variable is not the name")
		}
	})
	rule(t, "policies of the version 2008-10-17 have no variables", source, boto3, func(t *testing.T) {
		u := c.iamUser(t, strings.Replace(document(describe(tables+"${aws:username}-*")), "2012-10-17", "2008-10-17", 1))
		if u.describe(t, u.name+"-watches") {
			t.Error("the variable was replaced")
		}
	})
	rule(t, "a variable may have a default: ${aws:PrincipalTag/desk, 'none'}", source, boto3, func(t *testing.T) {
		u := c.iamUser(t, document(describe(tables+"${aws:PrincipalTag/desk, 'none'}-watches")))
		if !u.describe(t, "none-watches") {
			t.Error("the default does not count")
		}
		py.call(t, "iam", "TagUser", params{"UserName": u.name, "Tags": items{params{"Key": "desk", "Value": "equities"}}})
		if !u.describe(t, "equities-watches") || u.describe(t, "none-watches") {
			t.Error("the tag does not count")
		}
	})
	rule(t, "a variable without a value matches nothing", source, boto3, func(t *testing.T) {
		u := c.iamUser(t, document(describe(tables+"${aws:PrincipalTag/desk}*")))
		if u.describe(t, "watches") {
			t.Error("it matched")
		}
	})
	rule(t, "a variable's value brings no wildcards with it", source, boto3, func(t *testing.T) {
		u := c.iamUser(t, document(describe(tables+"${aws:PrincipalTag/desk}")))
		py.call(t, "iam", "TagUser", params{"UserName": u.name, "Tags": items{params{"Key": "desk", "Value": "*"}}})
		if u.describe(t, "watches") {
			t.Error("* of a tag stood for any name")
		}
	})
	rule(t, "a permissions boundary must allow as well, and allows nothing by itself", source, boto3, func(t *testing.T) {
		u := c.iamUser(t, document(describe(tables+"aaa"), describe(tables+"bbb")))
		arn := py.call(t, "iam", "CreatePolicy", params{"PolicyName": unique("boundary"), "PolicyDocument": document(describe(tables+"bbb"), describe(tables+"ccc"))}).str("Policy.Arn")
		py.call(t, "iam", "PutUserPermissionsBoundary", params{"UserName": u.name, "PermissionsBoundary": arn})
		if u.describe(t, "aaa") || !u.describe(t, "bbb") || u.describe(t, "ccc") {
			t.Error("the boundary is not the intersection")
		}
		refusedAs(t, u.fail(t, "dynamodb", "DescribeTable", params{"TableName": "aaa"}), 400, "AccessDeniedException", "because no permissions boundary allows the dynamodb:DescribeTable action")
	})
	rule(t, "a policy's new default version is in force with the next request", source, boto3, func(t *testing.T) {
		u := c.iamUser(t, "")
		arn := py.call(t, "iam", "CreatePolicy", params{"PolicyName": unique("policy"), "PolicyDocument": document(describe(tables + "aaa"))}).str("Policy.Arn")
		py.call(t, "iam", "AttachUserPolicy", params{"UserName": u.name, "PolicyArn": arn})
		py.call(t, "iam", "CreatePolicyVersion", params{"PolicyArn": arn, "PolicyDocument": document(describe(tables + "bbb")), "SetAsDefault": true})
		if u.describe(t, "aaa") || !u.describe(t, "bbb") {
			t.Error("the first version is in force")
		}
	})
	rule(t, "aws:PrincipalArn of a session is the role's ARN, and aws:userid ends in the session's name", source, boto3, func(t *testing.T) {
		u := c.iamUser(t, document(allows("sts:AssumeRole", "*")))
		role := c.iamRole(t, ours, when(`{"ArnEquals":{"aws:PrincipalArn":"`+iamARN+`role/role-*"},"StringLike":{"aws:userid":"AROA*:watch"},"StringEquals":{"aws:PrincipalType":"AssumedRole"}}`))
		if !mayDescribe(t, u.assume(t, role, nil), "any") {
			t.Error("the keys are others")
		}
	})
	rule(t, "session tags are principal tags, and win over the role's", source, boto3, func(t *testing.T) {
		u := c.iamUser(t, document(allows("sts:*", "*")))
		role := c.iamRole(t, document(`"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession"],"Principal":{"AWS":"`+account+`"}`), when(`{"StringEquals":{"aws:PrincipalTag/desk":"equities"}}`))
		py.call(t, "iam", "TagRole", params{"RoleName": role, "Tags": items{params{"Key": "desk", "Value": "rates"}}})
		if mayDescribe(t, u.assume(t, role, nil), "any") || !mayDescribe(t, u.assume(t, role, params{"Tags": items{params{"Key": "desk", "Value": "equities"}}}), "any") {
			t.Error("the role's tag won")
		}
	})
	rule(t, "a refusal names the caller, the action, the resource and the reason", source, awsCLI, func(t *testing.T) {
		u := c.iamUser(t, document(denies("dynamodb:*", tables+"secret")))
		refusedAs(t, u.fail(t, "dynamodb", "DescribeTable", params{"TableName": "open"}), 400, "AccessDeniedException",
			"User: "+u.arn+" is not authorized to perform: dynamodb:DescribeTable on resource: "+tables+"open because no identity-based policy allows the dynamodb:DescribeTable action")
		refusedAs(t, u.fail(t, "dynamodb", "DescribeTable", params{"TableName": "secret"}), 400, "AccessDeniedException", "with an explicit deny in an identity-based policy")
		if line := c.Wait(t, "access denied", u.arn, tables+"open"); !strings.Contains(line, "because no identity-based policy allows") {
			t.Errorf("the log says %s", line)
		}
	})
	rule(t, "dynamodb:LeadingKeys are the partition keys that a request is about", source, boto3, func(t *testing.T) {
		table := unique("watches")
		py.call(t, "dynamodb", "CreateTable", params{"TableName": table, "BillingMode": "PAY_PER_REQUEST",
			"AttributeDefinitions": items{params{"AttributeName": "user", "AttributeType": "S"}}, "KeySchema": items{params{"AttributeName": "user", "KeyType": "HASH"}}})
		u := c.iamUser(t, document(`"Effect":"Allow","Action":"dynamodb:*","Resource":"*","Condition":{"ForAllValues:StringEquals":{"dynamodb:LeadingKeys":["${aws:username}"]}}`))
		key := func(name string) params { return params{"user": params{"S": name}} }
		u.call(t, "dynamodb", "PutItem", params{"TableName": table, "Item": key(u.name)})
		refusedAs(t, u.fail(t, "dynamodb", "PutItem", params{"TableName": table, "Item": key("other")}), 400, "AccessDeniedException", "dynamodb:PutItem")
		refusedAs(t, u.fail(t, "dynamodb", "BatchGetItem", params{"RequestItems": params{table: params{"Keys": items{key(u.name), key("other")}}}}), 400, "AccessDeniedException", "dynamodb:BatchGetItem")
	})
	rule(t, "CreateFunction needs iam:PassRole on the role, for lambda.amazonaws.com", source, boto3, func(t *testing.T) {
		role := iamARN + "role/" + c.iamRole(t, trust, "")
		in := params{"FunctionName": unique("passed"), "Role": role, "Runtime": "provided.al2023", "Handler": "bootstrap", "Code": params{"ZipFile": probeZip}}
		u := c.iamUser(t, document(allows("lambda:CreateFunction", "*")))
		refusedAs(t, u.fail(t, "lambda", "CreateFunction", in), 403, "AccessDeniedException", "is not authorized to perform: iam:PassRole on resource: "+role)
		pass := func(service string) string {
			return document(allows("lambda:CreateFunction", "*"), allows("iam:PassRole", role)+`,"Condition":{"StringEquals":{"iam:PassedToService":"`+service+`"}}`)
		}
		u.put(t, pass("ec2.amazonaws.com"))
		u.fail(t, "lambda", "CreateFunction", in)
		u.put(t, pass("lambda.amazonaws.com"))
		u.call(t, "lambda", "CreateFunction", in)
	})
	rule(t, "an integration with a role needs iam:PassRole on it, for apigateway.amazonaws.com", source, boto3, func(t *testing.T) {
		role := iamARN + "role/" + c.iamRole(t, trusts(`{"Service":"apigateway.amazonaws.com"}`), "")
		api := py.call(t, "apigatewayv2", "CreateApi", params{"Name": unique("passed"), "ProtocolType": "HTTP"}).str("ApiId")
		in := params{"ApiId": api, "IntegrationType": "AWS_PROXY", "IntegrationUri": "arn:aws:lambda:us-east-1:" + account + ":function:watch", "PayloadFormatVersion": "2.0", "CredentialsArn": role}
		u := c.iamUser(t, document(allows("apigateway:*", "*")))
		refusedAs(t, u.fail(t, "apigatewayv2", "CreateIntegration", in), 403, "AccessDeniedException", "iam:PassRole")
		u.put(t, document(allows("apigateway:*", "*"), allows("iam:PassRole", role)))
		u.call(t, "apigatewayv2", "CreateIntegration", in)
	})
}

func TestResourcePolicies(t *testing.T) {
	t.Parallel()
	c := shared(t)
	py := c.boto3(t)
	const source = "IAM §2"

	// bucket makes a bucket with an object k and a policy, in which BUCKET stands for its ARN.
	bucket := func(t *testing.T, policy string) string {
		t.Helper()
		name := unique("policy-bucket")
		py.call(t, "s3", "CreateBucket", params{"Bucket": name})
		py.call(t, "s3", "PutObject", params{"Bucket": name, "Key": "k", "Body": []byte("x")})
		py.call(t, "s3", "PutBucketPolicy", params{"Bucket": name, "Policy": strings.ReplaceAll(policy, "BUCKET", "arn:aws:s3:::"+name)})
		return name
	}
	reads := func(t *testing.T, c caller, bucket string, want bool) {
		t.Helper()
		if a := c.do(t, "s3", "GetObject", params{"Bucket": bucket, "Key": "k"}); (a.Code == "") != want || !want && a.Code != "AccessDenied" {
			t.Errorf("GetObject: %d %s %s", a.Status, a.Code, a.Message)
		}
	}
	to := func(effect, principal string) string {
		return document(`"Effect":"` + effect + `","Principal":` + principal + `,"Action":"s3:GetObject","Resource":"BUCKET/*"`)
	}
	rule(t, "a bucket's policy that names a user is enough for that user, and for no other", source, boto3, func(t *testing.T) {
		u, other := c.iamUser(t, ""), c.iamUser(t, "")
		b := bucket(t, to("Allow", `{"AWS":"`+u.arn+`"}`))
		reads(t, u.caller, b, true)
		reads(t, other.caller, b, false)
	})
	rule(t, "a bucket's policy that names the account leaves it to its users' policies", source, boto3, func(t *testing.T) {
		b := bucket(t, to("Allow", `{"AWS":"`+account+`"}`))
		reads(t, c.iamUser(t, "").caller, b, false)
		reads(t, c.iamUser(t, document(allows("s3:GetObject", "*"))).caller, b, true)
	})
	rule(t, "a deny in a bucket's policy wins over the user's own policies, and over the root", source, boto3, func(t *testing.T) {
		b := bucket(t, to("Deny", `"*"`))
		reads(t, c.iamUser(t, document(allows("s3:*", "*"))).caller, b, false)
		reads(t, py, b, false)
		py.call(t, "s3", "DeleteBucketPolicy", params{"Bucket": b}) // which the root always may
		reads(t, py, b, true)
	})
	rule(t, "a boundary bounds what a bucket's policy gives a role, but not what it gives a session by name", source, boto3, func(t *testing.T) {
		u, role := c.iamUser(t, document(allows("sts:AssumeRole", "*"))), c.iamRole(t, ours, "")
		py.call(t, "iam", "PutRolePermissionsBoundary", params{"RoleName": role, "PermissionsBoundary": "arn:aws:iam::aws:policy/AmazonDynamoDBFullAccess"})
		s := u.assume(t, role, nil)
		reads(t, s, bucket(t, to("Allow", `{"AWS":"`+iamARN+`role/`+role+`"}`)), false)
		reads(t, s, bucket(t, to("Allow", `{"AWS":"arn:aws:sts::`+account+`:assumed-role/`+role+`/watch"}`)), true)
	})
	rule(t, "NotPrincipal in a deny spares those that it names", source, boto3, func(t *testing.T) {
		u, other := c.iamUser(t, document(allows("s3:*", "*"))), c.iamUser(t, document(allows("s3:*", "*")))
		b := bucket(t, document(`"Effect":"Deny","NotPrincipal":{"AWS":["`+u.arn+`","`+account+`"]},"Action":"s3:GetObject","Resource":"BUCKET/*"`))
		reads(t, u.caller, b, true)
		reads(t, other.caller, b, false)
	})
	rule(t, "a bucket's policy is refused if it speaks of another bucket, of another service or of nobody", source, boto3, func(t *testing.T) {
		b := bucket(t, to("Allow", `"*"`))
		for text, want := range map[string]string{
			document(`"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::other/*"`):                             "Policy has invalid resource",
			document(`"Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"arn:aws:s3:::` + b + `/*"`):                      "Policy has invalid action",
			document(`"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::` + b + `/*"`):                                         "Missing required field Principal",
			document(`"Effect":"Allow","Principal":{"AWS":"` + iamARN + `user/nobody"},"Action":"s3:*","Resource":"arn:aws:s3:::` + b + `/*"`): "Invalid principal in policy",
			"x": "Policies must be valid JSON and the first byte must be '{'",
		} {
			refusedAs(t, py.fail(t, "s3", "PutBucketPolicy", params{"Bucket": b, "Policy": text}), 400, "MalformedPolicy", want)
		}
	})
	rule(t, "a bucket's policy means the user that was there: one of the same name later is another", source, boto3, func(t *testing.T) {
		u := c.iamUser(t, "")
		b := bucket(t, to("Allow", `{"AWS":"`+u.arn+`"}`))
		py.call(t, "iam", "DeleteAccessKey", params{"UserName": u.name, "AccessKeyId": u.key})
		py.call(t, "iam", "DeleteUser", params{"UserName": u.name})
		py.call(t, "iam", "CreateUser", params{"UserName": u.name})
		key := py.call(t, "iam", "CreateAccessKey", params{"UserName": u.name})
		reads(t, py.as(key.str("AccessKey.AccessKeyId"), key.str("AccessKey.SecretAccessKey"), ""), b, false)
		if got := py.call(t, "s3", "GetBucketPolicy", params{"Bucket": b}).str("Policy"); !strings.Contains(got, `"AIDA`) {
			t.Errorf("the policy reads %s", got)
		}
	})
	rule(t, "a function's policy that names a role is enough to invoke it, and a deny of the role's own wins", source, boto3, func(t *testing.T) {
		f := c.function(t, "shared")
		u, role := c.iamUser(t, document(allows("sts:AssumeRole", "*"))), c.iamRole(t, ours, "")
		s := u.assume(t, role, nil)
		in := params{"FunctionName": f.Name, "Payload": []byte(`{"do":"echo"}`)}
		refusedAs(t, s.fail(t, "lambda", "Invoke", in), 403, "AccessDeniedException", "because no identity-based policy allows the lambda:InvokeFunction action")
		py.call(t, "lambda", "AddPermission", params{"FunctionName": f.Name, "StatementId": "role", "Action": "lambda:InvokeFunction", "Principal": iamARN + "role/" + role})
		s.call(t, "lambda", "Invoke", in)
		py.call(t, "iam", "PutRolePolicy", params{"RoleName": role, "PolicyName": "may", "PolicyDocument": document(denies("lambda:*", "*"))})
		refusedAs(t, s.fail(t, "lambda", "Invoke", in), 403, "AccessDeniedException", "with an explicit deny in an identity-based policy")
	})
	rule(t, "ListObjects may be bound to a prefix by s3:prefix", source, awsCLI, func(t *testing.T) {
		name := unique("prefixed")
		py.call(t, "s3", "CreateBucket", params{"Bucket": name})
		u := c.iamUser(t, document(allows("s3:ListBucket", "*")+`,"Condition":{"StringLike":{"s3:prefix":"${aws:username}/*"}}`))
		u.call(t, "s3", "ListObjectsV2", params{"Bucket": name, "Prefix": u.name + "/a"})
		refusedAs(t, u.fail(t, "s3", "ListObjectsV2", params{"Bucket": name}), 403, "AccessDenied", "s3:ListBucket")
	})
	difference(t, "a bucket's policy opens nothing to anonymous callers", source, boto3, "buckets are for the cloud's own tools and functions; every call is signed", func(t *testing.T) {
		reads(t, py.as("", "", ""), bucket(t, to("Allow", `"*"`)), false)
	})
}
