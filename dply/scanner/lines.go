package scanner

import (
	"iter"
	"strings"
	"unicode"

	"quotewire/dply/token"
)

// BOM is the mark that some editors put at the start of a file. It is no part of the first line.
const BOM = "\uFEFF"

// Lines yields the lines of a script that has no [BOM]. A line ends with LF or CRLF and may have any length.
func Lines(script string) iter.Seq[token.Line] {
	return func(yield func(token.Line) bool) {
		for number := 1; script != ""; number++ {
			text, end := script, ""
			if i := strings.IndexByte(script, '\n'); i >= 0 {
				text, end = script[:i], script[i:i+1]
				if i > 0 && script[i-1] == '\r' {
					text, end = script[:i-1], script[i-1:i+1]
				}
			}
			script = script[len(text)+len(end):]
			kind, indent := classify(text)
			if !yield(token.Line{Number: number, Kind: kind, Text: text, End: end, Indent: indent}) {
				return
			}
		}
	}
}

// classify tells the kinds of line apart by their first characters.
func classify(text string) (token.LineKind, string) {
	rest := strings.TrimLeftFunc(text, unicode.IsSpace)
	indent := text[:len(text)-len(rest)]
	switch {
	case rest == "":
		return token.Blank, ""
	case indent == "":
		return token.Prose, ""
	case strings.HasPrefix(rest, "//"):
		return token.Comment, indent
	}
	return token.Code, indent
}
