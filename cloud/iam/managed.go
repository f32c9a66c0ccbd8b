package iam

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"quotewire/cloud/protocol"
)

var policyOperations = map[string]operation{
	"CreatePolicy":            {newPolicyARN, createPolicy},
	"GetPolicy":               {policyARN, getPolicy},
	"ListPolicies":            {listPolicyARN, listPolicies},
	"DeletePolicy":            {policyARN, deletePolicy},
	"CreatePolicyVersion":     {policyARN, createPolicyVersion},
	"GetPolicyVersion":        {policyARN, getPolicyVersion},
	"ListPolicyVersions":      {policyARN, listPolicyVersions},
	"DeletePolicyVersion":     {policyARN, deletePolicyVersion},
	"SetDefaultPolicyVersion": {policyARN, setDefaultPolicyVersion},
	"ListEntitiesForPolicy":   {policyARN, listEntitiesForPolicy},
	"TagPolicy":               {policyARN, tagPolicy},
	"UntagPolicy":             {policyARN, untagPolicy},
	"ListPolicyTags":          {policyARN, listPolicyTags},
}

func policyARN(c *call) string {
	arn := c.form.Get("PolicyArn")
	if p, ok := c.dir.policy(arn); ok {
		c.addResourceTags(p.Tags)
	}
	return arn
}

func newPolicyARN(c *call) string {
	path := c.form.Get("Path")
	if path == "" {
		path = "/"
	}
	return c.arn("policy", path, c.form.Get("PolicyName"))
}

func listPolicyARN(c *call) string { return c.arn("policy", "/", "") }

type policyXML struct {
	PolicyName, PolicyId, Arn, Path, DefaultVersionId string
	AttachmentCount, PermissionsBoundaryUsageCount    int
	IsAttachable                                      bool
	Description                                       string `xml:",omitempty"`
	CreateDate, UpdateDate                            string
	Tags                                              *members[tagXML] `xml:",omitempty"`
}

func (p *managedPolicy) xml(d *directory) policyXML {
	attached, bounds := d.attachments(p.ARN)
	return policyXML{
		PolicyName: p.Name, PolicyId: p.ID, Arn: p.ARN, Path: p.Path, DefaultVersionId: p.Default,
		AttachmentCount: attached, PermissionsBoundaryUsageCount: bounds, IsAttachable: true,
		Description: p.Description, CreateDate: iso(p.Created), UpdateDate: iso(p.Updated), Tags: tagsXML(p.Tags),
	}
}

type versionXML struct {
	Document         string `xml:",omitempty"`
	VersionId        string
	IsDefaultVersion bool
	CreateDate       string
}

func (v *policyVersion) xml(p *managedPolicy) versionXML {
	return versionXML{VersionId: v.ID, IsDefaultVersion: v.ID == p.Default, CreateDate: iso(v.Created)}
}

func parseManagedPolicy(text string) error {
	doc, err := parseIdentityPolicy(text)
	if err == nil && doc.size > maxManagedSize {
		return limitExceeded("Cannot exceed quota for PolicySize: %d", maxManagedSize)
	}
	return err
}

func createPolicy(c *call) (any, error) {
	name, err := c.name("PolicyName", maxPolicyName)
	if err != nil {
		return nil, err
	}
	path, err := c.path()
	if err != nil {
		return nil, err
	}
	text, err := c.text("PolicyDocument")
	if err != nil {
		return nil, err
	}
	if err := parseManagedPolicy(text); err != nil {
		return nil, err
	}
	tags, err := c.tags()
	if err != nil {
		return nil, err
	}
	now := c.now().UTC()
	p := &managedPolicy{
		Name: name, Path: path, ID: uniqueID(policyIDPrefix), ARN: c.arn("policy", path, name), Description: c.form.Get("Description"),
		Created: now, Updated: now, Versions: []policyVersion{{ID: "v1", Text: text, Created: now}}, Default: "v1", Last: 1, Tags: tags,
	}
	err = c.change(c.ctx, func(d *directory) (write, error) {
		for _, other := range d.policies {
			if strings.EqualFold(other.Name, name) {
				return write{}, protocol.Errorf(http.StatusConflict, "EntityAlreadyExists", "A policy called %s already exists. Duplicate names are not allowed.", name)
			}
		}
		d.policies[p.ARN] = p
		return write{key: policyPrefix + p.ARN, value: p}, p.compile()
	})
	x := p.xml(c.dir)
	x.Description = "" // only GetPolicy answers it
	return struct{ Policy policyXML }{x}, err
}

