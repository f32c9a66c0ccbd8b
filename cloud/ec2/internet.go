package ec2

import (
	"context"
	"net/netip"
)

// Internet says which hop a function in these subnets lacks on its way to a host outside of AWS, with what to write, or
// "". A zero address stands for every public one.
func (s *Service) Internet(ctx context.Context, subnetIDs, groupIDs []string, ipv6 bool, to netip.AddrPort) (missing string) {
	from := Origin{SubnetIDs: subnetIDs, SecurityGroupIDs: groupIDs, IPv6: ipv6}
	path := s.Reach(ctx, from, Destination{Internet: true, DualStack: true, Address: to.Addr(), Port: int(to.Port())})
	if path.OK {
		return ""
	}
	return path.Why
}
