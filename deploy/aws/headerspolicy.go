package aws

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront/types"

	"quotewire/dply/schema"
)

func init() {
	registerModel(model{
		Type: &schema.Type{
			Name: "aws.CloudFront.ResponseHeadersPolicy", Self: "id",
			Doc:   "A header that CloudFront adds to its answers, in place of the origin's.",
			Notes: "Policies of AWS, such as Managed-SecurityHeadersPolicy, can be found by their names.",
			Properties: []schema.Property{
				{Name: "Header", Kinds: texts, Required: true, Doc: "The name of the header, such as Cache-Control."},
				{Name: "Value", Kinds: texts, Required: true, Doc: "What it says."},
			},
			Members: []schema.Member{idMember("policy"), nameMember("policy")},
		},
		noun: "response headers policy", read: readHeadersPolicy, wants: wantHeadersPolicy,
		create: createHeadersPolicy, update: updateHeadersPolicy, remove: removeHeadersPolicy,
	}, true)
}

type headersPolicyTypes = types.ResponseHeadersPolicy

// headersPolicies lists those of the account and those of AWS.
func (v *values) headersPolicies(ctx context.Context) ([]types.ResponseHeadersPolicy, error) {
	if !v.listed {
		v.headers.forget()
	}
	return v.headers.get(func() ([]types.ResponseHeadersPolicy, error) {
		var all []types.ResponseHeadersPolicy
		for in := (&cloudfront.ListResponseHeadersPoliciesInput{}); ; {
			out, err := v.front.ListResponseHeadersPolicies(ctx, in)
			if err != nil {
				return nil, err
			}
			for _, item := range out.ResponseHeadersPolicyList.Items {
				all = append(all, *item.ResponseHeadersPolicy)
			}
			if in.Marker = out.ResponseHeadersPolicyList.NextMarker; aws.ToString(in.Marker) == "" {
				return all, nil
			}
		}
	})
}

// readHeadersPolicy knows policies with one header. Of another one it says that it has none, which an update puts right.
func readHeadersPolicy(ctx context.Context, v *values) (*real, error) {
	all, err := v.headersPolicies(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		if c := p.ResponseHeadersPolicyConfig; aws.ToString(c.Name) == v.name {
			r := &real{settings: settings{"Header": "", "Value": ""}, members: map[string]any{"id": aws.ToString(p.Id)}}
			if c.CustomHeadersConfig != nil && len(c.CustomHeadersConfig.Items) == 1 {
				h := c.CustomHeadersConfig.Items[0]
				r.settings["Header"], r.settings["Value"] = aws.ToString(h.Header), aws.ToString(h.Value)
			}
			return r, nil
		}
	}
	return nil, nil
}

func wantHeadersPolicy(v *values) settings {
	return settings{"Header": v.text("Header", ""), "Value": v.text("Value", "")}
}

func (v *values) headersPolicyConfig(c *types.ResponseHeadersPolicyConfig) *types.ResponseHeadersPolicyConfig {
	c.Name = &v.name
	c.CustomHeadersConfig = &types.ResponseHeadersPolicyCustomHeadersConfig{Quantity: aws.Int32(1), Items: []types.ResponseHeadersPolicyCustomHeader{
		{Header: aws.String(v.text("Header", "")), Value: aws.String(v.text("Value", "")), Override: aws.Bool(true)}}}
	return c
}

func createHeadersPolicy(ctx context.Context, v *values) error {
	_, err := v.front.CreateResponseHeadersPolicy(ctx, &cloudfront.CreateResponseHeadersPolicyInput{ResponseHeadersPolicyConfig: v.headersPolicyConfig(&types.ResponseHeadersPolicyConfig{})})
	return err
}

// updateHeadersPolicy leaves what the script does not speak of as it is.
func updateHeadersPolicy(ctx context.Context, v *values, _ map[string]bool) error {
	id := v.found.member("id")
	return versioned(ctx, func(ctx context.Context) error {
		have, err := v.front.GetResponseHeadersPolicy(ctx, &cloudfront.GetResponseHeadersPolicyInput{Id: &id})
		if err == nil {
			_, err = v.front.UpdateResponseHeadersPolicy(ctx, &cloudfront.UpdateResponseHeadersPolicyInput{Id: &id, IfMatch: have.ETag,
				ResponseHeadersPolicyConfig: v.headersPolicyConfig(have.ResponseHeadersPolicy.ResponseHeadersPolicyConfig)})
		}
		return err
	})
}

func removeHeadersPolicy(ctx context.Context, v *values) error {
	id := v.found.member("id")
	return unused(ctx, "ResponseHeadersPolicyInUse", func(ctx context.Context) error {
		have, err := v.front.GetResponseHeadersPolicy(ctx, &cloudfront.GetResponseHeadersPolicyInput{Id: &id})
		if err == nil {
			_, err = v.front.DeleteResponseHeadersPolicy(ctx, &cloudfront.DeleteResponseHeadersPolicyInput{Id: &id, IfMatch: have.ETag})
		}
		return ignore(err, "NoSuchResponseHeadersPolicy")
	})
}
