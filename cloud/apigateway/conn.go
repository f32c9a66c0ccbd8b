package apigateway

import (
	"time"
	"unique"

	"quotewire/cloud/apigateway/socket"
	"quotewire/cloud/iam"
)

// Reasons that AWS gives with its close frames.
const (
	goingAway      = "Going away"
	closedNormally = "Connection Closed Normally"
)

// conn is a WebSocket connection: what the API knows of it, and once its handshake is through, its socket.
type conn struct {
	socket.Conn
	*home
	*admission
	connected int64 // when its handshake began, Unix milliseconds
	sourceIP  string
	userAgent unique.Handle[string]
}

// home is what all connections of a stage share.
type home struct {
	service *Service
	stageID
}

// stageID names a stage of the account.
type stageID struct{ apiID, stage string }

// admission is what the authorization of $connect has found out.
type admission struct {
	authorizer map[string]any // what the Lambda authorizer said, for all later events
	signer     *iam.Principal // who signed the handshake, where $connect has the authorization type AWS_IAM
}

// anybody is that of a $connect without authorization.
var anybody = &admission{}

func (c *conn) connectedAt() time.Time { return time.UnixMilli(c.connected) }

// Message has a message of the client answered. As many of a connection as Limits.Concurrency are at a time, and the
// socket is not read beyond; if that is one, each is answered before the next is read.
func (c *conn) Message(text []byte) {
	started := c.service.running.start(func() {
		defer c.Done()
		if !c.Ended() {
			c.service.dispatch(c, text)
		}
	})
	if !started {
		c.Done()
	}
}

// Closed forgets the connection and has its API told.
func (c *conn) Closed(end socket.End) {
	s := c.service
	defer s.running.leave()
	s.hub.remove(c.ID)
	s.churn.Add()
	s.leaveBoard(c)
	if end.Cut != nil {
		s.Log.Warn("a connection was cut: "+end.Cut.Error(), "api", c.apiID, "stage", c.stage, "connectionId", c.ID.String())
	}
	if s.ctx.Err() == nil {
		s.disconnected(c, end.Code, end.Reason)
	}
}

// sendAll sends a message to many connections and returns how many took it; see [socket.Server.SendAll].
func (s *Service) sendAll(conns []*conn, m *socket.Message) (sent int) {
	return s.sockets.SendAll(func(yield func(*socket.Conn) bool) {
		for _, c := range conns {
			if !yield(&c.Conn) {
				return
			}
		}
	}, m)
}
