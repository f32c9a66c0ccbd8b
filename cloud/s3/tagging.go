package s3

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"quotewire/cloud/protocol"
)

func invalidTag(message string) error {
	return protocol.Errorf(http.StatusBadRequest, "InvalidTag", "%s", message)
}

// checkTags applies the limits of tags: keys of 1-128 and values of up to 256 characters, each key once.
func checkTags(tags []tag, limit int) error {
	if len(tags) > limit {
		if limit == maxObjTags {
			return protocol.Errorf(http.StatusBadRequest, "BadRequest", "Object tags cannot be greater than %d", limit)
		}
		return protocol.Errorf(http.StatusBadRequest, "BadRequest", "Bucket tag count cannot be greater than %d", limit)
	}
	seen := map[string]bool{}
	for _, t := range tags {
		switch n := utf8.RuneCountInString(t.Key); {
		case n < 1 || n > 128:
			return invalidTag("The TagKey you have provided is invalid")
		case utf8.RuneCountInString(t.Value) > 256:
			return invalidTag("The TagValue you have provided is invalid")
		case seen[t.Key]:
			return invalidTag("Cannot provide multiple Tags with the same key")
		}
		seen[t.Key] = true
	}
	return nil
}

// headerTags reads x-amz-tagging, which is written like a query.
func headerTags(h http.Header) ([]tag, error) {
	text := h.Get("x-amz-tagging")
	if text == "" {
		return nil, nil
	}
	var tags []tag
	for pair := range strings.SplitSeq(text, "&") { // in their order
		key, value, _ := strings.Cut(pair, "=")
		key, err1 := url.QueryUnescape(key)
		value, err2 := url.QueryUnescape(value)
		if err1 != nil || err2 != nil {
			return nil, invalidArgument("x-amz-tagging", text, "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.")
		}
		tags = append(tags, tag{key, value})
	}
	return tags, checkTags(tags, maxObjTags)
}

func (s *Service) readTagging(r *request, limit int) ([]tag, error) {
	text, _, err := s.readSmall(r.Request, maxXML)
	if err != nil {
		return nil, err
	}
	var doc tagging
	if err := parseXML(text, "Tagging", &doc); err != nil {
		return nil, err
	}
	return doc.Tags, checkTags(doc.Tags, limit)
}

func (s *Service) getBucketTagging(w http.ResponseWriter, r *request) error {
	b, err := s.bucket(r.Context(), r.bucket)
	if err != nil {
		return err
	}
	if len(b.Tags) == 0 {
		return &protocol.Error{Status: http.StatusNotFound, Code: "NoSuchTagSet", Message: "The TagSet does not exist",
			Members: map[string]string{"BucketName": r.bucket}}
	}
	return writeXML(w, "Tagging", tagging{Tags: b.Tags})
}

func (s *Service) putBucketTagging(w http.ResponseWriter, r *request) error {
	tags, err := s.readTagging(r, maxTags)
	if err != nil {
		return err
	}
	return s.setBucketTags(w, r, tags)
}

func (s *Service) deleteBucketTagging(w http.ResponseWriter, r *request) error {
	return s.setBucketTags(w, r, nil)
}

func (s *Service) setBucketTags(w http.ResponseWriter, r *request, tags []tag) error {
	err := s.changeBucket(r.Context(), r.bucket, func(b *bucket) error {
		b.Tags = tags
		return nil
	})
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

func (s *Service) getObjectTagging(w http.ResponseWriter, r *request) error {
	if _, err := s.bucket(r.Context(), r.bucket); err != nil {
		return err
	}
	rec, _, err := s.record(r.Context(), r.bucket, r.key)
	if err != nil {
		return err
	}
	o, err := rec.find(r.key, r.version())
	if err != nil {
		return err
	}
	if o.Marker {
		return errDeleteMarker
	}
	showVersion(w, o)
	return writeXML(w, "Tagging", tagging{Tags: o.Tags})
}

func (s *Service) putObjectTagging(w http.ResponseWriter, r *request) error {
	tags, err := s.readTagging(r, maxObjTags)
	if err != nil {
		return err
	}
	return s.setObjectTags(w, r, tags)
}

func (s *Service) deleteObjectTagging(w http.ResponseWriter, r *request) error {
	if err := s.setObjectTags(w, r, nil); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Service) setObjectTags(w http.ResponseWriter, r *request, tags []tag) error {
	return s.change(r.Context(), r.bucket, r.key, func(rec *record, _ *bucket) ([]piece, error) {
		o, err := rec.find(r.key, r.version())
		if err != nil {
			return nil, err
		}
		if o.Marker {
			return nil, errDeleteMarker
		}
		o.Tags = tags
		showVersion(w, o)
		return nil, nil
	})
}

func showVersion(w http.ResponseWriter, o *object) {
	if o.Version != nullVersion {
		w.Header().Set("x-amz-version-id", o.Version)
	}
}
