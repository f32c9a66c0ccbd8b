package apigateway_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"quotewire/quotes"
	"quotewire/quotes/apigateway"
	"quotewire/quotes/quotestest"
)

// answering is a gateway that answers all with the same.
func answering(t *testing.T, status int, errorType, body string, last *string) *apigateway.Poster {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		*last = fmt.Sprintf("%s %s %s", r.Method, r.RequestURI, text)
		if errorType != "" {
			w.Header().Set("x-amzn-ErrorType", errorType)
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return apigateway.New(config, server.URL+"/development")
}

func TestWhatABoardIsTold(t *testing.T) {
	var last string
	p := answering(t, 200, "", `{"board":"b=","announce":["EIQQ"],"lease":3600,"delivered":7}`, &last)
	c, ctx := quotes.Connection{ID: "O9i=", Endpoint: "https://h/s"}, t.Context()
	check := func(err error, want string) {
		t.Helper()
		if err != nil || last != want {
			t.Errorf("the gateway gets\n%s, %v; want\n%s", last, err, want)
		}
	}
	board, announce, err := p.Listen(ctx, c, []quotes.Ticker{"EIQQ"}, []quotes.Ticker{"MODD"})
	check(err, `POST /development/@topics/O9i%3D {"unsubscribe":["MODD"],"subscribe":["EIQQ"]}`)
	if left := time.Until(board.Expires); board.ID != "b=" || board.Endpoint != "https://h/s" || left < 59*time.Minute || left > time.Hour || fmt.Sprint(announce) != "[EIQQ]" {
		t.Errorf("Listen = %+v, %v; want the board b=, for an hour, to be announced for EIQQ", board, announce)
	}
	check(p.Announced(ctx, c, announce), `POST /development/@topics/O9i%3D {"announced":["EIQQ"]}`)
	const message = `{"template":"{\"action\":\"quotes\",\"connection-id\":\"$context.connectionId\",\"quotes\":[$data]}","messages":[{"topic":"EIQQ","version":3,"data":{"ticker":"EIQQ","price":2210}}]}`
	list := []quotes.Stored{{Quote: quotes.Quote{Ticker: "EIQQ", Price: 2210}, Version: 3}}
	check(p.Show(ctx, c, list), `POST /development/@topics/O9i%3D `+message)
	n, err := p.Publish(ctx, board, list)
	check(err, `POST /development/@topics/b%3D `+message)
	if n != 7 {
		t.Errorf("Publish = %d, want 7", n)
	}
	check(p.Show(ctx, c, nil), `POST /development/@topics/O9i%3D {"template":"{\"action\":\"quotes\",\"connection-id\":\"$context.connectionId\",\"quotes\":[$data]}"}`)
}

func TestMissingBoardsAreToldApartFromOtherFailures(t *testing.T) {
	for _, test := range []struct {
		status    int
		errorType string
		want      error // nil: another
	}{
		{403, "MissingAuthenticationTokenException", quotes.ErrNoBoards},
		{403, "ForbiddenException", quotes.ErrNoBoards},
		{404, "", quotes.ErrNoBoards},
		{405, "", quotes.ErrNoBoards},
		{410, "GoneException", quotes.ErrGone},
		{403, "AccessDeniedException", nil},
		{403, "ExpiredTokenException", nil},
		{400, "BadRequestException", nil},
		{500, "", nil},
	} {
		var last string
		p := answering(t, test.status, test.errorType, "", &last)
		_, _, err := p.Listen(t.Context(), quotes.Connection{ID: "a"}, nil, nil)
		if err == nil || test.want != nil && !errors.Is(err, test.want) || test.want == nil && (errors.Is(err, quotes.ErrNoBoards) || errors.Is(err, quotes.ErrGone)) {
			t.Errorf("a %d %s is the error %v, want %v", test.status, test.errorType, err, test.want)
		}
	}
}

// AWS knows no topics: it is asked once, and every connection is posted to.
func TestDeskAtAGatewayOfAWS(t *testing.T) {
	var mu sync.Mutex
	var got []string // protected by mu
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		if !strings.Contains(r.URL.Path, "/@connections/") {
			got = append(got, r.URL.Path)
			w.Header().Set("x-amzn-ErrorType", "ForbiddenException")
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, `{"message":"Forbidden"}`)
			return
		}
		got = append(got, r.URL.Path+" "+string(body))
	}))
	defer server.Close()
	store, gateway := quotestest.NewStore(), apigateway.New(config, "")
	err := store.Load(t.Context(), []quotes.Quote{{Ticker: "EIQQ", Price: 2200}}, map[quotes.User][]quotes.Ticker{"user001": {"EIQQ"}})
	if err != nil {
		t.Fatal(err)
	}
	d := &quotes.Desk{Store: store, Poster: gateway, Boards: gateway, Log: slog.New(slog.DiscardHandler)}
	c := quotes.Connection{ID: "a", Endpoint: server.URL + "/development"}
	if err := d.Receive(t.Context(), c, []byte(`{"action":"user","id":"user001"}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Publish(t.Context(), []quotes.Quote{{Ticker: "EIQQ", Price: 2210}}); err != nil {
		t.Fatal(err)
	}
	if err := d.Disconnect(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"/development/@topics/a",
		`/development/@connections/a {"action":"quotes","connection-id":"a","quotes":[{"ticker":"EIQQ","price":2200}]}`,
		`/development/@connections/a {"action":"quotes","connection-id":"a","quotes":[{"ticker":"EIQQ","price":2210}]}`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the gateway gets\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
