package aws

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"quotewire/deploy"
	"quotewire/dply/check"
	"quotewire/dply/schema"
)

func init() {
	register(entry{Type: &schema.Type{
		Name:       "api.gatewayV2 stage",
		Doc:        "A name under which the API can be called. It is deployed when something beneath it has changed.",
		Properties: stageProperties,
	}})
}

var stageProperties = []schema.Property{
	{Name: "AutoDeploy", Kinds: booleans, Doc: "Whether API Gateway itself deploys each change at once, HTTP APIs only. The deployer makes no deployments then.", Default: "false"},
	{Name: "RateLimit", Kinds: numbers, Min: 0, Max: mostRate, Doc: "Requests a second on average, for every route.", Default: "the account's"},
	{Name: "BurstLimit", Kinds: numbers, Min: 0, Max: mostBurst, Doc: "Requests at once, for every route.", Default: "the account's"},
	{Name: "DetailedMetrics", Kinds: booleans, Doc: "Whether CloudWatch counts by route.", Default: "false"},
	{Name: "RouteSettings", Kinds: lists, Items: dicts, Entries: routeSettingsEntries, Doc: "What is different for single routes.", Default: "none"},
	{Name: "AccessLog", Kinds: objects, Objects: []string{"aws.Logs.LogGroup"}, Doc: "The log group of the access log, by its ARN, or the group itself.", Default: "none"},
	{Name: "AccessLogFormat", Kinds: texts, Doc: "A line of the access log, with $context variables.", Default: "JSON with the request's id, address, time, route and status", With: "AccessLog"},
	{Name: "Variables", Kinds: dicts, Doc: "Stage variables."},
}

// defaultAccessLog is a line of the access log where the script gives none.
const defaultAccessLog = `{"requestId":"$context.requestId","ip":"$context.identity.sourceIp","time":"$context.requestTime","routeKey":"$context.routeKey","status":"$context.status"}`

// deploymentWait is how long a deployment may take.
const deploymentWait = 5 * time.Minute

// leftovers are the routes and integrations that the deployer made and the script no longer has. Integrations that
// somebody else made stay, and so do the routes to them.
type leftovers struct {
	api *api
}

func (l *leftovers) String() string             { return "leftovers of " + l.api.name }
func (l *leftovers) Read(context.Context) error { return nil }
func (l *leftovers) Exists() bool               { return false }
func (l *leftovers) Tidies()                    {}
func (l *leftovers) Member(string) (any, bool)  { return nil, false }

// list returns the ids to remove by what people call them.
func (l *leftovers) list() (routes, integrations []leftover) {
	made := map[string]bool{"": true} // targets of the deployer's; a route to nothing is nobody's
	for _, i := range l.api.existing.integrations {
		if !ours(i) {
			continue
		}
		made["integrations/"+aws.ToString(i.IntegrationId)] = true
		if !slices.ContainsFunc(l.api.integrations, func(w *integration) bool { return label(w.name) == aws.ToString(i.Description) }) {
			integrations = append(integrations, leftover{name: "integration " + aws.ToString(i.Description), id: aws.ToString(i.IntegrationId)})
		}
	}
	for _, r := range l.api.existing.routes {
		wanted := slices.ContainsFunc(l.api.routes, func(w *route) bool { return w.key == aws.ToString(r.RouteKey) })
		if !wanted && made[aws.ToString(r.Target)] {
			key := aws.ToString(r.RouteKey)
			routes = append(routes, leftover{"route " + key, aws.ToString(r.RouteId), key})
		}
	}
	slices.SortFunc(routes, func(a, b leftover) int { return strings.Compare(a.name, b.name) }) // AWS lists them by id
	return routes, integrations
}

type leftover struct {
	name, id string
	key      string // of a route
}

// authorizers are those that no route of the script uses and the deployer's own routes had.
func (l *leftovers) authorizers() []leftover {
	var all []leftover
	for _, a := range l.api.existing.authorizers {
		name := aws.ToString(a.Name)
		if !slices.ContainsFunc(l.api.authorizers, func(w *authorizer) bool { return w.name == name }) {
			all = append(all, leftover{name: "authorizer " + name, id: aws.ToString(a.AuthorizerId)})
		}
	}
	return all
}

func (l *leftovers) Plan() (deploy.Step, error) {
	routes, integrations := l.list()
	var changes []deploy.Change
	for _, part := range slices.Concat(routes, integrations, l.authorizers()) {
		changes = append(changes, deploy.Change{Property: part.name + " removed"})
	}
	return updateIf(changes), nil
}

