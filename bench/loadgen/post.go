//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"golang.org/x/sys/unix"
)

// defaultBody is a message of quotes of 96 bytes.
const defaultBody = `{"action":"quotes","connection-id":"O9iVddyboAMCJ1A=","quotes":[{"ticker":"EIQQ","price":{price}}]}`

// poster is a connection that publishes, kept alive.
type poster struct {
	fd   int
	sent int64
	buf  []byte
}

// prepare opens the connections that publish, and makes all requests: what they cost, their signatures above all, is not
// to compete with the server.
func (l *load) prepare() error {
	if l.post == "" {
		return fmt.Errorf("%s publishes: say where, with -post", l.mode)
	}
	if strings.Contains(l.post+l.body, "{id}") && l.clients[0].id == "" {
		return fmt.Errorf("the first client has got no message with its connection-id: give a -hello that is answered with one")
	}
	for k := range l.r + warmUp {
		request, err := l.request(l.fill(l.post, firstPrice+k), l.fill(l.body, firstPrice+k))
		if err != nil {
			return err
		}
		l.requests = append(l.requests, request)
	}
	u, err := url.Parse(l.fill(l.post, 0))
	if err != nil {
		return err
	}
	to, err := resolve(u.Host)
	if err != nil {
		return err
	}
	for i := range l.window {
		p := &poster{}
		if p.fd, err = dial(to, i, false); err != nil {
			return err
		}
		l.posts = append(l.posts, p)
		if err := l.register(p.fd, -int32(i+1)); err != nil {
			return err
		}
	}
	return nil
}

func (l *load) fill(s string, price int) string {
	return strings.NewReplacer("{price}", strconv.Itoa(price), "{slot}", strconv.Itoa(price%8), "{id}", l.clients[0].id, "{board}", l.board).Replace(s)
}

// subscribeAll makes each client listen to the topics, and notes their board.
func (l *load) subscribeAll() error {
	if l.subscribe == "" {
		return nil
	}
	u, err := url.Parse(l.subscribe)
	if err != nil {
		return err
	}
	to, err := resolve(u.Host)
	if err != nil {
		return err
	}
	fd, err := dial(to, 0, false)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	for i := range l.clients {
		id := l.clients[i].id
		if id == "" {
			return fmt.Errorf("client %d cannot subscribe, as nothing told it its connection-id", i)
		}
		request, err := l.request(strings.ReplaceAll(l.subscribe, "{id}", id), l.topic)
		if err != nil {
			return err
		}
		answer, err := roundTrip(fd, request)
		if err != nil {
			return fmt.Errorf("client %d subscribes: %w", i, err)
		}
		if l.board == "" {
			var got struct{ Board string }
			if err := json.Unmarshal(answer, &got); err != nil || got.Board == "" {
				return fmt.Errorf("a subscription was answered with %q, which names no board", answer)
			}
			l.board = got.Board
		}
	}
	return nil
}

// roundTrip posts on a connection that blocks.
func roundTrip(fd int, request []byte) (body []byte, err error) {
	if _, err := unix.Write(fd, request); err != nil {
		return nil, err
	}
	p := &poster{}
	for {
		n, err := unix.Read(fd, buf[:])
		if err != nil || n == 0 {
			return nil, fmt.Errorf("no answer: %v", err)
		}
		if body, err := p.answered(buf[:n]); body != nil || err != nil {
			return body, err
		}
	}
}

// request is a post, ready to be written.
func (l *load) request(target, body string) ([]byte, error) {
	r, err := http.NewRequest(http.MethodPost, target, nil)
	if err != nil {
		return nil, err
	}
	for line := range strings.SplitSeq(l.header, `\r\n`) {
		if name, value, ok := strings.Cut(line, ": "); ok {
			r.Header.Set(name, value)
		}
	}
	if key, secret, ok := strings.Cut(l.sign, ":"); ok {
		sum := sha256.Sum256([]byte(body))
		credentials := aws.Credentials{AccessKeyID: key, SecretAccessKey: secret}
		if err := v4.NewSigner().SignHTTP(context.Background(), credentials, r, hex.EncodeToString(sum[:]), "execute-api", "us-east-1", time.Now()); err != nil {
			return nil, err
		}
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", r.URL.RequestURI(), r.URL.Host, len(body))
	if err := r.Header.Write(&b); err != nil {
		return nil, err
	}
	b.WriteString("\r\n" + body)
	return b.Bytes(), nil
}

// publish sends the publish k.
func (l *load) publish(p *poster, k int) error {
	p.sent, p.buf = now(), p.buf[:0]
	if l.sentAt[k] == 0 {
		l.sentAt[k] = p.sent
	}
	if n, err := unix.Write(p.fd, l.requests[k]); n != len(l.requests[k]) {
		return fmt.Errorf("a publish could not be written: %v", err)
	}
	return nil
}

// answered takes bytes of an answer and returns its body, which is not nil, once it is whole.
func (p *poster) answered(data []byte) ([]byte, error) {
	p.buf = append(p.buf, data...)
	if !bytes.Contains(p.buf, []byte("\r\n\r\n")) {
		return nil, nil
	}
	response, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(p.buf)), nil)
	if err != nil {
		return nil, fmt.Errorf("an answer to a post: %w", err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, nil // the rest is on its way
	}
	if response.StatusCode/100 != 2 {
		return nil, fmt.Errorf("a post was answered with %s: %s", response.Status, body)
	}
	return append([]byte{}, body...), nil
}
