package cloud

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"quotewire/cloud/iam"
	"quotewire/cloud/protocol"
)

const quote = `{"action":"quotes","connection-id":"O9iVddyboAMCJ1A=","quotes":[{"ticker":"EIQQ","price":2200}]}`

// poster is a cloud with an API, an open connection of it, and a user who may post to it.
type poster struct {
	*Cloud
	key        iam.Credentials
	may        func(statements ...string)
	api        string
	connection string
	client     net.Conn // of the connection
}

func startPoster(t testing.TB) *poster {
	t.Helper()
	c, _ := startCloud(t, func(c *Config) {
		c.Limits.APIGateway.RequestRate, c.Limits.APIGateway.RequestBurst = 1e9, 1e9
	})
	p := &poster{Cloud: c}
	create := func(path, body string) map[string]any {
		t.Helper()
		resp, text := answer(t, sign(t, c, c.Root(), "apigateway", "POST", path, body, ""))
		var made map[string]any
		if err := json.Unmarshal([]byte(text), &made); err != nil || resp.StatusCode != http.StatusCreated {
			t.Fatalf("POST %s: %s %s", path, resp.Status, text)
		}
		return made
	}
	p.api = create("/v2/apis", `{"name":"a","protocolType":"WEBSOCKET","routeSelectionExpression":"$request.body.action"}`)["apiId"].(string)
	in := create("/v2/apis/"+p.api+"/integrations", `{"integrationType":"MOCK"}`)["integrationId"].(string)
	create("/v2/apis/"+p.api+"/routes", `{"routeKey":"$default","target":"integrations/`+in+`"}`)
	create("/v2/apis/"+p.api+"/stages", `{"stageName":"test","autoDeploy":true}`)
	p.key, p.may = caller(t, c, "poster")
	p.may("execute-api:ManageConnections arn:aws:execute-api:us-east-1:111122223333:" + p.api + "/test/POST/@connections/*")
	p.client, p.connection = p.open(t)
	return p
}

// open opens a WebSocket and returns it with its connection id, which is found by posting to what the gateway answers.
func (p *poster) open(t testing.TB) (net.Conn, string) {
	t.Helper()
	client, err := net.Dial("tcp", p.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	var key [16]byte
	rand.Read(key[:])
	fmt.Fprintf(client, "GET /_aws/execute-api/%s/test HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n",
		p.api, base64.StdEncoding.EncodeToString(key[:]))
	r := bufio.NewReader(client)
	resp, err := http.ReadResponse(r, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(resp, err)
	}
	// A message that no function answers is answered with the gateway's own error, which names the connection.
	client.Write([]byte("\x81\x82\x00\x00\x00\x00{}"))
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, head[1])
	if _, err := io.ReadFull(r, text); err != nil {
		t.Fatal(err)
	}
	var e struct {
		ConnectionID string `json:"connectionId"`
	}
	if json.Unmarshal(text, &e) != nil || e.ConnectionID == "" {
		t.Fatalf("the gateway said %q", text)
	}
	return client, e.ConnectionID
}

// request is a signed post as the wire has it.
func (p *poster) request(t testing.TB, body string) []byte {
	t.Helper()
	r := sign(t, p.Cloud, p.key, "execute-api", "POST", "/test/@connections/"+p.connection, body, "", "Content-Type", "application/octet-stream",
		"Amz-Sdk-Invocation-Id", "2b7d4d17-4c42-4bb8-9e7c-8d4e1a8f7c55", "Amz-Sdk-Request", "attempt=1; max=3")
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// BenchmarkPost posts to one connection over 16 sockets. cpu-µs is of the whole process, the benchmark's clients included.
func BenchmarkPost(b *testing.B) {
	p := startPoster(b)
	go io.Copy(io.Discard, p.client)
	request := p.request(b, quote)
	const callers = 16
	var group sync.WaitGroup
	b.ReportAllocs()
	before := cpu()
	b.ResetTimer()
	for i := range callers {
		c, err := net.Dial("tcp", p.address)
		if err != nil {
			b.Fatal(err)
		}
		group.Go(func() {
			defer c.Close()
			buf := make([]byte, 4096)
			for range (b.N + callers - 1 - i) / callers {
				c.Write(request)
				n, err := c.Read(buf)
				if err != nil || !strings.HasPrefix(string(buf[:n]), "HTTP/1.1 200 OK\r\n") {
					b.Errorf("%s %v", buf[:n], err)
					return
				}
			}
		})
	}
	group.Wait()
	b.StopTimer()
	b.ReportMetric(float64((cpu()-before).Nanoseconds())/float64(b.N)/1000, "cpu-µs/op")
}

// BenchmarkPostHandler is what a post costs without its socket and without HTTP, but for the write to its connection.
func BenchmarkPostHandler(b *testing.B) {
	p := startPoster(b)
	go io.Copy(io.Discard, p.client)
	request, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(p.request(b, quote))))
	if err != nil {
		b.Fatal(err)
	}
	request.RemoteAddr = "127.0.0.1:1"
	body, w := []byte(quote), &discard{header: http.Header{}}
	b.ReportAllocs()
	before := cpu()
	b.ResetTimer()
	for range b.N {
		clear(w.header)
		request.Body = protocol.NewBody(body)
		if p.ServeHTTP(w, request); w.status != http.StatusOK {
			b.Fatal(w.status)
		}
	}
	b.ReportMetric(float64((cpu()-before).Nanoseconds())/float64(b.N)/1000, "cpu-µs/op")
}

// discard is an answer that nobody reads.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }

// cpu is the time that this process has run.
func cpu() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
