package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"

	"github.com/aws/aws-lambda-go/events"

	"quotewire/quotes"
)

// handler answers the events of a WebSocket API. The desk is opened by the first event that needs it.
type handler struct {
	desk func() *quotes.Desk
}

// handle needs nothing of $connect: a connection counts from when it says who it is, and that message tells where it
// comes from. So $connect is answered at once, and no row is left of sockets that never say a word.
func (h handler) handle(ctx context.Context, event events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
	var err error
	about := event.RequestContext
	from := quotes.Connection{ID: quotes.ConnectionID(about.ConnectionID), Endpoint: "https://" + about.DomainName + "/" + about.Stage}
	switch about.EventType {
	case "CONNECT":
	case "DISCONNECT":
		err = h.desk().Disconnect(ctx, from)
	case "MESSAGE":
		message := []byte(event.Body)
		if event.IsBase64Encoded {
			if message, err = base64.StdEncoding.DecodeString(event.Body); err != nil {
				break
			}
		}
		err = h.desk().Receive(ctx, from, message)
	default:
		err = fmt.Errorf("event of type %q: this function serves the routes of a WebSocket API", about.EventType)
	}
	return events.APIGatewayProxyResponse{StatusCode: http.StatusOK}, err
}
