package main

import (
	"encoding/base64"
	"errors"
	"log/slog"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"quotewire/quotes"
	"quotewire/quotes/quotestest"
)

func newHandler() (handler, *quotestest.Store) {
	store := quotestest.NewStore()
	desk := &quotes.Desk{Store: store, Poster: &quotestest.Poster{}, Log: slog.New(slog.DiscardHandler)}
	return handler{func() *quotes.Desk { return desk }}, store
}

// request is an event as the gateway makes it: forms arrive in base64.
func request(method, contentType, body string) events.APIGatewayV2HTTPRequest {
	e := events.APIGatewayV2HTTPRequest{Version: "2.0", Headers: map[string]string{}, Body: body}
	e.RequestContext.HTTP.Method = method
	if contentType != "" {
		e.Headers["content-type"] = contentType
	}
	if contentType != "application/json" {
		e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte(body)), true
	}
	return e
}

func TestPublishAnswers(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	for _, test := range []struct {
		method, contentType, body string
		status                    int
		want                      string
	}{
		{"POST", "application/json", `{"ticker":"EIQQ","price":2210}`, 200, `{"published":1,"delivered":0,"gone":0}`},
		{"POST", "application/json; charset=utf-8", `[{"ticker":"EIQQ","price":2210},{"ticker":"MODD","price":99}]`, 200, `{"published":2,"delivered":0,"gone":0}`},
		{"POST", "", `{"quotes":[{"ticker":"EIQQ","price":2210}]}`, 200, `{"published":1,"delivered":0,"gone":0}`},
		{"POST", form, `EIQQ=2210&MODD=99`, 200, `{"published":2,"delivered":0,"gone":0}`},
		{"POST", form, `EIQQ=2210&EIQQ=2211`, 200, `{"published":1,"delivered":0,"gone":0}`},
		{"POST", form, `ticker=EIQQ&price=2210&ticker=BRK.B&price=1`, 200, `{"published":2,"delivered":0,"gone":0}`},
		{"POST", form, `{"ticker":"EIQQ","price":2210}`, 200, `{"published":1,"delivered":0,"gone":0}`}, // curl -d
		{"POST", form, `MODD=99&EIQQ=abc`, 400, `{"message":"the price of EIQQ must be a whole number of cents, such as 2210; got \"abc\""}`},
		{"POST", form, `MODD=99&EIQQ`, 400, `{"message":"the price of EIQQ must be a whole number of cents, such as 2210; got \"\""}`},
		{"POST", form, `ticker=EIQQ`, 400, `{"message":"the form has 1 times ticker= and 0 times price=; each ticker needs a price, such as ticker=EIQQ\u0026price=2210"}`},
		{"POST", form, `eiqq=1`, 400, `{"message":"\"eiqq\" is not a ticker; a ticker is 1 to 16 of A-Z, 0-9, dot and hyphen, such as EIQQ"}`},
		{"POST", form, ``, 400, `{"message":"there is no price in the request; send at least one, such as {\"ticker\":\"EIQQ\",\"price\":2210}"}`},
		{"POST", "application/json", `[{"ticker":"MODD","price":99},{"ticker":"EIQQ","price":"abc"}]`, 400, `{"message":"item 2: the price of EIQQ must be a whole number of cents, such as 2210; got \"abc\""}`},
		{"GET", "", ``, 405, `{"message":"prices are published with POST, not GET"}`},
	} {
		h, store := newHandler()
		got, err := h.handle(t.Context(), request(test.method, test.contentType, test.body))
		if err != nil || got.StatusCode != test.status || got.Body != test.want {
			t.Errorf("%s %s\n got %d %s, %v\nwant %d %s", test.method, test.body, got.StatusCode, got.Body, err, test.status, test.want)
		}
		stored, _ := store.Prices(t.Context(), []quotes.Ticker{"EIQQ", "MODD"})
		if test.status != 200 && len(stored) > 0 {
			t.Errorf("%s is refused, but %v is stored", test.body, stored)
		}
	}
}

func TestStoreFailureIsTheGatewaysToTell(t *testing.T) {
	h, store := newHandler()
	store.Before = func(string) error { return errors.New("no table") }
	if _, err := h.handle(t.Context(), request("POST", "application/json", `{"ticker":"EIQQ","price":2210}`)); err == nil {
		t.Error("no error although nothing could be stored")
	}
}
