package iam

import (
	"net/http"
	"slices"
	"strings"

	"quotewire/cloud/protocol"
)

var userKind = kinds[1]

var userOperations = map[string]operation{
	"CreateUser":        {userKind.resource, createUser},
	"GetUser":           {userOrCaller, getUser},
	"ListUsers":         {userKind.listResource, listUsers},
	"DeleteUser":        {userKind.resource, deleteUser},
	"CreateAccessKey":   {userOrCaller, createAccessKey},
	"ListAccessKeys":    {userOrCaller, listAccessKeys},
	"UpdateAccessKey":   {userOrCaller, updateAccessKey},
	"DeleteAccessKey":   {userOrCaller, deleteAccessKey},
	"ListGroupsForUser": {userKind.resource, listGroupsForUser},
}

type userXML struct {
	Path                    string
	UserName                string `xml:",omitempty"`
	UserId, Arn, CreateDate string
	PermissionsBoundary     *boundaryXML     `xml:",omitempty"`
	Tags                    *members[tagXML] `xml:",omitempty"`
}

func (u *user) xml() userXML {
	return userXML{
		Path: u.Path, UserName: u.Name, UserId: u.ID, Arn: u.ARN, CreateDate: iso(u.Created),
		PermissionsBoundary: u.boundaryXML(), Tags: tagsXML(u.Tags),
	}
}

// userOrCaller is the resource of operations that are about the caller if they name nobody.
func userOrCaller(c *call) string {
	if !c.form.Has("UserName") {
		if who, ok := PrincipalFrom(c.ctx); ok {
			if name, ok := who.userName(); ok {
				c.form.Set("UserName", name)
			} else if who.Kind == Root {
				return who.ARN
			}
		}
	}
	return userKind.resource(c)
}

func createUser(c *call) (any, error) {
	id, err := userKind.newIdentity(c, userIDPrefix)
	if err != nil {
		return nil, err
	}
	u := &user{identity: id}
	err = c.change(c.ctx, func(d *directory) (write, error) {
		for name := range d.users {
			if strings.EqualFold(name, u.Name) {
				return write{}, protocol.Errorf(http.StatusConflict, "EntityAlreadyExists", "User with name %s already exists.", u.Name)
			}
		}
		d.users[u.Name] = u
		return write{key: userPrefix + u.Name, value: u}, nil
	})
	return struct{ User userXML }{u.xml()}, err
}

func (c *call) user() (*user, error) {
	name, err := c.name("UserName", maxUserName)
	if err != nil {
		return nil, err
	}
	u, ok := c.dir.users[name]
	if !ok {
		return nil, noSuchUser(name)
	}
	return u, nil
}

func getUser(c *call) (any, error) {
	who, _ := PrincipalFrom(c.ctx)
	switch {
	case c.form.Has("UserName"):
	case who.Kind == Root:
		return struct{ User userXML }{userXML{Path: "/", UserId: c.account, Arn: who.ARN, CreateDate: "1970-01-01T00:00:00Z"}}, nil
	default:
		return nil, validation("Must specify userName when calling with non-User credentials")
	}
	u, err := c.user()
	if err != nil {
		return nil, err
	}
	return struct{ User userXML }{u.xml()}, nil
}

func listUsers(c *call) (any, error) {
	var all []userXML
	for _, u := range c.dir.users {
		if strings.HasPrefix(u.Path, c.form.Get("PathPrefix")) {
			x := u.xml()
			x.Tags, x.PermissionsBoundary = nil, nil
			all = append(all, x)
		}
	}
	list, more, err := page(c, all, func(u userXML) string { return u.UserName })
	return struct {
		Users members[userXML]
		paging
	}{list, more}, err
}

func deleteUser(c *call) (any, error) {
	name, err := c.name("UserName", maxUserName)
	if err != nil {
		return nil, err
	}
	return nil, c.change(c.ctx, func(d *directory) (write, error) {
		u, ok := d.users[name]
		if !ok {
			return write{}, noSuchUser(name)
		}
		if len(u.Keys) > 0 {
			return write{}, protocol.Errorf(http.StatusConflict, "DeleteConflict", "Cannot delete entity, must delete access keys first.")
		}
		if err := u.deletable(); err != nil {
			return write{}, err
		}
		delete(d.users, name)
		return write{key: userPrefix + name}, nil
	})
}

type accessKeyXML struct {
	UserName, AccessKeyId, Status string
	SecretAccessKey               string `xml:",omitempty"` // only in the answer that creates it
	CreateDate                    string
}

func (k accessKey) xml(userName string) accessKeyXML {
	status := "Inactive"
	if k.Active {
		status = "Active"
	}
	return accessKeyXML{UserName: userName, AccessKeyId: k.ID, Status: status, CreateDate: iso(k.Created)}
}

func createAccessKey(c *call) (any, error) {
	u, err := c.user()
	if err != nil {
		return nil, err
	}
	key := accessKey{ID: accessKeyID(userKeyPrefix), Secret: secret(30), Active: true, Created: c.now().UTC()}
	err = c.changeUser(c.ctx, u.Name, func(_ *directory, u *user) error {
		if len(u.Keys) == maxAccessKeys {
			return limitExceeded("Cannot exceed quota for AccessKeysPerUser: %d", maxAccessKeys)
		}
		u.Keys = append(u.Keys, key)
		return nil
	})
	x := key.xml(u.Name)
	x.SecretAccessKey = key.Secret
	return struct{ AccessKey accessKeyXML }{x}, err
}

func listAccessKeys(c *call) (any, error) {
	u, err := c.user()
	if err != nil {
		return nil, err
	}
	var all []accessKeyXML
	for _, k := range u.Keys {
		all = append(all, k.xml(u.Name))
	}
	list, more, err := page(c, all, func(k accessKeyXML) string { return k.AccessKeyId })
	return struct {
		AccessKeyMetadata members[accessKeyXML]
		paging
	}{list, more}, err
}

func updateAccessKey(c *call) (any, error) {
	status := c.form.Get("Status")
	if status != "Active" && status != "Inactive" {
		return nil, validation("1 validation error detected: Value '%s' at 'status' failed to satisfy constraint: Member must satisfy enum value set: [Active, Inactive]", status)
	}
	return nil, c.changeKey(func(u *user, i int) { u.Keys[i].Active = status == "Active" })
}

func deleteAccessKey(c *call) (any, error) {
	return nil, c.changeKey(func(u *user, i int) { u.Keys = slices.Delete(u.Keys, i, i+1) })
}

func (c *call) changeKey(edit func(u *user, i int)) error {
	u, err := c.user()
	if err != nil {
		return err
	}
	id, err := c.text("AccessKeyId")
	if err != nil {
		return err
	}
	return c.changeUser(c.ctx, u.Name, func(_ *directory, u *user) error {
		i := u.key(id)
		if i < 0 {
			return protocol.Errorf(http.StatusNotFound, "NoSuchEntity", "The Access Key with id %s cannot be found.", id)
		}
		edit(u, i)
		return nil
	})
}

// listGroupsForUser answers an empty list: there are no groups in this cloud. Tools ask before they delete a user.
func listGroupsForUser(c *call) (any, error) {
	if _, err := c.user(); err != nil {
		return nil, err
	}
	return struct {
		Groups members[string]
		paging
	}{}, nil
}
