package main

import (
	"context"
	"flag"
	"os"

	sdk "github.com/aws/aws-sdk-go-v2/aws"

	"quotewire/deploy"
	"quotewire/deploy/aws"
	"quotewire/deploy/view"
	"quotewire/dply"
)

var graphVerb = verb{
	name:  "graph",
	args:  "SCRIPT",
	short: "print what a script makes, and what waits for what",
	long: `
Reads SCRIPT and prints the resources that it makes or finds and what each of them waits for, without any cloud:

  quotewire graph --format dot infrastructure.dply | dot -Tsvg -o infrastructure.svg`,
	prepare: func(flags *flag.FlagSet) func(context.Context, []string) error {
		s := scriptFlags(flags)
		format := flags.String("format", "text", "print it as `FORMAT`: text, dot (Graphviz) or mermaid (Markdown)")
		return func(ctx context.Context, args []string) error {
			path, err := oneScript("graph", args)
			if err != nil {
				return err
			}
			print, ok := view.Graphs[*format]
			if !ok {
				return usagef("--format is text, dot or mermaid, not %q", *format)
			}
			region := configuredRegion(ctx)
			program, err := s.load(path, dply.Region(region))
			if err != nil {
				return err
			}
			all, err := deploy.Outline(program, deploy.Options{Targets: s.targets, Provider: aws.NewProvider(sdk.Config{Region: region})})
			if err != nil {
				return err
			}
			return print(os.Stdout, all)
		}
	},
}
