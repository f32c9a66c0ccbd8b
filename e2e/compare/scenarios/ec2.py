"""A network: what a function in a VPC and the calls from it depend on."""


def play(do, _):
    do("DescribeAvailabilityZones")
    do("DescribeAccountAttributes")
    do("DescribeRegions")
    do("DescribePrefixLists")
    do("DescribeManagedPrefixLists")
    named = lambda kind: [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": "quotes"}]}]
    vpc = do("CreateVpc", CidrBlock="10.7.0.0/16", AmazonProvidedIpv6CidrBlock=True, TagSpecifications=named("vpc"))["Vpc"]["VpcId"]
    do("CreateVpc", "bad range", CidrBlock="10.7.0.0/99")
    do("DescribeVpcs", VpcIds=[vpc])
    do("DescribeVpcs", "missing", VpcIds=["vpc-00000000000000000"])
    do("DescribeVpcs", "filtered", Filters=[{"Name": "tag:Name", "Values": ["quotes"]}])
    do("DescribeVpcs", "bad filter", Filters=[{"Name": "nonsense", "Values": ["x"]}])
    do("ModifyVpcAttribute", VpcId=vpc, EnableDnsHostnames={"Value": True})
    do("DescribeVpcAttribute", VpcId=vpc, Attribute="enableDnsHostnames")
    more = do("AssociateVpcCidrBlock", VpcId=vpc, CidrBlock="10.8.0.0/16")
    do("DisassociateVpcCidrBlock", AssociationId=more["CidrBlockAssociation"]["AssociationId"])

    subnet = do("CreateSubnet", VpcId=vpc, CidrBlock="10.7.1.0/24", AvailabilityZone="us-east-1a", TagSpecifications=named("subnet"))["Subnet"]["SubnetId"]
    do("CreateSubnet", "overlapping", VpcId=vpc, CidrBlock="10.7.1.0/25")
    do("CreateSubnet", "outside", VpcId=vpc, CidrBlock="10.9.1.0/24")
    do("DescribeSubnets", SubnetIds=[subnet])
    do("DescribeSubnets", "missing", SubnetIds=["subnet-00000000000000000"])
    do("ModifySubnetAttribute", SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
    block = do("DescribeVpcs", VpcIds=[vpc]).get("Vpcs", [{}])[0].get("Ipv6CidrBlockAssociationSet", [{}])[0].get("Ipv6CidrBlock", "2600::/56")
    six = do("AssociateSubnetCidrBlock", SubnetId=subnet, Ipv6CidrBlock=block.replace("/56", "/64"))
    do("DescribeSubnets", "dual stack", SubnetIds=[subnet])
    do("DisassociateSubnetCidrBlock", AssociationId=six["Ipv6CidrBlockAssociation"]["AssociationId"])

    group = do("CreateSecurityGroup", GroupName="functions", Description="functions", VpcId=vpc, TagSpecifications=named("security-group"))["GroupId"]
    do("CreateSecurityGroup", "duplicate", GroupName="functions", Description="functions", VpcId=vpc)
    rule = [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "near"}]}]
    do("AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=rule)
    do("AuthorizeSecurityGroupIngress", "duplicate", GroupId=group, IpPermissions=rule)
    do("AuthorizeSecurityGroupEgress", GroupId=group, IpPermissions=rule)
    do("DescribeSecurityGroups", GroupIds=[group])
    do("DescribeSecurityGroups", "missing", GroupIds=["sg-00000000000000000"])
    rules = do("DescribeSecurityGroupRules", Filters=[{"Name": "group-id", "Values": [group]}]).get("SecurityGroupRules", [{}])
    mine = next((r["SecurityGroupRuleId"] for r in rules if r.get("FromPort") == 443 and not r.get("IsEgress")), "sgr-00000000000000000")
    do("ModifySecurityGroupRules", GroupId=group, SecurityGroupRules=[{"SecurityGroupRuleId": mine, "SecurityGroupRule": {
        "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIpv4": "10.0.0.0/8", "Description": "nearer"}}])
    do("UpdateSecurityGroupRuleDescriptionsIngress", GroupId=group, IpPermissions=rule)
    do("RevokeSecurityGroupIngress", GroupId=group, IpPermissions=rule)
    do("RevokeSecurityGroupIngress", "missing", GroupId=group, IpPermissions=rule)
    do("RevokeSecurityGroupEgress", GroupId=group, IpPermissions=rule)

    gateway = do("CreateInternetGateway", TagSpecifications=named("internet-gateway"))["InternetGateway"]["InternetGatewayId"]
    do("AttachInternetGateway", InternetGatewayId=gateway, VpcId=vpc)
    do("AttachInternetGateway", "twice", InternetGatewayId=gateway, VpcId=vpc)
    do("DescribeInternetGateways", InternetGatewayIds=[gateway])
    do("DescribeInternetGateways", "missing", InternetGatewayIds=["igw-00000000000000000"])
    egress = do("CreateEgressOnlyInternetGateway", VpcId=vpc)["EgressOnlyInternetGateway"]["EgressOnlyInternetGatewayId"]
    do("DescribeEgressOnlyInternetGateways", EgressOnlyInternetGatewayIds=[egress])
    table = do("CreateRouteTable", VpcId=vpc, TagSpecifications=named("route-table"))["RouteTable"]["RouteTableId"]
    do("CreateRoute", RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    do("CreateRoute", "IPv6", RouteTableId=table, DestinationIpv6CidrBlock="::/0", EgressOnlyInternetGatewayId=egress)
    do("CreateRoute", "again", RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    do("ReplaceRoute", RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    association = do("AssociateRouteTable", RouteTableId=table, SubnetId=subnet)["AssociationId"]
    do("DescribeRouteTables", RouteTableIds=[table])
    do("DescribeRouteTables", "missing", RouteTableIds=["rtb-00000000000000000"])
    do("DescribeRouteTables", "main", Filters=[{"Name": "vpc-id", "Values": [vpc]}, {"Name": "association.main", "Values": ["true"]}])
    other = do("CreateRouteTable", VpcId=vpc)["RouteTable"]["RouteTableId"]
    association = do("ReplaceRouteTableAssociation", AssociationId=association, RouteTableId=other)["NewAssociationId"]
    do("DeleteRouteTable", "in use", RouteTableId=other)

    address = do("AllocateAddress", Domain="vpc")["AllocationId"]
    do("DescribeAddresses", AllocationIds=[address])
    nat = do("CreateNatGateway", SubnetId=subnet, AllocationId=address, TagSpecifications=named("natgateway"))["NatGateway"]["NatGatewayId"]
    do("DescribeNatGateways", NatGatewayIds=[nat])
    do("DescribeNatGateways", "missing", NatGatewayIds=["nat-00000000000000000"])
    do("DeleteNatGateway", NatGatewayId=nat)
    do("ReleaseAddress", AllocationId=address)

    do("DescribeVpcEndpointServices", "gateways", Filters=[{"Name": "service-type", "Values": ["Gateway"]}])
    door = do("CreateVpcEndpoint", VpcId=vpc, ServiceName="com.amazonaws.us-east-1.s3", RouteTableIds=[table])["VpcEndpoint"]["VpcEndpointId"]
    inner = do("CreateVpcEndpoint", "interface", VpcId=vpc, ServiceName="com.amazonaws.us-east-1.execute-api", VpcEndpointType="Interface",
               SubnetIds=[subnet], SecurityGroupIds=[group], PrivateDnsEnabled=True)["VpcEndpoint"]["VpcEndpointId"]
    do("CreateVpcEndpoint", "bad service", VpcId=vpc, ServiceName="com.amazonaws.us-east-1.nonsense")
    do("DescribeVpcEndpoints", VpcEndpointIds=[door])
    do("DescribeVpcEndpoints", "interface", VpcEndpointIds=[inner])
    do("DescribeVpcEndpoints", "missing", VpcEndpointIds=["vpce-00000000000000000"])
    do("DescribeNetworkInterfaces", Filters=[{"Name": "vpc-id", "Values": [vpc]}])
    do("DescribeNetworkAcls", Filters=[{"Name": "vpc-id", "Values": [vpc]}])
    do("DeleteNetworkInterface", "missing", NetworkInterfaceId="eni-00000000000000000")
    do("ModifyVpcEndpoint", VpcEndpointId=door, AddRouteTableIds=[other])
    do("DeleteVpcEndpoints", VpcEndpointIds=[door, inner])

    do("CreateTags", Resources=[vpc, subnet], Tags=[{"Key": "stage", "Value": "test"}])
    do("DescribeTags", Filters=[{"Name": "resource-id", "Values": [vpc]}])
    do("DeleteTags", Resources=[vpc, subnet], Tags=[{"Key": "stage"}])

    do("DeleteVpc", "in use", VpcId=vpc)
    do("DisassociateRouteTable", AssociationId=association)
    do("DeleteRoute", RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    do("DeleteRoute", "missing", RouteTableId=table, DestinationCidrBlock="1.0.0.0/8")
    do("DeleteRouteTable", RouteTableId=table)
    do("DeleteRouteTable", RouteTableId=other)
    do("DeleteEgressOnlyInternetGateway", EgressOnlyInternetGatewayId=egress)
    do("DetachInternetGateway", InternetGatewayId=gateway, VpcId=vpc)
    do("DeleteInternetGateway", InternetGatewayId=gateway)
    do("DeleteSecurityGroup", GroupId=group)
    do("DeleteSecurityGroup", "missing", GroupId=group)
    do("DeleteSubnet", SubnetId=subnet)
    do("DeleteSubnet", "missing", SubnetId=subnet)
    do("DeleteVpc", VpcId=vpc)
    do("DeleteVpc", "missing", VpcId=vpc)
