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
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/route53"

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
	all     *testing.T

	mu    sync.Mutex           // guards motos
	motos map[bool]chan string // with AWS's own policies and without: addresses of those that no case uses
}

// wholeMoto has AWS's own policies, which cost it seconds in each case.
const wholeMoto = "whole moto"

// beyond is the line of the scripts below which moto has not what they ask for.
const beyond = "What follows is more than some clouds have."

// folders are the variables of the scripts.
var folders = map[string]string{"SITE": testdata("site"), "CHANGED": testdata("site-changed")}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{cache: t.TempDir(), scripts: map[string]string{"cloud": testdata(""), "moto": testdata(""), wholeMoto: t.TempDir()}, all: t, motos: map[bool]chan string{}}
	var err error
	if r.binary, err = outside.Build(t.TempDir(), "quotewire/cmd/quotewire"); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	r.goCache = strings.TrimSpace(string(out))
	dir := r.scripts[wholeMoto]
	if err := os.CopyFS(dir, os.DirFS(testdata(""))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"system.dply", "system-changed.dply"} {
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

// moto returns the address of a moto that nobody uses, of as many as there are slots, and how to give it back.
func (r *rig) moto(t *testing.T, policies bool) (address string, back func()) {
	r.mu.Lock()
	free := r.motos[policies]
	if free == nil {
		free = make(chan string, slots)
		r.motos[policies] = free
		for range slots {
			address, kill, err := outside.StartMoto(policies)
			if err != nil {
				r.mu.Unlock()
				t.Fatal(err)
			}
			r.all.Cleanup(kill)
			free <- address
		}
	}
	r.mu.Unlock()
	address = <-free
	return address, func() { free <- address }
}

func (r *rig) program(on, script string) (*check.Program, error) {
	name := filepath.Join(r.scripts[on], script)
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	env := func(name string) (string, bool) { return folders[name], folders[name] != "" }
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
	if on != "cloud" {
		s.key, s.secret = "test", "test"
		s.url, s.close = r.moto(t, on == wholeMoto)
		answer, err := http.Post(s.url+"/moto-api/reset", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		s.wire.cloud = outside.NewBeyond()
		if err := s.addZone(t.Context()); err != nil {
			t.Fatal(err)
		}
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

// addZone makes the hosted zone of a domain that is there before any script: none makes one.
func (s *station) addZone(ctx context.Context) error {
	_, err := route53.NewFromConfig(s.config(http.DefaultClient)).CreateHostedZone(ctx, &route53.CreateHostedZoneInput{Name: aws.String("faults.example.org"), CallerReference: aws.String("faults")})
	return err
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
