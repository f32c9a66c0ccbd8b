package apigateway_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"quotewire/quotes"
	"quotewire/quotes/apigateway"
)

var config = aws.Config{
	Region: "us-east-1",
	Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
	}),
	RetryMaxAttempts: 1,
}

// gateway answers every post with a status and keeps the last request.
func gateway(t *testing.T, status int, last *string) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*last = fmt.Sprintf("%s %s %s", r.Method, r.RequestURI, body)
		if !strings.Contains(r.Header.Get("Authorization"), "/us-east-1/execute-api/aws4_request") {
			*last = "unsigned " + *last
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestPostGoesToTheConnectionsOwnEndpoint(t *testing.T) {
	var last string
	url := gateway(t, 200, &last)
	p := apigateway.New(config, "")
	if err := p.Post(t.Context(), quotes.Connection{ID: "O9i=", Endpoint: url + "/development"}, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if want := "POST /development/@connections/O9i%3D hello"; last != want {
		t.Errorf("the gateway gets %q, want %q", last, want)
	}
}

func TestGivenEndpointIsUsedForAll(t *testing.T) {
	var last string
	url := gateway(t, 200, &last)
	p := apigateway.New(config, "ws"+strings.TrimPrefix(url, "http")+"/live/")
	if err := p.Post(t.Context(), quotes.Connection{ID: "a", Endpoint: "https://nowhere.invalid"}, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if want := "POST /live/@connections/a hello"; last != want {
		t.Errorf("the gateway gets %q, want %q", last, want)
	}
}

func TestGoneIsToldApartFromOtherFailures(t *testing.T) {
	var last string
	for status, gone := range map[int]bool{410: true, 403: false, 500: false} {
		p := apigateway.New(config, gateway(t, status, &last))
		err := p.Post(t.Context(), quotes.Connection{ID: "a"}, []byte("hello"))
		if err == nil || errors.Is(err, quotes.ErrGone) != gone {
			t.Errorf("a %d is the error %v; gone should be %v", status, err, gone)
		}
	}
}
