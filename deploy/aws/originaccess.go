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
			Name: "aws.CloudFront.OriginAccessControl", Self: "id",
			Doc: "How CloudFront signs its requests to an origin, so that the origin may be closed to everybody else.",
			Properties: []schema.Property{
				{Name: "OriginAccessControlOriginType", Kinds: texts, Enum: []string{"s3", "mediastore", "mediapackagev2", "lambda"}, Required: true, Doc: "What the origin is."},
				{Name: "SigningBehavior", Kinds: texts, Enum: []string{"always", "never", "no-override"}, Required: true, Doc: "Which requests are signed; with no-override those that are not signed by their sender."},
				{Name: "SigningProtocol", Kinds: texts, Enum: []string{"sigv4"}, Required: true, Doc: "How they are signed."},
			},
			Members: []schema.Member{idMember("origin access control"), nameMember("origin access control")},
		},
		noun: "origin access control", read: readAccessControl, wants: wantAccessControl,
		create: createAccessControl, update: updateAccessControl, remove: removeAccessControl,
	}, true)
}

type accessControlTypes = types.OriginAccessControlSummary

func (v *values) accessControls(ctx context.Context) ([]types.OriginAccessControlSummary, error) {
	if !v.listed {
		v.controls.forget()
	}
	return v.controls.get(func() ([]types.OriginAccessControlSummary, error) {
		var all []types.OriginAccessControlSummary
		pages := cloudfront.NewListOriginAccessControlsPaginator(v.front, &cloudfront.ListOriginAccessControlsInput{})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			all = append(all, page.OriginAccessControlList.Items...)
		}
		return all, nil
	})
}

func readAccessControl(ctx context.Context, v *values) (*real, error) {
	all, err := v.accessControls(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		if aws.ToString(c.Name) == v.name {
			return &real{settings: settings{"OriginAccessControlOriginType": string(c.OriginAccessControlOriginType),
				"SigningBehavior": string(c.SigningBehavior), "SigningProtocol": string(c.SigningProtocol)}, members: map[string]any{"id": aws.ToString(c.Id)}}, nil
		}
	}
	return nil, nil
}

func wantAccessControl(v *values) settings {
	return settings{"OriginAccessControlOriginType": v.text("OriginAccessControlOriginType", ""), "SigningBehavior": v.text("SigningBehavior", ""), "SigningProtocol": v.text("SigningProtocol", "")}
}

func (v *values) accessControlConfig(c *types.OriginAccessControlConfig) *types.OriginAccessControlConfig {
	c.Name = &v.name
	c.OriginAccessControlOriginType = types.OriginAccessControlOriginTypes(v.text("OriginAccessControlOriginType", ""))
	c.SigningBehavior = types.OriginAccessControlSigningBehaviors(v.text("SigningBehavior", ""))
	c.SigningProtocol = types.OriginAccessControlSigningProtocols(v.text("SigningProtocol", ""))
	return c
}

func createAccessControl(ctx context.Context, v *values) error {
	_, err := v.front.CreateOriginAccessControl(ctx, &cloudfront.CreateOriginAccessControlInput{OriginAccessControlConfig: v.accessControlConfig(&types.OriginAccessControlConfig{})})
	return err
}

func updateAccessControl(ctx context.Context, v *values, _ map[string]bool) error {
	id := v.found.member("id")
	return versioned(ctx, func(ctx context.Context) error {
		have, err := v.front.GetOriginAccessControl(ctx, &cloudfront.GetOriginAccessControlInput{Id: &id})
		if err == nil {
			_, err = v.front.UpdateOriginAccessControl(ctx, &cloudfront.UpdateOriginAccessControlInput{Id: &id, IfMatch: have.ETag,
				OriginAccessControlConfig: v.accessControlConfig(have.OriginAccessControl.OriginAccessControlConfig)})
		}
		return err
	})
}

func removeAccessControl(ctx context.Context, v *values) error {
	id := v.found.member("id")
	return unused(ctx, "OriginAccessControlInUse", func(ctx context.Context) error {
		have, err := v.front.GetOriginAccessControl(ctx, &cloudfront.GetOriginAccessControlInput{Id: &id})
		if err == nil {
			_, err = v.front.DeleteOriginAccessControl(ctx, &cloudfront.DeleteOriginAccessControlInput{Id: &id, IfMatch: have.ETag})
		}
		return ignore(err, "NoSuchOriginAccessControl")
	})
}
