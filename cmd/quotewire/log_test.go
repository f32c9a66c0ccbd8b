package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestLogIsThatOfTheTextHandlerWithBlocksBelow(t *testing.T) {
	t.Parallel()
	without := func(log *slog.Logger) {
		log.Info("one", "a", 1)
		with := log.With("api", "x y").With("stage", "s", slog.Group("g", "b", true))
		with.Warn("two", "c", []int{1})
		with.With("d", 4).WithGroup("in").With("e", 5).Info("three", "f", 6)
		with.Debug("not shown")
	}
	untimed := func(b *bytes.Buffer) string {
		var lines []string
		for line := range strings.Lines(b.String()) {
			_, line, _ = strings.Cut(line, " ")
			lines = append(lines, line)
		}
		return strings.Join(lines, "")
	}
	var got, want bytes.Buffer
	without(newLog(&got, slog.LevelInfo))
	without(slog.New(slog.NewTextHandler(&want, nil)))
	if untimed(&got) != untimed(&want) {
		t.Errorf("got\n%s\nwant\n%s", untimed(&got), untimed(&want))
	}
	got.Reset()
	newLog(&got, slog.LevelInfo).With("advice", []string{`a "quoted" line`}, "a", 1).Info("see")
	if want := "level=INFO msg=see a=1\n    advice:\n        a \"quoted\" line\n"; !strings.HasSuffix(got.String(), want) {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
}
