package iam

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"quotewire/cloud/protocol"
)

const connections = "arn:aws:execute-api:us-east-1:111122223333:q7w2e9r4t1/development/POST/@connections/{connectionId}"

func TestRootMayDoEverything(t *testing.T) {
	t.Parallel()
	h := start(t, t.TempDir())
	ctx := WithPrincipal(t.Context(), Principal{Kind: Root, Account: testAccount, ARN: "arn:aws:iam::111122223333:root"})
	if err := h.Authorize(ctx, protocol.JSON10, "dynamodb:PutItem", "*", nil); err != nil {
		t.Error(err)
	}
	if err := h.Authorize(t.Context(), protocol.JSON10, "dynamodb:PutItem", "*", nil); codeOf(err) != "com.amazon.coral.service#MissingAuthenticationTokenException" {
		t.Errorf("nobody: %v", err)
	}
}

func TestRolesPoliciesDecideAtOnce(t *testing.T) {
	t.Parallel()
	h := start(t, t.TempDir())
	c := h.iamAs(root)
	name := aws.String("watch-role")
	ctx, _ := h.lambdaSession(t, h.role(t, *name, trustLambda, ""))
	may := func(want bool, when string) {
		t.Helper()
		err := h.Authorize(ctx, protocol.JSON10, "dynamodb:PutItem", "arn:aws:dynamodb:us-east-1:111122223333:table/Watchers", nil)
		if (err == nil) != want {
			t.Errorf("%s: %v, allowed wanted: %v", when, err, want)
		}
	}
	do := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	put := func(policy string) {
		t.Helper()
		do(c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: name, PolicyName: aws.String("p"), PolicyDocument: &policy}))
	}
	may(false, "no policy")
	put(allow("dynamodb:*", "arn:aws:dynamodb:*:*:table/Watchers"))
	may(true, "inline policy")
	put(allow("dynamodb:*", "arn:aws:dynamodb:*:*:table/Other"))
	may(false, "replaced inline policy")
	full := aws.String("arn:aws:iam::aws:policy/AmazonDynamoDBFullAccess")
	do(c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: name, PolicyArn: full}))
	may(true, "attached policy of AWS")
	put(`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"dynamodb:Put*","Resource":"*"}}`)
	may(false, "explicit deny")
	do(c.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: name, PolicyName: aws.String("p")}))
	may(true, "deny removed")
	do(c.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: name, PolicyArn: full}))
	may(false, "detached")

	own, err := c.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("tables"), PolicyDocument: aws.String(allow("dynamodb:Get*", "*"))})
	do(own, err)
	do(c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: name, PolicyArn: own.Policy.Arn}))
	may(false, "first version")
	do(c.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: own.Policy.Arn, PolicyDocument: aws.String(allow("dynamodb:*", "*")), SetAsDefault: true}))
	may(true, "second version")
	do(c.SetDefaultPolicyVersion(ctx, &iam.SetDefaultPolicyVersionInput{PolicyArn: own.Policy.Arn, VersionId: aws.String("v1")}))
	may(false, "first version again")
	put(allow("*", "*"))
	do(c.PutRolePermissionsBoundary(ctx, &iam.PutRolePermissionsBoundaryInput{RoleName: name, PermissionsBoundary: own.Policy.Arn}))
	may(false, "outside the boundary")
	do(c.DeleteRolePermissionsBoundary(ctx, &iam.DeleteRolePermissionsBoundaryInput{RoleName: name}))
	may(true, "boundary removed")
}

func TestSessionsEndWithTheirRole(t *testing.T) {
	t.Parallel()
	h := start(t, t.TempDir())
	c := h.iamAs(root)
	arn := h.role(t, "watch-role", trustLambda, "")
	ctx, session := h.lambdaSession(t, arn)
	verify := func() error {
		_, err := h.Verify(signed(t, session, "lambda", "GET", "/", "", time.Now()), nil, protocol.RESTJSON)
		return err
	}
	if err := verify(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: aws.String("watch-role")}); err != nil {
		t.Fatal(err)
	}
	again := h.role(t, "watch-role", trustLambda, allow("*", "*"))
	if again != arn {
		t.Fatalf("got %s and %s", arn, again)
	}
	// The role of that name is another one.
	if err := verify(); codeOf(err) != "UnrecognizedClientException" {
		t.Errorf("Verify: %v", err)
	}
	if err := h.Authorize(ctx, protocol.RESTJSON, "lambda:InvokeFunction", "*", nil); codeOf(err) != "UnrecognizedClientException" {
		t.Errorf("Authorize: %v", err)
	}
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	h := start(t, t.TempDir())
	_, session := h.lambdaSession(t, h.role(t, "watch-role", trustLambda, ""))
	h.Revoke(session.AccessKeyID)
	h.Revoke("test") // is no session
	for c, want := range map[Credentials]string{session: "UnrecognizedClientException", root: ""} {
		_, err := h.Verify(signed(t, c, "lambda", "GET", "/", "", time.Now()), nil, protocol.RESTJSON)
		if codeOf(err) != want {
			t.Errorf("%s: %v, want %q", c.AccessKeyID, err, want)
		}
	}
}

