package aws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"quotewire/deploy"
	"quotewire/dply/check"
	"quotewire/dply/schema"
)

func init() {
	register(entry{Type: functionType, ensure: ensureFunction, find: findFunction})
	register(entry{Type: functionVerb, verb: expandFunction})
	register(entry{Type: placementReader})
	register(entry{Type: loggingReader})
}

// Runtimes of functions that come as a zip. "go" is provided.al2023.
var runtimes = []string{"go", "provided.al2023", "provided.al2", "nodejs24.x", "nodejs22.x", "nodejs20.x", "python3.14", "python3.13",
	"python3.12", "python3.11", "java25", "java21", "java17", "dotnet10", "dotnet8", "ruby3.4", "ruby3.3"}

// functionProperties are those of aws.Lambda.Function, and of lambda.function.
var functionProperties = []schema.Property{
	{Name: "Runtime", Kinds: texts, Required: true, Enum: runtimes, Doc: `The runtime. "go" is provided.al2023, for a Go package that the deployer builds or a zip with an executable named bootstrap.`},
	{Name: "Code", Kinds: readBy, Readers: []string{"aws.S3.Location"}, Required: true, Doc: "Where the code lies, and what it is built from."},
	{Name: "Role", Kinds: []schema.Kind{schema.Value, schema.String, schema.Object}, Readers: []string{"aws.IAM.WithRole"}, Objects: []string{"aws.IAM.Role"}, Required: true, Doc: "The role that the function runs in: described here, a role, or an ARN."},
	{Name: "Handler", Kinds: texts, Doc: "The entry point.", Default: `bootstrap, for the runtime "go"`},
	{Name: "VpcConfig", Kinds: readBy, Readers: []string{"aws.VPC.Config"}, Doc: "The network that the function is placed in.", Default: "none"},
	{Name: "MemorySize", Kinds: numbers, Doc: "Memory in MB; processor time comes with it.", Default: "128", Min: 128, Max: 10240},
	{Name: "Timeout", Kinds: numbers, Doc: "Seconds until an invocation is ended.", Default: "30", Min: 1, Max: 900},
	{Name: "Environment", Kinds: dicts, Doc: "Environment variables."},
	{Name: "Description", Kinds: texts, Doc: "What people read in the console."},
	{Name: "EphemeralStorage", Kinds: numbers, Doc: "The size of /tmp in MB.", Default: "512", Min: 512, Max: 10240},
	{Name: "Layers", Kinds: lists, Doc: "The ARNs of layer versions, five at most, in the order in which they are laid over each other."},
	{Name: "Logging", Kinds: readBy, Readers: []string{"aws.Lambda.Logging"}, Doc: "How the function logs.", Default: "text, to /aws/lambda/NAME"},
	{Name: "Tracing", Kinds: texts, Enum: []string{"PassThrough", "Active"}, Doc: "Whether X-Ray samples invocations that nobody has decided about.", Default: "PassThrough"},
	{Name: "ReservedConcurrency", Kinds: numbers, Doc: "How many invocations may run at a time, taken from what the account has; 0 stops the function.", Default: "none"},
	{Name: "Architecture", Kinds: texts, Enum: []string{"x86_64", "arm64"}, Doc: "The instruction set, for which the code is built.", Default: "x86_64"},
}

var functionMembers = []schema.Member{arnMember("function"), nameMember("function"), uriMember}

var functionType = &schema.Type{
	Name: "aws.Lambda.Function", Ensure: true, Find: true, Self: "arn",
	Doc:        "A Lambda function without versions and aliases; see lambda.function for one with them.",
	Properties: functionProperties,
	Members:    functionMembers,
}

var functionVerb = &schema.Type{
	Name: "lambda.function", Self: "arn",
	Doc: "A Lambda function with its role, its code, a published version, and an alias that points at it. A Go package is built and uploaded.",
	Properties: append(append([]schema.Property{}, functionProperties...),
		schema.Property{Name: "PublishVersion", Kinds: booleans, Doc: "Whether to publish a version when code or configuration have changed.", Default: "true with an Alias, else false"},
		schema.Property{Name: "Alias", Kinds: texts, Doc: "The alias to make, or to move to the version just published."},
		schema.Property{Name: "AliasShare", Kinds: numbers, With: "Alias", Min: 0, Max: 1, Doc: "The share of invocations that a version just published gets; the rest stays with the version before, until the property is taken away.", Default: "1"}),
	Members: functionMembers,
}

