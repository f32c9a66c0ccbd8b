package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/diff"

	"quotewire/atomicfile"
	"quotewire/dply"
	"quotewire/dply/token"
)

var fmtVerb = verb{
	name:  "fmt",
	args:  "[SCRIPT …]",
	short: "lay scripts out in their one form, prose untouched",
	long: `
Rewrites each SCRIPT, a .dply file or a folder of them, in the language's one layout and prints the names of those that
change. Prose stays as it is, byte for byte. Without a SCRIPT, or with -, it reads a script from the standard input and
prints it. A script with mistakes is left alone, and the mistakes are printed. Exit status 1 if there are any, and with
--check if a script is not laid out.`,
	prepare: func(flags *flag.FlagSet) func(context.Context, []string) error {
		f := formatter{out: os.Stdout}
		flags.BoolVar(&f.check, "check", false, "change nothing, name the scripts that are not laid out, and exit with 1 if there are any")
		flags.BoolVar(&f.diff, "diff", false, "change nothing and show what would change")
		return func(_ context.Context, args []string) error {
			if len(args) == 0 || len(args) == 1 && args[0] == "-" {
				text, err := io.ReadAll(os.Stdin)
				if err != nil {
					return err
				}
				return f.finish(f.stdin(text))
			}
			var sources []dply.Source
			for _, path := range args {
				found, err := readScript(path)
				if err != nil {
					return err
				}
				sources = append(sources, found...)
			}
			var errs error
			for _, s := range sources {
				errs = errors.Join(errs, f.file(s))
			}
			return f.finish(errs)
		}
	},
}

// formatter is a run of the verb.
type formatter struct {
	check, diff bool
	out         io.Writer
	mistakes    token.List
	untidy      int
}

// stdin prints a script laid out.
func (f *formatter) stdin(text []byte) error {
	const name = "<stdin>"
	tidy, found := dply.Format(dply.Source{Name: name, Text: text})
	switch {
	case found.Err() != nil:
		f.mistakes = append(f.mistakes, found...)
	case f.check || f.diff:
		return f.show(name, text, tidy)
	default:
		_, err := f.out.Write(tidy)
		return err
	}
	return nil
}

// file rewrites a script, or says what is to be done to it.
func (f *formatter) file(s dply.Source) error {
	tidy, found := dply.Format(s)
	if found.Err() != nil {
		f.mistakes = append(f.mistakes, found...)
		return nil
	}
	if f.check || f.diff || bytes.Equal(tidy, s.Text) {
		return f.show(s.Name, s.Text, tidy)
	}
	if err := replaceFile(s.Name, tidy); err != nil {
		return err
	}
	_, err := fmt.Fprintln(f.out, s.Name)
	return err
}

func (f *formatter) show(name string, text, tidy []byte) (err error) {
	if bytes.Equal(text, tidy) {
		return nil
	}
	f.untidy++
	if f.diff {
		_, err = f.out.Write(diff.Diff(name, text, name+" (laid out)", tidy))
	} else {
		_, err = fmt.Fprintln(f.out, name)
	}
	return err
}

// errUntidy says that --check has found something; what, is printed already.
var errUntidy = errors.New("not laid out; quotewire fmt does it")

// finish turns what was found into the error of the run.
func (f *formatter) finish(err error) error {
	switch {
	case err != nil:
		return err
	case len(f.mistakes) > 0:
		return f.mistakes
	case f.check && f.untidy > 0:
		return fmt.Errorf("%s: %w", count(f.untidy, "script"), errUntidy)
	}
	return nil
}

// replaceFile writes a file that is there as a whole. A link stays a link, and the file keeps its mode.
func replaceFile(name string, text []byte) error {
	name, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	return atomicfile.Write(name, text, info.Mode().Perm())
}
