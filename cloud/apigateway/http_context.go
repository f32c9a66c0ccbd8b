package apigateway

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// accessVariable returns the value of $context.NAME for the access log: what a request has, and how it went.
func (k *httpCall) accessVariable(name string) (string, bool) {
	milliseconds := func(e exchange) (string, bool) {
		return strconv.FormatInt(e.latency.Milliseconds(), 10), e != exchange{}
	}
	number := func(n int) (string, bool) { return strconv.Itoa(n), n != 0 }
	text := func(s string) (string, bool) { return s, s != "" }
	switch name {
	case "status":
		return number(k.status)
	case "responseLength", "dataProcessed":
		return strconv.Itoa(k.bytes), true
	case "responseLatency":
		return strconv.FormatInt(time.Since(k.at).Milliseconds(), 10), true
	case "error.message":
		return text(k.said)
	case "error.messageString":
		return strconv.Quote(k.said), k.said != ""
	case "integrationLatency", "integration.latency":
		return milliseconds(k.backend)
	case "integrationStatus", "integration.integrationStatus":
		return number(k.backend.status)
	case "integration.status":
		return number(k.returned)
	case "integrationErrorMessage", "integration.error":
		return text(k.backend.err)
	case "integration.requestId", "awsEndpointRequestId":
		return text(k.backend.requestID)
	case "authorizer.error":
		return text(k.refused)
	case "authorizer.latency":
		return milliseconds(k.guard)
	case "authorizer.status", "authorizer.integrationStatus":
		return number(k.guard.status)
	case "authorizer.requestId":
		return text(k.guard.requestID)
	}
	return k.contextVariable(name)
}

// contextVariable returns the value of $context.NAME for a request to an HTTP API; false if there is none.
func (k *httpCall) contextVariable(name string) (string, bool) {
	r := k.request
	if rest, ok := strings.CutPrefix(name, "authorizer."); ok {
		return k.caller.variable(rest)
	}
	if rest, ok := strings.CutPrefix(name, "identity."); ok {
		return k.identityVariable(rest)
	}
	value := ""
	switch name {
	case "accountId":
		value = k.account
	case "apiId":
		value = k.api.id()
	case "domainName":
		value = k.domain
	case "domainPrefix":
		value = k.domainPrefix
	case "httpMethod":
		value = r.Method
	case "path":
		value = k.path
	case "protocol":
		value = k.protocol
	case "requestId", "extendedRequestId":
		value = k.requestID
	case "requestTime":
		value = requestTime(k.at)
	case "requestTimeEpoch":
		value = strconv.FormatInt(k.at.UnixMilli(), 10)
	case "routeKey":
		if k.route != nil {
			value = k.route.RouteKey
		}
	case "stage":
		if k.stage != nil {
			value = k.stage.StageName
		}
	}
	return value, value != ""
}

func (k *httpCall) identityVariable(name string) (string, bool) {
	value := ""
	switch name {
	case "sourceIp":
		value = sourceIP(k.request)
	case "userAgent":
		value = k.request.UserAgent()
	}
	if k.caller != nil && k.caller.principal != nil {
		p := k.caller.principal
		switch name {
		case "accountId":
			value = p.Account
		case "caller", "user":
			value = p.UserID
		case "userArn":
			value = p.ARN
		}
	}
	return value, value != ""
}

// variable returns $context.authorizer.NAME: a claim of a token, or what a Lambda authorizer said of the caller.
func (c *caller) variable(name string) (string, bool) {
	if c == nil {
		return "", false
	}
	if claim, ok := strings.CutPrefix(name, "claims."); ok {
		text, ok := c.claims[claim]
		return text, ok
	}
	if name == "principalId" && c.principalID != "" {
		return c.principalID, true
	}
	raw, ok := c.context[name]
	if !ok || string(raw) == "null" {
		return "", false
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text, true
	}
	return fmt.Sprintf("%s", raw), true
}
