package apigateway

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

var stageName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`)

func (s *Service) stages() collection[stage] {
	return collection[stage]{
		noun: "Stage",
		of:   func(a *api, _ string) (map[string]*stage, error) { return a.Stages, nil },
		prepare: func(a *api, st, old *stage) (string, error) {
			if old == nil && len(a.Stages) >= maxStages {
				return "", badRequest("An API may have %d stages", maxStages)
			}
			st.LastUpdatedDate = now()
			if old == nil {
				st.CreatedDate, st.LastDeploymentStatusMessage = st.LastUpdatedDate, ""
				for _, m := range []*map[string]string{&st.Tags, &st.StageVariables} {
					if *m == nil {
						*m = map[string]string{}
					}
				}
				if st.RouteSettings == nil {
					st.RouteSettings = map[string]routeSettings{}
				}
				st.DefaultRouteSettings.setDefaults(a.isWebSocket())
			} else {
				st.StageName, st.CreatedDate, st.Tags = old.StageName, old.CreatedDate, old.Tags
				st.APIGatewayManaged, st.LastDeploymentStatusMessage = old.APIGatewayManaged, old.LastDeploymentStatusMessage
				if st.APIGatewayManaged {
					return "", badRequest("The stage %s is managed by API Gateway: it cannot be changed", st.StageName)
				}
			}
			dropEmpty(st.StageVariables)
			return st.StageName, st.check(a, old)
		},
	}
}

func (st *stage) check(a *api, old *stage) error {
	if !stageName.MatchString(st.StageName) && !(st.StageName == "$default" && !a.isWebSocket()) {
		return badRequest("Stage name %q: it must have 1 to 128 letters, digits, hyphens and underscores; an HTTP API may have $default as well", st.StageName)
	}
	if len(st.StageVariables) > maxStageVariables {
		return badRequest("A stage may have %d variables", maxStageVariables)
	}
	if st.DeploymentID != "" && a.Deployments[st.DeploymentID] == nil {
		return noDeployment(st.DeploymentID)
	}
	if old != nil && st.AutoDeploy && st.DeploymentID != old.DeploymentID {
		return badRequest("Deployment ID cannot be set on a stage with autoDeploy: switch autoDeploy off first")
	}
	if st.AccessLogSettings != nil && *st.AccessLogSettings == (accessLogSettings{}) {
		st.AccessLogSettings = nil
	}
	if err := st.AccessLogSettings.check(); err != nil {
		return err
	}
	if st.ClientCertificateID != "" {
		return unsupported("clientCertificateId", "leave it out")
	}
	if err := st.DefaultRouteSettings.check(); err != nil {
		return err
	}
	for key, settings := range st.RouteSettings {
		if !a.hasRoute(key) {
			return notFound("Route", "Unable to find Route by key %s within the provided RouteSettings", key)
		}
		if err := settings.check(); err != nil {
			return err
		}
	}
	return nil
}

func noDeployment(id string) error {
	return notFound("Deployment", "Invalid Deployment identifier specified %s", id)
}

func (a *api) hasRoute(key string) bool {
	for _, r := range a.Routes {
		if r.RouteKey == key {
			return true
		}
	}
	return false
}

// setDefaults fills in what a stage shows when nothing was said. That of an HTTP API has no execution log.
func (r *routeSettings) setDefaults(webSocket bool) {
	if r.DetailedMetricsEnabled == nil {
		r.DetailedMetricsEnabled = new(bool)
	}
	if !webSocket {
		return
	}
	if r.DataTraceEnabled == nil {
		r.DataTraceEnabled = new(bool)
	}
	if r.LoggingLevel == "" {
		r.LoggingLevel = "OFF"
	}
}

func (r *routeSettings) check() error {
	if r.ThrottlingBurstLimit != nil && *r.ThrottlingBurstLimit < 0 || r.ThrottlingRateLimit != nil && *r.ThrottlingRateLimit < 0 {
		return badRequest("Invalid throttling settings: throttlingRateLimit and throttlingBurstLimit may not be negative")
	}
	if !slices.Contains([]string{"", "OFF", "ERROR", "INFO"}, r.LoggingLevel) {
		return badRequest("Invalid loggingLevel %s: it must be one of [OFF, ERROR, INFO]", r.LoggingLevel)
	}
	return nil
}

// stripStage removes one of the settings of a stage.
func (s *Service) stripStage(q *request, apiID, name, what, key string) (response, error) {
	known := what == "routesettings" && key != "" || what == "accesslogsettings" && key == "" || what == "cache" && key == "authorizers"
	if !known {
		return response{}, unknownOperation(q.method, "/v2/"+strings.Join(q.path, "/"))
	}
	return response{status: http.StatusNoContent}, s.change(q.ctx, apiID, func(a *api) error {
		st := a.Stages[name]
		if st == nil {
			return s.stages().missing(name)
		}
		switch what {
		case "routesettings":
			delete(st.RouteSettings, key)
		case "accesslogsettings":
			st.AccessLogSettings = nil
		case "cache":
			s.authorizations.forget(apiID, name)
		}
		return nil
	})
}

func (s *Service) deployments() collection[deployment] {
	return collection[deployment]{
		noun: "Deployment",
		of:   func(a *api, _ string) (map[string]*deployment, error) { return a.Deployments, nil },
		// Only the description of a deployment can change: CreateDeployment has a function of its own.
		prepare: func(_ *api, d, old *deployment) (string, error) {
			description := d.Description
			*d = *old
			d.Description = description
			return d.DeploymentID, nil
		},
		remove: func(a *api, id string) error {
			if a.serves(id) {
				return conflict("Active stages pointing to this deployment must be moved or deleted")
			}
			delete(a.snapshots, id)
			return nil
		},
	}
}

// createDeployment freezes what an API has, and points a stage at it if one is named.
func (s *Service) createDeployment(q *request, apiID string) (response, error) {
	var body struct {
		StageName, Description string
	}
	if err := q.decode(&body); err != nil {
		return response{}, err
	}
	d := &deployment{Description: body.Description}
	err := s.change(q.ctx, apiID, func(a *api) error {
		st := a.Stages[body.StageName]
		switch {
		case body.StageName == "":
		case st == nil:
			return s.stages().missing(body.StageName)
		case st.AutoDeploy:
			return badRequest("Deployments cannot be created for the stage %s, which has autoDeploy: it is always up to date", body.StageName)
		}
		if err := a.deploy(d); err != nil {
			return err
		}
		if st != nil {
			st.DeploymentID, st.LastUpdatedDate = d.DeploymentID, now()
		}
		return nil
	})
	if err == nil {
		s.Log.Debug("API deployed", "api", apiID, "stage", body.StageName, "deployment", d.DeploymentID)
	}
	return response{http.StatusCreated, d}, err
}

func (s *Service) authorizers() collection[authorizer] {
	return collection[authorizer]{
		noun: "Authorizer",
		of:   func(a *api, _ string) (map[string]*authorizer, error) { return a.Authorizers, nil },
		prepare: func(a *api, z, old *authorizer) (string, error) {
			if old == nil && len(a.Authorizers) >= maxAuthorizers {
				return "", badRequest("An API may have %d authorizers", maxAuthorizers)
			}
			z.AuthorizerID = resourceID(6)
			if old != nil {
				z.AuthorizerID = old.AuthorizerID
				if z.AuthorizerType != old.AuthorizerType {
					return "", badRequest("The authorizerType of an authorizer cannot change: create another authorizer")
				}
			}
			return z.AuthorizerID, z.check(a)
		},
		remove: func(a *api, id string) error {
			for _, r := range slices.Collect(maps.Values(a.Routes)) {
				if r.AuthorizerID == id {
					return conflict("Cannot delete authorizer '%s', is referenced in route: %s", id, r.RouteKey)
				}
			}
			return nil
		},
	}
}

func (z *authorizer) check(a *api) error {
	switch {
	case z.Name == "":
		return badRequest("name is required")
	case z.AuthorizerType == "JWT" && a.isWebSocket():
		return badRequest("JWT authorizers are for HTTP APIs only")
	case z.AuthorizerType != "REQUEST" && z.AuthorizerType != "JWT":
		return badRequest("Invalid authorizerType %q: it must be one of [REQUEST, JWT]", z.AuthorizerType)
	case !a.isWebSocket():
		return z.checkHTTP()
	case z.AuthorizerResultTTLInSeconds != nil && *z.AuthorizerResultTTLInSeconds != 0, z.AuthorizerPayloadFormatVersion != "", z.EnableSimpleResponses:
		return badRequest("authorizerResultTtlInSeconds, authorizerPayloadFormatVersion and enableSimpleResponses are for HTTP APIs only")
	case z.IdentityValidationExpression != "":
		return badRequest("identityValidationExpression is not for REQUEST authorizers")
	}
	if err := checkRole("authorizerCredentialsArn", z.AuthorizerCredentialsARN); err != nil {
		return err
	}
	if _, ok := functionARN(z.AuthorizerURI); !ok {
		return badRequest("Invalid authorizerUri %q: it must be arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{function ARN}/invocations", z.AuthorizerURI)
	}
	if len(z.IdentitySource) == 0 {
		return badRequest("identitySource is required")
	}
	for _, source := range z.IdentitySource {
		if _, _, ok := splitIdentitySource(source); !ok {
			return badRequest("Invalid identitySource %q: it must be route.request.header.NAME, route.request.querystring.NAME, stageVariables.NAME or context.NAME", source)
		}
	}
	return nil
}
