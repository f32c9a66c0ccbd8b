package aws

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"quotewire/deploy"
)

// deploymentWait is how long a deployment may take.
const deploymentWait = 5 * time.Minute

// route sends what its key selects to an integration.
type route struct {
	api         *api
	key         string
	integration *integration
	made        bool
	again       *types.Route // what Reread has found
}

func (r *route) found() *types.Route {
	if r.again != nil {
		return r.again
	}
	for n := range r.api.existing.routes {
		if found := &r.api.existing.routes[n]; aws.ToString(found.RouteKey) == r.key {
			return found
		}
	}
	return nil
}

func (r *route) String() string             { return "route " + r.key + " of " + r.api.name }
func (r *route) Read(context.Context) error { return nil } // the API has
func (r *route) Exists() bool               { return r.made || r.found() != nil }
func (r *route) Member(string) (any, bool)  { return nil, false }

// Reread looks for this route alone: others of its API may be changing.
func (r *route) Reread(ctx context.Context) error {
	all, err := r.api.listRoutes(ctx)
	for n := range all {
		if aws.ToString(all[n].RouteKey) == r.key {
			r.again = &all[n]
		}
	}
	return err
}

func (r *route) target() string { return "integrations/" + r.integration.identifier() }

func (r *route) Plan() (deploy.Step, error) {
	switch f := r.found(); {
	case f == nil:
		return deploy.Step{Action: deploy.Create}, nil
	case !r.integration.Exists() || aws.ToString(f.Target) != r.target():
		return updateIf([]deploy.Change{{Property: "target", New: "integration " + r.integration.name}}), nil
	}
	return deploy.Step{}, nil
}

func (r *route) Apply(ctx context.Context) error {
	target := r.target()
	if f := r.found(); f != nil {
		_, err := r.api.p.gateway.UpdateRoute(ctx, &apigatewayv2.UpdateRouteInput{ApiId: &r.api.id, RouteId: f.RouteId, Target: &target})
		return err
	}
	_, err := r.api.p.gateway.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{ApiId: &r.api.id, RouteKey: &r.key, Target: &target})
	r.made = err == nil
	return err
}

func (r *route) Delete(ctx context.Context) error {
	_, err := r.api.p.gateway.DeleteRoute(ctx, &apigatewayv2.DeleteRouteInput{ApiId: &r.api.id, RouteId: r.found().RouteId})
	return ignore(err, "NotFoundException")
}

// leftovers are the routes and integrations that the deployer made and the script no longer has. Integrations that
// somebody else made stay, and so do the routes to them.
type leftovers struct {
	api *api
}

func (l *leftovers) String() string             { return "leftovers of " + l.api.name }
func (l *leftovers) Read(context.Context) error { return nil }
func (l *leftovers) Exists() bool               { return false }
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
			integrations = append(integrations, leftover{"integration " + aws.ToString(i.Description), aws.ToString(i.IntegrationId)})
		}
	}
	for _, r := range l.api.existing.routes {
		wanted := slices.ContainsFunc(l.api.routes, func(w *route) bool { return w.key == aws.ToString(r.RouteKey) })
		if !wanted && made[aws.ToString(r.Target)] {
			routes = append(routes, leftover{"route " + aws.ToString(r.RouteKey), aws.ToString(r.RouteId)})
		}
	}
	return routes, integrations
}

type leftover struct{ name, id string }

func (l *leftovers) Plan() (deploy.Step, error) {
	routes, integrations := l.list()
	var changes []deploy.Change
	for _, part := range append(routes, integrations...) {
		changes = append(changes, deploy.Change{Property: part.name + " removed"})
	}
	return updateIf(changes), nil
}

// Apply removes routes first: an integration that a route leads to cannot be removed.
func (l *leftovers) Apply(ctx context.Context) error {
	routes, integrations := l.list()
	for _, part := range routes {
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
	return nil
}

// stage is a name under which an API can be called.
type stage struct {
	api   *api
	name  string
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
func (s *stage) Member(string) (any, bool)  { return nil, false }

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

func (s *stage) Plan() (deploy.Step, error) {
	if !s.Exists() {
		return deploy.Step{Action: deploy.Create}, nil
	}
	return deploy.Step{}, nil
}

func (s *stage) Apply(ctx context.Context) error {
	_, err := s.api.p.gateway.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: &s.api.id, StageName: &s.name})
	s.made = err == nil
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
		lines = append(lines, fmt.Sprintf("%q %s", r.key, r.target()))
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
