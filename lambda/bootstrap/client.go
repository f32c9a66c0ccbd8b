package bootstrap

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"

	"quotewire/lambda/wire"
)

// client speaks to the Runtime API.
type client struct {
	base string
	call *http.Request // of next
	wire wire.Transport
	// joins says that the Runtime API takes an answer and the next call for an event in one write. Quotewire's does, and
	// says so in each event. Of AWS's nobody says it, so there each waits for its own.
	joins bool
}

// pipelining is the header by which a Runtime API says that it joins.
const pipelining = "Quotewire-Pipelining"

// maxJoined bounds an answer that is joined with the next call, in bytes. An answer that may be too long for the function's
// caller has to be taken before there can be another event: the process ends if it is not.
const maxJoined = 32 << 10

func newClient(address string) *client {
	c := &client{base: "http://" + address + "/2018-06-01/runtime/invocation/", wire: wire.Transport{Direct: true}}
	c.call, _ = http.NewRequest(http.MethodGet, c.base+"next", nil)
	return c
}

// event is an invocation.
type event struct {
	id       string
	payload  []byte
	deadline time.Time
}

// next waits for an event.
func (c *client) next() (*event, error) {
	answer, err := c.wire.RoundTrip(c.call)
	return c.event(answer, err)
}

// respond posts what a function has returned for an event, and waits for the next one.
func (c *client) respond(id string, body []byte) (*event, error) {
	r, err := c.post(id+"/response", body)
	if err != nil {
		return nil, err
	}
	if !c.joins || len(body) > maxJoined {
		if err := taken(c.wire.RoundTrip(r)); err != nil {
			return nil, err
		}
		return c.next()
	}
	accepted, answer, err := c.wire.Join(r, c.call)
	if accepted != nil {
		if refused := taken(accepted, nil); refused != nil {
			if answer != nil {
				answer.Body.Close()
			}
			return nil, refused
		}
	}
	return c.event(answer, err)
}

// fail posts that a function has failed, and prints it.
func (c *client) fail(id string, failed *failure) error {
	body, _ := json.Marshal(failed)
	fmt.Fprintf(os.Stderr, "%s\n", body)
	r, err := c.post(id+"/error", body)
	if err != nil {
		return err
	}
	r.Header.Set("Lambda-Runtime-Function-Error-Type", "Function."+failed.Type)
	return taken(c.wire.RoundTrip(r))
}

// post makes a request that ends an event.
func (c *client) post(path string, body []byte) (*http.Request, error) {
	r, err := http.NewRequest(http.MethodPost, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("answer an event: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	return r, nil
}

// taken reads the answer to a post.
func taken(answer *http.Response, err error) error {
	if err == nil {
		_, err = read(answer, http.StatusAccepted)
	}
	if err != nil {
		return fmt.Errorf("answer an event: %w", err)
	}
	return nil
}

// event reads the answer to a call of next.
func (c *client) event(answer *http.Response, err error) (*event, error) {
	var e *event
	if err == nil {
		e, err = c.read(answer)
	}
	if err != nil {
		return nil, fmt.Errorf("ask for an event: %w", err)
	}
	return e, nil
}

func (c *client) read(answer *http.Response) (*event, error) {
	payload, err := read(answer, http.StatusOK)
	if err != nil {
		return nil, err
	}
	h := answer.Header
	ms, err := strconv.ParseInt(h.Get("Lambda-Runtime-Deadline-Ms"), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("deadline: %w", err)
	}
	c.joins = h.Get(pipelining) == "response, next"
	os.Setenv("_X_AMZN_TRACE_ID", h.Get("Lambda-Runtime-Trace-Id")) // AWS's SDK passes it on
	return &event{h.Get("Lambda-Runtime-Aws-Request-Id"), payload, time.UnixMilli(ms)}, nil
}

// read reads the body of an answer of the wanted status.
func read(answer *http.Response, want int) ([]byte, error) {
	defer answer.Body.Close()
	body := bytes.NewBuffer(make([]byte, 0, max(answer.ContentLength, 0)+bytes.MinRead))
	_, err := body.ReadFrom(answer.Body)
	if err == nil && answer.StatusCode != want {
		err = fmt.Errorf("%s: %.300s", answer.Status, body.Bytes())
	}
	return body.Bytes(), err
}
