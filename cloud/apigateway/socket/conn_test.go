package socket

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"math/big"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"quotewire/cloud/apigateway/socket/sockettest"
)

// pipe runs a connection over a pipe, whose deadlines obey the bubble's clock.
func pipe() (c *Conn, client net.Conn, ended chan int) {
	server, client := net.Pipe()
	c, ended = runOver(server)
	return c, client, ended
}

func runOver(server net.Conn) (c *Conn, ended chan int) {
	o := &owner{ended: make(chan int, 1)}
	newServer(config, false).Open(&o.Conn, o, server, nil, nil)
	o.Start()
	return &o.Conn, o.ended
}

// owner handles each message at once.
type owner struct {
	Conn
	ended chan int
}

func (o *owner) Message([]byte) { o.Done() }
func (o *owner) Closed(end End) { o.ended <- end.Code }

var config = Config{
	MaxFrame: 32 << 10, MaxMessage: 128 << 10, IdleTimeout: 10 * time.Minute, Lifetime: 2 * time.Hour, Concurrency: 64,
	MaxQueue: 1 << 20, MaxBlocked: 256 << 20, Log: slog.New(slog.DiscardHandler),
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// serverTLS has a certificate that nobody trusts.
func serverTLS() *tls.Config {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	certificate := must(x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key))
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{certificate}, PrivateKey: key}}}
}

func TestTimersOverTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := net.Pipe()
		c, ended := runOver(tls.Server(server, serverTLS()))
		began := time.Now()
		secure := tls.Client(client, &tls.Config{InsecureSkipVerify: true})
		time.Sleep(9 * time.Minute)
		must(secure.Write(text("one")))
		synctest.Wait()
		time.Sleep(9 * time.Minute) // past the first deadline
		c.Send(Text([]byte("two")))
		if _, payload := sockettest.ReadFrame(t, secure); payload != "two" {
			t.Errorf("payload %q", payload)
		}
		must(secure.Write(text("three")))
		if opcode, _ := sockettest.ReadFrame(t, secure); opcode != opClose || time.Since(began) != 28*time.Minute {
			t.Errorf("frame %d after %s, want a close after 28 minutes", opcode, time.Since(began))
		}
		must(secure.Write(sockettest.Frame(0x88, "\x03\xe9")))
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
		client.Write(sockettest.Frame(0x80|opPing, "")) // does not count
		sockettest.ReadFrame(t, client)
		synctest.Wait()
		if c.Ended() {
			t.Fatalf("closed after %s", time.Since(began))
		}
		opcode, payload := sockettest.ReadFrame(t, client)
		if want := string(closePayload(1001, "Going away")); opcode != opClose || payload != want {
			t.Errorf("frame %d %q", opcode, payload)
		}
		if got := time.Since(began); got != 19*time.Minute {
			t.Errorf("closed after %s, want 19 minutes", got)
		}
		client.Write(sockettest.Frame(0x88, "\x03\xe9"))
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
			for c.Send(Text([]byte("tick"))) == nil {
				time.Sleep(time.Minute)
			}
		})
		defer ticks.Wait()
		for {
			opcode, payload := sockettest.ReadFrame(t, client)
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
		maxQueued := config.MaxQueue
		frame := Text(make([]byte, 1000))
		var err error
		sent := 0
		for ; err == nil; sent += frame.Size() {
			err = c.Send(frame)
		}
		if err != ErrSlow || sent < maxQueued || sent > 2*maxQueued+10*frame.Size() {
			t.Errorf("%v after %d bytes, want ErrSlow when %d wait", err, sent, maxQueued)
		}
		if code := <-ended; code != 1006 {
			t.Errorf("ended with %d", code)
		}
		if err := c.Send(frame); err != ErrGone {
			t.Errorf("send afterwards: %v, want ErrGone", err)
		}
	})
}

func TestSocketThatTakesNothingIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, ended := pipe()
		began := time.Now()
		c.Send(Text([]byte("x")))
		if code := <-ended; code != 1006 || time.Since(began) != stallTimeout {
			t.Errorf("ended with %d after %s, want 1006 after %s", code, time.Since(began), stallTimeout)
		}
	})
}

func TestWaitingFramesLeaveInOneWrite(t *testing.T) {
	server, client := net.Pipe()
	counting := &writeCounter{Conn: server, first: make(chan struct{})}
	c, ended := runOver(counting)
	c.Send(Text([]byte("0")))
	<-counting.first // the writer is busy with the first
	for range 100 {
		c.Send(Text([]byte("1")))
	}
	want := 101 * 3
	if n, err := io.ReadFull(client, make([]byte, want)); n != want {
		t.Fatal(err)
	}
	c.Shut(1000, "")
	go io.Copy(io.Discard, client)
	<-ended
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
