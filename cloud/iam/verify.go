package iam

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"quotewire/cloud/protocol"
)

// Verify checks the signature of a request whose body has been read, and returns who signed it. The error is an
// [protocol.Error] in the words and the shape of p; a request without a signature is refused as well.
//
// r must be as it came from net/http: no header, no path, and no length changed. A body that is signed chunk by chunk
// is let in by the signature of its headers; [Service.Chunks] verifies the rest.
func (s *Service) Verify(r *http.Request, body []byte, p protocol.Protocol) (Principal, error) {
	_, c, err := s.verify(r, body, p)
	if err != nil {
		return Principal{}, err
	}
	who := c.Who
	who.userAgent = r.UserAgent()
	who.secure = r.TLS != nil
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		who.sourceIP = host
	}
	return who, nil
}

func (s *Service) verify(r *http.Request, body []byte, p protocol.Protocol) (*signature, *credential, error) {
	sig, err := parseSignature(r)
	if err == errUnsigned {
		return nil, nil, refuse(p, unsigned)
	}
	if err != nil {
		return nil, nil, malformedSignature(r, p, err)
	}
	c, ok := s.credential(sig.accessKey)
	if !ok {
		e := refuse(p, unknownKey)
		if p == protocol.RESTXML {
			e.Members = map[string]string{"AWSAccessKeyId": sig.accessKey}
		}
		return nil, nil, e
	}
	if subtle.ConstantTimeCompare([]byte(sig.token), []byte(c.Token)) != 1 {
		return nil, nil, refuse(p, wrongToken)
	}
	now := s.now()
	if c.expired(now) {
		return nil, nil, refuse(p, expired)
	}
	if err := s.checkTime(sig, p, now); err != nil {
		return nil, nil, err
	}
	if err := s.checkScope(sig, p); err != nil {
		return nil, nil, err
	}
	hash, err := payloadHash(r, body, sig, p)
	if err != nil {
		return nil, nil, err
	}
	var space [1024]byte
	canonical := appendCanonical(space[:0], r, sig, hash)
	if !hasHost(sig.signedHeaders) {
		return nil, nil, refuseWith(p, badSignature, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	toSign := sig.stringToSign(sha256.Sum256(canonical))
	want := mac(c.signingKey(sig.day, sig.region, sig.service, sig.scope), toSign)
	var given [sha256.Size]byte
	n, err := hex.Decode(given[:], []byte(sig.value)[:min(len(sig.value), hex.EncodedLen(len(given)))])
	if err != nil || n != len(given) || len(sig.value) != hex.EncodedLen(n) || !hmac.Equal(given[:], want) {
		return nil, nil, signatureMismatch(p, sig, canonical, toSign)
	}
	return sig, c, nil
}

// stringToSign takes the hash of the canonical request.
func (s *signature) stringToSign(canonical [sha256.Size]byte) []byte {
	b := make([]byte, 0, len(algorithm)+len(s.date)+len(s.scope)+3+2*len(canonical))
	b = append(b, algorithm...)
	b = append(b, '\n')
	b = append(b, s.date...)
	b = append(b, '\n')
	b = append(b, s.scope...)
	b = append(b, '\n')
	return hex.AppendEncode(b, canonical[:])
}

func mac(key, text []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(text)
	return h.Sum(nil)
}

func deriveKey(secret, day, region, service string) []byte {
	key := []byte("AWS4" + secret)
	for _, part := range []string{day, region, service, terminator} {
		key = mac(key, []byte(part))
	}
	return key
}

func hasHost(signedHeaders string) bool {
	for name := range strings.SplitSeq(signedHeaders, ";") {
		if name == "host" {
			return true
		}
	}
	return false
}

// checkTime applies AWS's bounds: a signature is good for 15 minutes either way, a presigned one from 15 minutes before
// its date until it expires.
func (s *Service) checkTime(sig *signature, p protocol.Protocol, now time.Time) error {
	if sig.day != sig.date[:dayLength] {
		return refuseWith(p, badSignature, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '"+
			sig.day+"' != '"+sig.date[:dayLength]+"', from '"+sig.date+"'.")
	}
	now = now.UTC().Truncate(time.Second)
	oldest, slack := now.Add(-maxSkew), " - 15 min.)"
	if sig.presigned {
		oldest, slack = now.Add(-sig.valid), " - "+sig.valid.String()+")"
	}
	newest := now.Add(maxSkew)
	var text string
	switch {
	case sig.at.Before(oldest):
		text = "Signature expired: " + sig.date + " is now earlier than " + oldest.Format(dateLayout) + " (" + now.Format(dateLayout) + slack
	case sig.at.After(newest):
		text = "Signature not yet current: " + sig.date + " is still later than " + newest.Format(dateLayout) + " (" + now.Format(dateLayout) + " + 15 min.)"
	default:
		return nil
	}
	if p != protocol.RESTXML {
		return refuseWith(p, badClock, text)
	}
	const iso = "2006-01-02T15:04:05Z"
	if sig.presigned { // S3's own words for a link that is too old
		return &protocol.Error{Status: http.StatusForbidden, Code: "AccessDenied", Message: "Request has expired",
			Members: map[string]string{"Expires": sig.at.Add(sig.valid).Format(iso), "ServerTime": now.Format(iso)}}
	}
	e := refuse(p, badClock)
	e.Members = map[string]string{"RequestTime": sig.date, "ServerTime": now.Format(iso), "MaxAllowedSkewMilliseconds": "900000"}
	return e
}

// signingNames are the services that speak each protocol.
var signingNames = map[protocol.Protocol][]string{
	protocol.Query:    {"iam", "sts", "rds"},
	protocol.EC2Query: {"ec2"},
	protocol.JSON10:   {"dynamodb"},
	protocol.JSON11:   {"logs"},
	protocol.RESTJSON: {"execute-api", "lambda", "apigateway", "neptune-db"},
	protocol.RESTXML:  {"s3"},
}

// checkScope refuses a signature that was made for another region or another kind of service. IAM, and STS at its
// global address, are signed for us-east-1 wherever one is.
func (s *Service) checkScope(sig *signature, p protocol.Protocol) error {
	if !slices.Contains(signingNames[p], sig.service) {
		return refuseWith(p, badSignature, "Credential should be scoped to correct service: '"+strings.Join(signingNames[p], "' or '")+"', not '"+sig.service+"'.")
	}
	if sig.region == s.region || sig.region == "us-east-1" && (sig.service == "iam" || sig.service == "sts") {
		return nil
	}
	if p == protocol.RESTXML {
		e := refuseWith(p, malformed, "The authorization header is malformed; the region '"+sig.region+"' is wrong; expecting '"+s.region+"'")
		e.Members = map[string]string{"Region": s.region}
		return e
	}
	return refuseWith(p, badSignature, "Credential should be scoped to a valid region, not '"+sig.region+"': this endpoint is in "+s.region+".")
}

const (
	unsignedPayload = "UNSIGNED-PAYLOAD"
	emptyHash       = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// payloadHash returns the last line of the canonical request: what the client says about the body if that is true, or
// else the body's hash.
func payloadHash(r *http.Request, body []byte, sig *signature, p protocol.Protocol) (string, error) {
	said := r.Header.Get("X-Amz-Content-Sha256")
	if said == "" && sig.presigned {
		said = r.URL.Query().Get("X-Amz-Content-Sha256")
		if said == "" && sig.service == "s3" {
			said = unsignedPayload
		}
	}
	switch {
	case said == "" && sig.service == "s3":
		return "", protocol.Errorf(http.StatusBadRequest, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
	case said == unsignedPayload, said == "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
		said == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", said == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER":
		return said, nil
	case strings.HasPrefix(said, "STREAMING-"):
		return "", refuseWith(p, malformed, "x-amz-content-sha256 "+said+" is not supported: sign with "+algorithm)
	}
	computed := emptyHash
	if len(body) > 0 {
		sum := sha256.Sum256(body)
		computed = hex.EncodeToString(sum[:])
	}
	if said != "" && !strings.EqualFold(said, computed) {
		e := refuse(p, badPayload)
		if p == protocol.RESTXML {
			e.Members = map[string]string{"ClientComputedContentSHA256": said, "S3ComputedContentSHA256": computed}
		}
		return "", e
	}
	if said != "" {
		return said, nil
	}
	return computed, nil
}

func malformedSignature(r *http.Request, p protocol.Protocol, err error) error {
	if p == protocol.RESTXML {
		if r.Header.Get("Authorization") == "" {
			return &protocol.Error{Status: http.StatusBadRequest, Code: "AuthorizationQueryParametersError", Message: err.Error()}
		}
		return refuseWith(p, malformed, "The authorization header is malformed; "+err.Error())
	}
	return refuseWith(p, malformed, err.Error())
}

// signatureMismatch shows what the server put together, in the way of each protocol: it is the one thing that helps
// whoever writes a signer. EC2 says nothing.
func signatureMismatch(p protocol.Protocol, sig *signature, canonical, toSign []byte) error {
	e := refuse(p, badSignature)
	switch p {
	case protocol.EC2Query:
	case protocol.RESTXML:
		e.Members = map[string]string{
			"AWSAccessKeyId": sig.accessKey, "StringToSign": string(toSign), "SignatureProvided": sig.value, "CanonicalRequest": string(canonical),
		}
	default:
		e.Message += "\n\nThe Canonical String for this request should have been\n'" + string(canonical) +
			"'\n\nThe String-to-Sign should have been\n'" + string(toSign) + "'\n"
	}
	return e
}
