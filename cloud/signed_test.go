package cloud

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"quotewire/cloud/iam"
)

// sign makes a request to the cloud and signs it as AWS's SDK for Go does. hash is the payload hash; "" is the body's.
func sign(t testing.TB, c *Cloud, key iam.Credentials, service, method, path, body, hash string, header ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, c.URL()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	if hash == "" {
		sum := sha256.Sum256([]byte(body))
		hash = hex.EncodeToString(sum[:])
	}
	if service == "s3" {
		r.Header.Set("X-Amz-Content-Sha256", hash)
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
	err = signer.SignHTTP(t.Context(), aws.Credentials{AccessKeyID: key.AccessKeyID, SecretAccessKey: key.SecretAccessKey, SessionToken: key.SessionToken},
		r, hash, service, "us-east-1", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// answer sends a request and returns the status, a header and the body of the answer.
func answer(t testing.TB, r *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

// chunked frames data as the signed variants of aws-chunked have it, with the signatures that follow from the request's.
// If tamper is not nil, it may change each chunk after it was signed.
func chunked(r *http.Request, secret string, chunks []string, trailer string, tamper func(i int, chunk string) string) string {
	scope := strings.Split(strings.SplitN(strings.SplitN(r.Header.Get("Authorization"), "Credential=", 2)[1], ",", 2)[0], "/")
	mac := func(key []byte, text string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	hash := func(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }
	key := []byte("AWS4" + secret)
	for _, part := range scope[1:] {
		key = mac(key, part)
	}
	previous := strings.SplitN(r.Header.Get("Authorization"), "Signature=", 2)[1]
	next := func(kind, hashes string) string {
		previous = hex.EncodeToString(mac(key, strings.Join([]string{kind, r.Header.Get("X-Amz-Date"), strings.Join(scope[1:], "/"), previous, hashes}, "\n")))
		return previous
	}
	var b strings.Builder
	for i, chunk := range append(chunks, "") {
		signature := next("AWS4-HMAC-SHA256-PAYLOAD", hash("")+"\n"+hash(chunk))
		if tamper != nil {
			chunk = tamper(i, chunk)
		}
		fmt.Fprintf(&b, "%x;chunk-signature=%s\r\n%s", len(chunk), signature, chunk)
		if chunk != "" {
			b.WriteString("\r\n")
		}
	}
	if trailer != "" {
		signature := next("AWS4-HMAC-SHA256-TRAILER", hash(trailer+"\n"))
		fmt.Fprintf(&b, "%s\r\nx-amz-trailer-signature:%s\r\n", trailer, signature)
	}
	b.WriteString("\r\n")
	return b.String()
}

func TestEachChunkOfAnUploadIsVerified(t *testing.T) {
	t.Parallel()
	c, _ := startCloud(t)
	root := c.Root()
	if resp, text := answer(t, sign(t, c, root, "s3", "PUT", "/stock-code", "", "")); resp.StatusCode != 200 {
		t.Fatalf("CreateBucket: %s %s", resp.Status, text)
	}
	chunks := []string{strings.Repeat("a", 64<<10), strings.Repeat("b", 64<<10), "c"}
	for name, test := range map[string]struct {
		hash    string
		trailer string
		tamper  func(int, string) string
		edit    func(string) string
		want    string
	}{
		"as signed":                {hash: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"},
		"with a trailer":           {hash: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", trailer: "x-amz-checksum-crc32:eqRaZA=="},
		"another first chunk":      {hash: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", tamper: func(i int, s string) string { return strings.Replace(s, "a", "A", 1) }, want: "SignatureDoesNotMatch"},
		"another last chunk":       {hash: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", tamper: func(i int, s string) string { return strings.ReplaceAll(s, "c", "C") }, want: "SignatureDoesNotMatch"},
		"without signatures":       {hash: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", edit: func(s string) string { return strings.ReplaceAll(s, "chunk-signature=", "x=") }, want: "SignatureDoesNotMatch"},
		"an unsigned end":          {hash: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", edit: func(s string) string { return s[:strings.LastIndex(s, "0;")] + "0\r\n\r\n" }, want: "SignatureDoesNotMatch"},
		"an end that was cut":      {hash: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", edit: func(s string) string { return s[:strings.LastIndex(s, "0;")] }, want: "IncompleteBody"},
		"an unsigned trailer":      {hash: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", trailer: "x-amz-checksum-crc32:eqRaZA==", edit: func(s string) string { return strings.Replace(s, "x-amz-trailer-signature", "x-other", 1) }, want: "SignatureDoesNotMatch"},
		"another trailer":          {hash: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", trailer: "x-amz-checksum-crc32:eqRaZA==", edit: func(s string) string { return strings.Replace(s, "crc32:e", "crc32:0", 1) }, want: "SignatureDoesNotMatch"},
		"signed in another way":    {hash: "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", want: "AuthorizationHeaderMalformed"},
		"neither hash nor literal": {hash: "STREAMED", want: "InvalidArgument"},
		"an unsigned variant":      {hash: "STREAMING-UNSIGNED-PAYLOAD-TRAILER", tamper: func(i int, s string) string { return strings.ReplaceAll(s, "c", "C") }},
		"signatures of another":    {hash: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", edit: func(s string) string { return strings.Replace(s, "chunk-signature=", "chunk-signature=0", 1) }, want: "SignatureDoesNotMatch"},
		"two chunks that change":   {hash: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", tamper: func(i int, s string) string { return strings.NewReplacer("a", "b", "b", "a").Replace(s) }, want: "SignatureDoesNotMatch"},
	} {
		t.Run(name, func(t *testing.T) {
			path := "/stock-code/" + strings.ReplaceAll(name, " ", "-")
			header := []string{"Content-Encoding", "aws-chunked", "X-Amz-Decoded-Content-Length", fmt.Sprint(2*64<<10 + 1)}
			if test.trailer != "" {
				header = append(header, "X-Amz-Trailer", "x-amz-checksum-crc32")
			}
			r := sign(t, c, root, "s3", "PUT", path, "", test.hash, header...)
			body := chunked(r, root.SecretAccessKey, chunks, test.trailer, test.tamper)
			if test.edit != nil {
				body = test.edit(body)
			}
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
			resp, text := answer(t, r)
			if got := resp.StatusCode == 200; got != (test.want == "") || !got && !strings.Contains(text, "<Code>"+test.want+"</Code>") {
				t.Errorf("%s %s, want %q", resp.Status, text, test.want)
			}
			want := 200
			if test.want != "" {
				want = 404
			}
			if resp, _ := answer(t, sign(t, c, root, "s3", "GET", path, "", "")); resp.StatusCode != want {
				t.Errorf("the object afterwards: %s, want %d", resp.Status, want)
			}
		})
	}
}

// A body that is verified while it is read is not stored if it is another.
func TestABodyOtherThanTheSignedOneIsNotStored(t *testing.T) {
	t.Parallel()
	c, _ := startCloud(t)
	root := c.Root()
	answer(t, sign(t, c, root, "s3", "PUT", "/stock-code", "", ""))
	r := sign(t, c, root, "s3", "PUT", "/stock-code/k", "abc", "")
	r.Body = io.NopCloser(strings.NewReader("abd"))
	if resp, text := answer(t, r); resp.StatusCode != 400 || !strings.Contains(text, "<Code>XAmzContentSHA256Mismatch</Code>") || !strings.Contains(text, "<S3ComputedContentSHA256>") {
		t.Errorf("%s %s", resp.Status, text)
	}
	if resp, _ := answer(t, sign(t, c, root, "s3", "GET", "/stock-code/k", "", "")); resp.StatusCode != 404 {
		t.Errorf("it is there: %s", resp.Status)
	}
	r = sign(t, c, root, "dynamodb", "POST", "/", `{"TableName":"a"}`, "", "X-Amz-Target", "DynamoDB_20120810.DescribeTable", "Content-Type", "application/x-amz-json-1.0")
	r.Body = io.NopCloser(strings.NewReader(`{"TableName":"b"}`))
	if resp, text := answer(t, r); resp.StatusCode != 400 || !strings.Contains(text, "InvalidSignatureException") {
		t.Errorf("dynamodb: %s %s", resp.Status, text)
	}
}

// Nothing of a body is read before its head has proved a key: a stranger cannot make the machine hold what he sends.
func TestNoBodyIsReadOfAStranger(t *testing.T) {
	t.Parallel()
	c, _ := startCloud(t)
	stranger := iam.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "guess"}
	for _, service := range []string{"lambda", "s3", "iam"} {
		r := sign(t, c, stranger, service, "POST", "/", "x", "")
		body, w := io.Pipe()
		r.Body, r.ContentLength = body, maxBody
		r.Header.Set("Expect", "100-continue")
		if resp, text := answer(t, r); resp.StatusCode != 403 {
			t.Errorf("%s: %s %s", service, resp.Status, text)
		}
		w.Close()
	}
}
