package apigateway

import (
	"encoding/json"
	"slices"
	"strings"
)

func (s *Service) integrations() collection[integration] {
	return collection[integration]{
		noun: "Integration",
		of:   func(a *api, _ string) (map[string]*integration, error) { return a.Integrations, nil },
		prepare: func(a *api, in, old *integration) (string, error) {
			if old == nil && len(a.Integrations) >= maxIntegrations {
				return "", badRequest("An API may have %d integrations", maxIntegrations)
			}
			if old == nil {
				in.IntegrationID = resourceID(7)
				a.IntegrationResponses[in.IntegrationID] = map[string]*integrationResponse{}
			} else {
				in.IntegrationID, in.APIGatewayManaged = old.IntegrationID, old.APIGatewayManaged
			}
			dropEmpty(in.RequestParameters)
			for status, mappings := range in.ResponseParameters {
				if dropEmpty(mappings); len(mappings) == 0 {
					delete(in.ResponseParameters, status)
				}
			}
			return in.IntegrationID, in.check(a)
		},
		remove: func(a *api, id string) error {
			if a.Integrations[id].APIGatewayManaged {
				return badRequest("The integration %s is managed by API Gateway: it can be changed, but not deleted", id)
			}
			var keys []string
			for _, r := range a.Routes {
				if r.Target == "integrations/"+id {
					keys = append(keys, r.RouteKey)
				}
			}
			if len(keys) > 0 {
				slices.Sort(keys)
				return conflict("Cannot delete Integration '%s' as it is a target of Route(s) %s", id, strings.Join(keys, ", "))
			}
			delete(a.IntegrationResponses, id)
			return nil
		},
	}
}

// check checks an integration and sets what has a default.
func (in *integration) check(a *api) error {
	if in.ConnectionType == "" {
		in.ConnectionType = "INTERNET"
	}
	if in.ConnectionType != "INTERNET" || in.ConnectionID != "" {
		return unsupported("connectionType "+in.ConnectionType+" with a connectionId", "use INTERNET, which reaches whatever this machine reaches")
	}
	limit := AWSLimits.HTTPTimeout.Milliseconds()
	if a.isWebSocket() {
		limit = AWSLimits.WebSocketTimeout.Milliseconds()
	}
	if in.TimeoutInMillis == 0 {
		in.TimeoutInMillis = int(limit)
	}
	if in.TimeoutInMillis < minTimeoutMillis || in.TimeoutInMillis > int(limit) {
		return badRequest("Timeout should be between %d ms and %d ms", minTimeoutMillis, limit)
	}
	if err := checkRole("credentialsArn", in.CredentialsARN); err != nil {
		return err
	}
	if a.isWebSocket() {
		return in.checkWebSocket(a)
	}
	return in.checkHTTP(a)
}

// checkFunction checks an integration with a Lambda function. Whether the function exists is not looked at.
func (in *integration) checkFunction(a *api) error {
	if in.IntegrationMethod != "" && in.IntegrationMethod != "POST" {
		return badRequest("integrationMethod must be POST for Lambda functions")
	}
	in.IntegrationMethod = "POST"
	arn, ok := functionARN(in.IntegrationURI)
	if !ok {
		arn = in.IntegrationURI
	}
	if !strings.HasPrefix(arn, "arn:aws:lambda:") || !strings.Contains(arn, ":function:") {
		return badRequest("Invalid integrationUri %q: it must be arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{function ARN}/invocations", in.IntegrationURI)
	}
	if a.isWebSocket() {
		if !ok {
			// AWS takes it, and never invokes the function.
			return badRequest("Invalid integrationUri: a WEBSOCKET API never invokes a function by its plain ARN; write arn:aws:apigateway:%s:lambda:path/2015-03-31/functions/%s/invocations",
				regionOf(arn), arn)
		}
		return nil
	}
	if in.PayloadFormatVersion != "1.0" && in.PayloadFormatVersion != "2.0" {
		return badRequest("payloadFormatVersion is a required parameter: it must be 1.0 or 2.0")
	}
	return nil
}

func regionOf(arn string) string { return strings.Split(arn, ":")[3] }

// isSet reports whether a member that is kept as it came has anything in it.
func isSet(raw json.RawMessage) bool {
	return len(raw) > 0 && string(raw) != "null" && string(raw) != "{}"
}

// dropEmpty removes the members that an update set to nothing, which is how one removes them.
func dropEmpty(m map[string]string) {
	for k, v := range m {
		if v == "" {
			delete(m, k)
		}
	}
}

func (s *Service) integrationResponses() collection[integrationResponse] {
	return collection[integrationResponse]{
		noun: "IntegrationResponse",
		of: func(a *api, parent string) (map[string]*integrationResponse, error) {
			if a.Integrations[parent] == nil {
				return nil, s.integrations().missing(parent)
			}
			return a.IntegrationResponses[parent], nil
		},
		prepare: func(a *api, r, old *integrationResponse) (string, error) {
			r.IntegrationResponseID = resourceID(7)
			if old != nil {
				r.IntegrationResponseID = old.IntegrationResponseID
			}
			return r.IntegrationResponseID, r.check(a)
		},
	}
}

