package iam

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"quotewire/cloud/protocol"
)

// algorithm is the only one that is verified: AWS4-ECDSA-P256-SHA256, which signs for several regions at once, is not.
const algorithm = "AWS4-HMAC-SHA256"

const (
	dateLayout = "20060102T150405Z"
	dayLength  = len("20060102")
	terminator = "aws4_request"
)

// signature is what a request says about how it is signed.
type signature struct {
	presigned     bool
	accessKey     string
	day           string
	region        string
	service       string
	scope         string // day/region/service/aws4_request
	signedHeaders string // names joined with ";"
	value         string // 64 hex digits
	token         string
	date          string // as in the string to sign
	at            time.Time
	valid         time.Duration // of a presigned request
}

// errUnsigned is returned for a request without a signature of AWS's.
var errUnsigned = errors.New("the request is not signed")

// Scope returns the region and the service of a request's credential scope, in the header or in the query; false if it
// is not signed, or not legibly. Nothing about the signature is verified: this is for routing.
func Scope(r *http.Request) (region, service string, ok bool) {
	var credential string
	if h := protocol.Header(r, "Authorization"); strings.HasPrefix(h, algorithm) {
		_, rest, _ := strings.Cut(h, "Credential=")
		credential, _, _ = strings.Cut(rest, ",")
		credential = strings.TrimSpace(credential)
	} else if isPresigned(r) {
		credential = r.URL.Query().Get("X-Amz-Credential")
	}
	var sig signature
	if sig.setCredential(credential) != nil {
		return "", "", false
	}
	return sig.region, sig.service, true
}

func isPresigned(r *http.Request) bool {
	return strings.Contains(r.URL.RawQuery, "X-Amz-Algorithm=") || strings.Contains(r.URL.RawQuery, "X-Amz-Signature=") ||
		strings.Contains(r.URL.RawQuery, "X-Amz-Credential=")
}

// isVersion2 reports whether the request is signed with Signature Version 2, which S3 takes for no bucket that was made
// after June 2020. Presigned addresses of older tools are.
func isVersion2(r *http.Request) bool {
	return strings.HasPrefix(protocol.Header(r, "Authorization"), "AWS ") ||
		strings.Contains(r.URL.RawQuery, "AWSAccessKeyId=") && strings.Contains(r.URL.RawQuery, "Signature=")
}

// parseSignature reads the signature in the Authorization header or, without one, in the query. An error other than
// errUnsigned is in AWS's words for a malformed signature.
func parseSignature(r *http.Request) (signature, error) {
	header := protocol.Header(r, "Authorization")
	switch {
	case strings.HasPrefix(header, "AWS"):
		return parseHeader(r, header)
	case isPresigned(r):
		return parseQuery(r.URL.Query())
	}
	return signature{}, errUnsigned
}

