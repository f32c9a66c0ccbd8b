package lambda

import (
	"cmp"
	"fmt"
	"net/http"
	"time"

	"quotewire/cloud/protocol"
)

// failure makes an error with the "Type" that Lambda's exceptions carry. They spell the member of their text
// differently: two of them "Message", the others "message".
func failure(status int, code, format string, args ...any) *protocol.Error {
	e := protocol.Errorf(status, code, format, args...)
	e.Members = map[string]string{"Type": "User"}
	switch code {
	case "ServiceException":
		e.Members["Type"] = "Service"
		fallthrough
	case "ResourceNotFoundException", "AccessDeniedException":
		e.Members["Message"] = e.Message
	}
	return e
}

func errService() *protocol.Error {
	return failure(http.StatusInternalServerError, "ServiceException", "An error occurred and the request cannot be processed.")
}

func errInvalid(format string, args ...any) *protocol.Error {
	return failure(http.StatusBadRequest, "InvalidParameterValueException", format, args...)
}

func errConflict(format string, args ...any) *protocol.Error {
	return failure(http.StatusConflict, "ResourceConflictException", format, args...)
}

func errNotFound(format string, args ...any) *protocol.Error {
	return failure(http.StatusNotFound, "ResourceNotFoundException", format, args...)
}

func errNoFunction(arn string) *protocol.Error { return errNotFound("Function not found: %s", arn) }

func errContent(format string, args ...any) *protocol.Error {
	return failure(http.StatusBadRequest, "InvalidRequestContentException", format, args...)
}

// errConstraint is how AWS refuses a value that its model does not allow. This kind has no Type.
func errConstraint(value any, member, constraint string) *protocol.Error {
	return protocol.Errorf(http.StatusBadRequest, "ValidationException",
		"1 validation error detected: Value '%v' at '%s' failed to satisfy constraint: %s", value, member, constraint)
}

// errMissing is how this cloud refuses a parameter that it would have to ignore, although it changes what happens.
func errMissing(operation, parameter string) *protocol.Error {
	return errInvalid("%s: the embedded cloud does not have the parameter %s. Leave it out, or deploy to AWS.", operation, parameter)
}

func errRevision() *protocol.Error {
	return failure(http.StatusPreconditionFailed, "PreconditionFailedException",
		"The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")
}

func errThrottled(reason string) *protocol.Error {
	e := failure(http.StatusTooManyRequests, "TooManyRequestsException", "Rate Exceeded.")
	e.Members["Reason"] = reason
	e.Members["retryAfterSeconds"] = "1"
	return e
}

const (
	reservedLimit = "ReservedFunctionConcurrentInvocationLimitExceeded"
	accountLimit  = "ConcurrentInvocationLimitExceeded"
)

func errPayloadTooLarge(size, limit int, kind string) *protocol.Error {
	return failure(http.StatusRequestEntityTooLarge, "RequestTooLargeException",
		"%d byte payload is too large for the %s invocation type (limit %d bytes)", size, cmp.Or(kind, "RequestResponse"), limit)
}

func errUnassumable() *protocol.Error {
	return errInvalid("The role defined for the function cannot be assumed by Lambda.")
}

// fault is what went wrong with a process: what the caller of the function reads, and what the log says.
type fault struct {
	kind    string // such as "Runtime.ExitError"; "" when the service closes
	text    string // without the request id
	payload []byte // the runtime's own words, when it had time to say some
	final   bool   // another start would not change it

	reported string // the Error Type of the REPORT line, if that says more than kind
}

const timedOut = "Sandbox.Timedout"

func exitFault(how string) *fault {
	if how == "" {
		return &fault{kind: "Runtime.ExitError", text: "Runtime exited without providing a reason"}
	}
	return &fault{kind: "Runtime.ExitError", text: "Runtime exited with error: " + how}
}

func timeoutFault(after time.Duration) *fault {
	return &fault{kind: timedOut, text: fmt.Sprintf("Task timed out after %.2f seconds", after.Seconds())}
}

// body is the answer to the invocation that met the fault.
func (f *fault) body(requestID string) []byte {
	if f.payload != nil {
		return f.payload
	}
	return mustJSON(struct {
		ErrorType    string `json:"errorType"`
		ErrorMessage string `json:"errorMessage"`
	}{f.kind, "RequestId: " + requestID + " Error: " + f.text})
}

func responseTooLarge(limit int) []byte {
	return fmt.Appendf(nil, `{"errorMessage":"Response payload size exceeded maximum allowed payload size (%d bytes).","errorType":"Function.ResponseSizeTooLarge"}`, limit)
}
