package main

import (
	"context"
	"flag"

	"quotewire/deploy"
	"quotewire/deploy/view"
)

var driftVerb = verb{
	name:  "drift",
	args:  "SCRIPT",
	short: "say how the cloud differs from a script",
	long: `
Reads SCRIPT and what exists, and names every difference: what is missing, and each property, with what it is and what the
script says. It changes nothing; quotewire deploy brings the cloud back into line.`,
	prepare: func(flags *flag.FlagSet) func(context.Context, []string) error {
		s := scriptFlags(flags)
		s.verboseFlag(flags)
		asJSON := flags.Bool("json", false, "print it as JSON, for programs, in the form of plan --json")
		exitCode := flags.Bool("exit-code", false, "exit with 4 if anything differs")
		return func(ctx context.Context, args []string) error {
			path, err := oneScript("drift", args)
			if err != nil {
				return err
			}
			return s.report(ctx, path, deploy.Options{}, view.Drift, *asJSON, *exitCode)
		}
	},
}
