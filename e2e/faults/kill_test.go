package faults

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"

	"quotewire/deploy"
	outside "quotewire/e2e/rig"
)

// kill makes the run with the quotewire that users run, which dies or is interrupted at the call. It reaches the cloud through
// a door of the test's own, where its calls are seen.
func (s *station) kill(ctx context.Context, c trial, at call, f fault) error {
	door, err := s.door()
	if err != nil {
		return err
	}
	verb := "deploy"
	if c.mode == deploy.Teardown {
		verb = "destroy"
	}
	said := outside.NewTranscript()
	cmd := exec.CommandContext(ctx, s.binary, verb, "--yes", filepath.Join(s.scripts[s.on], c.script))
	cmd.Stdout, cmd.Stderr = said, said
	cmd.WaitDelay = outside.Patience // a build that the process has begun holds on to its output
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+door.url, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID="+s.key, "AWS_SECRET_ACCESS_KEY="+s.secret,
		"AWS_EC2_METADATA_DISABLED=true", "XDG_CACHE_HOME="+s.cache, "GOCACHE="+s.goCache)
	for name, folder := range folders {
		cmd.Env = append(cmd.Env, name+"="+folder)
	}
	started, ended := make(chan struct{}), make(chan struct{})
	s.wire.plan(at, f, func() {
		<-started
		if f == interrupted {
			cmd.Process.Signal(os.Interrupt)
			said.Await(ended, "stopping: ") // unless it only reads, and ends at once
			return
		}
		cmd.Process.Kill()
		<-ended
	})
	if err := cmd.Start(); err != nil {
		door.close()
		return err
	}
	close(started)
	err = cmd.Wait()
	close(ended)
	// What was on its way when the process died still arrives, and is carried out before the next run begins.
	door.close()
	switch status := cmd.ProcessState.Sys().(syscall.WaitStatus); {
	case !s.wire.happened() && err == nil:
		return errNotMade
	case f == interrupted:
		return wasInterrupted(cmd.ProcessState.ExitCode(), said.String())
	case !status.Signaled() || status.Signal() != syscall.SIGKILL:
		return fmt.Errorf("quotewire %s was not killed: %v\n%s", verb, err, said)
	}
	return nil
}

var counts = regexp.MustCompile(`(?m)^= (nothing was changed|.*\d+ not done|.*(created|updated|deleted|unchanged|kept))  `)

// wasInterrupted judges how a run ended that Ctrl-C has met.
func wasInterrupted(status int, said string) error {
	switch {
	case status != 130:
		return fmt.Errorf("it exits with %d, want 130:\n%s", status, said)
	case !counts.MatchString(said):
		return fmt.Errorf("it does not say what was done and what was not:\n%s", said)
	case !strings.HasSuffix(said, "quotewire: interrupted; run it again to go on\n"):
		return fmt.Errorf("it does not say how to go on:\n%s", said)
	}
	return nil
}

// door hands the calls of a process on to the wire.
type door struct {
	url    string
	server *http.Server
	calls  sync.WaitGroup // those under way
}

func (s *station) door() (*door, error) {
	cloud, err := url.Parse(s.url)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = cloud.Scheme, cloud.Host, r.In.Host // which is signed
		},
		Transport:    s.wire,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	d := &door{url: "http://" + l.Addr().String()}
	d.server = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.calls.Add(1)
		defer d.calls.Done()
		// A caller that dies takes nothing back: neither its context nor w tells the proxy.
		proxy.ServeHTTP(struct{ http.ResponseWriter }{w}, r.WithContext(context.WithoutCancel(r.Context())))
	})}
	go d.server.Serve(l)
	return d, nil
}

// close shuts the door, and waits for the calls that have passed it.
func (d *door) close() {
	d.server.Close()
	d.calls.Wait()
}
