package truth

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"quotewire/e2e/rig"
)

// invocation is what a client hears of one.
type invocation struct {
	Payload string
	Error   string // FunctionError
	Log     string // its tail
}

// invokeBy invokes a function with a client and asks for its log.
func invokeBy(t *testing.T, c caller, f *function, payload string) invocation {
	t.Helper()
	r := c.call(t, "lambda", "Invoke", params{"FunctionName": f.Name, "Payload": []byte(payload), "LogType": "Tail"})
	i := invocation{Payload: string(r.bytes("Payload"))}
	i.Error, _ = r.get("FunctionError").(string)
	if text, ok := r.get("LogResult").(string); ok {
		log, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			t.Fatalf("the log of %s: %v", f.Name, err)
		}
		i.Log = string(log)
	}
	return i
}

// obey has the probe do something, and returns what it says.
func obey(t *testing.T, c caller, f *function, command params) string {
	t.Helper()
	text, err := json.Marshal(command)
	if err != nil {
		t.Fatal(err)
	}
	i := invokeBy(t, c, f, string(text))
	var answer struct{ Body string }
	if err := json.Unmarshal([]byte(i.Payload), &answer); err != nil || i.Error != "" {
		t.Fatalf("%s answered to %s with %s", f.Name, text, i.Payload)
	}
	return answer.Body
}

// shell has the probe run a shell script, and returns what that prints.
func shell(t *testing.T, c caller, f *function, script string) string {
	t.Helper()
	return strings.TrimSpace(obey(t, c, f, params{"do": "run", "path": "/bin/sh", "args": items{"-c", "exec 2>&1\n" + script + "\ntrue"}}))
}

// confined skips a rule where the machine confines nothing; the cloud has said so when it started.
func confined(t *testing.T, c *testCloud, less ...string) {
	t.Helper()
	for _, text := range append(less, "functions are not confined") {
		if strings.Contains(c.Log.String(), text) {
			t.Skipf("this machine cannot: the cloud said %q", text)
		}
	}
}

// zipFile is an entry of a zip.
type zipFile struct {
	name string
	mode fs.FileMode
	text string
}

