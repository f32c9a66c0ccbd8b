// Package faults holds the deployer to its promise that a run which went wrong anywhere is repaired by running it again.
//
// A script of the kind that the project deploys goes to an embedded cloud of the test's own. For each single call that
// this takes, in turn, the call is throttled, fails inside the cloud, loses its answer, or is the last that the deployer
// lives to see. Then the script is deployed again, and the cloud must hold exactly what an undisturbed deploy makes.
//
// go test takes a sample. All of them:
//
//	go test ./e2e/faults -all -v
package faults

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
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
)

var (
	all   = flag.Bool("all", false, "try every fault at every call, not a sample")
	which = flag.String("only", "", "try only the call of this name, such as CreateApi, and all faults at it")
)

// sample is the distance between the calls of a sample. It is prime to the number of faults, so that each gets its turn.
const sample = 17

// fault is what happens to one call.
type fault string

const (
	throttled fault = "429"
	broken    fault = "500"
	lost      fault = "lost answer" // the call is carried out, and the connection breaks
	killed    fault = "kill"        // the call is carried out, and the deployer is dead
)

var faults = [...]fault{throttled, broken, lost, killed}

func TestEveryCallMayFail(t *testing.T) {
	r := newRig(t)
	first := r.start(t)
	calls, want := first.undisturbed(t)
	first.cloud.Close()

	tried, survived, missed := 0, 0, 0
	var mu sync.Mutex
	slots := make(chan struct{}, 2)
	var group sync.WaitGroup
	for i, c := range calls {
		for j, f := range faults {
			if *which != "" && !strings.HasPrefix(c.String(), *which) || *which == "" && !*all && (i*len(faults)+j)%sample != 0 {
				continue
			}
			tried++
			group.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				err := r.survive(t, c, f, want)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case errors.Is(err, errNotMade):
					missed++
				case err != nil:
					t.Errorf("%s at %s: %v", f, c, err)
				default:
					survived++
				}
			})
		}
	}
	group.Wait()
	t.Logf("%d calls × %d faults: %d tried, %d survived; %d more at calls that the run then did not make", len(calls), len(faults), tried-missed, survived, missed)
	if missed > tried/10 {
		t.Error("too many calls were not made to say anything")
	}
}

// errNotMade says that a run did not make the call at which the fault was to be: one look more or less at something that
// takes its time.
var errNotMade = errors.New("the call was not made")

// rig is what the cases share: the script and the folder of built code.
type rig struct {
	program *check.Program
	cache   string
	dir     string
}

func newRig(t *testing.T) *rig {
	t.Helper()
	dir, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "system.dply")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	env := func(name string) (string, bool) { return filepath.Join(dir, "site"), name == "SITE" }
	program, found := dply.Check(deployaws.Catalog(), []dply.Source{{Name: name, Text: text}}, dply.LookupEnv(env))
	if found.Err() != nil {
		t.Fatal(found)
	}
	return &rig{program: program, cache: t.TempDir(), dir: dir}
}

// station is one cloud with the deployer that works on it.
type station struct {
	*rig
	cloud *cloud.Cloud
	wire  *wire
}

func (r *rig) start(t *testing.T) *station {
	t.Helper()
	dir, err := os.MkdirTemp("", "quotewire-faults-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	c, err := cloud.Start(context.Background(), cloud.Config{Dir: dir, Listen: "127.0.0.1:0", Region: "us-east-1", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return &station{rig: r, cloud: c, wire: newWire()}
}

// config reaches the cloud over the wire. Pauses before a call is repeated are short; that they happen is what counts.
func (s *station) config(client aws.HTTPClient) aws.Config {
	root := s.cloud.Root()
	return aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(s.cloud.URL()), HTTPClient: client,
		Credentials: credentials.NewStaticCredentialsProvider(root.AccessKeyID, root.SecretAccessKey, ""),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return time.Millisecond, nil })
			})
		}}
}

// deploy does one run and returns what the progress said of waiting.
func (s *station) deploy(ctx context.Context) (*deploy.Result, waits, error) {
	var w waits
	result, err := deploy.Run(ctx, s.program, deploy.Options{Provider: deployaws.NewProvider(s.config(s.wire)), ScriptDir: s.dir, CacheDir: s.cache, Local: true, View: &w})
	return result, w, err
}

type waits []string

func (w *waits) Event(e deploy.Event) {
	if e.Kind == deploy.Waiting {
		*w = append(*w, e.Resource+" "+e.Text)
	}
}

