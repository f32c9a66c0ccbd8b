package iam

import (
	"net/http"
	"slices"
	"strings"

	"quotewire/cloud/protocol"
)

// kind is what operations on roles and on users differ in: AttachRolePolicy and AttachUserPolicy are one function.
type kind struct {
	name      string // "Role", also in the names of operations and parameters
	maxName   int
	maxInline int
	find      func(d *directory, name string) *identity
	missing   func(name string) error
	change    func(c *call, name string, edit func(*directory, *identity) error) error
}

var kinds = []kind{
	{
		"Role", maxRoleName, maxInlineSize,
		func(d *directory, name string) *identity {
			if r, ok := d.roles[name]; ok {
				return &r.identity
			}
			return nil
		},
		noSuchRole,
		func(c *call, name string, edit func(*directory, *identity) error) error {
			return c.changeRole(c.ctx, name, func(d *directory, r *role) error { return edit(d, &r.identity) })
		},
	},
	{
		"User", maxUserName, maxUserInline,
		func(d *directory, name string) *identity {
			if u, ok := d.users[name]; ok {
				return &u.identity
			}
			return nil
		},
		noSuchUser,
		func(c *call, name string, edit func(*directory, *identity) error) error {
			return c.changeUser(c.ctx, name, func(d *directory, u *user) error { return edit(d, &u.identity) })
		},
	},
}

// iamOperations are IAM's operations by name. The tables of the other files are added to it.
var iamOperations = func() map[string]operation {
	all := map[string]operation{}
	add := func(more map[string]operation) {
		for name, op := range more {
			all[name] = op
		}
	}
	for _, k := range kinds {
		add(k.operations())
	}
	add(roleOperations)
	add(userOperations)
	add(policyOperations)
	add(accountOperations)
	return all
}()

func (k kind) operations() map[string]operation {
	on := func(run func(kind, *call, string) (any, error)) operation {
		return operation{k.resource, func(c *call) (any, error) {
			name, err := c.name(k.name+"Name", k.maxName)
			if err != nil {
				return nil, err
			}
			return run(k, c, name)
		}}
	}
	// Operations that only change something answer no result.
	edit := func(run func(kind, *call, string) error) operation {
		return on(func(k kind, c *call, name string) (any, error) { return nil, run(k, c, name) })
	}
	return map[string]operation{
		"Put" + k.name + "Policy":                 edit(kind.putPolicy),
		"Get" + k.name + "Policy":                 on(kind.getPolicy),
		"List" + k.name + "Policies":              on(kind.listPolicies),
		"Delete" + k.name + "Policy":              edit(kind.deletePolicy),
		"Attach" + k.name + "Policy":              edit(kind.attach),
		"Detach" + k.name + "Policy":              edit(kind.detach),
		"ListAttached" + k.name + "Policies":      on(kind.listAttached),
		"Tag" + k.name:                            edit(kind.tag),
		"Untag" + k.name:                          edit(kind.untag),
		"List" + k.name + "Tags":                  on(kind.listTags),
		"Put" + k.name + "PermissionsBoundary":    edit(kind.putBoundary),
		"Delete" + k.name + "PermissionsBoundary": edit(kind.deleteBoundary),
	}
}

// resource is the ARN of the role or the user that a call names, also of one that is not there or not there yet.
func (k kind) resource(c *call) string {
	if arn := c.form.Get("PolicyArn"); arn != "" {
		c.keys["iam:PolicyARN"] = arn
	}
	if arn := c.form.Get("PermissionsBoundary"); arn != "" {
		c.keys["iam:PermissionsBoundary"] = arn
	}
	name := c.form.Get(k.name + "Name")
	if id := k.find(c.dir, name); id != nil {
		c.addResourceTags(id.Tags)
		return id.ARN
	}
	path := c.form.Get("Path")
	if path == "" {
		path = "/"
	}
	return c.arn(strings.ToLower(k.name), path, name)
}

// listResource is what a list is authorized on.
func (k kind) listResource(c *call) string {
	prefix := c.form.Get("PathPrefix")
	if prefix == "" {
		prefix = "/"
	}
	return c.arn(strings.ToLower(k.name), prefix, "")
}

func (s *Service) arn(kind, path, name string) string {
	return "arn:aws:iam::" + s.account + ":" + kind + path + name
}

func (k kind) get(c *call, name string) (*identity, error) {
	if id := k.find(c.dir, name); id != nil {
		return id, nil
	}
	return nil, k.missing(name)
}

// newIdentity makes the common part of a new role or user from the parameters of a call.
func (k kind) newIdentity(c *call, idPrefix string) (id identity, err error) {
	name, err := c.name(k.name+"Name", k.maxName)
	if err != nil {
		return id, err
	}
	path, err := c.path()
	if err != nil {
		return id, err
	}
	tags, err := c.tags()
	if err != nil {
		return id, err
	}
	boundary := c.form.Get("PermissionsBoundary")
	if boundary != "" {
		if err := attachable(c.dir, boundary); err != nil {
			return id, err
		}
	}
	return identity{
		Name: name, Path: path, ID: uniqueID(idPrefix), ARN: c.arn(strings.ToLower(k.name), path, name),
		Created: c.now().UTC(), Boundary: boundary, Tags: tags,
	}, nil
}

