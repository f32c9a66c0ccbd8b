package apigateway

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"
	"time"

	"quotewire/cloud/logs"
)

// accessLogSettings say where a stage writes a line for each request, and what is in it.
type accessLogSettings struct {
	DestinationARN string `json:"destinationArn,omitempty"`
	Format         string `json:"format,omitempty"`
}

// LogGroups is who keeps the lines of access logs.
type LogGroups interface {
	Put(ctx context.Context, group, stream string, events []logs.Event) error
}

var (
	logGroupARN     = regexp.MustCompile(`^arn:aws:logs:[a-z0-9-]+:\d{12}:log-group:([\w./#-]{1,512})(:\*)?$`)
	contextVariable = regexp.MustCompile(`\$context\.[a-zA-Z0-9_-]+(\.[a-zA-Z0-9_-]+)*`)
)

func (l *accessLogSettings) check() error {
	switch {
	case l == nil:
		return nil
	case strings.HasPrefix(l.DestinationARN, "arn:aws:firehose:"):
		return unsupported("a Firehose stream in accessLogSettings", "name a log group of CloudWatch Logs")
	case !logGroupARN.MatchString(l.DestinationARN):
		return badRequest("Invalid ARN specified in the request. ARNs must start with 'arn:' and the destination must be a log group: arn:aws:logs:{region}:{account}:log-group:{name}")
	case l.Format == "":
		return badRequest("accessLogSettings need a format such as $context.requestId $context.routeKey $context.status")
	case len(l.Format) > maxAccessFormat:
		return badRequest("The format of an access log may have %d bytes", maxAccessFormat)
	case strings.ContainsAny(l.Format, "\r\n"):
		return badRequest("Invalid format of accessLogSettings: it must be one line")
	}
	for _, name := range contextVariable.FindAllString(l.Format, -1) {
		if name == "$context.requestId" || name == "$context.extendedRequestId" {
			return nil
		}
	}
	return badRequest("Invalid format of accessLogSettings: it must have $context.requestId")
}

// logAccess writes the line of a request that the stage's accessLogSettings ask for, if they do. value returns the value
// of $context.NAME, and false if the request has none: that is a hyphen, as on AWS.
func (s *Service) logAccess(view served, value func(name string) (string, bool)) {
	if view.stage == nil || view.stage.AccessLogSettings == nil || s.Logs == nil {
		return
	}
	settings := view.stage.AccessLogSettings
	line := contextVariable.ReplaceAllStringFunc(settings.Format, func(name string) string {
		if v, ok := value(strings.TrimPrefix(name, "$context.")); ok && v != "" {
			return v
		}
		return "-"
	})
	group := logGroupARN.FindStringSubmatch(settings.DestinationARN)[1]
	sum := md5.Sum([]byte(view.api.id() + "/" + view.stage.StageName))
	event := logs.Event{Time: time.Now(), Message: line}
	if err := s.Logs.Put(s.ctx, group, hex.EncodeToString(sum[:]), []logs.Event{event}); err != nil && s.ctx.Err() == nil {
		s.Log.Warn("a line of an access log is lost", "api", view.api.id(), "stage", view.stage.StageName, "logGroup", group, "error", err)
	}
}

// outcome is how a call of a WebSocket API went, for the logs.
type outcome struct {
	status       int    // as AWS counts it: 200 of a connection that was opened or a message that was taken
	message      string // of the error that the client got
	kind         string // of the gateway response that it was
	validation   string // why the body was refused
	backend      exchange
	authorizer   exchange
	authorizerIs bool // the authorizer was asked
}

// exchange is how an integration or an authorizer answered.
type exchange struct {
	status    int
	latency   time.Duration
	requestID string // of the function
	err       string
}

// responseTypes are the gateway responses that clients of WebSocket APIs get, by their texts.
var responseTypes = map[string]string{
	"Forbidden": "ACCESS_DENIED", "Unauthorized": "UNAUTHORIZED", "Too Many Requests": "THROTTLED", "Bad request body": "BAD_REQUEST_BODY",
	"Internal server error": "INTEGRATION_FAILURE", "Endpoint request timed out": "INTEGRATION_TIMEOUT", "Unsupported Media Type": "UNSUPPORTED_MEDIA_TYPE",
}

// accessVariable returns the value of $context.NAME for the access log.
func (k *call) accessVariable(name string) (string, bool) {
	o := &k.outcome
	milliseconds := func(b exchange, asked bool) (string, bool) {
		return strconv.FormatInt(b.latency.Milliseconds(), 10), asked
	}
	number := func(n int) (string, bool) { return strconv.Itoa(n), n != 0 }
	switch name {
	case "status":
		return number(o.status)
	case "error.message":
		return o.message, o.message != ""
	case "error.messageString":
		return strconv.Quote(o.message), o.message != ""
	case "error.responseType":
		return o.kind, o.kind != ""
	case "error.validationErrorString":
		return o.validation, o.validation != ""
	case "integrationLatency", "integration.latency":
		return milliseconds(o.backend, o.backend.status != 0 || o.backend.err != "")
	case "integrationStatus", "integration.status", "integration.integrationStatus":
		return number(o.backend.status)
	case "integrationErrorMessage", "integration.error":
		return o.backend.err, o.backend.err != ""
	case "integration.requestId", "awsEndpointRequestId":
		return o.backend.requestID, o.backend.requestID != ""
	case "authorizer.latency", "authorizer.integrationLatency":
		return milliseconds(o.authorizer, o.authorizerIs)
	case "authorizer.status", "authorizer.integrationStatus":
		return number(o.authorizer.status)
	case "authorizer.requestId":
		return o.authorizer.requestID, o.authorizer.requestID != ""
	case "authorizer.error":
		return o.authorizer.err, o.authorizer.err != ""
	}
	v := k.event().RequestContext.value(name)
	return v, v != ""
}

// finish writes the one line that each handshake, message and close has in the log at debug level, and the one in the
// access log of its stage.
func (s *Service) finish(k *call, what string, more ...any) {
	o := &k.outcome
	if s.debugs() {
		k.log().Debug(what, append(more, "status", o.status, "error", o.message, "functionRequestId", o.backend.requestID, "took", time.Since(k.at))...)
	}
	s.logAccess(k.served, k.accessVariable)
}
