package lambda

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func TestAnswersAndErrorsOfFunctions(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.function(t, "library")
	c.function(t, "library", timeout(1), func(in *awslambda.CreateFunctionInput) { in.FunctionName = aws.String("hasty") })
	for _, test := range []struct {
		event  string
		failed bool
		want   string // regular expression
	}{
		{`{"Do":"echo","Text":"a\u0000ü"}`, false, `^"a\\u0000ü"$`},
		{``, false, `"Calls":`},
		{`{"Do":"error","Text":"no ticker"}`, true, `^{"errorMessage":"no ticker","errorType":"errorString"}$`},
		{`{"Do":"panic","Text":"oops"}`, true, `^{"errorMessage":"oops","errorType":"string","stackTrace":\[`},
		{`{"Do":"exit","Code":0}`, true, `^{"errorType":"Runtime.ExitError","errorMessage":"RequestId: [0-9a-f-]{36} Error: Runtime exited without providing a reason"}$`},
		{`{"Do":"exit","Code":2}`, true, `^{"errorType":"Runtime.ExitError","errorMessage":"RequestId: [0-9a-f-]{36} Error: Runtime exited with error: exit status 2"}$`},
		{`{"Do":"hang"}`, true, `^{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: [0-9a-f-]{36} Error: Task timed out after 1.00 seconds"}$`},
		{`{"Do":"big","Size":6291554}`, false, `^"x+"$`},
		{`{"Do":"big","Size":6291555}`, true, `^{"errorMessage":"Response payload size exceeded maximum allowed payload size \(6291556 bytes\).","errorType":"Function.ResponseSizeTooLarge"}$`},
		{`{"Do":"echo","Text":"still here"}`, false, `^"still here"$`},
	} {
		name := "watch"
		if strings.Contains(test.event, "hang") {
			name = "hasty"
		}
		got, failed := c.invoke(t, name, test.event)
		if failed != test.failed || !regexp.MustCompile(test.want).MatchString(got) {
			t.Errorf("%s: answer %.200s, failed %v; want %s, failed %v", test.event, got, failed, test.want, test.failed)
		}
	}
}

// TestFunctionOnOurRuntimeLosesNoEvent follows one environment whose runtime asks for the next event before it knows what has
// become of its response.
func TestFunctionOnOurRuntimeLosesNoEvent(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.function(t, "own", timeout(2))
	for _, test := range []struct {
		event  string
		failed bool
		want   string // regular expression
	}{
		{`{"Do":"echo","Text":"a"}`, false, `^{"Call":1,"Text":"a"}$`},
		{`{"Do":"echo","Text":"b"}`, false, `^{"Call":2,"Text":"b"}$`},
		{`{"Do":"error","Text":"no ticker"}`, true, `^{"errorMessage":"no ticker","errorType":"errorString"}$`},
		{`{"Do":"echo","Text":"c"}`, false, `^{"Call":4,"Text":"c"}$`},
		{`{"Do":"big","Size":1000000}`, false, `^{"Call":5,"Text":"x+"}$`},
		{`{"Do":"big","Size":6291554}`, true, `"errorType":"Function.ResponseSizeTooLarge"}$`}, // which ends the process
		{`{"Do":"echo","Text":"d"}`, false, `^{"Call":1,"Text":"d"}$`},
		{`{"Do":"exit"}`, true, `Runtime exited with error: exit status 2"}$`},
		{`{"Do":"echo","Text":"e"}`, false, `^{"Call":1,"Text":"e"}$`},
		{`{"Do":"hang"}`, true, `Task timed out after 2.00 seconds"}$`},
		{`{"Do":"echo","Text":"f"}`, false, `^{"Call":1,"Text":"f"}$`},
		{`{"Do":"panic","Text":"oops"}`, true, `^{"errorMessage":"oops","errorType":"string","stackTrace":\[`},
		{`{"Do":"echo","Text":"g"}`, false, `^{"Call":1,"Text":"g"}$`},
	} {
		got, failed := c.invoke(t, "watch", test.event)
		if failed != test.failed || !regexp.MustCompile(test.want).MatchString(got) {
			t.Errorf("%s: answer %.200s, failed %v; want %s, failed %v", test.event, got, failed, test.want, test.failed)
		}
	}
}

