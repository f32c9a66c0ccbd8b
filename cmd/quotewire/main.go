// Quotewire delivers live prices to browsers over WebSockets. This is its command line: each verb is a file of its own.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"quotewire/dply/suggest"
	"quotewire/dply/token"
)

// verb is one word of the command line.
type verb struct {
	name  string
	args  string // what follows the flags, for the usage line
	short string // one line for the list of verbs
	long  string // for --help, below the usage line
	// prepare declares the flags and returns what to run with the other arguments.
	prepare func(*flag.FlagSet) func(ctx context.Context, args []string) error
}

var verbs = []verb{upVerb, publishVerb, logsVerb, cloudVerb, credentialsVerb, checkVerb, fmtVerb, graphVerb, docsVerb, lspVerb, planVerb, driftVerb, deployVerb, destroyVerb, vpcVerb}

// Exit statuses. They are part of the interface.
const (
	exitScript  = 1 // the script has errors
	exitUsage   = 2 // wrong usage
	exitRefused = 3 // the cloud, or the machine, refused or failed
	exitChanges = 4 // the plan has changes, for who asked with --exit-code

	exitInterrupted = 130 // Ctrl-C has ended it, as shells say it
)

// usageError is a mistake on the command line.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

func main() {
	// The first Ctrl-C stops what runs and cleans up; a second one does not wait for that. So does a terminal that is
	// closed, unless nohup says that it does not matter.
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		ends = append(ends, syscall.SIGHUP)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, ends...)
	go func() {
		<-ended
		signal.Stop(ended) // before anybody is told: the next one ends it
		stop()
	}()
	os.Exit(run(ctx, os.Args[1:]))
}

func run(ctx context.Context, args []string) int {
	if len(args) == 0 || slices.Contains([]string{"help", "-h", "-help", "--help"}, args[0]) {
		if len(args) < 2 {
			usage(os.Stdout)
			return 0
		}
		args = []string{args[1], "--help"}
	}
	i := slices.IndexFunc(verbs, func(v verb) bool { return v.name == args[0] })
	if i < 0 {
		names := make([]string, len(verbs))
		for i, v := range verbs {
			names[i] = v.name
		}
		return fail(usagef("there is no verb %q%s; run quotewire help for the list", args[0], suggest.Phrase(args[0], names)))
	}
	return verbs[i].run(ctx, args[1:])
}

func (v verb) run(ctx context.Context, args []string) int {
	flags := newFlags(v.name)
	run := v.prepare(flags)
	rest, err := parse(flags, args)
	if errors.Is(err, flag.ErrHelp) {
		v.help(os.Stdout, flags)
		return 0
	}
	if err != nil {
		return fail(usagef("%s; run quotewire %s --help for its flags", flagError(flags, err), v.name))
	}
	return fail(run(ctx, rest))
}

func newFlags(name string) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // what is wrong is said once, by fail
	return flags
}

// parse lets flags and other arguments stand in any order; after "--" everything is an argument.
func parse(flags *flag.FlagSet, args []string) (rest []string, err error) {
	for len(args) > 0 {
		if args[0] == "--" {
			return append(rest, args[1:]...), nil
		}
		if !strings.HasPrefix(args[0], "-") || args[0] == "-" {
			rest, args = append(rest, args[0]), args[1:]
			continue
		}
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		args = flags.Args()
	}
	return rest, nil
}

// flagError says what package flag says, with flags written as the help writes them.
func flagError(flags *flag.FlagSet, err error) string {
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		var names []string
		flags.VisitAll(func(f *flag.Flag) { names = append(names, dashed(f.Name)) })
		return fmt.Sprintf("there is no flag %s%s", dashed(name), suggest.Phrase(dashed(name), names))
	}
	if name, ok := strings.CutPrefix(text, "flag needs an argument: -"); ok {
		return dashed(name) + " needs a value"
	}
	before, after, ok := strings.Cut(text, " for flag -")
	if name, reason, of := strings.Cut(after, ":"); ok && of {
		return before + " for " + dashed(name) + ":" + reason
	}
	return text
}

// dashed is a flag as it is typed.
func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// fail says what went wrong, if anything, and returns the exit status for it.
func fail(err error) int {
	var script token.List
	var wrong usageError
	var cloud refusal
	switch {
	case err == nil:
		return 0
	case errors.As(err, &cloud) && errors.As(err, &script):
		printDiagnostics(script)
		return refusalStatus(script)
	case errors.As(err, &script):
		printDiagnostics(script)
		return exitScript
	case errors.Is(err, errChanges):
		return exitChanges
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(os.Stderr, "quotewire: interrupted; run it again to go on")
		return exitInterrupted
	case errors.Is(err, errDeclined):
		fmt.Fprintln(os.Stderr, "quotewire: nothing was changed")
		return exitInterrupted
	case errors.Is(err, errUntidy):
		fmt.Fprintln(os.Stderr, "quotewire:", err)
		return exitScript
	case errors.As(err, &wrong):
		fmt.Fprintln(os.Stderr, "quotewire:", err)
		return exitUsage
	}
	fmt.Fprintln(os.Stderr, "quotewire:", err)
	return exitRefused
}

// refusalStatus tells a mistake that only the cloud or the compiler could find from a refusal of the cloud.
func refusalStatus(found token.List) int {
	for _, d := range found {
		if d.Code == "E63" || d.Code == "" {
			return exitRefused
		}
	}
	return exitScript
}

func usage(w io.Writer) {
	fmt.Fprint(w, "Quotewire delivers live prices to browsers over WebSockets.\n\nusage: quotewire VERB [flags] [arguments]\n\n")
	for _, v := range verbs {
		fmt.Fprintf(w, "  %-11s %s\n", v.name, v.short)
	}
	fmt.Fprint(w, `
Run quotewire VERB --help for a verb's flags. Exit status: 0 done; 1 the script has errors; 2 wrong usage;
3 the cloud refused or failed; 4 the plan has changes (with --exit-code), or the cloud has drifted; 130 interrupted, or the
answer to the question was no.
`)
}

func (v verb) help(w io.Writer, flags *flag.FlagSet) {
	fmt.Fprintf(w, "usage: %s\n\n%s\n", strings.TrimSpace("quotewire "+v.name+" [flags] "+v.args), strings.TrimSpace(v.long))
	flags.SetOutput(w)
	first := true
	flags.VisitAll(func(f *flag.Flag) {
		if first {
			fmt.Fprint(w, "\nflags:\n")
			first = false
		}
		value, text := flag.UnquoteUsage(f)
		fmt.Fprintf(w, "  %-26s %s", strings.TrimSpace(dashed(f.Name)+" "+value), text)
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "true" {
			fmt.Fprintf(w, " (default %s)", f.DefValue)
		}
		fmt.Fprintln(w)
	})
}
