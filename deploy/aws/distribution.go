package aws

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront/types"
	"golang.org/x/sync/errgroup"

	"quotewire/deploy"
	"quotewire/dply/check"
	"quotewire/dply/schema"
)

const (
	// distributionTagKey is the tag by whose value a distribution is recognised: CloudFront gives them no names.
	distributionTagKey = "deployer-name"
	// distributionZone is the hosted zone in which every distribution has its name.
	distributionZone = "Z2FDTNDATAQYW2"
	// certificatesOfCloudFront is the region whose certificates CloudFront takes.
	certificatesOfCloudFront = "us-east-1"
	// tagReads is how many distributions are asked for their tags at a time.
	tagReads = 4
)

// What a distribution and what cloudfront.distribution.fromS3 have in common.
var (
	commentProperty     = schema.Property{Name: "Comment", Kinds: texts, Required: true, Doc: "What people read in the console."}
	domainProperty      = schema.Property{Name: "Domain", Kinds: lists, With: "Certificate", Default: "none", Doc: "The names under which browsers may ask, which its certificate is for. Each needs a record, such as an aws.Route53.ALIAS."}
	certificateProperty = schema.Property{Name: "Certificate", Kinds: objects, Objects: []string{"aws.CertificateManager.Certificate"}, Default: "that of CloudFront's own name", Doc: "The certificate for the names: one of us-east-1, or its ARN."}
	defaultRootProperty = schema.Property{Name: "DefaultRoot", Kinds: texts, Default: "none", Doc: "The file that stands for the root, such as index.html."}
	priceClassProperty  = schema.Property{Name: "PriceClass", Kinds: texts, Enum: []string{"PriceClass_100", "PriceClass_200", "PriceClass_All"}, Default: "PriceClass_All, or what it has", Doc: "From which places of the world CloudFront answers."}

	distributionMembers = []schema.Member{arnMember("distribution"), nameMember("distribution"),
		{Name: "distributionId", Kind: schema.String, Doc: "The id of the distribution."},
		{Name: "domainName", Kind: schema.String, Doc: "The name under which CloudFront answers."},
		{Name: "zoneId", Kind: schema.String, Doc: "The hosted zone of that name, for an aws.Route53.ALIAS."}}
)

func init() {
	registerModel(model{
		Type: &schema.Type{
			Name: "aws.CloudFront.Distribution", Self: "distributionId",
			Doc: "A distribution of CloudFront in front of a bucket, recognised by its tag " + distributionTagKey + ". See cloudfront.distribution.fromS3 for one with all its parts.",
			Notes: "Browsers that come by http are sent to https. What the script does not speak of, such as logging or a firewall, is left as it is. " +
				"A change is ready when it has reached all places, which takes minutes. A teardown disables the distribution, waits for that to reach all places, and deletes it.",
			Properties: []schema.Property{
				commentProperty,
				{Name: "OriginDNS", Kinds: texts, Required: true, Doc: "The host name of the bucket: bucket->dnsName."},
				{Name: "TargetOriginId", Kinds: texts, Required: true, Doc: "What the distribution calls its origin."},
				{Name: "CachePolicy", Kinds: objects, Objects: []string{"aws.CloudFront.CachePolicy"}, Required: true, Doc: "How long files are kept for which no behavior says otherwise: a policy, or its id."},
				{Name: "OriginAccessControl", Kinds: objects, Objects: []string{"aws.CloudFront.OriginAccessControl"}, Required: true, Doc: "How requests to the bucket are signed: an origin access control, or its id."},
				{Name: "CacheBehaviors", Kinds: lists, Items: []schema.Kind{schema.Object}, Objects: []string{"aws.CloudFront.CacheBehavior"}, Default: "none", Doc: "What is different for some paths, in order: the first that fits counts."},
				domainProperty, certificateProperty, defaultRootProperty, priceClassProperty,
				{Name: "Enabled", Kinds: booleans, Default: "true", Doc: "Whether it answers."},
			},
			Members: distributionMembers,
		},
		noun: "distribution", outputs: []string{"distributionId", "domainName"}, wait: distributionWait,
		rests: []string{"CachePolicy", "OriginAccessControl", "CacheBehaviors", "Certificate"},
		read:  readDistribution, wants: wantDistribution, refuse: refuseDistribution,
		create: createDistribution, update: updateDistribution, remove: removeDistribution,
	}, true)
}

