package s3

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"quotewire/cloud/iam"
	"quotewire/cloud/protocol"
	"quotewire/cloud/state"
)

type allowAll struct{}

func (allowAll) Authorize(context.Context, protocol.Protocol, string, string, map[string]string) error {
	return nil
}

func (a allowAll) AuthorizeResource(context.Context, protocol.Protocol, string, string, map[string]string, *iam.Document) error {
	return nil
}
func (allowAll) Bind(*iam.Document) (map[string]string, error) { return nil, nil }
func (allowAll) Spell(text string, _ map[string]string) string { return text }
func (allowAll) Chunks(*http.Request) (*iam.Chunks, error)     { return nil, nil }

func open(t *testing.T, dir string) (client *sdk.Client, url string, stop func()) {
	t.Helper()
	store, err := state.Open(t.Context(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(t.Context(), Config{State: store, IAM: allowAll{}, Account: "111122223333", Region: "us-east-1", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	client = sdk.New(sdk.Options{Region: "us-east-1", BaseEndpoint: aws.String(server.URL), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	closed := false
	stop = func() {
		if !closed {
			closed = true
			server.Close()
			store.Close()
		}
	}
	t.Cleanup(stop)
	return client, server.URL, stop
}

func get(t *testing.T, c *sdk.Client, key string) (string, map[string]string) {
	t.Helper()
	out, err := c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String("stock-code"), Key: aws.String(key)})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	text, err := io.ReadAll(out.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text), out.Metadata
}

func TestObjectsSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	c, url, stop := open(t, dir)
	if _, err := c.CreateBucket(t.Context(), &sdk.CreateBucketInput{Bucket: aws.String("stock-code")}); err != nil {
		t.Fatal(err)
	}
	big := strings.Repeat("0123456789", 300_000)
	for key, text := range map[string]string{"watch.zip": "abc", "a b/c+d%.zip": "odd key", "big": big} {
		if _, err := c.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: aws.String("stock-code"), Key: aws.String(key), Body: bytes.NewReader([]byte(text)),
			Metadata: map[string]string{"sha256": "x"}}); err != nil {
			t.Fatalf("put %s: %v", key, err)
		}
	}
	// What boto3 sends over https: chunks framed inside the body, with the checksum behind them.
	put := func(trailer string) int {
		r, _ := http.NewRequest(http.MethodPut, url+"/stock-code/chunked", strings.NewReader("3\r\nabc\r\n0\r\nx-amz-checksum-crc32:"+trailer+"\r\n\r\n"))
		r.Header.Set("Content-Encoding", "aws-chunked")
		r.Header.Set("X-Amz-Content-SHA256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
		r.Header.Set("X-Amz-Trailer", "x-amz-checksum-crc32")
		r.Header.Set("X-Amz-Decoded-Content-Length", "3")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if status := put("NSRBwg=="); status != http.StatusOK {
		t.Errorf("a chunked upload answers %d", status)
	}
	if status := put("AAAAAA=="); status != http.StatusBadRequest {
		t.Errorf("a chunked upload with a wrong checksum answers %d", status)
	}
	stop()

	c, _, _ = open(t, dir)
	for key, want := range map[string]string{"watch.zip": "abc", "a b/c+d%.zip": "odd key", "big": big} {
		if got, meta := get(t, c, key); got != want || meta["sha256"] != "x" {
			t.Errorf("%s came back with %d bytes and %v", key, len(got), meta)
		}
	}
	if got, _ := get(t, c, "chunked"); got != "abc" {
		t.Errorf("the chunked upload came back as %q", got)
	}
	list, err := c.ListObjectsV2(t.Context(), &sdk.ListObjectsV2Input{Bucket: aws.String("stock-code"), Delimiter: aws.String("/")})
	if err != nil || len(list.Contents) != 3 || len(list.CommonPrefixes) != 1 || *list.CommonPrefixes[0].Prefix != "a b/" {
		t.Errorf("the list is %+v, %v", list, err)
	}
}

func TestWhatIsNotThereIsSaidInS3sWords(t *testing.T) {
	c, _, _ := open(t, t.TempDir())
	var noBucket *types.NoSuchBucket // which the SDK knows of lists only
	if _, err := c.ListObjectsV2(t.Context(), &sdk.ListObjectsV2Input{Bucket: aws.String("nowhere")}); !errors.As(err, &noBucket) {
		t.Errorf("list of no bucket: %v", err)
	}
	if _, err := c.CreateBucket(t.Context(), &sdk.CreateBucketInput{Bucket: aws.String("stock-code")}); err != nil {
		t.Fatal(err)
	}
	var noKey *types.NoSuchKey
	if _, err := c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String("stock-code"), Key: aws.String("k")}); !errors.As(err, &noKey) {
		t.Errorf("get of no key: %v", err)
	}
	var notFound *types.NotFound
	if _, err := c.HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: aws.String("stock-code"), Key: aws.String("k")}); !errors.As(err, &notFound) {
		t.Errorf("head of no key: %v", err)
	}
}
