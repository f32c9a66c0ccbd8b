package lambda

import (
	"bytes"
	"strconv"
)

// Nearly all that a process ever says to the Runtime API are two requests, next and response, in the plainest form there
// is. They are read here, without what net/http does for requests of any kind: the calls of a function that is invoked
// thousands of times a second are a good part of what it costs. Whatever is not plain is net/http's, byte by byte.

// plainRequest is one of the two.
type plainRequest struct {
	id          string // of the execution that is answered; "" for next
	contentType string
	body        []byte
}

// plainness says whether a buffer begins with a plain request.
type plainness int

const (
	incomplete plainness = iota // so far it does
	plain
	notPlain
)

// maxPlain bounds a plain request, in bytes.
const maxPlain = 64 << 10

const (
	plainNext      = "GET /2018-06-01/runtime/invocation/next HTTP/1.1"
	plainPrefix    = "POST /2018-06-01/runtime/invocation/"
	plainResponse  = "/response HTTP/1.1"
	headerHost     = "host"
	headerLength   = "content-length"
	headerEncoding = "transfer-encoding"
)

// parsePlain reads the request at the beginning of a buffer. size is how many bytes it takes.
func parsePlain(b []byte) (r plainRequest, size int, how plainness) {
	line, at, how := plainLine(b, 0)
	if how != plain {
		return r, 0, how
	}
	post := false
	if string(line) != plainNext {
		id, ok := bytes.CutPrefix(line, []byte(plainPrefix))
		if ok {
			id, ok = bytes.CutSuffix(id, []byte(plainResponse))
		}
		if !ok || !isRequestID(id) {
			return r, 0, notPlain
		}
		post, r.id = true, string(id)
	}
	hosts, length, chunked := 0, -1, false
	for {
		if line, at, how = plainLine(b, at); how != plain {
			return r, 0, how
		}
		if len(line) == 0 {
			break
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok || !isPlainName(name) {
			return r, 0, notPlain
		}
		value = bytes.Trim(value, " \t")
		switch {
		case isNamed(name, headerHost):
			hosts++
			ok = hosts == 1 && isPlainHost(value)
		case isNamed(name, headerLength):
			n, err := strconv.ParseUint(string(value), 10, 24)
			ok = err == nil && length < 0
			length = int(n)
		case isNamed(name, headerEncoding):
			ok = !chunked && string(value) == "chunked"
			chunked = true
		case isNamed(name, "content-type"):
			ok = r.contentType == ""
			r.contentType = string(value)
		case isNamed(name, "connection"):
			ok = string(value) == "keep-alive"
		case isNamed(name, "trailer"): // one that comes is noticed below
		case isNamed(name, "expect"), isNamed(name, "upgrade"), isNamed(name, "te"), isNamed(name, "lambda-runtime-function-response-mode"):
			ok = false
		}
		if !ok {
			return r, 0, notPlain
		}
	}
	switch {
	case hosts != 1, !post && (chunked || length >= 0), post && chunked == (length >= 0), length > maxPlain:
		return r, 0, notPlain
	case chunked:
		r.body, size, how = plainChunks(b, at)
		return r, size, how
	case post && len(b) < at+length:
		return r, 0, incomplete
	case post:
		r.body = append([]byte(nil), b[at:at+length]...)
		at += length
	}
	return r, at, plain
}

// plainLine returns the line that begins at a place, without its end, and where the next one begins. Lines end with CRLF
// and have no other control characters but tabs.
func plainLine(b []byte, at int) (line []byte, next int, how plainness) {
	line, _, ok := bytes.Cut(b[at:], []byte("\n"))
	if ok && (len(line) == 0 || line[len(line)-1] != '\r') {
		return nil, 0, notPlain
	}
	next = at + len(line) + 1
	line = bytes.TrimSuffix(line, []byte("\r"))
	for _, c := range line {
		if c < ' ' && c != '\t' || c >= 0x7f {
			return nil, 0, notPlain
		}
	}
	if !ok {
		return nil, 0, incomplete
	}
	return line, next, plain
}

// plainChunks joins the chunks of a body. There are no trailers.
func plainChunks(b []byte, at int) (body []byte, next int, how plainness) {
	var pieces [8][2]int // more chunks than a plain request has
	for n := 0; ; n++ {
		line, data, how := plainLine(b, at)
		if how != plain {
			return nil, 0, how
		}
		length, err := strconv.ParseUint(string(line), 16, 24)
		if err != nil || length > maxPlain || n == len(pieces) {
			return nil, 0, notPlain
		}
		end := data + int(length)
		if length == 0 {
			if line, at, how = plainLine(b, data); how != plain {
				return nil, 0, how
			} else if len(line) > 0 {
				return nil, 0, notPlain // a trailer
			}
			for _, p := range pieces[:n] {
				body = append(body, b[p[0]:p[1]]...)
			}
			return body, at, plain
		}
		if len(b) < end+2 {
			return nil, 0, incomplete
		}
		if b[end] != '\r' || b[end+1] != '\n' {
			return nil, 0, notPlain
		}
		pieces[n], at = [2]int{data, end}, end+2
	}
}

func isRequestID(id []byte) bool {
	for _, c := range id {
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f' || c == '-') {
			return false
		}
	}
	return len(id) > 0
}

// isPlainName reports whether a header's name has nothing but letters, digits and hyphens.
func isPlainName(name []byte) bool {
	for _, c := range name {
		if !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '-') {
			return false
		}
	}
	return len(name) > 0
}

// isPlainHost reports whether a host is an address or a plain name, with a port or without.
func isPlainHost(host []byte) bool {
	for _, c := range host {
		if !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == ':') {
			return false
		}
	}
	return len(host) > 0
}

// isNamed reports whether a header has a name, which is given in small letters.
func isNamed(name []byte, want string) bool {
	return len(name) == len(want) && bytes.EqualFold(name, []byte(want))
}