// Apply removes routes first: an integration that a route leads to cannot be removed.
func (l *leftovers) Apply(ctx context.Context) error {
	routes, integrations := l.list()
	for _, part := range routes {
		if err := l.api.dropRouteSettings(ctx, part.key); err != nil {
			return err
		}
		_, err := l.api.p.gateway.DeleteRoute(ctx, &apigatewayv2.DeleteRouteInput{ApiId: &l.api.id, RouteId: &part.id})
		if err := ignore(err, "NotFoundException"); err != nil {
			return err
		}
	}
	for _, part := range integrations {
		_, err := l.api.p.gateway.DeleteIntegration(ctx, &apigatewayv2.DeleteIntegrationInput{ApiId: &l.api.id, IntegrationId: &part.id})
		if err := ignore(err, "NotFoundException"); err != nil {
			return err
		}
	}
	for _, part := range l.authorizers() {
		_, err := l.api.p.gateway.DeleteAuthorizer(ctx, &apigatewayv2.DeleteAuthorizerInput{ApiId: &l.api.id, AuthorizerId: &part.id})
		if err := ignore(err, "NotFoundException"); err != nil {
			return err
		}
	}
	return nil
}

// stage is a name under which an API can be called.
type stage struct {
	api   *api
	name  string
	part  *check.Part
	made  bool
	again *types.Stage // what Reread has found
}

func (s *stage) found() *types.Stage {
	if s.again != nil {
		return s.again
	}
	for n := range s.api.existing.stages {
		if found := &s.api.existing.stages[n]; aws.ToString(found.StageName) == s.name {
			return found
		}
	}
	return nil
}

func (s *stage) String() string             { return "stage " + s.name + " of " + s.api.name }
func (s *stage) Read(context.Context) error { return nil } // the API has
func (s *stage) Exists() bool               { return s.made || s.found() != nil }

func (s *stage) Member(name string) (any, bool) { return s.name, name == "name" }

// Reread looks for this stage alone.
func (s *stage) Reread(ctx context.Context) error {
	all, err := s.api.listStages(ctx)
	for n := range all {
		if aws.ToString(all[n].StageName) == s.name {
			s.again = &all[n]
		}
	}
	return err
}

func (s *stage) values() *values {
	return &values{Provider: s.api.p, graph: s.api.graph, props: s.part.Props, name: s.name}
}

// want is the stage as the script has it.
func (s *stage) want(v *values) (w types.Stage) {
	w.AutoDeploy = aws.Bool(v.flag("AutoDeploy", false))
	if to := v.object("AccessLog", "arn"); v.has("AccessLog") {
		w.AccessLogSettings = &types.AccessLogSettings{DestinationArn: aws.String(strings.TrimSuffix(to, ":*")), Format: aws.String(v.text("AccessLogFormat", defaultAccessLog))}
	}
	w.DefaultRouteSettings = &types.RouteSettings{DetailedMetricsEnabled: aws.Bool(v.flag("DetailedMetrics", false))}
	if v.has("RateLimit") {
		w.DefaultRouteSettings.ThrottlingRateLimit = aws.Float64(v.graph.Number(v.value("RateLimit"), 0))
	}
	if v.has("BurstLimit") {
		w.DefaultRouteSettings.ThrottlingBurstLimit = aws.Int32(v.integer("BurstLimit", 0))
	}
	w.RouteSettings = wantRouteSettings(v, w.DefaultRouteSettings)
	if x := v.value("Variables"); x != nil {
		m, known := v.graph.Value(x)
		v.note("Variables", known)
		w.StageVariables = map[string]string{}
		vars, _ := m.(map[string]any)
		for name, value := range vars {
			w.StageVariables[name] = deploy.Text(value)
		}
	}
	return w
}

func stageSettings(s *types.Stage) settings {
	all := limits(s.DefaultRouteSettings)
	all["AutoDeploy"], all["AccessLog"], all["AccessLogFormat"] = yes(aws.ToBool(s.AutoDeploy)), "", ""
	if l := s.AccessLogSettings; l != nil {
		all["AccessLog"], all["AccessLogFormat"] = strings.TrimSuffix(aws.ToString(l.DestinationArn), ":*"), aws.ToString(l.Format)
	}
	var vars []string
	for name, value := range s.StageVariables {
		vars = append(vars, name+"="+value)
	}
	all["Variables"] = sorted(vars)
	return all
}

