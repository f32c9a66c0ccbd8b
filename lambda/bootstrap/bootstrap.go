// Package bootstrap is the runtime of our functions: what a bootstrap for provided.al2023 has to be. It asks the Runtime
// API for an event, hands it to the function, and posts what that returns, one after the other, until the environment ends.
//
// AWS's library does the same by way of net/http, with an answer in chunks. That takes twice as long as the rest of a
// function that sends one message, here and on AWS.
package bootstrap

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"runtime"
	"strconv"
	"time"

	"quotewire/lambda/wire"
)

// Start runs handle for each event, with a context that ends when its time is up. What handle returns is the answer of the
// function, an error or a panic its failure; after a panic the process ends, and Lambda starts another one. Start ends the
// process when there is no more to be asked for.
func Start[In, Out any](handle func(context.Context, In) (Out, error)) {
	address := os.Getenv("AWS_LAMBDA_RUNTIME_API")
	if address == "" {
		fmt.Fprintln(os.Stderr, "this is a function of AWS Lambda: deploy it as the bootstrap of one; AWS_LAMBDA_RUNTIME_API is not set")
		os.Exit(1)
	}
	if err := run(address, handle); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// client speaks to the Runtime API.
type client struct {
	base string
	wire wire.Transport
}

// errPanic says that a function has panicked.
var errPanic = errors.New("the function has panicked: its process ends")

// run is Start with the Runtime API of an address. It returns why it cannot go on.
func run[In, Out any](address string, handle func(context.Context, In) (Out, error)) error {
	c := &client{base: "http://" + address + "/2018-06-01/runtime/invocation/", wire: wire.Transport{Direct: true}}
	for {
		event, err := c.next()
		if err != nil {
			return fmt.Errorf("ask for an event: %w", err)
		}
		var body []byte
		failed := invoke(event, handle, &body)
		if failed == nil {
			err = c.post(event.id+"/response", body, "")
		} else {
			body, _ = json.Marshal(failed)
			fmt.Fprintf(os.Stderr, "%s\n", body)
			err = c.post(event.id+"/error", body, failed.Type)
		}
		switch {
		case err != nil:
			return fmt.Errorf("answer an event: %w", err)
		case failed != nil && failed.panicked:
			return errPanic
		}
	}
}

// event is an invocation.
type event struct {
	id       string
	payload  []byte
	deadline time.Time
}

// next waits for an event.
func (c *client) next() (*event, error) {
	r, err := http.NewRequest(http.MethodGet, c.base+"next", nil)
	if err != nil {
		return nil, err
	}
	answer, payload, err := c.do(r, http.StatusOK)
	if err != nil {
		return nil, err
	}
	ms, err := strconv.ParseInt(answer.Get("Lambda-Runtime-Deadline-Ms"), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("deadline: %w", err)
	}
	os.Setenv("_X_AMZN_TRACE_ID", answer.Get("Lambda-Runtime-Trace-Id")) // AWS's SDK passes it on
	return &event{answer.Get("Lambda-Runtime-Aws-Request-Id"), payload, time.UnixMilli(ms)}, nil
}

// post posts the end of an event.
func (c *client) post(path string, body []byte, errorType string) error {
	r, err := http.NewRequest(http.MethodPost, c.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	if errorType != "" {
		r.Header.Set("Lambda-Runtime-Function-Error-Type", "Function."+errorType)
	}
	_, _, err = c.do(r, http.StatusAccepted)
	return err
}

// do returns the head and the body of an answer of the wanted status.
func (c *client) do(r *http.Request, want int) (http.Header, []byte, error) {
	answer, err := c.wire.RoundTrip(r)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	body := bytes.NewBuffer(make([]byte, 0, max(answer.ContentLength, 0)+bytes.MinRead))
	_, err = body.ReadFrom(answer.Body)
	if err == nil && answer.StatusCode != want {
		err = fmt.Errorf("%s: %.300s", answer.Status, body.Bytes())
	}
	return answer.Header, body.Bytes(), err
}

// failure is how Lambda wants to be told of one.
type failure struct {
	Message string  `json:"errorMessage"`
	Type    string  `json:"errorType"`
	Stack   []frame `json:"stackTrace,omitempty"`

	panicked bool
}

type frame struct {
	Path  string `json:"path"`
	Line  int    `json:"line"`
	Label string `json:"label"`
}

// invoke runs handle for an event and puts what it returns into answer.
func invoke[In, Out any](e *event, handle func(context.Context, In) (Out, error), answer *[]byte) (failed *failure) {
	ctx, cancel := context.WithDeadline(context.Background(), e.deadline)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			failed = &failure{fmt.Sprint(v), typeName(v), stack(), true}
		}
	}()
	var in In
	err := json.Unmarshal(e.payload, &in)
	if err == nil {
		var out Out
		if out, err = handle(ctx, in); err == nil {
			*answer, err = json.Marshal(out)
		}
	}
	if err != nil {
		return &failure{Message: err.Error(), Type: typeName(err)}
	}
	return nil
}

// typeName is the name of a value's type, or of what it points to.
func typeName(v any) string {
	t := reflect.TypeOf(v)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Name()
}

// stack is where a function has panicked.
func stack() []frame {
	pcs := make([]uintptr, 32)
	var frames []frame
	const skipped = 4 // Callers, this function, the one that recovers, and the runtime's panic
	for next := runtime.CallersFrames(pcs[:runtime.Callers(skipped, pcs)]); ; {
		f, more := next.Next()
		frames = append(frames, frame{f.File, f.Line, f.Function})
		if !more {
			return frames
		}
	}
}
