package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// frame is a masked frame of a client. first is its first byte.
func frame(first byte, payload []byte) []byte {
	b := []byte{first}
	switch n := len(payload); {
	case n <= 125:
		b = append(b, 0x80|byte(n))
	case n <= 0xffff:
		b = append(b, 0x80|126, byte(n>>8), byte(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	mask := [4]byte{1, 2, 3, 4}
	b = append(b, mask[:]...)
	for i, c := range payload {
		b = append(b, c^mask[i&3])
	}
	return b
}

// violations are bytes after a handshake, and the code that they close the connection with.
var violations = []struct {
	name  string
	bytes []byte
	code  int
}{
	{"a frame that is not masked", []byte{0x81, 1, 'x'}, 1002},
	{"a frame with a reserved bit", frame(0xc1, []byte("x")), 1002},
	{"a frame with an unknown opcode", frame(0x83, []byte("x")), 1002},
	{"a close frame with half a code", frame(0x88, []byte{3}), 1002},
	{"a ping in fragments", frame(0x09, []byte("x")), 1002},
	{"a binary frame", frame(0x82, []byte("x")), 1003},
	{"a text that is not UTF-8", frame(0x81, []byte{'a', 0xff}), 1007},
	{"a frame of 40 KB", frame(0x81, make([]byte, 40<<10)), 1009},
	{"a message of 160 KB", bytes.Join([][]byte{
		frame(0x01, make([]byte, 32<<10)), frame(0x00, make([]byte, 32<<10)), frame(0x00, make([]byte, 32<<10)),
		frame(0x00, make([]byte, 32<<10)), frame(0x80, make([]byte, 32<<10)),
	}, nil), 1009},
}

// requests are requests that must be refused, and the status.
var requests = []struct{ name, text, status string }{
	{"a request that is none", "\x00\x01\x02\x03\r\n\r\n", "400"},
	{"a request without a host", "GET / HTTP/1.1\r\n\r\n", "400"},
	{"a request for another host", "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", "403"},
	{"an unsigned request", "GET /bucket HTTP/1.1\r\nHost: localhost\r\n\r\n", "403"},
	{"a request with 100 KB of headers", "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 100<<10) + "\r\n\r\n", "431"},
	{"a handshake for no API", "GET /_aws/execute-api/nothing123/x HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", "403"},
}

// malformed sends what no client would.
func (l *load) malformed(ctx context.Context) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", strings.TrimPrefix(l.s.process.Endpoints.Cloud, "http://"))
	if err != nil {
		l.book.refused("connection", noAnswer, inOutage)
		return
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	conn.SetDeadline(deadline)
	if rand.IntN(2) == 0 {
		r := requests[rand.IntN(len(requests))]
		go io.WriteString(conn, r.text)
		line, err := bufio.NewReader(conn).ReadString('\n')
		switch {
		case err != nil:
			l.book.refused(r.name, noAnswer, inOutage)
		case strings.HasPrefix(line, "HTTP/1.1 "+r.status):
			l.book.refused(r.name, r.status, "it is malformed, or not allowed")
		default:
			l.book.fail("%s: %s", r.name, strings.TrimSpace(line))
		}
		return
	}
	v := violations[rand.IntN(len(violations))]
	target, _ := url.Parse(l.s.socketURL)
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
		target.Path, target.Host)
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		l.book.refused("handshake", noAnswer, inOutage)
		return
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		l.book.refused("handshake", response.Status, afterKill, inOutage, inFullDisk)
		return
	}
	go conn.Write(v.bytes)
	var head [4]byte
	if _, err := io.ReadFull(reader, head[:]); err != nil {
		l.book.refused(v.name, noAnswer, inOutage)
		return
	}
	if code := int(binary.BigEndian.Uint16(head[2:])); head[0] != 0x88 || code != v.code {
		l.book.fail("%s: the frame %x, want a close with %d", v.name, head, v.code)
		return
	}
	l.book.refused(v.name, fmt.Sprint(v.code), "it is malformed, or not allowed")
}

// slowHandshake sends a part of a request and goes away a while later.
func (l *load) slowHandshake(ctx context.Context) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", strings.TrimPrefix(l.s.process.Endpoints.Cloud, "http://"))
	if err != nil {
		l.book.refused("connection", noAnswer, inOutage)
		return
	}
	io.WriteString(conn, "GET /_aws/execute-api/x/y HTTP/1.1\r\nHost: loc")
	l.done.Go(func() {
		wait(l.ctx, 5*time.Second)
		conn.Close()
		l.book.count("handshakes that never ended")
	})
}

// skews are calls of a caller whose clock is wrong, and the code that they are refused with; "" for those that are
// within 15 minutes.
var skews = []struct {
	service, method, path, target, body string
	by                                  time.Duration
	code                                string
}{
	{"dynamodb", "POST", "/", "DynamoDB_20120810.ListTables", "{}", -16 * time.Minute, "InvalidSignatureException"},
	{"dynamodb", "POST", "/", "DynamoDB_20120810.ListTables", "{}", 16 * time.Minute, "InvalidSignatureException"},
	{"dynamodb", "POST", "/", "DynamoDB_20120810.ListTables", "{}", -14 * time.Minute, ""},
	{"dynamodb", "POST", "/", "DynamoDB_20120810.ListTables", "{}", 14 * time.Minute, ""},
	{"lambda", "GET", "/2015-03-31/functions", "", "", -time.Hour, "InvalidSignatureException"},
	{"s3", "GET", "/" + bucketName, "", "", time.Hour, "RequestTimeTooSkewed"},
	{"iam", "POST", "/", "", "Action=ListRoles&Version=2010-05-08", -24 * time.Hour, "SignatureDoesNotMatch"},
}

// skewed calls with a clock that is wrong.
func (l *load) skewed(ctx context.Context) {
	k := skews[rand.IntN(len(skews))]
	what := fmt.Sprintf("a call of %s with a clock that is wrong by %s", k.service, k.by)
	r, err := http.NewRequestWithContext(ctx, k.method, l.s.process.Endpoints.Cloud+k.path, strings.NewReader(k.body))
	if err != nil {
		panic(err)
	}
	if k.target != "" {
		r.Header.Set("X-Amz-Target", k.target)
	}
	if k.service == "iam" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	sum := sha256.Sum256([]byte(k.body))
	hash := hex.EncodeToString(sum[:])
	r.Header.Set("X-Amz-Content-Sha256", hash)
	var key aws.Credentials
	if key, err = l.s.config.Credentials.Retrieve(ctx); err == nil {
		err = v4.NewSigner().SignHTTP(ctx, key, r, hash, k.service, "us-east-1", time.Now().Add(k.by))
	}
	if err != nil {
		panic(err)
	}
	response, err := l.s.client.Do(r)
	if err != nil {
		l.book.refused(what, noAnswer, inOutage)
		return
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	switch code := errorCode(response, text); {
	case err != nil:
		l.book.refused(what, noAnswer, inOutage)
	case code != k.code:
		l.book.fail("%s: %q, want %q", what, code, k.code)
	case code == "":
		l.book.count("calls with a clock that is nearly right")
	default:
		l.book.refused(what, code, "more than 15 minutes")
	}
}

// errorCode is AWS's code in an answer, in whichever of its shapes; "" for a success.
func errorCode(r *http.Response, text []byte) string {
	if r.StatusCode < 300 {
		return ""
	}
	if code := r.Header.Get("X-Amzn-Errortype"); code != "" {
		return code
	}
	var body struct {
		Type string `json:"__type"`
	}
	if json.Unmarshal(text, &body) == nil {
		return body.Type[strings.LastIndex(body.Type, "#")+1:]
	}
	_, rest, _ := strings.Cut(string(text), "<Code>")
	code, _, _ := strings.Cut(rest, "</Code>")
	return code
}