// The limits of an account, unless AWS has raised them. No stage can have more.
const (
	mostRate  = 10000
	mostBurst = 5000
)

// differs lists what is to be changed. A stage that may have what the account may have has no limit of its own.
func (s *stage) differs() []deploy.Change {
	v := s.values()
	want := s.want(v)
	found := s.found()
	wanted := stageSettings(&want)
	changes := differences(unbounded(stageSettings(found), wanted), wanted, v.unknown)
	if slices.Contains(v.unknown, "RouteSettings") {
		return append(changes, deploy.Change{Property: "RouteSettings"})
	}
	routes := routesDiffer(found, &want)
	for _, key := range slices.Sorted(maps.Keys(routes)) {
		changes = append(changes, routes[key]...)
	}
	return changes
}

// unlimited reports whether a limit is to go that the stage has.
func (s *stage) unlimited() bool {
	return slices.ContainsFunc(s.differs(), func(c deploy.Change) bool {
		return c.New == "" && (c.Property == "RateLimit" || c.Property == "BurstLimit")
	})
}

func (s *stage) Plan() (deploy.Step, error) {
	if err := s.checkRoutes(); err != nil {
		return deploy.Step{}, err
	}
	switch {
	case !s.Exists():
		return deploy.Step{Action: deploy.Create}, nil
	case s.found() == nil:
		return deploy.Step{}, nil
	}
	return updateIf(s.differs()), nil
}

func (s *stage) Apply(ctx context.Context) error {
	v := s.values()
	w, gw := s.want(v), s.api.p.gateway
	defaults := w.DefaultRouteSettings
	if !v.has("RateLimit") && !v.has("BurstLimit") && !v.has("DetailedMetrics") {
		defaults = nil
	}
	f := s.found()
	if f == nil {
		in := &apigatewayv2.CreateStageInput{ApiId: &s.api.id, StageName: &s.name, AccessLogSettings: w.AccessLogSettings, DefaultRouteSettings: defaults, RouteSettings: w.RouteSettings, StageVariables: w.StageVariables}
		if aws.ToBool(w.AutoDeploy) {
			in.AutoDeploy = w.AutoDeploy
		}
		_, err := gw.CreateStage(ctx, in)
		s.made = err == nil
		return err
	}
	if w.AccessLogSettings == nil && f.AccessLogSettings != nil {
		if _, err := gw.DeleteAccessLogSettings(ctx, &apigatewayv2.DeleteAccessLogSettingsInput{ApiId: &s.api.id, StageName: &s.name}); ignore(err, "NotFoundException") != nil {
			return err
		}
	}
	if err := s.retireRouteSettings(ctx, f, &w); err != nil {
		return err
	}
	in := &apigatewayv2.UpdateStageInput{ApiId: &s.api.id, StageName: &s.name, AutoDeploy: w.AutoDeploy, AccessLogSettings: w.AccessLogSettings, RouteSettings: w.RouteSettings, StageVariables: map[string]string{}}
	for name, value := range w.StageVariables {
		in.StageVariables[name] = value
	}
	for name := range f.StageVariables {
		if _, kept := in.StageVariables[name]; !kept {
			in.StageVariables[name] = "" // which removes it
		}
	}
	if in.DefaultRouteSettings = defaults; defaults == nil && f.DefaultRouteSettings != nil && aws.ToBool(f.DefaultRouteSettings.DetailedMetricsEnabled) {
		in.DefaultRouteSettings = w.DefaultRouteSettings
	}
	unlimited := s.unlimited()
	if unlimited {
		in.DefaultRouteSettings = w.DefaultRouteSettings
	}
	out, err := gw.UpdateStage(ctx, in)
	if err != nil || !unlimited || out.DefaultRouteSettings == nil {
		return err
	}
	// No call takes a limit away. Where one that is left out stays, the account's takes its place.
	d := out.DefaultRouteSettings
	if d.ThrottlingRateLimit != nil && w.DefaultRouteSettings.ThrottlingRateLimit == nil {
		w.DefaultRouteSettings.ThrottlingRateLimit = aws.Float64(mostRate)
	}
	if d.ThrottlingBurstLimit != nil && w.DefaultRouteSettings.ThrottlingBurstLimit == nil {
		w.DefaultRouteSettings.ThrottlingBurstLimit = aws.Int32(mostBurst)
	}
	_, err = gw.UpdateStage(ctx, &apigatewayv2.UpdateStageInput{ApiId: &s.api.id, StageName: &s.name, DefaultRouteSettings: w.DefaultRouteSettings})
	return err
}