var loggingReader = &schema.Type{
	Name: "aws.Lambda.Logging",
	Doc:  "How a function logs.",
	Properties: []schema.Property{
		{Name: "Format", Kinds: texts, Enum: []string{"Text", "JSON"}, Default: "Text", Doc: "The form of the events."},
		{Name: "Group", Kinds: objects, Objects: []string{"aws.Logs.LogGroup"}, Default: "/aws/lambda/NAME", Doc: "The log group: its name or the group itself."},
		{Name: "ApplicationLevel", Kinds: texts, Enum: []string{"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"}, Default: "INFO", Doc: "The least level of the function's own events, with the format JSON."},
		{Name: "SystemLevel", Kinds: texts, Enum: []string{"DEBUG", "INFO", "WARN"}, Default: "INFO", Doc: "The least level of Lambda's events, with the format JSON."},
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

// What a function gets where the script says nothing, and how long its states may last.
const (
	defaultMemory       = 128 // MB, Lambda's own
	defaultTimeout      = 30  // seconds: Lambda's own 3 is shorter than one slow call of another service
	defaultArchitecture = "x86_64"
	defaultStorage      = 512 // MB

	functionWait = 5 * time.Minute
	roleWait     = time.Minute // until Lambda believes in a role that was just made
)

// versionType is the type of what is published of a function.
const versionType = "aws.Lambda.Version"

type functionTypes = types.FunctionConfiguration

func functionKey(name string) deploy.Key { return deploy.Key{Type: "aws.Lambda.Function", Name: name} }

// function is a Lambda function's configuration and code.
type function struct {
	p     *Provider
	graph *deploy.Graph
	s     *check.Statement
	name  string
	role  *role // if the script describes it
	code  *codeObject

	found    *configuration // nil as long as it does not exist
	reserved string         // the concurrency reserved for it, or ""
	arn      string
}

// configuration is what the deployer manages of a function, or of a version of it.
type configuration struct {
	Runtime, Handler, Role string
	Architecture           string
	Memory, Timeout        int32
	Environment            map[string]string
	Subnets, Groups        []string
	IPv6                   bool
	Description, Tracing   string
	Storage                int32
	Layers                 []string
	Logging                logging
	Code                   string // SHA-256, as Lambda says it
}

// logging is how a function logs. Levels are for the format JSON alone.
type logging struct{ Format, Group, Application, System string }

func (l logging) String() string {
	return strings.TrimSpace(strings.Join([]string{l.Format, "to", l.Group, l.Application, l.System}, " "))
}

func defaultLogging(name string) logging {
	return logging{Format: string(types.LogFormatText), Group: "/aws/lambda/" + name}
}

func expandFunction(p *Provider, g *deploy.Graph, s *check.Statement) error {
	if n, err := g.Again(s, functionKey(s.Name)); n != nil || err != nil {
		g.Bind(s, n)
		return err
	}
	n, err := addFunction(p, g, s)
	if err != nil {
		return err
	}
	g.Bind(s, n)
	f := n.Resource.(*function)
	alias, _ := g.String(s.Prop("Alias"))
	publish := g.Bool(s.Prop("PublishVersion"), alias != "")
	switch {
	case alias != "":
		p.counted(versionType, s.Name)
		g.Add(s, aliasKey(s.Name, alias), &aliasOf{p: p, function: f, functionName: s.Name, name: alias, publish: publish, pos: s.Prop("Alias").Position(),
			wantShare: g.Number(s.Prop("AliasShare"), 1)}).Needs(n)
	case publish:
		p.counted(versionType, s.Name)
		g.Add(s, deploy.Key{Type: versionType, Name: s.Name}, &version{function: f}).Needs(n)
	}
	return nil
}

func ensureFunction(p *Provider, g *deploy.Graph, s *check.Statement) error {
	n, err := g.Again(s, functionKey(s.Name))
	if n == nil && err == nil {
		n, err = addFunction(p, g, s)
	}
	if err != nil {
		return err
	}
	g.Bind(s, n)
	return nil
}

// addFunction adds the function, its code and its role.
func addFunction(p *Provider, g *deploy.Graph, s *check.Statement) (*deploy.Node, error) {
	p.counted(functionType.Name, s.Name)
	f := &function{p: p, graph: g, s: s, name: s.Name}
	var needs []*deploy.Node
	if block, ok := s.Prop("Role").(*check.Role); ok {
		n, err := withRole(p, g, s, block)
		if err != nil {
			return nil, err
		}
		f.role, needs = n.Resource.(*role), append(needs, n)
	}
	if r, ok := s.Prop("Role").(check.Reference); ok {
		if n := g.Bound(r.Statement); n != nil {
			f.role, _ = n.Resource.(*role)
		}
	}
	goarch := "amd64"
	if arch, _ := g.String(s.Prop("Architecture")); arch == "arm64" {
		goarch = "arm64"
	}
	n, c, err := newCode(p, g, s, s.Prop("Code").(*check.Compound), goarch)
	if err != nil {
		return nil, err
	}
	f.code = c
	fn := g.Add(s, functionKey(s.Name), f).Needs(append(needs, n)...)
	for _, prop := range s.Props {
		g.Uses(fn, prop.Value)
	}
	g.RestsOn(fn, s.Prop("VpcConfig")) // its network interfaces are in the subnets and have the groups
	p.allowed.tidy(g.Add(s, deploy.Key{Type: "aws.Lambda.Permission", Name: "function " + s.Name + " former"}, &formerStatements{p: p, graph: g, function: f}).Needs(fn), s.Name)
	return fn, nil
}

func findFunction(p *Provider, g *deploy.Graph, s *check.Statement) error {
	p.counted(functionType.Name, s.Name)
	return found(g, s, functionKey(s.Name), &function{p: p, graph: g, s: s, name: s.Name})
}

func (f *function) String() string { return "function " + f.name }
func (f *function) Exists() bool   { return f.found != nil }

func (f *function) Absent() (where, hint string) {
	return "in " + f.p.region, "Make it with `lambda.function` in a statement above this one, or correct the name."
}

// listFunctions lists all functions, with their versions if the run has to do with some. The list has all that is compared of
// a function but the concurrency that is reserved for it.
func (p *Provider) listFunctions() pages[types.FunctionConfiguration] {
	in := &lambda.ListFunctionsInput{}
	if p.many(versionType) > 0 {
		in.FunctionVersion = types.FunctionVersionAll
	}
	list := lambda.NewListFunctionsPaginator(p.lambda, in)
	return func(ctx context.Context, add func(string, types.FunctionConfiguration)) (bool, error) {
		page, err := list.NextPage(ctx)
		if err != nil {
			return false, err
		}
		for _, c := range page.Functions {
			name := aws.ToString(c.FunctionName)
			if version := aws.ToString(c.Version); version != latest && version != "" {
				name += ":" + version
			}
			add(name, c)
		}
		return list.HasMorePages(), nil
	}
}

// latest is the version of a function that can be changed.
const latest = "$LATEST"

// listed returns what the list of the run tells of a function, or of a version of it: name:version.
func (p *Provider) listed(ctx context.Context, name string) (*types.FunctionConfiguration, bool) {
	return p.functions.get(ctx, p.many(functionType.Name, versionType), name, p.listFunctions)
}

// reservesNone reports whether the account has kept no concurrency for any function: then none has to be asked for its own.
func (p *Provider) reservesNone(ctx context.Context) bool {
	none, err := p.unreserved.get(func() (bool, error) {
		out, err := p.lambda.GetAccountSettings(ctx, &lambda.GetAccountSettingsInput{})
		if err != nil || out.AccountLimit == nil || out.AccountLimit.UnreservedConcurrentExecutions == nil {
			return false, nil // whoever may not ask this may ask each function
		}
		return out.AccountLimit.ConcurrentExecutions == *out.AccountLimit.UnreservedConcurrentExecutions, nil
	})
	return err == nil && none
}

func (f *function) Read(ctx context.Context) error {
	c, told := f.p.listed(ctx, f.name)
	switch {
	case told && c == nil:
		return nil
	case told && f.p.reservesNone(ctx):
		f.arn = strings.TrimSuffix(aws.ToString(c.FunctionArn), ":"+latest)
		f.found, f.reserved = configurationOf(c), ""
		return nil
	}
	return f.look(ctx)
}

// look asks for the function by its name.
func (f *function) look(ctx context.Context) error {
	out, err := f.p.lambda.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: &f.name})
	if is(err, "ResourceNotFoundException") {
		return nil
	}
	if err != nil {
		return err
	}
	f.arn = aws.ToString(out.Configuration.FunctionArn)
	f.found = configurationOf(out.Configuration)
	f.reserved = ""
	if out.Concurrency != nil && out.Concurrency.ReservedConcurrentExecutions != nil {
		f.reserved = number(*out.Concurrency.ReservedConcurrentExecutions)
	}
	return nil
}

