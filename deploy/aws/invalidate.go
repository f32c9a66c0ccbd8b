package aws

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"quotewire/deploy"
	"quotewire/dply/check"
	"quotewire/dply/schema"
)

// invalidationsToAsk is how many of the last invalidations are asked for their paths: CloudFront does not list them.
const invalidationsToAsk = 10

func init() {
	register(entry{Type: &schema.Type{
		Name: "cloudfront.invalidate",
		Doc: "Makes CloudFront fetch files anew, of the distribution whose id stands on the line. It comes after all files.copy above it, and is left out " +
			"when no file of the bucket is newer than the last invalidation of the same paths. It does not wait until all places have heard of it.",
		Properties: []schema.Property{
			{Name: "Distribution", Kinds: objects, Objects: []string{"aws.CloudFront.Distribution", "cloudfront.distribution.fromS3"}, Doc: "The distribution, or its id, in place of the one on the line."},
			{Name: "Paths", Kinds: lists, Default: `["/*"]`, Doc: "The paths, each beginning with a slash; * at the end stands for all that begin so."},
		},
	}, verb: expandInvalidate})
}

// invalidation is the task of cloudfront.invalidate.
type invalidation struct {
	p            *Provider
	graph        *deploy.Graph
	distribution check.Value
	maker        *deploy.Node // of the distribution, if the script has it
	paths        []string     // sorted
	copies       []*deploy.Node

	known bool // the distribution was there when the run began
	stale bool // a file is newer than the last invalidation, or there was none
}

func expandInvalidate(p *Provider, g *deploy.Graph, s *check.Statement) error {
	i := &invalidation{p: p, graph: g, distribution: s.Prop("Distribution"), paths: []string{"/*"}, copies: slices.Clone(p.copies)}
	if len(s.Args) > 0 {
		i.distribution = s.Args[0]
	}
	if v := s.Prop("Paths"); v != nil {
		i.paths, _ = g.Strings(v)
		for _, path := range i.paths {
			if !strings.HasPrefix(path, "/") {
				return problem(v.Position(), "E47", "Write the path from the root, such as \"/prices/*\".", "invalid path %q: it does not begin with a slash", path)
			}
		}
		slices.Sort(i.paths)
	}
	if r, ok := i.distribution.(check.Reference); ok {
		i.maker = g.Bound(r.Statement)
	}
	g.Uses(g.Add(s, deploy.Key{Type: s.Verb, Name: s.Pos.String()}, i).Needs(i.copies...), i.distribution)
	return nil
}

func (i *invalidation) String() string            { return "invalidation of " + i.name() }
func (i *invalidation) Exists() bool              { return false }
func (i *invalidation) Member(string) (any, bool) { return nil, false }

func (i *invalidation) name() string {
	if i.maker != nil {
		return i.maker.Resource.String()
	}
	id, _ := i.graph.String(i.distribution)
	return "distribution " + id
}

// Read compares the files with the last invalidation.
func (i *invalidation) Read(ctx context.Context) error {
	id, known := i.graph.String(i.distribution)
	if !known || i.graph.Options.Mode != deploy.Deploy {
		return nil
	}
	out, err := i.p.front.GetDistributionConfig(ctx, &cloudfront.GetDistributionConfigInput{Id: &id})
	if err != nil {
		return err
	}
	i.known = true
	last, err := i.last(ctx, id)
	if err != nil {
		return err
	}
	newest, err := i.newest(ctx, out.DistributionConfig)
	i.stale = last.IsZero() || newest.After(last)
	return err
}

// last is when these paths were last invalidated, zero if never.
func (i *invalidation) last(ctx context.Context, id string) (time.Time, error) {
	list, err := i.p.front.ListInvalidations(ctx, &cloudfront.ListInvalidationsInput{DistributionId: &id}) // the newest first
	if err != nil {
		return time.Time{}, err
	}
	items := list.InvalidationList.Items
	slices.SortStableFunc(items, func(a, b types.InvalidationSummary) int {
		return aws.ToTime(b.CreateTime).Compare(aws.ToTime(a.CreateTime))
	})
	for _, item := range items[:min(len(items), invalidationsToAsk)] {
		one, err := i.p.front.GetInvalidation(ctx, &cloudfront.GetInvalidationInput{DistributionId: &id, Id: item.Id})
		if err != nil {
			return time.Time{}, err
		}
		if paths := one.Invalidation.InvalidationBatch.Paths; paths != nil && slices.Equal(slices.Sorted(slices.Values(paths.Items)), i.paths) {
			return aws.ToTime(item.CreateTime), nil
		}
	}
	return time.Time{}, nil
}

// newest is when a file of the distribution's buckets was last written. Of an origin that is no bucket nothing is known:
// its files are taken to be new.
func (i *invalidation) newest(ctx context.Context, c *types.DistributionConfig) (time.Time, error) {
	var newest time.Time
	for _, o := range c.Origins.Items {
		name, rest, isBucket := strings.Cut(aws.ToString(o.DomainName), ".s3.")
		region, _, _ := strings.Cut(rest, ".")
		if !isBucket || region == "" {
			return time.Now(), nil
		}
		pages := s3.NewListObjectsV2Paginator(i.p.s3, &s3.ListObjectsV2Input{Bucket: &name})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx, func(o *s3.Options) { o.Region = region })
			if is(err, "NoSuchBucket") {
				break
			}
			if err != nil {
				return newest, err
			}
			for _, object := range page.Contents {
				if at := aws.ToTime(object.LastModified); at.After(newest) {
					newest = at
				}
			}
		}
	}
	return newest, nil
}

func (i *invalidation) Plan() (deploy.Step, error) {
	due := !i.known || i.stale
	for _, n := range i.copies {
		step, err := n.Resource.Plan()
		if err != nil {
			return deploy.Step{}, err
		}
		due = due || step.Action != deploy.None
	}
	if !due {
		return deploy.Step{}, nil
	}
	return deploy.Step{Action: deploy.Act, Changes: []deploy.Change{{Property: strings.Join(i.paths, ", ")}}}, nil
}

// Apply asks for it once in a run: a second request with the same reference is the same request.
func (i *invalidation) Apply(ctx context.Context) error {
	id, _ := i.graph.String(i.distribution)
	_, err := i.p.front.CreateInvalidation(ctx, &cloudfront.CreateInvalidationInput{DistributionId: &id, InvalidationBatch: &types.InvalidationBatch{
		CallerReference: aws.String(i.p.once(id + strings.Join(i.paths, " "))),
		Paths:           &types.Paths{Quantity: aws.Int32(int32(len(i.paths))), Items: i.paths}}})
	if err == nil {
		i.known, i.stale = true, false
	}
	return err
}
