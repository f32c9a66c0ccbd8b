package printer

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"quotewire/dply/parser"
	"quotewire/dply/syntax"
	"quotewire/dply/token"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestGolden(t *testing.T) {
	scripts, err := filepath.Glob("testdata/*.dply")
	if err != nil || len(scripts) == 0 {
		t.Fatal("no scripts in testdata", err)
	}
	for _, name := range scripts {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, found := parser.Parse(name, text, parser.Implicit)
		if len(found) > 0 {
			t.Fatal(found)
		}
		got, golden := Print(file), strings.TrimSuffix(name, ".dply")+".golden"
		if *update {
			if err := os.WriteFile(golden, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is laid out as\n%s\nwant\n%s", name, got, want)
		}
		hold(t, text)
	}
}

// The project's own script is the example of how scripts look.
func TestTheProjectsScriptIsLaidOut(t *testing.T) {
	text, err := os.ReadFile("../../infrastructure.dply")
	if err != nil {
		t.Fatal(err)
	}
	file, found := parser.Parse("infrastructure.dply", text, 0)
	if len(found) > 0 {
		t.Fatal(found)
	}
	if got := Print(file); !bytes.Equal(got, text) {
		t.Errorf("quotewire fmt would change infrastructure.dply:\n%s", got)
	}
}

func TestLineEndsAndLastLine(t *testing.T) {
	for in, want := range map[string]string{
		"":                               "",
		"only prose":                     "only prose",
		"\ufeff target a":                "    target a\n",
		" target a\r\n  show 1\r\np\r\n": "    target a\r\n        show 1\r\np\r\n",
		" target a\r\n  show 1":          "    target a\r\n        show 1\r\n",
		"\ttarget a\n\t\tshow 1\n":       "    target a\n        show 1\n",
		" target a\n \t \n":              "    target a\n\n",
	} {
		file, found := parser.Parse("x.dply", []byte(in), parser.Implicit)
		if len(found) > 0 {
			t.Fatalf("%q: %v", in, found)
		}
		if got := string(Print(file)); got != want {
			t.Errorf("%q is laid out as %q, want %q", in, got, want)
		}
	}
}

func FuzzPrint(f *testing.F) {
	scripts, _ := filepath.Glob("testdata/*.dply")
	more, _ := filepath.Glob("../testdata/*.dply")
	for _, name := range append(scripts, more...) {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(" a <- -1 - -1\n"))
	f.Add([]byte(" parameter p<-`{q}`\n target t\n  show `{ a -> b }`->c `d`\n"))
	f.Add([]byte(" show \"\"->a -0 .5e3\n"))
	f.Fuzz(func(t *testing.T, text []byte) { hold(t, text) })
}

// hold checks, for a script without mistakes, that its layout means the same, keeps the prose, and is stable.
func hold(t *testing.T, text []byte) {
	t.Helper()
	before, found := parser.Parse("x.dply", text, parser.Implicit)
	if len(found) > 0 {
		return
	}
	first := Print(before)
	after, found := parser.Parse("x.dply", first, parser.Implicit)
	if len(found) > 0 {
		t.Fatalf("the layout of %q has mistakes: %v\n%s", text, found, first)
	}
	if second := Print(after); !bytes.Equal(first, second) {
		t.Fatalf("%q is laid out as\n%q\nand that as\n%q", text, first, second)
	}
	if got, want := meaning(after), meaning(before); got != want {
		t.Fatalf("the layout of %q means\n%s\nand not\n%s", text, got, want)
	}
}

// meaning is all of a file that its layout must not change.
func meaning(f *syntax.File) string {
	var b strings.Builder
	for i := range f.Lines {
		line := &f.Lines[i]
		switch line.Kind {
		case token.Prose:
			b.WriteString("prose " + line.Text)
		case token.Comment:
			b.WriteString("comment " + strings.TrimSpace(line.Text))
		case token.Code:
			b.WriteString(strings.Repeat(">", line.Level))
			signs := map[int]bool{}
			findSigns(line.Node, signs)
			for _, t := range line.Tokens {
				b.WriteByte(' ')
				switch {
				case t.Kind == token.String:
					b.WriteString("string:" + t.Unquote())
				case signs[t.Column]:
					b.WriteString("minus:")
				default:
					b.WriteString(t.Text)
				}
			}
			b.WriteString(strings.TrimSpace(line.Comment))
		}
		b.WriteByte('\n')
	}
	return b.String()
}
