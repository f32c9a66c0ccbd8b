package iam

import (
	"maps"
	"slices"
	"strings"
)

// Everything of an identity or a policy in one answer, as GetAccountAuthorizationDetails gives it.
type (
	inlineXML   struct{ PolicyName, PolicyDocument string }
	attachedXML struct{ PolicyName, PolicyArn string }

	userDetailXML struct {
		userXML
		UserPolicyList          members[inlineXML]
		GroupList               members[string]
		AttachedManagedPolicies members[attachedXML]
	}
	roleDetailXML struct {
		roleXML
		InstanceProfileList     members[string]
		RolePolicyList          members[inlineXML]
		AttachedManagedPolicies members[attachedXML]
	}
	policyDetailXML struct {
		policyXML
		PolicyVersionList members[versionXML]
	}
)

// details are the inline policies and the attachments of an identity.
func (id *identity) details() (members[inlineXML], members[attachedXML]) {
	var inline members[inlineXML]
	for _, name := range slices.Sorted(maps.Keys(id.Inline)) {
		inline.Member = append(inline.Member, inlineXML{name, encodeDocument(id.Inline[name])})
	}
	var attached members[attachedXML]
	for _, arn := range id.Attached {
		attached.Member = append(attached.Member, attachedXML{arn[strings.LastIndexByte(arn, '/')+1:], arn})
	}
	return inline, attached
}

func (p *managedPolicy) details(d *directory) policyDetailXML {
	x := policyDetailXML{policyXML: p.xml(d)}
	x.Tags = nil
	for i := range p.Versions {
		v := p.Versions[i].xml(p)
		v.Document = encodeDocument(p.Versions[i].Text)
		x.PolicyVersionList.Member = append(x.PolicyVersionList.Member, v)
	}
	return x
}

// getAccountAuthorizationDetails tells all of the account, page by page: users, roles and policies have one order.
func getAccountAuthorizationDetails(c *call) (any, error) {
	const kinds = "User, Role, Group, LocalManagedPolicy, AWSManagedPolicy"
	filter := c.list("Filter", "")
	for _, kind := range filter {
		if !slices.Contains(strings.Split(kinds, ", "), kind) {
			return nil, validation("1 validation error detected: Value '[%s]' at 'filter' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [%s]]", kind, kinds)
		}
	}
	wanted := func(kind string) bool { return len(filter) == 0 || slices.Contains(filter, kind) }
	var all []string // their ARNs
	if wanted("User") {
		for _, u := range c.dir.users {
			all = append(all, u.ARN)
		}
	}
	if wanted("Role") {
		for _, r := range c.dir.roles {
			all = append(all, r.ARN)
		}
	}
	if wanted("LocalManagedPolicy") {
		all = slices.AppendSeq(all, maps.Keys(c.dir.policies))
	}
	if wanted("AWSManagedPolicy") {
		all = slices.AppendSeq(all, maps.Keys(awsPolicies()))
	}
	list, more, err := page(c, all, func(arn string) string { return arn })
	if err != nil {
		return nil, err
	}
	var out struct {
		UserDetailList  members[userDetailXML]
		GroupDetailList members[string]
		RoleDetailList  members[roleDetailXML]
		Policies        members[policyDetailXML]
		paging
	}
	out.paging = more
	for _, arn := range list.Member {
		name := arn[strings.LastIndexByte(arn, '/')+1:]
		switch resource := strings.SplitN(arn, ":", 6)[5]; {
		case strings.HasPrefix(resource, "user/"):
			u := c.dir.users[name]
			x := userDetailXML{userXML: u.xml()}
			x.UserPolicyList, x.AttachedManagedPolicies = u.details()
			out.UserDetailList.Member = append(out.UserDetailList.Member, x)
		case strings.HasPrefix(resource, "role/"):
			r := c.dir.roles[name]
			x := roleDetailXML{roleXML: r.xml(c.dir)}
			x.Description = ""
			x.RolePolicyList, x.AttachedManagedPolicies = r.details()
			x.RoleLastUsed = &struct{}{}
			out.RoleDetailList.Member = append(out.RoleDetailList.Member, x)
		default:
			p, _ := c.dir.policy(arn)
			out.Policies.Member = append(out.Policies.Member, p.details(c.dir))
		}
	}
	return out, nil
}
