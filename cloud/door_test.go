package cloud

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"quotewire/cloud/front"
	"quotewire/cloud/iam"
)

func startCloud(t testing.TB, edit ...func(*Config)) (*Cloud, *logBuffer) {
	t.Helper()
	log := &logBuffer{}
	config := Config{Dir: t.TempDir(), Listen: "127.0.0.1:0", Region: "us-east-1", Log: slog.New(slog.NewTextHandler(log, nil))}
	for _, e := range edit {
		e(&config)
	}
	c, err := Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, log
}

type logBuffer struct {
	mu   sync.Mutex // protects text
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func everywhere(c *Config) { c.Listen = "0.0.0.0:0" }

// ownAddress is an IPv4 address of this machine's that is not a loopback one.
func ownAddress(t *testing.T) net.IP {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() {
			return n.IP
		}
	}
	t.Skip("this machine has no address but the loopback's")
	return nil
}

// A client that reaches the cloud at the loopback but comes from another address stands for another machine: to the
// cloud the two look the same.
func TestPlainTextIsForThisMachineOnly(t *testing.T) {
	t.Parallel()
	own := ownAddress(t)
	c, log := startCloud(t, everywhere)
	if !strings.Contains(log.String(), "listening beyond the loopback: plain text is taken from this machine only") {
		t.Errorf("the start does not say it: %s", log)
	}
	_, port, _ := net.SplitHostPort(c.address)
	pem, err := os.ReadFile(c.CA())
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(pem)
	for _, test := range []struct {
		from   net.IP
		scheme string
		to     string
		want   int
	}{
		{net.IPv4(127, 0, 0, 1), "http", "127.0.0.1", 200},
		{net.IPv4(127, 0, 0, 2), "http", "127.0.0.1", 200},
		{own, "http", own.String(), 200},
		{own, "http", "127.0.0.1", 403},
		{own, "https", "127.0.0.1", 200},
		{own, "https", own.String(), 200},
	} {
		dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: test.from}}
		client := &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: trusted}}}
		resp, err := client.Get(test.scheme + "://" + test.to + ":" + port + "/_quotewire/health")
		if err != nil {
			t.Errorf("%+v: %v", test, err)
			continue
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != test.want || test.want == 403 && !strings.Contains(string(text), "use https:// or wss://") {
			t.Errorf("from %s to %s://%s: %d %s, want %d", test.from, test.scheme, test.to, resp.StatusCode, text, test.want)
		}
	}
}

func TestAKnownRootStaysOnTheLoopback(t *testing.T) {
	t.Parallel()
	weak := func(c *Config) { c.Root = iam.Credentials{AccessKeyID: "test", SecretAccessKey: "test"} }
	config := Config{Dir: t.TempDir(), Region: "us-east-1", Log: slog.New(slog.DiscardHandler)}
	everywhere(&config)
	weak(&config)
	if c, err := Start(t.Context(), config); err == nil || !strings.Contains(err.Error(), "the secret of --root has fewer than 32 characters") {
		if c != nil {
			c.Close()
		}
		t.Errorf("started beyond the loopback: %v", err)
	}
	startCloud(t, weak)
	startCloud(t, everywhere, func(c *Config) { c.Root = newRoot() })
}

// knock sends a request of anybody's and returns the status and the body of the answer.
func knock(t *testing.T, c *Cloud, method, path, host string, header ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(method, c.URL()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if host != "" {
		r.Host = host
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text)
}

func TestOnlyOwnNamesAreAnswered(t *testing.T) {
	t.Parallel()
	c, _ := startCloud(t)
	for host, own := range map[string]bool{
		"127.0.0.1": true, "localhost:80": true, "[::1]:4566": true, "LOCALHOST": true, "bucket.localhost:4566": true,
		"q7w2e9r4t1.execute-api.us-east-1.amazonaws.com": true, "lambda.us-east-1.api.aws": true,
		"evil.example": false, "evil.example:4566": false, "127.0.0.1.nip.io": false, "notlocalhost": false, "localhost.evil.example": false,
		"amazonaws.com.evil.example": false, "evilamazonaws.com": false, "localhost@evil.example": false,
	} {
		for _, path := range []string{"/_quotewire/health", "/", "/_aws/execute-api/q7w2e9r4t1/prod", "/prod/@connections/O9iVddyboAMCJ1A="} {
			status, text := knock(t, c, "GET", path, host)
			if refused := strings.Contains(text, "does not answer for the host"); refused == own || refused && status != 403 {
				t.Errorf("%s%s: %d %s", host, path, status, text)
			}
		}
	}
}

func TestForeignPagesDriveNothing(t *testing.T) {
	t.Parallel()
	c, _ := startCloud(t)
	for _, test := range []struct {
		header string
		value  string
		own    bool
	}{
		{"Origin", "http://localhost:8080", true}, {"Origin", "https://app.localhost", true}, {"Origin", "http://127.0.0.1:3000", true}, {"Origin", "http://[::1]:1", true},
		{"Origin", "http://evil.example", false}, {"Origin", "null", false}, {"Origin", "file://", false}, {"Origin", "http://192.168.1.7", false},
		{"Origin", "http://localhost.evil.example", false}, {"Origin", "", false}, {"Origin", "http://127.0.0.1.nip.io", false},
		{"Sec-Fetch-Site", "cross-site", false}, {"Sec-Fetch-Site", "same-site", true}, {"Sec-Fetch-Site", "none", true},
	} {
		for _, path := range []string{"/_quotewire/health", "/", "/2015-03-31/functions", "/v2/apis", "/bucket/key"} {
			for _, method := range []string{"GET", "POST", "PUT", "DELETE", "OPTIONS"} {
				status, text := knock(t, c, method, path, "", test.header, test.value)
				if refused := strings.Contains(text, "may not drive this cloud"); refused == test.own || refused && status != 403 {
					t.Errorf("%s %s with %s %q: %d %s", method, path, test.header, test.value, status, text)
				}
			}
		}
		if status, text := knock(t, c, "POST", "/prod/@connections/O9iVddyboAMCJ1A=", "", test.header, test.value,
			"Authorization", "AWS4-HMAC-SHA256 Credential=AKID/20261124/us-east-1/execute-api/aws4_request, SignedHeaders=host, Signature=0"); test.header == "Origin" &&
			strings.Contains(text, "may not drive") == test.own {
			t.Errorf("@connections with %s %q: %d %s", test.header, test.value, status, text)
		}
	}
}

// The page of quotewire up has the door of the cloud.
func TestThePageAnswersForItsOwnNamesOnly(t *testing.T) {
	t.Parallel()
	c, _ := startCloud(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.ServePage(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "prices") }))
	for host, want := range map[string]string{"": "prices", "localhost:8080": "prices", "evil.example": "does not answer for the host"} {
		r, err := http.NewRequest("GET", "http://"+l.Addr().String()+"/config.json", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if !strings.Contains(string(text), want) || (resp.StatusCode == 200) != (want == "prices") {
			t.Errorf("%q: %s %s", host, resp.Status, text)
		}
	}
}