// Reread waits as well, if the function is there now.
func (f *function) Reread(ctx context.Context) error {
	if err := f.look(ctx); err != nil || f.found == nil {
		return err
	}
	return f.await(ctx)
}

func configurationOf(out *types.FunctionConfiguration) *configuration {
	c := &configuration{
		Runtime: string(out.Runtime), Handler: aws.ToString(out.Handler), Role: aws.ToString(out.Role),
		Architecture: defaultArchitecture, Memory: aws.ToInt32(out.MemorySize), Timeout: aws.ToInt32(out.Timeout),
		Environment: map[string]string{}, Code: aws.ToString(out.CodeSha256),
		Description: aws.ToString(out.Description), Tracing: string(types.TracingModePassThrough), Storage: defaultStorage,
		Logging: defaultLogging(aws.ToString(out.FunctionName)),
	}
	for _, l := range out.Layers {
		c.Layers = append(c.Layers, aws.ToString(l.Arn))
	}
	if out.TracingConfig != nil && out.TracingConfig.Mode != "" {
		c.Tracing = string(out.TracingConfig.Mode)
	}
	if out.EphemeralStorage != nil {
		c.Storage = aws.ToInt32(out.EphemeralStorage.Size)
	}
	if l := out.LoggingConfig; l != nil {
		c.Logging = logging{Format: string(l.LogFormat), Group: aws.ToString(l.LogGroup), Application: string(l.ApplicationLogLevel), System: string(l.SystemLogLevel)}
	}
	if len(out.Architectures) > 0 {
		c.Architecture = string(out.Architectures[0])
	}
	if out.Environment != nil {
		maps.Copy(c.Environment, out.Environment.Variables)
	}
	if v := out.VpcConfig; v != nil {
		c.Subnets, c.Groups = slices.Sorted(slices.Values(v.SubnetIds)), slices.Sorted(slices.Values(v.SecurityGroupIds))
		c.IPv6 = aws.ToBool(v.Ipv6AllowedForDualStack)
	}
	return c
}

