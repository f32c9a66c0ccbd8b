package sdkbody

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/middleware"
)

// late keeps the body of a request beyond the answer, as the goroutine of net/http does that has not had its turn yet.
type late struct{ body io.Reader }

func (l *late) Do(r *http.Request) (*http.Response, error) {
	l.body = r.Body
	if _, err := io.CopyN(io.Discard, r.Body, r.ContentLength); err != nil {
		return nil, err
	}
	text := `<GetCallerIdentityResponse><GetCallerIdentityResult><Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(text)), Request: r}, nil
}

func TestBodyThatIsReadLateEndsWithoutAnError(t *testing.T) {
	t.Parallel()
	wire := &late{}
	client := sts.NewFromConfig(aws.Config{Region: "us-east-1", HTTPClient: wire, Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""),
		APIOptions: []func(*middleware.Stack) error{Plain}})
	if _, err := client.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}); err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, wire.body); n > 0 || err != nil {
		t.Errorf("%d bytes and %v are left of the body, want none", n, err)
	}
}
