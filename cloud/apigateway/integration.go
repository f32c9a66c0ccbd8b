package apigateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"quotewire/cloud/lambda"
	"quotewire/cloud/protocol"
)

// gatewayPrincipal is who calls a function for an API. The function's resource policy must allow it.
const gatewayPrincipal = "apigateway.amazonaws.com"

// failure says why an integration gave no answer. The data planes have their own words for each.
type failure int

const (
	none          failure = iota
	functionError         // it failed, or cannot be run
	badAnswer             // it answered with something that is no answer
	timedOut
	notPermitted // the gateway may not call it, or there is nothing to call
	throttled
	tooLarge    // the event is beyond what a function takes
	unreachable // the HTTP backend cannot be called
	interrupted // the gateway is closing: no one needs an answer

	badMapping       // a template fails, or what it makes is not what the backend takes
	unsupportedMedia // no template fits, and passthroughBehavior refuses the message
	unmapped         // no integration response fits the answer of a backend that is no proxy
)

// task is what an integration is asked to do, with what its log lines need.
type task struct {
	in          *integration // nil for an authorizer
	credentials string       // the role of an authorizer
	timeout     time.Duration
	variables   map[string]string // of the stage
	sourceARN   string            // aws:SourceArn of the call
	grant       string            // the pattern that a permission for this and all stages names
	note        *exchange         // takes how it went; may be nil
	log         logger            // has the API, the route and the request's id
}

// logger makes the log of a call when there is something to say: what nobody reads costs nothing.
type logger func() *slog.Logger

func (l logger) with(args ...any) logger {
	return func() *slog.Logger { return l().With(args...) }
}

// debugs reports whether the log has what is said at debug level.
func (s *Service) debugs() bool { return s.Log.Enabled(s.ctx, slog.LevelDebug) }

// role is the role in which the gateway calls the backend; "" if it does so in its own name.
func (t task) role() string {
	if t.in == nil {
		return t.credentials
	}
	return resolveVariables(t.in.CredentialsARN, t.variables)
}

// timeout is how long an integration may take; limit bounds what it says itself.
func (in *integration) timeout(limit time.Duration) time.Duration {
	return min(time.Duration(in.TimeoutInMillis)*time.Millisecond, limit)
}

// invoke runs the function of a task and returns what it answered. Whatever goes wrong is logged here, once, with what
// AWS would leave unexplained.
func (s *Service) invoke(ctx context.Context, t task, event []byte) ([]byte, failure) {
	arn := resolveVariables(t.in.IntegrationURI, t.variables)
	if inside, ok := functionARN(arn); ok {
		arn = inside
	}
	return s.invokeFunction(ctx, arn, t.timeout, t, event)
}

// invokeFunction is invoke for a function that is named by its ARN.
func (s *Service) invokeFunction(ctx context.Context, arn string, timeout time.Duration, t task, event []byte) ([]byte, failure) {
	name, qualifier := functionName(arn)
	log := t.log.with("function", name)
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	began := time.Now()
	in := lambda.Invocation{Function: arn, Payload: event, Service: gatewayPrincipal, SourceARN: t.sourceARN}
	if role := t.role(); role != "" {
		if err := s.mayInvoke(ctx, role, arn); err != nil {
			log().Warn("API Gateway may not invoke the function in the role that it was given: "+errorMessage(err), "role", role)
			return nil, notPermitted
		}
		in.Service, in.SourceARN = "", "" // the role's policies count, and those of the function do not
	}
	result, err := s.Functions.Invoke(ctx, in)
	if t.note != nil {
		*t.note = exchange{http.StatusOK, time.Since(began), result.RequestID, result.FunctionError}
		if err != nil {
			*t.note = exchange{err: errorMessage(err), latency: time.Since(began)}
		}
	}
	if s.debugs() {
		log().Debug("invoked", "took", time.Since(began), "functionRequestId", result.RequestID, "error", err, "functionError", result.FunctionError)
	}
	var refused *protocol.Error
	switch {
	case s.ctx.Err() != nil && err != nil:
		return nil, interrupted
	case errors.Is(err, context.DeadlineExceeded):
		log().Warn("the function did not answer in time; it runs on until its own timeout, and its log shows what it waited for",
			"timeout", timeout, "logGroup", "/aws/lambda/"+name)
		return nil, timedOut
	case errors.As(err, &refused) && refused.Status == 403:
		log().Warn("API Gateway may not invoke the function: add the statement to the function's resource policy",
			"reason", refused.Message, "add", permission(name, qualifier, t.grant))
		return nil, notPermitted
	case errors.As(err, &refused) && refused.Status == 404:
		log().Warn("the integration names a function that does not exist: create it, or correct the integration's URI", "arn", arn)
		return nil, notPermitted
	case errors.As(err, &refused) && refused.Status == 429:
		log().Warn("the function is throttled: its reserved concurrency, or the account's, is used up", "reason", refused.Message)
		return nil, throttled
	case errors.As(err, &refused) && refused.Status == 413:
		log().Warn("the event is too long for a function", "bytes", len(event), "reason", refused.Message)
		return nil, tooLarge
	case err != nil:
		log().Warn("the function could not be run", "error", err)
		return nil, functionError
	case result.FunctionError != "":
		log().Info("the function failed; its log shows why", "logGroup", "/aws/lambda/"+name, "functionRequestId", result.RequestID, "answer", shorten(result.Payload))
		return result.Payload, functionError
	}
	return result.Payload, none
}

// permission is the command that lets the gateway invoke a function.
func permission(name, qualifier, sourceARN string) string {
	if qualifier != "" {
		name += " --qualifier " + qualifier
	}
	return fmt.Sprintf("aws lambda add-permission --function-name %s --statement-id apigateway --action lambda:InvokeFunction --principal %s --source-arn '%s'",
		name, gatewayPrincipal, sourceARN)
}

// functionARN returns what stands between functions/ and /invocations of an integration's URI.
func functionARN(uri string) (string, bool) {
	if !strings.HasPrefix(uri, "arn:aws:apigateway:") {
		return "", false
	}
	_, rest, ok := strings.Cut(uri, ":lambda:path/2015-03-31/functions/")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(rest, "/invocations")
}

// functionName splits the ARN arn:aws:lambda:{region}:{account}:function:{name}[:{qualifier}].
func functionName(arn string) (name, qualifier string) {
	parts := strings.Split(arn, ":")
	if len(parts) < 7 {
		return arn, ""
	}
	if len(parts) > 7 {
		qualifier = parts[7]
	}
	return parts[6], qualifier
}

// resolveVariables puts the stage's variables into a URI.
func resolveVariables(uri string, variables map[string]string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(uri, "${stageVariables.")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		name, after, _ := strings.Cut(rest, "}")
		b.WriteString(variables[name])
		uri = after
	}
}

// shorten keeps a log line readable.
func shorten(text []byte) string {
	if len(text) > 256 {
		return string(text[:256]) + "…"
	}
	return string(text)
}
