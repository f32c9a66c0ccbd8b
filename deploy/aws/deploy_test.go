package aws

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"quotewire/deploy"
	"quotewire/dply/check"
	"quotewire/dply/token"
)

// scriptDir writes a folder with a Go package lambda/watch, as it lies beside a script.
func scriptDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	source(t, dir, "hello")
	return dir
}

func source(t *testing.T, dir, word string) {
	t.Helper()
	pkg := filepath.Join(dir, "lambda", "watch")
	if err := os.MkdirAll(pkg, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"go.mod":  "module example.org/watch\n\ngo 1.26\n",
		"main.go": "package main\n\nfunc main() { println(\"" + word + "\") }\n",
	} {
		if err := os.WriteFile(filepath.Join(pkg, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// system is a script with a part of every kind that a system of this sort has. Tests change it before a run.
type system struct {
	bucket, net, table, fn, alias, socket, http *check.Statement
	role                                        *check.Role
}

func newSystem() *system {
	y := &system{}
	y.bucket = preserved(ensure("aws.S3.Bucket", "prices-code"))
	y.net = find("aws.VPC.VPC", "PriceNet")
	y.table = ensure("aws.DynamoDB.Table", "prices", prop("Fields", &check.Fields{Items: []check.Field{
		{Name: "cents", Type: "N"}, {Name: "ticker", Type: "S", Key: "hash"}}}))
	y.role = &check.Role{Name: "watch-role", Assume: lambdaTrust(), Inline: []*check.Policy{policy(
		allow("logs:PutLogEvents", "*"), allow([]string{"dynamodb:GetItem", "dynamodb:Query"}, ref(y.table, "arn")))}}
	y.fn = composite("lambda.function", "watch-lambda",
		prop("Runtime", "go"),
		prop("Code", compound("aws.S3.Location", prop("Bucket", "prices-code"), prop("Key", "lambda-watch.zip"))),
		prop("Role", y.role),
		prop("PublishVersion", true), prop("Alias", "current"),
		prop("Environment", check.Map{Entries: []check.Prop{{Name: "TABLE", Value: ref(y.table, "name")}}}),
		prop("VpcConfig", compound("aws.VPC.Config", prop("Subnets", ref(y.net, "subnets")), prop("SecurityGroups", ref(y.net, "securityGroups")))))
	y.alias = find("aws.Lambda.Alias", "current", prop("FunctionName", "watch-lambda"))
	y.socket = apiStatement("stock-watch", "websocket", integrationPart("lambda", ref(y.alias, "arn")),
		routePart("$connect", "lambda"), routePart("$default", "lambda"), stagePart("development"))
	y.http = apiStatement("stock-publish", "http", integrationPart("lambda", ref(y.fn, "arn")),
		routePart("POST /prices", "lambda"), stagePart("$default"))
	return y
}

func (y *system) program() *check.Program {
	return program(y.bucket, y.net, y.table, y.fn, y.alias, y.socket, y.http)
}

func (y *system) set(s *check.Statement, name string, v any) {
	for i := range s.Props {
		if s.Props[i].Name == name {
			s.Props[i].Value = value(v)
			return
		}
	}
	s.Props = append(s.Props, prop(name, v))
}

// withNetwork starts a moto with the network that the system finds.
func withNetwork(t *testing.T) *cloud {
	t.Helper()
	c := startMoto(t)
	if _, err := MakeNetwork(t.Context(), c.config, Network{Name: "PriceNet"}); err != nil {
		t.Fatal(err)
	}
	c.writes()
	return c
}

func TestSystemIsDeployedOnceChangedWhereItDiffersAndTakenDown(t *testing.T) {
	t.Parallel()
	c := withNetwork(t)
	dir, y := scriptDir(t), newSystem()
	opts := deploy.Options{Parallel: 1, ScriptDir: dir, CacheDir: t.TempDir()}

	first := c.mustRun(y.program(), opts)
	wantDone := []string{
		"create bucket prices-code", "create table prices", "create role watch-role", "create code prices-code/lambda-watch.zip",
		"create function watch-lambda", "create alias watch-lambda:current",
		"create API stock-watch", "create permission stock-watch-lambda-invoke", "create integration lambda of stock-watch",
		"create route $connect of stock-watch", "create route $default of stock-watch",
		"create stage development of stock-watch", "create deployment of stock-watch to development",
		"create API stock-publish", "create permission stock-publish-lambda-invoke", "create integration lambda of stock-publish",
		"create route POST /prices of stock-publish",
		"create stage $default of stock-publish", "create deployment of stock-publish to $default",
	}
	if !slices.Equal(first.Done, wantDone) {
		t.Errorf("first run did\n%s\nwant\n%s", strings.Join(first.Done, "\n"), strings.Join(wantDone, "\n"))
	}
	if url := first.Output("aws.ApiGatewayV2.Stage", "stock-watch/development", "url"); !strings.HasPrefix(url, "wss://") || !strings.HasSuffix(url, "/development") {
		t.Errorf("address of the socket is %q", url)
	}
	c.checkSocket(y)

	c.writes()
	second := c.mustRun(newSystem().program(), opts)
	if calls := c.writes(); len(calls) > 0 || second.Changes() != 0 {
		t.Fatalf("second run wrote %q, %+v", calls, second)
	}

	for _, step := range []struct {
		name   string
		change func()
		done   []string
	}{
		{"code", func() { source(t, dir, "good bye") },
			[]string{"update code prices-code/lambda-watch.zip", "update function watch-lambda", "update alias watch-lambda:current"}},
		{"configuration", func() { y.set(y.fn, "Timeout", 5); y.set(y.fn, "MemorySize", 256) },
			[]string{"update function watch-lambda", "update alias watch-lambda:current"}},
		{"policy", func() { y.role.Inline[0].Statements[0].Actions = []check.Value{value("logs:*")} },
			[]string{"update role watch-role"}},
		{"fewer policies", func() { y.role.Inline = nil },
			[]string{"update role watch-role"}},
		{"managed policy", func() { y.role.Managed = []check.String{{Text: "AmazonSQSReadOnlyAccess"}} },
			[]string{"update role watch-role"}},
		{"out of the network", func() {
			y.fn.Props = slices.DeleteFunc(y.fn.Props, func(p check.Prop) bool { return p.Name == "VpcConfig" })
		},
			[]string{"update function watch-lambda", "update alias watch-lambda:current"}},
		{"selection", func() { y.set(y.socket, "RouteSelectionExpression", "$request.body.kind") },
			[]string{"update API stock-watch", "update deployment of stock-watch to development"}},
		{"another route", func() { y.socket.Parts = append(y.socket.Parts, routePart("watch", "lambda")) },
			[]string{"create route watch of stock-watch", "update deployment of stock-watch to development"}},
		{"one route less", func() { y.socket.Parts = slices.Delete(y.socket.Parts, 1, 2) },
			[]string{"update leftovers of stock-watch", "update deployment of stock-watch to development"}},
	} {
		step.change()
		r := c.mustRun(y.program(), opts)
		if !slices.Equal(r.Done, step.done) {
			t.Errorf("%s: did %q, want %q", step.name, r.Done, step.done)
		}
		c.writes()
		if r := c.mustRun(y.program(), opts); r.Changes() != 0 || len(c.writes()) > 0 {
			t.Errorf("%s: not settled after one run: %q", step.name, r.Done)
		}
	}

	gone := c.mustRun(y.program(), deploy.Options{Parallel: 1, Mode: deploy.Teardown, ScriptDir: dir})
	wantGone := []string{
		"delete stage $default of stock-publish", "delete route POST /prices of stock-publish", "delete integration lambda of stock-publish",
		"delete permission stock-publish-lambda-invoke", "delete API stock-publish",
		"delete stage development of stock-watch", "delete route watch of stock-watch", "delete route $default of stock-watch",
		"delete integration lambda of stock-watch", "delete permission stock-watch-lambda-invoke", "delete API stock-watch",
		"delete alias watch-lambda:current", "delete function watch-lambda", "delete role watch-role", "delete table prices",
	}
	if !slices.Equal(gone.Done, wantGone) {
		t.Errorf("teardown did\n%s\nwant\n%s", strings.Join(gone.Done, "\n"), strings.Join(wantGone, "\n"))
	}
	if gone.Kept != 1 {
		t.Errorf("teardown kept %d; want the bucket", gone.Kept)
	}
	if again := c.mustRun(y.program(), deploy.Options{Parallel: 1, Mode: deploy.Teardown, ScriptDir: dir}); again.Deleted != 0 {
		t.Errorf("second teardown deleted %q", again.Done)
	}
}

// checkSocket looks at what the first run has made, past the deployer.
func (c *cloud) checkSocket(y *system) {
	t, p := c.t, NewProvider(c.config)
	ctx := t.Context()
	fn, err := p.lambda.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: aws.String("watch-lambda"), Qualifier: aws.String("current")})
	if err != nil {
		t.Fatal(err)
	}
	if fn.Runtime != "provided.al2023" || aws.ToInt32(fn.Timeout) != defaultTimeout || fn.Environment.Variables["TABLE"] != "prices" || len(fn.VpcConfig.SubnetIds) != 2 {
		t.Errorf("function %+v in %+v", fn, fn.VpcConfig)
	}
	object, err := p.s3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String("prices-code"), Key: aws.String("lambda-watch.zip")})
	if err != nil || len(object.Metadata[hashHeader]) != 64 {
		t.Errorf("object %+v, %v", object, err)
	}
	apis, err := p.listAPIs(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range apis {
		list, err := p.gateway.GetIntegrations(ctx, &apigatewayv2.GetIntegrationsInput{ApiId: a.ApiId})
		if err != nil || len(list.Items) != 1 {
			t.Fatalf("integrations of %s: %+v, %v", *a.Name, list, err)
		}
		uri, path := *list.Items[0].IntegrationUri, strings.HasPrefix(*list.Items[0].IntegrationUri, "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:")
		if websocket := *a.Name == "stock-watch"; path != websocket {
			t.Errorf("integration URI of %s: %s", *a.Name, uri)
		}
	}
	all, err := p.grants(ctx, "watch-lambda:current")
	if g := all["stock-watch-lambda-invoke"]; err != nil || !strings.HasPrefix(g.SourceArn, "arn:aws:execute-api:us-east-1:123456789012:") || !strings.HasSuffix(g.SourceArn, "/*") {
		t.Errorf("permission %+v in %+v, %v", g, all, err)
	}
}

// diagnostics returns the codes and lines of an error.
func diagnostics(t *testing.T, err error) token.List {
	t.Helper()
	list, ok := err.(token.List)
	if !ok {
		t.Fatalf("got %v (%T); want diagnostics", err, err)
	}
	return list
}

func TestMissingNetworkSaysHowToGetOne(t *testing.T) {
	t.Parallel()
	c := startMoto(t)
	y := newSystem()
	_, err := c.run(y.program(), deploy.Options{ScriptDir: scriptDir(t), CacheDir: t.TempDir()})
	list := diagnostics(t, err)
	want := "`quotewire vpc PriceNet` makes one (add `--egress-only` for one with a way out)."
	if len(list) != 1 || list[0].Code != "E57" || list[0].Pos.Line != 20 || list[0].Hint != want {
		t.Errorf("got %+v", list)
	}
	if calls := c.writes(); len(calls) > 0 {
		t.Errorf("wrote %q", calls)
	}
}

func TestFunctionThatDoesNotCompileStopsTheRunBeforeAnyWrite(t *testing.T) {
	t.Parallel()
	c := withNetwork(t)
	dir := scriptDir(t)
	source(t, dir, "\" + nonsense + \"")
	_, err := c.run(newSystem().program(), deploy.Options{ScriptDir: dir, CacheDir: t.TempDir()})
	list := diagnostics(t, err)
	if len(list) != 1 || list[0].Code != "E64" || list[0].Pos.Line != 1 || !strings.Contains(list[0].Hint, "undefined: nonsense") {
		t.Errorf("got %+v", list)
	}
	if calls := c.writes(); len(calls) > 0 {
		t.Errorf("wrote %q", calls)
	}
}

func TestCodeWithoutSourceMustLieInTheBucket(t *testing.T) {
	t.Parallel()
	c := withNetwork(t)
	y := newSystem()
	opts := deploy.Options{ScriptDir: t.TempDir(), CacheDir: t.TempDir()} // no folder lambda/watch here
	_, err := c.run(y.program(), opts)
	if list := diagnostics(t, err); len(list) != 1 || list[0].Code != "E57" || !strings.Contains(list[0].Message, `no object "lambda-watch.zip"`) {
		t.Fatalf("got %+v", list)
	}
	if calls := c.writes(); len(calls) > 0 {
		t.Errorf("wrote %q", calls)
	}

	p, ctx := NewProvider(c.config), t.Context()
	if _, err := p.s3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("prices-code")}); err != nil {
		t.Fatal(err)
	}
	put := func(text string) {
		if _, err := p.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("prices-code"), Key: aws.String("lambda-watch.zip"), Body: strings.NewReader(text)}); err != nil {
			t.Fatal(err)
		}
	}
	put("PK one")
	c.mustRun(y.program(), opts)
	c.writes()
	if r := c.mustRun(y.program(), opts); r.Changes() != 0 || len(c.writes()) > 0 {
		t.Errorf("second run did %q", r.Done)
	}
	put("PK two")
	if r := c.mustRun(y.program(), opts); !slices.Contains(r.Done, "update function watch-lambda") {
		t.Errorf("after another upload the run did %q", r.Done)
	}
}

