package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"quotewire/e2e/rig"
)

// wire is a proxy in front of a cloud that notes every call.
type wire struct {
	*httptest.Server
	mu    sync.Mutex // protects calls
	calls []string
}

func newWire(t *testing.T, cloud string) *wire {
	t.Helper()
	target, err := url.Parse(cloud)
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{}
	proxy := httputil.NewSingleHostReverseProxy(target)
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		w.mu.Lock()
		w.calls = append(w.calls, callName(r, body))
		w.mu.Unlock()
		proxy.ServeHTTP(rw, r) // the Host stays the proxy's: it is what was signed
	}))
	t.Cleanup(w.Close)
	return w
}

// callName is an operation's name where the protocol has one, and the method and path otherwise.
func callName(r *http.Request, body []byte) string {
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		_, name, _ := strings.Cut(target, ".")
		return name
	}
	if form, err := url.ParseQuery(string(body)); err == nil && form.Get("Action") != "" {
		return form.Get("Action")
	}
	return r.Method + " " + r.URL.Path
}

// writes are the calls that may change something. A name that is not known as a read counts as a write.
func (w *wire) writes() (writes []string, all int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, call := range w.calls {
		read := slices.ContainsFunc([]string{"GET ", "HEAD ", "Get", "List", "Describe"}, func(p string) bool { return strings.HasPrefix(call, p) })
		if !read {
			writes = append(writes, call)
		}
	}
	return writes, len(w.calls)
}

func (w *wire) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = nil
}

// with is the environment of p's tools, by way of the wire.
func (w *wire) env(p *process) []string { return append(p.Env(), "AWS_ENDPOINT_URL="+w.URL) }

func TestSecondDeployMakesNoWrite(t *testing.T) {
	p := start(t, t.TempDir(), "cloud")
	w := newWire(t, p.Endpoints.Cloud)
	out, status := quotewire(t, w.env(p), "deploy", "infrastructure.dply")
	if status != 0 {
		t.Fatalf("deploy: status %d\n%s", status, out)
	}
	if writes, all := w.writes(); len(writes) < 10 || len(writes) == all {
		t.Fatalf("the first deploy made %d writes of %d calls: this test does not see them right: %q", len(writes), all, writes)
	}
	w.reset()
	out, status = quotewire(t, w.env(p), "deploy", "infrastructure.dply")
	if status != 0 {
		t.Fatalf("second deploy: status %d\n%s", status, out)
	}
	if writes, all := w.writes(); len(writes) > 0 || all == 0 {
		t.Errorf("the second deploy made %d writes of %d calls: %q\n%s", len(writes), all, writes, out)
	}

	// destroy takes away what the script does not preserve, and a deploy after it starts over.
	if out, status = quotewire(t, w.env(p), "destroy", "--yes", "infrastructure.dply"); status != 0 {
		t.Fatalf("destroy: status %d\n%s", status, out)
	}
	var functions struct{ Functions []any }
	if err := json.Unmarshal([]byte(rig.Tool(t, p.Env(), "aws", "lambda", "list-functions")), &functions); err != nil || len(functions.Functions) > 0 {
		t.Errorf("after destroy the functions are %v, %v", functions, err)
	}
	if out, status = quotewire(t, w.env(p), "deploy", "infrastructure.dply"); status != 0 {
		t.Fatalf("deploy after destroy: status %d\n%s", status, out)
	}
}

// The endpoints file of a bare cloud lists an API as soon as it has a stage.
func TestEndpointsListAnAPIWithItsStage(t *testing.T) {
	p := start(t, t.TempDir(), "cloud")
	text, err := os.ReadFile(filepath.Join(p.Dir, "endpoints.json"))
	if err != nil || strings.Contains(string(text), "stock-watch") {
		t.Fatalf("endpoints.json of an empty cloud: %s, %v", text, err)
	}
	if out, status := quotewire(t, p.Env(), "deploy", "infrastructure.dply"); status != 0 {
		t.Fatalf("deploy: status %d\n%s", status, out)
	}
	text, err = os.ReadFile(filepath.Join(p.Dir, "endpoints.json"))
	if err != nil || !strings.Contains(string(text), `"stock-watch": "ws://127.0.0.1:`) || !strings.Contains(string(text), "/development\"") {
		t.Errorf("endpoints.json after the deploy: %s, %v", text, err)
	}
}
