//go:build linux

package socket

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"quotewire/cloud/apigateway/socket/sockettest"
)

// bundle writes what it is given with the next flush, in one segment.
type bundle struct {
	net.Conn
	waiting []byte
}

func (b *bundle) Write(p []byte) (int, error) {
	b.waiting = append(b.waiting, p...)
	return len(p), nil
}

// What TLS has read together with a request is in nobody's socket any more.
func TestRecordsThatCameWithTheHandshake(t *testing.T) {
	server, client := way{secure: serverTLS()}.dial()
	below := client.(*tls.Conn).NetConn().(*below)
	all := &bundle{Conn: below.Conn}
	below.Conn = all
	client.Write([]byte("GET"))
	for i := range 3 {
		client.Write(text(fmt.Sprint(i)))
	}
	below.Conn = all.Conn
	must(below.Write(all.waiting))
	must(io.ReadFull(server, make([]byte, 3)))
	s := NewServer(config)
	o := &told{messages: make(chan string, 3), end: make(chan End, 1)}
	s.Open(&o.Conn, o, server, nil, nil)
	o.Start()
	for i := range 3 {
		if got := <-o.messages; got != fmt.Sprint(i) {
			t.Errorf("message %q, want %d", got, i)
		}
	}
	client.Close()
	<-o.end
	s.Close()
}

// trickle writes one byte at a time, each in a segment of its own.
type trickle struct{ net.Conn }

func (c trickle) Write(p []byte) (int, error) {
	for i := range p {
		if _, err := c.Conn.Write(p[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(p), nil
}

func TestRecordsInPieces(t *testing.T) {
	const message = 20 << 10
	server, raw := way{}.dial()
	config := config
	secure := tls.Server(&below{server}, serverTLS())
	shaken := make(chan error, 1)
	go func() { shaken <- secure.Handshake() }()
	client := tls.Client(trickle{raw}, &tls.Config{InsecureSkipVerify: true})
	if err := client.Handshake(); err != nil || <-shaken != nil {
		t.Fatal(err)
	}
	s := NewServer(config)
	o := &told{messages: make(chan string, 1), end: make(chan End, 1)}
	s.Open(&o.Conn, o, secure, nil, nil)
	o.Start()
	go client.Write(text(strings.Repeat("x", message)))
	if got := <-o.messages; got != strings.Repeat("x", message) {
		t.Errorf("a message of %d bytes, want %d", len(got), message)
	}
	o.Done()
	client.Write(sockettest.Frame(0x80|opClose, "\x03\xe8"))
	if end := <-o.end; end.Code != Normal {
		t.Errorf("ended with %+v", end)
	}
	s.Close()
}

// What is no record ends the connection: the client is told so by an alert, and its function that it did not close.
func TestBytesThatAreNoRecord(t *testing.T) {
	server, client := way{secure: serverTLS()}.dial()
	s := NewServer(config)
	o := &told{messages: make(chan string, 1), end: make(chan End, 1)}
	s.Open(&o.Conn, o, server, nil, nil)
	o.Start()
	raw := client.(*tls.Conn).NetConn()
	must(raw.Write(bytes.Repeat([]byte("no record"), 10)))
	if end := <-o.end; end.Code != Abnormal {
		t.Errorf("ended with %+v", end)
	}
	client.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := client.Read(make([]byte, 1)); err == nil || !strings.Contains(err.Error(), "remote error: tls") {
		t.Errorf("the client reads %v, want an alert", err)
	}
	s.Close()
}

// What is encrypted waits for the socket like everything else, and is little: no newer message can take its place.
func TestSealedBytesAreCountedAndFew(t *testing.T) {
	s := NewServer(config)
	owners, clients := way{secure: serverTLS()}.connect(t, s, 1)
	c := &owners[0].Conn
	for isBlocked := false; !isBlocked; {
		if err := c.Send(Text(make([]byte, 40<<10))); err != nil {
			t.Fatal(err)
		}
		c.mu.Lock()
		isBlocked = c.blocked
		c.mu.Unlock()
	}
	c.Send(Text(make([]byte, 100)))
	c.mu.Lock()
	want := int64(len(c.secure.sealed))
	if want == 0 || want > maxSealed*11/10 {
		t.Errorf("%d bytes are encrypted, want some and about %d at most", want, maxSealed)
	}
	for _, m := range c.waiting {
		want += int64(m.Size()) + placeSize
	}
	c.mu.Unlock()
	if got := s.blocked.Load(); got != want {
		t.Errorf("%d bytes are counted, want %d", got, want)
	}
	go io.Copy(io.Discard, clients[0])
	c.Shut(Normal, "")
	end := <-owners[0].end
	owners[0].end <- end
	if got := s.blocked.Load(); got != 0 {
		t.Errorf("%d bytes are still counted", got)
	}
}

// BenchmarkSendAll is a message to a thousand clients, who read it and do not look at it: an iteration is one delivery to
// each.
func BenchmarkSendAll(b *testing.B) {
	secure := way{"TLS", serverTLS()}
	secure.secure.SessionTicketsDisabled = true // they would come before the first message
	for _, test := range []struct {
		way
		loops bool
	}{{way{name: "plain"}, true}, {secure, true}, {way{"TLS,stream", secure.secure}, false}} {
		b.Run(test.name, func(b *testing.B) {
			const sockets = 1000
			s := newServer(config, test.loops)
			m := Text(bytes.Repeat([]byte("x"), 96))
			size := m.Size()
			if test.secure != nil {
				size += 5 + 1 + 16 // the header of a record, its type, and its tag
			}
			var owners []*told
			var received sync.WaitGroup
			for range sockets {
				server, client := test.dial()
				if test.secure != nil {
					client = client.(*tls.Conn).NetConn()
				}
				o := &told{end: make(chan End, 1)}
				s.Open(&o.Conn, o, server, nil, nil)
				o.Start()
				owners = append(owners, o)
				go func() {
					buf := make([]byte, size)
					for {
						if _, err := io.ReadFull(client, buf); err != nil {
							client.Close()
							return
						}
						received.Done()
					}
				}()
			}
			b.ReportAllocs()
			before := cpu()
			for b.Loop() {
				received.Add(sockets)
				s.SendAll(all(owners), m)
				received.Wait()
			}
			b.ReportMetric(float64(cpu()-before)/float64(b.N)/sockets/1e3, "µs-CPU/delivery")
			for _, o := range owners {
				o.mu.Lock()
				o.cut(nil)
				o.mu.Unlock()
				<-o.end
			}
			s.Close()
		})
	}
}

// cpu is what the process has used of the processors, in nanoseconds.
func cpu() int64 {
	var used unix.Rusage
	unix.Getrusage(unix.RUSAGE_SELF, &used)
	return used.Utime.Nano() + used.Stime.Nano()
}
