package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"quotewire/cloud"
	"quotewire/cloud/gc"
	"quotewire/cloud/iam"
	"quotewire/console"
	"quotewire/dply/suggest"
)

var cloudVerb = verb{
	name:  "cloud",
	short: "start the embedded cloud alone, for any AWS tool",
	long: `
Starts the embedded cloud, empty or as it was left, and serves until it is interrupted. Any AWS tool reaches it with
AWS_ENDPOINT_URL and the credentials that it prints. DIR/endpoints.json says where everything is.

Limits are AWS's. --limit changes one, so that two hours can be two seconds in a test:

` + limitTable(),
	prepare: func(flags *flag.FlagSet) func(context.Context, []string) error {
		c := cloudFlags(flags)
		return func(ctx context.Context, args []string) error {
			if len(args) > 0 {
				return usagef("cloud takes no arguments, got %q", args[0])
			}
			running, err := c.start(ctx)
			if err != nil {
				return err
			}
			if err := running.WriteEndpoints(""); err != nil {
				running.Close()
				return err
			}
			fmt.Printf("The embedded cloud is ready.\n\n%s\nCtrl-C stops it.\n", shellSettings(running.URL(), running.Region(), running.Root()))
			<-ctx.Done()
			return running.Close()
		}
	},
}

// cloudOptions are the flags of the verbs that start an embedded cloud.
type cloudOptions struct {
	dir, listen, region string
	verbose             bool
	root                rootFlag
	ids                 pairs
	limits              limitFlag
}

func cloudFlags(flags *flag.FlagSet) *cloudOptions {
	o := &cloudOptions{ids: pairs{}}
	flags.StringVar(&o.dir, "state", ".quotewire", "keep the state in this `DIR`")
	flags.StringVar(&o.listen, "listen", "127.0.0.1:4566", "serve the cloud on this `HOST:PORT`; port 0 picks a free one")
	flags.StringVar(&o.region, "region", "us-east-1", "be this AWS `REGION`")
	flags.BoolVar(&o.verbose, "verbose", false, "log each handshake, message, post and invocation")
	flags.Var(&o.limits, "limit", "change a limit of AWS's, `NAME=VALUE`, such as apigateway.idle-timeout=2s; may be repeated")
	flags.Var(&o.root, "root", "pin the root's credential to this `KEY:SECRET`, for scripts that need a known one; anybody who knows it can act as root")
	flags.Var(o.ids, "api-id", "give the API of this name the id of this `NAME=ID` when it is created, for pages whose address is fixed; may be repeated")
	return o
}

func (o *cloudOptions) start(ctx context.Context) (*cloud.Cloud, error) {
	gc.Floor()
	return cloud.Start(ctx, cloud.Config{
		Dir: o.dir, Listen: o.listen, Region: o.region, Root: iam.Credentials(o.root), APIIDs: o.ids, Limits: o.limits.Limits, Log: o.logger(),
	})
}

// logger writes what the cloud has to say to the error stream: for a person if that is a terminal, else for programs.
func (o *cloudOptions) logger() *slog.Logger {
	level := slog.LevelInfo
	if o.verbose {
		level = slog.LevelDebug
	}
	if isTerminal(os.Stderr) {
		return slog.New(console.NewHandler(os.Stderr, level, coloured(os.Stderr)))
	}
	return newLog(os.Stderr, level)
}

// pairs is a flag of the form NAME=VALUE that may be repeated.
type pairs map[string]string

func (p pairs) String() string { return "" }

func (p pairs) Set(s string) error {
	name, value, ok := strings.Cut(s, "=")
	if !ok || name == "" || value == "" {
		return fmt.Errorf("want NAME=ID, got %q", s)
	}
	p[name] = value
	return nil
}

// limitFlag is a flag of the form NAME=VALUE, for a limit of a service. It may be repeated.
type limitFlag struct{ cloud.Limits }

func (l *limitFlag) String() string { return "" }

func (l *limitFlag) Set(s string) error {
	names := map[string]bool{}
	for _, limit := range cloud.AWSLimits.List() {
		names[limit.Name] = true
	}
	name, value, ok := strings.Cut(s, "=")
	switch {
	case !ok || value == "":
		return fmt.Errorf("want NAME=VALUE, got %q", s)
	case !names[name]:
		return fmt.Errorf("there is no limit %q%s; quotewire cloud --help lists them", name, suggest.Phrase(name, slices.Sorted(maps.Keys(names))))
	}
	return l.Limits.Set(name, value)
}

// limitTable says for --help which limits there are.
func limitTable() string {
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, limit := range cloud.AWSLimits.List() {
		fmt.Fprintf(table, "  %s=%s\t%s\n", limit.Name, limit.Value, limit.Text)
	}
	table.Flush()
	return b.String()
}
