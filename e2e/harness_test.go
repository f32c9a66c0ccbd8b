// Package e2e drives the product through the doors that its users come in by: the binary, the wire and the browser,
// with clients that nobody here wrote.
package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"quotewire/e2e/rig"
)

// binary is the quotewire under test, built once.
var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "quotewire-e2e-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		if binary, err = rig.Build(dir, "quotewire/cmd/quotewire"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}())
}

type process = rig.Process

// start runs a serving verb on the state folder dir, until the test ends.
func start(t *testing.T, dir, verb string, args ...string) *process {
	t.Helper()
	return rig.Start(t, binary, dir, verb, args...)
}

// quotewire runs another verb to its end and returns what it printed and its exit status.
func quotewire(t *testing.T, env []string, args ...string) (string, int) {
	t.Helper()
	stdout, stderr, status := rig.Run(t, env, binary, args...)
	return stdout + stderr, status
}

// message is anything that arrives on a socket of stock-watch.
type message struct {
	Action       string  `json:"action"`
	ConnectionID string  `json:"connection-id"`
	Message      string  `json:"message"`
	Quotes       []quote `json:"quotes"`
}

type quote struct {
	Ticker string `json:"ticker"`
	Price  int64  `json:"price"`
}

// socket is a WebSocket client's end, with the messages of stock-watch.
type socket struct{ *rig.Socket }

func dial(t *testing.T, url string, options *websocket.DialOptions) *socket {
	t.Helper()
	return &socket{rig.Dial(t, url, options)}
}

func (s *socket) message() message {
	s.T.Helper()
	text := s.Text()
	var m message
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		s.T.Fatalf("message %s: %v", text, err)
	}
	return m
}

// until reads messages until one satisfies want.
func (s *socket) until(want func(message) bool) message {
	s.T.Helper()
	for {
		m := s.message()
		if want(m) {
			return m
		}
		if m.Action == "" { // a gateway's own frame: the function failed
			s.T.Fatalf("the socket got %+v", m)
		}
	}
}

// identify says who the user is and returns the quotes of everything that this user watches. Sample users watch ten or
// more; a shorter message is a price that was published meanwhile.
func (s *socket) identify(user string) message {
	s.T.Helper()
	s.Send(`{"action":"user","id":"` + user + `"}`)
	return s.until(func(m message) bool { return m.Action == "quotes" && len(m.Quotes) >= 10 })
}

func (m message) price(ticker string) (int64, bool) {
	for _, q := range m.Quotes {
		if q.Ticker == ticker {
			return q.Price, true
		}
	}
	return 0, false
}

// post publishes prices over the HTTP API and returns the status and the answer.
func post(t *testing.T, url, contentType, body string) (int, string) {
	t.Helper()
	resp, err := http.Post(url, contentType, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(bufio.NewReader(resp.Body))
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}
