package rig

import (
	"context"
	"errors"
	"testing"

	"github.com/coder/websocket"
)

// Socket is the end of a stock WebSocket client. What it waits for fails the test when it does not come.
type Socket struct {
	T    testing.TB
	Conn *websocket.Conn
}

// Dial opens a connection that ends with the test.
func Dial(t testing.TB, url string, options *websocket.DialOptions) *Socket {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, url, options)
	if err != nil {
		t.Fatalf("dial %s: %v", url, err)
	}
	conn.SetReadLimit(1 << 20)
	t.Cleanup(func() { conn.CloseNow() })
	return &Socket{t, conn}
}

// Send sends a text message.
func (s *Socket) Send(text string) {
	s.T.Helper()
	ctx, cancel := context.WithTimeout(s.T.Context(), Patience)
	defer cancel()
	if err := s.Conn.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		s.T.Fatalf("send: %v", err)
	}
}

// Text returns the next message as it came.
func (s *Socket) Text() string {
	s.T.Helper()
	ctx, cancel := context.WithTimeout(s.T.Context(), Patience)
	defer cancel()
	_, text, err := s.Conn.Read(ctx)
	if err != nil {
		s.T.Fatalf("read: %v", err)
	}
	return string(text)
}

// Closed waits for the close frame of the other side, and returns its status code and reason. A message fails the test.
func (s *Socket) Closed() (code int, reason string) {
	s.T.Helper()
	ctx, cancel := context.WithTimeout(s.T.Context(), Patience)
	defer cancel()
	_, text, err := s.Conn.Read(ctx)
	var closed websocket.CloseError
	switch {
	case err == nil:
		s.T.Fatalf("a message in place of a close frame: %s", text)
	case !errors.As(err, &closed):
		s.T.Fatalf("the connection ended without a close frame: %v", err)
	}
	return int(closed.Code), closed.Reason
}