func TestRefusalNamesOperationResourceAndLine(t *testing.T) {
	t.Parallel()
	c := withNetwork(t)
	c.answer["CreateRole"] = &bad{status: 403, times: 9, body: `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: dev is not authorized</Message></Error></ErrorResponse>`}
	r, err := c.run(newSystem().program(), deploy.Options{Parallel: 1, ScriptDir: scriptDir(t), CacheDir: t.TempDir()})
	list := diagnostics(t, err)
	want := "cannot create role watch-role: IAM CreateRole answers AccessDenied: User: dev is not authorized"
	if len(list) != 1 || list[0].Code != "E63" || list[0].Pos.Line != 40 || list[0].Message != want || !strings.Contains(list[0].Hint, "lack a permission") {
		t.Errorf("got %+v", list)
	}
	if len(r.Done) != 2 || len(r.NotDone) == 0 || r.NotDone[0] != "role watch-role" {
		t.Errorf("done %q, not done %q", r.Done, r.NotDone)
	}
}

func TestRoleThatIsNotKnownYetIsWaitedFor(t *testing.T) {
	t.Parallel()
	c := withNetwork(t)
	c.answer["POST /2015-03-31/functions"] = &bad{status: 400, times: 2, header: http400("InvalidParameterValueException"),
		body: `{"Type":"User","message":"The role defined for the function cannot be assumed by Lambda."}`}
	view := &waits{}
	c.mustRun(newSystem().program(), deploy.Options{ScriptDir: scriptDir(t), CacheDir: t.TempDir(), View: view})
	if len(*view) == 0 || (*view)[0] != "function watch-lambda until role watch-role is known to Lambda" {
		t.Errorf("waited for %q", *view)
	}
}

