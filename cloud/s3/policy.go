package s3

import (
	"encoding/json"
	"net/http"

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
	w.Write([]byte(b.Policy))
	return nil
}

func (s *Service) putPolicy(w http.ResponseWriter, r *request) error {
	text, _, err := s.readSmall(r.Request, maxPolicy)
	if err != nil {
		return err
	}
	var doc struct{ Statement json.RawMessage }
	if json.Unmarshal(text, &doc) != nil || len(doc.Statement) == 0 {
		return protocol.Errorf(http.StatusBadRequest, "MalformedPolicy", "Policies must be valid JSON and the first byte must be '{'")
	}
	return s.setPolicy(w, r, string(text))
}

func (s *Service) deletePolicy(w http.ResponseWriter, r *request) error { return s.setPolicy(w, r, "") }

func (s *Service) setPolicy(w http.ResponseWriter, r *request, text string) error {
	err := s.changeBucket(r.Context(), r.bucket, func(b *bucket) error {
		b.Policy = text
		return nil
	})
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}