// policy returns the managed policy that a call names.
func (c *call) policy() (*managedPolicy, error) {
	arn, err := c.text("PolicyArn")
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(arn, "arn:") {
		return nil, validation("Invalid ARN:  Could not be parsed!")
	}
	p, ok := c.dir.policy(arn)
	if !ok {
		return nil, noSuchPolicy(arn)
	}
	return p, nil
}

// ownPolicy is [call.policy] for changes, which AWS's policies do not take.
func (c *call) ownPolicy() (*managedPolicy, error) {
	p, err := c.policy()
	if err == nil && awsOwned(p.ARN) {
		return nil, protocol.Errorf(http.StatusForbidden, "AccessDenied", "Policy is outside your own account.")
	}
	return p, err
}

func getPolicy(c *call) (any, error) {
	p, err := c.policy()
	if err != nil {
		return nil, err
	}
	return struct{ Policy policyXML }{p.xml(c.dir)}, nil
}

func listPolicies(c *call) (any, error) {
	var all []policyXML
	add := func(policies map[string]*managedPolicy) {
		for _, p := range policies {
			x := p.xml(c.dir)
			x.Tags, x.Description = nil, ""
			if strings.HasPrefix(p.Path, c.form.Get("PathPrefix")) && (c.form.Get("OnlyAttached") != "true" || x.AttachmentCount > 0) {
				all = append(all, x)
			}
		}
	}
	scope := c.form.Get("Scope")
	switch scope {
	case "", "All", "AWS", "Local":
	default:
		return nil, validation("1 validation error detected: Value '%s' at 'scope' failed to satisfy constraint: Member must satisfy enum value set: [All, AWS, Local]", scope)
	}
	if scope != "Local" {
		add(awsPolicies())
	}
	if scope != "AWS" {
		add(c.dir.policies)
	}
	list, more, err := page(c, all, func(p policyXML) string { return p.Arn })
	return struct {
		Policies members[policyXML]
		paging
	}{list, more}, err
}

