package aws

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

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
			Name: "aws.Route53.CNAME", Doc: fmt.Sprintf("A name that stands for another one, kept for %d seconds by those who ask. A domain itself cannot be one: see aws.Route53.ALIAS.", recordTTL),
			Properties: []schema.Property{zone, {Name: "PointsTo", Kinds: texts, Required: true, Doc: "The other name."}},
			FindBy:     []schema.Property{zone},
			Members:    []schema.Member{nameMember("record")},
		},
		noun: "CNAME", read: readRecord(types.RRTypeCname), wants: wantRecord, create: putCNAME, update: func(ctx context.Context, v *values, _ map[string]bool) error { return putCNAME(ctx, v) },
		remove: removeRecord(types.RRTypeCname),
	}, true)
	registerModel(model{
		Type: &schema.Type{
			Name: "aws.Route53.ALIAS", Doc: "A name, or a domain itself, that stands for a distribution, an API's domain or another resource of AWS.",
			Properties: []schema.Property{
				updateZone,
				{Name: "AliasZone", Kinds: texts, Required: true, Doc: "The hosted zone of what it stands for, such as distribution->zoneId."},
				{Name: "PointsTo", Kinds: texts, Required: true, Doc: "The name of what it stands for."},
			},
			FindBy:  []schema.Property{updateZone},
			Members: []schema.Member{nameMember("record")},
		},
		noun: "alias record", read: readRecord(types.RRTypeA), wants: wantRecord, create: putAlias, update: func(ctx context.Context, v *values, _ map[string]bool) error { return putAlias(ctx, v) },
		remove: removeRecord(types.RRTypeA),
	}, true)
}

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

func recordSet(ctx context.Context, v *values, kind types.RRType) (*types.ResourceRecordSet, error) {
	zone := zoneOf(v)
	if zone == "" {
		return nil, nil
	}
	out, err := v.route53.ListResourceRecordSets(ctx, &route53.ListResourceRecordSetsInput{HostedZoneId: &zone, StartRecordName: aws.String(dotted(v.name)), StartRecordType: kind, MaxItems: aws.Int32(1)})
	if err != nil {
		return nil, err
	}
	for i, s := range out.ResourceRecordSets {
		if s.Type == kind && dotted(aws.ToString(s.Name)) == dotted(v.name) {
			return &out.ResourceRecordSets[i], nil
		}
	}
	return nil, nil
}

func readRecord(kind types.RRType) func(context.Context, *values) (*real, error) {
	return func(ctx context.Context, v *values) (*real, error) {
		s, err := recordSet(ctx, v, kind)
		if s == nil || err != nil {
			return nil, err
		}
		r := &real{settings: settings{"Zone": zoneOf(v), "UpdateZone": zoneOf(v)}}
		if s.AliasTarget != nil {
			r.settings["AliasZone"], r.settings["PointsTo"] = aws.ToString(s.AliasTarget.HostedZoneId), dotted(aws.ToString(s.AliasTarget.DNSName))
		} else if len(s.ResourceRecords) > 0 {
			r.settings["PointsTo"] = dotted(aws.ToString(s.ResourceRecords[0].Value))
		}
		return r, nil
	}
}

func wantRecord(v *values) settings {
	return settings{"Zone": zoneOf(v), "UpdateZone": zoneOf(v), "AliasZone": v.text("AliasZone", ""), "PointsTo": dotted(v.text("PointsTo", ""))}
}

func changeRecord(ctx context.Context, v *values, action types.ChangeAction, s *types.ResourceRecordSet) error {
	_, err := v.route53.ChangeResourceRecordSets(ctx, &route53.ChangeResourceRecordSetsInput{HostedZoneId: aws.String(zoneOf(v)),
		ChangeBatch: &types.ChangeBatch{Changes: []types.Change{{Action: action, ResourceRecordSet: s}}}})
	return err
}

func putCNAME(ctx context.Context, v *values) error {
	return changeRecord(ctx, v, types.ChangeActionUpsert, &types.ResourceRecordSet{Name: aws.String(dotted(v.name)), Type: types.RRTypeCname, TTL: aws.Int64(recordTTL),
		ResourceRecords: []types.ResourceRecord{{Value: aws.String(dotted(v.text("PointsTo", "")))}}})
}

func putAlias(ctx context.Context, v *values) error {
	return changeRecord(ctx, v, types.ChangeActionUpsert, &types.ResourceRecordSet{Name: aws.String(dotted(v.name)), Type: types.RRTypeA,
		AliasTarget: &types.AliasTarget{HostedZoneId: aws.String(v.text("AliasZone", "")), DNSName: aws.String(dotted(v.text("PointsTo", "")))}})
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

// removeRecord has to say the whole record that it removes.
func removeRecord(kind types.RRType) func(context.Context, *values) error {
	return func(ctx context.Context, v *values) error {
		s, err := recordSet(ctx, v, kind)
		if s == nil || err != nil {
			return err
		}
		return changeRecord(ctx, v, types.ChangeActionDelete, s)
	}
}
