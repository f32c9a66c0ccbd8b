package aws

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"quotewire/dply/check"
	"quotewire/dply/schema"
)

// recordTTL is how long others keep a record, in seconds.
const recordTTL = 300

func init() {
	zone := schema.Property{Name: "Zone", Kinds: objects, Objects: []string{"aws.Route53.DomainName"}, Required: true, Fixed: true, Doc: "The hosted zone of the domain, or its id."}
	updateZone := schema.Property{Name: "UpdateZone", Kinds: objects, Objects: []string{"aws.Route53.DomainName"}, Required: true, Fixed: true, Doc: "The hosted zone in which the name lies, or its id."}
	registerModel(model{
		Type: &schema.Type{
			Name: "aws.Route53.DomainName", Self: "zoneId",
			Doc:     "A domain with a public hosted zone in this account.",
			Members: []schema.Member{nameMember("domain"), {Name: "zoneId", Kind: schema.String, Doc: "The id of the hosted zone."}},
		},
		noun: "domain", read: readZone, absent: "Register the domain, or make a public hosted zone for it in this account.", foreign: "E59",
	}, true)
	registerModel(model{
		Type: &schema.Type{
			Name: typeCNAME, Doc: fmt.Sprintf("A name that stands for another one, kept for %d seconds by those who ask. A domain itself cannot be one: see aws.Route53.ALIAS.", recordTTL),
			Properties: []schema.Property{zone, {Name: "PointsTo", Kinds: texts, Required: true, Doc: "The other name."}},
			FindBy:     []schema.Property{zone},
			Members:    []schema.Member{nameMember("record")},
		},
		noun: "CNAME", read: readCNAME, wants: wantRecord, create: putCNAME, update: func(ctx context.Context, v *values, _ map[string]bool) error { return putCNAME(ctx, v) },
		remove: removeRecord(readCNAME),
	}, true)
	registerModel(model{
		Type: &schema.Type{
			Name: typeALIAS, Doc: "A name, or a domain itself, that stands for a distribution, an API's domain or another resource of AWS: a record A, and a record AAAA if that has IPv6.",
			Properties: []schema.Property{
				updateZone,
				{Name: "AliasZone", Kinds: texts, Required: true, Doc: "The hosted zone of what it stands for, such as distribution->zoneId."},
				{Name: "PointsTo", Kinds: texts, Required: true, Doc: "The name of what it stands for."},
				{Name: "IPv6", Kinds: booleans, Doc: "Whether there is a record AAAA as well.", Default: "true for a distribution, and for an API's domain name of the script with IpAddressType \"dualstack\"; else a record AAAA is left alone"},
			},
			FindBy:  []schema.Property{updateZone},
			Members: []schema.Member{nameMember("record")},
		},
		noun: "alias record", read: readAlias, wants: wantAlias, create: putAlias, update: func(ctx context.Context, v *values, _ map[string]bool) error { return putAlias(ctx, v) },
		remove: removeRecord(readAlias),
	}, true)
}

// recordsMember is where the records are kept that a name has, for the one who removes them.
const recordsMember = "records"

const (
	typeCNAME = "aws.Route53.CNAME"
	typeALIAS = "aws.Route53.ALIAS"
)

// dotted is a domain name as DNS keeps it.
func dotted(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) + "." }

func readZone(ctx context.Context, v *values) (*real, error) {
	out, err := v.route53.ListHostedZonesByName(ctx, &route53.ListHostedZonesByNameInput{DNSName: aws.String(dotted(v.name))})
	if err != nil {
		return nil, err
	}
	for _, z := range out.HostedZones {
		if dotted(aws.ToString(z.Name)) == dotted(v.name) && (z.Config == nil || !z.Config.PrivateZone) {
			return &real{members: map[string]any{"zoneId": zoneID(aws.ToString(z.Id))}}, nil
		}
	}
	return nil, nil
}

// zoneID is the id alone, which Route 53 writes as a path.
func zoneID(id string) string { return strings.TrimPrefix(id, "/hostedzone/") }

func zoneOf(v *values) string {
	if v.has("UpdateZone") {
		return zoneID(v.object("UpdateZone", "zoneId"))
	}
	return zoneID(v.object("Zone", "zoneId"))
}

type recordSetTypes = []types.ResourceRecordSet

