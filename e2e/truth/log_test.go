package truth

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"quotewire/e2e/rig"
)

// record is a line of the cloud's log.
type record map[string]string

var pair = regexp.MustCompile(`([\w.]+)=("(?:[^"\\]|\\.)*"|\S*)`)

func records(text string) []record {
	var list []record
	for line := range strings.Lines(text) {
		r := record{}
		for _, m := range pair.FindAllStringSubmatch(line, -1) {
			value := m[2]
			if strings.HasPrefix(value, `"`) {
				json.Unmarshal([]byte(value), &value)
			}
			r[m[1]] = value
		}
		list = append(list, r)
	}
	return list
}

// find returns the first record with these values; a value that ends in … is a beginning.
func find(t *testing.T, list []record, want ...string) record {
	t.Helper()
	for _, r := range list {
		ok := true
		for _, w := range want {
			key, value, _ := strings.Cut(w, "=")
			if begin, isBegin := strings.CutSuffix(value, "…"); isBegin {
				ok = ok && strings.HasPrefix(r[key], begin)
			} else {
				ok = ok && r[key] == value
			}
		}
		if ok {
			return r
		}
	}
	t.Fatalf("the log has no line with %q", want)
	return nil
}

// At debug level, one message can be followed by its ids from the handshake to the post that it led to.
func TestLogTiesAMessageToWhatFollows(t *testing.T) {
	t.Parallel()
	c := shared(t)
	f := c.function(t, "chain")
	api := c.webSocketAPI(t, f, twoWay("$default"))
	ws := dial(t, api.URL)
	ws.Send(`{"do":"echo"}`)
	var event struct {
		RequestContext struct{ ConnectionID, RequestID string }
	}
	if err := json.Unmarshal([]byte(ws.Text()), &event); err != nil {
		t.Fatal(err)
	}
	connection, request := event.RequestContext.ConnectionID, event.RequestContext.RequestID
	command, err := json.Marshal(map[string]any{"do": "signed", "service": "execute-api", "method": "POST", "body": "posted",
		"url": api.Callback + "/@connections/" + connection})
	if err != nil {
		t.Fatal(err)
	}
	ws.Send(string(command))
	for ws.Text() != "posted" {
	}
	c.Wait(t, "msg=post", connection)

	list := records(c.Log.String())
	find(t, list, "msg=handshake", "connectionId="+connection, "api="+api.ID)
	find(t, list, "msg=message", "connectionId="+connection, "requestId="+request)
	invoked := find(t, list, "msg=invoked", "requestId="+request, "function="+f.Name)["functionRequestId"]
	c.Wait(t, "START RequestId: "+invoked) // what a function logs comes behind its back
	list = records(c.Log.String())
	find(t, list, "msg=START RequestId: "+invoked+"…", "functionRequestId="+invoked)
	find(t, list, "msg=invocation", "functionRequestId="+invoked, "function="+f.Name)
	if post := find(t, list, "msg=post", "connectionId="+connection); !strings.HasSuffix(post["caller"], f.Role+"/"+f.Name) {
		t.Errorf("the post is by %q, want the session of %s", post["caller"], f.Name)
	}
}

// output collects what a program prints, and says when a text has come.
type output struct {
	mu   sync.Mutex // protects following
	text string
	more chan struct{}
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text += string(p)
	select {
	case o.more <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (o *output) wait(t *testing.T, text string) {
	t.Helper()
	for deadline := time.After(rig.Patience); ; {
		o.mu.Lock()
		have := o.text
		o.mu.Unlock()
		if strings.Contains(have, text) {
			return
		}
		select {
		case <-o.more:
		case <-deadline:
			t.Fatalf("no %q in %q", text, have)
		}
	}
}

// quotewire logs -f shows what functions print, lets a function join, and ends at Ctrl-C with the status 0.
func TestLogsFollowsFunctions(t *testing.T) {
	t.Parallel()
	c := shared(t)
	first := c.function(t, "followed")
	out := &output{more: make(chan struct{}, 1)}
	cmd := exec.Command(binary, "logs", "--state", c.Dir, "-f")
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	for i, f := range []*function{first, c.function(t, "joined")} {
		f.probe(t, fmt.Sprintf(`{"do":"print","text":"line %d of %s"}`, i, f.Name))
		out.wait(t, fmt.Sprintf("line %d of %s\n", i, f.Name))
		out.wait(t, "REPORT RequestId: ")
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ends with %v, want the status 0", err)
	}
}
