package lsp

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"quotewire/deploy/aws"
	"quotewire/deploy/aws/advice"
)

func script(tb testing.TB) string {
	tb.Helper()
	text, err := os.ReadFile("../infrastructure.dply")
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

// FuzzAnswers asks everything at any place of any text: an editor asks while the text is half written.
func FuzzAnswers(f *testing.F) {
	text := script(f)
	for i, line := range strings.Split(text, "\n") {
		if i%20 == 0 {
			f.Add(text[:strings.Index(text, line)+len(line)], uint(i), uint(len(line)))
		}
	}
	f.Add("\ufeff    target t\n        𝔱 <- {}\n            { \"\n", uint(2), uint(99))
	f.Add("    parameter s <- 1\n    target t\n        show `{s} {run.region} {\n", uint(3), uint(27))
	f.Add("    target t\n        ensure x\n            P <- []\n                {}\n                    \n", uint(5), uint(20))
	s := &Server{Catalog: aws.Catalog(), Advise: advice.Give}
	f.Fuzz(func(t *testing.T, text string, line, character uint) {
		d, _ := s.analyse("file:///a.dply", text, 1)
		for _, m := range d.diagnostics() {
			inText(t, d, m.Range)
		}
		p := positionParams{Position: position{int(line % 1e6), int(character % 1e6)}, NewName: "other"}
		for name, ask := range requests {
			answer, err := ask(d, p)
			if e, ok := err.(*rpcError); err != nil && (!ok || e.Message == "") {
				t.Errorf("%s: %v", name, err)
			}
			if list, ok := answer.([]completionItem); ok {
				for _, item := range list {
					inText(t, d, item.TextEdit.Range)
				}
			}
		}
	})
}

// inText holds that a range lies in the text.
func inText(t *testing.T, d *document, r span) {
	t.Helper()
	if r.Start.Line < 0 || r.Start.Line > len(d.file.Lines) || r.End.Line < r.Start.Line || r.Start.Character < 0 ||
		r.End.Line == r.Start.Line && r.End.Character < r.Start.Character {
		t.Errorf("a range outside the text: %+v", r)
	}
}

// long is a script of about 2,000 lines: the project's own, once for each of several stages.
func long(tb testing.TB) string {
	tb.Helper()
	text := script(tb)
	var b strings.Builder
	for n := 0; strings.Count(b.String(), "\n") < 2000; n++ {
		b.WriteString(strings.Replace(text, "target stocks", fmt.Sprintf("target stocks%d", n), 1))
	}
	return b.String()
}

// BenchmarkAnswers measures what an editor waits for on a script of 2,000 lines: a change, with its diagnostics, and then
// each request.
func BenchmarkAnswers(b *testing.B) {
	text := long(b)
	s := &Server{Catalog: aws.Catalog(), Advise: advice.Give}
	b.Run("change", func(b *testing.B) {
		for b.Loop() {
			d, _ := s.analyse("file:///a.dply", text, 1)
			d.diagnostics()
		}
	})
	d, _ := s.analyse("file:///a.dply", text, 1)
	line := strings.Count(text[:strings.LastIndex(text, "watchNext->")], "\n")
	for name, ask := range requests {
		b.Run(strings.TrimPrefix(name, "textDocument/"), func(b *testing.B) {
			for b.Loop() {
				if _, err := ask(d, positionParams{Position: position{line, 26}, NewName: "other"}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
