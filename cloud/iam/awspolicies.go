package iam

import (
	_ "embed"
	"encoding/json"
	"sync"
	"time"
)

// managed.json holds managed policies of AWS with the names, versions and statements that AWS's Managed Policy Reference
// gives. ReadOnlyAccess, which has some two thousand actions there, names those of the services around this system.
//
//go:embed managed.json
var managedJSON []byte

// awsPolicies returns AWS's managed policies by their ARN.
var awsPolicies = sync.OnceValue(func() map[string]*managedPolicy {
	var list []struct {
		Name, Path, Version string
		Updated             time.Time
		Document            json.RawMessage
	}
	if err := json.Unmarshal(managedJSON, &list); err != nil {
		panic("iam: managed.json: " + err.Error())
	}
	all := make(map[string]*managedPolicy, len(list))
	for _, e := range list {
		p := &managedPolicy{
			Name: e.Name, Path: e.Path, ID: derivedID(policyIDPrefix, e.Name),
			ARN:     "arn:aws:iam::aws:policy" + e.Path + e.Name,
			Created: e.Updated, Updated: e.Updated, Default: e.Version,
			Versions: []policyVersion{{ID: e.Version, Text: string(e.Document), Created: e.Updated}},
		}
		if err := p.compile(); err != nil {
			panic("iam: managed policy " + e.Name + ": " + err.Error())
		}
		all[p.ARN] = p
	}
	return all
})
