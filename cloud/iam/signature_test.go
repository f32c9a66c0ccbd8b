package iam

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"quotewire/cloud/protocol"
)

// TestSignatureOfAConnectionsPost is a vector that was computed independently: the "=" of the id is sent as "%3D", and
// its percent sign is encoded again.
func TestSignatureOfAConnectionsPost(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("POST", "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/development/@connections/O9iVddyboAMCJ1A%3D", strings.NewReader("x"))
	r.Header.Set("X-Amz-Date", "20261123T212314Z")
	sig := &signature{
		service: "execute-api", signedHeaders: "host;x-amz-date",
		scope: "20261123/us-east-1/execute-api/aws4_request", date: "20261123T212314Z",
	}
	body := sha256.Sum256([]byte("x"))
	canonical := sha256.Sum256(appendCanonical(nil, r, sig, hex.EncodeToString(body[:])))
	if got, want := hex.EncodeToString(canonical[:]), "43b07e6dcdf109d334e2d2837c7cee048f0f788bc16be435ee6ee68fb5ed73ce"; got != want {
		t.Errorf("hash of the canonical request %s, want %s", got, want)
	}
	key := deriveKey("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20261123", "us-east-1", "execute-api")
	if got, want := hex.EncodeToString(mac(key, sig.appendStringToSign(nil, canonical))), "8f2402b5bfd2433ed765995f767b6327d505d8d96e97ac2906d3ec781f535b49"; got != want {
		t.Errorf("signature %s, want %s", got, want)
	}
}

func TestCanonicalPath(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		path    string
		s3      bool
		want    string
		because string
	}{
		{"", false, "/", "an empty path is the root"},
		{"/", false, "/", ""},
		{"/development/%40connections/O9i%3D", false, "/development/%2540connections/O9i%253D", "a client that escapes @ signs it escaped twice"},
		{"/2015-03-31/functions/watch%3Alive", false, "/2015-03-31/functions/watch%253Alive", ""},
		{"/a//b/./c/../d/", false, "/a/b/d/", "dots and empty segments go, the slash at the end stays"},
		{"/../..", false, "/", ""},
		{"/a//b/../c.txt", true, "/a//b/../c.txt", "S3 normalizes nothing: all of it is the key"},
		{"/b/a+b%20c%2Fd(1)", true, "/b/a%2Bb%20c/d%281%29", "S3 decodes and encodes once"},
		{"/b/100%", true, "/b/100%25", "a percent sign that introduces nothing stands for itself"},
	} {
		if got := string(appendPath(nil, c.path, c.s3)); got != c.want {
			t.Errorf("canonical path of %q (S3 %v) is %q, want %q; %s", c.path, c.s3, got, c.want, c.because)
		}
	}
}

func TestCanonicalQuery(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"":                        "",
		"b=2&a=1":                 "a=1&b=2",
		"acl":                     "acl=",
		"a=x+y&a=%7e&A=1":         "A=1&a=x%20y&a=~",
		"k=a=b&&":                 "k=a%3Db",
		"a-b=1&a=2":               "a=2&a-b=1",
		"a=1;b=2":                 "a=1%3Bb%3D2",
		"X-Amz-Signature=s&z=%zz": "z=%25zz",
	} {
		if got := string(appendQuery(nil, query, true)); got != want {
			t.Errorf("canonical form of %q is %q, want %q", query, got, want)
		}
	}
}

func TestHeaderValuesAreTrimmedAndJoined(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("GET", "/", nil)
	r.Header["X-Note"] = []string{"  a   b  c ", "d"}
	r.ContentLength = 5
	for name, want := range map[string]string{"x-note": "a b c,d", "host": "example.com", "content-length": "5", "x-none": ""} {
		if got := string(appendHeader(nil, r, name)); got != want {
			t.Errorf("header %s is %q, want %q", name, got, want)
		}
	}
}