func zipWith(t testing.TB, files ...zipFile) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate}
		h.SetMode(f.mode)
		w, err := z.CreateHeader(h)
		if err == nil {
			_, err = io.WriteString(w, f.text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// code replaces the probe with a zip.
func code(zip []byte) functionOption {
	return func(in *lambda.CreateFunctionInput, _ *string) { in.Code = &types.FunctionCode{ZipFile: zip} }
}

// answering is a bootstrap in the language of the shell that answers each event with what a script prints.
func answering(script string) string {
	return `#!/bin/sh
while :; do
	headers=/tmp/headers
	curl -sS -D $headers -o /dev/null "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next" || exit 1
	id=$(sed -n 's/^lambda-runtime-aws-request-id: *//Ip' $headers | tr -d '\r')
	(` + script + `) 2>&1 | sed 's/\\/\\\\/g; s/"/\\"/g; s/\t/ /g' | awk 'BEGIN{printf "\""} {printf "%s\\n", $0} END{printf "\""}' |
		curl -sS -o /dev/null --data-binary @- "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/$id/response"
done
`
}

// happens waits for an event.
func happens(t *testing.T, event <-chan struct{}) {
	t.Helper()
	select {
	case <-event:
	case <-time.After(rig.Patience):
		t.Fatal("nothing has happened")
	}
}

func TestExecutionEnvironment(t *testing.T) {
	t.Parallel()
	c := shared(t)
	py, js := c.boto3(t), c.js(t)
	f := c.function(t, "surroundings", variable("TABLE", "watchers"))
	const source = "Lambda §7"

	variables := func(t *testing.T, f *function) map[string]string {
		var list []string
		if err := json.Unmarshal([]byte(obey(t, py, f, params{"do": "env"})), &list); err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, pair := range list {
			name, value, _ := strings.Cut(pair, "=")
			got[name] = value
		}
		return got
	}

	rule(t, "the variables of provided.al2023 have the values that AWS gives them", source, boto3, func(t *testing.T) {
		confined(t, c)
		got := variables(t, f)
		for name, want := range map[string]string{
			"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1", "AWS_LAMBDA_FUNCTION_NAME": f.Name, "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
			"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/" + f.Name, "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
			"LAMBDA_TASK_ROOT": "/var/task", "LAMBDA_RUNTIME_DIR": "/var/runtime", "_HANDLER": "bootstrap", "LANG": "en_US.UTF-8", "TZ": ":UTC",
			"PATH":                     "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
			"LD_LIBRARY_PATH":          "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
			"AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR", "AWS_XRAY_DAEMON_ADDRESS": "169.254.100.1:2000", "_AWS_XRAY_DAEMON_ADDRESS": "169.254.100.1",
			"_AWS_XRAY_DAEMON_PORT": "2000", "TABLE": "watchers",
		} {
			if got[name] != want {
				t.Errorf("%s is %q, want %q", name, got[name], want)
			}
		}
		if !strings.HasPrefix(got["AWS_ACCESS_KEY_ID"], "ASIA") || got["AWS_SECRET_ACCESS_KEY"] == "" || got["AWS_SESSION_TOKEN"] == "" || got["AWS_LAMBDA_LOG_STREAM_NAME"] == "" {
			t.Errorf("credentials or log stream are missing: %v", got)
		}
	})
	difference(t, "there is no other variable: no HOME, no AWS_EXECUTION_ENV, nothing of the machine's own", source, boto3,
		"four more lead SDKs to this cloud: AWS_ENDPOINT_URL, AWS_CA_BUNDLE, SSL_CERT_FILE, NODE_EXTRA_CA_CERTS", func(t *testing.T) {
			confined(t, c)
			known := strings.Fields(`AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_REGION AWS_DEFAULT_REGION AWS_LAMBDA_FUNCTION_NAME
				AWS_LAMBDA_FUNCTION_VERSION AWS_LAMBDA_FUNCTION_MEMORY_SIZE AWS_LAMBDA_LOG_GROUP_NAME AWS_LAMBDA_LOG_STREAM_NAME AWS_LAMBDA_INITIALIZATION_TYPE
				AWS_LAMBDA_RUNTIME_API LAMBDA_TASK_ROOT LAMBDA_RUNTIME_DIR _HANDLER LANG TZ PATH LD_LIBRARY_PATH AWS_XRAY_CONTEXT_MISSING AWS_XRAY_DAEMON_ADDRESS
				_AWS_XRAY_DAEMON_ADDRESS _AWS_XRAY_DAEMON_PORT TABLE AWS_ENDPOINT_URL AWS_CA_BUNDLE SSL_CERT_FILE NODE_EXTRA_CA_CERTS`)
			known = append(known, "_X_AMZN_TRACE_ID") // AWS's library for Go sets it in its own process
			for name, value := range variables(t, f) {
				if !slices.Contains(known, name) {
					t.Errorf("%s=%s", name, value)
				}
			}
		})
	rule(t, "a function's own variables may replace PATH, LD_LIBRARY_PATH, LANG and TZ", source, boto3, func(t *testing.T) {
		f := c.function(t, "replacing", variable("PATH", "/opt/bin:/bin"), variable("LD_LIBRARY_PATH", "/var/task/lib"), variable("LANG", "C"), variable("TZ", "Europe/Zurich"))
		got := variables(t, f)
		if got["PATH"] != "/opt/bin:/bin" || got["LD_LIBRARY_PATH"] != "/var/task/lib" || got["LANG"] != "C" || got["TZ"] != "Europe/Zurich" {
			t.Errorf("got %v", got)
		}
	})
	rule(t, "the working directory is /var/task, where the code is", source, jsSDK, func(t *testing.T) {
		confined(t, c)
		if got := shell(t, js, f, "pwd; ls"); got != "/var/task\nbootstrap" {
			t.Errorf("got %q", got)
		}
	})
	rule(t, "the code is read-only", source, boto3, func(t *testing.T) {
		confined(t, c)
		if got := shell(t, py, f, "(echo x >/var/task/file); (echo x >>/var/task/bootstrap); rm -f /var/task/bootstrap; ls /var/task"); strings.Count(got, "Read-only file system") < 2 || !strings.HasSuffix(got, "\nbootstrap") {
			t.Errorf("got %q", got)
		}
	})
	rule(t, "nothing but /tmp can be written to", source, jsSDK, func(t *testing.T) {
		confined(t, c)
		got := shell(t, js, f, "for d in / /opt /usr /etc /var /var/runtime /var/tmp /home /dev /dev/shm /run; do touch $d/file 2>/dev/null && echo $d; done; touch /tmp/file && echo only /tmp")
		if got != "only /tmp" {
			t.Errorf("can write to %q", got)
		}
	})
	rule(t, "a file in /tmp survives a crash of the function", source, boto3, func(t *testing.T) {
		f := c.function(t, "survivor")
		shell(t, py, f, "echo kept >${TMPDIR:-/tmp}/file")
		if i := invokeBy(t, py, f, `{"do":"exit","code":1}`); i.Error != "Unhandled" {
			t.Fatalf("exit answered %+v", i)
		}
		if got := shell(t, py, f, "cat ${TMPDIR:-/tmp}/file"); got != "kept" {
			t.Errorf("after the crash: %q", got)
		}
	})
	rule(t, "layers lie in /opt, read-only, and /opt/bin is on the PATH", source, boto3, func(t *testing.T) {
		confined(t, c)
		layer := py.call(t, "lambda", "PublishLayerVersion", params{"LayerName": unique("tools"), "Content": params{
			"ZipFile": zipWith(t, zipFile{"bin/greet", 0o755, "#!/bin/sh\necho hello from a layer\n"}, zipFile{"data", 0o644, "data"})}}).str("LayerVersionArn")
		f := c.function(t, "layered", func(in *lambda.CreateFunctionInput, _ *string) { in.Layers = []string{layer} })
		if got := shell(t, py, f, "greet; cat /opt/data; echo; touch /opt/x"); !strings.HasPrefix(got, "hello from a layer\ndata\n") || !strings.Contains(got, "Read-only") {
			t.Errorf("got %q", got)
		}
	})
	rule(t, "code without a bootstrap runs the one of a layer", source, boto3, func(t *testing.T) {
		confined(t, c)
		layer := py.call(t, "lambda", "PublishLayerVersion", params{"LayerName": unique("runtime"), "Content": params{
			"ZipFile": zipWith(t, zipFile{"bootstrap", 0o755, answering("echo $0; cat handler")})}}).str("LayerVersionArn")
		f := c.function(t, "borrowed", code(zipWith(t, zipFile{"handler", 0o644, "the handler\n"})), func(in *lambda.CreateFunctionInput, _ *string) { in.Layers = []string{layer} })
		if i := invokeBy(t, py, f, "{}"); i.Payload != `"/opt/bootstrap\nthe handler\n"` {
			t.Errorf("got %+v", i)
		}
	})
	rule(t, "a script is a bootstrap: its interpreter is the machine's", source, awsCLI, func(t *testing.T) {
		f := c.function(t, "script", program(answering("echo from the shell")))
		out := t.TempDir() + "/out"
		if stdout, stderr, exit := c.aws(t, "lambda", "invoke", "--function-name", f.Name, out); exit != 0 || !strings.Contains(stdout, `"StatusCode": 200`) {
			t.Fatalf("%d: %s%s", exit, stdout, stderr)
		}
		if text, err := os.ReadFile(out); err != nil || string(text) != `"from the shell\n"` {
			t.Errorf("got %s, %v", text, err)
		}
	})
	rule(t, "without a bootstrap the function exists, and each invocation is Runtime.InvalidEntrypoint", source, boto3, func(t *testing.T) {
		f := c.function(t, "empty", code(zipWith(t, zipFile{"main.go", 0o644, "package main"})))
		i := invokeBy(t, py, f, "{}")
		if i.Error != "Unhandled" || !strings.Contains(i.Payload, `"errorType":"Runtime.InvalidEntrypoint"`) || !strings.Contains(i.Payload, "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]") {
			t.Errorf("got %+v", i)
		}
	})
	rule(t, "a bootstrap without its executable bit fails at the invocation, not at creation", source, jsSDK, func(t *testing.T) {
		f := c.function(t, "plain", code(zipWith(t, zipFile{"bootstrap", 0o644, "#!/bin/sh\n"})))
		if i := invokeBy(t, js, f, "{}"); i.Error != "Unhandled" || !strings.Contains(i.Payload, "Runtime.InvalidEntrypoint") {
			t.Errorf("got %+v", i)
		}
	})
	rule(t, "a bootstrap for another machine fails at the invocation, not at creation", source, boto3, func(t *testing.T) {
		f := c.function(t, "foreign", program("\x7fELF\x02\x01\x01 of another machine"))
		if i := invokeBy(t, py, f, "{}"); i.Error != "Unhandled" || !strings.Contains(i.Payload, "Runtime.InvalidEntrypoint") || !strings.Contains(i.Payload, "exec format error") {
			t.Errorf("got %+v", i)
		}
	})
	rule(t, "files keep the modes, and links the targets, that they have in the zip", source, boto3, func(t *testing.T) {
		f := c.function(t, "modes", code(zipWith(t, zipFile{"bootstrap", 0o755, answering("stat -c '%n %a' data tool folder; readlink link; cat link")},
			zipFile{"data", 0o644, "text\n"}, zipFile{"tool", 0o711, ""}, zipFile{"folder/x", 0o600, ""}, zipFile{"link", fs.ModeSymlink | 0o777, "data"})))
		if i := invokeBy(t, py, f, "{}"); i.Payload != `"data 644\ntool 711\nfolder 755\ndata\ntext\n"` {
			t.Errorf("got %+v", i)
		}
	})
	rule(t, "a process may have 1024 files open, and may not raise that", source, boto3, func(t *testing.T) {
		confined(t, c)
		if got := shell(t, py, f, "ulimit -Sn; ulimit -Hn; ulimit -n 2048"); !strings.HasPrefix(got, "1024\n1024\n") || !strings.Contains(got, "not permitted") {
			t.Errorf("got %q", got)
		}
	})
	rule(t, "there may be 1024 processes and threads", source, boto3, func(t *testing.T) {
		confined(t, c)
		if got := strings.Fields(shell(t, py, f, "grep 'Max processes' /proc/self/limits")); len(got) < 4 || got[2] != "1024" || got[3] != "1024" {
			t.Errorf("got %q", got)
		}
	})
	rule(t, "a process that ends by a signal answers Runtime.ExitError, signal: killed", source, boto3, func(t *testing.T) {
		f := c.function(t, "suicide", program("#!/bin/sh\ncurl -s -o /dev/null http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next\nkill -9 $$\n"))
		i := invokeBy(t, py, f, "{}")
		if i.Error != "Unhandled" || !strings.Contains(i.Payload, `"errorType":"Runtime.ExitError"`) || !strings.Contains(i.Payload, "Error: Runtime exited with error: signal: killed") ||
			!strings.Contains(i.Log, "Status: error\tError Type: Runtime.ExitError") {
			t.Errorf("got %+v", i)
		}
	})
	rule(t, "a daemon that a function has started is there in the next invocation, and gone after a crash", source, boto3, func(t *testing.T) {
		f := c.function(t, "daemon")
		const look = "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -o 'sleep 42[4]2' || echo none"
		shell(t, py, f, "setsid sh -c 'setsid sleep 4242 </dev/null >/dev/null 2>&1 &' </dev/null >/dev/null 2>&1")
		if got := shell(t, py, f, look); !strings.Contains(got, "sleep 4242") {
			t.Errorf("in the next invocation: %q", got)
		}
		if strings.Contains(c.Log.String(), "functions are not confined") {
			t.Skip("this machine cannot end a process that has left its group")
		}
		invokeBy(t, py, f, `{"do":"exit","code":1}`)
		if got := shell(t, py, f, look); got != "none" {
			t.Errorf("after a crash: %q", got)
		}
	})
	// ending is a bootstrap that tells the test of a SIGTERM, and keeps a connection open as long as it lives.
	ending := func(t *testing.T, extension string) (f *function, goodbye, gone chan struct{}) {
		goodbye, gone = make(chan struct{}, 1), make(chan struct{}, 1)
		meeting := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/goodbye" {
				goodbye <- struct{}{}
				return
			}
			w.WriteHeader(200)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			gone <- struct{}{}
		}))
		t.Cleanup(meeting.Close)
		f = c.function(t, "ending", program(`#!/bin/sh
api=http://$AWS_LAMBDA_RUNTIME_API
`+extension+`
curl -sS -N -o /dev/null `+meeting.URL+`/here &
trap 'curl -sS `+meeting.URL+`/goodbye; exit 0' TERM
while :; do
	curl -sS -D /tmp/headers -o /dev/null $api/2018-06-01/runtime/invocation/next &
	wait $!
	id=$(sed -n 's/^lambda-runtime-aws-request-id: *//Ip' /tmp/headers | tr -d '\r')
	curl -sS -o /dev/null -d '"here"' $api/2018-06-01/runtime/invocation/$id/response
done
`))
		if i := invokeBy(t, py, f, "{}"); i.Payload != `"here"` {
			t.Fatalf("got %+v", i)
		}
		py.call(t, "lambda", "DeleteFunction", params{"FunctionName": f.Name})
		return f, goodbye, gone
	}
	rule(t, "a runtime with an internal extension gets a SIGTERM when its environment ends", source, boto3, func(t *testing.T) {
		_, goodbye, gone := ending(t, `curl -sS -D /tmp/extension -o /dev/null -H 'Lambda-Extension-Name: inner' -d '{"events":[]}' $api/2020-01-01/extension/register
curl -sS -o /dev/null -H "$(grep -i ^lambda-extension-identifier /tmp/extension | tr -d '\r')" $api/2020-01-01/extension/event/next &`)
		happens(t, gone)
		happens(t, goodbye)
	})
	rule(t, "a runtime without an extension gets no SIGTERM: it is killed at once", source, boto3, func(t *testing.T) {
		_, goodbye, gone := ending(t, "")
		happens(t, gone)
		select {
		case <-goodbye:
			t.Error("it was asked to end")
		default:
		}
	})
	difference(t, "EphemeralStorage does not bound /tmp", source, boto3, "it is a folder of this machine, whose disk is the bound", func(t *testing.T) {
		f := c.function(t, "storage", func(in *lambda.CreateFunctionInput, _ *string) {
			in.EphemeralStorage = &types.EphemeralStorage{Size: aws.Int32(512)}
		})
		if got := shell(t, py, f, "fallocate -l 600M ${TMPDIR:-/tmp}/file && echo fits; rm -f ${TMPDIR:-/tmp}/file"); got != "fits" {
			t.Errorf("got %q", got)
		}
	})
	difference(t, "a process runs on between two invocations", source, boto3, "AWS freezes it: there a timer that is due between two invocations is late, and here it is not", func(t *testing.T) {
		f := c.function(t, "thaw")
		shell(t, py, f, "mkfifo /tmp/pipe; (echo ran >/tmp/pipe) </dev/null >/dev/null 2>&1 & echo")
		if got := shell(t, py, f, "cat /tmp/pipe"); got != "ran" {
			t.Errorf("got %q", got)
		}
	})
}

