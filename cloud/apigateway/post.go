package apigateway

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"
	"unicode/utf8"

	"quotewire/cloud/iam"
	"quotewire/cloud/protocol"
)

// serveConnections answers the @connections API: /{stage}/@connections/{id}. Its checks have the order of AWS.
func (s *Service) serveConnections(w http.ResponseWriter, r *http.Request, apiID, stageName, id string) {
	log := s.Log.With("api", apiID, "stage", stageName, "connectionId", id, "method", r.Method)
	principal, ok := iam.PrincipalFrom(r.Context())
	if !ok {
		refuse(w, apiID, http.StatusForbidden, "MissingAuthenticationTokenException", "Missing Authentication Token")
		return
	}
	switch r.Method {
	case http.MethodPost, http.MethodGet, http.MethodDelete:
	default:
		refuse(w, apiID, http.StatusForbidden, "MissingAuthenticationTokenException", "Missing Authentication Token")
		return
	}
	view, ok := s.served(apiID, stageName)
	if !ok || !view.api.isWebSocket() || view.api.Properties.DisableExecuteAPIEndpoint {
		log.Info("a call of @connections was refused: the address is that of no stage with a deployment")
		refuse(w, apiID, http.StatusForbidden, "ForbiddenException", "Forbidden")
		return
	}
	// The request is judged by its route, with the last part as it stands here: a policy that names one connection
	// allows nothing.
	resource := ":" + apiID + "/" + stageName + "/" + r.Method + "/@connections/{connectionId}"
	arn := "arn:aws:execute-api:" + s.Region + ":"
	if err := s.IAM.Authorize(r.Context(), protocol.RESTJSON, "execute-api:ManageConnections", arn+s.Account+resource, nil); err != nil {
		var denied *protocol.Error
		if !errors.As(err, &denied) {
			log.Error("the caller's policies could not be read", "error", err)
			refuse(w, apiID, http.StatusInternalServerError, "InternalServerErrorException", "Internal server error")
			return
		}
		log.Info("a call of @connections was denied: allow execute-api:ManageConnections in the policy of its caller",
			"caller", principal.ARN, "resource", arn+s.Account+resource)
		writeAnswer(w, apiID, http.StatusForbidden, "AccessDeniedException", encode(map[string]string{
			"Message": "User: " + principal.ARN + " is not authorized to perform: execute-api:ManageConnections on resource: " +
				arn + maskAccount(s.Account) + resource,
		}))
		return
	}
	if _, ok := tagOf(id); !ok {
		requestID := requestID(apiID)
		answerHeaders(w, requestID)
		writeJSON(w, http.StatusBadRequest, "BadRequestException", encode(invalidConnection{"Invalid connectionId: " + id, id, requestID}))
		return
	}
	if !s.admitToAccount(time.Now()) {
		answerHeaders(w, requestID(apiID))
		w.Header().Set("x-amzn-ErrorType", "LimitExceededException")
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	var body []byte
	if r.Method == http.MethodPost {
		var err error
		if body, err = protocol.ReadBody(r, int64(s.MaxMessage)); err != nil {
			var e *protocol.Error
			if errors.As(err, &e) && e.Status == http.StatusRequestEntityTooLarge {
				refuse(w, apiID, e.Status, "PayloadTooLargeException", "Message too long: it may have 131072 bytes")
				return
			}
			refuse(w, apiID, http.StatusBadRequest, "BadRequestException", "the request body did not arrive whole")
			return
		}
		if !utf8.Valid(body) {
			refuse(w, apiID, http.StatusBadRequest, "BadRequestException", "The message is not UTF-8: messages to clients are text")
			return
		}
	}
	c := s.hub.find(id)
	if c == nil || c.apiID != apiID || c.stage != stageName || c.isEnded() {
		s.gone(w, apiID)
		log.Debug("gone")
		return
	}
	switch r.Method {
	case http.MethodPost:
		if err := c.send(textFrame(body)); err != nil {
			if errors.Is(err, errSlow) {
				log.Warn("the connection is cut: its client reads too slowly for what is sent to it", "waiting", s.maxQueued())
			}
			s.gone(w, apiID)
			return
		}
		c.touch()
		log.Debug("post", "bytes", len(body))
		answerHeaders(w, requestID(apiID))
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusOK)
	case http.MethodGet:
		answerHeaders(w, requestID(apiID))
		writeJSON(w, http.StatusOK, "", encode(c.describe()))
	case http.MethodDelete:
		log.Debug("delete")
		c.shut(closeNormal, closedNormally)
		answerHeaders(w, requestID(apiID))
		w.WriteHeader(http.StatusNoContent)
	}
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
		ConnectedAt:  c.connected.UTC().Format(layout),
		Identity:     identity{c.sourceIP, c.userAgent},
		LastActiveAt: time.Unix(0, c.lastActive.Load()).UTC().Format(layout),
	}
}

// gone answers for a connection that is not there, or not yet: a 410 with no body at all.
func (s *Service) gone(w http.ResponseWriter, apiID string) {
	answerHeaders(w, requestID(apiID))
	w.Header().Set("x-amzn-ErrorType", "GoneException")
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusGone)
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
		w.Header().Set("x-amzn-ErrorType", code)
	}
	w.WriteHeader(status)
	w.Write(body)
}

// answerHeaders sets the two ids that every answer carries.
func answerHeaders(w http.ResponseWriter, requestID string) {
	w.Header().Set("x-amzn-RequestId", protocol.RequestID())
	w.Header().Set("x-amz-apigw-id", requestID)
}
