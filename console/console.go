// Package console writes log records for a person who looks at a terminal: the time of day, the level, the sentence, and
// what belongs to it as key=value. Programs read [slog.TextHandler]'s form instead.
package console

import (
	"context"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"unicode"
)

// Handler is a [slog.Handler]. It writes each record at once, with one call of Write.
type Handler struct {
	level   slog.Leveler
	colours bool
	front   string // of the names of attributes: the open groups, each with a dot
	fixed   string // what attributes of the logger itself look like

	mu *sync.Mutex // held while a record is written
	w  io.Writer
}

// NewHandler returns a handler that writes records from a level on to w, in colour if the terminal has colours.
func NewHandler(w io.Writer, level slog.Leveler, colours bool) *Handler {
	return &Handler{level: level, colours: colours, mu: new(sync.Mutex), w: w}
}

// Enabled implements [slog.Handler].
func (h *Handler) Enabled(_ context.Context, level slog.Level) bool { return level >= h.level.Level() }

// ANSI colours. They never say anything that the text does not.
const (
	grey   = "2"
	yellow = "33"
	red    = "31"
)

// Handle implements [slog.Handler].
func (h *Handler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	if !r.Time.IsZero() {
		b.WriteString(h.paint(grey, r.Time.Format("15:04:05.000")) + " ")
	}
	colour := ""
	switch {
	case r.Level >= slog.LevelError:
		colour = red
	case r.Level >= slog.LevelWarn:
		colour = yellow
	case r.Level < slog.LevelInfo:
		colour = grey
	}
	level := r.Level.String()
	b.WriteString(h.paint(colour, level) + strings.Repeat(" ", max(1, 6-len(level))))
	b.WriteString(oneLine(r.Message))
	attributes := h.fixed
	r.Attrs(func(a slog.Attr) bool {
		attributes += format(h.front, a)
		return true
	})
	b.WriteString(h.paint(grey, attributes) + "\n")
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := io.WriteString(h.w, b.String())
	return err
}

// WithAttrs implements [slog.Handler].
func (h *Handler) WithAttrs(attributes []slog.Attr) slog.Handler {
	with := *h
	for _, a := range attributes {
		with.fixed += format(h.front, a)
	}
	return &with
}

// WithGroup implements [slog.Handler].
func (h *Handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	with := *h
	with.front += name + "."
	return &with
}

func (h *Handler) paint(colour, text string) string {
	if !h.colours || colour == "" || text == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// format is an attribute with a space in front, or the attributes of a group. Attributes without a value are left out.
func format(front string, a slog.Attr) string {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		if a.Key != "" {
			front += a.Key + "."
		}
		text := ""
		for _, member := range v.Group() {
			text += format(front, member)
		}
		return text
	}
	if a.Key == "" || v.Equal(slog.AnyValue(nil)) {
		return ""
	}
	text := v.String()
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) || r == '"' }) {
		text = strconv.Quote(text)
	}
	return " " + front + a.Key + "=" + text
}

// oneLine shows control characters as what they are: what a client or a function sent must not steer the terminal.
func oneLine(text string) string {
	if !strings.ContainsFunc(text, unicode.IsControl) {
		return text
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r):
			return '�'
		}
		return r
	}, strings.TrimRight(text, "\n"))
}
