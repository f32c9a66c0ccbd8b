package dynamodb

import (
	"encoding/json"
	"errors"
	"hash/crc32"
	"net/http"
	"strconv"

	"quotewire/cloud/dynamodb/attribute"
	"quotewire/cloud/protocol"
)

// The two name spaces of DynamoDB's error types.
const (
	shape = "com.amazonaws.dynamodb.v20120810#"
	coral = "com.amazon.coral."
)

var (
	errNotFound       = protocol.Errorf(http.StatusBadRequest, shape+"ResourceNotFoundException", "Requested resource not found")
	errKeySchema      = invalid("The provided key element does not match the schema")
	errCondition      = protocol.Errorf(http.StatusBadRequest, shape+"ConditionalCheckFailedException", "The conditional request failed")
	errItemSize       = invalid("Item size has exceeded the maximum allowed size")
	errUpdateSize     = invalid("Item size to update has exceeded the maximum allowed size")
	errDuplicateKeys  = invalid("Provided list of item keys contains duplicates")
	errTokenMismatch  = protocol.Errorf(http.StatusBadRequest, shape+"IdempotentParameterMismatchException", "The client token has been used with different parameters within the last ten minutes")
	errTokenInFlight  = protocol.Errorf(http.StatusBadRequest, shape+"TransactionInProgressException", "A transaction with the same client token is in progress")
	errTwoOperations  = invalid("Transaction request cannot include multiple operations on one item")
	errDeletionLocked = invalid("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
)

// invalid makes a ValidationException, the answer to nearly every mistake in a request.
func invalid(format string, args ...any) *protocol.Error {
	return protocol.Errorf(http.StatusBadRequest, coral+"validate#ValidationException", format, args...)
}

// constraint makes the ValidationException of a member that breaks a rule of the service's model.
func constraint(value, member, rule string) *protocol.Error {
	return invalid("1 validation error detected: Value %s at '%s' failed to satisfy constraint: %s", value, member, rule)
}

func tableNotFound(name string) *protocol.Error {
	return protocol.Errorf(http.StatusBadRequest, shape+"ResourceNotFoundException", "Requested resource not found: Table: %s not found", name)
}

func tableInUse(name string) *protocol.Error {
	return protocol.Errorf(http.StatusBadRequest, shape+"ResourceInUseException", "Table already exists: %s", name)
}

func serialization(text string) *protocol.Error {
	return protocol.Errorf(http.StatusBadRequest, coral+"service#SerializationException", "%s", text)
}

// refused is an error that has members beside its message, such as the item that failed a condition.
type refused struct {
	cause   *protocol.Error
	members map[string]json.RawMessage
}

func (r refused) Error() string { return r.cause.Error() }

// asError turns what went wrong with a request's text into the error that AWS answers.
func asError(err error) error {
	var bad attribute.ShapeError
	var broken attribute.InvalidError
	var badJSON *json.SyntaxError
	var badType *json.UnmarshalTypeError
	switch {
	case errors.As(err, &bad):
		return serialization(bad.Error())
	case errors.As(err, &broken):
		return invalid("%s", broken)
	case errors.As(err, &badJSON):
		return serialization("Unable to parse the request: it is not valid JSON")
	case errors.As(err, &badType):
		return serialization("Unexpected value type in payload: " + badType.Field + " must not be a JSON " + badType.Value)
	}
	return err
}

// writeError answers with err. One that is no answer of AWS's stays here: its text goes to the log.
func (s *Service) writeError(w http.ResponseWriter, operation string, err error) {
	body := map[string]any{}
	var r refused
	var e *protocol.Error
	switch {
	case errors.As(err, &r):
		e = r.cause
		for k, v := range r.members {
			body[k] = v
		}
	case errors.As(err, &e):
		for k, v := range e.Members {
			body[k] = v
		}
	default:
		s.log.Error("dynamodb: operation failed", "operation", operation, "err", err)
		e = protocol.Errorf(http.StatusInternalServerError, shape+"InternalServerError", "The request processing has failed because of an unknown error, exception or failure.")
	}
	body["__type"], body["message"] = e.Code, e.Message
	text, err := json.Marshal(body)
	if err != nil {
		text = []byte(`{"__type":"` + e.Code + `"}`)
	}
	write(w, e.Status, text)
}

// write sends an answer with its checksum, which SDKs verify.
func write(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h["Content-Type"] = contentType
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	h["X-Amzn-Requestid"] = []string{requestID()}
	h["X-Amz-Crc32"] = []string{strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10)}
	w.WriteHeader(status)
	w.Write(body)
}

var contentType = []string{"application/x-amz-json-1.0"}

func indexNotFound(name string) *protocol.Error {
	return protocol.Errorf(http.StatusBadRequest, shape+"ResourceNotFoundException", "Requested resource not found: Index: %s not found", name)
}
