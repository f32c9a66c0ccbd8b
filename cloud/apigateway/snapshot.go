package apigateway

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// snapshot is what a deployment froze of an API: what its stages serve until they are pointed at another one.
type snapshot struct {
	RouteSelectionExpression string
	Routes                   map[string]*route
	RouteResponses           map[string]map[string]*routeResponse
	Integrations             map[string]*integration
	IntegrationResponses     map[string]map[string]*integrationResponse
	Authorizers              map[string]*authorizer
	Models                   map[string]*model

	selection selection        // compiled RouteSelectionExpression of a WebSocket API
	byKey     map[string]*path // every route with what it leads to
	paths     []*path          // the routes of an HTTP API with a path, most specific first
}

// path is a route with what it leads to.
type path struct {
	*route
	integration *integration       // nil for a route without a target
	mapping     *requestMapping    // of the integration of a WebSocket route
	responses   []*responseMapping // to its answers

	modelSelection selection // of the model that a message must fit
	schemas        map[string]*jsonschema.Schema

	authorizer *authorizer
	twoWay     bool         // a WebSocket route whose integration's answer goes back to the client
	pattern    *pathPattern // of an HTTP route with a path

	requestMappings  []mapping         // of the integration of an HTTP route
	responseMappings map[int][]mapping // by status
}

// freeze makes a snapshot of what a has now.
func (a *api) freeze() (*snapshot, error) {
	b := a.clone() // so that nothing is shared with a later version that is still being changed
	s := &snapshot{
		RouteSelectionExpression: b.Properties.RouteSelectionExpression,
		Routes:                   b.Routes,
		RouteResponses:           b.RouteResponses,
		Integrations:             b.Integrations,
		IntegrationResponses:     b.IntegrationResponses,
		Authorizers:              b.Authorizers,
		Models:                   b.Models,
	}
	return s, s.compile()
}

func (s *snapshot) equal(t *snapshot) bool {
	x, _ := json.Marshal(s)
	y, _ := json.Marshal(t)
	return bytes.Equal(x, y)
}

func (s *snapshot) compile() (err error) {
	if s.selection, err = parseSelection(s.RouteSelectionExpression); err != nil {
		return err
	}
	s.byKey = make(map[string]*path, len(s.Routes))
	for _, r := range s.Routes {
		p := &path{route: r, authorizer: s.Authorizers[r.AuthorizerID]}
		if id, ok := strings.CutPrefix(r.Target, "integrations/"); ok {
			p.integration = s.Integrations[id]
			if p.integration != nil && s.selection != nil { // a WebSocket API's
				if p.mapping, err = p.integration.requestMapping(); err != nil {
					return err
				}
				if p.responses, err = responsesInOrder(s.IntegrationResponses[id]); err != nil {
					return err
				}
			}
		}
		if err = p.compileModels(s.Models); err != nil {
			return err
		}
		if p.integration != nil && isMethodAndPath(s.RouteSelectionExpression) {
			if err := p.compileMappings(); err != nil {
				return err
			}
		}
		for _, response := range s.RouteResponses[r.RouteID] {
			p.twoWay = p.twoWay || response.RouteResponseKey == "$default" && r.RouteResponseSelectionExpression == "$default"
		}
		s.byKey[r.RouteKey] = p
		if method, pattern, ok := strings.Cut(r.RouteKey, " "); ok {
			p.pattern = parsePathPattern(method, pattern)
			s.paths = append(s.paths, p)
		}
	}
	slices.SortFunc(s.paths, func(a, b *path) int { return a.pattern.compare(b.pattern) })
	return nil
}

// deploy makes a deployment of what a has now, or says why that cannot be.
func (a *api) deploy(d *deployment) error {
	if len(a.Routes) == 0 {
		return badRequest("At least one route is required before deploying the Api.")
	}
	for _, key := range slices.Sorted(maps.Keys(a.Routes)) {
		if r := a.Routes[key]; a.isWebSocket() && r.Target == "" {
			return badRequest("The route %s has no integration: give it a target before deploying the Api.", r.RouteKey)
		}
	}
	snap, err := a.freeze()
	if err != nil {
		return badRequest("The Api cannot be deployed: %v", err)
	}
	d.DeploymentID = resourceID(6)
	d.CreatedDate, d.DeploymentStatus = now(), "DEPLOYED"
	a.Deployments[d.DeploymentID] = d
	a.snapshots[d.DeploymentID] = snap
	return nil
}

// autoDeploy brings the stages that deploy themselves up to date. A deployment of their own that nothing serves any
// more is dropped, as no one can have asked for it.
func (a *api) autoDeploy() {
	var made *deployment // stages share one
	for _, st := range a.Stages {
		if !st.AutoDeploy {
			continue
		}
		if snap := a.snapshots[st.DeploymentID]; snap != nil {
			if current, err := a.freeze(); err == nil && snap.equal(current) {
				continue
			}
		}
		if made == nil {
			d := &deployment{AutoDeployed: true, Description: "Automatic deployment triggered by changes to the Api configuration"}
			if err := a.deploy(d); err != nil {
				st.LastDeploymentStatusMessage = "Deployment attempt failed: " + errorMessage(err)
				continue
			}
			made = d
		}
		st.DeploymentID, st.LastUpdatedDate = made.DeploymentID, now()
		st.LastDeploymentStatusMessage = "Successfully deployed stage with deployment ID '" + made.DeploymentID + "'"
	}
	for id, d := range a.Deployments {
		if d.AutoDeployed && !a.serves(id) {
			delete(a.Deployments, id)
			delete(a.snapshots, id)
		}
	}
}

// serves reports whether a stage points at the deployment.
func (a *api) serves(deploymentID string) bool {
	for _, st := range a.Stages {
		if st.DeploymentID == deploymentID {
			return true
		}
	}
	return false
}
