package truth

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// params are those of a call.
type params = map[string]any

// items is a list among them.
type items = []any

// refusedAs checks the status and the code of a refusal, and that its message has a text.
func refusedAs(t *testing.T, e answer, status int, code, text string) {
	t.Helper()
	if e.Status != status || e.Code != code || !strings.Contains(e.Message, text) {
		t.Errorf("got %d %s: %s; want %d %s with %q", e.Status, e.Code, e.Message, status, code, text)
	}
}

// testVPC makes a VPC with one subnet, and returns both ids.
func testVPC(t *testing.T, c caller) (vpc, subnet string) {
	t.Helper()
	vpc = c.call(t, "ec2", "CreateVpc", params{"CidrBlock": "10.0.0.0/16"}).str("Vpc.VpcId")
	subnet = c.call(t, "ec2", "CreateSubnet", params{"VpcId": vpc, "CidrBlock": "10.0.0.0/24", "AvailabilityZone": "us-east-1a"}).str("Subnet.SubnetId")
	return vpc, subnet
}

func filter(name string, values ...any) items {
	return items{params{"Name": name, "Values": items(values)}}
}

// withinVPC puts a function into a VPC.
func withinVPC(subnet, group string) functionOption {
	return func(in *lambda.CreateFunctionInput, may *string) {
		in.VpcConfig = &types.VpcConfig{SubnetIds: []string{subnet}, SecurityGroupIds: []string{group}}
		*may = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ec2:*","logs:*"],"Resource":"*"}]}`
	}
}

