package ec2

import (
	"net/http"

	"quotewire/cloud/protocol"
)

// maxRequest bounds a request, in bytes; EC2's largest are lists of a thousand ids.
const maxRequest = 1 << 20

// maxTags is the number of tags of a resource.
const maxTags = 50

func clientError(code, format string, args ...any) error {
	return protocol.Errorf(http.StatusBadRequest, code, format, args...)
}

func missingParameter(name string) error {
	return clientError("MissingParameter", "The request must contain the parameter %s", name)
}

func invalidParameter(format string, args ...any) error {
	return clientError("InvalidParameterValue", format, args...)
}

func unsupported(format string, args ...any) error {
	return clientError("UnsupportedOperation", format, args...)
}

// dependency is the refusal to remove what something else still needs.
func dependency(format string, args ...any) error {
	return clientError("DependencyViolation", format, args...)
}

// notFound is the answer to an unknown id of each kind of resource, by the prefix of the id.
var notFound = map[string]struct{ code, text string }{
	"vpc":      {"InvalidVpcID.NotFound", "The vpc ID '%s' does not exist"},
	"subnet":   {"InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist"},
	"sg":       {"InvalidGroup.NotFound", "The security group '%s' does not exist"},
	"sgr":      {"InvalidSecurityGroupRuleId.NotFound", "The security group rule ID '%s' does not exist"},
	"rtb":      {"InvalidRouteTableID.NotFound", "The routeTable ID '%s' does not exist"},
	"rtbassoc": {"InvalidAssociationID.NotFound", "The association ID '%s' does not exist"},
	"igw":      {"InvalidInternetGatewayID.NotFound", "The internetGateway ID '%s' does not exist"},
	"eigw":     {"InvalidGatewayID.NotFound", "The gateway ID '%s' does not exist"},
	"nat":      {"NatGatewayNotFound", "NAT gateway %s was not found"},
	"eipalloc": {"InvalidAllocationID.NotFound", "The allocation ID '%s' does not exist"},
	"vpce":     {"InvalidVpcEndpointId.NotFound", "The Vpc Endpoint Id '%s' does not exist"},
	"pl":       {"InvalidPrefixListID.NotFound", "The prefix list ID '%s' does not exist"},
	"acl":      {"InvalidNetworkAclID.NotFound", "The networkAcl ID '%s' does not exist"},
	"eni":      {"InvalidNetworkInterfaceID.NotFound", "The networkInterface ID '%s' does not exist"},
}

func missing(prefix, id string) error {
	e := notFound[prefix]
	return clientError(e.code, e.text, id)
}
