// Package bootstrap is the runtime of our functions: what a bootstrap for provided.al2023 has to be. It asks the Runtime
// API for an event, hands it to the function, and posts what that returns, one after the other, until the environment ends.
//
// AWS's library does the same by way of net/http, with an answer in chunks. That takes twice as long as the rest of a
// function that sends one message, here and on AWS.
package bootstrap

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime"
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

// errPanic says that a function has panicked.
var errPanic = errors.New("the function has panicked: its process ends")

// run is Start with the Runtime API of an address. It returns why it cannot go on.
func run[In, Out any](address string, handle func(context.Context, In) (Out, error)) error {
	c := newClient(address)
	event, err := c.next()
	for err == nil {
		var body []byte
		if failed := invoke(event, handle, &body); failed == nil {
			event, err = c.respond(event.id, body)
		} else if err = c.fail(event.id, failed); err == nil && failed.panicked {
			err = errPanic
		} else if err == nil {
			event, err = c.next()
		}
	}
	return err
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