func TestBadInvocationsAreRefused(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.function(t, "library")
	invoke := func(in awslambda.InvokeInput) error {
		if in.FunctionName == nil {
			in.FunctionName = aws.String("watch")
		}
		_, err := c.client.Invoke(t.Context(), &in)
		return err
	}
	wantError(t, invoke(awslambda.InvokeInput{Payload: []byte("{no")}), "InvalidRequestContentException", "Could not parse request body into json: ")
	wantError(t, invoke(awslambda.InvokeInput{Payload: make([]byte, 6<<20+1)}), "RequestTooLargeException", "6291456 bytes")
	wantError(t, invoke(awslambda.InvokeInput{FunctionName: aws.String("other")}), "ResourceNotFoundException", "Function not found: arn:aws:lambda:us-east-1:111122223333:function:other")
	wantError(t, invoke(awslambda.InvokeInput{Qualifier: aws.String("7")}), "ResourceNotFoundException", "function:watch:7")
	wantError(t, invoke(awslambda.InvokeInput{FunctionName: aws.String("watch:1"), Qualifier: aws.String("2")}), "InvalidParameterValueException", "derived qualifier")
	wantError(t, invoke(awslambda.InvokeInput{FunctionName: aws.String("arn:aws:lambda:eu-west-1:111122223333:function:watch")}), "ResourceNotFoundException",
		"Functions from 'eu-west-1' are not reachable in this region ('us-east-1')")
	out, err := c.client.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: aws.String("watch"), InvocationType: types.InvocationTypeDryRun})
	if err != nil || out.StatusCode != 204 {
		t.Errorf("a dry run: %v, %v; want 204", out, err)
	}
	if n := len(c.pool.fleets); n != 0 {
		t.Errorf("a dry run and refused invocations have started %d fleets", n)
	}
}

func TestEnvironmentIsReusedAndItsFolderSurvivesACrash(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, edit func(*Config)) {
		c := start(t, edit)
		c.function(t, "library")
		first := c.info(t, "watch")
		for i := range 20 {
			if next := c.info(t, "watch"); next.Pid != first.Pid || next.Calls != i+2 {
				t.Fatalf("invocation %d ran in process %d as its call %d; want %d, %d", i+2, next.Pid, next.Calls, first.Pid, i+2)
			}
		}
		if there, _ := c.invoke(t, "watch", `{"Do":"file"}`); there != "false" {
			t.Errorf("the file is there already: %s", there)
		}
		c.invoke(t, "watch", `{"Do":"exit","Code":1}`)
		if there, _ := c.invoke(t, "watch", `{"Do":"file"}`); there != "true" {
			t.Errorf("after a crash the file in /tmp is there: %s, want true", there)
		}
		second := c.info(t, "watch")
		if second.Pid == first.Pid || second.Calls != 2 {
			t.Errorf("after the crash: process %d, call %d; want another process's second call", second.Pid, second.Calls)
		}
		if gone(first.Pid) != nil {
			t.Errorf("the first process: %v", gone(first.Pid))
		}
		if want := c.places("watch").task; second.Dir != want {
			t.Errorf("the function runs in %s, want %s", second.Dir, want)
		}
	})
}

// places are what a function is told of its files.
func (c *cloud) places(function string) places {
	if c.box() != nil {
		return places{task: "/var/task", ca: "/var/runtime/ca-cert.pem", bundle: "/var/runtime/ca-bundle.pem"}
	}
	return places{task: filepath.Join(c.Dir, "code", c.catalog.get(function).latest().Code), ca: c.CA, bundle: c.Bundle, path: os.Getenv("PATH")}
}

// gone tells whether a process is still there, be it as a zombie.
func gone(pid int) error {
	if err := syscall.Kill(pid, 0); err != syscall.ESRCH {
		state, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
		return fmt.Errorf("process %d is still there (%v): %.60s", pid, err, state)
	}
	return nil
}

// meeting is where functions report and wait.
type meeting struct {
	net.Listener
	conns chan net.Conn
}

