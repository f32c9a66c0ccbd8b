package s3

import (
	"encoding/xml"
	"net/http"

	"quotewire/cloud/protocol"
)

// Tools read settings of a bucket that nobody has set: a deployer before it plans, a console, a backup. This cloud does
// not have the settings in this file, and answers their reads as S3 does for a bucket that was made a moment ago.
// Writing one of them is refused by name.

// unset answers with the error by which S3 says that there is no such setting.
func unset(code, message string) func(*Service, http.ResponseWriter, *request) error {
	return func(s *Service, _ http.ResponseWriter, r *request) error {
		if _, err := s.bucket(r.Context(), r.bucket); err != nil {
			return err
		}
		return &protocol.Error{Status: http.StatusNotFound, Code: code, Message: message, Members: map[string]string{"BucketName": r.bucket}}
	}
}

// initial answers with the document of a setting that every bucket has.
func initial(root string, document func(*Service) any) func(*Service, http.ResponseWriter, *request) error {
	return func(s *Service, w http.ResponseWriter, r *request) error {
		if _, err := s.bucket(r.Context(), r.bucket); err != nil {
			return err
		}
		return writeXML(w, root, document(s))
	}
}

// configurations answers for a kind of setting of which a bucket has none or several, each with an id: the list of
// them, or the one with the id.
func configurations(root string) func(*Service, http.ResponseWriter, *request) error {
	list := initial(root, func(*Service) any { return struct{ IsTruncated bool }{} })
	one := unset("NoSuchConfiguration", "The specified configuration does not exist.")
	return func(s *Service, w http.ResponseWriter, r *request) error {
		if r.query.Has("id") {
			return one(s, w, r)
		}
		return list(s, w, r)
	}
}

func empty(*Service) any { return struct{}{} }

// encryption is what every bucket has since January 2023: SSE-S3.
func encryption(*Service) any {
	type rule struct {
		Algorithm        string `xml:"ApplyServerSideEncryptionByDefault>SSEAlgorithm"`
		BucketKeyEnabled bool
	}
	return struct{ Rule rule }{rule{Algorithm: "AES256"}}
}

// ownership is what every bucket has since April 2023: access control lists are off.
func ownership(*Service) any {
	type rule struct{ ObjectOwnership string }
	return struct{ Rule rule }{rule{"BucketOwnerEnforced"}}
}

func requester(*Service) any { return struct{ Payer string }{"BucketOwner"} }

// accessControlList gives the owner everything: the only list there is while ObjectOwnership is BucketOwnerEnforced.
func accessControlList(s *Service) any {
	type grantee struct {
		Type   xml.Attr `xml:",attr"`
		Schema xml.Attr `xml:",attr"`
		ID     string
	}
	type grant struct {
		Grantee    grantee
		Permission string
	}
	return struct {
		Owner owner
		Grant grant `xml:"AccessControlList>Grant"`
	}{owner{ID: s.ownerID()}, grant{
		grantee{
			Type:   xml.Attr{Name: xml.Name{Local: "xsi:type"}, Value: "CanonicalUser"},
			Schema: xml.Attr{Name: xml.Name{Local: "xmlns:xsi"}, Value: "http://www.w3.org/2001/XMLSchema-instance"},
			ID:     s.ownerID(),
		}, "FULL_CONTROL",
	}}
}

func (s *Service) getObjectACL(w http.ResponseWriter, r *request) error {
	if _, err := s.bucket(r.Context(), r.bucket); err != nil {
		return err
	}
	rec, _, err := s.record(r.Context(), r.bucket, r.key)
	if err != nil {
		return err
	}
	o, err := rec.find(r.key, r.version())
	switch {
	case err != nil:
		return err
	case o.Marker:
		return errDeleteMarker
	}
	showVersion(w, o)
	return writeXML(w, "AccessControlPolicy", accessControlList(s))
}
