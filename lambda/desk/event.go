package desk

import (
	"encoding/base64"

	"quotewire/quotes"
)

// Event is what a function needs to know of an event of a WebSocket API. To decode all the rest of it takes as long as
// to answer it.
type Event struct {
	RequestContext struct {
		EventType    string // CONNECT, MESSAGE or DISCONNECT
		ConnectionID string
		DomainName   string
		Stage        string
	}
	Body            string
	IsBase64Encoded bool
}

// From is the connection that the event came from.
func (e *Event) From() quotes.Connection {
	about := &e.RequestContext
	return quotes.Connection{ID: quotes.ConnectionID(about.ConnectionID), Endpoint: "https://" + about.DomainName + "/" + about.Stage}
}

// Message is what the connection has sent.
func (e *Event) Message() ([]byte, error) {
	if e.IsBase64Encoded {
		return base64.StdEncoding.DecodeString(e.Body)
	}
	return []byte(e.Body), nil
}

// Answer is what a function of a WebSocket API returns.
type Answer struct {
	StatusCode int `json:"statusCode"`
}