func (k kind) putPolicy(c *call, name string) error {
	policy, err := c.name("PolicyName", maxPolicyName)
	if err != nil {
		return err
	}
	text, err := c.text("PolicyDocument")
	if err != nil {
		return err
	}
	if _, err := parseIdentityPolicy(text); err != nil {
		return err
	}
	return k.change(c, name, func(_ *directory, id *identity) error {
		id.Inline[policy] = text
		total := 0
		for _, text := range id.Inline {
			total += sizeOf(text)
		}
		if total > k.maxInline {
			return limitExceeded("Maximum policy size of %d bytes exceeded for %s %s", k.maxInline, strings.ToLower(k.name), name)
		}
		return nil
	})
}

func (k kind) getPolicy(c *call, name string) (any, error) {
	id, err := k.get(c, name)
	if err != nil {
		return nil, err
	}
	policy, err := c.name("PolicyName", maxPolicyName)
	if err != nil {
		return nil, err
	}
	text, ok := id.Inline[policy]
	if !ok {
		return nil, k.noPolicy(policy)
	}
	return struct {
		RoleName, UserName         string `xml:",omitempty"`
		PolicyName, PolicyDocument string
	}{onlyFor(k, "Role", name), onlyFor(k, "User", name), policy, encodeDocument(text)}, nil
}

func onlyFor(k kind, kindName, value string) string {
	if k.name == kindName {
		return value
	}
	return ""
}

func (k kind) listPolicies(c *call, name string) (any, error) {
	id, err := k.get(c, name)
	if err != nil {
		return nil, err
	}
	var all []string
	for policy := range id.Inline {
		all = append(all, policy)
	}
	list, more, err := page(c, all, func(s string) string { return s })
	return struct {
		PolicyNames members[string]
		paging
	}{list, more}, err
}

func (k kind) deletePolicy(c *call, name string) error {
	policy, err := c.name("PolicyName", maxPolicyName)
	if err != nil {
		return err
	}
	return k.change(c, name, func(_ *directory, id *identity) error {
		if _, ok := id.Inline[policy]; !ok {
			return k.noPolicy(policy)
		}
		delete(id.Inline, policy)
		return nil
	})
}

func (k kind) noPolicy(policy string) error {
	return protocol.Errorf(http.StatusNotFound, "NoSuchEntity", "The %s policy with name %s cannot be found.", strings.ToLower(k.name), policy)
}

func (k kind) attach(c *call, name string) error {
	arn, err := c.text("PolicyArn")
	if err != nil {
		return err
	}
	return k.change(c, name, func(d *directory, id *identity) error {
		if err := attachable(d, arn); err != nil {
			return err
		}
		if slices.Contains(id.Attached, arn) {
			return nil
		}
		if id.Attached = append(id.Attached, arn); len(id.Attached) > maxAttached {
			return limitExceeded("Cannot exceed quota for PoliciesPer%s: %d", k.name, maxAttached)
		}
		return nil
	})
}

// attachable says what forbids to attach a managed policy.
func attachable(d *directory, arn string) error {
	if !strings.HasPrefix(arn, "arn:") || strings.Count(arn, ":") < arnParts-1 {
		return validation("Invalid ARN:  Could not be parsed!")
	}
	if _, ok := d.policy(arn); !ok {
		return protocol.Errorf(http.StatusNotFound, "NoSuchEntity", "Policy %s does not exist or is not attachable.", arn)
	}
	return nil
}

func (k kind) detach(c *call, name string) error {
	arn, err := c.text("PolicyArn")
	if err != nil {
		return err
	}
	return k.change(c, name, func(_ *directory, id *identity) error {
		i := slices.Index(id.Attached, arn)
		if i < 0 {
			return noSuchPolicy(arn)
		}
		id.Attached = slices.Delete(id.Attached, i, i+1)
		return nil
	})
}

func (k kind) listAttached(c *call, name string) (any, error) {
	id, err := k.get(c, name)
	if err != nil {
		return nil, err
	}
	var all []attachedXML
	for _, arn := range id.Attached {
		if p, ok := c.dir.policy(arn); ok && strings.HasPrefix(p.Path, c.form.Get("PathPrefix")) {
			all = append(all, attachedXML{p.Name, arn})
		}
	}
	list, more, err := page(c, all, func(a attachedXML) string { return a.PolicyArn })
	return struct {
		AttachedPolicies members[attachedXML]
		paging
	}{list, more}, err
}

func (k kind) putBoundary(c *call, name string) error {
	arn, err := c.text("PermissionsBoundary")
	if err != nil {
		return err
	}
	return k.change(c, name, func(d *directory, id *identity) error {
		id.Boundary = arn
		return attachable(d, arn)
	})
}

func (k kind) deleteBoundary(c *call, name string) error {
	return k.change(c, name, func(_ *directory, id *identity) error {
		if id.Boundary == "" {
			return protocol.Errorf(http.StatusNotFound, "NoSuchEntity", "%s %s has no permissions boundary.", k.name, name)
		}
		id.Boundary = ""
		return nil
	})
}

func parseIdentityPolicy(text string) (*Document, error) {
	doc, err := ParsePolicy(text)
	if err == nil {
		err = doc.checkIdentity()
	}
	if err != nil {
		return nil, malformedPolicy(err)
	}
	return doc, nil
}
