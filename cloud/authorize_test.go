package cloud

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"quotewire/cloud/iam"
)

// guarded is a request for an operation and the permissions that it needs, each "ACTION RESOURCE".
type guarded struct {
	method, path, body string
	header             []string
	needs              []string
}

// Requests of each protocol. What they ask for need not be there: whether one may is asked first.

func query(action, params string, needs ...string) guarded {
	version := "2010-05-08"
	if strings.HasPrefix(needs[0], "ec2:") {
		version = "2016-11-15"
	} else if strings.HasPrefix(needs[0], "sts:") {
		version = "2011-06-15"
	}
	body := "Action=" + action + "&Version=" + version
	if params != "" {
		body += "&" + params
	}
	return guarded{"POST", "/", body, []string{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}, needs}
}

func target(prefix, name, body string, needs ...string) guarded {
	version := "1.0"
	if strings.HasPrefix(prefix, "Logs") {
		version = "1.1"
	}
	return guarded{"POST", "/", body, []string{"Content-Type", "application/x-amz-json-" + version, "X-Amz-Target", prefix + "." + name}, needs}
}

func rest(method, path, body string, needs ...string) guarded {
	return guarded{method, path, body, nil, needs}
}

func tableOp(name, body string) guarded {
	return target("DynamoDB_20120810", name, body, "dynamodb:"+name+" arn:aws:dynamodb:us-east-1:111122223333:table/Watchers")
}

func roleOp(name, params string) guarded {
	return query(name, "RoleName=watch-role&"+params, "iam:"+name+" arn:aws:iam::111122223333:role/watch-role")
}

func userOp(name, params string) guarded {
	return query(name, "UserName=dev&"+params, "iam:"+name+" arn:aws:iam::111122223333:user/dev")
}

func policyOp(name, params string) guarded {
	const arn = "arn:aws:iam::111122223333:policy/tables"
	return query(name, "PolicyArn="+url.QueryEscape(arn)+"&"+params, "iam:"+name+" "+arn)
}

func ec2Op(name, params string, resources ...string) guarded {
	var needs []string
	for _, r := range resources {
		if r != "*" {
			r = "arn:aws:ec2:us-east-1:111122223333:" + r
		}
		needs = append(needs, "ec2:"+name+" "+r)
	}
	return query(name, params, needs...)
}

func functionOp(method, version, path, body, name string) guarded {
	return rest(method, "/"+version+"/functions/watch"+path, body, "lambda:"+name+" arn:aws:lambda:us-east-1:111122223333:function:watch")
}

func groupOp(name, body, resource string) guarded {
	return target("Logs_20140328", name, body, "logs:"+name+" arn:aws:logs:us-east-1:111122223333:log-group:"+resource)
}

func apiOp(method, path, body string) guarded {
	return rest(method, "/v2/apis"+path, body, "apigateway:"+method+" arn:aws:apigateway:us-east-1::/apis"+path)
}

func objectOp(method, query, body, action string) guarded {
	return rest(method, "/stock-code/watch.zip"+query, body, "s3:"+action+" arn:aws:s3:::stock-code/watch.zip")
}

func bucketOp(method, query, body, action string) guarded {
	return rest(method, "/stock-code"+query, body, "s3:"+action+" arn:aws:s3:::stock-code")
}

const (
	emptyPolicy = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D"
	roleARN     = "arn:aws:iam::111122223333:role/watch-role"
)

