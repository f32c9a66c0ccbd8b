package s3

import (
	"net"
	"net/http"
	"net/url"
	"strings"

	"quotewire/cloud/protocol"
)

// parseRequest reads bucket and key out of the address. The bucket is the first label of the host (virtual-host style)
// or the first segment of the path. The key is everything behind it, percent-decoded once: "+" is a plus, and "//" and
// a "/" at the end belong to the key.
func parseRequest(hr *http.Request) (*request, error) {
	r := &request{Request: hr}
	var err error
	if r.query, err = url.ParseQuery(hr.URL.RawQuery); err != nil {
		return nil, protocol.Errorf(http.StatusBadRequest, "InvalidURI", "Couldn't parse the specified URI.")
	}
	path := strings.TrimPrefix(hr.URL.EscapedPath(), "/")
	if r.bucket = bucketOfHost(hr.Host); r.bucket == "" {
		r.bucket, path, _ = strings.Cut(path, "/")
		if r.bucket, err = url.PathUnescape(r.bucket); err != nil {
			return nil, protocol.Errorf(http.StatusBadRequest, "InvalidURI", "Couldn't parse the specified URI.")
		}
	}
	if r.key, err = url.PathUnescape(path); err != nil {
		return nil, protocol.Errorf(http.StatusBadRequest, "InvalidURI", "Couldn't parse the specified URI.")
	}
	if len(r.key) > maxKey {
		return nil, protocol.Errorf(http.StatusBadRequest, "KeyTooLongError", "Your key is too long")
	}
	return r, nil
}

// bucketOfHost returns the bucket that a Host header names, "" for an endpoint without one: stock-code.localhost:4566,
// stock-code.s3.amazonaws.com, stock-code.s3.us-east-1.amazonaws.com and their dual-stack names.
func bucketOfHost(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if rest, ok := strings.CutSuffix(host, ".localhost"); ok {
		if rest == "s3" {
			return ""
		}
		return strings.TrimSuffix(rest, ".s3")
	}
	rest, ok := strings.CutSuffix(host, ".amazonaws.com")
	if !ok {
		return ""
	}
	// What is left is [BUCKET.]s3[.dualstack][.REGION] or the old [BUCKET.]s3-REGION. A bucket's name may have dots
	// and may even contain "s3", so the endpoint is looked for from the right.
	labels := strings.Split(rest, ".")
	for i := len(labels) - 1; i >= 0 && i >= len(labels)-3; i-- {
		if labels[i] == "s3" || strings.HasPrefix(labels[i], "s3-") {
			return strings.Join(labels[:i], ".")
		}
	}
	return ""
}
