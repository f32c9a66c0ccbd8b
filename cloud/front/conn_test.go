package front

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestHeaderNamesAreTheClients(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	names := make(chan []string, 1)
	server := New(Config{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		names <- HeaderNames(r.Context())
		io.Copy(io.Discard, r.Body)
	})})
	go server.Serve(l, nil)
	t.Cleanup(func() { server.Close() })
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	answers := bufio.NewReader(c)
	for _, test := range []struct{ headers, body string }{
		{"HeaderAuth1: a\r\nx-lower: b", ""},
		{"X-UPPER: a", "Not-A-Header: \r\n\r\nat all"},
		{"Sec-WebSocket-Key: k\r\nX-UPPER: 2", ""},
		{"A: " + strings.Repeat("x", 5000) + "\r\nb: 1", "x"},
	} {
		want := []string{"host", "content-length"}
		for line := range strings.SplitSeq(test.headers, "\r\n") {
			name, _, _ := strings.Cut(line, ":")
			want = append(want, name)
		}
		fmt.Fprintf(c, "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: %d\r\n%s\r\n\r\n%s", len(test.body), test.headers, test.body)
		if got := <-names; !slices.Equal(got, want) {
			t.Errorf("names %q, want %q", got, want)
		}
		response, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
	}
}
