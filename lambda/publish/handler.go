package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"

	"github.com/aws/aws-lambda-go/events"

	"quotewire/quotes"
)

// handler answers the events, in payload format 2.0, of an HTTP API. The desk is opened by the first that needs it.
type handler struct {
	desk func() *quotes.Desk
}

// handle answers 200 with a [quotes.Delivery]; 400 with a message that names what is wrong, and then nothing is stored;
// 405 for other methods than POST. An error becomes the gateway's 500.
func (h handler) handle(ctx context.Context, event events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	if method := event.RequestContext.HTTP.Method; method != http.MethodPost {
		answer := complain(http.StatusMethodNotAllowed, fmt.Sprintf("prices are published with POST, not %s", method))
		answer.Headers["allow"] = http.MethodPost
		return answer, nil
	}
	list, err := parse(event)
	if err != nil {
		return complain(http.StatusBadRequest, err.Error()), nil
	}
	delivery, err := h.desk().Publish(ctx, list)
	if wrong := (*quotes.Invalid)(nil); errors.As(err, &wrong) {
		return complain(http.StatusBadRequest, wrong.Error()), nil
	}
	if err != nil {
		return events.APIGatewayV2HTTPResponse{}, err
	}
	return answer(http.StatusOK, delivery), nil
}

// parse reads the prices in a request. A form is what curl -d sends: EIQQ=2210&MODD=99. A client that does not say
// what it sends is taken by its first character. The gateway passes forms on in base64.
func parse(event events.APIGatewayV2HTTPRequest) ([]quotes.Quote, error) {
	body := []byte(event.Body)
	if event.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(event.Body); err != nil {
			return nil, fmt.Errorf("the body is not base64: %w", err)
		}
	}
	kind, _, _ := mime.ParseMediaType(event.Headers["content-type"])
	if kind == "application/json" || looksLikeJSON(body) {
		return quotes.ParseQuotes(body)
	}
	return parseForm(string(body))
}

func complain(status int, message string) events.APIGatewayV2HTTPResponse {
	return answer(status, struct {
		Message string `json:"message"`
	}{message})
}

func answer(status int, body any) events.APIGatewayV2HTTPResponse {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // the bodies hold only strings and integers
	}
	return events.APIGatewayV2HTTPResponse{
		StatusCode: status,
		Headers:    map[string]string{"content-type": "application/json"},
		Body:       string(text),
	}
}
