package lambda

// Caller is the function that an access key belongs to.
type Caller struct {
	Function string // its name
	ARN      string // with the version, unless that is $LATEST
	VPC      *VPCConfig
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
