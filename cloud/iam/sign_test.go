package iam

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

func signatureOf(r *http.Request) string {
	_, value, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
	return value
}

func TestSignAgreesWithTheSDK(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 21, 23, 14, 0, time.UTC)
	c := Credentials{AccessKeyID: "ASIAEXAMPLE", SecretAccessKey: "secret", SessionToken: "token"}
	for _, test := range []struct{ service, method, target, body string }{
		{"dynamodb", "POST", "http://127.0.0.1:4566/", `{"TableName":"seats"}`},
		{"s3", "PUT", "http://127.0.0.1:4566/bucket/a%20b?x=1&a=%2F", "text"},
		{"lambda", "GET", "http://127.0.0.1:4566/2015-03-31/functions/watch%3Alive", ""},
	} {
		request := func() *http.Request {
			r, err := http.NewRequest(test.method, test.target, nil)
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256([]byte(test.body))
			r.Header.Set("Content-Type", "application/x-amz-json-1.0")
			r.Header.Set("X-Amz-Target", "DynamoDB_20120810.PutItem")
			r.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:]))
			return r
		}
		ours, theirs := request(), request()
		Sign(ours, []byte(test.body), c, test.service, "us-east-1", at)
		key := aws.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken}
		signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = test.service == "s3" })
		if err := signer.SignHTTP(t.Context(), key, theirs, theirs.Header.Get("X-Amz-Content-Sha256"), test.service, "us-east-1", at); err != nil {
			t.Fatal(err)
		}
		if got, want := signatureOf(ours), signatureOf(theirs); got != want || got == "" {
			t.Errorf("%s: %s, want %s\n%s\n%s", test.service, got, want, ours.Header["Authorization"], theirs.Header["Authorization"])
		}
	}
}