func TestMemoryOfFunctions(t *testing.T) {
	t.Parallel()
	c := shared(t)
	py := c.boto3(t)
	const source = "Lambda §7"
	unlimited := "but their memory has no limit"

	var used int
	reported := func(i invocation) string {
		_, rest, _ := strings.Cut(i.Log, "Max Memory Used: ")
		fmt.Sscan(rest, &used)
		return rest
	}
	rule(t, "memory beyond MemorySize kills the process: signal: killed", source, boto3, func(t *testing.T) {
		confined(t, c, unlimited)
		f := c.function(t, "greedy", memory(128))
		i := invokeBy(t, py, f, `{"do":"alloc","mb":200}`)
		if i.Error != "Unhandled" || !strings.Contains(i.Payload, `"errorType":"Runtime.ExitError"`) || !strings.Contains(i.Payload, "Runtime exited with error: signal: killed") {
			t.Errorf("got %+v", i)
		}
	})
	rule(t, "the REPORT of a function without memory has Error Type Runtime.OutOfMemory and Max Memory Used at its size", source, boto3, func(t *testing.T) {
		confined(t, c, unlimited)
		f := c.function(t, "exhausted", memory(128))
		i := invokeBy(t, py, f, `{"do":"alloc","mb":200}`)
		if rest := reported(i); !strings.HasPrefix(rest, "128 MB\t") || !strings.Contains(rest, "Status: error\tError Type: Runtime.OutOfMemory") {
			t.Errorf("got %q in %q", rest, i.Log)
		}
	})
	rule(t, "after it has run out of memory a function starts again", source, boto3, func(t *testing.T) {
		f := c.function(t, "again", memory(128))
		invokeBy(t, py, f, `{"do":"alloc","mb":200}`)
		if got := obey(t, py, f, params{"do": "alloc", "mb": 20}); got != fmt.Sprint(20<<20) {
			t.Errorf("got %q", got)
		}
	})
	rule(t, "the limit is for all processes of a function together", source, boto3, func(t *testing.T) {
		confined(t, c, unlimited)
		f := c.function(t, "family", memory(128))
		got := shell(t, py, f, `awk 'BEGIN { s = "0123456789abcdef"; while (length(s) < 300000000) s = s s; print length(s) }'; echo status $?`)
		if !strings.Contains(got, "status 137") {
			t.Errorf("the child ended with %q", got)
		}
	})
	rule(t, "Max Memory Used is what was used, below the size", source, boto3, func(t *testing.T) {
		confined(t, c, unlimited)
		f := c.function(t, "modest", memory(512))
		i := invokeBy(t, py, f, `{"do":"alloc","mb":100}`)
		if reported(i); used < 100 || used > 300 {
			t.Errorf("it says %d MB in %q", used, i.Log)
		}
	})
}

