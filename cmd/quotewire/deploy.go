package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"

	"quotewire/deploy"
	"quotewire/deploy/aws"
	"quotewire/deploy/view"
)

var deployVerb = verb{
	name:  "deploy",
	args:  "SCRIPT",
	short: "bring the cloud into line with a script",
	long: `
Reads SCRIPT, builds its functions, reads what exists, and creates or updates what differs, in order. A second deploy
changes nothing. It uses the standard AWS configuration: profile, region, credentials, AWS_ENDPOINT_URL.`,
	prepare: func(flags *flag.FlagSet) func(context.Context, []string) error {
		s := scriptFlags(flags)
		return func(ctx context.Context, args []string) error {
			path, err := oneScript("deploy", args)
			if err != nil {
				return err
			}
			result, err := s.run(ctx, path, deploy.Options{Mode: deploy.Deploy})
			if err != nil {
				return err
			}
			for _, o := range result.Outputs {
				fmt.Printf("%s %s = %s\n", o.Resource, o.Name, o.Value)
			}
			return nil
		}
	},
}

var destroyVerb = verb{
	name:  "destroy",
	args:  "SCRIPT",
	short: "tear down what a script made, except what it preserves",
	long: `
Removes what SCRIPT names and marks @teardown delete, last statement first; what it marks @teardown preserve stays. On a
terminal it asks first.`,
	prepare: func(flags *flag.FlagSet) func(context.Context, []string) error {
		s := scriptFlags(flags)
		marked := flags.Bool("marked", false, "remove only what is marked @destroy")
		force := flags.Bool("force", false, "with --marked, remove also what is marked @teardown preserve")
		yes := flags.Bool("yes", false, "do not ask")
		return func(ctx context.Context, args []string) error {
			path, err := oneScript("destroy", args)
			if err != nil {
				return err
			}
			mode := deploy.Teardown
			if *marked {
				mode = deploy.DestroyMarked
			} else if *force {
				return usagef("--force goes with --marked")
			}
			if !*yes && isTerminal(os.Stdin) && !agreed(path) {
				return usagef("nothing was removed")
			}
			_, err = s.run(ctx, path, deploy.Options{Mode: mode, Force: *force})
			return err
		}
	},
}

func agreed(path string) bool {
	fmt.Printf("This removes what %s says, except what it preserves. Go on? [y/N] ", path)
	answer, _ := bufio.NewReader(os.Stdin).ReadString('\n')
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}

// run does a deployer's run with the standard AWS configuration.
func (o *scriptOptions) run(ctx context.Context, path string, opts deploy.Options) (*deploy.Result, error) {
	program, err := o.load(path)
	if err != nil {
		return nil, err
	}
	cfg, err := awsConfig(ctx)
	if err != nil {
		return nil, err
	}
	opts.Targets = o.targets
	opts.Provider = aws.NewProvider(cfg)
	opts.View = view.NewText(os.Stdout, isTerminal(os.Stdout))
	result, err := deploy.Run(ctx, program, opts)
	return result, refused(err)
}

// awsConfig is the standard AWS configuration: environment, profile, region.
func awsConfig(ctx context.Context) (sdk.Config, error) {
	var options []func(*config.LoadOptions) error
	if region := os.Getenv("AWS_DEFAULT_REGION"); region != "" && os.Getenv("AWS_REGION") == "" {
		// The AWS CLI reads this name and the SDK for Go does not; who has set it for the one means the other as well.
		options = append(options, config.WithRegion(region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return cfg, fmt.Errorf("the AWS configuration: %w", err)
	}
	return cfg, nil
}

// refusal is an error of a run that is not the script's fault alone: its diagnostics point into the script, but the
// cloud had the last word.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

func refused(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return refusal{err}
}
