package s3

import (
	"net/http"

	"quotewire/cloud/protocol"
)

// The errors of S3, in the words of the service.
var (
	errAccessDenied     = protocol.Errorf(http.StatusForbidden, "AccessDenied", "Access Denied")
	errSignature        = protocol.Errorf(http.StatusForbidden, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your key and signing method.")
	errMalformedXML     = protocol.Errorf(http.StatusBadRequest, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	errPrecondition     = protocol.Errorf(http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	errNotModified      = protocol.Errorf(http.StatusNotModified, "NotModified", "Not Modified")
	errIncompleteBody   = protocol.Errorf(http.StatusBadRequest, "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header")
	errMalformedTrailer = protocol.Errorf(http.StatusBadRequest, "MalformedTrailerError", "The request contained trailing data that was not well-formed or did not conform to our published schema.")
	errTooLarge         = protocol.Errorf(http.StatusBadRequest, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
	errNoSuchUpload     = protocol.Errorf(http.StatusNotFound, "NoSuchUpload", "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")
	errNoACL            = protocol.Errorf(http.StatusBadRequest, "AccessControlListNotSupported", "The bucket does not allow ACLs")
	errDeleteMarker     = protocol.Errorf(http.StatusMethodNotAllowed, "MethodNotAllowed", "The specified method is not allowed against this resource.")
	errMissingDigest    = protocol.Errorf(http.StatusBadRequest, "InvalidRequest", "Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
	errKeepTrying       = protocol.Errorf(http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate.")
)

func noSuchBucket(bucket string) error {
	return &protocol.Error{Status: http.StatusNotFound, Code: "NoSuchBucket", Message: "The specified bucket does not exist",
		Members: map[string]string{"BucketName": bucket}}
}

func noSuchKey(key string) error {
	return &protocol.Error{Status: http.StatusNotFound, Code: "NoSuchKey", Message: "The specified key does not exist.",
		Members: map[string]string{"Key": key}}
}

func noSuchVersion(key, version string) error {
	return &protocol.Error{Status: http.StatusNotFound, Code: "NoSuchVersion", Message: "The specified version does not exist.",
		Members: map[string]string{"Key": key, "VersionId": version}}
}

func invalidArgument(name, value, message string) error {
	return &protocol.Error{Status: http.StatusBadRequest, Code: "InvalidArgument", Message: message,
		Members: map[string]string{"ArgumentName": name, "ArgumentValue": value}}
}

func invalidRequest(format string, args ...any) error {
	return protocol.Errorf(http.StatusBadRequest, "InvalidRequest", format, args...)
}

// notHere refuses a header that would change what the request does and that this cloud does not honour.
func notHere(header string) error {
	return protocol.Errorf(http.StatusNotImplemented, "NotImplemented", "A header you provided implies functionality that is not implemented: the embedded cloud does not have %s", header)
}
