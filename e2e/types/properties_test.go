package types

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/rogpeppe/go-internal/txtar"

	"quotewire/deploy"
	provider "quotewire/deploy/aws"
	"quotewire/dply/check"
	"quotewire/dply/schema"
)

// A file of testdata/properties has three scripts: base, where what is tried is not said, set, and changed. They are
// deployed in the order base, set, changed, base. Each time the plan says what of it differs, and then nothing does; and what
// was unset is no longer as changed has it, but as AWS makes it.
//
// Its comment names the servers in a line "on: cloud moto", and what is tried: "of TYPE: Property Property". A property with
// only one value beside its default, which cannot change once it is set, has a star: "Tracing*". One that the plan calls by another
// name is followed by that: "Inline=policy".
func TestPropertiesAreSetChangedAndUnset(t *testing.T) {
	files, err := filepath.Glob("testdata/properties/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	tried := map[string][]string{}
	for _, file := range files {
		a := archive(t, file)
		properties := triedIn(a)
		for typ, names := range properties {
			for _, name := range names {
				tried[typ] = append(tried[typ], property(name))
			}
		}
		for _, on := range servers(t, file) {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar")+" on "+on, func(t *testing.T) {
				t.Parallel()
				r := &trial{T: t, dir: folder(t), issuer: startIssuer(t)}
				cfg := server(t, on)
				outfit(t, cfg)
				r.config = r.wire.through(cfg)
				r.turn(a, properties)
				shared.mu.Lock()
				defer shared.mu.Unlock()
				shared.calls = append(shared.calls, r.seen...) // which TestTypes holds against the models
			})
		}
	}
	covered(t, tried)
}

// covered checks that each property is tried, or has its reason why it is not, and that no reason is of a property that is.
func covered(t *testing.T, tried map[string][]string) {
	t.Helper()
	all := map[string]bool{}
	for _, typ := range changeable() {
		for _, name := range optional(typ) {
			all[typ.Name+" "+name] = true
			switch _, excused := untried[typ.Name+" "+name]; {
			case !excused && !slices.Contains(tried[typ.Name], name):
				t.Errorf("%s of %s is set, changed and unset by no file of testdata/properties: try it, or give the reason in untried", name, typ.Name)
			case excused && slices.Contains(tried[typ.Name], name):
				t.Errorf("%s of %s is tried: take it out of untried", name, typ.Name)
			}
		}
	}
	for name := range untried {
		if !all[name] {
			t.Errorf("untried has a reason for %s, which is no property that a script may leave out and change", name)
		}
	}
}

