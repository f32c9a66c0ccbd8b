package iam

import (
	"net/http"
	"strings"
	"time"

	"quotewire/cloud/protocol"
)

var stsOperations = map[string]operation{
	"GetCallerIdentity": {nil, getCallerIdentity},
	"AssumeRole":        {nil, assumeRole},
	"GetSessionToken":   {nil, getSessionToken},
	"GetAccessKeyInfo":  {anything, getAccessKeyInfo},
}

// caller returns who calls an operation that needs no permission, but a signature.
func (c *call) caller() (Principal, error) {
	who, ok := PrincipalFrom(c.ctx)
	if !ok {
		return who, refuse(protocol.Query, unsigned)
	}
	return who, nil
}

func getCallerIdentity(c *call) (any, error) {
	who, err := c.caller()
	if err != nil {
		return nil, err
	}
	return struct{ Arn, UserId, Account string }{who.ARN, who.UserID, who.Account}, nil
}

type credentialsXML struct{ AccessKeyId, SecretAccessKey, SessionToken, Expiration string }

func (c *credential) xml() credentialsXML {
	return credentialsXML{c.ID, c.Secret, c.Token, iso(c.Expires)}
}

func assumeRole(c *call) (any, error) {
	who, err := c.caller()
	if err != nil {
		return nil, err
	}
	arn, err := c.text("RoleArn")
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(arn, "arn:") || strings.Count(arn, ":") < arnParts-1 {
		return nil, validation("%s is invalid", arn)
	}
	name, err := c.text("RoleSessionName")
	if err != nil {
		return nil, err
	}
	if !validSessionName(name) {
		return nil, validation(`1 validation error detected: Value '%s' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]{2,64}`, name)
	}
	tags, err := c.tags()
	if err != nil {
		return nil, err
	}
	if who.Kind == Root {
		return nil, protocol.Errorf(http.StatusForbidden, "AccessDenied", "Roles may not be assumed by root accounts.")
	}
	r, err := c.authorizeAssume(&who, arn, name, len(tags) > 0)
	if err != nil {
		return nil, err
	}
	life, err := c.seconds("DurationSeconds", defaultSession, minSession, maxSession)
	switch {
	case err != nil:
		return nil, err
	case who.Kind == AssumedRole && life > maxChained:
		return nil, validation("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	case life > r.MaxSession:
		return nil, validation("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	session := c.roleSession(r, name)
	session.Expires = c.now().UTC().Add(life).Truncate(time.Second)
	session.Tags = tags
	packed, err := c.restrict(session)
	if err != nil {
		return nil, err
	}
	if err := c.keep(c.ctx, session); err != nil {
		return nil, err
	}
	type assumedRoleUser struct{ AssumedRoleId, Arn string }
	return struct {
		Credentials      credentialsXML
		AssumedRoleUser  assumedRoleUser
		PackedPolicySize int `xml:",omitempty"`
	}{session.xml(), assumedRoleUser{session.Who.UserID, session.Who.ARN}, packed}, nil
}

// authorizeAssume checks both sides: the role's trust policy must allow the caller, and unless it does so by name, the
// caller's own policies must as well. A role that is not there is refused in the same words.
func (c *call) authorizeAssume(who *Principal, arn, sessionName string, tagged bool) (*role, error) {
	c.addTagKeys()
	c.keys["sts:RoleSessionName"] = sessionName
	if id := c.form.Get("ExternalId"); id != "" {
		c.keys["sts:ExternalId"] = id
	}
	r, found := c.dir.roleByARN(arn)
	id := c.dir.identityOf(who)
	if id == nil {
		return nil, refuse(protocol.Query, unknownKey)
	}
	actions := []string{"sts:AssumeRole"}
	if tagged {
		actions = append(actions, "sts:TagSession")
	}
	for _, action := range actions {
		q := &inquiry{
			Request: Request{Principal: *who, Action: action, Resource: arn, Keys: c.keys},
			region:  c.region, now: c.now(), tags: id.Tags,
		}
		if who.session != nil && len(who.session.Tags) > 0 {
			q.tags = withTags(who.session.Tags, id.Tags)
		}
		trust := NoMatch
		if found {
			trust, _, _ = r.trust.evaluate(q)
		}
		all := appendLayers(nil, c.dir, id, who.session, nil, trust != Allowed, true)
		v := judge(all, q)
		v.looked = all
		if trust == NoMatch || trust == Denied || !v.allowed {
			switch {
			case !found:
				v.because, v.where, v.write = "because there is no such role", "create the role, or name another", nil
			case !v.denied && (trust == NoMatch || trust == Denied):
				v.because = "because the trust policy of the role does not allow the caller"
				v.where = "to allow it, write in the assume block of the role " + r.Name
				v.write = []string{`allow "` + action + `"`, `    principal aws.principal.AWS "` + who.identityARN() + `"`}
			}
			if c.denials.first(who.ARN + " " + action + " " + arn) {
				c.logDenial(c.ctx, q, v)
			}
			return nil, accessDenied(protocol.Query, who, action, arn, "")
		}
	}
	return r, nil
}

// restrict gives a session the policies that the call asks for. It returns their size in percent of what AWS packs.
func (c *call) restrict(session *credential) (percent int, err error) {
	size := 0
	if text := c.form.Get("Policy"); text != "" {
		doc, err := parseIdentityPolicy(text)
		if err != nil {
			return 0, err
		}
		size = doc.size
		session.Policies = []string{text}
	}
	session.Managed = c.list("PolicyArns", ".arn")
	for _, arn := range session.Managed {
		if err := attachable(c.dir, arn); err != nil {
			return 0, err
		}
		size += len(arn)
	}
	if size > maxTrustSize {
		return 0, protocol.Errorf(http.StatusBadRequest, "PackedPolicyTooLarge", "Packed policy consumes %d%% of allotted space, please use smaller policy.", size*100/maxTrustSize)
	}
	return (size*100 + maxTrustSize - 1) / maxTrustSize, session.compile()
}

// getSessionToken answers temporary keys of the caller itself. It needs no permission.
func getSessionToken(c *call) (any, error) {
	who, err := c.caller()
	if err != nil {
		return nil, err
	}
	if who.Kind == AssumedRole || who.session != nil && !who.session.Expires.IsZero() {
		return nil, protocol.Errorf(http.StatusForbidden, "AccessDenied", "Cannot call GetSessionToken with session credentials")
	}
	life, err := c.seconds("DurationSeconds", defaultUserSession, minSession, maxUserSession)
	if err != nil {
		return nil, err
	}
	if who.Kind == Root {
		life = min(life, maxRootSession)
	}
	session := &credential{
		ID: accessKeyID(tempKeyPrefix), Secret: secret(30), Token: secret(96), Identity: who.ARN, Who: who, Source: who.AccessKeyID,
		Expires: c.now().UTC().Add(life).Truncate(time.Second),
	}
	session.Who.AccessKeyID = session.ID
	session.Who.session, session.Who.sourceIP, session.Who.userAgent = session, "", ""
	if err := c.keep(c.ctx, session); err != nil {
		return nil, err
	}
	return struct{ Credentials credentialsXML }{session.xml()}, nil
}

func getAccessKeyInfo(c *call) (any, error) {
	if _, err := c.text("AccessKeyId"); err != nil {
		return nil, err
	}
	return struct{ Account string }{c.account}, nil
}