type distributionTypes = types.DistributionSummary

// distributions lists all of the account. Their tags are not on the list.
func (v *values) distributions(ctx context.Context) ([]types.DistributionSummary, error) {
	if !v.listed {
		v.dists.forget()
	}
	return v.dists.get(func() ([]types.DistributionSummary, error) {
		var all []types.DistributionSummary
		pages := cloudfront.NewListDistributionsPaginator(v.front, &cloudfront.ListDistributionsInput{})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			all = append(all, page.DistributionList.Items...)
		}
		return all, nil
	})
}

// resembles reports whether a distribution has the comment, the origin or a name of the one that the script describes.
func (v *values) resembles(d types.DistributionSummary) bool {
	if v.has("Comment") && aws.ToString(d.Comment) == v.text("Comment", "") {
		return true
	}
	if d.Origins != nil && v.has("OriginDNS") {
		origin := v.text("OriginDNS", "")
		if slices.ContainsFunc(d.Origins.Items, func(o types.Origin) bool { return aws.ToString(o.DomainName) == origin }) {
			return true
		}
	}
	names := v.aliases()
	return d.Aliases != nil && slices.ContainsFunc(d.Aliases.Items, func(name string) bool { return slices.Contains(names, name) })
}

// distributionsNamed returns the ids of the distributions that have the name in their tag. CloudFront has to be asked for the
// tags of each, so those that resemble it come first: the others are asked only if it is none of them.
func (v *values) distributionsNamed(ctx context.Context) (ids []string, err error) {
	all, err := v.distributions(ctx)
	if err != nil {
		return nil, err
	}
	var likely, others []types.DistributionSummary
	for _, d := range all {
		if v.resembles(d) {
			likely = append(likely, d)
		} else {
			others = append(others, d)
		}
	}
	for _, list := range [][]types.DistributionSummary{likely, others} {
		names := make([]string, len(list))
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(tagReads)
		for i, d := range list {
			group.Go(func() (err error) {
				names[i], err = v.distributionName(ctx, d.ARN)
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return nil, err
		}
		for i, d := range list {
			if names[i] == v.name {
				ids = append(ids, aws.ToString(d.Id))
			}
		}
		if ids != nil {
			return ids, nil
		}
	}
	return nil, nil
}

// distributionName is the name that the tag of a distribution gives it, or "".
func (v *values) distributionName(ctx context.Context, arn *string) (string, error) {
	return v.named.of(*arn).get(func() (string, error) {
		out, err := v.front.ListTagsForResource(ctx, &cloudfront.ListTagsForResourceInput{Resource: arn})
		if err != nil {
			return "", ignore(err, "NoSuchResource") // it was deleted since it was listed
		}
		for _, t := range out.Tags.Items {
			if aws.ToString(t.Key) == distributionTagKey {
				return aws.ToString(t.Value), nil
			}
		}
		return "", nil
	})
}

// readDistribution asks for the distribution that it has found before, or looks for the one with the name in its tag.
func readDistribution(ctx context.Context, v *values) (*real, error) {
	id := v.found.member("distributionId")
	if id == "" {
		ids, err := v.distributionsNamed(ctx)
		if err != nil {
			return nil, err
		}
		if len(ids) > 1 {
			return nil, fmt.Errorf("%d distributions have the tag %s=%s, and which is meant cannot be told: %s", len(ids), distributionTagKey, v.name, strings.Join(ids, ", "))
		}
		if len(ids) == 0 {
			return nil, nil
		}
		id = ids[0]
	}
	out, err := v.front.GetDistribution(ctx, &cloudfront.GetDistributionInput{Id: &id})
	if is(err, "NoSuchDistribution") {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	d := out.Distribution
	return &real{settings: distributionSettings(d.DistributionConfig), busy: aws.ToString(d.Status) != "Deployed",
		members: map[string]any{"arn": aws.ToString(d.ARN), "distributionId": id, "domainName": aws.ToString(d.DomainName), "zoneId": distributionZone}}, nil
}

// distributionSettings are what the script can say of a distribution, as it is.
func distributionSettings(c *types.DistributionConfig) settings {
	s := settings{"Comment": aws.ToString(c.Comment), "DefaultRoot": aws.ToString(c.DefaultRootObject), "Domain": "", "Certificate": "",
		"PriceClass": string(c.PriceClass), "Enabled": yes(aws.ToBool(c.Enabled))}
	if c.Aliases != nil {
		s["Domain"] = sorted(c.Aliases.Items)
	}
	if c.ViewerCertificate != nil {
		s["Certificate"] = aws.ToString(c.ViewerCertificate.ACMCertificateArn)
	}
	if b := c.DefaultCacheBehavior; b != nil {
		s["TargetOriginId"], s["CachePolicy"] = aws.ToString(b.TargetOriginId), aws.ToString(b.CachePolicyId)
	}
	if o := originOf(c, s["TargetOriginId"]); o != nil {
		s["OriginDNS"], s["OriginAccessControl"] = aws.ToString(o.DomainName), aws.ToString(o.OriginAccessControlId)
	}
	var all []string
	if c.CacheBehaviors != nil {
		for _, b := range c.CacheBehaviors.Items {
			all = append(all, behavior{aws.ToString(b.PathPattern), aws.ToString(b.TargetOriginId), aws.ToString(b.CachePolicyId), aws.ToString(b.ResponseHeadersPolicyId)}.String())
		}
	}
	s["CacheBehaviors"] = strings.Join(all, ", ")
	return s
}

// originOf is the origin of that id, or nil.
func originOf(c *types.DistributionConfig, id string) *types.Origin {
	if c.Origins == nil {
		return nil
	}
	for i := range c.Origins.Items {
		if aws.ToString(c.Origins.Items[i].Id) == id {
			return &c.Origins.Items[i]
		}
	}
	return nil
}

// behavior is what the script can say of one.
type behavior struct{ path, origin, caching, headers string }

func (b behavior) String() string {
	return fmt.Sprintf("%s of %s with %s and %s", b.path, b.origin, b.caching, b.headers)
}

func (v *values) behaviors() []behavior {
	var all []behavior
	for _, m := range v.maps("CacheBehaviors") {
		all = append(all, behavior{entryOf(m, "PathPattern", ""), entryOf(m, "TargetOriginId", ""), entryOf(m, "CachePolicy", ""), entryOf(m, "ResponseHeadersPolicy", "")})
	}
	return all
}

func wantDistribution(v *values) settings {
	var all []string
	for _, b := range v.behaviors() {
		all = append(all, b.String())
	}
	want := settings{"CacheBehaviors": strings.Join(all, ", "), "Domain": sorted(v.aliases()), "Enabled": yes(v.flag("Enabled", true))}
	for _, name := range []string{"Comment", "OriginDNS", "TargetOriginId", "CachePolicy", "OriginAccessControl", "Certificate", "DefaultRoot"} {
		want[name] = v.text(name, "")
	}
	if v.has("PriceClass") {
		want["PriceClass"] = v.text("PriceClass", "")
	}
	return want
}

// aliases are the names, as CloudFront keeps them.
func (v *values) aliases() []string {
	var all []string
	for _, name := range v.list("Domain") {
		all = append(all, strings.ToLower(name))
	}
	return all
}

// refuseDistribution finds what CloudFront refuses, before anything is made.
func refuseDistribution(v *values) error {
	if root := v.text("DefaultRoot", ""); strings.HasPrefix(root, "/") {
		return problem(v.value("DefaultRoot").Position(), "E47", "Write it without the slash, such as \"index.html\".", "invalid DefaultRoot %q: it begins with a slash", root)
	}
	if region := v.certificatesRegion(); region != certificatesOfCloudFront {
		return problem(v.value("Certificate").Position(), "E47", fmt.Sprintf("Give the certificate the line Region <- %q.", certificatesOfCloudFront),
			"the certificate lies in %s, and CloudFront takes those of %s only", region, certificatesOfCloudFront)
	}
	return nil
}

// certificatesRegion is where the certificate lies, which is known before its ARN if the script describes it.
func (v *values) certificatesRegion() string {
	certificate := v.value("Certificate")
	if certificate == nil {
		return certificatesOfCloudFront
	}
	if r, ok := certificate.(check.Reference); ok {
		region, _ := v.graph.String(r.Statement.Prop("Region"))
		return cmp.Or(region, v.region)
	}
	parts := strings.Split(v.text("Certificate", ""), ":") // arn:aws:acm:REGION:…
	if len(parts) < 4 {
		return certificatesOfCloudFront // CloudFront will say what is wrong with it
	}
	return parts[3]
}

// distributionConfig puts what the script says into a configuration, and leaves the rest of it.
func (v *values) distributionConfig(c *types.DistributionConfig) *types.DistributionConfig {
	c.Comment, c.DefaultRootObject, c.Enabled = aws.String(v.text("Comment", "")), aws.String(v.text("DefaultRoot", "")), aws.Bool(v.flag("Enabled", true))
	names := v.aliases()
	c.Aliases = &types.Aliases{Quantity: aws.Int32(int32(len(names))), Items: names}
	if v.has("PriceClass") || c.PriceClass == "" {
		c.PriceClass = types.PriceClass(v.text("PriceClass", string(types.PriceClassPriceClassAll)))
	}
	v.origin(c)

	if c.DefaultCacheBehavior == nil {
		c.DefaultCacheBehavior = &types.DefaultCacheBehavior{Compress: aws.Bool(true), ViewerProtocolPolicy: types.ViewerProtocolPolicyRedirectToHttps}
	}
	d := c.DefaultCacheBehavior
	d.TargetOriginId, d.CachePolicyId = aws.String(v.text("TargetOriginId", "")), aws.String(v.text("CachePolicy", ""))
	d.ForwardedValues, d.MinTTL, d.DefaultTTL, d.MaxTTL = nil, nil, nil, nil // which the policy replaces

	before := c.CacheBehaviors
	c.CacheBehaviors = &types.CacheBehaviors{}
	for _, want := range v.behaviors() {
		b := types.CacheBehavior{PathPattern: &want.path, Compress: aws.Bool(true), ViewerProtocolPolicy: types.ViewerProtocolPolicyRedirectToHttps}
		if before != nil {
			if i := slices.IndexFunc(before.Items, func(b types.CacheBehavior) bool { return aws.ToString(b.PathPattern) == want.path }); i >= 0 {
				b = before.Items[i]
			}
		}
		b.TargetOriginId, b.CachePolicyId, b.ResponseHeadersPolicyId = &want.origin, &want.caching, &want.headers
		b.ForwardedValues, b.MinTTL, b.DefaultTTL, b.MaxTTL = nil, nil, nil, nil
		c.CacheBehaviors.Items = append(c.CacheBehaviors.Items, b)
	}
	c.CacheBehaviors.Quantity = aws.Int32(int32(len(c.CacheBehaviors.Items)))

	switch arn := v.text("Certificate", ""); {
	case arn == "":
		c.ViewerCertificate = &types.ViewerCertificate{CloudFrontDefaultCertificate: aws.Bool(true)}
	case c.ViewerCertificate == nil || aws.ToString(c.ViewerCertificate.ACMCertificateArn) != arn:
		c.ViewerCertificate = &types.ViewerCertificate{ACMCertificateArn: &arn, SSLSupportMethod: types.SSLSupportMethodSniOnly,
			MinimumProtocolVersion: types.MinimumProtocolVersionTLSv122021}
	}
	return c
}

// origin makes the bucket the one origin, and keeps what an origin of that id has besides.
func (v *values) origin(c *types.DistributionConfig) {
	id := v.text("TargetOriginId", "")
	o := originOf(c, id)
	if o == nil {
		o = &types.Origin{Id: &id}
	}
	o.DomainName, o.OriginAccessControlId = aws.String(v.text("OriginDNS", "")), aws.String(v.text("OriginAccessControl", ""))
	o.S3OriginConfig, o.CustomOriginConfig = &types.S3OriginConfig{OriginAccessIdentity: aws.String("")}, nil
	c.Origins = &types.Origins{Quantity: aws.Int32(1), Items: []types.Origin{*o}}
}

// trusted repeats a call as long as CloudFront does not know a certificate that was issued a moment ago.
func trusted(ctx context.Context, call func(context.Context) error) error {
	return deploy.Retry(ctx, trustWait, func(err error) string {
		if is(err, "InvalidViewerCertificate") {
			return "until CloudFront knows the certificate"
		}
		return ""
	}, call)
}

// createDistribution makes it with its tag. The reference of the caller keeps a run from making two.
func createDistribution(ctx context.Context, v *values) error {
	config := v.distributionConfig(&types.DistributionConfig{CallerReference: aws.String(v.once(v.name)), HttpVersion: types.HttpVersionHttp2and3, IsIPV6Enabled: aws.Bool(true)})
	return trusted(ctx, func(ctx context.Context) error {
		_, err := v.front.CreateDistributionWithTags(ctx, &cloudfront.CreateDistributionWithTagsInput{DistributionConfigWithTags: &types.DistributionConfigWithTags{
			DistributionConfig: config, Tags: &types.Tags{Items: []types.Tag{{Key: aws.String(distributionTagKey), Value: &v.name}}}}})
		return err
	})
}

func updateDistribution(ctx context.Context, v *values, _ map[string]bool) error {
	return trusted(ctx, func(ctx context.Context) error { return v.changeDistribution(ctx, v.distributionConfig) })
}

// changeDistribution changes the configuration as it is now.
func (v *values) changeDistribution(ctx context.Context, change func(*types.DistributionConfig) *types.DistributionConfig) error {
	id := v.found.member("distributionId")
	return versioned(ctx, func(ctx context.Context) error {
		have, err := v.front.GetDistributionConfig(ctx, &cloudfront.GetDistributionConfigInput{Id: &id})
		if err != nil {
			return err
		}
		_, err = v.front.UpdateDistribution(ctx, &cloudfront.UpdateDistributionInput{Id: &id, IfMatch: have.ETag, DistributionConfig: change(have.DistributionConfig)})
		return err
	})
}

// removeDistribution disables it, waits until that is so everywhere, and deletes it. A run that was cut short goes on there.
func removeDistribution(ctx context.Context, v *values) error {
	if v.found.settings["Enabled"] == "true" {
		err := v.changeDistribution(ctx, func(c *types.DistributionConfig) *types.DistributionConfig {
			c.Enabled = aws.Bool(false)
			return c
		})
		if err != nil {
			return ignore(err, "NoSuchDistribution")
		}
	}
	id := v.found.member("distributionId")
	var version *string
	err := deploy.Await(ctx, "for distribution "+v.name+" to be disabled everywhere", distributionWait, func(ctx context.Context) (bool, error) {
		out, err := v.front.GetDistribution(ctx, &cloudfront.GetDistributionInput{Id: &id})
		if err != nil {
			return false, err
		}
		version = out.ETag
		return aws.ToString(out.Distribution.Status) == "Deployed", nil
	})
	if err == nil {
		_, err = v.front.DeleteDistribution(ctx, &cloudfront.DeleteDistributionInput{Id: &id, IfMatch: version})
	}
	return ignore(err, "NoSuchDistribution")
}
