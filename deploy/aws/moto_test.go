package aws

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"quotewire/deploy"
	"quotewire/dply/check"
)

// motoServer returns the command that runs moto, a server with AWS's protocols that nobody here wrote.
func motoServer(t *testing.T) string {
	t.Helper()
	name := os.Getenv("MOTO_SERVER")
	if name == "" {
		name = "moto_server"
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skip("no moto_server: install it with pip install 'moto[server]' and put it on the PATH, or name it in MOTO_SERVER")
	}
	return path
}

// cloud is a moto of the test's own. It counts the calls that pass.
type cloud struct {
	t      *testing.T
	config aws.Config

	mu     sync.Mutex
	calls  []string        // guarded by mu: operation names of all calls
	answer map[string]*bad // guarded by mu: by operation

	beyond deployments
}

// bad is an answer that moto would not give.
type bad struct {
	status int
	header http.Header
	body   string
	times  int
}

func startMoto(t *testing.T) *cloud {
	t.Helper()
	cmd := exec.Command(motoServer(t), "-H", "127.0.0.1", "-p", "0")
	// Python buffers what goes to a pipe; the port is in the first lines.
	cmd.Env = append(os.Environ(), "PYTHONUNBUFFERED=1", "MOTO_IAM_LOAD_MANAGED_POLICIES=true")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string)
	go func() {
		defer close(lines)
		s := bufio.NewScanner(stderr)
		for s.Scan() {
			lines <- s.Text()
		}
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		for range lines {
		}
		cmd.Wait()
	})
	address := regexp.MustCompile(`Running on (http://127\.0\.0\.1:\d+)`)
	for line := range lines {
		if m := address.FindStringSubmatch(line); m != nil {
			go func() {
				for range lines {
				}
			}()
			c := &cloud{t: t, answer: map[string]*bad{}}
			c.config = aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(m[1]), HTTPClient: c,
				Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
			return c
		}
	}
	t.Skip("moto_server does not start")
	return nil
}

var form = regexp.MustCompile(`(?:^|&)Action=(\w+)`)

// Do implements the SDK's HTTP client.
func (c *cloud) Do(r *http.Request) (*http.Response, error) {
	name := r.Method + " " + r.URL.Path
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		name = target[strings.IndexByte(target, '.')+1:]
	} else if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if m := form.FindSubmatch(body); m != nil {
			name = string(m[1])
		}
	}
	c.mu.Lock()
	c.calls = append(c.calls, name)
	b := c.answer[name]
	if b != nil && b.times > 0 {
		b.times--
	} else {
		b = nil
	}
	c.mu.Unlock()
	if b != nil {
		return &http.Response{StatusCode: b.status, Header: b.header, Body: io.NopCloser(strings.NewReader(b.body)), Request: r}, nil
	}
	return c.beyond.Do(r)
}

// writes returns the calls that change something, and forgets all.
func (c *cloud) writes() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []string
	for _, call := range c.calls {
		read := strings.HasPrefix(call, "GET ") || strings.HasPrefix(call, "HEAD ")
		for _, verb := range []string{"Get", "List", "Describe"} {
			read = read || strings.HasPrefix(call, verb)
		}
		if !read {
			list = append(list, call)
		}
	}
	c.calls = nil
	return list
}

// run is a whole run with a provider of its own.
func (c *cloud) run(p *check.Program, opts deploy.Options) (*deploy.Result, error) {
	c.t.Helper()
	opts.Provider = NewProvider(c.config)
	ctx, cancel := context.WithTimeout(c.t.Context(), 2*time.Minute)
	defer cancel()
	return deploy.Run(ctx, p, opts)
}

func (c *cloud) mustRun(p *check.Program, opts deploy.Options) *deploy.Result {
	c.t.Helper()
	r, err := c.run(p, opts)
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}
