package apigateway

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"math/big"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"

	"quotewire/cloud/apigateway/socket"
)

// readFrame reads a frame of the server.
func readFrame(t testing.TB, r io.Reader) (opcode byte, payload string) {
	t.Helper()
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		t.Fatal(err)
	}
	if head[0]&0x80 == 0 || head[1]&0x80 != 0 {
		t.Fatalf("frame head %x: a server's frames are final and not masked", head)
	}
	n := int(head[1])
	switch n {
	case 126:
		io.ReadFull(r, head[:])
		n = int(binary.BigEndian.Uint16(head[:]))
	case 127:
		var long [8]byte
		io.ReadFull(r, long[:])
		n = int(binary.BigEndian.Uint64(long[:]))
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		t.Fatal(err)
	}
	return head[0] & 0x0f, string(b)
}

// wantClose expects a close frame and then the end of the connection.
func wantClose(t testing.TB, r io.Reader, code int, reason string) {
	t.Helper()
	opcode, payload := readFrame(t, r)
	if want := string(closePayload(code, reason)); opcode != opClose || payload != want {
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
		{"binary", clientFrame(0x82, "x"), 1003, "binary frames are not supported"},
		{"too big, with its payload on the way", text(strings.Repeat("x", AWSLimits.MaxFrame+1)), 1009, "a frame may have 32768 bytes"},
		{"not masked", []byte{0x81, 1, 'x'}, 1002, "a client's frame must be masked"},
		{"no UTF-8", text("\xff"), 1007, "the text is not UTF-8"},
		{"bad close", clientFrame(0x88, "\x03"), 1002, "half a status code"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, r, _ := handshake(t, g.Authority, pathPrefix+id+"/development")
			go c.Write(test.bytes)
			opcode, payload := readFrame(t, r)
			if want := string(closePayload(test.code, test.reason)); opcode != opClose || payload != want {
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
			c.Write(clientFrame(0x88, ""))
			opcode, payload := readFrame(t, r)
			if opcode != opClose || payload != "" {
				t.Errorf("echo %d %q", opcode, payload)
			}
		}, 1005, "Client-side close frame status not set"},
		{"close with a status", func(c net.Conn, r *bufio.Reader) {
			c.Write(clientFrame(0x88, "\x03\xe9"))
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
	c.Write(join(clientFrame(opText, "a"), clientFrame(0x80|opPing, "p")))
	if opcode, payload := readFrame(t, r); opcode != opPong || payload != "p" {
		t.Errorf("frame %d %q, want a pong", opcode, payload)
	}
}

func TestFrameThatArrivesWithTheHandshake(t *testing.T) {
	g := start(t, t.TempDir())
	id := g.webSocketAPI(t, "$default")
	events := g.events()
	c := must(net.Dial("tcp", g.Authority))
	defer c.Close()
	c.Write(append([]byte("GET "+pathPrefix+id+"/development HTTP/1.1\r\nHost: "+g.Authority+"\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"), text("early")...))
	if e := next(t, events); e.Body != "early" {
		t.Errorf("event %s", e.text)
	}
}

// pipe runs a connection over a pipe, whose deadlines obey the bubble's clock.
func pipe() (c *conn, client net.Conn, ended chan int) {
	server, client := net.Pipe()
	c, ended = runOver(server)
	return c, client, ended
}

func runOver(server net.Conn) (c *conn, ended chan int) {
	c = &conn{
		id: "test", net: server, connected: time.Now(), limits: &AWSLimits, trip: func([]byte) {},
	}
	c.touch()
	ended = make(chan int, 1)
	go func() {
		code, _ := c.run()
		ended <- code
	}()
	return c, ended
}

// The timers of a connection are deadlines of its reads. TLS goes on reading after a deadline has passed.
func TestTimersOverTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := net.Pipe()
		key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
		template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
		certificate := must(x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key))
		c, ended := runOver(tls.Server(server, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{certificate}, PrivateKey: key}}}))
		began := time.Now()
		secure := tls.Client(client, &tls.Config{InsecureSkipVerify: true})
		time.Sleep(9 * time.Minute)
		must(secure.Write(text("one")))
		synctest.Wait()
		time.Sleep(9 * time.Minute) // past the first deadline
		c.send(socket.Text([]byte("two")))
		c.touch()
		if _, payload := readFrame(t, secure); payload != "two" {
			t.Errorf("payload %q", payload)
		}
		must(secure.Write(text("three")))
		if opcode, _ := readFrame(t, secure); opcode != opClose || time.Since(began) != 28*time.Minute {
			t.Errorf("frame %d after %s, want a close after 28 minutes", opcode, time.Since(began))
		}
		must(secure.Write(clientFrame(0x88, "\x03\xe9")))
		go io.Copy(io.Discard, client) // takes the end of TLS
		if code := <-ended; code != 1001 {
			t.Errorf("ended with %d", code)
		}
		client.Close()
	})
}

func TestIdleConnectionIsClosedAfterTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, client, ended := pipe()
		began := time.Now()
		time.Sleep(9 * time.Minute)
		client.Write(text("x")) // of the client
		time.Sleep(9 * time.Minute)
		client.Write(clientFrame(0x80|opPing, "")) // does not count
		readFrame(t, client)
		synctest.Wait()
		if c.isEnded() {
			t.Fatalf("closed after %s", time.Since(began))
		}
		opcode, payload := readFrame(t, client)
		if want := string(closePayload(1001, "Going away")); opcode != opClose || payload != want {
			t.Errorf("frame %d %q", opcode, payload)
		}
		if got := time.Since(began); got != 19*time.Minute {
			t.Errorf("closed after %s, want 19 minutes", got)
		}
		client.Write(clientFrame(0x88, "\x03\xe9"))
		if code := <-ended; code != 1001 {
			t.Errorf("ended with %d", code)
		}
	})
}

func TestConnectionIsClosedAfterTwoHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, client, ended := pipe()
		began := time.Now()
		var ticks sync.WaitGroup
		ticks.Go(func() {
			for c.send(socket.Text([]byte("tick"))) == nil {
				c.touch()
				time.Sleep(time.Minute)
			}
		})
		defer ticks.Wait()
		for {
			opcode, payload := readFrame(t, client)
			if opcode == opText {
				continue
			}
			if want := string(closePayload(1001, "Going away")); payload != want {
				t.Errorf("frame %d %q", opcode, payload)
			}
			break
		}
		if got := time.Since(began); got != 2*time.Hour {
			t.Errorf("closed after %s", got)
		}
		// This client never answers the close frame.
		if code := <-ended; code != 1001 || time.Since(began) != 2*time.Hour+closeTimeout {
			t.Errorf("ended with %d after %s", code, time.Since(began))
		}
	})
}

func TestSlowReaderIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, ended := pipe()
		maxQueued := c.limits.maxQueued()
		frame := socket.Text(make([]byte, 1000))
		var err error
		sent := 0
		for ; err == nil; sent += frame.Size() {
			err = c.send(frame)
		}
		if err != errSlow || sent < maxQueued || sent > 2*maxQueued+10*frame.Size() {
			t.Errorf("%v after %d bytes, want errSlow when %d wait", err, sent, maxQueued)
		}
		if code := <-ended; code != 1006 {
			t.Errorf("ended with %d", code)
		}
		if err := c.send(frame); err != errGone {
			t.Errorf("send afterwards: %v, want errGone", err)
		}
	})
}

func TestSocketThatTakesNothingIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, ended := pipe()
		began := time.Now()
		c.send(socket.Text([]byte("x")))
		if code := <-ended; code != 1006 || time.Since(began) != writeTimeout {
			t.Errorf("ended with %d after %s, want 1006 after %s", code, time.Since(began), writeTimeout)
		}
	})
}

func TestWaitingFramesLeaveInOneWrite(t *testing.T) {
	server, client := net.Pipe()
	counting := &writeCounter{Conn: server, first: make(chan struct{})}
	c := &conn{net: counting, connected: time.Now(), limits: &AWSLimits}
	c.touch()
	c.send(socket.Text([]byte("0")))
	<-counting.first // the writer is busy with the first
	for range 100 {
		c.send(socket.Text([]byte("1")))
	}
	want := 101 * 3
	if n, err := io.ReadFull(client, make([]byte, want)); n != want {
		t.Fatal(err)
	}
	c.shut(1000, "")
	go io.Copy(io.Discard, client)
	c.finish()
	if counting.n > 4 {
		t.Errorf("%d writes for 101 frames", counting.n)
	}
}

type writeCounter struct {
	net.Conn
	first chan struct{}
	n     int
}

func (w *writeCounter) Write(p []byte) (int, error) {
	if w.n++; w.n == 1 {
		close(w.first)
	}
	return w.Conn.Write(p)
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
		opcode, payload := readFrame(t, r)
		if want := string(closePayload(1001, "Going away")); opcode != opClose || payload != want {
			t.Errorf("frame %d %q, want a close with %q", opcode, payload, want)
		}
		c.Write(clientFrame(0x88, "\x03\xe9"))
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
	for range 1000 { // goroutines of the clients need a moment to notice
		if n = runtime.NumGoroutine(); n <= before+2 {
			return
		}
		runtime.Gosched()
		<-time.After(5 * time.Millisecond)
	}
	stacks := make([]byte, 1<<20)
	t.Errorf("%d goroutines, %d before:\n%s", n, before, stacks[:runtime.Stack(stacks, true)])
}
