package apigateway

import (
	"net/url"
	"slices"
	"strings"
)

// What the control plane asks of the resources of an HTTP API, where that differs from a WebSocket API's.

// checkHTTP checks an integration of an HTTP API.
func (in *integration) checkHTTP(a *api) error {
	switch {
	case in.IntegrationSubtype != "":
		return unsupported("integrationSubtype "+in.IntegrationSubtype, "integrate a Lambda function that calls the service")
	case isSet(in.TLSConfig):
		return unsupported("tlsConfig, which is for private integrations", "leave it out")
	case in.ContentHandlingStrategy != "", in.PassthroughBehavior != "", len(in.RequestTemplates) > 0, in.TemplateSelectionExpression != "":
		return badRequest("contentHandlingStrategy, passthroughBehavior, requestTemplates and templateSelectionExpression are for WEBSOCKET APIs only")
	}
	if err := in.checkMappings(); err != nil {
		return err
	}
	switch in.IntegrationType {
	case "AWS_PROXY":
		return in.checkFunction(a)
	case "HTTP_PROXY":
		switch {
		case in.IntegrationMethod == "":
			return badRequest("integrationMethod is required for HTTP_PROXY")
		case in.IntegrationMethod != "ANY" && !slices.Contains(httpMethods, in.IntegrationMethod):
			return badRequest("Invalid integrationMethod %s: it must be ANY or one of [%s]", in.IntegrationMethod, strings.Join(httpMethods, ", "))
		case in.PayloadFormatVersion == "":
			in.PayloadFormatVersion = "1.0"
		case in.PayloadFormatVersion != "1.0":
			return badRequest("Invalid payloadFormatVersion %s: that of HTTP_PROXY is 1.0", in.PayloadFormatVersion)
		}
		return checkBackend(in.IntegrationURI)
	}
	return badRequest("Invalid integrationType %q for an API of the protocol HTTP: it must be AWS_PROXY or HTTP_PROXY", in.IntegrationType)
}

// httpMethods are those that a route or an integration can name.
var httpMethods = []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}

// checkBackend checks the URI of an HTTP integration. Stage variables may stand for any part of it but the scheme.
func checkBackend(uri string) error {
	known := uri
	for {
		before, rest, ok := strings.Cut(known, "${stageVariables.")
		if !ok {
			break
		}
		_, after, _ := strings.Cut(rest, "}")
		known = before + "x" + after
	}
	u, err := url.Parse(known)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return badRequest("Invalid HTTP endpoint specified for URI: %q", uri)
	}
	return nil
}

// checkHTTPAuthorization checks who may call a route of an HTTP API.
func (r *route) checkHTTPAuthorization(a *api) error {
	if len(r.AuthorizationScopes) > 0 && r.AuthorizationType != "JWT" {
		return badRequest("Invalid Route authorization type specified. Authorization Scopes are only valid for COGNITO_USER_POOLS and JWT authorization types")
	}
	if len(r.AuthorizationScopes) > maxScopes {
		return badRequest("A route may have %d authorization scopes", maxScopes)
	}
	kind := ""
	switch r.AuthorizationType {
	case "NONE", "AWS_IAM":
		r.AuthorizerID = ""
		return nil
	case "JWT":
		kind = "JWT"
	case "CUSTOM":
		kind = "REQUEST"
	default:
		return badRequest("Invalid authorizationType %s: it must be one of [NONE, AWS_IAM, CUSTOM, JWT]", r.AuthorizationType)
	}
	if z := a.Authorizers[r.AuthorizerID]; z == nil || z.AuthorizerType != kind {
		return badRequest("Invalid authorizer ID specified. Setting the authorization type to %s requires a valid %s authorizer.", r.AuthorizationType, kind)
	}
	return nil
}

// checkHTTP checks an authorizer of an HTTP API.
func (z *authorizer) checkHTTP() error {
	if z.IdentityValidationExpression != "" {
		return badRequest("identityValidationExpression is not for HTTP APIs")
	}
	if z.AuthorizerType == "JWT" {
		return z.checkJWT()
	}
	switch {
	case z.JWTConfiguration != nil:
		return badRequest("jwtConfiguration is for JWT authorizers only")
	case z.AuthorizerPayloadFormatVersion != "1.0" && z.AuthorizerPayloadFormatVersion != "2.0":
		return badRequest("authorizerPayloadFormatVersion is a required parameter for REQUEST authorizers: it must be 1.0 or 2.0")
	case z.EnableSimpleResponses && z.AuthorizerPayloadFormatVersion != "2.0":
		return badRequest("enableSimpleResponses needs the authorizerPayloadFormatVersion 2.0")
	case z.ttl() < 0 || z.ttl() > maxAuthorizerTTL:
		return badRequest("authorizerResultTtlInSeconds must be between 0 and %d", maxAuthorizerTTL)
	case z.ttl() > 0 && len(z.IdentitySource) == 0:
		return badRequest("authorizerResultTtlInSeconds needs an identitySource: its values are the key of the cache")
	}
	if err := checkRole("authorizerCredentialsArn", z.AuthorizerCredentialsARN); err != nil {
		return err
	}
	if _, ok := functionARN(z.AuthorizerURI); !ok {
		return badRequest("Invalid authorizerUri %q: it must be arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{function ARN}/invocations", z.AuthorizerURI)
	}
	for _, source := range z.IdentitySource {
		v, err := parseVariableName(source)
		if err != nil || v.kind == fromBody || v.kind == fromPath || v.kind == fromResponseHeader || v.kind == fromResponseBody {
			return badRequest("Invalid identitySource %q: it must be $request.header.NAME, $request.querystring.NAME, $context.NAME or $stageVariables.NAME", source)
		}
	}
	return nil
}

func (z *authorizer) checkJWT() error {
	c := z.JWTConfiguration
	switch {
	case z.AuthorizerURI != "", z.AuthorizerCredentialsARN != "", z.AuthorizerPayloadFormatVersion != "", z.EnableSimpleResponses, z.ttl() != 0:
		return badRequest("authorizerUri, authorizerCredentialsArn, authorizerPayloadFormatVersion, enableSimpleResponses and authorizerResultTtlInSeconds are for REQUEST authorizers only")
	case c == nil || c.Issuer == "":
		return badRequest("jwtConfiguration with an issuer is required for JWT authorizers")
	case len(c.Audience) == 0:
		return badRequest("jwtConfiguration must have an audience: without one no token is valid")
	case len(c.Audience) > maxAudiences:
		return badRequest("An authorizer may have %d audiences", maxAudiences)
	case len(z.IdentitySource) != 1:
		return badRequest("identitySource must have one entry for JWT authorizers")
	}
	if err := checkIssuerURL(c.Issuer); err != nil {
		return badRequest("Invalid issuer: %s. %v", c.Issuer, err)
	}
	v, err := parseVariableName(z.IdentitySource[0])
	if err != nil || v.kind != fromHeader && v.kind != fromQuery {
		return badRequest("Invalid identitySource %q: that of a JWT authorizer is $request.header.NAME or $request.querystring.NAME", z.IdentitySource[0])
	}
	return nil
}

// ttl is for how many seconds the answers of an authorizer are kept.
func (z *authorizer) ttl() int {
	if z.AuthorizerResultTTLInSeconds == nil {
		return 0
	}
	return *z.AuthorizerResultTTLInSeconds
}
