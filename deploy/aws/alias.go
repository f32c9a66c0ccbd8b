package aws

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"quotewire/deploy"
	"quotewire/dply/check"
	"quotewire/dply/schema"
	"quotewire/dply/token"
)

func init() {
	register(entry{Type: aliasType, find: findAlias})
	register(entry{Type: publishVerb, verb: expandPublish})
}

var aliasType = &schema.Type{
	Name: "aws.Lambda.Alias", Find: true, Self: "arn",
	Doc: "An alias of a Lambda function. lambda.function makes them.",
	FindBy: []schema.Property{
		{Name: "FunctionName", Kinds: objects, Objects: []string{"lambda.function", "aws.Lambda.Function"}, Required: true, Doc: "The function: its name or the function itself."},
	},
	Members: []schema.Member{arnMember("alias"), nameMember("alias"), uriMember},
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

func aliasKey(function, name string) deploy.Key {
	return deploy.Key{Type: "aws.Lambda.Alias", Name: function + ":" + name}
}

// aliasOf is an alias of a function. With publish it is moved to a version that is what the function is now.
type aliasOf struct {
	p            *Provider
	function     *function // nil if the alias is only looked up
	functionName string
	name         string
	publish      bool
	pos          token.Position
	wantShare    float64 // of a version just published; 1 moves the alias as a whole

	arn     string         // "" as long as it does not exist
	version string         // that it points at
	next    string         // a newer version that gets a share of the invocations, or ""
	share   float64        // its share
	found   *configuration // of the newer one, or of the only one
}

func findAlias(p *Provider, g *deploy.Graph, s *check.Statement) error {
	name := functionName(g, s.Prop("FunctionName"))
	return found(g, s, aliasKey(name, s.Name), &aliasOf{p: p, functionName: name, name: s.Name})
}

// functionName returns the name of the function that a value means: a name, an ARN, or the object itself, whose name is
// known before anything else of it.
func functionName(g *deploy.Graph, v check.Value) string {
	if r, ok := v.(check.Reference); ok && r.Statement.Name != "" {
		return r.Statement.Name
	}
	text, _ := g.String(v)
	name, _ := splitFunction(text)
	return name
}

// splitFunction takes a function's name or ARN, with or without a qualifier, apart.
func splitFunction(text string) (name, qualifier string) {
	parts := strings.Split(text, ":")
	for i, part := range parts {
		if part == "function" && i+1 < len(parts) {
			parts = parts[i+1:]
			break
		}
	}
	if len(parts) > 1 {
		qualifier = parts[1]
	}
	return parts[0], qualifier
}

func (a *aliasOf) String() string { return "alias " + a.functionName + ":" + a.name }
func (a *aliasOf) Exists() bool   { return a.arn != "" }

func (a *aliasOf) Absent() (where, hint string) {
	return "of function " + a.functionName + " in " + a.p.region, "Give the function `Alias <- \"" + a.name + "\"` in a statement above this one."
}

func (a *aliasOf) Read(ctx context.Context) error {
	if a.function != nil && !a.function.Exists() {
		return nil
	}
	out, err := a.p.lambda.GetAlias(ctx, &lambda.GetAliasInput{FunctionName: &a.functionName, Name: &a.name})
	if is(err, "ResourceNotFoundException") {
		return nil
	}
	if err != nil {
		return err
	}
	a.arn, a.version = aws.ToString(out.AliasArn), aws.ToString(out.FunctionVersion)
	a.next, a.share = "", 1
	if out.RoutingConfig != nil {
		for version, share := range out.RoutingConfig.AdditionalVersionWeights { // one at most
			a.next, a.share = version, share
		}
	}
	if !a.publish {
		return nil
	}
	a.found, err = readVersion(ctx, a.p, a.functionName, cmp.Or(a.next, a.version))
	return err
}

// readVersion returns the configuration that a version has frozen, or nil if there is no such version.
func readVersion(ctx context.Context, p *Provider, function, version string) (*configuration, error) {
	if c, told := p.listed(ctx, function+":"+version); told && c != nil {
		return configurationOf(c), nil
	}
	out, err := p.lambda.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: &function, Qualifier: &version})
	if is(err, "ResourceNotFoundException") {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return configurationOf(out.Configuration), nil
}