func meet(t *testing.T) *meeting {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	m := &meeting{l, make(chan net.Conn, 100)}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			m.conns <- conn
		}
	}()
	return m
}

// arrival waits for a function to report; closing the connection lets the function go on.
func (m *meeting) arrival(t *testing.T) (pid int, conn net.Conn) {
	t.Helper()
	select {
	case conn = <-m.conns:
	case <-time.After(time.Minute):
		t.Fatal("no function has reported")
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var stream string
	fmt.Sscan(line, &pid, &stream)
	return hostPid(t, pid, stream), conn
}

func (m *meeting) event() string { return fmt.Sprintf(`{"Do":"meet","Dial":%q}`, m.Addr()) }

func TestConcurrentInvocationsScaleOutAndTheLastUsedIsReused(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.function(t, "library")
	m := meet(t)
	const n = 5
	var running sync.WaitGroup
	pids := map[int]bool{}
	var conns []net.Conn
	for range n {
		running.Go(func() { c.invoke(t, "watch", m.event()) })
		pid, conn := m.arrival(t)
		pids[pid] = true
		conns = append(conns, conn)
	}
	if len(pids) != n {
		t.Errorf("%d invocations at a time ran in %d processes", n, len(pids))
	}
	for _, conn := range conns {
		conn.Close()
	}
	running.Wait()
	settled := func() {
		for idle := 0; idle < n; runtime.Gosched() { // an answer comes before its environment is idle
			c.pool.mu.Lock()
			idle = len(c.pool.fleet("watch").crew(c.catalog.get("watch").latest()).idle)
			c.pool.mu.Unlock()
		}
	}
	settled()
	last := c.info(t, "watch")
	if !pids[last.Pid] {
		t.Error("a sixth process was started although five were idle")
	}
	for range 10 {
		settled()
		if next := c.info(t, "watch"); next.Pid != last.Pid {
			t.Errorf("invocation ran in process %d, want the one used last, %d", next.Pid, last.Pid)
		}
	}
}

func TestConcurrencyBeyondTheLimitIsThrottled(t *testing.T) {
	t.Parallel()
	c := start(t, func(c *Config) { c.Concurrency = 102 })
	c.function(t, "library")
	c.function(t, "library", func(in *awslambda.CreateFunctionInput) { in.FunctionName = aws.String("other") })
	reserve := func(n int32) error {
		_, err := c.client.PutFunctionConcurrency(t.Context(), &awslambda.PutFunctionConcurrencyInput{FunctionName: aws.String("watch"), ReservedConcurrentExecutions: &n})
		return err
	}
	wantError(t, reserve(3), "InvalidParameterValueException", "below its minimum value of [100]")
	if err := reserve(1); err != nil {
		t.Fatal(err)
	}
	m := meet(t)
	var running sync.WaitGroup
	running.Go(func() { c.invoke(t, "watch", m.event()) })
	_, conn := m.arrival(t)
	_, err := c.client.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: aws.String("watch")})
	wantError(t, err, "TooManyRequestsException", "Rate Exceeded.")
	if !strings.Contains(fmt.Sprint(err), "429") {
		t.Errorf("a throttled invocation: %v, want the status 429", err)
	}
	c.info(t, "other") // has concurrency of its own
	conn.Close()
	running.Wait()
	c.info(t, "watch")
	if err := reserve(0); err != nil {
		t.Fatal(err)
	}
	_, err = c.client.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: aws.String("watch")})
	wantError(t, err, "TooManyRequestsException", "Rate Exceeded.")
	got, err := c.client.GetFunctionConcurrency(t.Context(), &awslambda.GetFunctionConcurrencyInput{FunctionName: aws.String("watch")})
	if err != nil || *got.ReservedConcurrentExecutions != 0 {
		t.Errorf("reserved concurrency: %v, %v; want 0", got, err)
	}
}

