package truth

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"quotewire/e2e/rig"
)

// driver is a process that makes calls with one of AWS's SDKs, many at a time.
type driver struct {
	program, script string

	once  sync.Once
	err   error
	cmd   *exec.Cmd
	stdin io.WriteCloser

	mu      sync.Mutex // protects following, and writing to stdin
	next    int
	waiting map[int]chan answer
}

var (
	python = &driver{program: "python3", script: "driver.py"}
	node   = &driver{program: "node", script: "driver.mjs"}
)

func stopDrivers() {
	for _, d := range []*driver{python, node} {
		if d.cmd != nil {
			d.stdin.Close()
			d.cmd.Wait()
		}
	}
}

func (d *driver) start() error {
	d.once.Do(func() {
		d.waiting = map[int]chan answer{}
		cmd := exec.Command(d.program, filepath.Join(rig.Root(), "e2e", "truth", d.script))
		cmd.Stderr = os.Stderr
		cmd.Env = append(os.Environ(), "AWS_EC2_METADATA_DISABLED=true", "PYTHONWARNINGS=ignore")
		var out io.ReadCloser
		if d.stdin, d.err = cmd.StdinPipe(); d.err != nil {
			return
		}
		if out, d.err = cmd.StdoutPipe(); d.err != nil {
			return
		}
		if d.err = cmd.Start(); d.err != nil {
			return
		}
		d.cmd = cmd
		go d.read(out)
	})
	return d.err
}

func (d *driver) read(out io.Reader) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var a answer
		var id struct{ ID int }
		err := errors.Join(json.Unmarshal(lines.Bytes(), &a), json.Unmarshal(lines.Bytes(), &id))
		if err != nil {
			a.Code, a.Message = "Driver", fmt.Sprintf("%v: %s", err, lines.Bytes())
		}
		d.mu.Lock()
		if c := d.waiting[id.ID]; c != nil {
			c <- a
		}
		delete(d.waiting, id.ID)
		d.mu.Unlock()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.waiting {
		c <- answer{Code: "Driver", Message: d.script + " has ended"}
	}
	clear(d.waiting)
}

// caller makes calls with one SDK, one endpoint and one credential.
type caller struct {
	driver                       *driver
	endpoint, key, secret, token string
}

// as is the same client with another credential. Without a key, calls are not signed.
func (c caller) as(key, secret, token string) caller {
	c.key, c.secret, c.token = key, secret, token
	return c
}

// at is the same client with another endpoint.
func (c caller) at(endpoint string) caller {
	c.endpoint = endpoint
	return c
}

// do makes a call. A service is named as in boto3, such as apigatewayv2; an operation as AWS names it, such as CreateApi.
// Blobs among the parameters are []byte.
func (c caller) do(t testing.TB, service, operation string, params map[string]any) answer {
	t.Helper()
	rig.Need(t, c.driver.program)
	if err := c.driver.start(); err != nil {
		t.Fatal(err)
	}
	d := c.driver
	got := make(chan answer, 1)
	d.mu.Lock()
	d.next++
	id := d.next
	d.waiting[id] = got
	line, err := json.Marshal(map[string]any{
		"id": id, "endpoint": c.endpoint, "key": c.key, "secret": c.secret, "token": c.token,
		"service": service, "operation": operation, "params": blobs(params),
	})
	if err == nil {
		_, err = d.stdin.Write(append(line, '\n'))
	}
	d.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	select {
	case a := <-got:
		return a
	case <-time.After(2 * rig.Patience):
		t.Fatalf("%s: %s %s has not answered", d.script, service, operation)
	}
	return answer{}
}

// call is do for a call that must succeed.
func (c caller) call(t testing.TB, service, operation string, params map[string]any) answer {
	t.Helper()
	a := c.do(t, service, operation, params)
	if a.Code != "" || a.Status < 200 || a.Status > 299 {
		t.Fatalf("%s %s: %d %s: %s", service, operation, a.Status, a.Code, a.Message)
	}
	return a
}

// fail is do for a call that must be refused.
func (c caller) fail(t testing.TB, service, operation string, params map[string]any) answer {
	t.Helper()
	a := c.do(t, service, operation, params)
	if a.Code == "" {
		t.Fatalf("%s %s succeeded with %d, want an error", service, operation, a.Status)
	}
	if a.Code == "Driver" || a.Status == 0 {
		t.Fatalf("%s %s: %s: %s", service, operation, a.Code, a.Message)
	}
	return a
}

func blobs(v any) any {
	switch v := v.(type) {
	case []byte:
		return map[string]string{"$bytes": base64.StdEncoding.EncodeToString(v)}
	case map[string]any:
		all := map[string]any{}
		for k, x := range v {
			all[k] = blobs(x)
		}
		return all
	case []any:
		all := make([]any, len(v))
		for i, x := range v {
			all[i] = blobs(x)
		}
		return all
	}
	return v
}

// answer is what an SDK made of a response.
type answer struct {
	Status        int
	Headers       map[string]string // names in lower case
	Code, Message string            // of an error
	Answer        any
}

// get returns the value at a dotted path, such as Items.0.Name; nil if there is none.
func (a answer) get(path string) any {
	v := a.Answer
	for part := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[part]
		case []any:
			var i int
			if _, err := fmt.Sscan(part, &i); err != nil || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

// str returns the text at a path; "" if there is none.
func (a answer) str(path string) string {
	if v := a.get(path); v != nil {
		return fmt.Sprint(v)
	}
	return ""
}

// num returns the number at a path.
func (a answer) num(path string) float64 {
	n, _ := a.get(path).(float64)
	return n
}

// bytes returns the blob at a path.
func (a answer) bytes(path string) []byte {
	text, _ := base64.StdEncoding.DecodeString(a.str(path + ".$bytes"))
	return text
}

// list returns the list at a path.
func (a answer) list(path string) []any {
	l, _ := a.get(path).([]any)
	return l
}