// listRecords lists the records of a zone by their names. Those of one name follow each other, maybe on two pages.
func (p *Provider) listRecords(zone string) pages[recordSetTypes] {
	in := &route53.ListResourceRecordSetsInput{HostedZoneId: &zone}
	var before recordSetTypes
	return func(ctx context.Context, add func(string, recordSetTypes)) (bool, error) {
		out, err := p.route53.ListResourceRecordSets(ctx, in)
		if err != nil {
			return false, err
		}
		for _, s := range out.ResourceRecordSets {
			if len(before) > 0 && recordName(before[0]) != recordName(s) {
				add(recordName(before[0]), before)
				before = nil
			}
			before = append(before, s)
		}
		if !out.IsTruncated && len(before) > 0 {
			add(recordName(before[0]), before)
		}
		in.StartRecordName, in.StartRecordType, in.StartRecordIdentifier = out.NextRecordName, out.NextRecordType, out.NextRecordIdentifier
		return out.IsTruncated, nil
	}
}

// recordName is the name of a record as scripts have it, with a dot: Route 53 writes a * in octal.
func recordName(s types.ResourceRecordSet) string {
	return dotted(strings.ReplaceAll(aws.ToString(s.Name), `\052`, "*"))
}

// recordSets returns the records of the name.
func (v *values) recordSets(ctx context.Context) (recordSetTypes, error) {
	zone, name := zoneOf(v), dotted(v.name)
	if zone == "" {
		return nil, nil
	}
	if v.listed {
		all, told := v.records.of(zone).get(ctx, v.many(typeCNAME, typeALIAS), name, func() pages[recordSetTypes] { return v.listRecords(zone) })
		switch {
		case told && all == nil:
			return nil, nil
		case told:
			return *all, nil
		}
	}
	out, err := v.route53.ListResourceRecordSets(ctx, &route53.ListResourceRecordSetsInput{HostedZoneId: &zone, StartRecordName: &name})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(out.ResourceRecordSets, func(s types.ResourceRecordSet) bool { return recordName(s) != name }), nil
}

// ofType is the record of that type, or nil.
func ofType(all recordSetTypes, kind types.RRType) *types.ResourceRecordSet {
	if i := slices.IndexFunc(all, func(s types.ResourceRecordSet) bool { return s.Type == kind }); i >= 0 {
		return &all[i]
	}
	return nil
}

func readCNAME(ctx context.Context, v *values) (*real, error) {
	all, err := v.recordSets(ctx)
	s := ofType(all, types.RRTypeCname)
	if s == nil || err != nil {
		return nil, err
	}
	r := &real{settings: settings{"Zone": zoneOf(v)}, members: map[string]any{recordsMember: recordSetTypes{*s}}}
	if len(s.ResourceRecords) > 0 {
		r.settings["PointsTo"] = dotted(aws.ToString(s.ResourceRecords[0].Value))
	}
	return r, nil
}

func readAlias(ctx context.Context, v *values) (*real, error) {
	all, err := v.recordSets(ctx)
	a, aaaa := ofType(all, types.RRTypeA), ofType(all, types.RRTypeAaaa)
	if a == nil || err != nil {
		return nil, err
	}
	r := &real{settings: settings{"UpdateZone": zoneOf(v), "IPv6": yes(aaaa != nil)}, members: map[string]any{recordsMember: recordSetTypes{*a}}}
	if a.AliasTarget != nil {
		r.settings["AliasZone"], r.settings["PointsTo"] = aws.ToString(a.AliasTarget.HostedZoneId), dotted(aws.ToString(a.AliasTarget.DNSName))
	} else if len(a.ResourceRecords) > 0 {
		r.settings["PointsTo"] = dotted(aws.ToString(a.ResourceRecords[0].Value))
	}
	if aaaa == nil {
		return r, nil
	}
	if t := aaaa.AliasTarget; t != nil && aws.ToString(t.HostedZoneId) == r.settings["AliasZone"] && dotted(aws.ToString(t.DNSName)) == r.settings["PointsTo"] {
		r.members[recordsMember] = recordSetTypes{*a, *aaaa}
	} else {
		r.settings["IPv6"] = "to something else"
	}
	return r, nil
}

func wantRecord(v *values) settings {
	return settings{"Zone": zoneOf(v), "PointsTo": dotted(v.text("PointsTo", ""))}
}

