package lambda

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func TestCreateAnswersPendingAndTheFunctionBecomesActive(t *testing.T) {
	t.Parallel()
	c := start(t)
	role := c.role(t, "watch-role", mayLog)
	out, err := c.client.CreateFunction(t.Context(), &awslambda.CreateFunctionInput{
		FunctionName: aws.String("watch"), Runtime: types.RuntimeProvidedal2023, Handler: aws.String("bootstrap"), Role: &role,
		Code:        &types.FunctionCode{S3Bucket: aws.String("code"), S3Key: aws.String("watch.zip")},
		Environment: &types.Environment{Variables: map[string]string{"TABLE": "watchers"}}, Tags: map[string]string{"app": "stock"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if out.State != types.StatePending || out.StateReasonCode != types.StateReasonCodeCreating || out.LastUpdateStatus != "" ||
		*out.MemorySize != 128 || *out.Timeout != 3 || *out.Version != "$LATEST" || *out.FunctionArn != "arn:aws:lambda:us-east-1:111122223333:function:watch" ||
		out.CodeSize != int64(len(binaries["library"])) || *out.LoggingConfig.LogGroup != "/aws/lambda/watch" || out.EphemeralStorage == nil || *out.EphemeralStorage.Size != 512 {
		t.Errorf("CreateFunction answered %+v", out)
	}
	if !regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000$`).MatchString(*out.LastModified) {
		t.Errorf("LastModified is %s", *out.LastModified)
	}
	c.active(t, "watch")
	got, err := c.client.GetFunction(t.Context(), &awslambda.GetFunctionInput{FunctionName: out.FunctionArn})
	if err != nil {
		t.Fatal(err)
	}
	if got.Configuration.State != types.StateActive || got.Configuration.StateReason != nil || got.Configuration.LastUpdateStatus != types.LastUpdateStatusSuccessful || got.Tags["app"] != "stock" || got.Concurrency != nil {
		t.Errorf("GetFunction answers %+v", got)
	}
	list, err := c.client.ListFunctions(t.Context(), &awslambda.ListFunctionsInput{})
	if err != nil || len(list.Functions) != 1 || list.Functions[0].State != "" || list.NextMarker != nil {
		t.Errorf("ListFunctions answers %+v, %v", list, err)
	}
	_, err = c.client.CreateFunction(t.Context(), &awslambda.CreateFunctionInput{FunctionName: aws.String("watch"), Runtime: types.RuntimeProvidedal2023,
		Handler: aws.String("bootstrap"), Role: &role, Code: &types.FunctionCode{ZipFile: binaries["raw"]}})
	wantError(t, err, "ResourceConflictException", "Function already exist: watch")
}

func TestCreateRefusesWhatCannotBe(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.role(t, "watch-role", mayLog)
	for name, test := range map[string]struct {
		edit       func(*awslambda.CreateFunctionInput)
		code, text string
	}{
		"role":     {func(in *awslambda.CreateFunctionInput) { in.Role = aws.String("r1") }, "ValidationException", "1 validation error detected: Value 'r1' at 'role' failed to satisfy constraint"},
		"no role":  {func(in *awslambda.CreateFunctionInput) { in.Role = aws.String("arn:aws:iam::111122223333:role/other") }, "InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda."},
		"runtime":  {func(in *awslambda.CreateFunctionInput) { in.Runtime = types.RuntimePython312 }, "InvalidParameterValueException", "the embedded cloud does not have python3.12"},
		"timeout":  {timeout(901), "ValidationException", "less than or equal to 900"},
		"reserved": {env("AWS_REGION", "x"), "InvalidParameterValueException", "Reserved keys used in this request: AWS_REGION"},
		"4 KB":     {env("A1", strings.Repeat("x", 4096)), "InvalidParameterValueException", "exceeded the 4KB limit"},
		"zip":      {func(in *awslambda.CreateFunctionInput) { in.Code.ZipFile = []byte("no zip") }, "InvalidParameterValueException", "Could not unzip uploaded file. Please check your file, then try to upload again."},
		"key": {func(in *awslambda.CreateFunctionInput) {
			in.Code = &types.FunctionCode{S3Bucket: aws.String("code"), S3Key: aws.String("x")}
		}, "InvalidParameterValueException", "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist."},
		"layers": {func(in *awslambda.CreateFunctionInput) { in.Layers = []string{"arn"} }, "ValidationException", "'layers'"},
		"subnet": {func(in *awslambda.CreateFunctionInput) {
			in.VpcConfig = &types.VpcConfig{SubnetIds: []string{"subnet-0"}, SecurityGroupIds: []string{"sg-1"}}
		}, "InvalidParameterValueException", "Error occurred while DescribeSubnets. EC2 Error Code: InvalidSubnetID.NotFound. EC2 Error Message: The subnet ID 'subnet-0' does not exist"},
		"interfaces": {func(in *awslambda.CreateFunctionInput) {
			in.VpcConfig = &types.VpcConfig{SubnetIds: []string{"subnet-1"}, SecurityGroupIds: []string{"sg-1"}}
		}, "InvalidParameterValueException", "The provided execution role does not have permissions to call CreateNetworkInterface on EC2"},
		"bomb": {func(in *awslambda.CreateFunctionInput) {
			in.Code.ZipFile = claiming(zipOf(file{"bootstrap", 0o755, "x"}), maxUnzipped+1)
		}, "InvalidParameterValueException", "Unzipped size must be smaller than 262144000 bytes"},
	} {
		in := &awslambda.CreateFunctionInput{
			FunctionName: aws.String("watch"), Runtime: types.RuntimeProvidedal2023, Handler: aws.String("bootstrap"), Role: aws.String(roleARN),
			Code: &types.FunctionCode{ZipFile: binaries["raw"]},
		}
		test.edit(in)
		_, err := c.client.CreateFunction(t.Context(), in)
		if t.Run(name, func(t *testing.T) { wantError(t, err, test.code, test.text) }); c.catalog.get("watch") != nil {
			t.Fatalf("%s: the function was created", name)
		}
	}
}

func TestVersionsAndAliases(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.function(t, "library", env("BUILD", "one"))
	name := aws.String("watch")
	publish := func() string {
		t.Helper()
		out, err := c.client.PublishVersion(t.Context(), &awslambda.PublishVersionInput{FunctionName: name})
		if err != nil {
			t.Fatal(err)
		}
		if want := "arn:aws:lambda:us-east-1:111122223333:function:watch:" + *out.Version; *out.FunctionArn != want {
			t.Errorf("the version's ARN is %s, want %s", *out.FunctionArn, want)
		}
		return *out.Version
	}
	if a, b := publish(), publish(); a != "1" || b != "1" {
		t.Errorf("published %s and, with nothing changed, %s; want 1 and 1", a, b)
	}
	if _, err := c.client.UpdateFunctionConfiguration(t.Context(), &awslambda.UpdateFunctionConfigurationInput{FunctionName: name,
		Environment: &types.Environment{Variables: map[string]string{"BUILD": "two"}}}); err != nil {
		t.Fatal(err)
	}
	c.active(t, "watch")
	if v := publish(); v != "2" {
		t.Errorf("published %s, want 2", v)
	}
	alias, err := c.client.CreateAlias(t.Context(), &awslambda.CreateAliasInput{FunctionName: name, Name: aws.String("live"), FunctionVersion: aws.String("1")})
	if err != nil || *alias.AliasArn != "arn:aws:lambda:us-east-1:111122223333:function:watch:live" {
		t.Fatalf("%+v, %v", alias, err)
	}
	if i := c.info(t, "watch:live"); i.Build != "one" || i.Version != "1" || i.ARN != *alias.AliasArn {
		t.Errorf("through the alias: %+v", i)
	}
	if i := c.info(t, "watch:2"); i.Build != "two" || i.Version != "2" {
		t.Errorf("the second version: %+v", i)
	}
	update := func(weights map[string]float64) error {
		_, err := c.client.UpdateAlias(t.Context(), &awslambda.UpdateAliasInput{FunctionName: name, Name: aws.String("live"),
			RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: weights}})
		return err
	}
	wantError(t, update(map[string]float64{"1": 0.5}), "InvalidParameterValueException", "already included")
	wantError(t, update(map[string]float64{"7": 0.5}), "ResourceNotFoundException", "function:watch:7")
	wantError(t, update(map[string]float64{"2": 0.5, "1": 0.1}), "InvalidParameterValueException", "cannot be greater than 1")
	if err := update(map[string]float64{"2": 1}); err != nil {
		t.Fatal(err)
	}
	if i := c.info(t, "watch:live"); i.Build != "two" || i.ARN != *alias.AliasArn {
		t.Errorf("with all weight on version 2: %+v", i)
	}
	if err := update(map[string]float64{}); err != nil {
		t.Fatal(err)
	}
	if got, err := c.client.GetAlias(t.Context(), &awslambda.GetAliasInput{FunctionName: name, Name: aws.String("live")}); err != nil || got.RoutingConfig != nil {
		t.Errorf("after the weights were cleared: %+v, %v", got, err)
	}
	_, err = c.client.DeleteFunction(t.Context(), &awslambda.DeleteFunctionInput{FunctionName: name, Qualifier: aws.String("1")})
	wantError(t, err, "ResourceConflictException", "live")
	_, err = c.client.GetAlias(t.Context(), &awslambda.GetAliasInput{FunctionName: name, Name: aws.String("dead")})
	wantError(t, err, "ResourceNotFoundException", "Cannot find alias arn: arn:aws:lambda:us-east-1:111122223333:function:watch:dead")
	for range 2 {
		if _, err := c.client.DeleteAlias(t.Context(), &awslambda.DeleteAliasInput{FunctionName: name, Name: aws.String("live")}); err != nil {
			t.Error(err)
		}
	}
	if _, err := c.client.DeleteFunction(t.Context(), &awslambda.DeleteFunctionInput{FunctionName: name, Qualifier: aws.String("1")}); err != nil {
		t.Error(err)
	}
	list, err := c.client.ListVersionsByFunction(t.Context(), &awslambda.ListVersionsByFunctionInput{FunctionName: name})
	if err != nil || len(list.Versions) != 2 || *list.Versions[0].Version != "$LATEST" || *list.Versions[1].Version != "2" {
		t.Errorf("%+v, %v; want $LATEST and 2", list, err)
	}
}

func TestAliasDividesByWeight(t *testing.T) {
	a := alias{FunctionVersion: "3", RoutingConfig: &routing{map[string]float64{"4": 0.2}}}
	for roll, want := range map[float64]string{0: "4", 0.19: "4", 0.2: "3", 0.99: "3"} {
		if got := a.pick(roll); got != want {
			t.Errorf("pick(%v) = %s, want %s", roll, got, want)
		}
	}
}

func TestResourcePolicy(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.function(t, "raw")
	name := aws.String("watch")
	add := func(sid, principal string) (*awslambda.AddPermissionOutput, error) {
		return c.client.AddPermission(t.Context(), &awslambda.AddPermissionInput{FunctionName: name, StatementId: &sid, Action: aws.String("lambda:InvokeFunction"),
			Principal: &principal, SourceArn: aws.String("arn:aws:execute-api:us-east-1:111122223333:q7w2e9r4t1/*/user")})
	}
	_, err := c.client.GetPolicy(t.Context(), &awslambda.GetPolicyInput{FunctionName: name})
	wantError(t, err, "ResourceNotFoundException", "The resource you requested does not exist.")
	out, err := add("gw-user", "apigateway.amazonaws.com")
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"Sid":"gw-user","Effect":"Allow","Principal":{"Service":"apigateway.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:111122223333:function:watch","Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:execute-api:us-east-1:111122223333:q7w2e9r4t1/*/user"}}}`
	if *out.Statement != want {
		t.Errorf("statement\n%s, want\n%s", *out.Statement, want)
	}
	_, err = add("gw-user", "apigateway.amazonaws.com")
	wantError(t, err, "ResourceConflictException", "The statement id (gw-user) provided already exists. Please provide a new statement id, or remove the existing statement.")
	_, err = add("x", "nobody in particular")
	wantError(t, err, "InvalidParameterValueException", "The provided principal was invalid.")
	if _, err := add("account", "444455556666"); err != nil {
		t.Error(err)
	}
	got, err := c.client.GetPolicy(t.Context(), &awslambda.GetPolicyInput{FunctionName: name})
	if err != nil || !strings.HasPrefix(*got.Policy, `{"Version":"2012-10-17","Id":"default","Statement":[`+want+`,{"Sid":"account","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:root"}`) {
		t.Errorf("the policy is %v, %v", got, err)
	}
	_, err = c.client.RemovePermission(t.Context(), &awslambda.RemovePermissionInput{FunctionName: name, StatementId: aws.String("y")})
	wantError(t, err, "ResourceNotFoundException", "Statement y is not found in resource policy.")
	_, err = c.client.RemovePermission(t.Context(), &awslambda.RemovePermissionInput{FunctionName: name, StatementId: aws.String("account"), RevisionId: aws.String("stale")})
	wantError(t, err, "PreconditionFailedException", "The Revision Id provided does not match")
	for _, sid := range []string{"account", "gw-user"} {
		if _, err := c.client.RemovePermission(t.Context(), &awslambda.RemovePermissionInput{FunctionName: name, StatementId: &sid, RevisionId: nil}); err != nil {
			t.Error(err)
		}
	}
	_, err = c.client.RemovePermission(t.Context(), &awslambda.RemovePermissionInput{FunctionName: name, StatementId: aws.String("y")})
	wantError(t, err, "ResourceNotFoundException", "No policy is associated with the given resource.")
	_, err = c.client.AddPermission(t.Context(), &awslambda.AddPermissionInput{FunctionName: name, Qualifier: aws.String("$LATEST"), StatementId: aws.String("z"), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("*")})
	wantError(t, err, "InvalidParameterValueException", "We currently do not support adding policies for $LATEST.")
}

func TestTagsConcurrencyAndEventsOfAFunction(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.function(t, "raw")
	arn := aws.String("arn:aws:lambda:us-east-1:111122223333:function:watch")
	if _, err := c.client.TagResource(t.Context(), &awslambda.TagResourceInput{Resource: arn, Tags: map[string]string{"a": "1", "b": "2"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.client.UntagResource(t.Context(), &awslambda.UntagResourceInput{Resource: arn, TagKeys: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	tags, err := c.client.ListTags(t.Context(), &awslambda.ListTagsInput{Resource: arn})
	if err != nil || len(tags.Tags) != 1 || tags.Tags["b"] != "2" {
		t.Errorf("tags %v, %v", tags, err)
	}
	if _, err := c.client.PutFunctionConcurrency(t.Context(), &awslambda.PutFunctionConcurrencyInput{FunctionName: aws.String("watch"), ReservedConcurrentExecutions: aws.Int32(5)}); err != nil {
		t.Fatal(err)
	}
	settings, err := c.client.GetAccountSettings(t.Context(), &awslambda.GetAccountSettingsInput{})
	if err != nil || *settings.AccountLimit.UnreservedConcurrentExecutions != 995 || settings.AccountUsage.FunctionCount != 1 {
		t.Errorf("account settings %+v, %v", settings, err)
	}
	if _, err := c.client.DeleteFunctionConcurrency(t.Context(), &awslambda.DeleteFunctionConcurrencyInput{FunctionName: aws.String("watch")}); err != nil {
		t.Fatal(err)
	}
	put, err := c.client.PutFunctionEventInvokeConfig(t.Context(), &awslambda.PutFunctionEventInvokeConfigInput{FunctionName: aws.String("watch"), MaximumRetryAttempts: aws.Int32(0)})
	if err != nil || *put.MaximumRetryAttempts != 0 {
		t.Errorf("event invoke config %+v, %v", put, err)
	}
}

func TestDeletedFunctionIsGone(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.function(t, "library")
	i := c.info(t, "watch")
	if _, err := c.client.DeleteFunction(t.Context(), &awslambda.DeleteFunctionInput{FunctionName: aws.String("watch")}); err != nil {
		t.Fatal(err)
	}
	waitGone(t, i.Pid)
	_, err := c.client.GetFunction(t.Context(), &awslambda.GetFunctionInput{FunctionName: aws.String("watch")})
	wantError(t, err, "ResourceNotFoundException", "Function not found: arn:aws:lambda:us-east-1:111122223333:function:watch")
	_, err = c.client.DeleteFunction(t.Context(), &awslambda.DeleteFunctionInput{FunctionName: aws.String("watch")})
	wantError(t, err, "ResourceNotFoundException", "Function not found")
	c.function(t, "library")
	if i := c.info(t, "watch"); i.Calls != 1 {
		t.Errorf("a function of the same name answers %+v", i)
	}
}

func TestEveryOperationNeedsItsPermission(t *testing.T) {
	t.Parallel()
	c := start(t)
	nobody := c.user(t, "nobody", "")
	value, err := nobody.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range operations {
		path := c.url + strings.Replace(strings.Replace(strings.Replace(op.path, "/versions/*", "/versions/1", 1), "/tags/*", "/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A111122223333%3Afunction%3Awatch", 1), "*", "watch", -1)
		body := ""
		if op.name == "CreateFunction" {
			body = `{"FunctionName":"watch"}`
		}
		status, text := send(t, value, op.method, path, body)
		if status != http.StatusForbidden || !strings.Contains(text, "lambda:"+op.name) {
			t.Errorf("%s %s without permission: %d %s; want 403 naming lambda:%s", op.method, op.path, status, text, op.name)
		}
	}
}

func TestUnknownOperationSaysItsName(t *testing.T) {
	t.Parallel()
	c := start(t)
	status, text := send(t, aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, "GET", c.url+"/2014-11-13/functions", "")
	if status != http.StatusNotFound || !strings.Contains(text, "GET /2014-11-13/functions") {
		t.Errorf("%d %s", status, text)
	}
	status, text = send(t, aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, "PUT", c.url+"/2019-09-30/functions/watch/provisioned-concurrency", "{}")
	if status != http.StatusNotFound || !strings.Contains(text, "PutProvisionedConcurrencyConfig") {
		t.Errorf("%d %s", status, text)
	}
}

func TestMembersOfErrorsAreSpelledAsOnAWS(t *testing.T) {
	t.Parallel()
	c := start(t)
	root := aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}
	_, text := send(t, root, "GET", c.url+"/2015-03-31/functions/watch", "")
	var body map[string]string
	json.Unmarshal([]byte(text), &body)
	if body["Message"] != "Function not found: arn:aws:lambda:us-east-1:111122223333:function:watch" || body["Type"] != "User" || len(body) != 2 {
		t.Errorf("not found: %s", text)
	}
	_, text = send(t, root, "GET", c.url+"/2015-03-31/functions/watch%3A1?Qualifier=2", "")
	body = nil
	json.Unmarshal([]byte(text), &body)
	if body["message"] == "" || body["Type"] != "User" || len(body) != 2 {
		t.Errorf("invalid: %s", text)
	}
}

func TestListsHavePages(t *testing.T) {
	t.Parallel()
	c := start(t)
	var want []string
	for _, name := range []string{"a1", "b1", "c1"} {
		want = append(want, c.function(t, "raw", func(in *awslambda.CreateFunctionInput) { in.FunctionName = &name }))
	}
	var got []string
	pages := awslambda.NewListFunctionsPaginator(c.client, &awslambda.ListFunctionsInput{MaxItems: aws.Int32(2)})
	for pages.HasMorePages() {
		p, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range p.Functions {
			got = append(got, *f.FunctionName)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("listed %v, want %v", got, want)
	}
}