// TestRequestsOfSDKsAreVerified sends one request of each service with the SDK's own client.
func TestRequestsOfSDKsAreVerified(t *testing.T) {
	t.Parallel()
	h := start(t, t.TempDir())
	_, session := h.lambdaSession(t, h.role(t, "watch-role", trustLambda, ""))
	for name, c := range map[string]Credentials{"root": root, "session": session} {
		ctx, creds := t.Context(), static(c)
		seen := ""
		client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			res, err := http.DefaultTransport.RoundTrip(r)
			if err == nil {
				seen = res.Header.Get("X-Caller")
			}
			return res, err
		})}
		check := func(call string, err error) {
			t.Helper()
			if !strings.Contains(seen, testAccount) {
				t.Errorf("%s as %s was not verified: %v", call, name, err)
			}
			seen = ""
		}
		s3c := s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: &h.url, Credentials: creds, HTTPClient: client, UsePathStyle: true, RetryMaxAttempts: 1})
		for _, key := range []string{"watch.zip", "a b/+ü//(1)*'!", "../x/./y", "p%20q", "tag:~"} {
			_, err := s3c.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("stock-code"), Key: &key, Body: strings.NewReader("abc")})
			check("PutObject "+key, err)
		}
		_, err := s3c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("stock-code"), Prefix: aws.String("a/b c=d&e+f"), Delimiter: aws.String("/")})
		check("ListObjectsV2", err)
		ddb := dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: &h.url, Credentials: creds, HTTPClient: client, RetryMaxAttempts: 1})
		_, err = ddb.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("Watchers"), Item: map[string]types.AttributeValue{"ticker": &types.AttributeValueMemberS{Value: "EIQQ"}}})
		check("PutItem", err)
		fn := lambda.New(lambda.Options{Region: "us-east-1", BaseEndpoint: &h.url, Credentials: creds, HTTPClient: client, RetryMaxAttempts: 1})
		_, err = fn.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String("watch:live"), Qualifier: aws.String("live"), Payload: []byte("{}")})
		check("Invoke watch:live", err)
		_, err = fn.ListTags(ctx, &lambda.ListTagsInput{Resource: aws.String("arn:aws:lambda:us-east-1:111122223333:function:watch")})
		check("ListTags", err)
		_, err = fn.UntagResource(ctx, &lambda.UntagResourceInput{Resource: aws.String("arn:aws:lambda:us-east-1:111122223333:function:watch"), TagKeys: []string{"b b", "a"}})
		check("UntagResource", err)
		stage := h.url + "/development"
		gw := apigatewaymanagementapi.New(apigatewaymanagementapi.Options{Region: "us-east-1", BaseEndpoint: &stage, Credentials: creds, HTTPClient: client, RetryMaxAttempts: 1})
		_, err = gw.PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: aws.String("O9iVddyboAMCJ1A="), Data: []byte(`{"price":2200}`)})
		check("PostToConnection", err)
		_, err = gw.DeleteConnection(ctx, &apigatewaymanagementapi.DeleteConnectionInput{ConnectionId: aws.String("O9iVddyboAMCJ1A=")})
		check("DeleteConnection", err)
		net := ec2.New(ec2.Options{Region: "us-east-1", BaseEndpoint: &h.url, Credentials: creds, HTTPClient: client, RetryMaxAttempts: 1})
		_, err = net.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{VpcIds: []string{"vpc-1"}})
		check("DescribeVpcs", err)
		logs := cloudwatchlogs.New(cloudwatchlogs.Options{Region: "us-east-1", BaseEndpoint: &h.url, Credentials: creds, HTTPClient: client, RetryMaxAttempts: 1})
		_, err = logs.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{})
		check("DescribeLogGroups", err)

		get, err := s3.NewPresignClient(s3c).PresignGetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("stock-code"), Key: aws.String("a b/c.zip")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Get(get.URL); err != nil {
			t.Fatal(err)
		}
		check("presigned GetObject", nil)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestPresignedCallerIdentity(t *testing.T) {
	t.Parallel()
	h := start(t, t.TempDir())
	get, err := sts.NewPresignClient(h.stsAs(root)).PresignGetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Get(get.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if text, _ := io.ReadAll(res.Body); res.StatusCode != 200 || !bytes.Contains(text, []byte("<Arn>arn:aws:iam::111122223333:root</Arn>")) {
		t.Errorf("got %d %s", res.StatusCode, text)
	}
}

// signed returns a request as a server gets it, signed with the SDK's signer at a time.
func signed(t testing.TB, c Credentials, service, method, target, body string, when time.Time, headers ...string) *http.Request {
	t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	hash := r.Header.Get("X-Amz-Content-Sha256")
	if hash == "" {
		sum := sha256.Sum256([]byte(body))
		hash = hex.EncodeToString(sum[:])
		if service == "s3" {
			r.Header.Set("X-Amz-Content-Sha256", hash)
		}
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
	creds := aws.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken}
	if err := signer.SignHTTP(t.Context(), creds, r, hash, service, "us-east-1", when); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	h := start(t, t.TempDir())
	now := time.Date(2024, 10, 1, 10, 30, 0, 0, time.UTC)
	h.now = at(now)
	_, session := h.lambdaSession(t, h.seedRole(t))
	edit := func(change func(r *http.Request)) func(string) *http.Request {
		return func(service string) *http.Request {
			r := signed(t, root, service, "POST", "http://127.0.0.1:4566/x?a=1", "body", now)
			change(r)
			return r
		}
	}
	replace := func(old, new string) func(string) *http.Request {
		return edit(func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, new, 1))
		})
	}
	with := func(c Credentials, when time.Time) func(string) *http.Request {
		return func(service string) *http.Request { return signed(t, c, service, "POST", "/", "body", when) }
	}
	withoutToken, otherToken := session, session
	withoutToken.SessionToken, otherToken.SessionToken = "", "other"
	tests := []struct {
		name    string
		request func(service string) *http.Request
		// wanted of dynamodb (JSON, always 400), lambda (REST-JSON, always 403), iam (query), s3
		json, query, s3 string
		text            string // in the query answer
	}{
		{"not signed", edit(func(r *http.Request) { r.Header.Del("Authorization") }),
			"MissingAuthenticationTokenException", "403 MissingAuthenticationToken", "403 AccessDenied", "Request is missing Authentication Token"},
		{"other scheme", edit(func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }),
			"MissingAuthenticationTokenException", "403 MissingAuthenticationToken", "403 AccessDenied", ""},
		{"other algorithm", replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
			"IncompleteSignatureException", "400 IncompleteSignature", "400 AuthorizationHeaderMalformed", "AWS4-ECDSA-P256-SHA256"},
		{"no signature", replace("Signature=", "Sgnature="),
			"IncompleteSignatureException", "400 IncompleteSignature", "400 AuthorizationHeaderMalformed", "Authorization header requires 'Signature' parameter."},
		{"no equal sign", replace("SignedHeaders=", "SignedHeaders"),
			"IncompleteSignatureException", "400 IncompleteSignature", "400 AuthorizationHeaderMalformed", "not a valid key=value pair (missing equal-sign)"},
		{"short scope", replace("/us-east-1/", "/"),
			"IncompleteSignatureException", "400 IncompleteSignature", "400 AuthorizationHeaderMalformed", "exactly 5 slash-delimited elements"},
		{"terminator", replace("aws4_request", "aws5_request"),
			"IncompleteSignatureException", "400 IncompleteSignature", "400 AuthorizationHeaderMalformed", "valid terminator: 'aws4_request', not 'aws5_request'"},
		{"no date", edit(func(r *http.Request) { r.Header.Del("X-Amz-Date") }),
			"IncompleteSignatureException", "400 IncompleteSignature", "400 AuthorizationHeaderMalformed", "'X-Amz-Date' or a 'Date' header"},
		{"bad date", edit(func(r *http.Request) { r.Header.Set("X-Amz-Date", "yesterday") }),
			"IncompleteSignatureException", "400 IncompleteSignature", "400 AuthorizationHeaderMalformed", "ISO-8601 'basic format'"},
		{"unknown key", with(Credentials{AccessKeyID: "AKIANOBODY", SecretAccessKey: "x"}, now),
			"UnrecognizedClientException", "403 InvalidClientTokenId", "403 InvalidAccessKeyId", "The security token included in the request is invalid."},
		{"session without its token", with(withoutToken, now),
			"UnrecognizedClientException", "403 InvalidClientTokenId", "400 InvalidToken", "The security token included in the request is invalid."},
		{"session with another token", with(otherToken, now),
			"UnrecognizedClientException", "403 InvalidClientTokenId", "400 InvalidToken", ""},
		{"wrong secret", with(Credentials{AccessKeyID: "test", SecretAccessKey: "wrong"}, now),
			"InvalidSignatureException", "403 SignatureDoesNotMatch", "403 SignatureDoesNotMatch", "The String-to-Sign should have been\n'AWS4-HMAC-SHA256\n20241001T103000Z\n"},
		{"changed path", edit(func(r *http.Request) { r.RequestURI = "/y?a=1" }),
			"InvalidSignatureException", "403 SignatureDoesNotMatch", "403 SignatureDoesNotMatch", "POST\n/y\na=1\n"},
		{"changed query", edit(func(r *http.Request) { r.URL.RawQuery = "a=2" }),
			"InvalidSignatureException", "403 SignatureDoesNotMatch", "403 SignatureDoesNotMatch", ""},
		{"changed signed header", edit(func(r *http.Request) { r.Host = "elsewhere" }),
			"InvalidSignatureException", "403 SignatureDoesNotMatch", "403 SignatureDoesNotMatch", "host:elsewhere"},
		{"host not signed", replace("host;", ""),
			"InvalidSignatureException", "403 SignatureDoesNotMatch", "403 SignatureDoesNotMatch", "must be a 'SignedHeader'"},
		{"long signature", replace("Signature=", "Signature=00"),
			"InvalidSignatureException", "403 SignatureDoesNotMatch", "403 SignatureDoesNotMatch", ""},
		{"other region", replace("/us-east-1/", "/eu-west-1/"),
			"InvalidSignatureException", "403 SignatureDoesNotMatch", "400 AuthorizationHeaderMalformed", "not 'eu-west-1'"},
		{"other day in scope", replace("20241001/", "20241002/"),
			"InvalidSignatureException", "403 SignatureDoesNotMatch", "403 SignatureDoesNotMatch", "'20241002' != '20241001', from '20241001T103000Z'"},
		{"30 minutes old", with(root, now.Add(-30*time.Minute)),
			"InvalidSignatureException", "403 SignatureDoesNotMatch", "403 RequestTimeTooSkewed",
			"Signature expired: 20241001T100000Z is now earlier than 20241001T101500Z (20241001T103000Z - 15 min.)"},
		{"16 minutes ahead", with(root, now.Add(16*time.Minute)),
			"InvalidSignatureException", "403 SignatureDoesNotMatch", "403 RequestTimeTooSkewed",
			"Signature not yet current: 20241001T104600Z is still later than 20241001T104500Z (20241001T103000Z + 15 min.)"},
	}
	for _, c := range tests {
		for service, want := range map[string]string{"dynamodb": "400 com.amazon.coral.service#" + c.json, "lambda": "403 " + c.json, "iam": c.query, "s3": c.s3} {
			_, err := h.Verify(c.request(service), []byte("body"), protocolOf[service])
			e, ok := err.(*protocol.Error)
			if !ok {
				t.Errorf("%s, %s: let in, want %s", c.name, service, want)
				continue
			}
			if got := http.StatusText(e.Status); http.StatusText(statusOf(want)) != got || !strings.HasSuffix(want, " "+e.Code) {
				t.Errorf("%s, %s: got %d %s, want %s", c.name, service, e.Status, e.Code, want)
			}
			if service == "iam" && !strings.Contains(e.Message, c.text) {
				t.Errorf("%s: got %q, want %q", c.name, e.Message, c.text)
			}
			if service == "s3" && strings.HasPrefix(want, "403 SignatureDoesNotMatch") && c.name == "wrong secret" && !strings.HasPrefix(e.Members["CanonicalRequest"], "POST\n/\n") {
				t.Errorf("S3 shows the canonical request %q", e.Members["CanonicalRequest"])
			}
		}
	}
	// Just inside the bounds, and what is not in the way.
	for name, request := range map[string]*http.Request{
		"15 minutes old":   with(root, now.Add(-15*time.Minute))("iam"),
		"15 minutes ahead": with(root, now.Add(15*time.Minute))("iam"),
		"session":          with(session, now)("iam"),
		"compact separators": edit(func(r *http.Request) {
			r.Header.Set("Authorization", strings.ReplaceAll(r.Header.Get("Authorization"), ", ", ","))
		})("iam"),
	} {
		if _, err := h.Verify(request, []byte("body"), protocol.Query); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := h.Verify(with(root, now)("lambda"), []byte("other"), protocol.RESTJSON); err == nil {
		t.Error("a body other than the signed one was let in")
	}
	if _, err := h.Verify(with(root, now)("lambda"), []byte("body"), protocol.Query); err == nil {
		t.Error("a signature for lambda was let in for iam")
	}
}

