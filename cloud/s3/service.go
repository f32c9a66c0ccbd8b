// Package s3 answers the parts of Amazon S3 that a deployer, its tools and its functions use: buckets, objects with
// versions, multipart uploads, listings, tags and bucket policies, over S3's REST-XML protocol.
//
// What is known about an object lives in a state bucket, its bytes in a state object store. An upload writes its bytes
// under an id that nobody knows yet and only then switches the object's metadata to it, in one write. So a crash
// leaves either the old object or the new one, and a reader who has begun keeps the bytes that it began with.
//
// Signatures are the front door's matter; the package takes the principal from the request's context and asks an
// [iam.Authorizer].
package s3

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"quotewire/cloud/iam"
	"quotewire/cloud/protocol"
	"quotewire/cloud/state"
)

// Config is what a [Service] needs.
type Config struct {
	State   *state.Store
	IAM     Access
	Account string
	Region  string
	Log     *slog.Logger
}

// Access is who knows callers: what they may do, whether a body is theirs that is signed chunk by chunk, and who the roles
// and users are that a bucket's policy names.
type Access interface {
	iam.ResourceAuthorizer
	Chunks(r *http.Request) (*iam.Chunks, error)
	Bind(policy *iam.Document) (map[string]string, error)
	Spell(text string, ids map[string]string) string
}

// Service is S3. It is safe for concurrent use and owns no goroutine.
type Service struct {
	Config
	buckets *state.Bucket // bucket name → bucket
	uploads *state.Bucket // upload id → upload
	bytes   *store

	policies sync.Map // bucket name → *iam.Document, of those that have a policy

	indexMu sync.Mutex
	indexes map[string]*state.Bucket // bucket name → its objects' records

	// life is held for reading while an object's metadata is switched and for writing while a bucket goes, so that
	// no object is accepted into a bucket that was found empty.
	life sync.RWMutex
}

// New opens what an earlier run left in c.State and removes the bytes of uploads that it did not finish.
func New(ctx context.Context, c Config) (*Service, error) {
	s := &Service{Config: c, indexes: map[string]*state.Bucket{}}
	var err error
	if s.buckets, err = c.State.Bucket(ctx, "s3-buckets"); err != nil {
		return nil, fmt.Errorf("s3: %w", err)
	}
	if s.uploads, err = c.State.Bucket(ctx, "s3-uploads"); err != nil {
		return nil, fmt.Errorf("s3: %w", err)
	}
	if err := s.loadPolicies(ctx); err != nil {
		return nil, fmt.Errorf("s3: %w", err)
	}
	if err := s.recover(ctx); err != nil {
		return nil, fmt.Errorf("s3: %w", err)
	}
	used, err := s.used(ctx)
	if err != nil {
		return nil, fmt.Errorf("s3: %w", err)
	}
	if s.bytes, err = openStore(ctx, c.State, used); err != nil {
		return nil, fmt.Errorf("s3: %w", err)
	}
	return s, nil
}

// request is one call: the HTTP request and what its address says.
type request struct {
	*http.Request
	bucket, key string
	query       url.Values
}

// version is the version that the request names, "" for the current one.
func (r *request) version() string { return r.query.Get("versionId") }

// ServeHTTP answers one call of S3's API.
func (s *Service) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	h := w.Header()
	h.Set("Server", "AmazonS3")
	h.Set("x-amz-id-2", hostID())
	r, err := parseRequest(hr)
	if err == nil {
		err = s.serve(w, r)
	}
	if err != nil {
		s.fail(w, hr, err)
	}
}

func (s *Service) serve(w http.ResponseWriter, r *request) error {
	op, err := find(r)
	if err != nil {
		return err
	}
	if owner := r.Header.Get("x-amz-expected-bucket-owner"); owner != "" && owner != s.Account {
		return errAccessDenied
	}
	if op.action != "" {
		if err := s.authorize(r, op.actionFor(r), r.bucket, r.key); err != nil {
			return err
		}
		if op.action == "s3:PutObject" && r.Header.Get("x-amz-tagging") != "" {
			if err := s.authorize(r, "s3:PutObjectTagging", r.bucket, r.key); err != nil {
				return err
			}
		}
	}
	if r.Method == http.MethodDelete || r.query.Has("delete") {
		r.Request = r.WithContext(state.Freeing(r.Context()))
	}
	w.Header().Set("x-amz-request-id", requestID())
	return op.do(s, w, r)
}

// fail answers with err. An answer to HEAD has no body; neither has 304.
func (s *Service) fail(w http.ResponseWriter, r *http.Request, err error) {
	e, ok := err.(*protocol.Error)
	if !ok {
		if r.Context().Err() == nil {
			s.Log.Error("s3: request failed", "method", r.Method, "path", r.URL.Path, "err", err)
		}
	} else if r.Method == http.MethodHead || e.Status == http.StatusNotModified {
		if w.Header().Get("x-amz-request-id") == "" {
			w.Header().Set("x-amz-request-id", requestID())
		}
		w.WriteHeader(e.Status)
		return
	}
	protocol.WriteError(w, protocol.RESTXML, err)
}

func bucketARN(bucket string) string      { return "arn:aws:s3:::" + bucket }
func objectARN(bucket, key string) string { return "arn:aws:s3:::" + bucket + "/" + key }

// requestID is 16 characters of A-Z and 0-9, as S3 writes them.
func requestID() string { return rand.Text()[:16] }

func hostID() string {
	var b [42]byte
	rand.Read(b[:])
	return base64.StdEncoding.EncodeToString(b[:])
}

// now is cut to milliseconds, the precision of listings.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// regionOf is what a LocationConstraint says: us-east-1 is the empty one.
func regionOf(constraint string) string {
	switch constraint {
	case "":
		return "us-east-1"
	case "EU":
		return "eu-west-1"
	}
	return constraint
}

// trimQuotes takes an ETag out of its quotes, whether weak or strong.
func trimQuotes(tag string) string {
	return strings.Trim(strings.TrimPrefix(strings.TrimSpace(tag), "W/"), `"`)
}