// undisturbed deploys twice and returns the calls of the first run and what the cloud holds then.
func (s *station) undisturbed(t *testing.T) ([]call, []string) {
	t.Helper()
	ctx := t.Context()
	if _, _, err := s.deploy(ctx); err != nil {
		t.Fatal(err)
	}
	calls := s.wire.calls()
	want, err := s.inventory(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if again, _, err := s.deploy(ctx); err != nil || again.Changes() > 0 {
		t.Fatalf("an undisturbed deploy is not settled: %+v, %v", again, err)
	}
	return calls, want
}

// survive tries one fault at one call on a cloud of its own.
func (r *rig) survive(t *testing.T, c call, f fault, want []string) error {
	s := r.start(t)
	defer s.cloud.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s.wire.plan(c, f, cancel)
	_, waited, err := s.deploy(ctx)
	if !s.wire.happened() {
		return errNotMade
	}
	// Only death is more than a run can bear.
	if f != killed && err != nil {
		return fmt.Errorf("the run gave up: %w", err)
	}
	if f != killed && len(waited) == 0 {
		return errors.New("the progress does not say that it waits")
	}
	ctx = t.Context()
	s.wire.plan(call{}, "", nil)
	if _, _, err := s.deploy(ctx); err != nil {
		return fmt.Errorf("the next run: %w", err)
	}
	got, err := s.inventory(ctx)
	if err != nil {
		return err
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("the cloud holds\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
	s.wire.plan(call{}, "", nil)
	if third, _, err := s.deploy(ctx); err != nil || third.Changes() > 0 {
		return fmt.Errorf("not settled after the next run: %+v, %v", third, err)
	}
	return nil
}

// call is the nth call of an operation in a run. Reads run side by side, so a number over all would not mean the same
// call every time.
type call struct {
	operation string
	nth       int
}

func (c call) String() string { return fmt.Sprintf("%s %d", c.operation, c.nth) }

// wire is the deployer's connection, on which one call can go wrong.
type wire struct {
	mu    sync.Mutex
	made  map[string]int // guarded by mu: calls by operation
	list  []call         // guarded by mu: all of them
	at    call           // guarded by mu
	fault fault          // guarded by mu: what will happen to at
	kill  func()
	dead  bool // guarded by mu: every further call is lost
	done  bool // guarded by mu: it has happened
}

func newWire() *wire { return &wire{made: map[string]int{}} }

// plan forgets what was and says what is to go wrong next.
func (w *wire) plan(c call, f fault, kill func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.made, w.list, w.at, w.fault, w.kill, w.dead, w.done = map[string]int{}, nil, c, f, kill, false, false
}

func (w *wire) calls() []call {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.list)
}

func (w *wire) happened() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.done
}

var errDead = errors.New("the deployer is dead")

// Do implements the SDK's HTTP client.
func (w *wire) Do(r *http.Request) (*http.Response, error) {
	f, kill, err := w.next(r)
	if err != nil {
		return nil, err
	}
	switch f {
	case throttled:
		return refuse(r, http.StatusTooManyRequests, "TooManyRequestsException"), nil
	case broken:
		return refuse(r, http.StatusInternalServerError, "InternalFailure"), nil
	}
	answer, err := http.DefaultClient.Do(r)
	if f == "" || err != nil {
		return answer, err
	}
	io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	if f == killed {
		kill()
		return nil, errDead
	}
	return nil, io.ErrUnexpectedEOF
}

// next counts a call and says what is to happen to it.
func (w *wire) next(r *http.Request) (fault, func(), error) {
	name, err := operation(r)
	if err != nil {
		return "", nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead {
		return "", nil, errDead
	}
	w.made[name]++
	c := call{name, w.made[name]}
	w.list = append(w.list, c)
	if w.fault == "" || w.done || c != w.at {
		return "", nil, nil
	}
	w.done, w.dead = true, w.fault == killed
	return w.fault, w.kill, nil
}

// operation names what a request asks for: by its target, by its form, or by its method and path with ids left out.
func operation(r *http.Request) (string, error) {
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		return target[strings.IndexByte(target, '.')+1:], nil
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return "", err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		for field := range strings.SplitSeq(string(body), "&") {
			if action, ok := strings.CutPrefix(field, "Action="); ok {
				return action, nil
			}
		}
	}
	parts := strings.Split(r.URL.Path, "/")
	if len(parts) > 3 && parts[1] == "v2" { // /v2/apis/ID/…
		parts[3] = "ID"
	}
	if len(parts) > 5 && parts[1] == "v2" {
		parts[5] = "ID"
	}
	return r.Method + " " + strings.Join(parts, "/"), nil
}

// refuse is an error of the cloud in the protocol of the request.
func refuse(r *http.Request, status int, code string) *http.Response {
	header := http.Header{"X-Amzn-Errortype": {code}}
	body := fmt.Sprintf(`{"__type":%q,"message":"a fault of the test"}`, code)
	switch {
	case strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		body = fmt.Sprintf(`<ErrorResponse><Error><Type>Receiver</Type><Code>%s</Code><Message>a fault of the test</Message></Error><Errors><Error><Code>%s</Code></Error></Errors></ErrorResponse>`, code, code)
	case strings.HasPrefix(r.Header.Get("Accept"), "application/xml"), r.Header.Get("Amz-Sdk-Invocation-Id") != "" && r.Header.Get("X-Amz-Content-Sha256") != "":
		body = fmt.Sprintf(`<Error><Code>%s</Code><Message>a fault of the test</Message></Error>`, code)
	}
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r}
}
