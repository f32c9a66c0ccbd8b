package iam

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"hash"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"quotewire/cloud/protocol"
)

// Verify checks the signature of a request whose body has been read, and returns who signed it. The error is an
// [protocol.Error] in the words and the shape of p; a request without a signature is refused as well.
//
// r must be as it came from net/http: no header, no path, and no length changed. A body that is signed chunk by chunk
// is let in by the signature of its headers; [Service.Chunks] verifies the rest.
func (s *Service) Verify(r *http.Request, body []byte, p protocol.Protocol) (Principal, error) {
	v, err := s.verify(r, p, func() ([]byte, error) { return body, nil })
	if err == nil && v.isHashed() {
		err = v.compare(sha256.Sum256(body), p)
	}
	if err != nil {
		return Principal{}, err
	}
	return v.principal(r), nil
}

// Admit is [Service.Verify] for a request whose body has not been read. It reads nothing of the body of a request whose
// head is refused, so that nobody without a key can make this machine hold one. The body of a request to S3 is verified
// while it is read, and the end of a body that is not the signed one is an error; any other has at most limit bytes and is
// read here. Either way r.Body is what the service reads.
func (s *Service) Admit(r *http.Request, limit int64, p protocol.Protocol) (Principal, error) {
	var body []byte
	v, err := s.verify(r, p, func() (_ []byte, err error) {
		body, err = protocol.ReadBody(r, limit)
		return body, err
	})
	if err != nil {
		return Principal{}, err
	}
	if p == protocol.RESTXML {
		if v.isHashed() {
			r.Body = &signedBody{ReadCloser: r.Body, hash: sha256.New(), verified: v}
		}
		return v.principal(r), nil
	}
	if v.said != "" {
		if body, err = protocol.ReadBody(r, limit); err != nil {
			return Principal{}, err
		}
	}
	if v.isHashed() {
		if err := v.compare(sha256.Sum256(body), p); err != nil {
			return Principal{}, err
		}
	}
	r.Body = protocol.NewBody(body)
	return v.principal(r), nil
}

// signedBody ends with an error if it was not what its client signed.
type signedBody struct {
	io.ReadCloser
	hash hash.Hash
	verified
}

func (b *signedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.hash.Write(p[:n])
	if err == io.EOF {
		if wrong := b.compare([sha256.Size]byte(b.hash.Sum(nil)), protocol.RESTXML); wrong != nil {
			err = wrong
		}
	}
	return n, err
}

// verified is a request whose signature is right. Whether its body is the signed one is still to be seen.
type verified struct {
	signature
	*credential
	said string // the payload hash that the client named and signed; "" if it was computed from the body
}

func (v verified) principal(r *http.Request) Principal {
	who := v.Who
	who.userAgent = r.UserAgent()
	who.secure = r.TLS != nil
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		who.sourceIP = host
	}
	return who
}

// isHashed reports whether the client has signed a hash that the body is still to be compared with.
func (v verified) isHashed() bool { return v.said != "" && !isLiteral(v.said) }

// compare says what is wrong with a body of the given hash, if [verified.isHashed].
func (v verified) compare(sum [sha256.Size]byte, p protocol.Protocol) error {
	var said [sha256.Size]byte
	if len(v.said) == hex.EncodedLen(len(said)) {
		if _, err := hex.Decode(said[:], []byte(v.said)); err == nil && said == sum {
			return nil
		}
	}
	e := refuse(p, badPayload)
	if p == protocol.RESTXML {
		e.Members = map[string]string{"ClientComputedContentSHA256": v.said, "S3ComputedContentSHA256": hex.EncodeToString(sum[:])}
	}
	return e
}

// anonymous are the operations of STS that nobody signs, as their caller has no credentials yet. None of them is here.
var anonymous = map[string]bool{"AssumeRoleWithWebIdentity": true, "AssumeRoleWithSAML": true}

// formAction is the operation that a form asks for.
func formAction(body []byte) string {
	form, _ := url.ParseQuery(string(body))
	return form.Get("Action")
}

