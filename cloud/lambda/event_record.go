package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"quotewire/cloud/iam"
	"quotewire/cloud/protocol"
)

// record is what a destination learns of an asynchronous invocation that has ended.
type record struct {
	Version         string          `json:"version"`
	Timestamp       string          `json:"timestamp"`
	RequestContext  recordRequest   `json:"requestContext"`
	RequestPayload  json.RawMessage `json:"requestPayload"`
	ResponseContext *recordResponse `json:"responseContext,omitempty"`
	ResponsePayload json.RawMessage `json:"responsePayload,omitempty"`
}

type recordRequest struct {
	RequestID              string `json:"requestId"`
	FunctionARN            string `json:"functionArn"`
	Condition              string `json:"condition"`
	ApproximateInvokeCount int    `json:"approximateInvokeCount"`
}

type recordResponse struct {
	StatusCode      int    `json:"statusCode"`
	ExecutedVersion string `json:"executedVersion"`
	FunctionError   string `json:"functionError,omitempty"`
}

// Conditions under which an asynchronous invocation ends.
const (
	succeeded        = "Success"
	retriesExhausted = "RetriesExhausted"
	eventAgeExceeded = "EventAgeExceeded"
)

func (q *eventQueue) record(e *event, condition string) *record {
	r := &record{
		Version: "1.0", Timestamp: time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
		RequestContext: recordRequest{e.ID, q.service.arn(target{e.Function, eventQualifier(e.Qualifier)}), condition, e.Attempts},
		RequestPayload: e.Payload,
	}
	if last := e.Last; last != nil {
		r.ResponseContext = &recordResponse{200, last.Version, last.FunctionError}
		r.ResponsePayload = last.Payload
		if !json.Valid(last.Payload) {
			r.ResponsePayload = mustJSON(string(last.Payload))
		}
	}
	return r
}

// end brings the record of an event that has ended to its destination, and says of a failure what became of it.
func (q *eventQueue) end(ctx context.Context, e *event, f *function, condition string) {
	s := q.service
	config := f.Async[eventQualifier(e.Qualifier)]
	destination := config.onFailure()
	if condition == succeeded {
		destination = config.onSuccess()
	}
	var err error
	if destination != "" {
		err = q.deliver(ctx, f, destination, q.record(e, condition))
	}
	log := s.Log.With("function", e.Function, "functionRequestId", e.ID, "destination", destination)
	if err != nil {
		log.Error("lambda: the record of an asynchronous invocation could not be brought to its destination, and is lost", "condition", condition, "error", err)
	}
	switch {
	case condition == succeeded:
		log.Debug("lambda: an asynchronous invocation has succeeded", "attempts", e.Attempts)
	case destination != "" && err == nil:
		log.Warn("lambda: an asynchronous invocation has failed for good; its destination has its record", "condition", condition, "attempts", e.Attempts, "error", e.failure())
	case destination == "":
		log.Warn("lambda: an asynchronous invocation has failed for good, and its event is dropped: aws lambda put-function-event-invoke-config gives the function a destination for failures",
			"condition", condition, "attempts", e.Attempts, "error", e.failure())
	}
}

// deliver brings a record to a destination in the name of the function's role.
func (q *eventQueue) deliver(ctx context.Context, f *function, destination string, r *record) error {
	s := q.service
	role := f.latest().Config.Role
	credentials, who, err := s.assume(ctx, role, f.Name)
	if err != nil {
		return err
	}
	defer s.IAM.Revoke(credentials.AccessKeyID)
	as := iam.WithPrincipal(ctx, who)
	if bucket, ok := strings.CutPrefix(destination, "arn:aws:s3:::"); ok {
		now := time.Now().UTC()
		key := fmt.Sprintf("aws/lambda/async/%s/%s/%s-%s", f.Name, now.Format("2006/01/02"), now.Format("2006-01-02T15.04.05"), protocol.RequestID())
		if err := s.IAM.Authorize(as, protocol.RESTXML, "s3:PutObject", destination+"/"+key, nil); err != nil {
			return err
		}
		return s.Code.Put(ctx, bucket, key, "application/json", mustJSON(r))
	}
	t, err := s.parse(destination, "")
	if err != nil {
		return err
	}
	if err := s.IAM.Authorize(as, protocol.RESTJSON, "lambda:InvokeFunction", destination, nil); err != nil {
		return err
	}
	if next := s.catalog.get(t.name); next == nil || next.version(t.qualifier) == nil {
		return errNoFunction(destination)
	}
	return q.add(ctx, t, newExecution(mustJSON(r)))
}

// failure says why the last attempt failed.
func (e *event) failure() error {
	switch {
	case e.Last != nil && e.Last.FunctionError != "":
		return errors.New(string(e.Last.Payload))
	case e.Refused != "":
		return errors.New(e.Refused)
	}
	return errors.New("it was not tried")
}
