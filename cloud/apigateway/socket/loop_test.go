//go:build linux

package socket

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"quotewire/cloud/apigateway/socket/sockettest"
)

// told is an owner that passes on what it is told, and leaves messages unhandled.
type told struct {
	Conn
	messages chan string
	end      chan End
}

func (o *told) Message(text []byte) { o.messages <- string(text) }
func (o *told) Closed(end End)      { o.end <- end }

// way is one of those by which connections belong to loops.
type way struct {
	name   string
	secure *tls.Config
}

// ways runs a test by each of them.
func ways(t *testing.T, test func(*testing.T, way)) {
	for _, w := range []way{{"plain", nil}, {"TLS", serverTLS()}} {
		t.Run(w.name, func(t *testing.T) { test(t, w) })
	}
}

// dial returns both ends of a connection over TCP.
func (w way) dial() (server, client net.Conn) {
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	defer listener.Close()
	client = must(net.Dial("tcp", listener.Addr().String()))
	server = must(listener.Accept())
	if w.secure == nil {
		return server, client
	}
	secure := tls.Server(&below{server}, w.secure)
	shaken := make(chan error, 1)
	go func() { shaken <- secure.Handshake() }()
	theirs := tls.Client(&below{client}, &tls.Config{InsecureSkipVerify: true})
	if err := errors.Join(theirs.Handshake(), <-shaken); err != nil {
		panic(err)
	}
	return secure, theirs
}

type below struct{ net.Conn }

func (b *below) Exchange(other net.Conn) net.Conn {
	own := b.Conn
	b.Conn = other
	return own
}

// connect opens connections, which belong to loops, and returns their clients.
func (w way) connect(t testing.TB, s *Server, n int) (owners []*told, clients []net.Conn) {
	t.Helper()
	for i := range n {
		server, client := w.dial()
		o := &told{messages: make(chan string, 1000), end: make(chan End, 1)}
		o.ID[0] = byte(i)
		s.Open(&o.Conn, o, server, nil, nil)
		if o.loop == nil {
			t.Fatal("the connection is not on a loop")
		}
		o.Start()
		owners, clients = append(owners, o), append(clients, client)
	}
	t.Cleanup(func() {
		for i, o := range owners {
			clients[i].Close()
			<-o.end
		}
		s.Close()
	})
	return owners, clients
}

func all(owners []*told) func(func(*Conn) bool) {
	return func(yield func(*Conn) bool) {
		for _, o := range owners {
			if !yield(&o.Conn) {
				return
			}
		}
	}
}

func TestMessageToAllReachesEachWithItsID(t *testing.T) { ways(t, messageToAllReachesEachWithItsID) }

func messageToAllReachesEachWithItsID(t *testing.T, w way) {
	const sockets, rounds = 100, 200
	s := NewServer(config)
	owners, clients := w.connect(t, s, sockets)
	var readers sync.WaitGroup
	for i, client := range clients {
		readers.Go(func() {
			for round := range rounds {
				for _, want := range []string{fmt.Sprint("plain ", round), fmt.Sprintf("%d: for %s", round, owners[i].ID)} {
					if _, got := sockettest.ReadFrame(t, client); got != want {
						t.Errorf("socket %d reads %q, want %q", i, got, want)
						return
					}
				}
			}
		})
	}
	for round := range rounds {
		personal := fmt.Sprintf("%d: for ", round)
		for _, m := range []*Message{
			Text(fmt.Append(nil, "plain ", round)),
			Personal([]byte(personal+strings.Repeat(".", IDLength)), []int{len(personal)}, 0),
		} {
			if sent := s.SendAll(all(owners), m); sent != sockets {
				t.Errorf("sent to %d of %d", sent, sockets)
			}
		}
	}
	readers.Wait()
}

// A client that stops reading keeps nothing but the newest of each key and what has none, and gets that when it reads on.
func TestBlockedSocketSkipsToTheNewest(t *testing.T) { ways(t, blockedSocketSkipsToTheNewest) }

func blockedSocketSkipsToTheNewest(t *testing.T, w way) {
	const versions = 100
	s := NewServer(config)
	owners, clients := w.connect(t, s, 1)
	c := &owners[0].Conn
	filler := strings.Repeat("x", 32<<10)
	fillers := 0
	for isBlocked := false; !isBlocked; fillers++ {
		if err := c.Send(Text([]byte(filler))); err != nil {
			t.Fatal(err)
		}
		c.mu.Lock()
		isBlocked = c.blocked
		c.mu.Unlock()
	}
	for version := range versions {
		for key := range uint64(3) {
			s.SendAll(all(owners), Personal(fmt.Appendf(nil, "%d.%d", key+1, version), nil, key+1))
		}
	}
	c.Send(Text([]byte("last")))
	if held := s.blocked.Load(); held < int64(len(filler)) || held > int64(2*config.MaxQueue) {
		t.Errorf("%d bytes are counted for a blocked socket", held)
	}
	var got []string
	for len(got) == 0 || got[len(got)-1] != "last" {
		if _, text := sockettest.ReadFrame(t, clients[0]); text != filler {
			got = append(got, text)
		} else {
			fillers--
		}
	}
	if want := []string{"1.99", "2.99", "3.99", "last"}; !slices.Equal(got, want) || fillers != 0 {
		t.Errorf("the client reads %q, and %d fillers too few; want %q", got, fillers, want)
	}
	if held := s.blocked.Load(); held != 0 {
		t.Errorf("%d bytes are still counted for blocked sockets", held)
	}
}

func TestBoundsOnWhatWaits(t *testing.T) { ways(t, boundsOnWhatWaits) }