func deletePolicy(c *call) (any, error) {
	p, err := c.ownPolicy()
	if err != nil {
		return nil, err
	}
	return nil, c.change(c.ctx, func(d *directory) (write, error) {
		p, ok := d.policies[p.ARN]
		if !ok {
			return write{}, noSuchPolicy(c.form.Get("PolicyArn"))
		}
		if attached, bounds := d.attachments(p.ARN); attached+bounds > 0 {
			return write{}, protocol.Errorf(http.StatusConflict, "DeleteConflict", "Cannot delete a policy attached to entities.")
		}
		if len(p.Versions) > 1 {
			return write{}, protocol.Errorf(http.StatusConflict, "DeleteConflict", "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
		}
		delete(d.policies, p.ARN)
		return write{key: policyPrefix + p.ARN}, nil
	})
}

func createPolicyVersion(c *call) (any, error) {
	p, err := c.ownPolicy()
	if err != nil {
		return nil, err
	}
	text, err := c.text("PolicyDocument")
	if err != nil {
		return nil, err
	}
	if err := parseManagedPolicy(text); err != nil {
		return nil, err
	}
	var x versionXML
	err = c.changePolicy(c.ctx, p.ARN, func(_ *directory, p *managedPolicy) error {
		if len(p.Versions) == maxVersions {
			return limitExceeded("A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.", maxVersions)
		}
		p.Last++
		p.Updated = c.now().UTC()
		v := policyVersion{ID: "v" + strconv.Itoa(p.Last), Text: text, Created: p.Updated}
		p.Versions = append(p.Versions, v)
		if c.form.Get("SetAsDefault") == "true" {
			p.Default = v.ID
		}
		x = v.xml(p)
		return nil
	})
	return struct{ PolicyVersion versionXML }{x}, err
}

func noSuchVersion(p *managedPolicy, id string) error {
	return protocol.Errorf(http.StatusNotFound, "NoSuchEntity", "Policy %s version %s does not exist or is not attachable.", p.ARN, id)
}

func getPolicyVersion(c *call) (any, error) {
	p, err := c.policy()
	if err != nil {
		return nil, err
	}
	id, err := c.text("VersionId")
	if err != nil {
		return nil, err
	}
	v := p.version(id)
	if v == nil {
		return nil, noSuchVersion(p, id)
	}
	x := v.xml(p)
	x.Document = encodeDocument(v.Text)
	return struct{ PolicyVersion versionXML }{x}, nil
}

func listPolicyVersions(c *call) (any, error) {
	p, err := c.policy()
	if err != nil {
		return nil, err
	}
	var all []versionXML
	for i := range p.Versions {
		all = append(all, p.Versions[i].xml(p))
	}
	list, more, err := page(c, all, func(v versionXML) string { return v.VersionId })
	return struct {
		Versions members[versionXML]
		paging
	}{list, more}, err
}

// changeVersion edits a policy at the version that a call names.
func (c *call) changeVersion(edit func(p *managedPolicy, i int) error) error {
	p, err := c.ownPolicy()
	if err != nil {
		return err
	}
	id, err := c.text("VersionId")
	if err != nil {
		return err
	}
	return c.changePolicy(c.ctx, p.ARN, func(_ *directory, p *managedPolicy) error {
		i := slices.IndexFunc(p.Versions, func(v policyVersion) bool { return v.ID == id })
		if i < 0 {
			return noSuchVersion(p, id)
		}
		p.Updated = c.now().UTC()
		return edit(p, i)
	})
}

func deletePolicyVersion(c *call) (any, error) {
	return nil, c.changeVersion(func(p *managedPolicy, i int) error {
		if p.Versions[i].ID == p.Default {
			return protocol.Errorf(http.StatusConflict, "DeleteConflict", "Cannot delete the default version of a policy.")
		}
		p.Versions = slices.Delete(p.Versions, i, i+1)
		return nil
	})
}

func setDefaultPolicyVersion(c *call) (any, error) {
	return nil, c.changeVersion(func(p *managedPolicy, i int) error {
		p.Default = p.Versions[i].ID
		return nil
	})
}

func listEntitiesForPolicy(c *call) (any, error) {
	p, err := c.policy()
	if err != nil {
		return nil, err
	}
	type roleRef struct{ RoleName, RoleId string }
	type userRef struct{ UserName, UserId string }
	var roles []roleRef
	var users []userRef
	boundary := c.form.Get("PolicyUsageFilter") == "PermissionsBoundary"
	uses := func(id *identity) bool {
		if boundary {
			return id.Boundary == p.ARN
		}
		return slices.Contains(id.Attached, p.ARN)
	}
	filter := c.form.Get("EntityFilter")
	for _, r := range c.dir.roles {
		if uses(&r.identity) && (filter == "" || filter == "Role") {
			roles = append(roles, roleRef{r.Name, r.ID})
		}
	}
	for _, u := range c.dir.users {
		if uses(&u.identity) && (filter == "" || filter == "User") {
			users = append(users, userRef{u.Name, u.ID})
		}
	}
	slices.SortFunc(roles, func(a, b roleRef) int { return strings.Compare(a.RoleName, b.RoleName) })
	slices.SortFunc(users, func(a, b userRef) int { return strings.Compare(a.UserName, b.UserName) })
	return struct {
		PolicyGroups members[string]
		PolicyUsers  members[userRef]
		PolicyRoles  members[roleRef]
		paging
	}{PolicyUsers: members[userRef]{users}, PolicyRoles: members[roleRef]{roles}}, nil
}

func tagPolicy(c *call) (any, error) {
	p, err := c.ownPolicy()
	if err != nil {
		return nil, err
	}
	more, err := c.tags()
	if err != nil {
		return nil, err
	}
	return nil, c.changePolicy(c.ctx, p.ARN, func(_ *directory, p *managedPolicy) (err error) {
		p.Tags, err = mergeTags(p.Tags, more)
		return err
	})
}

func untagPolicy(c *call) (any, error) {
	p, err := c.ownPolicy()
	if err != nil {
		return nil, err
	}
	keys := c.list("TagKeys", "")
	return nil, c.changePolicy(c.ctx, p.ARN, func(_ *directory, p *managedPolicy) error {
		p.Tags = dropTags(p.Tags, keys)
		return nil
	})
}

func listPolicyTags(c *call) (any, error) {
	p, err := c.policy()
	if err != nil {
		return nil, err
	}
	return listTags(c, p.Tags)
}
