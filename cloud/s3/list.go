package s3

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
)

// listing is what the listings of a bucket have in common: which keys, rolled up how, and how many.
type listing struct {
	prefix, delimiter string
	after             string // only keys greater than this; a common prefix counts as its greatest key
	max               int
	encode            func(string) string
}

type commonPrefix struct{ Prefix string }

func parseListing(r *request) (listing, error) {
	l := listing{prefix: r.query.Get("prefix"), delimiter: r.query.Get("delimiter"), max: maxList, encode: func(s string) string { return s }}
	if text := r.query.Get("max-keys"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			return l, invalidArgument("max-keys", text, "Provided max-keys not an integer or within integer range")
		}
		if n < 0 {
			return l, invalidArgument("maxKeys", text, "Argument maxKeys must be an integer between 0 and 2147483647")
		}
		l.max = min(n, maxList)
	}
	switch text := r.query.Get("encoding-type"); text {
	case "":
	case "url":
		l.encode = encodeKey
	default:
		return l, invalidArgument("encoding-type", text, "Invalid Encoding Method specified in Request")
	}
	return l, nil
}

// run walks sorted keys: take is called for each key of this page, roll for each common prefix. It returns the last
// key or prefix of the page and whether there are more.
func (l listing) run(keys []named, take func(named), roll func(string)) (last string, more bool) {
	n, rolled := 0, ""
	for _, k := range keys {
		rest, ok := strings.CutPrefix(k.Key, l.prefix)
		if !ok || k.Key <= l.after || rolled != "" && strings.HasPrefix(k.Key, rolled) {
			continue
		}
		prefix := ""
		if l.delimiter != "" {
			if head, _, ok := strings.Cut(rest, l.delimiter); ok {
				prefix = l.prefix + head + l.delimiter
			}
		}
		if prefix != "" && strings.HasPrefix(l.after, prefix) && l.after == prefix {
			continue // the page before ended with this prefix
		}
		if n == l.max {
			return last, l.max > 0
		}
		n++
		if prefix != "" {
			rolled, last = prefix, prefix
			roll(prefix)
		} else {
			last = k.Key
			take(k)
		}
	}
	return last, false
}

// visible are the keys whose current version is no delete marker.
func visible(keys []named) []named {
	var some []named
	for _, k := range keys {
		if !k.Versions[0].Marker {
			some = append(some, k)
		}
	}
	return some
}

type content struct {
	Key               string
	LastModified      string
	ETag              string
	ChecksumAlgorithm string `xml:",omitempty"`
	ChecksumType      string `xml:",omitempty"`
	Size              int64
	Owner             *owner `xml:",omitempty"`
	StorageClass      string
}

func (l listing) content(k named) content {
	o := k.Versions[0]
	return content{Key: l.encode(k.Key), LastModified: stamp(o.Modified), ETag: quote(o.ETag), ChecksumAlgorithm: o.Checksum.Algorithm,
		ChecksumType: o.Checksum.Type, Size: o.Size, StorageClass: "STANDARD"}
}

func (s *Service) listObjectsV2(w http.ResponseWriter, r *request) error {
	if kind := r.query.Get("list-type"); kind != "2" {
		return invalidArgument("list-type", kind, "Invalid List Type specified in Request")
	}
	l, err := parseListing(r)
	if err != nil {
		return err
	}
	l.after = r.query.Get("start-after")
	token := r.query.Get("continuation-token")
	if r.query.Has("continuation-token") {
		raw, err := base64.StdEncoding.DecodeString(token)
		if err != nil || token == "" {
			return invalidArgument("continuation-token", token, "The continuation token provided is incorrect")
		}
		l.after = string(raw)
	}
	if _, err := s.bucket(r.Context(), r.bucket); err != nil {
		return err
	}
	keys, err := s.keys(r.Context(), r.bucket)
	if err != nil {
		return err
	}
	var doc struct {
		Name, Prefix          string
		StartAfter            string `xml:",omitempty"`
		ContinuationToken     string `xml:",omitempty"`
		NextContinuationToken string `xml:",omitempty"`
		KeyCount, MaxKeys     int
		Delimiter             string `xml:",omitempty"`
		EncodingType          string `xml:",omitempty"`
		IsTruncated           bool
		Contents              []content
		CommonPrefixes        []commonPrefix
	}
	last, more := l.run(visible(keys), func(k named) {
		c := l.content(k)
		if r.query.Get("fetch-owner") == "true" {
			c.Owner = &owner{ID: s.ownerID()}
		}
		doc.Contents = append(doc.Contents, c)
	}, func(p string) { doc.CommonPrefixes = append(doc.CommonPrefixes, commonPrefix{l.encode(p)}) })
	doc.Name, doc.Prefix, doc.Delimiter = r.bucket, l.encode(l.prefix), l.encode(l.delimiter)
	doc.StartAfter, doc.ContinuationToken = l.encode(r.query.Get("start-after")), token
	doc.KeyCount, doc.MaxKeys = len(doc.Contents)+len(doc.CommonPrefixes), l.max
	doc.EncodingType = r.query.Get("encoding-type")
	if doc.IsTruncated = more; more {
		doc.NextContinuationToken = base64.StdEncoding.EncodeToString([]byte(last))
	}
	return writeXML(w, "ListBucketResult", doc)
}

