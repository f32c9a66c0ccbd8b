package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"os"

	"quotewire/deploy"
	"quotewire/deploy/view"
)

var planVerb = verb{
	name:  "plan",
	args:  "SCRIPT",
	short: "show what deploy would do, and do nothing",
	long: `
Reads SCRIPT, builds its functions, reads what exists, and shows what deploy would create, change and leave, with the line
of the script that asks for it; of permissions, each statement that is added or removed. It changes nothing. --destroy
shows what destroy would remove and what it would keep.`,
	prepare: func(flags *flag.FlagSet) func(context.Context, []string) error {
		s := scriptFlags(flags)
		s.verboseFlag(flags)
		asJSON := flags.Bool("json", false, "print the plan as JSON, for programs")
		destroy := flags.Bool("destroy", false, "show what destroy would do")
		exitCode := flags.Bool("exit-code", false, "exit with 4 if there is anything to do")
		return func(ctx context.Context, args []string) error {
			path, err := oneScript("plan", args)
			if err != nil {
				return err
			}
			opts := deploy.Options{}
			if *destroy {
				opts.Mode = deploy.Teardown
			}
			return s.report(ctx, path, opts, view.Plan, *asJSON, *exitCode)
		}
	},
}

// errChanges says by the exit status alone that a plan has changes.
var errChanges = errors.New("the plan has changes")

// report reads the cloud and prints what a run would do, with print for people.
func (o *scriptOptions) report(ctx context.Context, path string, opts deploy.Options, print func(io.Writer, []deploy.Planned, bool) error, asJSON, exitCode bool) error {
	program, ready, err := o.ready(ctx, path, opts)
	if err != nil {
		return err
	}
	steps, err := planned(ready, os.Stderr)
	if err != nil {
		return err
	}
	defer o.printCalls()
	if asJSON {
		err = view.PlanJSON(os.Stdout, program.Parameters, steps)
	} else if err = view.Parameters(os.Stdout, program.Parameters, coloured(os.Stdout)); err == nil {
		err = print(os.Stdout, steps, coloured(os.Stdout))
	}
	if err == nil && exitCode && view.Changes(steps) > 0 {
		return errChanges
	}
	return err
}