// behind reports whether a version is not what the function is, or is going to be in this run.
func (f *function) behind(version *configuration) bool {
	if version == nil || f.found == nil {
		return true
	}
	want, unknown := f.wanted()
	return len(unknown) > 0 || len(version.diff(&want)) > 0 || len(version.codeDiff(&want)) > 0
}

// publishVersion freezes the function as it is and returns the version's number. Lambda answers with the version that
// exists if nothing has changed since.
func publishVersion(ctx context.Context, p *Provider, function string) (string, error) {
	var number string
	err := deploy.Retry(ctx, functionWait, busy, func(ctx context.Context) error {
		out, err := p.lambda.PublishVersion(ctx, &lambda.PublishVersionInput{FunctionName: &function})
		if err == nil {
			number = aws.ToString(out.Version)
		}
		return err
	})
	return number, err
}

func (a *aliasOf) Plan() (deploy.Step, error) {
	switch {
	case a.function == nil:
		return deploy.Step{}, nil
	case a.arn == "" && !a.publish:
		return deploy.Step{}, problem(a.pos, "E57", "Publish a version, or make the alias by hand.",
			"function %s has no alias %q, and PublishVersion <- false leaves it nothing to point at", a.functionName, a.name)
	case a.arn == "":
		return deploy.Step{Action: deploy.Create}, nil
	case a.publish && a.function.behind(a.found):
		return updateIf([]deploy.Change{{Property: "version", Old: cmp.Or(a.next, a.version), New: "a new one"}}), nil
	case a.publish && a.next != "" && a.share != a.wantShare:
		return updateIf([]deploy.Change{{Property: "AliasShare", Old: deploy.Text(a.share), New: deploy.Text(a.wantShare)}}), nil
	}
	return deploy.Step{}, nil
}

func (a *aliasOf) Apply(ctx context.Context) error {
	number, err := publishVersion(ctx, a.p, a.functionName)
	if err != nil {
		return err
	}
	return a.move(ctx, number)
}

// move points the alias at a version, and makes it if need be.
func (a *aliasOf) move(ctx context.Context, number string) error {
	if a.arn == "" {
		out, err := a.p.lambda.CreateAlias(ctx, &lambda.CreateAliasInput{FunctionName: &a.functionName, Name: &a.name, FunctionVersion: &number})
		if err != nil {
			return err
		}
		a.arn, a.version, a.share = aws.ToString(out.AliasArn), number, 1
		return nil
	}
	in := &lambda.UpdateAliasInput{FunctionName: &a.functionName, Name: &a.name, FunctionVersion: &number,
		RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{}}}
	next, share := "", 1.0
	if a.wantShare != 1 && a.version != number {
		next, share = number, a.wantShare
		in.FunctionVersion, in.RoutingConfig.AdditionalVersionWeights[next] = &a.version, share
	}
	if a.version == *in.FunctionVersion && a.next == next && a.share == share {
		return nil
	}
	_, err := a.p.lambda.UpdateAlias(ctx, in)
	a.version, a.next, a.share = *in.FunctionVersion, next, share
	return err
}

func (a *aliasOf) Delete(ctx context.Context) error {
	_, err := a.p.lambda.DeleteAlias(ctx, &lambda.DeleteAliasInput{FunctionName: &a.functionName, Name: &a.name})
	return ignore(err, "ResourceNotFoundException")
}

func (a *aliasOf) Member(name string) (any, bool) {
	switch name {
	case "name":
		return a.name, true
	case "arn":
		return a.arn, a.arn != ""
	case "integrationUri":
		return invocationURI(a.p, a.arn), a.arn != ""
	}
	return nil, false
}

// version is the newest published version of a function that has no alias.
type version struct {
	function *function
	newest   string
	found    *configuration
}

func (v *version) String() string { return "version of " + v.function.name }
func (v *version) Exists() bool   { return v.newest != "" }

func (v *version) Read(ctx context.Context) error {
	if !v.function.Exists() {
		return nil
	}
	number, err := newestVersion(ctx, v.function.p, v.function.name)
	if err != nil || number == "" {
		return err
	}
	v.newest = number
	v.found, err = readVersion(ctx, v.function.p, v.function.name, number)
	return err
}

