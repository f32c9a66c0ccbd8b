package apigateway

import (
	"slices"
	"strings"
)

// checkWebSocket checks what an integration of a WebSocket API may have, and sets what has a default.
func (in *integration) checkWebSocket(a *api) error {
	if in.PayloadFormatVersion == "" {
		in.PayloadFormatVersion = "1.0"
	}
	if in.PassthroughBehavior == "" {
		in.PassthroughBehavior = "WHEN_NO_MATCH"
	}
	switch {
	case in.PayloadFormatVersion != "1.0":
		return badRequest("Invalid payloadFormatVersion %s: that of a WEBSOCKET API is 1.0", in.PayloadFormatVersion)
	case !slices.Contains([]string{"WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER"}, in.PassthroughBehavior):
		return badRequest("Invalid passthroughBehavior %s: it must be one of [WHEN_NO_MATCH, WHEN_NO_TEMPLATES, NEVER]", in.PassthroughBehavior)
	case in.IntegrationSubtype != "":
		return badRequest("integrationSubtype is for HTTP APIs only")
	case isSet(in.TLSConfig):
		return badRequest("tlsConfig is for HTTP APIs with a private integration only")
	case len(in.ResponseParameters) > 0:
		return badRequest("responseParameters of an integration are for HTTP APIs only: a WEBSOCKET API has them in its integration responses")
	case in.IntegrationType == "AWS_PROXY" && (len(in.RequestParameters) > 0 || in.ContentHandlingStrategy != ""):
		return unsupported("requestParameters and contentHandlingStrategy of AWS_PROXY", "read the event, or use the integration type AWS")
	case in.isProxy() && len(in.RequestTemplates) > 0:
		return badRequest("requestTemplates are for the integration types AWS, HTTP and MOCK only: a proxy gets the message as it is")
	}
	if err := checkContentHandling(in.ContentHandlingStrategy); err != nil {
		return err
	}
	if err := in.checkBackend(a); err != nil {
		return err
	}
	if err := in.checkResponseSelection(); err != nil {
		return err
	}
	if _, err := in.requestMapping(); err != nil {
		return badRequest("Invalid integration: %v", err)
	}
	return nil
}

func (in *integration) checkBackend(a *api) error {
	switch in.IntegrationType {
	case "MOCK":
		return nil
	case "AWS_PROXY":
		return in.checkFunction(a)
	case "HTTP", "HTTP_PROXY":
		if in.IntegrationMethod != "ANY" && !slices.Contains(httpMethods, in.IntegrationMethod) {
			return badRequest("Invalid integrationMethod %q: that of %s must be ANY or one of %v", in.IntegrationMethod, in.IntegrationType, httpMethods)
		}
		return checkBackend(in.IntegrationURI)
	case "AWS":
		if strings.Contains(in.IntegrationURI, ":lambda:path/2015-03-31/functions/") {
			return in.checkFunction(a)
		}
		u, ok := parseServiceURI(in.IntegrationURI)
		if !ok {
			return badRequest("Invalid integrationUri %q: it must be arn:aws:apigateway:{region}:{service}:action/{action}, or :path/{path}", in.IntegrationURI)
		}
		if in.CredentialsARN == "" {
			return badRequest("credentialsArn is required for an integration with an AWS service")
		}
		if u.kind == "path" && !slices.Contains(httpMethods, in.IntegrationMethod) {
			return badRequest("Invalid integrationMethod %q: a path of an AWS service needs one of %v", in.IntegrationMethod, httpMethods)
		}
		return u.check()
	}
	return badRequest("Invalid integrationType %q: that of a WEBSOCKET API must be one of [AWS, AWS_PROXY, HTTP, HTTP_PROXY, MOCK]", in.IntegrationType)
}

// checkResponseSelection sets the expression by which the response to an answer is found. AWS allows one for each type.
func (in *integration) checkResponseSelection() error {
	fixed := "${integration.response.statuscode}"
	switch {
	case in.isProxy():
		fixed = ""
	case in.isFunction():
		fixed = "${integration.response.body.errorMessage}"
	}
	given := in.IntegrationResponseSelectionExpression
	plain := strings.NewReplacer("{", "", "}", "").Replace
	if given != "" && fixed != "" && plain(given) != plain(fixed) {
		return badRequest("Invalid integrationResponseSelectionExpression %s: that of this integration is %s", given, fixed)
	}
	if given == "" {
		in.IntegrationResponseSelectionExpression = fixed
	}
	return nil
}

// check checks an integration response.
func (r *integrationResponse) check(a *api) error {
	if !a.isWebSocket() {
		return badRequest("Integration responses are for WEBSOCKET APIs only")
	}
	if err := checkContentHandling(r.ContentHandlingStrategy); err != nil {
		return err
	}
	if _, err := r.mapping(); err != nil {
		return badRequest("Invalid integration response: %v", err)
	}
	return nil
}