func TestInitThatFails(t *testing.T) {
	t.Parallel()
	c := start(t, func(c *Config) { c.InitTimeout = 300 * time.Millisecond })
	for _, test := range []struct {
		name, init, want string
		failed           bool
		log              []string
	}{
		{"exits", "exit", `Runtime exited with error: exit status 3"}`, true,
			[]string{"no, not today\n", "\tPhase: init\tStatus: error\tError Type: Runtime.ExitError\n", "\tPhase: invoke\tStatus: error\tError Type: Runtime.ExitError\nSTART "}},
		{"hangs", "hang", `Task timed out after 1.00 seconds"}`, true,
			[]string{"INIT_REPORT Init Duration: 300.00 ms\tPhase: init\tStatus: timeout\n", "INIT_REPORT Init Duration: 1000.00 ms\tPhase: invoke\tStatus: timeout\nSTART "}},
		{"hangs-once", "hang once", `"Calls":1`, false,
			[]string{"INIT_REPORT Init Duration: 300.00 ms\tPhase: init\tStatus: timeout\nSTART "}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c.function(t, "library", env("INIT", test.init), timeout(1), func(in *awslambda.CreateFunctionInput) { in.FunctionName = &test.name })
			got, failed := c.invoke(t, test.name, `{}`)
			if failed != test.failed || !strings.Contains(got, test.want) {
				t.Errorf("answer %s, failed %v; want …%s…, %v", got, failed, test.want, test.failed)
			}
			c.logs.wait(t, "/aws/lambda/"+test.name, append(test.log, "REPORT ")...)
		})
	}
	t.Run("reports", func(t *testing.T) {
		name := c.function(t, "raw", env("INIT", "error"), func(in *awslambda.CreateFunctionInput) { in.FunctionName = aws.String("reports") })
		got, failed := c.invoke(t, name, `{}`)
		if !failed || got != `{"errorMessage":"no table","errorType":"Function.NoTable"}` {
			t.Errorf("answer %s, failed %v; want the runtime's own words", got, failed)
		}
	})
}

func TestBootstrapsThatCannotRunSayWhy(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, edit func(*Config)) {
		c := start(t, edit)
		for name, test := range map[string]struct {
			file file
			want string
		}{
			"none":   {file{"bootstrap.go", 0o644, "package main"}, "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"},
			"mode":   {file{"bootstrap", 0o644, "#!/bin/sh\n"}, "chmod +x bootstrap"},
			"format": {file{"bootstrap", 0o755, "\x7fELF\x02\x01\x01 for another machine"}, "exec format error"},
			"loader": {file{"bootstrap", 0o755, "#!/nowhere/sh\n"}, "interpreter"},
		} {
			c.function(t, "raw", func(in *awslambda.CreateFunctionInput) {
				in.FunctionName, in.Code.ZipFile = &name, zipOf(test.file)
			})
			got, failed := c.invoke(t, name, `{}`)
			if !failed || !strings.Contains(got, "Runtime.InvalidEntrypoint") || !strings.Contains(got, test.want) {
				t.Errorf("%s: answer %s; want Runtime.InvalidEntrypoint …%s…", name, got, test.want)
			}
		}
	})
}

func TestScriptAsBootstrap(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, edit func(*Config)) {
		c := start(t, edit)
		script := "#!/bin/sh\necho from the shell\nexit 4\n"
		c.function(t, "raw", func(in *awslambda.CreateFunctionInput) { in.Code.ZipFile = zipOf(file{"bootstrap", 0o755, script}) })
		if got, failed := c.invoke(t, "watch", `{}`); !failed || !strings.Contains(got, "exit status 4") {
			t.Errorf("answer %s, failed %v", got, failed)
		}
		c.logs.wait(t, "/aws/lambda/watch", "from the shell\n")
	})
}

