package aws

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/acm/types"

	"quotewire/deploy"
	"quotewire/dply/schema"
)

// How long ACM may take.
const (
	certificateWait = 60 * time.Minute // to see that the domain is ours
	challengeWait   = 5 * time.Minute  // to say by which records it wants to see that
	releaseWait     = 10 * time.Minute // to notice that what used a certificate is gone
)

func init() {
	registerModel(model{
		Type: &schema.Type{
			Name: "aws.CertificateManager.Certificate", Self: "arn",
			Doc: "A public certificate of AWS Certificate Manager for a domain name, which may begin with *. It is ready once ACM has seen that the domain is yours; a run waits for that up to an hour, and a later one goes on with a certificate that is still pending.",
			Notes: "CloudFront takes certificates of us-east-1 only. A certificate that failed, expired or was revoked is passed over for a new one. A teardown leaves the records that validate it, " +
				"for other certificates of the account for the same name are renewed by them, and leaves a certificate that something else still uses.",
			Properties: []schema.Property{
				{Name: "Domain", Kinds: objects, Objects: []string{"aws.Route53.DomainName"}, Doc: "The domain in whose hosted zone the validating records are made: all names lie in it. Required for validation by DNS with Route53."},
				{Name: "SubjectAlternativeNames", Kinds: lists, Fixed: true, Doc: "Further names that the certificate is for.", Default: "none"},
				{Name: "ValidationMethod", Kinds: texts, Enum: []string{"DNS", "EMAIL"}, Fixed: true, Default: "DNS", Doc: "How ACM sees that the domain is yours. With EMAIL somebody has to follow the link that it sends."},
				{Name: "ValidationProvider", Kinds: texts, Enum: asserterNames(), Default: "Route53", Doc: "Who makes the validating records: Route53, or Manual for a person, whom the progress tells which."},
				{Name: "Region", Kinds: texts, Fixed: true, Default: "the region of the run", Doc: "Where the certificate lies."},
			},
			FindBy:  []schema.Property{{Name: "Region", Kinds: texts, Default: "the region of the run", Doc: "Where the certificate lies."}},
			Members: []schema.Member{arnMember("certificate"), nameMember("certificate")},
		},
		noun: "certificate", wait: certificateWait, read: readCertificate, wants: wantCertificate,
		create: requestCertificate, update: validateCertificate, remove: removeCertificate,
	}, true)
}

type certificateTypes = types.CertificateSummary

// challenge is a record that shows ACM that a domain is ours: a CNAME.
type challenge struct{ name, value string }

// asserters make the records that a certificate is validated by, by the names of ValidationProvider.
var asserters = map[string]func(ctx context.Context, v *values, records []challenge) error{
	"Route53": assertInRoute53,
	"Manual":  assertByHand,
}

func asserterNames() []string { return []string{"Route53", "Manual"} }

func (v *values) certificateRegion() string { return v.text("Region", v.region) }

func (v *values) inCertificateRegion(o *acm.Options) { o.Region = v.certificateRegion() }

// certificates lists those of the region that can be used, or may be once they are validated.
func (v *values) certificates(ctx context.Context) ([]types.CertificateSummary, error) {
	list := v.certs.of(v.certificateRegion())
	if !v.listed {
		list.forget()
	}
	return list.get(func() ([]types.CertificateSummary, error) {
		var all []types.CertificateSummary
		pages := acm.NewListCertificatesPaginator(v.acm, &acm.ListCertificatesInput{
			CertificateStatuses: []types.CertificateStatus{types.CertificateStatusIssued, types.CertificateStatusPendingValidation},
			Includes:            &types.Filters{KeyTypes: types.KeyAlgorithm("").Values()}, // it lists RSA alone otherwise
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx, v.inCertificateRegion)
			if err != nil {
				return nil, err
			}
			all = append(all, page.CertificateSummaryList...)
		}
		return all, nil
	})
}

// readCertificate asks for the certificate that it has found before, or looks for the one of that domain.
func readCertificate(ctx context.Context, v *values) (*real, error) {
	arn := v.found.member("arn")
	if arn == "" {
		all, err := v.certificates(ctx)
		if err != nil {
			return nil, err
		}
		var arns []string
		for _, c := range all {
			if strings.EqualFold(aws.ToString(c.DomainName), v.name) {
				arns = append(arns, aws.ToString(c.CertificateArn))
			}
		}
		if len(arns) == 0 {
			return nil, nil
		}
		if len(arns) > 1 {
			return nil, fmt.Errorf("there are %d certificates for %s, and which is meant cannot be told: %s", len(arns), v.name, strings.Join(arns, ", "))
		}
		arn = arns[0]
	}
	c, err := v.certificate(ctx, arn)
	if c == nil || err != nil {
		return nil, err
	}
	r := &real{settings: settings{"SubjectAlternativeNames": sorted(c.SubjectAlternativeNames), "Region": v.certificateRegion()}, members: map[string]any{"arn": arn}}
	if len(c.DomainValidationOptions) > 0 {
		r.settings["ValidationMethod"] = string(c.DomainValidationOptions[0].ValidationMethod)
	}
	switch c.Status {
	case types.CertificateStatusPendingValidation:
		r.busy, r.asks = true, true // nobody validates it until this run does
	case types.CertificateStatusIssued:
		r.settings["ValidationProvider"] = v.text("ValidationProvider", "Route53")
	default:
		r.failed = strings.TrimSpace(fmt.Sprintf("ACM says %s %s", c.Status, c.FailureReason))
	}
	return r, nil
}

