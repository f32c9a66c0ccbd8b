package aws

import "quotewire/dply/schema"

// A behavior exists only inside a distribution: coin gives it a name, and the distribution reads its properties.
func init() {
	register(entry{Type: &schema.Type{
		Name: "aws.CloudFront.CacheBehavior", Coin: true,
		Doc:   "What a distribution does about the files of a path. It is a part of the distributions that name it in CacheBehaviors, and nothing by itself.",
		Notes: "Browsers that come by http are sent to https.",
		Properties: []schema.Property{
			{Name: "PathPattern", Kinds: texts, Required: true, Doc: "The paths that it is for, such as *.json or /prices/*. The first behavior that fits a path counts."},
			{Name: "CachePolicy", Kinds: objects, Objects: []string{"aws.CloudFront.CachePolicy"}, Required: true, Doc: "How long the files are kept: a policy, or its id."},
			{Name: "ResponseHeadersPolicy", Kinds: objects, Objects: []string{"aws.CloudFront.ResponseHeadersPolicy"}, Required: true, Doc: "The header that is added: a policy, or its id."},
			{Name: "TargetOriginId", Kinds: texts, Required: true, Doc: "The origin, as the distribution calls it."},
		},
	}})
}
