package iam

import (
	"net/http"
	"strings"

	"quotewire/cloud/protocol"
)

var roleKind = kinds[0]

var roleOperations = map[string]operation{
	"CreateRole":                  {roleKind.resource, createRole},
	"GetRole":                     {roleKind.resource, getRole},
	"ListRoles":                   {roleKind.listResource, listRoles},
	"DeleteRole":                  {roleKind.resource, deleteRole},
	"UpdateRole":                  {roleKind.resource, updateRole},
	"UpdateRoleDescription":       {roleKind.resource, updateRoleDescription},
	"UpdateAssumeRolePolicy":      {roleKind.resource, updateAssumeRolePolicy},
	"ListInstanceProfilesForRole": {roleKind.resource, listInstanceProfilesForRole},
}

type roleXML struct {
	Path, RoleName, RoleId, Arn, CreateDate string
	AssumeRolePolicyDocument                string
	Description                             string           `xml:",omitempty"`
	MaxSessionDuration                      int              `xml:",omitempty"`
	PermissionsBoundary                     *boundaryXML     `xml:",omitempty"`
	Tags                                    *members[tagXML] `xml:",omitempty"`
	RoleLastUsed                            *struct{}        `xml:",omitempty"`
}

type boundaryXML struct{ PermissionsBoundaryType, PermissionsBoundaryArn string }

func (id *identity) boundaryXML() *boundaryXML {
	if id.Boundary == "" {
		return nil
	}
	return &boundaryXML{"Policy", id.Boundary}
}

// xml is the role as CreateRole answers it; lists and GetRole say more.
func (r *role) xml(d *directory) roleXML {
	return roleXML{
		Path: r.Path, RoleName: r.Name, RoleId: r.ID, Arn: r.ARN, CreateDate: iso(r.Created),
		AssumeRolePolicyDocument: encodeDocument(d.spell(r.Trust, r.Trusted)), Description: r.Description,
		PermissionsBoundary: r.boundaryXML(), Tags: tagsXML(r.Tags),
	}
}

func createRole(c *call) (any, error) {
	id, err := roleKind.newIdentity(c, roleIDPrefix)
	if err != nil {
		return nil, err
	}
	trust, err := c.text("AssumeRolePolicyDocument")
	if err != nil {
		return nil, err
	}
	longest, err := c.seconds("MaxSessionDuration", defaultSession, defaultSession, maxSession)
	if err != nil {
		return nil, err
	}
	r := &role{identity: id, Description: c.form.Get("Description"), MaxSession: longest}
	err = c.change(c.ctx, func(d *directory) (write, error) {
		for name := range d.roles {
			if strings.EqualFold(name, r.Name) {
				return write{}, protocol.Errorf(http.StatusConflict, "EntityAlreadyExists", "Role with name %s already exists.", r.Name)
			}
		}
		if err := r.setTrust(d, trust); err != nil {
			return write{}, err
		}
		d.roles[r.Name] = r
		return write{key: rolePrefix + r.Name, value: r}, r.compile()
	})
	if err != nil {
		return nil, err
	}
	x := r.xml(c.dir)
	if c.form.Has("MaxSessionDuration") {
		x.MaxSessionDuration = int(longest.Seconds())
	}
	return struct{ Role roleXML }{x}, nil
}

// setTrust gives a role that is not yet published its trust policy. Roles and users that it names must be there, and
// are remembered by their unique ids: whoever takes the name of a deleted one is not trusted.
func (r *role) setTrust(d *directory, text string) error {
	doc, err := ParsePolicy(text)
	if err == nil {
		err = doc.checkTrust()
	}
	if err != nil {
		return malformedPolicy(err)
	}
	if doc.size > maxTrustSize {
		return limitExceeded("Cannot exceed quota for ACLSizePerRole: %d", maxTrustSize)
	}
	r.Trust = text
	if r.Trusted, err = d.bind(doc); err != nil {
		return malformedPolicy(err)
	}
	return nil
}

func (c *call) role() (*role, error) {
	name, err := c.name("RoleName", maxRoleName)
	if err != nil {
		return nil, err
	}
	r, ok := c.dir.roles[name]
	if !ok {
		return nil, noSuchRole(name)
	}
	return r, nil
}

func getRole(c *call) (any, error) {
	r, err := c.role()
	if err != nil {
		return nil, err
	}
	x := r.xml(c.dir)
	x.MaxSessionDuration, x.RoleLastUsed = int(r.MaxSession.Seconds()), &struct{}{}
	return struct{ Role roleXML }{x}, nil
}

func listRoles(c *call) (any, error) {
	var all []roleXML
	for _, r := range c.dir.roles {
		if strings.HasPrefix(r.Path, c.form.Get("PathPrefix")) {
			x := r.xml(c.dir)
			x.MaxSessionDuration, x.Tags, x.PermissionsBoundary = int(r.MaxSession.Seconds()), nil, nil
			all = append(all, x)
		}
	}
	list, more, err := page(c, all, func(r roleXML) string { return r.RoleName })
	return struct {
		Roles members[roleXML]
		paging
	}{list, more}, err
}

func deleteRole(c *call) (any, error) {
	name, err := c.name("RoleName", maxRoleName)
	if err != nil {
		return nil, err
	}
	return nil, c.change(c.ctx, func(d *directory) (write, error) {
		r, ok := d.roles[name]
		if !ok {
			return write{}, noSuchRole(name)
		}
		if err := r.deletable(); err != nil {
			return write{}, err
		}
		delete(d.roles, name)
		return write{key: rolePrefix + name}, nil
	})
}

func (id *identity) deletable() error {
	switch {
	case len(id.Inline) > 0:
		return protocol.Errorf(http.StatusConflict, "DeleteConflict", "Cannot delete entity, must delete policies first.")
	case len(id.Attached) > 0:
		return protocol.Errorf(http.StatusConflict, "DeleteConflict", "Cannot delete entity, must detach all policies first.")
	}
	return nil
}

func updateRole(c *call) (any, error) {
	old, err := c.role()
	if err != nil {
		return nil, err
	}
	longest, err := c.seconds("MaxSessionDuration", old.MaxSession, defaultSession, maxSession)
	if err != nil {
		return nil, err
	}
	return struct{}{}, c.changeRole(c.ctx, old.Name, func(_ *directory, r *role) error {
		if c.form.Has("MaxSessionDuration") {
			r.MaxSession = longest
		}
		if c.form.Has("Description") {
			r.Description = c.form.Get("Description")
		}
		return nil
	})
}

func updateRoleDescription(c *call) (any, error) {
	old, err := c.role()
	if err != nil {
		return nil, err
	}
	var x roleXML
	err = c.changeRole(c.ctx, old.Name, func(d *directory, r *role) error {
		r.Description = c.form.Get("Description")
		x = r.xml(d)
		return nil
	})
	return struct{ Role roleXML }{x}, err
}

func updateAssumeRolePolicy(c *call) (any, error) {
	name, err := c.name("RoleName", maxRoleName)
	if err != nil {
		return nil, err
	}
	text, err := c.text("PolicyDocument")
	if err != nil {
		return nil, err
	}
	return nil, c.changeRole(c.ctx, name, func(d *directory, r *role) error {
		return r.setTrust(d, text)
	})
}

// listInstanceProfilesForRole answers an empty list: instance profiles are for EC2 instances, which this cloud does not
// run, so there are none. Tools ask before they delete a role.
func listInstanceProfilesForRole(c *call) (any, error) {
	if _, err := c.role(); err != nil {
		return nil, err
	}
	return struct {
		InstanceProfiles members[string]
		paging
	}{}, nil
}
