package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"quotewire/e2e/rig"
)

// The essay that this project began with has a script, a Lambda and page code. They run here unchanged.
const seedFolder = "../../shared/seed"

// seedAPI is the id that the essay's page code has in its address.
const seedAPI = "n2n2psybtd"

// extractSeed cuts the essay into its files and gives its Lambda a go.mod, which the essay leaves out.
func extractSeed(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat(seedFolder); err != nil {
		t.Skipf("skipped: the essay is not at %s", seedFolder)
	}
	essay, err := filepath.Glob(filepath.Join(seedFolder, "*.txt"))
	if err != nil || len(essay) != 1 {
		t.Fatalf("%s holds the texts %q, want one", seedFolder, essay)
	}
	dir := t.TempDir()
	rig.Tool(t, os.Environ(), "python3", filepath.Join(seedFolder, "extract.py"), essay[0], dir)
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(rig.Root(), name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// seedSocket opens a wss:// connection to the essay's API.
func seedSocket(t *testing.T, p *process) *socket {
	t.Helper()
	address := strings.Replace(p.Endpoints.Cloud, "http://", "wss://", 1) + "/_aws/execute-api/" + seedAPI + "/development/"
	return dial(t, address, &websocket.DialOptions{HTTPClient: p.Client(t)})
}

// In the essay's VPC the Lambda has no way to the gateway: the socket gets, after the integration timeout, exactly
// what the essay's author got, and here the log says why and what to write.
func TestSeedInAVPCWithoutAWayOut(t *testing.T) {
	t.Parallel()
	seed := extractSeed(t)
	script := filepath.Join(seed, "infrastructure.dply")
	p := start(t, t.TempDir(), "cloud", "--api-id", "stock-watch="+seedAPI)

	out, status := quotewire(t, p.Env(), "deploy", script)
	if status == 0 || !strings.Contains(out, "quotewire vpc Test") || !strings.Contains(out, "infrastructure.dply:") {
		t.Fatalf("deploy without the VPC: status %d, want an error that says how to get one:\n%s", status, out)
	}
	if out, status := quotewire(t, p.Env(), "vpc", "Test"); status != 0 {
		t.Fatalf("vpc: status %d\n%s", status, out)
	}
	if out, status := quotewire(t, p.Env(), "deploy", script); status != 0 {
		t.Fatalf("deploy: status %d\n%s", status, out)
	}
	s := seedSocket(t, p)
	s.Send(`{"action":"user","id":"user003"}`)
	frame := regexp.MustCompile(`^\{"message": "Endpoint request timed out", "connectionId":"[\w-]{15}=", "requestId":"[\w-]{15}="\}$`)
	if got := s.Text(); !frame.MatchString(got) {
		t.Errorf("the socket got %s", got)
	}
	for _, want := range []string{"watch-lambda", `DualStack <- true`, `IpAddressType <- \"dualstack\"`} {
		if !strings.Contains(p.Log.String(), want) {
			t.Errorf("the log does not say %s", want)
		}
	}
}

// With an egress-only gateway, and a script that uses it, the quotes come; the essay's page shows them.
func TestSeedInAVPCWithAnEgressOnlyGateway(t *testing.T) {
	t.Parallel()
	seed := extractSeed(t)
	script := filepath.Join(seed, "infrastructure.dply")
	text, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	way := strings.NewReplacer(
		"            VpcConfig <= aws.VPC.Config\n", "            VpcConfig <= aws.VPC.Config\n                DualStack <- true\n",
		"            Protocol <- \"websocket\"\n", "            Protocol <- \"websocket\"\n            IpAddressType <- \"dualstack\"\n",
	).Replace(string(text))
	if strings.Count(way, "\n") != strings.Count(string(text), "\n")+2 {
		t.Fatalf("the two lines did not fit into the script:\n%s", way)
	}
	if err := os.WriteFile(script, []byte(way), 0o644); err != nil {
		t.Fatal(err)
	}
	p := start(t, t.TempDir(), "cloud", "--api-id", "stock-watch="+seedAPI)
	if out, status := quotewire(t, p.Env(), "vpc", "Test", "--egress-only"); status != 0 {
		t.Fatalf("vpc: status %d\n%s", status, out)
	}
	if out, status := quotewire(t, p.Env(), "deploy", script); status != 0 {
		t.Fatalf("deploy: status %d\n%s", status, out)
	}
	s := seedSocket(t, p)
	s.Send(`{"action":"user","id":"user003"}`)
	want := regexp.MustCompile(`^\{"action":"quotes","connection-id":"[\w-]{15}=","quotes":\[\{"ticker":"EIQQ","price":2200\}\]\}$`)
	if got := s.Text(); !want.MatchString(got) {
		t.Errorf("the socket got %s", got)
	}

	t.Run("page", func(t *testing.T) {
		if _, err := exec.LookPath("chromium"); err != nil {
			t.Skip("chromium is not installed: run scripts/test")
		}
		files := http.NewServeMux()
		files.Handle("/", http.FileServer(http.Dir("testdata/seedpage")))
		files.Handle("/js/", http.FileServer(http.Dir(seed)))
		files.Handle("/js/quotewatcher.js", http.FileServer(http.Dir("testdata/seedpage")))
		page := httptest.NewServer(files)
		defer page.Close()
		cloud, err := url.Parse(p.Endpoints.Cloud)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(rig.Tool(t, os.Environ(), "node", "seedpage.mjs", page.URL, cloud.Host)); got != "EIQQ $22.00" {
			t.Errorf("the page shows %q", got)
		}
	})
}