func TestLogIsInOrderAndHasAWSsForm(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.function(t, "library")
	var lines []string
	for i := range 200 {
		lines = append(lines, fmt.Sprintf("line %d", i))
	}
	event, _ := json.Marshal(map[string]any{"Do": "print", "Lines": lines})
	out, err := c.client.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: aws.String("watch"), Payload: event, LogType: types.LogTypeTail})
	if err != nil {
		t.Fatal(err)
	}
	c.invoke(t, "watch", `{"Do":"error","Text":"e"}`)
	text := c.logs.wait(t, "/aws/lambda/watch", "REPORT", "errorString")
	form := regexp.MustCompile(`^INIT_START Runtime Version: provided:al2023\tRuntime Version ARN: arn:aws:lambda:us-east-1::runtime:[0-9a-f]{64}
START RequestId: ([0-9a-f-]{36}) Version: \$LATEST
` + strings.Join(lines, "\n") + `
END RequestId: ([0-9a-f-]{36})
REPORT RequestId: ([0-9a-f-]{36})\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\tMax Memory Used: \d+ MB\tInit Duration: \d+\.\d\d ms\t
START RequestId: `)
	if !form.MatchString(text) {
		t.Errorf("the log is\n%s", text)
	}
	tail, err := base64.StdEncoding.DecodeString(*out.LogResult)
	if err != nil || !strings.Contains(string(tail), "line 199\nEND RequestId: ") || !strings.HasSuffix(string(tail), "\t\n") {
		t.Errorf("the tail is %q, %v", tail, err)
	}
	for stream := range c.logs.streams {
		if !regexp.MustCompile(`^\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}$`).MatchString(stream) {
			t.Errorf("the log stream is %s", stream)
		}
	}
}

func TestLogOfACrashAndOfATimeout(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.function(t, "library", timeout(1))
	c.invoke(t, "watch", `{"Do":"hang"}`)
	c.logs.wait(t, "/aws/lambda/watch", "about to hang\n", " Task timed out after 1.00 seconds\nEND RequestId: ", "\tDuration: 1000.00 ms\t", "Status: timeout\t\n")
	c.invoke(t, "watch", `{"Do":"exit","Code":2}`)
	c.logs.wait(t, "/aws/lambda/watch", " Error: Runtime exited with error: exit status 2\nRuntime.ExitError\nEND RequestId: ", "Status: error\tError Type: Runtime.ExitError\t\n")
	c.invoke(t, "watch", `{"Do":"panic","Text":"oops"}`)
	c.logs.wait(t, "/aws/lambda/watch", "oops", "exit status 1\nRuntime.ExitError\nEND")
}

func TestFunctionWithoutPermissionRunsAndLogsNothing(t *testing.T) {
	t.Parallel()
	c := start(t)
	silent := c.role(t, "silent", "")
	c.function(t, "library", func(in *awslambda.CreateFunctionInput) { in.Role = &silent })
	out, err := c.client.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: aws.String("watch"), LogType: types.LogTypeTail})
	if err != nil || out.FunctionError != nil || out.LogResult == nil {
		t.Fatalf("%v, %v; want an answer with the log's tail", out, err)
	}
	c.Close()
	if len(c.logs.events) != 0 {
		t.Errorf("logged %q without permission", c.logs.events)
	}
}