// What no client of HTTP sends is refused with a status, or by closing, and the next request is answered.
func TestWhatIsNoHTTPIsRefused(t *testing.T) {
	t.Parallel()
	c, _ := startCloud(t)
	for name, test := range map[string]struct{ request, want string }{
		"no host":               {"GET / HTTP/1.1\r\n\r\n", "400"},
		"two hosts":             {"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", "400"},
		"two lengths":           {"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "400"},
		"a negative length":     {"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", "400"},
		"an unknown coding":     {"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n", "501"},
		"two codings":           {"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n", "501"},
		"a space before :":      {"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length : 5\r\n\r\n", "400"},
		"a folded header":       {"GET / HTTP/1.1\r\nHost: localhost\r\n folded\r\n\r\n", "400"},
		"a NUL in a header":     {"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n", "400"},
		"a head of a megabyte":  {"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("a", 1<<20) + "\r\n\r\n", "431"},
		"a line of a megabyte":  {"GET /" + strings.Repeat("a", 1<<20) + " HTTP/1.1\r\nHost: localhost\r\n\r\n", "431"},
		"an absolute target":    {"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n", "403"},
		"a proxied target":      {"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n", "403"},
		"HTTP/1.0 without host": {"GET /_quotewire/health HTTP/1.0\r\n\r\n", "403"},
		"HTTP/2 by knowledge":   {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "403"},
		"no HTTP at all":        {"\x00\x01\x02\r\n\r\n", "400"},
	} {
		conn, err := net.Dial("tcp", c.address)
		if err != nil {
			t.Fatal(err)
		}
		go io.WriteString(conn, test.request) // the answer may come before all of it is sent
		conn.SetReadDeadline(time.Now().Add(time.Minute))
		line, err := bufio.NewReader(conn).ReadString('\n')
		conn.Close()
		if err != nil || !strings.Contains(line, " "+test.want+" ") {
			t.Errorf("%s: %q, %v, want status %s", name, line, err, test.want)
		}
	}
	if status, _ := knock(t, c, "GET", "/_quotewire/health", ""); status != 200 {
		t.Errorf("the cloud is gone: %d", status)
	}
}

// pipeListener hands out one end of pipes, whose deadlines follow the clock of a synctest bubble.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}
func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

func TestWhoSendsTooSlowlyIsCutOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &Cloud{config: Config{Log: slog.New(slog.DiscardHandler)}, background: context.Background()}
		server := c.newServer(front.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "ok") })})
		l := &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
		served := make(chan struct{})
		go func() {
			server.Serve(l, nil)
			close(served)
		}()
		for name, test := range map[string]struct {
			sent string
			want time.Duration
		}{
			"silence":              {"", 30 * time.Second},
			"half a head":          {"GET / HTTP/1.1\r\nHost: localhost\r\nX: ", headTimeout},
			"nothing after a head": {"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", idleTimeout},
		} {
			near, far := net.Pipe()
			l.conns <- far
			start := time.Now()
			io.WriteString(near, test.sent)
			io.Copy(io.Discard, near) // until the server closes
			if took := time.Since(start); took < test.want || took > test.want+time.Second {
				t.Errorf("%s: cut off after %s, want %s", name, took, test.want)
			}
		}
		server.Close()
		<-served
	})
}
