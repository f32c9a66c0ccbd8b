package truth

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The shapes of answers and refusals, protocol by protocol: what a client that was generated from a model relies on.
func TestShapesOfAnswers(t *testing.T) {
	t.Parallel()
	c := shared(t)
	py, js := c.boto3(t), c.js(t)

	rule(t, "an absent operation of API Gateway is refused by its name, in the shape of REST-JSON", "Control plane §2", boto3, func(t *testing.T) {
		e := py.fail(t, v2, "CreateVpcLink", params{"Name": "x", "SubnetIds": items{"subnet-1"}})
		refusedAs(t, e, 404, "UnknownOperationException", "CreateVpcLink")
		if e.Headers["x-amzn-errortype"] == "" {
			t.Errorf("headers %v", e.Headers)
		}
	})
	rule(t, "an absent operation of Lambda is refused by its name", "Lambda §1", jsSDK, func(t *testing.T) {
		refusedAs(t, js.fail(t, "lambda", "CreateCodeSigningConfig", params{"AllowedPublishers": params{"SigningProfileVersionArns": items{"arn:aws:signer:us-east-1:111122223333:/signing-profiles/x/y"}}}),
			404, "UnknownOperationException", "CreateCodeSigningConfig")
	})
	rule(t, "an absent operation of IAM is refused by its name, with InvalidAction", "IAM §3", boto3, func(t *testing.T) {
		refusedAs(t, py.fail(t, "iam", "CreateSAMLProvider", params{"Name": "x", "SAMLMetadataDocument": "x"}), 400, "InvalidAction", "CreateSAMLProvider")
	})
	rule(t, "an absent operation of EC2 is refused by its name, with InvalidAction", "Services §2", awsCLI, func(t *testing.T) {
		_, stderr, status := c.aws(t, "ec2", "describe-instances")
		if status == 0 || !strings.Contains(stderr, "(InvalidAction)") || !strings.Contains(stderr, "DescribeInstances") {
			t.Errorf("exit %d: %s", status, stderr)
		}
	})
	rule(t, "an absent operation of DynamoDB is refused by its name, with UnknownOperationException", "Services §3", boto3, func(t *testing.T) {
		refusedAs(t, py.fail(t, "dynamodb", "CreateBackup", params{"TableName": "x", "BackupName": "y"}), 400, "UnknownOperationException", "CreateBackup")
	})
	rule(t, "an absent operation of CloudWatch Logs is refused by its name, with UnknownOperationException", "Services §4", jsSDK, func(t *testing.T) {
		refusedAs(t, js.fail(t, "logs", "CreateExportTask", params{"logGroupName": "x", "from": 0, "to": 1, "destination": "b"}), 400, "UnknownOperationException", "CreateExportTask")
	})
	rule(t, "an absent operation of S3 is refused by its name, with NotImplemented, and changes nothing", "Services §1", boto3, func(t *testing.T) {
		b := unique("shape")
		py.call(t, "s3", "CreateBucket", params{"Bucket": b})
		refusedAs(t, py.fail(t, "s3", "DeleteBucketMetadataConfiguration", params{"Bucket": b}), 501, "NotImplemented", "DeleteBucketMetadataConfiguration")
		py.call(t, "s3", "HeadBucket", params{"Bucket": b})
	})
	choice(t, "a service that is not here is refused by its name and the operation's, in the protocol of its client", "Services", boto3, func(t *testing.T) {
		for _, absent := range []struct {
			service, operation string
			params             params
			name, code         string
		}{
			{"cloudformation", "DescribeStacks", nil, "cloudformation", "InvalidAction"},
			{"ssm", "GetParameter", params{"Name": "x"}, "ssm", "UnknownOperationException"},
			{"kms", "ListKeys", nil, "kms", "UnknownOperationException"},
			{"route53", "ListHostedZones", nil, "route53", "InvalidAction"},
			{"cloudfront", "ListDistributions", nil, "cloudfront", "InvalidAction"},
			{"acm", "ListCertificates", nil, "acm", "UnknownOperationException"},
			{"scheduler", "ListSchedules", nil, "scheduler", "UnknownOperationException"},
		} {
			e := py.fail(t, absent.service, absent.operation, absent.params)
			if e.Code != absent.code || !strings.Contains(e.Message, "does not have the service "+absent.name) {
				t.Errorf("%s: %d %s: %s", absent.service, e.Status, e.Code, e.Message)
			}
		}
	})
	choice(t, "AssumeRoleWithWebIdentity, which nobody signs, is refused by its name", "IAM §3", boto3, func(t *testing.T) {
		e := py.fail(t, "sts", "AssumeRoleWithWebIdentity", params{"RoleArn": "arn:aws:iam::111122223333:role/x", "RoleSessionName": "session", "WebIdentityToken": "a.b.c.d"})
		refusedAs(t, e, 400, "InvalidAction", "AssumeRoleWithWebIdentity")
	})

	rule(t, "an AccessDenied of API Gateway names the user, the verb and the resource without an account", "Control plane §2", boto3, func(t *testing.T) {
		user := unique("nobody")
		py.call(t, "iam", "CreateUser", params{"UserName": user})
		key := py.call(t, "iam", "CreateAccessKey", params{"UserName": user})
		e := py.as(key.str("AccessKey.AccessKeyId"), key.str("AccessKey.SecretAccessKey"), "").fail(t, v2, "GetApis", nil)
		refusedAs(t, e, 403, "AccessDeniedException", "is not authorized to perform: apigateway:GET on resource: arn:aws:apigateway:us-east-1::/apis")
	})

	rule(t, "a session that a root gets lasts an hour at most", "GetSessionToken - AWS Security Token Service", boto3, func(t *testing.T) {
		for _, p := range []params{nil, {"DurationSeconds": 7200}} {
			end, err := time.Parse(time.RFC3339, py.call(t, "sts", "GetSessionToken", p).str("Credentials.Expiration"))
			if left := time.Until(end); err != nil || left > time.Hour || left < 50*time.Minute {
				t.Errorf("%v: %s from now, %v", p, left, err)
			}
		}
	})
	rule(t, "S3 refuses an address that is presigned with Signature Version 2, and says which to use", "Authenticating Requests (AWS Signature Version 2)", httpClient, func(t *testing.T) {
		resp, err := http.Get(c.Endpoint + "/nowhere/x?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=bm8gc2lnbmF0dXJl&Expires=4102444800")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != 400 || !strings.Contains(string(body), "<Code>InvalidRequest</Code>") || !strings.Contains(string(body), "Please use AWS4-HMAC-SHA256.") {
			t.Errorf("%d %s", resp.StatusCode, body)
		}
	})

	b := unique("fresh")
	py.call(t, "s3", "CreateBucket", params{"Bucket": b})
	bucket := params{"Bucket": b}
	rule(t, "a fresh bucket encrypts with AES256", "Setting default server-side encryption behavior for Amazon S3 buckets", jsSDK, func(t *testing.T) {
		a := js.call(t, "s3", "GetBucketEncryption", bucket)
		if got := a.str("ServerSideEncryptionConfiguration.Rules.0.ApplyServerSideEncryptionByDefault.SSEAlgorithm"); got != "AES256" {
			t.Errorf("%v", a.Answer)
		}
	})
	rule(t, "a fresh bucket blocks public access", "Blocking public access to your Amazon S3 storage", awsCLI, func(t *testing.T) {
		out, stderr, _ := c.aws(t, "s3api", "get-public-access-block", "--bucket", b)
		if strings.Count(out, "true") != 4 {
			t.Errorf("%s%s", out, stderr)
		}
	})
	rule(t, "a fresh bucket has no access control list but the owner's", "Controlling ownership of objects and disabling ACLs for your bucket", boto3, func(t *testing.T) {
		owner := py.call(t, "s3", "GetBucketOwnershipControls", bucket).str("OwnershipControls.Rules.0.ObjectOwnership")
		acl := py.call(t, "s3", "GetBucketAcl", bucket)
		if owner != "BucketOwnerEnforced" || len(acl.list("Grants")) != 1 || acl.str("Grants.0.Permission") != "FULL_CONTROL" || acl.str("Grants.0.Grantee.Type") != "CanonicalUser" {
			t.Errorf("%s %v", owner, acl.Answer)
		}
	})
	rule(t, "a fresh bucket has no versioning, and its answer has no Status", "Services §1", boto3, func(t *testing.T) {
		if a := py.call(t, "s3", "GetBucketVersioning", bucket); a.get("Status") != nil {
			t.Errorf("%v", a.Answer)
		}
	})
	for _, unset := range []struct{ operation, code string }{
		{"GetBucketTagging", "NoSuchTagSet"},
		{"GetBucketPolicy", "NoSuchBucketPolicy"},
		{"GetBucketCors", "NoSuchCORSConfiguration"},
		{"GetBucketLifecycleConfiguration", "NoSuchLifecycleConfiguration"},
		{"GetBucketReplication", "ReplicationConfigurationNotFoundError"},
		{"GetBucketWebsite", "NoSuchWebsiteConfiguration"},
		{"GetObjectLockConfiguration", "ObjectLockConfigurationNotFoundError"},
	} {
		rule(t, unset.operation+" of a fresh bucket is "+unset.code+", 404", unset.operation+" - Amazon Simple Storage Service", boto3, func(t *testing.T) {
			refusedAs(t, py.fail(t, "s3", unset.operation, bucket), 404, unset.code, "")
		})
	}
	rule(t, "logging, notifications and acceleration of a fresh bucket are empty documents", "GetBucketLogging - Amazon Simple Storage Service", jsSDK, func(t *testing.T) {
		for _, operation := range []string{"GetBucketLogging", "GetBucketNotificationConfiguration", "GetBucketAccelerateConfiguration"} {
			a := js.call(t, "s3", operation, bucket)
			if m, _ := a.Answer.(map[string]any); m["LoggingEnabled"] != nil || m["Status"] != nil || m["LambdaFunctionConfigurations"] != nil {
				t.Errorf("%s: %v", operation, m)
			}
		}
	})
	rule(t, "a HEAD that is refused has no body: the code is 404", "Services §1", boto3, func(t *testing.T) {
		refusedAs(t, py.fail(t, "s3", "HeadBucket", params{"Bucket": unique("nowhere")}), 404, "404", "")
	})

	rule(t, "lists of IAM say IsTruncated, also when they are whole", "ListRoles - AWS Identity and Access Management", boto3, func(t *testing.T) {
		role := unique("role")
		py.call(t, "iam", "CreateRole", params{"RoleName": role, "AssumeRolePolicyDocument": trust})
		if a := py.call(t, "iam", "ListRolePolicies", params{"RoleName": role}); a.str("IsTruncated") != "false" {
			t.Errorf("%v", a.Answer)
		}
	})
	rule(t, "the description of a policy is answered by GetPolicy alone", "CreatePolicy - AWS Identity and Access Management", awsCLI, func(t *testing.T) {
		out, stderr, _ := c.aws(t, "iam", "create-policy", "--policy-name", unique("policy"), "--description", "lets read", "--policy-document",
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}`)
		var made struct {
			Policy struct{ Arn, Description string }
		}
		if err := json.Unmarshal([]byte(out), &made); err != nil || made.Policy.Description != "" {
			t.Errorf("%s%s", out, stderr)
		}
		if got := py.call(t, "iam", "GetPolicy", params{"PolicyArn": made.Policy.Arn}).str("Policy.Description"); got != "lets read" {
			t.Errorf("description %q", got)
		}
	})
	rule(t, "lists of functions tell neither their state nor the version of their runtime", "ListFunctions - AWS Lambda", boto3, func(t *testing.T) {
		fn := c.function(t, unique("listed"))
		a := py.call(t, "lambda", "ListVersionsByFunction", params{"FunctionName": fn.Name})
		if a.str("Versions.0.FunctionName") == "" || a.get("Versions.0.State") != nil || a.get("Versions.0.RuntimeVersionConfig") != nil {
			t.Errorf("%v", a.Answer)
		}
		if got := py.call(t, "lambda", "GetFunctionConfiguration", params{"FunctionName": fn.Name}); got.str("State") != "Active" || got.str("RuntimeVersionConfig.RuntimeVersionArn") == "" {
			t.Errorf("%v", got.Answer)
		}
	})
	rule(t, "DynamoDB answers with a CRC32 of the body", "Services §3", boto3, func(t *testing.T) {
		if h := py.call(t, "dynamodb", "ListTables", nil).Headers; h["x-amz-crc32"] == "" || len(h["x-amzn-requestid"]) != 52 {
			t.Errorf("%v", h)
		}
	})
	rule(t, "a request that nobody signed is refused in the shape of its service", "IAM §1", httpClient, func(t *testing.T) {
		for path, want := range map[string]string{
			"/v2/apis":               "MissingAuthenticationTokenException",
			"/2015-03-31/functions/": "MissingAuthenticationTokenException",
			"/" + b + "?list-type=2": "<Code>AccessDenied</Code>",
		} {
			resp, err := http.Get(c.Endpoint + path)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || resp.StatusCode != 403 || !strings.Contains(string(body)+resp.Header.Get("x-amzn-ErrorType"), want) {
				t.Errorf("%s: %d %s %v", path, resp.StatusCode, body, resp.Header)
			}
		}
	})
}
