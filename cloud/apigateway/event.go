package apigateway

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"quotewire/cloud/front"
)

// webSocketEvent is what the function of a WebSocket route gets. Members without a value are absent. Only CONNECT and
// DISCONNECT have headers, only MESSAGE has a body.
type webSocketEvent struct {
	Headers                         members           `json:"headers,omitempty"`
	MultiValueHeaders               members           `json:"multiValueHeaders,omitempty"`
	QueryStringParameters           members           `json:"queryStringParameters,omitempty"`
	MultiValueQueryStringParameters members           `json:"multiValueQueryStringParameters,omitempty"`
	StageVariables                  map[string]string `json:"stageVariables,omitempty"`
	RequestContext                  webSocketContext  `json:"requestContext"`
	Body                            *string           `json:"body,omitempty"`
	IsBase64Encoded                 bool              `json:"isBase64Encoded"`
}

type webSocketContext struct {
	RouteKey             string            `json:"routeKey"`
	Authorizer           map[string]any    `json:"authorizer,omitempty"`
	MessageID            string            `json:"messageId,omitempty"`
	DisconnectStatusCode int               `json:"disconnectStatusCode,omitempty"`
	EventType            string            `json:"eventType"`
	ExtendedRequestID    string            `json:"extendedRequestId"`
	RequestTime          string            `json:"requestTime"`
	MessageDirection     string            `json:"messageDirection"`
	DisconnectReason     *string           `json:"disconnectReason,omitempty"`
	Stage                string            `json:"stage"`
	ConnectedAt          int64             `json:"connectedAt"`
	RequestTimeEpoch     int64             `json:"requestTimeEpoch"`
	Identity             webSocketIdentity `json:"identity"`
	RequestID            string            `json:"requestId"`
	DomainName           string            `json:"domainName"`
	ConnectionID         string            `json:"connectionId"`
	APIID                string            `json:"apiId"`
}

// webSocketIdentity is who is at the other end. What AWS_IAM knows of a signer is absent without it.
type webSocketIdentity struct {
	UserARN   string `json:"userArn,omitempty"`
	UserAgent string `json:"userAgent,omitempty"`
	AccountID string `json:"accountId,omitempty"`
	Caller    string `json:"caller,omitempty"`
	SourceIP  string `json:"sourceIp"`
	AccessKey string `json:"accessKey,omitempty"`
	User      string `json:"user,omitempty"`
}

func (c *conn) eventIdentity() webSocketIdentity {
	who := c.signer
	if who == nil {
		return webSocketIdentity{UserAgent: c.userAgent.Value(), SourceIP: c.sourceIP}
	}
	return webSocketIdentity{who.ARN, c.userAgent.Value(), who.Account, who.UserID, c.sourceIP, who.AccessKeyID, who.UserID}
}

// event returns the event of a call with what all kinds of events share.
func (k *call) event() *webSocketEvent {
	c := k.conn
	return &webSocketEvent{
		StageVariables: k.stage.StageVariables,
		RequestContext: webSocketContext{
			RouteKey:          k.routeKey,
			Authorizer:        c.authorizer,
			EventType:         k.eventType,
			ExtendedRequestID: k.requestID,
			RequestTime:       requestTime(k.at),
			MessageDirection:  "IN",
			Stage:             c.stage,
			ConnectedAt:       c.connected,
			RequestTimeEpoch:  k.at.UnixMilli(),
			Identity:          c.eventIdentity(),
			RequestID:         k.requestID,
			DomainName:        k.domain,
			ConnectionID:      c.ID.String(),
			APIID:             c.apiID,
		},
	}
}

// connectEvent is the event of a handshake. The headers of the upgrade itself are not shown to integrations.
func (k *call) connectEvent(r *http.Request) *webSocketEvent {
	e := k.event()
	headers := clientHeaders(r, k.domain)
	for name := range headers {
		switch http.CanonicalHeaderKey(name) {
		case "Connection", "Upgrade", "Content-Length":
			delete(headers, name)
		}
	}
	e.Headers, e.MultiValueHeaders = lastAndAll(headers)
	e.QueryStringParameters, e.MultiValueQueryStringParameters = lastAndAll(queryOf(r))
	if k.conn.authorizer != nil {
		with := maps.Clone(k.conn.authorizer)
		with["integrationLatency"] = k.authorizerLatency
		e.RequestContext.Authorizer = with
	}
	return e
}

