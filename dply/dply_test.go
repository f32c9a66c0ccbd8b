package dply_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"quotewire/deploy/aws"
	"quotewire/deploy/aws/advice"
	"quotewire/dply"
	"quotewire/dply/token"
)

func environment(name string) (string, bool) { return "/home/someone", name == "HOME" }

func checkFile(t testing.TB, name string) (string, token.List) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	_, list := dply.Check(aws.Catalog(), []dply.Source{{Name: name, Text: text}}, dply.LookupEnv(environment))
	return string(text), list
}

// The scripts under testdata say themselves what must be reported of them: see testdata/mistakes.dply.
func TestScriptsAreReportedAsTheySay(t *testing.T) {
	names, err := filepath.Glob("testdata/*.dply")
	if err != nil || len(names) < 2 {
		t.Fatalf("testdata holds %q, %v", names, err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, list := checkFile(t, name)
			want := map[int]string{} // line → "CODE words"
			last := 0
			for i, line := range strings.Split(text, "\n") {
				if expected, ok := strings.CutPrefix(line, "^ "); ok {
					want[last] = expected
				} else if strings.HasPrefix(line, " ") && strings.TrimSpace(line) != "" {
					last = i + 1
				}
			}
			for _, d := range list {
				expected, ok := want[d.Pos.Line]
				code, words, _ := strings.Cut(expected, " ")
				if !ok || code != d.Code || !strings.Contains(d.Message, words) {
					t.Errorf("%v, want %q", d, expected)
				}
				if d.Source == "" || d.Pos.Column < 1 {
					t.Errorf("%v has no place for its caret", d)
				}
				delete(want, d.Pos.Line)
			}
			for line, expected := range want {
				t.Errorf("%s:%d: not reported: %s", name, line, expected)
			}
		})
	}
}

// A line of ten megabytes of mistakes and one of ten megabytes of prose are read to their end.
func TestLongScriptsAreRead(t *testing.T) {
	for _, unit := range []string{"prose\n", "        ensure aws.S3.Bukket \"x\"\n", "        show 1 + 1 - (2)\n", " ", "\"", "[", "("} {
		text := "    target t\n" + strings.Repeat(unit, (1<<20)/len(unit))
		dply.Check(aws.Catalog(), []dply.Source{{Name: "long.dply", Text: []byte(text)}})
	}
}

// FuzzCheck looks for a script that the language cannot take: one that panics, hangs, or gets neither a program nor a
// reason.
func FuzzCheck(f *testing.F) {
	names, _ := filepath.Glob("testdata/*.dply")
	for _, name := range names {
		text, _ := checkFile(f, name)
		f.Add(text)
		for block := range strings.SplitSeq(text, "\n\n") {
			f.Add(block)
		}
	}
	catalog := aws.Catalog()
	f.Fuzz(func(t *testing.T, text string) {
		program, list := dply.Check(catalog, []dply.Source{{Name: "fuzz.dply", Text: []byte(text)}}, dply.LookupEnv(environment), dply.Advice(advice.Give))
		if (program == nil) != (list.Err() != nil) {
			t.Errorf("program %v with %v", program, list)
		}
		for _, d := range list {
			if d.Pos.Line < 1 || d.Message == "" || d.Code == "" {
				t.Errorf("a diagnostic without place, code or message: %#v", d)
			}
			d.Format(true)
		}
	})
}

func ExampleCheck() {
	script := "A mistake.\n\n    target stocks\n        ensure aws.S3.Bukket \"code.example.org\"\n"
	_, list := dply.Check(aws.Catalog(), []dply.Source{{Name: "a.dply", Text: []byte(script)}})
	fmt.Print(list[0].Format(false))
	// Output:
	// a.dply:4:16: E32: aws.S3.Bukket is not a type
	//         ensure aws.S3.Bukket "code.example.org"
	//                ^
	//   Did you mean aws.S3.Bucket?
}