func (s *Service) listObjects(w http.ResponseWriter, r *request) error {
	l, err := parseListing(r)
	if err != nil {
		return err
	}
	l.after = r.query.Get("marker")
	if _, err := s.bucket(r.Context(), r.bucket); err != nil {
		return err
	}
	keys, err := s.keys(r.Context(), r.bucket)
	if err != nil {
		return err
	}
	var doc struct {
		Name, Prefix, Marker string
		NextMarker           string `xml:",omitempty"`
		MaxKeys              int
		Delimiter            string `xml:",omitempty"`
		EncodingType         string `xml:",omitempty"`
		IsTruncated          bool
		Contents             []content
		CommonPrefixes       []commonPrefix
	}
	last, more := l.run(visible(keys), func(k named) {
		c := l.content(k)
		c.Owner = &owner{ID: s.ownerID()}
		doc.Contents = append(doc.Contents, c)
	}, func(p string) { doc.CommonPrefixes = append(doc.CommonPrefixes, commonPrefix{l.encode(p)}) })
	doc.Name, doc.Prefix, doc.Marker, doc.Delimiter = r.bucket, l.encode(l.prefix), l.encode(l.after), l.encode(l.delimiter)
	doc.MaxKeys, doc.EncodingType, doc.IsTruncated = l.max, r.query.Get("encoding-type"), more
	if more && l.delimiter != "" { // without a delimiter, clients go on from the last key
		doc.NextMarker = l.encode(last)
	}
	return writeXML(w, "ListBucketResult", doc)
}

// listVersions pages by key: all versions of a key are on one page, which may so have more than max-keys entries.
func (s *Service) listVersions(w http.ResponseWriter, r *request) error {
	l, err := parseListing(r)
	if err != nil {
		return err
	}
	l.after = r.query.Get("key-marker")
	if _, err := s.bucket(r.Context(), r.bucket); err != nil {
		return err
	}
	keys, err := s.keys(r.Context(), r.bucket)
	if err != nil {
		return err
	}
	type version struct {
		content
		VersionID string `xml:"VersionId"`
		IsLatest  bool
	}
	type marker struct {
		Key          string
		VersionID    string `xml:"VersionId"`
		IsLatest     bool
		LastModified string
		Owner        owner
	}
	var doc struct {
		Name, Prefix, KeyMarker string
		VersionIDMarker         string `xml:"VersionIdMarker"`
		NextKeyMarker           string `xml:",omitempty"`
		NextVersionIDMarker     string `xml:"NextVersionIdMarker,omitempty"`
		MaxKeys                 int
		Delimiter               string `xml:",omitempty"`
		EncodingType            string `xml:",omitempty"`
		IsTruncated             bool
		Version                 []version
		DeleteMarker            []marker
		CommonPrefixes          []commonPrefix
	}
	last, more := l.run(keys, func(k named) {
		for i, o := range k.Versions {
			if o.Marker {
				doc.DeleteMarker = append(doc.DeleteMarker, marker{l.encode(k.Key), o.Version, i == 0, stamp(o.Modified), owner{ID: s.ownerID()}})
				continue
			}
			c := l.content(named{k.Key, record{k.Versions[i:]}})
			c.Owner = &owner{ID: s.ownerID()}
			doc.Version = append(doc.Version, version{c, o.Version, i == 0})
		}
	}, func(p string) { doc.CommonPrefixes = append(doc.CommonPrefixes, commonPrefix{l.encode(p)}) })
	doc.Name, doc.Prefix, doc.KeyMarker, doc.Delimiter = r.bucket, l.encode(l.prefix), l.encode(l.after), l.encode(l.delimiter)
	doc.MaxKeys, doc.EncodingType, doc.IsTruncated = l.max, r.query.Get("encoding-type"), more
	if more {
		doc.NextKeyMarker = l.encode(last)
	}
	return writeXML(w, "ListVersionsResult", doc)
}
