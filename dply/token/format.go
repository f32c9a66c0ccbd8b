package token

import (
	"strings"
	"unicode"
)

// longLine is the number of characters above which Format shows only the part of a line around the mistake.
const longLine = 240

// Format is d for people: file:line:column: code: message, the source line, a caret under the place, and the hint.
// With color it has the escape sequences of a terminal.
func (d Diagnostic) Format(color bool) string {
	bold, red, green, off := "", "", "", ""
	if color {
		bold, red, green, off = "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[0m"
		if d.Warning() {
			red = "\x1b[33m"
		}
	}
	var b strings.Builder
	if place := d.Pos.String(); place != "" {
		b.WriteString(bold + Printable(place) + ": " + off)
	}
	b.WriteString(bold + red + d.Code + off + bold + ": " + Printable(d.Message) + off + "\n")
	if d.Source != "" && d.Pos.Line > 0 {
		source, caret := excerpt(d.Source, d.Pos.Column)
		b.WriteString(source + "\n" + caret + green + "^" + off + "\n")
	}
	if d.Hint != "" {
		for line := range strings.SplitSeq(d.Hint, "\n") {
			b.WriteString("  " + Printable(line) + "\n")
		}
	}
	return b.String()
}

// excerpt returns the line, cut to a window around the column if it is very long, and the white space that puts a
// caret under the column: a tab stays a tab, so that the two lines agree whatever a tab's width is.
func excerpt(line string, column int) (source, indent string) {
	chars := []rune(line)
	at := min(max(column-1, 0), len(chars))
	before, after := "", ""
	if len(chars) > longLine {
		from := max(0, at-longLine/2)
		to := min(len(chars), from+longLine)
		if from > 0 {
			before = "…"
		}
		if to < len(chars) {
			after = "…"
		}
		chars, at = chars[from:to], at-from
	}
	var caret strings.Builder
	caret.WriteString(strings.Repeat(" ", len([]rune(before))))
	for _, c := range chars[:at] {
		if c == '\t' {
			caret.WriteByte('\t')
		} else {
			caret.WriteByte(' ')
		}
	}
	return before + Printable(string(chars)) + after, caret.String()
}

// Printable is text without control characters: a script must not be able to drive the terminal of its reader.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && unicode.IsControl(r) {
			return '\uFFFD'
		}
		return r
	}, text)
}
