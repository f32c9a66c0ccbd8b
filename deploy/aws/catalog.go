package aws

import "quotewire/dply/schema"

// Catalog is what a script can say about AWS. It holds what this package deploys and nothing more.
func Catalog() *schema.Catalog {
	return &schema.Catalog{
		Types: []*schema.Type{
			bucketType, networkType, tableType, roleType, policyType, functionType, aliasType, apiType,
		},
		Verbs:   []*schema.Type{functionVerb, permissionsVerb, publishVerb, apiVerb},
		Readers: []*schema.Type{locationReader, placementReader, withRoleReader, fieldsReader, integrationReader},
		Consts: []schema.Const{
			{Name: "aws.action.ec2.CreateNetworkInterface", Value: "ec2:CreateNetworkInterface"},
			{Name: "aws.action.ec2.DescribeNetworkInterfaces", Value: "ec2:DescribeNetworkInterfaces"},
			{Name: "aws.action.ec2.DeleteNetworkInterface", Value: "ec2:DeleteNetworkInterface"},
			{Name: "aws.action.S3.GetObject", Value: "s3:GetObject"},
			{Name: "aws.action.S3.PutObject", Value: "s3:PutObject"},
			{Name: "aws.action.APIGateway.GET", Value: "apigateway:GET"},
			{Name: "aws.principal.AWS", Value: "AWS"},
			{Name: "aws.principal.Service", Value: "Service"},
			{Name: "aws.principal.CloudFront", Value: "cloudfront.amazonaws.com"},
			{Name: "aws.cond.StringEquals", Value: "StringEquals"},
			{Name: "aws.SourceArn", Value: "aws:SourceArn"},
		},
	}
}

// Shorthands for the kinds of a property.
var (
	texts    = []schema.Kind{schema.String}
	numbers  = []schema.Kind{schema.Number}
	booleans = []schema.Kind{schema.Bool}
	lists    = []schema.Kind{schema.List}
	dicts    = []schema.Kind{schema.Map}
	policies = []schema.Kind{schema.Policy}
	values   = []schema.Kind{schema.Value}
	objects  = []schema.Kind{schema.String, schema.Object}
)

// Runtimes of functions that come as a zip. "go" is provided.al2023.
var runtimes = []string{"go", "provided.al2023", "provided.al2", "nodejs24.x", "nodejs22.x", "nodejs20.x", "python3.14", "python3.13",
	"python3.12", "python3.11", "java25", "java21", "java17", "dotnet10", "dotnet8", "ruby3.4", "ruby3.3"}

func arnMember(of string) schema.Member {
	return schema.Member{Name: "arn", Doc: "The ARN of the " + of + ".", Kind: schema.String}
}

func nameMember(of string) schema.Member {
	return schema.Member{Name: "name", Doc: "The name of the " + of + ".", Kind: schema.String}
}

var uriMember = schema.Member{Name: "integrationUri", Doc: "The URI by which API Gateway invokes it.", Kind: schema.String}

var bucketType = &schema.Type{
	Name: "aws.S3.Bucket", Ensure: true, Find: true, Self: "name",
	Doc: "A bucket of S3, known by its name, which is unique in the whole world. A teardown empties it first.",
	Properties: []schema.Property{
		{Name: "Region", Kinds: texts, Doc: "Where the bucket lies. It cannot move.", Default: "the region of the run"},
	},
	Members: []schema.Member{nameMember("bucket"), arnMember("bucket"),
		{Name: "allResources", Kind: schema.String, Doc: "The ARN that means every object in the bucket."},
		{Name: "dnsName", Kind: schema.String, Doc: "The host name of the bucket."}},
}

var networkType = &schema.Type{
	Name: "aws.VPC.VPC", Ensure: true, Find: true, Self: "id",
	Doc: "A network, known by its tag Name. Ensured, it is a small one for functions: two private subnets in two zones, the default security group, and the ways out that are asked for. What it has already is never removed.",
	Properties: []schema.Property{
		{Name: "CidrBlock", Kinds: texts, Doc: "The IPv4 range of a new network, /16 to /26.", Default: DefaultCIDR},
		{Name: "DualStack", Kinds: booleans, Doc: "Whether the network and its subnets have IPv6 addresses as well.", Default: "false, or true with an EgressOnlyInternetGateway"},
		{Name: "EgressOnlyInternetGateway", Kinds: booleans, Doc: "A way out over IPv6, which costs nothing while idle. Functions take it with DualStack <- true in their VpcConfig, to addresses that have IPv6.", Default: "false"},
		{Name: "GatewayEndpoints", Kinds: lists, Doc: `Services that the network reaches directly, at no cost: "s3", "dynamodb".`},
	},
	Members: []schema.Member{
		{Name: "id", Kind: schema.String, Doc: "The id of the network."}, nameMember("network"),
		{Name: "subnets", Kind: schema.List, Doc: "The ids of all its subnets, sorted."},
		{Name: "securityGroups", Kind: schema.List, Doc: "The ids of all its security groups, sorted."}},
}