// wanted is the configuration that the script asks for, as far as it is known.
func (f *function) wanted() (c configuration, unknown []string) {
	g, s := f.graph, f.s
	text := func(name string) string {
		v, ok := g.String(s.Prop(name))
		if !ok {
			unknown = append(unknown, name)
		}
		return v
	}
	c = configuration{
		Runtime: text("Runtime"), Handler: text("Handler"), Architecture: text("Architecture"),
		Memory:      int32(g.Number(s.Prop("MemorySize"), defaultMemory)),
		Timeout:     int32(g.Number(s.Prop("Timeout"), defaultTimeout)),
		Code:        f.code.sha256(),
		Description: text("Description"), Tracing: cmp.Or(text("Tracing"), string(types.TracingModePassThrough)),
		Storage: int32(g.Number(s.Prop("EphemeralStorage"), defaultStorage)), Logging: defaultLogging(f.name),
	}
	var known bool
	if c.Layers, known = g.Strings(s.Prop("Layers")); !known {
		unknown = append(unknown, "Layers")
	}
	if l, ok := s.Prop("Logging").(*check.Compound); ok {
		part := func(name, def string) string {
			v, ok := g.String(of(l.Prop(name), "name"))
			if !ok {
				unknown = append(unknown, "Logging")
			}
			return cmp.Or(v, def)
		}
		c.Logging = logging{Format: part("Format", c.Logging.Format), Group: part("Group", c.Logging.Group)}
		if c.Logging.Format == string(types.LogFormatJson) {
			c.Logging.Application, c.Logging.System = part("ApplicationLevel", "INFO"), part("SystemLevel", "INFO")
		}
	}
	if c.Runtime == "go" {
		c.Runtime = "provided.al2023"
		if c.Handler == "" {
			c.Handler = "bootstrap"
		}
	}
	if c.Architecture == "" {
		c.Architecture = defaultArchitecture
	}
	if f.role != nil {
		c.Role = f.role.arn
		if c.Role == "" {
			unknown = append(unknown, "Role")
		}
	} else {
		c.Role = text("Role")
	}
	c.Environment = map[string]string{}
	if v := s.Prop("Environment"); v != nil {
		m, ok := g.Value(v)
		if !ok {
			unknown = append(unknown, "Environment")
		}
		vars, _ := m.(map[string]any)
		for name, value := range vars {
			c.Environment[name] = deploy.Text(value)
		}
	}
	if v, ok := s.Prop("VpcConfig").(*check.Compound); ok {
		var okSubnets, okGroups bool
		c.Subnets, okSubnets = g.Strings(v.Prop("Subnets"))
		c.Groups, okGroups = g.Strings(v.Prop("SecurityGroups"))
		if !okSubnets || !okGroups {
			unknown = append(unknown, "VpcConfig")
		}
		c.Subnets, c.Groups = slices.Sorted(slices.Values(c.Subnets)), slices.Sorted(slices.Values(c.Groups))
		c.IPv6 = g.Bool(v.Prop("DualStack"), false)
	}
	return c, unknown
}

