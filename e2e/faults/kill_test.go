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
	"sync"
	"syscall"

	"quotewire/deploy"
)

// kill makes the run with the quotewire that users run, which dies at the call. It reaches the cloud through a door of the
// test's own, where its calls are seen.
func (s *station) kill(ctx context.Context, c trial, at call, f fault) error {
	door, err := s.door()
	if err != nil {
		return err
	}
	verb := "deploy"
	if c.mode == deploy.Teardown {
		verb = "destroy"
	}
	said, err := os.Create(filepath.Join(s.dir, "said"))
	if err != nil {
		return err
	}
	defer said.Close()
	cmd := exec.CommandContext(ctx, s.binary, verb, "--yes", filepath.Join(s.scripts[s.on], c.script))
	cmd.Stdout, cmd.Stderr = said, said
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+door.url, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID="+s.key, "AWS_SECRET_ACCESS_KEY="+s.secret,
		"AWS_EC2_METADATA_DISABLED=true", "XDG_CACHE_HOME="+s.cache, "GOCACHE="+s.goCache, "SITE="+testdata("site"))
	died := make(chan struct{})
	started := make(chan struct{})
	s.wire.plan(at, f, func() {
		<-started
		cmd.Process.Kill()
		<-died
	})
	if err := cmd.Start(); err != nil {
		door.close()
		return err
	}
	close(started)
	err = cmd.Wait()
	close(died)
	// What was on its way when the process died still arrives, and is carried out before the next run begins.
	door.close()
	switch status := cmd.ProcessState.Sys().(syscall.WaitStatus); {
	case !s.wire.happened() && err == nil:
		return errNotMade
	case !status.Signaled() || status.Signal() != syscall.SIGKILL:
		text, _ := os.ReadFile(said.Name())
		return fmt.Errorf("quotewire %s was not killed: %v\n%s", verb, err, text)
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
		proxy.ServeHTTP(w, r.WithContext(context.WithoutCancel(r.Context()))) // a caller that dies takes nothing back
	})}
	go d.server.Serve(l)
	return d, nil
}

// close shuts the door, and waits for the calls that have passed it.
func (d *door) close() {
	d.server.Close()
	d.calls.Wait()
}
