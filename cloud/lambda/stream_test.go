package lambda

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// events reads a response stream to its end.
func events(t *testing.T, c *cloud, in *awslambda.InvokeWithResponseStreamInput, each func(part string)) types.InvokeWithResponseStreamCompleteEvent {
	t.Helper()
	in.FunctionName = aws.String("watch")
	out, err := c.client.InvokeWithResponseStream(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	s := out.GetStream()
	defer s.Close()
	var last *types.InvokeWithResponseStreamCompleteEvent
	for e := range s.Events() {
		switch e := e.(type) {
		case *types.InvokeWithResponseStreamResponseEventMemberPayloadChunk:
			each(string(e.Value.Payload))
		case *types.InvokeWithResponseStreamResponseEventMemberInvokeComplete:
			last = &e.Value
		}
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	if last == nil {
		t.Fatal("the stream ended without InvokeComplete")
	}
	return *last
}

func TestStreamedPartsArriveAsTheyAreSent(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.function(t, "raw")
	m := meet(t)
	var got []string
	last := events(t, c, &awslambda.InvokeWithResponseStreamInput{Payload: []byte(`"stream ` + m.Addr().String() + `"`), LogType: types.LogTypeTail}, func(part string) {
		if got = append(got, part); len(got) == 1 {
			(<-m.conns).Close() // until now the function has not sent the second part
		}
	})
	if text := strings.Join(got, "|"); text != "one|two" {
		t.Errorf("got the parts %q, want one|two", text)
	}
	if last.ErrorCode != nil {
		t.Errorf("InvokeComplete has the error %s", *last.ErrorCode)
	}
	log, _ := base64.StdEncoding.DecodeString(aws.ToString(last.LogResult))
	if !strings.Contains(string(log), "REPORT RequestId") {
		t.Errorf("InvokeComplete has the log %q, want one with REPORT", log)
	}
}

func TestStreamsThatBreakOffSaySo(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.function(t, "raw")
	m := meet(t)
	for _, test := range []struct{ event, part, details string }{
		{"break", "one", `"half way"`},
		{"die " + m.Addr().String(), "one", "Runtime exited with error: exit status 1"},
		{"bytes", "\xff\x00 no JSON", ""},
	} {
		var got strings.Builder
		last := events(t, c, &awslambda.InvokeWithResponseStreamInput{Payload: []byte(`"` + test.event + `"`)}, func(part string) {
			got.WriteString(part)
			if strings.HasPrefix(test.event, "die") {
				(<-m.conns).Close()
			}
		})
		if got.String() != test.part || !strings.Contains(aws.ToString(last.ErrorDetails), test.details) || (last.ErrorCode == nil) != (test.details == "") {
			t.Errorf("%s: got %q and %q, %q; want %q and …%s…", test.event, got.String(), aws.ToString(last.ErrorCode), aws.ToString(last.ErrorDetails), test.part, test.details)
		}
	}
}

func TestInvokeGetsAStreamedResponseWhole(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.function(t, "raw")
	if got, failed := c.invoke(t, "watch", `"stream"`); got != "onetwo" || failed {
		t.Errorf("Invoke got %q, %v; want onetwo", got, failed)
	}
	result, err := c.Service.Invoke(context.Background(), Invocation{Function: "watch", Payload: []byte(`"prelude"`)})
	want := `{"statusCode":201,"headers":{"x-kind":"streamed"},"cookies":["a=b"],"body":"b25ldHdv","isBase64Encoded":true}`
	if err != nil || string(result.Payload) != want {
		t.Errorf("API Gateway gets %s, %v; want %s", result.Payload, err, want)
	}
}

func TestCallerThatLeavesAStreamDoesNotEndTheFunction(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.function(t, "raw")
	m := meet(t)
	ctx, cancel := context.WithCancel(t.Context())
	out, err := c.client.InvokeWithResponseStream(ctx, &awslambda.InvokeWithResponseStreamInput{FunctionName: aws.String("watch"), Payload: []byte(`"stream ` + m.Addr().String() + `"`)})
	if err != nil {
		t.Fatal(err)
	}
	<-out.GetStream().Events()
	cancel()
	out.GetStream().Close()
	(<-m.conns).Close()
	text := c.logs.wait(t, "/aws/lambda/watch", "REPORT RequestId")
	if !strings.Contains(text, "202 Accepted") || strings.Contains(text, "Status: error") {
		t.Errorf("the function was not left alone:\n%s", text)
	}
}