func http400(name string) map[string][]string {
	return map[string][]string{"X-Amzn-Errortype": {name}, "Content-Type": {"application/json"}}
}

type waits []string

func (w *waits) Event(e deploy.Event) {
	if e.Kind == deploy.Waiting {
		*w = append(*w, e.Resource+" "+e.Text)
	}
}

func TestNetworkIsMadeWithWhatIsAskedForAndAddedTo(t *testing.T) {
	t.Parallel()
	c := startMoto(t)
	ctx := t.Context()
	plain, err := MakeNetwork(ctx, c.config, Network{Name: "n", CIDR: "10.7.0.0/20"})
	if err != nil {
		t.Fatal(err)
	}
	if len(plain.Subnets) != 2 || len(plain.SecurityGroups) != 1 || !plain.Changed {
		t.Errorf("got %+v", plain)
	}
	want := Network{Name: "n", EgressOnly: true, GatewayEndpoints: []string{"s3", "dynamodb"}}
	open, err := MakeNetwork(ctx, c.config, want)
	if err != nil {
		t.Fatal(err)
	}
	if open.ID != plain.ID || !slices.Equal(open.Subnets, plain.Subnets) || !open.Changed {
		t.Errorf("was %+v, is %+v", plain, open)
	}
	c.writes()
	again, err := MakeNetwork(ctx, c.config, want)
	if calls := c.writes(); err != nil || again.Changed || len(calls) > 0 {
		t.Errorf("third time: %+v, %v, wrote %q", again, err, calls)
	}

	s := ensure("aws.VPC.VPC", "n", prop("EgressOnlyInternetGateway", true), prop("GatewayEndpoints", []string{"s3"}))
	if r := c.mustRun(program(s), deploy.Options{}); r.Changes() != 0 {
		t.Errorf("ensure of what is there did %q", r.Done)
	}
	if r := c.mustRun(program(s), deploy.Options{Mode: deploy.Teardown}); r.Deleted != 1 {
		t.Errorf("teardown did %+v", r)
	}
	if _, err := c.run(program(find("aws.VPC.VPC", "n")), deploy.Options{}); err == nil {
		t.Error("the network is still there")
	}
}

