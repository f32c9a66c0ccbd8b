package main

import (
	"bytes"
	"context"
	"flag"
	"os"

	sdk "github.com/aws/aws-sdk-go-v2/aws"

	"quotewire/atomicfile"
	"quotewire/deploy"
	"quotewire/deploy/aws"
	"quotewire/deploy/weave"
	"quotewire/dply"
	"quotewire/dply/parser"
)

var docsVerb = verb{
	name:  "docs",
	args:  "SCRIPT",
	short: "make a page of a script, for people to read",
	long: `
Reads SCRIPT and prints it as one HTML page: the prose as prose (Markdown), the code highlighted, every name linked to
where it is bound or explained, and drawings of the way of a message and of the resources. The page needs nothing else
and can be read offline:

  quotewire docs --output infrastructure.html infrastructure.dply`,
	prepare: func(flags *flag.FlagSet) func(context.Context, []string) error {
		s := scriptFlags(flags)
		output := flags.String("output", "", "write the page to `FILE`, not to the standard output")
		return func(ctx context.Context, args []string) error {
			path, err := oneScript("docs", args)
			if err != nil {
				return err
			}
			if err := outputWrong(*output); err != nil {
				return err
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
			script := weave.Script{Program: program, Catalog: aws.Catalog(), Resources: all}
			sources, err := readScript(path)
			if err != nil {
				return err
			}
			for _, source := range sources {
				file, _ := parser.Parse(source.Name, source.Text, 0) // load has told its mistakes
				script.Files = append(script.Files, file)
			}
			var page bytes.Buffer
			if err := weave.Page(&page, script); err != nil {
				return err
			}
			if *output != "" {
				return atomicfile.Write(*output, page.Bytes(), 0o644)
			}
			_, err = os.Stdout.Write(page.Bytes())
			return err
		}
	},
}