func TestEC2Describes(t *testing.T) {
	t.Parallel()
	c := shared(t)
	py := c.boto3(t)
	const source = "Services §2"

	rule(t, "the default VPC is 172.31.0.0/16 and has a /20 subnet with defaultForAz in every zone", source, boto3, func(t *testing.T) {
		vpc := py.call(t, "ec2", "DescribeVpcs", params{"Filters": filter("is-default", "true")})
		if vpc.str("Vpcs.0.CidrBlock") != "172.31.0.0/16" || !vpc.get("Vpcs.0.IsDefault").(bool) {
			t.Errorf("the default VPC is %v", vpc.get("Vpcs.0"))
		}
		subnets := py.call(t, "ec2", "DescribeSubnets", params{"Filters": filter("default-for-az", "true")})
		zones := py.call(t, "ec2", "DescribeAvailabilityZones", nil)
		if len(subnets.list("Subnets")) != len(zones.list("AvailabilityZones")) || !strings.HasSuffix(subnets.str("Subnets.0.CidrBlock"), "/20") {
			t.Errorf("%d default subnets in %d zones, the first %v", len(subnets.list("Subnets")), len(zones.list("AvailabilityZones")), subnets.get("Subnets.0"))
		}
	})
	rule(t, "a new VPC has a main route table with a local route, and a group that lets everything out and itself in", source, boto3, func(t *testing.T) {
		vpc, _ := testVPC(t, py)
		tables := py.call(t, "ec2", "DescribeRouteTables", params{"Filters": filter("vpc-id", vpc)})
		if len(tables.list("RouteTables")) != 1 || tables.str("RouteTables.0.Associations.0.Main") != "true" || tables.str("RouteTables.0.Routes.0.GatewayId") != "local" {
			t.Errorf("route tables: %v", tables.Answer)
		}
		groups := py.call(t, "ec2", "DescribeSecurityGroups", params{"Filters": filter("vpc-id", vpc)})
		if groups.str("SecurityGroups.0.GroupName") != "default" || groups.str("SecurityGroups.0.IpPermissionsEgress.0.IpRanges.0.CidrIp") != "0.0.0.0/0" ||
			groups.str("SecurityGroups.0.IpPermissions.0.UserIdGroupPairs.0.GroupId") != groups.str("SecurityGroups.0.GroupId") {
			t.Errorf("groups: %v", groups.Answer)
		}
	})
	rule(t, "a subnet without an association is found by no association.subnet-id: association.main finds its table", source, boto3, func(t *testing.T) {
		vpc, subnet := testVPC(t, py)
		if got := py.call(t, "ec2", "DescribeRouteTables", params{"Filters": filter("association.subnet-id", subnet)}); len(got.list("RouteTables")) != 0 {
			t.Errorf("association.subnet-id finds %v", got.Answer)
		}
		both := append(filter("association.main", "true"), filter("vpc-id", vpc)...)
		if got := py.call(t, "ec2", "DescribeRouteTables", params{"Filters": both}); len(got.list("RouteTables")) != 1 {
			t.Errorf("association.main finds %v", got.Answer)
		}
	})
	rule(t, "filters are ANDed, values of one ORed, and * and ? are globs", source, jsSDK, func(t *testing.T) {
		js := c.js(t)
		name := unique("globs")
		for _, suffix := range []string{"-one", "-two", "-three"} {
			js.call(t, "ec2", "CreateVpc", params{"CidrBlock": "10.1.0.0/16", "TagSpecifications": items{params{"ResourceType": "vpc", "Tags": items{params{"Key": "Name", "Value": name + suffix}}}}})
		}
		for values, want := range map[string]int{name + "-*": 3, name + "-t*": 2, name + "-?ne": 1, name + "-one," + name + "-two": 2, strings.ToUpper(name) + "-*": 0} {
			var list items
			for v := range strings.SplitSeq(values, ",") {
				list = append(list, v)
			}
			filters := append(filter("tag:Name", list...), filter("cidr", "10.1.0.0/16")...)
			if got := js.call(t, "ec2", "DescribeVpcs", params{"Filters": filters}); len(got.list("Vpcs")) != want {
				t.Errorf("tag:Name = %s finds %d VPCs, want %d", values, len(got.list("Vpcs")), want)
			}
		}
	})
	rule(t, "a filter that matches nothing is an empty set with 200", source, awsCLI, func(t *testing.T) {
		out, stderr, exit := c.aws(t, "ec2", "describe-subnets", "--filters", "Name=vpc-id,Values=vpc-00000000000000000")
		if exit != 0 || !strings.Contains(strings.ReplaceAll(out, " ", ""), `"Subnets":[]`) {
			t.Errorf("got %d: %s%s", exit, out, stderr)
		}
	})
	rule(t, "a filter of an unknown name is an InvalidParameterValue that names it", source, boto3, func(t *testing.T) {
		refusedAs(t, py.fail(t, "ec2", "DescribeSubnets", params{"Filters": filter("colour", "red")}), 400, "InvalidParameterValue", "The filter 'colour' is invalid")
	})
	rule(t, "ids and MaxResults exclude each other", source, boto3, func(t *testing.T) {
		vpc, _ := testVPC(t, py)
		refusedAs(t, py.fail(t, "ec2", "DescribeVpcs", params{"VpcIds": items{vpc}, "MaxResults": 5}), 400, "InvalidParameterCombination", "MaxResults")
	})
	rule(t, "MaxResults pages with a NextToken that ends", source, goSDK, func(t *testing.T) {
		client := ec2.NewFromConfig(c.config())
		pages, seen := 0, map[string]bool{}
		for p := ec2.NewDescribeSubnetsPaginator(client, &ec2.DescribeSubnetsInput{MaxResults: aws.Int32(5)}); p.HasMorePages(); pages++ {
			page, err := p.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range page.Subnets {
				seen[*s.SubnetId] = true
			}
		}
		if pages < 2 || len(seen) < 6 {
			t.Errorf("%d pages with %d subnets", pages, len(seen))
		}
	})
	for _, unknown := range []struct{ operation, parameter, id, code, text string }{
		{"DescribeVpcs", "VpcIds", "vpc-00000000000000001", "InvalidVpcID.NotFound", "The vpc ID 'vpc-00000000000000001' does not exist"},
		{"DescribeSubnets", "SubnetIds", "subnet-00000000000000001", "InvalidSubnetID.NotFound", "The subnet ID 'subnet-00000000000000001' does not exist"},
		{"DescribeSecurityGroups", "GroupIds", "sg-00000000000000001", "InvalidGroup.NotFound", "The security group 'sg-00000000000000001' does not exist"},
		{"DescribeRouteTables", "RouteTableIds", "rtb-00000000000000001", "InvalidRouteTableID.NotFound", "rtb-00000000000000001"},
		{"DescribeNatGateways", "NatGatewayIds", "nat-00000000000000001", "NatGatewayNotFound", "nat-00000000000000001"},
		{"DescribeVpcEndpoints", "VpcEndpointIds", "vpce-00000000000000001", "InvalidVpcEndpointId.NotFound", "vpce-00000000000000001"},
	} {
		rule(t, unknown.operation+" of an unknown id is "+unknown.code, source, boto3, func(t *testing.T) {
			refusedAs(t, py.fail(t, "ec2", unknown.operation, params{unknown.parameter: items{unknown.id}}), 400, unknown.code, unknown.text)
		})
	}
	rule(t, "DryRun answers DryRunOperation with 412 and changes nothing", "CreateVpc - Amazon Elastic Compute Cloud", boto3, func(t *testing.T) {
		refusedAs(t, py.fail(t, "ec2", "CreateVpc", params{"CidrBlock": "10.99.0.0/16", "DryRun": true}), 412, "DryRunOperation", "Request would have succeeded")
		if got := py.call(t, "ec2", "DescribeVpcs", params{"Filters": filter("cidr", "10.99.0.0/16")}); len(got.list("Vpcs")) != 0 {
			t.Error("there is a VPC")
		}
	})
}