// operations are those of every service, with the action and the resource that the Service Authorization Reference gives.
var operations = map[string][]guarded{
	"iam": {
		roleOp("CreateRole", "AssumeRolePolicyDocument="+emptyPolicy), roleOp("GetRole", ""), roleOp("DeleteRole", ""), roleOp("UpdateRole", ""),
		roleOp("UpdateRoleDescription", "Description=x"), roleOp("UpdateAssumeRolePolicy", "PolicyDocument="+emptyPolicy),
		roleOp("PutRolePolicy", "PolicyName=p&PolicyDocument="+emptyPolicy), roleOp("GetRolePolicy", "PolicyName=p"), roleOp("DeleteRolePolicy", "PolicyName=p"),
		roleOp("ListRolePolicies", ""), roleOp("AttachRolePolicy", "PolicyArn=arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2FReadOnlyAccess"), roleOp("DetachRolePolicy", "PolicyArn=arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2FReadOnlyAccess"),
		roleOp("ListAttachedRolePolicies", ""), roleOp("TagRole", "Tags.member.1.Key=a&Tags.member.1.Value=b"), roleOp("UntagRole", "TagKeys.member.1=a"), roleOp("ListRoleTags", ""),
		roleOp("PutRolePermissionsBoundary", "PermissionsBoundary=arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2FReadOnlyAccess"), roleOp("DeleteRolePermissionsBoundary", ""),
		roleOp("ListInstanceProfilesForRole", ""), query("ListRoles", "", "iam:ListRoles arn:aws:iam::111122223333:role/"),
		userOp("CreateUser", ""), userOp("GetUser", ""), userOp("DeleteUser", ""), query("ListUsers", "", "iam:ListUsers arn:aws:iam::111122223333:user/"),
		userOp("CreateAccessKey", ""), userOp("ListAccessKeys", ""), userOp("UpdateAccessKey", "AccessKeyId=AKIA&Status=Inactive"), userOp("DeleteAccessKey", "AccessKeyId=AKIA"),
		userOp("PutUserPolicy", "PolicyName=p&PolicyDocument="+emptyPolicy), userOp("GetUserPolicy", "PolicyName=p"), userOp("DeleteUserPolicy", "PolicyName=p"), userOp("ListUserPolicies", ""),
		userOp("AttachUserPolicy", "PolicyArn=arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2FReadOnlyAccess"), userOp("DetachUserPolicy", "PolicyArn=arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2FReadOnlyAccess"), userOp("ListAttachedUserPolicies", ""),
		userOp("TagUser", "Tags.member.1.Key=a&Tags.member.1.Value=b"), userOp("UntagUser", "TagKeys.member.1=a"), userOp("ListUserTags", ""), userOp("ListGroupsForUser", ""),
		userOp("PutUserPermissionsBoundary", "PermissionsBoundary=arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2FReadOnlyAccess"), userOp("DeleteUserPermissionsBoundary", ""),
		query("CreatePolicy", "PolicyName=tables&PolicyDocument="+emptyPolicy, "iam:CreatePolicy arn:aws:iam::111122223333:policy/tables"),
		query("ListPolicies", "", "iam:ListPolicies arn:aws:iam::111122223333:policy/"),
		policyOp("GetPolicy", ""), policyOp("DeletePolicy", ""), policyOp("CreatePolicyVersion", "PolicyDocument="+emptyPolicy), policyOp("GetPolicyVersion", "VersionId=v1"),
		policyOp("ListPolicyVersions", ""), policyOp("DeletePolicyVersion", "VersionId=v1"), policyOp("SetDefaultPolicyVersion", "VersionId=v1"), policyOp("ListEntitiesForPolicy", ""),
		policyOp("TagPolicy", "Tags.member.1.Key=a&Tags.member.1.Value=b"), policyOp("UntagPolicy", "TagKeys.member.1=a"), policyOp("ListPolicyTags", ""),
		query("GetAccountSummary", "", "iam:GetAccountSummary *"), query("GetAccountAuthorizationDetails", "", "iam:GetAccountAuthorizationDetails *"), query("ListAccountAliases", "", "iam:ListAccountAliases *"),
	},
	"sts": {
		query("AssumeRole", "RoleSessionName=watch&RoleArn="+url.QueryEscape(roleARN), "sts:AssumeRole "+roleARN),
		query("GetAccessKeyInfo", "AccessKeyId=AKIAIOSFODNN7EXAMPLE", "sts:GetAccessKeyInfo *"),
	},
	"s3": {
		rest("GET", "/", "", "s3:ListAllMyBuckets *"),
		bucketOp("PUT", "", "", "CreateBucket"), bucketOp("HEAD", "", "", "ListBucket"), bucketOp("GET", "", "", "ListBucket"), bucketOp("GET", "?list-type=2", "", "ListBucket"),
		bucketOp("GET", "?versions=", "", "ListBucketVersions"), bucketOp("GET", "?uploads=", "", "ListBucketMultipartUploads"), bucketOp("GET", "?location=", "", "GetBucketLocation"),
		bucketOp("GET", "?tagging=", "", "GetBucketTagging"), bucketOp("PUT", "?tagging=", "x", "PutBucketTagging"), bucketOp("DELETE", "?tagging=", "", "PutBucketTagging"),
		bucketOp("GET", "?policy=", "", "GetBucketPolicy"), bucketOp("PUT", "?policy=", "x", "PutBucketPolicy"), bucketOp("DELETE", "?policy=", "", "DeleteBucketPolicy"),
		bucketOp("GET", "?versioning=", "", "GetBucketVersioning"), bucketOp("PUT", "?versioning=", "x", "PutBucketVersioning"),
		bucketOp("GET", "?publicAccessBlock=", "", "GetBucketPublicAccessBlock"), bucketOp("PUT", "?publicAccessBlock=", "x", "PutBucketPublicAccessBlock"), bucketOp("DELETE", "?publicAccessBlock=", "", "PutBucketPublicAccessBlock"),
		objectOp("PUT", "", "x", "PutObject"), objectOp("GET", "", "", "GetObject"), objectOp("HEAD", "", "", "GetObject"), objectOp("GET", "?versionId=v", "", "GetObjectVersion"),
		objectOp("GET", "?tagging=", "", "GetObjectTagging"), objectOp("PUT", "?tagging=", "x", "PutObjectTagging"), objectOp("DELETE", "?tagging=", "", "DeleteObjectTagging"), objectOp("GET", "?tagging=&versionId=v", "", "GetObjectVersionTagging"),
		objectOp("POST", "?uploads=", "", "PutObject"), objectOp("PUT", "?partNumber=1&uploadId=u", "x", "PutObject"), objectOp("POST", "?uploadId=u", "x", "PutObject"),
		objectOp("DELETE", "?uploadId=u", "", "AbortMultipartUpload"), objectOp("GET", "?uploadId=u", "", "ListMultipartUploadParts"),
		{"PUT", "/stock-code/watch.zip", "x", []string{"x-amz-tagging", "a=b"}, []string{"s3:PutObject arn:aws:s3:::stock-code/watch.zip", "s3:PutObjectTagging arn:aws:s3:::stock-code/watch.zip"}},
		{"PUT", "/stock-code/copy.zip", "", []string{"x-amz-copy-source", "/stock-code/watch.zip"}, []string{"s3:PutObject arn:aws:s3:::stock-code/copy.zip", "s3:GetObject arn:aws:s3:::stock-code/watch.zip"}},
		objectOp("DELETE", "?versionId=v", "", "DeleteObjectVersion"), objectOp("DELETE", "", "", "DeleteObject"), bucketOp("DELETE", "", "", "DeleteBucket"),
	},
	"ec2": {
		ec2Op("DescribeVpcs", "", "*"), ec2Op("DescribeSubnets", "", "*"), ec2Op("DescribeSecurityGroups", "", "*"), ec2Op("DescribeSecurityGroupRules", "", "*"), ec2Op("DescribeRouteTables", "", "*"),
		ec2Op("DescribeInternetGateways", "", "*"), ec2Op("DescribeEgressOnlyInternetGateways", "", "*"), ec2Op("DescribeNatGateways", "", "*"), ec2Op("DescribeAddresses", "", "*"),
		ec2Op("DescribeVpcEndpoints", "", "*"), ec2Op("DescribeNetworkInterfaces", "", "*"), ec2Op("DescribeAvailabilityZones", "", "*"), ec2Op("DescribeAccountAttributes", "", "*"), ec2Op("DescribeTags", "", "*"),
		ec2Op("CreateVpc", "CidrBlock=10.0.0.0%2F16", "vpc/*"), ec2Op("DeleteVpc", "VpcId=vpc-1", "vpc/vpc-1"), ec2Op("AssociateVpcCidrBlock", "VpcId=vpc-1", "vpc/vpc-1"),
		ec2Op("ModifyVpcAttribute", "VpcId=vpc-1", "vpc/vpc-1"), ec2Op("DescribeVpcAttribute", "VpcId=vpc-1&Attribute=enableDnsSupport", "vpc/vpc-1"),
		ec2Op("CreateSubnet", "VpcId=vpc-1&CidrBlock=10.0.0.0%2F24", "subnet/*", "vpc/vpc-1"), ec2Op("DeleteSubnet", "SubnetId=subnet-1", "subnet/subnet-1"),
		ec2Op("ModifySubnetAttribute", "SubnetId=subnet-1", "subnet/subnet-1"), ec2Op("AssociateSubnetCidrBlock", "SubnetId=subnet-1", "subnet/subnet-1"),
		ec2Op("CreateSecurityGroup", "VpcId=vpc-1&GroupName=g&GroupDescription=g", "security-group/*", "vpc/vpc-1"), ec2Op("DeleteSecurityGroup", "GroupId=sg-1", "security-group/sg-1"),
		ec2Op("AuthorizeSecurityGroupIngress", "GroupId=sg-1", "security-group/sg-1"), ec2Op("AuthorizeSecurityGroupEgress", "GroupId=sg-1", "security-group/sg-1"),
		ec2Op("RevokeSecurityGroupIngress", "GroupId=sg-1", "security-group/sg-1"), ec2Op("RevokeSecurityGroupEgress", "GroupId=sg-1", "security-group/sg-1"),
		ec2Op("CreateRouteTable", "VpcId=vpc-1", "route-table/*", "vpc/vpc-1"), ec2Op("DeleteRouteTable", "RouteTableId=rtb-1", "route-table/rtb-1"),
		ec2Op("AssociateRouteTable", "RouteTableId=rtb-1&SubnetId=subnet-1", "route-table/rtb-1", "subnet/subnet-1"), ec2Op("ReplaceRouteTableAssociation", "RouteTableId=rtb-1&AssociationId=rtbassoc-1", "route-table/rtb-1"),
		ec2Op("DisassociateRouteTable", "AssociationId=rtbassoc-1", "*"), ec2Op("DisassociateVpcCidrBlock", "AssociationId=vpc-cidr-assoc-1", "*"),
		ec2Op("CreateRoute", "RouteTableId=rtb-1", "route-table/rtb-1"), ec2Op("ReplaceRoute", "RouteTableId=rtb-1", "route-table/rtb-1"), ec2Op("DeleteRoute", "RouteTableId=rtb-1", "route-table/rtb-1"),
		ec2Op("CreateInternetGateway", "", "internet-gateway/*"), ec2Op("DeleteInternetGateway", "InternetGatewayId=igw-1", "internet-gateway/igw-1"),
		ec2Op("AttachInternetGateway", "InternetGatewayId=igw-1&VpcId=vpc-1", "internet-gateway/igw-1", "vpc/vpc-1"), ec2Op("DetachInternetGateway", "InternetGatewayId=igw-1&VpcId=vpc-1", "internet-gateway/igw-1", "vpc/vpc-1"),
		ec2Op("CreateEgressOnlyInternetGateway", "VpcId=vpc-1", "egress-only-internet-gateway/*", "vpc/vpc-1"), ec2Op("DeleteEgressOnlyInternetGateway", "EgressOnlyInternetGatewayId=eigw-1", "egress-only-internet-gateway/eigw-1"),
		ec2Op("CreateNatGateway", "SubnetId=subnet-1&AllocationId=eipalloc-1", "natgateway/*", "subnet/subnet-1", "elastic-ip/eipalloc-1"), ec2Op("DeleteNatGateway", "NatGatewayId=nat-1", "natgateway/nat-1"),
		ec2Op("AllocateAddress", "", "elastic-ip/*"), ec2Op("ReleaseAddress", "AllocationId=eipalloc-1", "elastic-ip/eipalloc-1"),
		ec2Op("CreateVpcEndpoint", "VpcId=vpc-1&ServiceName=com.amazonaws.us-east-1.s3&RouteTableId.1=rtb-1&SubnetId.1=subnet-1&SecurityGroupId.1=sg-1",
			"vpc-endpoint/*", "vpc/vpc-1", "route-table/rtb-1", "subnet/subnet-1", "security-group/sg-1"),
		ec2Op("DeleteVpcEndpoints", "VpcEndpointId.1=vpce-1&VpcEndpointId.2=vpce-2", "vpc-endpoint/vpce-1", "vpc-endpoint/vpce-2"),
		ec2Op("CreateTags", "ResourceId.1=vpc-1&ResourceId.2=subnet-1&Tag.1.Key=a&Tag.1.Value=b", "vpc/vpc-1", "subnet/subnet-1"), ec2Op("DeleteTags", "ResourceId.1=sg-1&Tag.1.Key=a", "security-group/sg-1"),
		query("CreateVpc", "CidrBlock=10.0.0.0%2F16&TagSpecification.1.ResourceType=vpc&TagSpecification.1.Tag.1.Key=a", "ec2:CreateVpc arn:aws:ec2:us-east-1:111122223333:vpc/*", "ec2:CreateTags arn:aws:ec2:us-east-1:111122223333:vpc/*"),
	},
	"logs": {
		groupOp("CreateLogGroup", `{"logGroupName":"/aws/lambda/watch"}`, "/aws/lambda/watch"), groupOp("DescribeLogGroups", `{}`, "*"), groupOp("DescribeLogGroups", `{"logGroupNamePrefix":"/aws/"}`, "/aws/"),
		groupOp("CreateLogStream", `{"logGroupName":"/aws/lambda/watch","logStreamName":"s"}`, "/aws/lambda/watch:log-stream:s"),
		groupOp("PutLogEvents", `{"logGroupName":"/aws/lambda/watch","logStreamName":"s","logEvents":[]}`, "/aws/lambda/watch:log-stream:s"),
		groupOp("GetLogEvents", `{"logGroupName":"/aws/lambda/watch","logStreamName":"s"}`, "/aws/lambda/watch:log-stream:s"),
		groupOp("DescribeLogStreams", `{"logGroupName":"/aws/lambda/watch"}`, "/aws/lambda/watch:*"), groupOp("FilterLogEvents", `{"logGroupName":"/aws/lambda/watch"}`, "/aws/lambda/watch:*"),
		groupOp("PutRetentionPolicy", `{"logGroupName":"/aws/lambda/watch","retentionInDays":7}`, "/aws/lambda/watch:*"), groupOp("DeleteRetentionPolicy", `{"logGroupName":"/aws/lambda/watch"}`, "/aws/lambda/watch:*"),
		groupOp("DeleteLogStream", `{"logGroupName":"/aws/lambda/watch","logStreamName":"s"}`, "/aws/lambda/watch:log-stream:s"), groupOp("DeleteLogGroup", `{"logGroupName":"/aws/lambda/watch"}`, "/aws/lambda/watch:*"),
	},
	"dynamodb": {
		tableOp("CreateTable", `{"TableName":"Watchers","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"k","AttributeType":"S"}],"KeySchema":[{"AttributeName":"k","KeyType":"HASH"}]}`), tableOp("DescribeTable", `{"TableName":"Watchers"}`), tableOp("UpdateTable", `{"TableName":"Watchers"}`),
		target("DynamoDB_20120810", "ListTables", `{}`, "dynamodb:ListTables arn:aws:dynamodb:us-east-1:111122223333:table/*"), target("DynamoDB_20120810", "DescribeLimits", `{}`, "dynamodb:DescribeLimits *"),
		tableOp("GetItem", `{"TableName":"Watchers","Key":{"k":{"S":"a"}}}`), tableOp("PutItem", `{"TableName":"Watchers","Item":{"k":{"S":"a"}}}`),
		tableOp("UpdateItem", `{"TableName":"Watchers","Key":{"k":{"S":"a"}}}`), tableOp("DeleteItem", `{"TableName":"Watchers","Key":{"k":{"S":"a"}}}`),
		tableOp("Query", `{"TableName":"Watchers","KeyConditionExpression":"k = :k","ExpressionAttributeValues":{":k":{"S":"a"}}}`), tableOp("Scan", `{"TableName":"Watchers"}`),
		target("DynamoDB_20120810", "Query", `{"TableName":"Watchers","IndexName":"i","KeyConditionExpression":"k = :k","ExpressionAttributeValues":{":k":{"S":"a"}}}`, "dynamodb:Query arn:aws:dynamodb:us-east-1:111122223333:table/Watchers/index/i"),
		tableOp("BatchGetItem", `{"RequestItems":{"Watchers":{"Keys":[{"k":{"S":"a"}}]}}}`), tableOp("BatchWriteItem", `{"RequestItems":{"Watchers":[{"PutRequest":{"Item":{"k":{"S":"a"}}}}]}}`),
		target("DynamoDB_20120810", "TransactGetItems", `{"TransactItems":[{"Get":{"TableName":"Watchers","Key":{"k":{"S":"a"}}}}]}`, "dynamodb:GetItem arn:aws:dynamodb:us-east-1:111122223333:table/Watchers"),
		target("DynamoDB_20120810", "TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"Watchers","Item":{"k":{"S":"a"}}}},{"ConditionCheck":{"TableName":"Watchers","Key":{"k":{"S":"b"}},"ConditionExpression":"attribute_exists(k)"}}]}`,
			"dynamodb:PutItem arn:aws:dynamodb:us-east-1:111122223333:table/Watchers", "dynamodb:ConditionCheckItem arn:aws:dynamodb:us-east-1:111122223333:table/Watchers"),
		tableOp("UpdateTimeToLive", `{"TableName":"Watchers","TimeToLiveSpecification":{"AttributeName":"t","Enabled":true}}`), tableOp("DescribeTimeToLive", `{"TableName":"Watchers"}`), tableOp("DescribeContinuousBackups", `{"TableName":"Watchers"}`),
		tableOp("TagResource", `{"ResourceArn":"arn:aws:dynamodb:us-east-1:111122223333:table/Watchers","Tags":[{"Key":"a","Value":"b"}]}`), tableOp("UntagResource", `{"ResourceArn":"arn:aws:dynamodb:us-east-1:111122223333:table/Watchers","TagKeys":["a"]}`),
		tableOp("ListTagsOfResource", `{"ResourceArn":"arn:aws:dynamodb:us-east-1:111122223333:table/Watchers"}`), tableOp("DeleteTable", `{"TableName":"Watchers"}`),
	},
	"lambda": {
		rest("POST", "/2015-03-31/functions", `{"FunctionName":"watch","Role":"`+roleARN+`","Runtime":"provided.al2023","Handler":"bootstrap","Code":{"ZipFile":"UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="}}`,
			"lambda:CreateFunction arn:aws:lambda:us-east-1:111122223333:function:watch", "iam:PassRole "+roleARN),
		rest("GET", "/2015-03-31/functions", "", "lambda:ListFunctions *"), rest("GET", "/2016-08-19/account-settings", "", "lambda:GetAccountSettings *"),
		functionOp("GET", "2015-03-31", "", "", "GetFunction"), functionOp("DELETE", "2015-03-31", "", "", "DeleteFunction"), functionOp("GET", "2015-03-31", "/configuration", "", "GetFunctionConfiguration"),
		functionOp("PUT", "2015-03-31", "/configuration", "{}", "UpdateFunctionConfiguration"), functionOp("PUT", "2015-03-31", "/code", "{}", "UpdateFunctionCode"),
		functionOp("POST", "2015-03-31", "/versions", "{}", "PublishVersion"), functionOp("GET", "2015-03-31", "/versions", "", "ListVersionsByFunction"),
		functionOp("POST", "2015-03-31", "/aliases", `{"Name":"live","FunctionVersion":"1"}`, "CreateAlias"), functionOp("GET", "2015-03-31", "/aliases", "", "ListAliases"),
		functionOp("GET", "2015-03-31", "/aliases/live", "", "GetAlias"), functionOp("PUT", "2015-03-31", "/aliases/live", "{}", "UpdateAlias"), functionOp("DELETE", "2015-03-31", "/aliases/live", "", "DeleteAlias"),
		functionOp("POST", "2015-03-31", "/policy", `{"StatementId":"s","Action":"lambda:InvokeFunction","Principal":"s3.amazonaws.com"}`, "AddPermission"), functionOp("GET", "2015-03-31", "/policy", "", "GetPolicy"), functionOp("DELETE", "2015-03-31", "/policy/s", "", "RemovePermission"),
		functionOp("POST", "2015-03-31", "/invocations", "{}", "InvokeFunction"), functionOp("POST", "2021-11-15", "/response-streaming-invocations", "{}", "InvokeFunction"),
		rest("POST", "/2015-03-31/functions/watch/invocations?Qualifier=live", "{}", "lambda:InvokeFunction arn:aws:lambda:us-east-1:111122223333:function:watch:live"),
		functionOp("POST", "2021-10-31", "/url", `{"AuthType":"NONE"}`, "CreateFunctionUrlConfig"), functionOp("GET", "2021-10-31", "/url", "", "GetFunctionUrlConfig"), functionOp("PUT", "2021-10-31", "/url", "{}", "UpdateFunctionUrlConfig"),
		functionOp("DELETE", "2021-10-31", "/url", "", "DeleteFunctionUrlConfig"), functionOp("GET", "2021-10-31", "/urls", "", "ListFunctionUrlConfigs"),
		functionOp("PUT", "2017-10-31", "/concurrency", `{"ReservedConcurrentExecutions":1}`, "PutFunctionConcurrency"), functionOp("DELETE", "2017-10-31", "/concurrency", "", "DeleteFunctionConcurrency"), functionOp("GET", "2019-09-30", "/concurrency", "", "GetFunctionConcurrency"),
		functionOp("PUT", "2019-09-25", "/event-invoke-config", "{}", "PutFunctionEventInvokeConfig"), functionOp("GET", "2019-09-25", "/event-invoke-config", "", "GetFunctionEventInvokeConfig"),
		rest("POST", "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A111122223333%3Afunction%3Awatch", `{"Tags":{"a":"b"}}`, "lambda:TagResource arn:aws:lambda:us-east-1:111122223333:function:watch"),
		rest("DELETE", "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A111122223333%3Afunction%3Awatch?tagKeys=a", "", "lambda:UntagResource arn:aws:lambda:us-east-1:111122223333:function:watch"),
		rest("GET", "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A111122223333%3Afunction%3Awatch", "", "lambda:ListTags arn:aws:lambda:us-east-1:111122223333:function:watch"),
		rest("GET", "/2018-10-31/layers", "", "lambda:ListLayers *"), rest("GET", "/2018-10-31/layers/l/versions", "", "lambda:ListLayerVersions *"),
		rest("POST", "/2018-10-31/layers/l/versions", "{}", "lambda:PublishLayerVersion arn:aws:lambda:us-east-1:111122223333:layer:l"),
		rest("GET", "/2018-10-31/layers/l/versions/1", "", "lambda:GetLayerVersion arn:aws:lambda:us-east-1:111122223333:layer:l:1"),
		rest("DELETE", "/2018-10-31/layers/l/versions/1", "", "lambda:DeleteLayerVersion arn:aws:lambda:us-east-1:111122223333:layer:l:1"),
	},
	"apigateway": {
		apiOp("POST", "", `{"name":"a","protocolType":"HTTP"}`), apiOp("GET", "", ""), apiOp("GET", "/q7w2e9r4t1", ""), apiOp("PATCH", "/q7w2e9r4t1", "{}"), apiOp("DELETE", "/q7w2e9r4t1", ""), apiOp("DELETE", "/q7w2e9r4t1/cors", ""),
		apiOp("POST", "/q7w2e9r4t1/routes", "{}"), apiOp("GET", "/q7w2e9r4t1/routes", ""), apiOp("GET", "/q7w2e9r4t1/routes/r", ""), apiOp("PATCH", "/q7w2e9r4t1/routes/r", "{}"), apiOp("DELETE", "/q7w2e9r4t1/routes/r", ""),
		apiOp("POST", "/q7w2e9r4t1/routes/r/routeresponses", "{}"), apiOp("POST", "/q7w2e9r4t1/integrations", "{}"), apiOp("GET", "/q7w2e9r4t1/integrations/i", ""), apiOp("POST", "/q7w2e9r4t1/integrations/i/integrationresponses", "{}"),
		apiOp("POST", "/q7w2e9r4t1/stages", "{}"), apiOp("GET", "/q7w2e9r4t1/stages/s", ""), apiOp("PATCH", "/q7w2e9r4t1/stages/s", "{}"), apiOp("DELETE", "/q7w2e9r4t1/stages/s", ""),
		apiOp("POST", "/q7w2e9r4t1/deployments", "{}"), apiOp("GET", "/q7w2e9r4t1/deployments", ""), apiOp("POST", "/q7w2e9r4t1/authorizers", "{}"), apiOp("GET", "/q7w2e9r4t1/authorizers", ""),
		rest("POST", "/v2/apis", `{"name":"a","protocolType":"HTTP","tags":{"a":"b"}}`, "apigateway:POST arn:aws:apigateway:us-east-1::/apis", "apigateway:POST arn:aws:apigateway:us-east-1::/tags/*"),
		rest("POST", "/v2/apis/q7w2e9r4t1/integrations", `{"integrationType":"AWS_PROXY","credentialsArn":"`+roleARN+`"}`, "apigateway:POST arn:aws:apigateway:us-east-1::/apis/q7w2e9r4t1/integrations", "iam:PassRole "+roleARN),
		rest("POST", "/v2/apis/q7w2e9r4t1/authorizers", `{"authorizerCredentialsArn":"`+roleARN+`"}`, "apigateway:POST arn:aws:apigateway:us-east-1::/apis/q7w2e9r4t1/authorizers", "iam:PassRole "+roleARN),
	},
}

