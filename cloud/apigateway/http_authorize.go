package apigateway

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"

	"quotewire/cloud/iam"
	"quotewire/cloud/protocol"
)

// caller is what the authorization of a route found out about who sent the request. A nil caller is one that was not
// asked.
type caller struct {
	claims    map[string]string // of a token
	scopes    []string          // of the token and of the route; nil if the route has none
	principal *iam.Principal    // who signed

	lambda      bool // a Lambda authorizer let it in
	principalID string
	context     map[string]json.RawMessage
}

// httpAuthorizer is requestContext.authorizer of payload format 2.0: one member, named after the kind of authorization.
type httpAuthorizer struct {
	IAM    *iamCaller                  `json:"iam,omitempty"`
	JWT    *jwtCaller                  `json:"jwt,omitempty"`
	Lambda *map[string]json.RawMessage `json:"lambda,omitempty"` // null if the authorizer returned no context
}

type iamCaller struct {
	AccessKey       string    `json:"accessKey"`
	AccountID       string    `json:"accountId"`
	CallerID        string    `json:"callerId"`
	CognitoIdentity *struct{} `json:"cognitoIdentity"`
	PrincipalOrgID  *string   `json:"principalOrgId"`
	UserARN         string    `json:"userArn"`
	UserID          string    `json:"userId"`
}

type jwtCaller struct {
	Claims map[string]string `json:"claims"`
	Scopes []string          `json:"scopes"`
}

func (c *caller) event2() *httpAuthorizer {
	switch {
	case c == nil:
		return nil
	case c.principal != nil:
		p := c.principal
		return &httpAuthorizer{IAM: &iamCaller{
			AccessKey: p.AccessKeyID, AccountID: p.Account, CallerID: p.UserID, UserARN: p.ARN, UserID: p.UserID,
		}}
	case c.lambda:
		return &httpAuthorizer{Lambda: &c.context}
	}
	return &httpAuthorizer{JWT: &jwtCaller{c.claims, c.scopes}}
}

// event1 is requestContext.authorizer of payload format 1.0, where IAM callers are in the identity instead.
func (c *caller) event1() map[string]json.RawMessage {
	switch {
	case c == nil || c.principal != nil:
		return nil
	case c.lambda:
		said := map[string]json.RawMessage{}
		maps.Copy(said, c.context)
		if c.principalID != "" {
			said["principalId"] = encode(c.principalID)
		}
		return said
	}
	return map[string]json.RawMessage{"claims": encode(c.claims), "scopes": encode(c.scopes)}
}

// refusal is the answer to a caller who may not use a route.
type refusal struct {
	status    int
	challenge string // of www-authenticate
	why       string // for the access log
}

// authorizeHTTP finds out whether the caller may use the route, and who it is.
func (s *Service) authorizeHTTP(k *httpCall) *refusal {
	z := k.route.authorizer
	kind := k.route.AuthorizationType
	if kind != "NONE" && kind != "AWS_IAM" && z == nil {
		k.log().Error("the authorizer of the route is missing from the deployment: deploy the API again")
		return &refusal{status: http.StatusInternalServerError}
	}
	switch kind {
	case "AWS_IAM":
		return s.authorizeSigner(k)
	case "JWT":
		return s.authorizeToken(k, z)
	case "CUSTOM":
		return s.authorizeByFunction(k, z)
	}
	return nil
}

// authorizeSigner lets in who signed the request and is allowed execute-api:Invoke on the route. Whatever is wrong, the
// client gets the same 403.
func (s *Service) authorizeSigner(k *httpCall) *refusal {
	principal, err := s.IAM.Verify(k.request, k.body, protocol.RESTJSON)
	if err != nil {
		k.log().Info("a request was refused: the route asks for a signature (AWS_IAM), of the service execute-api", "reason", errorMessage(err))
		return &refusal{status: http.StatusForbidden, why: errorMessage(err)}
	}
	resource := k.arn(s, k.below)
	ctx := iam.WithPrincipal(k.request.Context(), principal)
	if err := s.IAM.Authorize(ctx, protocol.RESTJSON, "execute-api:Invoke", resource, nil); err != nil {
		k.log().Info("a request was refused: allow execute-api:Invoke in the policy of its caller", "caller", principal.ARN, "resource", resource)
		return &refusal{status: http.StatusForbidden, why: errorMessage(err)}
	}
	k.caller = &caller{principal: &principal}
	return nil
}

// authorizeToken lets in who sends a token of the authorizer's issuer with one of the route's scopes.
func (s *Service) authorizeToken(k *httpCall, z *authorizer) *refusal {
	source, _ := parseVariableName(z.IdentitySource[0])
	text, ok := k.lookup(source)
	if !ok || text == "" {
		k.log().Info("a request was refused: it has no token", "identitySource", z.IdentitySource[0], "authorizer", z.Name)
		return &refusal{http.StatusUnauthorized, "Bearer", "the request has no token"}
	}
	challenge := func(status int, code, description string) *refusal {
		return &refusal{status, `Bearer scope="` + strings.Join(k.route.AuthorizationScopes, " ") + `" error="` + code +
			`" error_description="` + description + `"`, description}
	}
	t, err := s.verifyToken(k.request.Context(), z.JWTConfiguration, strings.TrimPrefix(text, "Bearer "))
	if err != nil {
		k.log().Info("a request was refused: "+err.said, "authorizer", z.Name, "reason", err.reason)
		return challenge(http.StatusUnauthorized, "invalid_token", err.said)
	}
	k.caller = &caller{claims: t.claims}
	if len(k.route.AuthorizationScopes) == 0 {
		return nil
	}
	for _, scope := range t.scopes {
		if slices.Contains(k.route.AuthorizationScopes, scope) {
			k.caller.scopes = append(k.caller.scopes, scope)
		}
	}
	if len(k.caller.scopes) == 0 {
		k.log().Info("a request was refused: its token has none of the route's scopes", "authorizer", z.Name, "token", t.scopes, "route", k.route.AuthorizationScopes)
		return challenge(http.StatusForbidden, "insufficient_scope", "the token does not have the required scope")
	}
	return nil
}
