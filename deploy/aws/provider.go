// Package aws brings the resources of Amazon Web Services to the deployer: buckets, networks, functions, roles, tables and
// APIs, one file per service, and the catalog of what a script can say about them.
//
// It speaks to AWS through the AWS SDK for Go v2 alone. Where the SDK's configuration has an endpoint of its own,
// everything goes there: a cloud on this machine, a proxy, another implementation of the same protocols.
package aws

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dsql"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/neptune"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/middleware"

	"quotewire/deploy"
	"quotewire/dply/check"
	"quotewire/dply/token"
	"quotewire/sdkbody"
)

// DefaultRegion is used where the configuration names none.
const DefaultRegion = "us-east-1"

// Provider is AWS in one region with one set of credentials, for one run: what it has listed it does not list again.
type Provider struct {
	config    aws.Config
	region    string
	account   string // known after Open
	partition string // known after Open

	s3       *s3.Client
	ec2      *ec2.Client
	iam      *iam.Client
	sts      *sts.Client
	lambda   *lambda.Client
	dynamodb *dynamodb.Client
	dsql     *dsql.Client
	gateway  *apigatewayv2.Client
	route53  *route53.Client
	neptune  *neptune.Client
	logs     *cloudwatchlogs.Client
	acm      *acm.Client
	front    *cloudfront.Client

	apis          memo[[]apigatewayTypes]
	links         memo[[]linkTypes]
	mappings      byPlace[memo[[]mappingTypes]] // by domain
	localPolicies memo[[]policyTypes]           // of the account
	awsPolicies   memo[[]policyTypes]
	clusters      memo[[]*dsql.GetClusterOutput]
	unreserved    memo[bool]                      // whether no function has concurrency reserved for it
	invokers      byPlace[memo[map[string]grant]] // the policies of functions and aliases
	records       byPlace[stock[recordSetTypes]]  // by hosted zone

	asked     map[string][]string // the names that the run has of a type; see counted
	groups    stock[logGroupTypes]
	tables    stock[struct{}]
	functions stock[functionTypes] // a version by function:version
	roles     stock[roleTypes]
	documents stock[documentTypes] // the account's managed policies
	buckets   stock[string]        // their regions
	domains   stock[domainNameTypes]
	graphs    stock[clusterTypes] // Neptune's
	instances stock[instanceTypes]
	grouped   stock[subnetGroupTypes] // subnets, for Neptune
	network   parts

	ways     ways
	allowed  allowed    // by lambda.addPermissions
	dividing sync.Mutex // held while a free range of a network is looked for and taken
	calls    *calls

	certs    byPlace[memo[[]certificateTypes]] // by region
	dists    memo[[]distributionTypes]
	named    byPlace[memo[string]] // the names in the tags of distributions, by their ARNs
	caching  memo[[]cachePolicyTypes]
	headers  memo[[]headersPolicyTypes]
	controls memo[[]accessControlTypes]

	run            string         // different for every provider: what makes a request of this run one that was made before
	copies         []*deploy.Node // of files.copy statements
	bucketPolicies sync.Map       // *sharedPolicy by bucket
}

var _ deploy.Provider = (*Provider)(nil)

// NewProvider returns AWS as the configuration says. It makes no calls. Of a Retryer in the configuration it takes the
// pauses; what is repeated is its own affair.
func NewProvider(cfg aws.Config) *Provider {
	given := cfg
	cfg = cfg.Copy()
	if cfg.Region == "" {
		cfg.Region = DefaultRegion
	}
	calls := &calls{number: map[string]int{}}
	cfg.APIOptions = append(cfg.APIOptions, stopBeforeCall, sdkbody.Plain, calls.count)
	cfg.Retryer = newRetryer(cfg.Retryer)
	return &Provider{
		config:    given,
		region:    cfg.Region,
		asked:     map[string][]string{},
		calls:     calls,
		ways:      newWays(),
		allowed:   newAllowed(),
		run:       rand.Text(),
		partition: "aws",
		// With an endpoint of its own, a bucket in the host name would need DNS to play along.
		s3:       s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = o.BaseEndpoint != nil }),
		ec2:      ec2.NewFromConfig(cfg),
		iam:      iam.NewFromConfig(cfg),
		sts:      sts.NewFromConfig(cfg),
		lambda:   lambda.NewFromConfig(cfg),
		dynamodb: dynamodb.NewFromConfig(cfg),
		dsql:     dsql.NewFromConfig(cfg),
		gateway:  apigatewayv2.NewFromConfig(cfg),
		route53:  route53.NewFromConfig(cfg),
		neptune:  neptune.NewFromConfig(cfg),
		logs:     cloudwatchlogs.NewFromConfig(cfg),
		acm:      acm.NewFromConfig(cfg),
		front:    cloudfront.NewFromConfig(cfg),
	}
}