// vpc is the network placement in one line.
func (c *configuration) vpc() string {
	if len(c.Subnets)+len(c.Groups) == 0 {
		return ""
	}
	text := strings.Join(c.Subnets, ",") + "/" + strings.Join(c.Groups, ",")
	if c.IPv6 {
		text += " dual-stack"
	}
	return text
}

// diff lists what distinguishes two configurations. Environment variables are named, but their values are not shown: they
// may be secrets.
func (c *configuration) diff(want *configuration) []deploy.Change {
	var changes []deploy.Change
	differ := func(property, old, new string) {
		if old != new {
			changes = append(changes, deploy.Change{Property: property, Old: old, New: new})
		}
	}
	differ("Runtime", c.Runtime, want.Runtime)
	differ("Handler", c.Handler, want.Handler)
	differ("Role", c.Role, want.Role)
	differ("MemorySize", strconv.Itoa(int(c.Memory)), strconv.Itoa(int(want.Memory)))
	differ("Timeout", strconv.Itoa(int(c.Timeout)), strconv.Itoa(int(want.Timeout)))
	names := maps.Clone(c.Environment)
	maps.Copy(names, want.Environment)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		have, ok := c.Environment[name]
		if new, wanted := want.Environment[name]; ok != wanted || have != new {
			changes = append(changes, deploy.Change{Property: "Environment " + name})
		}
	}
	differ("VpcConfig", c.vpc(), want.vpc())
	differ("Description", c.Description, want.Description)
	differ("EphemeralStorage", number(c.Storage), number(want.Storage))
	differ("Layers", strings.Join(c.Layers, ", "), strings.Join(want.Layers, ", "))
	differ("Logging", c.Logging.String(), want.Logging.String())
	differ("Tracing", c.Tracing, want.Tracing)
	return changes
}

// codeDiff lists what UpdateFunctionCode changes.
func (c *configuration) codeDiff(want *configuration) []deploy.Change {
	var changes []deploy.Change
	if c.Architecture != want.Architecture {
		changes = append(changes, deploy.Change{Property: "Architecture", Old: c.Architecture, New: want.Architecture})
	}
	if c.Code != want.Code {
		changes = append(changes, deploy.Change{Property: "code"})
	}
	return changes
}

