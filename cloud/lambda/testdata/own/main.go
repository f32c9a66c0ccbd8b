// Command own is a function on the product's own runtime, which sends a response and its next call in one write. Its event
// says what it does.
package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"quotewire/lambda/bootstrap"
)

type request struct {
	Do   string
	Text string
	Size int
}

type answer struct {
	Call int // of this process
	Text string
}

var calls int

func main() {
	bootstrap.Start(func(_ context.Context, r request) (answer, error) {
		calls++
		switch r.Do {
		case "error":
			return answer{}, errors.New(r.Text)
		case "panic":
			panic(r.Text)
		case "exit":
			os.Exit(2)
		case "hang":
			time.Sleep(time.Hour)
		case "big":
			r.Text = strings.Repeat("x", r.Size)
		}
		return answer{calls, r.Text}, nil
	})
}
