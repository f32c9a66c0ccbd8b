package apigateway

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
	"unique"

	"quotewire/cloud/apigateway/socket"
)

// handshakeGUID is the constant of RFC 6455, section 1.3.
const handshakeGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// serveWebSocket answers a request for a WebSocket API that is no call of @connections: a handshake, if all is well.
func (s *Service) serveWebSocket(w http.ResponseWriter, r *http.Request, a *api, segments []string) {
	switch {
	case r.Method != http.MethodGet:
		refuse(w, a.id(), http.StatusForbidden, "MissingAuthenticationTokenException", "Missing Authentication Token")
		return
	case !isUpgrade(r):
		w.Header().Set("Upgrade", "websocket")
		w.Header().Set("Connection", "Upgrade")
		refuse(w, a.id(), http.StatusUpgradeRequired, "", "Upgrade Required")
		return
	case len(r.RequestURI) > maxURL:
		refuse(w, a.id(), http.StatusRequestURITooLong, "", "URI Too Long")
		return
	}
	if len(segments) == 2 && segments[1] == "" {
		segments = segments[:1]
	}
	view, ok := served{}, false
	if len(segments) == 1 {
		view, ok = s.served(a.id(), segments[0])
	}
	if !ok || s.closed(a, r) {
		s.Log.Info("a handshake was refused: the address is that of no stage with a deployment", "api", a.id(), "path", "/"+strings.Join(segments, "/"))
		refuse(w, a.id(), http.StatusForbidden, "ForbiddenException", "Forbidden")
		return
	}
	if !s.admitConnection() || !s.admit(view, "$connect") {
		refuse(w, a.id(), http.StatusTooManyRequests, "LimitExceededException", "Too Many Requests")
		return
	}
	key := r.Header.Get("Sec-WebSocket-Key")
	if r.Header.Get("Sec-WebSocket-Version") != "13" {
		w.Header().Set("Sec-WebSocket-Version", "13")
		refuse(w, a.id(), http.StatusBadRequest, "BadRequestException", "Bad Request")
		return
	}
	if nonce, err := base64.StdEncoding.DecodeString(key); err != nil || len(nonce) != 16 {
		refuse(w, a.id(), http.StatusBadRequest, "BadRequestException", "Bad Request")
		return
	}
	s.connect(w, r, view, key)
}

// connect asks the authorizer and the integration of $connect, and opens the connection if neither objects.
func (s *Service) connect(w http.ResponseWriter, r *http.Request, view served, key string) {
	now := time.Now()
	c := &conn{
		home: s.hub.home(s, stageID{view.api.id(), view.stage.StageName}), admission: anybody, connected: now.UnixMilli(),
		sourceIP: strings.Clone(sourceIP(r)), userAgent: unique.Make(r.Header.Get("User-Agent")),
	}
	c.ID = s.hub.reserve(c.apiID)
	opened := false
	var k *call
	defer func() {
		if !opened {
			s.hub.remove(c.ID)
			s.finish(k, "handshake", "sourceIp", c.sourceIP)
		}
	}()
	k = s.newCall(view, c, "$connect", "CONNECT")
	k.at = now
	subprotocol := ""
	if k.route != nil {
		if status := s.authorize(k, r); status != 0 {
			k.refuse(w, status)
			return
		}
		if missing := k.missingParameters(r); len(missing) > 0 {
			k.log().Info("a handshake was refused: it has not what requestParameters of $connect require", "missing", missing)
			k.refuseWith(w, http.StatusBadRequest, "Missing required request parameters: ["+strings.Join(missing, ", ")+"]")
			return
		}
		answer, fail := s.integrate(s.ctx, k, k.connectEvent(r), nil)
		if status := connectStatus(k.route, answer, fail); status != 0 {
			if fail == none {
				k.log().Info("the integration of $connect refused the connection", "status", status)
			}
			k.refuse(w, status)
			return
		}
		if answer != nil {
			subprotocol = answer.header("Sec-WebSocket-Protocol")
		}
	}
	opened = s.open(w, k, key, subprotocol)
}

