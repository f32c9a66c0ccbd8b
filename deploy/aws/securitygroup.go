package aws

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"quotewire/deploy"
	"quotewire/dply/schema"
)

func init() {
	rule := []schema.Property{
		{Name: "Protocol", Kinds: texts, Enum: []string{"tcp", "udp", "all"}, Default: "all", Doc: "The protocol."},
		{Name: "Port", Kinds: numbers, Min: 1, Max: 65535, Doc: "The port, for tcp and udp.", Default: "all ports"},
		{Name: "Range", Kinds: texts, Required: true, Doc: `The addresses at the other end, such as "10.0.0.0/16" or "::/0".`},
	}
	registerModel(model{
		Type: &schema.Type{
			Name: typeSecurityGroup, Self: "id",
			Doc:   "A security group of a network, known by its name in it.",
			Notes: "A rule that the script does not have is removed.",
			Properties: []schema.Property{
				inNetwork,
				{Name: "Description", Kinds: texts, Fixed: true, Default: "the name", Doc: "What people read."},
				{Name: "Ingress", Kinds: lists, Items: dicts, Entries: rule, Default: "nothing comes in", Doc: "What may come in."},
				{Name: "Egress", Kinds: lists, Items: dicts, Entries: rule, Default: "everything may go out", Doc: "What may go out."},
			},
			Members: []schema.Member{idMember("group"), nameMember("group")},
		},
		noun: "security group", read: readGroup, wants: wantGroup, create: createGroup, update: updateGroup, remove: removeGroup,
	}, false)
}

func readGroup(ctx context.Context, v *values) (*real, error) {
	network := v.object("Network", "id")
	if network == "" {
		return nil, nil
	}
	all, err := v.network.groups.get(ctx, v, "group-name", func(g types.SecurityGroup) string { return aws.ToString(g.GroupName) }, v.listGroups)
	here := inside(network, all, func(g types.SecurityGroup) *string { return g.VpcId })
	if err != nil || len(here) == 0 {
		return nil, err
	}
	g := here[0]
	return &real{settings: settings{"Network": aws.ToString(g.VpcId), "Description": aws.ToString(g.Description), "Ingress": rulesText(g.IpPermissions), "Egress": rulesText(g.IpPermissionsEgress)},
		members: map[string]any{"id": aws.ToString(g.GroupId)}}, nil
}

func (p *Provider) listGroups(ctx context.Context, filter types.Filter) ([]types.SecurityGroup, error) {
	return every(ctx, ec2.NewDescribeSecurityGroupsPaginator(p.ec2, &ec2.DescribeSecurityGroupsInput{Filters: []types.Filter{filter}}),
		func(out *ec2.DescribeSecurityGroupsOutput) []types.SecurityGroup { return out.SecurityGroups })
}

// rulesText is rules in words, one for each range.
func rulesText(list []types.IpPermission) string {
	var all []string
	for _, p := range list {
		what := aws.ToString(p.IpProtocol)
		if what == "-1" {
			what = "all"
		}
		if from, to := aws.ToInt32(p.FromPort), aws.ToInt32(p.ToPort); what != "all" && (from > 0 || to < 65535) {
			what += " " + number(from)
			if to != from {
				what += "-" + number(to)
			}
		}
		for _, r := range p.IpRanges {
			all = append(all, what+" "+aws.ToString(r.CidrIp))
		}
		for _, r := range p.Ipv6Ranges {
			all = append(all, what+" "+aws.ToString(r.CidrIpv6))
		}
		for _, r := range p.UserIdGroupPairs {
			all = append(all, what+" "+aws.ToString(r.GroupId))
		}
	}
	return joined(all)
}

// rules are those of a property, in EC2's words.
func rules(v *values, name string) []types.IpPermission {
	if name == "Egress" && !v.has(name) {
		return []types.IpPermission{{IpProtocol: aws.String("-1"), IpRanges: []types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}}}}
	}
	var all []types.IpPermission
	for _, m := range v.maps(name) {
		p := types.IpPermission{IpProtocol: aws.String(entryOf(m, "Protocol", "all"))}
		if *p.IpProtocol == "all" {
			p.IpProtocol = aws.String("-1")
		} else {
			p.FromPort, p.ToPort = aws.Int32(0), aws.Int32(65535)
			if n, ok := m["Port"].(float64); ok {
				p.FromPort, p.ToPort = aws.Int32(int32(n)), aws.Int32(int32(n))
			}
		}
		if addresses := entryOf(m, "Range", ""); strings.Contains(addresses, ":") {
			p.Ipv6Ranges = []types.Ipv6Range{{CidrIpv6: &addresses}}
		} else {
			p.IpRanges = []types.IpRange{{CidrIp: &addresses}}
		}
		all = append(all, p)
	}
	return all
}

