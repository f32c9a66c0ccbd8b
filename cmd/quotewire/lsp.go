package main

import (
	"context"
	"flag"
	"os"
	"runtime/debug"

	"quotewire/deploy/aws"
	"quotewire/deploy/aws/advice"
	"quotewire/dply"
	"quotewire/lsp"
)

var lspVerb = verb{
	name:  "lsp",
	short: "help an editor: a language server on the standard input and output",
	long: `
Speaks the Language Server Protocol on its standard input and output: mistakes and warnings as they are typed, completion,
documentation, definitions, renaming, layout and symbols. Editors start it themselves; editors/vscode is the extension for
Visual Studio Code.`,
	prepare: func(flags *flag.FlagSet) func(context.Context, []string) error {
		flags.Bool("stdio", true, "taken for the sake of editors that always give it")
		return func(_ context.Context, args []string) error {
			if len(args) > 0 {
				return usagef("quotewire lsp takes no arguments, got %d", len(args))
			}
			s := &lsp.Server{Catalog: aws.Catalog(), Advise: advice.Give, Beside: func(folder string) []dply.Source {
				sources, _ := readScript(folder) // what cannot be read is as good as not there
				return sources
			}}
			if built, ok := debug.ReadBuildInfo(); ok {
				s.Version = built.Main.Version
			}
			return s.Serve(os.Stdin, os.Stdout)
		}
	},
}