func (k *call) messageEvent(text []byte) *webSocketEvent {
	e := k.event()
	e.RequestContext.MessageID = messageID(k.conn.apiID)
	body := string(text)
	e.Body = &body
	return e
}

func (k *call) disconnectEvent(code int, reason string) *webSocketEvent {
	e := k.event()
	e.RequestContext.DisconnectStatusCode, e.RequestContext.DisconnectReason = code, &reason
	e.Headers, e.MultiValueHeaders = lastAndAll(map[string][]string{
		"Host": {k.domain}, "x-api-key": {""}, "X-Forwarded-For": {""}, "x-restapi": {""},
	})
	return e
}

// requestTime prints a time as requestContext has it: 23/Sep/2024:19:41:30 +0000.
func requestTime(t time.Time) string { return t.UTC().Format("02/Jan/2006:15:04:05 -0700") }

// members is a JSON object whose members stand in the order of their names, whatever their case.
type members []member

type member struct {
	name  string
	value any
}

func (m members) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, e := range m {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(encode(e.name))
		b.WriteByte(':')
		b.Write(encode(e.value))
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// lastAndAll returns the last value of each name and all of them, as the two maps of an event.
func lastAndAll(values map[string][]string) (last, all members) {
	for name, v := range values {
		if len(v) > 0 {
			last = append(last, member{name, v[len(v)-1]})
			all = append(all, member{name, v})
		}
	}
	order := func(a, b member) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.name), strings.ToLower(b.name)), strings.Compare(a.name, b.name))
	}
	slices.SortFunc(last, order)
	slices.SortFunc(all, order)
	return last, all
}

var _ json.Marshaler = members{}

// queryOf returns the decoded query. What cannot be decoded is left out.
func queryOf(r *http.Request) map[string][]string {
	q, _ := url.ParseQuery(r.URL.RawQuery)
	return q
}

// forwardedHeaders returns the headers of a request as integrations see them, with those that the gateway adds.
func forwardedHeaders(r *http.Request, domain string) map[string][]string {
	h := make(map[string][]string, len(r.Header)+5)
	for name, values := range r.Header {
		h[clientSpelling(name)] = values
	}
	h["Host"] = []string{r.Host}
	forwarded := sourceIP(r)
	if before := r.Header.Values("X-Forwarded-For"); len(before) > 0 {
		forwarded = strings.Join(before, ", ") + ", " + forwarded
	}
	h["X-Forwarded-For"] = []string{forwarded}
	proto, port := "http", "80"
	if r.TLS != nil {
		proto, port = "https", "443"
	}
	if _, p, err := net.SplitHostPort(domain); err == nil {
		port = p
	}
	h["X-Forwarded-Port"] = []string{port}
	h["X-Forwarded-Proto"] = []string{proto}
	if id := r.Header.Get("X-Amzn-Trace-Id"); !strings.HasPrefix(id, "Root=1-") {
		h["X-Amzn-Trace-Id"] = []string{fmt.Sprintf("Root=1-%08x-%s", time.Now().Unix(), traceID())}
	}
	return h
}

// clientHeaders are the headers of a handshake as events carry them: each name as the client wrote it first, and those of
// the gateway as it writes them.
func clientHeaders(r *http.Request, domain string) map[string][]string {
	headers := forwardedHeaders(r, domain)
	names := front.HeaderNames(r.Context()) // net/http keeps its own spelling of them
	if names == nil {
		return headers
	}
	seen := map[string]bool{}
	for _, name := range names {
		canonical := http.CanonicalHeaderKey(name)
		if strings.HasPrefix(canonical, "Sec-Websocket-") { // functions look these up in RFC 6455's spelling
			continue
		}
		switch canonical {
		case "Host", "X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Amzn-Trace-Id":
			continue
		}
		key := clientSpelling(canonical)
		if values, ok := headers[key]; ok && !seen[canonical] {
			seen[canonical] = true
			delete(headers, key)
			headers[name] = values
		}
	}
	return headers
}

// clientSpelling undoes the form into which net/http brings the names of headers, where that differs from what clients
// send and functions look up.
func clientSpelling(name string) string {
	if rest, ok := strings.CutPrefix(name, "Sec-Websocket-"); ok {
		return "Sec-WebSocket-" + rest
	}
	if strings.HasPrefix(name, "Sec-Ch-") || name == "X-Api-Key" {
		return strings.ToLower(name)
	}
	if name == "Dnt" {
		return "DNT"
	}
	return name
}

// sourceIP is the address of the TCP peer, whatever the client says of itself.
func sourceIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
