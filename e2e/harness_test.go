// Package e2e drives the product through the doors that its users come in by: the binary, the wire and the browser,
// with clients that nobody here wrote.
package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"quotewire/cloud"
)

// binary is the quotewire under test, built once.
var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "quotewire-e2e-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "quotewire")
		if out, err := exec.Command("go", "build", "-o", binary, "quotewire/cmd/quotewire").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// root is the repository.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// patience bounds each wait for an event. It says when to give up, not how fast anything is.
const patience = time.Minute

// process is a running quotewire up or cloud.
type process struct {
	cmd       *exec.Cmd
	dir       string // its state folder
	tmp       string // its TMPDIR
	endpoints cloud.Endpoints
	log       *transcript
	done      chan struct{} // closed when it has ended
	err       error         // of Wait
}

// start runs a serving verb on the state folder dir and waits until it says that it is ready.
func start(t *testing.T, dir, verb string, args ...string) *process {
	t.Helper()
	p := &process{dir: dir, tmp: t.TempDir(), log: newTranscript(), done: make(chan struct{})}
	args = append([]string{verb, "--state", dir, "--listen", "127.0.0.1:0"}, args...)
	if verb == "up" {
		args = append(args, "--web", "127.0.0.1:0")
	}
	p.cmd = exec.Command(binary, args...)
	p.cmd.Dir = root(t)
	p.cmd.Env = append(os.Environ(), "TMPDIR="+p.tmp)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		<-p.done
		if t.Failed() {
			t.Logf("%s said:\n%s", strings.Join(args, " "), p.log)
		}
	})
	p.log.wait(t, p.done, "Ctrl-C stops")
	var err error
	if p.endpoints, err = cloud.ReadEndpoints(dir); err != nil {
		t.Fatal(err)
	}
	return p
}

// interrupt is Ctrl-C. It waits for a clean end.
func (p *process) interrupt(t *testing.T) {
	t.Helper()
	p.cmd.Process.Signal(os.Interrupt)
	select {
	case <-p.done:
	case <-time.After(patience):
		t.Fatalf("still running after Ctrl-C:\n%s", p.log)
	}
	if p.err != nil {
		t.Fatalf("after Ctrl-C: %v\n%s", p.err, p.log)
	}
}

// kill is kill -9.
func (p *process) kill() {
	p.cmd.Process.Signal(syscall.SIGKILL)
	<-p.done
}

// env is what an AWS tool needs to reach the process's cloud.
func (p *process) env() []string {
	key, err := cloud.ReadRoot(p.dir)
	if err != nil {
		panic(err)
	}
	return append(os.Environ(),
		"AWS_ENDPOINT_URL="+p.endpoints.Cloud, "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID="+key.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+key.SecretAccessKey,
		"AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=")
}

// transcript collects what a process prints and tells who waits for a text.
type transcript struct {
	mu   sync.Mutex // protects text and more
	text strings.Builder
	more chan struct{} // closed when text has grown
}

func newTranscript() *transcript { return &transcript{more: make(chan struct{})} }

func (l *transcript) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(p)
	close(l.more)
	l.more = make(chan struct{})
	return len(p), nil
}

func (l *transcript) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// wait returns once want was printed. It fails the test if the process ends first.
func (l *transcript) wait(t *testing.T, done <-chan struct{}, want string) {
	t.Helper()
	timeout := time.After(patience)
	for {
		l.mu.Lock()
		found, more := strings.Contains(l.text.String(), want), l.more
		l.mu.Unlock()
		if found {
			return
		}
		select {
		case <-more:
		case <-done:
			if !strings.Contains(l.String(), want) {
				t.Fatalf("ended without saying %q:\n%s", want, l)
			}
			return
		case <-timeout:
			t.Fatalf("did not say %q:\n%s", want, l)
		}
	}
}

// quotewire runs another verb to its end and returns what it printed and its exit status.
func quotewire(t *testing.T, env []string, args ...string) (string, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir, cmd.Env = root(t), env
	out, err := cmd.CombinedOutput()
	if exit, ok := err.(*exec.ExitError); ok {
		return string(out), exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	return string(out), 0
}

// tool runs a client of the machine's and returns what it printed. A client that is not installed skips the test;
// scripts/test installs them all.
func tool(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%s is not installed: run scripts/test", name)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = env
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, &stderr)
	}
	return string(out)
}

// message is anything that arrives on a socket of stock-watch.
type message struct {
	Action       string  `json:"action"`
	ConnectionID string  `json:"connection-id"`
	Message      string  `json:"message"`
	Quotes       []quote `json:"quotes"`
}

type quote struct {
	Ticker string `json:"ticker"`
	Price  int64  `json:"price"`
}

// socket is a WebSocket client's end.
type socket struct {
	t    *testing.T
	conn *websocket.Conn
}

func dial(t *testing.T, url string, options *websocket.DialOptions) *socket {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, url, options)
	if err != nil {
		t.Fatalf("dial %s: %v", url, err)
	}
	t.Cleanup(func() { conn.CloseNow() })
	return &socket{t, conn}
}

func (s *socket) send(text string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	if err := s.conn.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		s.t.Fatalf("send: %v", err)
	}
}

// text returns the next message as it came.
func (s *socket) text() string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	_, text, err := s.conn.Read(ctx)
	if err != nil {
		s.t.Fatalf("read: %v", err)
	}
	return string(text)
}

func (s *socket) message() message {
	s.t.Helper()
	text := s.text()
	var m message
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		s.t.Fatalf("message %s: %v", text, err)
	}
	return m
}

// until reads messages until one satisfies want.
func (s *socket) until(want func(message) bool) message {
	s.t.Helper()
	for {
		m := s.message()
		if want(m) {
			return m
		}
		if m.Action == "" { // a gateway's own frame: the function failed
			s.t.Fatalf("the socket got %+v", m)
		}
	}
}

// identify says who the user is and returns the quotes of everything that this user watches. Sample users watch ten or
// more; a shorter message is a price that was published meanwhile.
func (s *socket) identify(user string) message {
	s.t.Helper()
	s.send(`{"action":"user","id":"` + user + `"}`)
	return s.until(func(m message) bool { return m.Action == "quotes" && len(m.Quotes) >= 10 })
}

func (m message) price(ticker string) (int64, bool) {
	for _, q := range m.Quotes {
		if q.Ticker == ticker {
			return q.Price, true
		}
	}
	return 0, false
}

// post publishes prices over the HTTP API and returns the status and the answer.
func post(t *testing.T, url, contentType, body string) (int, string) {
	t.Helper()
	resp, err := http.Post(url, contentType, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(bufio.NewReader(resp.Body))
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}
