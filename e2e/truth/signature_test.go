package truth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func now() time.Time { return time.Now() }

// signer is that of AWS's SDK for Go; S3 signs paths in a way of its own.
func signer(service string) *v4.Signer {
	return v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
}

// presigned is a link that is signed at a time.
func presigned(t testing.TB, c *testCloud, key, secret, service, method, path string, at time.Time) string {
	t.Helper()
	r, err := http.NewRequest(method, c.Endpoint+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	hash := "UNSIGNED-PAYLOAD"
	if service != "s3" {
		hash = emptyHash
	}
	link, _, err := signer(service).PresignHTTP(context.Background(), aws.Credentials{AccessKeyID: key, SecretAccessKey: secret}, r, hash, service, "us-east-1", at)
	if err != nil {
		t.Fatal(err)
	}
	return link
}

var emptyHash = hashOf("")

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// signed is a request that is signed at a time with the payload hash that is given.
func signed(t testing.TB, c *testCloud, service, method, path, body, hash string, at time.Time, header ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, c.Endpoint+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	if service == "s3" {
		r.Header.Set("X-Amz-Content-Sha256", hash)
	}
	if err := signer(service).SignHTTP(context.Background(), aws.Credentials{AccessKeyID: c.key, SecretAccessKey: c.secret}, r, hash, service, "us-east-1", at); err != nil {
		t.Fatal(err)
	}
	return r
}

// deliver sends a request and returns the status and the text of the answer.
func deliver(t testing.TB, r *http.Request) (int, string) {
	t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func fetch(t testing.TB, method, url string, header http.Header) (int, string) {
	t.Helper()
	r, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	return deliver(t, r)
}

// question is a call of each protocol that anybody with a key may make or not.
var questions = []struct {
	protocol, service, operation string
	params                       params
}{
	{"query", "iam", "ListRoles", nil}, {"EC2", "ec2", "DescribeVpcs", nil}, {"JSON 1.0", "dynamodb", "ListTables", nil}, {"JSON 1.1", "logs", "DescribeLogGroups", nil},
	{"REST-JSON", "lambda", "ListFunctions", nil}, {"REST-JSON of API Gateway", "apigatewayv2", "GetApis", nil}, {"REST-XML", "s3", "ListBuckets", nil},
}

func TestSignatures(t *testing.T) {
	t.Parallel()
	c := shared(t)
	py := c.boto3(t)
	const source = "IAM §1"

	type refusal struct {
		status int
		code   string
	}
	// Each cause has one answer in each protocol.
	causes := []struct {
		cause  string
		caller caller
		want   map[string]refusal
	}{
		{"an unsigned request", py.as("", "", ""), map[string]refusal{
			"iam": {403, "MissingAuthenticationToken"}, "ec2": {401, "AuthFailure"}, "dynamodb": {400, "MissingAuthenticationTokenException"}, "logs": {400, "MissingAuthenticationTokenException"},
			"lambda": {403, "MissingAuthenticationTokenException"}, "apigatewayv2": {403, "MissingAuthenticationTokenException"}, "s3": {403, "AccessDenied"}}},
		{"a key that nobody has", py.as("AKIAIOSFODNN7EXAMPLE", "x", ""), map[string]refusal{
			"iam": {403, "InvalidClientTokenId"}, "ec2": {401, "AuthFailure"}, "dynamodb": {400, "UnrecognizedClientException"}, "logs": {400, "UnrecognizedClientException"},
			"lambda": {403, "UnrecognizedClientException"}, "apigatewayv2": {403, "UnrecognizedClientException"}, "s3": {403, "InvalidAccessKeyId"}}},
		{"a wrong secret", py.as(c.key, "wrong", ""), map[string]refusal{
			"iam": {403, "SignatureDoesNotMatch"}, "ec2": {401, "AuthFailure"}, "dynamodb": {400, "InvalidSignatureException"}, "logs": {400, "InvalidSignatureException"},
			"lambda": {403, "InvalidSignatureException"}, "apigatewayv2": {403, "InvalidSignatureException"}, "s3": {403, "SignatureDoesNotMatch"}}},
		{"a token that does not belong to the key", py.as(c.key, c.secret, "made up"), map[string]refusal{
			"iam": {403, "InvalidClientTokenId"}, "ec2": {401, "AuthFailure"}, "dynamodb": {400, "UnrecognizedClientException"}, "logs": {400, "UnrecognizedClientException"},
			"lambda": {403, "UnrecognizedClientException"}, "apigatewayv2": {403, "UnrecognizedClientException"}, "s3": {400, "InvalidToken"}}},
		{"a caller without a policy", c.iamUser(t, "").caller, map[string]refusal{
			"iam": {403, "AccessDenied"}, "ec2": {403, "UnauthorizedOperation"}, "dynamodb": {400, "AccessDeniedException"}, "logs": {400, "AccessDeniedException"},
			"lambda": {403, "AccessDeniedException"}, "apigatewayv2": {403, "AccessDeniedException"}, "s3": {403, "AccessDenied"}}},
	}
	for _, q := range questions {
		for _, cause := range causes {
			want := cause.want[q.service]
			rule(t, q.protocol+" ("+q.service+") answers "+cause.cause+" with "+http.StatusText(want.status)+" "+want.code, source, boto3, func(t *testing.T) {
				refusedAs(t, cause.caller.fail(t, q.service, q.operation, q.params), want.status, want.code, "")
			})
		}
	}
	rule(t, "what boto3, the JavaScript SDK, the Go SDK and the AWS CLI sign is accepted", source, awsCLI, func(t *testing.T) {
		for _, q := range questions {
			py.call(t, q.service, q.operation, q.params)
		}
		for _, service := range []string{"lambda", "iam", "apigatewayv2", "s3"} {
			operation := map[string]string{"lambda": "ListFunctions", "iam": "ListRoles", "apigatewayv2": "GetApis", "s3": "ListBuckets"}[service]
			c.js(t).call(t, service, operation, nil)
		}
		if _, err := s3.NewFromConfig(c.config(), func(o *s3.Options) { o.UsePathStyle = true }).ListBuckets(t.Context(), nil); err != nil {
			t.Error(err)
		}
		if _, errs, status := c.aws(t, "lambda", "list-functions"); status != 0 {
			t.Error(errs)
		}
	})
	rule(t, "the fields of the Authorization header may be separated by a comma alone", source, httpClient, func(t *testing.T) {
		r := signed(t, c, "lambda", "GET", "/2015-03-31/functions", "", emptyHash, now())
		r.Header.Set("Authorization", strings.ReplaceAll(r.Header.Get("Authorization"), ", ", ","))
		if status, text := deliver(t, r); status != 200 {
			t.Errorf("%d %s", status, text)
		}
	})
	rule(t, "an Authorization header without a part is refused and the part named", source, httpClient, func(t *testing.T) {
		r := signed(t, c, "lambda", "GET", "/2015-03-31/functions", "", emptyHash, now())
		header, _, _ := strings.Cut(r.Header.Get("Authorization"), ", Signature=")
		r.Header.Set("Authorization", header)
		if status, text := deliver(t, r); status != 403 || !strings.Contains(text, "Authorization header requires 'Signature' parameter.") {
			t.Errorf("%d %s", status, text)
		}
	})
	rule(t, "a signature is good for 15 minutes either way", source, httpClient, func(t *testing.T) {
		for age, want := range map[time.Duration]string{
			-14 * time.Minute: "", 14 * time.Minute: "", -16 * time.Minute: "Signature not yet current: ", 16 * time.Minute: "Signature expired: ",
		} {
			at := now().Add(-age)
			status, text := deliver(t, signed(t, c, "dynamodb", "POST", "/", "{}", hashOf("{}"), at, "X-Amz-Target", "DynamoDB_20120810.ListTables", "Content-Type", "application/x-amz-json-1.0"))
			if (status == 200) != (want == "") || want != "" && (status != 400 || !strings.Contains(text, "InvalidSignatureException") || !strings.Contains(text, want+at.UTC().Format("20060102T150405Z")) || !strings.Contains(text, "15 min.)")) {
				t.Errorf("%s old: %d %s", age, status, text)
			}
		}
	})
	rule(t, "S3 says RequestTimeTooSkewed, with its own time", source, httpClient, func(t *testing.T) {
		status, text := deliver(t, signed(t, c, "s3", "GET", "/", "", emptyHash, now().Add(-time.Hour)))
		if status != 403 || !strings.Contains(text, "<Code>RequestTimeTooSkewed</Code>") || !strings.Contains(text, "<MaxAllowedSkewMilliseconds>900000</MaxAllowedSkewMilliseconds>") {
			t.Errorf("%d %s", status, text)
		}
	})
	rule(t, "a signature for another service or another region is refused", source, httpClient, func(t *testing.T) {
		r := signed(t, c, "lambda", "GET", "/2015-03-31/functions", "", emptyHash, now())
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "/us-east-1/", "/eu-west-1/", 1))
		if status, text := deliver(t, r); status != 403 || !strings.Contains(text, "Credential should be scoped to a valid region") {
			t.Errorf("%d %s", status, text)
		}
	})
	rule(t, "S3 names the region that it expects: AuthorizationHeaderMalformed with Region", "Services §1", httpClient, func(t *testing.T) {
		r := signed(t, c, "s3", "GET", "/", "", emptyHash, now())
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "/us-east-1/", "/eu-west-1/", 1))
		if status, text := deliver(t, r); status != 400 || !strings.Contains(text, "the region &#39;eu-west-1&#39; is wrong; expecting &#39;us-east-1&#39;") || !strings.Contains(text, "<Region>us-east-1</Region>") {
			t.Errorf("%d %s", status, text)
		}
	})
	rule(t, "a wrong signature is answered with the canonical request and the string to sign, where AWS does", source, httpClient, func(t *testing.T) {
		wrong := func(service, method, path string) string {
			r := signed(t, c, service, method, path, "", emptyHash, now())
			r.Header.Set("Authorization", r.Header.Get("Authorization")[:len(r.Header.Get("Authorization"))-4]+"0000")
			_, text := deliver(t, r)
			return text
		}
		if text := wrong("s3", "GET", "/bucket/a%20b"); !strings.Contains(text, "<CanonicalRequest>GET\n/bucket/a%20b\n") && !strings.Contains(text, "<CanonicalRequest>GET&#xA;/bucket/a%20b&#xA;") {
			t.Errorf("S3: %s", text)
		}
		var e struct{ Message string }
		if text := wrong("lambda", "GET", "/2015-03-31/functions/watch%3Alive"); json.Unmarshal([]byte(text), &e) != nil || !strings.Contains(e.Message, "GET\n/2015-03-31/functions/watch%253Alive\n") {
			t.Errorf("Lambda: %s", text)
		}
	})
	rule(t, "services other than S3 encode the path that came once more: %3A is signed as %253A", source, boto3, func(t *testing.T) {
		py.call(t, "lambda", "ListTags", params{"Resource": c.function(t, "tagged").ARN})
	})
	rule(t, "S3 signs the path encoded once, whatever is in a key", source, boto3, func(t *testing.T) {
		name := unique("keys")
		py.call(t, "s3", "CreateBucket", params{"Bucket": name})
		for _, key := range []string{"a b", "a+b", "a//b", "a/../b", "ä€", "a%20b", "~_-.", "a=b&c", "a:b@c", "."} {
			py.call(t, "s3", "PutObject", params{"Bucket": name, "Key": key, "Body": []byte(key)})
			if got := c.js(t).call(t, "s3", "GetObject", params{"Bucket": name, "Key": key}); string(got.bytes("Body")) != key {
				t.Errorf("%q: %q", key, got.bytes("Body"))
			}
		}
	})
	rule(t, "a body other than the signed one is refused: InvalidSignatureException, at S3 XAmzContentSHA256Mismatch", source, httpClient, func(t *testing.T) {
		name := unique("bodies")
		py.call(t, "s3", "CreateBucket", params{"Bucket": name})
		if status, text := deliver(t, signed(t, c, "s3", "PUT", "/"+name+"/k", "abc", hashOf("abd"), now())); status != 400 || !strings.Contains(text, "<Code>XAmzContentSHA256Mismatch</Code>") {
			t.Errorf("S3: %d %s", status, text)
		}
		py.fail(t, "s3", "GetObject", params{"Bucket": name, "Key": "k"})
		r := signed(t, c, "dynamodb", "POST", "/", `{"Limit":2}`, hashOf(`{"Limit":1}`), now(), "X-Amz-Target", "DynamoDB_20120810.ListTables", "Content-Type", "application/x-amz-json-1.0")
		if status, text := deliver(t, r); status != 400 || !strings.Contains(text, "InvalidSignatureException") {
			t.Errorf("DynamoDB: %d %s", status, text)
		}
	})
	rule(t, "a request to S3 without x-amz-content-sha256 is refused by the name of the header", source, httpClient, func(t *testing.T) {
		r, _ := http.NewRequest("GET", c.Endpoint+"/", nil)
		if err := signer("s3").SignHTTP(t.Context(), aws.Credentials{AccessKeyID: c.key, SecretAccessKey: c.secret}, r, emptyHash, "s3", "us-east-1", now()); err != nil {
			t.Fatal(err)
		}
		r.Header.Del("X-Amz-Content-Sha256")
		if status, text := deliver(t, r); status != 400 || !strings.Contains(text, "Missing required header for this request: x-amz-content-sha256") {
			t.Errorf("%d %s", status, text)
		}
	})
	rule(t, "UNSIGNED-PAYLOAD stands for any body", source, httpClient, func(t *testing.T) {
		name := unique("unsigned")
		py.call(t, "s3", "CreateBucket", params{"Bucket": name})
		if status, text := deliver(t, signed(t, c, "s3", "PUT", "/"+name+"/k", "abc", "UNSIGNED-PAYLOAD", now())); status != 200 {
			t.Errorf("%d %s", status, text)
		}
	})
	rule(t, "SigV4a payloads are refused by name", source, httpClient, func(t *testing.T) {
		if status, text := deliver(t, signed(t, c, "s3", "PUT", "/bucket/k", "abc", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", now())); status != 400 || !strings.Contains(text, "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD is not supported") {
			t.Errorf("%d %s", status, text)
		}
	})
	rule(t, "a presigned link to an object works until it expires, and then says Request has expired", source, httpClient, func(t *testing.T) {
		name := unique("links")
		py.call(t, "s3", "CreateBucket", params{"Bucket": name})
		py.call(t, "s3", "PutObject", params{"Bucket": name, "Key": "k", "Body": []byte("abc")})
		path := "/" + name + "/k?X-Amz-Expires=60"
		if status, text := fetch(t, "GET", presigned(t, c, c.key, c.secret, "s3", "GET", path, now()), nil); status != 200 || text != "abc" {
			t.Errorf("%d %s", status, text)
		}
		if status, text := fetch(t, "GET", presigned(t, c, c.key, c.secret, "s3", "GET", path, now().Add(-2*time.Minute)), nil); status != 403 || !strings.Contains(text, "<Code>AccessDenied</Code><Message>Request has expired</Message>") {
			t.Errorf("after it has expired: %d %s", status, text)
		}
		if status, text := fetch(t, "DELETE", presigned(t, c, c.key, c.secret, "s3", "GET", path, now()), nil); status != 403 || !strings.Contains(text, "SignatureDoesNotMatch") {
			t.Errorf("with another method: %d %s", status, text)
		}
	})
	rule(t, "a presigned link lasts a week at most", source, httpClient, func(t *testing.T) {
		link := presigned(t, c, c.key, c.secret, "s3", "GET", "/bucket/k?X-Amz-Expires=604801", now())
		if status, text := fetch(t, "GET", link, nil); status != 400 || !strings.Contains(text, "<Code>AuthorizationQueryParametersError</Code>") || !strings.Contains(text, "must be less than a week") {
			t.Errorf("%d %s", status, text)
		}
	})
	rule(t, "a presigned link does what its signer may do", source, httpClient, func(t *testing.T) {
		u := c.iamUser(t, "")
		if status, text := fetch(t, "GET", presigned(t, c, u.key, u.secret, "s3", "GET", "/bucket/k?X-Amz-Expires=60", now()), nil); status != 403 || !strings.Contains(text, "is not authorized to perform: s3:GetObject") {
			t.Errorf("%d %s", status, text)
		}
	})
}
