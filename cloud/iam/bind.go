package iam

import (
	"fmt"
	"strings"
)

// A policy with principals names roles and users by their ARNs and means the ones that are there when it is put in place:
// whoever takes the name of a deleted one later is another. So the unique ids are kept with the policy's text.

// Bind returns the unique ids of the roles and users that are principals of d, by their ARNs. One that is not there is an
// error in AWS's words.
func (s *Service) Bind(d *Document) (map[string]string, error) { return s.dir.Load().bind(d) }

// Spell returns the text of a policy as it reads now: in place of a role or a user that was deleted stands its unique id.
func (s *Service) Spell(text string, ids map[string]string) string {
	return s.dir.Load().spell(text, ids)
}

// BindTo makes d, which nobody uses yet, mean the roles and users with these ids, which [Service.Bind] returned.
func (d *Document) BindTo(ids map[string]string) {
	for _, st := range d.statements {
		if st.principals == nil {
			continue
		}
		for i, arn := range st.principals.aws {
			if id, ok := ids[arn]; ok {
				st.principals.aws[i] = id
			}
		}
	}
}

func (d *directory) bind(doc *Document) (map[string]string, error) {
	var ids map[string]string
	for _, st := range doc.statements {
		if st.principals == nil {
			continue
		}
		for _, arn := range st.principals.aws {
			id, ok := d.identityByARN(arn)
			switch {
			case ok:
				if ids == nil {
					ids = map[string]string{}
				}
				ids[arn] = id.ID
			case namesIdentity(arn):
				return nil, fmt.Errorf("Invalid principal in policy: \"AWS\":%q", arn)
			}
		}
	}
	return ids, nil
}

func (d *directory) spell(text string, ids map[string]string) string {
	for arn, id := range ids {
		if now, ok := d.identityByARN(arn); !ok || now.ID != id {
			text = strings.ReplaceAll(text, `"`+arn+`"`, `"`+id+`"`)
		}
	}
	return text
}

// namesIdentity reports whether arn is one of a role or a user, rather than of an account or a session.
func namesIdentity(arn string) bool {
	parts := strings.SplitN(arn, ":", arnParts)
	return len(parts) == arnParts && parts[2] == "iam" && (strings.HasPrefix(parts[5], "role/") || strings.HasPrefix(parts[5], "user/"))
}