// untried are the properties that are not set, changed and unset, with the reason.
var untried = map[string]string{
	"aws.ApiGatewayV2.Api RouteSelectionExpression":         "a WebSocket API needs one, and an HTTP API has none; that it changes is tried in `deploy/aws`",
	"api.gatewayV2 RouteSelectionExpression":                "a WebSocket API needs one, and an HTTP API has none; that it changes is tried in `deploy/aws`",
	"aws.ApiGatewayV2.Integration Region":                   "only says what is so: any region but the run's is refused",
	"aws.CertificateManager.Certificate Domain":             "where records are made while a certificate is pending; nothing of an issued one",
	"aws.CertificateManager.Certificate ValidationProvider": "who makes records while a certificate is pending; nothing of an issued one",
	"aws.CloudFront.Distribution PriceClass":                "what is unset stays as it is, as the reference says; that it changes is tried in `distribution.txtar`",
	"cloudfront.distribution.fromS3 PriceClass":             "what is unset stays as it is, as the reference says; that it changes is tried in `distribution.txtar`",
	"cloudfront.invalidate Distribution":                    "of a task, of which nothing stays that could be unset",
	"cloudfront.invalidate Paths":                           "of a task, of which nothing stays that could be unset",
	"lambda.publishVersion Alias":                           "of a task: an alias that is not moved any more stays where it is",
	"lambda.publishVersion PublishVersion":                  "of a task: a version that was published stays",
	"lambda.function Alias":                                 "an alias that the script no longer names stays, for others may call it",
	"lambda.function AliasShare":                            "of an alias, which it belongs to; that it changes is tried in `function.txtar`",
	"lambda.function PublishVersion":                        "of a task: a version that was published stays",
	"aws.Lambda.Function VpcConfig":                         "made by what makes it of `lambda.function`, with which it is tried",
	"aws.Lambda.Logging Format":                             "a part of Logging, which is tried as one value",
	"aws.Lambda.Logging Group":                              "a part of Logging, which is tried as one value",
	"aws.Lambda.Logging ApplicationLevel":                   "a part of Logging, which is tried as one value",
	"aws.Lambda.Logging SystemLevel":                        "a part of Logging, which is tried as one value",
	"aws.VPC.Config DualStack":                              "a part of VpcConfig, which is tried as one value",
	"aws.S3.Location Source":                                "from where the code is built; what counts is the code",
	"aws.S3.Bucket Region":                                  "a bucket cannot move; that this is refused is tried in `ambiguities_cloud.txtar`",
	"api.gatewayV2 authorizer Uri":                          "an authorizer of a function needs it",
	"api.gatewayV2 authorizer Issuer":                       "an authorizer of tokens needs it",
	"api.gatewayV2 authorizer Audience":                     "an authorizer of tokens needs it",
	"aws.Neptune.Cluster MinCapacity":                       "no server takes it away again: Neptune has no call that makes a cluster have no serverless instances any more; that it changes is tried in `neptune.txtar`",
	"aws.Neptune.Cluster MaxCapacity":                       "no server takes it away again: Neptune has no call that makes a cluster have no serverless instances any more; that it changes is tried in `neptune.txtar`",
	"aws.Neptune.SubnetGroup Description":                   "no server has it: the embedded cloud has no Neptune, and moto forgets a subnet group that is changed",
	"aws.VPC.Endpoint Subnets":                              "an interface endpoint needs some; that they change is tried in `network.txtar`",
	"aws.VPC.Subnet DualStack":                              "addresses are not taken away again, as the reference says; that they are added is tried in `network.txtar`",
	"aws.VPC.VPC CidrBlock":                                 "of a new network",
	"aws.VPC.VPC PrivateSubnets":                            "of a new network",
	"aws.VPC.VPC DualStack":                                 "addresses are not taken away again",
	"aws.VPC.VPC EgressOnlyInternetGateway":                 "what a network has beyond the script stays",
	"aws.VPC.VPC DnsHostnames":                              "what a network has beyond the script stays",
	"aws.VPC.Endpoint RouteTables":                          "what is unset stays: others are named in its place, as tried in `endpoint.txtar`",
	"aws.VPC.Endpoint SecurityGroups":                       "what is unset stays: others are named in its place, as tried in `endpoint.txtar`",
	"aws.VPC.VPC GatewayEndpoints":                          "what a network has beyond the script stays",
}

