package lambda

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
)

// requests are what processes send, and how it is taken.
var requests = []struct {
	text string
	how  plainness
	want plainRequest
}{
	{"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: 127.0.0.1:9001\r\nUser-Agent: aws-lambda-go/go1.26\r\nAccept-Encoding: gzip\r\n\r\n", plain, plainRequest{}},
	{"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nhost: localhost\r\nConnection: keep-alive\r\n\r\n", plain, plainRequest{}},
	{"POST /2018-06-01/runtime/invocation/8476a536-e9f4/response HTTP/1.1\r\nHost: r\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", plain,
		plainRequest{"8476a536-e9f4", "application/json", []byte("{}")}},
	{"POST /2018-06-01/runtime/invocation/1/response HTTP/1.1\r\nHost: r\r\nTransfer-Encoding: chunked\r\nTrailer: Lambda-Runtime-Function-Error-Type\r\n\r\n3\r\nabc\r\na\r\n0123456789\r\n0\r\n\r\n", plain,
		plainRequest{"1", "", []byte("abc0123456789")}},
	{"POST /2018-06-01/runtime/invocation/1/response HTTP/1.1\r\nHost: r\r\nContent-Length: 0\r\n\r\n", plain, plainRequest{id: "1"}},

	{"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: r\r\n", incomplete, plainRequest{}},
	{"POST /2018-06-01/runtime/invoc", incomplete, plainRequest{}},
	{"POST /2018-06-01/runtime/invocation/1/response HTTP/1.1\r\nHost: r\r\nContent-Length: 3\r\n\r\n{}", incomplete, plainRequest{}},
	{"POST /2018-06-01/runtime/invocation/1/response HTTP/1.1\r\nHost: r\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n", incomplete, plainRequest{}},

	{"GET /2018-06-01/runtime/invocation/next HTTP/1.0\r\nHost: r\r\n\r\n", notPlain, plainRequest{}},
	{"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n\r\n", notPlain, plainRequest{}},
	{"GET /2018-06-01/runtime/invocation/next HTTP/1.1\nHost: r\n\n", notPlain, plainRequest{}},
	{"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: r\r\nHost: r\r\n\r\n", notPlain, plainRequest{}},
	{"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: r\r\nConnection: close\r\n\r\n", notPlain, plainRequest{}},
	{"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: r\r\n folded: x\r\n\r\n", notPlain, plainRequest{}},
	{"POST /2018-06-01/runtime/invocation/1/error HTTP/1.1\r\nHost: r\r\nContent-Length: 2\r\n\r\n{}", notPlain, plainRequest{}},
	{"POST /2018-06-01/runtime/invocation/1/response HTTP/1.1\r\nHost: r\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n", notPlain, plainRequest{}},
	{"POST /2018-06-01/runtime/invocation/1/response HTTP/1.1\r\nHost: r\r\nLambda-Runtime-Function-Response-Mode: streaming\r\n", notPlain, plainRequest{}},
	{"POST /2018-06-01/runtime/invocation/1/response HTTP/1.1\r\nHost: r\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", notPlain, plainRequest{}},
	{"POST /2018-06-01/runtime/invocation/1/response HTTP/1.1\r\nHost: r\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\n\r\n", notPlain, plainRequest{}},
	{"POST /2018-06-01/runtime/invocation/1/response HTTP/1.1\r\nHost: r\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nLambda-Runtime-Function-Error-Type: X\r\n\r\n", notPlain, plainRequest{}},
}

func TestPlainRequestsAreReadAndOthersLeftAlone(t *testing.T) {
	for _, test := range requests {
		r, size, how := parsePlain([]byte(test.text))
		if how != test.how || how == plain && (r.id != test.want.id || r.contentType != test.want.contentType || !bytes.Equal(r.body, test.want.body)) {
			t.Errorf("%q\nis %d: %+v, want %d: %+v", test.text, how, r, test.how, test.want)
		}
		if how == plain && size != len(test.text) {
			t.Errorf("%q takes %d bytes, want %d", test.text, size, len(test.text))
		}
	}
}

// FuzzPlainRequest holds what is taken for a plain request against net/http, and sees to it that no beginning of one is
// taken for something else.
func FuzzPlainRequest(f *testing.F) {
	for _, test := range requests {
		f.Add([]byte(test.text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		before := bytes.Clone(text)
		r, size, how := parsePlain(text)
		if !bytes.Equal(text, before) {
			t.Fatalf("%q was changed into %q", before, text)
		}
		if how != plain {
			return
		}
		for n := range size {
			if _, _, how := parsePlain(text[:n]); how != incomplete {
				t.Errorf("the first %d bytes of %q are %d", n, text, how)
			}
		}
		rest := bufio.NewReader(bytes.NewReader(text))
		want, err := http.ReadRequest(rest)
		if err != nil {
			t.Fatalf("%q is taken: %v", text, err)
		}
		body, err := io.ReadAll(want.Body)
		if err != nil || !bytes.Equal(body, r.body) || len(want.Trailer.Get("Lambda-Runtime-Function-Error-Type")) > 0 {
			t.Errorf("%q: the body is %q, net/http says %q and %v", text, r.body, body, err)
		}
		path := "/2018-06-01/runtime/invocation/next"
		if r.id != "" {
			path = "/2018-06-01/runtime/invocation/" + r.id + "/response"
		}
		if want.URL.Path != path || want.Close || strings.TrimSpace(want.Header.Get("Content-Type")) != r.contentType {
			t.Errorf("%q: net/http says %+v", text, want)
		}
		if left, _ := io.ReadAll(rest); len(left) != len(text)-size {
			t.Errorf("%q: %d bytes are left, net/http leaves %d", text, len(text)-size, len(left))
		}
	})
}
