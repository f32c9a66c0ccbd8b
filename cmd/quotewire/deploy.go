package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"

	"quotewire/atomicfile"
	"quotewire/deploy"
	"quotewire/deploy/aws"
	"quotewire/deploy/view"
	"quotewire/dply"
	"quotewire/dply/check"
	"quotewire/dply/token"
	"quotewire/sdkbody"
)

var deployVerb = verb{
	name:  "deploy",
	args:  "SCRIPT",
	short: "bring the cloud into line with a script",
	long: `
Reads SCRIPT, builds its functions, reads what exists, and creates or updates what differs, in order. A second deploy
changes nothing. On a terminal it shows the plan and asks before it changes anything, and then what is under way and
awaited; elsewhere it prints a line for each thing done. Ctrl-C finishes the calls under way, begins nothing more, and says
what is done and what is not; the next deploy goes on from there. A second Ctrl-C does not wait. It uses the standard AWS
configuration: profile, region, credentials, AWS_ENDPOINT_URL. NO_COLOR takes the colours away.`,
	prepare: func(flags *flag.FlagSet) func(context.Context, []string) error {
		s := scriptFlags(flags)
		s.verboseFlag(flags)
		yes := flags.Bool("yes", false, "do not ask")
		parallel := parallelFlag(flags)
		output := flags.String("output", "", "write the outputs, such as the addresses of the APIs, to this `FILE` as JSON")
		return func(ctx context.Context, args []string) error {
			path, err := oneScript("deploy", args)
			if err != nil {
				return err
			}
			if err := errors.Join(parallel.wrong(), outputWrong(*output)); err != nil {
				return err
			}
			result, err := s.run(ctx, path, deploy.Options{Mode: deploy.Deploy, Parallel: int(*parallel)}, *yes)
			s.printCalls()
			if err != nil {
				return err
			}
			for _, o := range result.Outputs {
				fmt.Printf("%s %s = %s\n", o.Resource, o.Name, o.Value)
			}
			if *output != "" {
				return writeOutputs(*output, result.Outputs)
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
terminal it shows what it would remove and keep, and asks. Ctrl-C is what it is to deploy.`,
	prepare: func(flags *flag.FlagSet) func(context.Context, []string) error {
		s := scriptFlags(flags)
		s.verboseFlag(flags)
		marked := flags.Bool("marked", false, "remove only what is marked @destroy")
		force := flags.Bool("force", false, "with --marked, remove also what is marked @teardown preserve")
		yes := flags.Bool("yes", false, "do not ask")
		parallel := parallelFlag(flags)
		return func(ctx context.Context, args []string) error {
			path, err := oneScript("destroy", args)
			if err != nil {
				return err
			}
			if err := parallel.wrong(); err != nil {
				return err
			}
			mode := deploy.Teardown
			if *marked {
				mode = deploy.DestroyMarked
			} else if *force {
				return usagef("--force goes with --marked")
			}
			_, err = s.run(ctx, path, deploy.Options{Mode: mode, Force: *force, Parallel: int(*parallel)}, *yes)
			s.printCalls()
			return err
		}
	},
}

// parallel is the number of changes at a time.
type parallel int

func parallelFlag(flags *flag.FlagSet) *parallel {
	p := new(parallel)
	flags.IntVar((*int)(p), "parallel", 8, "make `N` changes at a time, as far as none waits for another")
	return p
}

func (p parallel) wrong() error {
	if p < 1 {
		return usagef("--parallel is 1 or more, not %d", p)
	}
	return nil
}

// outputWrong says before anything is done that the outputs could not be written there.
func outputWrong(name string) error {
	if name == "" {
		return nil
	}
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return usagef("--output %s is a folder; name a file in it", name)
	}
	if info, err := os.Stat(filepath.Dir(name)); err != nil || !info.IsDir() {
		return usagef("--output %s: there is no folder %s", name, filepath.Dir(name))
	}
	return nil
}

// agreed asks on a terminal whether to go on. Ctrl-C is an answer, and so is the end of what is typed.
func agreed(ctx context.Context, terminal *os.File) (bool, error) {
	fmt.Fprint(terminal, "Go on? [y/N] ")
	answers := make(chan string, 1)
	go func() {
		answer, err := bufio.NewReader(os.Stdin).ReadString('\n')
		if err != nil {
			fmt.Fprintln(terminal) // nobody has ended the line
		}
		answers <- strings.ToLower(strings.TrimSpace(answer))
	}()
	select {
	case answer := <-answers:
		return answer == "y" || answer == "yes", nil
	case <-ctx.Done():
		fmt.Fprintln(terminal, "\nnothing was changed")
		return false, ctx.Err()
	}
}

// audience is the terminal on which what is going to happen is shown and asked about: where the output goes, or, if that is a
// file or a pipe, the one that the run belongs to.
func audience() (*os.File, error) {
	if isTerminal(os.Stdout) {
		return os.Stdout, nil
	}
	tty, err := os.OpenFile("/dev/tty", os.O_WRONLY, 0)
	if err != nil {
		return nil, usagef("there is no terminal to ask on; give --yes, or see with quotewire plan what would happen")
	}
	return tty, nil
}

// run does a deployer's run with the standard AWS configuration. On a terminal it asks first, unless yes says that it
// need not. What it then does is what it has shown: if the cloud has moved while it waited, it stops.
func (o *scriptOptions) run(ctx context.Context, path string, opts deploy.Options, yes bool) (*deploy.Result, error) {
	program, ready, err := o.ready(ctx, path, opts)
	if err != nil {
		return nil, err
	}
	var shown []deploy.Planned
	if !yes && isTerminal(os.Stdin) {
		terminal, err := audience()
		if err != nil {
			return nil, err
		}
		if shown, err = planned(ready, os.Stderr); err != nil {
			return nil, err
		}
		if view.Changes(shown) > 0 {
			if err := view.Parameters(terminal, program.Parameters, coloured(terminal)); err != nil {
				return nil, err
			}
			if err := view.Plan(terminal, shown, coloured(terminal)); err != nil {
				return nil, err
			}
			if ok, err := agreed(ctx, terminal); err != nil {
				return nil, err
			} else if !ok {
				return nil, errDeclined
			}
		}
	}
	// Whoever reads the output may leave, as head does. What was agreed to is done all the same: the signal would end it in
	// the middle of a call.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	plan, err := ready(view.NewText(os.Stdout, moves(os.Stdout), coloured(os.Stdout)))
	if err != nil {
		return nil, err
	}
	if shown != nil {
		if moved := deploy.Moved(shown, plan.Steps()); len(moved) > 0 {
			return nil, refused(fmt.Errorf("something has moved since the plan was shown, so nothing was changed:\n  %s", strings.Join(moved, "\n  ")))
		}
	}
	result, err := plan.Apply(ctx)
	return result, refused(err)
}

// ready loads a script, and returns it with what prepares a run of it with the standard AWS configuration. A script that
// uses the number of the account is not known before the cloud has told it.
func (o *scriptOptions) ready(ctx context.Context, path string, opts deploy.Options) (*check.Program, func(deploy.View) (*deploy.Plan, error), error) {
	cfg, err := awsConfig(ctx)
	if err != nil {
		return nil, nil, err
	}
	provider := aws.NewProvider(cfg)
	o.used = []*aws.Provider{provider}
	var silent error
	account := func() string {
		if silent == nil {
			silent = provider.Open(ctx)
		}
		return provider.Account()
	}
	program, err := o.load(path, dply.Region(provider.Region()), dply.Account(account))
	if err != nil {
		return nil, nil, err
	}
	if silent != nil {
		message, hint := provider.Explain(silent)
		return nil, nil, refused(token.List{{Code: "E63", Message: "the script uses run.account: " + message, Hint: hint}})
	}
	opts.Targets = o.targets
	return program, func(v deploy.View) (*deploy.Plan, error) {
		opts.Provider, opts.View = provider, v
		provider = provider.Again()
		o.used = append(o.used, provider)
		plan, err := deploy.Prepare(ctx, program, opts)
		return plan, refused(err)
	}, nil
}

// printCalls says what the run has asked of the cloud, if it was asked to.
func (o *scriptOptions) printCalls() {
	if !o.verbose {
		return
	}
	sum, all := map[string]int{}, 0
	for _, p := range o.used {
		for name, n := range p.Calls() {
			sum[name] += n
			all += n
		}
	}
	fmt.Fprintf(os.Stderr, "%s of the cloud\n", count(all, "call"))
	for _, name := range slices.Sorted(maps.Keys(sum)) {
		fmt.Fprintf(os.Stderr, "%6d  %s\n", sum[name], name)
	}
}

// planned prepares a run and says what it would do. While it reads the cloud, a terminal shows that it does.
func planned(ready func(deploy.View) (*deploy.Plan, error), progress *os.File) ([]deploy.Planned, error) {
	var v deploy.View
	if moves(progress) {
		text := view.NewText(progress, true, coloured(progress))
		defer text.Close()
		v = text
	}
	plan, err := ready(v)
	if err != nil {
		return nil, err
	}
	return plan.Steps(), nil
}

// writeOutputs keeps what a deploy has to offer where other programs find it, by type and name:
// {"aws.ApiGatewayV2.Api": {"stock-watch": {"endpoint": "wss://…"}}}.
func writeOutputs(name string, outputs []deploy.Output) error {
	all := map[string]map[string]map[string]string{}
	for _, o := range outputs {
		if all[o.Type] == nil {
			all[o.Type] = map[string]map[string]string{}
		}
		if all[o.Type][o.Resource] == nil {
			all[o.Type][o.Resource] = map[string]string{}
		}
		all[o.Type][o.Resource][o.Name] = o.Value
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(name, append(text, '\n'), 0o644)
}

// errDeclined says that the answer to the question was no.
var errDeclined = errors.New("declined")

// awsConfig is the standard AWS configuration: environment, profile, region.
func awsConfig(ctx context.Context) (sdk.Config, error) {
	options := []func(*config.LoadOptions) error{
		config.WithAPIOptions([]func(*middleware.Stack) error{sdkbody.Plain}),
		// What the SDK would log, such as that it looks for credentials elsewhere, stands between the lines of the run.
		config.WithLogger(logging.Nop{}),
	}
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

// configuredRegion is the region of the standard AWS configuration, for verbs that need no cloud.
func configuredRegion(ctx context.Context) string {
	cfg, err := awsConfig(ctx)
	if err != nil || cfg.Region == "" {
		return aws.DefaultRegion
	}
	return cfg.Region
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
