package aws

import (
	"quotewire/deploy"
	"quotewire/dply/check"
	"quotewire/dply/schema"
)

func init() {
	register(entry{Type: siteVerb, verb: expandSite})
}

var siteVerb = &schema.Type{
	Name: "cloudfront.distribution.fromS3", Self: "distributionId",
	Doc: "A site from a bucket through CloudFront, with all that it takes: a cache policy NAME-cpc, an origin access control NAME-oac, a response headers policy NAME-cb-SubName-rh for each behavior, the distribution, and a statement in the bucket's policy that lets this distribution read it.",
	Properties: []schema.Property{
		{Name: "Bucket", Kinds: []schema.Kind{schema.Object}, Objects: []string{"aws.S3.Bucket"}, Required: true, Doc: "The bucket with the files."},
		commentProperty,
		{Name: "TargetOriginId", Kinds: texts, Required: true, Doc: "What the distribution calls the bucket."},
		{Name: "MinTTL", Kinds: numbers, Required: true, Max: 31536000, Doc: "Seconds that CloudFront keeps a file at least."},
		{Name: "CacheBehaviors", Kinds: lists, Items: []schema.Kind{schema.Map}, Default: "none", Doc: "What is different for some paths, in order: the first that fits counts.", Entries: []schema.Property{
			{Name: "SubName", Kinds: texts, Required: true, Doc: "A name within this distribution."},
			{Name: "PathPattern", Kinds: texts, Required: true, Doc: "The paths, such as *.json."},
			{Name: "ResponseHeaders", Kinds: dicts, Required: true, Doc: "A header that is added to the answers.", Entries: []schema.Property{
				{Name: "Header", Kinds: texts, Required: true, Doc: "Its name, such as Cache-Control."},
				{Name: "Value", Kinds: texts, Required: true, Doc: "What it says."},
			}},
		}},
		domainProperty, certificateProperty, defaultRootProperty, priceClassProperty,
	},
	Members: distributionMembers,
}

// site is cloudfront.distribution.fromS3 on its way into the statements that it stands for.
type site struct {
	p *Provider
	g *deploy.Graph
	s *check.Statement
}

func expandSite(p *Provider, g *deploy.Graph, s *check.Statement) error {
	e := &site{p, g, s}
	caching, err := e.ensure("aws.CloudFront.CachePolicy", s.Name+"-cpc", e.taken("MinTTL")...)
	if err != nil {
		return err
	}
	control, err := e.ensure("aws.CloudFront.OriginAccessControl", s.Name+"-oac",
		e.given("OriginAccessControlOriginType", "s3"), e.given("SigningBehavior", "always"), e.given("SigningProtocol", "sigv4"))
	if err != nil {
		return err
	}
	behaviors, err := e.behaviors(caching)
	if err != nil {
		return err
	}
	to := s.Prop("Bucket").(check.Reference)
	props := append(e.taken("Comment", "TargetOriginId", "Domain", "Certificate", "DefaultRoot", "PriceClass"),
		check.Prop{Name: "OriginDNS", Pos: s.Pos, Value: check.Reference{Pos: to.Pos, Statement: to.Statement, Member: "dnsName"}},
		check.Prop{Name: "CachePolicy", Pos: s.Pos, Value: caching}, check.Prop{Name: "OriginAccessControl", Pos: s.Pos, Value: control})
	if len(behaviors.Items) > 0 {
		props = append(props, check.Prop{Name: "CacheBehaviors", Pos: s.Pos, Value: behaviors})
	}
	distribution, err := e.ensure("aws.CloudFront.Distribution", s.Name, props...)
	if err != nil {
		return err
	}
	g.Bind(s, g.Bound(distribution.Statement))
	return attach(p, g, s, to, s.Name, e.readers(to, distribution))
}

// ensure adds a part as if a statement of its own had asked for it.
func (e *site) ensure(typ, name string, props ...check.Prop) (check.Reference, error) {
	part := &check.Statement{Pos: e.s.Pos, Verb: "ensure", Type: entries[typ].Type, Name: name, NamePos: e.s.NamePos, Teardown: e.s.Teardown, Props: props}
	return check.Reference{Pos: e.s.Pos, Statement: part}, entries[typ].ensure(e.p, e.g, part)
}

// taken are properties of the statement itself, as far as it has them.
func (e *site) taken(names ...string) []check.Prop {
	var props []check.Prop
	for _, name := range names {
		if v := e.s.Prop(name); v != nil {
			props = append(props, check.Prop{Name: name, Pos: v.Position(), Value: v})
		}
	}
	return props
}

func (e *site) given(name, text string) check.Prop {
	return check.Prop{Name: name, Pos: e.s.Pos, Value: check.String{Pos: e.s.Pos, Text: text}}
}

// behaviors makes the headers policies and the behaviors that use them.
func (e *site) behaviors(caching check.Reference) (check.List, error) {
	list, _ := e.s.Prop("CacheBehaviors").(check.List)
	out := check.List{Pos: e.s.Pos}
	for _, item := range list.Items {
		m := item.(check.Map)
		sub, _ := e.g.String(entryIn(m, "SubName"))
		headers := entryIn(m, "ResponseHeaders").(check.Map)
		policy, err := e.ensure("aws.CloudFront.ResponseHeadersPolicy", e.s.Name+"-cb-"+sub+"-rh", headers.Entries...)
		if err != nil {
			return out, err
		}
		out.Items = append(out.Items, check.Map{Pos: m.Pos, Entries: []check.Prop{
			{Name: "PathPattern", Pos: m.Pos, Value: entryIn(m, "PathPattern")},
			{Name: "TargetOriginId", Pos: m.Pos, Value: e.s.Prop("TargetOriginId")},
			{Name: "CachePolicy", Pos: m.Pos, Value: caching},
			{Name: "ResponseHeadersPolicy", Pos: m.Pos, Value: policy},
		}})
	}
	return out, nil
}

func entryIn(m check.Map, name string) check.Value {
	for _, e := range m.Entries {
		if e.Name == name {
			return e.Value
		}
	}
	return nil
}

// readers lets the distribution read the files.
func (e *site) readers(bucket, distribution check.Reference) *check.Policy {
	at := e.s.Pos
	bucket.Member, distribution.Member = "allResources", "arn"
	return &check.Policy{Pos: at, Statements: []check.PolicyStatement{{
		Pos: at, Effect: "Allow", Actions: []check.Value{check.String{Pos: at, Text: "s3:GetObject"}}, Resources: []check.Value{bucket},
		Principals: []check.Principal{{Pos: at, Kind: "Service", ID: check.String{Pos: at, Text: "cloudfront.amazonaws.com"}}},
		Conditions: []check.Condition{{Pos: at, Operator: "StringEquals", Key: "aws:SourceArn", Value: distribution}},
	}}}
}
