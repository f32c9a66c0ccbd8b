package truth

import (
	"regexp"
	"strings"
	"testing"
)

// shellBootstrap is the runtime of AWS's tutorial on custom runtimes.
const shellBootstrap = `#!/bin/sh
set -eu
while true
do
  HEADERS="$(mktemp)"
  EVENT_DATA=$(curl -sS -LD "$HEADERS" "http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/next")
  REQUEST_ID=$(grep -Fi Lambda-Runtime-Aws-Request-Id "$HEADERS" | tr -d '[:space:]' | cut -d: -f2)
  RESPONSE="Echoing request: '$EVENT_DATA' for $_HANDLER in $(pwd)"
  curl -sS "http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/$REQUEST_ID/response" -d "$RESPONSE" > /dev/null
done
`

// calls is the event that makes nodeBootstrap call the Runtime API.
func calls(list ...m) m { return m{"calls": list} }

const response = "/2018-06-01/runtime/invocation/{id}/response"

func TestLambdaRuntimeAPI(t *testing.T) {
	c := shared(t)
	py := c.boto3(t)
	shell := c.function(t, "shell", program(shellBootstrap))
	node := c.function(t, "node", program(nodeBootstrap), timeout(5))
	// log is what nodeBootstrap printed of its calls, and the answer that the caller got.
	invoke := func(t *testing.T, event any) (a answer, log string) {
		t.Helper()
		a = py.call(t, "lambda", "Invoke", m{"FunctionName": node.Name, "Payload": encode(t, event), "LogType": "Tail"})
		return a, tail(t, a)
	}
	printed := func(t *testing.T, log, line string) {
		t.Helper()
		if !strings.Contains(log, line+"\n") {
			t.Errorf("the calls were answered with\n%s\nwant %s", log, line)
		}
	}

	rule(t, "the shell runtime of AWS's tutorial runs", "Tutorial: Building a custom runtime", boto3, func(t *testing.T) {
		a := py.call(t, "lambda", "Invoke", m{"FunctionName": shell.Name, "Payload": []byte(`{"text":"Hello"}`)})
		answers(t, a, "", `^Echoing request: '{"text":"Hello"}' for bootstrap in /`)
	})
	rule(t, "next gives the request id, the deadline, the ARN and the trace in headers", "Lambda §6", boto3, func(t *testing.T) {
		a, _ := invoke(t, m{})
		for _, header := range []string{
			`"lambda-runtime-aws-request-id":"` + requestID + `"`, `"lambda-runtime-deadline-ms":"\d{13}"`,
			`"lambda-runtime-invoked-function-arn":"` + regexp.QuoteMeta(functionARN(node.Name)) + `"`,
			`"lambda-runtime-trace-id":"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0"`, `"content-type":"application/json"`,
		} {
			answers(t, a, "", header)
		}
	})
	rule(t, "the function sees the request id that the caller sees", "Lambda §6", boto3, func(t *testing.T) {
		a, _ := invoke(t, m{})
		answers(t, a, "", `"lambda-runtime-aws-request-id":"`+a.Headers["x-amzn-requestid"]+`"`)
	})
	rule(t, "a response is 202 with the status OK", "Lambda §6", boto3, func(t *testing.T) {
		a, log := invoke(t, calls(m{"path": response, "body": `{"a":1}`}))
		answers(t, a, "", `^{"a":1}$`)
		printed(t, log, response+` 202 {"status":"OK"}`)
	})
	rule(t, "bytes that are no JSON go through unchanged", "Lambda §6", boto3, func(t *testing.T) {
		a, _ := invoke(t, calls(m{"path": response, "body": "plain text"}))
		answers(t, a, "", `^plain text$`)
	})
	rule(t, "another request id is 400 InvalidRequestID", "Lambda §6", boto3, func(t *testing.T) {
		_, log := invoke(t, calls(m{"path": "/2018-06-01/runtime/invocation/other/response", "body": "1"}, m{"path": response, "body": "2"}))
		printed(t, log, `/2018-06-01/runtime/invocation/other/response 400 {"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}`)
	})
	rule(t, "a second response is 403 InvalidStateTransition, and the first counts", "Lambda §6", boto3, func(t *testing.T) {
		a, log := invoke(t, calls(m{"path": response, "body": "1"}, m{"path": response, "body": "2"}))
		answers(t, a, "", `^1$`)
		printed(t, log, response+` 403 {"errorMessage":"State transition from ResponseSent to InvocationResponse failed for runtime. Error: State transition is not allowed","errorType":"InvalidStateTransition"}`)
	})
	rule(t, "next before the response is 403 InvalidStateTransition", "Lambda §6", boto3, func(t *testing.T) {
		_, log := invoke(t, calls(m{"method": "GET", "path": "/2018-06-01/runtime/invocation/next"}, m{"path": response, "body": "1"}))
		if !strings.Contains(log, "/next 403 ") || !strings.Contains(log, "InvalidStateTransition") {
			t.Errorf("the log is %s", log)
		}
	})
	rule(t, "an error post is passed on as it is", "Lambda §6", boto3, func(t *testing.T) {
		a, log := invoke(t, calls(m{"path": "/2018-06-01/runtime/invocation/{id}/error", "body": `{"errorMessage":"m","errorType":"T","stackTrace":[]}`}))
		answers(t, a, "Unhandled", `^{"errorMessage":"m","errorType":"T","stackTrace":\[\]}$`)
		printed(t, log, `/2018-06-01/runtime/invocation/{id}/error 202 {"status":"OK"}`)
	})
	rule(t, "a response mode other than streaming is 400 InvalidFunctionResponseMode", "Lambda §6", boto3, func(t *testing.T) {
		_, log := invoke(t, calls(m{"path": response, "body": "1", "headers": m{"Lambda-Runtime-Function-Response-Mode": "drip"}}, m{"path": response, "body": "2"}))
		if !strings.Contains(log, response+" 400 ") || !strings.Contains(log, "InvalidFunctionResponseMode") {
			t.Errorf("the log is %s", log)
		}
	})
	rule(t, "a response that is too large is 413 to the runtime, which goes on", "Lambda §6", boto3, func(t *testing.T) {
		_, log := invoke(t, calls(m{"path": response, "size": 6291557}))
		printed(t, log, response+` 413 {"errorMessage":"Exceeded maximum allowed payload size (6291556 bytes).","errorType":"RequestEntityTooLarge"}`)
		a, _ := invoke(t, calls(m{"path": response, "body": "still here"}))
		answers(t, a, "", `^still here$`)
	})
	rule(t, "the Runtime API answers to a ping", "Lambda §6", boto3, func(t *testing.T) {
		_, log := invoke(t, calls(m{"method": "GET", "path": "/2018-06-01/ping"}, m{"path": response, "body": "1"}))
		printed(t, log, "/2018-06-01/ping 200 pong")
	})
	rule(t, "an internal extension may not ask for SHUTDOWN, and none may register once the function runs", "Lambda §6", boto3, func(t *testing.T) {
		register := func(events string) m {
			return m{"path": "/2020-01-01/extension/register", "body": `{"events":` + events + `}`, "headers": m{"Lambda-Extension-Name": "inner"}}
		}
		_, log := invoke(t, calls(register(`["SHUTDOWN"]`), register(`["INVOKE"]`), m{"path": response, "body": "1"}))
		printed(t, log, `/2020-01-01/extension/register 403 {"errorMessage":"SHUTDOWN: ShutdownEventNotSupportedForInternalExtension","errorType":"Extension.InvalidEventType"}`)
		printed(t, log, `/2020-01-01/extension/register 403 {"errorMessage":"Extension registration closed already","errorType":"Extension.RegistrationClosed"}`)
	})
	difference(t, "the Telemetry API and the Logs API take subscriptions and say that they are not supported", "Lambda §6", boto3, "there is no such stream; AWS's own runtime emulator answers the same", func(t *testing.T) {
		_, log := invoke(t, calls(m{"method": "PUT", "path": "/2022-07-01/telemetry", "body": "{}"}, m{"path": response, "body": "1"}))
		printed(t, log, `/2022-07-01/telemetry 202 {"errorMessage":"Telemetry API is not supported","errorType":"Telemetry.NotSupported"}`)
	})
	rule(t, "a runtime that fails to start tells why, and the caller reads it", "Lambda §6", boto3, func(t *testing.T) {
		g := c.function(t, "broken", program(`#!/bin/sh
curl -sS "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/init/error" -d '{"errorMessage":"no table","errorType":"Function.NoTable"}' -H 'Lambda-Runtime-Function-Error-Type: Function.NoTable' > /dev/null
exit 1
`))
		a := py.call(t, "lambda", "Invoke", m{"FunctionName": g.Name, "LogType": "Tail"})
		answers(t, a, "Unhandled", `^{"errorMessage":"no table","errorType":"Function.NoTable"}$`)
		if log := tail(t, a); !strings.Contains(log, "\tPhase: init\tStatus: error\tError Type: Function.NoTable") || !strings.Contains(log, "\tPhase: invoke\tStatus: error") {
			t.Errorf("the log is %s", log)
		}
	})
	rule(t, "an init of more than the limit is run again within the invocation", "Lambda §7", boto3, func(t *testing.T) {
		c := start(t, "--limit", "lambda.init-timeout=1s")
		g := c.function(t, "late", timeout(30), program(`#!/bin/sh
if [ ! -e /tmp/started ]; then touch /tmp/started; exec sleep 1000; fi
`+strings.TrimPrefix(shellBootstrap, "#!/bin/sh\n")))
		a := c.boto3(t).call(t, "lambda", "Invoke", m{"FunctionName": g.Name, "LogType": "Tail"})
		answers(t, a, "", `^Echoing request`)
		if log := tail(t, a); !strings.Contains(log, "INIT_REPORT Init Duration: 1000.00 ms\tPhase: init\tStatus: timeout") || strings.Contains(log, "\tInit Duration:") {
			t.Errorf("the log is %s", log)
		}
	})
}

