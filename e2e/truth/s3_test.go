package truth

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"time"
)

// s3Bucket makes a bucket.
func s3Bucket(t *testing.T, c caller) string {
	t.Helper()
	name := "truth-" + unique("bucket")
	c.call(t, "s3", "CreateBucket", params{"Bucket": name})
	return name
}

func TestS3(t *testing.T) {
	t.Parallel()
	c := shared(t)
	py, js := c.boto3(t), c.js(t)
	const source = "Services §1"
	store := s3.NewFromConfig(c.config(), func(o *s3.Options) { o.UsePathStyle = true })

	rule(t, "GET of an absent key is NoSuchKey with 404, of an absent bucket NoSuchBucket", source, boto3, func(t *testing.T) {
		bucket := s3Bucket(t, py)
		refusedAs(t, py.fail(t, "s3", "GetObject", params{"Bucket": bucket, "Key": "none"}), 404, "NoSuchKey", "The specified key does not exist.")
		refusedAs(t, py.fail(t, "s3", "GetObject", params{"Bucket": bucket + "-none", "Key": "none"}), 404, "NoSuchBucket", "The specified bucket does not exist")
	})
	rule(t, "who may not list a bucket gets 403 for an absent key, not 404", "GetObject - Amazon Simple Storage Service", boto3, func(t *testing.T) {
		bucket, user := s3Bucket(t, py), unique("reader")
		py.call(t, "iam", "CreateUser", params{"UserName": user})
		allow := func(actions string) {
			py.call(t, "iam", "PutUserPolicy", params{"UserName": user, "PolicyName": "may", "PolicyDocument": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":` + actions + `,"Resource":"*"}]}`})
		}
		allow(`["s3:GetObject"]`)
		key := py.call(t, "iam", "CreateAccessKey", params{"UserName": user})
		reader := py.as(key.str("AccessKey.AccessKeyId"), key.str("AccessKey.SecretAccessKey"), "")
		refusedAs(t, reader.fail(t, "s3", "GetObject", params{"Bucket": bucket, "Key": "none"}), 403, "AccessDenied", "s3:ListBucket")
		refusedAs(t, reader.fail(t, "s3", "HeadObject", params{"Bucket": bucket, "Key": "none"}), 403, "403", "")
		allow(`["s3:GetObject","s3:ListBucket"]`)
		refusedAs(t, reader.fail(t, "s3", "GetObject", params{"Bucket": bucket, "Key": "none"}), 404, "NoSuchKey", "")
	})
	rule(t, "GetObjectAttributes says size, checksum and the ETag without quotes", "GetObjectAttributes - Amazon Simple Storage Service", jsSDK, func(t *testing.T) {
		bucket := s3Bucket(t, py)
		py.call(t, "s3", "PutObject", params{"Bucket": bucket, "Key": "k", "Body": []byte("abc")})
		got := js.call(t, "s3", "GetObjectAttributes", params{"Bucket": bucket, "Key": "k", "ObjectAttributes": items{"ETag", "Checksum", "ObjectSize"}})
		if got.str("ETag") != "900150983cd24fb0d6963f7d28e17f72" || got.str("Checksum.ChecksumCRC32") != "NSRBwg==" || got.num("ObjectSize") != 3 {
			t.Errorf("got %v", got.Answer)
		}
	})
	rule(t, "HEAD has no body, so that SDKs see 404 and no more", source, boto3, func(t *testing.T) {
		refusedAs(t, py.fail(t, "s3", "HeadObject", params{"Bucket": s3Bucket(t, py), "Key": "none"}), 404, "404", "Not Found")
	})
	rule(t, "the ETag of a single PUT is the MD5 of its bytes in double quotes", source, boto3, func(t *testing.T) {
		bucket, sum := s3Bucket(t, py), md5.Sum([]byte("abc"))
		put := py.call(t, "s3", "PutObject", params{"Bucket": bucket, "Key": "k", "Body": []byte("abc")})
		if put.str("ETag") != `"`+hex.EncodeToString(sum[:])+`"` || put.str("ChecksumCRC32") != "NSRBwg==" {
			t.Errorf("got %v", put.Answer)
		}
	})
	rule(t, "an upload in aws-chunked framing is stored without its framing", source, jsSDK, func(t *testing.T) {
		bucket := s3Bucket(t, py)
		js.call(t, "s3", "PutObject", params{"Bucket": bucket, "Key": "k", "Body": []byte("abc"), "ContentEncoding": "gzip"})
		if got := py.call(t, "s3", "GetObject", params{"Bucket": bucket, "Key": "k"}); string(got.bytes("Body")) != "abc" || got.str("ContentEncoding") != "gzip" {
			t.Errorf("got %q with the encoding %s", got.bytes("Body"), got.str("ContentEncoding"))
		}
		// The Go SDK frames a stream that it cannot rewind.
		_, err := store.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: aws.String("stream"), Body: io.MultiReader(strings.NewReader("a"), strings.NewReader("bc")), ContentLength: aws.Int64(3)},
			s3.WithAPIOptions(v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware))
		if err != nil {
			t.Fatal(err)
		}
		if got := py.call(t, "s3", "GetObject", params{"Bucket": bucket, "Key": "stream"}); string(got.bytes("Body")) != "abc" {
			t.Errorf("got %q", got.bytes("Body"))
		}
	})
	for algorithm, sum := range map[string]string{"CRC32": "NSRBwg==", "CRC32C": "Nks/tw==", "SHA1": "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=", "SHA256": "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="} {
		rule(t, "a "+algorithm+" checksum is verified, kept and given back", source, boto3, func(t *testing.T) {
			bucket := s3Bucket(t, py)
			name := "Checksum" + algorithm
			refusedAs(t, py.fail(t, "s3", "PutObject", params{"Bucket": bucket, "Key": "k", "Body": []byte("abd"), name: sum}), 400, "BadDigest",
				"The "+algorithm+" you specified did not match the calculated checksum.")
			py.call(t, "s3", "PutObject", params{"Bucket": bucket, "Key": "k", "Body": []byte("abc"), name: sum})
			if got := py.call(t, "s3", "HeadObject", params{"Bucket": bucket, "Key": "k", "ChecksumMode": "ENABLED"}); got.str(name) != sum {
				t.Errorf("got %v, want %s", got.Answer, sum)
			}
		})
	}
	rule(t, "a wrong Content-MD5 is BadDigest, a malformed one InvalidDigest", source, boto3, func(t *testing.T) {
		bucket, sum := s3Bucket(t, py), md5.Sum([]byte("other"))
		refusedAs(t, py.fail(t, "s3", "PutObject", params{"Bucket": bucket, "Key": "k", "Body": []byte("abc"), "ContentMD5": base64.StdEncoding.EncodeToString(sum[:])}), 400, "BadDigest", "")
		refusedAs(t, py.fail(t, "s3", "PutObject", params{"Bucket": bucket, "Key": "k", "Body": []byte("abc"), "ContentMD5": "bm9uZQ=="}), 400, "InvalidDigest", "")
	})
	rule(t, "repeating CreateBucket is 200 in us-east-1, and a bucket with objects cannot be deleted", source, boto3, func(t *testing.T) {
		bucket := s3Bucket(t, py)
		py.call(t, "s3", "CreateBucket", params{"Bucket": bucket})
		py.call(t, "s3", "PutObject", params{"Bucket": bucket, "Key": "k", "Body": []byte("abc")})
		refusedAs(t, py.fail(t, "s3", "DeleteBucket", params{"Bucket": bucket}), 409, "BucketNotEmpty", "The bucket you tried to delete is not empty")
	})
	rule(t, "us-east-1 as a location constraint is InvalidLocationConstraint", source, boto3, func(t *testing.T) {
		refusedAs(t, py.fail(t, "s3", "CreateBucket", params{"Bucket": unique("truth-bucket"), "CreateBucketConfiguration": params{"LocationConstraint": "us-east-1"}}), 400, "InvalidLocationConstraint", "")
	})
	rule(t, "deleting an absent key is 204, and DeleteObjects calls it deleted", source, boto3, func(t *testing.T) {
		bucket := s3Bucket(t, py)
		if got := py.call(t, "s3", "DeleteObject", params{"Bucket": bucket, "Key": "none"}); got.Status != 204 {
			t.Errorf("got %d", got.Status)
		}
		py.call(t, "s3", "PutObject", params{"Bucket": bucket, "Key": "there", "Body": []byte("abc")})
		got := py.call(t, "s3", "DeleteObjects", params{"Bucket": bucket, "Delete": params{"Objects": items{params{"Key": "none"}, params{"Key": "there"}}}})
		if got.Status != 200 || len(got.list("Deleted")) != 2 || len(got.list("Errors")) != 0 {
			t.Errorf("got %d %v", got.Status, got.Answer)
		}
	})
	rule(t, "DeleteObjects without a checksum is refused", source, rawSocket, func(t *testing.T) {
		bucket := s3Bucket(t, py)
		body := `<Delete><Object><Key>k</Key></Object></Delete>`
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.Endpoint+"/"+bucket+"?delete=", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
		if err := v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: c.key, SecretAccessKey: c.secret}, r, "UNSIGNED-PAYLOAD", "s3", "us-east-1", time.Now()); err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if text, _ := io.ReadAll(answer.Body); answer.StatusCode != 400 || !strings.Contains(string(text), "<Code>InvalidRequest</Code>") {
			t.Errorf("got %d %s", answer.StatusCode, text)
		}
	})
	rule(t, "ListObjectsV2 sorts by the bytes of keys, rolls up common prefixes, and pages with continuation tokens", source, goSDK, func(t *testing.T) {
		bucket := s3Bucket(t, py)
		for _, key := range []string{"b", "a/2", "a/1", "é", "Z", "a b+c&d"} {
			py.call(t, "s3", "PutObject", params{"Bucket": bucket, "Key": key, "Body": []byte("x")})
		}
		var got []string
		for p := s3.NewListObjectsV2Paginator(store, &s3.ListObjectsV2Input{Bucket: &bucket, Delimiter: aws.String("/"), MaxKeys: aws.Int32(1)}); p.HasMorePages(); {
			page, err := p.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range page.Contents {
				got = append(got, *o.Key)
			}
			for _, prefix := range page.CommonPrefixes {
				got = append(got, *prefix.Prefix)
			}
		}
		if want := "Z|a b+c&d|a/|b|é"; strings.Join(got, "|") != want {
			t.Errorf("got %s, want %s", strings.Join(got, "|"), want)
		}
	})
	rule(t, "encoding-type=url encodes keys, so that those that XML cannot carry arrive", source, boto3, func(t *testing.T) {
		bucket, key := s3Bucket(t, py), "a\x01b c+d/é%2F"
		py.call(t, "s3", "PutObject", params{"Bucket": bucket, "Key": key, "Body": []byte("x")})
		if got := py.call(t, "s3", "ListObjectsV2", params{"Bucket": bucket}); got.str("Contents.0.Key") != key {
			t.Errorf("got %q", got.str("Contents.0.Key"))
		}
		if got := py.call(t, "s3", "GetObject", params{"Bucket": bucket, "Key": key}); string(got.bytes("Body")) != "x" {
			t.Errorf("got %q", got.bytes("Body"))
		}
	})
	rule(t, "a range answers 206 with its bytes and no checksum, one behind the end InvalidRange with 416", source, boto3, func(t *testing.T) {
		bucket := s3Bucket(t, py)
		py.call(t, "s3", "PutObject", params{"Bucket": bucket, "Key": "k", "Body": []byte("0123456789")})
		got := py.call(t, "s3", "GetObject", params{"Bucket": bucket, "Key": "k", "Range": "bytes=2-4", "ChecksumMode": "ENABLED"})
		if got.Status != 206 || string(got.bytes("Body")) != "234" || got.str("ContentRange") != "bytes 2-4/10" || got.str("ChecksumCRC32") != "" {
			t.Errorf("got %d %v", got.Status, got.Answer)
		}
		refusedAs(t, py.fail(t, "s3", "GetObject", params{"Bucket": bucket, "Key": "k", "Range": "bytes=10-"}), 416, "InvalidRange", "")
	})
	rule(t, "If-None-Match: * on a PUT lets only the first one through", source, boto3, func(t *testing.T) {
		bucket := s3Bucket(t, py)
		put := params{"Bucket": bucket, "Key": "k", "Body": []byte("abc"), "IfNoneMatch": "*"}
		first := py.call(t, "s3", "PutObject", put)
		refusedAs(t, py.fail(t, "s3", "PutObject", put), 412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
		if e := py.fail(t, "s3", "GetObject", params{"Bucket": bucket, "Key": "k", "IfNoneMatch": first.str("ETag")}); e.Status != 304 {
			t.Errorf("GET with the same ETag: %d", e.Status)
		}
	})
	rule(t, "a multipart upload has parts of 5 MB but the last, and an ETag that ends in their number", source, goSDK, func(t *testing.T) {
		ctx, bucket, key := t.Context(), s3Bucket(t, py), "large"
		part := bytes.Repeat([]byte("x"), 5<<20)
		upload := py.call(t, "s3", "CreateMultipartUpload", params{"Bucket": bucket, "Key": key}).str("UploadId")
		var parts items
		for n, body := range [][]byte{part, []byte("end")} {
			up, err := store.UploadPart(ctx, &s3.UploadPartInput{Bucket: &bucket, Key: &key, UploadId: &upload, PartNumber: aws.Int32(int32(n + 1)), Body: bytes.NewReader(body)})
			if err != nil {
				t.Fatal(err)
			}
			parts = append(parts, params{"PartNumber": n + 1, "ETag": *up.ETag})
		}
		if e := py.fail(t, "s3", "CompleteMultipartUpload", params{"Bucket": bucket, "Key": key, "UploadId": upload, "MultipartUpload": params{"Parts": items{parts[1], parts[0]}}}); e.Code != "InvalidPartOrder" {
			t.Errorf("parts in another order: %s", e.Code)
		}
		got := py.call(t, "s3", "CompleteMultipartUpload", params{"Bucket": bucket, "Key": key, "UploadId": upload, "MultipartUpload": params{"Parts": parts}})
		if !strings.HasSuffix(got.str("ETag"), `-2"`) {
			t.Errorf("the ETag is %s", got.str("ETag"))
		}
		if head := py.call(t, "s3", "HeadObject", params{"Bucket": bucket, "Key": key}); head.num("ContentLength") != float64(5<<20+3) {
			t.Errorf("it has %v bytes", head.num("ContentLength"))
		}
		small := py.call(t, "s3", "CreateMultipartUpload", params{"Bucket": bucket, "Key": key}).str("UploadId")
		parts = nil
		for n := range 2 {
			up := py.call(t, "s3", "UploadPart", params{"Bucket": bucket, "Key": key, "UploadId": small, "PartNumber": n + 1, "Body": []byte("few")})
			parts = append(parts, params{"PartNumber": n + 1, "ETag": up.str("ETag")})
		}
		refusedAs(t, py.fail(t, "s3", "CompleteMultipartUpload", params{"Bucket": bucket, "Key": key, "UploadId": small, "MultipartUpload": params{"Parts": parts}}), 400, "EntityTooSmall", "")
	})
	rule(t, "aws s3 cp and sync move files over 8 MB in parts, byte by byte the same", source, awsCLI, func(t *testing.T) {
		bucket, dir := s3Bucket(t, py), t.TempDir()
		want := bytes.Repeat([]byte("0123456789abcdef"), 9<<16)
		if err := os.WriteFile(filepath.Join(dir, "up.bin"), want, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"s3", "sync", dir, "s3://" + bucket + "/deep/"}, {"s3", "cp", "s3://" + bucket + "/deep/up.bin", filepath.Join(dir, "down.bin")}} {
			if out, stderr, exit := c.aws(t, args...); exit != 0 {
				t.Fatalf("aws %v: %s%s", args, out, stderr)
			}
		}
		if got, err := os.ReadFile(filepath.Join(dir, "down.bin")); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes come back, %v; want %d", len(got), err, len(want))
		}
	})
	rule(t, "a bucket is addressed by its path and as a host name", source, jsSDK, func(t *testing.T) {
		bucket := s3Bucket(t, py)
		py.call(t, "s3", "PutObject", params{"Bucket": bucket, "Key": "k", "Body": []byte("abc")})
		named := strings.Replace(c.Endpoint, "127.0.0.1", "localhost", 1)
		if got := js.at(named).do(t, "s3", "HeadObject", params{"Bucket": bucket, "Key": "k"}); got.Status != 200 {
			t.Errorf("through %s: %d %s: %s", named, got.Status, got.Code, got.Message)
		}
		if got := js.call(t, "s3", "HeadObject", params{"Bucket": bucket, "Key": "k"}); got.num("ContentLength") != 3 {
			t.Errorf("got %v", got.Answer)
		}
	})
	rule(t, "tags of an object come with the upload and by themselves; a bucket without tags is NoSuchTagSet", source, boto3, func(t *testing.T) {
		bucket := s3Bucket(t, py)
		py.call(t, "s3", "PutObject", params{"Bucket": bucket, "Key": "k", "Body": []byte("abc"), "Tagging": "a=b&c=d"})
		if got := py.call(t, "s3", "GetObjectTagging", params{"Bucket": bucket, "Key": "k"}); fmt.Sprint(got.get("TagSet")) != "[map[Key:a Value:b] map[Key:c Value:d]]" {
			t.Errorf("got %v", got.get("TagSet"))
		}
		refusedAs(t, py.fail(t, "s3", "GetBucketTagging", params{"Bucket": bucket}), 404, "NoSuchTagSet", "The TagSet does not exist")
	})
	rule(t, "with versioning, a delete leaves a marker and earlier versions can be read", "Working with delete markers", boto3, func(t *testing.T) {
		bucket := s3Bucket(t, py)
		py.call(t, "s3", "PutBucketVersioning", params{"Bucket": bucket, "VersioningConfiguration": params{"Status": "Enabled"}})
		first := py.call(t, "s3", "PutObject", params{"Bucket": bucket, "Key": "k", "Body": []byte("one")}).str("VersionId")
		py.call(t, "s3", "PutObject", params{"Bucket": bucket, "Key": "k", "Body": []byte("two")})
		if got := py.call(t, "s3", "DeleteObject", params{"Bucket": bucket, "Key": "k"}); got.str("DeleteMarker") != "true" {
			t.Errorf("got %v", got.Answer)
		}
		refusedAs(t, py.fail(t, "s3", "GetObject", params{"Bucket": bucket, "Key": "k"}), 404, "NoSuchKey", "")
		if got := py.call(t, "s3", "GetObject", params{"Bucket": bucket, "Key": "k", "VersionId": first}); string(got.bytes("Body")) != "one" {
			t.Errorf("the first version is %q", got.bytes("Body"))
		}
	})
}
