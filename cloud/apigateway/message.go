package apigateway

import (
	"context"
	"encoding/base64"
	"log/slog"
	"net/http"
	"time"
	"unicode/utf8"

	"quotewire/cloud/apigateway/socket"
)

// served is what one stage serves at one moment.
type served struct {
	api   *api
	stage *stage
	snap  *snapshot
}

// served returns what a stage serves; false if there is no such API or stage, or nothing is deployed to it.
func (s *Service) served(apiID, stageName string) (served, bool) {
	a := s.catalog.get(apiID)
	if a == nil {
		return served{}, false
	}
	st := a.Stages[stageName]
	if st == nil {
		return served{}, false
	}
	snap := a.snapshots[st.DeploymentID]
	return served{a, st, snap}, snap != nil
}

// call is one request of a connection: its handshake, a message, or its end.
type call struct {
	served
	conn      *conn
	route     *path
	routeKey  string
	requestID string
	at        time.Time
	domain    string
	log       logger

	eventType         string // CONNECT, MESSAGE or DISCONNECT
	authorizerLatency int64  // ms that the authorizer took; of a handshake only
	outcome           outcome
}

func (s *Service) newCall(view served, c *conn, routeKey, eventType string) *call {
	k := &call{
		served: view, conn: c, route: view.snap.byKey[routeKey], routeKey: routeKey, eventType: eventType,
		requestID: requestID(c.apiID), at: time.Now(), domain: s.Authority,
	}
	k.log = func() *slog.Logger {
		return s.Log.With("api", c.apiID, "stage", c.stage, "route", routeKey, "connectionId", c.ID.String(), "requestId", k.requestID)
	}
	return k
}

// task is the call for its integration.
func (s *Service) task(k *call) task {
	base := "arn:aws:execute-api:" + s.Region + ":" + s.Account + ":" + k.conn.apiID
	return task{
		in: k.route.integration, timeout: k.route.integration.timeout(s.WebSocketTimeout), variables: k.stage.StageVariables,
		note: &k.outcome.backend, log: k.log,
		sourceARN: base + "/" + k.conn.stage + "/" + k.routeKey,
		grant:     base + "/*/" + k.routeKey,
	}
}

// dispatch selects the route of a message, runs its integration, and sends the client what it is to see of that.
func (s *Service) dispatch(c *conn, text []byte) {
	view, ok := s.served(c.apiID, c.stage)
	if !ok {
		return // the stage was removed: the connection is being closed
	}
	k := s.newCall(view, c, view.snap.selectRoute(text), "MESSAGE")
	s.answerMessage(k, text)
	s.finish(k, "message", "bytes", len(text))
}

func (s *Service) answerMessage(k *call, text []byte) {
	k.outcome.status = http.StatusOK
	if !s.admit(k.served, k.routeKey) {
		k.answerError(http.StatusTooManyRequests, "Too Many Requests")
		return
	}
	if k.route == nil {
		k.log().Info("no route matches the message, and there is no $default: create one of them", "message", shorten(text))
		k.answerError(http.StatusForbidden, "Forbidden")
		return
	}
	if why := k.route.validate(text); why != "" {
		k.log().Info("the message is refused: it does not fit the model of its route: "+why, "message", shorten(text))
		k.outcome.validation = why
		k.answerError(http.StatusBadRequest, "Bad request body")
		return
	}
	answer, fail := s.integrate(s.ctx, k, k.messageEvent(text), text)
	switch fail {
	case none:
		if k.route.twoWay {
			k.reply(answer)
		}
	case interrupted:
	case unmapped:
		if k.route.twoWay {
			k.log().Warn("the client gets an error: the integration has no integration response for its answer; create one with the key $default")
			k.answerError(http.StatusInternalServerError, "Internal server error")
		}
	case timedOut:
		k.answerError(http.StatusGatewayTimeout, "Endpoint request timed out")
	case unsupportedMedia:
		k.answerError(http.StatusUnsupportedMediaType, "Unsupported Media Type")
	default:
		k.answerError(http.StatusInternalServerError, "Internal server error")
	}
}

// selectRoute returns the key of the route that a message is for. $connect and $disconnect are the gateway's own: a
// client cannot name them.
func (s *snapshot) selectRoute(message []byte) string {
	key, ok := s.selection.evaluate(message)
	if !ok || key == "$connect" || key == "$disconnect" || s.byKey[key] == nil {
		return "$default"
	}
	return key
}

// integrate runs the integration of a call.
func (s *Service) integrate(ctx context.Context, k *call, e *webSocketEvent, body []byte) (*answer, failure) {
	in := k.route.integration
	if in == nil {
		k.log().Warn("the route has no integration: give it a target and deploy the API")
		return nil, notPermitted
	}
	if in.IntegrationType != "AWS_PROXY" {
		return s.ask(ctx, k, e, body)
	}
	payload, fail := s.invoke(ctx, s.task(k), e.append(make([]byte, 0, 1024+len(body))))
	if fail != none {
		return nil, fail
	}
	a, err := s.answers.parse(payload)
	if err != nil {
		k.log().Warn("the client gets an error: "+err.Error(), "answer", shorten(payload))
		return nil, badAnswer
	}
	return a, none
}

// reply sends the body of an answer. Frames to clients are text; a body that is not travels in base64.
func (k *call) reply(a *answer) {
	body := a.body
	if !utf8.Valid(body) {
		body = base64.StdEncoding.AppendEncode(nil, body)
	}
	if limit := k.conn.service.MaxMessage; len(body) > limit {
		k.log().Warn("the answer is too long for a message", "bytes", len(body), "limit", limit)
		k.answerError(http.StatusInternalServerError, "Internal server error")
		return
	}
	k.send(body)
}

// answerError sends the error frame of API Gateway, byte for byte: a space after the first colon and after commas. The
// status is for the access log only.
func (k *call) answerError(status int, message string) {
	k.failed(status, message)
	k.send([]byte(`{"message": "` + message + `", "connectionId":"` + k.conn.ID.String() + `", "requestId":"` + k.requestID + `"}`))
}

func (k *call) send(text []byte) {
	if err := k.conn.Send(socket.Text(text)); err != nil {
		k.log().Debug("the answer was not sent", "error", err)
	}
}

// disconnected runs $disconnect, if the API has it, once the socket is closed. Nobody sees the answer.
func (s *Service) disconnected(c *conn, code int, reason string) {
	view, ok := s.served(c.apiID, c.stage)
	if !ok {
		s.Log.Debug("close", "api", c.apiID, "stage", c.stage, "connectionId", c.ID.String(), "code", code, "reason", reason)
		return
	}
	k := s.newCall(view, c, "$disconnect", "DISCONNECT")
	k.outcome.status = http.StatusOK
	if k.route != nil {
		if _, fail := s.integrate(s.ctx, k, k.disconnectEvent(code, reason), nil); fail != none && fail != unmapped {
			k.failed(http.StatusInternalServerError, "Internal server error")
		}
	}
	s.finish(k, "close", "code", code, "reason", reason)
}

// failed notes what the client is told.
func (k *call) failed(status int, message string) {
	k.outcome.status, k.outcome.message, k.outcome.kind = status, message, responseTypes[message]
}