func statusOf(want string) int {
	return int(want[0]-'0')*100 + int(want[1]-'0')*10 + int(want[2]-'0')
}

// seedRole makes a role that Lambda may assume, whatever the service's clock says.
func (h *harness) seedRole(t testing.TB) string {
	t.Helper()
	r := &role{identity: identity{Name: "watch-role", Path: "/", ID: uniqueID(roleIDPrefix), ARN: h.arn("role", "/", "watch-role")}, Trust: trustLambda}
	err := h.change(t.Context(), func(d *directory) (write, error) {
		d.roles[r.Name] = r
		return write{key: rolePrefix + r.Name, value: r}, r.compile()
	})
	if err != nil {
		t.Fatal(err)
	}
	return r.ARN
}

func TestPayloadHashes(t *testing.T) {
	t.Parallel()
	h := start(t, t.TempDir())
	now := time.Now()
	for _, c := range []struct{ hash, body, want string }{
		{"UNSIGNED-PAYLOAD", "abc", ""},
		{"STREAMING-UNSIGNED-PAYLOAD-TRAILER", "3\r\nabc\r\n0\r\n\r\n", ""},
		{"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "…", ""},
		{"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "…", "AuthorizationHeaderMalformed"},
		{strings.Repeat("0", 64), "abc", "XAmzContentSHA256Mismatch"},
		{emptyHash, "", ""},
	} {
		r := signed(t, root, "s3", "PUT", "/b/k", c.body, now, "X-Amz-Content-Sha256", c.hash)
		_, err := h.Verify(r, []byte(c.body), protocol.RESTXML)
		if got := codeOf(err); got != c.want {
			t.Errorf("%s: got %q, want %q", c.hash, got, c.want)
		}
	}
	r := signed(t, root, "s3", "PUT", "/b/k", "abc", now)
	r.Header.Del("X-Amz-Content-Sha256")
	if _, err := h.Verify(r, []byte("abc"), protocol.RESTXML); codeOf(err) != "InvalidRequest" {
		t.Errorf("S3 without a payload hash: %v", err)
	}
}

func codeOf(err error) string {
	if e, ok := err.(*protocol.Error); ok {
		return e.Code
	}
	return ""
}

func TestPresignedRequestsExpire(t *testing.T) {
	t.Parallel()
	h := start(t, t.TempDir())
	made := time.Now().Truncate(time.Second)
	presign := func(service, query string) *http.Request {
		r := httptest.NewRequest("GET", "http://127.0.0.1:4566/b/k?"+query, nil)
		signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
		hash := unsignedPayload
		if service != "s3" {
			hash = emptyHash
		}
		uri, _, err := signer.PresignHTTP(t.Context(), aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, r, hash, service, "us-east-1", made)
		if err != nil {
			t.Fatal(err)
		}
		return httptest.NewRequest("GET", uri, nil)
	}
	for _, c := range []struct {
		service, query string
		after          time.Duration
		want           string
	}{
		{"s3", "X-Amz-Expires=60&k=a%20b", 59 * time.Second, ""},
		{"s3", "X-Amz-Expires=60", 61 * time.Second, "AccessDenied"},
		{"s3", "X-Amz-Expires=60", -14 * time.Minute, ""},
		{"s3", "X-Amz-Expires=60", -16 * time.Minute, "AccessDenied"},
		{"s3", "X-Amz-Expires=604800", 6 * 24 * time.Hour, ""},
		{"s3", "X-Amz-Expires=604801", 0, "AuthorizationQueryParametersError"},
		{"s3", "X-Amz-Expires=0", 0, "AuthorizationQueryParametersError"},
		{"s3", "X-Amz-Expires=soon", 0, "AuthorizationQueryParametersError"},
		{"s3", "", 0, "AuthorizationQueryParametersError"},
		{"execute-api", "", 14 * time.Minute, ""},
		{"execute-api", "", 16 * time.Minute, "InvalidSignatureException"},
	} {
		h.now = at(made.Add(c.after))
		_, err := h.Verify(presign(c.service, c.query), nil, protocolOf[c.service])
		if got := codeOf(err); got != c.want {
			t.Errorf("%s?%s after %v: got %q (%v), want %q", c.service, c.query, c.after, got, err, c.want)
		}
	}
	h.now = at(made)
	r := presign("s3", "X-Amz-Expires=60")
	r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "Expires=60", "Expires=600", 1)
	if _, err := h.Verify(r, nil, protocol.RESTXML); codeOf(err) != "SignatureDoesNotMatch" {
		t.Errorf("a lengthened link: %v", err)
	}
}

// TestChunkSignatures follows the example "signature calculation: transfer payload in multiple chunks" of the S3
// reference: 66,560 letters a in chunks of 64 KB and 1 KB.
func TestChunkSignatures(t *testing.T) {
	t.Parallel()
	h := start(t, t.TempDir())
	h.now = at(time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC))
	example := Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
	h.root = func() Credentials { return example }
	r := httptest.NewRequest("PUT", "http://s3.amazonaws.com/examplebucket/chunkObject.txt", nil)
	for name, value := range map[string]string{
		"X-Amz-Date": "20130524T000000Z", "X-Amz-Storage-Class": "REDUCED_REDUNDANCY", "Content-Encoding": "aws-chunked", "Content-Length": "66824",
		"X-Amz-Decoded-Content-Length": "66560", "X-Amz-Content-Sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
		"Authorization": "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request," +
			"SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class," +
			"Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
	} {
		r.Header.Set(name, value)
	}
	c, err := h.Chunks(r)
	if err != nil {
		t.Fatal(err)
	}
	for i, chunk := range []struct {
		length    int
		signature string
	}{
		{64 << 10, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"},
		{1 << 10, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"},
		{0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"},
	} {
		if !c.Chunk(sha256.Sum256(bytes.Repeat([]byte{'a'}, chunk.length)), chunk.signature) {
			t.Errorf("the signature of chunk %d was refused", i)
		}
	}
	if c.Chunk(sha256.Sum256(nil), "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9") {
		t.Error("a signature was taken twice")
	}
}

func TestScope(t *testing.T) {
	t.Parallel()
	r := signed(t, root, "lambda", "GET", "/", "", time.Now())
	if region, service, ok := Scope(r); region != "us-east-1" || service != "lambda" || !ok {
		t.Errorf("got %s %s %v", region, service, ok)
	}
	r = httptest.NewRequest("GET", "/?X-Amz-Credential="+url.QueryEscape("a/b/20240101/eu-west-1/s3/aws4_request"), nil)
	if region, service, ok := Scope(r); region != "eu-west-1" || service != "s3" || !ok {
		t.Errorf("presigned: got %s %s %v", region, service, ok)
	}
	if _, _, ok := Scope(httptest.NewRequest("GET", "/", nil)); ok {
		t.Error("an unsigned request has a scope")
	}
}

// FuzzSignature looks for a panic and for a forged request that is let in: the secret that would be needed is not in
// the corpus.
func FuzzSignature(f *testing.F) {
	h := start(f, f.TempDir())
	fuzzed := Credentials{AccessKeyID: "AKIDFUZZ", SecretAccessKey: secret(30)}
	h.root = func() Credentials { return fuzzed }
	r := signed(f, Credentials{AccessKeyID: "AKIDFUZZ", SecretAccessKey: "guess"}, "s3", "PUT", "/b/k?a=1", "x", time.Now())
	f.Add(r.Header.Get("Authorization"), "a=1&b=%zz;c", "/b/%2e%/k//../x", r.Header.Get("X-Amz-Date"))
	f.Add("AWS4-HMAC-SHA256 Credential=AKIDFUZZ/1/2/3/aws4_request,SignedHeaders=;;,Signature=0", "", "", "20241001T103000.5Z")
	f.Add("AWS", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDFUZZ%2F20241001%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20241001T103000Z&X-Amz-Expires=-1&X-Amz-SignedHeaders=host&X-Amz-Signature=", "/", "")
	f.Add("", "X-Amz-Credential=////&X-Amz-Signature=%00", "/", "Mon, 02 Jan 2006 15:04:05 GMT")
	f.Fuzz(func(t *testing.T, header, query, path, date string) {
		r := &http.Request{Method: "PUT", URL: &url.URL{Path: path, RawQuery: query}, RequestURI: path, Host: "h", Header: http.Header{}}
		r.Header.Set("Authorization", header)
		r.Header.Set("X-Amz-Date", date)
		Scope(r)
		for _, p := range []protocol.Protocol{protocol.Query, protocol.EC2Query, protocol.JSON10, protocol.JSON11, protocol.RESTJSON, protocol.RESTXML} {
			_, err := h.Verify(r, []byte("x"), p)
			if e, ok := err.(*protocol.Error); !ok || e.Status < 400 || e.Code == "" || e.Message == "" {
				t.Errorf("protocol %d: %v", p, err)
			}
		}
	})
}

func FuzzParseTimestamp(f *testing.F) {
	for _, seed := range []string{"20150830T123600Z", "20240229T000000Z", "20230229T235959Z", "20150830T246000Z", "00000000T000000Z", "20150800T123600Z", "20151330T123600Z", "2015083OT123600Z", "+0150830T123600Z", "20150830T123660Z", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want, err := time.Parse(dateLayout, text)
		plain := err == nil && !strings.ContainsAny(text, ".,") // a fraction is for time.Parse
		if got, ok := parseTimestamp(text); ok != plain || ok && got != want {
			t.Errorf("%q: %v %t, want %v %v", text, got, ok, want, err)
		}
	})
}
