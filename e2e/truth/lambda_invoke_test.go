package truth

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// invokeParams are those of an invocation with the probe's command.
func invokeParams(f *function, command string, change m) m {
	p := m{"FunctionName": f.Name, "Payload": []byte(command)}
	for k, v := range change {
		p[k] = v
	}
	return p
}

const requestID = `[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`

// answers checks the payload of an invocation against a regular expression.
func answers(t *testing.T, a answer, functionError, pattern string) {
	t.Helper()
	payload := a.bytes("Payload")
	if a.Status != 200 || a.str("FunctionError") != functionError || !regexp.MustCompile(pattern).Match(payload) {
		t.Errorf("%d, function error %q, %.300s\nwant 200, %q, %s", a.Status, a.str("FunctionError"), payload, functionError, pattern)
	}
}

func TestLambdaInvoke(t *testing.T) {
	c := shared(t)
	py, js := c.boto3(t), c.js(t)
	f := c.function(t, "invoked", timeout(2))
	invoke := func(t *testing.T, command string) answer {
		return py.call(t, "lambda", "Invoke", invokeParams(f, command, nil))
	}

	rule(t, "Invoke answers 200 with the function's bytes and the version that ran", "Lambda §5", boto3, func(t *testing.T) {
		a := invoke(t, `{"do":"return","value":{"a":[1,2]}}`)
		answers(t, a, "", `^{"a":\[1,2\]}$`)
		want(t, a, "ExecutedVersion", "$LATEST")
	})
	rule(t, "an empty payload reaches the function as {}", "Lambda §5", boto3, func(t *testing.T) {
		answers(t, py.call(t, "lambda", "Invoke", m{"FunctionName": f.Name}), "", `"body":"{}"`)
	})
	rule(t, "an error of the handler is a 200 with X-Amz-Function-Error and the runtime's own JSON", "Lambda §5", jsSDK, func(t *testing.T) {
		a := js.call(t, "lambda", "Invoke", invokeParams(f, `{"do":"error","text":"no ticker"}`, nil))
		answers(t, a, "Unhandled", `^{"errorMessage":"no ticker","errorType":"failure"}$`)
		if a.Headers["x-amz-function-error"] != "Unhandled" {
			t.Errorf("the header is %q", a.Headers["x-amz-function-error"])
		}
	})
	rule(t, "a process that exits is a Runtime.ExitError with its status", "Lambda §5", boto3, func(t *testing.T) {
		answers(t, invoke(t, `{"do":"exit","code":2}`), "Unhandled", `^{"errorType":"Runtime.ExitError","errorMessage":"RequestId: `+requestID+` Error: Runtime exited with error: exit status 2"}$`)
		answers(t, invoke(t, `{"do":"exit"}`), "Unhandled", `^{"errorType":"Runtime.ExitError","errorMessage":"RequestId: `+requestID+` Error: Runtime exited without providing a reason"}$`)
	})
	rule(t, "a panic is told with its stack, and the next invocation works again", "Lambda §6", jsSDK, func(t *testing.T) {
		answers(t, js.call(t, "lambda", "Invoke", invokeParams(f, `{"do":"panic","text":"oops"}`, nil)), "Unhandled", `^{"errorMessage":"oops","errorType":"string","stackTrace":\[`)
		answers(t, invoke(t, `{"do":"return","value":1}`), "", `^1$`)
	})
	rule(t, "a function that takes too long is a Sandbox.Timedout, and its log has both lines", "Lambda §5", boto3, func(t *testing.T) {
		g := c.function(t, "slow", timeout(1))
		a := py.call(t, "lambda", "Invoke", invokeParams(g, `{"do":"sleep","ms":600000}`, m{"LogType": "Tail"}))
		answers(t, a, "Unhandled", `^{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: `+requestID+` Error: Task timed out after 1.00 seconds"}$`)
		log := tail(t, a)
		if !regexp.MustCompile(`Z `+requestID+` Task timed out after 1.00 seconds`).MatchString(log) || !strings.Contains(log, "Duration: 1000.00 ms") || !strings.Contains(log, "Status: timeout") {
			t.Errorf("the log is %s", log)
		}
	})
	rule(t, "a response of 6291556 bytes passes, and one byte more is Function.ResponseSizeTooLarge", "Lambda §5", boto3, func(t *testing.T) {
		if a := invoke(t, `{"do":"big","size":6291554}`); len(a.bytes("Payload")) != 6291556 || a.str("FunctionError") != "" {
			t.Errorf("got %d bytes, %q", len(a.bytes("Payload")), a.str("FunctionError"))
		}
		answers(t, invoke(t, `{"do":"big","size":6291555}`), "Unhandled",
			`^{"errorMessage":"Response payload size exceeded maximum allowed payload size \(6291556 bytes\).","errorType":"Function.ResponseSizeTooLarge"}$`)
	})
	rule(t, "a zip without a bootstrap fails when it is invoked, not when it is created", "Lambda §7", boto3, func(t *testing.T) {
		code, err := zipOf("main", []byte("#!/bin/sh\n"))
		if err != nil {
			t.Fatal(err)
		}
		name := unique("empty")
		py.call(t, "lambda", "CreateFunction", createParams(f, name, m{"Code": m{"ZipFile": code}}))
		c.awaitFunction(t, name)
		answers(t, py.call(t, "lambda", "Invoke", m{"FunctionName": name}), "Unhandled",
			`^{"errorType":"Runtime.InvalidEntrypoint","errorMessage":"RequestId: `+requestID+` Error: Couldn't find valid bootstrap\(s\): \[/var/task/bootstrap /opt/bootstrap\]"}$`)
		c.Wait(t, name, "deploy code that this machine can run")
	})
	rule(t, "a payload that is no JSON is refused", "Lambda §5", boto3, func(t *testing.T) {
		refused(t, py.fail(t, "lambda", "Invoke", invokeParams(f, `{no`, nil)), 400, "InvalidRequestContentException", "Could not parse request body into json: Could not parse payload into json: ")
	})
	rule(t, "a payload of more than 6 MB is 413, of more than 1 MB for Event", "Lambda §5", boto3, func(t *testing.T) {
		big := func(n int) []byte { return bytes.Repeat([]byte("1"), n) }
		a := py.fail(t, "lambda", "Invoke", m{"FunctionName": f.Name, "Payload": big(6291457)})
		refused(t, a, 413, "RequestTooLargeException", "6291457 byte payload is too large for the RequestResponse invocation type (limit 6291456 bytes)")
		a = py.fail(t, "lambda", "Invoke", m{"FunctionName": f.Name, "InvocationType": "Event", "Payload": big(1048577)})
		refused(t, a, 413, "RequestTooLargeException", "1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)")
	})
	rule(t, "a dry run is 204 and starts nothing; Event is 202 and says no version", "Lambda §5", jsSDK, func(t *testing.T) {
		if a := js.call(t, "lambda", "Invoke", invokeParams(f, `{}`, m{"InvocationType": "DryRun"})); a.Status != 204 {
			t.Errorf("a dry run is %d", a.Status)
		}
		a := js.call(t, "lambda", "Invoke", invokeParams(f, `{}`, m{"InvocationType": "Event"}))
		if a.Status != 202 || a.str("ExecutedVersion") != "" {
			t.Errorf("an event is %d, %q", a.Status, a.str("ExecutedVersion"))
		}
		refused(t, js.fail(t, "lambda", "Invoke", invokeParams(f, `{}`, m{"InvocationType": "Later"})), 400, "ValidationException", "'invocationType'")
	})
	rule(t, "LogType Tail gives the log of this invocation, from START to REPORT", "Lambda §5", boto3, func(t *testing.T) {
		g := c.function(t, "tailed")
		cold := tail(t, py.call(t, "lambda", "Invoke", invokeParams(g, `{"do":"print","text":"hello"}`, m{"LogType": "Tail"})))
		form := regexp.MustCompile(`^INIT_START Runtime Version: provided:al2023\tRuntime Version ARN: arn:aws:lambda:us-east-1::runtime:[0-9a-f]{64}\n` +
			`START RequestId: ` + requestID + ` Version: \$LATEST\nhello\nEND RequestId: ` + requestID + `\n` +
			`REPORT RequestId: ` + requestID + `\tDuration: [0-9.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 256 MB\tMax Memory Used: \d+ MB\tInit Duration: [0-9.]+ ms\t\n$`)
		if !form.MatchString(cold) {
			t.Errorf("the log of a cold start is %q", cold)
		}
		warm := tail(t, py.call(t, "lambda", "Invoke", invokeParams(g, `{"do":"print","text":"hello"}`, m{"LogType": "Tail"})))
		if strings.Contains(warm, "INIT_START") || strings.Contains(warm, "Init Duration") {
			t.Errorf("the log of a warm one is %q", warm)
		}
	})
	rule(t, "a client context reaches the function decoded, and is at most 3583 bytes", "Lambda §5", boto3, func(t *testing.T) {
		g := c.function(t, "context", program(nodeBootstrap))
		context := func(n int) string {
			return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, `{"custom":{"k":%q}}`, strings.Repeat("v", n)))
		}
		a := py.call(t, "lambda", "Invoke", m{"FunctionName": g.Name, "Payload": []byte(`{}`), "ClientContext": context(1)})
		answers(t, a, "", `"lambda-runtime-client-context":"{\\"custom\\":{\\"k\\":\\"v\\"}}"`)
		refused(t, py.fail(t, "lambda", "Invoke", m{"FunctionName": g.Name, "Payload": []byte(`{}`), "ClientContext": context(3600)}), 400, "InvalidRequestContentException", "3583")
	})
	rule(t, "InvokeWithResponseStream gives a buffered response in parts and then InvokeComplete", "API Reference: InvokeWithResponseStream", boto3, func(t *testing.T) {
		a := py.call(t, "lambda", "InvokeWithResponseStream", invokeParams(f, `{"do":"return","value":{"a":1}}`, m{"LogType": "Tail"}))
		events := a.list("EventStream")
		if len(events) != 2 || a.str("ExecutedVersion") != "$LATEST" {
			t.Fatalf("got %v", a.Answer)
		}
		if got := (answer{Answer: events[0]}).bytes("PayloadChunk.Payload"); string(got) != `{"a":1}` {
			t.Errorf("the part is %s", got)
		}
		if log, _ := base64.StdEncoding.DecodeString((answer{Answer: events[1]}).str("InvokeComplete.LogResult")); !bytes.Contains(log, []byte("REPORT RequestId")) {
			t.Errorf("the log is %s", log)
		}
	})
	rule(t, "InvokeComplete tells of a function that failed", "API Reference: InvokeWithResponseStream", jsSDK, func(t *testing.T) {
		a := js.call(t, "lambda", "InvokeWithResponseStream", invokeParams(f, `{"do":"error","text":"no ticker"}`, nil))
		events := a.list("EventStream")
		last := answer{Answer: events[len(events)-1]}
		if last.str("InvokeComplete.ErrorCode") != "Unhandled" || !strings.Contains(last.str("InvokeComplete.ErrorDetails"), "no ticker") {
			t.Errorf("got %v", a.Answer)
		}
	})
}

