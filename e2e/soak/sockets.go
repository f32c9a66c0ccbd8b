package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/coder/websocket"
)

// client is an open connection of a stock client, with the socket below it.
type client struct {
	*websocket.Conn
	tcp *net.TCPConn
	id  string
}

var tokens atomic.Int64

func token() string { return fmt.Sprintf("token-%d-", tokens.Add(1)) }

// dial opens a connection and asks for its id.
func (l *load) dial(ctx context.Context) *client {
	c := &client{}
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err == nil {
			c.tcp = conn.(*net.TCPConn)
		}
		return conn, err
	}}
	conn, response, err := websocket.Dial(ctx, l.s.socketURL, &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
	if err != nil {
		if response != nil {
			l.book.refused("handshake", response.Status, afterKill, inOutage, inFullDisk)
		} else {
			l.book.refused("handshake", noAnswer, inOutage)
		}
		return nil
	}
	c.Conn = conn
	conn.SetReadLimit(1 << 20)
	l.book.count("sockets opened")
	text, ok := l.ask(ctx, c, "echo", map[string]string{"do": "echo"}, token())
	if !ok {
		c.reset()
		return nil
	}
	var event struct{ RequestContext struct{ ConnectionID string } }
	if err := json.Unmarshal([]byte(text), &event); err != nil {
		l.book.fail("the event %s: %v", text, err)
	}
	c.id = event.RequestContext.ConnectionID
	return c
}

// reset ends a connection without a word.
func (c *client) reset() {
	c.tcp.SetLinger(0)
	c.tcp.Close()
	c.CloseNow()
}

// ask sends a message and waits for the text that has its token.
func (l *load) ask(ctx context.Context, c *client, what string, message map[string]string, token string) (string, bool) {
	message["token"] = token
	text, err := json.Marshal(message)
	if err != nil {
		panic(err)
	}
	if err := c.Write(ctx, websocket.MessageText, text); err != nil {
		l.book.refused("message", noAnswer, inOutage)
		return "", false
	}
	return l.expect(ctx, c, what, token)
}

func (l *load) expect(ctx context.Context, c *client, what, token string) (string, bool) {
	_, text, err := c.Read(ctx)
	switch {
	case err != nil:
		if ctx.Err() != nil {
			l.book.fail("no answer to %s in %s", what, patience)
		} else {
			l.book.refused(what, noAnswer, inOutage)
		}
		return "", false
	case strings.Contains(string(text), `"message": "Internal server error"`):
		l.book.refused(what, "Internal server error", afterKill, inOutage, inFullDisk)
		return "", false
	case !strings.Contains(string(text), token):
		l.book.fail("%s: got %s, want %s in it", what, tail(string(text), 200), token)
		return "", false
	}
	l.book.count(what)
	return string(text), true
}

// socket opens a connection, sends messages on both kinds of routes, is posted to, and ends in one of three ways.
func (l *load) socket(ctx context.Context) {
	c := l.dial(ctx)
	if c == nil {
		return
	}
	defer c.CloseNow()
	for range 1 + rand.IntN(8) {
		token := token()
		ok := true
		switch rand.IntN(3) {
		case 0:
			_, ok = l.ask(ctx, c, "messages on a two-way route", map[string]string{"do": "echo"}, token)
		case 1: // the function posts back
			_, ok = l.ask(ctx, c, "messages on a one-way route, with a post of the function", map[string]string{
				"action": "tell", "do": "signed", "service": "execute-api", "method": "POST",
				"url": l.s.callback + "/@connections/" + url.PathEscape(c.id), "body": token,
			}, token)
		case 2:
			_, err := l.management().PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &c.id, Data: []byte(token)})
			if err != nil {
				if answer(err) == "GoneException" && l.book.in(inOutage) {
					l.book.refused("post", "GoneException", inOutage)
				} else {
					l.book.failed("post", err)
				}
				return
			}
			_, ok = l.expect(ctx, c, "posts", token)
		}
		if !ok {
			c.reset()
			return
		}
	}
	switch rand.IntN(3) {
	case 0:
		if err := c.Close(websocket.StatusNormalClosure, "done"); err != nil {
			l.book.refused("close", noAnswer, inOutage)
			return
		}
		l.book.count("sockets closed")
	case 1:
		c.reset()
		l.book.count("sockets reset")
	case 2:
		c.tcp.CloseWrite()
		for err := error(nil); err == nil; {
			var text []byte
			if _, text, err = c.Read(ctx); err != nil {
				break
			}
			// A function may have been killed between its post and its answer.
			if !strings.Contains(string(text), `"message": "Internal server error"`) {
				l.book.fail("after the client's side was closed: %s", tail(string(text), 200))
				continue
			}
			l.book.refused("messages on a one-way route, with a post of the function", "Internal server error", afterKill, inOutage, inFullDisk)
		}
		if ctx.Err() != nil {
			l.book.fail("a half closed socket was not ended in %s", patience)
		}
		l.book.count("sockets half closed")
	}
}

func (l *load) management() *apigatewaymanagementapi.Client {
	return apigatewaymanagementapi.NewFromConfig(l.s.config, func(o *apigatewaymanagementapi.Options) { o.BaseEndpoint = &l.s.callback })
}

// deleted has a connection deleted: its client is told so, and whoever posts to it.
func (l *load) deleted(ctx context.Context) {
	c := l.dial(ctx)
	if c == nil {
		return
	}
	defer c.CloseNow()
	if _, err := l.management().DeleteConnection(ctx, &apigatewaymanagementapi.DeleteConnectionInput{ConnectionId: &c.id}); err != nil {
		if l.book.in(inOutage) {
			l.book.refused("delete", answer(err), inOutage)
		} else {
			l.book.failed("delete", err)
		}
		return
	}
	_, _, err := c.Read(ctx)
	if code := websocket.CloseStatus(err); code != websocket.StatusNormalClosure {
		if l.book.in(inOutage) {
			return
		}
		l.book.fail("a deleted connection was closed with %d (%v), want 1000", code, err)
	}
	l.book.count("connections deleted")
	_, err = l.management().PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &c.id, Data: []byte("x")})
	switch code := answer(err); {
	case code == "GoneException":
		l.book.refused("post", code, "the connection was deleted")
	case err == nil:
		l.book.fail("a post to a deleted connection was accepted")
	default:
		l.book.failed("post", err)
	}
}

// halfOpen leaves a connection behind: its client says nothing any more, and does not take what it is sent.
func (l *load) halfOpen(ctx context.Context) {
	c := l.dial(ctx)
	if c == nil {
		return
	}
	l.done.Go(func() {
		wait(l.ctx, 20*time.Second)
		c.reset()
		l.book.count("sockets left half open")
	})
}

// request calls the HTTP API.
func (l *load) request(ctx context.Context) {
	token := token()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, l.s.httpURL, strings.NewReader(`{"do":"echo","token":"`+token+`"}`))
	if err != nil {
		panic(err)
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := l.s.client.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			l.book.fail("HTTP API: no answer in %s", patience)
			return
		}
		l.book.refused("HTTP API", noAnswer, inOutage)
		return
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	switch {
	case err != nil:
		l.book.refused("HTTP API", noAnswer, inOutage)
	case response.StatusCode == http.StatusOK && strings.Contains(string(text), token):
		l.book.count("calls of the HTTP API")
	case response.StatusCode >= 500:
		l.book.refused("HTTP API", fmt.Sprintf("%s %s", response.Status, text), afterKill, inOutage, inFullDisk)
	default:
		l.book.fail("HTTP API: %s %s", response.Status, tail(string(text), 200))
	}
}
