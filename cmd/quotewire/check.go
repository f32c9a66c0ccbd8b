package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/term"

	"quotewire/deploy/aws"
	"quotewire/deploy/aws/advice"
	"quotewire/dply"
	"quotewire/dply/check"
	"quotewire/dply/suggest"
	"quotewire/dply/token"
)

var checkVerb = verb{
	name:  "check",
	args:  "SCRIPT",
	short: "find the mistakes in a script, without any cloud",
	long: `
Reads SCRIPT, a .dply file or a folder of them, and prints every mistake with its line and column and what to write
instead. Of a script without mistakes it also says what will hurt on AWS: docs/warnings.md. It needs no cloud and no
credentials. Exit status 1 if there are mistakes; warnings do not change it.`,
	prepare: func(flags *flag.FlagSet) func(context.Context, []string) error {
		s := scriptFlags(flags)
		flags.BoolVar(&s.fragment, "fragment", false, "let a file without a target line be one target, named after the file")
		return func(ctx context.Context, args []string) error {
			path, err := oneScript("check", args)
			if err != nil {
				return err
			}
			program, err := s.load(path, dply.Region(configuredRegion(ctx)))
			if err != nil {
				return err
			}
			statements := 0
			for _, t := range program.Targets {
				statements += len(t.Statements)
			}
			fmt.Printf("%s: %s in %s, no mistakes\n", path, count(statements, "statement"), count(len(program.Targets), "target"))
			return nil
		}
	},
}

// scriptOptions are the flags of the verbs that read a script.
type scriptOptions struct {
	targets  list
	envs     list
	set      values
	fragment bool
	verbose  bool
	used     []*aws.Provider // by the run
}

// values is a flag of the form NAME=VALUE that may be repeated. The value may be empty.
type values map[string]string

func (v values) String() string { return "" }

func (v values) Set(s string) error {
	name, value, ok := strings.Cut(s, "=")
	if !ok || name == "" {
		return fmt.Errorf("want NAME=VALUE, got %q", s)
	}
	v[name] = value
	return nil
}

func scriptFlags(flags *flag.FlagSet) *scriptOptions {
	o := &scriptOptions{set: values{}}
	flags.Var(&o.targets, "t", "only this `TARGET` of the script; may be repeated")
	flags.Var(&o.envs, "e", "first set the environment from NAME.envs beside the script, lines of KEY=VALUE, for this `NAME`; may be repeated")
	flags.Var(o.set, "set", "give a parameter of the script its value, `NAME=VALUE`; may be repeated. DPLY_NAME in the environment does so too")
	return o
}

// verboseFlag is for the verbs that ask a cloud.
func (o *scriptOptions) verboseFlag(flags *flag.FlagSet) {
	flags.BoolVar(&o.verbose, "verbose", false, "say at the end what the cloud was asked, and how often")
}

func oneScript(verb string, args []string) (string, error) {
	if len(args) != 1 {
		return "", usagef("quotewire %s takes one script, got %d arguments", verb, len(args))
	}
	return args[0], nil
}

// load reads and checks a script; the options say where it is to run. Its error is a token.List if the script is at fault.
// Warnings are printed.
func (o *scriptOptions) load(path string, where ...dply.Option) (*check.Program, error) {
	if err := o.setEnvironment(folder(path)); err != nil {
		return nil, err
	}
	sources, err := readScript(path)
	if err != nil {
		return nil, err
	}
	options := append(where, dply.LookupEnv(os.LookupEnv), dply.Parameters(o.set), dply.Advice(advice.Give))
	if o.fragment {
		options = append(options, dply.Fragments())
	}
	program, found := dply.Check(aws.Catalog(), sources, options...)
	for _, d := range found {
		if d.Code == unknownParameter {
			return nil, usagef("%s in %s. %s", d.Error(), path, d.Hint)
		}
	}
	if err := found.Err(); err != nil {
		return nil, found
	}
	printDiagnostics(found)
	known := make([]string, len(program.Targets))
	for i, t := range program.Targets {
		known[i] = t.Name
	}
	for _, name := range o.targets {
		if slices.Contains(known, name) {
			continue
		}
		near := "."
		if names := suggest.Nearest(name, known); len(names) > 0 {
			near = "; did you mean " + strings.Join(names, " or ") + "?"
		}
		return nil, usagef("E58: no target named %q%s %s has %s", name, near, path, strings.Join(known, ", "))
	}
	return program, nil
}

