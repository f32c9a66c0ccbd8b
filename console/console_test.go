package console

import (
	"bytes"
	"errors"
	"log/slog"
	"regexp"
	"testing"
	"time"
)

func TestHandler(t *testing.T) {
	for _, test := range []struct {
		name string
		log  func(*slog.Logger)
		want string
	}{
		{"a sentence", func(l *slog.Logger) { l.Info("a handshake was refused: no stage", "api", "abc", "path", "/x y") }, `INFO  a handshake was refused: no stage api=abc path="/x y"`},
		{"below the level", func(l *slog.Logger) { l.Debug("message") }, ""},
		{"kinds of values", func(l *slog.Logger) {
			l.Warn("slow", "took", 2*time.Second, "error", errors.New("no way"), "nothing", nil, "n", 3)
		}, `WARN  slow took=2s error="no way" n=3`},
		{"attributes of the logger", func(l *slog.Logger) {
			l.With("api", "a").WithGroup("http").With("method", "GET").Error("failed", "status", 500)
		}, `ERROR failed api=a http.method=GET http.status=500`},
		{"groups", func(l *slog.Logger) { l.Info("x", slog.Group("caller", "arn", "b", "key", "")) }, `INFO  x caller.arn=b caller.key=""`},
		{"what steers a terminal", func(l *slog.Logger) { l.Info("got \x1b[2J\nnext\n", "text", "\x1b]0;owned\a") }, `INFO  got �[2J next text="\x1b]0;owned\a"`},
	} {
		var b bytes.Buffer
		test.log(slog.New(NewHandler(&b, slog.LevelInfo, false)))
		got := regexp.MustCompile(`^\d\d:\d\d:\d\d\.\d{3} |\n$`).ReplaceAllString(b.String(), "")
		if got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestColours(t *testing.T) {
	var b bytes.Buffer
	h := NewHandler(&b, slog.LevelInfo, true)
	if err := h.Handle(t.Context(), slog.NewRecord(time.Time{}, slog.LevelError, "failed", 0)); err != nil {
		t.Fatal(err)
	}
	if want := "\x1b[31mERROR\x1b[0m failed\n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}
