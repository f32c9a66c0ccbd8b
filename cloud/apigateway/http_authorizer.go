package apigateway

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"quotewire/cloud/iam"
)

// Lambda authorizers of HTTP APIs: a function says who may use a route. What it said is kept for as long as the
// authorizer wants, for requests with the same values in its identity sources.

// authorizeByFunction lets in whom the authorizer's function lets in.
func (s *Service) authorizeByFunction(k *httpCall, z *authorizer) *refusal {
	identity := make([]string, 0, len(z.IdentitySource))
	for _, text := range z.IdentitySource {
		source, _ := parseVariableName(text)
		value, ok := k.lookup(source)
		if !ok || value == "" {
			k.log().Info("a request was refused: an identity source of the authorizer is missing", "source", text, "authorizer", z.Name)
			return &refusal{status: http.StatusUnauthorized, why: "the identity source " + text + " is missing"}
		}
		identity = append(identity, value)
	}
	key := authorizationKey{k.api.id(), k.stage.StageName, z.AuthorizerID, string(encode(identity))}
	answer := s.authorizations.find(key)
	if answer == nil {
		var refused *refusal
		if answer, refused = s.askAuthorizer(k, z, identity); refused != nil {
			return refused
		}
		if ttl := z.ttl(); ttl > 0 {
			s.authorizations.keep(key, answer, time.Duration(ttl)*time.Second)
		}
	} else {
		k.log().Debug("the authorizer's answer was kept from an earlier request", "authorizer", z.Name)
	}
	if arn := k.arn(s, k.below); !answer.allows(arn) {
		k.log().Info("a request was refused by the authorizer", "authorizer", z.Name, "resource", arn)
		return &refusal{status: http.StatusForbidden, why: "the authorizer does not allow " + arn}
	}
	k.caller = &caller{lambda: true, principalID: answer.principalID, context: answer.context}
	return nil
}

// askAuthorizer invokes the authorizer's function. Its permission is that of the authorizer, not of a route.
func (s *Service) askAuthorizer(k *httpCall, z *authorizer, identity []string) (*authorization, *refusal) {
	arn, _ := functionARN(resolveVariables(z.AuthorizerURI, k.stage.StageVariables))
	source := "arn:aws:execute-api:" + s.Region + ":" + s.Account + ":" + k.api.id() + "/authorizers/" + z.AuthorizerID
	t := task{credentials: z.AuthorizerCredentialsARN, sourceARN: source, grant: source, note: &k.guard, log: k.log.with("authorizer", z.Name)}
	var event any
	if z.AuthorizerPayloadFormatVersion == "1.0" {
		event = k.authorizerEvent1(k.arn(s, k.below), identity)
	} else {
		event = k.authorizerEvent2(k.arn(s, k.below), identity)
	}
	payload, fail := s.invokeFunction(s.ctx, arn, lambdaAuthorizerTimeout, t, encode(event))
	if fail != none {
		return nil, &refusal{status: http.StatusInternalServerError, why: cmp.Or(k.guard.err, "the authorizer could not be invoked")}
	}
	answer, err := parseAuthorization(payload, z.EnableSimpleResponses)
	if err != nil {
		t.log().Warn("the authorizer's answer is no authorization: "+err.Error(), "answer", shorten(payload))
		return nil, &refusal{status: http.StatusInternalServerError, why: "the authorizer's answer is no authorization: " + err.Error()}
	}
	return answer, nil
}

// authorization is what an authorizer answered.
type authorization struct {
	authorized  bool          // a simple response
	policy      *iam.Document // or a policy
	principalID string
	context     map[string]json.RawMessage // values keep their types
}

func (a *authorization) allows(arn string) bool {
	if a.policy == nil {
		return a.authorized
	}
	return a.policy.Evaluate(iam.Request{Action: "execute-api:Invoke", Resource: arn}) == iam.Allowed
}

