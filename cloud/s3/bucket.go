package s3

import (
	"cmp"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"quotewire/cloud/protocol"
	"quotewire/cloud/state"
)

func (s *Service) listBuckets(w http.ResponseWriter, r *request) error {
	type item struct{ Name, CreationDate, BucketRegion string }
	var doc struct {
		Owner             owner
		Buckets           struct{ Bucket []item }
		Prefix            string `xml:",omitempty"`
		ContinuationToken string `xml:",omitempty"`
	}
	doc.Owner.ID = s.ownerID()
	doc.Prefix = r.query.Get("prefix")
	limit := 10000
	if text := r.query.Get("max-buckets"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > limit {
			return invalidArgument("max-buckets", text, "Argument max-buckets must be an integer between 1 and 10000")
		}
		limit = n
	}
	all, err := s.buckets.All(r.Context())
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b state.Entry) int { return cmp.Compare(a.Key, b.Key) })
	region, after := r.query.Get("bucket-region"), r.query.Get("continuation-token")
	for _, e := range all {
		var b bucket
		if err := json.Unmarshal(e.Value, &b); err != nil {
			return err
		}
		if !strings.HasPrefix(b.Name, doc.Prefix) || region != "" && region != b.Region || after != "" && b.Name <= after {
			continue
		}
		if n := len(doc.Buckets.Bucket); n == limit {
			doc.ContinuationToken = doc.Buckets.Bucket[n-1].Name
			break
		}
		doc.Buckets.Bucket = append(doc.Buckets.Bucket, item{b.Name, stamp(b.Created), b.Region})
	}
	return writeXML(w, "ListAllMyBucketsResult", doc)
}

// ownerID stands for the account's canonical user id, which has 64 hex digits.
func (s *Service) ownerID() string { return strings.Repeat("0", max(0, 64-len(s.Account))) + s.Account }

func (s *Service) createBucket(w http.ResponseWriter, r *request) error {
	if err := checkBucketName(r.bucket); err != nil {
		return err
	}
	if err := checkACL(r.Header); err != nil {
		return err
	}
	if strings.EqualFold(r.Header.Get("x-amz-bucket-object-lock-enabled"), "true") {
		return notHere("x-amz-bucket-object-lock-enabled")
	}
	text, _, err := s.readSmall(r.Request, maxXML)
	if err != nil {
		return err
	}
	var doc struct {
		LocationConstraint string
		Tags               []tag `xml:"Tags>Tag"`
	}
	if len(text) > 0 {
		if err := parseXML(text, "CreateBucketConfiguration", &doc); err != nil {
			return err
		}
	}
	if err := s.checkLocation(doc.LocationConstraint); err != nil {
		return err
	}
	if err := checkTags(doc.Tags, maxTags); err != nil {
		return err
	}
	// Since April 2023 a new bucket blocks public access, whoever makes it.
	block := &publicAccessBlock{BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true}
	value, err := json.Marshal(bucket{Name: r.bucket, Region: s.Region, Created: now(), Tags: doc.Tags, PublicAccess: block})
	if err != nil {
		return err
	}
	_, err = s.buckets.Create(r.Context(), r.bucket, value)
	if errors.Is(err, state.ErrConflict) && s.Region != "us-east-1" {
		return &protocol.Error{Status: http.StatusConflict, Code: "BucketAlreadyOwnedByYou",
			Message: "Your previous request to create the named bucket succeeded and you already own it.", Members: map[string]string{"BucketName": r.bucket}}
	}
	if err != nil && !errors.Is(err, state.ErrConflict) { // us-east-1 answers 200 to the owner
		return err
	}
	location := "/" + r.bucket
	if doc.LocationConstraint != "" {
		location = "http://" + r.bucket + ".s3.amazonaws.com/"
	}
	w.Header().Set("Location", location)
	w.Header().Set("x-amz-bucket-arn", bucketARN(r.bucket))
	return nil
}

// checkLocation holds a LocationConstraint against the region of the endpoint.
func (s *Service) checkLocation(constraint string) error {
	switch {
	case constraint == "us-east-1":
		return protocol.Errorf(http.StatusBadRequest, "InvalidLocationConstraint", "The specified location-constraint is not valid")
	case constraint == "" && s.Region != "us-east-1":
		return protocol.Errorf(http.StatusBadRequest, "IllegalLocationConstraintException",
			"The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.")
	case regionOf(constraint) != s.Region:
		return protocol.Errorf(http.StatusBadRequest, "IllegalLocationConstraintException",
			"The %s location constraint is incompatible for the region specific endpoint this request was sent to.", constraint)
	}
	return nil
}

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// checkBucketName applies the naming rules of general purpose buckets.
func checkBucketName(name string) error {
	bad := !bucketName.MatchString(name) || strings.Contains(name, "..") || net.ParseIP(name) != nil ||
		strings.HasPrefix(name, "xn--") || strings.HasSuffix(name, "-s3alias") || strings.HasSuffix(name, "--ol-s3")
	if bad {
		return &protocol.Error{Status: http.StatusBadRequest, Code: "InvalidBucketName", Message: "The specified bucket is not valid.",
			Members: map[string]string{"BucketName": name}}
	}
	return nil
}

