package s3

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"quotewire/cloud/iam"
	"quotewire/cloud/protocol"
)

func (s *Service) getPolicy(w http.ResponseWriter, r *request) error {
	b, err := s.bucket(r.Context(), r.bucket)
	if err != nil {
		return err
	}
	if b.Policy == "" {
		return &protocol.Error{Status: http.StatusNotFound, Code: "NoSuchBucketPolicy", Message: "The bucket policy does not exist",
			Members: map[string]string{"BucketName": r.bucket}}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write([]byte(s.IAM.Spell(b.Policy, b.Principals)))
	return nil
}

func (s *Service) putPolicy(w http.ResponseWriter, r *request) error {
	text, _, err := s.readSmall(r.Request, maxPolicy)
	if err != nil {
		return err
	}
	if len(text) == 0 || text[0] != '{' || !json.Valid(text) {
		return malformedPolicy("Policies must be valid JSON and the first byte must be '{'")
	}
	doc, err := iam.ParsePolicy(string(text))
	if err == nil {
		arn := bucketARN(r.bucket)
		err = doc.CheckResourcePolicy("s3", func(resource string) bool { return resource == arn || strings.HasPrefix(resource, arn+"/") })
	}
	if err != nil {
		return malformedPolicy(err.Error())
	}
	ids, err := s.IAM.Bind(doc)
	if err != nil {
		return malformedPolicy("Invalid principal in policy")
	}
	return s.setPolicy(w, r, string(text), ids, doc)
}

func malformedPolicy(message string) error {
	return protocol.Errorf(http.StatusBadRequest, "MalformedPolicy", "%s", message)
}

func (s *Service) deletePolicy(w http.ResponseWriter, r *request) error {
	return s.setPolicy(w, r, "", nil, nil)
}

// setPolicy keeps a policy, none if doc is nil. The policies in memory follow the store in the order of its changes.
func (s *Service) setPolicy(w http.ResponseWriter, r *request, text string, ids map[string]string, doc *iam.Document) error {
	s.life.Lock()
	defer s.life.Unlock()
	err := s.changeBucket(r.Context(), r.bucket, func(b *bucket) error {
		b.Policy, b.Principals = text, ids
		return nil
	})
	if err != nil {
		return err
	}
	if doc == nil {
		s.policies.Delete(r.bucket)
	} else {
		doc.BindTo(ids)
		s.policies.Store(r.bucket, doc)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// policy is the one by which an action on a bucket is judged; nil if it has none, or there is no bucket. The root is not
// bound by it where it would be locked out of it.
func (s *Service) policy(ctx context.Context, action, bucket string) *iam.Document {
	if who, _ := iam.PrincipalFrom(ctx); who.Kind == iam.Root && strings.HasSuffix(action, "BucketPolicy") {
		return nil
	}
	doc, _ := s.policies.Load(bucket)
	policy, _ := doc.(*iam.Document)
	return policy
}

func (s *Service) loadPolicies(ctx context.Context) error {
	all, err := s.buckets.All(ctx)
	if err != nil {
		return err
	}
	for _, e := range all {
		var b bucket
		if err := json.Unmarshal(e.Value, &b); err != nil {
			return fmt.Errorf("bucket %s: %w", e.Key, err)
		}
		if b.Policy == "" {
			continue
		}
		doc, err := iam.ParsePolicy(b.Policy)
		if err != nil {
			s.Log.Error("s3: a bucket's policy cannot be read and does not count; put it again", "bucket", e.Key, "err", err)
			continue
		}
		doc.BindTo(b.Principals)
		s.policies.Store(e.Key, doc)
	}
	return nil
}