func TestLambdaLogFormats(t *testing.T) {
	c := shared(t)
	py := c.boto3(t)
	f := c.function(t, "logger")
	logged := func(t *testing.T, config m, command string) string {
		t.Helper()
		name := unique("json")
		py.call(t, "lambda", "CreateFunction", createParams(f, name, m{"LoggingConfig": config, "Timeout": 2}))
		c.awaitFunction(t, name)
		return tail(t, py.call(t, "lambda", "Invoke", m{"FunctionName": name, "Payload": []byte(command), "LogType": "Tail"}))
	}

	rule(t, "with the format JSON the platform's lines are objects with time, type and record", "Configuring JSON and plain text log formats", boto3, func(t *testing.T) {
		log := logged(t, m{"LogFormat": "JSON"}, `{"do":"print","text":"plain"}`)
		for _, form := range []string{
			`{"time":"[^"]+Z","type":"platform.initStart","record":{.*"initializationType":"on-demand".*"phase":"init"`,
			`"type":"platform.start","record":{"requestId":"` + requestID + `","version":"\$LATEST"}}`,
			`"type":"platform.report","record":{"metrics":{"billedDurationMs":\d+,"durationMs":[0-9.]+,"initDurationMs":[0-9.]+,"maxMemoryUsedMB":\d+,"memorySizeMB":128},"requestId":"` + requestID + `","status":"success"}}`,
			`(?m)^plain$`,
		} {
			if !regexp.MustCompile(form).MatchString(log) {
				t.Errorf("the log lacks %s:\n%s", form, log)
			}
		}
	})
	rule(t, "the application's log level leaves out JSON lines below it", "Log-level filtering", boto3, func(t *testing.T) {
		quiet := logged(t, m{"LogFormat": "JSON", "ApplicationLogLevel": "ERROR"}, `{"do":"print","text":"{\"level\":\"INFO\",\"message\":\"hush\"}"}`)
		loud := logged(t, m{"LogFormat": "JSON", "ApplicationLogLevel": "ERROR"}, `{"do":"print","text":"{\"level\":\"error\",\"message\":\"hear\"}"}`)
		if strings.Contains(quiet, "hush") || !strings.Contains(loud, "hear") {
			t.Errorf("INFO: %s\nERROR: %s", quiet, loud)
		}
	})
	rule(t, "the system's log level WARN leaves out what went well", "Log-level filtering", boto3, func(t *testing.T) {
		if log := logged(t, m{"LogFormat": "JSON", "SystemLogLevel": "WARN"}, `{}`); strings.Contains(log, "platform.") {
			t.Errorf("the log is %s", log)
		}
		if log := logged(t, m{"LogFormat": "JSON", "SystemLogLevel": "WARN"}, `{"do":"exit","code":1}`); !strings.Contains(log, `"errorType":"Runtime.ExitError"`) {
			t.Errorf("the log is %s", log)
		}
	})
	rule(t, "log levels need the format JSON, which has INFO for both unless told otherwise", "API Reference: LoggingConfig", boto3, func(t *testing.T) {
		a := py.fail(t, "lambda", "CreateFunction", createParams(f, unique("refused"), m{"LoggingConfig": m{"LogFormat": "Text", "SystemLogLevel": "WARN"}}))
		refused(t, a, 400, "InvalidParameterValueException", "LogFormat JSON")
		a = py.call(t, "lambda", "CreateFunction", createParams(f, unique("json"), m{"LoggingConfig": m{"LogFormat": "JSON"}}))
		want(t, a, "LoggingConfig.ApplicationLogLevel", "INFO")
		want(t, a, "LoggingConfig.SystemLogLevel", "INFO")
	})
	rule(t, "LogGroup names the group that the log goes to", "API Reference: LoggingConfig", awsCLI, func(t *testing.T) {
		group := "/teams/" + unique("prices")
		logged(t, m{"LogGroup": group}, `{"do":"print","text":"over here"}`)
		rounds := 0
		for text := ""; !strings.Contains(text, "over here"); rounds++ {
			text, _, _ = c.aws(t, "logs", "filter-log-events", "--log-group-name", group, "--query", "events[].message", "--output", "text")
			if rounds > 20 {
				t.Fatalf("the group has %q", text)
			}
		}
	})
}