func (s *Service) headBucket(w http.ResponseWriter, r *request) error {
	b, err := s.bucket(r.Context(), r.bucket)
	if err != nil {
		return err
	}
	w.Header().Set("x-amz-bucket-region", b.Region)
	w.Header().Set("x-amz-bucket-arn", bucketARN(b.Name))
	w.Header().Set("x-amz-access-point-alias", "false")
	w.Header().Set("Content-Type", "application/xml")
	return nil
}

func (s *Service) deleteBucket(w http.ResponseWriter, r *request) error {
	ctx := r.Context()
	s.life.Lock()
	defer s.life.Unlock()
	if _, err := s.bucket(ctx, r.bucket); err != nil {
		return err
	}
	keys, err := s.keys(ctx, r.bucket)
	if err != nil {
		return err
	}
	if len(keys) > 0 {
		return &protocol.Error{Status: http.StatusConflict, Code: "BucketNotEmpty", Message: "The bucket you tried to delete is not empty",
			Members: map[string]string{"BucketName": r.bucket}}
	}
	if err := s.abortUploads(ctx, r.bucket); err != nil {
		return err
	}
	if err := s.buckets.Delete(ctx, r.bucket); err != nil {
		return err
	}
	s.policies.Delete(r.bucket)
	s.indexMu.Lock()
	delete(s.indexes, r.bucket)
	s.indexMu.Unlock()
	if err := s.State.DropBucket(ctx, indexName(r.bucket)); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Service) getLocation(w http.ResponseWriter, r *request) error {
	b, err := s.bucket(r.Context(), r.bucket)
	if err != nil {
		return err
	}
	doc := locationConstraint{Region: b.Region}
	if b.Region == "us-east-1" {
		doc.Region = ""
	}
	return writeXML(w, "LocationConstraint", doc)
}

func (s *Service) getVersioning(w http.ResponseWriter, r *request) error {
	b, err := s.bucket(r.Context(), r.bucket)
	if err != nil {
		return err
	}
	return writeXML(w, "VersioningConfiguration", versioningConfiguration{Status: b.Versioning})
}

func (s *Service) putVersioning(w http.ResponseWriter, r *request) error {
	text, _, err := s.readSmall(r.Request, maxXML)
	if err != nil {
		return err
	}
	var doc versioningConfiguration
	if err := parseXML(text, "VersioningConfiguration", &doc); err != nil {
		return err
	}
	if doc.Status != "Enabled" && doc.Status != "Suspended" {
		return protocol.Errorf(http.StatusBadRequest, "IllegalVersioningConfigurationException", "The Versioning element must be specified")
	}
	if doc.MFADelete == "Enabled" {
		return notHere("MFA Delete")
	}
	return s.changeBucket(r.Context(), r.bucket, func(b *bucket) error {
		b.Versioning = doc.Status
		return nil
	})
}

func (s *Service) getPublicAccessBlock(w http.ResponseWriter, r *request) error {
	b, err := s.bucket(r.Context(), r.bucket)
	if err != nil {
		return err
	}
	if b.PublicAccess == nil {
		return &protocol.Error{Status: http.StatusNotFound, Code: "NoSuchPublicAccessBlockConfiguration",
			Message: "The public access block configuration was not found", Members: map[string]string{"BucketName": r.bucket}}
	}
	return writeXML(w, "PublicAccessBlockConfiguration", b.PublicAccess)
}

func (s *Service) putPublicAccessBlock(w http.ResponseWriter, r *request) error {
	text, _, err := s.readSmall(r.Request, maxXML)
	if err != nil {
		return err
	}
	var doc publicAccessBlock
	if err := parseXML(text, "PublicAccessBlockConfiguration", &doc); err != nil {
		return err
	}
	return s.changeBucket(r.Context(), r.bucket, func(b *bucket) error {
		b.PublicAccess = &doc
		return nil
	})
}

func (s *Service) deletePublicAccessBlock(w http.ResponseWriter, r *request) error {
	err := s.changeBucket(r.Context(), r.bucket, func(b *bucket) error {
		b.PublicAccess = nil
		return nil
	})
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}
