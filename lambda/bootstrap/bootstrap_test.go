package bootstrap

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// played is a Runtime API with a few events. What comes back is in said.
type played struct {
	*httptest.Server
	events []string
	said   []string
	status int // of the answers to what is posted
	joins  bool
}

func play(t *testing.T, status int, events ...string) *played {
	p := &played{events: events, status: status}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *played) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if r.Method == http.MethodPost {
		p.said = append(p.said, fmt.Sprintf("%s %s%s", strings.TrimPrefix(r.URL.Path, "/2018-06-01/runtime/invocation/"), body, r.Header.Get("Lambda-Runtime-Function-Error-Type")))
		w.WriteHeader(p.status)
		return
	}
	if r.URL.Path != "/2018-06-01/runtime/invocation/next" || len(p.events) == 0 {
		http.Error(w, "the end", http.StatusGone)
		return
	}
	n := strconv.Itoa(len(p.said) + 1)
	w.Header().Set("Lambda-Runtime-Aws-Request-Id", "id"+n)
	w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(time.Minute).UnixMilli(), 10))
	w.Header().Set("Lambda-Runtime-Trace-Id", "trace"+n)
	if p.joins {
		w.Header().Set("Quotewire-Pipelining", "response, next")
	}
	io.WriteString(w, p.events[0])
	p.events = p.events[1:]
}

type input struct{ Do, Text string }

type output struct {
	Text string `json:"text"`
}

type odd struct{}

func (*odd) Error() string { return "that is odd" }

func handle(ctx context.Context, in input) (output, error) {
	deadline, ok := ctx.Deadline()
	if left := time.Until(deadline); !ok || left < 30*time.Second || left > time.Minute {
		return output{}, fmt.Errorf("%s are left", left)
	}
	switch in.Do {
	case "fail":
		return output{}, errors.New(in.Text)
	case "odd":
		return output{}, &odd{}
	case "panic":
		panic(in.Text)
	case "trace":
		return output{os.Getenv("_X_AMZN_TRACE_ID")}, nil
	}
	return output{in.Text}, nil
}

func TestEventsAreAnsweredInTurn(t *testing.T) {
	for _, joins := range []bool{false, true} {
		t.Run(fmt.Sprint("joins ", joins), func(t *testing.T) { testEventsAreAnsweredInTurn(t, joins) })
	}
}

func testEventsAreAnsweredInTurn(t *testing.T, joins bool) {
	p := play(t, http.StatusAccepted, `{"Text":"one"}`, `{"Do":"fail","Text":"two"}`, `{"Do":"odd"}`, `[]`, `{"Do":"trace"}`)
	p.joins = joins
	err := run(strings.TrimPrefix(p.URL, "http://"), handle)
	if err == nil || !strings.Contains(err.Error(), "410 Gone: the end") {
		t.Errorf("it ends with %v", err)
	}
	want := []string{
		`id1/response {"text":"one"}`,
		`id2/error {"errorMessage":"two","errorType":"errorString"}Function.errorString`,
		`id3/error {"errorMessage":"that is odd","errorType":"odd"}Function.odd`,
		`id4/error {"errorMessage":"json: cannot unmarshal array into Go value of type bootstrap.input","errorType":"UnmarshalTypeError"}Function.UnmarshalTypeError`,
		`id5/response {"text":"trace5"}`,
	}
	if got := strings.Join(p.said, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

func TestPanicIsReportedAndEndsTheProcess(t *testing.T) {
	p := play(t, http.StatusAccepted, `{"Do":"panic","Text":"oh"}`, `{}`)
	if err := run(strings.TrimPrefix(p.URL, "http://"), handle); err != errPanic {
		t.Errorf("it ends with %v, want %v", err, errPanic)
	}
	if len(p.said) != 1 || !strings.HasPrefix(p.said[0], `id1/error {"errorMessage":"oh","errorType":"string","stackTrace":[{"path":"`) ||
		!strings.Contains(p.said[0], `"label":"quotewire/lambda/bootstrap.handle"}`) {
		t.Errorf("the Runtime API was told %s", p.said)
	}
}

func TestRefusedAnswerEndsTheProcess(t *testing.T) {
	for _, joins := range []bool{false, true} {
		p := play(t, http.StatusForbidden, `{}`, `{}`)
		p.joins = joins
		if err := run(strings.TrimPrefix(p.URL, "http://"), handle); err == nil || !strings.Contains(err.Error(), "answer an event: 403 Forbidden") {
			t.Errorf("it ends with %v", err)
		}
	}
}

// TestOnlyAskedForAnswersAreJoined plays a Runtime API that looks at what comes before it has answered: the call for the
// next event behind an answer, or nothing.
func TestOnlyAskedForAnswersAreJoined(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ended := make(chan error, 1)
	go func() { ended <- run(l.Addr().String(), handle) }()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	request := func(want string) {
		t.Helper()
		r, err := http.ReadRequest(in)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, r.Body)
		if got := r.Method + " " + strings.TrimPrefix(r.URL.Path, "/2018-06-01/runtime/invocation/"); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	event := func(payload, header string) {
		fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: id\r\nLambda-Runtime-Deadline-Ms: %d\r\n%sContent-Length: %d\r\n\r\n%s",
			time.Now().Add(time.Minute).UnixMilli(), header, len(payload), payload)
	}
	request("GET next")
	const accepted, joins = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", "Quotewire-Pipelining: response, next\r\n"
	for _, test := range []struct {
		payload, header, post string
		joined                bool
	}{
		{`{}`, "", "response", false},
		{`{}`, joins, "response", true},
		{`{}`, "Quotewire-Pipelining: next\r\n", "response", false},
		{`{"Do":"fail"}`, joins, "error", false},
		{`{"Text":"` + strings.Repeat("x", maxJoined) + `"}`, joins, "response", false},
		{`{}`, joins, "response", true},
		{`{}`, "", "response", false},
	} {
		event(test.payload, test.header)
		request("POST id/" + test.post)
		if joined := in.Buffered() > 0; joined != test.joined {
			t.Errorf("%.40s %s: joined is %t", test.payload, test.header, joined)
		}
		if test.joined { // the answer is not waited for
			request("GET next")
			io.WriteString(conn, accepted)
		} else {
			io.WriteString(conn, accepted)
			request("GET next")
		}
	}
	conn.Close()
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "ask for an event") {
		t.Errorf("it ends with %v", err)
	}
}