// newestVersion returns the highest number that a function has published, or "".
func newestVersion(ctx context.Context, p *Provider, function string) (string, error) {
	highest := 0
	pages := lambda.NewListVersionsByFunctionPaginator(p.lambda, &lambda.ListVersionsByFunctionInput{FunctionName: &function})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", err
		}
		for _, c := range page.Versions {
			if n, err := strconv.Atoi(aws.ToString(c.Version)); err == nil {
				highest = max(highest, n)
			}
		}
	}
	if highest == 0 {
		return "", nil
	}
	return strconv.Itoa(highest), nil
}

func (v *version) Plan() (deploy.Step, error) {
	switch {
	case v.newest == "":
		return deploy.Step{Action: deploy.Create}, nil
	case v.function.behind(v.found):
		return updateIf([]deploy.Change{{Property: "version", Old: v.newest, New: "a new one"}}), nil
	}
	return deploy.Step{}, nil
}

func (v *version) Apply(ctx context.Context) error {
	var err error
	v.newest, err = publishVersion(ctx, v.function.p, v.function.name)
	return err
}

func (v *version) Member(string) (any, bool) { return nil, false }

// publish is lambda.publishVersion: it freezes what a function is, whoever has described it, and moves an alias there.
type publish struct {
	p            *Provider
	functionName string
	alias        *aliasOf // nil without
	publish      bool

	current *configuration // of the function, nil if it is not there yet
	newest  string
	frozen  *configuration
	node    *deploy.Node // of the function, if the run makes it
}

func expandPublish(p *Provider, g *deploy.Graph, s *check.Statement) error {
	name := functionName(g, s.Prop("Name"))
	u := &publish{p: p, functionName: name, publish: g.Bool(s.Prop("PublishVersion"), true), node: g.Lookup(functionKey(name))}
	n := g.Add(s, deploy.Key{Type: s.Verb, Name: s.Pos.String()}, u).Mentions(functionKey(name))
	if alias, _ := g.String(s.Prop("Alias")); alias != "" {
		u.alias = &aliasOf{p: p, functionName: name, name: alias, pos: s.Pos, wantShare: 1}
		n.Mentions(aliasKey(name, alias))
	}
	for _, prop := range s.Props {
		g.Uses(n, prop.Value)
	}
	return nil
}

func (u *publish) String() string            { return "version of " + u.functionName }
func (u *publish) Exists() bool              { return u.newest != "" }
func (u *publish) Member(string) (any, bool) { return nil, false }

func (u *publish) Read(ctx context.Context) error {
	var err error
	if u.current, err = readVersion(ctx, u.p, u.functionName, "$LATEST"); err != nil || u.current == nil {
		return err
	}
	if u.newest, err = newestVersion(ctx, u.p, u.functionName); err != nil {
		return err
	}
	if u.newest != "" {
		if u.frozen, err = readVersion(ctx, u.p, u.functionName, u.newest); err != nil {
			return err
		}
	}
	if u.alias != nil {
		return u.alias.Read(ctx)
	}
	return nil
}

func (u *publish) Plan() (deploy.Step, error) {
	change := func(why string) (deploy.Step, error) {
		return deploy.Step{Action: deploy.Act, Changes: []deploy.Change{{Property: why}}}, nil
	}
	if f, ok := u.maker(); ok && u.publish && f.behind(u.frozen) {
		return change("version")
	}
	switch {
	case u.publish && (u.current == nil || u.frozen == nil || len(u.frozen.diff(u.current))+len(u.frozen.codeDiff(u.current)) > 0):
		return change("version")
	case u.alias != nil && u.alias.version != u.newest:
		return change("alias " + u.alias.name)
	}
	return deploy.Step{}, nil
}

func (u *publish) maker() (*function, bool) {
	if u.node == nil {
		return nil, false
	}
	f, ok := u.node.Resource.(*function)
	return f, ok
}

func (u *publish) Apply(ctx context.Context) error {
	if u.publish {
		var err error
		if u.newest, err = publishVersion(ctx, u.p, u.functionName); err != nil {
			return err
		}
	}
	if u.newest == "" {
		return errNoVersion
	}
	if u.alias == nil {
		return nil
	}
	return u.alias.move(ctx, u.newest)
}
