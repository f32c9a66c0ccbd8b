package ec2

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/xml"
	"net/http"

	"quotewire/cloud/protocol"
)

const namespace = "http://ec2.amazonaws.com/doc/2016-11-15/"

// set is a list as EC2 writes it: an element with an item for each member, there even when it is empty.
type set[T any] []T

// MarshalXML implements [xml.Marshaler].
func (s set[T]) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	if err := e.EncodeToken(start); err != nil {
		return err
	}
	for _, v := range s {
		if err := e.EncodeElement(v, xml.StartElement{Name: xml.Name{Local: "item"}}); err != nil {
			return err
		}
	}
	return e.EncodeToken(start.End())
}

// write answers with the members, in their order.
func write(w http.ResponseWriter, action string, answer []member) error {
	id := protocol.RequestID()
	var b bytes.Buffer
	b.WriteString(xml.Header)
	e := xml.NewEncoder(&b)
	root := xml.StartElement{Name: xml.Name{Space: namespace, Local: action + "Response"}}
	if err := e.EncodeToken(root); err != nil {
		return err
	}
	for _, m := range append([]member{{"requestId", id}}, answer...) {
		if err := e.EncodeElement(m.value, xml.StartElement{Name: xml.Name{Local: m.name}}); err != nil {
			return err
		}
	}
	if err := e.EncodeToken(root.End()); err != nil {
		return err
	}
	if err := e.Flush(); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/xml;charset=UTF-8")
	h.Set("x-amzn-RequestId", id)
	w.Write(b.Bytes())
	return nil
}

// newID is a resource id: the prefix and 17 hex digits.
func newID(prefix string) string {
	var b [9]byte
	rand.Read(b[:])
	return prefix + "-" + hex.EncodeToString(b[:])[:17]
}
