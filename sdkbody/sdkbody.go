// Package sdkbody keeps clients of the AWS SDK from losing an answer that comes quickly.
//
// A server on this machine can have answered before net/http has looked whether the body of the request holds more than it
// announced. The SDK closes the body as soon as the head of the answer is there, and what then writes the body to where
// that look discards it returns io.EOF, which no io.WriterTo may: net/http takes it for a failed request and closes the
// connection, with the rest of the answer still to be read from it. On a busy machine that is one call in some hundreds.
// The SDK warns on the standard error, and repeats the call if it can be repeated.
package sdkbody

import (
	"context"
	"io"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Plain is for the APIOptions of a configuration: bodies are then only read, and reading one that is closed is its end.
func Plain(stack *middleware.Stack) error {
	const id = "quotewire.PlainBody"
	if _, twice := stack.Build.Get(id); twice {
		return nil
	}
	return stack.Build.Add(middleware.BuildMiddlewareFunc(id,
		func(ctx context.Context, in middleware.BuildInput, next middleware.BuildHandler) (middleware.BuildOutput, middleware.Metadata, error) {
			if r, ok := in.Request.(*smithyhttp.Request); ok {
				if body, ok := r.GetStream().(io.ReadSeeker); ok {
					plain, err := r.SetStream(struct{ io.ReadSeeker }{body})
					if err != nil {
						return middleware.BuildOutput{}, middleware.Metadata{}, err
					}
					in.Request = plain
				}
			}
			return next.HandleBuild(ctx, in)
		}), middleware.After)
}
