// Package protocol speaks the wire protocols of AWS's services as far as they are alike: how each of them says an
// error, how an operation is named, and the ids that answers carry. What an operation means stays with its service.
//
// The names and shapes are those of the Smithy protocols that AWS's SDKs are generated from: awsQuery, ec2Query,
// awsJson1_0, awsJson1_1, restJson1 and restXml.
package protocol

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
)

// Protocol is one of AWS's wire protocols.
type Protocol int

const (
	Query    Protocol = iota // form in, XML out: IAM, STS
	EC2Query                 // form in, EC2's own XML out
	JSON10                   // X-Amz-Target, JSON: DynamoDB
	JSON11                   // X-Amz-Target, JSON: CloudWatch Logs
	RESTJSON                 // path and verb, JSON: Lambda, API Gateway, the @connections API
	RESTXML                  // path and verb, XML: S3
)

// Error is an answer in AWS's words. Services return it as an error; [WriteError] puts it on the wire.
type Error struct {
	Status  int               // HTTP status
	Code    string            // the type name that SDKs match, such as "NoSuchEntity" or "ResourceNotFoundException"
	Message string            // the text that a person sees
	Members map[string]string // further string members of the error's shape, if it has any
}

// Errorf makes an [Error]. The arguments are formatted into its message.
func Errorf(status int, code, format string, args ...any) *Error {
	return &Error{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Header is r.Header.Get of a key that is in canonical form as it stands. Get would look at each letter of it, which counts
// where each request is asked for several.
func Header(r *http.Request, key string) string {
	if values := r.Header[key]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// RequestID returns a new random UUID, the form of most services' request ids.
func RequestID() string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], rand.Uint64()) // an id is no secret
	binary.BigEndian.PutUint64(b[8:], rand.Uint64())
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	var text [36]byte
	hex.Encode(text[:], b[:4])
	hex.Encode(text[9:], b[4:6])
	hex.Encode(text[14:], b[6:8])
	hex.Encode(text[19:], b[8:10])
	hex.Encode(text[24:], b[10:])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}

// WriteError answers with err in the shape of p. An err that is no [Error] becomes the service's internal failure:
// its text stays out of the answer, for it may speak of the machine; the caller logs it.
func WriteError(w http.ResponseWriter, p Protocol, err error) {
	e, ok := err.(*Error)
	if !ok {
		e = &Error{Status: http.StatusInternalServerError, Code: internal[p], Message: "We encountered an internal error. Please try again."}
	}
	id := RequestID()
	h := w.Header()
	switch p {
	case Query:
		h.Set("X-Amzn-Requestid", id)
		fault := "Sender"
		if e.Status >= 500 {
			fault = "Receiver"
		}
		writeXML(w, e.Status, `<ErrorResponse><Error><Type>`+fault+`</Type><Code>`+escape(e.Code)+`</Code><Message>`+escape(e.Message)+
			`</Message></Error><RequestId>`+id+`</RequestId></ErrorResponse>`)
	case EC2Query:
		h.Set("X-Amzn-Requestid", id)
		writeXML(w, e.Status, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+`<Response><Errors><Error><Code>`+escape(e.Code)+`</Code><Message>`+escape(e.Message)+
			`</Message></Error></Errors><RequestID>`+id+`</RequestID></Response>`)
	case RESTXML:
		id = strings.ToUpper(strings.ReplaceAll(id, "-", "")[:16])
		h.Set("x-amz-request-id", id)
		var more strings.Builder
		for k, v := range e.Members {
			more.WriteString("<" + k + ">" + escape(v) + "</" + k + ">")
		}
		writeXML(w, e.Status, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+`<Error><Code>`+escape(e.Code)+`</Code><Message>`+escape(e.Message)+`</Message>`+
			more.String()+`<RequestId>`+id+`</RequestId><HostId>quotewire</HostId></Error>`)
	default:
		h.Set("X-Amzn-Requestid", id)
		body := map[string]string{}
		for k, v := range e.Members {
			body[k] = v
		}
		// Lambda spells the member "Message" for some exceptions: the service says so by naming it in Members.
		if _, ok := body["Message"]; !ok {
			body["message"] = e.Message
		}
		switch p {
		case JSON10:
			h.Set("Content-Type", "application/x-amz-json-1.0")
			body["__type"] = e.Code
		case JSON11:
			h.Set("Content-Type", "application/x-amz-json-1.1")
			body["__type"] = e.Code
		default:
			h.Set("Content-Type", "application/json")
			h.Set("X-Amzn-Errortype", e.Code)
		}
		text, _ := json.Marshal(body)
		h.Set("Content-Length", strconv.Itoa(len(text)))
		w.WriteHeader(e.Status)
		w.Write(text)
	}
}

