package truth

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

func TestLambdaVersionsAndAliases(t *testing.T) {
	c := shared(t)
	py, js := c.boto3(t), c.js(t)
	f := c.function(t, "versioned")
	publish := func(description string) answer {
		c.awaitFunction(t, f.Name)
		py.call(t, "lambda", "UpdateFunctionConfiguration", m{"FunctionName": f.Name, "Description": description})
		c.awaitFunction(t, f.Name)
		return py.call(t, "lambda", "PublishVersion", m{"FunctionName": f.Name})
	}
	first, second := publish("one"), publish("two")
	py.call(t, "lambda", "CreateAlias", m{"FunctionName": f.Name, "Name": "live", "FunctionVersion": "1"})
	alias := func(change m) m {
		p := m{"FunctionName": f.Name, "Name": unique("alias"), "FunctionVersion": "1"}
		for k, v := range change {
			p[k] = v
		}
		return p
	}

	rule(t, "PublishVersion freezes $LATEST under the next number, in the ARN as well", "Lambda §3", boto3, func(t *testing.T) {
		want(t, first, "Version", "1")
		want(t, second, "Version", "2")
		want(t, second, "FunctionArn", functionARN(f.Name)+":2")
		want(t, py.call(t, "lambda", "GetFunctionConfiguration", m{"FunctionName": f.Name, "Qualifier": "1"}), "Description", "one")
	})
	rule(t, "publishing what has not changed returns the version that there is, with 201", "Lambda §3", boto3, func(t *testing.T) {
		a := py.call(t, "lambda", "PublishVersion", m{"FunctionName": f.Name})
		want(t, a, "Version", "2")
		if a.Status != 201 {
			t.Errorf("the status is %d", a.Status)
		}
	})
	rule(t, "a CodeSha256 that is not that of $LATEST stops the publishing", "Lambda §3", jsSDK, func(t *testing.T) {
		a := js.fail(t, "lambda", "PublishVersion", m{"FunctionName": f.Name, "CodeSha256": "x"})
		refused(t, a, 400, "InvalidParameterValueException", "CodeSHA256 (x) is different from current CodeSHA256 in $LATEST (")
	})
	rule(t, "the number of a version that was deleted is not used again", "Lambda §3", boto3, func(t *testing.T) {
		name := unique("numbers")
		py.call(t, "lambda", "CreateFunction", createParams(f, name, m{"Publish": true}))
		c.awaitFunction(t, name)
		py.call(t, "lambda", "DeleteFunction", m{"FunctionName": name, "Qualifier": "1"})
		want(t, py.call(t, "lambda", "PublishVersion", m{"FunctionName": name}), "Version", "2")
	})
	rule(t, "versions are listed from $LATEST on, by number", "Lambda §1", awsCLI, func(t *testing.T) {
		out, stderr, _ := c.aws(t, "lambda", "list-versions-by-function", "--function-name", f.Name, "--query", "Versions[].Version", "--output", "json")
		var versions []string
		if json.Unmarshal([]byte(out), &versions); !slices.Equal(versions, []string{"$LATEST", "1", "2"}) {
			t.Errorf("got %s %s", out, stderr)
		}
	})
	rule(t, "only $LATEST can be updated", "Lambda §3", boto3, func(t *testing.T) {
		a := py.fail(t, "lambda", "UpdateFunctionConfiguration", m{"FunctionName": f.Name + ":1", "Timeout": 5})
		refused(t, a, 400, "InvalidParameterValueException", "Aliases and versions do not support this operation")
	})
	rule(t, "an alias shows its own ARN, and no RoutingConfig if it has none", "Lambda §3", jsSDK, func(t *testing.T) {
		a := js.call(t, "lambda", "GetAlias", m{"FunctionName": f.Name, "Name": "live"})
		want(t, a, "AliasArn", functionARN(f.Name)+":live")
		want(t, a, "FunctionVersion", "1")
		if a.get("RoutingConfig") != nil {
			t.Errorf("RoutingConfig is %v", a.get("RoutingConfig"))
		}
	})
	rule(t, "aliases of bad names and versions are refused in AWS's words", "Lambda §3", boto3, func(t *testing.T) {
		refused(t, py.fail(t, "lambda", "CreateAlias", alias(m{"Name": "42"})), 400, "ValidationException", "'name' failed to satisfy constraint")
		refused(t, py.fail(t, "lambda", "CreateAlias", alias(m{"FunctionVersion": "9"})), 404, "ResourceNotFoundException", "Function not found: "+functionARN(f.Name)+":9")
		refused(t, py.fail(t, "lambda", "CreateAlias", alias(m{"Name": "live"})), 409, "ResourceConflictException", "Alias already exists: "+functionARN(f.Name)+":live")
		refused(t, py.fail(t, "lambda", "UpdateAlias", m{"FunctionName": f.Name, "Name": "none", "FunctionVersion": "1"}), 404, "ResourceNotFoundException", "Alias not found: "+functionARN(f.Name)+":none")
		refused(t, py.fail(t, "lambda", "GetAlias", m{"FunctionName": f.Name, "Name": "none"}), 404, "ResourceNotFoundException", "Cannot find alias arn: "+functionARN(f.Name)+":none")
	})
	rule(t, "the split of an alias has one more version, without $LATEST, with a weight from 0 to 1", "Lambda §3", boto3, func(t *testing.T) {
		split := func(weights m) m { return alias(m{"RoutingConfig": m{"AdditionalVersionWeights": weights}}) }
		refused(t, py.fail(t, "lambda", "CreateAlias", split(m{"2": 0.1, "$LATEST": 0.1})), 400, "InvalidParameterValueException", "Number of items in AdditionalVersionWeights cannot be greater than 1")
		refused(t, py.fail(t, "lambda", "CreateAlias", split(m{"$LATEST": 0.1})), 400, "InvalidParameterValueException", "$LATEST is not supported")
		refused(t, py.fail(t, "lambda", "CreateAlias", split(m{"1": 0.1})), 400, "InvalidParameterValueException", "Invalid function version 1")
		refused(t, py.fail(t, "lambda", "CreateAlias", split(m{"2": 1.5})), 400, "ValidationException", "additionalVersionWeights")
	})
	rule(t, "an alias divides invocations by its weights, and X-Amz-Executed-Version tells which ran", "Lambda §3", jsSDK, func(t *testing.T) {
		made := js.call(t, "lambda", "CreateAlias", alias(m{"RoutingConfig": m{"AdditionalVersionWeights": m{"2": 0.5}}}))
		seen := map[string]bool{}
		for range 64 {
			seen[js.call(t, "lambda", "Invoke", m{"FunctionName": made.str("AliasArn")}).str("ExecutedVersion")] = true
			if len(seen) == 2 {
				break
			}
		}
		if !seen["1"] || !seen["2"] {
			t.Errorf("of 64 invocations ran %v", seen)
		}
		js.call(t, "lambda", "UpdateAlias", m{"FunctionName": f.Name, "Name": made.str("Name"), "RoutingConfig": m{"AdditionalVersionWeights": m{}}})
		if a := js.call(t, "lambda", "GetAlias", m{"FunctionName": f.Name, "Name": made.str("Name")}); a.get("RoutingConfig") != nil {
			t.Errorf("an empty split leaves %v", a.get("RoutingConfig"))
		}
	})
	rule(t, "through an alias the function sees the number of its version and an ARN with the alias", "Lambda §3", goSDK, func(t *testing.T) {
		out, err := lambda.NewFromConfig(c.config()).Invoke(t.Context(), &lambda.InvokeInput{FunctionName: &f.Name, Qualifier: aws.String("live"), Payload: []byte(`{"do":"env"}`)})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(out.Payload), "AWS_LAMBDA_FUNCTION_VERSION=1") || !strings.Contains(string(out.Payload), "[1]") {
			t.Errorf("its variables are %s", out.Payload)
		}
	})
	rule(t, "a version under an alias cannot be deleted", "Lambda §2", boto3, func(t *testing.T) {
		refused(t, py.fail(t, "lambda", "DeleteFunction", m{"FunctionName": f.Name, "Qualifier": "1"}), 409, "ResourceConflictException", "alias")
	})
	rule(t, "DeleteAlias succeeds when there is no such alias", "Lambda §3", boto3, func(t *testing.T) {
		if a := py.call(t, "lambda", "DeleteAlias", m{"FunctionName": f.Name, "Name": "never"}); a.Status != 204 {
			t.Errorf("the status is %d", a.Status)
		}
	})
}

