package lambda

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

const mayDeliver = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:*","lambda:InvokeFunction","s3:PutObject","s3:ListBucket"],"Resource":"*"}]}`

// event invokes a function asynchronously.
func (c *cloud) event(t *testing.T, function, payload string) {
	t.Helper()
	out, err := c.client.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: &function, InvocationType: types.InvocationTypeEvent, Payload: []byte(payload)})
	if err != nil || out.StatusCode != 202 {
		t.Fatal(out, err)
	}
}

func destinations(success, failure string) *types.DestinationConfig {
	d := &types.DestinationConfig{}
	if success != "" {
		d.OnSuccess = &types.OnSuccess{Destination: &success}
	}
	if failure != "" {
		d.OnFailure = &types.OnFailure{Destination: &failure}
	}
	return d
}

func TestRecordsOfEventsReachTheirDestinations(t *testing.T) {
	t.Parallel()
	objects := make(chan []byte, 10)
	c := start(t, func(config *Config) {
		config.RetryDelays = []time.Duration{time.Millisecond}
		config.Code = bucket{code: binaries["library"], objects: objects}
	})
	role := c.role(t, "deliver", mayDeliver)
	deliver := func(in *awslambda.CreateFunctionInput) { in.Role = &role }
	c.function(t, "library", deliver)
	c.function(t, "raw", deliver, func(in *awslambda.CreateFunctionInput) { in.FunctionName = aws.String("listener") })
	listener := c.arn(target{name: "listener"})
	put := func(success, failure string, retries int32) {
		t.Helper()
		if _, err := c.client.PutFunctionEventInvokeConfig(t.Context(), &awslambda.PutFunctionEventInvokeConfigInput{
			FunctionName: aws.String("watch"), MaximumRetryAttempts: &retries, DestinationConfig: destinations(success, failure),
		}); err != nil {
			t.Fatal(err)
		}
	}
	put("", "arn:aws:s3:::records", 1)
	c.event(t, "watch", `{"Do":"error","Text":"no ticker"}`)
	var r record
	if err := json.Unmarshal(<-objects, &r); err != nil {
		t.Fatal(err)
	}
	if r.Version != "1.0" || r.RequestContext.Condition != retriesExhausted || r.RequestContext.ApproximateInvokeCount != 2 ||
		r.RequestContext.FunctionARN != "arn:aws:lambda:us-east-1:111122223333:function:watch:$LATEST" ||
		string(r.RequestPayload) != `{"Do":"error","Text":"no ticker"}` || r.ResponseContext.FunctionError != "Unhandled" || r.ResponseContext.ExecutedVersion != latest ||
		string(r.ResponsePayload) != `{"errorMessage":"no ticker","errorType":"errorString"}` {
		t.Errorf("the record is %s", mustJSON(r))
	}

	put(listener, "", 0)
	c.event(t, "watch", `{"Do":"echo","Text":"fine"}`)
	c.logs.wait(t, "/aws/lambda/listener", "REPORT RequestId")

	// Without concurrency an event goes straight to the destination for failures.
	if _, err := c.client.PutFunctionConcurrency(t.Context(), &awslambda.PutFunctionConcurrencyInput{FunctionName: aws.String("watch"), ReservedConcurrentExecutions: aws.Int32(0)}); err != nil {
		t.Fatal(err)
	}
	put("", "arn:aws:s3:::records", 2)
	c.event(t, "watch", `{}`)
	r = record{}
	if err := json.Unmarshal(<-objects, &r); err != nil || r.RequestContext.ApproximateInvokeCount != 0 || r.ResponseContext != nil {
		t.Errorf("the record is %s, %v", mustJSON(r), err)
	}
}

func TestEventTooOldIsNotTried(t *testing.T) {
	t.Parallel()
	objects := make(chan []byte, 10)
	c := start(t, func(config *Config) {
		config.EventAge = time.Nanosecond
		config.Code = bucket{code: binaries["library"], objects: objects}
	})
	role := c.role(t, "deliver", mayDeliver)
	c.function(t, "library", func(in *awslambda.CreateFunctionInput) { in.Role = &role })
	if _, err := c.client.PutFunctionEventInvokeConfig(t.Context(), &awslambda.PutFunctionEventInvokeConfigInput{
		FunctionName: aws.String("watch"), DestinationConfig: destinations("", "arn:aws:s3:::records"),
	}); err != nil {
		t.Fatal(err)
	}
	c.event(t, "watch", `{}`)
	if text := string(<-objects); !strings.Contains(text, `"condition":"EventAgeExceeded"`) {
		t.Errorf("the record is %s", text)
	}
}

func TestDestinationsAreChecked(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.function(t, "library")
	for _, test := range []struct{ success, failure, text string }{
		{"", "arn:aws:sqs:us-east-1:111122223333:queue", "does not have the service of arn:aws:sqs:us-east-1:111122223333:queue"},
		{"", "arn:aws:lambda:us-east-1:111122223333:function:nobody", "is invalid"},
		{"arn:aws:s3:::records", "", "records of failures only"},
		{"", "arn:aws:s3:::records", "The function's execution role does not have permissions to call PutObject on arn:aws:s3:::records"},
		{"", c.arn(target{name: "watch"}), "The function's execution role does not have permissions to call InvokeFunction on"},
		{"what", "", "is invalid"},
	} {
		_, err := c.client.PutFunctionEventInvokeConfig(t.Context(), &awslambda.PutFunctionEventInvokeConfigInput{FunctionName: aws.String("watch"), DestinationConfig: destinations(test.success, test.failure)})
		wantError(t, err, "InvalidParameterValueException", test.text)
	}
	_, err := c.client.UpdateFunctionEventInvokeConfig(t.Context(), &awslambda.UpdateFunctionEventInvokeConfigInput{FunctionName: aws.String("watch"), MaximumRetryAttempts: aws.Int32(1)})
	wantError(t, err, "ResourceNotFoundException", "doesn't have an EventInvokeConfig")
}