func TestSharedRoleAddsUpAndGoesWithItsLastUser(t *testing.T) {
	t.Parallel()
	c := startMoto(t)
	dir := scriptDir(t)
	opts := deploy.Options{Parallel: 1, ScriptDir: dir, CacheDir: t.TempDir()}
	bucket := ensure("aws.S3.Bucket", "prices-code")
	fn := func(name, action string) *check.Statement {
		return composite("lambda.function", name, prop("Runtime", "go"),
			prop("Code", compound("aws.S3.Location", prop("Bucket", ref(bucket, "name")), prop("Key", "lambda-watch.zip"))),
			prop("Role", &check.Role{Name: "shared", Assume: lambdaTrust(), Inline: []*check.Policy{policy(allow("logs:PutLogEvents", "*")), policy(allow(action, "*"))}}))
	}
	one, two := fn("one", "s3:GetObject"), fn("two", "s3:PutObject")
	p := &check.Program{Targets: []*check.Target{
		{Name: "first", Statements: []*check.Statement{bucket, one}}, {Name: "second", Statements: []*check.Statement{two}}}}
	// The second target's code names the bucket of the first; a reference would not cross targets.
	two.Props[1] = prop("Code", compound("aws.S3.Location", prop("Bucket", "prices-code"), prop("Key", "lambda-watch.zip")))
	c.mustRun(p, opts)
	iamClient := NewProvider(c.config).iam
	got, err := iamClient.ListRolePolicies(t.Context(), &iam.ListRolePoliciesInput{RoleName: aws.String("shared")})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got.PolicyNames)
	if want := []string{"shared-0", "shared-1", "shared-2"}; !slices.Equal(got.PolicyNames, want) {
		t.Errorf("policies %q, want %q", got.PolicyNames, want)
	}
	first := c.mustRun(p, deploy.Options{Parallel: 1, Mode: deploy.Teardown, Targets: []string{"second"}, ScriptDir: dir})
	if want := []string{"delete function two"}; !slices.Equal(first.Done, want) || first.Kept != 1 {
		t.Errorf("taking down one user: did %q, kept %d", first.Done, first.Kept)
	}
	last := c.mustRun(p, deploy.Options{Parallel: 1, Mode: deploy.Teardown, ScriptDir: dir})
	if want := []string{"delete function one", "delete role shared", "delete bucket prices-code"}; !slices.Equal(last.Done, want) {
		t.Errorf("taking down the rest: did %q, want %q", last.Done, want)
	}
}