// unknownParameter is the code of a --set that no parameter is meant by: a mistake on the command line.
const unknownParameter = "E68"

// readScript reads a .dply file, or every .dply file directly in a folder, in the order of their names.
func readScript(path string) ([]dply.Source, error) {
	names := []string{path}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		if names, err = filepath.Glob(filepath.Join(path, "*.dply")); err != nil {
			return nil, err
		}
		if len(names) == 0 {
			return nil, usagef("the folder %s holds no .dply file", path)
		}
	}
	var sources []dply.Source
	var unreadable token.List
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			var system *fs.PathError
			if errors.As(err, &system) {
				err = system.Err
			}
			unreadable = append(unreadable, token.Diagnostic{Pos: token.Position{File: name}, Code: "E04",
				Message: fmt.Sprintf("cannot read the script: %v", err), Hint: "Name a .dply file, or a folder that holds some."})
			continue
		}
		sources = append(sources, dply.Source{Name: name, Text: text})
	}
	return sources, unreadable.Err()
}

// setEnvironment reads the NAME.envs files. A later one wins.
func (o *scriptOptions) setEnvironment(dir string) error {
	for _, name := range o.envs {
		file := filepath.Join(dir, name+".envs")
		text, err := os.ReadFile(file)
		if err != nil {
			return usagef("-e %s: %v", name, err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			line = strings.TrimSuffix(line, "\r")
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			key, value, ok := strings.Cut(line, "=")
			if !ok || key == "" {
				return usagef("%s:%d: want KEY=VALUE, got %q", file, i+1, line)
			}
			if err := os.Setenv(key, value); err != nil {
				return usagef("%s:%d: %v", file, i+1, err)
			}
		}
	}
	return nil
}

// folder is where a script lies: the names of files in it are relative to this.
func folder(path string) string {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return path
	}
	return filepath.Dir(path)
}

// printDiagnostics prints what is wrong with a script, with colour on a terminal.
func printDiagnostics(found token.List) {
	const most = 20 // one mistake that spreads should not push the first one off the screen
	found.Sort()
	for i, d := range found {
		if i == most {
			fmt.Fprintf(os.Stderr, "… and %d more\n", len(found)-most)
			break
		}
		if d.Source == "" && d.Pos.Line > 0 { // found by the deployer, which has no texts
			d.Source = sourceLine(d.Pos)
		}
		fmt.Fprintln(os.Stderr, strings.TrimRight(d.Format(coloured(os.Stderr)), "\n"))
	}
	errs := len(found.Errors())
	if errs > 0 {
		fmt.Fprintf(os.Stderr, "%s\n", count(errs, "mistake"))
	}
	if warnings := len(found) - errs; warnings > 0 {
		fmt.Fprintf(os.Stderr, "%s; docs/warnings.md says more of each. A comment at the end of its line switches one off: // ok %s\n", count(warnings, "warning"), firstWarning(found))
	}
}

func firstWarning(found token.List) string {
	i := slices.IndexFunc(found, token.Diagnostic.Warning)
	return found[i].Code
}

// sourceLine reads a line of a script again, for the caret; "" if it cannot.
func sourceLine(at token.Position) string {
	text, err := os.ReadFile(at.File)
	if err != nil {
		return ""
	}
	lines := strings.Split(string(text), "\n")
	if at.Line > len(lines) {
		return ""
	}
	return strings.TrimSuffix(lines[at.Line-1], "\r")
}

// isTerminal reports whether f is a terminal that a person looks at.
func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// moves reports whether f is a terminal on which a line can be written over.
func moves(f *os.File) bool { return isTerminal(f) && os.Getenv("TERM") != "dumb" }

// coloured reports whether f is a terminal that takes colours, and nobody objects: see no-color.org.
func coloured(f *os.File) bool { return moves(f) && os.Getenv("NO_COLOR") == "" }

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// list is a flag that may be repeated.
type list []string

func (l *list) String() string     { return strings.Join(*l, ",") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }
