package s3

import (
	"bytes"
	"encoding/xml"
	"io"
	"net/http"
	"strings"
	"time"
)

// namespace is that of S3's documents. Requests come with and without it.
const namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

type owner struct {
	ID          string
	DisplayName string `xml:",omitempty"`
}

type tag struct{ Key, Value string }

type tagging struct {
	XMLName xml.Name
	Tags    []tag `xml:"TagSet>Tag"`
}

type locationConstraint struct {
	XMLName xml.Name
	Region  string `xml:",chardata"`
}

type versioningConfiguration struct {
	XMLName   xml.Name
	Status    string `xml:",omitempty"`
	MFADelete string `xml:"MfaDelete,omitempty"`
}

type publicAccessBlock struct {
	XMLName               xml.Name `json:"-"`
	BlockPublicAcls       bool
	IgnorePublicAcls      bool
	BlockPublicPolicy     bool
	RestrictPublicBuckets bool
}

// writeXML answers 200 with a document whose root is name in S3's namespace.
func writeXML(w http.ResponseWriter, name string, doc any) error {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	e := xml.NewEncoder(&b)
	if err := e.EncodeElement(doc, xml.StartElement{Name: xml.Name{Space: namespace, Local: name}}); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/xml")
	_, err := w.Write(b.Bytes())
	if err != nil {
		return nil // the client has gone; there is no one left to tell
	}
	return nil
}

// parseXML reads a request document whose root must be name.
func parseXML(text []byte, name string, doc any) error {
	d := xml.NewDecoder(bytes.NewReader(text))
	for {
		t, err := d.Token()
		if err != nil {
			return errMalformedXML
		}
		start, ok := t.(xml.StartElement)
		if !ok {
			continue
		}
		if start.Name.Local != name {
			return errMalformedXML
		}
		if d.DecodeElement(doc, &start) != nil {
			return errMalformedXML
		}
		if _, err := d.Token(); err != io.EOF && len(bytes.TrimSpace(text[d.InputOffset():])) > 0 {
			return errMalformedXML
		}
		return nil
	}
}

// stamp is how documents write times; headers use RFC 1123.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func quote(etag string) string { return `"` + etag + `"` }

// encodeKey is a key in a listing with encoding-type=url: as in a URL's path, with "/" left alone.
func encodeKey(key string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(key); i++ {
		switch c := key[i]; {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.*/", c) >= 0:
			b.WriteByte(c)
		case c == ' ':
			b.WriteByte('+')
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}