func TestCheckAssumable(t *testing.T) {
	t.Parallel()
	h := start(t, t.TempDir())
	arn := h.role(t, "watch-role", trustLambda, "")
	for _, c := range []struct{ arn, service, want string }{
		{arn, "lambda.amazonaws.com", ""},
		{arn, "apigateway.amazonaws.com", "does not let apigateway.amazonaws.com assume it"},
		{arn + "x", "lambda.amazonaws.com", "there is no role"},
		{"arn:aws:iam::111122223333:role/path/watch-role", "lambda.amazonaws.com", "there is no role"},
		{"watch-role", "lambda.amazonaws.com", "there is no role"},
	} {
		err := h.CheckAssumable(t.Context(), c.arn, c.service)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s by %s: %v, want %q", c.arn, c.service, err, c.want)
		}
	}
	if _, err := h.ServiceSession(t.Context(), arn, "lambda.amazonaws.com", "a b"); err == nil {
		t.Error("a session name with a space was taken")
	}
}

func TestDenialTexts(t *testing.T) {
	t.Parallel()
	h := start(t, t.TempDir())
	ctx, _ := h.lambdaSession(t, h.role(t, "watch-role", trustLambda, `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"s3:DeleteObject","Resource":"*"}}`))
	const user = "User: arn:aws:sts::111122223333:assumed-role/watch-role/watch is not authorized to perform: "
	const table = "arn:aws:dynamodb:us-east-1:111122223333:table/Watchers"
	for _, c := range []struct {
		p                protocol.Protocol
		action, resource string
		status           int
		code, text, body string // body, if it is not the usual one
	}{
		{protocol.JSON10, "dynamodb:PutItem", table, 400, "com.amazon.coral.service#AccessDeniedException",
			user + "dynamodb:PutItem on resource: " + table + " because no identity-based policy allows the dynamodb:PutItem action", ""},
		{protocol.RESTXML, "s3:DeleteObject", "arn:aws:s3:::b/k", 403, "AccessDenied",
			user + "s3:DeleteObject on resource: arn:aws:s3:::b/k with an explicit deny in an identity-based policy", ""},
		{protocol.EC2Query, "ec2:DescribeVpcs", "*", 403, "UnauthorizedOperation", "You are not authorized to perform this operation. " + user, ""},
		{protocol.Query, "iam:GetRole", "*", 403, "AccessDenied", user, ""},
		{protocol.RESTJSON, "lambda:GetFunction", "*", 403, "AccessDeniedException", user, `{"message":"User: `},
		{protocol.RESTJSON, "apigateway:POST", "arn:aws:apigateway:us-east-1::/apis", 403, "AccessDeniedException",
			user + "apigateway:POST on resource: arn:aws:apigateway:us-east-1::/apis", `{"Message":"User: `},
		{protocol.RESTJSON, "execute-api:ManageConnections", connections, 403, "AccessDeniedException", "",
			`{"Message":"` + user + `execute-api:ManageConnections on resource: arn:aws:execute-api:us-east-1:********3333:q7w2e9r4t1/development/POST/@connections/{connectionId}"}`},
	} {
		err := h.Authorize(ctx, c.p, c.action, c.resource, nil)
		e, ok := err.(*protocol.Error)
		if !ok || e.Status != c.status || e.Code != c.code || !strings.HasPrefix(e.Message, c.text) {
			t.Errorf("%s: got %#v\nwant %d %s %q", c.action, err, c.status, c.code, c.text)
			continue
		}
		w := httptest.NewRecorder()
		protocol.WriteError(w, c.p, err)
		if !strings.HasPrefix(w.Body.String(), c.body) {
			t.Errorf("%s: body %s, want %s", c.action, w.Body, c.body)
		}
	}
}