// parseAuthorization reads an authorizer's answer: {"isAuthorized":true} if simple responses are enabled, else a
// principal and a policy. Either may come with a context.
func parseAuthorization(payload []byte, simple bool) (*authorization, error) {
	if len(payload) > maxAuthorization {
		return nil, fmt.Errorf("it has %d bytes, and may have %d", len(payload), maxAuthorization)
	}
	var answer struct {
		IsAuthorized   *bool                      `json:"isAuthorized"`
		PrincipalID    string                     `json:"principalId"`
		PolicyDocument json.RawMessage            `json:"policyDocument"`
		Context        map[string]json.RawMessage `json:"context"`
	}
	err := json.Unmarshal(payload, &answer)
	if simple {
		if err != nil || answer.IsAuthorized == nil {
			return nil, errors.New(`enableSimpleResponses is on, so it must be an object such as {"isAuthorized": true}`)
		}
		return &authorization{authorized: *answer.IsAuthorized, context: answer.Context}, nil
	}
	if err != nil || answer.PrincipalID == "" || !isSet(answer.PolicyDocument) {
		return nil, errors.New("enableSimpleResponses is off, so it must have a principalId and a policyDocument")
	}
	policy, err := iam.ParsePolicy(string(answer.PolicyDocument))
	if err != nil {
		return nil, fmt.Errorf("its policy: %w", err)
	}
	return &authorization{policy: policy, principalID: answer.PrincipalID, context: answer.Context}, nil
}

// authorizerEvent2 is what an authorizer gets in payload format 2.0: the event of the request without its body.
func (k *httpCall) authorizerEvent2(routeARN string, identity []string) any {
	return struct {
		Version        string   `json:"version"`
		Type           string   `json:"type"`
		RouteARN       string   `json:"routeArn"`
		IdentitySource []string `json:"identitySource"` // null without any
		httpRequest
		PathParameters map[string]string `json:"pathParameters,omitempty"`
		StageVariables map[string]string `json:"stageVariables,omitempty"`
	}{
		"2.0", "REQUEST", routeARN, append([]string(nil), identity...), k.request2(k.request, k.path), k.variables, k.stage.StageVariables,
	}
}

// authorizerEvent1 is the same in payload format 1.0.
func (k *httpCall) authorizerEvent1(methodARN string, identity []string) any {
	headers, _ := lastAndAll(k.headers(k.request))
	query, _ := queryMaps(k.request)
	joined := strings.Join(identity, ",")
	return struct {
		Version               string            `json:"version"`
		Type                  string            `json:"type"`
		MethodARN             string            `json:"methodArn"`
		IdentitySource        string            `json:"identitySource"`
		AuthorizationToken    string            `json:"authorizationToken"`
		Resource              string            `json:"resource"`
		Path                  string            `json:"path"`
		HTTPMethod            string            `json:"httpMethod"`
		Headers               members           `json:"headers"`
		QueryStringParameters map[string]string `json:"queryStringParameters"`
		PathParameters        map[string]string `json:"pathParameters"`
		StageVariables        map[string]string `json:"stageVariables"`
		RequestContext        httpContext1      `json:"requestContext"`
	}{
		"1.0", "REQUEST", methodARN, joined, joined, k.resource(), k.path, k.request.Method, headers,
		orEmpty(query), orEmpty(k.variables), orEmpty(k.stage.StageVariables), k.context1(k.request, k.path),
	}
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// authorizations keeps what authorizers answered. The zero value is empty and ready.
type authorizations struct {
	mu   sync.Mutex // protects kept
	kept map[authorizationKey]keptAuthorization
}

type authorizationKey struct{ api, stage, authorizer, identity string }

type keptAuthorization struct {
	answer *authorization
	until  time.Time
}

func (a *authorizations) find(key authorizationKey) *authorization {
	a.mu.Lock()
	defer a.mu.Unlock()
	kept, ok := a.kept[key]
	if !ok || !time.Now().Before(kept.until) {
		return nil
	}
	return kept.answer
}

func (a *authorizations) keep(key authorizationKey, answer *authorization, ttl time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.kept) >= maxAuthorizations {
		clear(a.kept)
	}
	if a.kept == nil {
		a.kept = map[authorizationKey]keptAuthorization{}
	}
	a.kept[key] = keptAuthorization{answer, time.Now().Add(ttl)}
}

// forget drops what is kept for a stage.
func (a *authorizations) forget(apiID, stage string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	maps.DeleteFunc(a.kept, func(key authorizationKey, _ keptAuthorization) bool { return key.api == apiID && key.stage == stage })
}
