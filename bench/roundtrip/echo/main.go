// Command echo is the function that the round trip is measured with: it sends each message back to where it came from,
// with what the product's own functions use for that.
package main

import (
	"context"
	"net/http"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"quotewire/lambda/bootstrap"
	"quotewire/lambda/desk"
	"quotewire/quotes"
	"quotewire/quotes/apigateway"
)

func main() {
	poster := apigateway.New(desk.Config(os.Getenv), "")
	bootstrap.Start(func(ctx context.Context, event events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
		var err error
		if about := event.RequestContext; about.EventType == "MESSAGE" {
			to := quotes.Connection{ID: quotes.ConnectionID(about.ConnectionID), Endpoint: "https://" + about.DomainName + "/" + about.Stage}
			err = poster.Post(ctx, to, []byte(event.Body))
		}
		return events.APIGatewayProxyResponse{StatusCode: http.StatusOK}, err
	})
}
