// Command echo is the function that the round trip is measured with: it sends each message back to where it came from,
// with what the product's own functions use for that.
package main

import (
	"context"
	"net/http"
	"os"

	"quotewire/lambda/bootstrap"
	"quotewire/lambda/desk"
	"quotewire/quotes/apigateway"
)

func main() {
	poster := apigateway.New(desk.Config(os.Getenv), "")
	bootstrap.Start(func(ctx context.Context, event desk.Event) (desk.Answer, error) {
		var err error
		if event.RequestContext.EventType == "MESSAGE" {
			var message []byte
			if message, err = event.Message(); err == nil {
				err = poster.Post(ctx, event.From(), message)
			}
		}
		return desk.Answer{StatusCode: http.StatusOK}, err
	})
}