func boundsOnWhatWaits(t *testing.T, w way) {
	for _, test := range []struct {
		name   string
		change func(*Config)
		want   error
	}{
		{"for one socket", func(*Config) {}, ErrSlow},
		{"for all", func(c *Config) { c.MaxBlocked = 100 << 10 }, ErrCrowded},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := config
			test.change(&config)
			s := NewServer(config)
			owners, _ := w.connect(t, s, 2)
			for s.SendAll(all(owners[:1]), Text(make([]byte, 10<<10))) == 1 {
			}
			end := <-owners[0].end
			owners[0].end <- end
			if end.Cut != test.want || end.Code != Abnormal {
				t.Errorf("ended with %+v, want %v", end, test.want)
			}
			if held := s.blocked.Load(); held != 0 {
				t.Errorf("%d bytes are still counted for blocked sockets", held)
			}
			if err := owners[0].Send(Text(nil)); err != ErrGone {
				t.Errorf("a send afterwards: %v, want ErrGone", err)
			}
			if err := owners[1].Send(Text(nil)); err != nil {
				t.Errorf("a send to another: %v", err)
			}
		})
	}
}

// Beyond its concurrency a connection is not read, and the client's writes come to a stop.
func TestMessagesWaitForTheirTurn(t *testing.T) {
	ways(t, func(t *testing.T, w way) { messagesWaitForTheirTurn(t, w, true) })
	t.Run("stream", func(t *testing.T) { messagesWaitForTheirTurn(t, way{}, false) })
}

func messagesWaitForTheirTurn(t *testing.T, w way, loops bool) {
	config := config
	config.Concurrency = 2
	s := newServer(config, loops)
	server, client := w.dial()
	o := &told{messages: make(chan string, 1000), end: make(chan End, 1)}
	s.Open(&o.Conn, o, server, nil, text("0"))
	o.Start()
	const messages = 500
	go func() {
		for i := 1; i < messages; i++ {
			client.Write(text(fmt.Sprint(i)))
		}
	}()
	for i := range messages {
		if got := <-o.messages; got != fmt.Sprint(i) {
			t.Fatalf("message %q, want %d", got, i)
		}
		if n := len(o.messages); n > 1 {
			t.Fatalf("%d more were read", n)
		}
		o.Done()
	}
	client.Write(sockettest.Frame(0x80|opClose, "\x03\xe8"))
	if _, err := io.ReadAll(client); err != nil {
		t.Error(err)
	}
	client.Close()
	if end := <-o.end; end.Code != Normal {
		t.Errorf("ended with %+v", end)
	}
	s.Close()
}

// What is left in a queue waits for the flush, and keeps its place before what is sent after it.
func TestWhatIsLeftIsFlushedInOrder(t *testing.T) { ways(t, whatIsLeftIsFlushedInOrder) }

func whatIsLeftIsFlushedInOrder(t *testing.T, w way) {
	owners, clients := w.connect(t, NewServer(config), 2)
	c, other := &owners[0].Conn, &owners[1].Conn
	if left, err := c.Leave(Text([]byte("1"))); !left || err != nil {
		t.Fatal(left, err)
	}
	if again, err := c.Leave(Text([]byte("2"))); again || err != nil {
		t.Error("a second one to be flushed:", again, err)
	}
	c.Send(Text([]byte("3")))
	c.mu.Lock()
	if len(c.waiting) != 3 {
		t.Errorf("%d messages wait for the flush", len(c.waiting))
	}
	c.mu.Unlock()
	other.Send(Text([]byte("o")))
	if _, text := sockettest.ReadFrame(t, clients[1]); text != "o" {
		t.Errorf("got %q", text)
	}
	c.Shut(Normal, "")
	c.Flush()
	for _, want := range []string{"1", "2", "3", "\x03\xe8"} {
		if _, text := sockettest.ReadFrame(t, clients[0]); text != want {
			t.Errorf("got %q, want %q", text, want)
		}
	}
	if _, err := c.Leave(Text([]byte("4"))); err != ErrGone {
		t.Error(err)
	}
	c.Flush()
}

// What is left for a connection without a loop is written by its goroutine.
func TestNothingIsLeftForAStream(t *testing.T) {
	c, client, ended := pipe()
	if left, err := c.Leave(Text([]byte("1"))); left || err != nil {
		t.Fatal(left, err)
	}
	if _, text := sockettest.ReadFrame(t, client); text != "1" {
		t.Errorf("got %q", text)
	}
	client.Close()
	<-ended
}

// The end of what a client says is reported once, maybe while nothing is read: it is found behind what there is.
func TestEndThatIsReportedBeforeItIsRead(t *testing.T) { ways(t, endThatIsReportedBeforeItIsRead) }

func endThatIsReportedBeforeItIsRead(t *testing.T, w way) {
	config := config
	config.Concurrency = 1
	s := NewServer(config)
	server, client := w.dial()
	o := &told{messages: make(chan string, 2), end: make(chan End, 1)}
	s.Open(&o.Conn, o, server, nil, text("0"))
	o.Start()
	<-o.messages
	client.Write(sockettest.Frame(0x80|opPing, "ping"))
	raw := client
	if w.secure != nil {
		raw = client.(*tls.Conn).NetConn().(*below).Conn
	}
	raw.(*net.TCPConn).CloseWrite()
	for toEnd := false; !toEnd; {
		runtime.Gosched()
		o.mu.Lock()
		toEnd = o.toEnd
		o.mu.Unlock()
	}
	o.Done()
	if end := <-o.end; end.Code != Abnormal {
		t.Errorf("ended with %+v", end)
	}
	client.Close()
	s.Close()
}