// tail is the log that came with an invocation.
func tail(t *testing.T, a answer) string {
	t.Helper()
	text, err := base64.StdEncoding.DecodeString(a.str("LogResult"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestLambdaConcurrency(t *testing.T) {
	c := shared(t)
	py := c.boto3(t)
	f := c.function(t, "reserved")
	g := c.function(t, "warm")

	rule(t, "beyond its reserved concurrency a function is 429 with Reason and Retry-After", "Lambda §5", boto3, func(t *testing.T) {
		gate := newGate(t)
		py.call(t, "lambda", "PutFunctionConcurrency", m{"FunctionName": f.Name, "ReservedConcurrentExecutions": 1})
		want(t, py.call(t, "lambda", "GetFunction", m{"FunctionName": f.Name}), "Concurrency.ReservedConcurrentExecutions", "1")
		first := f.later(gate.command())
		gate.arrived(t)
		a := py.fail(t, "lambda", "Invoke", invokeParams(f, `{}`, nil))
		refused(t, a, 429, "TooManyRequestsException", "Rate Exceeded.")
		if a.str("Reason") != "ReservedFunctionConcurrentInvocationLimitExceeded" || a.Headers["retry-after"] == "" {
			t.Errorf("the answer is %v with %v", a.Answer, a.Headers)
		}
		gate.open()
		if err := <-first; err != nil {
			t.Errorf("the first: %v", err)
		}
	})
	rule(t, "reservations leave 100 executions to everyone else", "Lambda §7", boto3, func(t *testing.T) {
		a := py.fail(t, "lambda", "PutFunctionConcurrency", m{"FunctionName": g.Name, "ReservedConcurrentExecutions": 901})
		refused(t, a, 400, "InvalidParameterValueException", "decreases account's UnreservedConcurrentExecution below its minimum value of [100].")
	})
	rule(t, "an environment serves one invocation at a time; another one at the same time starts another", "Lambda §7", boto3, func(t *testing.T) {
		h := c.function(t, "scaled")
		gates := []*gate{newGate(t), newGate(t)}
		var running []<-chan error
		for _, gate := range gates {
			running = append(running, h.later(gate.command()))
		}
		for _, gate := range gates {
			gate.arrived(t) // both run at the same time
		}
		for i, gate := range gates {
			gate.open()
			<-running[i]
		}
	})
	rule(t, "invocations after each other share an environment: its /tmp and its log stream", "Lambda §7", boto3, func(t *testing.T) {
		stream := func() string {
			_, after, _ := strings.Cut(g.probe(t, `{"do":"env"}`), "AWS_LAMBDA_LOG_STREAM_NAME=")
			name, _, _ := strings.Cut(after, `"`)
			return name
		}
		first := stream()
		g.probe(t, `{"do":"write","path":"/tmp/here","text":"yes"}`)
		if got := g.probe(t, `{"do":"read","path":"/tmp/here"}`); got != "yes" || stream() != first || first == "" {
			t.Errorf("/tmp says %q; the stream was %q and is %q", got, first, stream())
		}
	})
	rule(t, "beyond the account's concurrency every function is 429, with a Reason of its own", "Lambda §5", boto3, func(t *testing.T) {
		c := start(t, "--limit", "lambda.concurrency=1")
		f, gate, py := c.function(t, "alone"), newGate(t), c.boto3(t)
		first := f.later(gate.command())
		gate.arrived(t)
		a := py.fail(t, "lambda", "Invoke", invokeParams(f, `{}`, nil))
		if a.Status != 429 || a.str("Reason") != "ConcurrentInvocationLimitExceeded" {
			t.Errorf("got %d %v", a.Status, a.Answer)
		}
		c.Wait(t, "was refused with 429")
		gate.open()
		<-first
	})
}

// gate is a place where an invocation waits until the test lets it go on.
type gate struct {
	url    string
	in     chan struct{}
	opened chan struct{}
}

func newGate(t testing.TB) *gate {
	g := &gate{in: make(chan struct{}, 10), opened: make(chan struct{})}
	g.url = serve(t, func(w http.ResponseWriter, r *http.Request) {
		g.in <- struct{}{}
		<-g.opened
	})
	return g
}

func (g *gate) command() string {
	text, _ := json.Marshal(m{"do": "fetch", "url": g.url, "ms": 60000})
	return string(text)
}

func (g *gate) open() { close(g.opened) }
