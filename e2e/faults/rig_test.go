package faults

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"quotewire/cloud"
	"quotewire/deploy"
	deployaws "quotewire/deploy/aws"
	"quotewire/dply"
	"quotewire/dply/check"
	outside "quotewire/e2e/rig"
)

// rig is what the cases share.
type rig struct {
	binary  string            // quotewire
	cache   string            // of built functions, for XDG_CACHE_HOME
	goCache string            // Go's own
	scripts map[string]string // by cloud: the folder of its scripts
	motos   chan string       // addresses of those that no case uses
}

// beyond is the line of the scripts below which moto has not what they ask for.
const beyond = "What follows is more than some clouds have."

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{cache: t.TempDir(), scripts: map[string]string{"cloud": testdata(""), "moto": t.TempDir()}, motos: make(chan string, slots)}
	var err error
	if r.binary, err = outside.Build(t.TempDir(), "quotewire/cmd/quotewire"); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	r.goCache = strings.TrimSpace(string(out))
	dir := r.scripts["moto"]
	if err := os.CopyFS(dir, os.DirFS(testdata(""))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"system.dply", "changed.dply"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		text, _, found := bytes.Cut(text, []byte(beyond))
		if !found {
			t.Fatalf("%s does not say %q", name, beyond)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// startMotos starts as many as there are slots.
func (r *rig) startMotos(t *testing.T) {
	for range slots {
		address, kill, err := outside.StartMoto()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(kill)
		r.motos <- address
	}
}

func (r *rig) program(on, script string) (*check.Program, error) {
	name := filepath.Join(r.scripts[on], script)
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	env := func(name string) (string, bool) { return testdata("site"), name == "SITE" }
	program, found := dply.Check(deployaws.Catalog(), []dply.Source{{Name: name, Text: text}}, dply.LookupEnv(env))
	return program, found.Err()
}

// station is one cloud with the deployer that works on it.
type station struct {
	*rig
	on          string
	url         string
	key, secret string
	dir         string
	wire        *wire
	close       func()
}

// open returns an empty cloud, which the caller closes.
func (r *rig) open(t *testing.T, on string) *station {
	t.Helper()
	s := &station{rig: r, on: on, wire: newWire(), dir: t.TempDir()}
	if on == "moto" {
		s.url, s.key, s.secret = <-r.motos, "test", "test"
		s.close = func() { r.motos <- s.url }
		answer, err := http.Post(s.url+"/moto-api/reset", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		return s
	}
	c, err := cloud.Start(context.Background(), cloud.Config{Dir: s.dir, Listen: "127.0.0.1:0", Region: "us-east-1", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	root := c.Root()
	s.url, s.key, s.secret, s.close = c.URL(), root.AccessKeyID, root.SecretAccessKey, func() { c.Close() }
	return s
}

// config reaches the cloud over the wire. Pauses before a call is repeated are short; that they happen is what counts.
func (s *station) config(client aws.HTTPClient) aws.Config {
	return aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(s.url), HTTPClient: client,
		Credentials: credentials.NewStaticCredentialsProvider(s.key, s.secret, ""),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return time.Millisecond, nil })
			})
		}}
}

// run deploys or tears down and returns what the progress said of waiting.
func (s *station) run(ctx context.Context, script string, mode deploy.Mode) (*deploy.Result, waits, error) {
	program, err := s.program(s.on, script)
	if err != nil {
		return nil, nil, err
	}
	var w waits
	result, err := deploy.Run(ctx, program, deploy.Options{Provider: deployaws.NewProvider(s.config(s.wire)), Mode: mode,
		CacheDir: filepath.Join(s.cache, "quotewire", "build"), View: &w})
	return result, w, err
}

type waits []string

func (w *waits) Event(e deploy.Event) {
	if e.Kind == deploy.Waiting {
		*w = append(*w, fmt.Sprint(e.Resource, " ", e.Text))
	}
}