// wantGroup takes "everything may go out" as the network has it: a new group of a network with IPv6 lets that out as well.
func wantGroup(v *values) settings {
	want := settings{"Network": v.object("Network", "id"), "Description": v.text("Description", v.name), "Ingress": rulesText(rules(v, "Ingress")), "Egress": rulesText(rules(v, "Egress"))}
	if !v.has("Egress") && v.found != nil && v.found.settings["Egress"] == "all 0.0.0.0/0; all ::/0" {
		want["Egress"] = v.found.settings["Egress"]
	}
	return want
}

func createGroup(ctx context.Context, v *values) error {
	out, err := v.ec2.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{GroupName: &v.name, Description: aws.String(v.text("Description", v.name)),
		VpcId: aws.String(v.object("Network", "id")), TagSpecifications: named(types.ResourceTypeSecurityGroup, v.name)})
	if err != nil {
		return err
	}
	v.found = &real{members: map[string]any{"id": aws.ToString(out.GroupId)}}
	return setRules(ctx, v, map[string]bool{"Ingress": v.has("Ingress"), "Egress": v.has("Egress")})
}

func updateGroup(ctx context.Context, v *values, differs map[string]bool) error {
	return setRules(ctx, v, differs)
}

// setRules allows what is missing before it revokes what is too much, so that nothing is cut off in between.
func setRules(ctx context.Context, v *values, differs map[string]bool) error {
	id := v.found.member("id")
	out, err := v.ec2.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{GroupIds: []string{id}})
	if err != nil {
		return err
	}
	if len(out.SecurityGroups) == 0 {
		return fmt.Errorf("security group %s is gone", id)
	}
	g := out.SecurityGroups[0]
	for _, side := range []string{"Ingress", "Egress"} {
		if !differs[side] {
			continue
		}
		have := g.IpPermissions
		if side == "Egress" {
			have = g.IpPermissionsEgress
		}
		more, less := missingRules(rules(v, side), have), missingRules(have, rules(v, side))
		if err := changeRules(ctx, v, id, side, more, less); err != nil {
			return err
		}
	}
	return nil
}

// missingRules lists those of a that b does not have, each range by itself.
func missingRules(a, b []types.IpPermission) []types.IpPermission {
	have := map[string]bool{}
	for _, line := range strings.Split(rulesText(b), "; ") {
		have[line] = true
	}
	var all []types.IpPermission
	add := func(p types.IpPermission) {
		if !have[rulesText([]types.IpPermission{p})] {
			all = append(all, p)
		}
	}
	for _, p := range a {
		single := types.IpPermission{IpProtocol: p.IpProtocol, FromPort: p.FromPort, ToPort: p.ToPort}
		for _, r := range p.IpRanges {
			one := single
			one.IpRanges = []types.IpRange{r}
			add(one)
		}
		for _, r := range p.Ipv6Ranges {
			one := single
			one.Ipv6Ranges = []types.Ipv6Range{r}
			add(one)
		}
		for _, r := range p.UserIdGroupPairs {
			one := single
			one.UserIdGroupPairs = []types.UserIdGroupPair{r}
			add(one)
		}
	}
	return all
}

func changeRules(ctx context.Context, v *values, id, side string, more, less []types.IpPermission) (err error) {
	if len(more) > 0 {
		if side == "Ingress" {
			_, err = v.ec2.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &id, IpPermissions: more})
		} else {
			_, err = v.ec2.AuthorizeSecurityGroupEgress(ctx, &ec2.AuthorizeSecurityGroupEgressInput{GroupId: &id, IpPermissions: more})
		}
		if err := ignore(err, "InvalidPermission.Duplicate"); err != nil {
			return err
		}
	}
	if len(less) == 0 {
		return nil
	}
	if side == "Ingress" {
		_, err = v.ec2.RevokeSecurityGroupIngress(ctx, &ec2.RevokeSecurityGroupIngressInput{GroupId: &id, IpPermissions: less})
	} else {
		_, err = v.ec2.RevokeSecurityGroupEgress(ctx, &ec2.RevokeSecurityGroupEgressInput{GroupId: &id, IpPermissions: less})
	}
	return ignore(err, "InvalidPermission.NotFound")
}

func removeGroup(ctx context.Context, v *values) error {
	return deploy.Retry(ctx, interfaceWait, func(err error) string {
		if is(err, "DependencyViolation") {
			return "for what is in the group to leave it"
		}
		return ""
	}, func(ctx context.Context) error {
		_, err := v.ec2.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: aws.String(v.found.member("id"))})
		return ignore(err, "InvalidGroup.NotFound")
	})
}
