package apigateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"quotewire/cloud/iam"
	"quotewire/cloud/protocol"
)

// splitIdentitySource splits where an authorizer finds one of its identity sources from its name there.
func splitIdentitySource(source string) (kind, name string, ok bool) {
	for _, kind := range []string{"route.request.header.", "route.request.querystring.", "stageVariables.", "context."} {
		if name, ok := strings.CutPrefix(source, kind); ok && name != "" {
			return kind, name, true
		}
	}
	return "", "", false
}

// identityValue returns what an identity source holds in a handshake; "" if it is not there.
func (k *call) identityValue(source string, r *http.Request) string {
	kind, name, _ := splitIdentitySource(source)
	switch kind {
	case "route.request.header.":
		if strings.EqualFold(name, "Host") {
			return r.Host
		}
		return r.Header.Get(name)
	case "route.request.querystring.":
		return r.URL.Query().Get(name)
	case "stageVariables.":
		return k.stage.StageVariables[name]
	}
	return k.event().RequestContext.value(name) // context.identity.sourceIp
}

// authorize asks the authorizer of $connect. It returns the status that refuses the handshake, or 0; then the events of
// the connection carry what the authorizer said.
func (s *Service) authorize(k *call, r *http.Request) int {
	z := k.route.authorizer
	switch k.route.AuthorizationType {
	case "NONE":
		return 0
	case "AWS_IAM":
		return s.checkSigner(k, r)
	}
	if z == nil {
		k.log().Error("the authorizer of $connect is missing from the deployment: deploy the API again")
		return http.StatusInternalServerError
	}
	for _, source := range z.IdentitySource {
		if k.identityValue(source, r) == "" {
			k.log().Info("a handshake was refused: an identity source of the authorizer is missing", "source", source)
			return http.StatusUnauthorized
		}
	}
	arn, _ := functionARN(resolveVariables(z.AuthorizerURI, k.stage.StageVariables))
	base := "arn:aws:execute-api:" + s.Region + ":" + s.Account + ":" + k.conn.apiID
	source := base + "/authorizers/" + z.AuthorizerID
	methodARN := base + "/" + k.conn.stage + "/$connect"
	began := time.Now()
	t := task{credentials: z.AuthorizerCredentialsARN, sourceARN: source, grant: source, note: &k.outcome.authorizer, log: k.log.with("authorizer", z.Name)}
	k.outcome.authorizerIs = true
	payload, fail := s.invokeFunction(s.ctx, arn, s.WebSocketTimeout, t, encode(k.authorizerEvent(r, methodARN)))
	switch fail {
	case none:
	case functionError:
		var thrown struct {
			ErrorMessage string `json:"errorMessage"`
		}
		if json.Unmarshal(payload, &thrown) == nil && thrown.ErrorMessage == "Unauthorized" {
			return http.StatusUnauthorized
		}
		return http.StatusInternalServerError
	default:
		return http.StatusInternalServerError
	}
	allowed, context, err := judge(payload, methodARN)
	if err != nil {
		k.log().Warn("the authorizer's answer is no authorization: "+err.Error(), "authorizer", z.Name, "answer", shorten(payload))
		return http.StatusInternalServerError
	}
	if !allowed {
		k.log().Info("the authorizer refused the connection", "authorizer", z.Name)
		return http.StatusForbidden
	}
	k.conn.admission = &admission{authorizer: context}
	// The time that the authorizer took is told to the integration of $connect only.
	k.authorizerLatency = time.Since(began).Milliseconds()
	return 0
}

// checkSigner lets a handshake through that is signed, in its headers or in its query, by someone who may invoke
// $connect.
func (s *Service) checkSigner(k *call, r *http.Request) int {
	who, err := s.IAM.Verify(r, nil, protocol.RESTJSON)
	if err != nil {
		k.log().Info("a handshake was refused: $connect has the authorization type AWS_IAM, and its signature does not count: " + errorMessage(err))
		return http.StatusForbidden
	}
	resource := ":" + k.conn.apiID + "/" + k.conn.stage + "/$connect"
	ctx := iam.WithPrincipal(r.Context(), who)
	if err := s.IAM.Authorize(ctx, protocol.RESTJSON, "execute-api:Invoke", "arn:aws:execute-api:"+s.Region+":"+s.Account+resource, nil); err != nil {
		k.log().Info("a handshake was refused: its signer may not invoke $connect: "+errorMessage(err), "signer", who.ARN)
		return http.StatusForbidden
	}
	k.conn.admission = &admission{signer: &who}
	return 0
}

// authorizerEvent is the event of a handshake as authorizers see it: whole, and with empty objects for what is absent.
func (k *call) authorizerEvent(r *http.Request, methodARN string) *authorizerEvent {
	e := &authorizerEvent{Type: "REQUEST", MethodARN: methodARN, StageVariables: k.stage.StageVariables}
	headers := clientHeaders(r, k.domain)
	if r.Header["Content-Length"] == nil {
		headers["content-length"] = []string{"0"}
	}
	e.Headers, e.MultiValueHeaders = lastAndAll(headers)
	e.QueryStringParameters, e.MultiValueQueryStringParameters = lastAndAll(queryOf(r))
	e.RequestContext = k.event().RequestContext
	return e
}

type authorizerEvent struct {
	Type                            string            `json:"type"`
	MethodARN                       string            `json:"methodArn"`
	Headers                         members           `json:"headers"`
	MultiValueHeaders               members           `json:"multiValueHeaders"`
	QueryStringParameters           members           `json:"queryStringParameters"`
	MultiValueQueryStringParameters members           `json:"multiValueQueryStringParameters"`
	StageVariables                  map[string]string `json:"stageVariables"`
	RequestContext                  webSocketContext  `json:"requestContext"`
}

// judge reads an authorizer's answer: whether its policy allows the call of methodARN, and the context for later
// events, whose values become strings.
func judge(payload []byte, methodARN string) (allowed bool, context map[string]any, err error) {
	if len(payload) > maxAuthorization {
		return false, nil, fmt.Errorf("it has %d bytes, and may have %d", len(payload), maxAuthorization)
	}
	var answer struct {
		PrincipalID    string          `json:"principalId"`
		PolicyDocument json.RawMessage `json:"policyDocument"`
		Context        map[string]any  `json:"context"`
	}
	d := json.NewDecoder(strings.NewReader(string(payload)))
	d.UseNumber()
	if err := d.Decode(&answer); err != nil || answer.PrincipalID == "" || !isSet(answer.PolicyDocument) {
		return false, nil, fmt.Errorf("it must have a principalId and a policyDocument")
	}
	context = map[string]any{"principalId": answer.PrincipalID}
	for name, v := range answer.Context {
		switch v := v.(type) {
		case nil:
		case string, json.Number, bool:
			context[name] = fmt.Sprint(v)
		default:
			return false, nil, fmt.Errorf("the member %q of its context is neither a string nor a number nor a boolean", name)
		}
	}
	policy, err := iam.ParsePolicy(string(answer.PolicyDocument))
	if err != nil {
		return false, nil, fmt.Errorf("its policy: %w", err)
	}
	effect := policy.Evaluate(iam.Request{Action: "execute-api:Invoke", Resource: methodARN})
	return effect == iam.Allowed, context, nil
}
