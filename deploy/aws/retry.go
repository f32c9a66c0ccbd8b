package aws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"quotewire/deploy"
)

// attempts is how often a call is made at most. With pauses that double up to 20 seconds this is about a minute, which
// the slowest of AWS's rate limits (a deployment of an API every five seconds) needs when several runs share an account.
const attempts = 8

// retryer repeats calls that AWS refuses for a reason that passes, and says in the run's progress that it waits.
//
// A call that was throttled has done nothing and is repeated as it is. After an internal error or a lost answer nobody
// knows: a call that has the same effect twice is repeated; one that would make a second thing is not, and the engine
// looks at what exists before it goes on, see [Provider.Unsure].
type retryer struct {
	*retry.Standard
	delay func(attempt int, err error) (time.Duration, error) // nil: the standard one
}

func newRetryer(pauses func() aws.Retryer) func() aws.Retryer {
	return func() aws.Retryer {
		r := &retryer{Standard: retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts = attempts
			o.Retryables = append([]retry.IsErrorRetryable{retry.IsErrorRetryableFunc(concurrentModification), retry.IsErrorRetryableFunc(tooMany), retry.IsErrorRetryableFunc(cutOff)}, o.Retryables...)
		})}
		if pauses != nil {
			r.delay = pauses().RetryDelay
		}
		return r
	}
}

func (r *retryer) RetryDelay(attempt int, err error) (time.Duration, error) {
	if r.delay != nil {
		return r.delay(attempt, err)
	}
	return r.Standard.RetryDelay(attempt, err)
}

// GetRetryToken is asked before a call is repeated.
func (r *retryer) GetRetryToken(ctx context.Context, err error) (func(error) error, error) {
	op := awsmiddleware.GetOperationName(ctx)
	if !repeatable(op) && !harmless(err) {
		return nil, &unsure{op: awsmiddleware.GetServiceID(ctx) + " " + op}
	}
	why := "does not answer"
	if c := code(err); c != "" {
		why = "answers " + c
	} else if answer, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		why = fmt.Sprintf("answers with the status %d", answer.HTTPStatusCode())
	}
	deploy.Report(ctx, fmt.Sprintf("for %s, which %s to %s", awsmiddleware.GetServiceID(ctx), why, op))
	return r.Standard.GetRetryToken(ctx, err)
}

// repeatable reports whether an operation has the same effect when it is done twice. Deletions are: what is gone is no
// error to those who call them. Two changes of a table are refused when they are made already.
func repeatable(op string) bool {
	if op == "UpdateTable" || op == "UpdateTimeToLive" {
		return false
	}
	return slices.ContainsFunc([]string{"Get", "List", "Describe", "Head", "Put", "Update", "Attach", "Detach", "Delete", "Remove", "Tag", "Untag"},
		func(verb string) bool { return strings.HasPrefix(op, verb) })
}

// harmless reports whether an error says for certain that the call has done nothing.
func harmless(err error) bool {
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
		return true
	}
	return retry.IsErrorThrottles(retry.DefaultThrottles).IsErrorThrottle(err) == aws.TrueTernary ||
		tooMany(err) == aws.TrueTernary || concurrentModification(err) == aws.TrueTernary
}

// cutOff recognises an answer that ended too early.
func cutOff(err error) aws.Ternary {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}

// tooMany recognises the status that says "slow down", whatever the body calls it.
func tooMany(err error) aws.Ternary {
	if answer, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && answer.HTTPStatusCode() == http.StatusTooManyRequests {
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}

// concurrentModification recognises what API Gateway, IAM and Lambda answer when two changes meet in one API, role or
// function: the second is to be sent again.
func concurrentModification(err error) aws.Ternary {
	var refused smithy.APIError
	if !errors.As(err, &refused) {
		return aws.UnknownTernary
	}
	switch code, message := refused.ErrorCode(), strings.ToLower(refused.ErrorMessage()); {
	case code == "ConcurrentModification", code == "ConflictException" && strings.Contains(message, "concurrent modification"),
		code == "ResourceConflictException" && strings.Contains(message, "an update is in progress"):
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}

// unsure marks the error of a call that may have been carried out.
type unsure struct{ op string }

func (u *unsure) Error() string { return u.op + " may have been carried out" }

// Unsure implements [deploy.Provider].
func (p *Provider) Unsure(err error) string {
	if u, ok := errors.AsType[*unsure](err); ok {
		return "to see whether " + u.op + " was carried out"
	}
	return ""
}
