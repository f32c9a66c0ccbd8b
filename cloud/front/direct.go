package front

import (
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"time"
)

// direct is what a connection needs to answer requests itself. All of it is used again for the next request.
type direct struct {
	common  http.Request // what the requests of the connection have in common
	request http.Request
	header  http.Header
	values  []string // of header
	body    body
	answer  answer
	out     []byte // answers to be sent
}

// answer answers the request that p begins with and returns its size; 0 if it is one for net/http. Of a request that is not
// there as a whole it returns the size and no more. What has been answered is sent with the next flush. The error is io.EOF
// if the connection is to be closed.
func (c *conn) answer(p []byte) (size int, err error) {
	r, size := c.parse(p)
	if r == nil {
		return size, nil
	}
	if c.config.Waits != nil && c.config.Waits(r) {
		return 0, nil
	}
	d := c.direct
	d.answer.reset()
	c.config.Handler.ServeHTTP(&d.answer, r)
	c.last = time.Now()
	var closing bool
	if d.out, closing = d.answer.append(d.out, c.last); closing {
		if err := c.flush(); err != nil {
			return 0, err
		}
		return 0, io.EOF
	}
	return size, nil
}

// flush sends the answers.
func (c *conn) flush() error {
	if c.direct == nil || len(c.direct.out) == 0 {
		return nil
	}
	_, err := c.Write(c.direct.out)
	c.direct.out = c.direct.out[:0]
	return err
}

// maxDirect bounds the body of a request that is answered here, in bytes. It is more than net/http reads at once.
const maxDirect = 1 << 20

var post = []byte("POST /")

// parse makes of a request what net/http would, if it is a POST that is there as a whole, written in the plainest way, and
// one to be answered directly; else it returns nil, with the size of the request if nothing but a part of its body lacks.
func (c *conn) parse(p []byte) (r *http.Request, size int) {
	if !bytes.HasPrefix(p, post) {
		return nil, 0
	}
	end := bytes.Index(p, endOfHead)
	if end < 0 {
		return nil, 0
	}
	line, rest, _ := bytes.Cut(p[:end], endOfLine)
	_, target, ok := cutRequestLine(line)
	if !ok || !c.config.Direct(target) {
		return nil, 0
	}
	d := c.ready()
	r = &d.request
	*r = d.common
	text := string(p[:end]) // everything that the request holds is a part of this
	r.RequestURI = text[len(http.MethodPost)+1:][:len(target)]
	var err error
	if r.URL, err = url.ParseRequestURI(r.RequestURI); err != nil {
		return nil, 0
	}
	var f framing
	hosts := 0
	for at := len(line) + len(endOfLine); len(rest) > 0; {
		var name, value []byte
		if line, rest, _ = bytes.Cut(rest, endOfLine); !cutHeader(line, &name, &value) || !f.note(name, value) {
			return nil, 0
		}
		key := text[at : at+len(name)]
		from := at + len(line) - len(bytes.TrimLeft(line[len(name)+1:], " \t"))
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

// ready returns what the connection needs to answer a request.
func (c *conn) ready() *direct {
	d := c.direct
	if d == nil {
		d = &direct{header: http.Header{}, answer: answer{header: http.Header{}}}
		d.common = *(&http.Request{
			Method: http.MethodPost, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: d.header, Body: http.NoBody, RemoteAddr: c.RemoteAddr().String(),
		}).WithContext(c.context)
		if s, ok := c.Conn.(interface{ ConnectionState() tls.ConnectionState }); ok {
			state := s.ConnectionState()
			d.common.TLS = &state
		}
		c.direct = d
	}
	clear(d.header)
	clear(d.values)
	d.values = d.values[:0]
	return d
}

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

// isHost reports whether text looks like a host with or without a port, and like nothing else.
func isHost(text []byte) bool {
	for _, b := range text {
		if !(b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '.' || b == '-' || b == ':' || b == '[' || b == ']') {
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
