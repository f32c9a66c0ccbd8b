package apigateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"quotewire/cloud/apigateway/socket"
	"quotewire/cloud/front"
	"quotewire/cloud/iam"
	"quotewire/cloud/protocol"
)

// post is one call of the @connections API.
type post struct {
	w                        http.ResponseWriter
	r                        *http.Request
	caller                   iam.Principal // its zero value: nobody has signed it
	apiID, stage, connection string
	requestID                string
	status, bytes            int
}

// serveCallback answers a call of the @connections API, or of the topics API beside it.
func (s *Service) serveCallback(w http.ResponseWriter, r *http.Request, caller iam.Principal, apiID string, to callback) {
	p := &post{w: w, r: r, caller: caller, apiID: apiID, stage: to.stage, connection: to.id, requestID: requestID(apiID)}
	if to.topics {
		s.answerTopics(p)
		return
	}
	s.answerPost(p)
	if s.debugs() { // what nobody reads must cost a post nothing
		p.log(s.Log).Debug("post", "status", p.status, "bytes", p.bytes, "caller", caller.ARN)
	}
}

func (p *post) log(l *slog.Logger) *slog.Logger {
	return l.With("api", p.apiID, "stage", p.stage, "connectionId", p.connection, "requestId", p.requestID, "method", p.r.Method)
}

// answerPost has the order of AWS's checks: the signature, the stage, the policy, the id, the rate, the body, the connection.
func (s *Service) answerPost(p *post) {
	r := p.r
	if r.Method != http.MethodPost && r.Method != http.MethodGet && r.Method != http.MethodDelete {
		p.refuse(http.StatusForbidden, "MissingAuthenticationTokenException", "Missing Authentication Token")
		return
	}
	if !s.mayManage(p) {
		return
	}
	id, ok := socket.ParseID(p.connection)
	if !ok {
		p.answer(http.StatusBadRequest, "BadRequestException", encode(invalidConnection{"Invalid connectionId: " + p.connection, p.connection, p.requestID}))
		return
	}
	if !s.admitToAccount(time.Now()) {
		p.answer(http.StatusTooManyRequests, "LimitExceededException", nil)
		return
	}
	var body []byte
	if r.Method == http.MethodPost {
		var err error
		if body, err = protocol.ReadBody(r, int64(s.MaxMessage)); err != nil {
			var e *protocol.Error
			if errors.As(err, &e) && e.Status == http.StatusRequestEntityTooLarge {
				p.refuse(e.Status, "PayloadTooLargeException", fmt.Sprintf("Message too long: it may have %d bytes", s.MaxMessage))
				return
			}
			p.refuse(http.StatusBadRequest, "BadRequestException", "the request body did not arrive whole")
			return
		}
		if !utf8.Valid(body) {
			p.refuse(http.StatusBadRequest, "BadRequestException", "The message is not UTF-8: messages to clients are text")
			return
		}
	}
	c := s.hub.get(id)
	if c == nil || c.apiID != p.apiID || c.stage != p.stage || c.Ended() {
		p.answer(http.StatusGone, "GoneException", nil)
		return
	}
	switch r.Method {
	case http.MethodPost:
		if err := p.send(c, socket.Text(body)); err != nil {
			p.answer(http.StatusGone, "GoneException", nil)
			return
		}
		p.bytes = len(body)
		p.answer(http.StatusOK, "", nil)
	case http.MethodGet:
		p.answer(http.StatusOK, "", encode(c.describe()))
	case http.MethodDelete:
		c.Shut(socket.Normal, closedNormally)
		p.answer(http.StatusNoContent, "", nil)
	}
}

// postponer is a ResponseWriter whose answer may be held back for a moment, as package front does: what others that came
// with it have to do as well is then done once.
type postponer interface{ Postpone(front.Flusher) bool }

// send sends a message to a connection: in one write with others, if the answer is held back until then.
func (p *post) send(c *conn, m *socket.Message) error {
	w, ok := p.w.(postponer)
	if !ok {
		return c.Send(m)
	}
	left, err := c.Leave(m)
	if left && !w.Postpone(c) {
		c.Flush()
	}
	return err
}

