package main

import (
	"context"
	"fmt"
	"net/http"

	"quotewire/lambda/desk"
	"quotewire/quotes"
)

// handler answers the events of a WebSocket API. The desk is opened by the first event that needs it.
type handler struct {
	desk func() *quotes.Desk
}

// handle needs nothing of $connect: a connection counts from when it says who it is, and that message tells where it
// comes from. So $connect is answered at once, and no row is left of sockets that never say a word.
func (h handler) handle(ctx context.Context, event desk.Event) (desk.Answer, error) {
	var err error
	switch event.RequestContext.EventType {
	case "CONNECT":
	case "DISCONNECT":
		err = h.desk().Disconnect(ctx, event.From())
	case "MESSAGE":
		var message []byte
		if message, err = event.Message(); err == nil {
			err = h.desk().Receive(ctx, event.From(), message)
		}
	default:
		err = fmt.Errorf("event of type %q: this function serves the routes of a WebSocket API", event.RequestContext.EventType)
	}
	return desk.Answer{StatusCode: http.StatusOK}, err
}
