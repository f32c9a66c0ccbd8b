package types

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"quotewire/deploy"
	provider "quotewire/deploy/aws"
	"quotewire/dply"
)

// mixes are scripts of many resources, with the calls that their plans may make: the first one, when nothing is there, and
// one when everything is. What AWS lists is listed once; what it tells of one at a time only is asked one at a time.
var mixes = []struct {
	name        string
	head, unit  string // of the script; # in the unit is a number
	units       int
	steps       int // of the first plan
	first, noop int // calls at most

	meddle func(ctx context.Context, cfg aws.Config) error // changes one of them behind the deployer's back
	drift  string                                          // what a plan then says: a list must not hide it
}{
	{
		name: "log groups", units: 60, steps: 60, first: 3, noop: 4, // 50 a page; AWS makes ten a second
		unit: `
        ensure aws.Logs.LogGroup "/many/#"
            @teardown delete
            RetentionInDays <- 7`,
	},
	{
		name: "tables", units: 200, steps: 200, first: 3, noop: 2*200 + 4, // the list has names only, and the time to live is a call of its own
		unit: `
        ensure aws.DynamoDB.Table "many-#"
            @teardown delete
            Fields <= aws.DynamoFields
                id string
                    @Key hash`,
	},
	{
		name: "roles and policies", units: 100, steps: 200, first: 4, noop: 4,
		meddle: func(ctx context.Context, cfg aws.Config) error {
			_, err := iam.NewFromConfig(cfg).DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: aws.String("many-007"), PolicyName: aws.String("many-007-1")})
			return err
		},
		drift: "update role many-007: policy many-007-1 +2 -0",
		head: `
        policy => trust
            allow "sts:AssumeRole"
                principal "Service" "lambda.amazonaws.com"
        policy => read
            allow "s3:GetObject" "*"
                action "s3:ListBucket"`,
		unit: `
        ensure aws.IAM.Role "many-#"
            @teardown delete
            Assume <- trust
            Inline <- [read, read]
        ensure aws.IAM.Policy "many-#"
            @teardown delete
            Policy <- read`,
	},
	{
		name: "buckets", units: 200, steps: 200, first: 200 + 3, noop: 3, // a name that is not ours may be somebody else's
		unit: `
        ensure aws.S3.Bucket "many-#.example.org"
            @teardown delete`,
	},
	{
		name: "functions", units: 50, steps: 152, first: 6, noop: 50 + 8, // an alias each
		meddle: func(ctx context.Context, cfg aws.Config) error { // the one thing that no list of functions tells
			_, err := lambda.NewFromConfig(cfg).PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: aws.String("many-007"), ReservedConcurrentExecutions: aws.Int32(3)})
			return err
		},
		drift: "update function many-007: ReservedConcurrency 3 removed",
		head: `
        ensure aws.S3.Bucket "many-code.example.org" => code
            @teardown delete`,
		unit: `
        lambda.function "many-#"
            @teardown delete
            Runtime <- "go"
            Code <= aws.S3.Location
                Bucket <- code
                Key <- "lambda-hello.zip"
            Role <= aws.IAM.WithRole "many-function-#"
                assume
                    allow "sts:AssumeRole"
                        principal "Service" "lambda.amazonaws.com"
                policy
                    allow "logs:PutLogEvents" "*"
            Alias <- "next"`,
	},
}

func TestCallsOfAPlanOfManyResourcesAreBounded(t *testing.T) {
	for _, mix := range mixes {
		t.Run(mix.name, func(t *testing.T) {
			var b strings.Builder
			b.WriteString("    target many" + mix.head)
			for i := range mix.units {
				b.WriteString(strings.ReplaceAll(mix.unit, "#", fmt.Sprintf("%03d", i)))
			}
			p, list := dply.Check(provider.Catalog(), []dply.Source{{Name: "many.dply", Text: []byte(b.String() + "\n")}})
			if p == nil {
				t.Fatal(list)
			}
			r := &trial{T: t, dir: folder(t)}
			r.config = r.wire.through(server(t, "cloud"))
			plan, err := r.plan(p, deploy.Deploy)
			if err != nil {
				t.Fatal(err)
			}
			first := r.wire.take()
			if n := len(said(plan.Steps())); n != mix.steps || len(first) > mix.first {
				t.Errorf("the first plan has %d steps and made %d calls, want %d and at most %d: %v", n, len(first), mix.steps, mix.first, tally(first))
			}
			if _, err := plan.Apply(t.Context()); err != nil {
				t.Fatal(err)
			}
			r.wire.take()
			if plan, err = r.plan(p, deploy.Deploy); err != nil {
				t.Fatal(err)
			}
			second := r.wire.take()
			if steps := said(plan.Steps()); steps != nil || len(second) > mix.noop {
				t.Errorf("a plan of what is there would %q and made %d calls, want none and at most %d: %v", steps, len(second), mix.noop, tally(second))
			}
			if _, err := plan.Apply(t.Context()); err != nil {
				t.Fatal(err)
			}
			if calls := r.wire.take(); len(calls) > 0 {
				t.Errorf("a deploy of what is there made %d further calls", len(calls))
			}
			if mix.meddle != nil {
				if err := mix.meddle(t.Context(), r.config); err != nil {
					t.Fatal(err)
				}
				if plan, err = r.plan(p, deploy.Deploy); err != nil {
					t.Fatal(err)
				}
				if steps := said(plan.Steps()); !slices.Equal(steps, []string{mix.drift}) {
					t.Errorf("after a change by hand, a plan would %q, want %q", steps, mix.drift)
				}
				r.wire.take()
			}
			t.Logf("%d resources: %d calls for the plan of a first deploy, %d for a deploy that changes nothing", mix.steps, len(first), len(second))
			r.destroy(p)
		})
	}
}

// tally counts calls by their operation.
func tally(calls []call) map[string]int {
	n := map[string]int{}
	for _, c := range calls {
		n[c.Operation]++
	}
	return n
}
