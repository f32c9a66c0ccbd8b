package weave

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"

	"quotewire/dply/syntax"
	"quotewire/dply/token"
)

// heading is one heading of the prose.
type heading struct {
	Level    int
	Text, ID string
}

// markdown renders prose, which most people write as Markdown. HTML in it is left out.
var markdown = goldmark.New(goldmark.WithExtensions(extension.Table, extension.Linkify))

// weaveFile writes a file: prose and code take turns, as they do in the script.
func weaveFile(w io.Writer, f *syntax.File, number int, links map[place]link) ([]heading, error) {
	var headings []heading
	margin := margin(f)
	for from := 0; from < len(f.Lines); {
		code := isCode(f.Lines[from])
		to := from + 1
		for to < len(f.Lines) && (f.Lines[to].Kind == token.Blank || isCode(f.Lines[to]) == code) {
			to++
		}
		end := to
		for end > from && f.Lines[end-1].Kind == token.Blank {
			end--
		}
		lines := f.Lines[from:end]
		from = to
		if len(lines) == 0 {
			continue
		}
		if code {
			writeCode(w, lines, margin, number, links)
			continue
		}
		found, err := writeProse(w, lines, number)
		if err != nil {
			return nil, err
		}
		headings = append(headings, found...)
	}
	return headings, nil
}

func isCode(l syntax.Line) bool { return l.Kind == token.Code || l.Kind == token.Comment }

func writeProse(w io.Writer, lines []syntax.Line, file int) ([]heading, error) {
	var source strings.Builder
	for _, l := range lines {
		source.WriteString(l.Text + "\n")
	}
	text := text.NewReader([]byte(source.String()))
	tree := markdown.Parser().Parse(text, parser.WithContext(parser.NewContext()))
	var headings []heading
	ast.Walk(tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if h, ok := n.(*ast.Heading); ok && entering {
			id := fmt.Sprintf("s%d-%d-%d", file, lines[0].Number, len(headings))
			h.SetAttributeString("id", []byte(id))
			headings = append(headings, heading{h.Level, plain(h, text.Source()), id})
		}
		return ast.WalkContinue, nil
	})
	return headings, markdown.Renderer().Render(w, text.Source(), tree)
}

// plain is the text of a node without its marks.
func plain(n ast.Node, source []byte) string {
	var b bytes.Buffer
	ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if t, ok := n.(*ast.Text); ok && entering {
			b.Write(t.Segment.Value(source))
			if t.SoftLineBreak() {
				b.WriteByte(' ')
			}
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

// margin is the indentation that all code of a file has.
func margin(f *syntax.File) int {
	least := -1
	for _, l := range f.Lines {
		if l.Kind == token.Code && (least < 0 || len(l.Indent) < least) {
			least = len(l.Indent)
		}
	}
	return max(least, 0)
}

// writeCode writes code lines, without the margin.
func writeCode(w io.Writer, lines []syntax.Line, margin, file int, links map[place]link) {
	fmt.Fprint(w, "<pre><code>")
	for _, l := range lines {
		fmt.Fprintf(w, `<span class="line" id="l%d-%d">`, file, l.Number)
		writeLine(w, l, margin, file, links)
		fmt.Fprint(w, "</span>\n")
	}
	fmt.Fprint(w, "</code></pre>\n")
}

func writeLine(w io.Writer, l syntax.Line, margin, file int, links map[place]link) {
	at := min(margin, len(l.Text)-len(strings.TrimLeft(l.Text, " \t")))
	for i, t := range l.Tokens {
		fmt.Fprint(w, html.EscapeString(l.Text[at:t.Offset]))
		at = t.End()
		if t.Kind == token.Template {
			writeTemplate(w, l, t, links)
			continue
		}
		body := html.EscapeString(t.Text)
		if to, ok := links[place{l.Number, t.Column}]; ok {
			writeLink(w, to, body)
			continue
		}
		if class := tokenClass(l, i); class != "" {
			body = `<span class="` + class + `">` + body + `</span>`
		}
		fmt.Fprint(w, body)
	}
	rest := l.Text[at:]
	if strings.TrimSpace(rest) != "" {
		rest = `<span class="comment">` + html.EscapeString(rest) + `</span>`
	}
	fmt.Fprint(w, rest)
}

func writeLink(w io.Writer, to link, body string) {
	fmt.Fprintf(w, `<a class="%s"%s%s>%s</a>`, to.class, attribute("href", to.href)+attribute("id", to.id), attribute("title", to.title), body)
}

// writeTemplate writes a template, whose names are links in its text.
func writeTemplate(w io.Writer, l syntax.Line, t token.Token, links map[place]link) {
	fmt.Fprint(w, `<span class="string">`)
	text, from := []rune(t.Text), 0
	for i := 0; i < len(text); i++ {
		to, ok := links[place{l.Number, t.Column + i}]
		if !ok {
			continue
		}
		end := i
		for end < len(text) && text[end] != '}' && text[end] != '-' && text[end] != ' ' {
			end++
		}
		fmt.Fprint(w, html.EscapeString(string(text[from:i])))
		writeLink(w, to, html.EscapeString(string(text[i:end])))
		from, i = end, end-1
	}
	fmt.Fprint(w, html.EscapeString(string(text[from:])), "</span>")
}

func attribute(name, value string) string {
	if value == "" {
		return ""
	}
	return " " + name + `="` + html.EscapeString(value) + `"`
}

// tokenClass is how a token that is no link looks.
func tokenClass(l syntax.Line, i int) string {
	switch t := l.Tokens[i]; t.Kind {
	case token.String:
		return "string"
	case token.Number:
		return "number"
	case token.Adverb:
		return "adverb"
	case token.Symbol:
		return "symbol"
	case token.Ident:
		if i == 0 {
			return "word"
		}
	}
	return ""
}
