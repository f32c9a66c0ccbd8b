package truth

import (
	"net"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// vpc is a network with one subnet that nothing leads out of, and what a test adds.
type vpc struct {
	by            caller
	id            string
	subnet, table string // the private subnet and its route table
	group         string
}

// newVPC makes a network for the test, with IPv6 if it says so.
func newVPC(t *testing.T, by caller, ipv6 bool) *vpc {
	t.Helper()
	made := by.call(t, "ec2", "CreateVpc", params{"CidrBlock": "10.0.0.0/16", "AmazonProvidedIpv6CidrBlock": ipv6})
	v := &vpc{by: by, id: made.str("Vpc.VpcId")}
	by.call(t, "ec2", "ModifyVpcAttribute", params{"VpcId": v.id, "EnableDnsHostnames": params{"Value": true}})
	in := params{"VpcId": v.id, "CidrBlock": "10.0.0.0/24"}
	if ipv6 {
		seen := by.call(t, "ec2", "DescribeVpcs", params{"VpcIds": items{v.id}})
		in["Ipv6CidrBlock"] = strings.Replace(seen.str("Vpcs.0.Ipv6CidrBlockAssociationSet.0.Ipv6CidrBlock"), "/56", "/64", 1)
	}
	v.subnet = by.call(t, "ec2", "CreateSubnet", in).str("Subnet.SubnetId")
	v.table = by.call(t, "ec2", "CreateRouteTable", params{"VpcId": v.id}).str("RouteTable.RouteTableId")
	by.call(t, "ec2", "AssociateRouteTable", params{"RouteTableId": v.table, "SubnetId": v.subnet})
	v.group = by.call(t, "ec2", "DescribeSecurityGroups", params{"Filters": filter("vpc-id", v.id)}).str("SecurityGroups.0.GroupId")
	return v
}

// internetGateway attaches one.
func (v *vpc) internetGateway(t *testing.T) string {
	t.Helper()
	id := v.by.call(t, "ec2", "CreateInternetGateway", nil).str("InternetGateway.InternetGatewayId")
	v.by.call(t, "ec2", "AttachInternetGateway", params{"InternetGatewayId": id, "VpcId": v.id})
	return id
}

// natGateway makes one in a subnet.
func (v *vpc) natGateway(t *testing.T, subnet string) string {
	t.Helper()
	address := v.by.call(t, "ec2", "AllocateAddress", params{"Domain": "vpc"}).str("AllocationId")
	return v.by.call(t, "ec2", "CreateNatGateway", params{"SubnetId": subnet, "AllocationId": address}).str("NatGateway.NatGatewayId")
}

// public makes a subnet with a route to an internet gateway.
func (v *vpc) public(t *testing.T) string {
	t.Helper()
	gateway := v.internetGateway(t)
	subnet := v.by.call(t, "ec2", "CreateSubnet", params{"VpcId": v.id, "CidrBlock": "10.0.1.0/24"}).str("Subnet.SubnetId")
	table := v.by.call(t, "ec2", "CreateRouteTable", params{"VpcId": v.id}).str("RouteTable.RouteTableId")
	v.by.call(t, "ec2", "AssociateRouteTable", params{"RouteTableId": table, "SubnetId": subnet})
	v.by.call(t, "ec2", "CreateRoute", params{"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": gateway})
	return subnet
}

// endpoint makes an interface endpoint with private DNS.
func (v *vpc) endpoint(t *testing.T, service string) {
	t.Helper()
	v.by.call(t, "ec2", "CreateVpcEndpoint", params{"VpcId": v.id, "VpcEndpointType": "Interface", "ServiceName": "com.amazonaws.us-east-1." + service,
		"SubnetIds": items{v.subnet}, "SecurityGroupIds": items{v.group}, "PrivateDnsEnabled": true})
}

// function deploys the probe into the network.
func (v *vpc) function(t *testing.T, c *testCloud, prefix string, options ...functionOption) *function {
	t.Helper()
	return c.function(t, prefix, append([]functionOption{func(in *lambda.CreateFunctionInput, may *string) {
		in.VpcConfig = &types.VpcConfig{SubnetIds: []string{v.subnet}, SecurityGroupIds: []string{v.group}}
		*may = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	}}, options...)...)
}

// A function in a VPC tries to get out. Nothing it sends leaves the machine: with no way out it is in a network that
// leads nowhere, and with one it is asked to call this cloud, or a listener of the test.
func TestNetworksOfFunctions(t *testing.T) {
	t.Parallel()
	c := shared(t)
	py, js := c.boto3(t), c.js(t)
	const source = "Lambda §9"
	const machines = "those in VPCs have the machine's network"

	// callAWS has a function call an endpoint of AWS, with its own credentials: with patience if the call is to arrive,
	// for a moment if it is not.
	callAWS := func(t *testing.T, by caller, f *function, service, url string, ms int) string {
		t.Helper()
		return obey(t, by, f, params{"do": "signed", "service": service, "url": url, "ms": ms})
	}
	const moment, patience = 1500, 9000
	listFunctions := c.Endpoint + "/2015-03-31/functions"
	hangs := func(t *testing.T, got string) {
		t.Helper()
		if !strings.Contains(got, "Client.Timeout exceeded") && !strings.Contains(got, "i/o timeout") {
			t.Errorf("got %.200q; want a call that hears nothing", got)
		}
	}
	arrives := func(t *testing.T, got, want string) {
		t.Helper()
		if !strings.HasPrefix(got, want) {
			t.Errorf("got %.200q, want %q", got, want)
		}
	}

	isolated := newVPC(t, py, false)
	alone := isolated.function(t, c, "alone")

	rule(t, "without a way out a TCP connection hangs: it is not refused, and no address is unreachable", source, boto3, func(t *testing.T) {
		confined(t, c, machines)
		// A neighbour that does not answer is known to be unreachable after three seconds.
		for address, ms := range map[string]int{"192.0.2.1:443": 4000, "198.51.100.7:5432": 500, "10.0.0.200:443": 500, "10.9.9.9:80": 500} {
			if got := obey(t, py, alone, params{"do": "dial", "address": address, "ms": ms}); !strings.Contains(got, "i/o timeout") {
				t.Errorf("%s: %q", address, got)
			}
		}
	})
	rule(t, "the cloud's log says where such a connection went, and which hop is missing", "Lambda §9", boto3, func(t *testing.T) {
		confined(t, c, machines)
		obey(t, py, alone, params{"do": "dial", "address": "192.0.2.77:8443", "ms": 100})
		c.Wait(t, "192.0.2.77:8443", "no route 0.0.0.0/0 to a NAT gateway")
	})
	rule(t, "without a way out a call to AWS hangs, and the function times out", source, boto3, func(t *testing.T) {
		f := isolated.function(t, c, "waiting", timeout(1), program(answering(`curl -sS -m 20 --aws-sigv4 aws:amz:us-east-1:lambda \
			--user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" -H "X-Amz-Security-Token: $AWS_SESSION_TOKEN" `+listFunctions)))
		i := invokeBy(t, py, f, "{}")
		if !strings.Contains(i.Payload, "Task timed out after 1.00 seconds") || !strings.Contains(i.Log, "Status: timeout") {
			t.Errorf("got %+v", i)
		}
	})
	rule(t, "invoking a function, its Runtime API, its logs and its credentials need no way out", source, jsSDK, func(t *testing.T) {
		i := invokeBy(t, js, alone, `{"do":"print","text":"from inside"}`)
		if i.Error != "" || !strings.Contains(i.Log, "from inside") {
			t.Errorf("got %+v", i)
		}
		if got := shell(t, js, alone, "echo ${AWS_ACCESS_KEY_ID%${AWS_ACCESS_KEY_ID#ASIA}}"); got != "ASIA" {
			t.Errorf("the key begins with %q", got)
		}
	})
	rule(t, "without a way out names of AWS are resolved all the same", source, boto3, func(t *testing.T) {
		confined(t, c, machines)
		if got := shell(t, py, alone, "getent ahostsv4 lambda.us-east-1.amazonaws.com | head -1"); !strings.Contains(got, "169.254.") {
			t.Errorf("got %q", got)
		}
	})
	choice(t, "a function in a VPC reaches nothing that listens on the machine", source, boto3, func(t *testing.T) {
		confined(t, c, machines)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if got := obey(t, py, alone, params{"do": "dial", "address": l.Addr().String(), "ms": 500}); !strings.Contains(got, "refused") {
			t.Errorf("got %q", got)
		}
	})
	rule(t, "a public subnet does not help: a function has no public IPv4 address", source, awsCLI, func(t *testing.T) {
		v := newVPC(t, py, false)
		gateway := v.internetGateway(t)
		if _, stderr, exit := c.aws(t, "ec2", "create-route", "--route-table-id", v.table, "--destination-cidr-block", "0.0.0.0/0", "--gateway-id", gateway); exit != 0 {
			t.Fatal(stderr)
		}
		f := v.function(t, c, "publicly")
		hangs(t, callAWS(t, py, f, "lambda", listFunctions, moment))
	})
	rule(t, "a NAT gateway in a public subnet is a way to AWS and to the internet", source, boto3, func(t *testing.T) {
		v := newVPC(t, py, false)
		py.call(t, "ec2", "CreateRoute", params{"RouteTableId": v.table, "DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": v.natGateway(t, v.public(t))})
		f := v.function(t, c, "translated")
		arrives(t, callAWS(t, py, f, "lambda", listFunctions, patience), "200 ")
		l, err := net.Listen("tcp", "127.0.0.1:0") // stands for the internet: it is where the machine gets to
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		arrives(t, obey(t, py, f, params{"do": "dial", "address": l.Addr().String(), "ms": patience}), "connected")
	})
	rule(t, "a NAT gateway in a subnet without a way out is none", source, jsSDK, func(t *testing.T) {
		v := newVPC(t, js, false)
		v.internetGateway(t)
		js.call(t, "ec2", "CreateRoute", params{"RouteTableId": v.table, "DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": v.natGateway(t, v.subnet)})
		hangs(t, callAWS(t, js, v.function(t, c, "circular"), "lambda", listFunctions, moment))
	})
	rule(t, "a private NAT gateway is no way to AWS", source, boto3, func(t *testing.T) {
		v := newVPC(t, py, false)
		nat := py.call(t, "ec2", "CreateNatGateway", params{"SubnetId": v.public(t), "ConnectivityType": "private"}).str("NatGateway.NatGatewayId")
		py.call(t, "ec2", "CreateRoute", params{"RouteTableId": v.table, "DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": nat})
		hangs(t, callAWS(t, py, v.function(t, c, "private"), "lambda", listFunctions, moment))
	})
	rule(t, "an interface endpoint with private DNS serves its service without a way out, and no other", source, boto3, func(t *testing.T) {
		v := newVPC(t, py, false)
		v.endpoint(t, "lambda")
		f := v.function(t, c, "served")
		arrives(t, callAWS(t, py, f, "lambda", listFunctions, patience), "200 ")
		hangs(t, callAWS(t, py, f, "s3", c.Endpoint+"/", moment))
	})
	rule(t, "in a VPC AWS's own names lead to AWS: no endpoint has to be configured, and its certificate is trusted", source, jsSDK, func(t *testing.T) {
		confined(t, c, machines)
		v := newVPC(t, js, false)
		v.endpoint(t, "lambda")
		f := v.function(t, c, "named")
		arrives(t, callAWS(t, js, f, "lambda", "https://lambda.us-east-1.amazonaws.com/2015-03-31/functions", patience), "200 ")
	})
	rule(t, "a gateway endpoint serves its service to the subnets of its route tables, and to no others", source, awsCLI, func(t *testing.T) {
		v := newVPC(t, py, false)
		f := v.function(t, c, "gateway")
		hangs(t, callAWS(t, py, f, "s3", c.Endpoint+"/", moment))
		out, stderr, exit := c.aws(t, "ec2", "create-vpc-endpoint", "--vpc-id", v.id, "--service-name", "com.amazonaws.us-east-1.s3", "--route-table-ids", v.table)
		if exit != 0 {
			t.Fatal(out, stderr)
		}
		arrives(t, callAWS(t, py, f, "s3", c.Endpoint+"/", patience), "200 ")
		hangs(t, callAWS(t, py, f, "lambda", listFunctions, moment))
	})

	echo := c.function(t, "echo")
	ws := c.webSocketAPI(t, echo, oneWay("$default"))
	connection := ws.Callback + "/@connections/AAAAAAAAAAAAAAA="
	rule(t, "an execute-api endpoint with private DNS takes the names of public APIs and answers 403 for them, @connections included", source, boto3, func(t *testing.T) {
		v := newVPC(t, py, false)
		v.endpoint(t, "execute-api")
		arrives(t, callAWS(t, py, v.function(t, c, "captured"), "execute-api", connection, patience), "403 ")
	})
	rule(t, "without a way out @connections hangs as well", source, jsSDK, func(t *testing.T) {
		hangs(t, callAWS(t, js, alone, "execute-api", connection, moment))
	})
	choice(t, "without a way out an API's own routes hang: they are on the internet", source, boto3, func(t *testing.T) {
		confined(t, c, machines)
		api := c.httpAPI(t, echo, "GET /")
		hangs(t, obey(t, py, alone, params{"do": "fetch", "url": api.URL + "/", "ms": 1500}))
	})

	// egress makes a network with a way out over IPv6 only.
	egress := func(t *testing.T) *vpc {
		v := newVPC(t, py, true)
		gateway := py.call(t, "ec2", "CreateEgressOnlyInternetGateway", params{"VpcId": v.id}).str("EgressOnlyInternetGateway.EgressOnlyInternetGatewayId")
		py.call(t, "ec2", "CreateRoute", params{"RouteTableId": v.table, "DestinationIpv6CidrBlock": "::/0", "EgressOnlyInternetGatewayId": gateway})
		return v
	}
	dualStack := func(in *lambda.CreateFunctionInput, _ *string) { in.VpcConfig.Ipv6AllowedForDualStack = aws.Bool(true) }
	dual := c.webSocketAPI(t, echo, oneWay("$default"))
	py.call(t, "apigatewayv2", "UpdateApi", params{"ApiId": dual.ID, "IpAddressType": "dualstack"})
	dualConnection := dual.Callback + "/@connections/AAAAAAAAAAAAAAA="
	rule(t, "an egress-only internet gateway is a way to a dual-stack API for a function that may use IPv6", source, boto3, func(t *testing.T) {
		got := callAWS(t, py, egress(t).function(t, c, "six", dualStack), "execute-api", dualConnection, patience)
		arrives(t, got, "4") // the connection is none: the call has arrived
		if strings.HasPrefix(got, "403") {
			t.Errorf("got %q", got)
		}
	})
	rule(t, "an egress-only internet gateway is no way to an API that has no IPv6 address", source, boto3, func(t *testing.T) {
		hangs(t, callAWS(t, py, egress(t).function(t, c, "sixtofour", dualStack), "execute-api", connection, moment))
	})
	rule(t, "an egress-only internet gateway is no way for a function without Ipv6AllowedForDualStack", source, boto3, func(t *testing.T) {
		hangs(t, callAWS(t, py, egress(t).function(t, c, "four"), "execute-api", dualConnection, moment))
	})
	rule(t, "a security group that lets nothing out drops silently: a call hangs, it is not refused", source, boto3, func(t *testing.T) {
		v := newVPC(t, py, false)
		py.call(t, "ec2", "CreateRoute", params{"RouteTableId": v.table, "DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": v.natGateway(t, v.public(t))})
		py.call(t, "ec2", "RevokeSecurityGroupEgress", params{"GroupId": v.group, "IpPermissions": items{params{"IpProtocol": "-1", "IpRanges": items{params{"CidrIp": "0.0.0.0/0"}}}}})
		f := v.function(t, c, "closed")
		hangs(t, callAWS(t, py, f, "lambda", listFunctions, moment))
		if !strings.Contains(c.Log.String(), "functions are not confined") {
			hangs(t, obey(t, py, f, params{"do": "dial", "address": "192.0.2.1:443", "ms": 500}))
		}
	})
	rule(t, "a route that is added lets the next invocation out, and one that is taken away keeps it in", source, jsSDK, func(t *testing.T) {
		v := newVPC(t, js, false)
		f := v.function(t, c, "changing")
		hangs(t, callAWS(t, js, f, "lambda", listFunctions, moment))
		js.call(t, "ec2", "CreateRoute", params{"RouteTableId": v.table, "DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": v.natGateway(t, v.public(t))})
		arrives(t, callAWS(t, js, f, "lambda", listFunctions, patience), "200 ")
		js.call(t, "ec2", "DeleteRoute", params{"RouteTableId": v.table, "DestinationCidrBlock": "0.0.0.0/0"})
		hangs(t, callAWS(t, js, f, "lambda", listFunctions, moment))
	})
	rule(t, "a function outside of VPCs has the internet", source, boto3, func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0") // stands for the internet
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		arrives(t, obey(t, py, echo, params{"do": "dial", "address": l.Addr().String(), "ms": patience}), "connected")
	})
	rule(t, "a function that leaves its VPC has a way out again", source, boto3, func(t *testing.T) {
		f := isolated.function(t, c, "leaving")
		hangs(t, callAWS(t, py, f, "lambda", listFunctions, moment))
		py.call(t, "lambda", "UpdateFunctionConfiguration", params{"FunctionName": f.Name, "VpcConfig": params{"SubnetIds": items{}, "SecurityGroupIds": items{}}})
		arrives(t, callAWS(t, py, f, "lambda", listFunctions, patience), "200 ")
	})
}
