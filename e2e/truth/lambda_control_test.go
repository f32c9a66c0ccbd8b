package truth

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// m is the parameters of a call.
type m = map[string]any

// createParams are those of a CreateFunction that succeeds, with some members replaced; a nil one is left out.
func createParams(f *function, name string, change m) m {
	p := m{
		"FunctionName": name, "Runtime": "provided.al2023", "Handler": "bootstrap", "Role": roleARN(f.Role),
		"Code": m{"S3Bucket": codeBucket, "S3Key": probeKey},
	}
	for k, v := range change {
		if p[k] = v; v == nil {
			delete(p, k)
		}
	}
	return p
}

func roleARN(name string) string { return "arn:aws:iam::111122223333:role/" + name }

func functionARN(name string) string {
	return "arn:aws:lambda:us-east-1:111122223333:function:" + name
}

// refused checks the code and a part of the text of a refusal.
func refused(t *testing.T, a answer, status int, code, text string) {
	t.Helper()
	if a.Status != status || a.Code != code || !strings.Contains(a.Message, text) {
		t.Errorf("got %d %s: %s\nwant %d %s: …%s…", a.Status, a.Code, a.Message, status, code, text)
	}
}

// want checks a value of an answer.
func want(t *testing.T, a answer, path, value string) {
	t.Helper()
	if got := a.str(path); got != value {
		t.Errorf("%s is %q, want %q", path, got, value)
	}
}

