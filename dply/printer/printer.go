// Package printer lays a script out in its one form. Prose stays as it is, byte for byte; of the code it decides the
// white space and the quotes, and nothing else:
//
//   - a block is four spaces deeper than its line, and the outermost lines stand four spaces in;
//   - words have one space between them, none inside brackets, before a comma or a colon, or around ->;
//   - strings stand in "…", unless they hold a " themselves;
//   - a line that is only a comment stands as deep as the code line that follows it;
//   - no line ends in white space, and the last one ends in a line break.
//
// What a script means does not change, and a script that is laid out stays as it is.
package printer

import (
	"math"
	"strings"

	"quotewire/dply/syntax"
	"quotewire/dply/token"
)

// indent is one level of nesting.
const indent = "    "

// Print lays out a file that was read without mistakes.
func Print(f *syntax.File) []byte {
	var b strings.Builder
	depth := depths(f)
	for i := range f.Lines {
		line := &f.Lines[i]
		end := line.End
		switch line.Kind {
		case token.Prose:
			b.WriteString(line.Text)
		case token.Comment:
			b.WriteString(strings.Repeat(indent, depth[i]+1) + strings.TrimSpace(line.Text))
		case token.Code:
			b.WriteString(strings.Repeat(indent, depth[i]+1))
			code(&b, line)
		}
		if end == "" && line.Kind != token.Prose {
			end = lineBreak(f)
		}
		b.WriteString(end)
	}
	return []byte(b.String())
}

// lineBreak is what ends the lines of a file.
func lineBreak(f *syntax.File) string {
	if f.Lines[0].End == "\r\n" {
		return "\r\n"
	}
	return "\n"
}

// depths is the level of each line: for a comment that of the code line after it, or at the end of the file before it.
func depths(f *syntax.File) []int {
	depth := make([]int, len(f.Lines))
	last := 0
	for i := len(f.Lines) - 1; i >= 0; i-- {
		if f.Lines[i].Kind == token.Code {
			last = f.Lines[i].Level
			break
		}
	}
	for i := len(f.Lines) - 1; i >= 0; i-- {
		if f.Lines[i].Kind == token.Code {
			last = f.Lines[i].Level
		}
		depth[i] = last
	}
	return depth
}

// code prints the tokens of a line and its comment.
func code(b *strings.Builder, line *syntax.Line) {
	signs := map[int]bool{} // columns of the minus signs of numbers
	if line.Node != nil {
		findSigns(line.Node, signs)
	}
	for i, t := range line.Tokens {
		if i > 0 && spaced(line.Tokens[i-1], t, signs) {
			b.WriteByte(' ')
		}
		b.WriteString(text(t))
	}
	if line.Comment != "" {
		b.WriteString(" " + strings.TrimSpace(line.Comment))
	}
}

// spaced tells whether there is a space between two neighbours. Around -> there is one only behind a string, which
// nothing may touch.
func spaced(a, b token.Token, signs map[int]bool) bool {
	switch {
	case b.Is("->"):
		return a.Kind == token.String || a.Kind == token.Template
	case a.Is("->"), a.Is("("), a.Is("["), a.Is("{"), a.Is("-") && signs[a.Column]:
		return false
	case b.Is(")"), b.Is("]"), b.Is("}"), b.Is(","), b.Is(":"):
		return false
	}
	return true
}

func text(t token.Token) string {
	if t.Kind == token.String && t.Text[0] == '\'' && !strings.Contains(t.Text, `"`) {
		return `"` + t.Unquote() + `"`
	}
	return t.Text
}

// findSigns notes the columns of the negative numbers of a line: a minus sign that belongs to a number and one that
// subtracts are the same token.
func findSigns(n syntax.Node, signs map[int]bool) {
	for _, x := range syntax.Exprs(n) {
		syntax.WalkExpr(x, func(x syntax.Expr) {
			if x, ok := x.(syntax.NumberLit); ok && math.Signbit(x.Value) {
				signs[x.At.Column] = true
			}
		})
	}
}
