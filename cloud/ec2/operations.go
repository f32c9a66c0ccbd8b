package ec2

import "strings"

// operation is an entry of the API. on are the resources that policies are asked about, in the notation of
// [operation.resources]. params are the parameters that it honours, by the first part of their names; any other is refused
// rather than ignored.
type operation struct {
	on     string
	params string
	do     func(*Service, *call) ([]member, error)
}

const describeParams = "Filter MaxResults NextToken "

var operations = map[string]operation{
	"DescribeVpcs":                       {"", describeParams + "VpcId", (*Service).describeVpcs},
	"CreateVpc":                          {"vpc", "CidrBlock AmazonProvidedIpv6CidrBlock InstanceTenancy Ipv6CidrBlockNetworkBorderGroup TagSpecification", (*Service).createVpc},
	"DeleteVpc":                          {"vpc=VpcId", "VpcId", (*Service).deleteVpc},
	"AssociateVpcCidrBlock":              {"vpc=VpcId", "VpcId CidrBlock AmazonProvidedIpv6CidrBlock", (*Service).associateVpcCidrBlock},
	"DisassociateVpcCidrBlock":           {"association", "AssociationId", (*Service).disassociateVpcCidrBlock},
	"ModifyVpcAttribute":                 {"vpc=VpcId", "VpcId EnableDnsSupport EnableDnsHostnames", (*Service).modifyVpcAttribute},
	"DescribeVpcAttribute":               {"vpc=VpcId", "VpcId Attribute", (*Service).describeVpcAttribute},
	"DescribeSubnets":                    {"", describeParams + "SubnetId", (*Service).describeSubnets},
	"CreateSubnet":                       {"subnet vpc=VpcId", "VpcId CidrBlock Ipv6CidrBlock AvailabilityZone AvailabilityZoneId TagSpecification", (*Service).createSubnet},
	"DeleteSubnet":                       {"subnet=SubnetId", "SubnetId", (*Service).deleteSubnet},
	"ModifySubnetAttribute":              {"subnet=SubnetId", "SubnetId MapPublicIpOnLaunch AssignIpv6AddressOnCreation", (*Service).modifySubnetAttribute},
	"AssociateSubnetCidrBlock":           {"subnet=SubnetId", "SubnetId Ipv6CidrBlock", (*Service).associateSubnetCidrBlock},
	"DisassociateSubnetCidrBlock":        {"association", "AssociationId", (*Service).disassociateSubnetCidrBlock},
	"DescribeSecurityGroups":             {"", describeParams + "GroupId GroupName", (*Service).describeSecurityGroups},
	"DescribeSecurityGroupRules":         {"", describeParams + "SecurityGroupRuleId", (*Service).describeSecurityGroupRules},
	"CreateSecurityGroup":                {"security-group vpc=VpcId", "GroupName GroupDescription VpcId TagSpecification", (*Service).createSecurityGroup},
	"DeleteSecurityGroup":                {"security-group=GroupId", "GroupId", (*Service).deleteSecurityGroup},
	"AuthorizeSecurityGroupIngress":      {"security-group=GroupId", ruleParams, (*Service).authorizeRules},
	"AuthorizeSecurityGroupEgress":       {"security-group=GroupId", ruleParams, (*Service).authorizeRules},
	"RevokeSecurityGroupIngress":         {"security-group=GroupId", ruleParams + " SecurityGroupRuleId", (*Service).revokeRules},
	"RevokeSecurityGroupEgress":          {"security-group=GroupId", ruleParams + " SecurityGroupRuleId", (*Service).revokeRules},
	"ModifySecurityGroupRules":           {"security-group=GroupId", "GroupId SecurityGroupRule", (*Service).modifyRules},
	"DescribeRouteTables":                {"", describeParams + "RouteTableId", (*Service).describeRouteTables},
	"CreateRouteTable":                   {"route-table vpc=VpcId", "VpcId TagSpecification ClientToken", (*Service).createRouteTable},
	"DeleteRouteTable":                   {"route-table=RouteTableId", "RouteTableId", (*Service).deleteRouteTable},
	"AssociateRouteTable":                {"route-table=RouteTableId subnet=SubnetId", "RouteTableId SubnetId", (*Service).associateRouteTable},
	"ReplaceRouteTableAssociation":       {"route-table=RouteTableId association", "RouteTableId AssociationId", (*Service).replaceAssociation},
	"DisassociateRouteTable":             {"association", "AssociationId", (*Service).disassociateRouteTable},
	"CreateRoute":                        {"route-table=RouteTableId", routeParams, (*Service).createRoute},
	"ReplaceRoute":                       {"route-table=RouteTableId", routeParams, (*Service).createRoute},
	"DeleteRoute":                        {"route-table=RouteTableId", "RouteTableId DestinationCidrBlock DestinationIpv6CidrBlock", (*Service).deleteRoute},
	"DescribeInternetGateways":           {"", describeParams + "InternetGatewayId", (*Service).describeInternetGateways},
	"CreateInternetGateway":              {"internet-gateway", "TagSpecification", (*Service).createInternetGateway},
	"AttachInternetGateway":              {"internet-gateway=InternetGatewayId vpc=VpcId", "InternetGatewayId VpcId", (*Service).attachInternetGateway},
	"DetachInternetGateway":              {"internet-gateway=InternetGatewayId vpc=VpcId", "InternetGatewayId VpcId", (*Service).detachInternetGateway},
	"DeleteInternetGateway":              {"internet-gateway=InternetGatewayId", "InternetGatewayId", (*Service).deleteInternetGateway},
	"DescribeEgressOnlyInternetGateways": {"", describeParams + "EgressOnlyInternetGatewayId", (*Service).describeEgressOnly},
	"CreateEgressOnlyInternetGateway":    {"egress-only-internet-gateway vpc=VpcId", "VpcId TagSpecification ClientToken", (*Service).createEgressOnly},
	"DeleteEgressOnlyInternetGateway":    {"egress-only-internet-gateway=EgressOnlyInternetGatewayId", "EgressOnlyInternetGatewayId", (*Service).deleteEgressOnly},
	"DescribeNatGateways":                {"", describeParams + "NatGatewayId", (*Service).describeNatGateways},
	"CreateNatGateway":                   {"natgateway subnet=SubnetId elastic-ip=AllocationId", "SubnetId AllocationId ConnectivityType TagSpecification ClientToken", (*Service).createNatGateway},
	"DeleteNatGateway":                   {"natgateway=NatGatewayId", "NatGatewayId", (*Service).deleteNatGateway},
	"DescribeAddresses":                  {"", "Filter AllocationId PublicIp", (*Service).describeAddresses},
	"AllocateAddress":                    {"elastic-ip", "Domain TagSpecification", (*Service).allocateAddress},
	"ReleaseAddress":                     {"elastic-ip=AllocationId", "AllocationId", (*Service).releaseAddress},
	"DescribeVpcEndpoints":               {"", describeParams + "VpcEndpointId", (*Service).describeEndpoints},
	"CreateVpcEndpoint": {"vpc-endpoint vpc=VpcId subnet=SubnetId security-group=SecurityGroupId route-table=RouteTableId", "VpcId ServiceName VpcEndpointType SubnetId SecurityGroupId RouteTableId PrivateDnsEnabled IpAddressType TagSpecification ClientToken",
		(*Service).createEndpoint},
	"ModifyVpcEndpoint": {"vpc-endpoint=VpcEndpointId", "VpcEndpointId AddRouteTableId RemoveRouteTableId AddSubnetId RemoveSubnetId AddSecurityGroupId RemoveSecurityGroupId PrivateDnsEnabled IpAddressType",
		(*Service).modifyEndpoint},
	"DeleteVpcEndpoints":          {"vpc-endpoint=VpcEndpointId", "VpcEndpointId", (*Service).deleteEndpoints},
	"DescribeVpcEndpointServices": {"", "Filter MaxResults NextToken ServiceName", (*Service).describeEndpointServices},
	"DescribePrefixLists":         {"", describeParams + "PrefixListId", (*Service).describePrefixLists},
	"DescribeManagedPrefixLists":  {"", describeParams + "PrefixListId", (*Service).describeManagedPrefixLists},
	"DescribeNetworkAcls":         {"", describeParams + "NetworkAclId", (*Service).describeACLs},
	"DescribeRegions":             {"", "Filter RegionName AllRegions", (*Service).describeRegions},
	"DeleteNetworkInterface":      {"network-interface=NetworkInterfaceId", "NetworkInterfaceId", (*Service).deleteInterface},
	"DescribeNetworkInterfaces":   {"", describeParams + "NetworkInterfaceId", (*Service).describeInterfaces},
	"DescribeAvailabilityZones":   {"", "Filter ZoneName ZoneId AllAvailabilityZones", (*Service).describeZones},
	"DescribeAccountAttributes":   {"", "AttributeName", (*Service).describeAccount},
	"CreateTags":                  {"*=ResourceId", "ResourceId Tag", (*Service).createTags},
	"DeleteTags":                  {"*=ResourceId", "ResourceId Tag", (*Service).deleteTags},
	"DescribeTags":                {"", describeParams, (*Service).describeTags},
}

// check refuses parameters that the operation does not honour.
func (c *call) check(params string) error {
	known := " Action Version DryRun " + params + " "
	for name := range c.form {
		first, _, _ := strings.Cut(name, ".")
		if !strings.Contains(known, " "+first+" ") {
			return unsupported("the embedded cloud does not have the parameter %s of %s", first, c.action)
		}
	}
	return nil
}
