package aws

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"quotewire/deploy"
	"quotewire/dply/check"
	"quotewire/dply/schema"
)

func init() {
	register(entry{Type: bucketType, ensure: ensureBucket, find: findBucket})
}

var bucketType = &schema.Type{
	Name: "aws.S3.Bucket", Ensure: true, Find: true, Self: "name", Files: true, Policies: true,
	Doc: "A bucket of S3, known by its name, which is unique in the whole world. A teardown empties it first.",
	Properties: []schema.Property{
		{Name: "Region", Kinds: texts, Doc: "Where the bucket lies. It cannot move.", Default: "the region of the run"},
	},
	Members: []schema.Member{nameMember("bucket"), arnMember("bucket"),
		{Name: "allResources", Kind: schema.String, Doc: "The ARN that means every object in the bucket."},
		{Name: "dnsName", Kind: schema.String, Doc: "The host name of the bucket."}},
}

func bucketKey(name string) deploy.Key { return deploy.Key{Type: "aws.S3.Bucket", Name: name} }

// bucket is an aws.S3.Bucket. Its name is the key: it belongs to one account in the whole world.
type bucket struct {
	p         *Provider
	graph     *deploy.Graph
	statement *check.Statement
	name      string
	region    string // where it is wanted: the script's Region or the run's
	exists    bool
	where     string // the region where it was found
}

func newBucket(p *Provider, g *deploy.Graph, s *check.Statement) *bucket {
	region, _ := g.String(s.Prop("Region"))
	if region == "" {
		region = p.region
	}
	p.counted(bucketType.Name, s.Name)
	return &bucket{p: p, graph: g, statement: s, name: s.Name, region: region}
}

func ensureBucket(p *Provider, g *deploy.Graph, s *check.Statement) error {
	_, err := ensured(g, s, bucketKey(s.Name), func() deploy.Resource { return newBucket(p, g, s) })
	return err
}

func findBucket(p *Provider, g *deploy.Graph, s *check.Statement) error {
	return found(g, s, bucketKey(s.Name), newBucket(p, g, s))
}

func (b *bucket) String() string { return "bucket " + b.name }
func (b *bucket) Exists() bool   { return b.exists }

func (b *bucket) Absent() (where, hint string) {
	return "", "Bucket names are unique in the whole world; make it with `ensure aws.S3.Bucket`."
}

// listBuckets lists the buckets of the account with their regions.
func (p *Provider) listBuckets() pages[string] {
	list := s3.NewListBucketsPaginator(p.s3, &s3.ListBucketsInput{MaxBuckets: aws.Int32(1000)})
	return func(ctx context.Context, add func(string, string)) (bool, error) {
		page, err := list.NextPage(ctx)
		if err != nil {
			return false, err
		}
		for _, b := range page.Buckets {
			add(aws.ToString(b.Name), aws.ToString(b.BucketRegion))
		}
		return list.HasMorePages(), nil
	}
}

// Read believes the list of the run only in what is there: a name that is not in it may belong to somebody else.
func (b *bucket) Read(ctx context.Context) error {
	if where, _ := b.p.buckets.get(ctx, b.p.many(bucketType.Name), b.name, b.p.listBuckets); where != nil && *where != "" {
		b.exists, b.where = true, *where
		return nil
	}
	return b.look(ctx)
}

// Reread asks for the bucket by its name.
func (b *bucket) Reread(ctx context.Context) error { return b.look(ctx) }

func (b *bucket) look(ctx context.Context) error {
	out, err := b.p.s3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &b.name}, b.inRegion)
	if is(err, "BadRequest") && b.region != b.p.region { // the signature names a region where it does not lie
		out, err = b.p.s3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &b.name})
	}
	if is(err, "NotFound", "NoSuchBucket") {
		return nil
	}
	// A bucket of another region answers with a redirection, or does not take the signature of this one. Both name it.
	if r, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && (r.HTTPStatusCode() == http.StatusMovedPermanently || r.HTTPStatusCode() == http.StatusBadRequest) {
		if where := r.HTTPResponse().Header.Get("X-Amz-Bucket-Region"); where != "" {
			b.exists, b.where = true, where
			return nil
		}
	}
	if err != nil {
		return err
	}
	b.exists, b.where = true, aws.ToString(out.BucketRegion)
	return nil
}

func (b *bucket) Plan() (deploy.Step, error) {
	if !b.exists {
		return deploy.Step{Action: deploy.Create}, nil
	}
	if b.where != "" && b.where != b.region {
		return deploy.Step{}, problem(b.statement.Pos, "E63", "A bucket cannot move. Give its Region in the script, or choose another name.",
			"bucket %s is in %s and is wanted in %s", b.name, b.where, b.region)
	}
	return deploy.Step{}, nil
}

func (b *bucket) Apply(ctx context.Context) error {
	in := &s3.CreateBucketInput{Bucket: &b.name}
	if b.region != "us-east-1" { // which must not be given as a constraint
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(b.region)}
	}
	_, err := b.p.s3.CreateBucket(ctx, in, b.inRegion)
	if err := ignore(err, "BucketAlreadyOwnedByYou"); err != nil {
		return err
	}
	b.exists, b.where = true, b.region
	return nil
}

func (b *bucket) inRegion(o *s3.Options) { o.Region = b.region }

// Delete empties the bucket first.
func (b *bucket) Delete(ctx context.Context) error {
	pages := s3.NewListObjectsV2Paginator(b.p.s3, &s3.ListObjectsV2Input{Bucket: &b.name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx, b.inRegion)
		if err != nil {
			return err
		}
		var ids []types.ObjectIdentifier
		for _, o := range page.Contents {
			ids = append(ids, types.ObjectIdentifier{Key: o.Key})
		}
		if len(ids) == 0 {
			continue
		}
		out, err := b.p.s3.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &b.name,
			Delete: &types.Delete{Objects: ids, Quiet: aws.Bool(true)}}, b.inRegion)
		if err != nil {
			return err
		}
		if len(out.Errors) > 0 {
			e := out.Errors[0]
			return fmt.Errorf("cannot delete object %s: %s: %s", aws.ToString(e.Key), aws.ToString(e.Code), aws.ToString(e.Message))
		}
	}
	_, err := b.p.s3.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &b.name}, b.inRegion)
	return ignore(err, "NoSuchBucket")
}

func (b *bucket) Member(name string) (any, bool) {
	switch name {
	case "name":
		return b.name, true
	case "arn":
		return "arn:" + b.p.partition + ":s3:::" + b.name, true
	case "allResources":
		return "arn:" + b.p.partition + ":s3:::" + b.name + "/*", true
	case "dnsName":
		return b.name + ".s3." + b.region + ".amazonaws.com", true
	}
	return nil, false
}

func (b *bucket) Outputs() []deploy.Output {
	return []deploy.Output{{Type: "aws.S3.Bucket", Resource: b.name, Name: "name", Value: b.name}}
}