func TestVariablesOfAProcess(t *testing.T) {
	t.Setenv("LEAKED_SECRET", "1")
	c := start(t)
	c.function(t, "library", env("TABLE", "watchers", "LANG", "C"))
	text, _ := c.invoke(t, "watch", `{"Do":"variables"}`)
	var list []string
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, pair := range list {
		name, value, _ := strings.Cut(pair, "=")
		got[name] = value
	}
	at := c.places("watch")
	for name, want := range map[string]string{
		"AWS_REGION": region, "AWS_DEFAULT_REGION": region, "AWS_LAMBDA_FUNCTION_NAME": "watch", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128", "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/watch", "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
		"LAMBDA_TASK_ROOT": at.task, "LAMBDA_RUNTIME_DIR": "/var/runtime", "_HANDLER": "bootstrap", "LANG": "C", "TZ": ":UTC", "TABLE": "watchers",
		"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_CA_BUNDLE": at.ca, "SSL_CERT_FILE": at.bundle, "NODE_EXTRA_CA_CERTS": at.ca,
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	for _, name := range []string{"LEAKED_SECRET", "HOME", "AWS_EXECUTION_ENV"} {
		if value, ok := got[name]; ok {
			t.Errorf("%s is set: %q", name, value)
		}
	}
	if !strings.HasPrefix(got["AWS_ACCESS_KEY_ID"], "ASIA") || got["AWS_SESSION_TOKEN"] == "" || c.box() == nil && !strings.HasPrefix(got["TMPDIR"], c.Dir) {
		t.Errorf("credentials and folder: %q, %q, %q", got["AWS_ACCESS_KEY_ID"], got["AWS_SESSION_TOKEN"], got["TMPDIR"])
	}
}

func TestCallerIsKnownWhileItsEnvironmentLives(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.role(t, "watch-role", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:*","ec2:*"],"Resource":"*"}]}`)
	c.function(t, "library", func(in *awslambda.CreateFunctionInput) {
		in.VpcConfig = &types.VpcConfig{SubnetIds: []string{"subnet-1"}, SecurityGroupIds: []string{"sg-1"}, Ipv6AllowedForDualStack: aws.Bool(true)}
	})
	text, _ := c.invoke(t, "watch", `{"Do":"variables"}`)
	key := regexp.MustCompile(`AWS_ACCESS_KEY_ID=(ASIA\w+)`).FindStringSubmatch(text)
	if key == nil {
		t.Fatal(text)
	}
	caller, ok := c.Caller(key[1])
	if !ok || caller.Function != "watch" || caller.VPC == nil || caller.VPC.VPCID != "vpc-1" || !caller.VPC.IPv6 || !slices.Equal(caller.VPC.SubnetIDs, []string{"subnet-1"}) {
		t.Errorf("Caller is %+v, %v", caller, ok)
	}
	c.Close()
	if _, ok := c.Caller(key[1]); ok {
		t.Error("the caller is known after its environment has ended")
	}
}

func TestInvokeAsAServiceNeedsThePolicyOfItsQualifier(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.function(t, "library", func(in *awslambda.CreateFunctionInput) { in.Publish = true })
	if _, err := c.client.CreateAlias(t.Context(), &awslambda.CreateAliasInput{FunctionName: aws.String("watch"), Name: aws.String("live"), FunctionVersion: aws.String("1")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.client.AddPermission(t.Context(), &awslambda.AddPermissionInput{
		FunctionName: aws.String("watch"), Qualifier: aws.String("live"), StatementId: aws.String("gw"), Action: aws.String("lambda:InvokeFunction"),
		Principal: aws.String("apigateway.amazonaws.com"), SourceArn: aws.String("arn:aws:execute-api:us-east-1:111122223333:q7w2e9r4t1/*/user"),
	}); err != nil {
		t.Fatal(err)
	}
	const source = "arn:aws:execute-api:us-east-1:111122223333:q7w2e9r4t1/development/user"
	const arn = "arn:aws:lambda:us-east-1:111122223333:function:watch"
	for _, test := range []struct {
		function, service, source string
		allowed                   bool
	}{
		{arn + ":live", "apigateway.amazonaws.com", source, true},
		{"watch:live", "apigateway.amazonaws.com", source, true},
		{arn + ":live", "apigateway.amazonaws.com", source + "s", false},
		{arn + ":live", "events.amazonaws.com", source, false},
		{arn, "apigateway.amazonaws.com", source, false},
		{arn + ":1", "apigateway.amazonaws.com", source, false},
		{arn, "", "", true},
	} {
		result, err := c.Invoke(t.Context(), Invocation{Function: test.function, Payload: []byte(`{}`), Service: test.service, SourceARN: test.source})
		if (err == nil) != test.allowed {
			t.Errorf("%+v: %v", test, err)
		} else if err == nil && !strings.Contains(string(result.Payload), `"Calls"`) {
			t.Errorf("%+v: %s", test, result.Payload)
		}
	}
}

func TestCancelledInvokeReturnsAndTheFunctionRunsOn(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.function(t, "library")
	m := meet(t)
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() {
		_, err := c.Invoke(ctx, Invocation{Function: "watch", Payload: []byte(m.event())})
		failed <- err
	}()
	pid, conn := m.arrival(t)
	cancel()
	if err := <-failed; err != context.Canceled {
		t.Errorf("Invoke: %v, want %v", err, context.Canceled)
	}
	conn.Close()
	c.logs.wait(t, "/aws/lambda/watch", "REPORT ")
	if next := c.info(t, "watch"); next.Pid != pid || next.Calls != 2 {
		t.Errorf("the next invocation is call %d of process %d, want call 2 of %d", next.Calls, next.Pid, pid)
	}
}

func TestUpdateSwitchesToNewEnvironmentsWhileOldOnesFinish(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.function(t, "library", env("BUILD", "old"))
	m := meet(t)
	answer := make(chan string)
	go func() {
		text, _ := c.invoke(t, "watch", m.event())
		answer <- text
	}()
	old, conn := m.arrival(t)
	if _, err := c.client.UpdateFunctionConfiguration(t.Context(), &awslambda.UpdateFunctionConfigurationInput{
		FunctionName: aws.String("watch"), Environment: &types.Environment{Variables: map[string]string{"BUILD": "new"}},
	}); err != nil {
		t.Fatal(err)
	}
	c.active(t, "watch")
	if next := c.info(t, "watch"); next.Build != "new" || next.Pid == old {
		t.Errorf("after the update: %+v", next)
	}
	conn.Close()
	if text := <-answer; !strings.Contains(text, `"Build":"old"`) {
		t.Errorf("the running invocation answered %s", text)
	}
	if next := c.info(t, "watch"); next.Calls != 2 {
		t.Errorf("the new environment was not reused: %+v", next)
	}

	idle := c.info(t, "watch")
	waitGone(t, old) // it was busy during the update, and ends when it has finished
	if _, err := c.client.UpdateFunctionCode(t.Context(), &awslambda.UpdateFunctionCodeInput{FunctionName: aws.String("watch"), ZipFile: binaries["raw"]}); err != nil {
		t.Fatal(err)
	}
	c.active(t, "watch")
	waitGone(t, idle.Pid)
	if text, _ := c.invoke(t, "watch", `"raw now"`); text != `"raw now"` {
		t.Errorf("after the update of the code: %s", text)
	}
}

func TestEventIsTriedAgainWithTheSameRequestID(t *testing.T) {
	t.Parallel()
	c := start(t, func(c *Config) { c.RetryDelays = []time.Duration{time.Millisecond, time.Millisecond} })
	c.function(t, "library")
	out, err := c.client.Invoke(t.Context(), &awslambda.InvokeInput{
		FunctionName: aws.String("watch"), InvocationType: types.InvocationTypeEvent, Payload: []byte(`{"Do":"exit","Code":7}`),
	})
	if err != nil || out.StatusCode != 202 || len(out.Payload) != 0 {
		t.Fatalf("%+v, %v; want 202 and no payload", out, err)
	}
	for c.events.length.Load() > 0 {
		c.logs.mu.Lock()
		changed := c.logs.changed
		c.logs.mu.Unlock()
		select {
		case <-changed:
		case <-time.After(10 * time.Millisecond): // the last line may come before the queue is empty
		}
	}
	c.Close()
	ids := regexp.MustCompile(`START RequestId: (\S+)`).FindAllStringSubmatch(c.logs.wait(t, "/aws/lambda/watch"), -1)
	if len(ids) != 3 || ids[0][1] != ids[1][1] || ids[1][1] != ids[2][1] {
		t.Errorf("attempts %v, want three of one request", ids)
	}
	left, err := c.events.bucket.All(t.Context())
	if err != nil || len(left) != 0 {
		t.Errorf("%d events left in the queue, %v", len(left), err)
	}
}

func TestQueuedEventSurvivesARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := startIn(t, dir, func(c *Config) { c.RetryDelays = []time.Duration{time.Hour} })
	c.function(t, "library", env("BUILD", "one"))
	m := meet(t)
	if _, err := c.client.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: aws.String("watch"), InvocationType: types.InvocationTypeEvent, Payload: []byte(m.event())}); err != nil {
		t.Fatal(err)
	}
	first, _ := m.arrival(t)
	c.Close()
	c.State.Close()
	again := startIn(t, dir)
	second, conn := m.arrival(t)
	if first == second {
		t.Error("the event did not run again")
	}
	conn.Close()
	again.logs.wait(t, "/aws/lambda/watch", "REPORT ")
	if i := again.info(t, "watch"); i.Build != "one" {
		t.Errorf("after the restart the function answers %+v", i)
	}
}

// user makes an IAM user with a key.
func (c *cloud) user(t *testing.T, name, policy string) aws.CredentialsProvider {
	t.Helper()
	if _, err := c.roles.CreateUser(t.Context(), &awsiam.CreateUserInput{UserName: &name}); err != nil {
		t.Fatal(err)
	}
	if policy != "" {
		if _, err := c.roles.PutUserPolicy(t.Context(), &awsiam.PutUserPolicyInput{UserName: &name, PolicyName: aws.String("p"), PolicyDocument: &policy}); err != nil {
			t.Fatal(err)
		}
	}
	out, err := c.roles.CreateAccessKey(t.Context(), &awsiam.CreateAccessKeyInput{UserName: &name})
	if err != nil {
		t.Fatal(err)
	}
	return credentials.NewStaticCredentialsProvider(*out.AccessKey.AccessKeyId, *out.AccessKey.SecretAccessKey, "")
}

func TestPermissionToInvoke(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.function(t, "library")
	user := c.user(t, "dev", "")
	_, err := c.as(user).Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: aws.String("watch")})
	wantError(t, err, "AccessDeniedException", "is not authorized to perform: lambda:InvokeFunction on resource: arn:aws:lambda:us-east-1:111122223333:function:watch")
	// A resource policy that names the user is enough.
	if _, err := c.client.AddPermission(t.Context(), &awslambda.AddPermissionInput{FunctionName: aws.String("watch"), StatementId: aws.String("dev"),
		Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("arn:aws:iam::111122223333:user/dev")}); err != nil {
		t.Fatal(err)
	}
	if _, err = c.as(user).Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: aws.String("watch")}); err != nil {
		t.Error(err)
	}
	// Unless the user's own policies deny it.
	deny := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"lambda:*","Resource":"*"}]}`
	if _, err := c.roles.PutUserPolicy(t.Context(), &awsiam.PutUserPolicyInput{UserName: aws.String("dev"), PolicyName: aws.String("no"), PolicyDocument: &deny}); err != nil {
		t.Fatal(err)
	}
	_, err = c.as(user).Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: aws.String("watch")})
	wantError(t, err, "AccessDeniedException", "explicit deny")
}

func TestRuntimeAPIKeepsItsRules(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.function(t, "raw")
	headers, _ := c.invoke(t, "watch", `"headers"`)
	for _, want := range []string{`"Lambda-Runtime-Aws-Request-Id":["`, `"Lambda-Runtime-Deadline-Ms":["1`, `"Lambda-Runtime-Invoked-Function-Arn":["arn:aws:lambda:us-east-1:111122223333:function:watch"]`,
		`"Lambda-Runtime-Trace-Id":["Root=1-`, `"Content-Type":["application/json"]`} {
		if !strings.Contains(headers, want) {
			t.Errorf("the headers %s lack %s", headers, want)
		}
	}
	got, failed := c.invoke(t, "watch", `"disorder"`)
	var seen []string
	json.Unmarshal([]byte(got), &seen)
	want := []string{
		`400 Bad Request {"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}`,
		`403 Forbidden {"errorMessage":"State transition from Running to Ready failed for runtime. Error: State transition is not allowed","errorType":"InvalidStateTransition"}`,
	}
	if failed || !slices.Equal(seen, want) {
		t.Errorf("calls out of order got %q, want %q", seen, want)
	}
	c.logs.wait(t, "/aws/lambda/watch", `again: 403 Forbidden {"errorMessage":"State transition from ResponseSent to InvocationResponse failed`)
	if got, failed := c.invoke(t, "watch", `"trailer"`); !failed || got != `{"errorType":"Function.Broken","errorMessage":"half way"}` {
		t.Errorf("an error in the trailers: %s, %v", got, failed)
	}
	if got, failed := c.invoke(t, "watch", `"bytes"`); failed || got != "\xff\x00 no JSON" {
		t.Errorf("bytes came back as %q, %v", got, failed)
	}
}
