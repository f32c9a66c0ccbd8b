package iam

import (
	"crypto/sha256"
	"encoding/base32"
	"net/http"
	"strings"

	"quotewire/cloud/protocol"
)

// cause is why a request is not let in.
type cause int

const (
	unsigned cause = iota
	malformed
	unknownKey
	wrongToken
	badSignature
	badPayload // the body is not the one whose hash was signed
	badClock
	expired
	denied
)

// answer is a status and a code.
type answer struct {
	status int
	code   string
	text   string // "" where the text depends on the request
}

const (
	textNoToken    = "Request is missing Authentication Token"
	textNoToken2   = "Missing Authentication Token"
	textBadToken   = "The security token included in the request is invalid."
	textExpired    = "The security token included in the request is expired"
	textBadPayload = "The provided 'x-amz-content-sha256' header does not match what was computed."
	textSignature  = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
	textEC2        = "AWS was not able to validate the provided access credentials"
)

// coral is the namespace in which JSON services name the errors that all of them have.
const coral = "com.amazon.coral.service#"

// answers holds AWS's status, code and text for each cause in each protocol. JSON services answer 400 to all of them
// and REST-JSON services 403, with the same names.
var answers = map[protocol.Protocol][]answer{
	protocol.Query: {
		unsigned:     {403, "MissingAuthenticationToken", textNoToken},
		malformed:    {400, "IncompleteSignature", ""},
		unknownKey:   {403, "InvalidClientTokenId", textBadToken},
		wrongToken:   {403, "InvalidClientTokenId", textBadToken},
		badSignature: {403, "SignatureDoesNotMatch", textSignature},
		badPayload:   {403, "SignatureDoesNotMatch", textBadPayload},
		badClock:     {403, "SignatureDoesNotMatch", ""},
		expired:      {403, "ExpiredToken", textExpired},
		denied:       {403, "AccessDenied", ""},
	},
	protocol.EC2Query: {
		unsigned:     {401, "AuthFailure", textEC2},
		malformed:    {400, "IncompleteSignature", ""},
		unknownKey:   {401, "AuthFailure", textEC2},
		wrongToken:   {401, "AuthFailure", textEC2},
		badSignature: {401, "AuthFailure", textEC2},
		badPayload:   {401, "AuthFailure", textEC2},
		badClock:     {401, "RequestExpired", ""},
		expired:      {400, "RequestExpired", "Request has expired."},
		denied:       {403, "UnauthorizedOperation", ""},
	},
	protocol.JSON10:   named(400, coral, textNoToken),
	protocol.JSON11:   named(400, coral, textNoToken),
	protocol.RESTJSON: named(403, "", textNoToken2),
	protocol.RESTXML: {
		unsigned:     {403, "AccessDenied", "Access Denied"},
		malformed:    {400, "AuthorizationHeaderMalformed", ""},
		unknownKey:   {403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."},
		wrongToken:   {400, "InvalidToken", "The provided token is malformed or otherwise invalid."},
		badSignature: {403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your key and signing method."},
		badPayload:   {400, "XAmzContentSHA256Mismatch", textBadPayload},
		badClock:     {403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large."},
		expired:      {400, "ExpiredToken", "The provided token has expired."},
		denied:       {403, "AccessDenied", ""},
	},
}

func named(status int, namespace, noToken string) []answer {
	return []answer{
		unsigned:     {status, namespace + "MissingAuthenticationTokenException", noToken},
		malformed:    {status, namespace + "IncompleteSignatureException", ""},
		unknownKey:   {status, namespace + "UnrecognizedClientException", textBadToken},
		wrongToken:   {status, namespace + "UnrecognizedClientException", textBadToken},
		badSignature: {status, namespace + "InvalidSignatureException", textSignature},
		badPayload:   {status, namespace + "InvalidSignatureException", textBadPayload},
		badClock:     {status, namespace + "InvalidSignatureException", ""},
		expired:      {status, namespace + "ExpiredTokenException", textExpired},
		denied:       {status, namespace + "AccessDeniedException", ""},
	}
}

// refuse returns AWS's answer to a cause in its usual words.
func refuse(p protocol.Protocol, c cause) *protocol.Error {
	a := answers[p][c]
	return &protocol.Error{Status: a.status, Code: a.code, Message: a.text}
}

// refuseWith is [refuse] with words that speak of the request.
func refuseWith(p protocol.Protocol, c cause, text string) *protocol.Error {
	e := refuse(p, c)
	e.Message = text
	return e
}

// accessDenied says it as AWS does. API Gateway and the APIs it serves spell the member "Message"; the latter leave out
// the reason and show only the last digits of the account.
func accessDenied(p protocol.Protocol, who *Principal, action, resource, because string) *protocol.Error {
	service, _, _ := strings.Cut(action, ":")
	switch {
	case service == "execute-api":
		resource, because = maskAccount(resource), ""
	case action == "sts:AssumeRole":
		because = ""
	}
	text := "User: " + who.ARN + " is not authorized to perform: " + action + " on resource: " + resource
	if because != "" {
		text += " " + because
	}
	if p == protocol.EC2Query {
		text = "You are not authorized to perform this operation. " + text
	}
	e := refuseWith(p, denied, text)
	if service == "execute-api" || service == "apigateway" {
		e.Members = map[string]string{"Message": text}
	}
	return e
}

// maskAccount hides the account of an ARN but for its last four digits.
func maskAccount(arn string) string {
	parts := strings.SplitN(arn, ":", arnParts)
	if len(parts) == arnParts && isAccount(parts[4]) {
		parts[4] = "********" + parts[4][8:]
	}
	return strings.Join(parts, ":")
}

// The errors of IAM's own operations.

func noSuchRole(name string) error {
	return protocol.Errorf(http.StatusNotFound, "NoSuchEntity", "The role with name %s cannot be found.", name)
}

func noSuchUser(name string) error {
	return protocol.Errorf(http.StatusNotFound, "NoSuchEntity", "The user with name %s cannot be found.", name)
}

func noSuchPolicy(arn string) error {
	return protocol.Errorf(http.StatusNotFound, "NoSuchEntity", "Policy %s was not found.", arn)
}

func malformedPolicy(err error) error {
	return protocol.Errorf(http.StatusBadRequest, "MalformedPolicyDocument", "%v", err)
}

func validation(format string, args ...any) error {
	return protocol.Errorf(http.StatusBadRequest, "ValidationError", format, args...)
}

func limitExceeded(format string, args ...any) error {
	return protocol.Errorf(http.StatusConflict, "LimitExceeded", format, args...)
}

// derivedID is a unique id that follows from a name, for what AWS owns.
func derivedID(prefix, name string) string {
	sum := sha256.Sum256([]byte(name))
	return prefix + base32.StdEncoding.EncodeToString(sum[:])[:17]
}