// stopBeforeCall makes calls that begin after the run was cancelled fail at once, while one under way is finished.
func stopBeforeCall(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("quotewire.Stopping",
		func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			if err := deploy.Stopping(ctx); err != nil {
				return middleware.InitializeOutput{}, middleware.Metadata{}, err
			}
			return next.HandleInitialize(ctx, in)
		}), middleware.Before)
}

// Region is where the provider works.
func (p *Provider) Region() string { return p.region }

// arn is that of a resource of the run's region and account.
func (p *Provider) arn(service, resource string) string {
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", p.partition, service, p.region, p.account, resource)
}

// once is a token of the run for what makes one thing of that name, so that a request that is sent twice has one effect.
func (p *Provider) once(name string) string {
	sum := sha256.Sum256([]byte(p.run + " " + name))
	return hex.EncodeToString(sum[:16])
}

// Account is the number of the account, once Open has returned.
func (p *Provider) Account() string { return p.account }

// Again returns a provider for another run, which lists anew and knows already who asks.
func (p *Provider) Again() *Provider {
	q := NewProvider(p.config)
	q.account, q.partition = p.account, p.partition
	return q
}

// Open asks who the credentials belong to, unless it has asked before.
func (p *Provider) Open(ctx context.Context) error {
	if p.account != "" {
		return nil
	}
	out, err := p.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return err
	}
	p.account = aws.ToString(out.Account)
	if parts := strings.Split(aws.ToString(out.Arn), ":"); len(parts) > 1 {
		p.partition = parts[1]
	}
	return nil
}

// Expand implements [deploy.Provider].
func (p *Provider) Expand(g *deploy.Graph, s *check.Statement) error {
	switch s.Verb {
	case "files.copy":
		return expandCopy(p, g, s)
	case "attachPolicy":
		return expandAttach(p, g, s)
	}
	if s.Type != nil {
		if f := entries[s.Type.Name].expander(s.Verb); f != nil {
			return f(p, g, s)
		}
	}
	what := s.Verb
	if s.Type != nil && s.Type.Name != what {
		what += " " + s.Type.Name
	}
	return problem(s.Pos, "E32", "Leave it out; the reference of types lists what can be deployed.", "%s cannot be deployed yet", what)
}

// ensured adds the resource of an ensure statement, or takes the one that an equal statement has added.
func ensured(g *deploy.Graph, s *check.Statement, key deploy.Key, make func() deploy.Resource) (*deploy.Node, error) {
	n, err := g.Again(s, key)
	if err != nil {
		return nil, err
	}
	if n == nil {
		n = g.Add(s, key, make())
		for _, prop := range s.Props {
			g.Uses(n, prop.Value)
		}
	}
	g.Bind(s, n)
	return n, nil
}

// found binds a find statement to the resource that a statement above makes, or else adds a node that looks it up.
func found(g *deploy.Graph, s *check.Statement, key deploy.Key, r deploy.Resource) error {
	n := g.Lookup(key)
	if n == nil {
		n = g.Add(s, key, r)
		for _, prop := range s.Props {
			g.Uses(n, prop.Value)
		}
	}
	g.Bind(s, n)
	return nil
}

// problem is a diagnostic.
func problem(pos token.Position, code, hint, format string, args ...any) error {
	return token.Diagnostic{Pos: pos, Code: code, Message: fmt.Sprintf(format, args...), Hint: hint}
}

// lookup is the part of a resource that is only ever found.
type lookup struct{}

func (lookup) Plan() (deploy.Step, error) { return deploy.Step{}, nil }
func (lookup) Apply(context.Context) error {
	return errors.New("a resource that was looked up is never changed")
}