func TestSmallTypesSettleInOneRun(t *testing.T) {
	t.Parallel()
	c := startMoto(t)
	dir := scriptDir(t)
	bucket := ensure("aws.S3.Bucket", "code")
	doc := &check.Statement{Verb: "policy", Policy: policy(allow("s3:GetObject", ref(bucket, "allResources")))}
	trustDoc := &check.Statement{Verb: "policy", Policy: lambdaTrust()}
	managedPolicy := ensure("aws.IAM.Policy", "reader", prop("Policy", ref(doc, "")))
	plainRole := ensure("aws.IAM.Role", "plain", prop("Assume", ref(trustDoc, "")), prop("Inline", ref(doc, "")))
	role := &check.Role{Name: "runner", Assume: lambdaTrust(), Managed: []check.String{{Text: "reader"}}}
	fn := ensure("aws.Lambda.Function", "fn", prop("Runtime", "go"), prop("Role", role), prop("Architecture", "arm64"),
		prop("Code", compound("aws.S3.Location", prop("Bucket", ref(bucket, "name")), prop("Key", "fn.zip"), prop("Source", "lambda/watch"))))
	permit := &check.Statement{Verb: "lambda.addPermissions", Type: typeNamed("lambda.addPermissions"), Name: "hook", Policy: policy(
		allow([]string{"lambda:InvokeFunction"}, ref(fn, "name"), principal("Service", "events.amazonaws.com"), condition("ArnLike", "aws:SourceArn", "arn:aws:events:*:*:rule/x")))}
	permit.Policy.Statements[0].Actions = []check.Value{value("lambda:InvokeFunction")}
	publish := &check.Statement{Verb: "lambda.publishVersion", Type: typeNamed("lambda.publishVersion"),
		Props: []check.Prop{prop("Name", ref(fn, "arn")), prop("Alias", "next")}}
	files := t.TempDir()
	if err := os.WriteFile(filepath.Join(files, "index.html"), []byte("<p>hello"), 0o644); err != nil {
		t.Fatal(err)
	}
	at := &check.Statement{Verb: "files.dir", Args: []check.Value{value(files)}}
	copying := &check.Statement{Verb: "files.copy", Args: []check.Value{ref(at, ""), ref(bucket, "name")}}
	p := program(bucket, doc, trustDoc, managedPolicy, plainRole, fn, permit, publish, at, copying)
	opts := deploy.Options{Parallel: 1, ScriptDir: dir, CacheDir: t.TempDir()}
	c.mustRun(p, opts)
	c.writes()
	if r := c.mustRun(p, opts); r.Changes() != 0 || len(c.writes()) > 0 {
		t.Errorf("second run did %q", r.Done)
	}
	doc.Policy.Statements[0].Actions[0] = value("s3:ListBucket")
	if r := c.mustRun(p, opts); !slices.Equal(r.Done, []string{"update policy reader", "update role plain"}) {
		t.Errorf("another document: did %q", r.Done)
	}
	c.mustRun(p, deploy.Options{Parallel: 1, Mode: deploy.Teardown, ScriptDir: dir})
}