func TestLambdaPermissions(t *testing.T) {
	c := shared(t)
	py, js := c.boto3(t), c.js(t)
	f := c.function(t, "permitted")
	add := func(change m) m {
		p := m{"FunctionName": f.Name, "StatementId": unique("sid"), "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com"}
		for k, v := range change {
			p[k] = v
		}
		return p
	}

	rule(t, "AddPermission answers with the statement, its members in AWS's order", "Lambda §4", boto3, func(t *testing.T) {
		source := "arn:aws:execute-api:us-east-1:111122223333:q7w2e9r4t1/*/user"
		a := py.call(t, "lambda", "AddPermission", add(m{"StatementId": "gw-user", "SourceArn": source}))
		want := `{"Sid":"gw-user","Effect":"Allow","Principal":{"Service":"apigateway.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"` + functionARN(f.Name) +
			`","Condition":{"ArnLike":{"AWS:SourceArn":"` + source + `"}}}`
		if a.str("Statement") != want || a.Status != 201 {
			t.Errorf("%d %s\nwant %s", a.Status, a.str("Statement"), want)
		}
		refused(t, py.fail(t, "lambda", "AddPermission", add(m{"StatementId": "gw-user"})), 409, "ResourceConflictException",
			"The statement id (gw-user) provided already exists. Please provide a new statement id, or remove the existing statement.")
	})
	rule(t, "an account as principal becomes its root, and SourceAccount a condition", "Lambda §4", jsSDK, func(t *testing.T) {
		a := js.call(t, "lambda", "AddPermission", add(m{"Principal": "444455556666"}))
		if !strings.Contains(a.str("Statement"), `"Principal":{"AWS":"arn:aws:iam::444455556666:root"}`) {
			t.Errorf("the statement is %s", a.str("Statement"))
		}
		a = js.call(t, "lambda", "AddPermission", add(m{"Principal": "s3.amazonaws.com", "SourceAccount": "111122223333"}))
		if !strings.Contains(a.str("Statement"), `"StringEquals":{"AWS:SourceAccount":"111122223333"}`) {
			t.Errorf("the statement is %s", a.str("Statement"))
		}
	})
	rule(t, "$LATEST takes no policy, and a principal that is none is refused", "Lambda §4", boto3, func(t *testing.T) {
		refused(t, py.fail(t, "lambda", "AddPermission", add(m{"Qualifier": "$LATEST"})), 400, "InvalidParameterValueException", "We currently do not support adding policies for $LATEST.")
		refused(t, py.fail(t, "lambda", "AddPermission", add(m{"Principal": "nonsense"})), 400, "InvalidParameterValueException", "The provided principal was invalid. Please check the principal and try again.")
	})
	rule(t, "a function without a policy is 404, in words of their own for reading and removing", "Lambda §4", boto3, func(t *testing.T) {
		name := unique("bare")
		py.call(t, "lambda", "CreateFunction", createParams(f, name, nil))
		refused(t, py.fail(t, "lambda", "GetPolicy", m{"FunctionName": name}), 404, "ResourceNotFoundException", "The resource you requested does not exist.")
		refused(t, py.fail(t, "lambda", "RemovePermission", m{"FunctionName": name, "StatementId": "x"}), 404, "ResourceNotFoundException", "No policy is associated with the given resource.")
	})
	rule(t, "GetPolicy gives a document with the id default, and RemovePermission takes one statement out of it", "Lambda §4", awsCLI, func(t *testing.T) {
		made := py.call(t, "lambda", "AddPermission", add(m{"StatementId": "goes"}))
		if made.Status != 201 {
			t.Fatal(made)
		}
		out, stderr, _ := c.aws(t, "lambda", "get-policy", "--function-name", f.Name, "--query", "Policy", "--output", "text")
		if !strings.HasPrefix(out, `{"Version":"2012-10-17","Id":"default","Statement":[`) || !strings.Contains(out, `"goes"`) {
			t.Errorf("got %s %s", out, stderr)
		}
		c.aws(t, "lambda", "remove-permission", "--function-name", f.Name, "--statement-id", "goes")
		refused(t, py.fail(t, "lambda", "RemovePermission", m{"FunctionName": f.Name, "StatementId": "goes"}), 404, "ResourceNotFoundException", "Statement goes is not found in resource policy.")
	})
	rule(t, "who creates a function needs iam:PassRole for its role, with lambda.amazonaws.com as the service it is passed to", "Lambda §2", boto3, func(t *testing.T) {
		key := c.user(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["lambda:*","s3:*"],"Resource":"*"},
			{"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{"StringEquals":{"iam:PassedToService":"ec2.amazonaws.com"}}}]}`)
		a := py.as(key[0], key[1], "").fail(t, "lambda", "CreateFunction", createParams(f, unique("refused"), nil))
		if a.Status != 403 || !strings.Contains(a.Message, "is not authorized to perform: iam:PassRole on resource: "+roleARN(f.Role)) {
			t.Errorf("got %d %s: %s", a.Status, a.Code, a.Message)
		}
	})
	rule(t, "an operation without permission is 403 and names principal, action and resource", "Lambda §1", jsSDK, func(t *testing.T) {
		key := c.user(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lambda:ListFunctions","Resource":"*"}]}`)
		a := js.as(key[0], key[1], "").fail(t, "lambda", "GetFunctionConfiguration", m{"FunctionName": f.Name})
		if a.Status != 403 || a.Code != "AccessDeniedException" || !strings.Contains(a.Message, "is not authorized to perform: lambda:GetFunctionConfiguration on resource: "+functionARN(f.Name)) {
			t.Errorf("got %d %s: %s", a.Status, a.Code, a.Message)
		}
	})
	rule(t, "policies can look at a function's tags", "IAM §3", boto3, func(t *testing.T) {
		name := unique("tagged")
		py.call(t, "lambda", "CreateFunction", createParams(f, name, m{"Tags": m{"team": "prices"}}))
		key := c.user(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lambda:*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"prices"}}}]}`)
		py.as(key[0], key[1], "").call(t, "lambda", "GetFunctionConfiguration", m{"FunctionName": name})
		if a := py.as(key[0], key[1], "").fail(t, "lambda", "GetFunctionConfiguration", m{"FunctionName": f.Name}); a.Status != 403 {
			t.Errorf("a function without the tag: %d", a.Status)
		}
	})
	rule(t, "active tracing needs a role that may send traces; then the trace is sampled and the log has an XRAY line", "Lambda §8", boto3, func(t *testing.T) {
		refused(t, py.fail(t, "lambda", "UpdateFunctionConfiguration", m{"FunctionName": f.Name, "TracingConfig": m{"Mode": "Active"}}), 400, "InvalidParameterValueException",
			"The provided execution role does not have permissions to call PutTraceSegments on XRAY")
		g := c.function(t, "traced", policy(strings.Replace(usual, `"logs:*"`, `"logs:*","xray:*"`, 1)), program(nodeBootstrap))
		py.call(t, "lambda", "UpdateFunctionConfiguration", m{"FunctionName": g.Name, "TracingConfig": m{"Mode": "Active"}})
		c.awaitFunction(t, g.Name)
		a := py.call(t, "lambda", "Invoke", m{"FunctionName": g.Name, "LogType": "Tail"})
		answers(t, a, "", `"lambda-runtime-trace-id":"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=1"`)
		if log := tail(t, a); !strings.Contains(log, "\nXRAY TraceId: 1-") || !strings.Contains(log, "\tSampled: true\t") {
			t.Errorf("the log is %s", log)
		}
	})
	rule(t, "the role of a function in a VPC must be allowed to manage network interfaces", "Lambda §9", boto3, func(t *testing.T) {
		role := unique("no-interfaces")
		py.call(t, "iam", "CreateRole", m{"RoleName": role, "AssumeRolePolicyDocument": trust})
		vpc := py.call(t, "ec2", "CreateVpc", m{"CidrBlock": "10.9.0.0/16"}).str("Vpc.VpcId")
		subnet := py.call(t, "ec2", "CreateSubnet", m{"VpcId": vpc, "CidrBlock": "10.9.1.0/24"}).str("Subnet.SubnetId")
		group := py.call(t, "ec2", "CreateSecurityGroup", m{"VpcId": vpc, "GroupName": "functions", "Description": "x"}).str("GroupId")
		a := py.fail(t, "lambda", "CreateFunction", createParams(f, unique("refused"), m{
			"Role": roleARN(role), "VpcConfig": m{"SubnetIds": []any{subnet}, "SecurityGroupIds": []any{group}},
		}))
		refused(t, a, 400, "InvalidParameterValueException", "The provided execution role does not have permissions to call CreateNetworkInterface on EC2")
	})
}