// The shape of a refusal, by service.
func refusedIn(service string, resp *http.Response, text string) bool {
	switch service {
	case "iam", "sts":
		return resp.StatusCode == 403 && strings.Contains(text, "<ErrorResponse") && strings.Contains(text, "<Type>Sender</Type><Code>AccessDenied</Code><Message>User: ")
	case "ec2":
		return resp.StatusCode == 403 && strings.Contains(text, "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not authorized to perform this operation. User: ")
	case "s3":
		return resp.StatusCode == 403 && (resp.Request.Method == "HEAD" && text == "" || strings.Contains(text, "<Error><Code>AccessDenied</Code><Message>User: "))
	case "dynamodb", "logs":
		var e struct {
			Type    string `json:"__type"`
			Message string `json:"message"`
		}
		return resp.StatusCode == 400 && json.Unmarshal([]byte(text), &e) == nil && e.Type == "com.amazon.coral.service#AccessDeniedException" && strings.HasPrefix(e.Message, "User: ")
	}
	return resp.StatusCode == 403 && resp.Header.Get("x-amzn-ErrorType") == "AccessDeniedException" && strings.Contains(text, "User: ")
}

// caller is a user without a policy, and how to give him one.
func caller(t testing.TB, c *Cloud, name string) (key iam.Credentials, may func(statements ...string)) {
	t.Helper()
	do := func(form string) string {
		t.Helper()
		g := query("", form, "iam:")
		resp, text := answer(t, sign(t, c, c.Root(), "iam", "POST", "/", strings.TrimPrefix(g.body, "Action=&"), "", g.header...))
		if resp.StatusCode != 200 {
			t.Fatalf("%s: %s %s", form, resp.Status, text)
		}
		return text
	}
	do("Action=CreateUser&UserName=" + name)
	var made struct {
		Result struct {
			AccessKey struct{ AccessKeyId, SecretAccessKey string }
		} `xml:"CreateAccessKeyResult"`
	}
	if err := xml.Unmarshal([]byte(do("Action=CreateAccessKey&UserName="+name)), &made); err != nil {
		t.Fatal(err)
	}
	key = iam.Credentials{AccessKeyID: made.Result.AccessKey.AccessKeyId, SecretAccessKey: made.Result.AccessKey.SecretAccessKey}
	return key, func(needs ...string) {
		t.Helper()
		var all []string
		for _, n := range needs {
			action, resource, _ := strings.Cut(n, " ")
			all = append(all, `{"Effect":"Allow","Action":"`+action+`","Resource":"`+resource+`"}`)
		}
		do("Action=PutUserPolicy&PolicyName=p&UserName=" + name + "&PolicyDocument=" + url.QueryEscape(`{"Version":"2012-10-17","Statement":[`+strings.Join(all, ",")+`]}`))
	}
}

