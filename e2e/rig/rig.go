// Package rig is what tests from outside stand on: the binary under test, its processes, the machine's own clients, and
// a stock WebSocket client. It looks at Quotewire only through the doors that users come in by.
package rig

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"quotewire/cloud"
)

// Patience bounds each wait for an event. It says when to give up, not how fast anything is.
const Patience = time.Minute

// Build builds a package of this module into dir and returns the executable.
func Build(dir, pkg string) (string, error) {
	binary := filepath.Join(dir, filepath.Base(pkg))
	cmd := exec.Command("go", "build", "-o", binary, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build %s: %w\n%s", pkg, err, out)
	}
	return binary, nil
}

// Root is the repository.
func Root() string {
	dir, err := os.Getwd() // of a test: its package
	for err == nil {
		if _, missing := os.Stat(filepath.Join(dir, "go.mod")); missing == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			err = errors.New("no go.mod above")
		}
		dir = filepath.Dir(dir)
	}
	panic(err)
}

// Process is a running quotewire up or cloud.
type Process struct {
	Cmd       *exec.Cmd
	Dir       string // its state folder
	Tmp       string // its TMPDIR
	Endpoints cloud.Endpoints
	Log       *Transcript
	Done      chan struct{} // closed when it has ended
	Err       error         // of Wait
}

// Launch runs a serving verb on the state folder dir and waits until it says that it is ready. Its temporary files go to
// tmp. Whoever calls it ends the process.
func Launch(binary, dir, tmp, verb string, args ...string) (*Process, error) {
	p := &Process{Dir: dir, Tmp: tmp, Log: NewTranscript(), Done: make(chan struct{})}
	args = append([]string{verb, "--state", dir, "--listen", "127.0.0.1:0"}, args...)
	if verb == "up" {
		args = append(args, "--web", "127.0.0.1:0")
	}
	p.Cmd = exec.Command(binary, args...)
	p.Cmd.Dir = Root()
	p.Cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	p.Cmd.Stdout, p.Cmd.Stderr = p.Log, p.Log
	if err := p.Cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.Err = p.Cmd.Wait()
		close(p.Done)
	}()
	err := p.Log.Await(p.Done, "Ctrl-C stops")
	if err == nil {
		p.Endpoints, err = cloud.ReadEndpoints(dir)
	}
	if err != nil {
		p.Kill()
		return nil, fmt.Errorf("quotewire %s: %w\n%s", strings.Join(args, " "), err, p.Log)
	}
	return p, nil
}

// Start is Launch for a process that ends with the test. A test that fails shows what the process said.
func Start(t testing.TB, binary, dir, verb string, args ...string) *Process {
	t.Helper()
	p, err := Launch(binary, dir, t.TempDir(), verb, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("quotewire %s %s said:\n%s", verb, strings.Join(args, " "), p.Log)
		}
	})
	return p
}

// Interrupt is Ctrl-C. It waits for a clean end.
func (p *Process) Interrupt(t testing.TB) {
	t.Helper()
	p.Cmd.Process.Signal(os.Interrupt)
	select {
	case <-p.Done:
	case <-time.After(Patience):
		t.Fatalf("still running after Ctrl-C:\n%s", p.Log)
	}
	if p.Err != nil {
		t.Fatalf("after Ctrl-C: %v\n%s", p.Err, p.Log)
	}
}

// Kill is kill -9.
func (p *Process) Kill() {
	p.Cmd.Process.Signal(syscall.SIGKILL)
	<-p.Done
}

// Env is what an AWS tool needs to reach the process's cloud as its root.
func (p *Process) Env() []string {
	key, err := cloud.ReadRoot(p.Dir)
	if err != nil {
		panic(err)
	}
	return append(os.Environ(),
		"AWS_ENDPOINT_URL="+p.Endpoints.Cloud, "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID="+key.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+key.SecretAccessKey,
		"AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=")
}

// Client is a client that trusts the cloud's own authority and nothing else.
func (p *Process) Client(t testing.TB) *http.Client {
	t.Helper()
	text, err := os.ReadFile(p.Endpoints.CA)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		t.Fatalf("%s holds no certificate", p.Endpoints.CA)
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
}

// Run runs a program to its end and returns what it printed and its exit status.
func Run(t testing.TB, env []string, name string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = Root(), env
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", name, err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// Need skips the test if a client of the machine's is not installed; scripts/test installs them all.
func Need(t testing.TB, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%s is not installed: run scripts/test", name)
	}
}

// Tool runs a client of the machine's, in the folder e2e, and returns what it printed.
func Tool(t testing.TB, env []string, name string, args ...string) string {
	t.Helper()
	Need(t, name)
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = filepath.Join(Root(), "e2e"), env
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, &stderr)
	}
	return string(out)
}
