package front

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
)

var post = []byte("POST /")

// direct makes requests of bytes and answers them, one after the other. All that it needs for one is used again for the
// next.
type direct struct {
	config  *Config
	request http.Request
	url     url.URL
	header  http.Header
	values  []string // of header
	body    body
	answer  answer
}

// Bounds on a request that is answered directly, in bytes. Its body may be longer than what is read at once.
const (
	maxDirectHead = 4 << 10
	maxDirect     = 1 << 20
)

func newDirect(c *Config) *direct {
	return &direct{config: c, header: http.Header{}, answer: answer{header: http.Header{}}}
}

// newCommon returns what the requests of a connection have in common.
func newCommon(ctx context.Context, socket net.Conn) *http.Request {
	r := (&http.Request{
		Method: http.MethodPost, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: http.NoBody, RemoteAddr: socket.RemoteAddr().String(),
	}).WithContext(ctx)
	if s, ok := socket.(interface{ ConnectionState() tls.ConnectionState }); ok {
		state := s.ConnectionState()
		r.TLS = &state
	}
	return r
}

// isFor reports whether p begins with a post that is to be answered directly, if it is written in the plainest way.
func (c *Config) isFor(p []byte) bool {
	if c.Direct == nil || !bytes.HasPrefix(p, post) {
		return false
	}
	line, _, ok := bytes.Cut(p, endOfLine)
	_, target, ok2 := cutRequestLine(line)
	return ok && ok2 && c.Direct(target)
}

// parse makes of a request what net/http would, if it is a POST that is there as a whole, written in the plainest way, and
// one to be answered directly; else it returns nil, with the size of the request if nothing but a part of its body lacks.
func (d *direct) parse(common *http.Request, p []byte) (r *http.Request, size int) {
	if !bytes.HasPrefix(p, post) {
		return nil, 0
	}
	end := bytes.Index(p, endOfHead)
	if end < 0 || end > maxDirectHead {
		return nil, 0
	}
	line, rest, _ := bytes.Cut(p[:end], endOfLine)
	_, target, ok := cutRequestLine(line)
	if !ok || !d.config.Direct(target) {
		return nil, 0
	}
	clear(d.header)
	clear(d.values)
	d.values = d.values[:0]
	r = &d.request
	*r = *common
	r.Header = d.header
	text := string(p[:end]) // everything that the request holds is a part of this
	r.RequestURI = text[len(http.MethodPost)+1:][:len(target)]
	if isPath(target) {
		d.url = url.URL{Path: r.RequestURI}
		r.URL = &d.url
	} else {
		var err error
		if r.URL, err = url.ParseRequestURI(r.RequestURI); err != nil {
			return nil, 0
		}
	}
	var f framing
	hosts := 0
	for at := len(line) + len(endOfLine); len(rest) > 0; {
		var name, value []byte
		if line, rest, _ = bytes.Cut(rest, endOfLine); !cutHeader(line, &name, &value) || !f.note(name, value) {
			return nil, 0
		}
		key := text[at : at+len(name)]
		from := at + cap(line) - cap(value) // a slice of a slice ends where that could
		at += len(line) + len(endOfLine)
		switch {
		case is(name, "host"):
			if hosts++; hosts > 1 || !isHost(value) {
				return nil, 0
			}
			r.Host = text[from : from+len(value)]
			continue
		case is(name, "connection"):
			if !is(value, "keep-alive") {
				return nil, 0
			}
		case is(name, "pragma"): // net/http makes a Cache-Control of it
			return nil, 0
		}
		d.add(textproto.CanonicalMIMEHeaderKey(key), text[from:from+len(value)])
	}
	size = end + len(endOfHead)
	if hosts == 0 || f.length > maxDirect {
		return nil, 0
	}
	if whole := size + int(f.length); whole > len(p) {
		return nil, whole
	}
	if f.length > 0 {
		d.body.rest = p[size:][:f.length]
		r.Body, r.ContentLength = &d.body, f.length
		size += int(f.length)
	}
	return r, size
}

// waits reports whether the handler may have to wait.
func (d *direct) waits(r *http.Request) bool { return d.config.Waits != nil && d.config.Waits(r) }

// add adds a header to the request.
func (d *direct) add(key, value string) {
	if known := d.header[key]; known != nil {
		d.header[key] = append(known, value)
		return
	}
	n := len(d.values)
	d.values = append(d.values, value)
	d.header[key] = d.values[n : n+1 : n+1]
}

// Bytes of the path of a request in which nothing is or would be escaped, and of what looks like a host with or without a
// port, and like nothing else.
var (
	pathBytes = bytesOf("/.-_@=")
	hostBytes = bytesOf(".-:[]")
)

// bytesOf is a set of the letters and digits, and what else is given.
func bytesOf(further string) (set [256]bool) {
	for _, b := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" + further) {
		set[b] = true
	}
	return set
}

func isPath(target []byte) bool {
	return areAll(&pathBytes, target) && !bytes.HasPrefix(target, []byte("//"))
}
func isHost(text []byte) bool { return areAll(&hostBytes, text) }

func areAll(set *[256]bool, text []byte) bool {
	for _, b := range text {
		if !set[b] {
			return false
		}
	}
	return true
}

// body is the body of a request that has arrived as a whole.
type body struct{ rest []byte }

func (b *body) Read(p []byte) (int, error) {
	if len(b.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// Whole returns all that has not been read, and reads it. It is good for as long as the request is.
func (b *body) Whole() []byte {
	rest := b.rest
	b.rest = nil
	return rest
}

func (b *body) Close() error {
	b.rest = nil
	return nil
}