func (f *function) Plan() (deploy.Step, error) {
	want, unknown := f.wanted()
	if f.found == nil {
		return deploy.Step{Action: deploy.Create}, nil
	}
	changes := append(f.found.diff(&want), f.found.codeDiff(&want)...)
	if want := f.reserve(); want != f.reserved {
		changes = append(changes, deploy.Change{Property: "ReservedConcurrency", Old: f.reserved, New: want})
	}
	for _, name := range unknown {
		if !slices.ContainsFunc(changes, func(c deploy.Change) bool { return c.Property == name }) {
			changes = append(changes, deploy.Change{Property: name})
		}
	}
	return updateIf(changes), nil
}

// reserve is the concurrency that the script reserves, or "".
func (f *function) reserve() string {
	if f.s.Prop("ReservedConcurrency") == nil {
		return ""
	}
	return deploy.Text(f.graph.Number(f.s.Prop("ReservedConcurrency"), 0))
}

// Apply changes what differs. Concurrency is no part of the configuration: it belongs to the function and all its versions.
func (f *function) Apply(ctx context.Context) error {
	if err := f.configure(ctx); err != nil {
		return err
	}
	want := f.reserve()
	switch {
	case want == f.reserved:
		return nil
	case want == "":
		_, err := f.p.lambda.DeleteFunctionConcurrency(ctx, &lambda.DeleteFunctionConcurrencyInput{FunctionName: &f.name})
		f.reserved = ""
		return err
	}
	n := int32(f.graph.Number(f.s.Prop("ReservedConcurrency"), 0))
	_, err := f.p.lambda.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: &f.name, ReservedConcurrentExecutions: &n})
	f.reserved = want
	return err
}

func (f *function) configure(ctx context.Context) error {
	want, _ := f.wanted()
	if f.found == nil {
		return f.create(ctx, want)
	}
	if len(f.found.diff(&want)) > 0 {
		err := f.persist(ctx, func(ctx context.Context) error {
			_, err := f.p.lambda.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{
				FunctionName: &f.name, Runtime: types.Runtime(want.Runtime), Handler: &want.Handler, Role: &want.Role,
				MemorySize: &want.Memory, Timeout: &want.Timeout, Environment: &types.Environment{Variables: want.Environment},
				VpcConfig: vpcConfig(&want), Description: &want.Description, EphemeralStorage: &types.EphemeralStorage{Size: &want.Storage},
				Layers: append([]string{}, want.Layers...), LoggingConfig: loggingConfig(want.Logging), TracingConfig: &types.TracingConfig{Mode: types.TracingMode(want.Tracing)},
			})
			return err
		})
		if err != nil {
			return err
		}
		if err := f.await(ctx); err != nil {
			return err
		}
	}
	if len(f.found.codeDiff(&want)) > 0 {
		err := f.persist(ctx, func(ctx context.Context) error {
			_, err := f.p.lambda.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: &f.name,
				S3Bucket: &f.code.bucket, S3Key: &f.code.key, Architectures: []types.Architecture{types.Architecture(want.Architecture)}})
			return err
		})
		if err != nil {
			return err
		}
		return f.await(ctx)
	}
	return nil
}

func (f *function) create(ctx context.Context, want configuration) error {
	in := &lambda.CreateFunctionInput{
		FunctionName: &f.name, Runtime: types.Runtime(want.Runtime), Handler: &want.Handler, Role: &want.Role,
		Architectures: []types.Architecture{types.Architecture(want.Architecture)}, PackageType: types.PackageTypeZip,
		MemorySize: &want.Memory, Timeout: &want.Timeout,
		Code: &types.FunctionCode{S3Bucket: &f.code.bucket, S3Key: &f.code.key},
	}
	if len(want.Environment) > 0 {
		in.Environment = &types.Environment{Variables: want.Environment}
	}
	if want.vpc() != "" {
		in.VpcConfig = vpcConfig(&want)
	}
	in.Layers, in.Description = want.Layers, optional(want.Description)
	if want.Storage != defaultStorage {
		in.EphemeralStorage = &types.EphemeralStorage{Size: &want.Storage}
	}
	if want.Tracing != string(types.TracingModePassThrough) {
		in.TracingConfig = &types.TracingConfig{Mode: types.TracingMode(want.Tracing)}
	}
	if want.Logging != defaultLogging(f.name) {
		in.LoggingConfig = loggingConfig(want.Logging)
	}
	err := f.persist(ctx, func(ctx context.Context) error {
		_, err := f.p.lambda.CreateFunction(ctx, in)
		return err
	})
	if err != nil {
		return err
	}
	return f.await(ctx)
}

