package lambda

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"sync"

	"quotewire/cloud/protocol"
)

// stream carries a response from a function that sends it in parts to a caller that takes it in parts. A caller that
// reads slowly holds the function back; one that has left does not end it.
type stream struct {
	begun       chan struct{} // closed when contentType is set and there is something to read
	started     bool          // begun is closed, or about to be; for the Runtime API, which has one response at a time
	contentType string
	reader      *io.PipeReader
	writer      *io.PipeWriter
}

func newStream() *stream {
	s := &stream{begun: make(chan struct{})}
	s.reader, s.writer = io.Pipe()
	return s
}

// parts are the buffers through which streamed responses go.
var parts = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// send passes a response on to the caller of x and returns what the function has to say besides: the payload of a
// failure, if it failed half way.
func (x *execution) send(r *http.Request) (failed bool, body []byte, err error) {
	s := x.stream
	s.started, s.contentType = true, r.Header.Get("Content-Type")
	close(s.begun)
	buffer := parts.Get().(*[32 << 10]byte)
	defer parts.Put(buffer)
	limit := int64(maxStream)
	for gone := false; ; {
		n, err := r.Body.Read(buffer[:])
		if limit -= int64(n); limit < 0 {
			s.writer.CloseWithError(errTruncated)
			return true, responseTooLarge(maxStream), errTruncated
		}
		if n > 0 && !gone {
			_, refused := s.writer.Write(buffer[:n])
			gone = refused != nil
		}
		switch {
		case err == io.EOF:
			failed, body := trailers(r)
			if failed {
				s.writer.CloseWithError(errTruncated)
			} else {
				s.writer.Close()
			}
			return failed, body, nil
		case err != nil: // the process died or gave up in the middle
			s.writer.CloseWithError(errTruncated)
			return false, nil, err
		}
	}
}

var errTruncated = errors.New("the function did not finish its response")

// truncated is the answer to an invocation whose streamed response broke off. What was sent cannot be taken back, so a
// second attempt of the function does not help its caller.
func truncated() []byte {
	return []byte(`{"errorType":"Runtime.TruncatedResponse","errorMessage":"the function did not finish the response that it had begun to stream"}`)
}

// trailers tells whether a function failed after it had begun to answer, and how.
func trailers(r *http.Request) (failed bool, body []byte) {
	kind := r.Trailer.Get("Lambda-Runtime-Function-Error-Type")
	if kind == "" {
		return false, nil
	}
	body, err := base64.StdEncoding.DecodeString(r.Trailer.Get("Lambda-Runtime-Function-Error-Body"))
	if err != nil || len(body) == 0 {
		body = mustJSON(map[string]string{"errorType": kind, "errorMessage": "the function failed while it sent its response"})
	}
	return true, body
}

// first waits for the first that is heard of x: the beginning of a streamed response, or the answer of a function that
// does not stream. A stream that has begun is read before its outcome is asked for.
func (x *execution) first(ctx context.Context) (r Result, streams bool, err error) {
	select {
	case <-x.stream.begun:
		return Result{}, true, nil
	case o := <-x.outcome:
		select {
		case <-x.stream.begun:
			x.outcome <- o
			return Result{}, true, nil
		default:
			return o.Result, false, o.err
		}
	case <-ctx.Done():
		return Result{}, false, ctx.Err()
	}
}