var internal = map[Protocol]string{
	Query: "ServiceFailure", EC2Query: "InternalError", RESTXML: "InternalError",
	JSON10: "InternalServerError", JSON11: "ServiceUnavailableException", RESTJSON: "ServiceException",
}

// UnknownOperation is the answer to an operation that this cloud does not have. It names the operation, so that
// whoever reads it knows what is missing and where.
func UnknownOperation(p Protocol, service, operation string) *Error {
	text := fmt.Sprintf("%s: the embedded cloud does not have the operation %s", service, operation)
	switch p {
	case Query, EC2Query:
		return &Error{Status: http.StatusBadRequest, Code: "InvalidAction", Message: text}
	case JSON10:
		return &Error{Status: http.StatusBadRequest, Code: "com.amazon.coral.service#UnknownOperationException", Message: text}
	case RESTXML:
		return &Error{Status: http.StatusNotImplemented, Code: "NotImplemented", Message: text}
	}
	if p == RESTJSON {
		return &Error{Status: http.StatusNotFound, Code: "UnknownOperationException", Message: text}
	}
	return &Error{Status: http.StatusBadRequest, Code: "UnknownOperationException", Message: text}
}

// ReadBody reads a request body of at most limit bytes. A longer one is an [Error] with the status 413. Whoever reads it again
// with ReadBody gets what it has left of it; what it returns must not be changed, and kept no longer than the request.
func ReadBody(r *http.Request, limit int64) ([]byte, error) {
	var body []byte
	var err error
	if b, ok := r.Body.(interface{ Whole() []byte }); ok {
		body = b.Whole()
	} else {
		body, err = readBody(r, limit)
	}
	if err != nil {
		return nil, Errorf(http.StatusBadRequest, "RequestTimeout", "the request body did not arrive whole")
	}
	if int64(len(body)) > limit {
		return nil, Errorf(http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", "Request must be smaller than %d bytes", limit)
	}
	return body, nil
}

// readBody reads at most one byte more than limit.
func readBody(r *http.Request, limit int64) ([]byte, error) {
	// A length that is named is trusted only so far: the bytes are still to come.
	const trusted = 64 << 10
	if n := r.ContentLength; n >= 0 && n <= min(limit, trusted) {
		body := make([]byte, n, n+1) // net/http's bodies end by themselves
		m, err := io.ReadFull(r.Body, body)
		if err == nil || err == io.EOF && n == 0 {
			return body, nil
		}
		return body[:m], err
	}
	return io.ReadAll(io.LimitReader(r.Body, limit+1))
}

// Body is the body of a request that has been read already.
type Body struct{ unread []byte }

// NewBody returns a body of text, which [ReadBody] returns as it is.
func NewBody(text []byte) *Body { return &Body{text} }

func (b *Body) Read(p []byte) (int, error) {
	if len(b.unread) == 0 {
		return 0, io.EOF
	}
	n := copy(p, b.unread)
	b.unread = b.unread[n:]
	return n, nil
}

// Whole returns all that has not been read, and reads it.
func (b *Body) Whole() []byte {
	text := b.unread
	b.unread = nil
	return text
}

// Close does nothing.
func (b *Body) Close() error { return nil }

func writeXML(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/xml")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	io.WriteString(w, text)
}

func escape(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s))
	return b.String()
}