// What anybody may ask who has a key, even against a deny.
func TestWhoOneIsNeedsNoPermission(t *testing.T) {
	t.Parallel()
	c, _ := startCloud(t)
	key, _ := caller(t, c, "dev")
	deny := query("PutUserPolicy", "UserName=dev&PolicyName=p&PolicyDocument="+url.QueryEscape(`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`), "iam:")
	if resp, text := answer(t, sign(t, c, c.Root(), "iam", "POST", "/", deny.body, "", deny.header...)); resp.StatusCode != 200 {
		t.Fatal(resp.Status, text)
	}
	g := query("GetCallerIdentity", "", "sts:")
	resp, text := answer(t, sign(t, c, key, "sts", "POST", "/", g.body, "", g.header...))
	if resp.StatusCode != 200 || !strings.Contains(text, "<Arn>arn:aws:iam::111122223333:user/dev</Arn><UserId>AIDA") || !strings.Contains(text, "<Account>111122223333</Account>") {
		t.Errorf("%s %s", resp.Status, text)
	}
}

// Each operation is refused to whoever may do nothing, to whoever may do it to something else, and to whoever lacks one of
// the permissions that it needs; it is let through, to whatever becomes of it, to whoever has exactly those.
func TestEachOperationNeedsItsPermission(t *testing.T) {
	t.Parallel()
	c, _ := startCloud(t)
	for service, all := range operations {
		t.Run(service, func(t *testing.T) {
			t.Parallel()
			key, may := caller(t, c, "caller-of-"+service)
			for _, g := range all {
				name := g.method + " " + g.path + " " + g.body
				try := func(what string, refused bool) {
					t.Helper()
					resp, text := answer(t, sign(t, c, key, service, g.method, g.path, g.body, "", g.header...))
					if got := refusedIn(service, resp, text); got != refused {
						t.Errorf("%s, %s: %s %s", name, what, resp.Status, text)
					} else if refused && text != "" {
						action, resource, _ := strings.Cut(g.needs[0], " ")
						if what == "allowed nothing" && (!strings.Contains(text, action) || !strings.Contains(text, "resource: "+resource)) {
							t.Errorf("%s, %s: the refusal does not name %s: %s", name, what, g.needs[0], text)
						}
					}
				}
				may("sqs:SendMessage *")
				try("allowed nothing", true)
				if service == "sts" && strings.Contains(g.body, "AssumeRole") {
					continue // a role that is not there is assumed by nobody
				}
				for i, need := range g.needs {
					rest := append(append([]string{"sqs:SendMessage *"}, g.needs[:i]...), g.needs[i+1:]...)
					if len(g.needs) > 1 {
						may(rest...)
						try("allowed all but "+need, true)
					}
					if !strings.HasSuffix(need, " *") {
						may(append(rest, need+"-other")...)
						try("allowed it on another resource", true)
					}
				}
				may(g.needs...)
				try("allowed exactly that", false)
			}
		})
	}
}
