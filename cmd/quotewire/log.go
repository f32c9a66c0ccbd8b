package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"slices"
	"sync"
)

// newLog writes a log for people: a line for each record, as slog's text handler does it, and below the line, each on one of
// its own and as they are, the texts of attributes that are lists of texts. What is to be copied into a script stands there
// without a quote or a backslash too many.
func newLog(w io.Writer, level slog.Level) *slog.Logger {
	out := &logWriter{w: w}
	return slog.New(blockHandler{Handler: slog.NewTextHandler(&out.line, &slog.HandlerOptions{Level: level}), out: out})
}

type logWriter struct {
	mu   sync.Mutex // protects following, and keeps the lines of a record together
	w    io.Writer
	line bytes.Buffer // what the text handler has written of the record
}

type blockHandler struct {
	slog.Handler
	out *logWriter

	// attrs are those of its logger. They are not formatted before a record needs them: for each request the cloud makes
	// a logger that has nothing to say.
	attrs []slog.Attr
}

func (h blockHandler) Handle(ctx context.Context, r slog.Record) error {
	line := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	var blocks []slog.Attr
	add := func(a slog.Attr) bool {
		if _, ok := a.Value.Any().([]string); ok {
			blocks = append(blocks, a)
		} else {
			line.AddAttrs(a)
		}
		return true
	}
	for _, a := range h.attrs {
		add(a)
	}
	r.Attrs(add)
	h.out.mu.Lock()
	defer h.out.mu.Unlock()
	b := &h.out.line
	b.Reset()
	if err := h.Handler.Handle(ctx, line); err != nil {
		return err
	}
	for _, a := range blocks {
		b.WriteString("    " + a.Key + ":\n")
		for _, text := range a.Value.Any().([]string) {
			b.WriteString("        " + text + "\n")
		}
	}
	_, err := h.out.w.Write(b.Bytes())
	return err
}

func (h blockHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return blockHandler{h.Handler, h.out, slices.Concat(h.attrs, attrs)}
}

func (h blockHandler) WithGroup(name string) slog.Handler {
	return blockHandler{Handler: h.Handler.WithAttrs(h.attrs).WithGroup(name), out: h.out}
}