var tableType = &schema.Type{
	Name: "aws.DynamoDB.Table", Ensure: true, Find: true, Self: "name",
	Doc: "A table of DynamoDB, paid by the request. Its keys cannot be changed.",
	Properties: []schema.Property{
		{Name: "Fields", Kinds: values, Readers: []string{"aws.DynamoFields"}, Required: true, Doc: "The fields. Exactly one is the hash key, at most one the range key; only these are told to DynamoDB."},
	},
	Members: []schema.Member{nameMember("table"), arnMember("table")},
}

var roleType = &schema.Type{
	Name: "aws.IAM.Role", Ensure: true, Find: true, Self: "arn",
	Doc: "A role. Inline policies are stored as NAME-0, NAME-1 and so on; those of that pattern that the script no longer has are removed.",
	Properties: []schema.Property{
		{Name: "Assume", Kinds: policies, Required: true, Doc: "Who may assume the role: a policy without resources."},
		{Name: "Inline", Kinds: []schema.Kind{schema.Policy, schema.List}, Items: policies, Doc: "What the role may do: a policy or a list of them."},
	},
	Members: []schema.Member{arnMember("role"), nameMember("role")},
}

var policyType = &schema.Type{
	Name: "aws.IAM.Policy", Ensure: true, Find: true, Self: "arn",
	Doc: "A managed policy. When the script's document differs, it becomes the new default version.",
	Properties: []schema.Property{
		{Name: "Policy", Kinds: policies, Required: true, Doc: "The document, from a policy statement."},
	},
	Members: []schema.Member{arnMember("policy"), nameMember("policy")},
}

// functionProperties are those of aws.Lambda.Function, and of lambda.function.
var functionProperties = []schema.Property{
	{Name: "Runtime", Kinds: texts, Required: true, Enum: runtimes, Doc: `The runtime. "go" is provided.al2023, for a Go package that the deployer builds or a zip with an executable named bootstrap.`},
	{Name: "Code", Kinds: values, Readers: []string{"aws.S3.Location"}, Required: true, Doc: "Where the code lies, and what it is built from."},
	{Name: "Role", Kinds: []schema.Kind{schema.Value, schema.String, schema.Object}, Readers: []string{"aws.IAM.WithRole"}, Objects: []string{"aws.IAM.Role"}, Required: true, Doc: "The role that the function runs in: described here, a role, or an ARN."},
	{Name: "Handler", Kinds: texts, Doc: "The entry point.", Default: `bootstrap, for the runtime "go"`},
	{Name: "VpcConfig", Kinds: values, Readers: []string{"aws.VPC.Config"}, Doc: "The network that the function is placed in.", Default: "none"},
	{Name: "MemorySize", Kinds: numbers, Doc: "Memory in MB, 128 to 10240; processor time comes with it.", Default: "128"},
	{Name: "Timeout", Kinds: numbers, Doc: "Seconds until an invocation is ended, 1 to 900.", Default: "30"},
	{Name: "Environment", Kinds: dicts, Doc: "Environment variables."},
	{Name: "Architecture", Kinds: texts, Enum: []string{"x86_64", "arm64"}, Doc: "The instruction set, for which the code is built.", Default: "x86_64"},
}

var functionMembers = []schema.Member{arnMember("function"), nameMember("function"), uriMember}

var functionType = &schema.Type{
	Name: "aws.Lambda.Function", Ensure: true, Find: true, Self: "arn",
	Doc:        "A Lambda function without versions and aliases; see lambda.function for one with them.",
	Properties: functionProperties,
	Members:    functionMembers,
}

var aliasType = &schema.Type{
	Name: "aws.Lambda.Alias", Find: true, Self: "arn",
	Doc: "An alias of a Lambda function. lambda.function makes them.",
	FindBy: []schema.Property{
		{Name: "FunctionName", Kinds: objects, Objects: []string{"lambda.function", "aws.Lambda.Function"}, Required: true, Doc: "The function: its name or the function itself."},
	},
	Members: []schema.Member{arnMember("alias"), nameMember("alias"), uriMember},
}

var apiType = &schema.Type{
	Name: typeAPI, Find: true, Self: "id",
	Doc:     "An API of API Gateway v2, known by its name. api.gatewayV2 makes them.",
	Members: apiMembers,
}

var apiMembers = []schema.Member{
	{Name: "id", Kind: schema.String, Doc: "The id of the API."},
	{Name: "endpoint", Kind: schema.String, Doc: "The wss:// or https:// address, without a stage."},
	arnMember("API"), nameMember("API"),
}

