package aws

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/aws/smithy-go"
)

// code returns the type name of an error that AWS answered, such as "NoSuchEntity", or "".
func code(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return ""
}

// is reports whether err is AWS's answer with one of the codes.
func is(err error, codes ...string) bool {
	c := code(err)
	return c != "" && slices.Contains(codes, c)
}

// ignore returns nil for an error with one of the codes, and else the error.
func ignore(err error, codes ...string) error {
	if is(err, codes...) {
		return nil
	}
	return err
}

// Explain implements [deploy.Provider].
func (p *Provider) Explain(err error) (message, hint string) {
	message = err.Error()
	op, _ := errors.AsType[*smithy.OperationError](err)
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		said, _, _ := strings.Cut(api.ErrorMessage(), "\n") // of a signature, what was signed stands below
		message = fmt.Sprintf("%s: %s", api.ErrorCode(), said)
		if op != nil {
			message = fmt.Sprintf("%s %s answers %s", op.Service(), op.Operation(), message)
		}
		if strings.Contains(api.ErrorMessage(), "does not have the service") {
			return message, "Deploy it to AWS. In a target of its own it can be left out here, with -t and the names of the others."
		}
		return message, advice(api.ErrorCode())
	}
	if op == nil {
		return message, ""
	}
	// The words of the last layer: those around it speak of attempts and of the SDK's own parts.
	cause := op.Err
	for next := within(cause); next != nil; next = within(cause) {
		cause = next
		if _, ok := cause.(*net.OpError); ok {
			break
		}
	}
	message = fmt.Sprintf("%s %s: %v", op.Service(), op.Operation(), cause)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		hint = "The cloud did not answer in time. Run it again."
	case strings.Contains(err.Error(), "get credentials") || strings.Contains(err.Error(), "failed to refresh cached credentials"):
		message = fmt.Sprintf("no AWS credentials: %v", cause)
		hint = `Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. For the embedded cloud: eval "$(quotewire credentials)"`
	case isNet(err):
		hint = "Nothing answers at the address of the cloud. Is it running, and is AWS_ENDPOINT_URL right?"
	}
	return message, hint
}

// within is the error that err wraps, the first of several.
func within(err error) error {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		return several.Unwrap()[0]
	}
	return errors.Unwrap(err)
}

func isNet(err error) bool {
	_, ok := errors.AsType[*net.OpError](err)
	return ok
}

func advice(code string) string {
	switch {
	case code == "Forbidden": // the answer to a HEAD has no body with more
		return "It belongs to another account, or the credentials in use lack a permission. Choose another name or another AWS_PROFILE."
	case strings.HasPrefix(code, "AccessDenied"), code == "UnauthorizedOperation", code == "AuthorizationError":
		return "The credentials in use lack a permission. Allow that action, or choose another AWS_PROFILE."
	case code == "InvalidClientTokenId", code == "UnrecognizedClientException", code == "SignatureDoesNotMatch", code == "InvalidAccessKeyId", code == "AuthFailure":
		return "The cloud does not accept the credentials in use. Check AWS_PROFILE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
	case strings.HasPrefix(code, "ExpiredToken"), code == "RequestExpired":
		return "The credentials in use have expired. Sign in again."
	}
	return "Nothing was rolled back. Correct the cause and run it again; what is done is left as it is."
}