// verify checks everything that the head says. It calls body only if the head does not name the body's hash.
func (s *Service) verify(r *http.Request, p protocol.Protocol, body func() ([]byte, error)) (verified, error) {
	none := verified{}
	sig, err := parseSignature(r)
	if err != nil && p == protocol.RESTXML && isVersion2(r) {
		return none, protocol.Errorf(http.StatusBadRequest, "InvalidRequest",
			"The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.")
	}
	if err == errUnsigned {
		if p == protocol.Query {
			if text, err := body(); err == nil && anonymous[formAction(text)] {
				return none, protocol.UnknownOperation(p, "STS", formAction(text))
			}
		}
		return none, refuse(p, unsigned)
	}
	if err != nil {
		return none, malformedSignature(r, p, err)
	}
	c, ok := s.credential(sig.accessKey)
	if !ok {
		e := refuse(p, unknownKey)
		if p == protocol.RESTXML {
			e.Members = map[string]string{"AWSAccessKeyId": sig.accessKey}
		}
		return none, e
	}
	if subtle.ConstantTimeCompare([]byte(sig.token), []byte(c.Token)) != 1 {
		return none, refuse(p, wrongToken)
	}
	now := s.now()
	if c.expired(now) {
		return none, refuse(p, expired)
	}
	if err := s.checkTime(&sig, p, now); err != nil {
		return none, err
	}
	if err := s.checkScope(&sig, p); err != nil {
		return none, err
	}
	said, err := saidHash(r, &sig, p)
	if err != nil {
		return none, err
	}
	var space [1024]byte
	var canonical []byte
	if said != "" {
		canonical = appendCanonical(space[:0], r, &sig, said)
	} else {
		text, err := body()
		if err != nil {
			return none, err
		}
		sum := sha256.Sum256(text)
		var hash [2 * sha256.Size]byte
		hex.Encode(hash[:], sum[:])
		canonical = appendCanonical(space[:0], r, &sig, hash[:])
	}
	if !hasHost(sig.signedHeaders) {
		return none, refuseWith(p, badSignature, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	sum := sha256.Sum256(canonical)
	var given [sha256.Size]byte
	n, err := hex.Decode(given[:], []byte(sig.value)[:min(len(sig.value), hex.EncodedLen(len(given)))])
	if err != nil || n != len(given) || len(sig.value) != hex.EncodedLen(n) || !c.signingKey(sig.day, sig.region, sig.service, sig.scope).signed(&sig, sum, given[:]) {
		return none, signatureMismatch(p, &sig, canonical, sig.appendStringToSign(nil, sum))
	}
	return verified{sig, c, said}, nil
}

// appendStringToSign takes the hash of the canonical request.
func (s *signature) appendStringToSign(b []byte, canonical [sha256.Size]byte) []byte {
	b = append(b, algorithm...)
	b = append(b, '\n')
	b = append(b, s.date...)
	b = append(b, '\n')
	b = append(b, s.scope...)
	b = append(b, '\n')
	return hex.AppendEncode(b, canonical[:])
}

// signingKey is a key derived for a day, a region and a service. Any number of goroutines may use it at once.
type signingKey struct {
	bytes []byte
	keyed sync.Pool // of *keyed
}

// keyed is a MAC that has taken in its key, which is half of the work for a short text.
type keyed struct {
	hash.Hash
	text []byte
	sum  [sha256.Size]byte
}

// signed reports whether given is the MAC of a request's string to sign.
func (k *signingKey) signed(s *signature, canonical [sha256.Size]byte, given []byte) bool {
	h, ok := k.keyed.Get().(*keyed)
	if ok {
		h.Reset()
	} else {
		h = &keyed{Hash: hmac.New(sha256.New, k.bytes)}
	}
	h.text = s.appendStringToSign(h.text[:0], canonical)
	h.Write(h.text)
	equal := hmac.Equal(given, h.Sum(h.sum[:0]))
	k.keyed.Put(h)
	return equal
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

// saidHash returns the last line of the canonical request as the client names it; "" if the client leaves it to the body.
func saidHash(r *http.Request, sig *signature, p protocol.Protocol) (string, error) {
	said := protocol.Header(r, "X-Amz-Content-Sha256")
	if said == "" && sig.presigned {
		said = r.URL.Query().Get("X-Amz-Content-Sha256")
		if said == "" && sig.service == "s3" {
			said = unsignedPayload
		}
	}
	switch {
	case said == "" && sig.service == "s3":
		return "", protocol.Errorf(http.StatusBadRequest, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
	case strings.HasPrefix(said, "STREAMING-") && !isLiteral(said):
		return "", refuseWith(p, malformed, "x-amz-content-sha256 "+said+" is not supported: sign with "+algorithm)
	case sig.service == "s3" && !isLiteral(said) && !isHash(said):
		return "", &protocol.Error{Status: http.StatusBadRequest, Code: "InvalidArgument", Message: "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
			Members: map[string]string{"ArgumentName": "x-amz-content-sha256", "ArgumentValue": said}}
	}
	return said, nil
}

// isLiteral reports whether a payload hash stands for a body that is not signed as a whole.
func isLiteral(said string) bool {
	switch said {
	case unsignedPayload, "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER":
		return true
	}
	return false
}

func isHash(said string) bool {
	_, err := hex.DecodeString(said)
	return err == nil && len(said) == hex.EncodedLen(sha256.Size)
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
