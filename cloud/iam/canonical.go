package iam

import (
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
)

// appendCanonical appends the canonical request of Signature Version 4: what both sides put together from the request
// and hash. Everything is taken from the request as it came over the wire.
func appendCanonical[text string | []byte](b []byte, r *http.Request, sig *signature, payloadHash text) []byte {
	b = append(b, r.Method...)
	b = append(b, '\n')
	b = appendPath(b, rawPath(r), sig.service == "s3")
	b = append(b, '\n')
	b = appendQuery(b, r.URL.RawQuery, sig.presigned)
	b = append(b, '\n')
	for name := range strings.SplitSeq(sig.signedHeaders, ";") {
		b = append(b, name...)
		b = append(b, ':')
		b = appendHeader(b, r, name)
		b = append(b, '\n')
	}
	b = append(b, '\n')
	b = append(b, sig.signedHeaders...)
	b = append(b, '\n')
	return append(b, payloadHash...)
}

// rawPath is the path of the request line. URL.EscapedPath is not always that: it mends what it finds invalid.
func rawPath(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		path, _, _ := strings.Cut(r.RequestURI, "?")
		return path
	}
	return r.URL.EscapedPath()
}

// appendPath appends the canonical URI. S3 decodes the path and encodes it once. All other services normalize it as it
// stands, still escaped, and encode it again: "%3D" becomes "%253D".
func appendPath(b []byte, path string, s3 bool) []byte {
	if path == "" {
		return append(b, '/')
	}
	if s3 {
		return appendEncoded(b, path, true, false)
	}
	if !strings.Contains(path, "//") && !strings.Contains(path, "/.") {
		return appendEscaped(b, path, true)
	}
	var kept []string
	for segment := range strings.SplitSeq(path, "/") {
		switch segment {
		case "", ".":
		case "..":
			if len(kept) > 0 {
				kept = kept[:len(kept)-1]
			}
		default:
			kept = append(kept, segment)
		}
	}
	for _, segment := range kept {
		b = append(b, '/')
		b = appendEscaped(b, segment, false)
	}
	if len(kept) == 0 || path[len(path)-1] == '/' {
		b = append(b, '/')
	}
	return b
}

// appendQuery appends the query decoded, encoded again and sorted, without the signature of a presigned request.
func appendQuery(b []byte, query string, presigned bool) []byte {
	if query == "" {
		return b
	}
	type parameter struct{ name, value string }
	var list []parameter
	for part := range strings.SplitSeq(query, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		if presigned && name == "X-Amz-Signature" {
			continue
		}
		list = append(list, parameter{
			string(appendEncoded(nil, name, false, true)), string(appendEncoded(nil, value, false, true)),
		})
	}
	slices.SortFunc(list, func(a, b parameter) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return strings.Compare(a.value, b.value)
	})
	for i, p := range list {
		if i > 0 {
			b = append(b, '&')
		}
		b = append(b, p.name...)
		b = append(b, '=')
		b = append(b, p.value...)
	}
	return b
}

// appendHeader appends the values of a header, trimmed, inner runs of spaces made one, joined with commas. net/http
// keeps some headers outside the map.
func appendHeader(b []byte, r *http.Request, name string) []byte {
	values := headerValues(r.Header, name)
	if len(values) == 0 {
		switch name {
		case "host":
			return append(b, r.Host...)
		case "content-length":
			if r.ContentLength >= 0 {
				return strconv.AppendInt(b, r.ContentLength, 10)
			}
		case "transfer-encoding":
			return append(b, strings.Join(r.TransferEncoding, ",")...)
		}
		return b
	}
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendTrimmed(b, v)
	}
	return b
}

// headerValues returns the values of a header whose name is in lower case. It is Header.Values, which would make a text of
// each name first.
func headerValues(h http.Header, name string) []string {
	var space [64]byte
	if len(name) > len(space) {
		return h[textproto.CanonicalMIMEHeaderKey(name)]
	}
	upper := true
	for i := range len(name) {
		b := name[i]
		switch {
		case b >= 'a' && b <= 'z':
			if upper {
				b -= 'a' - 'A'
			}
		case b != '-' && (b < '0' || b > '9'):
			return h[textproto.CanonicalMIMEHeaderKey(name)]
		}
		space[i], upper = b, b == '-'
	}
	return h[string(space[:len(name)])]
}

func appendTrimmed(b []byte, v string) []byte {
	v = strings.Trim(v, " \t")
	if !strings.Contains(v, "  ") {
		return append(b, v...)
	}
	space := false
	for i := 0; i < len(v); i++ {
		if v[i] == ' ' && space {
			continue
		}
		space = v[i] == ' '
		b = append(b, v[i])
	}
	return b
}

const upperHex = "0123456789ABCDEF"

// appendEscaped percent-encodes s, whatever it is; slashes stay if keepSlash.
func appendEscaped(b []byte, s string, keepSlash bool) []byte {
	for i := 0; i < len(s); i++ {
		b = appendByte(b, s[i], keepSlash)
	}
	return b
}

// appendEncoded decodes s and percent-encodes it in one canonical way. A percent sign that introduces no hex digits
// stands for itself; in a query a plus is a space.
func appendEncoded(b []byte, s string, keepSlash, plusIsSpace bool) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			decoded := unhex(s[i+1])<<4 | unhex(s[i+2])
			b = appendByte(b, decoded, keepSlash)
			i += 2
		case c == '+' && plusIsSpace:
			b = append(b, "%20"...)
		default:
			b = appendByte(b, c, keepSlash)
		}
	}
	return b
}

func appendByte(b []byte, c byte, keepSlash bool) []byte {
	if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~' || c == '/' && keepSlash {
		return append(b, c)
	}
	return append(b, '%', upperHex[c>>4], upperHex[c&15])
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c >= 'a':
		return c - 'a' + 10
	case c >= 'A':
		return c - 'A' + 10
	}
	return c - '0'
}