func TestProtocolOfAnAPIIsRefusedToChange(t *testing.T) {
	t.Parallel()
	c := startMoto(t)
	c.mustRun(program(apiStatement("a", "http")), deploy.Options{})
	_, err := c.run(program(apiStatement("a", "websocket")), deploy.Options{})
	if list := diagnostics(t, err); len(list) != 1 || !strings.Contains(list[0].Message, "a protocol cannot be changed") {
		t.Errorf("got %+v", list)
	}
	p := NewProvider(c.config)
	if _, err := p.gateway.CreateApi(t.Context(), &apigatewayv2.CreateApiInput{Name: aws.String("a"), ProtocolType: "HTTP"}); err != nil {
		t.Fatal(err)
	}
	_, err = c.run(program(apiStatement("a", "http")), deploy.Options{})
	if list := diagnostics(t, err); len(list) != 1 || !strings.Contains(list[0].Message, "2 APIs are named a") {
		t.Errorf("got %+v", list)
	}
}

func TestCloudThatDoesNotAnswerIsSaidPlainly(t *testing.T) {
	t.Parallel()
	c := &cloud{t: t, answer: map[string]*bad{}}
	c.config = aws.Config{BaseEndpoint: aws.String("http://127.0.0.1:1"), Credentials: aws.AnonymousCredentials{}}
	_, err := c.run(program(), deploy.Options{})
	var list token.List
	if !errors.As(err, &list) || !strings.Contains(list[0].Message, "connection refused") || !strings.Contains(list[0].Hint, "AWS_ENDPOINT_URL") {
		t.Errorf("got %+v", err)
	}
}
