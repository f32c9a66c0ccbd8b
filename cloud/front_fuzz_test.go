package cloud

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"quotewire/cloud/iam"
)

// FuzzFrontDoor sends requests to a whole cloud, as they are and signed by its root, so that they come as far as a
// service. No request may make it panic, answer that it has failed, or hang.
func FuzzFrontDoor(f *testing.F) {
	form := "Content-Type: application/x-www-form-urlencoded\r\n"
	for _, seed := range []struct{ service, request string }{
		{"s3", "PUT /bucket HTTP/1.1\r\nHost: localhost\r\n\r\n"},
		{"s3", "PUT /bucket/key?uploads&versionId=%zz HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: aws-chunked\r\nX-Amz-Decoded-Content-Length: 3\r\nContent-Length: 14\r\n\r\n3\r\nabc\r\n0\r\n\r\n"},
		{"s3", "GET /?list-type=2&max-keys=-1&prefix=%00 HTTP/1.1\r\nHost: bucket.s3.amazonaws.com\r\nRange: bytes=-0\r\n\r\n"},
		{"s3", "POST /bucket?delete HTTP/1.1\r\nHost: localhost\r\nContent-Length: 34\r\n\r\n<Delete><Object><Key>k</Key></Object>"},
		{"iam", "POST / HTTP/1.1\r\nHost: localhost\r\n" + form + "Content-Length: 79\r\n\r\nAction=CreateRole&Version=2010-05-08&RoleName=r&AssumeRolePolicyDocument=%7B%7D"},
		{"sts", "POST / HTTP/1.1\r\nHost: localhost\r\n" + form + "Content-Length: 43\r\n\r\nAction=GetCallerIdentity&Version=2011-06-15"},
		{"ec2", "POST / HTTP/1.1\r\nHost: localhost\r\n" + form + "Content-Length: 62\r\n\r\nAction=CreateVpc&Version=2016-11-15&CidrBlock=10.0.0.0%2F33&x="},
		{"dynamodb", "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: DynamoDB_20120810.Query\r\nContent-Length: 84\r\n\r\n" + `{"TableName":"t","KeyConditionExpression":"a = :a","ExpressionAttributeValues":null}`},
		{"dynamodb", "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: DynamoDB_20120810.CreateTable\r\nContent-Length: 181\r\n\r\n" + `{"TableName":"tab","KeySchema":[{"AttributeName":"a","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"a","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST","x":[1e999]}`},
		{"logs", "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: Logs_20140328.FilterLogEvents\r\nContent-Length: 45\r\n\r\n" + `{"logGroupName":"/a","filterPattern":"{$.a="}`},
		{"lambda", "POST /2015-03-31/functions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 71\r\n\r\n" + `{"FunctionName":"f","Role":"x","Code":{"ZipFile":"UEsFBg=="},"Timeout":1}`},
		{"lambda", "POST /2015-03-31/functions/f%3A%24LATEST/invocations HTTP/1.1\r\nHost: localhost\r\nX-Amz-Invocation-Type: DryRun\r\nContent-Length: 0\r\n\r\n"},
		{"apigateway", "POST /v2/apis HTTP/1.1\r\nHost: localhost\r\nContent-Length: 84\r\n\r\n" + `{"name":"n","protocolType":"WEBSOCKET","routeSelectionExpression":"${request.body."}`},
		{"apigateway", "PATCH /v2/apis/fuzzedapi1/routes/%2F HTTP/1.1\r\nHost: localhost\r\nContent-Length: 16\r\n\r\n{\"routeKey\":[1]}"},
		{"execute-api", "POST /test/@connections/O9iVddyboAMCJ1A%3D HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx"},
		{"execute-api", "GET /_aws/execute-api/fuzzedapi1/test HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"},
		{"", "OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: null\r\n\r\n"},
		{"", "GET //_quotewire/health HTTP/1.1\r\nHost: evil.example\r\n\r\n"},
	} {
		f.Add(seed.service, seed.request)
	}
	root := iam.Credentials{AccessKeyID: "root", SecretAccessKey: strings.Repeat("s", 40)}
	c, err := Start(f.Context(), Config{
		Dir: f.TempDir(), Listen: "127.0.0.1:0", Region: "us-east-1", Root: root,
		APIIDs: map[string]string{"fuzzed": "fuzzedapi1"}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { c.Close() })
	try := func(t testing.TB, text, service string) *httptest.ResponseRecorder {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
		if err != nil {
			return nil // net/http answers these
		}
		r.RemoteAddr = "127.0.0.1:1"
		if service != "" {
			body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
			if err != nil {
				return nil
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			sum := sha256.Sum256(body)
			hash := hex.EncodeToString(sum[:])
			r.Header.Set("X-Amz-Content-Sha256", hash)
			key := aws.Credentials{AccessKeyID: root.AccessKeyID, SecretAccessKey: root.SecretAccessKey}
			if err := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" }).SignHTTP(t.Context(), key, r, hash, service, "us-east-1", time.Now()); err != nil {
				return nil
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		w := httptest.NewRecorder()
		func() {
			defer func() {
				if p := recover(); p != nil && p != http.ErrAbortHandler {
					panic(p)
				}
			}()
			c.ServeHTTP(w, r.WithContext(ctx))
		}()
		if ctx.Err() != nil {
			t.Errorf("no answer in 30 seconds")
		}
		// A socket cannot be taken over from a recorder.
		if w.Code == http.StatusInternalServerError && r.Header.Get("Upgrade") == "" {
			t.Errorf("%s %s: status %d: %s", r.Method, r.RequestURI, w.Code, w.Body)
		}
		return w
	}
	post := func(path, body string) {
		w := try(f, "POST "+path+" HTTP/1.1\r\nHost: localhost\r\nContent-Length: "+strconv.Itoa(len(body))+"\r\n\r\n"+body, "apigateway")
		if w == nil || w.Code >= 300 {
			f.Fatalf("POST %s: %v", path, w)
		}
	}
	post("/v2/apis", `{"name":"fuzzed","protocolType":"WEBSOCKET","routeSelectionExpression":"$request.body.action"}`)
	post("/v2/apis/fuzzedapi1/stages", `{"stageName":"test","autoDeploy":true}`)
	f.Fuzz(func(t *testing.T, service, request string) {
		try(t, request, "")
		switch service {
		case "s3", "iam", "sts", "ec2", "dynamodb", "logs", "lambda", "apigateway", "execute-api":
			try(t, request, service)
		}
	})
}
