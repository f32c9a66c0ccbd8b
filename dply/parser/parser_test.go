package parser

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"quotewire/dply/syntax"
)

// seeds are the scripts of the packages above, and what has tripped a reader of lines before.
func seeds(tb testing.TB) []string {
	tb.Helper()
	names, err := filepath.Glob("../testdata/*.dply")
	if err != nil || len(names) == 0 {
		tb.Fatal("no scripts in ../testdata", err)
	}
	texts := []string{"", "\ufeff", " \n\t\n", " a\r\n  b\r c\n", " target t\n  show \"", " target t\n  x <- [\n", " target t\n  show ((((((((1\n", "\xff\n \xff\n",
		" parameter p <- `{q}`\n parameter\n target t\n  show `{a->b} {{c}} `` {", " target t\n  stage `{`\n  show `{\xff}` `}` `{}`\n",
		" target t\n  ensure T \"x\"\n   P <- []\n    {}\n     a <- [1, [2], {b: 3}]\n    []\n     4\n"}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	return texts
}

// FuzzParse looks for a script that the parser cannot take: one that panics, loses a byte, or has a mistake without a
// place in it.
func FuzzParse(f *testing.F) {
	for _, text := range seeds(f) {
		f.Add(text, false)
		f.Add(text, true)
	}
	f.Fuzz(func(t *testing.T, text string, fragment bool) {
		mode := Mode(0)
		if fragment {
			mode = Implicit
		}
		file, list := Parse("fuzz.dply", []byte(text), mode)
		var back strings.Builder
		if file.BOM {
			back.WriteString("\ufeff")
		}
		for i, line := range file.Lines {
			if line.Number != i+1 {
				t.Fatalf("line %d has the number %d", i+1, line.Number)
			}
			for _, child := range line.Children {
				if !child.Bad && child.Level != line.Level+1 || child.Number <= line.Number || child.Number > line.Last {
					t.Fatalf("line %d, to %d, at level %d has the child %d at level %d", line.Number, line.Last, line.Level, child.Number, child.Level)
				}
			}
			back.WriteString(line.Text + line.End)
		}
		if back.String() != text {
			t.Fatalf("%q came back as %q", text, back.String())
		}
		for _, d := range list {
			if d.Pos.Line < 1 || d.Pos.Line > max(1, len(file.Lines)) || d.Pos.Column < 1 || d.Code == "" || d.Message == "" {
				t.Errorf("a mistake without a place in the script: %#v", d)
			}
		}
	})
}

// long scripts, by what they are long of.
var units = map[string]string{
	"prose":      "Prices are kept in a table of their own, and this line says so.\n",
	"statements": "        ensure aws.S3.Bucket \"prices-code.example.org\" => code\n            @teardown preserve\n            Region <- \"eu-west-1\"\n",
	"mistakes":   "        ensure aws.S3.Bucket \"prices-code.example.org => code\n",
	"indents":    "      show 1\n",
	"blocks":     "        policy => p\n            allow \"s3:GetObject\" \"*\"\n                action \"s3:PutObject\"\n",
}

func repeat(unit string, size int) []byte {
	return []byte("    target t\n" + strings.Repeat(unit, size/len(unit)+1))
}

// Twice the script is twice the work, not four times. Work is counted in allocations and bytes, which do not depend on
// what else the machine does.
func TestWorkGrowsWithTheScript(t *testing.T) {
	compare := func(name string, small, large []byte) {
		one, two := work(small), work(large)
		if two.allocs > 2.2*one.allocs+100 || two.bytes > 2.4*one.bytes+1<<16 {
			t.Errorf("%s: %d bytes of script take %.0f allocations of %.0f bytes, twice as many %.0f of %.0f", name, len(small), one.allocs, one.bytes, two.allocs, two.bytes)
		}
	}
	for name, unit := range units {
		compare(name, repeat(unit, 1<<17), repeat(unit, 1<<18))
	}
	compare("one line", one(1<<12), one(1<<13))
}

// one is a script of one long line.
func one(n int) []byte {
	return []byte("    target t\n        show " + strings.Repeat("(1 + 2) ", n) + "\n")
}

type effort struct{ allocs, bytes float64 }

func work(text []byte) effort {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	Parse("work.dply", text, 0)
	runtime.ReadMemStats(&after)
	return effort{float64(after.Mallocs - before.Mallocs), float64(after.TotalAlloc - before.TotalAlloc)}
}

// Every production of the grammar is begun by some script of the tests: those that grammar.txt has are those that the
// parser knows.
func TestGrammarIsUsed(t *testing.T) {
	grammar, err := os.ReadFile("../grammar.txt")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, text := range seeds(t) {
		p := &parser{file: &syntax.File{Name: "t.dply"}, trace: func(production string) { used[production] = true }}
		p.parse(text, 0)
	}
	for line := range strings.Lines(string(grammar)) {
		if name, _, ok := strings.Cut(line, " = "); ok && !strings.HasPrefix(line, " ") {
			if name = strings.TrimSpace(name); !used[name] {
				t.Errorf("no script begins the production %s", name)
			}
		}
	}
}

func BenchmarkParse(b *testing.B) {
	for _, name := range []string{"statements", "prose", "blocks"} {
		b.Run(fmt.Sprintf("10MB of %s", name), func(b *testing.B) {
			text := repeat(units[name], 10<<20)
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if _, list := Parse("long.dply", text, 0); len(list) > 0 && list[0].Code != "E28" {
					b.Fatal(list[0])
				}
			}
		})
	}
}
