package faults

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront/types"
	"github.com/aws/aws-sdk-go-v2/service/dsql"
	"github.com/aws/aws-sdk-go-v2/service/neptune"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// graphs lists what Neptune has.
func graphs(ctx context.Context, cfg aws.Config, note func(string, ...any)) error {
	client := neptune.NewFromConfig(cfg)
	subnets, err := client.DescribeDBSubnetGroups(ctx, &neptune.DescribeDBSubnetGroupsInput{})
	if err != nil {
		return err
	}
	for _, g := range subnets.DBSubnetGroups {
		note("subnet group %s of %d subnets", *g.DBSubnetGroupName, len(g.Subnets))
	}
	clusters, err := client.DescribeDBClusters(ctx, &neptune.DescribeDBClustersInput{})
	if err != nil {
		return err
	}
	for _, c := range clusters.DBClusters {
		note("Neptune cluster %s, %s, up to %g", *c.DBClusterIdentifier, *c.Status, aws.ToFloat64(c.ServerlessV2ScalingConfiguration.MaxCapacity))
	}
	instances, err := client.DescribeDBInstances(ctx, &neptune.DescribeDBInstancesInput{})
	if err != nil {
		return err
	}
	for _, i := range instances.DBInstances {
		note("Neptune instance %s of %s, %s", *i.DBInstanceIdentifier, *i.DBInstanceClass, *i.DBInstanceStatus)
	}
	return nil
}

// rows lists what Aurora DSQL has.
func rows(ctx context.Context, cfg aws.Config, note func(string, ...any)) error {
	client := dsql.NewFromConfig(cfg)
	out, err := client.ListClusters(ctx, &dsql.ListClustersInput{})
	if err != nil {
		return err
	}
	for _, c := range out.Clusters {
		one, err := client.GetCluster(ctx, &dsql.GetClusterInput{Identifier: c.Identifier})
		if err != nil {
			return err
		}
		note("DSQL cluster %s, protected %t", one.Tags["Name"], aws.ToBool(one.DeletionProtectionEnabled))
	}
	return nil
}

// site lists what a site consists of beside its bucket and its names.
func site(ctx context.Context, cfg aws.Config, note func(string, ...any)) error {
	client := cloudfront.NewFromConfig(cfg)
	out, err := client.ListDistributions(ctx, &cloudfront.ListDistributionsInput{})
	if err != nil {
		return err
	}
	if out.DistributionList != nil {
		for _, d := range out.DistributionList.Items {
			if err := distribution(ctx, client, *d.Id, note); err != nil {
				return err
			}
		}
	}
	caches := &cloudfront.ListCachePoliciesInput{Type: types.CachePolicyTypeCustom}
	for {
		page, err := client.ListCachePolicies(ctx, caches)
		if err != nil {
			return err
		}
		for _, p := range page.CachePolicyList.Items {
			note("cache policy %s from %d", *p.CachePolicy.CachePolicyConfig.Name, *p.CachePolicy.CachePolicyConfig.MinTTL)
		}
		if caches.Marker = page.CachePolicyList.NextMarker; caches.Marker == nil {
			break
		}
	}
	headers := &cloudfront.ListResponseHeadersPoliciesInput{Type: types.ResponseHeadersPolicyTypeCustom}
	for {
		page, err := client.ListResponseHeadersPolicies(ctx, headers)
		if err != nil {
			return err
		}
		for _, p := range page.ResponseHeadersPolicyList.Items {
			note("response headers policy %s of %s", *p.ResponseHeadersPolicy.ResponseHeadersPolicyConfig.Name, *p.ResponseHeadersPolicy.ResponseHeadersPolicyConfig.CustomHeadersConfig.Items[0].Value)
		}
		if headers.Marker = page.ResponseHeadersPolicyList.NextMarker; headers.Marker == nil {
			break
		}
	}
	controls, err := client.ListOriginAccessControls(ctx, &cloudfront.ListOriginAccessControlsInput{})
	if err != nil {
		return err
	}
	if controls.OriginAccessControlList != nil {
		for _, c := range controls.OriginAccessControlList.Items {
			note("origin access control %s", *c.Name)
		}
	}
	certificates, err := acm.NewFromConfig(cfg).ListCertificates(ctx, &acm.ListCertificatesInput{})
	if err != nil {
		return err
	}
	for _, c := range certificates.CertificateSummaryList {
		note("certificate for %s", *c.DomainName)
	}
	return bucketPolicies(ctx, cfg, note)
}

func distribution(ctx context.Context, client *cloudfront.Client, id string, note func(string, ...any)) error {
	out, err := client.GetDistribution(ctx, &cloudfront.GetDistributionInput{Id: &id})
	if err != nil {
		return err
	}
	var paths []string
	if b := out.Distribution.DistributionConfig.CacheBehaviors; b != nil {
		for _, behavior := range b.Items {
			paths = append(paths, *behavior.PathPattern)
		}
	}
	note("distribution %s for %q, behaviors %q", *out.Distribution.DistributionConfig.Comment, out.Distribution.DistributionConfig.Aliases.Items, paths)
	// Files that were copied are fetched anew. A run that cannot know whether the one before it has said so says it again.
	list, err := client.ListInvalidations(ctx, &cloudfront.ListInvalidationsInput{DistributionId: &id})
	if err != nil {
		return err
	}
	note("invalidated %t", len(list.InvalidationList.Items) > 0)
	return nil
}

// bucketPolicies lists who may read buckets.
func bucketPolicies(ctx context.Context, cfg aws.Config, note func(string, ...any)) error {
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	out, err := client.ListBuckets(ctx, &s3.ListBucketsInput{})
	if err != nil {
		return err
	}
	for _, b := range out.Buckets {
		if policy, err := client.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: b.Name}); err == nil {
			note("policy of bucket %s with %s", *b.Name, slices.Sorted(slices.Values(sid.FindAllString(*policy.Policy, -1))))
		}
	}
	return nil
}

// zone lists the records of the hosted zones.
func zone(ctx context.Context, cfg aws.Config, note func(string, ...any)) error {
	client := route53.NewFromConfig(cfg)
	zones, err := client.ListHostedZones(ctx, &route53.ListHostedZonesInput{})
	if err != nil {
		return err
	}
	for _, z := range zones.HostedZones {
		out, err := client.ListResourceRecordSets(ctx, &route53.ListResourceRecordSetsInput{HostedZoneId: z.Id})
		if err != nil {
			return err
		}
		for _, r := range out.ResourceRecordSets {
			name, err := url.PathUnescape(*r.Name)
			if err != nil {
				return err
			}
			if strings.HasPrefix(name, "_") {
				name = "that validates a name" // which is chosen by chance
			}
			note("record %s %s of %d values", name, r.Type, len(r.ResourceRecords))
		}
	}
	return nil
}