// triedProperties is what docs/tried.md says of testdata/properties.
func triedProperties(t *testing.T) []byte {
	t.Helper()
	files, err := filepath.Glob("testdata/properties/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	on := map[string]map[string][]string{} // by type and property
	for _, file := range files {
		for typ, names := range triedIn(archive(t, file)) {
			for _, name := range names {
				name = property(name)
				if on[typ] == nil {
					on[typ] = map[string][]string{}
				}
				on[typ][name] = append(on[typ][name], servers(t, file)...)
			}
		}
	}
	var b bytes.Buffer
	b.WriteString("\n## Set, changed, and unset again\n\n" +
		"Of each of these properties a script first says nothing, then one thing, then another where there is one, and then nothing again. Each\n" +
		"time the plan names it, a second deploy writes nothing, and in the end the resource is as AWS makes it when nothing is said.\n\n" +
		"| of | embedded cloud | moto |\n| --- | --- | --- |\n")
	for _, typ := range slices.Sorted(maps.Keys(on)) {
		var columns [2]string
		for i, server := range []string{"cloud", "moto"} {
			var names []string
			for _, name := range slices.Sorted(maps.Keys(on[typ])) {
				if slices.Contains(on[typ][name], server) {
					names = append(names, name)
				}
			}
			columns[i] = strings.Join(names, ", ")
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", typ, columns[0], columns[1])
	}
	b.WriteString("\nThese are not tried so; any other property that is not fails the test.\n\n| of | property | why |\n| --- | --- | --- |\n")
	for _, name := range slices.Sorted(maps.Keys(untried)) {
		typ, property := name[:strings.LastIndex(name, " ")], name[strings.LastIndex(name, " ")+1:]
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", typ, property, untried[name])
	}
	return b.Bytes()
}

// property is the name in what a file says of it.
func property(said string) string {
	name, _, _ := strings.Cut(strings.TrimSuffix(said, "*"), "=")
	return name
}

// triedIn are the properties that a file tries, by type.
func triedIn(a *txtar.Archive) map[string][]string {
	tried := map[string][]string{}
	for _, m := range regexp.MustCompile(`(?m)^of (.*): (.*)$`).FindAllStringSubmatch(string(a.Comment), -1) {
		tried[m[1]] = append(tried[m[1]], strings.Fields(m[2])...)
	}
	return tried
}

// changeable are the types with properties.
func changeable() []*schema.Type {
	c := provider.Catalog()
	return slices.DeleteFunc(slices.Concat(c.Types, c.Verbs, c.Readers), func(t *schema.Type) bool { return len(optional(t)) == 0 })
}

// optional are the properties of a type that a script may leave out, and change.
func optional(t *schema.Type) []string {
	var names []string
	for _, p := range t.Properties {
		if !p.Required && !p.Fixed {
			names = append(names, p.Name)
		}
	}
	return names
}

// turn deploys the scripts of a file in their order.
func (r *trial) turn(a *txtar.Archive, properties map[string][]string) {
	r.Helper()
	programs := map[string]*check.Program{}
	for i := range a.Files {
		programs[a.Files[i].Name] = r.program(&a.Files[i])
	}
	defer func() { r.destroy(programs["base"]) }()
	before := "nothing"
	for _, name := range []string{"base", "set", "changed", "base"} {
		steps, _ := r.apply(programs[name], deploy.Deploy)
		if before != "nothing" {
			r.mentions("from "+before+" to "+name, steps, properties)
		}
		if again, calls := r.apply(programs[name], deploy.Deploy); writes(calls) != nil {
			r.Errorf("%s, after %s, is not settled: %q", name, before, said(again))
		}
		before = name
	}
	plan, err := r.plan(programs["changed"], deploy.Deploy)
	if err != nil {
		r.Fatal(err)
	}
	r.wire.take()
	r.mentions("what was unset", plan.Steps(), properties)
}

// mentions checks that a plan has a change of each property.
func (r *trial) mentions(when string, steps []deploy.Planned, properties map[string][]string) {
	r.Helper()
	said := strings.Join(said(steps), "\n")
	for typ, names := range properties {
		for _, name := range names {
			name, one := strings.CutSuffix(name, "*")
			if one && when == "from set to changed" {
				continue
			}
			name, called, renamed := strings.Cut(name, "=")
			if !renamed {
				called = name
			}
			if !regexp.MustCompile(`(: |; )` + called + `\b`).MatchString(said) {
				r.Errorf("%s: no change of %s of %s in the plan:\n%s", when, name, typ, said)
			}
		}
	}
}

// outfit makes what scripts name and no script makes.
func outfit(t *testing.T, cfg aws.Config) {
	t.Helper()
	shared.outfit.Lock()
	defer shared.outfit.Unlock()
	if shared.outfitted[*cfg.BaseEndpoint] {
		return
	}
	ctx := context.Background()
	for range 2 {
		if _, err := lambda.NewFromConfig(cfg).PublishLayerVersion(ctx, &lambda.PublishLayerVersionInput{LayerName: aws.String("types-layer"),
			Content: &types.LayerVersionContentInput{ZipFile: layer(t)}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := iam.NewFromConfig(cfg).CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("types-user")}); err != nil {
		t.Fatal(err)
	}
	shared.outfitted[*cfg.BaseEndpoint] = true
}

// layer is a zip file with one file.
func layer(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	if _, err := w.Create("layer.txt"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