func parseHeader(r *http.Request, header string) (s signature, err error) {
	name, rest, _ := strings.Cut(header, " ")
	if name != algorithm {
		return s, errors.New("Unsupported AWS 'algorithm': '" + name + "'; sign with " + algorithm + ".")
	}
	var credential string
	for field := range strings.SplitSeq(rest, ",") {
		field = strings.TrimSpace(field)
		if field == "" {
			continue
		}
		key, value, ok := strings.Cut(field, "=")
		if !ok {
			return s, errors.New("'" + field + "' not a valid key=value pair (missing equal-sign) in Authorization header: '" + header + "'.")
		}
		switch key {
		case "Credential":
			credential = value
		case "SignedHeaders":
			s.signedHeaders = value
		case "Signature":
			s.value = value
		}
	}
	var missing []string
	for _, f := range []struct{ name, value string }{
		{"Credential", credential}, {"Signature", s.value}, {"SignedHeaders", s.signedHeaders},
	} {
		if f.value == "" {
			missing = append(missing, "Authorization header requires '"+f.name+"' parameter.")
		}
	}
	date := protocol.Header(r, "X-Amz-Date")
	if date == "" {
		date = protocol.Header(r, "Date")
	}
	if date == "" {
		missing = append(missing, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	if missing != nil {
		return s, errors.New(strings.Join(missing, " ") + " Authorization=" + header)
	}
	s.token = protocol.Header(r, "X-Amz-Security-Token")
	if err := s.setCredential(credential); err != nil {
		return s, err
	}
	err = s.setDate(date)
	return s, err
}

func parseQuery(q url.Values) (s signature, err error) {
	s = signature{presigned: true, signedHeaders: q.Get("X-Amz-SignedHeaders"), value: q.Get("X-Amz-Signature"), token: q.Get("X-Amz-Security-Token")}
	if a := q.Get("X-Amz-Algorithm"); a != algorithm {
		return s, errors.New("Unsupported AWS 'algorithm': '" + a + "'; sign with " + algorithm + ".")
	}
	for _, name := range []string{"X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"} {
		if q.Get(name) == "" {
			return s, errors.New("AWS query-string parameters must include '" + name + "'.")
		}
	}
	if err := s.setCredential(q.Get("X-Amz-Credential")); err != nil {
		return s, err
	}
	s.valid = defaultPresigned
	if e := q.Get("X-Amz-Expires"); e != "" {
		seconds, err := strconv.Atoi(e)
		switch s.valid = time.Duration(seconds) * time.Second; {
		case err != nil:
			return s, errors.New("X-Amz-Expires should be a number")
		case seconds < 1:
			return s, errors.New("X-Amz-Expires must be non-negative and not zero")
		case seconds > int(maxPresigned/time.Second):
			return s, errors.New("X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds")
		}
	} else if s.service == "s3" {
		return s, errors.New("AWS query-string parameters must include 'X-Amz-Expires'.")
	}
	err = s.setDate(q.Get("X-Amz-Date"))
	return s, err
}

// setCredential takes keyid/day/region/service/aws4_request apart. A key id may hold slashes, the rest may not.
func (s *signature) setCredential(text string) error {
	rest, end, ok := cutLast(text)
	var ok2, ok3, ok4 bool
	rest, s.service, ok2 = cutLast(rest)
	rest, s.region, ok3 = cutLast(rest)
	s.accessKey, s.day, ok4 = cutLast(rest)
	if !ok || !ok2 || !ok3 || !ok4 || s.accessKey == "" || s.region == "" || s.service == "" {
		return errors.New("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '" + text + "'")
	}
	if end != terminator {
		return errors.New("Credential should be scoped with a valid terminator: '" + terminator + "', not '" + end + "'.")
	}
	s.scope = text[len(s.accessKey)+1:]
	return nil
}

func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, '/')
	if i < 0 {
		return "", s, false
	}
	return s[:i], s[i+1:], true
}

// setDate reads X-Amz-Date, or a Date header in its own form.
func (s *signature) setDate(text string) error {
	at, ok := parseTimestamp(text)
	var err error
	if !ok {
		at, err = time.Parse(dateLayout, text)
	}
	if err != nil {
		if at, err = http.ParseTime(text); err != nil {
			return errors.New("Date must be in ISO-8601 'basic format'. Got '" + text + "'. See http://en.wikipedia.org/wiki/ISO_8601")
		}
		text = at.UTC().Format(dateLayout)
	}
	s.date, s.at = text, at
	return nil
}

// parseTimestamp is time.Parse of dateLayout in a tenth of its time, for what is written in the plainest way.
func parseTimestamp(text string) (at time.Time, ok bool) {
	if len(text) != len(dateLayout) || text[dayLength] != 'T' || text[len(dateLayout)-1] != 'Z' {
		return at, false
	}
	number := func(from, to int) (n int) {
		for _, digit := range []byte(text[from:to]) {
			if digit < '0' || digit > '9' {
				return -1
			}
			n = 10*n + int(digit-'0')
		}
		return n
	}
	year, month, day := number(0, 4), number(4, 6), number(6, 8)
	hour, minute, second := number(9, 11), number(11, 13), number(13, 15)
	if year < 0 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 {
		return at, false
	}
	at = time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	return at, int(at.Month()) == month && at.Day() == day // there is such a day
}
