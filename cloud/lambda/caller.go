package lambda

import (
	"cmp"
	"slices"
)

// Caller is the function that an access key belongs to.
type Caller struct {
	Function string // its name
	ARN      string // with the version, unless that is $LATEST
	VPC      *VPCConfig
	// DualStackNames says that the function has told its SDK to use the names of services that have IPv6 addresses.
	DualStackNames bool
}

// VPCConfig is where a function sits in a network.
type VPCConfig struct {
	SubnetIDs, SecurityGroupIDs []string
	VPCID                       string
	IPv6                        bool // the function may use IPv6
}

// Caller tells which function signs with an access key, and the VPC that its calls come from. It returns false for
// keys that belong to no running environment.
func (s *Service) Caller(accessKeyID string) (Caller, bool) {
	c, ok := s.callers.Load(accessKeyID)
	if !ok {
		return Caller{}, false
	}
	return c.(Caller), true
}

// Placements are the functions that sit in VPCs, once for each version.
func (s *Service) Placements() []Caller {
	var list []Caller
	for _, f := range s.catalog.all() {
		for _, r := range f.Versions {
			if v := r.Config.VpcConfig; v != nil && len(v.SubnetIds) > 0 {
				list = append(list, Caller{Function: f.Name, ARN: r.Config.FunctionArn,
					VPC: &VPCConfig{SubnetIDs: v.SubnetIds, SecurityGroupIDs: v.SecurityGroupIds, VPCID: v.VpcId, IPv6: v.Ipv6AllowedForDualStack}})
			}
		}
	}
	slices.SortFunc(list, func(a, b Caller) int { return cmp.Compare(a.ARN, b.ARN) })
	return list
}
