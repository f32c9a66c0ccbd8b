package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go/middleware"

	"quotewire/cloud"
	"quotewire/sdkbody"
	"quotewire/tail"
)

var logsVerb = verb{
	name:  "logs",
	args:  "[FUNCTION]",
	short: "show and follow the functions' logs",
	long: `
Shows what FUNCTION, or every function, has logged, with the name in front of each line if there are several, and with
--follow goes on until Ctrl-C. A function that is deployed later joins.

  quotewire logs -f
  quotewire logs --since 1h stock-watch
  quotewire logs --request 3c0ffee1-0b5e-4d1e-9a70-5e1f00d5a123 stock-watch

It reads from the embedded cloud that runs on the state folder; if none runs there, from the cloud that the standard AWS
configuration names: profile, region, credentials, AWS_ENDPOINT_URL. FUNCTION may be the name of a log group as well.`,
	prepare: func(flags *flag.FlagSet) func(context.Context, []string) error {
		var o tail.Options
		dir := flags.String("state", "", "read from the embedded cloud that runs on this `DIR`, .quotewire unless it is given")
		flags.BoolVar(&o.Follow, "follow", false, "go on with what is logged from now on")
		flags.BoolVar(&o.Follow, "f", false, "the same as --follow")
		since := flags.Duration("since", 10*time.Minute, "begin this long ago, a `DURATION` such as 30s, 10m or 2h")
		flags.StringVar(&o.Request, "request", "", "only the lines of the request with this `ID`")
		return func(ctx context.Context, args []string) error {
			switch {
			case len(args) > 1:
				return usagef("quotewire logs takes one function, got %d; without one it shows them all", len(args))
			case *since <= 0:
				return usagef("--since is how long ago to begin, such as 10m, not %s", *since)
			case len(args) == 1:
				o.Function = args[0]
			}
			o.Since = time.Now().Add(-*since)
			cfg, local, err := logsConfig(ctx, *dir)
			if err != nil {
				return err
			}
			o.Pause = 2 * time.Second // CloudWatch Logs takes five FilterLogEvents a second, of all readers together
			if local {
				o.Pause = 200 * time.Millisecond
			}
			err = showLogs(ctx, cfg, o, *since)
			if err != nil && local && !healthy(ctx, *cfg.BaseEndpoint) {
				return fmt.Errorf("the cloud at %s has stopped", *cfg.BaseEndpoint)
			}
			return err
		}
	},
}

func showLogs(ctx context.Context, cfg sdk.Config, o tail.Options, since time.Duration) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	printer := tail.NewPrinter(os.Stdout, o.Function == "", coloured(os.Stdout))
	shown := 0
	err := tail.Run(ctx, cfg, o, func(lines []tail.Line) {
		shown += len(lines)
		if err := printer.Print(lines); err != nil {
			cancel(err) // whoever read our output has gone
		}
	})
	if err == nil && ctx.Err() != nil && !errors.Is(context.Cause(ctx), context.Canceled) {
		return context.Cause(ctx)
	}
	if err == nil && shown == 0 && !o.Follow {
		what := "nothing was logged"
		if o.Request != "" {
			what = "no line of the request " + o.Request
		}
		fmt.Fprintf(os.Stderr, "quotewire: %s in the last %s; --since looks further back\n", what, since)
	}
	return err
}

// logsConfig is the configuration of the cloud that runs on the state folder dir, or the standard AWS configuration. A
// folder that was named outright has to have one.
func logsConfig(ctx context.Context, dir string) (cfg sdk.Config, local bool, err error) {
	named := dir != ""
	if !named {
		dir = ".quotewire"
	}
	e, err := cloud.ReadEndpoints(dir)
	switch {
	case err == nil && healthy(ctx, e.Cloud):
		cfg, err = stateConfig(dir, e)
		return cfg, true, err
	case err == nil && named, errors.Is(err, fs.ErrNotExist) && named:
		return cfg, false, fmt.Errorf("no quotewire is running on the state folder %s; start quotewire up or quotewire cloud, or leave --state out to read from AWS", dir)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return cfg, false, fmt.Errorf("%s/endpoints.json: %w", dir, err)
	}
	cfg, err = awsConfig(ctx)
	return cfg, false, err
}

// healthy reports whether a cloud answers at an address: one that was killed has left its endpoints.json behind.
func healthy(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/_quotewire/health", nil)
	if err != nil {
		return false
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// stateConfig is the configuration of the owner of the cloud that runs on the state folder dir. Nothing of the
// environment comes into it, where another cloud may be named.
func stateConfig(dir string, e cloud.Endpoints) (sdk.Config, error) {
	root, err := cloud.ReadRoot(dir)
	return sdk.Config{
		Region:       e.Region,
		BaseEndpoint: &e.Cloud,
		Credentials:  credentials.NewStaticCredentialsProvider(root.AccessKeyID, root.SecretAccessKey, ""),
		APIOptions:   []func(*middleware.Stack) error{sdkbody.Plain},
	}, err
}
