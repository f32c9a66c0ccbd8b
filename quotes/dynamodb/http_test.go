package dynamodb_test

import (
	"encoding/json"
	"net/http"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) Do(r *http.Request) (*http.Response, error) { return f(r) }

// requestItems is what a batch asks for, as it stands in the request.
func requestItems(r *http.Request) string {
	var body struct{ RequestItems json.RawMessage }
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		panic(err)
	}
	return string(body.RequestItems)
}