func wantAlias(v *values) settings {
	want := settings{"UpdateZone": zoneOf(v), "AliasZone": v.text("AliasZone", ""), "PointsTo": dotted(v.text("PointsTo", ""))}
	if v.has("IPv6") || v.leadsToIPv6() {
		want["IPv6"] = yes(v.flag("IPv6", true))
	}
	return want
}

// leadsToIPv6 reports whether what an alias stands for is known to have IPv6: a distribution, or what the script gives it to.
func (v *values) leadsToIPv6() bool {
	if r, ok := v.value("AliasZone").(check.Reference); ok && r.Statement.Type != nil {
		switch r.Statement.Type.Name {
		case "aws.CloudFront.Distribution", "cloudfront.distribution.fromS3":
			return true
		case typeDomainName:
			kind, _ := v.graph.String(r.Statement.Prop("IpAddressType"))
			return kind == "dualstack"
		}
	}
	return v.text("AliasZone", "") == distributionZone
}

// changeRecords makes changes that are seen at once or not at all.
func changeRecords(ctx context.Context, v *values, changes ...types.Change) error {
	_, err := v.route53.ChangeResourceRecordSets(ctx, &route53.ChangeResourceRecordSetsInput{HostedZoneId: aws.String(zoneOf(v)), ChangeBatch: &types.ChangeBatch{Changes: changes}})
	return err
}

func putCNAME(ctx context.Context, v *values) error {
	return changeRecords(ctx, v, types.Change{Action: types.ChangeActionUpsert, ResourceRecordSet: &types.ResourceRecordSet{Name: aws.String(dotted(v.name)), Type: types.RRTypeCname,
		TTL: aws.Int64(recordTTL), ResourceRecords: []types.ResourceRecord{{Value: aws.String(dotted(v.text("PointsTo", "")))}}}})
}

func putAlias(ctx context.Context, v *values) error {
	put := func(kind types.RRType) types.Change {
		return types.Change{Action: types.ChangeActionUpsert, ResourceRecordSet: &types.ResourceRecordSet{Name: aws.String(dotted(v.name)), Type: kind,
			AliasTarget: &types.AliasTarget{HostedZoneId: aws.String(v.text("AliasZone", "")), DNSName: aws.String(dotted(v.text("PointsTo", "")))}}}
	}
	changes := []types.Change{put(types.RRTypeA)}
	switch wantAlias(v)["IPv6"] {
	case "true":
		changes = append(changes, put(types.RRTypeAaaa))
	case "false":
		all, err := v.recordSets(ctx)
		if err != nil {
			return err
		}
		if s := ofType(all, types.RRTypeAaaa); s != nil {
			changes = append(changes, types.Change{Action: types.ChangeActionDelete, ResourceRecordSet: s})
		}
	}
	return changeRecords(ctx, v, changes...)
}

// assertInRoute53 makes the records by which ACM sees that a domain is ours.
func assertInRoute53(ctx context.Context, v *values, records []challenge) error {
	var changes []types.Change
	for _, r := range records {
		changes = append(changes, types.Change{Action: types.ChangeActionUpsert, ResourceRecordSet: &types.ResourceRecordSet{
			Name: aws.String(r.name), Type: types.RRTypeCname, TTL: aws.Int64(recordTTL), ResourceRecords: []types.ResourceRecord{{Value: aws.String(r.value)}}}})
	}
	_, err := v.route53.ChangeResourceRecordSets(ctx, &route53.ChangeResourceRecordSetsInput{
		HostedZoneId: aws.String(zoneID(v.object("Domain", "zoneId"))), ChangeBatch: &types.ChangeBatch{Changes: changes}})
	return err
}

// removeRecord has to say the whole records that it removes.
func removeRecord(read func(context.Context, *values) (*real, error)) func(context.Context, *values) error {
	return func(ctx context.Context, v *values) error {
		now, err := read(ctx, v)
		if now == nil || err != nil {
			return err
		}
		var changes []types.Change
		for _, s := range now.members[recordsMember].(recordSetTypes) {
			changes = append(changes, types.Change{Action: types.ChangeActionDelete, ResourceRecordSet: &s})
		}
		return changeRecords(ctx, v, changes...)
	}
}