// last waits for the outcome of x.
func (x *execution) last(ctx context.Context) (Result, error) {
	select {
	case o := <-x.outcome:
		return o.Result, o.err
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
}

// integrationResponse is the content type of a response that begins with a prelude: JSON with the status and the
// headers of an HTTP response. Eight NUL bytes stand between the prelude and the body.
const integrationResponse = "application/vnd.awslambda.http-integration-response"

var preludeEnd = make([]byte, 8)

type prelude struct {
	StatusCode int               `json:"statusCode"`
	Headers    map[string]string `json:"headers,omitempty"`
	Cookies    []string          `json:"cookies,omitempty"`
}

func parsePrelude(text []byte) (prelude, error) {
	p := prelude{StatusCode: http.StatusOK}
	if err := json.Unmarshal(text, &p); err != nil {
		return p, fmt.Errorf("the response begins with no prelude: %w", err)
	}
	if p.StatusCode < 200 || p.StatusCode > 599 {
		return p, fmt.Errorf("the prelude has the status %d", p.StatusCode)
	}
	return p, nil
}

// readPrelude reads a stream up to the beginning of its body, and returns what it has read of that as well.
func readPrelude(from io.Reader) (p prelude, rest []byte, err error) {
	var text []byte
	buffer := make([]byte, 4<<10)
	for {
		n, err := from.Read(buffer)
		text = append(text, buffer[:n]...)
		if before, after, ok := bytes.Cut(text, preludeEnd); ok {
			p, err := parsePrelude(before)
			return p, after, err
		}
		if len(text) > maxPrelude {
			return p, nil, fmt.Errorf("the prelude of a streamed response is longer than %d bytes, or the 8 NUL bytes behind it are missing", maxPrelude)
		}
		if err != nil {
			return p, nil, fmt.Errorf("the response ended within its prelude: %w", err)
		}
	}
}

// buffered turns a response that was streamed with a prelude into the one that a function returns at once: who cannot
// take a stream, such as API Gateway, sees no difference. Other responses stay as they are.
func buffered(r Result) []byte {
	if r.contentType != integrationResponse || r.FunctionError != "" {
		return r.Payload
	}
	before, body, ok := bytes.Cut(r.Payload, preludeEnd)
	p, err := parsePrelude(before)
	if !ok || err != nil {
		return r.Payload
	}
	return mustJSON(struct {
		prelude
		Body    string `json:"body"`
		Encoded bool   `json:"isBase64Encoded"`
	}{p, base64.StdEncoding.EncodeToString(body), true})
}

// invokeStream is the InvokeWithResponseStream operation. Its answer is a sequence of events, as AWS frames them: parts
// of the payload, and in the end InvokeComplete with what Invoke says in headers.
func (c *call) invokeStream(t target) (any, error) {
	f, x, err := c.invocation(t, maxPayload)
	if err != nil {
		return nil, err
	}
	switch kind := c.r.Header.Get("X-Amz-Invocation-Type"); kind {
	case "", "RequestResponse":
	case "DryRun":
		return nil, c.respond(http.StatusNoContent, x, nil)
	default:
		return nil, errConstraint(kind, "invocationType", "Member must satisfy enum value set: [RequestResponse, DryRun]")
	}
	x.stream = newStream()
	defer x.stream.reader.Close()
	if err := c.begin(f, t, x); err != nil {
		return nil, err
	}
	o, streams, err := x.first(c.ctx)
	if err != nil {
		return nil, err
	}
	h := c.w.Header()
	h.Set("X-Amz-Executed-Version", x.version)
	h.Set("x-amzn-RequestId", x.id)
	h.Set("Content-Type", "application/vnd.amazon.eventstream")
	c.w.WriteHeader(http.StatusOK)
	events := &eventWriter{w: c.w, flush: http.NewResponseController(c.w).Flush}
	switch {
	case streams:
		if err := events.copy(x.stream.reader); err != nil && err != errTruncated {
			return nil, nil // the caller has left
		}
		if o, err = x.last(c.ctx); err != nil && c.ctx.Err() != nil {
			return nil, nil
		}
	case o.FunctionError == "":
		if err := events.copy(bytes.NewReader(o.Payload)); err != nil {
			return nil, nil
		}
	}
	events.complete(x, o, err)
	return nil, nil
}

// eventWriter writes the events of a response stream.
type eventWriter struct {
	w     io.Writer
	flush func() error
	frame []byte
}

// event writes one message of vnd.amazon.eventstream: its length and that of its headers, a checksum of both, the
// headers, the payload, and a checksum of it all. Numbers are big-endian, checksums CRC-32.
func (e *eventWriter) event(kind, contentType string, payload []byte) error {
	b := append(e.frame[:0], make([]byte, 12)...)
	for _, header := range [...][2]string{{":event-type", kind}, {":content-type", contentType}, {":message-type", "event"}} {
		b = append(b, byte(len(header[0])))
		b = append(b, header[0]...)
		b = append(b, 7) // a string
		b = binary.BigEndian.AppendUint16(b, uint16(len(header[1])))
		b = append(b, header[1]...)
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)+len(payload)+4))
	binary.BigEndian.PutUint32(b[4:], uint32(len(b)-12))
	binary.BigEndian.PutUint32(b[8:], crc32.ChecksumIEEE(b[:8]))
	b = append(b, payload...)
	e.frame = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	if _, err := e.w.Write(e.frame); err != nil {
		return err
	}
	return e.flush()
}

func (e *eventWriter) copy(from io.Reader) error {
	buffer := parts.Get().(*[32 << 10]byte)
	defer parts.Put(buffer)
	for {
		n, err := from.Read(buffer[:])
		if n > 0 {
			if err := e.event("PayloadChunk", "application/octet-stream", buffer[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (e *eventWriter) complete(x *execution, o Result, err error) {
	var last struct {
		ErrorCode    string `json:",omitempty"`
		ErrorDetails string `json:",omitempty"`
		LogResult    string `json:",omitempty"`
	}
	var refused *protocol.Error
	switch {
	case errors.As(err, &refused):
		last.ErrorCode, last.ErrorDetails = refused.Code, refused.Message
	case o.FunctionError != "":
		last.ErrorCode, last.ErrorDetails = o.FunctionError, string(o.Payload)
	}
	if x.tail != nil {
		last.LogResult = base64.StdEncoding.EncodeToString(x.tail.bytes())
	}
	e.event("InvokeComplete", "application/json", mustJSON(last))
}