func TestEC2Networks(t *testing.T) {
	t.Parallel()
	c := shared(t)
	py := c.boto3(t)
	const source = "Services §2"
	mainTable := func(t *testing.T, vpc string) string {
		return py.call(t, "ec2", "DescribeRouteTables", params{"Filters": filter("vpc-id", vpc)}).str("RouteTables.0.RouteTableId")
	}
	group := func(t *testing.T, vpc string) string {
		return py.call(t, "ec2", "CreateSecurityGroup", params{"GroupName": unique("group"), "Description": "of a test", "VpcId": vpc}).str("GroupId")
	}
	internet := func(t *testing.T, vpc string) string {
		id := py.call(t, "ec2", "CreateInternetGateway", nil).str("InternetGateway.InternetGatewayId")
		py.call(t, "ec2", "AttachInternetGateway", params{"InternetGatewayId": id, "VpcId": vpc})
		return id
	}

	rule(t, "a subnet outside its VPC's block is InvalidSubnet.Range, one over another InvalidSubnet.Conflict", source, boto3, func(t *testing.T) {
		vpc, _ := testVPC(t, py)
		refusedAs(t, py.fail(t, "ec2", "CreateSubnet", params{"VpcId": vpc, "CidrBlock": "10.1.0.0/24"}), 400, "InvalidSubnet.Range", "10.1.0.0/24")
		refusedAs(t, py.fail(t, "ec2", "CreateSubnet", params{"VpcId": vpc, "CidrBlock": "10.0.0.128/25"}), 400, "InvalidSubnet.Conflict", "10.0.0.128/25")
	})
	rule(t, "a VPC with a subnet, and a main route table, cannot be deleted: DependencyViolation", source, boto3, func(t *testing.T) {
		vpc, _ := testVPC(t, py)
		refusedAs(t, py.fail(t, "ec2", "DeleteVpc", params{"VpcId": vpc}), 400, "DependencyViolation", "has dependencies and cannot be deleted")
		refusedAs(t, py.fail(t, "ec2", "DeleteRouteTable", params{"RouteTableId": mainTable(t, vpc)}), 400, "DependencyViolation", "")
	})
	rule(t, "a VPC takes one internet gateway, which must be detached to be deleted", source, boto3, func(t *testing.T) {
		vpc, _ := testVPC(t, py)
		gateway := internet(t, vpc)
		second := py.call(t, "ec2", "CreateInternetGateway", nil).str("InternetGateway.InternetGatewayId")
		refusedAs(t, py.fail(t, "ec2", "AttachInternetGateway", params{"InternetGatewayId": second, "VpcId": vpc}), 400, "InvalidParameterValue", "already has an internet gateway attached")
		refusedAs(t, py.fail(t, "ec2", "DeleteInternetGateway", params{"InternetGatewayId": gateway}), 400, "DependencyViolation", "")
	})
	rule(t, "an egress-only internet gateway takes no IPv4 route", source, boto3, func(t *testing.T) {
		vpc, _ := testVPC(t, py)
		gateway := py.call(t, "ec2", "CreateEgressOnlyInternetGateway", params{"VpcId": vpc}).str("EgressOnlyInternetGateway.EgressOnlyInternetGatewayId")
		refusedAs(t, py.fail(t, "ec2", "CreateRoute", params{"RouteTableId": mainTable(t, vpc), "DestinationCidrBlock": "0.0.0.0/0", "EgressOnlyInternetGatewayId": gateway}), 400, "InvalidParameterValue", "")
	})
	rule(t, "a public NAT gateway in a VPC without an internet gateway is created and fails with Gateway.NotAttached", "Troubleshoot NAT gateways", boto3, func(t *testing.T) {
		_, subnet := testVPC(t, py)
		address := py.call(t, "ec2", "AllocateAddress", params{"Domain": "vpc"}).str("AllocationId")
		nat := py.call(t, "ec2", "CreateNatGateway", params{"SubnetId": subnet, "AllocationId": address}).str("NatGateway.NatGatewayId")
		got := py.call(t, "ec2", "DescribeNatGateways", params{"NatGatewayIds": items{nat}})
		if got.str("NatGateways.0.State") != "failed" || got.str("NatGateways.0.FailureCode") != "Gateway.NotAttached" {
			t.Errorf("got %v", got.get("NatGateways.0"))
		}
	})
	rule(t, "an Elastic IP address that a NAT gateway uses cannot be released, and the gateway keeps its internet gateway attached", source, boto3, func(t *testing.T) {
		vpc, subnet := testVPC(t, py)
		gateway := internet(t, vpc)
		address := py.call(t, "ec2", "AllocateAddress", params{"Domain": "vpc"}).str("AllocationId")
		py.call(t, "ec2", "CreateNatGateway", params{"SubnetId": subnet, "AllocationId": address})
		refusedAs(t, py.fail(t, "ec2", "ReleaseAddress", params{"AllocationId": address}), 400, "InvalidIPAddress.InUse", address)
		refusedAs(t, py.fail(t, "ec2", "DetachInternetGateway", params{"InternetGatewayId": gateway, "VpcId": vpc}), 400, "DependencyViolation", "mapped public address")
	})
	rule(t, "a route whose NAT gateway is deleted stays, as a blackhole", source, boto3, func(t *testing.T) {
		vpc, subnet := testVPC(t, py)
		internet(t, vpc)
		address := py.call(t, "ec2", "AllocateAddress", params{"Domain": "vpc"}).str("AllocationId")
		nat := py.call(t, "ec2", "CreateNatGateway", params{"SubnetId": subnet, "AllocationId": address}).str("NatGateway.NatGatewayId")
		table := mainTable(t, vpc)
		py.call(t, "ec2", "CreateRoute", params{"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": nat})
		py.call(t, "ec2", "DeleteNatGateway", params{"NatGatewayId": nat})
		got := py.call(t, "ec2", "DescribeRouteTables", params{"RouteTableIds": items{table}})
		if got.str("RouteTables.0.Routes.1.State") != "blackhole" || got.str("RouteTables.0.Routes.0.State") != "active" {
			t.Errorf("routes: %v", got.get("RouteTables.0.Routes"))
		}
	})
	rule(t, "a gateway endpoint is a route to its service's prefix list, in the tables that it is associated with", "Lambda §9", awsCLI, func(t *testing.T) {
		vpc, _ := testVPC(t, py)
		first := mainTable(t, vpc)
		second := py.call(t, "ec2", "CreateRouteTable", params{"VpcId": vpc}).str("RouteTable.RouteTableId")
		out, stderr, exit := c.aws(t, "ec2", "create-vpc-endpoint", "--vpc-id", vpc, "--service-name", "com.amazonaws.us-east-1.s3", "--route-table-ids", first)
		var made struct {
			VpcEndpoint struct{ VpcEndpointId string }
		}
		if json.Unmarshal([]byte(out), &made); exit != 0 {
			t.Fatal(stderr)
		}
		if _, stderr, exit := c.aws(t, "ec2", "modify-vpc-endpoint", "--vpc-endpoint-id", made.VpcEndpoint.VpcEndpointId, "--add-route-table-ids", second, "--remove-route-table-ids", first); exit != 0 {
			t.Fatal(stderr)
		}
		list := py.call(t, "ec2", "DescribePrefixLists", params{"Filters": filter("prefix-list-name", "com.amazonaws.us-east-1.s3")}).str("PrefixLists.0.PrefixListId")
		got := py.call(t, "ec2", "DescribeRouteTables", params{"Filters": filter("route.destination-prefix-list-id", list)})
		var tables []string
		for _, table := range got.list("RouteTables") {
			if table := table.(map[string]any); table["VpcId"] == vpc {
				tables = append(tables, table["RouteTableId"].(string))
			}
		}
		if len(tables) != 1 || tables[0] != second {
			t.Errorf("tables with a route to %s: %v, want %s", list, tables, second)
		}
	})
	rule(t, "an interface endpoint has private DNS unless told otherwise, which takes enableDnsSupport and enableDnsHostnames", "CreateVpcEndpoint - Amazon Elastic Compute Cloud", boto3, func(t *testing.T) {
		vpc, subnet := testVPC(t, py)
		create := params{"VpcId": vpc, "VpcEndpointType": "Interface", "ServiceName": "com.amazonaws.us-east-1.logs", "SubnetIds": items{subnet}}
		refusedAs(t, py.fail(t, "ec2", "CreateVpcEndpoint", create), 400, "InvalidParameter", "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames")
		py.call(t, "ec2", "ModifyVpcAttribute", params{"VpcId": vpc, "EnableDnsHostnames": params{"Value": true}})
		made := py.call(t, "ec2", "CreateVpcEndpoint", create)
		if made.str("VpcEndpoint.PrivateDnsEnabled") != "true" || made.str("VpcEndpoint.Groups.0.GroupName") != "default" || len(made.list("VpcEndpoint.NetworkInterfaceIds")) != 1 {
			t.Errorf("got %v", made.get("VpcEndpoint"))
		}
		refusedAs(t, py.fail(t, "ec2", "CreateVpcEndpoint", create), 400, "InvalidParameter", "conflicting DNS domain")
	})
	rule(t, "an endpoint of a service that has none is InvalidServiceName", source, jsSDK, func(t *testing.T) {
		vpc, _ := testVPC(t, py)
		refusedAs(t, c.js(t).fail(t, "ec2", "CreateVpcEndpoint", params{"VpcId": vpc, "ServiceName": "com.amazonaws.us-east-1.lambda"}), 400, "InvalidServiceName", "com.amazonaws.us-east-1.lambda")
	})
	rule(t, "a rule that is there is InvalidPermission.Duplicate, one that is not InvalidPermission.NotFound", source, boto3, func(t *testing.T) {
		vpc, _ := testVPC(t, py)
		id := group(t, vpc)
		allow := params{"GroupId": id, "IpPermissions": items{params{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": items{params{"CidrIp": "10.0.0.0/16"}}}}}
		py.call(t, "ec2", "AuthorizeSecurityGroupIngress", allow)
		refusedAs(t, py.fail(t, "ec2", "AuthorizeSecurityGroupIngress", allow), 400, "InvalidPermission.Duplicate", "already exists")
		py.call(t, "ec2", "RevokeSecurityGroupIngress", allow)
		refusedAs(t, py.fail(t, "ec2", "RevokeSecurityGroupIngress", allow), 400, "InvalidPermission.NotFound", "does not exist")
	})
	rule(t, "egress may be narrowed to a prefix list, and DescribeSecurityGroupRules tells it by its id", source, boto3, func(t *testing.T) {
		vpc, _ := testVPC(t, py)
		id := group(t, vpc)
		made := py.call(t, "ec2", "AuthorizeSecurityGroupEgress", params{"GroupId": id, "IpPermissions": items{params{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "PrefixListIds": items{params{"PrefixListId": "pl-63a5400a"}}}}})
		rule := made.str("SecurityGroupRules.0.SecurityGroupRuleId")
		got := py.call(t, "ec2", "DescribeSecurityGroupRules", params{"SecurityGroupRuleIds": items{rule}})
		if got.str("SecurityGroupRules.0.PrefixListId") != "pl-63a5400a" || got.str("SecurityGroupRules.0.IsEgress") != "true" || got.str("SecurityGroupRules.0.GroupId") != id {
			t.Errorf("got %v", got.get("SecurityGroupRules.0"))
		}
	})
	rule(t, "a group that another's rule names cannot be deleted, and neither can the default one", source, boto3, func(t *testing.T) {
		vpc, _ := testVPC(t, py)
		named, other := group(t, vpc), group(t, vpc)
		py.call(t, "ec2", "AuthorizeSecurityGroupIngress", params{"GroupId": other, "IpPermissions": items{params{"IpProtocol": "-1", "UserIdGroupPairs": items{params{"GroupId": named}}}}})
		refusedAs(t, py.fail(t, "ec2", "DeleteSecurityGroup", params{"GroupId": named}), 400, "DependencyViolation", "has a dependent object")
		standard := py.call(t, "ec2", "DescribeSecurityGroups", params{"Filters": append(filter("vpc-id", vpc), filter("group-name", "default")...)}).str("SecurityGroups.0.GroupId")
		refusedAs(t, py.fail(t, "ec2", "DeleteSecurityGroup", params{"GroupId": standard}), 400, "CannotDelete", "cannot be deleted by a user")
	})
	rule(t, "a function in a VPC has a network interface of the type lambda, which holds its subnet and its group in place", "Lambda §9", boto3, func(t *testing.T) {
		vpc, subnet := testVPC(t, py)
		id := group(t, vpc)
		f := c.function(t, "placed", withinVPC(subnet, id))
		got := py.call(t, "ec2", "DescribeNetworkInterfaces", params{"Filters": filter("group-id", id)})
		if len(got.list("NetworkInterfaces")) != 1 || got.str("NetworkInterfaces.0.InterfaceType") != "lambda" || got.str("NetworkInterfaces.0.SubnetId") != subnet ||
			!strings.Contains(got.str("NetworkInterfaces.0.Description"), f.Name) {
			t.Errorf("got %v", got.get("NetworkInterfaces"))
		}
		refusedAs(t, py.fail(t, "ec2", "DeleteSubnet", params{"SubnetId": subnet}), 400, "DependencyViolation", subnet)
		refusedAs(t, py.fail(t, "ec2", "DeleteSecurityGroup", params{"GroupId": id}), 400, "DependencyViolation", "has a dependent object")
	})
	difference(t, "the network interface of a deleted function is gone at once", "Lambda §9", boto3, "on AWS it stays some twenty minutes and blocks the deletion of subnet and group", func(t *testing.T) {
		vpc, subnet := testVPC(t, py)
		id := group(t, vpc)
		f := c.function(t, "replaced", withinVPC(subnet, id))
		py.call(t, "lambda", "DeleteFunction", params{"FunctionName": f.Name})
		py.call(t, "ec2", "DeleteSubnet", params{"SubnetId": subnet})
	})
}

// The ordinary names of AWS's services have no IPv6 addresses: a VPC whose only way out is for IPv6 takes the others.
func TestDualStackNames(t *testing.T) {
	t.Parallel()
	c := shared(t)
	py := c.boto3(t)
	const source = "Lambda §9"
	v := newVPC(t, py, true)
	gateway := py.call(t, "ec2", "CreateEgressOnlyInternetGateway", params{"VpcId": v.id}).str("EgressOnlyInternetGateway.EgressOnlyInternetGatewayId")
	py.call(t, "ec2", "CreateRoute", params{"RouteTableId": v.table, "DestinationIpv6CidrBlock": "::/0", "EgressOnlyInternetGatewayId": gateway})
	ipv6 := func(in *lambda.CreateFunctionInput, _ *string) { in.VpcConfig.Ipv6AllowedForDualStack = aws.Bool(true) }
	list := params{"do": "signed", "service": "lambda", "url": c.Endpoint + "/2015-03-31/functions", "ms": 1500}

	rule(t, "over IPv6 alone a function reaches no service by its ordinary name", source, boto3, func(t *testing.T) {
		if got := obey(t, py, v.function(t, c, "ordinary", ipv6), list); !strings.Contains(got, "Client.Timeout exceeded") && !strings.Contains(got, "i/o timeout") {
			t.Errorf("got %.200q, want a call that hears nothing", got)
		}
		c.Wait(t, "no way to lambda", "AWS_USE_DUALSTACK_ENDPOINT=true")
	})
	rule(t, "over IPv6 alone a function with AWS_USE_DUALSTACK_ENDPOINT=true reaches services", source, boto3, func(t *testing.T) {
		if got := obey(t, py, v.function(t, c, "dualstack", ipv6, variable("AWS_USE_DUALSTACK_ENDPOINT", "true")), list); !strings.HasPrefix(got, "200 ") {
			t.Errorf("got %.200q, want 200", got)
		}
	})
}
