package aws

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront/types"

	"quotewire/dply/schema"
)

// How long CloudFront keeps a file, in seconds, where a policy does not say it.
const (
	defaultTTL = 86400
	maximumTTL = 31536000
)

func init() {
	registerModel(model{
		Type: &schema.Type{
			Name: "aws.CloudFront.CachePolicy", Self: "id",
			Doc:   "How long CloudFront keeps files, and by what it tells them apart: by their paths alone, compressed as the browser takes them.",
			Notes: "Policies of AWS, such as Managed-CachingOptimized, can be found by their names.",
			Properties: []schema.Property{
				{Name: "MinTTL", Kinds: numbers, Required: true, Max: 31536000, Doc: "Seconds that a file is kept at least, whatever the origin says."},
				{Name: "DefaultTTL", Kinds: numbers, Max: 31536000, Default: "86400, or MinTTL if that is more", Doc: "Seconds that a file is kept of which the origin says nothing."},
				{Name: "MaxTTL", Kinds: numbers, Max: 31536000, Default: "31536000", Doc: "Seconds that a file is kept at most; 0 keeps none."},
				{Name: "Comment", Kinds: texts, Doc: "What people read."},
			},
			Members: []schema.Member{idMember("policy"), nameMember("policy")},
		},
		noun: "cache policy", read: readCachePolicy, wants: wantCachePolicy, refuse: refuseCachePolicy,
		create: createCachePolicy, update: updateCachePolicy, remove: removeCachePolicy,
	}, true)
}

type cachePolicyTypes = types.CachePolicy

// cachePolicies lists those of the account and those of AWS.
func (v *values) cachePolicies(ctx context.Context) ([]types.CachePolicy, error) {
	if !v.listed {
		v.caching.forget()
	}
	return v.caching.get(func() ([]types.CachePolicy, error) {
		var all []types.CachePolicy
		for in := (&cloudfront.ListCachePoliciesInput{}); ; {
			out, err := v.front.ListCachePolicies(ctx, in)
			if err != nil {
				return nil, err
			}
			for _, item := range out.CachePolicyList.Items {
				all = append(all, *item.CachePolicy)
			}
			if in.Marker = out.CachePolicyList.NextMarker; aws.ToString(in.Marker) == "" {
				return all, nil
			}
		}
	})
}

func readCachePolicy(ctx context.Context, v *values) (*real, error) {
	all, err := v.cachePolicies(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		if c := p.CachePolicyConfig; aws.ToString(c.Name) == v.name {
			return &real{settings: settings{"MinTTL": number(aws.ToInt64(c.MinTTL)), "DefaultTTL": number(aws.ToInt64(c.DefaultTTL)), "MaxTTL": number(aws.ToInt64(c.MaxTTL)), "Comment": aws.ToString(c.Comment)},
				members: map[string]any{"id": aws.ToString(p.Id)}}, nil
		}
	}
	return nil, nil
}

// seconds returns a number of seconds, or def.
func (v *values) seconds(name string, def int64) int64 {
	return int64(v.graph.Number(v.value(name), float64(def)))
}

// ttls are the bounds and the default of a policy, as CloudFront fills in what is left out.
func (v *values) ttls() (least, usual, most int64) {
	least = v.seconds("MinTTL", 0)
	most = v.seconds("MaxTTL", max(least, maximumTTL))
	return least, v.seconds("DefaultTTL", min(max(least, defaultTTL), most)), most
}

func wantCachePolicy(v *values) settings {
	least, usual, most := v.ttls()
	return settings{"MinTTL": number(least), "DefaultTTL": number(usual), "MaxTTL": number(most), "Comment": v.text("Comment", "")}
}

// refuseCachePolicy finds times of which one is not within the others.
func refuseCachePolicy(v *values) error {
	least, usual, most := v.ttls()
	if least <= usual && usual <= most {
		return nil
	}
	at := v.value("MinTTL").Position()
	return problem(at, "E47", "MinTTL is the least and MaxTTL the greatest of the three.", "MinTTL %d, DefaultTTL %d and MaxTTL %d are not in order", least, usual, most)
}

func (v *values) cachePolicyConfig(c *types.CachePolicyConfig) *types.CachePolicyConfig {
	least, usual, most := v.ttls()
	c.Name, c.Comment = &v.name, aws.String(v.text("Comment", ""))
	c.MinTTL, c.DefaultTTL, c.MaxTTL = &least, &usual, &most
	if c.ParametersInCacheKeyAndForwardedToOrigin == nil {
		c.ParametersInCacheKeyAndForwardedToOrigin = &types.ParametersInCacheKeyAndForwardedToOrigin{
			CookiesConfig:      &types.CachePolicyCookiesConfig{CookieBehavior: types.CachePolicyCookieBehaviorNone},
			HeadersConfig:      &types.CachePolicyHeadersConfig{HeaderBehavior: types.CachePolicyHeaderBehaviorNone},
			QueryStringsConfig: &types.CachePolicyQueryStringsConfig{QueryStringBehavior: types.CachePolicyQueryStringBehaviorNone},
		}
	}
	// CloudFront refuses to tell compressed files apart that it does not keep.
	keeps := aws.Bool(most > 0)
	c.ParametersInCacheKeyAndForwardedToOrigin.EnableAcceptEncodingGzip, c.ParametersInCacheKeyAndForwardedToOrigin.EnableAcceptEncodingBrotli = keeps, keeps
	return c
}

func createCachePolicy(ctx context.Context, v *values) error {
	_, err := v.front.CreateCachePolicy(ctx, &cloudfront.CreateCachePolicyInput{CachePolicyConfig: v.cachePolicyConfig(&types.CachePolicyConfig{})})
	return err
}

// updateCachePolicy leaves what the script does not speak of as it is.
func updateCachePolicy(ctx context.Context, v *values, _ map[string]bool) error {
	id := v.found.member("id")
	return versioned(ctx, func(ctx context.Context) error {
		have, err := v.front.GetCachePolicy(ctx, &cloudfront.GetCachePolicyInput{Id: &id})
		if err == nil {
			_, err = v.front.UpdateCachePolicy(ctx, &cloudfront.UpdateCachePolicyInput{Id: &id, IfMatch: have.ETag, CachePolicyConfig: v.cachePolicyConfig(have.CachePolicy.CachePolicyConfig)})
		}
		return err
	})
}

func removeCachePolicy(ctx context.Context, v *values) error {
	id := v.found.member("id")
	return unused(ctx, "CachePolicyInUse", func(ctx context.Context) error {
		have, err := v.front.GetCachePolicy(ctx, &cloudfront.GetCachePolicyInput{Id: &id})
		if err == nil {
			_, err = v.front.DeleteCachePolicy(ctx, &cloudfront.DeleteCachePolicyInput{Id: &id, IfMatch: have.ETag})
		}
		return ignore(err, "NoSuchCachePolicy")
	})
}