// vpcConfig is the network placement; empty lists take a function out of its network.
func vpcConfig(c *configuration) *types.VpcConfig {
	return &types.VpcConfig{SubnetIds: append([]string{}, c.Subnets...), SecurityGroupIds: append([]string{}, c.Groups...),
		Ipv6AllowedForDualStack: aws.Bool(c.IPv6)}
}

func loggingConfig(l logging) *types.LoggingConfig {
	return &types.LoggingConfig{LogFormat: types.LogFormat(l.Format), LogGroup: &l.Group,
		ApplicationLogLevel: types.ApplicationLogLevel(l.Application), SystemLogLevel: types.SystemLogLevel(l.System)}
}

// persist repeats a call as long as AWS refuses it for a reason that passes: another update is under way, or the role was
// made a moment ago and is not known everywhere yet. Both come with a code that has other meanings too.
func (f *function) persist(ctx context.Context, call func(context.Context) error) error {
	newRole := f.role != nil && f.role.changed
	err := deploy.Retry(ctx, functionWait, busy, func(ctx context.Context) error {
		if !newRole {
			return call(ctx)
		}
		return deploy.Retry(ctx, roleWait, func(err error) string {
			message := err.Error()
			if is(err, "InvalidParameterValueException") &&
				(strings.Contains(message, "cannot be assumed by Lambda") || strings.Contains(message, "does not have permissions to call")) {
				return "until " + f.role.String() + " is known to Lambda"
			}
			return ""
		}, call)
	})
	return err
}

// busy recognises a function that is just being changed.
func busy(err error) string {
	if is(err, "ResourceConflictException") && (strings.Contains(err.Error(), "in progress") || strings.Contains(err.Error(), "Pending")) {
		return "for another update of the function to end"
	}
	return ""
}

// await waits until the function is active and its last update is through, and reads it again.
func (f *function) await(ctx context.Context) error {
	return deploy.Await(ctx, "for "+f.String()+" to become active", functionWait, func(ctx context.Context) (bool, error) {
		out, err := f.p.lambda.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: &f.name})
		if err != nil {
			return false, err
		}
		switch c := out.Configuration; {
		case c.State == types.StateFailed:
			return false, fmt.Errorf("the function failed to become active: %s", aws.ToString(c.StateReason))
		case c.LastUpdateStatus == types.LastUpdateStatusFailed:
			return false, fmt.Errorf("the update failed: %s", aws.ToString(c.LastUpdateStatusReason))
		case c.State == types.StatePending, c.LastUpdateStatus == types.LastUpdateStatusInProgress:
			return false, nil
		}
		f.arn, f.found = aws.ToString(out.Configuration.FunctionArn), configurationOf(out.Configuration)
		return true, nil
	})
}

// Delete removes the function with its versions and aliases.
func (f *function) Delete(ctx context.Context) error {
	_, err := f.p.lambda.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: &f.name})
	return ignore(err, "ResourceNotFoundException")
}

func (f *function) Member(name string) (any, bool) {
	switch name {
	case "name":
		return f.name, true
	case "arn":
		return f.arn, f.arn != ""
	case "integrationUri":
		return invocationURI(f.p, f.arn), f.arn != ""
	}
	return nil, false
}

func (f *function) Outputs() []deploy.Output {
	return []deploy.Output{{Type: "aws.Lambda.Function", Resource: f.name, Name: "arn", Value: f.arn}}
}

// errNoVersion is impossible as long as Lambda answers PublishVersion with a version.
var errNoVersion = errors.New("the function has no published version")
