package types

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
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
	on          string // the server; "" is the embedded cloud
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
	{
		// Whatever there is in the account, EC2 is asked for what has one of two hundred names.
		name: "parts of a network", units: 15, steps: 3 + 15*6, first: 6, noop: 1 + 6 + 8, // who asks, the network with what is in it, and eight types
		meddle: func(ctx context.Context, cfg aws.Config) error {
			c := ec2.NewFromConfig(cfg)
			out, err := c.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{Filters: []types.Filter{{Name: aws.String("tag:Name"), Values: []string{"many-007"}}}})
			if err == nil {
				_, err = c.ModifySubnetAttribute(ctx, &ec2.ModifySubnetAttributeInput{SubnetId: out.Subnets[0].SubnetId, MapPublicIpOnLaunch: &types.AttributeBooleanValue{Value: aws.Bool(true)}})
			}
			return err
		},
		drift: "update subnet many-007: MapPublicIpOnLaunch true → false",
		head: `
        ensure aws.VPC.VPC "many" => net
            @teardown delete
            PrivateSubnets <- 0
            DualStack <- true
        ensure aws.VPC.InternetGateway "many" => internet
            @teardown delete
            Network <- net
        ensure aws.VPC.EgressOnlyInternetGateway "many" => six
            @teardown delete
            Network <- net`,
		unit: `
        ensure aws.VPC.Subnet "many-#" => s#
            @teardown delete
            Network <- net
        ensure aws.VPC.RouteTable "many-#" => t#
            @teardown delete
            Network <- net
            Subnets <- s#
            Routes <- []
                {}
                    Range <- "::/0"
                    Gateway <- six
        ensure aws.VPC.SecurityGroup "many-#"
            @teardown delete
            Network <- net
        ensure aws.VPC.Address "many-#" => a#
            @teardown delete
        ensure aws.VPC.NatGateway "many-#"
            @teardown delete
            Subnet <- s#
            Address <- a#
        ensure aws.VPC.Endpoint "many-#"
            @teardown delete
            Network <- net
            Service <- "s3"
            RouteTables <- t#`,
	},
	{
		// The integrations, routes, stages and deployments of an API are a list each; who may invoke a function is asked once.
		name: "APIs", units: 20, steps: 4 + 20*8, first: 6, noop: 4*20 + 9,
		head: `
        ensure aws.S3.Bucket "many-api.example.org" => code
            @teardown delete
        lambda.function "many-api" => fn
            @teardown delete
            Runtime <- "go"
            Code <= aws.S3.Location
                Bucket <- code
                Key <- "lambda-hello.zip"
            Role <= aws.IAM.WithRole "many-api"
                assume
                    allow "sts:AssumeRole"
                        principal "Service" "lambda.amazonaws.com"`,
		unit: `
        api.gatewayV2 "many-#"
            @teardown delete
            Protocol <- "http"
            integration "fn"
                Type <- "AWS_PROXY"
                Uri <- fn
            route "GET /a" "fn"
            route "GET /b" "fn"
            route "GET /c" "fn"
            stage "live"`,
	},
	{
		name: "domain names", units: 12, steps: 2 + 12*3, first: 4, noop: 12 + 6, // the mappings of each
		head: `
        ensure aws.ApiGatewayV2.Api "many-named" => api
            @teardown delete
            Protocol <- "http"
        ensure aws.ApiGatewayV2.Stage "live" => live
            @teardown delete
            Api <- api`,
		unit: `
        ensure aws.ApiGatewayV2.DomainName "many-#.example.org" => d#
            @teardown delete
            Certificate <- "arn:aws:acm:us-east-1:111122223333:certificate/0a1b2c3d-0000-4000-8000-000000000001"
        ensure aws.ApiGatewayV2.ApiMapping "/"
            @teardown delete
            Domain <- d#
            Api <- api
            Stage <- live
        ensure aws.ApiGatewayV2.ApiMapping "/next"
            @teardown delete
            Domain <- d#
            Api <- api
            Stage <- live`,
	},
	{
		name: "records", on: "moto", units: 100, steps: 200, first: 4, noop: 4, // 300 a page; AWS makes five a second
		head: `
        find aws.Route53.DomainName "types.example.org" => domain`,
		unit: `
        ensure aws.Route53.CNAME "c#.types.example.org"
            @teardown delete
            Zone <- domain
            PointsTo <- "prices.example.net"
        ensure aws.Route53.ALIAS "a#.types.example.org"
            @teardown delete
            UpdateZone <- domain
            AliasZone <- "Z2FDTNDATAQYW2"
            PointsTo <- "d111111abcdef8.cloudfront.net"`,
	},
	{
		name: "graph databases", on: "moto", units: 12, steps: 1 + 12*3, first: 6, noop: 1 + 6 + 3,
		head: `
        ensure aws.VPC.VPC "many-graph" => net
            @teardown delete`,
		unit: `
        ensure aws.Neptune.SubnetGroup "many-#" => g#
            @teardown delete
            Subnets <- net->subnets
        ensure aws.Neptune.Cluster "many-#" => c#
            @teardown delete
            SubnetGroupName <- g#
            MinCapacity <- 1
            MaxCapacity <- 2.5
        ensure aws.Neptune.Instance "many-#"
            @teardown delete
            Cluster <- c#
            InstanceClass <- "serverless"`,
	},
	{
		name: "VPC links", on: "moto", units: 12, steps: 13, first: 4, noop: 1 + 6 + 1,
		head: `
        ensure aws.VPC.VPC "many-links" => net
            @teardown delete`,
		unit: `
        ensure aws.ApiGatewayV2.VPCLink "many-#"
            @teardown delete
            Subnets <- net->subnets
            SecurityGroups <- net->securityGroups`,
	},
	{
		// CloudFront tells the tags of one distribution at a time: those that resemble one of the script are asked first.
		name: "distributions", on: "moto", units: 6, steps: 3 + 6, first: 5, noop: 5 + 2*6,
		head: `
        ensure aws.S3.Bucket "many-site.example.org" => files
            @teardown delete
        ensure aws.CloudFront.OriginAccessControl "many" => access
            @teardown delete
            OriginAccessControlOriginType <- "s3"
            SigningBehavior <- "always"
            SigningProtocol <- "sigv4"
        ensure aws.CloudFront.CachePolicy "many" => day
            @teardown delete
            MinTTL <- 60`,
		unit: `
        ensure aws.CloudFront.Distribution "many-#" => d#
            @teardown delete
            Comment <- "many-#"
            OriginDNS <- files->dnsName
            TargetOriginId <- "files"
            CachePolicy <- day
            OriginAccessControl <- access`,
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
			r.config = r.wire.through(server(t, cmp.Or(mix.on, "cloud")))
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
