package apigateway

import (
	"maps"
	"slices"
	"strconv"
)

// append appends the event in JSON, as encode would make it from the tags of its members. Each message becomes an event,
// and reflection would take several times as long.
func (e *webSocketEvent) append(b []byte) []byte {
	b = append(b, '{')
	for _, m := range [...]struct {
		name   string
		values members
	}{
		{"headers", e.Headers}, {"multiValueHeaders", e.MultiValueHeaders},
		{"queryStringParameters", e.QueryStringParameters}, {"multiValueQueryStringParameters", e.MultiValueQueryStringParameters},
	} {
		if len(m.values) > 0 {
			b = append(append(appendName(b, m.name), encode(m.values)...), ',')
		}
	}
	if len(e.StageVariables) > 0 {
		b = append(appendName(b, "stageVariables"), '{')
		for _, name := range slices.Sorted(maps.Keys(e.StageVariables)) {
			b = append(appendText(append(appendText(b, name), ':'), e.StageVariables[name]), ',')
		}
		b = append(closed(b), ',')
	}
	b = append(e.RequestContext.append(appendName(b, "requestContext")), ',')
	if e.Body != nil {
		b = append(appendText(appendName(b, "body"), *e.Body), ',')
	}
	b = strconv.AppendBool(appendName(b, "isBase64Encoded"), e.IsBase64Encoded)
	return append(b, '}')
}

func (c *webSocketContext) append(b []byte) []byte {
	b = append(b, '{')
	b = appendMember(b, "routeKey", c.RouteKey)
	if len(c.Authorizer) > 0 {
		b = append(append(appendName(b, "authorizer"), encode(c.Authorizer)...), ',')
	}
	if c.MessageID != "" {
		b = appendMember(b, "messageId", c.MessageID)
	}
	if c.DisconnectStatusCode != 0 {
		b = append(strconv.AppendInt(appendName(b, "disconnectStatusCode"), int64(c.DisconnectStatusCode), 10), ',')
	}
	b = appendMember(b, "eventType", c.EventType)
	b = appendMember(b, "extendedRequestId", c.ExtendedRequestID)
	b = appendMember(b, "requestTime", c.RequestTime)
	b = appendMember(b, "messageDirection", c.MessageDirection)
	if c.DisconnectReason != nil {
		b = appendMember(b, "disconnectReason", *c.DisconnectReason)
	}
	b = appendMember(b, "stage", c.Stage)
	b = append(strconv.AppendInt(appendName(b, "connectedAt"), c.ConnectedAt, 10), ',')
	b = append(strconv.AppendInt(appendName(b, "requestTimeEpoch"), c.RequestTimeEpoch, 10), ',')
	b = append(c.Identity.append(appendName(b, "identity")), ',')
	b = appendMember(b, "requestId", c.RequestID)
	b = appendMember(b, "domainName", c.DomainName)
	b = appendMember(b, "connectionId", c.ConnectionID)
	return append(appendText(appendName(b, "apiId"), c.APIID), '}')
}

func (i *webSocketIdentity) append(b []byte) []byte {
	b = append(b, '{')
	for _, m := range [...]struct{ name, value string }{
		{"userArn", i.UserARN}, {"userAgent", i.UserAgent}, {"accountId", i.AccountID}, {"caller", i.Caller}, {"sourceIp", i.SourceIP},
		{"accessKey", i.AccessKey}, {"user", i.User},
	} {
		if m.value != "" || m.name == "sourceIp" {
			b = appendMember(b, m.name, m.value)
		}
	}
	return closed(b)
}

// closed ends an object whose last member is followed by a comma.
func closed(b []byte) []byte {
	b[len(b)-1] = '}'
	return b
}

func appendMember(b []byte, name, value string) []byte {
	return append(appendText(appendName(b, name), value), ',')
}

func appendName(b []byte, name string) []byte {
	return append(append(append(b, '"'), name...), `":`...)
}

// appendText appends a text in JSON.
func appendText(b []byte, text string) []byte {
	begin := len(b)
	b = append(b, '"')
	from := 0
	for i := range len(text) {
		switch c := text[i]; {
		case c < ' ' || c >= 0x80: // rules for each
			return append(b[:begin], encode(text)...)
		case c == '"' || c == '\\':
			b = append(append(b, text[from:i]...), '\\')
			from = i
		}
	}
	return append(append(b, text[from:]...), '"')
}