// mayManage tells whether the caller may manage connections of the stage. If not, it has answered.
func (s *Service) mayManage(p *post) bool {
	r := p.r
	if p.caller.Kind == "" {
		p.refuse(http.StatusForbidden, "MissingAuthenticationTokenException", "Missing Authentication Token")
		return false
	}
	view, ok := s.served(p.apiID, p.stage)
	if !ok || !view.api.isWebSocket() || view.api.Properties.DisableExecuteAPIEndpoint && !s.domains.maps(p.apiID) {
		p.log(s.Log).Info("a call of @connections was refused: the address is that of no stage with a deployment, or disableExecuteApiEndpoint is set")
		p.refuse(http.StatusForbidden, "ForbiddenException", "Forbidden")
		return false
	}
	resource := s.managed(view.stage, p, s.Account)
	if err := s.IAM.AuthorizeAs(r.Context(), p.caller, protocol.RESTJSON, "execute-api:ManageConnections", resource, nil); err != nil {
		var denied *protocol.Error
		if !errors.As(err, &denied) {
			p.log(s.Log).Error("the caller's policies could not be read", "error", err)
			p.refuse(http.StatusInternalServerError, "InternalServerErrorException", "Internal server error")
			return false
		}
		p.log(s.Log).Info("a call of @connections was denied: allow execute-api:ManageConnections in the policy of its caller",
			"caller", p.caller.ARN, "resource", resource)
		p.answer(http.StatusForbidden, "AccessDeniedException", encode(map[string]string{
			"Message": "User: " + p.caller.ARN + " is not authorized to perform: execute-api:ManageConnections on resource: " + s.managed(view.stage, p, maskAccount(s.Account)),
		}))
		return false
	}
	return true
}

// managed is the resource of a call. It is judged by its route, with the last part as it stands here: a policy that names one
// connection allows nothing.
func (s *Service) managed(on *stage, p *post, account string) string {
	last := s.lastManaged.Load()
	if last != nil && last.stage == on && last.method == p.r.Method && last.account == account {
		return last.arn
	}
	arn := "arn:aws:execute-api:" + s.Region + ":" + account + ":" + p.apiID + "/" + p.stage + "/" + p.r.Method + "/@connections/{connectionId}"
	s.lastManaged.Store(&managed{on, p.r.Method, account, arn})
	return arn
}

// managed is a resource that calls are judged by.
type managed struct {
	stage           *stage
	method, account string
	arn             string
}

// answer answers with a body of JSON, or with none at all: clients take the error from the header.
func (p *post) answer(status int, code string, body []byte) {
	p.status = status
	answerHeaders(p.w, p.requestID)
	if body != nil {
		writeJSON(p.w, status, code, body)
		return
	}
	if code != "" {
		p.w.Header().Set("X-Amzn-Errortype", code)
	}
	p.w.WriteHeader(status)
}

func (p *post) refuse(status int, code, message string) {
	p.answer(status, code, encode(map[string]string{"message": message}))
}

type invalidConnection struct {
	Message      string `json:"message"`
	ConnectionID string `json:"connectionId"`
	RequestID    string `json:"requestId"`
}

// description is the answer to GetConnection.
type description struct {
	ConnectedAt  string   `json:"connectedAt"`
	Identity     identity `json:"identity"`
	LastActiveAt string   `json:"lastActiveAt"`
}

type identity struct {
	SourceIP  string `json:"sourceIp"`
	UserAgent string `json:"userAgent"`
}

func (c *conn) describe() description {
	const layout = "2006-01-02T15:04:05.000Z"
	return description{
		ConnectedAt:  c.connectedAt().UTC().Format(layout),
		Identity:     identity{c.sourceIP, c.userAgent.Value()},
		LastActiveAt: c.Active().UTC().Format(layout),
	}
}

// maskAccount hides all but the last four digits, as AWS does in this one message.
func maskAccount(account string) string {
	if len(account) < 4 {
		return account
	}
	return "********" + account[len(account)-4:]
}

// refuse answers with an error of the data plane.
func refuse(w http.ResponseWriter, apiID string, status int, code, message string) {
	writeAnswer(w, apiID, status, code, encode(map[string]string{"message": message}))
}

func writeAnswer(w http.ResponseWriter, apiID string, status int, code string, body json.RawMessage) {
	answerHeaders(w, requestID(apiID))
	writeJSON(w, status, code, body)
}

func writeJSON(w http.ResponseWriter, status int, code string, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	if code != "" {
		w.Header().Set("X-Amzn-Errortype", code)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body)
}

// answerHeaders sets the two ids that every answer carries. Whatever their case, net/http sends them in this one.
func answerHeaders(w http.ResponseWriter, requestID string) {
	ids := []string{protocol.RequestID(), requestID}
	w.Header()["X-Amzn-Requestid"], w.Header()["X-Amz-Apigw-Id"] = ids[:1:1], ids[1:]
}
