package front

import (
	"bytes"
	"net/http"
)

// maxHead bounds how much of a head is remembered. It is more than a server of New is meant to take.
const maxHead = 1 << 20

var (
	endOfLine = []byte("\r\n")
	endOfHead = []byte("\r\n\r\n")
)

// remember takes bytes of the head of net/http's request. Once it has the end of the head it returns how many of the bytes
// were of it, and knows how long the body is, or that this is no longer known.
func (c *conn) remember(p []byte) (n int, ended bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.whole {
		// The request is being answered, and net/http reads one byte to see whether its client is still there. More than
		// that is a body that was not expected.
		if c.early = append(c.early, p...); len(c.early) > 1 {
			c.lost, c.early = true, nil
		}
		return 0, false
	}
	before := len(c.head)
	from := max(0, before-len(endOfHead)+1)
	c.head = append(c.head, p...)
	end := bytes.Index(c.head[from:], endOfHead)
	switch {
	case end >= 0:
		end += from
		c.head, c.whole = c.head[:end], true
		if !c.lost {
			var ok bool
			c.body, ok = bodyLength(c.head)
			c.lost = !ok
		}
		return end + len(endOfHead) - before, true
	case len(c.head) > maxHead:
		c.head, c.whole, c.lost = nil, true, true
	}
	return 0, false
}

func (c *conn) headerNames() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, head, _ := bytes.Cut(c.head, endOfLine)
	var names []string
	for line := range bytes.SplitSeq(head, endOfLine) {
		if name, _, ok := bytes.Cut(line, []byte(":")); ok {
			names = append(names, string(name))
		}
	}
	return names
}

// bodyLength returns how many bytes follow a head; false if anybody could be of another opinion.
func bodyLength(head []byte) (length int64, ok bool) {
	line, rest, _ := bytes.Cut(head, endOfLine)
	method, _, ok := cutRequestLine(line)
	if !ok || string(method) == http.MethodConnect {
		return 0, false
	}
	var f framing
	for len(rest) > 0 {
		var name, value []byte
		if line, rest, _ = bytes.Cut(rest, endOfLine); !cutHeader(line, &name, &value) || !f.note(name, value) {
			return 0, false
		}
	}
	return f.length, true
}

// framing is what the headers of a request say about its end.
type framing struct {
	length int64
	said   bool // there was a Content-Length
}

// note takes a header; false if it leaves room for another opinion on where the request ends.
func (f *framing) note(name, value []byte) (ok bool) {
	switch {
	case is(name, "content-length"):
		if f.said {
			return false
		}
		f.length, f.said = parseLength(value)
		return f.said
	case is(name, "transfer-encoding"), is(name, "upgrade"), is(name, "expect"), is(name, "trailer"):
		return false
	}
	return true
}

// cutRequestLine takes a request line of HTTP/1.1 apart.
func cutRequestLine(line []byte) (method, target []byte, ok bool) {
	line, ok = bytes.CutSuffix(line, []byte(" HTTP/1.1"))
	if !ok {
		return nil, nil, false
	}
	method, target, ok = bytes.Cut(line, []byte(" "))
	if !ok || !isToken(method) || len(target) == 0 {
		return nil, nil, false
	}
	for _, b := range target {
		if b <= ' ' || b >= 0x7f {
			return nil, nil, false
		}
	}
	return method, target, true
}

// cutHeader takes the line of a header apart; false if it is not written in the plainest way.
func cutHeader(line []byte, name, value *[]byte) bool {
	colon := bytes.IndexByte(line, ':')
	if colon < 0 || !isToken(line[:colon]) {
		return false
	}
	text := line[colon+1:]
	for len(text) > 0 && isBlank(text[0]) {
		text = text[1:]
	}
	for len(text) > 0 && isBlank(text[len(text)-1]) {
		text = text[:len(text)-1]
	}
	*name, *value = line[:colon], text
	for _, b := range text {
		if b < ' ' && b != '\t' || b == 0x7f {
			return false
		}
	}
	return true
}

func isBlank(b byte) bool { return b == ' ' || b == '\t' }

// parseLength parses a Content-Length of at most 15 digits.
func parseLength(text []byte) (length int64, ok bool) {
	for _, b := range text {
		if b < '0' || b > '9' {
			return 0, false
		}
		length = 10*length + int64(b-'0')
	}
	return length, len(text) > 0 && len(text) <= 15
}

// is reports whether a header has the given name, which is in lower case.
func is(name []byte, lower string) bool {
	if len(name) != len(lower) {
		return false
	}
	for i, b := range name {
		if b >= 'A' && b <= 'Z' {
			b += 'a' - 'A'
		}
		if b != lower[i] {
			return false
		}
	}
	return true
}

// tokens are the characters of methods and of the names of headers.
var tokens = func() (t [256]bool) {
	for _, b := range []byte("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		t[b] = true
	}
	return t
}()

func isToken(text []byte) bool {
	for _, b := range text {
		if !tokens[b] {
			return false
		}
	}
	return len(text) > 0
}