func (s *stage) Delete(ctx context.Context) error {
	_, err := s.api.p.gateway.DeleteStage(ctx, &apigatewayv2.DeleteStageInput{ApiId: &s.api.id, StageName: &s.name})
	return ignore(err, "NotFoundException")
}

// Outputs is the address of the stage. The stage $default has none of its own: it is what the API's address means.
func (s *stage) Outputs() []deploy.Output {
	url := s.api.endpoint
	if s.name != "$default" {
		url += "/" + s.name
	}
	return []deploy.Output{{Type: typeStage, Resource: s.api.name + "/" + s.name, Name: "url", Value: url}}
}

// deployment makes a stage serve what the API is now. What a deployment has frozen cannot be read back; the fingerprint of
// it in the description says whether it is still the same. A run that was cut off before its deployment is completed by
// the next one for the same reason.
type deployment struct {
	api   *api
	stage *stage
	again []types.Deployment // what Reread has found
}

const fingerprintLabel = "quotewire "

func (d *deployment) String() string {
	return "deployment of " + d.api.name + " to " + d.stage.name
}
func (d *deployment) Read(context.Context) error { return nil }   // the API has
func (d *deployment) Exists() bool               { return false } // it goes with the API
func (d *deployment) Member(string) (any, bool)  { return nil, false }

// fingerprint is a hash of all that a deployment freezes, with the ids: a part that was removed and made again is another
// one. It is not known before all parts are there.
func (d *deployment) fingerprint() (text string, known bool) {
	protocol, selection, _ := d.api.wants()
	lines := []string{fmt.Sprintf("%s %q", protocol, selection)}
	known = true
	for _, i := range d.api.integrations {
		s, ok := i.wants()
		known = known && ok && i.Exists()
		lines = append(lines, fmt.Sprintf("%s %+v", i.identifier(), s))
	}
	for _, r := range d.api.routes {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%q %s %s", r.key, r.target(), r.frozen())))
	}
	slices.Sort(lines[1:])
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return fingerprintLabel + hex.EncodeToString(sum[:16]), known
}

// current is the description of what the stage serves, or "".
func (d *deployment) current() string {
	s := d.stage.found()
	if s == nil {
		return ""
	}
	for _, have := range slices.Concat(d.api.existing.deployments, d.again) {
		if aws.ToString(have.DeploymentId) == aws.ToString(s.DeploymentId) {
			return aws.ToString(have.Description)
		}
	}
	return ""
}

// Reread looks at what the stage serves now.
func (d *deployment) Reread(ctx context.Context) error {
	err := d.stage.Reread(ctx)
	if err == nil {
		d.again, err = d.api.listDeployments(ctx)
	}
	return err
}

func (d *deployment) Plan() (deploy.Step, error) {
	want, known := d.fingerprint()
	if have := d.current(); have == "" {
		return deploy.Step{Action: deploy.Create}, nil
	} else if known && have == want {
		return deploy.Step{}, nil
	}
	return updateIf([]deploy.Change{{Property: "what it serves"}}), nil
}

func (d *deployment) Apply(ctx context.Context) error {
	want, _ := d.fingerprint()
	out, err := d.api.p.gateway.CreateDeployment(ctx, &apigatewayv2.CreateDeploymentInput{ApiId: &d.api.id, StageName: &d.stage.name, Description: &want})
	if err != nil {
		return err
	}
	status, reason := out.DeploymentStatus, out.DeploymentStatusMessage
	return deploy.Await(ctx, "for the "+d.String(), deploymentWait, func(ctx context.Context) (bool, error) {
		switch status {
		case types.DeploymentStatusFailed:
			return false, fmt.Errorf("the deployment failed: %s", aws.ToString(reason))
		case types.DeploymentStatusPending:
			now, err := d.api.p.gateway.GetDeployment(ctx, &apigatewayv2.GetDeploymentInput{ApiId: &d.api.id, DeploymentId: out.DeploymentId})
			if err != nil {
				return false, err
			}
			status, reason = now.DeploymentStatus, now.DeploymentStatusMessage
			return status == types.DeploymentStatusDeployed, nil
		}
		return true, nil
	})
}
