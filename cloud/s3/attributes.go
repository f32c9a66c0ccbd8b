package s3

import (
	"net/http"
	"strings"
)

// getObjectAttributes answers what HEAD does, as a document, and how many parts an upload had.
func (s *Service) getObjectAttributes(w http.ResponseWriter, r *request) error {
	asked := map[string]bool{}
	for name := range strings.SplitSeq(strings.Join(r.Header.Values("x-amz-object-attributes"), ","), ",") {
		switch name = strings.TrimSpace(name); name {
		case "ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize":
			asked[name] = true
		default:
			return invalidArgument("x-amz-object-attributes", name, "Invalid attribute name specified.")
		}
	}
	if _, err := s.bucket(r.Context(), r.bucket); err != nil {
		return err
	}
	rec, _, err := s.record(r.Context(), r.bucket, r.key)
	if err != nil {
		return err
	}
	o, err := rec.find(r.key, r.version())
	if err != nil {
		return s.missing(w, r, err)
	}
	if o.Marker {
		return errDeleteMarker
	}
	type sums struct {
		CRC32     string `xml:"ChecksumCRC32,omitempty"`
		CRC32C    string `xml:"ChecksumCRC32C,omitempty"`
		CRC64NVME string `xml:"ChecksumCRC64NVME,omitempty"`
		SHA1      string `xml:"ChecksumSHA1,omitempty"`
		SHA256    string `xml:"ChecksumSHA256,omitempty"`
		Type      string `xml:"ChecksumType,omitempty"`
	}
	type parts struct {
		Count int `xml:"PartsCount"`
	}
	var doc struct {
		ETag         string `xml:",omitempty"` // without quotes, here alone
		Checksum     *sums  `xml:",omitempty"`
		ObjectParts  *parts `xml:",omitempty"`
		StorageClass string `xml:",omitempty"`
		ObjectSize   *int64 `xml:",omitempty"`
	}
	if asked["ETag"] {
		doc.ETag = o.ETag
	}
	if asked["Checksum"] && o.Checksum.Value != "" {
		doc.Checksum = &sums{Type: o.Checksum.Type}
		switch value := o.Checksum.Value; o.Checksum.Algorithm {
		case "CRC32":
			doc.Checksum.CRC32 = value
		case "CRC32C":
			doc.Checksum.CRC32C = value
		case "CRC64NVME":
			doc.Checksum.CRC64NVME = value
		case "SHA1":
			doc.Checksum.SHA1 = value
		case "SHA256":
			doc.Checksum.SHA256 = value
		}
	}
	if asked["ObjectParts"] && o.Parts {
		doc.ObjectParts = &parts{len(o.Pieces)}
	}
	if asked["StorageClass"] {
		doc.StorageClass = "STANDARD"
	}
	if asked["ObjectSize"] {
		doc.ObjectSize = &o.Size
	}
	w.Header().Set("Last-Modified", o.Modified.Format(http.TimeFormat))
	showVersion(w, o)
	return writeXML(w, "GetObjectAttributesResponse", doc)
}