func (s *Service) routes() collection[route] {
	return collection[route]{
		noun: "Route",
		of:   func(a *api, _ string) (map[string]*route, error) { return a.Routes, nil },
		prepare: func(a *api, r, old *route) (string, error) {
			if old == nil && len(a.Routes) >= maxRoutes {
				return "", badRequest("An API may have %d routes", maxRoutes)
			}
			if old == nil {
				r.RouteID = resourceID(7)
				a.RouteResponses[r.RouteID] = map[string]*routeResponse{}
			} else {
				r.RouteID, r.APIGatewayManaged = old.RouteID, old.APIGatewayManaged
				if r.APIGatewayManaged && r.RouteKey != old.RouteKey {
					return "", badRequest("The route %s is managed by API Gateway: its key can be changed with UpdateApi only", old.RouteKey)
				}
			}
			for _, other := range a.Routes {
				if other.RouteKey == r.RouteKey && other.RouteID != r.RouteID {
					return "", conflict("Route with key %s already exists for this API", r.RouteKey)
				}
			}
			return r.RouteID, r.check(a)
		},
		remove: func(a *api, id string) error {
			delete(a.RouteResponses, id)
			return nil
		},
	}
}

// check checks a route and sets what has a default.
func (r *route) check(a *api) error {
	if r.AuthorizationType == "" {
		r.AuthorizationType = "NONE"
	}
	if err := checkRouteKey(a, r.RouteKey); err != nil {
		return err
	}
	if r.Target != "" {
		id, ok := strings.CutPrefix(r.Target, "integrations/")
		if !ok || a.Integrations[id] == nil {
			return badRequest("Invalid target %q: it must be integrations/{the id of an integration of this API}", r.Target)
		}
	}
	switch {
	case r.APIKeyRequired:
		return unsupported("apiKeyRequired", "use an authorizer on $connect")
	case r.RouteResponseSelectionExpression != "" && !a.isWebSocket():
		return badRequest("routeResponseSelectionExpression is for WEBSOCKET APIs only")
	case r.RouteResponseSelectionExpression != "" && r.RouteResponseSelectionExpression != "$default":
		return badRequest("Invalid routeResponseSelectionExpression: it must be $default")
	}
	if err := r.checkModels(a); err != nil {
		return err
	}
	return r.checkAuthorization(a)
}

func (r *route) checkAuthorization(a *api) error {
	if !a.isWebSocket() {
		return r.checkHTTPAuthorization(a)
	}
	if r.AuthorizationType != "NONE" && r.RouteKey != "$connect" {
		return badRequest("Currently, authorization is restricted to the $connect route only")
	}
	switch r.AuthorizationType {
	case "NONE":
		r.AuthorizerID = ""
		return nil
	case "CUSTOM":
		if authorizer := a.Authorizers[r.AuthorizerID]; authorizer == nil || authorizer.AuthorizerType != "REQUEST" {
			return badRequest("Invalid authorizerId %q: the authorization type CUSTOM needs a REQUEST authorizer of this API", r.AuthorizerID)
		}
		return nil
	case "JWT":
		return badRequest("JWT is for HTTP APIs only")
	case "AWS_IAM":
		r.AuthorizerID = ""
		return nil
	}
	return badRequest("Invalid authorizationType %s: it must be one of [NONE, AWS_IAM, CUSTOM, JWT]", r.AuthorizationType)
}

func checkRouteKey(a *api, key string) error {
	switch {
	case key == "":
		return badRequest("routeKey is required")
	case key == "$default":
		return nil
	case a.isWebSocket():
		if strings.HasPrefix(key, "$") && key != "$connect" && key != "$disconnect" {
			return badRequest("Invalid routeKey %s: only $connect, $disconnect and $default may begin with $", key)
		}
		return nil
	}
	method, pattern, ok := strings.Cut(key, " ")
	if !ok || method != "ANY" && !slices.Contains(httpMethods, method) {
		return badRequest("The provided route key %q is not formatted properly for HTTP protocol. Format should be \"<HTTP METHOD> /<RESOURCE PATH>\" or \"$default\"", key)
	}
	return checkPathPattern(pattern)
}

func (s *Service) routeResponses() collection[routeResponse] {
	return collection[routeResponse]{
		noun: "RouteResponse",
		of: func(a *api, parent string) (map[string]*routeResponse, error) {
			if a.Routes[parent] == nil {
				return nil, s.routes().missing(parent)
			}
			return a.RouteResponses[parent], nil
		},
		prepare: func(a *api, r, old *routeResponse) (string, error) {
			r.RouteResponseID = resourceID(7)
			if old != nil {
				r.RouteResponseID = old.RouteResponseID
			}
			switch {
			case !a.isWebSocket():
				return "", badRequest("Route responses are for WEBSOCKET APIs only")
			case r.RouteResponseKey != "$default":
				return "", badRequest("Invalid routeResponseKey %q: it must be $default", r.RouteResponseKey)
			}
			for _, name := range r.ResponseModels { // they describe answers, and are not held against them
				if a.modelNamed(name) == nil {
					return "", badRequest("Invalid model identifier specified: %s", name)
				}
			}
			return r.RouteResponseID, nil
		},
	}
}
