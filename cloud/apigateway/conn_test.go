package apigateway

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"

	"quotewire/cloud/apigateway/socket/sockettest"
	"quotewire/cloud/front"
)

// wantClose expects a close frame and then the end of the connection.
func wantClose(t testing.TB, r io.Reader, code int, reason string) {
	t.Helper()
	opcode, payload := sockettest.ReadFrame(t, r)
	if want := string(statusAndReason(code, reason)); opcode != opClose || payload != want {
		t.Errorf("frame %d %q, want a close with %q", opcode, payload, want)
	}
	if n, err := r.Read(make([]byte, 1)); err == nil || n > 0 {
		t.Errorf("something follows the close frame")
	}
}

func TestViolationsCloseTheConnection(t *testing.T) {
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "$default", "$disconnect")
	events := g.events()
	for _, test := range []struct {
		name   string
		bytes  []byte
		code   int
		reason string
	}{
		{"binary", sockettest.Frame(0x82, "x"), 1003, "binary frames are not supported"},
		{"too big, with its payload on the way", text(strings.Repeat("x", AWSLimits.MaxFrame+1)), 1009, "a frame may have 32768 bytes"},
		{"not masked", []byte{0x81, 1, 'x'}, 1002, "a client's frame must be masked"},
		{"no UTF-8", text("\xff"), 1007, "the text is not UTF-8"},
		{"bad close", sockettest.Frame(0x88, "\x03"), 1002, "half a status code"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, r, _ := handshake(t, g.Authority, pathPrefix+id+"/development")
			go c.Write(test.bytes)
			opcode, payload := sockettest.ReadFrame(t, r)
			if want := string(statusAndReason(test.code, test.reason)); opcode != opClose || payload != want {
				t.Errorf("frame %d %q, want a close with %q", opcode, payload, want)
			}
			c.Close()
			if e := next(t, events); e.RequestContext.DisconnectStatusCode != test.code {
				t.Errorf("disconnect event %s, want %d", e.text, test.code)
			}
		})
	}
}

func TestEndsOfAConnectionAsItsFunctionSeesThem(t *testing.T) {
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "$disconnect")
	events := g.events()
	for _, test := range []struct {
		name   string
		end    func(net.Conn, *bufio.Reader)
		code   int
		reason string
	}{
		{"close without a status", func(c net.Conn, r *bufio.Reader) {
			c.Write(sockettest.Frame(0x88, ""))
			opcode, payload := sockettest.ReadFrame(t, r)
			if opcode != opClose || payload != "" {
				t.Errorf("echo %d %q", opcode, payload)
			}
		}, 1005, "Client-side close frame status not set"},
		{"close with a status", func(c net.Conn, r *bufio.Reader) {
			c.Write(sockettest.Frame(0x88, "\x03\xe9"))
			wantClose(t, r, 1001, "")
		}, 1001, ""},
		{"gone without a word", func(c net.Conn, _ *bufio.Reader) { c.Close() }, 1006, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, r, _ := handshake(t, g.Authority, pathPrefix+id+"/development")
			test.end(c, r)
			e := next(t, events)
			if e.RequestContext.DisconnectStatusCode != test.code || e.RequestContext.DisconnectReason != test.reason {
				t.Errorf("event %s, want %d %q", e.text, test.code, test.reason)
			}
			if want := `{"headers":{"Host":"` + g.Authority + `","x-api-key":"","X-Forwarded-For":"","x-restapi":""},"multiValueHeaders":{"Host":["` + g.Authority +
				`"],"x-api-key":[""],"X-Forwarded-For":[""],"x-restapi":[""]},"requestContext":{"routeKey":"$disconnect","disconnectStatusCode":`; !strings.HasPrefix(e.text, want) {
				t.Errorf("event %s, want %s…", e.text, want)
			}
		})
	}
}

func TestPingIsAnsweredWithinAMessage(t *testing.T) {
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "$default")
	c, r, _ := handshake(t, g.Authority, pathPrefix+id+"/development")
	c.Write(join(sockettest.Frame(opText, "a"), sockettest.Frame(0x80|opPing, "p")))
	if opcode, payload := sockettest.ReadFrame(t, r); opcode != opPong || payload != "p" {
		t.Errorf("frame %d %q, want a pong", opcode, payload)
	}
}

func TestFrameThatArrivesWithTheHandshake(t *testing.T) {
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "$default")
	events := g.events()
	// The server of a cloud holds back what follows a request.
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	server := front.New(front.Config{Direct: IsPost, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		apiID, path, _ := g.Resolve(r)
		g.ServeAPI(w, r, apiID, path)
	})})
	served := make(chan struct{})
	go func() {
		server.Serve(listener, nil)
		close(served)
	}()
	for name, address := range map[string]string{"net/http": g.Authority, "front": listener.Addr().String()} {
		t.Run(name, func(t *testing.T) {
			c := must(net.Dial("tcp", address))
			defer c.Close()
			c.Write(append([]byte("GET "+pathPrefix+id+"/development HTTP/1.1\r\nHost: "+g.Authority+"\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"+
				"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"), text("early")...))
			if e := next(t, events); e.Body != "early" {
				t.Errorf("event %s", e.text)
			}
		})
	}
	server.Close()
	<-served
}

func TestCloseEndsEverything(t *testing.T) {
	before := runtime.NumGoroutine()
	dir := t.TempDir()
	var id string
	var connection *string
	t.Run("first process", func(t *testing.T) {
		g := start(t, dir)
		id = g.webSocketAPI(t, "$connect", "$default", "$disconnect")
		events := g.events()
		c, r, _ := handshake(t, g.Authority, pathPrefix+id+"/development")
		connection = aws.String(next(t, events).RequestContext.ConnectionID)
		handshake(t, g.Authority, pathPrefix+id+"/development")
		next(t, events)
		closed := make(chan struct{})
		go func() {
			g.Service.Close()
			close(closed)
		}()
		opcode, payload := sockettest.ReadFrame(t, r)
		if want := string(statusAndReason(1001, "Going away")); opcode != opClose || payload != want {
			t.Errorf("frame %d %q, want a close with %q", opcode, payload, want)
		}
		c.Write(sockettest.Frame(0x88, "\x03\xe9"))
		<-closed
		if len(events) > 0 {
			t.Errorf("$disconnect ran while the gateway was closing")
		}
	})
	t.Run("second process", func(t *testing.T) {
		g := start(t, dir)
		_, err := g.management("development").PostToConnection(t.Context(), &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: connection, Data: []byte("x")})
		if !isGone(err) {
			t.Errorf("post to a connection of the earlier process: %v, want GoneException", err)
		}
		g.dial(t, id, nil)
	})
	var n int
	for range 12000 { // goroutines of the clients need a moment to notice
		if n = runtime.NumGoroutine(); n <= before+2 {
			return
		}
		runtime.Gosched()
		<-time.After(5 * time.Millisecond)
	}
	stacks := make([]byte, 1<<20)
	t.Errorf("%d goroutines, %d before:\n%s", n, before, stacks[:runtime.Stack(stacks, true)])
}
