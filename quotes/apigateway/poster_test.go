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
	"testing/synctest"
	"time"

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

// flaky is an HTTP client that answers with one status after the other; 0 is no answer.
type flaky struct {
	statuses []int
	bodies   []string
	tokens   []string
}

func (f *flaky) Do(r *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(r.Body)
	f.bodies, f.tokens = append(f.bodies, string(body)), append(f.tokens, r.Header.Get("X-Amz-Security-Token"))
	status := f.statuses[0]
	f.statuses = f.statuses[1:]
	if status == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	return &http.Response{Status: fmt.Sprint(status), StatusCode: status, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

func TestPostIsSentAgainWhenTheGatewayHadNoTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, test := range []struct {
			statuses []int
			tries    int // that the configuration allows
			sent     int
			want     string
		}{
			{[]int{429, 200}, 0, 2, ""},
			{[]int{0, 503, 200}, 0, 3, ""},
			{[]int{500, 500, 500, 200}, 0, 3, "post to a: 500"},
			{[]int{0, 200}, 1, 1, "post to a: unexpected EOF"},
			{[]int{429, 429, 429, 410}, 5, 4, "gone"},
			{[]int{403, 200}, 0, 1, "post to a: 403"},
			{[]int{413, 200}, 0, 1, "post to a: 413"},
		} {
			client, turn := &flaky{statuses: test.statuses}, 0
			p := apigateway.New(aws.Config{
				Region: "us-east-1", HTTPClient: client, RetryMaxAttempts: test.tries,
				Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
					turn++
					return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test", SessionToken: fmt.Sprint(turn)}, nil
				}),
			}, "")
			begin := time.Now()
			err := p.Post(t.Context(), quotes.Connection{ID: "a", Endpoint: "https://gateway"}, []byte("hello"))
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v: got %v, want %q", test.statuses, err, test.want)
			}
			for i, body := range client.bodies {
				if body != "hello" || client.tokens[i] != fmt.Sprint(i+1) {
					t.Errorf("%v: the gateway gets %q with the token %s", test.statuses, body, client.tokens[i])
				}
			}
			if len(client.bodies) != test.sent {
				t.Errorf("%v: sent %d times, want %d", test.statuses, len(client.bodies), test.sent)
			}
			least := time.Duration(0)
			for try := range test.sent - 1 {
				least += 25 * time.Millisecond << try
			}
			if took := time.Since(begin); took < least || took > 3*least {
				t.Errorf("%v: it took %s, want from %s to %s", test.statuses, took, least, 3*least)
			}
		}
	})
}

func TestPostEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		c := config
		c.HTTPClient, c.RetryMaxAttempts = &flaky{statuses: []int{429, 200}}, 3
		err := apigateway.New(c, "").Post(ctx, quotes.Connection{ID: "a", Endpoint: "https://gateway"}, []byte("hello"))
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}