func TestADenialIsLoggedOnceWithWhatToWrite(t *testing.T) {
	t.Parallel()
	h := start(t, t.TempDir())
	ctx, _ := h.lambdaSession(t, h.role(t, "watch-role", trustLambda, allow("execute-api:Invoke", "arn:aws:execute-api:*:*:*")))
	for range 3 {
		if h.Authorize(ctx, protocol.RESTJSON, "execute-api:ManageConnections", connections, nil) == nil {
			t.Fatal("allowed")
		}
	}
	text := h.log.String()
	if n := strings.Count(text, "access denied"); n != 1 {
		t.Errorf("logged %d times, want once:\n%s", n, text)
	}
	for _, want := range []string{
		"principal=arn:aws:sts::111122223333:assumed-role/watch-role/watch", "action=execute-api:ManageConnections",
		"inline policy p: Allow execute-api:Invoke on arn:aws:execute-api:*:*:*",
		`allow \"execute-api:ManageConnections\" \"arn:aws:execute-api:us-east-1:111122223333:q7w2e9r4t1/development/POST/@connections/*\"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the log lacks %s:\n%s", want, text)
		}
	}
	h.role(t, "other-role", trustLambda, "") // something has changed: the reader may have tried to mend it
	h.Authorize(ctx, protocol.RESTJSON, "execute-api:ManageConnections", connections, nil)
	if n := strings.Count(h.log.String(), "access denied"); n != 2 {
		t.Errorf("logged %d times after a change, want twice", n)
	}
}

func TestConditionKeysOfARequest(t *testing.T) {
	t.Parallel()
	h := start(t, t.TempDir())
	creds := h.user(t, "dev", "")
	if _, err := h.iamAs(root).TagUser(t.Context(), &iam.TagUserInput{UserName: aws.String("dev"), Tags: tagList("desk", "rates")}); err != nil {
		t.Fatal(err)
	}
	r := signed(t, creds, "dynamodb", "POST", "/", "", time.Now(), "User-Agent", "feed/1.0")
	r.RemoteAddr, r.TLS = "192.0.2.44:1234", &tls.ConnectionState{}
	who, err := h.Verify(r, nil, protocol.JSON10)
	if err != nil {
		t.Fatal(err)
	}
	ctx := WithPrincipal(t.Context(), who)
	for _, condition := range []string{
		`{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`, `{"Bool":{"aws:SecureTransport":"true"}}`, `{"StringEquals":{"aws:UserAgent":"feed/1.0"}}`,
		`{"StringEquals":{"aws:RequestedRegion":"us-east-1"}}`, `{"StringEquals":{"aws:PrincipalTag/desk":"rates"}}`, `{"StringEquals":{"aws:username":"dev"}}`,
		`{"StringEquals":{"dynamodb:LeadingKeys":"dev"}}`,
	} {
		policy := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":` + condition + `}}`
		if _, err := h.iamAs(root).PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: aws.String("dev"), PolicyName: aws.String("p"), PolicyDocument: &policy}); err != nil {
			t.Fatal(err)
		}
		if err := h.Authorize(ctx, protocol.JSON10, "dynamodb:GetItem", "*", map[string]string{"dynamodb:LeadingKeys": "dev"}); err != nil {
			t.Errorf("%s does not hold: %v", condition, err)
		}
	}
}

// TestReadersNeverWait runs verification and authorization while policies change; the race detector looks on. Each
// answer must be that of one whole state: the two policies are swapped by single changes, so one always allows.
func TestReadersNeverWait(t *testing.T) {
	t.Parallel()
	h := start(t, t.TempDir())
	ctx, session := h.lambdaSession(t, h.role(t, "watch-role", trustLambda, allow("s3:Get*", "*")))
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := h.Authorize(ctx, protocol.RESTXML, "s3:GetObject", "*", nil); err != nil {
					t.Error(err)
					return
				}
				r := signed(t, session, "s3", "GET", "/b/k", "", time.Now())
				if _, err := h.Verify(r, nil, protocol.RESTXML); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	c := h.iamAs(root)
	for i := range 20 {
		policy := allow([]string{"s3:*", "s3:Get*"}[i%2], "*")
		if _, err := c.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: aws.String("watch-role"), PolicyName: aws.String("p"), PolicyDocument: &policy}); err != nil {
			t.Error(err)
		}
		name := fmt.Sprintf("role-%d", i)
		h.role(t, name, trustLambda, "")
	}
	close(stop)
	readers.Wait()
}

// BenchmarkConnectionsPost is what each post to a connection pays: the signature and the policy.
func BenchmarkConnectionsPost(b *testing.B) {
	h := start(b, b.TempDir())
	ctx, session := h.lambdaSession(b, h.role(b, "watch-role", trustLambda, `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"],"Resource":"*"},
		{"Effect":"Allow","Action":["dynamodb:GetItem","dynamodb:PutItem","dynamodb:Query"],"Resource":"arn:aws:dynamodb:*:*:table/*"},
		{"Effect":"Allow","Action":"execute-api:ManageConnections","Resource":"arn:aws:execute-api:*:*:*/development/*/@connections/*"}]}`))
	body, _ := json.Marshal(map[string]any{"action": "quotes", "quotes": []map[string]any{{"ticker": "EIQQ", "price": 2200}}})
	r := signed(b, session, "execute-api", "POST", "/development/@connections/O9iVddyboAMCJ1A%3D", string(body), time.Now(), "Content-Type", "application/octet-stream")
	b.Run("verify", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := h.Verify(r, body, protocol.RESTJSON); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("authorize", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := h.Authorize(ctx, protocol.RESTJSON, "execute-api:ManageConnections", connections, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
}