// connectStatus is the status that refuses a handshake after the integration of $connect; 0 lets it through.
func connectStatus(p *path, a *answer, fail failure) int {
	switch fail {
	case none, unmapped:
		if a.status >= 200 && a.status <= 299 {
			return 0
		}
		return a.status
	case timedOut:
		return http.StatusGatewayTimeout
	case notPermitted, badMapping:
		return http.StatusInternalServerError
	case unsupportedMedia:
		return http.StatusUnsupportedMediaType
	case interrupted:
		return http.StatusServiceUnavailable
	}
	return http.StatusBadGateway
}

// open takes the socket over from the HTTP server and starts the connection. The connection is known, and can be posted
// to, before its client reads that it is open: the handshake is the first thing in the queue.
func (s *Service) open(w http.ResponseWriter, k *call, key, subprotocol string) bool {
	if !s.running.enter() { // until Closed
		k.refuse(w, http.StatusServiceUnavailable)
		return false
	}
	taken, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		s.running.leave()
		k.log().Error("the socket cannot be taken over for a WebSocket", "error", err)
		k.refuse(w, http.StatusInternalServerError)
		return false
	}
	early, _ := buffered.Reader.Peek(buffered.Reader.Buffered())
	taken, early = unwrap(taken, early)
	taken.SetDeadline(time.Time{})
	sum := sha1.Sum([]byte(key + handshakeGUID))
	handshake := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: " + base64.StdEncoding.EncodeToString(sum[:]) + "\r\n"
	if subprotocol != "" && !strings.ContainsAny(subprotocol, "\r\n") {
		handshake += "Sec-WebSocket-Protocol: " + subprotocol + "\r\n"
	}
	c := k.conn
	s.sockets.Open(&c.Conn, c, taken, socket.Raw([]byte(handshake+"\r\n")), early)
	k.outcome.status = http.StatusOK
	s.finish(k, "handshake", "sourceIp", c.sourceIP) // before the first message has its line
	s.hub.add(c)
	s.churn.Add()
	if s.ctx.Err() != nil { // Close may not have seen it
		c.Shut(socket.GoingAway, goingAway)
	}
	c.Start()
	return true
}

// unwrap returns the socket below what servers put around one, and what has been read of it.
func unwrap(c net.Conn, read []byte) (net.Conn, []byte) {
	for {
		if c, ok := c.(interface{ Unread() []byte }); ok {
			read = append(read[:len(read):len(read)], c.Unread()...)
		}
		outer, ok := c.(interface{ Unwrap() net.Conn })
		if !ok {
			return c, read
		}
		c = outer.Unwrap()
	}
}

// isUpgrade reports whether a request asks for a WebSocket.
func isUpgrade(r *http.Request) bool {
	return hasToken(r.Header["Upgrade"], "websocket") && hasToken(r.Header["Connection"], "upgrade")
}

// hasToken reports whether comma-separated header lines hold a token, whatever its case.
func hasToken(lines []string, token string) bool {
	for _, line := range lines {
		for t := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(t), token) {
				return true
			}
		}
	}
	return false
}

// refuse answers a handshake with a status, in the form of a gateway response.
func (k *call) refuse(w http.ResponseWriter, status int) {
	text := map[int]string{
		401: "Unauthorized", 403: "Forbidden", 500: "Internal server error", 502: "Internal server error", 504: "Endpoint request timed out",
	}[status]
	if text == "" {
		text = http.StatusText(status)
	}
	k.refuseWith(w, status, text)
}

func (k *call) refuseWith(w http.ResponseWriter, status int, text string) {
	k.failed(status, text)
	answerHeaders(w, k.requestID)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"message": "%s", "connectionId":"%s", "requestId":"%s"}`, text, k.conn.ID, k.requestID)
}