var functionVerb = &schema.Type{
	Name: "lambda.function", Self: "arn",
	Doc: "A Lambda function with its role, its code, a published version, and an alias that points at it. A Go package is built and uploaded.",
	Properties: append(append([]schema.Property{}, functionProperties...),
		schema.Property{Name: "PublishVersion", Kinds: booleans, Doc: "Whether to publish a version when code or configuration have changed.", Default: "true with an Alias, else false"},
		schema.Property{Name: "Alias", Kinds: texts, Doc: "The alias to make, or to move to the version just published."}),
	Members: functionMembers,
}

var permissionsVerb = &schema.Type{
	Name: "lambda.addPermissions",
	Doc:  "Lets others invoke functions: for every action, resource (a function or an alias) and principal of its allow lines, one statement in the function's policy. Teardown leaves them to vanish with the function.",
}

var publishVerb = &schema.Type{
	Name: "lambda.publishVersion",
	Doc:  "Publishes what a function is now as a version, unless the newest version is the same, and moves an alias to it.",
	Properties: []schema.Property{
		{Name: "Name", Kinds: objects, Objects: []string{"lambda.function", "aws.Lambda.Function"}, Required: true, Doc: "The function: its name, its ARN, or the function itself."},
		{Name: "Alias", Kinds: texts, Doc: "The alias to make or to move."},
		{Name: "PublishVersion", Kinds: booleans, Doc: "Whether to publish; without, the alias is moved to the newest version there is.", Default: "true"},
	},
}

var apiVerb = &schema.Type{
	Name: "api.gatewayV2", Self: "id",
	Doc: "An API of API Gateway v2 with its integrations, the permission for each to invoke its function, its routes, and its stages, which are deployed when something has changed.",
	Properties: []schema.Property{
		{Name: "Protocol", Kinds: texts, Enum: []string{"websocket", "http"}, Required: true, Doc: "The kind of API. It cannot be changed."},
		{Name: "RouteSelectionExpression", Kinds: texts, Doc: `Which part of a message selects the route, such as "$request.body.action". A WebSocket API needs one.`},
		{Name: "IpAddressType", Kinds: texts, Enum: []string{"ipv4", "dualstack"}, Doc: `How the API can be reached; "dualstack" is what a function behind an egress-only internet gateway needs to post to connections.`, Default: "ipv4"},
	},
	Members: apiMembers,
}

var locationReader = &schema.Type{
	Name: "aws.S3.Location",
	Doc:  "Where code lies in S3. A Go package is built and uploaded there when it differs: the folder that Source names, or else, for a key lambda-NAME.zip, the folder lambda/NAME beside the script.",
	Properties: []schema.Property{
		{Name: "Bucket", Kinds: objects, Objects: []string{"aws.S3.Bucket"}, Required: true, Doc: "The bucket: its name or the bucket itself."},
		{Name: "Key", Kinds: texts, Required: true, Doc: "The object's key."},
		{Name: "Source", Kinds: texts, Doc: "The folder of the Go package, relative to the script."},
	},
}

var placementReader = &schema.Type{
	Name: "aws.VPC.Config",
	Doc:  "Where in a network a function is placed.",
	Properties: []schema.Property{
		{Name: "Subnets", Kinds: lists, Required: true, Doc: "The ids of the subnets."},
		{Name: "SecurityGroups", Kinds: lists, Required: true, Doc: "The ids of the security groups."},
		{Name: "DualStack", Kinds: booleans, Doc: "Whether the function may use IPv6 to the outside, in subnets that have it.", Default: "false"},
	},
}

var withRoleReader = &schema.Type{
	Name: "aws.IAM.WithRole",
	Doc:  "A role described where it is used: who may assume it, its inline policies, and the names of managed policies. Functions that name the same role share it, with the permissions of all of them.",
}

var fieldsReader = &schema.Type{
	Name: "aws.DynamoFields",
	Doc:  "The fields of a table, one a line: a name, a type (string, number, binary, bool), and below it @Key hash or @Key range.",
}

var integrationReader = &schema.Type{
	Name: "api.gatewayV2 integration",
	Doc:  "A backend of an API.",
	Properties: []schema.Property{
		{Name: "Type", Kinds: texts, Enum: []string{"AWS_PROXY", "aws_proxy", "lambda_proxy", "AWS", "aws", "lambda"}, Required: true, Doc: "How requests are handed on. AWS_PROXY hands them on whole."},
		{Name: "Uri", Kinds: objects, Objects: []string{"lambda.function", "aws.Lambda.Function", "aws.Lambda.Alias"}, Required: true, Doc: "The backend: a function or an alias, its ARN, or its invocation URI."},
		{Name: "PayloadFormatVersion", Kinds: texts, Enum: []string{"1.0", "2.0"}, Doc: "The form of the event.", Default: "1.0 for websocket, 2.0 for http"},
		{Name: "ConnectionType", Kinds: texts, Enum: []string{"INTERNET", "VPC_LINK"}, Doc: "How the backend is reached.", Default: "INTERNET"},
		{Name: "ConnectionId", Kinds: texts, Doc: "The id of the VPC link."},
	},
}