func TestZipsOfFunctions(t *testing.T) {
	t.Parallel()
	c := shared(t)
	py, js := c.boto3(t), c.js(t)
	const source = "Lambda §7"
	f := c.function(t, "updated")
	refused := func(t *testing.T, by caller, zip []byte, message string) {
		t.Helper()
		e := by.fail(t, "lambda", "UpdateFunctionCode", params{"FunctionName": f.Name, "ZipFile": zip})
		refusedAs(t, e, 400, "InvalidParameterValueException", message)
	}
	const bad = "Could not unzip uploaded file. Please check your file, then try to upload again."

	rule(t, "what is no zip is refused", source, boto3, func(t *testing.T) { refused(t, py, []byte("no zip"), bad) })
	choice(t, "a zip with an entry that climbs out of its folder is refused", source, boto3, func(t *testing.T) {
		refused(t, py, zipWith(t, zipFile{"bootstrap", 0o755, "x"}, zipFile{"../../out", 0o644, "x"}), bad)
	})
	choice(t, "a zip with an absolute name is refused", source, jsSDK, func(t *testing.T) {
		refused(t, js, zipWith(t, zipFile{"/etc/passwd", 0o644, "x"}), bad)
	})
	choice(t, "a zip with a link that leads out of it is refused", source, boto3, func(t *testing.T) {
		refused(t, py, zipWith(t, zipFile{"home", fs.ModeSymlink | 0o777, "/root"}), bad)
		refused(t, py, zipWith(t, zipFile{"up", fs.ModeSymlink | 0o777, ".."}, zipFile{"up/file", 0o644, "x"}), bad)
	})
	choice(t, "a zip with two entries of one name is refused", source, jsSDK, func(t *testing.T) {
		refused(t, js, zipWith(t, zipFile{"bootstrap", 0o755, "one"}, zipFile{"bootstrap", 0o755, "two"}), bad)
	})
	choice(t, "a zip with a device is refused", source, boto3, func(t *testing.T) {
		refused(t, py, zipWith(t, zipFile{"disk", fs.ModeDevice | 0o644, ""}), bad)
	})
	rule(t, "a zip that is larger than 250 MB unpacked is refused, however small it is packed", source, boto3, func(t *testing.T) {
		refused(t, py, zipWith(t, zipFile{"bootstrap", 0o755, strings.Repeat("\x00", 250<<20+1)}), "Unzipped size must be smaller than 262144000 bytes")
	})
	rule(t, "a function whose new code was refused runs on its old code", source, boto3, func(t *testing.T) {
		refused(t, py, []byte("no zip"), bad)
		if got := obey(t, py, f, params{"do": "print", "text": "still"}); got != "printed" {
			t.Errorf("got %q", got)
		}
	})
}