func TestLambdaFunctions(t *testing.T) {
	c := shared(t)
	f := c.function(t, "control")
	py, js := c.boto3(t), c.js(t)
	create := func(t *testing.T, change m) answer {
		return py.fail(t, "lambda", "CreateFunction", createParams(f, unique("refused"), change))
	}

	rule(t, "CreateFunction answers 201 with the state Pending and no LastUpdateStatus", "Lambda §2", boto3, func(t *testing.T) {
		a := py.call(t, "lambda", "CreateFunction", createParams(f, unique("new"), nil))
		want(t, a, "State", "Pending")
		want(t, a, "StateReasonCode", "Creating")
		want(t, a, "LastUpdateStatus", "")
		if a.Status != 201 {
			t.Errorf("the status is %d", a.Status)
		}
	})
	rule(t, "CreateFunction fills in AWS's defaults: 3 s, 128 MB, 512 MB of /tmp, x86_64, PassThrough, Text", "Lambda §2", jsSDK, func(t *testing.T) {
		name := unique("defaults")
		a := js.call(t, "lambda", "CreateFunction", createParams(f, name, nil))
		for path, value := range map[string]string{
			"Timeout": "3", "MemorySize": "128", "EphemeralStorage.Size": "512", "Architectures.0": "x86_64", "TracingConfig.Mode": "PassThrough",
			"LoggingConfig.LogFormat": "Text", "LoggingConfig.LogGroup": "/aws/lambda/" + name, "PackageType": "Zip", "Version": "$LATEST",
			"SnapStart.ApplyOn": "None", "FunctionArn": functionARN(name), "Description": "",
		} {
			want(t, a, path, value)
		}
	})
	rule(t, "LastModified has milliseconds and +0000 without a colon", "Lambda §2", boto3, func(t *testing.T) {
		a := py.call(t, "lambda", "GetFunctionConfiguration", m{"FunctionName": f.Name})
		if !regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000$`).MatchString(a.str("LastModified")) {
			t.Errorf("LastModified is %s", a.str("LastModified"))
		}
	})
	rule(t, "a function that is active says Successful and gives no reason", "Lambda §2", jsSDK, func(t *testing.T) {
		a := js.call(t, "lambda", "GetFunction", m{"FunctionName": f.Name})
		want(t, a, "Configuration.State", "Active")
		want(t, a, "Configuration.LastUpdateStatus", "Successful")
		want(t, a, "Configuration.StateReason", "")
	})
	rule(t, "GetFunction gives an address that gives the zip without a signature", "Lambda §2", boto3, func(t *testing.T) {
		a := py.call(t, "lambda", "GetFunction", m{"FunctionName": f.Name})
		resp, err := http.Get(a.str("Code.Location"))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		zip, _ := io.ReadAll(resp.Body)
		if !bytes.Equal(zip, probeZip) {
			t.Errorf("%d: %d bytes, want the %d of the zip", resp.StatusCode, len(zip), len(probeZip))
		}
		if resp, err := http.Get(strings.Replace(a.str("Code.Location"), "Signature=", "Signature=0", 1)); err != nil || resp.StatusCode != 403 {
			t.Errorf("with another signature: %v, %v", resp, err)
		}
	})
	rule(t, "a function that exists already is 409", "Lambda §2", boto3, func(t *testing.T) {
		a := py.fail(t, "lambda", "CreateFunction", createParams(f, f.Name, nil))
		refused(t, a, 409, "ResourceConflictException", "Function already exist: "+f.Name)
	})
	rule(t, "a role with a malformed ARN is a ValidationException that names the value and the pattern", "Lambda §1", boto3, func(t *testing.T) {
		refused(t, create(t, m{"Role": "r1"}), 400, "ValidationException",
			"1 validation error detected: Value 'r1' at 'role' failed to satisfy constraint: Member must satisfy regular expression pattern: ")
	})
	rule(t, "a role that does not trust Lambda cannot be used", "Lambda §2", boto3, func(t *testing.T) {
		name := unique("untrusting")
		py.call(t, "iam", "CreateRole", m{"RoleName": name, "AssumeRolePolicyDocument": strings.Replace(trust, "lambda.", "ec2.", 1)})
		refused(t, create(t, m{"Role": roleARN(name)}), 400, "InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda.")
	})
	rule(t, "a bucket or an object that is not there is named as S3 names it", "Lambda §2", jsSDK, func(t *testing.T) {
		a := js.fail(t, "lambda", "CreateFunction", createParams(f, unique("refused"), m{"Code": m{"S3Bucket": codeBucket, "S3Key": "none.zip"}}))
		refused(t, a, 400, "InvalidParameterValueException", "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.")
		a = js.fail(t, "lambda", "CreateFunction", createParams(f, unique("refused"), m{"Code": m{"S3Bucket": "no-such-bucket", "S3Key": "none.zip"}}))
		refused(t, a, 400, "InvalidParameterValueException", "S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket does not exist")
	})
	rule(t, "bytes that are no zip could not be unzipped", "Lambda §2", boto3, func(t *testing.T) {
		refused(t, create(t, m{"Code": m{"ZipFile": []byte("no zip")}}), 400, "InvalidParameterValueException",
			"Could not unzip uploaded file. Please check your file, then try to upload again.")
	})
	rule(t, "a zip of more than 50 MB in the request is 413", "Lambda §2", goSDK, func(t *testing.T) {
		status, text := c.raw(t, "POST", "/2015-03-31/functions", string(encode(t, createParams(f, unique("refused"), m{"Code": m{"ZipFile": make([]byte, 52428801)}}))))
		if status != 413 || !strings.Contains(text, "Zipped size must be smaller than 52428800 bytes") {
			t.Errorf("%d %s", status, text)
		}
	})
	rule(t, "an unknown runtime is refused with the list of those that there are", "Lambda §2", boto3, func(t *testing.T) {
		refused(t, create(t, m{"Runtime": "cobol"}), 400, "InvalidParameterValueException", "Value cobol at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [")
	})
	difference(t, "managed runtimes such as python3.13 are refused by their name", "Lambda §2", boto3, "functions bring a bootstrap", func(t *testing.T) {
		refused(t, create(t, m{"Runtime": "python3.13"}), 400, "InvalidParameterValueException", "does not have python3.13")
	})
	difference(t, "functions of the package type Image are refused by name", "Lambda §2", boto3, "there are no container images", func(t *testing.T) {
		refused(t, create(t, m{"PackageType": "Image", "Runtime": nil, "Handler": nil, "Code": m{"ImageUri": "x"}}), 400, "InvalidParameterValueException", "PackageType")
	})
	difference(t, "file systems and dead-letter queues are refused by name", "Lambda §2", boto3, "there is no EFS, SQS or SNS", func(t *testing.T) {
		refused(t, create(t, m{"DeadLetterConfig": m{"TargetArn": "arn:aws:sqs:us-east-1:111122223333:q"}}), 400, "InvalidParameterValueException", "DeadLetterConfig")
		refused(t, create(t, m{"FileSystemConfigs": []any{m{"Arn": "arn:aws:elasticfilesystem:us-east-1:111122223333:access-point/fsap-12345678901234567", "LocalMountPath": "/mnt/x"}}}), 400,
			"InvalidParameterValueException", "FileSystemConfigs")
	})
	rule(t, "timeout, memory and /tmp have AWS's bounds", "Lambda §2", boto3, func(t *testing.T) {
		refused(t, create(t, m{"Timeout": 901}), 400, "ValidationException", "'timeout' failed to satisfy constraint: Member must have value less than or equal to 900")
		refused(t, create(t, m{"Timeout": 0}), 400, "ValidationException", "'timeout' failed to satisfy constraint: Member must have value greater than or equal to 1")
		refused(t, create(t, m{"MemorySize": 127}), 400, "ValidationException", "'memorySize' failed to satisfy constraint: Member must have value greater than or equal to 128")
		refused(t, create(t, m{"MemorySize": 10241}), 400, "ValidationException", "Member must have value less than or equal to 10240")
		refused(t, create(t, m{"EphemeralStorage": m{"Size": 511}}), 400, "ValidationException", "ephemeralStorage.size")
	})
	rule(t, "reserved variables are refused with their names", "Lambda §2", boto3, func(t *testing.T) {
		refused(t, create(t, m{"Environment": m{"Variables": m{"AWS_REGION": "x", "OK": "y"}}}), 400, "InvalidParameterValueException", "Reserved keys used in this request: AWS_REGION")
	})
	rule(t, "variables of more than 4 KB together are refused with what was measured", "Lambda §2", jsSDK, func(t *testing.T) {
		a := js.fail(t, "lambda", "CreateFunction", createParams(f, unique("refused"), m{"Environment": m{"Variables": m{"LONG": strings.Repeat("x", 4096)}}}))
		refused(t, a, 400, "InvalidParameterValueException", "exceeded the 4KB limit. String measured: {")
	})
	rule(t, "a subnet that is not there is named as EC2 names it", "Lambda §2", boto3, func(t *testing.T) {
		refused(t, create(t, m{"VpcConfig": m{"SubnetIds": []any{"subnet-0123456789abcdef0"}, "SecurityGroupIds": []any{"sg-0123456789abcdef0"}}}), 400, "InvalidParameterValueException",
			"Error occurred while DescribeSubnets. EC2 Error Code: InvalidSubnetID.NotFound. EC2 Error Message: The subnet ID 'subnet-0123456789abcdef0' does not exist")
	})
	rule(t, "names are a name, a partial ARN or an ARN, each with a qualifier or without", "Lambda §1", awsCLI, func(t *testing.T) {
		for _, name := range []string{f.Name, f.Name + ":$LATEST", "111122223333:function:" + f.Name, functionARN(f.Name), functionARN(f.Name) + ":$LATEST"} {
			out, stderr, status := c.aws(t, "lambda", "get-function-configuration", "--function-name", name, "--query", "FunctionName", "--output", "text")
			if status != 0 || strings.TrimSpace(out) != f.Name {
				t.Errorf("%s: %s %s", name, out, stderr)
			}
		}
	})
	rule(t, "a qualifier in the name and another beside it is refused", "Lambda §1", boto3, func(t *testing.T) {
		a := py.fail(t, "lambda", "GetFunction", m{"FunctionName": f.Name + ":1", "Qualifier": "2"})
		refused(t, a, 400, "InvalidParameterValueException", "The derived qualifier from the function name does not match the specified qualifier.")
	})
	rule(t, "an ARN of another region is 404 and says which region this is", "Lambda §1", boto3, func(t *testing.T) {
		a := py.fail(t, "lambda", "GetFunction", m{"FunctionName": strings.Replace(functionARN(f.Name), "us-east-1", "eu-west-1", 1)})
		refused(t, a, 404, "ResourceNotFoundException", "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')")
	})
	rule(t, "a missing function is 404 with its ARN, in a member spelled Message", "Lambda §1", httpClient, func(t *testing.T) {
		status, text := c.raw(t, "GET", "/2015-03-31/functions/nobody", "")
		if want := `{"Message":"Function not found: ` + functionARN("nobody") + `","Type":"User"}`; status != 404 || text != want {
			t.Errorf("%d %s, want %s", status, text, want)
		}
	})
	rule(t, "other exceptions spell the member message", "Lambda §1", httpClient, func(t *testing.T) {
		if _, text := c.raw(t, "GET", "/2015-03-31/functions/"+f.Name+":1?Qualifier=2", ""); !strings.Contains(text, `"message":"The derived`) || !strings.Contains(text, `"Type":"User"`) {
			t.Errorf("got %s", text)
		}
	})
	rule(t, "UpdateFunctionConfiguration answers InProgress and changes only what it is given", "Lambda §2", jsSDK, func(t *testing.T) {
		name := unique("updated")
		js.call(t, "lambda", "CreateFunction", createParams(f, name, m{"Description": "kept", "Environment": m{"Variables": m{"AB": "b"}}}))
		c.awaitFunction(t, name)
		a := js.call(t, "lambda", "UpdateFunctionConfiguration", m{"FunctionName": name, "Timeout": 7})
		want(t, a, "LastUpdateStatus", "InProgress")
		want(t, a, "State", "Active")
		want(t, a, "Timeout", "7")
		want(t, a, "Description", "kept")
		want(t, a, "Environment.Variables.AB", "b")
		c.awaitFunction(t, name)
		a = js.call(t, "lambda", "UpdateFunctionConfiguration", m{"FunctionName": name, "Environment": m{"Variables": m{}}})
		if a.get("Environment") != nil {
			t.Errorf("an empty environment is %v, want none", a.get("Environment"))
		}
	})
	rule(t, "a stale RevisionId is 412", "Lambda §2", boto3, func(t *testing.T) {
		a := py.fail(t, "lambda", "UpdateFunctionConfiguration", m{"FunctionName": f.Name, "Timeout": 10, "RevisionId": "00000000-0000-0000-0000-000000000000"})
		refused(t, a, 412, "PreconditionFailedException", "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")
	})
	rule(t, "a dry run of UpdateFunctionCode changes nothing", "Lambda §2", boto3, func(t *testing.T) {
		before := py.call(t, "lambda", "GetFunctionConfiguration", m{"FunctionName": f.Name})
		code, err := zipOf("bootstrap", []byte("#!/bin/sh\n"))
		if err != nil {
			t.Fatal(err)
		}
		dry := py.call(t, "lambda", "UpdateFunctionCode", m{"FunctionName": f.Name, "ZipFile": code, "DryRun": true})
		after := py.call(t, "lambda", "GetFunctionConfiguration", m{"FunctionName": f.Name})
		if dry.str("CodeSha256") == before.str("CodeSha256") || after.str("CodeSha256") != before.str("CodeSha256") || after.str("RevisionId") != before.str("RevisionId") {
			t.Errorf("before %s, dry %s, after %s", before.str("CodeSha256"), dry.str("CodeSha256"), after.str("CodeSha256"))
		}
	})
	rule(t, "ListFunctions pages by Marker and MaxItems, and its items tell no state", "Lambda §1", boto3, func(t *testing.T) {
		seen, marker := 0, ""
		for {
			p := m{"MaxItems": 2}
			if marker != "" {
				p["Marker"] = marker
			}
			a := py.call(t, "lambda", "ListFunctions", p)
			for _, item := range a.list("Functions") {
				if item.(m)["State"] != nil {
					t.Errorf("an item has a state: %v", item)
				}
				if item.(m)["FunctionName"] == f.Name {
					seen++
				}
			}
			if n := len(a.list("Functions")); n > 2 {
				t.Fatalf("a page has %d functions", n)
			}
			if marker = a.str("NextMarker"); marker == "" {
				break
			}
		}
		if seen != 1 {
			t.Errorf("the function is listed %d times", seen)
		}
	})
	rule(t, "tags come back with GetFunction and ListTags, and go with UntagResource", "Lambda §1", awsCLI, func(t *testing.T) {
		name := unique("tagged")
		py.call(t, "lambda", "CreateFunction", createParams(f, name, m{"Tags": m{"team": "prices"}}))
		if _, stderr, status := c.aws(t, "lambda", "tag-resource", "--resource", functionARN(name), "--tags", "stage=test"); status != 0 {
			t.Fatal(stderr)
		}
		want(t, py.call(t, "lambda", "GetFunction", m{"FunctionName": name}), "Tags.stage", "test")
		if _, stderr, status := c.aws(t, "lambda", "untag-resource", "--resource", functionARN(name), "--tag-keys", "team"); status != 0 {
			t.Fatal(stderr)
		}
		a := py.call(t, "lambda", "ListTags", m{"Resource": functionARN(name)})
		if a.get("Tags.team") != nil || a.str("Tags.stage") != "test" {
			t.Errorf("the tags are %v", a.get("Tags"))
		}
	})
	rule(t, "DeleteFunction answers 204 and takes versions, aliases and policy with it", "Lambda §2", awsCLI, func(t *testing.T) {
		name := unique("deleted")
		py.call(t, "lambda", "CreateFunction", createParams(f, name, m{"Publish": true}))
		c.awaitFunction(t, name)
		py.call(t, "lambda", "CreateAlias", m{"FunctionName": name, "Name": "live", "FunctionVersion": "1"})
		if _, stderr, status := c.aws(t, "lambda", "delete-function", "--function-name", name); status != 0 {
			t.Fatal(stderr)
		}
		for _, call := range []string{"GetFunction", "ListAliases", "ListVersionsByFunction", "GetPolicy", "DeleteFunction"} {
			refused(t, py.fail(t, "lambda", call, m{"FunctionName": name}), 404, "ResourceNotFoundException", name)
		}
	})
	rule(t, "$LATEST cannot be deleted by itself", "Lambda §2", boto3, func(t *testing.T) {
		refused(t, py.fail(t, "lambda", "DeleteFunction", m{"FunctionName": f.Name, "Qualifier": "$LATEST"}), 400, "InvalidParameterValueException",
			"$LATEST version cannot be deleted without deleting the function.")
	})
	rule(t, "GetAccountSettings tells the limits and what is left of the concurrency", "Lambda §1", jsSDK, func(t *testing.T) {
		a := js.call(t, "lambda", "GetAccountSettings", m{})
		want(t, a, "AccountLimit.ConcurrentExecutions", "1000")
		if a.num("AccountLimit.CodeSizeUnzipped") != 262144000 || a.num("AccountLimit.CodeSizeZipped") != 52428800 {
			t.Errorf("the limits are %v", a.get("AccountLimit"))
		}
	})
	rule(t, "PutRuntimeManagementConfig and PutFunctionRecursionConfig are kept and read back", "API Reference: PutRuntimeManagementConfig", boto3, func(t *testing.T) {
		want(t, py.call(t, "lambda", "GetRuntimeManagementConfig", m{"FunctionName": f.Name}), "UpdateRuntimeOn", "Auto")
		py.call(t, "lambda", "PutRuntimeManagementConfig", m{"FunctionName": f.Name, "UpdateRuntimeOn": "FunctionUpdate"})
		want(t, py.call(t, "lambda", "GetRuntimeManagementConfig", m{"FunctionName": f.Name}), "UpdateRuntimeOn", "FunctionUpdate")
		want(t, py.call(t, "lambda", "GetFunctionRecursionConfig", m{"FunctionName": f.Name}), "RecursiveLoop", "Terminate")
		py.call(t, "lambda", "PutFunctionRecursionConfig", m{"FunctionName": f.Name, "RecursiveLoop": "Allow"})
		want(t, py.call(t, "lambda", "GetFunctionRecursionConfig", m{"FunctionName": f.Name}), "RecursiveLoop", "Allow")
	})
	difference(t, "provisioned concurrency is refused by name, and there is none to read", "Lambda §1", boto3, "environments start on demand", func(t *testing.T) {
		a := py.fail(t, "lambda", "PutProvisionedConcurrencyConfig", m{"FunctionName": f.Name, "Qualifier": "1", "ProvisionedConcurrentExecutions": 1})
		refused(t, a, 404, "UnknownOperationException", "PutProvisionedConcurrencyConfig")
		refused(t, py.fail(t, "lambda", "GetProvisionedConcurrencyConfig", m{"FunctionName": f.Name, "Qualifier": "$LATEST"}), 404, "ProvisionedConcurrencyConfigNotFoundException", "No Provisioned Concurrency Config found")
	})
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
