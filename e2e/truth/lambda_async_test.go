package truth

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"quotewire/e2e/rig"
)

func TestLambdaAsynchronousInvocations(t *testing.T) {
	c := start(t, "--limit", "lambda.retry-delays=10ms,20ms")
	py, js := c.boto3(t), c.js(t)
	seen := collect(t)
	may := policy(strings.Replace(usual, `"logs:*"`, `"logs:*","lambda:*","s3:*"`, 1))
	listener := c.function(t, "listener", variable("COLLECT", seen.URL))
	py.call(t, "s3", "CreateBucket", m{"Bucket": "records"})
	to := func(t *testing.T, f *function, success, failure string, retries int) {
		t.Helper()
		d := m{}
		if success != "" {
			d["OnSuccess"] = m{"Destination": success}
		}
		if failure != "" {
			d["OnFailure"] = m{"Destination": failure}
		}
		py.call(t, "lambda", "PutFunctionEventInvokeConfig", m{"FunctionName": f.Name, "MaximumRetryAttempts": retries, "DestinationConfig": d})
	}
	event := func(t *testing.T, f *function, payload string) (requestID string) {
		t.Helper()
		return py.call(t, "lambda", "Invoke", m{"FunctionName": f.Name, "InvocationType": "Event", "Payload": []byte(payload)}).Headers["x-amzn-requestid"]
	}
	parse := func(t *testing.T, text string) answer {
		t.Helper()
		var record any
		if err := json.Unmarshal([]byte(text), &record); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		return answer{Answer: record}
	}

	rule(t, "an event that fails is tried twice again, and its record says RetriesExhausted", "Lambda §5", boto3, func(t *testing.T) {
		f := c.function(t, "failing", may)
		to(t, f, "", listener.ARN, 2)
		id := event(t, f, `{"do":"error","text":"no ticker"}`)
		r := parse(t, seen.wait(t, id))
		for path, value := range map[string]string{
			"version": "1.0", "requestContext.requestId": id, "requestContext.functionArn": f.ARN + ":$LATEST", "requestContext.condition": "RetriesExhausted",
			"requestContext.approximateInvokeCount": "3", "requestPayload.text": "no ticker", "responseContext.statusCode": "200", "responseContext.executedVersion": "$LATEST",
			"responseContext.functionError": "Unhandled", "responsePayload.errorMessage": "no ticker",
		} {
			want(t, r, path, value)
		}
	})
	rule(t, "all tries of an event have one request id", "Lambda §5", boto3, func(t *testing.T) {
		f := c.function(t, "again", may)
		group := "/aws/lambda/" + f.Name
		to(t, f, "", listener.ARN, 1)
		id := event(t, f, `{"do":"exit","code":3}`)
		seen.wait(t, id)
		deadline := time.Now().Add(rig.Patience)
		for n := 0; n != 2; {
			a := py.do(t, "logs", "FilterLogEvents", m{"logGroupName": group, "filterPattern": `"REPORT RequestId: ` + id + `"`})
			if n = len(a.list("events")); time.Now().After(deadline) {
				t.Fatalf("the log has %d reports of %s", n, id)
			}
		}
	})
	rule(t, "the record of a success goes to its destination, with what the function returned", "Lambda §5", jsSDK, func(t *testing.T) {
		f := c.function(t, "fine", may)
		to(t, f, listener.ARN, "", 0)
		id := js.call(t, "lambda", "Invoke", m{"FunctionName": f.Name, "InvocationType": "Event", "Payload": []byte(`{"do":"return","value":{"done":true}}`)}).Headers["x-amzn-requestid"]
		r := parse(t, seen.wait(t, id))
		want(t, r, "requestContext.condition", "Success")
		want(t, r, "responsePayload.done", "true")
		want(t, r, "responseContext.functionError", "")
	})
	rule(t, "an S3 bucket gets records of failures below aws/lambda/async/", "Capturing records of asynchronous invocations", boto3, func(t *testing.T) {
		f := c.function(t, "stored", may)
		to(t, f, "", "arn:aws:s3:::records", 0)
		id := event(t, f, `{"do":"error","text":"kept"}`)
		deadline := time.Now().Add(rig.Patience)
		for {
			a := py.call(t, "s3", "ListObjectsV2", m{"Bucket": "records", "Prefix": "aws/lambda/async/" + f.Name + "/" + time.Now().UTC().Format("2006/01/02") + "/"})
			if key := a.str("Contents.0.Key"); key != "" {
				want(t, parse(t, string(py.call(t, "s3", "GetObject", m{"Bucket": "records", "Key": key}).bytes("Body"))), "requestContext.requestId", id)
				return
			}
			if time.Now().After(deadline) {
				t.Fatal("the bucket has no record")
			}
		}
	})
	choice(t, "with a reserved concurrency of 0 an event goes straight to its destination for failures, as RetriesExhausted", "Lambda §5", boto3, func(t *testing.T) {
		f := c.function(t, "stopped", may)
		py.call(t, "lambda", "PutFunctionConcurrency", m{"FunctionName": f.Name, "ReservedConcurrentExecutions": 0})
		to(t, f, "", listener.ARN, 2)
		r := parse(t, seen.wait(t, event(t, f, `{}`)))
		want(t, r, "requestContext.condition", "RetriesExhausted")
		want(t, r, "requestContext.approximateInvokeCount", "0")
	})
	rule(t, "an event that nothing takes leaves a line in the cloud's log", "Lambda §5", boto3, func(t *testing.T) {
		f := c.function(t, "dropped", may)
		py.call(t, "lambda", "PutFunctionEventInvokeConfig", m{"FunctionName": f.Name, "MaximumRetryAttempts": 0})
		event(t, f, `{"do":"error","text":"lost"}`)
		c.Wait(t, "its event is dropped", f.Name)
	})
	rule(t, "the role must be allowed to reach the destination when that is set", "Lambda §5", boto3, func(t *testing.T) {
		f := c.function(t, "unable")
		a := py.fail(t, "lambda", "PutFunctionEventInvokeConfig", m{"FunctionName": f.Name, "DestinationConfig": m{"OnFailure": m{"Destination": listener.ARN}}})
		refused(t, a, 400, "InvalidParameterValueException", "The function's execution role does not have permissions to call InvokeFunction on "+listener.ARN)
	})
	difference(t, "destinations in SQS, SNS and EventBridge are refused by name", "Lambda §5", boto3, "those services are not there", func(t *testing.T) {
		a := py.fail(t, "lambda", "PutFunctionEventInvokeConfig", m{"FunctionName": listener.Name, "DestinationConfig": m{"OnFailure": m{"Destination": "arn:aws:sqs:us-east-1:111122223333:q"}}})
		refused(t, a, 400, "InvalidParameterValueException", "does not have the service of arn:aws:sqs:us-east-1:111122223333:q")
	})
	rule(t, "a configuration is read, changed member by member, listed and deleted", "API Reference: UpdateFunctionEventInvokeConfig", boto3, func(t *testing.T) {
		f := c.function(t, "configured")
		name := m{"FunctionName": f.Name}
		refused(t, py.fail(t, "lambda", "GetFunctionEventInvokeConfig", name), 404, "ResourceNotFoundException", "doesn't have an EventInvokeConfig")
		py.call(t, "lambda", "PutFunctionEventInvokeConfig", m{"FunctionName": f.Name, "MaximumRetryAttempts": 1, "MaximumEventAgeInSeconds": 60})
		a := py.call(t, "lambda", "UpdateFunctionEventInvokeConfig", m{"FunctionName": f.Name, "MaximumRetryAttempts": 0})
		if a.str("MaximumRetryAttempts") != "0" || a.str("MaximumEventAgeInSeconds") != "60" || a.str("FunctionArn") != f.ARN+":$LATEST" {
			t.Errorf("got %v", a.Answer)
		}
		if n := len(py.call(t, "lambda", "ListFunctionEventInvokeConfigs", name).list("FunctionEventInvokeConfigs")); n != 1 {
			t.Errorf("%d configurations are listed", n)
		}
		py.call(t, "lambda", "DeleteFunctionEventInvokeConfig", name)
		refused(t, py.fail(t, "lambda", "PutFunctionEventInvokeConfig", m{"FunctionName": f.Name, "MaximumRetryAttempts": 3}), 400, "ValidationException", "less than or equal to 2")
	})
	rule(t, "an event that waited longer than its age allows is EventAgeExceeded", "Lambda §5", boto3, func(t *testing.T) {
		c := start(t, "--limit", "lambda.event-age=1ns")
		seen, py := collect(t), c.boto3(t)
		listener := c.function(t, "listener", variable("COLLECT", seen.URL))
		f := c.function(t, "late", may)
		py.call(t, "lambda", "PutFunctionEventInvokeConfig", m{"FunctionName": f.Name, "DestinationConfig": m{"OnFailure": m{"Destination": listener.ARN}}})
		py.call(t, "lambda", "Invoke", m{"FunctionName": f.Name, "InvocationType": "Event"})
		c.Wait(t, "EventAgeExceeded", f.Name)
	})
}
