package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"quotewire/lambda/desk"
	"quotewire/quotes"
	"quotewire/quotes/quotestest"
)

// event reads a recorded event.
func event(t *testing.T, name string) desk.Event {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var e desk.Event
	if err := json.Unmarshal(text, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

func newHandler(t *testing.T) (handler, *quotestest.Store, *quotestest.Poster) {
	store, poster := quotestest.NewStore(), &quotestest.Poster{}
	err := store.Load(t.Context(), []quotes.Quote{{Ticker: "EIQQ", Price: 2200}}, map[quotes.User][]quotes.Ticker{"user003": {"EIQQ"}})
	if err != nil {
		t.Fatal(err)
	}
	d := &quotes.Desk{Store: store, Poster: poster, Log: slog.New(slog.DiscardHandler)}
	return handler{func() *quotes.Desk { return d }}, store, poster
}

func TestConnectIsAnsweredWithoutADesk(t *testing.T) {
	h := handler{func() *quotes.Desk { t.Error("the desk is opened"); return nil }}
	answer, err := h.handle(t.Context(), event(t, "connect"))
	if err != nil || answer.StatusCode != 200 {
		t.Errorf("answer %+v, %v; want 200", answer, err)
	}
}

func TestLifeOfAConnection(t *testing.T) {
	h, store, poster := newHandler(t)
	const id = "O9iVddyboAMCJ1A="
	answer, err := h.handle(t.Context(), event(t, "message"))
	if err != nil || answer.StatusCode != 200 {
		t.Errorf("answer %+v, %v; want 200", answer, err)
	}
	want := `[{"action":"quotes","connection-id":"O9iVddyboAMCJ1A=","quotes":[{"ticker":"EIQQ","price":2200}]}]`
	if got := fmt.Sprint(poster.Take(id)); got != want {
		t.Errorf("the page gets %s, want %s", got, want)
	}
	list, _, _ := store.Subscribers(t.Context(), "EIQQ")
	if want := "[{O9iVddyboAMCJ1A= https://q7w2e9r4t1.execute-api.us-east-1.amazonaws.com/development}]"; fmt.Sprint(list) != want {
		t.Errorf("subscribers of EIQQ are %v, want %s", list, want)
	}
	if _, err := h.handle(t.Context(), event(t, "disconnect")); err != nil {
		t.Fatal(err)
	}
	if list, _, _ := store.Subscribers(t.Context(), "EIQQ"); len(list) != 0 {
		t.Errorf("subscribers of EIQQ are %v after the end, want none", list)
	}
}

func TestBodyInBase64IsUnderstood(t *testing.T) {
	h, _, poster := newHandler(t)
	e := event(t, "message")
	e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte(e.Body)), true
	if _, err := h.handle(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if got := poster.Take("O9iVddyboAMCJ1A="); len(got) != 1 {
		t.Errorf("the page gets %v, want its quotes", got)
	}
}

func TestForeignEventIsAnError(t *testing.T) {
	h, _, _ := newHandler(t)
	if _, err := h.handle(t.Context(), desk.Event{}); err == nil {
		t.Error("an event without a type is accepted")
	}
}
