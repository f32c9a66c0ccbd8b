package main

import (
	"context"
	"flag"
	"fmt"

	"quotewire/deploy/aws"
)

var vpcVerb = verb{
	name:  "vpc",
	args:  "NAME",
	short: "make the small network that a script can find",
	long: `
Makes a VPC with the tag Name = NAME, two subnets and a security group, unless it is there, for scripts that say

  find aws.VPC.VPC "NAME" => vpc

It works on the embedded cloud (set AWS_ENDPOINT_URL) and on AWS, where none of it costs anything. A VPC has no way out
unless it is given one: --egress-only makes the subnets dual-stack and adds an egress-only internet gateway.`,
	prepare: func(flags *flag.FlagSet) func(context.Context, []string) error {
		cidr := flags.String("cidr", "10.0.0.0/16", "the IPv4 `RANGE` of the network")
		egress := flags.Bool("egress-only", false, "make it dual-stack, with an egress-only internet gateway")
		return func(ctx context.Context, args []string) error {
			if len(args) != 1 {
				return usagef("quotewire vpc takes one name, got %d arguments", len(args))
			}
			cfg, err := awsConfig(ctx)
			if err != nil {
				return err
			}
			network, err := aws.MakeNetwork(ctx, cfg, aws.Network{Name: args[0], CIDR: *cidr, EgressOnly: *egress})
			if err != nil {
				return err
			}
			fmt.Printf("%s is the VPC %q\n", network.ID, args[0])
			return nil
		}
	},
}