// certificate describes one, or is nil if it is gone.
func (v *values) certificate(ctx context.Context, arn string) (*types.CertificateDetail, error) {
	out, err := v.acm.DescribeCertificate(ctx, &acm.DescribeCertificateInput{CertificateArn: &arn}, v.inCertificateRegion)
	if is(err, "ResourceNotFoundException") {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return out.Certificate, nil
}

// certificateNames are all names of the certificate, as ACM lists them.
func (v *values) certificateNames() []string {
	names := []string{strings.ToLower(v.name)}
	for _, name := range v.list("SubjectAlternativeNames") {
		names = append(names, strings.ToLower(name))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func wantCertificate(v *values) settings {
	want := settings{"SubjectAlternativeNames": sorted(v.certificateNames()), "Region": v.certificateRegion(), "ValidationProvider": v.text("ValidationProvider", "Route53")}
	if v.found != nil && v.found.settings["ValidationMethod"] != "" { // an imported one has none
		want["ValidationMethod"] = v.text("ValidationMethod", "DNS")
	}
	return want
}

// requestCertificate asks for one. The token makes a second request of the same run be the same request.
func requestCertificate(ctx context.Context, v *values) error {
	names := slices.DeleteFunc(v.certificateNames(), func(name string) bool { return name == strings.ToLower(v.name) })
	in := &acm.RequestCertificateInput{DomainName: aws.String(strings.ToLower(v.name)),
		ValidationMethod: types.ValidationMethod(v.text("ValidationMethod", "DNS")), IdempotencyToken: aws.String(v.once(v.name))}
	if len(names) > 0 {
		in.SubjectAlternativeNames = names
	}
	out, err := v.acm.RequestCertificate(ctx, in, v.inCertificateRegion)
	if err != nil {
		return err
	}
	return v.assert(ctx, aws.ToString(out.CertificateArn))
}

func validateCertificate(ctx context.Context, v *values, _ map[string]bool) error {
	return v.assert(ctx, v.found.member("arn"))
}

// assert makes the records by which ACM sees that the domain is ours. ACM names them a moment after the request.
func (v *values) assert(ctx context.Context, arn string) error {
	if v.text("ValidationMethod", "DNS") != "DNS" {
		deploy.Report(ctx, "for somebody to follow the link that ACM has sent to the owner of "+v.name)
		return nil
	}
	var records []challenge
	err := deploy.Await(ctx, "for ACM to name the records that validate "+v.name, challengeWait, func(ctx context.Context) (bool, error) {
		c, err := v.certificate(ctx, arn)
		if c == nil || err != nil || len(c.DomainValidationOptions) == 0 {
			return false, err
		}
		records = nil
		for _, o := range c.DomainValidationOptions {
			if o.ResourceRecord == nil {
				return false, nil
			}
			// A name and the same with *. in front of it share a record.
			if r := (challenge{dotted(aws.ToString(o.ResourceRecord.Name)), dotted(aws.ToString(o.ResourceRecord.Value))}); !slices.Contains(records, r) {
				records = append(records, r)
			}
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	return asserters[v.text("ValidationProvider", "Route53")](ctx, v, records)
}

func assertByHand(ctx context.Context, _ *values, records []challenge) error {
	for _, r := range records {
		deploy.Report(ctx, fmt.Sprintf("for somebody to make the record %s CNAME %s", r.name, r.value))
	}
	return nil
}

func removeCertificate(ctx context.Context, v *values) error {
	arn := v.found.member("arn")
	err := deploy.Retry(ctx, releaseWait, func(err error) string {
		if is(err, "ResourceInUseException") {
			return "until nothing uses the certificate any more"
		}
		return ""
	}, func(ctx context.Context) error {
		_, err := v.acm.DeleteCertificate(ctx, &acm.DeleteCertificateInput{CertificateArn: &arn}, v.inCertificateRegion)
		return err
	})
	if is(err, "ResourceInUseException") {
		return deploy.Kept("something still uses it: " + arn)
	}
	return ignore(err, "ResourceNotFoundException")
}
